//! The results for rows that are due: over everything so far, or over frames that rows leave again.

use super::{
    Due, Framed, OverAggregate, Slot,
    answers::{Steps, answers},
    pages::RowAt,
};
use crate::error::OperatorError;
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::take::take;

impl OverAggregate {
    /// The results of the calls for these rows, which are in order.
    pub(super) fn answer(&mut self, due: &Due<'_>) -> Result<Vec<ArrayRef>, OperatorError> {
        let arguments: Vec<ArrayRef> = self.argument_columns.iter().map(|&c| due.columns[c].clone()).collect();
        let (wanted, places) = if self.spec.frame.is_rows { (None, None) } else { self.last_of_times(due) };
        let rows: Vec<u32> = match &wanted {
            Some(wanted) => wanted.clone(),
            None => (0..due.slots.len() as u32).collect(),
        };
        let found = if self.spec.frame.preceding.is_some() {
            self.slide(due, arguments, &rows)?
        } else {
            answers(&mut self.groups, &self.groups_spec, &Steps { slots: due.slots, retract: None, columns: &arguments, wanted: &rows })?
        };
        match places {
            None => Ok(found),
            Some(places) => Ok(found.iter().map(|a| take(a, &places, None)).collect::<Result<_, _>>()?),
        }
    }

    /// For RANGE: rows that are the last of their key and time, and per row the position of its own among them; nothing if
    /// each row is the last.
    fn last_of_times(&mut self, due: &Due<'_>) -> (Option<Vec<u32>>, Option<UInt32Array>) {
        let count = due.slots.len();
        // Per slot the last row seen from behind.
        let last = &mut self.last_seen;
        last.resize(self.kept.len().max(last.len()), u32::MAX);
        let mut owner = vec![0u32; count];
        let mut is_last = vec![false; count];
        let mut lasts = 0;
        for row in (0..count).rev() {
            let seen = &mut last[due.slots[row] as usize];
            if *seen == u32::MAX || due.times[*seen as usize] != due.times[row] {
                *seen = row as u32;
                is_last[row] = true;
                lasts += 1;
            }
            owner[row] = *seen;
        }
        due.slots.iter().for_each(|&slot| last[slot as usize] = u32::MAX);
        if lasts == count {
            return (None, None);
        }
        let mut position = vec![0u32; count];
        let mut wanted = Vec::with_capacity(lasts);
        for (row, _) in is_last.iter().enumerate().filter(|(_, is_last)| **is_last) {
            position[row] = wanted.len() as u32;
            wanted.push(row as u32);
        }
        let places = UInt32Array::from_iter_values(owner.iter().map(|&row| position[row as usize]));
        (Some(wanted), Some(places))
    }

    /// Bounded frames: before a row is added, what leaves its frame is taken back. `rows` are those that are asked for.
    fn slide(&mut self, due: &Due<'_>, arguments: Vec<ArrayRef>, rows: &[u32]) -> Result<Vec<ArrayRef>, OperatorError> {
        let range_ms = self.range_ms();
        let length = self.spec.frame.preceding.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let page = self.framed.add(arguments.clone(), due.slots.len());
        let count = due.slots.len();
        let (mut steps, mut slots, mut retract) =
            (Vec::with_capacity(2 * count), Vec::with_capacity(2 * count), Vec::with_capacity(2 * count));
        let mut gone = Vec::new();
        let mut wanted = Vec::with_capacity(rows.len());
        let mut asked = rows.iter().copied().peekable();
        for (row, (&slot, &time_ms)) in due.slots.iter().zip(due.times).enumerate() {
            let Some(Slot { frame, .. }) = self.kept.look_at(slot) else { continue };
            while let Some(first) = frame.front() {
                let leaves = match range_ms {
                    Some(range_ms) => time_ms.saturating_sub(first.time_ms) > range_ms,
                    None => frame.len() > length,
                };
                if !leaves {
                    break;
                }
                steps.push(first.at);
                slots.push(slot);
                retract.push(true);
                gone.push(first.at);
                frame.pop_front();
            }
            let at = RowAt::new(page, row);
            frame.push_back(Framed { time_ms, at });
            if asked.next_if_eq(&(row as u32)).is_some() {
                wanted.push(steps.len() as u32);
            }
            steps.push(at);
            slots.push(slot);
            retract.push(false);
        }
        let columns = if gone.is_empty() { arguments } else { self.framed.gather(&steps)? };
        let retract = (!gone.is_empty()).then_some(retract);
        let steps = Steps { slots: &slots, retract: retract.as_deref(), columns: &columns, wanted: &wanted };
        let found = answers(&mut self.groups, &self.groups_spec, &steps)?;
        gone.into_iter().for_each(|at| self.framed.release(at));
        if self.framed.is_sparse() {
            self.framed.renew(self.kept.values_mut().flat_map(|s| &mut s.frame).map(|f| &mut f.at).collect())?;
        }
        Ok(found)
    }
}
