//! The bytes of exported states: little-endian, self-delimiting, bounded when read.
//!
//! Invariant: reading takes what it needs from the front of the input and never trusts a length: nothing is reserved
//! for entries that the input is too short to hold.

use crate::EvaluationError;

/// Bytes that no accumulator wrote.
pub(super) fn damaged() -> EvaluationError {
    EvaluationError("the stored state of an aggregate is damaged".to_owned())
}

/// A number of fixed width.
pub(super) trait Number: Copy {
    /// Appends it.
    fn put(self, out: &mut Vec<u8>);
    /// Takes one from the front.
    fn take(input: &mut &[u8]) -> Result<Self, EvaluationError>;
}

macro_rules! number {
    ($($native:ty),*) => {$(
        impl Number for $native {
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(input: &mut &[u8]) -> Result<Self, EvaluationError> {
                let (head, tail) = input.split_first_chunk().ok_or_else(damaged)?;
                *input = tail;
                Ok(Self::from_le_bytes(*head))
            }
        }
    )*};
}

number!(u8, i8, i16, i32, u32, i64, u64, i128, f32, f64);

/// Appends bytes with their length before them.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Takes bytes that `put_bytes` wrote.
pub(super) fn take_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], EvaluationError> {
    let length = take_length(input)?;
    let (head, tail) = input.split_at_checked(length).ok_or_else(damaged)?;
    *input = tail;
    Ok(head)
}

/// Appends a number of entries: seven bits a byte, the lowest first, the high bit set but for the last.
pub(super) fn put_length(length: usize, out: &mut Vec<u8>) {
    let mut rest = length as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Takes a number of entries, each of which needs at least one byte of what follows.
pub(super) fn take_length(input: &mut &[u8]) -> Result<usize, EvaluationError> {
    let mut length = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = u8::take(input)?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return usize::try_from(length).ok().filter(|length| *length <= input.len()).ok_or_else(damaged);
        }
    }
    Err(damaged())
}

/// Takes a byte that is 0 or 1.
pub(super) fn take_flag(input: &mut &[u8]) -> Result<bool, EvaluationError> {
    match u8::take(input)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(damaged()),
    }
}
