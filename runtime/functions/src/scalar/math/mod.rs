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

/// Whether a function answers for any data.
pub(super) fn never_fails(name: &str) -> bool {
    let families = [classify::FUNCTIONS, sign::FUNCTIONS, transcendental::FUNCTIONS, extremes::FUNCTIONS];
    families.iter().any(|family| family.iter().any(|function| function.name == name))
}
