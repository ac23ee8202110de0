//! Live rows of a topic, or of a job up to one of its nodes (JOB-4).

use crate::{
    caller::Caller,
    data_access::{RowsOf, may_see_rows},
    extract::JsonBody,
    problem::Problem,
};
use axum::{Json, extract::Path};
use millrace_control::{BadRecord, PREVIEW_ROWS_MAX, PREVIEW_SECONDS_MAX, PreviewOrder, PreviewReport, PreviewRow, SourceStart};
use millrace_domain::Action;
use millrace_model::{Schema, graph::JobGraph, ids::NodeId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use utoipa::ToSchema;

const ROWS_DEFAULT: u32 = 20;
const SECONDS_DEFAULT: u64 = 5;

/// Where a preview begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(tag = "at", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum FromBody {
    /// Shortly before the end, so that the newest rows are seen.
    #[default]
    Newest,
    /// With the first record that is there.
    Earliest,
    /// With what comes from now on.
    Now,
    /// With the first record of this time or later.
    Time {
        /// Epoch milliseconds.
        timestamp_ms: i64,
    },
}

/// What to look at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicPreviewBody {
    /// Where to begin; with the newest rows unless given.
    #[serde(default)]
    from: FromBody,
    /// Rows that are wanted: 1 to 1000, 20 unless given.
    #[schema(minimum = 1, maximum = 1000)]
    rows: Option<u32>,
    /// Seconds to wait for them: 1 to 20, 5 unless given.
    #[schema(minimum = 1, maximum = 20)]
    seconds: Option<u64>,
}

impl TopicPreviewBody {
    /// The order, within its bounds.
    pub(crate) fn order(&self) -> Result<PreviewOrder, Problem> {
        order(self.from, self.rows, self.seconds, None)
    }
}

/// What of a job to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobPreviewBody {
    /// The node: of a sink, the rows that it would write.
    node: String,
    /// The graph; the job's draft unless given.
    #[schema(value_type = Option<Object>)]
    graph: Option<JobGraph>,
    /// Where the job's sources begin; before the newest rows unless given.
    #[serde(default)]
    from: FromBody,
    /// Rows that are wanted: 1 to 1000, 20 unless given.
    #[schema(minimum = 1, maximum = 1000)]
    rows: Option<u32>,
    /// Seconds to wait for them: 1 to 20, 5 unless given.
    #[schema(minimum = 1, maximum = 20)]
    seconds: Option<u64>,
}

/// Rows of a preview.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewRowsView {
    /// Columns of the rows.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    /// The rows; of a topic the newest last.
    rows: Vec<PreviewRowView>,
    /// Whether there may be more.
    has_more: bool,
    /// Records that could not be read as the topic is described.
    bad_records: Vec<BadRecordView>,
    /// Why the job ended before its time, if it did.
    failure: Option<String>,
}

/// A row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewRowView {
    /// `+I`, `-U`, `+U`, `-D`.
    change: String,
    /// Where it lies: `partition`, `offset` and `timestamp` of a Kafka record; null for what a job makes.
    #[schema(value_type = Option<Object>)]
    place: Option<Map<String, Value>>,
    /// Its columns.
    #[schema(value_type = Object)]
    row: Box<RawValue>,
}

/// A record that cannot be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BadRecordView {
    /// `topic/partition/offset`.
    origin: String,
    /// Why it cannot be read.
    reason: String,
    /// The start of it, as text.
    payload: String,
}

impl From<BadRecord> for BadRecordView {
    fn from(BadRecord { origin, reason, payload }: BadRecord) -> Self {
        Self { origin, reason, payload }
    }
}

impl From<PreviewReport> for PreviewRowsView {
    fn from(report: PreviewReport) -> Self {
        let row = |PreviewRow { change, place, row }| PreviewRowView { change, place, row };
        Self {
            schema: report.schema,
            rows: report.rows.into_iter().map(row).collect(),
            has_more: report.has_more,
            bad_records: report.bad_records.into_iter().map(BadRecordView::from).collect(),
            failure: report.failure,
        }
    }
}

/// Newest rows of a job's sources: as many for each partition, because operators may drop most of them.
const NEWEST_OF_JOB: u64 = 1_000;

fn order(from: FromBody, rows: Option<u32>, seconds: Option<u64>, newest: Option<u64>) -> Result<PreviewOrder, Problem> {
    let rows = rows.unwrap_or(ROWS_DEFAULT);
    if rows == 0 || rows as usize > PREVIEW_ROWS_MAX {
        return Err(Problem::field("rows", "request.invalid", format!("is {rows}, expected 1 to {PREVIEW_ROWS_MAX}")));
    }
    let seconds = seconds.unwrap_or(SECONDS_DEFAULT);
    if seconds == 0 || seconds > PREVIEW_SECONDS_MAX {
        return Err(Problem::field("seconds", "request.invalid", format!("is {seconds}, expected 1 to {PREVIEW_SECONDS_MAX}")));
    }
    let start = match from {
        FromBody::Newest => SourceStart::Newest { records: newest.unwrap_or(rows.into()) },
        FromBody::Earliest => SourceStart::Earliest,
        FromBody::Now => SourceStart::Latest,
        FromBody::Time { timestamp_ms } if timestamp_ms >= 0 => SourceStart::Time { timestamp_ms },
        FromBody::Time { timestamp_ms } => {
            return Err(Problem::field("from.timestamp_ms", "request.invalid", format!("is {timestamp_ms}, expected epoch milliseconds")));
        }
    };
    Ok(PreviewOrder { start, rows: rows as usize, seconds })
}

/// Look at live rows of a topic: the newest, or those from a time on. Nothing is told to the broker: no consumer group has
/// a position because of it. Records that cannot be read are shown with the reason.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/preview", tag = "topics", request_body = Option<TopicPreviewBody>, responses((status = 200, body = PreviewRowsView)))]
pub(crate) async fn preview_topic(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    body: JsonBody<TopicPreviewBody>,
) -> Result<Json<PreviewRowsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataPreview).await?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    let order = body.parse_or_default()?.order()?;
    may_see_rows(&caller, &scope, Action::DataPreview, RowsOf::Table(found.name.as_str()), json!({"rows": order.rows})).await?;
    Ok(Json(caller.api.control.preview_topic(&caller.viewer(&scope), found.name.as_str(), order).await?.into()))
}

/// Look at the rows that a node of a job sends, or that a sink would write: the job runs up to that node on live data, for a
/// moment, with its sinks closed.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/jobs/{job}/preview", tag = "jobs", request_body = JobPreviewBody, responses((status = 200, body = PreviewRowsView)))]
pub(crate) async fn preview_job(
    caller: Caller,
    Path((tenant, project, job)): Path<(String, String, String)>,
    body: JsonBody<JobPreviewBody>,
) -> Result<Json<PreviewRowsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataPreview).await?;
    let found = caller.api.store.job(&scope, &job).await?;
    let body = body.parse()?;
    let order = order(body.from, body.rows, body.seconds, Some(NEWEST_OF_JOB))?;
    let graph = body.graph.unwrap_or(found.draft);
    let (node, name) = (NodeId::new(body.node.as_str()), found.name.to_string());
    may_see_rows(&caller, &scope, Action::DataPreview, RowsOf::Job(&name), json!({"node": body.node, "rows": order.rows})).await?;
    Ok(Json(caller.api.control.preview_job(&caller.viewer(&scope), &graph, &node, order).await?.into()))
}
