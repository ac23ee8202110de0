//! Avro's binary encoding, read into JSON.

use super::schema::{Avro, Kind};
use crate::PackageError;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use millrace_model::data_type::NESTING_MAX;
use serde_json::{Map, Value};

/// Items of one array or map: each takes a byte of the file or, if it is of no size, nothing.
const ITEMS_MAX: usize = 100_000;

/// What is left to read.
pub(super) struct Cursor<'a>(&'a [u8]);

fn cut() -> PackageError {
    PackageError::file("the Avro file is cut or damaged")
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], PackageError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A zig-zag number of variable length.
    pub(super) fn long(&mut self) -> Result<i64, PackageError> {
        let mut bits = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or_else(cut)?;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        Err(cut())
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], PackageError> {
        let length = usize::try_from(self.long()?).map_err(|_| cut())?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<String, PackageError> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PackageError> {
        self.take(N)?.try_into().map_err(|_| cut())
    }

    /// A value of this type.
    pub(super) fn value(&mut self, avro: &Avro, depth: usize) -> Result<Value, PackageError> {
        if depth > NESTING_MAX + 1 {
            return Err(cut());
        }
        if let Kind::Union(branches) = &avro.kind {
            let branch = usize::try_from(self.long()?).ok().and_then(|at| branches.get(at)).ok_or_else(cut)?;
            return self.value(branch, depth + 1);
        }
        if avro.nullable && self.long()? == avro.null_at as i64 {
            return Ok(Value::Null);
        }
        Ok(match &avro.kind {
            Kind::Null | Kind::Union(_) => Value::Null,
            Kind::Boolean => Value::Bool(self.take(1)?.first() == Some(&1)),
            Kind::Int | Kind::Long => Value::from(self.long()?),
            Kind::Float => Value::from(f64::from(f32::from_le_bytes(self.array()?))),
            Kind::Double => Value::from(f64::from_le_bytes(self.array()?)),
            Kind::Bytes => Value::from(STANDARD.encode(self.bytes()?)),
            Kind::Fixed(size) => Value::from(STANDARD.encode(self.take(*size)?)),
            Kind::Text => Value::from(self.text()?),
            Kind::Enum(symbols) => Value::from(usize::try_from(self.long()?).ok().and_then(|at| symbols.get(at)).cloned().ok_or_else(cut)?),
            Kind::Array(items) => {
                let mut read = Vec::new();
                self.blocks(&mut |cursor| {
                    read.push(cursor.value(items, depth + 1)?);
                    Ok(())
                })?;
                Value::Array(read)
            }
            Kind::Map(values) => {
                let mut read = Map::new();
                self.blocks(&mut |cursor| {
                    read.insert(cursor.text()?, cursor.value(values, depth + 1)?);
                    Ok(())
                })?;
                Value::Object(read)
            }
            Kind::Record(fields) => {
                let mut row = Map::new();
                for (name, field) in fields {
                    row.insert(name.clone(), self.value(field, depth + 1)?);
                }
                Value::Object(row)
            }
            Kind::Date => date(self.long()?),
            Kind::Time(digits) => time(self.long()?, *digits),
            Kind::Timestamp(digits, is_instant) => timestamp(self.long()?, *digits, *is_instant),
            Kind::Decimal { scale, size, .. } => {
                let bytes = match size {
                    Some(size) => self.take(*size)?,
                    None => self.bytes()?,
                };
                decimal(bytes, *scale)
            }
        })
    }

    /// Items of an array or map: blocks of a count and that many items, ended by zero.
    fn blocks(&mut self, item: &mut dyn FnMut(&mut Self) -> Result<(), PackageError>) -> Result<(), PackageError> {
        let mut seen = 0;
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // A negative count is followed by the size of the block.
                self.long()?;
                count = count.saturating_neg();
            }
            for _ in 0..count {
                seen += 1;
                if seen > ITEMS_MAX {
                    return Err(PackageError::file(format!("a list in the Avro file has more than {ITEMS_MAX} items")));
                }
                item(self)?;
            }
        }
    }
}

fn date(days: i64) -> Value {
    let epoch = NaiveDate::default();
    let moved = if days >= 0 {
        epoch.checked_add_days(Days::new(days.unsigned_abs()))
    } else {
        epoch.checked_sub_days(Days::new(days.unsigned_abs()))
    };
    moved.map_or(Value::from(days), |date| Value::from(date.to_string()))
}

fn time(since_midnight: i64, digits: u8) -> Value {
    let per_second = 10i64.pow(u32::from(digits));
    let (seconds, part) = (since_midnight.div_euclid(per_second), since_midnight.rem_euclid(per_second));
    let nanos = part * (1_000_000_000 / per_second);
    let found = u32::try_from(seconds).ok().zip(u32::try_from(nanos).ok());
    let found = found.and_then(|(seconds, nanos)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos));
    found.map_or(Value::from(since_midnight), |time| Value::from(time.to_string()))
}

fn timestamp(since_epoch: i64, digits: u8, is_instant: bool) -> Value {
    let found = match digits {
        3 => DateTime::from_timestamp_millis(since_epoch),
        6 => DateTime::from_timestamp_micros(since_epoch),
        _ => Some(DateTime::from_timestamp_nanos(since_epoch)),
    };
    let shown = found.map(|at| {
        let text = match digits {
            3 => at.format("%Y-%m-%d %H:%M:%S%.3f"),
            6 => at.format("%Y-%m-%d %H:%M:%S%.6f"),
            _ => at.format("%Y-%m-%d %H:%M:%S%.9f"),
        };
        if is_instant { format!("{text}Z") } else { text.to_string() }
    });
    shown.map_or(Value::from(since_epoch), Value::from)
}

/// Two's complement, big end first; up to 38 digits fit into 128 bits.
fn decimal(bytes: &[u8], scale: u8) -> Value {
    if bytes.len() > 16 {
        return Value::from(STANDARD.encode(bytes));
    }
    let negative = bytes.first().is_some_and(|b| b & 0x80 != 0);
    let unscaled = bytes.iter().fold(if negative { -1i128 } else { 0 }, |value, byte| (value << 8) | i128::from(*byte));
    let (sign, digits) = (if unscaled < 0 { "-" } else { "" }, format!("{:0>1$}", unscaled.unsigned_abs(), usize::from(scale) + 1));
    let (whole, part) = digits.split_at(digits.len() - usize::from(scale));
    Value::from(if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}
