//! Runs of instances as facts of lineage: read from the audit log, where the states of instances are written anyway.

use crate::{Page, PageRequest, Store, StoreError, row};
use millrace_domain::lineage::{RunFact, RunState};
use millrace_model::{graph::JobGraph, ids::TenantId};
use serde_json::Value;
use sqlx::any::AnyRow;

/// A fact of lineage, with the version that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Id of the row of the audit log.
    pub entry: String,
    /// What happened.
    pub fact: RunFact,
    /// The graph that ran.
    pub graph: JobGraph,
    /// What the graph refers to.
    pub pins: Value,
}

const FACTS: &str = "SELECT a.id AS entry, a.action, a.detail_json, a.at_ms, i.id AS instance_id, i.run AS current_run, \
     t.name AS tenant_name, p.name AS project_name, j.name AS job_name, v.number, v.graph_json, v.pins_json \
     FROM audit a JOIN instances i ON i.id = a.object JOIN job_versions v ON v.id = i.version_id JOIN jobs j ON j.id = i.job_id \
     JOIN projects p ON p.id = i.project_id JOIN tenants t ON t.id = i.tenant_id \
     WHERE a.action IN ('instance.launched', 'instance.ended', 'instance.halted', 'instance.failed_for_good')";

impl Store {
    /// Runs that began and ended in the tenant, or in one project of it, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn run_records(&self, tenant: &TenantId, project: Option<&str>, page: &PageRequest) -> Result<Page<RunRecord>, StoreError> {
        let text = format!("{FACTS} AND a.tenant_id = $1 AND a.id < $2 AND ($3 = '' OR a.project_id = $3) ORDER BY a.id DESC LIMIT $4");
        // The text is made of constants.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(tenant.as_str())
            .bind(page.before()?)
            .bind(project.unwrap_or_default())
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        let records = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(page.page(records, |r: &RunRecord| &r.entry))
    }

    /// Takes the turn to deliver to `endpoint`, until `lease_until_ms`; answers the entry after which to go on. None if
    /// another server has the turn. An endpoint that was never delivered to begins with what comes from now on.
    ///
    /// # Errors
    /// The database fails.
    pub async fn claim_deliveries(&self, endpoint: &str, worker: &str, lease_until_ms: i64) -> Result<Option<String>, StoreError> {
        let now_ms = self.now_ms();
        sqlx::query(
            "INSERT INTO lineage_deliveries (endpoint, last_entry, worker, lease_until_ms) \
             VALUES ($1, COALESCE((SELECT MAX(id) FROM audit), ''), '', 0) ON CONFLICT DO NOTHING",
        )
        .bind(endpoint)
        .execute(&self.pool)
        .await?;
        let claimed = sqlx::query(
            "UPDATE lineage_deliveries SET worker = $2, lease_until_ms = $3 WHERE endpoint = $1 AND (worker = $2 OR lease_until_ms <= $4) \
             RETURNING last_entry",
        )
        .bind(endpoint)
        .bind(worker)
        .bind(lease_until_ms)
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        claimed.map(|found| row::text(&found, "last_entry")).transpose()
    }

    /// Facts after `entry` that are older than `before_ms`, oldest first: younger ones may still get a neighbour whose
    /// transaction takes longer.
    ///
    /// # Errors
    /// The database fails.
    pub async fn undelivered(&self, entry: &str, before_ms: i64, limit: i64) -> Result<Vec<RunRecord>, StoreError> {
        let text = format!("{FACTS} AND a.id > $1 AND a.at_ms < $2 ORDER BY a.id LIMIT $3");
        // The text is made of constants.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(entry).bind(before_ms).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(record).collect()
    }

    /// Notes that everything up to `entry` was delivered.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_delivered(&self, endpoint: &str, worker: &str, entry: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE lineage_deliveries SET last_entry = $3 WHERE endpoint = $1 AND worker = $2 AND last_entry < $3")
            .bind(endpoint)
            .bind(worker)
            .bind(entry)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn record(found: &AnyRow) -> Result<RunRecord, StoreError> {
    let detail: Value = row::json(found, "detail_json")?;
    let state = match row::text(found, "action")?.as_str() {
        "instance.launched" if detail.get("is_restart").and_then(Value::as_bool) == Some(true) => RunState::Running,
        "instance.launched" => RunState::Start,
        "instance.failed_for_good" => RunState::Fail,
        _ => RunState::Complete,
    };
    let failure = detail.pointer("/failure/message").and_then(Value::as_str).map(str::to_owned);
    Ok(RunRecord {
        entry: row::text(found, "entry")?,
        fact: RunFact {
            state,
            at_ms: row::integer(found, "at_ms")?,
            instance: row::text(found, "instance_id")?,
            run: detail.get("run").and_then(Value::as_i64).map_or_else(|| row::integer(found, "current_run"), Ok)?,
            tenant: row::text(found, "tenant_name")?,
            project: row::text(found, "project_name")?,
            job: row::text(found, "job_name")?,
            version: row::integer(found, "number")?,
            failure: failure.filter(|_| state == RunState::Fail),
        },
        graph: row::json(found, "graph_json")?,
        pins: row::json(found, "pins_json")?,
    })
}
