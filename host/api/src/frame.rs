//! The frame around every request: its id, its log line, the panic catcher, the time limit, and problem documents.
//!
//! Invariant: whatever leaves here with an error status is a problem document with the request's id; also what axum
//! itself refuses.

use crate::{
    caller::address,
    problem::Problem,
    refusals::{self, Asked, Refused},
    state::ApiState,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

/// The id of a request, in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Media type of problem documents.
const PROBLEM: &str = "application/problem+json";

/// Runs one request.
pub(crate) async fn frame(State(api): State<ApiState>, mut request: Request, next: Next) -> Response {
    let (id, asked) = (RequestId(format!("req_{}", uuid::Uuid::now_v7().simple())), Asked::default());
    let from = address(request.headers(), request.extensions(), &api.config);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(asked.clone());
    let begun = Instant::now();
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => Problem::internal(format!("panic: {}", panic_text(&*panic))).into_response(),
    };
    let status = response.status();
    if let Some(problem) = response.extensions_mut().remove::<Problem>().or_else(|| refusal_of_axum(&response)) {
        let refused = Refused { id: &id, asked: &asked, method: &method, path: &path, address: &from };
        refusals::note(&api, &problem, refused).await;
        if let Some(internal) = &problem.internal {
            tracing::error!(request_id = id.0, %method, path, %status, internal, "request failed");
        }
        response = document(problem, &id.0);
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(request_id = id.0, %method, path, %status, elapsed_ms, "request");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert("x-request-id", id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Ends a request that takes longer than `limit`.
pub(crate) async fn time_limit(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("the request took longer than {} s and was given up", limit.as_secs());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "request.timeout", detail).into_response()
        }
    }
}

/// No such path.
pub(crate) async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "route.not_found", "there is nothing at this path; see /api/v1/openapi.json")
}

/// The path is there, the method is not.
pub(crate) async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "route.method_not_allowed", "this path has no such method; see /api/v1/openapi.json")
}

/// Errors that never met our code: a path that is not UTF-8, a body over the limit.
fn refusal_of_axum(response: &Response) -> Option<Problem> {
    let status = response.status();
    let (code, detail) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => ("request.too_large", "the body is larger than allowed"),
        _ if status.is_client_error() => ("request.malformed", "the request cannot be read"),
        _ if status.is_server_error() => ("internal", "the server failed; the log names the request"),
        _ => return None,
    };
    Some(Problem::new(status, code, detail))
}

fn document(problem: Problem, request_id: &str) -> Response {
    let (status, retry_after_s) = (problem.status, problem.retry_after_s);
    let document = problem.document(request_id);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}
