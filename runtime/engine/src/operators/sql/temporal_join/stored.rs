//! What a key keeps, in bytes: when it is looked at and when something last came, then the rows of both sides. Keys on disk,
//! and how they come back.

use super::{
    super::{
        groups::read_i64,
        held_batches::{Arriving, HeldBatches, Place},
        row_bytes::ByteRows,
        rows_of,
        tiered_slots::Written,
    },
    OfKey, Side, TemporalJoin, Timed,
};
use crate::{
    error::OperatorError,
    state::{KeyGroupBlobs, Portion, StateError, encode_bytes, tiered_map::RestoredSegments},
};
use millrace_model::ChangeKind;
use std::cmp::Reverse;

impl Side {
    /// The bytes of these rows; `None` of no rows.
    fn bytes<'t>(&self, rows: impl Iterator<Item = &'t Timed>) -> Result<Option<ByteRows>, OperatorError> {
        let places: Vec<Place> = rows.map(|row| row.place).collect();
        let Some(columns) = self.held.gather(&places)? else { return Ok(None) };
        Ok(Some(self.rows.convert(&rows_of(&columns, places.len())?)?))
    }
}

/// Appends keys.
pub(super) fn write(sides: &[Side; 2], keys: &[(u32, &OfKey)], written: &mut Written) -> Result<(), OperatorError> {
    let left = sides[0].bytes(keys.iter().flat_map(|(_, k)| &k.left))?;
    let versions = sides[1].bytes(keys.iter().flat_map(|(_, k)| &k.versions))?;
    let mut next = [0; 2];
    for (_, of_key) in keys {
        written.value(|out| {
            out.extend_from_slice(&of_key.timer_ms.unwrap_or(i64::MAX).to_le_bytes());
            out.extend_from_slice(&of_key.touched_ms.to_le_bytes());
            for ((timed, bytes), next) in [(&of_key.left, &left), (&of_key.versions, &versions)].into_iter().zip(&mut next) {
                out.extend_from_slice(&(timed.len() as i64).to_le_bytes());
                for timed in timed {
                    out.extend_from_slice(&timed.time_ms.to_le_bytes());
                    out.push(timed.kind);
                    encode_bytes(bytes.as_ref().map_or(&[][..], |b| b.get(*next)), out);
                    *next += 1;
                }
            }
        });
    }
    Ok(())
}

/// Takes what [`write`] wrote of a key off the front.
fn read(sides: &[Side; 2], arriving: &mut [Arriving; 2], value: &mut &[u8]) -> Result<OfKey, OperatorError> {
    let timer_ms = read_i64(value)?;
    let touched_ms = read_i64(value)?;
    let ([left, right], [arriving_left, arriving_right]) = (sides, arriving);
    let (left, versions) = (read_rows(left, arriving_left, value)?, read_rows(right, arriving_right, value)?);
    if versions.windows(2).any(|pair| pair[0].time_ms >= pair[1].time_ms) {
        return Err(StateError("the versions of a key are not in the order of their times".into()).into());
    }
    Ok(OfKey { left, versions, timer_ms: (timer_ms != i64::MAX).then_some(timer_ms), touched_ms })
}

fn read_rows(side: &Side, arriving: &mut Arriving, value: &mut &[u8]) -> Result<Vec<Timed>, OperatorError> {
    let mut rows = Vec::new();
    let count = usize::try_from(read_i64(value)?).map_err(|_| StateError("a negative number of rows".into()))?;
    for _ in 0..count {
        let time_ms = read_i64(value)?;
        let (&kind, rest) = value.split_first().ok_or_else(|| StateError("ends before a row".into()))?;
        *value = rest;
        if kind > ChangeKind::Delete as u8 {
            return Err(StateError(format!("a row that changes as {kind}")).into());
        }
        rows.push(Timed { time_ms, place: arriving.push(side.rows.stored_row(value)?), kind });
    }
    Ok(rows)
}

/// Reads all of a value.
fn read_value(sides: &[Side; 2], arriving: &mut [Arriving; 2], mut value: &[u8]) -> Result<OfKey, OperatorError> {
    let of_key = read(sides, arriving, &mut value)?;
    if value.is_empty() { Ok(of_key) } else { Err(StateError(format!("{} bytes behind the rows of a key", value.len())).into()) }
}

/// Whether a value is of a key that was forgotten when expired keys were last looked for.
fn expires(value: &[u8], ttl_ms: Option<i64>, now_ms: i64) -> bool {
    let touched_ms = value.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes);
    ttl_ms.zip(touched_ms).is_some_and(|(ttl_ms, touched_ms)| touched_ms.saturating_add(ttl_ms) <= now_ms)
}

impl TemporalJoin {
    pub(super) fn restore(&mut self, segments: RestoredSegments, blobs: Option<&KeyGroupBlobs>) -> Result<(), OperatorError> {
        let Self { sides, kept, due, away, ttl_ms, .. } = self;
        if let Some(ttl_ms) = *ttl_ms {
            kept.expire_by(move |value, now_ms| expires(value, Some(ttl_ms), now_ms));
        }
        let is_in_steps = !segments.is_empty();
        let mut arriving = sides.each_mut().map(|side| side.held.arriving());
        kept.take_in(segments, |group, key, value| {
            sides[0].keys.check_key(group, key)?;
            read_value(sides, &mut arriving, value)
        })?;
        for (&group, blob) in blobs.into_iter().flatten() {
            let mut blob: &[u8] = blob;
            while !blob.is_empty() {
                let key = sides[0].keys.stored_key(group, &mut blob)?;
                let of_key = read(sides, &mut arriving, &mut blob)?;
                kept.slot(key, || of_key);
            }
        }
        for (side, arrived) in sides.iter_mut().zip(&arriving) {
            side.held.hold_arrived(arrived, &side.rows)?;
        }
        due.extend(kept.iter().filter_map(|(slot, of_key)| Some(Reverse((of_key.timer_ms?, slot)))));
        kept.scan(&mut |_, key, mut value| match read_i64(&mut value)? {
            i64::MAX => Ok(()),
            timer_ms => away.add(timer_ms, key),
        })?;
        // Of a key that is told of several times the earlier rows have come too.
        self.repack_if(|_| is_in_steps)?;
        self.make_room()
    }

    /// Brings these keys to memory; answers what the rows of those take that were not there.
    pub(super) fn bring<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) -> Result<usize, OperatorError> {
        let Self { sides, kept, due, away, ttl_ms, swept, .. } = self;
        let (ttl_ms, now_ms) = (*ttl_ms, swept.ms);
        if !kept.has_cold() {
            return kept.load(keys, now_ms, |_| Ok(None)).map(|()| 0);
        }
        let mut arriving = sides.each_mut().map(|side| side.held.arriving());
        let slots = kept.load_slots(keys, now_ms, |value| {
            if expires(value, ttl_ms, now_ms) { Ok(None) } else { read_value(sides, &mut arriving, value).map(Some) }
        })?;
        for slot in slots {
            if let Some(timer_ms) = kept.get(slot).and_then(|of_key| of_key.timer_ms) {
                due.push(Reverse((timer_ms, slot)));
                away.remove(timer_ms, kept.key(slot));
            }
        }
        for (side, arrived) in sides.iter_mut().zip(&arriving) {
            side.held.hold_arrived(arrived, &side.rows)?;
        }
        Ok(arriving.iter().map(Arriving::bytes).sum())
    }

    /// Brings a portion of the keys to memory that are due; answers whether there were any.
    pub(super) fn bring_due(&mut self, watermark_ms: i64) -> Result<bool, OperatorError> {
        let mut portion = Portion::default();
        while let Some(keys) = portion.next(&mut self.away, watermark_ms)? {
            portion.takes(self.bring(keys.iter().map(AsRef::as_ref))?);
        }
        Ok(portion.has_any())
    }

    /// Lets keys leave that were not used for longest, if memory is short.
    pub(super) fn make_room(&mut self) -> Result<(), OperatorError> {
        if !self.kept.is_short(self.beside_bytes()) {
            return Ok(());
        }
        self.repack_if(HeldBatches::is_loose)?;
        let beside_bytes = self.beside_bytes();
        let Self { sides, kept, away, due, .. } = self;
        let mut gone = [Vec::new(), Vec::new()];
        kept.let_leave(
            beside_bytes,
            |_| true,
            &|keys, written| write(sides, keys, written),
            |_, key, of_key| {
                gone[0].extend(of_key.left.iter().map(|row| row.place));
                gone[1].extend(of_key.versions.iter().map(|row| row.place));
                of_key.timer_ms.map_or(Ok(()), |timer_ms| away.add(timer_ms, key))
            },
        )?;
        due.retain(|Reverse((time_ms, slot))| kept.get(*slot).is_some_and(|of_key| of_key.timer_ms == Some(*time_ms)));
        self.release(&mut gone);
        self.repack_if(HeldBatches::is_loose)?;
        self.kept.is_short(self.beside_bytes());
        Ok(())
    }

    /// What is kept beside the keys.
    fn beside_bytes(&self) -> u64 {
        self.sides.iter().map(|side| side.held.bytes() as u64).sum::<u64>() + self.away.bytes()
    }
}
