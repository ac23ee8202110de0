//! Reads Flink's type text. Recursive descent over tokens; nesting is bounded, so hostile text cannot exhaust the stack.

use super::{DataType, Element, NESTING_MAX, RowField};

/// A type text that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type `{text}`: {reason}")]
pub struct DataTypeError {
    /// The whole text.
    pub text: String,
    /// What was found and what was expected.
    pub reason: String,
}

pub(super) fn parse(text: &str) -> Result<DataType, DataTypeError> {
    let fail = |reason| DataTypeError { text: text.chars().take(200).collect(), reason };
    let mut parser = Parser { rest: text };
    let element = parser.element(0).map_err(fail)?;
    match parser.peek() {
        None => Ok(element.data_type),
        Some(c) => Err(fail(format!("found `{c}` after the type, expected the end"))),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.eat(wanted) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(c) => format!("found `{c}`, expected `{wanted}`"),
            None => format!("found the end, expected `{wanted}`"),
        })
    }

    fn word(&mut self) -> Result<&'a str, String> {
        self.peek();
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(match self.rest.chars().next() {
                Some(c) => format!("found `{c}`, expected a name"),
                None => "found the end, expected a name".into(),
            });
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        match self.word() {
            Ok(word) if word.eq_ignore_ascii_case(keyword) => true,
            _ => {
                self.rest = before;
                false
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        if !self.eat('`') {
            return self.word().map(str::to_owned);
        }
        let mut name = String::new();
        loop {
            let end = self.rest.find('`').ok_or("found the end, expected a closing backtick")?;
            name.push_str(&self.rest[..end]);
            self.rest = &self.rest[end + 1..];
            if !self.rest.starts_with('`') {
                return Ok(name);
            }
            name.push('`');
            self.rest = &self.rest[1..];
        }
    }

    fn element(&mut self, depth: usize) -> Result<Element, String> {
        if depth > NESTING_MAX {
            return Err(format!("nested deeper than {NESTING_MAX} levels"));
        }
        let data_type = self.data_type(depth)?;
        let mut nullable = true;
        if self.eat_keyword("NOT") {
            if !self.eat_keyword("NULL") {
                return Err("expected NULL after NOT".into());
            }
            nullable = false;
        } else {
            self.eat_keyword("NULL");
        }
        Ok(Element { data_type, nullable })
    }

    fn number(&mut self, what: &str, min: u8, max: u8) -> Result<u8, String> {
        let word = self.word()?;
        match word.parse::<u8>() {
            Ok(n) if (min..=max).contains(&n) => Ok(n),
            _ => Err(format!("{what} is `{word}`, expected {min} to {max}")),
        }
    }

    fn precision(&mut self, default: u8) -> Result<u8, String> {
        if !self.eat('(') {
            return Ok(default);
        }
        let precision = self.number("precision", 0, 9)?;
        self.expect(')')?;
        Ok(precision)
    }

    fn skip_length(&mut self) -> Result<(), String> {
        if self.eat('(') {
            let word = self.word()?;
            word.parse::<u32>().map_err(|_| format!("length is `{word}`, expected a number"))?;
            self.expect(')')?;
        }
        Ok(())
    }

    fn decimal(&mut self) -> Result<DataType, String> {
        let (mut precision, mut scale) = (10, 0);
        if self.eat('(') {
            precision = self.number("precision", 1, 38)?;
            if self.eat(',') {
                scale = self.number("scale", 0, precision)?;
            }
            self.expect(')')?;
        }
        Ok(DataType::Decimal { precision, scale })
    }

    fn timestamp(&mut self) -> Result<DataType, String> {
        let precision = self.precision(6)?;
        let with = self.eat_keyword("WITH");
        if !with && !self.eat_keyword("WITHOUT") {
            return Ok(DataType::Timestamp { precision });
        }
        let local = self.eat_keyword("LOCAL");
        if !(self.eat_keyword("TIME") && self.eat_keyword("ZONE")) {
            return Err("expected TIME ZONE".into());
        }
        match (with, local) {
            (true, true) => Ok(DataType::TimestampLtz { precision }),
            (false, false) => Ok(DataType::Timestamp { precision }),
            _ => Err("TIMESTAMP WITH TIME ZONE is not supported; use TIMESTAMP_LTZ".into()),
        }
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType, String> {
        let word = self.word()?;
        Ok(match word.to_ascii_uppercase().as_str() {
            "BOOLEAN" => DataType::Boolean,
            "TINYINT" => DataType::TinyInt,
            "SMALLINT" => DataType::SmallInt,
            "INT" | "INTEGER" => DataType::Int,
            "BIGINT" => DataType::BigInt,
            "FLOAT" => DataType::Float,
            "DOUBLE" => {
                self.eat_keyword("PRECISION");
                DataType::Double
            }
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "STRING" => DataType::String,
            "VARCHAR" | "CHAR" => {
                self.skip_length()?;
                DataType::String
            }
            "BYTES" => DataType::Bytes,
            "VARBINARY" | "BINARY" => {
                self.skip_length()?;
                DataType::Bytes
            }
            "BITMAP" => DataType::Bitmap,
            "DATE" => DataType::Date,
            "TIME" => DataType::Time { precision: self.precision(0)? },
            "TIMESTAMP" => self.timestamp()?,
            "TIMESTAMP_LTZ" => DataType::TimestampLtz { precision: self.precision(6)? },
            "ARRAY" => {
                self.expect('<')?;
                let element = self.element(depth + 1)?;
                self.expect('>')?;
                DataType::Array(Box::new(element))
            }
            "MAP" => {
                self.expect('<')?;
                let key = self.element(depth + 1)?;
                self.expect(',')?;
                let value = self.element(depth + 1)?;
                self.expect('>')?;
                DataType::Map(Box::new(key), Box::new(value))
            }
            "ROW" => self.row(depth)?,
            _ => {
                return Err(format!(
                    "`{word}` is not a type; expected BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, STRING, BYTES, DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, ARRAY, MAP, ROW or BITMAP"
                ));
            }
        })
    }

    fn row(&mut self, depth: usize) -> Result<DataType, String> {
        self.expect('<')?;
        let mut fields: Vec<RowField> = Vec::new();
        loop {
            let name = self.name()?;
            if fields.iter().any(|f| f.name == name) {
                return Err(format!("field `{name}` is declared twice"));
            }
            let Element { data_type, nullable } = self.element(depth + 1)?;
            fields.push(RowField { name, data_type, nullable });
            if !self.eat(',') {
                break;
            }
        }
        self.expect('>')?;
        Ok(DataType::Row(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(data_type) => data_type.to_string(),
            Err(error) => format!("error: {}", error.reason),
        };
        assert_eq!(shown, expected, "for {text:?}");
    }

    #[test]
    fn type_text_round_trips_in_flinks_form() {
        check("bigint", "BIGINT");
        check("DECIMAL(10,2)", "DECIMAL(10, 2)");
        check("VARCHAR(20)", "STRING");
        check("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)");
        check("TIMESTAMP", "TIMESTAMP(6)");
        check("ARRAY<INT NOT NULL>", "ARRAY<INT NOT NULL>");
        check("MAP<STRING, ROW<a INT, `b``c` STRING NOT NULL>>", "MAP<STRING, ROW<`a` INT, `b``c` STRING NOT NULL>>");
    }

    #[test]
    fn wrong_type_text_says_what_was_expected() {
        check("DECIMAL(39)", "error: precision is `39`, expected 1 to 38");
        check("ARRAY<INT", "error: found the end, expected `>`");
        check("INT INT", "error: found `I` after the type, expected the end");
        check("ROW<a INT, a INT>", "error: field `a` is declared twice");
        check(&"ARRAY<".repeat(100_000), "error: nested deeper than 16 levels");
    }
}
