//! Tables of a session: columns, watermark, key; and the scan that reads one.

use super::{Binder, expression::Env, names_of, scope::Scope, substitute};
use crate::{
    ast::{self, ColumnKind, CreateTable, Expression, Span},
    error::{SqlError, nearest},
    plan::{ChangelogMode, NodeKind, PlanColumn, PlanNode, Scan, ScanColumn, SourceColumn, TimeKind},
};
use millrace_functions::{Expr, Typed};
use millrace_model::{DataType, Schema};
use std::collections::BTreeMap;

/// A table that queries may name.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDefinition {
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<TableColumn>,
    /// `WATERMARK FOR column AS expression`
    pub watermark: Option<(String, Expression)>,
    /// Columns of the primary key; empty without one.
    pub primary_key: Vec<String>,
    /// `WITH (…)`
    pub options: BTreeMap<String, String>,
    /// Kinds of changes that reading it gives.
    pub changes: ChangelogMode,
    /// A column of which the source itself makes watermarks (a source of the canvas).
    pub rowtime: Option<String>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Where its values come from.
    pub source: ColumnSource,
    /// Its comment.
    pub comment: Option<String>,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnSource {
    /// The record.
    Physical(Typed),
    /// The record's metadata.
    Metadata {
        /// The metadata key.
        key: String,
        /// Its type.
        typed: Typed,
        /// Not written by sinks.
        is_virtual: bool,
    },
    /// The other columns.
    Computed(Expression),
}

impl TableDefinition {
    /// A table of these physical columns.
    pub fn physical(name: &str, schema: &Schema, changes: ChangelogMode, rowtime: Option<String>) -> Self {
        let column = |f: &millrace_model::Field| TableColumn {
            name: f.name.clone(),
            source: ColumnSource::Physical(Typed::new(f.data_type.clone(), f.nullable)),
            comment: f.comment.clone(),
        };
        let columns = schema.fields().iter().map(column).collect();
        let (primary_key, options) = (Vec::new(), BTreeMap::new());
        Self { name: name.to_owned(), columns, watermark: None, primary_key, options, changes, rowtime }
    }

    /// A table as declared.
    ///
    /// # Errors
    /// Columns that are declared twice, or keys and watermarks of columns that are not there.
    pub fn declared(table: &CreateTable) -> Result<Self, SqlError> {
        let name = table.name.parts.last().map(|p| p.value.clone()).unwrap_or_default();
        let mut columns: Vec<TableColumn> = Vec::with_capacity(table.columns.len());
        let key_columns = table.primary_key.as_ref().map(|k| names_of(&k.columns)).unwrap_or_default();
        for column in &table.columns {
            if columns.iter().any(|c| c.name == column.name.value) {
                let message = format!("column `{}` is declared twice", column.name.value);
                return Err(SqlError::new("sql.duplicate_column", message, column.name.span));
            }
            columns.push(declared_column(column, &key_columns));
        }
        if let Some(key) = &table.primary_key {
            if key.enforced {
                let error = SqlError::new("sql.unsupported", "a primary key cannot be enforced: streams are not ours to check", key.span);
                return Err(error.with_hint("write `PRIMARY KEY (…) NOT ENFORCED`"));
            }
            for wanted in &key.columns {
                known(&columns, wanted)?;
            }
        }
        let watermark = match &table.watermark {
            None => None,
            Some(watermark) => {
                known(&columns, &watermark.column)?;
                Some((watermark.column.value.clone(), watermark.expression.clone()))
            }
        };
        let options = table.options.iter().map(|o| (o.key.clone(), o.value.clone())).collect();
        Ok(Self { name, columns, watermark, primary_key: key_columns, options, changes: ChangelogMode::INSERT_ONLY, rowtime: None })
    }

    /// The physical columns.
    pub fn physical_schema(&self) -> Vec<(String, Typed)> {
        let physical = |c: &TableColumn| match &c.source {
            ColumnSource::Physical(typed) => Some((c.name.clone(), typed.clone())),
            ColumnSource::Metadata { .. } | ColumnSource::Computed(_) => None,
        };
        self.columns.iter().filter_map(physical).collect()
    }
}

fn known(columns: &[TableColumn], wanted: &ast::Identifier) -> Result<(), SqlError> {
    if columns.iter().any(|c| c.name == wanted.value) {
        return Ok(());
    }
    let error = SqlError::new("sql.unknown_column", format!("the table has no column `{}`", wanted.value), wanted.span);
    Err(match nearest(&wanted.value, columns.iter().map(|c| c.name.as_str())) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

fn declared_column(column: &ast::Column, key: &[String]) -> TableColumn {
    let name = column.name.value.clone();
    let nullable = |nullable: bool| nullable && !key.contains(&name);
    let source = match &column.kind {
        ColumnKind::Physical { data_type, nullable: n } => ColumnSource::Physical(Typed::new(data_type.clone(), nullable(*n))),
        ColumnKind::Metadata { data_type, nullable: n, key, is_virtual } => ColumnSource::Metadata {
            key: key.clone().unwrap_or_else(|| name.clone()),
            typed: Typed::new(data_type.clone(), nullable(*n)),
            is_virtual: *is_virtual,
        },
        ColumnKind::Computed(expression) => ColumnSource::Computed(expression.clone()),
    };
    TableColumn { name, source, comment: column.comment.clone() }
}

impl Binder<'_> {
    /// Reads a table: a scan of its physical columns, a calc for computed ones, its watermark over both.
    pub(crate) fn scan(&mut self, table: &TableDefinition, options: BTreeMap<String, String>, span: Span) -> Result<PlanNode, SqlError> {
        let mut physical = Vec::new();
        let mut scan_columns = Vec::new();
        for column in &table.columns {
            let (name, is_metadata, typed) = match &column.source {
                ColumnSource::Physical(typed) => (column.name.clone(), false, typed),
                ColumnSource::Metadata { key, typed, .. } => (key.clone(), true, typed),
                ColumnSource::Computed(_) => continue,
            };
            physical.push(ScanColumn { name, is_metadata, typed: typed.clone() });
            let mut plan_column = PlanColumn::new(&column.name, typed.clone());
            plan_column.lineage.insert(SourceColumn { table: table.name.clone(), column: column.name.clone() });
            if table.rowtime.as_ref() == Some(&column.name) && is_timestamp(&typed.data_type) {
                plan_column.time = Some(TimeKind::Rowtime);
            }
            scan_columns.push(plan_column);
        }
        let scan = Scan { table: table.name.clone(), physical, watermark: None, changes: table.changes, options };
        let mut node = PlanNode { kind: NodeKind::Scan(scan), columns: scan_columns };
        let projection = self.declared_columns(table, &mut node)?;
        let watermark = self.watermark(table, &mut node, span)?;
        if let (Some(watermark), Some(projection)) = (watermark, &projection) {
            set_watermark(&mut node, substitute(watermark, projection));
        }
        Ok(node)
    }

    /// Adds computed columns, all columns in the declared order; answers the projection that does it.
    fn declared_columns(&mut self, table: &TableDefinition, node: &mut PlanNode) -> Result<Option<Vec<Expr>>, SqlError> {
        let scope = Scope::new(node, Some(&table.name));
        let (mut projection, mut columns) = (Vec::new(), Vec::new());
        let mut next = 0;
        for column in &table.columns {
            match &column.source {
                ColumnSource::Computed(expression) => {
                    let expr = self.expression(expression, &mut Env::over(&scope))?;
                    let mut plan_column = super::select::computed_column(&column.name, &expr, &node.columns);
                    if is_proctime(expression) {
                        plan_column.time = Some(TimeKind::Proctime);
                    }
                    projection.push(expr);
                    columns.push(plan_column);
                }
                ColumnSource::Physical(_) | ColumnSource::Metadata { .. } => {
                    projection.push(Expr::column(next, node.columns[next].typed.clone()));
                    columns.push(node.columns[next].clone());
                    next += 1;
                }
            }
        }
        let placeholder = PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() };
        let below = std::mem::replace(node, placeholder);
        *node = super::calc(below, None, projection.clone(), columns);
        Ok(Some(projection))
    }

    /// The watermark over the declared columns; marks its column as event time.
    fn watermark(&mut self, table: &TableDefinition, node: &mut PlanNode, span: Span) -> Result<Option<Expr>, SqlError> {
        let Some((column, expression)) = &table.watermark else {
            return Ok(None);
        };
        let scope = Scope::new(node, Some(&table.name));
        let expr = self.expression(expression, &mut Env::over(&scope))?;
        let Some(index) = node.columns.iter().position(|c| c.name == *column) else {
            return Err(self.error("sql.internal", format!("the event-time column `{column}` is lost"), span));
        };
        let column_type = &node.columns[index].typed.data_type;
        if !is_timestamp(column_type) {
            let message =
                format!("the event-time column `{column}` is {column_type}, expected TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p up to 3");
            let error = self.error("sql.type_mismatch", message, expression.span);
            return Err(error.with_hint("a BIGINT of epoch milliseconds becomes one by a computed column: `et AS TO_TIMESTAMP_LTZ(ts, 3)`"));
        }
        if expr.typed().data_type != *column_type && !is_timestamp(&expr.typed().data_type) {
            let message = format!("the watermark is {}, expected {column_type} as its column `{column}`", expr.typed().data_type);
            return Err(self.error("sql.type_mismatch", message, expression.span));
        }
        node.columns[index].time = Some(TimeKind::Rowtime);
        Ok(Some(expr))
    }
}

fn set_watermark(node: &mut PlanNode, watermark: Expr) {
    match &mut node.kind {
        NodeKind::Scan(scan) => scan.watermark = Some(watermark),
        NodeKind::Calc { input, .. } => set_watermark(input, watermark),
        _ => {}
    }
}

fn is_timestamp(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp { precision: 0..=3 } | DataType::TimestampLtz { precision: 0..=3 })
}

fn is_proctime(expression: &Expression) -> bool {
    match &expression.kind {
        ast::ExpressionKind::Call(call) => {
            call.arguments.is_empty() && call.name.parts.last().is_some_and(|p| p.value.eq_ignore_ascii_case("PROCTIME"))
        }
        _ => false,
    }
}
