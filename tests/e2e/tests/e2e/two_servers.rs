//! Two servers on one PostgreSQL while people work on both at once: no edit is lost, nothing is made or applied twice.

use millrace_e2e::{Answer, Api, Server, ServerOptions};
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
    _database: PostgresServer,
}

impl Pair {
    async fn start() -> Self {
        let database = tokio::task::spawn_blocking(PostgresServer::start).await.unwrap().unwrap();
        let url = database.create_database("control").unwrap();
        let options = || ServerOptions { arguments: vec!["--metadata-url".into(), url.clone()], ..ServerOptions::default() };
        // One after the other: the first makes the schema and the administrator whose token both know.
        let first = Server::start(options()).await.unwrap();
        let second = Server::start(options()).await.unwrap();
        let token = std::fs::read_to_string(first.data_dir().join("admin.token")).unwrap();
        let apis = [&first, &second].map(|server| Api::new(server.base(), token.trim()));
        Self { servers: [first, second], apis, _database: database }
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
    let refused: u32 = futures::future::join_all(workers).await.into_iter().sum();
    let found = pair.apis[1].get(&job).await.unwrap();
    let nodes: BTreeSet<&str> = found["draft"]["nodes"].as_array().unwrap().iter().filter_map(|node| node["id"].as_str()).collect();
    let edits = 2 * PEOPLE * EDITS;
    assert_eq!(nodes.len(), edits, "every node is there: none was overwritten");
    assert_eq!(found["revision"], 1 + edits as i64, "{refused} saves were refused and tried again");
    assert!(refused > 0, "nobody came between anybody: the test has not tested anything");

    let body = json!({"name": "wanted", "draft": {"nodes": [], "edges": []}});
    let makers = (0..2 * PEOPLE).map(|turn| pair.apis[turn % 2].post(project.path("jobs").leak(), &body));
    let answers: Vec<u16> = futures::future::join_all(makers).await.iter().map(status).collect();
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 409)), "{answers:?}");

    let audit: Value = pair.apis[0].get("/api/v1/tenants/acme/audit?action=job.edit&limit=200").await.unwrap();
    assert_eq!(audit["items"].as_array().unwrap().len(), edits, "each edit is in the log once");
    drop(pair.servers);
}
