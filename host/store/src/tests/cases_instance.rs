//! Instances, leases and savepoints.

use super::{
    Fixture, ann,
    cases_definition::{Everything, everything},
};
use crate::{Cause, Instance, InstanceReport, InstanceRequest, NewInstance, PageRequest, SavepointState, StartFrom, Store, StoreError};
use millrace_domain::{Effect, InstanceEvent, InstanceState, ProjectScope};
use millrace_model::ids::{InstanceId, SavepointId};
use serde_json::json;
use std::collections::BTreeMap;

const START: InstanceRequest = InstanceRequest::Start { from: None, parameters: None };
const STOP: InstanceRequest = InstanceRequest::Stop { with_savepoint: true };

async fn setup(fixture: &Fixture) -> (ProjectScope, Everything) {
    let scope = fixture.project("acme", "web").await;
    let made = everything(&fixture.store, &scope).await;
    (scope, made)
}

async fn report(store: &Store, instance: &Instance, event: InstanceEvent) -> Result<(Instance, &'static [Effect]), StoreError> {
    let failure = matches!(event, InstanceEvent::FailedForNow).then(|| json!({"message": "broker away"}));
    let report = InstanceReport { attempt: instance.attempt, event, failure, restart_count: None };
    store.report_instance(&Cause::system("worker"), &instance.id, &report).await
}

pub(super) async fn an_instance_lives_its_life(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made) = setup(&fixture).await;
    assert!(store.active_instances().await.unwrap().is_empty());
    let early = store.request_instance(&ann(), &scope, &made.instance, &STOP).await.unwrap_err();
    assert_eq!(early.to_string(), "`stop` is not possible while the instance is created");

    let started = store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    assert_eq!((started.state, started.run, started.start.clone()), (InstanceState::Starting, 1, StartFrom::Fresh));
    assert_eq!(store.active_instances().await.unwrap(), [started]);
    let claimed = store.claim_instance(&made.instance, "w1", store.now_ms() + 100).await.unwrap().expect("claimed");
    assert_eq!((claimed.attempt, claimed.worker.as_deref()), (1, Some("w1")));
    let (running, effects) = report(store, &claimed, InstanceEvent::Launched).await.unwrap();
    assert_eq!((running.state, running.started_at_ms, effects), (InstanceState::Running, Some(store.now_ms()), [].as_slice()));
    let (restarting, effects) = report(store, &claimed, InstanceEvent::FailedForNow).await.unwrap();
    assert_eq!((restarting.state, effects), (InstanceState::Restarting, [Effect::LaunchLater].as_slice()));
    assert_eq!(restarting.last_failure, Some(json!({"message": "broker away"})));
    report(store, &claimed, InstanceEvent::Launched).await.unwrap();

    let stopping = store.request_instance(&ann(), &scope, &made.instance, &STOP).await.unwrap();
    assert!(stopping.stop_with_savepoint);
    let (stopped, _) = report(store, &claimed, InstanceEvent::Halted).await.unwrap();
    assert_eq!((stopped.state, stopped.worker.as_deref(), stopped.lease_until_ms), (InstanceState::Stopped, None, None));
    assert!(stopped.ended_at_ms.is_some() && !stopped.stop_with_savepoint);
    assert_eq!(store.instance(&scope, &made.instance).await.unwrap(), stopped);

    let again = store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    assert_eq!(again.start, StartFrom::again(made.instance.clone(), StartFrom::Fresh), "a second start goes on where it was");
    assert_eq!((again.run, again.last_failure, again.ended_at_ms), (2, None, None));
}

pub(super) async fn an_instance_that_does_not_run_can_go(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made) = setup(&fixture).await;
    let other = fixture.project("umbrella", "web").await;
    let foreign = store.delete_instance(&ann(), &other, &made.instance).await.unwrap_err();
    assert!(matches!(foreign, StoreError::NotFound { .. }), "{foreign}");
    let started = store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    let runs = store.delete_instance(&ann(), &scope, &made.instance).await.unwrap_err().to_string();
    assert!(runs.contains("it runs; stop it first"), "{runs}");

    // The newest checkpoint never goes back within a run, and only the owner says it.
    let claimed = store.claim_instance(&made.instance, "w1", store.now_ms() + 100).await.unwrap().expect("claimed");
    for (checkpoint, known) in [(3, 3), (2, 3), (9, 9)] {
        store.note_checkpoint(&made.instance, claimed.attempt, checkpoint).await.unwrap();
        let complete = store.instance(&scope, &made.instance).await.unwrap().complete.unwrap();
        assert_eq!((complete.run, complete.checkpoint), (started.run, known));
    }
    assert!(matches!(store.note_checkpoint(&made.instance, claimed.attempt - 1, 10).await, Err(StoreError::Fenced { .. })));
    let counted = store.count_instances().await.unwrap();
    assert_eq!(counted, [("test".to_owned(), "starting".to_owned(), 1)]);

    store.request_instance(&ann(), &scope, &made.instance, &STOP).await.unwrap();
    report(store, &claimed, InstanceEvent::Halted).await.unwrap();
    store.delete_instance(&ann(), &scope, &made.instance).await.unwrap();
    assert!(matches!(store.instance(&scope, &made.instance).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn only_one_worker_owns_an_instance(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made) = setup(&fixture).await;
    assert!(store.claim_instance(&made.instance, "w1", i64::MAX).await.unwrap().is_none(), "not wanted yet");
    store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    let claims = (0..8).map(|number| {
        let (store, id) = (store.clone(), made.instance.clone());
        let until_ms = store.now_ms() + 100;
        async move { store.claim_instance(&id, &format!("w{number}"), until_ms).await.unwrap() }
    });
    let won: Vec<_> = futures::future::join_all(claims).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let owner = won[0].worker.clone().unwrap();
    assert!(store.claim_instance(&made.instance, "late", store.now_ms() + 100).await.unwrap().is_none());
    let again = store.claim_instance(&made.instance, &owner, store.now_ms() + 100).await.unwrap().expect("its own, after a restart");
    assert_eq!(again.attempt, 2);
    assert!(store.renew_lease(&made.instance, 2, store.now_ms() + 200).await.unwrap());
    fixture.advance(150);
    assert!(store.claim_instance(&made.instance, "late", store.now_ms() + 100).await.unwrap().is_none(), "the lease was extended");
    fixture.advance(50);
    let taken = store.claim_instance(&made.instance, "late", store.now_ms() + 100).await.unwrap().expect("the lease has run out");
    assert_eq!((taken.worker.as_deref(), taken.attempt), (Some("late"), 3));
}

pub(super) async fn a_fenced_worker_changes_nothing(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made) = setup(&fixture).await;
    store.request_instance(&ann(), &scope, &made.instance, &START).await.unwrap();
    let old = store.claim_instance(&made.instance, "w1", store.now_ms()).await.unwrap().unwrap();
    let new = store.claim_instance(&made.instance, "w2", store.now_ms() + 100).await.unwrap().unwrap();
    let fenced = report(store, &old, InstanceEvent::Launched).await.unwrap_err();
    assert!(matches!(fenced, StoreError::Fenced { attempt: 1, current: 2, .. }), "{fenced}");
    assert!(matches!(store.note_failure(&made.instance, 1, &json!({})).await, Err(StoreError::Fenced { .. })));
    assert!(!store.renew_lease(&made.instance, old.attempt, i64::MAX).await.unwrap());
    assert_eq!(store.any_instance(&made.instance).await.unwrap(), new);
}

pub(super) async fn requests_at_the_same_time_are_serialized(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made) = setup(&fixture).await;
    let starts = (0..8).map(|_| {
        let (store, scope, id) = (store.clone(), scope.clone(), made.instance.clone());
        async move { store.request_instance(&ann(), &scope, &id, &START).await }
    });
    let answers = futures::future::join_all(starts).await;
    assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 1);
    assert!(answers.iter().flat_map(|a| a.as_ref().err()).all(|e| matches!(e, StoreError::Lifecycle(_))), "{answers:?}");
    assert_eq!(store.instance(&scope, &made.instance).await.unwrap().run, 1);
}

pub(super) async fn savepoints_belong_to_their_project(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made) = setup(&fixture).await;
    let other = fixture.project("bolt", "web").await;
    let foreign = store.begin_savepoint(&ann(), &other.tenant, &made.instance).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
    let taken = store.begin_savepoint(&ann(), &scope.tenant, &made.instance).await.unwrap();
    assert_eq!((taken.state, taken.job.clone(), taken.location.clone()), (SavepointState::Pending, made.job.clone(), None));
    let start = |savepoint: &SavepointId| NewInstance {
        job: made.job.clone(),
        version: made.version.clone(),
        start: StartFrom::Savepoint { savepoint: savepoint.clone(), allow_partial: false },
        parameters: BTreeMap::new(),
        restart: None,
        production: None,
    };
    let early = store.create_instance(&ann(), &scope, &start(&taken.id)).await.unwrap_err().to_string();
    assert!(early.ends_with("is pending; only a completed one can be started from"), "{early}");
    let done = store.complete_savepoint(&scope.tenant, &taken.id, "savepoints/1", 7, 4096).await.unwrap();
    assert_eq!((done.state, done.checkpoint, done.size_bytes), (SavepointState::Completed, Some(7), Some(4096)));
    store.create_instance(&ann(), &scope, &start(&taken.id)).await.unwrap();
    assert!(store.fail_savepoint(&scope.tenant, &taken.id, "late").await.is_err(), "a completed one stays");
    assert!(matches!(store.savepoint(&other, &taken.id).await, Err(StoreError::NotFound { .. })));

    store.begin_savepoint(&ann(), &scope.tenant, &made.instance).await.unwrap();
    fixture.advance(1);
    assert_eq!(store.fail_pending_savepoints(store.now_ms(), "the worker died").await.unwrap(), 1);
    let states: Vec<_> =
        store.savepoints(&scope, &made.instance, &PageRequest::default()).await.unwrap().items.iter().map(|s| s.state).collect();
    assert_eq!(states, [SavepointState::Failed, SavepointState::Completed]);
    let missing = NewInstance { start: StartFrom::latest(InstanceId::new("ins_x")), ..start(&taken.id) };
    assert!(matches!(store.create_instance(&ann(), &scope, &missing).await, Err(StoreError::NotFound { what: "instance", .. })));
    // What is stored without the word was stored before there was one.
    let partly = StartFrom::Latest { instance: made.instance.clone(), allow_partial: true, or_fresh: false, instead: None };
    let again = StartFrom::again(InstanceId::new("ins_other"), partly.clone());
    let StartFrom::Latest { or_fresh: false, instead: Some(instead), .. } = &again else { panic!("{again:?}") };
    assert_eq!(**instead, partly, "a start without state of its own goes back to what it was started from");
    assert_eq!(StartFrom::again(InstanceId::new("ins_other"), again.clone()), again, "and only to that");
    let in_part = store.create_instance(&ann(), &scope, &NewInstance { start: partly.clone(), ..start(&taken.id) }).await.unwrap();
    assert_eq!(store.instance(&scope, &in_part.id).await.unwrap().start, partly);
    let stored = serde_json::json!({ "from": "latest", "instance": made.instance });
    assert_eq!(serde_json::to_value(StartFrom::latest(made.instance.clone())).unwrap(), stored);
    assert_eq!(serde_json::from_value::<StartFrom>(stored).unwrap(), StartFrom::latest(made.instance.clone()));
}
