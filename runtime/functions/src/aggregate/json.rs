//! `JSON_OBJECTAGG` and `JSON_ARRAYAGG`.
//!
//! After the key and value come keywords as symbols: `NULL ON NULL` or `ABSENT ON NULL`, and `FORMAT JSON` when the value is
//! a call of `JSON_OBJECT`, `JSON_ARRAY` or the like and so already JSON. All other values go through `JSON_STRING`.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, nulls},
    element::{Bytes, Element},
    json_text::JsonText,
    multiset::Multiset,
    sequence::Sequence,
    slots::{Heap, Kernel, Slots},
    state::{damaged, put_bytes, take_bytes, take_flag},
};
use crate::{
    Argument, EvaluationError, Resolution, ResolveError, Typed,
    json::write::{key_order, put_text},
};
use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

const NULL_ON_NULL: &str = "NULL ON NULL";
const ABSENT_ON_NULL: &str = "ABSENT ON NULL";
const FORMAT_JSON: &str = "FORMAT JSON";

/// `JSON_OBJECTAGG(key, value, …)`
#[derive(Debug)]
pub(super) struct ObjectAgg;

/// `JSON_ARRAYAGG(value, …)`
#[derive(Debug)]
pub(super) struct ArrayAgg;

/// Types of a call with `columns` arguments before the keywords.
fn resolve(name: &str, columns: usize, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let (values, keywords) =
        arguments.split_at_checked(columns).ok_or_else(|| ResolveError(format!("{name} takes {columns} arguments")))?;
    if let Some(wrong) = keywords.iter().find(|k| !matches!(k.symbol, Some(NULL_ON_NULL | ABSENT_ON_NULL | FORMAT_JSON))) {
        return Err(ResolveError(format!("{name} takes {columns} arguments and ON NULL, not {}", wrong.typed)));
    }
    let mut types: Vec<DataType> = values.iter().map(|v| v.typed.data_type.clone()).collect();
    types.resize(arguments.len(), DataType::String);
    Ok(Resolution { arguments: types, result: Typed::not_null(DataType::String) })
}

impl AggregateFunction for ObjectAgg {
    fn name(&self) -> &str {
        "JSON_OBJECTAGG"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let resolution = resolve(self.name(), 2, arguments)?;
        match &resolution.arguments[0] {
            DataType::String => Ok(resolution),
            other => Err(ResolveError(format!("the key of JSON_OBJECTAGG is a string, not {other}"))),
        }
    }

    fn is_null_when_empty(&self) -> bool {
        false
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [_, value, ..] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        Ok(Slots::boxed(ObjectKernel { text: JsonText::new(value) }))
    }
}

impl AggregateFunction for ArrayAgg {
    fn name(&self) -> &str {
        "JSON_ARRAYAGG"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        resolve(self.name(), 1, arguments)
    }

    fn is_null_when_empty(&self) -> bool {
        false
    }

    fn accumulator(&self, arguments: &[DataType], _result: &DataType, _can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let [value, ..] = arguments else { return Err(super::not_taken(self.name(), arguments)) };
        Ok(Slots::boxed(ArrayKernel { text: JsonText::new(value) }))
    }
}

fn has_keyword(update: &Update<'_>, columns: usize, keyword: &str) -> bool {
    (columns..update.arguments.len()).any(|index| super::symbol(update, index) == Some(keyword))
}

struct ObjectKernel {
    text: JsonText,
}

/// A member: key, whether there is a value, and the value as JSON.
fn member(key: &[u8], value: Option<&[u8]>) -> Bytes {
    let mut bytes = Vec::with_capacity(key.len() + value.map_or(0, <[u8]>::len) + 4);
    put_bytes(key, &mut bytes);
    bytes.push(u8::from(value.is_some()));
    bytes.extend_from_slice(value.unwrap_or_default());
    Bytes(bytes.into())
}

/// What `member` made; both are valid UTF-8.
fn parts(member: &Bytes) -> Result<(&str, &str), EvaluationError> {
    let mut rest = &*member.0;
    let key = std::str::from_utf8(take_bytes(&mut rest)?).map_err(|_| damaged())?;
    let value = if take_flag(&mut rest)? { std::str::from_utf8(rest).map_err(|_| damaged())? } else { "null" };
    Ok((key, value))
}

impl Kernel for ObjectKernel {
    type State = Multiset<Bytes>;

    fn update(&mut self, states: &mut [Self::State], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let keys = argument(update, 0, &Arrow::Utf8)?;
        let values = self.text.column(update, 1, has_keyword(update, 2, FORMAT_JSON))?;
        let (key_nulls, value_nulls) = (nulls(keys), nulls(&values));
        let absent = has_keyword(update, 2, ABSENT_ON_NULL);
        let (keys, values) = (Bytes::column(keys)?, Bytes::column(&values)?);
        each_row(update, value_nulls.as_ref().filter(|_| absent), |row, group, retract| {
            if key_nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                return Err(EvaluationError("a key of JSON_OBJECTAGG is NULL".to_owned()));
            }
            let value = value_nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then(|| values.get(row));
            states[group].change_by_row(member(keys.get(row), value), retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Self::State>) -> Result<ArrayRef, EvaluationError> {
        let object = |state: &Self::State| {
            let mut members = Vec::new();
            for (entry, count) in state.present() {
                let (key, value) = parts(entry)?;
                // A key is checked when the object is asked for: until then the row that takes the first back may come.
                if count > 1 {
                    return Err(duplicate(key));
                }
                members.push((key, value));
            }
            members.sort_by(|(a, _), (b, _)| key_order(a, b));
            if let Some(twice) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(duplicate(twice[0].0));
            }
            let mut text = "{".to_owned();
            for (index, (key, value)) in members.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                put_text(key, &mut text)?;
                text.push(':');
                text.push_str(value);
            }
            Ok(text + "}")
        };
        Ok(Arc::new(StringArray::from_iter_values(states.map(object).collect::<Result<Vec<_>, _>>()?)))
    }

    fn put(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Self::State, EvaluationError> {
        let state = Multiset::take(input, &Arrow::Binary)?;
        state.present().try_for_each(|(entry, _)| parts(entry).map(drop))?;
        Ok(state)
    }

    fn merge(&self, state: &mut Self::State, later: Self::State) -> Result<(), EvaluationError> {
        state.merge(later);
        Ok(())
    }

    fn is_empty(&self, state: &Self::State) -> bool {
        state.is_empty()
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.heap_bytes()
    }
}

fn duplicate(key: &str) -> EvaluationError {
    EvaluationError(format!("JSON_OBJECTAGG was given the key '{key}' more than once"))
}

struct ArrayKernel {
    text: JsonText,
}

impl Kernel for ArrayKernel {
    type State = Sequence<Bytes>;

    fn update(&mut self, states: &mut [Self::State], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        let values = self.text.column(update, 0, has_keyword(update, 1, FORMAT_JSON))?;
        let (column, nulls) = (Bytes::column(&values)?, nulls(&values));
        let passed_over = if has_keyword(update, 1, NULL_ON_NULL) { None } else { nulls.as_ref() };
        each_row(update, passed_over, |row, group, retract| {
            let value = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then(|| Bytes::at(&column, row));
            states[group].change(value, retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Self::State>) -> Result<ArrayRef, EvaluationError> {
        let array = |state: &Self::State| {
            let items = state.values().map(|item| item.map_or(Ok("null"), |item| std::str::from_utf8(&item.0)));
            let items = items.collect::<Result<Vec<_>, _>>().map_err(|_| damaged())?;
            Ok(format!("[{}]", items.join(",")))
        };
        Ok(Arc::new(StringArray::from_iter_values(states.map(array).collect::<Result<Vec<_>, EvaluationError>>()?)))
    }

    fn put(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<Self::State, EvaluationError> {
        Sequence::take(input, &Arrow::Utf8)
    }

    fn merge(&self, state: &mut Self::State, later: Self::State) -> Result<(), EvaluationError> {
        state.merge(later);
        Ok(())
    }

    fn is_empty(&self, state: &Self::State) -> bool {
        state.is_untouched()
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.heap_bytes()
    }
}
