//! Functions whose arguments are separated by words: `EXTRACT(DAY FROM x)`, `TRIM(BOTH ' ' FROM s)`, …

use super::{Parser, call::symbol, expression::RANGE, predicate::call_of, token::Kind};
use crate::{
    ast::{Expression, ExpressionKind, Literal},
    error::SqlError,
};

/// Units of `EXTRACT`, `CEIL`, `FLOOR`, `TIMESTAMPADD` and `TIMESTAMPDIFF`.
const TIME_UNITS: &str = "YEAR QUARTER MONTH WEEK DAY HOUR MINUTE SECOND MILLISECOND MICROSECOND NANOSECOND DOY DOW ISODOW ISOYEAR EPOCH \
     DECADE CENTURY MILLENNIUM";

const SPECIAL: &str = "EXTRACT POSITION SUBSTRING TRIM OVERLAY CEIL CEILING FLOOR TIMESTAMPADD TIMESTAMPDIFF JSON_EXISTS JSON_VALUE \
     JSON_QUERY JSON_OBJECT JSON_ARRAY JSON_OBJECTAGG JSON_ARRAYAGG";

impl Parser<'_> {
    pub(super) fn is_special_call(&self, upper: &str) -> bool {
        SPECIAL.split(' ').any(|name| name == upper)
    }

    /// A call of this function, at its name.
    pub(super) fn special_call(&mut self, upper: &str) -> Result<Expression, SqlError> {
        let start = self.span();
        let mut call = call_of(self.advance(), start, Vec::new());
        self.expect(Kind::LeftParen)?;
        call.arguments = match upper {
            "EXTRACT" => self.extract(),
            "POSITION" => self.position(),
            "SUBSTRING" => self.substring(),
            "TRIM" => self.trim(),
            "OVERLAY" => self.overlay(),
            "TIMESTAMPADD" | "TIMESTAMPDIFF" => self.timestamp_arithmetic(),
            "CEIL" | "CEILING" | "FLOOR" => self.rounded(),
            "JSON_OBJECTAGG" | "JSON_OBJECT" => self.json_object(),
            "JSON_ARRAYAGG" | "JSON_ARRAY" => self.json_array(&mut call.distinct),
            _ => self.json_path_call(),
        }?;
        if upper == "JSON_ARRAYAGG" {
            call.order_by = self.order_by()?;
        }
        self.expect(Kind::RightParen)?;
        self.call_suffix(call, start)
    }

    /// A unit of time as a symbol. ODBC's names stand for the plain ones.
    fn time_unit(&mut self) -> Result<Expression, SqlError> {
        let span = self.span();
        let word = self.word_at(0).unwrap_or_default().to_ascii_uppercase();
        let plain = match word.strip_prefix("SQL_TSI_").unwrap_or(&word) {
            "FRAC_SECOND" => "MICROSECOND",
            other => other,
        };
        match TIME_UNITS.split_whitespace().find(|unit| *unit == plain) {
            Some(unit) => {
                self.advance();
                Ok(symbol(unit, span))
            }
            None => Err(self.with_near(self.expected("a unit of time"), TIME_UNITS.split_whitespace())),
        }
    }

    fn extract(&mut self) -> Result<Vec<Expression>, SqlError> {
        let unit = self.time_unit()?;
        self.expect_word("FROM")?;
        Ok(vec![unit, self.expression()?])
    }

    fn timestamp_arithmetic(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = vec![self.time_unit()?];
        while self.eat(Kind::Comma) {
            arguments.push(self.expression()?);
        }
        Ok(arguments)
    }

    fn rounded(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = vec![self.expression()?];
        if self.eat_word("TO") {
            arguments.push(self.time_unit()?);
        } else {
            self.more_arguments(&mut arguments)?;
        }
        Ok(arguments)
    }

    fn position(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = vec![self.expression_above(RANGE + 1)?];
        self.expect_word("IN")?;
        arguments.push(self.expression()?);
        if self.eat_word("FROM") {
            arguments.push(self.expression()?);
        }
        Ok(arguments)
    }

    fn substring(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = vec![self.expression()?];
        for separator in ["FROM", "FOR"] {
            if !self.eat_word(separator) && !self.eat(Kind::Comma) {
                break;
            }
            arguments.push(self.expression()?);
        }
        Ok(arguments)
    }

    fn overlay(&mut self) -> Result<Vec<Expression>, SqlError> {
        let mut arguments = vec![self.expression()?];
        if self.kind() == Kind::Comma {
            self.more_arguments(&mut arguments)?;
            return Ok(arguments);
        }
        self.expect_word("PLACING")?;
        arguments.push(self.expression()?);
        self.expect_word("FROM")?;
        arguments.push(self.expression()?);
        if self.eat_word("FOR") {
            arguments.push(self.expression()?);
        }
        Ok(arguments)
    }

    /// `TRIM(s)` has one argument; every other form has the side, what is trimmed, and the text.
    fn trim(&mut self) -> Result<Vec<Expression>, SqlError> {
        let start = self.span();
        let given = ["BOTH", "LEADING", "TRAILING"].into_iter().find(|side| self.eat_word(side));
        let side = symbol(given.unwrap_or("BOTH"), start);
        if given.is_some() && self.eat_word("FROM") {
            let blank = Expression { kind: ExpressionKind::Literal(Literal::String(" ".into())), span: start };
            return Ok(vec![side, blank, self.expression()?]);
        }
        let first = self.expression()?;
        if given.is_none() && !self.is_word("FROM") {
            return Ok(vec![first]);
        }
        self.expect_word("FROM")?;
        Ok(vec![side, first, self.expression()?])
    }

    fn more_arguments(&mut self, arguments: &mut Vec<Expression>) -> Result<(), SqlError> {
        while self.eat(Kind::Comma) {
            arguments.push(self.expression()?);
        }
        Ok(())
    }
}
