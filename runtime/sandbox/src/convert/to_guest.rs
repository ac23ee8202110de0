//! Arrow → the contract's lists, borrowing wherever Arrow's layout is the contract's already.
//!
//! Copies are made only of what a slice left misaligned: offsets that do not begin at 0, bits that do not begin at a
//! byte.

use crate::bindings::{BatchParam, ColumnDataParam, ColumnParam, Utf8DataParam};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt8Array, cast::AsArray, types};
use arrow_buffer::{BooleanBuffer, OffsetBuffer};
use arrow_schema::{DataType, TimeUnit};

/// A column with what had to be copied of it.
struct Flat {
    array: ArrayRef,
    validity: Option<Vec<u8>>,
    offsets: Option<Vec<i32>>,
    bits: Option<Vec<u8>>,
}

/// A batch whose columns are flattened, ready to be borrowed from.
pub(crate) struct BatchForGuest<'a> {
    rows: u32,
    kinds: Option<&'a [u8]>,
    columns: Vec<Flat>,
}

impl<'a> BatchForGuest<'a> {
    /// Flattens `rows`; an error names a column of a type that no schema of ours has.
    pub fn new(rows: &RecordBatch, kinds: Option<&'a UInt8Array>) -> Result<Self, String> {
        let count = u32::try_from(rows.num_rows()).map_err(|_| format!("{} rows are more than a batch can hold", rows.num_rows()))?;
        let mut columns = Vec::with_capacity(rows.num_columns());
        for (array, field) in rows.columns().iter().zip(rows.schema_ref().fields()) {
            flatten(array.clone(), &mut columns)
                .map_err(|found| format!("column `{}` is {found}, which plugins cannot read", field.name()))?;
        }
        Ok(Self { rows: count, kinds: kinds.map(|kinds| &kinds.values()[..]), columns })
    }

    /// Flattens `columns`, each `rows` long.
    pub fn of_columns(columns: &[ArrayRef], rows: usize) -> Result<Self, String> {
        let count = u32::try_from(rows).map_err(|_| format!("{rows} rows are more than a batch can hold"))?;
        let mut flat = Vec::with_capacity(columns.len());
        for (index, array) in columns.iter().enumerate() {
            if array.len() != rows {
                return Err(format!("argument {} has {} rows, expected {rows}", index + 1, array.len()));
            }
            flatten(array.clone(), &mut flat).map_err(|found| format!("argument {} is {found}, which plugins cannot read", index + 1))?;
        }
        Ok(Self { rows: count, kinds: None, columns: flat })
    }

    /// The lists, borrowed.
    pub fn columns(&self) -> Vec<ColumnParam<'_>> {
        self.columns.iter().map(Flat::param).collect()
    }

    /// The batch over `columns`.
    pub fn param<'b>(&'b self, columns: &'b [ColumnParam<'b>]) -> BatchParam<'b> {
        BatchParam { rows: self.rows, kinds: self.kinds, columns }
    }
}

fn flatten(array: ArrayRef, into: &mut Vec<Flat>) -> Result<(), DataType> {
    let validity = array.nulls().filter(|nulls| nulls.null_count() > 0).and_then(|nulls| realigned(nulls.inner()));
    let mut flat = Flat { array, validity, offsets: None, bits: None };
    match flat.array.data_type().clone() {
        DataType::Boolean => {
            flat.bits = realigned(flat.array.as_boolean().values());
            into.push(flat);
        }
        DataType::Utf8 => {
            flat.offsets = rebased(flat.array.as_string::<i32>().offsets());
            into.push(flat);
        }
        DataType::Binary => {
            flat.offsets = rebased(flat.array.as_binary::<i32>().offsets());
            into.push(flat);
        }
        DataType::List(_) => {
            let list = flat.array.as_list::<i32>();
            let (start, len) = window(list.offsets());
            let values = list.values().slice(start, len);
            flat.offsets = rebased(list.offsets());
            into.push(flat);
            flatten(values, into)?;
        }
        DataType::Map(..) => {
            let map = flat.array.as_map();
            let (start, len) = window(map.offsets());
            let (keys, values) = (map.keys().slice(start, len), map.values().slice(start, len));
            flat.offsets = rebased(map.offsets());
            into.push(flat);
            flatten(keys, into)?;
            flatten(values, into)?;
        }
        DataType::Struct(_) => {
            let children = flat.array.as_struct().columns().to_vec();
            into.push(flat);
            for child in children {
                flatten(child, into)?;
            }
        }
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Decimal128(..)
        | DataType::Time32(TimeUnit::Millisecond)
        | DataType::Time64(TimeUnit::Nanosecond)
        | DataType::Timestamp(..) => into.push(flat),
        other => return Err(other),
    }
    Ok(())
}

impl Flat {
    fn param(&self) -> ColumnParam<'_> {
        let validity = self.array.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| match &self.validity {
            Some(copied) => copied,
            None => aligned(nulls.inner()),
        });
        ColumnParam { data: self.data(), validity }
    }

    fn data(&self) -> ColumnDataParam<'_> {
        use ColumnDataParam as D;
        let array = &self.array;
        match array.data_type() {
            DataType::Boolean => D::Bools(self.bits.as_deref().unwrap_or_else(|| aligned(array.as_boolean().values()))),
            DataType::Int8 => D::I8s(array.as_primitive::<types::Int8Type>().values()),
            DataType::Int16 => D::I16s(array.as_primitive::<types::Int16Type>().values()),
            DataType::Int32 => D::I32s(array.as_primitive::<types::Int32Type>().values()),
            DataType::Date32 => D::I32s(array.as_primitive::<types::Date32Type>().values()),
            DataType::Time32(_) => D::I32s(array.as_primitive::<types::Time32MillisecondType>().values()),
            DataType::Int64 => D::I64s(array.as_primitive::<types::Int64Type>().values()),
            DataType::Time64(_) => D::I64s(array.as_primitive::<types::Time64NanosecondType>().values()),
            DataType::Timestamp(TimeUnit::Second, _) => D::I64s(array.as_primitive::<types::TimestampSecondType>().values()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => D::I64s(array.as_primitive::<types::TimestampMillisecondType>().values()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => D::I64s(array.as_primitive::<types::TimestampMicrosecondType>().values()),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => D::I64s(array.as_primitive::<types::TimestampNanosecondType>().values()),
            DataType::Float32 => D::F32s(array.as_primitive::<types::Float32Type>().values()),
            DataType::Float64 => D::F64s(array.as_primitive::<types::Float64Type>().values()),
            DataType::Decimal128(..) => D::I128s(array.as_primitive::<types::Decimal128Type>().values().inner().typed_data::<u64>()),
            DataType::Utf8 => {
                let text = array.as_string::<i32>();
                D::Utf8(self.var_len(text.offsets(), text.value_data()))
            }
            DataType::Binary => {
                let binary = array.as_binary::<i32>();
                D::Bytes(self.var_len(binary.offsets(), binary.value_data()))
            }
            DataType::List(_) => D::Offsets(self.offsets.as_deref().unwrap_or_else(|| array.as_list::<i32>().offsets())),
            DataType::Map(..) => D::Offsets(self.offsets.as_deref().unwrap_or_else(|| array.as_map().offsets())),
            _ => D::None,
        }
    }

    fn var_len<'b>(&'b self, offsets: &'b OffsetBuffer<i32>, data: &'b [u8]) -> Utf8DataParam<'b> {
        let (start, len) = window(offsets);
        // An OffsetBuffer's offsets lie within the data of its array.
        let data = data.get(start..start + len).unwrap_or_default();
        Utf8DataParam { offsets: self.offsets.as_deref().unwrap_or(offsets), data }
    }
}

/// Start and length of the data that `offsets` point into.
fn window(offsets: &OffsetBuffer<i32>) -> (usize, usize) {
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (*first as usize, (last - first) as usize),
        _ => (0, 0),
    }
}

/// Offsets counted from 0, when they are not.
fn rebased(offsets: &OffsetBuffer<i32>) -> Option<Vec<i32>> {
    let first = offsets.first().copied().unwrap_or_default();
    (first != 0).then(|| offsets.iter().map(|offset| offset - first).collect())
}

/// The bits copied to begin at a byte, when they do not.
fn realigned(bits: &BooleanBuffer) -> Option<Vec<u8>> {
    (!bits.offset().is_multiple_of(8)).then(|| bits.sliced().as_slice().iter().copied().take(bits.len().div_ceil(8)).collect())
}

/// The bytes of bits that begin at a byte.
fn aligned(bits: &BooleanBuffer) -> &[u8] {
    let start = bits.offset() / 8;
    bits.values().get(start..start + bits.len().div_ceil(8)).unwrap_or_default()
}
