//! MySQL, MariaDB and what speaks their protocol (Doris, StarRocks): sign-in, database, version; tables and columns from
//! `information_schema`.

mod packet;
mod sampling;
mod sign_in;

use crate::fields::{HOST, PASSWORD, TLS, TLS_CA, USER, port, text};
use async_trait::async_trait;
use millrace_connector::{
    ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached, Sample, SampleLimits, Unreachable,
};
use millrace_dial::{Dialer, printable};
use sign_in::Session;
use std::time::{Duration, Instant};

const DATABASE: FieldSpec = FieldSpec::new("database", "Database", FieldType::Text, "Database that tables are in");

static MYSQL: KindSpec = KindSpec {
    kind: "mysql",
    title: "MySQL / MariaDB",
    group: KindGroup::Relational,
    description: "A MySQL or MariaDB database. The test signs in and enters the database.",
    fields: &[HOST, port("3306"), DATABASE.required(), USER.required(), PASSWORD, TLS.or("disable"), TLS_CA],
    free_prefixes: &[],
    can_sample: true,
};

static DORIS: KindSpec = KindSpec {
    kind: "doris",
    title: "Doris / StarRocks",
    group: KindGroup::Mpp,
    description: "Doris or StarRocks through a frontend's MySQL port. The test signs in and enters the database.",
    fields: &[HOST, port("9030"), DATABASE.required(), USER.required(), PASSWORD, TLS.or("disable"), TLS_CA],
    free_prefixes: &[],
    can_sample: true,
};

/// The kinds `mysql` and `doris`.
pub(crate) struct MySql {
    spec: &'static KindSpec,
    dialer: Dialer,
}

impl MySql {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { spec: &MYSQL, dialer }
    }

    pub(crate) fn doris(dialer: Dialer) -> Self {
        Self { spec: &DORIS, dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let mut session = Session::open(&self.dialer, self.spec, properties, until).await?;
        let comment = session.query("SELECT @@version_comment").await?;
        let comment = comment.into_iter().flatten().flatten().next().map(|c| printable(&c)).unwrap_or_default();
        // MariaDB puts an old version in front, for clients that would not know a number beyond 5.
        let version = session.version.strip_prefix("5.5.5-").unwrap_or(&session.version).to_owned();
        let server = match (version.to_ascii_lowercase(), comment.to_ascii_lowercase()) {
            (_, comment) if comment.contains("starrocks") => "StarRocks",
            (_, comment) if comment.contains("doris") => "Doris",
            (version, comment) if version.contains("mariadb") || comment.contains("mariadb") => "MariaDB",
            _ => "MySQL",
        };
        let database = text(self.spec, properties, "database");
        let encrypted = if session.wire.is_encrypted() { "encrypted" } else { "plain" };
        let reached = Reached::new(format!("{server} {version}, database `{database}`, {encrypted} connection"));
        session.close().await;
        let reached = reached.with("server", server).with("version", version).with("edition", comment);
        Ok(reached.with("database", database).with("connection", encrypted))
    }
}

#[async_trait]
impl DataSourceKind for MySql {
    fn spec(&self) -> &'static KindSpec {
        self.spec
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }

    async fn tables(&self, properties: &Properties, limits: &SampleLimits) -> Result<(Vec<String>, bool), Unreachable> {
        let mut session = Session::open(&self.dialer, self.spec, properties, limits.until).await?;
        let found = sampling::tables(&mut session, limits).await;
        session.close().await;
        found
    }

    async fn sample(&self, properties: &Properties, table: &str, limits: &SampleLimits) -> Result<Sample, Unreachable> {
        let mut session = Session::open(&self.dialer, self.spec, properties, limits.until).await?;
        let found = sampling::sample(&mut session, table, limits).await;
        session.close().await;
        found.map(Sample::Table)
    }
}
