//! Data sources, topics, plugins, jobs and versions.

use super::{Fixture, ann, name};
use crate::{
    DataSourceChange, JobChange, JobFilter, NewDataSource, NewInstance, NewJob, NewJobVersion, NewPluginVersion, NewTopic, PageRequest,
    StartFrom, Store, StoreError, TopicChange,
};
use millrace_domain::ProjectScope;
use millrace_model::{
    DataType, Field, Schema,
    graph::JobGraph,
    ids::{DataSourceId, InstanceId, JobId, TopicId, VersionId},
};
use serde_json::json;
use std::collections::BTreeMap;

/// One of each.
pub(super) struct Everything {
    pub source: DataSourceId,
    pub topic: TopicId,
    pub content_hash: String,
    pub job: JobId,
    pub version: VersionId,
    pub instance: InstanceId,
}

pub(super) async fn everything(store: &Store, scope: &ProjectScope) -> Everything {
    let source = store.create_data_source(&ann(), scope, &source("broker")).await.unwrap().id;
    let new = NewTopic { name: name("clicks"), database: None, settings: settings(&source) };
    let topic = store.create_topic(&ann(), scope, &new).await.unwrap().id;
    let content_hash = "c0ffee".to_owned();
    store.add_plugin_version(&ann(), scope, &upload("clean", &content_hash, b"component")).await.unwrap();
    let job = store.create_job(&ann(), scope, &new_job("clean-clicks")).await.unwrap().id;
    let version = store.add_job_version(&ann(), scope, &job, &new_version("h1")).await.unwrap().id;
    let new = NewInstance {
        job: job.clone(),
        version: version.clone(),
        start: StartFrom::Fresh,
        parameters: BTreeMap::new(),
        restart: None,
        production: None,
    };
    let instance = store.create_instance(&ann(), scope, &new).await.unwrap().id;
    Everything { source, topic, content_hash, job, version, instance }
}

fn source(of: &str) -> NewDataSource {
    let properties = [("bootstrap.servers", "localhost:9092"), ("sasl.password", "hunter2")];
    NewDataSource {
        name: name(of),
        kind: "kafka".into(),
        description: "the broker".into(),
        properties: properties.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn settings(source: &DataSourceId) -> TopicChange {
    TopicChange {
        physical_name: "web.clicks".into(),
        data_source: Some(source.clone()),
        description: "page views".into(),
        schema: Schema::new(vec![Field::new("url", DataType::String, true)]).unwrap(),
        format: json!({"type": "json"}),
        expected_revision: None,
    }
}

fn upload<'a>(of: &str, content_hash: &str, component: &'a [u8]) -> NewPluginVersion<'a> {
    NewPluginVersion {
        name: name(of),
        description: None,
        content_hash: content_hash.to_owned(),
        world: "etl-operator".into(),
        wit_version: "0.1.0".into(),
        component,
        presentation: Default::default(),
    }
}

fn graph(kind: &str) -> JobGraph {
    serde_json::from_value(json!({"nodes": [{"id": "a", "kind": kind}]})).unwrap()
}

fn new_job(of: &str) -> NewJob {
    NewJob { name: name(of), folder: "web/clean".parse().unwrap(), description: String::new(), draft: graph("kafka_source") }
}

fn new_version(content_hash: &str) -> NewJobVersion {
    NewJobVersion { graph: graph("etl"), pins: json!({"plugins": {}}), content_hash: content_hash.into(), description: "first".into() }
}

pub(super) async fn secrets_are_sealed_and_redacted(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = store.create_data_source(&ann(), &scope, &source("broker")).await.unwrap();
    assert_eq!(made.properties["sasl.password"], "***");
    assert_eq!(made.properties["bootstrap.servers"], "localhost:9092");
    assert_eq!(store.connection(&scope, "broker").await.unwrap().properties["sasl.password"], "hunter2");
    let row = sqlx::query("SELECT properties, secrets FROM data_sources").fetch_one(&store.pool).await.unwrap();
    let stored = crate::row::text(&row, "properties").unwrap() + &crate::row::text(&row, "secrets").unwrap();
    assert!(!stored.contains("hunter2"), "{stored}");

    let mut change = DataSourceChange { description: "moved".into(), properties: made.properties.clone(), expected_revision: Some(1) };
    change.properties.insert("bootstrap.servers".into(), "other:9092".into());
    change.properties.insert("sasl.password".into(), "hunter3".into());
    let changed = store.change_data_source(&ann(), &scope, &made.id, &change).await.unwrap();
    assert_eq!((changed.revision, changed.description.as_str()), (2, "moved"));
    let connection = store.connection(&scope, made.id.as_str()).await.unwrap();
    assert_eq!(connection.properties["sasl.password"], "hunter3");
    assert_eq!(connection.properties["bootstrap.servers"], "other:9092");
    assert!(!format!("{connection:?}").contains("hunter3"));

    let lost = store.change_data_source(&ann(), &scope, &made.id, &change).await.unwrap_err();
    assert!(matches!(lost, StoreError::RevisionConflict { expected: 1, found: 2, .. }), "{lost}");
}

pub(super) async fn a_data_source_in_use_stays(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let used = store.delete_data_source(&ann(), &scope, &made.source).await.unwrap_err().to_string();
    assert!(used.ends_with("is in use: topic `clicks` is bound to it; remove the topic first"), "{used}");
    store.delete_topic(&ann(), &scope, &made.topic).await.unwrap();
    store.delete_data_source(&ann(), &scope, &made.source).await.unwrap();
    assert!(matches!(store.data_source(&scope, "broker").await, Err(StoreError::NotFound { .. })));
    let gone = store.delete_data_source(&ann(), &scope, &made.source).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

pub(super) async fn topics_change_by_revision(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let found = store.topic(&scope, "clicks").await.unwrap();
    assert_eq!((found.id.clone(), found.physical_name.as_str(), found.revision), (made.topic.clone(), "web.clicks", 1));
    assert_eq!(found.schema, settings(&made.source).schema);
    let mut change = TopicChange { physical_name: "clicks-2".into(), expected_revision: Some(1), ..settings(&made.source) };
    let changed = store.change_topic(&ann(), &scope, &made.topic, &change).await.unwrap();
    assert_eq!((changed.revision, changed.physical_name.as_str()), (2, "clicks-2"));
    let lost = store.change_topic(&ann(), &scope, &made.topic, &change).await.unwrap_err();
    assert!(matches!(lost, StoreError::RevisionConflict { expected: 1, found: 2, .. }), "{lost}");

    let elsewhere = fixture.project("bolt", "web").await;
    let foreign = store.create_data_source(&ann(), &elsewhere, &source("broker")).await.unwrap().id;
    change.data_source = Some(foreign.clone());
    change.expected_revision = None;
    let crossed = store.change_topic(&ann(), &scope, &made.topic, &change).await.unwrap_err();
    assert!(matches!(crossed, StoreError::NotFound { what: "data source", .. }), "{crossed}");
    let new = NewTopic { name: name("other"), database: None, settings: settings(&foreign) };
    let crossed = store.create_topic(&ann(), &scope, &new).await.unwrap_err();
    assert!(matches!(crossed, StoreError::NotFound { what: "data source", .. }), "{crossed}");
}

pub(super) async fn uploading_the_same_component_again_adds_nothing(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    for (hash, component, number) in [("h1", b"one", 1), ("h1", b"one", 1), ("h2", b"two", 2), ("h1", b"one", 3)] {
        let plugin = store.add_plugin_version(&ann(), &scope, &upload("clean", hash, component)).await.unwrap();
        assert_eq!((plugin.latest.number, plugin.latest.content_hash.as_str()), (number, hash));
    }
    let plugin = store.plugin(&scope, "clean").await.unwrap();
    let numbers: Vec<_> = store.plugin_versions(&scope, &plugin.id).await.unwrap().iter().map(|v| v.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let mut described = upload("clean", "h1", b"one");
    described.description = Some("cleans clicks".into());
    assert_eq!(store.add_plugin_version(&ann(), &scope, &described).await.unwrap().description, "cleans clicks");
    assert_eq!(store.add_plugin_version(&ann(), &scope, &upload("clean", "h1", b"one")).await.unwrap().description, "cleans clicks");
    store.add_plugin_version(&ann(), &scope, &upload("other", "h1", b"one")).await.unwrap();
    let names: Vec<_> = store.plugins(&scope, &PageRequest::default()).await.unwrap().items.iter().map(|p| p.name.to_string()).collect();
    assert_eq!(names, ["other", "clean"]);
}

pub(super) async fn a_plugin_that_nobody_uses_goes_with_its_contents(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, other) = (fixture.project("acme", "web").await, fixture.project("acme", "shop").await);
    for (hash, component) in [("h1", b"one"), ("h2", b"two"), ("h3", b"six")] {
        store.add_plugin_version(&ann(), &scope, &upload("clean", hash, component)).await.unwrap();
    }
    let plugin = store.plugin(&scope, "clean").await.unwrap().id;
    let job = store.create_job(&ann(), &scope, &new_job("user")).await.unwrap();
    let pins = json!({"op": {"plugin": "clean", "version": "2", "content_hash": "h2"}});
    store.add_job_version(&ann(), &scope, &job.id, &NewJobVersion { pins, ..new_version("v1") }).await.unwrap();
    let uses = store.plugin_uses(&scope, &plugin).await.unwrap();
    assert_eq!(uses.iter().map(|u| format!("{} {}", u.kind, u.name)).collect::<Vec<_>>(), ["job user version 1"]);
    let refused = store.delete_plugin(&ann(), &scope, &plugin).await.unwrap_err().to_string();
    assert!(refused.ends_with("is in use: job `user version 1`"), "{refused}");
    let refused = store.delete_plugin_version(&ann(), &scope, &plugin, 2).await.unwrap_err().to_string();
    assert_eq!(refused, "plugin version `2` is in use: job `user version 1`");
    let refused = store.delete_plugin_version(&ann(), &scope, &plugin, 3).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { code: "plugin.newest_version", .. }), "{refused}");
    for (place, number) in [(&scope, 9), (&other, 1)] {
        let missing = store.delete_plugin_version(&ann(), place, &plugin, number).await.unwrap_err();
        assert!(matches!(missing, StoreError::NotFound { what: "version", .. }), "{missing}");
    }
    assert!(matches!(store.delete_plugin(&ann(), &other, &plugin).await, Err(StoreError::NotFound { what: "plugin", .. })));

    store.delete_plugin_version(&ann(), &scope, &plugin, 1).await.unwrap();
    assert!(store.component(&scope.tenant, "h1").await.is_err(), "nobody needs it any more");
    let numbers: Vec<_> = store.plugin_versions(&scope, &plugin).await.unwrap().iter().map(|v| v.number).collect();
    assert_eq!(numbers, [3, 2]);
    let free = store.add_plugin_version(&ann(), &scope, &upload("free", "h4", b"four")).await.unwrap().id;
    store.delete_plugin(&ann(), &scope, &free).await.unwrap();
    assert!(matches!(store.plugin(&scope, "free").await, Err(StoreError::NotFound { .. })));
    assert!(store.component(&scope.tenant, "h4").await.is_err());
    let again = store.add_plugin_version(&ann(), &scope, &upload("free", "h4", b"four")).await.unwrap();
    assert_eq!(again.latest.number, 1, "a new plugin of the name");
}

pub(super) async fn drafts_are_never_overwritten_unseen(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let job = store.create_job(&ann(), &scope, &new_job("clean")).await.unwrap();
    let change = |kind: &str, expected_revision| JobChange {
        folder: "moved".parse().unwrap(),
        description: "d".into(),
        draft: graph(kind),
        expected_revision,
    };
    let changed = store.change_job(&ann(), &scope, &job.id, &change("x", 1)).await.unwrap();
    assert_eq!((changed.revision, changed.draft.nodes[0].kind.as_str()), (2, "x"));
    let lost = store.change_job(&ann(), &scope, &job.id, &change("y", 1)).await.unwrap_err();
    assert!(matches!(lost, StoreError::RevisionConflict { expected: 1, found: 2, .. }), "{lost}");
    assert_eq!(store.job(&scope, "clean").await.unwrap().draft.nodes[0].kind, "x");
    let filter = JobFilter { folder: Some("moved".parse().unwrap()), ..JobFilter::default() };
    assert_eq!(store.jobs(&scope, &filter, &PageRequest::default()).await.unwrap().items.len(), 1);
    let filter = JobFilter { folder: Some("web".parse().unwrap()), ..JobFilter::default() };
    assert!(store.jobs(&scope, &filter, &PageRequest::default()).await.unwrap().items.is_empty());
    store.delete_job(&ann(), &scope, &job.id).await.unwrap();
    assert!(store.job(&scope, "clean").await.is_err());
    assert!(store.change_job(&ann(), &scope, &job.id, &change("z", 2)).await.is_err());
    let again = store.create_job(&ann(), &scope, &new_job("clean")).await.unwrap();
    assert_ne!(again.id, job.id, "the name is free again");
}

pub(super) async fn versions_are_numbered_and_immutable(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let same = store.add_job_version(&ann(), &scope, &made.job, &new_version("h1")).await.unwrap();
    assert_eq!((same.id, same.number), (made.version.clone(), 1), "nothing has changed, so nothing is added");
    let second = store.add_job_version(&ann(), &scope, &made.job, &new_version("h2")).await.unwrap();
    assert_eq!(second.number, 2);
    for asked in ["2", second.id.as_str()] {
        assert_eq!(store.job_version(&scope, &made.job, asked).await.unwrap(), second);
    }
    assert!(store.job_version(&scope, &made.job, "3").await.is_err());
    let numbers: Vec<_> =
        store.job_versions(&scope, &made.job, &PageRequest::default()).await.unwrap().items.iter().map(|v| v.number).collect();
    assert_eq!(numbers, [2, 1]);
}
