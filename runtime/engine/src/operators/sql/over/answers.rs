//! Results of calls while rows come and go, for many keys in one pass where the function allows it.

use super::super::{
    evaluation_failed,
    groups::{GroupSpec, Groups},
};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::{interleave::interleave, take::take};
use millrace_functions::aggregate::{Accumulator, Update};
use std::collections::HashMap;

/// Rows in the order in which they are added or taken back.
pub(super) struct Steps<'a> {
    /// The slot of each.
    pub slots: &'a [u32],
    /// Which are taken back.
    pub retract: Option<&'a [bool]>,
    /// The columns that arguments refer to.
    pub columns: &'a [ArrayRef],
    /// Steps right after which the results of their slot are asked for, ascending.
    pub wanted: &'a [u32],
}

/// Takes the steps; answers per call the results that are wanted.
pub(super) fn answers(groups: &mut Groups, spec: &GroupSpec, steps: &Steps<'_>) -> Result<Vec<ArrayRef>, OperatorError> {
    let (counts, accumulators) = groups.parts_mut();
    for (step, &slot) in steps.slots.iter().enumerate() {
        counts[slot as usize] += if steps.retract.is_some_and(|r| r[step]) { -1 } else { 1 };
    }
    let mut answers = Vec::with_capacity(accumulators.len());
    for (call, accumulator) in spec.calls.iter().zip(accumulators) {
        let arguments: Vec<ArrayRef> = call.arguments.iter().map(|&i| steps.columns[i].clone()).collect();
        let can_run = accumulator.can_run() && (steps.retract.is_none() || accumulator.can_slide());
        answers.push(if can_run {
            let update = Update { groups: steps.slots, retract: steps.retract, arguments: &arguments };
            let all = accumulator.running(&update).map_err(evaluation_failed)?;
            let all = all.ok_or_else(|| OperatorError::Internal(format!("`{}` has no running results", call.function.name())))?;
            if steps.wanted.len() == all.len() { all } else { take(&all, &UInt32Array::from(steps.wanted.to_vec()), None)? }
        } else {
            in_rounds(accumulator.as_mut(), steps, &arguments)?
        });
    }
    Ok(answers)
}

/// Without running results: the steps of each slot up to its first result, then those up to its second, and so on; within
/// such a round no slot is asked twice.
fn in_rounds(accumulator: &mut dyn Accumulator, steps: &Steps<'_>, arguments: &[ArrayRef]) -> Result<ArrayRef, OperatorError> {
    let mut asked: HashMap<u32, usize> = HashMap::new();
    let mut rounds: Vec<Round> = Vec::new();
    let mut places = Vec::with_capacity(steps.wanted.len());
    let mut wanted = steps.wanted.iter().copied().peekable();
    for (step, &slot) in steps.slots.iter().enumerate() {
        let asked = asked.entry(slot).or_default();
        let number = *asked;
        if rounds.len() == number {
            rounds.push(Round::default());
        }
        let round = &mut rounds[number];
        round.steps.push(step as u32);
        if wanted.next_if_eq(&(step as u32)).is_some() {
            places.push((number, round.wanted.len()));
            round.wanted.push(slot);
            *asked += 1;
        }
    }
    let mut results = Vec::with_capacity(rounds.len());
    for round in &rounds {
        if round.steps.len() == steps.slots.len() {
            accumulator.update(&Update { groups: steps.slots, retract: steps.retract, arguments }).map_err(evaluation_failed)?;
        } else {
            let chosen = UInt32Array::from(round.steps.clone());
            let groups: Vec<u32> = round.steps.iter().map(|&s| steps.slots[s as usize]).collect();
            let retract: Option<Vec<bool>> = steps.retract.map(|r| round.steps.iter().map(|&s| r[s as usize]).collect());
            let arguments = arguments.iter().map(|a| take(a, &chosen, None)).collect::<Result<Vec<_>, _>>()?;
            let update = Update { groups: &groups, retract: retract.as_deref(), arguments: &arguments };
            accumulator.update(&update).map_err(evaluation_failed)?;
        }
        results.push(accumulator.values(&round.wanted).map_err(evaluation_failed)?);
    }
    let results: Vec<&dyn Array> = results.iter().map(AsRef::as_ref).collect();
    if results.is_empty() {
        return accumulator.values(&[]).map_err(evaluation_failed);
    }
    Ok(interleave(&results, &places)?)
}

#[derive(Default)]
struct Round {
    steps: Vec<u32>,
    /// Slots whose results are asked for.
    wanted: Vec<u32>,
}
