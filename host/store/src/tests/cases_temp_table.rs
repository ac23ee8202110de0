//! Temp tables (TMP-1): where they lie, who uses them, when they may go.

use super::{Fixture, ann, name};
use crate::{
    ForeignUses, InstanceRequest, NewDataSource, NewInstance, NewJob, NewJobVersion, NewTempTable, PageRequest, StartFrom, Store,
    StoreError, TableViewer, TempTable, TempTableChange, TempTableSettings,
};
use millrace_domain::{
    Environment, ProjectScope,
    permission::{Grantee, Permit, RevocationPolicy, TablePermission},
    table_use::table_uses,
    temp_table::TableUseDirection,
};
use millrace_model::{graph::JobGraph, ids::TopicId};
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

/// `risk.sums`, in a project that keeps its temp tables on a broker.
async fn sums(store: &Store, scope: &ProjectScope) -> TempTable {
    let source = NewDataSource { name: name("broker"), kind: "kafka".into(), description: String::new(), properties: [].into() };
    let source = store.create_data_source(&ann(), scope, &source).await.unwrap();
    let settings = TempTableSettings { data_source: source.id, partitions: 1, replication_factor: 1, retention_ms: 600_000 };
    store.set_temp_table_settings(&ann(), scope, &settings).await.unwrap();
    store.create_temp_table(&ann(), scope, &new("sums")).await.unwrap()
}

pub async fn other_projects_read_a_temp_table_with_permission(fixture: Fixture) {
    let store = &fixture.store;
    let (risk, shop) = (fixture.project("acme", "risk").await, fixture.project("acme", "shop").await);
    let made = sums(store, &risk).await;
    let id = TopicId::new(made.id.as_str());
    let viewer = TableViewer { scope: shop.clone(), environment: Environment::Production, person: Some("usr_ann".into()) };
    let found = async |permission| store.resolve_table(&viewer, "risk.sums", Some(permission)).await;
    let refused = found(TablePermission::Select).await.unwrap_err();
    assert!(matches!(refused, StoreError::Forbidden { code: "permission.missing", .. }), "{refused}");
    let permit =
        Permit { grantee: Grantee::Project(shop.project.clone()), permission: TablePermission::Select, column: None, expires_at_ms: None };
    let given = store.set_table_grants(&ann(), (&risk, &id), &[permit]).await.unwrap();
    let seen = found(TablePermission::Select).await.unwrap();
    assert_eq!((seen.name.as_str(), seen.is_temp, seen.physical_name), ("risk.sums", true, made.physical_name.clone()));
    assert!(found(TablePermission::Insert).await.is_err(), "reading does not allow writing");
    let listed = store.grants_to(&risk.tenant, &Grantee::Project(shop.project.clone()), &PageRequest::default()).await.unwrap().items;
    assert_eq!(listed[0].table_name, "risk.sums");
    assert_eq!(store.shared_table(&risk.tenant, "risk.sums").await.unwrap().0.id(), id);

    // A reader in another project is a reader: it is named, and the table stays for it. A dimension table is one too.
    let graph: JobGraph = serde_json::from_value(json!({
        "nodes": [{"id": "in", "kind": "temp_table_source", "config": {"table": "risk.sums"}}],
        "dimension_tables": [{"name": "d", "table": "risk.sums", "primary_key": ["a"]}],
    }))
    .unwrap();
    let job = NewJob { name: name("reader"), folder: "".parse().unwrap(), description: String::new(), draft: graph.clone() };
    let job = store.create_job(&ann(), &shop, &job).await.unwrap();
    let version = NewJobVersion { graph: graph.clone(), pins: json!({}), content_hash: "a".into(), description: String::new() };
    store.add_job_version(&ann(), &shop, &job.id, &version).await.unwrap();
    let uses = store.temp_table_uses(&risk, &made.id).await.unwrap();
    assert_eq!((uses.len(), uses[0].project.1.as_str(), uses[0].direction), (1, "shop", TableUseDirection::Read));
    assert!(matches!(store.delete_temp_table(&ann(), &risk, &made.id).await, Err(StoreError::InUse { .. })));

    // Taken away: running readers are refused, as the table says.
    let uses = ForeignUses { viewer: viewer.clone(), uses: table_uses(&graph, &json!({})) };
    assert_eq!(store.refused_uses(&uses).await.unwrap(), []);
    store.set_table_access(&ann(), (&risk, &id), &[], RevocationPolicy::NextStart).await.unwrap();
    store.revoke_table_grant(&ann(), (&risk, &id), &given[0].id).await.unwrap();
    let refused = store.refused_uses(&uses).await.unwrap();
    assert_eq!((refused[0].table.as_str(), refused[0].policy), ("risk.sums", RevocationPolicy::NextStart));

    // What was permitted goes with the table.
    store.set_table_access(&ann(), (&risk, &id), &[TablePermission::Select], RevocationPolicy::NextStart).await.unwrap();
    store.delete_job(&ann(), &shop, &job.id).await.unwrap();
    store.delete_temp_table(&ann(), &risk, &made.id).await.unwrap();
    assert_eq!(store.table_grants(&risk, &id).await.unwrap(), []);
    let permit = Permit { grantee: Grantee::Everyone, permission: TablePermission::Select, column: None, expires_at_ms: None };
    let gone = store.set_table_grants(&ann(), (&risk, &id), &[permit]).await;
    assert!(matches!(gone, Err(StoreError::Conflict { code: "permission.no_table", .. })), "{gone:?}");
}
