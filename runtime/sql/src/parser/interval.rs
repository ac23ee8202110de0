//! `INTERVAL '…' unit` and units of time.

use super::{Parser, token::Kind};
use crate::{
    ast::{Expression, ExpressionKind, IntervalUnit, Span},
    error::SqlError,
};

/// Units of intervals, each with the plural that Calcite reads, too.
const UNITS: [(&str, &str, IntervalUnit); 9] = [
    ("YEAR", "YEARS", IntervalUnit::Year),
    ("QUARTER", "QUARTERS", IntervalUnit::Quarter),
    ("MONTH", "MONTHS", IntervalUnit::Month),
    ("WEEK", "WEEKS", IntervalUnit::Week),
    ("DAY", "DAYS", IntervalUnit::Day),
    ("HOUR", "HOURS", IntervalUnit::Hour),
    ("MINUTE", "MINUTES", IntervalUnit::Minute),
    ("SECOND", "SECONDS", IntervalUnit::Second),
    ("MILLISECOND", "MILLISECONDS", IntervalUnit::Millisecond),
];

impl Parser<'_> {
    /// `INTERVAL [-]'value' unit[(p)] [TO unit[(p)]]`
    pub(super) fn interval(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let sign = if self.eat(Kind::Minus) { "-" } else { "" };
        if sign.is_empty() {
            self.eat(Kind::Plus);
        }
        if self.kind() != Kind::Text {
            return Err(self.expected("a text in quotes").with_hint("write it as in `INTERVAL '5' MINUTE`"));
        }
        let (text, _) = self.text_value("a text in quotes")?;
        let (from, to) = self.interval_qualifier()?;
        Ok(Expression { kind: ExpressionKind::Interval { value: format!("{sign}{text}"), from, to }, span: self.since(start) })
    }

    /// `unit[(precision[, fraction])] [TO unit[(fraction)]]`; precisions are read and have no effect.
    pub(super) fn interval_qualifier(&mut self) -> Result<(IntervalUnit, Option<IntervalUnit>), SqlError> {
        let start = self.span();
        let from = self.interval_unit()?;
        self.unit_precision(2)?;
        if !self.eat_word("TO") {
            return Ok((from, None));
        }
        let to = self.interval_unit()?;
        self.unit_precision(1)?;
        use IntervalUnit::{Day, Hour, Minute, Month, Second, Year};
        match (from, to) {
            (Year, Month) | (Day, Hour | Minute | Second) | (Hour, Minute | Second) | (Minute, Second) => Ok((from, Some(to))),
            _ => Err(SqlError::new("sql.syntax", format!("`{}` is no interval", self.raw(self.since(start))), self.since(start))
                .with_hint("intervals go from YEAR to MONTH, or from DAY, HOUR or MINUTE to a shorter unit")),
        }
    }

    fn interval_unit(&mut self) -> Result<IntervalUnit, SqlError> {
        let unit = self
            .word_at(0)
            .and_then(|word| UNITS.iter().find(|(one, many, _)| one.eq_ignore_ascii_case(word) || many.eq_ignore_ascii_case(word)));
        match unit {
            Some((_, _, unit)) => {
                self.advance();
                Ok(*unit)
            }
            None => {
                let error = self.expected("a unit of time (YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND)");
                Err(self.with_near(error, UNITS.iter().map(|(one, ..)| *one)))
            }
        }
    }

    fn unit_precision(&mut self, numbers_max: usize) -> Result<(), SqlError> {
        if self.kind() != Kind::LeftParen {
            return Ok(());
        }
        let start = self.span();
        let numbers = self.in_parentheses(|p| p.whole_number("a number of digits"))?;
        if numbers.len() > numbers_max {
            return Err(SqlError::new("sql.syntax", format!("expected at most {numbers_max} numbers"), self.since(start)));
        }
        Ok(())
    }

    pub(super) fn whole_number(&mut self, expected: &str) -> Result<(u32, Span), SqlError> {
        let span = self.span();
        match self.raw(span).parse::<u32>() {
            Ok(number) if self.kind() == Kind::Number => {
                self.advance();
                Ok((number, span))
            }
            _ => Err(self.expected(expected)),
        }
    }
}
