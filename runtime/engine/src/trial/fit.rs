//! Whether the columns of a data package are those of the source that it replaces.

use crate::plan::SourceWork;
use millrace_model::{DataType, Schema, graph::GraphError, ids::NodeId};

/// A column of a package that holds the change kind of each row: `+I`, `-U`, `+U` or `-D`.
pub const CHANGE_COLUMN: &str = "_change";

/// What is known of a package's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageShape {
    /// What to call the package in messages: `sample version 3`.
    pub name: String,
    /// Its columns.
    pub schema: Schema,
    /// Types are what its texts look like (CSV, JSON lines), not what the file states.
    pub is_guessed: bool,
}

/// Errors by column with both types, and what is not used or filled up.
pub(super) fn check(node: &NodeId, package: &PackageShape, source: &SourceWork) -> (Vec<GraphError>, Vec<String>) {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let mut wrong = |message: String| errors.push(GraphError::in_node(node, "unit_test.columns", message));
    let (name, table) = (&package.name, &source.table.name);
    for column in source.columns.fields() {
        match package.schema.field(&column.name) {
            None if column.nullable => {
                warnings.push(format!("{name} has no column `{}`; it is NULL in every row of `{table}`", column.name));
            }
            None => {
                let known: Vec<&str> = package.schema.fields().iter().map(|f| f.name.as_str()).collect();
                wrong(format!(
                    "{name} has no column `{}`, which is {} NOT NULL in `{table}`; the package's columns are {}",
                    column.name,
                    column.data_type,
                    known.join(", ")
                ));
            }
            Some(found) if !fits(&found.data_type, &column.data_type, package.is_guessed) => {
                wrong(format!("column `{}` is {} in {name}, expected {} as in `{table}`", column.name, found.data_type, column.data_type));
            }
            Some(_) => {}
        }
    }
    for column in package.schema.fields().iter().filter(|c| c.name != CHANGE_COLUMN) {
        if source.table.schema.field(&column.name).is_none() {
            warnings.push(format!("column `{}` of {name} is not in `{table}`; it is not used", column.name));
        }
    }
    (errors, warnings)
}

/// Whether values of `found` can be read as `wanted`. A text may be anything that is written as one: its rows tell.
pub(super) fn fits(found: &DataType, wanted: &DataType, is_guessed: bool) -> bool {
    use DataType as T;
    let is_whole = |t: &T| matches!(t, T::TinyInt | T::SmallInt | T::Int | T::BigInt);
    let is_number = |t: &T| is_whole(t) || matches!(t, T::Float | T::Double | T::Decimal { .. });
    let is_text_of_its_own = |t: &T| matches!(t, T::Bytes | T::Time { .. } | T::Date | T::Timestamp { .. } | T::TimestampLtz { .. });
    match (found, wanted) {
        (a, b) if a == b => true,
        // Any value has a text.
        (T::Array(_) | T::Map(..) | T::Row(_), T::String) => is_guessed,
        (_, T::String) => true,
        (a, b) if is_whole(a) && is_number(b) => true,
        (T::Float | T::Double | T::Decimal { .. }, T::Float | T::Double | T::Decimal { .. }) => true,
        (T::Timestamp { .. }, T::Timestamp { .. }) | (T::TimestampLtz { .. }, T::TimestampLtz { .. }) => true,
        (T::Time { .. }, T::Time { .. }) => true,
        // A guess of nothing but NULL, of odd forms of times, or of values that differ.
        (T::String, b) => is_guessed && (is_text_of_its_own(b) || is_number(b) || *b == T::Boolean),
        // Guesses of nested types see only some values; the rows tell.
        (T::Row(_), T::Row(_) | T::Map(..) | T::Multiset(_)) | (T::Array(_), T::Array(_)) => true,
        (T::Map(..), T::Map(..)) => true,
        _ => false,
    }
}
