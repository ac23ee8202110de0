//! The native streaming engine: plans job graphs and runs them as subtasks joined by bounded channels.
//!
//! Invariants: rows move in columnar batches, never one by one; everything between a source and a sink is bounded;
//! one execution runs in one process, and its state is only what its last durable checkpoint holds.
//! The engine knows no HTTP, no metadata database and no outside system by name.

pub mod catalog;
mod custom;
mod dead_letters;
mod dimension;
mod error;
mod execution;
mod functions;
mod input_gate;
pub mod key;
mod message;
pub mod metrics;
pub mod operators;
mod output;
pub mod parameter_form;
mod plan;
mod row_letters;
mod script;
mod services;
pub mod state;
mod stored_key;
mod subtask;
mod tap;
mod threads;
pub mod trial;
mod watermark_merge;

pub use catalog::{
    CapabilityGrants, Catalog, CatalogError, FolderGrant, FunctionBinding, PackageBinding, PackageLines, PackageRows, PluginBinding,
    SecretValue, TableUsage,
};
pub use dead_letters::RecentLetter;
pub use dimension::DimensionMetrics;
pub use error::{EngineError, JobFailure, OperatorError};
pub use execution::{CheckpointOutcome, CheckpointSummary, ExecutionState, JobHandle, SavepointInfo, StartFrom, StartOptions, start};
pub use metrics::{JobMetrics, OperatorMetrics};
pub use millrace_sql::plan::SourceColumn;
pub use operators::sql::{QueryColumn, QueryPlan};
pub use parameter_form::ParameterForm;
pub use plan::{ExecutionPlan, plan, table_field};
pub use script::{Planned, plan_document};
pub use services::{EngineServices, TenantAccounts};
pub use tap::{TapReader, TappedRow, TappedRows};
pub use threads::{EngineThreads, NoPlanningPlace};
