//! Things of a project that have a name: found by name or id, listed newest first.
//!
//! Invariant: a table in the list below has the columns `id`, `name`, `tenant_id` and `project_id`; every read is limited to
//! one project.

use crate::{PageRequest, Store, StoreError};
use millrace_domain::ProjectScope;
use sqlx::{AssertSqlSafe, any::AnyRow};

/// A table of named things, and what one of them is called in messages.
pub(crate) struct Named {
    table: &'static str,
    noun: &'static str,
}

pub(crate) const DATA_SOURCES: Named = Named { table: "data_sources", noun: "data source" };
pub(crate) const DATABASES: Named = Named { table: "databases", noun: "database" };
pub(crate) const TEMP_TABLES: Named = Named { table: "temp_tables", noun: "temp table" };
pub(crate) const TOPICS: Named = Named { table: "topics", noun: "topic" };

impl Store {
    /// The row of this name or id.
    pub(crate) async fn named(&self, of: &Named, scope: &ProjectScope, name_or_id: &str) -> Result<AnyRow, StoreError> {
        // The table's name is one of the constants above.
        let text = format!("SELECT * FROM {} WHERE tenant_id = $1 AND project_id = $2 AND (id = $3 OR name = $3)", of.table);
        let found = sqlx::query(AssertSqlSafe(text))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(name_or_id)
            .fetch_optional(&self.pool)
            .await?;
        found.ok_or_else(|| StoreError::not_found(of.noun, name_or_id))
    }

    /// The rows of a page, newest first.
    pub(crate) async fn newest(&self, of: &Named, scope: &ProjectScope, page: &PageRequest) -> Result<Vec<AnyRow>, StoreError> {
        let text = format!("SELECT * FROM {} WHERE tenant_id = $1 AND project_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4", of.table);
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(page.before()?)
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows)
    }
}
