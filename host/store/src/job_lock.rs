//! Edit locks of jobs and the drafts that are kept of those who lose one (DEV-1).
//!
//! Invariant: what a lock allows is decided by `millrace_domain::edit_lock`; here it is read, decided and written in one
//! transaction that holds the project's row, so that two editors never both have it. A lock that changes hands leaves its
//! loser's unsaved draft in `kept_drafts` in the same transaction.

use crate::{Cause, Store, StoreError, audit::done_in, kept_draft::NewKeptDraft, row, transaction::Transaction};
use millrace_domain::{
    Action, ProjectScope,
    edit_lock::{EditLock, Editor, LockChange, LockEvent, LockRefused, LockTimes, Loser, settle, touch},
};
use millrace_model::{graph::JobGraph, ids::JobId};
use serde_json::json;
use sqlx::any::AnyRow;

/// How long a lock lasts without a heartbeat, unless the editor says otherwise.
pub const LOCK_LEASE_MS: i64 = 120_000;
/// How long a holder has for an answer, unless the asker says otherwise.
pub const LOCK_ANSWER_MS: i64 = 30_000;

/// What somebody asks of a lock.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// What.
    pub event: LockEvent,
    /// How long the lock is to last without a heartbeat.
    pub lease_ms: i64,
    /// How long the holder has for an answer.
    pub answer_ms: i64,
    /// What the caller has not saved yet.
    pub draft: Option<UnsavedDraft>,
}

/// What an editor has not saved.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsavedDraft {
    /// The graph.
    pub graph: JobGraph,
    /// The revision of the job that it was made from.
    pub base_revision: Option<i64>,
}

impl LockRequest {
    /// A request with the usual times and nothing unsaved.
    pub fn new(event: LockEvent) -> Self {
        Self { event, lease_ms: LOCK_LEASE_MS, answer_ms: LOCK_ANSWER_MS, draft: None }
    }
}

/// A lock as it was written, with its holder's unsaved draft.
struct Written {
    lock: EditLock,
    draft: Option<UnsavedDraft>,
}

impl Store {
    /// Asks something of a job's lock; answers the lock from now on.
    ///
    /// # Errors
    /// The lock does not allow it (a draft that came along is kept nevertheless), the job is not there, the project is
    /// archived, or the database fails.
    pub async fn change_lock(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        job: &JobId,
        request: &LockRequest,
    ) -> Result<Option<EditLock>, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        self.job_in(&mut tx, scope, job).await?;
        let written = written_lock(&mut tx, job).await?;
        let who = editor(cause);
        let times = LockTimes { now_ms: self.now_ms(), lease_ms: request.lease_ms, answer_ms: request.answer_ms };
        let before = written.as_ref().map(|w| w.lock.clone());
        let (losers, decided) = touch(before.clone(), request.event, &who, times);
        let next = decided.as_ref().map_or_else(|refused| refused.lock.as_deref().cloned(), Clone::clone);
        let old_draft = written.and_then(|w| w.draft);
        self.keep_losers(&mut tx, scope, job, &losers, old_draft.clone(), next.as_ref()).await?;
        let holds = next.as_ref().is_some_and(|lock| lock.holder.id == who.id);
        if let Some(draft) = request.draft.clone().filter(|_| !holds) {
            let lost_to = next.as_ref().map(|lock| lock.holder.name.clone());
            self.keep_draft(&mut tx, scope, job, NewKeptDraft { owner: who.id.clone(), draft, reason: "kept".into(), lost_to }).await?;
        }
        let same_holder = next.as_ref().zip(before.as_ref()).is_some_and(|(next, before)| next.holder.id == before.holder.id);
        let kept = old_draft.filter(|_| same_holder);
        let draft = request.draft.clone().filter(|_| holds).or(kept);
        self.write_lock(&mut tx, scope, job, next.as_ref(), draft.as_ref()).await?;
        // Heartbeats change nothing that anybody would look up later.
        if decided.is_ok() && (request.event != LockEvent::Renew || !losers.is_empty()) {
            let lost: Vec<_> = losers.iter().map(|l| json!({"editor": l.editor.name, "loss": l.loss})).collect();
            let detail = json!({"lock": request.event, "holder": next.as_ref().map(|l| &l.holder.name), "lost": lost});
            self.audit(&mut tx, cause, done_in(scope, Action::JobEdit, job.as_str(), detail)).await?;
        }
        tx.commit().await?;
        Ok(decided?)
    }

    /// The lock of a job as it is now.
    ///
    /// # Errors
    /// The database fails.
    pub async fn job_lock(&self, job: &JobId) -> Result<Option<EditLock>, StoreError> {
        let found = sqlx::query("SELECT * FROM job_locks WHERE job_id = $1").bind(job.as_str()).fetch_optional(&self.pool).await?;
        Ok(match found {
            Some(found) => self.settled(row::json(&found, "lock_json")?),
            None => None,
        })
    }

    /// The lock that a row with `lock_json` shows, as it is now.
    pub(crate) fn settled_lock(&self, found: &AnyRow) -> Result<Option<EditLock>, StoreError> {
        let text = row::text_or_none(found, "lock_json")?;
        Ok(text.map(|text| row::from_json(&text, "lock_json")).transpose()?.and_then(|lock| self.settled(lock)))
    }

    fn settled(&self, lock: EditLock) -> Option<EditLock> {
        settle(lock, self.lock_times()).lock
    }

    fn lock_times(&self) -> LockTimes {
        LockTimes { now_ms: self.now_ms(), lease_ms: LOCK_LEASE_MS, answer_ms: LOCK_ANSWER_MS }
    }

    /// Makes sure that `cause` may change the job's draft: nobody else holds the lock. Somebody else's lock that has run
    /// out ends here. With `saved` the holder's unsaved draft is saved by this and not kept any longer.
    pub(crate) async fn pass_lock(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        job: &JobId,
        saved: bool,
    ) -> Result<(), StoreError> {
        let Some(Written { lock, draft }) = written_lock(tx, job).await? else { return Ok(()) };
        if lock.holder.id == cause.actor && lock.steal.is_none() {
            let draft = draft.filter(|_| !saved);
            return self.write_lock(tx, scope, job, Some(&lock), draft.as_ref()).await;
        }
        let LockChange { lock, loser } = settle(lock, self.lock_times());
        if let Some(lock) = lock.as_ref().filter(|lock| lock.holder.id != cause.actor) {
            return Err(LockRefused::save(lock.clone()).into());
        }
        let losers: Vec<_> = loser.into_iter().collect();
        let kept = if losers.is_empty() { draft.clone().filter(|_| !saved) } else { None };
        self.keep_losers(tx, scope, job, &losers, draft, lock.as_ref()).await?;
        self.write_lock(tx, scope, job, lock.as_ref(), kept.as_ref()).await
    }

    /// Ends a lock whatever it is: its job goes.
    pub(crate) async fn drop_lock(&self, tx: &mut Transaction, job: &JobId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM job_locks WHERE job_id = $1").bind(job.as_str()).execute(&mut **tx).await?;
        Ok(())
    }

    async fn keep_losers(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        job: &JobId,
        losers: &[Loser],
        draft: Option<UnsavedDraft>,
        next: Option<&EditLock>,
    ) -> Result<(), StoreError> {
        // Only whoever held the lock when it was last written can have left a draft with it.
        let (Some(loser), Some(draft)) = (losers.first(), draft) else { return Ok(()) };
        let lost_to = next.map(|lock| lock.holder.name.clone());
        let kept = NewKeptDraft { owner: loser.editor.id.clone(), draft, reason: loser.loss.as_str().to_owned(), lost_to };
        self.keep_draft(tx, scope, job, kept).await
    }

    async fn write_lock(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        job: &JobId,
        lock: Option<&EditLock>,
        draft: Option<&UnsavedDraft>,
    ) -> Result<(), StoreError> {
        let Some(lock) = lock else { return self.drop_lock(tx, job).await };
        sqlx::query(
            "INSERT INTO job_locks (job_id, tenant_id, project_id, lock_json, draft_json, draft_revision) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (job_id) DO UPDATE SET lock_json = excluded.lock_json, draft_json = excluded.draft_json, \
             draft_revision = excluded.draft_revision",
        )
        .bind(job.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(row::to_json(lock)?)
        .bind(draft.map(|draft| row::to_json(&draft.graph)).transpose()?)
        .bind(draft.and_then(|draft| draft.base_revision))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// The caller as an editor.
pub(crate) fn editor(cause: &Cause) -> Editor {
    Editor { id: cause.actor.clone(), name: cause.actor_name.clone() }
}

async fn written_lock(tx: &mut Transaction, job: &JobId) -> Result<Option<Written>, StoreError> {
    let found = sqlx::query("SELECT * FROM job_locks WHERE job_id = $1").bind(job.as_str()).fetch_optional(&mut **tx).await?;
    let Some(found) = found else { return Ok(None) };
    let graph = row::text_or_none(&found, "draft_json")?.map(|text| row::from_json(&text, "draft_json")).transpose()?;
    let base_revision = row::integer_or_none(&found, "draft_revision")?;
    let draft = graph.map(|graph| UnsavedDraft { graph, base_revision });
    Ok(Some(Written { lock: row::json(&found, "lock_json")?, draft }))
}
