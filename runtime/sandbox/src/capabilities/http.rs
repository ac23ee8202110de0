//! HTTP on behalf of guests.
//!
//! Invariant: a request goes to the host that was granted and to no other: redirects are not followed, the environment's
//! proxies are not used, and a name that resolves to an address that is not public is refused by the very look-up that the
//! connection uses, so that a name cannot change its address in between.

use super::address::is_public;
use millrace_model::ids::TenantId;
use millrace_places::FairPlaces;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Requests under way in this process, of one tenant a quarter of them.
const PARALLEL_MAX: usize = 128;
/// Bytes of a body, of a request or a response.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Bytes of a URL.
const URL_BYTES_MAX: usize = 8 * 1024;
/// Headers of a request or a response.
const HEADERS_MAX: usize = 100;
/// Bytes of all headers together.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Headers that belong to the connection, which is the host's.
const HOST_HEADERS: [&str; 9] =
    ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "proxy-authorization"];

/// A request as a guest asks for it.
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
}

/// The answer.
#[derive(Debug)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The clients of this process.
pub struct HttpClient {
    /// Reaches public addresses only.
    public: Client,
    /// Reaches what a grant names literally.
    literal: Client,
    places: FairPlaces,
}

impl HttpClient {
    /// # Errors
    /// TLS cannot be set up.
    pub fn new() -> Result<Self, String> {
        let builder = || {
            Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .user_agent("millrace")
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(4)
        };
        let failed = |e: reqwest::Error| format!("the HTTP client cannot be set up: {}", reason(&e));
        Ok(Self {
            public: builder().dns_resolver(Arc::new(PublicOnly)).build().map_err(failed)?,
            literal: builder().build().map_err(failed)?,
            places: FairPlaces::quarters(PARALLEL_MAX),
        })
    }

    /// Sends `request` to `url`, which is its own, parsed. `literal`: the grant names a place that is not public.
    pub async fn send(
        &self,
        tenant: &TenantId,
        request: HttpRequest,
        url: Url,
        literal: bool,
        time: Duration,
    ) -> Result<HttpResponse, String> {
        let method =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| format!("`{}` is not an HTTP method", cut(&request.method)))?;
        if method == Method::CONNECT {
            return Err("the method CONNECT is not allowed".into());
        }
        let headers = headers(&request.headers)?;
        if request.body.as_ref().is_some_and(|body| body.len() > BODY_BYTES_MAX) {
            return Err(format!("the request's body has more than {BODY_BYTES_MAX} bytes"));
        }
        let place = place(&url);
        let _place = self.places.take(tenant).await;
        let client = if literal { &self.literal } else { &self.public };
        let mut building = client.request(method, url).headers(headers).timeout(time);
        if let Some(body) = request.body {
            building = building.body(body);
        }
        let mut response = building.send().await.map_err(|e| format!("{place}: {}", reason(&e)))?;
        let mut answer = HttpResponse { status: response.status().as_u16(), headers: answered(response.headers())?, body: Vec::new() };
        while let Some(chunk) = response.chunk().await.map_err(|e| format!("{place}: {}", reason(&e)))? {
            if answer.body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(format!("{place}: the answer has more than {BODY_BYTES_MAX} bytes; ask for less at a time"));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// The URL, if it is one that could be granted.
pub fn parse(text: &str) -> Result<Url, String> {
    if text.len() > URL_BYTES_MAX {
        return Err(format!("the URL has {} bytes, at most {URL_BYTES_MAX} are allowed", text.len()));
    }
    let url = Url::parse(text).map_err(|e| format!("`{}` is not a URL: {e}", cut(text)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("a request to `{}` is not allowed, only `https` and `http` are", cut(url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a user or a password is not allowed; use the header `authorization`".into());
    }
    Ok(url)
}

/// Host and port of a URL, as a grant names them.
pub fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// A request that did not end in time.
pub fn late(time: Duration) -> String {
    format!("the request did not end within {} ms", time.as_millis())
}

fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    crate::log::cut(text, 200)
}

fn headers(asked: &[(String, String)]) -> Result<HeaderMap, String> {
    if asked.len() > HEADERS_MAX {
        return Err(format!("{} headers, at most {HEADERS_MAX} are allowed", asked.len()));
    }
    let bytes: usize = asked.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Err(format!("{bytes} bytes of headers, at most {HEADER_BYTES_MAX} are allowed"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in asked {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{}` is not a name of a header", cut(name)))?;
        if HOST_HEADERS.contains(&key.as_str()) {
            return Err(format!("the header `{key}` is set by the host"));
        }
        let value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of the header `{key}` has characters that no header may have"))?;
        headers.append(key, value);
    }
    Ok(headers)
}

fn answered(headers: &HeaderMap) -> Result<Vec<(String, String)>, String> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(format!(
            "the answer has {} headers of {bytes} bytes, at most {HEADERS_MAX} of {HEADER_BYTES_MAX} are allowed",
            headers.len()
        ));
    }
    Ok(headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect())
}

/// What went wrong, with its causes and without the URL, which may hold a secret.
fn reason(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        return "no answer in time".to_owned();
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the request failed".to_owned()
    };
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if !std::ptr::addr_eq(innermost, error) {
        text = format!("{text}: {innermost}");
    }
    text
}

/// Resolves names to public addresses.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                let message = format!(
                    "`{host}` resolves to an address that is not public; only a grant that names such an address literally reaches it"
                );
                return Err(message.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
