//! World `table-function`: any number of rows per row.

use super::signature::{FunctionCall, chosen};
use crate::bindings::table;
use crate::convert::{BatchForGuest, rows_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, Live, OpenGuest, Usage};
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use arrow_array::ArrayRef;
use arrow_schema::SchemaRef;
use millrace_model::Origin;
use std::sync::Arc;
use wasmtime::Store;

impl Exports for table::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Table(indices) => indices.load(store, instance),
            _ => Err(component.is_not("a table function")),
        }
    }
}

/// What a table function answered for a batch.
#[derive(Debug, Clone)]
pub struct GuestRows {
    /// For each answered row the row of the arguments that it belongs to; never falling, each a row of the batch.
    pub input_rows: Vec<u32>,
    /// Columns of the answer, each as long as `input_rows`.
    pub columns: Vec<ArrayRef>,
}

/// A table function, opened for one call. Not shared: one subtask owns it.
pub struct TableGuest {
    instance: Instance<table::Guest>,
    call: FunctionCall,
    result: SchemaRef,
    result_columns: usize,
}

impl TableGuest {
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
        guest.reopen().await?;
        Ok(guest)
    }

    /// Whether there is an instance; false after a trap until `reopen`.
    pub fn is_open(&self) -> bool {
        self.instance.is_open()
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// The rows that each row gives. `arguments` are as many columns as the call has, each `rows` long, of the signature's types.
    ///
    /// # Errors
    /// A report of what went wrong; after any fault but one in the guest's own words the instance is gone.
    pub async fn eval(&mut self, arguments: &[ArrayRef], rows: usize) -> Result<GuestRows, FaultReport> {
        self.instance.wait_for_fuel().await;
        match self.call_eval(arguments, rows).await {
            Ok(answer) => Ok(answer),
            Err(cause) => Err(self.instance.report(Stage::Eval, Origin::from([]), cause)),
        }
    }

    async fn call_eval(&mut self, arguments: &[ArrayRef], rows: usize) -> Result<GuestRows, Cause> {
        let answer = {
            let input = BatchForGuest::of_columns(arguments, rows).map_err(|e| Cause::new(FaultKind::Internal, e))?;
            let columns = input.columns();
            let work = async |live: &mut Live<table::Guest>| live.exports.call_eval(&mut live.store, input.param(&columns)).await;
            self.instance.call_with_rows(rows, work).await?
        };
        let limits = self.instance.output_limits();
        let (input_rows, columns) =
            rows_from_guest(answer, rows, &self.result, self.result_columns, limits).map_err(|invalid| self.instance.broken(invalid))?;
        Ok(GuestRows { input_rows, columns })
    }

    /// Replaces the instance by a new one.
    ///
    /// # Errors
    /// A fault of the new instance.
    pub async fn reopen(&mut self) -> Result<(), FaultReport> {
        self.instance.wait_for_fuel().await;
        if let Err(cause) = self.instance.start().await {
            return Err(self.instance.report(Stage::Instantiate, Origin::from([]), cause));
        }
        let FunctionCall { signature, arguments } = self.call;
        let fuel = self.instance.limits().open_fuel;
        let work = async |live: &mut Live<table::Guest>| live.exports.call_open(&mut live.store, signature, arguments).await;
        self.instance.call(fuel, work).await.map_err(|cause| {
            self.instance.end();
            self.instance.report(Stage::Open, Origin::from([]), cause.at_row(None))
        })
    }
}
