//! Data types as Flink SQL writes them.
//!
//! Invariant: what is read is a type that the rest of the system can carry; types without a carrier are refused by name.

use super::{Parser, token::Kind};
use crate::{
    ast::{IntervalUnit, Span},
    error::SqlError,
};
use millrace_functions::cast::Lengths;
use millrace_model::{
    DataType,
    data_type::{Element, NESTING_MAX, RowField},
};

/// Names of types, to compare a misspelt one with.
const NAMES: &str = "BOOLEAN TINYINT SMALLINT INT INTEGER BIGINT FLOAT REAL DOUBLE DECIMAL DEC NUMERIC CHAR VARCHAR STRING BINARY \
     VARBINARY BYTES DATE TIME TIMESTAMP TIMESTAMP_LTZ INTERVAL ARRAY MAP MULTISET ROW BITMAP";

/// A type with what only a declaration or a cast wants to know.
pub(super) struct WrittenType {
    pub(super) data_type: DataType,
    /// False with `NOT NULL`.
    pub(super) nullable: bool,
    /// `CHAR(n)`, `VARCHAR(n)`, `BINARY(n)`, `VARBINARY(n)`: the length, and whether values are padded to it.
    pub(super) length: Option<(u32, bool)>,
    /// The same of what is inside of it; empty where nothing has a length.
    pub(super) parts: Vec<Lengths>,
}

impl Parser<'_> {
    pub(super) fn data_type(&mut self) -> Result<WrittenType, SqlError> {
        self.data_type_at(0)
    }

    /// A type that is no column's: nothing says behind it whether there may be NULL.
    pub(super) fn plain_type(&mut self) -> Result<WrittenType, SqlError> {
        self.type_at(0, false)
    }

    fn data_type_at(&mut self, depth: usize) -> Result<WrittenType, SqlError> {
        self.type_at(depth, true)
    }

    fn type_at(&mut self, depth: usize, has_nullability: bool) -> Result<WrittenType, SqlError> {
        let start = self.span();
        self.check_type_depth(depth, start)?;
        let (data_type, length) = self.base_type(depth)?;
        let parts = std::mem::take(&mut self.type_parts);
        let mut written = WrittenType { data_type, nullable: self.nullability_if(has_nullability)?, length, parts };
        // `INT ARRAY MULTISET`: each word wraps what stands before it.
        let mut wraps = depth;
        while let Some(word) = ["ARRAY", "MULTISET"].into_iter().find(|word| self.eat_word(word)) {
            wraps += 1;
            self.check_type_depth(wraps, start)?;
            let inner = Lengths { own: written.length, parts: written.parts };
            let element = Box::new(Element { data_type: written.data_type, nullable: written.nullable });
            let data_type = if word == "ARRAY" { DataType::Array(element) } else { DataType::Multiset(element) };
            let nullable = self.nullability_if(has_nullability)?;
            written = WrittenType { data_type, nullable, length: None, parts: of_parts(vec![inner]) };
        }
        Ok(written)
    }

    fn nullability_if(&mut self, is_read: bool) -> Result<bool, SqlError> {
        if is_read { self.nullability() } else { Ok(true) }
    }

    fn check_type_depth(&self, depth: usize, start: Span) -> Result<(), SqlError> {
        if depth > NESTING_MAX {
            return Err(SqlError::new("sql.too_deep", format!("the type is nested deeper than {NESTING_MAX} levels"), start));
        }
        Ok(())
    }

    /// `[NULL | NOT NULL]`
    fn nullability(&mut self) -> Result<bool, SqlError> {
        if self.eat_word("NOT") {
            self.expect_word("NULL")?;
            return Ok(false);
        }
        self.eat_word("NULL");
        Ok(true)
    }

    fn base_type(&mut self, depth: usize) -> Result<(DataType, Option<(u32, bool)>), SqlError> {
        let word = self.word_at(0).unwrap_or_default().to_ascii_uppercase();
        let data_type = match word.as_str() {
            "BOOLEAN" => DataType::Boolean,
            "TINYINT" => DataType::TinyInt,
            "SMALLINT" => DataType::SmallInt,
            "INT" | "INTEGER" => DataType::Int,
            "BIGINT" => DataType::BigInt,
            "FLOAT" | "REAL" => DataType::Float,
            "DOUBLE" => DataType::Double,
            "STRING" => DataType::String,
            "BYTES" => DataType::Bytes,
            "BITMAP" => DataType::Bitmap,
            "DATE" => DataType::Date,
            "CHAR" | "CHARACTER" | "VARCHAR" | "BINARY" | "VARBINARY" => return self.sized_type(&word),
            "DECIMAL" | "DEC" | "NUMERIC" => return Ok((self.decimal()?, None)),
            "TIME" => return Ok((self.time()?, None)),
            "TIMESTAMP" => return Ok((self.timestamp()?, None)),
            "TIMESTAMP_LTZ" => {
                self.advance();
                return Ok((DataType::TimestampLtz { precision: self.precision(6)? }, None));
            }
            "INTERVAL" => return Ok((self.interval_type()?, None)),
            "ARRAY" | "MULTISET" | "MAP" => return Ok((self.collection_type(&word, depth)?, None)),
            "ROW" => return Ok((self.row_type(depth)?, None)),
            "RAW" | "STRUCTURED" | "VARIANT" => {
                return Err(self.unsupported(format!("columns of type `{word}` are not supported"), self.span()));
            }
            _ => return Err(self.unknown_type()),
        };
        self.advance();
        if data_type == DataType::Double {
            self.eat_word("PRECISION");
        }
        Ok((data_type, None))
    }

    fn unknown_type(&self) -> SqlError {
        let error = match self.word_at(0) {
            Some(word) => SqlError::new("sql.unknown_type", format!("`{word}` is not a type"), self.span()),
            None => self.expected("a type"),
        };
        let error = self.with_near(error, NAMES.split_whitespace());
        if error.hint.is_some() {
            error
        } else {
            error.with_hint(format!("types are {}", NAMES.split_whitespace().collect::<Vec<_>>().join(", ")))
        }
    }

    /// `CHAR[(n)]`, `CHAR VARYING(n)`, `VARCHAR[(n)]` and the same for bytes
    fn sized_type(&mut self, word: &str) -> Result<(DataType, Option<(u32, bool)>), SqlError> {
        self.advance();
        let varying = word.starts_with("VAR") || self.eat_word("VARYING");
        let data_type = if word.ends_with("BINARY") { DataType::Bytes } else { DataType::String };
        let mut length = if varying { None } else { Some((1, true)) };
        if self.eat(Kind::LeftParen) {
            let (number, span) = self.whole_number("a length")?;
            if number == 0 || number > i32::MAX as u32 {
                return Err(SqlError::new("sql.syntax", format!("the length is {number}, expected 1 to {}", i32::MAX), span));
            }
            self.expect(Kind::RightParen)?;
            // The greatest length is no limit.
            length = if varying && number == i32::MAX as u32 { None } else { Some((number, !varying)) };
        }
        Ok((data_type, length))
    }

    fn number_within(&mut self, what: &str, min: u8, max: u8) -> Result<u8, SqlError> {
        let (number, span) = self.whole_number("a number")?;
        match u8::try_from(number) {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(SqlError::new("sql.syntax", format!("the {what} is {number}, expected {min} to {max}"), span)),
        }
    }

    fn precision(&mut self, default: u8) -> Result<u8, SqlError> {
        if !self.eat(Kind::LeftParen) {
            return Ok(default);
        }
        let precision = self.number_within("precision", 0, 9)?;
        self.expect(Kind::RightParen)?;
        Ok(precision)
    }

    fn decimal(&mut self) -> Result<DataType, SqlError> {
        self.advance();
        let (mut precision, mut scale) = (10, 0);
        if self.eat(Kind::LeftParen) {
            // As in Flink, more digits than there can be are as many as there can be.
            let (number, span) = self.whole_number("a number")?;
            precision = number.min(38) as u8;
            if number == 0 {
                return Err(SqlError::new("sql.syntax", "the precision is 0, expected 1 to 38", span));
            }
            if self.eat(Kind::Comma) {
                scale = self.number_within("scale", 0, precision)?;
            }
            self.expect(Kind::RightParen)?;
        }
        Ok(DataType::Decimal { precision, scale })
    }

    fn time(&mut self) -> Result<DataType, SqlError> {
        self.advance();
        let precision = self.precision(0)?;
        if self.is_word("WITH") {
            return Err(self.unsupported("`TIME WITH TIME ZONE` is not supported", self.span()).with_hint("write `TIME`"));
        }
        if self.eat_word("WITHOUT") {
            self.expect_words(&["TIME", "ZONE"])?;
        }
        Ok(DataType::Time { precision })
    }

    fn timestamp(&mut self) -> Result<DataType, SqlError> {
        let start = self.span();
        self.advance();
        let precision = self.precision(6)?;
        if self.eat_word("WITHOUT") {
            self.expect_words(&["TIME", "ZONE"])?;
            return Ok(DataType::Timestamp { precision });
        }
        if !self.are_words(&["WITH", "LOCAL"]) && !self.are_words(&["WITH", "TIME"]) {
            return Ok(DataType::Timestamp { precision });
        }
        self.advance();
        let local = self.eat_word("LOCAL");
        self.expect_words(&["TIME", "ZONE"])?;
        if !local {
            let message = "`TIMESTAMP WITH TIME ZONE` is not supported";
            return Err(self.unsupported(message, self.since(start)).with_hint("write `TIMESTAMP_LTZ`"));
        }
        Ok(DataType::TimestampLtz { precision })
    }

    fn interval_type(&mut self) -> Result<DataType, SqlError> {
        self.advance();
        let (from, ..) = self.interval_qualifier()?;
        let months = matches!(from, IntervalUnit::Year | IntervalUnit::Quarter | IntervalUnit::Month);
        Ok(if months { DataType::IntervalYearMonth } else { DataType::IntervalDayTime })
    }

    fn element(&mut self, depth: usize) -> Result<(Element, Lengths), SqlError> {
        let WrittenType { data_type, nullable, length, parts } = self.data_type_at(depth + 1)?;
        Ok((Element { data_type, nullable }, Lengths { own: length, parts }))
    }

    /// `ARRAY<t>`, `MULTISET<t>`, `MAP<k, v>`
    fn collection_type(&mut self, word: &str, depth: usize) -> Result<DataType, SqlError> {
        self.advance();
        self.expect(Kind::Less)?;
        let (first, lengths) = self.element(depth)?;
        let (first, mut parts) = (Box::new(first), vec![lengths]);
        let data_type = match word {
            "ARRAY" => DataType::Array(first),
            "MULTISET" => DataType::Multiset(first),
            _ => {
                self.expect(Kind::Comma)?;
                let (value, lengths) = self.element(depth)?;
                parts.push(lengths);
                DataType::Map(first, Box::new(value))
            }
        };
        self.type_parts = of_parts(parts);
        self.expect(Kind::Greater)?;
        Ok(data_type)
    }

    /// `ROW<name type ['comment'], …>`, also with parentheses
    fn row_type(&mut self, depth: usize) -> Result<DataType, SqlError> {
        self.advance();
        let close = if self.eat(Kind::LeftParen) {
            Kind::RightParen
        } else {
            self.expect(Kind::Less)?;
            Kind::Greater
        };
        let (mut fields, mut parts): (Vec<RowField>, Vec<Lengths>) = (Vec::new(), Vec::new());
        let mut names = std::collections::HashSet::new();
        loop {
            let name = self.identifier("the name of a field")?;
            if !names.insert(name.value.clone()) {
                let message = format!("field `{}` is declared twice", name.value);
                return Err(SqlError::new("sql.duplicate_column", message, name.span));
            }
            let (Element { data_type, nullable }, lengths) = self.element(depth)?;
            parts.push(lengths);
            if self.kind() == Kind::Text {
                self.text_value("a comment")?;
            }
            fields.push(RowField { name: name.value, data_type, nullable });
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.type_parts = of_parts(parts);
        self.expect(close)?;
        Ok(DataType::Row(fields))
    }
}

/// The lengths of parts, none where none has one.
fn of_parts(parts: Vec<Lengths>) -> Vec<Lengths> {
    if parts.iter().all(Lengths::is_empty) { Vec::new() } else { parts }
}
