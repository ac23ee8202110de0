//! Members, services, quotas and the end of a project (PRJ-1, PRJ-2).

use super::{Server, request};
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";

#[tokio::test]
async fn members_have_roles() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.token("acme", "tenant_admin", None).await;
    let ann = format!("{PROJECT}/members/ann");
    let set = server.call(&admin, Method::PUT, &ann, json!({"roles": ["developer", "project_data_admin"]})).await.ok();
    assert_eq!(set["roles"], json!(["developer", "project_data_admin"]));
    let listed = server.get(&admin, &format!("{PROJECT}/members")).await.ok();
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["roles"]), (&json!("ann"), &set["roles"]));
    for (body, expected) in [
        (json!({"roles": []}), (422, "request.invalid")),
        (json!({"roles": ["platform_admin"]}), (422, "request.invalid")),
        (json!({"roles": ["king"]}), (422, "request.invalid_body")),
    ] {
        assert_eq!(server.call(&admin, Method::PUT, &ann, body.clone()).await.problem(), expected, "{body}");
    }
    let stale = request(Some(&admin), Method::PUT, &ann, &json!({"roles": ["member"]}), Some("\"1\""));
    assert_eq!(server.send(stale).await.problem(), (412, "user.changed"));
    let nobody = server.call(&admin, Method::PUT, &format!("{PROJECT}/members/nobody"), json!({"roles": ["member"]})).await;
    assert_eq!(nobody.problem(), (404, "user.not_found"));
    assert_eq!(server.call(&admin, Method::DELETE, &ann, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert!(server.get(&admin, &format!("{PROJECT}/members")).await.ok()["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_service_is_needed_for_its_endpoints() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let admin = server.token("acme", "tenant_admin", None).await;
    let service = format!("{PROJECT}/services/stream_computing");
    let listed = server.get(&admin, &format!("{PROJECT}/services")).await;
    assert_eq!(listed.headers[header::ETAG], "\"1\"");
    let expected = json!({"name": "stream_computing", "enabled": true, "configuration": {"parallelism_max": 128, "online_code": true}});
    assert_eq!(listed.ok()["items"][0], expected);
    let narrow = json!({"configuration": {"parallelism_max": 2, "online_code": false}});
    server.call(&admin, Method::PUT, &service, narrow).await.ok();
    let build = server.post(&admin, &format!("{PROJECT}/builds"), json!({"world": "etl-operator", "class": "X"})).await;
    assert_eq!(build.problem(), (409, "project.no_online_code"));
    let wide = json!({"name": "wide", "draft": {"nodes": [{"id": "in", "kind": "kafka_source", "parallelism": 3}]}});
    server.post(&admin, &format!("{PROJECT}/jobs"), wide).await.ok();
    server.post(&admin, &format!("{PROJECT}/jobs/wide/versions"), Value::Null).await.ok();
    let made = server.post(&admin, &format!("{PROJECT}/instances"), json!({"job": "wide"})).await.ok();
    let start = format!("{PROJECT}/instances/{}/start", made["id"].as_str().unwrap());
    let refused = server.post(&admin, &start, Value::Null).await;
    assert_eq!(refused.problem(), (422, "request.invalid"));
    assert!(refused.body["detail"].as_str().unwrap().contains("has 3 subtasks"), "{refused:?}");
    let odd = server.call(&admin, Method::PUT, &service, json!({"configuration": {"parallelism": 2}})).await;
    assert_eq!((odd.problem().0, &odd.body["errors"][0]["field"]), (422, &json!("configuration")));

    server.post(&admin, &format!("{PROJECT}/instances/{instance}/start"), Value::Null).await.ok();
    assert_eq!(server.call(&admin, Method::DELETE, &service, Value::Null).await.problem(), (409, "service.in_use"));
    server.post(&admin, &format!("{PROJECT}/instances/{instance}/stop"), Value::Null).await.ok();
    let id = millrace_model::ids::InstanceId::new(instance.as_str());
    let claimed = server.store.claim_instance(&id, "w1", i64::MAX).await.unwrap().unwrap();
    let (event, attempt) = (millrace_domain::InstanceEvent::Halted, claimed.attempt);
    let report = millrace_store::InstanceReport { attempt, event, failure: None, restart_count: None };
    server.store.report_instance(&millrace_store::Cause::system("worker"), &id, &report).await.unwrap();
    assert_eq!(server.call(&admin, Method::DELETE, &service, Value::Null).await.status, StatusCode::NO_CONTENT);
    for path in ["jobs", "instances", "plugins", "resources"] {
        assert_eq!(server.get(&admin, &format!("{PROJECT}/{path}")).await.problem(), (409, "project.no_service"), "{path}");
    }
    server.get(&admin, &format!("{PROJECT}/topics")).await.ok();
    let project = server.get(&admin, PROJECT).await.ok();
    assert_eq!(project["services"], json!(["data_governance"]));
    assert!(!project["allowed_actions"].as_array().unwrap().contains(&json!("job.create")));
    let back = server.call(&admin, Method::PUT, &service, Value::Null).await.ok();
    assert_eq!(back["items"][0], expected, "added again with its defaults");
    server.get(&admin, &format!("{PROJECT}/jobs")).await.ok();
}

#[tokio::test]
async fn quotas_are_shared_out_and_say_who_can_raise_them() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let admin = server.token("acme", "tenant_admin", None).await;
    let developer = server.token("acme", "developer", Some("web")).await;
    let listed = server.get(&developer, &format!("{PROJECT}/quotas")).await.ok();
    let jobs = listed["items"].as_array().unwrap().iter().find(|q| q["name"] == "jobs").unwrap().clone();
    assert_eq!(jobs, json!({"name": "jobs", "used": 1, "allowed": null, "tenant_used": 1, "tenant_allowed": 100_000}));
    let set = server.call(&admin, Method::PUT, &format!("{PROJECT}/quotas/jobs"), json!({"allowed": 1})).await.ok();
    assert_eq!((&set["allowed"], &set["used"]), (&json!(1), &json!(1)));
    let full = server.post(&developer, &format!("{PROJECT}/jobs"), json!({"name": "more"})).await;
    assert_eq!(full.problem(), (409, "quota.exceeded"));
    assert!(full.body["detail"].as_str().unwrap().contains("administrator of the tenant"), "{full:?}");
    assert_eq!(server.call(&developer, Method::PUT, &format!("{PROJECT}/quotas/jobs"), json!({"allowed": 9})).await.problem().0, 403);
    server.call(&admin, Method::PUT, &format!("{PROJECT}/quotas/jobs"), json!({"allowed": null})).await.ok();
    server.post(&developer, &format!("{PROJECT}/jobs"), json!({"name": "more"})).await.ok();
    let tenant = "/api/v1/tenants/acme/quotas/instances";
    assert_eq!(server.call(&admin, Method::PUT, tenant, json!({"allowed": 0})).await.problem().0, 403, "the platform's to say");
    server.call(&server.admin, Method::PUT, tenant, json!({"allowed": 0})).await.ok();
    let made = server.post(&developer, &format!("{PROJECT}/instances"), json!({"job": "clean-clicks"})).await.ok();
    let start = server.post(&developer, &format!("{PROJECT}/instances/{}/start", made["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(start.problem(), (409, "quota.exceeded"));
    assert!(start.body["detail"].as_str().unwrap().starts_with("quota `instances`: the tenant uses 0, wants 1 more and may have 0"));
}

#[tokio::test]
async fn every_door_of_an_archived_project_is_closed() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let admin = server.token("acme", "tenant_admin", None).await;
    let developer = server.person(Some("acme"), "bob", json!([{"role": "developer", "project": "web"}])).await;
    server.post(&admin, &format!("{PROJECT}/instances/{instance}/start"), Value::Null).await.ok();
    server.post(&admin, &format!("{PROJECT}/archive"), Value::Null).await.ok();
    let document = serde_json::to_value(crate::document()).unwrap();
    let mut doors = 0;
    for (template, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.contains("{project}/")) {
        for method in item.as_object().unwrap().keys() {
            let path = super::authorization::filled(template, &instance);
            let answer = server.call(&admin, method.to_uppercase().parse().unwrap(), &path, json!({"wrong": 1})).await;
            if template.ends_with("/archive") {
                answer.ok();
                continue;
            }
            // Other projects may still use its tables: who does, can be seen and ended, and nothing added.
            let of_tables = template.contains("/topics/") || template.contains("/temp-tables/");
            match (method.as_str(), of_tables) {
                ("get", true) if template.ends_with("/grants") => drop(answer.ok()),
                ("delete", true) if template.ends_with("/grants/{grant}") => assert_eq!(answer.problem(), (404, "grant.not_found")),
                _ => assert_eq!(answer.problem(), (409, "project.archived"), "{method} {path}: {answer:?}"),
            }
            doors += 1;
        }
    }
    assert!(doors >= 40, "{doors}");
    let project = server.get(&admin, PROJECT).await.ok();
    assert_eq!(project["allowed_actions"], json!(["project.view"]));
    let me = server.browse(&developer, Method::GET, "/api/v1/me", Value::Null).await.ok();
    assert!(me["projects"].as_array().unwrap().is_empty(), "it is not among the projects of its members");
    let log = server.get(&admin, "/api/v1/tenants/acme/audit?project=web&action=project.archive").await.ok();
    let first = log["items"].as_array().unwrap().last().unwrap();
    assert_eq!(first["detail"]["stopping"], json!([instance]), "the audit stays readable");
}
