//! What tenants and plugins may do beyond computing (EXT-3).
//!
//! Invariant: values of secrets are stored sealed and shown as `***`; only [`Store::granted`] gives them in clear, and only
//! the control plane calls that, when a job starts.

use crate::{
    Cause, Store, StoreError,
    audit::{done_in, done_in_tenant},
    row,
};
use millrace_domain::{
    Action, ProjectScope,
    capability::{PluginCapabilities, TenantCapabilities},
    properties::REDACTED,
};
use millrace_model::ids::{PluginId, TenantId};
use serde_json::json;

impl Store {
    /// What the tenant's plugins may have at most.
    ///
    /// # Errors
    /// The database fails.
    pub async fn tenant_capabilities(&self, tenant: &TenantId) -> Result<TenantCapabilities, StoreError> {
        let found = sqlx::query("SELECT capabilities FROM tenant_capabilities WHERE tenant_id = $1")
            .bind(tenant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        found.map_or_else(|| Ok(TenantCapabilities::default()), |found| row::json(&found, "capabilities"))
    }

    /// Replaces it.
    ///
    /// # Errors
    /// Something is wrong with it, or the database fails.
    pub async fn set_tenant_capabilities(&self, cause: &Cause, tenant: &TenantId, new: &TenantCapabilities) -> Result<(), StoreError> {
        new.check().map_err(|(field, message)| StoreError::Invalid { field, message })?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO tenant_capabilities (tenant_id, capabilities, updated_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (tenant_id) DO UPDATE SET capabilities = excluded.capabilities, updated_at_ms = excluded.updated_at_ms",
        )
        .bind(tenant.as_str())
        .bind(row::to_json(new)?)
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TenantGrant, tenant.as_str(), json!(new))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a plugin has been granted; secrets read `***`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn plugin_capabilities(&self, scope: &ProjectScope, plugin: &PluginId) -> Result<PluginCapabilities, StoreError> {
        let mut sealed = self.sealed_capabilities(scope, plugin).await?;
        sealed.secrets.values_mut().for_each(|value| REDACTED.clone_into(value));
        Ok(sealed)
    }

    /// Replaces what a plugin may do; a secret that reads `***` keeps its value.
    ///
    /// # Errors
    /// It is more than the tenant may have or wrong, the project is archived, or the database fails.
    pub async fn set_plugin_capabilities(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        plugin: &PluginId,
        new: &PluginCapabilities,
    ) -> Result<(), StoreError> {
        let bounds = self.tenant_capabilities(&scope.tenant).await?;
        let checked = new.check().and_then(|()| bounds.permits(new));
        checked.map_err(|(field, message)| StoreError::Invalid { field, message })?;
        let before = self.sealed_capabilities(scope, plugin).await?;
        let mut sealed = new.clone();
        for (name, value) in &mut sealed.secrets {
            if value != REDACTED {
                continue;
            }
            let kept = before.secrets.get(name).ok_or_else(|| StoreError::Invalid {
                field: "secrets",
                message: format!("`{name}` reads `{REDACTED}`, which keeps an earlier value, but there is none; give the value"),
            })?;
            value.clone_from(kept);
        }
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        if !sealed.secrets.is_empty() {
            self.hold_key(&mut tx).await?;
        }
        for (name, value) in sealed.secrets.iter_mut().filter(|(name, _)| new.secrets.get(*name).is_some_and(|v| v != REDACTED)) {
            *value = self.key.seal(&place(scope, plugin, name), value)?;
        }
        sqlx::query(
            "INSERT INTO plugin_capabilities (plugin_id, tenant_id, project_id, capabilities, updated_at_ms) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (plugin_id) DO UPDATE SET capabilities = excluded.capabilities, updated_at_ms = excluded.updated_at_ms",
        )
        .bind(plugin.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(row::to_json(&sealed)?)
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        let names: Vec<_> = new.secrets.keys().collect();
        let detail = json!({"clock": new.clock, "http": new.http, "secrets": names, "folders": new.folders});
        self.audit(&mut tx, cause, done_in(scope, Action::PluginGrant, plugin.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a plugin may do now, with secrets in clear, and the tenant's bounds that it has been narrowed to.
    ///
    /// # Errors
    /// A secret cannot be opened, or the database fails.
    pub async fn granted(&self, scope: &ProjectScope, plugin: &PluginId) -> Result<(PluginCapabilities, TenantCapabilities), StoreError> {
        let bounds = self.tenant_capabilities(&scope.tenant).await?;
        let mut granted = bounds.narrow(self.sealed_capabilities(scope, plugin).await?);
        let sealed = std::mem::take(&mut granted.secrets);
        for (name, sealed) in sealed {
            let clear = self.open_secret(&place(scope, plugin, &name), &sealed).await?;
            granted.secrets.insert(name, clear);
        }
        Ok((granted, bounds))
    }

    async fn sealed_capabilities(&self, scope: &ProjectScope, plugin: &PluginId) -> Result<PluginCapabilities, StoreError> {
        let found = sqlx::query("SELECT capabilities FROM plugin_capabilities WHERE tenant_id = $1 AND project_id = $2 AND plugin_id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(plugin.as_str())
            .fetch_optional(&self.pool)
            .await?;
        found.map_or_else(|| Ok(PluginCapabilities::default()), |found| row::json(&found, "capabilities"))
    }
}

/// What a secret is bound to.
pub(crate) fn place(scope: &ProjectScope, plugin: &PluginId, name: &str) -> String {
    format!("{}/{}/{plugin}/{name}", scope.tenant, scope.project)
}
