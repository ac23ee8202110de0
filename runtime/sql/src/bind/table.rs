//! Tables of a session: columns, watermark, key; and the scan that reads one.

use super::{Binder, expression::Env, scope::Scope, substitute};
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
    /// `PARTITIONED BY (…)`
    pub partitioned_by: Vec<String>,
    /// `WITH (…)`
    pub options: BTreeMap<String, String>,
    /// Kinds of changes that reading it gives.
    pub changes: ChangelogMode,
    /// What feeds it; `None` where nothing is connected.
    pub source: Option<SourceTraits>,
    /// A column of which the source itself makes watermarks (a source of the canvas).
    pub rowtime: Option<String>,
}

/// What is known of the source that feeds a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceTraits {
    /// Its connector; `None` for a node that is no source.
    pub connector: Option<String>,
    /// What tables that it feeds may call it in the option `connector`, beside that.
    pub connector_names: Vec<String>,
    /// Kinds of changes that it sends.
    pub changes: ChangelogMode,
    /// Metadata that it can give, by key.
    pub metadata: BTreeMap<String, Typed>,
    /// Whether it makes watermarks of its own.
    pub makes_watermarks: bool,
    /// It is a dimension table: rows are looked up, none flow.
    pub is_dimension: bool,
    /// Columns that every look-up must give; `None` if any will do.
    pub lookup_keys: Option<Vec<String>>,
    /// Options that its tables may have; one that ends in `*` stands for all that begin so.
    pub options: Vec<String>,
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
        /// Where it is declared.
        span: Span,
    },
    /// The other columns.
    Computed(Expression),
}

impl SourceTraits {
    /// Refuses an option that the source's tables do not have. The error stands nowhere: the caller knows the place.
    pub(crate) fn check_option(&self, table: &str, key: &str, value: Option<&str>) -> Result<(), SqlError> {
        let fail = |code, message| Err(SqlError::new(code, message, Span::default()));
        let Some(connector) = &self.connector else {
            // A node that is no source takes its rows as they come.
            return Ok(());
        };
        if key == "connector" {
            return match value {
                Some(value) if value != connector && !self.connector_names.iter().any(|name| name == value) => fail(
                    "sql.wrong_connector",
                    format!("table `{table}` is declared for the connector `{value}`, but its node is a `{connector}` source"),
                ),
                _ => Ok(()),
            };
        }
        let matches = |known: &String| known == key || known.strip_suffix('*').is_some_and(|prefix| key.starts_with(prefix));
        if self.options.iter().any(matches) {
            return Ok(());
        }
        let error = SqlError::new("sql.unknown_option", format!("tables of `{connector}` have no option `{key}`"), Span::default());
        Err(match nearest(key, self.options.iter().map(String::as_str)) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None if self.options.is_empty() => error,
            None => error.with_hint(format!("they have {}", self.options.join(", "))),
        })
    }
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
        Self { changes, rowtime, ..Self::empty(name.to_owned(), columns) }
    }

    fn empty(name: String, columns: Vec<TableColumn>) -> Self {
        Self {
            name,
            columns,
            watermark: None,
            primary_key: Vec::new(),
            partitioned_by: Vec::new(),
            options: BTreeMap::new(),
            changes: ChangelogMode::INSERT_ONLY,
            source: None,
            rowtime: None,
        }
    }

    /// A table as declared, behind the columns of `base` where it is `LIKE` another.
    ///
    /// # Errors
    /// Columns that are declared twice, or keys and watermarks of columns that are not there.
    pub fn declared(table: &CreateTable, base: Option<&Self>) -> Result<Self, SqlError> {
        let name = table.name.parts.last().map(|p| p.value.clone()).unwrap_or_default();
        let mut made = match base {
            None => Self::empty(name, Vec::new()),
            Some(base) => super::like::taken_over(base, name, table)?,
        };
        declare_columns(table, &mut made)?;
        if let Some(key) = &table.primary_key {
            if key.enforced {
                let error = SqlError::new("sql.unsupported", "a primary key cannot be enforced: streams are not ours to check", key.span);
                return Err(error.with_hint("write `PRIMARY KEY (…) NOT ENFORCED`"));
            }
            for wanted in &key.columns {
                declare_key(&mut made, wanted)?;
            }
        }
        if let Some(watermark) = &table.watermark {
            known(&made.columns, &watermark.column)?;
            made.watermark = Some((watermark.column.value.clone(), watermark.expression.clone()));
        }
        if let (Some((column, _)), Some(like)) = (&made.watermark, &table.like)
            && !made.columns.iter().any(|c| c.name == *column)
        {
            let message = format!("the watermark is over column `{column}`, which is not taken over");
            let error = SqlError::new("sql.unknown_column", message, like.span());
            return Err(error.with_hint("leave it behind too: `LIKE … (EXCLUDING WATERMARKS)`"));
        }
        for column in &table.partitioned_by {
            known(&made.columns, column)?;
            made.partitioned_by.push(column.value.clone());
        }
        made.options.extend(table.options.iter().map(|o| (o.key.clone(), o.value.clone())));
        Ok(made)
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

/// Adds the declared columns. One that generates its values anew (`OVERWRITING`) takes the place of the base's.
fn declare_columns(table: &CreateTable, made: &mut TableDefinition) -> Result<(), SqlError> {
    let inherited = made.columns.len();
    for column in &table.columns {
        let declared = declared_column(column);
        let position = made.columns.iter().position(|c| c.name == declared.name);
        match position {
            None => made.columns.push(declared),
            Some(at) if at < inherited && super::like::may_overwrite(&made.columns[at], &declared, &table.like_options) => {
                made.columns[at] = declared;
            }
            Some(at) => {
                let (message, hint) = if at < inherited {
                    let base = table.like.as_ref().and_then(|n| n.parts.last()).map(|p| p.value.as_str()).unwrap_or_default();
                    let message = format!("column `{}` is in the table `{base}` already, which this one is LIKE", declared.name);
                    (message, "computed and metadata columns can be replaced: `LIKE … (OVERWRITING GENERATED OVERWRITING METADATA)`")
                } else {
                    (format!("column `{}` is declared twice", declared.name), "choose another name for one of them")
                };
                return Err(SqlError::new("sql.duplicate_column", message, column.name.span).with_hint(hint));
            }
        }
    }
    Ok(())
}

/// A column of the primary key is never NULL.
fn declare_key(table: &mut TableDefinition, wanted: &ast::Identifier) -> Result<(), SqlError> {
    known(&table.columns, wanted)?;
    if table.primary_key.contains(&wanted.value) {
        let message = format!("column `{}` stands twice in the primary key", wanted.value);
        return Err(SqlError::new("sql.duplicate_column", message, wanted.span));
    }
    for column in table.columns.iter_mut().filter(|c| c.name == wanted.value) {
        match &mut column.source {
            ColumnSource::Physical(typed) => typed.nullable = false,
            ColumnSource::Metadata { .. } | ColumnSource::Computed(_) => {
                let message = format!("`{}` is not a column of the record itself, so it cannot be part of the primary key", wanted.value);
                return Err(SqlError::new("sql.invalid_key", message, wanted.span));
            }
        }
    }
    table.primary_key.push(wanted.value.clone());
    Ok(())
}

fn declared_column(column: &ast::Column) -> TableColumn {
    let name = column.name.value.clone();
    let source = match &column.kind {
        ColumnKind::Physical { data_type, nullable } => ColumnSource::Physical(Typed::new(data_type.clone(), *nullable)),
        ColumnKind::Metadata { data_type, nullable, key, is_virtual } => ColumnSource::Metadata {
            key: key.clone().unwrap_or_else(|| name.clone()),
            typed: Typed::new(data_type.clone(), *nullable),
            is_virtual: *is_virtual,
            span: column.span,
        },
        ColumnKind::Computed(expression) => ColumnSource::Computed(expression.clone()),
    };
    TableColumn { name, source, comment: column.comment.clone() }
}

impl Binder<'_> {
    /// Reads a table: a scan of its physical columns, upserts made whole, a calc for computed columns, the watermark over all.
    pub(crate) fn scan(&mut self, table: &TableDefinition, hints: BTreeMap<String, String>, span: Span) -> Result<PlanNode, SqlError> {
        let mut physical = Vec::new();
        let mut scan_columns = Vec::new();
        for column in &table.columns {
            let (name, is_metadata, typed) = match &column.source {
                ColumnSource::Physical(typed) => (column.name.clone(), false, typed.clone()),
                ColumnSource::Metadata { key, typed, span, .. } => (key.clone(), true, self.metadata_type(table, key, typed, *span)?),
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
        let mut options = table.options.clone();
        options.extend(hints);
        let (watermark, key) = (None, table.primary_key.clone());
        let scan =
            Scan { table: table.name.clone(), physical, watermark, is_source_watermark: false, changes: table.changes, key, options };
        let mut node = PlanNode { kind: NodeKind::Scan(scan), columns: scan_columns };
        if table.changes.is_upsert || (self.settings.normalizes_duplicates && table.changes.updates && !table.primary_key.is_empty()) {
            node = self.normalized(node, table, span)?;
        }
        let projection = self.declared_columns(table, &mut node)?;
        let watermark = self.watermark(table, &mut node, span)?;
        if let Some(watermark) = watermark {
            set_watermark(&mut node, watermark.map(|w| substitute(w, &projection)));
        }
        Ok(node)
    }

    /// The type of a metadata key as its source gives it; as declared where no source is known.
    fn metadata_type(&self, table: &TableDefinition, key: &str, declared: &Typed, span: Span) -> Result<Typed, SqlError> {
        let Some(source) = &table.source else {
            return Ok(declared.clone());
        };
        let Some(found) = source.metadata.get(key) else {
            let error = self.error("sql.unknown_metadata", format!("the source of `{}` has no metadata `{key}`", table.name), span);
            return Err(match nearest(key, source.metadata.keys().map(String::as_str)) {
                Some(near) => error.with_hint(format!("did you mean `{near}`? Write `METADATA FROM '{near}'`")),
                None if source.metadata.is_empty() => error.with_hint("it has no metadata at all"),
                None => {
                    let keys: Vec<&str> = source.metadata.keys().map(String::as_str).collect();
                    error.with_hint(format!("its metadata are {}", keys.join(", ")))
                }
            });
        };
        if found.data_type != declared.data_type && !millrace_functions::cast::is_castable(&found.data_type, &declared.data_type) {
            let message = format!("metadata `{key}` is {}, which cannot be cast to {}", found.data_type, declared.data_type);
            return Err(self.error("sql.type_mismatch", message, span));
        }
        Ok(found.clone())
    }

    /// Upserts as a changelog of all kinds.
    fn normalized(&self, input: PlanNode, table: &TableDefinition, span: Span) -> Result<PlanNode, SqlError> {
        if table.primary_key.is_empty() {
            let message = format!("the source of `{}` sends upserts (`+U` without `-U`), so the table needs a primary key", table.name);
            return Err(self.error("sql.no_key", message, span).with_hint("declare `PRIMARY KEY (…) NOT ENFORCED`"));
        }
        let position = |name: &String| input.columns.iter().position(|c| c.name == *name);
        let keys: Option<Vec<usize>> = table.primary_key.iter().map(position).collect();
        let keys = keys.ok_or_else(|| self.error("sql.internal", "a column of the primary key is lost", span))?;
        let columns = input.columns.clone();
        let state_ttl_ms = self.settings.state_ttl_ms;
        Ok(PlanNode { kind: NodeKind::ChangelogNormalize { input: Box::new(input), keys, filter: None, state_ttl_ms }, columns })
    }

    /// Casts metadata to their declared types, then adds computed columns, all in the declared order; answers the projection
    /// over what is read that does it.
    fn declared_columns(&mut self, table: &TableDefinition, node: &mut PlanNode) -> Result<Vec<Expr>, SqlError> {
        self.cast_metadata(table, node);
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
        *node = super::calc(below, None, projection, columns);
        Ok(match &node.kind {
            NodeKind::Calc { projection, .. } => projection.clone(),
            _ => Vec::new(),
        })
    }

    fn cast_metadata(&self, table: &TableDefinition, node: &mut PlanNode) {
        let read = table.columns.iter().filter(|c| !matches!(c.source, ColumnSource::Computed(_)));
        let (mut projection, mut columns, mut differs) = (Vec::new(), Vec::new(), false);
        for (index, (declared, found)) in read.zip(&node.columns).enumerate() {
            let (mut expr, mut column) = (Expr::column(index, found.typed.clone()), found.clone());
            if let ColumnSource::Metadata { typed, .. } = &declared.source {
                differs |= *typed != found.typed;
                expr = self.implicit(expr, &typed.data_type);
                column.typed = typed.clone();
            }
            projection.push(expr);
            columns.push(column);
        }
        if differs {
            let placeholder = PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() };
            let below = std::mem::replace(node, placeholder);
            *node = super::calc(below, None, projection, columns);
        }
    }

    /// The declared watermark over the table's columns: `None` when there is none, `Some(None)` when the source makes it.
    fn watermark(&mut self, table: &TableDefinition, node: &mut PlanNode, span: Span) -> Result<Option<Option<Expr>>, SqlError> {
        let Some((column, expression)) = &table.watermark else {
            return Ok(None);
        };
        let scope = Scope::new(node, Some(&table.name));
        let is_source_watermark = is_call(expression, "SOURCE_WATERMARK");
        let expr = if is_source_watermark { None } else { Some(self.expression(expression, &mut Env::over(&scope))?) };
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
        if let Some(found) = expr.as_ref().map(|e| e.typed().data_type).filter(|t| t != column_type && !is_timestamp(t)) {
            let message = format!("the watermark is {found}, expected {column_type} as its column `{column}`");
            return Err(self.error("sql.type_mismatch", message, expression.span));
        }
        if is_source_watermark && table.source.as_ref().is_some_and(|s| !s.makes_watermarks) {
            let message = format!("the source of `{}` makes no watermarks of its own", table.name);
            let error = self.error("sql.no_source_watermark", message, expression.span);
            return Err(error
                .with_hint(format!("declare one over the columns, such as `WATERMARK FOR {column} AS {column} - INTERVAL '5' SECOND`")));
        }
        node.columns[index].time = Some(TimeKind::Rowtime);
        Ok(Some(expr))
    }
}

/// Gives the watermark, over the columns that are read, to the scan; `None` leaves it to the source.
fn set_watermark(node: &mut PlanNode, watermark: Option<Expr>) {
    match &mut node.kind {
        NodeKind::Scan(scan) => {
            scan.is_source_watermark = watermark.is_none();
            scan.watermark = watermark;
        }
        NodeKind::Calc { input, .. } | NodeKind::ChangelogNormalize { input, .. } => set_watermark(input, watermark),
        _ => {}
    }
}

fn is_timestamp(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp { precision: 0..=3 } | DataType::TimestampLtz { precision: 0..=3 })
}

fn is_proctime(expression: &Expression) -> bool {
    is_call(expression, "PROCTIME")
}

/// Whether it is a call of this function without arguments.
fn is_call(expression: &Expression, name: &str) -> bool {
    match &expression.kind {
        ast::ExpressionKind::Call(call) => {
            call.arguments.is_empty() && call.name.parts.last().is_some_and(|p| p.value.eq_ignore_ascii_case(name))
        }
        _ => false,
    }
}
