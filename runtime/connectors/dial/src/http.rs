//! One HTTP request at a time to a data source.
//!
//! Invariant: a request goes to the host that its URL names and to no other: a redirect is followed only within the same
//! scheme, host and port, and the environment's proxies are not used. Bodies are bounded. Headers that were sent appear in
//! no error.

use crate::{Dialer, TlsMode, TlsSettings, wire::Stream};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
pub use hyper::{Method, StatusCode, header, http::HeaderMap};
use hyper::{Request, Uri, client::conn::http1};
use hyper_util::rt::TokioIo;
use millrace_connector::{ConnectivityFailure as Failure, Unreachable};
use std::{collections::BTreeMap, time::Instant};
use tokio::time::timeout_at;
pub use url::{Position, Url};

/// Bytes of an answer that are read at most.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Redirects within one host that are followed.
const REDIRECTS_MAX: usize = 3;

/// A request.
#[derive(Clone)]
pub struct HttpRequest {
    /// Its method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Header fields; `host` is added.
    pub headers: Vec<(String, String)>,
    /// What to send.
    pub body: Bytes,
}

impl HttpRequest {
    /// A GET without headers.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: Bytes::new() }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Signs in by name and password (RFC 7617), if there is a name.
    #[must_use]
    pub fn basic_auth(self, properties: &BTreeMap<String, String>) -> Self {
        match properties.get("user") {
            Some(user) => {
                let password = properties.get("password").map(String::as_str).unwrap_or_default();
                self.header("authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            None => self,
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// `host:port` that answered.
    pub place: String,
}

impl HttpAnswer {
    /// The header field, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The URL in a property, checked.
///
/// # Errors
/// It is no URL of HTTP, or holds a user or a password.
pub fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|e| format!("is not a URL ({e}); expected `http://host:port/path` or `https://…`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("is not an HTTP address; expected `http://host:port/path` or `https://…`".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or a password, which everybody could see; put them into their own properties".into());
    }
    Ok(url)
}

/// Sends a request and reads the answer, following redirects within the same host.
///
/// # Errors
/// The step that failed. An answer with any status is none.
pub async fn send(dialer: &Dialer, mut request: HttpRequest, tls: &TlsSettings, until: Instant) -> Result<HttpAnswer, Unreachable> {
    for _ in 0..=REDIRECTS_MAX {
        let answer = exchange(dialer, &request, tls, until).await?;
        if !answer.status.is_redirection() || answer.status == StatusCode::NOT_MODIFIED {
            return Ok(answer);
        }
        let target = answer.header("location").and_then(|l| request.url.join(l).ok());
        match target {
            Some(target) if target.origin() == request.url.origin() => request.url = target,
            target => {
                let whither = target.and_then(|t| t.host_str().map(|h| format!("to `{h}`"))).unwrap_or_else(|| "elsewhere".into());
                let message = format!(
                    "{}: the server redirects {whither}, and redirects to other hosts are not followed; set the URL to where it leads",
                    answer.place
                );
                return Err(Unreachable::new(Failure::Protocol, message));
            }
        }
    }
    let host = request.url.host_str().unwrap_or_default();
    Err(Unreachable::new(Failure::Protocol, format!("{host}: the server redirects without end; check the path of the URL")))
}

async fn exchange(dialer: &Dialer, request: &HttpRequest, tls: &TlsSettings, until: Instant) -> Result<HttpAnswer, Unreachable> {
    let configuration = |message: String| Unreachable::new(Failure::Configuration, message);
    let url = &request.url;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let mut wire = dialer.connect(&host, port, until).await?;
    if url.scheme() == "https" {
        let mode = if tls.mode == TlsMode::Disable { TlsMode::Verify } else { tls.mode };
        wire = wire.secured(&host, &TlsSettings { mode, ca_pem: tls.ca_pem.clone() }).await?;
    }
    let (stream, place, until) = wire.into_parts();
    let target: Uri =
        url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| configuration("the path of the URL is wrong".into()))?;
    let mut building = Request::builder().method(request.method.clone()).uri(target);
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    building = building.header("host", authority).header("user-agent", "millrace").header("connection", "close");
    for (name, value) in &request.headers {
        building = building.header(name.as_str(), value.as_str());
    }
    let message = building
        .body(Full::new(request.body.clone()))
        .map_err(|_| configuration("a header has characters that HTTP does not allow; check the names and values of headers".into()))?;
    let dialogue = talk(stream, message, &place);
    match timeout_at(until.into(), dialogue).await {
        Ok(Ok((status, headers, body))) => Ok(HttpAnswer { status, headers, body, place }),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let message = format!("{place}: the port is open, but the server did not answer in time; is it the right port?");
            Err(Unreachable::new(Failure::Timeout, message))
        }
    }
}

async fn talk(stream: Stream, message: Request<Full<Bytes>>, place: &str) -> Result<(StatusCode, HeaderMap, Bytes), Unreachable> {
    let no_http = |error: hyper::Error| {
        let what = if error.is_parse() || error.is_incomplete_message() { "the answer is not HTTP" } else { "the connection broke" };
        Unreachable::new(Failure::Protocol, format!("{place}: {what}; check the port, and whether it wants `https`"))
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_http)?;
    let asked = async {
        let answer = sender.send_request(message).await.map_err(no_http)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| {
            let long = error.is::<LengthLimitError>();
            let what = if long { "the answer is longer than 1 MiB" } else { "the answer broke off" };
            Unreachable::new(Failure::Protocol, format!("{place}: {what}"))
        })?;
        Ok((head.status, head.headers, body.to_bytes()))
    };
    tokio::pin!(connection, asked);
    let mut ended = false;
    loop {
        tokio::select! {
            biased;
            answer = &mut asked => return answer,
            // How the connection ends is told by the request.
            _ = &mut connection, if !ended => ended = true,
        }
    }
}
