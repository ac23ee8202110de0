//! Columns of any type as JSON.

use crate::{
    EvaluationError,
    cast::{timestamp_values, write_date, write_decimal},
    json::{
        number::Decimal,
        write::{Sink, key_order, put_display, put_double, put_formatted, put_text},
    },
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, LargeStringArray, ListArray, MapArray, PrimitiveArray, StringArray,
    cast::AsArray,
    types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type},
};
use arrow_schema::{DataType as Arrow, TimeUnit};
use base64::{Engine, engine::general_purpose::STANDARD};
use millrace_model::DataType;
use std::fmt::Write;

/// Whether values of a type have a form in JSON; `Err` says what has none.
pub(super) fn check_type(data_type: &DataType) -> Result<(), String> {
    use DataType as D;
    match data_type {
        D::Date | D::Time { .. } | D::Bitmap | D::IntervalYearMonth | D::IntervalDayTime => Err(format!("{data_type} has no form in JSON")),
        D::Array(element) => check_type(&element.data_type),
        D::Map(key, value) => {
            check_key(&key.data_type)?;
            check_type(&value.data_type)
        }
        D::Multiset(element) => check_key(&element.data_type),
        D::Row(fields) => fields.iter().try_for_each(|field| check_type(&field.data_type)),
        D::Boolean
        | D::TinyInt
        | D::SmallInt
        | D::Int
        | D::BigInt
        | D::Float
        | D::Double
        | D::Decimal { .. }
        | D::String
        | D::Bytes
        | D::Timestamp { .. }
        | D::TimestampLtz { .. }
        | D::Variant
        | D::Null => Ok(()),
    }
}

fn check_key(data_type: &DataType) -> Result<(), String> {
    match data_type {
        DataType::String => Ok(()),
        other => Err(format!("the keys of a JSON object are STRING, not {other}")),
    }
}

/// A column with all that writing one of its values needs.
pub(super) enum Column<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float32Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u8),
    Text(&'a StringArray),
    /// Texts that are JSON already.
    Json(&'a StringArray),
    Variant(&'a LargeStringArray),
    Bytes(&'a BinaryArray),
    Timestamp {
        values: &'a [i64],
        nanos_per_unit: i64,
        is_instant: bool,
    },
    List(&'a ListArray, Box<Part<'a>>),
    Map(&'a MapArray, &'a StringArray, Box<Part<'a>>),
    /// The fields in the order of their names.
    Row(Vec<(&'a str, Part<'a>)>),
}

/// A column and which of its values are NULL.
pub(super) struct Part<'a> {
    array: &'a ArrayRef,
    column: Column<'a>,
}

impl<'a> Part<'a> {
    /// # Errors
    /// An array of a type that has no form in JSON.
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self, EvaluationError> {
        let column = Column::new(array).ok_or_else(|| EvaluationError(format!("a column of {} has no form in JSON", array.data_type())))?;
        Ok(Self { array, column })
    }

    /// Texts that are JSON already.
    ///
    /// # Errors
    /// No texts.
    pub(super) fn json(array: &'a ArrayRef) -> Result<Self, EvaluationError> {
        match array.as_string_opt() {
            Some(texts) => Ok(Self { array, column: Column::Json(texts) }),
            None => Self::new(array),
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self.column, Column::Null) || self.array.is_null(row)
    }

    /// Appends a value, NULL as `null`.
    pub(super) fn put(&self, row: usize, out: &mut impl Sink) -> Result<(), EvaluationError> {
        if self.is_null(row) { out.put("null") } else { self.column.put(row, out) }
    }
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef) -> Option<Self> {
        let part = |array: &'a ArrayRef| Some(Part { array, column: Self::new(array)? });
        Some(match array.data_type() {
            Arrow::Null => Self::Null,
            Arrow::Boolean => Self::Boolean(array.as_boolean_opt()?),
            Arrow::Int8 => Self::Int8(array.as_primitive_opt()?),
            Arrow::Int16 => Self::Int16(array.as_primitive_opt()?),
            Arrow::Int32 => Self::Int32(array.as_primitive_opt()?),
            Arrow::Int64 => Self::Int64(array.as_primitive_opt()?),
            Arrow::Float32 => Self::Float(array.as_primitive_opt()?),
            Arrow::Float64 => Self::Double(array.as_primitive_opt()?),
            Arrow::Decimal128(_, scale) => Self::Decimal(array.as_primitive_opt()?, u8::try_from(*scale).ok()?),
            Arrow::Utf8 => Self::Text(array.as_string_opt()?),
            Arrow::LargeUtf8 => Self::Variant(array.as_string_opt()?),
            Arrow::Binary => Self::Bytes(array.as_binary_opt()?),
            Arrow::Timestamp(unit, zone) => Self::Timestamp {
                values: timestamp_values(array)?,
                nanos_per_unit: match unit {
                    TimeUnit::Second => 1_000_000_000,
                    TimeUnit::Millisecond => 1_000_000,
                    TimeUnit::Microsecond => 1_000,
                    TimeUnit::Nanosecond => 1,
                },
                is_instant: zone.is_some(),
            },
            Arrow::List(_) => {
                let list = array.as_list_opt::<i32>()?;
                Self::List(list, Box::new(part(list.values())?))
            }
            // Multisets too: to how often a value is there.
            Arrow::Map(..) => {
                let map = array.as_map_opt()?;
                Self::Map(map, map.keys().as_string_opt()?, Box::new(part(map.values())?))
            }
            Arrow::Struct(fields) => {
                let row = array.as_struct_opt()?;
                let parts = fields.iter().zip(row.columns()).map(|(field, column)| Some((field.name().as_str(), part(column)?)));
                let mut parts = parts.collect::<Option<Vec<_>>>()?;
                parts.sort_by(|(a, _), (b, _)| key_order(a, b));
                Self::Row(parts)
            }
            _ => return None,
        })
    }

    /// Appends a value that is not NULL.
    fn put(&self, row: usize, out: &mut impl Sink) -> Result<(), EvaluationError> {
        match self {
            Self::Null => out.put("null"),
            Self::Boolean(a) => out.put(if a.value(row) { "true" } else { "false" }),
            Self::Int8(a) => put_display(a.value(row), out),
            Self::Int16(a) => put_display(a.value(row), out),
            Self::Int32(a) => put_display(a.value(row), out),
            Self::Int64(a) => put_display(a.value(row), out),
            // Flink widens it: 1.1 becomes 1.100000023841858. It has texts only for those of DOUBLE that are no numbers.
            Self::Float(a) => put_double(f64::from(a.value(row)), out),
            Self::Double(a) if a.value(row).is_nan() => out.put("\"NaN\""),
            Self::Double(a) if a.value(row).is_infinite() => out.put(if a.value(row) > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }),
            Self::Double(a) => put_double(a.value(row), out),
            Self::Decimal(a, scale) => put_decimal(a.value(row), *scale, out),
            Self::Text(a) => put_text(a.value(row), out),
            Self::Json(a) => out.put(a.value(row)),
            Self::Variant(a) => out.put(a.value(row)),
            Self::Bytes(a) => {
                out.put("\"")?;
                out.put(&STANDARD.encode(a.value(row)))?;
                out.put("\"")
            }
            Self::Timestamp { values, nanos_per_unit, is_instant } => {
                put_timestamp(values.get(row).copied().unwrap_or_default(), *nanos_per_unit, *is_instant, out)
            }
            Self::List(a, element) => {
                let offsets = a.value_offsets();
                out.put("[")?;
                for (position, at) in (offsets[row] as usize..offsets[row + 1] as usize).enumerate() {
                    out.put(if position == 0 { "" } else { "," })?;
                    element.put(at, out)?;
                }
                out.put("]")
            }
            Self::Map(a, keys, values) => {
                let offsets = a.value_offsets();
                let mut entries: Vec<usize> = (offsets[row] as usize..offsets[row + 1] as usize).collect();
                entries.sort_by(|a, b| key_order(keys.value(*a), keys.value(*b)));
                put_members(entries.into_iter().map(|at| (keys.value(at), &**values, at)), out)
            }
            Self::Row(fields) => put_members(fields.iter().map(|(name, part)| (*name, part, row)), out),
        }
    }
}

/// Members of an object: keys, and the column and row of each value.
fn put_members<'p, 'a: 'p>(
    members: impl Iterator<Item = (&'p str, &'p Part<'a>, usize)>,
    out: &mut impl Sink,
) -> Result<(), EvaluationError> {
    out.put("{")?;
    for (position, (key, part, at)) in members.enumerate() {
        out.put(if position == 0 { "" } else { "," })?;
        put_text(key, out)?;
        out.put(":")?;
        part.put(at, out)?;
    }
    out.put("}")
}

fn too_large(_: std::fmt::Error) -> EvaluationError {
    EvaluationError("a number did not fit into memory".to_owned())
}

fn put_decimal(value: i128, scale: u8, out: &mut impl Sink) -> Result<(), EvaluationError> {
    // With so few places it is never written with an exponent.
    if scale <= 6 {
        return put_formatted(out, |mut out| write_decimal(value, scale, &mut out));
    }
    let mut plain = String::with_capacity(44);
    write_decimal(value, scale, &mut plain).map_err(too_large)?;
    match Decimal::parse(&plain) {
        Some(decimal) => put_formatted(out, |mut out| decimal.write(&mut out)),
        None => out.put(&plain),
    }
}

/// `"2024-01-01T00:00:00.12"`: as many digits of the fraction as it has; an instant in UTC with a `Z`.
fn put_timestamp(value: i64, nanos_per_unit: i64, is_instant: bool, out: &mut impl Sink) -> Result<(), EvaluationError> {
    let per_second = 1_000_000_000 / nanos_per_unit;
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second) * nanos_per_unit);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut text = String::with_capacity(36);
    text.push('"');
    // Years of more than four digits have a sign.
    if days >= 2_932_897 {
        text.push('+');
    }
    write_date(days, &mut text).map_err(too_large)?;
    write!(text, "T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60).map_err(too_large)?;
    if fraction > 0 {
        let digits = format!("{fraction:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push_str(if is_instant { "Z\"" } else { "\"" });
    out.put(&text)
}
