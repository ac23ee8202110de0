//! A stage at work: its head's output runs through its steps before it leaves.

use super::{
    HELD_BYTES_MAX,
    calc::Calc,
    conflict_materialize::ConflictSpec,
    deduplicate_rows::DeduplicateSpec,
    interval_join::IntervalSpec,
    join::{JoinSpec, window::WindowJoinSpec},
    late_rows::LateRecords,
    over::OverSpec,
    rank::RankSpec,
    sliced_window_aggregate::Slicing,
    temporal_join::TemporalSpec,
    upsert_materialize::MaterializeSpec,
    window_aggregate::Windows,
    window_rank::WindowRankSpec,
};
use crate::{
    error::OperatorError,
    functions::Guests,
    metrics::SubtaskMetrics,
    operators::{Collector, Operator, OperatorContext, OperatorKind, OperatorSnapshot, PlanContext, PlannedTransform},
    state::StateError,
};
use arrow_array::BooleanArray;
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use async_trait::async_trait;
use millrace_functions::{EvaluationContext, Expr, meter};
use millrace_model::{
    Batch, ChangeKind, Origin, Schema,
    graph::{GraphError, Node},
    ids::CheckpointId,
};
use millrace_sql::plan::{
    AggregateCall, Correlation, EmitStrategy, LookupJoin, MatchRecognize, MiniBatch, NodeKind, PlanNode, SortKey, WindowSpec,
    WindowStrategy,
};
use std::{collections::BTreeMap, sync::Arc};

/// What a stage does; made by the lowering.
pub(crate) struct StageSettings {
    pub head: Option<Head>,
    /// The head as the plan shows it.
    pub text: String,
    /// Columns of each input; one where all have the same.
    pub inputs: Vec<Schema>,
    pub steps: Vec<Step>,
    pub zone: chrono_tz::Tz,
    /// What windows do with rows that are late.
    pub late_records: LateRecords,
    /// The columns that leave.
    pub output: SchemaRef,
    /// Nobody behind needs the rows that the head's changes replace.
    pub leaves_out_before: bool,
}

/// The stateful part of a stage.
#[derive(Debug, Clone)]
pub(crate) enum Head {
    GroupAggregate {
        keys: Vec<usize>,
        calls: Vec<AggregateCall>,
        can_retract: bool,
        state_ttl_ms: Option<u64>,
        mini_batch: Option<MiniBatch>,
        output: Schema,
    },
    WindowAggregate {
        strategy: WindowStrategy,
        is_group_window: bool,
        emit: Option<EmitStrategy>,
        keys: Vec<usize>,
        calls: Vec<AggregateCall>,
        can_retract: bool,
        output: Schema,
    },
    ChangelogNormalize {
        keys: Vec<usize>,
        filter: Option<Expr>,
        state_ttl_ms: Option<u64>,
        mini_batch: Option<MiniBatch>,
        output: Schema,
    },
    SessionTable {
        window: WindowSpec,
        output: Schema,
    },
    /// Without its input.
    MatchRecognize {
        node: Box<MatchRecognize>,
        output: Schema,
    },
    Join(JoinSpec),
    WindowJoin(WindowJoinSpec),
    /// Keeps nothing; a head because it waits for answers.
    LookupJoin {
        join: Box<LookupJoin>,
        output: Schema,
    },
    IntervalJoin {
        spec: IntervalSpec,
        output: Schema,
    },
    TemporalJoin {
        spec: TemporalSpec,
        output: Schema,
    },
    Over {
        spec: OverSpec,
        output: Schema,
    },
    Rank {
        spec: RankSpec,
        state_ttl_ms: Option<u64>,
        output: Schema,
    },
    Deduplicate {
        spec: DeduplicateSpec,
        state_ttl_ms: Option<u64>,
        output: Schema,
    },
    WindowRank {
        spec: WindowRankSpec,
        strategy: WindowStrategy,
        output: Schema,
    },
    UpsertMaterialize {
        spec: MaterializeSpec,
        state_ttl_ms: Option<u64>,
        output: Schema,
    },
    ConflictMaterialize {
        spec: ConflictSpec,
        output: Schema,
    },
    TemporalSort {
        time_column: Option<usize>,
        order: Vec<SortKey>,
        output: Schema,
    },
}

impl Head {
    pub(super) fn match_recognize(node: &MatchRecognize, output: Schema) -> Self {
        let mut node = Box::new(node.clone());
        *node.input = PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() };
        Self::MatchRecognize { node, output }
    }

    /// Changes whenever the state's meaning changes: keys, calls, types, windows.
    fn signature(&self, inputs: &[Schema]) -> String {
        let types = |input: &Schema| input.fields().iter().map(|f| f.data_type.to_string()).collect::<Vec<_>>();
        let columns: Vec<String> = inputs.iter().map(|input| format!("{:?}", types(input))).collect();
        let what = match self {
            // Time to live and mini-batch change when rows are forgotten or emitted, not what is kept.
            Self::GroupAggregate { keys, calls, can_retract, .. } => format!("group {keys:?} {calls:?} {can_retract}"),
            Self::WindowAggregate { strategy, keys, calls, can_retract, emit: Some(_), .. } => {
                // When results are given out is no part of what is kept.
                format!("firing {strategy:?} {keys:?} {calls:?} {can_retract}")
            }
            Self::WindowAggregate { strategy, keys, calls, can_retract, .. } => {
                let is_sliced = Slicing::of(&Windows::new(strategy, chrono_tz::UTC), false, calls).is_some();
                let kept = if is_sliced { "slices" } else { "window" };
                format!("{kept} {strategy:?} {keys:?} {calls:?} {can_retract}")
            }
            Self::ChangelogNormalize { keys, filter, .. } => format!("normalize {keys:?} {filter:?}"),
            Self::SessionTable { window, .. } => format!("session rows {window:?}"),
            Self::MatchRecognize { node, .. } => super::match_recognize::signature(node),
            Self::Join(spec) => spec.signature(),
            Self::WindowJoin(spec) => spec.signature(),
            Self::LookupJoin { .. } => "nothing".into(),
            Self::IntervalJoin { spec, .. } => format!("interval {spec:?}"),
            // Time to live changes when keys are forgotten, not what is kept.
            Self::TemporalJoin { spec, .. } => format!("versions {:?}", TemporalSpec { state_ttl_ms: None, ..spec.clone() }),
            Self::Over { spec, .. } => spec.signature(),
            Self::Rank { spec, .. } => spec.signature(),
            Self::Deduplicate { spec, .. } => spec.signature(),
            Self::WindowRank { spec, strategy, .. } => format!("{} {strategy:?}", spec.signature()),
            Self::UpsertMaterialize { spec, .. } => spec.signature(),
            Self::ConflictMaterialize { spec, .. } => spec.signature(),
            Self::TemporalSort { time_column, .. } => format!("sort {time_column:?}"),
        };
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{what} {}", columns.join(" ")).as_bytes()))
    }
}

impl Head {
    /// The same with its functions of the project opened.
    async fn opened(&self, context: &OperatorContext, guests: &mut Guests) -> Result<Self, OperatorError> {
        let mut opened = self.clone();
        match &mut opened {
            Self::GroupAggregate { calls, .. } | Self::WindowAggregate { calls, .. } => guests.open_calls(calls, context).await?,
            Self::ChangelogNormalize { filter, .. } => {
                if let Some(filter) = filter {
                    guests.open_expr(filter, context).await?;
                }
            }
            Self::Over { spec, .. } => guests.open_calls(&mut spec.calls, context).await?,
            Self::MatchRecognize { node, .. } => {
                for expr in node.expressions_mut() {
                    guests.open_match_expr(expr, context).await?;
                }
            }
            Self::Join(JoinSpec { condition, .. })
            | Self::WindowJoin(WindowJoinSpec { condition, .. })
            | Self::IntervalJoin { spec: IntervalSpec { condition, .. }, .. }
            | Self::TemporalJoin { spec: TemporalSpec { condition, .. }, .. } => {
                if let Some(condition) = condition {
                    guests.open_expr(condition, context).await?;
                }
            }
            Self::LookupJoin { join, .. } => {
                let keys = join.keys.iter_mut().map(|k| &mut k.value);
                for expr in keys.chain(&mut join.projection).chain(&mut join.predicate).chain(&mut join.condition) {
                    guests.open_expr(expr, context).await?;
                }
            }
            Self::SessionTable { .. }
            | Self::Rank { .. }
            | Self::Deduplicate { .. }
            | Self::WindowRank { .. }
            | Self::UpsertMaterialize { .. }
            | Self::ConflictMaterialize { .. }
            | Self::TemporalSort { .. } => {}
        }
        Ok(opened)
    }
}

/// A stateless part of a stage.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Calc { predicate: Option<Expr>, projection: Vec<Expr>, output: Schema },
    Expand { keys: Vec<usize>, sets: Vec<Vec<usize>>, output: Schema },
    WindowTable { window: WindowSpec, output: Schema },
    Correlate { function: Correlation, is_left: bool, output: Schema },
}

impl Step {
    /// The same with its functions of the project opened.
    async fn opened(&self, context: &OperatorContext, guests: &mut Guests) -> Result<Self, OperatorError> {
        let mut opened = self.clone();
        match &mut opened {
            Self::Calc { predicate, projection, .. } => {
                for expr in predicate.iter_mut().chain(projection) {
                    guests.open_expr(expr, context).await?;
                }
            }
            Self::Correlate { function, .. } => guests.open_correlation(function, context).await?,
            Self::Expand { .. } | Self::WindowTable { .. } => {}
        }
        Ok(opened)
    }
}

impl StageSettings {
    /// What the stage's state depends on; `None` when it keeps none.
    pub(crate) fn signature(&self) -> Option<String> {
        self.head.as_ref().map(|head| head.signature(&self.inputs))
    }
}

/// Opens stages; planning is the lowering's business.
pub(crate) struct StageKind;

#[async_trait]
impl OperatorKind for StageKind {
    fn kind(&self) -> &'static str {
        "sql"
    }

    async fn plan(&self, node: &Node, _input: &Schema, _context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        Err(vec![GraphError::in_node(&node.id, "internal", "a stage of a SQL node is not planned by itself")])
    }

    async fn open(&self, mut context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        let planned = context.planned.clone();
        let settings =
            (planned.settings.downcast_ref::<StageSettings>()).ok_or_else(|| OperatorError::Internal("settings of another kind".into()))?;
        let mut guests = Guests::new(&context);
        let mut steps = Vec::with_capacity(settings.steps.len());
        for step in &settings.steps {
            steps.push(OpenStep::new(&step.opened(&context, &mut guests).await?, settings.zone)?);
        }
        let metrics = context.metrics.clone();
        let (mut head, mut signature) = (None, String::new());
        if let Some(wanted) = &settings.head {
            signature = wanted.signature(&settings.inputs);
            context.restored = own_state(std::mem::take(&mut context.restored), &signature, context.state.may_begin_empty)?;
            context.state.chains = own_state(std::mem::take(&mut context.state.chains), &signature, context.state.may_begin_empty)?;
            let opened = wanted.opened(&context, &mut guests).await?;
            let _permit = guests.enter().await;
            let mut made = super::head::open(&opened, settings, context).map_err(|e| guests.explain(e, &Origin::from([])))?;
            if settings.leaves_out_before {
                made.leave_out_before();
            }
            head = Some(made);
        }
        let evaluation = EvaluationContext { zone: settings.zone, ..EvaluationContext::default() };
        let output = settings.output.clone();
        let (between, leaves_out_before) = (Collector::default(), settings.leaves_out_before);
        Ok(Box::new(Stage { rising_ms: None, head, signature, steps, evaluation, output, leaves_out_before, between, guests, metrics }))
    }
}

/// States with the signature taken off; a state of another signature is refused, or left out if that is allowed.
fn own_state<T>(restored: BTreeMap<String, T>, signature: &str, may_begin_empty: bool) -> Result<BTreeMap<String, T>, OperatorError> {
    let mut own = BTreeMap::new();
    for (name, state) in restored {
        match name.split_once('/') {
            Some((found, rest)) if found == signature => drop(own.insert(rest.to_owned(), state)),
            _ if may_begin_empty => tracing::warn!(state = name, "state of another query is left out, as allowed"),
            _ => {
                let message = "it was made by another query (other keys, aggregates, types or windows); go back to that query, or start without state";
                return Err(StateError(message.into()).into());
            }
        }
    }
    Ok(own)
}

enum OpenStep {
    Calc(Calc),
    Expand(super::expand::Expand),
    WindowTable(super::window_table::WindowTable),
    Correlate(super::correlate::Correlate),
}

impl OpenStep {
    fn new(step: &Step, zone: chrono_tz::Tz) -> Result<Self, OperatorError> {
        Ok(match step {
            Step::Calc { predicate, projection, output } => Self::Calc(Calc::new(predicate.clone(), projection, output.to_arrow())),
            Step::Expand { keys, sets, output } => Self::Expand(super::expand::Expand::new(keys.clone(), sets.clone(), output.to_arrow())),
            Step::WindowTable { window, output } => {
                Self::WindowTable(super::window_table::WindowTable::new(window.clone(), zone, output.to_arrow()))
            }
            Step::Correlate { function, is_left, output } => {
                Self::Correlate(super::correlate::Correlate::new(function.clone(), *is_left, output.to_arrow()))
            }
        })
    }

    /// Whether it makes many rows of one.
    fn multiplies(&self) -> bool {
        matches!(self, Self::Expand(_) | Self::Correlate(_))
    }
}

/// Rows that come in at one time where each may become very many: what they become is held until they are done with.
const MULTIPLIED_ROWS_AT_ONCE: usize = 1024;

/// What a row that is held costs besides its values.
const HELD_ROW_BYTES: usize = 32;

/// Where rows go behind the last step.
struct End<'a> {
    output: &'a SchemaRef,
    out: &'a mut Collector,
    /// Bytes of the rows that have come so far; counted only where a step makes many rows of one.
    held_bytes: Option<usize>,
}

impl End<'_> {
    fn emit(&mut self, mut batch: Batch) -> Result<(), OperatorError> {
        if let Some(held) = &mut self.held_bytes {
            let bytes = |column: &arrow_array::ArrayRef| column.to_data().get_slice_memory_size();
            *held += batch.rows.columns().iter().map(bytes).sum::<Result<usize, _>>()? + batch.num_rows() * HELD_ROW_BYTES;
            if *held > HELD_BYTES_MAX {
                let message =
                    format!("UNNEST, table functions and grouping sets make more than {HELD_BYTES_MAX} bytes of one batch (batch.memory)");
                return Err(OperatorError::Evaluation(message));
            }
        }
        if batch.rows.schema_ref() != self.output {
            let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.rows.num_rows()));
            batch.rows = arrow_array::RecordBatch::try_new_with_options(self.output.clone(), batch.rows.columns().to_vec(), &options)?;
        }
        self.out.emit(batch);
        Ok(())
    }
}

/// Runs a batch through these steps.
fn run(steps: &mut [OpenStep], batch: Batch, context: &EvaluationContext, end: &mut End<'_>) -> Result<(), OperatorError> {
    if batch.num_rows() == 0 {
        return Ok(());
    }
    meter::check().map_err(super::evaluation_failed)?;
    let Some((step, behind)) = steps.split_first_mut() else { return end.emit(batch) };
    match step {
        OpenStep::Calc(calc) => match calc.apply(batch, context)? {
            Some(next) => run(behind, next, context, end),
            None => Ok(()),
        },
        OpenStep::WindowTable(table) => run(behind, table.apply(batch, context.now_ms)?, context, end),
        OpenStep::Expand(expand) => expand.apply(batch, &mut |part| run(behind, part, context, end)),
        OpenStep::Correlate(correlate) => correlate.apply(&batch, context, &mut |part| run(behind, part, context, end)),
    }
}

struct Stage {
    head: Option<Box<dyn Operator>>,
    signature: String,
    steps: Vec<OpenStep>,
    evaluation: EvaluationContext,
    output: SchemaRef,
    leaves_out_before: bool,
    /// What the head emitted, before the steps.
    between: Collector,
    /// The watermark that has passed once the head has emitted everything that was there before.
    rising_ms: Option<i64>,
    /// Functions of the project that it calls.
    guests: Guests,
    metrics: Arc<SubtaskMetrics>,
}

impl Stage {
    /// What comes of a call: errors of guests in full, and what they have used.
    fn told<T>(&self, outcome: Result<T, OperatorError>, origin: &Origin) -> Result<T, OperatorError> {
        self.guests.report_usage(&self.metrics);
        outcome.map_err(|error| self.guests.explain(error, origin))
    }

    async fn process_in_turn(&mut self, input: usize, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.evaluation.now_ms = now_ms;
        match &mut self.head {
            None => self.run_steps(batch, out),
            Some(head) => {
                head.process_input(input, batch, now_ms, &mut self.between).await?;
                self.drain(out)
            }
        }
    }

    async fn watermark_in_turn(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if let Some(head) = &mut self.head {
            head.on_watermark(watermark_ms, &mut self.between).await?;
        }
        self.rising_ms = Some(watermark_ms);
        self.settle(out)
    }

    async fn more_in_turn(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        if let Some(head) = &mut self.head {
            head.emit_rest(&mut self.between).await?;
        }
        self.settle(out)
    }

    /// What the head has just emitted was there before the watermark passed.
    fn settle(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        self.drain(out)?;
        if !self.has_more()
            && !self.has_rest()
            && let Some(watermark_ms) = self.rising_ms.take()
        {
            self.evaluation.watermark_ms = Some(self.output_watermark_ms(watermark_ms));
        }
        Ok(())
    }

    async fn time_in_turn(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.evaluation.now_ms = now_ms;
        if let Some(head) = &mut self.head {
            head.on_processing_time(now_ms, &mut self.between).await?;
        }
        self.drain(out)
    }

    async fn barrier_in_turn(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if let Some(head) = &mut self.head {
            head.before_barrier(now_ms, &mut self.between).await?;
        }
        self.drain(out)
    }

    fn run_steps(&mut self, batch: Batch, out: &mut Collector) -> Result<(), OperatorError> {
        let held_bytes = self.steps.iter().any(OpenStep::multiplies).then_some(0);
        run(&mut self.steps, batch, &self.evaluation, &mut End { output: &self.output, out, held_bytes })
    }

    fn drain(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let mut between = std::mem::take(&mut self.between);
        for batch in between.drain() {
            let batch = if self.leaves_out_before { without_before(batch)? } else { batch };
            self.run_steps(batch, out)?;
        }
        self.between = between;
        Ok(())
    }
}

/// The batch without the rows that its changes replace, of heads that tell them all the same.
fn without_before(batch: Batch) -> Result<Batch, OperatorError> {
    let is_before = |kind: &u8| *kind == ChangeKind::UpdateBefore as u8;
    let Some(kinds) = batch.kinds.as_ref().filter(|kinds| kinds.values().iter().any(is_before)) else {
        return Ok(batch);
    };
    let kept: BooleanArray = kinds.values().iter().map(|kind| Some(!is_before(kind))).collect();
    let rows = filter_record_batch(&batch.rows, &kept)?;
    let kinds = kinds.values().iter().filter(|kind| !is_before(kind)).copied().collect();
    Ok(Batch { rows, kinds: super::change_kinds(kinds), origin: batch.origin })
}

#[async_trait]
impl Operator for Stage {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.process_input(0, batch, now_ms, out).await
    }

    async fn process_input(&mut self, input: usize, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let _permit = self.guests.enter().await;
        let origin = batch.origin.clone();
        let outcome = self.process_in_turn(input, batch, now_ms, out).await;
        self.told(outcome, &origin)
    }

    fn rows_at_once(&self) -> usize {
        if self.head.is_none() && self.steps.iter().any(OpenStep::multiplies) { MULTIPLIED_ROWS_AT_ONCE } else { usize::MAX }
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let _permit = self.guests.enter().await;
        let outcome = self.watermark_in_turn(watermark_ms, out).await;
        self.told(outcome, &Origin::from([]))
    }

    fn has_more(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.has_more())
    }

    fn output_watermark_ms(&self, watermark_ms: i64) -> i64 {
        self.head.as_ref().map_or(watermark_ms, |head| head.output_watermark_ms(watermark_ms))
    }

    fn next_timer_ms(&self) -> Option<i64> {
        self.head.as_ref().and_then(|head| head.next_timer_ms())
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let _permit = self.guests.enter().await;
        let outcome = self.time_in_turn(now_ms, out).await;
        self.told(outcome, &Origin::from([]))
    }

    async fn before_barrier(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let _permit = self.guests.enter().await;
        let outcome = self.barrier_in_turn(now_ms, out).await;
        self.told(outcome, &Origin::from([]))
    }

    fn has_rest(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.has_rest())
    }

    async fn emit_rest(&mut self, out: &mut Collector) -> Result<(), OperatorError> {
        let _permit = self.guests.enter().await;
        let outcome = self.more_in_turn(out).await;
        self.told(outcome, &Origin::from([]))
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        if let Some(head) = &mut self.head {
            head.committed(checkpoint);
        }
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let _permit = self.guests.enter().await;
        let Some(head) = &mut self.head else {
            return Ok(OperatorSnapshot::default());
        };
        let outcome = head.snapshot(now_ms).await;
        let snapshot = self.told(outcome, &Origin::from([]))?;
        let signed = |name: String| format!("{}/{name}", self.signature);
        let keyed = snapshot.keyed.into_iter().map(|(name, blobs)| (signed(name), blobs)).collect();
        let segments = snapshot.segments.into_iter().map(|(name, segments)| (signed(name), segments)).collect();
        Ok(OperatorSnapshot { keyed, segments, ..OperatorSnapshot::default() })
    }
}
