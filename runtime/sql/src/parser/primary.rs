//! Expressions without operators: constants, names, parentheses, CASE, CAST, collections.

use super::{Parser, call::symbol, keywords, predicate::call_of, token::Kind, types::WrittenType};
use crate::{
    ast::{BinaryOperator, CaseBranch, CastKind, Expression, ExpressionKind, Identifier, IntervalUnit, Literal, ObjectName, Span},
    error::SqlError,
};
use millrace_model::DataType;

impl Parser<'_> {
    /// A value with the `[index]` and `.field` behind it.
    pub(super) fn primary(&mut self) -> Result<Expression, SqlError> {
        let value = self.atom()?;
        if self.at_part() { self.parts(value) } else { Ok(value) }
    }

    fn at_part(&self) -> bool {
        self.kind() == Kind::LeftBracket || self.kind() == Kind::Dot && self.kind_at(1) != Kind::Star
    }

    fn parts(&mut self, mut value: Expression) -> Result<Expression, SqlError> {
        while self.at_part() {
            let part = if self.kind() == Kind::LeftBracket { Self::indexed } else { Self::field };
            value = self.raised(value, part)?;
        }
        Ok(value)
    }

    fn indexed(&mut self, value: Expression) -> Result<Expression, SqlError> {
        self.advance();
        let index = self.expression()?;
        self.expect(Kind::RightBracket)?;
        Ok(Expression { span: self.since(value.span), kind: ExpressionKind::Element(Box::new(value), Box::new(index)) })
    }

    fn field(&mut self, value: Expression) -> Result<Expression, SqlError> {
        self.advance();
        let field = self.identifier("the name of a field")?;
        Ok(Expression { span: value.span.to(field.span), kind: ExpressionKind::Field(Box::new(value), field) })
    }

    fn atom(&mut self) -> Result<Expression, SqlError> {
        match self.kind() {
            Kind::Word => self.word(),
            Kind::LeftParen if self.at_query_parenthesis() => self.scalar_query(),
            Kind::LeftParen => self.parenthesised(),
            Kind::QuotedName => self.name_or_call(),
            Kind::Number | Kind::Text | Kind::UnicodeText | Kind::Bytes => self.constant(),
            Kind::Other if self.raw(self.span()) == "{" => self.escaped(),
            _ => Err(self.expected("an expression")),
        }
    }

    /// JDBC's `{d '…'}`, `{t '…'}`, `{ts '…'}` and `{fn f(…)}`.
    fn escaped(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let mut value = match self.expect_one_of(&["D", "T", "TS", "FN"])? {
            "FN" => self.word()?,
            word => {
                let (text, _) = self.text_value("a text")?;
                let literal = match word {
                    "D" => Literal::Date(text),
                    "T" => Literal::Time(text),
                    _ => Literal::Timestamp(text),
                };
                Expression { kind: ExpressionKind::Literal(literal), span: start }
            }
        };
        if self.kind() != Kind::Other || self.raw(self.span()) != "}" {
            return Err(self.expected("`}`"));
        }
        self.advance();
        value.span = self.since(start);
        Ok(value)
    }

    fn constant(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        let literal = match self.kind() {
            Kind::Number => Literal::Number(self.advance().to_owned()),
            Kind::Bytes => self.bytes_value()?,
            _ => Literal::String(self.text_value("a text")?.0),
        };
        Ok(Expression { kind: ExpressionKind::Literal(literal), span: self.since(start) })
    }

    fn word(&mut self) -> Result<Expression, SqlError> {
        let word = self.word_at(0).unwrap_or_default().to_ascii_uppercase();
        let is_call = self.kind_at(1) == Kind::LeftParen;
        let before_text = matches!(self.kind_at(1), Kind::Text | Kind::UnicodeText);
        match word.as_str() {
            "NULL" | "TRUE" | "FALSE" | "UNKNOWN" => Ok(self.truth_value(&word)),
            "CASE" => self.case(),
            "INTERVAL" => self.interval(),
            "CAST" if is_call => self.cast(CastKind::Cast),
            "TRY_CAST" if is_call => self.cast(CastKind::TryCast),
            "EXISTS" if is_call => self.exists(),
            "DATE" | "TIME" | "TIMESTAMP" if before_text => self.typed_literal(&word),
            "TIMESTAMP" if self.is_word_at(1, "WITH") => Err(self
                .unsupported("constants of TIMESTAMP WITH LOCAL TIME ZONE are not supported", self.span())
                .with_hint("write `TO_TIMESTAMP_LTZ(…)` or CAST a TIMESTAMP")),
            "ARRAY" | "MAP" if self.kind_at(1) == Kind::LeftBracket => self.collection(&word),
            "ARRAY" => {
                self.advance();
                Err(self.expected("`[`"))
            }
            "ROW" if is_call => self.row(),
            "FINAL" | "RUNNING" if self.at_modified_call() => self.modified_call(),
            _ if is_call && self.is_special_call(&word) => self.special_call(&word),
            _ if !is_call && keywords::is_niladic(&word) => Ok(self.niladic()),
            _ => self.name_or_call(),
        }
    }

    /// `FINAL f(…)`: whether a call stands behind the word.
    fn at_modified_call(&self) -> bool {
        let is_function = |word: &str| !keywords::is_reserved(word) || keywords::is_callable(word);
        self.kind_at(2) == Kind::LeftParen && self.word_at(1).is_some_and(is_function)
    }

    /// `FINAL f(…)` is `FINAL(f(…))`.
    fn modified_call(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        let word = self.advance();
        let inner = self.word()?;
        let call = call_of(word, start, vec![inner]);
        Ok(Expression { kind: ExpressionKind::Call(call), span: self.since(start) })
    }

    fn truth_value(&mut self, word: &str) -> Expression {
        let span = self.span();
        self.advance();
        let null = ExpressionKind::Literal(Literal::Null);
        let kind = match word {
            "TRUE" => ExpressionKind::Literal(Literal::Boolean(true)),
            "FALSE" => ExpressionKind::Literal(Literal::Boolean(false)),
            "UNKNOWN" => {
                let value = Box::new(Expression { kind: null, span });
                ExpressionKind::Cast { value, data_type: DataType::Boolean, length: None, parts: Vec::new(), kind: CastKind::Cast }
            }
            _ => null,
        };
        Expression { kind, span }
    }

    fn typed_literal(&mut self, word: &str) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let (value, span) = self.text_value("a text")?;
        let literal = match word {
            "DATE" => Literal::Date(value),
            "TIME" => Literal::Time(value),
            _ => Literal::Timestamp(value),
        };
        Ok(Expression { kind: ExpressionKind::Literal(literal), span: start.to(span) })
    }

    /// `(query)`, `(expression)` or `(a, b)`; the parentheses belong to the place of what stands inside.
    fn parenthesised(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let mut value = self.expression()?;
        if self.kind() == Kind::Comma {
            return self.tuple(start, value);
        }
        self.expect(Kind::RightParen)?;
        if matches!(value.kind, ExpressionKind::Binary(BinaryOperator::Minus, ..)) && self.at_interval_unit() {
            return self.interval_between(start, value);
        }
        value.span = self.since(start);
        Ok(value)
    }

    /// `(to - from) DAY TO SECOND`: how long it is between two points in time.
    fn interval_between(&mut self, start: Span, difference: Expression) -> Result<Expression, SqlError> {
        let ExpressionKind::Binary(_, to, from) = difference.kind else {
            return Err(self.expected("a difference"));
        };
        let unit_span = self.span();
        let (unit, ..) = self.interval_qualifier()?;
        let of_months = matches!(unit, IntervalUnit::Year | IntervalUnit::Quarter | IntervalUnit::Month);
        let unit = symbol(if of_months { "MONTH" } else { "SECOND" }, unit_span);
        let call = call_of("MINUS_DATE", start, vec![*to, *from, unit]);
        Ok(Expression { kind: ExpressionKind::Call(call), span: self.since(start) })
    }

    fn tuple(&mut self, start: Span, first: Expression) -> Result<Expression, SqlError> {
        let mut values = vec![first];
        while self.eat(Kind::Comma) {
            values.push(self.expression()?);
        }
        self.expect(Kind::RightParen)?;
        Ok(Expression { kind: ExpressionKind::Row(values), span: self.since(start) })
    }

    fn scalar_query(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        let query = self.query_in_parentheses()?;
        Ok(Expression { kind: ExpressionKind::Query(query), span: self.since(start) })
    }

    fn row(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let values = self.in_parentheses(Self::expression)?;
        Ok(Expression { kind: ExpressionKind::Row(values), span: self.since(start) })
    }

    fn exists(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let query = self.query_in_parentheses()?;
        Ok(Expression { kind: ExpressionKind::Exists(query), span: self.since(start) })
    }

    /// `ARRAY[a, b]`, `MAP[k, v]`
    fn collection(&mut self, word: &str) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        self.advance();
        let values = if self.kind() == Kind::RightBracket { Vec::new() } else { self.comma_separated(Self::expression)? };
        self.expect(Kind::RightBracket)?;
        let span = self.since(start);
        if word == "ARRAY" {
            return Ok(Expression { kind: ExpressionKind::Array(values), span });
        }
        if !values.len().is_multiple_of(2) {
            let message = format!("expected pairs of keys and values in `MAP[…]`, found {} values", values.len());
            return Err(SqlError::new("sql.syntax", message, span));
        }
        Ok(Expression { kind: ExpressionKind::Map(values), span })
    }

    fn case(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let mut operand = if self.is_word("WHEN") { None } else { Some(Box::new(self.expression()?)) };
        let mut branches = Vec::new();
        let mut lists = Vec::new();
        self.expect_word("WHEN")?;
        loop {
            let when = self.expression()?;
            let mut list = Vec::new();
            while operand.is_some() && self.eat(Kind::Comma) {
                list.push(self.expression()?);
            }
            lists.push(list);
            self.expect_word("THEN")?;
            branches.push(CaseBranch { when, then: self.expression()? });
            if !self.eat_word("WHEN") {
                break;
            }
        }
        let otherwise = if self.eat_word("ELSE") { Some(Box::new(self.expression()?)) } else { None };
        self.expect_word("END")?;
        if lists.iter().any(|list| !list.is_empty())
            && let Some(value) = operand.take()
        {
            branches = branches.into_iter().zip(lists).map(|(branch, list)| searched(&value, branch, list)).collect();
        }
        Ok(Expression { kind: ExpressionKind::Case { operand, branches, otherwise }, span: self.since(start) })
    }

    fn cast(&mut self, kind: CastKind) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        self.expect(Kind::LeftParen)?;
        let value = Box::new(self.expression()?);
        self.expect_word("AS")?;
        let target = self.plain_type()?;
        self.expect(Kind::RightParen)?;
        let WrittenType { data_type, length, parts, .. } = target;
        let kind = ExpressionKind::Cast { value, data_type, length, parts, kind };
        Ok(Expression { kind, span: self.since(start) })
    }

    /// `a`, `a.b`, `f(…)`
    fn name_or_call(&mut self) -> Result<Expression, SqlError> {
        let start = self.span();
        let name = match self.word_at(0).filter(|w| keywords::is_reserved(w)) {
            None => self.object_name("an expression")?,
            Some(word) if self.kind_at(1) == Kind::LeftParen && keywords::is_callable(word) => {
                let word = self.advance().to_owned();
                ObjectName { parts: vec![Identifier { value: word, span: start }] }
            }
            // What is missing before a clause is an expression; other reserved words are meant as names.
            Some(word) if keywords::is_clause(word) => return Err(self.expected("an expression")),
            Some(_) if self.kind_at(1) == Kind::LeftParen && ["ANY", "SOME"].iter().any(|w| self.is_word(w)) => {
                let error = self.unsupported("`ANY` and `SOME` stand behind a comparison", start);
                return Err(error.with_hint("write `x < ANY (SELECT …)` or `x < ANY (1, 2)`"));
            }
            Some(_) => return Err(self.reserved()),
        };
        if self.kind() == Kind::LeftParen {
            return self.call(name);
        }
        Ok(Expression { kind: ExpressionKind::Name(name), span: self.since(start) })
    }
}

/// `CASE value WHEN a, b THEN …` as a branch of a CASE without a value: `WHEN value IN (a, b) THEN …`.
fn searched(value: &Expression, branch: CaseBranch, mut list: Vec<Expression>) -> CaseBranch {
    let CaseBranch { when, then } = branch;
    let span = when.span;
    let value = Box::new(value.clone());
    let kind = if list.is_empty() {
        ExpressionKind::Binary(BinaryOperator::Equal, value, Box::new(when))
    } else {
        list.insert(0, when);
        ExpressionKind::InList { value, list, negated: false }
    };
    CaseBranch { when: Expression { kind, span }, then }
}
