//! `CREATE VIEW` and `CREATE FUNCTION`; what is created decides where reading goes on.

use super::{Parser, token::Kind};
use crate::{
    ast::{CreateFunction, CreateView, StatementKind},
    error::SqlError,
};

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<StatementKind, SqlError> {
        let start = self.at;
        self.advance();
        let replaces = self.eat_words(&["OR", "REPLACE"]) || self.eat_words(&["OR", "ALTER"]);
        let temporary = self.eat_word("TEMPORARY");
        let system = temporary && self.eat_word("SYSTEM");
        let word = self.word_at(0).unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "TABLE" if !replaces && !system => Ok(StatementKind::CreateTable(self.create_table(temporary)?)),
            "VIEW" if !system => Ok(StatementKind::CreateView(self.create_view(temporary)?)),
            "FUNCTION" if !replaces => Ok(StatementKind::CreateFunction(self.create_function(temporary, system)?)),
            "TABLE" | "CATALOG" | "DATABASE" | "MODEL" | "CONNECTION" | "MATERIALIZED" => {
                self.at = start;
                Ok(self.unsupported_statement())
            }
            _ => {
                let known = ["TABLE", "VIEW", "FUNCTION", "TEMPORARY"];
                let error = self.expected("`TABLE`, `VIEW` or `FUNCTION`");
                Err(self.with_near(error, known.into_iter()))
            }
        }
    }

    pub(super) fn if_not_exists(&mut self) -> Result<bool, SqlError> {
        // `IF` is no reserved word: a table may be called so.
        if !self.are_words(&["IF", "NOT"]) {
            return Ok(false);
        }
        self.expect_words(&["IF", "NOT", "EXISTS"])?;
        Ok(true)
    }

    /// `[COMMENT '…']`
    pub(super) fn comment(&mut self) -> Result<Option<String>, SqlError> {
        if self.eat_word("COMMENT") { Ok(Some(self.text_value("a comment in quotes")?.0)) } else { Ok(None) }
    }

    fn create_view(&mut self, temporary: bool) -> Result<CreateView, SqlError> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name("the name of a view")?;
        let columns = if self.kind() == Kind::LeftParen { self.identifier_list("the name of a column")? } else { Vec::new() };
        let comment = self.comment()?;
        self.expect_word("AS")?;
        Ok(CreateView { name, temporary, if_not_exists, columns, comment, query: self.query()? })
    }

    /// `FUNCTION name AS '…' [LANGUAGE …] [USING JAR '…', …] [WITH (…)]`
    fn create_function(&mut self, temporary: bool, system: bool) -> Result<CreateFunction, SqlError> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name("the name of a function")?;
        self.expect_word("AS")?;
        let (identifier, identifier_span) = self.text_value("what implements the function, in quotes")?;
        let language = if self.eat_word("LANGUAGE") {
            if self.kind() != Kind::Word {
                return Err(self.expected("a language"));
            }
            Some(self.advance().to_ascii_uppercase())
        } else {
            None
        };
        let resources = if self.eat_word("USING") {
            self.comma_separated(|p| {
                p.expect_one_of(&["JAR", "FILE", "ARCHIVE", "ARTIFACT"])?;
                Ok(p.text_value("a path in quotes")?.0)
            })?
        } else {
            Vec::new()
        };
        if self.is_word("WITH") {
            return Err(self.unsupported("options of functions are not supported", self.span()));
        }
        Ok(CreateFunction { name, temporary, system, if_not_exists, identifier, identifier_span, language, resources })
    }
}
