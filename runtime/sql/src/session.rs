//! A session: names and settings that statements make one after the other, and what its queries are bound to.

mod declare;
mod insert;

use crate::{
    ast::{ConflictAction, ExplainDetail, Span, Statement, StatementKind},
    bind::{Binder, Names, SourceTraits, TableDefinition, nulls::check_columns},
    error::SqlError,
    parser,
    plan::{PlanNode, explain, runnable},
    settings::{Settings, UpsertMaterialize},
    stack::with_deep_stack,
};
use declare::Declared;
use millrace_functions::{FunctionRegistry, registry::Function};
use std::collections::BTreeMap;

/// Names and settings in force.
pub struct Session {
    names: Names,
    settings: Settings,
    /// What feeds tables that are declared later.
    sources: BTreeMap<String, SourceTraits>,
    declared: Declared,
    /// What `CREATE FUNCTION … AS '…'` may name beside built-in functions.
    implementations: BTreeMap<String, Function>,
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
    /// What happens to rows of the query that share the sink's key.
    pub conflicts: Conflicts,
    /// The INSERT says so itself (`ON CONFLICT`).
    pub says_conflicts: bool,
    /// The insert's own text within the script.
    pub span: Span,
}

/// What happens where several rows of a changing query share the key of its sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflicts {
    /// The query is refused unless its own key is the sink's.
    Refused,
    /// The latest row is the sink's; when it goes, the one before it comes back.
    LatestWins,
    /// As [`Self::LatestWins`], even where the keys are the same.
    AlwaysLatestWins,
    /// The first row is the sink's until it goes; the others are forgotten. Decided when the watermark moves.
    FirstWins,
    /// The job fails if several rows share a key when the watermark moves.
    Error,
    /// Changes go to the sink as they come.
    Unchecked,
}

impl Session {
    /// An empty session over these functions.
    pub fn new(functions: FunctionRegistry) -> Self {
        let names = Names { tables: BTreeMap::new(), views: BTreeMap::new(), functions };
        Self {
            names,
            settings: Settings::default(),
            sources: BTreeMap::new(),
            declared: Declared::default(),
            implementations: BTreeMap::new(),
        }
    }

    /// Adds (or replaces) a table.
    pub fn add_table(&mut self, table: TableDefinition) {
        self.names.tables.insert(table.name.clone(), table);
    }

    /// Says what feeds the table `name` once it is declared.
    pub fn connect(&mut self, name: &str, source: SourceTraits) {
        self.sources.insert(name.to_owned(), source);
    }

    /// Lets `CREATE FUNCTION … AS 'name'` name this function.
    pub fn add_implementation(&mut self, name: &str, function: Function) {
        self.implementations.insert(name.to_owned(), function);
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

    /// What happens where rows of a query share the key of its sink; `on_conflict` is what the INSERT says.
    pub fn conflicts(&self, on_conflict: Option<ConflictAction>) -> Conflicts {
        match (self.settings.upsert_materialize, on_conflict) {
            (UpsertMaterialize::None, _) => Conflicts::Unchecked,
            (_, Some(ConflictAction::Nothing)) => Conflicts::FirstWins,
            (_, Some(ConflictAction::Error)) => Conflicts::Error,
            (UpsertMaterialize::Force, _) => Conflicts::AlwaysLatestWins,
            (UpsertMaterialize::Auto, None) if self.settings.requires_on_conflict => Conflicts::Refused,
            (UpsertMaterialize::Auto, _) => Conflicts::LatestWins,
        }
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
        with_deep_stack(|| self.execute_here(text))
    }

    fn execute_here(&mut self, text: &str) -> Result<Script, SqlError> {
        let mut script = Script::default();
        for statement in parser::parse_script(text)? {
            self.statement(&statement, &mut script)?;
        }
        Ok(script)
    }

    /// Runs what `text` declares and sets, and leaves out its queries and inserts.
    ///
    /// # Errors
    /// The first declaration that is wrong, with its place in `text`.
    pub fn declare(&mut self, text: &str) -> Result<(), SqlError> {
        with_deep_stack(|| self.declare_here(text))
    }

    fn declare_here(&mut self, text: &str) -> Result<(), SqlError> {
        use StatementKind::*;
        for statement in parser::parse_script(text)? {
            if !matches!(statement.kind, Insert(_) | StatementSet(_) | Query(_) | Explain { .. } | Unsupported(_)) {
                self.statement(&statement, &mut Script::default())?;
            }
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement, script: &mut Script) -> Result<(), SqlError> {
        match &statement.kind {
            StatementKind::CreateTable(table) => self.create_table(table),
            StatementKind::CreateView(view) => self.create_view(view),
            StatementKind::CreateFunction(function) => self.create_function(function),
            StatementKind::Drop(drop) => self.drop_object(drop),
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
            StatementKind::Explain { details, statement } => {
                let text = self.explained(statement, details)?;
                script.explanations.push(text);
                Ok(())
            }
            StatementKind::Query(query) => {
                check_columns(query, false)?;
                script.query = Some(runnable(Binder::new(&self.names, &self.settings).query(query)?)?);
                Ok(())
            }
            StatementKind::Unsupported(what) => Err(not_in_a_job(what, statement.span)),
        }
    }

    fn explained(&mut self, statement: &Statement, details: &[ExplainDetail]) -> Result<String, SqlError> {
        let mut inner = Script::default();
        match &statement.kind {
            StatementKind::Query(_) | StatementKind::Insert(_) | StatementKind::StatementSet(_) => self.statement(statement, &mut inner)?,
            _ => return Err(SqlError::new("sql.unsupported", "EXPLAIN takes a query or an INSERT", statement.span)),
        }
        let sinks = inner.inserts.iter().map(|insert| (Some(insert.table.name.as_str()), &insert.plan));
        let plans: Vec<(Option<&str>, &PlanNode)> = inner.query.iter().map(|plan| (None, plan)).chain(sinks).collect();
        Ok(explain::answer(&plans, details))
    }
}

/// What Flink's SQL client understands and a job has no use for, each with what to do instead.
fn not_in_a_job(what: &str, span: Span) -> SqlError {
    let hint = match what.split(' ').next().unwrap_or_default() {
        "ALTER" => "declare the table or view as it shall be, perhaps `LIKE` another, instead of changing it",
        "SHOW" | "DESCRIBE" | "DESC" => "columns, tables and functions are shown on the pages of the project",
        "USE" => "names need no catalog here: tables are the nodes before the SQL node and what the script declares",
        "ADD" | "REMOVE" | "LOAD" | "UNLOAD" => "code comes in as plugins, which are published on the pages of the project",
        "SET" => "name what is set: `SET 'key' = 'value'`",
        "UPDATE" | "DELETE" | "TRUNCATE" | "MERGE" | "UPSERT" | "REPLACE" => "a job writes with INSERT INTO",
        _ => "tables, views and functions of the project are managed on its pages; a script declares its own",
    };
    SqlError::new("sql.unsupported", format!("`{what}` has no meaning in a job"), span).with_hint(hint)
}
