//! What a SQL script would do, before it is a job (JOB-6).

use crate::{caller::Caller, control_plane::ExplainReport, extract::JsonBody, problem::Problem};
use axum::{Json, extract::Path};
use millrace_domain::Action;
use millrace_model::graph::{JobGraph, JobParameters};
use serde::Deserialize;
use utoipa::ToSchema;

/// What to explain: a script, a graph, or the draft of a job. Exactly one of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainBody {
    /// A Flink SQL script.
    sql: Option<String>,
    /// Parameters of the job that the script would be.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    parameters: Option<JobParameters>,
    /// A job graph, with or without a script.
    #[schema(value_type = Option<Object>)]
    graph: Option<JobGraph>,
    /// Name or id of a job.
    job: Option<String>,
}

/// Say what a script, a graph or a job's draft would do: per query its plan with the kinds of changes that each operator
/// sends, the columns of its result with types and lineage, and its keys. Queries without INSERT are explained too. A wrong
/// script is an answer, not an error: each entry of `errors` names line and column.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/sql/explain", tag = "jobs", request_body = ExplainBody, responses((status = 200, body = ExplainReport)))]
pub(crate) async fn explain_sql(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<ExplainBody>,
) -> Result<Json<ExplainReport>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::JobView).await?;
    let graph = match body.parse()? {
        ExplainBody { sql: Some(sql), parameters, graph: None, job: None } => {
            let parameters = parameters.unwrap_or_default();
            JobGraph { sql: Some(sql), parameters, ..JobGraph::default() }
        }
        ExplainBody { sql: None, parameters: None, graph: Some(graph), job: None } => graph,
        ExplainBody { sql: None, parameters: None, graph: None, job: Some(job) } => caller.api.store.job(&scope, &job).await?.draft,
        _ => return Err(Problem::field("sql", "request.invalid", "expected one of `sql` (perhaps with `parameters`), `graph` and `job`")),
    };
    Ok(Json(caller.api.control.explain(&caller.viewer(&scope), &graph).await?))
}
