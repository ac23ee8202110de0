//! The outside world of a case: how far its inputs may be read, what has become visible, and where a run is held so that
//! it can be killed at exactly that place. It outlives the runs of the job, as a broker does.
//!
//! Invariant: a row is visible only when the checkpoint that it belongs to has been committed, and then once: a sink
//! subtask's newest committed checkpoint is kept with the rows that it made visible.

use crate::case::Row;
use async_trait::async_trait;
use millrace_connector::{ConnectorError, DeadLetter, DeadLetters};
use millrace_model::ids::CheckpointId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// The gate's position that lets everything pass.
pub const WHOLE_INPUT: u32 = 1_000;

/// Shared by the sources, the sinks and the checkpoint store of a case.
pub struct World {
    /// How much of each input may be read, in thousandths.
    gate: watch::Sender<u32>,
    /// Per source of this run: steps read, and steps in all.
    read: watch::Sender<BTreeMap<String, (usize, usize)>>,
    hold: Mutex<Option<Place>>,
    is_held: watch::Sender<bool>,
    visible: Mutex<Visible>,
    letters: Mutex<Letters>,
}

/// Where a run can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A sink has got the barrier and not answered it.
    Prepare,
    /// State is written, the manifest that makes the checkpoint complete is not.
    Manifest,
    /// The checkpoint is durable, the sink has made nothing of it visible.
    Commit,
    /// The sink has made it visible, and nobody knows.
    Committed,
}

/// Dead letters that were sent, and those that are safe.
#[derive(Default)]
struct Letters {
    sent: Vec<DeadLetter>,
    delivered: Vec<DeadLetter>,
}

#[derive(Default)]
struct Visible {
    rows: Vec<Row>,
    committed: BTreeMap<String, CheckpointId>,
}

/// Rows that a sink subtask has prepared for a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prepared {
    /// The subtask, by instance, operator and number.
    pub sink: String,
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Default for World {
    /// A world in which everything may be read and nothing is held.
    fn default() -> Self {
        Self {
            gate: watch::Sender::new(WHOLE_INPUT),
            read: watch::Sender::default(),
            hold: Mutex::default(),
            is_held: watch::Sender::new(false),
            visible: Mutex::default(),
            letters: Mutex::default(),
        }
    }
}

impl World {
    /// Forgets the run that was killed; its uncommitted rows are lost with it.
    pub fn new_run(&self, gate: u32) {
        *self.hold.lock() = None;
        self.letters.lock().sent.clear();
        self.is_held.send_replace(false);
        self.read.send_replace(BTreeMap::new());
        self.gate.send_replace(gate);
    }

    /// Lets sources read up to this many thousandths of their input.
    pub fn open_gate(&self, thousandths: u32) {
        self.gate.send_replace(thousandths);
    }

    /// Returns when every source has read up to the gate.
    pub async fn all_read(&self) {
        let gate = *self.gate.borrow();
        let all = |read: &BTreeMap<String, (usize, usize)>| read.values().all(|&(at, of)| at >= steps_before(gate, of));
        // The sender lives as long as the world.
        let _ = self.read.subscribe().wait_for(all).await;
    }

    /// Holds the run at `place` when it gets there next.
    pub fn hold(&self, place: Place) {
        *self.hold.lock() = Some(place);
    }

    /// Returns when the run is held.
    pub async fn held(&self) {
        let _ = self.is_held.subscribe().wait_for(|held| *held).await;
    }

    /// What has become visible, in order.
    pub fn visible(&self) -> Vec<Row> {
        self.visible.lock().rows.clone()
    }

    /// Dead letters that have been delivered, as operator, message and payload.
    pub fn letters(&self) -> Vec<String> {
        let letters = self.letters.lock();
        let shown = |l: &DeadLetter| format!("{} {}: {}", l.operator, l.message, String::from_utf8_lossy(&l.payload));
        letters.delivered.iter().map(shown).collect()
    }

    /// Called at every place; does not return if the run is to be held there.
    pub(crate) async fn pass(&self, place: Place) {
        if *self.hold.lock() == Some(place) {
            self.is_held.send_replace(true);
            std::future::pending::<()>().await;
        }
    }

    /// A source has read `at` of `of` steps.
    pub(crate) fn has_read(&self, source: &str, at: usize, of: usize) {
        self.read.send_modify(|read| {
            read.insert(source.to_owned(), (at, of));
        });
    }

    /// Waits until a source that has read `at` of `of` steps may read on; answers up to which step.
    pub(crate) async fn may_read(&self, at: usize, of: usize) -> usize {
        let mut gate = self.gate.subscribe();
        let passed = gate.wait_for(|&gate| gate == WHOLE_INPUT || steps_before(gate, of) > at).await;
        passed.map_or(of, |gate| steps_before(*gate, of))
    }

    /// Makes prepared rows visible, unless they are already.
    pub(crate) fn publish(&self, prepared: Prepared) {
        let mut visible = self.visible.lock();
        if visible.committed.get(&prepared.sink).is_some_and(|newest| *newest >= prepared.checkpoint) {
            return;
        }
        visible.committed.insert(prepared.sink, prepared.checkpoint);
        visible.rows.extend(prepared.rows);
    }
}

fn steps_before(gate: u32, of: usize) -> usize {
    (of * gate as usize).div_ceil(WHOLE_INPUT as usize).min(of)
}

/// The place for dead letters of one run.
pub(crate) struct CaseLetters(pub Arc<World>);

#[async_trait]
impl DeadLetters for CaseLetters {
    async fn send(&self, letters: Vec<DeadLetter>) -> Result<(), ConnectorError> {
        self.0.letters.lock().sent.extend(letters);
        Ok(())
    }

    async fn flush(&self) -> Result<(), ConnectorError> {
        let mut letters = self.0.letters.lock();
        let sent = std::mem::take(&mut letters.sent);
        letters.delivered.extend(sent);
        Ok(())
    }
}
