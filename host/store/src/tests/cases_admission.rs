//! Services of projects, and quotas at admission.

use super::{Fixture, ann, cases_definition::everything, cases_resource::push, name};
use crate::{InstanceRequest, NewInstance, NewJob, StartFrom, Store, StoreError};
use millrace_domain::{Action, FolderPath, ProjectScope, Quota, Service, service::ServiceState};
use serde_json::{Map, json};

const START: InstanceRequest = InstanceRequest::Start { from: None, parameters: None };

async fn used(store: &Store, scope: &ProjectScope, quota: Quota) -> (i64, i64) {
    let all = store.project_quotas(scope).await.unwrap();
    let found = all.iter().find(|a| a.quota == quota).unwrap();
    (found.used, found.tenant.used)
}

async fn job(store: &Store, scope: &ProjectScope, called: &str) -> Result<(), StoreError> {
    let draft = serde_json::from_value(json!({"nodes": [], "edges": []})).unwrap();
    let new = NewJob { name: name(called), folder: FolderPath::default(), description: String::new(), draft };
    store.create_job(&ann(), scope, &new).await.map(drop)
}

pub(super) async fn what_is_full_says_so(fixture: Fixture) {
    let store = &fixture.store;
    let (web, app) = (fixture.project("acme", "web").await, fixture.project("acme", "app").await);
    let made = everything(store, &web).await;
    assert_eq!(used(store, &web, Quota::Jobs).await, (1, 1));
    store.set_project_quota(&ann(), &web, Quota::Jobs, Some(2)).await.unwrap();
    store.set_quota(&ann(), &web.tenant, Quota::Jobs, 3).await.unwrap();
    job(store, &web, "second").await.unwrap();
    let refused = job(store, &web, "third").await.unwrap_err().to_string();
    let expected = "quota `jobs`: the project uses 2, wants 1 more and may have 2; remove or stop what nobody uses, or ask an administrator \
                    of the tenant for more";
    assert_eq!(refused, expected);
    job(store, &app, "third").await.unwrap();
    let refused = job(store, &app, "fourth").await.unwrap_err();
    assert!(matches!(refused, StoreError::QuotaExceeded { place: "tenant", used: 3, wanted: 1, allowed: 3, .. }), "{refused}");
    store.set_project_quota(&ann(), &web, Quota::Jobs, None).await.unwrap();
    store.delete_job(&ann(), &web, &store.job(&web, "second").await.unwrap().id).await.unwrap();
    job(store, &app, "fourth").await.unwrap();

    let (_, uploads) = used(store, &web, Quota::Uploads).await;
    store.set_quota(&ann(), &web.tenant, Quota::Uploads, uploads).await.unwrap();
    let refused = push(store, &web, "rows", "h1", b"rows").await.unwrap_err().to_string();
    assert!(refused.starts_with("quota `uploads`: the tenant uses"), "{refused}");
    store.set_quota(&ann(), &web.tenant, Quota::Uploads, uploads + 2).await.unwrap();
    store.set_project_quota(&ann(), &app, Quota::StorageBytes, Some(3)).await.unwrap();
    let refused = push(store, &app, "rows", "h1", b"rows").await.unwrap_err();
    assert!(matches!(refused, StoreError::QuotaExceeded { place: "project", quota: Quota::StorageBytes, wanted: 4, .. }), "{refused}");
    push(store, &web, "rows", "h1", b"rows").await.unwrap();
    assert!(store.set_project_quota(&ann(), &web, Quota::Jobs, Some(-1)).await.is_err());
    let _ = made;
}

pub(super) async fn instances_take_slots_while_they_are_active(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    assert_eq!(used(store, &scope, Quota::Slots).await, (0, 0), "one that was never started takes nothing");
    store.set_quota(&ann(), &scope.tenant, Quota::Slots, 0).await.unwrap();
    let refused = store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap_err();
    assert!(matches!(refused, StoreError::QuotaExceeded { quota: Quota::Slots, used: 0, .. }), "{refused}");
    assert_eq!(used(store, &scope, Quota::Instances).await, (0, 0), "what was refused takes nothing");
    store.set_quota(&ann(), &scope.tenant, Quota::Slots, 100).await.unwrap();
    store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    let (slots, _) = used(store, &scope, Quota::Slots).await;
    assert!(slots >= 1);
    assert_eq!(used(store, &scope, Quota::Instances).await, (1, 1));
    assert!(used(store, &scope, Quota::MemoryBytes).await.0 > 0);

    // A start that asks for more subtasks takes more slots.
    let wide = NewInstance {
        job: made.job.clone(),
        version: made.version.clone(),
        start: StartFrom::Fresh,
        parameters: [("parallelism".to_owned(), "200".to_owned())].into(),
        restart: None,
        production: None,
    };
    let wide = store.create_instance(&ann(), &scope, &wide).await.unwrap().id;
    let refused = store.request_instance(&ann(), &scope, &wide, &START).await.unwrap_err();
    let is_too_wide =
        matches!(refused, StoreError::Invalid { field: "parallelism", .. } | StoreError::QuotaExceeded { quota: Quota::Slots, .. });
    assert!(is_too_wide, "{refused}");

    store.set_quota(&ann(), &scope.tenant, Quota::Instances, 2).await.unwrap();
    let new = NewInstance {
        job: made.job.clone(),
        version: made.version.clone(),
        start: StartFrom::Fresh,
        parameters: [].into(),
        restart: None,
        production: None,
    };
    let mut more = Vec::new();
    for _ in 0..4 {
        more.push(store.create_instance(&ann(), &scope, &new).await.unwrap().id);
    }
    let cause = ann();
    let starts = more.iter().map(|id| store.request_instance(&cause, &scope, id, &START));
    let started = futures::future::join_all(starts).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(started, 1, "the last place is taken once");
    assert_eq!(used(store, &scope, Quota::Instances).await, (2, 2));
}

pub(super) async fn an_archived_project_gives_its_place_back(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    let (uploads, storage) = (used(store, &scope, Quota::Uploads).await, used(store, &scope, Quota::StorageBytes).await);
    store.archive_project(&ann(), &scope).await.unwrap();
    assert_eq!(used(store, &scope, Quota::Jobs).await, (0, 0));
    assert_eq!(used(store, &scope, Quota::Instances).await, (1, 1), "it is still stopping");
    let claimed = store.claim_instance(&made.instance, "w1", i64::MAX).await.unwrap().unwrap();
    let report = crate::InstanceReport {
        attempt: claimed.attempt,
        event: millrace_domain::InstanceEvent::Halted,
        failure: None,
        restart_count: None,
    };
    store.report_instance(&crate::Cause::system("worker"), &made.instance, &report).await.unwrap();
    let stopped = store.instance(&scope, &made.instance).await.unwrap();
    assert_eq!((stopped.state.as_str(), stopped.worker, stopped.lease_until_ms), ("stopped", None, None), "the lease is free");
    for quota in [Quota::Instances, Quota::Slots, Quota::MemoryBytes] {
        assert_eq!(used(store, &scope, quota).await, (0, 0), "{quota}");
    }
    assert_eq!(
        (used(store, &scope, Quota::Uploads).await, used(store, &scope, Quota::StorageBytes).await),
        (uploads, storage),
        "data stays"
    );
    let again = store.request_instance(&ann(), &scope, &made.instance, &START).await;
    assert!(matches!(again, Err(StoreError::Archived(_))), "{again:?}");
    assert!(matches!(job(store, &scope, "new").await, Err(StoreError::Archived(_))));
    let set = store.set_project_quota(&ann(), &scope, Quota::Jobs, Some(1)).await;
    assert!(matches!(set, Err(StoreError::Archived(_))), "{set:?}");
}

pub(super) async fn services_are_removed_when_nothing_runs(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let service = Service::StreamComputing;
    let off = ServiceState { enabled: false, configuration: Map::new() };
    store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    let refused = store.set_service(&ann(), &scope, service, off.clone(), None).await.unwrap_err().to_string();
    assert_eq!(refused, "service `stream_computing` is in use: 1 instance(s) are active; stop them first");
    let narrow =
        ServiceState { enabled: true, configuration: service.configure(json!({"parallelism_max": 1}).as_object().unwrap()).unwrap() };
    let (services, revision) = store.set_service(&ann(), &scope, service, narrow, Some(1)).await.unwrap();
    assert_eq!((services.parallelism_max(), revision), (1, 2));
    let stale = store.set_service(&ann(), &scope, service, off, Some(1)).await;
    assert!(matches!(stale, Err(StoreError::RevisionConflict { found: 2, .. })), "{stale:?}");
    let project = store.project(&scope.tenant, "web").await.unwrap();
    assert_eq!(project.services.admit(Action::JobEdit), Ok(()));
}
