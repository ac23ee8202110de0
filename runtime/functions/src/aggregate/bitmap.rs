//! `BITMAP_BUILD_AGG`, `BITMAP_AND_AGG`, `BITMAP_OR_AGG`, `BITMAP_XOR_AGG`, and how many numbers each would hold.
//!
//! NULL is passed over, and a group with nothing else has NULL for its result. Where rows are only added a group is one
//! bitmap; where they are taken back too it counts for every number the rows that hold it. `XOR` is its own reverse.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, from_options, natives, nulls},
    slots::{Heap, Kernel, Slots},
    state::{Number, damaged, put_bytes, put_length, take_bytes, take_length},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed, bitmap};
use arrow_array::{ArrayRef, BinaryArray, cast::AsArray};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use roaring::RoaringBitmap;
use std::{collections::BTreeMap, sync::Arc};

/// Most different numbers that a group counts: a run of a few bytes can stand for billions.
const COUNTED_MAX: usize = 1 << 24;

/// How bitmaps are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    And,
    Or,
    Xor,
}

/// One of the aggregates.
#[derive(Debug)]
pub(super) struct BitmapAgg {
    pub(super) name: &'static str,
    pub(super) operation: Operation,
    /// Whether the argument is a number instead of a bitmap.
    pub(super) of_numbers: bool,
    /// Whether the result is how many numbers there are.
    pub(super) is_cardinality: bool,
}

impl AggregateFunction for BitmapAgg {
    fn name(&self) -> &str {
        self.name
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one(self.name, arguments)?;
        let argument = match &typed.data_type {
            DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::Null if self.of_numbers => DataType::Int,
            DataType::Bitmap | DataType::Null if !self.of_numbers => DataType::Bitmap,
            other => {
                let wanted = if self.of_numbers { "an INT" } else { "a BITMAP" };
                return Err(ResolveError(format!("{} takes {wanted}, not {other}", self.name)));
            }
        };
        let result = if self.is_cardinality { DataType::BigInt } else { DataType::Bitmap };
        Ok(Resolution { arguments: vec![argument], result: Typed::nullable(result) })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [_] = arguments else { return Err(super::not_taken(self.name, arguments)) };
        let is_counted = can_retract && self.operation != Operation::Xor;
        let Self { operation, of_numbers, is_cardinality, .. } = *self;
        Ok(Slots::boxed(BitmapKernel { operation, of_numbers, is_cardinality, is_counted }))
    }
}

struct BitmapKernel {
    operation: Operation,
    of_numbers: bool,
    is_cardinality: bool,
    is_counted: bool,
}

/// Of the two fields that hold numbers one is in use.
#[derive(Default)]
struct State {
    /// Rows that were not NULL, less those taken back.
    rows: i64,
    set: RoaringBitmap,
    /// In how many rows each number is: never 0.
    counts: BTreeMap<u32, i64>,
    /// About what `set` allocates; kept because asking it is not free.
    set_bytes: usize,
}

impl State {
    fn heap_bytes(&self) -> usize {
        self.set_bytes + self.counts.len() * (size_of::<u32>() + size_of::<i64>()) * 4 / 3
    }

    fn count(&mut self, number: u32, by: i64) -> Result<(), EvaluationError> {
        let count = self.counts.entry(number).or_insert(0);
        *count = count.wrapping_add(by);
        if *count == 0 {
            self.counts.remove(&number);
        }
        if self.counts.len() > COUNTED_MAX {
            return Err(too_many());
        }
        Ok(())
    }
}

fn too_many() -> EvaluationError {
    EvaluationError(format!("a bitmap aggregate that rows are taken back from holds more than {COUNTED_MAX} different numbers"))
}

impl BitmapKernel {
    fn add_number(&self, state: &mut State, number: u32, by: i64) -> Result<(), EvaluationError> {
        if self.is_counted {
            return state.count(number, by);
        }
        if state.set.insert(number) {
            // Two bytes of an array container, until it becomes denser.
            state.set_bytes += 2;
        }
        Ok(())
    }

    fn add_bitmap(&self, state: &mut State, other: &RoaringBitmap, by: i64) -> Result<(), EvaluationError> {
        if self.is_counted {
            if other.len() > COUNTED_MAX as u64 {
                return Err(too_many());
            }
            return other.iter().try_for_each(|number| state.count(number, by));
        }
        match self.operation {
            Operation::And if state.rows == 0 => state.set = other.clone(),
            Operation::And => state.set &= other,
            Operation::Or => state.set |= other,
            Operation::Xor => state.set ^= other,
        }
        state.set_bytes = state.set.serialized_size();
        Ok(())
    }

    /// The bitmap of a group; `None` when no row has one.
    fn result(&self, state: &State) -> Option<RoaringBitmap> {
        if state.rows <= 0 {
            return None;
        }
        if !self.is_counted {
            return Some(state.set.clone());
        }
        let holds = |count: i64| if self.operation == Operation::And { count == state.rows } else { count > 0 };
        Some(state.counts.iter().filter(|(_, count)| holds(**count)).map(|(number, _)| *number).collect())
    }

    fn cardinality(&self, state: &State) -> Option<i64> {
        if state.rows > 0 && !self.is_counted {
            return Some(state.set.len() as i64);
        }
        self.result(state).map(|bitmap| bitmap.len() as i64)
    }
}

impl Kernel for BitmapKernel {
    type State = State;

    fn update(&mut self, states: &mut [State], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &if self.of_numbers { Arrow::Int32 } else { Arrow::Binary })?;
        let (numbers, bitmaps) =
            if self.of_numbers { (natives::<i32>(array), None) } else { (Vec::new().into(), array.as_binary_opt::<i32>()) };
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            let (state, by) = (&mut states[group], if retract { -1 } else { 1 });
            let before = state.heap_bytes();
            match bitmaps {
                None => self.add_number(state, numbers[row] as u32, by)?,
                Some(bitmaps) => self.add_bitmap(state, &bitmap::read(bitmaps.value(row))?, by)?,
            }
            state.rows = state.rows.wrapping_add(by);
            heap.change(before, state.heap_bytes());
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &State>) -> Result<ArrayRef, EvaluationError> {
        if self.is_cardinality {
            let counts: Vec<Option<i64>> = states.map(|state| self.cardinality(state)).collect();
            return from_options(counts.into_iter(), &Arrow::Int64);
        }
        let bitmaps = states.map(|state| self.result(state).map(bitmap::write).transpose()).collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(bitmaps.iter().map(Option::as_deref).collect::<BinaryArray>()))
    }

    fn put(&self, state: &State, out: &mut Vec<u8>) {
        state.rows.put(out);
        let mut bytes = Vec::with_capacity(state.set.serialized_size());
        // Writing into memory does not fail.
        drop(state.set.serialize_into(&mut bytes));
        put_bytes(&bytes, out);
        put_length(state.counts.len(), out);
        for (number, count) in &state.counts {
            number.put(out);
            count.put(out);
        }
    }

    fn take(&self, input: &mut &[u8]) -> Result<State, EvaluationError> {
        let rows = i64::take(input)?;
        let set = bitmap::read(take_bytes(input)?).map_err(|_| damaged())?;
        let mut state = State { rows, set_bytes: set.serialized_size(), set, counts: BTreeMap::new() };
        for _ in 0..take_length(input)? {
            let number = u32::take(input)?;
            state.counts.insert(number, i64::take(input)?);
        }
        Ok(state)
    }

    fn merge(&self, state: &mut State, later: State) -> Result<(), EvaluationError> {
        // A part of which as many rows were taken back as added still has a say in XOR; in AND it would be the empty set.
        let is_nothing = self.operation == Operation::And && later.rows == 0;
        if !self.is_counted && !is_nothing {
            self.add_bitmap(state, &later.set, 1)?;
        }
        for (number, count) in later.counts {
            state.count(number, count)?;
        }
        state.rows = state.rows.wrapping_add(later.rows);
        Ok(())
    }

    fn is_empty(&self, state: &State) -> bool {
        state.rows == 0 && state.set.is_empty() && state.counts.is_empty()
    }

    fn heap_bytes(&self, state: &State) -> usize {
        state.heap_bytes()
    }
}
