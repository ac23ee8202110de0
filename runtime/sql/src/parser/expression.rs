//! Operators and their precedence, by precedence climbing.
//!
//! Strengths are Calcite's (`SqlStdOperatorTable`): an operator takes what stands beside it before weaker ones do. `||`
//! is as strong as `*`, other than in most dialects.

use super::{HEIGHT_MAX, Parser, token::Kind};
use crate::{
    ast::{BinaryOperator, Expression, ExpressionKind, UnaryOperator},
    error::SqlError,
};

pub(super) const OR: u8 = 22;
pub(super) const AND: u8 = 24;
pub(super) const NOT: u8 = 26;
pub(super) const IS: u8 = 28;
pub(super) const COMPARISON: u8 = 30;
pub(super) const RANGE: u8 = 32;
pub(super) const SUM: u8 = 40;
pub(super) const PRODUCT: u8 = 60;
pub(super) const SIGN: u8 = 80;

/// Longest chain of `AND`, `OR` or `||` that is kept as a ladder. Longer ones become a balanced tree, which means the
/// same and stays low.
pub(super) const LADDER_MAX: usize = 8;

/// An operator behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Binary(BinaryOperator),
    /// `IS …`
    Is,
    /// `[NOT] BETWEEN`, `[NOT] IN`, `[NOT] LIKE`, `[NOT] SIMILAR TO`
    Range,
    /// `OVERLAPS`
    Overlaps,
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression, SqlError> {
        self.expression_above(0)
    }

    /// An expression of operators that are at least this strong.
    ///
    /// Each level of nesting passes through here, so this and what it calls on the way down keep their frames small:
    /// whatever holds more than one expression at a time has a function of its own.
    pub(super) fn expression_above(&mut self, least: u8) -> Result<Expression, SqlError> {
        self.enter()?;
        let outer_peak = std::mem::replace(&mut self.peak, self.level);
        let mut left = self.operand()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength >= least) {
            left = self.applied(left, operator, strength)?;
        }
        self.peak = self.peak.max(outer_peak);
        self.leave();
        Ok(left)
    }

    fn applied(&mut self, left: Expression, operator: Operator, strength: u8) -> Result<Expression, SqlError> {
        match operator {
            Operator::Binary(operator @ (BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Concat)) => {
                self.chain(left, operator, strength)
            }
            Operator::Binary(operator) => self.raised(left, |p, left| p.binary(left, operator, strength)),
            Operator::Is => self.raised(left, Self::is_predicate),
            Operator::Range => self.raised(left, Self::range_predicate),
            Operator::Overlaps => self.raised(left, Self::overlaps),
        }
    }

    /// Puts `left` one level below a new node that `make` builds; the height of the tree stays known.
    pub(super) fn raised<T>(&mut self, left: T, make: impl FnOnce(&mut Self, T) -> Result<T, SqlError>) -> Result<T, SqlError> {
        let left_peak = self.peak + 1;
        if left_peak > HEIGHT_MAX {
            return Err(self.too_deep());
        }
        self.peak = self.level;
        let made = make(self, left)?;
        self.peak = self.peak.max(left_peak);
        Ok(made)
    }

    fn operand(&mut self) -> Result<Expression, SqlError> {
        match self.kind() {
            Kind::Minus => self.unary(UnaryOperator::Minus, SIGN),
            Kind::Plus => self.unary(UnaryOperator::Plus, SIGN),
            Kind::Word if self.is_word("NOT") => self.unary(UnaryOperator::Not, NOT),
            _ => self.primary(),
        }
    }

    fn unary(&mut self, operator: UnaryOperator, strength: u8) -> Result<Expression, SqlError> {
        let start = self.span();
        self.advance();
        let value = self.expression_above(strength)?;
        Ok(Expression { span: start.to(value.span), kind: ExpressionKind::Unary(operator, Box::new(value)) })
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        use BinaryOperator as B;
        let (operator, strength) = match self.kind() {
            Kind::Plus => (B::Plus, SUM),
            Kind::Minus => (B::Minus, SUM),
            Kind::Star => (B::Multiply, PRODUCT),
            Kind::Slash => (B::Divide, PRODUCT),
            Kind::Percent => (B::Modulo, PRODUCT),
            Kind::Concat => (B::Concat, PRODUCT),
            Kind::Equal => (B::Equal, COMPARISON),
            Kind::NotEqual => (B::NotEqual, COMPARISON),
            Kind::Less => (B::Less, COMPARISON),
            Kind::LessOrEqual => (B::LessOrEqual, COMPARISON),
            Kind::Greater => (B::Greater, COMPARISON),
            Kind::GreaterOrEqual => (B::GreaterOrEqual, COMPARISON),
            Kind::Word => return self.word_operator(),
            _ => return None,
        };
        Some((Operator::Binary(operator), strength))
    }

    fn word_operator(&self) -> Option<(Operator, u8)> {
        let ranges = ["BETWEEN", "IN", "LIKE", "SIMILAR"];
        if self.is_word("AND") {
            Some((Operator::Binary(BinaryOperator::And), AND))
        } else if self.is_word("OR") {
            Some((Operator::Binary(BinaryOperator::Or), OR))
        } else if self.are_words(&["IS", "DISTINCT"]) || self.are_words(&["IS", "NOT", "DISTINCT"]) {
            Some((Operator::Is, COMPARISON))
        } else if self.is_word("IS") {
            Some((Operator::Is, IS))
        } else if self.is_word("OVERLAPS") {
            Some((Operator::Overlaps, COMPARISON))
        } else {
            let ahead = usize::from(self.is_word("NOT"));
            ranges.iter().any(|w| self.is_word_at(ahead, w)).then_some((Operator::Range, RANGE))
        }
    }

    fn binary(&mut self, left: Expression, operator: BinaryOperator, strength: u8) -> Result<Expression, SqlError> {
        self.advance();
        if strength == COMPARISON && self.at_quantifier() {
            return self.quantified(left, operator);
        }
        let right = self.expression_above(strength + 1)?;
        Ok(joined(left, operator, right))
    }

    /// `left OR b OR c OR …`
    fn chain(&mut self, left: Expression, operator: BinaryOperator, strength: u8) -> Result<Expression, SqlError> {
        let mut operands = vec![left];
        while self.operator() == Some((Operator::Binary(operator), strength)) {
            self.advance();
            operands.push(self.expression_above(strength + 1)?);
        }
        self.peak += fold_height(operands.len());
        if self.peak > HEIGHT_MAX {
            return Err(self.too_deep());
        }
        fold(operands, &mut |left, right| joined(left, operator, right)).ok_or_else(|| self.expected("an expression"))
    }
}

fn joined(left: Expression, operator: BinaryOperator, right: Expression) -> Expression {
    Expression { span: left.span.to(right.span), kind: ExpressionKind::Binary(operator, Box::new(left), Box::new(right)) }
}

/// How many levels `fold` puts above the operands.
pub(super) fn fold_height(operands: usize) -> usize {
    if operands <= LADDER_MAX { operands.saturating_sub(1) } else { operands.next_power_of_two().ilog2() as usize + LADDER_MAX }
}

/// Joins the operands of an associative operator: few from the left, many as a balanced tree. `None` without operands.
pub(super) fn fold<T>(mut operands: Vec<T>, join: &mut impl FnMut(T, T) -> T) -> Option<T> {
    if operands.len() <= LADDER_MAX {
        return operands.into_iter().reduce(join);
    }
    let right = operands.split_off(operands.len() / 2);
    let (left, right) = (fold(operands, join)?, fold(right, join)?);
    Some(join(left, right))
}
