//! `STR_TO_MAP`: a text taken apart into pairs at delimiters that are regular expressions.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    meter::Steps,
    scalar::{
        Builtin, Call,
        columns::{check_batch, columnar, extent, texts},
        regex::{JavaRegex, PatternError, check_constant, compiled},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::builder::{MapBuilder, MapFieldNames, StringBuilder};
use millrace_model::{DataType, data_type::Element};
use std::{collections::HashMap, sync::Arc};

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "STR_TO_MAP", resolve, evaluate, deterministic: true }];

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let text = || Box::new(Element { data_type: DataType::String, nullable: true });
    let optional = &[Accepts::Text, Accepts::Text];
    let resolution = Signature { name: "STR_TO_MAP", required: &[Accepts::Text], optional, repeats: false, nulls: Nulls::Always }
        .resolve(arguments, DataType::Map(text(), text()))?;
    arguments[1..].iter().try_for_each(|delimiter| check_constant("STR_TO_MAP", delimiter))?;
    Ok(resolution)
}

/// `String.split` of Java's with a limit (0: none, and empty parts at the end are dropped).
fn split<'a>(text: &'a str, delimiter: &JavaRegex, limit: usize) -> Result<Vec<&'a str>, EvaluationError> {
    let mut parts = Vec::new();
    let mut done = 0;
    for found in delimiter.find_all(text) {
        let (start, end) = found?;
        if limit > 0 && parts.len() + 1 == limit {
            break;
        }
        // Nothing at the start of the text is no delimiter.
        if end == 0 {
            continue;
        }
        parts.push(&text[done..start]);
        done = end;
    }
    let has_delimiter = !parts.is_empty();
    parts.push(&text[done..]);
    while limit == 0 && has_delimiter && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    Ok(parts)
}

/// The order in which a `java.util.HashMap` of texts, filled in the order given, lists its entries.
fn in_hash_order(entries: &mut [(&str, Option<&str>)]) {
    // It doubles when it is three quarters full, and 16 is its first size.
    let buckets = (entries.len() * 4 / 3 + usize::from(!(entries.len() * 4).is_multiple_of(3))).next_power_of_two().max(16) as u32;
    entries.sort_by_cached_key(|(key, _)| {
        let hash = key.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        (hash ^ (hash >> 16)) & (buckets - 1)
    });
}

fn regex(compiled: &Result<JavaRegex, PatternError>) -> Result<&JavaRegex, EvaluationError> {
    compiled.as_ref().map_err(|error| EvaluationError(format!("STR_TO_MAP: {error}")))
}

fn evaluate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let delimiter = |index| (call.arguments.len() > index).then(|| texts(call, index)).transpose();
    let (pairs, keys) = (delimiter(1)?, delimiter(2)?);
    let (rows, is_scalar) = extent(call);
    let names = MapFieldNames { entry: "entries".to_owned(), key: "key".to_owned(), value: "value".to_owned() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    let (mut bytes, mut steps) = (0, Steps::default());
    for row in 0..rows {
        steps.row()?;
        let between_pairs = pairs.as_ref().map_or(Some(","), |p| p.get(row));
        let behind_key = keys.as_ref().map_or(Some("="), |k| k.get(row));
        let (Some(text), Some(between_pairs), Some(behind_key)) = (values.get(row), between_pairs, behind_key) else {
            maps.append(false)?;
            continue;
        };
        let (between_pairs, behind_key) = (compiled(between_pairs), compiled(behind_key));
        let (between_pairs, behind_key) = (regex(&between_pairs)?, regex(&behind_key)?);
        // A key that comes again keeps its place and gets the later value.
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut entries: Vec<(&str, Option<&str>)> = Vec::new();
        for pair in if text.is_empty() { Vec::new() } else { split(text, between_pairs, 0)? } {
            steps.take(pair.len())?;
            let parts = split(pair, behind_key, 2)?;
            let (key, value) = (parts[0], parts.get(1).copied());
            match places.get(key) {
                Some(&place) => entries[place].1 = value,
                None => {
                    places.insert(key, entries.len());
                    entries.push((key, value));
                }
            }
        }
        bytes += text.len() + entries.len() * 16;
        check_batch(bytes)?;
        in_hash_order(&mut entries);
        for (key, value) in entries {
            maps.keys().append_value(key);
            maps.values().append_option(value);
        }
        maps.append(true)?;
    }
    Ok(columnar(Arc::new(maps.finish()), is_scalar))
}
