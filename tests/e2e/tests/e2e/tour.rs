//! The whole way over the API: tenant → project → data source → topic → plugin → job → validate → start → status and
//! metrics → savepoint → stop → start from the savepoint; the output is exact.

use crate::kafka;
use millrace_e2e::{Pipeline, PipelineOptions, Server, ServerOptions, until};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_empty_server_to_exact_output_through_a_savepoint() {
    let mut server = Server::start(ServerOptions::default()).await.unwrap();
    let api = server.api().unwrap();
    let mut pipeline = Pipeline::make(&api, &kafka(), PipelineOptions::default()).await.unwrap();
    let project = pipeline.project.clone();

    let report = project.test_data_source("kafka").await.unwrap();
    assert_eq!(report["reachable"], true, "{report}");
    let report = project.validate("purchases").await.unwrap();
    assert_eq!((&report["valid"], &report["errors"]), (&json!(true), &json!([])), "{report}");
    assert_eq!(report["schemas"]["filter"].as_array().map(Vec::len), Some(4), "the component's columns: {report}");

    pipeline.launch_fresh().await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 0..10_000, 2).unwrap();
    pipeline.await_output(10_000, 60).await.unwrap();

    // The counters tell the same story as the topics.
    until("metrics", 20, async || {
        let read = pipeline.metric("events", "numRecordsIn").await;
        if read == Some(10_000.0) { Ok(()) } else { Err(format!("numRecordsIn {read:?}")) }
    })
    .await
    .unwrap();
    let text = api.get("/metrics").await.unwrap();
    assert!(text.as_str().is_some_and(|t| t.contains("millrace_operator_numRecordsIn")), "Prometheus text: {text}");

    let savepoint = project.make_savepoint(&pipeline.instance).await.unwrap();
    // What comes between the savepoint and the stop is committed, and must not be repeated by the start from it: so
    // this start is from the savepoint of the stop, the other one is used by another instance below.
    pipeline.kafka.send_events(&pipeline.input, 10_000..15_000, 2).unwrap();
    pipeline.await_output(15_000, 60).await.unwrap();
    pipeline.stop_with_savepoint(60).await.unwrap();
    pipeline.kafka.send_events(&pipeline.input, 15_000..20_000, 2).unwrap();
    project.start_instance(&pipeline.instance, None).await.unwrap();
    pipeline.await_output(20_000, 60).await.unwrap();
    pipeline.stop_with_savepoint(60).await.unwrap();
    let expected = pipeline.check_output(20_000).unwrap();
    assert!(expected > 4_000);

    // Another instance goes back to the first savepoint and writes what came after it once more: that is what the
    // user asked for, and it is exactly that.
    let first_ten_thousand = pipeline.kafka.read_all(&pipeline.output).unwrap().len();
    pipeline.launch(json!({"from": "savepoint", "savepoint": savepoint}), json!({})).await.unwrap();
    let after: usize = (10_000..20_000).filter(|id| millrace_e2e::corpus::Event::new(*id).passes()).count();
    until("the rows after the savepoint again", 60, async || {
        let read = pipeline.kafka.read_all(&pipeline.output).map_err(|e| e.to_string())?.len();
        if read == first_ten_thousand + after { Ok(()) } else { Err(format!("{read} of {}", first_ten_thousand + after)) }
    })
    .await
    .unwrap();

    assert_eq!(server.open_to_others().unwrap(), Vec::<std::path::PathBuf>::new(), "the data folder is private");
    server.stop().await.unwrap();
}

/// A wrong graph, and the places that the answer must name.
#[tokio::test]
async fn wrong_graphs_are_refused_with_node_field_and_reason() {
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let pipeline = Pipeline::make(&server.api().unwrap(), &kafka(), PipelineOptions::default()).await.unwrap();
    let good = pipeline.graph();
    let changed = |pointer: &str, value: Value| {
        let mut graph = good.clone();
        *graph.pointer_mut(pointer).unwrap() = value;
        graph
    };
    let cases = [
        ("unknown kind", changed("/nodes/0/kind", json!("kafka_sourze")), "events", "kind", "kafka_sourze"),
        ("unknown topic", changed("/nodes/0/config/topic", json!("evnts")), "events", "config.topic", "evnts"),
        ("unknown plugin", changed("/nodes/1/config/plugin", json!("bench-filtre")), "filter", "config.plugin", "bench-filtre"),
        ("unknown setting", changed("/nodes/2/config", json!({"topic": "purchases", "delivry": "x"})), "purchases", "delivry", "delivry"),
        ("wrong type", changed("/nodes/2/config/delivery", json!(5)), "purchases", "config.delivery", "5"),
        (
            "columns that do not fit",
            changed("/nodes/2/config/topic", json!("dead")),
            "purchases",
            "config.topic",
            "`amt` is not in table `dead`",
        ),
        (
            "parallelism",
            changed("/nodes/1", json!({"id": "filter", "kind": "etl", "parallelism": 0, "config": {"plugin": "bench-filter"}})),
            "filter",
            "parallelism",
            "0",
        ),
    ];
    for (number, (what, graph, node, field, text)) in cases.into_iter().enumerate() {
        let job = format!("wrong-{number}");
        // A draft may be wrong while it is edited; a version may not.
        pipeline.project.make_job(&job, &graph).await.unwrap();
        let report = pipeline.project.validate(&job).await.unwrap();
        let errors = report["errors"].as_array().cloned().unwrap_or_default();
        let named = errors.iter().any(|e| {
            e["node"] == node
                && e["field"].as_str().unwrap_or_default().contains(field)
                && e.to_string().contains(text)
                && e["code"].as_str().is_some_and(|c| !c.is_empty())
        });
        assert!(report["valid"] == false && named, "{what}: {report}");
        let problem = pipeline.project.submit(&job).await.unwrap_err();
        assert_eq!((problem.status, problem.code()), (422, "graph.invalid"), "{what}: {problem}");
    }
}
