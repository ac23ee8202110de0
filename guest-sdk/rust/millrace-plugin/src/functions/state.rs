//! Accumulators as bytes, as checkpoints and savepoints keep them.

use crate::failure::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A part of an accumulator that can be written and read back. Implemented for numbers, `bool`, `char`, `String`, tuples, and
/// `Option`, `Vec`, `VecDeque`, `BTreeMap` and `BTreeSet` of these; [`crate::accumulator!`] implements it for a struct.
///
/// The bytes of a savepoint are read back by later versions of the function: keep the order of what you write.
pub trait State: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes a value off the front.
    ///
    /// # Errors
    /// The bytes are not such a value.
    fn read(bytes: &mut &[u8]) -> Result<Self>;
}

fn ends_early() -> Error {
    Error::new("a stored accumulator ends too early")
}

macro_rules! number_state {
    ($($number:ty),*) => { $(
        impl State for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Result<Self> {
                let (own, rest) = bytes.split_first_chunk().ok_or_else(ends_early)?;
                *bytes = rest;
                Ok(Self::from_le_bytes(*own))
            }
        }
    )* };
}

number_state!(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, f32, f64);

impl State for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Ok(u8::read(bytes)? != 0)
    }
}

impl State for char {
    fn write(&self, out: &mut Vec<u8>) {
        u32::from(*self).write(out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        char::from_u32(u32::read(bytes)?).ok_or_else(|| Error::new("a stored accumulator holds a character that is none"))
    }
}

impl State for usize {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as u64).write(out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Ok(usize::try_from(u64::read(bytes)?)?)
    }
}

impl State for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        let length = usize::read(bytes)?;
        let (own, rest) = bytes.split_at_checked(length).ok_or_else(ends_early)?;
        *bytes = rest;
        Ok(std::str::from_utf8(own)?.to_owned())
    }
}

impl State for () {
    fn write(&self, _out: &mut Vec<u8>) {}

    fn read(_bytes: &mut &[u8]) -> Result<Self> {
        Ok(())
    }
}

impl<T: State> State for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Ok(if bool::read(bytes)? { Some(T::read(bytes)?) } else { None })
    }
}

macro_rules! sequence_state {
    ($($sequence:ident $(where $bound:ident)?),*) => { $(
        impl<T: State $(+ $bound)?> State for $sequence<T> {
            fn write(&self, out: &mut Vec<u8>) {
                self.len().write(out);
                self.iter().for_each(|value| value.write(out));
            }

            fn read(bytes: &mut &[u8]) -> Result<Self> {
                (0..usize::read(bytes)?).map(|_| T::read(bytes)).collect()
            }
        }
    )* };
}

sequence_state!(Vec, VecDeque, BTreeSet where Ord);

impl<K: State + Ord, V: State> State for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        (0..usize::read(bytes)?).map(|_| Ok((K::read(bytes)?, V::read(bytes)?))).collect()
    }
}

macro_rules! tuple_state {
    ($($($part:ident $index:tt),+;)+) => { $(
        impl<$($part: State),+> State for ($($part,)+) {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$index.write(out);)+
            }

            fn read(bytes: &mut &[u8]) -> Result<Self> {
                Ok(($($part::read(bytes)?,)+))
            }
        }
    )+ };
}

tuple_state! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
}

/// Declares an accumulator: a struct with fields that are [`State`]; `Default` is the empty accumulator.
///
/// ```
/// millrace_plugin::accumulator! {
///     /// Sum and number of the values.
///     struct Mean { sum: f64, count: i64 }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! accumulator {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        $vis struct $name { $($(#[$field_meta])* $vis $field: $type,)* }

        impl $crate::functions::State for $name {
            fn write(&self, out: &mut ::std::vec::Vec<u8>) {
                $($crate::functions::State::write(&self.$field, out);)*
            }

            fn read(bytes: &mut &[u8]) -> $crate::Result<Self> {
                ::core::result::Result::Ok(Self { $($field: $crate::functions::State::read(bytes)?,)* })
            }
        }
    };
}
