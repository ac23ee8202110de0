//! Everything as text: `CAST(x AS STRING)` and the cells that a client sees.

use super::{
    float_text::{write_f32, write_f64},
    value_text::{write_date, write_decimal, write_milliseconds, write_months, write_time, write_timestamp},
};
use crate::{EvaluationContext, EvaluationError, bitmap};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, LargeStringArray, ListArray, MapArray, PrimitiveArray, StringArray, StructArray,
    builder::StringBuilder,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
        Time64NanosecondType,
    },
};
use chrono_tz::Tz;
use millrace_model::DataType;
use std::fmt::{Result as Written, Write};

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// `CAST(x AS STRING)`: bytes are read as UTF-8.
    Cast,
    /// The same with `table.exec.legacy-cast-behaviour`: words in lower case, fields of rows without blanks between them.
    Legacy,
    /// A cell as Flink's clients print it: bytes are `x'01ff'`. Else the same.
    Cell,
}

/// A column as the cells that Flink's clients print; NULL stays NULL.
///
/// # Errors
/// An array that is not in the type's Arrow carrier.
pub fn to_text(array: &ArrayRef, data_type: &DataType, context: &EvaluationContext) -> Result<StringArray, EvaluationError> {
    to_text_as(array, data_type, TextForm::Cell, context)
}

/// A column as text in either form.
///
/// # Errors
/// An array that is not in the type's Arrow carrier.
pub fn to_text_as(
    array: &ArrayRef,
    data_type: &DataType,
    form: TextForm,
    context: &EvaluationContext,
) -> Result<StringArray, EvaluationError> {
    if let Some(text) = array.as_string_opt::<i32>() {
        return Ok(text.clone());
    }
    let writer = Writer::new(array, data_type, form, context.zone)
        .ok_or_else(|| EvaluationError(format!("an array of {} does not carry {data_type}", array.data_type())))?;
    let mut builder = StringBuilder::with_capacity(array.len(), array.len() * 12);
    for row in 0..array.len() {
        if array.is_null(row) || matches!(writer, Writer::Null) {
            builder.append_null();
        } else {
            writer.write(row, &mut builder).map_err(|_| EvaluationError("a text did not fit into memory".to_owned()))?;
            builder.append_value("");
        }
    }
    Ok(builder.finish())
}

/// A column with all that writing one of its values needs.
enum Writer<'a> {
    Null,
    Boolean(&'a BooleanArray, TextForm),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float32Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u8),
    String(&'a StringArray),
    Variant(&'a LargeStringArray),
    Bytes(&'a BinaryArray, TextForm),
    Bitmap(&'a BinaryArray),
    Date(&'a PrimitiveArray<Date32Type>),
    Time32(&'a PrimitiveArray<Time32MillisecondType>, u8),
    Time64(&'a PrimitiveArray<Time64NanosecondType>, u8),
    Timestamp { values: &'a [i64], nanos_per_unit: i64, precision: u8, zone: Option<Tz> },
    Months(&'a PrimitiveArray<Int32Type>),
    Milliseconds(&'a PrimitiveArray<Int64Type>),
    List(&'a ListArray, Box<Writer<'a>>, TextForm),
    Map(&'a MapArray, Box<Writer<'a>>, Box<Writer<'a>>, TextForm),
    Row(&'a StructArray, Vec<Writer<'a>>, TextForm),
}

impl<'a> Writer<'a> {
    /// `None` when the array is not in the type's carrier.
    fn new(array: &'a ArrayRef, data_type: &DataType, form: TextForm, zone: Tz) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Self::Null,
            DataType::Variant => Self::Variant(array.as_string_opt()?),
            DataType::Boolean => Self::Boolean(array.as_boolean_opt()?, form),
            DataType::TinyInt => Self::Int8(array.as_primitive_opt()?),
            DataType::SmallInt => Self::Int16(array.as_primitive_opt()?),
            DataType::Int => Self::Int32(array.as_primitive_opt()?),
            DataType::BigInt => Self::Int64(array.as_primitive_opt()?),
            DataType::Float => Self::Float(array.as_primitive_opt()?),
            DataType::Double => Self::Double(array.as_primitive_opt()?),
            DataType::Decimal { scale, .. } => Self::Decimal(array.as_primitive_opt()?, *scale),
            DataType::String => Self::String(array.as_string_opt()?),
            DataType::Bytes => Self::Bytes(array.as_binary_opt()?, form),
            DataType::Bitmap => Self::Bitmap(array.as_binary_opt()?),
            DataType::Date => Self::Date(array.as_primitive_opt()?),
            DataType::Time { precision: precision @ 0..=3 } => Self::Time32(array.as_primitive_opt()?, *precision),
            DataType::Time { precision } => Self::Time64(array.as_primitive_opt()?, *precision),
            DataType::Timestamp { precision } => Self::timestamp(array, *precision, None)?,
            DataType::TimestampLtz { precision } => Self::timestamp(array, *precision, Some(zone))?,
            DataType::IntervalYearMonth => Self::Months(array.as_primitive_opt()?),
            DataType::IntervalDayTime => Self::Milliseconds(array.as_primitive_opt()?),
            DataType::Array(element) => {
                let list = array.as_list_opt::<i32>()?;
                Self::List(list, Box::new(Self::new(list.values(), &element.data_type, form, zone)?), form)
            }
            DataType::Map(key, value) => {
                let map = array.as_map_opt()?;
                let keys = Self::new(map.keys(), &key.data_type, form, zone)?;
                Self::Map(map, Box::new(keys), Box::new(Self::new(map.values(), &value.data_type, form, zone)?), form)
            }
            DataType::Multiset(element) => {
                let map = array.as_map_opt()?;
                let keys = Self::new(map.keys(), &element.data_type, form, zone)?;
                Self::Map(map, Box::new(keys), Box::new(Self::new(map.values(), &DataType::Int, form, zone)?), form)
            }
            DataType::Row(fields) => {
                let row = array.as_struct_opt()?;
                let columns = row.columns().iter().zip(fields).map(|(column, field)| Self::new(column, &field.data_type, form, zone));
                Self::Row(row, columns.collect::<Option<Vec<_>>>()?, form)
            }
        })
    }

    fn timestamp(array: &'a ArrayRef, precision: u8, zone: Option<Tz>) -> Option<Self> {
        let values = super::temporal::timestamp_values(array)?;
        Some(Self::Timestamp { values, nanos_per_unit: super::nanos_per_unit(precision), precision, zone: zone.filter(|z| *z != Tz::UTC) })
    }

    /// Writes a value that is not NULL.
    fn write(&self, row: usize, out: &mut impl Write) -> Written {
        match self {
            Self::Null => out.write_str("NULL"),
            Self::Boolean(a, TextForm::Legacy) => out.write_str(if a.value(row) { "true" } else { "false" }),
            Self::Boolean(a, _) => out.write_str(if a.value(row) { "TRUE" } else { "FALSE" }),
            Self::Int8(a) => write!(out, "{}", a.value(row)),
            Self::Int16(a) => write!(out, "{}", a.value(row)),
            Self::Int32(a) => write!(out, "{}", a.value(row)),
            Self::Int64(a) => write!(out, "{}", a.value(row)),
            Self::Float(a) => write_f32(a.value(row), out),
            Self::Double(a) => write_f64(a.value(row), out),
            Self::Decimal(a, scale) => write_decimal(a.value(row), *scale, out),
            Self::String(a) => out.write_str(a.value(row)),
            Self::Variant(a) => out.write_str(a.value(row)),
            Self::Bytes(a, TextForm::Cast | TextForm::Legacy) => out.write_str(&String::from_utf8_lossy(a.value(row))),
            Self::Bytes(a, TextForm::Cell) => write!(out, "x'{}'", hex::encode(a.value(row))),
            Self::Bitmap(a) => bitmap::write_text(a.value(row), out),
            Self::Date(a) => write_date(i64::from(a.value(row)), out),
            Self::Time32(a, precision) => write_time(i64::from(a.value(row)), *precision, out),
            Self::Time64(a, precision) => write_time(a.value(row) / 1_000_000, *precision, out),
            Self::Timestamp { values, nanos_per_unit, precision, zone } => {
                write_timestamp(values[row], *nanos_per_unit, *precision, *zone, out)
            }
            Self::Months(a) => write_months(a.value(row), out),
            Self::Milliseconds(a) => write_milliseconds(a.value(row), out),
            Self::List(a, element, form) => {
                let (start, end) = (a.value_offsets()[row], a.value_offsets()[row + 1]);
                out.write_char('[')?;
                for (n, at) in (start as usize..end as usize).enumerate() {
                    comma(n, out)?;
                    element.write_element(a.values(), at, *form, out)?;
                }
                out.write_char(']')
            }
            Self::Map(a, key, value, form) => {
                let (start, end) = (a.value_offsets()[row], a.value_offsets()[row + 1]);
                out.write_char('{')?;
                for (n, at) in (start as usize..end as usize).enumerate() {
                    comma(n, out)?;
                    key.write_element(a.keys(), at, *form, out)?;
                    out.write_char('=')?;
                    value.write_element(a.values(), at, *form, out)?;
                }
                out.write_char('}')
            }
            Self::Row(a, columns, form) => {
                out.write_char('(')?;
                for (n, (column, values)) in columns.iter().zip(a.columns()).enumerate() {
                    match form {
                        TextForm::Legacy if n > 0 => out.write_char(',')?,
                        _ => comma(n, out)?,
                    }
                    column.write_element(values, row, *form, out)?;
                }
                out.write_char(')')
            }
        }
    }

    fn write_element(&self, array: &ArrayRef, row: usize, form: TextForm, out: &mut impl Write) -> Written {
        match form {
            _ if !array.is_null(row) && !matches!(self, Self::Null) => self.write(row, out),
            TextForm::Legacy => out.write_str("null"),
            _ => out.write_str("NULL"),
        }
    }
}

fn comma(n: usize, out: &mut impl Write) -> Written {
    if n == 0 { Ok(()) } else { out.write_str(", ") }
}
