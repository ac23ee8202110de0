//! What the quoted tokens stand for.

use super::{Parser, token::Kind};
use crate::{
    ast::{Literal, Span},
    error::SqlError,
};

impl Parser<'_> {
    /// `'text'` in any of its forms; `expected` says what it is needed for.
    pub(super) fn text_value(&mut self, expected: &str) -> Result<(String, Span), SqlError> {
        let start = self.span();
        let mut value = match self.kind() {
            Kind::Text => self.plain_text(),
            Kind::UnicodeText => self.unicode_text()?,
            _ => return Err(self.expected(expected)),
        };
        // As in standard SQL, texts that only a line break separates are one.
        while self.kind() == Kind::Text && self.text[self.last_span().end..self.span().start].contains('\n') {
            value.push_str(&self.plain_text());
        }
        Ok((value, start.to(self.last_span())))
    }

    fn plain_text(&mut self) -> String {
        let raw = self.advance();
        let inner = raw.split_once('\'').map_or("", |(_, rest)| rest.strip_suffix('\'').unwrap_or(rest));
        inner.replace("''", "'")
    }

    /// `U&'\0041' [UESCAPE '!']`: code units of UTF-16 as four hexadecimal digits behind the escape character.
    fn unicode_text(&mut self) -> Result<String, SqlError> {
        let span = self.span();
        let raw = self.plain_text();
        let mut escape = '\\';
        if self.eat_word("UESCAPE") {
            let (text, place) = self.text_value("a text of one character")?;
            let mut characters = text.chars();
            escape = match (characters.next(), characters.next()) {
                (Some(c), None) if !c.is_ascii_hexdigit() && !"'\"+ ".contains(c) => c,
                _ => return Err(SqlError::new("sql.syntax", "expected one character that is no hexadecimal digit behind UESCAPE", place)),
            };
        }
        let mut units: Vec<u16> = Vec::with_capacity(raw.len());
        let mut rest = raw.as_str();
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if c != escape {
                units.extend(c.encode_utf16(&mut [0; 2]).iter());
            } else if rest.starts_with(escape) {
                rest = &rest[escape.len_utf8()..];
                units.extend(c.encode_utf16(&mut [0; 2]).iter());
            } else {
                let digits = rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(unit) = digits.and_then(|d| u16::from_str_radix(d, 16).ok()) else {
                    let message = format!("expected four hexadecimal digits or another `{escape}` behind `{escape}`");
                    return Err(SqlError::new("sql.syntax", message, span));
                };
                units.push(unit);
                rest = &rest[4..];
            }
        }
        String::from_utf16(&units)
            .map_err(|_| SqlError::new("sql.syntax", "the escaped characters are not Unicode: half of a surrogate pair is missing", span))
    }

    /// `X'0A'`
    pub(super) fn bytes_value(&mut self) -> Result<Literal, SqlError> {
        let span = self.span();
        let digits = self.plain_text();
        let wrong = |message: String| SqlError::new("sql.syntax", message, span);
        if let Some(other) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(wrong(format!("expected hexadecimal digits, found `{other}`")));
        }
        if !digits.len().is_multiple_of(2) {
            return Err(wrong("expected an even number of hexadecimal digits".into()));
        }
        let byte = |i: usize| digits.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
        Ok(Literal::Bytes((0..digits.len()).step_by(2).map(byte).collect()))
    }
}
