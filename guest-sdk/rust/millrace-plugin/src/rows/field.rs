//! What types the fields of row structs may have.

use crate::{
    column::{AnyColumn, ColumnBuilder, ColumnType, Validity},
    decimal::Decimal,
    nested::{List, ListBuilder},
    scalar::Values,
    temporal::{Date, Time, Timestamp, TimestampLtz},
    text::{Binaries, BytesBuilder, Strings, TextBuilder},
};
use std::borrow::Cow;

/// A field of an input row: `i64`, `Option<f64>`, `&str`, `Timestamp<3>`, …
pub trait ReadField<'a>: Sized {
    /// The column type that is read.
    type Column: ColumnType + ?Sized;
    /// Whether the column may hold NULL.
    const NULLABLE: bool = false;
    /// The column of a batch, ready to read.
    type View;

    /// The column of a batch.
    fn view(column: AnyColumn<'a>) -> Self::View;
    /// The value of a row.
    fn read(view: &Self::View, row: usize) -> Self;
}

/// A field of an output row: `i64`, `Option<f64>`, `&str`, `String`, `Timestamp<3>`, `Vec<i64>` for an array, …
pub trait WriteField: Sized {
    /// The column type that is written.
    type Column: ColumnType + ?Sized;
    /// Whether the column may hold NULL.
    const NULLABLE: bool = false;

    /// Appends the value.
    fn push(self, builder: &mut <Self::Column as ColumnType>::Builder);
}

impl<'a, T: ReadField<'a>> ReadField<'a> for Option<T> {
    type Column = T::Column;
    const NULLABLE: bool = true;
    type View = (Validity<'a>, T::View);

    fn view(column: AnyColumn<'a>) -> Self::View {
        (column.validity(), T::view(column))
    }

    #[inline]
    fn read((validity, view): &Self::View, row: usize) -> Self {
        if validity.is_null(row) { None } else { Some(T::read(view, row)) }
    }
}

impl<T: WriteField> WriteField for Option<T> {
    type Column = T::Column;
    const NULLABLE: bool = true;

    #[inline]
    fn push(self, builder: &mut <T::Column as ColumnType>::Builder) {
        match self {
            Some(value) => value.push(builder),
            None => builder.push_null(),
        }
    }
}

macro_rules! scalar_field {
    ($($type:ty $([$p:ident $(, $q:ident)*])?),* $(,)?) => { $(
        impl<'a $(, const $p: u8 $(, const $q: u8)*)?> ReadField<'a> for $type {
            type Column = Self;
            type View = Values<'a, Self>;

            fn view(column: AnyColumn<'a>) -> Self::View {
                <Self as ColumnType>::view(column)
            }

            #[inline]
            fn read(view: &Self::View, row: usize) -> Self {
                view.value(row)
            }
        }

        impl$(<const $p: u8 $(, const $q: u8)*>)? WriteField for $type {
            type Column = Self;

            #[inline]
            fn push(self, builder: &mut <Self as ColumnType>::Builder) {
                builder.push(self);
            }
        }
    )* };
}

scalar_field!(bool, i8, i16, i32, i64, f32, f64, Date, Time<P>[P], Timestamp<P>[P], TimestampLtz<P>[P], Decimal<P, S>[P, S]);

macro_rules! text_field {
    ($value:ty, $view:ident, $builder:ident: $($owned:ty),*) => {
        impl<'a> ReadField<'a> for &'a $value {
            type Column = $value;
            type View = $view<'a>;

            fn view(column: AnyColumn<'a>) -> Self::View {
                <$value as ColumnType>::view(column)
            }

            #[inline]
            fn read(view: &Self::View, row: usize) -> Self {
                view.value(row)
            }
        }

        impl WriteField for &$value {
            type Column = $value;

            #[inline]
            fn push(self, builder: &mut $builder) {
                builder.push(self);
            }
        }

        $(impl WriteField for $owned {
            type Column = $value;

            #[inline]
            fn push(self, builder: &mut $builder) {
                builder.push(&self);
            }
        })*
    };
}

text_field!(str, Strings, TextBuilder: String, Cow<'_, str>);
// `Vec<u8>` is left to mean "list of values", as `Vec` does for every other type.
text_field!([u8], Binaries, BytesBuilder: Cow<'_, [u8]>);

impl<T: WriteField> WriteField for Vec<T> {
    type Column = List<T::Column>;

    fn push(self, builder: &mut ListBuilder<T::Column>) {
        self.into_iter().for_each(|value| value.push(&mut builder.elements));
        builder.close();
    }
}
