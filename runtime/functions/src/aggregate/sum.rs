//! `SUM` and `$SUM0`: in the argument's own type, integers wrapping as Java's do; decimals are in `decimal`.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, from_options, natives, nulls},
    decimal,
    slots::{Heap, Kernel, Slots, is_retracted, trace},
    state::Number,
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::ArrayRef;
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::marker::PhantomData;

/// `SUM` or `$SUM0`
#[derive(Debug)]
pub(super) struct Sum {
    /// No rows give 0 instead of NULL.
    pub(super) zero_when_empty: bool,
}

impl AggregateFunction for Sum {
    fn name(&self) -> &str {
        if self.zero_when_empty { "$SUM0" } else { "SUM" }
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one_numeric(self.name(), arguments)?;
        let result = match typed.data_type {
            DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale },
            ref other => other.clone(),
        };
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result: Typed::new(result, typed.nullable && !self.zero_when_empty) })
    }

    fn is_null_when_empty(&self) -> bool {
        !self.zero_when_empty
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let zero_when_empty = self.zero_when_empty;
        Ok(match arguments {
            [DataType::TinyInt] => SumKernel::<i8>::slots(Arrow::Int8, zero_when_empty),
            [DataType::SmallInt] => SumKernel::<i16>::slots(Arrow::Int16, zero_when_empty),
            [DataType::Int] => SumKernel::<i32>::slots(Arrow::Int32, zero_when_empty),
            [DataType::BigInt] => SumKernel::<i64>::slots(Arrow::Int64, zero_when_empty),
            [DataType::Float] => SumKernel::<f32>::slots(Arrow::Float32, zero_when_empty),
            [DataType::Double] => SumKernel::<f64>::slots(Arrow::Float64, zero_when_empty),
            [DataType::Decimal { precision, scale }] => decimal::sum(*precision, *scale, zero_when_empty),
            other => return Err(super::not_taken(self.name(), other)),
        })
    }
}

/// A number that sums are made of.
pub(super) trait Addend: ArrowNativeType + Number {
    /// What changes nothing when added: for floats −0, so that a sum of −0 stays −0 as in Flink, where the first value
    /// is taken over instead of being added to 0.
    const START: Self;
    /// `self + other`, wrapping.
    fn plus(self, other: Self) -> Self;
    /// `self - other`, wrapping.
    fn minus(self, other: Self) -> Self;
}

macro_rules! integer_addend {
    ($($native:ty),*) => {$(
        impl Addend for $native {
            const START: Self = 0;
            #[inline]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
        }
    )*};
}

macro_rules! float_addend {
    ($($native:ty),*) => {$(
        impl Addend for $native {
            const START: Self = -0.0;
            #[inline]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline]
            fn minus(self, other: Self) -> Self {
                self - other
            }
        }
    )*};
}

integer_addend!(i8, i16, i32, i64);
float_addend!(f32, f64);

struct SumKernel<T> {
    carrier: Arrow,
    zero_when_empty: bool,
    native: PhantomData<T>,
}

/// A sum, and of how many values. The sum stays when all values have been taken back, as in Flink: what floats leave
/// behind then goes into the next sum.
#[derive(Clone, Copy)]
struct SumState<T> {
    sum: T,
    count: i64,
}

impl<T: Addend> Default for SumState<T> {
    fn default() -> Self {
        Self { sum: T::START, count: 0 }
    }
}

impl<T: Addend> SumKernel<T> {
    fn slots(carrier: Arrow, zero_when_empty: bool) -> Box<dyn Accumulator> {
        Slots::boxed(Self { carrier, zero_when_empty, native: PhantomData })
    }
}

impl<T: Addend> Kernel for SumKernel<T> {
    type State = SumState<T>;

    fn update(&mut self, states: &mut [SumState<T>], update: &Update<'_>, _heap: &mut Heap) -> Result<(), EvaluationError> {
        let column = argument(update, 0, &self.carrier)?;
        let values = natives::<T>(column);
        each_row(update, nulls(column).as_ref(), |row, group, retract| {
            let state = &mut states[group];
            if retract {
                state.sum = state.sum.minus(values[row]);
                state.count = state.count.wrapping_sub(1);
            } else {
                state.sum = state.sum.plus(values[row]);
                state.count = state.count.wrapping_add(1);
            }
            Ok(())
        })
    }

    const CAN_RUN: bool = true;
    const CAN_SLIDE: bool = true;

    fn running(
        &mut self,
        states: &mut [SumState<T>],
        update: &Update<'_>,
        _heap: &mut Heap,
    ) -> Result<Option<Vec<SumState<T>>>, EvaluationError> {
        let column = argument(update, 0, &self.carrier)?;
        let (values, nulls) = (natives::<T>(column), nulls(column));
        Ok(Some(trace(states, update.groups, |state, row| {
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                if is_retracted(update, row) {
                    state.sum = state.sum.minus(values[row]);
                    state.count = state.count.wrapping_sub(1);
                } else {
                    state.sum = state.sum.plus(values[row]);
                    state.count = state.count.wrapping_add(1);
                }
            }
        })))
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &SumState<T>>) -> Result<ArrayRef, EvaluationError> {
        // Adding the zero of the default turns −0 into 0: `$SUM0` starts at 0 and cannot give −0.
        let zero = T::default();
        let value = |s: &SumState<T>| {
            if self.zero_when_empty { Some(s.sum.plus(zero)) } else { (s.count != 0).then_some(s.sum) }
        };
        from_options(states.map(value), &self.carrier)
    }

    fn put(&self, state: &SumState<T>, out: &mut Vec<u8>) {
        state.sum.put(out);
        state.count.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<SumState<T>, EvaluationError> {
        Ok(SumState { sum: T::take(input)?, count: i64::take(input)? })
    }

    fn merge(&self, state: &mut SumState<T>, later: SumState<T>) -> Result<(), EvaluationError> {
        state.sum = state.sum.plus(later.sum);
        state.count = state.count.wrapping_add(later.count);
        Ok(())
    }

    fn copied(&self, state: &SumState<T>) -> Option<SumState<T>> {
        Some(*state)
    }

    fn is_empty(&self, state: &SumState<T>) -> bool {
        state.count == 0 && state.sum == T::START
    }
}
