//! Flink's logical types, their text form, and the Arrow type that carries each.
//!
//! Text form and precision rules follow the Flink SQL "Data Types" page; `VARCHAR(n)`/`CHAR(n)` are read as `STRING`.
//! Arrow carriers: timestamps of precision 0–3 are milliseconds, 4–6 microseconds, 7–9 nanoseconds, all counted from
//! the epoch; `TIMESTAMP_LTZ` carries the zone `UTC`; `TIME` is milliseconds of the day (32 bit) up to precision 3,
//! else nanoseconds (64 bit); decimals are 128 bit.

use arrow_schema::{DataType as Arrow, TimeUnit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, sync::Arc};

mod parse;
pub use parse::DataTypeError;

/// Most levels of nesting that a type from outside may have.
pub const NESTING_MAX: usize = 16;

/// A column type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`, 8 bit
    TinyInt,
    /// `SMALLINT`, 16 bit
    SmallInt,
    /// `INT`, 32 bit
    Int,
    /// `BIGINT`, 64 bit
    BigInt,
    /// `FLOAT`, 32 bit
    Float,
    /// `DOUBLE`, 64 bit
    Double,
    /// `DECIMAL(p, s)`, 1 ≤ p ≤ 38, 0 ≤ s ≤ p
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `STRING`
    String,
    /// `BYTES`
    Bytes,
    /// `DATE`, days since the epoch
    Date,
    /// `TIME(p)`, 0 ≤ p ≤ 9
    Time {
        /// Digits of fractional seconds.
        precision: u8,
    },
    /// `TIMESTAMP(p)`: wall-clock time without a zone
    Timestamp {
        /// Digits of fractional seconds.
        precision: u8,
    },
    /// `TIMESTAMP_LTZ(p)`: an instant
    TimestampLtz {
        /// Digits of fractional seconds.
        precision: u8,
    },
    /// `ARRAY<t>`
    Array(Box<Element>),
    /// `MAP<k, v>`
    Map(Box<Element>, Box<Element>),
    /// `MULTISET<t>`: carried as a map from element to count
    Multiset(Box<Element>),
    /// `ROW<a t, …>`
    Row(Vec<RowField>),
    /// `BITMAP`: a set of 32-bit integers, carried in the portable format of Roaring bitmaps
    Bitmap,
    /// `INTERVAL YEAR TO MONTH`, in months; only inside expressions
    IntervalYearMonth,
    /// `INTERVAL DAY TO SECOND(3)`, in milliseconds; only inside expressions
    IntervalDayTime,
    /// `VARIANT`: a JSON value, carried as its text; no format has it
    Variant,
    /// The type of a bare `NULL`; only inside expressions
    Null,
}

/// Type and nullability of an array element, map key or map value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Element {
    /// The element's type.
    pub data_type: DataType,
    /// Whether elements may be NULL.
    pub nullable: bool,
}

/// A field of a `ROW`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowField {
    /// Field name.
    pub name: String,
    /// Field type.
    pub data_type: DataType,
    /// Whether the field may be NULL.
    pub nullable: bool,
}

impl DataType {
    /// The Arrow type that carries this type.
    pub fn to_arrow(&self) -> Arrow {
        match self {
            Self::Boolean => Arrow::Boolean,
            Self::TinyInt => Arrow::Int8,
            Self::SmallInt => Arrow::Int16,
            Self::Int => Arrow::Int32,
            Self::BigInt => Arrow::Int64,
            Self::Float => Arrow::Float32,
            Self::Double => Arrow::Float64,
            Self::Decimal { precision, scale } => Arrow::Decimal128(*precision, *scale as i8),
            Self::String => Arrow::Utf8,
            Self::Bytes | Self::Bitmap => Arrow::Binary,
            Self::Date => Arrow::Date32,
            Self::Time { precision: 0..=3 } => Arrow::Time32(TimeUnit::Millisecond),
            Self::Time { .. } => Arrow::Time64(TimeUnit::Nanosecond),
            Self::Timestamp { precision } => Arrow::Timestamp(time_unit(*precision), None),
            Self::TimestampLtz { precision } => Arrow::Timestamp(time_unit(*precision), Some(Arc::from("UTC"))),
            Self::Array(element) => Arrow::List(Arc::new(element.to_arrow("item"))),
            Self::Map(key, value) => {
                // Arrow map keys are never null; a nullable key type is read as not null.
                let key = arrow_schema::Field::new("key", key.data_type.to_arrow(), false);
                let entries = Arrow::Struct(vec![key, value.to_arrow("value")].into());
                Arrow::Map(Arc::new(arrow_schema::Field::new("entries", entries, false)), false)
            }
            Self::Multiset(element) => {
                let key = arrow_schema::Field::new("key", element.data_type.to_arrow(), false);
                let entries = Arrow::Struct(vec![key, arrow_schema::Field::new("value", Arrow::Int32, false)].into());
                Arrow::Map(Arc::new(arrow_schema::Field::new("entries", entries, false)), false)
            }
            Self::IntervalYearMonth => Arrow::Int32,
            Self::IntervalDayTime => Arrow::Int64,
            // No other type has this carrier, so a column tells by it what it holds.
            Self::Variant => Arrow::LargeUtf8,
            Self::Null => Arrow::Null,
            Self::Row(fields) => Arrow::Struct(
                fields.iter().map(|f| arrow_schema::Field::new(&f.name, f.data_type.to_arrow(), f.nullable)).collect::<Vec<_>>().into(),
            ),
        }
    }

    /// Whether a column of this type can be an event-time field: a timestamp, or a `BIGINT` of epoch milliseconds.
    pub fn is_event_time(&self) -> bool {
        matches!(self, Self::Timestamp { .. } | Self::TimestampLtz { .. } | Self::BigInt)
    }
}

impl Element {
    fn to_arrow(&self, name: &str) -> arrow_schema::Field {
        arrow_schema::Field::new(name, self.data_type.to_arrow(), self.nullable)
    }
}

fn time_unit(precision: u8) -> TimeUnit {
    match precision {
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::String => f.write_str("STRING"),
            Self::Bytes => f.write_str("BYTES"),
            Self::Date => f.write_str("DATE"),
            Self::Time { precision } => write!(f, "TIME({precision})"),
            Self::Timestamp { precision } => write!(f, "TIMESTAMP({precision})"),
            Self::TimestampLtz { precision } => write!(f, "TIMESTAMP_LTZ({precision})"),
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Multiset(element) => write!(f, "MULTISET<{element}>"),
            Self::Bitmap => f.write_str("BITMAP"),
            Self::IntervalYearMonth => f.write_str("INTERVAL YEAR TO MONTH"),
            Self::IntervalDayTime => f.write_str("INTERVAL DAY TO SECOND(3)"),
            Self::Variant => f.write_str("VARIANT"),
            Self::Null => f.write_str("NULL"),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    let not_null = if field.nullable { "" } else { " NOT NULL" };
                    write!(f, "{comma}`{}` {}{not_null}", field.name.replace('`', "``"), field.data_type)?;
                }
                f.write_str(">")
            }
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.data_type, if self.nullable { "" } else { " NOT NULL" })
    }
}

impl FromStr for DataType {
    type Err = DataTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::parse(text)
    }
}

impl Serialize for DataType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
