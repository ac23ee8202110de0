//! `PERCENTILE(x, percentage [, frequency])`: exact, by linear interpolation between neighbours.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, from_options, nulls},
    element::Float,
    multiset::Multiset,
    number::NumberColumn,
    slots::{Heap, Kernel, Slots},
    state::{Number, damaged, put_length, take_flag, take_length},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::{Array, ArrayRef, ListArray, cast::AsArray, types::Float64Type, types::Int64Type};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType as Arrow;
use millrace_model::{DataType, data_type::Element as ElementType};
use std::sync::Arc;

/// `PERCENTILE`
#[derive(Debug)]
pub(super) struct Percentile;

impl AggregateFunction for Percentile {
    fn name(&self) -> &str {
        "PERCENTILE"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let [value, percentage, frequency @ ..] = arguments else {
            return Err(ResolveError("PERCENTILE takes a number, a percentage or an array of them, and a frequency".to_owned()));
        };
        super::one_numeric(self.name(), &[*value])?;
        let list = |nullable| DataType::Array(Box::new(ElementType { data_type: DataType::Double, nullable }));
        let (percentage, result) = match &percentage.typed.data_type {
            DataType::Array(_) => (list(false), list(true)),
            _ => {
                super::one_numeric("the percentage of PERCENTILE", &[*percentage])?;
                (DataType::Double, DataType::Double)
            }
        };
        let mut types = vec![value.typed.data_type.clone(), percentage];
        match frequency {
            [] => {}
            [frequency] => {
                let data_type = &frequency.typed.data_type;
                if !matches!(data_type, DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt) {
                    return Err(ResolveError(format!("the frequency of PERCENTILE is an integer, not {data_type}")));
                }
                types.push(DataType::BigInt);
            }
            _ => return Err(ResolveError("PERCENTILE takes at most three arguments".to_owned())),
        }
        Ok(Resolution { arguments: types, result: Typed::nullable(result) })
    }

    fn accumulator(&self, arguments: &[DataType], result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument, ..] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let has_frequency = arguments.len() > 2;
        Ok(Slots::boxed(PercentileKernel { carrier: argument.to_arrow(), result: result.to_arrow(), has_frequency }))
    }
}

struct PercentileKernel {
    carrier: Arrow,
    result: Arrow,
    has_frequency: bool,
}

/// All values, and the percentages of the first row.
#[derive(Default)]
struct PercentileState {
    percentages: Option<Arc<[f64]>>,
    values: Multiset<Float<f64>>,
}

/// The percentages in a row.
fn percentages(column: &ArrayRef, row: usize) -> Result<Arc<[f64]>, EvaluationError> {
    let percentages: Arc<[f64]> = match column.as_list_opt::<i32>() {
        Some(list) if list.is_valid(row) => match list.value(row).as_primitive_opt::<Float64Type>() {
            Some(values) => values.values().iter().copied().collect(),
            None => Arc::new([]),
        },
        None if column.is_valid(row) => column.as_primitive_opt::<Float64Type>().map(|values| values.value(row)).into_iter().collect(),
        _ => return Err(EvaluationError("the percentage of PERCENTILE must not be NULL".to_owned())),
    };
    match percentages.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(wrong) => Err(EvaluationError(format!("the percentage of PERCENTILE must be between 0 and 1, not {wrong}"))),
        None => Ok(percentages),
    }
}

/// The value at `percentage` of the way from the first to the last of `total` values. `values` come in their order, each
/// with how many there are up to and with it.
fn interpolate(values: &[(f64, i64)], total: i64, percentage: f64) -> f64 {
    let place = percentage * (total - 1) as f64 + 1.0;
    let (below, above) = (place.floor(), place.ceil());
    let at = values.partition_point(|(_, until)| (*until as f64) < below).min(values.len() - 1);
    let (value, until) = values[at];
    match values.get(at + 1) {
        Some((next, _)) if (until as f64) < above => (above - place) * value + (place - below) * next,
        _ => value,
    }
}

impl PercentileState {
    fn percentiles(&self) -> Option<Vec<f64>> {
        let mut total = 0_i64;
        let mut values: Vec<(f64, i64)> = Vec::new();
        for (value, count) in self.values.present() {
            total = total.saturating_add(count);
            values.push((value.0, total));
        }
        let percentages = self.percentages.as_ref().filter(|p| !p.is_empty() && total > 0)?;
        Some(percentages.iter().map(|percentage| interpolate(&values, total, *percentage)).collect())
    }
}

impl Kernel for PercentileKernel {
    type State = PercentileState;

    fn update(&mut self, states: &mut [PercentileState], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = NumberColumn::new(array)?;
        let percentage = update.arguments.get(1).ok_or_else(|| EvaluationError("PERCENTILE lacks its percentage".to_owned()))?;
        let frequency = match self.has_frequency {
            true => Some(argument(update, 2, &Arrow::Int64)?.as_primitive::<Int64Type>()),
            false => None,
        };
        let nulls = nulls(array);
        each_row(update, None, |row, group, retract| {
            let state = &mut states[group];
            if state.percentages.is_none() {
                state.percentages = Some(percentages(percentage, row)?);
            }
            let times = frequency.map_or(1, |f| if f.is_valid(row) { f.value(row).max(0) } else { 0 });
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                let before = state.values.heap_bytes();
                state.values.change(Float(column.double(row)), if retract { -times } else { times });
                heap.change(before, state.values.heap_bytes());
            }
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &PercentileState>) -> Result<ArrayRef, EvaluationError> {
        let Arrow::List(item) = &self.result else {
            return from_options(states.map(|s| s.percentiles().and_then(|p| p.first().copied())), &self.result);
        };
        let (mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
        for state in states {
            let percentiles = state.percentiles();
            valid.push(percentiles.is_some());
            lengths.push(percentiles.as_ref().map_or(0, Vec::len));
            values.extend(percentiles.into_iter().flatten().map(Some));
        }
        let values = from_options(values.into_iter(), item.data_type())?;
        Ok(Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), values, Some(NullBuffer::from(valid)))?))
    }

    fn put(&self, state: &PercentileState, out: &mut Vec<u8>) {
        out.push(u8::from(state.percentages.is_some()));
        if let Some(percentages) = &state.percentages {
            put_length(percentages.len(), out);
            percentages.iter().for_each(|p| p.put(out));
        }
        state.values.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<PercentileState, EvaluationError> {
        let mut percentages = None;
        if take_flag(input)? {
            let all = (0..take_length(input)?).map(|_| f64::take(input)).collect::<Result<Arc<[f64]>, _>>()?;
            if !all.iter().all(|p| (0.0..=1.0).contains(p)) {
                return Err(damaged());
            }
            percentages = Some(all);
        }
        Ok(PercentileState { percentages, values: Multiset::take(input, &Arrow::Float64)? })
    }

    fn merge(&self, state: &mut PercentileState, later: PercentileState) -> Result<(), EvaluationError> {
        state.percentages = state.percentages.take().or(later.percentages);
        state.values.merge(later.values);
        Ok(())
    }

    fn is_empty(&self, state: &PercentileState) -> bool {
        state.percentages.is_none() && state.values.is_empty()
    }

    fn heap_bytes(&self, state: &PercentileState) -> usize {
        state.values.heap_bytes()
    }
}
