//! Approvals: one inbox for everything that somebody must agree to (TOP-3, PRM-2, PRM-3).
//!
//! Invariant: what a caller may do with an approval comes back as `allowed_actions`, and is what the endpoints allow.

use crate::{
    caller::{Caller, to_the_end},
    extract::{JsonBody, QueryString},
    page::Listing,
    problem::Problem,
};
use axum::{Json, extract::Path};
use millrace_domain::{Action, ApprovalEvent, ApprovalKind, ApprovalState, Environment, ProjectScope, approval::Standing};
use millrace_model::ids::{TenantId, TopicId};
use millrace_store::{Approval, ApprovalQuery, ApprovalReader, ApprovalStep, ApprovalView as View, Decision, PageRequest, TableViewer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How long the real table may take to be made or checked before the decision is answered.
const ENSURE_MAX: Duration = Duration::from_secs(20);
/// How long an applicant is told of requests that nobody has decided.
const EXPIRED_SHOWN_MS: i64 = 14 * 24 * 3_600_000;

/// A request and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    id: String,
    /// The request number, unique in the tenant.
    number: i64,
    /// What is asked for: `table_permission`, …
    kind: String,
    /// `test` or `production`, if it is about one of them.
    environment: Option<String>,
    /// Id of the thing that it is about.
    subject: String,
    subject_name: String,
    /// Id of the project whose deciders decide; null: those of the tenant.
    project: Option<String>,
    /// Id of the project on whose behalf it is asked; null: for the applicant alone.
    for_project: Option<String>,
    applicant: String,
    applicant_name: String,
    reason: String,
    /// What exactly is asked for, as the kind has it.
    #[schema(value_type = Object)]
    payload: Value,
    /// `pending`, `approved`, `rejected`, `withdrawn` or `expired`.
    state: String,
    opinion: Option<String>,
    decided_by: Option<String>,
    decided_by_name: Option<String>,
    /// What the approval has made, as the kind has it.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    created_at_ms: i64,
    /// It expires at this time if nobody decides.
    due_at_ms: i64,
    reminded_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    /// What the caller can do now: `approve`, `reject`, `withdraw`.
    allowed_actions: Vec<String>,
}

impl ApprovalView {
    pub(crate) fn of(caller: &Caller, found: Approval) -> Self {
        let standing = standing(caller, &found);
        // What is overdue expires with the next sweep; nothing can be done with it until then.
        let is_overdue = found.state == ApprovalState::Pending && found.due_at_ms <= caller.api.store.now_ms();
        let state = if is_overdue { ApprovalState::Expired } else { found.state };
        Self {
            id: found.id.to_string(),
            number: found.number,
            kind: found.kind.to_string(),
            environment: found.environment.map(|e| e.to_string()),
            subject: found.subject,
            subject_name: found.subject_name,
            project: found.project.map(|p| p.to_string()),
            for_project: found.for_project.map(|p| p.to_string()),
            applicant: found.applicant,
            applicant_name: found.applicant_name,
            reason: found.reason,
            payload: found.payload,
            state: state.to_string(),
            opinion: found.opinion,
            decided_by: found.decided_by,
            decided_by_name: found.decided_by_name,
            result: found.result,
            created_at_ms: found.created_at_ms,
            due_at_ms: found.due_at_ms,
            reminded_at_ms: found.reminded_at_ms,
            ended_at_ms: found.ended_at_ms,
            allowed_actions: state.allowed_actions(standing).iter().map(ToString::to_string).collect(),
        }
    }
}

/// A request with its history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalDetailView {
    #[serde(flatten)]
    approval: ApprovalView,
    /// Oldest first.
    history: Vec<ApprovalStepView>,
}

/// One line of an approval's history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalStepView {
    /// `request`, `remind`, `approve`, `reject`, `withdraw` or `expire`.
    event: String,
    /// The state after it.
    state: String,
    actor: String,
    actor_name: String,
    /// Reason or opinion.
    note: String,
    at_ms: i64,
}

impl From<ApprovalStep> for ApprovalStepView {
    fn from(step: ApprovalStep) -> Self {
        Self {
            event: step.event,
            state: step.state.to_string(),
            actor: step.actor,
            actor_name: step.actor_name,
            note: step.note,
            at_ms: step.at_ms,
        }
    }
}

/// How many requests wait, for the badge of the inbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalCountsView {
    /// Pending, and the caller's to decide.
    waiting_for_me: i64,
    /// Of these, those of which half the time is over: nobody has decided them yet.
    due_soon: i64,
    /// Asked for by the caller, and pending.
    pending_of_mine: i64,
    /// Asked for by the caller, and expired in the last 14 days without a decision; it can be asked for again.
    expired_of_mine: i64,
}

/// What the caller says to a decision.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpinionBody {
    /// Needed to reject.
    #[serde(default)]
    opinion: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalParameters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page: 1 to 200, 50 unless given.
    limit: Option<u32>,
    /// `waiting_for_me`, `decided_by_me` or `requested_by_me`; all that the caller may see unless given.
    #[param(value_type = Option<String>)]
    view: Option<ViewWord>,
    /// Only of this kind.
    #[param(value_type = Option<String>)]
    kind: Option<ApprovalKind>,
    /// Only in this state.
    #[param(value_type = Option<String>)]
    state: Option<ApprovalState>,
    /// Only what runs (`true`) or has ended (`false`).
    open: Option<bool>,
    /// Only decided in this project or asked on its behalf, by name or id.
    project: Option<String>,
    /// Only about this environment.
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
    /// Only about the thing of this id.
    subject: Option<String>,
    /// Only those of which half the time is over, so that deciders were reminded (`true`), or the others (`false`).
    reminded: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum ViewWord {
    #[serde(rename = "waiting_for_me")]
    Waiting,
    #[serde(rename = "decided_by_me")]
    Decided,
    #[serde(rename = "requested_by_me")]
    Requested,
}

fn standing(caller: &Caller, approval: &Approval) -> Standing {
    let applicant = (approval.applicant.as_str(), approval.applicant_person.as_str());
    Standing::of(&caller.principal, applicant, approval.kind, &approval.scope())
}

/// The inbox: approvals that concern the caller, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/approvals", tag = "approvals", params(ApprovalParameters), responses((status = 200, body = Listing<ApprovalView>)))]
pub(crate) async fn list_approvals(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<ApprovalParameters>,
) -> Result<Json<Listing<ApprovalView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::ApprovalView).await?;
    let asked = query.parse()?;
    let project = match &asked.project {
        Some(project) => Some(caller.api.store.project(&id, project).await?.scope.project),
        None => None,
    };
    let view = match asked.view {
        None => View::Visible,
        Some(ViewWord::Waiting) => View::WaitingForMe,
        Some(ViewWord::Decided) => View::DecidedByMe,
        Some(ViewWord::Requested) => View::RequestedByMe,
    };
    let wanted = ApprovalQuery {
        kind: asked.kind,
        state: asked.state,
        is_open: asked.open,
        environment: asked.environment,
        project,
        subject: asked.subject,
        is_reminded: asked.reminded,
        ended_since_ms: None,
    };
    let page = PageRequest { cursor: asked.cursor, limit: asked.limit };
    let reader = ApprovalReader::of(&caller.principal, &id);
    let found = caller.api.store.approvals(&id, &reader, view, &wanted, &page).await?;
    Ok(Json(Listing::with(found, |approval| ApprovalView::of(&caller, approval))))
}

/// How many approvals wait for the caller, how many of these soon expire, and how many of their own are pending or have
/// expired lately.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/approval-counts", tag = "approvals", responses((status = 200, body = ApprovalCountsView)))]
pub(crate) async fn count_approvals(caller: Caller, Path(tenant): Path<String>) -> Result<Json<ApprovalCountsView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::ApprovalView).await?;
    let reader = ApprovalReader::of(&caller.principal, &id);
    let (store, any) = (&caller.api.store, ApprovalQuery::default());
    let pending = ApprovalQuery { state: Some(ApprovalState::Pending), ..ApprovalQuery::default() };
    let due_soon = ApprovalQuery { is_reminded: Some(true), ..ApprovalQuery::default() };
    let since_ms = store.now_ms().saturating_sub(EXPIRED_SHOWN_MS).max(1);
    let expired = ApprovalQuery { state: Some(ApprovalState::Expired), ended_since_ms: Some(since_ms), ..ApprovalQuery::default() };
    Ok(Json(ApprovalCountsView {
        waiting_for_me: store.count_approvals(&id, &reader, View::WaitingForMe, &any).await?,
        due_soon: store.count_approvals(&id, &reader, View::WaitingForMe, &due_soon).await?,
        pending_of_mine: store.count_approvals(&id, &reader, View::RequestedByMe, &pending).await?,
        expired_of_mine: store.count_approvals(&id, &reader, View::RequestedByMe, &expired).await?,
    }))
}

/// Finds an approval, if the caller may see it.
async fn visible(caller: &Caller, tenant: &TenantId, approval: &str) -> Result<Approval, Problem> {
    let found = caller.api.store.approval(tenant, approval).await?;
    let reader = ApprovalReader::of(&caller.principal, tenant);
    if caller.api.store.sees_approval(tenant, &reader, &found).await? { Ok(found) } else { Err(Problem::not_found("approval", approval)) }
}

/// Get an approval with its history, by id or request number.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/approvals/{approval}", tag = "approvals", responses((status = 200, body = ApprovalDetailView)))]
pub(crate) async fn get_approval(
    caller: Caller,
    Path((tenant, approval)): Path<(String, String)>,
) -> Result<Json<ApprovalDetailView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::ApprovalView).await?;
    let found = visible(&caller, &id, &approval).await?;
    let history = caller.api.store.approval_history(&id, &found.id).await?;
    let history = history.into_iter().map(ApprovalStepView::from).collect();
    Ok(Json(ApprovalDetailView { approval: ApprovalView::of(&caller, found), history }))
}

/// Agree: what was asked for is done when this answers.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/approvals/{approval}/approve", tag = "approvals", request_body = Option<OpinionBody>, responses((status = 200, body = ApprovalView)))]
pub(crate) async fn approve_approval(
    caller: Caller,
    Path((tenant, approval)): Path<(String, String)>,
    body: JsonBody<OpinionBody>,
) -> Result<Json<ApprovalView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::ApprovalDecide).await?;
    decide(caller, id, approval, ApprovalEvent::Approve, body).await
}

/// Do not agree; the opinion tells the applicant why.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/approvals/{approval}/reject", tag = "approvals", request_body = Option<OpinionBody>, responses((status = 200, body = ApprovalView)))]
pub(crate) async fn reject_approval(
    caller: Caller,
    Path((tenant, approval)): Path<(String, String)>,
    body: JsonBody<OpinionBody>,
) -> Result<Json<ApprovalView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::ApprovalDecide).await?;
    decide(caller, id, approval, ApprovalEvent::Reject, body).await
}

/// Take back a request of one's own.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/approvals/{approval}/withdraw", tag = "approvals", request_body = Option<OpinionBody>, responses((status = 200, body = ApprovalView)))]
pub(crate) async fn withdraw_approval(
    caller: Caller,
    Path((tenant, approval)): Path<(String, String)>,
    body: JsonBody<OpinionBody>,
) -> Result<Json<ApprovalView>, Problem> {
    let id = caller.in_tenant(&tenant, Action::ApprovalWithdraw).await?;
    decide(caller, id, approval, ApprovalEvent::Withdraw, body).await
}

/// Makes or checks the real table that was just published, if that was asked for; how it went is noted in the approval's
/// result. The publication stands either way: `ensure` can be repeated.
async fn ensure(caller: &Caller, ended: Approval) -> Result<Approval, Problem> {
    let is_wanted = ended.payload.get("ensure") == Some(&Value::Bool(true));
    let (ApprovalKind::TablePublish, ApprovalState::Approved, true) = (ended.kind, ended.state, is_wanted) else { return Ok(ended) };
    let (Some(project), Some(environment)) = (ended.project.clone(), ended.environment) else { return Ok(ended) };
    let scope = ProjectScope::new(ended.tenant.clone(), project);
    let viewer = TableViewer { environment, ..caller.viewer(&scope) };
    let (topic, options) = (TopicId::new(ended.subject.as_str()), serde_json::json!({}));
    let done = tokio::time::timeout(ENSURE_MAX, caller.api.control.ensure_table_in(&viewer, &topic, &options)).await;
    let ensured = match done {
        Ok(Ok(created)) => serde_json::json!({"created": created}),
        Ok(Err(failure)) => serde_json::json!({"failed": Problem::from(failure).detail}),
        Err(_) => serde_json::json!({"failed": format!("no answer within {} s", ENSURE_MAX.as_secs())}),
    };
    Ok(caller.api.store.note_approval_result(&ended, "ensured", ensured).await?)
}

async fn decide(
    caller: Caller,
    tenant: TenantId,
    approval: String,
    event: ApprovalEvent,
    body: JsonBody<OpinionBody>,
) -> Result<Json<ApprovalView>, Problem> {
    let opinion = body.parse_or_default()?.opinion;
    let found = visible(&caller, &tenant, &approval).await?;
    if event != ApprovalEvent::Withdraw {
        let action = found.kind.decided_with();
        caller.authorize(action, &found.scope(), ("approval", &approval)).await?;
    }
    let decision = Decision { event, standing: standing(&caller, &found), opinion };
    let work = async move {
        let ended = caller.api.store.decide_approval(&caller.cause(), &tenant, &found.id, &decision).await?;
        // What was approved may concern running instances.
        caller.api.control.notify();
        let ended = ensure(&caller, ended).await?;
        Ok(Json(ApprovalView::of(&caller, ended)))
    };
    to_the_end(work).await?
}
