//! Connections, transactions and the versioned schema.
//!
//! Invariant: the two databases differ in three places, all of them here: the type of bytes, how a writing transaction
//! begins, and the settings of a connection.

use crate::{
    Clock, IdSource, KeyKeeper, NoKeeper, SecretKey, StoreError, SystemClock, TimeOrderedIds, probe::Probe, sealed::KeyRing,
    transaction::Transaction,
};
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, Connection, Row,
    any::{AnyPoolOptions, install_default_drivers},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Schema changes in order; a released one is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_control_plane.sql"),
    include_str!("../migrations/0002_resources_functions_templates.sql"),
    include_str!("../migrations/0003_capabilities.sql"),
    include_str!("../migrations/0004_builds.sql"),
    include_str!("../migrations/0005_approvals.sql"),
    include_str!("../migrations/0006_people.sql"),
    include_str!("../migrations/0007_job_life.sql"),
    include_str!("../migrations/0008_data_sources.sql"),
    include_str!("../migrations/0009_temp_tables.sql"),
    include_str!("../migrations/0010_governance.sql"),
    include_str!("../migrations/0011_quality_counts.sql"),
    include_str!("../migrations/0012_release_parameters.sql"),
    include_str!("../migrations/0013_shared_temp_tables.sql"),
    include_str!("../migrations/0014_build_contents.sql"),
    include_str!("../migrations/0015_search_in_projects.sql"),
    include_str!("../migrations/0016_people_behind_tokens.sql"),
    include_str!("../migrations/0017_presentation.sql"),
    include_str!("../migrations/0018_templates_in_builds.sql"),
    include_str!("../migrations/0019_written_checkpoints.sql"),
];

/// The migration that brings the catalog.
const GOVERNANCE_MIGRATION: i64 = 10;

/// One number for all nodes that migrate the same PostgreSQL database; chosen once, of no meaning.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7238104405218)";

/// How long a database may take to answer the first connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Where a URL leads, without name and password.
fn address_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split(['/', '?']).next().unwrap_or_default();
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    if host.is_empty() { "this machine".to_owned() } else { host.to_owned() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

/// How to open the store.
#[derive(Debug)]
pub struct StoreOptions {
    /// `sqlite:///path/to/file.db` (made if missing) or `postgres://user:password@host/database`.
    pub url: String,
    /// Key that secrets are sealed with.
    pub key: SecretKey,
    /// Former keys, which still open.
    pub former_keys: Vec<SecretKey>,
    /// Who keeps keys when they change.
    pub keeper: Arc<dyn KeyKeeper>,
    /// Connections at most.
    pub connections_max: u32,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
}

impl StoreOptions {
    /// Options with the machine's clock and time-ordered ids.
    pub fn new(url: impl Into<String>, key: SecretKey) -> Self {
        Self {
            url: url.into(),
            key,
            former_keys: Vec::new(),
            keeper: Arc::new(NoKeeper),
            connections_max: 8,
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
        }
    }
}

/// The metadata store; clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: AnyPool,
    backend: Backend,
    /// Where writers of SQLite stand in line.
    writers: Arc<Mutex<()>>,
    pub(crate) key: KeyRing,
    pub(crate) keeper: Arc<dyn KeyKeeper>,
    pub(crate) probe: Probe,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Store {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// An unknown URL, a database that cannot be reached, or one written by a newer version of the program.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        install_default_drivers();
        let (backend, url) = if options.url.starts_with("sqlite:") {
            let mode = if options.url.contains('?') { "" } else { "?mode=rwc" };
            (Backend::Sqlite, format!("{}{mode}", options.url))
        } else if options.url.starts_with("postgres:") || options.url.starts_with("postgresql:") {
            (Backend::Postgres, options.url.clone())
        } else {
            let message = "expected a URL that begins with `sqlite:` or `postgres:`".to_owned();
            return Err(StoreError::Invalid { field: "database", message });
        };
        if backend == Backend::Postgres {
            // One attempt without the pool, which would hide for its whole patience why nobody answers.
            let connected = tokio::time::timeout(CONNECT_MAX, AnyConnection::connect(&url)).await;
            let silent = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"));
            match connected.map_err(|_| silent()).and_then(|connected| connected) {
                Ok(connection) => connection.close().await?,
                Err(error) => return Err(StoreError::Unreachable { address: address_of(&url), error }),
            }
        }
        let pool = AnyPoolOptions::new()
            .max_connections(options.connections_max)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if backend == Backend::Sqlite {
                        for pragma in ["PRAGMA busy_timeout = 10000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            })
            // A transaction that could not be taken back (SQLite has ended it by itself when its disk was full) would make the
            // connection refuse every later one: it is closed, and the next caller gets another.
            .before_acquire(|connection, _| {
                let is_clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_clean) })
            })
            .after_release(|connection, _| {
                let is_clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_clean) })
            })
            .connect(&url)
            .await?;
        let key = KeyRing::new(options.key, options.former_keys);
        let (writers, probe) = (Arc::default(), Probe::default());
        let store = Self { pool, backend, writers, key, keeper: options.keeper, probe, clock: options.clock, ids: options.ids };
        store.migrate().await?;
        store.adopt_keys().await?;
        Ok(store)
    }

    /// Closes the connections after running queries have ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Milliseconds since the epoch by the store's clock.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A new id: the prefix says what it names.
    pub(crate) fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}_{:032x}", self.ids.next())
    }

    /// Begins a transaction that writes. SQLite must take the write lock at once: a transaction that reads first and
    /// writes later fails when another one wrote in between, however long it waits.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(match self.backend {
            Backend::Sqlite => {
                let turn = self.writers.clone().lock_owned().await;
                Transaction::new(self.pool.begin_with("BEGIN IMMEDIATE").await?, Some(turn))
            }
            Backend::Postgres => Transaction::new(self.pool.begin().await?, None),
        })
    }

    /// Begins a transaction that only reads: what it finds fits together.
    pub(crate) async fn begin_read(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction::new(self.pool.begin().await?, None))
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let bytes = match self.backend {
            Backend::Sqlite => "BLOB",
            Backend::Postgres => "BYTEA",
        };
        let mut tx = self.begin().await?;
        if self.backend == Backend::Postgres {
            sqlx::query(MIGRATION_LOCK).execute(&mut *tx).await?;
        }
        sqlx::query("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, applied_at_ms BIGINT NOT NULL)")
            .execute(&mut *tx)
            .await?;
        let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM schema_versions").fetch_one(&mut *tx).await?;
        let found: i64 = row.try_get("version")?;
        let known = MIGRATIONS.len() as i64;
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        for (version, text) in (1i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
            // The text is ours and the replacement one of two constants.
            sqlx::raw_sql(AssertSqlSafe(text.replace("{bytes}", bytes))).execute(&mut *tx).await?;
            sqlx::query("INSERT INTO schema_versions (version, applied_at_ms) VALUES ($1, $2)")
                .bind(version)
                .bind(self.now_ms())
                .execute(&mut *tx)
                .await?;
        }
        // What was there before the catalog was must be found too.
        if (1..GOVERNANCE_MIGRATION).contains(&found) {
            self.index_all(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_no_password() {
        for (url, expected) in [
            ("postgres://ann:p@ss@db:5432/meta", "db:5432"),
            ("postgres://db/meta?x=1", "db"),
            ("postgres:///meta?host=/run", "this machine"),
        ] {
            assert_eq!(address_of(url), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_named_with_the_reason() {
        let options = StoreOptions::new("postgres://millrace:secret@127.0.0.1:1/meta", SecretKey::new(&[1; 32]));
        let error = Store::open(options).await.unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:1") && error.contains("refused") && !error.contains("secret"), "{error}");
    }
}
