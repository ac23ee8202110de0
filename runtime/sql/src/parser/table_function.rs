//! Calls in `FROM`: window table functions and table functions of the user.

use super::{Parser, token::Kind};
use crate::{
    ast::{ObjectName, Span, TableArgument, TableFunctionArgument, TableFunctionCall, TableReference, TableReferenceKind},
    error::SqlError,
};

impl Parser<'_> {
    /// `[LATERAL] TABLE(function(…))`
    pub(super) fn wrapped_table_function(&mut self, lateral: bool) -> Result<TableReferenceKind, SqlError> {
        self.advance();
        self.expect(Kind::LeftParen)?;
        let start = self.span();
        let name = self.object_name("a function")?;
        let call = self.table_function_call(name, start)?;
        self.expect(Kind::RightParen)?;
        Ok(TableReferenceKind::Function { call, lateral })
    }

    pub(super) fn table_function_call(&mut self, name: ObjectName, start: Span) -> Result<TableFunctionCall, SqlError> {
        self.expect(Kind::LeftParen)?;
        let arguments = if self.kind() == Kind::RightParen { Vec::new() } else { self.comma_separated(Self::table_function_argument)? };
        self.expect(Kind::RightParen)?;
        Ok(TableFunctionCall { name, arguments, span: self.since(start) })
    }

    fn table_function_argument(&mut self) -> Result<TableFunctionArgument, SqlError> {
        let start = self.span();
        let name = self.argument_name()?;
        let value = self.table_argument()?;
        Ok(TableFunctionArgument { name, value, span: self.since(start) })
    }

    fn table_argument(&mut self) -> Result<TableArgument, SqlError> {
        if self.is_word("TABLE") {
            let start = self.span();
            self.advance();
            let table = if self.at_query_parenthesis() { self.derived(false)? } else { self.table_by_name(start)? };
            return self.partitioned(table);
        }
        if self.at_query_parenthesis() {
            let table = self.derived(false)?;
            return self.partitioned(table);
        }
        if self.is_word("DESCRIPTOR") && self.kind_at(1) == Kind::LeftParen {
            self.advance();
            return Ok(TableArgument::Descriptor(self.identifier_list("the name of a column")?));
        }
        if self.is_word("MODEL") && matches!(self.kind_at(1), Kind::Word | Kind::QuotedName) {
            return Err(self.unsupported("models are not supported", self.span()));
        }
        if self.is_word("DEFAULT") {
            return Ok(TableArgument::Expression(self.symbol_of(1)));
        }
        Ok(TableArgument::Expression(self.expression()?))
    }

    fn table_by_name(&mut self, start: Span) -> Result<TableReference, SqlError> {
        let name = self.table_name()?;
        let kind = TableReferenceKind::Named { name, hints: self.hints()?, as_of: None };
        Ok(TableReference { kind, alias: None, span: self.since(start) })
    }

    /// `[PARTITION BY a | (a, b)] [ORDER BY a | (a, b)]`: without parentheses, a comma begins the next argument.
    fn partitioned(&mut self, table: TableReference) -> Result<TableArgument, SqlError> {
        let mut partition_by = Vec::new();
        if self.eat_word("PARTITION") {
            self.expect_word("BY")?;
            partition_by = if self.kind() == Kind::LeftParen { self.in_parentheses(Self::expression)? } else { vec![self.expression()?] };
        }
        let mut order_by = Vec::new();
        if self.eat_word("ORDER") {
            self.expect_word("BY")?;
            order_by = if self.kind() == Kind::LeftParen { self.in_parentheses(Self::order_item)? } else { vec![self.order_item()?] };
        }
        Ok(TableArgument::Table { table: Box::new(table), partition_by, order_by })
    }
}
