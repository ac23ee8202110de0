//! Parquet: schema and count from the footer, rows through the format's own record reader.

use crate::{
    Hints, Package, PackageError, PackageFormat,
    limits::COLUMNS_MAX,
    preview::{Collected, Preview},
};
use millrace_model::{
    DataType, Field, Schema,
    data_type::{Element, NESTING_MAX, RowField},
};
use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical},
    file::reader::{FileReader, SerializedFileReader},
    schema::types::Type,
};
use serde_json::{Map, Value};
use std::fs::File;

pub(crate) fn inspect(file: &File, hints: Hints) -> Result<Package, PackageError> {
    let wrong = |error: parquet::errors::ParquetError| PackageError::file(format!("the Parquet file cannot be read: {error}"));
    let file = file.try_clone().map_err(PackageError::read)?;
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    let metadata = reader.metadata().file_metadata();
    let fields = metadata.schema().get_fields();
    if fields.len() > COLUMNS_MAX {
        return Err(PackageError::file(format!("the Parquet file has {} columns, expected at most {COLUMNS_MAX}", fields.len())));
    }
    let columns = fields.iter().map(|field| Ok(Field::new(field.name(), data_type(field, 1)?, nullable(field))));
    let schema = Schema::new(columns.collect::<Result<_, PackageError>>()?).map_err(|error| PackageError::file(error.to_string()))?;
    let mut preview = Preview::new(hints);
    for row in reader.get_row_iter(None).map_err(wrong)? {
        if preview.is_full() {
            break;
        }
        if let Value::Object(mut row) = row.map_err(wrong)?.to_json_value() {
            if preview.is_of_lines() {
                schema.fields().iter().for_each(|field| plain_time(&mut row, field));
            }
            preview.push(row);
        }
    }
    let row_count = u64::try_from(metadata.num_rows()).ok();
    let Collected { rows, lines, .. } = preview.finish();
    let has_more_lines = row_count.is_none_or(|count| (lines.len() as u64) < count);
    let (options, warnings) = (Map::new(), Vec::new());
    Ok(Package { format: PackageFormat::Parquet, options, schema, row_count, rows, lines, has_more_lines, warnings })
}

/// Parquet's reader writes every date-time with an offset; ours has `Z` for an instant and nothing for a wall-clock time.
fn plain_time(row: &mut Map<String, Value>, field: &Field) {
    let end = match field.data_type {
        DataType::TimestampLtz { .. } => "Z",
        DataType::Timestamp { .. } => "",
        _ => return,
    };
    if let Some(Value::String(text)) = row.get_mut(&field.name)
        && let Some(plain) = text.strip_suffix(" +00:00")
    {
        *text = format!("{plain}{end}");
    }
}

fn nullable(field: &Type) -> bool {
    let info = field.get_basic_info();
    !info.has_repetition() || info.repetition() != Repetition::REQUIRED
}

fn data_type(field: &Type, depth: usize) -> Result<DataType, PackageError> {
    if depth > NESTING_MAX {
        return Err(PackageError::file(format!("column `{}` is nested deeper than {NESTING_MAX} levels", field.name())));
    }
    let info = field.get_basic_info();
    let repeated = info.has_repetition() && info.repetition() == Repetition::REPEATED;
    let plain = match field {
        Type::PrimitiveType { physical_type, precision, scale, .. } => {
            scalar(*physical_type, info.logical_type_ref(), info.converted_type(), *precision, *scale)
        }
        Type::GroupType { fields, .. } => match (info.converted_type(), fields.as_slice()) {
            (ConvertedType::LIST, [entries]) => list(entries, depth)?,
            (ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE, [entries]) if entries.is_group() => match entries.get_fields() {
                [key, value] => {
                    let key = Element { data_type: data_type(key, depth + 1)?, nullable: false };
                    DataType::Map(Box::new(key), Box::new(Element { data_type: data_type(value, depth + 1)?, nullable: nullable(value) }))
                }
                _ => row(fields, depth)?,
            },
            _ => row(fields, depth)?,
        },
    };
    // A repeated field outside of a list is a list of its own.
    Ok(if repeated { DataType::Array(Box::new(Element { data_type: plain, nullable: false })) } else { plain })
}

/// The standard form has a group of one field between the list and its elements; older writers left it out.
fn list(entries: &Type, depth: usize) -> Result<DataType, PackageError> {
    let element = match entries {
        Type::GroupType { fields, .. } => match fields.as_slice() {
            [element] => Element { data_type: data_type(element, depth + 1)?, nullable: nullable(element) },
            fields => Element { data_type: row(fields, depth + 1)?, nullable: false },
        },
        Type::PrimitiveType { physical_type, precision, scale, .. } => {
            let info = entries.get_basic_info();
            let data_type = scalar(*physical_type, info.logical_type_ref(), info.converted_type(), *precision, *scale);
            Element { data_type, nullable: false }
        }
    };
    Ok(DataType::Array(Box::new(element)))
}

fn row(fields: &[std::sync::Arc<Type>], depth: usize) -> Result<DataType, PackageError> {
    let field = |field: &std::sync::Arc<Type>| {
        Ok(RowField { name: field.name().to_owned(), data_type: data_type(field, depth + 1)?, nullable: nullable(field) })
    };
    Ok(DataType::Row(fields.iter().map(field).collect::<Result<_, PackageError>>()?))
}

fn scalar(physical: Physical, logical: Option<&LogicalType>, converted: ConvertedType, precision: i32, scale: i32) -> DataType {
    let decimal = || match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => DataType::Decimal { precision, scale },
        _ => DataType::String,
    };
    let digits = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 3,
        TimeUnit::MICROS => 6,
        TimeUnit::NANOS => 9,
    };
    match logical {
        Some(LogicalType::Timestamp(time)) if time.is_adjusted_to_u_t_c => {
            return DataType::TimestampLtz { precision: digits(&time.unit) };
        }
        Some(LogicalType::Timestamp(time)) => return DataType::Timestamp { precision: digits(&time.unit) },
        Some(LogicalType::Time(time)) => return DataType::Time { precision: digits(&time.unit) },
        _ => {}
    }
    match (converted, physical) {
        (ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON, _) => DataType::String,
        (ConvertedType::DECIMAL, _) => decimal(),
        (ConvertedType::DATE, _) => DataType::Date,
        (ConvertedType::TIME_MILLIS, _) => DataType::Time { precision: 3 },
        (ConvertedType::TIME_MICROS, _) => DataType::Time { precision: 6 },
        (ConvertedType::TIMESTAMP_MILLIS, _) => DataType::TimestampLtz { precision: 3 },
        (ConvertedType::TIMESTAMP_MICROS, _) => DataType::TimestampLtz { precision: 6 },
        (ConvertedType::INT_8, _) => DataType::TinyInt,
        (ConvertedType::INT_16 | ConvertedType::UINT_8, _) => DataType::SmallInt,
        (ConvertedType::UINT_16, _) => DataType::Int,
        (ConvertedType::UINT_32, _) => DataType::BigInt,
        (ConvertedType::UINT_64, _) => DataType::Decimal { precision: 20, scale: 0 },
        (_, Physical::BOOLEAN) => DataType::Boolean,
        (_, Physical::INT32) => DataType::Int,
        (_, Physical::INT64) => DataType::BigInt,
        // The time stamps of Hive, Impala and older Spark.
        (_, Physical::INT96) => DataType::TimestampLtz { precision: 9 },
        (_, Physical::FLOAT) => DataType::Float,
        (_, Physical::DOUBLE) => DataType::Double,
        (_, Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY) => DataType::Bytes,
    }
}
