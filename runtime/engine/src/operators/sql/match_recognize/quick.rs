//! Conditions that compare values of rows with each other, evaluated one by one without columns: most patterns ask whether a
//! value is above or below the one before it, and a partition's rows have to be asked one after the other.
//!
//! Invariant: what is answered is what the expression answers. Whatever could be doubtful (NaN, a zero with a sign, types that
//! are not compared bit by bit) is left to the expression.

use arrow_array::{
    Array, ArrayRef,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_schema::{DataType as Arrow, TimeUnit};
use millrace_functions::Expr;
use millrace_model::DataType;
use std::cmp::Ordering;

/// A condition as a small tree over operands.
pub(super) enum Quick {
    Compare(Sign, Value, Value),
    IsNull(usize),
    Truth(usize),
    Not(Box<Quick>),
    And(Vec<Quick>),
    Or(Vec<Quick>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

pub(super) enum Value {
    Operand(usize),
    Constant(ArrayRef),
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell<'a> {
    Null,
    Whole(i64),
    Wide(i128),
    Real(f64),
    Text(&'a str),
    /// There is a value, which is not looked at here.
    Other,
}

/// The expression must say.
pub(super) struct Unsure;

impl Quick {
    /// `None` for what is not compared here.
    pub(super) fn new(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::And(parts) => Some(Self::And(parts.iter().map(Self::new).collect::<Option<_>>()?)),
            Expr::Or(parts) => Some(Self::Or(parts.iter().map(Self::new).collect::<Option<_>>()?)),
            Expr::Column { index, typed } if typed.data_type == DataType::Boolean => Some(Self::Truth(*index)),
            Expr::Call { function, arguments, .. } => match (function.name(), arguments.as_slice()) {
                ("NOT", [part]) => Some(Self::Not(Box::new(Self::new(part)?))),
                ("IS NULL", [Expr::Column { index, .. }]) => Some(Self::IsNull(*index)),
                ("IS NOT NULL", [Expr::Column { index, .. }]) => Some(Self::Not(Box::new(Self::IsNull(*index)))),
                (name, [left, right]) => {
                    let sign = sign(name)?;
                    let data_type = left.typed().data_type;
                    (data_type == right.typed().data_type && is_compared(&data_type, sign))
                        .then(|| Some(Self::Compare(sign, value(left)?, value(right)?)))?
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// TRUE, FALSE or NULL; `operand` finds the column of an operand and the row in it.
    pub(super) fn truth<'a>(&'a self, operand: &impl Fn(usize) -> Option<(&'a ArrayRef, usize)>) -> Result<Option<bool>, Unsure> {
        match self {
            Self::Compare(sign, left, right) => {
                let (left, right) = (left.cell(operand), right.cell(operand));
                if left == Cell::Null || right == Cell::Null {
                    return Ok(None);
                }
                compare(left, right).map(|order| Some(sign.holds(order)))
            }
            Self::IsNull(index) => Ok(Some(cell(operand(*index)) == Cell::Null)),
            Self::Truth(index) => match cell(operand(*index)) {
                Cell::Null => Ok(None),
                Cell::Whole(value) => Ok(Some(value != 0)),
                _ => Err(Unsure),
            },
            Self::Not(part) => Ok(part.truth(operand)?.map(|truth| !truth)),
            Self::And(parts) => joined(parts, operand, false),
            Self::Or(parts) => joined(parts, operand, true),
        }
    }
}

/// AND stops at FALSE, OR at TRUE.
fn joined<'a>(
    parts: &'a [Quick],
    operand: &impl Fn(usize) -> Option<(&'a ArrayRef, usize)>,
    stops_at: bool,
) -> Result<Option<bool>, Unsure> {
    let mut found = Some(!stops_at);
    for part in parts {
        match part.truth(operand)? {
            Some(truth) if truth == stops_at => return Ok(Some(stops_at)),
            Some(_) => {}
            None => found = None,
        }
    }
    Ok(found)
}

fn sign(name: &str) -> Option<Sign> {
    Some(match name {
        "=" => Sign::Equal,
        "<>" => Sign::NotEqual,
        "<" => Sign::Less,
        "<=" => Sign::LessOrEqual,
        ">" => Sign::Greater,
        ">=" => Sign::GreaterOrEqual,
        _ => return None,
    })
}

impl Sign {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn is_whole(data_type: &DataType) -> bool {
    matches!(data_type, DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt)
}

fn is_compared(data_type: &DataType, sign: Sign) -> bool {
    match data_type {
        DataType::String => matches!(sign, Sign::Equal | Sign::NotEqual),
        DataType::Float | DataType::Double | DataType::Date | DataType::Decimal { .. } => true,
        DataType::Timestamp { .. } | DataType::TimestampLtz { .. } => true,
        other => is_whole(other),
    }
}

fn value(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Column { index, .. } => Some(Value::Operand(*index)),
        Expr::Literal { value, is_symbol: false, .. } => Some(Value::Constant(value.clone())),
        // A wider whole number is the same number.
        Expr::Cast { value: inner, typed, is_try: false, .. } => {
            let from = inner.typed().data_type;
            let width = |t: &DataType| [DataType::TinyInt, DataType::SmallInt, DataType::Int, DataType::BigInt].iter().position(|w| w == t);
            (is_whole(&from) && is_whole(&typed.data_type) && width(&from) <= width(&typed.data_type)).then(|| value(inner))?
        }
        _ => None,
    }
}

impl Value {
    fn cell<'a>(&'a self, operand: &impl Fn(usize) -> Option<(&'a ArrayRef, usize)>) -> Cell<'a> {
        match self {
            Self::Operand(index) => cell(operand(*index)),
            Self::Constant(value) => cell(Some((value, 0))),
        }
    }
}

fn cell(place: Option<(&ArrayRef, usize)>) -> Cell<'_> {
    let Some((array, row)) = place else { return Cell::Null };
    if row >= array.len() || array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        Arrow::Boolean => Cell::Whole(array.as_boolean().value(row).into()),
        Arrow::Int8 => Cell::Whole(array.as_primitive::<Int8Type>().value(row).into()),
        Arrow::Int16 => Cell::Whole(array.as_primitive::<Int16Type>().value(row).into()),
        Arrow::Int32 => Cell::Whole(array.as_primitive::<Int32Type>().value(row).into()),
        Arrow::Int64 => Cell::Whole(array.as_primitive::<Int64Type>().value(row)),
        Arrow::Date32 => Cell::Whole(array.as_primitive::<Date32Type>().value(row).into()),
        Arrow::Timestamp(TimeUnit::Second, _) => Cell::Whole(array.as_primitive::<TimestampSecondType>().value(row)),
        Arrow::Timestamp(TimeUnit::Millisecond, _) => Cell::Whole(array.as_primitive::<TimestampMillisecondType>().value(row)),
        Arrow::Timestamp(TimeUnit::Microsecond, _) => Cell::Whole(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        Arrow::Timestamp(TimeUnit::Nanosecond, _) => Cell::Whole(array.as_primitive::<TimestampNanosecondType>().value(row)),
        Arrow::Decimal128(..) => Cell::Wide(array.as_primitive::<Decimal128Type>().value(row)),
        Arrow::Float32 => Cell::Real(array.as_primitive::<Float32Type>().value(row).into()),
        Arrow::Float64 => Cell::Real(array.as_primitive::<Float64Type>().value(row)),
        Arrow::Utf8 => Cell::Text(array.as_string::<i32>().value(row)),
        _ => Cell::Other,
    }
}

fn compare(left: Cell<'_>, right: Cell<'_>) -> Result<Ordering, Unsure> {
    match (left, right) {
        (Cell::Whole(left), Cell::Whole(right)) => Ok(left.cmp(&right)),
        (Cell::Wide(left), Cell::Wide(right)) => Ok(left.cmp(&right)),
        (Cell::Text(left), Cell::Text(right)) => Ok(left.cmp(right)),
        (Cell::Real(left), Cell::Real(right)) if left != 0.0 || right != 0.0 => left.partial_cmp(&right).ok_or(Unsure),
        _ => Err(Unsure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{BooleanArray, Float64Array, Int32Array, Int64Array, StringArray};
    use millrace_functions::{EvaluationContext, FunctionRegistry, Typed, expression::evaluate};
    use std::sync::Arc;

    /// Every pair of values, compared in every way, is what the expression says, or left to it.
    #[test]
    fn answers_are_those_of_the_expression() {
        let functions = FunctionRegistry::builtin();
        let columns: Vec<(DataType, ArrayRef)> = vec![
            (DataType::Int, Arc::new(Int32Array::from(vec![Some(1), None, Some(-5), Some(i32::MAX)]))),
            (DataType::BigInt, Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MIN), Some(7)]))),
            (DataType::Double, Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), Some(f64::NAN), None, Some(1.5)]))),
            (DataType::String, Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("é")]))),
        ];
        let mut sure = 0;
        for (data_type, values) in columns {
            for name in ["=", "<>", "<", "<=", ">", ">="] {
                let column = |index| Expr::column(index, Typed::new(data_type.clone(), true));
                let function = functions.scalar(name).unwrap().clone();
                let arguments = vec![column(0), column(1)];
                let expr = Expr::Call { function, arguments, typed: Typed::new(DataType::Boolean, true) };
                let Some(quick) = Quick::new(&expr) else { continue };
                for left in 0..values.len() {
                    for right in 0..values.len() {
                        let operand = |index| Some((&values, if index == 0 { left } else { right }));
                        let Ok(found) = quick.truth(&operand) else { continue };
                        let rows = [values.slice(left, 1), values.slice(right, 1)];
                        let rows = crate::operators::sql::rows_of(&rows, 1).unwrap();
                        let wanted = evaluate(&expr, &rows, &EvaluationContext::default()).unwrap().to_array(1).unwrap();
                        let wanted: &BooleanArray = wanted.as_boolean();
                        let wanted = wanted.is_valid(0).then(|| wanted.value(0));
                        assert_eq!(found, wanted, "{left} {name} {right} of {data_type}");
                        sure += 1;
                    }
                }
            }
        }
        assert!(sure > 200);
    }

    #[test]
    fn null_is_neither_true_nor_false() {
        let values: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]));
        let truth = |quick: Quick, row: usize| quick.truth(&|_| Some((&values, row))).ok().flatten();
        let (yes, no, null) = (0, 1, 2);
        assert_eq!(truth(Quick::Not(Box::new(Quick::Truth(0))), null), None);
        assert_eq!(truth(Quick::Or(vec![Quick::Truth(0), Quick::IsNull(0)]), null), Some(true));
        assert_eq!(truth(Quick::And(vec![Quick::Truth(0), Quick::IsNull(0)]), null), None);
        assert_eq!(truth(Quick::And(vec![Quick::Truth(0), Quick::IsNull(0)]), no), Some(false));
        assert_eq!(truth(Quick::Truth(0), yes), Some(true));
    }
}
