//! Jobs that are written as a Flink SQL script: from the script to a graph of sources, SQL nodes and sinks.
//!
//! Each INSERT becomes a SQL node with the statements that it needs, a source per table that it reads, and a sink. Ids
//! follow from the names of tables alone, so that a changed script finds its state again.
//! Invariant: every error points at its place in the script as the user wrote it, also when it is found later, in the
//! node that a statement became.

mod columns;
mod dimension;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod warnings;

pub(crate) use columns::{check_columns, declaration};

use crate::{
    catalog::Catalog,
    dimension::JobDimensions,
    functions::{ResolvedFunctions, resolve},
    operators::sql::{self, QueryPlan},
    plan::{ExecutionPlan, plan},
    services::EngineServices,
    threads::planned,
};
use millrace_functions::Typed;
use millrace_model::{
    graph::{Edge, GraphError, JobGraph, JobParameters, Node, Position, TimeAttribute},
    ids::{NodeId, TenantId},
};
use millrace_sql::{
    BoundInsert, Session, SourceTraits, SqlError, TableDefinition,
    ast::{CreateTable, Insert, SetOption, Statement, StatementKind},
    parser,
    plan::ChangelogMode,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tables::{Places, Resolved, Side, Tables, Use};
use text::NodeText;

/// The field of the job document that holds the script.
const FIELD: &str = "sql";
/// Tables that a script may name without declaring them.
const TABLES_MAX: usize = 200;
/// Letters of a table's name that an id repeats.
const SLUG_MAX: usize = 27;

/// A job document and what it means.
pub struct Planned {
    /// The graph to run: for a script, what it became.
    pub graph: JobGraph,
    /// Its plan; absent for a script that only asks.
    pub plan: Option<ExecutionPlan>,
    /// Its queries; for a script those without an INSERT too.
    pub queries: Vec<QueryPlan>,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<GraphError>,
}

/// Checks a job document and plans it.
///
/// With `is_question` a script may have queries without an INSERT: their plans are answered, they are not run.
///
/// # Errors
/// Everything that is wrong, by node and field, for a script by line and column.
pub async fn plan_document(
    document: &JobGraph,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
    is_question: bool,
) -> Result<Planned, Vec<GraphError>> {
    let Some(script) = &document.sql else {
        let plan = plan(document, tenant, catalog, services).await?;
        let (queries, warnings) = (plan.queries().to_vec(), plan.warnings().to_vec());
        return Ok(Planned { graph: document.clone(), plan: Some(plan), queries, warnings });
    };
    let expansion = expand(script, document, tenant, catalog, services, is_question).await?;
    let Expansion { graph, parts, mut queries, mut warnings } = expansion;
    if graph.nodes.is_empty() {
        return Ok(Planned { graph, plan: None, queries, warnings });
    }
    let planned = plan(&graph, tenant, catalog, services).await;
    let plan = planned.map_err(|errors| errors.into_iter().map(|e| parts.in_script(e)).collect::<Vec<_>>())?;
    queries.splice(0..0, plan.queries().iter().cloned());
    warnings.extend(plan.warnings().iter().cloned().map(|w| parts.in_script(w)));
    Ok(Planned { graph, plan: Some(plan), queries, warnings })
}

/// What a script became.
struct Expansion {
    graph: JobGraph,
    parts: Parts,
    queries: Vec<QueryPlan>,
    warnings: Vec<GraphError>,
}

/// Where the nodes come from.
#[derive(Default)]
struct Parts {
    texts: BTreeMap<NodeId, NodeText>,
    places: BTreeMap<NodeId, Places>,
    /// By position in the graph's dimension tables; those of the document have none.
    dimensions: BTreeMap<usize, Places>,
}

impl Parts {
    /// An error of a node, shown in the script.
    fn in_script(&self, error: GraphError) -> GraphError {
        let field = error.field.as_deref().unwrap_or_default();
        let Some(node) = &error.node else {
            let position = field.strip_prefix("dimension_tables[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
            let Some(places) = position.and_then(|position| self.dimensions.get(&position)) else { return error };
            let setting = field.rsplit('.').next().unwrap_or_default();
            let place = places.of(if setting == "table" { "topic" } else { setting });
            return GraphError { field: Some(FIELD.into()), place, ..error };
        };
        let places = self.places.get(node);
        let place = match (self.texts.get(node), error.place) {
            (Some(text), Some(place)) => text.in_script(place),
            _ => places.and_then(|p| p.of(field.strip_prefix("config.").unwrap_or(field))),
        };
        GraphError { field: Some(FIELD.into()), place: place.or(places.and_then(|p| p.whole)), ..error }
    }
}

/// The error at its place in `script`.
fn sql_error(script: &str, error: &SqlError) -> GraphError {
    GraphError::in_document(FIELD, error.code, error.to_string()).at(sql::place(script, error))
}

async fn expand(
    script: &str,
    document: &JobGraph,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
    is_question: bool,
) -> Result<Expansion, Vec<GraphError>> {
    let parameters = &document.parameters;
    let fail = |error: SqlError| vec![sql_error(script, &error)];
    let (statements, uses) = parser::parse_script_with_uses(script).map_err(fail)?;
    let is_declared = |name: &str| statements.iter().any(|s| declares(s, name));
    let (project, near) = tables::undeclared(&uses, is_declared, catalog).await.map_err(fail)?;
    let functions = resolve(script, tenant, catalog, services).await.map_err(fail)?;
    let mut session = open_session(parameters, &statements, services, &functions)?;
    for (name, binding) in &project {
        session.add_table(TableDefinition::physical(name, &binding.schema, ChangelogMode::INSERT_ONLY, None));
    }
    // Dimension tables of the document are there without a declaration.
    let dimensions = JobDimensions::open(&document.dimension_tables, tenant, catalog, services).await?;
    for shape in dimensions.shapes() {
        session.connect(shape.name, sql::dimension_traits(&shape));
        if !is_declared(shape.name) {
            session.add_table(sql::dimension_of(&shape));
        }
    }
    let bound = planned(|| session.execute(script)).map_err(|e| fail(with_near(e, &near, script)))?;
    let inserts: Vec<&Insert> = statements.iter().flat_map(inserts_of).collect();
    if !is_question {
        check_results(&statements, &inserts, script).map_err(fail)?;
    }
    let tables = Tables { script, statements: &statements, uses: &uses, project: &project, catalog, services };
    let mut builder = Builder { tables, session: &session, graph: new_graph(script, document, &session), ids: BTreeSet::new() };
    let (mut parts, mut warnings, mut errors) = (Parts::default(), warnings::of_settings(script, &statements), Vec::new());
    for (insert, bound) in inserts.into_iter().zip(&bound.inserts) {
        match builder.insert(insert, bound, &mut parts).await {
            Ok(found) => warnings.extend(found),
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        // Two inserts may use the same wrong table.
        errors.sort_by_key(|e: &GraphError| (e.place, e.code.clone()));
        errors.dedup();
        return Err(errors);
    }
    let queries = planned(|| bound.query.iter().map(|plan| QueryPlan::of(None, plan)).collect());
    Ok(Expansion { graph: builder.graph, parts, queries, warnings })
}

/// A session with the job's settings that knows which declared tables change.
fn open_session(
    parameters: &JobParameters,
    statements: &[Statement],
    services: &EngineServices,
    functions: &ResolvedFunctions,
) -> Result<Session, Vec<GraphError>> {
    let mut session = functions.session();
    for (key, value) in parameters.environment.iter().filter(|(key, _)| key.starts_with("table.")) {
        let option = SetOption { key: key.clone(), value: value.clone(), span: Default::default() };
        let wrong = |e: SqlError| vec![GraphError::in_document(format!("parameters.environment.{key}"), e.code, e.to_string())];
        session.settings_mut().set(&option).map_err(wrong)?;
    }
    for statement in statements {
        let StatementKind::CreateTable(table) = &statement.kind else { continue };
        let connector = connector_of(table, statements);
        if let (Some(name), Some(dimension::CONNECTOR)) = (table.name.parts.last(), connector) {
            session.connect(&name.value, dimension::traits(table));
            continue;
        }
        let found = connector.and_then(|name| tables::connector_named(name, services));
        if let (Some(name), Some((connector, sql))) = (table.name.parts.last(), found) {
            // Options are checked with the connector's settings, all at once: no connector is named here.
            let metadata = connector.source_metadata(&serde_json::Map::new()).into_iter();
            let metadata = metadata.map(|m| (m.key.to_owned(), Typed::new(m.data_type, m.nullable))).collect();
            let changes = if sql.sends_changes { ChangelogMode::UPSERT } else { ChangelogMode::INSERT_ONLY };
            session.connect(&name.value, SourceTraits { changes, metadata, ..SourceTraits::default() });
        }
    }
    Ok(session)
}

/// The option `connector` of a table, perhaps from the one that it is LIKE.
fn connector_of<'a>(table: &'a CreateTable, statements: &'a [Statement]) -> Option<&'a str> {
    let mut table = table;
    // Each base is declared before what is LIKE it, so there is an end; the bound is for texts that are wrong.
    for _ in 0..=statements.len() {
        if let Some(option) = table.options.iter().find(|o| o.key == "connector") {
            return Some(&option.value);
        }
        table = columns::declaration(statements, &table.like.as_ref()?.parts.last()?.value)?;
    }
    None
}

fn declares(statement: &Statement, name: &str) -> bool {
    let declared = match &statement.kind {
        StatementKind::CreateTable(table) => &table.name,
        StatementKind::CreateView(view) => &view.name,
        _ => return false,
    };
    declared.parts.last().is_some_and(|p| p.value == name)
}

fn inserts_of(statement: &Statement) -> &[Insert] {
    match &statement.kind {
        StatementKind::Insert(insert) => std::slice::from_ref(insert),
        StatementKind::StatementSet(inserts) => inserts,
        _ => &[],
    }
}

/// An unknown table may be a slip in the name of one of the project's.
fn with_near(error: SqlError, near: &BTreeMap<String, String>, script: &str) -> SqlError {
    let is_unknown = error.code == "sql.unknown_table";
    let written = script.get(error.span.start..error.span.end).unwrap_or_default().trim_matches('`');
    match near.get(written).filter(|_| is_unknown) {
        Some(name) => error.with_hint(format!("did you mean the topic `{name}`?")),
        None => error,
    }
}

/// A job's rows must go somewhere.
fn check_results(statements: &[Statement], inserts: &[&Insert], script: &str) -> Result<(), SqlError> {
    const HINT: &str = "begin it with `INSERT INTO` and the name of a table or topic";
    if let Some(query) = statements.iter().find(|s| matches!(s.kind, StatementKind::Query(_))) {
        return Err(SqlError::new("sql.no_sink", "the rows of this query go nowhere", query.span).with_hint(HINT));
    }
    if inserts.is_empty() {
        let span = millrace_sql::ast::Span { start: script.trim_end().len(), end: script.len() };
        return Err(SqlError::new("sql.no_insert", "the script has no INSERT, so there is nothing to run", span).with_hint(HINT));
    }
    Ok(())
}

/// An empty graph with the script and the parameters that it sets.
fn new_graph(script: &str, document: &JobGraph, session: &Session) -> JobGraph {
    let mut parameters = document.parameters.clone();
    let settings = session.settings();
    // A script declares the time of each table itself.
    parameters.time_attribute = TimeAttribute::ProcessingTime;
    parameters.parallelism = settings.parallelism.unwrap_or(parameters.parallelism);
    parameters.checkpoint_interval_ms = settings.checkpoint_interval_ms.unwrap_or(parameters.checkpoint_interval_ms);
    let dimension_tables = document.dimension_tables.clone();
    parameters.state_backend = settings.state_backend.unwrap_or(parameters.state_backend);
    parameters.state_memory_bytes_max = settings.state_memory_bytes_max.or(parameters.state_memory_bytes_max);
    JobGraph { sql: Some(script.to_owned()), parameters, dimension_tables, ..JobGraph::default() }
}

struct Builder<'a> {
    tables: Tables<'a>,
    session: &'a Session,
    graph: JobGraph,
    ids: BTreeSet<String>,
}

impl Builder<'_> {
    /// Adds sources, query and sink of one INSERT; answers its warnings.
    async fn insert(&mut self, insert: &Insert, bound: &BoundInsert, parts: &mut Parts) -> Result<Vec<GraphError>, Vec<GraphError>> {
        let sink_id = self.id(&slug(&bound.table.name));
        let query_id = self.id(&format!("{sink_id}-query"));
        let mut warnings = Vec::new();
        let mut errors = Vec::new();
        let mut sources: BTreeMap<&str, &BTreeMap<String, String>> = BTreeMap::new();
        for scan in bound.plan.scans() {
            let twice = sources.insert(&scan.table, &scan.options).is_some_and(|other| *other != scan.options);
            if twice {
                let message = format!("table `{}` is read with different OPTIONS in one query", scan.table);
                let error = SqlError::new("sql.unsupported", message, insert.span);
                errors.push(sql_error(self.tables.script, &error.with_hint("declare a second table over the same topic")));
            }
        }
        let lookups: BTreeSet<&str> = bound.plan.lookups().into_iter().map(|join| join.table.as_str()).collect();
        for name in lookups {
            errors.extend(self.dimension(name, insert.span, parts).err().into_iter().flatten());
        }
        let row = self.graph.edges.len() as f64 * 60.0;
        for (name, hints) in sources {
            let Some(definition) = self.session.table(name) else { continue };
            let wanted = Use { definition, hints, span: insert.span, side: Side::Source };
            match self.tables.resolve(&wanted).await {
                Ok(mut resolved) => {
                    resolved.node.config.insert("table_name".into(), json!(name));
                    let id = self.id(&format!("{sink_id}-from-{}", slug(name)));
                    warnings.extend(self.add(&id, name, resolved, Position { x: 80.0, y: 80.0 + row }, parts));
                    self.graph.edges.push(Edge { from: NodeId::new(id), to: NodeId::new(query_id.as_str()) });
                }
                Err(found) => errors.extend(found),
            }
        }
        let wanted = Use { definition: &bound.table, hints: &bound.options, span: insert.span, side: Side::Sink };
        let resolved = match self.tables.resolve(&wanted).await {
            Ok(resolved) if errors.is_empty() => resolved,
            Ok(_) => return Err(errors),
            Err(found) => {
                errors.extend(found);
                return Err(errors);
            }
        };
        let is_undeclared = self.tables.project.contains_key(&bound.table.name);
        let made = resolved.binding.as_ref().filter(|_| is_undeclared);
        let made: Vec<String> = made.map(|binding| text::declaration_of(&bound.table.name, &binding.schema)).into_iter().collect();
        let text = NodeText::of(self.tables.script, self.tables.statements, self.tables.uses, insert, &made);
        let config = json!({ "sql": text.sql });
        self.node(&query_id, "", sql::KIND, config, Position { x: 360.0, y: 80.0 + row });
        parts.places.insert(NodeId::new(query_id.as_str()), Places::whole(text::place(self.tables.script, insert.span)));
        parts.texts.insert(NodeId::new(query_id.as_str()), text);
        warnings.extend(self.add(&sink_id, &bound.table.name, resolved, Position { x: 640.0, y: 80.0 + row }, parts));
        self.graph.edges.push(Edge { from: NodeId::new(query_id), to: NodeId::new(sink_id) });
        Ok(warnings)
    }

    /// Adds a dimension table that the script declares, if it is not there yet.
    fn dimension(&mut self, name: &str, span: millrace_sql::ast::Span, parts: &mut Parts) -> Result<(), Vec<GraphError>> {
        let Some(definition) = self.session.table(name) else { return Ok(()) };
        let is_known = self.graph.dimension_tables.iter().any(|t| t.name == name);
        if is_known || definition.options.get("connector").is_none_or(|c| c != dimension::CONNECTOR) {
            return Ok(());
        }
        let (spec, places) = self.tables.dimension(definition, span)?;
        parts.dimensions.insert(self.graph.dimension_tables.len(), places);
        self.graph.dimension_tables.push(spec);
        Ok(())
    }

    /// Adds a source or sink; answers its warnings.
    fn add(&mut self, id: &str, name: &str, resolved: Resolved, position: Position, parts: &mut Parts) -> Vec<GraphError> {
        let Resolved { kind, node, places, .. } = resolved;
        let warnings = node.warnings.into_iter().map(|w| self.tables.option_error(&places, w)).collect();
        self.node(id, name, &kind, Value::Object(node.config), position);
        if let Some(last) = self.graph.nodes.last_mut() {
            last.parallelism = node.parallelism;
        }
        parts.places.insert(NodeId::new(id), places);
        warnings
    }

    fn node(&mut self, id: &str, name: &str, kind: &str, config: Value, position: Position) {
        let config = if let Value::Object(config) = config { config } else { serde_json::Map::new() };
        let (id, name, kind) = (NodeId::new(id), name.to_owned(), kind.to_owned());
        self.graph.nodes.push(Node { id, name, kind, config, parallelism: None, position: Some(position) });
    }

    /// An id that no node has yet.
    fn id(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut next = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{wanted}-{next}");
            next += 1;
        }
        id
    }
}

/// A table's name as a part of an id.
fn slug(name: &str) -> String {
    name.chars().take(SLUG_MAX).map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
