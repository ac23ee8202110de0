//! Scripts and statements; each kind of statement has its own file.

use super::{Parser, token::Kind};
use crate::{
    ast::{DropObject, DropStatement, ExplainDetail, Statement, StatementKind},
    error::SqlError,
};

/// Words that a statement may begin with.
const STARTS: &str = "SELECT INSERT CREATE SET RESET EXPLAIN EXECUTE BEGIN WITH VALUES TABLE USE DROP SHOW DESCRIBE DESC ALTER ADD REMOVE LOAD \
     UNLOAD CALL COMPILE STOP ANALYZE TRUNCATE UPDATE DELETE MERGE REPLACE UPSERT HELP QUIT EXIT CLEAR";

/// Statements that are known by their first words and refused by the binder.
const UNSUPPORTED: &str = "USE SHOW DESCRIBE DESC ALTER ADD REMOVE LOAD UNLOAD CALL COMPILE STOP ANALYZE TRUNCATE UPDATE DELETE MERGE \
     REPLACE UPSERT HELP QUIT EXIT CLEAR";

/// What unsupported statements are about: part of their name.
const OBJECTS: &str = "CATALOG CATALOGS DATABASE DATABASES TABLE TABLES VIEW VIEWS FUNCTION FUNCTIONS MODULE MODULES JAR JARS JOB JOBS COLUMNS \
     PARTITIONS PROCEDURES MODEL MODELS CONNECTION CONNECTIONS PLAN CURRENT CREATE";

/// Words between a verb and its object that the name leaves out.
const BETWEEN: &str = "TEMPORARY SYSTEM FULL USER EXTENDED";

/// What `EXPLAIN` can be asked for.
const DETAILS: [(&str, ExplainDetail); 4] = [
    ("ESTIMATED_COST", ExplainDetail::EstimatedCost),
    ("CHANGELOG_MODE", ExplainDetail::ChangelogMode),
    ("JSON_EXECUTION_PLAN", ExplainDetail::JsonExecutionPlan),
    ("PLAN_ADVICE", ExplainDetail::PlanAdvice),
];

impl Parser<'_> {
    pub(super) fn script(&mut self) -> Result<Vec<Statement>, SqlError> {
        let mut statements = Vec::new();
        loop {
            while self.eat(Kind::Semicolon) {}
            if self.kind() == Kind::End {
                return Ok(statements);
            }
            statements.push(self.statement()?);
            if self.kind() != Kind::End && self.kind() != Kind::Semicolon {
                return Err(self.expected("`;` or the end of the statement"));
            }
        }
    }

    pub(super) fn statement(&mut self) -> Result<Statement, SqlError> {
        let start = self.span();
        let kind = self.statement_kind()?;
        Ok(Statement { kind, span: self.since(start) })
    }

    fn statement_kind(&mut self) -> Result<StatementKind, SqlError> {
        if self.kind() == Kind::LeftParen {
            return Ok(StatementKind::Query(self.query()?));
        }
        let word = self.word_at(0).unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "SELECT" | "WITH" | "VALUES" | "TABLE" => Ok(StatementKind::Query(self.query()?)),
            "CREATE" => self.create(),
            "INSERT" => Ok(StatementKind::Insert(self.insert()?)),
            "EXECUTE" => self.execute(),
            "BEGIN" | "STATEMENT" => self.statement_set(),
            "SET" => self.set(),
            "RESET" => self.reset(),
            "EXPLAIN" => self.explain(),
            "DROP" => self.drop_statement(),
            _ if UNSUPPORTED.split_whitespace().any(|w| w == word) => Ok(self.unsupported_statement()),
            _ => Err(self.with_near(self.expected("a statement"), STARTS.split_whitespace())),
        }
    }

    /// `EXECUTE STATEMENT SET …`, `EXECUTE INSERT …`, `EXECUTE SELECT …`
    fn execute(&mut self) -> Result<StatementKind, SqlError> {
        if self.is_word_at(1, "PLAN") {
            return Ok(self.unsupported_statement());
        }
        self.advance();
        match self.word_at(0).unwrap_or_default().to_ascii_uppercase().as_str() {
            "STATEMENT" => self.statement_set(),
            "INSERT" => Ok(StatementKind::Insert(self.insert()?)),
            _ => Ok(StatementKind::Query(self.query()?)),
        }
    }

    /// `EXPLAIN [PLAN FOR | detail, …] statement`
    fn explain(&mut self) -> Result<StatementKind, SqlError> {
        self.advance();
        let mut asked = Vec::new();
        let details = DETAILS.map(|(word, _)| word);
        if self.eat_word("PLAN") {
            self.expect_word("FOR")?;
        } else if details.iter().any(|detail| self.is_word(detail)) {
            let words = self.comma_separated(|p| p.expect_one_of(&details))?;
            asked = DETAILS.iter().filter(|(word, _)| words.contains(word)).map(|(_, detail)| *detail).collect();
        }
        let is_explained = ["SELECT", "WITH", "VALUES", "TABLE", "INSERT", "EXECUTE", "STATEMENT", "BEGIN", "CREATE"];
        if self.kind() != Kind::LeftParen && !is_explained.iter().any(|word| self.is_word(word)) {
            return Err(self.with_near(self.expected("a query or `INSERT`"), is_explained.into_iter().chain(details)));
        }
        Ok(StatementKind::Explain { details: asked, statement: Box::new(self.statement()?) })
    }

    /// `DROP [TEMPORARY [SYSTEM]] TABLE | VIEW | FUNCTION [IF EXISTS] name`
    fn drop_statement(&mut self) -> Result<StatementKind, SqlError> {
        let start = self.at;
        self.advance();
        let temporary = self.eat_word("TEMPORARY");
        let system = temporary && self.eat_word("SYSTEM");
        let object = match self.word_at(0).unwrap_or_default().to_ascii_uppercase().as_str() {
            "TABLE" if !system => DropObject::Table,
            "VIEW" if !system => DropObject::View,
            "FUNCTION" => DropObject::Function,
            "CATALOG" | "DATABASE" | "MODEL" | "CONNECTION" | "MATERIALIZED" => {
                self.at = start;
                return Ok(self.unsupported_statement());
            }
            _ => {
                let error = self.expected("`TABLE`, `VIEW` or `FUNCTION`");
                return Err(self.with_near(error, ["TABLE", "VIEW", "FUNCTION", "TEMPORARY"].into_iter()));
            }
        };
        self.advance();
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        let expected = match object {
            DropObject::Table => "the name of a table",
            DropObject::View => "the name of a view",
            DropObject::Function => "the name of a function",
        };
        let name = self.object_name(expected)?;
        Ok(StatementKind::Drop(DropStatement { object, name, temporary, if_exists }))
    }

    /// Skips a statement up to its semicolon and answers its name.
    pub(super) fn unsupported_statement(&mut self) -> StatementKind {
        let mut name = vec![self.advance().to_ascii_uppercase()];
        loop {
            let word = self.word_at(0).unwrap_or_default().to_ascii_uppercase();
            let is_one_of = |list: &str| list.split_whitespace().any(|w| w == word);
            if is_one_of(OBJECTS) && name.len() < 3 {
                name.push(word);
            } else if !is_one_of(BETWEEN) && !matches!(word.as_str(), "OR" | "REPLACE" | "MATERIALIZED") {
                break;
            } else if word == "MATERIALIZED" {
                name.push(word);
            }
            self.advance();
        }
        while !matches!(self.kind(), Kind::Semicolon | Kind::End) {
            self.advance();
        }
        StatementKind::Unsupported(name.join(" "))
    }
}
