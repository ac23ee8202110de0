//! `LISTAGG`: text joined in order of arrival.

use super::{
    Accumulator, AggregateFunction, Update,
    column::{argument, each_row, nulls},
    element::{Bytes, Element},
    sequence::Sequence,
    slots::{Heap, Kernel, Slots},
    state::{damaged, put_bytes, take_bytes, take_flag},
};
use crate::{Argument, EvaluationError, Resolution, ResolveError, Typed};
use arrow_array::{ArrayRef, StringArray, cast::AsArray};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

/// `LISTAGG(x)` and `LISTAGG(x, separator)`
#[derive(Debug)]
pub(super) struct ListAgg;

impl AggregateFunction for ListAgg {
    fn name(&self) -> &str {
        "LISTAGG"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
        let is_text = |a: &Argument<'_>| a.typed.data_type == DataType::String;
        match arguments {
            [text] if is_text(text) => {}
            [text, separator] if is_text(text) && is_text(separator) && separator.literal.is_some() => {}
            [_, separator] if separator.literal.is_none() => {
                return Err(ResolveError("the separator of LISTAGG must be a literal".to_owned()));
            }
            _ => return Err(ResolveError("LISTAGG takes a string, and a string literal as separator".to_owned())),
        }
        let nullable = arguments[0].typed.nullable;
        Ok(Resolution { arguments: vec![DataType::String; arguments.len()], result: Typed::new(DataType::String, nullable) })
    }

    fn accumulator(&self, _arguments: &[DataType], _result: &DataType, can_retract: bool) -> Result<Box<dyn Accumulator>, ResolveError> {
        let separator: Arc<[u8]> = Arc::from(b",".as_slice());
        Ok(if can_retract { Slots::boxed(SequenceKernel { separator }) } else { Slots::boxed(TextKernel { separator }) })
    }
}

/// The separator, which is the same in all rows.
fn separator(update: &Update<'_>, known: &mut Arc<[u8]>) {
    if let Some(column) = update.arguments.get(1).and_then(|a| a.as_string_opt::<i32>())
        && let Some(separator) = column.iter().flatten().next()
        && separator.as_bytes() != &**known
    {
        *known = Arc::from(separator.as_bytes());
    }
}

fn take_text(input: &mut &[u8]) -> Result<Arc<[u8]>, EvaluationError> {
    let bytes = take_bytes(input)?;
    std::str::from_utf8(bytes).map_err(|_| damaged())?;
    Ok(Arc::from(bytes))
}

/// A column of joined texts.
fn texts(values: impl Iterator<Item = Option<Vec<u8>>>) -> Result<ArrayRef, EvaluationError> {
    let texts = values.map(|text| text.map(String::from_utf8).transpose().map_err(|_| damaged()));
    Ok(Arc::new(texts.collect::<Result<StringArray, _>>()?))
}

/// Keeps the joined text.
struct TextKernel {
    separator: Arc<[u8]>,
}

/// The joined text and what it is joined with.
type Text = Option<(Vec<u8>, Arc<[u8]>)>;

impl Kernel for TextKernel {
    type State = Text;

    fn update(&mut self, states: &mut [Text], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        separator(update, &mut self.separator);
        let array = argument(update, 0, &Arrow::Utf8)?;
        let column = Bytes::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            if retract {
                return Err(super::cannot_retract());
            }
            let (state, value) = (&mut states[group], column.get(row));
            let before = self.heap_bytes(state);
            match state {
                None => *state = Some((value.to_vec(), self.separator.clone())),
                Some((text, separator)) => {
                    text.extend_from_slice(separator);
                    text.extend_from_slice(value);
                }
            }
            heap.change(before, self.heap_bytes(state));
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Text>) -> Result<ArrayRef, EvaluationError> {
        texts(states.map(|state| state.as_ref().map(|(text, _)| text.clone())))
    }

    fn put(&self, state: &Text, out: &mut Vec<u8>) {
        out.push(u8::from(state.is_some()));
        if let Some((text, separator)) = state {
            put_bytes(text, out);
            put_bytes(separator, out);
        }
    }

    fn take(&self, input: &mut &[u8]) -> Result<Text, EvaluationError> {
        if !take_flag(input)? {
            return Ok(None);
        }
        Ok(Some((take_text(input)?.to_vec(), take_text(input)?)))
    }

    fn merge(&self, state: &mut Text, later: Text) -> Result<(), EvaluationError> {
        if let (Some((text, _)), Some((more, separator))) = (state, later) {
            text.extend_from_slice(&separator);
            text.extend_from_slice(&more);
        }
        Ok(())
    }

    fn is_empty(&self, state: &Text) -> bool {
        state.is_none()
    }

    fn heap_bytes(&self, state: &Text) -> usize {
        state.as_ref().map_or(0, |(text, _)| text.capacity())
    }
}

/// Keeps the texts apart.
struct SequenceKernel {
    separator: Arc<[u8]>,
}

/// The texts and what they are joined with; `None` until there is one.
#[derive(Default)]
struct TextSequence {
    texts: Sequence<Bytes>,
    separator: Option<Arc<[u8]>>,
}

impl Kernel for SequenceKernel {
    type State = TextSequence;

    fn update(&mut self, states: &mut [TextSequence], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError> {
        separator(update, &mut self.separator);
        let array = argument(update, 0, &Arrow::Utf8)?;
        let column = Bytes::column(array)?;
        each_row(update, nulls(array).as_ref(), |row, group, retract| {
            let state = &mut states[group];
            state.separator.get_or_insert_with(|| self.separator.clone());
            state.texts.change(Some(Bytes::at(&column, row)), retract, heap);
            Ok(())
        })
    }

    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &TextSequence>) -> Result<ArrayRef, EvaluationError> {
        texts(states.map(|state| {
            let separator = state.separator.as_ref().unwrap_or(&self.separator);
            let parts: Vec<&[u8]> = state.texts.values().flatten().map(|text| &*text.0).collect();
            (!parts.is_empty()).then(|| parts.join(&**separator))
        }))
    }

    fn put(&self, state: &TextSequence, out: &mut Vec<u8>) {
        // An untouched state knows no separator; it must not make one up for rows to come.
        out.push(u8::from(state.separator.is_some()));
        if let Some(separator) = &state.separator {
            put_bytes(separator, out);
        }
        state.texts.put(out);
    }

    fn take(&self, input: &mut &[u8]) -> Result<TextSequence, EvaluationError> {
        let separator = take_flag(input)?.then(|| take_text(input)).transpose()?;
        Ok(TextSequence { texts: Sequence::take(input, &Arrow::Utf8)?, separator })
    }

    fn merge(&self, state: &mut TextSequence, later: TextSequence) -> Result<(), EvaluationError> {
        if !later.texts.is_untouched() {
            state.separator = later.separator;
        }
        state.texts.merge(later.texts);
        Ok(())
    }

    fn is_empty(&self, state: &TextSequence) -> bool {
        state.texts.is_untouched()
    }

    fn heap_bytes(&self, state: &TextSequence) -> usize {
        state.texts.heap_bytes()
    }
}
