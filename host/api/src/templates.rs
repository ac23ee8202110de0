//! Templates of a tenant, and the frames that everybody has (EXT-2).

use crate::{
    allowed::allowed,
    caller::Caller,
    extract::{JsonBody, QueryString},
    page::Listing,
    problem::{FieldError, Problem},
};
use axum::{Json, extract::Path, http::StatusCode};
use millrace_domain::{
    Action, Name, Scope,
    template::{BuiltinTemplate, Completion, LineMap, Parameter, Template, TemplateError, TemplateLanguage, Visibility, WORLDS, builtin},
};
use millrace_model::ids::TenantId;
use millrace_store::{
    BuildTemplate, NewTemplate, PageRequest, StoreError, StoredTemplate, TemplateFilter, TemplateReader, TemplateUse, TemplateVersion,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// The parameter that the user's code goes into unless it is said otherwise.
const CONTENT: &str = "content";
/// The parameter that names the class, and with it its file.
const CLASS_NAME: &str = "class_name";

/// A template with its newest version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateView {
    /// Absent for the frames that everybody has.
    id: Option<String>,
    name: String,
    /// `private`, `tenant`, or `builtin` for the frames that everybody has.
    visibility: &'static str,
    /// Id of the user who made it.
    owner: Option<String>,
    /// `java`, `scala`, `javascript` or `python`.
    language: &'static str,
    /// World of the components that come of it.
    world: String,
    description: String,
    /// Whether it is the frame that is shown first for its world and language, and that a build takes which names none.
    is_default: bool,
    latest: TemplateVersionView,
    /// What the caller can do: `edit`, `add_version`, `publish`, `delete`; nothing with a frame that everybody has.
    allowed_actions: Vec<&'static str>,
}

/// A version of a template.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateVersionView {
    /// Counts from 1.
    number: i64,
    /// The text with `{{name}}` placeholders.
    text: String,
    /// By name: `type` (`code`, `string`, `integer`, `number`, `boolean`, `identifier`), `default`, `description`, `enum`,
    /// `minimum`, `maximum`.
    #[schema(value_type = Object)]
    parameters: Value,
    created_by: Option<String>,
    created_at_ms: Option<i64>,
}

impl From<TemplateVersion> for TemplateVersionView {
    fn from(version: TemplateVersion) -> Self {
        Self {
            number: version.number,
            text: version.text,
            parameters: version.parameters,
            created_by: Some(version.created_by),
            created_at_ms: Some(version.created_at_ms),
        }
    }
}

impl TemplateView {
    /// The caller sees it: it is theirs, or the tenant's.
    fn of(caller: &Caller, tenant: &TenantId, template: StoredTemplate) -> Self {
        let is_private = template.visibility != Visibility::Tenant;
        let edit = if is_private { Action::TemplateEdit } else { Action::TemplatePublish };
        let offers =
            [("edit", edit, true), ("add_version", edit, true), ("publish", Action::TemplatePublish, is_private), ("delete", edit, true)];
        Self {
            allowed_actions: allowed(caller, &Scope::Tenant(tenant.clone()), offers),
            id: Some(template.id.to_string()),
            name: template.name.to_string(),
            visibility: template.visibility.as_str(),
            owner: Some(template.owner),
            language: template.language.as_str(),
            world: template.world,
            description: template.description,
            is_default: false,
            latest: template.latest.into(),
        }
    }
}

impl From<&BuiltinTemplate> for TemplateView {
    fn from(frame: &BuiltinTemplate) -> Self {
        let parameters = json!(frame.template.parameters());
        let text = frame.template.text().to_owned();
        Self {
            id: None,
            name: frame.name.to_owned(),
            visibility: "builtin",
            owner: None,
            language: frame.template.language().as_str(),
            world: frame.world.to_owned(),
            description: frame.description.to_owned(),
            is_default: frame.is_default(),
            latest: TemplateVersionView { number: 1, text, parameters, created_by: None, created_at_ms: None },
            allowed_actions: Vec::new(),
        }
    }
}

/// All versions of a template.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateVersionsView {
    /// Newest first.
    items: Vec<TemplateVersionView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page; the frames that everybody has come behind the last page's.
    limit: Option<u32>,
    /// Only of this language.
    #[param(value_type = Option<String>)]
    language: Option<TemplateLanguage>,
    /// Only for this world: `etl-operator`, `scalar-function`, …
    world: Option<String>,
}

/// A template to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTemplateBody {
    #[schema(value_type = String)]
    name: Name,
    /// `private`, or `tenant` for administrators of the tenant.
    #[schema(value_type = String)]
    #[serde(default = "private")]
    visibility: Visibility,
    /// `java`, `scala`, `javascript` or `python`.
    #[schema(value_type = String)]
    language: TemplateLanguage,
    /// World of the components that come of it.
    world: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// The text with `{{name}}` placeholders.
    text: String,
    /// Declarations of the placeholders.
    #[schema(value_type = Object)]
    parameters: BTreeMap<String, Parameter>,
}

const fn private() -> Visibility {
    Visibility::Private
}

/// What is said of a template from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateBody {
    /// What it is for.
    #[serde(default)]
    description: String,
    /// `private`, or `tenant` for administrators of the tenant.
    #[schema(value_type = String)]
    visibility: Visibility,
}

/// A version to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTemplateVersionBody {
    /// The text with `{{name}}` placeholders.
    text: String,
    /// Declarations of the placeholders.
    #[schema(value_type = Object)]
    parameters: BTreeMap<String, Parameter>,
}

/// What a template is filled with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteBody {
    /// The version; the newest unless given.
    version: Option<i64>,
    /// What the user wrote: the parameter `content`.
    content: Option<String>,
    /// Values of the others; what is not given takes its default.
    #[schema(value_type = Object)]
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
}

/// A filled template.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompletionView {
    /// The text of the whole class.
    text: String,
    /// A name for its file: `MyEtl.java`.
    path: String,
    /// The class, if the template has a parameter for its name.
    class: Option<String>,
    language: &'static str,
    world: String,
    /// Where the user's code stands in the text.
    lines: LineMapView,
}

/// Where the user's code stands in a filled template; lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineMapView {
    regions: Vec<RegionView>,
}

/// The code for one parameter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegionView {
    parameter: String,
    line: u32,
    /// Of the first character in the first line.
    column: u32,
    end_line: u32,
    /// Behind the last character in the last line.
    end_column: u32,
}

impl From<LineMap> for LineMapView {
    fn from(lines: LineMap) -> Self {
        let region = |r: millrace_domain::template::Region| RegionView {
            parameter: r.parameter,
            line: r.line,
            column: r.column,
            end_line: r.end_line,
            end_column: r.end_column,
        };
        Self { regions: lines.regions.into_iter().map(region).collect() }
    }
}

/// A template as a name finds it.
enum Found {
    Stored(Box<StoredTemplate>),
    Builtin(&'static BuiltinTemplate),
}

fn reader(caller: &Caller, tenant: &TenantId) -> TemplateReader {
    let sees_all = caller.principal.allowed(Action::TemplatePublish, &Scope::Tenant(tenant.clone()));
    TemplateReader { user: caller.principal.user.clone(), sees_all }
}

async fn find(caller: &Caller, tenant: &TenantId, name: &str) -> Result<Found, Problem> {
    match caller.api.store.template(tenant, &reader(caller, tenant), name).await {
        Ok(found) => Ok(Found::Stored(Box::new(found))),
        Err(error @ StoreError::NotFound { .. }) => {
            builtin().iter().find(|frame| frame.name == name).map(Found::Builtin).ok_or_else(|| error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The template of this name, to be changed: the caller's own, or the tenant's for its administrators.
async fn changeable(caller: &Caller, tenant_name: &str, name: &str) -> Result<(TenantId, StoredTemplate), Problem> {
    let tenant = caller.in_tenant(tenant_name, Action::TemplateEdit).await?;
    match find(caller, &tenant, name).await? {
        Found::Builtin(_) => {
            let detail = format!("`{name}` is a frame that everybody has; make a template of your own from its text");
            Err(Problem::new(StatusCode::CONFLICT, "template.builtin", detail))
        }
        Found::Stored(found) => {
            if found.visibility == Visibility::Tenant {
                caller.authorize(Action::TemplatePublish, &Scope::Tenant(tenant.clone()), ("tenant", tenant_name)).await?;
            }
            Ok((tenant, *found))
        }
    }
}

fn wrong(code: &str, what: &str, errors: Vec<TemplateError>) -> Problem {
    let errors: Vec<FieldError> = errors.into_iter().map(|e| FieldError::in_field(&e.field, code, e.message)).collect();
    let first = errors.first().map(|e| format!("`{}` {}", e.field.as_deref().unwrap_or_default(), e.message)).unwrap_or_default();
    let detail = format!("{what}: {first}");
    Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
}

fn checked(language: TemplateLanguage, text: String, parameters: BTreeMap<String, Parameter>) -> Result<(String, Value), Problem> {
    let template =
        Template::new(language, text, parameters).map_err(|errors| wrong("template.invalid", "the template cannot work", errors))?;
    Ok((template.text().to_owned(), json!(template.parameters())))
}

/// List the templates of a tenant that the caller sees, then the frames that everybody has.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/templates", tag = "templates", params(TemplateQuery), responses((status = 200, body = Listing<TemplateView>)))]
pub(crate) async fn list_templates(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<TemplateQuery>,
) -> Result<Json<Listing<TemplateView>>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TemplateView).await?;
    let TemplateQuery { cursor, limit, language, world } = query.parse()?;
    let filter = TemplateFilter { language, world };
    let page = caller.api.store.templates(&tenant, &reader(&caller, &tenant), &filter, &PageRequest { cursor, limit }).await?;
    let frames = builtin().iter().filter(|frame| {
        let language = filter.language.is_none_or(|language| language == frame.template.language());
        language && filter.world.as_ref().is_none_or(|world| world == frame.world)
    });
    let is_last = page.next_cursor.is_none();
    let mut listing = Listing::with(page, |template| TemplateView::of(&caller, &tenant, template));
    if is_last {
        listing.append(frames.map(TemplateView::from));
    }
    Ok(Json(listing))
}

/// Make a template with its first version: a private one, or as administrator one for the whole tenant.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/templates", tag = "templates", request_body = NewTemplateBody, responses((status = 201, body = TemplateView)))]
pub(crate) async fn create_template(
    caller: Caller,
    Path(tenant): Path<String>,
    body: JsonBody<NewTemplateBody>,
) -> Result<(StatusCode, Json<TemplateView>), Problem> {
    let id = caller.in_tenant(&tenant, Action::TemplateEdit).await?;
    let body = body.parse()?;
    if body.visibility == Visibility::Tenant {
        caller.authorize(Action::TemplatePublish, &Scope::Tenant(id.clone()), ("tenant", &tenant)).await?;
    }
    if !WORLDS.contains(&body.world.as_str()) {
        return Err(Problem::field("world", "request.invalid", format!("is `{}`, expected one of {}", body.world, WORLDS.join(", "))));
    }
    let (text, parameters) = checked(body.language, body.text, body.parameters)?;
    let new = NewTemplate {
        name: body.name,
        visibility: body.visibility,
        language: body.language,
        world: body.world,
        description: body.description,
        text,
        parameters,
    };
    let made = caller.api.store.create_template(&caller.cause(), &id, &new).await?;
    Ok((StatusCode::CREATED, Json(TemplateView::of(&caller, &id, made))))
}

/// Get a template by name or id: an own one, else the tenant's, else a frame that everybody has.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/templates/{template}", tag = "templates", responses((status = 200, body = TemplateView)))]
pub(crate) async fn get_template(caller: Caller, Path((tenant, template)): Path<(String, String)>) -> Result<Json<TemplateView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TemplateView).await?;
    Ok(Json(match find(&caller, &tenant, &template).await? {
        Found::Stored(found) => TemplateView::of(&caller, &tenant, *found),
        Found::Builtin(frame) => frame.into(),
    }))
}

/// Change what a template is for and who sees it; administrators of the tenant publish it to the whole tenant.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/templates/{template}", tag = "templates", request_body = TemplateBody, responses((status = 200, body = TemplateView)))]
pub(crate) async fn edit_template(
    caller: Caller,
    Path((tenant, template)): Path<(String, String)>,
    body: JsonBody<TemplateBody>,
) -> Result<Json<TemplateView>, Problem> {
    let (id, found) = changeable(&caller, &tenant, &template).await?;
    let TemplateBody { description, visibility } = body.parse()?;
    if visibility == Visibility::Tenant {
        caller.authorize(Action::TemplatePublish, &Scope::Tenant(id.clone()), ("tenant", &tenant)).await?;
    }
    let changed = caller.api.store.change_template(&caller.cause(), &id, &found.id, (&description, visibility)).await?;
    Ok(Json(TemplateView::of(&caller, &id, changed)))
}

/// Remove a template; what was made of it stays.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/templates/{template}", tag = "templates", responses((status = 204)))]
pub(crate) async fn delete_template(caller: Caller, Path((tenant, template)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    let (id, found) = changeable(&caller, &tenant, &template).await?;
    caller.api.store.delete_template(&caller.cause(), &id, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the versions of a template.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/templates/{template}/versions", tag = "templates", responses((status = 200, body = TemplateVersionsView)))]
pub(crate) async fn list_template_versions(
    caller: Caller,
    Path((tenant, template)): Path<(String, String)>,
) -> Result<Json<TemplateVersionsView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TemplateView).await?;
    let items = match find(&caller, &tenant, &template).await? {
        Found::Stored(found) => {
            let versions = caller.api.store.template_versions(&tenant, &found.id).await?;
            versions.into_iter().map(TemplateVersionView::from).collect()
        }
        Found::Builtin(frame) => vec![TemplateView::from(frame).latest],
    };
    Ok(Json(TemplateVersionsView { items }))
}

/// Add a version to a template.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/templates/{template}/versions", tag = "templates", request_body = NewTemplateVersionBody, responses((status = 201, body = TemplateView)))]
pub(crate) async fn add_template_version(
    caller: Caller,
    Path((tenant, template)): Path<(String, String)>,
    body: JsonBody<NewTemplateVersionBody>,
) -> Result<(StatusCode, Json<TemplateView>), Problem> {
    let (id, found) = changeable(&caller, &tenant, &template).await?;
    let body = body.parse()?;
    let (text, parameters) = checked(found.language, body.text, body.parameters)?;
    let added = caller.api.store.add_template_version(&caller.cause(), &id, &found.id, (&text, &parameters)).await?;
    Ok((StatusCode::CREATED, Json(TemplateView::of(&caller, &id, added))))
}

/// Fill a template with what the user wrote: answers the text of the whole class, and where the user's code stands in it.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/templates/{template}/complete", tag = "templates", request_body = Option<CompleteBody>, responses((status = 200, body = CompletionView)))]
pub(crate) async fn complete_template(
    caller: Caller,
    Path((tenant, template)): Path<(String, String)>,
    body: JsonBody<CompleteBody>,
) -> Result<Json<CompletionView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TemplateView).await?;
    let CompleteBody { version, content, parameters } = body.parse_or_default()?;
    let filled = complete(&caller, &tenant, &template, Filling { version, content, parameters }).await?;
    Ok(Json(CompletionView {
        text: filled.completion.text,
        path: filled.path,
        class: filled.class,
        language: filled.language.as_str(),
        world: filled.world,
        lines: filled.completion.lines.into(),
    }))
}

/// How often a version of a template was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateUseView {
    /// The version of the template.
    version: i64,
    /// Builds, of those that are kept, whose text it completed.
    builds: i64,
    /// When the last of them was asked for.
    last_used_at_ms: i64,
}

/// What a template was used for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TemplateUsesView {
    /// Versions that were used, newest first.
    items: Vec<TemplateUseView>,
}

/// Count the builds that the versions of a template have completed, in all projects of the tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/templates/{template}/used-by", tag = "templates", responses((status = 200, body = TemplateUsesView)))]
pub(crate) async fn list_template_uses(
    caller: Caller,
    Path((tenant, template)): Path<(String, String)>,
) -> Result<Json<TemplateUsesView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::TemplateView).await?;
    let id = match find(&caller, &tenant, &template).await? {
        Found::Stored(found) => found.id.to_string(),
        Found::Builtin(frame) => frame.name.to_owned(),
    };
    let uses = caller.api.store.template_uses(&tenant, &id).await?;
    let view = |used: TemplateUse| TemplateUseView { version: used.version, builds: used.builds, last_used_at_ms: used.last_used_at_ms };
    Ok(Json(TemplateUsesView { items: uses.into_iter().map(view).collect() }))
}

/// What a template is to be filled with.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    /// The version; the newest unless given.
    pub(crate) version: Option<i64>,
    /// The parameter `content`.
    pub(crate) content: Option<String>,
    /// The others.
    pub(crate) parameters: BTreeMap<String, Value>,
}

/// A template that was filled.
pub(crate) struct Filled {
    /// The text, and where the user's code stands in it.
    pub(crate) completion: Completion,
    /// A name for the file.
    pub(crate) path: String,
    /// The class, if the template has a parameter for its name.
    pub(crate) class: Option<String>,
    /// Its language.
    pub(crate) language: TemplateLanguage,
    /// World of the component.
    pub(crate) world: String,
    /// Which version of which template it was.
    pub(crate) used: BuildTemplate,
}

/// Fills a template that the caller sees.
pub(crate) async fn complete(caller: &Caller, tenant: &TenantId, name: &str, filling: Filling) -> Result<Filled, Problem> {
    let Filling { version, content, mut parameters } = filling;
    if let Some(content) = content {
        parameters.insert(CONTENT.to_owned(), content.into());
    }
    let missing = |number: i64| Problem::from(StoreError::not_found("version", number.to_string()));
    let (template, world, used) = match find(caller, tenant, name).await? {
        Found::Builtin(frame) => {
            if let Some(number) = version.filter(|number| *number != 1) {
                return Err(missing(number));
            }
            let used = BuildTemplate { id: frame.name.to_owned(), name: frame.name.to_owned(), version: 1 };
            (frame.template.clone(), frame.world.to_owned(), used)
        }
        Found::Stored(found) => {
            let wanted = match version {
                None => found.latest,
                Some(number) => {
                    let versions = caller.api.store.template_versions(tenant, &found.id).await?;
                    versions.into_iter().find(|v| v.number == number).ok_or_else(|| missing(number))?
                }
            };
            let used = BuildTemplate { id: found.id.to_string(), name: found.name.to_string(), version: wanted.number };
            let declared = serde_json::from_value(wanted.parameters).map_err(|error| Problem::internal(error.to_string()))?;
            let template = Template::new(found.language, wanted.text, declared);
            (template.map_err(|errors| wrong("template.invalid", "the template cannot work", errors))?, found.world, used)
        }
    };
    let completion =
        template.complete(&parameters).map_err(|errors| wrong("template.parameters", "the template cannot be filled", errors))?;
    let default = template.parameters().get(CLASS_NAME).and_then(|parameter| parameter.default.as_ref());
    let class = parameters.get(CLASS_NAME).or(default).and_then(Value::as_str).map(str::to_owned);
    let language = template.language();
    // Java wants the file of a public class to be called like it.
    let file = class.as_deref().or_else(|| declared_class(&completion.text)).unwrap_or("source");
    let path = format!("{file}.{}", language.extension());
    Ok(Filled { completion, path, class, language, world, used })
}

/// The first class that a text declares.
fn declared_class(text: &str) -> Option<&str> {
    let behind = text
        .lines()
        .find_map(|line| line.trim_start().trim_start_matches("public ").trim_start_matches("final ").strip_prefix("class "))?;
    let end = behind.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(behind.len());
    behind.get(..end).filter(|name| !name.is_empty())
}
