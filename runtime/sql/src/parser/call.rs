//! Calls in their ordinary form, and what may follow them.

use super::{Parser, predicate::call_of, token::Kind};
use crate::{
    ast::{Expression, ExpressionKind, FunctionCall, Identifier, ObjectName, OrderItem, Span, Symbol},
    error::SqlError,
};

impl Parser<'_> {
    /// `CURRENT_DATE`
    pub(super) fn niladic(&mut self) -> Expression {
        let span = self.span();
        let call = call_of(self.advance(), span, Vec::new());
        Expression { kind: ExpressionKind::Call(call), span }
    }

    /// `name(…)`, the name being read already.
    pub(super) fn call(&mut self, name: ObjectName) -> Result<Expression, SqlError> {
        let start = name.span();
        let mut call = FunctionCall { name, ..call_of("", start, Vec::new()) };
        self.expect(Kind::LeftParen)?;
        if self.kind() == Kind::Star && self.kind_at(1) == Kind::RightParen {
            let span = self.span();
            self.advance();
            call.arguments.push(Expression { kind: ExpressionKind::Star, span });
        } else if self.kind() != Kind::RightParen {
            call.distinct = self.eat_word("DISTINCT");
            if !call.distinct {
                self.eat_word("ALL");
            }
            self.arguments(&mut call)?;
            self.null_treatment(&mut call);
            call.order_by = self.order_by()?;
        }
        self.expect(Kind::RightParen)?;
        self.call_suffix(call, start)
    }

    fn arguments(&mut self, call: &mut FunctionCall) -> Result<(), SqlError> {
        let arguments = self.comma_separated(|p| Ok((p.argument_name()?, p.argument()?)))?;
        let named = arguments.iter().any(|(name, _)| name.is_some());
        for (name, value) in arguments {
            if named {
                call.argument_names.push(name);
            }
            call.arguments.push(value);
        }
        Ok(())
    }

    /// `name =>`
    pub(super) fn argument_name(&mut self) -> Result<Option<Identifier>, SqlError> {
        if self.kind_at(1) != Kind::Arrow {
            return Ok(None);
        }
        let name = self.identifier("the name of an argument")?;
        self.advance();
        Ok(Some(name))
    }

    fn argument(&mut self) -> Result<Expression, SqlError> {
        if self.is_word("DEFAULT") {
            return Ok(self.symbol_of(1));
        }
        self.expression()
    }

    /// The next `count` words as a symbol.
    pub(super) fn symbol_of(&mut self, count: usize) -> Expression {
        let start = self.span();
        let words: Vec<String> = (0..count).map(|_| self.advance().to_ascii_uppercase()).collect();
        symbol(words.join(" "), self.since(start))
    }

    fn null_treatment(&mut self, call: &mut FunctionCall) {
        if self.eat_words(&["IGNORE", "NULLS"]) {
            call.ignore_nulls = Some(true);
        } else if self.eat_words(&["RESPECT", "NULLS"]) {
            call.ignore_nulls = Some(false);
        }
    }

    /// `[IGNORE NULLS] [WITHIN GROUP (ORDER BY …)] [FILTER (WHERE …)] [OVER …]`
    pub(super) fn call_suffix(&mut self, mut call: FunctionCall, start: Span) -> Result<Expression, SqlError> {
        self.null_treatment(&mut call);
        if self.is_word("WITHIN") {
            call.order_by = self.within_group()?;
        }
        if self.is_word("FILTER") {
            call.filter = Some(self.filter()?);
        }
        if self.eat_word("OVER") {
            call.over = Some(self.over()?);
        }
        Ok(Expression { kind: ExpressionKind::Call(call), span: self.since(start) })
    }

    fn within_group(&mut self) -> Result<Vec<OrderItem>, SqlError> {
        self.expect_words(&["WITHIN", "GROUP"])?;
        self.expect(Kind::LeftParen)?;
        self.expect_words(&["ORDER", "BY"])?;
        let order_by = self.comma_separated(Self::order_item)?;
        self.expect(Kind::RightParen)?;
        Ok(order_by)
    }

    fn filter(&mut self) -> Result<Box<Expression>, SqlError> {
        self.expect_word("FILTER")?;
        self.expect(Kind::LeftParen)?;
        self.expect_word("WHERE")?;
        let condition = Box::new(self.expression()?);
        self.expect(Kind::RightParen)?;
        Ok(condition)
    }

    /// `[ORDER BY …]`
    pub(super) fn order_by(&mut self) -> Result<Vec<OrderItem>, SqlError> {
        if !self.eat_word("ORDER") {
            return Ok(Vec::new());
        }
        self.expect_word("BY")?;
        self.comma_separated(Self::order_item)
    }

    pub(super) fn order_item(&mut self) -> Result<OrderItem, SqlError> {
        let expression = self.expression()?;
        let descending = self.eat_word("DESC");
        if !descending {
            self.eat_word("ASC");
        }
        let nulls_first = if self.eat_word("NULLS") { Some(self.expect_one_of(&["FIRST", "LAST"])? == "FIRST") } else { None };
        Ok(OrderItem { expression, descending, nulls_first })
    }
}

pub(super) fn symbol(words: impl Into<String>, span: Span) -> Expression {
    Expression { kind: ExpressionKind::Symbol(Symbol(words.into())), span }
}
