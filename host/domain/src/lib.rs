//! The rules of the control plane as pure functions: names, roles and what they may do, the life cycle of instances.
//!
//! Invariant: no I/O, no clock, no async, no randomness. The store persists what these functions decide; the API asks
//! them and never decides by itself.

mod text_enum;

pub mod access;
pub mod action;
pub mod approval;
pub mod capability;
pub mod compatibility;
pub mod edit_lock;
pub mod environment;
pub mod function;
pub mod golden;
pub mod governed;
pub mod graph_diff;
pub mod icon;
pub mod instance_log;
pub mod lifecycle;
pub mod lineage;
pub mod name;
pub mod password;
pub mod permission;
pub mod presentation;
pub mod production;
pub mod properties;
pub mod quality;
pub mod quota;
pub mod release;
pub mod resource;
pub mod role;
pub mod schema_change;
pub mod search;
pub mod service;
pub mod sign_in;
pub mod table_use;
pub mod temp_table;
pub mod template;

pub use access::{Grant, Principal, ProjectScope, Scope, TokenLimit};
pub use action::{Action, TokenScope};
pub use approval::{ApprovalAction, ApprovalEvent, ApprovalKind, ApprovalState};
pub use edit_lock::{EditLock, Editor, LockEvent, LockRefused};
pub use environment::Environment;
pub use lifecycle::{Effect, InstanceAction, InstanceEvent, InstanceState};
pub use name::{FolderPath, Name, NameError};
pub use password::PasswordError;
pub use production::{Allocation, InstanceKind, Priority};
pub use quota::Quota;
pub use release::{ReleaseEvent, ReleaseState};
pub use resource::ResourceKind;
pub use role::Role;
pub use service::{ProjectServices, Service};
pub use sign_in::{Attempts, ThrottleRule};
pub use text_enum::UnknownWord;
