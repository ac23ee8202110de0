//! How each environment reaches a data source: tests by the data source's own properties, production by a binding beside it.
//!
//! Invariant: production never falls back to what tests use: a data source without a production binding cannot be used by
//! production instances.

use crate::{
    BindingTest, Cause, DataSourceBinding, DataSourceChange, Store, StoreError,
    audit::done_in,
    data_source::{Place, redacted},
    named::DATA_SOURCES,
    row,
};
use millrace_domain::{Action, Environment, ProjectScope, properties::is_secret};
use millrace_model::ids::DataSourceId;
use serde_json::json;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

impl Store {
    /// The bindings of the data source of this name or id: test, then production if there is one.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn bindings(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Vec<DataSourceBinding>, StoreError> {
        let source = self.named(&DATA_SOURCES, scope, name_or_id).await?;
        let id = DataSourceId::new(row::text(&source, "id")?);
        let tests = sqlx::query("SELECT * FROM data_source_tests WHERE tenant_id = $1 AND project_id = $2 AND data_source_id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await?;
        let mut last = BTreeMap::new();
        for found in &tests {
            last.insert(row::text(found, "environment")?, last_test(found)?);
        }
        let mut bindings = vec![binding(&source, Environment::Test, last.remove("test"))?];
        if let Some(found) = self.binding_row(scope, &id).await? {
            bindings.push(binding(&found, Environment::Production, last.remove("production"))?);
        }
        Ok(bindings)
    }

    pub(crate) async fn binding_row(&self, scope: &ProjectScope, id: &DataSourceId) -> Result<Option<AnyRow>, StoreError> {
        let found = sqlx::query(
            "SELECT * FROM data_source_bindings WHERE tenant_id = $1 AND project_id = $2 AND data_source_id = $3 AND environment = $4",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(Environment::Production.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(found)
    }

    /// Sets how production reaches a data source; `change.description` does not count.
    ///
    /// # Errors
    /// It is not there, the binding was changed meanwhile, the project is archived, or the database fails.
    pub async fn bind_production(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &DataSourceId,
        change: &DataSourceChange,
    ) -> Result<DataSourceBinding, StoreError> {
        let before = self.binding_row(scope, id).await?;
        let found = before.as_ref().map_or(Ok(0), |b| row::integer(b, "revision"))?;
        let expected = change.expected_revision.unwrap_or(found);
        let conflict = || StoreError::RevisionConflict { what: "data source binding", name: id.as_str().to_owned(), expected, found };
        if expected != found {
            return Err(conflict());
        }
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        if change.properties.keys().any(|name| is_secret(name)) {
            self.hold_key(&mut tx).await?;
        }
        let place = Place { scope, id, environment: Environment::Production };
        let (plain, sealed) = self.split(&place, &change.properties)?;
        let changed = sqlx::query(
            "INSERT INTO data_source_bindings (tenant_id, project_id, data_source_id, environment, properties, secrets, revision, created_at_ms, updated_at_ms) \
             SELECT tenant_id, project_id, id, $4, $5, $6, 1, $7, $7 FROM data_sources WHERE tenant_id = $1 AND project_id = $2 AND id = $3 \
             ON CONFLICT (data_source_id, environment) DO UPDATE SET properties = excluded.properties, secrets = excluded.secrets, \
             revision = data_source_bindings.revision + 1, updated_at_ms = excluded.updated_at_ms WHERE data_source_bindings.revision = $8 \
             RETURNING *",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(Environment::Production.as_str())
        .bind(row::to_json(&plain)?)
        .bind(row::to_json(&sealed)?)
        .bind(self.now_ms())
        .bind(found)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(conflict)?;
        let names: Vec<_> = change.properties.keys().collect();
        let detail = json!({"environment": "production", "revision": found + 1, "properties": names});
        self.audit(&mut tx, cause, done_in(scope, Action::DataSourceBind, id.as_str(), detail)).await?;
        tx.commit().await?;
        binding(&changed, Environment::Production, None)
    }

    /// Takes production's way to a data source away.
    ///
    /// # Errors
    /// There is none, the project is archived, or the database fails.
    pub async fn unbind_production(&self, cause: &Cause, scope: &ProjectScope, id: &DataSourceId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let removed = sqlx::query(
            "DELETE FROM data_source_bindings WHERE tenant_id = $1 AND project_id = $2 AND data_source_id = $3 AND environment = $4",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(Environment::Production.as_str())
        .execute(&mut *tx)
        .await?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::not_found("data source binding", "production"));
        }
        let detail = json!({"environment": "production", "removed": true});
        self.audit(&mut tx, cause, done_in(scope, Action::DataSourceBind, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes how a connectivity test went, with its audit row.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_binding_test(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &DataSourceId,
        environment: Environment,
        test: &BindingTest,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO data_source_tests (tenant_id, project_id, data_source_id, environment, reachable, failure, message, elapsed_ms, tested_by, tested_at_ms) \
             SELECT tenant_id, project_id, id, $4, $5, $6, $7, $8, $9, $10 FROM data_sources WHERE tenant_id = $1 AND project_id = $2 AND id = $3 \
             ON CONFLICT (data_source_id, environment) DO UPDATE SET reachable = excluded.reachable, failure = excluded.failure, \
             message = excluded.message, elapsed_ms = excluded.elapsed_ms, tested_by = excluded.tested_by, tested_at_ms = excluded.tested_at_ms",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(environment.as_str())
        .bind(i64::from(test.reachable))
        .bind(test.failure.as_deref())
        .bind(test.message.as_str())
        .bind(test.elapsed_ms)
        .bind(test.tested_by.as_str())
        .bind(test.tested_at_ms)
        .execute(&mut *tx)
        .await?;
        let detail = json!({"environment": environment, "reachable": test.reachable, "failure": test.failure});
        self.audit(&mut tx, cause, done_in(scope, Action::DataSourceTest, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn binding(found: &AnyRow, environment: Environment, last_test: Option<BindingTest>) -> Result<DataSourceBinding, StoreError> {
    Ok(DataSourceBinding {
        environment,
        properties: redacted(found)?,
        revision: row::integer(found, "revision")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
        last_test,
    })
}

fn last_test(found: &AnyRow) -> Result<BindingTest, StoreError> {
    Ok(BindingTest {
        reachable: row::integer(found, "reachable")? != 0,
        failure: row::text_or_none(found, "failure")?,
        message: row::text(found, "message")?,
        elapsed_ms: row::integer(found, "elapsed_ms")?,
        tested_by: row::text(found, "tested_by")?,
        tested_at_ms: row::integer(found, "tested_at_ms")?,
    })
}
