//! `ARRAY_AGG` in order of arrival, and `COLLECT` into a multiset.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, nulls},
    element::{Element, for_any_element},
    multiset::Multiset,
    sequence::Sequence,
    slots::{Heap, Kernel, Slots},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::{Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType as Arrow;
use millrace_model::{DataType, data_type::Element as ElementType};
use std::marker::PhantomData;

/// `ARRAY_AGG(x)`, `ARRAY_AGG(x, IGNORE NULLS)` and `ARRAY_AGG(x, RESPECT NULLS)`, the keywords as symbols.
#[derive(Debug)]
pub(super) struct ArrayAgg;

const IGNORE_NULLS: &str = "IGNORE NULLS";
const RESPECT_NULLS: &str = "RESPECT NULLS";

impl AggregateFunction for ArrayAgg {
    fn name(&self) -> &str {
        "ARRAY_AGG"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = match arguments {
            [value] => value.typed,
            [value, keyword] if matches!(keyword.symbol, Some(IGNORE_NULLS | RESPECT_NULLS)) => value.typed,
            _ => return Err(ResolveError("ARRAY_AGG takes one argument, with IGNORE NULLS or RESPECT NULLS".to_owned())),
        };
        let mut types = vec![typed.data_type.clone()];
        types.resize(arguments.len(), DataType::String);
        let element = ElementType { data_type: typed.data_type.clone(), nullable: typed.nullable };
        Ok(Resolution { arguments: types, result: Typed::new(DataType::Array(Box::new(element)), typed.nullable) })
    }

    fn accumulator(&self, arguments: &[DataType], result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument, ..] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let (carrier, list) = (argument.to_arrow(), result.to_arrow());
        Ok(for_any_element!(&carrier, E => Slots::boxed(ArrayKernel::<E> { carrier, list, element: PhantomData })))
    }
}

/// `COLLECT`; NULL is passed over.
#[derive(Debug)]
pub(super) struct Collect;

impl AggregateFunction for Collect {
    fn name(&self) -> &str {
        "COLLECT"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let typed = super::one(self.name(), arguments)?;
        let element = ElementType { data_type: typed.data_type.clone(), nullable: typed.nullable };
        let result = Typed::not_null(DataType::Multiset(Box::new(element)));
        Ok(Resolution { arguments: vec![typed.data_type.clone()], result })
    }

    fn is_null_when_empty(&self) -> bool {
        false
    }

    fn accumulator(&self, arguments: &[DataType], result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [argument] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        let (carrier, map) = (argument.to_arrow(), result.to_arrow());
        Ok(for_any_element!(&carrier, E => Slots::boxed(CollectKernel::<E> { carrier, map, element: PhantomData })))
    }
}

/// Offsets of a list column out of the lengths of its lists.
fn offsets(lengths: impl Iterator<Item = usize>) -> Result<Buffer, EvaluationError> {
    let mut end = 0_usize;
    let ends = lengths.map(|length| {
        end += length;
        i32::try_from(end).map_err(|_| EvaluationError("a column of more than 2^31 collected values".to_owned()))
    });
    Ok(Buffer::from_vec(std::iter::once(Ok(0)).chain(ends).collect::<Result<Vec<i32>, _>>()?))
}

struct ArrayKernel<E> {
    carrier: Arrow,
    list: Arrow,
    element: PhantomData<E>,
}

impl<E: Element> Kernel for ArrayKernel<E> {
    type State = Sequence<E>;

    fn update(&mut self, states: &mut [Sequence<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let (column, nulls) = (E::column(array)?, nulls(array));
        let passed_over = if super::symbol(update, 1) == Some(IGNORE_NULLS) { nulls.as_ref() } else { None };
        each_row(update, passed_over, |row, group, retract| {
            let value = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then(|| E::at(&column, row));
            states[group].change(value, retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Sequence<E>>) -> Result<ArrayRef, EvaluationError> {
        let states: Vec<&Sequence<E>> = states.collect();
        let elements: Vec<Option<&E>> = states.iter().flat_map(|state| state.values()).collect();
        let data = ArrayData::builder(self.list.clone())
            .len(states.len())
            .add_buffer(offsets(states.iter().map(|state| state.len()))?)
            .add_child_data(E::build(&mut elements.into_iter(), &self.carrier)?.into_data())
            .nulls(Some(NullBuffer::from_iter(states.iter().map(|state| state.len() > 0))));
        Ok(make_array(data.build()?))
    }

    fn put(&self, state: &Sequence<E>, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Sequence<E>, EvaluationError> {
        Sequence::take(input, &self.carrier)
    }

    fn merge(&self, state: &mut Sequence<E>, later: Sequence<E>) -> Result<(), EvaluationError> {
        state.merge(later);
        Ok(())
    }

    fn is_empty(&self, state: &Sequence<E>) -> bool {
        state.is_untouched()
    }

    fn heap_bytes(&self, state: &Sequence<E>) -> usize {
        state.heap_bytes()
    }
}

struct CollectKernel<E> {
    carrier: Arrow,
    map: Arrow,
    element: PhantomData<E>,
}

impl<E: Element> Kernel for CollectKernel<E> {
    type State = Multiset<E>;

    fn update(&mut self, states: &mut [Multiset<E>], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let array = argument(update, 0, &self.carrier)?;
        let column = E::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            states[group].change_by_row(E::at(&column, row), retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Multiset<E>>) -> Result<ArrayRef, EvaluationError> {
        let states: Vec<&Multiset<E>> = states.collect();
        let Arrow::Map(entries, _) = &self.map else {
            return Err(EvaluationError(format!("COLLECT cannot give {}", self.map)));
        };
        let (elements, counts): (Vec<_>, Vec<_>) = states.iter().flat_map(|state| state.present()).unzip();
        let counts: Vec<i32> = counts.into_iter().map(|count| i32::try_from(count).unwrap_or(i32::MAX)).collect();
        let entries = ArrayData::builder(entries.data_type().clone())
            .len(counts.len())
            .add_child_data(E::build(&mut elements.into_iter().map(Some), &self.carrier)?.into_data())
            .add_child_data(super::column::from_natives(counts, None, &Arrow::Int32)?.into_data());
        let data = ArrayData::builder(self.map.clone())
            .len(states.len())
            .add_buffer(offsets(states.iter().map(|state| state.present().count()))?)
            .add_child_data(entries.build()?);
        Ok(make_array(data.build()?))
    }

    fn put(&self, state: &Multiset<E>, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Multiset<E>, EvaluationError> {
        Multiset::take(input, &self.carrier)
    }

    fn merge(&self, state: &mut Multiset<E>, later: Multiset<E>) -> Result<(), EvaluationError> {
        state.merge(later);
        Ok(())
    }

    fn is_empty(&self, state: &Multiset<E>) -> bool {
        state.is_empty()
    }

    fn heap_bytes(&self, state: &Multiset<E>) -> usize {
        state.heap_bytes()
    }
}
