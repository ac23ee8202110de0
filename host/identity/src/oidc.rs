//! Sign-in at an identity provider: OpenID Connect's authorization code flow with PKCE.
//!
//! Invariant: an ID token counts only if its signature is by a key that the issuer publishes, with an asymmetric
//! algorithm; if issuer, audience, time and nonce are those of this sign-in. Everything that comes from the provider is
//! bounded in size and time, and redirects of the provider's own endpoints are not followed. Tenants choose providers, so they
//! are only where data sources may be too: the look-up that a connection uses answers permitted addresses alone, and no proxy
//! of the environment looks names up instead. A provider is asked by one request at a time, and one that has failed is left
//! alone for a while: anybody can begin a sign-in.

use crate::jws::{self, KeySet, Unverified};
use crate::providers::{Failed, Providers};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use millrace_dial::NetworkPolicy;
use rand::RngCore;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use url::{Host, Url};

/// Most time for one request to a provider.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Largest answer of a provider.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long a provider's description and keys are believed.
const DESCRIPTION_KEPT: Duration = Duration::from_secs(600);
/// How long a provider that has failed is not asked again.
const FAILURE_KEPT: Duration = Duration::from_secs(30);
/// Keys are fetched again for an unknown one at most this often.
const KEYS_AGAIN: Duration = Duration::from_secs(30);
/// Clocks may differ by this.
const LEEWAY_S: u64 = 60;
/// An ID token may be this old.
const TOKEN_AGE_S_MAX: u64 = 600;
/// Longest issuer of a provider that is repeated.
const ISSUER_SHOWN_MAX: usize = 200;

/// How to sign in at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// `https://id.example.com`: what the provider calls itself.
    pub issuer: String,
    /// What the provider calls this server.
    pub client_id: String,
    /// Asked for beside `openid`.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
}

fn default_scopes() -> Vec<String> {
    vec!["profile".into(), "email".into()]
}

/// Where to send the browser, and what to remember until it is back.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// The provider's page.
    pub url: String,
    /// What the provider repeats.
    pub state: String,
    /// What the ID token repeats.
    pub nonce: String,
    /// Proves that the code is ours.
    pub verifier: String,
}

/// What an ID token says.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Who it is to the provider, for ever.
    pub subject: String,
    /// Everything.
    pub all: Map<String, Value>,
}

impl Claims {
    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str)
    }

    /// The texts of a claim that is a text or a list of texts; a dotted name goes into objects.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let mut parts = name.split('.');
        let first = parts.next().and_then(|part| self.all.get(part));
        let found = self.all.get(name).or_else(|| parts.try_fold(first?, |value, part| value.get(part)));
        match found {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Why a sign-in at a provider failed.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider does not answer as it should.
    #[error("the identity provider at {issuer} does not answer as it should: {message}")]
    Provider {
        /// Which.
        issuer: String,
        /// What came, in words that tell nothing of the network around this server.
        message: String,
        /// What came, for the log of this server.
        detail: String,
    },
    /// The settings cannot be.
    #[error("the identity provider's settings are wrong: {0}")]
    Settings(String),
    /// The provider's token does not count.
    #[error("the identity provider's token does not count: {0}")]
    Token(String),
}

/// A provider's description of itself.
#[derive(Debug, Clone, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

pub(crate) struct Known {
    description: Description,
    keys: KeySet,
    pub(crate) at: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
    #[serde(default)]
    access_token: Option<String>,
}

/// Talks to identity providers; clones share what is known of them.
#[derive(Clone)]
pub struct OpenIdClient {
    /// Made when the first provider is asked: most servers have none.
    http: Arc<OnceLock<reqwest::Client>>,
    reach: Arc<Reach>,
    known: Providers,
}

/// What the client may connect to.
struct Reach {
    /// Whether providers on this machine may be spoken to, also without encryption.
    plain_here: bool,
    policy: NetworkPolicy,
}

impl Reach {
    fn permits(&self, address: IpAddr) -> bool {
        self.policy.permits(address) || (self.plain_here && address.to_canonical().is_loopback())
    }
}

/// Looks names up for the client: a connection goes to the very address that was permitted here.
struct Permitted(Arc<Reach>);

impl Resolve for Permitted {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> = all.filter(|address| reach.permits(address.ip())).collect();
            match permitted.is_empty() {
                true => Err(format!("`{}` has no address that may be connected to", name.as_str()).into()),
                false => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

impl OpenIdClient {
    /// A client that speaks HTTPS only, within `policy`, or with `plain_here` also plain HTTP to this machine. A server for
    /// others must not: whoever configures a provider could reach what listens beside it.
    pub fn new(plain_here: bool, policy: NetworkPolicy) -> Self {
        Self { http: Arc::default(), reach: Arc::new(Reach { plain_here, policy }), known: Providers::default() }
    }

    /// A URL that may be asked. Addresses are judged here; names when they are looked up.
    fn endpoint(&self, settings: &OidcSettings, text: &str) -> Result<Url, OidcError> {
        let url = endpoint(settings, text, self.reach.plain_here)?;
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        match address.is_none_or(|address| self.reach.permits(address)) {
            true => Ok(url),
            false => Err(OidcError::Settings(format!(
                "`{text}`: identity providers may not be in that network; ask the platform administrator to allow it \
                 (`source-networks-allowed`)"
            ))),
        }
    }

    fn http(&self) -> Result<&reqwest::Client, OidcError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = reqwest::Client::builder()
            .timeout(REQUEST_MAX)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Permitted(self.reach.clone())))
            .user_agent("millrace")
            .build();
        let http = http.map_err(|error| OidcError::Settings(error.to_string()))?;
        Ok(self.http.get_or_init(|| http))
    }

    /// Whether the provider is there and describes itself as it must.
    ///
    /// # Errors
    /// It does not.
    pub async fn check(&self, settings: &OidcSettings) -> Result<(), OidcError> {
        self.provider(settings, Some(Duration::ZERO)).await.map(drop)
    }

    /// Where to send the browser.
    ///
    /// # Errors
    /// The provider does not describe itself.
    pub async fn begin(&self, settings: &OidcSettings, redirect_uri: &str) -> Result<Redirect, OidcError> {
        let known = self.provider(settings, None).await?;
        let (state, nonce, verifier) = (random(), random(), random());
        let mut url = self.endpoint(settings, &known.description.authorization_endpoint)?;
        let scope = std::iter::once("openid").chain(settings.scopes.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &scope)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Redirect { url: url.into(), state, nonce, verifier })
    }

    /// Takes the code that the browser has brought, and answers who it is.
    ///
    /// # Errors
    /// The provider refuses the code, or its token does not count.
    pub async fn finish(
        &self,
        settings: &OidcSettings,
        client_secret: &str,
        redirect_uri: &str,
        code: &str,
        (verifier, nonce): (&str, &str),
    ) -> Result<Claims, OidcError> {
        let known = self.provider(settings, None).await?;
        let description = &known.description;
        let url = self.endpoint(settings, &description.token_endpoint)?;
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri), ("code_verifier", verifier)];
        let methods = &description.token_endpoint_auth_methods_supported;
        let offers = |method: &str| methods.iter().any(|m| m == method);
        let mut request = self.http()?.post(url);
        // Without a word about it the standard's default is the header.
        if client_secret.is_empty() {
            form.push(("client_id", &settings.client_id));
        } else if methods.is_empty() || offers("client_secret_basic") || !offers("client_secret_post") {
            request = request.basic_auth(encoded(&settings.client_id), Some(encoded(client_secret)));
        } else {
            form.extend([("client_id", settings.client_id.as_str()), ("client_secret", client_secret)]);
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").header("accept", "application/json").body(body);
        let answer: TokenAnswer = self.ask(settings, request).await?;
        let claims = self.read_token(settings, &answer.id_token, nonce).await?;
        match (&description.userinfo_endpoint, answer.access_token) {
            (Some(userinfo), Some(access_token)) => self.more_claims(settings, claims, userinfo, &access_token).await,
            (None, _) | (_, None) => Ok(claims),
        }
    }

    /// Adds what only the provider's userinfo says: many ID tokens hold little more than the subject. What the signed
    /// token says wins.
    async fn more_claims(
        &self,
        settings: &OidcSettings,
        mut claims: Claims,
        userinfo: &str,
        access_token: &str,
    ) -> Result<Claims, OidcError> {
        let request = self.http()?.get(self.endpoint(settings, userinfo)?).bearer_auth(access_token).header("accept", "application/json");
        let more: Map<String, Value> = self.ask(settings, request).await?;
        if more.get("sub").and_then(Value::as_str) != Some(&claims.subject) {
            return Err(OidcError::Token("userinfo is of somebody else".into()));
        }
        for (name, value) in more {
            claims.all.entry(name).or_insert(value);
        }
        Ok(claims)
    }

    async fn read_token(&self, settings: &OidcSettings, token: &str, nonce: &str) -> Result<Claims, OidcError> {
        let wrong = |message: String| OidcError::Token(message);
        let known = self.provider(settings, None).await?;
        let read = match jws::verify(token, &known.keys) {
            // The provider may have changed its keys since they were read.
            Err(Unverified::UnknownKey) => jws::verify(token, &self.provider(settings, Some(KEYS_AGAIN)).await?.keys),
            read => read,
        };
        let all = read.map_err(|error| match error {
            Unverified::UnknownKey => wrong("it is signed with a key that the issuer does not publish".into()),
            Unverified::Wrong(what) => wrong(what.into()),
        })?;
        check_claims(settings, &all, nonce).map_err(wrong)?;
        let subject = all.get("sub").and_then(Value::as_str).filter(|s| !s.is_empty() && s.len() <= 255);
        let subject = subject.ok_or_else(|| wrong("it names no subject".into()))?.to_owned();
        Ok(Claims { subject, all })
    }

    /// What is known of a provider, not older than `fresh` or the usual time. A failure is as good as an answer, but for who
    /// asks for a fresh one.
    async fn provider(&self, settings: &OidcSettings, fresh: Option<Duration>) -> Result<Arc<Known>, OidcError> {
        let place = self.known.place(&settings.issuer);
        let mut kept = place.lock().await;
        let kept_max = fresh.unwrap_or(DESCRIPTION_KEPT);
        match &*kept {
            Some(Ok(known)) if known.at.elapsed() < kept_max => return Ok(known.clone()),
            Some(Err(failed)) if fresh.is_none() && failed.at.elapsed() < FAILURE_KEPT => return Err(failed.error(&settings.issuer)),
            Some(Ok(_) | Err(_)) | None => {}
        }
        let found = self.describe(settings).await.map(Arc::new);
        *kept = match &found {
            Ok(known) => Some(Ok(known.clone())),
            Err(error) => Some(Err(Failed::of(error))),
        };
        found
    }

    /// Asks a provider what it is.
    async fn describe(&self, settings: &OidcSettings) -> Result<Known, OidcError> {
        let issuer = self.endpoint(settings, &settings.issuer)?;
        let path = format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'));
        let description: Description = self.ask(settings, self.http()?.get(path)).await?;
        if description.issuer != settings.issuer {
            return Err(failed(settings, other_issuer(&issuer, &description.issuer), String::new()));
        }
        let keys: KeySet = self.ask(settings, self.http()?.get(self.endpoint(settings, &description.jwks_uri)?)).await?;
        Ok(Known { description, keys, at: Instant::now() })
    }

    async fn ask<T: DeserializeOwned>(&self, settings: &OidcSettings, request: reqwest::RequestBuilder) -> Result<T, OidcError> {
        // Whether nobody listens, nobody answers or TLS fails is for this server's log: it would map the network around it.
        let lost = |error: reqwest::Error| failed(settings, "it cannot be reached".into(), format!("{:?}", error.without_url()));
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(lost)? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(failed(settings, format!("its answer has more than {ANSWER_BYTES_MAX} bytes"), String::new()));
            }
            body.extend_from_slice(&piece);
        }
        if !status.is_success() {
            // OAuth's error codes are words of the standard: `invalid_grant`, `invalid_client`.
            let code = serde_json::from_slice::<Value>(&body).ok().and_then(|v| v.get("error")?.as_str().map(str::to_owned));
            let code = code.filter(|code| code.len() < 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            let code = code.map_or_else(String::new, |code| format!(" ({code})"));
            return Err(failed(settings, format!("HTTP status {}{code}", status.as_u16()), String::new()));
        }
        serde_json::from_slice(&body)
            .map_err(|error| failed(settings, "its answer is not the one that OpenID Connect describes".into(), error.to_string()))
    }
}

fn failed(settings: &OidcSettings, message: String, detail: String) -> OidcError {
    OidcError::Provider { issuer: settings.issuer.clone(), message, detail }
}

/// A provider that calls itself otherwise. Often it is a slash at the end; what another host says is not repeated.
fn other_issuer(asked: &Url, found: &str) -> String {
    let is_same_host = Url::parse(found).is_ok_and(|url| url.host_str() == asked.host_str());
    match is_same_host && found.len() <= ISSUER_SHOWN_MAX {
        true => format!("it calls itself `{found}`; the issuer must be written the same"),
        false => "it calls itself otherwise; the issuer must be written the same".to_owned(),
    }
}

/// Whether a token that is really the issuer's is for us, of this sign-in, and of now (OpenID Connect Core, 3.1.3.7).
fn check_claims(settings: &OidcSettings, all: &Map<String, Value>, nonce: &str) -> Result<(), String> {
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    if text("iss") != Some(&settings.issuer) {
        return Err("it is of another issuer".into());
    }
    let audiences: Vec<&str> = match all.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    if !audiences.contains(&settings.client_id.as_str()) {
        return Err("it is for somebody else".into());
    }
    match text("azp") {
        Some(party) if party != settings.client_id => return Err("it was made for another client".into()),
        None if audiences.len() > 1 => return Err("it is for several parties and does not say for which it was made".into()),
        Some(_) | None => {}
    }
    if text("nonce") != Some(nonce) {
        return Err("it is not of this sign-in: the nonce differs".into());
    }
    // Times may have fractions; what is no number is none.
    let time = |name: &str| all.get(name).and_then(Value::as_f64).map(|seconds| seconds as u64);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let ends = time("exp").ok_or("it does not say when it ends")?;
    let issued = time("iat").ok_or("it does not say when it was made")?;
    let begins = time("nbf").unwrap_or(issued);
    if ends.saturating_add(LEEWAY_S) < now || now.saturating_sub(issued) > TOKEN_AGE_S_MAX + LEEWAY_S {
        return Err("it is too old".into());
    }
    match issued.max(begins) > now + LEEWAY_S {
        true => Err("it is not yet good; do the clocks differ?".into()),
        false => Ok(()),
    }
}

/// A URL of a provider: HTTPS, or plain HTTP on this machine where that is allowed.
fn endpoint(settings: &OidcSettings, text: &str, plain_here: bool) -> Result<Url, OidcError> {
    let wrong = |message: String| OidcError::Settings(format!("`{text}`: {message}"));
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || (plain_here && url.scheme() == "http" && here && settings.issuer.starts_with("http://")) {
        return Ok(url);
    }
    Err(wrong("expected a URL that begins with https://".into()))
}

/// Basic credentials are form-encoded first (RFC 6749, section 2.3.1).
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// 256 random bits as text; also fits PKCE's 43 characters.
fn random() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> OidcSettings {
        OidcSettings { issuer: "https://id.example.com".into(), client_id: "millrace".into(), scopes: Vec::new() }
    }

    #[test]
    fn claims_of_another_sign_in_do_not_count() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let check = |change: &dyn Fn(&mut Map<String, Value>)| {
            let good =
                json!({"iss": "https://id.example.com", "aud": "millrace", "nonce": "n1", "iat": now, "exp": now + 300, "sub": "ann"});
            let mut claims = good.as_object().unwrap().clone();
            change(&mut claims);
            check_claims(&settings(), &claims, "n1")
        };
        let set = |name: &'static str, value: Value| {
            move |claims: &mut Map<String, Value>| {
                claims.insert(name.to_owned(), value.clone());
            }
        };
        assert_eq!(check(&|_| {}), Ok(()));
        assert_eq!(check(&set("aud", json!(["millrace"]))), Ok(()));
        assert_eq!(check(&set("azp", json!("millrace"))), Ok(()));
        for (name, value) in [
            ("iss", json!("https://id.example.com/")),
            ("iss", json!(null)),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("aud", json!(["millrace", "x"])),
            ("azp", json!("other")),
            ("nonce", json!("n2")),
            ("nonce", json!(null)),
            ("iat", json!(now - 3_600)),
            ("iat", json!(now + 3_600)),
            ("iat", json!("now")),
            ("exp", json!(now - 3_600)),
            ("exp", json!("9999999999")),
            ("nbf", json!(now + 3_600)),
        ] {
            assert!(check(&set(name, value.clone())).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn only_https_is_spoken_to_others() {
        let here = OidcSettings { issuer: "http://127.0.0.1:9".into(), ..settings() };
        assert!(endpoint(&settings(), "https://id.example.com/token", true).is_ok());
        assert!(endpoint(&settings(), "http://id.example.com/token", true).is_err());
        assert!(endpoint(&settings(), "http://localhost/token", true).is_err(), "an issuer elsewhere has no endpoint here");
        assert!(endpoint(&here, "http://127.0.0.1:9/token", true).is_ok());
        assert!(endpoint(&here, "http://127.0.0.1:9/token", false).is_err(), "a server for others reaches nothing beside it");
        assert!(endpoint(&settings(), "file:///etc/passwd", true).is_err());
    }

    #[test]
    fn claims_are_found_by_dotted_names() {
        let all = json!({"groups": ["a", "b"], "realm_access": {"roles": ["c"]}, "hd": "example.com"});
        let claims = Claims { subject: "1".into(), all: all.as_object().unwrap().clone() };
        assert_eq!(claims.texts("groups"), ["a", "b"]);
        assert_eq!(claims.texts("realm_access.roles"), ["c"]);
        assert_eq!(claims.texts("hd"), ["example.com"]);
        assert!(claims.texts("nothing.here").is_empty());
    }

    fn at(issuer: &str) -> OidcSettings {
        OidcSettings { issuer: issuer.into(), ..settings() }
    }

    #[tokio::test]
    async fn providers_are_only_where_data_sources_may_be() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = OpenIdClient::new(false, NetworkPolicy::default());
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "2130706433"] {
            let error = client.check(&at(&format!("https://{host}:{port}"))).await.unwrap_err();
            assert!(error.to_string().contains("may not be in that network"), "{host}: {error}");
        }
        // A name is judged by the look-up that the connection uses; what it is refused for is not told.
        let error = client.check(&at(&format!("https://localhost:{port}"))).await.unwrap_err();
        assert!(error.to_string().ends_with("does not answer as it should: it cannot be reached"), "{error}");
        let untouched = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(untouched.is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn a_provider_that_fails_is_left_alone_for_a_while() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = asked.clone();
        let serving = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(b"HTTP/1.1 500 Oops\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        let client = OpenIdClient::new(true, NetworkPolicy::default());
        let settings = at(&issuer);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (client, settings) = (client.clone(), settings.clone());
            all.spawn(async move { client.begin(&settings, "http://127.0.0.1/back").await });
        }
        for answer in all.join_all().await {
            assert!(answer.unwrap_err().to_string().contains("HTTP status 500"));
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "all sign-ins together");
        // Whoever configures it is answered anew.
        assert!(client.check(&settings).await.is_err());
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 2);
        serving.abort();
    }

    #[test]
    fn only_a_provider_of_the_same_host_is_quoted() {
        let asked = Url::parse("https://id.example.com").unwrap();
        assert!(other_issuer(&asked, "https://id.example.com/").contains("`https://id.example.com/`"));
        assert!(!other_issuer(&asked, "secret of another service").contains("secret"));
    }
}
