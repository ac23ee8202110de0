//! Rows of a dimension table that is held in memory: the newest of each primary key, found by any columns.
//!
//! Invariant: an index holds exactly the rows that are alive; rows stay in the batches that they came in until more of
//! them are dead than alive.

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave;
use hashbrown::{HashMap, hash_map::Entry};
use millrace_model::ChangeKind;

/// Dead rows below this number are never worth the work.
const DEAD_MIN: usize = 4_096;

/// So many batches are always allowed.
const BATCHES_MIN: usize = 256;

/// Where a row lies: its batch, and its place there.
type Place = (u32, u32);

/// Rows by bytes of some of their columns.
struct Index {
    columns: Vec<usize>,
    converter: RowConverter,
    by_key: HashMap<Box<[u8]>, Vec<Place>>,
}

/// The rows.
pub(super) struct HeldRows {
    schema: SchemaRef,
    /// Columns of the primary key; of several rows with one key the newest counts. Empty: every row counts.
    primary_key: Vec<usize>,
    primary_converter: RowConverter,
    by_primary_key: HashMap<Box<[u8]>, Place>,
    batches: Vec<RecordBatch>,
    alive: usize,
    dead: usize,
    bytes: usize,
    indexes: Vec<Index>,
}

/// What a look-up found.
pub(crate) struct Matches {
    /// The rows, those of each key together.
    pub rows: RecordBatch,
    /// Per row, which key it was found by; never falls.
    pub keys: Vec<u32>,
}

fn converter(columns: &[usize], schema: &SchemaRef) -> Result<RowConverter, ArrowError> {
    let field = |&c: &usize| schema.fields().get(c).map(|f| SortField::new(f.data_type().clone()));
    let fields: Option<Vec<SortField>> = columns.iter().map(field).collect();
    RowConverter::new(fields.ok_or_else(|| ArrowError::SchemaError("a key column is not there".into()))?)
}

fn bytes(converter: &RowConverter, columns: &[ArrayRef], count: usize) -> Result<Vec<Box<[u8]>>, ArrowError> {
    if columns.is_empty() {
        return Ok(vec![Box::default(); count]);
    }
    Ok(converter.convert_columns(columns)?.iter().map(|row| row.as_ref().into()).collect())
}

impl HeldRows {
    pub(super) fn new(schema: SchemaRef, primary_key: Vec<usize>) -> Result<Self, ArrowError> {
        let primary_converter = converter(&primary_key, &schema)?;
        Ok(Self {
            schema,
            primary_key,
            primary_converter,
            by_primary_key: HashMap::new(),
            batches: Vec::new(),
            alive: 0,
            dead: 0,
            bytes: 0,
            indexes: Vec::new(),
        })
    }

    /// Its columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows that are alive.
    pub(super) fn len(&self) -> usize {
        self.alive
    }

    /// Bytes of all rows, with those that are dead and not yet swept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Applies changes in their order. Without a primary key rows are only added.
    pub(super) fn apply(&mut self, rows: &RecordBatch, kinds: Option<&UInt8Array>) -> Result<(), ArrowError> {
        let number = u32::try_from(self.batches.len()).map_err(|_| ArrowError::MemoryError("too many batches".into()))?;
        let count = u32::try_from(rows.num_rows()).map_err(|_| ArrowError::MemoryError("a batch is too long".into()))?;
        let rows = RecordBatch::try_new_with_options(
            self.schema.clone(),
            rows.columns().to_vec(),
            &RecordBatchOptions::new().with_row_count(Some(rows.num_rows())),
        )?;
        self.bytes += rows.get_array_memory_size();
        self.batches.push(rows.clone());
        let (mut gone, mut added) = (Vec::new(), vec![true; rows.num_rows()]);
        let key_columns: Vec<ArrayRef> = self.primary_key.iter().map(|&c| rows.column(c).clone()).collect();
        let keys = bytes(&self.primary_converter, &key_columns, rows.num_rows())?;
        for (row, key) in (0..count).zip(keys) {
            let kind = kinds.and_then(|k| ChangeKind::from_byte(k.value(row as usize))).unwrap_or(ChangeKind::Insert);
            let adds = matches!(kind, ChangeKind::Insert | ChangeKind::UpdateAfter);
            if let Some(is_added) = added.get_mut(row as usize) {
                *is_added = adds;
            }
            let before = match kind {
                _ if self.primary_key.is_empty() => None,
                ChangeKind::UpdateBefore => None,
                ChangeKind::Delete => self.by_primary_key.remove(&key),
                ChangeKind::Insert | ChangeKind::UpdateAfter => match self.by_primary_key.entry(key) {
                    Entry::Occupied(mut held) => Some(held.insert((number, row))),
                    Entry::Vacant(free) => {
                        free.insert((number, row));
                        None
                    }
                },
            };
            match before {
                // It came with the same batch, so no index has it.
                Some((batch, place)) if batch == number => added.get_mut(place as usize).into_iter().for_each(|a| *a = false),
                Some(place) => gone.push(place),
                None => {}
            }
        }
        let added: Vec<Place> = (0..count).filter(|&row| added.get(row as usize) == Some(&true)).map(|row| (number, row)).collect();
        self.alive = self.alive + added.len() - gone.len().min(self.alive);
        self.dead += rows.num_rows() - added.len() + gone.len();
        let batches = &self.batches;
        self.indexes.iter_mut().try_for_each(|index| {
            index.remove(batches, &gone)?;
            index.add(batches, &added)
        })?;
        // Many small batches make every look-up dearer, as dead rows do memory.
        let is_scattered = self.batches.len() > BATCHES_MIN + self.alive / DEAD_MIN;
        let is_wasteful = self.dead > DEAD_MIN && self.dead > self.alive;
        if !self.primary_key.is_empty() && (is_wasteful || is_scattered) { self.sweep() } else { Ok(()) }
    }

    /// Brings the rows that are alive into one batch.
    fn sweep(&mut self) -> Result<(), ArrowError> {
        let mut places: Vec<Place> = self.by_primary_key.values().copied().collect();
        places.sort_unstable();
        let rows = take(&self.schema, &self.batches, &places)?;
        let wanted: Vec<Vec<usize>> = self.indexes.iter().map(|i| i.columns.clone()).collect();
        *self = Self::new(self.schema.clone(), std::mem::take(&mut self.primary_key))?;
        self.apply(&rows, None)?;
        wanted.into_iter().try_for_each(|columns| self.index(&columns))
    }

    /// Makes rows findable by these columns.
    pub(super) fn index(&mut self, columns: &[usize]) -> Result<(), ArrowError> {
        if self.is_indexed(columns) {
            return Ok(());
        }
        let mut index = Index { columns: columns.to_vec(), converter: converter(columns, &self.schema)?, by_key: HashMap::new() };
        let places: Vec<Place> = if self.primary_key.is_empty() {
            let of_batch = |(number, batch): (u32, &RecordBatch)| (0..batch.num_rows() as u32).map(move |row| (number, row));
            (0u32..).zip(&self.batches).flat_map(of_batch).collect()
        } else {
            let mut places: Vec<Place> = self.by_primary_key.values().copied().collect();
            places.sort_unstable();
            places
        };
        index.add(&self.batches, &places)?;
        self.indexes.push(index);
        Ok(())
    }

    pub(super) fn is_indexed(&self, columns: &[usize]) -> bool {
        self.indexes.iter().any(|i| i.columns == columns)
    }

    /// The rows that have these keys in these columns, which are indexed.
    pub(super) fn matches(&self, columns: &[usize], keys: &RecordBatch) -> Result<Matches, ArrowError> {
        let index = self.indexes.iter().find(|i| i.columns == columns);
        let index = index.ok_or_else(|| ArrowError::ComputeError("the columns are not indexed".into()))?;
        let wanted = bytes(&index.converter, keys.columns(), keys.num_rows())?;
        let (mut places, mut found) = (Vec::new(), Vec::new());
        for (number, key) in (0u32..).zip(&wanted) {
            for place in index.by_key.get(key).into_iter().flatten() {
                places.push(*place);
                found.push(number);
            }
        }
        Ok(Matches { rows: take(&self.schema, &self.batches, &places)?, keys: found })
    }
}

impl Index {
    fn keys(&self, batches: &[RecordBatch], places: &[Place]) -> Result<Vec<Box<[u8]>>, ArrowError> {
        let columns = self.columns.iter().map(|&c| gather(batches, c, places)).collect::<Result<Vec<_>, _>>()?;
        bytes(&self.converter, &columns, places.len())
    }

    fn add(&mut self, batches: &[RecordBatch], places: &[Place]) -> Result<(), ArrowError> {
        if places.is_empty() {
            return Ok(());
        }
        for (key, place) in self.keys(batches, places)?.into_iter().zip(places) {
            self.by_key.entry(key).or_default().push(*place);
        }
        Ok(())
    }

    fn remove(&mut self, batches: &[RecordBatch], places: &[Place]) -> Result<(), ArrowError> {
        if places.is_empty() {
            return Ok(());
        }
        for (key, place) in self.keys(batches, places)?.into_iter().zip(places) {
            if let Entry::Occupied(mut held) = self.by_key.entry(key) {
                held.get_mut().retain(|p| p != place);
                if held.get().is_empty() {
                    held.remove();
                }
            }
        }
        Ok(())
    }
}

/// The values of column `column` at these places.
fn gather(batches: &[RecordBatch], column: usize, places: &[Place]) -> Result<ArrayRef, ArrowError> {
    let arrays: Vec<&dyn Array> = batches.iter().map(|b| b.column(column).as_ref()).collect();
    let indices: Vec<(usize, usize)> = places.iter().map(|&(batch, row)| (batch as usize, row as usize)).collect();
    interleave(&arrays, &indices)
}

fn take(schema: &SchemaRef, batches: &[RecordBatch], places: &[Place]) -> Result<RecordBatch, ArrowError> {
    if places.is_empty() {
        return Ok(RecordBatch::new_empty(schema.clone()));
    }
    let columns = (0..schema.fields().len()).map(|c| gather(batches, c, places)).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new_with_options(schema.clone(), columns, &RecordBatchOptions::new().with_row_count(Some(places.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int32Array, StringArray, cast::AsArray};
    use std::sync::Arc;

    fn rows(ids: Vec<i32>, names: Vec<Option<&str>>) -> RecordBatch {
        let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(Int32Array::from(ids))), ("name", Arc::new(StringArray::from(names)))];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    fn keys(names: Vec<&str>) -> RecordBatch {
        RecordBatch::try_from_iter([("name", Arc::new(StringArray::from(names)) as ArrayRef)]).unwrap()
    }

    fn found(held: &HeldRows, names: Vec<&str>) -> Vec<(u32, i32)> {
        let Matches { rows, keys } = held.matches(&[1], &keys(names)).unwrap();
        let ids = rows.column(0).as_primitive::<arrow_array::types::Int32Type>();
        keys.into_iter().zip(ids.values().iter().copied()).collect()
    }

    #[test]
    fn the_newest_row_of_a_key_is_found_by_other_columns() {
        let first = rows(vec![1, 2, 3, 1], vec![Some("a"), Some("b"), None, Some("b")]);
        let mut held = HeldRows::new(first.schema(), vec![0]).unwrap();
        held.apply(&first, None).unwrap();
        held.index(&[1]).unwrap();
        assert_eq!((held.len(), found(&held, vec!["b", "a", "b"])), (3, vec![(0, 2), (0, 1), (2, 2), (2, 1)]));
        let kinds = UInt8Array::from(vec![ChangeKind::Delete as u8, ChangeKind::UpdateAfter as u8, ChangeKind::Insert as u8]);
        held.apply(&rows(vec![2, 1, 4], vec![None, Some("a"), Some("b")]), Some(&kinds)).unwrap();
        assert_eq!((held.len(), found(&held, vec!["a", "b"])), (3, vec![(0, 1), (1, 4)]));
    }

    #[test]
    fn without_a_primary_key_every_row_counts() {
        let first = rows(vec![1, 1], vec![Some("a"), Some("a")]);
        let mut held = HeldRows::new(first.schema(), Vec::new()).unwrap();
        held.apply(&first, None).unwrap();
        held.index(&[1]).unwrap();
        held.apply(&first, None).unwrap();
        assert_eq!((held.len(), found(&held, vec!["x", "a"]).len()), (4, 4));
    }

    #[test]
    fn dead_rows_are_swept() {
        let many = || rows((0..3_000).collect(), (0..3_000).map(|_| Some("a")).collect());
        let mut held = HeldRows::new(many().schema(), vec![0]).unwrap();
        for _ in 0..5 {
            held.apply(&many(), None).unwrap();
            held.index(&[1]).unwrap();
        }
        assert_eq!((held.len(), found(&held, vec!["a"]).len()), (3_000, 3_000));
        assert!(held.batches.iter().map(RecordBatch::num_rows).sum::<usize>() <= 3_000 + 2 * DEAD_MIN);
    }
}
