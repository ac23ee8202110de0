//! `CHAR(n)`, `VARCHAR(n)`, `BINARY(n)` and `VARBINARY(n)`: values are cut to `n`, and padded when the length is fixed.

use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, BinaryArray, ListArray, MapArray, StringArray, StructArray, builder::StringBuilder, cast::AsArray};
use arrow_schema::DataType as Arrow;
use std::sync::Arc;

/// Lengths of a type and of what is inside of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lengths {
    /// Its own length, and whether shorter values are padded.
    pub own: Option<(u32, bool)>,
    /// Those of its element, its key and value, its fields; empty where nothing has a length.
    pub parts: Vec<Lengths>,
}

impl Lengths {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.own.is_none() && self.parts.iter().all(Self::is_empty)
    }
}

/// Cuts (and pads) what is inside of lists, maps and rows.
pub(super) fn fit_parts(array: &ArrayRef, parts: &[Lengths]) -> Result<ArrayRef, EvaluationError> {
    let part = |values: &ArrayRef, at: usize| parts.get(at).map_or_else(|| Ok(values.clone()), |lengths| fit_all(values, lengths));
    Ok(match array.data_type() {
        Arrow::List(field) => {
            let list = array.as_list::<i32>();
            let values = part(list.values(), 0)?;
            Arc::new(ListArray::try_new(field.clone(), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        Arrow::Map(field, is_sorted) => {
            let map = array.as_map();
            let (keys, values) = (part(map.keys(), 0)?, part(map.values(), 1)?);
            let entries = StructArray::try_new(map.entries().fields().clone(), vec![keys, values], map.entries().nulls().cloned())?;
            Arc::new(MapArray::try_new(field.clone(), map.offsets().clone(), entries, map.nulls().cloned(), *is_sorted)?)
        }
        Arrow::Struct(fields) => {
            let row = array.as_struct();
            let columns = row.columns().iter().enumerate().map(|(at, values)| part(values, at)).collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, row.nulls().cloned())?)
        }
        _ => array.clone(),
    })
}

fn fit_all(array: &ArrayRef, lengths: &Lengths) -> Result<ArrayRef, EvaluationError> {
    let own = lengths.own.map_or_else(|| array.clone(), |(length, pads)| fit(array, length, pads));
    if lengths.parts.is_empty() { Ok(own) } else { fit_parts(&own, &lengths.parts) }
}

/// Cuts (and pads) texts by characters, bytes by bytes; other arrays stay as they are.
pub(super) fn fit(array: &ArrayRef, length: u32, pads: bool) -> ArrayRef {
    let length = length as usize;
    match array.data_type() {
        Arrow::Utf8 => fit_text(array.as_string::<i32>(), length, pads),
        Arrow::Binary => fit_bytes(array.as_binary::<i32>(), length, pads),
        _ => array.clone(),
    }
}

fn fit_text(array: &StringArray, length: usize, pads: bool) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(array.len(), array.value_data().len());
    let mut buffer = String::new();
    for text in array {
        let Some(text) = text else {
            builder.append_null();
            continue;
        };
        // Fewer bytes than allowed characters need no count.
        let characters = if text.is_ascii() { text.len() } else { text.chars().count() };
        if characters > length {
            let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
            builder.append_value(&text[..end]);
        } else if pads && characters < length {
            buffer.clear();
            buffer.push_str(text);
            buffer.extend(std::iter::repeat_n(' ', length - characters));
            builder.append_value(&buffer);
        } else {
            builder.append_value(text);
        }
    }
    Arc::new(builder.finish())
}

fn fit_bytes(array: &BinaryArray, length: usize, pads: bool) -> ArrayRef {
    let fitted: BinaryArray = array
        .iter()
        .map(|bytes| {
            bytes.map(|bytes| {
                let mut bytes = bytes[..bytes.len().min(length)].to_vec();
                if pads {
                    bytes.resize(length, 0);
                }
                bytes
            })
        })
        .collect();
    Arc::new(fitted)
}
