//! Functions on numbers, and those that choose among values.

mod classify;
mod extremes;
mod floor;
mod radix;
mod random;
mod round;
mod sign;
mod transcendental;

use super::Builtin;

/// The families of numeric functions.
pub(super) const FAMILIES: &[&[Builtin]] = &[
    classify::FUNCTIONS,
    extremes::FUNCTIONS,
    floor::FUNCTIONS,
    radix::FUNCTIONS,
    random::FUNCTIONS,
    round::FUNCTIONS,
    sign::FUNCTIONS,
    transcendental::FUNCTIONS,
];
