//! `IS …`, `BETWEEN`, `IN`, `LIKE`, `SIMILAR TO`.

use super::{
    Parser,
    expression::{COMPARISON, RANGE, fold, fold_height},
    token::Kind,
};
use crate::{
    ast::{BinaryOperator, Expression, ExpressionKind, FunctionCall, Identifier, ObjectName, Span, Symbol, UnaryOperator},
    error::SqlError,
};

/// Values that `ANY (…)` and its like compare with at most: the value before it stands once for each.
const QUANTIFIED_MAX: usize = 100;

impl Parser<'_> {
    /// `value IS [NOT] NULL | TRUE | FALSE | UNKNOWN | DISTINCT FROM other | JSON [kind]`
    pub(super) fn is_predicate(&mut self, value: Expression) -> Result<Expression, SqlError> {
        self.advance();
        let negated = self.eat_word("NOT");
        let start = value.span;
        let words = ["NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT", "JSON"];
        let word = self.expect_one_of(&words)?;
        let value = Box::new(value);
        let kind = match word {
            "TRUE" => ExpressionKind::IsTruth { value, truth: Some(true), negated },
            "FALSE" => ExpressionKind::IsTruth { value, truth: Some(false), negated },
            "UNKNOWN" => ExpressionKind::IsTruth { value, truth: None, negated },
            "NULL" => ExpressionKind::IsNull { value, negated },
            "DISTINCT" => {
                self.expect_word("FROM")?;
                let right = Box::new(self.expression_above(COMPARISON + 1)?);
                ExpressionKind::IsDistinctFrom { left: value, right, negated }
            }
            _ => return Ok(self.is_json(*value, negated)),
        };
        Ok(Expression { kind, span: self.since(start) })
    }

    fn is_json(&mut self, value: Expression, negated: bool) -> Expression {
        let start = value.span;
        let keyword = self.last_span();
        let kinds = ["VALUE", "SCALAR", "ARRAY", "OBJECT"];
        let word = kinds.into_iter().find(|w| self.eat_word(w)).unwrap_or("VALUE");
        let symbol = Expression { kind: ExpressionKind::Symbol(Symbol(word.into())), span: self.since(keyword) };
        let call = call_of("IS_JSON", keyword, vec![value, symbol]);
        let span = self.since(start);
        let is_json = Expression { kind: ExpressionKind::Call(call), span };
        if negated { Expression { kind: ExpressionKind::Unary(UnaryOperator::Not, Box::new(is_json)), span } } else { is_json }
    }

    /// `(start, end) OVERLAPS (start, end)`: four arguments.
    pub(super) fn overlaps(&mut self, left: Expression) -> Result<Expression, SqlError> {
        let keyword = self.span();
        self.advance();
        let right = self.expression_above(COMPARISON + 1)?;
        let span = left.span.to(right.span);
        let mut arguments = Vec::with_capacity(4);
        for side in [left, right] {
            match side.kind {
                ExpressionKind::Row(ends) if ends.len() == 2 => arguments.extend(ends),
                _ => return Err(SqlError::new("sql.syntax", "expected a period `(start, end)` on each side of `OVERLAPS`", side.span)),
            }
        }
        Ok(Expression { kind: ExpressionKind::Call(call_of("OVERLAPS", keyword, arguments)), span })
    }

    pub(super) fn range_predicate(&mut self, value: Expression) -> Result<Expression, SqlError> {
        let start = value.span;
        let negated = self.eat_word("NOT");
        let value = Box::new(value);
        let kind = match self.expect_one_of(&["BETWEEN", "IN", "LIKE", "SIMILAR"])? {
            "BETWEEN" => self.between(value, negated)?,
            "IN" => self.in_predicate(value, negated)?,
            word => self.like(value, word == "SIMILAR", negated)?,
        };
        Ok(Expression { kind, span: self.since(start) })
    }

    fn between(&mut self, value: Box<Expression>, negated: bool) -> Result<ExpressionKind, SqlError> {
        let symmetric = self.eat_word("SYMMETRIC");
        if !symmetric {
            self.eat_word("ASYMMETRIC");
        }
        let low = Box::new(self.expression_above(RANGE + 1)?);
        self.expect_word("AND")?;
        let high = Box::new(self.expression_above(RANGE + 1)?);
        Ok(ExpressionKind::Between { value, low, high, symmetric, negated })
    }

    fn in_predicate(&mut self, value: Box<Expression>, negated: bool) -> Result<ExpressionKind, SqlError> {
        if !self.at_query_parenthesis() {
            let list = self.in_parentheses(Self::expression)?;
            return Ok(ExpressionKind::InList { value, list, negated });
        }
        let query = self.query_in_parentheses()?;
        Ok(ExpressionKind::InQuery { value, query, negated })
    }

    /// Whether `ANY (query)` or the like stands here.
    pub(super) fn at_quantifier(&self) -> bool {
        ["ANY", "SOME", "ALL"].iter().any(|word| self.is_word(word)) && self.kind_at(1) == Kind::LeftParen
    }

    /// `value < ANY (query)`
    pub(super) fn quantified(&mut self, value: Expression, operator: BinaryOperator) -> Result<Expression, SqlError> {
        let start = value.span;
        let all = self.is_word("ALL");
        self.advance();
        if !self.at_query_parenthesis() {
            return self.quantified_list(value, operator, all);
        }
        let (value, query) = (Box::new(value), self.query_in_parentheses()?);
        let kind = match (operator, all) {
            (BinaryOperator::Equal, false) => ExpressionKind::InQuery { value, query, negated: false },
            (BinaryOperator::NotEqual, true) => ExpressionKind::InQuery { value, query, negated: true },
            _ => ExpressionKind::Quantified { value, operator, all, query },
        };
        Ok(Expression { kind, span: self.since(start) })
    }

    /// `value < ANY (a, b)`: each compared.
    fn quantified_list(&mut self, value: Expression, operator: BinaryOperator, all: bool) -> Result<Expression, SqlError> {
        let start = value.span;
        let list = self.in_parentheses(Self::expression)?;
        let span = self.since(start);
        let kind = match (operator, all) {
            (BinaryOperator::Equal, false) => ExpressionKind::InList { value: Box::new(value), list, negated: false },
            (BinaryOperator::NotEqual, true) => ExpressionKind::InList { value: Box::new(value), list, negated: true },
            _ if list.len() > QUANTIFIED_MAX => {
                let message = format!("`ANY` and `ALL` compare with at most {QUANTIFIED_MAX} values, found {}", list.len());
                return Err(SqlError::new("sql.too_long", message, span).with_hint("compare with the greatest or the least of them"));
            }
            _ => {
                let join = if all { BinaryOperator::And } else { BinaryOperator::Or };
                let compared = |item: Expression| {
                    let kind = ExpressionKind::Binary(operator, Box::new(value.clone()), Box::new(item));
                    Expression { kind, span }
                };
                let parts: Vec<Expression> = list.into_iter().map(compared).collect();
                let mut joined = |left, right| {
                    let kind = ExpressionKind::Binary(join, Box::new(left), Box::new(right));
                    Expression { kind, span }
                };
                self.peak += fold_height(parts.len()) + 1;
                return fold(parts, &mut joined).ok_or_else(|| self.expected("a value"));
            }
        };
        Ok(Expression { kind, span })
    }

    fn like(&mut self, value: Box<Expression>, similar: bool, negated: bool) -> Result<ExpressionKind, SqlError> {
        if similar {
            self.expect_word("TO")?;
        }
        // The pattern may be another predicate: LIKE is the one of its strength that groups to the right.
        let pattern = Box::new(self.expression_above(RANGE)?);
        let escape = if self.eat_word("ESCAPE") { Some(Box::new(self.expression_above(RANGE + 1)?)) } else { None };
        Ok(ExpressionKind::Like { value, pattern, escape, similar, negated })
    }
}

/// A call that the text writes in words of its own.
pub(super) fn call_of(name: &str, span: Span, arguments: Vec<Expression>) -> FunctionCall {
    FunctionCall {
        name: ObjectName { parts: vec![Identifier { value: name.into(), span }] },
        arguments,
        argument_names: Vec::new(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        over: None,
        ignore_nulls: None,
    }
}
