//! Queries: `WITH`, set operations, `VALUES`, `ORDER BY` and how many rows.

use super::{
    HEIGHT_MAX, Parser,
    expression::{fold, fold_height},
    token::Kind,
};
use crate::{
    ast::{
        CommonTable, Expression, ExpressionKind, Literal, Query, QueryBody, Select, SelectItem, SetOperator, Span, TableReference,
        TableReferenceKind,
    },
    error::SqlError,
};

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Result<Query, SqlError> {
        self.enter()?;
        let start = self.span();
        let with = if self.eat_word("WITH") { self.common_tables()? } else { Vec::new() };
        let body = self.query_body()?;
        let mut query = Query { with, body, order_by: self.order_by()?, limit: None, offset: None, span: start };
        self.row_limits(&mut query)?;
        query.span = self.since(start);
        self.leave();
        Ok(query)
    }

    /// `(query)`
    pub(super) fn query_in_parentheses(&mut self) -> Result<Box<Query>, SqlError> {
        self.expect(Kind::LeftParen)?;
        let query = Box::new(self.query()?);
        self.expect(Kind::RightParen)?;
        Ok(query)
    }

    fn common_tables(&mut self) -> Result<Vec<CommonTable>, SqlError> {
        if self.is_word("RECURSIVE") {
            return Err(self.unsupported("`WITH RECURSIVE` is not supported", self.span()));
        }
        self.comma_separated(|p| {
            let name = p.identifier("a name")?;
            let columns = if p.kind() == Kind::LeftParen { p.identifier_list("the name of a column")? } else { Vec::new() };
            p.expect_word("AS")?;
            Ok(CommonTable { name, columns, query: *p.query_in_parentheses()? })
        })
    }

    /// `LIMIT n`, `OFFSET n [ROWS]`, `FETCH FIRST n ROWS ONLY`, each at most once
    fn row_limits(&mut self, query: &mut Query) -> Result<(), SqlError> {
        loop {
            if query.limit.is_none() && self.eat_word("LIMIT") {
                if self.eat_word("ALL") {
                    continue;
                }
                query.limit = Some(self.row_count()?);
            } else if query.offset.is_none() && self.eat_word("OFFSET") {
                query.offset = Some(self.row_count()?);
                if self.is_word("ROW") || self.is_word("ROWS") {
                    self.advance();
                }
            } else if query.limit.is_none() && self.eat_word("FETCH") {
                self.expect_one_of(&["FIRST", "NEXT"])?;
                query.limit = Some(self.row_count()?);
                self.expect_one_of(&["ROWS", "ROW"])?;
                self.expect_word("ONLY")?;
            } else {
                return Ok(());
            }
        }
    }

    fn row_count(&mut self) -> Result<Expression, SqlError> {
        let span = self.span();
        let digits = self.raw(span);
        if self.kind() != Kind::Number || digits.parse::<u64>().is_err() {
            return Err(self.expected("a number of rows"));
        }
        self.advance();
        Ok(Expression { kind: ExpressionKind::Literal(Literal::Number(digits.to_owned())), span })
    }

    /// Set operations without `WITH` and `ORDER BY`: INTERSECT takes its sides before UNION and EXCEPT do.
    fn query_body(&mut self) -> Result<QueryBody, SqlError> {
        let outer_peak = std::mem::replace(&mut self.peak, self.level);
        let start = self.span();
        let mut left =
            self.set_operations(start, Self::intersections, &[("UNION", SetOperator::Union), ("EXCEPT", SetOperator::Except)])?;
        left = self.refuse_minus(left)?;
        self.peak = self.peak.max(outer_peak);
        Ok(left)
    }

    fn refuse_minus(&self, left: QueryBody) -> Result<QueryBody, SqlError> {
        if self.is_word("MINUS") {
            return Err(self.expected("the end of the query").with_hint("write `EXCEPT`"));
        }
        Ok(left)
    }

    fn intersections(&mut self) -> Result<QueryBody, SqlError> {
        let start = self.span();
        self.set_operations(start, Self::simple_query, &[("INTERSECT", SetOperator::Intersect)])
    }

    fn set_operations(
        &mut self,
        start: Span,
        side: fn(&mut Self) -> Result<QueryBody, SqlError>,
        operators: &[(&str, SetOperator)],
    ) -> Result<QueryBody, SqlError> {
        let mut left = side(self)?;
        while let Some(operator) = self.set_operator(operators) {
            left = self.set_operation(left, operator, start, side)?;
        }
        Ok(left)
    }

    fn set_operator(&mut self, operators: &[(&str, SetOperator)]) -> Option<(SetOperator, bool)> {
        let (_, operator) = operators.iter().find(|(word, _)| self.eat_word(word))?;
        let all = self.eat_word("ALL");
        if !all {
            self.eat_word("DISTINCT");
        }
        Some((*operator, all))
    }

    /// One operation, or a whole run of `UNION ALL`, which is the one that scripts chain by the hundred.
    fn set_operation(
        &mut self,
        left: QueryBody,
        (operator, all): (SetOperator, bool),
        start: Span,
        side: fn(&mut Self) -> Result<QueryBody, SqlError>,
    ) -> Result<QueryBody, SqlError> {
        let mut sides = vec![left, self.set_side(side)?];
        while operator == SetOperator::Union && all && self.eat_words(&["UNION", "ALL"]) {
            sides.push(self.set_side(side)?);
        }
        self.peak += fold_height(sides.len());
        if self.peak > HEIGHT_MAX {
            return Err(self.too_deep());
        }
        let span = self.since(start);
        let mut join = |left, right| QueryBody::Set { operator, all, left: Box::new(left), right: Box::new(right), span };
        fold(sides, &mut join).ok_or_else(|| self.expected("a query"))
    }

    fn set_side(&mut self, side: fn(&mut Self) -> Result<QueryBody, SqlError>) -> Result<QueryBody, SqlError> {
        let peak = std::mem::replace(&mut self.peak, self.level);
        let body = side(self)?;
        self.peak = self.peak.max(peak);
        Ok(body)
    }

    fn simple_query(&mut self) -> Result<QueryBody, SqlError> {
        if self.kind() == Kind::LeftParen {
            return Ok(QueryBody::Query(self.query_in_parentheses()?));
        }
        if self.is_word("SELECT") {
            return self.select();
        }
        if self.is_word("VALUES") {
            return self.values();
        }
        if self.is_word("TABLE") {
            return self.explicit_table();
        }
        let error = self.expected("a query (`SELECT` or `VALUES`)");
        Err(self.with_near(error, ["SELECT", "VALUES"].into_iter()))
    }

    /// `TABLE t` is `SELECT * FROM t`.
    fn explicit_table(&mut self) -> Result<QueryBody, SqlError> {
        let start = self.span();
        self.advance();
        let name = self.table_name()?;
        let span = self.since(start);
        let table = TableReferenceKind::Named { hints: self.hints()?, as_of: None, name };
        Ok(QueryBody::Select(Box::new(Select {
            hints: Vec::new(),
            distinct: false,
            items: vec![SelectItem::Wildcard { qualifier: None, span }],
            from: vec![TableReference { kind: table, alias: None, span }],
            selection: None,
            group_by: None,
            having: None,
            windows: Vec::new(),
            emit: None,
            qualify: None,
            span,
        })))
    }

    fn values(&mut self) -> Result<QueryBody, SqlError> {
        let start = self.span();
        self.advance();
        let rows = self.comma_separated(Self::values_row)?;
        let span = self.since(start);
        let width = rows.first().map_or(0, Vec::len);
        if let Some(other) = rows.iter().position(|row| row.len() != width) {
            let message = format!("the first row of `VALUES` has {width} values, row {} has {}", other + 1, rows[other].len());
            let place = rows[other].first().map_or(span, |first| first.span);
            return Err(SqlError::new("sql.syntax", message, place));
        }
        Ok(QueryBody::Values { rows, span })
    }

    /// `(a, b)`, `ROW(a, b)` or a single value
    fn values_row(&mut self) -> Result<Vec<Expression>, SqlError> {
        if self.is_word("ROW") && self.kind_at(1) == Kind::LeftParen {
            self.advance();
        }
        if self.kind() == Kind::LeftParen && !self.at_query_parenthesis() {
            return self.in_parentheses(Self::expression);
        }
        Ok(vec![self.expression()?])
    }
}
