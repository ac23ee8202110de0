//! World `transform-operator`: several inputs, and state of the guest's own (EXT-3).

use super::staged;
use crate::bindings::{BatchResult, SchemaParam, transform};
use crate::context::RejectedRow;
use crate::convert::{BatchForGuest, SchemaForGuest, batch_from_guest, flat_columns, schema_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, Live, OpenGuest, Usage};
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use arrow_schema::SchemaRef;
use millrace_model::{Batch, Origin, Schema};
use std::sync::Arc;
use wasmtime::Store;

impl Exports for transform::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Transform(indices) => indices.load(store, instance),
            _ => Err(component.is_not("a transforming operator")),
        }
    }
}

/// A tenant's operator with inputs and state of its own. Not shared: one subtask owns it.
pub struct TransformGuest {
    instance: Instance<transform::Guest>,
    output: Schema,
    arrow: SchemaRef,
    columns: usize,
}

impl TransformGuest {
    pub(crate) async fn open(
        sandbox: Sandbox,
        component: Arc<LoadedComponent>,
        open: OpenGuest,
        inputs: &[Schema],
    ) -> Result<Self, FaultReport> {
        let mut instance = Instance::new(sandbox, component, open);
        staged(&mut instance).await?;
        let output = match ask_output(&mut instance, inputs).await {
            Ok(output) => output,
            Err(cause) => return Err(instance.report(Stage::Open, Origin::from([]), cause)),
        };
        Ok(Self { instance, arrow: output.to_arrow(), columns: flat_columns(&output), output })
    }

    /// Columns that it answers with.
    pub fn output_schema(&self) -> &Schema {
        &self.output
    }

    /// Whether there is an instance; false after any fault but one in the guest's own words.
    pub fn is_open(&self) -> bool {
        self.instance.is_open()
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// Gives it the states of the subtasks of an earlier run that it now stands for. Before any row.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn restore(&mut self, states: &[&[u8]]) -> Result<(), FaultReport> {
        let fuel = self.instance.limits().open_fuel;
        let work = async |live: &mut Live<transform::Guest>| live.exports.call_restore(&mut live.store, states).await;
        let done = self.instance.call(fuel, work).await;
        done.map_err(|cause| self.instance.report(Stage::Restore, Origin::from([]), cause.at_row(None)))
    }

    /// Runs rows of one input through the guest. The answer carries the batch's origin.
    ///
    /// # Errors
    /// A report of what went wrong; after any fault but one in the guest's own words the instance is gone.
    pub async fn process(&mut self, input: u32, batch: &Batch) -> Result<Batch, FaultReport> {
        self.instance.wait_for_fuel().await;
        let answer = match BatchForGuest::new(&batch.rows, batch.kinds.as_ref()) {
            Err(reason) => Err(Cause::new(FaultKind::Internal, reason)),
            Ok(rows) => {
                let columns = rows.columns();
                let work =
                    async |live: &mut Live<transform::Guest>| live.exports.call_process(&mut live.store, input, rows.param(&columns)).await;
                self.instance.call_with_rows(batch.num_rows(), work).await
            }
        };
        let answer = answer.and_then(|answer| self.checked(answer, batch.origin.clone()));
        answer.map_err(|cause| self.instance.report(Stage::Process, batch.origin.clone(), cause))
    }

    /// Rows of the last batch that the guest has rejected one by one; only of a call that ended well.
    pub fn take_rejected(&mut self) -> Vec<RejectedRow> {
        self.instance.take_rejected()
    }

    /// Event time has reached `watermark_ms` on all inputs.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn watermark(&mut self, watermark_ms: i64) -> Result<Batch, FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<transform::Guest>| live.exports.call_watermark(&mut live.store, watermark_ms).await;
        let answer = self.instance.call(fuel, work).await;
        let answer = answer.and_then(|answer| self.checked(answer, Origin::from([])));
        answer.map_err(|cause| self.instance.report(Stage::Watermark, Origin::from([]), cause.at_row(None)))
    }

    /// All inputs have ended.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn finish(&mut self) -> Result<Batch, FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<transform::Guest>| live.exports.call_finish(&mut live.store).await;
        let answer = self.instance.call(fuel, work).await;
        let answer = answer.and_then(|answer| self.checked(answer, Origin::from([])));
        answer.map_err(|cause| self.instance.report(Stage::Finish, Origin::from([]), cause.at_row(None)))
    }

    /// A barrier: the state.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn snapshot(&mut self) -> Result<Vec<u8>, FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<transform::Guest>| live.exports.call_snapshot(&mut live.store).await;
        let state = self.instance.call(fuel, work).await;
        let state = state.and_then(|state: Vec<u8>| self.instance.bounded_state(state));
        state.map_err(|cause| self.instance.report(Stage::Snapshot, Origin::from([]), cause.at_row(None)))
    }

    fn checked(&mut self, answer: BatchResult, origin: Origin) -> Result<Batch, Cause> {
        let (rows, kinds) = batch_from_guest(answer, &self.arrow, self.columns, self.instance.output_limits())
            .map_err(|invalid| self.instance.broken(invalid))?;
        Ok(Batch { rows, kinds, origin })
    }
}

/// Opens the instance for `inputs`; answers the output's columns.
async fn ask_output(instance: &mut Instance<transform::Guest>, inputs: &[Schema]) -> Result<Schema, Cause> {
    let unsupported = |e: crate::convert::Invalid| Cause::new(FaultKind::UnsupportedInput, e.message);
    let flat = inputs.iter().map(SchemaForGuest::new).collect::<Result<Vec<_>, _>>().map_err(unsupported)?;
    let schemas: Vec<SchemaParam<'_>> = flat.iter().map(|schema| SchemaParam { fields: schema.fields() }).collect();
    let fuel = instance.limits().open_fuel;
    let work = async |live: &mut Live<transform::Guest>| live.exports.call_open(&mut live.store, &schemas).await;
    let declared = instance.call(fuel, work).await.map_err(|cause| cause.at_row(None))?;
    schema_from_guest(declared, instance.limits()).map_err(Cause::from)
}
