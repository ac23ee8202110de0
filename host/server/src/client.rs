//! The HTTP API as the command line uses it: requests as JSON, errors as problem details (RFC 9457).
//!
//! Invariant: the command line has no other way to the server; what it can do, every program can.

mod problem;
mod table;

pub(crate) use problem::{ClientError, line_of};
pub(crate) use table::{Column, Output};

use problem::problem_of;
use reqwest::{Method, Response, header};
use serde_json::Value;
use std::time::Duration;

/// Longer than the server's own limit, so that its answer is what the user sees.
const REQUEST_MAX: Duration = Duration::from_secs(120);

/// Most time for a file on its way.
const TRANSFER_MAX: Duration = Duration::from_secs(1_800);

/// A server and the right to talk to it.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    cookies: Option<Cookies>,
}

/// The session of somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cookies {
    /// The session's cookie, name and value.
    pub(crate) session: String,
    /// What has to be repeated with each change.
    pub(crate) csrf: String,
}

/// An answer with the tag of the revision it shows.
pub(crate) struct Tagged {
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
}

impl Client {
    /// A client of the server at `base`, `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub(crate) fn new(base: &str, token: Option<String>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(REQUEST_MAX).user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION"))).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token, cookies: None })
    }

    /// The same client with somebody's session, which counts where there is no token.
    pub(crate) fn with_cookies(self, cookies: Option<Cookies>) -> Self {
        Self { cookies, ..self }
    }

    /// The same client without its token.
    pub(crate) fn without_token(self) -> Self {
        Self { token: None, ..self }
    }

    /// Address of the server.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Signs in; answers what the server says and the session.
    pub(crate) async fn sign_in(&self, body: &Value) -> anyhow::Result<(Value, Cookies)> {
        let bare = Self { token: None, cookies: None, ..self.clone() };
        let response = bare.send(Method::POST, "/api/v1/sign-in", Some(body), None).await?;
        let set = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = set.filter_map(|line| line.split(';').next());
        let session = pairs.find(|pair| pair.contains("millrace_session=")).map(str::to_owned);
        let answer = bare.json(response).await?;
        let csrf = answer.get("csrf_token").and_then(Value::as_str).map(str::to_owned);
        match session.zip(csrf) {
            Some((session, csrf)) => Ok((answer, Cookies { session, csrf })),
            None => anyhow::bail!("the server's answer holds no session; is {} a Millrace server?", self.base),
        }
    }

    /// Reads `path`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ClientError> {
        Ok(self.tagged(path).await?.body)
    }

    /// Reads `path` with its revision.
    pub(crate) async fn tagged(&self, path: &str) -> Result<Tagged, ClientError> {
        let response = self.send(Method::GET, path, None, None).await?;
        let etag = response.headers().get(header::ETAG).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok(Tagged { body: self.json(response).await?, etag })
    }

    /// Reads `path`; absent when nothing is there.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Tagged>, ClientError> {
        match self.tagged(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All items of a paged list.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let at = cursor.as_ref().map_or_else(|| path.to_owned(), |c| format!("{path}{separator}cursor={}", encode(c)));
            let mut page = self.get(&at).await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Sends `body` to `path`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.exchange(Method::POST, path, Some(body), None).await
    }

    /// Sends `body` to `path`, which must still have the revision `etag`.
    pub(crate) async fn post_if(&self, path: &str, body: &Value, etag: Option<&str>) -> Result<Value, ClientError> {
        self.exchange(Method::POST, path, Some(body), etag).await
    }

    /// Replaces what is at `path`; `etag` is the revision that was read before.
    pub(crate) async fn put(&self, path: &str, body: &Value, etag: Option<&str>) -> Result<Value, ClientError> {
        self.exchange(Method::PUT, path, Some(body), etag).await
    }

    /// Changes parts of what is at `path`.
    pub(crate) async fn patch(&self, path: &str, body: &Value, etag: Option<&str>) -> Result<Value, ClientError> {
        self.exchange(Method::PATCH, path, Some(body), etag).await
    }

    /// Removes what is at `path`.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, ClientError> {
        self.exchange(Method::DELETE, path, None, None).await
    }

    /// Uploads named parts to `path`, as a form of files.
    pub(crate) async fn upload_parts(&self, path: &str, parts: &[(&str, Vec<u8>)]) -> Result<Value, ClientError> {
        // Random, so that it stands in no part.
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let mut body = Vec::with_capacity(parts.iter().map(|(_, bytes)| bytes.len() + 200).sum());
        for (name, bytes) in parts {
            let head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let media = format!("multipart/form-data; boundary={boundary}");
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, media).timeout(TRANSFER_MAX).body(body);
        let response = request.send().await.map_err(|e| self.unreachable(e))?;
        let response = self.checked(response).await?;
        self.json(response).await
    }

    /// Uploads a file of any size to `path`.
    pub(crate) async fn upload_file(&self, path: &str, file: tokio::fs::File) -> Result<Value, ClientError> {
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/octet-stream").timeout(TRANSFER_MAX);
        let response = request.body(file).send().await.map_err(|e| self.unreachable(e))?;
        let response = self.checked(response).await?;
        self.json(response).await
    }

    /// Downloads what is at `path`, piece by piece.
    pub(crate) async fn download(&self, path: &str, mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> anyhow::Result<()> {
        let response = self.request(Method::GET, path).timeout(TRANSFER_MAX).send().await.map_err(|e| self.unreachable(e))?;
        let mut response = self.checked(response).await?;
        while let Some(piece) = response.chunk().await.map_err(|e| self.unreachable(e))? {
            write(&piece)?;
        }
        Ok(())
    }

    /// Sends `body` to `path` and takes the answer as server-sent events, piece by piece.
    pub(crate) async fn follow(&self, path: &str, body: &Value, mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> anyhow::Result<()> {
        let request = self.request(Method::POST, path).header(header::ACCEPT, "text/event-stream").timeout(TRANSFER_MAX).json(body);
        let response = request.send().await.map_err(|e| self.unreachable(e))?;
        let mut response = self.checked(response).await?;
        while let Some(piece) = response.chunk().await.map_err(|e| self.unreachable(e))? {
            write(&piece)?;
        }
        Ok(())
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>, etag: Option<&str>) -> Result<Value, ClientError> {
        let response = self.send(method, path, body, etag).await?;
        self.json(response).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match (&self.token, &self.cookies) {
            (Some(token), _) => request.bearer_auth(token),
            (None, Some(cookies)) => request.header(header::COOKIE, &cookies.session).header("x-csrf-token", &cookies.csrf),
            (None, None) => request,
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>, etag: Option<&str>) -> Result<Response, ClientError> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let response = request.send().await.map_err(|e| self.unreachable(e))?;
        self.checked(response).await
    }

    async fn checked(&self, response: Response) -> Result<Response, ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        Err(ClientError::Problem(Box::new(problem_of(status.as_u16(), &text))))
    }

    async fn json(&self, response: Response) -> Result<Value, ClientError> {
        let text = response.text().await.map_err(|e| self.unreachable(e))?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        // Metrics and pages are plain text.
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        let error = error.without_url();
        if error.is_timeout() && !error.is_connect() {
            return ClientError::NoAnswer { base: self.base.clone() };
        }
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            reason = inner.to_string();
            cause = inner.source();
        }
        ClientError::Unreachable { base: self.base.clone(), reason }
    }
}

/// Percent-encodes what may not stand in a path segment or query value.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
