//! Aggregate functions: vectorized over group numbers, with retraction and exportable state.
//!
//! A group is a slot number from 0. The operator decides which key, window or slice a slot stands for; the accumulator
//! only keeps one state per slot. Tenants' aggregates implement the same traits.

use crate::{Argument, EvaluationError, Resolution, ResolveError};
use arrow_array::ArrayRef;
use millrace_model::DataType;
use std::sync::Arc;

/// A kind of aggregate.
pub trait AggregateFunction: Send + Sync + std::fmt::Debug {
    /// Its name in upper case.
    fn name(&self) -> &str;

    /// Argument types to cast to, and the type of the result.
    ///
    /// # Errors
    /// Arguments that it does not take.
    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError>;

    /// Empty accumulators for a call with these argument types. `can_retract` says whether retractions will come; a
    /// cheaper accumulator will do if not.
    ///
    /// # Errors
    /// The function cannot retract.
    fn accumulator(&self, arguments: &[DataType], result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError>;
}

/// Rows to take into account.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The slot of each row; all below the size last given to `resize`.
    pub groups: &'a [u32],
    /// Per row: true takes the row back instead of adding it. `None`: all are added.
    pub retract: Option<&'a [bool]>,
    /// Argument columns, each as long as `groups`.
    pub arguments: &'a [ArrayRef],
}

/// States of one aggregate call, one per slot.
pub trait Accumulator: Send {
    /// Makes sure that slots below `groups` exist; new ones are empty.
    fn resize(&mut self, groups: usize);

    /// Takes rows into account, in order.
    ///
    /// # Errors
    /// Data on which it fails.
    fn update(&mut self, update: &Update<'_>) -> Result<(), EvaluationError>;

    /// The result of each of these slots, in the result type's Arrow carrier.
    ///
    /// # Errors
    /// A result that cannot be represented.
    fn values(&self, groups: &[u32]) -> Result<ArrayRef, EvaluationError>;

    /// Appends the state of a slot to `out`, self-delimiting.
    fn export(&self, group: u32, out: &mut Vec<u8>);

    /// Merges a state made by `export` into a slot (an empty slot becomes equal to it) and moves `state` behind it.
    /// What is merged counts as later than what the slot holds.
    ///
    /// # Errors
    /// Bytes that are no such state.
    fn merge(&mut self, group: u32, state: &mut &[u8]) -> Result<(), EvaluationError>;

    /// Empties a slot for another use.
    fn clear(&mut self, group: u32);
}

/// The built-in aggregates by name.
pub(crate) fn builtin() -> Vec<(&'static str, Arc<dyn AggregateFunction>)> {
    Vec::new()
}
