//! Functions over HTTP (EXT-4).

use super::{Server, request};
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

const TENANT: &str = "/api/v1/tenants/acme";
const PROJECT: &str = "/api/v1/tenants/acme/projects/web";
const SCALAR: &[u8] = b"\0asm scalar function";

#[tokio::test]
async fn a_function_is_made_of_a_plugin_a_resource_or_a_build() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    server.upload(&token, &format!("{PROJECT}/resources/normalize/versions"), SCALAR).await.ok();
    let body = json!({"name": "normalize_url", "description": "lower case", "attributes": {"owner": "data"}});
    let made = server.post(&token, &format!("{PROJECT}/functions"), body).await;
    assert_eq!((made.status, &made.body["scope"], &made.body["latest"]), (StatusCode::CREATED, &json!("project"), &Value::Null));
    let path = format!("{PROJECT}/functions/normalize_url");
    let source =
        json!({"language": "java", "class": "acme.Normalize", "files": [{"path": "Normalize.java", "text": "class Normalize {}"}]});
    let added = server.post(&token, &format!("{path}/versions"), json!({"resource": "normalize", "source": source})).await;
    assert_eq!((added.status, &added.body["number"], &added.body["world"]), (StatusCode::CREATED, &json!(1), &json!("scalar-function")));
    assert_eq!((&added.body["source"], &added.body["signatures"]), (&source, &json!([{"name": "normalize_url"}])));
    assert_eq!((&added.body["origin"]["resource"], &added.body["origin"]["version"]), (&json!("normalize"), &json!(1)));
    let hash = added.body["content_hash"].clone();
    let same = server.post(&token, &format!("{path}/versions"), json!({"content_hash": hash, "source": source})).await.ok();
    assert_eq!(same["number"], 1);

    let build = json!({"world": "scalar-function", "class": "acme.Normalize"});
    let built = server.post(&token, &format!("{PROJECT}/builds?wait_ms=1000"), build.clone()).await.ok();
    let added = server.post(&token, &format!("{path}/versions"), json!({"build": built["id"]})).await;
    assert_eq!((added.status, &added.body["content_hash"]), (StatusCode::CREATED, &json!("c0ffee")), "{added:?}");
    assert_eq!(added.body["origin"]["build"], built["id"]);
    let waiting = server.post(&token, &format!("{PROJECT}/builds"), json!({"world": "scalar-function", "class": "Slow"})).await.ok();
    let refused = server.post(&token, &format!("{path}/versions"), json!({"build": waiting["id"]})).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("is queued and has made no component"), "{refused:?}");

    let wrong = server.post(&token, &format!("{path}/versions"), json!({"plugin": "clean"})).await;
    assert_eq!(wrong.problem().0, 422, "{wrong:?}");
    let cases = [
        (json!({}), 422, "request.invalid"),
        (json!({"plugin": "clean", "resource": "normalize"}), 422, "request.invalid"),
        (json!({"resource": "sample"}), 422, "request.invalid"),
        (json!({"resource": "normalize", "version": 7}), 422, "request.invalid"),
        (json!({"resource": "nowhere"}), 422, "request.invalid"),
        (json!({"content_hash": "00"}), 422, "request.invalid"),
        (json!({"build": "nowhere"}), 422, "request.invalid"),
        (json!({"build": "nowhere", "resource": "normalize"}), 422, "request.invalid"),
        (json!({"resource": "normalize", "project": "web"}), 422, "request.invalid"),
    ];
    for (body, status, code) in cases {
        let answer = server.post(&token, &format!("{path}/versions"), body.clone()).await;
        assert_eq!(answer.problem(), (status, code), "{body}: {answer:?}");
    }
    for name in ["Normalize", "normalize-url", ""] {
        let answer = server.post(&token, &format!("{PROJECT}/functions"), json!({"name": name})).await;
        assert_eq!(answer.problem(), (422, "request.invalid"), "{name}");
    }
    let used = server.get(&token, &format!("{PROJECT}/resources/normalize/used-by")).await.ok();
    assert_eq!((&used["items"][0]["kind"], &used["items"][0]["name"]), (&json!("function"), &json!("normalize_url version 1")));

    let read = server.get(&token, &path).await;
    assert_eq!(read.headers[header::ETAG], "\"1\"");
    let change = json!({"description": "better", "state": "deprecated"});
    let changed = server.send(request(Some(&token), Method::PUT, &path, &change, Some("\"1\""))).await.ok();
    assert_eq!((&changed["state"], &changed["attributes"], &changed["revision"]), (&json!("deprecated"), &json!({}), &json!(2)));
    let lost = server.send(request(Some(&token), Method::PUT, &path, &change, Some("\"1\""))).await;
    assert_eq!(lost.problem(), (412, "function.changed"));
    assert_eq!(server.call(&token, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&token, &path).await.problem(), (404, "function.not_found"));
}

#[tokio::test]
async fn a_component_of_another_world_is_no_function() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.upload(&server.admin, &format!("{PROJECT}/resources/etl/versions"), b"\0asm etl").await.ok();
    let answer = server.post(&server.admin, &format!("{PROJECT}/functions/clean/versions"), json!({"resource": "etl"})).await;
    assert_eq!(answer.problem(), (422, "function.wrong_world"));
    assert!(answer.body["detail"].as_str().unwrap().contains("`etl-operator`; a function is one of scalar-function"), "{answer:?}");
}

#[tokio::test]
async fn functions_of_the_tenant_are_its_administrators() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let (developer, admin) = (server.token("acme", "developer", Some("web")).await, server.token("acme", "tenant_admin", None).await);
    server.upload(&developer, &format!("{PROJECT}/resources/normalize/versions"), SCALAR).await.ok();
    let shared = format!("{TENANT}/functions/shared");
    let version = json!({"resource": "normalize", "project": "web"});
    assert_eq!(server.post(&developer, &format!("{shared}/versions"), version.clone()).await.problem(), (403, "access.forbidden"));
    assert_eq!(
        server.post(&admin, &format!("{shared}/versions"), json!({"resource": "normalize"})).await.problem(),
        (422, "request.invalid")
    );
    server.post(&admin, &format!("{shared}/versions"), version).await.ok();
    // Seen and used from the project, changed from the tenant only.
    let seen = server.get(&developer, &format!("{PROJECT}/functions/shared")).await.ok();
    assert_eq!((&seen["scope"], &seen["latest"]["number"]), (&json!("tenant"), &json!(1)));
    assert_eq!(server.get(&developer, &shared).await.ok()["id"], seen["id"]);
    let from_below = server.call(&developer, Method::DELETE, &format!("{PROJECT}/functions/shared"), Value::Null).await;
    assert_eq!(from_below.problem(), (409, "function.shared"));
    server.post(&developer, &format!("{PROJECT}/functions"), json!({"name": "shared"})).await.ok();
    let hiding = server.get(&developer, &format!("{PROJECT}/functions/shared")).await.ok();
    assert_eq!(hiding["scope"], "project");
    let listed = server.get(&developer, &format!("{PROJECT}/functions")).await.ok();
    let scopes: Vec<_> = listed["items"].as_array().unwrap().iter().map(|f| format!("{} {}", f["name"], f["scope"])).collect();
    assert_eq!(scopes, ["\"shared\" \"project\"", "\"clean\" \"project\""]);
    let audit = server.get(&server.admin, &format!("{TENANT}/audit?action=function.create&limit=200")).await.ok();
    assert_eq!(audit["items"].as_array().unwrap().iter().filter(|e| e["project"].is_null()).count(), 2, "made, and a version");
}
