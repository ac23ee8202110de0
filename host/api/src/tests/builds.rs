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
async fn a_template_is_completed_by_what_the_user_wrote() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let (ann, bob) = (server.token("acme", "developer", Some("web")).await, server.token("acme", "developer", Some("web")).await);
    let templates = "/api/v1/tenants/acme/templates";
    let text = "package acme;\npublic class {{class_name}} {\n  String column = \"{{column}}\";\n{{content}}\n}\n";
    let parameters = json!({
        "class_name": {"type": "identifier", "default": "Mask"}, "column": {"type": "string"}, "content": {"type": "code"},
    });
    let mask = json!({"name": "mask", "language": "java", "world": "etl-operator", "text": text, "parameters": parameters});
    let id = server.post(&ann, templates, mask).await.ok()["id"].clone();
    let fewer = json!({"text": "class {{class_name}} {\n{{content}}\n}\n", "parameters": {"class_name": parameters["class_name"], "content": parameters["content"]}});
    server.post(&ann, &format!("{templates}/mask/versions"), fewer).await.ok();

    let wanted = json!({"name": "mask", "version": 1, "content": "int x;", "parameters": {"column": "name"}});
    let built = server.post(&ann, BUILDS, json!({"template": wanted})).await.ok();
    assert_eq!(built["template"], json!({"id": id, "name": "mask", "version": 1}));
    assert_eq!((&built["world"], &built["class"]), (&json!("etl-operator"), &json!("acme.Mask")));
    let read = server.get(&ann, &format!("{BUILDS}/{}", built["id"].as_str().unwrap())).await.ok();
    let log = read["log"].as_str().unwrap();
    assert!(log.contains("Mask.java") && log.contains("int x;"), "{log}");
    server.post(&ann, BUILDS, json!({"template": {"name": id, "content": "int y;"}})).await.ok();
    let default = server.post(&bob, BUILDS, json!({"world": "scalar-function", "language": "scala", "template": {}})).await.ok();
    assert_eq!(default["template"], json!({"id": null, "name": "scala-udf", "version": 1}));
    assert_eq!((&default["language"], &default["class"]), (&json!("scala"), &json!("MyFunction")));

    let uses = server.get(&ann, &format!("{templates}/mask/used-by")).await.ok();
    let counted: Vec<_> = uses["items"].as_array().unwrap().iter().map(|u| (u["version"].as_i64(), u["builds"].as_i64())).collect();
    assert_eq!(counted, [(Some(2), Some(1)), (Some(1), Some(1))]);
    assert_eq!(server.get(&bob, &format!("{templates}/scala-udf/used-by")).await.ok()["items"][0]["builds"], 1);
    assert_eq!(server.get(&bob, &format!("{templates}/mask/used-by")).await.problem(), (404, "template.not_found"));
    for (request, problem, words) in [
        (json!({"template": wanted}), (404, "template.not_found"), "mask"),
        (json!({"template": {"name": "java-etl", "version": 2}}), (404, "version.not_found"), "2"),
        (
            json!({"template": {"name": "java-etl", "parameters": {"colour": "red"}}}),
            (422, "template.parameters"),
            "`colour` the template has no such parameter",
        ),
        (
            json!({"world": "table-function", "template": {"name": "java-etl"}}),
            (422, "request.invalid"),
            "`world`: is table-function, and template `java-etl` is for etl-operator",
        ),
        (json!({"language": "scala", "template": {"name": "java-etl"}}), (422, "request.invalid"), "`language`: is scala"),
        (json!({"world": "sink-operator", "template": {}}), (422, "request.invalid"), "there is no frame for `sink-operator` in java"),
        (json!({"template": {}}), (422, "request.invalid"), "`world`: is missing"),
        (json!({}), (422, "request.invalid"), "`world`: is missing"),
        (json!({"world": "etl-operator", "body": {}}), (422, "request.invalid_body"), "unknown field `body`"),
    ] {
        let answer = server.post(&bob, BUILDS, request).await;
        assert_eq!(answer.problem(), problem, "{answer:?}");
        assert!(answer.body["detail"].as_str().unwrap().contains(words), "{answer:?}");
    }
}

#[tokio::test]
async fn the_state_of_the_service_is_told() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let service = server.get(&server.admin, "/api/v1/platform/build-service").await.ok();
    assert_eq!((&service["available"], &service["reason"]), (&json!(false), &json!("install a JDK")));
    assert_eq!(server.get(&token, "/api/v1/platform/build-service").await.problem(), (403, "access.forbidden"));
}
