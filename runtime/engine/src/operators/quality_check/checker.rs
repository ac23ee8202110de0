//! The work on a batch, without counters and letters: which rows break which rule, and what goes on.
//!
//! Invariant: only rows that say what is there now (`+I`, `+U`) are counted and diverted; what takes a row back follows the
//! row that it takes back, so that whoever reads the rows behind never keeps a bad one, nor loses a good one.

use super::{OnViolation, Settings, Source};
use crate::error::OperatorError;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt8Array, UInt32Array, cast::AsArray};
use millrace_formats::{EncodedRows, Encoder, FormatSpec, JsonOptions};
use millrace_model::{Batch, ChangeKind, Schema};
use std::sync::Arc;

/// Rows that broke a rule and are kept to be shown, per subtask.
pub(super) const SAMPLES_MAX: usize = 5;
/// Bytes of a sample.
const SAMPLE_BYTES_MAX: usize = 1_024;

/// What is found in one batch.
pub(super) struct Checked {
    /// The rows that go on.
    pub on: Batch,
    /// Rows that were looked at.
    pub rows: u64,
    /// Per rule how many broke it, and some of them as JSON.
    pub counts: Vec<(u64, Vec<String>)>,
    /// Rows to divert: the row as JSON and the names of the rules that it breaks.
    pub diverted: Vec<(Vec<u8>, String)>,
}

pub(super) struct Checker {
    pub settings: Settings,
    arrow: Arc<arrow_schema::Schema>,
    encoder: Encoder,
}

impl Checker {
    pub fn new(settings: Settings, output: &Schema) -> Result<Self, OperatorError> {
        let fields: Vec<_> = output.fields().iter().map(millrace_model::Field::to_arrow).collect();
        let encoder = Encoder::new(&FormatSpec::Json(JsonOptions::default()), output).map_err(|e| wrong(&e))?;
        Ok(Self { settings, arrow: Arc::new(arrow_schema::Schema::new(fields)), encoder })
    }

    /// Checks the rows of `batch`; `flags` is what the conditions answer for them.
    pub fn check(&mut self, batch: &Batch, flags: Option<&RecordBatch>) -> Result<Checked, OperatorError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.settings.kept.len());
        for &position in &self.settings.kept {
            columns.push(column(&batch.rows, position)?.clone());
        }
        let stated = stated(batch);
        let rows = stated.as_ref().map_or(batch.num_rows(), |stated| stated.iter().filter(|is| **is).count()) as u64;
        // Which rows break which rule; `None` where nobody does, the common case.
        let mut broken: Vec<Option<Vec<bool>>> = Vec::with_capacity(self.settings.rules.len());
        for placed in &self.settings.rules {
            let found = match (placed.source, flags) {
                (Source::Column(position), _) => column(&batch.rows, position)?,
                (Source::Condition(position), Some(flags)) if flags.num_rows() == batch.num_rows() => column(flags, position)?,
                (Source::Condition(_), _) => {
                    return Err(OperatorError::Internal("conditions of quality rules answered other rows than they were asked for".into()));
                }
            };
            broken.push(breaking(found.as_boolean()));
        }
        if broken.iter().all(Option::is_none) {
            let on = batch.with_rows(self.rows(columns)?);
            let on = if self.settings.only_violations { on.take(&UInt32Array::from(Vec::<u32>::new()))? } else { on };
            return Ok(Checked { on, rows, counts: vec![(0, Vec::new()); broken.len()], diverted: Vec::new() });
        }
        let plain = self.rows(columns.clone())?;
        let is_stated = |row: usize| stated.as_ref().is_none_or(|stated| stated.get(row) == Some(&true));
        let mut counts = Vec::with_capacity(broken.len());
        let mut divert = vec![false; batch.num_rows()];
        for (placed, rows) in self.settings.rules.iter().zip(&broken) {
            let Some(rows) = rows else {
                counts.push((0, Vec::new()));
                continue;
            };
            let positions: Vec<u32> = positions(rows).into_iter().filter(|&row| is_stated(row as usize)).collect();
            let shown: Vec<u32> = positions.iter().copied().take(SAMPLES_MAX).collect();
            let samples = encoded(&mut self.encoder, &plain, &shown)?.into_iter().map(|text| shortened(&text)).collect();
            counts.push((positions.len() as u64, samples));
            match placed.rule.on_violation {
                OnViolation::Count => {}
                OnViolation::Divert => divert.iter_mut().zip(rows).for_each(|(divert, broken)| *divert |= broken),
                OnViolation::Mark => {
                    if let Some(marked) = placed.mark.and_then(|position| columns.get_mut(position)) {
                        *marked = mark(marked, rows, &placed.rule.name);
                    }
                }
            }
        }
        let away: Vec<u32> = positions(&divert).into_iter().filter(|&row| is_stated(row as usize)).collect();
        let names = |row: u32| {
            let is_broken = |rows: &Option<Vec<bool>>| rows.as_ref().is_some_and(|rows| rows.get(row as usize) == Some(&true));
            let rules = self.settings.rules.iter().zip(&broken).filter(|(_, rows)| is_broken(rows));
            rules.map(|(placed, _)| placed.rule.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let messages: Vec<String> = away.iter().map(|&row| names(row)).collect();
        let diverted = encoded(&mut self.encoder, &plain, &away)?.into_iter().zip(messages).collect();
        let on = self.going_on(batch.with_rows(self.rows(columns)?), &divert, &broken)?;
        Ok(Checked { on, rows, counts, diverted })
    }

    /// The rows that go on, of which those in `divert` break a rule that diverts.
    fn going_on(&self, mut on: Batch, divert: &[bool], broken: &[Option<Vec<bool>>]) -> Result<Batch, OperatorError> {
        if self.settings.only_violations {
            let mut bad = vec![false; on.num_rows()];
            for rows in broken.iter().flatten() {
                bad.iter_mut().zip(rows).for_each(|(bad, broken)| *bad |= broken);
            }
            return Ok(on.take(&UInt32Array::from(positions(&bad)))?);
        }
        if !divert.contains(&true) {
            return Ok(on);
        }
        if self.settings.is_upsert {
            // There is no `-U` that would take the row of the key away: the bad row becomes what does.
            let kind = |row: usize, is_away: &bool| {
                let now = on.kinds.as_ref().map_or(ChangeKind::Insert as u8, |kinds| kinds.value(row));
                if *is_away { ChangeKind::Delete as u8 } else { now }
            };
            on.kinds = Some(divert.iter().enumerate().map(|(row, is_away)| kind(row, is_away)).collect::<Vec<u8>>().into());
            return Ok(on);
        }
        let stay: Vec<bool> = divert.iter().map(|away| !away).collect();
        Ok(on.take(&UInt32Array::from(positions(&stay)))?)
    }

    fn rows(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch, OperatorError> {
        Ok(RecordBatch::try_new(self.arrow.clone(), columns)?)
    }
}

/// Which rows say what is there now; `None`: all.
fn stated(batch: &Batch) -> Option<Vec<bool>> {
    let kinds: &UInt8Array = batch.kinds.as_ref()?;
    let says = |kind: &u8| *kind == ChangeKind::Insert as u8 || *kind == ChangeKind::UpdateAfter as u8;
    Some(kinds.values().iter().map(says).collect())
}

fn column(rows: &RecordBatch, position: usize) -> Result<&ArrayRef, OperatorError> {
    rows.columns().get(position).ok_or_else(|| OperatorError::Internal("a batch without a column that was planned".into()))
}

/// The rows that break a rule; `None` if no row does.
fn breaking(flags: &BooleanArray) -> Option<Vec<bool>> {
    let rows: Vec<bool> = flags.iter().map(|flag| flag == Some(false)).collect();
    rows.contains(&true).then_some(rows)
}

fn positions(rows: &[bool]) -> Vec<u32> {
    (0u32..).zip(rows).filter(|(_, is)| **is).map(|(row, _)| row).collect()
}

/// The column with `name` added where `rows` say so, behind what is there.
fn mark(column: &ArrayRef, rows: &[bool], name: &str) -> ArrayRef {
    let texts = column.as_string::<i32>();
    let marked = texts.iter().zip(rows).map(|(text, is_broken)| match (text, is_broken) {
        (text, false) => text.map(str::to_owned),
        (None | Some(""), true) => Some(name.to_owned()),
        (Some(text), true) => Some(format!("{text},{name}")),
    });
    Arc::new(marked.collect::<StringArray>())
}

fn encoded(encoder: &mut Encoder, rows: &RecordBatch, positions: &[u32]) -> Result<Vec<Vec<u8>>, OperatorError> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let taken = millrace_model::take_rows(rows, &UInt32Array::from(positions.to_vec()))?;
    let mut texts = EncodedRows::default();
    encoder.encode(&taken, &mut texts).map_err(|e| wrong(&e))?;
    Ok(texts.iter().map(<[u8]>::to_vec).collect())
}

fn shortened(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..SAMPLE_BYTES_MAX).unwrap_or(text)).into_owned()
}

fn wrong(error: &dyn std::fmt::Display) -> OperatorError {
    OperatorError::Internal(format!("rows that break a rule: {error}"))
}
