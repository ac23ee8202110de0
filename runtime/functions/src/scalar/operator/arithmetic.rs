//! `+ - * / %`, `MOD`, unary minus and plus: which types they take, and numbers. Intervals and points in time are in
//! `temporal`, decimals in `decimal`.
//!
//! Integers wrap; integer division cuts toward zero; division of exact numbers by zero is an error, of floating-point
//! numbers infinity or NaN. All as in Java.

use super::{
    decimal,
    kernel::{binary, like, try_binary, unary},
    temporal,
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    coercion::{self, common_type, is_exact, is_integer, is_interval, is_numeric},
    scalar::{Builtin, Call, signature::refused},
};
use arrow_array::types::{ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_schema::DataType as Arrow;
use millrace_model::DataType;
use std::sync::Arc;

/// An operator on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

impl Operator {
    fn sign(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    /// The error of a division by zero.
    pub(super) fn by_zero(self) -> EvaluationError {
        EvaluationError(format!("division by zero (`{}`)", self.sign()))
    }
}

macro_rules! operator {
    ($name:literal, $operator:expr) => {
        Builtin {
            name: $name,
            resolve: |arguments| resolve($name, $operator, arguments),
            evaluate: |call| evaluate($operator, call),
            deterministic: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    operator!("+", Operator::Plus),
    operator!("-", Operator::Minus),
    operator!("*", Operator::Times),
    operator!("/", Operator::Divide),
    operator!("%", Operator::Modulo),
    operator!("MOD", Operator::Modulo),
    Builtin { name: "NEGATE", resolve: |arguments| resolve_sign("-", arguments), evaluate: negate, deterministic: true },
    Builtin {
        name: "IDENTITY",
        resolve: |arguments| resolve_sign("+", arguments),
        evaluate: |call| call.arguments.first().cloned().ok_or_else(|| EvaluationError("a number is missing".to_owned())),
        deterministic: true,
    },
];

fn resolve(name: &str, operator: Operator, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let [left, right] = arguments else { return Err(refused(name, arguments, "two numbers")) };
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    // NULL is read as the other side's type.
    let (a, b) = match (&left.typed.data_type, &right.typed.data_type) {
        (DataType::Null, DataType::Null) => (&DataType::Int, &DataType::Int),
        (DataType::Null, other) | (other, DataType::Null) if is_numeric(other) => (other, other),
        other => other,
    };
    if let Some((operands, result)) = temporal::resolve(operator, a, b) {
        return Ok(Resolution { arguments: operands.into(), result: Typed::new(result, nullable) });
    }
    let (operands, result) = number_types(operator, a, b).ok_or_else(|| {
        let takes = match operator {
            Operator::Plus | Operator::Minus => "two numbers, two intervals, or a date, time or timestamp and an interval",
            Operator::Times => "two numbers, or an interval and an integer",
            Operator::Divide => "two numbers",
            Operator::Modulo => "two exact numbers",
        };
        refused(name, arguments, takes)
    })?;
    Ok(Resolution { arguments: operands.into(), result: Typed::new(result, nullable) })
}

/// Types of the operands and of the result; `None` when the operator does not take them.
fn number_types(operator: Operator, left: &DataType, right: &DataType) -> Option<([DataType; 2], DataType)> {
    if !is_numeric(left) || !is_numeric(right) {
        return None;
    }
    if is_integer(left) && is_integer(right) {
        let common = common_type(left, right)?;
        // The remainder has the type of what it is divided by.
        let result = if operator == Operator::Modulo { right.clone() } else { common.clone() };
        return Some(([common.clone(), common], result));
    }
    if is_exact(left) && is_exact(right) {
        let (a, b) = (coercion::decimal::of_exact(left)?, coercion::decimal::of_exact(right)?);
        let result = match operator {
            Operator::Plus | Operator::Minus => coercion::decimal::addition(a, b),
            Operator::Times => coercion::decimal::multiplication(a, b),
            Operator::Divide => coercion::decimal::division(a, b),
            // Of whole numbers the remainder has the type of what it is divided by.
            Operator::Modulo if a.scale == 0 && b.scale == 0 => return Some(([a.into(), b.into()], right.clone())),
            Operator::Modulo => coercion::decimal::modulo(a, b),
        };
        return Some(([a.into(), b.into()], result.into()));
    }
    if operator == Operator::Modulo {
        return None;
    }
    let common = common_type(left, right)?;
    Some(([common.clone(), common.clone()], common))
}

fn evaluate(operator: Operator, call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let [left, right] = call.arguments else { return Err(EvaluationError("an operator needs two values".to_owned())) };
    if let Some(result) = temporal::evaluate(operator, call)? {
        return Ok(result);
    }
    match left.inner().data_type() {
        Arrow::Int8 => integers::<Int8Type>(operator, left, right),
        Arrow::Int16 => integers::<Int16Type>(operator, left, right),
        Arrow::Int32 => integers::<Int32Type>(operator, left, right),
        Arrow::Int64 => integers::<Int64Type>(operator, left, right),
        Arrow::Float32 => floats::<Float32Type>(operator, left, right),
        Arrow::Float64 => floats::<Float64Type>(operator, left, right),
        Arrow::Decimal128(..) => decimal::evaluate(operator, call),
        other => Err(EvaluationError(format!("`{}` found {other}, expected a number", operator.sign()))),
    }
    .and_then(|result| narrowed(result, &call.result.data_type))
}

/// The remainder of a division is computed in the common type and can be of a narrower one.
fn narrowed(result: Columnar, wanted: &DataType) -> Result<Columnar, EvaluationError> {
    macro_rules! narrow {
        ($type:ty, $native:ty) => {
            match result.inner().data_type() {
                Arrow::Int64 => unary::<Int64Type, $type>(&result, |v| v as $native),
                Arrow::Int32 => unary::<Int32Type, $type>(&result, |v| v as $native),
                Arrow::Int16 => unary::<Int16Type, $type>(&result, |v| v as $native),
                _ => Ok(result),
            }
        };
    }
    match wanted {
        DataType::TinyInt if *result.inner().data_type() != Arrow::Int8 => narrow!(Int8Type, i8),
        DataType::SmallInt if *result.inner().data_type() != Arrow::Int16 => narrow!(Int16Type, i16),
        DataType::Int if *result.inner().data_type() != Arrow::Int32 => narrow!(Int32Type, i32),
        _ => Ok(result),
    }
}

/// Whole numbers that wrap.
trait Wrapping: Copy + Default + PartialEq {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// Of anything but zero.
    fn over(self, other: Self) -> Self;
    /// Of anything but zero.
    fn modulo(self, other: Self) -> Self;
}

macro_rules! wrapping {
    ($($native:ty),*) => {
        $(impl Wrapping for $native {
            #[inline]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline]
            fn over(self, other: Self) -> Self {
                self.wrapping_div(other)
            }
            #[inline]
            fn modulo(self, other: Self) -> Self {
                self.wrapping_rem(other)
            }
        })*
    };
}

wrapping!(i8, i16, i32, i64);

fn integers<T: ArrowPrimitiveType<Native: Wrapping>>(
    operator: Operator,
    left: &Columnar,
    right: &Columnar,
) -> Result<Columnar, EvaluationError> {
    let divide = |each: fn(T::Native, T::Native) -> T::Native| {
        let zero = <T::Native as Default>::default();
        // A constant divisor is looked at once.
        if let Some(constant) = right.as_scalar()
            && !constant.is_null(0)
            && super::kernel::numbers::<T>(right)?.value(0) != zero
        {
            return binary::<T, T, T>(left, right, each);
        }
        let result = try_binary::<T, T, T>(left, right, |a, b| if b == zero { Err(operator.by_zero()) } else { Ok(Some(each(a, b))) })?;
        Ok(like(&[left, right], Arc::new(result)))
    };
    match operator {
        Operator::Plus => binary::<T, T, T>(left, right, Wrapping::plus),
        Operator::Minus => binary::<T, T, T>(left, right, Wrapping::minus),
        Operator::Times => binary::<T, T, T>(left, right, Wrapping::times),
        Operator::Divide => divide(Wrapping::over),
        Operator::Modulo => divide(Wrapping::modulo),
    }
}

fn floats<T>(operator: Operator, left: &Columnar, right: &Columnar) -> Result<Columnar, EvaluationError>
where
    T: ArrowPrimitiveType,
    T::Native: std::ops::Add<Output = T::Native>
        + std::ops::Sub<Output = T::Native>
        + std::ops::Mul<Output = T::Native>
        + std::ops::Div<Output = T::Native>
        + std::ops::Rem<Output = T::Native>,
{
    match operator {
        Operator::Plus => binary::<T, T, T>(left, right, |a, b| a + b),
        Operator::Minus => binary::<T, T, T>(left, right, |a, b| a - b),
        Operator::Times => binary::<T, T, T>(left, right, |a, b| a * b),
        Operator::Divide => binary::<T, T, T>(left, right, |a, b| a / b),
        Operator::Modulo => binary::<T, T, T>(left, right, |a, b| a % b),
    }
}

fn resolve_sign(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [Argument { typed, .. }] if is_numeric(&typed.data_type) || is_interval(&typed.data_type) => {
            Ok(Resolution { arguments: vec![typed.data_type.clone()], result: (*typed).clone() })
        }
        [Argument { typed, .. }] if typed.data_type == DataType::Null => {
            Ok(Resolution { arguments: vec![DataType::Int], result: Typed::nullable(DataType::Int) })
        }
        _ => Err(refused(name, arguments, "a number or an interval")),
    }
}

fn negate(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let [value] = call.arguments else { return Err(EvaluationError("`-` needs one value".to_owned())) };
    match value.inner().data_type() {
        Arrow::Int8 => unary::<Int8Type, Int8Type>(value, i8::wrapping_neg),
        Arrow::Int16 => unary::<Int16Type, Int16Type>(value, i16::wrapping_neg),
        Arrow::Int32 => unary::<Int32Type, Int32Type>(value, i32::wrapping_neg),
        Arrow::Int64 => unary::<Int64Type, Int64Type>(value, i64::wrapping_neg),
        Arrow::Float32 => unary::<Float32Type, Float32Type>(value, |v| -v),
        Arrow::Float64 => unary::<Float64Type, Float64Type>(value, |v| -v),
        Arrow::Decimal128(p, s) => {
            let negated = super::kernel::numbers::<Decimal128Type>(value)?.unary::<_, Decimal128Type>(|v| -v);
            Ok(like(&[value], Arc::new(negated.with_precision_and_scale(*p, *s)?)))
        }
        other => Err(EvaluationError(format!("`-` found {other}, expected a number"))),
    }
}
