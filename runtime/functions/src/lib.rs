//! Expressions and functions of Flink SQL over Arrow columns: typed expressions, scalar, table and aggregate functions,
//! casts, and the registry by which names are found.
//!
//! Invariants: everything works on whole columns; Flink's types, NULL and rounding rules decide, not Arrow's; data can
//! make a call fail with an error, never panic. This crate knows no SQL text and no operator.

pub mod aggregate;
mod bitmap;
mod calendar;
pub mod cast;
pub mod coercion;
pub mod expression;
mod json;
pub mod meter;
pub mod registry;
pub mod scalar;
pub mod table;
mod typing;
mod value;

pub use expression::{EvaluationContext, Expr};
pub use registry::FunctionRegistry;
pub use typing::{Argument, EvaluationError, Resolution, ResolveError, Typed};
pub use value::Columnar;
