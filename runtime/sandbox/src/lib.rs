//! The sandbox: admits, compiles, caches, instantiates, meters and stops tenant code (requirement EXT-6).
//!
//! **Invariants.** The only crate that knows wasmtime. Nothing is compiled in this process and nothing is deserialized
//! that this server has not made. A guest reaches only what the contract
//! lets it import, and beyond its own memory only what an administrator has granted. A guest can never panic or stall the host:
//! every call has fuel, interrupt ticks and a deadline, everything it returns is checked before it is trusted, and every
//! fault ends as a [`FaultReport`] that names tenant, job, operator, records and reason.

mod account;
mod admission;
mod bindings;
mod cache;
mod cage;
mod capabilities;
mod compile;
mod context;
mod convert;
mod fault;
mod host_functions;
mod instance;
mod limits;
mod loaded;
mod log;
mod machine;
mod metered;
mod packed;
pub mod policy;
mod sandbox;
mod ticker;
mod worlds;

pub use account::{TenantAccount, TenantUsage};
pub use admission::{AdmissionError, ComponentInfo};
pub use capabilities::{Capabilities, CapabilityGrants, FolderGrant, HttpTarget, SecretValue, function_owner};
pub use compile::compile_child_main;
pub use context::{DimensionColumns, DimensionTables, GuestContext, NoDimensions, RejectPolicy, RejectedRow};
pub use fault::{FaultKind, FaultReport, Frame, Stage};
pub use host_functions::{PLUGIN_PACKAGE, WIT_VERSION};
pub use instance::{OpenGuest, Usage};
pub use limits::{
    AdmissionLimits, CompileLimits, CompilerCommand, OperatorLimits, PoolLimits, SandboxConfig, TENANT_MEMORY_MIB, TenantLimits,
};
pub use loaded::{LoadedComponent, World};
pub use log::{GuestLog, LogLevel, NoLog};
pub use sandbox::{Sandbox, SandboxError};
pub use worlds::{
    AggregateGuest, DimensionGuest, DimensionPage, EtlOperator, FunctionCall, FunctionSignature, GuestNext, GuestPlace, GuestPolled,
    GuestRows, ScalarGuest, SinkGuest, SourceGuest, TableGuest, TransformGuest,
};
