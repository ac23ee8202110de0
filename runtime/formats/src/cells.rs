//! The columns of a batch made ready for writing: types are looked at once per batch, not once per value.

use crate::{
    decimal,
    error::{FormatError, not_carried},
    spec::TimestampFormat,
    temporal::{NANOS_PER_SECOND, write_date, write_time, write_timestamp},
};
use arrow_array::{Array, BinaryArray, BooleanArray, StringArray, cast::AsArray, types::*};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType as Arrow, TimeUnit};
use base64::{Engine, engine::general_purpose::STANDARD};
use millrace_model::DataType;

/// One column.
pub(crate) struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    pub(crate) values: CellValues<'a>,
}

/// Typed access to a column's values.
pub(crate) enum CellValues<'a> {
    Boolean(&'a BooleanArray),
    TinyInt(&'a [i8]),
    SmallInt(&'a [i16]),
    Int(&'a [i32]),
    BigInt(&'a [i64]),
    Float(&'a [f32]),
    Double(&'a [f64]),
    Decimal { unscaled: &'a [i128], scale: u8 },
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a [i32]),
    TimeMillis(&'a [i32]),
    TimeNanos(&'a [i64]),
    Timestamp { ticks: &'a [i64], per_second: i64, zoned: bool },
    Array { offsets: &'a [i32], item: Box<Cells<'a>> },
    Map { offsets: &'a [i32], key: Box<Cells<'a>>, value: Box<Cells<'a>> },
    Row(Vec<(&'a str, Cells<'a>)>),
}

impl<'a> Cells<'a> {
    /// Makes a column ready; `data_type` must be the type that the array carries.
    pub(crate) fn new(name: &str, array: &'a dyn Array, data_type: &'a DataType) -> Result<Self, FormatError> {
        // Names and nullability inside nested types do not matter for writing; the carriers do, and are checked below.
        let carrier = data_type.to_arrow();
        let flat = !carrier.is_nested();
        if flat && *array.data_type() != carrier || std::mem::discriminant(array.data_type()) != std::mem::discriminant(&carrier) {
            return Err(FormatError::new(name, format!("is {} in the batch, expected {carrier}", array.data_type())));
        }
        let values = match data_type {
            DataType::Boolean => CellValues::Boolean(array.as_boolean()),
            DataType::TinyInt => CellValues::TinyInt(array.as_primitive::<Int8Type>().values()),
            DataType::SmallInt => CellValues::SmallInt(array.as_primitive::<Int16Type>().values()),
            DataType::Int => CellValues::Int(array.as_primitive::<Int32Type>().values()),
            DataType::BigInt => CellValues::BigInt(array.as_primitive::<Int64Type>().values()),
            DataType::Float => CellValues::Float(array.as_primitive::<Float32Type>().values()),
            DataType::Double => CellValues::Double(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal { scale, .. } => {
                CellValues::Decimal { unscaled: array.as_primitive::<Decimal128Type>().values(), scale: *scale }
            }
            DataType::String => CellValues::String(array.as_string()),
            DataType::Bytes => CellValues::Bytes(array.as_binary()),
            DataType::Date => CellValues::Date(array.as_primitive::<Date32Type>().values()),
            DataType::Time { precision: 0..=3 } => CellValues::TimeMillis(array.as_primitive::<Time32MillisecondType>().values()),
            DataType::Time { .. } => CellValues::TimeNanos(array.as_primitive::<Time64NanosecondType>().values()),
            DataType::Timestamp { .. } => timestamp(array, false),
            DataType::TimestampLtz { .. } => timestamp(array, true),
            DataType::Array(item) => {
                let list = array.as_list::<i32>();
                let item = Box::new(Self::new(name, list.values().as_ref(), &item.data_type)?);
                CellValues::Array { offsets: list.value_offsets(), item }
            }
            DataType::Map(key, value) => {
                let map = array.as_map();
                CellValues::Map {
                    offsets: map.value_offsets(),
                    key: Box::new(Self::new(name, map.keys().as_ref(), &key.data_type)?),
                    value: Box::new(Self::new(name, map.values().as_ref(), &value.data_type)?),
                }
            }
            DataType::Row(fields) => {
                let columns = array.as_struct().columns();
                if columns.len() != fields.len() {
                    let message = format!("has {} fields in the batch, expected {}", columns.len(), fields.len());
                    return Err(FormatError::new(name, message));
                }
                let cells = |(f, c): (&'a millrace_model::data_type::RowField, &'a arrow_array::ArrayRef)| {
                    Ok((f.name.as_str(), Self::new(&format!("{name}.{}", f.name), c.as_ref(), &f.data_type)?))
                };
                CellValues::Row(fields.iter().zip(columns).map(cells).collect::<Result<_, FormatError>>()?)
            }
            DataType::Multiset(_)
            | DataType::Bitmap
            | DataType::IntervalYearMonth
            | DataType::IntervalDayTime
            | DataType::Variant
            | DataType::Null => {
                return Err(not_carried(name, data_type));
            }
        };
        Ok(Self { nulls: array.nulls(), values })
    }

    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the text of a value that is not NULL, without quotes or escapes; nothing for nested values.
    #[inline]
    pub(crate) fn write_text(&self, row: usize, form: TimestampFormat, out: &mut Vec<u8>) {
        match &self.values {
            CellValues::Boolean(v) => out.extend_from_slice(if v.value(row) { b"true" } else { b"false" }),
            CellValues::TinyInt(v) => write_integer(v[row], out),
            CellValues::SmallInt(v) => write_integer(v[row], out),
            CellValues::Int(v) => write_integer(v[row], out),
            CellValues::BigInt(v) => write_integer(v[row], out),
            CellValues::Float(v) => write_float(v[row], v[row].is_nan(), v[row].is_infinite(), v[row] < 0.0, out),
            CellValues::Double(v) => write_float(v[row], v[row].is_nan(), v[row].is_infinite(), v[row] < 0.0, out),
            CellValues::Decimal { unscaled, scale } => decimal::write(unscaled[row], *scale, out),
            CellValues::String(v) => out.extend_from_slice(v.value(row).as_bytes()),
            CellValues::Bytes(v) => write_base64(v.value(row), out),
            CellValues::Date(v) => write_date(i64::from(v[row]), out),
            CellValues::TimeMillis(v) => write_time(u64::try_from(v[row]).unwrap_or(0) * 1_000_000, out),
            CellValues::TimeNanos(v) => write_time(u64::try_from(v[row]).unwrap_or(0), out),
            CellValues::Timestamp { ticks, per_second, zoned } => {
                let separator = if form == TimestampFormat::Sql { b' ' } else { b'T' };
                let fraction = ticks[row].rem_euclid(*per_second) as u64 * (NANOS_PER_SECOND / *per_second as u64);
                write_timestamp(ticks[row].div_euclid(*per_second), fraction, separator, *zoned, out);
            }
            CellValues::Array { .. } | CellValues::Map { .. } | CellValues::Row(_) => {}
        }
    }
}

fn timestamp(array: &dyn Array, zoned: bool) -> CellValues<'_> {
    match array.data_type() {
        Arrow::Timestamp(TimeUnit::Nanosecond, _) => {
            CellValues::Timestamp { ticks: array.as_primitive::<TimestampNanosecondType>().values(), per_second: 1_000_000_000, zoned }
        }
        Arrow::Timestamp(TimeUnit::Microsecond, _) => {
            CellValues::Timestamp { ticks: array.as_primitive::<TimestampMicrosecondType>().values(), per_second: 1_000_000, zoned }
        }
        _ => CellValues::Timestamp { ticks: array.as_primitive::<TimestampMillisecondType>().values(), per_second: 1_000, zoned },
    }
}

fn write_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest digits that read back as the same number; Java's names for what is no number.
fn write_float(value: impl ryu::Float, nan: bool, infinite: bool, negative: bool, out: &mut Vec<u8>) {
    match (nan, infinite, negative) {
        (true, ..) => out.extend_from_slice(b"NaN"),
        (_, true, true) => out.extend_from_slice(b"-Infinity"),
        (_, true, false) => out.extend_from_slice(b"Infinity"),
        _ => out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes()),
    }
}

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // The room is exactly what the padded form needs, so this cannot fail.
    let _ = STANDARD.encode_slice(bytes, &mut out[start..]);
}
