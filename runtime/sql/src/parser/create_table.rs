//! `CREATE TABLE`.

use super::{Parser, token::Kind};
use crate::{
    ast::{Column, ColumnKind, CreateTable, PrimaryKey, Span, TableOption, Watermark},
    error::SqlError,
};

impl Parser<'_> {
    pub(super) fn create_table(&mut self, temporary: bool) -> Result<CreateTable, SqlError> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name("the name of a table")?;
        let mut table = CreateTable {
            name,
            temporary,
            if_not_exists,
            columns: Vec::new(),
            watermark: None,
            primary_key: None,
            comment: None,
            partitioned_by: Vec::new(),
            options: Vec::new(),
            like: None,
            like_options: Vec::new(),
            query: None,
        };
        if self.kind() == Kind::LeftParen {
            self.advance();
            self.table_element(&mut table)?;
            while self.eat(Kind::Comma) {
                self.table_element(&mut table)?;
            }
            self.expect(Kind::RightParen)?;
        }
        self.table_clauses(&mut table)?;
        Ok(table)
    }

    fn table_clauses(&mut self, table: &mut CreateTable) -> Result<(), SqlError> {
        table.comment = self.comment()?;
        self.distribution()?;
        if self.eat_word("PARTITIONED") {
            self.expect_word("BY")?;
            table.partitioned_by = self.identifier_list("the name of a column")?;
        }
        if self.eat_word("WITH") {
            table.options = self.table_options()?;
        }
        if self.eat_word("LIKE") {
            table.like = Some(self.table_name()?);
            if self.kind() == Kind::LeftParen {
                table.like_options = self.like_options()?;
            }
        } else if self.eat_word("AS") {
            table.query = Some(self.query()?);
        }
        Ok(())
    }

    /// `DISTRIBUTED [BY [HASH | RANGE] (columns)] [INTO n BUCKETS]`: connectors here decide this themselves.
    fn distribution(&mut self) -> Result<(), SqlError> {
        if !self.eat_word("DISTRIBUTED") {
            return Ok(());
        }
        let by = self.eat_word("BY");
        if by {
            if !self.eat_word("HASH") {
                self.eat_word("RANGE");
            }
            self.identifier_list("the name of a column")?;
        }
        if !by || self.is_word("INTO") {
            self.expect_word("INTO")?;
            self.whole_number("a number of buckets")?;
            self.expect_word("BUCKETS")?;
        }
        Ok(())
    }

    fn table_options(&mut self) -> Result<Vec<TableOption>, SqlError> {
        self.expect(Kind::LeftParen)?;
        if self.eat(Kind::RightParen) {
            return Ok(Vec::new());
        }
        let options = self.comma_separated(|p| {
            let (key, start) = p.text_value("an option in quotes")?;
            p.expect(Kind::Equal)?;
            let (value, _) = p.text_value("a value in quotes")?;
            Ok(TableOption { key, value, span: p.since(start) })
        })?;
        self.expect(Kind::RightParen)?;
        Ok(options)
    }

    /// `(INCLUDING ALL EXCLUDING OPTIONS …)`
    fn like_options(&mut self) -> Result<Vec<String>, SqlError> {
        self.expect(Kind::LeftParen)?;
        let mut options: Vec<String> = Vec::new();
        while !self.eat(Kind::RightParen) {
            let start = self.span();
            let strategy = self.expect_one_of(&["INCLUDING", "EXCLUDING", "OVERWRITING"])?;
            let features: &[&str] = match strategy {
                "OVERWRITING" => &["GENERATED", "METADATA", "OPTIONS", "WATERMARKS"],
                _ => &["ALL", "CONSTRAINTS", "DISTRIBUTION", "GENERATED", "METADATA", "OPTIONS", "PARTITIONS", "WATERMARKS"],
            };
            let feature = self.expect_one_of(features)?;
            if options.iter().any(|o| o.split_once(' ').is_some_and(|(_, earlier)| earlier == feature)) {
                return Err(SqlError::new("sql.syntax", format!("`{feature}` stands twice in the options of LIKE"), self.since(start)));
            }
            options.push(format!("{strategy} {feature}"));
        }
        Ok(options)
    }

    fn table_element(&mut self, table: &mut CreateTable) -> Result<(), SqlError> {
        let start = self.span();
        if self.eat_word("WATERMARK") {
            let watermark = self.watermark(start)?;
            return only_one(&mut table.watermark, watermark, "watermark", self.since(start));
        }
        if self.eat_word("CONSTRAINT") {
            self.identifier("the name of a constraint")?;
            if !self.is_word("PRIMARY") && !self.is_word("UNIQUE") {
                return Err(self.expected("`PRIMARY KEY`"));
            }
        }
        if self.is_word("PRIMARY") || self.is_word("UNIQUE") {
            self.key_words()?;
            let columns = self.identifier_list("the name of a column")?;
            let enforced = self.enforcement()?;
            let key = PrimaryKey { columns, enforced, span: self.since(start) };
            return only_one(&mut table.primary_key, key, "primary key", self.since(start));
        }
        self.column(table)
    }

    fn watermark(&mut self, start: Span) -> Result<Watermark, SqlError> {
        self.expect_word("FOR")?;
        let column = self.identifier("the name of a column")?;
        if self.kind() == Kind::Dot {
            let message = "watermarks of nested fields are not supported";
            return Err(self.unsupported(message, column.span).with_hint("add a computed column for the field"));
        }
        self.expect_word("AS")?;
        let expression = self.expression()?;
        Ok(Watermark { column, expression, span: self.since(start) })
    }

    /// `PRIMARY KEY`
    fn key_words(&mut self) -> Result<(), SqlError> {
        if self.is_word("UNIQUE") {
            return Err(self.unsupported("`UNIQUE` is not supported", self.span()).with_hint("write `PRIMARY KEY (…) NOT ENFORCED`"));
        }
        self.expect_words(&["PRIMARY", "KEY"])
    }

    /// `[[NOT] ENFORCED]`
    fn enforcement(&mut self) -> Result<bool, SqlError> {
        if self.eat_word("NOT") {
            self.expect_word("ENFORCED")?;
            return Ok(false);
        }
        self.eat_word("ENFORCED");
        Ok(true)
    }

    fn column(&mut self, table: &mut CreateTable) -> Result<(), SqlError> {
        let name = self.identifier("a column, `PRIMARY KEY` or `WATERMARK`")?;
        let kind = if self.eat_word("AS") {
            ColumnKind::Computed(self.expression()?)
        } else if matches!(self.kind(), Kind::Comma | Kind::RightParen) {
            return Err(self.expected("a type or `AS`"));
        } else {
            self.typed_column(table, &name)?
        };
        let comment = self.comment()?;
        table.columns.push(Column { span: self.since(name.span), name, kind, comment });
        Ok(())
    }

    /// `type [METADATA [FROM 'key'] [VIRTUAL]]` or `type [[CONSTRAINT name] PRIMARY KEY NOT ENFORCED]`
    fn typed_column(&mut self, table: &mut CreateTable, name: &crate::ast::Identifier) -> Result<ColumnKind, SqlError> {
        let written = self.data_type()?;
        let (data_type, nullable) = (written.data_type, written.nullable);
        if self.eat_word("METADATA") {
            let key = if self.eat_word("FROM") { Some(self.text_value("a metadata key in quotes")?.0) } else { None };
            return Ok(ColumnKind::Metadata { data_type, nullable, key, is_virtual: self.eat_word("VIRTUAL") });
        }
        let start = self.span();
        if self.eat_word("CONSTRAINT") {
            self.identifier("the name of a constraint")?;
            if !self.is_word("UNIQUE") && !self.is_word("PRIMARY") {
                self.expect_word("PRIMARY")?;
            }
        }
        if self.is_word("PRIMARY") || self.is_word("UNIQUE") {
            self.key_words()?;
            let enforced = self.enforcement()?;
            let span = self.since(start);
            only_one(&mut table.primary_key, PrimaryKey { columns: vec![name.clone()], enforced, span }, "primary key", span)?;
        }
        Ok(ColumnKind::Physical { data_type, nullable })
    }
}

fn only_one<T>(place: &mut Option<T>, value: T, what: &str, span: Span) -> Result<(), SqlError> {
    if place.is_some() {
        return Err(SqlError::new("sql.syntax", format!("a table has at most one {what}"), span));
    }
    *place = Some(value);
    Ok(())
}
