//! Unit tests of jobs from data packages (DEV-2).

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    data_access::{RowsOf, may_see_rows},
    extract::{JsonBody, QueryString},
    problem::{FieldError, Problem},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_control::{
    ArrivalOrder, ComparisonReport, GoldenRowReport, PackageFile, PackageHints, SinkRows, UNIT_TEST_SECONDS_MAX, UnitTestLimits,
    UnitTestOrder, UnitTestReport, UnitTestSink, UnitTestSource, UnitTestState,
};
use millrace_domain::{Action, ProjectScope, ResourceKind, Scope, golden::GoldenMode};
use millrace_model::{Schema, graph::JobGraph, ids::NodeId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::{collections::BTreeMap, fs::File, io};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use utoipa::{IntoParams, ToSchema};

/// Rows of one page.
const PAGE_ROWS_MAX: usize = 100;
/// Packages of one test.
const PACKAGES_MAX: usize = 50;
/// Bytes of a resource that a test may read.
const RESOURCE_BYTES_MAX: i64 = 64 << 20;
/// Rows that are kept of each sink, at most.
const SINK_ROWS_MAX: usize = 10_000;

/// A data package: a resource of the project, or a text. Exactly one of `resource` and `content`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackageBody {
    /// Name or id of a resource that is a data package.
    resource: Option<String>,
    /// Number of its version; the newest unless given.
    version: Option<i64>,
    /// The rows as text: JSON lines or CSV.
    content: Option<String>,
    /// `csv` if a text of one column is CSV all the same.
    format: Option<String>,
    /// Whether the first line of a CSV text names its columns; found out unless given.
    header: Option<bool>,
}

/// Expected rows of a sink.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedBody {
    /// Name or id of a resource that is a data package.
    resource: Option<String>,
    /// Number of its version; the newest unless given.
    version: Option<i64>,
    /// The rows as text: JSON lines or CSV.
    content: Option<String>,
    /// `csv` if a text of one column is CSV all the same.
    format: Option<String>,
    /// Whether the first line of a CSV text names its columns; found out unless given.
    header: Option<bool>,
    /// `ordered`, `multiset`, or `table`: the rows that are left when all changes are applied. Unless given: `table` if the
    /// sink gets changes and the package has no column `_change`, else `multiset`.
    #[schema(value_type = Option<String>)]
    mode: Option<GoldenMode>,
}

/// What a test may use.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsBody {
    /// How long it may run: 1 to 300 seconds, 60 unless given.
    #[schema(minimum = 1, maximum = 300)]
    seconds: Option<u64>,
    /// Rows that are kept of each sink: up to 10000.
    #[schema(minimum = 1, maximum = 10000)]
    sink_rows: Option<usize>,
}

/// A unit test to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnitTestBody {
    /// Packages by source: a node's id or name, or a table's name.
    sources: BTreeMap<String, PackageBody>,
    /// Expected rows by sink: a node's id or name, or a table's name.
    #[serde(default)]
    expected: BTreeMap<String, ExpectedBody>,
    /// How rows come out of order: `seed`, `shuffle_rows`, `delay` (`{"distribution": "uniform", "min_ms": 0, "max_ms": 500}`,
    /// `fixed` with `ms`, `exponential` with `mean_ms`), `delayed_share`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    order: ArrivalOrder,
    /// The graph or script; the job's draft unless given.
    #[schema(value_type = Option<Object>)]
    graph: Option<JobGraph>,
    /// Number of a version to test instead.
    version: Option<i64>,
    /// Plugins may reach the hosts and folders that they were granted.
    #[serde(default)]
    with_capabilities: bool,
    #[serde(default)]
    limits: LimitsBody,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnitTestQuery {
    /// Only tests of this job, by name or id.
    job: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowsQuery {
    /// `last` of the page before; none for the first rows.
    after: Option<u64>,
    /// Rows on the page: 1 to 100, 100 unless given.
    limit: Option<usize>,
}

/// A unit test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitTestView {
    id: String,
    /// Id of the job.
    job: String,
    job_name: String,
    by: String,
    /// `running`, `passed`, `differs`, `finished` (nothing was expected), `failed`, `out_of_bounds`, `cancelled`.
    state: String,
    /// What can be asked of it now: `cancel`.
    allowed_actions: Vec<&'static str>,
    /// The same packages with the same seed give the same rows.
    seed: u64,
    started_at_ms: i64,
    ended_at_ms: Option<i64>,
    sources: Vec<UnitTestSourceView>,
    sinks: Vec<UnitTestSinkView>,
    /// Late rows that were dropped, by sources and by windows.
    late_rows: u64,
    /// Bad and late records and rows on which a plugin failed.
    dead_letters: u64,
    /// The newest of them.
    #[schema(value_type = Vec<Object>)]
    recent_dead_letters: Value,
    /// Why it ended before its last row: class, operator, message, fault report.
    #[schema(value_type = Option<Object>)]
    failure: Option<Value>,
    /// What may not be as its author thinks.
    warnings: Vec<String>,
    /// Fuel that its plugins burnt.
    fuel: u64,
}

/// A source of a unit test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitTestSourceView {
    node: String,
    table: String,
    /// Rows of its package.
    rows: u64,
    rows_read: u64,
    /// Late ones that were dropped.
    late_rows: u64,
    /// Ones that could not be read.
    bad_rows: u64,
    watermark_ms: Option<i64>,
}

/// A sink of a unit test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitTestSinkView {
    node: String,
    table: String,
    /// Columns of its rows.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    /// Rows that it got so far.
    rows: u64,
    /// Rows of them that are kept.
    rows_kept: u64,
    watermark_ms: Option<i64>,
    comparison: Option<ComparisonView>,
}

/// How the rows of a sink compare with those that were expected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ComparisonView {
    /// `ordered`, `multiset`, `table`.
    mode: String,
    matches: bool,
    expected: u64,
    found: u64,
    /// Expected and not found, the first 100.
    missing: Vec<GoldenRowView>,
    missing_total: u64,
    /// Found and not expected, the first 100.
    unexpected: Vec<GoldenRowView>,
    unexpected_total: u64,
    /// In order: number of the first row that differs.
    first_difference: Option<u64>,
    /// Why the rows could not be compared wholly.
    note: Option<String>,
}

/// A row in a comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GoldenRowView {
    /// Where changes are compared: `+I`, `-U`, `+U`, `-D`.
    change: Option<String>,
    #[schema(value_type = Object)]
    row: serde_json::Map<String, Value>,
}

/// Recent unit tests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitTestsView {
    /// Newest first.
    items: Vec<UnitTestView>,
}

/// Rows that a sink got.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SinkRowsView {
    rows: Vec<SinkRowView>,
    /// Number of the last row on the page: `after` of the next one.
    last: u64,
    /// Rows that the sink got so far.
    total: u64,
    /// Rows of them that are kept.
    kept: u64,
    /// Whether more may come.
    running: bool,
}

/// A row that a sink got.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SinkRowView {
    /// Counts from 1.
    number: u64,
    /// `+I`, `-U`, `+U`, `-D`.
    change: String,
    #[schema(value_type = Object)]
    row: Box<RawValue>,
}

impl UnitTestView {
    fn of(caller: &Caller, scope: &ProjectScope, report: UnitTestReport) -> Self {
        let word = |state: UnitTestState| serde_json::to_value(state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let is_running = report.state == UnitTestState::Running;
        Self {
            id: report.id,
            job: report.job,
            job_name: report.job_name,
            by: report.by,
            state: word(report.state),
            allowed_actions: allowed(caller, &Scope::Project(scope.clone()), [("cancel", Action::UnitTestRun, is_running)]),
            seed: report.seed,
            started_at_ms: report.started_at_ms,
            ended_at_ms: report.ended_at_ms,
            sources: report.sources.into_iter().map(UnitTestSourceView::from).collect(),
            sinks: report.sinks.into_iter().map(UnitTestSinkView::from).collect(),
            late_rows: report.late_rows,
            dead_letters: report.dead_letters,
            recent_dead_letters: serde_json::to_value(report.recent_dead_letters).unwrap_or_default(),
            failure: report.failure.and_then(|failure| serde_json::to_value(failure).ok()),
            warnings: report.warnings,
            fuel: report.fuel,
        }
    }
}

impl From<UnitTestSource> for UnitTestSourceView {
    fn from(source: UnitTestSource) -> Self {
        let UnitTestSource { node, table, rows, rows_read, late_rows, bad_rows, watermark_ms } = source;
        Self { node, table, rows, rows_read, late_rows, bad_rows, watermark_ms }
    }
}

impl From<UnitTestSink> for UnitTestSinkView {
    fn from(sink: UnitTestSink) -> Self {
        let UnitTestSink { node, table, schema, rows, rows_kept, watermark_ms, comparison } = sink;
        Self { node, table, schema, rows, rows_kept, watermark_ms, comparison: comparison.map(ComparisonView::from) }
    }
}

impl From<ComparisonReport> for ComparisonView {
    fn from(found: ComparisonReport) -> Self {
        let list = |rows: Vec<GoldenRowReport>| rows.into_iter().map(|r| GoldenRowView { change: r.change, row: r.row }).collect();
        Self {
            mode: found.mode.to_string(),
            matches: found.matches,
            expected: found.expected,
            found: found.found,
            missing: list(found.missing),
            missing_total: found.missing_total,
            unexpected: list(found.unexpected),
            unexpected_total: found.unexpected_total,
            first_difference: found.first_difference,
            note: found.note,
        }
    }
}

/// The package in a file without a name.
async fn package_file(caller: &Caller, scope: &ProjectScope, field: &str, body: &PackageBody) -> Result<PackageFile, Problem> {
    match (&body.resource, &body.content) {
        (Some(resource), None) => resource_file(caller, scope, field, resource, body).await,
        (None, Some(content)) if body.version.is_none() => {
            let mut file = spool(caller).await?;
            file.write_all(content.as_bytes()).await.map_err(spoiled)?;
            let is_csv = match body.format.as_deref() {
                None | Some("json_lines") => false,
                Some("csv") => true,
                Some(other) => {
                    let message = format!("is `{other}`, expected `csv` or `json_lines`");
                    return Err(Problem::field(&format!("{field}.format"), "request.invalid", message));
                }
            };
            let hints = PackageHints { is_csv, has_header: body.header, ..PackageHints::default() };
            Ok(PackageFile { name: format!("the content of `{field}`"), file: at_start(file).await?, hints })
        }
        _ => Err(Problem::field(field, "request.invalid", "expected either `resource` (perhaps with `version`) or `content`")),
    }
}

async fn resource_file(
    caller: &Caller,
    scope: &ProjectScope,
    field: &str,
    resource: &str,
    body: &PackageBody,
) -> Result<PackageFile, Problem> {
    let store = &caller.api.store;
    let found = store.resource(scope, resource).await?;
    if found.kind != ResourceKind::DataPackage {
        let message = format!("resource `{}` is a {}, expected a data package", found.name, found.kind);
        return Err(Problem::field(&format!("{field}.resource"), "unit_test.no_package", message));
    }
    let wanted = body.version.map_or_else(|| "latest".to_owned(), |number| number.to_string());
    let (version, _) = store.resource_version(scope, &found.id, &wanted).await?;
    if version.size_bytes > RESOURCE_BYTES_MAX {
        let message = format!("resource `{}` has {} bytes, expected at most {RESOURCE_BYTES_MAX}", found.name, version.size_bytes);
        return Err(Problem::field(&format!("{field}.resource"), "unit_test.too_large", message));
    }
    let mut file = spool(caller).await?;
    let mut position = 0;
    while let Some(piece) = store.content_piece(&scope.tenant, &version.content_hash, position).await? {
        file.write_all(&piece).await.map_err(spoiled)?;
        position += 1;
    }
    let is_csv = version.detail.get("format").and_then(Value::as_str) == Some("csv");
    let has_header = version.detail.pointer("/options/header").and_then(Value::as_bool);
    let hints = PackageHints { is_csv, has_header, ..PackageHints::default() };
    Ok(PackageFile { name: format!("resource `{}` version {}", found.name, version.number), file: at_start(file).await?, hints })
}

fn spoiled(error: io::Error) -> Problem {
    Problem::internal(format!("a data package cannot be kept for a unit test: {error}"))
}

async fn spool(caller: &Caller) -> Result<tokio::fs::File, Problem> {
    let folder = caller.api.config.spool_dir.clone();
    let made = tokio::task::spawn_blocking(move || std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)));
    Ok(tokio::fs::File::from_std(made.await.map_err(|error| spoiled(io::Error::other(error)))?.map_err(spoiled)?))
}

async fn at_start(mut file: tokio::fs::File) -> Result<File, Problem> {
    file.flush().await.map_err(spoiled)?;
    file.rewind().await.map_err(spoiled)?;
    Ok(file.into_std().await)
}

fn limits(body: LimitsBody) -> Result<UnitTestLimits, Problem> {
    let mut limits = UnitTestLimits::default();
    if let Some(seconds) = body.seconds {
        if seconds == 0 || seconds > UNIT_TEST_SECONDS_MAX {
            let message = format!("is {seconds}, expected 1 to {UNIT_TEST_SECONDS_MAX}");
            return Err(Problem::field("limits.seconds", "request.invalid", message));
        }
        limits.seconds_max = seconds;
    }
    if let Some(rows) = body.sink_rows {
        if rows == 0 || rows > SINK_ROWS_MAX {
            return Err(Problem::field("limits.sink_rows", "request.invalid", format!("is {rows}, expected 1 to {SINK_ROWS_MAX}")));
        }
        limits.sink_rows_max = rows;
    }
    Ok(limits)
}

/// Run a job on data packages: each source is replaced by a package with the columns of the source, each sink keeps what it
/// gets. Nothing outside is read or written. Every operator has one subtask, and the same seed gives the same rows. The
/// answer comes when the test runs; its state and its rows are fetched while it does.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/unit-tests", tag = "unit tests", request_body = UnitTestBody, responses((status = 202, body = UnitTestView)))]
pub(crate) async fn begin_unit_test(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    body: JsonBody<UnitTestBody>,
) -> Result<(StatusCode, Json<UnitTestView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::UnitTestRun).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let body = body.parse()?;
    if body.sources.len() + body.expected.len() > PACKAGES_MAX {
        return Err(Problem::field("sources", "request.invalid", format!("more than {PACKAGES_MAX} packages")));
    }
    let limits = limits(body.limits)?;
    let graph = match (body.graph, body.version) {
        (Some(graph), None) => graph,
        (None, None) => found.draft,
        (None, Some(number)) => caller.api.store.job_version(&scope, &found.id, &number.to_string()).await?.graph,
        (Some(_), Some(_)) => {
            let message = "expected at most one of `graph` and `version`";
            return Err(Problem {
                errors: vec![FieldError::in_field("version", "request.invalid", message)],
                ..Problem::field("version", "request.invalid", message)
            });
        }
    };
    let work = async move {
        let (mut sources, mut expected) = (BTreeMap::new(), BTreeMap::new());
        for (name, package) in &body.sources {
            sources.insert(name.clone(), package_file(&caller, &scope, &format!("sources.{name}"), package).await?);
        }
        for (name, wanted) in body.expected {
            let ExpectedBody { resource, version, content, format, header, mode } = wanted;
            let package = PackageBody { resource, version, content, format, header };
            expected.insert(name.clone(), (package_file(&caller, &scope, &format!("expected.{name}"), &package).await?, mode));
        }
        let job_name = found.name.to_string();
        may_see_rows(&caller, &scope, Action::UnitTestRun, RowsOf::Job(&job_name), json!({"seed": body.order.seed})).await?;
        let with_capabilities = body.with_capabilities;
        let order = UnitTestOrder { job: found.id, job_name, graph, sources, expected, order: body.order, with_capabilities, limits };
        let begun = caller.api.control.begin_unit_test(&caller.viewer(&scope), &caller.principal.name, order).await?;
        Ok::<_, Problem>((StatusCode::ACCEPTED, Json(UnitTestView::of(&caller, &scope, begun))))
    };
    to_the_end(work).await?
}

/// List the unit tests that are still kept on this server, newest first: the last 20 of the tenant, for an hour.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/unit-tests", tag = "unit tests", params(UnitTestQuery), responses((status = 200, body = UnitTestsView)))]
pub(crate) async fn list_unit_tests(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<UnitTestQuery>,
) -> Result<Json<UnitTestsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::UnitTestView).await?;
    let job = match query.parse()?.job {
        Some(job) => Some(caller.api.store.job(&scope, &job).await?.id),
        None => None,
    };
    let items = caller.api.control.recent_unit_tests(&scope, job.as_ref());
    Ok(Json(UnitTestsView { items: items.into_iter().map(|test| UnitTestView::of(&caller, &scope, test)).collect() }))
}

/// Get a unit test: how far it is, watermarks, late rows, failures, and at the end how its rows compare.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/unit-tests/{test}", tag = "unit tests", responses((status = 200, body = UnitTestView)))]
pub(crate) async fn get_unit_test(
    caller: Caller,
    Path((tenant, project, test)): Path<(String, String, String)>,
) -> Result<Json<UnitTestView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::UnitTestView).await?;
    let found = caller.api.control.unit_test(&scope, &test)?;
    Ok(Json(UnitTestView::of(&caller, &scope, found)))
}

/// Get rows that a sink of a unit test got, up to 100 at a time, also while it runs.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/unit-tests/{test}/sinks/{node}/rows", tag = "unit tests", params(RowsQuery), responses((status = 200, body = SinkRowsView)))]
pub(crate) async fn list_unit_test_rows(
    caller: Caller,
    Path((tenant, project, test, node)): Path<(String, String, String, String)>,
    query: QueryString<RowsQuery>,
) -> Result<Json<SinkRowsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::UnitTestView).await?;
    let query = query.parse()?;
    let limit = query.limit.unwrap_or(PAGE_ROWS_MAX);
    if limit == 0 || limit > PAGE_ROWS_MAX {
        let detail = format!("`limit` is {limit}, expected 1 to {PAGE_ROWS_MAX}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "request.invalid_query", detail));
    }
    let after = query.after.unwrap_or(0);
    let SinkRows { page, is_running } = caller.api.control.unit_test_rows(&scope, &test, &NodeId::new(node), after, limit)?;
    let rows: Vec<SinkRowView> =
        page.rows.into_iter().map(|r| SinkRowView { number: r.number, change: r.change.to_owned(), row: r.row }).collect();
    let last = rows.last().map_or(after, |row| row.number);
    Ok(Json(SinkRowsView { rows, last, total: page.total, kept: page.kept, running: is_running }))
}

/// End a unit test; one that has ended stays as it is.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/unit-tests/{test}/cancel", tag = "unit tests", responses((status = 202, body = UnitTestView)))]
pub(crate) async fn cancel_unit_test(
    caller: Caller,
    Path((tenant, project, test)): Path<(String, String, String)>,
) -> Result<(StatusCode, Json<UnitTestView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::UnitTestRun).await?;
    caller.api.store.record_done(&caller.cause(), Action::UnitTestRun, &scope, &test, json!({"cancel": true})).await?;
    let cancelled = caller.api.control.cancel_unit_test(&scope, &test)?;
    Ok((StatusCode::ACCEPTED, Json(UnitTestView::of(&caller, &scope, cancelled))))
}
