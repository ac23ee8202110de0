//! Rows that wait for the watermark: runs of rows in columns, each in the order of time, taken from their front.

use super::super::{held_batches::bytes_of, rows_of};
use crate::error::OperatorError;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_select::interleave::interleave;
use std::collections::{BTreeSet, HashMap};

/// Runs that are kept side by side before the small ones are joined.
const RUNS_MAX: usize = 64;
/// A run with fewer rows left is small.
const SMALL_RUN_ROWS: usize = 1_024;

/// A row that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub time_ms: i64,
    /// Rows of one time are taken in the order in which they came.
    pub arrival: u64,
    pub partition: u32,
    /// The row of its run.
    pub row: u32,
}

#[derive(Debug, Default)]
struct Run {
    columns: Vec<ArrayRef>,
    /// What they take.
    bytes: usize,
    /// In the order of time and arrival.
    rows: Vec<Waiting>,
    next: usize,
}

impl Run {
    fn left(&self) -> &[Waiting] {
        self.rows.get(self.next..).unwrap_or_default()
    }
}

/// A row that is due, with the run that it lies in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub waiting: Waiting,
    pub run: u32,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    runs: Vec<Run>,
    free: Vec<u32>,
    /// Runs by the time of their next row.
    fronts: BTreeSet<(i64, u32)>,
    next_arrival: u64,
}

impl Pending {
    /// Adds rows with their times and partitions; rows of `columns` without an entry are not kept in mind.
    pub(super) fn add(&mut self, columns: Vec<ArrayRef>, rows: impl Iterator<Item = (u32, i64, u32)>) -> Result<(), OperatorError> {
        let mut waiting = Vec::new();
        for (row, time_ms, partition) in rows {
            waiting.push(Waiting { time_ms, arrival: self.next_arrival, partition, row });
            self.next_arrival += 1;
        }
        waiting.sort_by_key(|w| w.time_ms);
        self.add_run(columns, waiting);
        if self.fronts.len() > RUNS_MAX { self.join_small() } else { Ok(()) }
    }

    fn add_run(&mut self, columns: Vec<ArrayRef>, rows: Vec<Waiting>) {
        let Some(first_ms) = rows.first().map(|w| w.time_ms) else { return };
        let bytes = columns.iter().map(bytes_of).sum();
        let run = Run { columns, bytes, rows, next: 0 };
        let number = match self.free.pop() {
            Some(free) => {
                self.runs[free as usize] = run;
                free
            }
            None => {
                self.runs.push(run);
                (self.runs.len() - 1) as u32
            }
        };
        self.fronts.insert((first_ms, number));
    }

    fn join_small(&mut self) -> Result<(), OperatorError> {
        let small: Vec<u32> =
            self.fronts.iter().map(|&(_, run)| run).filter(|&run| self.runs[run as usize].left().len() < SMALL_RUN_ROWS).collect();
        if small.len() < 2 {
            return Ok(());
        }
        let mut left: Vec<Due> =
            small.iter().flat_map(|&run| self.runs[run as usize].left().iter().map(move |&waiting| Due { waiting, run })).collect();
        left.sort_by_key(|due| (due.waiting.time_ms, due.waiting.arrival));
        let columns = self.gather(&left)?.columns().to_vec();
        for &run in &small {
            if let Some(first) = self.runs[run as usize].left().first() {
                self.fronts.remove(&(first.time_ms, run));
            }
            self.runs[run as usize] = Run::default();
            self.free.push(run);
        }
        let rows = left.iter().enumerate().map(|(row, due)| Waiting { row: row as u32, ..due.waiting }).collect();
        self.add_run(columns, rows);
        Ok(())
    }

    /// The time of the earliest row.
    pub(super) fn first_ms(&self) -> Option<i64> {
        self.fronts.first().map(|(time_ms, _)| *time_ms)
    }

    /// Takes the rows up to `time_ms`. Their columns stay until [`Self::settle`].
    pub(super) fn take_due(&mut self, time_ms: i64) -> Vec<Due> {
        let mut due = Vec::new();
        while let Some(&(first_ms, run)) = self.fronts.first() {
            if first_ms > time_ms {
                break;
            }
            self.fronts.pop_first();
            let found = &mut self.runs[run as usize];
            while let Some(&waiting) = found.rows.get(found.next).filter(|w| w.time_ms <= time_ms) {
                due.push(Due { waiting, run });
                found.next += 1;
            }
            if let Some(next) = found.rows.get(found.next) {
                self.fronts.insert((next.time_ms, run));
            }
        }
        due
    }

    /// The columns of these rows.
    pub(super) fn gather(&self, due: &[Due]) -> Result<RecordBatch, OperatorError> {
        let width = due.first().map_or(0, |due| self.runs[due.run as usize].columns.len());
        let columns = (0..width).map(|column| self.gather_column(column, due)).collect::<Result<Vec<_>, _>>()?;
        rows_of(&columns, due.len())
    }

    /// One column of these rows.
    pub(super) fn gather_column(&self, column: usize, due: &[Due]) -> Result<ArrayRef, OperatorError> {
        let mut positions: Vec<Option<usize>> = vec![None; self.runs.len()];
        let mut arrays: Vec<&dyn Array> = Vec::new();
        let mut indices = Vec::with_capacity(due.len());
        for due in due {
            let position = *positions[due.run as usize].get_or_insert_with(|| {
                arrays.push(self.runs[due.run as usize].columns[column].as_ref());
                arrays.len() - 1
            });
            indices.push((position, due.waiting.row as usize));
        }
        Ok(interleave(&arrays, &indices)?)
    }

    /// Lets go of runs that have been taken.
    pub(super) fn settle(&mut self) {
        for (number, run) in self.runs.iter_mut().enumerate() {
            if !run.rows.is_empty() && run.next >= run.rows.len() {
                *run = Run::default();
                self.free.push(number as u32);
            }
        }
    }

    /// All rows that wait, by partition, each in the order in which they came.
    pub(super) fn by_partition(&self) -> HashMap<u32, Vec<Due>> {
        let mut all: HashMap<u32, Vec<Due>> = HashMap::new();
        for (number, run) in self.runs.iter().enumerate() {
            let due = |&waiting: &Waiting| Due { waiting, run: number as u32 };
            run.left().iter().map(due).for_each(|due| all.entry(due.waiting.partition).or_default().push(due));
        }
        all.values_mut().for_each(|rows| rows.sort_unstable_by_key(|due| due.waiting.arrival));
        all
    }

    /// What the rows of all runs take.
    pub(super) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.bytes + run.rows.len() * size_of::<Waiting>()).sum()
    }

    /// Keeps the rows of partitions for which `keep` answers true.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) -> Result<(), OperatorError> {
        let runs = self.runs.iter().enumerate();
        let all = runs.flat_map(|(number, run)| run.left().iter().map(move |&waiting| Due { waiting, run: number as u32 }));
        let mut left: Vec<Due> = all.filter(|due| keep(due.waiting.partition)).collect();
        left.sort_unstable_by_key(|due| (due.waiting.time_ms, due.waiting.arrival));
        let columns = if left.is_empty() { Vec::new() } else { self.gather(&left)?.columns().to_vec() };
        (self.runs, self.free, self.fronts) = Default::default();
        let rows = left.iter().enumerate().map(|(row, due)| Waiting { row: row as u32, ..due.waiting }).collect();
        self.add_run(columns, rows);
        Ok(())
    }
}
