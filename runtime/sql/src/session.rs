//! A session: names and settings that statements make one after the other, and what its queries are bound to.

use crate::{
    ast::{CreateFunction, CreateTable, Insert, ObjectName, Statement, StatementKind},
    bind::{Binder, ColumnSource, Names, TableDefinition, ViewDefinition},
    error::{SqlError, nearest},
    parser,
    plan::{ChangelogMode, PlanColumn, PlanNode, explain::explain, prune},
    settings::Settings,
};
use millrace_functions::{Expr, FunctionRegistry, Typed, coercion};
use std::collections::BTreeMap;

/// Names and settings in force.
pub struct Session {
    names: Names,
    settings: Settings,
    /// What reading a table gives, for tables that are declared later.
    changes: BTreeMap<String, ChangelogMode>,
}

/// What a script asks to run.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Its inserts in order.
    pub inserts: Vec<BoundInsert>,
    /// Its last query outside of inserts.
    pub query: Option<PlanNode>,
    /// Answers of `EXPLAIN`.
    pub explanations: Vec<String>,
}

/// An insert and its plan.
#[derive(Debug, Clone)]
pub struct BoundInsert {
    /// The sink.
    pub table: TableDefinition,
    /// Rows in the sink's columns.
    pub plan: PlanNode,
    /// Options of `/*+ OPTIONS(…) */` behind the sink's name.
    pub options: BTreeMap<String, String>,
    /// The insert's own text within the script.
    pub span: crate::ast::Span,
}

impl Session {
    /// An empty session over these functions.
    pub fn new(functions: FunctionRegistry) -> Self {
        let names = Names { tables: BTreeMap::new(), views: BTreeMap::new(), functions };
        Self { names, settings: Settings::default(), changes: BTreeMap::new() }
    }

    /// Adds (or replaces) a table.
    pub fn add_table(&mut self, table: TableDefinition) {
        self.names.tables.insert(table.name.clone(), table);
    }

    /// Says that reading the table `name`, once it is declared, gives these kinds of changes.
    pub fn declare_changes(&mut self, name: &str, changes: ChangelogMode) {
        self.changes.insert(name.to_owned(), changes);
    }

    /// The table named `name`.
    pub fn table(&self, name: &str) -> Option<&TableDefinition> {
        self.names.tables.get(name)
    }

    /// Tables in order of their names.
    pub fn tables(&self) -> impl Iterator<Item = &TableDefinition> {
        self.names.tables.values()
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Settings to start from, for example those of the job.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Runs the statements of `text` in order.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in `text`.
    pub fn execute(&mut self, text: &str) -> Result<Script, SqlError> {
        let mut script = Script::default();
        for statement in parser::parse_script(text)? {
            self.statement(&statement, &mut script)?;
        }
        Ok(script)
    }

    fn statement(&mut self, statement: &Statement, script: &mut Script) -> Result<(), SqlError> {
        match &statement.kind {
            StatementKind::CreateTable(table) => self.create_table(table),
            StatementKind::CreateView(view) => {
                let name = self.free_name(&view.name, view.if_not_exists)?;
                let columns = view.columns.iter().map(|c| c.value.clone()).collect();
                let definition = ViewDefinition { columns, query: view.query.clone() };
                // Bound now, so that an error stands where the view is declared.
                let node = Binder::new(&self.names, &self.settings).query(&definition.query)?;
                if !definition.columns.is_empty() && definition.columns.len() != node.columns.len() {
                    let message = format!("{} column names for {} columns", definition.columns.len(), node.columns.len());
                    return Err(SqlError::new("sql.column_count", message, view.name.span()));
                }
                if let Some(name) = name {
                    self.names.views.insert(name, definition);
                }
                Ok(())
            }
            StatementKind::CreateFunction(function) => self.create_function(function),
            StatementKind::Insert(insert) => {
                script.inserts.push(self.insert(insert)?);
                Ok(())
            }
            StatementKind::StatementSet(inserts) => {
                for insert in inserts {
                    script.inserts.push(self.insert(insert)?);
                }
                Ok(())
            }
            StatementKind::Set(option) => self.settings.set(option),
            StatementKind::Reset(option) => self.settings.reset(option.as_ref()),
            StatementKind::Explain(inner) => {
                let text = self.explained(inner)?;
                script.explanations.push(text);
                Ok(())
            }
            StatementKind::Query(query) => {
                script.query = Some(prune(Binder::new(&self.names, &self.settings).query(query)?));
                Ok(())
            }
            StatementKind::Unsupported(what) => {
                let error = SqlError::new("sql.unsupported", format!("`{what}` has no meaning in a job"), statement.span);
                Err(error.with_hint("tables, views and functions of the project are managed on its pages; a script declares its own"))
            }
        }
    }

    fn explained(&mut self, statement: &Statement) -> Result<String, SqlError> {
        let mut inner = Script::default();
        match &statement.kind {
            StatementKind::Query(_) | StatementKind::Insert(_) | StatementKind::StatementSet(_) => self.statement(statement, &mut inner)?,
            _ => return Err(SqlError::new("sql.unsupported", "EXPLAIN takes a query or an INSERT", statement.span)),
        }
        let mut text: Vec<String> = inner.query.iter().map(explain).collect();
        for insert in &inner.inserts {
            text.push(format!("Sink(table=[{}])\n{}", insert.table.name, explain(&insert.plan)));
        }
        Ok(text.join("\n"))
    }

    /// The last part of `name`; `None` if it is taken and `IF NOT EXISTS` says to go on.
    fn free_name(&self, name: &ObjectName, if_not_exists: bool) -> Result<Option<String>, SqlError> {
        let text = name.parts.last().map(|p| p.value.clone()).unwrap_or_default();
        if !self.names.tables.contains_key(&text) && !self.names.views.contains_key(&text) {
            return Ok(Some(text));
        }
        if if_not_exists {
            return Ok(None);
        }
        let message = format!("there is already a table or view `{text}`");
        Err(SqlError::new("sql.name_taken", message, name.span()).with_hint("choose another name, or write IF NOT EXISTS"))
    }

    fn create_table(&mut self, create: &CreateTable) -> Result<(), SqlError> {
        let name = self.free_name(&create.name, create.if_not_exists)?;
        let mut table = TableDefinition::declared(create)?;
        table.changes = self.changes.get(&table.name).copied().unwrap_or_default();
        if let Some(like) = &create.like {
            let wanted = like.parts.last().map(|p| p.value.as_str()).unwrap_or_default();
            let Some(base) = self.names.tables.get(wanted) else {
                let error = SqlError::new("sql.unknown_table", format!("there is no table `{wanted}`"), like.span());
                return Err(match nearest(wanted, self.names.tables.keys().map(String::as_str)) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error,
                });
            };
            table = like_table(base, table);
        }
        if create.query.is_some() {
            let error = SqlError::new("sql.unsupported", "CREATE TABLE … AS is not supported", create.name.span());
            return Err(error.with_hint("declare the table, then INSERT INTO it"));
        }
        // Bound once, so that wrong computed columns and watermarks are errors of the declaration.
        Binder::new(&self.names, &self.settings).scan(&table, BTreeMap::new(), create.name.span())?;
        if let Some(name) = name {
            self.names.tables.insert(name, table);
        }
        Ok(())
    }

    fn create_function(&mut self, create: &CreateFunction) -> Result<(), SqlError> {
        let name = create.name.parts.last().map(|p| p.value.clone()).unwrap_or_default();
        let Some(function) = self.names.functions.get(&create.identifier).cloned() else {
            let message = format!("there is no function `{}` in the project", create.identifier);
            let error = SqlError::new("sql.unknown_function", message, create.identifier_span);
            let wanted = create.identifier.to_uppercase();
            return Err(match nearest(&wanted, self.names.functions.names()) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint("publish it first; `AS` takes the name of a published function"),
            });
        };
        self.names.functions = self.names.functions.clone().with(&name, function);
        Ok(())
    }

    fn insert(&self, insert: &Insert) -> Result<BoundInsert, SqlError> {
        let name = insert.table.parts.last().map(|p| p.value.as_str()).unwrap_or_default();
        let Some(table) = self.names.tables.get(name) else {
            let error = SqlError::new("sql.unknown_table", format!("there is no table `{name}` to insert into"), insert.table.span());
            return Err(match nearest(name, self.names.tables.keys().map(String::as_str)) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint("declare it with CREATE TABLE"),
            });
        };
        if insert.overwrite {
            return Err(SqlError::new("sql.unsupported", "INSERT OVERWRITE has no meaning for a stream", insert.span));
        }
        let binder = &mut Binder::new(&self.names, &self.settings);
        let plan = binder.query(&insert.query)?;
        let plan = self.sink_rows(binder, plan, table, insert)?;
        let options = (insert.hints.iter().filter(|h| h.name.value.eq_ignore_ascii_case("OPTIONS")))
            .flat_map(|h| &h.options)
            .map(|o| (o.key.clone(), o.value.clone().unwrap_or_default()))
            .collect();
        Ok(BoundInsert { table: table.clone(), plan: prune(plan), options, span: insert.span })
    }

    /// The query's rows in the sink's columns: by position, cast where Flink casts silently, NULL where nothing is given.
    fn sink_rows(&self, binder: &Binder<'_>, plan: PlanNode, table: &TableDefinition, insert: &Insert) -> Result<PlanNode, SqlError> {
        let columns = sink_columns(table);
        let mut sources: Vec<Option<usize>> = (0..columns.len()).map(Some).collect();
        if !insert.columns.is_empty() {
            sources = vec![None; columns.len()];
            for (position, wanted) in insert.columns.iter().enumerate() {
                let Some(index) = columns.iter().position(|(name, _)| *name == wanted.value) else {
                    let message = format!("table `{}` has no column `{}` to insert into", table.name, wanted.value);
                    return Err(SqlError::new("sql.unknown_column", message, wanted.span));
                };
                sources[index] = Some(position);
            }
        }
        let given = if insert.columns.is_empty() { columns.len() } else { insert.columns.len() };
        if plan.columns.len() != given {
            let list = |names: Vec<String>| names.join(", ");
            let message = format!(
                "the query has {} columns ({}), but {given} are expected by `{}` ({})",
                plan.columns.len(),
                list(plan.columns.iter().map(|c| format!("{} {}", c.name, c.typed.data_type)).collect()),
                table.name,
                list(columns.iter().map(|(n, t)| format!("{n} {}", t.data_type)).collect()),
            );
            return Err(SqlError::new("sql.column_count", message, insert.query.span));
        }
        let (mut projection, mut out) = (Vec::new(), Vec::new());
        for ((name, typed), source) in columns.iter().zip(&sources) {
            let expr = match source {
                Some(position) => {
                    let from = &plan.columns[*position];
                    if from.typed.data_type != typed.data_type && !coercion::is_implicit(&from.typed.data_type, &typed.data_type) {
                        let message = format!(
                            "column `{}` of the query is {}, but column `{name}` of `{}` is {}",
                            from.name, from.typed.data_type, table.name, typed.data_type
                        );
                        let error = SqlError::new("sql.type_mismatch", message, insert.query.span);
                        return Err(error.with_hint(format!("cast it: `CAST({} AS {})`", from.name, typed.data_type)));
                    }
                    Expr::column(*position, from.typed.clone())
                }
                None => crate::bind::null_literal(),
            };
            let nullable = expr.typed().nullable;
            let cast = binder.implicit(expr, &typed.data_type);
            let mut column = PlanColumn::new(name, Typed::new(typed.data_type.clone(), nullable));
            column.lineage = source.map(|p| plan.columns[p].lineage.clone()).unwrap_or_default();
            out.push(column);
            projection.push(cast);
        }
        Ok(crate::bind::calc(plan, None, projection, out))
    }
}

/// Columns that an insert fills: physical ones and metadata that is not virtual.
fn sink_columns(table: &TableDefinition) -> Vec<(String, Typed)> {
    let written = |c: &crate::bind::TableColumn| match &c.source {
        ColumnSource::Physical(typed) | ColumnSource::Metadata { typed, is_virtual: false, .. } => Some((c.name.clone(), typed.clone())),
        ColumnSource::Metadata { .. } | ColumnSource::Computed(_) => None,
    };
    table.columns.iter().filter_map(written).collect()
}

/// `LIKE`: the base's columns and options, then the declared ones; declared options win.
fn like_table(base: &TableDefinition, declared: TableDefinition) -> TableDefinition {
    let mut table = base.clone();
    table.name = declared.name;
    table.columns.extend(declared.columns);
    table.options.extend(declared.options);
    table.watermark = declared.watermark.or(table.watermark);
    if !declared.primary_key.is_empty() {
        table.primary_key = declared.primary_key;
    }
    table
}
