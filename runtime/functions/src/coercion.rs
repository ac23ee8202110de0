//! Which types meet in which: Flink's implicit conversions.

use millrace_model::{
    DataType,
    data_type::{Element, RowField},
};

pub mod decimal;

/// The type in which values of both types meet (`CASE`, `UNION`, `ARRAY[…]`), as Calcite's `leastRestrictive` with
/// Flink's type system; `None` when there is none.
///
/// The order counts: of `FLOAT` and `DOUBLE`, and of `TIMESTAMP` and `TIMESTAMP_LTZ`, the first wins.
pub fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Array, Double, Float, Map, Multiset, Null, Row, Time, Timestamp, TimestampLtz};
    if left == right {
        return Some(left.clone());
    }
    Some(match (left, right) {
        (Null, other) | (other, Null) => other.clone(),
        (Double | Float, DataType::Decimal { .. }) | (DataType::Decimal { .. }, Double | Float) => Double,
        (approximate @ (Double | Float), other) | (other, approximate @ (Double | Float)) if is_numeric(other) => approximate.clone(),
        (left, right) if is_integer(left) && is_integer(right) => wider_integer(left, right),
        (left, right) if is_exact(left) && is_exact(right) => decimal::union(decimal::of_exact(left)?, decimal::of_exact(right)?).into(),
        (Time { precision: a }, Time { precision: b }) => Time { precision: *a.max(b) },
        (Timestamp { precision: a }, Timestamp { precision: b } | TimestampLtz { precision: b }) => Timestamp { precision: *a.max(b) },
        (TimestampLtz { precision: a }, TimestampLtz { precision: b } | Timestamp { precision: b }) => {
            TimestampLtz { precision: *a.max(b) }
        }
        (Array(a), Array(b)) => Array(Box::new(common_element(a, b)?)),
        (Multiset(a), Multiset(b)) => Multiset(Box::new(common_element(a, b)?)),
        (Map(ka, va), Map(kb, vb)) => Map(Box::new(common_element(ka, kb)?), Box::new(common_element(va, vb)?)),
        (Row(a), Row(b)) if a.len() == b.len() => {
            let fields = a.iter().zip(b).map(|(a, b)| {
                Some(RowField {
                    name: a.name.clone(),
                    data_type: common_type(&a.data_type, &b.data_type)?,
                    nullable: a.nullable || b.nullable,
                })
            });
            Row(fields.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

/// The type in which arguments of `COALESCE`, `IFNULL`, `GREATEST` and `LEAST` meet. It differs from [`common_type`]:
/// `FLOAT` with `DOUBLE` is `DOUBLE`, `TIMESTAMP` with `TIMESTAMP_LTZ` is `TIMESTAMP_LTZ`, and `DATE` with either is `DATE`.
pub fn merged_type(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Date, Double, Float, Timestamp, TimestampLtz};
    match (left, right) {
        (Float, Double) | (Double, Float) => Some(Double),
        (Date, Timestamp { .. } | TimestampLtz { .. }) | (Timestamp { .. } | TimestampLtz { .. }, Date) => Some(Date),
        (Timestamp { precision: a }, TimestampLtz { precision: b }) => Some(TimestampLtz { precision: *a.max(b) }),
        _ => common_type(left, right),
    }
}

/// The wider of two integer types.
pub fn wider_integer(left: &DataType, right: &DataType) -> DataType {
    if integer_rank(left) < integer_rank(right) { right.clone() } else { left.clone() }
}

fn common_element(left: &Element, right: &Element) -> Option<Element> {
    Some(Element { data_type: common_type(&left.data_type, &right.data_type)?, nullable: left.nullable || right.nullable })
}

/// The common type of several; `None` when there is none or no type is given.
pub fn common_type_of<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |common, next| common_type(&common, next))
}

/// Whether a value of type `from` may be used where `to` is expected without a written cast.
pub fn is_implicit(from: &DataType, to: &DataType) -> bool {
    use DataType::{Date, Double, Float, Null, Row, Time, Timestamp, TimestampLtz};
    if from == to {
        return true;
    }
    match (from, to) {
        (Null, _) => true,
        (from, to) if is_integer(from) && is_integer(to) => integer_rank(from) <= integer_rank(to),
        (from, Float | Double) if is_exact(from) => true,
        (Float, Double) => true,
        (from, DataType::Decimal { .. }) if is_exact(from) => true,
        (Time { .. }, Time { .. }) => true,
        (Date | Timestamp { .. } | TimestampLtz { .. }, Timestamp { .. } | TimestampLtz { .. }) => true,
        (DataType::Array(a), DataType::Array(b)) | (DataType::Multiset(a), DataType::Multiset(b)) => {
            is_implicit(&a.data_type, &b.data_type)
        }
        (DataType::Map(ka, va), DataType::Map(kb, vb)) => {
            is_implicit(&ka.data_type, &kb.data_type) && is_implicit(&va.data_type, &vb.data_type)
        }
        (Row(a), Row(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_implicit(&a.data_type, &b.data_type)),
        _ => false,
    }
}

/// `TINYINT` to `BIGINT`.
pub fn is_integer(data_type: &DataType) -> bool {
    integer_rank(data_type) > 0
}

/// An integer or a decimal.
pub fn is_exact(data_type: &DataType) -> bool {
    is_integer(data_type) || matches!(data_type, DataType::Decimal { .. })
}

/// A number of any kind.
pub fn is_numeric(data_type: &DataType) -> bool {
    is_exact(data_type) || matches!(data_type, DataType::Float | DataType::Double)
}

/// An interval of either kind.
pub fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::IntervalYearMonth | DataType::IntervalDayTime)
}

fn integer_rank(data_type: &DataType) -> u8 {
    match data_type {
        DataType::TinyInt => 1,
        DataType::SmallInt => 2,
        DataType::Int => 3,
        DataType::BigInt => 4,
        _ => 0,
    }
}
