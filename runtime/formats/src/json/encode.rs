//! The writer: Flink's forms (SQL or ISO-8601 times, plain decimals, base64 bytes), Jackson's escapes.

use crate::{
    cells::{CellValues, Cells},
    spec::{JsonOptions, TimestampFormat},
};
use millrace_model::Schema;

pub(crate) struct JsonEncoder {
    /// `"name":` per column.
    names: Vec<Vec<u8>>,
    form: TimestampFormat,
    ignore_null_fields: bool,
}

impl JsonEncoder {
    pub(crate) fn new(options: &JsonOptions, schema: &Schema) -> Self {
        let names = schema.fields().iter().map(|field| {
            let mut name = Vec::new();
            write_name(&field.name, &mut name);
            name
        });
        Self { names: names.collect(), form: options.timestamp_format, ignore_null_fields: options.ignore_null_fields }
    }

    pub(crate) fn write_row(&self, columns: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut separate = false;
        for (name, cells) in self.names.iter().zip(columns) {
            if self.ignore_null_fields && cells.is_null(row) {
                continue;
            }
            if std::mem::replace(&mut separate, true) {
                out.push(b',');
            }
            out.extend_from_slice(name);
            self.write_value(cells, row, out);
        }
        out.push(b'}');
    }

    fn write_value(&self, cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
        if cells.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match &cells.values {
            CellValues::String(texts) => write_string(texts.value(row), out),
            CellValues::Bytes(_)
            | CellValues::Date(_)
            | CellValues::TimeMillis(_)
            | CellValues::TimeNanos(_)
            | CellValues::Timestamp { .. } => self.write_quoted(cells, row, out),
            CellValues::Float(v) if !v[row].is_finite() => self.write_quoted(cells, row, out),
            CellValues::Double(v) if !v[row].is_finite() => self.write_quoted(cells, row, out),
            CellValues::Array { offsets, item } => {
                out.push(b'[');
                for (number, index) in range(offsets, row).enumerate() {
                    separate(number, out);
                    self.write_value(item, index, out);
                }
                out.push(b']');
            }
            CellValues::Map { offsets, key, value } => {
                out.push(b'{');
                for (number, index) in range(offsets, row).enumerate() {
                    separate(number, out);
                    match &key.values {
                        CellValues::String(texts) => write_string(texts.value(index), out),
                        _ => self.write_quoted(key, index, out),
                    }
                    out.push(b':');
                    self.write_value(value, index, out);
                }
                out.push(b'}');
            }
            CellValues::Row(fields) => {
                out.push(b'{');
                let written = fields.iter().filter(|(_, cells)| !(self.ignore_null_fields && cells.is_null(row)));
                for (number, (name, cells)) in written.enumerate() {
                    separate(number, out);
                    write_name(name, out);
                    self.write_value(cells, row, out);
                }
                out.push(b'}');
            }
            _ => cells.write_text(row, self.form, out),
        }
    }

    /// For texts that need no escapes.
    fn write_quoted(&self, cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        cells.write_text(row, self.form, out);
        out.push(b'"');
    }
}

fn separate(number: usize, out: &mut Vec<u8>) {
    if number > 0 {
        out.push(b',');
    }
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    // Arrow's offsets are never negative.
    offsets[row] as usize..offsets[row + 1] as usize
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    write_string(name, out);
    out.push(b':');
}

/// Bytes that must be escaped.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| ESCAPED[usize::from(byte)]) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        write_escape(from[0], out);
        rest = &from[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cold]
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
