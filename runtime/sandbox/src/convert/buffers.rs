//! Checked buffers: the only place where Arrow's own checks are skipped, because ours have been made.
//!
//! Arrow's checks panic (`OffsetBuffer::new`) or go over the data again (`StringArray::try_new`); these loops say what
//! is wrong and where, and the passing case is branch-free so that it vectorizes.
#![allow(unsafe_code)]

use super::Invalid;
use arrow_array::{BinaryArray, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

/// Offsets of `rows` values into data of `data_len` units: one more than rows, first 0, never falling, last `data_len`.
pub fn offsets(offsets: Vec<i32>, rows: usize, data_len: Option<usize>) -> Result<OffsetBuffer<i32>, Invalid> {
    if offsets.len() != rows + 1 {
        return Err(Invalid::new(format!("{} offsets, expected {} for {rows} rows", offsets.len(), rows + 1)));
    }
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return Err(Invalid::new("no offsets"));
    };
    if first != 0 {
        return Err(Invalid::new(format!("first offset is {first}, expected 0")));
    }
    let falls = offsets.iter().zip(offsets.iter().skip(1)).fold(false, |falls, (a, b)| falls | (a > b));
    if falls {
        let row = offsets.windows(2).position(|pair| matches!(pair, [a, b] if a > b)).unwrap_or_default();
        return Err(Invalid::at("offsets fall", row));
    }
    if let Some(data_len) = data_len
        && usize::try_from(last) != Ok(data_len)
    {
        return Err(Invalid::new(format!("last offset is {last}, expected the data's length, {data_len}")));
    }
    // SAFETY: not empty, first is 0 and none falls, so all are non-negative and monotonic.
    Ok(unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets)) })
}

/// Text of `rows` values: valid offsets, valid UTF-8, and every value starts at a character.
pub fn text(raw_offsets: Vec<i32>, data: Vec<u8>, rows: usize, nulls: Option<NullBuffer>) -> Result<StringArray, Invalid> {
    let offsets = offsets(raw_offsets, rows, Some(data.len()))?;
    if !data.is_ascii() {
        if let Err(error) = std::str::from_utf8(&data) {
            let at = error.valid_up_to() as i32;
            let row = offsets.partition_point(|offset| *offset <= at).saturating_sub(1);
            return Err(Invalid::at("is not valid UTF-8", row));
        }
        // A continuation byte (10xxxxxx) at the start of a value means that the value before was cut in a character.
        let cut = offsets.iter().position(|offset| data.get(*offset as usize).is_some_and(|byte| byte & 0xC0 == 0x80));
        if let Some(row) = cut {
            return Err(Invalid::at("is not valid UTF-8: an offset lies within a character", row));
        }
    }
    check_nulls_len(nulls.as_ref(), rows)?;
    // SAFETY: offsets are monotonic and end at the data's length; all of the data is UTF-8 and every offset is a
    // character's start; the validity has one bit per row.
    Ok(unsafe { StringArray::new_unchecked(offsets, Buffer::from_vec(data), nulls) })
}

/// Binary of `rows` values.
pub fn binary(raw_offsets: Vec<i32>, data: Vec<u8>, rows: usize, nulls: Option<NullBuffer>) -> Result<BinaryArray, Invalid> {
    let offsets = offsets(raw_offsets, rows, Some(data.len()))?;
    check_nulls_len(nulls.as_ref(), rows)?;
    // SAFETY: offsets are monotonic and end at the data's length; the validity has one bit per row.
    Ok(unsafe { BinaryArray::new_unchecked(offsets, Buffer::from_vec(data), nulls) })
}

fn check_nulls_len(nulls: Option<&NullBuffer>, rows: usize) -> Result<(), Invalid> {
    match nulls {
        Some(nulls) if nulls.len() != rows => Err(Invalid::new(format!("validity of {} rows, expected {rows}", nulls.len()))),
        _ => Ok(()),
    }
}

/// `rows` bits in `bytes`, exactly as many bytes as needed.
pub fn bits(bytes: Vec<u8>, rows: usize, what: &str) -> Result<BooleanBuffer, Invalid> {
    let expected = rows.div_ceil(8);
    if bytes.len() != expected {
        return Err(Invalid::new(format!("{what} of {} bytes, expected {expected} for {rows} rows", bytes.len())));
    }
    Ok(BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows))
}

/// The null buffer of a validity bitmap; `None` when there are no nulls.
pub fn nulls(validity: Option<Vec<u8>>, rows: usize, nullable: bool) -> Result<Option<NullBuffer>, Invalid> {
    let Some(validity) = validity else { return Ok(None) };
    let nulls = NullBuffer::new(bits(validity, rows, "validity")?);
    if nulls.null_count() == 0 {
        return Ok(None);
    }
    if !nullable {
        let row = nulls.iter().position(|valid| !valid).unwrap_or_default();
        return Err(Invalid::at("is NOT NULL but holds a null", row));
    }
    Ok(Some(nulls))
}

/// Decimals from pairs of words, low word first.
pub fn decimals(words: Vec<u64>, rows: usize) -> Result<ScalarBuffer<i128>, Invalid> {
    if words.len() != rows * 2 {
        return Err(Invalid::new(format!("{} decimal words, expected {} for {rows} rows", words.len(), rows * 2)));
    }
    let aligned = words.as_ptr().align_offset(align_of::<i128>()) == 0;
    if aligned && cfg!(target_endian = "little") {
        return Ok(ScalarBuffer::new(Buffer::from_vec(words), 0, rows));
    }
    // Vectors of 64-bit words need not lie where 128-bit values may.
    let values = words.chunks_exact(2).map(|pair| match pair {
        [low, high] => (u128::from(*high) << 64 | u128::from(*low)) as i128,
        _ => 0,
    });
    Ok(values.collect::<Vec<i128>>().into())
}
