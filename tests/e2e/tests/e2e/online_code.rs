//! Online code (EXT-1, EXT-2): written, compiled on the server in its cage, a version of a plugin that a job can use.

use millrace_e2e::{Server, ServerOptions, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::process::{Command, Output};

const CLEAN: &str = r#"package acme;

import java.util.List;
import millrace.api.*;

public class Clean extends ETLFunction {
    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}";
    }

    public List<Row> ETL(Row row) {
        return List.of(row);
    }
}
"#;

/// The command line, as a user calls it.
fn millrace(server: &Server, folder: &std::path::Path, arguments: &[&str]) -> Output {
    let token = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    let mut command = Command::new(millrace_e2e::binary().unwrap());
    command.args(["--server", &server.base(), "--token", token.trim(), "-t", "online", "-p", "main"]);
    command.args(arguments).current_dir(folder).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_is_built_corrected_reused_and_saved_as_a_plugin() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project("online").await.unwrap();
    let service = project.api.get("/api/v1/platform/build-service").await.unwrap();
    assert_eq!(service["available"], true, "{service}");
    println!("cage: {}", service["cage"]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Clean.java");
    std::fs::write(&file, CLEAN.replace("List.of(row)", "List.of(rwo)")).unwrap();
    let arguments = ["build", "java", "Clean.java", "--class", "acme.Clean", "--plugin", "clean"];
    let wrong = millrace(&server, folder.path(), &arguments);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success(), "{said}");
    assert!(said.contains("Clean.java:12:24: error: cannot find symbol"), "{said}");
    assert!(said.contains("        return List.of(rwo);\n                           ^"), "{said}");

    std::fs::write(&file, CLEAN).unwrap();
    let right = millrace(&server, folder.path(), &arguments);
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stderr));
    let said = String::from_utf8_lossy(&right.stdout).into_owned();
    assert!(said.contains("plugin `clean` is at version 1"), "{said}");
    let plugin = project.api.get(&project.path("plugins/clean")).await.unwrap();
    assert_eq!(plugin["latest"]["world"], "etl-operator");

    let source = json!({"path": "Clean.java", "text": CLEAN});
    let again = project.build(&json!({"world": "etl-operator", "sources": [source], "class": "acme.Clean"})).await.unwrap();
    assert_eq!((&again["state"], &again["reused"]), (&json!("succeeded"), &json!(true)), "{again}");
    assert_eq!(again["content_hash"], plugin["latest"]["content_hash"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_completed_and_errors_are_in_the_users_text() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project("bodies").await.unwrap();
    let schema = "        return \"{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"name\\\":{\\\"type\\\":\\\"string\\\"}}}\";";
    let java = |body: &str| json!({"template": {"name": "java-etl-body", "parameters": {"tableSchema": schema, "ETL": body}}});
    let wrong = project.build(&java("int n = 1;\nreturn lst;")).await.unwrap();
    let found = &wrong["diagnostics"][0];
    assert_eq!((&found["file"], &found["line"], &found["column"]), (&json!("ETL"), &json!(2), &json!(8)), "{wrong}");
    let missing = project.build(&java("int n = 1;")).await.unwrap();
    let found = &missing["diagnostics"][0];
    assert_eq!((&found["file"], &found["line"]), (&json!("ETL"), &json!(1)), "{missing}");
    assert!(found["message"].as_str().unwrap().contains("missing return"), "{missing}");
    let right = project.build(&java("return List.of(row);")).await.unwrap();
    assert_eq!(right["state"], "succeeded", "{right}");

    let schema = "\"\"\"{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}\"\"\"";
    let scala =
        |body: &str| json!({"plugin": "body", "template": {"name": "scala-etl-body", "parameters": {"tableSchema": schema, "ETL": body}}});
    let wrong = project.build(&scala("  val n = 1\n  Collections.singletonList(rwo)")).await.unwrap();
    let found = &wrong["diagnostics"][0];
    assert_eq!((&found["file"], &found["line"], &found["column"]), (&json!("ETL"), &json!(2), &json!(29)), "{wrong}");
    let right = project.build(&scala("Collections.singletonList(row)")).await.unwrap();
    assert_eq!((&right["state"], &right["plugin_version"]), (&json!("succeeded"), &json!(1)), "{right}");
}

/// Processes below `folder`'s server: whatever has the folder in its command line.
fn processes(folder: &std::path::Path) -> usize {
    let folder = folder.display().to_string();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(&folder)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_compiler_outlives_a_killed_server() {
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project("online").await.unwrap();
    let source = json!({"path": "Clean.java", "text": CLEAN});
    let request = json!({"world": "etl-operator", "sources": [source]});
    let built = project.build(&request).await.unwrap();
    assert_eq!(built["state"], "succeeded", "{built}");
    let builds = server.data_dir().join("builds");
    assert!(processes(&builds) > 0, "the JVM stays warm");

    // Types that double in every line keep the compiler busy.
    let lines: String = (0..60).map(|n| format!("var a{} = p(a{n}, a{n});\n", n + 1)).collect();
    let bomb = format!(
        "class Bomb {{ static <A> java.util.Map.Entry<A, A> p(A a, A b) {{ return null; }} void f() {{ var a0 = p(1, 2);\n{lines} }} }}"
    );
    let request = json!({"world": "etl-operator", "sources": [{"path": "Bomb.java", "text": bomb}]});
    let lost = project.api.post(&project.path("builds"), &request).await.unwrap();
    let path = project.path(&format!("builds/{}", lost["id"].as_str().unwrap()));
    let running = until("the bomb is compiled", 60, async || match project.api.get(&path).await {
        Ok(build) if build["step"].as_str().is_some_and(|step| step != "check") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    running.await.unwrap();
    // The server only, not its group: what it has started must notice by itself.
    kill_process(Pid::from_raw(server.pid().unwrap().cast_signed()).unwrap(), Signal::KILL).unwrap();
    let gone = until("all compilers are gone", 20, async || match processes(&builds) {
        0 => Ok(()),
        count => Err(format!("{count} are there")),
    });
    gone.await.unwrap();

    server.restart().await.unwrap();
    let found = server.api().unwrap().get(&path).await.unwrap();
    assert_eq!((&found["state"], &found["failure"]), (&json!("failed"), &json!("the server ended during the build; build again")));
}
