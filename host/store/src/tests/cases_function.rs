//! Functions: scopes that shadow, versions, pins that hold (EXT-4).

use super::{Fixture, ann, cases_resource::push, name};
use crate::{FunctionChange, FunctionScope, NewFunctionVersion, NewJob, NewJobVersion, PageRequest, Store, StoreError};
use millrace_domain::{ProjectScope, Quota, function::FunctionState};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn said(description: &str) -> FunctionChange {
    let attributes = BTreeMap::from([("owner".to_owned(), "data".to_owned())]);
    FunctionChange { description: description.into(), attributes, state: FunctionState::Enabled }
}

fn component(hash: &str) -> NewFunctionVersion {
    NewFunctionVersion {
        content_hash: hash.into(),
        world: "scalar-function".into(),
        wit_version: "0.1.0".into(),
        size_bytes: 4,
        signatures: json!([{"parameters": []}]),
        origin: json!({"content_hash": hash}),
        source: Value::Null,
        presentation: Default::default(),
    }
}

async fn made(store: &Store, scope: &FunctionScope, of: &str, hash: &str) -> crate::Function {
    let function = store.create_function(&ann(), scope, &name(of), &said(of)).await.unwrap();
    store.add_function_version(&ann(), scope, &function.id, &component(hash)).await.unwrap();
    store.function(scope, of).await.unwrap()
}

async fn with_contents(fixture: &Fixture) -> (ProjectScope, FunctionScope, FunctionScope) {
    let scope = fixture.project("acme", "web").await;
    for hash in ["h1", "h2", "h3"] {
        push(&fixture.store, &scope, hash, hash, hash.as_bytes()).await.unwrap();
    }
    (scope.clone(), FunctionScope::Tenant(scope.tenant.clone()), FunctionScope::Project(scope))
}

pub(super) async fn versions_of_functions_are_uploads(fixture: Fixture) {
    let store = &fixture.store;
    let (project, shared, own) = with_contents(&fixture).await;
    let used = async || store.project_quotas(&project).await.unwrap().into_iter().find(|a| a.quota == Quota::Uploads).unwrap();
    let before = used().await;
    made(store, &shared, "normalize", "h1").await;
    let function = made(store, &own, "clean", "h1").await;
    let after = used().await;
    assert_eq!((after.used - before.used, after.tenant.used - before.tenant.used), (1, 2), "the tenant's own count for the tenant");
    store.set_quota(&ann(), &project.tenant, Quota::Uploads, after.tenant.used).await.unwrap();
    let full = store.add_function_version(&ann(), &own, &function.id, &component("h2")).await.unwrap_err();
    assert!(matches!(full, StoreError::QuotaExceeded { quota: Quota::Uploads, .. }), "{full}");
    store.add_function_version(&ann(), &own, &function.id, &component("h1")).await.unwrap();
}

pub(super) async fn a_projects_function_hides_the_tenants(fixture: Fixture) {
    let store = &fixture.store;
    let (project, shared, own) = with_contents(&fixture).await;
    made(store, &shared, "normalize", "h1").await;
    made(store, &shared, "other", "h1").await;
    let hash = async |scope: &ProjectScope, of: &str| store.function_in(scope, of).await.map(|f| f.latest.unwrap().content_hash);
    assert_eq!(hash(&project, "normalize").await.unwrap(), "h1");
    let hiding = made(store, &own, "normalize", "h2").await;
    assert_eq!(hash(&project, "normalize").await.unwrap(), "h2");
    let sibling = fixture.project("acme", "shop").await;
    assert_eq!(hash(&sibling, "normalize").await.unwrap(), "h1");
    let foreign = fixture.project("bolt", "web").await;
    assert!(matches!(hash(&foreign, "normalize").await, Err(StoreError::NotFound { what: "function", .. })));
    assert!(matches!(hash(&foreign, hiding.id.as_str()).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(hash(&sibling, hiding.id.as_str()).await, Err(StoreError::NotFound { .. })), "another project's");

    let listed = async |scope: &FunctionScope| {
        let page = store.functions(scope, &PageRequest::default()).await.unwrap();
        page.items.iter().map(|f| format!("{} {}", f.name, f.scope.project().is_some())).collect::<Vec<_>>()
    };
    assert_eq!(listed(&own).await, ["normalize true", "other false"]);
    assert_eq!(listed(&shared).await, ["other false", "normalize false"]);
    assert_eq!(listed(&FunctionScope::Project(sibling)).await, ["other false", "normalize false"]);
    let taken = store.create_function(&ann(), &own, &name("normalize"), &said("")).await.unwrap_err();
    assert!(matches!(taken, StoreError::AlreadyExists { what: "function", .. }));
    let taken = store.create_function(&ann(), &shared, &name("other"), &said("")).await.unwrap_err();
    assert!(matches!(taken, StoreError::AlreadyExists { what: "function", .. }));
}

pub(super) async fn functions_have_versions_and_revisions(fixture: Fixture) {
    let store = &fixture.store;
    let (_, _, own) = with_contents(&fixture).await;
    let function = store.create_function(&ann(), &own, &name("clean"), &said("cleans")).await.unwrap();
    assert_eq!((function.latest, function.attributes["owner"].as_str()), (None, "data"));
    let first = store.add_function_version(&ann(), &own, &function.id, &component("h1")).await.unwrap();
    let same = store.add_function_version(&ann(), &own, &function.id, &component("h1")).await.unwrap();
    assert_eq!((first.number, same.id), (1, first.id));
    let rewritten = NewFunctionVersion { source: json!({"language": "java", "files": []}), ..component("h1") };
    assert_eq!(store.add_function_version(&ann(), &own, &function.id, &rewritten).await.unwrap().number, 2);
    let missing = store.add_function_version(&ann(), &own, &function.id, &component("nowhere")).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { what: "component", .. }), "{missing}");
    let versions = store.function_versions(own.tenant(), &function.id).await.unwrap();
    assert_eq!(versions.iter().map(|v| (v.number, v.source.is_null())).collect::<Vec<_>>(), [(2, false), (1, true)]);

    let change = FunctionChange { state: FunctionState::Deprecated, ..said("cleans better") };
    let changed = store.change_function(&ann(), &own, &function.id, &change, Some(1)).await.unwrap();
    assert_eq!((changed.revision, changed.state, changed.description.as_str()), (2, FunctionState::Deprecated, "cleans better"));
    let lost = store.change_function(&ann(), &own, &function.id, &change, Some(1)).await.unwrap_err();
    assert!(matches!(lost, StoreError::RevisionConflict { expected: 1, found: 2, .. }), "{lost}");
    let elsewhere = FunctionScope::Tenant(own.tenant().clone());
    assert!(matches!(store.change_function(&ann(), &elsewhere, &function.id, &change, None).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.delete_function(&ann(), &elsewhere, &function.id).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn what_a_jobs_version_has_pinned_stays(fixture: Fixture) {
    let store = &fixture.store;
    let (project, shared, own) = with_contents(&fixture).await;
    let pinned = made(store, &shared, "pinned", "h1").await;
    let free = made(store, &own, "free", "h3").await;
    let draft = serde_json::from_value(json!({"nodes": []})).unwrap();
    let new = NewJob { name: name("user"), folder: "".parse().unwrap(), description: String::new(), draft };
    let job = store.create_job(&ann(), &project, &new).await.unwrap();
    let pins = json!({"q": {"functions": [{"function": "pinned", "plugin": "pinned", "version": "1", "content_hash": "h1"}]}});
    let version = NewJobVersion { graph: new.draft.clone(), pins, content_hash: "v1".into(), description: String::new() };
    store.add_job_version(&ann(), &project, &job.id, &version).await.unwrap();

    let refused = store.delete_function(&ann(), &shared, &pinned.id).await.unwrap_err().to_string();
    assert!(refused.ends_with("is in use: job `user version 1`"), "{refused}");
    store.add_function_version(&ann(), &shared, &pinned.id, &component("h2")).await.unwrap();
    assert!(store.delete_function(&ann(), &shared, &pinned.id).await.is_err(), "an older version is pinned");
    // A resource that a function was made of stays as long as the function is there.
    let resource = store.resource(&project, "h3").await.unwrap();
    let refused = store.delete_resource(&ann(), &project, &resource.id).await.unwrap_err().to_string();
    assert!(refused.ends_with("is in use: function `free version 1`"), "{refused}");
    store.delete_function(&ann(), &own, &free.id).await.unwrap();
    assert!(store.function_in(&project, "free").await.is_err());
    store.delete_resource(&ann(), &project, &resource.id).await.unwrap();
    assert!(store.component(&project.tenant, "h3").await.is_err(), "nobody needs it any more");
}
