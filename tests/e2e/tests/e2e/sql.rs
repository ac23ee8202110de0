//! A query between two topics: metadata of the records as columns, the source's own event time as the watermark, an
//! option of the query that says where the source begins.

use crate::kafka;
use millrace_e2e::{Server, ServerOptions, corpus, unique, until};
use serde_json::{Value, json};

const QUERY: &str = "
CREATE TABLE events (
  id BIGINT,
  usr STRING,
  ts BIGINT,
  et AS TO_TIMESTAMP_LTZ(ts, 3),
  `partition` INT METADATA VIRTUAL,
  place STRING METADATA FROM 'offset' VIRTUAL,
  kind STRING METADATA FROM 'timestamp-type' VIRTUAL,
  WATERMARK FOR et AS SOURCE_WATERMARK()
) WITH ('connector' = 'kafka', 'format' = 'json');
SELECT id, `partition`, place, kind FROM events /*+ OPTIONS('scan.startup.mode' = 'earliest-offset') */ WHERE id BETWEEN 995 AND 1004";

fn graph(sql: &str) -> Value {
    json!({
        "nodes": [
            {"id": "events", "kind": "kafka_source", "config": {"topic": "events", "event_time_field": "ts", "start": "latest"}},
            {"id": "query", "kind": "sql", "config": {"sql": sql}},
            {"id": "places", "kind": "kafka_sink", "config": {"topic": "places"}},
        ],
        "edges": [{"from": "events", "to": "query"}, {"from": "query", "to": "places"}],
        "parameters": {"parallelism": 2, "checkpoint_interval_ms": 200, "time_attribute": "event_time"},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_reads_metadata_and_says_where_to_begin() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let (api, kafka, name) = (server.api().unwrap(), kafka(), unique("sql"));
    let (input, output) = (format!("{name}-in"), format!("{name}-out"));
    kafka.create_topic(&input, 2).await.unwrap();
    kafka.create_topic(&output, 1).await.unwrap();
    let project = api.make_project(&name).await.unwrap();
    project.make_kafka("kafka", kafka.bootstrap()).await.unwrap();
    project.make_topic("events", &input, &corpus::input_columns()).await.unwrap();
    let columns = json!([
        {"name": "id", "type": "BIGINT"}, {"name": "partition", "type": "INT"},
        {"name": "place", "type": "STRING"}, {"name": "kind", "type": "STRING"},
    ]);
    project.make_topic("places", &output, &columns).await.unwrap();
    // They are there before the job starts: only the query's option makes the source read them.
    kafka.send_events(&input, 990..1_010, 2).unwrap();

    let wrong = graph(&QUERY.replace("'offset'", "'ofset'"));
    project.make_job("wrong", &wrong).await.unwrap();
    let report = project.validate("wrong").await.unwrap();
    let message = "the source of `events` has no metadata `ofset`; did you mean `offset`? Write `METADATA FROM 'offset'`";
    let error = json!({"node": "query", "field": "config.sql", "code": "sql.unknown_metadata", "line": 8, "column": 3, "message": message});
    assert_eq!(report["errors"], json!([error]), "{report}");

    project.make_job("query", &graph(QUERY)).await.unwrap();
    project.submit("query").await.unwrap();
    let instance = project.make_instance("query", &json!({"from": "fresh"}), &json!({})).await.unwrap();
    project.start_instance(&instance, None).await.unwrap();
    let rows = until("ten rows", 60, async || {
        let rows = kafka.read_all(&output).map_err(|e| e.to_string())?;
        if rows.len() == 10 { Ok(rows) } else { Err(format!("{} rows", rows.len())) }
    });
    let mut rows: Vec<Value> = rows.await.unwrap().iter().map(|r| r.json().unwrap()).collect();
    rows.sort_by_key(|row| row["id"].as_u64());
    // A thousand events in a row lie in one partition.
    let place = |id: u64| if id < 1_000 { id - 990 } else { id - 1_000 };
    let row = |id: u64| json!({"id": id, "partition": id / 1_000, "place": place(id).to_string(), "kind": "CreateTime"});
    assert_eq!(rows, (995..1_005).map(row).collect::<Vec<Value>>());
}
