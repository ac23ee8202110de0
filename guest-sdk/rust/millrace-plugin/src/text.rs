//! `STRING` and `BYTES`: values of variable size as offsets and data.

use crate::{
    bindings::types::{ColumnData, Utf8Data},
    column::{AnyBuf, AnyColumn, ColumnBuf, ColumnBuilder, ColumnType, IntoColumn, Validity},
    scalar::NullTracker,
    schema::DataType,
};
use millrace_kernels::Selection;

/// A column of strings.
#[derive(Debug, Clone, Copy)]
pub struct Strings<'a> {
    offsets: &'a [i32],
    text: &'a str,
    validity: Validity<'a>,
}

/// A column of byte strings.
#[derive(Debug, Clone, Copy)]
pub struct Binaries<'a> {
    offsets: &'a [i32],
    data: &'a [u8],
    validity: Validity<'a>,
}

macro_rules! view {
    ($view:ident, $value:ty, $data:ident) => {
        impl<'a> $view<'a> {
            /// The value of a row; `None` for NULL.
            #[inline]
            pub fn get(&self, row: usize) -> Option<&'a $value> {
                if self.validity.is_null(row) { None } else { Some(self.value(row)) }
            }

            /// The value of a row of a column without nulls; under a null the answer has no meaning.
            #[inline]
            pub fn value(&self, row: usize) -> &'a $value {
                &self.$data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
            }

            /// Where each value starts and ends in the data, for kernels.
            pub fn offsets(&self) -> &'a [i32] {
                self.offsets
            }

            /// All values one behind the other, for kernels.
            pub fn data(&self) -> &'a $value {
                self.$data
            }

            /// Which values are not null.
            pub fn validity(&self) -> Validity<'a> {
                self.validity
            }

            /// Number of values.
            pub fn len(&self) -> usize {
                self.offsets.len() - 1
            }

            /// Whether there are no values.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The values row by row.
            pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&'a $value>> + use<'a> {
                let this = *self;
                (0..this.len()).map(move |row| this.get(row))
            }

            /// The rows whose value equals `wanted`; NULLs never do.
            pub fn select_equal(&self, wanted: &$value) -> Selection {
                millrace_kernels::select_equal(self.offsets, self.$data.as_ref(), wanted.as_ref()).and_valid(self.validity.bits())
            }

            /// The selected values as a new column, with their nulls.
            pub fn take(&self, selection: &Selection) -> ColumnBuf<$value> {
                let (offsets, data) = millrace_kernels::take_text(self.offsets, self.$data.as_ref(), selection);
                let validity = self.validity.bits().map(|bits| millrace_kernels::take_bits(bits, selection));
                ColumnBuf::<$value>::from_parts(offsets, data).with_validity(validity)
            }
        }
    };
}

view!(Strings, str, text);
view!(Binaries, [u8], data);

/// An empty column may come without its single offset.
fn offsets_of(offsets: &[i32]) -> &[i32] {
    if offsets.is_empty() { &[0] } else { offsets }
}

impl ColumnType for str {
    type View<'a> = Strings<'a>;
    type Builder = TextBuilder;

    fn data_type() -> DataType {
        DataType::String
    }

    fn view(column: AnyColumn<'_>) -> Strings<'_> {
        let ColumnData::Utf8(Utf8Data { offsets, data }) = column.data() else { column.wrong_layout() };
        // One check for the whole column; slices of it are checked to lie on character borders.
        let Some(text) = millrace_kernels::as_text(data) else { column.wrong_layout() };
        Strings { offsets: offsets_of(offsets), text, validity: column.validity() }
    }
}

impl ColumnType for [u8] {
    type View<'a> = Binaries<'a>;
    type Builder = BytesBuilder;

    fn data_type() -> DataType {
        DataType::Bytes
    }

    fn view(column: AnyColumn<'_>) -> Binaries<'_> {
        let ColumnData::Bytes(Utf8Data { offsets, data }) = column.data() else { column.wrong_layout() };
        Binaries { offsets: offsets_of(offsets), data, validity: column.validity() }
    }
}

impl ColumnBuf<str> {
    /// Strings from offsets and data, as the kernels make them. The host refuses data that is not UTF-8.
    ///
    /// # Panics
    /// There are no offsets.
    pub fn from_parts(offsets: Vec<i32>, data: Vec<u8>) -> Self {
        assert!(!offsets.is_empty(), "offsets start with 0");
        let len = offsets.len() - 1;
        Self::new(AnyBuf::scalar(ColumnData::Utf8(Utf8Data { offsets, data }), None, len))
    }

    /// ASCII letters to upper case.
    pub fn ascii_uppercase(mut self) -> Self {
        if let ColumnData::Utf8(text) = &mut self.any.columns[0].data {
            millrace_kernels::ascii_uppercase(&mut text.data);
        }
        self
    }

    /// ASCII letters to lower case.
    pub fn ascii_lowercase(mut self) -> Self {
        if let ColumnData::Utf8(text) = &mut self.any.columns[0].data {
            millrace_kernels::ascii_lowercase(&mut text.data);
        }
        self
    }
}

impl ColumnBuf<[u8]> {
    /// Byte strings from offsets and data.
    ///
    /// # Panics
    /// There are no offsets.
    pub fn from_parts(offsets: Vec<i32>, data: Vec<u8>) -> Self {
        assert!(!offsets.is_empty(), "offsets start with 0");
        let len = offsets.len() - 1;
        Self::new(AnyBuf::scalar(ColumnData::Bytes(Utf8Data { offsets, data }), None, len))
    }
}

macro_rules! builder {
    ($(#[$doc:meta])* $builder:ident, $value:ty, $variant:ident) => {
        $(#[$doc])*
        pub struct $builder {
            offsets: Vec<i32>,
            data: Vec<u8>,
            nulls: NullTracker,
        }

        impl $builder {
            /// Appends a value.
            #[inline]
            pub fn push(&mut self, value: &$value) {
                self.nulls.push_valid();
                self.data.extend_from_slice(value.as_ref());
                self.offsets.push(self.data.len() as i32);
            }

            /// Appends a value or NULL.
            #[inline]
            pub fn push_option(&mut self, value: Option<&$value>) {
                match value {
                    Some(value) => self.push(value),
                    None => self.push_null(),
                }
            }
        }

        impl ColumnBuilder for $builder {
            fn with_capacity(rows: usize) -> Self {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                // Most text columns hold short values; the data grows by doubling if these are longer.
                Self { offsets, data: Vec::with_capacity(rows * 16), nulls: NullTracker::default() }
            }

            fn push_null(&mut self) {
                self.nulls.push_null(self.offsets.len() - 1);
                self.offsets.push(self.data.len() as i32);
            }

            fn len(&self) -> usize {
                self.offsets.len() - 1
            }

            fn finish(self) -> AnyBuf {
                let len = self.len();
                AnyBuf::scalar(ColumnData::$variant(Utf8Data { offsets: self.offsets, data: self.data }), self.nulls.finish(), len)
            }
        }

        impl IntoColumn<$value> for $builder {
            fn into_column(self) -> ColumnBuf<$value> {
                ColumnBuf::new(self.finish())
            }
        }

        impl<S: AsRef<$value>> FromIterator<S> for ColumnBuf<$value> {
            fn from_iter<I: IntoIterator<Item = S>>(values: I) -> Self {
                let values = values.into_iter();
                let mut builder = $builder::with_capacity(values.size_hint().0);
                values.for_each(|value| builder.push(value.as_ref()));
                builder.into_column()
            }
        }

        impl ColumnBuf<$value> {
            /// Values and NULLs.
            pub fn from_options<S: AsRef<$value>>(values: impl IntoIterator<Item = Option<S>>) -> Self {
                let values = values.into_iter();
                let mut builder = $builder::with_capacity(values.size_hint().0);
                values.for_each(|value| builder.push_option(value.as_ref().map(AsRef::as_ref)));
                builder.into_column()
            }
        }

        impl<S: AsRef<$value>> IntoColumn<$value> for Vec<S> {
            fn into_column(self) -> ColumnBuf<$value> {
                self.into_iter().collect()
            }
        }
    };
}

builder!(
    /// Collects strings and NULLs.
    TextBuilder, str, Utf8
);
builder!(
    /// Collects byte strings and NULLs.
    BytesBuilder, [u8], Bytes
);

impl std::fmt::Write for TextBuilder {
    /// Appends to the value being written; [`TextBuilder::close`] ends it. For `write!` without a string in between.
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.data.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl TextBuilder {
    /// Ends the value that `write!` has been appending to.
    pub fn close(&mut self) {
        self.nulls.push_valid();
        self.offsets.push(self.data.len() as i32);
    }
}
