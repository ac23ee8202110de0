//! Elasticsearch and OpenSearch over their REST interface, which is the same for all versions from 6 on.

use crate::{
    fields::{PASSWORD, TLS, TLS_CA, USER, failed, secret, text},
    http::refusal,
};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{
    Dialer, TlsMode, TlsSettings,
    http::{HttpAnswer, HttpRequest, Method, StatusCode, Url, parse_url, send},
    printable,
};
use serde::Deserialize;
use std::time::{Duration, Instant};

static SPEC: KindSpec = KindSpec {
    kind: "elasticsearch",
    title: "Elasticsearch / OpenSearch",
    group: KindGroup::BigData,
    description: "A search index. The test signs in, asks for the version and, if one is named, for the index.",
    fields: &[
        FieldSpec::new("url", "URL", FieldType::Url, "Address of a node: `http://host:9200`").required(),
        FieldSpec::new("index", "Index", FieldType::Text, "Index that must be there; empty: any"),
        USER,
        PASSWORD,
        FieldSpec::new("api_key", "API key", FieldType::Text, "Encoded API key, instead of user and password").secret(),
        TLS.or("verify"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `elasticsearch`.
pub(crate) struct Elasticsearch {
    dialer: Dialer,
}

#[derive(Deserialize)]
struct Greeting {
    cluster_name: String,
    version: Version,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    #[serde(default)]
    distribution: Option<String>,
}

impl Elasticsearch {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn ask(&self, properties: &Properties, method: Method, url: Url, until: Instant) -> Result<HttpAnswer, Unreachable> {
        let mut request = HttpRequest { method, ..HttpRequest::get(url) };
        let key = secret(properties, "api_key");
        request = if key.is_empty() { request.basic_auth(properties) } else { request.header("authorization", format!("ApiKey {key}")) };
        send(&self.dialer, request, &TlsSettings::of(properties, TlsMode::Verify), until).await
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let mut url = parse_url(text(&SPEC, properties, "url")).map_err(|e| failed(Failure::Configuration, format!("`url` {e}")))?;
        let base = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&base);
        let answer = self.ask(properties, Method::GET, url.clone(), until).await?;
        refusal(&answer).map_or(Ok(()), Err)?;
        let place = answer.place.clone();
        let greeting: Greeting = serde_json::from_slice(&answer.body).map_err(|_| {
            failed(Failure::Protocol, format!("{place}: the answer is not Elasticsearch's; check the URL and the kind of the data source"))
        })?;
        let product = match greeting.version.distribution.as_deref() {
            Some("opensearch") => "OpenSearch",
            _ => "Elasticsearch",
        };
        let (version, cluster) = (printable(&greeting.version.number), printable(&greeting.cluster_name));
        let index = text(&SPEC, properties, "index");
        let mut message = format!("{product} {version}, cluster `{cluster}`");
        if !index.is_empty() {
            // One segment of the path: a name with a slash must not ask for something else.
            url.path_segments_mut().map(|mut s| _ = s.pop_if_empty().push(index)).unwrap_or_default();
            let answer = self.ask(properties, Method::HEAD, url, until).await?;
            if answer.status == StatusCode::NOT_FOUND {
                let message = format!("{place}: {product} {version} has no index `{index}`; make it or check the name");
                return Err(failed(Failure::Missing, message));
            }
            refusal(&answer).map_or(Ok(()), Err)?;
            message.push_str(&format!(", index `{index}`"));
        }
        Ok(Reached::new(message).with("server", product).with("version", version).with("cluster", cluster).with("index", index))
    }
}

#[async_trait]
impl DataSourceKind for Elasticsearch {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
