//! Which partitions a subtask reads, and from where: `partition % parallelism == subtask`, without consumer groups.

use super::snapshot::Position;
use crate::{
    config::Start,
    failure::{topic_code_error, topic_error},
    native::{OffsetSpec, Topic, list_offsets},
};
use millrace_connector::{Connection, ConnectorError};
use std::{collections::BTreeMap, time::Duration};

/// What identifies a subtask's share, and how to name it in errors.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    pub(crate) topic: String,
    pub(crate) connection: Connection,
    pub(crate) subtask: usize,
    pub(crate) parallelism: usize,
}

impl Share {
    pub(crate) fn owns(&self, partition: i32) -> bool {
        usize::try_from(partition).is_ok_and(|p| p % self.parallelism.max(1) == self.subtask)
    }
}

/// All partitions of the topic. Waits.
pub(crate) fn partitions(share: &Share, topic: &Topic, timeout: Duration) -> Result<Vec<i32>, ConnectorError> {
    let client = topic.client();
    let metadata = client.metadata(Some(topic), timeout).map_err(|f| topic_error(&share.topic, &share.connection, Some(client), &f))?;
    match metadata.topic_error {
        None => Ok(metadata.partitions),
        Some(code) => Err(topic_code_error(&share.topic, &share.connection, code)),
    }
}

/// Definite positions for partitions that no snapshot knows. Waits.
///
/// Positions are settled here, not left to the first fetch: a checkpoint taken before the first record must already
/// say where "latest" was.
pub(crate) fn begin_at(
    share: &Share,
    topic: &Topic,
    fresh: &[i32],
    start: Start,
    timeout: Duration,
) -> Result<BTreeMap<i32, Position>, ConnectorError> {
    let spec = match start {
        Start::Latest | Start::Newest { .. } => OffsetSpec::Latest,
        Start::Earliest => OffsetSpec::Earliest,
        Start::Timestamp { timestamp_ms } => OffsetSpec::Timestamp(timestamp_ms),
    };
    let list = |wanted: &[i32], spec| {
        let wanted: Vec<_> = wanted.iter().map(|&p| (p, spec)).collect();
        list_offsets(topic.client(), &share.topic, &wanted, timeout)
            .map_err(|f| topic_error(&share.topic, &share.connection, Some(topic.client()), &f))
    };
    let mut offsets = list(fresh, spec)?;
    // No record is as late as the asked-for time: begin with the next one.
    let ends: Vec<i32> = offsets.iter().filter(|(_, offset)| *offset < 0).map(|(partition, _)| *partition).collect();
    offsets.retain(|(_, offset)| *offset >= 0);
    offsets.extend(list(&ends, OffsetSpec::Latest)?);
    if let Start::Newest { records } = start {
        let first: BTreeMap<i32, i64> = list(fresh, OffsetSpec::Earliest)?.into_iter().collect();
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        for (partition, offset) in &mut offsets {
            *offset = offset.saturating_sub(records).max(first.get(partition).copied().unwrap_or(0));
        }
    }
    Ok(offsets.into_iter().map(|(p, next_offset)| (p, Position { next_offset, event_time_max_ms: None })).collect())
}
