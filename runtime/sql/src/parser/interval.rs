//! `INTERVAL '…' unit` and units of time.

use super::{Parser, keywords, token::Kind};
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
        let (from, to, digits) = self.interval_qualifier()?;
        check_digits(&text, digits, self.since(start))?;
        Ok(Expression { kind: ExpressionKind::Interval { value: format!("{sign}{text}"), from, to }, span: self.since(start) })
    }

    /// `unit[(digits[, fraction])] [TO unit[(fraction)]]`; answers the digits that the first number of a constant may have.
    pub(super) fn interval_qualifier(&mut self) -> Result<(IntervalUnit, Option<IntervalUnit>, u32), SqlError> {
        let start = self.span();
        let from = self.interval_unit()?;
        let digits = self.unit_precision(2)?.unwrap_or(if from == IntervalUnit::Millisecond { u32::MAX } else { 2 });
        if !self.eat_word("TO") {
            return Ok((from, None, digits));
        }
        let to = self.interval_unit()?;
        self.unit_precision(1)?;
        use IntervalUnit::{Day, Hour, Minute, Month, Second, Year};
        match (from, to) {
            (Year, Month) | (Day, Hour | Minute | Second) | (Hour, Minute | Second) | (Minute, Second) => Ok((from, Some(to), digits)),
            _ => Err(SqlError::new("sql.syntax", format!("`{}` is no interval", self.raw(self.since(start))), self.since(start))
                .with_hint("intervals go from YEAR to MONTH, or from DAY, HOUR or MINUTE to a shorter unit")),
        }
    }

    /// Whether a unit stands here that cannot be a name.
    pub(super) fn at_interval_unit(&self) -> bool {
        let is_unit = |word: &str| UNITS.iter().any(|(one, ..)| one.eq_ignore_ascii_case(word));
        self.word_at(0).is_some_and(|word| is_unit(word) && keywords::is_reserved(word))
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

    fn unit_precision(&mut self, numbers_max: usize) -> Result<Option<u32>, SqlError> {
        if self.kind() != Kind::LeftParen {
            return Ok(None);
        }
        let start = self.span();
        let numbers = self.in_parentheses(|p| p.whole_number("a number of digits"))?;
        if numbers.len() > numbers_max {
            return Err(SqlError::new("sql.syntax", format!("expected at most {numbers_max} numbers"), self.since(start)));
        }
        Ok(numbers.first().map(|(number, _)| *number))
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

/// Whether the first number of an interval has no more digits than its unit says; two where it says nothing.
fn check_digits(text: &str, digits_max: u32, span: Span) -> Result<(), SqlError> {
    let digits: String = text.trim_start_matches([' ', '-', '+']).chars().take_while(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    if u32::try_from(digits.len()).is_ok_and(|count| count <= digits_max) {
        return Ok(());
    }
    let message = format!("the interval begins with {digits}, which has more than {digits_max} digits");
    Err(SqlError::new("sql.invalid_interval", message, span)
        .with_hint(format!("say how many digits the unit has, as in `DAY({})`, or use a longer unit", digits.len())))
}
