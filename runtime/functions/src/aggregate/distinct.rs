//! `DISTINCT` around any aggregate: it sees each combination of arguments once, when it first comes, and has it taken back
//! when it last goes.

use super::{
    Accumulator, Update,
    cells::CellColumn,
    cells::CellReader,
    partial::{Chosen, running_chosen},
    state,
};
use crate::EvaluationError;
use arrow_array::{Array, ArrayRef, BinaryArray, builder::BinaryBuilder};
use arrow_schema::DataType as Arrow;
use hashbrown::{HashTable, hash_table::Entry};
use millrace_model::DataType;
use state::{Number, damaged, put_bytes, put_length, take_bytes, take_length};
use xxhash_rust::xxh3::xxh3_64;

/// An accumulator that gives distinct arguments to `inner`. `arguments` are the types that `inner` was made for; NULL is
/// given to it as any other value.
pub fn distinct(inner: Box<dyn Accumulator>, arguments: &[DataType]) -> Box<dyn Accumulator> {
    Box::new(Distinct { inner, carriers: arguments.iter().map(DataType::to_arrow).collect(), slots: Vec::new(), key_bytes: 0 })
}

struct Distinct {
    inner: Box<dyn Accumulator>,
    carriers: Vec<Arrow>,
    slots: Vec<Slot>,
    /// Bytes of all keys.
    key_bytes: usize,
}

/// Encoded arguments and how often they are there. Below 0 when more were taken back than added; never 0.
#[derive(Default)]
struct Slot {
    seen: HashTable<Seen>,
    /// The number of the next key, to keep the order of arrival through a merge.
    next: u64,
}

struct Seen {
    key: Key,
    count: i64,
    number: u64,
}

/// The bytes of a key; those of a number or two lie in the table itself.
enum Key {
    Short(u8, [u8; SHORT_MAX]),
    Long(Box<[u8]>),
}

/// As many bytes as a long key takes in the table.
const SHORT_MAX: usize = 22;

impl From<&[u8]> for Key {
    fn from(key: &[u8]) -> Self {
        let mut bytes = [0; SHORT_MAX];
        match bytes.get_mut(..key.len()) {
            Some(room) => {
                room.copy_from_slice(key);
                Self::Short(key.len() as u8, bytes)
            }
            None => Self::Long(key.into()),
        }
    }
}

impl std::ops::Deref for Key {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(key) => key,
        }
    }
}

/// What a change of a count means to the inner function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Nothing,
    Came,
    Went,
}

/// Bytes of a map entry beside the key's own.
const ENTRY_BYTES: usize = 64;

impl Slot {
    /// Appends the arguments seen and how often.
    fn put_seen(&self, out: &mut Vec<u8>) {
        put_length(self.seen.len(), out);
        for (key, count) in self.in_order() {
            put_bytes(key, out);
            count.put(out);
        }
    }

    fn change(&mut self, key: &[u8], by: i64, key_bytes: &mut usize) -> Turn {
        let before = match self.seen.entry(xxh3_64(key), |seen| &*seen.key == key, |seen| xxh3_64(&seen.key)) {
            Entry::Occupied(mut entry) => {
                let seen = entry.get_mut();
                let before = seen.count;
                seen.count = before.wrapping_add(by);
                if seen.count == 0 {
                    entry.remove();
                    *key_bytes = key_bytes.saturating_sub(key.len() + ENTRY_BYTES);
                }
                before
            }
            Entry::Vacant(_) if by == 0 => 0,
            Entry::Vacant(entry) => {
                entry.insert(Seen { key: key.into(), count: by, number: self.next });
                self.next += 1;
                *key_bytes += key.len() + ENTRY_BYTES;
                0
            }
        };
        match (before > 0, before.wrapping_add(by) > 0) {
            (false, true) => Turn::Came,
            (true, false) => Turn::Went,
            _ => Turn::Nothing,
        }
    }

    /// Keys in order of arrival.
    fn in_order(&self) -> Vec<(&[u8], i64)> {
        let mut keys: Vec<_> = self.seen.iter().collect();
        keys.sort_unstable_by_key(|seen| seen.number);
        keys.into_iter().map(|seen| (&*seen.key, seen.count)).collect()
    }
}

impl Distinct {
    /// Takes rows into account; answers what each means to the inner function.
    fn turns(&mut self, update: &Update<'_>) -> Result<Vec<Turn>, EvaluationError> {
        let columns = update.arguments.iter().map(CellColumn::new).collect::<Result<Vec<_>, _>>()?;
        let misfit = update.arguments.iter().any(|a| a.len() != update.groups.len())
            || update.retract.is_some_and(|r| r.len() != update.groups.len());
        if misfit {
            return Err(EvaluationError("an aggregate was given columns of different lengths".to_owned()));
        }
        let mut key = Vec::new();
        let mut turns = Vec::with_capacity(update.groups.len());
        for (row, &group) in update.groups.iter().enumerate() {
            key.clear();
            columns.iter().for_each(|column| column.put(row, &mut key));
            let by = if update.retract.is_some_and(|retract| retract[row]) { -1 } else { 1 };
            turns.push(self.slots[group as usize].change(&key, by, &mut self.key_bytes));
        }
        Ok(turns)
    }

    /// Gives the inner function the rows at which something turned.
    fn pass_on(&mut self, update: &Update<'_>, turns: &[Turn]) -> Result<(), EvaluationError> {
        let went = turns.contains(&Turn::Went);
        if !turns.contains(&Turn::Nothing) && !went {
            return self.inner.update(&Update { retract: None, ..*update });
        }
        let rows: Vec<u32> = (0_u32..).zip(turns).filter(|(_, turn)| **turn != Turn::Nothing).map(|(row, _)| row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let retract: Option<Vec<bool>> = went.then(|| turns.iter().map(|turn| *turn == Turn::Went).collect());
        self.inner.update(&Chosen::of(&Update { retract: retract.as_deref(), ..*update }, &rows)?.update())
    }

    /// Arguments out of their keys.
    fn decode(&self, keys: &[&[u8]]) -> Result<Vec<ArrayRef>, EvaluationError> {
        let mut readers = self.carriers.iter().map(CellReader::new).collect::<Result<Vec<_>, _>>()?;
        for key in keys {
            let mut rest = *key;
            readers.iter_mut().try_for_each(|reader| reader.push(&mut rest))?;
            if !rest.is_empty() {
                return Err(damaged());
            }
        }
        readers.into_iter().map(CellReader::finish).collect()
    }
}

impl Accumulator for Distinct {
    fn resize(&mut self, groups: usize) {
        if groups > self.slots.len() {
            self.slots.resize_with(groups, Slot::default);
        }
        self.inner.resize(groups);
    }

    fn update(&mut self, update: &Update<'_>) -> Result<(), EvaluationError> {
        let turns = self.turns(update)?;
        self.pass_on(update, &turns)
    }

    fn can_run(&self) -> bool {
        self.inner.can_run()
    }

    fn running(&mut self, update: &Update<'_>) -> Result<Option<ArrayRef>, EvaluationError> {
        if !self.inner.can_run() || update.retract.is_some() {
            return Ok(None);
        }
        let turns = self.turns(update)?;
        let came: Vec<u32> = (0_u32..).zip(&turns).filter(|(_, turn)| **turn == Turn::Came).map(|(row, _)| row).collect();
        running_chosen(self.inner.as_mut(), update, &came)
    }

    fn values(&self, groups: &[u32]) -> Result<ArrayRef, EvaluationError> {
        self.inner.values(groups)
    }

    fn exported(&self, groups: &[u32]) -> Result<Option<BinaryArray>, EvaluationError> {
        let Some(inner) = self.inner.exported(groups)? else {
            return Ok(None);
        };
        let mut states = BinaryBuilder::new();
        let mut out = Vec::new();
        for (&group, inner) in groups.iter().zip(inner.iter()) {
            out.clear();
            self.slots[group as usize].put_seen(&mut out);
            put_bytes(inner.unwrap_or_default(), &mut out);
            states.append_value(&out);
        }
        Ok(Some(states.finish()))
    }

    fn export(&self, group: u32, out: &mut Vec<u8>) {
        self.slots[group as usize].put_seen(out);
        // With its length, so that a merge can pass over it.
        let mut inner = Vec::new();
        self.inner.export(group, &mut inner);
        put_bytes(&inner, out);
    }

    fn merge(&mut self, group: u32, state: &mut &[u8]) -> Result<(), EvaluationError> {
        let mut later = Vec::new();
        for _ in 0..take_length(state)? {
            later.push((take_bytes(state)?, i64::take(state)?));
        }
        let mut inner = take_bytes(state)?;
        let columns = self.decode(&later.iter().map(|(key, _)| *key).collect::<Vec<_>>())?;
        let slot = self.slots.get_mut(group as usize).ok_or_else(damaged)?;
        let was_empty = slot.seen.is_empty();
        let turns: Vec<Turn> = later.iter().map(|(key, count)| slot.change(key, *count, &mut self.key_bytes)).collect();
        if was_empty {
            self.inner.clear(group);
            self.inner.merge(group, &mut inner)?;
            return if inner.is_empty() { Ok(()) } else { Err(damaged()) };
        }
        let groups = vec![group; turns.len()];
        self.pass_on(&Update { groups: &groups, retract: None, arguments: &columns }, &turns)
    }

    fn clear(&mut self, group: u32) {
        let slot = std::mem::take(&mut self.slots[group as usize]);
        let keys: usize = slot.seen.iter().map(|seen| seen.key.len() + ENTRY_BYTES).sum();
        self.key_bytes = self.key_bytes.saturating_sub(keys);
        self.inner.clear(group);
    }

    fn size_bytes(&self) -> usize {
        self.inner.size_bytes() + self.slots.capacity() * size_of::<Slot>() + self.key_bytes
    }
}
