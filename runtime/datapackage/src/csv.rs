//! CSV: finds delimiter and header, then types.

use crate::{
    Hints, Package, PackageError, PackageFormat,
    infer::Guess,
    limits::{COLUMNS_MAX, WARNINGS_MAX},
    preview::{Collected, Preview},
    whole_lines,
};
use csv_core::{ReadRecordResult, ReaderBuilder};
use millrace_model::{Field, Schema};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Rows that must agree on the number of their fields for a delimiter to be the one.
const AGREEING_ROWS: usize = 50;
/// Characters of a column's name.
const NAME_MAX: usize = 100;

pub(crate) fn inspect(bytes: &[u8], is_whole: bool, hints: Hints) -> Result<Package, PackageError> {
    let text = whole_lines(bytes, is_whole)?;
    let delimiter = delimiter(text, hints.is_csv)?;
    let (records, is_complete) = records(text, delimiter, hints.rows_max() + 1)?;
    let width = records.first().map_or(0, Vec::len);
    if width > COLUMNS_MAX {
        return Err(PackageError::file(format!("the first row has {width} fields, expected at most {COLUMNS_MAX}")));
    }
    let has_header = hints.has_header.unwrap_or_else(|| records.first().is_some_and(|first| looks_like_header(first)));
    let mut records = records.into_iter();
    let names = match records.next() {
        Some(first) if has_header => header(first)?,
        first => {
            // Not a header: a row as the others.
            records = first.into_iter().chain(records).collect::<Vec<_>>().into_iter();
            (1..=width).map(|number| format!("c{number}")).collect()
        }
    };
    let mut guesses = vec![Guess::Unknown; width];
    let (mut preview, mut warnings, mut rows) = (Preview::new(hints), Vec::new(), 0u64);
    let records: Vec<_> = records.collect();
    for (number, record) in (1u64..).zip(&records) {
        if record.len() != width && warnings.len() < WARNINGS_MAX {
            warnings.push(format!("row {number} has {} fields, expected {width}", record.len()));
        }
        for (guess, value) in guesses.iter_mut().zip(record) {
            *guess = std::mem::take(guess).merge(Guess::of_text(value));
        }
        rows += 1;
    }
    let iso = guesses.iter().find_map(Guess::writes_iso).unwrap_or(false);
    let columns = names.iter().zip(&guesses).map(|(name, guess)| Field::new(name, guess.data_type(iso), true)).collect();
    let schema = Schema::new(columns).map_err(|error| PackageError::file(error.to_string()))?;
    let as_written = preview.is_of_lines();
    for record in records {
        let cells = names.iter().zip(&guesses).zip(record).map(|((name, guess), text)| {
            // Whoever reads the rows knows the types better.
            let value = if as_written { as_text(text) } else { cell(text, guess) };
            (name.clone(), value)
        });
        preview.push(cells.collect());
    }
    let mut options = Map::new();
    options.insert("delimiter".into(), char::from(delimiter).to_string().into());
    options.insert("header".into(), has_header.into());
    let row_count = (is_whole && is_complete).then_some(rows);
    let Collected { rows, lines, is_cut } = preview.finish();
    let has_more_lines = is_cut || row_count.is_none();
    Ok(Package { format: PackageFormat::Csv, options, schema, row_count, rows, lines, has_more_lines, warnings })
}

/// The delimiter on which the first rows agree, with the most fields.
fn delimiter(text: &str, may_be_one_column: bool) -> Result<u8, PackageError> {
    let mut best = None;
    for delimiter in DELIMITERS {
        let (rows, _) = records(text, delimiter, AGREEING_ROWS)?;
        let width = rows.first().map_or(0, Vec::len);
        if width > 1 && rows.iter().all(|row| row.len() == width) && best.is_none_or(|(most, _)| width > most) {
            best = Some((width, delimiter));
        }
    }
    match best {
        Some((_, delimiter)) => Ok(delimiter),
        None if may_be_one_column => Ok(b','),
        None => Err(PackageError::file(
            "the text is neither JSON lines nor CSV: its first rows do not have the same number of fields for `,`, `;`, tab or `|`; say \
             `format=csv` if it is CSV all the same",
        )),
    }
}

/// Up to `rows_max` records, and whether those are all.
fn records(text: &str, delimiter: u8, rows_max: usize) -> Result<(Vec<Vec<String>>, bool), PackageError> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut rows, mut rest) = (Vec::new(), text.as_bytes());
    let (mut output, mut ends) = (vec![0u8; 1 << 16], vec![0usize; 64]);
    let (mut written, mut ended) = (0, 0);
    loop {
        let space = (output.get_mut(written..).unwrap_or_default(), ends.get_mut(ended..).unwrap_or_default());
        let (result, read, wrote, fields) = reader.read_record(rest, space.0, space.1);
        rest = rest.get(read..).unwrap_or_default();
        written += wrote;
        ended += fields;
        match result {
            // An empty rest tells the reader that this is the end.
            ReadRecordResult::InputEmpty => {}
            // Both stay within the sample, which is bounded.
            ReadRecordResult::OutputFull => output.resize(output.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::Record => {
                if rows.len() >= rows_max {
                    return Ok((rows, false));
                }
                let mut begin = 0;
                let mut row = Vec::with_capacity(ended);
                for end in ends.iter().take(ended) {
                    let field = output.get(begin..*end).unwrap_or_default();
                    row.push(String::from_utf8_lossy(field).into_owned());
                    begin = *end;
                }
                rows.push(row);
                (written, ended) = (0, 0);
            }
            ReadRecordResult::End => return Ok((rows, true)),
        }
    }
}

/// Names are unique texts that are no values: no numbers, no dates.
fn looks_like_header(first: &[String]) -> bool {
    let is_name = |text: &String| {
        let text = text.trim();
        let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'));
        starts && plain && text.chars().count() <= NAME_MAX && Guess::of_text(text) == Guess::String
    };
    let unique: BTreeSet<_> = first.iter().map(|name| name.trim()).collect();
    first.iter().all(is_name) && unique.len() == first.len()
}

fn header(first: Vec<String>) -> Result<Vec<String>, PackageError> {
    let names: Vec<String> = first.into_iter().map(|name| name.trim().to_owned()).collect();
    match names.iter().position(|name| name.is_empty() || name.chars().count() > NAME_MAX) {
        Some(at) => Err(PackageError::file(format!("column {} has no name of 1 to {NAME_MAX} characters in the first line", at + 1))),
        None => Ok(names),
    }
}

fn as_text(text: String) -> Value {
    if text.is_empty() { Value::Null } else { Value::String(text) }
}

fn cell(text: String, guess: &Guess) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let plain = text.trim();
    match guess {
        Guess::Boolean => Value::Bool(plain.eq_ignore_ascii_case("true")),
        Guess::BigInt => plain.parse::<i64>().map_or(Value::Null, Value::from),
        Guess::Double => plain.parse::<f64>().map_or(Value::Null, Value::from),
        _ => Value::String(text),
    }
}
