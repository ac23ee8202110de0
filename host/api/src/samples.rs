//! Import of schemas (TOP-5): what a data source has, and the columns of one of its tables. Nothing is changed there.
//!
//! Invariant: columns are for everybody who describes tables; rows only for who may preview data, and those of production only
//! for who says how it is reached.

use crate::{
    caller::Caller,
    data_access::{RowsOf, may_see_rows, sees_rows_of},
    extract::JsonBody,
    problem::{FieldError, Problem},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_control::{ColumnEvidence, ConnectivityFailure, SAMPLE_ROWS_MAX, SampledTable, Unreachable};
use millrace_domain::{Action, Environment};
use millrace_model::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Rows that are looked at unless stated.
const ROWS_DEFAULT: usize = 100;
/// Longest name of a table.
const TABLE_CHARACTERS_MAX: usize = 500;

/// Said in place of rows.
const ROWS_HIDDEN: &str = "rows are not shown: they need `data.preview`, in production also `data_source.bind`";

/// What to look at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SampleBody {
    /// Name of the table or topic in the system; none to list what there is.
    #[serde(default)]
    table: Option<String>,
    /// Rows (messages) to look at, at most 1000; 100 unless given.
    #[serde(default)]
    rows_max: Option<usize>,
    /// `test` (unless given) or `production`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    environment: Option<Environment>,
}

/// What was found: names of tables, or one table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleView {
    /// Names of tables and topics, if none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    tables: Option<Vec<String>>,
    /// Whether there are more tables than are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_tables: Option<bool>,
    /// The table that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<SampledTableView>,
}

/// A table as its system has it: `schema` and `format` are what a topic is made with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampledTableView {
    /// Its name in the system.
    physical_name: String,
    /// Columns.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    /// Message format; absent where rows are not messages, or none reads them.
    #[schema(value_type = Option<Object>)]
    format: Option<Value>,
    /// What the columns come from: `messages`, `catalog` or `schema_registry`.
    origin: &'static str,
    /// How sure each column is.
    columns: Vec<ColumnEvidenceView>,
    /// Rows that were looked at; 0 where the system says itself what a table is.
    rows_seen: u64,
    /// Rows that could not be read.
    rows_unreadable: u64,
    /// A few rows, for who may see them: with `data.preview`, in production also with `data_source.bind`.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
    /// What to know before the schema is used.
    notes: Vec<String>,
}

/// How sure a column is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnEvidenceView {
    /// Its name.
    column: String,
    /// Rows in which it was there and not NULL.
    rows_present: u64,
    /// Rows whose value had the column's type.
    rows_agreeing: u64,
    /// Share of values that have this type, 0 to 1.
    confidence: f64,
    /// The type in the system's own words.
    note: Option<String>,
}

impl From<ColumnEvidence> for ColumnEvidenceView {
    fn from(found: ColumnEvidence) -> Self {
        let ColumnEvidence { column, rows_present, rows_agreeing, confidence, note } = found;
        Self { column, rows_present, rows_agreeing, confidence, note }
    }
}

impl SampledTableView {
    fn of(physical_name: String, found: SampledTable) -> Self {
        let columns = found.evidence.into_iter().map(ColumnEvidenceView::from).collect();
        let SampledTable { schema, format, origin, rows_seen, rows_unreadable, rows, notes, .. } = found;
        Self { physical_name, schema, format, origin, columns, rows_seen, rows_unreadable, rows, notes }
    }
}

/// List the tables of a data source, or find out the columns of one. No offset is committed, nothing is changed.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}/sample", tag = "data sources", request_body = SampleBody, responses((status = 200, body = SampleView)))]
pub(crate) async fn sample_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
    body: JsonBody<SampleBody>,
) -> Result<Json<SampleView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceSample).await?;
    let body = body.parse_or_default()?;
    if body.table.as_ref().is_some_and(|t| t.is_empty() || t.len() > TABLE_CHARACTERS_MAX || t.chars().any(char::is_control)) {
        let message = format!("is empty, longer than {TABLE_CHARACTERS_MAX} bytes or has control characters");
        return Err(Problem::field("table", "request.invalid", message));
    }
    let rows_max = body.rows_max.unwrap_or(ROWS_DEFAULT);
    if rows_max == 0 || rows_max > SAMPLE_ROWS_MAX {
        return Err(Problem::field("rows_max", "request.invalid", format!("is {rows_max}, expected 1 to {SAMPLE_ROWS_MAX}")));
    }
    let environment = body.environment.unwrap_or(Environment::Test);
    let connection = caller.api.store.connection_in(&scope, &source, environment).await?;
    let control = &caller.api.control;
    let sees_rows = body.table.is_some() && sees_rows_of(&caller, &scope, environment);
    // The look is noted before anything is read.
    let seen = json!({"table": body.table, "rows_max": rows_max, "environment": environment, "rows_shown": sees_rows});
    if sees_rows {
        may_see_rows(&caller, &scope, Action::DataSourceSample, RowsOf::DataSource(connection.id.as_str()), seen).await?;
    } else {
        caller.api.store.record_done(&caller.cause(), Action::DataSourceSample, &scope, connection.id.as_str(), seen).await?;
    }
    let found = match body.table {
        None => {
            let (tables, more) =
                control.data_source_tables(&scope.tenant, &connection.kind, &connection.properties).await.map_err(unreachable)?;
            SampleView { tables: Some(tables), more_tables: Some(more), table: None }
        }
        Some(table) => {
            let sampled = control.sample_data_source(&scope.tenant, &connection.kind, &connection.properties, &table, rows_max).await;
            let mut sampled = sampled.map_err(unreachable)?;
            if !sees_rows && !sampled.rows.is_empty() {
                sampled.rows.clear();
                sampled.notes.push(ROWS_HIDDEN.to_owned());
            }
            SampleView { tables: None, more_tables: None, table: Some(SampledTableView::of(table, sampled)) }
        }
    };
    Ok(Json(found))
}

/// What cannot be sampled: the same steps as of a connectivity test, as a problem.
fn unreachable(error: Unreachable) -> Problem {
    let step = serde_json::to_value(error.failure).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let code = format!("data_source.{step}");
    let status = match error.failure {
        ConnectivityFailure::Missing | ConnectivityFailure::Configuration | ConnectivityFailure::Credentials => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ConnectivityFailure::Dns
        | ConnectivityFailure::Refused
        | ConnectivityFailure::Timeout
        | ConnectivityFailure::Tls
        | ConnectivityFailure::Protocol => StatusCode::BAD_GATEWAY,
    };
    let field = FieldError::in_field("table", &code, error.message.clone());
    let errors = if error.failure == ConnectivityFailure::Missing { vec![field] } else { Vec::new() };
    Problem { errors, ..Problem::new(status, code, error.message) }
}
