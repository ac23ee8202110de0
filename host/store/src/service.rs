//! The services of a project (PRJ-1).
//!
//! Invariant: a service with running instances is not removed; what it was configured with stays for the day it is added
//! again.

use crate::{Cause, Store, StoreError, audit::done_in, row};
use millrace_domain::{Action, ProjectScope, ProjectServices, Service, service::ServiceState};
use serde_json::json;

impl Store {
    /// The services of a project and their revision.
    ///
    /// # Errors
    /// The project is not there, or the database fails.
    pub async fn services(&self, scope: &ProjectScope) -> Result<(ProjectServices, i64), StoreError> {
        let found = sqlx::query("SELECT services_json, services_revision FROM projects WHERE tenant_id = $1 AND id = $2")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let found = found.ok_or_else(|| StoreError::not_found("project", scope.project.as_str()))?;
        Ok((row::json(&found, "services_json")?, row::integer(&found, "services_revision")?))
    }

    /// Adds, reconfigures or removes a service of a project; without an expected revision whatever it was.
    ///
    /// # Errors
    /// It was changed meanwhile, is to be removed while instances are active, the project is archived, or the database
    /// fails.
    pub async fn set_service(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        service: Service,
        state: ServiceState,
        expected_revision: Option<i64>,
    ) -> Result<(ProjectServices, i64), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let found = sqlx::query("SELECT name, services_json, services_revision FROM projects WHERE id = $1")
            .bind(scope.project.as_str())
            .fetch_one(&mut *tx)
            .await?;
        let (mut services, revision): (ProjectServices, i64) =
            (row::json(&found, "services_json")?, row::integer(&found, "services_revision")?);
        if let Some(expected) = expected_revision.filter(|expected| *expected != revision) {
            let name = row::text(&found, "name")?;
            return Err(StoreError::RevisionConflict { what: "project", name, expected, found: revision });
        }
        if !state.enabled && service == Service::StreamComputing {
            let active = sqlx::query(
                "SELECT COUNT(*) AS active FROM instances WHERE tenant_id = $1 AND project_id = $2 \
                 AND state IN ('starting', 'running', 'restarting', 'stopping')",
            )
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_one(&mut *tx)
            .await?;
            let active = row::integer(&active, "active")?;
            if active > 0 {
                let by = format!("{active} instance(s) are active; stop them first");
                return Err(StoreError::InUse { what: "service", name: service.to_string(), by });
            }
        }
        services.set(service, state.clone());
        sqlx::query("UPDATE projects SET services_json = $2, services_revision = services_revision + 1 WHERE id = $1")
            .bind(scope.project.as_str())
            .bind(row::to_json(&services)?)
            .execute(&mut *tx)
            .await?;
        let detail = json!({"enabled": state.enabled, "configuration": state.configuration});
        self.audit(&mut tx, cause, done_in(scope, Action::ServiceEdit, service.as_str(), detail)).await?;
        tx.commit().await?;
        Ok((services, revision + 1))
    }
}
