//! Editing a job together: lock, kept drafts, folders, comparison, YAML, programs in JARs.

use super::{Server, request};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use millrace_domain::{
    InstanceEvent,
    instance_log::{LogLevel, LogOrigin},
};
use millrace_model::ids::InstanceId;
use millrace_store::{Cause, InstanceReport, NewLogLine};
use serde_json::{Value, json};

const PROJECT: &str = "/api/v1/tenants/acme/projects/web";
const JOB: &str = "/api/v1/tenants/acme/projects/web/jobs/clean-clicks";

async fn two_developers(server: &Server) -> (String, String) {
    server.furnish("acme").await;
    let mut tokens = Vec::new();
    for name in ["ann", "bob"] {
        let body = json!({"name": name, "role": "developer", "project": "web"});
        let issued = server.post(&server.admin, "/api/v1/tenants/acme/tokens", body).await.ok();
        tokens.push(issued["secret"].as_str().unwrap().to_owned());
    }
    let bob = tokens.pop().unwrap();
    (tokens.pop().unwrap(), bob)
}

#[tokio::test]
async fn two_developers_edit_one_job() {
    let server = Server::start().await;
    let (ann, bob) = two_developers(&server).await;
    let lock = format!("{JOB}/lock");
    let draft = |parallelism: u16| json!({"nodes": [], "parameters": {"parallelism": parallelism}});
    let free = server.get(&ann, JOB).await.ok();
    assert_eq!((&free["lock"]["state"], &free["mode"]), (&json!("free"), &json!("online")));
    assert_eq!(free["allowed_actions"], json!(["edit", "submit", "copy", "delete"]));
    let held = server.post(&ann, &lock, json!({"action": "acquire", "lease_ms": 60_000})).await.ok();
    assert_eq!((&held["holder"]["name"], &held["is_mine"]), (&json!("ann"), &json!(true)));
    let seen = server.get(&bob, JOB).await.ok();
    assert_eq!((&seen["lock"]["allowed_actions"], &seen["allowed_actions"]), (&json!(["ask", "take"]), &json!(["submit", "copy"])));

    let save = |token: &str, draft: Value, tag: &str| request(Some(token), Method::PUT, JOB, &json!({"draft": draft}), Some(tag));
    let locked = server.send(save(&bob, draft(2), "\"1\"")).await;
    assert_eq!(locked.problem(), (423, "job.locked"));
    assert!(locked.body["detail"].as_str().unwrap().starts_with("`ann` edits the job; ask for the lock"), "{locked:?}");
    let renewed = json!({"action": "renew", "draft": draft(3), "base_revision": 1});
    server.post(&ann, &lock, renewed.clone()).await.ok();
    let asked = server.post(&bob, &lock, json!({"action": "ask"})).await.ok();
    assert_eq!((&asked["state"], &asked["steal"]["by"]["name"]), (&json!("asked"), &json!("bob")));
    assert_eq!(
        server.get(&ann, &lock).await.ok()["allowed_actions"],
        json!(["acquire", "renew", "release", "ask", "give", "refuse", "take"])
    );
    server.post(&ann, &lock, json!({"action": "refuse"})).await.ok();
    let taken = server.post(&bob, &lock, json!({"action": "take"})).await.ok();
    assert_eq!(taken["holder"]["name"], "bob");
    assert_eq!(server.post(&ann, &lock, json!({"action": "renew"})).await.problem(), (423, "job.locked"));
    assert_eq!(server.post(&ann, &lock, json!({"action": "give"})).await.problem(), (409, "job.lock_not_holder"));
    let odd = server.post(&ann, &lock, json!({"action": "take", "lease_ms": 1})).await;
    assert_eq!(odd.problem(), (422, "request.invalid"));

    let saved = server.send(save(&bob, draft(4), "\"1\"")).await.ok();
    assert_eq!(saved["revision"], 2);
    server.post(&bob, &lock, json!({"action": "release"})).await.ok();
    let kept = server.get(&ann, &format!("{JOB}/kept-drafts")).await.ok();
    let first = &kept["items"][0];
    assert_eq!((&first["reason"], &first["lost_to"]), (&json!("taken"), &json!("bob")));
    assert_eq!(first["draft"]["parameters"]["parallelism"], 3);
    assert_eq!(server.get(&bob, &format!("{JOB}/kept-drafts")).await.ok()["items"], json!([]));
    let restore = format!("{JOB}/kept-drafts/{}/restore", first["id"].as_str().unwrap());
    let blind = server.post(&ann, &restore, Value::Null).await;
    assert_eq!(blind.problem(), (428, "request.if_match"));
    let restored = server.send(request(Some(&ann), Method::POST, &restore, &Value::Null, Some("\"2\""))).await.ok();
    assert_eq!(restored["draft"]["parameters"]["parallelism"], 3);
    assert_eq!(server.get(&ann, &format!("{JOB}/kept-drafts")).await.ok()["items"], json!([]));
}

#[tokio::test]
async fn jobs_move_and_are_copied_in_a_tree() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let moved = server.post(&ann, &format!("{JOB}/move"), json!({"folder": "etl/web", "name": "clicks"})).await.ok();
    assert_eq!((&moved["name"], &moved["folder"]), (&json!("clicks"), &json!("etl/web")));
    let job = format!("{PROJECT}/jobs/clicks");
    let copied = server.post(&ann, &format!("{job}/copy"), json!({"name": "clicks-2"})).await;
    assert_eq!((copied.status, &copied.body["folder"], &copied.body["revision"]), (StatusCode::CREATED, &json!("etl/web"), &json!(1)));
    let taken = server.post(&ann, &format!("{job}/move"), json!({"name": "clicks-2"})).await;
    assert_eq!(taken.problem(), (409, "job.exists"));
    server.post(&ann, &format!("{PROJECT}/folders"), json!({"path": "empty"})).await.ok();
    let tree = server.post(&ann, &format!("{PROJECT}/folders/move"), json!({"from": "etl", "to": "streams"})).await.ok();
    let shown: Vec<_> =
        tree["items"].as_array().unwrap().iter().map(|f| format!("{}={}", f["path"].as_str().unwrap(), f["jobs"])).collect();
    assert_eq!(shown, ["=0", "empty=0", "streams=0", "streams/web=2"]);
    let full = server.call(&ann, Method::DELETE, &format!("{PROJECT}/folders?path=streams"), Value::Null).await;
    assert_eq!(full.problem(), (409, "folder.in_use"));
    let gone = server.call(&ann, Method::DELETE, &format!("{PROJECT}/folders?path=empty"), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let listed = server.get(&ann, &format!("{PROJECT}/jobs?name_contains=s-2")).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn versions_are_compared_with_each_other_and_with_the_draft() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let draft = json!({
        "nodes": [{"id": "in", "kind": "kafka_source", "position": {"x": 5, "y": 5}}, {"id": "out", "kind": "kafka_sink"}],
        "edges": [{"from": "in", "to": "out"}], "parameters": {"checkpoint_interval_ms": 1000},
    });
    server.send(request(Some(&ann), Method::PUT, JOB, &json!({"draft": draft}), Some("\"1\""))).await.ok();
    let found = server.get(&ann, &format!("{JOB}/diff")).await.ok();
    assert_eq!((&found["from"]["version"], &found["to"]["version"]), (&json!(1), &Value::Null));
    assert_eq!(found["diff"]["nodes"], json!([{"node": "out", "kind": "kafka_sink", "change": "added"}]));
    assert_eq!(found["diff"]["parameters"], json!([{"pointer": "/checkpoint_interval_ms", "before": 10_000, "after": 1000}]));
    server.post(&ann, &format!("{JOB}/versions"), Value::Null).await.ok();
    assert_eq!(server.get(&ann, &format!("{JOB}/diff?from=2&to=draft")).await.ok()["diff"]["is_same"], true);
    let back = server.get(&ann, &format!("{JOB}/diff?from=2&to=1")).await.ok();
    assert_eq!(back["diff"]["edges"], json!([{"from": "in", "to": "out", "change": "removed"}]));
    assert_eq!(server.get(&ann, &format!("{JOB}/diff?from=9")).await.problem(), (404, "version.not_found"));
}

async fn yaml(server: &Server, token: &str, method: Method, path: &str, body: &str, tag: Option<&str>) -> super::Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    request = request.header(header::CONTENT_TYPE, "application/yaml").header(header::ACCEPT, "application/yaml");
    if let Some(tag) = tag {
        request = request.header(header::IF_MATCH, tag);
    }
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_job_goes_through_yaml_unchanged() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let draft =
        json!({"sql": "CREATE TABLE a (x INT);\nINSERT INTO a\nSELECT 1;\n", "parameters": {"environment": {"yes": "no", "n": "1"}}});
    let made = server.post(&ann, &format!("{PROJECT}/jobs"), json!({"name": "script", "draft": draft})).await.ok();
    let job = format!("{PROJECT}/jobs/script");
    let read = yaml(&server, &ann, Method::GET, &job, "", None).await;
    assert_eq!(read.headers[header::CONTENT_TYPE], "application/yaml");
    assert_eq!(read.headers[header::ETAG], "\"1\"");
    let text = read.body.as_str().unwrap().to_owned();
    assert!(text.contains("  sql: |\n    CREATE TABLE a (x INT);\n    INSERT INTO a\n"), "{text}");
    let document: Value = crate::yaml::read(&text).unwrap();
    assert_eq!(document["draft"], made["draft"]);
    let body = crate::yaml::write(&json!({"draft": document["draft"], "description": "again"})).unwrap();
    let saved = yaml(&server, &ann, Method::PUT, &job, &body, Some("\"1\"")).await;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    let back = server.get(&ann, &job).await.ok();
    assert_eq!((&back["draft"], &back["description"], &back["revision"]), (&made["draft"], &json!("again"), &json!(2)));
    let wrong = yaml(&server, &ann, Method::PUT, &job, "draft: {nodes: [{id: a}]}", Some("\"2\"")).await;
    assert_eq!(wrong.problem(), (422, "request.invalid_body"));
    assert!(wrong.body["detail"].as_str().unwrap().starts_with("`draft.nodes[0].kind`"), "{wrong:?}");
    let broken = yaml(&server, &ann, Method::PUT, &job, "draft: [", Some("\"2\"")).await;
    assert_eq!(broken.problem(), (400, "request.malformed_yaml"));
    let elsewhere = yaml(&server, &ann, Method::POST, &format!("{job}/lock"), "action: acquire", None).await;
    assert_eq!(elsewhere.problem(), (415, "request.media_type"), "only documents are YAML");
}

#[tokio::test]
async fn a_program_in_a_jar_is_kept_and_not_started() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let jar = json!({"jar": {"resource": "app", "main_class": "com.acme.Main", "arguments": ["--in", "a"], "engine": "flink"}});
    let made = server.post(&ann, &format!("{PROJECT}/jobs"), json!({"name": "program", "draft": jar})).await.ok();
    assert_eq!((&made["mode"], &made["draft"]["jar"]["arguments"]), (&json!("jar"), &json!(["--in", "a"])));
    server.post(&ann, &format!("{PROJECT}/jobs/program/versions"), Value::Null).await.ok();
    let instance = server.post(&ann, &format!("{PROJECT}/instances"), json!({"job": "program"})).await.ok();
    let path = format!("{PROJECT}/instances/{}", instance["id"].as_str().unwrap());
    let started = server.post(&ann, &format!("{path}/start"), Value::Null).await;
    assert_eq!(started.problem(), (409, "engine.unavailable"));
    assert!(started.body["detail"].as_str().unwrap().contains("a program for flink, which runs on a cluster"), "{started:?}");
    let odd = json!({"jar": {"resource": "app", "main_class": "A", "engine": "storm"}});
    let odd = server.post(&ann, &format!("{PROJECT}/jobs"), json!({"name": "odd", "draft": odd})).await;
    assert_eq!(odd.problem(), (422, "request.invalid_body"));
}

#[tokio::test]
async fn a_start_says_where_and_with_what() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let made = server
        .post(&ann, &format!("{PROJECT}/instances"), json!({"job": "clean-clicks", "start": {"from": "time", "timestamp_ms": 5}}))
        .await
        .ok();
    assert_eq!((&made["start"], &made["kind"]), (&json!({"from": "time", "timestamp_ms": 5}), &json!("test")));
    let path = format!("{PROJECT}/instances/{}", made["id"].as_str().unwrap());
    for odd in [json!({"from": "time"}), json!({"from": "time", "ago_ms": -1}), json!({"from": "time", "ago_ms": 1, "timestamp_ms": 1})] {
        let answer = server.post(&ann, &format!("{path}/start"), json!({"start": odd})).await;
        assert_eq!(answer.problem(), (422, "request.invalid"), "{odd}");
    }
    let policy = json!({"restart": {"attempts_max": 0}});
    assert_eq!(server.call(&ann, Method::PUT, &format!("{path}/restart-policy"), policy).await.ok()["restart"]["attempts_max"], 0);
    let odd = server.call(&ann, Method::PUT, &format!("{path}/restart-policy"), json!({"restart": {"delay_ms": 0}})).await;
    assert_eq!(odd.problem(), (422, "request.invalid"));
    let body = json!({"start": {"from": "time", "ago_ms": 3_600_000}, "parameters": {"parallelism": "2"}});
    let started = server.post(&ann, &format!("{path}/start"), body).await.ok();
    assert!(started["start"]["timestamp_ms"].as_i64().unwrap() > 1_000_000_000_000);
    assert_eq!(started["parameters"], json!({"parallelism": "2"}));
    assert_eq!(server.get(&ann, &format!("{PROJECT}/instances?kind=production")).await.ok()["items"], json!([]));
    assert_eq!(server.get(&ann, &format!("{PROJECT}/instances?kind=test&state=starting")).await.ok()["items"].as_array().unwrap().len(), 1);
}

/// Lets a worker report that the instance runs.
async fn launched(server: &Server, instance: &str) {
    let id = InstanceId::new(instance);
    let claimed = server.store.claim_instance(&id, "w", i64::MAX).await.unwrap().unwrap();
    report(server, instance, claimed.attempt, InstanceEvent::Launched).await;
}

async fn report(server: &Server, instance: &str, attempt: i64, event: InstanceEvent) {
    let report = InstanceReport { attempt, event, failure: None, restart_count: None };
    server.store.report_instance(&Cause::system("worker"), &InstanceId::new(instance), &report).await.unwrap();
}

#[tokio::test]
async fn a_version_goes_to_production_and_is_replaced() {
    let server = Server::start().await;
    let (ann, bob) = two_developers(&server).await;
    let decider = server.token("acme", "tenant_admin", None).await;
    let releases = format!("{PROJECT}/releases");
    let mut online = Vec::new();
    for number in 1..=2 {
        if number == 2 {
            let draft = json!({"nodes": [{"id": "in", "kind": "kafka_source"}, {"id": "more", "kind": "etl"}]});
            server.send(request(Some(&ann), Method::PUT, JOB, &json!({"draft": draft}), Some("\"1\""))).await.ok();
            server.post(&ann, &format!("{JOB}/versions"), Value::Null).await.ok();
        }
        let test = server.post(&ann, &format!("{PROJECT}/instances"), json!({"job": "clean-clicks"})).await.ok();
        let test = test["id"].as_str().unwrap();
        let early = server.post(&ann, &releases, json!({"test_instance": test})).await;
        assert_eq!(early.problem(), (409, "release.unhealthy"));
        server.post(&ann, &format!("{PROJECT}/instances/{test}/start"), Value::Null).await.ok();
        launched(&server, test).await;
        let asked = server.post(&ann, &releases, json!({"test_instance": test, "reason": "it counts"})).await.ok();
        assert_eq!((&asked["state"], &asked["allowed_actions"]), (&json!("requested"), &json!([])));
        let release = format!("{releases}/{}", asked["id"].as_str().unwrap());
        let allocation = json!({"slots": 2, "memory_mib": 64, "priority": "high"});
        let live = json!({"allocation": allocation, "start_now": true});
        assert_eq!(server.post(&ann, &format!("{release}/go-live"), live.clone()).await.problem(), (409, "release.state"));
        let approval = format!("/api/v1/tenants/acme/approvals/{}", asked["approval"].as_str().unwrap());
        let shown = server.get(&decider, &approval).await.ok();
        assert_eq!((&shown["kind"], &shown["subject_name"]), (&json!("job_release"), &json!(format!("clean-clicks version {number}"))));
        for developer in [&ann, &bob] {
            let refused = server.post(developer, &format!("{approval}/approve"), Value::Null).await;
            assert_eq!(refused.problem(), (403, "access.forbidden"), "the administrator decides");
        }
        server.post(&decider, &format!("{approval}/approve"), json!({"opinion": "go"})).await.ok();
        let published = server.get(&ann, &format!("{releases}?state=published")).await.ok();
        assert_eq!(published["items"][0]["allowed_actions"], json!(["go_live", "take_offline"]));
        let narrow = json!({"allocation": {"slots": 2}, "parameters": {"parallelism": "3"}});
        assert_eq!(server.post(&ann, &format!("{release}/go-live"), narrow).await.problem(), (422, "allocation.invalid"));
        let live = server.post(&bob, &format!("{release}/go-live"), live).await.ok();
        assert_eq!((&live["instance"]["kind"], &live["release"]["state"]), (&json!("production"), &json!("online")));
        assert_eq!(live["instance"]["allocation"]["slots"], 2);
        online.push((release, live["instance"]["id"].as_str().unwrap().to_owned()));
        if number == 1 {
            assert_eq!(live["instance"]["state"], "starting");
            launched(&server, &online[0].1).await;
        } else {
            assert_eq!(live["instance"]["start"], json!({"from": "latest", "instance": online[0].1}));
            assert_eq!(live["instance"]["start_after"], json!(online[0].1));
        }
    }
    assert_eq!(server.get(&ann, &online[0].0).await.ok()["state"], "replaced");
    let old = server.get(&ann, &format!("{PROJECT}/instances/{}", online[0].1)).await.ok();
    assert_eq!(old["state"], "stopping");
    report(&server, &online[0].1, 1, InstanceEvent::Halted).await;
    assert_eq!(server.store.start_due_successors(&Cause::system("reconciler")).await.unwrap(), 1);
    let off = server.post(&ann, &format!("{}/take-offline", online[1].0), Value::Null).await.ok();
    assert_eq!((&off["state"], &off["allowed_actions"]), (&json!("offline"), &json!(["go_live"])));
    let again = server.post(&ann, &format!("{PROJECT}/instances/{}/start", online[0].1), Value::Null).await;
    assert_eq!(again.problem(), (409, "release.not_online"));
}

/// RUN-3: what runs is not stopped for a version that could not start.
#[tokio::test]
async fn what_could_not_start_does_not_go_live() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let decider = server.token("acme", "tenant_admin", None).await;
    let released = async |topic: Option<&str>, tag: &str| {
        if let Some(topic) = topic {
            let draft = json!({"nodes": [{"id": "in", "kind": "kafka_source", "config": {"topic": topic}}]});
            server.send(request(Some(&ann), Method::PUT, JOB, &json!({"draft": draft}), Some(tag))).await.ok();
            server.post(&ann, &format!("{JOB}/versions"), Value::Null).await.ok();
        }
        let test = server.post(&ann, &format!("{PROJECT}/instances"), json!({"job": "clean-clicks"})).await.ok();
        let test = test["id"].as_str().unwrap().to_owned();
        server.post(&ann, &format!("{PROJECT}/instances/{test}/start"), Value::Null).await.ok();
        launched(&server, &test).await;
        let asked = server.post(&ann, &format!("{PROJECT}/releases"), json!({"test_instance": test})).await.ok();
        let approval = format!("/api/v1/tenants/acme/approvals/{}", asked["approval"].as_str().unwrap());
        server.post(&decider, &format!("{approval}/approve"), Value::Null).await.ok();
        asked
    };
    let go_live = async |release: &Value, parameters: Value| {
        let path = format!("{PROJECT}/releases/{}/go-live", release["id"].as_str().unwrap());
        server.post(&ann, &path, json!({"allocation": {"slots": 1}, "start_now": true, "parameters": parameters})).await
    };
    let first = released(None, "").await;
    assert_eq!(first.get("warnings"), None, "{first}");
    let odd = go_live(&first, json!({"wrong": "is not planned"})).await;
    assert_eq!(odd.problem(), (409, "release.cannot_start"));
    let live = go_live(&first, json!({})).await.ok();
    let running = live["instance"]["id"].as_str().unwrap().to_owned();
    launched(&server, &running).await;

    // The next version reads a table that is only designed: it could run in test, and not in production.
    let second = released(Some("clicks"), "\"1\"").await;
    assert_eq!((&second["warnings"][0]["code"], &second["warnings"][0]["field"]), (&json!("table.not_published"), &json!("clicks")));
    let refused = go_live(&second, json!({})).await;
    assert_eq!(refused.problem(), (409, "release.cannot_start"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("so nothing was stopped for it: `clicks` is not published in production"), "{detail}");
    assert_eq!(refused.body["errors"][0]["code"], "table.not_published");
    let still = server.get(&ann, &format!("{PROJECT}/instances/{running}")).await.ok();
    assert_eq!(still["state"], "running");
    let state = server.get(&ann, &format!("{PROJECT}/releases/{}", first["id"].as_str().unwrap())).await.ok();
    assert_eq!(state["state"], "online");
}

#[tokio::test]
async fn the_page_of_an_instance_has_its_graph_history_and_logs() {
    let server = Server::start().await;
    let (ann, _) = two_developers(&server).await;
    let instance =
        server.post(&ann, &format!("{PROJECT}/instances"), json!({"job": "clean-clicks", "parameters": {"parallelism": "3"}})).await.ok();
    let id = instance["id"].as_str().unwrap();
    let path = format!("{PROJECT}/instances/{id}");
    server.post(&ann, &format!("{path}/start"), Value::Null).await.ok();
    launched(&server, id).await;
    let graph = server.get(&ann, &format!("{path}/graph")).await.ok();
    assert_eq!((&graph["nodes"][0]["id"], &graph["observed"]), (&json!("in"), &json!(true)));
    let configuration = server.get(&ann, &format!("{path}/configuration")).await.ok();
    assert_eq!((&configuration["version_number"], &configuration["graph"]["parameters"]["parallelism"]), (&json!(1), &json!(3)));
    let history = server.get(&ann, &format!("{path}/history")).await.ok();
    let events: Vec<_> = history["items"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["instance.launched", "instance.start", "instance.create"]);
    assert_eq!(history["items"][0]["state"], "running");

    let line = |at_ms: i64, level, message: &str| NewLogLine {
        instance: InstanceId::new(id),
        at_ms,
        level,
        origin: LogOrigin::Guest,
        node: Some("in".into()),
        message: message.into(),
    };
    let lines = [line(1, LogLevel::Info, "one"), line(2, LogLevel::Error, "two"), line(3, LogLevel::Debug, "three")];
    server.store.append_logs(&lines).await.unwrap();
    let logs = server.get(&ann, &format!("{path}/logs?level=info&text=O&limit=1")).await.ok();
    assert_eq!((&logs["items"][0]["message"], logs["next_cursor"].is_string()), (&json!("two"), true));
    assert_eq!(server.get(&ann, &format!("{path}/logs?level=loud")).await.problem(), (400, "request.invalid_query"));
    let followed = server.get(&ann, &format!("{path}/logs/follow?level=info")).await;
    assert_eq!(followed.headers[header::CONTENT_TYPE], "text/event-stream");
    let text = followed.body.as_str().unwrap();
    let ids: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids.len(), 2, "{text}");
    assert!(text.contains("event: line\n") && text.contains("\"message\":\"one\""), "{text}");
    let resumed = server.get(&ann, &format!("{path}/logs/follow?level=info&cursor={}", ids[0])).await;
    let text = resumed.body.as_str().unwrap().to_owned();
    assert!(text.contains("\"message\":\"two\"") && !text.contains("\"message\":\"one\""), "{text}");
    let tenant = server.store.tenant("acme").await.unwrap().id;
    let places: Vec<_> = (0..server.api.followers.each()).map(|_| server.api.followers.try_take(&tenant).unwrap()).collect();
    assert_eq!(server.get(&ann, &format!("{path}/logs/follow")).await.problem(), (429, "logs.followers"));
    drop(places);

    let taken = server.post(&ann, &format!("{path}/savepoints"), Value::Null).await.ok();
    let savepoint = format!("{path}/savepoints/{}", taken["id"].as_str().unwrap());
    let verdict = server.get(&ann, &format!("{savepoint}/compatibility")).await.ok();
    assert_eq!((&verdict["verdict"], &verdict["operators"][0]["node"]), (&json!("compatible"), &json!("in")));
    let gone = server.call(&ann, Method::DELETE, &savepoint, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(server.call(&ann, Method::DELETE, &savepoint, Value::Null).await.problem(), (404, "savepoint.not_found"));
}

/// A word is there only for who gets through: each role is asked, and each word that it lacks is refused.
#[tokio::test]
async fn buttons_are_those_that_work() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let instance = format!("{PROJECT}/instances/{instance}");
    let build = server.get(&server.admin, &format!("{PROJECT}/builds")).await.ok()["items"][0].clone();
    let template = json!({"name": "mine", "language": "java", "world": "etl-operator", "text": "class X {}", "parameters": {}});
    for role in millrace_domain::Role::ALL.iter().filter(|role| **role != millrace_domain::Role::PlatformAdmin) {
        let token = server.token("acme", role.as_str(), None).await;
        let words = async |path: &str| -> Option<Vec<String>> {
            let found = server.get(&token, path).await;
            let found = found.status.is_success().then_some(found.body)?;
            Some(serde_json::from_value(found["allowed_actions"].clone()).unwrap())
        };
        for (path, word, method, changing) in [
            (instance.clone(), "start", Method::POST, format!("{instance}/start")),
            (format!("{PROJECT}/topics/clicks"), "ensure", Method::POST, format!("{PROJECT}/topics/clicks/ensure")),
            (format!("{PROJECT}/plugins/clean"), "grant", Method::PUT, format!("{PROJECT}/plugins/clean/grants")),
            (format!("{PROJECT}/functions/clean"), "edit", Method::PUT, format!("{PROJECT}/functions/clean")),
            (format!("{PROJECT}/functions/shared"), "edit", Method::PUT, "/api/v1/tenants/acme/functions/shared".to_owned()),
            ("/api/v1/tenants/acme/tags/personal".to_owned(), "edit", Method::PUT, "/api/v1/tenants/acme/tags/personal".to_owned()),
            (format!("{PROJECT}/temp-table-settings"), "edit", Method::PUT, format!("{PROJECT}/temp-table-settings")),
            (format!("{PROJECT}/services"), "edit", Method::PUT, format!("{PROJECT}/services/data_governance")),
            (format!("{PROJECT}/quotas"), "edit", Method::PUT, format!("{PROJECT}/quotas/jobs")),
        ] {
            let Some(words) = words(&path).await else { continue };
            // A body that nobody can mean: whoever gets through is told so.
            let asked = server.call(&token, method, &changing, json!({"nonsense": 1})).await;
            let is_refused = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&asked.status);
            assert_eq!(words.contains(&word.to_owned()), !is_refused, "{role} {word} {path}: {words:?} {asked:?}");
        }
        // What has ended, or is somebody else's matter, offers nothing.
        if let Some(words) = words(&format!("{PROJECT}/builds/{}", build["id"].as_str().unwrap())).await {
            assert!(words.is_empty() || role.as_str() == "tenant_admin" || role.as_str() == "developer", "{role}: {words:?}");
        }
        let made = server.post(&token, "/api/v1/tenants/acme/templates", template.clone()).await;
        if made.status.is_success() {
            assert!(made.body["allowed_actions"].as_array().unwrap().contains(&json!("delete")), "{role}: {made:?}");
            server.call(&token, Method::DELETE, "/api/v1/tenants/acme/templates/mine", Value::Null).await;
        }
    }
}
