//! World `source-operator`: a tenant's own source, asked for rows.

use super::staged;
use crate::bindings::source::{self, Next};
use crate::bindings::{Place, SchemaResult};
use crate::convert::{Invalid, OutputLimits, batch_from_guest, flat_columns, schema_from_guest};
use crate::fault::{Cause, FaultReport, Stage};
use crate::host_functions::GuestState;
use crate::instance::{Exports, Instance, Live, OpenGuest, Usage};
use crate::loaded::{Indices, LoadedComponent};
use crate::sandbox::Sandbox;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use millrace_model::{Origin, Schema};
use std::sync::Arc;
use wasmtime::Store;

impl Exports for source::Guest {
    fn find(
        component: &LoadedComponent,
        store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<Self> {
        match &component.indices {
            Indices::Source(indices) => indices.load(store, instance),
            _ => Err(component.is_not("a source")),
        }
    }
}

/// Which of an operator's subtasks a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestPlace {
    /// From 0.
    pub subtask: u32,
    /// Number of subtasks.
    pub parallelism: u32,
}

impl From<GuestPlace> for Place {
    fn from(place: GuestPlace) -> Self {
        Self { subtask: place.subtask, parallelism: place.parallelism }
    }
}

/// What a source has to give.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestPolled {
    /// Rows, at least one.
    pub rows: Option<RecordBatch>,
    /// No later row is older than this, in epoch milliseconds.
    pub watermark_ms: Option<i64>,
    /// When to ask again.
    pub next: GuestNext,
}

/// When to ask a source again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestNext {
    /// At once.
    Ready,
    /// After so many milliseconds.
    Wait(u32),
    /// Never.
    Finished,
}

/// A tenant's source. Not shared: one subtask owns it.
pub struct SourceGuest {
    instance: Instance<source::Guest>,
    schema: Schema,
    arrow: SchemaRef,
    columns: usize,
}

impl SourceGuest {
    /// A new instance that has said which columns it gives; nothing is open yet.
    pub(crate) async fn describe(sandbox: Sandbox, component: Arc<LoadedComponent>, open: OpenGuest) -> Result<Self, FaultReport> {
        let mut instance = Instance::new(sandbox, component, open);
        staged(&mut instance).await?;
        let fuel = instance.limits().open_fuel;
        let work = async |live: &mut Live<source::Guest>| live.exports.call_describe(&mut live.store).await;
        let described = instance.call(fuel, work).await;
        let schema = described.and_then(|described: SchemaResult| schema_from_guest(described, instance.limits()).map_err(Cause::from));
        match schema {
            Ok(schema) => Ok(Self { instance, arrow: schema.to_arrow(), columns: flat_columns(&schema), schema }),
            Err(cause) => Err(instance.report(Stage::Describe, Origin::from([]), cause)),
        }
    }

    /// Columns that it gives.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Figures so far.
    pub fn usage(&self) -> Usage {
        self.instance.usage()
    }

    /// Opens it as one of an operator's subtasks, where subtasks of an earlier run stood at `restored`.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open(&mut self, place: GuestPlace, restored: &[Vec<u8>]) -> Result<(), FaultReport> {
        let restored: Vec<&[u8]> = restored.iter().map(Vec::as_slice).collect();
        let fuel = self.instance.limits().open_fuel;
        let work = async |live: &mut Live<source::Guest>| live.exports.call_open(&mut live.store, place.into(), &restored).await;
        let opened = self.instance.call(fuel, work).await;
        opened.map_err(|cause| self.instance.report(Stage::Open, Origin::from([]), cause.at_row(None)))
    }

    /// Asks for rows, at most `rows_max`.
    ///
    /// # Errors
    /// A report of what went wrong; after any fault but one in the guest's own words the instance is gone.
    pub async fn poll(&mut self, rows_max: u32) -> Result<GuestPolled, FaultReport> {
        self.instance.wait_for_fuel().await;
        match self.call_poll(rows_max).await {
            Ok(polled) => Ok(polled),
            Err(cause) => Err(self.instance.report(Stage::Poll, Origin::from([]), cause)),
        }
    }

    async fn call_poll(&mut self, rows_max: u32) -> Result<GuestPolled, Cause> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<source::Guest>| live.exports.call_poll(&mut live.store, rows_max).await;
        let polled = self.instance.call(fuel, work).await.map_err(|cause| cause.at_row(None))?;
        let next = match polled.next {
            Next::Ready => GuestNext::Ready,
            Next::Wait(ms) => GuestNext::Wait(ms),
            Next::Finished => GuestNext::Finished,
        };
        let limits = self.instance.output_limits();
        let limits = OutputLimits { rows_max: limits.rows_max.min(rows_max as usize), ..limits };
        let Some(rows) = polled.rows else {
            return Ok(GuestPolled { rows: None, watermark_ms: polled.watermark_ms, next });
        };
        let rows = batch_from_guest(rows, &self.arrow, self.columns, limits).and_then(|(rows, kinds)| match kinds {
            None => Ok(rows),
            Some(_) => Err(Invalid::new("a source gives inserts only, but some rows have another change kind")),
        });
        let rows = rows.map_err(|invalid| self.instance.broken(invalid))?;
        Ok(GuestPolled { rows: Some(rows).filter(|rows| rows.num_rows() > 0), watermark_ms: polled.watermark_ms, next })
    }

    /// Where a later run must go on.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn position(&mut self) -> Result<Vec<u8>, FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<source::Guest>| live.exports.call_position(&mut live.store).await;
        let position = self.instance.call(fuel, work).await;
        let position = position.and_then(|position: Vec<u8>| self.instance.bounded_state(position));
        position.map_err(|cause| self.instance.report(Stage::Position, Origin::from([]), cause.at_row(None)))
    }

    /// Tells that a checkpoint is durable.
    ///
    /// # Errors
    /// A report of what went wrong.
    pub async fn committed(&mut self, checkpoint: u64) -> Result<(), FaultReport> {
        let fuel = self.instance.limits().process_fuel;
        let work = async |live: &mut Live<source::Guest>| live.exports.call_committed(&mut live.store, checkpoint).await;
        let done = self.instance.call(fuel, work).await;
        done.map_err(|cause| self.instance.report(Stage::Committed, Origin::from([]), cause.at_row(None)))
    }

    /// Whether there is an instance; false after any fault but one in the guest's own words.
    pub fn is_open(&self) -> bool {
        self.instance.is_open()
    }
}
