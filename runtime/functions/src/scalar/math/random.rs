//! `RAND`, `RAND_INTEGER` and `UUID`.
//!
//! With a seed the numbers are those of `java.util.Random`, row after row. A call knows nothing of the batch before, so
//! the sequence starts anew with each batch.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    coercion::is_integer,
    scalar::{
        Builtin, Call,
        columns::{Numbers, numbers},
        signature::refused,
    },
};
use arrow_array::{Float64Array, Int32Array, builder::StringBuilder, types::Int32Type};
use millrace_model::DataType;
use rand::Rng;
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "RAND",
        resolve: |arguments| resolve("RAND", 0..=1, DataType::Double, arguments),
        evaluate: random,
        deterministic: false,
    },
    Builtin {
        name: "RAND_INTEGER",
        resolve: |arguments| resolve("RAND_INTEGER", 1..=2, DataType::Int, arguments),
        evaluate: random_integer,
        deterministic: false,
    },
    Builtin {
        name: "UUID",
        resolve: |arguments| resolve("UUID", 0..=0, DataType::String, arguments),
        evaluate: |call| {
            let mut builder = StringBuilder::with_capacity(call.rows, call.rows * 36);
            let mut random = rand::rng();
            for _ in 0..call.rows {
                let id = uuid::Builder::from_random_bytes(random.random()).into_uuid();
                builder.append_value(id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
            }
            Ok(Columnar::Array(Arc::new(builder.finish())))
        },
        deterministic: false,
    },
];

fn resolve(
    name: &str,
    count: std::ops::RangeInclusive<usize>,
    result: DataType,
    arguments: &[Argument<'_>],
) -> Result<Resolution, ResolveError> {
    let are_integers = arguments.iter().all(|a| is_integer(&a.typed.data_type) && a.typed.data_type != DataType::BigInt);
    if !count.contains(&arguments.len()) || !are_integers {
        return Err(refused(name, arguments, if count == (0..=0) { "" } else { "[INT], [INT]" }));
    }
    let nullable = arguments.iter().any(|a| a.typed.nullable);
    Ok(Resolution { arguments: vec![DataType::Int; arguments.len()], result: Typed::new(result, nullable) })
}

/// The generator of `java.util.Random`, as its documentation specifies it.
struct JavaRandom(u64);

impl JavaRandom {
    const MASK: u64 = (1 << 48) - 1;
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;

    fn new(seed: i64) -> Self {
        Self((seed as u64 ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn next(&mut self, bits: u32) -> i32 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        (self.0 >> (48 - bits)) as u32 as i32
    }

    fn double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        (high + i64::from(self.next(27))) as f64 / (1_i64 << 53) as f64
    }

    /// Below `bound`, which is positive.
    fn integer(&mut self, bound: i32) -> i32 {
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(self.next(31))) >> 31) as i32;
        }
        loop {
            let bits = self.next(31);
            let value = bits % bound;
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
        }
    }
}

/// The generator of each row: one that goes on for a constant seed, a new one for each row otherwise.
struct Generators<'a> {
    seeds: Numbers<'a, Int32Type>,
    shared: Option<JavaRandom>,
}

impl<'a> Generators<'a> {
    fn new(seeds: Numbers<'a, Int32Type>) -> Self {
        let shared = if seeds.is_scalar() { seeds.get(0).map(|seed| JavaRandom::new(seed.into())) } else { None };
        Self { seeds, shared }
    }

    fn draw<T>(&mut self, row: usize, draw: impl FnOnce(&mut JavaRandom) -> T) -> Option<T> {
        match &mut self.shared {
            Some(shared) => Some(draw(shared)),
            None => self.seeds.get(row).map(|seed| draw(&mut JavaRandom::new(seed.into()))),
        }
    }
}

fn random(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values: Float64Array = if call.arguments.is_empty() {
        let mut random = rand::rng();
        (0..call.rows).map(|_| Some(random.random::<f64>())).collect()
    } else {
        let mut generators = Generators::new(numbers::<Int32Type>(call, 0)?);
        (0..call.rows).map(|row| generators.draw(row, JavaRandom::double)).collect()
    };
    Ok(Columnar::Array(Arc::new(values)))
}

fn random_integer(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let bounds = numbers::<Int32Type>(call, call.arguments.len().saturating_sub(1))?;
    let mut generators = if call.arguments.len() == 2 { Some(Generators::new(numbers::<Int32Type>(call, 0)?)) } else { None };
    let mut random = rand::rng();
    let draw = |row: usize| {
        let Some(bound) = bounds.get(row) else { return Ok(None) };
        if bound <= 0 {
            return Err(EvaluationError(format!("RAND_INTEGER: the bound must be positive, found {bound}")));
        }
        Ok(match &mut generators {
            Some(generators) => generators.draw(row, |random| random.integer(bound)),
            None => Some(random.random_range(0..bound)),
        })
    };
    let values = (0..call.rows).map(draw).collect::<Result<Int32Array, _>>()?;
    Ok(Columnar::Array(Arc::new(values)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_numbers_are_those_of_java() {
        let mut random = JavaRandom::new(42);
        assert_eq!([random.double(), random.double()], [0.727_563_680_032_868_1, 0.683_223_471_759_845_4]);
        let mut random = JavaRandom::new(42);
        assert_eq!([random.integer(100), random.integer(100), random.integer(16)], [30, 63, 10]);
    }
}
