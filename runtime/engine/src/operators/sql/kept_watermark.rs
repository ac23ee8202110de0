//! The watermark that a window operator had reached, kept with its state.
//!
//! Without it a late row that comes before the first watermark after a restore would open a window again that has fired
//! already. Every key group of the subtask carries it, so it is found at any parallelism. Subtasks may have been at
//! different watermarks: an idle channel is let go at one before it wakes up at the other. The greatest one counts, since
//! no window may fire twice; a row behind it could have been late without a restore too.

use crate::{
    error::OperatorError,
    key::KeyGroup,
    operators::OperatorContext,
    state::{KeyGroupBlobs, StateError},
};
use bytes::Bytes;
use millrace_checkpoint::{KEY_GROUPS_DEFAULT, key_groups::range_of_subtask};
use std::collections::{BTreeMap, BTreeSet};

const WATERMARK: &str = "watermark";

pub(crate) struct KeptWatermark {
    /// Its name in checkpoints.
    name: &'static str,
    /// Epoch milliseconds.
    pub ms: i64,
    groups: Vec<KeyGroup>,
    /// Restored key groups that were behind `ms`, with their own watermark.
    behind: BTreeMap<KeyGroup, i64>,
}

impl KeptWatermark {
    pub(crate) fn open(context: &OperatorContext) -> Result<Self, OperatorError> {
        Self::named(WATERMARK, context)
    }

    /// Another time that all key groups carry.
    pub(crate) fn named(name: &'static str, context: &OperatorContext) -> Result<Self, OperatorError> {
        let range = range_of_subtask(KEY_GROUPS_DEFAULT, context.parallelism as u16, context.subtask as u16);
        let groups = range.map(|r| r.iter().collect()).unwrap_or_default();
        let (mut greatest_ms, mut behind) = (i64::MIN, BTreeMap::new());
        for (&group, blob) in context.restored.get(name).into_iter().flatten() {
            let bytes: [u8; 8] = blob.as_ref().try_into().map_err(|_| StateError("a time is not 8 bytes long".into()))?;
            let ms = i64::from_le_bytes(bytes);
            greatest_ms = greatest_ms.max(ms);
            behind.insert(group, ms);
        }
        behind.retain(|_, ms| *ms < greatest_ms);
        Ok(Self { name, ms: greatest_ms, groups, behind })
    }

    /// The watermark up to which a restored key group had fired, if that is less than `ms` was.
    pub(crate) fn behind(&self, group: KeyGroup) -> Option<i64> {
        self.behind.get(&group).copied()
    }

    /// The watermark up to which a restored key group had fired.
    pub(crate) fn fired_ms(&self, group: KeyGroup) -> i64 {
        self.behind(group).unwrap_or(self.ms)
    }

    /// Restored key groups that were behind, by their watermark.
    pub(crate) fn all_behind(&self) -> BTreeMap<i64, BTreeSet<KeyGroup>> {
        let mut all: BTreeMap<i64, BTreeSet<KeyGroup>> = BTreeMap::new();
        for (&group, &ms) in &self.behind {
            all.entry(ms).or_default().insert(group);
        }
        all
    }

    /// The watermark has risen.
    pub(crate) fn rise(&mut self, watermark_ms: i64) {
        self.ms = self.ms.max(watermark_ms);
    }

    /// Adds the watermark to a snapshot.
    pub(crate) fn add_to(&self, keyed: &mut BTreeMap<String, KeyGroupBlobs>) {
        let blob = Bytes::copy_from_slice(&self.ms.to_le_bytes());
        keyed.insert(self.name.to_owned(), self.groups.iter().map(|&group| (group, blob.clone())).collect());
    }
}
