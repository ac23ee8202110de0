//! `SELECT` and its clauses.

use super::{Parser, token::Kind};
use crate::{
    ast::{Identifier, ObjectName, QueryBody, Select, SelectItem, Span},
    error::SqlError,
};

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Result<QueryBody, SqlError> {
        let start = self.span();
        self.advance();
        let hints = self.hints()?;
        if self.is_word("STREAM") && self.kind_at(1) != Kind::LeftParen {
            return Err(self.unsupported("`SELECT STREAM` is not needed: every query streams", self.span()).with_hint("write `SELECT`"));
        }
        let distinct = self.eat_word("DISTINCT");
        if !distinct {
            self.eat_word("ALL");
        }
        let items = self.comma_separated(Self::select_item)?;
        let mut select = Select {
            hints,
            distinct,
            items,
            from: Vec::new(),
            selection: None,
            group_by: None,
            having: None,
            windows: Vec::new(),
            emit: None,
            qualify: None,
            span: start,
        };
        if self.eat_word("FROM") {
            select.from = self.comma_separated(Self::table_reference)?;
            self.clauses(&mut select)?;
        } else {
            self.expect_behind_items()?;
        }
        select.span = self.since(start);
        Ok(QueryBody::Select(Box::new(select)))
    }

    fn clauses(&mut self, select: &mut Select) -> Result<(), SqlError> {
        if self.eat_word("WHERE") {
            select.selection = Some(self.expression()?);
        }
        if self.eat_word("GROUP") {
            self.expect_word("BY")?;
            select.group_by = Some(self.group_by()?);
        }
        if self.eat_word("HAVING") {
            select.having = Some(self.expression()?);
        }
        if self.eat_word("WINDOW") {
            select.windows = self.comma_separated(Self::named_window)?;
        }
        if self.eat_word("QUALIFY") {
            select.qualify = Some(self.expression()?);
        }
        select.emit = self.emit()?;
        Ok(())
    }

    /// Without `FROM`, only what may follow a whole `SELECT` can come. Saying so here names the likeliest mistake.
    fn expect_behind_items(&self) -> Result<(), SqlError> {
        let may_follow = ["UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH", "ON", "END"];
        let ends = matches!(self.kind(), Kind::End | Kind::Semicolon | Kind::RightParen);
        if ends || may_follow.iter().any(|word| self.is_word(word)) {
            return Ok(());
        }
        let error = self.expected("`,` or `FROM`");
        if error.hint.is_some() { Err(error) } else { Err(self.with_near(error, std::iter::once("FROM"))) }
    }

    fn select_item(&mut self) -> Result<SelectItem, SqlError> {
        let start = self.span();
        if self.eat(Kind::Star) {
            return Ok(SelectItem::Wildcard { qualifier: None, span: start });
        }
        if self.at_qualified_star() {
            let qualifier: ObjectName = self.object_name("a name")?;
            self.advance();
            self.advance();
            return Ok(SelectItem::Wildcard { qualifier: Some(qualifier), span: self.since(start) });
        }
        let expression = self.expression()?;
        Ok(SelectItem::Expression { expression, alias: self.alias()? })
    }

    /// `name.name.*`
    fn at_qualified_star(&self) -> bool {
        let mut ahead = 0;
        while matches!(self.kind_at(ahead), Kind::Word | Kind::QuotedName) && self.kind_at(ahead + 1) == Kind::Dot {
            ahead += 2;
        }
        ahead > 0 && self.kind_at(ahead) == Kind::Star
    }

    /// `[AS] name`
    pub(super) fn alias(&mut self) -> Result<Option<Identifier>, SqlError> {
        if self.eat_word("AS") {
            return self.identifier("a name behind `AS`").map(Some);
        }
        if !self.at_identifier() {
            return Ok(None);
        }
        if self.kind() == Kind::Word {
            self.implicit_alias = Some(self.at);
        }
        self.identifier("a name").map(Some)
    }

    /// Whether this place is written as a parenthesis.
    pub(super) fn is_parenthesised(&self, span: Span) -> bool {
        self.raw(span).starts_with('(')
    }
}
