//! Functions by which SQL calls tenant code, and their versions (EXT-4).
//!
//! Invariant: a name means one function in a project: the project's own, else the tenant's. A version is immutable and
//! names its component by content hash; what a job's version has pinned is not removed.

use crate::{
    Cause, ContentUse, Page, PageRequest, Presentation, Store, StoreError,
    audit::Record,
    blob::{NewUse, content_use, named},
    error::unless_taken,
    presentation::{presentation, presentation_columns, remove_presentations},
    row,
    transaction::Transaction,
};
use millrace_domain::{Action, Name, ProjectScope, function::FunctionState, presentation::GivenPresentation};
use millrace_model::ids::{FunctionId, ProjectId, TenantId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// Where a function is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionScope {
    /// In all projects of a tenant.
    Tenant(TenantId),
    /// In one project.
    Project(ProjectScope),
}

impl FunctionScope {
    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Tenant(tenant) => tenant,
            Self::Project(scope) => &scope.tenant,
        }
    }

    /// The project, if it is one.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Tenant(_) => None,
            Self::Project(scope) => Some(&scope.project),
        }
    }

    /// The project's id; empty for a tenant.
    fn project_or_empty(&self) -> &str {
        self.project().map_or("", ProjectId::as_str)
    }

    fn done<'a>(&'a self, action: Action, object: &'a str, detail: Value) -> Record<'a> {
        let (tenant, project) = (Some(self.tenant()), self.project());
        Record { tenant, project, action: action.as_str(), object, outcome: crate::Outcome::Done, detail }
    }
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Id, `fun_…`.
    pub id: FunctionId,
    /// Where it is known.
    pub scope: FunctionScope,
    /// Name in SQL.
    pub name: Name,
    /// What it does.
    pub description: String,
    /// What else is said of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it should still be used.
    pub state: FunctionState,
    /// Grows with each change of what is said of it.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
    /// The newest version; none before the first.
    pub latest: Option<FunctionVersion>,
}

/// A version of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionVersion {
    /// Id, `fnv_…`.
    pub id: String,
    /// Counts from 1.
    pub number: i64,
    /// SHA-256 of the component, in hex.
    pub content_hash: String,
    /// World that the component implements: `scalar-function`.
    pub world: String,
    /// Version of the contract.
    pub wit_version: String,
    /// Size of the component.
    pub size_bytes: i64,
    /// How it can be called.
    pub signatures: Value,
    /// What the component was taken from.
    pub origin: Value,
    /// Source text, language and class; null if the component was built elsewhere.
    pub source: Value,
    /// Who added it.
    pub created_by: String,
    /// Added at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// What is shown of it.
    pub presentation: Presentation,
}

/// What is said of a function.
#[derive(Debug, Clone)]
pub struct FunctionChange {
    /// What it does.
    pub description: String,
    /// What else is said of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it should still be used.
    pub state: FunctionState,
}

/// A version to add, after admission.
#[derive(Debug, Clone)]
pub struct NewFunctionVersion {
    /// SHA-256 of the component, in hex.
    pub content_hash: String,
    /// World that the component implements.
    pub world: String,
    /// Version of the contract.
    pub wit_version: String,
    /// Size of the component.
    pub size_bytes: i64,
    /// How it can be called.
    pub signatures: Value,
    /// What the component was taken from.
    pub origin: Value,
    /// Source text, language and class, or null.
    pub source: Value,
    /// What is shown of it.
    pub presentation: GivenPresentation,
}

/// A function joined with its newest version; `rest` narrows and orders.
macro_rules! select_functions {
    ($rest:literal) => {
        concat!(
            "SELECT f.id AS id, f.tenant_id AS tenant_id, f.project_id AS project_id, f.name AS name, f.description AS description, ",
            "f.attributes_json AS attributes_json, f.state AS state, f.revision AS revision, f.created_at_ms AS made_at_ms, ",
            "f.updated_at_ms AS updated_at_ms, v.id AS version_id, v.number AS number, v.content_hash AS content_hash, v.world AS world, ",
            "v.wit_version AS wit_version, v.size_bytes AS size_bytes, v.signatures_json AS signatures_json, ",
            "v.origin_json AS origin_json, v.source_json AS source_json, v.created_by AS created_by, v.created_at_ms AS created_at_ms, ",
            presentation_columns!(),
            " FROM functions f LEFT JOIN function_versions v ON v.function_id = f.id ",
            "AND v.number = (SELECT MAX(m.number) FROM function_versions m WHERE m.function_id = f.id) ",
            "LEFT JOIN presentations s ON s.version_id = v.id ",
            "WHERE f.tenant_id = $1 ",
            $rest
        )
    };
}

/// A version with what is shown of it; `rest` narrows and orders.
macro_rules! select_versions {
    ($rest:literal) => {
        concat!(
            "SELECT v.*, v.id AS version_id, ",
            presentation_columns!(),
            " FROM function_versions v LEFT JOIN presentations s ON s.version_id = v.id WHERE ",
            $rest
        )
    };
}

impl Store {
    /// Makes a function without a version.
    ///
    /// # Errors
    /// The name is taken, the project is archived, or the database fails.
    pub async fn create_function(
        &self,
        cause: &Cause,
        scope: &FunctionScope,
        name: &Name,
        new: &FunctionChange,
    ) -> Result<Function, StoreError> {
        let id = self.new_id("fun");
        let mut tx = self.begin().await?;
        self.enter_functions(&mut tx, scope).await?;
        sqlx::query(
            "INSERT INTO functions (id, tenant_id, project_id, name, description, attributes_json, state, revision, created_at_ms, \
             updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)",
        )
        .bind(id.as_str())
        .bind(scope.tenant().as_str())
        .bind(scope.project().map(|p| p.as_str().to_owned()))
        .bind(name.as_str())
        .bind(new.description.as_str())
        .bind(row::to_json(&new.attributes)?)
        .bind(new.state.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await
        .map_err(unless_taken("function", name.as_str()))?;
        self.audit(&mut tx, cause, scope.done(Action::FunctionCreate, &id, json!({"name": name}))).await?;
        tx.commit().await?;
        self.function(scope, &id).await
    }

    /// The function of this name or id that belongs to `scope` itself.
    ///
    /// # Errors
    /// It has none, or the database fails.
    pub async fn function(&self, scope: &FunctionScope, name_or_id: &str) -> Result<Function, StoreError> {
        let found = sqlx::query(select_functions!("AND COALESCE(f.project_id, '') = $2 AND (f.id = $3 OR f.name = $3)"))
            .bind(scope.tenant().as_str())
            .bind(scope.project_or_empty())
            .bind(name_or_id)
            .fetch_optional(&self.pool)
            .await?;
        function(&found.ok_or_else(|| StoreError::not_found("function", name_or_id))?)
    }

    /// The function that this name or id means in a project: its own, else the tenant's.
    ///
    /// # Errors
    /// There is none, or the database fails.
    pub async fn function_in(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Function, StoreError> {
        let found = sqlx::query(select_functions!(
            "AND (f.project_id = $2 OR f.project_id IS NULL) AND (f.id = $3 OR f.name = $3) \
             ORDER BY CASE WHEN f.project_id IS NULL THEN 1 ELSE 0 END LIMIT 1"
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(name_or_id)
        .fetch_optional(&self.pool)
        .await?;
        function(&found.ok_or_else(|| StoreError::not_found("function", name_or_id))?)
    }

    /// The functions that are known in `scope`: in a project its own and those of the tenant that it does not shadow.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn functions(&self, scope: &FunctionScope, page: &PageRequest) -> Result<Page<Function>, StoreError> {
        let rows = sqlx::query(select_functions!(
            "AND (COALESCE(f.project_id, '') = $2 OR (f.project_id IS NULL AND NOT EXISTS \
             (SELECT 1 FROM functions s WHERE s.tenant_id = $1 AND s.project_id = $2 AND s.name = f.name))) \
             AND f.id < $3 ORDER BY f.id DESC LIMIT $4"
        ))
        .bind(scope.tenant().as_str())
        .bind(scope.project_or_empty())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let functions = rows.iter().map(function).collect::<Result<_, _>>()?;
        Ok(page.page(functions, |f: &Function| f.id.as_str()))
    }

    /// Changes what is said of a function.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, the project is archived, or the database fails.
    pub async fn change_function(
        &self,
        cause: &Cause,
        scope: &FunctionScope,
        id: &FunctionId,
        change: &FunctionChange,
        expected_revision: Option<i64>,
    ) -> Result<Function, StoreError> {
        let mut tx = self.begin().await?;
        self.enter_functions(&mut tx, scope).await?;
        let changed = sqlx::query(
            "UPDATE functions SET description = $5, attributes_json = $6, state = $7, revision = revision + 1, updated_at_ms = $8 \
             WHERE tenant_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3 AND (revision = $4 OR $4 = 0) RETURNING revision",
        )
        .bind(scope.tenant().as_str())
        .bind(scope.project_or_empty())
        .bind(id.as_str())
        .bind(expected_revision.unwrap_or(0))
        .bind(change.description.as_str())
        .bind(row::to_json(&change.attributes)?)
        .bind(change.state.as_str())
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.function(scope, id.as_str()).await?.revision;
            let expected = expected_revision.unwrap_or(found);
            return Err(StoreError::RevisionConflict { what: "function", name: id.as_str().to_owned(), expected, found });
        };
        let detail = json!({"revision": row::integer(&changed, "revision")?, "state": change.state});
        self.audit(&mut tx, cause, scope.done(Action::FunctionEdit, id.as_str(), detail)).await?;
        tx.commit().await?;
        self.function(scope, id.as_str()).await
    }

    /// Adds a version. One that differs from the newest in nothing adds nothing: adding again is safe.
    ///
    /// # Errors
    /// The function or the component is not there, the project is archived, or the database fails.
    pub async fn add_function_version(
        &self,
        cause: &Cause,
        scope: &FunctionScope,
        id: &FunctionId,
        new: &NewFunctionVersion,
    ) -> Result<FunctionVersion, StoreError> {
        let mut tx = self.begin().await?;
        self.enter_functions(&mut tx, scope).await?;
        let function = sqlx::query("SELECT name FROM functions WHERE tenant_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3")
            .bind(scope.tenant().as_str())
            .bind(scope.project_or_empty())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let name = row::text(&function.ok_or_else(|| StoreError::not_found("function", id.as_str()))?, "name")?;
        let latest = sqlx::query(select_versions!("v.function_id = $1 ORDER BY v.number DESC LIMIT 1"))
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let latest = latest.as_ref().map(version).transpose()?;
        let before = latest.as_ref().map(|latest| latest.presentation.clone()).unwrap_or_default();
        let shown = before.with(&new.presentation);
        let number = match latest {
            Some(latest) if latest.content_hash == new.content_hash && latest.source == new.source && before == shown => return Ok(latest),
            Some(latest) => latest.number + 1,
            None => 1,
        };
        self.admit_version(&mut tx, (scope.tenant(), scope.project())).await?;
        let version_id = self.new_id("fnv");
        sqlx::query(
            "INSERT INTO function_versions (id, tenant_id, function_id, number, content_hash, world, wit_version, size_bytes, \
             signatures_json, origin_json, source_json, created_by, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(version_id.as_str())
        .bind(scope.tenant().as_str())
        .bind(id.as_str())
        .bind(number)
        .bind(new.content_hash.as_str())
        .bind(new.world.as_str())
        .bind(new.wit_version.as_str())
        .bind(new.size_bytes)
        .bind(new.signatures.to_string())
        .bind(new.origin.to_string())
        .bind(new.source.to_string())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await
        .map_err(|error| match &error {
            sqlx::Error::Database(database) if database.is_foreign_key_violation() => StoreError::not_found("component", &new.content_hash),
            _ => StoreError::Database(error),
        })?;
        let (tenant, project, id) = (scope.tenant(), scope.project(), version_id.as_str());
        let user = NewUse { tenant, project, kind: "function", id, name: format!("{name} version {number}") };
        self.note_use(&mut tx, &user, &new.content_hash).await?;
        self.put_presentation(&mut tx, &user, &shown, &new.presentation).await?;
        let detail = json!({"name": name, "number": number, "content_hash": new.content_hash});
        self.audit(&mut tx, cause, scope.done(Action::FunctionCreate, id, detail)).await?;
        let made = sqlx::query(select_versions!("v.id = $1")).bind(id).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        version(&made)
    }

    /// All versions of a function, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn function_versions(&self, tenant: &TenantId, id: &FunctionId) -> Result<Vec<FunctionVersion>, StoreError> {
        let rows = sqlx::query(select_versions!("v.tenant_id = $1 AND v.function_id = $2 ORDER BY v.number DESC"))
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(version).collect()
    }

    /// A version of a function.
    ///
    /// # Errors
    /// It is not there, or the database fails.
    pub async fn function_version(&self, tenant: &TenantId, id: &FunctionId, number: i64) -> Result<FunctionVersion, StoreError> {
        let found = sqlx::query(select_versions!("v.tenant_id = $1 AND v.function_id = $2 AND v.number = $3"))
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(number)
            .fetch_optional(&self.pool)
            .await?;
        version(&found.ok_or_else(|| StoreError::not_found("version", number.to_string()))?)
    }

    /// Removes a function with all its versions.
    ///
    /// # Errors
    /// It is not there, a job's version has pinned it, the project is archived, or the database fails.
    pub async fn delete_function(&self, cause: &Cause, scope: &FunctionScope, id: &FunctionId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter_functions(&mut tx, scope).await?;
        let uses = self.jobs_that_use(&mut tx, scope, id).await?;
        if !uses.is_empty() {
            return Err(StoreError::InUse { what: "function", name: id.as_str().to_owned(), by: named(&uses) });
        }
        sqlx::query(
            "DELETE FROM blob_uses WHERE tenant_id = $1 AND user_kind = 'function' \
             AND user_id IN (SELECT id FROM function_versions WHERE tenant_id = $1 AND function_id = $2)",
        )
        .bind(scope.tenant().as_str())
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        let versions = sqlx::query("DELETE FROM function_versions WHERE tenant_id = $1 AND function_id = $2 RETURNING id, content_hash")
            .bind(scope.tenant().as_str())
            .bind(id.as_str())
            .fetch_all(&mut *tx)
            .await?;
        let ids = versions.iter().map(|found| row::text(found, "id")).collect::<Result<Vec<_>, _>>()?;
        let shown = remove_presentations(&mut tx, scope.tenant(), &ids).await?;
        let removed =
            sqlx::query("DELETE FROM functions WHERE tenant_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3 RETURNING name")
                .bind(scope.tenant().as_str())
                .bind(scope.project_or_empty())
                .bind(id.as_str())
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| StoreError::not_found("function", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?, "versions": versions.len()});
        self.audit(&mut tx, cause, scope.done(Action::FunctionDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        let mut hashes = versions.iter().map(|found| row::text(found, "content_hash")).collect::<Result<Vec<_>, _>>()?;
        hashes.extend(shown);
        self.drop_unneeded(scope.tenant(), &hashes).await
    }

    /// Versions of jobs, where the function is known, that have pinned one of its components.
    async fn jobs_that_use(&self, tx: &mut Transaction, scope: &FunctionScope, id: &FunctionId) -> Result<Vec<ContentUse>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.* FROM blob_uses u WHERE u.tenant_id = $1 AND ($2 = '' OR u.project_id = $2) AND u.user_kind = 'job' \
             AND u.content_hash IN (SELECT v.content_hash FROM function_versions v WHERE v.tenant_id = $1 AND v.function_id = $3) \
             ORDER BY u.user_name, u.user_id",
        )
        .bind(scope.tenant().as_str())
        .bind(scope.project_or_empty())
        .bind(id.as_str())
        .fetch_all(&mut **tx)
        .await?;
        rows.iter().map(content_use).collect()
    }

    /// Makes sure that functions of `scope` can be changed, one after the other.
    async fn enter_functions(&self, tx: &mut Transaction, scope: &FunctionScope) -> Result<(), StoreError> {
        match scope {
            FunctionScope::Tenant(tenant) => self.lock_tenant(tx, tenant).await,
            FunctionScope::Project(scope) => self.enter(tx, scope).await,
        }
    }
}

fn function(found: &AnyRow) -> Result<Function, StoreError> {
    let tenant = TenantId::new(row::text(found, "tenant_id")?);
    let scope = match row::text_or_none(found, "project_id")? {
        None => FunctionScope::Tenant(tenant),
        Some(project) => FunctionScope::Project(ProjectScope::new(tenant, ProjectId::new(project))),
    };
    Ok(Function {
        id: FunctionId::new(row::text(found, "id")?),
        scope,
        name: row::word(found, "name")?,
        description: row::text(found, "description")?,
        attributes: row::json(found, "attributes_json")?,
        state: row::word(found, "state")?,
        revision: row::integer(found, "revision")?,
        created_at_ms: row::integer(found, "made_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
        latest: match row::text_or_none(found, "version_id")? {
            None => None,
            Some(_) => Some(version(found)?),
        },
    })
}

fn version(found: &AnyRow) -> Result<FunctionVersion, StoreError> {
    Ok(FunctionVersion {
        id: row::text(found, "version_id")?,
        number: row::integer(found, "number")?,
        content_hash: row::text(found, "content_hash")?,
        world: row::text(found, "world")?,
        wit_version: row::text(found, "wit_version")?,
        size_bytes: row::integer(found, "size_bytes")?,
        signatures: row::json(found, "signatures_json")?,
        origin: row::json(found, "origin_json")?,
        source: row::json(found, "source_json")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        presentation: presentation(found)?,
    })
}
