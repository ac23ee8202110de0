//! Values written as text: JSON strings, and all fields of CSV.

use crate::{
    column::{Column, Values},
    decimal,
    error::{Bad, bad},
    spec::TimestampFormat,
    temporal::{NANOS_PER_SECOND, parse_date, parse_time, parse_timestamp, truncate_nanos},
};
use arrow_schema::TimeUnit;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Appends the value that `text` stands for to a column of any flat type. `text` must be valid UTF-8.
///
/// # Errors
/// The text is none of the column's type; nested types have no text form.
pub(crate) fn push_text(text: &[u8], column: &mut Column, form: TimestampFormat) -> Result<(), Bad> {
    match &mut column.values {
        Values::String(values) => values.push(text)?,
        Values::Boolean(values) => values.append(parse_boolean(text)?),
        Values::TinyInt(values) => values.push(parse_integer(text, "TINYINT")?),
        Values::SmallInt(values) => values.push(parse_integer(text, "SMALLINT")?),
        Values::Int(values) => values.push(parse_integer(text, "INT")?),
        Values::BigInt(values) => values.push(parse_integer(text, "BIGINT")?),
        Values::Float(values) => values.push(parse_float(text, "FLOAT")?),
        Values::Double(values) => values.push(parse_float(text, "DOUBLE")?),
        Values::Decimal { unscaled, precision, scale } => {
            unscaled.push(decimal::parse(text.trim_ascii(), *precision, *scale).map_err(bad)?);
        }
        Values::Bytes(values) => values.push_with(|out| {
            let decoded = STANDARD.decode(text).map_err(|e| bad(format!("is not base64: {e}")))?;
            out.extend_from_slice(&decoded);
            Ok(())
        })?,
        Values::Date(days) => days.push(parse_date(text).ok_or_else(|| wrong(text, "DATE", "yyyy-MM-dd"))?),
        Values::TimeMillis { millis, precision } => {
            let nanos = parse_time(text, form == TimestampFormat::Iso8601).ok_or_else(|| wrong(text, "TIME", TIME_FORM))?;
            millis.push((truncate_nanos(nanos, *precision) / 1_000_000) as i32);
        }
        Values::TimeNanos { nanos, precision } => {
            let parsed = parse_time(text, form == TimestampFormat::Iso8601).ok_or_else(|| wrong(text, "TIME", TIME_FORM))?;
            nanos.push(truncate_nanos(parsed, *precision) as i64);
        }
        Values::Timestamp { ticks, unit, precision, zoned } => {
            let name = if *zoned { "TIMESTAMP_LTZ" } else { "TIMESTAMP" };
            let expected = timestamp_form(form, *zoned);
            let separator = if form == TimestampFormat::Sql { b' ' } else { b'T' };
            let (seconds, nanos) = parse_timestamp(text, separator, *zoned).ok_or_else(|| wrong(text, name, expected))?;
            let nanos = truncate_nanos(u64::from(nanos), *precision);
            ticks.push(
                to_ticks(seconds, nanos, *unit)
                    .ok_or_else(|| bad(format!("`{}` is outside of what {name}({precision}) can hold", shown(text))))?,
            );
        }
        Values::Array { .. } | Values::Map { .. } | Values::Row { .. } => {
            return Err(bad(format!("found the text `{}`, expected a nested value", shown(text))));
        }
    }
    column.value_pushed();
    Ok(())
}

const TIME_FORM: &str = "HH:mm:ss[.fraction]";

fn timestamp_form(form: TimestampFormat, zoned: bool) -> &'static str {
    match (form, zoned) {
        (TimestampFormat::Sql, false) => "yyyy-MM-dd HH:mm:ss[.fraction]",
        (TimestampFormat::Sql, true) => "yyyy-MM-dd HH:mm:ss[.fraction]Z",
        (TimestampFormat::Iso8601, false) => "yyyy-MM-ddTHH:mm:ss[.fraction]",
        (TimestampFormat::Iso8601, true) => "yyyy-MM-ddTHH:mm:ss[.fraction]Z",
    }
}

fn to_ticks(seconds: i64, nanos: u64, unit: TimeUnit) -> Option<i64> {
    let per_second: i64 = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let fraction = nanos / (NANOS_PER_SECOND / per_second as u64);
    seconds.checked_mul(per_second)?.checked_add(fraction as i64)
}

/// Stricter than Flink, which reads every other text as false.
fn parse_boolean(text: &[u8]) -> Result<bool, Bad> {
    let text = text.trim_ascii();
    if text.eq_ignore_ascii_case(b"true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Ok(false)
    } else {
        Err(wrong(text, "BOOLEAN", "true or false"))
    }
}

fn parse_integer<T: lexical_core::FromLexical>(text: &[u8], name: &str) -> Result<T, Bad> {
    lexical_core::parse(text.trim_ascii()).map_err(|_| wrong(text, name, "an integer in range"))
}

fn parse_float<T: lexical_core::FromLexical>(text: &[u8], name: &str) -> Result<T, Bad> {
    lexical_core::parse(text.trim_ascii()).map_err(|_| wrong(text, name, "a number"))
}

#[cold]
pub(crate) fn wrong(text: &[u8], name: &str, expected: &str) -> Bad {
    bad(format!("`{}` is not {name}, expected {expected}", shown(text)))
}

/// The beginning of a text, fit for a message.
pub(crate) fn shown(text: &[u8]) -> String {
    let end = text.len().min(60);
    let dots = if text.len() > end { "…" } else { "" };
    format!("{}{dots}", String::from_utf8_lossy(text.get(..end).unwrap_or(text)).escape_debug())
}
