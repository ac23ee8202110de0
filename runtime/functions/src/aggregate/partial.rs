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
    let sources = Sources::of(update.groups, chosen);
    let before = accumulator.values(&sources.slots)?;
    let after = accumulator.running(&Chosen::of(update, chosen)?.update())?;
    let Some(after) = after else { return Ok(None) };
    Ok(Some(interleave(&[before.as_ref(), after.as_ref()], &sources.places)?))
}

/// Some of the rows of an update.
pub struct Chosen {
    groups: Vec<u32>,
    retract: Option<Vec<bool>>,
    arguments: Vec<ArrayRef>,
}

impl Chosen {
    /// The rows `chosen` (positions, ascending) of `update`.
    ///
    /// # Errors
    /// Positions that it does not have.
    pub fn of(update: &Update<'_>, chosen: &[u32]) -> Result<Self, EvaluationError> {
        let rows = UInt32Array::from(chosen.to_vec());
        Ok(Self {
            groups: chosen.iter().map(|&row| update.groups[row as usize]).collect(),
            retract: update.retract.map(|retract| chosen.iter().map(|&row| retract[row as usize]).collect()),
            arguments: update.arguments.iter().map(|column| take(column, &rows, None)).collect::<Result<_, _>>()?,
        })
    }

    /// They, as an update.
    pub fn update(&self) -> Update<'_> {
        Update { groups: &self.groups, retract: self.retract.as_deref(), arguments: &self.arguments }
    }
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
