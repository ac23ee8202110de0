//! When keys are due that are not in memory: pairs of a time and a key, the earliest first. The later ones go to local disk
//! when there are many.
//!
//! Nothing of this is in checkpoints: a key's value says when it is due. A pair may be left over from a key that came back to
//! memory since, so whoever is told of a key asks its value.
//!
//! Invariant: nothing on disk is before `far_from`; a pair is taken once.

use super::{StateContext, cold::ColdStore};
use crate::error::OperatorError;
use lsm_tree::Cache;
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// Pairs in memory at most, where there is a disk.
const NEAR_MAX: usize = 65_536;
/// What a pair takes besides the bytes of its key.
const PAIR_BYTES: usize = 56;

/// Keys by when they are due.
pub(crate) struct DueKeys {
    name: &'static str,
    parent: Option<PathBuf>,
    cache: Arc<Cache>,
    near_max: usize,
    near: BTreeSet<(i64, Box<[u8]>)>,
    near_bytes: usize,
    far: Option<ColdStore>,
    /// As stored.
    far_from: Option<Vec<u8>>,
}

/// Keys that come to memory together.
const KEYS_AT_ONCE: usize = 64;
/// Keys of a portion.
const PORTION_KEYS: usize = 1_024;
/// No more keys come when those that did take so much.
const PORTION_BYTES: usize = 4 << 20;

/// As many of the keys that are due as come to memory before some of them leave it again.
#[derive(Debug, Default)]
pub(crate) struct Portion {
    keys: usize,
    bytes: usize,
}

impl Portion {
    /// The next keys that are due at `time_ms`; none when there are no more, or the portion is full.
    pub(crate) fn next(&mut self, due: &mut DueKeys, time_ms: i64) -> Result<Option<Vec<Box<[u8]>>>, OperatorError> {
        if self.keys >= PORTION_KEYS || self.bytes >= PORTION_BYTES {
            return Ok(None);
        }
        let keys = due.take_due(time_ms, KEYS_AT_ONCE)?;
        self.keys += keys.len();
        Ok((!keys.is_empty()).then_some(keys))
    }

    /// The keys that came last take so much.
    pub(crate) fn takes(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Whether any key was due.
    pub(crate) fn has_any(&self) -> bool {
        self.keys > 0
    }
}

/// Sorts by time, then by key.
fn stored(at_ms: i64, key: &[u8]) -> Vec<u8> {
    let time = at_ms.cast_unsigned() ^ (1 << 63);
    [&time.to_be_bytes(), key].concat()
}

fn split(stored: &[u8]) -> Option<(i64, &[u8])> {
    let (time, key) = stored.split_first_chunk::<8>()?;
    Some(((u64::from_be_bytes(*time) ^ (1 << 63)).cast_signed(), key))
}

impl DueKeys {
    /// No keys; `name` is that of their folder.
    pub(crate) fn open(name: &'static str, context: &StateContext) -> Self {
        Self {
            name,
            parent: context.folder.clone(),
            cache: context.budget.cache(),
            near_max: NEAR_MAX,
            near: BTreeSet::new(),
            near_bytes: 0,
            far: None,
            far_from: None,
        }
    }

    /// What it takes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.near_bytes as u64
    }

    /// A key that is not in memory is due then.
    pub(crate) fn add(&mut self, at_ms: i64, key: &[u8]) -> Result<(), OperatorError> {
        self.put(at_ms, key);
        if self.near.len() > self.near_max { self.go_far() } else { Ok(()) }
    }

    fn put(&mut self, at_ms: i64, key: &[u8]) {
        if self.near.insert((at_ms, key.into())) {
            self.near_bytes += PAIR_BYTES + key.len();
        }
    }

    /// A key is in memory again; what lies on disk of it is taken when it is due.
    pub(crate) fn remove(&mut self, at_ms: i64, key: &[u8]) {
        if self.near.remove(&(at_ms, key.into())) {
            self.near_bytes -= PAIR_BYTES + key.len();
        }
    }

    /// When the first key is due, or earlier.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.near.first().map(|(at_ms, _)| *at_ms).into_iter().chain(self.far_ms()).min()
    }

    fn far_ms(&self) -> Option<i64> {
        self.far_from.as_deref().and_then(split).map(|(at_ms, _)| at_ms)
    }

    /// Takes keys that are due at `time_ms`, at most `max` of them, the earliest first.
    pub(crate) fn take_due(&mut self, time_ms: i64, max: usize) -> Result<Vec<Box<[u8]>>, OperatorError> {
        let mut keys = Vec::new();
        while keys.len() < max {
            let near_ms = self.near.first().map(|(at_ms, _)| *at_ms);
            if self.far_ms().is_some_and(|far_ms| far_ms <= time_ms && near_ms.is_none_or(|near_ms| far_ms <= near_ms)) {
                self.come_near()?;
                continue;
            }
            if near_ms.is_none_or(|near_ms| near_ms > time_ms) {
                break;
            }
            if let Some((_, key)) = self.near.pop_first() {
                self.near_bytes -= PAIR_BYTES + key.len();
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// The later half goes to disk.
    fn go_far(&mut self) -> Result<(), OperatorError> {
        let Some(parent) = &self.parent else { return Ok(()) };
        let Some(middle) = self.near.iter().nth(self.near.len() / 2).cloned() else { return Ok(()) };
        let late = self.near.split_off(&middle);
        self.near_bytes -= late.iter().map(|(_, key)| PAIR_BYTES + key.len()).sum::<usize>();
        let late: Vec<Vec<u8>> = late.into_iter().map(|(at_ms, key)| stored(at_ms, &key)).collect();
        let far = match &mut self.far {
            Some(far) => far,
            None => self.far.insert(ColdStore::make(parent, self.name, self.cache.clone(), Arc::default())?),
        };
        far.write(late.iter().map(|pair| (pair.as_slice(), Some(&[][..]))))?;
        let first = late.into_iter().next();
        self.far_from = self.far_from.take().into_iter().chain(first).min();
        Ok(())
    }

    /// The first pairs on disk come to memory.
    fn come_near(&mut self) -> Result<(), OperatorError> {
        let (Some(far), Some(from)) = (&mut self.far, self.far_from.take()) else { return Ok(()) };
        let mut entries = far.entries_from(&from);
        let mut taken: Vec<Vec<u8>> = Vec::new();
        while let Some((pair, _)) = entries.next_stored()? {
            let pair = pair.as_ref().to_vec();
            if taken.len() >= (self.near_max / 2).max(1) {
                self.far_from = Some(pair);
                break;
            }
            taken.push(pair);
        }
        drop(entries);
        if self.far_from.is_some() {
            far.write(taken.iter().map(|pair| (pair.as_slice(), None)))?;
        } else {
            self.far = None;
        }
        for (at_ms, key) in taken.iter().filter_map(|pair| split(pair)) {
            self.put(at_ms, key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{StateBudget, StateSettings};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// What is in memory stays below a bound, and keys come in the order in which a plain set gives them.
    #[test]
    fn many_keys_go_to_disk_and_come_in_order_in_portions() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StateSettings { folder: Some(folder.path().to_owned()), ..StateSettings::default() };
        let budget = Arc::new(StateBudget::new(settings));
        let context = StateContext { budget, folder: Some(folder.path().to_owned()), ..StateContext::default() };
        let mut random = StdRng::seed_from_u64(7);
        let mut due = DueKeys::open("due", &context);
        due.near_max = 64;
        let mut model: BTreeSet<(i64, Box<[u8]>)> = BTreeSet::new();
        let (mut now_ms, mut was_far) = (-5_000, false);
        for _ in 0..200 {
            for _ in 0..random.random_range(0..60) {
                let (at_ms, key) = (now_ms + random.random_range(-50..3_000), random.random_range(0..300_u32).to_be_bytes());
                if random.random_range(0..8) == 0 && !model.is_empty() {
                    let pair = model.iter().nth(random.random_range(0..model.len())).cloned().unwrap();
                    // Of what lies on disk it does not take note.
                    let before = due.near.len();
                    due.remove(pair.0, &pair.1);
                    if due.near.len() < before {
                        model.remove(&pair);
                    }
                } else {
                    due.add(at_ms, &key).unwrap();
                    model.insert((at_ms, Box::from(key)));
                }
            }
            assert!(due.near.len() <= 64 + 32, "{}", due.near.len());
            assert_eq!(due.bytes(), due.near.len() as u64 * (PAIR_BYTES as u64 + 4));
            was_far |= due.far.is_some();
            assert!(due.next_ms() <= model.first().map(|(at_ms, _)| *at_ms));
            now_ms += random.random_range(0..150);
            loop {
                let keys = due.take_due(now_ms, 20).unwrap();
                assert!(keys.len() <= 20);
                for key in &keys {
                    let (at_ms, expected) = model.pop_first().unwrap();
                    assert!(at_ms <= now_ms && expected == *key);
                }
                if keys.len() < 20 {
                    break;
                }
            }
            assert!(model.first().is_none_or(|(at_ms, _)| *at_ms > now_ms));
        }
        let left = due.take_due(i64::MAX, usize::MAX).unwrap();
        assert_eq!(left, model.into_iter().map(|(_, key)| key).collect::<Vec<_>>());
        assert!(was_far && due.far.is_none() && due.bytes() == 0 && due.next_ms().is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the folder goes with the last pair");
    }

    #[test]
    fn a_portion_is_bounded_by_keys_and_by_what_they_take() {
        let mut due = DueKeys::open("due", &StateContext::default());
        (0..3_000_u32).for_each(|n| due.add(i64::from(n / 2), &n.to_be_bytes()).unwrap());
        let take = |due: &mut DueKeys, bytes: usize| {
            let (mut portion, mut keys) = (Portion::default(), 0);
            while let Some(next) = portion.next(due, 1_400).unwrap() {
                keys += next.len();
                portion.takes(next.len() * bytes);
            }
            assert_eq!(portion.has_any(), keys > 0);
            keys
        };
        assert_eq!(take(&mut due, 10), PORTION_KEYS);
        assert_eq!(take(&mut due, PORTION_BYTES / 100), 2 * KEYS_AT_ONCE);
        let mut left = std::iter::from_fn(|| Some(take(&mut due, 0)));
        assert_eq!(left.by_ref().take_while(|keys| *keys > 0).sum::<usize>(), 2_802 - PORTION_KEYS - 2 * KEYS_AT_ONCE);
    }

    #[test]
    fn without_a_disk_all_stays_in_memory() {
        let mut due = DueKeys::open("due", &StateContext::default());
        due.near_max = 2;
        for key in [b"c", b"a", b"b", b"a"] {
            due.add(i64::from(key[0]), key).unwrap();
        }
        assert_eq!(due.take_due(i64::from(b'b'), 9).unwrap(), [Box::from(b"a".as_slice()), Box::from(b"b".as_slice())]);
        assert_eq!(due.next_ms(), Some(i64::from(b'c')));
    }
}
