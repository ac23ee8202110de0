//! Growing columns that can be cut back to an earlier length, which Arrow's own builders cannot.
//!
//! Invariants: the children of a row column are as long as the row column itself, except for NULL rows at its end, which
//! [`Column::pad`] makes up for before a child is touched; the offsets of strings and lists start with 0 and never fall;
//! bytes of a `String` column are valid UTF-8, because only validated text is pushed.

use crate::{
    error::{Bad, FormatError, bad, not_carried},
    json::FieldNames,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray, StructArray, make_array,
    types::{ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type},
    types::{Time32MillisecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType},
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType as Arrow, Fields, TimeUnit};
use millrace_model::DataType;
use std::sync::Arc;

/// One column of any type.
pub(crate) struct Column {
    pub(crate) values: Values,
    nulls: NullBufferBuilder,
    /// Whether NULL may be pushed.
    pub(crate) nullable: bool,
    arrow: Arrow,
}

/// The values of a column; a NULL has a placeholder in it.
pub(crate) enum Values {
    Boolean(BooleanBufferBuilder),
    TinyInt(Vec<i8>),
    SmallInt(Vec<i16>),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal { unscaled: Vec<i128>, precision: u8, scale: u8 },
    String(VarBytes),
    Bytes(VarBytes),
    Date(Vec<i32>),
    TimeMillis { millis: Vec<i32>, precision: u8 },
    TimeNanos { nanos: Vec<i64>, precision: u8 },
    Timestamp { ticks: Vec<i64>, unit: TimeUnit, precision: u8, zoned: bool },
    Array { offsets: Vec<i32>, item: Box<Column> },
    Map { offsets: Vec<i32>, key: Box<Column>, value: Box<Column> },
    Row { fields: Vec<Column>, names: FieldNames },
}

/// Byte strings end to end.
pub(crate) struct VarBytes {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

impl VarBytes {
    fn new() -> Self {
        Self { offsets: vec![0], data: Vec::new() }
    }

    /// Appends a value; in a `String` column it must be valid UTF-8.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Bad> {
        self.data.extend_from_slice(bytes);
        self.close()
    }

    /// Appends what `write` appends to the data.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Bad>) -> Result<(), Bad> {
        let before = self.data.len();
        let written = write(&mut self.data).and_then(|()| self.close());
        if written.is_err() {
            self.data.truncate(before);
        }
        written
    }

    #[inline]
    fn close(&mut self) -> Result<(), Bad> {
        match i32::try_from(self.data.len()) {
            Ok(end) => {
                self.offsets.push(end);
                Ok(())
            }
            Err(_) => Err(bad("the batch would hold more than 2 GiB in one column")),
        }
    }

    fn value(&self, index: usize) -> &[u8] {
        let end = |i: usize| self.offsets.get(i).and_then(|&end| usize::try_from(end).ok()).unwrap_or(0);
        self.data.get(end(index)..end(index + 1)).unwrap_or_default()
    }

    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.data.truncate(last(&self.offsets));
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let data = renewed(&mut self.data);
        (take_offsets(&mut self.offsets), Buffer::from_vec(data))
    }
}

impl Column {
    /// # Errors
    /// A type that no format carries.
    pub(crate) fn new(name: &str, data_type: &DataType, nullable: bool) -> Result<Self, FormatError> {
        let values = match data_type {
            DataType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            DataType::TinyInt => Values::TinyInt(Vec::new()),
            DataType::SmallInt => Values::SmallInt(Vec::new()),
            DataType::Int => Values::Int(Vec::new()),
            DataType::BigInt => Values::BigInt(Vec::new()),
            DataType::Float => Values::Float(Vec::new()),
            DataType::Double => Values::Double(Vec::new()),
            &DataType::Decimal { precision, scale } => Values::Decimal { unscaled: Vec::new(), precision, scale },
            DataType::String => Values::String(VarBytes::new()),
            DataType::Bytes => Values::Bytes(VarBytes::new()),
            DataType::Date => Values::Date(Vec::new()),
            &DataType::Time { precision: precision @ 0..=3 } => Values::TimeMillis { millis: Vec::new(), precision },
            &DataType::Time { precision } => Values::TimeNanos { nanos: Vec::new(), precision },
            &DataType::Timestamp { precision } => timestamp(precision, false),
            &DataType::TimestampLtz { precision } => timestamp(precision, true),
            DataType::Array(item) => Values::Array { offsets: vec![0], item: Box::new(Self::new(name, &item.data_type, item.nullable)?) },
            DataType::Map(key, value) => Values::Map {
                offsets: vec![0],
                key: Box::new(Self::new(name, &key.data_type, false)?),
                value: Box::new(Self::new(name, &value.data_type, value.nullable)?),
            },
            DataType::Row(fields) => Values::Row {
                fields: fields.iter().map(|f| Self::new(name, &f.data_type, f.nullable)).collect::<Result<_, _>>()?,
                names: FieldNames::new(fields.iter().map(|f| f.name.as_str())),
            },
            DataType::Multiset(_)
            | DataType::Bitmap
            | DataType::IntervalYearMonth
            | DataType::IntervalDayTime
            | DataType::Variant
            | DataType::Null => {
                return Err(not_carried(name, data_type));
            }
        };
        Ok(Self { values, nulls: NullBufferBuilder::new(0), nullable, arrow: data_type.to_arrow() })
    }

    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// To be called once after each value that was pushed into `values`.
    #[inline]
    pub(crate) fn value_pushed(&mut self) {
        self.nulls.append_non_null();
    }

    /// Appends NULL; refused where the column is NOT NULL.
    pub(crate) fn push_null(&mut self) -> Result<(), Bad> {
        if !self.nullable {
            return Err(bad("is NULL, but the column is NOT NULL"));
        }
        self.push_placeholder();
        Ok(())
    }

    /// Fills a place whose value is never looked at: NULL, or a child of NULL.
    fn push_placeholder(&mut self) {
        match &mut self.values {
            Values::Boolean(v) => v.append(false),
            Values::TinyInt(v) => v.push(0),
            Values::SmallInt(v) => v.push(0),
            Values::Int(v) | Values::Date(v) | Values::TimeMillis { millis: v, .. } => v.push(0),
            Values::BigInt(v) | Values::TimeNanos { nanos: v, .. } | Values::Timestamp { ticks: v, .. } => v.push(0),
            Values::Float(v) => v.push(0.0),
            Values::Double(v) => v.push(0.0),
            Values::Decimal { unscaled, .. } => unscaled.push(0),
            Values::String(v) | Values::Bytes(v) => v.offsets.push(v.offsets.last().copied().unwrap_or(0)),
            Values::Array { offsets, .. } | Values::Map { offsets, .. } => offsets.push(offsets.last().copied().unwrap_or(0)),
            // Many NULL rows in a row are frequent (one column per kind of event): children get their places at once.
            Values::Row { .. } => {}
        }
        if self.nullable { self.nulls.append_null() } else { self.nulls.append_non_null() }
    }

    /// Fills places up to `len` as [`Self::push_placeholder`] does.
    #[inline]
    pub(crate) fn pad(&mut self, len: usize) {
        let missing = len.saturating_sub(self.len());
        if missing > 0 {
            self.push_placeholders(missing, len);
        }
    }

    fn push_placeholders(&mut self, missing: usize, len: usize) {
        match &mut self.values {
            Values::Boolean(v) => v.append_n(missing, false),
            Values::TinyInt(v) => v.resize(len, 0),
            Values::SmallInt(v) => v.resize(len, 0),
            Values::Int(v) | Values::Date(v) | Values::TimeMillis { millis: v, .. } => v.resize(len, 0),
            Values::BigInt(v) | Values::TimeNanos { nanos: v, .. } | Values::Timestamp { ticks: v, .. } => v.resize(len, 0),
            Values::Float(v) => v.resize(len, 0.0),
            Values::Double(v) => v.resize(len, 0.0),
            Values::Decimal { unscaled, .. } => unscaled.resize(len, 0),
            Values::String(v) | Values::Bytes(v) => v.offsets.resize(len + 1, v.offsets.last().copied().unwrap_or(0)),
            Values::Array { offsets, .. } | Values::Map { offsets, .. } => offsets.resize(len + 1, offsets.last().copied().unwrap_or(0)),
            Values::Row { .. } => {}
        }
        if self.nullable { self.nulls.append_n_nulls(missing) } else { self.nulls.append_n_non_nulls(missing) }
    }

    /// Forgets everything behind the first `len` values; also values pushed without `value_pushed`.
    pub(crate) fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Boolean(v) => v.truncate(len.min(v.len())),
            Values::TinyInt(v) => v.truncate(len),
            Values::SmallInt(v) => v.truncate(len),
            Values::Int(v) | Values::Date(v) | Values::TimeMillis { millis: v, .. } => v.truncate(len),
            Values::BigInt(v) | Values::TimeNanos { nanos: v, .. } | Values::Timestamp { ticks: v, .. } => v.truncate(len),
            Values::Float(v) => v.truncate(len),
            Values::Double(v) => v.truncate(len),
            Values::Decimal { unscaled, .. } => unscaled.truncate(len),
            Values::String(v) | Values::Bytes(v) => v.truncate(len),
            Values::Array { offsets, item } => {
                offsets.truncate(len + 1);
                item.truncate(last(offsets));
            }
            Values::Map { offsets, key, value } => {
                offsets.truncate(len + 1);
                key.truncate(last(offsets));
                value.truncate(last(offsets));
            }
            Values::Row { fields, .. } => fields.iter_mut().for_each(|f| f.truncate(len)),
        }
        self.nulls.truncate(len.min(self.nulls.len()));
    }

    /// Takes all values as an Arrow array and starts anew.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let len = self.len();
        let nulls = self.nulls.finish();
        Ok(match &mut self.values {
            Values::Boolean(v) => Arc::new(BooleanArray::new(v.finish(), nulls)),
            Values::TinyInt(v) => primitive::<Int8Type>(v, nulls, &self.arrow),
            Values::SmallInt(v) => primitive::<Int16Type>(v, nulls, &self.arrow),
            Values::Int(v) => primitive::<Int32Type>(v, nulls, &self.arrow),
            Values::BigInt(v) => primitive::<Int64Type>(v, nulls, &self.arrow),
            Values::Float(v) => primitive::<Float32Type>(v, nulls, &self.arrow),
            Values::Double(v) => primitive::<Float64Type>(v, nulls, &self.arrow),
            Values::Decimal { unscaled, .. } => primitive::<Decimal128Type>(unscaled, nulls, &self.arrow),
            Values::String(v) => string_array(v, nulls)?,
            Values::Bytes(v) => {
                let (offsets, data) = v.take();
                Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
            }
            Values::Date(v) => primitive::<Date32Type>(v, nulls, &self.arrow),
            Values::TimeMillis { millis, .. } => primitive::<Time32MillisecondType>(millis, nulls, &self.arrow),
            Values::TimeNanos { nanos, .. } => primitive::<Time64NanosecondType>(nanos, nulls, &self.arrow),
            Values::Timestamp { ticks, unit: TimeUnit::Nanosecond, .. } => primitive::<TimestampNanosecondType>(ticks, nulls, &self.arrow),
            Values::Timestamp { ticks, unit: TimeUnit::Microsecond, .. } => {
                primitive::<TimestampMicrosecondType>(ticks, nulls, &self.arrow)
            }
            Values::Timestamp { ticks, .. } => primitive::<TimestampMillisecondType>(ticks, nulls, &self.arrow),
            Values::Array { offsets, item } => {
                let Arrow::List(field) = &self.arrow else { return Err(mismatch(&self.arrow)) };
                Arc::new(ListArray::try_new(field.clone(), take_offsets(offsets), item.finish()?, nulls)?)
            }
            Values::Map { offsets, key, value } => {
                let Arrow::Map(entries, sorted) = &self.arrow else { return Err(mismatch(&self.arrow)) };
                let Arrow::Struct(fields) = entries.data_type() else { return Err(mismatch(&self.arrow)) };
                let pairs = StructArray::try_new(fields.clone(), vec![key.finish()?, value.finish()?], None)?;
                Arc::new(MapArray::try_new(entries.clone(), take_offsets(offsets), pairs, nulls, *sorted)?)
            }
            Values::Row { fields, .. } => {
                let Arrow::Struct(arrow_fields) = &self.arrow else { return Err(mismatch(&self.arrow)) };
                fields.iter_mut().for_each(|field| field.pad(len));
                row_array(arrow_fields.clone(), fields, nulls)?
            }
        })
    }

    /// Refuses a map whose keys from `first` on are texts of which two are equal.
    pub(crate) fn check_distinct_texts(&self, first: usize) -> Result<(), Bad> {
        let Values::String(texts) = &self.values else { return Ok(()) };
        if self.len().saturating_sub(first) < 2 {
            return Ok(());
        }
        let mut seen = std::collections::HashSet::new();
        match (first..self.len()).map(|i| texts.value(i)).find(|text| !seen.insert(*text)) {
            Some(text) => Err(bad(format!("has the key `{}` twice", crate::text::shown(text)))),
            None => Ok(()),
        }
    }

    /// The column's type as users write it, without parameters.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.values {
            Values::Boolean(_) => "BOOLEAN",
            Values::TinyInt(_) => "TINYINT",
            Values::SmallInt(_) => "SMALLINT",
            Values::Int(_) => "INT",
            Values::BigInt(_) => "BIGINT",
            Values::Float(_) => "FLOAT",
            Values::Double(_) => "DOUBLE",
            Values::Decimal { .. } => "DECIMAL",
            Values::String(_) => "STRING",
            Values::Bytes(_) => "BYTES as base64 text",
            Values::Date(_) => "DATE as text",
            Values::TimeMillis { .. } | Values::TimeNanos { .. } => "TIME as text",
            Values::Timestamp { zoned: false, .. } => "TIMESTAMP as text",
            Values::Timestamp { zoned: true, .. } => "TIMESTAMP_LTZ as text",
            Values::Array { .. } => "an array",
            Values::Map { .. } => "an object (MAP)",
            Values::Row { .. } => "an object (ROW)",
        }
    }

    /// Refuses column types that a flat text format cannot carry.
    pub(crate) fn refuse_nested(name: &str, data_type: &DataType) -> Result<(), FormatError> {
        match data_type {
            DataType::Array(_) | DataType::Map(..) | DataType::Multiset(_) | DataType::Row(_) => {
                Err(FormatError::new(name, format!("is {data_type}, but csv carries no nested types; use json")))
            }
            _ => Ok(()),
        }
    }
}

fn timestamp(precision: u8, zoned: bool) -> Values {
    let unit = match precision {
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    };
    Values::Timestamp { ticks: Vec::new(), unit, precision, zoned }
}

fn last(offsets: &[i32]) -> usize {
    offsets.last().and_then(|&end| usize::try_from(end).ok()).unwrap_or(0)
}

/// Takes a vector and leaves an empty one with room for as much again: batches resemble each other.
fn renewed<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let taken = renewed(offsets);
    offsets.push(0);
    OffsetBuffer::new(ScalarBuffer::from(taken))
}

fn primitive<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, nulls: Option<NullBuffer>, data_type: &Arrow) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(renewed(values)), nulls).with_data_type(data_type.clone()))
}

#[allow(unsafe_code)]
fn string_array(values: &mut VarBytes, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let (offsets, data) = values.take();
    // SAFETY: offsets start at 0, never fall and end at the data's length (`VarBytes::close` and `truncate` are the
    // only places that change them), and each value was validated as UTF-8 before it was pushed (module invariant), so
    // every offset is a character boundary. Validating again would cost as much as the whole column did.
    Ok(Arc::new(unsafe { arrow_array::StringArray::new_unchecked(offsets, data, nulls) }))
}

fn row_array(fields: Fields, columns: &mut [Column], nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let arrays = columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>, _>>()?;
    Ok(make_array(StructArray::try_new(fields, arrays, nulls)?.into()))
}

fn mismatch(found: &Arrow) -> ArrowError {
    ArrowError::SchemaError(format!("a nested column has the Arrow type {found}"))
}
