//! Rows before they matter: unit tests of a script and of a graph with a plugin, previews of topics and nodes, and a tap at
//! a running job. Nothing of it leaves a trace in the broker.

use crate::kafka;
use millrace_e2e::{Project, Server, ServerOptions, corpus, corpus::Event, unique, until};
use serde_json::{Value, json};

const SCRIPT: &str = "\
CREATE TABLE actions (
  usr STRING, amount DOUBLE, ts BIGINT, et AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR et AS et - INTERVAL '1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'events');
INSERT INTO windows SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE actions, DESCRIPTOR(et), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
INSERT INTO users SELECT usr, COUNT(*) AS n FROM actions GROUP BY usr;";

const USERS: &str = "\
CREATE TABLE users (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users');\n";

async fn tested(project: &Project, job: &str, body: &Value) -> Value {
    let begun = project.api.post(&project.path(&format!("jobs/{job}/unit-tests")), body).await.unwrap();
    let path = project.path(&format!("unit-tests/{}", begun["id"].as_str().unwrap()));
    let ended = until("the unit test ends", 60, async || match project.api.get(&path).await {
        Ok(test) if test["state"] != "running" => Ok(test),
        Ok(test) => Err(test.to_string()),
        Err(problem) => Err(problem.to_string()),
    });
    ended.await.unwrap()
}

/// DEV-2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_and_a_graph_are_tested_on_packages() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let project = server.api().unwrap().make_project(&unique("test")).await.unwrap();
    // Nobody listens there: a unit test that connects fails.
    project.make_kafka("kafka", "127.0.0.1:1").await.unwrap();
    project.make_topic("events", "events", &corpus::input_columns()).await.unwrap();
    let windows = json!([{"name": "window_start", "type": "TIMESTAMP(3)"}, {"name": "n", "type": "BIGINT"}]);
    project.make_topic("windows", "windows", &windows).await.unwrap();
    project.make_topic("users", "users", &json!([{"name": "usr", "type": "STRING"}, {"name": "n", "type": "BIGINT"}])).await.unwrap();
    project.make_job("script", &json!({"sql": format!("{USERS}{SCRIPT}")})).await.unwrap();
    let line = |usr: &str, second: i64| {
        format!("{{\"id\": 1, \"usr\": \"{usr}\", \"amount\": 2.5, \"ts\": {}}}\n", 1_700_000_000_000 + second * 1_000)
    };
    // 1_700_000_000 is second 20 of its minute; the row of second 4 comes when its window is complete.
    let rows = [line("ann", 1), line("bob", 9), line("ann", 12), line("bob", 4), line("ann", 19)].concat();
    let body = json!({
        "sources": {"actions": {"content": rows}},
        "expected": {
            "windows": {"content": "window_start,n\n2023-11-14 22:13:20,2\n2023-11-14 22:13:30,2\n", "format": "csv"},
            "users": {"content": "usr,n\nann,3\nbob,2\n", "format": "csv"},
        },
    });
    let test = tested(&project, "script", &body).await;
    assert_eq!(test["state"], "passed", "{test:#}");
    assert_eq!((&test["late_rows"], test["sinks"].as_array().unwrap().len()), (&json!(1), 2), "{test:#}");
    let users = test["sinks"].as_array().unwrap().iter().find(|sink| sink["table"] == "users").unwrap();
    assert_eq!(users["comparison"]["mode"], "table");
    let path = format!("unit-tests/{}/sinks/{}/rows?limit=2", test["id"].as_str().unwrap(), users["node"].as_str().unwrap());
    let page = project.api.get(&project.path(&path)).await.unwrap();
    assert_eq!((page["rows"].as_array().unwrap().len(), &page["running"]), (2, &json!(false)));

    let mut wrong = body.clone();
    wrong["expected"]["users"]["content"] = json!("usr,n\nann,4\nbob,2\n");
    let test = tested(&project, "script", &wrong).await;
    assert_eq!(test["state"], "differs");
    let users = test["sinks"].as_array().unwrap().iter().find(|sink| sink["table"] == "users").unwrap();
    assert_eq!(users["comparison"]["missing"], json!([{"change": null, "row": {"usr": "ann", "n": 4}}]));
    assert_eq!(users["comparison"]["unexpected"], json!([{"change": null, "row": {"usr": "ann", "n": 3}}]));
    let odd = json!({"sources": {"actions": {"content": "{\"usr\": \"a\", \"ts\": true}\n"}}});
    let refused = project.api.post(&project.path("jobs/script/unit-tests"), &odd).await.unwrap_err();
    assert!(
        refused.body["errors"].to_string().contains("column `ts` is BOOLEAN in the content of `sources.actions`, expected BIGINT"),
        "{refused}"
    );

    project.upload_plugin("filter", millrace_e2e::component("bench-filter").unwrap()).await.unwrap();
    project.make_topic("clean", "clean", &millrace_e2e::output_columns()).await.unwrap();
    let graph = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "events"}},
            {"id": "filter", "kind": "etl", "config": {"plugin": "filter"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "clean"}},
        ],
        "edges": [{"from": "in", "to": "filter"}, {"from": "filter", "to": "out"}],
        "parameters": {"parallelism": 3},
    });
    project.make_job("graph", &graph).await.unwrap();
    let events: Vec<Event> = (0..500).map(Event::new).collect();
    let package: String = events.iter().map(|event| format!("{}\n", event.json())).collect();
    let uploaded = project.api.upload(&project.path("resources/sample/versions"), package.into_bytes()).await.unwrap();
    assert_eq!(uploaded["kind"], "data_package");
    let body = json!({"sources": {"in": {"resource": "sample"}}, "order": {"seed": 1, "shuffle_rows": 50}});
    let test = tested(&project, "graph", &body).await;
    let expected = events.iter().filter(|event| event.passes()).count();
    assert_eq!((&test["state"], &test["sinks"][0]["rows"]), (&json!("finished"), &json!(expected)), "{test:#}");
    assert!(test["fuel"].as_u64().unwrap() > 0);
    let listed = project.api.get(&project.path("unit-tests?job=graph")).await.unwrap();
    assert_eq!(listed["items"][0]["id"], test["id"]);
}

/// JOB-4 and the tap of RUN-5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_nodes_and_running_jobs_show_their_rows() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (name, kafka) = (unique("look"), kafka());
    let (input, output) = (format!("{name}-in"), format!("{name}-out"));
    kafka.create_topic(&input, 3).await.unwrap();
    kafka.create_topic(&output, 1).await.unwrap();
    let project = server.api().unwrap().make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    project.make_topic("events", &input, &corpus::input_columns()).await.unwrap();
    project.make_topic("ids", &output, &json!([{"name": "id", "type": "BIGINT"}, {"name": "usr", "type": "STRING"}])).await.unwrap();
    let preview = async |path: &str, body: Value| project.api.post(&project.path(&format!("{path}/preview")), &body).await.unwrap();
    let empty = preview("topics/events", json!({})).await;
    assert_eq!((&empty["rows"], &empty["has_more"]), (&json!([]), &json!(false)));
    kafka.send_events(&input, 0..3_000, 3).unwrap();
    kafka.send(&input, &["not json"]).unwrap();
    let newest = preview("topics/events", json!({"rows": 5})).await;
    assert_eq!((newest["rows"].as_array().unwrap().len(), newest["schema"].as_array().unwrap().len()), (5, 7), "{newest:#}");
    assert_eq!(
        newest["rows"][4]["place"]["partition"].as_i64().unwrap() * 1_000 + newest["rows"][4]["place"]["offset"].as_i64().unwrap(),
        newest["rows"][4]["row"]["id"].as_i64().unwrap()
    );
    let first = preview("topics/events", json!({"rows": 1000, "from": {"at": "earliest"}})).await;
    assert_eq!((first["rows"].as_array().unwrap().len(), &first["has_more"]), (1_000, &json!(true)));
    let all = preview("topics/events", json!({"rows": 1000})).await;
    assert!(all["bad_records"][0]["reason"].as_str().unwrap().contains("JSON"), "{}", all["bad_records"]);
    assert_eq!(all["bad_records"][0]["payload"], "not json");

    let graph = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "events", "table_name": "events", "start": "earliest"}},
            {"id": "few", "kind": "sql", "config": {"sql": "SELECT id, usr FROM events WHERE MOD(id, 7) = 0"}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": "ids"}},
        ],
        "edges": [{"from": "in", "to": "few"}, {"from": "few", "to": "out"}],
        "parameters": {"checkpoint_interval_ms": 200, "parallelism": 2},
    });
    project.make_job("few", &graph).await.unwrap();
    for node in ["few", "out"] {
        let found = preview("jobs/few", json!({"node": node, "rows": 1000, "from": {"at": "earliest"}, "seconds": 10})).await;
        let ids: std::collections::BTreeSet<u64> =
            found["rows"].as_array().unwrap().iter().map(|r| r["row"]["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, (0..3_000).filter(|id| id % 7 == 0).collect(), "{node}");
    }
    assert!(kafka.read_all(&output).unwrap().is_empty(), "a preview writes nothing");

    project.submit("few").await.unwrap();
    let instance = project.make_instance("few", &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&instance, None).await.unwrap();
    project.await_state(&instance, "running", 60).await.unwrap();
    let producing = kafka.produce(&input, 3_000, 3, 2_000).unwrap();
    let path = project.path(&format!("instances/{instance}/tap"));
    let tapped = project.api.post(&path, &json!({"node": "few", "rows": 50, "seconds": 20})).await.unwrap();
    assert_eq!((tapped["rows"].as_array().unwrap().len(), &tapped["closed"]), (50, &json!("rows")), "{tapped:#}");
    assert!(tapped["rows"].as_array().unwrap().iter().all(|row| row["row"]["id"].as_u64().unwrap() % 7 == 0));
    let at_sink = project.api.post(&path, &json!({"node": "out", "rows": 5, "seconds": 20})).await.unwrap();
    assert_eq!(at_sink["rows"].as_array().unwrap().len(), 5);
    let unknown = project.api.post(&path, &json!({"node": "none"})).await.unwrap_err();
    assert!(unknown.detail().contains("its nodes are in, "), "{unknown}");
    producing.finish().unwrap();
    project.stop_instance(&instance, false).await.unwrap();
    project.await_state(&instance, "stopped", 60).await.unwrap();
    let gone = project.api.post(&path, &json!({"node": "few"})).await.unwrap_err();
    assert_eq!(gone.code(), "conflict");
}
