//! The audit log holds every refusal, those of strangers too, and no flood of them.

use super::{Server, request};
use axum::http::Method;
use serde_json::{Value, json};

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

/// The refused requests of a log, newest first.
async fn refused(server: &Server, log: &str) -> Vec<Value> {
    let found = server.get(&server.admin, &format!("{log}/audit?outcome=refused&limit=200")).await.ok();
    found["items"].as_array().unwrap().clone()
}

fn with_code<'a>(rows: &'a [Value], code: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["detail"]["code"] == code).collect()
}

#[tokio::test]
async fn strangers_are_noted_and_a_flood_is_counted() {
    let server = Server::start().await;
    server.furnish("acme").await;
    for _ in 0..30 {
        assert_eq!(server.get("nonsense", "/api/v1/tenants/acme/projects").await.problem(), (401, "token.required"));
    }
    let rows = refused(&server, "/api/v1/platform").await;
    let strangers = with_code(&rows, "token.required");
    assert_eq!(strangers.len(), 10, "{rows:?}");
    let row = strangers[0];
    assert_eq!((&row["actor"], &row["detail"]["path"]), (&json!("anonymous"), &json!("/api/v1/tenants/acme/projects")));
    assert!(row["request_id"].as_str().unwrap().starts_with("req_"));
    assert!(refused(&server, "/api/v1/tenants/acme").await.is_empty(), "what a stranger claims is in nobody's log but the platform's");

    let body = json!({"tenant": "acme", "name": "nobody", "password": "wrong"});
    let mut slowed = false;
    for _ in 0..20 {
        let answer = server.send(request(None, Method::POST, "/api/v1/sign-in", &body, None)).await;
        slowed |= answer.problem().0 == 429;
    }
    assert!(slowed);
    let rows = refused(&server, "/api/v1/platform").await;
    assert!(!with_code(&rows, "sign_in.too_many").is_empty(), "{rows:?}");
}

#[tokio::test]
async fn what_somebody_may_not_do_is_noted_where_it_was() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let bad = server.upload(&developer, &format!("{PROJECT}/plugins/clean/versions"), b"PK\x03\x04").await;
    assert_eq!(bad.problem(), (422, "plugin.refused"));
    let large = server.upload(&developer, &format!("{PROJECT}/plugins/clean/versions"), &vec![0; 200 << 10]).await;
    assert_eq!(large.problem(), (413, "request.too_large"));
    server.call(&server.admin, Method::PUT, "/api/v1/tenants/acme/quotas/jobs", json!({"allowed": 1})).await.ok();
    let full = server.post(&developer, &format!("{PROJECT}/jobs"), json!({"name": "more"})).await;
    assert_eq!(full.problem(), (409, "quota.exceeded"));
    assert_eq!(server.get(&developer, "/api/v1/tenants/acme/audit").await.problem(), (403, "access.forbidden"));
    let rows = refused(&server, "/api/v1/tenants/acme").await;
    let shown: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row["actor_name"].as_str().unwrap(), row["action"].as_str().unwrap())).collect();
    assert_eq!(shown, ["developer audit.view", "developer job.create", "developer plugin.upload", "developer plugin.upload"], "{rows:?}");
    assert_eq!((&rows[1]["detail"]["code"], rows[1]["project"].is_string()), (&json!("quota.exceeded"), true));
    assert_eq!(rows[3]["detail"]["code"], "plugin.refused");
    // What was wrongly asked for is no refusal.
    let wrong = server.post(&developer, &format!("{PROJECT}/jobs"), json!({"nome": "more"})).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(refused(&server, "/api/v1/tenants/acme").await.len(), 4);
}

/// Also who has signed in cannot fill the log: of each action ten refusals are written, the others counted.
#[tokio::test]
async fn what_handlers_refuse_is_bounded() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    for _ in 0..30 {
        assert_eq!(server.get(&developer, "/api/v1/tenants/acme/audit").await.problem(), (403, "access.forbidden"));
    }
    assert_eq!(server.post(&developer, "/api/v1/tenants", json!({"name": "x"})).await.status, 403);
    let of = async |log: &str, action: &str| refused(&server, log).await.iter().filter(|row| row["action"] == action).count();
    assert_eq!((of("/api/v1/tenants/acme", "audit.view").await, of("/api/v1/platform", "tenant.create").await), (10, 1));
}

#[tokio::test]
async fn an_export_has_no_end_but_that_of_the_log() {
    let server = Server::start().await;
    server.furnish("acme").await;
    for _ in 0..450 {
        server
            .store
            .record_refusal(
                &millrace_store::Cause::system("test"),
                millrace_domain::Action::JobEdit,
                &millrace_domain::Scope::Platform,
                "x",
            )
            .await
            .unwrap();
    }
    let exported = server.get(&server.admin, "/api/v1/platform/audit/export?format=jsonl&action=job.edit").await.ok();
    assert_eq!(exported.as_str().unwrap().lines().count(), 450);
    let developer = server.token("acme", "tenant_admin", None).await;
    assert_eq!(server.get(&developer, "/api/v1/platform/audit/export").await.status, 403);
}
