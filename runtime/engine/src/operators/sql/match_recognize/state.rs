//! What a partition keeps, in bytes: the rows that wait, the rows of its matches, the paths through them, and the matches.
//!
//! Paths are written as lists of nodes, each after the one before it, so that reading needs no look ahead. Whatever is read
//! is checked against the pattern.

use super::{
    MatchOperator,
    automaton::FINAL,
    events::NONE,
    partial::{Partial, PartialMatches},
    pending::Waiting,
};
use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::sql::{
        groups::{BlobWriter, read_i64},
        row_bytes::ByteRows,
        rows_of,
    },
    state::{KeyGroupBlobs, StateError},
};
use std::collections::{BTreeMap, HashMap};

const MATCHES: &str = "matches";

/// A partition as it was stored.
struct Stored<'a> {
    key: &'a [u8],
    next_sequence: u64,
    waiting: Vec<(i64, &'a [u8])>,
    events: Vec<(i64, u64, &'a [u8])>,
    /// Event, variable, node before.
    nodes: Vec<(u32, u16, u32)>,
    partial: Vec<Partial>,
    complete: Vec<Partial>,
}

impl MatchOperator {
    /// The state of all partitions.
    pub(super) fn stored(&self) -> Result<BTreeMap<String, KeyGroupBlobs>, OperatorError> {
        let mut runs: Vec<ByteRows> = Vec::new();
        let mut waiting: HashMap<u32, Vec<(Waiting, usize)>> = HashMap::new();
        for (columns, rows) in self.pending.runs() {
            let count = columns.first().map_or(0, |c| c.len());
            runs.push(self.used_bytes.convert(&rows_of(columns, count)?)?);
            rows.iter().for_each(|&row| waiting.entry(row.partition).or_default().push((row, runs.len() - 1)));
        }
        let mut chunks: HashMap<u32, ByteRows> = HashMap::new();
        for (chunk, columns, count) in self.events.chunks() {
            chunks.insert(chunk, self.held_bytes.convert(&rows_of(columns, count)?)?);
        }
        let mut blobs = BlobWriter::default();
        for (slot, partition) in self.partitions.iter() {
            let mut waiting = waiting.remove(&slot).unwrap_or_default();
            waiting.sort_by_key(|(row, _)| row.arrival);
            blobs.entry(&partition.key, |out| {
                put_u64(out, partition.matches.next_sequence);
                put_u32(out, waiting.len());
                for (row, run) in waiting {
                    out.extend_from_slice(&row.time_ms.to_le_bytes());
                    put_bytes(out, runs[run].get(row.row as usize));
                }
                self.put_matches(&partition.matches, &chunks, out);
            });
        }
        Ok(BTreeMap::from([(MATCHES.to_owned(), blobs.finish())]))
    }

    fn put_matches(&self, matches: &PartialMatches, chunks: &HashMap<u32, ByteRows>, out: &mut Vec<u8>) {
        let (mut nodes, mut numbers) = (Vec::new(), HashMap::new());
        for partial in matches.partial.items().iter().chain(matches.complete.items()) {
            let (mut node, from) = (partial.node, nodes.len());
            while node != NONE && !numbers.contains_key(&node) {
                numbers.insert(node, 0);
                nodes.push(node);
                node = self.events.node(node).previous;
            }
            nodes[from..].reverse();
            numbers.extend(nodes[from..].iter().enumerate().map(|(i, &node)| (node, (from + i) as u32)));
        }
        let number = |node: u32| numbers.get(&node).copied().unwrap_or(NONE);
        let (mut events, mut event_numbers) = (Vec::new(), HashMap::new());
        for &node in &nodes {
            let event = self.events.node(node).event;
            event_numbers.entry(event).or_insert_with(|| {
                events.push(event);
                (events.len() - 1) as u32
            });
        }
        put_u32(out, events.len());
        for event in events.iter().map(|&event| self.events.event(event)) {
            out.extend_from_slice(&event.time_ms.to_le_bytes());
            put_u64(out, event.sequence);
            put_bytes(out, chunks.get(&event.place.0).map_or(&[], |rows| rows.get(event.place.1 as usize)));
        }
        put_u32(out, nodes.len());
        for node in nodes.iter().map(|&node| self.events.node(node)) {
            out.extend_from_slice(&event_numbers.get(&node.event).copied().unwrap_or(NONE).to_le_bytes());
            out.extend_from_slice(&node.variable.to_le_bytes());
            out.extend_from_slice(&number(node.previous).to_le_bytes());
        }
        for queue in [&matches.partial, &matches.complete] {
            put_u32(out, queue.items().len());
            for partial in queue.items() {
                out.extend_from_slice(&partial.state.to_le_bytes());
                out.extend_from_slice(&number(partial.node).to_le_bytes());
                out.extend_from_slice(&partial.start_ms.to_le_bytes());
                put_u64(out, partial.start_sequence);
            }
        }
    }

    /// Takes up what was stored.
    pub(super) fn restore(&mut self, restored: &BTreeMap<String, KeyGroupBlobs>) -> Result<(), OperatorError> {
        let mut all = Vec::new();
        for (&group, blob) in restored.get(MATCHES).into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                all.push(self.read(group, &mut blob)?);
            }
        }
        let waiting: Vec<&[u8]> = all.iter().flat_map(|p| p.waiting.iter().map(|(_, row)| *row)).collect();
        let held: Vec<&[u8]> = all.iter().flat_map(|p| p.events.iter().map(|(.., row)| *row)).collect();
        let waiting_columns = if waiting.is_empty() { Vec::new() } else { self.used_bytes.columns(&waiting)? };
        let held_columns = if held.is_empty() { Vec::new() } else { self.held_bytes.columns(&held)? };
        let chunk = if held.is_empty() { 0 } else { self.events.add_chunk(held_columns, held.len()) };
        let (mut next_row, mut rows) = (0, Vec::with_capacity(waiting.len()));
        for stored in all {
            let slot = self.partitions.slot(stored.key, &self.rules);
            for (time_ms, _) in &stored.waiting {
                rows.push((rows.len() as u32, *time_ms, slot));
            }
            let matches = self.rebuilt(&stored, chunk, &mut next_row)?;
            let partition = self.partitions.at(slot);
            partition.matches = matches;
            partition.waiting = stored.waiting.len() as u32;
            self.partitions.settle(slot, &self.rules, !self.layout.is_processing_time);
        }
        self.pending.add(waiting_columns, rows.into_iter())
    }

    fn rebuilt(&mut self, stored: &Stored<'_>, chunk: u32, next_row: &mut u32) -> Result<PartialMatches, OperatorError> {
        let events = &mut self.events;
        let mut event_ids = Vec::with_capacity(stored.events.len());
        for (time_ms, sequence, _) in &stored.events {
            event_ids.push(events.add_event((chunk, *next_row), *time_ms, *sequence));
            *next_row += 1;
        }
        let mut node_ids: Vec<u32> = Vec::with_capacity(stored.nodes.len());
        for &(event, variable, previous) in &stored.nodes {
            let previous = if previous == NONE { NONE } else { node_ids[previous as usize] };
            node_ids.push(events.add_node(event_ids[event as usize], variable, previous));
        }
        let mut matches = PartialMatches::new(&self.rules);
        matches.next_sequence = stored.next_sequence;
        matches.partial.clear();
        for (stored, queue) in [(&stored.partial, &mut matches.partial), (&stored.complete, &mut matches.complete)] {
            for partial in stored {
                let node = if partial.node == NONE { NONE } else { node_ids[partial.node as usize] };
                events.retain(node);
                queue.push(Partial { node, ..*partial });
            }
        }
        if event_ids.iter().any(|&event| !events.is_held(event)) || node_ids.iter().any(|&node| !events.is_reached(node)) {
            return Err(StateError("a row or a node of a path belongs to no match".into()).into());
        }
        Ok(matches)
    }

    fn read<'a>(&self, group: KeyGroup, blob: &mut &'a [u8]) -> Result<Stored<'a>, StateError> {
        let key = self.keys.stored_key(group, blob)?;
        let next_sequence = read_u64(blob)?;
        let mut waiting = Vec::new();
        for _ in 0..read_u32(blob)? {
            waiting.push((read_i64(blob)?, self.used_bytes.stored_row(blob)?));
        }
        let mut events = Vec::new();
        for _ in 0..read_u32(blob)? {
            let (time_ms, sequence) = (read_i64(blob)?, read_u64(blob)?);
            events.push((time_ms, sequence, self.held_bytes.stored_row(blob)?));
        }
        let mut nodes = Vec::new();
        for number in 0..read_u32(blob)? {
            let (event, variable, previous) = (read_u32(blob)?, read_u16(blob)?, read_u32(blob)?);
            if event as usize >= events.len() || usize::from(variable) >= self.rules.names.len() || previous != NONE && previous >= number {
                return Err(StateError(format!("node {number} of a path is of event {event}, variable {variable}, behind {previous}")));
            }
            nodes.push((event, variable, previous));
        }
        let (partial, complete) = (self.read_partials(blob, nodes.len())?, self.read_partials(blob, nodes.len())?);
        let starts = partial.iter().filter(|p| p.is_start()).count();
        if starts != 1 || partial.iter().any(|p| p.state == FINAL) || complete.iter().any(|p| p.state != FINAL || p.is_start()) {
            return Err(StateError(format!("{starts} partial matches are at the start, or complete ones are not complete")));
        }
        Ok(Stored { key, next_sequence, waiting, events, nodes, partial, complete })
    }

    fn read_partials(&self, blob: &mut &[u8], nodes: usize) -> Result<Vec<Partial>, StateError> {
        let automaton = &self.rules.automaton;
        let mut found = Vec::new();
        for _ in 0..read_u32(blob)? {
            let (state, node) = (read_u32(blob)?, read_u32(blob)?);
            let (start_ms, start_sequence) = (read_i64(blob)?, read_u64(blob)?);
            let is_start = node == NONE && state == automaton.start() && start_sequence == u64::MAX;
            if !is_start && (node as usize >= nodes || state as usize >= automaton.len() || start_sequence == u64::MAX) {
                return Err(StateError(format!("a match in state {state} at node {node} of {nodes}")));
            }
            found.push(Partial { state, node, start_ms, start_sequence });
        }
        Ok(found)
    }
}

fn put_u32(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u32).to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn read_array<const N: usize>(blob: &mut &[u8]) -> Result<[u8; N], StateError> {
    let (head, rest) = blob.split_first_chunk::<N>().ok_or_else(|| StateError("ends inside a number".into()))?;
    *blob = rest;
    Ok(*head)
}

fn read_u16(blob: &mut &[u8]) -> Result<u16, StateError> {
    read_array(blob).map(u16::from_le_bytes)
}

fn read_u32(blob: &mut &[u8]) -> Result<u32, StateError> {
    read_array(blob).map(u32::from_le_bytes)
}

fn read_u64(blob: &mut &[u8]) -> Result<u64, StateError> {
    read_array(blob).map(u64::from_le_bytes)
}
