//! Categories of business metadata: a tree (ROL-1).
//!
//! Invariant: a category never lies below itself, and goes away only when nothing lies in it.

use crate::{Cause, Store, StoreError, audit::done_in_tenant, error::unless_taken, row, transaction::Transaction};
use millrace_domain::{Action, Name};
use millrace_model::ids::TenantId;
use serde_json::json;
use sqlx::any::AnyRow;

/// Most categories of a tenant: the tree is read as a whole.
const CATEGORIES_MAX: i64 = 2_000;
/// Most levels of the tree.
const LEVELS_MAX: usize = 16;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Id, `cat_…`.
    pub id: String,
    /// The one that it lies in; none at the root.
    pub parent: Option<String>,
    /// Name, unique among its siblings.
    pub name: Name,
    /// What lies in it.
    pub description: String,
    /// Grows with each change.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// A category to make, or its new settings.
#[derive(Debug, Clone)]
pub struct CategoryChange {
    /// Name.
    pub name: Name,
    /// Id of the one that it lies in.
    pub parent: Option<String>,
    /// What lies in it.
    pub description: String,
}

impl Store {
    /// Makes a category.
    ///
    /// # Errors
    /// The name is taken among its siblings, the parent is not there, there are too many, or the database fails.
    pub async fn create_category(&self, cause: &Cause, tenant: &TenantId, new: &CategoryChange) -> Result<Category, StoreError> {
        let id = self.new_id("cat");
        let mut tx = self.begin().await?;
        let count =
            sqlx::query("SELECT COUNT(*) AS n FROM categories WHERE tenant_id = $1").bind(tenant.as_str()).fetch_one(&mut *tx).await?;
        if row::integer(&count, "n")? >= CATEGORIES_MAX {
            let message = format!("there are {CATEGORIES_MAX} already, the most that a tenant may have");
            return Err(StoreError::Invalid { field: "name", message });
        }
        place(&mut tx, tenant, &id, new.parent.as_deref()).await?;
        let made = sqlx::query(
            "INSERT INTO categories (id, tenant_id, parent_id, name, description, revision, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 1, $6, $6) RETURNING *",
        )
        .bind(id.as_str())
        .bind(tenant.as_str())
        .bind(new.parent.as_deref().unwrap_or_default())
        .bind(new.name.as_str())
        .bind(new.description.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("category", new.name.as_str()))?;
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::CategoryManage, &id, json!({"name": new.name}))).await?;
        tx.commit().await?;
        category(&made)
    }

    /// All categories, parents and children in one list, by name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn categories(&self, tenant: &TenantId) -> Result<Vec<Category>, StoreError> {
        let rows = sqlx::query("SELECT * FROM categories WHERE tenant_id = $1 ORDER BY name, id")
            .bind(tenant.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(category).collect()
    }

    /// The category of this id, or of this name if no other has it.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn category(&self, tenant: &TenantId, name_or_id: &str) -> Result<Category, StoreError> {
        let rows = sqlx::query("SELECT * FROM categories WHERE tenant_id = $1 AND (id = $2 OR name = $2) ORDER BY id LIMIT 2")
            .bind(tenant.as_str())
            .bind(name_or_id)
            .fetch_all(&self.pool)
            .await?;
        match rows.as_slice() {
            [] => Err(StoreError::not_found("category", name_or_id)),
            [found] => category(found),
            _ => Err(StoreError::Invalid { field: "category", message: "several have this name; use the id".into() }),
        }
    }

    /// Changes or moves a category.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, would lie below itself, the name is taken, or the database fails.
    pub async fn change_category(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        id: &str,
        change: &CategoryChange,
        expected_revision: Option<i64>,
    ) -> Result<Category, StoreError> {
        let mut tx = self.begin().await?;
        place(&mut tx, tenant, id, change.parent.as_deref()).await?;
        let changed = sqlx::query(
            "UPDATE categories SET parent_id = $4, name = $5, description = $6, revision = revision + 1, updated_at_ms = $7 \
             WHERE tenant_id = $1 AND id = $2 AND (revision = $3 OR $3 = 0) RETURNING *",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(expected_revision.unwrap_or(0))
        .bind(change.parent.as_deref().unwrap_or_default())
        .bind(change.name.as_str())
        .bind(change.description.as_str())
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unless_taken("category", change.name.as_str()))?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.category(tenant, id).await?.revision;
            let expected = expected_revision.unwrap_or(found);
            return Err(StoreError::RevisionConflict { what: "category", name: id.to_owned(), expected, found });
        };
        let changed = category(&changed)?;
        let detail = json!({"name": changed.name, "parent": changed.parent, "revision": changed.revision});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::CategoryManage, id, detail)).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes a category that nothing lies in.
    ///
    /// # Errors
    /// It is not there, something lies in it, or the database fails.
    pub async fn delete_category(&self, cause: &Cause, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let within = sqlx::query(
            "SELECT name FROM categories WHERE tenant_id = $1 AND parent_id = $2 \
             UNION ALL SELECT name FROM governed_items WHERE tenant_id = $1 AND parent_id = $2 LIMIT 1",
        )
        .bind(tenant.as_str())
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(within) = within {
            let by = format!("`{}` lies in it; move or remove that first", row::text(&within, "name")?);
            return Err(StoreError::InUse { what: "category", name: id.to_owned(), by });
        }
        let removed = sqlx::query("DELETE FROM categories WHERE tenant_id = $1 AND id = $2 RETURNING name")
            .bind(tenant.as_str())
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("category", id))?;
        let detail = json!({"name": row::text(&removed, "name")?, "removed": true});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::CategoryManage, id, detail)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Makes sure that `parent` is there and does not lie below `id`.
async fn place(tx: &mut Transaction, tenant: &TenantId, id: &str, parent: Option<&str>) -> Result<(), StoreError> {
    let wrong = |message: String| Err(StoreError::Invalid { field: "parent", message });
    let mut above = parent.map(str::to_owned);
    for _ in 0..LEVELS_MAX {
        let Some(next) = above.filter(|next| !next.is_empty()) else { return Ok(()) };
        if next == id {
            return wrong("lies below the category itself".into());
        }
        // The update keeps the row until the transaction ends, so that no two moves make a ring.
        let found = sqlx::query("UPDATE categories SET name = name WHERE tenant_id = $1 AND id = $2 RETURNING parent_id")
            .bind(tenant.as_str())
            .bind(next.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        above = Some(row::text(&found.ok_or_else(|| StoreError::not_found("category", next.as_str()))?, "parent_id")?);
    }
    wrong(format!("is too deep; the tree has at most {LEVELS_MAX} levels"))
}

fn category(found: &AnyRow) -> Result<Category, StoreError> {
    Ok(Category {
        id: row::text(found, "id")?,
        parent: Some(row::text(found, "parent_id")?).filter(|parent| !parent.is_empty()),
        name: row::word(found, "name")?,
        description: row::text(found, "description")?,
        revision: row::integer(found, "revision")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}
