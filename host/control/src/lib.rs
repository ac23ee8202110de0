//! The control plane's hands: a facade for the API, and reconcilers that drive instances from desired to observed.
//!
//! Invariant: nothing here knows HTTP or SQL; engines are reached through one trait; a reconciler takes no input, so a
//! notification and the periodic scan are the same code path.

mod answers;
mod builds;
mod canonical;
mod catalog;
mod checkpoint_probe;
mod data_sources;
mod driver;
mod engine;
mod error;
mod facade;
mod functions;
mod inspect;
mod jar;
mod lineage;
mod local;
mod logs;
mod native;
mod nearest;
mod packages;
mod parameters;
mod preview;
mod prometheus;
mod quality;
mod rates;
mod reconcile;
mod release_check;
mod restart;
mod sampling;
mod savepoints;
mod start_point;
mod start_time;
mod tap;
mod temp_table_connector;
mod temp_tables;
mod tenant_limits;
#[cfg(test)]
mod tests;
mod unit_test;

pub use answers::{
    ComponentInfo, CreatedSavepoint, ExecutionPhase, ExplainReport, FailureReport, InstanceObservation, PinnedGraph, ValidationReport,
};
pub use builds::{BuildOrder, BuildsStatus, CompletedFile};
pub use data_sources::SAMPLE_ROWS_MAX;
pub use engine::{Examined, Execution, ExecutionEngine, Launch};
pub use error::{ControlError, PinError};
pub use facade::{Control, ControlParts};
pub use functions::DescribedFunction;
pub use inspect::InspectedResource;
pub use logs::{LogTap, LogWriter, log_tap, logged_instance};
pub use millrace_connector::{
    ColumnEvidence, ConfigError, ConnectivityFailure, ConnectivityReport, FieldSpec, FieldType, KindGroup, KindSpec, SampledTable,
    SourceStart, Unreachable,
};
pub use millrace_datapackage::Hints as PackageHints;
pub use millrace_engine::{
    ParameterForm, QueryColumn, QueryPlan, RecentLetter, TappedRow, TappedRows, table_field,
    trial::{ArrivalOrder, CollectedPage, CollectedRow, Delay},
};
pub use native::NativeEngine;
pub use parameters::{check_parameters, override_parameters};
pub use preview::{BadRecord, PREVIEW_ROWS_MAX, PREVIEW_SECONDS_MAX, PreviewOrder, PreviewReport, PreviewRow};
pub use restart::{FailureRecord, Verdict};
pub use tap::OpenTap;
pub use temp_table_connector::TempTableConnector;
pub use temp_tables::TempTableSize;
pub use unit_test::{
    ComparisonReport, GoldenRowReport, PackageFile, SinkRows, UNIT_TEST_SECONDS_MAX, UnitTestLimits, UnitTestOrder, UnitTestReport,
    UnitTestSink, UnitTestSource, UnitTestState,
};
