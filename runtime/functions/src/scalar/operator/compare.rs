//! Comparison of columns that have comparable carriers.
//!
//! Floating-point numbers compare as in Java: NaN is neither equal to, less nor greater than anything, and -0.0 = 0.0.
//! Arrays and maps with a NULL inside are equal to nothing; a NULL field of a row is equal to a NULL field.

use super::kernel::{like, test, test_rows};
use crate::{Columnar, EvaluationError, cast::POWERS_OF_TEN};
use arrow_array::{
    Array, BooleanArray,
    cast::AsArray,
    types::{Decimal128Type, Float32Type, Float64Type},
};
use arrow_ord::{cmp, ord::make_comparator};
use arrow_schema::{DataType as Arrow, SortOptions};
use std::{cmp::Ordering, sync::Arc};

/// A question about two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scalar) enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

macro_rules! floats {
    ($type:ty, $left:expr, $right:expr, $order:expr) => {
        match $order {
            Order::Equal => test::<$type>($left, $right, |a, b| a == b),
            Order::NotEqual => test::<$type>($left, $right, |a, b| a != b),
            Order::Less => test::<$type>($left, $right, |a, b| a < b),
            Order::LessOrEqual => test::<$type>($left, $right, |a, b| a <= b),
            Order::Greater => test::<$type>($left, $right, |a, b| a > b),
            Order::GreaterOrEqual => test::<$type>($left, $right, |a, b| a >= b),
        }
    };
}

/// Asks for every row of two columns; NULL where either is NULL.
pub(in crate::scalar) fn compare(left: &Columnar, right: &Columnar, order: Order) -> Result<Columnar, EvaluationError> {
    match (left.inner().data_type(), right.inner().data_type()) {
        (Arrow::Float32, _) => floats!(Float32Type, left, right, order),
        (Arrow::Float64, _) => floats!(Float64Type, left, right, order),
        (Arrow::Decimal128(_, s1), Arrow::Decimal128(_, s2)) => decimals(left, right, (*s1, *s2), order),
        (Arrow::List(_) | Arrow::Map(..) | Arrow::Struct(_), _) => nested(left, right, order),
        _ => {
            let result: BooleanArray = match order {
                Order::Equal => cmp::eq(left, right),
                Order::NotEqual => cmp::neq(left, right),
                Order::Less => cmp::lt(left, right),
                Order::LessOrEqual => cmp::lt_eq(left, right),
                Order::Greater => cmp::gt(left, right),
                Order::GreaterOrEqual => cmp::gt_eq(left, right),
            }?;
            Ok(like(&[left, right], Arc::new(result)))
        }
    }
}

fn decimals(left: &Columnar, right: &Columnar, (s1, s2): (i8, i8), order: Order) -> Result<Columnar, EvaluationError> {
    if s1 == s2 {
        return test::<Decimal128Type>(left, right, |a, b| order.holds(a.cmp(&b)));
    }
    let unit = POWERS_OF_TEN[usize::from(s1.abs_diff(s2)).min(38)];
    // What overflows by the scaling is beyond any decimal of the other side.
    let scaled = |value: i128, other: i128| value.checked_mul(unit).map_or_else(|| value.cmp(&0), |value| value.cmp(&other));
    test::<Decimal128Type>(left, right, |a, b| order.holds(if s1 < s2 { scaled(a, b) } else { scaled(b, a).reverse() }))
}

/// Only `=` and `<>` come here.
fn nested(left: &Columnar, right: &Columnar, order: Order) -> Result<Columnar, EvaluationError> {
    let equality = Equality::new(left.inner().as_ref(), right.inner().as_ref())?;
    let if_equal = order == Order::Equal;
    Ok(test_rows(left, right, |i, j| equality.equal(i, j) == if_equal))
}

/// Equality of values of two columns of the same shape.
enum Equality<'a> {
    Plain(Box<dyn Fn(usize, usize) -> Ordering + Send + Sync + 'a>),
    Lists { left: &'a dyn Array, right: &'a dyn Array, values: Box<Equality<'a>>, offsets: (&'a [i32], &'a [i32]) },
    Maps { maps: (&'a arrow_array::MapArray, &'a arrow_array::MapArray), keys: Box<Equality<'a>>, values: Box<Equality<'a>> },
    Rows(Vec<(&'a dyn Array, &'a dyn Array, Equality<'a>)>),
}

impl<'a> Equality<'a> {
    fn new(left: &'a dyn Array, right: &'a dyn Array) -> Result<Self, EvaluationError> {
        Ok(match (left.data_type(), right.data_type()) {
            (Arrow::Float32, Arrow::Float32) => {
                let (a, b) = (left.as_primitive::<Float32Type>(), right.as_primitive::<Float32Type>());
                Self::Plain(Box::new(|i, j| if a.value(i) == b.value(j) { Ordering::Equal } else { Ordering::Less }))
            }
            (Arrow::Float64, Arrow::Float64) => {
                let (a, b) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
                Self::Plain(Box::new(|i, j| if a.value(i) == b.value(j) { Ordering::Equal } else { Ordering::Less }))
            }
            (Arrow::List(_), Arrow::List(_)) => {
                let (a, b) = (left.as_list::<i32>(), right.as_list::<i32>());
                let (left, right) = (a.values().as_ref(), b.values().as_ref());
                let values = Box::new(Self::new(left, right)?);
                Self::Lists { left, right, values, offsets: (a.value_offsets(), b.value_offsets()) }
            }
            (Arrow::Map(..), Arrow::Map(..)) => {
                let (a, b) = (left.as_map(), right.as_map());
                let keys = Box::new(Self::new(a.keys().as_ref(), b.keys().as_ref())?);
                Self::Maps { maps: (a, b), keys, values: Box::new(Self::new(a.values().as_ref(), b.values().as_ref())?) }
            }
            (Arrow::Struct(_), Arrow::Struct(_)) => {
                let (a, b) = (left.as_struct(), right.as_struct());
                let fields = a.columns().iter().zip(b.columns());
                Self::Rows(fields.map(|(a, b)| Ok((a.as_ref(), b.as_ref(), Self::new(a, b)?))).collect::<Result<_, EvaluationError>>()?)
            }
            _ => Self::Plain(make_comparator(left, right, SortOptions::default())?),
        })
    }

    /// Whether two values, neither of them NULL, are equal.
    fn equal(&self, i: usize, j: usize) -> bool {
        match self {
            Self::Plain(compare) => compare(i, j).is_eq(),
            Self::Lists { left, right, values, offsets } => {
                let range = |offsets: &[i32], at: usize| offsets[at] as usize..offsets[at + 1] as usize;
                let (a, b) = (range(offsets.0, i), range(offsets.1, j));
                a.len() == b.len() && a.zip(b).all(|(a, b)| left.is_valid(a) && right.is_valid(b) && values.equal(a, b))
            }
            Self::Maps { maps: (left, right), keys, values } => {
                let range = |offsets: &[i32], at: usize| offsets[at] as usize..offsets[at + 1] as usize;
                let (a, b) = (range(left.value_offsets(), i), range(right.value_offsets(), j));
                let (here, there) = (left.values(), right.values());
                let has_pair =
                    |a: usize| b.clone().any(|b| keys.equal(a, b) && here.is_valid(a) && there.is_valid(b) && values.equal(a, b));
                a.len() == b.len() && a.clone().all(has_pair)
            }
            Self::Rows(fields) => fields.iter().all(|(left, right, values)| match (left.is_null(i), right.is_null(j)) {
                (true, true) => true,
                (false, false) => values.equal(i, j),
                _ => false,
            }),
        }
    }
}
