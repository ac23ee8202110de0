//! A table as the catalog shows it to everybody in the tenant.
//!
//! Invariant: what is here is metadata that every role may read (ROL-6); rows, credentials and addresses are not.

use crate::{Store, StoreError, row};
use millrace_domain::ProjectScope;
use millrace_model::{
    Schema,
    ids::{ProjectId, TenantId},
};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};

/// A table of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct TableOverview {
    /// Id, `top_…`.
    pub id: String,
    /// The project that owns it.
    pub scope: ProjectScope,
    /// Name of that project.
    pub project_name: String,
    /// Name in the project.
    pub name: String,
    /// Name in the system that holds it.
    pub physical_name: String,
    /// What it holds.
    pub description: String,
    /// Columns.
    pub schema: Schema,
    /// Message format.
    pub format: Value,
    /// Grows with each change of the design.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// Who may use a table besides its own project: a summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableReaders {
    /// Projects with a permission.
    pub projects: i64,
    /// Persons with a permission.
    pub persons: i64,
    /// Permissions that everybody has: `select`, `insert`.
    pub public: Vec<String>,
    /// Environments that the table is published in, with the number of the publication in force.
    pub environments: Vec<(String, i64)>,
}

impl Store {
    /// Who may use a table, and where it is published.
    ///
    /// # Errors
    /// The database fails.
    pub async fn table_readers(&self, tenant: &TenantId, table: &str) -> Result<TableReaders, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT grantee_kind, grantee, permission FROM table_grants \
             WHERE tenant_id = $1 AND table_id = $2 AND (expires_at_ms IS NULL OR expires_at_ms > $3)",
        )
        .bind(tenant.as_str())
        .bind(table)
        .bind(self.now_ms())
        .fetch_all(&self.pool)
        .await?;
        let mut readers = TableReaders::default();
        let (mut projects, mut persons, mut public) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for found in &rows {
            let grantee = row::text(found, "grantee")?;
            match row::text(found, "grantee_kind")?.as_str() {
                "project" => drop(projects.insert(grantee)),
                "person" => drop(persons.insert(grantee)),
                _ => drop(public.insert(row::text(found, "permission")?)),
            }
        }
        (readers.projects, readers.persons) = (projects.len() as i64, persons.len() as i64);
        readers.public = public.into_iter().collect();
        let rows = sqlx::query(
            "SELECT environment, MAX(number) AS number FROM table_publications \
             WHERE tenant_id = $1 AND table_id = $2 AND retired_at_ms IS NULL GROUP BY environment ORDER BY environment DESC",
        )
        .bind(tenant.as_str())
        .bind(table)
        .fetch_all(&self.pool)
        .await?;
        for found in &rows {
            readers.environments.push((row::text(found, "environment")?, row::integer(found, "number")?));
        }
        Ok(readers)
    }

    /// The table of this id, or of this name as `project.table`.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn table_overview(&self, tenant: &TenantId, table: &str) -> Result<TableOverview, StoreError> {
        let (project, name) = table.split_once('.').unwrap_or(("", table));
        let found = sqlx::query(
            "SELECT t.*, p.name AS project_name FROM topics t JOIN projects p ON p.id = t.project_id \
             WHERE t.tenant_id = $1 AND p.archived_at_ms IS NULL AND (($2 = '' AND t.id = $3) OR ((p.name = $2 OR p.id = $2) AND t.name = $3))",
        )
        .bind(tenant.as_str())
        .bind(project)
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        let found = found.ok_or_else(|| StoreError::not_found("table", table))?;
        Ok(TableOverview {
            id: row::text(&found, "id")?,
            scope: ProjectScope::new(tenant.clone(), ProjectId::new(row::text(&found, "project_id")?)),
            project_name: row::text(&found, "project_name")?,
            name: row::text(&found, "name")?,
            physical_name: row::text(&found, "physical_name")?,
            description: row::text(&found, "description")?,
            schema: row::json(&found, "columns_json")?,
            format: row::json(&found, "format_json")?,
            revision: row::integer(&found, "revision")?,
            created_at_ms: row::integer(&found, "created_at_ms")?,
            updated_at_ms: row::integer(&found, "updated_at_ms")?,
        })
    }

    /// The projects of these tables, by the table's id; those that are gone are left out.
    ///
    /// # Errors
    /// The database fails.
    pub async fn projects_of_tables(
        &self,
        tenant: &TenantId,
        tables: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, ProjectScope>, StoreError> {
        if tables.is_empty() {
            return Ok(BTreeMap::new());
        }
        let places = (2..tables.len() + 2).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        // The text is made of constants and numbers.
        let text = AssertSqlSafe(format!("SELECT id, project_id FROM topics WHERE tenant_id = $1 AND id IN ({places})"));
        let query = tables.iter().fold(sqlx::query(text).bind(tenant.as_str()), |query, table| query.bind(table.as_str()));
        let found = query.fetch_all(&self.pool).await?;
        let project = |found| Ok::<_, StoreError>(ProjectId::new(row::text(found, "project_id")?));
        found.iter().map(|found| Ok((row::text(found, "id")?, ProjectScope::new(tenant.clone(), project(found)?)))).collect()
    }
}
