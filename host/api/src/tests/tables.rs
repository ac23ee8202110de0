//! Tables from design to production, and the way to those of other projects, through HTTP.

use super::Server;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const TENANT: &str = "/api/v1/tenants/acme";
const TOPIC: &str = "/api/v1/tenants/acme/projects/web/topics/clicks";

async fn approve(server: &Server, decider: &str, asked: &Value) -> Value {
    let path = format!("{TENANT}/approvals/{}/approve", asked["number"]);
    server.post(decider, &path, json!({"opinion": "good"})).await.ok()
}

async fn tables(server: &Server, token: &str, query: &str) -> Vec<String> {
    let listed = server.get(token, &format!("{TENANT}/tables?{query}")).await.ok();
    let shown = |t: &Value| format!("{} {} v{}", t["full_name"].as_str().unwrap(), t["environment"].as_str().unwrap(), t["version"]);
    listed["items"].as_array().unwrap().iter().map(shown).collect()
}

/// The topic's design with these columns.
async fn redesign(server: &Server, token: &str, columns: Value) {
    let body = json!({"physical_name": "clicks", "data_source": "broker", "schema": columns});
    server.call(token, Method::PUT, TOPIC, body).await.ok();
}

#[tokio::test]
async fn a_topic_goes_from_design_to_production() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let decider = server.token("acme", "project_data_admin", Some("web")).await;
    let outsider = server.token("acme", "member", None).await;

    let early = server.post(&developer, &format!("{TOPIC}/publish"), json!({"environment": "production", "data_source": "broker"})).await;
    assert_eq!(early.problem(), (409, "publish.not_in_test"));
    let design = server.post(&developer, &format!("{TOPIC}/publish"), json!({"environment": "design"})).await;
    assert_eq!(design.problem(), (422, "request.invalid"));
    let check = server.get(&developer, &format!("{TOPIC}/publish-check")).await.ok();
    assert_eq!(check, json!({"replaces": 0, "compatibility": "full", "compatible": true, "changes": []}));
    let asked = json!({"environment": "test", "reason": "first version", "ensure": true});
    let asked = server.post(&developer, &format!("{TOPIC}/publish"), asked).await;
    assert_eq!(
        (asked.status, &asked.body["environment"], &asked.body["payload"]["data_source_name"]),
        (StatusCode::CREATED, &json!("test"), &json!("broker"))
    );
    assert!(tables(&server, &outsider, "").await.is_empty());
    let waiting = server.get(&decider, &format!("{TENANT}/approvals?view=waiting_for_me&environment=test")).await.ok();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
    let refused = server.post(&developer, &format!("{TENANT}/approvals/{}/approve", asked.body["number"]), Value::Null).await;
    assert_eq!(refused.problem(), (403, "access.forbidden"));
    let done = approve(&server, &decider, &asked.body).await;
    assert_eq!((&done["result"]["number"], &done["result"]["ensured"]), (&json!(1), &json!({"created": true})));
    assert_eq!(tables(&server, &outsider, "environment=test").await, ["web.clicks test v1"]);
    assert_eq!(tables(&server, &outsider, "environment=test&project=web&search=clic").await.len(), 1);
    assert!(tables(&server, &outsider, "environment=production").await.is_empty());

    // The next version: a new column fits, a removed one is named and must be asked for on purpose.
    redesign(&server, &developer, json!([{"name": "url", "type": "STRING"}, {"name": "at", "type": "TIMESTAMP(3)"}])).await;
    let check = server.get(&developer, &format!("{TOPIC}/publish-check?environment=test&compatibility=backward")).await.ok();
    assert_eq!(
        (&check["compatible"], &check["changes"][0]["change"], &check["changes"][0]["verdict"]),
        (&json!(true), &json!("added"), &json!("compatible"))
    );
    redesign(&server, &developer, json!([{"name": "at", "type": "TIMESTAMP(3)"}])).await;
    let breaking = server.post(&developer, &format!("{TOPIC}/publish"), json!({"environment": "test"})).await;
    assert_eq!(breaking.problem(), (409, "publish.breaking"));
    assert_eq!(
        (&breaking.body["errors"][0]["field"], &breaking.body["errors"][0]["code"]),
        (&json!("schema.url"), &json!("publish.breaking"))
    );
    let backward =
        server.post(&developer, &format!("{TOPIC}/publish"), json!({"environment": "test", "compatibility": "backward"})).await.ok();
    let withdrawn = server.post(&developer, &format!("{TENANT}/approvals/{}/withdraw", backward["number"]), Value::Null).await.ok();
    assert_eq!(withdrawn["state"], "withdrawn");
    let anyway = server.post(&developer, &format!("{TOPIC}/publish"), json!({"environment": "test", "allow_breaking": true})).await.ok();
    assert_eq!(anyway["payload"]["changes"]["compatible"], false, "the decider sees what breaks");
    approve(&server, &decider, &anyway).await;

    let unbound = server.post(&developer, &format!("{TOPIC}/publish"), json!({"environment": "production"})).await;
    assert_eq!(unbound.problem(), (422, "request.invalid"));
    let asked = json!({"environment": "production", "data_source": "broker", "physical_name": "prod.clicks"});
    let asked = server.post(&developer, &format!("{TOPIC}/publish"), asked).await.ok();
    approve(&server, &decider, &asked).await;
    assert_eq!(tables(&server, &outsider, "environment=production").await, ["web.clicks production v1"]);
    let page = server.get(&developer, &format!("{TENANT}/tables/web.clicks")).await.ok();
    assert_eq!(
        (&page["environment"], &page["physical_name"], page["publications"].as_array().unwrap().len()),
        (&json!("production"), &json!("prod.clicks"), 3)
    );
    assert_eq!(page["allowed_actions"], json!(["edit", "publish", "apply", "tag", "add_quality_rule"]));
    let decided = server.get(&decider, &format!("{TENANT}/approvals?view=decided_by_me&environment=test")).await.ok();
    assert_eq!(decided["items"].as_array().unwrap().len(), 2);

    let kept = server.call(&developer, Method::DELETE, TOPIC, Value::Null).await;
    assert_eq!(kept.problem(), (409, "topic.in_use"));
    for environment in ["production", "test"] {
        let gone = server.call(&decider, Method::DELETE, &format!("{TOPIC}/publications/{environment}"), Value::Null).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    assert!(tables(&server, &outsider, "").await.is_empty());
    assert_eq!(
        server.get(&server.token("acme", "member", None).await, &format!("{TENANT}/tables/web.nothing")).await.problem(),
        (404, "table.not_found")
    );
}

#[tokio::test]
async fn tables_i_designed_and_tables_of_databases() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let decider = server.token("acme", "project_data_admin", Some("web")).await;
    let global = server.token("acme", "global_data_admin", None).await;
    let project = format!("{TENANT}/projects/web");
    let orders = json!({"name": "orders", "database": "shop", "schema": [{"name": "id", "type": "BIGINT", "comment": "the order"}]});
    server.post(&developer, &format!("{project}/topics"), orders).await.ok();
    assert_eq!(tables(&server, &developer, "environment=design&designed_by_me=true").await, ["web.orders design vnull"]);
    assert_eq!(tables(&server, &developer, "environment=design&project=web&database=shop").await.len(), 1);
    let early = server.post(&developer, &format!("{project}/topics/orders/publish"), json!({"environment": "test"})).await;
    assert_eq!(early.problem(), (409, "publish.no_database"));

    let refused = server.post(&developer, &format!("{project}/databases/shop/publish"), json!({"environment": "test"})).await;
    assert_eq!(refused.problem(), (403, "access.forbidden"));
    let asked = json!({"environment": "test", "data_source": "broker", "physical_name": "shop_test", "reason": "tests"});
    let asked = server.post(&decider, &format!("{project}/databases/shop/publish"), asked).await.ok();
    let own_kind = server.post(&decider, &format!("{TENANT}/approvals/{}/approve", asked["number"]), Value::Null).await;
    assert_eq!(own_kind.problem(), (403, "access.forbidden"), "databases are decided by global data administrators");
    approve(&server, &global, &asked).await;
    let database = server.get(&developer, &format!("{project}/databases/shop")).await.ok();
    assert_eq!((&database["publications"][0]["physical_name"], &database["allowed_actions"]), (&json!("shop_test"), &json!([])));

    let asked = server.post(&developer, &format!("{project}/topics/orders/publish"), json!({"environment": "test"})).await.ok();
    assert_eq!(asked["payload"]["physical_name"], "shop_test.orders");
    approve(&server, &decider, &asked).await;
    assert_eq!(tables(&server, &developer, "environment=test&designed_by_me=true").await, ["web.orders test v1"]);
    let blind = server.call(&decider, Method::PUT, &format!("{project}/databases/shop"), json!({"physical_name": "x"})).await;
    assert_eq!(blind.problem(), (428, "request.if_match"));
    let used = server.call(&decider, Method::DELETE, &format!("{project}/databases/shop"), Value::Null).await;
    assert_eq!(used.problem(), (409, "database.in_use"));
}

/// The published topic `web.clicks`, and a developer of the project `shop`.
async fn published(server: &Server) -> (String, String) {
    server.furnish("acme").await;
    server.post(&server.admin, &format!("{TENANT}/projects"), json!({"name": "shop"})).await.ok();
    let owner = server.token("acme", "project_data_admin", Some("web")).await;
    let asked = server.post(&server.admin, &format!("{TOPIC}/publish"), json!({"environment": "test"})).await.ok();
    approve(server, &owner, &asked).await;
    (owner, server.token("acme", "developer", Some("shop")).await)
}

#[tokio::test]
async fn a_permission_is_applied_for_given_and_taken() {
    let server = Server::start().await;
    let (owner, developer) = published(&server).await;
    let requests = format!("{TENANT}/permission-requests");
    let apply = |body: Value| server.post(&developer, &requests, body);
    let base = json!({"table": "web.clicks", "project": "shop", "for_me": true, "permissions": ["select"], "reason": "sales report"});
    let with = |field: &str, value: Value| {
        let mut body = base.clone();
        body[field] = value;
        body
    };
    let cases = [
        ("permissions", json!(["update"]), (422, "permission.not_on_topics")),
        ("permissions", json!([]), (422, "request.invalid")),
        ("permissions", json!(["own"]), (422, "request.invalid_body")),
        ("columns", json!(["url"]), (422, "permission.not_on_topics")),
        ("expires_at_ms", json!(1), (422, "request.invalid")),
        ("table", json!("web.clikcs"), (404, "table.not_found")),
        ("project", json!("web"), (404, "project.not_found")),
    ];
    for (field, value, expected) in cases {
        assert_eq!(apply(with(field, value.clone())).await.problem(), expected, "{field} {value}");
    }
    let nobody = json!({"table": "web.clicks", "permissions": ["select"], "reason": "x"});
    assert_eq!(apply(nobody).await.problem(), (422, "request.invalid"));

    let page = server.get(&developer, &format!("{TENANT}/tables/web.clicks")).await.ok();
    assert_eq!((&page["permissions"], &page["allowed_actions"]), (&json!([]), &json!(["apply"])), "its own project tags it");
    let made = apply(base.clone()).await.ok();
    let kinds: Vec<_> = made["requests"].as_array().unwrap().iter().map(|r| r["payload"]["grantee_kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["project", "person"], "two records, two approvals");
    assert_eq!(apply(base.clone()).await.problem(), (409, "approval.pending"));
    let running = server.get(&developer, &format!("{TENANT}/approvals?view=requested_by_me&kind=table_permission&open=true")).await.ok();
    assert_eq!(running["items"].as_array().unwrap().len(), 2);
    let withdrawn = format!("{TENANT}/approvals/{}/withdraw", made["requests"][1]["number"]);
    server.post(&developer, &withdrawn, json!({"opinion": "the project is enough"})).await.ok();
    approve(&server, &owner, &made["requests"][0]).await;

    let grants = format!("{TOPIC}/grants");
    let whitelist = server.get(&owner, &grants).await.ok();
    assert_eq!((&whitelist["projects"][0]["grantee_name"], &whitelist["persons"]), (&json!("shop"), &json!([])));
    assert_eq!(whitelist["projects"][0]["approval"], made["requests"][0]["id"]);
    let page = server.get(&developer, &format!("{TENANT}/tables/web.clicks")).await.ok();
    assert_eq!(page["permissions"], json!([{"permission": "select", "columns": null}]));
    let mine = server.get(&developer, &format!("{TENANT}/permissions?project=shop")).await.ok();
    assert_eq!((&mine["items"][0]["table"], &mine["items"][0]["expired"]), (&json!("web.clicks"), &json!(false)));
    let grant = format!("{grants}/{}", whitelist["projects"][0]["id"].as_str().unwrap());
    assert_eq!(server.call(&developer, Method::DELETE, &grant, Value::Null).await.problem(), (404, "project.not_found"));
    assert_eq!(server.call(&owner, Method::DELETE, &grant, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.call(&owner, Method::DELETE, &grant, Value::Null).await.problem(), (404, "grant.not_found"));
}

#[tokio::test]
async fn administrators_set_whitelists_and_public_access() {
    let server = Server::start().await;
    let (owner, developer) = published(&server).await;
    let grants = format!("{TOPIC}/grants");
    let me = server.get(&developer, "/api/v1/me").await.ok()["user"].as_str().unwrap().to_owned();
    let until_ms = server.store.now_ms() + 3_600_000;
    let body = json!({"projects": ["shop"], "persons": [me], "permissions": ["select", "insert"], "expires_at_ms": until_ms});
    let set = server.post(&owner, &grants, body).await.ok();
    assert_eq!((set["projects"].as_array().unwrap().len(), set["persons"].as_array().unwrap().len()), (2, 2));
    assert_eq!(set["allowed_actions"], json!(["grant"]));
    let extended = server.post(&owner, &grants, json!({"projects": ["shop"], "permissions": ["select"]})).await.ok();
    assert_eq!((&extended["projects"][0]["expires_at_ms"], &extended["projects"][1]["expires_at_ms"]), (&Value::Null, &json!(until_ms)));
    assert_eq!(server.post(&owner, &grants, json!({"permissions": ["select"]})).await.problem(), (422, "request.invalid"));
    assert_eq!(
        server.post(&owner, &grants, json!({"persons": ["nobody"], "permissions": ["select"]})).await.problem(),
        (404, "user.not_found")
    );

    let access = format!("{TOPIC}/access");
    let public = server.call(&owner, Method::PUT, &access, json!({"public": ["select"], "revocation": "next_start"})).await.ok();
    assert_eq!((&public["public"], &public["revocation"]), (&json!(["select"]), &json!("next_start")));
    let anybody = server.token("acme", "member", None).await;
    let page = server.get(&anybody, &format!("{TENANT}/tables/web.clicks")).await.ok();
    assert_eq!(page["permissions"], json!([{"permission": "select", "columns": null}]));
    let odd = server.call(&owner, Method::PUT, &access, json!({"public": ["delete"]})).await;
    assert_eq!(odd.problem(), (422, "permission.not_on_topics"));
    let closed = server.call(&owner, Method::PUT, &access, json!({"public": []})).await.ok();
    assert_eq!((&closed["public"], &closed["revocation"]), (&json!([]), &json!("stop_running")));
}

/// PRM-6: a start without permission is refused, and says what to apply for.
#[tokio::test]
async fn an_instance_without_permission_does_not_start() {
    let server = Server::start().await;
    let (owner, developer) = published(&server).await;
    let shop = format!("{TENANT}/projects/shop");
    let draft = json!({"nodes": [{"id": "in", "kind": "kafka_source", "config": {"topic": "web.clicks"}}]});
    server.post(&developer, &format!("{shop}/jobs"), json!({"name": "reader", "draft": draft})).await.ok();
    server.post(&developer, &format!("{shop}/jobs/reader/versions"), Value::Null).await.ok();
    let instance = server.post(&developer, &format!("{shop}/instances"), json!({"job": "reader"})).await.ok();
    let start = format!("{shop}/instances/{}/start", instance["id"].as_str().unwrap());
    let refused = server.post(&developer, &start, Value::Null).await;
    assert_eq!(refused.problem(), (403, "permission.missing"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("millrace permission apply web.clicks --permission select --project shop"), "{detail}");
    server.post(&owner, &format!("{TOPIC}/grants"), json!({"projects": ["shop"], "permissions": ["select"]})).await.ok();
    assert_eq!(server.post(&developer, &start, Value::Null).await.status, StatusCode::ACCEPTED);
}
