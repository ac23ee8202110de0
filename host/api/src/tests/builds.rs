//! Builds over the API (EXT-1, EXT-2): what is asked, what is answered, what is refused.

use super::Server;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const BUILDS: &str = "/api/v1/tenants/acme/projects/web/builds";

#[tokio::test]
async fn a_build_is_taken_waited_for_listed_and_cancelled() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let source = json!({"path": "acme/Clean.java", "text": "package acme; class Clean {}"});
    let jar = json!({"name": "lib.jar", "content_base64": "UEsFBg=="});
    let request = json!({"world": "etl-operator", "sources": [source], "class": "acme.Clean", "jars": [jar], "plugin": "clean"});
    let taken = server.post(&token, BUILDS, request.clone()).await;
    assert_eq!((taken.status, &taken.body["state"]), (StatusCode::ACCEPTED, &json!("queued")));
    assert_eq!(taken.body["allowed_actions"], json!(["cancel"]));
    let ended = server.post(&token, &format!("{BUILDS}?wait_ms=1000"), request).await.ok();
    assert_eq!((&ended["state"], &ended["content_hash"], &ended["plugin"]), (&json!("succeeded"), &json!("c0ffee"), &json!("clean")));
    assert!(ended["log"].as_str().unwrap().ends_with(r#"["lib.jar 4"]"#), "{ended}");
    let listed = server.get(&token, BUILDS).await.ok();
    let logs: Vec<_> = listed["items"].as_array().unwrap().iter().map(|b| b["log"].clone()).collect();
    assert_eq!(logs, ["", "", ""]);

    let slow = server.post(&token, BUILDS, json!({"world": "scalar-function", "language": "scala", "class": "Slow"})).await.ok();
    let path = format!("{BUILDS}/{}", slow["id"].as_str().unwrap());
    let cancelled = server.call(&token, Method::DELETE, &path, Value::Null).await.ok();
    assert_eq!((&cancelled["state"], &cancelled["allowed_actions"]), (&json!("cancelled"), &json!([])));
    assert_eq!(server.get(&token, &path).await.ok()["state"], "cancelled");
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=build.cancel").await.ok();
    assert_eq!(audit["items"][0]["object"], slow["id"]);
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=build.create").await.ok();
    assert_eq!(audit["items"][1]["detail"], json!({"world": "etl-operator", "language": "java", "class": "acme.Clean", "plugin": "clean"}));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    for (request, code, words) in [
        (json!({"world": "etl"}), 422, "unknown variant `etl`"),
        (json!({"world": "etl-operator", "language": "cobol"}), 422, "unknown variant `cobol`"),
        (json!({"world": "etl-operator", "plugin": "Not A Name"}), 422, "is not a valid name"),
        (
            json!({"world": "etl-operator", "jars": [{"name": "a.jar", "content_base64": "!"}]}),
            422,
            "`jars[0].content_base64`: is not Base64",
        ),
        (json!({"world": "etl-operator", "jars": [{"name": "a.jar"}]}), 422, "expected either the content or a `resource`"),
        (json!({"world": "etl-operator", "jars": [{"resource": "none"}]}), 404, "none"),
        (json!({"world": "etl-operator", "jars": [{"resource": "sample"}]}), 422, "expected a jar"),
        (json!({"world": "etl-operator", "class": "Busy"}), 429, "16 builds wait"),
        (json!({"world": "etl-operator", "jars": vec![json!({"resource": "none"}); 21]}), 422, "`jars`: there are 21, expected at most 20"),
        (
            json!({"world": "etl-operator", "jars": [{"name": "a.jar", "content_base64": "QUFB".repeat(22)}]}),
            429,
            "builds with 64 bytes wait",
        ),
    ] {
        let answer = server.post(&token, BUILDS, request).await;
        assert_eq!(answer.problem().0, code, "{answer:?}");
        assert!(answer.body["detail"].as_str().unwrap().contains(words), "{answer:?}");
    }
    assert_eq!(server.get(&token, &format!("{BUILDS}/bld_none")).await.problem().0, 404);
    let member = server.token("acme", "member", None).await;
    assert_eq!(server.post(&member, BUILDS, json!({"world": "etl-operator"})).await.problem(), (403, "access.forbidden"));
}

#[tokio::test]
async fn frames_and_the_state_of_the_service_are_told() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let frames = server.get(&token, "/api/v1/build-frames").await.ok();
    assert_eq!((&frames["items"][0]["language"], &frames["items"][1]["language"]), (&json!("java"), &json!("scala")));
    assert!(frames["items"][0]["text"].as_str().unwrap().contains("{{ETL:"));
    let service = server.get(&server.admin, "/api/v1/platform/build-service").await.ok();
    assert_eq!((&service["available"], &service["reason"]), (&json!(false), &json!("install a JDK")));
    assert_eq!(server.get(&token, "/api/v1/platform/build-service").await.problem(), (403, "access.forbidden"));
}
