//! Builds: they end once, are reused within their project only, and go when there are too many.

use super::{Fixture, ann, name};
use crate::{
    BUILDS_KEPT, BUILT_COMPONENTS_KEPT, BuildEnding, BuildState, FunctionChange, FunctionScope, NewBuild, NewFunctionVersion, PageRequest,
    StoreError,
};
use millrace_domain::{ProjectScope, Quota, function::FunctionState};
use serde_json::json;
use std::collections::BTreeMap;

fn new() -> NewBuild {
    let (world, language) = ("etl-operator".to_owned(), "java".to_owned());
    NewBuild { world, language, class: Some("acme.Clean".into()), template: None, plugin: Some(name("clean")), worker: "w1".into() }
}

fn ending(hash: &str) -> BuildEnding {
    BuildEnding {
        request_hash: Some(hash.into()),
        diagnostics: json!([{"message": "careful"}]),
        component: Some(("c0ffee".into(), b"\0asm".to_vec())),
        ..BuildEnding::default()
    }
}

pub(super) async fn a_build_ends_once(fixture: Fixture) {
    let scope = fixture.project("acme", "web").await;
    let store = &fixture.store;
    let build = store.create_build(&ann(), &scope, &new()).await.unwrap();
    assert_eq!((build.state, build.step, build.started_at_ms), (BuildState::Queued, None, None));
    store.note_build_step(&scope, &build.id, "javac").await.unwrap();
    let running = store.build(&scope, &build.id).await.unwrap();
    assert_eq!((running.state, running.step.as_deref()), (BuildState::Running, Some("javac")));
    assert!(store.built_component(&scope, &build.id).await.is_err());

    fixture.advance(5);
    assert!(store.end_build(&scope, &build.id, BuildState::Succeeded, ending("r1")).await.unwrap());
    let ended = store.build(&scope, &build.id).await.unwrap();
    assert_eq!(
        (ended.state, ended.size_bytes, ended.diagnostics.clone()),
        (BuildState::Succeeded, Some(4), json!([{"message": "careful"}]))
    );
    assert_eq!(ended.ended_at_ms, running.started_at_ms.map(|at| at + 5));
    assert_eq!(store.built_component(&scope, &build.id).await.unwrap(), b"\0asm");

    assert!(!store.end_build(&scope, &build.id, BuildState::Failed, ending("r2")).await.unwrap());
    store.note_build_step(&scope, &build.id, "late").await.unwrap();
    store.cancel_build(&ann(), &scope, &build.id).await.unwrap();
    assert_eq!(store.build(&scope, &build.id).await.unwrap(), ended);
    let lost = store.create_build(&ann(), &scope, &new()).await.unwrap();
    assert_eq!(store.fail_lost_builds("w2").await.unwrap(), 0);
    assert_eq!(store.fail_lost_builds("w1").await.unwrap(), 1);
    assert_eq!(store.build(&scope, &lost.id).await.unwrap().state, BuildState::Failed);
}

pub(super) async fn builds_are_reused_within_their_project_only(fixture: Fixture) {
    let scope = fixture.project("acme", "web").await;
    let others = [fixture.project("acme", "app").await, fixture.project("bolt", "web").await];
    let store = &fixture.store;
    let build = store.create_build(&ann(), &scope, &new()).await.unwrap();
    store.end_build(&scope, &build.id, BuildState::Succeeded, ending("r1")).await.unwrap();
    assert_eq!(store.answered_build(&scope, "r1").await.unwrap().map(|b| b.id), Some(build.id.clone()));
    assert_eq!(store.answered_build(&scope, "r2").await.unwrap(), None);
    for other in &others {
        assert_eq!(store.answered_build(other, "r1").await.unwrap(), None);
        assert!(matches!(store.build(other, &build.id).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.cancel_build(&ann(), other, &build.id).await, Err(StoreError::NotFound { .. })));
        assert!(store.built_component(other, &build.id).await.is_err());
        assert!(!store.end_build(other, &build.id, BuildState::Failed, ending("r1")).await.unwrap());
        assert!(store.builds(other, &PageRequest::default()).await.unwrap().items.is_empty());
    }
}

async fn built(fixture: &Fixture, scope: &ProjectScope, hash: &str, component: &[u8]) -> Result<String, StoreError> {
    let store = &fixture.store;
    let build = store.create_build(&ann(), scope, &new()).await.unwrap();
    let component = Some((hash.to_owned(), component.to_vec()));
    let ending = BuildEnding { request_hash: Some(hash.into()), component, ..BuildEnding::default() };
    store.end_build(scope, &build.id, BuildState::Succeeded, ending).await.map(|_| build.id)
}

pub(super) async fn what_builds_made_is_kept_once_counted_and_let_go(fixture: Fixture) {
    let scope = fixture.project("acme", "web").await;
    let store = &fixture.store;
    let used = async || store.project_quotas(&scope).await.unwrap().into_iter().find(|q| q.quota == Quota::StorageBytes).unwrap().used;
    let first = built(&fixture, &scope, "h0", b"0123456789").await.unwrap();
    assert_eq!(used().await, 10, "it counts");
    let again = built(&fixture, &scope, "h0", b"0123456789").await.unwrap();
    assert_eq!(used().await, 10, "once");
    assert_eq!(store.answered_build(&scope, "h0").await.unwrap().map(|b| b.id), Some(again));
    // A function takes the component from there.
    let functions = FunctionScope::Project(scope.clone());
    let said = FunctionChange { description: String::new(), attributes: BTreeMap::new(), state: FunctionState::Enabled };
    let function = store.create_function(&ann(), &functions, &name("total"), &said).await.unwrap();
    let version = NewFunctionVersion {
        content_hash: "h0".into(),
        world: "scalar-function".into(),
        wit_version: "0.1.0".into(),
        size_bytes: 10,
        signatures: json!([]),
        origin: json!({"build": first}),
        source: json!(null),
        presentation: Default::default(),
    };
    store.add_function_version(&ann(), &functions, &function.id, &version).await.unwrap();
    for number in 1..=BUILT_COMPONENTS_KEPT {
        built(&fixture, &scope, &format!("h{number}"), b"0123456789").await.unwrap();
    }
    assert!(store.built_component(&scope, &first).await.is_err(), "only the newest keep theirs");
    assert_eq!(store.answered_build(&scope, "h0").await.unwrap(), None, "so it cannot answer again");
    assert!(store.built_component(&scope, &store.answered_build(&scope, "h1").await.unwrap().unwrap().id).await.is_ok());
    assert_eq!(store.component(&scope.tenant, "h0").await.unwrap(), b"0123456789", "the function still needs it");
    assert_eq!(used().await, 10 * (BUILT_COMPONENTS_KEPT + 1));
    store.delete_function(&ann(), &functions, &function.id).await.unwrap();
    assert!(store.component(&scope.tenant, "h0").await.is_err());

    store.set_quota(&ann(), &scope.tenant, Quota::StorageBytes, 10 * BUILT_COMPONENTS_KEPT).await.unwrap();
    built(&fixture, &scope, "one more", b"0123456789").await.expect("an old one makes room");
    store.set_quota(&ann(), &scope.tenant, Quota::StorageBytes, 10 * BUILT_COMPONENTS_KEPT - 5).await.unwrap();
    let refused = built(&fixture, &scope, "more", b"0123456789").await.unwrap_err();
    assert!(matches!(refused, StoreError::QuotaExceeded { wanted: 10, .. }), "{refused}");
}

pub(super) async fn old_builds_make_room(fixture: Fixture) {
    let scope = fixture.project("acme", "web").await;
    let store = &fixture.store;
    let mut ids = Vec::new();
    for number in 0..BUILDS_KEPT + 3 {
        let build = store.create_build(&ann(), &scope, &new()).await.unwrap();
        // The first waits for ever: what has not ended stays.
        if number > 0 {
            store.end_build(&scope, &build.id, BuildState::Failed, BuildEnding::default()).await.unwrap();
        }
        ids.push(build.id);
    }
    assert!(store.build(&scope, &ids[0]).await.is_ok());
    assert!(matches!(store.build(&scope, &ids[1]).await, Err(StoreError::NotFound { .. })));
    assert!(store.build(&scope, ids.last().unwrap()).await.is_ok());
}
