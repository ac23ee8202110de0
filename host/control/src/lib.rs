//! The control plane's hands: a facade for the API, and reconcilers that drive instances from desired to observed.
//!
//! Invariant: nothing here knows HTTP or SQL; engines are reached through one trait; a reconciler takes no input, so a
//! notification and the periodic scan are the same code path.

mod answers;
mod builds;
mod canonical;
mod catalog;
mod driver;
mod engine;
mod error;
mod facade;
mod functions;
mod inspect;
mod local;
mod native;
mod nearest;
mod parameters;
mod prometheus;
mod rates;
mod reconcile;
mod restart;
mod start_point;
#[cfg(test)]
mod tests;

pub use answers::{
    ComponentInfo, CreatedSavepoint, ExecutionPhase, ExplainReport, FailureReport, InstanceObservation, PinnedGraph, ValidationReport,
};
pub use builds::{BodyOrder, BuildOrder, BuildsStatus};
pub use engine::{Examined, Execution, ExecutionEngine, Launch};
pub use error::{ControlError, PinError};
pub use facade::{Control, ControlParts};
pub use functions::DescribedFunction;
pub use inspect::InspectedResource;
pub use millrace_connector::{ConnectivityFailure, ConnectivityReport};
pub use millrace_datapackage::Hints as PackageHints;
pub use millrace_engine::{QueryColumn, QueryPlan};
pub use native::NativeEngine;
pub use restart::{FailureRecord, Verdict};
