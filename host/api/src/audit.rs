//! The audit log: every change and every refusal (ROL-7), to be read, searched and taken away as a file.

use crate::{caller::Caller, extract::QueryString, page::Listing, problem::Problem};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use millrace_domain::Action;
use millrace_model::ids::TenantId;
use millrace_store::{AuditEntry, AuditQuery, PageRequest, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Rows that are read at once for an export.
const EXPORT_PAGE: u32 = 200;
/// Longest text to search for.
const TEXT_BYTES_MAX: usize = 200;

/// One row of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    id: String,
    project: Option<String>,
    /// Id of the user, or `system`.
    actor: String,
    actor_name: String,
    /// `job.edit`, `instance.failed_for_now`, …
    action: String,
    /// Id or name of what it was asked for.
    object: String,
    /// `done` or `refused`.
    outcome: String,
    #[schema(value_type = Object)]
    detail: Value,
    request_id: Option<String>,
    at_ms: i64,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            project: entry.project.map(|p| p.to_string()),
            actor: entry.actor,
            actor_name: entry.actor_name,
            action: entry.action,
            object: entry.object,
            outcome: entry.outcome,
            detail: entry.detail,
            request_id: entry.request_id,
            at_ms: entry.at_ms,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParameters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only of this actor, by id or name.
    actor: Option<String>,
    /// Only of this action: `job.edit`; `job.*` for all on jobs.
    action: Option<String>,
    /// Only about this object.
    object: Option<String>,
    /// Only with this outcome: `done` or `refused`.
    outcome: Option<String>,
    /// Only of this project, by name or id.
    project: Option<String>,
    /// Not before this time, in milliseconds since the epoch.
    from_ms: Option<i64>,
    /// Before this time, in milliseconds since the epoch.
    until_ms: Option<i64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportParameters {
    /// `csv` or `jsonl`.
    format: Option<String>,
    /// Only of this actor, by id or name.
    actor: Option<String>,
    /// Only of this action: `job.edit`; `job.*` for all on jobs.
    action: Option<String>,
    /// Only about this object.
    object: Option<String>,
    /// Only with this outcome: `done` or `refused`.
    outcome: Option<String>,
    /// Only of this project, by name or id.
    project: Option<String>,
    /// Not before this time, in milliseconds since the epoch.
    from_ms: Option<i64>,
    /// Before this time, in milliseconds since the epoch.
    until_ms: Option<i64>,
}

/// The query that the parameters mean.
async fn wanted(caller: &Caller, tenant: Option<&TenantId>, asked: ExportParameters) -> Result<AuditQuery, Problem> {
    let texts = [("actor", &asked.actor), ("action", &asked.action), ("object", &asked.object), ("outcome", &asked.outcome)];
    if let Some((field, _)) = texts.iter().find(|(_, text)| text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX)) {
        return Err(Problem::field(field, "request.invalid", format!("has more than {TEXT_BYTES_MAX} bytes")));
    }
    let project = match (&asked.project, tenant) {
        (Some(project), Some(tenant)) => Some(caller.api.store.project(tenant, project).await?.scope.project),
        (Some(project), None) => return Err(Problem::not_found("project", project)),
        (None, _) => None,
    };
    Ok(AuditQuery {
        actor: asked.actor,
        action: asked.action,
        object: asked.object,
        outcome: asked.outcome,
        project,
        from_ms: asked.from_ms,
        until_ms: asked.until_ms,
    })
}

impl AuditParameters {
    fn split(self) -> (ExportParameters, PageRequest) {
        let Self { cursor, limit, actor, action, object, outcome, project, from_ms, until_ms } = self;
        let asked = ExportParameters { format: None, actor, action, object, outcome, project, from_ms, until_ms };
        (asked, PageRequest { cursor, limit })
    }
}

/// Read the audit log, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/audit", tag = "audit", params(AuditParameters), responses((status = 200, body = Listing<AuditView>)))]
pub(crate) async fn list_audit(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<AuditParameters>,
) -> Result<Json<Listing<AuditView>>, Problem> {
    let id = caller.in_tenant(&tenant, Action::AuditView).await?;
    let (asked, page) = query.parse()?.split();
    let query = wanted(&caller, Some(&id), asked).await?;
    Ok(Listing::of(caller.api.store.audit_log(&id, &query, &page).await?))
}

/// Read the audit log of what belongs to no tenant, newest first.
#[utoipa::path(get, path = "/api/v1/platform/audit", tag = "audit", params(AuditParameters), responses((status = 200, body = Listing<AuditView>)))]
pub(crate) async fn list_platform_audit(caller: Caller, query: QueryString<AuditParameters>) -> Result<Json<Listing<AuditView>>, Problem> {
    caller.on_platform(Action::PlatformAudit).await?;
    let (asked, page) = query.parse()?.split();
    let query = wanted(&caller, None, asked).await?;
    Ok(Listing::of(caller.api.store.platform_audit_log(&query, &page).await?))
}

/// Take the audit log away as CSV or JSON lines, newest first: all of it that fits the query, sent as it is read.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/audit/export", tag = "audit", params(ExportParameters), responses((status = 200, body = String, content_type = "text/csv")))]
pub(crate) async fn export_audit(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<ExportParameters>,
) -> Result<Response, Problem> {
    let id = caller.in_tenant(&tenant, Action::AuditView).await?;
    export(&caller, Some(id), query.parse()?).await
}

/// Take the audit log of what belongs to no tenant away as CSV or JSON lines, newest first.
#[utoipa::path(get, path = "/api/v1/platform/audit/export", tag = "audit", params(ExportParameters), responses((status = 200, body = String, content_type = "text/csv")))]
pub(crate) async fn export_platform_audit(caller: Caller, query: QueryString<ExportParameters>) -> Result<Response, Problem> {
    caller.on_platform(Action::PlatformAudit).await?;
    export(&caller, None, query.parse()?).await
}

async fn export(caller: &Caller, tenant: Option<TenantId>, asked: ExportParameters) -> Result<Response, Problem> {
    let format = match asked.format.as_deref() {
        None | Some("csv") => Format::Csv,
        Some("jsonl") => Format::JsonLines,
        Some(other) => return Err(Problem::field("format", "request.invalid", format!("is `{other}`, expected csv or jsonl"))),
    };
    let query = wanted(caller, tenant.as_ref(), asked).await?;
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Format::JsonLines => ("application/jsonl", "attachment; filename=\"audit.jsonl\""),
    };
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, HeaderValue::from_static(name))];
    let export = Export { store: caller.api.store.clone(), tenant, query, format, next: Some(None) };
    let pieces =
        stream::try_unfold(export, |mut export| async move { Ok::<_, StoreError>(export.piece().await?.map(|piece| (piece, export))) });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

/// An export on its way: read page by page, so that memory does not grow with it.
struct Export {
    store: Store,
    tenant: Option<TenantId>,
    query: AuditQuery,
    format: Format,
    /// Where the next page begins; none at the end.
    next: Option<Option<String>>,
}

impl Export {
    async fn piece(&mut self) -> Result<Option<Bytes>, StoreError> {
        let Some(cursor) = self.next.take() else { return Ok(None) };
        let first = cursor.is_none();
        let page = PageRequest { cursor, limit: Some(EXPORT_PAGE) };
        let page = match &self.tenant {
            Some(tenant) => self.store.audit_log(tenant, &self.query, &page).await?,
            None => self.store.platform_audit_log(&self.query, &page).await?,
        };
        self.next = page.next_cursor.map(Some);
        let mut text = String::new();
        if first && matches!(self.format, Format::Csv) {
            text.push_str("id,at_ms,actor,actor_name,action,object,outcome,project,request_id,detail\r\n");
        }
        for entry in page.items {
            let row = AuditView::from(entry);
            match self.format {
                Format::Csv => text.push_str(&csv_line(&row)),
                Format::JsonLines => {
                    text.push_str(&serde_json::to_string(&row).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        Ok(Some(text.into()))
    }
}

fn csv_line(row: &AuditView) -> String {
    let none = String::new();
    let (at_ms, detail) = (row.at_ms.to_string(), row.detail.to_string());
    let cells = [
        &row.id,
        &at_ms,
        &row.actor,
        &row.actor_name,
        &row.action,
        &row.object,
        &row.outcome,
        row.project.as_ref().unwrap_or(&none),
        row.request_id.as_ref().unwrap_or(&none),
        &detail,
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell of RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe: users choose some of the texts.
fn csv_cell(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    match guarded.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn cells_are_no_formulas() {
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(csv_cell("a,b"), "\"a,b\"");
    }
}
