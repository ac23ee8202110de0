//! Writes one checkpoint: state blobs first, then the manifest that makes it complete, then the savepoint's copy.

use super::{StartOptions, handle::SavepointInfo};
use crate::{
    metrics::SubtaskMetrics,
    plan::{ExecutionPlan, PlannedOperator},
    state::{StateSegments, blob},
    subtask::{SubtaskState, now_ms},
};
use bytes::Bytes;
use millrace_checkpoint::{
    Blob, CheckpointError, CheckpointHeader, CheckpointReader, CheckpointStore, CheckpointWriter, KEY_GROUPS_DEFAULT, KeyGroupRange,
    KeyedChain, KeyedPart, KeyedState, Manifest, OperatorState, copy_as_savepoint, extended,
    key_groups::range_of_subtask,
    layout::{checkpoint_folder, savepoint_folder},
};
use millrace_model::ids::{CheckpointId, JobId, SavepointId};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// A checkpoint whose state is complete in memory.
pub(super) struct Collected {
    pub checkpoint: CheckpointId,
    pub savepoint: Option<SavepointId>,
    /// One per subtask, in the order of the plan.
    pub states: Vec<SubtaskState>,
    /// Per subtask.
    pub metrics: Vec<Arc<SubtaskMetrics>>,
    /// The last durable checkpoint, whose chains go on.
    pub previous: Option<Arc<Manifest>>,
}

/// A checkpoint that is durable.
pub(super) struct Written {
    pub manifest: Arc<Manifest>,
    pub savepoint: Option<SavepointInfo>,
}

/// Writes it.
pub(super) async fn write(
    store: Arc<dyn CheckpointStore>,
    plan: &ExecutionPlan,
    options: &StartOptions,
    collected: Collected,
) -> Result<Written, CheckpointError> {
    let writer = CheckpointWriter::new(store.clone(), options.instance.clone(), collected.checkpoint);
    let mut states = collected.states.into_iter().zip(collected.metrics);
    let previous = collected.previous.as_deref();
    let mut operators = Vec::with_capacity(plan.operators.len());
    for operator in &plan.operators {
        let mine: Vec<_> = states.by_ref().take(operator.parallelism).collect();
        operators.push(operator_state(&writer, operator, mine, previous).await?);
    }
    let header = CheckpointHeader { job: JobId::new(&options.job), version_hash: options.version_hash.clone(), created_ms: now_ms() };
    let manifest = Arc::new(writer.complete(header, operators).await?);
    let size_bytes = manifest.state_bytes();
    let Some(id) = collected.savepoint else { return Ok(Written { manifest, savepoint: None }) };
    let reader = CheckpointReader::open(store.clone(), &checkpoint_folder(&options.instance, collected.checkpoint)).await?;
    copy_as_savepoint(&reader, &*store, &id).await?;
    let location = savepoint_folder(&id);
    let savepoint = Some(SavepointInfo { id, location, size_bytes, checkpoint: collected.checkpoint });
    Ok(Written { manifest, savepoint })
}

async fn operator_state(
    writer: &CheckpointWriter,
    operator: &PlannedOperator,
    states: Vec<(SubtaskState, Arc<SubtaskMetrics>)>,
    previous: Option<&Manifest>,
) -> Result<OperatorState, CheckpointError> {
    let mut subtasks = Vec::new();
    let (mut parts, mut chains) = (Vec::new(), Vec::new());
    for (subtask, (state, metrics)) in (0u16..).zip(states) {
        let bytes = match state {
            SubtaskState::Source(bytes) => Bytes::from(bytes),
            SubtaskState::Sink(bytes) => bytes,
            SubtaskState::Transform(snapshot) => {
                let joined = blob::join(&snapshot.keyed);
                let range = range_of_subtask(KEY_GROUPS_DEFAULT, operator.parallelism as u16, subtask);
                let (mut written, mut full) = (joined.len() as u64, joined.len() as u64);
                if let (Some(key_groups), false) = (range, joined.is_empty()) {
                    parts.push(KeyedPart { key_groups, blob: writer.put_blob(joined).await? });
                }
                for (name, segments) in snapshot.segments {
                    let Some(range) = range else { continue };
                    let before = Chains { previous, operator, name: &name, range };
                    let (more, added) = before.after(writer, segments).await?;
                    written += added;
                    full += more.iter().flat_map(|c| &c.segments).map(|s| s.length).sum::<u64>();
                    chains.extend(more);
                }
                metrics.state.checkpoint_bytes.store(written, Relaxed);
                metrics.state.checkpoint_full_bytes.store(full, Relaxed);
                snapshot.subtask
            }
        };
        if !bytes.is_empty() {
            subtasks.push(millrace_checkpoint::SubtaskState { subtask, blob: writer.put_blob(bytes).await? });
        }
    }
    let has_keyed = !parts.is_empty() || !chains.is_empty();
    let keyed = has_keyed.then_some(KeyedState { max_parallelism: KEY_GROUPS_DEFAULT, parts, chains });
    Ok(OperatorState {
        node: operator.node.clone(),
        kind: operator.kind.clone(),
        state_version: operator.state_version(),
        signature: operator.state_signature(),
        parallelism: operator.parallelism as u16,
        subtasks,
        keyed,
    })
}

/// One state of one subtask in the checkpoint before.
struct Chains<'a> {
    previous: Option<&'a Manifest>,
    operator: &'a PlannedOperator,
    name: &'a str,
    range: KeyGroupRange,
}

impl Chains<'_> {
    /// The chains after a step, and how many bytes it has written.
    async fn after(&self, writer: &CheckpointWriter, state: StateSegments) -> Result<(Vec<KeyedChain>, u64), CheckpointError> {
        let before = match state.since {
            None => &[],
            Some(since) => match self.previous.filter(|m| m.checkpoint == since) {
                Some(manifest) => manifest.operator(&self.operator.node).and_then(|o| o.keyed.as_ref()).map_or(&[][..], |k| &k.chains),
                None => {
                    let found = self.previous.map(|m| m.checkpoint);
                    let message = format!("state `{}` goes on from checkpoint {since}, the last durable one is {found:?}", self.name);
                    return Err(CheckpointError::Internal(message));
                }
            },
        };
        let segments = self.put(writer, state).await?;
        let written = segments.iter().map(|s| s.length).sum();
        let mut chains = extended(before, self.name, self.range, &segments);
        for chain in &mut chains {
            chain.segments = writer.shortened(std::mem::take(&mut chain.segments)).await?;
        }
        Ok((chains, written))
    }

    /// Writes segments one after the other; each is made where it may block.
    async fn put(&self, writer: &CheckpointWriter, state: StateSegments) -> Result<Vec<Blob>, CheckpointError> {
        let mut segments = state.segments;
        let mut put = Vec::new();
        loop {
            let next = tokio::task::spawn_blocking(move || (segments.next(), segments));
            let (next, rest) = next.await.map_err(|error| CheckpointError::Internal(format!("making a segment: {error}")))?;
            segments = rest;
            let Some(segment) = next else { return Ok(put) };
            let segment = segment.map_err(|error| CheckpointError::LocalState(error.to_string()))?;
            put.push(writer.put_segment(segment).await?);
        }
    }
}
