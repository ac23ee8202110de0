//! Functions over `DOUBLE`: powers, logarithms, angles. Other numbers are read as `DOUBLE`.
//!
//! Results agree with Java's to the last digit where that can be had: Java computes inverse and hyperbolic functions and the
//! decimal logarithm by the algorithms of fdlibm, the others by code that rounds almost always correctly, as the system's
//! library does.

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
    Builtin { name: "POWER", resolve: |arguments| resolve("POWER", 2, arguments), evaluate: |call| two(call, power), deterministic: true },
    Builtin {
        name: "ATAN2",
        resolve: |arguments| resolve("ATAN2", 2, arguments),
        evaluate: |call| two(call, libm::atan2),
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
    of_one!("SQRT", square_root),
    of_one!("LN", f64::ln),
    of_one!("LOG10", libm::log10),
    of_one!("LOG2", |x| x.ln() / std::f64::consts::LN_2),
    of_one!("EXP", f64::exp),
    of_one!("SIN", f64::sin),
    of_one!("SINH", hyperbolic_sine),
    of_one!("COS", f64::cos),
    of_one!("COSH", hyperbolic_cosine),
    of_one!("TAN", f64::tan),
    of_one!("TANH", hyperbolic_tangent),
    of_one!("COT", |x| 1.0 / x.tan()),
    of_one!("ASIN", libm::asin),
    of_one!("ACOS", libm::acos),
    of_one!("ATAN", libm::atan),
    of_one!("DEGREES", |x| x * DEGREES_PER_RADIAN),
    of_one!("RADIANS", |x| x * RADIANS_PER_DEGREE),
    constant!("PI", std::f64::consts::PI),
    constant!("E", std::f64::consts::E),
];

/// Java multiplies for a square.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent == 2.0 { base * base } else { base.powf(exponent) }
}

/// The power of one half, which has no sign: of -0.0 and of the negative infinity too.
fn square_root(x: f64) -> f64 {
    if x == 0.0 || x.is_infinite() { x.abs() } else { x.sqrt() }
}

/// From here on `exp(x) - exp(-x)` is `exp(x)`.
const EXPONENTIAL_ONLY: f64 = 22.0;
/// Beyond this `exp(x)` is infinite, though half of it is not.
const EXPONENT_MAX: f64 = 709.782_712_893_384;

/// `exp(x) / 2` for large numbers, also where `exp(x)` is infinite.
fn half_exponential(size: f64) -> f64 {
    if size < EXPONENT_MAX {
        return 0.5 * libm::exp(size);
    }
    let root = libm::exp(0.5 * size);
    (0.5 * root) * root
}

fn hyperbolic_sine(x: f64) -> f64 {
    let size = x.abs();
    if size < 2_f64.powi(-28) || x.is_nan() {
        return x;
    }
    if size >= EXPONENTIAL_ONLY {
        return half_exponential(size).copysign(x);
    }
    let half = 0.5_f64.copysign(x);
    let t = libm::expm1(size);
    half * if size < 1.0 { 2.0 * t - t * t / (t + 1.0) } else { t + t / (t + 1.0) }
}

fn hyperbolic_cosine(x: f64) -> f64 {
    let size = x.abs();
    if size < 0.5 * std::f64::consts::LN_2 {
        let t = libm::expm1(size);
        return 1.0 + (t * t) / (2.0 * (1.0 + t));
    }
    if size < EXPONENTIAL_ONLY {
        let t = libm::exp(size);
        return 0.5 * t + 0.5 / t;
    }
    half_exponential(size)
}

fn hyperbolic_tangent(x: f64) -> f64 {
    let size = x.abs();
    if size < 2_f64.powi(-55) || x.is_nan() {
        return x;
    }
    let result = if size >= EXPONENTIAL_ONLY {
        1.0
    } else if size >= 1.0 {
        1.0 - 2.0 / (libm::expm1(2.0 * size) + 2.0)
    } else {
        let t = libm::expm1(-2.0 * size);
        -t / (t + 2.0)
    };
    result.copysign(x)
}

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
