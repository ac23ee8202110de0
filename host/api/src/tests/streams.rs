//! Streams end with their readers' right to them.

use super::{Browser, Server, request};
use crate::ApiConfig;
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};
use std::time::Duration;

const TENANT: &str = "/api/v1/tenants/acme";

async fn furnished() -> (Server, String) {
    let (stream_check, follow_max) = (Duration::from_millis(20), Duration::from_secs(60));
    let server = Server::with(ApiConfig { stream_check, follow_max, ..ApiConfig::default() }).await;
    let instance = server.furnish("acme").await;
    (server, format!("{TENANT}/projects/web/instances/{instance}/logs/follow"))
}

fn by_token(token: &str, path: &str) -> Request<Body> {
    request(Some(token), Method::GET, path, &Value::Null, None)
}

fn by_session(browser: &Browser, path: &str) -> Request<Body> {
    let mut request = request(None, Method::GET, path, &Value::Null, None);
    request.headers_mut().insert(header::COOKIE, browser.cookies.parse().unwrap());
    request
}

/// Follows until the stream ends by itself, which `change` brings about.
async fn ends(server: &Server, following: Request<Body>, change: impl Future<Output = ()>) {
    let changed = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        change.await;
    };
    let both = async { tokio::join!(server.send(following), changed).0 };
    let answer = tokio::time::timeout(Duration::from_secs(20), both).await.expect("the stream ends with the right to it");
    let text = answer.body.as_str().unwrap();
    assert!(text.contains("event: closed\ndata: {\"closed\":\"access_ended\"}"), "{text}");
}

#[tokio::test]
async fn a_stream_ends_with_the_token() {
    let (server, path) = furnished().await;
    let new = json!({"name": "ci", "role": "developer", "project": "web", "scopes": ["read"]});
    let made = server.post(&server.admin, &format!("{TENANT}/tokens"), new).await.ok();
    let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap());
    ends(&server, by_token(secret, &path), async {
        let gone = server.call(&server.admin, Method::DELETE, &format!("{TENANT}/tokens/{id}"), Value::Null).await;
        assert!(gone.status.is_success(), "{gone:?}");
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_with_the_role_the_session_and_the_user() {
    let (server, path) = furnished().await;
    let roles = json!([{"role": "developer", "project": "web"}]);
    let mut bob = server.person(Some("acme"), "bob", roles.clone()).await;
    let at = format!("{TENANT}/users/bob/roles");
    let etag = server.get(&server.admin, &at).await.headers[header::ETAG].to_str().unwrap().to_owned();
    ends(&server, by_session(&bob, &path), async {
        let body = json!({"roles": []});
        let taken = server.send(request(Some(&server.admin), Method::PUT, &at, &body, Some(&etag))).await;
        assert!(taken.status.is_success(), "{taken:?}");
    })
    .await;

    let etag = server.get(&server.admin, &at).await.headers[header::ETAG].to_str().unwrap().to_owned();
    server.send(request(Some(&server.admin), Method::PUT, &at, &json!({"roles": roles}), Some(&etag))).await.ok();
    ends(&server, by_session(&bob, &path), async {
        let out = server.browse(&bob, Method::POST, "/api/v1/sign-out", Value::Null).await;
        assert!(out.status.is_success(), "{out:?}");
    })
    .await;

    server.sign_in(&mut bob, super::PASSWORD).await.ok();
    ends(&server, by_session(&bob, &path), async {
        let gone = server.call(&server.admin, Method::DELETE, &format!("{TENANT}/users/bob"), Value::Null).await;
        assert!(gone.status.is_success(), "{gone:?}");
    })
    .await;
}
