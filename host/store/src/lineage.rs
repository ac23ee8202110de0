//! Lineage as it is stored: what submitted versions do with tables and columns.
//!
//! Invariant: the rows of a version are written in the transaction that submits it, from its graph and pins alone. A
//! version counts while it is the newest of its job or one of its instances is active.

mod events;

use crate::{Store, StoreError, row, transaction::Transaction};
use millrace_domain::lineage::{COLUMNS_MAX, TableUse, column_origins, table_uses};
use millrace_model::{graph::JobGraph, ids::TenantId};
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

pub use events::RunRecord;

/// Tables that one question walks through at most.
const TABLES_MAX: usize = 500;

/// What a job's version does with a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineageUse {
    /// Id of the table; empty for what is not in the catalog.
    pub table: String,
    /// Its name.
    pub table_name: String,
    /// What is done with it.
    pub usage: TableUse,
    /// Id and name of the job.
    pub job: (String, String),
    /// Id and name of the job's project.
    pub project: (String, String),
    /// Id and number of the version.
    pub version: (String, i64),
    /// Whether an instance of the version is active.
    pub is_active: bool,
    /// Id of the table's project; none for what is not in the catalog (any more).
    pub owner: Option<String>,
    /// Whether everybody in the tenant may know of the table: it is published, and its project is not archived.
    pub is_published: bool,
}

impl LineageUse {
    /// Whether somebody who `sees` the tables of some projects, by id, may know of the table. What is not in the catalog is known
    /// where the job is that names it.
    pub fn is_known(&self, sees: &(dyn Fn(&str) -> bool + Sync)) -> bool {
        self.is_published || sees(self.owner.as_deref().unwrap_or(&self.project.0))
    }
}

/// A column and one that its values are made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineageColumn {
    /// Id of the version.
    pub version: String,
    /// Id, name and column of the table that is written.
    pub to: (String, String, String),
    /// Id, name and column of the table that is read.
    pub from: (String, String, String),
}

/// What is around a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// What jobs do with the tables that were reached.
    pub uses: Vec<LineageUse>,
    /// Lineage of columns among them.
    pub columns: Vec<LineageColumn>,
    /// Whether there is more than what one question walks through.
    pub is_cut: bool,
}

/// Versions that count.
const COUNTS: &str = "j.deleted_at_ms IS NULL AND (v.number = (SELECT MAX(n.number) FROM job_versions n WHERE n.job_id = j.id) \
     OR EXISTS (SELECT 1 FROM instances i WHERE i.version_id = v.id AND i.state IN ('starting', 'running', 'restarting', 'stopping')))";

impl Store {
    /// Writes the lineage of a version that was just submitted.
    pub(crate) async fn index_version(&self, tx: &mut Transaction, version: &str) -> Result<(), StoreError> {
        let found = sqlx::query("SELECT * FROM job_versions WHERE id = $1").bind(version).fetch_optional(&mut **tx).await?;
        let Some(found) = found else { return Ok(()) };
        let (tenant, project) = (row::text(&found, "tenant_id")?, row::text(&found, "project_id")?);
        let (graph, pins): (JobGraph, serde_json::Value) = (row::json(&found, "graph_json")?, row::json(&found, "pins_json")?);
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for used in table_uses(&graph, &pins) {
            let id = if used.in_catalog { table_id(tx, &tenant, &project, &used.table).await? } else { String::new() };
            sqlx::query(
                "INSERT INTO lineage_uses (tenant_id, project_id, job_id, version_id, node, usage, table_id, table_name) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .bind(tenant.as_str())
            .bind(project.as_str())
            .bind(row::text(&found, "job_id")?)
            .bind(version)
            .bind(used.node.as_str())
            .bind(used.usage.as_str())
            .bind(id.as_str())
            .bind(used.table.as_str())
            .execute(&mut **tx)
            .await?;
            known.insert(used.table, id);
        }
        let origins = column_origins(&pins);
        let pairs: Vec<_> = origins.iter().flat_map(|to| to.from.iter().map(move |from| (to, from))).take(COLUMNS_MAX).collect();
        for (position, (to, from)) in (0i64..).zip(pairs) {
            let id = |table: &str| known.get(table).cloned().unwrap_or_default();
            sqlx::query(
                "INSERT INTO lineage_columns (tenant_id, version_id, position, table_id, table_name, column_name, from_table_id, \
                 from_table_name, from_column) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(tenant.as_str())
            .bind(version)
            .bind(position)
            .bind(id(&to.table))
            .bind(to.table.as_str())
            .bind(to.column.as_str())
            .bind(id(&from.table))
            .bind(from.table.as_str())
            .bind(from.column.as_str())
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    /// What is around a table, up to `depth` jobs away, upstream, downstream or both. Behind a table of which the asker may not
    /// know (see [`LineageUse::is_known`]) nothing is looked for.
    ///
    /// # Errors
    /// The database fails.
    pub async fn lineage(
        &self,
        tenant: &TenantId,
        table: &str,
        depth: u32,
        (up, down): (bool, bool),
        sees: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Lineage, StoreError> {
        let mut uses = BTreeSet::new();
        let mut is_cut = false;
        for toward_inputs in [true, false] {
            if (toward_inputs && !up) || (!toward_inputs && !down) {
                continue;
            }
            let mut seen: BTreeSet<String> = [table.to_owned()].into();
            let mut edge = vec![table.to_owned()];
            for _ in 0..depth {
                let mut next = Vec::new();
                for table in std::mem::take(&mut edge) {
                    for step in self.versions_at(tenant, &table, toward_inputs).await? {
                        let beyond = step.usage.is_input() == toward_inputs && !step.table.is_empty() && step.is_known(sees);
                        if beyond && seen.insert(step.table.clone()) {
                            next.push(step.table.clone());
                        }
                        uses.insert(step);
                    }
                    if seen.len() > TABLES_MAX {
                        is_cut = true;
                        next.clear();
                    }
                }
                edge = next;
            }
        }
        let mut columns = BTreeSet::new();
        let versions: BTreeSet<&str> = uses.iter().map(|u: &LineageUse| u.version.0.as_str()).collect();
        for version in versions {
            let rows = sqlx::query("SELECT * FROM lineage_columns WHERE tenant_id = $1 AND version_id = $2 ORDER BY position")
                .bind(tenant.as_str())
                .bind(version)
                .fetch_all(&self.pool)
                .await?;
            for found in &rows {
                columns.insert(column(found)?);
            }
        }
        Ok(Lineage { uses: uses.into_iter().collect(), columns: columns.into_iter().collect(), is_cut })
    }

    /// Everything that the versions which write (or read) `table` do with tables.
    async fn versions_at(&self, tenant: &TenantId, table: &str, as_output: bool) -> Result<Vec<LineageUse>, StoreError> {
        let touching = if as_output { "('write', 'dead_letters')" } else { "('read', 'look_up')" };
        let text = format!(
            "SELECT u.*, j.name AS job_name, p.name AS project_name, v.number AS version_number, \
             CAST(CASE WHEN EXISTS (SELECT 1 FROM instances i WHERE i.version_id = v.id \
             AND i.state IN ('starting', 'running', 'restarting', 'stopping')) THEN 1 ELSE 0 END AS BIGINT) AS is_active, \
             COALESCE((SELECT o.project_id FROM topics o WHERE o.id = u.table_id AND o.tenant_id = u.tenant_id), \
             (SELECT o.project_id FROM temp_tables o WHERE o.id = u.table_id AND o.tenant_id = u.tenant_id)) AS owner_id, \
             CAST(CASE WHEN EXISTS (SELECT 1 FROM table_publications b JOIN topics o ON o.id = b.table_id JOIN projects a \
             ON a.id = o.project_id WHERE b.tenant_id = u.tenant_id AND b.table_id = u.table_id AND b.retired_at_ms IS NULL \
             AND a.archived_at_ms IS NULL) THEN 1 ELSE 0 END AS BIGINT) AS is_published \
             FROM lineage_uses u JOIN job_versions v ON v.id = u.version_id JOIN jobs j ON j.id = u.job_id \
             JOIN projects p ON p.id = u.project_id \
             WHERE u.tenant_id = $1 AND u.version_id IN (SELECT t.version_id FROM lineage_uses t WHERE t.tenant_id = $1 AND t.table_id = $2 \
             AND t.usage IN {touching}) AND {COUNTS} ORDER BY u.version_id, u.node LIMIT 1000"
        );
        // The text is made of constants.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(tenant.as_str()).bind(table).fetch_all(&self.pool).await?;
        rows.iter().map(lineage_use).collect()
    }
}

/// The id of the table that a version calls so; empty if it is not there any more.
async fn table_id(tx: &mut Transaction, tenant: &str, project: &str, name: &str) -> Result<String, StoreError> {
    let (of, name) = name.split_once('.').unwrap_or((project, name));
    let found = sqlx::query(
        "SELECT t.id FROM topics t JOIN projects p ON p.id = t.project_id \
         WHERE t.tenant_id = $1 AND (p.id = $2 OR p.name = $2) AND (t.name = $3 OR t.id = $3) \
         UNION ALL SELECT t.id FROM temp_tables t JOIN projects p ON p.id = t.project_id \
         WHERE t.tenant_id = $1 AND (p.id = $2 OR p.name = $2) AND (t.name = $3 OR t.id = $3) LIMIT 1",
    )
    .bind(tenant)
    .bind(of)
    .bind(name)
    .fetch_optional(&mut **tx)
    .await?;
    found.map_or_else(|| Ok(String::new()), |found| row::text(&found, "id"))
}

fn lineage_use(found: &AnyRow) -> Result<LineageUse, StoreError> {
    let pair = |id: &str, name: &str| Ok::<_, StoreError>((row::text(found, id)?, row::text(found, name)?));
    Ok(LineageUse {
        table: row::text(found, "table_id")?,
        table_name: row::text(found, "table_name")?,
        usage: row::word(found, "usage")?,
        job: pair("job_id", "job_name")?,
        project: pair("project_id", "project_name")?,
        version: (row::text(found, "version_id")?, row::integer(found, "version_number")?),
        is_active: row::integer(found, "is_active")? == 1,
        owner: row::text_or_none(found, "owner_id")?,
        is_published: row::integer(found, "is_published")? == 1,
    })
}

fn column(found: &AnyRow) -> Result<LineageColumn, StoreError> {
    Ok(LineageColumn {
        version: row::text(found, "version_id")?,
        to: (row::text(found, "table_id")?, row::text(found, "table_name")?, row::text(found, "column_name")?),
        from: (row::text(found, "from_table_id")?, row::text(found, "from_table_name")?, row::text(found, "from_column")?),
    })
}
