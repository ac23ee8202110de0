//! Tables that other projects can use with permission: designed tables and topics, and temp tables.
//!
//! Invariant: both are found by the same names (`project.table`), so a temp table and a topic of one project never share one;
//! permissions are kept by the id, whichever of the two it is of.

use crate::{Store, StoreError, TempTable, Topic, row, temp_table, transaction::Transaction};
use millrace_domain::{ProjectScope, table_use::foreign_name};
use millrace_model::ids::{TenantId, TopicId};

/// A table of a project that others can use.
#[derive(Debug, Clone, PartialEq)]
pub enum SharedTable {
    /// A designed table or topic.
    Designed(Topic),
    /// A temp table.
    Temp(TempTable),
}

impl SharedTable {
    /// Tenant and project.
    pub fn scope(&self) -> &ProjectScope {
        match self {
            Self::Designed(table) => &table.scope,
            Self::Temp(table) => &table.scope,
        }
    }

    /// The id that permissions are kept by.
    pub fn id(&self) -> TopicId {
        match self {
            Self::Designed(table) => table.id.clone(),
            Self::Temp(table) => TopicId::new(table.id.as_str()),
        }
    }

    /// Its name in the project.
    pub fn name(&self) -> &str {
        match self {
            Self::Designed(table) => table.name.as_str(),
            Self::Temp(table) => table.name.as_str(),
        }
    }
}

impl Store {
    /// The table of this name or id in a project.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn shared_table_in(&self, scope: &ProjectScope, table: &str) -> Result<SharedTable, StoreError> {
        match self.topic(scope, table).await {
            Ok(designed) => Ok(SharedTable::Designed(designed)),
            Err(StoreError::NotFound { .. }) => match self.temp_table(scope, table).await {
                Ok(temp) => Ok(SharedTable::Temp(temp)),
                Err(StoreError::NotFound { .. }) => Err(StoreError::not_found("table", table)),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The table of this id, or of this name as `project.table`, with the name of its project.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn shared_table(&self, tenant: &TenantId, table: &str) -> Result<(SharedTable, String), StoreError> {
        match self.table_of_tenant(tenant, table).await {
            Ok((designed, project)) => return Ok((SharedTable::Designed(designed), project)),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let (project, name) = foreign_name(table).unwrap_or(("", table));
        let found = sqlx::query(
            "SELECT t.*, p.name AS project_name FROM temp_tables t JOIN projects p ON p.id = t.project_id \
             WHERE t.tenant_id = $1 AND ((t.id = $3 AND $2 = '') OR ((p.name = $2 OR p.id = $2) AND (t.name = $3 OR t.id = $3)))",
        )
        .bind(tenant.as_str())
        .bind(project)
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        let found = found.ok_or_else(|| StoreError::not_found("table", table))?;
        Ok((SharedTable::Temp(temp_table::temp_table(&found)?), row::text(&found, "project_name")?))
    }

    /// Makes sure that a table that permissions are given on is still there.
    pub(crate) async fn check_shared(&self, tx: &mut Transaction, scope: &ProjectScope, id: &TopicId) -> Result<(), StoreError> {
        let found = sqlx::query(
            "SELECT id FROM topics WHERE tenant_id = $1 AND project_id = $2 AND id = $3 \
             UNION ALL SELECT id FROM temp_tables WHERE tenant_id = $1 AND project_id = $2 AND id = $3",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_optional(&mut **tx)
        .await?;
        match found {
            Some(_) => Ok(()),
            None => Err(StoreError::Conflict { code: "permission.no_table", message: "the table is not there any more".into() }),
        }
    }

    /// Takes away everything that was permitted on a table that is removed.
    pub(crate) async fn forget_permissions(&self, tx: &mut Transaction, scope: &ProjectScope, id: &str) -> Result<(), StoreError> {
        for text in [
            "DELETE FROM table_grants WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3",
            "DELETE FROM table_policies WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3",
        ] {
            sqlx::query(text).bind(scope.tenant.as_str()).bind(scope.project.as_str()).bind(id).execute(&mut **tx).await?;
        }
        Ok(())
    }
}
