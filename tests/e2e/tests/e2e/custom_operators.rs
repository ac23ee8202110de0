//! A tenant's own source, sink and dimension updater over granted capabilities (EXT-3, DIM-2): HTTP service → Kafka → names from
//! the service → files of a folder, with the server killed in between. Once with plugins in Rust, once in Java and Scala that
//! are compiled on the server.

use crate::kafka;
use millrace_e2e::{Project, Server, ServerOptions, binary, component, unique, until};
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

fn parameters(parallelism: u32) -> Value {
    json!({"parallelism": parallelism, "checkpoint_interval_ms": 200, "checkpoint_failures_max": 1000})
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

async fn rust_plugins(project: &Project) {
    for plugin in ["http-pages", "folder-lines", "named-lines", "shard-names"] {
        project.upload_plugin(plugin, component(plugin).unwrap()).await.unwrap();
    }
}

/// The same from source text of `tests/custom-operators`.
async fn java_and_scala_plugins(project: &Project) {
    for (plugin, world, language, file) in [
        ("http-pages", "source-operator", "java", "HttpPages.java"),
        ("folder-lines", "sink-operator", "scala", "FolderLines.scala"),
        ("named-lines", "etl-operator", "java", "NamedLines.java"),
        ("shard-names", "dimension-updater", "scala", "ShardNames.scala"),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../custom-operators");
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let request = json!({"world": world, "language": language, "sources": [{"path": file, "text": text}], "plugin": plugin});
        let ended = project.build(&request).await.unwrap();
        assert_eq!(ended["plugin_version"], 1, "{file} is no plugin: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_service_reach_files_exactly_once_over_a_kill() {
    reach_files("custom", 2, rust_plugins).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_in_java_and_scala_do_the_same() {
    // Each of their instances has 45 MiB of memory, all together what a tenant has unless its quota says otherwise.
    reach_files("custom-java", 1, java_and_scala_plugins).await;
}

async fn reach_files(prefix: &str, parallelism: u32, make_plugins: impl AsyncFnOnce(&Project)) {
    let (kafka, folder) = (kafka(), tempfile::tempdir().unwrap());
    let available = Arc::new(AtomicU64::new(LINES / 2));
    let port = service(available.clone()).await;
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let api = server.api().unwrap();
    let name = unique(prefix);
    let project = api.make_project(&name).await.unwrap();
    kafka.create_topic(&name, 2).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type, "nullable": false});
    let columns = json!([column("shard", "INT"), column("number", "BIGINT"), column("line", "STRING")]);
    project.make_topic("lines", &name, &columns).await.unwrap();
    make_plugins(&project).await;
    let read = json!({
        "sql": format!(
            "CREATE TABLE pages (shard INT NOT NULL, number BIGINT NOT NULL, line STRING NOT NULL) WITH (
               'connector' = 'plugin', 'plugin' = 'http-pages', 'parameter.url' = 'http://127.0.0.1:{port}/lines',
               'parameter.shards' = '{SHARDS}', 'parameter.page_rows' = '100', 'parameter.wait_ms' = '20');
             INSERT INTO lines SELECT shard, number, line FROM pages"
        ),
        "parameters": parameters(parallelism),
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
        "parameters": parameters(parallelism),
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

/// A node in JavaScript, then one in Python; each asks the service and reads a secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_use_what_is_granted() {
    const JAVASCRIPT: &str = r#"
        import { http, params, secret } from "millrace";
        export const schema = { id: "BIGINT NOT NULL", name: "STRING" };
        export function process({ id }) {
          const answer = http("GET", `${params.text("url")}?name=${id}`, { headers: { accept: "text/plain" } });
          return { id, name: `${answer.status} ${answer.text()} ${secret("key")}` };
        }"#;
    const PYTHON: &str = r#"
from millrace import http, params, secret

def process(row):
    answer = http("GET", f"{params.text('url')}?name={row.id}", {"accept": "text/plain"})
    return {"id": row.id, "name": f"{row.name}, {answer.status} {answer.text} {secret('key')}"}
"#;
    let kafka = kafka();
    let port = service(Arc::new(AtomicU64::new(0))).await;
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let api = server.api().unwrap();
    let name = unique("scripts-granted");
    let project = api.make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    let columns = json!([{"name": "id", "type": "BIGINT", "nullable": false}, {"name": "name", "type": "STRING"}]);
    for topic in ["ids", "named"] {
        kafka.create_topic(&format!("{name}-{topic}"), 1).await.unwrap();
        project.make_topic(topic, &format!("{name}-{topic}"), &columns).await.unwrap();
    }
    let work = tempfile::tempdir().unwrap();
    let manifest = |start: &str| start.replace("NAME", "asks");
    let javascript =
        manifest(r#"{"name": "NAME", "version": "0.1.0", "type": "module", "main": "plugin.js", "millrace": {"world": "etl-operator"}}"#);
    let python =
        manifest("[project]\nname = \"NAME\"\nversion = \"0.1.0\"\n[tool.millrace]\nworld = \"etl-operator\"\nmain = \"plugin.py\"\n");
    let host = format!("127.0.0.1:{port}");
    api.put(&format!("/api/v1/tenants/{name}/grants"), &json!({"http": [host], "secrets": ["*"]})).await.unwrap();
    for (plugin, files) in [
        ("asks-javascript", [("package.json", javascript.as_str()), ("plugin.js", JAVASCRIPT)]),
        ("asks-python", [("pyproject.toml", python.as_str()), ("plugin.py", PYTHON)]),
    ] {
        let folder = work.path().join(plugin);
        std::fs::create_dir(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let built = std::process::Command::new(binary().unwrap()).args(["plugin", "build"]).arg(&folder).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let mut components = std::fs::read_dir(folder.join("target/components")).unwrap().map(|entry| entry.unwrap().path());
        let component = components.find(|path| path.extension().is_some_and(|e| e == "wasm")).unwrap();
        project.upload_plugin(plugin, std::fs::read(component).unwrap()).await.unwrap();
        let grant = json!({"http": [host], "secrets": {"key": format!("of {plugin}")}});
        api.put(&project.path(&format!("plugins/{plugin}/grants")), &grant).await.unwrap();
    }
    let node = |id: &str| json!({"id": id, "kind": "etl", "config": {"plugin": id, "parameters": {"url": format!("http://{host}/names")}}});
    let graph = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "ids", "start": "earliest"}},
            node("asks-javascript"), node("asks-python"),
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "named"}},
        ],
        "edges": [{"from": "in", "to": "asks-javascript"}, {"from": "asks-javascript", "to": "asks-python"}, {"from": "asks-python", "to": "out"}],
        "parameters": {"parallelism": 1},
    });
    start(&project, "names", &graph).await;
    kafka.send(&format!("{name}-ids"), &[r#"{"id": 0, "name": null}"#, r#"{"id": 9, "name": null}"#]).unwrap();
    let wanted = ["200 nr. 0 of asks-javascript, 200 nr. 0 of asks-python", "404  of asks-javascript, 404  of asks-python"];
    let found = until("both rows are named", 90, async || {
        let rows = kafka.read_all(&format!("{name}-named")).map_err(|e| e.to_string())?;
        let names: Vec<String> = rows.iter().filter_map(|row| Some(row.json().ok()?["name"].as_str()?.to_owned())).collect();
        if names == wanted { Ok(()) } else { Err(format!("{names:?}")) }
    });
    found.await.unwrap();
}
