//! World `aggregate-function`: accumulators by group number, kept in the guest.
//!
//! Invariant: an accumulator that a fault left half changed is never read: every fault but one in the guest's own words
//! ends the instance, and after one in its own words `update` and `import_states` end it too.

use super::signature::{FunctionCall, chosen};
use crate::bindings::{Utf8DataParam, aggregate};
use crate::convert::{BatchForGuest, column_from_guest, states_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, Live, OpenGuest, Usage};
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use arrow_array::{ArrayRef, BinaryArray};
use arrow_schema::SchemaRef;
use millrace_model::Origin;
use std::sync::Arc;
use wasmtime::Store;

impl Exports for aggregate::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Aggregate(indices) => indices.load(store, instance),
            _ => Err(component.is_not("an aggregate function")),
        }
    }
}

/// An aggregate function, opened for one call, with its accumulators. Not shared: one subtask owns it.
pub struct AggregateGuest {
    instance: Instance<aggregate::Guest>,
    call: FunctionCall,
    result: SchemaRef,
    result_columns: usize,
}

impl AggregateGuest {
    pub(crate) async fn open(
        sandbox: Sandbox,
        component: Arc<LoadedComponent>,
        open: OpenGuest,
        call: FunctionCall,
    ) -> Result<Self, FaultReport> {
        let signatures = sandbox.signatures(&component, open.clone()).await?;
        let mut instance = Instance::new(sandbox, component, open);
        let result = match chosen(&signatures, call) {
            Ok(signature) => &signature.result,
            Err(cause) => return Err(instance.report(Stage::Open, Origin::from([]), cause)),
        };
        let mut guest = Self { instance, call, result: result.to_arrow(), result_columns: crate::convert::flat_columns(result) };
        guest.start().await?;
        Ok(guest)
    }

    async fn start(&mut self) -> Result<(), FaultReport> {
        self.instance.wait_for_fuel().await;
        if let Err(cause) = self.instance.start().await {
            return Err(self.instance.report(Stage::Instantiate, Origin::from([]), cause));
        }
        let FunctionCall { signature, arguments } = self.call;
        let fuel = self.instance.limits().open_fuel;
        let work = async |live: &mut Live<aggregate::Guest>| live.exports.call_open(&mut live.store, signature, arguments).await;
        self.instance.call(fuel, work).await.map_err(|cause| {
            self.instance.end();
            self.instance.report(Stage::Open, Origin::from([]), cause.at_row(None))
        })
    }

    /// Whether there is an instance; false after a fault. There is no reopening: the accumulators are gone with it.
    pub fn is_open(&self) -> bool {
        self.instance.is_open()
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// Bytes of linear memory that the accumulators lie in; cheap.
    pub fn memory_bytes(&self) -> usize {
        self.instance.memory_bytes()
    }

    /// Takes rows into account, in order. `groups` has one number per row; `retract` is bit-packed, 1 takes the row back.
    ///
    /// # Errors
    /// A report of what went wrong; the instance is gone after any fault, as half of the rows may have been taken.
    pub async fn update(&mut self, groups: &[u32], retract: Option<&[u8]>, arguments: &[ArrayRef]) -> Result<(), FaultReport> {
        self.instance.wait_for_fuel().await;
        let updated = async {
            let input = BatchForGuest::of_columns(arguments, groups.len()).map_err(|e| Cause::new(FaultKind::Internal, e))?;
            let columns = input.columns();
            let work = async |live: &mut Live<aggregate::Guest>| {
                live.exports.call_update(&mut live.store, groups, retract, input.param(&columns)).await
            };
            self.instance.call_with_rows(groups.len(), work).await
        };
        let updated = updated.await;
        updated.map_err(|cause| {
            self.instance.end();
            self.instance.report(Stage::Update, Origin::from([]), cause)
        })
    }

    /// The result of each group.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn values(&mut self, groups: &[u32]) -> Result<ArrayRef, FaultReport> {
        self.instance.wait_for_fuel().await;
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<aggregate::Guest>| live.exports.call_values(&mut live.store, groups).await;
        let answer = self.instance.call(fuel, work).await.map_err(|cause| cause.at_row(None));
        let limits = self.instance.output_limits();
        let checked = answer.and_then(|answer| {
            column_from_guest(answer, groups.len(), &self.result, self.result_columns, limits).map_err(|e| self.instance.broken(e))
        });
        checked.map_err(|cause| self.instance.report(Stage::Values, Origin::from([]), cause))
    }

    /// The accumulator of each group as bytes.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn export_states(&mut self, groups: &[u32]) -> Result<BinaryArray, FaultReport> {
        self.instance.wait_for_fuel().await;
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<aggregate::Guest>| live.exports.call_export_states(&mut live.store, groups).await;
        let answer = self.instance.call(fuel, work).await.map_err(|cause| cause.at_row(None));
        let limits = self.instance.output_limits();
        let checked = answer.and_then(|answer| states_from_guest(answer, groups.len(), limits).map_err(|e| self.instance.broken(e)));
        checked.map_err(|cause| self.instance.report(Stage::ExportStates, Origin::from([]), cause))
    }

    /// Gives each group a state; a group that is not empty merges it. Groups must differ.
    ///
    /// # Errors
    /// A report of what went wrong; the instance is gone after any fault.
    pub async fn import_states(&mut self, groups: &[u32], states: &BinaryArray) -> Result<(), FaultReport> {
        self.instance.wait_for_fuel().await;
        let work = async |live: &mut Live<aggregate::Guest>| {
            let states = Utf8DataParam { offsets: states.value_offsets(), data: states.value_data() };
            live.exports.call_import_states(&mut live.store, groups, states).await
        };
        let imported = self.instance.call_with_rows(groups.len(), work).await;
        imported.map_err(|cause| {
            self.instance.end();
            self.instance.report(Stage::ImportStates, Origin::from([]), cause)
        })
    }

    /// Forgets accumulators.
    ///
    /// # Errors
    /// A report of what went wrong; the instance is gone after any fault.
    pub async fn clear(&mut self, groups: &[u32]) -> Result<(), FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<aggregate::Guest>| live.exports.call_clear(&mut live.store, groups).await;
        self.instance.call(fuel, work).await.map_err(|cause| {
            self.instance.end();
            self.instance.report(Stage::Clear, Origin::from([]), cause.at_row(None))
        })
    }
}
