//! Templates over HTTP (EXT-2).

use super::Server;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const TEMPLATES: &str = "/api/v1/tenants/acme/templates";

fn mask(visibility: &str) -> Value {
    json!({
        "name": "mask", "visibility": visibility, "language": "java", "world": "etl-operator", "description": "masks a column",
        "text": "class {{class_name}} {\n  String column = \"{{column}}\";\n{{content}}\n}\n",
        "parameters": {
            "class_name": {"type": "identifier", "default": "Mask"},
            "column": {"type": "string", "description": "which column"},
            "content": {"type": "code"},
        },
    })
}

#[tokio::test]
async fn frames_are_there_for_everybody_and_can_be_filled() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let listed = server.get(&token, &format!("{TEMPLATES}?language=scala")).await.ok();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["scala-etl", "scala-udf", "scala-udaf", "scala-udtf", "scala-etl-body"]);
    let defaults: Vec<_> = listed["items"].as_array().unwrap().iter().map(|t| t["is_default"].as_bool().unwrap()).collect();
    assert_eq!(defaults, [true, true, true, true, false], "the frame that is shown first is one of the templates");
    let frame = server.get(&token, &format!("{TEMPLATES}/java-udf")).await.ok();
    assert_eq!((&frame["visibility"], &frame["world"]), (&json!("builtin"), &json!("scalar-function")));
    assert!(frame["latest"]["parameters"]["content"]["default"].as_str().unwrap().contains("eval"));
    let content = "    public long eval(long n) {\n        return n + 1\n    }";
    let filled = server.post(&token, &format!("{TEMPLATES}/java-udf/complete"), json!({"content": content})).await.ok();
    assert_eq!((&filled["path"], &filled["class"]), (&json!("MyFunction.java"), &json!("MyFunction")));
    let region = filled["lines"]["regions"].as_array().unwrap().iter().find(|r| r["parameter"] == "content").unwrap().clone();
    let lines: Vec<&str> = filled["text"].as_str().unwrap().lines().collect();
    let at = region["line"].as_u64().unwrap() as usize;
    assert_eq!(lines[at - 1..at + 2].join("\n"), content);
    assert_eq!(region["end_line"].as_u64().unwrap(), at as u64 + 2);
    for (method, path) in [(Method::DELETE, "java-udf"), (Method::PUT, "java-udf")] {
        let answer = server.call(&token, method, &format!("{TEMPLATES}/{path}"), json!({"visibility": "private"})).await;
        assert_eq!(answer.problem(), (409, "template.builtin"));
    }
    assert_eq!(server.get(&token, &format!("{TEMPLATES}/cobol-etl")).await.problem(), (404, "template.not_found"));
}

#[tokio::test]
async fn a_template_is_private_until_an_administrator_publishes_it() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let (ann, bob) = (server.token("acme", "developer", Some("web")).await, server.token("acme", "developer", None).await);
    let admin = server.token("acme", "tenant_admin", None).await;
    assert_eq!(server.post(&ann, TEMPLATES, mask("tenant")).await.problem(), (403, "access.forbidden"));
    let made = server.post(&ann, TEMPLATES, mask("private")).await;
    assert_eq!((made.status, &made.body["latest"]["number"]), (StatusCode::CREATED, &json!(1)));
    let path = format!("{TEMPLATES}/mask");
    assert_eq!(server.get(&bob, &path).await.problem(), (404, "template.not_found"));
    let own = json!({"description": "mine", "visibility": "tenant"});
    assert_eq!(server.call(&ann, Method::PUT, &path, own.clone()).await.problem(), (403, "access.forbidden"));
    let id = made.body["id"].as_str().unwrap();
    server.call(&admin, Method::PUT, &format!("{TEMPLATES}/{id}"), own).await.ok();
    assert_eq!(server.get(&bob, &path).await.ok()["description"], "mine");
    assert_eq!(server.call(&ann, Method::DELETE, &path, Value::Null).await.problem(), (403, "access.forbidden"), "it is the tenant's now");

    let text = "class {{class_name}} { /* 2 */ {{content}} {{column}} }";
    let second =
        server.post(&admin, &format!("{path}/versions"), json!({"text": text, "parameters": mask("tenant")["parameters"]})).await.ok();
    assert_eq!(second["latest"]["number"], 2);
    let fill = json!({"version": 1, "content": "  int n;", "parameters": {"column": "e\"mail"}});
    let filled = server.post(&bob, &format!("{path}/complete"), fill).await.ok();
    assert_eq!(filled["text"], "class Mask {\n  String column = \"e\\\"mail\";\n  int n;\n}\n");
    let missing = server.post(&bob, &format!("{path}/complete"), json!({"parameters": {"class_name": "a b"}})).await;
    assert_eq!(missing.problem(), (422, "template.parameters"));
    let fields: Vec<_> = missing.body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!(fields, ["class_name", "column", "content"]);
    let versions = server.get(&bob, &format!("{path}/versions")).await.ok();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.call(&admin, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_template_that_cannot_work_is_refused() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let mut body = mask("private");
    body["text"] = json!("class X { {{contnet}} }");
    let refused = server.post(&server.admin, TEMPLATES, body).await;
    assert_eq!(refused.problem(), (422, "template.invalid"));
    assert!(refused.body["detail"].as_str().unwrap().contains("`{{contnet}}` is not among the parameters"), "{refused:?}");
    let mut body = mask("private");
    body["world"] = json!("etl");
    assert_eq!(server.post(&server.admin, TEMPLATES, body).await.problem(), (422, "request.invalid"));
    let mut body = mask("private");
    body["parameters"]["column"]["type"] = json!("text");
    assert_eq!(server.post(&server.admin, TEMPLATES, body).await.problem(), (422, "request.invalid_body"));
}
