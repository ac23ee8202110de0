//! Log lines of an instance (RUN-5): pages, and following them as server-sent events.
//!
//! Invariant: a follower reads what is kept, so it can be resumed by the id of its last line (`Last-Event-ID`) on whatever
//! server; there are at most [`FOLLOWERS_MAX`] at a time, each ends after a while, and with its reader's right to it.

use crate::{
    caller::Caller,
    extract::QueryString,
    instances::find,
    page::Listing,
    problem::Problem,
    standing::{self, Standing},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use millrace_domain::{Action, ProjectScope, instance_log::LogLevel, name::looks_like_id};
use millrace_model::ids::InstanceId;
use millrace_places::Place;
use millrace_store::{LogFilter, LogLine, PageRequest, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, Instant},
};
use utoipa::{IntoParams, ToSchema};

/// Followers at a time on one server, of one tenant a quarter of them.
pub(crate) const FOLLOWERS_MAX: usize = 64;
/// How often is looked for new lines.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Lines that a follower without a place to go on sees first.
const LINES_FIRST: u32 = 100;
/// Lines that are read at once.
const LINES_AT_ONCE: u32 = 500;

/// A log line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLineView {
    /// Grows with time.
    id: String,
    at_ms: i64,
    /// `debug`, `info`, `warn`, `error`.
    level: String,
    /// `guest` (tenant code) or `engine`.
    origin: String,
    /// The node that says it.
    node: Option<String>,
    message: String,
}

impl From<LogLine> for LogLineView {
    fn from(line: LogLine) -> Self {
        Self {
            id: line.id,
            at_ms: line.at_ms,
            level: line.level.to_string(),
            origin: line.origin.to_string(),
            node: line.node,
            message: line.message,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// `next_cursor` of the page before; for a follower the id of the last line that it has.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// This grave or graver: `debug`, `info`, `warn`, `error`.
    #[param(value_type = Option<String>)]
    level: Option<LogLevel>,
    /// Only of this node.
    node: Option<String>,
    /// Only with this text, in whatever case.
    text: Option<String>,
    /// Said then or later, in milliseconds since the epoch.
    from_ms: Option<i64>,
    /// Said before.
    to_ms: Option<i64>,
}

impl LogQuery {
    fn filter(&self) -> LogFilter {
        LogFilter { level_min: self.level, node: self.node.clone(), text: self.text.clone(), from_ms: self.from_ms, to_ms: self.to_ms }
    }
}

/// The newest log lines of an instance over all its runs, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/logs", tag = "instances", params(LogQuery), responses((status = 200, body = Listing<LogLineView>)))]
pub(crate) async fn instance_logs(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    query: QueryString<LogQuery>,
) -> Result<Json<Listing<LogLineView>>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    let query = query.parse()?;
    let filter = query.filter();
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    Ok(Listing::of(caller.api.store.instance_logs(&scope, &found.id, &filter, &page).await?))
}

/// What a follower goes on with.
struct Follower {
    store: Store,
    scope: ProjectScope,
    instance: InstanceId,
    filter: LogFilter,
    after: String,
    ready: VecDeque<LogLine>,
    until: Instant,
    reader: Standing,
    _place: Place,
}

impl Follower {
    /// The next line; none when the follower's time is over or the store fails: the client connects again. An error is why the
    /// stream ends for good.
    async fn next(&mut self) -> Result<Option<LogLine>, &'static str> {
        loop {
            if let Err(problem) = self.reader.check().await {
                tracing::debug!(code = problem.code, "a follower of log lines ends: {}", problem.detail);
                return Err(standing::reason(&problem));
            }
            if let Some(line) = self.ready.pop_front() {
                self.after.clone_from(&line.id);
                return Ok(Some(line));
            }
            let lines = self.store.logs_after(&self.scope, &self.instance, &self.filter, &self.after, LINES_AT_ONCE).await;
            match lines {
                Ok(lines) if lines.is_empty() && Instant::now() >= self.until => return Ok(None),
                Ok(lines) if lines.is_empty() => tokio::time::sleep(LOOK_EVERY).await,
                Ok(lines) => self.ready.extend(lines),
                Err(error) => {
                    tracing::warn!(%error, "a follower of log lines ends");
                    return Ok(None);
                }
            }
        }
    }
}

/// Follow the log lines of an instance as server-sent events: the newest hundred first, then each as it comes. `id` is the
/// line's; with `Last-Event-ID` or `cursor` it goes on behind that line. When the reader's right to it ends, so does the stream, with
/// an event `closed` that says `access_ended`.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/instances/{instance}/logs/follow", tag = "instances", params(LogQuery), responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn follow_instance_logs(
    caller: Caller,
    Path(path): Path<(String, String, String)>,
    query: QueryString<LogQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let (scope, found) = find(&caller, &path, Action::InstanceView).await?;
    let query = query.parse()?;
    let followers = &caller.api.followers;
    let place = followers.try_take(&scope.tenant).ok_or_else(|| {
        let (all, each) = (followers.all(), followers.each());
        let detail = format!(
            "as many followers of log lines are served as can be ({all}, and {each} of one tenant); try again later, or read pages"
        );
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "logs.followers", detail)
    })?;
    let (store, filter) = (caller.api.store.clone(), query.filter());
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned).or(query.cursor);
    let (after, ready) = match resumed.filter(|id| looks_like_id(id)) {
        Some(after) => (after, VecDeque::new()),
        None => {
            let newest = store.instance_logs(&scope, &found.id, &filter, &PageRequest { cursor: None, limit: Some(LINES_FIRST) }).await?;
            let ready: VecDeque<_> = newest.items.into_iter().rev().collect();
            (ready.back().map(|line| line.id.clone()).unwrap_or_default(), ready)
        }
    };
    let until = Instant::now() + caller.api.config.follow_max;
    let reader = Standing::new(caller, path, Action::InstanceView, false);
    let follower = Follower { store, scope, instance: found.id, filter, after, ready, until, reader, _place: place };
    let events = stream::unfold(Some(follower), |state| async move {
        let mut follower = state?;
        let line = match follower.next().await {
            Ok(line) => line?,
            Err(reason) => {
                let event = Event::default().event("closed").data(json!({ "closed": reason }).to_string());
                return Some((Ok(event), None));
            }
        };
        let id = line.id.clone();
        let event = Event::default().event("line").id(id).json_data(LogLineView::from(line));
        // Our own view always has a JSON form.
        Some((Ok(event.unwrap_or_default()), Some(follower)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
