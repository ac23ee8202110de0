//! Rows of data: previews, taps and unit tests, with their bounds and their audit rows.

use super::{Server, request};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

async fn furnished() -> (Server, String, String) {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let token = server.token("acme", "developer", None).await;
    (server, token, instance)
}

/// JOB-4.
#[tokio::test]
async fn topics_and_jobs_are_previewed_within_bounds() {
    let (server, token, _) = furnished().await;
    let path = format!("{PROJECT}/topics/clicks/preview");
    let found = server.post(&token, &path, Value::Null).await.ok();
    assert_eq!(found["rows"][0]["row"]["order"], "PreviewOrder { start: Newest { records: 20 }, rows: 20, seconds: 5 }");
    assert_eq!(found["rows"][0]["place"], json!({"partition": 0}));
    let from = json!({"from": {"at": "time", "timestamp_ms": 5}, "rows": 7, "seconds": 1});
    let found = server.post(&token, &path, from).await.ok();
    assert_eq!(found["rows"][0]["row"]["order"], "PreviewOrder { start: Time { timestamp_ms: 5 }, rows: 7, seconds: 1 }");
    for wrong in [json!({"rows": 1001}), json!({"rows": 0}), json!({"seconds": 21}), json!({"from": {"at": "time", "timestamp_ms": -1}})] {
        assert_eq!(server.post(&token, &path, wrong.clone()).await.problem(), (422, "request.invalid"), "{wrong}");
    }
    assert_eq!(server.post(&token, &format!("{PROJECT}/topics/none/preview"), Value::Null).await.problem(), (404, "topic.not_found"));
    let job = format!("{PROJECT}/jobs/clean-clicks/preview");
    let found = server.post(&token, &job, json!({"node": "in"})).await.ok();
    assert_eq!(found["rows"][0]["row"]["topic"], "in");
    assert_eq!(server.post(&token, &job, json!({"node": "x"})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?limit=200").await.ok();
    let looks: Vec<&Value> = audit["items"].as_array().unwrap().iter().filter(|e| e["action"] == "data.preview").collect();
    assert_eq!(looks.len(), 4, "{looks:?}");
    assert_eq!(looks[3]["detail"], json!({"rows": 20, "of": "table"}));
}

#[tokio::test]
async fn taps_end_by_rows_bytes_or_the_instance() {
    let (server, token, instance) = furnished().await;
    let path = format!("{PROJECT}/instances/{instance}/tap");
    let found = server.post(&token, &path, json!({"node": "in", "rows": 7})).await.ok();
    assert_eq!((found["rows"].as_array().unwrap().len(), &found["closed"]), (7, &json!("rows")));
    assert_eq!((&found["seen"], &found["dropped"]), (&json!(18), &json!(9)));
    let found = server.post(&token, &path, json!({"edge": {"from": "in", "to": "out"}})).await.ok();
    assert_eq!((found["rows"].as_array().unwrap().len(), &found["closed"]), (15, &json!("instance_ended")));
    let found = server.post(&token, &path, json!({"node": "in", "bytes": 20})).await.ok();
    assert_eq!((found["rows"].as_array().unwrap().len(), &found["closed"]), (2, &json!("bytes")));
    for wrong in [json!({}), json!({"node": "a", "edge": {"from": "a", "to": "b"}}), json!({"node": "a", "seconds": 21})] {
        assert_eq!(server.post(&token, &path, wrong.clone()).await.problem(), (422, "request.invalid"), "{wrong}");
    }
    assert_eq!(server.post(&token, &path, json!({"node": "none"})).await.status, StatusCode::NOT_FOUND);
    let request = Request::post(&path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream")
        .body(Body::from(json!({"node": "in", "seconds": 200}).to_string()));
    let events = server.send(request.unwrap()).await;
    assert_eq!(events.headers[header::CONTENT_TYPE], "text/event-stream");
    let text = events.body.as_str().unwrap();
    assert_eq!(text.matches("event: rows").count(), 5, "{text}");
    assert!(text.contains("event: closed\ndata: {\"closed\":\"instance_ended\""), "{text}");
}

/// DEV-2.
#[tokio::test]
async fn unit_tests_take_resources_and_texts() {
    let (server, token, _) = furnished().await;
    let path = format!("{PROJECT}/jobs/clean-clicks/unit-tests");
    let body = json!({
        "sources": {"clicks": {"resource": "sample"}, "users": {"content": "u\n1\n", "format": "csv", "header": true}},
        "expected": {"out": {"resource": "sample", "version": 1, "mode": "ordered"}},
        "order": {"seed": 7, "shuffle_rows": 3, "delay": {"distribution": "exponential", "mean_ms": 50}},
    });
    let begun = server.post(&token, &path, body).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
    let warnings = begun.body["warnings"].as_array().unwrap();
    assert!(
        warnings[0].as_str().unwrap().starts_with("clicks: resource `sample` version 1 = \"a\\n1\\n\" Hints { is_csv: true"),
        "{warnings:?}"
    );
    assert_eq!(warnings[2], "out: resource `sample` version 1 Some(Ordered)");
    assert_eq!((&begun.body["seed"], &begun.body["allowed_actions"]), (&json!(7), &json!(["cancel"])));
    for (wrong, field) in [
        (json!({"sources": {"a": {}}}), "sources.a"),
        (json!({"sources": {"a": {"content": "x", "resource": "sample"}}}), "sources.a"),
        (json!({"sources": {}, "limits": {"seconds": 301}}), "limits.seconds"),
        (json!({"sources": {}, "graph": {"nodes": []}, "version": 1}), "version"),
    ] {
        let answer = server.post(&token, &path, wrong.clone()).await;
        assert_eq!((answer.problem().0, &answer.body["errors"][0]["field"]), (422, &json!(field)), "{wrong}");
    }
    let one = format!("{PROJECT}/unit-tests/ut_1");
    assert_eq!(server.get(&token, &one).await.ok()["state"], "running");
    let rows = server.get(&token, &format!("{one}/sinks/out/rows?after=200")).await.ok();
    assert_eq!((rows["rows"].as_array().unwrap().len(), &rows["last"], &rows["total"]), (50, &json!(250), &json!(300)));
    assert_eq!(server.get(&token, &format!("{one}/sinks/out/rows?limit=101")).await.problem(), (400, "request.invalid_query"));
    let cancelled = server.send(request(Some(&token), Method::POST, &format!("{one}/cancel"), &Value::Null, None)).await;
    assert_eq!((cancelled.status, &cancelled.body["allowed_actions"]), (StatusCode::ACCEPTED, &json!([])));
    assert_eq!(server.get(&token, &format!("{PROJECT}/unit-tests?job=clean-clicks")).await.ok()["items"].as_array().unwrap().len(), 1);
}

/// TMP-1.
#[tokio::test]
async fn temp_tables_live_and_go() {
    let (server, token, _) = furnished().await;
    let all = format!("{PROJECT}/temp-tables");
    let columns = json!([{"name": "a", "type": "INT"}]);
    let unlucky = server.post(&token, &all, json!({"name": "unlucky", "schema": columns})).await;
    assert_eq!(unlucky.problem(), (502, "external.failed"));
    assert_eq!(server.get(&token, &format!("{all}/unlucky")).await.problem(), (404, "temp_table.not_found"));
    assert_eq!(server.post(&token, &all, json!({"name": "sums", "schema": columns})).await.problem(), (409, "temp_table.exists"));
    assert_eq!(server.post(&token, &all, json!({"name": "clicks", "schema": columns})).await.problem(), (409, "topic.exists"));
    assert_eq!(server.post(&token, &all, json!({"name": "x", "schema": []})).await.problem(), (422, "request.invalid"));

    let one = format!("{all}/sums");
    let found = server.get(&token, &one).await.ok();
    assert_eq!((&found["owner"], &found["retention_ms"]), (&json!("root"), &json!(86_400_000)));
    assert_eq!(found["allowed_actions"], json!(["edit", "preview", "delete"]));
    assert_eq!(server.get(&token, &format!("{one}/size")).await.ok()["records"], 7);
    let failed = server.call(&token, Method::PUT, &one, json!({"retention_ms": 61_000})).await;
    assert_eq!(failed.problem(), (502, "external.failed"));
    assert_eq!(server.get(&token, &one).await.ok()["retention_ms"], 86_400_000, "what the topic does is what is shown");
    for wrong in [59_999, 7_776_000_001i64] {
        let answer = server.call(&token, Method::PUT, &one, json!({"retention_ms": wrong})).await;
        assert_eq!(answer.problem(), (422, "request.invalid"));
    }

    let draft = json!({"nodes": [
        {"id": "in", "kind": "temp_table_source", "config": {"table": "sums"}},
        {"id": "out", "kind": "temp_table_sink", "config": {"table": "made"}},
    ]});
    server.post(&token, &format!("{PROJECT}/jobs"), json!({"name": "reader", "draft": draft})).await.ok();
    server.post(&token, &format!("{PROJECT}/jobs/reader/versions"), Value::Null).await.ok();
    let made = server.get(&token, &format!("{all}/made")).await.ok();
    assert_eq!((&made["writers"][0]["job_name"], &made["readers"]), (&json!("reader"), &json!([])));
    let read = server.get(&token, &one).await.ok();
    assert_eq!((&read["readers"][0]["job_name"], &read["allowed_actions"]), (&json!("reader"), &json!(["edit", "preview"])));
    let in_use = server.call(&token, Method::DELETE, &one, Value::Null).await;
    assert_eq!(in_use.problem(), (409, "temp_table.in_use"));
    server.call(&token, Method::DELETE, &format!("{PROJECT}/jobs/reader"), Value::Null).await;
    let gone = server.call(&token, Method::DELETE, &one, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    let odd = server.call(&server.admin, Method::PUT, &format!("{PROJECT}/temp-table-settings"), json!({"data_source": "none"})).await;
    assert_eq!(odd.problem(), (422, "data_source.not_found"));
}
