//! Tenant code on every batch (EXT-1, EXT-6): calls the sandbox and applies the node's fault policy.
//!
//! Invariant: whatever tenant code does ends in rows, a dead letter, or an error of this operator; never in a panic.

use super::{Collector, Operator, OperatorContext, OperatorKind, PlanContext, PlannedTransform};
use crate::{
    catalog::PluginBinding,
    error::OperatorError,
    metrics::SubtaskMetrics,
    parameter_form::{self, ParameterText},
    row_letters::RowLetters,
    services::EngineServices,
};
use async_trait::async_trait;
use millrace_connector::{ConnectorError, DeadLetters, parse_config};
use millrace_model::{
    Batch, ChangeKind, Schema,
    graph::{GraphError, Node},
    ids::NodeId,
};
use millrace_sandbox::{
    DimensionTables, EtlOperator, FaultReport, GuestContext, GuestLog, LogLevel, NoLog, OpenGuest, OperatorLimits, RejectPolicy, Usage,
    World,
    policy::{FaultAction, FaultPolicy, decide},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Registers as `etl`.
pub struct EtlKind;

/// Settings of an `etl` node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Name of the plugin in the project.
    plugin: String,
    /// Its version; the newest when the job is submitted, if absent.
    #[serde(default)]
    version: Option<String>,
    /// What the plugin reads with `parameter`.
    #[serde(default)]
    parameters: BTreeMap<String, ParameterText>,
    /// What happens when the plugin fails on a batch.
    #[serde(default)]
    on_fault: FaultPolicy,
    /// What happens to a row that the plugin rejects; if absent, dead letters where `on_fault` says so, else a failure.
    #[serde(default)]
    on_record_error: Option<RecordErrorPolicy>,
}

/// What happens to a row that a plugin rejects on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecordErrorPolicy {
    /// The plugin ends its call with a fault, which `on_fault` then judges.
    Fail,
    /// The row becomes a dead letter.
    DeadLetter,
    /// The row is dropped and counted.
    Skip,
}

impl RecordErrorPolicy {
    /// What is said, or what follows from what happens to whole batches.
    pub(crate) fn of(said: Option<Self>, on_fault: &FaultPolicy) -> Self {
        said.unwrap_or(if *on_fault == FaultPolicy::DeadLetter { Self::DeadLetter } else { Self::Fail })
    }
}

struct Settings {
    config: Config,
    plugin: PluginBinding,
    /// As the plugin's form completes them.
    parameters: BTreeMap<String, String>,
}

#[async_trait]
impl OperatorKind for EtlKind {
    fn kind(&self) -> &'static str {
        "etl"
    }

    async fn plan(&self, node: &Node, input: &Schema, context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        let config: Config = parse_config(&node.config)
            .map_err(|e| vec![GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)])?;
        let plugin = (context.catalog.plugin(&config.plugin, config.version.as_deref()).await)
            .map_err(|e| vec![GraphError::in_field(&node.id, "config.plugin", "config.unknown_plugin", e.to_string())])?;
        let parameters = parameter_form::of_node(node, &plugin, parameter_form::texts(&config.parameters))?;
        let settings = Settings { config, plugin, parameters };
        // The output's columns are what the component answers for these input columns: only running it can tell.
        let account = context.services.accounts.get(context.tenant);
        let guest = settings.context(context.services, 0, context.dimensions.clone());
        let open = settings.open(context.tenant.clone(), "validate", &node.id, account, Arc::new(NoLog), guest);
        let component = (context.services.sandbox.load(&settings.plugin.content_hash, settings.plugin.component.clone()).await)
            .map_err(|e| vec![GraphError::in_field(&node.id, "config.plugin", "plugin.load", e.to_string())])?;
        let operator = (context.services.sandbox.open_etl(&component, open, input.clone()).await)
            .map_err(|e| vec![GraphError::in_field(&node.id, "config", "plugin.open", open_message(&settings, &e))])?;
        let pins = serde_json::json!({
            "plugin": settings.plugin.name,
            "version": settings.plugin.version,
            "content_hash": settings.plugin.content_hash,
        });
        let output = operator.output_schema().clone();
        Ok(PlannedTransform { output, key_fields: None, settings: Arc::new(settings), pins })
    }

    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        let settings = (context.planned.settings.downcast_ref::<Settings>())
            .ok_or_else(|| OperatorError::Internal("settings of another kind".into()))?;
        let account = context.services.accounts.get(&context.tenant);
        let log = Arc::new(LogToTracing { instance: context.instance.to_string(), operator: context.operator.clone() });
        let guest = settings.context(&context.services, context.subtask, context.dimensions.clone());
        let open = settings.open(context.tenant.clone(), &context.job, &context.operator, account, log, guest);
        let component = (context.services.sandbox.load(&settings.plugin.content_hash, settings.plugin.component.clone()).await)
            .map_err(|e| OperatorError::Connector(ConnectorError::Config(format!("plugin `{}`: {e}", settings.plugin.name))))?;
        let guest = (context.services.sandbox.open_etl(&component, open, context.input.clone()).await)
            .map_err(|e| OperatorError::Fault(Box::new(e)))?;
        if *guest.output_schema() != context.planned.output {
            let message = format!("plugin `{}` answers other output columns than when the job was planned", settings.plugin.name);
            return Err(OperatorError::Connector(ConnectorError::Config(message)));
        }
        let letters = RowLetters::new(context.operator.clone(), &context.input)?;
        Ok(Box::new(Etl {
            instance: context.instance.to_string(),
            operator: context.operator,
            guest,
            policy: settings.config.on_fault.clone(),
            record_errors: settings.record_errors(),
            faults_in_a_row: 0,
            metrics: context.metrics,
            dead_letters: context.dead_letters,
            letters,
        }))
    }
}

impl Settings {
    fn open(
        &self,
        tenant: millrace_model::ids::TenantId,
        job: &str,
        operator: &NodeId,
        account: Arc<millrace_sandbox::TenantAccount>,
        log: Arc<dyn GuestLog>,
        context: GuestContext,
    ) -> OpenGuest {
        OpenGuest {
            tenant,
            job: job.to_owned(),
            operator: operator.clone(),
            function: None,
            parameters: self.parameters.clone(),
            limits: OperatorLimits::of(World::Etl),
            account,
            log,
            context,
        }
    }

    fn record_errors(&self) -> RecordErrorPolicy {
        RecordErrorPolicy::of(self.config.on_record_error, &self.config.on_fault)
    }

    fn context(&self, services: &EngineServices, subtask: usize, dimensions: Arc<dyn DimensionTables>) -> GuestContext {
        GuestContext {
            subtask: u32::try_from(subtask).unwrap_or(u32::MAX),
            on_reject: match self.record_errors() {
                RecordErrorPolicy::Fail => RejectPolicy::Fail,
                RecordErrorPolicy::DeadLetter | RecordErrorPolicy::Skip => RejectPolicy::SetAside,
            },
            capabilities: services.sandbox.capabilities(&self.plugin.name, &self.plugin.grants),
            dimensions,
        }
    }
}

fn open_message(settings: &Settings, fault: &FaultReport) -> String {
    format!("plugin `{}` version {} refuses this input or these parameters: {fault}", settings.plugin.name, settings.plugin.version)
}

/// Tenant code's log lines, marked with the instance so that the server can show them to the tenant.
pub(crate) struct LogToTracing {
    pub(crate) instance: String,
    pub(crate) operator: NodeId,
}

impl GuestLog for LogToTracing {
    fn line(&self, level: LogLevel, message: &str) {
        let (instance, operator) = (&self.instance, self.operator.as_str());
        match level {
            LogLevel::Trace | LogLevel::Debug => tracing::debug!(target: "millrace::guest", instance, operator, "{message}"),
            LogLevel::Info => tracing::info!(target: "millrace::guest", instance, operator, "{message}"),
            LogLevel::Warn | LogLevel::Error => tracing::warn!(target: "millrace::guest", instance, operator, "{message}"),
        }
    }

    fn dropped(&self, lines: u64) {
        let (instance, operator) = (&self.instance, self.operator.as_str());
        tracing::warn!(target: "millrace::guest", instance, operator, lines, "log lines dropped: the plugin logs too fast");
    }
}

struct Etl {
    instance: String,
    operator: NodeId,
    guest: EtlOperator,
    policy: FaultPolicy,
    record_errors: RecordErrorPolicy,
    faults_in_a_row: u32,
    metrics: Arc<SubtaskMetrics>,
    dead_letters: Arc<dyn DeadLetters>,
    letters: RowLetters,
}

#[async_trait]
impl Operator for Etl {
    async fn process(&mut self, batch: Batch, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        loop {
            match self.guest.process(&batch).await {
                Ok(answer) => {
                    self.faults_in_a_row = 0;
                    self.set_aside(&batch).await?;
                    self.report_usage();
                    check_inserts(&answer)?;
                    out.emit(answer);
                    return Ok(());
                }
                Err(fault) => {
                    self.faults_in_a_row += 1;
                    self.report_usage();
                    self.metrics.count("faults", 1);
                    if self.handle(&batch, fault).await? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

impl Etl {
    /// Applies the policy to a fault. Answers whether the batch is done with (else it is tried again).
    async fn handle(&mut self, batch: &Batch, fault: FaultReport) -> Result<bool, OperatorError> {
        let (instance, operator) = (self.instance.as_str(), self.operator.as_str());
        tracing::warn!(instance, operator, in_a_row = self.faults_in_a_row, "{fault}");
        match decide(&self.policy, self.faults_in_a_row) {
            FaultAction::FailJob => Err(OperatorError::Fault(Box::new(fault))),
            FaultAction::DeadLetterBatch => {
                let letters = self.letters.of_batch(batch, &fault.to_string())?;
                self.metrics.count("deadLetterRecords", letters.len() as u64);
                self.dead_letters.send(letters).await?;
                self.guest.reopen().await.map_err(|e| OperatorError::Fault(Box::new(e)))?;
                Ok(true)
            }
            FaultAction::ReloadAfter(delay_ms) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                self.guest.reopen().await.map_err(|e| OperatorError::Fault(Box::new(e)))?;
                Ok(false)
            }
        }
    }

    /// Rows that the plugin rejected while it went on with the others.
    async fn set_aside(&mut self, batch: &Batch) -> Result<(), OperatorError> {
        let rejected = self.guest.take_rejected();
        if rejected.is_empty() {
            return Ok(());
        }
        self.metrics.count("rejectedRecords", rejected.len() as u64);
        if self.record_errors != RecordErrorPolicy::DeadLetter {
            return Ok(());
        }
        self.metrics.count("deadLetterRecords", rejected.len() as u64);
        let letters = self.letters.of_rejected(batch, rejected)?;
        Ok(self.dead_letters.send(letters).await?)
    }

    fn report_usage(&self) {
        guest_counters(&self.metrics, &self.guest.usage());
    }
}

/// Shows what tenant code has used and counted among the operator's counters.
pub(crate) fn guest_counters(metrics: &SubtaskMetrics, usage: &Usage) {
    let mut counters = usage.counters.clone();
    counters.insert("fuel".into(), usage.fuel);
    counters.insert("guestTimeUs".into(), usage.time_us);
    counters.insert("guestMemoryPeakBytes".into(), usage.memory_peak_bytes);
    for name in ["faults", "deadLetterRecords", "rejectedRecords"] {
        if let Some(value) = metrics.counter(name) {
            counters.insert(name.into(), value);
        }
    }
    metrics.set_counters(counters);
}

/// Sinks take inserts only until the planner knows changelog modes per edge.
pub(crate) fn check_inserts(answer: &Batch) -> Result<(), OperatorError> {
    let insert = ChangeKind::Insert as u8;
    match &answer.kinds {
        Some(kinds) if kinds.values().iter().any(|&k| k != insert) => {
            let message = "the plugin answered updates or deletes; an ETL operator between append-only tables must answer inserts";
            Err(OperatorError::Connector(ConnectorError::BadRecord(message.into())))
        }
        _ => Ok(()),
    }
}
