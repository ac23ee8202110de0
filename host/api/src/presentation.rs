//! What a palette shows of plugins and functions (EXT-7): how it comes in with an upload, and how it is shown.
//!
//! Invariant: an icon that is sent back was read and written anew when it came, and is sent so that no browser runs anything
//! of it.

use crate::{problem::Problem, state::ApiState, upload};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::stream;
use millrace_control::ParameterForm;
use millrace_domain::{
    function::FUNCTION_WORLDS,
    icon::Icon,
    presentation::{GivenPresentation, Part, documentation},
};
use millrace_model::ids::TenantId;
use millrace_store::{Presentation, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;
use std::convert::Infallible;
use utoipa::ToSchema;

/// What an upload may have beside the component.
const REST_BYTES_MAX: u64 = 1 << 20;
/// Parts of an upload.
const PARTS: &str = "component, icon, parameters, documentation";

/// An upload in parts, as `multipart/form-data`. A part that is not there is as in the version before; an empty one is removed.
#[derive(Debug, ToSchema)]
#[allow(dead_code)] // Describes what `receive` reads.
pub(crate) struct UploadParts {
    /// The WebAssembly component; that of the newest version unless given.
    #[schema(value_type = Option<String>, format = Binary)]
    component: Option<Vec<u8>>,
    /// PNG or SVG of at most 64 KiB, 16 to 512 pixels a side.
    #[schema(value_type = Option<String>, format = Binary)]
    icon: Option<Vec<u8>>,
    /// JSON Schema of the node's parameters: an object of texts, numbers and truth values.
    parameters: Option<String>,
    /// Markdown of at most 128 KiB.
    documentation: Option<String>,
}

/// The documentation of a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentationView {
    number: i64,
    /// Markdown as it was uploaded; whoever shows it must not run HTML in it.
    text: String,
}

/// An upload of a plugin.
pub(crate) struct Uploaded {
    /// The component, if there is one.
    pub(crate) component: Option<Bytes>,
    /// What comes with it.
    pub(crate) presentation: GivenPresentation,
}

/// Takes a component in, alone or in parts.
pub(crate) async fn receive(
    api: &ApiState,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
    bytes_max: u64,
) -> Result<Uploaded, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.to_ascii_lowercase().starts_with("multipart/") {
        let component = upload::receive(api, tenant, headers, body, bytes_max).await?.into_bytes().await?;
        return Ok(Uploaded { component: Some(component), presentation: GivenPresentation::default() });
    }
    let boundary = multer::parse_boundary(media).map_err(|error| malformed(&error))?;
    let whole = upload::receive(api, tenant, headers, body, bytes_max.saturating_add(REST_BYTES_MAX)).await?.into_bytes().await?;
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, Infallible>(whole)]), boundary);
    let mut uploaded = Uploaded { component: None, presentation: GivenPresentation::default() };
    let mut seen = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| malformed(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| malformed(&error))?;
        if seen.contains(&name) {
            return Err(Problem::field(&name, "request.invalid", "is given twice"));
        }
        let shown = &mut uploaded.presentation;
        match name.as_str() {
            "component" if bytes.len() as u64 > bytes_max => return Err(upload::too_large(bytes_max)),
            "component" => uploaded.component = Some(bytes),
            "icon" => shown.icon = given(&name, &bytes, Icon::read)?,
            "parameters" => shown.parameters = given(&name, &bytes, form)?,
            "documentation" => shown.documentation = given(&name, &bytes, documentation)?,
            _ => return Err(Problem::field(&name, "request.invalid", format!("is no part of an upload, expected one of {PARTS}"))),
        }
        seen.push(name);
    }
    Ok(uploaded)
}

fn malformed(error: &multer::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "request.malformed", format!("the body is not multipart/form-data: {error}"))
}

/// What a part says: nothing means that it goes.
fn given<T>(name: &str, bytes: &[u8], read: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<Part<T>, Problem> {
    if bytes.is_empty() {
        return Ok(Part::Gone);
    }
    read(bytes).map(Part::Given).map_err(|message| Problem::field(name, "presentation.invalid", message))
}

/// A form as it was written.
fn form(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no text in UTF-8".to_owned())?;
    ParameterForm::parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// A function is called with columns: a form of its parameters would be filled in and never read.
pub(crate) fn check_world(world: &str, given: &GivenPresentation) -> Result<(), Problem> {
    if FUNCTION_WORLDS.contains(&world) && matches!(given.parameters, Part::Given(_)) {
        let message = format!("is given, but a `{world}` has no parameters: it is called with columns");
        return Err(Problem::field("parameters", "presentation.invalid", message));
    }
    Ok(())
}

/// What JSON bodies say of an icon and a documentation; an empty text removes.
pub(crate) fn of_texts(icon_base64: Option<&str>, text: Option<&str>) -> Result<GivenPresentation, Problem> {
    let mut shown = GivenPresentation::default();
    if let Some(icon) = icon_base64 {
        let bytes =
            STANDARD.decode(icon).map_err(|error| Problem::field("icon_base64", "request.invalid", format!("is not Base64: {error}")))?;
        shown.icon = given("icon_base64", &bytes, Icon::read)?;
    }
    if let Some(text) = text {
        shown.documentation = given("documentation", text.as_bytes(), documentation)?;
    }
    Ok(shown)
}

/// Where the icon of a version is, if it has one; `versions` is the address of the versions.
pub(crate) fn icon_url(versions: &str, number: i64, shown: &Presentation) -> Option<String> {
    shown.icon.as_ref().map(|_| format!("{versions}/{number}/icon"))
}

/// Where the documentation of a version is, if it has one.
pub(crate) fn documentation_url(versions: &str, number: i64, shown: &Presentation) -> Option<String> {
    shown.documentation_hash.as_ref().map(|_| format!("{versions}/{number}/documentation"))
}

/// The form of a version with its properties in their order.
pub(crate) fn parameters(shown: &Presentation) -> Option<Box<RawValue>> {
    shown.parameters.clone().and_then(|text| RawValue::from_string(text).ok())
}

/// The number of a version in a path.
pub(crate) fn version_number(text: &str) -> Result<i64, Problem> {
    let number = text.parse::<i64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| StoreError::not_found("version", text.to_owned()).into())
}

/// Sends the icon of a version.
pub(crate) async fn send_icon(api: &ApiState, tenant: &TenantId, headers: &HeaderMap, shown: &Presentation) -> Result<Response, Problem> {
    let (icon, bytes) = api.store.icon(tenant, shown).await?;
    let tag = format!("\"{}\"", icon.content_hash);
    let is_known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|known| known.contains(&tag));
    let own = [
        (header::CONTENT_TYPE, HeaderValue::from_static(icon.format.as_str())),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // A browser asks each time whether it may still see the icon, and is not sent it again.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).map_err(|error| Problem::internal(error.to_string()))?),
    ];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, own).into_response());
    }
    Ok((own, bytes).into_response())
}

/// The documentation of a version.
pub(crate) async fn documentation_of(
    api: &ApiState,
    tenant: &TenantId,
    number: i64,
    shown: &Presentation,
) -> Result<axum::Json<DocumentationView>, Problem> {
    Ok(axum::Json(DocumentationView { number, text: api.store.documentation(tenant, shown).await? }))
}
