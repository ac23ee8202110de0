//! World `etl-operator`: batches in, batches out.

use crate::bindings::{SchemaParam, etl};
use crate::context::RejectedRow;
use crate::convert::{BatchForGuest, SchemaForGuest, batch_from_guest, schema_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, OpenGuest, Usage};
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use arrow_schema::SchemaRef;
use millrace_model::{Batch, Origin, Schema};
use std::sync::Arc;
use wasmtime::Store;

impl Exports for etl::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Etl(indices) => indices.load(store, instance),
            _ => Err(component.is_not("an ETL operator")),
        }
    }
}

/// An ETL operator. Not shared: one subtask owns it.
pub struct EtlOperator {
    instance: Instance<etl::Guest>,
    input: Schema,
    output: Schema,
    output_arrow: SchemaRef,
    output_columns: usize,
}

impl EtlOperator {
    pub(crate) async fn open(
        sandbox: Sandbox,
        component: Arc<LoadedComponent>,
        open: OpenGuest,
        input: Schema,
    ) -> Result<Self, FaultReport> {
        let mut operator = Self {
            instance: Instance::new(sandbox, component, open),
            input,
            output: Schema::default(),
            output_arrow: Schema::default().to_arrow(),
            output_columns: 0,
        };
        let output = operator.start().await?;
        operator.output_columns = match SchemaForGuest::new(&output) {
            Ok(schema) => schema.fields().len(),
            Err(invalid) => return Err(operator.instance.report(Stage::Open, Origin::from([]), invalid.into())),
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
        self.instance.is_open()
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// Rows of the last batch that the guest has rejected one by one; only of a call that ended well.
    pub fn take_rejected(&mut self) -> Vec<RejectedRow> {
        self.instance.take_rejected()
    }

    /// Runs one batch through the guest. The answer carries the batch's origin.
    ///
    /// # Errors
    /// A report of what went wrong. After a fault in the guest's own words the operator goes on; after any other the
    /// instance is gone and `reopen` makes a new one.
    pub async fn process(&mut self, batch: &Batch) -> Result<Batch, FaultReport> {
        self.instance.wait_for_fuel().await;
        match self.call_process(batch).await {
            Ok(answer) => Ok(answer),
            Err(cause) => Err(self.instance.report(Stage::Process, batch.origin.clone(), cause)),
        }
    }

    async fn call_process(&mut self, batch: &Batch) -> Result<Batch, Cause> {
        let answer = {
            let input = BatchForGuest::new(&batch.rows, batch.kinds.as_ref()).map_err(|e| Cause::new(FaultKind::Internal, e))?;
            let columns = input.columns();
            let work = async |live: &mut crate::instance::Live<etl::Guest>| {
                live.exports.call_process(&mut live.store, input.param(&columns)).await
            };
            self.instance.call_with_rows(batch.num_rows(), work).await?
        };
        let (rows, kinds) = batch_from_guest(answer, &self.output_arrow, self.output_columns, self.instance.output_limits())
            .map_err(|invalid| self.instance.broken(invalid))?;
        Ok(Batch { rows, kinds, origin: batch.origin.clone() })
    }

    /// Replaces the instance by a new one: after a fault, or to take up new parameters.
    ///
    /// # Errors
    /// A fault of the new instance, also when it declares another output schema than the first.
    pub async fn reopen(&mut self) -> Result<(), FaultReport> {
        if self.start().await? != self.output {
            self.instance.end();
            let cause = Cause::new(FaultKind::InvalidOutput, "declares another output schema than when it was opened first");
            return Err(self.instance.report(Stage::Open, Arc::from([]), cause));
        }
        Ok(())
    }

    /// Makes an instance and asks it for its output schema.
    async fn start(&mut self) -> Result<Schema, FaultReport> {
        self.instance.wait_for_fuel().await;
        let mut stage = Stage::Instantiate;
        match self.start_staged(&mut stage).await {
            Ok(schema) => Ok(schema),
            Err(cause) => {
                self.instance.end();
                Err(self.instance.report(stage, Arc::from([]), cause))
            }
        }
    }

    async fn start_staged(&mut self, stage: &mut Stage) -> Result<Schema, Cause> {
        let input = SchemaForGuest::new(&self.input).map_err(|e| Cause::new(FaultKind::UnsupportedInput, e.message))?;
        self.instance.start().await?;
        *stage = Stage::Open;
        let fuel = self.instance.limits().open_fuel;
        let work = async |live: &mut crate::instance::Live<etl::Guest>| {
            live.exports.call_open(&mut live.store, SchemaParam { fields: input.fields() }).await
        };
        let declared = self.instance.call(fuel, work).await.map_err(|cause| cause.at_row(None))?;
        schema_from_guest(declared, self.instance.limits()).map_err(Cause::from)
    }
}
