//! `INET_ATON` and `INET_NTOA`: IPv4 addresses as texts and as numbers.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{number_result, numbers, text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use arrow_array::types::Int64Type;
use millrace_model::DataType;
use std::net::Ipv4Addr;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "INET_ATON",
        resolve: |a| resolve("INET_ATON", a, Accepts::Text, DataType::BigInt),
        evaluate: to_number,
        deterministic: true,
    },
    Builtin {
        name: "INET_NTOA",
        resolve: |a| resolve("INET_NTOA", a, Accepts::BigInt, DataType::String),
        evaluate: to_text,
        deterministic: true,
    },
];

fn resolve(name: &str, arguments: &[Argument<'_>], accepts: Accepts, result: DataType) -> Result<Resolution, ResolveError> {
    Signature { name, required: &[accepts], optional: &[], repeats: false, nulls: Nulls::Always }.resolve(arguments, result)
}

/// The number of an address of one to four parts: the last part is the last byte, the others are the first bytes, what is
/// between them is 0. `None` when a part is not a number from 0 to 255 of at most three digits.
fn address(text: &str) -> Option<u32> {
    let mut bytes = [0_u8; 4];
    let mut count = 0;
    let mut last = 0;
    for part in text.split('.') {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if count == bytes.len() || !is_number {
            return None;
        }
        last = part.parse().ok()?;
        bytes[count] = last;
        count += 1;
    }
    bytes[count - 1] = 0;
    bytes[3] = last;
    Some(u32::from_be_bytes(bytes))
}

fn to_number(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    number_result::<Int64Type>(call, |row| Ok(values.get(row).and_then(address).map(i64::from)))
}

fn to_text(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    use std::fmt::Write;
    let values = numbers::<Int64Type>(call, 0)?;
    let mut text = String::new();
    text_result(call, |row, out| {
        let Some(number) = values.get(row).and_then(|number| u32::try_from(number).ok()) else { return Ok(false) };
        text.clear();
        write!(text, "{}", Ipv4Addr::from(number)).map_err(|e| EvaluationError(e.to_string()))?;
        out.push_str(&text).map(|()| true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_flink_reads_them() {
        let cases: &[(&str, Option<u32>)] = &[
            ("10.0.5.9", Some(167_773_449)),
            ("1.2.3", Some(16_908_291)),
            ("1.2", Some(16_777_218)),
            ("127", Some(127)),
            ("008.1.1.1", Some(134_283_521)),
            ("1.2.3.4.5", None),
            ("1.256", None),
            ("1..3", None),
            ("", None),
            (" 1.2.3.4", None),
            ("0001.2.3.4", None),
            ("١.2.3.4", None),
        ];
        for (text, expected) in cases {
            assert_eq!(address(text), *expected, "{text}");
        }
    }
}
