//! Sets of 32-bit integers as Roaring bitmaps.
//!
//! Invariant: the bytes of a bitmap are the portable format of the Roaring specification with every container in its
//! smallest form, so that equal sets have equal bytes. Numbers are without a sign, as in Flink: -1 is 4294967295.

use crate::EvaluationError;
use roaring::RoaringBitmap;
use std::fmt::{Result as Written, Write};

/// Most numbers of a bitmap that are written as a text.
const TEXT_NUMBERS_MAX: u64 = 1 << 21;

/// Reads bytes that a bitmap function wrote.
pub(crate) fn read(bytes: &[u8]) -> Result<RoaringBitmap, EvaluationError> {
    RoaringBitmap::deserialize_from(bytes).map_err(|e| EvaluationError(format!("the bytes are not a bitmap in the portable format: {e}")))
}

/// The bytes of a bitmap.
pub(crate) fn write(mut bitmap: RoaringBitmap) -> Result<Vec<u8>, EvaluationError> {
    bitmap.optimize();
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    bitmap.serialize_into(&mut bytes).map_err(|e| EvaluationError(format!("a bitmap cannot be written: {e}")))?;
    Ok(bytes)
}

/// Writes the numbers of a bitmap: `{1,2}`.
pub(crate) fn write_text(bytes: &[u8], out: &mut impl Write) -> Written {
    let bitmap = read(bytes).map_err(|_| std::fmt::Error)?;
    // A run of a few bytes can stand for billions of numbers.
    if bitmap.len() > TEXT_NUMBERS_MAX {
        return Err(std::fmt::Error);
    }
    out.write_char('{')?;
    for (position, number) in bitmap.iter().enumerate() {
        if position > 0 {
            out.write_char(',')?;
        }
        write!(out, "{number}")?;
    }
    out.write_char('}')
}
