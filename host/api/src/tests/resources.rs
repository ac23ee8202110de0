//! Resources and quotas over HTTP (EXT-5).

use super::{Server, request};
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

#[tokio::test]
async fn a_resource_is_uploaded_seen_downloaded_and_removed() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", Some("web")).await;
    let path = format!("{PROJECT}/resources/clicks");
    let large = vec![b'x'; 3 << 20];
    let made = server.upload(&token, &format!("{path}/versions?description=May&header=true"), &large).await;
    assert_eq!((made.status, &made.body["kind"], &made.body["description"]), (StatusCode::CREATED, &json!("data_package"), &json!("May")));
    assert_eq!(made.body["latest"]["detail"]["header"], true);
    assert_eq!(made.body["latest"]["size_bytes"], large.len());
    let hash = made.body["latest"]["content_hash"].as_str().unwrap().to_owned();
    assert_eq!(hash.len(), 64);
    let same = server.upload(&token, &format!("{path}/versions"), &large).await.ok();
    assert_eq!((&same["latest"]["number"], &same["description"]), (&json!(1), &json!("May")));
    let id = made.body["id"].as_str().unwrap();
    let second = server.upload(&token, &format!("{PROJECT}/resources/{id}/versions"), b"a,b").await.ok();
    assert_eq!((&second["name"], &second["latest"]["number"]), (&json!("clicks"), &json!(2)));
    let preview = server.get(&token, &format!("{path}/versions/latest/preview")).await.ok();
    assert_eq!(preview, json!({"number": 2, "format": "csv", "schema": [{"name": "a", "type": "INT"}], "rows": [{"a": 1}]}));
    let content = server.get(&token, &format!("{path}/versions/1/content")).await;
    assert_eq!((content.status, content.body.as_str().unwrap().len()), (StatusCode::OK, large.len()));
    assert_eq!(content.headers[header::ETAG], format!("\"{hash}\""));
    assert_eq!(content.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"clicks-1\"");
    assert_eq!(server.get(&token, &format!("{path}/versions/3/content")).await.problem(), (404, "version.not_found"));
    let listed = server.get(&token, &format!("{PROJECT}/resources?kind=data_package&name=lick")).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get(&token, &format!("{PROJECT}/resources?kind=tar")).await.problem(), (400, "request.invalid_query"));
    assert_eq!(server.call(&token, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&token, &path).await.problem(), (404, "resource.not_found"));
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?action=resource.upload").await.ok();
    assert_eq!(audit["items"].as_array().unwrap().len(), 3, "that of the fixture and two here");
}

#[tokio::test]
async fn a_used_resource_stays_and_the_answer_says_who_uses_it() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let path = format!("{PROJECT}/resources/code");
    let component = b"\0asm component";
    server.upload(&server.admin, &format!("{path}/versions"), component).await.ok();
    assert_eq!(server.get(&server.admin, &format!("{path}/versions/1/preview")).await.problem(), (409, "resource.no_preview"));
    let hash = server.get(&server.admin, &path).await.ok()["latest"]["content_hash"].as_str().unwrap().to_owned();
    // The fixture's control plane hashes plugins otherwise: this one has the hash of the resource.
    let plugin = millrace_store::NewPluginVersion {
        name: "twin".parse().unwrap(),
        description: None,
        content_hash: hash.clone(),
        world: "etl-operator".into(),
        wit_version: "0.1.0".into(),
        component,
        presentation: Default::default(),
    };
    let tenant = server.store.tenant("acme").await.unwrap().id;
    let scope = server.store.project(&tenant, "web").await.unwrap().scope;
    server.store.add_plugin_version(&millrace_store::Cause::system("test"), &scope, &plugin).await.unwrap();
    let uses = server.get(&server.admin, &format!("{path}/used-by")).await.ok();
    assert_eq!((&uses["items"][0]["kind"], &uses["items"][0]["name"]), (&json!("plugin"), &json!("twin version 1")));
    let refused = server.call(&server.admin, Method::DELETE, &path, Value::Null).await;
    assert_eq!(refused.problem(), (409, "resource.in_use"));
    assert!(refused.body["detail"].as_str().unwrap().contains("plugin `twin version 1`"), "{refused:?}");
}

#[tokio::test]
async fn uploads_are_bounded_by_size_and_quota() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let token = server.token("acme", "developer", None).await;
    let upload = async |bytes: &[u8]| server.upload(&token, &format!("{PROJECT}/resources/rows/versions"), bytes).await;
    assert_eq!(upload(&vec![b'x'; (4 << 20) + 1]).await.problem(), (413, "request.too_large"));
    assert_eq!(upload(b"broken").await.problem(), (422, "resource.refused"));
    let odd = server.upload(&token, &format!("{PROJECT}/resources/A b/versions").replace(' ', "%20"), b"a,b").await;
    assert_eq!(odd.problem(), (422, "request.invalid"));
    let quotas = "/api/v1/tenants/acme/quotas";
    let used = server.get(&token, quotas).await.ok()["items"][0]["used"].as_i64().unwrap();
    let storage = format!("{quotas}/storage_bytes");
    let set = server.call(&server.admin, Method::PUT, &storage, json!({"allowed": used + 10})).await.ok();
    assert_eq!(set, json!({"name": "storage_bytes", "used": used, "allowed": used + 10}));
    let refused = upload(b"eleven byte").await;
    assert_eq!(refused.problem(), (409, "quota.exceeded"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with(&format!("quota `storage_bytes`: the tenant uses {used}, wants 11 more and may have {}", used + 10)),
        "{detail}"
    );
    upload(b"ten bytes.").await.ok();
    let tenant_admin = server.token("acme", "tenant_admin", None).await;
    let own = server.call(&tenant_admin, Method::PUT, &storage, json!({"allowed": 1_000_000_000_000i64})).await;
    assert_eq!(own.problem(), (403, "access.forbidden"), "a tenant does not give itself more");
    assert_eq!(
        server.call(&server.admin, Method::PUT, &format!("{quotas}/cows"), json!({"allowed": 1})).await.problem(),
        (404, "quota.not_found")
    );
    let negative = server.send(request(Some(&server.admin), Method::PUT, &storage, &json!({"allowed": -1}), None)).await;
    assert_eq!(negative.problem(), (422, "request.invalid"));
}
