//! Quality rules as a step of a job: rows are counted, and those that break a rule are marked or diverted.
//!
//! Whether a row keeps a rule says a condition over the row (`condition`), or a BOOLEAN column that comes in with the rows
//! and goes no further (`column`). The step is not seen by what is around it: rows keep their kinds of change and their
//! keys, and a source before it can still be told what to read and which watermark to make.
//!
//! Invariant: NULL keeps a rule, as in an SQL CHECK constraint; a row is diverted once, whatever number of rules it breaks;
//! counts are of this execution, so rows that are read again after a failure are counted again.

mod checker;
mod conditions;
#[cfg(test)]
mod tests;

use super::{Collector, Operator, OperatorContext, OperatorKind, PlanContext, PlannedTransform, sql::stage::StageKind};
use crate::{error::OperatorError, metrics::SubtaskMetrics, row_letters::describe_origin};
use async_trait::async_trait;
use checker::{Checker, SAMPLES_MAX};
use millrace_connector::{DeadLetter, DeadLetterReason, DeadLetters, parse_config};
use millrace_model::{
    Batch, DataType, Schema,
    graph::{GraphError, Node},
};
use millrace_sql::plan::ChangelogMode;
use serde::Deserialize;
use std::sync::Arc;

/// The kind `quality_check`.
pub struct QualityCheckKind;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rules: Vec<Rule>,
    /// Name that SQL downstream uses for the rows.
    #[serde(default)]
    #[allow(dead_code)]
    table_name: Option<String>,
    /// Which rows go on.
    #[serde(default)]
    passes: Passes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Passes {
    /// All that are not diverted.
    #[default]
    All,
    /// Only those that break a rule: what a job that looks for violations writes.
    Violations,
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
    /// The SQL condition that good rows keep.
    #[serde(default)]
    condition: Option<String>,
    /// Instead of a condition: the BOOLEAN column that says whether a row keeps it.
    #[serde(default)]
    column: Option<String>,
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

/// What says whether a row keeps a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A column of the rows.
    Column(usize),
    /// What the condition of this number answers.
    Condition(usize),
}

/// A rule with the places of its columns.
#[derive(Debug, Clone)]
struct Placed {
    rule: Rule,
    source: Source,
    /// The STRING column, in the output.
    mark: Option<usize>,
}

#[derive(Clone)]
struct Settings {
    rules: Vec<Placed>,
    /// Columns of the input that go on.
    kept: Vec<usize>,
    only_violations: bool,
    /// The rows are upserts: nothing but a `-D` takes a row back.
    is_upsert: bool,
    /// The stage that answers the conditions; none without conditions.
    conditions: Option<PlannedTransform>,
}

#[async_trait]
impl OperatorKind for QualityCheckKind {
    fn kind(&self) -> &'static str {
        "quality_check"
    }

    async fn plan(&self, node: &Node, input: &Schema, context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        let config: Config = parse_config(&node.config)
            .map_err(|e| vec![GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)])?;
        let (output, mut settings) =
            place(config, input).map_err(|message| vec![GraphError::in_field(&node.id, "config.rules", "config.invalid", message)])?;
        let rules = settings.rules.iter().map(|p| serde_json::json!({"rule": p.rule.id, "name": p.rule.name, "version": p.rule.version}));
        let mut pins = serde_json::json!({ "quality_rules": rules.collect::<Vec<_>>() });
        let conditions: Vec<conditions::Named<'_>> =
            settings.rules.iter().filter_map(|p| Some((p.rule.name.as_str(), p.rule.condition.as_deref()?))).collect();
        if !conditions.is_empty() {
            let planned = conditions::plan(node, &conditions, input, context).await?;
            // As a SQL node pins the functions of the project that it calls.
            pins["functions"] = planned.pins.get("functions").cloned().unwrap_or_default();
            settings.conditions = Some(planned);
        }
        Ok(PlannedTransform { output, key_fields: None, settings: Arc::new(settings), pins })
    }

    fn keeps_changes(&self) -> bool {
        true
    }

    fn for_changes(&self, planned: PlannedTransform, changes: ChangelogMode) -> PlannedTransform {
        let Some(settings) = planned.settings.downcast_ref::<Settings>() else { return planned };
        let settings = Settings { is_upsert: changes.is_upsert, ..settings.clone() };
        PlannedTransform { settings: Arc::new(settings), ..planned }
    }

    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        let settings = (context.planned.settings.downcast_ref::<Settings>())
            .ok_or_else(|| OperatorError::Internal("settings of another kind".into()))?
            .clone();
        let checker = Checker::new(settings.clone(), &context.planned.output)?;
        let (operator, metrics, letters) = (context.operator.to_string(), context.metrics.clone(), context.dead_letters.clone());
        let conditions = match settings.conditions {
            None => None,
            Some(planned) => {
                // Counters of tenant code in conditions would replace those of the rules.
                let inner = OperatorContext { planned, metrics: Arc::new(SubtaskMetrics::default()), ..context };
                Some(StageKind.open(inner).await?)
            }
        };
        Ok(Box::new(QualityCheck { checker, conditions, operator, metrics, letters }))
    }
}

/// Finds the columns of the rules; answers what goes on.
fn place(config: Config, input: &Schema) -> Result<(Schema, Settings), String> {
    let is_flag = |name: &str| config.rules.iter().any(|r| r.column.as_deref() == Some(name));
    let (mut kept, mut fields) = (Vec::new(), Vec::new());
    for (position, field) in input.fields().iter().enumerate().filter(|(_, field)| !is_flag(&field.name)) {
        kept.push(position);
        fields.push(field.clone());
    }
    let output = Schema::new(fields).map_err(|error| error.to_string())?;
    let (mut rules, mut conditions) = (Vec::new(), 0);
    for rule in config.rules {
        let source = match (&rule.condition, &rule.column) {
            (Some(_), None) => {
                conditions += 1;
                Source::Condition(conditions - 1)
            }
            (None, Some(column)) => {
                let flag = input.index_of(column).filter(|&i| input.fields().get(i).is_some_and(|f| f.data_type == DataType::Boolean));
                Source::Column(flag.ok_or_else(|| format!("rule `{}`: the input has no BOOLEAN column `{column}`", rule.name))?)
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(format!("rule `{}` needs either `condition` or `column`", rule.name));
            }
        };
        let mark = match (rule.on_violation, &rule.mark_column) {
            (OnViolation::Mark, Some(name)) => {
                let found = output.index_of(name).filter(|&i| output.fields().get(i).is_some_and(|f| f.data_type == DataType::String));
                Some(found.ok_or_else(|| format!("rule `{}` marks in `{name}`, which is no STRING column of the rows", rule.name))?)
            }
            (OnViolation::Mark, None) => return Err(format!("rule `{}` names no column to mark in", rule.name)),
            (OnViolation::Count | OnViolation::Divert, _) => None,
        };
        rules.push(Placed { rule, source, mark });
    }
    let only_violations = config.passes == Passes::Violations;
    Ok((output, Settings { rules, kept, only_violations, is_upsert: false, conditions: None }))
}

struct QualityCheck {
    checker: Checker,
    conditions: Option<Box<dyn Operator>>,
    operator: String,
    metrics: Arc<SubtaskMetrics>,
    letters: Arc<dyn DeadLetters>,
}

#[async_trait]
impl Operator for QualityCheck {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let mut flags = Collector::default();
        if let Some(conditions) = &mut self.conditions {
            conditions.process(batch.clone(), now_ms, &mut flags).await?;
        }
        let flags = flags.drain().next();
        let checked = self.checker.check(&batch, flags.as_ref().map(|flags| &flags.rows))?;
        for (placed, (violated, samples)) in self.checker.settings.rules.iter().zip(checked.counts) {
            let name = format!("quality.{}.{}", placed.rule.id, placed.rule.version);
            self.metrics.count(&format!("{name}.checked"), checked.rows);
            self.metrics.count(&format!("{name}.violated"), violated);
            match placed.rule.on_violation {
                OnViolation::Count => {}
                OnViolation::Mark => self.metrics.count(&format!("{name}.marked"), violated),
                OnViolation::Divert => self.metrics.count(&format!("{name}.diverted"), violated),
            }
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
