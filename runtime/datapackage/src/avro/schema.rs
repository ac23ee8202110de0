//! Avro's schema as JSON, and Flink's types for it, as Flink's `avro` format maps them; `timestamp-…` are instants.

use crate::PackageError;
use millrace_model::{
    DataType,
    data_type::{Element, NESTING_MAX, RowField},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A type with its nullability.
#[derive(Debug, Clone)]
pub(crate) struct Avro {
    pub kind: Kind,
    pub nullable: bool,
    /// Position of `null` in the union that made it nullable.
    pub null_at: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Box<Avro>),
    Map(Box<Avro>),
    Record(Vec<(String, Avro)>),
    /// Of several types; in a preview the value, as a column its text.
    Union(Vec<Avro>),
    /// Days since the epoch.
    Date,
    /// Since midnight; digits of the fraction: 3 as int, 6 as long.
    Time(u8),
    /// Since the epoch; digits of the fraction, and whether it is an instant.
    Timestamp(u8, bool),
    Decimal {
        precision: u8,
        scale: u8,
        /// Bytes if fixed.
        size: Option<usize>,
    },
}

impl Avro {
    fn plain(kind: Kind) -> Self {
        Self { kind, nullable: false, null_at: 0 }
    }

    /// Reads a schema.
    pub(crate) fn read(json: &Value) -> Result<Self, PackageError> {
        read(json, &mut BTreeMap::new(), 0)
    }

    /// The column type.
    pub(crate) fn data_type(&self) -> DataType {
        let element = |avro: &Self| Box::new(Element { data_type: avro.data_type(), nullable: avro.nullable });
        match &self.kind {
            Kind::Null | Kind::Text | Kind::Enum(_) | Kind::Union(_) => DataType::String,
            Kind::Boolean => DataType::Boolean,
            Kind::Int => DataType::Int,
            Kind::Long => DataType::BigInt,
            Kind::Float => DataType::Float,
            Kind::Double => DataType::Double,
            Kind::Bytes | Kind::Fixed(_) => DataType::Bytes,
            Kind::Array(items) => DataType::Array(element(items)),
            Kind::Map(values) => DataType::Map(Box::new(Element { data_type: DataType::String, nullable: false }), element(values)),
            Kind::Record(fields) => {
                let field =
                    |(name, avro): &(String, Self)| RowField { name: name.clone(), data_type: avro.data_type(), nullable: avro.nullable };
                DataType::Row(fields.iter().map(field).collect())
            }
            Kind::Date => DataType::Date,
            Kind::Time(precision) => DataType::Time { precision: *precision },
            Kind::Timestamp(precision, true) => DataType::TimestampLtz { precision: *precision },
            Kind::Timestamp(precision, false) => DataType::Timestamp { precision: *precision },
            Kind::Decimal { precision, scale, .. } => DataType::Decimal { precision: *precision, scale: *scale },
        }
    }
}

fn wrong(reason: impl std::fmt::Display) -> PackageError {
    PackageError::file(format!("the Avro schema is wrong: {reason}"))
}

/// `named` are the types that a name can refer to. A type within itself is refused: no column holds it.
fn read(json: &Value, named: &mut BTreeMap<String, Avro>, depth: usize) -> Result<Avro, PackageError> {
    if depth > NESTING_MAX {
        return Err(wrong(format!("it is nested deeper than {NESTING_MAX} levels")));
    }
    match json {
        Value::String(name) => primitive(name).map(Avro::plain).or_else(|| named.get(name).cloned()).ok_or_else(|| {
            wrong(format!("`{name}` is neither a type nor the name of one that stands before it (a type within itself has no column)"))
        }),
        Value::Array(branches) => union(branches, named, depth),
        Value::Object(object) => {
            let kind = object.get("type").ok_or_else(|| wrong("an object has no `type`"))?;
            let Value::String(kind) = kind else { return read(kind, named, depth + 1) };
            let avro = complex(kind, json, named, depth)?;
            if let Some(name) = object.get("name").and_then(Value::as_str) {
                let space = object.get("namespace").and_then(Value::as_str);
                named.insert(name.to_owned(), avro.clone());
                if let Some(space) = space {
                    named.insert(format!("{space}.{name}"), avro.clone());
                }
            }
            Ok(avro)
        }
        other => Err(wrong(format!("found {other}, expected a type"))),
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::Text,
        _ => return None,
    })
}

fn union(branches: &[Value], named: &mut BTreeMap<String, Avro>, depth: usize) -> Result<Avro, PackageError> {
    let read = branches.iter().map(|branch| read(branch, named, depth + 1)).collect::<Result<Vec<_>, _>>()?;
    let null_at = read.iter().position(|avro| matches!(avro.kind, Kind::Null));
    match (read.as_slice(), null_at) {
        ([first, second], Some(null_at)) => {
            let kind = if null_at == 0 { second.kind.clone() } else { first.kind.clone() };
            Ok(Avro { kind, nullable: true, null_at })
        }
        ([], _) => Err(wrong("a union has no types")),
        _ => Ok(Avro { kind: Kind::Union(read), nullable: null_at.is_some(), null_at: usize::MAX }),
    }
}

fn complex(kind: &str, json: &Value, named: &mut BTreeMap<String, Avro>, depth: usize) -> Result<Avro, PackageError> {
    let part = |name: &str| json.get(name).ok_or_else(|| wrong(format!("`{kind}` has no `{name}`")));
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    let logical = json.get("logicalType").and_then(Value::as_str).unwrap_or_default();
    let size = || number("size").and_then(|size| usize::try_from(size).ok()).ok_or_else(|| wrong("`fixed` has no `size`"));
    let kind = match (kind, logical) {
        ("int", "date") => Kind::Date,
        ("int", "time-millis") => Kind::Time(3),
        ("long", "time-micros") => Kind::Time(6),
        ("long", "timestamp-millis") => Kind::Timestamp(3, true),
        ("long", "timestamp-micros") => Kind::Timestamp(6, true),
        ("long", "timestamp-nanos") => Kind::Timestamp(9, true),
        ("long", "local-timestamp-millis") => Kind::Timestamp(3, false),
        ("long", "local-timestamp-micros") => Kind::Timestamp(6, false),
        ("long", "local-timestamp-nanos") => Kind::Timestamp(9, false),
        ("bytes" | "fixed", "decimal") => {
            let (precision, scale) = (number("precision").unwrap_or(0), number("scale").unwrap_or(0));
            let (Ok(precision), Ok(scale)) = (u8::try_from(precision), u8::try_from(scale)) else {
                return Err(wrong("a decimal has more than 38 digits"));
            };
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(wrong(format!("DECIMAL({precision}, {scale}) is not possible; expected up to 38 digits")));
            }
            Kind::Decimal { precision, scale, size: if kind == "fixed" { Some(size()?) } else { None } }
        }
        ("fixed", _) => Kind::Fixed(size()?),
        ("enum", _) => {
            let symbols = part("symbols")?.as_array().ok_or_else(|| wrong("`symbols` is no list"))?;
            Kind::Enum(symbols.iter().filter_map(|s| s.as_str().map(str::to_owned)).collect())
        }
        ("array", _) => Kind::Array(Box::new(read(part("items")?, named, depth + 1)?)),
        ("map", _) => Kind::Map(Box::new(read(part("values")?, named, depth + 1)?)),
        ("record" | "error", _) => {
            let fields = part("fields")?.as_array().ok_or_else(|| wrong("`fields` is no list"))?;
            let mut read_fields = Vec::new();
            for field in fields {
                let name = field.get("name").and_then(Value::as_str).ok_or_else(|| wrong("a field has no name"))?;
                let kind = field.get("type").ok_or_else(|| wrong(format!("the field `{name}` has no type")))?;
                read_fields.push((name.to_owned(), read(kind, named, depth + 1)?));
            }
            Kind::Record(read_fields)
        }
        (other, _) => return read(&Value::String(other.to_owned()), named, depth + 1),
    };
    Ok(Avro::plain(kind))
}
