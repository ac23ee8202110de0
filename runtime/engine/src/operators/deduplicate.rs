//! Keeps the first row per key within a time to live: keyed exchange, keyed state and processing-time timers at work.
//!
//! Semantics: a row passes if no row of its key passed within the last `ttl_ms` (processing time). NULL is a key value
//! like any other. Only inserts are accepted.

use super::{Collector, KeyFields, Operator, OperatorContext, OperatorKind, OperatorSnapshot, PlanContext, PlannedTransform};
use crate::{
    error::OperatorError,
    key::KeyHasher,
    state::{KeyedState, TimerService},
};
use arrow_array::UInt32Array;
use async_trait::async_trait;
use millrace_connector::parse_config;
use millrace_model::{
    Batch, ChangeKind, Schema,
    graph::{GraphError, Node},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// Registers as `deduplicate`.
pub struct DeduplicateKind;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Columns that make the key.
    key_fields: Vec<String>,
    /// How long a key is remembered; for ever when absent.
    ttl_ms: Option<u64>,
}

#[async_trait]
impl OperatorKind for DeduplicateKind {
    fn kind(&self) -> &'static str {
        "deduplicate"
    }

    async fn plan(&self, node: &Node, input: &Schema, _context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        let config: Config = parse_config(&node.config)
            .map_err(|e| vec![GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)])?;
        let wrong = |message: String| GraphError::in_field(&node.id, "config.key_fields", "config.unknown_column", message);
        if config.key_fields.is_empty() {
            return Err(vec![wrong("is empty; name at least one column".into())]);
        }
        let columns: Vec<&str> = input.fields().iter().map(|f| f.name.as_str()).collect();
        let errors: Vec<GraphError> = (config.key_fields.iter())
            .filter(|name| input.index_of(name).is_none())
            .map(|name| wrong(format!("column `{name}` is not in the input; its columns are {}", columns.join(", "))))
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        if let Err(error) = KeyHasher::new(input, &config.key_fields) {
            return Err(vec![wrong(error.to_string())]);
        }
        Ok(PlannedTransform {
            output: input.clone(),
            key_fields: Some(KeyFields::Same(config.key_fields.clone())),
            settings: Arc::new(config),
            pins: serde_json::Value::Null,
        })
    }

    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        let config = (context.planned.settings.downcast_ref::<Config>())
            .ok_or_else(|| OperatorError::Internal("settings of another kind".into()))?;
        let mut operator = Deduplicate {
            hasher: KeyHasher::new(&context.input, &config.key_fields)?,
            seen: KeyedState::new(config.ttl_ms),
            expiry: TimerService::default(),
            ttl_ms: config.ttl_ms.map(|t| i64::try_from(t).unwrap_or(i64::MAX)),
        };
        for (&group, blob) in context.restored.get(SEEN).into_iter().flatten() {
            operator.seen.restore(group, blob)?;
        }
        for blob in context.restored.get(EXPIRY).into_iter().flat_map(BTreeMap::values) {
            operator.expiry.restore(blob)?;
        }
        Ok(Box::new(operator))
    }
}

const SEEN: &str = "seen";
const EXPIRY: &str = "expiry";

struct Deduplicate {
    hasher: KeyHasher,
    seen: KeyedState<()>,
    expiry: TimerService,
    ttl_ms: Option<i64>,
}

#[async_trait]
impl Operator for Deduplicate {
    async fn process(&mut self, batch: Batch, now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        if let Some(kinds) = &batch.kinds
            && kinds.values().iter().any(|&k| k != ChangeKind::Insert as u8)
        {
            return Err(OperatorError::Internal("deduplicate got updates; the planner must not allow that".into()));
        }
        let keys = self.hasher.keys(&batch.rows)?;
        let mut first: Vec<u32> = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            let key: &[u8] = key.as_ref();
            if self.seen.get(key, now_ms).is_some() {
                continue;
            }
            self.seen.put(key, (), now_ms);
            if let Some(ttl_ms) = self.ttl_ms {
                self.expiry.register(now_ms.saturating_add(ttl_ms), key);
            }
            first.push(row as u32);
        }
        if first.len() == batch.num_rows() {
            out.emit(batch);
        } else {
            out.emit(batch.take(&UInt32Array::from(first))?);
        }
        Ok(())
    }

    fn next_timer_ms(&self) -> Option<i64> {
        self.expiry.next_at_ms()
    }

    async fn on_processing_time(&mut self, now_ms: i64, _out: &mut Collector) -> Result<(), OperatorError> {
        while let Some(timer) = self.expiry.pop_due(now_ms) {
            // A key that was written again since then has a later timer.
            if self.seen.get(&timer.key, now_ms).is_none() {
                self.seen.remove(&timer.key);
            }
        }
        Ok(())
    }

    async fn snapshot(&mut self, now_ms: i64) -> Result<OperatorSnapshot, OperatorError> {
        let keyed = BTreeMap::from([(SEEN.to_owned(), self.seen.snapshot(now_ms)), (EXPIRY.to_owned(), self.expiry.snapshot())]);
        Ok(OperatorSnapshot { keyed, ..OperatorSnapshot::default() })
    }
}
