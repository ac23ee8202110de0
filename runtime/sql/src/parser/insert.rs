//! `INSERT` and statement sets.

use super::{Parser, token::Kind};
use crate::{
    ast::{ConflictAction, Insert, StatementKind},
    error::SqlError,
};

impl Parser<'_> {
    /// `INSERT INTO | OVERWRITE table [hints] [(columns)] query [ON CONFLICT DO action]`
    pub(super) fn insert(&mut self) -> Result<Insert, SqlError> {
        let start = self.span();
        self.expect_word("INSERT")?;
        let overwrite = self.expect_one_of(&["INTO", "OVERWRITE"])? == "OVERWRITE";
        let table = self.table_name()?;
        let hints = self.hints()?;
        if self.is_word("PARTITION") {
            return Err(self.unsupported("static partitions are not supported", self.span()).with_hint("select their values as columns"));
        }
        let lists_columns = self.kind() == Kind::LeftParen && !self.at_query_parenthesis();
        let columns = if lists_columns { self.identifier_list("the name of a column")? } else { Vec::new() };
        let query = self.query()?;
        let on_conflict = if self.eat_words(&["ON", "CONFLICT"]) {
            self.expect_word("DO")?;
            Some(match self.expect_one_of(&["ERROR", "NOTHING", "DEDUPLICATE"])? {
                "ERROR" => ConflictAction::Error,
                "NOTHING" => ConflictAction::Nothing,
                _ => ConflictAction::Deduplicate,
            })
        } else {
            None
        };
        Ok(Insert { table, overwrite, columns, query, hints, on_conflict, span: self.since(start) })
    }

    /// `STATEMENT SET BEGIN insert; … END` or `BEGIN STATEMENT SET; insert; … END`
    pub(super) fn statement_set(&mut self) -> Result<StatementKind, SqlError> {
        let begun = self.eat_word("BEGIN");
        self.expect_words(&["STATEMENT", "SET"])?;
        if begun {
            self.eat(Kind::Semicolon);
        } else {
            self.expect_word("BEGIN")?;
        }
        let mut inserts = Vec::new();
        loop {
            while self.eat(Kind::Semicolon) {}
            if self.is_word("END") && !inserts.is_empty() {
                self.advance();
                return Ok(StatementKind::StatementSet(inserts));
            }
            if !self.is_word("INSERT") {
                let expected = if inserts.is_empty() { "`INSERT`" } else { "`INSERT` or `END`" };
                return Err(self.with_near(self.expected(expected), ["INSERT", "END"].into_iter()));
            }
            inserts.push(self.insert()?);
            if self.kind() != Kind::Semicolon {
                return Err(self.expected("`;`"));
            }
        }
    }
}
