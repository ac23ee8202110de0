//! Values of any type as bytes, and back into columns: for nested values and for keys of several columns.
//!
//! A cell is 0 for NULL, or 1 and the value: fixed-width values as they are in memory (little-endian), text and bytes with
//! their length, lists and maps with the number of entries and the cells of each, structs with the cells of their fields.
//! Invariant: equal values have equal bytes (all NaN are one), and damaged bytes are an error when read.

use super::state::{Number, damaged, put_bytes, put_length, take_bytes, take_flag, take_length};
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, cast::AsArray, make_array, types::Float32Type, types::Float64Type};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType as Arrow;

/// A column made ready for its cells to be written.
pub(super) struct CellColumn {
    nulls: Option<NullBuffer>,
    values: Values,
}

enum Values {
    Nothing,
    Boolean(BooleanBuffer),
    Float(ScalarBuffer<f32>),
    Double(ScalarBuffer<f64>),
    Fixed { width: usize, bytes: Buffer },
    Bytes(OffsetBuffer<i32>, Buffer),
    Entries(OffsetBuffer<i32>, Box<CellColumn>),
    Fields(Vec<CellColumn>),
}

impl CellColumn {
    /// Makes a column ready.
    ///
    /// # Errors
    /// A carrier that no type of ours has.
    pub(super) fn new(array: &ArrayRef) -> Result<Self, EvaluationError> {
        let values = match array.data_type() {
            Arrow::Null => Values::Nothing,
            Arrow::Boolean => Values::Boolean(array.as_boolean().values().clone()),
            Arrow::Float32 => Values::Float(array.as_primitive::<Float32Type>().values().clone()),
            Arrow::Float64 => Values::Double(array.as_primitive::<Float64Type>().values().clone()),
            Arrow::Utf8 => {
                let strings = array.as_string::<i32>();
                Values::Bytes(strings.offsets().clone(), strings.values().clone())
            }
            Arrow::Binary => {
                let binary = array.as_binary::<i32>();
                Values::Bytes(binary.offsets().clone(), binary.values().clone())
            }
            Arrow::List(_) => {
                let list = array.as_list::<i32>();
                Values::Entries(list.offsets().clone(), Box::new(Self::new(list.values())?))
            }
            Arrow::Map(..) => {
                let map = array.as_map();
                let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
                Values::Entries(map.offsets().clone(), Box::new(Self::new(&entries)?))
            }
            Arrow::Struct(_) => Values::Fields(array.as_struct().columns().iter().map(Self::new).collect::<Result<_, _>>()?),
            other => {
                let width = fixed_width(other)?;
                let data = array.to_data();
                Values::Fixed { width, bytes: data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width) }
            }
        };
        Ok(Self { nulls: super::column::nulls(array), values })
    }

    /// Appends the cell of a row.
    pub(super) fn put(&self, row: usize, out: &mut Vec<u8>) {
        let is_null = matches!(self.values, Values::Nothing) || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        out.push(u8::from(!is_null));
        if is_null {
            return;
        }
        match &self.values {
            Values::Nothing => {}
            Values::Boolean(values) => out.push(u8::from(values.value(row))),
            Values::Float(values) => if values[row].is_nan() { f32::NAN } else { values[row] }.put(out),
            Values::Double(values) => if values[row].is_nan() { f64::NAN } else { values[row] }.put(out),
            Values::Fixed { width, bytes } => out.extend_from_slice(&bytes[row * width..(row + 1) * width]),
            Values::Bytes(offsets, values) => put_bytes(&values[offsets[row] as usize..offsets[row + 1] as usize], out),
            Values::Entries(offsets, entries) => {
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                put_length(range.len(), out);
                range.for_each(|entry| entries.put(entry, out));
            }
            Values::Fields(fields) => fields.iter().for_each(|field| field.put(row, out)),
        }
    }
}

fn fixed_width(carrier: &Arrow) -> Result<usize, EvaluationError> {
    carrier.primitive_width().ok_or_else(|| EvaluationError(format!("an aggregate cannot keep values carried as {carrier}")))
}

/// Reads cells into a column.
pub(super) struct CellReader {
    carrier: Arrow,
    valid: Vec<bool>,
    read: Read,
}

enum Read {
    Nothing,
    Boolean(Vec<bool>),
    Fixed { width: usize, bytes: Vec<u8> },
    Bytes { offsets: Vec<i32>, bytes: Vec<u8> },
    Entries { offsets: Vec<i32>, entries: Box<CellReader> },
    Fields(Vec<CellReader>),
}

impl CellReader {
    /// Nothing read yet.
    ///
    /// # Errors
    /// A carrier that no type of ours has.
    pub(super) fn new(carrier: &Arrow) -> Result<Self, EvaluationError> {
        let read = match carrier {
            Arrow::Null => Read::Nothing,
            Arrow::Boolean => Read::Boolean(Vec::new()),
            Arrow::Utf8 | Arrow::Binary => Read::Bytes { offsets: vec![0], bytes: Vec::new() },
            Arrow::List(entry) | Arrow::Map(entry, _) => {
                Read::Entries { offsets: vec![0], entries: Box::new(Self::new(entry.data_type())?) }
            }
            Arrow::Struct(fields) => Read::Fields(fields.iter().map(|f| Self::new(f.data_type())).collect::<Result<_, _>>()?),
            other => Read::Fixed { width: fixed_width(other)?, bytes: Vec::new() },
        };
        Ok(Self { carrier: carrier.clone(), valid: Vec::new(), read })
    }

    /// Adds the cell at the front of the input.
    pub(super) fn push(&mut self, input: &mut &[u8]) -> Result<(), EvaluationError> {
        if !take_flag(input)? {
            self.push_null();
            return Ok(());
        }
        self.valid.push(true);
        match &mut self.read {
            Read::Nothing => return Err(damaged()),
            Read::Boolean(values) => values.push(take_flag(input)?),
            Read::Fixed { width, bytes } => {
                let (head, tail) = input.split_at_checked(*width).ok_or_else(damaged)?;
                bytes.extend_from_slice(head);
                *input = tail;
            }
            Read::Bytes { offsets, bytes } => {
                let value = take_bytes(input)?;
                if self.carrier == Arrow::Utf8 && std::str::from_utf8(value).is_err() {
                    return Err(damaged());
                }
                bytes.extend_from_slice(value);
                offsets.push(i32::try_from(bytes.len()).map_err(|_| damaged())?);
            }
            Read::Entries { offsets, entries } => {
                for _ in 0..take_length(input)? {
                    entries.push(input)?;
                }
                offsets.push(i32::try_from(entries.valid.len()).map_err(|_| damaged())?);
            }
            Read::Fields(fields) => fields.iter_mut().try_for_each(|field| field.push(input))?,
        }
        Ok(())
    }

    /// Adds NULL.
    pub(super) fn push_null(&mut self) {
        self.valid.push(false);
        match &mut self.read {
            Read::Nothing => {}
            Read::Boolean(values) => values.push(false),
            Read::Fixed { width, bytes } => bytes.resize(bytes.len() + *width, 0),
            Read::Bytes { offsets, .. } | Read::Entries { offsets, .. } => offsets.extend_from_within(offsets.len() - 1..),
            Read::Fields(fields) => fields.iter_mut().for_each(Self::push_null),
        }
    }

    /// What was read.
    ///
    /// # Errors
    /// NULL where the carrier has none.
    pub(super) fn finish(self) -> Result<ArrayRef, EvaluationError> {
        Ok(make_array(self.into_data()?))
    }

    fn into_data(self) -> Result<ArrayData, EvaluationError> {
        let data = ArrayData::builder(self.carrier).len(self.valid.len());
        let nulls = NullBuffer::from(self.valid);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        let data = match self.read {
            Read::Nothing => return Ok(data.build()?),
            Read::Boolean(values) => data.add_buffer(BooleanBuffer::from(values).into_inner()),
            Read::Fixed { bytes, .. } => data.add_buffer(bytes.into()).align_buffers(true),
            Read::Bytes { offsets, bytes } => data.add_buffer(Buffer::from_vec(offsets)).add_buffer(bytes.into()),
            Read::Entries { offsets, entries } => data.add_buffer(Buffer::from_vec(offsets)).add_child_data(entries.into_data()?),
            Read::Fields(fields) => {
                let children = fields.into_iter().map(Self::into_data).collect::<Result<_, _>>()?;
                data.child_data(children)
            }
        };
        Ok(data.nulls(nulls).build()?)
    }
}
