//! One state per slot: what all accumulators have in common.

use super::{Accumulator, Update, state::damaged};
use crate::EvaluationError;
use arrow_array::ArrayRef;

/// How states of one kind take rows, answer, and are stored.
pub(super) trait Kernel: Send {
    /// The state of one slot; the default is the empty one.
    type State: Default + Send;

    /// See [`Accumulator::update`]. `heap` is to be raised and lowered by what states allocate.
    fn update(&mut self, states: &mut [Self::State], update: &Update<'_>, heap: &mut Heap) -> Result<(), EvaluationError>;

    /// Whether [`Self::running`] answers: states are small enough to be kept once per row.
    const CAN_RUN: bool = false;

    /// Whether [`Self::running`] takes rows back too.
    const CAN_SLIDE: bool = false;

    /// As `update`; answers per row the state of its slot right after it. `None` without `CAN_RUN`.
    fn running(
        &mut self,
        _states: &mut [Self::State],
        _update: &Update<'_>,
        _heap: &mut Heap,
    ) -> Result<Option<Vec<Self::State>>, EvaluationError> {
        Ok(None)
    }

    /// As `running`; answers the results. For states that are too large to be kept once per row.
    fn running_values(
        &mut self,
        states: &mut [Self::State],
        update: &Update<'_>,
        heap: &mut Heap,
    ) -> Result<Option<ArrayRef>, EvaluationError> {
        let states = self.running(states, update, heap)?;
        states.map(|states| self.values(&mut states.iter())).transpose()
    }

    /// The results of these states, in their order.
    fn values(&self, states: &mut dyn ExactSizeIterator<Item = &Self::State>) -> Result<ArrayRef, EvaluationError>;

    /// Appends a state.
    fn put(&self, state: &Self::State, out: &mut Vec<u8>);

    /// Takes a state that `put` wrote.
    fn take(&self, input: &mut &[u8]) -> Result<Self::State, EvaluationError>;

    /// Merges a later state into an earlier one that is not empty.
    fn merge(&self, state: &mut Self::State, later: Self::State) -> Result<(), EvaluationError>;

    /// A copy of a state, where making one is cheaper than writing and reading it.
    fn copied(&self, _state: &Self::State) -> Option<Self::State> {
        None
    }

    /// Whether a state equals the default.
    fn is_empty(&self, state: &Self::State) -> bool;

    /// About how many bytes a state allocates outside itself.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }
}

/// Bytes allocated by states, about.
#[derive(Debug, Default)]
pub(super) struct Heap(usize);

impl Heap {
    /// Counts bytes in.
    pub(super) fn grow(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Counts bytes out.
    pub(super) fn shrink(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }

    /// Counts the difference between two sizes of the same state.
    pub(super) fn change(&mut self, before: usize, after: usize) {
        self.grow(after);
        self.shrink(before);
    }
}

/// Lets `visit` change the state of each row's slot in turn; answers the states after each row.
pub(super) fn trace<S: Clone>(states: &mut [S], groups: &[u32], mut visit: impl FnMut(&mut S, usize)) -> Vec<S> {
    let after = |(row, &group): (usize, &u32)| {
        let state = &mut states[group as usize];
        visit(state, row);
        state.clone()
    };
    groups.iter().enumerate().map(after).collect()
}

/// Whether a row is taken back.
#[inline]
pub(super) fn is_retracted(update: &Update<'_>, row: usize) -> bool {
    update.retract.is_some_and(|retract| retract[row])
}

fn check_lengths(update: &Update<'_>) -> Result<(), EvaluationError> {
    let misfit =
        update.arguments.iter().any(|a| a.len() != update.groups.len()) || update.retract.is_some_and(|r| r.len() != update.groups.len());
    if misfit {
        return Err(EvaluationError("an aggregate was given columns of different lengths".to_owned()));
    }
    Ok(())
}

/// An accumulator of a dense vector of states.
pub(super) struct Slots<K: Kernel> {
    kernel: K,
    states: Vec<K::State>,
    heap: Heap,
}

impl<K: Kernel + 'static> Slots<K> {
    /// No slots yet.
    pub(super) fn boxed(kernel: K) -> Box<dyn Accumulator> {
        Box::new(Self { kernel, states: Vec::new(), heap: Heap::default() })
    }
}

impl<K: Kernel> Slots<K> {
    fn merge_state(&mut self, group: u32, later: K::State) -> Result<(), EvaluationError> {
        let slot = self.states.get_mut(group as usize).ok_or_else(damaged)?;
        let before = self.kernel.heap_bytes(slot);
        if self.kernel.is_empty(slot) {
            *slot = later;
        } else {
            self.kernel.merge(slot, later)?;
        }
        self.heap.change(before, self.kernel.heap_bytes(slot));
        Ok(())
    }
}

impl<K: Kernel + 'static> Accumulator for Slots<K> {
    fn resize(&mut self, groups: usize) {
        if groups > self.states.len() {
            self.states.resize_with(groups, K::State::default);
        }
    }

    fn can_run(&self) -> bool {
        K::CAN_RUN
    }

    fn can_slide(&self) -> bool {
        K::CAN_SLIDE
    }

    fn running(&mut self, update: &Update<'_>) -> Result<Option<ArrayRef>, EvaluationError> {
        check_lengths(update)?;
        self.kernel.running_values(&mut self.states, update, &mut self.heap)
    }

    fn update(&mut self, update: &Update<'_>) -> Result<(), EvaluationError> {
        check_lengths(update)?;
        // Without rows there is no keyword or separator to be read either.
        if update.groups.is_empty() {
            return Ok(());
        }
        self.kernel.update(&mut self.states, update, &mut self.heap)
    }

    fn values(&self, groups: &[u32]) -> Result<ArrayRef, EvaluationError> {
        self.kernel.values(&mut groups.iter().map(|&g| &self.states[g as usize]))
    }

    fn export(&self, group: u32, out: &mut Vec<u8>) {
        self.kernel.put(&self.states[group as usize], out);
    }

    fn merge(&mut self, group: u32, state: &mut &[u8]) -> Result<(), EvaluationError> {
        let later = self.kernel.take(state)?;
        self.merge_state(group, later)
    }

    fn merge_slots(&mut self, other: &dyn Accumulator, pairs: &[(u32, u32)]) -> Result<bool, EvaluationError> {
        let Some(other) = other.as_any().and_then(|other| other.downcast_ref::<Self>()) else { return Ok(false) };
        for &(from, into) in pairs {
            let later = other.states.get(from as usize).ok_or_else(damaged)?;
            // Kernels copy all states or none.
            let Some(later) = self.kernel.copied(later) else { return Ok(false) };
            self.merge_state(into, later)?;
        }
        Ok(true)
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }

    fn clear(&mut self, group: u32) {
        let slot = &mut self.states[group as usize];
        self.heap.shrink(self.kernel.heap_bytes(slot));
        *slot = K::State::default();
    }

    fn size_bytes(&self) -> usize {
        self.states.capacity() * size_of::<K::State>() + self.heap.0
    }
}
