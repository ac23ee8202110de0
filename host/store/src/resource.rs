//! Uploaded resources and their versions: JARs, components, data packages (EXT-5).
//!
//! Invariant: a version is immutable and names its content by hash; a resource that somebody uses is not removed; one
//! resource holds one kind of content.

use crate::{
    Cause, Content, ContentUse, Page, PageRequest, Store, StoreError,
    audit::done_in,
    blob::{content_use, named},
    data_source::row_scope,
    row,
    transaction::Transaction,
};
use millrace_domain::{Action, Name, ProjectScope, ResourceKind};
use millrace_model::ids::ResourceId;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Id, `res_…`.
    pub id: ResourceId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name, unique in the project.
    pub name: Name,
    /// What its versions hold.
    pub kind: ResourceKind,
    /// What it is for.
    pub description: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// The newest version.
    pub latest: ResourceVersion,
}

/// A version of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceVersion {
    /// The resource.
    pub resource: ResourceId,
    /// Counts from 1.
    pub number: i64,
    /// SHA-256 of the content, in hex.
    pub content_hash: String,
    /// Size of the content.
    pub size_bytes: i64,
    /// What was found in it: format, schema and row count of a data package, world of a component, classes of a JAR.
    pub detail: Value,
    /// Who uploaded it.
    pub created_by: String,
    /// Uploaded at, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// A version to add, after a look at its content.
pub struct NewResourceVersion<'a> {
    /// Name of the resource; made if it is new.
    pub name: Name,
    /// What the content is.
    pub kind: ResourceKind,
    /// What the resource is for; none keeps what is there.
    pub description: Option<String>,
    /// What was found in the content.
    pub detail: Value,
    /// The first rows of a data package.
    pub preview: Value,
    /// The content.
    pub content: Content<'a>,
}

/// Which resources to list; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct ResourceFilter {
    /// Of this kind.
    pub kind: Option<ResourceKind>,
    /// With this in their names.
    pub name: Option<String>,
}

/// A resource joined with its newest version; `rest` narrows and orders.
macro_rules! select_resources {
    ($rest:literal) => {
        concat!(
            "SELECT r.id AS id, r.tenant_id AS tenant_id, r.project_id AS project_id, r.name AS name, r.kind AS kind, ",
            "r.description AS description, r.created_at_ms AS made_at_ms, v.resource_id AS resource_id, v.number AS number, ",
            "v.content_hash AS content_hash, v.size_bytes AS size_bytes, v.detail_json AS detail_json, v.created_by AS created_by, ",
            "v.created_at_ms AS created_at_ms FROM resources r JOIN resource_versions v ON v.resource_id = r.id ",
            "WHERE v.number = (SELECT MAX(m.number) FROM resource_versions m WHERE m.resource_id = r.id) ",
            "AND r.tenant_id = $1 AND r.project_id = $2 ",
            $rest
        )
    };
}

impl Store {
    /// Adds a version to a resource. The same content as the newest version adds nothing: uploading again is safe.
    ///
    /// # Errors
    /// The resource is of another kind, the storage quota does not allow it, the project is archived, or the database fails.
    pub async fn add_resource_version(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        new: NewResourceVersion<'_>,
    ) -> Result<Resource, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let id = self.resource_row(&mut tx, scope, &new).await?;
        let latest = sqlx::query("SELECT number, content_hash FROM resource_versions WHERE resource_id = $1 ORDER BY number DESC LIMIT 1")
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let number = match &latest {
            Some(latest) if row::text(latest, "content_hash")? == new.content.hash => None,
            Some(latest) => Some(row::integer(latest, "number")? + 1),
            None => Some(1),
        };
        if let Some(number) = number {
            let (name, hash, size) = (new.name.clone(), new.content.hash.clone(), new.content.size_bytes);
            self.insert_resource_version(&mut tx, cause, scope, (&id, number), new).await?;
            let detail = json!({"name": name, "number": number, "content_hash": hash, "size_bytes": size});
            self.audit(&mut tx, cause, done_in(scope, Action::ResourceUpload, &id, detail)).await?;
        }
        tx.commit().await?;
        self.resource(scope, &id).await
    }

    /// Id of the resource of this name, made if it is new.
    async fn resource_row(&self, tx: &mut Transaction, scope: &ProjectScope, new: &NewResourceVersion<'_>) -> Result<String, StoreError> {
        let found = sqlx::query(
            "INSERT INTO resources (id, tenant_id, project_id, name, kind, description, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project_id, name) DO UPDATE SET \
             description = CASE WHEN $8 = 1 THEN excluded.description ELSE resources.description END RETURNING id, kind",
        )
        .bind(self.new_id("res"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.name.as_str())
        .bind(new.kind.as_str())
        .bind(new.description.clone().unwrap_or_default())
        .bind(self.now_ms())
        .bind(i64::from(new.description.is_some()))
        .fetch_one(&mut **tx)
        .await?;
        let kind: ResourceKind = row::word(&found, "kind")?;
        if kind != new.kind {
            let message = format!("resource `{}` holds a {kind}, but the content is a {}; choose another name", new.name, new.kind);
            return Err(StoreError::Invalid { field: "content", message });
        }
        row::text(&found, "id")
    }

    async fn insert_resource_version(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        (resource, number): (&str, i64),
        new: NewResourceVersion<'_>,
    ) -> Result<(), StoreError> {
        let (hash, size) = (new.content.hash.clone(), new.content.size_bytes);
        self.admit_upload(tx, scope).await?;
        self.put_content(tx, (&scope.tenant, Some(&scope.project)), new.content).await?;
        sqlx::query(
            "INSERT INTO resource_versions (id, tenant_id, project_id, resource_id, number, content_hash, size_bytes, detail_json, \
             preview_json, created_by, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(self.new_id("rev"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(resource)
        .bind(number)
        .bind(hash)
        .bind(size)
        .bind(new.detail.to_string())
        .bind(new.preview.to_string())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The resource of this name or id with its newest version.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn resource(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Resource, StoreError> {
        let found = sqlx::query(select_resources!("AND (r.id = $3 OR r.name = $3)"))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(name_or_id)
            .fetch_optional(&self.pool)
            .await?;
        resource(&found.ok_or_else(|| StoreError::not_found("resource", name_or_id))?)
    }

    /// The resources of the project with their newest versions.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn resources(&self, scope: &ProjectScope, filter: &ResourceFilter, page: &PageRequest) -> Result<Page<Resource>, StoreError> {
        // A name has none of the characters that LIKE reads as more than themselves but `_`.
        let part = filter.name.as_deref().unwrap_or_default().replace(['\\', '%'], "").replace('_', "\\_");
        let rows = sqlx::query(select_resources!(
            "AND r.id < $3 AND ($4 = '' OR r.kind = $4) AND r.name LIKE $5 ESCAPE '\\' ORDER BY r.id DESC LIMIT $6"
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(page.before()?)
        .bind(filter.kind.map_or("", ResourceKind::as_str))
        .bind(format!("%{part}%"))
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let resources = rows.iter().map(resource).collect::<Result<_, _>>()?;
        Ok(page.page(resources, |r: &Resource| r.id.as_str()))
    }

    /// All versions of a resource, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn resource_versions(&self, scope: &ProjectScope, id: &ResourceId) -> Result<Vec<ResourceVersion>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM resource_versions WHERE tenant_id = $1 AND project_id = $2 AND resource_id = $3 ORDER BY number DESC",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(version).collect()
    }

    /// The version of this number, or `latest`, with its preview.
    ///
    /// # Errors
    /// The resource has none, or the database fails.
    pub async fn resource_version(
        &self,
        scope: &ProjectScope,
        id: &ResourceId,
        number: &str,
    ) -> Result<(ResourceVersion, Value), StoreError> {
        let wanted = if number == "latest" { Some(0) } else { number.parse::<i64>().ok().filter(|n| *n > 0) };
        let wanted = wanted.ok_or_else(|| StoreError::not_found("version", number))?;
        let found = sqlx::query(
            "SELECT * FROM resource_versions WHERE tenant_id = $1 AND project_id = $2 AND resource_id = $3 \
             AND ($4 = 0 OR number = $4) ORDER BY number DESC LIMIT 1",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(wanted)
        .fetch_optional(&self.pool)
        .await?;
        let found = found.ok_or_else(|| StoreError::not_found("version", number))?;
        Ok((version(&found)?, row::json(&found, "preview_json")?))
    }

    /// Who in the project, or in the tenant as a whole, uses a version of the resource.
    ///
    /// # Errors
    /// The database fails.
    pub async fn resource_uses(&self, scope: &ProjectScope, id: &ResourceId) -> Result<Vec<ContentUse>, StoreError> {
        let mut tx = self.begin().await?;
        self.uses_of(&mut tx, scope, id).await
    }

    async fn uses_of(&self, tx: &mut Transaction, scope: &ProjectScope, id: &ResourceId) -> Result<Vec<ContentUse>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.* FROM blob_uses u WHERE u.tenant_id = $1 AND (u.project_id = $2 OR u.project_id IS NULL) \
             AND u.user_kind <> 'build' AND u.content_hash IN (SELECT v.content_hash FROM resource_versions v WHERE v.tenant_id = $1 AND v.project_id = $2 \
             AND v.resource_id = $3) ORDER BY u.user_kind, u.user_name, u.user_id",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_all(&mut **tx)
        .await?;
        rows.iter().map(content_use).collect()
    }

    /// Removes a resource with all its versions; content that nobody else needs goes with it.
    ///
    /// # Errors
    /// It is not there or in use, the project is archived, or the database fails.
    pub async fn delete_resource(&self, cause: &Cause, scope: &ProjectScope, id: &ResourceId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let uses = self.uses_of(&mut tx, scope, id).await?;
        if !uses.is_empty() {
            return Err(StoreError::InUse { what: "resource", name: id.as_str().to_owned(), by: named(&uses) });
        }
        let versions = sqlx::query(
            "DELETE FROM resource_versions WHERE tenant_id = $1 AND project_id = $2 AND resource_id = $3 RETURNING content_hash",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_all(&mut *tx)
        .await?;
        let removed = sqlx::query("DELETE FROM resources WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING name")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("resource", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?, "versions": versions.len()});
        self.audit(&mut tx, cause, done_in(scope, Action::ResourceDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        let hashes = versions.iter().map(|found| row::text(found, "content_hash")).collect::<Result<Vec<_>, _>>()?;
        self.drop_unneeded(&scope.tenant, &hashes).await
    }
}

fn resource(found: &AnyRow) -> Result<Resource, StoreError> {
    Ok(Resource {
        id: ResourceId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        name: row::word(found, "name")?,
        kind: row::word(found, "kind")?,
        description: row::text(found, "description")?,
        created_at_ms: row::integer(found, "made_at_ms")?,
        latest: version(found)?,
    })
}

fn version(found: &AnyRow) -> Result<ResourceVersion, StoreError> {
    Ok(ResourceVersion {
        resource: ResourceId::new(row::text(found, "resource_id")?),
        number: row::integer(found, "number")?,
        content_hash: row::text(found, "content_hash")?,
        size_bytes: row::integer(found, "size_bytes")?,
        detail: row::json(found, "detail_json")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
    })
}
