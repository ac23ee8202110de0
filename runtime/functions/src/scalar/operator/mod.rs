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

/// The families of operators.
pub(super) const FAMILIES: &[&[Builtin]] = &[
    arithmetic::FUNCTIONS,
    comparison::FUNCTIONS,
    concatenation::FUNCTIONS,
    difference::FUNCTIONS,
    membership::FUNCTIONS,
    truth::FUNCTIONS,
];

/// Names of operators that answer for any data, so that a part of an `AND` can be evaluated for all rows at once.
pub(super) const NEVER_FAIL: &[&str] = &[
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "IS DISTINCT FROM",
    "IS NOT DISTINCT FROM",
    "NOT",
    "IS NULL",
    "IS NOT NULL",
    "IS TRUE",
    "IS NOT TRUE",
    "IS FALSE",
    "IS NOT FALSE",
    "IS UNKNOWN",
    "IS NOT UNKNOWN",
    "IN",
];
