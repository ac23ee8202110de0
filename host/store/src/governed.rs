//! Governed items: meta-models, business data, relations and quality rules with drafts and published versions (GOV-1).
//!
//! Invariant: the document of an item changes only while no approval of it is pending, and what is published only by the
//! effect of an approval. Both take the item's row first, so neither can slip past the other.

use crate::{
    Approval, Cause, NewApproval, Page, PageRequest, Store, StoreError,
    audit::{Outcome, Record},
    error::unless_taken,
    row,
    transaction::Transaction,
};
use millrace_domain::{
    Action, Name, ProjectScope, Scope,
    governed::{GovernedKind, GovernedState, Relation},
};
use millrace_model::ids::{ProjectId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// An item.
#[derive(Debug, Clone, PartialEq)]
pub struct GovernedItem {
    /// Id.
    pub id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The project, for quality rules.
    pub project: Option<ProjectId>,
    /// What it is.
    pub kind: GovernedKind,
    /// Name, unique below its parent.
    pub name: Name,
    /// Category, meta-model, first end or table; empty if it has none.
    pub parent: String,
    /// The document being edited.
    pub draft: Value,
    /// The document as it was published last.
    pub published: Option<Value>,
    /// How often it was published.
    pub published_version: i64,
    /// Where it stands.
    pub state: GovernedState,
    /// Grows with each change of the draft.
    pub revision: i64,
    /// The approval that is pending.
    pub approval: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// An item to make.
#[derive(Debug, Clone)]
pub struct NewGoverned {
    /// What.
    pub kind: GovernedKind,
    /// In which project, for quality rules.
    pub project: Option<ProjectId>,
    /// Name.
    pub name: Name,
    /// Category, meta-model, first end or table.
    pub parent: String,
    /// The first draft.
    pub draft: Value,
}

/// Which items to list.
#[derive(Debug, Clone, Default)]
pub struct GovernedFilter {
    /// Of this parent.
    pub parent: Option<String>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Only what was published.
    pub is_published: bool,
}

/// A published version.
#[derive(Debug, Clone, PartialEq)]
pub struct GovernedVersion {
    /// Counts from 1.
    pub number: i64,
    /// The document.
    pub document: Value,
    /// The approval that published it.
    pub approval: Option<String>,
    /// Who approved it.
    pub published_by: String,
    /// When, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// What a publication asks for: the payload of its approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Publication {
    revision: i64,
    document: Value,
    #[serde(default)]
    published: Option<Value>,
}

const SELECT: &str = "SELECT g.*, (SELECT a.id FROM approvals a WHERE a.tenant_id = g.tenant_id AND a.subject = g.id \
     AND a.state = 'pending') AS pending_approval FROM governed_items g";

impl GovernedItem {
    /// Where those decide who decide on it.
    pub fn scope(&self) -> Scope {
        match &self.project {
            Some(project) => Scope::Project(ProjectScope::new(self.tenant.clone(), project.clone())),
            None => Scope::Tenant(self.tenant.clone()),
        }
    }
}

impl Store {
    /// Makes an item.
    ///
    /// # Errors
    /// The name is taken, the project is archived, or the database fails.
    pub async fn create_governed(&self, cause: &Cause, tenant: &TenantId, new: &NewGoverned) -> Result<GovernedItem, StoreError> {
        let id = self.new_id(prefix(new.kind));
        let mut tx = self.begin().await?;
        if let Some(project) = &new.project {
            self.enter(&mut tx, &ProjectScope::new(tenant.clone(), project.clone())).await?;
        }
        sqlx::query(
            "INSERT INTO governed_items (id, tenant_id, project_id, kind, name, parent_id, draft_json, published_version, revision, \
             created_by, created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 1, $8, $9, $9)",
        )
        .bind(id.as_str())
        .bind(tenant.as_str())
        .bind(new.project.as_ref().map(|p| p.as_str().to_owned()))
        .bind(new.kind.as_str())
        .bind(new.name.as_str())
        .bind(new.parent.as_str())
        .bind(new.draft.to_string())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await
        .map_err(unless_taken(new.kind.noun(), new.name.as_str()))?;
        let item = read(&mut tx, tenant, &id).await?.ok_or_else(|| StoreError::not_found(new.kind.noun(), &id))?;
        self.audit_item(&mut tx, cause, &item, "edit", json!({"name": new.name, "revision": 1})).await?;
        tx.commit().await?;
        Ok(item)
    }

    /// The item of this id, or of this name if no other of the kind has it.
    ///
    /// # Errors
    /// The tenant has none, several have the name, or the database fails.
    pub async fn governed(&self, tenant: &TenantId, kind: GovernedKind, name_or_id: &str) -> Result<GovernedItem, StoreError> {
        let text = format!("{SELECT} WHERE g.tenant_id = $1 AND g.kind = $2 AND (g.id = $3 OR g.name = $3) ORDER BY g.id LIMIT 2");
        // The text is made of constants.
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(tenant.as_str()).bind(kind.as_str()).bind(name_or_id).fetch_all(&self.pool).await?;
        match rows.as_slice() {
            [] => Err(StoreError::not_found(kind.noun(), name_or_id)),
            [found] => item(found),
            _ => Err(StoreError::Invalid { field: "name", message: "several have this name; use the id".into() }),
        }
    }

    /// Items of a kind, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn governed_items(
        &self,
        tenant: &TenantId,
        kind: GovernedKind,
        filter: &GovernedFilter,
        page: &PageRequest,
    ) -> Result<Page<GovernedItem>, StoreError> {
        let text = format!(
            "{SELECT} WHERE g.tenant_id = $1 AND g.kind = $2 AND g.id < $3 AND ($4 = '' OR g.parent_id = $4) \
             AND ($5 = '' OR g.project_id = $5) AND ($6 = 0 OR g.published_version > 0) ORDER BY g.id DESC LIMIT $7"
        );
        // The text is made of constants.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(tenant.as_str())
            .bind(kind.as_str())
            .bind(page.before()?)
            .bind(filter.parent.as_deref().unwrap_or_default())
            .bind(filter.project.as_ref().map_or("", |p| p.as_str()))
            .bind(i64::from(filter.is_published))
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        let items = rows.iter().map(item).collect::<Result<_, _>>()?;
        Ok(page.page(items, |i: &GovernedItem| &i.id))
    }

    /// Replaces the draft of an item.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, an approval is pending, or the database fails.
    pub async fn change_governed(
        &self,
        cause: &Cause,
        of: &GovernedItem,
        draft: &Value,
        expected_revision: Option<i64>,
    ) -> Result<GovernedItem, StoreError> {
        let mut tx = self.begin().await?;
        let found = self.lock_item(&mut tx, of).await?;
        standing_still(&found)?;
        if let Some(expected) = expected_revision.filter(|expected| *expected != found.revision) {
            let (what, name) = (found.kind.noun(), found.name.to_string());
            return Err(StoreError::RevisionConflict { what, name, expected, found: found.revision });
        }
        sqlx::query("UPDATE governed_items SET draft_json = $2, revision = revision + 1, updated_at_ms = $3 WHERE id = $1")
            .bind(found.id.as_str())
            .bind(draft.to_string())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        let changed = read(&mut tx, &of.tenant, &of.id).await?.ok_or_else(|| StoreError::not_found(of.kind.noun(), &of.id))?;
        self.audit_item(&mut tx, cause, &changed, "edit", json!({"revision": changed.revision})).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes an item that nothing else needs.
    ///
    /// # Errors
    /// It is not there, an approval is pending, something needs it, or the database fails.
    pub async fn delete_governed(&self, cause: &Cause, of: &GovernedItem) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let found = self.lock_item(&mut tx, of).await?;
        standing_still(&found)?;
        let needing = sqlx::query(
            "SELECT kind, name FROM governed_items WHERE tenant_id = $1 AND (parent_id = $2 OR (kind = 'relation' AND draft_json LIKE $3)) \
             ORDER BY id LIMIT 1",
        )
        .bind(of.tenant.as_str())
        .bind(of.id.as_str())
        .bind(format!("%\"{}\"%", of.id))
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(needing) = needing {
            let kind: GovernedKind = row::word(&needing, "kind")?;
            let by = format!("{} `{}` needs it; remove that first", kind.noun(), row::text(&needing, "name")?);
            return Err(StoreError::InUse { what: of.kind.noun(), name: of.name.to_string(), by });
        }
        sqlx::query("DELETE FROM tag_uses WHERE tenant_id = $1 AND object_id = $2")
            .bind(of.tenant.as_str())
            .bind(of.id.as_str())
            .execute(&mut *tx)
            .await?;
        for text in ["DELETE FROM governed_versions WHERE item_id = $1", "DELETE FROM meta_model_managers WHERE meta_model_id = $1"] {
            sqlx::query(text).bind(of.id.as_str()).execute(&mut *tx).await?;
        }
        sqlx::query("DELETE FROM governed_items WHERE id = $1").bind(of.id.as_str()).execute(&mut *tx).await?;
        self.audit_item(&mut tx, cause, &found, "edit", json!({"name": found.name, "removed": true})).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks for the publication of an item's draft.
    ///
    /// # Errors
    /// It is not there, is published as it is, an approval is pending, or the database fails.
    pub async fn request_publication(&self, cause: &Cause, of: &GovernedItem, reason: &str) -> Result<Approval, StoreError> {
        let mut tx = self.begin().await?;
        let found = self.lock_item(&mut tx, of).await?;
        standing_still(&found)?;
        if found.state == GovernedState::Published {
            let message = format!("{} `{}` is published as it is; change it first", found.kind.noun(), found.name);
            return Err(StoreError::Conflict { code: "governed.published", message });
        }
        let payload = Publication { revision: found.revision, document: found.draft.clone(), published: found.published.clone() };
        let new = NewApproval {
            kind: found.kind.approval(),
            scope: found.scope(),
            environment: None,
            subject: found.id.clone(),
            subject_name: found.name.to_string(),
            open_key: found.id.clone(),
            for_project: found.project.clone(),
            reason: reason.to_owned(),
            payload: row::to_value(&payload)?,
        };
        let made = self.request_approval_in(&mut tx, cause, &new).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The effect of an approved publication.
    pub(crate) async fn publication_approved(&self, tx: &mut Transaction, cause: &Cause, approval: &Approval) -> Result<Value, StoreError> {
        let Publication { revision, document, .. } =
            serde_json::from_value(approval.payload.clone()).map_err(|error| StoreError::Corrupt(format!("payload: {error}")))?;
        let published = sqlx::query(
            "UPDATE governed_items SET published_json = $4, published_version = published_version + 1, updated_at_ms = $5 \
             WHERE tenant_id = $1 AND id = $2 AND revision = $3 RETURNING published_version",
        )
        .bind(approval.tenant.as_str())
        .bind(approval.subject.as_str())
        .bind(revision)
        .bind(document.to_string())
        .bind(self.now_ms())
        .fetch_optional(&mut **tx)
        .await?;
        let Some(published) = published else {
            let message = format!("`{}` is not there any more as it was asked for; reject the request", approval.subject_name);
            return Err(StoreError::Conflict { code: "governed.changed", message });
        };
        let number = row::integer(&published, "published_version")?;
        sqlx::query(
            "INSERT INTO governed_versions (tenant_id, item_id, number, document_json, approval_id, published_by, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(approval.tenant.as_str())
        .bind(approval.subject.as_str())
        .bind(number)
        .bind(document.to_string())
        .bind(approval.id.as_str())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        Ok(json!({"version": number}))
    }

    /// The published versions of an item, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn governed_versions(&self, of: &GovernedItem) -> Result<Vec<GovernedVersion>, StoreError> {
        let rows = sqlx::query("SELECT * FROM governed_versions WHERE tenant_id = $1 AND item_id = $2 ORDER BY number DESC LIMIT 200")
            .bind(of.tenant.as_str())
            .bind(of.id.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|found| {
                Ok(GovernedVersion {
                    number: row::integer(found, "number")?,
                    document: row::json(found, "document_json")?,
                    approval: row::text_or_none(found, "approval_id")?,
                    published_by: row::text(found, "published_by")?,
                    created_at_ms: row::integer(found, "created_at_ms")?,
                })
            })
            .collect()
    }

    /// Published relations that lead to a thing: id and name of each, where it begins, and the column that it leads to.
    ///
    /// # Errors
    /// The database fails.
    pub async fn relations_to(&self, tenant: &TenantId, id: &str) -> Result<Vec<(String, String, String, Option<String>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, name, published_json FROM governed_items WHERE tenant_id = $1 AND kind = 'relation' AND published_json LIKE $2 \
             ORDER BY id DESC LIMIT 500",
        )
        .bind(tenant.as_str())
        .bind(format!("%\"{id}\"%"))
        .fetch_all(&self.pool)
        .await?;
        let mut relations = Vec::new();
        for found in &rows {
            let relation: Relation = row::json(found, "published_json")?;
            if relation.to.id == id {
                relations.push((row::text(found, "id")?, row::text(found, "name")?, relation.from.id, relation.to.column));
            }
        }
        Ok(relations)
    }

    /// Ids and names of the people who manage the data of a meta-model.
    ///
    /// # Errors
    /// The database fails.
    pub async fn meta_model_managers(&self, model: &GovernedItem) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id, u.name FROM meta_model_managers m JOIN users u ON u.id = m.user_id \
             WHERE m.tenant_id = $1 AND m.meta_model_id = $2 ORDER BY u.name, u.id",
        )
        .bind(model.tenant.as_str())
        .bind(model.id.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|found| Ok((row::text(found, "id")?, row::text(found, "name")?))).collect()
    }

    /// Says who manages the data of a meta-model (ROL-2).
    ///
    /// # Errors
    /// One of the users is not in the tenant, or the database fails.
    pub async fn set_meta_model_managers(&self, cause: &Cause, model: &GovernedItem, users: &[String]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.lock_item(&mut tx, model).await?;
        sqlx::query("DELETE FROM meta_model_managers WHERE meta_model_id = $1").bind(model.id.as_str()).execute(&mut *tx).await?;
        for user in users {
            let found = sqlx::query("SELECT id FROM users WHERE id = $1 AND (tenant_id = $2 OR tenant_id IS NULL)")
                .bind(user.as_str())
                .bind(model.tenant.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            found.ok_or_else(|| StoreError::not_found("user", user.as_str()))?;
            sqlx::query("INSERT INTO meta_model_managers (tenant_id, meta_model_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(model.tenant.as_str())
                .bind(model.id.as_str())
                .bind(user.as_str())
                .execute(&mut *tx)
                .await?;
        }
        self.audit_item(&mut tx, cause, model, "edit", json!({"managers": users})).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The item as it is now, kept so until `tx` ends.
    async fn lock_item(&self, tx: &mut Transaction, of: &GovernedItem) -> Result<GovernedItem, StoreError> {
        if let Some(project) = &of.project {
            self.enter(tx, &ProjectScope::new(of.tenant.clone(), project.clone())).await?;
        }
        sqlx::query("UPDATE governed_items SET name = name WHERE tenant_id = $1 AND id = $2")
            .bind(of.tenant.as_str())
            .bind(of.id.as_str())
            .execute(&mut **tx)
            .await?;
        read(tx, &of.tenant, &of.id).await?.ok_or_else(|| StoreError::not_found(of.kind.noun(), of.name.as_str()))
    }

    async fn audit_item(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        of: &GovernedItem,
        verb: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(of.kind.edited_with().as_str(), format!("{}.{verb}", of.kind));
        let action: Action = of.kind.edited_with();
        let record = Record {
            tenant: Some(&of.tenant),
            project: of.project.as_ref(),
            action: action.as_str(),
            object: &of.id,
            outcome: Outcome::Done,
            detail,
        };
        self.audit(tx, cause, record).await
    }
}

/// While somebody is to decide on a draft, it must not change.
fn standing_still(found: &GovernedItem) -> Result<(), StoreError> {
    let Some(approval) = &found.approval else { return Ok(()) };
    let message = format!("{} `{}` is in approval; decide or withdraw `{approval}` first", found.kind.noun(), found.name);
    Err(StoreError::Conflict { code: "governed.in_approval", message })
}

const fn prefix(kind: GovernedKind) -> &'static str {
    match kind {
        GovernedKind::MetaModel => "mmd",
        GovernedKind::BusinessData => "bsd",
        GovernedKind::Relation => "rel",
        GovernedKind::QualityRule => "qlr",
    }
}

async fn read(tx: &mut Transaction, tenant: &TenantId, id: &str) -> Result<Option<GovernedItem>, StoreError> {
    let text = format!("{SELECT} WHERE g.tenant_id = $1 AND g.id = $2");
    // The text is made of constants.
    let found = sqlx::query(sqlx::AssertSqlSafe(text)).bind(tenant.as_str()).bind(id).fetch_optional(&mut **tx).await?;
    found.as_ref().map(item).transpose()
}

fn item(found: &AnyRow) -> Result<GovernedItem, StoreError> {
    let draft: Value = row::json(found, "draft_json")?;
    let published: Option<Value> = row::text_or_none(found, "published_json")?.map(|t| row::from_json(&t, "published_json")).transpose()?;
    let approval = row::text_or_none(found, "pending_approval")?;
    Ok(GovernedItem {
        id: row::text(found, "id")?,
        tenant: TenantId::new(row::text(found, "tenant_id")?),
        project: row::text_or_none(found, "project_id")?.map(ProjectId::new),
        kind: row::word(found, "kind")?,
        name: row::word(found, "name")?,
        parent: row::text(found, "parent_id")?,
        state: GovernedState::of(published.is_some(), published.as_ref() != Some(&draft), approval.is_some()),
        draft,
        published,
        published_version: row::integer(found, "published_version")?,
        revision: row::integer(found, "revision")?,
        approval,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}
