//! Data sources: forms, checks by field, two environments, samples; and that no answer ever holds a secret (SRC-1 to SRC-3).

use super::{Server, request};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const SOURCES: &str = "/api/v1/tenants/acme/projects/web/data-sources";

#[tokio::test]
async fn a_page_finds_what_there_is_to_fill_in() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let member = server.token("acme", "member", None).await;
    let kinds = server.get(&member, "/api/v1/data-source-kinds").await.ok();
    let kafka = &kinds["items"][0];
    assert_eq!(
        (kafka["kind"].as_str(), kafka["group"].as_str(), &kafka["usable_in_jobs"]),
        (Some("kafka"), Some("message_queue"), &json!(true))
    );
    let fields = kafka["fields"].as_array().unwrap();
    assert_eq!(
        fields[1],
        json!({"name": "timeout_ms", "label": "Timeout", "type": "integer", "min": 1, "max": 9, "required": false, "default": "5", "secret": false, "address": false, "description": "How long"})
    );
    assert_eq!(fields[2]["values"], json!(["plain", "tls"]));
    assert_eq!(fields[3]["secret"], true);
}

#[tokio::test]
async fn wrong_properties_are_refused_by_field() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let refused = |answer: super::Answer| {
        assert_eq!(answer.problem(), (422, "data_source.invalid"));
        let fields = answer.body["errors"].as_array().unwrap().iter();
        fields.map(|e| format!("{} {}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let make = |kind: &str, properties: Value| {
        let body = json!({"name": "new", "kind": kind, "properties": properties});
        let server = &server;
        async move { server.post(&server.admin, SOURCES, body).await }
    };
    let answer = make("kafka", json!({"timeout_ms": "10", "protocol": "udp", "ssl.key.pem": "hunter2", "unknown": "1"})).await;
    assert!(!answer.body.to_string().contains("hunter2"), "{answer:?}");
    assert_eq!(
        refused(answer),
        [
            "properties.bootstrap.servers config.missing",
            "properties.timeout_ms config.invalid",
            "properties.protocol config.invalid",
            "properties.ssl.key.pem config.invalid",
            "properties.unknown config.unknown_property",
        ]
    );
    assert_eq!(refused(make("fax", json!({})).await), ["kind data_source.unknown_kind"]);
    // A secret that is kept is checked by its value, not by its stars.
    let pem = "-----BEGIN KEY-----";
    let made = make("kafka", json!({"bootstrap.servers": "a:1", "ssl.key.pem": pem})).await.ok();
    assert_eq!(made["properties"]["ssl.key.pem"], "***");
    let path = format!("{SOURCES}/new");
    let edit = |properties: Value| server.call(&server.admin, Method::PUT, &path, json!({"properties": properties}));
    edit(json!({"bootstrap.servers": "a:1", "timeout_ms": "3", "ssl.key.pem": "***"})).await.ok();
    assert_eq!(refused(edit(json!({"ssl.key.pem": pem})).await), ["properties.bootstrap.servers config.missing"]);
    assert_eq!(edit(json!({"bootstrap.servers": "a:1", "sasl.password": "***"})).await.problem(), (422, "request.invalid"));
    // SRC-3: a secret is for the address that it was given for.
    let elsewhere = edit(json!({"bootstrap.servers": "evil:1", "ssl.key.pem": "***"})).await;
    assert!(elsewhere.body["errors"][0]["message"].as_str().unwrap().contains("`bootstrap.servers` changes"), "{elsewhere:?}");
    assert_eq!(refused(elsewhere), ["properties.ssl.key.pem data_source.secret_moved"]);
    edit(json!({"bootstrap.servers": "b:1", "ssl.key.pem": pem})).await.ok();
}

#[tokio::test]
async fn production_is_reached_in_its_own_way() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let manager = server.token("acme", "global_data_admin", None).await;
    let developer = server.token("acme", "developer", None).await;
    let source = format!("{SOURCES}/broker");
    let seen = server.get(&developer, &source).await.ok();
    assert_eq!(seen["allowed_actions"], json!(["data_source.test", "data_source.sample"]));
    assert_eq!(seen["bindings"].as_array().unwrap().len(), 1);
    let test = format!("{source}/test?environment=production");
    assert_eq!(server.post(&developer, &test, Value::Null).await.problem(), (409, "data_source.unbound"));

    let production = format!("{source}/production");
    let elsewhere = json!({"properties": {"bootstrap.servers": "prod:9092", "sasl.password": "***"}});
    let elsewhere = server.call(&manager, Method::PUT, &production, elsewhere).await;
    assert_eq!(elsewhere.body["errors"][0]["code"], "data_source.secret_moved", "the password is that of the tests' cluster");
    let body = json!({"properties": {"bootstrap.servers": "localhost:9092", "timeout_ms": "7", "sasl.password": "***"}});
    assert_eq!(server.call(&developer, Method::PUT, &production, body.clone()).await.problem(), (403, "access.forbidden"));
    let bound = server.call(&manager, Method::PUT, &production, body).await.ok();
    assert_eq!(
        (&bound["environment"], &bound["revision"], &bound["properties"]["sasl.password"]),
        (&json!("production"), &json!(1), &json!("***"))
    );
    let wrong = server.call(&manager, Method::PUT, &production, json!({"properties": {}})).await;
    assert_eq!(wrong.problem(), (422, "data_source.invalid"));
    let late = json!({"properties": {"bootstrap.servers": "other:9092"}});
    let late = server.send(request(Some(&manager), Method::PUT, &production, &late, Some("\"7\""))).await;
    assert_eq!(late.problem(), (412, "data_source_binding.changed"));

    // The first binding of the same cluster has taken over the password of tests.
    let report = server.post(&developer, &test, Value::Null).await.ok();
    assert_eq!(report["message"], "kafka with password of 7 characters");
    let seen = server.get(&developer, &source).await.ok();
    let (tests, production_seen) = (&seen["bindings"][0], &seen["bindings"][1]);
    assert_eq!((&tests["environment"], &tests["last_test"]), (&json!("test"), &Value::Null));
    assert_eq!(production_seen["properties"]["timeout_ms"], "7");
    assert_eq!(production_seen["last_test"]["reachable"], true);
    assert_eq!(production_seen["last_test"]["tested_by"], "developer");
    let gone = server.call(&manager, Method::DELETE, &production, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(server.call(&manager, Method::DELETE, &production, Value::Null).await.problem().0, 404);
}

#[tokio::test]
async fn schemas_are_imported_by_a_look() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", None).await;
    let path = format!("{SOURCES}/broker/sample");
    let listed = server.post(&developer, &path, Value::Null).await.ok();
    assert_eq!(listed, json!({"tables": ["clicks"], "more_tables": false}));
    let found = server.post(&developer, &path, json!({"table": "clicks", "rows_max": 7})).await.ok();
    let table = &found["table"];
    assert_eq!((&table["rows_seen"], &table["notes"][0]), (&json!(7), &json!("at localhost:9092")));
    // What was found is what a topic is made with.
    let topic = json!({"name": "imported", "physical_name": table["physical_name"], "data_source": "broker", "schema": table["schema"], "format": table["format"]});
    server.post(&developer, "/api/v1/tenants/acme/projects/web/topics", topic).await.ok();
    let missing = server.post(&developer, &path, json!({"table": "nothing"})).await;
    assert_eq!(missing.problem(), (422, "data_source.missing"));
    for wrong in [json!({"table": ""}), json!({"table": "clicks", "rows_max": 0}), json!({"table": "clicks", "rows_max": 5000})] {
        assert_eq!(server.post(&developer, &path, wrong).await.problem(), (422, "request.invalid"));
    }
    assert_eq!(server.post(&developer, &path, json!({"environment": "production"})).await.problem(), (409, "data_source.unbound"));
}

/// JOB-4: rows are for who may preview data, those of production for who says how it is reached; columns are for both.
#[tokio::test]
async fn a_look_shows_rows_only_to_who_may_see_them() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", None).await;
    let manager = server.token("acme", "global_data_admin", None).await;
    let owner = server.token("acme", "tenant_admin", None).await;
    let production = json!({"properties": {"bootstrap.servers": "prod:9092"}});
    server.call(&manager, Method::PUT, &format!("{SOURCES}/broker/production"), production).await.ok();
    for (who, environment, rows) in [
        (&developer, "test", 1),
        (&developer, "production", 0),
        (&manager, "test", 0),
        (&manager, "production", 0),
        (&owner, "test", 1),
        (&owner, "production", 1),
    ] {
        let look = json!({"table": "clicks", "environment": environment});
        let found = server.post(who, &format!("{SOURCES}/broker/sample"), look).await.ok();
        assert_eq!(found["table"]["schema"][0]["name"], "url");
        assert_eq!(found["table"]["rows"].as_array().unwrap().len(), rows, "{environment}: {found}");
    }
    let noted = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=data_source.sample").await.ok();
    let shown: Vec<_> = noted["items"].as_array().unwrap().iter().map(|row| row["detail"]["rows_shown"] == true).collect();
    assert_eq!(shown, [true, true, false, false, false, true], "newest first: {noted}");
    assert_eq!(noted["items"][0]["detail"]["of"], "data_source");
}

#[tokio::test]
async fn a_rotation_is_the_platforms_and_shows_no_key() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let administrator = server.token("acme", "tenant_admin", None).await;
    assert_eq!(server.post(&administrator, "/api/v1/keys/rotate", Value::Null).await.problem(), (403, "access.forbidden"));
    let before = server.get(&server.admin, "/api/v1/keys").await.ok();
    assert_eq!(before["items"].as_array().unwrap().len(), 1);
    let rotated = server.post(&server.admin, "/api/v1/keys/rotate", Value::Null).await.ok();
    assert_eq!((&rotated["done"], &rotated["resealed"]), (&json!(true), &json!(1)));
    let after = server.get(&server.admin, "/api/v1/keys").await.ok();
    let states: Vec<_> = after["items"].as_array().unwrap().iter().map(|k| k["state"].as_str().unwrap()).collect();
    assert_eq!(
        {
            let mut s = states;
            s.sort_unstable();
            s
        },
        ["active", "retired"]
    );
    let report = server.post(&server.admin, &format!("{SOURCES}/broker/test"), Value::Null).await.ok();
    assert_eq!(report["message"], "kafka with password of 7 characters", "the password is still what it was");
    let shown = format!("{before} {rotated} {after}");
    assert!(!shown.contains(&"03".repeat(32)), "{shown}");
}

/// Every GET and every change of data sources, with a password that would be found anywhere.
#[tokio::test]
async fn no_answer_holds_a_secret() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let source = format!("{SOURCES}/broker");
    let mut answers = Vec::new();
    let secret = json!({"properties": {"bootstrap.servers": "prod:9092", "sasl.password": "hunter3"}});
    answers.push(server.call(&server.admin, Method::PUT, &format!("{source}/production"), secret.clone()).await.ok());
    answers.push(
        server
            .call(&server.admin, Method::PUT, &source, json!({"properties": {"bootstrap.servers": "a:1", "sasl.password": "hunter2"}}))
            .await
            .ok(),
    );
    for environment in ["test", "production"] {
        answers.push(server.post(&server.admin, &format!("{source}/test?environment={environment}"), Value::Null).await.ok());
    }
    answers.push(server.post(&server.admin, "/api/v1/keys/rotate", Value::Null).await.ok());
    let mut walked = 0;
    for (method, template, _) in super::authorization::endpoints() {
        if method != Method::GET {
            continue;
        }
        let answer = server.get(&server.admin, &super::authorization::filled(&template, &instance)).await;
        walked += 1;
        answers.push(answer.body);
    }
    assert!(walked > 30, "only {walked} answers were looked at");
    for answer in answers {
        let text = answer.to_string();
        assert!(!text.contains("hunter2") && !text.contains("hunter3") && !text.contains("v2:"), "{text}");
    }
}
