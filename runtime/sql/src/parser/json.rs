//! The JSON functions of standard SQL.
//!
//! Their clauses become symbols in the order of the text, `DEFAULT x ON ERROR` the symbol `DEFAULT ON ERROR` with `x`
//! behind it, `RETURNING type` the symbol `RETURNING …` with Flink's name of the type. `x FORMAT JSON` puts the symbol
//! `FORMAT JSON` behind `x`. Wrappers are `WITHOUT WRAPPER`, `WITH CONDITIONAL WRAPPER` and `WITH UNCONDITIONAL WRAPPER`.

use super::{Parser, call::symbol, token::Kind};
use crate::{ast::Expression, error::SqlError};

impl Parser<'_> {
    /// `value, path [clauses]` of JSON_EXISTS, JSON_VALUE and JSON_QUERY.
    pub(super) fn json_path_call(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = Vec::new();
        self.json_value(&mut arguments)?;
        self.expect(Kind::Comma)?;
        arguments.push(self.expression()?);
        if self.is_word("PASSING") {
            return Err(self.unsupported("`PASSING` is not supported", self.span()));
        }
        while self.kind() == Kind::Word {
            self.json_clause(&mut arguments)?;
        }
        Ok(arguments)
    }

    fn json_clause(&mut self, arguments: &mut Vec<Expression>) -> Result<(), SqlError> {
        let start = self.span();
        if self.eat_word("RETURNING") {
            let data_type = self.plain_type()?.data_type;
            arguments.push(symbol(format!("RETURNING {data_type}"), self.since(start)));
            return Ok(());
        }
        if let Some(wrapper) = self.json_wrapper()? {
            arguments.push(symbol(wrapper, self.since(start)));
            return Ok(());
        }
        let behaviour = self.expect_one_of(&["NULL", "ERROR", "DEFAULT", "EMPTY", "TRUE", "FALSE", "UNKNOWN"])?;
        let value = if behaviour == "DEFAULT" { Some(self.expression()?) } else { None };
        let kind = match behaviour {
            "EMPTY" if self.eat_word("ARRAY") => " ARRAY",
            "EMPTY" if self.eat_word("OBJECT") => " OBJECT",
            "EMPTY" => return Err(self.expected("`ARRAY` or `OBJECT`")),
            _ => "",
        };
        self.expect_word("ON")?;
        let event = self.expect_one_of(&["EMPTY", "ERROR"])?;
        arguments.push(symbol(format!("{behaviour}{kind} ON {event}"), self.since(start)));
        arguments.extend(value);
        Ok(())
    }

    /// `WITHOUT [ARRAY] WRAPPER`, `WITH [CONDITIONAL | UNCONDITIONAL] [ARRAY] WRAPPER`
    fn json_wrapper(&mut self) -> Result<Option<&'static str>, SqlError> {
        let wrapper = if self.eat_word("WITHOUT") {
            "WITHOUT WRAPPER"
        } else if !self.eat_word("WITH") {
            return Ok(None);
        } else if self.eat_word("CONDITIONAL") {
            "WITH CONDITIONAL WRAPPER"
        } else {
            self.eat_word("UNCONDITIONAL");
            "WITH UNCONDITIONAL WRAPPER"
        };
        self.eat_word("ARRAY");
        self.expect_word("WRAPPER")?;
        Ok(Some(wrapper))
    }

    /// `value [FORMAT JSON]`
    fn json_value(&mut self, arguments: &mut Vec<Expression>) -> Result<(), SqlError> {
        arguments.push(self.expression()?);
        if self.are_words(&["FORMAT", "JSON"]) {
            arguments.push(self.symbol_of(2));
        }
        Ok(())
    }

    /// `[[KEY] key VALUE value, …] [NULL | ABSENT ON NULL]`, also `key : value`
    pub(super) fn json_object(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = Vec::new();
        if self.kind() != Kind::RightParen && !self.at_on_null() {
            self.json_pair(&mut arguments)?;
            while self.eat(Kind::Comma) {
                self.json_pair(&mut arguments)?;
            }
        }
        self.json_on_null(&mut arguments);
        Ok(arguments)
    }

    fn json_pair(&mut self, arguments: &mut Vec<Expression>) -> Result<(), SqlError> {
        // `KEY` is no reserved word: a column of that name may be the key itself.
        if self.is_word("KEY") && !matches!(self.kind_at(1), Kind::Colon | Kind::Dot) && !self.is_word_at(1, "VALUE") {
            self.advance();
        }
        arguments.push(self.expression()?);
        if !self.eat_word("VALUE") && !self.eat(Kind::Colon) {
            return Err(self.expected("`VALUE`"));
        }
        self.json_value(arguments)
    }

    /// `[DISTINCT] [value, …] [NULL | ABSENT ON NULL]`
    pub(super) fn json_array(&mut self, distinct: &mut bool) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = Vec::new();
        *distinct = self.eat_word("DISTINCT");
        if self.kind() != Kind::RightParen && !self.at_on_null() {
            self.json_value(&mut arguments)?;
            while self.eat(Kind::Comma) {
                self.json_value(&mut arguments)?;
            }
        }
        self.json_on_null(&mut arguments);
        Ok(arguments)
    }

    fn at_on_null(&self) -> bool {
        self.are_words(&["NULL", "ON", "NULL"]) || self.are_words(&["ABSENT", "ON", "NULL"])
    }

    fn json_on_null(&mut self, arguments: &mut Vec<Expression>) {
        if self.at_on_null() {
            arguments.push(self.symbol_of(3));
        }
    }
}
