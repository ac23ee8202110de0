//! Jobs: editable definitions in a folder tree (JOB-1, DEV-1).
//!
//! Invariant: the draft changes only by compare-and-set on its revision, so that no edit is lost silently. A removed job
//! keeps its rows: versions and savepoints stay readable.

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::done_in, data_source::row_scope, error::unless_taken, row};
use millrace_domain::{Action, FolderPath, Name, ProjectScope};
use millrace_model::{graph::JobGraph, ids::JobId};
use serde_json::json;
use sqlx::any::AnyRow;

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
        let made = sqlx::query(
            "INSERT INTO jobs (id, tenant_id, project_id, name, folder, description, draft_json, revision, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) RETURNING *",
        )
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
        job(&made)
    }

    /// The job of this name or id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn job(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Job, StoreError> {
        let found =
            sqlx::query("SELECT * FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND (id = $3 OR name = $3) AND deleted_at_ms IS NULL")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(name_or_id)
                .fetch_optional(&self.pool)
                .await?;
        job(&found.ok_or_else(|| StoreError::not_found("job", name_or_id))?)
    }

    /// The jobs of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn jobs(&self, scope: &ProjectScope, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND id < $3 AND deleted_at_ms IS NULL \
             AND ($4 = 0 OR folder = $5) ORDER BY id DESC LIMIT $6",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(page.before()?)
        .bind(i64::from(filter.folder.is_some()))
        .bind(filter.folder.clone().unwrap_or_default().as_str())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let jobs = rows.iter().map(job).collect::<Result<_, _>>()?;
        Ok(page.page(jobs, |j: &Job| j.id.as_str()))
    }

    /// Replaces a job's draft, folder and description.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, the project is archived, or the database fails.
    pub async fn change_job(&self, cause: &Cause, scope: &ProjectScope, id: &JobId, change: &JobChange) -> Result<Job, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let changed = sqlx::query(
            "UPDATE jobs SET folder = $5, description = $6, draft_json = $7, revision = revision + 1, updated_at_ms = $8 \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND revision = $4 AND deleted_at_ms IS NULL RETURNING *",
        )
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
        let changed = job(&changed)?;
        self.audit(&mut tx, cause, done_in(scope, Action::JobEdit, id.as_str(), json!({"revision": changed.revision}))).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes a job that has no active instance.
    ///
    /// # Errors
    /// It is not there or an instance is active, the project is archived, or the database fails.
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

fn job(found: &AnyRow) -> Result<Job, StoreError> {
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
    })
}
