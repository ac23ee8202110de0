//! Finding texts in texts.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    meter::Steps,
    scalar::{
        Builtin, Call,
        columns::{boolean_result, number_result, numbers, raw, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use arrow_array::types::Int32Type;
use memchr::memmem;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "POSITION", resolve: |a| resolve("POSITION", a, 0), evaluate: |c| find(c, 0, 1), deterministic: true },
    Builtin { name: "LOCATE", resolve: |a| resolve("LOCATE", a, 1), evaluate: |c| find(c, 0, 1), deterministic: true },
    Builtin { name: "INSTR", resolve: |a| resolve("INSTR", a, 2), evaluate: in_string, deterministic: true },
    Builtin {
        name: "STARTSWITH",
        resolve: |a| resolve_ends("STARTSWITH", a),
        evaluate: |c| ends(c, <[u8]>::starts_with),
        deterministic: true,
    },
    Builtin { name: "ENDSWITH", resolve: |a| resolve_ends("ENDSWITH", a), evaluate: |c| ends(c, <[u8]>::ends_with), deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>], numbers: usize) -> Result<Resolution, ResolveError> {
    let optional = &[Accepts::Int, Accepts::Int][..numbers];
    Signature { name, required: &[Accepts::Text, Accepts::Text], optional, repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::Int)
}

/// Byte offset of the character with this number, or the end.
fn byte_of(text: &str, character: usize) -> usize {
    if character == 0 {
        return 0;
    }
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// Longest needle whose overlapping occurrences are found by searching anew behind each.
const NEEDLE_SHORT_MAX: usize = 32;

/// The place (from 1, in characters) of the `occurrence`-th `needle` in `text` at or after place `start`; 0 when there is
/// none. Occurrences may overlap.
fn place(needle: &str, text: &str, start: i32, occurrence: i32) -> Result<i32, EvaluationError> {
    if needle.is_empty() {
        return Ok(1);
    }
    let from = byte_of(text, usize::try_from(start.max(1) - 1).unwrap_or(0));
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let found = match occurrence {
        ..=1 => memmem::find(rest, needle.as_bytes()),
        _ if needle.len() <= NEEDLE_SHORT_MAX => nth_short(needle.as_bytes(), rest, occurrence)?,
        _ => nth_overlapping(needle.len(), |i| needle.as_bytes()[i], rest.len(), |i| rest[i], occurrence)?,
    };
    Ok(found.map_or(0, |found| character_at(text, from + found)))
}

/// The place of the `occurrence`-th `needle` in `text`, looked for from its end backward: the first that ends at or
/// before the character numbered `from_end` from the end (from 1). 0 when there is none.
fn place_from_end(needle: &str, text: &str, from_end: u32, occurrence: i32) -> Result<i32, EvaluationError> {
    if needle.is_empty() {
        return Ok(text.chars().count() as i32 + 1);
    }
    let skipped = usize::try_from(from_end - 1).unwrap_or(usize::MAX);
    let Some(end) = text.char_indices().rev().nth(skipped).map(|(at, c)| at + c.len_utf8()) else { return Ok(0) };
    let (needle, before) = (needle.as_bytes(), &text.as_bytes()[..end]);
    let found = match occurrence {
        ..=1 => memmem::rfind(before, needle),
        // Both are read from their ends: where the needle then begins is where it ends.
        _ => nth_overlapping(needle.len(), |i| needle[needle.len() - 1 - i], end, |i| before[end - 1 - i], occurrence)?
            .map(|reversed| end - reversed - needle.len()),
    };
    Ok(found.map_or(0, |at| character_at(text, at)))
}

/// The number (from 1) of the character at a byte.
fn character_at(text: &str, byte: usize) -> i32 {
    text.get(..byte).map_or(0, |before| before.chars().count() as i32 + 1)
}

/// Where the `occurrence`-th of a short needle is. Matches of valid texts begin with characters, so the next may begin a byte
/// further.
fn nth_short(needle: &[u8], text: &[u8], occurrence: i32) -> Result<Option<usize>, EvaluationError> {
    let finder = memmem::Finder::new(needle);
    let (mut from, mut steps) = (0, Steps::default());
    for left in (1..=occurrence).rev() {
        let Some(found) = text.get(from..).and_then(|rest| finder.find(rest)) else { return Ok(None) };
        if left == 1 {
            return Ok(Some(from + found));
        }
        from += found + 1;
        steps.take(NEEDLE_SHORT_MAX)?;
    }
    Ok(None)
}

/// Where the `occurrence`-th of a needle is, each byte of the text looked at once (Knuth, Morris, Pratt): the needle's own
/// repetitions tell how much of the next occurrence has been read with the last one.
fn nth_overlapping(
    needle_length: usize,
    needle: impl Fn(usize) -> u8,
    text_length: usize,
    text: impl Fn(usize) -> u8,
    occurrence: i32,
) -> Result<Option<usize>, EvaluationError> {
    if needle_length == 0 || needle_length > text_length {
        return Ok(None);
    }
    let mut steps = Steps::default();
    // Per length of what has been read of the needle: the longest shorter part that it also ends with.
    let mut borders: Vec<u32> = vec![0; needle_length + 1];
    let mut border = 0;
    for at in 1..needle_length {
        steps.take(1)?;
        while border > 0 && needle(at) != needle(border) {
            border = borders[border] as usize;
        }
        border += usize::from(needle(at) == needle(border));
        borders[at + 1] = border as u32;
    }
    let (mut read, mut left) = (0, occurrence);
    for at in 0..text_length {
        steps.take(1)?;
        while read == needle_length || (read > 0 && text(at) != needle(read)) {
            read = borders[read] as usize;
        }
        read += usize::from(text(at) == needle(read));
        if read == needle_length {
            left -= 1;
            if left <= 0 {
                return Ok(Some(at + 1 - needle_length));
            }
        }
    }
    Ok(None)
}

/// `INSTR(text, needle, start, occurrence)`: a negative start counts, and looks, from the end.
fn in_string(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    find_with(call, 1, 0, |needle, text, start, occurrence| match start {
        _ if occurrence <= 0 => Err(EvaluationError(format!("INSTR: the occurrence is {occurrence}, expected one from 1"))),
        0 => Ok(0),
        1.. => place(needle, text, start, occurrence),
        _ => place_from_end(needle, text, start.unsigned_abs(), occurrence),
    })
}

fn find(call: &Call<'_>, needle: usize, text: usize) -> Result<Columnar, EvaluationError> {
    find_with(call, needle, text, place)
}

fn find_with(
    call: &Call<'_>,
    needle: usize,
    text: usize,
    place: impl Fn(&str, &str, i32, i32) -> Result<i32, EvaluationError>,
) -> Result<Columnar, EvaluationError> {
    let (needles, values) = (texts(call, needle)?, texts(call, text)?);
    let number = |index| (call.arguments.len() > index).then(|| numbers::<Int32Type>(call, index)).transpose();
    let (starts, occurrences) = (number(2)?, number(3)?);
    number_result::<Int32Type>(call, |row| {
        let (Some(needle), Some(text)) = (needles.get(row), values.get(row)) else { return Ok(None) };
        let Some(start) = starts.as_ref().map_or(Some(1), |s| s.get(row)) else { return Ok(None) };
        let Some(occurrence) = occurrences.as_ref().map_or(Some(1), |o| o.get(row)) else { return Ok(None) };
        place(needle, text, start, occurrence).map(Some)
    })
}

/// Two texts or two byte strings.
fn resolve_ends(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let signature = |accepts: &[Accepts]| {
        Signature { name, required: accepts, optional: &[], repeats: false, nulls: Nulls::FromArguments }
            .resolve(arguments, DataType::Boolean)
    };
    signature(&[Accepts::Text, Accepts::Text])
        .or_else(|_| signature(&[Accepts::Bytes, Accepts::Bytes]))
        .map_err(|_| refused(name, arguments, "STRING, STRING or BYTES, BYTES"))
}

fn ends(call: &Call<'_>, holds: fn(&[u8], &[u8]) -> bool) -> Result<Columnar, EvaluationError> {
    let (values, parts) = (raw(call, 0)?, raw(call, 1)?);
    boolean_result(call, |row| Ok(values(row).zip(parts(row)).map(|(value, part)| holds(value, part))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every occurrence looked for anew.
    fn slow(needle: &str, text: &str, backward: bool) -> Vec<i32> {
        let mut found: Vec<i32> = (0..text.len())
            .filter(|&at| text.is_char_boundary(at) && text[at..].starts_with(needle))
            .map(|at| character_at(text, at))
            .collect();
        if backward {
            found.reverse();
        }
        found
    }

    #[test]
    fn every_occurrence_is_found_forward_and_backward() {
        let long = "ab".repeat(40);
        for (needle, text) in [
            ("aa", "aaaaa"),
            ("ab", "abcabab"),
            ("éa", "éaéaaéa"),
            ("x", "abc"),
            ("aba", "ababababa"),
            (long.as_str(), "ab".repeat(60).as_str()),
            (&long[..79], "ab".repeat(60).as_str()),
            ("aab", "aaabaab"),
            ("a".repeat(50).as_str(), "a".repeat(70).as_str()),
        ] {
            let (forward, backward) = (slow(needle, text, false), slow(needle, text, true));
            for nth in 1..=(forward.len() + 2) {
                let expected = |all: &[i32]| all.get(nth - 1).copied().unwrap_or(0);
                assert_eq!(place(needle, text, 1, nth as i32), Ok(expected(&forward)), "{needle} {nth}");
                assert_eq!(place_from_end(needle, text, 1, nth as i32), Ok(expected(&backward)), "{needle} -{nth}");
            }
        }
    }

    #[test]
    fn a_long_needle_that_overlaps_itself_takes_time_by_the_length_of_the_text_only() {
        let (text, needle) = ("a".repeat(1_500_000), "a".repeat(700_000));
        let began = std::time::Instant::now();
        assert_eq!(place(&needle, &text, 1, 2_000_000_000), Ok(0));
        assert_eq!(place_from_end(&needle, &text, 1, 2_000_000_000), Ok(0));
        assert_eq!(place(&needle, &text, 1, 800_001), Ok(800_001));
        // Anew for each occurrence it would be hours.
        assert!(began.elapsed().as_secs() < 20);
    }
}
