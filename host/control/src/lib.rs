//! The control plane's hands: a facade for the API, and reconcilers that drive instances from desired to observed.
//!
//! Invariant: nothing here knows HTTP or SQL; engines are reached through one trait; a reconciler takes no input, so a
//! notification and the periodic scan are the same code path.

mod answers;
mod error;
mod facade;

pub use answers::{ComponentInfo, CreatedSavepoint, ExecutionPhase, FailureReport, InstanceObservation, PinnedGraph, ValidationReport};
pub use error::{ControlError, PinError};
pub use facade::Control;
pub use millrace_connector::{ConnectivityFailure, ConnectivityReport};
