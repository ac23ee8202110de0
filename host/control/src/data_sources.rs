//! Data sources: kinds, checks, connectivity tests, and schemas found by sampling (SRC-1, SRC-2, TOP-5).

use crate::{Control, sampling};
use millrace_connector::{
    ConfigError, ConnectivityFailure, ConnectivityReport, DataSourceKind, KindSpec, Properties, Sample, SampleLimits, SampledTable,
    Unreachable,
};
use millrace_model::ids::TenantId;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a connectivity test may take.
const TEST_MAX: Duration = Duration::from_secs(10);
/// Tests and samples under way on this server, of one tenant a quarter of them: each makes clients with threads of their own.
pub(crate) const LOOKS_MAX: usize = 16;
/// How long one waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(10);
/// How long a sample may take.
const SAMPLE_MAX: Duration = Duration::from_secs(15);
/// Bytes that a sample reads.
const SAMPLE_BYTES_MAX: usize = 4 << 20;
/// Rows that a sample looks at most.
pub const SAMPLE_ROWS_MAX: usize = 1_000;
/// Tables that are listed.
const TABLES_MAX: usize = 1_000;

impl Control {
    /// The kinds of data sources that there are, in order.
    pub fn data_source_kinds(&self) -> Vec<KindSpec> {
        self.services.connectors.data_sources().map(|kind| *kind.spec()).collect()
    }

    /// Everything wrong with the properties of a data source; fields are `kind` and `properties.<name>`.
    pub fn check_data_source(&self, kind: &str, properties: &Properties) -> Vec<ConfigError> {
        match self.known(kind) {
            Ok(found) => found.check(properties),
            Err(error) => vec![ConfigError::new("kind", "data_source.unknown_kind", error.message)],
        }
    }

    /// Connects with these properties and says what was reached or exactly what failed (SRC-2).
    pub async fn test_connection(&self, tenant: &TenantId, kind: &str, properties: Properties) -> ConnectivityReport {
        let tested = match self.usable(kind, &properties) {
            Ok(found) => self.in_turn(tenant, async move { Ok(found.test(&properties, TEST_MAX).await) }).await,
            Err(error) => Err(error),
        };
        tested.unwrap_or_else(|error| ConnectivityReport::of(Err(error), Duration::ZERO))
    }

    /// Names of the tables of a data source, and whether there are more.
    ///
    /// # Errors
    /// It cannot be reached, or has no tables.
    pub async fn data_source_tables(
        &self,
        tenant: &TenantId,
        kind: &str,
        properties: &Properties,
    ) -> Result<(Vec<String>, bool), Unreachable> {
        let (found, properties) = (self.usable(kind, properties)?, properties.clone());
        self.in_turn(tenant, async move { found.tables(&properties, &limits(1)).await }).await
    }

    /// The columns of a table as the system describes them, or as its newest messages suggest them.
    ///
    /// # Errors
    /// It cannot be reached, or the table is not there.
    pub async fn sample_data_source(
        &self,
        tenant: &TenantId,
        kind: &str,
        properties: &Properties,
        table: &str,
        rows_max: usize,
    ) -> Result<SampledTable, Unreachable> {
        let (found, properties, table) = (self.usable(kind, properties)?, properties.clone(), table.to_owned());
        match self.in_turn(tenant, async move { found.sample(&properties, &table, &limits(rows_max)).await }).await? {
            Sample::Table(table) => Ok(table),
            Sample::Messages(messages) => sampling::inferred(messages),
        }
    }

    /// Does `look` when the tenant has a place for it, and then to its end, also when nobody waits for it any more: what it has
    /// begun can be taken back no sooner.
    async fn in_turn<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        look: impl Future<Output = Result<T, Unreachable>> + Send + 'static,
    ) -> Result<T, Unreachable> {
        let places = self.looks();
        let Ok(place) = tokio::time::timeout(TURN_MAX, places.take(tenant)).await else {
            let message = format!(
                "{} tests or samples of data sources may be under way at a time, {} of one tenant, and none has ended for {} s; try again",
                places.all(),
                places.each(),
                TURN_MAX.as_secs()
            );
            return Err(Unreachable::new(ConnectivityFailure::Timeout, message));
        };
        let looked = tokio::spawn(async move {
            let _place = place;
            look.await
        });
        looked.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a look at a data source failed");
            Err(Unreachable::new(ConnectivityFailure::Protocol, "this server failed; its log says why".to_owned()))
        })
    }

    fn known(&self, kind: &str) -> Result<Arc<dyn DataSourceKind>, Unreachable> {
        self.services.connectors.data_source(kind).cloned().ok_or_else(|| {
            let known: Vec<_> = self.services.connectors.data_sources().map(|k| k.spec().kind).collect();
            let message = format!("`{kind}` is not a known kind of data source; known kinds are {}", known.join(", "));
            Unreachable::new(ConnectivityFailure::Configuration, message)
        })
    }

    /// The kind, if these properties are right for it: what was stored before a rule came may be wrong by it.
    fn usable(&self, kind: &str, properties: &Properties) -> Result<Arc<dyn DataSourceKind>, Unreachable> {
        let found = self.known(kind)?;
        match found.check(properties).into_iter().next() {
            Some(error) => Err(Unreachable::new(ConnectivityFailure::Configuration, format!("{error}; edit the data source"))),
            None => Ok(found),
        }
    }
}

fn limits(rows_max: usize) -> SampleLimits {
    SampleLimits {
        rows_max: rows_max.clamp(1, SAMPLE_ROWS_MAX),
        bytes_max: SAMPLE_BYTES_MAX,
        tables_max: TABLES_MAX,
        until: Instant::now() + SAMPLE_MAX,
    }
}
