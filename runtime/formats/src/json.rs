//! JSON (RFC 8259), straight between bytes and columns, driven by the schema: no document tree in between.
//!
//! Meanings follow Flink's `json` format: unknown fields are skipped, missing ones are NULL, the last of a repeated
//! field wins, text is read as the column's type. On purpose stricter: text other than `true` and `false` in a BOOLEAN,
//! a number that does not fit its column and unpaired surrogates make a record bad instead of changing its values.

mod cursor;
mod decode;
mod encode;
mod names;
mod number;
#[cfg(test)]
mod tests;

pub(crate) use decode::JsonDecoder;
pub(crate) use encode::JsonEncoder;
pub(crate) use names::FieldNames;
