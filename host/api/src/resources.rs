//! Resources: JARs, components and data packages (EXT-5).

use crate::{
    allowed::allowed,
    caller::{Caller, to_the_end},
    extract::QueryString,
    page::Listing,
    problem::Problem,
    upload,
};
use axum::{
    Json,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use millrace_control::PackageHints;
use millrace_domain::{Action, Name, ResourceKind, Scope};
use millrace_store::{Content, ContentUse, NewResourceVersion, PageRequest, Resource, ResourceFilter, ResourceVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A resource with its newest version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourceView {
    id: String,
    name: String,
    /// `jar`, `component` or `data_package`: found in the content.
    kind: &'static str,
    description: String,
    created_at_ms: i64,
    latest: ResourceVersionView,
    /// What the caller can do: `upload`, `delete` (which is refused while somebody uses it).
    allowed_actions: Vec<&'static str>,
}

/// A version of a resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourceVersionView {
    /// Counts from 1.
    number: i64,
    /// SHA-256 of the content, in hex.
    content_hash: String,
    size_bytes: i64,
    /// What was found in the content: `format`, `options`, `schema`, `row_count` and `warnings` of a data package, `world`
    /// and `wit_version` of a component.
    #[schema(value_type = Object)]
    detail: Value,
    created_by: String,
    created_at_ms: i64,
}

impl From<ResourceVersion> for ResourceVersionView {
    fn from(version: ResourceVersion) -> Self {
        Self {
            number: version.number,
            content_hash: version.content_hash,
            size_bytes: version.size_bytes,
            detail: version.detail,
            created_by: version.created_by,
            created_at_ms: version.created_at_ms,
        }
    }
}

impl ResourceView {
    fn of(caller: &Caller, resource: Resource) -> Self {
        let offers = [("upload", Action::ResourceUpload, true), ("delete", Action::ResourceDelete, true)];
        Self {
            allowed_actions: allowed(caller, &Scope::Project(resource.scope.clone()), offers),
            id: resource.id.to_string(),
            name: resource.name.to_string(),
            kind: resource.kind.as_str(),
            description: resource.description,
            created_at_ms: resource.created_at_ms,
            latest: resource.latest.into(),
        }
    }
}

/// All versions of a resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourceVersionsView {
    /// Newest first.
    items: Vec<ResourceVersionView>,
}

/// The first rows of a data package.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// The version.
    number: i64,
    /// `csv`, `json_lines`, `avro` or `parquet`.
    #[schema(value_type = String)]
    format: Value,
    /// Columns with their types, in the file's order.
    #[schema(value_type = Vec<Object>)]
    schema: Value,
    /// At most 100 rows; long texts are cut.
    #[schema(value_type = Vec<Object>)]
    rows: Value,
}

/// Somebody who uses a resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UseView {
    /// `plugin`, `function` or `job`.
    kind: String,
    /// Id of its version.
    id: String,
    /// Its name and version.
    name: String,
    /// What it uses: a content hash of one of the versions.
    content_hash: String,
}

impl From<ContentUse> for UseView {
    fn from(found: ContentUse) -> Self {
        Self { kind: found.kind, id: found.id, name: found.name, content_hash: found.content_hash }
    }
}

/// Everybody who uses a resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsesView {
    pub(crate) items: Vec<UseView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page.
    limit: Option<u32>,
    /// Only of this kind: `jar`, `component`, `data_package`.
    #[param(value_type = Option<String>)]
    kind: Option<ResourceKind>,
    /// Only with this in their names.
    name: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceUploadQuery {
    /// What the resource is for; keeps what is there unless given.
    description: Option<String>,
    /// `csv` says that a text is CSV even if it has one column only.
    #[param(value_type = Option<String>)]
    format: Option<FormatHint>,
    /// Whether the first line of a CSV file names its columns; found out unless given.
    header: Option<bool>,
}

/// What the format is, where the content leaves it open.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatHint {
    Csv,
}

/// List the resources of a project.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/resources", tag = "resources", params(ResourceQuery), responses((status = 200, body = Listing<ResourceView>)))]
pub(crate) async fn list_resources(
    caller: Caller,
    Path((tenant, project)): Path<(String, String)>,
    query: QueryString<ResourceQuery>,
) -> Result<Json<Listing<ResourceView>>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceView).await?;
    let ResourceQuery { cursor, limit, kind, name } = query.parse()?;
    let filter = ResourceFilter { kind, name };
    let page = caller.api.store.resources(&scope, &filter, &PageRequest { cursor, limit }).await?;
    Ok(Json(Listing::with(page, |resource| ResourceView::of(&caller, resource))))
}

/// Get a resource by name or id.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}", tag = "resources", responses((status = 200, body = ResourceView)))]
pub(crate) async fn get_resource(
    caller: Caller,
    Path((tenant, project, resource)): Path<(String, String, String)>,
) -> Result<Json<ResourceView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceView).await?;
    Ok(Json(ResourceView::of(&caller, caller.api.store.resource(&scope, &resource).await?)))
}

/// Remove a resource with all its versions. One that is used is not removed; the answer says who uses it.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}", tag = "resources", responses((status = 204)))]
pub(crate) async fn delete_resource(
    caller: Caller,
    Path((tenant, project, resource)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceDelete).await?;
    let found = caller.api.store.resource(&scope, &resource).await?;
    caller.api.store.delete_resource(&caller.cause(), &scope, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the versions of a resource.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}/versions", tag = "resources", responses((status = 200, body = ResourceVersionsView)))]
pub(crate) async fn list_resource_versions(
    caller: Caller,
    Path((tenant, project, resource)): Path<(String, String, String)>,
) -> Result<Json<ResourceVersionsView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceView).await?;
    let found = caller.api.store.resource(&scope, &resource).await?;
    let versions = caller.api.store.resource_versions(&scope, &found.id).await?;
    Ok(Json(ResourceVersionsView { items: versions.into_iter().map(ResourceVersionView::from).collect() }))
}

/// Upload a file as a new version; a resource of a new name is made. What it is (a JAR, a component, or a data package in
/// CSV, JSON lines, Avro or Parquet) is found in the content. The same content again adds nothing.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}/versions",
    tag = "resources",
    params(ResourceUploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses((status = 201, body = ResourceView))
)]
pub(crate) async fn upload_resource(
    caller: Caller,
    Path((tenant, project, resource)): Path<(String, String, String)>,
    query: QueryString<ResourceUploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ResourceView>), Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceUpload).await?;
    let name: Name = match resource.parse() {
        Ok(name) => name,
        // The id of a resource that is there will do as well.
        Err(error) => match caller.api.store.resource(&scope, &resource).await {
            Ok(found) => found.name,
            Err(_) => return Err(Problem::field("resource", "request.invalid", error.to_string())),
        },
    };
    let ResourceUploadQuery { description, format, header } = query.parse()?;
    let hints = PackageHints { is_csv: matches!(format, Some(FormatHint::Csv)), has_header: header, ..PackageHints::default() };
    let work = async move {
        let upload = upload::receive(&caller.api, &scope.tenant, &headers, body, caller.api.config.resource_bytes_max).await?;
        let unreadable = |error: std::io::Error| Problem::internal(format!("an upload cannot be read: {error}"));
        let file = upload.file.try_clone().map_err(unreadable)?;
        let found = caller.api.control.inspect_resource(&scope.tenant, file, hints).await?;
        let mut bytes = &upload.file;
        std::io::Seek::rewind(&mut bytes).map_err(unreadable)?;
        let content = Content { hash: upload.content_hash.clone(), size_bytes: upload.size_bytes, bytes: &mut bytes };
        let new = NewResourceVersion { name, kind: found.kind, description, detail: found.detail, preview: found.preview, content };
        let resource = caller.api.store.add_resource_version(&caller.cause(), &scope, new).await?;
        Ok::<_, Problem>((StatusCode::CREATED, Json(ResourceView::of(&caller, resource))))
    };
    to_the_end(work).await?
}

/// Get the first rows of a version (a number, or `latest`) of a data package.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}/versions/{version}/preview", tag = "resources", responses((status = 200, body = PreviewView)))]
pub(crate) async fn preview_resource(
    caller: Caller,
    Path((tenant, project, resource, version)): Path<(String, String, String, String)>,
) -> Result<Json<PreviewView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceView).await?;
    let found = caller.api.store.resource(&scope, &resource).await?;
    if found.kind != ResourceKind::DataPackage {
        let detail = format!("resource `{}` is a {}; only data packages have rows to show", found.name, found.kind);
        return Err(Problem::new(StatusCode::CONFLICT, "resource.no_preview", detail));
    }
    let (version, rows) = caller.api.store.resource_version(&scope, &found.id, &version).await?;
    let part = |name: &str| version.detail.get(name).cloned().unwrap_or_default();
    Ok(Json(PreviewView { number: version.number, format: part("format"), schema: part("schema"), rows }))
}

/// Download a version: a number, or `latest`.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}/versions/{version}/content",
    tag = "resources",
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"))
)]
pub(crate) async fn download_resource(
    caller: Caller,
    Path((tenant, project, resource, version)): Path<(String, String, String, String)>,
) -> Result<Response, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceView).await?;
    let found = caller.api.store.resource(&scope, &resource).await?;
    let (version, _) = caller.api.store.resource_version(&scope, &found.id, &version).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, version.size_bytes.to_string()),
        (header::ETAG, format!("\"{}\"", version.content_hash)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // A name has no characters that would need quoting.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}-{}\"", found.name, version.number)),
    ];
    let (store, hash) = (caller.api.store.clone(), version.content_hash);
    let pieces = futures::stream::try_unfold(0i64, move |position| {
        let (store, tenant, hash) = (store.clone(), scope.tenant.clone(), hash.clone());
        async move {
            let piece = store.content_piece(&tenant, &hash, position).await?;
            Ok::<_, millrace_store::StoreError>(piece.map(|piece| (piece, position + 1)))
        }
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// List who uses a resource: versions of jobs, functions and plugins.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/projects/{project}/resources/{resource}/used-by", tag = "resources", responses((status = 200, body = UsesView)))]
pub(crate) async fn list_resource_uses(
    caller: Caller,
    Path((tenant, project, resource)): Path<(String, String, String)>,
) -> Result<Json<UsesView>, Problem> {
    let scope = caller.in_project(&tenant, &project, Action::ResourceView).await?;
    let found = caller.api.store.resource(&scope, &resource).await?;
    let uses = caller.api.store.resource_uses(&scope, &found.id).await?;
    Ok(Json(UsesView { items: uses.into_iter().map(UseView::from).collect() }))
}
