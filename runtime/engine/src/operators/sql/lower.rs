//! From a plan tree to planned operators: where exchanges are needed, where steps share a subtask.

use super::interval_join::IntervalSpec;
use super::join::{JoinSpec, SideSpec, window::WindowJoinSpec};
use super::late_rows::LateRecords;
use super::over::OverSpec;
use super::stage::{Head, StageKind, StageSettings, Step};
use super::temporal_join::TemporalSpec;
use crate::functions::calls_project_function;
use crate::operators::{KeyFields, PlannedTransform};
use crate::plan::{PlannedOperator, Work};
use millrace_connector::MetadataColumn;
use millrace_functions::Expr;
use millrace_model::{Field, Schema, ids::NodeId};
use millrace_sql::{
    plan::{
        IntervalJoin, LookupJoin, NodeKind, PlanColumn, PlanNode, Scan, ScanColumn, TemporalJoin, WindowKind, WindowStrategy,
        explain::operator_text, reuse,
    },
    settings::Settings,
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// A lowered plan.
pub(crate) struct Lowered {
    /// Operators in order; inputs below `base` are positions in the surrounding plan.
    pub operators: Vec<PlannedOperator>,
    /// What the plan asks of the tables that it scans.
    pub scans: Vec<ScanRequest>,
}

/// What a scan asks of the operator that feeds it.
pub(crate) struct ScanRequest {
    /// Position of that operator.
    pub operator: usize,
    /// The operator is a source that only this SQL node reads.
    pub is_own_source: bool,
    /// The columns of its table that it has to read.
    pub schema: Schema,
    /// The metadata that it has to add behind them.
    pub metadata: Vec<MetadataColumn>,
    /// What is read, and its watermark.
    pub scan: Scan,
}

/// The operator behind a table.
pub(crate) struct InputTable {
    /// Its position.
    pub operator: usize,
    /// Its subtasks: stateless steps behind it run side by side with them, so that the rows of a key keep their order.
    pub parallelism: usize,
    /// All its columns.
    pub schema: Schema,
    /// Metadata that any scan of the table reads.
    pub metadata: Vec<MetadataColumn>,
    /// A column that the source reads for itself: that of its own event time.
    pub own_time: Option<String>,
    /// A source that only this SQL node reads: it can be given the declared watermark.
    pub is_own_source: bool,
    /// Its own source, and read once: it will read exactly the scan's columns.
    pub is_exclusive: bool,
}

/// Lowers `plan`; `base` is the position that its first operator will have, `input` finds the operator of a table,
/// `needs_before` says whether somebody behind needs the rows that changes replace.
#[allow(clippy::too_many_arguments)] // what surrounds a plan
pub(crate) fn lower(
    node: &NodeId,
    plan: &PlanNode,
    settings: &Settings,
    late_records: LateRecords,
    parallelism: usize,
    base: usize,
    input: &dyn Fn(&str) -> Option<InputTable>,
    needs_before: bool,
) -> Result<Lowered, String> {
    let lowered = Lowered { operators: Vec::new(), scans: Vec::new() };
    let needs_before = needs_before || !can_leave_out_before(plan);
    let (repeated, shared) = (reuse::repeated(plan), HashMap::new());
    let mut lowering = Lowering { node, settings, late_records, parallelism, base, input, needs_before, lowered, repeated, shared };
    let stage = lowering.stage(plan)?;
    let names: Vec<String> = plan.columns.iter().map(|c| c.name.clone()).collect();
    lowering.finish(stage, &plan.columns, Some(&names));
    let Lowering { mut lowered, .. } = lowering;
    if let Some(last) = lowered.operators.last_mut() {
        // The node itself is the operator that others see.
        last.node = node.clone();
    }
    Ok(lowered)
}

struct Lowering<'a> {
    node: &'a NodeId,
    settings: &'a Settings,
    late_records: LateRecords,
    parallelism: usize,
    base: usize,
    input: &'a dyn Fn(&str) -> Option<InputTable>,
    /// Whether the rows that changes replace are needed behind the node that is lowered next.
    needs_before: bool,
    lowered: Lowered,
    /// The parts that keep state and occur several times in the plan.
    repeated: BTreeSet<String>,
    /// Where they have been lowered, and their subtasks.
    shared: HashMap<String, (usize, usize)>,
}

/// A stage that may still get steps.
struct Open {
    inputs: Vec<usize>,
    /// Columns of each input; one where all have the same.
    schemas: Vec<Schema>,
    key_fields: Option<KeyFields>,
    parallelism: usize,
    head: Option<Head>,
    steps: Vec<Step>,
    name: String,
    /// The stateful operator as the plan shows it.
    text: String,
    /// Nobody behind needs the rows that the head's changes replace.
    leaves_out_before: bool,
}

/// Whether all changes of a plan are made by operators that can leave out the rows which they replace: what only computes
/// columns may stand behind them. A filter needs both rows to tell that one has left.
fn can_leave_out_before(plan: &PlanNode) -> bool {
    match &plan.kind {
        NodeKind::Calc { input, predicate: None, .. } => can_leave_out_before(input),
        NodeKind::Union { inputs } => inputs.iter().all(can_leave_out_before),
        NodeKind::GroupAggregate { .. }
        | NodeKind::Rank(_)
        | NodeKind::Deduplicate(_)
        | NodeKind::ChangelogNormalize { .. }
        | NodeKind::WindowAggregate { .. }
        | NodeKind::Over(_) => true,
        _ => millrace_sql::plan::changelog::changelog_mode(plan).is_insert_only(),
    }
}

impl Open {
    /// Steps without state behind an operator.
    fn steps(input: usize, schema: Schema, parallelism: usize, steps: Vec<Step>) -> Self {
        Self {
            inputs: vec![input],
            schemas: vec![schema],
            key_fields: None,
            parallelism,
            head: None,
            steps,
            name: "calc".into(),
            text: String::new(),
            leaves_out_before: false,
        }
    }
}

impl Lowering<'_> {
    fn stage(&mut self, plan: &PlanNode) -> Result<Open, String> {
        let identity = if self.repeated.is_empty() { None } else { reuse::identity(plan) };
        match identity.filter(|identity| self.repeated.contains(identity)) {
            Some(identity) => self.shared_stage(plan, identity),
            None => self.stage_alone(plan),
        }
    }

    /// A part of the plan that occurs several times runs once, and its rows go to all who read them.
    fn shared_stage(&mut self, plan: &PlanNode, identity: String) -> Result<Open, String> {
        // Others read it too, and may need them.
        self.needs_before = true;
        let schema = schema_of(&plan.columns, None);
        let mut steps = Vec::new();
        let (position, parallelism) = if let Some(lowered) = self.shared.get(&identity) {
            // Whoever wrote it first chose the names of the columns.
            let projection = plan.columns.iter().enumerate().map(|(i, c)| Expr::column(i, c.typed.clone())).collect();
            steps.push(Step::Calc { predicate: None, projection, output: schema.clone() });
            *lowered
        } else {
            let stage = self.stage_alone(plan)?;
            let parallelism = stage.parallelism;
            let lowered = (self.finish(stage, &plan.columns, None), parallelism);
            self.shared.insert(identity, lowered);
            lowered
        };
        Ok(Open::steps(position, schema, parallelism, steps))
    }

    fn stage_alone(&mut self, plan: &PlanNode) -> Result<Open, String> {
        // What an operator keeps it finds again by the rows that are taken back: only what is behind the last one may go.
        let needs_before = std::mem::replace(&mut self.needs_before, true);
        if matches!(plan.kind, NodeKind::Calc { .. } | NodeKind::Union { .. }) {
            self.needs_before = needs_before;
        }
        let mut open = self.stage_of(plan)?;
        self.needs_before = true;
        if open.head.is_some() && open.steps.is_empty() {
            open.leaves_out_before = !needs_before;
        }
        // The head was made of this very node.
        if open.head.is_some() && open.steps.is_empty() && open.text.is_empty() {
            open.text = operator_text(plan);
        }
        Ok(open)
    }

    fn stage_of(&mut self, plan: &PlanNode) -> Result<Open, String> {
        match &plan.kind {
            NodeKind::Scan(scan) => self.scan(scan, &plan.columns),
            NodeKind::ChangelogNormalize { input, keys, filter, state_ttl_ms } => {
                let head = Head::ChangelogNormalize {
                    keys: keys.clone(),
                    filter: filter.clone(),
                    state_ttl_ms: *state_ttl_ms,
                    mini_batch: self.settings.mini_batch(),
                    output: schema_of(&plan.columns, None),
                };
                self.keyed(input, keys, head, "changelog-normalize")
            }
            NodeKind::Values { rows } => self.values(rows, &plan.columns),
            NodeKind::Calc { input, predicate, projection } => {
                let mut stage = self.stage(input)?;
                stage.steps.push(Step::Calc {
                    predicate: predicate.clone(),
                    projection: projection.clone(),
                    output: schema_of(&plan.columns, None),
                });
                Ok(stage)
            }
            NodeKind::Join(join) => {
                let spec = JoinSpec {
                    kind: join.kind,
                    condition: join.condition.clone(),
                    sides: [0, 1].map(|side| SideSpec::of(join, side)),
                    output: schema_of(&plan.columns, None),
                };
                let keys = [0, 1].map(|side| join.keys_of(side));
                self.keyed_inputs(&[(&join.left, &keys[0]), (&join.right, &keys[1])], Head::Join(spec), "join")
            }
            NodeKind::WindowJoin(join) => {
                let keys = [0, 1].map(|side| join.keys_of(side));
                let head = Head::WindowJoin(WindowJoinSpec::of(join, schema_of(&plan.columns, None)));
                self.keyed_inputs(&[(&join.left, &keys[0]), (&join.right, &keys[1])], head, "window-join")
            }
            NodeKind::Union { inputs } => self.union(inputs, &plan.columns),
            NodeKind::Expand { input, keys, sets } => {
                let mut stage = self.stage(input)?;
                stage.steps.push(Step::Expand { keys: keys.clone(), sets: sets.clone(), output: schema_of(&plan.columns, None) });
                Ok(stage)
            }
            NodeKind::Correlate { input, function, is_left } => {
                let mut stage = self.stage(input)?;
                stage.steps.push(Step::Correlate { function: function.clone(), is_left: *is_left, output: schema_of(&plan.columns, None) });
                Ok(stage)
            }
            NodeKind::LookupJoin(join) => self.lookup_join(join, &plan.columns),
            NodeKind::IntervalJoin(join) => self.interval_join(join, &plan.columns),
            NodeKind::TemporalJoin(join) => self.temporal_join(join, &plan.columns),
            NodeKind::WindowTable { input, window } => {
                if !matches!(window.kind, WindowKind::Session { .. }) {
                    let mut stage = self.stage(input)?;
                    stage.steps.push(Step::WindowTable { window: window.clone(), output: schema_of(&plan.columns, None) });
                    return Ok(stage);
                }
                let head = Head::SessionTable { window: window.clone(), output: schema_of(&plan.columns, None) };
                self.keyed(input, &window.partition_keys, head, "session-window")
            }
            NodeKind::Over(over) => {
                let head = Head::Over { spec: OverSpec::new(over)?, output: schema_of(&plan.columns, None) };
                self.keyed(&over.input, &over.keys, head, "over-aggregate")
            }
            NodeKind::WindowAggregate { input, strategy, is_group_window, emit, keys, calls } => {
                let head = Head::WindowAggregate {
                    strategy: strategy.clone(),
                    is_group_window: *is_group_window,
                    emit: *emit,
                    keys: keys.clone(),
                    calls: calls.clone(),
                    can_retract: !millrace_sql::plan::changelog::changelog_mode(input).is_insert_only(),
                    output: schema_of(&plan.columns, None),
                };
                let name = match strategy {
                    WindowStrategy::Time(_) => "window-aggregate",
                    WindowStrategy::Attached { .. } => "attached-window-aggregate",
                };
                self.keyed(input, keys, head, name)
            }
            NodeKind::MatchRecognize(node) => {
                let head = Head::match_recognize(node, schema_of(&plan.columns, None));
                self.keyed(&node.input, &node.keys, head, "match-recognize")
            }
            NodeKind::Rank(rank) => {
                let head = Head::rank(rank, schema_of(&plan.columns, None));
                self.keyed(&rank.input, &rank.partition_keys, head, "rank")
            }
            NodeKind::Deduplicate(deduplicate) => {
                let head = Head::deduplicate(deduplicate, schema_of(&plan.columns, None));
                self.keyed(&deduplicate.input, &deduplicate.keys, head, "deduplicate")
            }
            NodeKind::WindowRank(rank) => {
                let head = Head::window_rank(rank, schema_of(&plan.columns, None));
                self.keyed(&rank.input, &rank.partition_keys, head, "window-rank")
            }
            NodeKind::TemporalSort(sort) => {
                let output = schema_of(&plan.columns, None);
                let head = Head::TemporalSort { time_column: sort.time_column, order: sort.order.clone(), output };
                self.keyed(&sort.input, &[], head, "temporal-sort")
            }
            NodeKind::GroupAggregate { input, keys, calls, state_ttl_ms, mini_batch, .. } => {
                let head = Head::GroupAggregate {
                    keys: keys.clone(),
                    calls: calls.clone(),
                    can_retract: !millrace_sql::plan::changelog::changelog_mode(input).is_insert_only(),
                    state_ttl_ms: *state_ttl_ms,
                    mini_batch: *mini_batch,
                    output: schema_of(&plan.columns, None),
                };
                self.keyed(input, keys, head, "group-aggregate")
            }
        }
    }

    /// A stage beside its input: any subtask may look up any key.
    fn lookup_join(&mut self, join: &LookupJoin, columns: &[PlanColumn]) -> Result<Open, String> {
        let before = self.stage(&join.input)?;
        let parallelism = before.parallelism;
        let position = self.finish(before, &join.input.columns, None);
        let head = Head::LookupJoin { join: Box::new(join.clone()), output: schema_of(columns, None) };
        Ok(Open {
            inputs: vec![position],
            schemas: vec![schema_of(&join.input.columns, None)],
            key_fields: None,
            parallelism,
            head: Some(head),
            steps: Vec::new(),
            name: "lookup-join".into(),
            text: String::new(),
            leaves_out_before: false,
        })
    }

    fn interval_join(&mut self, join: &IntervalJoin, columns: &[PlanColumn]) -> Result<Open, String> {
        let (left_keys, right_keys): (Vec<usize>, Vec<usize>) = join.keys.iter().copied().unzip();
        let spec = IntervalSpec {
            keys: [left_keys.clone(), right_keys.clone()],
            times: join.bounds.is_event_time.then_some(join.bounds.times),
            lower_ms: join.bounds.lower_ms,
            upper_ms: join.bounds.upper_ms,
            condition: join.condition.clone(),
            keeps: join.keeps,
        };
        let head = Head::IntervalJoin { spec, output: schema_of(columns, None) };
        self.keyed_inputs(&[(&join.left, &left_keys), (&join.right, &right_keys)], head, "interval-join")
    }

    fn temporal_join(&mut self, join: &TemporalJoin, columns: &[PlanColumn]) -> Result<Open, String> {
        let (left_keys, right_keys): (Vec<usize>, Vec<usize>) = join.keys.iter().copied().unzip();
        let spec = TemporalSpec {
            keys: [left_keys.clone(), right_keys.clone()],
            times: join.times,
            condition: join.condition.clone(),
            is_left: join.is_left,
            state_ttl_ms: join.state_ttl_ms,
        };
        let head = Head::TemporalJoin { spec, output: schema_of(columns, None) };
        self.keyed_inputs(&[(&join.left, &left_keys), (&join.right, &right_keys)], head, "temporal-join")
    }

    fn scan(&mut self, scan: &Scan, columns: &[PlanColumn]) -> Result<Open, String> {
        let Some(table) = (self.input)(&scan.table) else {
            return Err(format!("table `{}` is not connected to the SQL node", scan.table));
        };
        if scan.watermark.as_ref().is_some_and(calls_project_function) {
            return Err(format!("the watermark of table `{}` calls a function of the project, which sources cannot do", scan.table));
        }
        let wants = match (scan.physical.iter().any(|c| c.is_metadata), scan.watermark.is_some()) {
            (true, _) => Some("reads metadata"),
            (false, true) => Some("declares a watermark"),
            (false, false) => None,
        };
        if let Some(wants) = wants.filter(|_| !table.is_own_source) {
            return Err(format!(
                "table `{}` {wants}, so a source that no other node reads must feed it; give this query a source node of its own",
                scan.table
            ));
        }
        let columns_read = if table.is_exclusive { read_columns(scan, &table) } else { table.schema.clone() };
        let metadata = if table.is_exclusive { read_metadata(scan, &table.metadata) } else { table.metadata.clone() };
        let read = with_metadata(&columns_read, &metadata);
        let place = |column: &ScanColumn| match column.is_metadata {
            true => metadata.iter().position(|m| m.key == column.name).map(|i| columns_read.fields().len() + i),
            false => columns_read.index_of(&column.name),
        };
        let places = scan.physical.iter().map(place).collect::<Option<Vec<usize>>>();
        let places = places.ok_or_else(|| format!("table `{}` lost a column", scan.table))?;
        let mut request = scan.clone();
        // The source computes the watermark over what it reads, which may be more than this scan does.
        request.watermark = request.watermark.map(|w| w.map_columns(&|i| places.get(i).copied().unwrap_or_default()));
        let (operator, parallelism) = (table.operator, table.parallelism);
        self.lowered.scans.push(ScanRequest {
            operator,
            is_own_source: table.is_own_source,
            schema: columns_read,
            metadata,
            scan: request,
        });
        let mut steps = Vec::new();
        let as_read = places.iter().copied().eq(0..read.fields().len());
        let mut input = schema_of(columns, None);
        if !table.is_exclusive || !as_read {
            let projection = scan.physical.iter().zip(&places).map(|(c, &i)| Expr::column(i, c.typed.clone())).collect();
            steps.push(Step::Calc { predicate: None, projection, output: std::mem::replace(&mut input, read) });
        }
        Ok(Open::steps(operator, input, parallelism, steps))
    }

    fn values(&mut self, rows: &[Vec<Expr>], columns: &[PlanColumn]) -> Result<Open, String> {
        if rows.iter().flatten().any(calls_project_function) {
            return Err("VALUES calls a function of the project; select from the VALUES and call it there".to_owned());
        }
        let schema = schema_of(columns, None);
        let work = super::values::source(rows, columns, &schema)?;
        let position = self.push(PlannedOperator {
            node: self.next_id(),
            name: "values".into(),
            kind: "values_source".into(),
            parallelism: 1,
            inputs: Vec::new(),
            work,
        });
        Ok(Open::steps(position, schema, 1, Vec::new()))
    }

    fn union(&mut self, inputs: &[PlanNode], columns: &[PlanColumn]) -> Result<Open, String> {
        let mut positions = Vec::with_capacity(inputs.len());
        let mut parallelisms = Vec::with_capacity(inputs.len());
        let names: Vec<String> = schema_of(columns, None).fields().iter().map(|f| f.name.clone()).collect();
        let needs_before = self.needs_before;
        for input in inputs {
            self.needs_before = needs_before;
            let stage = self.stage(input)?;
            parallelisms.push(stage.parallelism);
            positions.push(self.finish(stage, columns, Some(&names)));
        }
        Ok(Open {
            inputs: positions,
            schemas: vec![schema_of(columns, None)],
            key_fields: None,
            // Side by side where possible: spreading rows anew would let those of one key overtake each other.
            parallelism: parallelisms.iter().copied().max().unwrap_or(1),
            head: None,
            steps: Vec::new(),
            name: "union".into(),
            text: String::new(),
            leaves_out_before: false,
        })
    }

    /// A stage of its own for a stateful head: rows of one key go to one subtask.
    fn keyed(&mut self, input: &PlanNode, keys: &[usize], head: Head, name: &str) -> Result<Open, String> {
        self.keyed_inputs(&[(input, keys)], head, name)
    }

    /// As [`Self::keyed`], for a head with several inputs: rows of one key meet in one subtask, whichever input they come from.
    fn keyed_inputs(&mut self, inputs: &[(&PlanNode, &[usize])], head: Head, name: &str) -> Result<Open, String> {
        let (mut positions, mut schemas, mut fields) = (Vec::new(), Vec::new(), Vec::new());
        let mut types: Option<Vec<String>> = None;
        for (input, keys) in inputs {
            let before = self.stage(input)?;
            positions.push(self.finish(before, &input.columns, None));
            let schema = schema_of(&input.columns, None);
            let of_key = |f: fn(&Field) -> String| keys.iter().filter_map(|&k| schema.fields().get(k)).map(f).collect::<Vec<_>>();
            let found = of_key(|f| f.data_type.to_string());
            if types.as_ref().is_some_and(|types| *types != found) || found.len() != keys.len() {
                return Err(format!("the inputs of `{name}` have keys of different types: {types:?} and {found:?}"));
            }
            types = Some(found);
            fields.push(of_key(|f| f.name.clone()));
            schemas.push(schema);
        }
        let is_keyed = fields.iter().any(|f| !f.is_empty());
        let parallelism = if is_keyed { self.parallelism } else { 1 };
        let key_fields = is_keyed.then_some(KeyFields::PerInput(fields));
        Ok(Open {
            inputs: positions,
            schemas,
            key_fields,
            parallelism,
            head: Some(head),
            steps: Vec::new(),
            name: name.into(),
            text: String::new(),
            leaves_out_before: false,
        })
    }

    /// Closes a stage that emits `columns`; answers its position.
    fn finish(&mut self, stage: Open, columns: &[PlanColumn], names: Option<&[String]>) -> usize {
        let output = schema_of(columns, names);
        if stage.head.is_none() && stage.steps.is_empty() && stage.inputs.len() == 1 && names.is_none() {
            // Nothing to do: the receiver reads the input itself. Rows of a scan pass as they are.
            return stage.inputs[0];
        }
        let input = stage.schemas.first().cloned().unwrap_or_default();
        let settings = StageSettings {
            head: stage.head,
            text: stage.text,
            inputs: stage.schemas,
            steps: stage.steps,
            zone: self.settings.zone,
            late_records: self.late_records,
            output: output.to_arrow(),
            leaves_out_before: stage.leaves_out_before,
        };
        let planned =
            PlannedTransform { output, key_fields: stage.key_fields, settings: Arc::new(settings), pins: serde_json::Value::Null };
        let node = self.next_id();
        self.push(PlannedOperator {
            name: format!("{}: {}", self.node, stage.name),
            node,
            kind: "sql".into(),
            parallelism: stage.parallelism,
            inputs: stage.inputs,
            work: Work::Transform { kind: Arc::new(StageKind), input, planned },
        })
    }

    /// Ids of inner operators: a dot cannot be part of a user's id.
    fn next_id(&self) -> NodeId {
        NodeId::new(format!("{}.{}", self.node, self.lowered.operators.len() + 1))
    }

    fn push(&mut self, operator: PlannedOperator) -> usize {
        self.lowered.operators.push(operator);
        self.base + self.lowered.operators.len() - 1
    }
}

/// The columns of its table that an exclusive source has to read: the scan's, and the one of its own event time.
fn read_columns(scan: &Scan, table: &InputTable) -> Schema {
    let mut fields: Vec<Field> = (scan.physical.iter().filter(|c| !c.is_metadata))
        .map(|c| Field::new(&c.name, c.typed.data_type.clone(), c.typed.nullable))
        .collect();
    if let Some(own) = table.own_time.as_ref().filter(|own| !fields.iter().any(|f| f.name == **own)) {
        fields.extend(table.schema.field(own).cloned());
    }
    // Names come from one table, so they are unique.
    Schema::new(fields).unwrap_or_default()
}

/// Of the metadata that are read from a table those that this scan reads.
fn read_metadata(scan: &Scan, all: &[MetadataColumn]) -> Vec<MetadataColumn> {
    let is_read = |m: &&MetadataColumn| scan.physical.iter().any(|c| c.is_metadata && c.name == m.key);
    all.iter().filter(is_read).cloned().collect()
}

/// The columns of a table, then the metadata.
pub(crate) fn with_metadata(columns: &Schema, metadata: &[MetadataColumn]) -> Schema {
    let fields = columns.fields().iter().chain(metadata.iter().map(|m| &m.field)).cloned().collect();
    // The names of metadata are chosen to be none of the table's.
    Schema::new(fields).unwrap_or_default()
}

/// Columns with unique names; all may be NULL unless `names` are given, which are kept with their nullability.
pub(crate) fn schema_of(columns: &[PlanColumn], names: Option<&[String]>) -> Schema {
    let mut taken = HashSet::new();
    let mut fields = Vec::with_capacity(columns.len());
    for (position, column) in columns.iter().enumerate() {
        let wanted = names.and_then(|n| n.get(position)).unwrap_or(&column.name);
        let wanted = if wanted.is_empty() { "EXPR$" } else { wanted };
        let mut name = wanted.to_owned();
        let mut next = 0;
        while !taken.insert(name.clone()) {
            name = format!("{wanted}{next}");
            next += 1;
        }
        let nullable = names.is_none() || column.typed.nullable;
        fields.push(Field::new(name, column.typed.data_type.clone(), nullable));
    }
    // Names are unique and not empty by now.
    Schema::new(fields).unwrap_or_default()
}
