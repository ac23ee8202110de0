//! Tenant code in every language and form (EXT-1, EXT-3, EXT-4, EXT-6), in jobs on a real broker.
//!
//! A folder of `tests/tenant-code` is a case: `case.json` says how its code becomes a plugin and what job runs it,
//! `input*.jsonl` what goes in, `expected.jsonl` what must be in the output topic. Between two inputs the job is stopped with
//! a savepoint and goes on from it.

use crate::kafka;
use anyhow::{Context, ensure};
use millrace_e2e::{Kafka, Project, Server, ServerOptions, binary, unique, until};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

const JOB: &str = "job";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    code: Code,
    /// The plugin's name.
    plugin: String,
    input: Value,
    output: Value,
    /// File of the script; without one, and without a graph, the plugin is an ETL node.
    script: Option<String>,
    /// File of the graph.
    graph: Option<String>,
    /// Files that are uploaded as resources of these names.
    #[serde(default)]
    resources: BTreeMap<String, String>,
    /// The output topic holds a table by this column: only the last row of each key counts.
    key: Option<String>,
    /// Records that must be among the dead letters, by what their message contains.
    #[serde(default)]
    dead_letters: Vec<String>,
}

/// How the code becomes a component.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Code {
    /// Compiled on the server from text.
    Online { world: String, language: String, sources: Vec<String> },
    /// Compiled here against the SDK to a JAR, which is uploaded.
    Jar { world: String, class: String, sources: Vec<String> },
    /// `millrace plugin build` of a folder.
    Folder(String),
    /// A sample that `cargo xtask plugins` builds.
    Sample(String),
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tenant-code")
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn lines(path: &Path) -> anyhow::Result<Vec<Value>> {
    text(path)?.lines().filter(|line| !line.is_empty()).map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A JAR as Maven would make it: the SDK on the class path and not inside.
fn jar(folder: &Path, sources: &[String]) -> anyhow::Result<Vec<u8>> {
    let work = tempfile::tempdir()?;
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/java/api/src/main/java");
    let (sdk, classes, archive) = (work.path().join("sdk"), work.path().join("classes"), work.path().join("code.jar"));
    let mut command = Command::new("javac");
    command.args(["-nowarn", "-proc:none", "--release", "17", "-g", "-d"]).arg(&sdk);
    command.args(java_files(&api)?);
    done(&mut command)?;
    let mut command = Command::new("javac");
    command.args(["-nowarn", "-proc:none", "--release", "17", "-g", "-cp"]).arg(&sdk).arg("-d").arg(&classes);
    command.args(sources.iter().map(|source| folder.join(source)));
    done(&mut command)?;
    done(Command::new("jar").arg("cf").arg(&archive).arg("-C").arg(&classes).arg("."))?;
    Ok(std::fs::read(archive)?)
}

fn java_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(java_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "java") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Builds on the server and saves as the plugin.
async fn build(project: &Project, request: &Value) -> anyhow::Result<()> {
    let ended = project.build(request).await?;
    ensure!(ended["state"] == "succeeded", "the build has not succeeded: {ended}");
    ensure!(ended["plugin_version"] == 1, "the component is no version of the plugin: {ended}");
    Ok(())
}

async fn make_plugin(project: &Project, folder: &Path, case: &Case) -> anyhow::Result<()> {
    match &case.code {
        Code::Online { world, language, sources } => {
            let sources = sources.iter().map(|path| Ok(json!({"path": path, "text": text(&folder.join(path))?})));
            let sources = sources.collect::<anyhow::Result<Vec<_>>>()?;
            let request = json!({"world": world, "language": language, "sources": sources, "plugin": case.plugin});
            build(project, &request).await
        }
        Code::Jar { world, class, sources } => {
            // As Maven would leave it, kept among the project's resources (EXT-5).
            project.api.upload(&project.path("resources/code/versions"), jar(folder, sources)?).await?;
            let request = json!({"world": world, "class": class, "jars": [{"resource": "code"}], "plugin": case.plugin});
            build(project, &request).await
        }
        Code::Folder(name) => {
            let work = tempfile::tempdir()?;
            let copy = work.path().join(name);
            std::fs::create_dir(&copy)?;
            for entry in std::fs::read_dir(folder.join(name))? {
                let entry = entry?;
                std::fs::copy(entry.path(), copy.join(entry.file_name()))?;
            }
            done(Command::new(binary()?).args(["plugin", "build"]).arg(&copy))?;
            let components = std::fs::read_dir(copy.join("target/components"))?.collect::<Result<Vec<_>, _>>()?;
            let component = components.iter().map(std::fs::DirEntry::path).find(|path| path.extension().is_some_and(|e| e == "wasm"));
            let component = std::fs::read(component.context("the build left no component")?)?;
            project.upload_plugin(&case.plugin, component).await?;
            Ok(())
        }
        Code::Sample(name) => {
            project.upload_plugin(&case.plugin, millrace_e2e::component(name)?).await?;
            Ok(())
        }
    }
}

fn job(folder: &Path, case: &Case) -> anyhow::Result<Value> {
    if let Some(script) = &case.script {
        return Ok(json!({"sql": text(&folder.join(script))?}));
    }
    if let Some(graph) = &case.graph {
        return Ok(serde_json::from_str(&text(&folder.join(graph))?)?);
    }
    Ok(json!({
        "nodes": [
            {"id": "events", "kind": "kafka_source", "config": {"topic": "events", "start": "earliest"}},
            {"id": "code", "kind": "etl", "config": {"plugin": case.plugin, "on_fault": {"kind": "dead_letter"}}},
            {"id": "results", "kind": "kafka_sink", "config": {"topic": "results", "delivery": "exactly_once"}},
        ],
        "edges": [{"from": "events", "to": "code"}, {"from": "code", "to": "results"}],
        "parameters": {"parallelism": 1, "checkpoint_interval_ms": 200, "dead_letter_topic": "dead"},
    }))
}

/// What is in the output topic: all rows in order of their text, or of a table the last of each key.
fn output(kafka: &Kafka, topic: &str, key: Option<&str>) -> anyhow::Result<Vec<String>> {
    let (mut rows, mut table) = (Vec::new(), BTreeMap::new());
    for record in kafka.read_all(topic)? {
        let Some(key) = key else {
            rows.push(record.json()?.to_string());
            continue;
        };
        let found: Value = serde_json::from_slice(record.key.as_deref().context("a message without a key")?)?;
        let found = found[key].to_string();
        if record.value.is_empty() {
            table.remove(&found);
        } else {
            table.insert(found, record.json()?.to_string());
        }
    }
    rows.extend(table.into_values());
    rows.sort();
    Ok(rows)
}

async fn run(server: &Server, name: &str) -> anyhow::Result<()> {
    let folder = cases().join(name);
    let case: Case = serde_json::from_str(&text(&folder.join("case.json"))?)?;
    let (kafka, unique) = (kafka(), unique(name));
    let [events, results, dead] = ["events", "results", "dead"].map(|topic| format!("{unique}-{topic}"));
    for topic in [&events, &results, &dead] {
        kafka.create_topic(topic, 1).await?;
    }
    let project = server.api()?.make_project(&unique).await?;
    project.make_kafka("kafka", kafka.bootstrap()).await?;
    project.make_topic("events", &events, &case.input).await?;
    project.make_topic("results", &results, &case.output).await?;
    let letters = ["operator", "reason", "message", "origin"].map(|name| json!({"name": name, "type": "STRING"}));
    project.make_topic("dead", &dead, &json!(letters)).await?;
    for (name, file) in &case.resources {
        project.api.upload(&project.path(&format!("resources/{name}/versions")), text(&folder.join(file))?.into_bytes()).await?;
    }
    make_plugin(&project, &folder, &case).await?;
    project.make_job(JOB, &job(&folder, &case)?).await?;
    project.submit(JOB).await?;
    let mut instance = project.make_instance(JOB, &json!({"from": "fresh"}), &json!({})).await?;
    project.start_instance(&instance, None).await?;
    project.await_state(&instance, "running", 90).await?;

    let mut sent = Vec::new();
    for part in 1.. {
        let file = if part == 1 { folder.join("input.jsonl") } else { folder.join(format!("input-{part}.jsonl")) };
        if !file.is_file() {
            break;
        }
        if part > 1 {
            // The savepoint must hold what the rows before it have made.
            let until_now = lines(&folder.join(format!("expected-{}.jsonl", part - 1)))?;
            await_rows(&kafka, &results, case.key.as_deref(), &until_now).await?;
            project.stop_instance(&instance, true).await?;
            project.await_state(&instance, "stopped", 90).await?;
            let savepoint = project.savepoints(&instance).await?["items"][0]["id"].clone();
            instance = project.make_instance(JOB, &json!({"from": "savepoint", "savepoint": savepoint}), &json!({})).await?;
            project.start_instance(&instance, None).await?;
            project.await_state(&instance, "running", 90).await?;
        }
        let rows: Vec<String> = lines(&file)?.iter().map(Value::to_string).collect();
        kafka.send(&events, &rows.iter().map(String::as_str).collect::<Vec<_>>())?;
        sent.extend(rows);
    }
    ensure!(!sent.is_empty(), "the case has no input");
    await_rows(&kafka, &results, case.key.as_deref(), &lines(&folder.join("expected.jsonl"))?).await?;
    until("the dead letters are there", 30, async || {
        let letters = kafka.read_all(&dead).map_err(|e| e.to_string())?;
        let messages: Vec<String> = letters.iter().filter_map(|l| Some(l.json().ok()?["message"].as_str()?.to_owned())).collect();
        let all = messages.len() == case.dead_letters.len();
        let found = case.dead_letters.iter().all(|wanted| messages.iter().any(|message| message.contains(wanted)));
        if all && found { Ok(()) } else { Err(format!("{messages:?}")) }
    })
    .await?;
    let status = project.instance(&instance).await?;
    ensure!(status["state"] == "running", "the instance does not run any more: {status}");
    project.stop_instance(&instance, false).await?;
    project.await_state(&instance, "stopped", 90).await
}

async fn await_rows(kafka: &Kafka, topic: &str, key: Option<&str>, expected: &[Value]) -> anyhow::Result<()> {
    let mut expected: Vec<String> = expected.iter().map(Value::to_string).collect();
    expected.sort();
    until("the rows are there", 60, async || {
        let found = output(kafka, topic, key).map_err(|e| e.to_string())?;
        if found == expected { Ok(()) } else { Err(format!("found {found:#?}, expected {expected:#?}")) }
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenant_code_does_in_jobs_what_its_cases_say() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let only = std::env::var("MILLRACE_TENANT_CODE_ONLY").unwrap_or_default();
    let folders = std::fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = folders.filter(|name| cases().join(name).is_dir() && name.contains(&only)).collect();
    names.sort();
    assert!(!names.is_empty(), "no case is called `{only}`");
    let mut failed = Vec::new();
    for name in names {
        let started = std::time::Instant::now();
        if let Err(error) = run(&server, &name).await {
            failed.push(format!("{name}: {error:#}"));
        }
        println!("{name}: {:.1} s", started.elapsed().as_secs_f64());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
