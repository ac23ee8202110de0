//! Temp tables (TMP-1): one job writes, another reads, the server is killed in between, and nothing is lost or doubled.

use crate::kafka;
use millrace_e2e::{Server, ServerOptions, corpus, unique, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jobs_over_a_temp_table_and_a_kill_in_between() {
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let (name, kafka) = (unique("temp"), kafka());
    let (input, output) = (format!("{name}-in"), format!("{name}-out"));
    kafka.create_topic(&input, 2).await.unwrap();
    kafka.create_topic(&output, 2).await.unwrap();
    let project = server.api().unwrap().make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    project.make_topic("events", &input, &corpus::input_columns()).await.unwrap();
    let columns = json!([{"name": "id", "type": "BIGINT"}, {"name": "usr", "type": "STRING"}]);
    project.make_topic("results", &output, &columns).await.unwrap();
    let writer = json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "events", "table_name": "events", "start": "earliest"}},
            {"id": "some", "kind": "sql", "config": {"sql": "SELECT id, usr FROM events WHERE MOD(id, 3) = 0"}},
            {"id": "out", "kind": "temp_table_sink", "config": {"table": "thirds"}},
        ],
        "edges": [{"from": "in", "to": "some"}, {"from": "some", "to": "out"}],
        "parameters": {"checkpoint_interval_ms": 150, "parallelism": 2},
    });
    project.make_job("writer", &writer).await.unwrap();
    let early = project.submit("writer").await.unwrap_err();
    assert!(
        early.detail().contains("has not said where it keeps temp tables")
            || early.body["errors"].to_string().contains("temp table settings"),
        "{early}"
    );
    let settings = json!({"data_source": "kafka", "partitions": 2, "retention_ms": 3_600_000});
    project.api.set(&project.path("temp-table-settings"), &settings).await.unwrap();
    assert_eq!(project.validate("writer").await.unwrap()["errors"], json!([]));
    project.submit("writer").await.unwrap();
    let made = project.api.get(&project.path("temp-tables/thirds")).await.unwrap();
    assert_eq!((&made["schema"][0]["name"], &made["writers"][0]["job_name"]), (&json!("id"), &json!("writer")), "{made:#}");

    let reader = "INSERT INTO results SELECT id, usr FROM thirds WHERE MOD(id, 2) = 0";
    project.make_job("reader", &json!({"sql": format!("SET 'execution.checkpointing.interval' = '150 ms';\n{reader}")})).await.unwrap();
    project.submit("reader").await.unwrap();
    for job in ["writer", "reader"] {
        let instance = project.make_instance(job, &json!({"from": "fresh"}), &json!({})).await.unwrap();
        project.start_instance(&instance, None).await.unwrap();
        project.await_state(&instance, "running", 60).await.unwrap();
    }
    let producing = kafka.produce(&input, 0, 2, 3_000).unwrap();
    let more_than = async |count: usize| {
        let some = until("more results", 90, async || {
            let rows = kafka.read_all(&output).map_err(|e| e.to_string())?;
            if rows.len() > count { Ok(rows.len()) } else { Err(format!("{} rows", rows.len())) }
        });
        some.await.unwrap()
    };
    let before = more_than(200).await;
    server.kill().unwrap();
    server.restart().await.unwrap();
    more_than(before + 200).await;
    let sent = producing.finish().unwrap();
    let expected: BTreeSet<u64> = (0..sent).filter(|id| id % 6 == 0).collect();
    let rows = until("every result", 120, async || {
        let rows = kafka.read_all(&output).map_err(|e| e.to_string())?;
        if rows.len() >= expected.len() { Ok(rows) } else { Err(format!("{} of {} rows", rows.len(), expected.len())) }
    });
    let rows = rows.await.unwrap();
    let ids: Vec<u64> = rows.iter().map(|row| row.json().unwrap()["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), expected.len(), "no row twice");
    assert_eq!(ids.into_iter().collect::<BTreeSet<u64>>(), expected);

    let table = project.path("temp-tables/thirds");
    let found = project.api.get(&table).await.unwrap();
    assert_eq!((&found["readers"][0]["job_name"], &found["readers"][0]["active"]), (&json!("reader"), &json!(true)));
    assert_eq!(found["allowed_actions"], json!(["edit", "preview", "grant"]));
    let size = project.api.get(&format!("{table}/size")).await.unwrap();
    assert!(size["records"].as_u64().unwrap() >= sent / 3 && size["bytes_estimated"].as_u64().unwrap() > 1_000, "{size}");
    let rows = project.api.post(&format!("{table}/preview"), &json!({"rows": 3})).await.unwrap();
    assert_eq!(rows["rows"].as_array().unwrap().len(), 3);
    let kept = project.api.set(&table, &json!({"retention_ms": 7_200_000})).await.unwrap();
    assert_eq!(kept["retention_ms"], 7_200_000);
    let in_use = project.api.delete(&table).await.unwrap_err();
    assert_eq!(in_use.code(), "temp_table.in_use");

    // Declared in a script, with a key too.
    let counts = json!({"name": "counts", "schema": [{"name": "usr", "type": "STRING"}, {"name": "n", "type": "BIGINT"}]});
    project.api.post(&project.path("temp-tables"), &counts).await.unwrap();
    let declared = "CREATE TABLE t (id BIGINT, usr STRING) WITH ('connector' = 'temp-table', 'table' = 'thirds');
        CREATE TABLE c (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'upsert-temp-table', 'table' = 'counts');
        INSERT INTO c SELECT usr, COUNT(*) FROM t GROUP BY usr;
        INSERT INTO results SELECT id, usr FROM t";
    let explain = project.path("sql/explain");
    let report = project.api.post(&explain, &json!({"sql": declared})).await.unwrap();
    assert_eq!(report["errors"], json!([]), "{report:#}");
    let slip = project.api.post(&explain, &json!({"sql": declared.replace("'thirds'", "'thrids'")})).await.unwrap();
    assert!(slip["errors"][0]["message"].as_str().unwrap().contains("did you mean 'thirds'"), "{slip:#}");

    let instances = project.api.get(&project.path("instances")).await.unwrap();
    for instance in instances["items"].as_array().unwrap() {
        let id = instance["id"].as_str().unwrap();
        project.stop_instance(id, false).await.unwrap();
        project.await_state(id, "stopped", 60).await.unwrap();
    }
    project.api.delete(&project.path("jobs/reader")).await.unwrap();
    project.api.delete(&table).await.unwrap();
    project.api.delete(&project.path("temp-tables/counts")).await.unwrap();
    assert_eq!(project.api.get(&project.path("temp-tables")).await.unwrap()["items"], Value::Array(Vec::new()));
}
