//! Avro object container files (<https://avro.apache.org/docs/1.12.0/specification/>): header, then blocks of rows.
//!
//! Invariant: a count or length that a file states is compared with the bytes that are there before anything is
//! allocated for it.

pub(crate) mod schema;
mod value;

use crate::{
    Hints, Package, PackageError, PackageFormat,
    limits::{COLUMNS_MAX, SAMPLE_BYTES_MAX},
    preview::{Collected, Preview},
};
use millrace_model::{Field, Schema};
use schema::{Avro, Kind};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};
use value::Cursor;

/// How a container file begins.
pub(crate) const MAGIC: &[u8] = b"Obj\x01";
/// Bytes behind each block that repeat those of the header.
const SYNC_BYTES: usize = 16;
/// Bytes of a header: schemas of real tables have some kilobytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn inspect(file: &File, length: u64, hints: Hints) -> Result<Package, PackageError> {
    let mut input = file;
    let mut begin = Vec::new();
    input.take(HEADER_BYTES_MAX).read_to_end(&mut begin).map_err(PackageError::read)?;
    let mut cursor = Cursor::new(begin.get(MAGIC.len()..).unwrap_or_default());
    let Header { avro, codec, sync } = header(&mut cursor)?;
    let mut at = (begin.len() - cursor.rest().len()) as u64;
    let Kind::Record(fields) = &avro.kind else {
        return Err(PackageError::file("the Avro schema is not a record, so the rows have no columns"));
    };
    if fields.len() > COLUMNS_MAX {
        return Err(PackageError::file(format!("the Avro schema has {} fields, expected at most {COLUMNS_MAX}", fields.len())));
    }
    let columns = fields.iter().map(|(name, avro)| Field::new(name, avro.data_type(), avro.nullable)).collect();
    let schema = Schema::new(columns).map_err(|error| PackageError::file(error.to_string()))?;
    let (mut preview, mut row_count) = (Preview::new(hints), 0u64);
    while at < length {
        let block = Block::at(&mut input, at, length, &sync)?;
        row_count = row_count.saturating_add(block.rows);
        if !preview.is_full() {
            read_rows(&mut input, &block, &codec, &avro, &mut preview)?;
        }
        at = block.end;
    }
    let mut options = Map::new();
    options.insert("codec".into(), codec.into());
    let Collected { rows, lines, .. } = preview.finish();
    let has_more_lines = (lines.len() as u64) < row_count;
    let (row_count, warnings) = (Some(row_count), Vec::new());
    Ok(Package { format: PackageFormat::Avro, options, schema, row_count, rows, lines, has_more_lines, warnings })
}

struct Header {
    avro: Avro,
    codec: String,
    sync: Vec<u8>,
}

fn header(cursor: &mut Cursor<'_>) -> Result<Header, PackageError> {
    let (mut text, mut codec) = (None, "null".to_owned());
    loop {
        let mut count = cursor.long()?;
        if count == 0 {
            break;
        }
        if count < 0 {
            // A negative count is followed by the size of the block.
            cursor.long()?;
            count = count.saturating_neg();
        }
        for _ in 0..count {
            let name = cursor.text()?;
            let value = cursor.bytes()?;
            match name.as_str() {
                "avro.schema" => text = Some(value.to_vec()),
                "avro.codec" => codec = String::from_utf8_lossy(value).into_owned(),
                _ => {}
            }
        }
    }
    let sync = cursor.take(SYNC_BYTES)?.to_vec();
    let text = text.ok_or_else(|| PackageError::file("the Avro header has no `avro.schema`"))?;
    let json = serde_json::from_slice(&text).map_err(|error| PackageError::file(format!("the Avro schema is not JSON: {error}")))?;
    Ok(Header { avro: Avro::read(&json)?, codec, sync })
}

/// Where a block lies.
struct Block {
    rows: u64,
    begin: u64,
    bytes: u64,
    end: u64,
}

impl Block {
    fn at(input: &mut &File, at: u64, length: u64, sync: &[u8]) -> Result<Self, PackageError> {
        let cut = || PackageError::file(format!("the Avro file is cut or damaged at byte {at}"));
        input.seek(SeekFrom::Start(at)).map_err(PackageError::read)?;
        // Two numbers of at most ten bytes each.
        let mut head = Vec::new();
        input.take(20).read_to_end(&mut head).map_err(PackageError::read)?;
        let mut cursor = Cursor::new(&head);
        let (rows, bytes) = (cursor.long()?, cursor.long()?);
        let begin = at + (head.len() - cursor.rest().len()) as u64;
        let (Ok(rows), Ok(bytes)) = (u64::try_from(rows), u64::try_from(bytes)) else { return Err(cut()) };
        let end =
            begin.checked_add(bytes).and_then(|end| end.checked_add(SYNC_BYTES as u64)).filter(|end| *end <= length).ok_or_else(cut)?;
        input.seek(SeekFrom::Start(end - SYNC_BYTES as u64)).map_err(PackageError::read)?;
        let mut found = Vec::new();
        input.take(SYNC_BYTES as u64).read_to_end(&mut found).map_err(PackageError::read)?;
        if found != sync {
            return Err(cut());
        }
        Ok(Self { rows, begin, bytes, end })
    }
}

fn read_rows(input: &mut &File, block: &Block, codec: &str, avro: &Avro, preview: &mut Preview) -> Result<(), PackageError> {
    if block.bytes > SAMPLE_BYTES_MAX {
        return Err(PackageError::file(format!("an Avro block has {} bytes, expected at most {SAMPLE_BYTES_MAX}", block.bytes)));
    }
    input.seek(SeekFrom::Start(block.begin)).map_err(PackageError::read)?;
    let mut bytes = Vec::new();
    input.take(block.bytes).read_to_end(&mut bytes).map_err(PackageError::read)?;
    let plain = decompress(&bytes, codec)?;
    let mut cursor = Cursor::new(&plain);
    for _ in 0..block.rows {
        if preview.is_full() {
            break;
        }
        match cursor.value(avro, 0)? {
            Value::Object(row) => preview.push(row),
            _ => return Err(PackageError::file("an Avro row is not a record")),
        }
    }
    Ok(())
}

/// The block in clear; one that would grow beyond the bound is refused, not unpacked.
fn decompress(bytes: &[u8], codec: &str) -> Result<Vec<u8>, PackageError> {
    let damaged = |error: std::io::Error| PackageError::file(format!("an Avro block cannot be unpacked ({codec}): {error}"));
    let mut plain = Vec::new();
    match codec {
        "null" => plain = bytes.to_vec(),
        "deflate" => {
            flate2::read::DeflateDecoder::new(bytes).take(SAMPLE_BYTES_MAX + 1).read_to_end(&mut plain).map_err(damaged)?;
        }
        "zstandard" => {
            zstd::stream::read::Decoder::new(bytes)
                .and_then(|decoder| decoder.take(SAMPLE_BYTES_MAX + 1).read_to_end(&mut plain))
                .map_err(damaged)?;
        }
        "snappy" => {
            // Four bytes of checksum follow the block.
            let packed = bytes.len().checked_sub(4).and_then(|end| bytes.get(..end)).unwrap_or_default();
            let length = snap::raw::decompress_len(packed).map_err(|error| damaged(std::io::Error::other(error)))?;
            if length as u64 > SAMPLE_BYTES_MAX {
                return Err(PackageError::file(format!("an Avro block unpacks to {length} bytes, expected at most {SAMPLE_BYTES_MAX}")));
            }
            plain = snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| damaged(std::io::Error::other(error)))?;
        }
        other => return Err(PackageError::file(format!("the Avro codec is `{other}`, expected null, deflate, snappy or zstandard"))),
    }
    if plain.len() as u64 > SAMPLE_BYTES_MAX {
        return Err(PackageError::file(format!("an Avro block unpacks to more than {SAMPLE_BYTES_MAX} bytes")));
    }
    Ok(plain)
}
