//! Schemas: what columns a batch has.
//!
//! Invariant: a `Schema` is a tree; the flat, depth-first list of the contract appears only in `flatten` and `restore`.

use crate::{
    bindings::types as wit,
    column::{Col, ColumnType, OutAny, OutCol},
    failure::{Error, Result},
};
use std::{fmt, marker::PhantomData};

/// A column type; names and meaning are Flink's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataType {
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`
    TinyInt,
    /// `SMALLINT`
    SmallInt,
    /// `INT`
    Int,
    /// `BIGINT`
    BigInt,
    /// `FLOAT`
    Float,
    /// `DOUBLE`
    Double,
    /// `DECIMAL(precision, scale)`
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `STRING`
    String,
    /// `BYTES`
    Bytes,
    /// `DATE`
    Date,
    /// `TIME(digits of fractional seconds)`
    Time(u8),
    /// `TIMESTAMP(digits of fractional seconds)`: wall-clock time without a zone
    Timestamp(u8),
    /// `TIMESTAMP_LTZ(digits of fractional seconds)`: an instant
    TimestampLtz(u8),
    /// `ARRAY<element>`
    Array(Box<Field>),
    /// `MAP<key, value>`
    Map(Box<Field>, Box<Field>),
    /// `ROW<fields>`
    Row(Vec<Field>),
}

/// A column, or a part of a nested column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Type.
    pub data_type: DataType,
    /// Whether values may be NULL.
    pub nullable: bool,
}

impl Field {
    /// A field.
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type, nullable }
    }

    /// The fields that this one is made of.
    pub fn children(&self) -> Vec<&Field> {
        match &self.data_type {
            DataType::Array(element) => vec![element],
            DataType::Map(key, value) => vec![key, value],
            DataType::Row(fields) => fields.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// This field and all its descendants.
    pub(crate) fn flat_len(&self) -> usize {
        1 + match &self.data_type {
            DataType::Array(element) => element.flat_len(),
            DataType::Map(key, value) => key.flat_len() + value.flat_len(),
            DataType::Row(fields) => fields.iter().map(Field::flat_len).sum(),
            _ => 0,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = |nullable: bool| if nullable { "" } else { " NOT NULL" };
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
            Self::Time(precision) => write!(f, "TIME({precision})"),
            Self::Timestamp(precision) => write!(f, "TIMESTAMP({precision})"),
            Self::TimestampLtz(precision) => write!(f, "TIMESTAMP_LTZ({precision})"),
            Self::Array(e) => write!(f, "ARRAY<{}{}>", e.data_type, null(e.nullable)),
            Self::Map(k, v) => write!(f, "MAP<{}{}, {}{}>", k.data_type, null(k.nullable), v.data_type, null(v.nullable)),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}`{}` {}{}", field.name, field.data_type, null(field.nullable))?;
                }
                f.write_str(">")
            }
        }
    }
}

/// Columns in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<Field>,
    /// Position of each column in the flat list of the contract.
    starts: Vec<usize>,
    flat_len: usize,
}

impl Schema {
    /// A schema without columns, to add some.
    pub fn new() -> Self {
        Self::default()
    }

    /// The columns in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Finds an input column and checks that it holds `T`. Null values are possible if it is declared nullable.
    ///
    /// # Errors
    /// No such column, or one of another type.
    pub fn column<T: ColumnType + ?Sized>(&self, name: &str) -> Result<Col<T>> {
        let index = self.index_of(name)?;
        let found = &self.fields[index].data_type;
        if !T::accepts(found) {
            return Err(Error::new(format!("column `{name}` is {found}, the plugin expects {}", T::data_type())));
        }
        Ok(Col { index, kind: PhantomData })
    }

    /// As [`Schema::column`], and the column must be declared NOT NULL.
    ///
    /// # Errors
    /// No such column, one of another type, or one that may hold NULL.
    pub fn column_not_null<T: ColumnType + ?Sized>(&self, name: &str) -> Result<Col<T>> {
        let column = self.column(name)?;
        if self.fields[column.index].nullable {
            return Err(Error::new(format!(
                "column `{name}` may be NULL; declare it NOT NULL in the table, or read it as optional in the plugin"
            )));
        }
        Ok(column)
    }

    /// Position of the column of this name.
    ///
    /// # Errors
    /// No such column; the message lists those that are there.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        self.fields.iter().position(|f| f.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.fields.iter().map(|f| f.name.as_str()).collect();
            Error::new(format!("the input has no column `{name}`; it has {}", names.join(", ")))
        })
    }

    /// Adds an output column that is never NULL.
    pub fn required<T: ColumnType + ?Sized>(&mut self, name: &str) -> OutCol<T> {
        self.typed(name, false)
    }

    /// Adds an output column that may be NULL.
    pub fn optional<T: ColumnType + ?Sized>(&mut self, name: &str) -> OutCol<T> {
        self.typed(name, true)
    }

    fn typed<T: ColumnType + ?Sized>(&mut self, name: &str, nullable: bool) -> OutCol<T> {
        let OutAny { index } = self.push(Field::new(name, T::data_type(), nullable));
        OutCol { index, kind: PhantomData }
    }

    /// Adds an output column of any type.
    pub fn push(&mut self, field: Field) -> OutAny {
        self.starts.push(self.flat_len);
        self.flat_len += field.flat_len();
        self.fields.push(field);
        OutAny { index: self.fields.len() - 1 }
    }

    pub(crate) fn start(&self, index: usize) -> usize {
        self.starts[index]
    }

    pub(crate) fn flat_len(&self) -> usize {
        self.flat_len
    }
}

impl FromIterator<Field> for Schema {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let mut schema = Self::new();
        for field in fields {
            schema.push(field);
        }
        schema
    }
}

pub(crate) fn flatten(schema: &Schema) -> wit::Schema {
    fn add(field: &Field, flat: &mut Vec<wit::Field>) {
        let children = field.children();
        flat.push(wit::Field {
            name: field.name.clone(),
            data_type: to_wit(&field.data_type),
            nullable: field.nullable,
            children: children.len() as u32,
        });
        children.into_iter().for_each(|child| add(child, flat));
    }
    let mut fields = Vec::with_capacity(schema.flat_len);
    schema.fields.iter().for_each(|field| add(field, &mut fields));
    wit::Schema { fields }
}

/// The tree of a flat schema.
pub(crate) fn restore(schema: wit::Schema) -> Result<Schema> {
    let mut flat = schema.fields.into_iter();
    let mut fields = Vec::new();
    while let Some(field) = flat.next() {
        fields.push(restore_field(field, &mut flat)?);
    }
    Ok(fields.into_iter().collect())
}

fn restore_field(field: wit::Field, flat: &mut impl Iterator<Item = wit::Field>) -> Result<Field> {
    let mut children = Vec::new();
    for _ in 0..field.children {
        let child = flat.next().ok_or_else(|| Error::new(format!("the host's schema ends inside column `{}`", field.name)))?;
        children.push(restore_field(child, flat)?);
    }
    let data_type = from_wit(field.data_type, children)
        .ok_or_else(|| Error::new(format!("the host's schema gives column `{}` a wrong number of parts", field.name)))?;
    Ok(Field::new(field.name, data_type, field.nullable))
}

fn to_wit(data_type: &DataType) -> wit::DataType {
    match data_type {
        DataType::Boolean => wit::DataType::Boolean,
        DataType::TinyInt => wit::DataType::Tinyint,
        DataType::SmallInt => wit::DataType::Smallint,
        DataType::Int => wit::DataType::Int,
        DataType::BigInt => wit::DataType::Bigint,
        DataType::Float => wit::DataType::Float,
        DataType::Double => wit::DataType::Double,
        DataType::Decimal { precision, scale } => wit::DataType::Decimal(wit::DecimalType { precision: *precision, scale: *scale }),
        DataType::String => wit::DataType::Utf8,
        DataType::Bytes => wit::DataType::Bytes,
        DataType::Date => wit::DataType::Date,
        DataType::Time(precision) => wit::DataType::Time(*precision),
        DataType::Timestamp(precision) => wit::DataType::Timestamp(*precision),
        DataType::TimestampLtz(precision) => wit::DataType::TimestampLtz(*precision),
        DataType::Array(_) => wit::DataType::Array,
        DataType::Map(..) => wit::DataType::Map,
        DataType::Row(_) => wit::DataType::Row,
    }
}

fn from_wit(data_type: wit::DataType, children: Vec<Field>) -> Option<DataType> {
    let nested = matches!(data_type, wit::DataType::Array | wit::DataType::Map | wit::DataType::Row);
    if !nested && !children.is_empty() {
        return None;
    }
    let mut children = children.into_iter();
    let restored = match data_type {
        wit::DataType::Boolean => DataType::Boolean,
        wit::DataType::Tinyint => DataType::TinyInt,
        wit::DataType::Smallint => DataType::SmallInt,
        wit::DataType::Int => DataType::Int,
        wit::DataType::Bigint => DataType::BigInt,
        wit::DataType::Float => DataType::Float,
        wit::DataType::Double => DataType::Double,
        wit::DataType::Decimal(d) => DataType::Decimal { precision: d.precision, scale: d.scale },
        wit::DataType::Utf8 => DataType::String,
        wit::DataType::Bytes => DataType::Bytes,
        wit::DataType::Date => DataType::Date,
        wit::DataType::Time(precision) => DataType::Time(precision),
        wit::DataType::Timestamp(precision) => DataType::Timestamp(precision),
        wit::DataType::TimestampLtz(precision) => DataType::TimestampLtz(precision),
        wit::DataType::Array => DataType::Array(Box::new(children.next()?)),
        wit::DataType::Map => DataType::Map(Box::new(children.next()?), Box::new(children.next()?)),
        wit::DataType::Row => DataType::Row(children.by_ref().collect()),
    };
    children.next().is_none().then_some(restored)
}
