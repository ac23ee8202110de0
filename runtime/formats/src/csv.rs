//! CSV (RFC 4180), one line per message, no header.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub(crate) use decode::CsvDecoder;
pub(crate) use encode::CsvEncoder;
