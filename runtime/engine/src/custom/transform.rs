//! Runs a tenant's operator with several inputs and state of its own (EXT-3).
//!
//! Its state is opaque, one piece per subtask. Without `key_fields` a subtask stands for the earlier ones whose number modulo
//! the parallelism is its own. With `key_fields` and another parallelism each subtask is given all states, because the keys
//! that it has now may lie in any of them.

use super::{Faults, GuestCode, GuestSite, TRANSFORM, Verdict};
use crate::{
    error::OperatorError,
    key::KeyHasher,
    metrics::SubtaskMetrics,
    operators::{
        Collector, KeyFields, Operator, OperatorContext, OperatorKind, OperatorSnapshot, PlanContext, PlannedTransform,
        etl::{RecordErrorPolicy, check_inserts, guest_counters},
    },
    row_letters::RowLetters,
};
use async_trait::async_trait;
use millrace_connector::{ConnectorError, DeadLetters};
use millrace_model::{
    Batch, Schema,
    graph::{GraphError, Node},
};
use millrace_sandbox::{FaultReport, TransformGuest, World};
use std::sync::Arc;

/// Registers as `custom_transform`.
pub struct TransformKind;

struct Settings {
    code: GuestCode,
    inputs: Vec<Schema>,
}

#[async_trait]
impl OperatorKind for TransformKind {
    fn kind(&self) -> &'static str {
        TRANSFORM
    }

    async fn plan(&self, node: &Node, input: &Schema, context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        self.plan_inputs(node, std::slice::from_ref(input), context).await
    }

    fn takes_different_inputs(&self) -> bool {
        true
    }

    async fn plan_inputs(&self, node: &Node, inputs: &[Schema], context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        let (code, component) = GuestCode::resolve(node, World::Transform, context).await?;
        for key in code.config.key_fields.iter() {
            for (number, input) in inputs.iter().enumerate() {
                KeyHasher::new(input, key).map_err(|e| {
                    let message = format!("input {number}: {e}; every input needs the key columns");
                    vec![GraphError::in_field(&node.id, "config.key_fields", "config.unknown_column", message)]
                })?;
            }
        }
        let asked = code.sandbox().open_transform(&component, code.open(GuestSite::of_plan(&node.id)), inputs).await;
        let output = asked.map_err(|fault| code.refusal(node, &fault))?.output_schema().clone();
        let (key_fields, pins) = (code.config.key_fields.clone().map(KeyFields::Same), code.pins());
        Ok(PlannedTransform { output, key_fields, settings: Arc::new(Settings { code, inputs: inputs.to_vec() }), pins })
    }

    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        let settings = (context.planned.settings.downcast_ref::<Settings>())
            .ok_or_else(|| OperatorError::Internal("settings of another kind".into()))?;
        let code = &settings.code;
        let component = code.load().await?;
        let site = GuestSite::of_subtask(context.instance.as_str(), &context.operator, context.subtask);
        let opened = code.sandbox().open_transform(&component, code.open(site), &settings.inputs).await;
        let mut guest = opened.map_err(|e| OperatorError::Fault(Box::new(e)))?;
        if *guest.output_schema() != context.planned.output {
            let message = format!("plugin `{}` answers other output columns than when the job was planned", code.plugin.name);
            return Err(ConnectorError::Config(message).into());
        }
        let states = states_of(&context, code.config.key_fields.is_some());
        if !states.is_empty() {
            guest.restore(&states).await.map_err(|e| OperatorError::Fault(Box::new(e)))?;
        }
        let letters = settings.inputs.iter().map(|input| RowLetters::new(context.operator.clone(), input));
        Ok(Box::new(Transform {
            faults: Faults::new(code.config.on_fault.clone()),
            record_errors: code.record_errors(),
            letters: letters.collect::<Result<_, _>>()?,
            guest,
            dead_letters: context.dead_letters,
            metrics: context.metrics,
        }))
    }
}

/// The earlier states that a subtask stands for.
fn states_of(context: &OperatorContext, keyed: bool) -> Vec<&[u8]> {
    let earlier = &context.restored_subtasks;
    let same = context.restored_parallelism == Some(context.parallelism);
    let mine = |old: usize| if keyed && !same { true } else { old % context.parallelism == context.subtask };
    earlier.iter().filter(|(old, _)| mine(usize::from(*old))).map(|(_, bytes)| &bytes[..]).collect()
}

struct Transform {
    guest: TransformGuest,
    faults: Faults,
    record_errors: RecordErrorPolicy,
    /// Per input.
    letters: Vec<RowLetters>,
    dead_letters: Arc<dyn DeadLetters>,
    metrics: Arc<SubtaskMetrics>,
}

impl Transform {
    async fn judge(&mut self, fault: FaultReport, has_rows: bool) -> Result<Verdict, OperatorError> {
        self.metrics.count("faults", 1);
        let alive = self.guest.is_open();
        self.faults.judge(fault, alive, has_rows).await
    }

    fn emit(&mut self, answer: Batch, out: &mut Collector) -> Result<(), OperatorError> {
        self.faults.over();
        guest_counters(&self.metrics, &self.guest.usage());
        check_inserts(&answer)?;
        out.emit(answer);
        Ok(())
    }

    async fn set_aside(&mut self, input: usize, batch: &Batch) -> Result<(), OperatorError> {
        let rejected = self.guest.take_rejected();
        if rejected.is_empty() {
            return Ok(());
        }
        self.metrics.count("rejectedRecords", rejected.len() as u64);
        let Some(letters) = self.letters.get_mut(input).filter(|_| self.record_errors == RecordErrorPolicy::DeadLetter) else {
            return Ok(());
        };
        self.metrics.count("deadLetterRecords", rejected.len() as u64);
        Ok(self.dead_letters.send(letters.of_rejected(batch, rejected)?).await?)
    }
}

#[async_trait]
impl Operator for Transform {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        self.process_input(0, batch, now_ms, out).await
    }

    async fn process_input(&mut self, input: usize, batch: Batch, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let number = u32::try_from(input).unwrap_or(u32::MAX);
        loop {
            let fault = match self.guest.process(number, &batch).await {
                Ok(answer) => {
                    self.set_aside(input, &batch).await?;
                    return self.emit(answer, out);
                }
                Err(fault) => fault,
            };
            let message = fault.to_string();
            match self.judge(fault, true).await? {
                Verdict::Again => {}
                Verdict::GiveUp => {
                    let letters = self.letters.get_mut(input).ok_or_else(|| OperatorError::Internal("rows of no input".into()))?;
                    let letters = letters.of_batch(&batch, &message)?;
                    self.metrics.count("deadLetterRecords", letters.len() as u64);
                    return Ok(self.dead_letters.send(letters).await?);
                }
            }
        }
    }

    async fn on_watermark(&mut self, watermark_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        loop {
            // The last watermark says that every input has ended.
            let answer = if watermark_ms == i64::MAX { self.guest.finish().await } else { self.guest.watermark(watermark_ms).await };
            match answer {
                Ok(answer) => return self.emit(answer, out),
                Err(fault) => {
                    self.judge(fault, false).await?;
                }
            }
        }
    }

    async fn snapshot(&mut self, _now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        loop {
            match self.guest.snapshot().await {
                Ok(state) => return Ok(OperatorSnapshot { subtask: state.into(), ..OperatorSnapshot::default() }),
                Err(fault) => {
                    self.judge(fault, false).await?;
                }
            }
        }
    }
}
