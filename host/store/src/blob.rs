//! Contents by their SHA-256: kept once per tenant, counted against its storage quota, and gone when nobody needs them.
//!
//! Invariant: whatever refers to a content has a foreign key to it, so that one in use cannot go; what a user made refers
//! to is in `blob_uses` too, so that it can be told who needs it. Writing and removing contents of a tenant happen one after
//! the other: both take the lock of its row.

use crate::{Store, StoreError, row, transaction::Transaction};
use millrace_domain::{ProjectScope, Quota};
use millrace_model::ids::{ProjectId, TenantId};
use sqlx::{Row, any::AnyRow};
use std::io::Read;

/// Bytes of a piece: what one statement carries.
pub const PIECE_BYTES: usize = 1 << 20;
/// Users that an error names.
const NAMED_USERS_MAX: usize = 10;

/// A content on its way in.
pub struct Content<'a> {
    /// SHA-256 of the bytes, in hex.
    pub hash: String,
    /// How many bytes there are.
    pub size_bytes: i64,
    /// The bytes.
    pub bytes: &'a mut (dyn Read + Send + Sync),
}

/// Somebody who needs a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentUse {
    /// `plugin`, `function`, `job`, `build`.
    pub kind: String,
    /// Id of the version (or build) that needs it.
    pub id: String,
    /// Which one: `clean version 3`.
    pub name: String,
    /// The project; none for what belongs to the whole tenant.
    pub project: Option<ProjectId>,
    /// What is needed.
    pub content_hash: String,
}

/// Who comes to need a content.
pub(crate) struct NewUse<'a> {
    pub tenant: &'a TenantId,
    pub project: Option<&'a ProjectId>,
    pub kind: &'a str,
    pub id: &'a str,
    pub name: String,
}

impl Store {
    /// The whole content with this hash, if the tenant has it.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn component(&self, tenant: &TenantId, content_hash: &str) -> Result<Vec<u8>, StoreError> {
        let mut whole = self.content_piece(tenant, content_hash, 0).await?;
        let mut whole = whole.take().ok_or_else(|| StoreError::not_found("component", content_hash))?;
        let mut position = 1;
        while let Some(piece) = self.content_piece(tenant, content_hash, position).await? {
            whole.extend_from_slice(&piece);
            position += 1;
        }
        Ok(whole)
    }

    /// A piece of a content, counted from 0; none behind the last one.
    ///
    /// # Errors
    /// The database fails.
    pub async fn content_piece(&self, tenant: &TenantId, content_hash: &str, position: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let text = if position == 0 {
            "SELECT content FROM blobs WHERE tenant_id = $1 AND content_hash = $2 AND $3 = 0"
        } else {
            "SELECT content FROM blob_pieces WHERE tenant_id = $1 AND content_hash = $2 AND position = $3"
        };
        let found = sqlx::query(text).bind(tenant.as_str()).bind(content_hash).bind(position).fetch_optional(&self.pool).await?;
        Ok(found.map(|found| found.try_get::<Vec<u8>, _>("content")).transpose()?)
    }

    /// Keeps a content unless the tenant has it already.
    pub(crate) async fn put_content(
        &self,
        tx: &mut Transaction,
        (tenant, project): (&TenantId, Option<&ProjectId>),
        content: Content<'_>,
    ) -> Result<(), StoreError> {
        self.lock_tenant(tx, tenant).await?;
        let there = sqlx::query("SELECT size_bytes FROM blobs WHERE tenant_id = $1 AND content_hash = $2")
            .bind(tenant.as_str())
            .bind(content.hash.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        if there.is_some() {
            return Ok(());
        }
        self.check_quota(tx, (tenant, project), Quota::StorageBytes, content.size_bytes).await?;
        let mut piece = next_piece(content.bytes)?;
        let mut size = piece.len() as i64;
        sqlx::query("INSERT INTO blobs (tenant_id, content_hash, content, size_bytes) VALUES ($1, $2, $3, $4)")
            .bind(tenant.as_str())
            .bind(content.hash.as_str())
            .bind(piece)
            .bind(content.size_bytes)
            .execute(&mut **tx)
            .await?;
        for position in 1i64.. {
            piece = next_piece(content.bytes)?;
            if piece.is_empty() {
                break;
            }
            size += piece.len() as i64;
            sqlx::query("INSERT INTO blob_pieces (tenant_id, content_hash, position, content) VALUES ($1, $2, $3, $4)")
                .bind(tenant.as_str())
                .bind(content.hash.as_str())
                .bind(position)
                .bind(piece)
                .execute(&mut **tx)
                .await?;
        }
        match size == content.size_bytes {
            true => Ok(()),
            false => Err(StoreError::Corrupt(format!("a content of {} bytes turned out to have {size}", content.size_bytes))),
        }
    }

    /// Notes that something needs a content.
    pub(crate) async fn note_use(&self, tx: &mut Transaction, user: &NewUse<'_>, content_hash: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO blob_uses (tenant_id, project_id, content_hash, user_kind, user_id, user_name) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, content_hash, user_kind, user_id) DO NOTHING",
        )
        .bind(user.tenant.as_str())
        .bind(user.project.map(|p| p.as_str().to_owned()))
        .bind(content_hash)
        .bind(user.kind)
        .bind(user.id)
        .bind(user.name.as_str())
        .execute(&mut **tx)
        .await
        .map_err(|error| match &error {
            sqlx::Error::Database(database) if database.is_foreign_key_violation() => StoreError::not_found("component", content_hash),
            _ => StoreError::Database(error),
        })?;
        Ok(())
    }

    /// Removes contents that nobody needs any more.
    pub(crate) async fn drop_unneeded(&self, tenant: &TenantId, content_hashes: &[String]) -> Result<(), StoreError> {
        for content_hash in content_hashes {
            let mut tx = self.begin().await?;
            self.lock_tenant(&mut tx, tenant).await?;
            let removed = sqlx::query(
                "DELETE FROM blobs WHERE tenant_id = $1 AND content_hash = $2 \
                 AND NOT EXISTS (SELECT 1 FROM blob_uses u WHERE u.tenant_id = $1 AND u.content_hash = $2) \
                 AND NOT EXISTS (SELECT 1 FROM plugin_versions p WHERE p.tenant_id = $1 AND p.content_hash = $2) \
                 AND NOT EXISTS (SELECT 1 FROM resource_versions r WHERE r.tenant_id = $1 AND r.content_hash = $2) \
                 AND NOT EXISTS (SELECT 1 FROM function_versions f WHERE f.tenant_id = $1 AND f.content_hash = $2) \
                 AND NOT EXISTS (SELECT 1 FROM presentations i WHERE i.tenant_id = $1 AND i.icon_hash = $2) \
                 AND NOT EXISTS (SELECT 1 FROM presentations d WHERE d.tenant_id = $1 AND d.documentation_hash = $2)",
            )
            .bind(tenant.as_str())
            .bind(content_hash.as_str())
            .execute(&mut *tx)
            .await;
            match removed {
                Ok(_) => tx.commit().await?,
                // A table that this query does not know of refers to it: it stays.
                Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Lets nobody else write or remove contents of the tenant until `tx` ends.
    pub(crate) async fn lock_tenant(&self, tx: &mut Transaction, tenant: &TenantId) -> Result<(), StoreError> {
        sqlx::query("UPDATE tenants SET name = name WHERE id = $1").bind(tenant.as_str()).execute(&mut **tx).await?;
        Ok(())
    }
}

/// Up to a piece of bytes; none at the end.
fn next_piece(bytes: &mut (dyn Read + Send + Sync)) -> Result<Vec<u8>, StoreError> {
    let mut piece = Vec::new();
    let read = bytes.take(PIECE_BYTES as u64).read_to_end(&mut piece);
    read.map_err(|error| StoreError::Unreadable(error.to_string()))?;
    Ok(piece)
}

pub(crate) fn content_use(found: &AnyRow) -> Result<ContentUse, StoreError> {
    Ok(ContentUse {
        kind: row::text(found, "user_kind")?,
        id: row::text(found, "user_id")?,
        name: row::text(found, "user_name")?,
        project: row::text_or_none(found, "project_id")?.map(ProjectId::new),
        content_hash: row::text(found, "content_hash")?,
    })
}

/// Users as an error names them.
pub(crate) fn named(uses: &[ContentUse]) -> String {
    let mut names: Vec<String> = uses.iter().take(NAMED_USERS_MAX).map(|u| format!("{} `{}`", u.kind, u.name)).collect();
    if uses.len() > NAMED_USERS_MAX {
        names.push(format!("{} more", uses.len() - NAMED_USERS_MAX));
    }
    names.join(", ")
}

/// Everything that a job's version has pinned by content.
pub(crate) fn pinned_contents(pins: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    use serde_json::Value;
    match pins {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(hash) if name == "content_hash" => {
                        found.insert(hash.clone());
                    }
                    other => pinned_contents(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| pinned_contents(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The user of contents that a version in a project is.
pub(crate) fn version_use<'a>(scope: &'a ProjectScope, kind: &'a str, id: &'a str, name: &str, number: i64) -> NewUse<'a> {
    NewUse { tenant: &scope.tenant, project: Some(&scope.project), kind, id, name: format!("{name} version {number}") }
}
