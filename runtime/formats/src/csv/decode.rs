//! The reader.

use crate::{
    column::{Column, Values},
    error::{Bad, FormatError, bad},
    spec::{CsvOptions, TimestampFormat},
    text::push_text,
};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use millrace_model::Schema;

pub(crate) struct CsvDecoder {
    names: Vec<String>,
    null_literal: Option<Vec<u8>>,
    /// Boxed, because its state tables would make every decoder large.
    reader: Box<Reader>,
    /// The fields' texts, unquoted, end to end.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl CsvDecoder {
    pub(crate) fn new(options: &CsvOptions, schema: &Schema) -> Result<Self, FormatError> {
        schema.fields().iter().try_for_each(|f| Column::refuse_nested(&f.name, &f.data_type))?;
        let reader = Box::new(ReaderBuilder::new().delimiter(options.delimiter as u8).quote(options.quote as u8).build());
        Ok(Self {
            names: schema.fields().iter().map(|f| f.name.clone()).collect(),
            null_literal: options.null_literal.clone().map(String::into_bytes),
            reader,
            text: Vec::new(),
            // One place more than there are columns, so that a surplus field is seen.
            ends: vec![0; schema.fields().len() + 1],
        })
    }

    /// Appends one line; after an error the columns may be of uneven length.
    pub(crate) fn push(&mut self, payload: &[u8], columns: &mut [Column]) -> Result<(), Bad> {
        let fields = self.split(payload)?;
        if fields != columns.len() {
            let more = if fields > columns.len() { "at least " } else { "" };
            return Err(bad(format!("has {more}{fields} fields, expected {}", columns.len())));
        }
        let mut start = 0;
        for ((column, &end), name) in columns.iter_mut().zip(&self.ends).zip(&self.names) {
            let text = self.text.get(start..end).unwrap_or_default();
            push_field(text, self.null_literal.as_deref(), column).map_err(|fault| fault.inside(name))?;
            start = end;
        }
        Ok(())
    }

    fn split(&mut self, payload: &[u8]) -> Result<usize, Bad> {
        self.reader.reset();
        // Unquoting only shortens.
        self.text.resize(self.text.len().max(payload.len()), 0);
        let (read, text_len, fields) = match self.reader.read_record(payload, &mut self.text, &mut self.ends) {
            (ReadRecordResult::Record, read, text_len, fields) => (read, text_len, fields),
            // No line end: an empty input tells the reader that this is all.
            (ReadRecordResult::InputEmpty, read, text_len, fields) => {
                let (text, ends) = (self.text.get_mut(text_len..), self.ends.get_mut(fields..));
                let (Some(text), Some(ends)) = (text, ends) else { return Err(bad("is empty")) };
                match self.reader.read_record(&[], text, ends) {
                    (ReadRecordResult::Record, _, more_text, more_fields) => (read, text_len + more_text, fields + more_fields),
                    (ReadRecordResult::OutputEndsFull, ..) => return Ok(self.ends.len()),
                    _ => return Err(bad("is empty")),
                }
            }
            (ReadRecordResult::OutputEndsFull, ..) => return Ok(self.ends.len()),
            (ReadRecordResult::OutputFull | ReadRecordResult::End, ..) => return Err(bad("is empty")),
        };
        if payload.get(read..).is_some_and(|rest| rest.iter().any(|b| !matches!(b, b'\r' | b'\n'))) {
            return Err(bad("holds more than one line"));
        }
        match self.text.get(..text_len).map(std::str::from_utf8) {
            Some(Err(error)) => Err(bad(format!("holds invalid UTF-8 {} bytes into its fields", error.valid_up_to()))),
            _ => Ok(fields),
        }
    }
}

fn push_field(text: &[u8], null_literal: Option<&[u8]>, column: &mut Column) -> Result<(), Bad> {
    let is_null = match null_literal {
        Some(literal) => text == literal,
        None => text.is_empty() && !matches!(column.values, Values::String(_)),
    };
    if is_null { column.push_null() } else { push_text(text, column, TimestampFormat::Sql) }
}
