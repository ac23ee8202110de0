//! Reads bodies, queries and preconditions, with errors that name the field.
//!
//! Invariant: extraction only takes the bytes; `parse` is called after authorization, so that a caller who may not do
//! something learns nothing about how it would have to be asked for.

use crate::problem::{FieldError, Problem};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{convert::Infallible, marker::PhantomData};

/// A JSON body that is not read yet.
pub(crate) struct JsonBody<T> {
    bytes: Bytes,
    media: Media,
    shape: PhantomData<T>,
}

/// What a body says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Yaml,
    Other,
}

impl<S: Send + Sync, T> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let media = media(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { bytes, media, shape: PhantomData })
    }
}

impl<T: DeserializeOwned> JsonBody<T> {
    /// Reads the body.
    pub(crate) fn parse(self) -> Result<T, Problem> {
        if self.media != Media::Json {
            let detail = "expected a body with `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.media_type", detail));
        }
        not_an_array(self.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'['))?;
        let mut document = serde_json::Deserializer::from_slice(&self.bytes);
        let value = serde_path_to_error::deserialize(&mut document).map_err(|error| wrong_body(&error))?;
        document.end().map_err(|error| malformed(&error))?;
        Ok(value)
    }

    /// Reads a body that has become JSON.
    pub(crate) fn from_value(value: serde_json::Value) -> Result<T, Problem> {
        not_an_array(value.is_array())?;
        serde_path_to_error::deserialize(value).map_err(|error| wrong_body(&error))
    }
}

impl<T> JsonBody<T> {
    /// What it says that it is.
    pub(crate) fn media(&self) -> Media {
        self.media
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl<T: DeserializeOwned + Default> JsonBody<T> {
    /// Reads the body; an empty one is the default.
    pub(crate) fn parse_or_default(self) -> Result<T, Problem> {
        if self.bytes.is_empty() { Ok(T::default()) } else { self.parse() }
    }
}

/// Every body is an object; serde would take an array for the fields in their order.
fn not_an_array(is_array: bool) -> Result<(), Problem> {
    if is_array {
        let detail = "the body is an array; expected an object";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid_body", detail));
    }
    Ok(())
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "request.malformed_json", format!("the body is not JSON: {error}"))
}

fn wrong_body(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return malformed(error.inner());
    }
    let message = error.inner().to_string();
    // serde names missing and unknown fields only in its text: the first name in backticks, below the path.
    let path = error.path().to_string();
    let named = message.split('`').nth(1).filter(|_| message.starts_with("missing field") || message.starts_with("unknown field"));
    let field = match (path.as_str(), named) {
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    };
    let error = FieldError::in_field(&field, "request.invalid", message.clone());
    Problem {
        errors: vec![error],
        ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid_body", format!("`{field}`: {message}"))
    }
}

fn media(headers: &HeaderMap) -> Media {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        Media::Json
    } else if crate::yaml::is_yaml(&kind) {
        Media::Yaml
    } else {
        Media::Other
    }
}

/// A query that is not read yet.
pub(crate) struct QueryString<T> {
    uri: Uri,
    shape: PhantomData<T>,
}

impl<S: Send + Sync, T> FromRequestParts<S> for QueryString<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { uri: parts.uri.clone(), shape: PhantomData })
    }
}

impl<T: DeserializeOwned> QueryString<T> {
    /// Reads the query.
    pub(crate) fn parse(&self) -> Result<T, Problem> {
        let read = Query::<T>::try_from_uri(&self.uri);
        read.map(|Query(value)| value).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "request.invalid_query", error.body_text()))
    }
}

/// The header `If-Match` that is not read yet.
pub(crate) struct IfMatch(Option<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(header::IF_MATCH).cloned()))
    }
}

impl IfMatch {
    /// The revision that the caller has read, if the header is there.
    pub(crate) fn revision(&self) -> Result<Option<i64>, Problem> {
        let Some(value) = &self.0 else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        let digits = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or_default();
        match digits.parse() {
            Ok(revision) => Ok(Some(revision)),
            Err(_) => {
                let detail = "the header If-Match must repeat the ETag that was read, such as \"3\"";
                Err(Problem::new(StatusCode::BAD_REQUEST, "request.if_match", detail))
            }
        }
    }

    /// The revision that the caller has read, where overwriting blindly is not allowed.
    pub(crate) fn required(&self) -> Result<i64, Problem> {
        self.revision()?.ok_or_else(|| {
            let detail = "the header If-Match with the ETag that was read is needed, so that nobody's change is lost";
            Problem::new(StatusCode::PRECONDITION_REQUIRED, "request.if_match", detail)
        })
    }
}

/// A JSON answer with the ETag of its revision.
pub(crate) struct Tagged<T>(pub(crate) StatusCode, pub(crate) i64, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        (self.0, [(header::ETAG, format!("\"{}\"", self.1))], axum::Json(self.2)).into_response()
    }
}
