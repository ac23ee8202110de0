//! What a partition keeps, in bytes: the rows that wait, the rows of its matches, the paths through them, and the matches.
//!
//! Paths are written as lists of nodes, each after the one before it, so that reading needs no look ahead. Whatever is read
//! is checked against the pattern.

use super::{
    MatchOperator,
    automaton::FINAL,
    events::{Events, NONE, Place},
    partial::{Partial, PartialMatches},
    partitions::Partition,
    pending::{Due, Pending},
};
use crate::{
    error::OperatorError,
    operators::{
        OperatorSnapshot,
        sql::{
            groups::{read_i64, read_key},
            row_bytes::RowBytes,
            rows_of,
            tiered_slots::Written,
        },
    },
    state::{KeyGroupBlobs, Portion, StateError, tiered_map::RestoredSegments},
};
use std::collections::HashMap;

pub(super) const MATCHES: &str = "matches";

/// A partition as it was stored.
struct Stored<'a> {
    next_sequence: u64,
    waiting: Vec<(i64, &'a [u8])>,
    events: Vec<(i64, u64, &'a [u8])>,
    /// Event, variable, node before.
    nodes: Vec<(u32, u16, u32)>,
    partial: Vec<Partial>,
    complete: Vec<Partial>,
}

/// What is written of partitions.
struct Writer<'o> {
    pending: &'o Pending,
    events: &'o Events,
    used_bytes: &'o RowBytes,
    held_bytes: &'o RowBytes,
    waiting: HashMap<u32, Vec<Due>>,
}

/// Paths and rows of a partition's matches, numbered.
struct Paths {
    nodes: Vec<u32>,
    numbers: HashMap<u32, u32>,
    events: Vec<u32>,
    event_numbers: HashMap<u32, u32>,
}

impl Paths {
    fn of(matches: &PartialMatches, all: &Events) -> Self {
        let (mut nodes, mut numbers) = (Vec::new(), HashMap::new());
        for partial in matches.partial.items().iter().chain(matches.complete.items()) {
            let (mut node, from) = (partial.node, nodes.len());
            while node != NONE && !numbers.contains_key(&node) {
                numbers.insert(node, 0);
                nodes.push(node);
                node = all.node(node).previous;
            }
            nodes[from..].reverse();
            numbers.extend(nodes[from..].iter().enumerate().map(|(i, &node)| (node, (from + i) as u32)));
        }
        let (mut events, mut event_numbers) = (Vec::new(), HashMap::new());
        for &node in &nodes {
            let event = all.node(node).event;
            event_numbers.entry(event).or_insert_with(|| {
                events.push(event);
                (events.len() - 1) as u32
            });
        }
        Self { nodes, numbers, events, event_numbers }
    }
}

impl Writer<'_> {
    fn waiting(&self, slot: u32) -> &[Due] {
        self.waiting.get(&slot).map_or(&[], Vec::as_slice)
    }

    fn write(&self, partitions: &[(u32, &Partition)], written: &mut Written) -> Result<(), OperatorError> {
        let paths: Vec<Paths> = partitions.iter().map(|(_, partition)| Paths::of(&partition.matches, self.events)).collect();
        let waiting: Vec<Due> = partitions.iter().flat_map(|(slot, _)| self.waiting(*slot)).copied().collect();
        let waiting = if waiting.is_empty() { None } else { Some(self.used_bytes.convert(&self.pending.gather(&waiting)?)?) };
        let places: Vec<Place> = paths.iter().flat_map(|paths| &paths.events).map(|&event| self.events.event(event).place).collect();
        let held = self.events.gather_rows(&places)?;
        let held = if places.is_empty() { None } else { Some(self.held_bytes.convert(&rows_of(&held, places.len())?)?) };
        let (mut next_waiting, mut next_held) = (0, 0);
        for ((slot, partition), paths) in partitions.iter().zip(&paths) {
            written.value(|out| {
                put_u64(out, partition.matches.next_sequence);
                let rows = self.waiting(*slot);
                put_u32(out, rows.len());
                for row in rows {
                    out.extend_from_slice(&row.waiting.time_ms.to_le_bytes());
                    put_bytes(out, waiting.as_ref().map_or(&[][..], |waiting| waiting.get(next_waiting)));
                    next_waiting += 1;
                }
                put_u32(out, paths.events.len());
                for event in paths.events.iter().map(|&event| self.events.event(event)) {
                    out.extend_from_slice(&event.time_ms.to_le_bytes());
                    put_u64(out, event.sequence);
                    put_bytes(out, held.as_ref().map_or(&[][..], |held| held.get(next_held)));
                    next_held += 1;
                }
                self.put_matches(&partition.matches, paths, out);
            });
        }
        Ok(())
    }

    fn put_matches(&self, matches: &PartialMatches, paths: &Paths, out: &mut Vec<u8>) {
        let number = |node: u32| paths.numbers.get(&node).copied().unwrap_or(NONE);
        put_u32(out, paths.nodes.len());
        for node in paths.nodes.iter().map(|&node| self.events.node(node)) {
            out.extend_from_slice(&paths.event_numbers.get(&node.event).copied().unwrap_or(NONE).to_le_bytes());
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
}

impl MatchOperator {
    /// The state of all partitions.
    pub(super) fn stored(&mut self) -> Result<OperatorSnapshot, OperatorError> {
        let Self { partitions, pending, events, used_bytes, held_bytes, .. } = self;
        let writer = Writer { waiting: pending.by_partition(), pending, events, used_bytes, held_bytes };
        let write = |partitions: &[(u32, &Partition)], written: &mut Written| writer.write(partitions, written);
        let mut all = OperatorSnapshot::default();
        all.put(MATCHES, partitions.kept.snapshot_written(&write, |_| true, 0)?);
        self.watermark.add_to(&mut all.keyed);
        Ok(all)
    }

    /// Takes up what was stored.
    pub(super) fn restore(&mut self, segments: RestoredSegments, blobs: Option<&KeyGroupBlobs>) -> Result<(), OperatorError> {
        let (keys, rules) = (&self.keys, &self.rules);
        self.partitions.kept.take_in(segments, |group, key, value| {
            keys.check_key(group, key)?;
            Ok(Partition { stored: Some(value.into()), ..Partition::new(rules) })
        })?;
        let slots = self.partitions.kept.iter().map(|(slot, _)| slot).collect();
        self.unpack(slots)?;
        let mut all = Vec::new();
        for (&group, blob) in blobs.into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = self.keys.stored_key(group, &mut blob)?;
                let stored = self.read(&mut blob)?;
                all.push((self.partitions.slot(key, &self.rules), stored));
            }
        }
        self.take_stored(all)?;
        let Self { partitions, away, rules, layout, .. } = self;
        let within_ms = rules.within_ms.filter(|_| !layout.is_processing_time);
        partitions.kept.scan(&mut |_, key, value| due_ms(value, within_ms)?.map_or(Ok(()), |at_ms| away.add(at_ms, key)))?;
        self.make_room()
    }

    /// What is stored of these partitions comes to memory.
    fn unpack(&mut self, slots: Vec<u32>) -> Result<(), OperatorError> {
        let mut values: Vec<(u32, Box<[u8]>)> = Vec::new();
        for slot in slots {
            let stored = self.partitions.kept.look_at(slot).and_then(|partition| partition.stored.take());
            values.extend(stored.map(|stored| (slot, stored)));
        }
        let mut all = Vec::with_capacity(values.len());
        for (slot, value) in &values {
            let mut value: &[u8] = value;
            all.push((*slot, self.read(&mut value)?));
            if !value.is_empty() {
                return Err(StateError(format!("{} bytes behind a partition", value.len())).into());
            }
        }
        self.take_stored(all)
    }

    fn take_stored(&mut self, all: Vec<(u32, Stored<'_>)>) -> Result<(), OperatorError> {
        let waiting: Vec<&[u8]> = all.iter().flat_map(|(_, p)| p.waiting.iter().map(|(_, row)| *row)).collect();
        let held: Vec<&[u8]> = all.iter().flat_map(|(_, p)| p.events.iter().map(|(.., row)| *row)).collect();
        let waiting_columns = if waiting.is_empty() { Vec::new() } else { self.used_bytes.columns(&waiting)? };
        let held_columns = if held.is_empty() { Vec::new() } else { self.held_bytes.columns(&held)? };
        let chunk = if held.is_empty() { 0 } else { self.events.add_chunk(held_columns, held.len()) };
        let (mut next_row, mut rows) = (0, Vec::with_capacity(waiting.len()));
        for (slot, stored) in all {
            for (time_ms, _) in &stored.waiting {
                rows.push((rows.len() as u32, *time_ms, slot));
            }
            let matches = self.rebuilt(&stored, chunk, &mut next_row)?;
            if let Some(partition) = self.partitions.kept.look_at(slot) {
                partition.matches = matches;
                partition.waiting = stored.waiting.len() as u32;
            }
            self.partitions.settle(slot, &self.rules, !self.layout.is_processing_time)?;
        }
        self.pending.add(waiting_columns, rows.into_iter())
    }

    /// Brings these partitions to memory; answers what those take that were not there.
    pub(super) fn bring<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) -> Result<usize, OperatorError> {
        let (mut bytes, rules) = (0, &self.rules);
        let slots = self.partitions.kept.load_slots(keys, 0, |value| {
            bytes += value.len();
            Ok(Some(Partition { stored: Some(value.into()), ..Partition::new(rules) }))
        })?;
        if !slots.is_empty() {
            self.unpack(slots)?;
        }
        Ok(bytes)
    }

    /// Brings a portion of the partitions to memory that are to be looked at; answers whether there were any.
    pub(super) fn bring_due(&mut self, time_ms: i64) -> Result<bool, OperatorError> {
        let mut portion = Portion::default();
        while let Some(keys) = portion.next(&mut self.away, time_ms)? {
            portion.takes(self.bring(keys.iter().map(AsRef::as_ref))?);
        }
        Ok(portion.has_any())
    }

    /// Lets partitions leave that were not used for longest, if memory is short.
    pub(super) fn make_room(&mut self) -> Result<(), OperatorError> {
        if !self.partitions.kept.is_short(self.beside_bytes()) {
            return Ok(());
        }
        self.events.tighten()?;
        let beside_bytes = self.beside_bytes();
        let Self { partitions, pending, events, used_bytes, held_bytes, away, .. } = self;
        let writer = Writer { waiting: pending.by_partition(), pending, events, used_bytes, held_bytes };
        let mut gone: HashMap<u32, (Partition, Box<[u8]>)> = HashMap::new();
        partitions.kept.let_leave(
            beside_bytes,
            |_| true,
            &|partitions, written| writer.write(partitions, written),
            |slot, key, partition| {
                gone.insert(slot, (partition, key.into()));
                Ok(())
            },
        )?;
        let waiting = writer.waiting;
        for (slot, (partition, key)) in &gone {
            partitions.left(*slot, partition);
            let waiting_ms = waiting.get(slot).into_iter().flatten().map(|due| due.waiting.time_ms).min();
            if let Some(at_ms) = waiting_ms.into_iter().chain(partition.deadline_ms).min() {
                away.add(at_ms, key)?;
            }
            let matches = &partition.matches;
            matches.partial.items().iter().chain(matches.complete.items()).for_each(|partial| events.release(partial.node));
        }
        if gone.keys().any(|slot| waiting.contains_key(slot)) {
            pending.retain(|partition| !gone.contains_key(&partition))?;
        }
        events.tighten()?;
        self.partitions.kept.is_short(self.beside_bytes());
        Ok(())
    }

    /// What is kept beside the partitions.
    fn beside_bytes(&self) -> u64 {
        (self.pending.bytes() + self.events.bytes()) as u64 + self.away.bytes()
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

    fn read<'a>(&self, blob: &mut &'a [u8]) -> Result<Stored<'a>, StateError> {
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
        Ok(Stored { next_sequence, waiting, events, nodes, partial, complete })
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

/// When a stored partition is to be looked at: its first row that waits is due, or its first match gets out of time.
fn due_ms(mut value: &[u8], within_ms: Option<i64>) -> Result<Option<i64>, StateError> {
    let value = &mut value;
    read_u64(value)?;
    let mut due_ms: Option<i64> = None;
    let mut note = |at_ms: i64| due_ms = Some(due_ms.map_or(at_ms, |due_ms| due_ms.min(at_ms)));
    for _ in 0..read_u32(value)? {
        note(read_i64(value)?);
        read_key(value)?;
    }
    // The first row of a match is the earliest of its rows.
    for _ in 0..read_u32(value)? {
        let time_ms = read_i64(value)?;
        within_ms.into_iter().for_each(|within_ms| note(time_ms.saturating_add(within_ms)));
        read_u64(value)?;
        read_key(value)?;
    }
    Ok(due_ms)
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
