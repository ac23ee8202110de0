//! Windows of `OVER` and of the `WINDOW` clause.

use super::{Parser, token::Kind};
use crate::{
    ast::{Expression, NamedWindow, Over, WindowFrame},
    error::SqlError,
};

/// Where a frame begins or ends.
enum Bound {
    /// `UNBOUNDED PRECEDING`
    Start,
    /// `x PRECEDING`
    Preceding(Expression),
    CurrentRow,
}

impl Parser<'_> {
    /// Behind `OVER`: a name or `(…)`.
    pub(super) fn over(&mut self) -> Result<Box<Over>, SqlError> {
        if self.kind() == Kind::LeftParen {
            return self.window_specification();
        }
        let name = self.identifier("the name of a window or `(`")?;
        Ok(Box::new(Over { span: name.span, name: Some(name), partition_by: Vec::new(), order_by: Vec::new(), frame: None }))
    }

    /// `name AS (…)`
    pub(super) fn named_window(&mut self) -> Result<NamedWindow, SqlError> {
        let name = self.identifier("the name of a window")?;
        self.expect_word("AS")?;
        Ok(NamedWindow { name, over: *self.window_specification()? })
    }

    fn window_specification(&mut self) -> Result<Box<Over>, SqlError> {
        let start = self.span();
        self.expect(Kind::LeftParen)?;
        let name = if self.at_identifier() { Some(self.identifier("the name of a window")?) } else { None };
        let mut over = Box::new(Over { name, partition_by: Vec::new(), order_by: Vec::new(), frame: None, span: start });
        if self.eat_word("PARTITION") {
            self.expect_word("BY")?;
            over.partition_by = self.comma_separated(Self::expression)?;
        }
        over.order_by = self.order_by()?;
        if self.is_word("ROWS") || self.is_word("RANGE") {
            over.frame = Some(self.frame()?);
        }
        self.expect(Kind::RightParen)?;
        over.span = self.since(start);
        Ok(over)
    }

    fn frame(&mut self) -> Result<WindowFrame, SqlError> {
        let start = self.span();
        let is_rows = self.expect_one_of(&["ROWS", "RANGE"])? == "ROWS";
        let first = if self.eat_word("BETWEEN") {
            let first = self.bound()?;
            self.expect_word("AND")?;
            if !matches!(self.bound()?, Bound::CurrentRow) {
                return Err(self.unsupported("a window must end at `CURRENT ROW`", self.since(start)));
            }
            first
        } else {
            self.bound()?
        };
        let preceding = match first {
            Bound::Start => None,
            Bound::Preceding(distance) => Some(Box::new(distance)),
            Bound::CurrentRow => {
                let error = self.unsupported("a window cannot begin at `CURRENT ROW`", self.since(start));
                return Err(error.with_hint("write `ROWS 0 PRECEDING`, or `RANGE BETWEEN INTERVAL '0' SECOND PRECEDING AND CURRENT ROW`"));
            }
        };
        Ok(WindowFrame { is_rows, preceding, span: self.since(start) })
    }

    fn bound(&mut self) -> Result<Bound, SqlError> {
        let start = self.span();
        let bound = if self.eat_word("CURRENT") {
            self.expect_word("ROW")?;
            return Ok(Bound::CurrentRow);
        } else if self.eat_word("UNBOUNDED") {
            Bound::Start
        } else {
            Bound::Preceding(self.expression()?)
        };
        match self.expect_one_of(&["PRECEDING", "FOLLOWING"])? {
            "PRECEDING" => Ok(bound),
            _ => Err(self.unsupported("`FOLLOWING` is not supported: rows that come later are not known yet", self.since(start))),
        }
    }
}
