//! Every way to be wrong, and what is answered.

use super::{Server, request};
use crate::ApiConfig;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use std::time::Duration;

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

#[tokio::test]
async fn wrong_bodies_name_the_field() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let jobs = format!("{PROJECT}/jobs");
    let topics = format!("{PROJECT}/topics");
    let cases = [
        (&jobs, json!({}), "name", "missing field `name`"),
        (&jobs, json!({"name": "A b"}), "name", "`A b` is not a valid name; expected 1 to 63 lower-case letters, digits, `_` or `-`"),
        (&jobs, json!({"name": "a", "nmae": 1}), "nmae", "unknown field `nmae`"),
        (&jobs, json!({"name": "a", "draft": {"nodes": [{"id": "x"}]}}), "draft.nodes[0].kind", "missing field `kind`"),
        (&jobs, json!({"name": "a", "draft": {"nodes": [{"id": "x", "kind": 3}]}}), "draft.nodes[0].kind", "invalid type: integer `3`"),
        (&topics, json!({"name": "t", "data_source": "broker", "schema": [{"name": "a", "type": "STRNG"}]}), "schema[0].type", ""),
        (
            &topics,
            json!({"name": "t", "data_source": "nope", "schema": [{"name": "a", "type": "INT"}]}),
            "data_source",
            "`nope` is not in this project",
        ),
        (&topics, json!({"name": "t", "data_source": "broker", "schema": []}), "schema", "has no columns; a topic needs at least one"),
        (
            &topics,
            json!({"name": "t", "physical_name": "a b", "data_source": "broker", "schema": [{"name": "a", "type": "INT"}]}),
            "physical_name",
            "expected 1 to 249 letters, digits, `.`, `_` or `-`",
        ),
    ];
    for (path, body, field, message) in cases {
        let answer = server.post(&server.admin, path, body.clone()).await;
        assert_eq!(answer.problem().0, 422, "{body}: {answer:?}");
        let error = &answer.body["errors"][0];
        assert_eq!(error["field"], field, "{body}: {answer:?}");
        assert!(error["message"].as_str().unwrap().starts_with(message), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn wrong_requests_have_stable_codes() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.admin.as_str();
    let raw = |body: &str, kind: &str| {
        let request = Request::post(format!("{PROJECT}/jobs")).header(header::AUTHORIZATION, format!("Bearer {admin}"));
        request.header(header::CONTENT_TYPE, kind).body(Body::from(body.to_owned())).unwrap()
    };
    let large = format!("{{\"name\": \"{}\"}}", "a".repeat(64 << 10));
    let cases = [
        (raw("{", "application/json"), (400, "request.malformed_json")),
        (raw("{\"name\": \"a\"} x", "application/json"), (400, "request.malformed_json")),
        (raw("name=a", "application/x-www-form-urlencoded"), (415, "request.media_type")),
        (raw(&large, "application/json"), (413, "request.too_large")),
        (request(Some(admin), Method::GET, "/api/v1/nothing", &Value::Null, None), (404, "route.not_found")),
        (request(Some(admin), Method::DELETE, "/api/v1/me", &Value::Null, None), (405, "route.method_not_allowed")),
        (request(Some(admin), Method::GET, "/api/v1/tenants?limit=x", &Value::Null, None), (400, "request.invalid_query")),
        (request(Some(admin), Method::GET, "/api/v1/tenants?page=2", &Value::Null, None), (400, "request.invalid_query")),
        (request(Some(admin), Method::GET, "/api/v1/tenants?cursor=x", &Value::Null, None), (422, "request.invalid")),
        (request(Some(admin), Method::GET, "/api/v1/tenants/%FF", &Value::Null, None), (400, "request.malformed")),
        (request(Some(admin), Method::POST, "/api/v1/tenants", &json!({"name": "acme"}), None), (409, "tenant.exists")),
        (request(Some(admin), Method::GET, &format!("{PROJECT}/topics/nope"), &Value::Null, None), (404, "topic.not_found")),
        (
            request(Some(admin), Method::POST, &format!("{PROJECT}/topics/clicks/ensure"), &json!({"options": {"fail": 1}}), None),
            (502, "external.failed"),
        ),
    ];
    for (request, expected) in cases {
        let line = format!("{} {}", request.method(), request.uri());
        let answer = server.send(request).await;
        assert_eq!(answer.problem(), expected, "{line}: {answer:?}");
    }
}

#[tokio::test]
async fn a_wrong_graph_names_node_and_field() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let wrong = json!({"name": "wrong", "draft": {"nodes": [{"id": "in", "kind": "wrong"}]}});
    server.post(&server.admin, &format!("{PROJECT}/jobs"), wrong).await.ok();
    let report = server.post(&server.admin, &format!("{PROJECT}/jobs/wrong/validate"), Value::Null).await.ok();
    assert_eq!(report["valid"], false);
    let refused = server.post(&server.admin, &format!("{PROJECT}/jobs/wrong/versions"), Value::Null).await;
    assert_eq!(refused.problem(), (422, "graph.invalid"));
    let error = json!({
        "node": "in",
        "field": "config.topic",
        "code": "config.unknown_table",
        "message": "`clikcs` is not in the project; did you mean `clicks`?",
    });
    assert_eq!(refused.body["errors"], json!([error]));
    assert_eq!(report["errors"], json!([error]));
    let unsubmitted = server.post(&server.admin, &format!("{PROJECT}/instances"), json!({"job": "wrong"})).await;
    assert_eq!(unsubmitted.problem(), (409, "job.not_submitted"));
}

#[tokio::test]
async fn explain_takes_one_of_script_graph_and_job_and_names_line_and_column() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let explain = format!("{PROJECT}/sql/explain");
    let wrong = server.post(&server.admin, &explain, json!({"sql": "SELECT wrong"})).await.ok();
    let error = json!({"field": "sql", "code": "sql.syntax", "message": "expected a query", "line": 2, "column": 8});
    assert_eq!((&wrong["valid"], &wrong["errors"]), (&json!(false), &json!([error])));
    let right = server.post(&server.admin, &explain, json!({"sql": "SELECT 1", "parameters": {"parallelism": 2}})).await.ok();
    assert_eq!((&right["valid"], &right["graph"]["sql"]), (&json!(true), &json!("SELECT 1")));
    assert_eq!(right["graph"]["parameters"]["parallelism"], 2);
    let draft = server.post(&server.admin, &explain, json!({"job": "clean-clicks"})).await.ok();
    assert_eq!(draft["graph"]["nodes"][0]["id"], "in");
    for body in [json!({}), json!({"sql": "SELECT 1", "job": "clean-clicks"}), json!({"parameters": {}})] {
        assert_eq!(server.post(&server.admin, &explain, body.clone()).await.problem(), (422, "request.invalid"), "{body}");
    }
    let mistyped = server.post(&server.admin, &explain, json!({"sql": 1})).await;
    assert_eq!((mistyped.problem().0, &mistyped.body["errors"][0]["field"]), (422, &json!("sql")));
    assert_eq!(server.post(&server.admin, &explain, json!({"job": "nope"})).await.problem(), (404, "job.not_found"));
}

#[tokio::test]
async fn a_defect_is_answered_without_its_details() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let graph = json!({"graph": {"nodes": [{"id": "in", "kind": "panic"}]}});
    let answer = server.post(&server.admin, &format!("{PROJECT}/jobs/clean-clicks/validate"), graph).await;
    assert_eq!(answer.problem(), (500, "internal"));
    assert!(!answer.body.to_string().contains("a defect with details inside"), "{answer:?}");
    server.store.close().await;
    let answer = server.get(&server.admin, "/api/v1/me").await;
    assert_eq!(answer.problem(), (503, "metadata.unavailable"));
    let ready = server.send(request(None, Method::GET, "/health/ready", &Value::Null, None)).await;
    assert_eq!(ready.problem(), (503, "server.not_ready"));
    let live = server.send(request(None, Method::GET, "/health/live", &Value::Null, None)).await;
    assert_eq!(live.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_ends_in_time() {
    let server = Server::with(ApiConfig { request_timeout: Duration::ZERO, ..ApiConfig::default() }).await;
    let answer = server.get(&server.admin, "/api/v1/me").await;
    assert_eq!(answer.problem(), (503, "request.timeout"));
}

#[tokio::test]
async fn a_draining_server_is_not_ready_and_metrics_need_a_token() {
    let server = Server::start().await;
    let ready = || request(None, Method::GET, "/health/ready", &Value::Null, None);
    assert_eq!(server.send(ready()).await.status, StatusCode::OK);
    server.api.drain();
    assert_eq!(server.send(ready()).await.problem(), (503, "server.not_ready"));
    let metrics = server.get(&server.admin, "/metrics").await;
    assert_eq!(metrics.body, json!("millrace_instances 1\n"));
    let public = Server::with(ApiConfig { metrics_public: true, ..ApiConfig::default() }).await;
    assert_eq!(public.send(request(None, Method::GET, "/metrics", &Value::Null, None)).await.status, StatusCode::OK);
}
