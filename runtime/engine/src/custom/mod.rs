//! Sources, sinks and operators that tenants wrote (EXT-3): node kinds `custom_source`, `custom_sink`, `custom_transform`.
//!
//! Invariant: a guest's call is never abandoned halfway while its instance goes on: whatever may be cancelled (a source
//! that waits while a barrier comes) is kept and waited for again.

mod connector;
mod sink;
mod source;
pub(crate) mod table;
mod transform;

pub(crate) use connector::GuestConnector;
pub use transform::TransformKind;

use crate::{
    catalog::PluginBinding,
    error::OperatorError,
    operators::{
        PlanContext,
        etl::{LogToTracing, RecordErrorPolicy},
    },
    parameter_form::{self, ParameterText},
    services::EngineServices,
};
use millrace_connector::{ConnectorError, parse_config};
use millrace_model::{
    graph::{GraphError, Node},
    ids::{NodeId, TenantId},
};
use millrace_sandbox::{
    DimensionTables, FaultReport, GuestContext, GuestLog, LoadedComponent, NoLog, OpenGuest, OperatorLimits, RejectPolicy, World,
    policy::{FaultAction, FaultPolicy, decide},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Node kind of a tenant's source.
pub(crate) const SOURCE: &str = "custom_source";
/// Node kind of a tenant's sink.
pub(crate) const SINK: &str = "custom_sink";
/// Node kind of a tenant's operator.
pub(crate) const TRANSFORM: &str = "custom_transform";

/// Settings of a node that runs a tenant's source, sink or operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Name of the plugin in the project.
    pub plugin: String,
    /// Its version; the newest when the job is submitted, if absent.
    #[serde(default)]
    pub version: Option<String>,
    /// What the plugin reads with `parameter`.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterText>,
    /// What happens when the plugin fails. `reload` asks the instance again after a fault in its own words; when the instance
    /// is gone, the job goes on from its last checkpoint.
    #[serde(default)]
    pub on_fault: FaultPolicy,
    /// What happens to a row that the plugin rejects.
    #[serde(default)]
    pub on_record_error: Option<RecordErrorPolicy>,
    /// Sources: the column that SQL behind it takes for the event time.
    #[serde(default)]
    pub event_time_field: Option<String>,
    /// Sources: what SQL calls their table.
    #[serde(default)]
    #[allow(dead_code)] // Read by the planner from the node itself.
    pub table_name: Option<String>,
    /// Operators and sinks: columns by which rows are spread over subtasks.
    #[serde(default)]
    pub key_fields: Option<Vec<String>>,
}

/// A plugin of a node, resolved.
#[derive(Clone)]
pub(crate) struct GuestCode {
    pub config: Config,
    pub plugin: PluginBinding,
    /// As the plugin's form completes them.
    parameters: BTreeMap<String, String>,
    tenant: TenantId,
    services: EngineServices,
    dimensions: Arc<dyn DimensionTables>,
    world: World,
}

/// Where an instance belongs.
pub(crate) struct GuestSite<'a> {
    /// The job or instance, for reports.
    pub job: &'a str,
    pub operator: &'a NodeId,
    pub subtask: usize,
    pub log: Arc<dyn GuestLog>,
}

impl<'a> GuestSite<'a> {
    /// An instance that only answers what a plan needs.
    pub fn of_plan(operator: &'a NodeId) -> Self {
        Self { job: "validate", operator, subtask: 0, log: Arc::new(NoLog) }
    }

    /// An instance of a subtask.
    pub fn of_subtask(job: &'a str, operator: &'a NodeId, subtask: usize) -> Self {
        let log = Arc::new(LogToTracing { instance: job.to_owned(), operator: operator.clone() });
        Self { job, operator, subtask, log }
    }
}

impl GuestCode {
    /// Resolves a node's plugin and checks that it is of `world`.
    pub async fn resolve(node: &Node, world: World, context: &PlanContext<'_>) -> Result<(Self, Arc<LoadedComponent>), Vec<GraphError>> {
        let config: Config = parse_config(&node.config)
            .map_err(|e| vec![GraphError::in_field(&node.id, format!("config.{}", e.field), &e.code, e.message)])?;
        let wrong = |code: &str, message: String| vec![GraphError::in_field(&node.id, "config.plugin", code, message)];
        let plugin = context.catalog.plugin(&config.plugin, config.version.as_deref()).await;
        let plugin = plugin.map_err(|e| wrong("config.unknown_plugin", e.to_string()))?;
        let parameters = parameter_form::of_node(node, &plugin, parameter_form::texts(&config.parameters))?;
        let code = Self {
            config,
            plugin,
            parameters,
            tenant: context.tenant.clone(),
            services: context.services.clone(),
            dimensions: context.dimensions.clone(),
            world,
        };
        let component = code.load().await.map_err(|e| wrong("plugin.load", e.to_string()))?;
        if component.world() != world {
            let message = format!(
                "`{}` is of the world {}, a `{}` needs one of {}",
                code.plugin.name,
                component.world().name(),
                node.kind,
                world.name()
            );
            return Err(wrong("plugin.world", message));
        }
        Ok((code, component))
    }

    /// The component, ready to be instantiated.
    pub async fn load(&self) -> Result<Arc<LoadedComponent>, ConnectorError> {
        let loaded = self.services.sandbox.load(&self.plugin.content_hash, self.plugin.component.clone()).await;
        loaded.map_err(|e| ConnectorError::Config(format!("plugin `{}`: {e}", self.plugin.name)))
    }

    /// What an instance is opened with.
    pub fn open(&self, site: GuestSite<'_>) -> OpenGuest {
        OpenGuest {
            tenant: self.tenant.clone(),
            job: site.job.to_owned(),
            operator: site.operator.clone(),
            function: None,
            parameters: self.parameters.clone(),
            limits: OperatorLimits::of(self.world),
            account: self.services.accounts.get(&self.tenant),
            log: site.log,
            context: GuestContext {
                subtask: u32::try_from(site.subtask).unwrap_or(u32::MAX),
                on_reject: match self.record_errors() {
                    RecordErrorPolicy::Fail => RejectPolicy::Fail,
                    RecordErrorPolicy::DeadLetter | RecordErrorPolicy::Skip => RejectPolicy::SetAside,
                },
                capabilities: self.services.sandbox.capabilities(&self.plugin.name, &self.plugin.grants),
                dimensions: self.dimensions.clone(),
            },
        }
    }

    pub fn sandbox(&self) -> &millrace_sandbox::Sandbox {
        &self.services.sandbox
    }

    pub fn record_errors(&self) -> RecordErrorPolicy {
        RecordErrorPolicy::of(self.config.on_record_error, &self.config.on_fault)
    }

    /// What a version pins.
    pub fn pins(&self) -> serde_json::Value {
        serde_json::json!({
            "plugin": self.plugin.name,
            "version": self.plugin.version,
            "content_hash": self.plugin.content_hash,
        })
    }

    /// A fault while a plan is made, as an error of the node.
    pub fn refusal(&self, node: &Node, fault: &FaultReport) -> Vec<GraphError> {
        let plugin = &self.plugin;
        let message = format!("plugin `{}` version {} refuses this input or these parameters: {fault}", plugin.name, plugin.version);
        vec![GraphError::in_field(&node.id, "config", "plugin.open", message)]
    }
}

/// What is to be done about a fault of a guest that has a state of its own.
pub(crate) enum Verdict {
    /// Ask the same instance again; the wait is over.
    Again,
    /// Give the rows up and go on.
    GiveUp,
}

/// Applies a node's policy to its faults in a row.
pub(crate) struct Faults {
    policy: FaultPolicy,
    in_a_row: u32,
}

impl Faults {
    pub fn new(policy: FaultPolicy) -> Self {
        Self { policy, in_a_row: 0 }
    }

    /// A call ended well.
    pub fn over(&mut self) {
        self.in_a_row = 0;
    }

    /// Decides about a fault. `alive`: the instance has its state still; `has_rows`: there are rows that could be given up.
    ///
    /// # Errors
    /// The job fails. With the policy `reload` it may go on from its last checkpoint.
    pub async fn judge(&mut self, fault: FaultReport, alive: bool, has_rows: bool) -> Result<Verdict, OperatorError> {
        self.in_a_row += 1;
        // Its site calls the instance its job.
        let (instance, operator) = (fault.job.as_str(), fault.operator.as_str());
        tracing::warn!(instance, operator, in_a_row = self.in_a_row, "{fault}");
        match decide(&self.policy, self.in_a_row) {
            // Without its instance the state since the last checkpoint is gone: only that checkpoint can help.
            FaultAction::ReloadAfter(_) if !alive => Err(OperatorError::Restart(Box::new(fault))),
            FaultAction::ReloadAfter(delay_ms) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                Ok(Verdict::Again)
            }
            FaultAction::DeadLetterBatch if alive && has_rows => {
                self.in_a_row = 0;
                Ok(Verdict::GiveUp)
            }
            FaultAction::DeadLetterBatch | FaultAction::FailJob => Err(OperatorError::Fault(Box::new(fault))),
        }
    }
}

/// The same as an error of a connector.
pub(crate) fn connector_error(error: OperatorError) -> ConnectorError {
    match error {
        OperatorError::Connector(error) => error,
        OperatorError::Fault(fault) => {
            let retryable = millrace_model::Classified::is_retryable(&*fault);
            ConnectorError::Fault { message: fault.to_string(), retryable }
        }
        OperatorError::Restart(fault) => ConnectorError::Fault { message: fault.to_string(), retryable: true },
        other => ConnectorError::Internal(other.to_string()),
    }
}

/// A fault where there is no policy to apply.
pub(crate) fn fault_error(fault: FaultReport) -> ConnectorError {
    connector_error(OperatorError::Fault(Box::new(fault)))
}
