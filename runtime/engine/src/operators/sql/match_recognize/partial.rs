//! The partial matches of a partition, and what a row makes of them: Flink's `NFA`, for strictly contiguous patterns.
//!
//! Invariants: each partial or complete match that is kept holds one reference to the end of its path. A match is given out
//! only when no partial match that began before it can still become one.

use super::{
    automaton::{Automaton, FINAL, StateId},
    events::{Events, NONE, Place},
    priority_queue::{Ordered, PriorityQueue},
};
use crate::error::OperatorError;
use millrace_sql::plan::MatchSkip;

/// A match that is not complete, or that waits to be given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partial {
    pub state: StateId,
    /// The end of its path; none at the start.
    pub node: u32,
    pub start_ms: i64,
    /// The number of its first row; the greatest number at the start, which so stands behind all others.
    pub start_sequence: u64,
}

impl Ordered for Partial {
    fn key(&self) -> u64 {
        self.start_sequence
    }
}

impl Partial {
    pub(super) fn start(state: StateId) -> Self {
        Self { state, node: NONE, start_ms: 0, start_sequence: u64::MAX }
    }

    pub(super) fn is_start(&self) -> bool {
        self.node == NONE
    }
}

/// The rules of a pattern.
#[derive(Debug)]
pub(super) struct Rules {
    pub automaton: Automaton,
    pub within_ms: Option<i64>,
    pub skip: MatchSkip,
    /// The name of each variable, for messages.
    pub names: Vec<String>,
}

/// The row that is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    pub place: Place,
    pub time_ms: i64,
}

/// Answers whether the row that is looked at meets the condition of a variable behind a path.
pub(super) trait Conditions {
    fn is_met(&mut self, events: &Events, partial: usize, node: u32, variable: u16) -> Result<bool, OperatorError>;
}

/// The matches of one partition.
#[derive(Debug, Clone)]
pub(super) struct PartialMatches {
    pub partial: PriorityQueue<Partial>,
    pub complete: PriorityQueue<Partial>,
    pub next_sequence: u64,
}

/// Lists that are used again for each row.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    before: Vec<Partial>,
    found: Vec<Partial>,
    open: Vec<StateId>,
    edges: Vec<(StateId, StateId)>,
    complete: PriorityQueue<Partial>,
}

impl PartialMatches {
    pub(super) fn new(rules: &Rules) -> Self {
        let mut partial = PriorityQueue::default();
        partial.push(Partial::start(rules.automaton.start()));
        Self { partial, complete: PriorityQueue::default(), next_sequence: 0 }
    }

    /// Whether it is as it was at first.
    pub(super) fn is_idle(&self) -> bool {
        self.complete.is_empty() && self.partial.items().len() == 1 && self.partial.items()[0].is_start()
    }

    /// When the first of them is out of time.
    pub(super) fn deadline_ms(&self, rules: &Rules) -> Option<i64> {
        let within_ms = rules.within_ms?;
        let earliest = self.partial.peek().filter(|partial| !partial.is_start())?;
        Some(earliest.start_ms.saturating_add(within_ms))
    }

    /// Time has reached `time_ms`: drops what is out of time, and gives out what waited for it.
    pub(super) fn advance(
        &mut self,
        time_ms: i64,
        rules: &Rules,
        events: &mut Events,
        done: &mut impl FnMut(Partial),
    ) -> Result<(), OperatorError> {
        let Some(within_ms) = rules.within_ms else { return Ok(()) };
        let is_over = |partial: &Partial| !partial.is_start() && time_ms.saturating_sub(partial.start_ms) >= within_ms;
        if !self.partial.items().iter().any(is_over) {
            return Ok(());
        }
        let before = self.partial.items().to_vec();
        self.partial.clear();
        for partial in before {
            if is_over(&partial) {
                events.release(partial.node);
            } else {
                self.partial.push(partial);
            }
        }
        self.give_out(rules, events, done)
    }

    /// What a row makes of them.
    pub(super) fn take(
        &mut self,
        row: Looked,
        rules: &Rules,
        events: &mut Events,
        conditions: &mut impl Conditions,
        scratch: &mut Scratch,
        done: &mut impl FnMut(Partial),
    ) -> Result<(), OperatorError> {
        let mut event = NONE;
        scratch.before.clear();
        scratch.before.extend_from_slice(self.partial.items());
        self.partial.clear();
        let before = std::mem::take(&mut scratch.before);
        for (position, partial) in before.iter().enumerate() {
            scratch.found.clear();
            self.next(position, *partial, row, rules, events, conditions, &mut event, scratch)?;
            for &next in &scratch.found {
                if next.state == FINAL { scratch.complete.push(next) } else { self.partial.push(next) }
            }
            events.release(partial.node);
        }
        scratch.before = before;
        scratch.complete.items().iter().for_each(|&complete| self.complete.push(complete));
        scratch.complete.clear();
        if event != NONE {
            self.next_sequence += 1;
        }
        self.give_out(rules, events, done)
    }

    /// The partial matches that `partial` becomes.
    #[allow(clippy::too_many_arguments)] // the parts of one row's turn
    fn next(
        &self,
        position: usize,
        partial: Partial,
        row: Looked,
        rules: &Rules,
        events: &mut Events,
        conditions: &mut impl Conditions,
        event: &mut u32,
        scratch: &mut Scratch,
    ) -> Result<(), OperatorError> {
        let automaton = &rules.automaton;
        let mut is_met = |events: &Events, variable: u16| conditions.is_met(events, position, partial.node, variable);
        scratch.open.clear();
        scratch.open.push(partial.state);
        scratch.edges.clear();
        while let Some(state) = scratch.open.pop() {
            for edge in automaton.edges(state) {
                if edge.takes && !is_met(events, automaton.variable(state))? || !is_allowed(&edge.unless, &mut |v| is_met(events, v))? {
                    continue;
                }
                if edge.takes { scratch.edges.push((state, edge.target)) } else { scratch.open.push(edge.target) }
            }
        }
        for &(state, target) in &scratch.edges {
            if *event == NONE {
                *event = events.add_event(row.place, row.time_ms, self.next_sequence);
            }
            let node = events.add_node(*event, automaton.variable(state), partial.node);
            let (start_ms, start_sequence) =
                if partial.is_start() { (row.time_ms, self.next_sequence) } else { (partial.start_ms, partial.start_sequence) };
            let next = Partial { state: target, node, start_ms, start_sequence };
            events.retain(node);
            scratch.found.push(next);
            // What is left of the pattern may need no row.
            scratch.open.clear();
            if target != FINAL {
                scratch.open.push(target);
            }
            'ends: while let Some(state) = scratch.open.pop() {
                for edge in automaton.edges(state).iter().filter(|edge| !edge.takes) {
                    if !is_allowed(&edge.unless, &mut |v| is_met(events, v))? {
                        continue;
                    }
                    if edge.target == FINAL {
                        events.retain(node);
                        scratch.found.push(Partial { state: FINAL, ..next });
                        break 'ends;
                    }
                    scratch.open.push(edge.target);
                }
            }
        }
        if partial.is_start() {
            scratch.found.push(partial);
        }
        Ok(())
    }

    /// Gives out complete matches, the earliest first, and drops what each of them excludes.
    fn give_out(&mut self, rules: &Rules, events: &mut Events, done: &mut impl FnMut(Partial)) -> Result<(), OperatorError> {
        while let Some(&earliest) = self.complete.peek() {
            if self.partial.peek().is_some_and(|partial| earliest.key() > partial.key()) {
                break;
            }
            self.complete.pop();
            let is_excluded = excluded(earliest, rules, events)?;
            let mut gone = Vec::new();
            let mut keep = |partial: &Partial| {
                let keep = partial.is_start() || !is_excluded(partial.start_sequence);
                if !keep {
                    gone.push(partial.node);
                }
                keep
            };
            self.partial.retain(&mut keep);
            self.complete.retain(&mut keep);
            gone.into_iter().for_each(|node| events.release(node));
            // Its own reference goes with it.
            done(earliest);
        }
        Ok(())
    }
}

fn is_allowed(unless: &[u16], is_met: &mut impl FnMut(u16) -> Result<bool, OperatorError>) -> Result<bool, OperatorError> {
    for &variable in unless {
        if is_met(variable)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which other matches, by the numbers of their first rows, are dropped behind `found`.
fn excluded(found: Partial, rules: &Rules, events: &Events) -> Result<impl Fn(u64) -> bool + use<>, OperatorError> {
    let sequence_of = |event: u32| events.event(event).sequence;
    // All that begin before this.
    let below = match rules.skip {
        MatchSkip::PastLastRow => sequence_of(events.node(found.node).event).saturating_add(1),
        MatchSkip::NextRow => found.start_sequence.saturating_add(1),
        MatchSkip::First(variable) | MatchSkip::Last(variable) => {
            let last = events.last_of(found.node, variable as u16);
            let name = rules.names.get(variable).map(String::as_str).unwrap_or_default();
            if last == NONE {
                let message = format!("a match has no row of `{name}`, which AFTER MATCH SKIP goes to");
                return Err(OperatorError::Evaluation(message));
            }
            let node = events.node(last);
            let to = sequence_of(if matches!(rules.skip, MatchSkip::First(_)) { node.first } else { node.event });
            if to == found.start_sequence {
                let message = format!("AFTER MATCH SKIP goes to `{name}`, with which the match began: it would be found for ever");
                return Err(OperatorError::Evaluation(message));
            }
            to
        }
    };
    Ok(move |sequence| sequence < below)
}
