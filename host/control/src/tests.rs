//! The reconciler against a real metadata store and an engine whose executions do what the test says.

mod fake_engine;

use crate::engine::Execution;
use crate::{
    local::Locals,
    reconcile::{self, Worker},
    savepoints,
    start_point::run_id,
    tenant_limits,
};
use fake_engine::{FakeEngine, failure};
use millrace_checkpoint::{CheckpointStore, LocalStore};
use millrace_domain::{
    InstanceState, ProjectScope, Quota,
    permission::{Grantee, Permit, RevocationPolicy, TablePermission},
};
use millrace_engine::{ExecutionState, StartFrom as EngineStart, TenantAccounts};
use millrace_model::{FaultClass, Schema, graph::JobGraph, ids::InstanceId};
use millrace_places::FairPlaces;
use millrace_sandbox::TenantLimits;
use millrace_store::{
    Cause, Instance, InstanceRequest, NewInstance, NewJob, NewJobVersion, NewTopic, PageRequest, SavepointState, SecretKey, StartFrom,
    Store, StoreOptions, Topic, TopicChange,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a condition may take to come true.
const DEADLINE: Duration = Duration::from_secs(20);

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    checkpoints: Arc<dyn CheckpointStore>,
    scope: ProjectScope,
    cause: Cause,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("metadata.db").display());
        let store = Store::open(StoreOptions::new(url, SecretKey::new(&[7; 32]))).await.unwrap();
        let checkpoints: Arc<dyn CheckpointStore> = Arc::new(LocalStore::open(folder.path().join("checkpoints")).unwrap());
        let cause = Cause::system("test");
        let tenant = store.create_tenant(&cause, &"shop".parse().unwrap(), "").await.unwrap();
        let project = store.create_project(&cause, &tenant.id, &"web".parse().unwrap(), "").await.unwrap();
        Self { _folder: folder, store, checkpoints, scope: project.scope, cause }
    }

    async fn instance(&self) -> InstanceId {
        let policy = json!({"attempts_max": 2, "delay_ms": 1, "delay_max_ms": 2});
        let graph: JobGraph = serde_json::from_value(json!({"nodes": [], "parameters": {"restart": policy}})).unwrap();
        let new = NewJob { name: "job".parse().unwrap(), folder: "".parse().unwrap(), description: String::new(), draft: graph.clone() };
        let job = self.store.create_job(&self.cause, &self.scope, &new).await.unwrap().id;
        let new = NewJobVersion { graph, pins: json!({}), content_hash: "aa".into(), description: String::new() };
        let version = self.store.add_job_version(&self.cause, &self.scope, &job, &new).await.unwrap().id;
        let new = NewInstance { job, version, start: StartFrom::Fresh, parameters: BTreeMap::new(), restart: None, production: None };
        self.store.create_instance(&self.cause, &self.scope, &new).await.unwrap().id
    }

    /// Another instance of the version that there is.
    async fn instance_of_same_job(&self) -> InstanceId {
        let job = self.store.job(&self.scope, "job").await.unwrap().id;
        let version = self.store.job_version(&self.scope, &job, "1").await.unwrap().id;
        let new = NewInstance { job, version, start: StartFrom::Fresh, parameters: BTreeMap::new(), restart: None, production: None };
        self.store.create_instance(&self.cause, &self.scope, &new).await.unwrap().id
    }

    async fn instance_of(&self, graph: JobGraph) -> InstanceId {
        let new = NewJob { name: "job".parse().unwrap(), folder: "".parse().unwrap(), description: String::new(), draft: graph.clone() };
        let job = self.store.create_job(&self.cause, &self.scope, &new).await.unwrap().id;
        let new = NewJobVersion { graph, pins: json!({}), content_hash: "aa".into(), description: String::new() };
        let version = self.store.add_job_version(&self.cause, &self.scope, &job, &new).await.unwrap().id;
        let new = NewInstance { job, version, start: StartFrom::Fresh, parameters: BTreeMap::new(), restart: None, production: None };
        self.store.create_instance(&self.cause, &self.scope, &new).await.unwrap().id
    }

    /// The topic `payments` of the project `risk`.
    async fn foreign_topic(&self) -> Topic {
        let risk = self.store.create_project(&self.cause, &self.scope.tenant, &"risk".parse().unwrap(), "").await.unwrap().scope;
        let settings = TopicChange {
            physical_name: "payments".into(),
            data_source: None,
            description: String::new(),
            schema: Schema::default(),
            format: json!({"type": "json"}),
            expected_revision: None,
        };
        let new = NewTopic { name: "payments".parse().unwrap(), database: None, settings };
        self.store.create_topic(&self.cause, &risk, &new).await.unwrap()
    }

    /// Lets the project read `topic`.
    async fn permit(&self, topic: &Topic, expires_at_ms: Option<i64>) -> String {
        let grantee = Grantee::Project(self.scope.project.clone());
        let permit = Permit { grantee, permission: TablePermission::Select, column: None, expires_at_ms };
        let given = self.store.set_table_grants(&self.cause, (&topic.scope, &topic.id), &[permit]).await.unwrap();
        given[0].id.clone()
    }

    async fn start(&self, id: &InstanceId, from: Option<StartFrom>) {
        self.store.request_instance(&self.cause, &self.scope, id, &InstanceRequest::Start { from, parameters: None }).await.unwrap();
    }

    async fn stop(&self, id: &InstanceId, with_savepoint: bool) {
        self.store.request_instance(&self.cause, &self.scope, id, &InstanceRequest::Stop { with_savepoint }).await.unwrap();
    }

    /// An instance that the worker has started.
    async fn running(&self, worker: &Running) -> InstanceId {
        let id = self.instance().await;
        self.start(&id, None).await;
        worker.notify();
        self.reaches(&id, InstanceState::Running).await;
        id
    }

    async fn reaches(&self, id: &InstanceId, state: InstanceState) -> Instance {
        let began = Instant::now();
        loop {
            let instance = self.store.instance(&self.scope, id).await.unwrap();
            if instance.state == state {
                return instance;
            }
            assert!(began.elapsed() < DEADLINE, "{id} is {} and not {state}: {:?}", instance.state, instance.last_failure);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn worker(&self, name: &str, engine: &Arc<FakeEngine>, lease_ms: u64) -> Running {
        let worker = Arc::new(self.parts(name, engine, lease_ms));
        Running { task: tokio::spawn(reconcile::run(worker.clone())), worker }
    }

    fn parts(&self, name: &str, engine: &Arc<FakeEngine>, lease_ms: u64) -> Worker {
        Worker {
            store: self.store.clone(),
            engine: engine.clone(),
            checkpoints: self.checkpoints.clone(),
            name: name.into(),
            lease: Duration::from_millis(lease_ms),
            starts: FairPlaces::new(2, 1),
            locals: Locals::default(),
            wake: Notify::new(),
            closing: CancellationToken::new(),
            packages: None,
            accounts: TenantAccounts::new(TenantLimits::default()),
        }
    }

    fn engine(&self) -> Arc<FakeEngine> {
        FakeEngine::new(self.checkpoints.clone())
    }
}

struct Running {
    worker: Arc<Worker>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn notify(&self) {
        self.worker.wake.notify_one();
    }
}

#[tokio::test]
async fn an_instance_starts_and_stops_with_a_savepoint_and_goes_on_from_it() {
    let (bench, lease_ms) = (Bench::new().await, 60_000);
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, lease_ms);
    let id = bench.running(&worker).await;
    bench.stop(&id, true).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Stopped).await;
    let savepoints = bench.store.savepoints(&bench.scope, &id, &PageRequest::default()).await.unwrap().items;
    assert_eq!(savepoints.len(), 1);
    assert_eq!(savepoints[0].state, SavepointState::Completed);
    bench.start(&id, Some(StartFrom::Savepoint { savepoint: savepoints[0].id.clone(), allow_partial: false })).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Running).await;
    let location = savepoints[0].location.clone().unwrap();
    let expected = [(run_id(&id, 1), EngineStart::Fresh), (run_id(&id, 2), EngineStart::Savepoint { location, allow_partial: false })];
    assert_eq!(engine.launches(), expected);
}

/// What a tenant may have is what its code is held to, also when that changes while it runs.
#[tokio::test]
async fn quotas_are_the_limits_of_the_tenants_code() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let tenant = bench.scope.tenant.clone();
    let limits = || {
        let limits = worker.worker.accounts.get(&tenant).limits();
        (limits.memory_bytes_max, limits.fuel_per_second)
    };
    let usual = limits();
    bench.store.set_quota(&bench.cause, &tenant, Quota::MemoryBytes, 96 << 20).await.unwrap();
    bench.running(&worker).await;
    assert_eq!(limits(), (96 << 20, usual.1), "from the start on");
    bench.store.set_quota(&bench.cause, &tenant, Quota::MemoryBytes, 2 << 30).await.unwrap();
    bench.store.set_quota(&bench.cause, &tenant, Quota::FuelPerSecond, 7_000).await.unwrap();
    tenant_limits::hold_all(&worker.worker).await;
    assert_eq!(limits(), (2 << 30, Some(7_000)), "while it runs");
}

/// PRM-6: a permission that ends ends the instances that use it, or their next start, as the table says.
#[tokio::test]
async fn an_instance_ends_when_its_permission_does() {
    let bench = Bench::new().await;
    let foreign = bench.foreign_topic().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let graph = json!({"nodes": [{"id": "in", "kind": "kafka_source", "config": {"topic": "risk.payments"}}]});
    let id = bench.instance_of(serde_json::from_value(graph).unwrap()).await;
    let start = InstanceRequest::Start { from: None, parameters: None };
    let refused = bench.store.request_instance(&bench.cause, &bench.scope, &id, &start).await.unwrap_err();
    assert!(refused.to_string().contains("millrace permission apply risk.payments --permission select --project web"), "{refused}");

    let grant = bench.permit(&foreign, None).await;
    bench.start(&id, None).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Running).await;
    let place = (&foreign.scope, &foreign.id);
    bench.store.revoke_table_grant(&bench.cause, place, &grant).await.unwrap();
    worker.notify();
    let failed = bench.reaches(&id, InstanceState::Failed).await;
    let failure = failed.last_failure.unwrap();
    let message = failure["message"].as_str().unwrap();
    assert!(message.starts_with("stopped, because a permission has ended: select on `risk.payments` is not permitted"), "{message}");
    assert_eq!((&failure["class"], &failure["retryable"]), (&json!("user"), &json!(false)));
    assert!(engine.newest().state().borrow().is_final(), "nothing of it runs any more");

    // Expiry is the same, without anybody's notification.
    bench.permit(&foreign, Some(bench.store.now_ms() + 1_500)).await;
    bench.start(&id, None).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Running).await;
    bench.reaches(&id, InstanceState::Failed).await;

    // With the other policy it runs on.
    bench.store.set_table_access(&bench.cause, place, &[], RevocationPolicy::NextStart).await.unwrap();
    let grant = bench.permit(&foreign, None).await;
    bench.start(&id, None).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Running).await;
    bench.store.revoke_table_grant(&bench.cause, place, &grant).await.unwrap();
    reconcile::pass(&worker.worker).await.unwrap();
    assert_eq!(bench.store.instance(&bench.scope, &id).await.unwrap().state, InstanceState::Running);
    bench.stop(&id, false).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Stopped).await;
    assert!(bench.store.request_instance(&bench.cause, &bench.scope, &id, &start).await.is_err());
}

#[tokio::test]
async fn a_savepoint_that_fails_is_recorded_and_the_instance_stops_all_the_same() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let id = bench.running(&worker).await;
    *engine.newest().savepoints_work.lock() = false;
    bench.stop(&id, true).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Stopped).await;
    assert!(!engine.newest().is_running());
    let savepoints = bench.store.savepoints(&bench.scope, &id, &PageRequest::default()).await.unwrap().items;
    assert_eq!(savepoints[0].state, SavepointState::Failed);
    assert!(savepoints[0].failure.as_ref().unwrap().contains("the disk is full"));
}

#[tokio::test]
async fn a_failure_that_passes_restarts_from_the_latest_checkpoint_until_there_were_too_many() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let id = bench.instance().await;
    bench.start(&id, None).await;
    worker.notify();
    for restart in 0..3 {
        let began = Instant::now();
        while engine.launches().len() <= restart {
            assert!(began.elapsed() < DEADLINE, "no launch {restart}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.reaches(&id, InstanceState::Running).await;
        engine.newest().checkpoint(restart as u64 + 1).await;
        engine.newest().end(ExecutionState::Failed(failure(FaultClass::External, "the broker is away")));
    }
    let failed = bench.reaches(&id, InstanceState::Failed).await;
    let from: Vec<_> = engine.launches().into_iter().map(|(_, from)| from).collect();
    assert_eq!(from, [EngineStart::Fresh, EngineStart::LatestCheckpoint, EngineStart::LatestCheckpoint]);
    let message = failed.last_failure.unwrap()["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "gave up after 2 restarts; the last failure: the broker is away");
    assert_eq!(failed.worker, None);
}

#[tokio::test]
async fn a_user_fault_fails_at_once_also_while_starting() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    engine.refusals.lock().push_back(failure(FaultClass::User, "topic `x` is not there"));
    let worker = bench.worker("a", &engine, 60_000);
    let id = bench.instance().await;
    bench.start(&id, None).await;
    worker.notify();
    let failed = bench.reaches(&id, InstanceState::Failed).await;
    assert_eq!(failed.last_failure.unwrap()["operator"], "op");
    assert_eq!(engine.launches(), []);
    // The next start is a new run, fresh as asked for, and forgets the failure.
    bench.start(&id, Some(StartFrom::Fresh)).await;
    worker.notify();
    let running = bench.reaches(&id, InstanceState::Running).await;
    assert_eq!(running.last_failure, None);
}

#[tokio::test]
async fn state_of_an_earlier_run_is_used_only_when_asked_for() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let id = bench.instance().await;
    for from in [None, Some(StartFrom::Fresh), None] {
        bench.start(&id, from).await;
        worker.notify();
        bench.reaches(&id, InstanceState::Running).await;
        if engine.launches().len() == 1 {
            engine.newest().checkpoint(4).await;
        }
        bench.stop(&id, false).await;
        worker.notify();
        bench.reaches(&id, InstanceState::Stopped).await;
    }
    let location = format!("{id}-1/chk-4");
    let expected = [EngineStart::Fresh, EngineStart::Fresh, EngineStart::Savepoint { location, allow_partial: false }];
    assert_eq!(engine.launches().into_iter().map(|(_, from)| from).collect::<Vec<_>>(), expected);
}

/// The state of an instance that has none is not silently nothing.
#[tokio::test]
async fn who_asks_for_state_that_is_not_there_is_told() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let (other, id) = (bench.instance().await, bench.instance_of_same_job().await);
    for of in [&other, &id] {
        bench.start(&id, Some(StartFrom::latest(of.clone()))).await;
        worker.notify();
        let failed = bench.reaches(&id, InstanceState::Failed).await;
        let failure = failed.last_failure.unwrap();
        let message = failure["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("instance `{of}` has no state to start from")) && message.contains("start fresh"),
            "{message}"
        );
        assert_eq!((&failure["class"], &failure["retryable"]), (&json!("user"), &json!(false)));
    }
    assert_eq!(engine.launches(), []);
    // Who says nothing goes on from what there is, and reads where there was nothing.
    bench.start(&id, None).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Running).await;
    assert_eq!(engine.launches(), [(run_id(&id, 3), EngineStart::Fresh)]);
    let history = bench.store.instance_history(&bench.scope, &id, &PageRequest::default()).await.unwrap().items;
    let noted: Vec<_> = history.iter().filter(|entry| entry.action == "instance.began_fresh").collect();
    assert_eq!((noted.len(), &noted[0].detail["run"]), (1, &json!(3)));
}

/// RUN-4: what a run has committed is not written twice because its checkpoints have gone.
#[tokio::test]
async fn a_run_whose_checkpoints_are_gone_does_not_begin_anew() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let id = bench.running(&worker).await;
    engine.newest().checkpoint(3).await;
    let began = Instant::now();
    while bench.store.instance(&bench.scope, &id).await.unwrap().complete.is_none() {
        assert!(began.elapsed() < DEADLINE, "the checkpoint was never noted");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    engine.newest().checkpoint(4).await;
    bench.checkpoints.delete_prefix(&format!("{id}-1")).await.unwrap();
    engine.newest().end(ExecutionState::Failed(failure(FaultClass::External, "the broker is away")));
    let told = async |asked: &str| {
        let failed = bench.reaches(&id, InstanceState::Failed).await;
        let complete = failed.complete.unwrap();
        assert_eq!((complete.run, complete.checkpoint), (1, 4), "{asked}: the end of an execution is noted too");
        let failure = failed.last_failure.unwrap();
        let message = failure["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(&format!("the checkpoints of instance `{id}` are gone: checkpoint 4 of its run 1")), "{message}");
        assert!(message.contains(&format!("Restore the folder `{id}-1`")) && message.contains("--fresh"), "{message}");
        assert_eq!((&failure["class"], &failure["retryable"]), (&json!("external"), &json!(false)));
    };
    told("a restart").await;
    bench.start(&id, None).await;
    worker.notify();
    told("a start that says nothing").await;
    assert_eq!(engine.launches(), [(run_id(&id, 1), EngineStart::Fresh)], "nothing has begun anew");
    // An older one, restored from somewhere, is not enough.
    bench.checkpoints.put(&format!("{id}-1/chk-2/manifest.json"), bytes::Bytes::from_static(b"{}")).await.unwrap();
    bench.start(&id, None).await;
    worker.notify();
    told("an older one").await;
    // With it back all goes on; without state it begins when that is said.
    bench.checkpoints.put(&format!("{id}-1/chk-4/manifest.json"), bytes::Bytes::from_static(b"{}")).await.unwrap();
    for from in [None, Some(StartFrom::Fresh)] {
        bench.start(&id, from).await;
        worker.notify();
        bench.reaches(&id, InstanceState::Running).await;
        bench.stop(&id, false).await;
        worker.notify();
        bench.reaches(&id, InstanceState::Stopped).await;
    }
    let location = format!("{id}-1/chk-4");
    let expected = [EngineStart::Savepoint { location, allow_partial: false }, EngineStart::Fresh];
    assert_eq!(engine.launches().into_iter().skip(1).map(|(_, from)| from).collect::<Vec<_>>(), expected);
}

/// A savepoint is taken by the worker that runs the instance, whoever is asked.
#[tokio::test]
async fn another_worker_takes_the_savepoint_that_it_is_asked_for() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let worker = bench.worker("a", &engine, 60_000);
    let id = bench.running(&worker).await;
    let ask = async || {
        let asked = bench.store.ask_for_savepoint(&bench.cause, &bench.scope.tenant, &id, "a").await.unwrap();
        worker.notify();
        savepoints::await_savepoint(&bench.store, &asked, "a").await
    };
    let taken = ask().await.unwrap();
    let found = bench.store.savepoint(&bench.scope, &taken.id).await.unwrap();
    assert_eq!((found.state, found.location.as_deref()), (SavepointState::Completed, Some(taken.location.as_str())));
    *engine.newest().savepoints_work.lock() = false;
    let failed = ask().await.unwrap_err().to_string();
    assert!(failed.contains("the disk is full"), "{failed}");
    bench.stop(&id, false).await;
    worker.notify();
    bench.reaches(&id, InstanceState::Stopped).await;
    let late = ask().await.unwrap_err().to_string();
    assert!(late.contains("is not running"), "{late}");
}

/// A worker that cannot open the secrets of the metadata takes nothing: another one does.
#[tokio::test]
async fn a_worker_without_the_key_of_secrets_takes_no_instance() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let url = format!("sqlite://{}", bench._folder.path().join("metadata.db").display());
    let stranger = Store::open(StoreOptions::new(url, SecretKey::new(&[8; 32]))).await.unwrap();
    let blind = Arc::new(Worker { store: stranger, ..bench.parts("blind", &engine, 60_000) });
    let id = bench.instance().await;
    bench.start(&id, None).await;
    let refused = reconcile::pass(&blind).await.unwrap_err().to_string();
    assert!(refused.contains("copy `secrets.key` from the data folder of a server that is ready"), "{refused}");
    assert_eq!(bench.store.instance(&bench.scope, &id).await.unwrap().worker, None);
    assert!(blind.locals.views().is_empty());
    let worker = bench.worker("a", &engine, 60_000);
    worker.notify();
    assert_eq!(bench.reaches(&id, InstanceState::Running).await.worker.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_worker_that_dies_is_replaced_after_its_lease_and_fenced() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let first = bench.worker("a", &engine, 300);
    let id = bench.running(&first).await;
    let second = bench.worker("b", &engine, 60_000);
    // The first one's reconciler stands still: it renews no lease, but its execution goes on.
    first.task.abort();
    let began = Instant::now();
    while engine.launches().len() < 2 {
        assert!(began.elapsed() < DEADLINE, "the second worker does not take the instance");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let taken = bench.reaches(&id, InstanceState::Running).await;
    assert_eq!(taken.worker.as_deref(), Some("b"));
    // When the first one comes to, it finds that it has lost the instance, and ends its execution.
    let old = engine.seen.lock()[0].execution.clone();
    assert!(old.is_running());
    let first = Running { task: tokio::spawn(reconcile::run(first.worker.clone())), worker: first.worker };
    first.worker.locals.none_left().await;
    assert!(!old.is_running());
    assert!(engine.newest().is_running());
    second.task.abort();
}

#[tokio::test]
async fn a_restarted_worker_takes_its_instances_at_once() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let first = bench.worker("a", &engine, 3_600_000);
    let id = bench.running(&first).await;
    engine.newest().checkpoint(1).await;
    first.task.abort();
    let began = Instant::now();
    let again = bench.worker("a", &engine, 3_600_000);
    while engine.launches().len() < 2 {
        assert!(began.elapsed() < DEADLINE, "the restarted worker does not take its instance");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.reaches(&id, InstanceState::Running).await;
    assert_eq!(engine.launches()[1].1, EngineStart::LatestCheckpoint);
    again.task.abort();
}

#[tokio::test]
async fn an_instance_that_takes_its_workers_down_without_getting_further_fails() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let mut worker = bench.worker("a", &engine, 3_600_000);
    let id = bench.running(&worker).await;
    let launched = async |count: usize| {
        let began = Instant::now();
        while engine.launches().len() < count {
            assert!(began.elapsed() < DEADLINE, "the restarted worker does not take its instance");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for (lost, gets_further) in [(1, false), (2, false), (3, true), (4, false)] {
        if gets_further {
            engine.newest().checkpoint(1).await;
        }
        worker.task.abort();
        worker = bench.worker("a", &engine, 3_600_000);
        launched(lost + 1).await;
        bench.reaches(&id, InstanceState::Running).await;
    }
    worker.task.abort();
    let last = bench.worker("a", &engine, 3_600_000);
    let failed = bench.reaches(&id, InstanceState::Failed).await;
    let message = failed.last_failure.unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("3 workers in a row were lost"), "{message}");
    assert_eq!(engine.launches().len(), 5);
    last.task.abort();
}

#[tokio::test]
async fn a_worker_that_closes_gives_its_instances_back_and_leaves_no_savepoint() {
    let bench = Bench::new().await;
    let engine = bench.engine();
    let first = bench.worker("a", &engine, 3_600_000);
    let id = bench.running(&first).await;
    first.worker.closing.cancel();
    first.worker.locals.wish(&id, crate::local::Wish::GiveBack);
    first.worker.locals.none_left().await;
    let given = bench.reaches(&id, InstanceState::Restarting).await;
    assert_eq!((given.worker, engine.newest().is_running()), (None, false));
    assert_eq!(bench.checkpoints.list("savepoints").await.unwrap(), Vec::<String>::new());
    let second = bench.worker("b", &engine, 3_600_000);
    bench.reaches(&id, InstanceState::Running).await;
    second.task.abort();
}
