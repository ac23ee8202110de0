//! Templates and their versions (EXT-2).
//!
//! Invariant: a private template is its owner's, and for nobody else there but who may see all of the tenant; a version is
//! immutable.

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::done_in_tenant, error::unless_taken, row, transaction::Transaction};
use millrace_domain::{
    Action, Name,
    template::{TemplateLanguage, Visibility},
};
use millrace_model::ids::{TemplateId, TenantId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A template with its newest version.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTemplate {
    /// Id, `tpl_…`.
    pub id: TemplateId,
    /// Name, unique among the tenant's, or among those of its owner.
    pub name: Name,
    /// Id of the user who made it.
    pub owner: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// The language of its text.
    pub language: TemplateLanguage,
    /// World of the components that come of it.
    pub world: String,
    /// What it is for.
    pub description: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
    /// The newest version.
    pub latest: TemplateVersion,
}

/// A version of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateVersion {
    /// Counts from 1.
    pub number: i64,
    /// The text with its placeholders.
    pub text: String,
    /// Declarations of its parameters.
    pub parameters: Value,
    /// Who added it.
    pub created_by: String,
    /// Added at, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// How often a version of a template was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateUse {
    /// The version.
    pub version: i64,
    /// Builds that are kept and whose text it completed.
    pub builds: i64,
    /// When the last of them was asked for, in milliseconds since the epoch.
    pub last_used_at_ms: i64,
}

/// A template to make.
#[derive(Debug, Clone)]
pub struct NewTemplate {
    /// Its name.
    pub name: Name,
    /// Who sees it.
    pub visibility: Visibility,
    /// The language of its text.
    pub language: TemplateLanguage,
    /// World of the components that come of it.
    pub world: String,
    /// What it is for.
    pub description: String,
    /// The text with its placeholders.
    pub text: String,
    /// Declarations of its parameters.
    pub parameters: Value,
}

/// Who looks, and at what.
#[derive(Debug, Clone, Default)]
pub struct TemplateReader {
    /// Id of the user.
    pub user: String,
    /// Whether private templates of others are there for the user.
    pub sees_all: bool,
}

/// Which templates to list; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct TemplateFilter {
    /// Of this language.
    pub language: Option<TemplateLanguage>,
    /// For this world.
    pub world: Option<String>,
}

/// A template joined with its newest version, if the reader sees it; `rest` narrows and orders.
macro_rules! select_templates {
    ($rest:literal) => {
        concat!(
            "SELECT t.id AS id, t.name AS name, t.owner AS owner, t.visibility AS visibility, t.language AS language, t.world AS world, ",
            "t.description AS description, t.created_at_ms AS made_at_ms, t.updated_at_ms AS updated_at_ms, v.number AS number, ",
            "v.text AS text, v.parameters_json AS parameters_json, v.created_by AS created_by, v.created_at_ms AS created_at_ms ",
            "FROM templates t JOIN template_versions v ON v.template_id = t.id ",
            "WHERE v.number = (SELECT MAX(m.number) FROM template_versions m WHERE m.template_id = t.id) ",
            "AND t.tenant_id = $1 AND (t.visibility = 'tenant' OR t.owner = $2 OR $3 = 1) ",
            $rest
        )
    };
}

impl Store {
    /// Makes a template with its first version; its owner is who causes it.
    ///
    /// # Errors
    /// The name is taken, or the database fails.
    pub async fn create_template(&self, cause: &Cause, tenant: &TenantId, new: &NewTemplate) -> Result<StoredTemplate, StoreError> {
        let id = self.new_id("tpl");
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO templates (id, tenant_id, name, owner, visibility, language, world, description, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        )
        .bind(id.as_str())
        .bind(tenant.as_str())
        .bind(new.name.as_str())
        .bind(cause.actor.as_str())
        .bind(new.visibility.as_str())
        .bind(new.language.as_str())
        .bind(new.world.as_str())
        .bind(new.description.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await
        .map_err(unless_taken("template", new.name.as_str()))?;
        self.insert_template_version(&mut tx, cause, tenant, (&id, 1), (&new.text, &new.parameters)).await?;
        let detail = json!({"name": new.name, "visibility": new.visibility, "number": 1});
        self.audit(&mut tx, cause, done_in_tenant(tenant, action(new.visibility), &id, detail)).await?;
        tx.commit().await?;
        self.template(tenant, &TemplateReader { user: cause.actor.clone(), sees_all: true }, &id).await
    }

    /// Adds a version. One that differs from the newest in nothing adds nothing: adding again is safe.
    ///
    /// # Errors
    /// The template is not there, or the database fails.
    pub async fn add_template_version(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        id: &TemplateId,
        (text, parameters): (&str, &Value),
    ) -> Result<StoredTemplate, StoreError> {
        let reader = TemplateReader { user: cause.actor.clone(), sees_all: true };
        let mut tx = self.begin().await?;
        // The update takes the row's lock, so that numbers come one after the other.
        let locked = sqlx::query("UPDATE templates SET updated_at_ms = $3 WHERE tenant_id = $1 AND id = $2 RETURNING visibility")
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(self.now_ms())
            .fetch_optional(&mut *tx)
            .await?;
        let visibility: Visibility = row::word(&locked.ok_or_else(|| StoreError::not_found("template", id.as_str()))?, "visibility")?;
        let latest = sqlx::query("SELECT * FROM template_versions WHERE template_id = $1 ORDER BY number DESC LIMIT 1")
            .bind(id.as_str())
            .fetch_one(&mut *tx)
            .await?;
        let latest = version(&latest)?;
        if latest.text == text && latest.parameters == *parameters {
            drop(tx);
            return self.template(tenant, &reader, id.as_str()).await;
        }
        let number = latest.number + 1;
        self.insert_template_version(&mut tx, cause, tenant, (id.as_str(), number), (text, parameters)).await?;
        self.audit(&mut tx, cause, done_in_tenant(tenant, action(visibility), id.as_str(), json!({"number": number}))).await?;
        tx.commit().await?;
        self.template(tenant, &reader, id.as_str()).await
    }

    async fn insert_template_version(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        tenant: &TenantId,
        (id, number): (&str, i64),
        (text, parameters): (&str, &Value),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO template_versions (id, tenant_id, template_id, number, text, parameters_json, created_by, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(self.new_id("tpv"))
        .bind(tenant.as_str())
        .bind(id)
        .bind(number)
        .bind(text)
        .bind(parameters.to_string())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The template that this name or id means to a reader: an own one comes before one of the tenant.
    ///
    /// # Errors
    /// There is none for the reader, or the database fails.
    pub async fn template(&self, tenant: &TenantId, reader: &TemplateReader, name_or_id: &str) -> Result<StoredTemplate, StoreError> {
        let found = sqlx::query(select_templates!(
            "AND (t.id = $4 OR t.name = $4) ORDER BY CASE WHEN t.owner = $2 AND t.visibility = 'private' THEN 0 \
             WHEN t.visibility = 'tenant' THEN 1 ELSE 2 END, t.id LIMIT 1"
        ))
        .bind(tenant.as_str())
        .bind(reader.user.as_str())
        .bind(i64::from(reader.sees_all))
        .bind(name_or_id)
        .fetch_optional(&self.pool)
        .await?;
        template(&found.ok_or_else(|| StoreError::not_found("template", name_or_id))?)
    }

    /// The templates that a reader sees.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn templates(
        &self,
        tenant: &TenantId,
        reader: &TemplateReader,
        filter: &TemplateFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredTemplate>, StoreError> {
        let rows = sqlx::query(select_templates!(
            "AND t.id < $4 AND ($5 = '' OR t.language = $5) AND ($6 = '' OR t.world = $6) ORDER BY t.id DESC LIMIT $7"
        ))
        .bind(tenant.as_str())
        .bind(reader.user.as_str())
        .bind(i64::from(reader.sees_all))
        .bind(page.before()?)
        .bind(filter.language.map_or("", TemplateLanguage::as_str))
        .bind(filter.world.clone().unwrap_or_default())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let templates = rows.iter().map(template).collect::<Result<_, _>>()?;
        Ok(page.page(templates, |t: &StoredTemplate| t.id.as_str()))
    }

    /// All versions of a template, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn template_versions(&self, tenant: &TenantId, id: &TemplateId) -> Result<Vec<TemplateVersion>, StoreError> {
        let rows = sqlx::query("SELECT * FROM template_versions WHERE tenant_id = $1 AND template_id = $2 ORDER BY number DESC")
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(version).collect()
    }

    /// How often the versions of a template have completed a build that is still kept, the newest version first. `id` is that of
    /// a template, or the name of a frame that everybody has.
    ///
    /// # Errors
    /// The database fails.
    pub async fn template_uses(&self, tenant: &TenantId, id: &str) -> Result<Vec<TemplateUse>, StoreError> {
        let rows = sqlx::query(
            "SELECT template_version AS version, COUNT(*) AS builds, MAX(created_at_ms) AS last_used_at_ms FROM builds \
             WHERE tenant_id = $1 AND template_id = $2 GROUP BY template_version ORDER BY template_version DESC",
        )
        .bind(tenant.as_str())
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let used = |found: &AnyRow| {
            Ok(TemplateUse {
                version: row::integer(found, "version")?,
                builds: row::integer(found, "builds")?,
                last_used_at_ms: row::integer(found, "last_used_at_ms")?,
            })
        };
        rows.iter().map(used).collect()
    }

    /// Changes what a template is for and who sees it.
    ///
    /// # Errors
    /// It is not there, the tenant has one of its name already, or the database fails.
    pub async fn change_template(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        id: &TemplateId,
        (description, visibility): (&str, Visibility),
    ) -> Result<StoredTemplate, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE templates SET description = $3, visibility = $4, updated_at_ms = $5 WHERE tenant_id = $1 AND id = $2 RETURNING name",
        )
        .bind(tenant.as_str())
        .bind(id.as_str())
        .bind(description)
        .bind(visibility.as_str())
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unless_taken("template", id.as_str()))?;
        if changed.is_none() {
            return Err(StoreError::not_found("template", id.as_str()));
        }
        self.audit(&mut tx, cause, done_in_tenant(tenant, action(visibility), id.as_str(), json!({"visibility": visibility}))).await?;
        tx.commit().await?;
        self.template(tenant, &TemplateReader { user: cause.actor.clone(), sees_all: true }, id.as_str()).await
    }

    /// Removes a template; what was made of it stays as it is.
    ///
    /// # Errors
    /// It is not there, or the database fails.
    pub async fn delete_template(&self, cause: &Cause, tenant: &TenantId, id: &TemplateId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM template_versions WHERE tenant_id = $1 AND template_id = $2")
            .bind(tenant.as_str())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        let removed = sqlx::query("DELETE FROM templates WHERE tenant_id = $1 AND id = $2 RETURNING name, visibility")
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("template", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?, "removed": true});
        let action = action(row::word(&removed, "visibility")?);
        self.audit(&mut tx, cause, done_in_tenant(tenant, action, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What changing a template is called.
fn action(visibility: Visibility) -> Action {
    match visibility {
        Visibility::Private => Action::TemplateEdit,
        Visibility::Tenant => Action::TemplatePublish,
    }
}

fn template(found: &AnyRow) -> Result<StoredTemplate, StoreError> {
    Ok(StoredTemplate {
        id: TemplateId::new(row::text(found, "id")?),
        name: row::word(found, "name")?,
        owner: row::text(found, "owner")?,
        visibility: row::word(found, "visibility")?,
        language: row::word(found, "language")?,
        world: row::text(found, "world")?,
        description: row::text(found, "description")?,
        created_at_ms: row::integer(found, "made_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
        latest: version(found)?,
    })
}

fn version(found: &AnyRow) -> Result<TemplateVersion, StoreError> {
    Ok(TemplateVersion {
        number: row::integer(found, "number")?,
        text: row::text(found, "text")?,
        parameters: row::json(found, "parameters_json")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
    })
}
