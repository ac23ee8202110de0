//! PostgreSQL and Greenplum: sign-in, database, version; tables and columns from `information_schema`.

mod sampling;
mod scram;
mod session;

use crate::fields::{HOST, PASSWORD, TLS, TLS_CA, USER, port, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached, Sample, SampleLimits, Unreachable,
};
use millrace_dial::{Dialer, printable};
use session::Session;
use std::time::{Duration, Instant};

const DATABASE: FieldSpec = FieldSpec::new("database", "Database", FieldType::Text, "Database that tables are in").required();
const SCHEMA: FieldSpec = FieldSpec::new("schema", "Schema", FieldType::Text, "Schema that tables without one are in").or("public");

static POSTGRESQL: KindSpec = KindSpec {
    kind: "postgresql",
    title: "PostgreSQL",
    group: KindGroup::Relational,
    description: "A PostgreSQL database. The test signs in and enters the database.",
    fields: &[HOST, port("5432"), DATABASE, SCHEMA, USER.required(), PASSWORD, TLS.or("disable"), TLS_CA],
    free_prefixes: &[],
    can_sample: true,
};

static GREENPLUM: KindSpec = KindSpec {
    kind: "greenplum",
    title: "Greenplum",
    group: KindGroup::Mpp,
    description: "A Greenplum database through its coordinator. The test signs in and enters the database.",
    fields: &[HOST, port("5432"), DATABASE, SCHEMA, USER.required(), PASSWORD, TLS.or("disable"), TLS_CA],
    free_prefixes: &[],
    can_sample: true,
};

/// The kinds `postgresql` and `greenplum`.
pub(crate) struct PostgreSql {
    spec: &'static KindSpec,
    dialer: Dialer,
}

impl PostgreSql {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { spec: &POSTGRESQL, dialer }
    }

    pub(crate) fn greenplum(dialer: Dialer) -> Self {
        Self { spec: &GREENPLUM, dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let mut session = Session::open(&self.dialer, self.spec, properties, until).await?;
        let full = session.query("SELECT version()").await?;
        let full = full.into_iter().flatten().flatten().next().map(|v| printable(&v)).unwrap_or_default();
        // "PostgreSQL 9.4.26 (Greenplum Database 6.25.3 build …) on …"
        let greenplum =
            full.split_once("(Greenplum Database ").map(|(_, rest)| rest.split([' ', ')']).next().unwrap_or_default().to_owned());
        let (server, version) = match greenplum {
            Some(version) => ("Greenplum", version),
            None => ("PostgreSQL", session.version.clone()),
        };
        let database = text(self.spec, properties, "database");
        let encrypted = if session.wire.is_encrypted() { "encrypted" } else { "plain" };
        session.close().await;
        let reached = Reached::new(format!("{server} {version}, database `{database}`, {encrypted} connection"));
        let reached = reached.with("server", server).with("version", version).with("edition", full);
        Ok(reached.with("database", database).with("connection", encrypted))
    }
}

#[async_trait]
impl DataSourceKind for PostgreSql {
    fn spec(&self) -> &'static KindSpec {
        self.spec
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }

    async fn tables(&self, properties: &Properties, limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
        let mut session = Session::open(&self.dialer, self.spec, properties, limits.until).await?;
        let found = sampling::tables(&mut session, text(self.spec, properties, "schema"), limits).await;
        session.close().await;
        found
    }

    async fn sample(&self, properties: &Properties, table: &str, limits: &SampleLimits) -> Result<Sample, Unreachable> {
        let mut session = Session::open(&self.dialer, self.spec, properties, limits.until).await?;
        let found = sampling::sample(&mut session, text(self.spec, properties, "schema"), table, limits).await;
        session.close().await;
        found.map(Sample::Table)
    }
}
