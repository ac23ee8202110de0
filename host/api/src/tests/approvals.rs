//! The inbox through HTTP: who sees what, who decides, what comes back.

use super::{PASSWORD, Server};
use axum::http::Method;
use serde_json::{Value, json};

const INBOX: &str = "/api/v1/tenants/acme/approvals";

async fn numbers(server: &Server, token: &str, query: &str) -> Vec<i64> {
    let listed = server.get(token, &format!("{INBOX}?{query}")).await.ok();
    listed["items"].as_array().unwrap().iter().map(|a| a["number"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_request_is_decided_by_somebody_else() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let decider = server.token("acme", "project_data_admin", Some("web")).await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let me = server.get(&developer, "/api/v1/me").await.ok()["user"].as_str().unwrap().to_owned();
    let number = server.request_permission("acme", &me).await;

    assert_eq!(numbers(&server, &decider, "view=waiting_for_me").await, [2, 1]);
    assert_eq!(numbers(&server, &developer, "view=requested_by_me").await, [2]);
    assert_eq!(numbers(&server, &developer, "view=waiting_for_me").await, [0; 0]);
    assert_eq!(numbers(&server, &decider, "project=web&kind=table_permission&state=pending&open=true").await, [2, 1]);
    let counts = server.get(&developer, "/api/v1/tenants/acme/approval-counts").await.ok();
    assert_eq!(counts, json!({"waiting_for_me": 0, "due_soon": 0, "pending_of_mine": 1, "expired_of_mine": 0}));
    assert_eq!(numbers(&server, &decider, "view=waiting_for_me&reminded=true").await, [0; 0]);
    assert_eq!(numbers(&server, &decider, "view=waiting_for_me&reminded=false").await, [2, 1]);
    let wrong = server.get(&developer, &format!("{INBOX}?view=everything")).await;
    assert_eq!(wrong.problem(), (400, "request.invalid_query"));

    let path = format!("{INBOX}/{number}");
    assert_eq!(server.get(&developer, &path).await.ok()["allowed_actions"], json!(["withdraw"]));
    assert_eq!(server.get(&decider, &path).await.ok()["allowed_actions"], json!(["approve", "reject"]));
    let refused = server.post(&developer, &format!("{path}/approve"), Value::Null).await;
    assert_eq!(refused.problem(), (403, "access.forbidden"));
    let foreign = server.post(&decider, &format!("{path}/withdraw"), Value::Null).await;
    assert_eq!(foreign.problem(), (403, "approval.not_applicant"));
    let silent = server.post(&decider, &format!("{path}/reject"), Value::Null).await;
    assert_eq!(silent.problem(), (422, "request.invalid"));

    let approved = server.post(&decider, &format!("{path}/approve"), json!({"opinion": "until the audit"})).await.ok();
    assert_eq!((&approved["state"], &approved["allowed_actions"]), (&json!("approved"), &json!([])));
    assert_eq!(approved["result"][0]["permission"], "select");
    assert_eq!(server.control.notified.load(std::sync::atomic::Ordering::SeqCst), 1);
    let again = server.post(&decider, &format!("{path}/reject"), json!({"opinion": "no"})).await;
    assert_eq!(again.problem(), (409, "approval.state"));
    assert_eq!(numbers(&server, &decider, "view=decided_by_me").await, [2]);
    let detail = server.get(&developer, &path).await.ok();
    let events: Vec<_> = detail["history"].as_array().unwrap().iter().map(|s| s["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["request", "approve"]);
    assert_eq!(detail["history"][1]["note"], "until the audit");
}

#[tokio::test]
async fn deciders_do_not_decide_for_themselves_or_elsewhere() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.post(&server.admin, "/api/v1/tenants/acme/projects", json!({"name": "other"})).await.ok();
    let decider = server.token("acme", "project_data_admin", Some("web")).await;
    let me = server.get(&decider, "/api/v1/me").await.ok()["user"].as_str().unwrap().to_owned();
    let number = server.request_permission("acme", &me).await;
    let path = format!("{INBOX}/{number}");
    assert_eq!(server.get(&decider, &path).await.ok()["allowed_actions"], json!(["withdraw"]));
    let own = server.post(&decider, &format!("{path}/approve"), Value::Null).await;
    assert_eq!(own.problem(), (403, "approval.own_request"));
    let elsewhere = server.token("acme", "project_data_admin", Some("other")).await;
    assert_eq!(server.get(&elsewhere, &path).await.problem(), (404, "approval.not_found"));
    assert_eq!(server.post(&elsewhere, &format!("{path}/approve"), Value::Null).await.problem(), (404, "approval.not_found"));
    assert_eq!(numbers(&server, &elsewhere, "").await, [0; 0]);
    let withdrawn = server.post(&decider, &format!("{path}/withdraw"), Value::Null).await.ok();
    assert_eq!(withdrawn["state"], "withdrawn");
}

/// ROL-7: a token does nothing that its maker may not do, agreeing to their own requests too; with them it ends.
#[tokio::test]
async fn a_token_decides_nothing_for_whoever_made_it() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let mut boss = server.person(Some("acme"), "boss", json!([{"role": "tenant_admin"}])).await;
    server.person(Some("acme"), "second", json!([{"role": "tenant_admin"}])).await;
    let me = server.browse(&boss, Method::GET, "/api/v1/me", Value::Null).await.ok()["user"].as_str().unwrap().to_owned();
    let body = json!({"name": "helper", "role": "tenant_admin"});
    let issued = server.browse(&boss, Method::POST, "/api/v1/tenants/acme/tokens", body.clone()).await.ok();
    let token = issued["secret"].as_str().unwrap().to_owned();
    let nested = server.post(&token, "/api/v1/tenants/acme/tokens", body).await.ok()["secret"].as_str().unwrap().to_owned();

    // The person asks, their machines answer.
    let own = server.request_permission("acme", &me).await;
    for machine in [&token, &nested] {
        assert_eq!(numbers(&server, machine, "view=waiting_for_me").await, [1], "only what others ask for");
        let refused = server.post(machine, &format!("{INBOX}/{own}/approve"), Value::Null).await;
        assert_eq!(refused.problem(), (403, "approval.own_request"));
    }
    // A machine asks, the person answers.
    let machine = server.get(&token, "/api/v1/me").await.ok()["user"].as_str().unwrap().to_owned();
    let asked = server.request_permission("acme", &machine).await;
    let refused = server.browse(&boss, Method::POST, &format!("{INBOX}/{asked}/approve"), Value::Null).await;
    assert_eq!(refused.problem(), (403, "approval.own_request"));
    let other = server.token("acme", "tenant_admin", None).await;
    server.post(&other, &format!("{INBOX}/{asked}/approve"), Value::Null).await.ok();

    let path = "/api/v1/tenants/acme/users/boss";
    let tag = server.get(&server.admin, path).await.headers["etag"].to_str().unwrap().to_owned();
    let off = super::request(Some(&server.admin), Method::PATCH, path, &json!({"enabled": false}), Some(&tag));
    server.send(off).await.ok();
    for machine in [&token, &nested] {
        assert_eq!(server.get(machine, "/api/v1/me").await.problem(), (401, "token.required"), "it outlives whoever made it");
    }
    assert_eq!(server.sign_in(&mut boss, PASSWORD).await.problem(), (401, "sign_in.failed"));
}
