//! What two servers do at the same moment: each case holds one transaction open where the other must wait for it.

use super::{Fixture, ann, cases_definition::everything};
use crate::{InstanceReport, InstanceRequest, StartFrom, Store, StoreError, instance::lock_instance};
use millrace_domain::{InstanceEvent, InstanceState};
use std::{future::Future, time::Duration};
use tokio::task::JoinHandle;

/// Whoever does not wait is done within this time.
const WAITS: Duration = Duration::from_millis(300);

/// Starts `work` and makes sure that it waits.
async fn waiting<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let mut begun = tokio::spawn(work);
    let early = tokio::time::timeout(WAITS, &mut begun).await;
    assert!(early.is_err(), "it did not wait for the transaction before it");
    begun
}

async fn start(store: &Store, scope: &millrace_domain::ProjectScope, id: &millrace_model::ids::InstanceId, from: Option<StartFrom>) {
    store.request_instance(&ann(), scope, id, &InstanceRequest::Start { from, parameters: None }).await.unwrap();
}

/// A worker reports that an instance runs at the moment when its project is archived: it stops all the same.
pub(super) async fn archiving_stops_what_begins_to_run(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    start(store, &scope, &made.instance, None).await;
    let other = fixture.reopen().await;
    let mut tx = store.begin().await.unwrap();
    let mut reported = lock_instance(&mut tx, &made.instance).await.unwrap().unwrap();
    reported.apply(InstanceEvent::Launched, store.now_ms()).unwrap();
    store.save_instance(&mut tx, &reported).await.unwrap();
    let archive = waiting({
        let scope = scope.clone();
        async move { other.archive_project(&ann(), &scope).await }
    })
    .await;
    tx.commit().await.unwrap();
    archive.await.unwrap().unwrap();
    assert_eq!(store.instance(&scope, &made.instance).await.unwrap().state, InstanceState::Stopping, "nobody could stop it any more");
}

/// A savepoint is removed at the moment when an instance starts from it: it stays.
pub(super) async fn a_savepoint_stays_that_a_start_begins_from(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    let taken = store.begin_savepoint(&ann(), &scope.tenant, &made.instance).await.unwrap();
    store.complete_savepoint(&scope.tenant, &taken.id, "savepoints/1", 1, 10).await.unwrap();
    let other = fixture.reopen().await;
    let mut tx = store.begin().await.unwrap();
    store.enter(&mut tx, &scope).await.unwrap();
    let from = Some(StartFrom::Savepoint { savepoint: taken.id.clone(), allow_partial: false });
    let request = InstanceRequest::Start { from, parameters: None };
    store.request_instance_in(&mut tx, &ann(), &scope, &made.instance, &request).await.unwrap();
    let removal = waiting({
        let (scope, id) = (scope.clone(), taken.id.clone());
        async move { other.delete_savepoint(&ann(), &scope, &id).await }
    })
    .await;
    tx.commit().await.unwrap();
    let refused = removal.await.unwrap().unwrap_err();
    assert!(matches!(refused, StoreError::InUse { what: "savepoint", .. }), "{refused}");
    store.savepoint(&scope, &taken.id).await.unwrap();
}

/// A savepoint that another server asks for is taken once, or given up once.
pub(super) async fn savepoints_are_asked_for_and_taken_once(fixture: Fixture) {
    let (store, other) = (&fixture.store, fixture.reopen().await);
    let scope = fixture.project("acme", "web").await;
    let made = everything(store, &scope).await;
    start(store, &scope, &made.instance, None).await;
    let claimed = store.claim_instance(&made.instance, "w1", store.now_ms() + 1_000).await.unwrap().unwrap();
    let report = InstanceReport { attempt: claimed.attempt, event: InstanceEvent::Launched, failure: None, restart_count: None };
    store.report_instance(&ann(), &made.instance, &report).await.unwrap();
    let asked = other.ask_for_savepoint(&ann(), &scope.tenant, &made.instance, "w1").await.unwrap();
    assert!(store.take_asked_savepoints("w2").await.unwrap().is_empty(), "it is another worker's");
    let (one, two) = tokio::join!(store.take_asked_savepoints("w1"), other.take_asked_savepoints("w1"));
    let ids: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).map(|s| s.id).collect();
    assert_eq!(ids, std::slice::from_ref(&asked.id));
    assert!(!other.give_up_savepoint(&scope.tenant, &asked.id, "late").await.unwrap(), "it has begun");
    store.complete_savepoint(&scope.tenant, &asked.id, "savepoints/1", 1, 10).await.unwrap();
    let next = other.ask_for_savepoint(&ann(), &scope.tenant, &made.instance, "w1").await.unwrap();
    assert!(other.give_up_savepoint(&scope.tenant, &next.id, "nobody has begun").await.unwrap());
    assert!(store.take_asked_savepoints("w1").await.unwrap().is_empty());
    assert_eq!(store.savepoint(&scope, &next.id).await.unwrap().failure.as_deref(), Some("nobody has begun"));
}
