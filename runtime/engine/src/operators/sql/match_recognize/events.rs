//! Rows that partial matches hold, in columns, and the paths of matches through them.
//!
//! Rows come in chunks and stay in them as long as a match needs one of them; chunks that have become sparse are joined to
//! one. A path is a chain of nodes from its last row back to its first; partial matches share the parts that they have in
//! common, and counted references say when a node, and with it a row, is of no use any more.

use crate::{error::OperatorError, operators::sql::held_batches::bytes_of};
use arrow_array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow_select::{interleave::interleave, take::take};
use std::collections::HashMap;

/// No node, no event.
pub(super) const NONE: u32 = u32::MAX;
/// Chunks that are kept side by side before sparse ones are joined.
const CHUNKS_MAX: usize = 64;
/// A chunk of which less than this part is needed is sparse.
const SPARSE_PART: usize = 4;

/// Where a row lies: chunk, row.
pub(super) type Place = (u32, u32);

#[derive(Debug, Default)]
struct Chunk {
    columns: Vec<ArrayRef>,
    /// What they take.
    bytes: usize,
    rows: usize,
    /// Events that lie in it.
    live: usize,
}

/// A row that belongs to a partial match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub place: Place,
    pub time_ms: i64,
    /// Its number among the rows of its partition.
    pub sequence: u64,
    references: u32,
}

/// A row in a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub event: u32,
    pub variable: u16,
    pub previous: u32,
    references: u32,
    /// The last node of the variable before; not counted, `previous` holds it.
    pub before: u32,
    /// The first event of this variable.
    pub first: u32,
    /// Rows of this variable up to here.
    pub of_variable: u32,
    /// Rows of the path up to here.
    pub length: u32,
}

#[derive(Debug, Default)]
pub(super) struct Events {
    chunks: Vec<Chunk>,
    free_chunks: Vec<u32>,
    events: Vec<Event>,
    free_events: Vec<u32>,
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
}

impl Events {
    /// Adds rows that events may be made of until [`Self::settle`].
    pub(super) fn add_chunk(&mut self, columns: Vec<ArrayRef>, rows: usize) -> u32 {
        let bytes = columns.iter().map(bytes_of).sum();
        let chunk = Chunk { columns, bytes, rows, live: 0 };
        match self.free_chunks.pop() {
            Some(free) => {
                self.chunks[free as usize] = chunk;
                free
            }
            None => {
                self.chunks.push(chunk);
                (self.chunks.len() - 1) as u32
            }
        }
    }

    /// Lets go of chunks that nothing needs.
    pub(super) fn settle(&mut self) -> Result<(), OperatorError> {
        self.drop_idle();
        if self.chunks.len() - self.free_chunks.len() <= CHUNKS_MAX {
            return Ok(());
        }
        let mean = self.events.len() / CHUNKS_MAX + 1;
        self.join(|c| c.live <= c.rows / SPARSE_PART || c.live <= mean)
    }

    fn drop_idle(&mut self) {
        for chunk in 0..self.chunks.len() {
            if self.chunks[chunk].live == 0 && self.chunks[chunk].rows > 0 {
                self.chunks[chunk] = Chunk::default();
                self.free_chunks.push(chunk as u32);
            }
        }
    }

    /// Lets go of rows that nothing needs, as far as that is worth the work when memory is short.
    pub(super) fn tighten(&mut self) -> Result<(), OperatorError> {
        self.drop_idle();
        self.join(|c| c.live < c.rows / 3 * 2)
    }

    /// What rows and paths take.
    pub(super) fn bytes(&self) -> usize {
        let events = (self.events.len() - self.free_events.len()) * size_of::<Event>();
        let nodes = (self.nodes.len() - self.free_nodes.len()) * size_of::<Node>();
        self.chunks.iter().map(|c| c.bytes).sum::<usize>() + events + nodes
    }

    fn join(&mut self, is_sparse: impl Fn(&Chunk) -> bool) -> Result<(), OperatorError> {
        let is_sparse: Vec<bool> = self.chunks.iter().map(|c| c.live > 0 && is_sparse(c)).collect();
        let mut moved: Vec<usize> =
            (0..self.events.len()).filter(|&e| self.events[e].references > 0 && is_sparse[self.events[e].place.0 as usize]).collect();
        if moved.is_empty() {
            return Ok(());
        }
        moved.sort_unstable_by_key(|&e| self.events[e].place);
        let places: Vec<Place> = moved.iter().map(|&e| self.events[e].place).collect();
        let width = self.chunks.iter().find(|c| c.live > 0).map_or(0, |c| c.columns.len());
        let columns = (0..width).map(|column| self.gather(column, &places)).collect::<Result<Vec<_>, _>>()?;
        let joined = self.add_chunk(columns, places.len());
        self.chunks[joined as usize].live = places.len();
        for (row, &event) in moved.iter().enumerate() {
            self.events[event].place = (joined, row as u32);
        }
        for (chunk, _) in is_sparse.iter().enumerate().filter(|(_, sparse)| **sparse) {
            self.chunks[chunk] = Chunk::default();
            self.free_chunks.push(chunk as u32);
        }
        Ok(())
    }

    /// A column of these rows.
    pub(super) fn gather(&self, column: usize, places: &[Place]) -> Result<ArrayRef, OperatorError> {
        self.gather_some(column, places.len(), places.iter().map(|&place| Some(place)))
    }

    /// All columns of these rows.
    pub(super) fn gather_rows(&self, places: &[Place]) -> Result<Vec<ArrayRef>, OperatorError> {
        let width = places.first().and_then(|(chunk, _)| self.chunks.get(*chunk as usize)).map_or(0, |c| c.columns.len());
        (0..width).map(|column| self.gather(column, places)).collect()
    }

    /// A column of these rows; NULL where there is none.
    pub(super) fn gather_some(
        &self,
        column: usize,
        count: usize,
        places: impl Iterator<Item = Option<Place>> + Clone,
    ) -> Result<ArrayRef, OperatorError> {
        let mut chunks = places.clone().flatten().map(|(chunk, _)| chunk);
        let first = chunks.next().unwrap_or_default();
        let Some(array) = self.chunks.get(first as usize).and_then(|c| c.columns.get(column)) else {
            // No row at all: any chunk knows the type.
            let known = self.chunks.iter().find_map(|c| c.columns.get(column));
            let known = known.ok_or_else(|| OperatorError::Internal("no rows to take a column of".into()))?;
            return Ok(new_null_array(known.data_type(), count));
        };
        if chunks.all(|chunk| chunk == first) {
            let rows: UInt32Array = places.map(|place| place.map(|(_, row)| row)).collect();
            return Ok(take(array, &rows, None)?);
        }
        let null = new_null_array(array.data_type(), 1);
        let mut arrays: Vec<&dyn Array> = vec![null.as_ref()];
        let mut positions: HashMap<u32, usize> = HashMap::new();
        let mut indices = Vec::with_capacity(count);
        for place in places {
            let Some((chunk, row)) = place else {
                indices.push((0, 0));
                continue;
            };
            let position = match positions.get(&chunk) {
                Some(position) => *position,
                None => {
                    arrays.push(self.chunks[chunk as usize].columns[column].as_ref());
                    positions.insert(chunk, arrays.len() - 1);
                    arrays.len() - 1
                }
            };
            indices.push((position, row as usize));
        }
        Ok(interleave(&arrays, &indices)?)
    }

    /// A held column and the row in it.
    pub(super) fn cell(&self, column: usize, (chunk, row): Place) -> Option<(&ArrayRef, usize)> {
        Some((self.chunks.get(chunk as usize)?.columns.get(column)?, row as usize))
    }

    pub(super) fn event(&self, event: u32) -> Event {
        self.events[event as usize]
    }

    /// Whether any node needs the event.
    pub(super) fn is_held(&self, event: u32) -> bool {
        self.events[event as usize].references > 0
    }

    /// Whether anything refers to the node.
    pub(super) fn is_reached(&self, node: u32) -> bool {
        self.nodes[node as usize].references > 0
    }

    pub(super) fn node(&self, node: u32) -> Node {
        self.nodes[node as usize]
    }

    /// An event without references yet.
    pub(super) fn add_event(&mut self, place: Place, time_ms: i64, sequence: u64) -> u32 {
        self.chunks[place.0 as usize].live += 1;
        let event = Event { place, time_ms, sequence, references: 0 };
        put(&mut self.events, &mut self.free_events, event)
    }

    /// A node without references yet; it holds its event and the node before.
    pub(super) fn add_node(&mut self, event: u32, variable: u16, previous: u32) -> u32 {
        self.events[event as usize].references += 1;
        let mut node = Node { event, variable, previous, references: 0, before: NONE, first: event, of_variable: 1, length: 1 };
        if previous != NONE {
            let behind = &mut self.nodes[previous as usize];
            behind.references += 1;
            node.length = behind.length + 1;
            if behind.variable == variable {
                (node.before, node.first, node.of_variable) = (behind.before, behind.first, behind.of_variable + 1);
            } else {
                node.before = previous;
            }
        }
        put(&mut self.nodes, &mut self.free_nodes, node)
    }

    pub(super) fn retain(&mut self, node: u32) {
        if node != NONE {
            self.nodes[node as usize].references += 1;
        }
    }

    /// Takes one reference back, and lets go of what nothing refers to any more.
    pub(super) fn release(&mut self, mut node: u32) {
        while node != NONE {
            let found = &mut self.nodes[node as usize];
            found.references -= 1;
            if found.references > 0 {
                return;
            }
            let (event, previous) = (found.event, found.previous);
            self.free_nodes.push(node);
            let gone = &mut self.events[event as usize];
            gone.references -= 1;
            if gone.references == 0 {
                let chunk = gone.place.0;
                self.free_events.push(event);
                self.chunks[chunk as usize].live -= 1;
            }
            node = previous;
        }
    }

    /// The last node of `variable` on the path that ends at `node`.
    pub(super) fn last_of(&self, mut node: u32, variable: u16) -> u32 {
        while node != NONE && self.nodes[node as usize].variable != variable {
            node = self.nodes[node as usize].before;
        }
        node
    }

    /// The first event of the path that ends at `node`.
    pub(super) fn first_event(&self, mut node: u32) -> u32 {
        let mut first = NONE;
        while node != NONE {
            first = self.nodes[node as usize].first;
            node = self.nodes[node as usize].before;
        }
        first
    }

    /// The node `back` steps before `node`.
    pub(super) fn step_back(&self, mut node: u32, back: u32) -> u32 {
        for _ in 0..back {
            if node == NONE {
                break;
            }
            node = self.nodes[node as usize].previous;
        }
        node
    }
}

fn put<T>(items: &mut Vec<T>, free: &mut Vec<u32>, item: T) -> u32 {
    match free.pop() {
        Some(at) => {
            items[at as usize] = item;
            at
        }
        None => {
            items.push(item);
            (items.len() - 1) as u32
        }
    }
}
