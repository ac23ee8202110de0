//! Temp tables (TMP-1): where they lie, who uses them, when they may go.

use super::{Fixture, ann, name};
use crate::{
    InstanceRequest, NewDataSource, NewInstance, NewJob, NewJobVersion, NewTempTable, PageRequest, StartFrom, StoreError, TempTableChange,
    TempTableSettings,
};
use millrace_domain::temp_table::TableUseDirection;
use millrace_model::graph::JobGraph;
use serde_json::json;

fn new(text: &str) -> NewTempTable {
    let schema = serde_json::from_value(json!([{"name": "a", "type": "INT"}])).unwrap();
    NewTempTable { name: name(text), description: String::new(), schema, retention_ms: None }
}

pub async fn a_temp_table_that_is_read_stays(fixture: Fixture) {
    let (store, scope) = (&fixture.store, fixture.project("acme", "web").await);
    let early = store.create_temp_table(&ann(), &scope, &new("sums")).await.unwrap_err();
    assert!(early.to_string().contains("has not said where it keeps temp tables"), "{early}");
    let source = NewDataSource {
        name: name("broker"),
        kind: "kafka".into(),
        description: String::new(),
        properties: [("bootstrap.servers".to_owned(), "localhost:9092".to_owned())].into(),
    };
    let source = store.create_data_source(&ann(), &scope, &source).await.unwrap();
    let settings = TempTableSettings { data_source: source.id.clone(), partitions: 2, replication_factor: 1, retention_ms: 600_000 };
    store.set_temp_table_settings(&ann(), &scope, &settings).await.unwrap();
    assert_eq!(store.temp_table_settings(&scope).await.unwrap(), Some(settings.clone()));
    let other = fixture.project("acme", "other").await;
    assert!(matches!(store.set_temp_table_settings(&ann(), &other, &settings).await, Err(StoreError::NotFound { .. })));

    let made = store.create_temp_table(&ann(), &scope, &new("sums")).await.unwrap();
    assert!(made.physical_name.starts_with("millrace.temp.acme.web.sums."), "{}", made.physical_name);
    assert_eq!((made.retention_ms, made.owner_name.as_str()), (600_000, "ann"));
    assert!(matches!(store.create_temp_table(&ann(), &scope, &new("sums")).await, Err(StoreError::AlreadyExists { .. })));
    assert!(matches!(store.temp_table(&other, "sums").await, Err(StoreError::NotFound { .. })));

    let graph: JobGraph = serde_json::from_value(json!({"nodes": [
        {"id": "in", "kind": "temp_table_source", "config": {"table": "sums"}},
        {"id": "out", "kind": "temp_table_sink", "config": {"table": "unknown"}},
    ]}))
    .unwrap();
    let job = NewJob { name: name("reader"), folder: "".parse().unwrap(), description: String::new(), draft: graph.clone() };
    let job = store.create_job(&ann(), &scope, &job).await.unwrap();
    let version = |graph: &JobGraph, hash: &str| NewJobVersion {
        graph: graph.clone(),
        pins: json!({}),
        content_hash: hash.into(),
        description: String::new(),
    };
    let first = store.add_job_version(&ann(), &scope, &job.id, &version(&graph, "a")).await.unwrap();
    let uses = store.temp_table_uses(&scope, &made.id).await.unwrap();
    assert_eq!(uses.len(), 1);
    assert_eq!((uses[0].job_name.as_str(), uses[0].direction, uses[0].is_current), ("reader", TableUseDirection::Read, true));
    let kept = store.delete_temp_table(&ann(), &scope, &made.id).await.unwrap_err().to_string();
    assert!(kept.contains("job `reader` version 1"), "{kept}");

    // A newer version does not read it, but the old one runs.
    let instance = NewInstance {
        job: job.id.clone(),
        version: first.id,
        start: StartFrom::Fresh,
        parameters: Default::default(),
        restart: None,
        production: None,
    };
    let instance = store.create_instance(&ann(), &scope, &instance).await.unwrap();
    store.request_instance(&ann(), &scope, &instance.id, &InstanceRequest::Start { from: None, parameters: None }).await.unwrap();
    let empty: JobGraph = serde_json::from_value(json!({"nodes": []})).unwrap();
    store.add_job_version(&ann(), &scope, &job.id, &version(&empty, "b")).await.unwrap();
    let uses = store.temp_table_uses(&scope, &made.id).await.unwrap();
    assert_eq!((uses[0].version, uses[0].is_current, uses[0].is_active), (1, false, true));
    assert!(store.delete_temp_table(&ann(), &scope, &made.id).await.is_err());
    store.request_instance(&ann(), &scope, &instance.id, &InstanceRequest::Stop { with_savepoint: false }).await.unwrap();

    let change = TempTableChange { description: "sums".into(), retention_ms: 900_000, expected_revision: Some(1) };
    assert_eq!(store.change_temp_table(&ann(), &scope, &made.id, &change).await.unwrap().retention_ms, 900_000);
    assert!(matches!(store.change_temp_table(&ann(), &scope, &made.id, &change).await, Err(StoreError::RevisionConflict { .. })));
    let second = store.create_temp_table(&ann(), &scope, &new("more")).await.unwrap();
    let listed = store.temp_tables(&scope, &PageRequest::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["more", "sums"]);
    store.delete_temp_table(&ann(), &scope, &second.id).await.unwrap();
    assert!(matches!(store.temp_table(&scope, "more").await, Err(StoreError::NotFound { .. })));
}
