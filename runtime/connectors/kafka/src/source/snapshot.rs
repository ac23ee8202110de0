//! The source's part of a checkpoint: the next offset of every partition that the subtask reads.
//!
//! Versioned JSON, so that a savepoint stays readable by later releases and by people.

use millrace_connector::ConnectorError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const VERSION: u32 = 1;

/// One subtask's snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) version: u32,
    pub(crate) topic: String,
    /// The cluster that the offsets belong to; empty if it never told.
    pub(crate) cluster_id: String,
    pub(crate) partitions: BTreeMap<i32, Position>,
}

/// How far one partition has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// First offset that has not been read.
    pub(crate) next_offset: i64,
    /// Greatest event time read, in epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_time_max_ms: Option<i64>,
}

impl Snapshot {
    pub(crate) fn new(topic: &str, cluster_id: &str, partitions: BTreeMap<i32, Position>) -> Self {
        Self { version: VERSION, topic: topic.to_owned(), cluster_id: cluster_id.to_owned(), partitions }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ConnectorError> {
        serde_json::to_vec(self).map_err(|error| ConnectorError::Internal(format!("kafka source snapshot: {error}")))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ConnectorError> {
        let state = |message| ConnectorError::State { what: "kafka source".into(), message };
        let snapshot: Self = serde_json::from_slice(bytes).map_err(|error| state(format!("cannot be read: {error}")))?;
        if snapshot.version != VERSION {
            return Err(state(format!("has version {}, expected {VERSION}", snapshot.version)));
        }
        Ok(snapshot)
    }

    /// Joins the snapshots of all subtasks of any parallelism; of a partition that two hold, the one read furthest.
    pub(crate) fn merge(all: &[Vec<u8>], topic: &str, cluster_id: &str) -> Result<BTreeMap<i32, Position>, ConnectorError> {
        let mut merged: BTreeMap<i32, Position> = BTreeMap::new();
        for bytes in all {
            let snapshot = Self::from_bytes(bytes)?;
            let state = |message| ConnectorError::State { what: format!("kafka source of topic `{topic}`"), message };
            if snapshot.topic != topic {
                return Err(state(format!("belongs to topic `{}`, whose offsets mean nothing here", snapshot.topic)));
            }
            if !snapshot.cluster_id.is_empty() && !cluster_id.is_empty() && snapshot.cluster_id != cluster_id {
                let message = format!("belongs to cluster {}, whose offsets mean nothing in cluster {cluster_id}", snapshot.cluster_id);
                return Err(state(message));
            }
            for (partition, position) in snapshot.partitions {
                let kept = merged.entry(partition).or_insert(position);
                if position.next_offset > kept.next_offset {
                    *kept = position;
                }
            }
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(topic: &str, cluster: &str, offsets: &[(i32, i64)]) -> Vec<u8> {
        let position = |&(p, next_offset): &(i32, i64)| (p, Position { next_offset, event_time_max_ms: None });
        Snapshot::new(topic, cluster, offsets.iter().map(position).collect()).to_bytes().unwrap()
    }

    fn offsets(all: &[Vec<u8>]) -> Result<Vec<(i32, i64)>, String> {
        let merged = Snapshot::merge(all, "clicks", "c1").map_err(|e| e.to_string())?;
        Ok(merged.into_iter().map(|(partition, position)| (partition, position.next_offset)).collect())
    }

    #[test]
    fn snapshots_of_any_parallelism_merge() {
        let all = [bytes("clicks", "c1", &[(0, 5), (2, 7)]), bytes("clicks", "", &[(1, 6)]), bytes("clicks", "c1", &[(2, 9)])];
        assert_eq!(offsets(&all), Ok(vec![(0, 5), (1, 6), (2, 9)]));
        assert_eq!(offsets(&[]), Ok(vec![]));
    }

    #[test]
    fn foreign_and_broken_snapshots_are_refused() {
        for (broken, reason) in [
            (bytes("orders", "c1", &[]), "belongs to topic `orders`"),
            (bytes("clicks", "c2", &[]), "belongs to cluster c2"),
            (b"{}".to_vec(), "cannot be read"),
            (br#"{"version":2,"topic":"clicks","cluster_id":"","partitions":{}}"#.to_vec(), "has version 2, expected 1"),
        ] {
            let error = offsets(&[broken]).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
