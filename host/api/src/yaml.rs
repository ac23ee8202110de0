//! YAML in and out, for documents that live in Git: the same document as the JSON one.
//!
//! Invariant: a YAML body costs no more than a JSON body of its size would: aliases may not multiply it (`LIMITS`), and it
//! becomes JSON before anything reads it, so that both mean the same.

use crate::{
    extract::{JsonBody, Media},
    problem::Problem,
};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::{OpenApi, PathItem};

/// The media type (RFC 9512).
const YAML: &str = "application/yaml";
/// Nodes that aliases may add to a document, over all of them.
const ALIASED_NODES_MAX: usize = 10_000;
/// Nodes of a document at most.
const NODES_MAX: usize = 200_000;
/// Most bytes of an answer that is converted.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Reads a document.
///
/// # Errors
/// It is not YAML, or too large once its aliases are followed; the text says where.
pub fn read(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_nodes: NODES_MAX,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_depth: 64,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIASED_NODES_MAX,
            max_replay_stack_depth: 8,
        },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Writes a document; texts of several lines stay readable.
///
/// # Errors
/// It has no YAML form.
pub fn write(value: &Value) -> Result<String, String> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: true, compact_list_indent: true };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| error.to_string())
}

/// A body in JSON or YAML that is not read yet.
pub(crate) struct DocumentBody<T>(JsonBody<T>);

impl<S: Send + Sync, T> FromRequest<S> for DocumentBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        JsonBody::from_request(request, state).await.map(Self)
    }
}

impl<T: DeserializeOwned> DocumentBody<T> {
    /// Reads the body.
    pub(crate) fn parse(self) -> Result<T, Problem> {
        if self.0.media() != Media::Yaml {
            return self.0.parse();
        }
        let malformed =
            |detail: String| Problem::new(StatusCode::BAD_REQUEST, "request.malformed_yaml", format!("the body is not YAML: {detail}"));
        let text = std::str::from_utf8(self.0.bytes()).map_err(|error| malformed(error.to_string()))?;
        JsonBody::from_value(read(text).map_err(malformed)?)
    }
}

impl<T: DeserializeOwned + Default> DocumentBody<T> {
    /// Reads the body; an empty one is the default.
    pub(crate) fn parse_or_default(self) -> Result<T, Problem> {
        if self.0.bytes().is_empty() { Ok(T::default()) } else { self.parse() }
    }
}

/// Answers in YAML to those who ask for it.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    let wanted = wants_yaml(request.headers());
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !wanted || !is_json || !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let converted = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|error| error.to_string());
    let converted = converted.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string()));
    match converted.and_then(|value| write(&value)) {
        Ok(text) => {
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(YAML));
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(text))
        }
        Err(error) => Problem::internal(format!("an answer cannot be written as YAML: {error}")).into_response(),
    }
}

/// Whether YAML comes before JSON in `Accept`.
fn wants_yaml(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kinds = accepted.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.into_iter().find(|kind| is_yaml(kind) || *kind == "application/json" || *kind == "*/*").is_some_and(is_yaml)
}

/// Whether `kind` is a media type of YAML.
pub(crate) fn is_yaml(kind: &str) -> bool {
    matches!(kind.to_ascii_lowercase().as_str(), "application/yaml" | "application/x-yaml" | "text/yaml")
}

/// Says in the description that the operations of these paths take and give YAML too.
pub(crate) fn describe(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let PathItem { get, put, post, .. } = item;
        for operation in [get, put, post].into_iter().flatten() {
            if let Some(content) = operation.request_body.as_mut().map(|body| &mut body.content)
                && let Some(json) = content.get("application/json").cloned()
            {
                content.insert(YAML.to_owned(), json);
            }
            for response in operation.responses.responses.values_mut() {
                if let utoipa::openapi::RefOr::T(response) = response
                    && let Some(json) = response.content.get("application/json").cloned()
                {
                    response.content.insert(YAML.to_owned(), json);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Instant;

    #[test]
    fn a_document_comes_back_as_it_was() {
        let odd = [
            "",
            " ",
            "no",
            "null",
            "~",
            "1",
            "1.0",
            "0x1F",
            "1e3",
            "-",
            "a: b",
            "# x",
            "'",
            "\"",
            "a\n",
            "\na",
            "  a\n  b\n",
            "a\n\n\nb",
            "tab\there",
            "ä😀",
            "trailing ",
            "SELECT *\nFROM t -- c\nWHERE a = 'x: y'\n",
            "\r\n",
            "---",
            "...",
            "!tag",
            "*a",
            "&a",
            "<<",
            "@",
            "`",
            "%",
            "0755",
            "1_000",
            ".inf",
        ];
        let document = json!({
            "texts": odd.to_vec(), "by_key": odd.iter().filter(|k| !k.is_empty()).map(|k| ((*k).to_owned(), json!(1))).collect::<serde_json::Map<_, _>>(),
            "numbers": [0, -1, 9_007_199_254_740_993_i64, u64::MAX, 0.5, 1e300], "flags": [true, false, null], "empty": [{}, []],
            "deep": {"nodes": [{"id": "in", "position": {"x": 0.0, "y": -12.5}}]},
        });
        let text = write(&document).unwrap();
        assert_eq!(read(&text).unwrap_or_else(|e| panic!("{e}\n{text}")), document, "{text}");
        let script = write(&json!({"sql": "SELECT 1\nFROM t\n"})).unwrap();
        assert_eq!(script, "sql: |\n  SELECT 1\n  FROM t\n");
    }

    #[test]
    fn aliases_do_not_multiply_a_document() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        let wide = format!("a: &a {:?}\nb: [{}]\n", "x".repeat(60_000), vec!["*a"; 900].join(", "));
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        let itself = "a: &a [*a]\n";
        for text in [bomb.as_str(), &wide, &deep, itself] {
            let begun = Instant::now();
            let error = read(text).expect_err("refused");
            assert!(begun.elapsed().as_secs() < 5 && error.len() < 2_000, "{error}");
        }
        assert_eq!(read("a: &a {x: 1}\nb: *a\n"), Ok(json!({"a": {"x": 1}, "b": {"x": 1}})), "what is small may be repeated");
        for wrong in ["a: 1\na: 2\n", "a: [", "a: 1\n---\nb: 2\n"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn yaml_is_for_those_who_ask_for_it_first() {
        let asked = |accept: &str| wants_yaml(&HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]));
        assert!(asked("application/yaml") && asked("text/html, application/yaml;q=0.9, */*;q=0.1"));
        assert!(!asked("*/*") && !asked("application/json, application/yaml") && !wants_yaml(&HeaderMap::new()));
    }
}
