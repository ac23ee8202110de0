//! `GROUP BY`.

use super::{Parser, token::Kind};
use crate::{
    ast::{Expression, ExpressionKind, GroupingElement},
    error::SqlError,
};

impl Parser<'_> {
    /// The elements behind `GROUP BY`.
    pub(super) fn group_by(&mut self) -> Result<Vec<GroupingElement>, SqlError> {
        let start = self.span();
        let is_distinct = self.eat_word("DISTINCT");
        if is_distinct {
            let elements = self.comma_separated(Self::grouping_element)?;
            return Ok(vec![GroupingElement::Distinct(elements, self.since(start))]);
        }
        self.eat_word("ALL");
        // `GROUP BY ()` alone is the one group of all rows.
        if self.kind() == Kind::LeftParen && self.kind_at(1) == Kind::RightParen && self.kind_at(2) != Kind::Comma {
            self.advance();
            self.advance();
            return Ok(Vec::new());
        }
        self.comma_separated(Self::grouping_element)
    }

    fn grouping_element(&mut self) -> Result<GroupingElement, SqlError> {
        let start = self.span();
        if self.eat_words(&["GROUPING", "SETS"]) {
            self.enter()?;
            let elements = self.in_parentheses(Self::grouping_element)?;
            self.leave();
            return Ok(GroupingElement::Sets(elements, self.since(start)));
        }
        if self.eat_word("CUBE") {
            let elements = self.in_parentheses(Self::grouping_tuple)?;
            return Ok(GroupingElement::Cube(elements, self.since(start)));
        }
        if self.eat_word("ROLLUP") {
            let elements = self.in_parentheses(Self::grouping_tuple)?;
            return Ok(GroupingElement::Rollup(elements, self.since(start)));
        }
        if self.kind() == Kind::LeftParen && self.kind_at(1) == Kind::RightParen {
            self.advance();
            self.advance();
            return Ok(GroupingElement::Tuple(Vec::new(), self.since(start)));
        }
        let expression = self.expression()?;
        Ok(match expression.kind {
            ExpressionKind::Row(parts) if self.is_parenthesised(expression.span) => GroupingElement::Tuple(parts, expression.span),
            kind => GroupingElement::Expression(Expression { kind, span: expression.span }),
        })
    }

    /// `a` or `(a, b)`
    fn grouping_tuple(&mut self) -> Result<Vec<Expression>, SqlError> {
        let expression = self.expression()?;
        Ok(match expression.kind {
            ExpressionKind::Row(parts) if self.is_parenthesised(expression.span) => parts,
            kind => vec![Expression { kind, span: expression.span }],
        })
    }
}
