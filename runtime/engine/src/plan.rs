//! From a job graph to an execution plan: names resolved, schemas inferred on every edge, exchanges chosen.
//!
//! Invariant: a plan that exists can be started; everything a user can get wrong is answered here as `GraphError`s.

mod seen_through;
mod sink_changes;
mod state_limit;

use crate::{
    catalog::{Catalog, TableUsage},
    custom::{self, GuestConnector},
    dimension::JobDimensions,
    metrics::OperatorRole,
    operators::{OperatorKind, PlanContext, PlannedTransform, sql, sql::QueryPlan},
    services::EngineServices,
    threads::planned,
};
use millrace_connector::{ConfigError, Connector, DeclaredTime, MetadataColumn, TableBinding};
use millrace_functions::Typed;
use millrace_model::{
    Schema,
    graph::{Arity, GraphError, JobGraph, JobParameters, Node, check_structure, topological_order},
    ids::{NodeId, TenantId},
};
use millrace_sql::{SourceTraits, plan::ChangelogMode};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A resolved job, ready to start. Cheap to clone.
#[derive(Clone)]
pub struct ExecutionPlan {
    /// Operators such that every edge goes forward.
    pub(crate) operators: Vec<PlannedOperator>,
    pub(crate) parameters: JobParameters,
    pub(crate) dead_letters: Option<(Arc<dyn Connector>, TableBinding)>,
    pub(crate) queries: Vec<QueryPlan>,
    pub(crate) warnings: Vec<GraphError>,
    pub(crate) dimensions: Arc<JobDimensions>,
}

#[derive(Clone)]
pub(crate) struct PlannedOperator {
    pub node: NodeId,
    pub name: String,
    pub kind: String,
    pub parallelism: usize,
    /// Positions in the plan of the operators before it.
    pub inputs: Vec<usize>,
    pub work: Work,
}

#[derive(Clone)]
pub(crate) enum Work {
    Source(SourceWork),
    Transform {
        kind: Arc<dyn OperatorKind>,
        input: Schema,
        planned: PlannedTransform,
    },
    Sink {
        connector: Arc<dyn Connector>,
        table: TableBinding,
        input: Schema,
        config: serde_json::Map<String, serde_json::Value>,
        /// Columns whose rows must reach one subtask, in order.
        key_fields: Option<Vec<String>>,
    },
}

/// What a source does.
#[derive(Clone)]
pub(crate) struct SourceWork {
    pub connector: Arc<dyn Connector>,
    /// The table as the catalog has it: what a version pins.
    pub table: TableBinding,
    /// The columns of the table that are read.
    pub columns: Schema,
    /// Metadata that it adds as columns behind these.
    pub metadata: Vec<MetadataColumn>,
    pub config: serde_json::Map<String, serde_json::Value>,
    pub declared_time: Option<DeclaredTime>,
    /// The columns and the metadata.
    pub output: Schema,
}

impl SourceWork {
    /// Reads all columns of a table.
    pub fn new(connector: Arc<dyn Connector>, table: TableBinding, config: serde_json::Map<String, serde_json::Value>) -> Self {
        let (columns, output) = (table.schema.clone(), table.schema.clone());
        Self { connector, table, columns, metadata: Vec::new(), config, declared_time: None, output }
    }
}

impl PlannedOperator {
    pub fn role(&self) -> OperatorRole {
        match self.work {
            Work::Source(_) => OperatorRole::Source,
            Work::Transform { .. } => OperatorRole::Transform,
            Work::Sink { .. } => OperatorRole::Sink,
        }
    }

    pub fn output(&self) -> Option<&Schema> {
        match &self.work {
            Work::Source(source) => Some(&source.output),
            Work::Transform { planned, .. } => Some(&planned.output),
            Work::Sink { .. } => None,
        }
    }

    /// Columns by which the rows of input `input` are spread over the subtasks.
    pub fn key_fields(&self, input: usize) -> Option<&[String]> {
        match &self.work {
            Work::Transform { planned, .. } => planned.key_fields.as_ref().map(|keys| keys.of(input)),
            Work::Sink { key_fields, .. } => key_fields.as_deref(),
            Work::Source(_) => None,
        }
    }

    /// What the state of a SQL operator depends on.
    pub fn state_signature(&self) -> Option<String> {
        match &self.work {
            Work::Transform { planned, .. } => planned.settings.downcast_ref::<sql::stage::StageSettings>()?.signature(),
            Work::Source(_) | Work::Sink { .. } => None,
        }
    }

    pub fn state_version(&self) -> u32 {
        match &self.work {
            Work::Transform { kind, .. } => kind.state_version(),
            Work::Source(_) | Work::Sink { .. } => 1,
        }
    }
}

impl ExecutionPlan {
    /// Columns that leave each node; for sinks the columns that enter.
    pub fn output_schemas(&self) -> BTreeMap<NodeId, Schema> {
        (self.operators.iter())
            .map(|o| {
                let schema = match &o.work {
                    Work::Sink { input, .. } => input.clone(),
                    Work::Source(source) => source.output.clone(),
                    Work::Transform { planned, .. } => planned.output.clone(),
                };
                (o.node.clone(), schema)
            })
            .collect()
    }

    /// What a version pins per node: table definitions, plugin content hashes. Holds no secrets.
    pub fn pins(&self) -> serde_json::Value {
        let mut pins = serde_json::Map::new();
        for operator in &self.operators {
            let pin = match &operator.work {
                Work::Source(SourceWork { connector, table, .. }) | Work::Sink { connector, table, .. } => {
                    let whole = || {
                        serde_json::json!({
                            "table": table.name, "physical_name": table.physical_name,
                            "schema": table.schema, "format": table.format,
                        })
                    };
                    connector.pins().unwrap_or_else(whole)
                }
                Work::Transform { planned, .. } => planned.pins.clone(),
            };
            pins.insert(operator.node.to_string(), pin);
        }
        // No id of a node has a colon.
        pins.extend(self.dimensions.pins().map(|(name, pin)| (format!("dimension_table:{name}"), pin)));
        serde_json::Value::Object(pins)
    }

    /// The queries of its SQL nodes.
    pub fn queries(&self) -> &[QueryPlan] {
        &self.queries
    }

    /// What is accepted and perhaps not meant, by node and field.
    pub fn warnings(&self) -> &[GraphError] {
        &self.warnings
    }

    /// Parameters of the job.
    pub fn parameters(&self) -> &JobParameters {
        &self.parameters
    }
}

/// Checks `graph` and resolves it.
///
/// # Errors
/// Everything that is wrong, by node and field.
pub async fn plan(
    graph: &JobGraph,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
) -> Result<ExecutionPlan, Vec<GraphError>> {
    plan_graph(graph, None, tenant, catalog, services).await
}

/// As [`plan`], for a part of a job: the rows of the node `end` may go nowhere.
pub(crate) async fn plan_part(
    graph: &JobGraph,
    end: &NodeId,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
) -> Result<ExecutionPlan, Vec<GraphError>> {
    plan_graph(graph, Some(end), tenant, catalog, services).await
}

async fn plan_graph(
    graph: &JobGraph,
    end: Option<&NodeId>,
    tenant: &TenantId,
    catalog: &dyn Catalog,
    services: &EngineServices,
) -> Result<ExecutionPlan, Vec<GraphError>> {
    let mut errors = check_structure(graph, |kind| arity(kind, services));
    errors.retain(|error| end.is_none() || error.node.as_ref() != end || error.code != "graph.no_output");
    suggest_kinds(&mut errors, graph, services);
    errors.extend(state_limit::check(&graph.parameters, services.state.ceiling));
    if !errors.is_empty() {
        return Err(errors);
    }
    let order = topological_order(graph).map_err(|e| vec![e])?;
    let dimensions = Arc::new(JobDimensions::open(&graph.dimension_tables, tenant, catalog, services).await?);
    let mut planner = Planner {
        graph,
        context: PlanContext { tenant, catalog, services, parameters: &graph.parameters, dimensions: dimensions.clone() },
        operators: Vec::new(),
        changes: Vec::new(),
        keys: BTreeMap::new(),
        sinks: BTreeMap::new(),
        queries: Vec::new(),
        warnings: Vec::new(),
        broken: BTreeSet::new(),
    };
    for position in order {
        let node = &graph.nodes[position];
        if node.kind == sql::KIND {
            if let Err(found) = planner.sql(node).await {
                planner.broken.insert(&node.id);
                errors.extend(found);
            }
            continue;
        }
        match planner.operator(node).await {
            Ok(Some(mut operator)) => {
                planner.materialize(&mut operator);
                let changes = planner.sent_changes(&operator);
                planner.push(operator, changes);
                planner.hand_on_keys();
            }
            Ok(None) => {
                planner.broken.insert(&node.id);
            }
            Err(found) => {
                planner.broken.insert(&node.id);
                errors.extend(found);
            }
        }
    }
    let dead_letters = match &graph.parameters.dead_letter_topic {
        None => None,
        Some(name) => match planner.dead_letters(name).await {
            Ok(found) => Some(found),
            Err(message) => {
                errors.push(GraphError::in_document("parameters.dead_letter_topic", "config.unknown_table", message));
                None
            }
        },
    };
    if errors.is_empty() {
        planner.warnings.extend(no_dead_letter_topic(graph));
        let Planner { operators, queries, warnings, .. } = planner;
        Ok(ExecutionPlan { operators, parameters: graph.parameters.clone(), dead_letters, queries, warnings, dimensions })
    } else {
        Err(errors)
    }
}

/// Settings of nodes that say what happens to records which cannot be processed.
const POLICIES: [&str; 4] = ["bad_records", "late_records", "on_fault", "on_record_error"];

/// Records that become dead letters where there is no place for them are gone: that is said.
fn no_dead_letter_topic(graph: &JobGraph) -> Option<GraphError> {
    if graph.parameters.dead_letter_topic.is_some() {
        return None;
    }
    let gives_up = |node: &&Node| {
        let says = |policy: &str| node.config.get(policy).and_then(serde_json::Value::as_str);
        POLICIES.iter().any(|policy| says(policy) == Some("dead_letter")) || (node.kind == "kafka_source" && says("bad_records").is_none())
    };
    let nodes: Vec<String> = graph.nodes.iter().filter(gives_up).map(|node| format!("`{}`", node.id)).collect();
    if nodes.is_empty() {
        return None;
    }
    let message = format!(
        "records that {} cannot process are given up, and the job keeps them nowhere: they are counted (metrics) and the first ones are in \
         the log. Name a topic for them, or set `bad_records` of the source to `fail` or `skip`",
        nodes.join(", ")
    );
    Some(GraphError::in_document("parameters.dead_letter_topic", "job.no_dead_letter_topic", message))
}

/// Source and sink kinds are `<connector>_source` and `<connector>_sink`.
fn connector_kind<'a>(kind: &'a str, suffix: &str, services: &'a EngineServices) -> Option<&'a Arc<dyn Connector>> {
    services.connectors.get(kind.strip_suffix(suffix)?)
}

/// The setting of a source or sink node that names its table.
pub fn table_field(connector: &str) -> &'static str {
    if connector == "kafka" { "topic" } else { "table" }
}

fn arity(kind: &str, services: &EngineServices) -> Option<Arity> {
    if connector_kind(kind, "_source", services).is_some() || kind == custom::SOURCE {
        Some(Arity::SOURCE)
    } else if connector_kind(kind, "_sink", services).is_some() || kind == custom::SINK {
        Some(Arity::SINK)
    } else {
        // A query may make its rows itself (VALUES).
        let sql = (kind == sql::KIND).then_some(Arity { inputs_min: 0, ..Arity::TRANSFORM });
        sql.or_else(|| services.operators.get(kind).map(|_| Arity::TRANSFORM))
    }
}

fn suggest_kinds(errors: &mut [GraphError], graph: &JobGraph, services: &EngineServices) {
    let mut kinds: Vec<String> = services.operators.kinds().map(str::to_owned).collect();
    kinds.extend(services.connectors.kinds().flat_map(|k| [format!("{k}_source"), format!("{k}_sink")]));
    kinds.extend([sql::KIND, custom::SOURCE, custom::SINK].map(str::to_owned));
    kinds.sort();
    for error in errors.iter_mut().filter(|e| e.code == "graph.unknown_kind") {
        let found = graph.nodes.iter().find(|n| Some(&n.id) == error.node.as_ref()).map_or("", |n| n.kind.as_str());
        error.message = format!("`{found}` is not a known kind of node; known kinds are {}", kinds.join(", "));
    }
}

struct Planner<'a> {
    graph: &'a JobGraph,
    context: PlanContext<'a>,
    operators: Vec<PlannedOperator>,
    /// Kinds of changes that each operator sends.
    changes: Vec<ChangelogMode>,
    /// Per operator that sends changes: sets of columns that tell its rows apart.
    keys: BTreeMap<usize, Vec<Vec<String>>>,
    /// Per SQL node's last operator: what a sink behind it must know.
    sinks: BTreeMap<usize, sql::SinkChanges>,
    queries: Vec<QueryPlan>,
    warnings: Vec<GraphError>,
    /// Nodes with errors; nodes behind them are not checked, their input is unknown.
    broken: BTreeSet<&'a NodeId>,
}

impl<'a> Planner<'a> {
    fn push(&mut self, operator: PlannedOperator, changes: ChangelogMode) {
        self.operators.push(operator);
        self.changes.push(changes);
    }

    /// Plans a SQL node: several operators, of which the last stands for the node.
    async fn sql(&mut self, node: &'a Node) -> Result<(), Vec<GraphError>> {
        let before: Vec<&'a NodeId> = self.graph.edges.iter().filter(|e| e.to == node.id).map(|e| &e.from).collect();
        if before.iter().any(|id| self.broken.contains(id)) {
            self.broken.insert(&node.id);
            return Ok(());
        }
        let upstream: Vec<sql::Upstream> = before.iter().filter_map(|id| self.upstream(id)).collect();
        let functions = sql::node_functions(node, &self.context).await?;
        let planned = {
            let settings = (&self.graph.parameters, &functions);
            let needs_before = |keys: &[Vec<String>]| self.needs_before(node, keys);
            let (dimensions, base) = (&self.context.dimensions, self.operators.len());
            planned(|| sql::plan_sql(node, &upstream, dimensions, settings, base, needs_before))?
        };
        self.ask_sources(node, planned.sources).await?;
        for operator in planned.operators {
            self.push(operator, planned.changes);
        }
        self.note_changes(self.operators.len().saturating_sub(1), planned.query.upsert_keys.clone(), planned.sink_changes);
        self.warnings.extend(planned.warnings);
        // A script has set them for its job; each of its queries has its whole text.
        if self.graph.sql.is_none() {
            self.warnings.extend(sql::of_job_options(node));
        }
        self.queries.push(planned.query);
        Ok(())
    }

    /// Tells sources what a SQL node wants of them.
    async fn ask_sources(&mut self, node: &Node, requests: Vec<sql::SourceRequest>) -> Result<(), Vec<GraphError>> {
        let mut applied: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
        for request in requests {
            let Some(position) = self.source_seen(request.operator) else { continue };
            let Work::Source(source) = &mut self.operators[position].work else { continue };
            let fail = |code: &str, message: String| vec![GraphError::in_field(&node.id, "config.sql", code, message)];
            let table = &request.table;
            if applied.get(&request.operator).is_some_and(|options| *options != request.options) {
                let message = format!("table `{table}` is read with different OPTIONS; give each reading a source node of its own");
                return Err(fail("sql.different_options", message));
            }
            let mut config = source.config.clone();
            let set = source.connector.apply_table_options(&mut config, &request.options);
            set.map_err(|e| fail("sql.invalid_option", format!("option `{}` of table `{table}`: {}", e.field, e.message)))?;
            if config != source.config && !request.is_own_source {
                let message = format!(
                    "table `{table}` sets options of its source, which other nodes read too; give this query a source node of its own"
                );
                return Err(fail("sql.not_connected", message));
            }
            if request.is_own_source {
                let errors = source.connector.check_source(&config, &source.table);
                if let Some(error) = errors.first() {
                    return Err(fail("sql.invalid_option", format!("options of table `{table}`: {error}")));
                }
                source.config = config;
                source.output = sql::with_metadata(&request.schema, &request.metadata);
                source.columns = request.schema;
                source.metadata = request.metadata;
                source.declared_time = request.declared_time;
                if position != request.operator {
                    self.plan_again(request.operator).await?;
                }
            }
            applied.insert(request.operator, request.options);
        }
        Ok(())
    }

    /// A node as a table of a SQL node behind it.
    fn upstream(&self, id: &NodeId) -> Option<sql::Upstream> {
        let node = self.graph.nodes.iter().find(|n| n.id == *id)?;
        let operator = self.operators.iter().position(|o| o.node == *id)?;
        let named = node.config.get("table_name").and_then(serde_json::Value::as_str).filter(|n| !n.is_empty());
        let name = named.unwrap_or(if node.name.is_empty() { id.as_str() } else { &node.name }).to_owned();
        let consumers = self.graph.edges.iter().filter(|e| e.from == *id).count();
        let planned = &self.operators[operator];
        let schema = planned.output()?.clone();
        let parallelism = planned.parallelism;
        let rowtime = self.rowtime(id, &schema);
        let seen = self.source_seen(operator).map(|position| &self.operators[position]);
        let source = seen.map(|source| source_traits(source, rowtime.is_some())).unwrap_or_default();
        let reads_by_name = match &planned.work {
            // Columns by position (CSV) or by a registered schema (Avro) must be read as a whole.
            Work::Source(SourceWork { table, .. }) => {
                let format = table.format.get("type").and_then(|t| t.as_str());
                format == Some("json") || table.format.is_null()
            }
            // What checks the rows of a source may look at any column.
            _ => false,
        };
        Some(sql::Upstream {
            parallelism,
            rowtime,
            changes: self.changes[operator],
            name,
            operator,
            schema,
            is_own_source: consumers == 1 && seen.is_some(),
            reads_by_name,
            source,
        })
    }

    /// The event-time field of a source before `id`, if the column is still there.
    fn rowtime(&self, id: &NodeId, schema: &Schema) -> Option<String> {
        if self.graph.parameters.time_attribute != millrace_model::graph::TimeAttribute::EventTime {
            return None;
        }
        let mut open = vec![id];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = self.graph.nodes.iter().find(|n| n.id == *id)?;
            let field = node.config.get("event_time_field").and_then(serde_json::Value::as_str);
            if let Some(field) = field.and_then(|name| schema.field(name)).filter(|f| f.data_type.is_event_time()) {
                return Some(field.name.clone());
            }
            open.extend(self.graph.edges.iter().filter(|e| e.to == *id).map(|e| &e.from));
        }
        None
    }

    async fn operator(&self, node: &'a Node) -> Result<Option<PlannedOperator>, Vec<GraphError>> {
        let before: Vec<&NodeId> = self.graph.edges.iter().filter(|e| e.to == node.id).map(|e| &e.from).collect();
        if before.iter().any(|id| self.broken.contains(id)) {
            return Ok(None);
        }
        let inputs: Vec<usize> = before.iter().filter_map(|id| self.operators.iter().position(|o| o.node == **id)).collect();
        let work = self.work(node, &inputs).await?;
        let parallelism = node.parallelism.unwrap_or(self.graph.parameters.parallelism).max(1).into();
        let name = if node.name.is_empty() { node.id.to_string() } else { node.name.clone() };
        Ok(Some(PlannedOperator { node: node.id.clone(), name, kind: node.kind.clone(), parallelism, inputs, work }))
    }

    async fn work(&self, node: &Node, inputs: &[usize]) -> Result<Work, Vec<GraphError>> {
        let services = self.context.services;
        if let Some(connector) = connector_kind(&node.kind, "_source", services) {
            let (table, config) = self.table(node, connector, TableUsage::Read).await?;
            in_config(node, connector.check_source(&config, &table))?;
            self.check_source_time(node, &config)?;
            return Ok(Work::Source(SourceWork::new(connector.clone(), table, config)));
        }
        if node.kind == custom::SOURCE {
            let (connector, table) = GuestConnector::source(node, &self.context).await?;
            return Ok(Work::Source(SourceWork::new(Arc::new(connector), table, node.config.clone())));
        }
        if let Some(kind) = services.operators.get(&node.kind).filter(|kind| kind.takes_different_inputs()) {
            self.check_changes(node, inputs, None)?;
            let schemas: Vec<Schema> = inputs.iter().filter_map(|&i| self.operators[i].output().cloned()).collect();
            let planned = kind.plan_inputs(node, &schemas, &self.context).await?;
            let input = schemas.into_iter().next().unwrap_or_default();
            return Ok(Work::Transform { kind: kind.clone(), input, planned });
        }
        let input = self.input_schema(node, inputs)?;
        if node.kind == custom::SINK {
            let (connector, table) = GuestConnector::sink(node, &input, &self.context).await?;
            let connector: Arc<dyn Connector> = Arc::new(connector);
            self.check_changes(node, inputs, Some(&connector))?;
            let (config, key_fields) = (node.config.clone(), connector.change_key(&node.config));
            return Ok(Work::Sink { connector, table, input, config, key_fields });
        }
        if let Some(connector) = connector_kind(&node.kind, "_sink", services) {
            let (table, config) = self.table(node, connector, TableUsage::Write).await?;
            in_config(node, connector.check_sink(&config, &table, &input))?;
            self.check_changes(node, inputs, Some(connector))?;
            let key_fields = connector.change_key(&config);
            return Ok(Work::Sink { connector: connector.clone(), table, input, config, key_fields });
        }
        let Some(kind) = services.operators.get(&node.kind) else {
            return Err(vec![GraphError::in_field(&node.id, "kind", "graph.unknown_kind", format!("`{}` is not a known kind", node.kind))]);
        };
        if !kind.keeps_changes() {
            self.check_changes(node, inputs, None)?;
        }
        let planned = kind.plan(node, &input, &self.context).await?;
        let planned = if kind.keeps_changes() { kind.for_changes(planned, self.changes_before(inputs)) } else { planned };
        Ok(Work::Transform { kind: kind.clone(), input, planned })
    }

    /// In event time every source must say which field is the event time (JOB-5).
    fn check_source_time(&self, node: &Node, config: &serde_json::Map<String, serde_json::Value>) -> Result<(), Vec<GraphError>> {
        let event_time = self.graph.parameters.time_attribute == millrace_model::graph::TimeAttribute::EventTime;
        if event_time && config.get("event_time_field").is_none_or(serde_json::Value::is_null) {
            let message = "is missing; the job uses event time, so name the column that holds it";
            return Err(vec![GraphError::in_field(&node.id, "config.event_time_field", "config.missing", message)]);
        }
        Ok(())
    }

    fn input_schema(&self, node: &Node, inputs: &[usize]) -> Result<Schema, Vec<GraphError>> {
        let schemas: Vec<&Schema> = inputs.iter().filter_map(|&i| self.operators[i].output()).collect();
        let Some((first, rest)) = schemas.split_first() else {
            return Err(vec![GraphError::in_node(&node.id, "graph.no_input", "has no input; connect a node before it")]);
        };
        let same = |other: &&&Schema| {
            let types = |s: &Schema| s.fields().iter().map(|f| (f.name.clone(), f.data_type.clone(), f.nullable)).collect::<Vec<_>>();
            types(other) == types(first)
        };
        if rest.iter().all(|s| same(&s)) {
            return Ok((*first).clone());
        }
        let message = "its inputs have different columns; bring them to the same names and types first";
        Err(vec![GraphError::in_node(&node.id, "graph.inputs_differ", message)])
    }

    /// Resolves the `topic`/`table` setting of a source or sink node.
    async fn table(
        &self,
        node: &Node,
        connector: &Arc<dyn Connector>,
        usage: TableUsage,
    ) -> Result<(TableBinding, serde_json::Map<String, serde_json::Value>), Vec<GraphError>> {
        let field = table_field(connector.kind());
        let path = format!("config.{field}");
        let fail = |code: &str, message: String| vec![GraphError::in_field(&node.id, path.clone(), code, message)];
        let name = match node.config.get(field) {
            Some(serde_json::Value::String(name)) => name,
            Some(other) => return Err(fail("config.invalid", format!("is {other}, expected the name of a {field} of the project"))),
            None => return Err(fail("config.missing", format!("is missing; name a {field} of the project"))),
        };
        let table = self.context.catalog.table_for(name, usage).await.map_err(|e| fail(e.table_code(), e.to_string()))?;
        if table.connection.kind != connector.kind() {
            return Err(fail(
                "config.wrong_kind",
                format!("`{name}` lies in a {} data source, expected {}", table.connection.kind, connector.kind()),
            ));
        }
        Ok((table, node.config.clone()))
    }

    async fn dead_letters(&self, name: &str) -> Result<(Arc<dyn Connector>, TableBinding), String> {
        let table = self.context.catalog.table_for(name, TableUsage::Write).await.map_err(|e| e.to_string())?;
        let connector = self.context.services.connectors.get(&table.connection.kind);
        let connector = connector.ok_or_else(|| format!("nothing can write to a {} data source", table.connection.kind))?;
        Ok((connector.clone(), table))
    }
}

/// What a SQL node may ask of a source.
fn source_traits(planned: &PlannedOperator, has_event_time: bool) -> SourceTraits {
    let Work::Source(SourceWork { connector, config, .. }) = &planned.work else {
        return SourceTraits::default();
    };
    let metadata = connector.source_metadata(config).into_iter();
    SourceTraits {
        connector: Some(connector.kind().to_owned()),
        connector_names: connector.sql_connectors().iter().map(|c| c.name.to_owned()).collect(),
        changes: ChangelogMode::INSERT_ONLY,
        metadata: metadata.map(|m| (m.key.to_owned(), Typed::new(m.data_type, m.nullable))).collect(),
        makes_watermarks: has_event_time || connector.makes_watermarks(config),
        options: connector.table_options().iter().map(|&o| o.to_owned()).collect(),
        ..SourceTraits::default()
    }
}

fn in_config(node: &Node, errors: Vec<ConfigError>) -> Result<(), Vec<GraphError>> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(errors.into_iter().map(|e| GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)).collect())
}

#[cfg(test)]
mod dead_letter_tests {
    use super::no_dead_letter_topic;
    use serde_json::{Value, json};

    #[test]
    fn records_that_would_be_kept_nowhere_are_warned_of() {
        let warned = |config: Value, topic: Option<&str>| {
            let node = |id: &str, kind: &str, config: Value| json!({"id": id, "kind": kind, "config": config});
            let nodes = [node("in", "kafka_source", config), node("out", "kafka_sink", json!({"topic": "b"}))];
            let graph = serde_json::from_value(json!({"nodes": nodes, "parameters": {"dead_letter_topic": topic}})).unwrap();
            no_dead_letter_topic(&graph)
        };
        let warning = warned(json!({"topic": "a"}), None).unwrap();
        assert_eq!((warning.code.as_str(), warning.field.as_deref()), ("job.no_dead_letter_topic", Some("parameters.dead_letter_topic")));
        assert!(warning.message.starts_with("records that `in` cannot process"), "{}", warning.message);
        assert!(warned(json!({"topic": "a"}), Some("dead")).is_none());
        for said in ["fail", "skip"] {
            assert!(warned(json!({"topic": "a", "bad_records": said}), None).is_none());
        }
        assert!(warned(json!({"topic": "a", "bad_records": "fail", "late_records": "dead_letter"}), None).is_some());
    }
}
