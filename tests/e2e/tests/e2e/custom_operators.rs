//! A tenant's own source and sink over granted capabilities (EXT-3): HTTP service → Kafka → files of a folder, with the server
//! killed in between.

use crate::kafka;
use millrace_e2e::{Project, Server, ServerOptions, component, unique, until};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Shards of the service.
const SHARDS: u64 = 3;
/// Lines of each shard in the end.
const LINES: u64 = 4_000;

/// A service with `SHARDS` growing lists of lines.
async fn service(available: Arc<AtomicU64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, available.clone()));
        }
    });
    port
}

async fn serve(connection: TcpStream, available: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let mut request = String::new();
        if connection.read_line(&mut request).await? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while connection.read_line(&mut header).await? > 2 {
            header.clear();
        }
        let number = |name: &str| -> u64 {
            let query = request.split(['?', '&', ' ']).find_map(|part| part.strip_prefix(name));
            query.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        if request.contains("name=") {
            // The last shard has no name.
            let answer = match number("name=") {
                shard if shard + 1 < SHARDS => format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nnr. {shard}"),
                _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            connection.get_mut().write_all(answer.as_bytes()).await?;
            continue;
        }
        let (shard, from, limit) = (number("shard="), number("from="), number("limit="));
        let until = (from + limit).min(available.load(Ordering::SeqCst));
        let body: String = (from..until).map(|line| format!("{}\n", text(shard, line))).collect();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        connection.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn text(shard: u64, line: u64) -> String {
    format!("line {line} of shard {shard}")
}

/// A line as the job writes it: with the name of its shard, from the dimension table.
fn named(shard: u64, line: u64) -> String {
    let name = if shard + 1 < SHARDS { format!("nr. {shard}") } else { "nobody".to_owned() };
    format!("{name}: {}", text(shard, line))
}

/// Lines of all files below `out`, and how many there are: a line that is there twice counts twice.
fn written(folder: &Path) -> (BTreeSet<String>, usize) {
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder.join("out")).into_iter().flatten() {
        all.extend(std::fs::read_to_string(file.unwrap().path()).unwrap().lines().map(str::to_owned));
    }
    let count = all.len();
    (all.into_iter().collect(), count)
}

fn parameters() -> Value {
    json!({"parallelism": 2, "checkpoint_interval_ms": 200, "checkpoint_failures_max": 1000})
}

async fn start(project: &Project, job: &str, graph: &Value) -> String {
    project.make_job(job, graph).await.unwrap();
    project.submit(job).await.unwrap();
    let instance = project.make_instance(job, &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&instance, None).await.unwrap();
    instance
}

async fn await_failure(project: &Project, instance: &str, wanted: &str) {
    let failed = until("the instance fails for want of a grant", 60, async || {
        let status = project.exceptions(instance).await.map_err(|e| e.to_string())?.to_string();
        if status.contains(wanted) { Ok(()) } else { Err(status) }
    });
    failed.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_service_reach_files_exactly_once_over_a_kill() {
    let (kafka, folder) = (kafka(), tempfile::tempdir().unwrap());
    let available = Arc::new(AtomicU64::new(LINES / 2));
    let port = service(available.clone()).await;
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let api = server.api().unwrap();
    let name = unique("custom");
    let project = api.make_project(&name).await.unwrap();
    kafka.create_topic(&name, 2).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type, "nullable": false});
    let columns = json!([column("shard", "INT"), column("number", "BIGINT"), column("line", "STRING")]);
    project.make_topic("lines", &name, &columns).await.unwrap();
    project.upload_plugin("http-pages", component("http-pages").unwrap()).await.unwrap();
    for plugin in ["folder-lines", "named-lines", "shard-names"] {
        project.upload_plugin(plugin, component(plugin).unwrap()).await.unwrap();
    }
    let read = json!({
        "sql": format!(
            "CREATE TABLE pages (shard INT NOT NULL, number BIGINT NOT NULL, line STRING NOT NULL) WITH (
               'connector' = 'plugin', 'plugin' = 'http-pages', 'parameter.url' = 'http://127.0.0.1:{port}/lines',
               'parameter.shards' = '{SHARDS}', 'parameter.page_rows' = '100', 'parameter.wait_ms' = '20');
             INSERT INTO lines SELECT shard, number, line FROM pages"
        ),
        "parameters": parameters(),
    });
    let write = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "lines", "start": "earliest"}},
            {"id": "names", "kind": "etl", "config": {"plugin": "named-lines"}},
            {"id": "files", "kind": "custom_sink", "config": {"plugin": "folder-lines", "parameters": {"folder": "out"}}},
        ],
        "edges": [{"from": "in", "to": "names"}, {"from": "names", "to": "files"}],
        "dimension_tables": [{
            "name": "shards", "plugin": "shard-names", "cache": "LRU",
            "parameters": {"url": format!("http://127.0.0.1:{port}/names")},
        }],
        "parameters": parameters(),
    });

    // Nothing is granted: both say what is missing and who can give it.
    let reader = start(&project, "read", &read).await;
    await_failure(&project, &reader, &format!("millrace plugin grant http-pages --http 127.0.0.1:{port}")).await;
    let writer = start(&project, "write", &write).await;
    await_failure(&project, &writer, "the platform administrator grants it").await;

    let grants = |plugin: &str| project.path(&format!("plugins/{plugin}/grants"));
    let host = json!({"http": [format!("127.0.0.1:{port}")]});
    let beyond = api.put(&grants("http-pages"), &host).await.unwrap_err();
    assert_eq!(beyond.status, 422, "more than the tenant may have: {beyond}");
    let bounds = json!({
        "http": [format!("127.0.0.1:{port}")],
        "folders": {"out": {"path": folder.path(), "writable": true}},
    });
    api.put(&format!("/api/v1/tenants/{name}/grants"), &bounds).await.unwrap();
    for plugin in ["http-pages", "shard-names"] {
        api.put(&grants(plugin), &host).await.unwrap();
    }
    api.put(&grants("folder-lines"), &json!({"folders": {"out": {"writable": true}}})).await.unwrap();
    for instance in [&reader, &writer] {
        project.start_instance(instance, Some(&json!({"from": "fresh"}))).await.unwrap();
    }

    let some = until("some lines are in files", 120, async || match written(folder.path()).1 {
        0 => Err("no lines".to_owned()),
        _ => Ok(()),
    });
    some.await.unwrap();
    server.kill().unwrap();
    available.store(LINES, Ordering::SeqCst);
    server.restart().await.unwrap();

    let expected: BTreeSet<String> = (0..SHARDS).flat_map(|shard| (0..LINES).map(move |line| named(shard, line))).collect();
    let all = until("all lines are in files", 180, async || {
        let (lines, count) = written(folder.path());
        if lines.len() >= expected.len() { Ok((lines, count)) } else { Err(format!("{count} of {} lines", expected.len())) }
    });
    let (lines, count) = all.await.unwrap();
    assert_eq!(count, expected.len(), "no line twice");
    assert_eq!(lines, expected, "no line is lost");
    let figures = &project.metrics(&writer).await.unwrap()["dimension_tables"][0];
    assert_eq!((figures["name"].as_str(), figures["errors"].as_u64()), (Some("shards"), Some(0)), "{figures}");
    // After the kill the rest may come in so few batches that each of them asks for keys that none had asked for before.
    let asked: u64 = ["hits", "misses"].iter().filter_map(|figure| figures[*figure].as_u64()).sum();
    assert!(asked > 0 && figures["loads"].as_u64() > Some(0), "{figures}");
    let records = kafka.read_all(&name).unwrap();
    assert_eq!(records.len(), expected.len(), "no record twice in Kafka");
}
