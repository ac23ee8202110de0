//! Types of fixed size: how their columns are read and written.

use crate::{
    bindings::types::ColumnData,
    column::{AnyBuf, AnyColumn, ColumnBuf, ColumnBuilder, ColumnType, IntoColumn, Validity},
    schema::DataType,
};
use millrace_kernels::{BitWriter, Selection};

/// A value of fixed size.
pub trait Scalar: Copy {
    /// All values of a column as the host sends them.
    type Slice<'a>: Copy;
    /// Values that are being collected.
    type Buffer;

    /// The declared type that output columns get.
    fn data_type() -> DataType;
    /// Whether a column of the declared type can be read.
    fn accepts(declared: &DataType) -> bool {
        *declared == Self::data_type()
    }
    /// The values of a column; `None` if its layout is another type's.
    fn slice(data: &ColumnData) -> Option<Self::Slice<'_>>;
    /// The value of a row, which may be a null's meaningless one.
    fn at(slice: Self::Slice<'_>, row: usize) -> Self;
    /// Room for `rows` values.
    fn buffer(rows: usize) -> Self::Buffer;
    /// Appends a value.
    fn push(buffer: &mut Self::Buffer, value: Self);
    /// What stands under a null.
    fn filler() -> Self;
    /// Values so far.
    fn buffer_len(buffer: &Self::Buffer) -> usize;
    /// The finished values.
    fn wrap(buffer: Self::Buffer) -> ColumnData;
}

/// A column of scalars.
pub struct Values<'a, T: Scalar> {
    slice: T::Slice<'a>,
    validity: Validity<'a>,
    len: usize,
}

impl<T: Scalar> Clone for Values<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar> Copy for Values<'_, T> {}

impl<'a, T: Scalar> Values<'a, T> {
    pub(crate) fn of(column: AnyColumn<'a>) -> Self {
        let Some(slice) = T::slice(column.data()) else { column.wrong_layout() };
        Self { slice, validity: column.validity(), len: column.len() }
    }

    /// All values, those under nulls too, for kernels: `&[i64]`, `&[f64]`, …
    pub fn slice(&self) -> T::Slice<'a> {
        self.slice
    }

    /// The value of a row; `None` for NULL.
    #[inline]
    pub fn get(&self, row: usize) -> Option<T> {
        if self.validity.is_null(row) { None } else { Some(T::at(self.slice, row)) }
    }

    /// The value of a row of a column without nulls; under a null the answer has no meaning.
    #[inline]
    pub fn value(&self, row: usize) -> T {
        T::at(self.slice, row)
    }

    /// Which values are not null.
    pub fn validity(&self) -> Validity<'a> {
        self.validity
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<T>> + use<'a, T> {
        let this = *self;
        (0..this.len).map(move |row| this.get(row))
    }
}

/// Collects scalars and NULLs.
pub struct ScalarBuilder<T: Scalar> {
    values: T::Buffer,
    nulls: NullTracker,
}

impl<T: Scalar> ScalarBuilder<T> {
    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.nulls.push_valid();
        T::push(&mut self.values, value);
    }

    /// Appends a value or NULL.
    #[inline]
    pub fn push_option(&mut self, value: Option<T>) {
        match value {
            Some(value) => self.push(value),
            None => self.push_null(),
        }
    }
}

impl<T: Scalar> ColumnBuilder for ScalarBuilder<T> {
    fn with_capacity(rows: usize) -> Self {
        Self { values: T::buffer(rows), nulls: NullTracker::default() }
    }

    fn push_null(&mut self) {
        self.nulls.push_null(T::buffer_len(&self.values));
        T::push(&mut self.values, T::filler());
    }

    fn len(&self) -> usize {
        T::buffer_len(&self.values)
    }

    fn finish(self) -> AnyBuf {
        let len = self.len();
        AnyBuf::scalar(T::wrap(self.values), self.nulls.finish(), len)
    }
}

impl<T: Scalar + ColumnType<Builder = ScalarBuilder<T>>> IntoColumn<T> for ScalarBuilder<T> {
    fn into_column(self) -> ColumnBuf<T> {
        ColumnBuf::new(self.finish())
    }
}

/// Validity that costs nothing until the first NULL.
#[derive(Default)]
pub(crate) struct NullTracker(Option<BitWriter>);

impl NullTracker {
    #[inline]
    pub(crate) fn push_valid(&mut self) {
        if let Some(bits) = &mut self.0 {
            bits.push(true);
        }
    }

    /// Appends a NULL behind `len` values.
    pub(crate) fn push_null(&mut self, len: usize) {
        let bits = self.0.get_or_insert_with(|| {
            let mut bits = BitWriter::with_capacity(len + 64);
            bits.push_many(true, len);
            bits
        });
        bits.push(false);
    }

    pub(crate) fn finish(self) -> Option<Vec<u8>> {
        self.0.map(BitWriter::into_bytes)
    }
}

/// Makes a scalar a column type.
macro_rules! column_type {
    ($type:ty $(, $p:ident)*) => {
        impl<$(const $p: u8),*> ColumnType for $type {
            type View<'a> = Values<'a, Self>;
            type Builder = ScalarBuilder<Self>;

            fn data_type() -> DataType {
                <Self as Scalar>::data_type()
            }

            fn accepts(declared: &DataType) -> bool {
                <Self as Scalar>::accepts(declared)
            }

            fn view(column: AnyColumn<'_>) -> Values<'_, Self> {
                Values::of(column)
            }
        }

        impl<$(const $p: u8),*> FromIterator<$type> for ColumnBuf<$type> {
            fn from_iter<I: IntoIterator<Item = $type>>(values: I) -> Self {
                let values = values.into_iter();
                let mut builder = ScalarBuilder::with_capacity(values.size_hint().0);
                values.for_each(|value| builder.push(value));
                builder.into_column()
            }
        }

        impl<$(const $p: u8),*> FromIterator<Option<$type>> for ColumnBuf<$type> {
            fn from_iter<I: IntoIterator<Item = Option<$type>>>(values: I) -> Self {
                let values = values.into_iter();
                let mut builder = ScalarBuilder::with_capacity(values.size_hint().0);
                values.for_each(|value| builder.push_option(value));
                builder.into_column()
            }
        }
    };
}
pub(crate) use column_type;

/// Scalars whose values lie in the column as they are.
macro_rules! plain {
    ($type:ty, $carrier:ty, $variant:ident, $data_type:expr, accepts $accepts:expr, $wrap:expr, $unwrap:expr $(, $p:ident)*) => {
        impl<$(const $p: u8),*> Scalar for $type {
            type Slice<'a> = &'a [$carrier];
            type Buffer = Vec<$carrier>;

            fn data_type() -> DataType {
                $data_type
            }
            fn accepts(declared: &DataType) -> bool {
                let accepts: fn(&DataType) -> bool = $accepts;
                accepts(declared)
            }
            fn slice(data: &ColumnData) -> Option<&[$carrier]> {
                match data {
                    ColumnData::$variant(values) => Some(values),
                    _ => None,
                }
            }
            #[inline]
            fn at(slice: &[$carrier], row: usize) -> Self {
                $wrap(slice[row])
            }
            fn buffer(rows: usize) -> Vec<$carrier> {
                Vec::with_capacity(rows)
            }
            #[inline]
            fn push(buffer: &mut Vec<$carrier>, value: Self) {
                let unwrap: fn(Self) -> $carrier = $unwrap;
                buffer.push(unwrap(value));
            }
            fn filler() -> Self {
                $wrap(<$carrier>::default())
            }
            fn buffer_len(buffer: &Vec<$carrier>) -> usize {
                buffer.len()
            }
            fn wrap(buffer: Vec<$carrier>) -> ColumnData {
                ColumnData::$variant(buffer)
            }
        }

        impl<$(const $p: u8),*> IntoColumn<$type> for Vec<$carrier> {
            fn into_column(self) -> ColumnBuf<$type> {
                let len = self.len();
                ColumnBuf::new(AnyBuf::scalar(ColumnData::$variant(self), None, len))
            }
        }

        column_type!($type $(, $p)*);
    };
    ($type:ty, $variant:ident, $data_type:ident) => {
        plain!($type, $type, $variant, DataType::$data_type, accepts |d| *d == DataType::$data_type, |v| v, |v| v);
    };
}
pub(crate) use plain;

plain!(i8, I8s, TinyInt);
plain!(i16, I16s, SmallInt);
plain!(i32, I32s, Int);
plain!(i64, I64s, BigInt);
plain!(f32, F32s, Float);
plain!(f64, F64s, Double);

impl Scalar for bool {
    type Slice<'a> = &'a [u8];
    type Buffer = BitWriter;

    fn data_type() -> DataType {
        DataType::Boolean
    }
    fn slice(data: &ColumnData) -> Option<&[u8]> {
        match data {
            ColumnData::Bools(bits) => Some(bits),
            _ => None,
        }
    }
    #[inline]
    fn at(bits: &[u8], row: usize) -> bool {
        millrace_kernels::get_bit(bits, row)
    }
    fn buffer(rows: usize) -> BitWriter {
        BitWriter::with_capacity(rows)
    }
    #[inline]
    fn push(buffer: &mut BitWriter, value: bool) {
        buffer.push(value);
    }
    fn filler() -> bool {
        false
    }
    fn buffer_len(buffer: &BitWriter) -> usize {
        buffer.len()
    }
    fn wrap(buffer: BitWriter) -> ColumnData {
        ColumnData::Bools(buffer.into_bytes())
    }
}

column_type!(bool);

impl IntoColumn<bool> for Vec<bool> {
    fn into_column(self) -> ColumnBuf<bool> {
        let len = self.len();
        ColumnBuf::new(AnyBuf::scalar(ColumnData::Bools(millrace_kernels::pack_bools(&self)), None, len))
    }
}

impl<'a, T: Scalar> Values<'a, T> {
    /// The selected values as a new column, with their nulls.
    pub fn take(&self, selection: &Selection) -> ColumnBuf<T>
    where
        T: ColumnType<Builder = ScalarBuilder<T>>,
    {
        let mut builder = ScalarBuilder::with_capacity(selection.len());
        selection.iter().for_each(|row| builder.push_option(self.get(row)));
        builder.into_column()
    }
}
