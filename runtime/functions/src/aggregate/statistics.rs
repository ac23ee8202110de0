//! `STDDEV_POP`, `STDDEV_SAMP`, `VAR_POP` and `VAR_SAMP`.
//!
//! As Flink since 2.2: Welford's method in double precision (B. P. Welford, "Note on a method for calculating corrected sums
//! of squares and products", 1962), the result then cast to the type that `AVG` has. So integers give integers.

use super::{
    Accumulator, AggregateFunction, Update,
    average::average_type,
    column::{argument, each_row, from_options, nulls},
    number::NumberColumn,
    slots::{Heap, Kernel, Slots},
    state::Number,
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::ArrayRef;
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;

/// One of the four.
#[derive(Debug)]
pub(super) struct Deviation {
    /// Its name.
    pub(super) name: &'static str,
    /// Over a sample: divided by one less than the count.
    pub(super) sample: bool,
    /// The square root.
    pub(super) root: bool,
}

impl AggregateFunction for Deviation {
    fn name(&self) -> &str {
        self.name
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one_numeric(self.name, arguments)?;
        // Flink calls the result over a sample NOT NULL if the argument is, though a sample of one gives NULL.
        let result = Typed::new(average_type(&typed.data_type), typed.nullable || self.sample);
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result })
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name, arguments)) };
        let (carrier, result) = (argument.to_arrow(), average_type(argument).to_arrow());
        Ok(Slots::boxed(DeviationKernel { carrier, result, sample: self.sample, root: self.root }))
    }
}

struct DeviationKernel {
    carrier: Arrow,
    result: Arrow,
    sample: bool,
    root: bool,
}

/// Count, mean, and sum of squared distances from the mean.
#[derive(Default)]
struct Moments {
    count: i64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count = self.count.wrapping_add(1);
        if self.count > 0 {
            let distance = value - self.mean;
            self.mean += distance / self.count as f64;
            self.squares += distance * (value - self.mean);
        }
    }

    /// The inverse of `add`. What was taken back before it came is only counted.
    fn subtract(&mut self, value: f64) {
        self.count = self.count.wrapping_sub(1);
        if self.count > 0 {
            let distance = value - self.mean;
            self.mean -= distance / self.count as f64;
            self.squares -= (value - self.mean) * distance;
        } else if self.count == 0 {
            *self = Self::default();
        }
    }

    /// The moments of both (T. F. Chan, G. H. Golub, R. J. LeVeque, 1979).
    fn join(&mut self, later: &Self) {
        let count = self.count.wrapping_add(later.count);
        if later.count <= 0 || count <= 0 || self.count < 0 {
            self.count = count;
            if count <= 0 {
                *self = Self { count, ..Self::default() };
            }
            return;
        }
        let (own, others, all) = (self.count as f64, later.count as f64, count as f64);
        let distance = later.mean - self.mean;
        self.mean += others / all * distance;
        self.squares += later.squares + own * others / all * distance * distance;
        self.count = count;
    }
}

impl DeviationKernel {
    fn value(&self, moments: &Moments) -> Option<f64> {
        let divisor = if self.sample { moments.count.wrapping_sub(1) } else { moments.count };
        if moments.count <= 0 || moments.squares < 0.0 || divisor == 0 {
            return None;
        }
        let variance = moments.squares / divisor as f64;
        Some(if self.root { variance.sqrt() } else { variance })
    }
}

impl Kernel for DeviationKernel {
    type State = Moments;

    fn update(&mut self, states: &mut [Moments], update: &Update<'_>, _heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = NumberColumn::new(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            let value = column.double(row);
            if retract {
                states[group].subtract(value)
            } else {
                states[group].add(value)
            }
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Moments>) -> Result<ArrayRef, EvaluationError> {
        let values = states.map(|moments| self.value(moments));
        // Java casts a double to a small integer by way of 32 bit.
        match &self.result {
            Arrow::Int8 => from_options(values.map(|v| v.map(|v| v as i32 as i8)), &self.result),
            Arrow::Int16 => from_options(values.map(|v| v.map(|v| v as i32 as i16)), &self.result),
            Arrow::Int32 => from_options(values.map(|v| v.map(|v| v as i32)), &self.result),
            Arrow::Int64 => from_options(values.map(|v| v.map(|v| v as i64)), &self.result),
            Arrow::Float32 => from_options(values.map(|v| v.map(|v| v as f32)), &self.result),
            Arrow::Decimal128(_, scale) => {
                let scale = i32::from(*scale);
                from_options(values.map(|v| v.and_then(|v| super::number::decimal(v, scale))), &self.result)
            }
            _ => from_options(values, &self.result),
        }
    }

    fn put(&self, state: &Moments, out: &mut Vec<u8>) {
        state.count.put(out);
        state.mean.put(out);
        state.squares.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Moments, EvaluationError> {
        Ok(Moments { count: Number::take(input)?, mean: Number::take(input)?, squares: Number::take(input)? })
    }

    fn merge(&self, state: &mut Moments, later: Moments) -> Result<(), EvaluationError> {
        state.join(&later);
        Ok(())
    }

    fn is_empty(&self, state: &Moments) -> bool {
        state.count == 0
    }
}
