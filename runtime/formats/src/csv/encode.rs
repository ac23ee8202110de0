//! The writer: fields are quoted only where they must be.

use crate::{
    cells::{CellValues, Cells},
    column::Column,
    error::FormatError,
    spec::{CsvOptions, TimestampFormat},
};
use millrace_model::Schema;

pub(crate) struct CsvEncoder {
    delimiter: u8,
    quote: u8,
    null_literal: Vec<u8>,
}

impl CsvEncoder {
    pub(crate) fn new(options: &CsvOptions, schema: &Schema) -> Result<Self, FormatError> {
        schema.fields().iter().try_for_each(|f| Column::refuse_nested(&f.name, &f.data_type))?;
        let null_literal = options.null_literal.clone().unwrap_or_default().into_bytes();
        Ok(Self { delimiter: options.delimiter as u8, quote: options.quote as u8, null_literal })
    }

    pub(crate) fn write_row(&self, columns: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        for (number, cells) in columns.iter().enumerate() {
            if number > 0 {
                out.push(self.delimiter);
            }
            if cells.is_null(row) {
                out.extend_from_slice(&self.null_literal);
                continue;
            }
            match &cells.values {
                CellValues::String(texts) => self.write_field(texts.value(row).as_bytes(), columns.len() == 1, out),
                _ => {
                    let start = out.len();
                    cells.write_text(row, TimestampFormat::Sql, out);
                    // Rare: a delimiter such as `-` or `:` that numbers or times contain.
                    if out.get(start..).is_some_and(|text| self.must_quote(text)) {
                        let text = out.split_off(start);
                        self.write_field(&text, false, out);
                    }
                }
            }
        }
    }

    fn must_quote(&self, text: &[u8]) -> bool {
        text.iter().any(|&b| b == self.delimiter || b == self.quote || matches!(b, b'\n' | b'\r'))
    }

    fn write_field(&self, text: &[u8], alone: bool, out: &mut Vec<u8>) {
        // An empty only field would be an empty line, which is no record.
        let must_quote = self.must_quote(text) || (alone && text.is_empty());
        if !must_quote {
            out.extend_from_slice(text);
            return;
        }
        out.push(self.quote);
        for &byte in text {
            if byte == self.quote {
                out.push(self.quote);
            }
            out.push(byte);
        }
        out.push(self.quote);
    }
}
