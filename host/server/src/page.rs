//! The page at `/`: where everything is.

use axum::{Router, response::Html, routing::get};
use std::net::SocketAddr;

/// Serves the page.
pub(crate) fn router(address: SocketAddr) -> Router {
    Router::new().route("/", get(move || async move { Html(text(address)) }))
}

fn text(address: SocketAddr) -> String {
    let link = |path: &str, what: &str| format!("<li><a href=\"{path}\">http://{address}{path}</a> — {what}</li>");
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Millrace</title>\
         <body style=\"font: 16px/1.5 system-ui; max-width: 44rem; margin: 3rem auto; padding: 0 1rem\">\
         <h1>Millrace {}</h1><p>A multi-tenant real-time stream-processing platform. This server is up.</p><ul>{}{}{}{}</ul>\
         <p>Requests to the API carry <code>authorization: Bearer TOKEN</code>; the command line on this machine reads the \
         token from <code>admin.token</code> in the data folder.</p></body></html>",
        env!("CARGO_PKG_VERSION"),
        link("/api/v1/tenants", "the API"),
        link("/api/v1/openapi.json", "its description (OpenAPI 3.1)"),
        link("/metrics", "metrics (Prometheus)"),
        link("/health/ready", "whether the server takes requests"),
    )
}
