//! One unit test from its packages to its verdict.

use super::{
    UNIT_TEST_SECONDS_MAX, UnitTestLimits, UnitTestOrder,
    judge::{Expectation, judge},
    packages,
    registry::{Place, UnitTest},
    report::{ComparisonReport, SinkRows, UnitTestReport, UnitTestSink, UnitTestSource, UnitTestState},
};
use crate::{ControlError, FailureReport, PinError, catalog::WithoutOutside, facade::Control};
use millrace_checkpoint::MemoryStore;
use millrace_engine::{
    Catalog, EngineServices, ExecutionState, JobFailure, JobHandle, JobMetrics, StartFrom, StartOptions,
    trial::{Collected, CollectionLimits, JobEnd, Trial, one_subtask_each, read_expected},
};
use millrace_model::{
    graph::{GraphError, JobGraph},
    ids::{InstanceId, JobId, NodeId, TenantId},
};
use millrace_store::TableViewer;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// State that a unit test may have.
const STATE_BYTES_MAX: usize = 64 << 20;
/// How often fuel is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A run with everything that is asked of it.
pub(super) struct TestRun {
    job_name: String,
    by: String,
    seed: u64,
    started_at_ms: i64,
    sources: Vec<(JobEnd, u64)>,
    sinks: Vec<JobEnd>,
    collected: BTreeMap<NodeId, Arc<Collected>>,
    expected: BTreeMap<NodeId, Expectation>,
    warnings: Vec<String>,
    handle: JobHandle,
    tenant: TenantId,
    services: EngineServices,
    ending: Mutex<Ending>,
}

#[derive(Default)]
struct Ending {
    /// Set before the run is ended from outside.
    reason: Option<UnitTestState>,
    state: Option<UnitTestState>,
    at_ms: Option<i64>,
    failure: Option<FailureReport>,
    comparisons: BTreeMap<NodeId, ComparisonReport>,
}

/// Reads, plans, starts; the run is watched until its end.
pub(super) async fn begin(
    control: &Control,
    viewer: &TableViewer,
    by: &str,
    order: UnitTestOrder,
    place: Place,
) -> Result<UnitTestReport, PinError> {
    let scope = &viewer.scope;
    control.hold_tenant(&scope.tenant).await.map_err(PinError::Control)?;
    order.order.check().map_err(|(field, message)| wrong(&format!("order.{field}"), "unit_test.order", message))?;
    let mut warnings = Vec::new();
    let mut packages_read = BTreeMap::new();
    for (name, package) in order.sources {
        let (rows, found) = packages::read(control, package).await.map_err(PinError::Control)?;
        warnings.extend(found);
        packages_read.insert(name, rows);
    }
    let catalog = control.draft_catalog(viewer, &order.graph).await.map_err(PinError::Control)?;
    let services = EngineServices {
        checkpoints: Arc::new(MemoryStore::new(STATE_BYTES_MAX)),
        accounts: control.services.accounts.of_one_run(&scope.tenant),
        sandbox: control.services.sandbox.for_tenant(&scope.tenant),
        ..control.services.clone()
    };
    let (plan, found) = if order.with_capabilities {
        plan(&order.graph, &scope.tenant, &catalog, &services).await?
    } else {
        plan(&order.graph, &scope.tenant, &WithoutOutside(&catalog), &services).await?
    };
    warnings.extend(found);
    let (sources, sinks) = (plan.sources(), plan.sinks());
    let rows = packages::by_node(packages_read, &sources)?;
    let counts: BTreeMap<NodeId, u64> = rows.iter().map(|(node, rows)| (node.clone(), rows.lines.len() as u64)).collect();
    let mut expected = BTreeMap::new();
    for (name, (package, mode)) in order.expected {
        let (rows, found) = packages::read(control, package).await.map_err(PinError::Control)?;
        warnings.extend(found);
        for node in packages::ends_named(&name, &sinks, "sink")? {
            let Some(sink) = sinks.iter().find(|sink| sink.node == *node) else { continue };
            let fail = |message: String| wrong(&format!("expected.{name}"), "unit_test.expected", message);
            let read = read_expected(&rows, &sink.schema).map_err(fail)?;
            expected.insert(node.clone(), Expectation { rows: read, mode, key: sink.key.clone() });
        }
    }
    let limits = CollectionLimits { rows_max: order.limits.sink_rows_max, bytes_max: order.limits.bytes_max };
    let Trial { plan, collected, warnings: found } = plan.into_trial(rows, order.order, limits).map_err(PinError::Graph)?;
    warnings.extend(found);
    warnings.sort();
    warnings.dedup();
    let id = format!("ut_{}", uuid::Uuid::now_v7().simple());
    let options = StartOptions {
        tenant: scope.tenant.clone(),
        instance: InstanceId::new(id.as_str()),
        job: order.job_name.clone(),
        version_hash: String::new(),
        from: StartFrom::Fresh,
    };
    let handle = millrace_engine::start(plan, options, &services).await.map_err(|error| failed_start(JobFailure::from(error)))?;
    let run = TestRun {
        job_name: order.job_name,
        by: by.to_owned(),
        seed: order.order.seed,
        started_at_ms: now_ms(),
        sources: sources.into_iter().map(|end| (end.clone(), counts.get(&end.node).copied().unwrap_or(0))).collect(),
        sinks,
        collected,
        expected,
        warnings,
        handle,
        tenant: scope.tenant.clone(),
        services,
        ending: Mutex::default(),
    };
    let test = Arc::new(UnitTest { scope: scope.clone(), job: order.job, id, run });
    control.unit_tests().keep(test.clone());
    let report = test.report();
    tokio::spawn(watch(test, order.limits, place));
    Ok(report)
}

fn wrong(field: &str, code: &str, message: String) -> PinError {
    PinError::Graph(vec![GraphError::in_document(field, code, message)])
}

fn failed_start(failure: JobFailure) -> PinError {
    PinError::Control(match failure.class {
        millrace_model::FaultClass::User => ControlError::invalid("unit_test.start", failure.message),
        millrace_model::FaultClass::External => ControlError::External { system: "unit test".into(), message: failure.message },
        millrace_model::FaultClass::Internal => ControlError::Internal(failure.message),
    })
}

/// Plans a document with one subtask for each operator.
async fn plan(
    document: &JobGraph,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
) -> Result<(millrace_engine::ExecutionPlan, Vec<String>), PinError> {
    let planned = millrace_engine::plan_document(document, tenant, catalog, services, false).await.map_err(PinError::Graph)?;
    let mut graph = planned.graph;
    one_subtask_each(&mut graph);
    let warnings = planned.warnings.iter().map(|warning| warning.message.clone()).collect();
    Ok((millrace_engine::plan(&graph, tenant, catalog, services).await.map_err(PinError::Graph)?, warnings))
}

/// Ends the run when it has used what it may; then compares.
async fn watch(test: Arc<UnitTest>, limits: UnitTestLimits, place: Place) {
    let run = &test.run;
    let seconds = limits.seconds_max.clamp(1, UNIT_TEST_SECONDS_MAX);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let ended = loop {
        tokio::select! {
            ended = run.handle.ended() => break ended,
            () = tokio::time::sleep(LOOK) => {
                let fuel = run.fuel();
                if fuel > limits.fuel_max {
                    run.end_because(UnitTestState::OutOfBounds, &format!("its plugins burnt {fuel} fuel, more than the {} they may", limits.fuel_max));
                } else if tokio::time::Instant::now() >= deadline {
                    run.end_because(UnitTestState::OutOfBounds, &format!("it ran longer than {seconds} s"));
                }
            }
        }
    };
    // Comparing ten thousand rows takes a while.
    let judged = test.clone();
    let _ = tokio::task::spawn_blocking(move || judged.run.close(ended)).await;
    drop(place);
}

impl TestRun {
    pub(super) fn cancel(&self) {
        self.end_because(UnitTestState::Cancelled, "it was cancelled");
    }

    fn end_because(&self, reason: UnitTestState, message: &str) {
        let mut ending = self.ending.lock();
        if ending.state.is_none() && ending.reason.is_none() {
            ending.reason = Some(reason);
            let message = message.to_owned();
            let class = millrace_model::FaultClass::User;
            ending.failure = Some(FailureReport { class, retryable: false, operator: None, message, fault: None, at_ms: now_ms() });
            self.handle.cancel();
        }
    }

    fn close(&self, ended: ExecutionState) {
        let compare = |(node, expectation): (&NodeId, &Expectation)| Some((node.clone(), judge(expectation, self.collected.get(node)?)));
        let comparisons: BTreeMap<NodeId, ComparisonReport> = match ended {
            ExecutionState::Finished => self.expected.iter().filter_map(compare).collect(),
            ExecutionState::Running | ExecutionState::Stopped | ExecutionState::Failed(_) => BTreeMap::new(),
        };
        let mut ending = self.ending.lock();
        ending.at_ms = Some(now_ms());
        ending.state = Some(match ended {
            ExecutionState::Finished if self.expected.is_empty() => UnitTestState::Finished,
            ExecutionState::Finished if comparisons.values().all(|c| c.matches) => UnitTestState::Passed,
            ExecutionState::Finished => UnitTestState::Differs,
            ExecutionState::Failed(failure) => {
                let fault = failure.fault.and_then(|fault| serde_json::to_value(fault).ok());
                let JobFailure { class, operator, message, .. } = JobFailure { fault: None, ..failure };
                ending.failure = Some(FailureReport { class, retryable: false, operator, message, fault, at_ms: now_ms() });
                UnitTestState::Failed
            }
            ExecutionState::Running | ExecutionState::Stopped => ending.reason.unwrap_or(UnitTestState::Cancelled),
        });
        if !matches!(ending.state, Some(UnitTestState::OutOfBounds | UnitTestState::Cancelled | UnitTestState::Failed)) {
            // It was at its end already when somebody wanted to end it.
            ending.failure = None;
        }
        ending.comparisons = comparisons;
    }

    pub(super) fn state(&self) -> UnitTestState {
        self.ending.lock().state.unwrap_or(UnitTestState::Running)
    }

    fn fuel(&self) -> u64 {
        self.services.accounts.get(&self.tenant).usage().fuel
    }

    pub(super) fn rows(&self, sink: &NodeId, after: u64, limit: usize) -> Option<SinkRows> {
        // Asked first: whoever hears that it has ended has all rows.
        let is_running = self.state() == UnitTestState::Running;
        Some(SinkRows { page: self.collected.get(sink)?.page(after, limit), is_running })
    }

    pub(super) fn report(&self, id: &str, job: &JobId) -> UnitTestReport {
        let metrics = self.handle.metrics();
        let (state, ended_at_ms, failure, comparisons) = {
            let ending = self.ending.lock();
            let state = ending.state.unwrap_or(UnitTestState::Running);
            (state, ending.at_ms, ending.failure.clone(), ending.comparisons.clone())
        };
        let sources: Vec<UnitTestSource> = self.sources.iter().map(|(end, rows)| source(end, *rows, &metrics)).collect();
        let sink = |end: &JobEnd| {
            let page = self.collected.get(&end.node).map(|c| c.page(u64::MAX, 0));
            let (rows, rows_kept) = page.map(|p| (p.total, p.kept)).unwrap_or_default();
            UnitTestSink {
                node: end.node.to_string(),
                table: end.table.clone(),
                schema: end.schema.clone(),
                rows,
                rows_kept,
                watermark_ms: figure(&metrics, &end.node, "currentInputWatermark").map(|ms| ms as i64).filter(|ms| *ms < i64::MAX),
                comparison: comparisons.get(&end.node).cloned(),
            }
        };
        let late_in_operators: u64 = (metrics.operators.iter())
            .flat_map(|o| o.counters.iter())
            .filter(|(name, _)| *name == "numLateRecordsDropped")
            .map(|(_, count)| *count)
            .sum();
        UnitTestReport {
            id: id.to_owned(),
            job: job.to_string(),
            job_name: self.job_name.clone(),
            by: self.by.clone(),
            state,
            seed: self.seed,
            started_at_ms: self.started_at_ms,
            ended_at_ms,
            late_rows: late_in_operators + sources.iter().map(|s| s.late_rows).sum::<u64>(),
            sources,
            sinks: self.sinks.iter().map(sink).collect(),
            dead_letters: metrics.dead_letters,
            recent_dead_letters: self.handle.recent_dead_letters(),
            failure,
            warnings: self.warnings.clone(),
            fuel: self.fuel(),
        }
    }
}

fn source(end: &JobEnd, rows: u64, metrics: &JobMetrics) -> UnitTestSource {
    let count = |name: &str| figure(metrics, &end.node, name).unwrap_or(0.0) as u64;
    UnitTestSource {
        node: end.node.to_string(),
        table: end.table.clone(),
        rows,
        rows_read: count("numRecordsIn"),
        late_rows: count("numLateRecordsDropped"),
        bad_rows: count("numRecordsInErrors"),
        watermark_ms: figure(metrics, &end.node, "currentOutputWatermark").map(|ms| ms as i64),
    }
}

/// A metric of a node with one subtask.
fn figure(metrics: &JobMetrics, node: &NodeId, name: &str) -> Option<f64> {
    metrics.operators.iter().rfind(|o| o.node == *node)?.subtasks.first()?.get(name).copied()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
