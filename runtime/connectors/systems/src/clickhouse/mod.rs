//! ClickHouse over its HTTP interface (<https://clickhouse.com/docs/interfaces/http>).

use crate::fields::{PASSWORD, TLS, TLS_CA, USER, failed, secret, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{
    Dialer, TlsMode, TlsSettings,
    http::{HttpRequest, parse_url, send},
    printable,
};
use std::time::{Duration, Instant};

const QUESTION: &str = "SELECT version(), currentDatabase() FORMAT TabSeparated";

static SPEC: KindSpec = KindSpec {
    kind: "clickhouse",
    title: "ClickHouse",
    group: KindGroup::Mpp,
    description: "ClickHouse over HTTP. The test signs in, enters the database and asks for the version.",
    fields: &[
        FieldSpec::new("url", "URL", FieldType::Url, "Address of the HTTP interface: `http://host:8123`").required(),
        FieldSpec::new("database", "Database", FieldType::Text, "The database that tables without a prefix are looked for in")
            .or("default"),
        USER.or("default"),
        PASSWORD,
        TLS.or("verify"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `clickhouse`.
pub(crate) struct ClickHouse {
    dialer: Dialer,
}

impl ClickHouse {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let mut url = parse_url(text(&SPEC, properties, "url")).map_err(|e| failed(Failure::Configuration, format!("`url` {e}")))?;
        let database = text(&SPEC, properties, "database");
        url.query_pairs_mut().clear().append_pair("database", database).append_pair("query", QUESTION);
        // In headers, not in the query, which servers log.
        let request = HttpRequest::get(url)
            .header("x-clickhouse-user", text(&SPEC, properties, "user"))
            .header("x-clickhouse-key", secret(properties, "password"));
        let answer = send(&self.dialer, request, &TlsSettings::of(properties, TlsMode::Verify), until).await?;
        let place = &answer.place;
        // Codes: src/Common/ErrorCodes.cpp of ClickHouse.
        let code = answer.header("x-clickhouse-exception-code").and_then(|code| code.parse::<u32>().ok());
        match (answer.status.as_u16(), code) {
            (_, Some(81)) => {
                return Err(failed(Failure::Missing, format!("{place}: there is no database `{database}`; make it or check the name")));
            }
            (_, Some(192 | 193 | 194 | 516)) | (401 | 403, None) => {
                return Err(failed(Failure::Credentials, format!("{place}: user or password were refused; check both")));
            }
            (_, Some(497)) => {
                return Err(failed(
                    Failure::Credentials,
                    format!("{place}: the user may not use database `{database}`; ask for the permission"),
                ));
            }
            (_, Some(code)) => return Err(failed(Failure::Protocol, format!("{place}: the server answered with error {code}"))),
            (200, None) => {}
            (status, None) => {
                return Err(failed(Failure::Protocol, format!("{place}: status {status}, which is not ClickHouse's; check the URL")));
            }
        }
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let mut parts = body.trim_end().split('\t').map(printable);
        let (Some(version), Some(database)) = (parts.next(), parts.next()) else {
            return Err(failed(
                Failure::Protocol,
                format!("{place}: the answer is not ClickHouse's; check the URL and the kind of the data source"),
            ));
        };
        let message = format!("ClickHouse {version}, database `{database}`");
        Ok(Reached::new(message).with("server", "ClickHouse").with("version", version).with("database", database))
    }
}

#[async_trait]
impl DataSourceKind for ClickHouse {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
