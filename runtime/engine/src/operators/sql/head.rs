//! Opens the stateful part of a stage.

use super::{
    changelog_normalize::{ChangelogNormalize, ROWS},
    conflict_materialize::ConflictMaterialize,
    deduplicate_rows::{DeduplicateRows, DeduplicateSpec},
    firing_window_aggregate::FiringWindowAggregate,
    group_aggregate::GroupAggregate,
    groups::GroupSpec,
    interval_join::IntervalJoin,
    join::{RegularJoin, window::WindowJoin},
    late_rows::LateRows,
    lookup_join::LookupJoin,
    match_recognize::MatchOperator,
    over::{OverAggregate, UpdatingOver},
    rank::{RankOperator, RankSpec},
    session_aggregate::SessionAggregate,
    session_table::SessionTable,
    sliced_window_aggregate::{SlicedWindowAggregate, Slicing},
    stage::{Head, StageSettings},
    temporal_join::TemporalJoin,
    temporal_sort::TemporalSort,
    tiered_slots::TieredSlots,
    upsert_materialize::{self, UpsertMaterialize},
    window_aggregate::{WindowAggregate, Windows},
    window_rank::{WindowRank, WindowRankSpec},
};
use crate::{
    error::OperatorError,
    operators::{Operator, OperatorContext},
    state::tiered_map::TieredMap,
};
use millrace_model::Schema;
use millrace_sql::plan::{self, WindowKind, WindowStrategy};

impl Head {
    pub(super) fn rank(rank: &plan::Rank, output: Schema) -> Self {
        let spec = RankSpec {
            partition_keys: rank.partition_keys.clone(),
            order: rank.order.clone(),
            range: rank.range,
            strategy: rank.strategy.clone(),
            outputs_rank: rank.outputs_rank,
        };
        Self::Rank { spec, state_ttl_ms: rank.state_ttl_ms, output }
    }

    pub(super) fn deduplicate(node: &plan::Deduplicate, output: Schema) -> Self {
        let spec = DeduplicateSpec { keys: node.keys.clone(), keep: node.keep, time_column: node.time_column, waits: node.waits };
        Self::Deduplicate { spec, state_ttl_ms: node.state_ttl_ms, output }
    }

    pub(super) fn window_rank(rank: &plan::WindowRank, output: Schema) -> Self {
        let plan::AttachedWindow { start_column, end_column, kind, is_local_zone } = rank.window;
        let spec = WindowRankSpec {
            partition_keys: rank.partition_keys.clone(),
            order: rank.order.clone(),
            last_of_equal: rank.last_of_equal,
            first: rank.first,
            last: rank.last,
            outputs_rank: rank.outputs_rank,
        };
        let strategy = WindowStrategy::Attached { start_column, end_column, kind, is_processing_time: false, is_local_zone };
        Self::WindowRank { spec, strategy, output }
    }
}

pub(super) fn open(head: &Head, settings: &StageSettings, mut context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
    let zone = settings.zone;
    match head {
        Head::GroupAggregate { keys, calls, can_retract, state_ttl_ms, mini_batch, output } => {
            let spec = GroupSpec::new(keys.clone(), calls.clone(), *can_retract, &context.input)?;
            Ok(Box::new(GroupAggregate::new(spec, *state_ttl_ms, *mini_batch, output.to_arrow(), &mut context)?))
        }
        Head::WindowAggregate { strategy, is_group_window, emit, keys, calls, can_retract, output } => {
            let spec = GroupSpec::new(keys.clone(), calls.clone(), *can_retract, &context.input)?;
            let windows = Windows::new(strategy, zone);
            let late = LateRows::open(settings.late_records, &context)?;
            let output = output.to_arrow();
            if let Some(emit) = emit {
                return Ok(Box::new(FiringWindowAggregate::new(spec, windows, *emit, late, output, &context)?));
            }
            match windows.kind {
                WindowKind::Session { gap_ms } if windows.start_column.is_none() => {
                    Ok(Box::new(SessionAggregate::new(spec, windows, gap_ms, late, output, &mut context)?))
                }
                _ => match Slicing::of(&windows, *is_group_window, calls) {
                    Some(slicing) => Ok(Box::new(SlicedWindowAggregate::new(spec, (windows, slicing), late, output, &mut context)?)),
                    None => Ok(Box::new(WindowAggregate::new(spec, windows, late, output, &mut context)?)),
                },
            }
        }
        Head::ChangelogNormalize { keys, filter, state_ttl_ms, mini_batch, output } => {
            let what = (keys.as_slice(), filter.clone());
            let output = output.to_arrow();
            let kept = TieredMap::open(ROWS, &mut context.state, &context.metrics)?;
            let made = ChangelogNormalize::new(what, *state_ttl_ms, zone, &context.input, output, &context.restored, kept)?;
            Ok(Box::new(made.collecting(*mini_batch)))
        }
        Head::MatchRecognize { node, output } => {
            let late = LateRows::open(settings.late_records, &context)?;
            Ok(Box::new(MatchOperator::new(node, zone, late, output.to_arrow(), &mut context)?))
        }
        Head::Join(spec) => Ok(Box::new(RegularJoin::new(spec, settings, &mut context)?)),
        Head::WindowJoin(spec) => Ok(Box::new(WindowJoin::new(spec, settings, &mut context)?)),
        Head::LookupJoin { join, output } => Ok(Box::new(LookupJoin::new(join, zone, output.to_arrow(), &context)?)),
        Head::IntervalJoin { spec, output } => {
            Ok(Box::new(IntervalJoin::new(spec, &settings.inputs, zone, output.to_arrow(), &mut context)?))
        }
        Head::TemporalJoin { spec, output } => {
            Ok(Box::new(TemporalJoin::new(spec, &settings.inputs, zone, output.to_arrow(), &mut context)?))
        }
        Head::Over { spec, output } => {
            if spec.time.is_none() {
                return Ok(Box::new(UpdatingOver::new(spec.clone(), output.to_arrow(), &mut context)?));
            }
            let late = LateRows::open(settings.late_records, &context)?;
            Ok(Box::new(OverAggregate::new(spec.clone(), late, output.to_arrow(), &mut context)?))
        }
        Head::Rank { spec, state_ttl_ms, output } => Ok(Box::new(RankOperator::new(spec, *state_ttl_ms, output.to_arrow(), &mut context)?)),
        Head::Deduplicate { spec, state_ttl_ms, output } => {
            let late = LateRows::open(settings.late_records, &context)?;
            Ok(Box::new(DeduplicateRows::new(spec.clone(), *state_ttl_ms, late, output.to_arrow(), &mut context)?))
        }
        Head::WindowRank { spec, strategy, output } => {
            let late = LateRows::open(settings.late_records, &context)?;
            Ok(Box::new(WindowRank::new(spec.clone(), Windows::new(strategy, zone), late, output.to_arrow(), &mut context)?))
        }
        Head::UpsertMaterialize { spec, state_ttl_ms, output } => {
            let kept = TieredSlots::open(upsert_materialize::KEYS, &mut context.state, &context.metrics)?;
            Ok(Box::new(UpsertMaterialize::new(spec, *state_ttl_ms, &context.input, output.to_arrow(), &context.restored, kept)?))
        }
        Head::ConflictMaterialize { spec, output } => Ok(Box::new(ConflictMaterialize::new(spec, output, &mut context)?)),
        Head::TemporalSort { time_column, order, output } => {
            let late = LateRows::open(settings.late_records, &context)?;
            Ok(Box::new(TemporalSort::new(*time_column, order, late, output.to_arrow(), &context)?))
        }
        Head::SessionTable { window, output } => {
            let late = LateRows::open(settings.late_records, &context)?;
            Ok(Box::new(SessionTable::new(window, zone, late, output.to_arrow(), &mut context)?))
        }
    }
}
