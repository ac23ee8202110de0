//! How much of something a tenant and its projects have and may have (ROL-7).
//!
//! Invariant: a quota is checked in the transaction that takes of it, after the tenant's lock is taken; the project's own
//! quota and the tenant's are both checked.

use crate::{
    Cause, Store, StoreError,
    audit::{done_in, done_in_tenant},
    row,
    transaction::Transaction,
};
use millrace_domain::{Action, ProjectScope, Quota};
use millrace_model::ids::{ProjectId, TenantId};
use serde_json::json;

/// A quota of a tenant or a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUse {
    /// Of what.
    pub quota: Quota,
    /// What the tenant or project has.
    pub used: i64,
    /// What it may have.
    pub allowed: i64,
}

/// A quota of a project beside that of its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Of what.
    pub quota: Quota,
    /// What the project has.
    pub used: i64,
    /// What the project may have; none: as much as the tenant.
    pub allowed: Option<i64>,
    /// What the whole tenant has and may have.
    pub tenant: QuotaUse,
}

impl Store {
    /// All quotas of a tenant.
    ///
    /// # Errors
    /// The database fails.
    pub async fn quotas(&self, tenant: &TenantId) -> Result<Vec<QuotaUse>, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut found = Vec::new();
        for &quota in Quota::ALL {
            found.push(self.tenant_quota(&mut tx, tenant, quota).await?);
        }
        Ok(found)
    }

    /// What was said that a tenant may have; none if the default holds.
    ///
    /// # Errors
    /// The database fails.
    pub async fn quota_set(&self, tenant: &TenantId, quota: Quota) -> Result<Option<i64>, StoreError> {
        let set = sqlx::query("SELECT allowed FROM tenant_quotas WHERE tenant_id = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(quota.as_str())
            .fetch_optional(&self.pool)
            .await?;
        set.map(|set| row::integer(&set, "allowed")).transpose()
    }

    /// All quotas of a project.
    ///
    /// # Errors
    /// The database fails.
    pub async fn project_quotas(&self, scope: &ProjectScope) -> Result<Vec<Allowance>, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut found = Vec::new();
        for &quota in Quota::ALL {
            found.push(self.allowance(&mut tx, scope, quota).await?);
        }
        Ok(found)
    }

    /// Says how much of something a tenant may have. What it has already stays, even if it is more.
    ///
    /// # Errors
    /// There is no such tenant, the number is negative, or the database fails.
    pub async fn set_quota(&self, cause: &Cause, tenant: &TenantId, quota: Quota, allowed: i64) -> Result<QuotaUse, StoreError> {
        not_negative(allowed)?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO tenant_quotas (tenant_id, name, allowed) VALUES ($1, $2, $3) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET allowed = excluded.allowed",
        )
        .bind(tenant.as_str())
        .bind(quota.as_str())
        .bind(allowed)
        .execute(&mut *tx)
        .await?;
        let detail = json!({"allowed": allowed});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::QuotaEdit, quota.as_str(), detail)).await?;
        let set = self.tenant_quota(&mut tx, tenant, quota).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Says how much of the tenant's quota a project may have; none: as much as the tenant.
    ///
    /// # Errors
    /// The project is archived or not there, the number is negative, or the database fails.
    pub async fn set_project_quota(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        quota: Quota,
        allowed: Option<i64>,
    ) -> Result<Allowance, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        match allowed {
            None => {
                sqlx::query("DELETE FROM project_quotas WHERE project_id = $1 AND name = $2")
                    .bind(scope.project.as_str())
                    .bind(quota.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
            Some(allowed) => {
                not_negative(allowed)?;
                sqlx::query(
                    "INSERT INTO project_quotas (tenant_id, project_id, name, allowed) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (project_id, name) DO UPDATE SET allowed = excluded.allowed",
                )
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(quota.as_str())
                .bind(allowed)
                .execute(&mut *tx)
                .await?;
            }
        }
        let detail = json!({"allowed": allowed});
        self.audit(&mut tx, cause, done_in(scope, Action::QuotaShare, quota.as_str(), detail)).await?;
        let set = self.allowance(&mut tx, scope, quota).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Whether the tenant, and the project if one is meant, may have `wanted` more.
    pub(crate) async fn check_quota(
        &self,
        tx: &mut Transaction,
        (tenant, project): (&TenantId, Option<&ProjectId>),
        quota: Quota,
        wanted: i64,
    ) -> Result<(), StoreError> {
        if let Some(project) = project {
            let scope = ProjectScope::new(tenant.clone(), project.clone());
            // The project's use is only counted where somebody limits it.
            if let Some(allowed) = self.allowed_to_project(tx, &scope, quota).await? {
                let used = self.used(tx, tenant, Some(project), quota).await?;
                if used.saturating_add(wanted) > allowed {
                    return Err(StoreError::QuotaExceeded { place: "project", quota, used, wanted, allowed });
                }
            }
        }
        let QuotaUse { used, allowed, .. } = self.tenant_quota(tx, tenant, quota).await?;
        match used.saturating_add(wanted) <= allowed {
            true => Ok(()),
            false => Err(StoreError::QuotaExceeded { place: "tenant", quota, used, wanted, allowed }),
        }
    }

    async fn allowance(&self, tx: &mut Transaction, scope: &ProjectScope, quota: Quota) -> Result<Allowance, StoreError> {
        let allowed = self.allowed_to_project(tx, scope, quota).await?;
        let used = self.used(tx, &scope.tenant, Some(&scope.project), quota).await?;
        Ok(Allowance { quota, used, allowed, tenant: self.tenant_quota(tx, &scope.tenant, quota).await? })
    }

    async fn allowed_to_project(&self, tx: &mut Transaction, scope: &ProjectScope, quota: Quota) -> Result<Option<i64>, StoreError> {
        let set = sqlx::query("SELECT allowed FROM project_quotas WHERE tenant_id = $1 AND project_id = $2 AND name = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(quota.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        set.map(|set| row::integer(&set, "allowed")).transpose()
    }

    async fn tenant_quota(&self, tx: &mut Transaction, tenant: &TenantId, quota: Quota) -> Result<QuotaUse, StoreError> {
        let used = self.used(tx, tenant, None, quota).await?;
        let set = sqlx::query("SELECT allowed FROM tenant_quotas WHERE tenant_id = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(quota.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        let allowed = set.map_or(Ok(quota.default_allowed()), |set| row::integer(&set, "allowed"))?;
        Ok(QuotaUse { quota, used, allowed })
    }

    async fn used(&self, tx: &mut Transaction, tenant: &TenantId, project: Option<&ProjectId>, quota: Quota) -> Result<i64, StoreError> {
        let used = sqlx::query(used_text(quota))
            .bind(tenant.as_str())
            .bind(project.map(|p| p.as_str()).unwrap_or_default())
            .fetch_one(&mut **tx)
            .await?;
        row::integer(&used, "used")
    }
}

/// What is used of a quota: by the tenant `$1`, or by its project `$2` unless that is empty. A sum of integers is a decimal
/// in PostgreSQL, so each is cast.
const fn used_text(quota: Quota) -> &'static str {
    macro_rules! demanded {
        ($what:literal) => {
            concat!(
                "SELECT CAST(COALESCE(SUM(",
                $what,
                "), 0) AS BIGINT) AS used FROM instances i LEFT JOIN instance_demands d ON d.instance_id = i.id WHERE i.tenant_id = $1 ",
                "AND ($2 = '' OR i.project_id = $2) AND i.state IN ('starting', 'running', 'restarting', 'stopping')"
            )
        };
    }
    match quota {
        Quota::StorageBytes => {
            "SELECT CAST(COALESCE(SUM(b.size_bytes), 0) AS BIGINT) AS used FROM blobs b WHERE b.tenant_id = $1 AND ($2 = '' \
             OR EXISTS (SELECT 1 FROM resource_versions r WHERE r.tenant_id = $1 AND r.content_hash = b.content_hash AND r.project_id = $2) \
             OR EXISTS (SELECT 1 FROM plugin_versions p WHERE p.tenant_id = $1 AND p.content_hash = b.content_hash AND p.project_id = $2) \
             OR EXISTS (SELECT 1 FROM function_versions v JOIN functions f ON f.id = v.function_id \
             WHERE v.tenant_id = $1 AND v.content_hash = b.content_hash AND f.project_id = $2) \
             OR EXISTS (SELECT 1 FROM blob_uses u WHERE u.tenant_id = $1 AND u.content_hash = b.content_hash AND u.project_id = $2 \
             AND u.user_kind IN ('build', 'plugin', 'function')))"
        }
        Quota::Jobs => {
            "SELECT COUNT(*) AS used FROM jobs WHERE tenant_id = $1 AND ($2 = '' OR project_id = $2) AND deleted_at_ms IS NULL \
             AND project_id NOT IN (SELECT id FROM projects WHERE tenant_id = $1 AND archived_at_ms IS NOT NULL)"
        }
        Quota::Instances => demanded!("1"),
        Quota::Slots => demanded!("d.slots"),
        Quota::MemoryBytes => demanded!("d.memory_bytes"),
        Quota::FuelPerSecond => demanded!("d.fuel_per_second"),
        Quota::Uploads => {
            "SELECT (SELECT COUNT(*) FROM resource_versions WHERE tenant_id = $1 AND ($2 = '' OR project_id = $2)) \
             + (SELECT COUNT(*) FROM plugin_versions WHERE tenant_id = $1 AND ($2 = '' OR project_id = $2)) \
             + (SELECT COUNT(*) FROM function_versions v JOIN functions f ON f.id = v.function_id \
             WHERE v.tenant_id = $1 AND ($2 = '' OR f.project_id = $2)) AS used"
        }
    }
}

fn not_negative(allowed: i64) -> Result<(), StoreError> {
    match allowed < 0 {
        true => Err(StoreError::Invalid { field: "allowed", message: format!("is {allowed}, expected 0 or more") }),
        false => Ok(()),
    }
}
