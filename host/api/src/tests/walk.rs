//! What a user does from the first to the last step, and what each answer holds.

use super::{Server, request};
use axum::http::{Method, StatusCode, header};
use millrace_domain::InstanceEvent;
use millrace_model::ids::InstanceId;
use millrace_store::{Cause, InstanceReport};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

#[tokio::test]
async fn from_a_tenant_to_a_savepoint() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;

    let test = server.post(&token, &format!("{PROJECT}/data-sources/broker/test"), Value::Null).await.ok();
    assert_eq!(test["message"], "kafka with password of 7 characters", "the control plane gets the secret in clear");
    let ensured = server.post(&token, &format!("{PROJECT}/topics/clicks/ensure"), json!({"options": {"partitions": 2}})).await.ok();
    assert_eq!(ensured, json!({"created": true}));
    let validated = server.post(&token, &format!("{PROJECT}/jobs/clean-clicks/validate"), Value::Null).await.ok();
    assert_eq!(validated["valid"], true);

    let path = format!("{PROJECT}/instances/{instance}");
    let found = server.get(&token, &path).await.ok();
    assert_eq!((&found["state"], &found["allowed_actions"]), (&json!("created"), &json!(["start"])));
    assert_eq!(found["observation"]["phase"], "running");
    let early = server.post(&token, &format!("{path}/savepoints"), Value::Null).await;
    assert_eq!(early.problem(), (409, "instance.state"));
    let started = server.post(&token, &format!("{path}/start"), Value::Null).await;
    assert_eq!(started.status, StatusCode::ACCEPTED);
    assert_eq!((&started.body["state"], &started.body["allowed_actions"]), (&json!("starting"), &json!(["stop"])));
    assert_eq!(server.control.notified.load(Ordering::SeqCst), 1);
    let again = server.post(&token, &format!("{path}/start"), Value::Null).await;
    assert_eq!(again.problem(), (409, "instance.state"));
    assert_eq!(again.body["detail"], "`start` is not possible while the instance is starting");

    let id = InstanceId::new(instance.as_str());
    let claimed = server.store.claim_instance(&id, "w1", i64::MAX).await.unwrap().unwrap();
    for event in [InstanceEvent::Launched, InstanceEvent::FailedForNow, InstanceEvent::Launched] {
        let failure = (event == InstanceEvent::FailedForNow).then(|| json!({"message": "broker away"}));
        let report = InstanceReport { attempt: claimed.attempt, event, failure, restart_count: None };
        server.store.report_instance(&Cause::system("worker"), &id, &report).await.unwrap();
    }
    let failures = server.get(&token, &format!("{path}/exceptions")).await.ok();
    assert_eq!(failures["items"].as_array().unwrap().len(), 1);
    assert_eq!(failures["items"][0]["failure"]["message"], "broker away");
    assert_eq!(failures["items"][0]["final_failure"], false);
    let metrics = server.get(&token, &format!("{path}/metrics")).await.ok();
    assert_eq!(metrics, json!({"observed": true, "worker": "w1", "value": {"clean": {"numRecordsIn": 7}}}));
    let checkpoints = server.get(&token, &format!("{path}/checkpoints")).await.ok();
    assert_eq!(checkpoints["value"], json!([{"id": 1}]));

    let savepoint = server.post(&token, &format!("{path}/savepoints"), Value::Null).await;
    assert_eq!((savepoint.status, &savepoint.body["state"]), (StatusCode::CREATED, &json!("completed")));
    let listed = server.get(&token, &format!("{path}/savepoints")).await.ok();
    assert_eq!(listed["items"], json!([savepoint.body]));
    let stopped = server.post(&token, &format!("{path}/stop"), json!({"with_savepoint": true})).await;
    assert_eq!((stopped.status, &stopped.body["state"]), (StatusCode::ACCEPTED, &json!("stopping")));

    let start = json!({"from": "savepoint", "savepoint": savepoint.body["id"]});
    let next = json!({"job": "clean-clicks", "version": 1, "start": start, "parameters": {"rate": "5"}});
    let next = server.post(&token, &format!("{PROJECT}/instances"), next).await.ok();
    assert_eq!((&next["start"], &next["parameters"]), (&start, &json!({"rate": "5"})));
    let of_job = server.get(&token, &format!("{PROJECT}/instances?job=clean-clicks&limit=1")).await.ok();
    assert_eq!((&of_job["items"][0]["id"], of_job["next_cursor"].is_string()), (&next["id"], true));

    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?project=web&limit=200").await.ok();
    let mut words: Vec<_> = audit["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap().to_owned()).collect();
    words.reverse();
    insta::assert_snapshot!("audit_of_the_walk", words.join("\n"));
    assert!(!audit.to_string().contains("hunter2"));
}

#[tokio::test]
async fn edits_are_not_lost() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", None).await;
    let path = format!("{PROJECT}/jobs/clean-clicks");
    let read = server.get(&token, &path).await;
    assert_eq!(read.headers[header::ETAG], "\"1\"");
    let change = json!({"folder": "etl", "draft": {"nodes": []}});
    let blind = server.call(&token, Method::PUT, &path, change.clone()).await;
    assert_eq!(blind.problem(), (428, "request.if_match"));
    let edited = server.send(request(Some(&token), Method::PUT, &path, &change, Some("\"1\""))).await;
    assert_eq!((edited.status, &edited.headers[header::ETAG]), (StatusCode::OK, &"\"2\"".parse().unwrap()));
    let lost = server.send(request(Some(&token), Method::PUT, &path, &change, Some("\"1\""))).await;
    assert_eq!(lost.problem(), (412, "job.changed"));
    let stale = server.send(request(Some(&token), Method::POST, &format!("{path}/versions"), &Value::Null, Some("\"1\""))).await;
    assert_eq!(stale.problem(), (412, "job.changed"));
    for odd in ["3", "*", "\"x\""] {
        let answer = server.send(request(Some(&token), Method::PUT, &path, &change, Some(odd))).await;
        assert_eq!(answer.problem(), (400, "request.if_match"), "{odd}");
    }
    let second = server.post(&token, &format!("{path}/versions"), json!({"description": "empty"})).await;
    assert_eq!((second.status, &second.body["number"]), (StatusCode::CREATED, &json!(2)));
    let same = server.post(&token, &format!("{path}/versions"), Value::Null).await.ok();
    assert_eq!(same["id"], second.body["id"]);
    assert_eq!(server.get(&token, &format!("{path}/versions/2")).await.ok()["description"], "empty");
    assert_eq!(server.get(&token, &format!("{path}/versions")).await.ok()["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.get(&token, &format!("{PROJECT}/jobs?folder=etl")).await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.call(&token, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&token, &path).await.problem(), (404, "job.not_found"));
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.admin.clone();
    let path = format!("{PROJECT}/data-sources/broker");
    let read = server.get(&admin, &path).await.ok();
    assert_eq!(read["properties"]["sasl.password"], "***");
    let mut properties = read["properties"].clone();
    properties["timeout_ms"] = json!("7");
    let changed = server.call(&admin, Method::PUT, &path, json!({"properties": properties})).await.ok();
    assert_eq!(changed["properties"], json!({"bootstrap.servers": "localhost:9092", "timeout_ms": "7", "sasl.password": "***"}));
    let test = server.post(&admin, &format!("{path}/test"), Value::Null).await.ok();
    assert_eq!(test["message"], "kafka with password of 7 characters", "*** has kept the secret");
    properties["bootstrap.servers"] = json!("other:9092");
    let moved = server.call(&admin, Method::PUT, &path, json!({"properties": properties})).await;
    assert_eq!(moved.body["errors"][0]["code"], "data_source.secret_moved", "*** would send the secret to another server: {moved:?}");
    let used = server.call(&admin, Method::DELETE, &path, Value::Null).await;
    assert_eq!(used.problem(), (409, "data_source.in_use"));
}

#[tokio::test]
async fn an_archived_project_can_be_seen_but_not_entered() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let admin = server.admin.clone();
    server.post(&admin, &format!("{PROJECT}/instances/{instance}/start"), Value::Null).await.ok();
    let archived = server.post(&admin, &format!("{PROJECT}/archive"), Value::Null).await.ok();
    assert!(archived["archived_at_ms"].is_i64());
    assert_eq!(server.control.notified.load(Ordering::SeqCst), 2, "instances are told to stop at once");
    assert_eq!(server.get(&admin, &format!("{PROJECT}/jobs")).await.problem(), (409, "project.archived"));
    server.get(&admin, PROJECT).await.ok();
    assert!(server.get(&admin, "/api/v1/tenants/acme/projects").await.ok()["items"].as_array().unwrap().is_empty());
    let all = server.get(&admin, "/api/v1/tenants/acme/projects?archived=true").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn plugins_are_uploaded_as_bytes() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let path = format!("{PROJECT}/plugins/clean/versions");
    let second = server.upload(&token, &format!("{path}?description=cleans"), b"\0asm another component").await;
    assert_eq!((second.status, &second.body["latest"]["number"]), (StatusCode::CREATED, &json!(2)));
    assert_eq!(second.body["description"], "cleans");
    let bad = server.upload(&token, &path, b"PK\x03\x04").await;
    assert_eq!(bad.problem(), (422, "plugin.refused"));
    let large = server.upload(&token, &path, &vec![0; (128 << 10) + 1]).await;
    assert_eq!(large.problem(), (413, "request.too_large"));
    let odd = server.upload(&token, &format!("{PROJECT}/plugins/Clean/versions"), b"\0asm").await;
    assert_eq!(odd.problem(), (422, "request.invalid"));
    assert_eq!(server.get(&token, &path).await.ok()["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.get(&token, &format!("{PROJECT}/plugins")).await.ok()["items"][0]["name"], "clean");
    let id = second.body["id"].as_str().unwrap();
    assert_eq!(server.get(&token, &format!("{PROJECT}/plugins/{id}")).await.ok()["name"], "clean");
}

#[tokio::test]
async fn a_plugin_that_nobody_uses_is_removed() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let (token, member) = (server.token("acme", "developer", Some("web")).await, server.token("acme", "member", Some("web")).await);
    let path = format!("{PROJECT}/plugins/spare");
    for component in [b"\0asm first".as_slice(), b"\0asm another"] {
        server.upload(&token, &format!("{path}/versions"), component).await.ok();
    }
    assert_eq!(server.get(&token, &format!("{path}/used-by")).await.ok()["items"], json!([]));
    let gone = async |token: &str, path: &str| server.call(token, Method::DELETE, path, Value::Null).await;
    assert_eq!(gone(&member, &path).await.problem(), (403, "access.forbidden"));
    assert_eq!(gone(&token, &format!("{path}/versions/2")).await.problem(), (409, "plugin.newest_version"));
    assert_eq!(gone(&token, &format!("{path}/versions/latest")).await.problem(), (404, "version.not_found"));
    assert_eq!(gone(&token, &format!("{path}/versions/1")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(gone(&token, &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&token, &path).await.problem(), (404, "plugin.not_found"));
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=plugin.delete").await.ok();
    let details: Vec<_> = audit["items"].as_array().unwrap().iter().map(|e| e["detail"]["version"].clone()).collect();
    assert_eq!(details[..2], [Value::Null, json!(1)], "{audit}");
}
