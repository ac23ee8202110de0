//! Functions of a project in SQL (EXT-4): components of the worlds `scalar-function`, `table-function` and
//! `aggregate-function`, called by name.
//!
//! A function is found and its signatures are read when a query is planned; each call of each subtask then opens an
//! instance of its own. Expressions are evaluated synchronously, guests run asynchronously: [`wait`] is where they meet.
//! Invariant: whatever a guest does ends in columns of the declared types or in an error that names the function.

mod accumulator;
mod aggregate;
mod opened;
mod project_function;
mod resolve;
mod scalar;
mod signature;
mod table;
mod wait;

pub(crate) use opened::Guests;
pub(crate) use resolve::{ResolvedFunctions, resolve};

use millrace_functions::Expr;

/// Whether a function of the project is called anywhere in `expr`.
pub(crate) fn calls_project_function(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { function, .. } if function.needs_opening().is_some())
        || expr.children().into_iter().any(calls_project_function)
}
