//! Quality rules as a step of a job: a SQL node before it says of each row whether it keeps each rule, as BOOLEAN columns;
//! this one takes these columns away, counts, and marks or diverts the rows that break a rule.
//!
//! Invariant: NULL keeps a rule, as in an SQL CHECK constraint; a row is diverted once, whatever number of rules it breaks;
//! counts are of this execution, so rows that are read again after a failure are counted again.

use super::{Collector, Operator, OperatorContext, OperatorKind, PlanContext, PlannedTransform};
use crate::{error::OperatorError, metrics::SubtaskMetrics, row_letters::describe_origin};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array, cast::AsArray};
use async_trait::async_trait;
use millrace_connector::{DeadLetter, DeadLetterReason, DeadLetters, parse_config};
use millrace_formats::{EncodedRows, Encoder, FormatSpec, JsonOptions};
use millrace_model::{
    Batch, DataType, Schema,
    graph::{GraphError, Node},
};
use serde::Deserialize;
use std::sync::Arc;

/// Registers as `quality_check`.
pub struct QualityCheckKind;

/// Rows that broke a rule and are kept to be shown, per subtask.
const SAMPLES_MAX: usize = 5;
/// Bytes of a sample.
const SAMPLE_BYTES_MAX: usize = 1_024;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rules: Vec<Rule>,
    /// Name that SQL downstream uses for the rows.
    #[serde(default)]
    #[allow(dead_code)]
    table_name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Id of the rule.
    id: String,
    /// Its name.
    name: String,
    /// Number of its version.
    version: i64,
    /// The BOOLEAN column that says whether a row keeps it.
    column: String,
    #[serde(default)]
    on_violation: OnViolation,
    /// The STRING column that `mark` writes into.
    #[serde(default)]
    mark_column: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnViolation {
    #[default]
    Count,
    Mark,
    Divert,
}

/// A rule with the places of its columns.
#[derive(Debug, Clone)]
struct Placed {
    rule: Rule,
    /// The BOOLEAN column, in the input.
    flag: usize,
    /// The STRING column, in the output.
    mark: Option<usize>,
}

#[derive(Debug, Clone)]
struct Settings {
    rules: Vec<Placed>,
    /// Columns of the input that go on.
    kept: Vec<usize>,
}

#[async_trait]
impl OperatorKind for QualityCheckKind {
    fn kind(&self) -> &'static str {
        "quality_check"
    }

    async fn plan(&self, node: &Node, input: &Schema, _context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        let config: Config = parse_config(&node.config)
            .map_err(|e| vec![GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)])?;
        let (output, settings) =
            place(config, input).map_err(|message| vec![GraphError::in_field(&node.id, "config.rules", "config.invalid", message)])?;
        let rules = settings.rules.iter().map(|p| serde_json::json!({"rule": p.rule.id, "name": p.rule.name, "version": p.rule.version}));
        let pins = serde_json::json!({ "quality_rules": rules.collect::<Vec<_>>() });
        Ok(PlannedTransform { output, key_fields: None, settings: Arc::new(settings), pins })
    }

    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        let settings = (context.planned.settings.downcast_ref::<Settings>())
            .ok_or_else(|| OperatorError::Internal("settings of another kind".into()))?;
        Ok(Box::new(QualityCheck {
            checker: Checker::new(settings.clone(), &context.planned.output)?,
            operator: context.operator.to_string(),
            metrics: context.metrics,
            letters: context.dead_letters,
        }))
    }
}

/// Finds the columns of the rules; answers what goes on.
fn place(config: Config, input: &Schema) -> Result<(Schema, Settings), String> {
    let is_flag = |name: &str| config.rules.iter().any(|r| r.column == name);
    let (mut kept, mut fields) = (Vec::new(), Vec::new());
    for (position, field) in input.fields().iter().enumerate().filter(|(_, field)| !is_flag(&field.name)) {
        kept.push(position);
        fields.push(field.clone());
    }
    let output = Schema::new(fields).map_err(|error| error.to_string())?;
    let mut rules = Vec::new();
    for rule in config.rules {
        let flag = input.index_of(&rule.column).filter(|&i| input.fields().get(i).is_some_and(|f| f.data_type == DataType::Boolean));
        let flag = flag.ok_or_else(|| format!("rule `{}`: the input has no BOOLEAN column `{}`", rule.name, rule.column))?;
        let mark = match (rule.on_violation, &rule.mark_column) {
            (OnViolation::Mark, Some(name)) => {
                let found = output.index_of(name).filter(|&i| output.fields().get(i).is_some_and(|f| f.data_type == DataType::String));
                Some(found.ok_or_else(|| format!("rule `{}` marks in `{name}`, which is no STRING column of the rows", rule.name))?)
            }
            (OnViolation::Mark, None) => return Err(format!("rule `{}` names no column to mark in", rule.name)),
            (OnViolation::Count | OnViolation::Divert, _) => None,
        };
        rules.push(Placed { rule, flag, mark });
    }
    Ok((output, Settings { rules, kept }))
}

/// What is found in one batch.
struct Checked {
    /// The rows that go on.
    on: Batch,
    /// Per rule how many broke it, and some of them as JSON.
    counts: Vec<(u64, Vec<String>)>,
    /// Rows to divert: the row as JSON and the names of the rules that it breaks.
    diverted: Vec<(Vec<u8>, String)>,
}

/// The work on a batch, without counters and letters.
struct Checker {
    settings: Settings,
    arrow: Arc<arrow_schema::Schema>,
    encoder: Encoder,
}

impl Checker {
    fn new(settings: Settings, output: &Schema) -> Result<Self, OperatorError> {
        let fields: Vec<_> = output.fields().iter().map(millrace_model::Field::to_arrow).collect();
        let encoder = Encoder::new(&FormatSpec::Json(JsonOptions::default()), output).map_err(|e| wrong(&e))?;
        Ok(Self { settings, arrow: Arc::new(arrow_schema::Schema::new(fields)), encoder })
    }

    fn check(&mut self, batch: &Batch) -> Result<Checked, OperatorError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.settings.kept.len());
        for &position in &self.settings.kept {
            columns.push(column(&batch.rows, position)?.clone());
        }
        // Which rows break which rule; `None` where nobody does, the common case.
        let mut broken: Vec<Option<Vec<bool>>> = Vec::with_capacity(self.settings.rules.len());
        for placed in &self.settings.rules {
            broken.push(breaking(column(&batch.rows, placed.flag)?.as_boolean()));
        }
        if broken.iter().all(Option::is_none) {
            let on = batch.with_rows(self.rows(columns)?);
            return Ok(Checked { on, counts: vec![(0, Vec::new()); broken.len()], diverted: Vec::new() });
        }
        let plain = self.rows(columns.clone())?;
        let mut counts = Vec::with_capacity(broken.len());
        let mut divert = vec![false; batch.num_rows()];
        for (placed, rows) in self.settings.rules.iter().zip(&broken) {
            let Some(rows) = rows else {
                counts.push((0, Vec::new()));
                continue;
            };
            let positions: Vec<u32> = positions(rows);
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
        let away: Vec<u32> = positions(&divert);
        let names = |row: u32| {
            let is_broken = |rows: &Option<Vec<bool>>| rows.as_ref().is_some_and(|rows| rows.get(row as usize) == Some(&true));
            let rules = self.settings.rules.iter().zip(&broken).filter(|(_, rows)| is_broken(rows));
            rules.map(|(placed, _)| placed.rule.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let messages: Vec<String> = away.iter().map(|&row| names(row)).collect();
        let diverted = encoded(&mut self.encoder, &plain, &away)?.into_iter().zip(messages).collect();
        let mut on = batch.with_rows(self.rows(columns)?);
        if !away.is_empty() {
            let stay: Vec<bool> = divert.iter().map(|away| !away).collect();
            on = on.take(&UInt32Array::from(positions(&stay)))?;
        }
        Ok(Checked { on, counts, diverted })
    }

    fn rows(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch, OperatorError> {
        Ok(RecordBatch::try_new(self.arrow.clone(), columns)?)
    }
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

struct QualityCheck {
    checker: Checker,
    operator: String,
    metrics: Arc<SubtaskMetrics>,
    letters: Arc<dyn DeadLetters>,
}

#[async_trait]
impl Operator for QualityCheck {
    async fn process(&mut self, batch: Batch, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let checked = self.checker.check(&batch)?;
        for (placed, (violated, samples)) in self.checker.settings.rules.iter().zip(checked.counts) {
            let name = format!("quality.{}.{}", placed.rule.id, placed.rule.version);
            self.metrics.count(&format!("{name}.checked"), batch.num_rows() as u64);
            self.metrics.count(&format!("{name}.violated"), violated);
            self.metrics.sample(&name, samples, SAMPLES_MAX);
        }
        if !checked.diverted.is_empty() {
            let origin = describe_origin(&batch.origin);
            let letter = |(payload, rules): (Vec<u8>, String)| DeadLetter {
                operator: self.operator.clone(),
                reason: DeadLetterReason::QualityRule,
                message: format!("breaks the quality rules: {rules}"),
                origin: origin.clone(),
                payload,
            };
            let letters: Vec<DeadLetter> = checked.diverted.into_iter().map(letter).collect();
            self.metrics.count("deadLetterRecords", letters.len() as u64);
            self.letters.send(letters).await?;
        }
        out.emit(checked.on);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Int64Array;
    use millrace_model::Field;
    use serde_json::json;

    fn input() -> Schema {
        let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        let flags = ["q1", "q2", "q3"].map(|name| field(name, DataType::Boolean));
        let columns = [field("ms", DataType::BigInt), field("quality", DataType::String)];
        Schema::new(columns.into_iter().chain(flags).collect()).unwrap()
    }

    fn config(value: serde_json::Value) -> Config {
        serde_json::from_value(value).unwrap()
    }

    fn three_rules() -> Config {
        let rule = |n: u8, what: &str| {
            json!({"id": format!("r{n}"), "name": format!("rule-{n}"), "version": 1, "column": format!("q{n}"), "on_violation": what,
                "mark_column": if what == "mark" { json!("quality") } else { json!(null) }})
        };
        config(json!({"rules": [rule(1, "count"), rule(2, "mark"), rule(3, "divert")]}))
    }

    #[test]
    fn rows_are_counted_marked_and_diverted() {
        let (output, settings) = place(three_rules(), &input()).unwrap();
        assert_eq!(output.fields().iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["ms", "quality"]);
        let mut checker = Checker::new(settings, &output).unwrap();
        let flags = |values: [Option<bool>; 4]| Arc::new(BooleanArray::from(values.to_vec())) as ArrayRef;
        let schema = arrow_schema::Schema::new(input().fields().iter().map(Field::to_arrow).collect::<Vec<_>>());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![1, 2, 3, 4])),
            Arc::new(StringArray::from(vec![None, Some("x"), None, None])),
            flags([Some(true), Some(false), None, Some(false)]),
            flags([Some(false), Some(false), Some(true), Some(true)]),
            flags([Some(true), Some(true), None, Some(false)]),
        ];
        let batch = Batch::inserts(RecordBatch::try_new(Arc::new(schema), columns).unwrap());
        let checked = checker.check(&batch).unwrap();
        assert_eq!(checked.counts.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(checked.counts[0].1.len(), 2);
        let on = &checked.on.rows;
        assert_eq!(on.column(0).as_primitive::<arrow_array::types::Int64Type>().values(), &[1, 2, 3]);
        let marks: Vec<_> = on.column(1).as_string::<i32>().iter().collect();
        assert_eq!(marks, [Some("rule-2"), Some("x,rule-2"), None]);
        let diverted: Vec<_> =
            checked.diverted.iter().map(|(row, rules)| (String::from_utf8_lossy(row).into_owned(), rules.as_str())).collect();
        assert_eq!(diverted.len(), 1);
        assert!(diverted[0].0.contains("\"ms\":4") && diverted[0].1 == "rule-1, rule-3", "{diverted:?}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let rule = json!({"id": "r", "name": "n", "version": 1, "column": "ms"});
        let wrong = place(config(json!({"rules": [rule]})), &input()).unwrap_err();
        assert_eq!(wrong, "rule `n`: the input has no BOOLEAN column `ms`");
        let rule = json!({"id": "r", "name": "n", "version": 1, "column": "q1", "on_violation": "mark", "mark_column": "ms"});
        let wrong = place(config(json!({"rules": [rule]})), &input()).unwrap_err();
        assert_eq!(wrong, "rule `n` marks in `ms`, which is no STRING column of the rows");
    }
}
