//! Running results where only some rows count: calls with `FILTER`, and `DISTINCT`, which passes on what is new.
//!
//! Invariant: a row that does not count answers what its slot's result is at its place.

use super::{Accumulator, Update};
use crate::EvaluationError;
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::{interleave::interleave, take::take};
use std::collections::HashMap;

/// As [`Accumulator::running`], of which only the rows `chosen` (positions, ascending) are taken into account.
///
/// # Errors
/// As of [`Accumulator::running`].
pub fn running_chosen(accumulator: &mut dyn Accumulator, update: &Update<'_>, chosen: &[u32]) -> Result<Option<ArrayRef>, EvaluationError> {
    if !accumulator.can_run() {
        return Ok(None);
    }
    if chosen.len() == update.groups.len() {
        return accumulator.running(update);
    }
    let mut sources = Sources::of(update.groups, chosen);
    let before = accumulator.values(&sources.slots)?;
    let after = run(accumulator, update, chosen)?;
    let Some(after) = after else { return Ok(None) };
    if sources.slots.is_empty() {
        // Every row shows the result of a row that counts.
        let places = UInt32Array::from_iter_values(sources.places.drain(..).map(|(_, place)| place as u32));
        return Ok(Some(take(&after, &places, None)?));
    }
    Ok(Some(interleave(&[before.as_ref(), after.as_ref()], &sources.places)?))
}

fn run(accumulator: &mut dyn Accumulator, update: &Update<'_>, chosen: &[u32]) -> Result<Option<ArrayRef>, EvaluationError> {
    let groups: Vec<u32> = chosen.iter().map(|&row| update.groups[row as usize]).collect();
    let retract: Option<Vec<bool>> = update.retract.map(|r| chosen.iter().map(|&row| r[row as usize]).collect());
    let rows = UInt32Array::from(chosen.to_vec());
    let arguments = update.arguments.iter().map(|column| take(column, &rows, None)).collect::<Result<Vec<_>, _>>()?;
    accumulator.running(&Update { groups: &groups, retract: retract.as_deref(), arguments: &arguments })
}

/// Where each row's result is to be found.
struct Sources {
    /// Per row: 0 and the position of its slot in `slots`, or 1 and the position of a row in `chosen`.
    places: Vec<(usize, usize)>,
    /// Slots with rows before the first that counts.
    slots: Vec<u32>,
}

impl Sources {
    fn of(groups: &[u32], chosen: &[u32]) -> Self {
        let largest = groups.iter().max().map_or(0, |&slot| slot as usize);
        let mut latest = Latest::new(largest, groups.len());
        let (mut places, mut slots, mut counting) = (Vec::with_capacity(groups.len()), Vec::new(), 0);
        for (row, &slot) in groups.iter().enumerate() {
            let place = latest.of(slot);
            if chosen.get(counting) == Some(&(row as u32)) {
                *place = Some((1, counting as u32));
                counting += 1;
            } else if place.is_none() {
                *place = Some((0, slots.len() as u32));
                slots.push(slot);
            }
            let (array, position) = place.unwrap_or_default();
            places.push((usize::from(array), position as usize));
        }
        Self { places, slots }
    }
}

/// Where the latest result of a slot is.
enum Latest {
    /// Slots are few.
    Dense(Vec<Option<(u8, u32)>>),
    Sparse(HashMap<u32, Option<(u8, u32)>>),
}

impl Latest {
    fn new(largest: usize, rows: usize) -> Self {
        if largest <= rows * 4 { Self::Dense(vec![None; largest + 1]) } else { Self::Sparse(HashMap::with_capacity(rows)) }
    }

    #[inline]
    fn of(&mut self, slot: u32) -> &mut Option<(u8, u32)> {
        match self {
            Self::Dense(places) => &mut places[slot as usize],
            Self::Sparse(places) => places.entry(slot).or_default(),
        }
    }
}
