//! Jobs: editable definitions in a folder tree (JOB-1, DEV-1).
//!
//! Invariant: the draft changes only by compare-and-set on its revision and never while somebody else holds the edit lock,
//! so that no edit is lost silently. A removed job keeps its rows: versions and savepoints stay readable.

use crate::{
    Cause, Page, PageRequest, Store, StoreError, audit::done_in, data_source::row_scope, error::unless_taken, row, transaction::Transaction,
};
use millrace_domain::{Action, EditLock, FolderPath, Name, ProjectScope};
use millrace_model::{graph::JobGraph, ids::JobId};
use serde_json::json;
use sqlx::{AssertSqlSafe, any::AnyRow};

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Id, `job_…`.
    pub id: JobId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name, unique in the project.
    pub name: Name,
    /// Where it lies in the folder tree.
    pub folder: FolderPath,
    /// What it does.
    pub description: String,
    /// The graph being edited; may be incomplete.
    pub draft: JobGraph,
    /// Grows with each change of the draft.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
    /// Who edits it now.
    pub lock: Option<EditLock>,
}

/// A new name or place of a job; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct JobMove {
    /// Its new name.
    pub name: Option<Name>,
    /// Its new folder.
    pub folder: Option<FolderPath>,
    /// Only if the job still has this revision.
    pub expected_revision: Option<i64>,
}

/// A job to make.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Name, unique in the project.
    pub name: Name,
    /// Folder.
    pub folder: FolderPath,
    /// What it does.
    pub description: String,
    /// The first draft.
    pub draft: JobGraph,
}

/// A new draft with its surroundings.
#[derive(Debug, Clone)]
pub struct JobChange {
    /// Folder.
    pub folder: FolderPath,
    /// What it does.
    pub description: String,
    /// The draft.
    pub draft: JobGraph,
    /// The revision that the caller has read.
    pub expected_revision: i64,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only directly in this folder.
    pub folder: Option<FolderPath>,
    /// Only with this text in the name.
    pub name_contains: Option<String>,
}

/// A job's columns, with the lock that is on it.
const COLUMNS: &str = "*, (SELECT lock_json FROM job_locks WHERE job_locks.job_id = jobs.id) AS lock_json";

/// A statement of ours with the columns of a job in place of `{job}`.
fn sql(text: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.replace("{job}", COLUMNS))
}

impl Store {
    /// Makes a job.
    ///
    /// # Errors
    /// The name is taken, the project is archived, or the database fails.
    pub async fn create_job(&self, cause: &Cause, scope: &ProjectScope, new: &NewJob) -> Result<Job, StoreError> {
        let id = self.new_id("job");
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        self.admit_job(&mut tx, scope).await?;
        let made = sqlx::query(sql(
            "INSERT INTO jobs (id, tenant_id, project_id, name, folder, description, draft_json, revision, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) RETURNING {job}",
        ))
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.name.as_str())
        .bind(new.folder.as_str())
        .bind(new.description.as_str())
        .bind(row::to_json(&new.draft)?)
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("job", new.name.as_str()))?;
        self.audit(&mut tx, cause, done_in(scope, Action::JobCreate, &id, json!({"name": new.name, "folder": new.folder}))).await?;
        tx.commit().await?;
        self.read_job(&made)
    }

    /// The job of this name or id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn job(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Job, StoreError> {
        let found = sqlx::query(sql(
            "SELECT {job} FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND (id = $3 OR name = $3) AND deleted_at_ms IS NULL",
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(name_or_id)
        .fetch_optional(&self.pool)
        .await?;
        self.read_job(&found.ok_or_else(|| StoreError::not_found("job", name_or_id))?)
    }

    /// The job with this id within `tx`.
    pub(crate) async fn job_in(&self, tx: &mut Transaction, scope: &ProjectScope, id: &JobId) -> Result<Job, StoreError> {
        let found =
            sqlx::query(sql("SELECT {job} FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND deleted_at_ms IS NULL"))
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(id.as_str())
                .fetch_optional(&mut **tx)
                .await?;
        self.read_job(&found.ok_or_else(|| StoreError::not_found("job", id.as_str()))?)
    }

    /// The jobs of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn jobs(&self, scope: &ProjectScope, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StoreError> {
        let sizes = self.listed("SELECT id, CAST(LENGTH(draft_json) AS BIGINT) AS bytes", scope, filter, page, "").await?;
        let cut = page.within_bytes(&sizes)?;
        let rows = self.listed("SELECT {job}", scope, filter, page, cut.from()).await?;
        Ok(cut.page(rows.iter().map(|found| self.read_job(found)).collect::<Result<_, _>>()?))
    }

    async fn listed(
        &self,
        select: &str,
        scope: &ProjectScope,
        filter: &JobFilter,
        page: &PageRequest,
        from: &str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let text = format!(
            "{select} FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND id < $3 AND deleted_at_ms IS NULL \
             AND ($4 = 0 OR folder = $5) AND ($6 = '' OR name LIKE $7 ESCAPE '!') AND id >= $9 ORDER BY id DESC LIMIT $8"
        );
        let found = sqlx::query(sql(&text))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(page.before()?)
            .bind(i64::from(filter.folder.is_some()))
            .bind(filter.folder.clone().unwrap_or_default().as_str())
            .bind(filter.name_contains.clone().unwrap_or_default())
            .bind(row::contains(filter.name_contains.as_deref().unwrap_or_default()))
            .bind(page.rows())
            .bind(from)
            .fetch_all(&self.pool)
            .await?;
        Ok(found)
    }

    /// Replaces a job's draft, folder and description.
    ///
    /// # Errors
    /// It is not there, somebody else edits it, it was changed meanwhile, the project is archived, or the database fails.
    pub async fn change_job(&self, cause: &Cause, scope: &ProjectScope, id: &JobId, change: &JobChange) -> Result<Job, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        self.pass_lock(&mut tx, cause, scope, id, true).await?;
        let changed = sqlx::query(sql(
            "UPDATE jobs SET folder = $5, description = $6, draft_json = $7, revision = revision + 1, updated_at_ms = $8 \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND revision = $4 AND deleted_at_ms IS NULL RETURNING {job}",
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(change.expected_revision)
        .bind(change.folder.as_str())
        .bind(change.description.as_str())
        .bind(row::to_json(&change.draft)?)
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.job(scope, id.as_str()).await?.revision;
            let (name, expected) = (id.as_str().to_owned(), change.expected_revision);
            return Err(StoreError::RevisionConflict { what: "job", name, expected, found });
        };
        let changed = self.read_job(&changed)?;
        self.audit(&mut tx, cause, done_in(scope, Action::JobEdit, id.as_str(), json!({"revision": changed.revision}))).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Gives a job another name or folder.
    ///
    /// # Errors
    /// It is not there, the name is taken, somebody else edits it, it was changed meanwhile, the project is archived, or the
    /// database fails.
    pub async fn move_job(&self, cause: &Cause, scope: &ProjectScope, id: &JobId, to: &JobMove) -> Result<Job, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let found = self.job_in(&mut tx, scope, id).await?;
        if let Some(expected) = to.expected_revision.filter(|expected| *expected != found.revision) {
            return Err(StoreError::RevisionConflict { what: "job", name: id.as_str().to_owned(), expected, found: found.revision });
        }
        self.pass_lock(&mut tx, cause, scope, id, false).await?;
        let (name, folder) = (to.name.as_ref().unwrap_or(&found.name), to.folder.as_ref().unwrap_or(&found.folder));
        let moved = sqlx::query(sql(
            "UPDATE jobs SET name = $2, folder = $3, revision = revision + 1, updated_at_ms = $4 WHERE id = $1 RETURNING {job}",
        ))
        .bind(id.as_str())
        .bind(name.as_str())
        .bind(folder.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("job", name.as_str()))?;
        let detail = json!({"name": name, "folder": folder, "was": {"name": found.name, "folder": found.folder}});
        self.audit(&mut tx, cause, done_in(scope, Action::JobEdit, id.as_str(), detail)).await?;
        tx.commit().await?;
        self.read_job(&moved)
    }

    /// Removes a job that has no active instance.
    ///
    /// # Errors
    /// It is not there, an instance is active or somebody else edits it, the project is archived, or the database fails.
    pub async fn delete_job(&self, cause: &Cause, scope: &ProjectScope, id: &JobId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let active = sqlx::query(
            "SELECT id FROM instances WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 \
             AND state IN ('starting', 'running', 'restarting', 'stopping') ORDER BY id LIMIT 1",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(instance) = active {
            let by = format!("instance `{}` is active; stop it first", row::text(&instance, "id")?);
            return Err(StoreError::InUse { what: "job", name: id.as_str().to_owned(), by });
        }
        self.pass_lock(&mut tx, cause, scope, id, false).await?;
        self.drop_lock(&mut tx, id).await?;
        let removed = sqlx::query(
            "UPDATE jobs SET deleted_at_ms = $4 WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND deleted_at_ms IS NULL",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::not_found("job", id.as_str()));
        }
        self.audit(&mut tx, cause, done_in(scope, Action::JobDelete, id.as_str(), json!({}))).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Store {
    fn read_job(&self, found: &AnyRow) -> Result<Job, StoreError> {
        Ok(Job {
            id: JobId::new(row::text(found, "id")?),
            scope: row_scope(found)?,
            name: row::word(found, "name")?,
            folder: row::word(found, "folder")?,
            description: row::text(found, "description")?,
            draft: row::json(found, "draft_json")?,
            revision: row::integer(found, "revision")?,
            created_at_ms: row::integer(found, "created_at_ms")?,
            updated_at_ms: row::integer(found, "updated_at_ms")?,
            lock: self.settled_lock(found)?,
        })
    }
}
