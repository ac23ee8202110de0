//! Aggregate functions: vectorized over group numbers, with retraction and exportable state.
//!
//! A group is a slot number from 0. The operator decides which key, window or slice a slot stands for; the accumulator
//! only keeps one state per slot. Tenants' aggregates implement the same traits.
//!
//! A row taken back before it was added is remembered, so that the order in which a changelog arrives does not matter to
//! what it amounts to. Stored states are read with suspicion: damaged bytes are an error, never a panic.

mod approximate;
mod average;
mod bitmap;
mod cells;
mod collect;
mod column;
mod count;
mod decimal;
mod distinct;
mod element;
mod extremes;
mod json;
mod json_text;
mod lag;
mod listagg;
mod multiset;
mod nested;
mod number;
mod numbering;
mod partial;
mod percentile;
mod position;
mod sequence;
mod single;
mod sliding;
mod slots;
mod state;
mod statistics;
mod sum;
#[cfg(test)]
mod tests;

pub use distinct::distinct;
pub use partial::{Chosen, running_chosen};

use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::{ArrayRef, BinaryArray};
use millrace_model::DataType;
use std::sync::Arc;

/// A kind of aggregate.
pub trait AggregateFunction: Send + Sync + std::fmt::Debug {
    /// Its name in upper case.
    fn name(&self) -> &str;

    /// Argument types to cast to, and the type of the result of a call in a query with `GROUP BY` and without `FILTER`
    /// (a group then has at least one row).
    ///
    /// # Errors
    /// Arguments that it does not take.
    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError>;

    /// Whether the result is NULL when no row was taken into account. If so, the planner makes the result of a call
    /// without `GROUP BY`, or with `FILTER`, nullable.
    fn is_null_when_empty(&self) -> bool {
        true
    }

    /// Checks a call while planning: whether there will be accumulators for it.
    ///
    /// # Errors
    /// The function cannot retract.
    fn check(&self, arguments: &[DataType], result: &DataType, can_retract: bool) -> Result<(), ResolveError> {
        self.accumulator(arguments, result, can_retract).map(drop)
    }

    /// Whether the accumulators of such a call can be merged, as sessions and sliced windows need.
    fn can_merge(&self, arguments: &[DataType], result: &DataType) -> bool {
        let _ = (arguments, result);
        true
    }

    /// Itself, when it has no accumulators as it is: whoever runs the query opens it for each of its calls and subtasks.
    fn needs_opening(&self) -> Option<&dyn std::any::Any> {
        None
    }

    /// Empty accumulators for a call with these argument types. `can_retract` says whether retractions will come; a
    /// cheaper accumulator will do if not.
    ///
    /// # Errors
    /// The function cannot retract.
    fn accumulator(&self, arguments: &[DataType], result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError>;

    /// Empty accumulators for frames that slide: rows of a slot are taken back in the order in which they were added.
    ///
    /// # Errors
    /// The function cannot retract.
    fn sliding_accumulator(&self, arguments: &[DataType], result: &DataType) -> Result<Box<dyn Accumulator>, ResolveError> {
        self.accumulator(arguments, result, true)
    }
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

    /// Whether [`Self::running`] answers: it is one pass over the rows, however often a slot comes.
    fn can_run(&self) -> bool {
        false
    }

    /// Whether [`Self::running`] takes rows back too.
    fn can_slide(&self) -> bool {
        false
    }

    /// Takes rows into account one after the other, as `update` does, and answers per row the result of its slot right
    /// after it. `None` without [`Self::can_run`], and then nothing has changed. Rows are added only, but with
    /// [`Self::can_slide`].
    ///
    /// # Errors
    /// As of `update` and `values`.
    fn running(&mut self, _update: &Update<'_>) -> Result<Option<ArrayRef>, EvaluationError> {
        Ok(None)
    }

    /// The result of each of these slots, in the result type's Arrow carrier.
    ///
    /// # Errors
    /// A result that cannot be represented.
    fn values(&self, groups: &[u32]) -> Result<ArrayRef, EvaluationError>;

    /// Appends the state of a slot to `out`, self-delimiting.
    fn export(&self, group: u32, out: &mut Vec<u8>);

    /// What `export` would append for each of these slots, by accumulators that give out many states at once or may fail at
    /// it; such an accumulator is never asked by `export`. `None`: ask by `export`.
    ///
    /// # Errors
    /// States that cannot be given out.
    fn exported(&self, _groups: &[u32]) -> Result<Option<BinaryArray>, EvaluationError> {
        Ok(None)
    }

    /// Merges a state made by `export` into a slot (an empty slot becomes equal to it) and moves `state` behind it.
    /// What is merged counts as later than what the slot holds.
    ///
    /// # Errors
    /// Bytes that are no such state.
    fn merge(&mut self, group: u32, state: &mut &[u8]) -> Result<(), EvaluationError>;

    /// Merges slots of another accumulator of the same call, in order (slot of the other, own slot), as [`Self::merge`] does
    /// with what [`Self::export`] gives. `false`: it knows no shorter way, and nothing has changed.
    ///
    /// # Errors
    /// States that cannot be merged.
    fn merge_slots(&mut self, _other: &dyn Accumulator, _pairs: &[(u32, u32)]) -> Result<bool, EvaluationError> {
        Ok(false)
    }

    /// Itself, for [`Self::merge_slots`] of another of its kind.
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        None
    }

    /// Empties a slot for another use.
    fn clear(&mut self, group: u32);

    /// About how many bytes all states take; cheap enough to be asked after each batch.
    fn size_bytes(&self) -> usize;
}

/// The built-in aggregates by name.
pub(crate) fn builtin() -> Vec<(&'static str, Arc<dyn AggregateFunction>)> {
    let deviation = |name, sample, root| -> Arc<dyn AggregateFunction> { Arc::new(statistics::Deviation { name, sample, root }) };
    let of_bitmaps = |name, operation, is_cardinality| -> (&'static str, Arc<dyn AggregateFunction>) {
        (name, Arc::new(bitmap::BitmapAgg { name, operation, of_numbers: false, is_cardinality }))
    };
    let of_numbers = |name, is_cardinality| -> (&'static str, Arc<dyn AggregateFunction>) {
        (name, Arc::new(bitmap::BitmapAgg { name, operation: bitmap::Operation::Or, of_numbers: true, is_cardinality }))
    };
    vec![
        ("COUNT", Arc::new(count::Count)),
        ("SUM", Arc::new(sum::Sum { zero_when_empty: false })),
        ("$SUM0", Arc::new(sum::Sum { zero_when_empty: true })),
        ("AVG", Arc::new(average::Average)),
        ("MIN", Arc::new(extremes::Extreme { largest: false })),
        ("MAX", Arc::new(extremes::Extreme { largest: true })),
        ("FIRST_VALUE", Arc::new(position::Position { last: false })),
        ("LAST_VALUE", Arc::new(position::Position { last: true })),
        ("SINGLE_VALUE", Arc::new(single::Single)),
        ("LISTAGG", Arc::new(listagg::ListAgg)),
        ("ARRAY_AGG", Arc::new(collect::ArrayAgg)),
        ("COLLECT", Arc::new(collect::Collect)),
        ("JSON_OBJECTAGG", Arc::new(json::ObjectAgg)),
        ("JSON_ARRAYAGG", Arc::new(json::ArrayAgg)),
        ("STDDEV_POP", deviation("STDDEV_POP", false, true)),
        ("STDDEV_SAMP", deviation("STDDEV_SAMP", true, true)),
        ("STDDEV", deviation("STDDEV", true, true)),
        ("VAR_POP", deviation("VAR_POP", false, false)),
        ("VAR_SAMP", deviation("VAR_SAMP", true, false)),
        ("VARIANCE", deviation("VARIANCE", true, false)),
        ("PERCENTILE", Arc::new(percentile::Percentile)),
        of_numbers("BITMAP_BUILD_AGG", false),
        of_numbers("BITMAP_BUILD_CARDINALITY_AGG", true),
        of_bitmaps("BITMAP_AND_AGG", bitmap::Operation::And, false),
        of_bitmaps("BITMAP_AND_CARDINALITY_AGG", bitmap::Operation::And, true),
        of_bitmaps("BITMAP_OR_AGG", bitmap::Operation::Or, false),
        of_bitmaps("BITMAP_OR_CARDINALITY_AGG", bitmap::Operation::Or, true),
        of_bitmaps("BITMAP_XOR_AGG", bitmap::Operation::Xor, false),
        of_bitmaps("BITMAP_XOR_CARDINALITY_AGG", bitmap::Operation::Xor, true),
        ("APPROX_COUNT_DISTINCT", Arc::new(approximate::ApproximateCountDistinct)),
    ]
}

/// A function that has a meaning only with `OVER`, by its name. `RANK` and `DENSE_RANK` are given what rows are ordered by
/// as their argument.
pub fn window_function(name: &str) -> Option<Arc<dyn AggregateFunction>> {
    Some(match name {
        "ROW_NUMBER" => Arc::new(numbering::RowNumber),
        "RANK" => Arc::new(numbering::Rank { is_dense: false }),
        "DENSE_RANK" => Arc::new(numbering::Rank { is_dense: true }),
        "LAG" => Arc::new(lag::Lag),
        _ => return None,
    })
}

/// The type of the only argument.
fn one<'a>(name: &str, arguments: &[Argument<'a>]) -> Result<&'a Typed, ResolveError> {
    match arguments {
        [argument] => Ok(argument.typed),
        other => Err(ResolveError(format!("{name} takes one argument, not {}", other.len()))),
    }
}

/// The type of the only argument, a number.
fn one_numeric<'a>(name: &str, arguments: &[Argument<'a>]) -> Result<&'a Typed, ResolveError> {
    let typed = one(name, arguments)?;
    match typed.data_type {
        DataType::TinyInt
        | DataType::SmallInt
        | DataType::Int
        | DataType::BigInt
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. } => Ok(typed),
        ref other => Err(ResolveError(format!("{name} takes a number, not {other}"))),
    }
}

/// Argument types for which there is no accumulator.
fn not_taken(name: &str, arguments: &[DataType]) -> ResolveError {
    let list = arguments.iter().map(DataType::to_string).collect::<Vec<_>>().join(", ");
    ResolveError(format!("{name} does not take ({list})"))
}

/// A retraction where none was announced: a fault of the plan.
fn cannot_retract() -> EvaluationError {
    EvaluationError("a row was taken back from an aggregate that was planned for added rows only".to_owned())
}

/// The keyword that is given in an argument column, the same in all rows.
fn symbol<'a>(update: &Update<'a>, index: usize) -> Option<&'a str> {
    use arrow_array::cast::AsArray;
    update.arguments.get(index)?.as_string_opt::<i32>()?.iter().flatten().next()
}
