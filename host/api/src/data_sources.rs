//! Data sources (SRC-1 to SRC-3) with one way for tests and one for production. Secret properties are answered as `***`;
//! sent back so, they keep their value while the source stays at its address.
//!
//! Invariant: a stored secret is sent to no address for which it was not given.

use crate::{
    caller::Caller,
    control_plane::ConnectivityReport,
    extract::{IfMatch, JsonBody, QueryString, Tagged},
    page::{Listing, PageQuery},
    problem::Problem,
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Environment, Name, ProjectScope, Scope,
    properties::{REDACTED, is_secret},
};
use millrace_store::{BindingTest, DataSource, DataSourceBinding, DataSourceChange, NewDataSource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Most properties of one data source.
const PROPERTIES_MAX: usize = 200;

/// A data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataSourceView {
    id: String,
    name: String,
    kind: String,
    description: String,
    /// How design and tests reach it; secrets read `***`.
    properties: BTreeMap<String, String>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    /// How each environment reaches it, with its last connectivity test; only where one data source is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bindings: Vec<BindingView>,
    /// What the caller may do with it.
    allowed_actions: Vec<&'static str>,
}

/// How one environment reaches a data source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BindingView {
    /// `test` or `production`.
    environment: &'static str,
    /// Secrets read `***`.
    properties: BTreeMap<String, String>,
    revision: i64,
    updated_at_ms: i64,
    /// How its last connectivity test went.
    last_test: Option<BindingTestView>,
}

/// The last connectivity test of a binding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BindingTestView {
    reachable: bool,
    /// The failing step.
    failure: Option<String>,
    message: String,
    elapsed_ms: i64,
    /// Name of who tested.
    tested_by: String,
    tested_at_ms: i64,
}

impl From<DataSourceBinding> for BindingView {
    fn from(binding: DataSourceBinding) -> Self {
        let last_test = binding.last_test.map(|test| BindingTestView {
            reachable: test.reachable,
            failure: test.failure,
            message: test.message,
            elapsed_ms: test.elapsed_ms,
            tested_by: test.tested_by,
            tested_at_ms: test.tested_at_ms,
        });
        Self {
            environment: binding.environment.as_str(),
            properties: binding.properties,
            revision: binding.revision,
            updated_at_ms: binding.updated_at_ms,
            last_test,
        }
    }
}

impl DataSourceView {
    fn of(caller: &Caller, source: DataSource) -> Self {
        let place = Scope::Project(source.scope.clone());
        let possible =
            [Action::DataSourceEdit, Action::DataSourceBind, Action::DataSourceTest, Action::DataSourceSample, Action::DataSourceDelete];
        let allowed = possible.into_iter().filter(|action| caller.principal.allowed(*action, &place));
        Self {
            allowed_actions: allowed.map(Action::as_str).collect(),
            bindings: Vec::new(),
            id: source.id.to_string(),
            name: source.name.to_string(),
            kind: source.kind,
            description: source.description,
            properties: source.properties,
            revision: source.revision,
            created_at_ms: source.created_at_ms,
            updated_at_ms: source.updated_at_ms,
        }
    }

    async fn with_bindings(caller: &Caller, source: DataSource) -> Result<Self, Problem> {
        let bindings = caller.api.store.bindings(&source.scope, source.id.as_str()).await?;
        Ok(Self { bindings: bindings.into_iter().map(BindingView::from).collect(), ..Self::of(caller, source) })
    }
}

/// A data source to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDataSourceBody {
    #[schema(value_type = String)]
    name: Name,
    /// `kafka`.
    #[schema(value_type = String)]
    kind: Name,
    #[serde(default)]
    description: String,
    /// Client properties by the system's own names: `bootstrap.servers`.
    properties: BTreeMap<String, String>,
}

/// New settings of a data source.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSourceBody {
    #[serde(default)]
    description: String,
    /// All properties; `***` keeps a secret, unless an address changes.
    properties: BTreeMap<String, String>,
}

/// How production reaches a data source.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingBody {
    /// All properties; `***` keeps a secret, in the first binding that of tests, unless the address is another one.
    properties: BTreeMap<String, String>,
}

/// Which environment is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EnvironmentQuery {
    /// `test` (unless stated) or `production`.
    #[param(value_type = Option<String>)]
    environment: Option<Environment>,
}

impl EnvironmentQuery {
    /// Design is reached as tests are.
    pub(crate) fn bound(&self) -> Environment {
        match self.environment {
            None | Some(Environment::Design | Environment::Test) => Environment::Test,
            Some(Environment::Production) => Environment::Production,
        }
    }
}

/// Checks properties field by field and answers them as they are to be stored. A secret that is kept is filled in here, from
/// the same look that compares the addresses: it goes to nobody for whom it was not given.
async fn check(
    caller: &Caller,
    kind: &str,
    mut properties: BTreeMap<String, String>,
    kept: Option<(&ProjectScope, &str, Environment)>,
) -> Result<BTreeMap<String, String>, Problem> {
    if properties.len() > PROPERTIES_MAX {
        let message = format!("has {} entries, at most {PROPERTIES_MAX} are allowed", properties.len());
        return Err(Problem::field("properties", "request.invalid", message));
    }
    let mut errors = Vec::new();
    if let Some((scope, source, environment)) = kept
        && properties.iter().any(is_kept)
    {
        let known = caller.api.store.connection_in(scope, source, environment).await?.properties;
        errors = moved_secrets(caller, kind, &known, &properties);
        for (name, value) in properties.iter_mut().filter(|(name, value)| is_kept((*name, &**value))) {
            match known.get(name) {
                Some(secret) => secret.clone_into(value),
                None => return Err(nothing_kept(name)),
            }
        }
    }
    errors.extend(caller.api.control.check_data_source(kind, &properties));
    if errors.is_empty() {
        return Ok(properties);
    }
    let listed: Vec<_> = errors.iter().filter_map(|e| Some(format!("`{}` {}", e.field.as_deref()?, e.message))).collect();
    Err(Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "data_source.invalid", listed.join("; ")) })
}

fn is_kept((name, value): (&String, &String)) -> bool {
    value == REDACTED && is_secret(name)
}

fn nothing_kept(name: &str) -> Problem {
    let message = format!("`{name}` reads `{REDACTED}`, which keeps an earlier value, but there is none; give the value");
    Problem::field("properties", "request.invalid", message)
}

/// Secrets that would be kept although the source is somewhere else now: whoever may change an address could have them sent
/// to a server of their own.
fn moved_secrets(
    caller: &Caller,
    kind: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<crate::FieldError> {
    let kinds = caller.api.control.data_source_kinds();
    let moved = kinds.iter().find(|spec| spec.kind == kind).map(|spec| spec.moved(before, after)).unwrap_or_default();
    if moved.is_empty() {
        return Vec::new();
    }
    let message = format!("was given for another address (`{}` changes); give the secret again", moved.join("`, `"));
    let kept = after.iter().filter(|property| is_kept(*property));
    kept.map(|(name, _)| crate::FieldError::in_field(&format!("properties.{name}"), "data_source.secret_moved", message.clone())).collect()
}

/// List the data sources of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources", tag = "data sources", params(PageQuery), responses((status = 200, body = Listing<DataSourceView>)))]
pub(crate) async fn list_data_sources(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<PageQuery>,
) -> Result<Json<Listing<DataSourceView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceView).await?;
    let page = caller.api.store.data_sources(&scope, &query.parse()?.into()).await?;
    Ok(Json(Listing::with(page, |source| DataSourceView::of(&caller, source))))
}

/// Make a data source.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources", tag = "data sources", request_body = NewDataSourceBody, responses((status = 201, body = DataSourceView)))]
pub(crate) async fn create_data_source(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    body: JsonBody<NewDataSourceBody>,
) -> Result<Tagged<DataSourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceCreate).await?;
    let new = body.parse()?;
    let properties = check(&caller, new.kind.as_str(), new.properties, None).await?;
    let new = NewDataSource { name: new.name, kind: new.kind.to_string(), description: new.description, properties };
    let made = caller.api.store.create_data_source(&caller.cause(), &scope, &new).await?;
    Ok(Tagged(StatusCode::CREATED, made.revision, DataSourceView::with_bindings(&caller, made).await?))
}

/// Get a data source by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}", tag = "data sources", responses((status = 200, body = DataSourceView)))]
pub(crate) async fn get_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
) -> Result<Tagged<DataSourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceView).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    Ok(Tagged(StatusCode::OK, found.revision, DataSourceView::with_bindings(&caller, found).await?))
}

/// Replace description and test properties of a data source.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}", tag = "data sources", request_body = DataSourceBody, responses((status = 200, body = DataSourceView)))]
pub(crate) async fn edit_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<DataSourceBody>,
) -> Result<Tagged<DataSourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceEdit).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    let new = body.parse()?;
    let properties = check(&caller, &found.kind, new.properties, Some((&scope, found.id.as_str(), Environment::Test))).await?;
    let change = DataSourceChange { description: new.description, properties, expected_revision: if_match.revision()? };
    let changed = caller.api.store.change_data_source(&caller.cause(), &scope, &found.id, &change).await?;
    Ok(Tagged(StatusCode::OK, changed.revision, DataSourceView::with_bindings(&caller, changed).await?))
}

/// Remove a data source that no topic uses.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}", tag = "data sources", responses((status = 204)))]
pub(crate) async fn delete_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceDelete).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    caller.api.store.delete_data_source(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say how production reaches a data source. `If-Match` takes the binding's revision, 0 where there is none.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}/production", tag = "data sources", request_body = BindingBody, responses((status = 200, body = BindingView)))]
pub(crate) async fn bind_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
    if_match: IfMatch,
    body: JsonBody<BindingBody>,
) -> Result<Tagged<BindingView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceBind).await?;
    let store = &caller.api.store;
    let found = store.data_source(&scope, &source).await?;
    let properties = body.parse()?.properties;
    let is_bound = store.bindings(&scope, found.id.as_str()).await?.len() > 1;
    let kept_in = if is_bound { Environment::Production } else { Environment::Test };
    let properties = check(&caller, &found.kind, properties, Some((&scope, found.id.as_str(), kept_in))).await?;
    let change = DataSourceChange { description: String::new(), properties, expected_revision: if_match.revision()? };
    let bound = store.bind_production(&caller.cause(), &scope, &found.id, &change).await?;
    Ok(Tagged(StatusCode::OK, bound.revision, bound.into()))
}

/// Take production's way to a data source away: production instances that use it cannot start any more.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}/production", tag = "data sources", responses((status = 204)))]
pub(crate) async fn unbind_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceBind).await?;
    let found = caller.api.store.data_source(&scope, &source).await?;
    caller.api.store.unbind_production(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try to reach a data source. What cannot be reached is an answer, not an error.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/projects/{project}/data-sources/{source}/test", tag = "data sources", params(EnvironmentQuery), responses((status = 200, body = ConnectivityReport)))]
pub(crate) async fn test_data_source(
    caller: Caller,
    Path((tenant, project, source)): Path<(String, String, String)>,
    query: QueryString<EnvironmentQuery>,
) -> Result<Json<ConnectivityReport>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::DataSourceTest).await?;
    let environment = query.parse()?.bound();
    let store = &caller.api.store;
    let connection = store.connection_in(&scope, &source, environment).await?;
    let report = caller.api.control.test_connection(&scope.tenant, &connection.kind, connection.properties).await;
    let test = BindingTest {
        reachable: report.reachable,
        failure: report.failure.clone(),
        message: report.message.clone(),
        elapsed_ms: i64::try_from(report.elapsed_ms).unwrap_or(i64::MAX),
        tested_by: caller.principal.name.clone(),
        tested_at_ms: store.now_ms(),
    };
    store.record_binding_test(&caller.cause(), &scope, &connection.id, environment, &test).await?;
    Ok(Json(report))
}
