//! `NOT`, `IS [NOT] NULL` and `IS [NOT] TRUE/FALSE/UNKNOWN`.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{Builtin, Call, signature::refused},
};
use arrow_array::{Array, ArrayRef, BooleanArray, cast::AsArray};
use arrow_buffer::BooleanBuffer;
use millrace_model::DataType;
use std::sync::Arc;

macro_rules! truth_test {
    ($name:literal, |$truth:ident| $test:expr) => {
        Builtin {
            name: $name,
            resolve: |arguments| resolve_truth($name, arguments, false),
            evaluate: |call| test_truth(call, |$truth| $test),
            deterministic: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "NOT",
        resolve: |arguments| resolve_truth("NOT", arguments, true),
        evaluate: |call| answer(argument(call)?, |array| Ok(Arc::new(arrow_arith::boolean::not(array.as_boolean())?))),
        deterministic: true,
    },
    Builtin {
        name: "IS NULL",
        resolve: |arguments| resolve_any("IS NULL", arguments),
        evaluate: |call| answer(argument(call)?, |array| Ok(Arc::new(arrow_arith::boolean::is_null(array)?))),
        deterministic: true,
    },
    Builtin {
        name: "IS NOT NULL",
        resolve: |arguments| resolve_any("IS NOT NULL", arguments),
        evaluate: |call| answer(argument(call)?, |array| Ok(Arc::new(arrow_arith::boolean::is_not_null(array)?))),
        deterministic: true,
    },
    truth_test!("IS TRUE", |truth| valid(truth, truth.values().clone())),
    truth_test!("IS NOT TRUE", |truth| !&valid(truth, truth.values().clone())),
    truth_test!("IS FALSE", |truth| valid(truth, !truth.values())),
    truth_test!("IS NOT FALSE", |truth| !&valid(truth, !truth.values())),
    truth_test!("IS UNKNOWN", |truth| !&valid(truth, BooleanBuffer::new_set(truth.len()))),
    truth_test!("IS NOT UNKNOWN", |truth| valid(truth, BooleanBuffer::new_set(truth.len()))),
];

fn resolve_truth(name: &str, arguments: &[Argument<'_>], keeps_null: bool) -> Result<Resolution, ResolveError> {
    match arguments {
        [Argument { typed, .. }] if matches!(typed.data_type, DataType::Boolean | DataType::Null) => Ok(Resolution {
            arguments: vec![DataType::Boolean],
            result: Typed::new(DataType::Boolean, keeps_null && (typed.nullable || typed.data_type == DataType::Null)),
        }),
        _ => Err(refused(name, arguments, "BOOLEAN")),
    }
}

fn resolve_any(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    match arguments {
        [argument] => Ok(Resolution { arguments: vec![argument.typed.data_type.clone()], result: Typed::not_null(DataType::Boolean) }),
        _ => Err(refused(name, arguments, "one value")),
    }
}

fn argument<'a>(call: &Call<'a>) -> Result<&'a Columnar, EvaluationError> {
    call.arguments.first().ok_or_else(|| EvaluationError("a value is missing".to_owned()))
}

fn answer(value: &Columnar, each: impl Fn(&dyn Array) -> Result<ArrayRef, EvaluationError>) -> Result<Columnar, EvaluationError> {
    Ok(match value {
        Columnar::Array(array) => Columnar::Array(each(array)?),
        Columnar::Scalar(array) => Columnar::Scalar(each(array)?),
    })
}

fn test_truth(call: &Call<'_>, test: impl Fn(&BooleanArray) -> BooleanBuffer) -> Result<Columnar, EvaluationError> {
    answer(argument(call)?, |array| Ok(Arc::new(BooleanArray::new(test(array.as_boolean()), None))))
}

/// Of `truth`, what is not NULL.
fn valid(truth: &BooleanArray, values: BooleanBuffer) -> BooleanBuffer {
    match truth.nulls() {
        Some(nulls) => &values & nulls.inner(),
        None => values,
    }
}
