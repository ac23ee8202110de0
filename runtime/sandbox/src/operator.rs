//! A running ETL operator: one store, one instance, metered calls.
//!
//! Invariant: after a trap, a missed deadline or a broken contract the store is gone; nothing of it is used again.
//! Every call runs under fuel, interrupt ticks and the outer deadline, and is charged to the tenant however it ends.

use crate::account::TenantAccount;
use crate::bindings::{BatchResult, EtlGuest, Fault, SchemaParam};
use crate::cage::{Cage, Refusal};
use crate::context::{GuestContext, RejectedRow, Rejections, seed};
use crate::convert::{BatchForGuest, Invalid, OutputLimits, SchemaForGuest, batch_from_guest, schema_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::limits::OperatorLimits;
use crate::log::{Counters, GuestLog, LogRate, cut};
use crate::metered::{Metered, Spent};
use crate::sandbox::{LoadedComponent, Sandbox};
use arrow_schema::SchemaRef;
use millrace_model::ids::{NodeId, TenantId};
use millrace_model::{Batch, Origin, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Store;

/// What an operator is opened with.
pub struct OpenEtl {
    /// Whose code it is.
    pub tenant: TenantId,
    /// Job (and instance) as it should appear in reports.
    pub job: String,
    /// The node.
    pub operator: NodeId,
    /// Schema of the batches that `process` will be given.
    pub input: Schema,
    /// The node's parameters, as the guest reads them.
    pub parameters: BTreeMap<String, String>,
    /// Limits of this operator.
    pub limits: OperatorLimits,
    /// The tenant's account.
    pub account: Arc<TenantAccount>,
    /// Where the guest's log lines go.
    pub log: Arc<dyn GuestLog>,
    /// Its place in the job and what it may use.
    pub context: GuestContext,
}

/// What an operator has used since it was opened, reopenings included.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Usage {
    /// Fuel charged.
    pub fuel: u64,
    /// Microseconds that the guest ran.
    pub time_us: u64,
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

struct Live {
    store: Store<GuestState>,
    guest: EtlGuest,
}

/// An ETL operator. Not shared: one subtask owns it.
pub struct EtlOperator {
    sandbox: Sandbox,
    component: Arc<LoadedComponent>,
    spec: OpenEtl,
    parameters: Arc<BTreeMap<String, String>>,
    output: Schema,
    output_arrow: SchemaRef,
    output_columns: usize,
    live: Option<Live>,
    usage: Usage,
    counters: Counters,
}

impl EtlOperator {
    pub(crate) async fn open(sandbox: Sandbox, component: Arc<LoadedComponent>, mut spec: OpenEtl) -> Result<Self, FaultReport> {
        let mut operator = Self {
            sandbox,
            component,
            parameters: Arc::new(std::mem::take(&mut spec.parameters)),
            spec,
            output: Schema::default(),
            output_arrow: Schema::default().to_arrow(),
            output_columns: 0,
            live: None,
            usage: Usage::default(),
            counters: Counters::default(),
        };
        let output = operator.start().await?;
        operator.output_columns = match SchemaForGuest::new(&output) {
            Ok(schema) => schema.fields().len(),
            Err(invalid) => return Err(operator.report(Stage::Open, Origin::from([]), invalid.into())),
        };
        operator.output_arrow = output.to_arrow();
        operator.output = output;
        Ok(operator)
    }

    /// Schema of the batches that `process` answers with.
    pub fn output_schema(&self) -> &Schema {
        &self.output
    }

    /// The same as Arrow's.
    pub fn output_arrow_schema(&self) -> &SchemaRef {
        &self.output_arrow
    }

    /// Whether there is an instance; false after a trap until `reopen`.
    pub fn is_open(&self) -> bool {
        self.live.is_some()
    }

    /// Runs one batch through the guest. The answer carries the batch's origin.
    ///
    /// # Errors
    /// A report of what went wrong. After a fault in the guest's own words the operator goes on; after any other the
    /// instance is gone and `reopen` makes a new one.
    pub async fn process(&mut self, batch: &Batch) -> Result<Batch, FaultReport> {
        self.spec.account.wait_for_fuel().await;
        match self.call_process(batch).await {
            Ok(answer) => Ok(answer),
            Err(cause) => Err(self.report(Stage::Process, batch.origin.clone(), cause)),
        }
    }

    async fn call_process(&mut self, batch: &Batch) -> Result<Batch, Cause> {
        let Some(mut live) = self.live.take() else {
            return Err(Cause::new(FaultKind::Closed, "stopped by an earlier fault and not reopened"));
        };
        let input = match BatchForGuest::new(&batch.rows, batch.kinds.as_ref()) {
            Ok(input) => input,
            Err(reason) => {
                self.live = Some(live);
                return Err(Cause::new(FaultKind::Internal, reason));
            }
        };
        let columns = input.columns();
        let limits = &self.spec.limits;
        let budget = Budget { fuel: limits.process_fuel, deadline: Duration::from_millis(limits.deadline_ms) };
        let answer: Result<Result<BatchResult, Fault>, Cause> = {
            let Live { store, guest } = &mut live;
            store.data_mut().rejections.begin(u32::try_from(batch.num_rows()).unwrap_or(u32::MAX));
            call(&self.sandbox, store, budget, &self.spec.account, &mut self.usage, async |store| {
                guest.millrace_plugin_etl().call_process(store, input.param(&columns)).await
            })
            .await
        };
        drop(columns);
        drop(input);
        // A fault in the guest's own words leaves the instance alive; every other fault ends it here.
        match answer {
            Ok(Ok(answer)) => {
                let bounds = OutputLimits { rows_max: limits.rows_max, output_bytes_max: limits.output_bytes_max };
                match batch_from_guest(answer, &self.output_arrow, self.output_columns, bounds) {
                    Ok((rows, kinds)) => {
                        self.live = Some(live);
                        Ok(Batch { rows, kinds, origin: batch.origin.clone() })
                    }
                    Err(invalid) => {
                        self.end(live);
                        Err(invalid.into())
                    }
                }
            }
            Ok(Err(fault)) => {
                self.live = Some(live);
                Err(Cause::new(FaultKind::GuestError, fault.message).at_row(fault.row.filter(|row| (*row as usize) < batch.num_rows())))
            }
            Err(cause) => {
                self.end(live);
                Err(cause)
            }
        }
    }

    /// Rows of the last batch that the guest has rejected one by one; only of a call that ended well.
    pub fn take_rejected(&mut self) -> Vec<RejectedRow> {
        self.live.as_mut().map(|live| live.store.data_mut().rejections.take()).unwrap_or_default()
    }

    /// Replaces the instance by a new one: after a fault, or to take up new parameters.
    ///
    /// # Errors
    /// A fault of the new instance, also when it declares another output schema than the first.
    pub async fn reopen(&mut self) -> Result<(), FaultReport> {
        if let Some(live) = self.live.take() {
            self.end(live);
        }
        let output = self.start().await?;
        if output != self.output {
            if let Some(live) = self.live.take() {
                self.end(live);
            }
            let cause = Cause::new(FaultKind::InvalidOutput, "declares another output schema than when it was opened first");
            return Err(self.report(Stage::Open, Arc::from([]), cause));
        }
        Ok(())
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        let mut usage = self.usage.clone();
        let counters = self.live.as_ref().map_or(&self.counters, |live| &live.store.data().counters);
        if let Some(live) = &self.live {
            usage.memory_peak_bytes = usage.memory_peak_bytes.max(live.store.data().cage.memory_peak_bytes() as u64);
        }
        usage.counters = counters.values().clone();
        usage.counters_refused = counters.refused();
        usage
    }

    /// Drops a store, keeping its figures.
    fn end(&mut self, mut live: Live) {
        self.usage.memory_peak_bytes = self.usage.memory_peak_bytes.max(live.store.data().cage.memory_peak_bytes() as u64);
        self.counters = std::mem::take(&mut live.store.data_mut().counters);
    }

    /// Makes an instance and asks it for its output schema.
    async fn start(&mut self) -> Result<Schema, FaultReport> {
        self.spec.account.wait_for_fuel().await;
        let mut stage = Stage::Instantiate;
        match self.start_staged(&mut stage).await {
            Ok(schema) => Ok(schema),
            Err(cause) => Err(self.report(stage, Arc::from([]), cause)),
        }
    }

    async fn start_staged(&mut self, stage: &mut Stage) -> Result<Schema, Cause> {
        let limits = &self.spec.limits;
        let input = SchemaForGuest::new(&self.spec.input).map_err(|e| Cause::new(FaultKind::UnsupportedInput, e.message))?;
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
            seed: seed(&self.spec.job, self.spec.operator.as_str(), self.spec.context.subtask),
            rejections: Rejections::default(),
            deadline: Instant::now(),
        };
        let mut store = Store::new(&self.sandbox.inner.engine, state);
        store.limiter(|state| &mut state.cage);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_hostcall_fuel(limits.output_bytes_max.saturating_mul(2));
        let budget = Budget { fuel: limits.open_fuel, deadline: Duration::from_millis(limits.deadline_ms) };
        let pre = &self.component.pre;
        let account = &self.spec.account;
        let made =
            call(&self.sandbox, &mut store, budget, account, &mut self.usage, async |store| pre.instantiate_async(store).await).await;
        let guest = match made {
            Ok(guest) => guest,
            Err(cause) => {
                self.counters = std::mem::take(&mut store.data_mut().counters);
                return Err(cause);
            }
        };
        *stage = Stage::Open;
        let answer = call(&self.sandbox, &mut store, budget, account, &mut self.usage, async |store| {
            guest.millrace_plugin_etl().call_open(store, SchemaParam { fields: input.fields() }).await
        })
        .await;
        drop(input);
        let live = Live { store, guest };
        let declared = match answer {
            Ok(Ok(declared)) => schema_from_guest(declared, limits).map_err(Cause::from),
            Ok(Err(fault)) => Err(Cause::new(FaultKind::GuestError, fault.message)),
            Err(cause) => Err(cause),
        };
        match declared {
            Ok(schema) => {
                self.live = Some(live);
                Ok(schema)
            }
            Err(cause) => {
                self.end(live);
                Err(cause)
            }
        }
    }

    fn report(&mut self, stage: Stage, origin: Origin, cause: Cause) -> FaultReport {
        self.usage.faults += 1;
        FaultReport {
            tenant: self.spec.tenant.clone(),
            job: self.spec.job.clone(),
            operator: self.spec.operator.clone(),
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

/// One call into a guest under all limits, charged to operator and tenant.
async fn call<T>(
    sandbox: &Sandbox,
    store: &mut Store<GuestState>,
    budget: Budget,
    account: &TenantAccount,
    usage: &mut Usage,
    work: impl AsyncFnOnce(&mut Store<GuestState>) -> wasmtime::Result<T>,
) -> Result<T, Cause> {
    store.set_fuel(budget.fuel).map_err(|e| Cause::new(FaultKind::Internal, e.to_string()))?;
    store.set_epoch_deadline(1);
    store.data_mut().deadline = Instant::now() + budget.deadline;
    let mut spent = Spent::default();
    let outcome = {
        let _running = sandbox.inner.ticker.running();
        tokio::time::timeout(budget.deadline, Metered::new(work(store), &mut spent)).await
    };
    let faulted = !matches!(outcome, Ok(Ok(_)));
    // Fuel burnt before a trap is not recorded, so a faulted call is charged its whole budget.
    let fuel = if faulted { budget.fuel } else { budget.fuel.saturating_sub(store.get_fuel().unwrap_or_default()) };
    account.charge(fuel, spent.time(), faulted);
    usage.fuel = usage.fuel.saturating_add(fuel);
    usage.time_us += spent.time().as_micros() as u64;
    usage.calls += 1;
    match outcome {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(store, Cause::of(&error))),
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
