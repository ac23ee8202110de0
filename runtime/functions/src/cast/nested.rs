//! Casts of arrays, maps, multisets and rows: part by part. With `TRY_CAST` a part that does not fit makes the whole NULL.

use super::{Conversion, conversion::Converted, convert};
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray, cast::AsArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as Arrow, Field};
use millrace_model::{
    DataType,
    data_type::{Element, RowField},
};
use std::sync::Arc;

/// Nulls of a column whose failed rows become NULL as well.
fn nulls_with(nulls: Option<&NullBuffer>, failed: &[u32], rows: usize) -> Option<NullBuffer> {
    if failed.is_empty() {
        return nulls.cloned();
    }
    let mut valid = BooleanBufferBuilder::new(rows);
    match nulls {
        Some(nulls) => valid.append_buffer(nulls.inner()),
        None => valid.append_n(rows, true),
    }
    for &row in failed {
        valid.set_bit(row as usize, false);
    }
    Some(NullBuffer::new(valid.finish()))
}

/// Rows to which failed elements belong.
fn owners(failed: &[u32], offsets: &OffsetBuffer<i32>) -> Vec<u32> {
    let mut owners: Vec<u32> =
        failed.iter().map(|&at| offsets.partition_point(|&offset| offset as u32 <= at).saturating_sub(1) as u32).collect();
    owners.dedup();
    owners
}

pub(super) fn array(array: &ArrayRef, from: &DataType, to: &Element, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    let list = array.as_list::<i32>();
    let values = convert(list.values(), from, &to.data_type, conversion)?;
    let failed = owners(&values.failed, list.offsets());
    let nulls = nulls_with(list.nulls(), &failed, list.len());
    // A cast can make NULL of an element (a decimal beyond its precision), so elements count as nullable then.
    let nullable = to.nullable || values.array.null_count() > 0;
    let field = Field::new("item", to.data_type.to_arrow(), nullable);
    let list = ListArray::try_new(Arc::new(field), list.offsets().clone(), values.array, nulls)?;
    Ok(Converted { array: Arc::new(list), failed })
}

pub(super) fn map(array: &ArrayRef, from: &DataType, to: &DataType, conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    let (from_key, from_value) = parts(from)?;
    let (to_key, to_value) = parts(to)?;
    let map = array.as_map();
    let keys = convert(map.keys(), from_key, to_key, conversion)?;
    let values = convert(map.values(), from_value, to_value, conversion)?;
    let mut failed = owners(&keys.failed, map.offsets());
    failed.extend(owners(&values.failed, map.offsets()));
    failed.sort_unstable();
    failed.dedup();
    if keys.array.null_count() > 0 {
        return Err(EvaluationError(format!("a key became NULL by the cast to {to}")));
    }
    let Arrow::Map(entries_field, _) = to.to_arrow() else { return Err(EvaluationError(format!("{to} is no map"))) };
    let Arrow::Struct(fields) = entries_field.data_type().clone() else { return Err(EvaluationError(format!("{to} is no map"))) };
    let entries = StructArray::try_new(fields, vec![keys.array, values.array], None)?;
    let nulls = nulls_with(map.nulls(), &failed, map.len());
    let map = MapArray::try_new(entries_field, map.offsets().clone(), entries, nulls, false)?;
    Ok(Converted { array: Arc::new(map), failed })
}

fn parts(data_type: &DataType) -> Result<(&DataType, &DataType), EvaluationError> {
    match data_type {
        DataType::Map(key, value) => Ok((&key.data_type, &value.data_type)),
        DataType::Multiset(element) => Ok((&element.data_type, &DataType::Int)),
        other => Err(EvaluationError(format!("{other} is no map"))),
    }
}

pub(super) fn row(array: &ArrayRef, from: &[RowField], to: &[RowField], conversion: Conversion<'_>) -> Result<Converted, EvaluationError> {
    let row = array.as_struct();
    let mut columns = Vec::with_capacity(to.len());
    let mut fields = Vec::with_capacity(to.len());
    let mut failed = Vec::new();
    for ((column, from), to) in row.columns().iter().zip(from).zip(to) {
        let converted = convert(column, &from.data_type, &to.data_type, conversion)?;
        failed.extend(converted.failed);
        fields.push(Field::new(&to.name, to.data_type.to_arrow(), to.nullable || converted.array.null_count() > 0));
        columns.push(converted.array);
    }
    failed.sort_unstable();
    failed.dedup();
    let nulls = nulls_with(row.nulls(), &failed, row.len());
    let row = StructArray::try_new_with_length(fields.into(), columns, nulls, row.len())?;
    Ok(Converted { array: Arc::new(row), failed })
}
