//! What meta-models, business data, relations and quality rules have in common on the wire: a draft, a published document,
//! a state, and what the caller can do (GOV-1).

use crate::{
    approvals::ApprovalView,
    caller::Caller,
    extract::{IfMatch, JsonBody},
    problem::Problem,
};
use axum::http::StatusCode;
use millrace_domain::{
    Scope,
    governed::{GovernedKind, Wrong},
};
use millrace_model::ids::{ProjectId, TenantId};
use millrace_store::{GovernedFilter, GovernedItem, GovernedVersion, Page, PageRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// An item with its draft and what was published of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GovernedView {
    id: String,
    name: String,
    /// Id of its category, meta-model, first end or table; null if it has none.
    parent: Option<String>,
    /// Id of its project, for quality rules.
    project: Option<String>,
    /// The draft.
    #[schema(value_type = Object)]
    document: Value,
    /// The document as it was published last; null if it never was.
    #[schema(value_type = Option<Object>)]
    published: Option<Value>,
    /// How often it was published.
    published_version: i64,
    /// `draft`, `in_approval`, `published` or `edited` (published, and changed since).
    state: String,
    /// Also the ETag.
    revision: i64,
    /// Id of the approval that is pending.
    approval: Option<String>,
    created_by: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// What the caller can do now: `edit`, `delete`, `request_publication`.
    allowed_actions: Vec<&'static str>,
}

impl GovernedView {
    /// As the caller sees it; `may_edit` says whether its people let them, besides their roles.
    pub(crate) fn of(caller: &Caller, item: GovernedItem, may_edit: bool) -> Self {
        let may = may_edit && caller.principal.allowed(item.kind.edited_with(), &item.scope());
        let allowed_actions = if may { item.state.allowed().iter().map(|a| a.as_str()).collect() } else { Vec::new() };
        Self {
            id: item.id,
            name: item.name.to_string(),
            parent: Some(item.parent).filter(|parent| !parent.is_empty()),
            project: item.project.map(|p| p.to_string()),
            document: item.draft,
            published: item.published,
            published_version: item.published_version,
            state: item.state.to_string(),
            revision: item.revision,
            approval: item.approval,
            created_by: item.created_by,
            created_at_ms: item.created_at_ms,
            updated_at_ms: item.updated_at_ms,
            allowed_actions,
        }
    }
}

/// A published version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GovernedVersionView {
    number: i64,
    #[schema(value_type = Object)]
    document: Value,
    /// Id of the approval that published it.
    approval: Option<String>,
    published_by: String,
    created_at_ms: i64,
}

/// The published versions of an item, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GovernedVersionsView {
    /// At most 200.
    items: Vec<GovernedVersionView>,
}

impl GovernedVersionsView {
    pub(crate) fn of(versions: Vec<GovernedVersion>) -> Self {
        let view = |v: GovernedVersion| {
            let GovernedVersion { number, document, approval, published_by, created_at_ms } = v;
            GovernedVersionView { number, document, approval, published_by, created_at_ms }
        };
        Self { items: versions.into_iter().map(view).collect() }
    }
}

/// Why something is to be published.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicationRequest {
    #[serde(default)]
    reason: String,
}

/// Which items to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernedQuery {
    /// Only of this category, meta-model, first end or table, by id.
    pub(crate) parent: Option<String>,
    /// Only what was published.
    #[serde(default)]
    pub(crate) published: bool,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// Items on the page: 1 to 200, 50 unless given.
    pub(crate) limit: Option<u32>,
}

/// All that is wrong with a document as one problem.
pub(crate) fn checked(wrong: Vec<Wrong>) -> Result<(), Problem> {
    let Some(first) = wrong.first() else { return Ok(()) };
    let mut problem = Problem::field(&first.field, "request.invalid", first.message.clone());
    problem.errors = wrong.iter().map(|w| crate::FieldError::in_field(&w.field, "request.invalid", w.message.clone())).collect();
    Err(problem)
}

/// A document as it is stored.
pub(crate) fn stored(document: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(document).map_err(|error| Problem::internal(error.to_string()))
}

/// The items of a kind, in a project if one is given, that the query asks for.
pub(crate) async fn items(
    caller: &Caller,
    tenant: &TenantId,
    kind: GovernedKind,
    project: Option<ProjectId>,
    query: GovernedQuery,
) -> Result<Page<GovernedItem>, Problem> {
    let filter = GovernedFilter { parent: query.parent, project, is_published: query.published };
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    Ok(caller.api.store.governed_items(tenant, kind, &filter, &page).await?)
}

/// Replaces the draft of `item` by a document that has been checked.
pub(crate) async fn save(
    caller: &Caller,
    item: &GovernedItem,
    document: &impl Serialize,
    if_match: &IfMatch,
) -> Result<GovernedItem, Problem> {
    Ok(caller.api.store.change_governed(&caller.cause(), item, &stored(document)?, if_match.revision()?).await?)
}

/// Asks for the publication of `item`.
pub(crate) async fn publish(
    caller: &Caller,
    item: &GovernedItem,
    body: JsonBody<PublicationRequest>,
) -> Result<(StatusCode, axum::Json<ApprovalView>), Problem> {
    let reason = body.parse_or_default()?.reason;
    let made = caller.api.store.request_publication(&caller.cause(), item, &reason).await?;
    Ok((StatusCode::CREATED, axum::Json(ApprovalView::of(caller, made))))
}

/// Whether the caller may do everything with business data, not only that of the meta-models they manage.
pub(crate) fn manages_all(caller: &Caller, scope: &Scope) -> bool {
    caller.principal.allowed(millrace_domain::Action::MetaModelEdit, scope)
}
