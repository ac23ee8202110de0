//! Looking at the rows of a running instance, as they pass (RUN-5).

use crate::{
    caller::Caller,
    control_plane::{ControlFailure, RowTap},
    data_access::{RowsOf, may_see_rows},
    extract::JsonBody,
    instances::find,
    problem::Problem,
    standing::{self, Standing},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use millrace_control::TappedRows;
use millrace_domain::Action;
use millrace_model::ids::NodeId;
use millrace_store::Instance;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

const ROWS_MAX: u32 = 10_000;
const BYTES_MAX: u64 = 16 << 20;
const SECONDS_MAX: u64 = 300;
/// A single answer must come before the client gives up.
const ANSWER_SECONDS_MAX: u64 = 20;
const ANSWER_ROWS_MAX: u32 = 1_000;

/// What to look at, and how long. Exactly one of `node` and `edge`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TapBody {
    /// A node: the rows that it sends; of a sink, those that it gets.
    node: Option<String>,
    /// An edge: the rows that pass along it.
    edge: Option<EdgeBody>,
    /// Rows after which the tap closes: 100 unless given.
    #[schema(minimum = 1, maximum = 10000)]
    rows: Option<u32>,
    /// Bytes after which the tap closes: 1 MiB unless given.
    #[schema(minimum = 1, maximum = 16777216)]
    bytes: Option<u64>,
    /// Seconds after which the tap closes: 10 unless given.
    #[schema(minimum = 1, maximum = 300)]
    seconds: Option<u64>,
}

/// An edge of the graph.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeBody {
    from: String,
    to: String,
}

/// Rows that passed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TapView {
    /// Columns of the rows.
    #[schema(value_type = Vec<Object>)]
    schema: Value,
    /// Some of the rows that passed.
    rows: Vec<TapRowView>,
    /// Rows that passed while the tap was open.
    seen: u64,
    /// Rows of them that were left out: the tap never holds the job up.
    dropped: u64,
    /// Why the tap closed: `rows`, `bytes`, `seconds`, `instance_ended`, `access_ended`.
    closed: String,
}

/// A row that passed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TapRowView {
    /// `+I`, `-U`, `+U`, `-D`.
    change: String,
    /// Its columns.
    #[schema(value_type = Object)]
    row: Box<RawValue>,
}

/// A tap with what it may still give.
struct Tapping {
    tap: Box<dyn RowTap>,
    reader: Standing,
    deadline: Instant,
    rows_left: usize,
    bytes_left: u64,
    seen: u64,
    dropped: u64,
    closed: Option<&'static str>,
}

impl Tapping {
    /// The next rows, cut to what may still be given; `None` when the tap has closed.
    async fn next(&mut self) -> Result<Option<Vec<TapRowView>>, Problem> {
        if self.closed.is_some() {
            return Ok(None);
        }
        let TappedRows { rows, seen, dropped } = loop {
            if let Err(problem) = self.reader.check().await {
                tracing::debug!(code = problem.code, "a tap ends: {}", problem.detail);
                return Ok(self.close(standing::reason(&problem)));
            }
            // Waiting for rows may be given up and begun again.
            match timeout_at(self.deadline.min(self.reader.due().into()), self.tap.next()).await {
                Ok(next) => match next? {
                    Some(rows) => break rows,
                    None => return Ok(self.close("instance_ended")),
                },
                Err(_) if Instant::now() >= self.deadline => return Ok(self.close("seconds")),
                Err(_) => {}
            }
        };
        (self.seen, self.dropped) = (seen, dropped);
        let mut given = Vec::new();
        for row in rows {
            let bytes = row.row.get().len() as u64;
            if self.rows_left == 0 || bytes > self.bytes_left {
                self.closed = Some(if self.rows_left == 0 { "rows" } else { "bytes" });
                break;
            }
            self.rows_left -= 1;
            self.bytes_left -= bytes;
            given.push(TapRowView { change: row.change.to_owned(), row: row.row });
        }
        if self.rows_left == 0 {
            self.closed = Some("rows");
        }
        Ok(Some(given))
    }

    fn close<T>(&mut self, reason: &'static str) -> Option<T> {
        self.closed = Some(reason);
        None
    }

    /// The answer when everything has been given.
    fn answer(&self, rows: Vec<TapRowView>) -> TapView {
        let closed = self.closed.unwrap_or("seconds").to_owned();
        TapView { schema: self.tap.schema(), rows, seen: self.seen, dropped: self.dropped, closed }
    }
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(field: &str, found: Option<T>, default: T, min: T, max: T) -> Result<T, Problem> {
    let found = found.unwrap_or(default);
    if found < min || found > max {
        return Err(Problem::field(field, "request.invalid", format!("is {found}, expected {min} to {max}")));
    }
    Ok(found)
}

/// Look at the rows that leave a node of a running instance, as they pass. The answer is one document, or with `accept:
/// text/event-stream` a stream of events `rows` and at the end one `closed`. The job is never held up: what cannot be shown
/// in time is counted as dropped.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/tap",
    tag = "instances",
    request_body = TapBody,
    responses((status = 200, content((TapView = "application/json"), (String = "text/event-stream"))))
)]
pub(crate) async fn tap_instance(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    headers: HeaderMap,
    body: JsonBody<TapBody>,
) -> Result<Response, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceTap).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let as_events = accepted.contains("text/event-stream");
    let body = body.parse()?;
    let node = match (body.node, body.edge) {
        (Some(node), None) => node,
        // All edges of a node carry the same rows.
        (None, Some(edge)) if edge.from != edge.to => edge.from,
        _ => return Err(Problem::field("node", "request.invalid", "expected either `node` or `edge` with two nodes")),
    };
    let (rows_max, seconds_max) = if as_events { (ROWS_MAX, SECONDS_MAX) } else { (ANSWER_ROWS_MAX, ANSWER_SECONDS_MAX) };
    let rows = within("rows", body.rows, 100, 1, rows_max)?;
    let bytes_left = within("bytes", body.bytes, 1 << 20, 1, BYTES_MAX)?;
    let seconds = within("seconds", body.seconds, 10, 1, seconds_max)?;
    let detail = json!({"node": node, "rows": rows, "seconds": seconds});
    may_see_rows(&caller, &scope, Action::InstanceTap, RowsOf::Instance(found.id.as_str()), detail).await?;
    let tap = caller.api.control.tap(&scope.tenant, &found.id, &NodeId::new(node)).map_err(|failure| elsewhere(failure, &found))?;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let reader = Standing::new(caller, path, Action::InstanceTap, true);
    let mut tapping = Tapping { tap, reader, deadline, rows_left: rows as usize, bytes_left, seen: 0, dropped: 0, closed: None };
    if as_events {
        return Ok(events(tapping).into_response());
    }
    let mut all = Vec::new();
    while let Some(rows) = tapping.next().await? {
        all.extend(rows);
    }
    Ok(Json(tapping.answer(all)).into_response())
}

/// Says which server sees the rows, where this one does not.
fn elsewhere(failure: ControlFailure, of: &Instance) -> ControlFailure {
    match (failure, &of.worker) {
        (ControlFailure::Conflict(message), Some(worker)) => {
            ControlFailure::Conflict(format!("{message}; it belongs to worker `{worker}`: ask that server"))
        }
        (failure, _) => failure,
    }
}

/// Rows as they come, then why the tap has closed.
fn events(tapping: Tapping) -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
    let event = |name: &str, data: Value| Event::default().event(name).data(data.to_string());
    let stream = futures::stream::unfold(Some(tapping), move |state| async move {
        let mut tapping = state?;
        match tapping.next().await {
            Ok(Some(rows)) => {
                let data = json!({"rows": rows, "seen": tapping.seen, "dropped": tapping.dropped});
                Some((Ok(event("rows", data)), Some(tapping)))
            }
            Ok(None) => {
                let data = json!({"closed": tapping.closed, "seen": tapping.seen, "dropped": tapping.dropped});
                Some((Ok(event("closed", data)), None))
            }
            Err(problem) => {
                tracing::warn!(code = problem.code, "a tap ended: {}", problem.detail);
                Some((Ok(event("closed", json!({"closed": "failed"}))), None))
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
