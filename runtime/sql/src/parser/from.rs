//! Tables in `FROM` and joins.

use super::{Parser, keywords, token::Kind};
use crate::{
    ast::{JoinConstraint, JoinKind, ObjectName, Span, TableAlias, TableReference, TableReferenceKind},
    error::SqlError,
};

impl Parser<'_> {
    /// A table with everything that is joined to it.
    pub(super) fn table_reference(&mut self) -> Result<TableReference, SqlError> {
        self.enter()?;
        let outer_peak = std::mem::replace(&mut self.peak, self.level);
        let mut left = self.table()?;
        while let Some((kind, natural)) = self.join_kind()? {
            left = self.raised(left, |p, left| p.join(left, kind, natural))?;
        }
        self.peak = self.peak.max(outer_peak);
        self.leave();
        Ok(left)
    }

    /// The words up to `JOIN`, if a join comes next.
    fn join_kind(&mut self) -> Result<Option<(JoinKind, bool)>, SqlError> {
        let natural = self.eat_word("NATURAL");
        let kinds = [
            ("CROSS", JoinKind::Cross),
            ("INNER", JoinKind::Inner),
            ("LEFT", JoinKind::Left),
            ("RIGHT", JoinKind::Right),
            ("FULL", JoinKind::Full),
        ];
        let Some((_, kind)) = kinds.iter().find(|(word, _)| self.eat_word(word)) else {
            if natural {
                self.expect_word("JOIN")?;
                return Ok(Some((JoinKind::Inner, true)));
            }
            return Ok(self.eat_word("JOIN").then_some((JoinKind::Inner, false)));
        };
        if matches!(kind, JoinKind::Left | JoinKind::Right | JoinKind::Full) {
            self.eat_word("OUTER");
        }
        self.expect_word("JOIN")?;
        Ok(Some((*kind, natural)))
    }

    fn join(&mut self, left: TableReference, kind: JoinKind, natural: bool) -> Result<TableReference, SqlError> {
        let right = Box::new(self.table()?);
        let constraint = if natural {
            JoinConstraint::Natural
        } else if self.eat_word("ON") {
            JoinConstraint::On(self.expression()?)
        } else if self.eat_word("USING") {
            JoinConstraint::Using(self.identifier_list("the name of a column")?)
        } else {
            JoinConstraint::None
        };
        let span = self.since(left.span);
        Ok(TableReference { kind: TableReferenceKind::Join { left: Box::new(left), right, kind, constraint }, alias: None, span })
    }

    /// One table with its alias.
    fn table(&mut self) -> Result<TableReference, SqlError> {
        let start = self.span();
        let mut table = match self.kind() {
            Kind::LeftParen if self.at_query_parenthesis() => self.derived(false)?,
            Kind::LeftParen => return self.joined_in_parentheses(),
            _ => TableReference { kind: self.table_kind(start)?, alias: None, span: self.since(start) },
        };
        table = self.match_recognize(table)?;
        table.alias = self.table_alias()?;
        // A table may have an alias of its own before the clause, and the matches another one behind it.
        if self.is_word("MATCH_RECOGNIZE") {
            table = self.match_recognize(table)?;
            table.alias = self.table_alias()?;
        }
        if self.is_word("TABLESAMPLE") || self.is_word("PIVOT") || self.is_word("UNPIVOT") {
            let word = self.raw(self.span()).to_ascii_uppercase();
            return Err(self.unsupported(format!("`{word}` is not supported"), self.span()));
        }
        table.span = self.since(start);
        Ok(table)
    }

    fn table_kind(&mut self, start: Span) -> Result<TableReferenceKind, SqlError> {
        let lateral = self.eat_word("LATERAL");
        if lateral && self.at_query_parenthesis() {
            return Ok(self.derived(true)?.kind);
        }
        if self.is_word("TABLE") {
            return self.wrapped_table_function(lateral);
        }
        if self.is_word("UNNEST") {
            return self.unnest();
        }
        if lateral {
            return Err(self.expected("`TABLE` or `(`").with_hint("write `LATERAL TABLE(function(…))`"));
        }
        if self.word_at(0).is_some_and(keywords::is_clause) {
            return Err(self.expected("a table"));
        }
        let name = self.object_name("a table")?;
        if self.kind() == Kind::LeftParen {
            let call = self.table_function_call(name, start)?;
            return Ok(TableReferenceKind::Function { call, lateral: false });
        }
        self.named(name)
    }

    fn named(&mut self, name: ObjectName) -> Result<TableReferenceKind, SqlError> {
        self.uses.tables.push(name.clone());
        let hints = self.hints()?;
        let mut as_of = None;
        if self.eat_word("FOR") {
            self.expect_words(&["SYSTEM_TIME", "AS", "OF"])?;
            as_of = Some(self.expression()?);
        }
        Ok(TableReferenceKind::Named { name, hints, as_of })
    }

    /// `(query)`
    pub(super) fn derived(&mut self, lateral: bool) -> Result<TableReference, SqlError> {
        let start = self.span();
        let query = self.query_in_parentheses()?;
        Ok(TableReference { kind: TableReferenceKind::Derived { query, lateral }, alias: None, span: self.since(start) })
    }

    /// `(a JOIN b ON …)`
    fn joined_in_parentheses(&mut self) -> Result<TableReference, SqlError> {
        let start = self.span();
        self.advance();
        let mut inner = self.table_reference()?;
        self.expect(Kind::RightParen)?;
        inner.span = self.since(start);
        if inner.alias.is_none() {
            inner.alias = self.table_alias()?;
        }
        Ok(inner)
    }

    fn unnest(&mut self) -> Result<TableReferenceKind, SqlError> {
        self.advance();
        let expressions = self.in_parentheses(Self::expression)?;
        let with_ordinality = self.eat_word("WITH");
        if with_ordinality {
            self.expect_word("ORDINALITY")?;
        }
        Ok(TableReferenceKind::Unnest { expressions, with_ordinality })
    }

    /// `[AS] name [(columns)]`
    fn table_alias(&mut self) -> Result<Option<TableAlias>, SqlError> {
        let Some(name) = self.alias()? else { return Ok(None) };
        let columns = if self.kind() == Kind::LeftParen { self.identifier_list("the name of a column")? } else { Vec::new() };
        Ok(Some(TableAlias { name, columns }))
    }
}
