//! The worlds of the contract, a file each: what a guest is asked, and how its answers are checked.
//!
//! Invariant: what all worlds share (limits, charging, faults) is in [`crate::instance`]; nothing that a guest answered
//! leaves this folder unchecked.

mod aggregate;
mod dimension;
mod etl;
mod scalar;
mod signature;
mod sink;
mod source;
mod table;
mod transform;

pub use aggregate::AggregateGuest;
pub use dimension::{DimensionGuest, DimensionPage};
pub use etl::EtlOperator;
pub use scalar::ScalarGuest;
pub use signature::{FunctionCall, FunctionSignature};
pub use sink::SinkGuest;
pub use source::{GuestNext, GuestPlace, GuestPolled, SourceGuest};
pub use table::{GuestRows, TableGuest};

pub use transform::TransformGuest;

use crate::fault::{FaultReport, Stage};
use crate::instance::{Exports, Instance, OpenGuest};
use crate::loaded::LoadedComponent;
use crate::sandbox::Sandbox;
use millrace_model::Schema;
use std::sync::Arc;

/// Makes an instance; a fault of that is told as one.
async fn staged<E: Exports>(instance: &mut Instance<E>) -> Result<(), FaultReport> {
    instance.wait_for_fuel().await;
    let started = instance.start().await;
    started.map_err(|cause| instance.report(Stage::Instantiate, Arc::from([]), cause))
}

impl Sandbox {
    /// Makes an instance of a source and asks it for its columns. `open` it before it is polled.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn source(&self, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<SourceGuest, FaultReport> {
        SourceGuest::describe(self.clone(), component.clone(), open).await
    }

    /// Makes an instance of a sink and asks it what it takes. `open` it before it is written to.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn sink(&self, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<SinkGuest, FaultReport> {
        SinkGuest::describe(self.clone(), component.clone(), open).await
    }

    /// Opens a transforming operator for its inputs.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open_transform(
        &self,
        component: &Arc<LoadedComponent>,
        open: OpenGuest,
        inputs: &[Schema],
    ) -> Result<TransformGuest, FaultReport> {
        TransformGuest::open(self.clone(), component.clone(), open, inputs).await
    }

    /// Opens a dimension updater.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open_dimension(&self, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<DimensionGuest, FaultReport> {
        DimensionGuest::open(self.clone(), component.clone(), open).await
    }

    /// Opens an ETL operator for batches of `input`: a new instance, and its answer to `open`.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open_etl(&self, component: &Arc<LoadedComponent>, open: OpenGuest, input: Schema) -> Result<EtlOperator, FaultReport> {
        EtlOperator::open(self.clone(), component.clone(), open, input).await
    }

    /// The signatures of a SQL function, in its own order. Asked once per component; `open` says who pays for it.
    ///
    /// # Errors
    /// A fault of the guest, also when it is no function.
    pub async fn signatures(&self, component: &Arc<LoadedComponent>, mut open: OpenGuest) -> Result<Arc<[FunctionSignature]>, FaultReport> {
        // Signatures belong to the component, whatever node uses it.
        open.parameters.clear();
        let found = component.signatures.get_or_try_init(|| signature::read(self.clone(), component, open)).await?;
        Ok(found.clone())
    }

    /// Opens a scalar function for one call.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open_scalar(
        &self,
        component: &Arc<LoadedComponent>,
        open: OpenGuest,
        call: FunctionCall,
    ) -> Result<ScalarGuest, FaultReport> {
        ScalarGuest::open(self.clone(), component.clone(), open, call).await
    }

    /// Opens a table function for one call.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open_table(
        &self,
        component: &Arc<LoadedComponent>,
        open: OpenGuest,
        call: FunctionCall,
    ) -> Result<TableGuest, FaultReport> {
        TableGuest::open(self.clone(), component.clone(), open, call).await
    }

    /// Opens an aggregate function for one call, without any group.
    ///
    /// # Errors
    /// A fault of the guest, as a report.
    pub async fn open_aggregate(
        &self,
        component: &Arc<LoadedComponent>,
        open: OpenGuest,
        call: FunctionCall,
    ) -> Result<AggregateGuest, FaultReport> {
        AggregateGuest::open(self.clone(), component.clone(), open, call).await
    }
}
