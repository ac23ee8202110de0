//! The inbox through HTTP: who sees what, who decides, what comes back.

use super::Server;
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
    assert_eq!(counts, json!({"waiting_for_me": 0, "pending_of_mine": 1}));
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
