//! Resources, their contents, who uses them, and the storage quota (EXT-5).

use super::{Fixture, ann, cases_definition::everything, name};
use crate::{
    Content, NewJob, NewJobVersion, NewPluginVersion, NewResourceVersion, PIECE_BYTES, PageRequest, Resource, ResourceFilter, Store,
    StoreError,
};
use millrace_domain::{ProjectScope, Quota, ResourceKind};
use serde_json::json;

pub(super) async fn push(store: &Store, scope: &ProjectScope, of: &str, hash: &str, mut bytes: &[u8]) -> Result<Resource, StoreError> {
    let content = Content { hash: hash.to_owned(), size_bytes: bytes.len() as i64, bytes: &mut bytes };
    let new = NewResourceVersion {
        name: name(of),
        kind: ResourceKind::DataPackage,
        description: None,
        detail: json!({"format": "csv"}),
        preview: json!([{"a": 1}]),
        content,
    };
    store.add_resource_version(&ann(), scope, new).await
}

async fn used(store: &Store, scope: &ProjectScope) -> i64 {
    store.quotas(&scope.tenant).await.unwrap()[0].used
}

pub(super) async fn contents_are_kept_once_in_pieces(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let other = fixture.project("acme", "shop").await;
    let large: Vec<u8> = (0..PIECE_BYTES * 2 + 17).map(|n| (n % 251) as u8).collect();
    let made = push(store, &scope, "rows", "h1", &large).await.unwrap();
    assert_eq!((made.latest.number, made.latest.size_bytes, made.latest.detail["format"].as_str()), (1, large.len() as i64, Some("csv")));
    assert_eq!(push(store, &scope, "rows", "h1", &large).await.unwrap().latest.number, 1, "the same content adds nothing");
    push(store, &other, "again", "h1", &large).await.unwrap();
    assert_eq!(used(store, &scope).await, large.len() as i64, "the same bytes count once");
    assert!(store.component(&scope.tenant, "h1").await.unwrap() == large);
    assert_eq!(store.content_piece(&scope.tenant, "h1", 2).await.unwrap().unwrap().len(), 17);
    assert_eq!(store.content_piece(&scope.tenant, "h1", 3).await.unwrap(), None);
    assert_eq!(push(store, &scope, "rows", "h2", b"a,b").await.unwrap().latest.number, 2);
    let (first, preview) = store.resource_version(&scope, &made.id, "1").await.unwrap();
    assert_eq!((first.content_hash.as_str(), preview), ("h1", json!([{"a": 1}])));
    assert_eq!(store.resource_version(&scope, &made.id, "latest").await.unwrap().0.number, 2);
    for wrong in ["3", "0", "-1", "x"] {
        assert!(matches!(store.resource_version(&scope, &made.id, wrong).await, Err(StoreError::NotFound { .. })), "{wrong}");
    }
    assert_eq!(store.resource_versions(&scope, &made.id).await.unwrap().len(), 2);
    let liar = Content { hash: "h3".into(), size_bytes: 9, bytes: &mut b"four".as_slice() };
    let new = NewResourceVersion {
        name: name("liar"),
        kind: ResourceKind::Jar,
        description: None,
        detail: json!({}),
        preview: json!([]),
        content: liar,
    };
    assert!(matches!(store.add_resource_version(&ann(), &scope, new).await, Err(StoreError::Corrupt(_))));
    assert!(store.resource(&scope, "liar").await.is_err(), "nothing is left of it");
}

pub(super) async fn resources_are_filtered_and_keep_their_kind(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    for (of, hash) in [("clicks_may", "h1"), ("clicks-june", "h2"), ("orders", "h3")] {
        push(store, &scope, of, hash, hash.as_bytes()).await.unwrap();
    }
    let names = async |kind: Option<ResourceKind>, part: &str| {
        let filter = ResourceFilter { kind, name: Some(part.to_owned()) };
        let page = store.resources(&scope, &filter, &PageRequest::default()).await.unwrap();
        page.items.iter().map(|r| r.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(None, "clicks").await, ["clicks-june", "clicks_may"]);
    assert_eq!(names(None, "s_m").await, ["clicks_may"]);
    assert_eq!(names(None, "%").await.len(), 3);
    assert_eq!(names(Some(ResourceKind::Jar), "").await, Vec::<String>::new());
    let content = Content { hash: "h4".into(), size_bytes: 3, bytes: &mut b"jar".as_slice() };
    let new = NewResourceVersion {
        name: name("orders"),
        kind: ResourceKind::Jar,
        description: None,
        detail: json!({}),
        preview: json!([]),
        content,
    };
    let mixed = store.add_resource_version(&ann(), &scope, new).await.unwrap_err().to_string();
    assert_eq!(mixed, "content: resource `orders` holds a data_package, but the content is a jar; choose another name");
}

pub(super) async fn a_quota_says_what_was_wanted(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    assert_eq!(store.quotas(&scope.tenant).await.unwrap()[0].allowed, Quota::StorageBytes.default_allowed());
    store.set_quota(&ann(), &scope.tenant, Quota::StorageBytes, 10).await.unwrap();
    push(store, &scope, "a", "h1", b"123456").await.unwrap();
    let refused = push(store, &scope, "b", "h2", b"12345").await.unwrap_err();
    assert!(matches!(refused, StoreError::QuotaExceeded { used: 6, wanted: 5, allowed: 10, .. }), "{refused}");
    assert!(refused.to_string().starts_with("quota `storage_bytes`: the tenant uses 6, wants 5 more and may have 10"), "{refused}");
    assert!(store.resource(&scope, "b").await.is_err());
    push(store, &scope, "b", "h1", b"123456").await.unwrap();
    let plugin = NewPluginVersion {
        name: name("clean"),
        description: None,
        content_hash: "h3".into(),
        world: "etl-operator".into(),
        wit_version: "0.1.0".into(),
        component: b"component",
        presentation: Default::default(),
    };
    let refused = store.add_plugin_version(&ann(), &scope, &plugin).await;
    assert!(matches!(refused, Err(StoreError::QuotaExceeded { wanted: 9, .. })), "plugins count too");
    let elsewhere = fixture.project("bolt", "web").await;
    push(store, &elsewhere, "b", "h2", b"12345678901").await.unwrap();
    let set = store.set_quota(&ann(), &scope.tenant, Quota::StorageBytes, 20).await.unwrap();
    assert_eq!((set.used, set.allowed), (6, 20));
    store.add_plugin_version(&ann(), &scope, &plugin).await.unwrap();
    assert!(store.set_quota(&ann(), &scope.tenant, Quota::StorageBytes, -1).await.is_err());
}

pub(super) async fn a_resource_in_use_stays_and_its_users_are_named(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let component = push(store, &scope, "as-resource", &made.content_hash, b"component").await.unwrap();
    let free = push(store, &scope, "free", "h9", b"nine bytes").await.unwrap();
    let before = used(store, &scope).await;
    let pins =
        json!({"op": {"plugin": "clean", "version": "1", "content_hash": made.content_hash}, "n": {"functions": [{"content_hash": "h9"}]}});
    let draft = serde_json::from_value(json!({"nodes": []})).unwrap();
    let new = NewJob { name: name("user"), folder: "".parse().unwrap(), description: String::new(), draft };
    let job = store.create_job(&ann(), &scope, &new).await.unwrap();
    let version =
        |hash: &str, pins| NewJobVersion { graph: new.draft.clone(), pins, content_hash: hash.into(), description: String::new() };
    store.add_job_version(&ann(), &scope, &job.id, &version("v1", pins)).await.unwrap();
    let gone = store.add_job_version(&ann(), &scope, &job.id, &version("v2", json!({"op": {"content_hash": "nowhere"}}))).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "component", .. })), "{gone:?}");

    let uses = store.resource_uses(&scope, &component.id).await.unwrap();
    let names: Vec<_> = uses.iter().map(|u| format!("{} {}", u.kind, u.name)).collect();
    assert_eq!(names, ["job user version 1", "plugin clean version 1"]);
    let refused = store.delete_resource(&ann(), &scope, &component.id).await.unwrap_err().to_string();
    assert!(refused.ends_with("is in use: job `user version 1`, plugin `clean version 1`"), "{refused}");
    let refused = store.delete_resource(&ann(), &scope, &free.id).await.unwrap_err().to_string();
    assert!(refused.ends_with("is in use: job `user version 1`"), "{refused}");

    // In another project the same bytes are nobody's, and removing the resource there leaves the bytes to their users.
    let other = fixture.project("acme", "shop").await;
    let twin = push(store, &other, "twin", "h9", b"nine bytes").await.unwrap();
    let unused = push(store, &other, "unused", "h8", b"eight byte").await.unwrap();
    assert_eq!(store.resource_uses(&other, &twin.id).await.unwrap(), []);
    store.delete_resource(&ann(), &other, &twin.id).await.unwrap();
    store.delete_resource(&ann(), &other, &unused.id).await.unwrap();
    assert_eq!(used(store, &scope).await, before);
    assert_eq!(store.component(&scope.tenant, "h9").await.unwrap(), b"nine bytes");
    assert!(matches!(store.component(&scope.tenant, "h8").await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.delete_resource(&ann(), &other, &unused.id).await, Err(StoreError::NotFound { .. })));
}
