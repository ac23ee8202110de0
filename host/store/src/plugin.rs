//! Uploaded plugins and their versions (EXT-5).
//!
//! Invariants: a version is immutable and names its component by content hash; the bytes are kept once per tenant; the
//! newest version goes with its plugin only, so that a number never comes to mean another component.

use crate::{
    Cause, Content, ContentUse, Page, PageRequest, Presentation, Store, StoreError,
    audit::done_in,
    blob::{content_use, named, version_use},
    data_source::row_scope,
    presentation::{presentation, presentation_columns, remove_presentations},
    row,
    transaction::Transaction,
};
use millrace_domain::{Action, Name, ProjectScope, presentation::GivenPresentation};
use millrace_model::ids::PluginId;
use serde_json::json;
use sqlx::any::AnyRow;

/// A plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Id, `plg_…`.
    pub id: PluginId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name, unique in the project.
    pub name: Name,
    /// What it does.
    pub description: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// The newest version.
    pub latest: PluginVersion,
}

/// A version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginVersion {
    /// The plugin.
    pub plugin: PluginId,
    /// Counts from 1.
    pub number: i64,
    /// SHA-256 of the component, in hex.
    pub content_hash: String,
    /// World that it implements: `etl-operator`.
    pub world: String,
    /// Version of the contract: `0.1.0`.
    pub wit_version: String,
    /// Size of the component.
    pub size_bytes: i64,
    /// Who uploaded it.
    pub created_by: String,
    /// Uploaded at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// What is shown of it.
    pub presentation: Presentation,
}

/// A version to add, after admission.
#[derive(Debug, Clone)]
pub struct NewPluginVersion<'a> {
    /// Name of the plugin; made if it is new.
    pub name: Name,
    /// What the plugin does; none keeps what is there.
    pub description: Option<String>,
    /// SHA-256 of the component, in hex, as admission found it.
    pub content_hash: String,
    /// World that it implements.
    pub world: String,
    /// Version of the contract.
    pub wit_version: String,
    /// The component.
    pub component: &'a [u8],
    /// What is shown of it.
    pub presentation: GivenPresentation,
}

/// A plugin joined with its newest version; `rest` narrows and orders.
macro_rules! select_plugins {
    ($rest:literal) => {
        concat!(
            "SELECT p.id AS id, p.tenant_id AS tenant_id, p.project_id AS project_id, p.name AS name, p.description AS description, ",
            "p.created_at_ms AS made_at_ms, v.plugin_id AS plugin_id, v.number AS number, v.content_hash AS content_hash, ",
            "v.world AS world, v.wit_version AS wit_version, v.size_bytes AS size_bytes, v.created_by AS created_by, ",
            "v.created_at_ms AS created_at_ms, ",
            presentation_columns!(),
            " FROM plugins p JOIN plugin_versions v ON v.plugin_id = p.id LEFT JOIN presentations s ON s.version_id = v.id ",
            "WHERE v.number = (SELECT MAX(m.number) FROM plugin_versions m WHERE m.plugin_id = p.id) ",
            "AND p.tenant_id = $1 AND p.project_id = $2 ",
            $rest
        )
    };
}

impl Store {
    /// Adds a version to a plugin. The same component as the newest version, shown in the same way, adds nothing: uploading again
    /// is safe.
    ///
    /// # Errors
    /// The project is archived, or the database fails.
    pub async fn add_plugin_version(&self, cause: &Cause, scope: &ProjectScope, new: &NewPluginVersion<'_>) -> Result<Plugin, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let plugin = self.plugin_row(&mut tx, scope, new).await?;
        let latest = sqlx::query(concat!(
            "SELECT v.*, ",
            presentation_columns!(),
            " FROM plugin_versions v LEFT JOIN presentations s ON s.version_id = v.id WHERE v.plugin_id = $1 ORDER BY v.number DESC LIMIT 1"
        ))
        .bind(plugin.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let latest = latest.as_ref().map(version).transpose()?;
        let before = latest.as_ref().map(|latest| latest.presentation.clone()).unwrap_or_default();
        let shown = before.with(&new.presentation);
        let number = match latest {
            Some(latest) if latest.content_hash == new.content_hash && before == shown => None,
            Some(latest) => Some(latest.number + 1),
            None => Some(1),
        };
        if let Some(number) = number {
            self.insert_version(&mut tx, cause, scope, (&plugin, number), (new, &shown)).await?;
            let detail = json!({"name": new.name, "number": number, "content_hash": new.content_hash});
            self.audit(&mut tx, cause, done_in(scope, Action::PluginUpload, &plugin, detail)).await?;
        }
        tx.commit().await?;
        self.plugin(scope, &plugin).await
    }

    /// Id of the plugin of this name, made if it is new.
    async fn plugin_row(&self, tx: &mut Transaction, scope: &ProjectScope, new: &NewPluginVersion<'_>) -> Result<String, StoreError> {
        let found = sqlx::query(
            "INSERT INTO plugins (id, tenant_id, project_id, name, description, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (project_id, name) DO UPDATE SET \
             description = CASE WHEN $7 = 1 THEN excluded.description ELSE plugins.description END RETURNING id",
        )
        .bind(self.new_id("plg"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.name.as_str())
        .bind(new.description.clone().unwrap_or_default())
        .bind(self.now_ms())
        .bind(i64::from(new.description.is_some()))
        .fetch_one(&mut **tx)
        .await?;
        row::text(&found, "id")
    }

    async fn insert_version(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        (plugin, number): (&str, i64),
        (new, shown): (&NewPluginVersion<'_>, &Presentation),
    ) -> Result<(), StoreError> {
        let (id, size_bytes) = (self.new_id("plv"), i64::try_from(new.component.len()).unwrap_or(i64::MAX));
        let mut bytes = new.component;
        let content = Content { hash: new.content_hash.clone(), size_bytes, bytes: &mut bytes };
        self.admit_upload(tx, scope).await?;
        self.put_content(tx, (&scope.tenant, Some(&scope.project)), content).await?;
        sqlx::query(
            "INSERT INTO plugin_versions (id, tenant_id, project_id, plugin_id, number, content_hash, world, wit_version, size_bytes, \
             created_by, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(plugin)
        .bind(number)
        .bind(new.content_hash.as_str())
        .bind(new.world.as_str())
        .bind(new.wit_version.as_str())
        .bind(size_bytes)
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        let user = version_use(scope, "plugin", &id, new.name.as_str(), number);
        self.note_use(tx, &user, &new.content_hash).await?;
        self.put_presentation(tx, &user, shown, &new.presentation).await
    }

    /// The plugin of this name or id with its newest version.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn plugin(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Plugin, StoreError> {
        let found = sqlx::query(select_plugins!("AND (p.id = $3 OR p.name = $3)"))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(name_or_id)
            .fetch_optional(&self.pool)
            .await?;
        plugin(&found.ok_or_else(|| StoreError::not_found("plugin", name_or_id))?)
    }

    /// The plugins of the project with their newest versions.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn plugins(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<Plugin>, StoreError> {
        let rows = sqlx::query(select_plugins!("AND p.id < $3 ORDER BY p.id DESC LIMIT $4"))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(page.before()?)
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        let plugins = rows.iter().map(plugin).collect::<Result<_, _>>()?;
        Ok(page.page(plugins, |p: &Plugin| p.id.as_str()))
    }

    /// All versions of a plugin, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn plugin_versions(&self, scope: &ProjectScope, id: &PluginId) -> Result<Vec<PluginVersion>, StoreError> {
        let rows = sqlx::query(concat!(
            "SELECT v.*, ",
            presentation_columns!(),
            " FROM plugin_versions v LEFT JOIN presentations s ON s.version_id = v.id \
             WHERE v.tenant_id = $1 AND v.project_id = $2 AND v.plugin_id = $3 ORDER BY v.number DESC"
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(version).collect()
    }

    /// A version of the plugin of this name or id.
    ///
    /// # Errors
    /// The project has no such plugin or version, or the database fails.
    pub async fn plugin_version(&self, scope: &ProjectScope, name_or_id: &str, number: i64) -> Result<PluginVersion, StoreError> {
        let found = sqlx::query(concat!(
            "SELECT v.*, ",
            presentation_columns!(),
            " FROM plugins p JOIN plugin_versions v ON v.plugin_id = p.id LEFT JOIN presentations s ON s.version_id = v.id \
             WHERE p.tenant_id = $1 AND p.project_id = $2 AND (p.id = $3 OR p.name = $3) AND v.number = $4"
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(name_or_id)
        .bind(number)
        .fetch_optional(&self.pool)
        .await?;
        version(&found.ok_or_else(|| StoreError::not_found("version", number.to_string()))?)
    }

    /// Versions of jobs, and functions, that use a version of the plugin.
    ///
    /// # Errors
    /// The database fails.
    pub async fn plugin_uses(&self, scope: &ProjectScope, id: &PluginId) -> Result<Vec<ContentUse>, StoreError> {
        let mut tx = self.begin_read().await?;
        uses_of(&mut tx, scope, id, None).await
    }

    /// Removes a plugin with all its versions and what it was granted; content that nobody else needs goes with it.
    ///
    /// # Errors
    /// It is not there or in use, the project is archived, or the database fails.
    pub async fn delete_plugin(&self, cause: &Cause, scope: &ProjectScope, id: &PluginId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let uses = uses_of(&mut tx, scope, id, None).await?;
        if !uses.is_empty() {
            return Err(StoreError::InUse { what: "plugin", name: id.as_str().to_owned(), by: named(&uses) });
        }
        let (versions, hashes) = remove_versions(&mut tx, scope, id, None).await?;
        let removed = sqlx::query("DELETE FROM plugins WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING name")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("plugin", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?, "versions": versions});
        self.audit(&mut tx, cause, done_in(scope, Action::PluginDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        self.drop_unneeded(&scope.tenant, &hashes).await
    }

    /// Removes a version of a plugin that is not its newest.
    ///
    /// # Errors
    /// It is not there, the newest or in use, the project is archived, or the database fails.
    pub async fn delete_plugin_version(&self, cause: &Cause, scope: &ProjectScope, id: &PluginId, number: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let newest = sqlx::query(
            "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) AS number FROM plugin_versions WHERE tenant_id = $1 AND project_id = $2 AND plugin_id = $3",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_one(&mut *tx)
        .await?;
        if row::integer(&newest, "number")? == number {
            let message = format!("version {number} is the plugin's newest; upload the next one first, or remove the whole plugin");
            return Err(StoreError::Conflict { code: "plugin.newest_version", message });
        }
        let uses = uses_of(&mut tx, scope, id, Some(number)).await?;
        if !uses.is_empty() {
            return Err(StoreError::InUse { what: "plugin version", name: number.to_string(), by: named(&uses) });
        }
        let (_, hashes) = remove_versions(&mut tx, scope, id, Some(number)).await?;
        let Some(content_hash) = hashes.first() else {
            return Err(StoreError::not_found("version", number.to_string()));
        };
        let detail = json!({"version": number, "content_hash": content_hash});
        self.audit(&mut tx, cause, done_in(scope, Action::PluginDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        self.drop_unneeded(&scope.tenant, &hashes).await
    }
}

/// Who uses the content of a version of the plugin, or of any.
async fn uses_of(tx: &mut Transaction, scope: &ProjectScope, id: &PluginId, number: Option<i64>) -> Result<Vec<ContentUse>, StoreError> {
    let rows = sqlx::query(
        "SELECT u.* FROM blob_uses u WHERE u.tenant_id = $1 AND (u.project_id = $2 OR u.project_id IS NULL) \
         AND u.user_kind IN ('job', 'function') AND u.content_hash IN (SELECT v.content_hash FROM plugin_versions v \
         WHERE v.tenant_id = $1 AND v.project_id = $2 AND v.plugin_id = $3 AND ($4 = 0 OR v.number = $4)) \
         ORDER BY u.user_kind, u.user_name, u.user_id",
    )
    .bind(scope.tenant.as_str())
    .bind(scope.project.as_str())
    .bind(id.as_str())
    .bind(number.unwrap_or(0))
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(content_use).collect()
}

/// Removes a version of the plugin, or all; answers how many, and their contents: the components first.
async fn remove_versions(
    tx: &mut Transaction,
    scope: &ProjectScope,
    id: &PluginId,
    number: Option<i64>,
) -> Result<(usize, Vec<String>), StoreError> {
    sqlx::query(
        "DELETE FROM blob_uses WHERE tenant_id = $1 AND user_kind = 'plugin' AND user_id IN (SELECT v.id FROM plugin_versions v \
         WHERE v.tenant_id = $1 AND v.project_id = $2 AND v.plugin_id = $3 AND ($4 = 0 OR v.number = $4))",
    )
    .bind(scope.tenant.as_str())
    .bind(scope.project.as_str())
    .bind(id.as_str())
    .bind(number.unwrap_or(0))
    .execute(&mut **tx)
    .await?;
    let removed = sqlx::query(
        "DELETE FROM plugin_versions WHERE tenant_id = $1 AND project_id = $2 AND plugin_id = $3 AND ($4 = 0 OR number = $4) \
         RETURNING id, content_hash",
    )
    .bind(scope.tenant.as_str())
    .bind(scope.project.as_str())
    .bind(id.as_str())
    .bind(number.unwrap_or(0))
    .fetch_all(&mut **tx)
    .await?;
    let ids = removed.iter().map(|found| row::text(found, "id")).collect::<Result<Vec<_>, _>>()?;
    let mut contents = removed.iter().map(|found| row::text(found, "content_hash")).collect::<Result<Vec<_>, _>>()?;
    contents.extend(remove_presentations(tx, &scope.tenant, &ids).await?);
    Ok((ids.len(), contents))
}

fn plugin(found: &AnyRow) -> Result<Plugin, StoreError> {
    Ok(Plugin {
        id: PluginId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        name: row::word(found, "name")?,
        description: row::text(found, "description")?,
        created_at_ms: row::integer(found, "made_at_ms")?,
        latest: version(found)?,
    })
}

fn version(found: &AnyRow) -> Result<PluginVersion, StoreError> {
    Ok(PluginVersion {
        plugin: PluginId::new(row::text(found, "plugin_id")?),
        number: row::integer(found, "number")?,
        content_hash: row::text(found, "content_hash")?,
        world: row::text(found, "world")?,
        wit_version: row::text(found, "wit_version")?,
        size_bytes: row::integer(found, "size_bytes")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        presentation: presentation(found)?,
    })
}
