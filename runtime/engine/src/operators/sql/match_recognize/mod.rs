//! `MATCH_RECOGNIZE`: patterns in the rows of each partition (Flink's `CepOperator` and its `NFA`).
//!
//! With event time rows wait for the watermark, then each partition takes its rows in the order of time and of the further
//! columns of ORDER BY; rows behind the watermark are dropped and counted. With processing time rows are taken as they come.
//! Rows that are due are brought together into one batch, sorted by partition; conditions that look at one row alone are
//! evaluated over the batch; comparisons with rows of the match are made one by one; all others are evaluated for the
//! partial matches of all partitions together, one row of each partition at a time.
//!
//! Invariants: a partition is kept only while it has rows that wait or matches that are under way. Each row is held once,
//! however many partial matches it belongs to. Partitions leave memory when it is short, with their rows; those whose rows are
//! due, or whose matches get out of time, are known by that time ([`DueKeys`]) and come back in portions.

mod automaton;
mod conditions;
mod events;
mod over_match;
mod partial;
mod partitions;
mod pending;
mod priority_queue;
mod quick;
mod state;

use super::{
    kept_watermark::KeptWatermark,
    late_rows::{LateRow, LateRows},
    row_bytes::RowBytes,
    rows_of,
    tiered_slots::TieredSlots,
};
use crate::{
    error::OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorSnapshot},
    state::DueKeys,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{SchemaRef, SortOptions};
use arrow_select::take::take_record_batch;
use async_trait::async_trait;
use automaton::Automaton;
use conditions::{ConditionSet, Looking};
use events::Events;
use millrace_functions::EvaluationContext;
use millrace_model::{Batch, Origin, Schema, ids::CheckpointId};
use millrace_sql::plan::{MatchRecognize, OrderKey};
use over_match::{Instance, OverMatch};
use partial::{Looked, Partial, Rules, Scratch};
use partitions::{Partition, Partitions};
use pending::{Due, Pending};
use std::{collections::BTreeSet, ops::Range};

/// Rows per emitted batch at most.
const EMIT_ROWS_MAX: usize = 8_192;

/// Which columns of the input are kept, and where.
struct Layout {
    /// Input columns that are read at all; batches of rows have these.
    used: Vec<usize>,
    /// Of those the ones that are needed of rows of a match.
    held: Vec<usize>,
    /// The keys among the held ones.
    keys: Vec<usize>,
    /// The time among the used ones.
    time: usize,
    /// Further columns of ORDER BY, by position among the used ones.
    order: Vec<OrderKey>,
    is_processing_time: bool,
}

impl Layout {
    fn new(node: &MatchRecognize) -> Self {
        let used: Vec<usize> = node.columns().into_iter().collect();
        let place = |column: &usize| used.binary_search(column).unwrap_or_default();
        let mut held: BTreeSet<usize> = node.keys.iter().copied().collect();
        let of_path = node.variables.iter().filter_map(|v| v.condition.as_ref()).filter(|c| !c.is_of_current_row());
        of_path.chain(&node.measures).for_each(|e| e.columns(&mut held));
        let held: Vec<usize> = held.into_iter().collect();
        let keys = node.keys.iter().map(|key| held.binary_search(key).unwrap_or_default()).collect();
        let order = node.order.iter().map(|key| OrderKey { column: place(&key.column), ..*key }).collect();
        Self {
            held: held.iter().map(place).collect(),
            keys,
            time: place(&node.time_column),
            order,
            is_processing_time: node.is_processing_time,
            used,
        }
    }

    /// The position of an input column among the used ones.
    fn used(&self, column: usize) -> usize {
        self.used.binary_search(&column).unwrap_or_default()
    }

    /// The position of an input column among the held ones.
    fn held(&self, column: usize) -> usize {
        self.held.binary_search(&self.used(column)).unwrap_or_default()
    }
}

/// What decides over restoring: the columns that are kept, and the states of the pattern.
pub(super) fn signature(node: &MatchRecognize) -> String {
    let layout = Layout::new(node);
    let variables: Vec<_> = node.variables.iter().map(|v| (v.least, v.most, v.is_greedy)).collect();
    format!("match {:?} {:?} {:?} {} {:?} {variables:?}", layout.used, layout.held, node.keys, layout.time, node.is_processing_time)
}

/// A match that is given out.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Matches leave in this order.
    rank: u32,
    partial: Partial,
    time_ms: i64,
}

/// Rows of a batch that a partition takes.
struct Turn {
    partition: u32,
    rows: Range<usize>,
}

pub(crate) struct MatchOperator {
    layout: Layout,
    rules: Rules,
    conditions: ConditionSet,
    measures: Vec<OverMatch>,
    keys: RowBytes,
    used_bytes: RowBytes,
    held_bytes: RowBytes,
    /// Compares rows of one time.
    order: Option<RowConverter>,
    partitions: Partitions,
    /// When partitions that are not in memory are looked at.
    away: DueKeys,
    has_more: bool,
    pending: Pending,
    events: Events,
    watermark: KeptWatermark,
    late: LateRows,
    scratch: Scratch,
    evaluation: EvaluationContext,
    output: SchemaRef,
}

impl MatchOperator {
    pub(crate) fn new(
        node: &MatchRecognize,
        zone: chrono_tz::Tz,
        late: LateRows,
        output: SchemaRef,
        context: &mut OperatorContext,
    ) -> Result<Self, OperatorError> {
        let away = DueKeys::open("matches-due", &context.state);
        let (kept, segments) = TieredSlots::open(state::MATCHES, &mut context.state, &context.metrics)?;
        let layout = Layout::new(node);
        let (used, held) = (|column: usize| layout.used(column), |column: usize| layout.held(column));
        let conditions = ConditionSet::new(&node.variables, &used, &held)?;
        let measures = node.measures.iter().map(|m| OverMatch::new(m, None, &used, &held)).collect::<Result<Vec<_>, _>>()?;
        let rules = Rules {
            automaton: Automaton::new(&node.variables),
            within_ms: node.within_ms,
            skip: node.skip,
            names: node.variables.iter().map(|v| v.name.clone()).collect(),
        };
        let fields = |columns: &[usize]| columns.iter().map(|&c| context.input.fields()[c].clone()).collect();
        let used_schema = Schema::new(fields(&layout.used)).unwrap_or_default();
        let all: Vec<usize> = (0..layout.used.len()).collect();
        let held: Vec<usize> = layout.held.iter().map(|&c| layout.used[c]).collect();
        let held_schema = Schema::new(fields(&held)).unwrap_or_default();
        let positions: Vec<usize> = (0..held.len()).collect();
        let types = layout.order.iter().map(|key| {
            let options = SortOptions { descending: key.descending, nulls_first: key.nulls_first };
            SortField::new_with_options(used_schema.fields()[key.column].data_type.to_arrow(), options)
        });
        let order = if layout.order.is_empty() { None } else { Some(RowConverter::new(types.collect())?) };
        let mut made = Self {
            keys: RowBytes::new(&node.keys, &context.input)?,
            used_bytes: RowBytes::new(&all, &used_schema)?,
            held_bytes: RowBytes::new(&positions, &held_schema)?,
            layout,
            rules,
            conditions,
            measures,
            order,
            partitions: Partitions::new(kept),
            away,
            has_more: false,
            pending: Pending::default(),
            events: Events::default(),
            watermark: KeptWatermark::open(context)?,
            late,
            scratch: Scratch::default(),
            evaluation: EvaluationContext { zone, ..EvaluationContext::default() },
            output,
        };
        made.restore(segments, context.restored.get(state::MATCHES))?;
        Ok(made)
    }

    /// The columns that are read, and the partition of each row.
    fn take_in(&mut self, rows: &RecordBatch) -> Result<(Vec<ArrayRef>, Vec<u32>), OperatorError> {
        let keys = self.keys.convert(rows)?;
        self.bring((0..rows.num_rows()).map(|row| keys.get(row)))?;
        let Self { partitions, rules, .. } = self;
        let partitions = (0..rows.num_rows()).map(|row| partitions.slot(keys.get(row), rules)).collect();
        Ok((self.layout.used.iter().map(|&c| rows.column(c).clone()).collect(), partitions))
    }

    /// Rows of processing time, as they come.
    fn take_now(&mut self, rows: &RecordBatch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let (columns, of_row) = self.take_in(rows)?;
        if self.order.is_some() {
            let waiting = of_row.iter().enumerate().map(|(row, &partition)| (row as u32, now_ms, partition));
            self.pending.add(columns, waiting)?;
            of_row.iter().for_each(|&partition| self.partitions.waits(partition));
            return Ok(());
        }
        let mut order: Vec<u32> = (0..of_row.len() as u32).collect();
        order.sort_by_key(|&row| of_row[row as usize]);
        let rows = take_record_batch(&rows_of(&columns, of_row.len())?, &UInt32Array::from(order.clone()))?;
        let turns = turns(order.iter().map(|&row| of_row[row as usize]));
        let times = vec![now_ms; of_row.len()];
        let mut found = Vec::new();
        self.run(&rows, &times, &turns, Some(&order), &mut found)?;
        self.finish(turns.iter().map(|turn| turn.partition), found, out)
    }

    /// Takes rows up to `time_ms`: first those of partitions in memory, then those of a portion of the others.
    fn fire(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.fire_in_memory(time_ms, out)?;
        self.has_more = self.bring_due(time_ms)?;
        if self.has_more {
            self.fire_in_memory(time_ms, out)?;
        }
        self.make_room()
    }

    /// Takes all rows up to `time_ms`, and gives out what no row can change any more.
    fn fire_in_memory(&mut self, time_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut due = self.pending.take_due(time_ms);
        let is_event_time = !self.layout.is_processing_time;
        let over = if is_event_time { self.partitions.take_over(time_ms) } else { Vec::new() };
        if due.is_empty() && over.is_empty() {
            return Ok(());
        }
        let touched = self.partitions.rank(due.iter().map(|d| (d.waiting.partition, d.waiting.time_ms)).chain(over));
        let mut found = Vec::new();
        if !due.is_empty() {
            self.sort_due(&mut due)?;
            let rows = self.pending.gather(&due)?;
            self.pending.settle();
            let times: Vec<i64> = due.iter().map(|d| d.waiting.time_ms).collect();
            let turns = turns(due.iter().map(|d| d.waiting.partition));
            due.iter().for_each(|d| self.partitions.waits_no_more(d.waiting.partition));
            self.run(&rows, &times, &turns, None, &mut found)?;
        }
        if is_event_time && self.rules.within_ms.is_some() {
            let Self { partitions, rules, events, .. } = self;
            for &partition in &touched {
                let Some(at) = partitions.at(partition) else { continue };
                let rank = at.rank;
                at.matches.advance(time_ms, rules, events, &mut |partial| found.push(Found { rank, partial, time_ms }))?;
            }
        }
        self.finish(touched.into_iter(), found, out)
    }

    /// By partition, then time, then the further columns of ORDER BY, then arrival.
    fn sort_due(&mut self, due: &mut Vec<Due>) -> Result<(), OperatorError> {
        let Self { partitions, pending, order, layout, .. } = self;
        let rank = |due: &Due| partitions.get(due.waiting.partition).map_or(0, |p| p.rank);
        let Some(converter) = order else {
            due.sort_by_key(|d| (rank(d), d.waiting.time_ms, d.waiting.arrival));
            return Ok(());
        };
        let columns = layout.order.iter().map(|key| pending.gather_column(key.column, due)).collect::<Result<Vec<_>, _>>()?;
        let rows = converter.convert_columns(&columns)?;
        let mut sorted: Vec<usize> = (0..due.len()).collect();
        sorted.sort_by(|&a, &b| {
            let key = |i: usize| (rank(&due[i]), due[i].waiting.time_ms);
            key(a)
                .cmp(&key(b))
                .then_with(|| rows.row(a).cmp(&rows.row(b)))
                .then_with(|| due[a].waiting.arrival.cmp(&due[b].waiting.arrival))
        });
        *due = sorted.into_iter().map(|i| due[i]).collect();
        Ok(())
    }

    /// Each partition takes its rows. Matches are ranked by their partition, or by the rows that complete them if `arrivals`
    /// says when those came.
    fn run(
        &mut self,
        rows: &RecordBatch,
        times: &[i64],
        turns: &[Turn],
        arrivals: Option<&[u32]>,
        found: &mut Vec<Found>,
    ) -> Result<(), OperatorError> {
        let held = self.layout.held.iter().map(|&c| rows.column(c).clone()).collect();
        let Self { rules, conditions, partitions, events, scratch, evaluation, .. } = self;
        let chunk = events.add_chunk(held, rows.num_rows());
        let looking = Looking { rows, chunk, context: evaluation };
        conditions.look(&looking)?;
        // A row that begins nothing passes by partitions without partial matches.
        let begins = conditions.possible(rules.automaton.beginning());
        let longest = turns.iter().map(|turn| turn.rows.len()).max().unwrap_or(0);
        let in_rounds = conditions.asks_together();
        let rounds = if in_rounds { longest } else { 1 };
        let mut first: Vec<usize> = vec![0; turns.len()];
        let mut open: Vec<usize> = (0..turns.len()).collect();
        for round in 0..rounds {
            let chosen = |turn: &Turn| if in_rounds { turn.rows.start + round..turn.rows.start + round + 1 } else { turn.rows.clone() };
            if in_rounds {
                open.retain(|&turn| round < turns[turn].rows.len());
                conditions.begin_round();
                for &turn in &open {
                    let Some(Partition { matches, .. }) = partitions.at(turns[turn].partition) else { continue };
                    let row = turns[turn].rows.start + round;
                    let rank = rank_of(turn, row, arrivals);
                    let time_ms = times[row];
                    matches.advance(time_ms, rules, events, &mut |partial| found.push(Found { rank, partial, time_ms }))?;
                    first[turn] = conditions.asked_so_far();
                    let may_begin = begins.as_ref().is_none_or(|bits| bits.value(row));
                    for partial in matches.partial.items() {
                        // Answers are found by the numbers of partial matches: each has its place, asked for or not.
                        let is_of_use = may_begin || !partial.is_start();
                        let asked = if is_of_use { rules.automaton.asked(partial.state) } else { &[] };
                        conditions.ask(partial, asked, (chunk, row as u32), row as u32, time_ms);
                    }
                }
                conditions.answer(&looking, events)?;
            }
            for &turn in &open {
                let Some(Partition { matches, .. }) = partitions.at(turns[turn].partition) else { continue };
                for row in chosen(&turns[turn]) {
                    if matches.is_idle() && begins.as_ref().is_some_and(|bits| !bits.value(row)) {
                        continue;
                    }
                    let (time_ms, rank) = (times[row], rank_of(turn, row, arrivals));
                    let mut done = |partial| found.push(Found { rank, partial, time_ms });
                    matches.advance(time_ms, rules, events, &mut done)?;
                    let looked = Looked { place: (chunk, row as u32), time_ms };
                    let mut of_row = conditions.for_row(&looking, row as u32, time_ms, first[turn]);
                    matches.take(looked, rules, events, &mut of_row, scratch, &mut done)?;
                }
            }
        }
        Ok(())
    }

    /// Gives out matches, and lets go of what is not needed any more.
    fn finish(&mut self, mut touched: impl Iterator<Item = u32>, mut found: Vec<Found>, out: &mut Collector) -> Result<(), OperatorError> {
        found.sort_by_key(|found| found.rank);
        for found in found.chunks(EMIT_ROWS_MAX) {
            let rows = self.rows(found)?;
            out.emit(Batch { rows, kinds: None, origin: Origin::from([]) });
        }
        found.iter().for_each(|found| self.events.release(found.partial.node));
        let has_deadlines = !self.layout.is_processing_time;
        touched.try_for_each(|partition| self.partitions.settle(partition, &self.rules, has_deadlines))?;
        self.events.settle()
    }

    /// The rows of matches: keys, then measures.
    fn rows(&mut self, found: &[Found]) -> Result<RecordBatch, OperatorError> {
        let Self { events, measures, evaluation, layout, output, .. } = self;
        let instances: Vec<Instance> = found.iter().map(|f| Instance { node: f.partial.node, current: None, time_ms: f.time_ms }).collect();
        let places: Vec<_> = instances.iter().map(|i| events.event(events.node(i.node).event).place).collect();
        let mut columns = layout.keys.iter().map(|&key| events.gather(key, &places)).collect::<Result<Vec<_>, _>>()?;
        let no_rows = rows_of(&[], 0)?;
        for measure in measures {
            columns.push(measure.evaluate(&instances, &no_rows, events, evaluation)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(found.len()));
        Ok(RecordBatch::try_new_with_options(output.clone(), columns, &options)?)
    }
}

fn rank_of(turn: usize, row: usize, arrivals: Option<&[u32]>) -> u32 {
    arrivals.map_or(turn as u32, |arrivals| arrivals[row])
}

/// Rows of one partition after the other.
fn turns(partitions: impl Iterator<Item = u32>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for (row, partition) in partitions.enumerate() {
        match turns.last_mut().filter(|turn| turn.partition == partition) {
            Some(turn) => turn.rows.end = row + 1,
            None => turns.push(Turn { partition, rows: row..row + 1 }),
        }
    }
    turns
}

#[async_trait]
impl Operator for MatchOperator {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.evaluation.now_ms = now_ms;
        if self.layout.is_processing_time {
            self.take_now(&batch.rows, now_ms, out)?;
            return self.make_room();
        }
        let time = batch.rows.column(self.layout.used[self.layout.time]).clone();
        let times = super::window_time::event_times(&time, "MATCH_RECOGNIZE")?;
        let watermark_ms = self.watermark.ms;
        let is_late = |row: usize| times[row] <= watermark_ms;
        let late: Vec<LateRow> = (0..times.len())
            .filter(|&row| is_late(row))
            .map(|row| LateRow { row: row as u32, start_ms: times[row], end_ms: times[row] })
            .collect();
        if late.len() < times.len() {
            let in_time: Vec<u32> = (0..times.len() as u32).filter(|&row| !is_late(row as usize)).collect();
            let rows =
                if late.is_empty() { batch.rows.clone() } else { take_record_batch(&batch.rows, &UInt32Array::from(in_time.clone()))? };
            let (columns, of_row) = self.take_in(&rows)?;
            let waiting = in_time.iter().zip(&of_row).enumerate();
            let waiting = waiting.map(|(row, (&at, &partition))| (row as u32, times[at as usize], partition));
            self.pending.add(columns, waiting)?;
            of_row.iter().for_each(|&partition| self.partitions.waits(partition));
        }
        self.make_room()?;
        self.late.take(&batch, &late, watermark_ms).await
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.watermark.rise(watermark_ms);
        // The end of a bounded input lets nothing wait for the clock.
        if self.layout.is_processing_time && watermark_ms < i64::MAX {
            return Ok(());
        }
        self.fire(watermark_ms, out)
    }

    fn has_more(&self) -> bool {
        self.has_more
    }

    fn next_timer_ms(&self) -> Option<i64> {
        // Rows of this very millisecond may still come.
        self.pending
            .first_ms()
            .into_iter()
            .chain(self.away.next_ms())
            .min()
            .filter(|_| self.layout.is_processing_time)
            .map(|first_ms| first_ms.saturating_add(1))
    }

    async fn on_processing_time(&mut self, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.evaluation.now_ms = now_ms;
        if self.layout.is_processing_time {
            self.fire(now_ms.saturating_sub(1), out)?;
            // The clock calls again at once for what is left.
            self.has_more = false;
        }
        Ok(())
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        self.stored()
    }

    fn committed(&mut self, checkpoint: CheckpointId) {
        self.partitions.kept.committed(checkpoint);
    }
}
