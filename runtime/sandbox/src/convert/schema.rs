//! Schemas across the border: our nested types ⇄ the contract's depth-first list of fields.

use super::Invalid;
use crate::bindings::{DecimalType, FieldParam, FieldResult, SchemaResult, WitType};
use crate::limits::OperatorLimits;
use millrace_model::data_type::{DataType, Element, NESTING_MAX, RowField};
use millrace_model::{Field, Schema};

/// A schema flattened for the guest.
pub(crate) struct SchemaForGuest<'a> {
    fields: Vec<FieldParam<'a>>,
}

impl<'a> SchemaForGuest<'a> {
    /// # Errors
    /// A type that the contract does not have.
    pub fn new(schema: &'a Schema) -> Result<Self, Invalid> {
        let mut fields = Vec::new();
        for field in schema.fields() {
            flatten(&field.name, &field.data_type, field.nullable, &mut fields).map_err(|e| e.in_column(&field.name))?;
        }
        Ok(Self { fields })
    }

    pub fn fields(&self) -> &[FieldParam<'a>] {
        &self.fields
    }
}

fn flatten<'a>(name: &'a str, data_type: &'a DataType, nullable: bool, into: &mut Vec<FieldParam<'a>>) -> Result<(), Invalid> {
    use WitType as W;
    let (wit, children) = match data_type {
        DataType::Boolean => (W::Boolean, 0),
        DataType::TinyInt => (W::Tinyint, 0),
        DataType::SmallInt => (W::Smallint, 0),
        DataType::Int => (W::Int, 0),
        DataType::BigInt => (W::Bigint, 0),
        DataType::Float => (W::Float, 0),
        DataType::Double => (W::Double, 0),
        DataType::Decimal { precision, scale } => (W::Decimal(DecimalType { precision: *precision, scale: *scale }), 0),
        DataType::String => (W::Utf8, 0),
        DataType::Bytes => (W::Bytes, 0),
        DataType::Date => (W::Date, 0),
        DataType::Time { precision } => (W::Time(*precision), 0),
        DataType::Timestamp { precision } => (W::Timestamp(*precision), 0),
        DataType::TimestampLtz { precision } => (W::TimestampLtz(*precision), 0),
        DataType::Array(_) => (W::Array, 1),
        DataType::Map(..) => (W::Map, 2),
        DataType::Row(fields) => (W::Row, fields.len() as u32),
        DataType::Multiset(_)
        | DataType::Bitmap
        | DataType::IntervalYearMonth
        | DataType::IntervalDayTime
        | DataType::Variant
        | DataType::Null => {
            return Err(Invalid::new(format!("is {data_type}, which plugins cannot be given; cast it to a type of the contract first")));
        }
    };
    into.push(FieldParam { name, data_type: wit, nullable, children });
    match data_type {
        DataType::Array(element) => flatten("item", &element.data_type, element.nullable, into),
        DataType::Map(key, value) => {
            flatten("key", &key.data_type, false, into)?;
            flatten("value", &value.data_type, value.nullable, into)
        }
        DataType::Row(fields) => fields.iter().try_for_each(|f| flatten(&f.name, &f.data_type, f.nullable, into)),
        _ => Ok(()),
    }
}

/// The schema that a guest declared.
pub(crate) fn schema_from_guest(declared: SchemaResult, limits: &OperatorLimits) -> Result<Schema, Invalid> {
    let found = declared.fields.len();
    if found == 0 {
        return Err(Invalid::new("the output schema has no columns"));
    }
    let fields = fields_from_guest(declared.fields, "the output schema", limits)?;
    Schema::new(fields).map_err(|e| Invalid::new(format!("the output schema is wrong: {e}")))
}

/// Fields that a guest declared, of whatever names; there may be none.
pub(crate) fn fields_from_guest(declared: Vec<FieldResult>, of: &str, limits: &OperatorLimits) -> Result<Vec<Field>, Invalid> {
    let found = declared.len();
    if found > limits.columns_max {
        let max = limits.columns_max;
        return Err(Invalid::new(format!("{of} has {found} columns (nested ones counted), at most {max} are allowed")));
    }
    let mut rest = declared.into_iter();
    let mut fields = Vec::new();
    while let Some(field) = rest.next() {
        let (name, nullable) = (field.name.clone(), field.nullable);
        let data_type = nested(field, &mut rest, 1, limits).map_err(|e| prefixed(e, of, &name))?;
        fields.push(Field::new(name, data_type, nullable));
    }
    Ok(fields)
}

/// How many columns of the contract carry these.
pub(crate) fn flat_columns(schema: &Schema) -> usize {
    // Checked schemas have only types of the contract.
    SchemaForGuest::new(schema).map_or(0, |flat| flat.fields().len())
}

fn prefixed(error: Invalid, of: &str, name: &str) -> Invalid {
    let shown = crate::log::cut(name, 64);
    Invalid { message: format!("{of} is wrong: {}", error.in_column(&shown).message), row: None }
}

fn nested(
    field: FieldResult,
    rest: &mut std::vec::IntoIter<FieldResult>,
    level: usize,
    limits: &OperatorLimits,
) -> Result<DataType, Invalid> {
    use WitType as W;
    if level > NESTING_MAX {
        return Err(Invalid::new(format!("types are nested more than {NESTING_MAX} deep")));
    }
    if field.name.len() > limits.name_bytes_max {
        return Err(Invalid::new(format!("the name has {} bytes, at most {} are allowed", field.name.len(), limits.name_bytes_max)));
    }
    let children_expected = match field.data_type {
        W::Array => 1,
        W::Map => 2,
        W::Row => field.children.max(1),
        _ => 0,
    };
    if field.children != children_expected {
        return Err(Invalid::new(format!("{} children, expected {children_expected}", field.children)));
    }
    let mut child = |what: &str| {
        let field = rest.next().ok_or_else(|| Invalid::new(format!("{what} is missing: the list of fields ends early")))?;
        let (name, nullable) = (field.name.clone(), field.nullable);
        let data_type = nested(field, rest, level + 1, limits)?;
        Ok::<_, Invalid>(RowField { name, data_type, nullable })
    };
    Ok(match field.data_type {
        W::Boolean => DataType::Boolean,
        W::Tinyint => DataType::TinyInt,
        W::Smallint => DataType::SmallInt,
        W::Int => DataType::Int,
        W::Bigint => DataType::BigInt,
        W::Float => DataType::Float,
        W::Double => DataType::Double,
        W::Decimal(DecimalType { precision, scale }) => {
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(Invalid::new(format!(
                    "DECIMAL({precision}, {scale}) is not a type; precision is 1 to 38, scale at most precision"
                )));
            }
            DataType::Decimal { precision, scale }
        }
        W::Utf8 => DataType::String,
        W::Bytes => DataType::Bytes,
        W::Date => DataType::Date,
        W::Time(precision) => DataType::Time { precision: fraction(precision)? },
        W::Timestamp(precision) => DataType::Timestamp { precision: fraction(precision)? },
        W::TimestampLtz(precision) => DataType::TimestampLtz { precision: fraction(precision)? },
        W::Array => DataType::Array(Box::new(element(child("the element")?))),
        W::Map => {
            let key = child("the key")?;
            if key.nullable {
                return Err(Invalid::new("map keys must be NOT NULL"));
            }
            DataType::Map(Box::new(element(key)), Box::new(element(child("the value")?)))
        }
        W::Row => {
            let mut fields: Vec<RowField> = Vec::new();
            for _ in 0..field.children {
                let next = child("a field")?;
                if next.name.is_empty() || fields.iter().any(|known| known.name == next.name) {
                    return Err(Invalid::new(format!("field `{}` of the row is empty or declared twice", next.name)));
                }
                fields.push(next);
            }
            DataType::Row(fields)
        }
    })
}

fn element(field: RowField) -> Element {
    Element { data_type: field.data_type, nullable: field.nullable }
}

fn fraction(precision: u8) -> Result<u8, Invalid> {
    if precision <= 9 { Ok(precision) } else { Err(Invalid::new(format!("{precision} fraction digits, at most 9 are allowed"))) }
}
