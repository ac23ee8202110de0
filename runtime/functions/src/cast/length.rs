//! `CHAR(n)`, `VARCHAR(n)`, `BINARY(n)` and `VARBINARY(n)`: values are cut to `n`, and padded when the length is fixed.

use arrow_array::{Array, ArrayRef, BinaryArray, StringArray, builder::StringBuilder, cast::AsArray};
use arrow_schema::DataType as Arrow;
use std::sync::Arc;

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
