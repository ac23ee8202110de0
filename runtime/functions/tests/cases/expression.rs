//! The little language of the cases: calls, constants, keywords (`#DAY`), `CAST(x AS type)`, `NULL type`.

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, StringArray, Time32MillisecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, new_null_array,
};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use millrace_functions::{Expr, FunctionRegistry, Typed, cast::CastTarget, expression::arguments};
use millrace_model::DataType;
use std::sync::Arc;

pub enum Node {
    Constant(ArrayRef, DataType),
    Symbol(String),
    Cast(Box<Node>, DataType),
    Call(String, Vec<Node>),
}

pub fn parse(text: &str) -> Result<Node, String> {
    let mut rest = text.trim();
    let node = expression(&mut rest)?;
    if rest.is_empty() { Ok(node) } else { Err(format!("case: unexpected {rest}")) }
}

fn take<'a>(rest: &mut &'a str, matches: impl Fn(char) -> bool) -> &'a str {
    let end = rest.find(|c| !matches(c)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(end);
    *rest = left;
    taken
}

fn quoted(rest: &mut &str) -> String {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            value.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == '\'') {
            value.push('\'');
            chars.next();
        } else {
            *rest = &rest[at + 1..];
            return value;
        }
    }
    panic!("case: no end of {rest}");
}

/// A type: up to a comma or parenthesis outside its own parentheses.
fn data_type(rest: &mut &str) -> DataType {
    let mut depth = 0i32;
    let end = rest
        .find(|c| {
            depth += i32::from(matches!(c, '(' | '<')) - i32::from(matches!(c, ')' | '>'));
            depth < 0 || (depth == 0 && c == ',')
        })
        .unwrap_or(rest.len());
    let (text, left) = rest.split_at(end);
    *rest = left;
    text.trim().parse().unwrap_or_else(|e| panic!("case: type {text}: {e}"))
}

fn constant(array: impl arrow_array::Array + 'static, data_type: DataType) -> Node {
    Node::Constant(Arc::new(array), data_type)
}

fn timestamp(text: &str) -> Node {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").expect("a timestamp").and_utc();
    let precision = text.split_once('.').map_or(0, |(_, digits)| digits.len() as u8);
    let data_type = DataType::Timestamp { precision };
    match precision {
        0..=3 => constant(TimestampMillisecondArray::from(vec![time.timestamp_millis()]), data_type),
        4..=6 => constant(arrow_array::TimestampMicrosecondArray::from(vec![time.timestamp_micros()]), data_type),
        _ => constant(TimestampNanosecondArray::from(vec![time.timestamp_nanos_opt().expect("in range")]), data_type),
    }
}

fn number(text: &str) -> Node {
    match text.split_once('.') {
        None => match text.parse::<i32>() {
            Ok(value) => constant(Int32Array::from(vec![value]), DataType::Int),
            Err(_) => constant(arrow_array::Int64Array::from(vec![text.parse::<i64>().expect("an integer")]), DataType::BigInt),
        },
        Some((whole, fraction)) => {
            let digits = format!("{whole}{fraction}");
            let (precision, scale) = (digits.trim_start_matches('-').len() as u8, fraction.len() as u8);
            let array = Decimal128Array::from(vec![digits.parse::<i128>().expect("a decimal")]);
            let array = array.with_precision_and_scale(precision, scale as i8).expect("a decimal");
            constant(array, DataType::Decimal { precision, scale })
        }
    }
}

fn expression(rest: &mut &str) -> Result<Node, String> {
    *rest = rest.trim_start();
    let first = rest.chars().next().ok_or("case: an expression is missing")?;
    match first {
        '\'' => return Ok(constant(StringArray::from(vec![quoted(rest)]), DataType::String)),
        '#' => {
            *rest = &rest[1..];
            return Ok(Node::Symbol(take(rest, |c| !matches!(c, ',' | ')')).trim().to_owned()));
        }
        '0'..='9' | '-' => return Ok(number(take(rest, |c| c.is_ascii_digit() || matches!(c, '.' | '-')))),
        _ => {}
    }
    let word = take(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$')).to_owned();
    let after = rest.trim_start();
    if word == "NULL" && !after.is_empty() && !after.starts_with([',', ')']) {
        let data_type = data_type(rest);
        return Ok(Node::Constant(new_null_array(&data_type.to_arrow(), 1), data_type));
    }
    if after.starts_with('\'') {
        *rest = after;
        let text = quoted(rest);
        return Ok(match word.as_str() {
            "X" => {
                let bytes: Vec<u8> = (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect();
                constant(BinaryArray::from(vec![bytes.as_slice()]), DataType::Bytes)
            }
            "DATE" => {
                let days =
                    NaiveDate::parse_from_str(&text, "%Y-%m-%d").expect("a date").signed_duration_since(NaiveDate::default()).num_days();
                constant(Date32Array::from(vec![days as i32]), DataType::Date)
            }
            "TIME" => {
                let time = NaiveTime::parse_from_str(&text, "%H:%M:%S%.f").expect("a time");
                let ms = time.num_seconds_from_midnight() as i32 * 1_000 + time.nanosecond() as i32 / 1_000_000;
                let precision = if text.contains('.') { 3 } else { 0 };
                constant(Time32MillisecondArray::from(vec![ms]), DataType::Time { precision })
            }
            "TIMESTAMP" => timestamp(&text),
            // An instant by its time in UTC, with three digits.
            "LTZ" => {
                let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").expect("a timestamp").and_utc();
                let array = TimestampMillisecondArray::from(vec![time.timestamp_millis()]).with_timezone("UTC");
                constant(array, DataType::TimestampLtz { precision: 3 })
            }
            // Intervals are written as their carriers: `DAYS '86400000'`, `MONTHS '14'`.
            "DAYS" => constant(arrow_array::Int64Array::from(vec![text.parse::<i64>().expect("milliseconds")]), DataType::IntervalDayTime),
            "MONTHS" => constant(Int32Array::from(vec![text.parse::<i32>().expect("months")]), DataType::IntervalYearMonth),
            _ => return Err(format!("case: {word}")),
        });
    }
    match word.as_str() {
        "TRUE" | "FALSE" => return Ok(constant(BooleanArray::from(vec![word == "TRUE"]), DataType::Boolean)),
        "NULL" => return Ok(Node::Constant(new_null_array(&arrow_schema::DataType::Null, 1), DataType::Null)),
        _ => {}
    }
    *rest = after.strip_prefix('(').ok_or_else(|| format!("case: ( after {word}"))?;
    let mut parts = Vec::new();
    loop {
        *rest = rest.trim_start();
        if let Some(left) = rest.strip_prefix(')') {
            *rest = left;
            return Ok(Node::Call(word, parts));
        }
        if !parts.is_empty() {
            *rest = rest.strip_prefix(',').ok_or_else(|| format!("case: , before {rest}"))?;
        }
        parts.push(expression(rest)?);
        if word == "CAST" {
            *rest = rest.trim_start().strip_prefix("AS ").ok_or("case: AS")?;
            let target = data_type(rest);
            *rest = rest.strip_prefix(')').ok_or("case: )")?;
            return parts.pop().map(|value| Node::Cast(Box::new(value), target)).ok_or_else(|| "case: CAST".to_owned());
        }
    }
}

impl Node {
    pub fn bind(self, registry: &FunctionRegistry) -> Result<Expr, String> {
        match self {
            Self::Constant(value, data_type) => {
                let nullable = value.logical_null_count() > 0;
                Ok(Expr::Literal { value, typed: Typed::new(data_type, nullable), is_symbol: false })
            }
            Self::Symbol(text) => {
                let value = Arc::new(StringArray::from(vec![text]));
                Ok(Expr::Literal { value, typed: Typed::not_null(DataType::String), is_symbol: true })
            }
            Self::Cast(value, target) => Ok(cast(value.bind(registry)?, target)),
            Self::Call(name, parts) => {
                let parts = parts.into_iter().map(|p| p.bind(registry)).collect::<Result<Vec<_>, _>>()?;
                let typed: Vec<Typed> = parts.iter().map(Expr::typed).collect();
                let function = registry.scalar(&name).ok_or_else(|| format!("no function {name}"))?.clone();
                let resolution = function.resolve(&arguments(&parts, &typed)).map_err(|e| e.to_string())?;
                assert_eq!(resolution.arguments.len(), parts.len(), "{name}: a type for each argument");
                let arguments = parts
                    .into_iter()
                    .zip(resolution.arguments)
                    .map(|(part, target)| if part.typed().data_type == target { part } else { cast(part, target) })
                    .collect();
                Ok(Expr::Call { function, arguments, typed: resolution.result })
            }
        }
    }
}

fn cast(value: Expr, target: DataType) -> Expr {
    let typed = Typed::new(target.clone(), value.typed().nullable);
    Expr::Cast { value: Box::new(value), target: CastTarget::from(target), is_try: false, typed }
}
