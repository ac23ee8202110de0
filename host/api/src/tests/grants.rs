//! Grants over HTTP: bounded by the tenant, secrets only go in.

use super::Server;
use axum::http::Method;
use serde_json::json;

#[tokio::test]
async fn grants_are_bounded_and_secrets_are_never_answered() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.token("acme", "tenant_admin", None).await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let tenant = "/api/v1/tenants/acme/grants";
    let plugin = "/api/v1/tenants/acme/projects/web/plugins/clean/grants";
    let wanted = json!({"clock": true, "http": ["api.example.com"], "secrets": {"key": "s3cret"}, "folders": {"out": {"writable": true}}});

    assert_eq!(server.get(&admin, plugin).await.ok(), json!({"clock": false, "http": [], "secrets": {}, "folders": {}}));
    let beyond = server.call(&admin, Method::PUT, plugin, wanted.clone()).await;
    assert_eq!(beyond.problem().0, 422, "{beyond:?}");
    let bounds = json!({"clock": true, "http": ["*"], "secrets": ["*"], "folders": {"out": {"path": "/data/out", "writable": true}}});
    assert_eq!(server.call(&admin, Method::PUT, tenant, bounds.clone()).await.problem(), (403, "access.forbidden"));
    server.call(&server.admin, Method::PUT, tenant, bounds.clone()).await.ok();
    assert_eq!(server.get(&admin, tenant).await.ok(), bounds);
    assert_eq!(server.call(&developer, Method::PUT, plugin, wanted.clone()).await.problem(), (403, "access.forbidden"));
    let set = server.call(&admin, Method::PUT, plugin, wanted).await.ok();
    assert_eq!(set["secrets"], json!({"key": "***"}));
    assert_eq!(server.get(&developer, plugin).await.ok(), set);
    for (wrong, field) in [
        (json!({"http": ["127.0.0.1:8080"]}), "http"),
        (json!({"http": ["https://api.example.com"]}), "http"),
        (json!({"folders": {"etc": {}}}), "folders"),
        (json!({"clocks": true}), "clocks"),
    ] {
        let answer = server.call(&admin, Method::PUT, plugin, wrong).await;
        assert_eq!(answer.problem().0, 422, "{field}: {answer:?}");
        assert!(answer.body.to_string().contains(field), "{field}: {answer:?}");
    }
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=plugin.grant").await.ok();
    assert!(audit["items"].as_array().unwrap().len() >= 2 && !audit.to_string().contains("s3cret"), "{audit}");
}
