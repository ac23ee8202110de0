//! A sink subtask's part of a checkpoint: output that is encoded but not yet visible in Kafka.
//!
//! Layout: `MRKS`, version byte, header length (u32), JSON header, then one section per epoch. A section holds the
//! number of rows (u32), flags (byte; 1: there are keys, 2: an empty value stands for none), the ends of all values (u32
//! each), the ends of all keys, the values, the keys. Numbers are little-endian.
//!
//! Invariant: the state says by itself under which transactional id and group it is to be settled, so another instance
//! or another parallelism can do it.

use bytes::{BufMut, Bytes};
use millrace_connector::ConnectorError;
use millrace_formats::EncodedRows;
use millrace_model::ids::{CheckpointId, InstanceId, NodeId};
use serde::{Deserialize, Serialize};
use std::fmt;

const MAGIC: &[u8; 4] = b"MRKS";
const VERSION: u8 = 2;
/// Version 1 had no tombstones.
const VERSIONS_READ: std::ops::RangeInclusive<u8> = 1..=VERSION;
const HAS_KEYS: u8 = 1;
const HAS_TOMBSTONES: u8 = 2;

/// Which output is in Kafka: everything up to this checkpoint of this run. A run is one opening of the sink (epoch
/// milliseconds, always growing): when an older checkpoint is restored, its numbers are used again by a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) run: u64,
    pub(crate) checkpoint: CheckpointId,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "millrace:1:{}:{}", self.run, self.checkpoint)
    }
}

impl Token {
    /// Reads the metadata of a committed offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (run, checkpoint) = text.strip_prefix("millrace:1:")?.split_once(':')?;
        Some(Self { run: run.parse().ok()?, checkpoint: checkpoint.parse().ok()? })
    }
}

/// Who writes, and where the token is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) instance: String,
    pub(crate) subtask: usize,
    /// Transactional id of the producer, and name of the group that holds the token.
    pub(crate) transactional_id: String,
    /// Topic that is written; the token is the group's offset of its partition 0.
    pub(crate) topic: String,
}

impl Identity {
    pub(crate) fn new(instance: &InstanceId, operator: &NodeId, subtask: usize, topic: &str) -> Self {
        let transactional_id = format!("millrace-sink-{instance}-{operator}-{subtask}");
        Self { instance: instance.to_string(), subtask, transactional_id, topic: topic.to_owned() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    identity: Identity,
    run: u64,
    /// The last token that this subtask knows to be in Kafka.
    last_committed: Option<Token>,
    epochs: Vec<EpochHeader>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EpochHeader {
    checkpoint: CheckpointId,
    bytes: usize,
}

/// Output between two checkpoints.
#[derive(Debug, Clone)]
pub(crate) struct Epoch {
    pub(crate) token: Token,
    section: Bytes,
}

/// Encoded rows that no checkpoint covers yet.
#[derive(Debug, Default)]
pub(crate) struct PendingRows {
    pub(crate) values: EncodedRows,
    /// Parallel to the values; empty if the sink writes no keys.
    pub(crate) keys: EncodedRows,
    /// An empty value stands for none: the message takes the row of its key away.
    pub(crate) has_tombstones: bool,
}

/// What a sink subtask has not committed.
#[derive(Debug)]
pub(crate) struct SinkState {
    pub(crate) identity: Identity,
    pub(crate) run: u64,
    pub(crate) last_committed: Option<Token>,
    pub(crate) epochs: Vec<Epoch>,
}

impl PendingRows {
    pub(crate) fn bytes(&self) -> usize {
        self.values.data.len() + self.keys.data.len() + 4 * (self.values.ends.len() + self.keys.ends.len())
    }

    /// Forgets all rows, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.keys.clear();
    }

    /// Keys and values in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Option<&[u8]>, Option<&[u8]>)> {
        let mut keys = self.keys.iter();
        self.values.iter().map(move |value| (keys.next(), (!(value.is_empty() && self.has_tombstones)).then_some(value)))
    }

    fn write_section(&self, out: &mut Vec<u8>) {
        out.put_u32_le(self.values.len() as u32);
        out.put_u8(if self.keys.is_empty() { 0 } else { HAS_KEYS } | if self.has_tombstones { HAS_TOMBSTONES } else { 0 });
        self.values.ends.iter().chain(&self.keys.ends).for_each(|&end| out.put_u32_le(end));
        out.extend_from_slice(&self.values.data);
        out.extend_from_slice(&self.keys.data);
    }
}

impl SinkState {
    /// Adds what is pending as the epoch of `checkpoint` and writes the whole state. The epochs share the answer's
    /// memory afterwards.
    pub(crate) fn prepare(&mut self, checkpoint: CheckpointId, pending: &mut PendingRows) -> Result<Bytes, ConnectorError> {
        let section_len = |rows: &PendingRows| 5 + rows.bytes();
        let mut epochs: Vec<EpochHeader> =
            self.epochs.iter().map(|e| EpochHeader { checkpoint: e.token.checkpoint, bytes: e.section.len() }).collect();
        let fresh = !pending.values.is_empty();
        if fresh {
            epochs.push(EpochHeader { checkpoint, bytes: section_len(pending) });
        }
        let lengths: Vec<usize> = epochs.iter().map(|e| e.bytes).collect();
        let header = Header { identity: self.identity.clone(), run: self.run, last_committed: self.last_committed, epochs };
        let header = serde_json::to_vec(&header).map_err(|e| ConnectorError::Internal(format!("kafka sink state: {e}")))?;
        let mut out = Vec::with_capacity(9 + header.len() + lengths.iter().sum::<usize>());
        out.extend_from_slice(MAGIC);
        out.put_u8(VERSION);
        out.put_u32_le(header.len() as u32);
        out.extend_from_slice(&header);
        let mut at = out.len();
        self.epochs.iter().for_each(|epoch| out.extend_from_slice(&epoch.section));
        if fresh {
            pending.write_section(&mut out);
            self.epochs.push(Epoch { token: Token { run: self.run, checkpoint }, section: Bytes::new() });
            pending.clear();
        }
        let bytes = Bytes::from(out);
        for (epoch, len) in self.epochs.iter_mut().zip(lengths) {
            epoch.section = bytes.slice(at..at + len);
            at += len;
        }
        Ok(bytes)
    }

    /// Reads a state.
    pub(crate) fn from_bytes(bytes: &Bytes) -> Result<Self, ConnectorError> {
        let state = |message: String| ConnectorError::State { what: "kafka sink".into(), message };
        let body = bytes.strip_prefix(MAGIC.as_slice()).ok_or_else(|| state("does not begin with MRKS".into()))?;
        let (&version, body) = body.split_first().ok_or_else(|| state("ends after MRKS".into()))?;
        if !VERSIONS_READ.contains(&version) {
            return Err(state(format!("has version {version}, expected {VERSION}")));
        }
        let mut at = bytes.len() - body.len();
        let header_len = read_u32(bytes, at).ok_or_else(|| state("ends before its header".into()))?;
        at += 4;
        let header = bytes.get(at..at + header_len).ok_or_else(|| state("ends inside its header".into()))?;
        let header: Header = serde_json::from_slice(header).map_err(|e| state(format!("has a broken header: {e}")))?;
        at += header_len;
        let mut epochs = Vec::new();
        for EpochHeader { checkpoint, bytes: len } in header.epochs {
            let end = at.checked_add(len).filter(|&end| end <= bytes.len()).ok_or_else(|| state("ends inside an epoch".into()))?;
            let epoch = Epoch { token: Token { run: header.run, checkpoint }, section: bytes.slice(at..end) };
            if epoch.layout().is_none() {
                return Err(state(format!("has a broken epoch of checkpoint {checkpoint}")));
            }
            epochs.push(epoch);
            at = end;
        }
        Ok(Self { identity: header.identity, run: header.run, last_committed: header.last_committed, epochs })
    }

    /// Records that are not committed.
    pub(crate) fn rows(&self) -> usize {
        self.epochs.iter().map(Epoch::rows).sum()
    }
}

/// Where the parts of a section begin.
struct Layout {
    rows: usize,
    has_keys: bool,
    has_tombstones: bool,
    value_ends: usize,
    key_ends: usize,
    values: usize,
    keys: usize,
}

impl Epoch {
    pub(crate) fn rows(&self) -> usize {
        read_u32(&self.section, 0).unwrap_or(0)
    }

    fn layout(&self) -> Option<Layout> {
        let rows = read_u32(&self.section, 0)?;
        let flags = *self.section.get(4)?;
        let (has_keys, has_tombstones) = (flags & HAS_KEYS != 0, flags & HAS_TOMBSTONES != 0);
        let value_ends = 5;
        let key_ends = value_ends + 4 * rows;
        let values = key_ends + if has_keys { 4 * rows } else { 0 };
        let last_end = |ends: usize| if rows == 0 { Some(0) } else { read_u32(&self.section, ends + 4 * (rows - 1)) };
        let keys = values + last_end(value_ends)?;
        let end = keys + if has_keys { last_end(key_ends)? } else { 0 };
        (end == self.section.len()).then_some(Layout { rows, has_keys, has_tombstones, value_ends, key_ends, values, keys })
    }

    /// Keys and values in order. A broken section, which `from_bytes` refuses, gives empty texts.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Option<&[u8]>, Option<&[u8]>)> {
        let layout = self.layout();
        let rows = layout.as_ref().map_or(0, |l| l.rows);
        let (mut value_start, mut key_start) = (0, 0);
        (0..rows).map(move |row| {
            let Some(l) = &layout else { return (None, Some(&[][..])) };
            let text = |ends: usize, base: usize, start: &mut usize| {
                let end = read_u32(&self.section, ends + 4 * row).unwrap_or(*start);
                let text = self.section.get(base + *start..base + end).unwrap_or_default();
                *start = end;
                text
            };
            let value = text(l.value_ends, l.values, &mut value_start);
            let key = l.has_keys.then(|| text(l.key_ends, l.keys, &mut key_start));
            (key, (!(value.is_empty() && l.has_tombstones)).then_some(value))
        })
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> SinkState {
        let identity =
            Identity { instance: "i1".into(), subtask: 0, transactional_id: "millrace-sink-i1-out-0".into(), topic: "out".into() };
        SinkState { identity, run: 7, last_committed: None, epochs: Vec::new() }
    }

    fn pending(rows: &[(&str, &str)]) -> PendingRows {
        let mut pending = PendingRows::default();
        for (key, value) in rows {
            pending.keys.data.extend_from_slice(key.as_bytes());
            pending.keys.ends.push(pending.keys.data.len() as u32);
            pending.values.data.extend_from_slice(value.as_bytes());
            pending.values.ends.push(pending.values.data.len() as u32);
        }
        pending
    }

    fn texts(state: &SinkState) -> Vec<(u64, String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let of = |e: &Epoch| {
            e.records().map(|(k, v)| (e.token.checkpoint, text(k.unwrap_or(b"-")), v.map_or("none".into(), text))).collect::<Vec<_>>()
        };
        state.epochs.iter().flat_map(of).collect()
    }

    #[test]
    fn uncommitted_epochs_are_carried_along() {
        let mut state = fresh();
        state.prepare(1, &mut pending(&[("a", "1"), ("", "22")])).unwrap();
        state.prepare(2, &mut PendingRows::default()).unwrap();
        let mut values = pending(&[("x", "333")]);
        values.keys.clear();
        let bytes = state.prepare(3, &mut values).unwrap();
        let restored = SinkState::from_bytes(&bytes).unwrap();
        let expected = [(1, "a", "1"), (1, "", "22"), (3, "-", "333")].map(|(n, k, v)| (n, k.to_owned(), v.to_owned()));
        assert_eq!(texts(&restored), expected);
        assert_eq!(texts(&state), expected);
        assert_eq!((restored.identity, restored.run), (fresh().identity, 7));
    }

    #[test]
    fn an_empty_value_is_a_tombstone_only_where_the_sink_writes_some() {
        let mut state = fresh();
        state.prepare(1, &mut pending(&[("a", "")])).unwrap();
        let bytes = state.prepare(2, &mut PendingRows { has_tombstones: true, ..pending(&[("a", ""), ("b", "1")]) }).unwrap();
        let expected = [(1, "a", ""), (2, "a", "none"), (2, "b", "1")].map(|(n, k, v)| (n, k.to_owned(), v.to_owned()));
        assert_eq!(texts(&SinkState::from_bytes(&bytes).unwrap()), expected);
    }

    #[test]
    fn cut_or_foreign_bytes_are_refused() {
        let mut state = fresh();
        let bytes = state.prepare(1, &mut pending(&[("a", "1"), ("b", "22")])).unwrap();
        for len in 0..bytes.len() {
            assert!(SinkState::from_bytes(&bytes.slice(..len)).is_err(), "cut at {len}");
        }
        let mut newer = bytes.to_vec();
        newer[4] = 3;
        assert!(SinkState::from_bytes(&newer.into()).unwrap_err().to_string().contains("has version 3, expected 2"));
    }

    #[test]
    fn tokens_of_later_runs_are_greater() {
        let token = |run, checkpoint| Token { run, checkpoint };
        assert!(token(1, 9) < token(2, 1));
        assert_eq!(Token::parse(&token(5, 6).to_string()), Some(token(5, 6)));
        for text in ["", "millrace:1:", "millrace:1:5", "millrace:2:5:6", "millrace:1:5:x"] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }
}
