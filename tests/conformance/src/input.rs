//! An input file as steps: what a source tells the engine, one row at a time, and the watermarks between them.
//!
//! Invariant: a position is a number of steps and means the same in every run, however rows are cut into batches.

use crate::metadata::RowMetadata;
use anyhow::{Context, Result, ensure};
use arrow_array::{Array, Int64Array, RecordBatch};
use millrace_connector::{SourceContext, SourceEvent};
use millrace_formats::{Decoder, FormatSpec};
use millrace_model::ChangeKind;
use serde_json::{Map, Value};
use std::path::Path;

/// One thing that a source tells.
pub(crate) enum Step {
    /// A row and its change kind.
    Row(RecordBatch, u8),
    /// The watermark of all splits.
    Watermark(i64),
    /// All splits are silent.
    Idle,
    /// A split has rows again.
    Active,
    /// Nothing for so many milliseconds: other inputs get their turn.
    Pause(u64),
}

/// Watermarks of the splits of one source.
struct Splits {
    watermarks_ms: Vec<i64>,
    idle: Vec<bool>,
    combined_ms: i64,
    is_idle: bool,
}

impl Splits {
    /// What the source has to tell after a change.
    fn step(&mut self) -> Option<Step> {
        let active = (0..self.idle.len()).filter(|&i| !self.idle[i]);
        match active.map(|i| self.watermarks_ms[i]).min() {
            None => (!std::mem::replace(&mut self.is_idle, true)).then_some(Step::Idle),
            Some(min_ms) if min_ms > self.combined_ms => {
                self.combined_ms = min_ms;
                Some(Step::Watermark(min_ms))
            }
            Some(_) => None,
        }
    }
}

/// Reads the subtask's splits of the input that the source's settings name.
pub(crate) fn read(folder: &Path, context: &SourceContext) -> Result<Vec<Step>> {
    let input = context.config.get("input").and_then(Value::as_str).context("a source without input")?;
    let text = std::fs::read_to_string(folder.join(input)).with_context(|| input.to_owned())?;
    let count = context.config.get("splits").and_then(Value::as_u64).unwrap_or(1).max(1) as usize;
    let mut splits = Splits { watermarks_ms: vec![i64::MIN; count], idle: vec![false; count], combined_ms: i64::MIN, is_idle: false };
    // The splits of other subtasks hold nothing back here.
    (0..count).filter(|split| split % context.parallelism != context.subtask).for_each(|split| splits.idle[split] = true);
    let spec = FormatSpec::from_json(&serde_json::json!({ "type": "json" }))?;
    let mut decoder = Decoder::new(&spec, &context.table.schema)?;
    if count == 1 && context.parallelism == 1 && context.metadata.is_empty() && !text.contains("\"$") {
        return plain(&text, context, decoder, splits);
    }
    let mut metadata = RowMetadata::new(context, count);
    let mut steps = Vec::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let mut object: Map<String, Value> = serde_json::from_str(line).with_context(|| line.to_owned())?;
        if let Some(pause_ms) = object.remove("$pause").and_then(|p| p.as_u64()) {
            steps.push(Step::Pause(pause_ms));
            continue;
        }
        let split = object.remove("$split").and_then(|s| s.as_u64()).unwrap_or(0) as usize;
        ensure!(split < count, "split {split} of {count}");
        if split % context.parallelism != context.subtask {
            continue;
        }
        let kind = kind_of(object.remove("$op").as_ref())?;
        if object.remove("$idle").is_some() {
            splits.idle[split] = true;
            steps.extend(splits.step());
            continue;
        }
        if let Some(watermark_ms) = object.remove("$watermark").and_then(|w| w.as_i64()) {
            splits.watermarks_ms[split] = splits.watermarks_ms[split].max(watermark_ms);
            steps.extend(splits.step());
            continue;
        }
        let timestamp_ms = object.get("$timestamp").and_then(Value::as_i64).unwrap_or(0);
        object.retain(|key, _| !key.starts_with('$'));
        decoder.push(serde_json::to_string(&object)?.as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))?;
        let row = metadata.add_to(decoder.finish(), split, timestamp_ms)?;
        if std::mem::take(&mut splits.idle[split]) && std::mem::take(&mut splits.is_idle) {
            steps.push(Step::Active);
        }
        let watermark = match &context.declared_time {
            Some(declared) => declared.watermarks.watermarks_ms(&row)?,
            None => Int64Array::new_null(1),
        };
        steps.push(Step::Row(row, kind as u8));
        if watermark.is_valid(0) {
            splits.watermarks_ms[split] = splits.watermarks_ms[split].max(watermark.value(0));
        }
        steps.extend(splits.step());
    }
    Ok(steps)
}

/// The steps of an input that is nothing but rows of one split: the same, read many at a time.
fn plain(text: &str, context: &SourceContext, mut decoder: Decoder, mut splits: Splits) -> Result<Vec<Step>> {
    const ROWS_AT_ONCE: usize = 1_024;
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let mut steps = Vec::with_capacity(lines.len());
    for lines in lines.chunks(ROWS_AT_ONCE) {
        for line in lines {
            decoder.push(line.as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))?;
        }
        let rows = decoder.finish();
        let watermarks = match &context.declared_time {
            Some(declared) => declared.watermarks.watermarks_ms(&rows)?,
            None => Int64Array::new_null(rows.num_rows()),
        };
        for row in 0..rows.num_rows() {
            steps.push(Step::Row(rows.slice(row, 1), ChangeKind::Insert as u8));
            if watermarks.is_valid(row) {
                splits.watermarks_ms[0] = splits.watermarks_ms[0].max(watermarks.value(row));
            }
            steps.extend(splits.step());
        }
    }
    Ok(steps)
}

/// What a source that goes on behind these steps tells first: the watermark that it had reached, and its silence.
pub(crate) fn time_after(steps: &[Step]) -> Vec<SourceEvent> {
    let (mut watermark, mut idle) = (None, None);
    for step in steps {
        match step {
            Step::Watermark(ms) => watermark = Some(SourceEvent::Watermark(*ms)),
            Step::Idle => idle = Some(SourceEvent::Idle),
            Step::Active => idle = None,
            Step::Row(..) | Step::Pause(_) => {}
        }
    }
    watermark.into_iter().chain(idle).collect()
}

fn kind_of(op: Option<&Value>) -> Result<ChangeKind> {
    Ok(match op.and_then(Value::as_str).unwrap_or("+I") {
        "+I" => ChangeKind::Insert,
        "-U" => ChangeKind::UpdateBefore,
        "+U" => ChangeKind::UpdateAfter,
        "-D" => ChangeKind::Delete,
        other => anyhow::bail!("`$op` is `{other}`"),
    })
}
