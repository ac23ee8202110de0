//! Search, the page of a table, business metadata and quality rules over HTTP.

use super::{Server, request};
use axum::http::{Method, StatusCode};
use millrace_model::ids::InstanceId;
use millrace_store::QualityCount;
use serde_json::{Value, json};

const TENANT: &str = "/api/v1/tenants/acme";
const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

async fn names(server: &Server, token: &str, query: &str) -> Vec<String> {
    let found = server.get(token, &format!("{TENANT}/search?{query}")).await.ok();
    found["items"].as_array().unwrap().iter().map(|i| format!("{} {}", i["kind"].as_str().unwrap(), i["name"].as_str().unwrap())).collect()
}

/// ROL-6: every role searches; what somebody works on is found by who works there.
#[tokio::test]
async fn everybody_searches_the_catalog() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.furnish("bolt").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    assert_eq!(names(&server, &developer, "q=clicks").await, ["table clicks", "job clean-clicks"]);
    assert_eq!(names(&server, &developer, "q=clean&kind=job").await, ["job clean-clicks"]);
    let member = server.token("acme", "member", None).await;
    assert_eq!(names(&server, &member, "q=clicks&project=web").await, ["table clicks"]);
    assert_eq!(names(&server, &member, "q=customer").await, ["meta_model customer"]);
    let all = names(&server, &server.admin.clone(), "limit=200").await;
    for kind in ["tag personal", "category people", "business_data ann", "relation visits", "quality_rule url-is-there", "function shared"]
    {
        assert!(all.iter().any(|found| found == kind), "{kind} is not in {all:?}");
    }
    let wrong = server.get(&member, &format!("{TENANT}/search?kind=planet")).await;
    assert_eq!(wrong.problem(), (400, "request.invalid_query"));
    let wrong = server.get(&member, &format!("{TENANT}/search?cursor=x")).await;
    assert_eq!(wrong.problem(), (422, "request.invalid"));
}

#[tokio::test]
async fn the_page_of_a_table_says_everything() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let table = server.get(&developer, &format!("{TENANT}/table-pages/web.clicks")).await.ok();
    let on = json!({"kind": "table", "id": table["id"], "column": "url"});
    let attached = server.post(&developer, &format!("{TENANT}/tags/personal/attach"), on).await;
    assert_eq!(attached.status, StatusCode::NO_CONTENT);
    let wrong = json!({"kind": "table", "id": table["id"], "column": "uri"});
    assert_eq!(server.post(&developer, &format!("{TENANT}/tags/personal/attach"), wrong).await.problem(), (422, "request.invalid"));

    let page = server.get(&developer, &format!("{TENANT}/table-pages/{}", table["id"].as_str().unwrap())).await.ok();
    assert_eq!(page["project"]["name"], "web");
    assert_eq!(page["schema"], json!([{"name": "url", "type": "STRING", "nullable": true}]));
    assert_eq!((&page["tags"][0]["name"], &page["tags"][0]["column"]), (&json!("personal"), &json!("url")));
    assert_eq!((&page["quality"][0]["name"], &page["quality"][0]["state"]), (&json!("url-is-there"), &json!("draft")));
    assert_eq!(page["allowed_actions"], json!(["edit", "publish", "apply", "tag", "add_quality_rule"]));
    let whole = server.get(&developer, &format!("{TENANT}/tables/web.clicks")).await.ok();
    for field in ["tags", "lineage", "quality", "business_data", "readers", "environments", "revision", "schema"] {
        assert_eq!(whole[field], page[field], "{field}");
    }
    assert_eq!(whole["allowed_actions"], json!(["edit", "publish", "tag", "add_quality_rule"]));
    assert_eq!(page["readers"], json!({"projects": 0, "persons": 0, "public": []}));
    let member = server.token("acme", "member", None).await;
    let seen = server.get(&member, &format!("{TENANT}/table-pages/web.clicks")).await.ok();
    assert_eq!(seen["allowed_actions"], json!(["apply"]));
    let lineage = server.get(&member, &format!("{TENANT}/lineage?table=web.clicks&depth=3&direction=downstream")).await.ok();
    assert_eq!(lineage["is_cut"], false);
    assert_eq!(server.get(&member, &format!("{TENANT}/lineage?table=web.none")).await.problem(), (404, "table.not_found"));
}

/// PRJ-3, PRM-1: what is only designed is its project's, wherever lineage comes past it.
#[tokio::test]
async fn lineage_does_not_name_tables_that_the_asker_may_not_know() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.admin.clone();
    server.post(&admin, &format!("{TENANT}/projects"), json!({"name": "other"})).await.ok();
    let (developer, guest) = (server.token("acme", "developer", Some("web")).await, server.token("acme", "member", Some("other")).await);
    let decider = server.token("acme", "project_data_admin", Some("web")).await;
    assert_eq!(server.get(&guest, &format!("{TENANT}/table-pages/web.clicks")).await.problem(), (404, "table.not_found"));
    let asked = server.post(&developer, &format!("{PROJECT}/topics/clicks/publish"), json!({"environment": "test"})).await.ok();
    server.post(&decider, &format!("{TENANT}/approvals/{}/approve", asked["number"]), json!({})).await.ok();

    // clicks → salaries → bonuses, of which only the first is published.
    let mut ids = Vec::new();
    for name in ["salaries", "bonuses"] {
        let topic = json!({"name": name, "data_source": "broker", "schema": [{"name": "amount_paid", "type": "STRING"}]});
        ids.push(server.post(&admin, &format!("{PROJECT}/topics"), topic).await.ok()["id"].as_str().unwrap().to_owned());
    }
    let tenant = server.store.tenant("acme").await.unwrap().id;
    let scope = server.store.project(&tenant, "web").await.unwrap().scope;
    let job = server.store.job(&scope, "clean-clicks").await.unwrap().id;
    let second = json!({"name": "pay", "draft": {"nodes": [{"id": "in", "kind": "kafka_source"}]}});
    server.post(&admin, &format!("{PROJECT}/jobs"), second).await.ok();
    let second = server.store.job(&scope, "pay").await.unwrap().id;
    for (job, from, to, column) in [(&job, "clicks", "salaries", "url"), (&second, "salaries", "bonuses", "amount_paid")] {
        let pin = |table: &str| json!({"table": table, "physical_name": table, "schema": [], "format": null});
        let origins = json!([{"table": to, "column": "amount_paid", "from": [{"table": from, "column": column}]}]);
        let pins = json!({"in": pin(from), "out": pin(to), millrace_domain::lineage::COLUMNS_PIN: origins});
        let graph = json!({"nodes": [{"id": "in", "kind": "kafka_source"}, {"id": "out", "kind": "kafka_sink"}]});
        let version = millrace_store::NewJobVersion {
            graph: serde_json::from_value(graph).unwrap(),
            pins,
            content_hash: format!("{from} {to}"),
            description: String::new(),
        };
        server.store.add_job_version(&millrace_store::Cause::system("test"), &scope, job, &version).await.unwrap();
    }

    let path = format!("{TENANT}/lineage?table=web.clicks&depth=5");
    let shape = |view: &Value| {
        let tables = view["tables"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (tables, view["edges"].as_array().unwrap().len(), view["columns"].as_array().unwrap().len())
    };
    let mut whole = shape(&server.get(&developer, &path).await.ok());
    whole.0.sort();
    assert_eq!(whole, (vec!["bonuses".to_owned(), "clicks".to_owned(), "salaries".to_owned()], 4, 2));
    let seen = server.get(&guest, &path).await.ok();
    let mut nodes: Vec<_> = seen["tables"].as_array().unwrap().iter().map(|t| (t["name"].clone(), t["is_hidden"].clone())).collect();
    nodes.sort_by_key(|(name, _)| name.to_string());
    assert_eq!(nodes, [(json!(""), json!(true)), (json!("clicks"), json!(false))], "the way ends at what is hidden");
    assert_eq!((shape(&seen).1, shape(&seen).2, &seen["jobs"][0]["job"]), (2, 0, &Value::Null));
    for path in
        [path, format!("{TENANT}/table-pages/web.clicks"), format!("{TENANT}/tables/web.clicks"), format!("{TENANT}/search?q=salaries")]
    {
        let answer = server.get(&guest, &path).await.ok().to_string();
        for secret in ["salaries", "bonuses", "amount_paid", &ids[0], &ids[1]] {
            assert!(!answer.contains(secret), "{path} tells `{secret}`: {answer}");
        }
    }
    assert!(server.get(&developer, &format!("{TENANT}/tables/web.clicks")).await.ok().to_string().contains("salaries"));
}

/// GOV-1 with ROL-1 to ROL-3: who makes what, and who agrees to it.
#[tokio::test]
async fn business_metadata_goes_from_draft_to_published() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let (global, asset) = (server.token("acme", "global_data_admin", None).await, server.token("acme", "data_asset_admin", None).await);
    let business = server.token("acme", "business_user", None).await;

    // ROL-1 manages categories; ROL-2 makes a meta-model, ROL-1 agrees.
    server.post(&global, &format!("{TENANT}/categories"), json!({"name": "goods"})).await.ok();
    assert_eq!(server.post(&asset, &format!("{TENANT}/categories"), json!({"name": "x"})).await.problem(), (403, "access.forbidden"));
    let attributes = json!([{"name": "level", "type": "enum", "values": ["low", "high"], "required": true}]);
    let model = json!({"name": "product", "category": "goods", "document": {"attributes": attributes}});
    let model = server.post(&asset, &format!("{TENANT}/meta-models"), model).await.ok();
    assert_eq!((&model["state"], &model["allowed_actions"]), (&json!("draft"), &json!(["edit", "delete", "request_publication"])));
    let early = json!({"name": "shoe", "meta_model": "product", "document": {"values": {"level": "low"}}});
    let early = server.post(&business, &format!("{TENANT}/business-data"), early).await;
    assert_eq!(early.problem(), (409, "meta_model.not_published"));
    let asked = server.post(&asset, &format!("{TENANT}/meta-models/product/publish"), json!({"reason": "for the shop"})).await.ok();
    let approve = format!("{TENANT}/approvals/{}/approve", asked["id"].as_str().unwrap());
    assert_eq!(server.post(&asset, &approve, json!({})).await.problem().0, 403, "nobody decides their own request");
    assert_eq!(server.post(&business, &approve, json!({})).await.problem().0, 403);
    assert_eq!(server.get(&asset, &format!("{TENANT}/meta-models/product")).await.ok()["state"], "in_approval");
    let blocked = server.call(&asset, Method::PUT, &format!("{TENANT}/meta-models/product"), json!({"attributes": []})).await;
    assert_eq!(blocked.problem(), (409, "governed.in_approval"));
    server.post(&global, &approve, json!({"opinion": "good"})).await.ok();
    assert_eq!(server.get(&asset, &format!("{TENANT}/meta-models/product")).await.ok()["state"], "published");

    // ROL-3 makes an entry by the meta-model; ROL-2 agrees.
    let wrong = json!({"name": "shoe", "meta_model": "product", "document": {"values": {"level": "mid", "size": 3}}});
    let wrong = server.post(&business, &format!("{TENANT}/business-data"), wrong).await;
    assert_eq!(wrong.problem(), (422, "request.invalid"));
    assert_eq!(wrong.body["errors"].as_array().unwrap().len(), 2, "{wrong:?}");
    let entry = json!({"name": "shoe", "meta_model": "product", "document": {"values": {"level": "low"}}});
    let entry = server.post(&business, &format!("{TENANT}/business-data"), entry).await.ok();
    let asked = server.post(&business, &format!("{TENANT}/business-data/shoe/publish"), Value::Null).await.ok();
    let approve = format!("{TENANT}/approvals/{}/approve", asked["id"].as_str().unwrap());
    assert_eq!(server.post(&global, &approve, json!({})).await.problem().0, 403, "not theirs to decide");
    server.post(&asset, &approve, json!({})).await.ok();
    let path = format!("{TENANT}/business-data/shoe");
    let stale = server.send(request(Some(&business), Method::PUT, &path, &json!({"values": {"level": "high"}}), Some("\"9\""))).await;
    assert_eq!(stale.problem().0, 412);
    let edited = server.call(&business, Method::PUT, &path, json!({"values": {"level": "high"}})).await.ok();
    assert_eq!((&edited["state"], &edited["published"]["values"]["level"]), (&json!("edited"), &json!("low")));
    let versions = server.get(&business, &format!("{path}/versions")).await.ok();
    assert_eq!(versions["items"][0]["number"], 1);

    // ROL-2 names who manages the entries: others may not change them any more.
    let me = server.get(&asset, "/api/v1/me").await.ok();
    let managers = json!({"users": [me["user"].as_str().unwrap()]});
    server.call(&asset, Method::PUT, &format!("{TENANT}/meta-models/product/managers"), managers).await.ok();
    let refused = server.call(&business, Method::PUT, &path, json!({"values": {"level": "low"}})).await;
    assert_eq!(refused.problem(), (403, "business_data.not_manager"));
    assert_eq!(server.get(&business, &path).await.ok()["allowed_actions"], json!([]));

    // A relation to a column; ROL-5 may make one too.
    let developer = server.token("acme", "developer", Some("web")).await;
    let table = server.get(&developer, &format!("{TENANT}/table-pages/web.clicks")).await.ok();
    let ends = |column: &str| json!({"from": {"kind": "business_data", "id": entry["id"]}, "to": {"kind": "table", "id": table["id"], "column": column}});
    let wrong = server.post(&developer, &format!("{TENANT}/relations"), json!({"name": "describes", "document": ends("uri")})).await;
    assert_eq!(wrong.body["errors"][0]["field"], "to.column");
    let made = server.post(&developer, &format!("{TENANT}/relations"), json!({"name": "describes", "document": ends("url")})).await.ok();
    let asked = server.post(&developer, &format!("{TENANT}/relations/{}/publish", made["id"].as_str().unwrap()), Value::Null).await.ok();
    server.post(&asset, &format!("{TENANT}/approvals/{}/approve", asked["id"].as_str().unwrap()), json!({})).await.ok();
    let page = server.get(&developer, &format!("{TENANT}/table-pages/web.clicks")).await.ok();
    assert_eq!((&page["business_data"][0]["name"], &page["business_data"][0]["column"]), (&json!("describes"), &json!("url")));
    let used = server.call(&asset, Method::DELETE, &path, Value::Null).await;
    assert_eq!(used.problem(), (409, "business_data.in_use"));
}

/// ROL-3, ROL-4, ROL-5: rules are made by who works with the table, and agreed to by the project's data administrator.
#[tokio::test]
async fn quality_rules_are_published_by_the_projects_data_administrator() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let admin = server.token("acme", "project_data_admin", Some("web")).await;
    let rules = format!("{PROJECT}/quality-rules");
    let wrong = json!({"name": "x", "table": "clicks", "document": {"column": "uri", "check": {"type": "not_null"}}});
    assert_eq!(server.post(&developer, &rules, wrong).await.body["errors"][0]["field"], "column");
    let rule =
        json!({"name": "no-twins", "table": "clicks", "document": {"column": "url", "check": {"type": "unique", "window_ms": 60_000}}});
    server.post(&developer, &rules, rule).await.ok();
    let results = json!({"name": "quality-results", "data_source": "broker", "schema": [{"name": "rule", "type": "STRING"}]});
    server.post(&server.admin, &format!("{PROJECT}/topics"), results).await.ok();
    let job = json!({"name": "check-twins", "results": "quality-results"});
    let early = server.post(&developer, &format!("{rules}/no-twins/job"), job.clone()).await;
    assert_eq!(early.problem(), (409, "quality_rule.not_published"));
    let asked = server.post(&developer, &format!("{rules}/no-twins/publish"), json!({"reason": "twins hurt"})).await.ok();
    server.post(&admin, &format!("{TENANT}/approvals/{}/approve", asked["id"].as_str().unwrap()), json!({})).await.ok();
    let found = server.get(&developer, &format!("{rules}/no-twins")).await.ok();
    assert_eq!((&found["state"], &found["is_of_rows"], &found["results"]), (&json!("published"), &json!(false), &json!([])));
    let made = server.post(&developer, &format!("{rules}/no-twins/job"), job).await.ok();
    let draft = server.get(&developer, &format!("{PROJECT}/jobs/check-twins")).await.ok()["draft"].clone();
    let shown: Vec<String> = (draft["nodes"].as_array().unwrap().iter())
        .map(|n| format!("{} {}", n["kind"].as_str().unwrap(), n["config"]["topic"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(shown, ["kafka_source clicks", "sql -", "quality_check -", "kafka_sink quality-results"]);
    assert_eq!(draft["nodes"][1]["config"]["sql"], made["sql"]);
    assert_eq!(draft["nodes"][2]["config"]["rules"][0]["id"], found["id"], "what it counts is counted for the rule");
    let of_rows = server.post(&developer, &format!("{rules}/url-is-there/job"), json!({"name": "x", "results": "quality-results"})).await;
    assert_eq!(of_rows.problem(), (409, "quality_rule.not_published"));
}

/// ROL-5: who works in one project neither tags nor relates the tables of another one; ROL-2 does in the whole tenant.
#[tokio::test]
async fn tags_and_relations_are_of_the_tables_project() {
    let server = Server::start().await;
    server.furnish("acme").await;
    server.post(&server.admin, &format!("{TENANT}/projects"), json!({"name": "risk"})).await.ok();
    let (own, other) = (server.token("acme", "developer", Some("web")).await, server.token("acme", "developer", Some("risk")).await);
    let asset = server.token("acme", "data_asset_admin", None).await;
    let business = server.token("acme", "business_user", None).await;
    let table = server.get(&own, &format!("{TENANT}/table-pages/web.clicks")).await.ok()["id"].clone();
    let (attach, detach) = (format!("{TENANT}/tags/personal/attach"), format!("{TENANT}/tags/personal/detach"));
    let on = json!({"kind": "table", "id": table});
    server.post(&own, &attach, on.clone()).await.ok();
    assert_eq!(server.post(&other, &detach, on.clone()).await.problem(), (403, "access.forbidden"));
    // Another kind of the same id is another thing.
    server.post(&other, &detach, json!({"kind": "business_data", "id": table})).await.ok();
    let tags = async || server.get(&own, &format!("{TENANT}/table-pages/web.clicks")).await.ok()["tags"].as_array().unwrap().len();
    assert_eq!(tags().await, 1);
    server.post(&asset, &detach, on.clone()).await.ok();
    assert_eq!(tags().await, 0);
    assert_eq!(server.post(&other, &attach, on).await.status, 404, "what is only designed is its project's");

    let visits = format!("{TENANT}/relations/visits");
    let relation = server.get(&other, &visits).await.ok();
    assert_eq!(relation["allowed_actions"], json!([]));
    assert_eq!(server.get(&other, &format!("{TENANT}/relations")).await.ok()["items"][0]["allowed_actions"], json!([]));
    assert_eq!(server.get(&own, &visits).await.ok()["allowed_actions"], json!(["edit", "delete", "request_publication"]));
    let document = relation["document"].clone();
    for (method, path, body) in [
        (Method::PUT, visits.clone(), document.clone()),
        (Method::POST, format!("{visits}/publish"), Value::Null),
        (Method::DELETE, visits.clone(), Value::Null),
    ] {
        assert_eq!(server.call(&other, method.clone(), &path, body).await.problem(), (403, "access.forbidden"), "{method} {path}");
    }
    server.call(&business, Method::PUT, &visits, document.clone()).await.ok();
    server.call(&own, Method::PUT, &visits, document).await.ok();
    assert_eq!(server.call(&own, Method::DELETE, &visits, Value::Null).await.status, StatusCode::NO_CONTENT);
}

/// JOB-4: bad rows are rows.
#[tokio::test]
async fn bad_rows_are_for_who_may_see_rows() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let path = format!("{PROJECT}/quality-rules/url-is-there");
    let rule = server.get(&server.admin, &path).await.ok()["id"].as_str().unwrap().to_owned();
    let tenant = server.store.tenant("acme").await.unwrap().id;
    let scope = server.store.project(&tenant, "web").await.unwrap().scope;
    let count = QualityCount {
        rule,
        version: 1,
        node: "out".into(),
        checked: 5,
        violated: 1,
        marked: 0,
        diverted: 0,
        samples: vec![r#"{"url":null}"#.into()],
    };
    server.store.note_quality(&scope, &InstanceId::new(instance), 1, &[count]).await.unwrap();
    for (role, samples) in [("developer", 1), ("tenant_admin", 1), ("global_data_admin", 0), ("member", 0)] {
        let token = server.token("acme", role, None).await;
        let found = server.get(&token, &path).await.ok();
        assert_eq!(found["results"][0]["environment"], "test");
        assert_eq!(found["results"][0]["samples"].as_array().unwrap().len(), samples, "{role}: {found}");
    }
    let noted = server.get(&server.admin, &format!("{TENANT}/audit?action=data.preview")).await.ok();
    let noted: Vec<_> = noted["items"].as_array().unwrap().iter().map(|row| row["detail"]["of"].clone()).collect();
    assert_eq!(noted, ["quality_rule", "quality_rule"], "who has seen rows is noted");
}
