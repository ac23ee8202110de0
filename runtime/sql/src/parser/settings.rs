//! `SET` and `RESET`.

use super::{Parser, token::Kind};
use crate::{
    ast::{SetOption, Span, StatementKind},
    error::SqlError,
};

impl Parser<'_> {
    /// `SET 'key' = 'value'`; both may stand without quotes, as the SQL client's old form has them.
    pub(super) fn set(&mut self) -> Result<StatementKind, SqlError> {
        self.advance();
        if self.at_statement_end() {
            return Ok(StatementKind::Unsupported("SET".into()));
        }
        let (key, span) = self.key(Kind::Equal, "the name of a setting")?;
        self.expect(Kind::Equal)?;
        let value = self.key(Kind::Semicolon, "a value")?.0;
        Ok(StatementKind::Set(SetOption { key, value, span }))
    }

    /// `RESET ['key']`
    pub(super) fn reset(&mut self) -> Result<StatementKind, SqlError> {
        self.advance();
        if self.at_statement_end() {
            return Ok(StatementKind::Reset(None));
        }
        let (key, span) = self.key(Kind::Semicolon, "the name of a setting")?;
        Ok(StatementKind::Reset(Some(SetOption { key, value: String::new(), span })))
    }

    fn at_statement_end(&self) -> bool {
        matches!(self.kind(), Kind::Semicolon | Kind::End)
    }

    /// A text, or everything as written up to `until` or the end of the statement.
    fn key(&mut self, until: Kind, expected: &str) -> Result<(String, Span), SqlError> {
        if matches!(self.kind(), Kind::Text | Kind::UnicodeText) {
            return self.text_value(expected);
        }
        let start = self.span();
        if self.kind() == until || self.at_statement_end() {
            return Err(self.expected(expected));
        }
        while self.kind() != until && !self.at_statement_end() {
            self.advance();
        }
        let span = self.since(start);
        Ok((self.raw(span).to_owned(), span))
    }
}
