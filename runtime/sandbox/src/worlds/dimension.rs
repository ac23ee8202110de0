//! World `dimension-updater`: fills a dimension table (DIM-2).
//!
//! Invariant: rows that leave here have the described columns, and a key that was not asked for is refused, so that an
//! updater cannot put rows under keys of others.

use super::staged;
use crate::bindings::{SchemaResult, dimension};
use crate::context::DimensionColumns;
use crate::convert::{BatchForGuest, Invalid, batch_from_guest, flat_columns, schema_from_guest};
use crate::fault::{Cause, FaultKind, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, Live, OpenGuest, Usage};
use crate::limits::OperatorLimits;
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use millrace_model::{DataType, Origin, Schema};
use std::sync::Arc;
use wasmtime::Store;

impl Exports for dimension::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Dimension(indices) => indices.load(store, instance),
            _ => Err(component.is_not("a dimension updater")),
        }
    }
}

/// A page of a dimension table.
#[derive(Debug, Clone, PartialEq)]
pub struct DimensionPage {
    /// Key columns, then value columns.
    pub rows: RecordBatch,
    /// What the next call is given; absent at the end.
    pub cursor: Option<Vec<u8>>,
}

/// A tenant's dimension updater. Not shared: the table that it fills owns it.
pub struct DimensionGuest {
    instance: Instance<dimension::Guest>,
    columns: DimensionColumns,
    time_to_live_ms: u64,
    loads_all: bool,
    arrow: SchemaRef,
    flat: usize,
}

impl DimensionGuest {
    pub(crate) async fn open(sandbox: Sandbox, component: Arc<LoadedComponent>, open: OpenGuest) -> Result<Self, FaultReport> {
        let mut instance = Instance::new(sandbox, component, open);
        staged(&mut instance).await?;
        let fuel = instance.limits().open_fuel;
        let work = async |live: &mut Live<dimension::Guest>| live.exports.call_open(&mut live.store).await;
        let described = instance.call(fuel, work).await.map_err(|cause| cause.at_row(None));
        let described = described.and_then(|d: dimension::Description| {
            let columns = columns(d.key, d.value, instance.limits()).map_err(Cause::from)?;
            Ok((columns, d.time_to_live_ms, d.loads_all))
        });
        match described {
            Ok(((columns, rows), time_to_live_ms, loads_all)) => {
                Ok(Self { instance, columns, time_to_live_ms, loads_all, arrow: rows.to_arrow(), flat: flat_columns(&rows) })
            }
            Err(cause) => Err(instance.report(Stage::Open, Origin::from([]), cause)),
        }
    }

    /// Key and value columns.
    pub fn columns(&self) -> &DimensionColumns {
        &self.columns
    }

    /// How long a loaded row may be used, in milliseconds; 0 for ever.
    pub fn time_to_live_ms(&self) -> u64 {
        self.time_to_live_ms
    }

    /// Whether the whole table can be loaded.
    pub fn loads_all(&self) -> bool {
        self.loads_all
    }

    /// Whether there is an instance; false after any fault but one in the guest's own words.
    pub fn is_open(&self) -> bool {
        self.instance.is_open()
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// The table's next page; the first call has no cursor.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn load_page(&mut self, cursor: Option<&[u8]>) -> Result<DimensionPage, FaultReport> {
        self.instance.wait_for_fuel().await;
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<dimension::Guest>| live.exports.call_load_page(&mut live.store, cursor).await;
        let page = self.instance.call(fuel, work).await;
        let page = page.and_then(|page: dimension::Page| {
            let cursor = page.cursor.map(|cursor| self.instance.bounded_state(cursor)).transpose()?;
            Ok(DimensionPage { rows: self.checked(page.rows)?, cursor })
        });
        page.map_err(|cause| self.instance.report(Stage::LoadPage, Origin::from([]), cause.at_row(None)))
    }

    /// Rows of `keys`, in any order, key columns first. The caller checks that the keys are those that it asked for.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn load(&mut self, keys: &RecordBatch) -> Result<RecordBatch, FaultReport> {
        self.instance.wait_for_fuel().await;
        let rows = match BatchForGuest::new(keys, None) {
            Err(reason) => Err(Cause::new(FaultKind::Internal, reason)),
            Ok(input) => {
                let columns = input.columns();
                let work = async |live: &mut Live<dimension::Guest>| live.exports.call_load(&mut live.store, input.param(&columns)).await;
                self.instance.call_with_rows(keys.num_rows(), work).await
            }
        };
        let rows = rows.and_then(|rows| self.checked(rows));
        rows.map_err(|cause| self.instance.report(Stage::Load, Origin::from([]), cause))
    }

    /// An answer of `load` that breaks the contract in a way that only the caller can see.
    pub fn broken(&mut self, message: String) -> FaultReport {
        let cause = self.instance.broken(Invalid { message, row: None });
        self.instance.report(Stage::Load, Origin::from([]), cause)
    }

    fn checked(&mut self, rows: crate::bindings::BatchResult) -> Result<RecordBatch, Cause> {
        let checked = batch_from_guest(rows, &self.arrow, self.flat, self.instance.output_limits());
        let checked = checked.and_then(|(rows, kinds)| match kinds {
            None => Ok(rows),
            Some(_) => Err(Invalid { message: "a dimension table has no change kinds".into(), row: None }),
        });
        checked.map_err(|invalid| self.instance.broken(invalid))
    }
}

/// The described columns, and both together as rows have them.
fn columns(key: SchemaResult, value: SchemaResult, limits: &OperatorLimits) -> Result<(DimensionColumns, Schema), Invalid> {
    let of = |schema: SchemaResult, what: &str| {
        schema_from_guest(schema, limits).map_err(|e| Invalid { message: format!("{what} columns: {}", e.message), row: None })
    };
    let (key, value) = (of(key, "key")?, of(value, "value")?);
    if let Some(field) =
        key.fields().iter().find(|field| matches!(field.data_type, DataType::Array(_) | DataType::Map(..) | DataType::Row(_)))
    {
        return Err(Invalid {
            message: format!("the key column `{}` is {}, keys cannot be nested", field.name, field.data_type),
            row: None,
        });
    }
    let all = key.fields().iter().chain(value.fields()).cloned().collect();
    let rows = Schema::new(all).map_err(|e| Invalid { message: format!("key and value columns together: {e}"), row: None })?;
    Ok((DimensionColumns { key, value }, rows))
}
