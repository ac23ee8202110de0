//! Quality rules of tables, and what they have counted (ROL-3, ROL-5, approved by ROL-4).
//!
//! Invariant: a rule belongs to the project of its table; only published rules run.

use crate::{
    approvals::ApprovalView,
    caller::Caller,
    data_access::{RowsOf, may_see_rows, sees_rows_of},
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    governed::{GovernedQuery, GovernedVersionsView, GovernedView, PublicationRequest, checked, items, publish, save, stored},
    page::Listing,
    problem::Problem,
    search::FoundPlaceView,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Name, ProjectScope,
    governed::GovernedKind,
    quality::{QualityRule, RuleOfTable, TableNode},
};
use millrace_model::graph::JobGraph;
use millrace_store::{GovernedFilter, GovernedItem, NewGoverned, NewJob, PageRequest, QualityCount, QualityResult, StoreError, Topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

const KIND: GovernedKind = GovernedKind::QualityRule;
/// Executions whose counts are summed and shown.
const RESULTS_MAX: i64 = 100;

/// A rule to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewQualityRuleBody {
    #[schema(value_type = String)]
    name: Name,
    /// Name or id of a table of the project.
    table: String,
    /// `{"column": "url", "check": {"type": "not_null"}, "on_violation": "count"}`. Checks: `not_null`, `range` (`min`, `max`),
    /// `regex` (`pattern`), `condition` (`sql`), `unique` (`window_ms`), `freshness` (`max_age_ms`, `window_ms`), `row_count`
    /// (`window_ms`, `min`, `max`), `aggregate` (`window_ms`, `sql`). On violation: `count`, `mark` (with `mark_column`) or `divert`.
    #[schema(value_type = Object)]
    document: QualityRule,
}

/// A job to make of a rule on many rows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QualityJobBody {
    /// Name of the job.
    #[schema(value_type = String)]
    name: Name,
    /// The table that takes what is found, with the columns `rule` STRING, `window_start` STRING, `window_end` STRING,
    /// `found` BIGINT and `message` STRING.
    results: String,
}

/// The job that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QualityJobView {
    job: FoundPlaceView,
    /// What its SQL node looks at the table with.
    sql: String,
}

/// A rule with what it has counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QualityRuleView {
    #[serde(flatten)]
    rule: GovernedView,
    /// Whether it looks at single rows and runs in jobs that write the table; else a job of its own runs it.
    is_of_rows: bool,
    /// Counts of executions, the last ones first; at most 100.
    results: Vec<QualityResultView>,
}

/// What one execution of an instance has counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QualityResultView {
    instance: String,
    /// Where the instance runs: `test` or `production`.
    environment: &'static str,
    job: FoundPlaceView,
    /// The node that checks.
    node: String,
    /// The version of the rule.
    rule_version: i64,
    /// Rows that were looked at; for a rule on many rows: windows, or for `unique` values in windows.
    checked: i64,
    passed: i64,
    violated: i64,
    /// Of the violated rows: marked.
    marked: i64,
    /// Of the violated rows: diverted.
    diverted: i64,
    /// Some of the last rows that broke it, as JSON texts; empty for who may not see rows of the instance's environment.
    samples: Vec<String>,
    first_at_ms: i64,
    last_at_ms: i64,
}

impl From<QualityResult> for QualityResultView {
    fn from(result: QualityResult) -> Self {
        Self {
            instance: result.instance,
            environment: result.environment.as_str(),
            job: FoundPlaceView::of(result.job),
            node: result.count.node,
            rule_version: result.count.version,
            checked: result.count.checked,
            passed: result.count.checked - result.count.violated,
            violated: result.count.violated,
            marked: result.count.marked,
            diverted: result.count.diverted,
            samples: result.count.samples,
            first_at_ms: result.first_at_ms,
            last_at_ms: result.last_at_ms,
        }
    }
}

/// A rule as the table's page shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleSummaryView {
    id: String,
    name: String,
    /// `draft`, `in_approval`, `published` or `edited`.
    state: String,
    /// The rule in force; null if none is.
    #[schema(value_type = Option<Object>)]
    published: Option<serde_json::Value>,
    /// Rows (for a rule on many rows: windows) that were looked at in the last 100 executions.
    checked: i64,
    passed: i64,
    violated: i64,
    marked: i64,
    diverted: i64,
    /// When it was counted last; null: never.
    last_at_ms: Option<i64>,
}

impl RuleSummaryView {
    pub(crate) fn of(rule: GovernedItem, results: &[QualityResult]) -> Self {
        let sum = |of: fn(&QualityCount) -> i64| results.iter().map(|r| of(&r.count)).sum::<i64>();
        let (checked, violated) = (sum(|c| c.checked), sum(|c| c.violated));
        Self {
            id: rule.id,
            name: rule.name.to_string(),
            state: rule.state.to_string(),
            published: rule.published,
            checked,
            passed: checked - violated,
            violated,
            marked: sum(|c| c.marked),
            diverted: sum(|c| c.diverted),
            last_at_ms: results.iter().map(|r| r.last_at_ms).max(),
        }
    }
}

async fn find(caller: &Caller, scope: &ProjectScope, rule: &str) -> Result<GovernedItem, Problem> {
    let found = caller.api.store.governed(&scope.tenant, KIND, rule).await;
    match found {
        Ok(found) if found.project.as_ref() == Some(&scope.project) => Ok(found),
        Ok(_) => Err(Problem::not_found(KIND.noun(), rule)),
        // Other projects may have rules of the name.
        Err(StoreError::Invalid { .. }) => {
            let of = GovernedFilter { project: Some(scope.project.clone()), ..GovernedFilter::default() };
            let all = PageRequest { cursor: None, limit: Some(200) };
            let items = caller.api.store.governed_items(&scope.tenant, KIND, &of, &all).await?.items;
            let mut named: Vec<_> = items.into_iter().filter(|item| item.name.as_str() == rule).collect();
            match (named.pop(), named.is_empty()) {
                (Some(only), true) => Ok(only),
                _ => {
                    Err(StoreError::Invalid { field: "rule", message: "several tables have a rule of this name; use the id".into() }.into())
                }
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn check(caller: &Caller, scope: &ProjectScope, table: &str, rule: &QualityRule) -> Result<(), Problem> {
    let table = caller.api.store.table_overview(&scope.tenant, table).await?;
    checked(rule.check(&table.schema))
}

/// List the quality rules of a project, newest first; with `parent` those of one table.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules", tag = "quality", params(GovernedQuery), responses((status = 200, body = Listing<GovernedView>)))]
pub(crate) async fn list_quality_rules(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<GovernedQuery>,
) -> Result<Json<Listing<GovernedView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let found = items(&caller, &scope.tenant, KIND, Some(scope.project.clone()), query.parse()?).await?;
    Ok(Json(Listing::with(found, |item| GovernedView::of(&caller, item, true))))
}

/// Make a quality rule: a draft.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules", tag = "quality", request_body = NewQualityRuleBody, responses((status = 201, body = GovernedView)))]
pub(crate) async fn create_quality_rule(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewQualityRuleBody>,
) -> Result<Tagged<GovernedView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::QualityRuleEdit).await?;
    let NewQualityRuleBody { name, table, document } = body.parse()?;
    let table = caller.api.store.topic(&scope, &table).await?;
    checked(document.check(&table.schema))?;
    let (draft, parent) = (stored(&document)?, table.id.to_string());
    let new = NewGoverned { kind: KIND, project: Some(scope.project.clone()), name, parent, draft };
    let made = caller.api.store.create_governed(&caller.cause(), &scope.tenant, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, GovernedView::of(&caller, made, true)))
}

/// The results of a rule, each with its bad rows if the caller may see rows of the environment that they come from.
async fn with_samples(
    caller: &Caller,
    scope: &ProjectScope,
    rule: &str,
    results: Vec<QualityResult>,
) -> Result<Vec<QualityResultView>, Problem> {
    let (mut shown, mut rows) = (Vec::with_capacity(results.len()), 0);
    for result in results {
        let sees_rows = sees_rows_of(caller, scope, result.environment);
        let mut view = QualityResultView::from(result);
        match sees_rows {
            true => rows += view.samples.len(),
            false => view.samples.clear(),
        }
        shown.push(view);
    }
    if rows > 0 {
        may_see_rows(caller, scope, Action::DataPreview, RowsOf::QualityRule(rule), json!({"rows": rows})).await?;
    }
    Ok(shown)
}

/// Get a quality rule by name or id, with what it has counted. Bad rows are shown to who may preview data, those of production
/// to who may bind its data sources.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules/{rule}", tag = "quality", responses((status = 200, body = QualityRuleView)))]
pub(crate) async fn get_quality_rule(
    caller: Caller,
    Path((tenant, project, rule)): Path<(String, String, String)>,
) -> Result<Tagged<QualityRuleView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let found = find(&caller, &scope, &rule).await?;
    let results = caller.api.store.quality_results(&scope.tenant, &found.id, RESULTS_MAX).await?;
    let shown = with_samples(&caller, &scope, &found.id, results).await?;
    let document: QualityRule =
        serde_json::from_value(found.draft.clone()).map_err(|error| Problem::internal(format!("rule {}: {error}", found.id)))?;
    let revision = found.revision;
    let view = QualityRuleView { rule: GovernedView::of(&caller, found, true), is_of_rows: document.is_of_rows(), results: shown };
    Ok(Tagged(StatusCode::OK, revision, view))
}

/// Replace the draft of a quality rule. While its publication waits for a decision it stands still.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules/{rule}", tag = "quality", request_body(content = Object, description = "The rule."), responses((status = 200, body = GovernedView)))]
pub(crate) async fn edit_quality_rule(
    caller: Caller,
    Path((tenant, project, rule)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<QualityRule>,
) -> Result<Tagged<GovernedView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::QualityRuleEdit).await?;
    let found = find(&caller, &scope, &rule).await?;
    let document = body.parse()?;
    check(&caller, &scope, &found.parent, &document).await?;
    let changed = save(&caller, &found, &document, &if_match).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, GovernedView::of(&caller, changed, true)))
}

/// Remove a quality rule. Versions of jobs that have it as a step keep it.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules/{rule}", tag = "quality", responses((status = 204)))]
pub(crate) async fn delete_quality_rule(
    caller: Caller,
    Path((tenant, project, rule)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::QualityRuleEdit).await?;
    let found = find(&caller, &scope, &rule).await?;
    caller.api.store.delete_governed(&caller.cause(), &found).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for the publication of the draft of a quality rule. Once approved, versions of jobs that are submitted run it.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules/{rule}/publish", tag = "quality", request_body = Option<PublicationRequest>, responses((status = 201, body = ApprovalView)))]
pub(crate) async fn publish_quality_rule(
    caller: Caller,
    Path((tenant, project, rule)): Path<(String, String, String)>,
    body: JsonBody<PublicationRequest>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::QualityRuleEdit).await?;
    let found = find(&caller, &scope, &rule).await?;
    publish(&caller, &found, body).await
}

/// List the published versions of a quality rule, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules/{rule}/versions", tag = "quality", responses((status = 200, body = GovernedVersionsView)))]
pub(crate) async fn list_quality_rule_versions(
    caller: Caller,
    Path((tenant, project, rule)): Path<(String, String, String)>,
) -> Result<Json<GovernedVersionsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let found = find(&caller, &scope, &rule).await?;
    Ok(Json(GovernedVersionsView::of(caller.api.store.governed_versions(&found).await?)))
}

/// Make a job of a published rule on many rows (`unique`, `freshness`, `row_count`, `aggregate`): its draft reads the table,
/// counts for the rule and writes what it finds. It is submitted and started like any other.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/quality-rules/{rule}/job", tag = "quality", request_body = QualityJobBody, responses((status = 201, body = QualityJobView)))]
pub(crate) async fn create_quality_job(
    caller: Caller,
    Path((tenant, project, rule)): Path<(String, String, String)>,
    body: JsonBody<QualityJobBody>,
) -> Result<(StatusCode, Json<QualityJobView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobCreate).await?;
    let found = find(&caller, &scope, &rule).await?;
    let body = body.parse()?;
    let refused = |code: &str, detail: String| Err(Problem::new(StatusCode::CONFLICT, code, detail));
    let Some(published) = &found.published else {
        return refused("quality_rule.not_published", format!("rule `{}` was never published; ask for its publication first", found.name));
    };
    let document = QualityRule::deserialize(published).map_err(|error| Problem::internal(format!("rule {}: {error}", found.id)))?;
    let table = caller.api.store.topic(&scope, &found.parent).await?;
    let results = caller.api.store.topic(&scope, &body.results).await?;
    let kinds = (kind_of(&caller, &scope, &table).await?, kind_of(&caller, &scope, &results).await?);
    let rule = RuleOfTable { id: &found.id, name: found.name.as_str(), version: found.published_version };
    let node = |kind, name| TableNode { kind, field: millrace_control::table_field(kind), name };
    let Some(draft) = document.job(&rule, &node(&kinds.0, table.name.as_str()), &node(&kinds.1, results.name.as_str())) else {
        let detail = format!("rule `{}` looks at single rows: jobs that write `{}` run it as a step", found.name, table.name);
        return refused("quality_rule.of_rows", detail);
    };
    let sql = draft.pointer("/nodes/1/config/sql").and_then(|sql| sql.as_str()).unwrap_or_default().to_owned();
    let draft: JobGraph = serde_json::from_value(draft).map_err(|error| Problem::internal(error.to_string()))?;
    let description = format!("checks `{}` by the quality rule `{}`", table.name, found.name);
    let new = NewJob { name: body.name, folder: Default::default(), description, draft };
    let made = caller.api.store.create_job(&caller.cause(), &scope, &new).await?;
    let job = FoundPlaceView { id: made.id.to_string(), name: made.name.to_string() };
    Ok((StatusCode::CREATED, Json(QualityJobView { job, sql })))
}

/// Kind of the data source that holds a table: of its own, or of its database.
async fn kind_of(caller: &Caller, scope: &ProjectScope, table: &Topic) -> Result<String, Problem> {
    let store = &caller.api.store;
    let database = match &table.database {
        Some(database) if table.data_source.is_none() => store.database(scope, database.as_str()).await?.data_source,
        _ => None,
    };
    let Some(source) = table.data_source.clone().or(database) else {
        let detail = format!("table `{}` is bound to no data source; name one in its design, or publish it to test", table.name);
        return Err(Problem::new(StatusCode::CONFLICT, "table.unbound", detail));
    };
    Ok(store.data_source(scope, source.as_str()).await?.kind)
}
