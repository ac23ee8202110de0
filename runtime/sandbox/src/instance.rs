//! A running instance of tenant code, whatever its world: one store, one instance, metered calls.
//!
//! Invariant: after a trap, a missed deadline or a broken contract the store is gone; nothing of it is used again.
//! Every call runs under fuel, interrupt ticks and the outer deadline, and is charged to the tenant however it ends.

use crate::account::TenantAccount;
use crate::bindings::Fault;
use crate::cage::{Cage, Refusal};
use crate::context::{GuestContext, RejectedRow, Rejections, seed};
use crate::convert::{Invalid, OutputLimits};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::limits::OperatorLimits;
use crate::loaded::LoadedComponent;
use crate::log::{Counters, GuestLog, LogRate, cut};
use crate::metered::{Metered, Spent};
use crate::sandbox::Sandbox;
use millrace_model::Origin;
use millrace_model::ids::{NodeId, TenantId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Store;

/// What every guest is opened with, whatever its world.
#[derive(Clone)]
pub struct OpenGuest {
    /// Whose code it is.
    pub tenant: TenantId,
    /// Job (and instance) as it should appear in reports.
    pub job: String,
    /// The node.
    pub operator: NodeId,
    /// Name of the SQL function that the guest is; `None` for operators.
    pub function: Option<String>,
    /// The node's parameters, as the guest reads them.
    pub parameters: BTreeMap<String, String>,
    /// Limits of this instance.
    pub limits: OperatorLimits,
    /// The tenant's account.
    pub account: Arc<TenantAccount>,
    /// Where the guest's log lines go.
    pub log: Arc<dyn GuestLog>,
    /// Its place in the job and what it may use.
    pub context: GuestContext,
}

impl OpenGuest {
    /// Which code of the job it is.
    fn place(&self) -> String {
        match &self.function {
            Some(function) => format!("{}/{function}", self.operator),
            None => self.operator.to_string(),
        }
    }
}

/// What a guest has used since it was opened, reopenings included.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Usage {
    /// Fuel charged.
    pub fuel: u64,
    /// Microseconds that the guest ran.
    pub time_us: u64,
    /// Bytes of linear memory of the instance now.
    pub memory_bytes: u64,
    /// Most bytes of linear memory of any instance.
    pub memory_peak_bytes: u64,
    /// Calls, `open` included.
    pub calls: u64,
    /// Calls that ended in a fault.
    pub faults: u64,
    /// The guest's own counters.
    pub counters: BTreeMap<String, u64>,
    /// Additions to counters that were dropped: too many counters, or a name too long.
    pub counters_refused: u64,
}

/// The functions that a world exports, found in an instance.
pub(crate) trait Exports: Sized + Send + Sync + 'static {
    /// Finds them.
    ///
    /// # Errors
    /// A component of another world, or functions of other types than the contract's.
    fn find(component: &LoadedComponent, store: &mut Store<GuestState>, instance: &wasmtime::component::Instance)
    -> wasmtime::Result<Self>;
}

/// A store with what runs in it.
pub(crate) struct Live<E> {
    pub store: Store<GuestState>,
    pub exports: E,
}

/// A guest. Not shared: one subtask owns it.
pub(crate) struct Instance<E> {
    sandbox: Sandbox,
    component: Arc<LoadedComponent>,
    spec: OpenGuest,
    parameters: Arc<BTreeMap<String, String>>,
    live: Option<Live<E>>,
    usage: Usage,
    counters: Counters,
}

impl<E: Exports> Instance<E> {
    /// A guest without an instance; `start` makes one.
    pub(crate) fn new(sandbox: Sandbox, component: Arc<LoadedComponent>, mut spec: OpenGuest) -> Self {
        let parameters = Arc::new(std::mem::take(&mut spec.parameters));
        Self { sandbox, component, spec, parameters, live: None, usage: Usage::default(), counters: Counters::default() }
    }

    pub(crate) fn limits(&self) -> &OperatorLimits {
        &self.spec.limits
    }

    /// Bounds on one answer.
    pub(crate) fn output_limits(&self) -> OutputLimits {
        OutputLimits { rows_max: self.spec.limits.rows_max, output_bytes_max: self.spec.limits.output_bytes_max }
    }

    /// Whether there is an instance; false after a trap until `start`.
    pub(crate) fn is_open(&self) -> bool {
        self.live.is_some()
    }

    /// Waits until the tenant has fuel.
    pub(crate) async fn wait_for_fuel(&self) {
        self.spec.account.wait_for_fuel().await;
    }

    /// Makes an instance, in place of the one that there may be.
    pub(crate) async fn start(&mut self) -> Result<(), Cause> {
        self.end();
        let limits = &self.spec.limits;
        let cage = Cage::new(self.spec.account.clone(), limits.memory_bytes_max, limits.table_elements_max).ok_or_else(|| {
            let max = self.spec.account.limits().instances_max;
            Cause::new(FaultKind::TenantLimit, format!("the tenant already has {max} instances, as many as it may"))
        })?;
        let state = GuestState {
            cage,
            limits: limits.clone(),
            parameters: self.parameters.clone(),
            packed: self.component.packed.clone(),
            log: self.spec.log.clone(),
            log_rate: LogRate::new(limits.log_lines_per_second, Instant::now()),
            counters: std::mem::take(&mut self.counters),
            context: self.spec.context.clone(),
            seed: seed(&self.spec.job, &self.spec.place(), self.spec.context.subtask),
            rejections: Rejections::default(),
            deadline: Instant::now(),
        };
        let mut store = Store::new(&self.sandbox.inner.engine, state);
        store.limiter(|state| &mut state.cage);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_hostcall_fuel(limits.output_bytes_max.saturating_mul(2));
        let component = self.component.clone();
        let made = metered(&self.sandbox, &mut store, self.budget(limits.open_fuel), &self.spec.account, &mut self.usage, async |store| {
            let instance = component.pre.instantiate_async(&mut *store).await?;
            E::find(&component, store, &instance)
        });
        match made.await {
            Ok(exports) => {
                self.live = Some(Live { store, exports });
                Ok(())
            }
            Err(cause) => {
                self.counters = std::mem::take(&mut store.data_mut().counters);
                Err(cause)
            }
        }
    }

    /// One call of an exported function with a batch of `rows` rows, each of which the guest may reject. See [`Self::call`].
    pub(crate) async fn call_with_rows<T>(
        &mut self,
        rows: usize,
        work: impl AsyncFnOnce(&mut Live<E>) -> wasmtime::Result<Result<T, Fault>>,
    ) -> Result<T, Cause> {
        if let Some(live) = &mut self.live {
            live.store.data_mut().rejections.begin(u32::try_from(rows).unwrap_or(u32::MAX));
        }
        let answer = self.call(self.spec.limits.process_fuel, work).await;
        answer.map_err(|cause| {
            // A row that the batch does not have would only mislead.
            let row = cause.row.filter(|row| (*row as usize) < rows);
            cause.at_row(row)
        })
    }

    /// Rows of the last batch that the guest has rejected one by one; only of a call that ended well.
    pub(crate) fn take_rejected(&mut self) -> Vec<RejectedRow> {
        self.live.as_mut().map(|live| live.store.data_mut().rejections.take()).unwrap_or_default()
    }

    /// One call of an exported function. A fault in the guest's own words leaves the instance alive; any other ends it.
    pub(crate) async fn call<T>(
        &mut self,
        fuel: u64,
        work: impl AsyncFnOnce(&mut Live<E>) -> wasmtime::Result<Result<T, Fault>>,
    ) -> Result<T, Cause> {
        let Some(mut live) = self.live.take() else {
            return Err(Cause::new(FaultKind::Closed, "stopped by an earlier fault and not reopened"));
        };
        let budget = self.budget(fuel);
        match metered(&self.sandbox, &mut live, budget, &self.spec.account, &mut self.usage, work).await {
            Ok(answer) => {
                self.live = Some(live);
                answer.map_err(|fault| Cause::new(FaultKind::GuestError, fault.message).at_row(fault.row))
            }
            Err(cause) => {
                self.keep_figures(&mut live);
                Err(cause)
            }
        }
    }

    /// State or position that the guest gave away, if it is not too large.
    pub(crate) fn bounded_state(&mut self, state: Vec<u8>) -> Result<Vec<u8>, Cause> {
        let max = self.spec.limits.state_bytes_max;
        if state.len() <= max {
            return Ok(state);
        }
        Err(self.broken(Invalid { message: format!("answers {} bytes of state, at most {max} are allowed", state.len()), row: None }))
    }

    /// Ends the instance because its answer breaks the contract.
    pub(crate) fn broken(&mut self, invalid: Invalid) -> Cause {
        self.end();
        invalid.into()
    }

    /// Ends the instance, if there is one.
    pub(crate) fn end(&mut self) {
        if let Some(mut live) = self.live.take() {
            self.keep_figures(&mut live);
        }
    }

    fn keep_figures(&mut self, live: &mut Live<E>) {
        self.usage.memory_peak_bytes = self.usage.memory_peak_bytes.max(live.store.data().cage.memory_peak_bytes() as u64);
        self.counters = std::mem::take(&mut live.store.data_mut().counters);
    }

    fn budget(&self, fuel: u64) -> Budget {
        Budget { fuel, deadline: Duration::from_millis(self.spec.limits.deadline_ms) }
    }

    /// Figures so far.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = self.usage.clone();
        let counters = self.live.as_ref().map_or(&self.counters, |live| &live.store.data().counters);
        if let Some(live) = &self.live {
            let cage = &live.store.data().cage;
            usage.memory_bytes = cage.memory_bytes() as u64;
            usage.memory_peak_bytes = usage.memory_peak_bytes.max(cage.memory_peak_bytes() as u64);
        }
        usage.counters = counters.values().clone();
        usage.counters_refused = counters.refused();
        usage
    }

    /// Bytes of linear memory now; cheap.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.live.as_ref().map_or(0, |live| live.store.data().cage.memory_bytes())
    }

    /// A fault in words.
    pub(crate) fn report(&mut self, stage: Stage, origin: Origin, cause: Cause) -> FaultReport {
        self.usage.faults += 1;
        FaultReport {
            tenant: self.spec.tenant.clone(),
            job: self.spec.job.clone(),
            operator: self.spec.operator.clone(),
            function: self.spec.function.clone(),
            origin,
            stage,
            kind: cause.kind,
            message: cut(&cause.message, self.spec.limits.message_bytes_max).into_owned(),
            row: cause.row,
            frames: cause.frames,
        }
    }
}

impl From<Invalid> for Cause {
    fn from(invalid: Invalid) -> Self {
        Cause::new(FaultKind::InvalidOutput, invalid.message).at_row(invalid.row)
    }
}

/// What one call may use.
#[derive(Clone, Copy)]
struct Budget {
    fuel: u64,
    deadline: Duration,
}

/// What holds a store.
trait HasStore {
    fn store(&mut self) -> &mut Store<GuestState>;
}

impl HasStore for Store<GuestState> {
    fn store(&mut self) -> &mut Store<GuestState> {
        self
    }
}

impl<E> HasStore for Live<E> {
    fn store(&mut self) -> &mut Store<GuestState> {
        &mut self.store
    }
}

/// One call into a guest under all limits, charged to instance and tenant.
async fn metered<S: HasStore, T>(
    sandbox: &Sandbox,
    on: &mut S,
    budget: Budget,
    account: &TenantAccount,
    usage: &mut Usage,
    work: impl AsyncFnOnce(&mut S) -> wasmtime::Result<T>,
) -> Result<T, Cause> {
    on.store().set_fuel(budget.fuel).map_err(|e| Cause::new(FaultKind::Internal, e.to_string()))?;
    on.store().set_epoch_deadline(1);
    on.store().data_mut().deadline = Instant::now() + budget.deadline;
    let mut spent = Spent::default();
    let outcome = {
        let _running = sandbox.inner.ticker.running();
        tokio::time::timeout(budget.deadline, Metered::new(work(on), &mut spent)).await
    };
    let faulted = !matches!(outcome, Ok(Ok(_)));
    // Fuel burnt before a trap is not recorded, so a faulted call is charged its whole budget.
    let fuel = if faulted { budget.fuel } else { budget.fuel.saturating_sub(on.store().get_fuel().unwrap_or_default()) };
    account.charge(fuel, spent.time(), faulted);
    usage.fuel = usage.fuel.saturating_add(fuel);
    usage.time_us += spent.time().as_micros() as u64;
    usage.calls += 1;
    match outcome {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(on.store(), Cause::of(&error))),
        Err(_) => Err(Cause::new(FaultKind::Deadline, format!("ran longer than {} ms", budget.deadline.as_millis()))),
    }
}

/// A trap after a refused growth is told as what it is: a limit.
fn refused(store: &mut Store<GuestState>, cause: Cause) -> Cause {
    if matches!(cause.kind, FaultKind::Fuel | FaultKind::Deadline | FaultKind::HostcallLimit) {
        return cause;
    }
    let (kind, message) = match store.data_mut().cage.take_refusal() {
        None => return cause,
        Some(Refusal::Memory { wanted_bytes, max_bytes }) => (
            FaultKind::Memory,
            format!("asked for {wanted_bytes} bytes of memory, at most {max_bytes} are allowed; then: {}", cause.message),
        ),
        Some(Refusal::Table { wanted, max }) => {
            (FaultKind::Table, format!("asked for {wanted} table elements, at most {max} are allowed; then: {}", cause.message))
        }
        Some(Refusal::Tenant { max_bytes }) => (
            FaultKind::TenantLimit,
            format!("the tenant's operators together may have {max_bytes} bytes of memory; then: {}", cause.message),
        ),
    };
    Cause { kind, message, ..cause }
}
