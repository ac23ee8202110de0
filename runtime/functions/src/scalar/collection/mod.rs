//! Arrays, maps and rows: making them, reading them, changing them.
//!
//! Invariant: elements are never rebuilt value by value; a result lists which elements of which argument it is made of, and
//! these are gathered at once.

mod access;
mod array;
mod construct;
mod elements;
mod lists;
mod map;
mod object;
mod search;
mod set;
mod sort;

use super::Builtin;
use crate::{Argument, ResolveError, coercion};
use millrace_model::{DataType, data_type::Element};

/// The families of functions on collections.
pub(super) const FAMILIES: &[&[Builtin]] = &[
    access::FUNCTIONS,
    array::FUNCTIONS,
    construct::FUNCTIONS,
    map::FUNCTIONS,
    object::FUNCTIONS,
    search::FUNCTIONS,
    set::FUNCTIONS,
    sort::FUNCTIONS,
];

/// The element type of an argument that must be an array.
fn element_of<'a>(argument: Option<&Argument<'a>>) -> Option<&'a Element> {
    match argument.map(|a| &a.typed.data_type) {
        Some(DataType::Array(element)) => Some(element),
        _ => None,
    }
}

/// Whether a value may be NULL.
fn is_nullable(argument: &Argument<'_>) -> bool {
    argument.typed.nullable || argument.typed.data_type == DataType::Null
}

fn any_nullable(arguments: &[Argument<'_>]) -> bool {
    arguments.iter().any(is_nullable)
}

/// Whether a value of the argument may stand for an element of that type.
fn fits(argument: &Argument<'_>, element: &DataType) -> bool {
    argument.symbol.is_none() && coercion::is_implicit(&argument.typed.data_type, element)
}

/// The one type of several arguments.
fn common(name: &str, arguments: &[Argument<'_>]) -> Result<DataType, ResolveError> {
    let types = arguments.iter().map(|a| &a.typed.data_type);
    coercion::common_type_of(types).filter(|_| arguments.iter().all(|a| a.symbol.is_none())).ok_or_else(|| {
        let given: Vec<String> = arguments.iter().map(|a| a.typed.data_type.to_string()).collect();
        ResolveError(format!("{name}: there is no common type of {}", given.join(", ")))
    })
}
