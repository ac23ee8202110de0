//! Functions on points in time and intervals.
//!
//! Invariant: the session zone matters only where an instant (`TIMESTAMP_LTZ`) meets a wall clock.

mod clock;
mod extract;
mod formatter;
mod instant;
mod moments;
mod names;
mod prepared;
mod read;
mod round;
mod shift;
mod simple;
mod text_forms;
mod write;
mod zone;

pub(super) use round::{ceil_to_unit, floor_to_unit, rounds_to};

use super::Builtin;

/// The families of temporal functions.
pub(super) const FAMILIES: &[&[Builtin]] =
    &[clock::FUNCTIONS, extract::FUNCTIONS, instant::FUNCTIONS, read::FUNCTIONS, shift::FUNCTIONS, write::FUNCTIONS];
