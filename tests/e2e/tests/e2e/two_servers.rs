//! Two servers on one PostgreSQL while people work on both at once: no edit is lost, nothing is made or applied twice.

use crate::kafka;
use futures::future::{join, join_all};
use millrace_e2e::{Answer, Api, Project, Server, ServerOptions, unique, until};
use millrace_test_servers::PostgresServer;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// People on each server.
const PEOPLE: usize = 4;
/// Edits of each.
const EDITS: usize = 6;

struct Pair {
    servers: [Server; 2],
    apis: [Api; 2],
    database: String,
    _checkpoints: tempfile::TempDir,
    _postgres: PostgresServer,
}

fn options(database: &str, checkpoints: &std::path::Path, keys: Option<String>) -> ServerOptions {
    let checkpoints = checkpoints.display().to_string();
    ServerOptions {
        arguments: vec!["--metadata-url".into(), database.to_owned(), "--checkpoints".into(), checkpoints],
        data_files: keys.into_iter().map(|keys| ("secrets.key", keys)).collect(),
        ..ServerOptions::default()
    }
}

fn secret(of: &Server, file: &str) -> String {
    std::fs::read_to_string(of.data_dir().join(file)).unwrap().trim().to_owned()
}

impl Pair {
    async fn start() -> Self {
        let postgres = tokio::task::spawn_blocking(PostgresServer::start).await.unwrap().unwrap();
        let database = postgres.create_database("control").unwrap();
        let checkpoints = tempfile::tempdir().unwrap();
        // One after the other: the first makes the schema, the administrator whose token both know, and the key that both need.
        let first = Server::start(options(&database, checkpoints.path(), None)).await.unwrap();
        let keys = secret(&first, "secrets.key");
        let second = Server::start(options(&database, checkpoints.path(), Some(keys))).await.unwrap();
        let token = secret(&first, "admin.token");
        let apis = [&first, &second].map(|server| Api::new(server.base(), &token));
        Self { servers: [first, second], apis, database, _checkpoints: checkpoints, _postgres: postgres }
    }

    /// A person as both servers see them.
    async fn person(&self, tenant: &str, name: &str, role: &str) -> [Api; 2] {
        let first = self.apis[0].make_person(tenant, name, role, None).await.unwrap();
        let second = first.at(self.servers[1].base());
        [first, second]
    }
}

fn status(answer: &Answer) -> u16 {
    answer.as_ref().map_or_else(|problem| problem.status, |_| 200)
}

/// Reads the draft, adds a node, and saves it if nobody else has meanwhile; again until it is saved.
async fn add_node(api: &Api, job: &str, id: &str) -> u32 {
    let mut refused = 0;
    loop {
        let found = api.get(job).await.unwrap();
        let mut draft = found["draft"].clone();
        draft["nodes"].as_array_mut().unwrap().push(json!({"id": id, "kind": "sql", "config": {"sql": "SELECT 1"}}));
        let revision = found["revision"].as_i64().unwrap();
        match api.put_if(job, revision, &json!({"draft": draft})).await {
            Ok(saved) => {
                assert_eq!(saved["revision"], revision + 1, "every save is a revision of its own");
                return refused;
            }
            Err(problem) => {
                assert_eq!((problem.status, problem.code()), (412, "job.changed"), "{problem}");
                refused += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_names_on_two_servers_are_each_there_once() {
    let pair = Pair::start().await;
    let project = pair.apis[0].make_project("acme").await.unwrap();
    project.make_job("shared", &json!({"nodes": [], "edges": []})).await.unwrap();
    let job = project.path("jobs/shared");

    let workers = pair.apis.iter().enumerate().flat_map(|(server, api)| {
        let job = &job;
        (0..PEOPLE).map(move |person| async move {
            let mut refused = 0;
            for edit in 0..EDITS {
                refused += add_node(api, job, &format!("node-{server}-{person}-{edit}")).await;
            }
            refused
        })
    });
    let refused: u32 = join_all(workers).await.into_iter().sum();
    let found = pair.apis[1].get(&job).await.unwrap();
    let nodes: BTreeSet<&str> = found["draft"]["nodes"].as_array().unwrap().iter().filter_map(|node| node["id"].as_str()).collect();
    let edits = 2 * PEOPLE * EDITS;
    assert_eq!(nodes.len(), edits, "every node is there: none was overwritten");
    assert_eq!(found["revision"], 1 + edits as i64, "{refused} saves were refused and tried again");
    assert!(refused > 0, "nobody came between anybody: the test has not tested anything");

    let body = json!({"name": "wanted", "draft": {"nodes": [], "edges": []}});
    let makers = (0..2 * PEOPLE).map(|turn| pair.apis[turn % 2].post(project.path("jobs").leak(), &body));
    let answers: Vec<u16> = join_all(makers).await.iter().map(status).collect();
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 409)), "{answers:?}");

    let audit: Value = pair.apis[0].get("/api/v1/tenants/acme/audit?action=job.edit&limit=200").await.unwrap();
    assert_eq!(audit["items"].as_array().unwrap().len(), edits, "each edit is in the log once");
    drop(pair.servers);
}

/// A second server that was given no key of the metadata's secrets says so, and what to copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_key_is_not_ready() {
    let pair = Pair::start().await;
    let checkpoints = tempfile::tempdir().unwrap();
    let stranger = ServerOptions { is_never_ready: true, ..options(&pair.database, checkpoints.path(), None) };
    let stranger = Server::start(stranger).await.unwrap();
    assert_ne!(secret(&stranger, "secrets.key"), secret(&pair.servers[0], "secrets.key"));
    let api = Api::new(stranger.base(), &secret(&pair.servers[0], "admin.token"));
    let refused = api.get(Api::READY).await.unwrap_err();
    assert_eq!((refused.status, refused.code()), (503, "server.not_ready"), "{refused}");
    assert!(refused.detail().contains("copy `secrets.key` from the data folder of a server that is ready"), "{refused}");
    let told = until("the log tells why", 30, async || {
        if stranger.log().contains("this worker takes no instances") { Ok(()) } else { Err(stranger.log()) }
    });
    told.await.unwrap();
    for api in &pair.apis {
        api.get(Api::READY).await.unwrap();
    }

    // Secrets are sealed through one server and opened through both.
    let project = pair.apis[0].make_project("acme").await.unwrap();
    let properties = json!({"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
        "sasl.username": "u", "sasl.password": "hunter2"});
    let source = json!({"name": "far", "kind": "kafka", "description": "", "properties": properties});
    project.api.post(&project.path("data-sources"), &source).await.unwrap();
    for api in &pair.apis {
        let tested = api.post(&project.path("data-sources/far/test"), &json!({})).await.unwrap();
        assert_eq!(tested["reachable"], false, "opened, and nobody answers there: {tested}");
    }
    let blind = api.post(&project.path("data-sources/far/test"), &json!({})).await.unwrap_err();
    assert_eq!((blind.status, blind.code()), (503, "keys.unknown"), "{blind}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_through_both_servers_is_done_once() {
    let pair = Pair::start().await;
    let project = pair.apis[0].make_project("acme").await.unwrap();
    project.make_kafka("kafka", "127.0.0.1:1").await.unwrap();
    project.make_topic("clicks", "clicks", &json!([{"name": "url", "type": "STRING"}])).await.unwrap();
    let (tina, tom) = (pair.person("acme", "tina", "tenant_admin").await, pair.person("acme", "tom", "tenant_admin").await);
    let rules = ["one", "two", "three", "four"];
    for rule in rules {
        let body = json!({"name": rule, "table": "clicks", "document": {"column": "url", "check": {"type": "not_null"}}});
        project.api.post(&project.path("quality-rules"), &body).await.unwrap();
        let asked = project.api.post(&project.path(&format!("quality-rules/{rule}/publish")), &json!({})).await.unwrap();
        let approve = format!("/api/v1/tenants/acme/approvals/{}/approve", asked["id"].as_str().unwrap());
        let body = json!({"opinion": "fine"});
        let decisions = tina.iter().chain(&tom).map(|who| who.post(&approve, &body));
        let answers = join_all(decisions).await;
        let mut found: Vec<u16> = answers.iter().map(status).collect();
        found.sort_unstable();
        assert_eq!(found, [200, 409, 409, 409], "{rule}: {answers:?}");
        let versions = pair.apis[1].get(&project.path(&format!("quality-rules/{rule}/versions"))).await.unwrap();
        assert_eq!(versions["items"].as_array().map(Vec::len), Some(1), "published once: {versions}");
    }
    let audit = pair.apis[1].get("/api/v1/tenants/acme/audit?action=quality_rule.approve&limit=200").await.unwrap();
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(rules.len()), "{audit}");

    // A lock that is held through one server is seen, and taken, through the other.
    project.make_job("shared", &json!({"nodes": [], "edges": []})).await.unwrap();
    let (job, lock) = (project.path("jobs/shared"), project.path("jobs/shared/lock"));
    let draft = |sql: &str| json!({"nodes": [{"id": "a", "kind": "sql", "config": {"sql": sql}}], "edges": []});
    let unsaved = json!({"action": "acquire", "draft": draft("SELECT 1"), "base_revision": 1});
    tina[0].post(&lock, &unsaved).await.unwrap();
    let refused = tom[1].put_if(&job, 1, &json!({"draft": draft("SELECT 2")})).await.unwrap_err();
    assert_eq!((refused.status, refused.code()), (423, "job.locked"), "{refused}");
    assert!(refused.detail().contains("tina"), "{refused}");
    tom[0].post(&lock, &json!({"action": "ask"})).await.unwrap();
    let asked = tina[1].get(&lock).await.unwrap();
    assert_eq!((&asked["state"], &asked["steal"]["by"]["name"]), (&json!("asked"), &json!("tom")), "{asked}");
    tom[1].post(&lock, &json!({"action": "take"})).await.unwrap();
    let lost = tina[0].post(&lock, &json!({"action": "renew", "draft": draft("SELECT 3"), "base_revision": 1})).await.unwrap_err();
    assert_eq!((lost.status, lost.code()), (423, "job.locked"), "{lost}");
    let kept = tina[1].get(&project.path("jobs/shared/kept-drafts")).await.unwrap();
    let kept: Vec<&Value> = kept["items"].as_array().unwrap().iter().map(|item| &item["draft"]["nodes"][0]["config"]["sql"]).collect();
    assert_eq!(kept, ["SELECT 3", "SELECT 1"], "what was not saved is kept");
    tom[0].put_if(&job, 1, &json!({"draft": draft("SELECT 2")})).await.unwrap();
}

/// A topic in test and in production.
async fn publish(project: &Project, decider: &Api, topic: &str, physical: &str) {
    let columns = json!([{"name": "id", "type": "BIGINT"}]);
    project.make_topic(topic, physical, &columns).await.unwrap();
    for environment in ["test", "production"] {
        let ask = json!({"environment": environment, "data_source": "kafka", "physical_name": physical, "reason": "needed"});
        let asked = project.api.post(&project.path(&format!("topics/{topic}/publish")), &ask).await.unwrap();
        let approve = format!("/api/v1/tenants/acme/approvals/{}/approve", asked["id"].as_str().unwrap());
        decider.post(&approve, &json!({})).await.unwrap();
    }
}

/// RUN-2, RUN-3 through two servers: a release goes live once, and a savepoint is taken whichever server is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_goes_live_once_and_savepoints_are_taken_through_both() {
    let (pair, kafka, name) = (Pair::start().await, kafka(), unique("pair"));
    let topics = ["in", "out"].map(|end| format!("{name}-{end}"));
    for topic in &topics {
        kafka.create_topic(topic, 1).await.unwrap();
    }
    let project = pair.apis[0].make_project("acme").await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let bound = json!({"properties": {"bootstrap.servers": kafka.bootstrap()}});
    project.api.put_if(&project.path("data-sources/kafka/production"), 0, &bound).await.unwrap();
    let (tina, tom) = (pair.person("acme", "tina", "tenant_admin").await, pair.person("acme", "tom", "tenant_admin").await);
    publish(&project, &tina[1], "events", &topics[0]).await;
    publish(&project, &tina[0], "copied", &topics[1]).await;
    let graph = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "events", "start": "earliest"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "copied"}},
        ],
        "edges": [{"from": "in", "to": "out"}],
        "parameters": {"checkpoint_interval_ms": 200},
    });
    project.make_job("copy", &graph).await.unwrap();
    project.submit("copy").await.unwrap();
    let test = project.make_instance("copy", &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&test, None).await.unwrap();
    project.await_state(&test, "running", 60).await.unwrap();

    let path = project.path("releases");
    let body = json!({"test_instance": test, "reason": "tested"});
    let (one, two) = join(pair.apis[0].post(&path, &body), pair.apis[1].post(&path, &body)).await;
    let mut found = [status(&one), status(&two)];
    found.sort_unstable();
    assert_eq!(found, [200, 409], "asked for once: {one:?} {two:?}");
    let release = one.or(two).unwrap();
    assert_eq!(release.get("warnings"), None, "{release}");
    let approve = format!("/api/v1/tenants/acme/approvals/{}/approve", release["approval"].as_str().unwrap());
    let (one, two) = join(tina[0].post(&approve, &json!({})), tom[1].post(&approve, &json!({}))).await;
    let mut found = [status(&one), status(&two)];
    found.sort_unstable();
    assert_eq!(found, [200, 409], "approved once: {one:?} {two:?}");
    let path = project.path(&format!("releases/{}/go-live", release["id"].as_str().unwrap()));
    let body = json!({"allocation": {"slots": 1}, "start": {"from": "fresh"}, "start_now": true});
    let (one, two) = join(tina[0].post(&path, &body), tom[1].post(&path, &body)).await;
    let mut found = [status(&one), status(&two)];
    found.sort_unstable();
    assert_eq!(found, [200, 409], "live once: {one:?} {two:?}");
    let listed = pair.apis[1].get(&project.path("instances?kind=production")).await.unwrap();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    let live = listed["items"][0]["id"].as_str().unwrap().to_owned();
    project.await_state(&live, "running", 60).await.unwrap();

    // One server runs it; the other knows which, and takes savepoints all the same.
    let metrics = project.path(&format!("instances/{live}/metrics"));
    let seen = until("figures", 30, async || {
        let seen = [pair.apis[0].get(&metrics).await.unwrap(), pair.apis[1].get(&metrics).await.unwrap()];
        if seen.iter().filter(|s| s["observed"] == true).count() == 1 { Ok(seen) } else { Err(format!("{seen:?}")) }
    });
    let seen = seen.await.unwrap();
    assert!(seen[0]["worker"].is_string() && seen[0]["worker"] == seen[1]["worker"], "{seen:?}");
    for api in &pair.apis {
        let at = Project::at(api, "acme", "main");
        at.make_savepoint(&live).await.unwrap();
        let found = at.savepoints(&live).await.unwrap();
        assert_eq!(found["items"][0]["state"], "completed", "{found}");
    }
    for instance in [&test, &live] {
        project.stop_instance(instance, false).await.unwrap();
        project.await_state(instance, "stopped", 60).await.unwrap();
    }
    drop(pair.servers);
}
