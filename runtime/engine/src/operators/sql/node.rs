//! The SQL node of the canvas (JOB-6): a query over the tables upstream, planned into stages.
//!
//! `config.sql` is a Flink SQL script that ends in one SELECT or INSERT. Tables are the nodes upstream, by their
//! `table_name`, name or id; a `CREATE TABLE` of the same name adds computed columns and a watermark to one.

use super::{
    late_rows::LateRecords,
    lower::{InputTable, ScanRequest, lower},
    stage::StageSettings,
    upsert_materialize::SinkChanges,
    watermark::DeclaredWatermark,
};
use crate::{
    dimension::{DimensionShape, JobDimensions},
    functions::{ResolvedFunctions, resolve},
    operators::PlanContext,
    plan::{PlannedOperator, Work},
    script::{check_columns, declaration},
};
use millrace_connector::{DeclaredTime, MetadataColumn, parse_config};
use millrace_functions::EvaluationContext;
use millrace_model::{
    DataType, Field, Schema,
    graph::{GraphError, JobParameters, Node, TextPlace},
    ids::NodeId,
};
use millrace_sql::{
    ColumnSource, Conflicts, Session, SourceTraits, SqlError, TableColumn, TableDefinition,
    ast::{Span, Statement, StatementKind},
    parser,
    plan::{
        ChangelogMode, PlanNode, Scan, SourceColumn,
        changelog::{changelog_mode, updating_operator},
        explain::{explain, operator_text},
        upsert_keys,
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Name of the node kind.
pub(crate) const KIND: &str = "sql";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The script.
    sql: String,
    /// Name that SQL downstream uses for the result.
    #[serde(default)]
    #[allow(dead_code)]
    table_name: Option<String>,
    /// What happens to rows that come when their windows are complete.
    #[serde(default)]
    late_records: LateRecords,
}

/// A node upstream as a table.
pub(crate) struct Upstream {
    /// Its name in the script.
    pub name: String,
    /// Its operator.
    pub operator: usize,
    /// Its subtasks.
    pub parallelism: usize,
    /// Its columns.
    pub schema: Schema,
    /// Kinds of changes that it sends.
    pub changes: ChangelogMode,
    /// Its event-time field, if its watermarks are of one.
    pub rowtime: Option<String>,
    /// A source that nothing else reads: it may be told what to read, and its watermark.
    pub is_own_source: bool,
    /// It finds its columns by their names: it may be told to read less.
    pub reads_by_name: bool,
    /// What the source can do.
    pub source: SourceTraits,
}

/// A dimension table of the job as a table of the session.
pub(crate) fn dimension_of(shape: &DimensionShape<'_>) -> TableDefinition {
    let primary_key = shape.primary_key.clone();
    let source = Some(dimension_traits(shape));
    TableDefinition { primary_key, source, ..TableDefinition::physical(shape.name, &shape.schema, ChangelogMode::INSERT_ONLY, None) }
}

pub(crate) fn dimension_traits(shape: &DimensionShape<'_>) -> SourceTraits {
    let lookup_keys = shape.needs_key.then(|| shape.primary_key.clone());
    SourceTraits { is_dimension: true, lookup_keys, ..SourceTraits::default() }
}

/// A planned SQL node.
pub(crate) struct SqlPlanned {
    pub operators: Vec<PlannedOperator>,
    /// What leaves the last operator.
    pub changes: ChangelogMode,
    /// What each scan asks of its source.
    pub sources: Vec<SourceRequest>,
    /// The query as users want to see it.
    pub query: QueryPlan,
    /// What a sink behind it must know of its changes.
    pub sink_changes: SinkChanges,
    /// What is accepted and perhaps not meant.
    pub warnings: Vec<GraphError>,
}

/// What a scan asks of its source.
pub(crate) struct SourceRequest {
    pub operator: usize,
    /// The table's name in the script.
    pub table: String,
    /// The columns of its table that it has to read.
    pub schema: Schema,
    /// The metadata that it has to add behind them.
    pub metadata: Vec<MetadataColumn>,
    pub declared_time: Option<DeclaredTime>,
    /// Options of the table and of the scan's hint.
    pub options: BTreeMap<String, String>,
    /// Whether it may be asked at all, or has other readers.
    pub is_own_source: bool,
}

/// What is known of a planned query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryPlan {
    /// The SQL node; absent for a query whose rows go nowhere.
    pub node: Option<NodeId>,
    /// Its operators, one a line, with the kinds of changes that each sends.
    pub plan: String,
    /// Kinds of changes that the result has: `I`, `I,UB,UA`, `I,UB,UA,D`.
    pub changelog_mode: String,
    /// Sets of columns that tell the rows of the result apart.
    pub upsert_keys: Vec<Vec<String>>,
    /// Columns of the result.
    pub columns: Vec<QueryColumn>,
}

/// A column of a query's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryColumn {
    /// Its name.
    pub name: String,
    /// Its type, as Flink writes it.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Columns of tables that its value is made from.
    pub lineage: Vec<SourceColumn>,
}

impl QueryPlan {
    /// Describes `plan`.
    pub(crate) fn of(node: Option<NodeId>, plan: &PlanNode) -> Self {
        let schema = super::lower::schema_of(&plan.columns, Some(&[]));
        let columns = (schema.fields().iter().zip(&plan.columns)).map(|(field, column)| QueryColumn {
            name: field.name.clone(),
            data_type: column.typed.data_type.clone(),
            nullable: column.typed.nullable,
            lineage: column.lineage.iter().cloned().collect(),
        });
        let columns: Vec<QueryColumn> = columns.collect();
        let named = |key: &millrace_sql::plan::UpsertKey| key.iter().filter_map(|&i| columns.get(i)).map(|c| c.name.clone()).collect();
        let upsert_keys = upsert_keys(plan).iter().map(named).collect();
        Self { node, plan: explain(plan), changelog_mode: changelog_mode(plan).to_string(), upsert_keys, columns }
    }
}

/// The functions that a SQL node may call.
pub(crate) async fn node_functions(node: &Node, context: &PlanContext<'_>) -> Result<ResolvedFunctions, Vec<GraphError>> {
    // What is wrong with the settings is told when the node is planned.
    let sql = node.config.get("sql").and_then(serde_json::Value::as_str).unwrap_or_default();
    resolve(sql, context.tenant, context.catalog, context.services).await.map_err(|error| {
        let wrong = GraphError::in_field(&node.id, "config.sql", error.code, error.to_string());
        vec![wrong.at(place(sql, &error))]
    })
}

/// Plans the node; `base` is the position of its first operator in the job's plan, `needs_before` says whether somebody
/// behind it needs the rows that changes replace, if these columns tell its rows apart.
pub(crate) fn plan_sql(
    node: &Node,
    upstream: &[Upstream],
    dimensions: &JobDimensions,
    (parameters, functions): (&JobParameters, &ResolvedFunctions),
    base: usize,
    needs_before: impl FnOnce(&[Vec<String>]) -> bool,
) -> Result<SqlPlanned, Vec<GraphError>> {
    let config: Config =
        parse_config(&node.config).map_err(|e| vec![GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)])?;
    let fail = |error: SqlError| {
        let wrong = GraphError::in_field(&node.id, "config.sql", error.code, error.to_string());
        vec![wrong.at(place(&config.sql, &error))]
    };
    let mut session = functions.session();
    for (key, value) in parameters.environment.iter().filter(|(key, _)| key.starts_with("table.")) {
        let option = millrace_sql::ast::SetOption { key: key.clone(), value: value.clone(), span: Default::default() };
        let wrong = |e: SqlError| vec![GraphError::in_document(format!("parameters.environment.{key}"), e.code, e.to_string())];
        session.settings_mut().set(&option).map_err(wrong)?;
    }
    let Bound { plan, conflicts, says_conflicts, span } = bind(&mut session, &config.sql, upstream, dimensions).map_err(fail)?;
    let settings = session.settings().clone();
    let parallelism = node.parallelism.or(settings.parallelism).unwrap_or(parameters.parallelism).max(1).into();
    let scanned = plan.scans();
    let input = |name: &str| {
        let found = upstream.iter().find(|u| u.name == name)?;
        let once = scanned.iter().filter(|s| s.table == name).count() == 1;
        Some(InputTable {
            parallelism: found.parallelism,
            operator: found.operator,
            schema: found.schema.clone(),
            metadata: metadata_columns(&scanned, name, &found.schema),
            own_time: found.rowtime.clone(),
            is_own_source: found.is_own_source,
            is_exclusive: found.is_own_source && found.reads_by_name && once,
        })
    };
    let query = QueryPlan::of(Some(node.id.clone()), &plan);
    let needs_before = needs_before(&query.upsert_keys);
    let lowered = lower(&node.id, &plan, &settings, config.late_records, parallelism, base, &input, needs_before)
        .map_err(|message| vec![GraphError::in_field(&node.id, "config.sql", "sql.not_connected", message)])?;
    let mut operators = lowered.operators;
    let state = pinned_state(&operators);
    if let Some(PlannedOperator { work: Work::Transform { planned, .. }, name, .. }) = operators.last_mut() {
        planned.pins = pins(&config.sql, &plan, functions.pins(), state);
        if !node.name.is_empty() {
            name.clone_from(&node.name);
        }
    }
    let sources = lowered.scans.into_iter().map(|request| source_request(request, settings.zone, settings.idle_timeout_ms)).collect();
    let sink_changes = SinkChanges {
        conflicts,
        says_conflicts,
        updating_operator: updating_operator(&plan).map(operator_text),
        state_ttl_ms: settings.state_ttl_ms,
        zone: settings.zone,
    };
    let warnings = super::warnings::of_query(node, &config.sql, &plan, &session, span);
    Ok(SqlPlanned { operators, changes: changelog_mode(&plan), sources, query, sink_changes, warnings })
}

fn source_request(request: ScanRequest, zone: chrono_tz::Tz, idle_timeout_ms: Option<u64>) -> SourceRequest {
    let ScanRequest { operator, is_own_source, schema, metadata, scan } = request;
    let context = EvaluationContext { zone, ..EvaluationContext::default() };
    let declared_time =
        scan.watermark.map(|expr| DeclaredTime { watermarks: Arc::new(DeclaredWatermark { expr, context }), idle_timeout_ms });
    SourceRequest { operator, table: scan.table, schema, metadata, declared_time, options: scan.options, is_own_source }
}

/// The metadata that any of the scans reads from the table, each under a name that no column has.
fn metadata_columns(scans: &[&Scan], table: &str, schema: &Schema) -> Vec<MetadataColumn> {
    let mut columns: Vec<MetadataColumn> = Vec::new();
    let of_table = scans.iter().filter(|s| s.table == table).flat_map(|s| &s.physical);
    for read in of_table.filter(|c| c.is_metadata) {
        if columns.iter().any(|c| c.key == read.name) {
            continue;
        }
        let mut name = format!("$metadata.{}", read.name);
        while schema.field(&name).is_some() {
            name.push('$');
        }
        columns.push(MetadataColumn { key: read.name.clone(), field: Field::new(name, read.typed.data_type.clone(), read.typed.nullable) });
    }
    columns
}

/// The SELECT or INSERT of a node.
struct Bound {
    plan: PlanNode,
    conflicts: Conflicts,
    /// `ON CONFLICT` is there.
    says_conflicts: bool,
    span: Span,
}

/// Runs the script over the tables upstream; answers its SELECT or INSERT.
fn bind(session: &mut Session, sql: &str, upstream: &[Upstream], dimensions: &JobDimensions) -> Result<Bound, SqlError> {
    let statements = parser::parse_script(sql)?;
    let declared: Vec<&str> = (statements.iter())
        .filter_map(|s| match &s.kind {
            StatementKind::CreateTable(table) => table.name.parts.last().map(|p| p.value.as_str()),
            _ => None,
        })
        .collect();
    for table in upstream.iter().filter(|u| !declared.contains(&u.name.as_str())) {
        session.add_table(table_of(table)?);
    }
    let is_hidden = |shape: &DimensionShape<'_>| upstream.iter().any(|u| u.name == shape.name);
    for shape in dimensions.shapes().filter(|s| !is_hidden(s)) {
        session.connect(shape.name, dimension_traits(&shape));
        if !declared.contains(&shape.name) {
            session.add_table(dimension_of(&shape));
        }
    }
    for table in upstream {
        session.connect(&table.name, SourceTraits { changes: table.changes, ..table.source.clone() });
    }
    let script = session.execute(sql)?;
    for table in upstream {
        if let (Some(create), Some(definition)) = (declaration(&statements, &table.name), session.table(&table.name)) {
            check_columns(definition, create, &table.schema, "what its node sends", true)?;
        }
    }
    for shape in dimensions.shapes().filter(|s| !is_hidden(s)) {
        if let (Some(create), Some(definition)) = (declaration(&statements, shape.name), session.table(shape.name)) {
            check_columns(definition, create, &shape.schema, "the dimension table of this name", true)?;
        }
    }
    if let Some(insert) = script.inserts.iter().find(|i| !i.options.is_empty()) {
        let error = SqlError::new("sql.misplaced_hint", format!("OPTIONS of `{}` has no meaning here", insert.table.name), insert.span);
        return Err(error.with_hint("what a sink does is set on its node"));
    }
    let is_result = |s: &&Statement| matches!(s.kind, StatementKind::Insert(_) | StatementKind::StatementSet(_) | StatementKind::Query(_));
    let places: Vec<Span> = statements.iter().filter(is_result).map(|s| s.span).collect();
    let selected = match script.query {
        None => None,
        Some(plan) => {
            let span = places.first().copied().unwrap_or_default();
            Some(Bound { plan, conflicts: session.conflicts(None), says_conflicts: false, span })
        }
    };
    let inserted =
        script.inserts.into_iter().map(|i| Bound { plan: i.plan, conflicts: i.conflicts, says_conflicts: i.says_conflicts, span: i.span });
    let mut results: Vec<Bound> = inserted.chain(selected).collect();
    match (results.pop(), results.is_empty() && places.len() < 2) {
        (Some(bound), true) => Ok(bound),
        (None, _) => {
            let end = Span { start: sql.len(), end: sql.len() };
            Err(SqlError::new("sql.no_query", "the text has no query", end).with_hint("end it with a SELECT or an INSERT"))
        }
        (Some(_), false) => {
            let place = places.get(1).or(places.first()).copied().unwrap_or_default();
            let error = SqlError::new("sql.several_queries", "the text has more than one query", place);
            Err(error.with_hint("use one SQL node per query; a node has one result"))
        }
    }
}

/// An upstream node as a table. A BIGINT event time gets a companion that windows understand.
fn table_of(upstream: &Upstream) -> Result<TableDefinition, SqlError> {
    let mut table = TableDefinition::physical(&upstream.name, &upstream.schema, upstream.changes, upstream.rowtime.clone());
    if let Some(field) = upstream.rowtime.as_ref().and_then(|name| upstream.schema.field(name))
        && field.data_type == DataType::BigInt
        && upstream.schema.field("rowtime").is_none()
    {
        let expression = parser::parse_expression(&format!("TO_TIMESTAMP_LTZ(`{}`, 3)", field.name.replace('`', "``")))?;
        let comment = Some(format!("event time of `{}`", field.name));
        table.columns.push(TableColumn { name: "rowtime".into(), source: ColumnSource::Computed(expression), comment });
        table.rowtime = Some("rowtime".into());
    }
    table.source = Some(SourceTraits { changes: upstream.changes, ..upstream.source.clone() });
    Ok(table)
}

/// Where an error stands in `text`.
pub(crate) fn place(text: &str, error: &SqlError) -> TextPlace {
    let (line, column) = error.position(text);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    TextPlace { line: count(line), column: count(column) }
}

/// The operators that keep state, with what their state depends on.
fn pinned_state(operators: &[PlannedOperator]) -> Vec<serde_json::Value> {
    let of = |operator: &PlannedOperator| {
        let Work::Transform { planned, .. } = &operator.work else { return None };
        let settings = planned.settings.downcast_ref::<StageSettings>()?;
        Some(serde_json::json!({ "operator": settings.text, "signature": settings.signature()? }))
    };
    operators.iter().filter_map(of).collect()
}

/// What a version keeps of the query: its text, its plan, for each column where it comes from, and the functions of the
/// project that it may call.
fn pins(sql: &str, plan: &PlanNode, functions: &[serde_json::Value], state: Vec<serde_json::Value>) -> serde_json::Value {
    let lineage: BTreeMap<&str, Vec<serde_json::Value>> = (plan.columns.iter())
        .map(|c| {
            let from = c.lineage.iter().map(|s| serde_json::json!({ "table": s.table, "column": s.column }));
            (c.name.as_str(), from.collect())
        })
        .collect();
    serde_json::json!({
        "sql": sql, "plan": explain(plan), "changelog_mode": changelog_mode(plan).to_string(), "lineage": lineage, "functions": functions,
        "state": state,
    })
}
