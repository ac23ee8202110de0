//! Publishing tables and topics to test and production (TOP-2 to TOP-5).
//!
//! Invariant: what a decider sees is the whole snapshot that will be in force, with each change and its verdict.

use crate::{
    allowed::allowed,
    approvals::ApprovalView,
    caller::Caller,
    databases::published,
    extract::{JsonBody, QueryString},
    page::PageQuery,
    problem::Problem,
    topics::{own_source, physical_name},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Environment, ProjectScope, Scope,
    schema_change::{Compatibility, SchemaChanges, compare},
};
use millrace_model::{
    Schema,
    ids::{DataSourceId, DatabaseId},
};
use millrace_store::{TablePublication, TablePublishRequest, Topic};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A version of a table in an environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TablePublicationView {
    id: String,
    /// `test` or `production`.
    environment: String,
    /// The schema version, from 1 in each environment.
    number: i64,
    data_source: String,
    database: Option<String>,
    physical_name: String,
    description: String,
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    #[schema(value_type = Object)]
    format: Value,
    design_revision: i64,
    published_by: String,
    /// Id of the request that was approved.
    approval: String,
    created_at_ms: i64,
    retired_at_ms: Option<i64>,
}

impl From<TablePublication> for TablePublicationView {
    fn from(found: TablePublication) -> Self {
        Self {
            id: found.id,
            environment: found.environment.to_string(),
            number: found.number,
            data_source: found.data_source.to_string(),
            database: found.database.map(|d| d.to_string()),
            physical_name: found.physical_name,
            description: found.description,
            schema: found.schema,
            format: found.format,
            design_revision: found.design_revision,
            published_by: found.published_by,
            approval: found.approval.to_string(),
            created_at_ms: found.created_at_ms,
            retired_at_ms: found.retired_at_ms,
        }
    }
}

/// All versions of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublicationsView {
    /// Newest first; the newest of each environment that is not retired is in force.
    items: Vec<TablePublicationView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
    /// What the caller can do: `publish`; `retire` what is in force.
    allowed_actions: Vec<&'static str>,
}

/// What publishing would change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishCheckView {
    /// The version that would be replaced; 0 for none.
    replaces: i64,
    /// `backward`, `forward`, `full` or `none`.
    compatibility: String,
    /// Whether nothing breaks.
    compatible: bool,
    changes: Vec<ColumnChangeView>,
}

/// A change of a column.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnChangeView {
    column: String,
    /// `added`, `removed`, `retyped`, `null_allowed`, `null_forbidden`, `commented` or `moved`.
    change: String,
    detail: String,
    /// `compatible`, `breaks_backward`, `breaks_forward` or `breaks_both`.
    verdict: String,
    /// Whether the wanted compatibility forbids it.
    breaking: bool,
}

impl PublishCheckView {
    fn of(replaces: i64, found: SchemaChanges) -> Self {
        let changes = found.changes.into_iter().map(|c| ColumnChangeView {
            column: c.column,
            change: c.change.to_string(),
            detail: c.detail,
            verdict: c.verdict.to_string(),
            breaking: c.breaking,
        });
        Self { replaces, compatibility: found.compatibility.to_string(), compatible: found.compatible, changes: changes.collect() }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckParameters {
    /// `test` (unless given) or `production`.
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
    /// `backward`, `forward`, `full` (unless given) or `none`.
    #[param(value_type = Option<String>)]
    compatibility: Option<Compatibility>,
}

/// A request to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishBody {
    /// `test` or `production`.
    #[schema(value_type = String)]
    environment: Environment,
    /// Name or id of the data source that it binds to there. For test the design's unless given; a table has that of its database.
    data_source: Option<String>,
    /// Name there; as before unless given.
    physical_name: Option<String>,
    /// Why; the decider reads it.
    #[serde(default)]
    reason: String,
    /// What the new version must keep working: `backward`, `forward`, `full` (unless given) or `none`.
    #[schema(value_type = Option<String>)]
    compatibility: Option<Compatibility>,
    /// Ask for it even if it breaks that; the decider sees what breaks.
    #[serde(default)]
    allow_breaking: bool,
    /// Make the real table or topic once this is approved, or check the one that is there.
    #[serde(default)]
    ensure: bool,
}

/// What would be in force.
struct Snapshot {
    physical_name: String,
    description: String,
    schema: Schema,
    format: Value,
    design_revision: i64,
}

/// What publishing to an environment takes over, and the schema in force there with its number.
async fn snapshot(caller: &Caller, table: &Topic, environment: Environment) -> Result<(Snapshot, i64, Option<Schema>), Problem> {
    let store = &caller.api.store;
    let in_force = store.table_in(&table.scope, &table.id, environment).await?;
    let newest = store.last_publication_number(&table.scope, &table.id, environment).await?;
    let snapshot = if environment == Environment::Production {
        let Some(tested) = store.table_in(&table.scope, &table.id, Environment::Test).await? else {
            let detail = format!("`{}` is not in test; publish it to test first", table.name);
            return Err(Problem::new(StatusCode::CONFLICT, "publish.not_in_test", detail));
        };
        Snapshot {
            // The name without its database, which another environment may call otherwise.
            physical_name: tested.database.as_ref().map_or_else(|| tested.physical_name.clone(), |_| table.physical_name.clone()),
            description: tested.description,
            schema: tested.schema,
            format: tested.format,
            design_revision: tested.design_revision,
        }
    } else {
        Snapshot {
            physical_name: table.physical_name.clone(),
            description: table.description.clone(),
            schema: table.schema.clone(),
            format: table.format.clone(),
            design_revision: table.revision,
        }
    };
    Ok((snapshot, newest, in_force.map(|p| p.schema)))
}

/// The data source that a table binds to, with the name of its database there.
async fn binding(
    caller: &Caller,
    table: &Topic,
    environment: Environment,
    asked: Option<&str>,
) -> Result<(DataSourceId, String, Option<(DatabaseId, String)>), Problem> {
    let (store, scope) = (&caller.api.store, &table.scope);
    if let Some(database) = &table.database {
        let Some(found) = store.database_in(scope, database, environment).await? else {
            let name = store.database(scope, database.as_str()).await?.name;
            let detail = format!("database `{name}` is not in {environment}; publish it to {environment} before its tables");
            return Err(Problem::new(StatusCode::CONFLICT, "publish.no_database", detail));
        };
        let source = store.data_source(scope, found.data_source.as_str()).await?;
        if asked.is_some_and(|asked| asked != source.id.as_str() && asked != source.name.as_str()) {
            let message = format!("is another one than `{}`, which holds its database in {environment}; leave it out", source.name);
            return Err(Problem::field("data_source", "request.invalid", message));
        }
        return Ok((source.id, source.name.to_string(), Some((database.clone(), found.physical_name))));
    }
    let source = match (asked, &table.data_source) {
        (Some(source), _) => own_source(caller, scope, source).await?,
        (None, Some(source)) if environment == Environment::Test => own_source(caller, scope, source.as_str()).await?,
        (None, _) => {
            let message = format!("is missing; name the data source that holds it in {environment}");
            return Err(Problem::field("data_source", "request.invalid", message));
        }
    };
    Ok((source.id, source.name.to_string(), None))
}

/// List all versions of a table or topic in test and production.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/publications", tag = "tables", params(PageQuery), responses((status = 200, body = PublicationsView)))]
pub(crate) async fn list_publications(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<PublicationsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    let store = &caller.api.store;
    let page = store.table_publications(&scope, &found.id, &query.parse()?.into()).await?;
    let mut is_in_force = false;
    for environment in [Environment::Test, Environment::Production] {
        is_in_force |= store.table_in(&scope, &found.id, environment).await?.is_some();
    }
    let offers = [("publish", Action::TablePublish, true), ("retire", Action::TablePublishDecide, is_in_force)];
    let allowed_actions = allowed(&caller, &Scope::Project(scope), offers);
    let items = page.items.into_iter().map(TablePublicationView::from).collect();
    Ok(Json(PublicationsView { items, next_cursor: page.next_cursor, allowed_actions }))
}

/// What publishing would change, before it is asked for.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/publish-check", tag = "tables", params(CheckParameters), responses((status = 200, body = PublishCheckView)))]
pub(crate) async fn check_publish(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    query: QueryString<CheckParameters>,
) -> Result<Json<PublishCheckView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TopicView).await?;
    let query = query.parse()?;
    let environment = published(query.environment.unwrap_or(Environment::Test))?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    let (new, replaces, old) = snapshot(&caller, &found, environment).await?;
    let changes = compare(old.as_ref(), &new.schema, query.compatibility.unwrap_or(Compatibility::Full));
    Ok(Json(PublishCheckView::of(replaces, changes)))
}

/// Ask for a table or topic in test or production; a data administrator of the project decides.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/publish", tag = "tables", request_body = PublishBody, responses((status = 201, body = ApprovalView)))]
pub(crate) async fn publish_topic(
    caller: Caller,
    Path((tenant, project, topic)): Path<(String, String, String)>,
    body: JsonBody<PublishBody>,
) -> Result<(StatusCode, Json<ApprovalView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::TablePublish).await?;
    let body = body.parse()?;
    let environment = published(body.environment)?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    let asked = request(&caller, &found, environment, &body).await?;
    let made = caller.api.store.request_table_publication(&caller.cause(), &found, environment, &asked, &body.reason).await?;
    Ok((StatusCode::CREATED, Json(ApprovalView::of(&caller, made))))
}

async fn request(caller: &Caller, table: &Topic, environment: Environment, body: &PublishBody) -> Result<TablePublishRequest, Problem> {
    let (new, replaces, old) = snapshot(caller, table, environment).await?;
    let (data_source, data_source_name, database) = binding(caller, table, environment, body.data_source.as_deref()).await?;
    let name = body.physical_name.clone().unwrap_or(new.physical_name);
    physical_name(&name)?;
    let changes = compare(old.as_ref(), &new.schema, body.compatibility.unwrap_or(Compatibility::Full));
    if !changes.compatible && !body.allow_breaking {
        return Err(breaking(&changes));
    }
    Ok(TablePublishRequest {
        data_source,
        data_source_name,
        physical_name: database.as_ref().map_or_else(|| name.clone(), |(_, database)| format!("{database}.{name}")),
        database: database.map(|(id, _)| id),
        description: new.description,
        schema: new.schema,
        format: new.format,
        design_revision: new.design_revision,
        replaces,
        changes,
        ensure: body.ensure,
    })
}

/// Names each change that breaks.
fn breaking(found: &SchemaChanges) -> Problem {
    let errors = found.changes.iter().filter(|c| c.breaking).map(|c| {
        let message = format!("{} ({}): {}", c.change, c.verdict, c.detail);
        crate::problem::FieldError::in_field(&format!("schema.{}", c.column), "publish.breaking", message)
    });
    let errors: Vec<_> = errors.collect();
    let detail = format!(
        "{} change(s) are not {} compatible with the version in force; send `allow_breaking` if its readers and writers are ready for them",
        errors.len(),
        found.compatibility
    );
    Problem { errors, ..Problem::new(StatusCode::CONFLICT, "publish.breaking", detail) }
}

/// Take a table or topic out of an environment: jobs do not find it there any more. The real one stays.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/topics/{topic}/publications/{environment}", tag = "tables", responses((status = 204)))]
pub(crate) async fn retire_topic(
    caller: Caller,
    Path((tenant, project, topic, environment)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope: ProjectScope = caller.in_project(&tenant, &project, Action::TablePublishDecide).await?;
    let environment =
        environment.parse::<Environment>().map_err(|error| Problem::field("environment", "request.invalid", error.to_string()))?;
    let found = caller.api.store.topic(&scope, &topic).await?;
    caller.api.store.retire_table(&caller.cause(), &scope, &found.id, published(environment)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
