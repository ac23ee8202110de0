//! `PARSE_URL`, `URL_ENCODE` and `URL_DECODE`, as `java.net.URL`, `URLEncoder` and `URLDecoder` have them.

use super::java_url::JavaUrl;
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    scalar::{
        Builtin, Call,
        columns::{text_result, texts},
        signature::{Accepts, Nulls, Signature},
    },
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "PARSE_URL",
        resolve: |a| resolve("PARSE_URL", a, &[Accepts::Text, Accepts::Text], &[Accepts::Text]),
        evaluate: parse,
        deterministic: true,
    },
    Builtin { name: "URL_ENCODE", resolve: |a| resolve("URL_ENCODE", a, &[Accepts::Text], &[]), evaluate: encode, deterministic: true },
    Builtin { name: "URL_DECODE", resolve: |a| resolve("URL_DECODE", a, &[Accepts::Text], &[]), evaluate: decode, deterministic: true },
];

fn resolve(name: &str, arguments: &[Argument<'_>], required: &[Accepts], optional: &[Accepts]) -> Result<Resolution, ResolveError> {
    Signature { name, required, optional, repeats: false, nulls: Nulls::Always }.resolve(arguments, DataType::String)
}

fn parse(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let (values, parts) = (texts(call, 0)?, texts(call, 1)?);
    let keys = (call.arguments.len() > 2).then(|| texts(call, 2)).transpose()?;
    text_result(call, |row, out| {
        let (Some(text), Some(part)) = (values.get(row), parts.get(row)) else { return Ok(false) };
        let Some(url) = JavaUrl::parse(text) else { return Ok(false) };
        let found = match &keys {
            Some(keys) => match (part, url.query, keys.get(row)) {
                ("QUERY", Some(query), Some(key)) => parameter(query, key),
                _ => None,
            },
            None => match part {
                "HOST" => Some(url.host),
                "PATH" => Some(url.path),
                "QUERY" => url.query,
                "REF" => url.reference,
                "PROTOCOL" => {
                    out.push_str(&url.protocol)?;
                    return Ok(true);
                }
                "AUTHORITY" => url.authority,
                "USERINFO" => url.user,
                "FILE" => {
                    out.push_str(url.path)?;
                    if let Some(query) = url.query {
                        out.push('?')?;
                        out.push_str(query)?;
                    }
                    return Ok(true);
                }
                _ => None,
            },
        };
        match found {
            Some(found) => out.push_str(found).map(|()| true),
            None => Ok(false),
        }
    })
}

/// The value of a parameter of a query, as it is written.
fn parameter<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn encode(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";
    let values = texts(call, 0)?;
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte))?,
                b' ' => out.push('+')?,
                _ => {
                    out.push('%')?;
                    out.push(char::from(HEXADECIMAL[usize::from(byte >> 4)]))?;
                    out.push(char::from(HEXADECIMAL[usize::from(byte & 15)]))?;
                }
            }
        }
        Ok(true)
    })
}

/// What is not well encoded is NULL; bytes that are no UTF-8 are replaced.
fn decode(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let mut bytes = Vec::new();
    text_result(call, |row, out| {
        let Some(text) = values.get(row) else { return Ok(false) };
        bytes.clear();
        let mut rest = text.as_bytes();
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let Some((digits, behind)) = rest.split_at_checked(2) else { return Ok(false) };
                    let Some(value) = hexadecimal(digits) else { return Ok(false) };
                    bytes.push(value);
                    rest = behind;
                }
                _ => bytes.push(byte),
            }
        }
        out.push_str(&String::from_utf8_lossy(&bytes))?;
        Ok(true)
    })
}

/// Two digits as `Integer.parseInt` reads them: the first may be a plus sign.
fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(text, 16).ok()
}
