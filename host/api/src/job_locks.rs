//! The edit lock of a job and the drafts that are kept of those who lose it (DEV-1).

use crate::{
    caller::Caller,
    extract::{IfMatch, JsonBody, Tagged},
    jobs::JobView,
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, EditLock, Editor, LockEvent, ProjectScope, Scope,
    edit_lock::{LockTimes, allowed_events, state},
};
use millrace_model::graph::JobGraph;
use millrace_store::{Job, KeptDraft, LOCK_ANSWER_MS, LOCK_LEASE_MS, LockRequest, UnsavedDraft};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Shortest and longest time for which a lock can be wanted.
const LEASE_MS: std::ops::RangeInclusive<i64> = 1_000..=3_600_000;
/// Shortest and longest time that a holder can be given for an answer.
const ANSWER_MS: std::ops::RangeInclusive<i64> = 0..=600_000;

/// Who edits a job, and what the caller can ask of the lock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LockView {
    /// `free`, `held`, `asked` (somebody has asked the holder for it).
    state: String,
    /// Who edits; null while the lock is free.
    #[schema(value_type = Option<Object>)]
    holder: Option<Editor>,
    /// Whether that is the caller.
    is_mine: bool,
    since_ms: Option<i64>,
    /// Until when, unless a heartbeat comes.
    expires_at_ms: Option<i64>,
    /// Who has asked for it, and until when the holder has to answer.
    steal: Option<StealView>,
    /// What the caller can ask: `acquire`, `renew`, `release`, `ask`, `withdraw`, `give`, `refuse`, `take`.
    allowed_actions: Vec<String>,
    /// The server's clock, to which the times refer.
    now_ms: i64,
}

/// A soft steal that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StealView {
    #[schema(value_type = Object)]
    by: Editor,
    asked_at_ms: i64,
    answer_by_ms: i64,
}

/// The lock as `caller` sees it.
pub(crate) fn shown(caller: &Caller, scope: &ProjectScope, lock: Option<&EditLock>) -> LockView {
    let who = Editor { id: caller.principal.user.clone(), name: caller.principal.name.clone() };
    let now_ms = caller.api.store.now_ms();
    let times = LockTimes { now_ms, lease_ms: LOCK_LEASE_MS, answer_ms: LOCK_ANSWER_MS };
    let may = caller.principal.allowed(Action::JobEdit, &Scope::Project(scope.clone()));
    let events = if may { allowed_events(lock, &who, times) } else { Vec::new() };
    LockView {
        state: state(lock).to_string(),
        holder: lock.map(|lock| lock.holder.clone()),
        is_mine: lock.is_some_and(|lock| lock.holder.id == who.id),
        since_ms: lock.map(|lock| lock.since_ms),
        expires_at_ms: lock.map(|lock| lock.expires_at_ms),
        steal: lock.and_then(|lock| lock.steal.clone()).map(|s| StealView {
            by: s.by,
            asked_at_ms: s.asked_at_ms,
            answer_by_ms: s.answer_by_ms,
        }),
        allowed_actions: events.iter().map(ToString::to_string).collect(),
        now_ms,
    }
}

/// What is asked of a lock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockBody {
    /// `acquire`, `renew` (the heartbeat), `release`, `ask` (soft steal), `withdraw`, `give`, `refuse`, `take` (hard steal).
    #[schema(value_type = String)]
    action: LockEvent,
    /// How long the lock is to last without a heartbeat; two minutes unless given.
    lease_ms: Option<i64>,
    /// How long the holder has to answer a soft steal; half a minute unless given.
    answer_ms: Option<i64>,
    /// What the caller has not saved yet; kept for them should they lose the lock.
    #[schema(value_type = Option<Object>)]
    draft: Option<JobGraph>,
    /// The revision of the job that the draft was made from.
    base_revision: Option<i64>,
}

impl LockBody {
    fn request(self) -> Result<LockRequest, Problem> {
        let within = |field: &str, value: Option<i64>, usual: i64, range: std::ops::RangeInclusive<i64>| {
            let value = value.unwrap_or(usual);
            let message = || format!("is {value}, expected {} to {}", range.start(), range.end());
            if range.contains(&value) { Ok(value) } else { Err(Problem::field(field, "request.invalid", message())) }
        };
        Ok(LockRequest {
            event: self.action,
            lease_ms: within("lease_ms", self.lease_ms, LOCK_LEASE_MS, LEASE_MS)?,
            answer_ms: within("answer_ms", self.answer_ms, LOCK_ANSWER_MS, ANSWER_MS)?,
            draft: self.draft.map(|graph| UnsavedDraft { graph, base_revision: self.base_revision }),
        })
    }
}

/// A draft that was kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeptDraftView {
    id: String,
    job: String,
    #[schema(value_type = Object)]
    draft: JobGraph,
    /// The revision of the job that it was made from.
    base_revision: Option<i64>,
    /// Why it was not saved: `taken`, `given`, `unanswered`, `expired`, or `kept` when it came after the lock had gone.
    reason: String,
    /// Name of whoever had the lock next.
    lost_to: Option<String>,
    created_at_ms: i64,
    /// What the caller can do: `restore`, `delete`.
    allowed_actions: Vec<&'static str>,
}

impl KeptDraftView {
    /// `is_free`: nobody else edits the job.
    fn of(kept: KeptDraft, is_free: bool) -> Self {
        // Whoever lists them is who they are of.
        let allowed_actions = if is_free { vec!["restore", "delete"] } else { vec!["delete"] };
        Self {
            id: kept.id,
            job: kept.job.to_string(),
            draft: kept.draft,
            base_revision: kept.base_revision,
            reason: kept.reason,
            lost_to: kept.lost_to,
            created_at_ms: kept.created_at_ms,
            allowed_actions,
        }
    }
}

/// The caller's kept drafts of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeptDraftsView {
    items: Vec<KeptDraftView>,
}

async fn find(caller: &Caller, (tenant, project, job): (&str, &str, &str), action: Action) -> Result<(ProjectScope, Job), Problem> {
    let scope = caller.in_project(tenant, project, action).await?;
    let found = caller.api.store.job(&scope, job).await?;
    Ok((scope, found))
}

/// Who edits a job.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/lock", tag = "jobs", responses((status = 200, body = LockView)))]
pub(crate) async fn get_job_lock(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
) -> Result<Json<LockView>, Problem> {
    let (scope, found) = find(&caller, (&tenant, &project, &job), Action::JobView).await?;
    Ok(Json(shown(&caller, &scope, found.lock.as_ref())))
}

/// Take, renew, give back, ask for, give away, refuse or steal the edit lock. While somebody holds it, nobody else can save
/// the job. Send the unsaved draft with the heartbeat: it is kept should the lock be stolen.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/lock", tag = "jobs", request_body = LockBody, responses((status = 200, body = LockView)))]
pub(crate) async fn change_job_lock(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    body: JsonBody<LockBody>,
) -> Result<Json<LockView>, Problem> {
    let (scope, found) = find(&caller, (&tenant, &project, &job), Action::JobEdit).await?;
    let request = body.parse()?.request()?;
    let lock = caller.api.store.change_lock(&caller.cause(), &scope, &found.id, &request).await?;
    Ok(Json(shown(&caller, &scope, lock.as_ref())))
}

/// The caller's own drafts of a job that were kept when they lost its lock, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/kept-drafts", tag = "jobs", responses((status = 200, body = KeptDraftsView)))]
pub(crate) async fn list_kept_drafts(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
) -> Result<Json<KeptDraftsView>, Problem> {
    let (scope, found) = find(&caller, (&tenant, &project, &job), Action::JobEdit).await?;
    let kept = caller.api.store.kept_drafts(&scope, &found.id, &caller.principal.user).await?;
    let is_free = found.lock.as_ref().is_none_or(|lock| lock.holder.id == caller.principal.user);
    Ok(Json(KeptDraftsView { items: kept.into_iter().map(|draft| KeptDraftView::of(draft, is_free)).collect() }))
}

/// Save a kept draft as the job's draft, as any save: with `If-Match`, and not while somebody else holds the lock.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/kept-drafts/{draft}/restore", tag = "jobs", responses((status = 200, body = JobView)))]
pub(crate) async fn restore_kept_draft(
    caller: Caller,
    Path((tenant, project, job, draft)): Path<(String, String, String, String)>,
    if_match: IfMatch,
) -> Result<Tagged<JobView>, Problem> {
    let (scope, found) = find(&caller, (&tenant, &project, &job), Action::JobEdit).await?;
    let revision = if_match.required()?;
    let restored = caller.api.store.restore_kept_draft(&caller.cause(), &scope, &found, &draft, revision).await?;
    Ok(Tagged(StatusCode::OK, restored.revision, JobView::of(&caller, restored)))
}

/// Discard a kept draft.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/kept-drafts/{draft}", tag = "jobs", responses((status = 204)))]
pub(crate) async fn discard_kept_draft(
    caller: Caller,
    Path((tenant, project, job, draft)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Problem> {
    let (scope, found) = find(&caller, (&tenant, &project, &job), Action::JobEdit).await?;
    caller.api.store.discard_kept_draft(&caller.cause(), &scope, &found.id, &draft).await?;
    Ok(StatusCode::NO_CONTENT)
}
