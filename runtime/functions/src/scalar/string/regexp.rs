//! Functions with regular expressions.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    meter::Steps,
    scalar::{
        Builtin, Call,
        columns::{boolean_result, check_batch, columnar, extent, number_result, numbers, text_result, texts},
        regex::{Patterns, check_constant},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::{
    builder::{ListBuilder, StringBuilder},
    types::{Int32Type, Int64Type},
};
use millrace_model::{DataType, data_type::Element};
use std::sync::Arc;

/// A function of a text, a pattern and perhaps more.
macro_rules! function {
    ($name:literal, $more:expr, $optional:expr, $nulls:expr, $result:expr, $evaluate:expr) => {
        Builtin { name: $name, resolve: |a| resolve($name, a, $more, $optional, $nulls, $result), evaluate: $evaluate, deterministic: true }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    function!("REGEXP", &[], &[], Nulls::FromArguments, DataType::Boolean, regexp),
    // NULL for a pattern that is not valid, although Flink declares the result by its arguments.
    function!("REGEXP_REPLACE", &[Accepts::Text], &[], Nulls::Always, DataType::String, replace),
    function!("REGEXP_EXTRACT", &[], &[Accepts::BigInt], Nulls::Always, DataType::String, extract),
    function!("REGEXP_EXTRACT_ALL", &[], &[Accepts::BigInt], Nulls::Always, text_list(), extract_all),
    function!("REGEXP_COUNT", &[], &[], Nulls::Always, DataType::Int, count),
    function!("REGEXP_INSTR", &[], &[], Nulls::Always, DataType::Int, place),
    function!("REGEXP_SUBSTR", &[], &[], Nulls::Always, DataType::String, part),
];

fn text_list() -> DataType {
    DataType::Array(Box::new(Element { data_type: DataType::String, nullable: true }))
}

fn resolve(
    name: &str,
    arguments: &[Argument<'_>],
    more: &[Accepts],
    optional: &[Accepts],
    nulls: Nulls,
    result: DataType,
) -> Result<Resolution, ResolveError> {
    let required = [&[Accepts::Text, Accepts::Text], more].concat();
    let resolution = Signature { name, required: &required, optional, repeats: false, nulls }.resolve(arguments, result)?;
    check_constant(name, &arguments[1])?;
    Ok(resolution)
}

/// An empty pattern matches nothing here, as in Flink.
fn regexp(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, pattern_texts) = (texts(call, 0)?, texts(call, 1)?);
    let mut patterns = Patterns::new(texts(call, 1)?);
    boolean_result(call, |row| {
        let (Some(text), Some(pattern)) = (values.get(row), patterns.get(row)?) else { return Ok(None) };
        let is_empty = pattern_texts.get(row).is_some_and(str::is_empty);
        Ok(Some(!is_empty && pattern.is_some_and(|p| p.is_match(text))))
    })
}

/// The replacement is a plain text: `$1` has no meaning in it.
fn replace(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, mut patterns, replacements) = (texts(call, 0)?, Patterns::new(texts(call, 1)?), texts(call, 2)?);
    text_result(call, |row, out| {
        let (Some(text), Some(pattern), Some(replacement)) = (values.get(row), patterns.get(row)?, replacements.get(row)) else {
            return Ok(false);
        };
        let Some(pattern) = pattern else { return Ok(false) };
        let mut done = 0;
        for found in pattern.find_all(text) {
            let (start, end) = found?;
            out.push_str(&text[done..start])?;
            out.push_str(replacement)?;
            done = end;
        }
        out.push_str(&text[done..])?;
        Ok(true)
    })
}

fn extract(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, mut patterns) = (texts(call, 0)?, Patterns::new(texts(call, 1)?));
    let groups = (call.arguments.len() > 2).then(|| numbers::<Int64Type>(call, 2)).transpose()?;
    text_result(call, |row, out| {
        let (Some(text), Some(Some(pattern))) = (values.get(row), patterns.get(row)?) else { return Ok(false) };
        let Some(group) = groups.as_ref().map_or(Some(0), |g| g.get(row)).and_then(|g| usize::try_from(g).ok()) else { return Ok(false) };
        let Some(captures) = pattern.captures_at(text, 0) else { return Ok(false) };
        let Some(found) = captures.get(group) else { return Ok(false) };
        out.push_str(found.as_str())?;
        Ok(true)
    })
}

fn extract_all(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, mut patterns) = (texts(call, 0)?, Patterns::new(texts(call, 1)?));
    let groups = (call.arguments.len() > 2).then(|| numbers::<Int64Type>(call, 2)).transpose()?;
    let (rows, is_scalar) = extent(call);
    let mut lists = ListBuilder::new(StringBuilder::new());
    let (mut bytes, mut steps) = (0, Steps::default());
    for row in 0..rows {
        steps.row()?;
        let group = groups.as_ref().map_or(Some(1), |g| g.get(row)).and_then(|g| usize::try_from(g).ok());
        let (Some(text), Some(Some(pattern)), Some(group)) = (values.get(row), patterns.get(row)?, group) else {
            lists.append_null();
            continue;
        };
        if group > pattern.groups() {
            lists.append_null();
            continue;
        }
        for captures in pattern.captures_all(text) {
            let captures = captures?;
            let found = captures.get(group).map(|m| m.as_str());
            // An offset of four bytes for every part is what makes a batch of short ones large.
            bytes += found.map_or(0, str::len) + 8;
            check_batch(bytes)?;
            lists.values().append_option(found);
        }
        lists.append(true);
    }
    Ok(columnar(Arc::new(lists.finish()), is_scalar))
}

fn count(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, mut patterns) = (texts(call, 0)?, Patterns::new(texts(call, 1)?));
    number_result::<Int32Type>(call, |row| {
        let (Some(text), Some(Some(pattern))) = (values.get(row), patterns.get(row)?) else { return Ok(None) };
        let mut count = 0;
        for found in pattern.find_all(text) {
            found?;
            count += 1;
        }
        Ok(Some(count))
    })
}

/// In UTF-16 units, from 1; 0 when nothing matches.
fn place(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, mut patterns) = (texts(call, 0)?, Patterns::new(texts(call, 1)?));
    number_result::<Int32Type>(call, |row| {
        let (Some(text), Some(Some(pattern))) = (values.get(row), patterns.get(row)?) else { return Ok(None) };
        Ok(Some(pattern.find_at(text, 0).map_or(0, |(start, _)| text[..start].encode_utf16().count() as i32 + 1)))
    })
}

fn part(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, mut patterns) = (texts(call, 0)?, Patterns::new(texts(call, 1)?));
    text_result(call, |row, out| {
        let (Some(text), Some(Some(pattern))) = (values.get(row), patterns.get(row)?) else { return Ok(false) };
        let Some((start, end)) = pattern.find_at(text, 0) else { return Ok(false) };
        out.push_str(&text[start..end])?;
        Ok(true)
    })
}
