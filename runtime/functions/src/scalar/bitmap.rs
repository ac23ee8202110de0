//! Functions on bitmaps. NULL in, NULL out; a NULL element of an array is passed over.

use super::{
    Builtin, Call,
    columns::{argument, bytes, bytes_result, check_batch, check_value, columnar, extent, number_result, text_result},
    signature::refused,
};
use crate::{Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed, bitmap};
use arrow_array::{
    Array,
    builder::{Int32Builder, ListBuilder},
    cast::AsArray,
    types::{Int32Type, Int64Type},
};
use millrace_model::{DataType, data_type::Element};
use roaring::RoaringBitmap;
use std::sync::Arc;

macro_rules! combination {
    ($name:literal, $combine:expr) => {
        Builtin {
            name: $name,
            resolve: |arguments| resolve($name, arguments, &[DataType::Bitmap, DataType::Bitmap], DataType::Bitmap),
            evaluate: |call| combine(call, $combine),
            deterministic: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    combination!("BITMAP_AND", |a, b| *a &= b),
    combination!("BITMAP_OR", |a, b| *a |= b),
    combination!("BITMAP_XOR", |a, b| *a ^= b),
    combination!("BITMAP_ANDNOT", |a, b| *a -= b),
    Builtin {
        name: "BITMAP_BUILD",
        resolve: |arguments| resolve("BITMAP_BUILD", arguments, &[integers()], DataType::Bitmap),
        evaluate: build,
        deterministic: true,
    },
    Builtin {
        name: "BITMAP_CARDINALITY",
        resolve: |arguments| resolve("BITMAP_CARDINALITY", arguments, &[DataType::Bitmap], DataType::BigInt),
        evaluate: cardinality,
        deterministic: true,
    },
    Builtin {
        name: "BITMAP_FROM_BYTES",
        resolve: |arguments| resolve("BITMAP_FROM_BYTES", arguments, &[DataType::Bytes], DataType::Bitmap),
        evaluate: from_bytes,
        deterministic: true,
    },
    Builtin {
        name: "BITMAP_TO_BYTES",
        resolve: |arguments| resolve("BITMAP_TO_BYTES", arguments, &[DataType::Bitmap], DataType::Bytes),
        // A bitmap is carried by these bytes.
        evaluate: |call| argument(call, 0).cloned(),
        deterministic: true,
    },
    Builtin {
        name: "BITMAP_TO_ARRAY",
        resolve: |arguments| resolve("BITMAP_TO_ARRAY", arguments, &[DataType::Bitmap], integers()),
        evaluate: to_array,
        deterministic: true,
    },
    Builtin {
        name: "BITMAP_TO_STRING",
        resolve: |arguments| resolve("BITMAP_TO_STRING", arguments, &[DataType::Bitmap], DataType::String),
        evaluate: to_text,
        deterministic: true,
    },
];

fn integers() -> DataType {
    DataType::Array(Box::new(Element { data_type: DataType::Int, nullable: true }))
}

/// Arguments of these types, or that can become them without loss.
fn resolve(name: &str, arguments: &[Argument<'_>], takes: &[DataType], result: DataType) -> Result<Resolution, ResolveError> {
    let fits = |argument: &Argument<'_>, wanted: &DataType| match (&argument.typed.data_type, wanted) {
        _ if argument.symbol.is_some() => false,
        (DataType::Null, _) => true,
        (DataType::Array(element), DataType::Array(_)) => {
            matches!(element.data_type, DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::Null)
        }
        (given, wanted) => given == wanted,
    };
    if arguments.len() != takes.len() || !arguments.iter().zip(takes).all(|(argument, wanted)| fits(argument, wanted)) {
        let list: Vec<String> = takes.iter().map(DataType::to_string).collect();
        return Err(refused(name, arguments, &list.join(", ")));
    }
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    Ok(Resolution { arguments: takes.to_vec(), result: Typed::new(result, nullable) })
}

fn build(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let column = argument(call, 0)?;
    let lists = column.inner().as_list_opt::<i32>().ok_or_else(|| EvaluationError("BITMAP_BUILD was not given an array".to_owned()))?;
    let numbers = lists.values().as_primitive::<Int32Type>();
    bytes_result(call, |row| {
        let at = column.index(row);
        if lists.is_null(at) {
            return Ok(None);
        }
        let elements = lists.value_offsets()[at] as usize..lists.value_offsets()[at + 1] as usize;
        let bitmap: RoaringBitmap = elements.filter(|&i| numbers.is_valid(i)).map(|i| numbers.value(i) as u32).collect();
        bitmap::write(bitmap).map(Some)
    })
}

fn combine(call: &Call<'_>, combine: impl Fn(&mut RoaringBitmap, &RoaringBitmap)) -> Result<Columnar, EvaluationError> {
    let (left, right) = (bytes(call, 0)?, bytes(call, 1)?);
    // Most often one side is the same for all rows.
    let constant = if right.is_scalar() { right.get(0).map(bitmap::read).transpose()? } else { None };
    bytes_result(call, |row| {
        let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok(None) };
        let mut left = bitmap::read(left)?;
        match &constant {
            Some(right) => combine(&mut left, right),
            None => combine(&mut left, &bitmap::read(right)?),
        }
        bitmap::write(left).map(Some)
    })
}

fn cardinality(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = bytes(call, 0)?;
    number_result::<Int64Type>(call, |row| values.get(row).map(|value| Ok(bitmap::read(value)?.len() as i64)).transpose())
}

fn from_bytes(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = bytes(call, 0)?;
    bytes_result(call, |row| values.get(row).map(|value| bitmap::write(bitmap::read(value)?)).transpose())
}

fn to_array(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = bytes(call, 0)?;
    let (rows, is_scalar) = extent(call);
    let mut builder = ListBuilder::new(Int32Builder::new());
    let mut total_bytes = 0;
    for row in 0..rows {
        let Some(value) = values.get(row) else {
            builder.append(false);
            continue;
        };
        let bitmap = bitmap::read(value)?;
        // A run of a few bytes can stand for billions of numbers.
        let length_bytes = usize::try_from(bitmap.len()).unwrap_or(usize::MAX).saturating_mul(size_of::<i32>());
        check_value(length_bytes)?;
        total_bytes += length_bytes;
        check_batch(total_bytes)?;
        for number in &bitmap {
            builder.values().append_value(number as i32);
        }
        builder.append(true);
    }
    Ok(columnar(Arc::new(builder.finish()), is_scalar))
}

fn to_text(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = bytes(call, 0)?;
    text_result(call, |row, out| {
        let Some(value) = values.get(row) else { return Ok(false) };
        let bitmap = bitmap::read(value)?;
        let mut digits = [0; 10];
        out.push('{')?;
        for (position, number) in bitmap.iter().enumerate() {
            if position > 0 {
                out.push(',')?;
            }
            out.push_str(decimal(number, &mut digits))?;
        }
        out.push('}')?;
        Ok(true)
    })
}

/// The digits of a number, written into `room` from its end.
fn decimal(number: u32, room: &mut [u8; 10]) -> &str {
    let (mut rest, mut start) = (number, room.len());
    loop {
        start -= 1;
        room[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 || start == 0 {
            break;
        }
    }
    std::str::from_utf8(&room[start..]).unwrap_or_default()
}
