//! Operators: arithmetic, comparison, truth, membership and patterns. They are named by their sign or keywords.

mod arithmetic;
pub(super) mod compare;
pub(super) mod comparison;
mod concatenation;
mod decimal;
mod difference;
pub(super) mod kernel;
mod membership;
mod temporal;
mod truth;

use super::Builtin;
use crate::coercion::{is_interval, is_numeric};
use millrace_model::DataType;

/// The families of operators.
pub(super) const FAMILIES: &[&[Builtin]] = &[
    arithmetic::FUNCTIONS,
    comparison::FUNCTIONS,
    concatenation::FUNCTIONS,
    difference::FUNCTIONS,
    membership::FUNCTIONS,
    truth::FUNCTIONS,
];

/// Whether an operator answers for any data, so that a part of an `AND` can be evaluated for all rows at once.
pub(super) fn never_fails(name: &str, result: &DataType) -> bool {
    match name {
        "=" | "<>" | "<" | "<=" | ">" | ">=" | "IN" | "NOT" => true,
        // Points in time have a range that they can leave; numbers wrap, and decimals become NULL.
        "+" | "-" | "*" | "NEGATE" | "IDENTITY" => is_numeric(result) || is_interval(result),
        "/" => matches!(result, DataType::Float | DataType::Double),
        _ => name.starts_with("IS "),
    }
}
