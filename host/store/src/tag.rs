//! Tags: coloured words on tables, columns, jobs and business data (ROL-2).

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::done_in_tenant, error::unless_taken, row};
use millrace_domain::{Action, Name, search::SearchKind};
use millrace_model::ids::TenantId;
use serde_json::json;
use sqlx::any::AnyRow;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Id, `tag_…`.
    pub id: String,
    /// Name, unique in the tenant.
    pub name: Name,
    /// `#rrggbb`.
    pub colour: String,
    /// What it says.
    pub description: String,
    /// Grows with each change.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// A tag to make, or its new settings.
#[derive(Debug, Clone)]
pub struct TagChange {
    /// Name.
    pub name: Name,
    /// `#rrggbb`.
    pub colour: String,
    /// What it says.
    pub description: String,
}

/// A tag on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagUse {
    /// The tag.
    pub tag: Tag,
    /// What it is on.
    pub kind: SearchKind,
    /// Its id.
    pub object: String,
    /// The column of a table.
    pub column: Option<String>,
}

impl Store {
    /// Makes a tag.
    ///
    /// # Errors
    /// The name is taken, or the database fails.
    pub async fn create_tag(&self, cause: &Cause, tenant: &TenantId, new: &TagChange) -> Result<Tag, StoreError> {
        let id = self.new_id("tag");
        let mut tx = self.begin().await?;
        let made = sqlx::query(
            "INSERT INTO tags (id, tenant_id, name, colour, description, revision, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 1, $6, $6) RETURNING *",
        )
        .bind(id.as_str())
        .bind(tenant.as_str())
        .bind(new.name.as_str())
        .bind(new.colour.as_str())
        .bind(new.description.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("tag", new.name.as_str()))?;
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TagManage, &id, json!({"name": new.name}))).await?;
        tx.commit().await?;
        tag(&made)
    }

    /// The tag of this name or id.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn tag(&self, tenant: &TenantId, name_or_id: &str) -> Result<Tag, StoreError> {
        let found = sqlx::query("SELECT * FROM tags WHERE tenant_id = $1 AND (id = $2 OR name = $2)")
            .bind(tenant.as_str())
            .bind(name_or_id)
            .fetch_optional(&self.pool)
            .await?;
        tag(&found.ok_or_else(|| StoreError::not_found("tag", name_or_id))?)
    }

    /// The tags of the tenant, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn tags(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Tag>, StoreError> {
        let rows = sqlx::query("SELECT * FROM tags WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
            .bind(tenant.as_str())
            .bind(page.before()?)
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        let tags = rows.iter().map(tag).collect::<Result<_, _>>()?;
        Ok(page.page(tags, |t: &Tag| &t.id))
    }

    /// Changes a tag, wherever it is.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, the name is taken, or the database fails.
    pub async fn change_tag(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        id: &str,
        change: &TagChange,
        expected_revision: Option<i64>,
    ) -> Result<Tag, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE tags SET name = $4, colour = $5, description = $6, revision = revision + 1, updated_at_ms = $7 \
             WHERE tenant_id = $1 AND id = $2 AND (revision = $3 OR $3 = 0) RETURNING *",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(expected_revision.unwrap_or(0))
        .bind(change.name.as_str())
        .bind(change.colour.as_str())
        .bind(change.description.as_str())
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unless_taken("tag", change.name.as_str()))?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.tag(tenant, id).await?.revision;
            let expected = expected_revision.unwrap_or(found);
            return Err(StoreError::RevisionConflict { what: "tag", name: id.to_owned(), expected, found });
        };
        let changed = tag(&changed)?;
        self.audit(
            &mut tx,
            cause,
            done_in_tenant(tenant, Action::TagManage, id, json!({"name": changed.name, "revision": changed.revision})),
        )
        .await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes a tag from everything that it is on, and itself.
    ///
    /// # Errors
    /// It is not there, or the database fails.
    pub async fn delete_tag(&self, cause: &Cause, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM tag_uses WHERE tenant_id = $1 AND tag_id = $2").bind(tenant.as_str()).bind(id).execute(&mut *tx).await?;
        let removed = sqlx::query("DELETE FROM tags WHERE tenant_id = $1 AND id = $2 RETURNING name")
            .bind(tenant.as_str())
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("tag", id))?;
        let detail = json!({"name": row::text(&removed, "name")?, "removed": true});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TagManage, id, detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts a tag on something, or takes it off. Doing it twice changes nothing.
    ///
    /// # Errors
    /// The database fails.
    pub async fn set_tag(&self, cause: &Cause, tenant: &TenantId, on: &TagUse, is_on: bool) -> Result<(), StoreError> {
        let column = on.column.as_deref().unwrap_or_default();
        let mut tx = self.begin().await?;
        if is_on {
            sqlx::query(
                "INSERT INTO tag_uses (tenant_id, tag_id, object_kind, object_id, column_name, created_by, created_at_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(tenant.as_str())
            .bind(on.tag.id.as_str())
            .bind(on.kind.as_str())
            .bind(on.object.as_str())
            .bind(column)
            .bind(cause.actor.as_str())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        } else {
            sqlx::query(
                "DELETE FROM tag_uses WHERE tenant_id = $1 AND tag_id = $2 AND object_kind = $3 AND object_id = $4 AND column_name = $5",
            )
            .bind(tenant.as_str())
            .bind(on.tag.id.as_str())
            .bind(on.kind.as_str())
            .bind(on.object.as_str())
            .bind(column)
            .execute(&mut *tx)
            .await?;
        }
        let detail = json!({"tag": on.tag.name, "kind": on.kind, "object": on.object, "column": on.column, "on": is_on});
        self.audit(&mut tx, cause, done_in_tenant(tenant, Action::TagAttach, &on.tag.id, detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The tags on something and on its columns.
    ///
    /// # Errors
    /// The database fails.
    pub async fn tags_on(&self, tenant: &TenantId, object: &str) -> Result<Vec<TagUse>, StoreError> {
        self.tag_uses(tenant, "u.object_id = $2", object).await
    }

    /// What a tag is on.
    ///
    /// # Errors
    /// The database fails.
    pub async fn uses_of_tag(&self, tenant: &TenantId, tag: &str) -> Result<Vec<TagUse>, StoreError> {
        self.tag_uses(tenant, "u.tag_id = $2", tag).await
    }

    async fn tag_uses(&self, tenant: &TenantId, which: &'static str, id: &str) -> Result<Vec<TagUse>, StoreError> {
        let text = format!(
            "SELECT t.*, u.object_kind, u.object_id, u.column_name FROM tag_uses u JOIN tags t ON t.id = u.tag_id \
             WHERE u.tenant_id = $1 AND {which} ORDER BY t.name, u.object_id, u.column_name LIMIT 1000"
        );
        // The text is made of constants.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(tenant.as_str()).bind(id).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|found| {
                Ok(TagUse {
                    tag: tag(found)?,
                    kind: row::word(found, "object_kind")?,
                    object: row::text(found, "object_id")?,
                    column: Some(row::text(found, "column_name")?).filter(|column| !column.is_empty()),
                })
            })
            .collect()
    }

    /// Whether the tenant has a thing of this kind and id, among those that can be found; answers its project.
    ///
    /// # Errors
    /// It has none, or the database fails.
    pub async fn findable(&self, tenant: &TenantId, kind: SearchKind, id: &str) -> Result<Option<String>, StoreError> {
        let found = sqlx::query("SELECT project_id FROM search_entries WHERE tenant_id = $1 AND kind = $2 AND id = $3")
            .bind(tenant.as_str())
            .bind(kind.as_str())
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row::text_or_none(&found.ok_or_else(|| StoreError::not_found("thing", id))?, "project_id")
    }
}

fn tag(found: &AnyRow) -> Result<Tag, StoreError> {
    Ok(Tag {
        id: row::text(found, "id")?,
        name: row::word(found, "name")?,
        colour: row::text(found, "colour")?,
        description: row::text(found, "description")?,
        revision: row::integer(found, "revision")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}
