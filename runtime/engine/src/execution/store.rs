//! Writes one checkpoint: state blobs first, then the manifest that makes it complete, then the savepoint's copy.

use super::{StartOptions, handle::SavepointInfo};
use crate::{
    plan::{ExecutionPlan, PlannedOperator},
    state::blob,
    subtask::{SubtaskState, now_ms},
};
use bytes::Bytes;
use millrace_checkpoint::{
    CheckpointError, CheckpointHeader, CheckpointReader, CheckpointStore, CheckpointWriter, KEY_GROUPS_DEFAULT, KeyedPart, KeyedState,
    OperatorState, copy_as_savepoint,
    key_groups::range_of_subtask,
    layout::{checkpoint_folder, savepoint_folder},
};
use millrace_model::ids::{CheckpointId, JobId, SavepointId};
use std::sync::Arc;

/// A checkpoint whose state is complete in memory.
pub(super) struct Collected {
    pub checkpoint: CheckpointId,
    pub savepoint: Option<SavepointId>,
    /// One per subtask, in the order of the plan.
    pub states: Vec<SubtaskState>,
}

/// Writes it. Answers the size in bytes and, for a savepoint, where it is.
pub(super) async fn write(
    store: Arc<dyn CheckpointStore>,
    plan: &ExecutionPlan,
    options: &StartOptions,
    collected: Collected,
) -> Result<(u64, Option<SavepointInfo>), CheckpointError> {
    let writer = CheckpointWriter::new(store.clone(), options.instance.clone(), collected.checkpoint);
    let mut states = collected.states.into_iter();
    let mut operators = Vec::with_capacity(plan.operators.len());
    for operator in &plan.operators {
        let mine: Vec<SubtaskState> = states.by_ref().take(operator.parallelism).collect();
        operators.push(operator_state(&writer, operator, mine).await?);
    }
    let header = CheckpointHeader { job: JobId::new(&options.job), version_hash: options.version_hash.clone(), created_ms: now_ms() };
    let manifest = writer.complete(header, operators).await?;
    let size_bytes = manifest.state_bytes();
    let Some(id) = collected.savepoint else { return Ok((size_bytes, None)) };
    let reader = CheckpointReader::open(store.clone(), &checkpoint_folder(&options.instance, collected.checkpoint)).await?;
    copy_as_savepoint(&reader, &*store, &id).await?;
    let location = savepoint_folder(&id);
    Ok((size_bytes, Some(SavepointInfo { id, location, size_bytes, checkpoint: collected.checkpoint })))
}

async fn operator_state(
    writer: &CheckpointWriter,
    operator: &PlannedOperator,
    states: Vec<SubtaskState>,
) -> Result<OperatorState, CheckpointError> {
    let mut subtasks = Vec::new();
    let mut parts = Vec::new();
    for (subtask, state) in (0u16..).zip(states) {
        let bytes = match state {
            SubtaskState::Source(bytes) => Bytes::from(bytes),
            SubtaskState::Sink(bytes) => bytes,
            SubtaskState::Transform(snapshot) => {
                let joined = blob::join(&snapshot.keyed);
                let range = range_of_subtask(KEY_GROUPS_DEFAULT, operator.parallelism as u16, subtask);
                if let (Some(key_groups), false) = (range, joined.is_empty()) {
                    parts.push(KeyedPart { key_groups, blob: writer.put_blob(joined).await? });
                }
                snapshot.subtask
            }
        };
        if !bytes.is_empty() {
            subtasks.push(millrace_checkpoint::SubtaskState { subtask, blob: writer.put_blob(bytes).await? });
        }
    }
    let keyed = (!parts.is_empty()).then_some(KeyedState { max_parallelism: KEY_GROUPS_DEFAULT, parts });
    Ok(OperatorState {
        node: operator.node.clone(),
        kind: operator.kind.clone(),
        state_version: operator.state_version(),
        parallelism: operator.parallelism as u16,
        subtasks,
        keyed,
    })
}
