//! The HTTP API: JSON over HTTP, described by its own OpenAPI 3.1 document at `/api/v1/openapi.json`.
//!
//! A handler extracts, authorizes, makes one call and responds. Invariants: nothing is read from a request's body before
//! its caller may do what they ask; every change and every refusal is in the audit log; another tenant's thing is "not
//! found"; errors are RFC 9457 problem details with stable codes, and what went wrong inside is logged, never answered.

mod allowed;
mod approvals;
mod audit;
mod builds;
mod business_data;
mod caller;
mod capabilities;
mod catalog_table;
mod catalog_tables;
mod categories;
mod control_plane;
mod cookie;
mod data_access;
mod data_source_kinds;
mod data_sources;
mod databases;
mod engine_control;
mod extract;
mod folders;
mod frame;
mod functions;
mod governed;
mod identity_providers;
mod instance_graph;
mod instance_logs;
mod instance_views;
mod instances;
mod job_diff;
mod job_locks;
mod job_versions;
mod jobs;
mod keys;
mod lineage;
mod me;
mod members;
mod meta_models;
mod oidc;
mod openapi;
mod page;
mod permissions;
mod platform;
mod plugins;
mod presentation;
mod preview;
mod problem;
mod projects;
mod quality_rules;
mod quotas;
mod refusals;
mod relations;
mod releases;
mod resources;
mod samples;
mod savepoints;
mod search;
mod services;
mod sign_in;
mod sql;
mod standing;
mod state;
mod table_grants;
mod table_publications;
mod tags;
mod taps;
mod temp_tables;
mod templates;
mod tenants;
#[cfg(test)]
mod tests;
mod tokens;
mod topics;
mod unit_tests;
mod upload;
mod users;
mod yaml;

pub use control_plane::{
    AdmittedComponent, ConnectivityReport, ControlFailure, ControlPlane, ExplainReport, PinFailure, PinnedGraph, QueryColumnView,
    QueryView, RowTap, SourceColumnView, ValidationReport,
};
pub use lineage::PRODUCER;
pub use millrace_control::{DescribedFunction, InspectedResource, PackageHints};
pub use millrace_identity::HashRules;
pub use openapi::document;
pub use problem::FieldError;
pub use state::{ApiConfig, ApiState};
pub use upload::UploadRules;
pub use yaml::{read as read_yaml, write as write_yaml};

/// The whole API as one router.
pub fn router(state: ApiState) -> axum::Router {
    let (routes, _) = openapi::routes(&state.config).split_for_parts();
    routes
        .fallback(frame::no_route)
        .method_not_allowed_fallback(frame::no_method)
        .layer(axum::middleware::from_fn_with_state(state.clone(), frame::frame))
        .with_state(state)
}
