//! Parts of texts, and texts with other parts.

use super::utf16::{self, Units};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{numbers, text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::types::Int32Type;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "SUBSTRING", resolve: |a| cut("SUBSTRING", a, &[Accepts::Int]), evaluate: substring, deterministic: true },
    Builtin { name: "SUBSTR", resolve: |a| cut("SUBSTR", a, &[Accepts::Int]), evaluate: substring, deterministic: true },
    Builtin { name: "LEFT", resolve: |a| cut("LEFT", a, &[]), evaluate: left, deterministic: true },
    Builtin { name: "RIGHT", resolve: |a| cut("RIGHT", a, &[]), evaluate: right, deterministic: true },
    Builtin { name: "LPAD", resolve: |a| resolve_pad("LPAD", a), evaluate: |c| pad(c, true), deterministic: true },
    Builtin { name: "RPAD", resolve: |a| resolve_pad("RPAD", a), evaluate: |c| pad(c, false), deterministic: true },
    Builtin { name: "OVERLAY", resolve: resolve_overlay, evaluate: overlay, deterministic: true },
    Builtin { name: "REPLACE", resolve: resolve_replace, evaluate: replace, deterministic: true },
    Builtin { name: "TRANSLATE", resolve: |a| resolve_translate("TRANSLATE", a), evaluate: translate, deterministic: true },
    Builtin { name: "TRANSLATE3", resolve: |a| resolve_translate("TRANSLATE3", a), evaluate: translate, deterministic: true },
];

fn cut(name: &str, arguments: &[Argument<'_>], optional: &[Accepts]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text, Accepts::Int], optional, repeats: false, nulls: Nulls::Always }
        .resolve(arguments, DataType::String)
}

/// `count` characters of `text` from the character numbered `start` (from 0).
fn characters(text: &str, start: usize, count: usize) -> &str {
    if text.is_ascii() {
        let from = start.min(text.len());
        return &text[from..from + count.min(text.len() - from)];
    }
    let mut offsets = text.char_indices().map(|(at, _)| at).skip(start);
    let Some(from) = offsets.next() else { return "" };
    let rest = &text[from..];
    match count.checked_sub(1) {
        None => "",
        Some(last) => offsets.nth(last).map_or(rest, |to| &text[from..to]),
    }
}

fn substring(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, starts) = (texts(call, 0)?, numbers::<Int32Type>(call, 1)?);
    let lengths = (call.arguments.len() > 2).then(|| numbers::<Int32Type>(call, 2)).transpose()?;
    text_result(call, |row, out| {
        let (Some(text), Some(start)) = (values.get(row), starts.get(row)) else { return Ok(false) };
        let Some(length) = lengths.as_ref().map_or(Some(i32::MAX), |l| l.get(row)) else { return Ok(false) };
        let Ok(length) = usize::try_from(length) else { return Ok(false) };
        let start = match start {
            0.. => Some((start.max(1) - 1) as usize),
            // Before the start of the text there is nothing, however long the part.
            _ => text.chars().count().checked_sub(start.unsigned_abs() as usize),
        };
        if let Some(start) = start {
            out.push_str(characters(text, start, length))?;
        }
        Ok(true)
    })
}

fn left(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, counts) = (texts(call, 0)?, numbers::<Int32Type>(call, 1)?);
    text_result(call, |row, out| {
        let (Some(text), Some(count)) = (values.get(row), counts.get(row)) else { return Ok(false) };
        out.push_str(characters(text, 0, usize::try_from(count).unwrap_or(0)))?;
        Ok(true)
    })
}

fn right(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, counts) = (texts(call, 0)?, numbers::<Int32Type>(call, 1)?);
    text_result(call, |row, out| {
        let (Some(text), Some(count)) = (values.get(row), counts.get(row)) else { return Ok(false) };
        if let Ok(count @ 1..) = usize::try_from(count) {
            let from = text.char_indices().rev().nth(count - 1).map_or(0, |(at, _)| at);
            out.push_str(&text[from..])?;
        }
        Ok(true)
    })
}

fn resolve_pad(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text, Accepts::Int, Accepts::Text], optional: &[], repeats: false, nulls: Nulls::Always }
        .resolve(arguments, DataType::String)
}

/// Brings a text to a length in UTF-16 units; a negative length or nothing to fill with is NULL.
fn pad(call: &Call<'_>, at_start: bool) -> Result<Columnar, EvaluationError> {
    let (values, lengths, fills) = (texts(call, 0)?, numbers::<Int32Type>(call, 1)?, texts(call, 2)?);
    text_result(call, |row, out| {
        let (Some(text), Some(length), Some(fill)) = (values.get(row), lengths.get(row), fills.get(row)) else { return Ok(false) };
        let Ok(length) = usize::try_from(length) else { return Ok(false) };
        if fill.is_empty() {
            return Ok(false);
        }
        crate::scalar::columns::check_value(length)?;
        let (text, fill) = (Units::new(text), Units::new(fill));
        let missing = length.saturating_sub(text.len());
        let mut parts = Vec::with_capacity(missing / fill.len() + 2);
        if !at_start {
            parts.push((&text, 0, text.len().min(length)));
        }
        for done in (0..missing).step_by(fill.len()) {
            parts.push((&fill, 0, fill.len().min(missing - done)));
        }
        if at_start {
            parts.push((&text, 0, text.len().min(length)));
        }
        utf16::write(&parts, out)?;
        Ok(true)
    })
}

fn resolve_overlay(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let required = &[Accepts::Text, Accepts::Text, Accepts::Int];
    Signature { name: "OVERLAY", required, optional: &[Accepts::Int], repeats: false, nulls: Nulls::FromArguments }
        .resolve(arguments, DataType::String)
}

/// A start outside the text leaves it alone. What follows the replaced part is kept only when that part has a length
/// above 0 and ends within the text: so does Flink.
fn overlay(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, others, starts) = (texts(call, 0)?, texts(call, 1)?, numbers::<Int32Type>(call, 2)?);
    let lengths = (call.arguments.len() > 3).then(|| numbers::<Int32Type>(call, 3)).transpose()?;
    text_result(call, |row, out| {
        let (Some(text), Some(other), Some(start)) = (values.get(row), others.get(row), starts.get(row)) else { return Ok(false) };
        let (units, other) = (Units::new(text), Units::new(other));
        let Some(length) = lengths.as_ref().map_or(Some(other.len() as i64), |l| l.get(row).map(i64::from)) else { return Ok(false) };
        let Some(before) = usize::try_from(start).ok().filter(|s| (1..=units.len()).contains(s)).map(|s| s - 1) else {
            out.push_str(text)?;
            return Ok(true);
        };
        let mut parts = vec![(&units, 0, before), (&other, 0, other.len())];
        if let Ok(length @ 1..) = usize::try_from(length)
            && before + length < units.len()
        {
            parts.push((&units, before + length, units.len()));
        }
        utf16::write(&parts, out)?;
        Ok(true)
    })
}

fn resolve_replace(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let required = &[Accepts::Text, Accepts::Text, Accepts::Text];
    Signature { name: "REPLACE", required, optional: &[], repeats: false, nulls: Nulls::FromArguments }.resolve(arguments, DataType::String)
}

fn replace(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, olds, news) = (texts(call, 0)?, texts(call, 1)?, texts(call, 2)?);
    text_result(call, |row, out| {
        let (Some(text), Some(old), Some(new)) = (values.get(row), olds.get(row), news.get(row)) else { return Ok(false) };
        if old.is_empty() && !new.is_empty() && text.chars().any(|c| c > '\u{ffff}') {
            return between_units(text, new, out).map(|()| true);
        }
        let mut done = 0;
        for (at, found) in text.match_indices(old) {
            out.push_str(&text[done..at])?;
            out.push_str(new)?;
            done = at + found.len();
        }
        out.push_str(&text[done..])?;
        Ok(true)
    })
}

/// Puts a text before, after and between the UTF-16 units of another. The halves of a character that come apart become `?`.
fn between_units(text: &str, new: &str, out: &mut crate::scalar::columns::TextWriter) -> Result<(), EvaluationError> {
    out.push_str(new)?;
    for character in text.chars() {
        let halves = character.len_utf16();
        for _ in 0..halves {
            out.push(if halves > 1 { '?' } else { character })?;
            out.push_str(new)?;
        }
    }
    Ok(())
}

fn resolve_translate(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let required = &[Accepts::Text, Accepts::Text, Accepts::Text];
    let mut resolution =
        Signature { name, required, optional: &[], repeats: false, nulls: Nulls::FromArguments }.resolve(arguments, DataType::String)?;
    // NULL characters translate nothing, NULL replacements delete: only the text can make the result NULL.
    resolution.result.nullable = arguments.first().is_some_and(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    Ok(resolution)
}

fn translate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, froms, tos) = (texts(call, 0)?, texts(call, 1)?, texts(call, 2)?);
    let table = |row| {
        let (from, to) = (froms.get(row).unwrap_or(""), tos.get(row).unwrap_or(""));
        let mut table = std::collections::HashMap::new();
        let mut to = to.chars();
        for c in from.chars() {
            let replacement = to.next();
            table.entry(c).or_insert(replacement);
        }
        table
    };
    let constant = (froms.is_scalar() && tos.is_scalar()).then(|| table(0));
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        let own;
        let table = match &constant {
            Some(table) => table,
            None => {
                own = table(row);
                &own
            }
        };
        for c in text.chars() {
            if let Some(c) = table.get(&c).copied().unwrap_or(Some(c)) {
                out.push(c)?;
            }
        }
        Ok(true)
    })
}
