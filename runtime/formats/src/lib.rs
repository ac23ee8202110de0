//! Messages ⇄ Arrow: a record's bytes go straight into column builders, a batch's rows straight into bytes.
//!
//! Invariants: a record that cannot be read leaves the columns as they were and says which field is wrong; no bytes
//! from outside can make a decoder panic, recurse without bound or allocate more than in proportion to their length;
//! nothing is allocated or dispatched dynamically per record.

mod cells;
mod column;
mod csv;
mod decimal;
mod decoder;
mod encoder;
mod error;
mod json;
mod spec;
mod temporal;
mod text;

pub use decoder::Decoder;
pub use encoder::{EncodedRows, Encoder};
pub use error::{BadRecord, FormatError};
pub use spec::{CsvOptions, FormatSpec, JsonOptions, TimestampFormat};
