//! Columns of a batch, typed and untyped.
//!
//! Invariant: a `Col` exists only for a column whose declared type was checked, so views of it need no further check
//! of types; values that the host sends with a wrong layout panic.

use crate::{
    bindings::types as wit,
    schema::{DataType, Field},
};
use std::marker::PhantomData;

/// An input column that holds `T`; from [`crate::Schema::column`].
pub struct Col<T: ?Sized> {
    pub(crate) index: usize,
    pub(crate) kind: PhantomData<fn(&T)>,
}

/// An output column that takes `T`; from [`crate::Schema::required`] and [`crate::Schema::optional`].
pub struct OutCol<T: ?Sized> {
    pub(crate) index: usize,
    pub(crate) kind: PhantomData<fn(&T)>,
}

/// An output column of any type; from [`crate::Schema::push`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutAny {
    pub(crate) index: usize,
}

impl<T: ?Sized> Clone for Col<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Col<T> {}

impl<T: ?Sized> Clone for OutCol<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for OutCol<T> {}

impl<T: ?Sized> From<OutCol<T>> for OutAny {
    fn from(column: OutCol<T>) -> Self {
        Self { index: column.index }
    }
}

/// A type that columns can hold: `i64`, `f64`, `bool`, `str`, `[u8]`, `Decimal<10, 2>`, `Timestamp<3>`, `List<str>`, …
pub trait ColumnType {
    /// How a column of this type is read.
    type View<'a>;
    /// How a column of this type is written value by value.
    type Builder: ColumnBuilder;

    /// The declared type that output columns get.
    fn data_type() -> DataType;

    /// Whether an input column of the declared type can be read as this type.
    fn accepts(declared: &DataType) -> bool {
        *declared == Self::data_type()
    }

    /// Reads a column.
    ///
    /// # Panics
    /// The column's layout is not this type's.
    fn view(column: AnyColumn<'_>) -> Self::View<'_>;
}

/// Writes a column value by value.
pub trait ColumnBuilder {
    /// A builder with room for `rows` values.
    fn with_capacity(rows: usize) -> Self;
    /// Appends a NULL.
    fn push_null(&mut self);
    /// Values and NULLs so far.
    fn len(&self) -> usize;
    /// Whether there are no values yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The finished column.
    fn finish(self) -> AnyBuf;
}

/// Which values are not null: bit-packed, 1 = not null; nothing at all if there are no nulls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Validity<'a>(pub Option<&'a [u8]>);

impl<'a> Validity<'a> {
    /// Whether the value of `row` is NULL.
    #[inline]
    pub fn is_null(self, row: usize) -> bool {
        self.0.is_some_and(|bits| !millrace_kernels::get_bit(bits, row))
    }

    /// The bits, for kernels.
    pub fn bits(self) -> Option<&'a [u8]> {
        self.0
    }
}

/// A column whose type is known at run time only, or a part of a nested column.
#[derive(Debug, Clone, Copy)]
pub struct AnyColumn<'a> {
    field: &'a Field,
    /// This column and what follows it; the children come right behind.
    flat: &'a [wit::Column],
    len: usize,
}

impl<'a> AnyColumn<'a> {
    pub(crate) fn new(field: &'a Field, flat: &'a [wit::Column], len: usize) -> Self {
        Self { field, flat, len }
    }

    /// Name, type and nullability.
    pub fn field(&self) -> &'a Field {
        self.field
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Which values are not null.
    pub fn validity(&self) -> Validity<'a> {
        Validity(self.flat[0].validity.as_deref())
    }

    /// Reads the column as `T`; `None` if its type is another.
    pub fn typed<T: ColumnType + ?Sized>(&self) -> Option<T::View<'a>> {
        T::accepts(&self.field.data_type).then(|| T::view(*self))
    }

    /// For arrays and maps: where the children of each value lie, one more than there are values.
    pub fn offsets(&self) -> Option<&'a [i32]> {
        match &self.flat[0].data {
            wit::ColumnData::Offsets(offsets) => Some(offsets),
            _ => None,
        }
    }

    /// Part `n` of a nested column: the element of an array, key (0) and value (1) of a map, a field of a row.
    pub fn child(&self, n: usize) -> Option<AnyColumn<'a>> {
        let mut at = 1;
        let fields: &'a [Field] = match &self.field.data_type {
            DataType::Array(element) => std::slice::from_ref(element),
            DataType::Map(key, value) => {
                let len = self.child_len();
                return match n {
                    0 => Some(Self::new(key, &self.flat[1..], len)),
                    1 => Some(Self::new(value, &self.flat[1 + key.flat_len()..], len)),
                    _ => None,
                };
            }
            DataType::Row(fields) => fields,
            _ => return None,
        };
        for (i, field) in fields.iter().enumerate() {
            if i == n {
                return Some(Self::new(field, &self.flat[at..], self.child_len()));
            }
            at += field.flat_len();
        }
        None
    }

    fn child_len(&self) -> usize {
        match self.offsets() {
            Some(offsets) => offsets.last().copied().unwrap_or(0) as usize,
            None => self.len,
        }
    }

    pub(crate) fn data(&self) -> &'a wit::ColumnData {
        &self.flat[0].data
    }

    /// A copy of all values.
    pub fn to_buf(&self) -> AnyBuf {
        AnyBuf { columns: self.flat[..self.field.flat_len()].to_vec(), len: self.len }
    }

    /// For a layout that does not fit the declared type: a defect of the host.
    #[cold]
    pub(crate) fn wrong_layout(&self) -> ! {
        panic!("column `{}` is {} but its data has another layout", self.field.name, self.field.data_type)
    }
}

/// A finished column of any type.
#[derive(Debug, Clone)]
pub struct AnyBuf {
    /// The column and its descendants, depth first.
    pub(crate) columns: Vec<wit::Column>,
    pub(crate) len: usize,
}

impl AnyBuf {
    pub(crate) fn scalar(data: wit::ColumnData, validity: Option<Vec<u8>>, len: usize) -> Self {
        Self { columns: vec![wit::Column { data, validity }], len }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The same values, but null where a bit of `validity` (bit-packed, 1 = not null) is 0.
    ///
    /// # Panics
    /// `validity` has not exactly one bit per value.
    pub fn with_validity(mut self, validity: Option<Vec<u8>>) -> Self {
        if let Some(bits) = &validity {
            assert_eq!(bits.len(), self.len.div_ceil(8), "validity must have one bit per value");
        }
        self.columns[0].validity = validity;
        self
    }
}

/// A finished column of `T`, for [`crate::Output::set`].
pub struct ColumnBuf<T: ?Sized> {
    pub(crate) any: AnyBuf,
    kind: PhantomData<fn(&T)>,
}

impl<T: ?Sized> ColumnBuf<T> {
    pub(crate) fn new(any: AnyBuf) -> Self {
        Self { any, kind: PhantomData }
    }

    /// As [`AnyBuf::with_validity`].
    pub fn with_validity(self, validity: Option<Vec<u8>>) -> Self {
        Self::new(self.any.with_validity(validity))
    }

    /// Without the type.
    pub fn into_any(self) -> AnyBuf {
        self.any
    }
}

/// What can become a finished column of `T`: vectors of values, builders, finished columns.
pub trait IntoColumn<T: ?Sized> {
    /// The finished column.
    fn into_column(self) -> ColumnBuf<T>;
}

impl<T: ?Sized> IntoColumn<T> for ColumnBuf<T> {
    fn into_column(self) -> ColumnBuf<T> {
        self
    }
}
