//! The reader: descends through message and columns side by side.

use super::{FieldNames, cursor::Cursor};
use crate::{
    column::{Column, Values},
    decimal,
    error::{Bad, bad},
    spec::{JsonOptions, TimestampFormat},
    text::push_text,
};
use millrace_model::Schema;

pub(crate) struct JsonDecoder {
    names: FieldNames,
    reader: Reader,
}

/// Options, and room for texts with escapes.
struct Reader {
    form: TimestampFormat,
    fail_on_missing_field: bool,
    scratch: Vec<u8>,
}

impl JsonDecoder {
    pub(crate) fn new(options: &JsonOptions, schema: &Schema) -> Self {
        let reader = Reader { form: options.timestamp_format, fail_on_missing_field: options.fail_on_missing_field, scratch: Vec::new() };
        Self { names: FieldNames::new(schema.fields().iter().map(|f| f.name.as_str())), reader }
    }

    /// Appends one object to columns of `rows` rows; after an error the columns may be of uneven length.
    #[inline]
    pub(crate) fn push(&mut self, payload: &[u8], columns: &mut [Column], rows: usize) -> Result<(), Bad> {
        let mut cursor = Cursor::new(payload);
        cursor.skip_space();
        cursor.expect(b'{', "a JSON object")?;
        self.reader.row(&mut cursor, columns, &mut self.names, rows)?;
        cursor.skip_space();
        if cursor.is_at_end() { Ok(()) } else { Err(cursor.unexpected("the end of the record")) }
    }
}

impl Reader {
    /// After `{`: one object into columns of `rows` rows.
    fn row(&mut self, cursor: &mut Cursor<'_>, columns: &mut [Column], names: &mut FieldNames, rows: usize) -> Result<(), Bad> {
        names.begin();
        cursor.skip_space();
        let mut missing = columns.len();
        if !cursor.eat(b'}') {
            let mut position = 0;
            loop {
                let field = names.read(position, cursor, &mut self.scratch)?;
                position += 1;
                cursor.skip_space();
                cursor.expect(b':', "`:`")?;
                cursor.skip_space();
                match field.and_then(|f| columns.get_mut(f).map(|column| (f, column))) {
                    Some((field, column)) => {
                        if names.mark(field) {
                            missing -= 1;
                        } else {
                            column.truncate(rows);
                        }
                        self.value(cursor, column).map_err(|fault| fault.inside(names.name(field)))?;
                    }
                    None => cursor.skip_value(&mut self.scratch, 0)?,
                }
                if cursor.ends_list(b'}', "`,` or `}`")? {
                    break;
                }
            }
        }
        if missing > 0 { self.fill_missing(columns, names) } else { Ok(()) }
    }

    fn fill_missing(&self, columns: &mut [Column], names: &FieldNames) -> Result<(), Bad> {
        for (field, column) in columns.iter_mut().enumerate().filter(|(field, _)| !names.is_seen(*field)) {
            let filled = if self.fail_on_missing_field || !column.nullable { Err(bad("is missing")) } else { column.push_null() };
            filled.map_err(|fault| fault.inside(names.name(field)))?;
        }
        Ok(())
    }

    #[inline]
    fn value(&mut self, cursor: &mut Cursor<'_>, column: &mut Column) -> Result<(), Bad> {
        match cursor.peek() {
            b'"' => self.text(cursor, column),
            b'-' | b'0'..=b'9' => number(cursor, column),
            b'n' => {
                cursor.literal("null")?;
                column.push_null()
            }
            b't' => boolean(cursor, column, true, "true"),
            b'f' => boolean(cursor, column, false, "false"),
            b'{' | b'[' => self.nested(cursor, column),
            _ => Err(cursor.unexpected("a value")),
        }
    }

    #[inline]
    fn text(&mut self, cursor: &mut Cursor<'_>, column: &mut Column) -> Result<(), Bad> {
        cursor.at += 1;
        let text = cursor.string(&mut self.scratch)?;
        if let Values::String(values) = &mut column.values {
            values.push(text)?;
            column.value_pushed();
            return Ok(());
        }
        push_text(text, column, self.form)
    }

    fn nested(&mut self, cursor: &mut Cursor<'_>, column: &mut Column) -> Result<(), Bad> {
        let rows = column.len();
        let opening = cursor.peek();
        match &mut column.values {
            Values::Row { fields, names } if opening == b'{' => {
                cursor.at += 1;
                fields.iter_mut().for_each(|field| field.pad(rows));
                self.row(cursor, fields, names, rows)?;
            }
            Values::Array { offsets, item } if opening == b'[' => {
                cursor.at += 1;
                self.items(cursor, item)?;
                offsets.push(offset(item)?);
            }
            Values::Map { offsets, key, value } if opening == b'{' => {
                cursor.at += 1;
                let first = key.len();
                self.entries(cursor, key, value)?;
                key.check_distinct_texts(first)?;
                offsets.push(offset(key)?);
            }
            Values::String(values) => values.push_with(|out| {
                let start = cursor.at;
                cursor.skip_value(&mut self.scratch, 0)?;
                compact(cursor.bytes.get(start..cursor.at).unwrap_or_default(), out);
                Ok(())
            })?,
            _ => return Err(mistyped(if opening == b'{' { "an object" } else { "an array" }, column)),
        }
        column.value_pushed();
        Ok(())
    }

    fn items(&mut self, cursor: &mut Cursor<'_>, item: &mut Column) -> Result<(), Bad> {
        cursor.skip_space();
        if cursor.eat(b']') {
            return Ok(());
        }
        let first = item.len();
        loop {
            self.value(cursor, item).map_err(|fault| fault.inside(&format!("[{}]", item.len() - first)))?;
            if cursor.ends_list(b']', "`,` or `]`")? {
                return Ok(());
            }
        }
    }

    fn entries(&mut self, cursor: &mut Cursor<'_>, key: &mut Column, value: &mut Column) -> Result<(), Bad> {
        cursor.skip_space();
        if cursor.eat(b'}') {
            return Ok(());
        }
        let first = key.len();
        loop {
            cursor.expect(b'"', "a key in quotes")?;
            let entry = |fault: Bad, number: usize| fault.inside(&format!("[{}]", number - first));
            push_text(cursor.string(&mut self.scratch)?, key, self.form).map_err(|fault| entry(fault, key.len()))?;
            cursor.skip_space();
            cursor.expect(b':', "`:`")?;
            cursor.skip_space();
            self.value(cursor, value).map_err(|fault| entry(fault, value.len()))?;
            if cursor.ends_list(b'}', "`,` or `}`")? {
                return Ok(());
            }
        }
    }
}

#[inline]
fn number(cursor: &mut Cursor<'_>, column: &mut Column) -> Result<(), Bad> {
    let number = cursor.number()?;
    match &mut column.values {
        Values::BigInt(values) => values.push(number.to_i64("BIGINT")?),
        Values::Double(values) => values.push(number.to_f64("DOUBLE")?),
        Values::Int(values) => values.push(number.to_int("INT")?),
        Values::SmallInt(values) => values.push(number.to_int("SMALLINT")?),
        Values::TinyInt(values) => values.push(number.to_int("TINYINT")?),
        Values::Float(values) => values.push(number.to_f32()?),
        Values::Decimal { unscaled, precision, scale } => {
            unscaled.push(decimal::parse(number.text, *precision, *scale).map_err(bad)?);
        }
        Values::String(values) => values.push(number.text)?,
        _ => return Err(mistyped("a number", column)),
    }
    column.value_pushed();
    Ok(())
}

fn boolean(cursor: &mut Cursor<'_>, column: &mut Column, value: bool, word: &str) -> Result<(), Bad> {
    cursor.literal(word)?;
    match &mut column.values {
        Values::Boolean(values) => values.append(value),
        Values::String(values) => values.push(word.as_bytes())?,
        _ => return Err(mistyped(word, column)),
    }
    column.value_pushed();
    Ok(())
}

#[cold]
fn mistyped(found: &str, column: &Column) -> Bad {
    bad(format!("found {found}, expected {}", column.type_name()))
}

fn offset(child: &Column) -> Result<i32, Bad> {
    i32::try_from(child.len()).map_err(|_| bad("the batch would hold more than 2^31 elements in one column"))
}

/// Appends valid JSON without the white space between its tokens.
fn compact(json: &[u8], out: &mut Vec<u8>) {
    let (mut in_string, mut escaped) = (false, false);
    for &byte in json {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
}
