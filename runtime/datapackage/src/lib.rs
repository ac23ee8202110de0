//! Data packages (EXT-5): files of rows in CSV, JSON lines, Avro or Parquet. Finds the format by content, the schema, and
//! the first rows for a preview.
//!
//! Invariants: what is read and what is answered is bounded ([`limits`]); a server looks into files of tenants only
//! through [`Inspector`], in a process of its own with limits on memory and processor time, because a decoder that a
//! file has talked into a gigabyte or a panic must cost nobody else anything.

mod avro;
mod csv;
mod infer;
mod json_lines;
pub mod limits;
mod parquet_file;
mod preview;
mod process;
pub mod schemas;

use millrace_model::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

pub use process::{Inspector, InspectorCommand, inspect_child_main};

/// How the rows of a package are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageFormat {
    /// Lines of delimited text, RFC 4180.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Avro's object container file.
    Avro,
    /// Apache Parquet.
    Parquet,
}

impl PackageFormat {
    /// Its stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "json_lines",
            Self::Avro => "avro",
            Self::Parquet => "parquet",
        }
    }
}

/// What the sender knows better than a look at the content could tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// The text is CSV even if it has only one column.
    pub is_csv: bool,
    /// Whether the first line of a CSV file names its columns.
    pub has_header: Option<bool>,
    /// Answer up to this many rows in full, as [`Package::lines`], instead of a preview.
    #[serde(default)]
    pub lines_max: Option<u32>,
}

impl Hints {
    /// Rows of a text that are read: a sample, or all that are asked for.
    fn rows_max(&self) -> usize {
        let asked = self.lines_max.map_or(0, |max| usize::try_from(max).unwrap_or(usize::MAX)).min(limits::LINES_MAX);
        asked.max(limits::SAMPLE_ROWS_MAX)
    }

    /// Bytes of a text that are read.
    fn bytes_max(&self) -> u64 {
        if self.lines_max.is_some() { limits::LINES_BYTES_MAX as u64 } else { limits::SAMPLE_BYTES_MAX }
    }
}

/// What was found in a package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// How its rows are written.
    pub format: PackageFormat,
    /// What a reader must know besides: `delimiter` and `header` of CSV, `timestamp_format` of JSON lines, `codec` of Avro.
    pub options: Map<String, Value>,
    /// Its columns; of text formats as the sample lets suppose.
    pub schema: Schema,
    /// Rows in all, if the file says so or is short enough to have been read wholly.
    pub row_count: Option<u64>,
    /// The first rows.
    pub rows: Vec<Map<String, Value>>,
    /// The rows in full, each a JSON object, if [`Hints::lines_max`] asks for them. Cells of CSV are texts as they were
    /// written; lines of JSON lines are as they were written, also those that are not JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Whether rows were left out of [`Self::lines`].
    #[serde(default)]
    pub has_more_lines: bool,
    /// What may not be as its author thinks.
    pub warnings: Vec<String>,
}

/// Why a package was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The file is to blame.
    #[error("{0}")]
    File(String),
    /// The machine is to blame.
    #[error("{0}")]
    Host(String),
}

impl PackageError {
    fn file(reason: impl Into<String>) -> Self {
        Self::File(reason.into())
    }

    fn read(error: std::io::Error) -> Self {
        Self::Host(format!("the package cannot be read: {error}"))
    }
}

/// The beginning of a file, and whether that is all of it.
struct Sample {
    bytes: Vec<u8>,
    is_whole: bool,
}

/// Looks into `file`. Not for files of strangers in a server's own process: see [`Inspector`].
///
/// # Errors
/// The content has none of the formats, or breaks the one it begins with.
pub fn inspect(file: &File, hints: Hints) -> Result<Package, PackageError> {
    let mut input = file;
    let length = input.seek(SeekFrom::End(0)).map_err(PackageError::read)?;
    input.seek(SeekFrom::Start(0)).map_err(PackageError::read)?;
    let mut magic = [0; 4];
    let got = read_some(&mut input, &mut magic)?;
    input.seek(SeekFrom::Start(0)).map_err(PackageError::read)?;
    match magic.get(..got).unwrap_or_default() {
        b"" => Err(PackageError::file("the file is empty")),
        b"PAR1" => parquet_file::inspect(file, hints),
        avro::MAGIC => avro::inspect(file, length, hints),
        _ => text(&sample(&mut input, length, hints.bytes_max())?, hints),
    }
}

fn text(sample: &Sample, hints: Hints) -> Result<Package, PackageError> {
    let begin = sample.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&sample.bytes);
    let first = begin.iter().find(|b| !b.is_ascii_whitespace());
    match first {
        None => Err(PackageError::file("the file has no rows, only white space")),
        Some(b'{') if !hints.is_csv => json_lines::inspect(begin, sample.is_whole, hints),
        Some(b'[') if !hints.is_csv => Err(PackageError::file(
            "the file is one JSON array; expected JSON lines: one object a line, without brackets and commas around",
        )),
        Some(_) if begin.contains(&0) => Err(PackageError::file(
            "the content is binary and none of the known kinds: a component, a JAR, CSV, JSON lines, Avro (object container file), Parquet",
        )),
        Some(_) => csv::inspect(begin, sample.is_whole, hints),
    }
}

fn sample(input: &mut impl Read, length: u64, bytes_max: u64) -> Result<Sample, PackageError> {
    let mut bytes = Vec::new();
    input.take(bytes_max).read_to_end(&mut bytes).map_err(PackageError::read)?;
    Ok(Sample { is_whole: bytes.len() as u64 >= length, bytes })
}

fn read_some(input: &mut impl Read, into: &mut [u8]) -> Result<usize, PackageError> {
    let mut got = 0;
    while let Some(rest) = into.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match input.read(rest).map_err(PackageError::read)? {
            0 => break,
            count => got += count,
        }
    }
    Ok(got)
}

/// Text of the sample up to its last whole line; a text that is cut must not end within a character.
fn whole_lines(bytes: &[u8], is_whole: bool) -> Result<&str, PackageError> {
    let end = if is_whole { bytes.len() } else { bytes.iter().rposition(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1) };
    std::str::from_utf8(bytes.get(..end).unwrap_or_default()).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        PackageError::file(format!("line {line} is not UTF-8 text; convert the file to UTF-8"))
    })
}

#[cfg(test)]
mod tests;
