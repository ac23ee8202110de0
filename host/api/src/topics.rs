//! Topics and tables as they are designed (TOP-1, TOP-5); publishing them is in `table_publications`.

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{Action, Environment, Name, ProjectScope, Scope};
use millrace_model::Schema;
use millrace_store::{DataSource, NewTopic, StoreError, TableViewer, Topic, TopicChange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Longest topic name of Apache Kafka.
const PHYSICAL_NAME_CHARACTERS_MAX: usize = 249;

/// A topic.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopicView {
    id: String,
    /// Name in the project, used in job graphs.
    name: String,
    /// Name in the broker.
    physical_name: String,
    /// Id of the data source that holds it while it is only designed; null: not said yet.
    data_source: Option<String>,
    /// Id of the database that it is a table of; null for a topic.
    database: Option<String>,
    description: String,
    /// Columns: `[{"name": "url", "type": "STRING", "nullable": true}]`.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    /// Message format: `{"type": "json"}`.
    #[schema(value_type = Object)]
    format: Value,
    revision: i64,
    /// Id of the user who has designed it.
    created_by: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// What the caller can do: `edit`, `ensure`, `publish`, `grant`, `delete`.
    allowed_actions: Vec<&'static str>,
}

impl TopicView {
    fn of(caller: &Caller, topic: Topic) -> Self {
        let offers = [
            ("edit", Action::TopicEdit, true),
            ("ensure", Action::TopicEnsure, true),
            ("publish", Action::TablePublish, true),
            ("grant", Action::PermissionGrant, true),
            ("delete", Action::TopicDelete, true),
        ];
        Self {
            allowed_actions: allowed(caller, &Scope::Project(topic.scope.clone()), offers),
            id: topic.id.to_string(),
            name: topic.name.to_string(),
            physical_name: topic.physical_name,
            data_source: topic.data_source.map(|s| s.to_string()),
            database: topic.database.map(|d| d.to_string()),
            description: topic.description,
            schema: topic.schema,
            format: topic.format,
            revision: topic.revision,
            created_by: topic.created_by,
            created_at_ms: topic.created_at_ms,
            updated_at_ms: topic.updated_at_ms,
        }
    }
}

/// A topic to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTopicBody {
    #[schema(value_type = String)]
    name: Name,
    /// Name in the broker; the same name unless given.
    physical_name: Option<String>,
    /// Name or id of the data source that holds it until it is published; may be left open.
    data_source: Option<String>,
    /// Name or id of the database that it is a table of; none for a topic.
    database: Option<String>,
    #[serde(default)]
    description: String,
    /// Columns.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    /// Message format; JSON unless given.
    #[serde(default = "json_format")]
    #[schema(value_type = Object)]
    format: Value,
}

/// New settings of a topic.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicBody {
    physical_name: String,
    data_source: Option<String>,
    #[serde(default)]
    description: String,
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    #[serde(default = "json_format")]
    #[schema(value_type = Object)]
    format: Value,
}

/// How to make the real topic.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnsureBody {
    /// Options of the data source's kind: `{"partitions": 4}` for Kafka.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: serde_json::Map<String, Value>,
    /// `design`, `test` or `production`; what a test instance uses unless given.
    #[schema(value_type = Option<String>)]
    environment: Option<Environment>,
}

/// Whether the real topic was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnsuredView {
    /// `false`: it was there and agrees.
    created: bool,
    /// Other projects that mean the same real topic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Who else means the same real topic. Projects of other tenants are not named.
async fn shared(caller: &Caller, topic: &Topic) -> Result<Vec<String>, Problem> {
    let mut warnings = BTreeSet::new();
    for sharer in caller.api.store.topic_sharers(topic).await? {
        let whose = if sharer.scope.tenant == topic.scope.tenant {
            format!("topic `{}` of project `{}`", sharer.topic, sharer.project)
        } else {
            "a topic of another tenant".to_owned()
        };
        warnings.insert(format!(
            "{whose} is the same real topic `{}` on the same brokers: its records are this topic's too; if that is not meant, give this one \
             another physical name",
            topic.physical_name
        ));
    }
    Ok(warnings.into_iter().collect())
}

fn json_format() -> Value {
    json!({"type": "json"})
}

/// The data source of this name or id in the project.
pub(crate) async fn own_source(caller: &Caller, scope: &ProjectScope, source: &str) -> Result<DataSource, Problem> {
    caller.api.store.data_source(scope, source).await.map_err(|error| match error {
        StoreError::NotFound { .. } => Problem::field("data_source", "data_source.not_found", format!("`{source}` is not in this project")),
        other => other.into(),
    })
}

/// Checks a name in an outside system.
pub(crate) fn physical_name(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > PHYSICAL_NAME_CHARACTERS_MAX || !name.chars().all(plain) || matches!(name, "." | "..") {
        let message = format!("expected 1 to {PHYSICAL_NAME_CHARACTERS_MAX} letters, digits, `.`, `_` or `-`");
        return Err(Problem::field("physical_name", "request.invalid", message));
    }
    Ok(())
}

/// Checks what can be checked without the broker, and finds the data source.
async fn settings(caller: &Caller, scope: &ProjectScope, body: TopicBody) -> Result<TopicChange, Problem> {
    physical_name(&body.physical_name)?;
    body.schema.check().map_err(|error| Problem::field("schema", "request.invalid", error.to_string()))?;
    if body.schema.fields().is_empty() {
        return Err(Problem::field("schema", "request.invalid", "has no columns; a topic needs at least one"));
    }
    if body.format.get("type").and_then(Value::as_str).is_none() {
        return Err(Problem::field("format.type", "request.invalid", "is missing; expected the name of a format, such as \"json\""));
    }
    let source = match &body.data_source {
        Some(source) => Some(own_source(caller, scope, source).await?),
        None => None,
    };
    Ok(TopicChange {
        physical_name: body.physical_name,
        data_source: source.map(|s| s.id),
        description: body.description,
        schema: body.schema,
        format: body.format,
        expected_revision: None,
    })
}

/// List the topics of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/topics", tag = "topics", params(PageQuery), responses((status = 200, body = Listing<TopicView>)))]
pub(crate) async fn list_topics(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<TopicView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let page = caller.api.store.topics(&scope, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |topic| TopicView::of(&caller, topic))))
}

/// Describe a topic. The real topic is made or checked by `ensure`.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/topics", tag = "topics", request_body = NewTopicBody, responses((status = 201, body = TopicView)))]
pub(crate) async fn create_topic(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewTopicBody>,
) -> Result<Tagged<TopicView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicCreate).await?;
    let new = body.parse()?;
    let body = TopicBody {
        physical_name: new.physical_name.unwrap_or_else(|| new.name.to_string()),
        data_source: new.data_source,
        description: new.description,
        schema: new.schema,
        format: new.format,
    };
    let database = match &new.database {
        Some(database) => Some(caller.api.store.database(&scope, database).await?.id),
        None => None,
    };
    let new = NewTopic { name: new.name, database, settings: settings(&caller, &scope, body).await? };
    let made = caller.api.store.create_topic(&caller.cause(), &scope, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, TopicView::of(&caller, made)))
}

/// Get a topic by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}", tag = "topics", responses((status = 200, body = TopicView)))]
pub(crate) async fn get_topic(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
) -> Result<Tagged<TopicView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    Ok(Tagged(StatusCode::OK, found.revision, TopicView::of(&caller, found)))
}

/// Replace the settings of a topic.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}", tag = "topics", request_body = TopicBody, responses((status = 200, body = TopicView)))]
pub(crate) async fn edit_topic(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<TopicBody>,
) -> Result<Tagged<TopicView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicEdit).await?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    let mut change = settings(&caller, &scope, body.parse()?).await?;
    change.expected_revision = if_match.revision()?;
    let changed = caller.api.store.change_topic(&caller.cause(), &scope, &found.id, &change).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, TopicView::of(&caller, changed)))
}

/// Remove the description of a topic; the real topic and its records stay.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}", tag = "topics", responses((status = 204)))]
pub(crate) async fn delete_topic(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicDelete).await?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    caller.api.store.delete_topic(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make the real topic if it is not there, else check that it agrees with the design.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/ensure", tag = "topics", request_body = Option<EnsureBody>, responses((status = 200, body = EnsuredView)))]
pub(crate) async fn ensure_topic(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    body: JsonBody<EnsureBody>,
) -> Result<Json<EnsuredView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicEnsure).await?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    let warnings = shared(&caller, &found).await?;
    let topic = found.id;
    let asked = body.parse_or_default()?;
    let (options, environment) = (Value::Object(asked.options), asked.environment);
    let work = async move {
        // Before and after: a topic may be there although the answer never came.
        let detail = json!({"asked": options, "environment": environment});
        caller.api.store.record_done(&caller.cause(), Action::TopicEnsure, &scope, topic.as_str(), detail).await?;
        let created = match environment {
            None => caller.api.control.ensure_topic(&scope, &topic, &options).await?,
            Some(environment) => {
                let viewer = TableViewer { environment, ..caller.viewer(&scope) };
                caller.api.control.ensure_table_in(&viewer, &topic, &options).await?
            }
        };
        let detail = json!({"created": created, "environment": environment});
        caller.api.store.record_done(&caller.cause(), Action::TopicEnsure, &scope, topic.as_str(), detail).await?;
        Ok(Json(EnsuredView { created, warnings }))
    };
    to_the_end(work).await?
}
