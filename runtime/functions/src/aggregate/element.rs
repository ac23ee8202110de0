//! Values that states keep one by one: numbers as they are, floats in Java's order, strings as bytes, all else encoded.
//!
//! Invariant: equality and order are those of Flink's state: NaN equals itself and is the largest, −0 is below 0.

use super::{
    column::{from_options, natives},
    state::{Number, damaged, put_bytes, take_bytes},
};
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, BinaryArray, StringArray, cast::AsArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType as Arrow;
use std::{hash::Hash, sync::Arc};

/// A value that is not NULL.
pub(super) trait Element: Clone + Ord + Hash + Send + 'static {
    /// A column made ready to be read.
    type Column;

    /// Makes a column ready.
    fn column(array: &ArrayRef) -> Result<Self::Column, EvaluationError>;

    /// The value in a row that is not NULL.
    fn at(column: &Self::Column, row: usize) -> Self;

    /// A column of values.
    fn build(values: &mut dyn ExactSizeIterator<Item = Option<&Self>>, carrier: &Arrow) -> Result<ArrayRef, EvaluationError>;

    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes what `put` wrote for a value of this carrier.
    fn take(input: &mut &[u8], carrier: &Arrow) -> Result<Self, EvaluationError>;

    /// Bytes that it allocates.
    fn heap_bytes(&self) -> usize {
        0
    }

    /// Whether `self < other` as the `<` of SQL has it, which differs from the order for NaN and −0.
    fn is_below(&self, other: &Self) -> bool {
        self < other
    }
}

macro_rules! integer_element {
    ($($native:ty),*) => {$(
        impl Element for $native {
            type Column = ScalarBuffer<$native>;

            fn column(array: &ArrayRef) -> Result<Self::Column, EvaluationError> {
                Ok(natives(array))
            }

            #[inline]
            fn at(column: &Self::Column, row: usize) -> Self {
                column[row]
            }

            fn build(values: &mut dyn ExactSizeIterator<Item = Option<&Self>>, carrier: &Arrow) -> Result<ArrayRef, EvaluationError> {
                from_options(values.map(Option::<&Self>::copied), carrier)
            }

            fn put(&self, out: &mut Vec<u8>) {
                Number::put(*self, out);
            }

            fn take(input: &mut &[u8], _carrier: &Arrow) -> Result<Self, EvaluationError> {
                Number::take(input)
            }
        }
    )*};
}

integer_element!(i8, i16, i32, i64, i128);

/// A float in Java's order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Float<T>(pub(super) T);

macro_rules! float_element {
    ($($native:ty),*) => {$(
        impl Float<$native> {
            /// The number, NaN always the same one, which `total_cmp` puts last.
            fn canonical(self) -> $native {
                if self.0.is_nan() { <$native>::NAN } else { self.0 }
            }
        }

        impl PartialEq for Float<$native> {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other).is_eq()
            }
        }

        impl Eq for Float<$native> {}

        impl PartialOrd for Float<$native> {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for Float<$native> {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.canonical().total_cmp(&other.canonical())
            }
        }

        impl Hash for Float<$native> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.canonical().to_bits().hash(state);
            }
        }

        impl Element for Float<$native> {
            type Column = ScalarBuffer<$native>;

            fn column(array: &ArrayRef) -> Result<Self::Column, EvaluationError> {
                Ok(natives(array))
            }

            #[inline]
            fn at(column: &Self::Column, row: usize) -> Self {
                Float(column[row])
            }

            fn build(values: &mut dyn ExactSizeIterator<Item = Option<&Self>>, carrier: &Arrow) -> Result<ArrayRef, EvaluationError> {
                from_options(values.map(|value: Option<&Self>| value.map(|float| float.0)), carrier)
            }

            fn put(&self, out: &mut Vec<u8>) {
                Number::put(self.0, out);
            }

            fn take(input: &mut &[u8], _carrier: &Arrow) -> Result<Self, EvaluationError> {
                Number::take(input).map(Float)
            }

            fn is_below(&self, other: &Self) -> bool {
                self.0 < other.0
            }
        }
    )*};
}

float_element!(f32, f64);

/// A string or bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bytes(pub(super) Box<[u8]>);

/// A column of strings or bytes.
pub(super) struct BytesColumn {
    offsets: OffsetBuffer<i32>,
    values: Buffer,
}

impl BytesColumn {
    /// The bytes in a row.
    pub(super) fn get(&self, row: usize) -> &[u8] {
        &self.values[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}

impl Element for Bytes {
    type Column = BytesColumn;

    fn column(array: &ArrayRef) -> Result<BytesColumn, EvaluationError> {
        if let Some(strings) = array.as_string_opt::<i32>() {
            return Ok(BytesColumn { offsets: strings.offsets().clone(), values: strings.values().clone() });
        }
        let binary = array.as_binary_opt::<i32>();
        let binary = binary.ok_or_else(|| EvaluationError(format!("an aggregate over bytes was given {}", array.data_type())))?;
        Ok(BytesColumn { offsets: binary.offsets().clone(), values: binary.values().clone() })
    }

    fn at(column: &BytesColumn, row: usize) -> Self {
        Self(column.get(row).into())
    }

    fn build(values: &mut dyn ExactSizeIterator<Item = Option<&Self>>, carrier: &Arrow) -> Result<ArrayRef, EvaluationError> {
        let (mut bytes, mut offsets, mut valid) = (Vec::new(), vec![0_i32], Vec::with_capacity(values.len()));
        for value in values {
            valid.push(value.is_some());
            bytes.extend_from_slice(value.map_or(&[], |v| &v.0));
            offsets.push(i32::try_from(bytes.len()).map_err(|_| EvaluationError("a column of more than 2 GiB of text".to_owned()))?);
        }
        let (offsets, nulls) = (OffsetBuffer::new(offsets.into()), NullBuffer::from(valid));
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        Ok(match carrier {
            Arrow::Utf8 => Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?),
            _ => Arc::new(BinaryArray::try_new(offsets, bytes.into(), nulls)?),
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(&self.0, out);
    }

    fn take(input: &mut &[u8], carrier: &Arrow) -> Result<Self, EvaluationError> {
        let bytes = take_bytes(input)?;
        if *carrier == Arrow::Utf8 && std::str::from_utf8(bytes).is_err() {
            return Err(damaged());
        }
        Ok(Self(bytes.into()))
    }

    fn heap_bytes(&self) -> usize {
        // What an allocator adds to a small block.
        self.0.len() + 16
    }
}

/// Evaluates `$body` with `$element` standing for the element type of a carrier, `$otherwise` when it has none here.
macro_rules! for_element {
    ($carrier:expr, $element:ident => $body:expr, $otherwise:expr) => {{
        use arrow_schema::DataType as Carrier;
        match $carrier {
            Carrier::Boolean | Carrier::Int8 => {
                type $element = i8;
                $body
            }
            Carrier::Int16 => {
                type $element = i16;
                $body
            }
            Carrier::Int32 | Carrier::Date32 | Carrier::Time32(_) => {
                type $element = i32;
                $body
            }
            Carrier::Int64 | Carrier::Time64(_) | Carrier::Timestamp(..) => {
                type $element = i64;
                $body
            }
            Carrier::Decimal128(..) => {
                type $element = i128;
                $body
            }
            Carrier::Float32 => {
                type $element = $crate::aggregate::element::Float<f32>;
                $body
            }
            Carrier::Float64 => {
                type $element = $crate::aggregate::element::Float<f64>;
                $body
            }
            Carrier::Utf8 | Carrier::Binary => {
                type $element = $crate::aggregate::element::Bytes;
                $body
            }
            _ => $otherwise,
        }
    }};
}

/// As `for_element`, nested values among the elements.
macro_rules! for_any_element {
    ($carrier:expr, $element:ident => $body:expr) => {
        $crate::aggregate::element::for_element!($carrier, $element => $body, {
            type $element = $crate::aggregate::nested::Nested;
            $body
        })
    };
}

pub(super) use {for_any_element, for_element};
