//! Log lines of instances (RUN-5): kept in the metadata database, so that every server shows them and a restart keeps them.
//!
//! Invariant: an instance has [`LINES_MAX`] lines at most and a tenth more between two prunings; ids grow with time, so an
//! id is where a page ends and where a follower goes on.

use crate::{Page, PageRequest, Store, StoreError, row, transaction::Transaction};
use millrace_domain::{
    ProjectScope,
    instance_log::{LogLevel, LogOrigin},
};
use millrace_model::ids::InstanceId;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// Lines that are kept of one instance.
pub const LINES_MAX: i64 = 5_000;
/// Most characters of a line that are kept.
const MESSAGE_CHARACTERS_MAX: usize = 8_192;

/// A line to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogLine {
    /// Whose it is.
    pub instance: InstanceId,
    /// When it was said, in milliseconds since the epoch.
    pub at_ms: i64,
    /// How grave it is.
    pub level: LogLevel,
    /// Who says it.
    pub origin: LogOrigin,
    /// The node that says it.
    pub node: Option<String>,
    /// What.
    pub message: String,
}

/// A kept line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Id, `log_…`; grows with time.
    pub id: String,
    /// When it was said, in milliseconds since the epoch.
    pub at_ms: i64,
    /// How grave it is.
    pub level: LogLevel,
    /// Who says it.
    pub origin: LogOrigin,
    /// The node that says it.
    pub node: Option<String>,
    /// What.
    pub message: String,
}

/// Which lines; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// This grave or graver.
    pub level_min: Option<LogLevel>,
    /// Of this node.
    pub node: Option<String>,
    /// With this text, in whatever case.
    pub text: Option<String>,
    /// Said then or later.
    pub from_ms: Option<i64>,
    /// Said before.
    pub to_ms: Option<i64>,
}

impl Store {
    /// Keeps lines, and forgets the oldest ones of instances that have too many.
    ///
    /// # Errors
    /// The database fails.
    pub async fn append_logs(&self, lines: &[NewLogLine]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for line in lines {
            sqlx::query(
                "INSERT INTO instance_logs (id, instance_id, at_ms, level, level_rank, origin, node, message) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(self.new_id("log"))
            .bind(line.instance.as_str())
            .bind(line.at_ms)
            .bind(line.level.as_str())
            .bind(line.level.rank())
            .bind(line.origin.as_str())
            .bind(line.node.clone())
            .bind(shortened(&line.message))
            .execute(&mut *tx)
            .await?;
        }
        let mut by_instance: BTreeMap<&InstanceId, i64> = BTreeMap::new();
        for line in lines {
            *by_instance.entry(&line.instance).or_default() += 1;
        }
        for instance in by_instance.into_keys() {
            self.prune_logs(&mut tx, instance).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn prune_logs(&self, tx: &mut Transaction, instance: &InstanceId) -> Result<(), StoreError> {
        let kept = sqlx::query("SELECT COUNT(*) AS kept FROM instance_logs WHERE instance_id = $1")
            .bind(instance.as_str())
            .fetch_one(&mut **tx)
            .await?;
        if row::integer(&kept, "kept")? <= LINES_MAX + LINES_MAX / 10 {
            return Ok(());
        }
        sqlx::query(
            "DELETE FROM instance_logs WHERE instance_id = $1 AND id < \
             (SELECT id FROM instance_logs WHERE instance_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
        )
        .bind(instance.as_str())
        .bind(LINES_MAX - 1)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// A page of an instance's lines, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn instance_logs(
        &self,
        scope: &ProjectScope,
        instance: &InstanceId,
        filter: &LogFilter,
        page: &PageRequest,
    ) -> Result<Page<LogLine>, StoreError> {
        const SQL: &str = "SELECT * FROM instance_logs WHERE id < $4 AND instance_id = \
             (SELECT id FROM instances WHERE tenant_id = $1 AND project_id = $2 AND id = $3) \
             AND level_rank >= $5 AND ($6 = '' OR node = $6) AND ($7 = '' OR LOWER(message) LIKE LOWER($8) ESCAPE '!') \
             AND at_ms >= $9 AND at_ms < $10 ORDER BY id DESC LIMIT $11";
        let lines = self.select_logs(SQL, scope, instance, filter, page.before()?, page.rows()).await?;
        Ok(page.page(lines, |line: &LogLine| &line.id))
    }

    /// Lines behind the line `after`, oldest first, `limit` at most.
    ///
    /// # Errors
    /// The database fails.
    pub async fn logs_after(
        &self,
        scope: &ProjectScope,
        instance: &InstanceId,
        filter: &LogFilter,
        after: &str,
        limit: u32,
    ) -> Result<Vec<LogLine>, StoreError> {
        const SQL: &str = "SELECT * FROM instance_logs WHERE id > $4 AND instance_id = \
             (SELECT id FROM instances WHERE tenant_id = $1 AND project_id = $2 AND id = $3) \
             AND level_rank >= $5 AND ($6 = '' OR node = $6) AND ($7 = '' OR LOWER(message) LIKE LOWER($8) ESCAPE '!') \
             AND at_ms >= $9 AND at_ms < $10 ORDER BY id LIMIT $11";
        self.select_logs(SQL, scope, instance, filter, after, i64::from(limit)).await
    }

    async fn select_logs(
        &self,
        sql: &'static str,
        scope: &ProjectScope,
        instance: &InstanceId,
        filter: &LogFilter,
        id: &str,
        limit: i64,
    ) -> Result<Vec<LogLine>, StoreError> {
        let text = filter.text.as_deref().unwrap_or_default();
        let rows = sqlx::query(sql)
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(instance.as_str())
            .bind(id)
            .bind(filter.level_min.map_or(0, LogLevel::rank))
            .bind(filter.node.clone().unwrap_or_default())
            .bind(text)
            .bind(row::contains(text))
            .bind(filter.from_ms.unwrap_or(i64::MIN))
            .bind(filter.to_ms.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(line).collect()
    }
}

fn shortened(message: &str) -> String {
    // PostgreSQL has no NUL in texts.
    message.chars().filter(|c| *c != '\0').take(MESSAGE_CHARACTERS_MAX).collect()
}

fn line(found: &AnyRow) -> Result<LogLine, StoreError> {
    Ok(LogLine {
        id: row::text(found, "id")?,
        at_ms: row::integer(found, "at_ms")?,
        level: row::word(found, "level")?,
        origin: row::word(found, "origin")?,
        node: row::text_or_none(found, "node")?,
        message: row::text(found, "message")?,
    })
}
