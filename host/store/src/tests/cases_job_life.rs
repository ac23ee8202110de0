//! Edit locks, kept drafts, folders, releases, log lines.

use super::{
    Fixture, ann,
    cases_definition::{Everything, everything},
    name,
};
use crate::{
    Cause, Decision, GoLive, InstanceReport, InstanceRequest, Job, JobChange, JobMove, KEPT_DRAFTS_MAX, LockRequest, LogFilter, NewLogLine,
    NewRelease, PageRequest, Release, ReleaseFilter, StartFrom, Store, StoreError, UnsavedDraft,
};
use millrace_domain::{
    Allocation, ApprovalEvent, ApprovalState, InstanceEvent, InstanceKind, InstanceState, LockEvent, Priority, ProjectScope, Quota,
    ReleaseState,
    approval::Standing,
    instance_log::{LogLevel, LogOrigin},
};
use millrace_model::graph::{JobGraph, RestartPolicy};
use std::collections::BTreeMap;

fn bob() -> Cause {
    Cause { actor: "usr_bob".into(), actor_name: "bob".into(), request_id: None }
}

fn draft(parallelism: u16) -> JobGraph {
    let mut graph = JobGraph::default();
    graph.parameters.parallelism = parallelism;
    graph
}

fn save(job: &Job, draft: JobGraph) -> JobChange {
    JobChange { folder: job.folder.clone(), description: String::new(), draft, expected_revision: job.revision }
}

fn with_draft(event: LockEvent, parallelism: u16) -> LockRequest {
    LockRequest { draft: Some(UnsavedDraft { graph: draft(parallelism), base_revision: Some(1) }), ..LockRequest::new(event) }
}

async fn setup(fixture: &Fixture) -> (ProjectScope, Everything, Job) {
    let scope = fixture.project("acme", "web").await;
    let made = everything(&fixture.store, &scope).await;
    let job = fixture.store.job(&scope, made.job.as_str()).await.unwrap();
    (scope, made, job)
}

pub(super) async fn only_the_holder_of_the_lock_saves(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, _, job) = setup(&fixture).await;
    let ask = async |cause: &Cause, request: LockRequest| store.change_lock(cause, &scope, &job.id, &request).await;

    let free = store.change_job(&bob(), &scope, &job.id, &save(&job, draft(2))).await.unwrap();
    assert_eq!(free.lock, None, "who never takes the lock saves as long as nobody holds it");
    let held = ask(&ann(), LockRequest::new(LockEvent::Acquire)).await.unwrap().unwrap();
    assert_eq!(held.holder.name, "ann");
    assert_eq!(store.job(&scope, "clean-clicks").await.unwrap().lock, Some(held));
    let locked = store.change_job(&bob(), &scope, &job.id, &save(&free, draft(3))).await.unwrap_err();
    assert!(matches!(locked, StoreError::Locked(_)) && locked.to_string().starts_with("`ann` edits the job"), "{locked}");
    let moving = JobMove { name: Some(name("other")), ..JobMove::default() };
    assert!(matches!(store.move_job(&bob(), &scope, &job.id, &moving).await, Err(StoreError::Locked(_))));
    assert!(matches!(store.delete_job(&bob(), &scope, &job.id).await, Err(StoreError::Locked(_))));

    // A soft steal that the holder refuses, then one that they do not answer.
    ask(&bob(), LockRequest::new(LockEvent::Ask)).await.unwrap();
    ask(&ann(), LockRequest::new(LockEvent::Refuse)).await.unwrap();
    ask(&ann(), with_draft(LockEvent::Renew, 7)).await.unwrap();
    ask(&bob(), LockRequest::new(LockEvent::Ask)).await.unwrap();
    fixture.advance(crate::LOCK_ANSWER_MS);
    assert_eq!(store.job_lock(&job.id).await.unwrap().unwrap().holder.name, "bob", "shown before anybody writes it");
    let lost = ask(&ann(), with_draft(LockEvent::Renew, 8)).await.unwrap_err();
    assert!(lost.to_string().starts_with("`bob` edits the job"), "{lost}");
    let kept = store.kept_drafts(&scope, &job.id, "usr_ann").await.unwrap();
    let shown: Vec<_> = kept.iter().map(|k| (k.draft.parameters.parallelism, k.reason.as_str(), k.lost_to.as_deref())).collect();
    assert_eq!(shown, [(8, "kept", Some("bob")), (7, "unanswered", Some("bob"))]);
    assert!(store.kept_drafts(&scope, &job.id, "usr_bob").await.unwrap().is_empty(), "a kept draft is its owner's alone");

    let saved = store.change_job(&bob(), &scope, &job.id, &save(&free, draft(4))).await.unwrap();
    // A hard steal, and the draft of before comes back.
    ask(&ann(), LockRequest::new(LockEvent::Take)).await.unwrap();
    let stale = store.restore_kept_draft(&ann(), &scope, &saved, &kept[0].id, 1).await.unwrap_err();
    assert!(matches!(stale, StoreError::RevisionConflict { .. }), "{stale}");
    let restored = store.restore_kept_draft(&ann(), &scope, &saved, &kept[0].id, saved.revision).await.unwrap();
    assert_eq!((restored.draft.parameters.parallelism, restored.revision), (8, saved.revision + 1));
    store.discard_kept_draft(&ann(), &scope, &job.id, &kept[1].id).await.unwrap();
    assert!(store.kept_drafts(&scope, &job.id, "usr_ann").await.unwrap().is_empty());
    ask(&ann(), LockRequest::new(LockEvent::Release)).await.unwrap();
    assert_eq!(store.job_lock(&job.id).await.unwrap(), None);
}

pub(super) async fn a_lock_runs_out_and_its_draft_stays(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, _, job) = setup(&fixture).await;
    let ask = async |cause: &Cause, request: LockRequest| store.change_lock(cause, &scope, &job.id, &request).await;
    ask(&ann(), with_draft(LockEvent::Acquire, 2)).await.unwrap();
    fixture.advance(crate::LOCK_LEASE_MS);
    assert_eq!(store.job(&scope, "clean-clicks").await.unwrap().lock, None);
    ask(&ann(), LockRequest::new(LockEvent::Renew)).await.unwrap();
    assert!(store.kept_drafts(&scope, &job.id, "usr_ann").await.unwrap().is_empty(), "who comes back in time goes on");
    fixture.advance(crate::LOCK_LEASE_MS);
    store.change_job(&bob(), &scope, &job.id, &save(&job, draft(5))).await.unwrap();
    let kept = store.kept_drafts(&scope, &job.id, "usr_ann").await.unwrap();
    assert_eq!((kept[0].draft.clone(), kept[0].reason.as_str()), (draft(2), "expired"), "the draft came with the lock and outlives it");
    for parallelism in 10..30 {
        ask(&bob(), LockRequest::new(LockEvent::Take)).await.unwrap();
        ask(&ann(), with_draft(LockEvent::Renew, parallelism)).await.unwrap_err();
    }
    let kept = store.kept_drafts(&scope, &job.id, "usr_ann").await.unwrap();
    assert_eq!((kept.len() as i64, kept[0].draft.clone()), (KEPT_DRAFTS_MAX, draft(29)), "the newest stay");
    // Eight want it at once: one has it.
    ask(&bob(), LockRequest::new(LockEvent::Release)).await.unwrap();
    let acquired = (0..8).map(|number| {
        let (store, scope, job) = (store.clone(), scope.clone(), job.id.clone());
        let cause = Cause { actor: format!("usr_{number}"), actor_name: format!("u{number}"), request_id: None };
        async move { store.change_lock(&cause, &scope, &job, &LockRequest::new(LockEvent::Acquire)).await }
    });
    let acquired = futures::future::join_all(acquired).await;
    assert_eq!(acquired.iter().filter(|a| a.is_ok()).count(), 1);
}

pub(super) async fn folders_are_a_tree_that_moves_as_a_whole(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, _, job) = setup(&fixture).await;
    let shown = async || {
        let folders = store.folders(&scope).await.unwrap();
        folders.into_iter().map(|f| format!("{}={}/{}", f.path, f.jobs, f.jobs_below)).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, ["=0/1", "web=0/1", "web/clean=1/1"]);
    for path in ["web/empty", "we_", "we_/x"] {
        store.create_folder(&ann(), &scope, &path.parse().unwrap()).await.unwrap();
    }
    let into_itself = store.move_folder(&ann(), &scope, &"web".parse().unwrap(), &"web/deeper".parse().unwrap()).await;
    assert!(matches!(into_itself, Err(StoreError::Invalid { field: "to", .. })), "{into_itself:?}");
    assert_eq!(store.move_folder(&ann(), &scope, &"web".parse().unwrap(), &"etl/web".parse().unwrap()).await.unwrap(), 1);
    assert_eq!(shown().await, ["=0/1", "etl=0/1", "etl/web=0/1", "etl/web/clean=1/1", "etl/web/empty=0/0", "we_=0/0", "we_/x=0/0"]);
    assert_eq!(
        store.job(&scope, "clean-clicks").await.unwrap().revision,
        job.revision + 1,
        "whoever has read it before must read it again"
    );
    let full = store.delete_folder(&ann(), &scope, &"etl".parse().unwrap()).await.unwrap_err();
    assert!(matches!(full, StoreError::InUse { .. }), "{full}");
    store.delete_folder(&ann(), &scope, &"we_".parse().unwrap()).await.unwrap();
    assert_eq!(shown().await, ["=0/1", "etl=0/1", "etl/web=0/1", "etl/web/clean=1/1", "etl/web/empty=0/0"]);
    let nowhere = store.move_folder(&ann(), &scope, &"web".parse().unwrap(), &"x".parse().unwrap()).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound { .. })), "{nowhere:?}");
    store.change_lock(&ann(), &scope, &job.id, &LockRequest::new(LockEvent::Acquire)).await.unwrap();
    let locked = store.move_folder(&bob(), &scope, &"etl".parse().unwrap(), &"x".parse().unwrap()).await;
    assert!(matches!(locked, Err(StoreError::Locked(_))), "{locked:?}");
}

async fn run(store: &Store, scope: &ProjectScope, id: &millrace_model::ids::InstanceId) {
    store.request_instance(&ann(), scope, id, &InstanceRequest::Start { from: None, parameters: None }).await.unwrap();
    launched(store, id).await;
}

async fn launched(store: &Store, id: &millrace_model::ids::InstanceId) {
    let claimed = store.claim_instance(id, "w1", store.now_ms() + 1_000).await.unwrap().expect("claimed");
    let report = InstanceReport { attempt: claimed.attempt, event: InstanceEvent::Launched, failure: None, restart_count: None };
    store.report_instance(&Cause::system("worker"), id, &report).await.unwrap();
}

async fn halted(store: &Store, id: &millrace_model::ids::InstanceId) {
    let attempt = store.any_instance(id).await.unwrap().attempt;
    let report = InstanceReport { attempt, event: InstanceEvent::Halted, failure: None, restart_count: None };
    store.report_instance(&Cause::system("worker"), id, &report).await.unwrap();
}

async fn decided(store: &Store, scope: &ProjectScope, release: &Release, event: ApprovalEvent) -> Result<Release, StoreError> {
    let standing = Standing { is_applicant: event == ApprovalEvent::Withdraw, is_decider: event != ApprovalEvent::Withdraw };
    let decision = Decision { event, standing, opinion: "fine".into() };
    let approval = store.approval(&scope.tenant, release.approval.as_deref().unwrap()).await?.id;
    store.decide_approval(&bob(), &scope.tenant, &approval, &decision).await?;
    store.release(scope, &release.id).await
}

async fn approved(store: &Store, scope: &ProjectScope, release: &Release) {
    assert_eq!(decided(store, scope, release, ApprovalEvent::Approve).await.unwrap().state, ReleaseState::Published);
}

fn live(slots: u16) -> GoLive {
    let allocation = Allocation { slots, memory_mib: Some(64), fuel_per_second: None, priority: Priority::High };
    GoLive { allocation, start: None, parameters: BTreeMap::new(), restart: None, start_now: true }
}

pub(super) async fn a_release_goes_live_and_a_newer_one_takes_its_place(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made, job) = setup(&fixture).await;
    let new = NewRelease { test_instance: made.instance.clone(), reason: "it counts".into() };
    let early = store.request_release(&ann(), &scope, &new).await.unwrap_err().to_string();
    assert!(early.ends_with("is created: it has not run yet"), "{early}");
    run(store, &scope, &made.instance).await;
    let release = store.request_release(&ann(), &scope, &new).await.unwrap();
    assert_eq!((release.state, release.version_number, release.job_name.as_str()), (ReleaseState::Requested, 1, "clean-clicks"));
    assert!(matches!(store.request_release(&ann(), &scope, &new).await, Err(StoreError::Conflict { code: "release.open", .. })));
    assert!(matches!(store.go_live(&ann(), &scope, &release.id, &live(1)).await, Err(StoreError::Release(_))), "not approved yet");
    let back = decided(store, &scope, &release, ApprovalEvent::Withdraw).await.unwrap();
    assert_eq!(back.state, ReleaseState::Withdrawn);
    let release = store.request_release(&ann(), &scope, &new).await.unwrap();
    let no = decided(store, &scope, &release, ApprovalEvent::Reject).await.unwrap();
    assert_eq!((no.state, no.opinion.as_deref(), no.decided_by.as_deref()), (ReleaseState::Rejected, Some("fine"), Some("bob")));
    let release = store.request_release(&ann(), &scope, &new).await.unwrap();
    fixture.advance(15 * 24 * 60 * 60 * 1_000);
    store.sweep_approvals().await.unwrap();
    assert_eq!(store.release(&scope, &release.id).await.unwrap().state, ReleaseState::Withdrawn, "nobody decided in time");
    let release = store.request_release(&ann(), &scope, &new).await.unwrap();
    approved(store, &scope, &release).await;
    let wide = GoLive { parameters: [("parallelism".into(), "3".into())].into(), ..live(2) };
    let narrow = store.go_live(&ann(), &scope, &release.id, &wide).await;
    assert!(matches!(narrow, Err(StoreError::Allocation(_))), "three subtasks do not fit into two slots");
    // There must be room for it beside what runs already.
    let slots = async || store.project_quotas(&scope).await.unwrap().iter().find(|a| a.quota == Quota::Slots).unwrap().used;
    store.set_project_quota(&ann(), &scope, Quota::Slots, Some(slots().await + 1)).await.unwrap();
    let full = store.go_live(&ann(), &scope, &release.id, &live(2)).await.unwrap_err();
    assert!(matches!(full, StoreError::QuotaExceeded { place: "project", quota: Quota::Slots, wanted: 2, .. }), "{full}");
    assert_eq!(store.release(&scope, &release.id).await.unwrap().state, ReleaseState::Published, "nothing was made");
    store.set_project_quota(&ann(), &scope, Quota::Slots, None).await.unwrap();
    let two: BTreeMap<String, String> = [("parallelism".into(), "2".into())].into();
    let (online, first) = store.go_live(&ann(), &scope, &release.id, &GoLive { parameters: two.clone(), ..live(2) }).await.unwrap();
    assert_eq!((&online.parameters, &first.parameters), (&two, &two));
    let other = InstanceRequest::Start { from: None, parameters: Some([("parallelism".into(), "1".into())].into()) };
    let other = store.request_instance(&ann(), &scope, &first.id, &other).await;
    assert!(matches!(other, Err(StoreError::Conflict { code: "release.parameters", .. })), "{other:?}");
    assert_eq!((online.state, online.instance.as_ref(), online.opinion.as_deref()), (ReleaseState::Online, Some(&first.id), None));
    assert_eq!((first.kind, first.state, first.start.clone()), (InstanceKind::Production, InstanceState::Starting, StartFrom::Fresh));
    launched(store, &first.id).await;

    // The next version: the old instance ends with a savepoint before the new one starts from it.
    let mut graph = store.version(&scope, &made.version).await.unwrap().graph;
    graph.parameters.parallelism = 2;
    let version = crate::NewJobVersion { graph, pins: serde_json::json!({}), content_hash: "ff".into(), description: String::new() };
    let version = store.add_job_version(&ann(), &scope, &job.id, &version).await.unwrap();
    let test = crate::NewInstance {
        job: job.id.clone(),
        version: version.id.clone(),
        start: StartFrom::Fresh,
        parameters: BTreeMap::new(),
        restart: None,
        production: None,
    };
    let test = store.create_instance(&ann(), &scope, &test).await.unwrap();
    run(store, &scope, &test.id).await;
    let second = store.request_release(&ann(), &scope, &NewRelease { test_instance: test.id, reason: String::new() }).await.unwrap();
    approved(store, &scope, &second).await;
    // The instance that it replaces gives its place to it.
    store.set_project_quota(&ann(), &scope, Quota::Slots, Some(slots().await)).await.unwrap();
    let (second, next) = store.go_live(&ann(), &scope, &second.id, &live(2)).await.unwrap();
    store.set_project_quota(&ann(), &scope, Quota::Slots, None).await.unwrap();
    assert_eq!((next.state, next.start_after.as_ref()), (InstanceState::Created, Some(&first.id)));
    assert_eq!(next.start, StartFrom::latest(first.id.clone()));
    let old = store.instance(&scope, &first.id).await.unwrap();
    assert_eq!((old.state, old.stop_with_savepoint), (InstanceState::Stopping, true));
    assert_eq!(store.release(&scope, &release.id).await.unwrap().state, ReleaseState::Replaced);
    let system = Cause::system("reconciler");
    assert_eq!(store.start_due_successors(&system).await.unwrap(), 0, "its predecessor still ends");
    halted(store, &first.id).await;
    assert_eq!(store.start_due_successors(&system).await.unwrap(), 1);
    assert_eq!(store.start_due_successors(&system).await.unwrap(), 0);
    assert_eq!(store.instance(&scope, &next.id).await.unwrap().state, InstanceState::Starting);
    let old = store.request_instance(&ann(), &scope, &first.id, &InstanceRequest::Start { from: None, parameters: None }).await;
    assert!(matches!(old, Err(StoreError::Conflict { code: "release.not_online", .. })), "{old:?}");
    assert_eq!(store.active_instances().await.unwrap()[0].id, next.id, "high priority is first");

    // A restart runs the version and the parameters that were released, whatever was submitted since.
    launched(store, &next.id).await;
    store.request_instance(&ann(), &scope, &next.id, &InstanceRequest::Stop { with_savepoint: false }).await.unwrap();
    halted(store, &next.id).await;
    let pair = [store.instance(&scope, &first.id).await.unwrap(), store.instance(&scope, &next.id).await.unwrap()];
    let off_line = store.off_line(&scope, &pair).await.unwrap();
    assert!(off_line.contains(&first.id) && !off_line.contains(&next.id), "the release of the first was replaced");
    let again = InstanceRequest::Start { from: None, parameters: Some(BTreeMap::new()) };
    let again = store.request_instance(&ann(), &scope, &next.id, &again).await.unwrap();
    assert_eq!((&again.version, &again.parameters, &again.allocation), (&version.id, &BTreeMap::new(), &second.allocation));

    let off = store.take_offline(&ann(), &scope, &second.id, true).await.unwrap();
    assert_eq!(off.state, ReleaseState::Offline);
    assert_eq!(store.instance(&scope, &next.id).await.unwrap().state, InstanceState::Stopping);
    let listed = |state| ReleaseFilter { state: Some(state), job: Some(job.id.clone()) };
    for (state, count) in [(ReleaseState::Offline, 1), (ReleaseState::Replaced, 1), (ReleaseState::Online, 0)] {
        assert_eq!(store.releases(&scope, &listed(state), &PageRequest::default()).await.unwrap().items.len(), count, "{state}");
    }
    // Back to the version before: a replaced release can go live again, and waits for the one that still ends.
    let (back, last) = store.go_live(&ann(), &scope, &release.id, &live(2)).await.unwrap();
    assert_eq!((back.state, last.start_after.as_ref()), (ReleaseState::Online, Some(&next.id)));
    store.archive_project(&ann(), &scope).await.unwrap();
    halted(store, &next.id).await;
    assert_eq!(store.start_due_successors(&system).await.unwrap(), 0, "nothing starts in an archived project");
    assert_eq!(store.instance(&scope, &last.id).await.unwrap().start_after, None);
    let other = fixture.project("bolt", "web").await;
    assert!(matches!(store.release(&other, &release.id).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn log_lines_are_filtered_followed_and_bounded(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made, _) = setup(&fixture).await;
    let line = |at_ms: i64, level, node: Option<&str>, message: &str| NewLogLine {
        instance: made.instance.clone(),
        at_ms,
        level,
        origin: LogOrigin::Guest,
        node: node.map(str::to_owned),
        message: message.to_owned(),
    };
    let lines = [
        line(1, LogLevel::Debug, Some("clean"), "begins"),
        line(2, LogLevel::Warn, Some("clean"), "100% odd_row\0"),
        line(3, LogLevel::Error, None, "Odd end"),
    ];
    store.append_logs(&lines).await.unwrap();
    let found = async |filter: LogFilter| {
        let page = store.instance_logs(&scope, &made.instance, &filter, &PageRequest::default()).await.unwrap();
        page.items.into_iter().map(|line| line.at_ms).collect::<Vec<_>>()
    };
    assert_eq!(found(LogFilter::default()).await, [3, 2, 1]);
    assert_eq!(found(LogFilter { level_min: Some(LogLevel::Warn), ..LogFilter::default() }).await, [3, 2]);
    assert_eq!(found(LogFilter { text: Some("odd".into()), ..LogFilter::default() }).await, [3, 2]);
    assert_eq!(found(LogFilter { text: Some("d_r".into()), ..LogFilter::default() }).await, [2], "`_` is a letter");
    assert_eq!(found(LogFilter { node: Some("clean".into()), from_ms: Some(2), to_ms: Some(3), ..LogFilter::default() }).await, [2]);
    let first =
        store.instance_logs(&scope, &made.instance, &LogFilter::default(), &PageRequest::default()).await.unwrap().items.pop().unwrap();
    let behind = store.logs_after(&scope, &made.instance, &LogFilter::default(), &first.id, 10).await.unwrap();
    assert_eq!(behind.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["100% odd_row", "Odd end"]);
    let other = fixture.project("bolt", "web").await;
    assert!(store.logs_after(&other, &made.instance, &LogFilter::default(), "", 10).await.unwrap().is_empty());
    let many: Vec<_> = (0..6_000).map(|at| line(at + 10, LogLevel::Info, None, "x")).collect();
    store.append_logs(&many).await.unwrap();
    let kept = store.logs_after(&scope, &made.instance, &LogFilter::default(), "", 10_000).await.unwrap();
    assert_eq!((kept.len(), kept[0].at_ms), (5_000, 1_010), "the oldest go first");
}

pub(super) async fn savepoints_go_and_restart_policies_stay(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made, _) = setup(&fixture).await;
    let taken = store.begin_savepoint(&ann(), &scope.tenant, &made.instance).await.unwrap();
    assert!(matches!(store.delete_savepoint(&ann(), &scope, &taken.id).await, Err(StoreError::InUse { .. })), "it is being taken");
    store.complete_savepoint(&scope.tenant, &taken.id, "savepoints/1", 1, 10).await.unwrap();
    let from = Some(StartFrom::Savepoint { savepoint: taken.id.clone(), allow_partial: false });
    store.request_instance(&ann(), &scope, &made.instance, &InstanceRequest::Start { from, parameters: None }).await.unwrap();
    let used = store.delete_savepoint(&ann(), &scope, &taken.id).await.unwrap_err();
    assert!(matches!(used, StoreError::InUse { what: "savepoint", .. }), "{used}");
    launched(store, &made.instance).await;
    assert_eq!(store.delete_savepoint(&ann(), &scope, &taken.id).await.unwrap().location.as_deref(), Some("savepoints/1"));
    assert!(matches!(store.delete_savepoint(&ann(), &scope, &taken.id).await, Err(StoreError::NotFound { .. })));
    let policy = RestartPolicy { attempts_max: 1, ..RestartPolicy::default() };
    let set = store.set_restart_policy(&ann(), &scope, &made.instance, Some(&policy)).await.unwrap();
    assert_eq!(set.restart, Some(policy));
    assert_eq!(store.instance(&scope, &made.instance).await.unwrap(), set);
    let odd = Some(StartFrom::Time { timestamp_ms: -1 });
    let start = InstanceRequest::Start { from: odd, parameters: None };
    assert!(store.request_instance(&ann(), &scope, &made.instance, &start).await.is_err());
    let history = store.instance_history(&scope, &made.instance, &PageRequest::default()).await.unwrap().items;
    let actions: Vec<_> = history.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["instance.start", "savepoint.delete", "instance.launched", "instance.start", "savepoint.create", "instance.create"]
    );
}

pub(super) async fn what_waits_for_a_decision_ends_with_its_project(fixture: Fixture) {
    let store = &fixture.store;
    let (scope, made, _) = setup(&fixture).await;
    run(store, &scope, &made.instance).await;
    let new = NewRelease { test_instance: made.instance.clone(), reason: "it counts".into() };
    let release = store.request_release(&ann(), &scope, &new).await.unwrap();
    let approval = store.approval(&scope.tenant, release.approval.as_deref().unwrap()).await.unwrap();
    store.archive_project(&ann(), &scope).await.unwrap();
    assert_eq!(store.approval(&scope.tenant, approval.id.as_str()).await.unwrap().state, ApprovalState::Expired);
    assert_eq!(store.release(&scope, &release.id).await.unwrap().state, ReleaseState::Withdrawn);
    let steps = store.approval_history(&scope.tenant, &approval.id).await.unwrap();
    assert!(steps.iter().any(|s| s.event == "expire" && s.note == "the project was archived"), "{steps:?}");
    let late = decided(store, &scope, &release, ApprovalEvent::Approve).await;
    assert!(late.is_err(), "nothing is left to decide: {late:?}");
}
