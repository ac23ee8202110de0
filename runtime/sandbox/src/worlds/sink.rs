//! World `sink-operator`: a tenant's own sink, given rows and told of barriers.

use super::{GuestPlace, staged};
use crate::bindings::{SchemaParam, sink};
use crate::context::RejectedRow;
use crate::convert::{BatchForGuest, SchemaForGuest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, Live, OpenGuest, Usage};
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use millrace_model::{Batch, Origin, Schema};
use std::sync::Arc;
use wasmtime::Store;

impl Exports for sink::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Sink(indices) => indices.load(store, instance),
            _ => Err(component.is_not("a sink")),
        }
    }
}

/// A tenant's sink. Not shared: one subtask owns it.
pub struct SinkGuest {
    instance: Instance<sink::Guest>,
    accepts_changes: bool,
}

impl SinkGuest {
    /// A new instance that has said whether it takes updates and deletes; nothing is open yet.
    pub(crate) async fn describe(sandbox: Sandbox, component: Arc<LoadedComponent>, open: OpenGuest) -> Result<Self, FaultReport> {
        let mut instance = Instance::new(sandbox, component, open);
        staged(&mut instance).await?;
        let fuel = instance.limits().open_fuel;
        let work = async |live: &mut Live<sink::Guest>| live.exports.call_accepts_changes(&mut live.store).await;
        match instance.call(fuel, work).await {
            Ok(accepts_changes) => Ok(Self { instance, accepts_changes }),
            Err(cause) => Err(instance.report(Stage::Describe, Origin::from([]), cause.at_row(None))),
        }
    }

    /// Whether it takes updates and deletes.
    pub fn accepts_changes(&self) -> bool {
        self.accepts_changes
    }

    /// Whether there is an instance; false after any fault but one in the guest's own words.
    pub fn is_open(&self) -> bool {
        self.instance.is_open()
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// Opens it for rows of `input`; `restored` is what subtasks of an earlier run had prepared.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open(&mut self, input: &Schema, place: GuestPlace, restored: &[&[u8]]) -> Result<(), FaultReport> {
        let opened = match SchemaForGuest::new(input) {
            Err(invalid) => Err(Cause::new(FaultKind::UnsupportedInput, invalid.message)),
            Ok(input) => {
                let fuel = self.instance.limits().open_fuel;
                let work = async |live: &mut Live<sink::Guest>| {
                    let schema = SchemaParam { fields: input.fields() };
                    live.exports.call_open(&mut live.store, schema, place.into(), restored).await
                };
                self.instance.call(fuel, work).await
            }
        };
        opened.map_err(|cause| self.instance.report(Stage::Open, Origin::from([]), cause.at_row(None)))
    }

    /// Gives it rows.
    ///
    /// # Errors
    /// A report of what went wrong; after any fault but one in the guest's own words the instance is gone.
    pub async fn write(&mut self, batch: &Batch) -> Result<(), FaultReport> {
        self.instance.wait_for_fuel().await;
        let written = match BatchForGuest::new(&batch.rows, batch.kinds.as_ref()) {
            Err(reason) => Err(Cause::new(FaultKind::Internal, reason)),
            Ok(input) => {
                let columns = input.columns();
                let work = async |live: &mut Live<sink::Guest>| live.exports.call_write(&mut live.store, input.param(&columns)).await;
                self.instance.call_with_rows(batch.num_rows(), work).await
            }
        };
        written.map_err(|cause| self.instance.report(Stage::Write, batch.origin.clone(), cause))
    }

    /// Rows of the last batch that the guest has rejected one by one; only of a call that ended well.
    pub fn take_rejected(&mut self) -> Vec<RejectedRow> {
        self.instance.take_rejected()
    }

    /// A barrier: what is written and not yet delivered is in the answer.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn prepare(&mut self, checkpoint: u64) -> Result<Vec<u8>, FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<sink::Guest>| live.exports.call_prepare(&mut live.store, checkpoint).await;
        let prepared = self.instance.call(fuel, work).await;
        let prepared = prepared.and_then(|prepared: Vec<u8>| self.instance.bounded_state(prepared));
        prepared.map_err(|cause| self.instance.report(Stage::Prepare, Origin::from([]), cause.at_row(None)))
    }

    /// A checkpoint is durable: what was prepared for it and before becomes visible.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn commit(&mut self, checkpoint: u64) -> Result<(), FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<sink::Guest>| live.exports.call_commit(&mut live.store, checkpoint).await;
        let done = self.instance.call(fuel, work).await;
        done.map_err(|cause| self.instance.report(Stage::Commit, Origin::from([]), cause.at_row(None)))
    }
}
