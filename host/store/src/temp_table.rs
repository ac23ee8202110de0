//! Temp tables (TMP-1): what jobs leave for each other in topics that the platform makes.
//!
//! Invariants: a version's uses are noted in the transaction that makes the version; a table that a job's newest or running
//! version reads, or a running one writes, is not removed; the name in the broker is never given twice.

use crate::{
    Cause, Page, PageRequest, Store, StoreError, audit::done_in, data_source::row_scope, error::unless_taken, named::TEMP_TABLES, row,
    transaction::Transaction,
};
use millrace_domain::{Action, Name, ProjectScope, table_use::foreign_name, temp_table::TableUseDirection};
use millrace_model::{
    Schema,
    graph::JobGraph,
    ids::{DataSourceId, JobId, TempTableId, VersionId},
};
use serde_json::{Value, json};
use sqlx::{Row, any::AnyRow};
use std::collections::BTreeSet;

/// Node kind that reads a temp table.
pub const TEMP_TABLE_SOURCE: &str = "temp_table_source";
/// Node kind that writes a temp table.
pub const TEMP_TABLE_SINK: &str = "temp_table_sink";

/// Where a project keeps its temp tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TempTableSettings {
    /// The system.
    pub data_source: DataSourceId,
    /// Partitions of a new table.
    pub partitions: i64,
    /// Copies of a new table.
    pub replication_factor: i64,
    /// How long a new table keeps records.
    pub retention_ms: i64,
}

/// A temp table.
#[derive(Debug, Clone, PartialEq)]
pub struct TempTable {
    /// Id, `tmp_…`.
    pub id: TempTableId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name, unique in the project.
    pub name: Name,
    /// What it holds.
    pub description: String,
    /// The system that holds it.
    pub data_source: DataSourceId,
    /// Name in the broker.
    pub physical_name: String,
    /// Columns.
    pub schema: Schema,
    /// Message format.
    pub format: Value,
    /// How long it keeps records.
    pub retention_ms: i64,
    /// Who made it: id of the user.
    pub owner: String,
    /// Name of the user.
    pub owner_name: String,
    /// Counts changes.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Changed at.
    pub updated_at_ms: i64,
}

/// A temp table to make.
#[derive(Debug, Clone)]
pub struct NewTempTable {
    /// Name.
    pub name: Name,
    /// What it holds.
    pub description: String,
    /// Columns.
    pub schema: Schema,
    /// How long it keeps records; as the project says unless given.
    pub retention_ms: Option<i64>,
}

/// What can be changed of a temp table.
#[derive(Debug, Clone)]
pub struct TempTableChange {
    /// What it holds.
    pub description: String,
    /// How long it keeps records.
    pub retention_ms: i64,
    /// The revision that the caller has read.
    pub expected_revision: Option<i64>,
}

/// A job that writes or reads a temp table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TempTableUse {
    /// Id and name of the job's project, which may be another than the table's.
    pub project: (String, String),
    /// The job.
    pub job: JobId,
    /// Its name.
    pub job_name: String,
    /// Number of the newest version that does so.
    pub version: i64,
    /// Whether it reads or writes.
    pub direction: TableUseDirection,
    /// Whether the job's newest version still does.
    pub is_current: bool,
    /// Whether an active instance runs such a version.
    pub is_active: bool,
}

/// A version's use with what is known of its job.
const USES: &str = "SELECT p.id AS project_id, p.name AS project_name, j.id AS job_id, j.name AS job_name, MAX(v.number) AS number, u.direction AS direction, \
     MAX(CASE WHEN v.number = (SELECT MAX(m.number) FROM job_versions m WHERE m.job_id = j.id) AND j.deleted_at_ms IS NULL \
     THEN 1 ELSE 0 END) AS is_current, \
     MAX(CASE WHEN EXISTS (SELECT 1 FROM instances i WHERE i.version_id = v.id AND \
     i.state IN ('starting', 'running', 'restarting', 'stopping')) THEN 1 ELSE 0 END) AS is_active \
     FROM temp_table_uses u JOIN job_versions v ON v.id = u.version_id JOIN jobs j ON j.id = v.job_id JOIN projects p ON p.id = j.project_id \
     WHERE u.tenant_id = $1 AND u.project_id = $2 AND u.temp_table_id = $3 \
     GROUP BY j.id, j.name, p.id, p.name, u.direction ORDER BY j.name, u.direction";

/// Temp tables that a graph names, with what it does with them: `visits`, or `project.visits` for one of another project.
/// What dimension tables read may be a topic instead.
pub fn temp_tables_of(graph: &JobGraph) -> BTreeSet<(String, TableUseDirection)> {
    let direction = |kind: &str| match kind {
        TEMP_TABLE_SOURCE => Some(TableUseDirection::Read),
        TEMP_TABLE_SINK => Some(TableUseDirection::Write),
        _ => None,
    };
    let used = graph.nodes.iter().filter_map(|n| Some((n.config.get("table")?.as_str()?.to_owned(), direction(&n.kind)?)));
    let looked_up = graph.dimension_tables.iter().filter_map(|d| Some((d.table.clone()?, TableUseDirection::Read)));
    used.chain(looked_up).collect()
}

impl Store {
    /// Says where a project keeps its temp tables. Those that are there stay where they are.
    ///
    /// # Errors
    /// The data source is not in the project, the project is archived, or the database fails.
    pub async fn set_temp_table_settings(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        settings: &TempTableSettings,
    ) -> Result<TempTableSettings, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        sqlx::query(
            "INSERT INTO temp_table_settings (project_id, tenant_id, data_source_id, partitions, replication_factor, retention_ms, \
             updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project_id) DO UPDATE SET \
             data_source_id = excluded.data_source_id, partitions = excluded.partitions, \
             replication_factor = excluded.replication_factor, retention_ms = excluded.retention_ms, \
             updated_at_ms = excluded.updated_at_ms",
        )
        .bind(scope.project.as_str())
        .bind(scope.tenant.as_str())
        .bind(settings.data_source.as_str())
        .bind(settings.partitions)
        .bind(settings.replication_factor)
        .bind(settings.retention_ms)
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await
        .map_err(|error| match &error {
            sqlx::Error::Database(found) if found.is_foreign_key_violation() => {
                StoreError::not_found("data source", settings.data_source.as_str())
            }
            _ => StoreError::Database(error),
        })?;
        let detail = json!({"data_source": settings.data_source, "partitions": settings.partitions, "retention_ms": settings.retention_ms});
        self.audit(&mut tx, cause, done_in(scope, Action::TempTableConfigure, scope.project.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(settings.clone())
    }

    /// Where a project keeps its temp tables; none until it was said.
    ///
    /// # Errors
    /// The database fails.
    pub async fn temp_table_settings(&self, scope: &ProjectScope) -> Result<Option<TempTableSettings>, StoreError> {
        let found = sqlx::query("SELECT * FROM temp_table_settings WHERE tenant_id = $1 AND project_id = $2")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_optional(&self.pool)
            .await?;
        found.as_ref().map(settings).transpose()
    }

    /// Makes a temp table; the real topic is made afterwards.
    ///
    /// # Errors
    /// The name is taken, by a topic too; the project has not said where it keeps temp tables; it is archived; or the
    /// database fails.
    pub async fn create_temp_table(&self, cause: &Cause, scope: &ProjectScope, new: &NewTempTable) -> Result<TempTable, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let found = sqlx::query("SELECT * FROM temp_table_settings WHERE tenant_id = $1 AND project_id = $2")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let place = settings(&found.ok_or_else(|| StoreError::Invalid {
            field: "project",
            message: "has not said where it keeps temp tables; name a data source in its temp table settings first".into(),
        })?)?;
        let topic = sqlx::query("SELECT id FROM topics WHERE tenant_id = $1 AND project_id = $2 AND name = $3 LIMIT 1")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(new.name.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if topic.is_some() {
            return Err(StoreError::AlreadyExists { what: "topic", name: new.name.to_string() });
        }
        let id = self.new_id("tmp");
        let physical_name = self.temp_physical_name(&mut tx, scope, &new.name, &id).await?;
        let made = sqlx::query(
            "INSERT INTO temp_tables (id, tenant_id, project_id, name, description, data_source_id, physical_name, columns_json, \
             format_json, retention_ms, owner, owner_name, revision, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13) RETURNING *",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.name.as_str())
        .bind(new.description.as_str())
        .bind(place.data_source.as_str())
        .bind(physical_name.as_str())
        .bind(row::to_json(&new.schema)?)
        .bind(json!({"type": "json"}).to_string())
        .bind(new.retention_ms.unwrap_or(place.retention_ms))
        .bind(cause.actor.as_str())
        .bind(cause.actor_name.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("temp table", new.name.as_str()))?;
        let made = temp_table(&made)?;
        let detail = json!({"name": made.name, "physical_name": made.physical_name, "retention_ms": made.retention_ms});
        self.audit(&mut tx, cause, done_in(scope, Action::TempTableEdit, &id, detail)).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Tenant, project and table, so that whoever looks into the broker knows whose it is; the end of the id, so that a
    /// table of a name that was there before begins empty.
    async fn temp_physical_name(&self, tx: &mut Transaction, scope: &ProjectScope, name: &Name, id: &str) -> Result<String, StoreError> {
        let names = sqlx::query(
            "SELECT t.name AS tenant_name, p.name AS project_name FROM projects p JOIN tenants t ON t.id = p.tenant_id \
             WHERE p.tenant_id = $1 AND p.id = $2",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .fetch_one(&mut **tx)
        .await?;
        let end = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
        Ok(format!("millrace.temp.{}.{}.{name}.{end}", row::text(&names, "tenant_name")?, row::text(&names, "project_name")?))
    }

    /// The temp table of this name or id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn temp_table(&self, scope: &ProjectScope, name_or_id: &str) -> Result<TempTable, StoreError> {
        temp_table(&self.named(&TEMP_TABLES, scope, name_or_id).await?)
    }

    /// The temp tables of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn temp_tables(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<TempTable>, StoreError> {
        let rows = self.newest(&TEMP_TABLES, scope, page).await?;
        let tables = rows.iter().map(temp_table).collect::<Result<_, _>>()?;
        Ok(page.page(tables, |t: &TempTable| t.id.as_str()))
    }

    /// Changes a temp table.
    ///
    /// # Errors
    /// It is not there or was changed meanwhile, the project is archived, or the database fails.
    pub async fn change_temp_table(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &TempTableId,
        change: &TempTableChange,
    ) -> Result<TempTable, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let changed = sqlx::query(
            "UPDATE temp_tables SET description = $5, retention_ms = $6, revision = revision + 1, updated_at_ms = $7 \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND (revision = $4 OR $4 = 0) RETURNING *",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(change.expected_revision.unwrap_or(0))
        .bind(change.description.as_str())
        .bind(change.retention_ms)
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.temp_table(scope, id.as_str()).await?.revision;
            let (name, expected) = (id.to_string(), change.expected_revision.unwrap_or(found));
            return Err(StoreError::RevisionConflict { what: "temp table", name, expected, found });
        };
        let changed = temp_table(&changed)?;
        let detail = json!({"revision": changed.revision, "retention_ms": changed.retention_ms});
        self.audit(&mut tx, cause, done_in(scope, Action::TempTableEdit, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes a temp table that nobody needs; the real topic is removed afterwards.
    ///
    /// # Errors
    /// It is not there, or a job reads it or writes it now; the project is archived, or the database fails.
    pub async fn delete_temp_table(&self, cause: &Cause, scope: &ProjectScope, id: &TempTableId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let uses = uses_in(&mut tx, scope, id).await?;
        let needs = |u: &&TempTableUse| u.is_active || (u.direction == TableUseDirection::Read && u.is_current);
        let needed: Vec<String> = uses.iter().filter(needs).map(|u| format!("job `{}` version {}", u.job_name, u.version)).collect();
        if !needed.is_empty() {
            return Err(StoreError::InUse { what: "temp table", name: id.to_string(), by: needed.join(", ") });
        }
        sqlx::query("DELETE FROM temp_table_uses WHERE tenant_id = $1 AND project_id = $2 AND temp_table_id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        self.forget_permissions(&mut tx, scope, id.as_str()).await?;
        let removed =
            sqlx::query("DELETE FROM temp_tables WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING name, physical_name")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(id.as_str())
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| StoreError::not_found("temp table", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?, "physical_name": row::text(&removed, "physical_name")?});
        self.audit(&mut tx, cause, done_in(scope, Action::TempTableDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The jobs that write or read a temp table.
    ///
    /// # Errors
    /// The database fails.
    pub async fn temp_table_uses(&self, scope: &ProjectScope, id: &TempTableId) -> Result<Vec<TempTableUse>, StoreError> {
        let rows =
            sqlx::query(USES).bind(scope.tenant.as_str()).bind(scope.project.as_str()).bind(id.as_str()).fetch_all(&self.pool).await?;
        rows.iter().map(temp_table_use).collect()
    }

    /// Notes which temp tables a new version uses.
    pub(crate) async fn note_temp_tables(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        version: &VersionId,
        graph: &JobGraph,
    ) -> Result<(), StoreError> {
        for (table, direction) in temp_tables_of(graph) {
            let (project, name) = foreign_name(&table).unwrap_or((scope.project.as_str(), &table));
            sqlx::query(
                "INSERT INTO temp_table_uses (tenant_id, project_id, temp_table_id, version_id, direction) \
                 SELECT t.tenant_id, t.project_id, t.id, $4, $5 FROM temp_tables t JOIN projects p ON p.id = t.project_id \
                 WHERE t.tenant_id = $1 AND (p.id = $2 OR p.name = $2) AND (t.name = $3 OR t.id = $3) ON CONFLICT DO NOTHING",
            )
            .bind(scope.tenant.as_str())
            .bind(project)
            .bind(name)
            .bind(version.as_str())
            .bind(direction.as_str())
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}

async fn uses_in(tx: &mut Transaction, scope: &ProjectScope, id: &TempTableId) -> Result<Vec<TempTableUse>, StoreError> {
    let rows = sqlx::query(USES).bind(scope.tenant.as_str()).bind(scope.project.as_str()).bind(id.as_str()).fetch_all(&mut **tx).await?;
    rows.iter().map(temp_table_use).collect()
}

fn settings(found: &AnyRow) -> Result<TempTableSettings, StoreError> {
    Ok(TempTableSettings {
        data_source: DataSourceId::new(row::text(found, "data_source_id")?),
        partitions: row::integer(found, "partitions")?,
        replication_factor: row::integer(found, "replication_factor")?,
        retention_ms: row::integer(found, "retention_ms")?,
    })
}

pub(crate) fn temp_table(found: &AnyRow) -> Result<TempTable, StoreError> {
    Ok(TempTable {
        id: TempTableId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        name: row::word(found, "name")?,
        description: row::text(found, "description")?,
        data_source: DataSourceId::new(row::text(found, "data_source_id")?),
        physical_name: row::text(found, "physical_name")?,
        schema: row::json(found, "columns_json")?,
        format: row::json(found, "format_json")?,
        retention_ms: row::integer(found, "retention_ms")?,
        owner: row::text(found, "owner")?,
        owner_name: row::text(found, "owner_name")?,
        revision: row::integer(found, "revision")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}

fn temp_table_use(found: &AnyRow) -> Result<TempTableUse, StoreError> {
    // PostgreSQL's type of a constant is INTEGER.
    let flag = |name: &str| found.try_get::<i64, _>(name).or_else(|_| found.try_get::<i32, _>(name).map(i64::from));
    Ok(TempTableUse {
        project: (row::text(found, "project_id")?, row::text(found, "project_name")?),
        job: JobId::new(row::text(found, "job_id")?),
        job_name: row::text(found, "job_name")?,
        version: row::integer(found, "number")?,
        direction: row::word(found, "direction")?,
        is_current: flag("is_current")? != 0,
        is_active: flag("is_active")? != 0,
    })
}
