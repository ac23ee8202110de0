//! A guest's answer → Arrow, checked against the output schema.
//!
//! Vectors move into Arrow buffers without a copy; checks are one pass over each buffer.

use super::{Invalid, buffers};
use crate::bindings::{BatchResult, ColumnDataResult, ColumnResult};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, ListArray, MapArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StructArray, UInt8Array,
    types,
};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use std::sync::Arc;

/// Bounds on one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputLimits {
    pub rows_max: usize,
    pub output_bytes_max: usize,
}

const DAY_MS: i32 = 86_400_000;
const DAY_NS: i64 = 86_400_000_000_000;

/// Rows and change kinds of an answer.
pub(crate) fn batch_from_guest(
    answer: BatchResult,
    schema: &SchemaRef,
    columns_expected: usize,
    limits: OutputLimits,
) -> Result<(RecordBatch, Option<UInt8Array>), Invalid> {
    let rows = answer.rows as usize;
    if rows > limits.rows_max {
        return Err(Invalid::new(format!("{rows} rows, at most {} are allowed", limits.rows_max)));
    }
    if answer.columns.len() != columns_expected {
        return Err(Invalid::new(format!(
            "{} columns, expected {columns_expected} (nested ones counted) for the schema agreed at `open`",
            answer.columns.len()
        )));
    }
    let kinds = kinds(answer.kinds, rows)?;
    let bytes: usize = answer.columns.iter().map(column_bytes).sum();
    if bytes > limits.output_bytes_max {
        return Err(Invalid::new(format!("{bytes} bytes, at most {} are allowed", limits.output_bytes_max)));
    }
    let mut columns = answer.columns.into_iter();
    let mut arrays = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        arrays.push(column(&mut columns, field, rows, false).map_err(|e| e.in_column(field.name()))?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(|e| Invalid::new(e.to_string()))?;
    Ok((batch, kinds))
}

fn kinds(kinds: Option<Vec<u8>>, rows: usize) -> Result<Option<UInt8Array>, Invalid> {
    let Some(kinds) = kinds else { return Ok(None) };
    if kinds.len() != rows {
        return Err(Invalid::new(format!("{} change kinds, expected {rows}", kinds.len())));
    }
    let all = kinds.iter().fold(0, |all, kind| all | kind);
    if all > 3 {
        let row = kinds.iter().position(|kind| *kind > 3).unwrap_or_default();
        let kind = kinds.get(row).copied().unwrap_or_default();
        return Err(Invalid::at(format!("change kind {kind}, expected 0 (+I), 1 (-U), 2 (+U) or 3 (-D)"), row));
    }
    Ok((all != 0).then(|| UInt8Array::from(kinds)))
}

fn column_bytes(column: &ColumnResult) -> usize {
    use ColumnDataResult as D;
    let data = match &column.data {
        D::Bools(v) => v.len(),
        D::I8s(v) => v.len(),
        D::I16s(v) => v.len() * 2,
        D::I32s(v) | D::Offsets(v) => v.len() * 4,
        D::I64s(v) => v.len() * 8,
        D::F32s(v) => v.len() * 4,
        D::F64s(v) => v.len() * 8,
        D::I128s(v) => v.len() * 8,
        D::Utf8(v) | D::Bytes(v) => v.offsets.len() * 4 + v.data.len(),
        D::None => 0,
    };
    data + column.validity.as_ref().map_or(0, Vec::len)
}

/// One column and its children. `masked` columns lie in a ROW: their nulls may be covered by nulls of the ROW, which
/// Arrow checks when the ROW is put together.
fn column(rest: &mut std::vec::IntoIter<ColumnResult>, field: &Field, rows: usize, masked: bool) -> Result<ArrayRef, Invalid> {
    use ColumnDataResult as D;
    let Some(ColumnResult { data, validity }) = rest.next() else {
        return Err(Invalid::new("is missing"));
    };
    let nulls = buffers::nulls(validity, rows, field.is_nullable() || masked)?;
    Ok(match (field.data_type(), data) {
        (DataType::Boolean, D::Bools(v)) => Arc::new(BooleanArray::new(buffers::bits(v, rows, "bits")?, nulls)),
        (DataType::Int8, D::I8s(v)) => primitive::<types::Int8Type>(v, rows, nulls)?,
        (DataType::Int16, D::I16s(v)) => primitive::<types::Int16Type>(v, rows, nulls)?,
        (DataType::Int32, D::I32s(v)) => primitive::<types::Int32Type>(v, rows, nulls)?,
        (DataType::Date32, D::I32s(v)) => primitive::<types::Date32Type>(v, rows, nulls)?,
        (DataType::Time32(TimeUnit::Millisecond), D::I32s(v)) => {
            let v = within(v, 0, DAY_MS - 1, nulls.as_ref(), "a time of day in milliseconds")?;
            primitive::<types::Time32MillisecondType>(v, rows, nulls)?
        }
        (DataType::Time64(TimeUnit::Nanosecond), D::I64s(v)) => {
            let v = within(v, 0, DAY_NS - 1, nulls.as_ref(), "a time of day in nanoseconds")?;
            primitive::<types::Time64NanosecondType>(v, rows, nulls)?
        }
        (DataType::Int64, D::I64s(v)) => primitive::<types::Int64Type>(v, rows, nulls)?,
        (DataType::Timestamp(unit, zone), D::I64s(v)) => timestamps(*unit, zone.clone(), v, rows, nulls)?,
        (DataType::Float32, D::F32s(v)) => primitive::<types::Float32Type>(v, rows, nulls)?,
        (DataType::Float64, D::F64s(v)) => primitive::<types::Float64Type>(v, rows, nulls)?,
        (DataType::Decimal128(precision, scale), D::I128s(v)) => decimals(v, *precision, *scale, rows, nulls)?,
        (DataType::Utf8, D::Utf8(v)) => Arc::new(buffers::text(v.offsets, v.data, rows, nulls)?),
        (DataType::Binary, D::Bytes(v)) => Arc::new(buffers::binary(v.offsets, v.data, rows, nulls)?),
        (DataType::List(element), D::Offsets(v)) => {
            let offsets = buffers::offsets(v, rows, None)?;
            let values = column(rest, element, last(&offsets), false).map_err(|e| e.in_column(element.name()))?;
            Arc::new(ListArray::try_new(element.clone(), offsets, values, nulls).map_err(arrow)?)
        }
        (DataType::Map(entries, _), D::Offsets(v)) => {
            let offsets = buffers::offsets(v, rows, None)?;
            let entry = fields(rest, entries, last(&offsets), None)?;
            Arc::new(MapArray::try_new(entries.clone(), offsets, entry, nulls, false).map_err(arrow)?)
        }
        (DataType::Struct(_), D::None) => Arc::new(fields(rest, field, rows, nulls)?),
        (expected, found) => return Err(Invalid::new(format!("came as {}, expected {}", name(&found), expected_name(expected)))),
    })
}

fn fields(
    rest: &mut std::vec::IntoIter<ColumnResult>,
    field: &Field,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<StructArray, Invalid> {
    let DataType::Struct(children) = field.data_type() else {
        return Err(Invalid::new(format!("is {}, expected a row", field.data_type())));
    };
    let mut arrays = Vec::with_capacity(children.len());
    for child in children {
        arrays.push(column(rest, child, rows, nulls.is_some()).map_err(|e| e.in_column(child.name()))?);
    }
    StructArray::try_new(children.clone(), arrays, nulls).map_err(arrow)
}

fn last(offsets: &[i32]) -> usize {
    offsets.last().map_or(0, |last| *last as usize)
}

fn arrow(error: arrow_schema::ArrowError) -> Invalid {
    Invalid::new(error.to_string())
}

fn primitive<T: types::ArrowPrimitiveType>(values: Vec<T::Native>, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, Invalid> {
    check_rows(values.len(), rows)?;
    Ok(Arc::new(PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), nulls).map_err(arrow)?))
}

fn check_rows(found: usize, rows: usize) -> Result<(), Invalid> {
    if found == rows { Ok(()) } else { Err(Invalid::new(format!("{found} values, expected {rows}"))) }
}

fn timestamps(
    unit: TimeUnit,
    zone: Option<Arc<str>>,
    values: Vec<i64>,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Invalid> {
    check_rows(values.len(), rows)?;
    let values = ScalarBuffer::from(values);
    Ok(match unit {
        TimeUnit::Second => {
            Arc::new(PrimitiveArray::<types::TimestampSecondType>::try_new(values, nulls).map_err(arrow)?.with_timezone_opt(zone))
        }
        TimeUnit::Millisecond => {
            Arc::new(PrimitiveArray::<types::TimestampMillisecondType>::try_new(values, nulls).map_err(arrow)?.with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(PrimitiveArray::<types::TimestampMicrosecondType>::try_new(values, nulls).map_err(arrow)?.with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => {
            Arc::new(PrimitiveArray::<types::TimestampNanosecondType>::try_new(values, nulls).map_err(arrow)?.with_timezone_opt(zone))
        }
    })
}

fn decimals(words: Vec<u64>, precision: u8, scale: i8, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, Invalid> {
    let values = buffers::decimals(words, rows)?;
    let bound = 10_i128.checked_pow(u32::from(precision)).map_or(i128::MAX, |power| power - 1);
    let values = if outside(&values, -bound, bound) {
        within(values.to_vec(), -bound, bound, nulls.as_ref(), &format!("a DECIMAL({precision}, {scale})"))?.into()
    } else {
        values
    };
    let array = Decimal128Array::try_new(values, nulls).map_err(arrow)?;
    Ok(Arc::new(array.with_precision_and_scale(precision, scale).map_err(arrow)?))
}

fn outside<T: PartialOrd + Copy>(values: &[T], low: T, high: T) -> bool {
    values.iter().fold(false, |outside, value| outside | (*value < low) | (*value > high))
}

/// Checks a range. What lies under a null has no meaning, but must not surprise later arithmetic: it becomes the low
/// end of the range, or zero where that is within it.
fn within<T>(mut values: Vec<T>, low: T, high: T, nulls: Option<&NullBuffer>, what: &str) -> Result<Vec<T>, Invalid>
where
    T: PartialOrd + Copy + Default + std::fmt::Display,
{
    if !outside(&values, low, high) {
        return Ok(values);
    }
    for (row, value) in values.iter_mut().enumerate() {
        if *value < low || *value > high {
            if nulls.is_none_or(|nulls| row >= nulls.len() || nulls.is_valid(row)) {
                return Err(Invalid::at(format!("{value} is not {what}"), row));
            }
            *value = T::default();
        }
    }
    Ok(values)
}

fn name(data: &ColumnDataResult) -> &'static str {
    use ColumnDataResult as D;
    match data {
        D::Bools(_) => "bools",
        D::I8s(_) => "i8s",
        D::I16s(_) => "i16s",
        D::I32s(_) => "i32s",
        D::I64s(_) => "i64s",
        D::F32s(_) => "f32s",
        D::F64s(_) => "f64s",
        D::I128s(_) => "i128s",
        D::Utf8(_) => "utf8",
        D::Bytes(_) => "bytes",
        D::Offsets(_) => "offsets",
        D::None => "none",
    }
}

fn expected_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "bools",
        DataType::Int8 => "i8s",
        DataType::Int16 => "i16s",
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => "i32s",
        DataType::Int64 | DataType::Timestamp(..) | DataType::Time64(_) => "i64s",
        DataType::Float32 => "f32s",
        DataType::Float64 => "f64s",
        DataType::Decimal128(..) => "i128s",
        DataType::Utf8 => "utf8",
        DataType::Binary => "bytes",
        DataType::List(_) | DataType::Map(..) => "offsets",
        DataType::Struct(_) => "none",
        _ => "another type",
    }
}
