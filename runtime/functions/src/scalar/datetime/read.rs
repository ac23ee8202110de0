//! Points in time read from texts: `TO_DATE`, `TO_TIMESTAMP`, `UNIX_TIMESTAMP`.

use super::{
    formatter::Formatter,
    moments::{Moment, moment_result},
    prepared::Prepared,
    simple::SimpleFormat,
    text_forms::{date, from_default_form, from_jdbc_form},
    write::DEFAULT_PATTERN,
    zone::Zone,
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    calendar::DAY_MS,
    scalar::{
        Builtin, Call,
        columns::{number_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::types::Int64Type;
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "TO_DATE", resolve: |a| resolve("TO_DATE", a, DataType::Date), evaluate: to_date, deterministic: true },
    Builtin {
        name: "TO_TIMESTAMP",
        resolve: |a| resolve("TO_TIMESTAMP", a, DataType::Timestamp { precision: 3 }),
        evaluate: to_timestamp,
        deterministic: true,
    },
    Builtin { name: "UNIX_TIMESTAMP", resolve: resolve_unix_timestamp, evaluate: unix_timestamp, deterministic: false },
];

/// What Flink answers for a text that does not follow the pattern: the smallest `long`.
const NO_SECONDS: i64 = i64::MIN;
/// 5471-09-27: the day that Flink makes of the smallest `long` in `TO_DATE`.
const NO_DATE_DAYS: i64 = 1_278_983;

fn resolve(name: &str, arguments: &[Argument<'_>], result: DataType) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[Accepts::Text], optional: &[Accepts::Text], repeats: false, nulls: Nulls::Always }
        .resolve(arguments, result)
}

fn days(days: i64) -> Moment {
    Moment::new(days * DAY_MS, 0)
}

fn to_date(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    if call.arguments.len() < 2 {
        return moment_result(call, |row| Ok(values.get(row).and_then(date).map(days)));
    }
    let mut formats = Prepared::new(texts(call, 1)?, SimpleFormat::compile);
    moment_result(call, |row| {
        let (Some(value), Some(format)) = (values.get(row), formats.get(row)?) else { return Ok(None) };
        let ms = format.parse(value, Zone::Fixed(0), call.context.now_ms);
        Ok(Some(ms.map_or(days(NO_DATE_DAYS), |ms| days(ms.div_euclid(DAY_MS)))))
    })
}

/// What cannot be read, a pattern included, is NULL.
fn to_timestamp(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let in_milliseconds = |moment: Moment| Moment::new(moment.ms, 0);
    if call.arguments.len() < 2 {
        return moment_result(call, |row| Ok(values.get(row).and_then(from_default_form).map(in_milliseconds)));
    }
    let mut formats = Prepared::new(texts(call, 1)?, |pattern| Ok(Formatter::compile(pattern).ok()));
    moment_result(call, |row| {
        let (Some(value), Some(Some(formatter))) = (values.get(row), formats.get(row)?) else { return Ok(None) };
        Ok(from_pattern(formatter, value).map(in_milliseconds))
    })
}

/// By a pattern, or in the form of JDBC whatever the pattern is.
pub(super) fn from_pattern(formatter: &Formatter, text: &str) -> Option<Moment> {
    formatter.parse(text).and_then(|parsed| parsed.resolve()).or_else(|| from_jdbc_form(text))
}

fn resolve_unix_timestamp(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    if arguments.is_empty() {
        return Ok(Resolution { arguments: Vec::new(), result: Typed::not_null(DataType::BigInt) });
    }
    let signature = Signature {
        name: "UNIX_TIMESTAMP",
        required: &[Accepts::Text],
        optional: &[Accepts::Text],
        repeats: false,
        nulls: Nulls::FromArguments,
    };
    signature.resolve(arguments, DataType::BigInt)
}

fn unix_timestamp(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    if call.arguments.is_empty() {
        let seconds = arrow_array::Int64Array::from(vec![call.context.now_ms.div_euclid(1_000)]);
        return Ok(Columnar::Scalar(std::sync::Arc::new(seconds)));
    }
    let values = texts(call, 0)?;
    let zone = Zone::Region(call.context.zone);
    let default = SimpleFormat::compile(DEFAULT_PATTERN)?;
    let mut formats = (call.arguments.len() > 1).then(|| texts(call, 1).map(|t| Prepared::new(t, SimpleFormat::compile))).transpose()?;
    number_result::<Int64Type>(call, |row| {
        let Some(value) = values.get(row) else { return Ok(None) };
        let format = match formats.as_mut() {
            None => &default,
            Some(formats) => match formats.get(row)? {
                None => return Ok(None),
                Some(format) => format,
            },
        };
        // Rounded towards 1970, as Java's division.
        Ok(Some(format.parse(value, zone, call.context.now_ms).map_or(NO_SECONDS, |ms| ms / 1_000)))
    })
}
