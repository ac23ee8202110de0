//! A project through files and back: export, apply, nothing lost, nothing done twice, no secret in a file.

use millrace_e2e::{Project, Server, ServerOptions, binary};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

struct Cli {
    server: String,
    token: String,
}

impl Cli {
    /// Runs `millrace`; answers whether it succeeded, with what it said.
    fn run(&self, project: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
        let mut command = Command::new(binary().unwrap());
        command.args(["--server", &self.server, "--token", &self.token, "--tenant", "git", "--project", project]).args(arguments);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    fn done(&self, project: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let (succeeded, text) = self.run(project, arguments, variables);
        assert!(succeeded, "{arguments:?}: {text}");
        text
    }
}

/// Every file below `folder` by its path in it.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                files.insert(entry.path().strip_prefix(folder).unwrap().to_owned(), fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    files
}

async fn furnish(project: &Project) {
    let properties = json!({"bootstrap.servers": "127.0.0.1:1", "sasl.password": "hunter2"});
    let source = json!({"name": "kafka", "kind": "kafka", "description": "", "properties": properties});
    project.api.post(&project.path("data-sources"), &source).await.unwrap();
    project.make_topic("clicks", "web.clicks", &json!([{"name": "url", "type": "STRING"}])).await.unwrap();
    // A database with a table in it, a rule, production's way to the source, and where temp tables are.
    project.api.post(&project.path("databases"), &json!({"name": "shop", "data_source": "kafka"})).await.unwrap();
    let orders = json!({"name": "orders", "database": "shop", "schema": [{"name": "id", "type": "BIGINT"}]});
    project.api.post(&project.path("topics"), &orders).await.unwrap();
    let rule = json!({"name": "url-is-there", "table": "clicks", "document": {"column": "url", "check": {"type": "not_null"}}});
    project.api.post(&project.path("quality-rules"), &rule).await.unwrap();
    let production = json!({"properties": {"bootstrap.servers": "127.0.0.1:2", "sasl.password": "hunter2"}});
    project.api.set(&project.path("data-sources/kafka/production"), &production).await.unwrap();
    project.api.set(&project.path("temp-table-settings"), &json!({"data_source": "kafka", "partitions": 3})).await.unwrap();
    let sql = "-- counts\nINSERT INTO out\nSELECT url, COUNT(*)\nFROM clicks\nGROUP BY url;\n";
    let job = json!({"name": "count", "folder": "web/etl", "description": "", "draft": {"sql": sql}});
    project.api.post(&project.path("jobs"), &job).await.unwrap();
    let graph = json!({"nodes": [{"id": "in", "kind": "kafka_source", "config": {"topic": "clicks"}}], "parameters": {"parallelism": 3}});
    project.make_job("clean", &graph).await.unwrap();
}

#[tokio::test]
async fn a_project_lives_in_files() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let api = server.api().unwrap();
    let project = api.make_project("git").await.unwrap();
    furnish(&project).await;
    let token = fs::read_to_string(server.data_dir().join("admin.token")).unwrap().trim().to_owned();
    let cli = Cli { server: server.base(), token };
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let said = cli.done("main", &["export", first.to_str().unwrap()], &[]);
    assert!(said.contains("not in the files: contents of plugins"), "{said}");
    let exported = tree(&first);
    let names: Vec<_> = exported.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "data-sources/kafka.yaml",
            "databases/shop.yaml",
            "jobs/clean.yaml",
            "jobs/web/etl/count.yaml",
            "production-bindings/kafka.yaml",
            "project.yaml",
            "quality-rules/url-is-there.yaml",
            "topics/clicks.yaml",
            "topics/orders.yaml",
        ]
    );
    assert!(exported[Path::new("topics/orders.yaml")].contains("database: shop"), "{exported:?}");
    let all = exported.values().cloned().collect::<String>();
    assert!(all.contains("${KAFKA_SASL_PASSWORD}") && all.contains("${KAFKA_PRODUCTION_SASL_PASSWORD}"), "{all}");
    assert!(!all.contains("hunter2") && !all.contains("***"), "{all}");
    assert!(exported[Path::new("jobs/web/etl/count.yaml")].contains("  sql: |\n    -- counts\n    INSERT INTO out\n"), "{all}");
    let again = cli.done("main", &["apply", first.to_str().unwrap()], &[]);
    assert!(again.contains("0 were made, 0 were changed, 0 were removed, 9 are as they should be"), "{again}");

    // Into a project that is not there: first in thought only, then without the secret, then really.
    let folder_of_first = first.to_str().unwrap();
    let (succeeded, said) = cli.run("copy", &["apply", folder_of_first], &[]);
    assert!(!succeeded && said.contains("needs the variable KAFKA_SASL_PASSWORD"), "{said}");
    let secret = [("KAFKA_SASL_PASSWORD", "hunter3"), ("KAFKA_PRODUCTION_SASL_PASSWORD", "hunter4")];
    let dry = cli.done("copy", &["apply", folder_of_first, "--dry-run"], &secret);
    assert!(dry.contains("job count: would be made") && dry.contains("9 would be made"), "{dry}");
    assert_eq!(api.get("/api/v1/tenants/git/projects/copy/jobs").await.unwrap()["items"], json!([]), "nothing is made in thought");
    let made = cli.done("copy", &["apply", folder_of_first], &secret);
    assert!(made.contains("9 were made"), "{made}");
    cli.done("copy", &["export", second.to_str().unwrap()], &[]);
    let mut copied = tree(&second);
    let head = copied.insert("project.yaml".into(), exported[Path::new("project.yaml")].clone()).unwrap();
    assert!(head.contains("name: copy"), "{head}");
    assert_eq!(copied, exported, "the same project gives the same files");

    // A change in a file is one change; what is not in the files stays unless it is to be pruned.
    let clean = first.join("jobs/clean.yaml");
    fs::write(&clean, fs::read_to_string(&clean).unwrap().replace("parallelism: 3", "parallelism: 5")).unwrap();
    fs::remove_file(first.join("jobs/web/etl/count.yaml")).unwrap();
    let changed = cli.done("copy", &["apply", folder_of_first], &[]);
    assert!(changed.contains("job clean: changed (draft)") && changed.contains("job count: not in the files, kept"), "{changed}");
    let pruned = cli.done("copy", &["apply", folder_of_first, "--prune"], &[]);
    assert!(pruned.contains("job count: removed") && pruned.contains("1 were removed"), "{pruned}");
    let job = api.get("/api/v1/tenants/git/projects/copy/jobs/clean").await.unwrap();
    assert_eq!(job["draft"]["parameters"]["parallelism"], 5);
    fs::write(&clean, "name: clean\ndraft:\n  nodes:\n    - id: in\n").unwrap();
    let (succeeded, said) = cli.run("copy", &["apply", folder_of_first], &[]);
    assert!(!succeeded && said.contains("clean.yaml: `draft.nodes[0]`: missing field `kind`"), "{said}");
}
