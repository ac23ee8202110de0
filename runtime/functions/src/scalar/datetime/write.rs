//! Points in time written as texts: `DATE_FORMAT`, `FROM_UNIXTIME`, `CONVERT_TZ`.

use super::{formatter::Formatter, moments::Moments, prepared::Prepared, simple::SimpleFormat, zone::Zone};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{
        Builtin, Call,
        columns::{numbers, text_result, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use arrow_array::types::Int64Type;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "DATE_FORMAT", resolve: resolve_date_format, evaluate: date_format, deterministic: true },
    Builtin { name: "FROM_UNIXTIME", resolve: resolve_from_unixtime, evaluate: from_unixtime, deterministic: true },
    Builtin { name: "CONVERT_TZ", resolve: resolve_convert_tz, evaluate: convert_tz, deterministic: true },
];

/// How Flink writes a time when it is not told.
pub(super) const DEFAULT_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

/// A timestamp or a text, and a pattern.
fn resolve_date_format(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let takes = "TIMESTAMP, TIMESTAMP_LTZ or STRING, STRING";
    let [value, pattern] = arguments else { return Err(refused("DATE_FORMAT", arguments, takes)) };
    let value = match &value.typed.data_type {
        given @ (DataType::Timestamp { .. } | DataType::TimestampLtz { .. }) => given.clone(),
        DataType::String | DataType::Null => DataType::String,
        _ => return Err(refused("DATE_FORMAT", arguments, takes)),
    };
    if !matches!(pattern.typed.data_type, DataType::String | DataType::Null) {
        return Err(refused("DATE_FORMAT", arguments, takes));
    }
    Ok(Resolution { arguments: vec![value, DataType::String], result: Typed::nullable(DataType::String) })
}

fn date_format(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    if let Ok(values) = texts(call, 0) {
        return format_text(call, &values);
    }
    let values = Moments::of(call, 0)?;
    let is_instant = matches!(call.arguments[0].inner().data_type(), arrow_schema::DataType::Timestamp(_, Some(_)));
    let mut formatters = Prepared::new(texts(call, 1)?, Formatter::compile);
    let mut text = String::new();
    text_result(call, |row, out| {
        let (Some(moment), Some(formatter)) = (values.get(row), formatters.get(row)?) else { return Ok(false) };
        let wall = if is_instant { moment.at_zone(call.context.zone) } else { moment };
        text.clear();
        formatter.format(wall, &mut text)?;
        out.push_str(&text)?;
        Ok(true)
    })
}

/// A text is read as a time first; what is none is NULL.
fn format_text(call: &Call<'_>, values: &crate::scalar::columns::Texts<'_>) -> Result<Columnar, EvaluationError> {
    let reader = SimpleFormat::compile(DEFAULT_PATTERN)?;
    let mut writers = Prepared::new(texts(call, 1)?, SimpleFormat::compile);
    let utc = Zone::Fixed(0);
    let mut text = String::new();
    text_result(call, |row, out| {
        let (Some(value), Some(writer)) = (values.get(row), writers.get(row)?) else { return Ok(false) };
        let Some(ms) = reader.parse(value, utc, call.context.now_ms) else { return Ok(false) };
        text.clear();
        writer.format(ms, utc, &mut text)?;
        out.push_str(&text)?;
        Ok(true)
    })
}

fn resolve_from_unixtime(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    Signature { name: "FROM_UNIXTIME", required: &[Accepts::BigInt], optional: &[Accepts::Text], repeats: false, nulls: Nulls::Always }
        .resolve(arguments, DataType::String)
}

fn from_unixtime(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = numbers::<Int64Type>(call, 0)?;
    let zone = Zone::Region(call.context.zone);
    let default = SimpleFormat::compile(DEFAULT_PATTERN)?;
    let mut formats = (call.arguments.len() > 1).then(|| texts(call, 1).map(|t| Prepared::new(t, SimpleFormat::compile))).transpose()?;
    let mut text = String::new();
    text_result(call, |row, out| {
        let Some(seconds) = values.get(row) else { return Ok(false) };
        let format = match formats.as_mut() {
            None => &default,
            Some(formats) => match formats.get(row)? {
                None => return Ok(false),
                Some(format) => format,
            },
        };
        text.clear();
        // Java's multiplication wraps around.
        format.format(seconds.wrapping_mul(1_000), zone, &mut text)?;
        out.push_str(&text)?;
        Ok(true)
    })
}

fn resolve_convert_tz(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let required = &[Accepts::Text, Accepts::Text, Accepts::Text];
    Signature { name: "CONVERT_TZ", required, optional: &[], repeats: false, nulls: Nulls::Always }.resolve(arguments, DataType::String)
}

fn convert_tz(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let zone: fn(&str) -> Result<Zone, EvaluationError> = |id| Ok(Zone::lenient(id));
    let (mut froms, mut tos) = (Prepared::new(texts(call, 1)?, zone), Prepared::new(texts(call, 2)?, zone));
    let format = SimpleFormat::compile(DEFAULT_PATTERN)?;
    let mut text = String::new();
    text_result(call, |row, out| {
        let (Some(value), Some(&from), Some(&to)) = (values.get(row), froms.get(row)?, tos.get(row)?) else { return Ok(false) };
        let Some(ms) = format.parse(value, from, call.context.now_ms) else { return Ok(false) };
        text.clear();
        format.format(ms, to, &mut text)?;
        out.push_str(&text)?;
        Ok(true)
    })
}
