//! Hashes of texts and byte strings, as hexadecimal texts.

use super::{
    Builtin, Call,
    columns::{numbers, raw, text_result},
    signature::{Accepts, Nulls, Signature},
};
use crate::{Argument, Columnar, EvaluationError, Resolution, ResolveError};
use arrow_array::types::Int64Type;
use md5::Md5;
use millrace_model::DataType;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// A hash of one argument.
macro_rules! hash {
    ($name:literal, $digest:ty) => {
        Builtin {
            name: $name,
            resolve: |arguments| {
                Signature { name: $name, required: &[Accepts::TextOrBytes], optional: &[], repeats: false, nulls: Nulls::FromArguments }
                    .resolve(arguments, DataType::String)
            },
            evaluate: |call| {
                let values = raw(call, 0)?;
                text_result(call, |row, out| {
                    let Some(value) = values(row) else { return Ok(false) };
                    out.push_str(&hex::encode(<$digest>::digest(value)))?;
                    Ok(true)
                })
            },
            deterministic: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Builtin] = &[
    hash!("MD5", Md5),
    hash!("SHA1", Sha1),
    hash!("SHA224", Sha224),
    hash!("SHA256", Sha256),
    hash!("SHA384", Sha384),
    hash!("SHA512", Sha512),
    Builtin { name: "SHA2", resolve: resolve_sha2, evaluate: sha2, deterministic: true },
];

fn resolve_sha2(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let required = &[Accepts::TextOrBytes, Accepts::BigInt];
    Signature { name: "SHA2", required, optional: &[], repeats: false, nulls: Nulls::FromArguments }.resolve(arguments, DataType::String)
}

fn sha2(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, lengths) = (raw(call, 0)?, numbers::<Int64Type>(call, 1)?);
    text_result(call, |row, out| {
        let (Some(value), Some(length)) = (values(row), lengths.get(row)) else { return Ok(false) };
        let digits = match length {
            224 => hex::encode(Sha224::digest(value)),
            256 => hex::encode(Sha256::digest(value)),
            384 => hex::encode(Sha384::digest(value)),
            512 => hex::encode(Sha512::digest(value)),
            _ => return Err(EvaluationError(format!("SHA2: the length is 224, 256, 384 or 512 bits, not {length}"))),
        };
        out.push_str(&digits)?;
        Ok(true)
    })
}
