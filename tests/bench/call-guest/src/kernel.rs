//! The computation of `measure sandbox-call`: rows whose value is not null and below a half pass, a line is computed
//! from value and time, the name becomes upper case.
//!
//! The guest and the native comparison compile this same file, so that the measured difference is the sandbox alone.

use millrace_kernels::{Selection, ascii_uppercase, take, take_text, zip_map};

/// The input columns: `id BIGINT, ts BIGINT, v DOUBLE` (nullable)`, name STRING`.
pub struct Input<'a> {
    pub ids: &'a [i64],
    pub times: &'a [i64],
    pub values: &'a [f64],
    /// Bit-packed, 1 = not null.
    pub validity: Option<&'a [u8]>,
    pub offsets: &'a [i32],
    pub text: &'a [u8],
}

/// The output columns: `id BIGINT, ts BIGINT, v DOUBLE, y DOUBLE, name STRING`, none of them with nulls.
pub struct Output {
    pub ids: Vec<i64>,
    pub times: Vec<i64>,
    pub values: Vec<f64>,
    pub lines: Vec<f64>,
    pub offsets: Vec<i32>,
    pub text: Vec<u8>,
}

/// Runs the computation over a batch.
pub fn process(input: &Input<'_>) -> Output {
    let selection = match input.validity {
        None => Selection::of_values(input.values, |v| v < 0.5),
        Some(bits) => {
            // A null becomes a value that never passes, eight rows per byte of validity.
            let mut masked = Vec::with_capacity(input.values.len() + 8);
            let (blocks, rest) = input.values.as_chunks::<8>();
            for (block, bits) in blocks.iter().zip(bits) {
                masked.extend_from_slice(&core::array::from_fn::<f64, 8, _>(|k| if bits >> k & 1 == 1 { block[k] } else { 1.0 }));
            }
            let last = bits.last().copied().unwrap_or_default();
            masked.extend(rest.iter().enumerate().map(|(k, v)| if last >> k & 1 == 1 { *v } else { 1.0 }));
            Selection::of_values(&masked, |v| v < 0.5)
        }
    };
    let times = take(input.times, &selection);
    let values = take(input.values, &selection);
    let lines = zip_map(&times, &values, |t, v| v * 1.5 + t as f64 * 1e-9);
    let (offsets, mut text) = take_text(input.offsets, input.text, &selection);
    ascii_uppercase(&mut text);
    Output { ids: take(input.ids, &selection), times, values, lines, offsets, text }
}
