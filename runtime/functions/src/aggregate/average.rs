//! `AVG`: integers are summed in 64 bit and the quotient is truncated, floats are summed in double precision; decimals
//! are in `decimal`.

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

/// `AVG`
#[derive(Debug)]
pub(super) struct Average;

/// The type of averages and variances of `argument`.
pub(super) fn average_type(argument: &DataType) -> DataType {
    match argument {
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: (*scale).max(6) },
        other => other.clone(),
    }
}

impl AggregateFunction for Average {
    fn name(&self) -> &str {
        "AVG"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one_numeric(self.name(), arguments)?;
        let result = Typed::new(average_type(&typed.data_type), typed.nullable);
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        Ok(match arguments {
            [DataType::TinyInt] => AverageKernel::<i8>::slots(Arrow::Int8),
            [DataType::SmallInt] => AverageKernel::<i16>::slots(Arrow::Int16),
            [DataType::Int] => AverageKernel::<i32>::slots(Arrow::Int32),
            [DataType::BigInt] => AverageKernel::<i64>::slots(Arrow::Int64),
            [DataType::Float] => AverageKernel::<f32>::slots(Arrow::Float32),
            [DataType::Double] => AverageKernel::<f64>::slots(Arrow::Float64),
            [DataType::Decimal { precision, scale }] => decimal::average(*precision, *scale, (*scale).max(6)),
            other => return Err(super::not_taken(self.name(), other)),
        })
    }
}

/// A number that averages are made of.
trait Averaged: ArrowNativeType {
    /// What values are summed in.
    type Sum: Number + Copy + Default + PartialEq + Send;
    /// `sum + self`
    fn add(self, sum: Self::Sum) -> Self::Sum;
    /// `sum - self`
    fn subtract(self, sum: Self::Sum) -> Self::Sum;
    /// The sum of two sums.
    fn join(sum: Self::Sum, later: Self::Sum) -> Self::Sum;
    /// `sum / count`; the count is not 0.
    fn divide(sum: Self::Sum, count: i64) -> Self;
}

macro_rules! averaged {
    ($sum:ty: $($native:ty),*; $add:expr, $subtract:expr, $divide:expr) => {$(
        impl Averaged for $native {
            type Sum = $sum;
            #[inline]
            fn add(self, sum: $sum) -> $sum {
                $add(sum, <$sum>::from(self))
            }
            #[inline]
            fn subtract(self, sum: $sum) -> $sum {
                $subtract(sum, <$sum>::from(self))
            }
            fn join(sum: $sum, later: $sum) -> $sum {
                $add(sum, later)
            }
            fn divide(sum: $sum, count: i64) -> Self {
                $divide(sum, count) as Self
            }
        }
    )*};
}

averaged!(i64: i8, i16, i32, i64; i64::wrapping_add, i64::wrapping_sub, i64::wrapping_div);
averaged!(f64: f32, f64; std::ops::Add::add, std::ops::Sub::sub, |sum, count| sum / count as f64);

struct AverageKernel<T> {
    carrier: Arrow,
    native: PhantomData<T>,
}

/// A sum, and of how many values.
#[derive(Clone, Copy, Default)]
struct AverageState<S> {
    sum: S,
    count: i64,
}

impl<T: Averaged> AverageKernel<T> {
    fn slots(carrier: Arrow) -> Box<dyn Accumulator> {
        Slots::boxed(Self { carrier, native: PhantomData })
    }
}

impl<T: Averaged> Kernel for AverageKernel<T> {
    type State = AverageState<T::Sum>;

    fn update(&mut self, states: &mut [Self::State], update: &Update<'_>, _heap: &mut Heap) -> Result<(), EvaluationError> {
        let column = argument(update, 0, &self.carrier)?;
        let values = natives::<T>(column);
        each_row(update, nulls(column).as_ref(), |row, group, retract| {
            let state = &mut states[group];
            if retract {
                state.sum = values[row].subtract(state.sum);
                state.count = state.count.wrapping_sub(1);
            } else {
                state.sum = values[row].add(state.sum);
                state.count = state.count.wrapping_add(1);
            }
            Ok(())
        })
    }

    const CAN_RUN: bool = true;
    const CAN_SLIDE: bool = true;

    fn running(
        &mut self,
        states: &mut [Self::State],
        update: &Update<'_>,
        _heap: &mut Heap,
    ) -> Result<Option<Vec<Self::State>>, EvaluationError> {
        let column = argument(update, 0, &self.carrier)?;
        let (values, nulls) = (natives::<T>(column), nulls(column));
        Ok(Some(trace(states, update.groups, |state, row| {
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                if is_retracted(update, row) {
                    state.sum = values[row].subtract(state.sum);
                    state.count = state.count.wrapping_sub(1);
                } else {
                    state.sum = values[row].add(state.sum);
                    state.count = state.count.wrapping_add(1);
                }
            }
        })))
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Self::State>) -> Result<ArrayRef, EvaluationError> {
        from_options(states.map(|s| (s.count != 0).then(|| T::divide(s.sum, s.count))), &self.carrier)
    }

    fn put(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.sum.put(out);
        state.count.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Self::State, EvaluationError> {
        Ok(AverageState { sum: Number::take(input)?, count: i64::take(input)? })
    }

    fn merge(&self, state: &mut Self::State, later: Self::State) -> Result<(), EvaluationError> {
        state.sum = T::join(state.sum, later.sum);
        state.count = state.count.wrapping_add(later.count);
        Ok(())
    }

    fn copied(&self, state: &Self::State) -> Option<Self::State> {
        Some(*state)
    }

    fn is_empty(&self, state: &Self::State) -> bool {
        state.count == 0 && state.sum == T::Sum::default()
    }
}
