//! Array and map arguments by row, and results made of their elements.

use crate::{
    Columnar, EvaluationError,
    meter::{self, Steps},
    scalar::{
        Call,
        columns::{argument, check_batch, columnar},
    },
};
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray, cast::AsArray, new_null_array};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType as Arrow, FieldRef};
use arrow_select::interleave::interleave;
use std::{ops::Range, sync::Arc};

/// An array argument.
pub(super) struct Lists<'a> {
    array: &'a ListArray,
    is_scalar: bool,
}

impl<'a> Lists<'a> {
    pub(super) fn of(call: &Call<'a>, index: usize) -> Result<Self, EvaluationError> {
        let column = argument(call, index)?;
        let array = column.inner().as_list_opt::<i32>().ok_or_else(|| EvaluationError(format!("argument {} is no array", index + 1)))?;
        Ok(Self { array, is_scalar: column.as_scalar().is_some() })
    }

    /// Where the elements of a row are in `elements`; `None` is NULL.
    pub(super) fn get(&self, row: usize) -> Option<Range<usize>> {
        let row = if self.is_scalar { 0 } else { row };
        let offsets = self.array.value_offsets();
        self.array.is_valid(row).then(|| offsets[row] as usize..offsets[row + 1] as usize)
    }

    /// The elements of all rows.
    pub(super) fn elements(&self) -> &'a ArrayRef {
        self.array.values()
    }
}

/// A map or multiset argument.
pub(super) struct Maps<'a> {
    array: &'a MapArray,
    is_scalar: bool,
}

impl<'a> Maps<'a> {
    pub(super) fn of(call: &Call<'a>, index: usize) -> Result<Self, EvaluationError> {
        let column = argument(call, index)?;
        let array = column.inner().as_map_opt().ok_or_else(|| EvaluationError(format!("argument {} is no map", index + 1)))?;
        Ok(Self { array, is_scalar: column.as_scalar().is_some() })
    }

    /// Where the entries of a row are in `keys` and `values`; `None` is NULL.
    pub(super) fn get(&self, row: usize) -> Option<Range<usize>> {
        let row = if self.is_scalar { 0 } else { row };
        let offsets = self.array.value_offsets();
        self.array.is_valid(row).then(|| offsets[row] as usize..offsets[row + 1] as usize)
    }

    pub(super) fn keys(&self) -> &'a ArrayRef {
        self.array.keys()
    }

    pub(super) fn values(&self) -> &'a ArrayRef {
        self.array.values()
    }
}

/// Where elements come from: the number of a source and a place in it. Source 0 is one NULL.
pub(super) type Place = (usize, usize);

/// The place of NULL.
pub(super) const NOTHING: Place = (0, 0);

/// Elements at places of sources of one type.
pub(super) fn gather(sources: &[&ArrayRef], places: &[Place], data_type: &Arrow) -> Result<ArrayRef, EvaluationError> {
    let nothing = new_null_array(data_type, 1);
    let mut arrays: Vec<&dyn Array> = vec![nothing.as_ref()];
    for source in sources {
        if source.data_type() != data_type {
            return Err(EvaluationError(format!("elements of {} where {data_type} was asked for", source.data_type())));
        }
        arrays.push(source.as_ref());
    }
    meter::check_places(&arrays, places)?;
    Ok(interleave(&arrays, places)?)
}

/// Rows of a result that are lists of elements.
pub(super) struct Rows {
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
    length: usize,
    steps: Steps,
}

impl Rows {
    pub(super) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, valid: NullBufferBuilder::new(rows), length: 0, steps: Steps::default() }
    }

    /// Ends a row behind which there are `length` elements in all.
    pub(super) fn end(&mut self, length: usize, is_valid: bool) -> Result<(), EvaluationError> {
        check_batch(length.saturating_mul(8))?;
        self.steps.take(1024 + length.saturating_sub(self.length))?;
        self.length = length;
        self.offsets.push(length as i32);
        self.valid.append(is_valid);
        Ok(())
    }
}

/// Arrays being written.
pub(super) struct ListWriter {
    places: Vec<Place>,
    rows: Rows,
}

impl ListWriter {
    pub(super) fn new(rows: usize) -> Self {
        Self { places: Vec::new(), rows: Rows::new(rows) }
    }

    pub(super) fn push(&mut self, place: Place) {
        self.places.push(place);
    }

    /// Elements of one source.
    pub(super) fn extend(&mut self, source: usize, places: impl IntoIterator<Item = usize>) {
        self.places.extend(places.into_iter().map(|place| (source, place)));
    }

    /// Ends an array.
    pub(super) fn end(&mut self) -> Result<(), EvaluationError> {
        self.rows.end(self.places.len(), true)
    }

    /// NULL instead of an array.
    pub(super) fn null(&mut self) -> Result<(), EvaluationError> {
        self.rows.end(self.places.len(), false)
    }

    /// The arrays in the call's result type; sources are numbered from 1.
    pub(super) fn finish(mut self, call: &Call<'_>, sources: &[&ArrayRef], is_scalar: bool) -> Result<Columnar, EvaluationError> {
        let Arrow::List(field) = call.result.data_type.to_arrow() else {
            return Err(EvaluationError(format!("{} is no array", call.result.data_type)));
        };
        let elements = gather(sources, &self.places, field.data_type())?;
        let offsets = OffsetBuffer::new(self.rows.offsets.into());
        Ok(columnar(Arc::new(ListArray::try_new(field, offsets, elements, self.rows.valid.finish())?), is_scalar))
    }
}

/// Maps in the call's result type.
///
/// # Errors
/// A key that is NULL: there are maps with one in Flink, but no carrier for them here.
pub(super) fn map_column(
    call: &Call<'_>,
    keys: ArrayRef,
    values: ArrayRef,
    mut rows: Rows,
    is_scalar: bool,
) -> Result<Columnar, EvaluationError> {
    if keys.logical_null_count() > 0 {
        return Err(EvaluationError("a key of a map is NULL, which is not supported".to_owned()));
    }
    let entries_of = |field: &FieldRef| match field.data_type() {
        Arrow::Struct(fields) => Some(fields.clone()),
        _ => None,
    };
    let Arrow::Map(field, _) = call.result.data_type.to_arrow() else {
        return Err(EvaluationError(format!("{} is no map", call.result.data_type)));
    };
    let Some(fields) = entries_of(&field) else { return Err(EvaluationError("a map without entries".to_owned())) };
    let entries = StructArray::try_new(fields, vec![keys, values], None)?;
    let offsets = OffsetBuffer::new(rows.offsets.into());
    Ok(columnar(Arc::new(MapArray::try_new(field, offsets, entries, rows.valid.finish(), false)?), is_scalar))
}
