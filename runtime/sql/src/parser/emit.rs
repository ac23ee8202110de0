//! `EMIT`, which Flink does not have: `EMIT EARLY [EVERY interval] [, LATE [EVERY interval] ALLOW LATENESS interval]`.

use super::{Parser, token::Kind};
use crate::{
    ast::{Emit, EmitRate},
    error::SqlError,
};

impl Parser<'_> {
    /// The clause, if it stands here.
    pub(super) fn emit(&mut self) -> Result<Option<Emit>, SqlError> {
        let start = self.span();
        if !self.eat_word("EMIT") {
            return Ok(None);
        }
        let mut emit = Emit { early: None, late: None, allow_lateness: None, span: start };
        loop {
            if emit.early.is_none() && emit.late.is_none() && self.eat_word("EARLY") {
                emit.early = Some(self.emit_rate()?);
            } else if emit.late.is_none() && self.eat_word("LATE") {
                emit.late = Some(self.emit_rate()?);
                self.expect_word("ALLOW")?;
                self.expect_word("LATENESS")?;
                emit.allow_lateness = Some(self.expression()?);
            } else {
                return Err(self.expected("`EARLY` or `LATE`"));
            }
            if self.kind() != Kind::Comma {
                emit.span = self.since(start);
                return Ok(Some(emit));
            }
            self.advance();
        }
    }

    fn emit_rate(&mut self) -> Result<EmitRate, SqlError> {
        let every = if self.eat_word("EVERY") { Some(self.expression()?) } else { None };
        Ok(EmitRate { every })
    }
}
