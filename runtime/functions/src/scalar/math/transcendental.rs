//! Functions over `DOUBLE`: powers, logarithms, angles. Other numbers are read as `DOUBLE`.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    coercion::is_numeric,
    scalar::{
        Builtin, Call,
        operator::kernel::{binary, unary},
        signature::refused,
    },
};
use arrow_array::{Float64Array, types::Float64Type};
use millrace_model::DataType;
use std::sync::Arc;

/// As Java's `Math.toDegrees` and `toRadians` multiply.
const DEGREES_PER_RADIAN: f64 = 57.295_779_513_082_32;
const RADIANS_PER_DEGREE: f64 = 0.017_453_292_519_943_295;

macro_rules! of_one {
    ($name:literal, $each:expr) => {
        Builtin { name: $name, resolve: |arguments| resolve($name, 1, arguments), evaluate: |call| one(call, $each), deterministic: true }
    };
}

macro_rules! constant {
    ($name:literal, $value:expr) => {
        Builtin {
            name: $name,
            resolve: |arguments| resolve($name, 0, arguments),
            evaluate: |_| Ok(Columnar::Scalar(Arc::new(Float64Array::from(vec![$value])))),
            deterministic: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "POWER",
        resolve: |arguments| resolve("POWER", 2, arguments),
        evaluate: |call| two(call, f64::powf),
        deterministic: true,
    },
    Builtin {
        name: "ATAN2",
        resolve: |arguments| resolve("ATAN2", 2, arguments),
        evaluate: |call| two(call, f64::atan2),
        deterministic: true,
    },
    Builtin {
        name: "LOG",
        resolve: |arguments| resolve("LOG", if arguments.len() == 1 { 1 } else { 2 }, arguments),
        evaluate: |call| match call.arguments {
            [_] => one(call, f64::ln),
            _ => two(call, |base, x| x.ln() / base.ln()),
        },
        deterministic: true,
    },
    of_one!("SQRT", f64::sqrt),
    of_one!("LN", f64::ln),
    of_one!("LOG10", f64::log10),
    of_one!("LOG2", |x| x.ln() / std::f64::consts::LN_2),
    of_one!("EXP", f64::exp),
    of_one!("SIN", f64::sin),
    of_one!("SINH", f64::sinh),
    of_one!("COS", f64::cos),
    of_one!("COSH", f64::cosh),
    of_one!("TAN", f64::tan),
    of_one!("TANH", f64::tanh),
    of_one!("COT", |x| 1.0 / x.tan()),
    of_one!("ASIN", f64::asin),
    of_one!("ACOS", f64::acos),
    of_one!("ATAN", f64::atan),
    of_one!("DEGREES", |x| x * DEGREES_PER_RADIAN),
    of_one!("RADIANS", |x| x * RADIANS_PER_DEGREE),
    constant!("PI", std::f64::consts::PI),
    constant!("E", std::f64::consts::E),
];

fn resolve(name: &str, count: usize, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let are_numbers = arguments.iter().all(|a| is_numeric(&a.typed.data_type) || a.typed.data_type == DataType::Null);
    if arguments.len() != count || !are_numbers {
        return Err(refused(name, arguments, &vec!["a number"; count].join(", ")));
    }
    let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
    Ok(Resolution { arguments: vec![DataType::Double; count], result: Typed::new(DataType::Double, nullable) })
}

fn one(call: &Call<'_>, each: impl Fn(f64) -> f64) -> Result<Columnar, EvaluationError> {
    let [x] = call.arguments else { return Err(EvaluationError("a number is missing".to_owned())) };
    unary::<Float64Type, Float64Type>(x, each)
}

fn two(call: &Call<'_>, each: impl Fn(f64, f64) -> f64) -> Result<Columnar, EvaluationError> {
    let [a, b] = call.arguments else { return Err(EvaluationError("a number is missing".to_owned())) };
    binary::<Float64Type, Float64Type, Float64Type>(a, b, each)
}
