//! Tenants: the unit of isolation.

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::done_in_tenant, error::unless_taken, row};
use millrace_domain::{Action, Name};
use millrace_model::ids::TenantId;
use serde_json::json;
use sqlx::any::AnyRow;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Id, `ten_…`.
    pub id: TenantId,
    /// Name, unique in the installation.
    pub name: Name,
    /// What the tenant is for.
    pub description: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

impl Store {
    /// Makes a tenant.
    ///
    /// # Errors
    /// The name is taken, or the database fails.
    pub async fn create_tenant(&self, cause: &Cause, name: &Name, description: &str) -> Result<Tenant, StoreError> {
        let tenant = Tenant {
            id: TenantId::new(self.new_id("ten")),
            name: name.clone(),
            description: description.to_owned(),
            created_at_ms: self.now_ms(),
        };
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO tenants (id, name, description, created_at_ms) VALUES ($1, $2, $3, $4)")
            .bind(tenant.id.as_str())
            .bind(name.as_str())
            .bind(description)
            .bind(tenant.created_at_ms)
            .execute(&mut *tx)
            .await
            .map_err(unless_taken("tenant", name.as_str()))?;
        self.audit(&mut tx, cause, done_in_tenant(&tenant.id, Action::TenantCreate, tenant.id.as_str(), json!({"name": name}))).await?;
        tx.commit().await?;
        Ok(tenant)
    }

    /// The tenant of this name or id.
    ///
    /// # Errors
    /// There is none, or the database fails.
    pub async fn tenant(&self, name_or_id: &str) -> Result<Tenant, StoreError> {
        let found = sqlx::query("SELECT * FROM tenants WHERE id = $1 OR name = $1").bind(name_or_id).fetch_optional(&self.pool).await?;
        tenant(&found.ok_or_else(|| StoreError::not_found("tenant", name_or_id))?)
    }

    /// The tenants that `user` has a role in; all of them for `None`.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn tenants(&self, user: Option<&str>, page: &PageRequest) -> Result<Page<Tenant>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM tenants WHERE id < $1 \
             AND ($2 = '' OR id IN (SELECT tenant_id FROM role_grants WHERE user_id = $2)) ORDER BY id DESC LIMIT $3",
        )
        .bind(page.before()?)
        .bind(user.unwrap_or_default())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let tenants = rows.iter().map(tenant).collect::<Result<_, _>>()?;
        Ok(page.page(tenants, |t: &Tenant| t.id.as_str()))
    }

    /// Changes a tenant's description.
    ///
    /// # Errors
    /// There is no such tenant, or the database fails.
    pub async fn describe_tenant(&self, cause: &Cause, id: &TenantId, description: &str) -> Result<Tenant, StoreError> {
        let mut tx = self.begin().await?;
        let found = sqlx::query("UPDATE tenants SET description = $2 WHERE id = $1 RETURNING *")
            .bind(id.as_str())
            .bind(description)
            .fetch_optional(&mut *tx)
            .await?;
        let changed = tenant(&found.ok_or_else(|| StoreError::not_found("tenant", id.as_str()))?)?;
        self.audit(&mut tx, cause, done_in_tenant(id, Action::TenantEdit, id.as_str(), json!({"description": description}))).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

fn tenant(found: &AnyRow) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: TenantId::new(row::text(found, "id")?),
        name: row::word(found, "name")?,
        description: row::text(found, "description")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
    })
}
