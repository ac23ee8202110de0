//! HTTP: one request to an address.

use crate::fields::{PASSWORD, TLS, TLS_CA, USER, failed, secret, text};
use async_trait::async_trait;
use millrace_connector::{
    ConfigError, ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties,
    Reached, Unreachable,
};
use millrace_dial::{
    Dialer, TlsMode, TlsSettings,
    http::{HttpAnswer, HttpRequest, Method, parse_url, send},
    printable,
};
use std::time::{Duration, Instant};

/// Header fields that belong to the connection.
const OWN_HEADERS: &[&str] = &["host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "user-agent"];

static SPEC: KindSpec = KindSpec {
    kind: "http",
    title: "HTTP",
    group: KindGroup::Other,
    description: "An HTTP address. The test asks it once; redirects to other hosts are not followed.",
    fields: &[
        FieldSpec::new("url", "URL", FieldType::Url, "The address, without user and password").required(),
        FieldSpec::new("method", "Method", FieldType::Choice { values: &["GET", "HEAD", "OPTIONS"] }, "Method of the test's request")
            .or("GET"),
        USER,
        PASSWORD,
        FieldSpec::new("bearer_token", "Token", FieldType::Text, "Sent as `authorization: Bearer …`").secret(),
        TLS.or("verify"),
        TLS_CA,
    ],
    free_prefixes: &["header."],
    can_sample: false,
};

/// The kind `http`.
pub(crate) struct Http {
    dialer: Dialer,
}

impl Http {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let url = parse_url(text(&SPEC, properties, "url")).map_err(|e| failed(Failure::Configuration, format!("`url` {e}")))?;
        let method = match text(&SPEC, properties, "method") {
            "HEAD" => Method::HEAD,
            "OPTIONS" => Method::OPTIONS,
            _ => Method::GET,
        };
        let mut request = HttpRequest { method, ..HttpRequest::get(url) }.basic_auth(properties);
        let token = secret(properties, "bearer_token");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in properties.iter().filter_map(|(name, value)| Some((name.strip_prefix("header.")?, value))) {
            request = request.header(name, value.as_str());
        }
        let answer = send(&self.dialer, request, &TlsSettings::of(properties, TlsMode::Verify), until).await?;
        refusal(&answer).map_or(Ok(()), Err)?;
        let (status, place) = (answer.status.as_u16(), &answer.place);
        let server = answer.header("server").map(printable).unwrap_or_default();
        let media_type = answer.header("content-type").map(printable).unwrap_or_default();
        let reached = Reached::new(format!("{place} answered with status {status}"));
        Ok(reached.with("status", status.to_string()).with("server", server).with("media_type", media_type))
    }
}

/// What is wrong with an answer, if something is, by its status.
pub(crate) fn refusal(answer: &HttpAnswer) -> Option<Unreachable> {
    let place = &answer.place;
    let (failure, what) = match answer.status.as_u16() {
        200..300 => return None,
        401 | 403 | 407 => (Failure::Credentials, "the server refuses the sign-in; check user, password or token"),
        404 | 410 => (Failure::Missing, "the server has nothing at this path; check it"),
        405 => (Failure::Protocol, "the server does not take this method here"),
        429 => (Failure::Protocol, "the server is asked too often; try again later"),
        500.. => (Failure::Protocol, "the server has a failure of its own; look into its log"),
        _ => (Failure::Protocol, "the server does not take the request"),
    };
    Some(failed(failure, format!("{place}: status {}: {what}", answer.status.as_u16())))
}

#[async_trait]
impl DataSourceKind for Http {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn check(&self, properties: &Properties) -> Vec<ConfigError> {
        let mut errors = SPEC.check(properties);
        for name in properties.keys() {
            let Some(header) = name.strip_prefix("header.") else { continue };
            let is_name = !header.is_empty() && header.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            if !is_name || OWN_HEADERS.contains(&header.to_ascii_lowercase().as_str()) {
                let message =
                    "is not a header that can be set: expected a name of letters, digits and `-` that is not the connection's own";
                errors.push(ConfigError::new(format!("properties.{name}"), "config.invalid", message));
            }
        }
        errors
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
