//! Drafts that are kept of those who lost a job's lock before they had saved (DEV-1).
//!
//! Invariant: a kept draft is its owner's alone; each person has [`KEPT_DRAFTS_MAX`] of a job at most, the oldest go first.

use crate::{
    Cause, Job, JobChange, Store, StoreError, UnsavedDraft, audit::done_in, data_source::row_scope, row, transaction::Transaction,
};
use millrace_domain::{Action, ProjectScope};
use millrace_model::{graph::JobGraph, ids::JobId};
use serde_json::json;
use sqlx::any::AnyRow;

/// Most drafts that are kept of one job for one person.
pub const KEPT_DRAFTS_MAX: i64 = 10;

/// A kept draft.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDraft {
    /// Id, `drf_…`.
    pub id: String,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// The job.
    pub job: JobId,
    /// Id of the user who made it.
    pub owner: String,
    /// The draft.
    pub draft: JobGraph,
    /// The revision of the job that it was made from.
    pub base_revision: Option<i64>,
    /// Why it was not saved: `taken`, `given`, `unanswered`, `expired`; `kept` when it came after the lock had gone.
    pub reason: String,
    /// Name of whoever has the lock since.
    pub lost_to: Option<String>,
    /// Kept at, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

pub(crate) struct NewKeptDraft {
    pub(crate) owner: String,
    pub(crate) draft: UnsavedDraft,
    pub(crate) reason: String,
    pub(crate) lost_to: Option<String>,
}

impl Store {
    /// Keeps a draft, unless it is what the job holds already or what was kept last.
    pub(crate) async fn keep_draft(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        job: &JobId,
        new: NewKeptDraft,
    ) -> Result<(), StoreError> {
        let saved = self.job_in(tx, scope, job).await?.draft;
        let newest = sqlx::query("SELECT * FROM kept_drafts WHERE job_id = $1 AND owner = $2 ORDER BY id DESC LIMIT 1")
            .bind(job.as_str())
            .bind(new.owner.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        let newest = newest.as_ref().map(kept).transpose()?;
        if saved == new.draft.graph || newest.is_some_and(|kept| kept.draft == new.draft.graph) {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO kept_drafts (id, tenant_id, project_id, job_id, owner, draft_json, base_revision, reason, lost_to, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(self.new_id("drf"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(job.as_str())
        .bind(new.owner.as_str())
        .bind(row::to_json(&new.draft.graph)?)
        .bind(new.draft.base_revision)
        .bind(new.reason)
        .bind(new.lost_to)
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        sqlx::query(
            "DELETE FROM kept_drafts WHERE job_id = $1 AND owner = $2 AND id NOT IN \
             (SELECT id FROM kept_drafts WHERE job_id = $1 AND owner = $2 ORDER BY id DESC LIMIT $3)",
        )
        .bind(job.as_str())
        .bind(new.owner.as_str())
        .bind(KEPT_DRAFTS_MAX)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The drafts of a job that were kept for `owner`, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn kept_drafts(&self, scope: &ProjectScope, job: &JobId, owner: &str) -> Result<Vec<KeptDraft>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM kept_drafts WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 AND owner = $4 ORDER BY id DESC LIMIT $5",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(job.as_str())
        .bind(owner)
        .bind(KEPT_DRAFTS_MAX)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(kept).collect()
    }

    /// The kept draft of this id, if it is `owner`'s.
    ///
    /// # Errors
    /// They have none, or the database fails.
    pub async fn kept_draft(&self, scope: &ProjectScope, job: &JobId, owner: &str, id: &str) -> Result<KeptDraft, StoreError> {
        let found = self.kept_drafts(scope, job, owner).await?.into_iter().find(|kept| kept.id == id);
        found.ok_or_else(|| StoreError::not_found("kept draft", id))
    }

    /// Makes a kept draft the job's draft, as a save by its owner, and keeps it no longer.
    ///
    /// # Errors
    /// They have none, somebody else holds the lock, the job was changed meanwhile, or the database fails.
    pub async fn restore_kept_draft(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        job: &Job,
        id: &str,
        expected_revision: i64,
    ) -> Result<Job, StoreError> {
        let kept = self.kept_draft(scope, &job.id, &cause.actor, id).await?;
        let change = JobChange { folder: job.folder.clone(), description: job.description.clone(), draft: kept.draft, expected_revision };
        let changed = self.change_job(cause, scope, &job.id, &change).await?;
        // Should this fail, the draft is there twice, which does no harm.
        self.discard_kept_draft(cause, scope, &job.id, id).await?;
        Ok(changed)
    }

    /// Removes a kept draft.
    ///
    /// # Errors
    /// The caller has none of this id, or the database fails.
    pub async fn discard_kept_draft(&self, cause: &Cause, scope: &ProjectScope, job: &JobId, id: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let removed =
            sqlx::query("DELETE FROM kept_drafts WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 AND owner = $4 AND id = $5")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(job.as_str())
                .bind(cause.actor.as_str())
                .bind(id)
                .execute(&mut *tx)
                .await?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::not_found("kept draft", id));
        }
        self.audit(&mut tx, cause, done_in(scope, Action::JobEdit, job.as_str(), json!({"discarded_draft": id}))).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn kept(found: &AnyRow) -> Result<KeptDraft, StoreError> {
    Ok(KeptDraft {
        id: row::text(found, "id")?,
        scope: row_scope(found)?,
        job: JobId::new(row::text(found, "job_id")?),
        owner: row::text(found, "owner")?,
        draft: row::json(found, "draft_json")?,
        base_revision: row::integer_or_none(found, "base_revision")?,
        reason: row::text(found, "reason")?,
        lost_to: row::text_or_none(found, "lost_to")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
    })
}
