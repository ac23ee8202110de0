//! Paths of the HTTP API.

use crate::client::encode;

/// All tenants.
pub(crate) const TENANTS: &str = "/api/v1/tenants";

/// One tenant.
pub(crate) fn tenant(tenant: &str) -> String {
    format!("{TENANTS}/{}", encode(tenant))
}

/// One project.
pub(crate) fn project(tenant_name: &str, project: &str) -> String {
    format!("{}/projects/{}", tenant(tenant_name), encode(project))
}

/// Something below a project: `below(project, "topics", "clicks")`.
pub(crate) fn below(project: &str, kind: &str, name: &str) -> String {
    format!("{project}/{kind}/{}", encode(name))
}
