//! The API answers as its own description says, whatever is sent to it: no failure of the server, no answer that its
//! OpenAPI document does not have. Schemathesis makes the requests from the document, right ones and wrong ones.

use crate::kafka;
use millrace_e2e::{Api, Server, ServerOptions, component, unique};
use millrace_test_servers::schemathesis;
use serde_json::json;
use std::path::Path;

/// Operations that need a body which the generator cannot make, or that never end by themselves.
const NOT_GENERATED: &[&str] = &["upload_plugin", "upload_resource", "archive_project", "follow_instance_logs"];
/// Share of the described operations that must be tested at least: a document that cannot be read must not make the test pass on
/// nothing.
const TESTED_PERCENT_MIN: u64 = 95;

/// Things that are there, so that requests get past "not found".
async fn furnish(api: &Api) {
    // A real broker: one that is not there is a bad gateway, which is right and not what is looked for.
    let (kafka, topic) = (kafka(), unique("described"));
    let project = api.make_project("acme").await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    kafka.create_topic(&topic, 1).await.unwrap();
    project.make_topic("clicks", &topic, &json!([{"name": "url", "type": "STRING"}])).await.unwrap();
    project.upload_plugin("clean", component("bench-filter").unwrap()).await.unwrap();
    let graph = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "clicks"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "clicks"}},
        ],
        "edges": [{"from": "in", "to": "out"}],
    });
    project.make_job("copy", &graph).await.unwrap();
    let version = api.post(&project.path("jobs/copy/versions"), &json!({})).await.unwrap();
    let made = api.post(&project.path("instances"), &json!({"job": "copy", "version": version["number"]})).await;
    assert!(made.is_ok(), "{made:?}");
}

/// What the things are called, in the place of generated names.
const NAMES: &str = r#"
[parameters]
"path.tenant" = "acme"
"path.project" = "main"
"path.source" = "kafka"
"path.topic" = "clicks"
"path.plugin" = "clean"
"path.job" = "copy"
"path.version" = "1"
"path.quota" = "storage_bytes"
"#;

fn fuzz(server: &Server, token: &str, folder: &Path, choice: &[&str]) -> String {
    std::fs::write(folder.join("schemathesis.toml"), NAMES).unwrap();
    let mut command = schemathesis().unwrap();
    command
        .current_dir(folder)
        .args(["run", &format!("{}/api/v1/openapi.json", server.base()), "--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"])
        .args(["--phases", "coverage,fuzzing", "--max-examples", "5", "--generation-deterministic"])
        .args(["--continue-on-failure", "--request-timeout", "60", "--warnings", "off", "--no-color"])
        .args(choice);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The number behind `Tested:` in the closing lines.
fn tested(text: &str) -> u64 {
    let found = text.lines().find_map(|line| line.trim().strip_prefix("Tested:"));
    found.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no number of tested operations in {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_makes_the_server_fail_or_answer_what_it_does_not_describe() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (api, folder) = (server.api().unwrap(), tempfile::tempdir().unwrap());
    furnish(&api).await;
    let token = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    let mut others: Vec<&str> = NOT_GENERATED.iter().flat_map(|operation| ["--exclude-operation-id", operation]).collect();
    // Most callers are no administrators: what is refused is described too.
    let developer = api.post("/api/v1/tenants/acme/tokens", &json!({"name": "dev", "role": "developer", "project": "main"})).await.unwrap();
    let developer = developer["secret"].as_str().unwrap();
    tested(&fuzz(&server, developer, folder.path(), &[&others[..], &["--exclude-method", "DELETE", "--max-examples", "1"]].concat()));
    // What removes things goes last, or there is nothing left to ask about.
    others.extend(["--exclude-method", "DELETE"]);
    let kept = tested(&fuzz(&server, token.trim(), folder.path(), &others));
    let removed = tested(&fuzz(&server, token.trim(), folder.path(), &["--include-method", "DELETE"]));
    let document = api.get("/api/v1/openapi.json").await.unwrap();
    let described: usize = document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    let asked = u64::try_from(described - NOT_GENERATED.len()).unwrap();
    assert!((kept + removed) * 100 >= asked * TESTED_PERCENT_MIN, "only {kept} and {removed} of {asked} operations were tested");
    let log = server.log();
    assert!(!log.contains("panic"), "{log}");
}
