//! How much of something a tenant has and may have (ROL-7).
//!
//! Invariant: a quota is checked in the transaction that takes of it, after the tenant's lock is taken.

use crate::{Cause, Store, StoreError, audit::done_in_tenant, row};
use millrace_domain::{Action, Quota};
use millrace_model::ids::TenantId;
use serde_json::json;
use sqlx::{Any, Transaction};

/// A quota of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantQuota {
    /// Of what.
    pub quota: Quota,
    /// What the tenant has.
    pub used: i64,
    /// What it may have.
    pub allowed: i64,
}

impl Store {
    /// All quotas of a tenant.
    ///
    /// # Errors
    /// The database fails.
    pub async fn quotas(&self, tenant: &TenantId) -> Result<Vec<TenantQuota>, StoreError> {
        let mut tx = self.begin().await?;
        let mut found = Vec::new();
        for &quota in Quota::ALL {
            found.push(self.quota(&mut tx, tenant, quota).await?);
        }
        Ok(found)
    }

    /// Says how much of something a tenant may have. What it has already stays, even if it is more.
    ///
    /// # Errors
    /// There is no such tenant, the number is negative, or the database fails.
    pub async fn set_quota(&self, cause: &Cause, tenant: &TenantId, quota: Quota, allowed: i64) -> Result<TenantQuota, StoreError> {
        if allowed < 0 {
            return Err(StoreError::Invalid { field: "allowed", message: format!("is {allowed}, expected 0 or more") });
        }
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
        let set = self.quota(&mut tx, tenant, quota).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Whether the tenant may have `wanted` more.
    pub(crate) async fn check_quota(
        &self,
        tx: &mut Transaction<'static, Any>,
        tenant: &TenantId,
        quota: Quota,
        wanted: i64,
    ) -> Result<(), StoreError> {
        let TenantQuota { used, allowed, .. } = self.quota(tx, tenant, quota).await?;
        match used.saturating_add(wanted) <= allowed {
            true => Ok(()),
            false => Err(StoreError::QuotaExceeded { quota, used, wanted, allowed }),
        }
    }

    async fn quota(&self, tx: &mut Transaction<'static, Any>, tenant: &TenantId, quota: Quota) -> Result<TenantQuota, StoreError> {
        let used = match quota {
            // A sum of integers is a decimal in PostgreSQL.
            Quota::StorageBytes => "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS used FROM blobs WHERE tenant_id = $1",
        };
        let used = sqlx::query(used).bind(tenant.as_str()).fetch_one(&mut **tx).await?;
        let set = sqlx::query("SELECT allowed FROM tenant_quotas WHERE tenant_id = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(quota.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        let allowed = set.map_or(Ok(quota.default_allowed()), |set| row::integer(&set, "allowed"))?;
        Ok(TenantQuota { quota, used: row::integer(&used, "used")?, allowed })
    }
}
