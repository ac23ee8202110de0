//! Opens every subtask of a plan and wires the channels between them.

use super::{StartFrom, StartOptions, restore::Restored};
use crate::{
    dead_letters::InstanceLetters,
    error::{EngineError, OperatorError},
    input_gate::InputGate,
    key::KeyHasher,
    message::Message,
    metrics::SubtaskMetrics,
    operators::{Operator, OperatorContext},
    output::{Exchange, Output},
    plan::{ExecutionPlan, PlannedOperator, SourceWork, Work},
    services::EngineServices,
    state::{StateBudget, StateContext, StateSettings, remove_leftovers},
    tap::OperatorTap,
};
use futures::future::try_join_all;
use millrace_connector::{DeadLetters, Sink, SinkContext, Source, SourceContext, TableBinding};
use millrace_model::graph::{JobParameters, StateBackendKind};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Batches that one channel holds before its sender waits.
const CHANNEL_BATCHES: usize = 4;

/// Everything that a run needs, in the order of the plan.
pub(super) struct Opened {
    pub operators: Vec<OpenedOperator>,
    pub letters: Arc<InstanceLetters>,
}

pub(super) struct OpenedOperator {
    pub subtasks: Vec<OpenedSubtask>,
    pub tap: Arc<OperatorTap>,
}

pub(super) struct OpenedSubtask {
    pub metrics: Arc<SubtaskMetrics>,
    pub gate: InputGate,
    pub output: Output,
    pub body: Body,
}

pub(super) enum Body {
    Source(Box<dyn Source>),
    Transform(Box<dyn Operator>),
    Sink(Box<dyn Sink>),
}

/// A subtask before it is wired.
type OpenedBody = (Body, Arc<SubtaskMetrics>);

pub(super) async fn open(
    plan: &ExecutionPlan,
    options: &StartOptions,
    services: &EngineServices,
    restored: &Restored,
) -> Result<Opened, EngineError> {
    let inner = match &plan.dead_letters {
        None => None,
        Some((connector, table)) => Some(connector.open_dead_letters(table).await.map_err(|error| {
            let operator = millrace_model::ids::NodeId::new("dead_letter_topic");
            EngineError::Open { operator, error: error.into() }
        })?),
    };
    let letters = Arc::new(InstanceLetters::new(inner).of_instance(&options.instance));
    let settings = state_settings(&plan.parameters, &services.state);
    let folder = settings.folder.as_ref().map(|folder| folder.join(options.instance.as_str()));
    if let Some(folder) = &folder {
        remove_leftovers(folder);
    }
    let budget = Arc::new(StateBudget::new(settings));
    let opener = Opener { options, services, restored, letters: letters.clone(), plan, budget, folder };
    // Sinks first: they settle what the restored checkpoint left pending before anything new can arrive.
    let mut bodies: Vec<Option<Vec<OpenedBody>>> = plan.operators.iter().map(|_| None).collect();
    for wanted in [Order::Sinks, Order::Rest] {
        let chosen: Vec<usize> = (0..plan.operators.len()).filter(|&i| Order::of(&plan.operators[i]) == wanted).collect();
        let opened = try_join_all(chosen.iter().map(|&i| opener.operator(&plan.operators[i]))).await?;
        for (index, subtasks) in chosen.into_iter().zip(opened) {
            bodies[index] = Some(subtasks);
        }
    }
    let wiring = wire(plan)?;
    let operators = bodies.into_iter().zip(wiring).map(|(bodies, wires)| assemble(bodies.unwrap_or_default(), wires)).collect();
    Ok(Opened { operators, letters })
}

/// The process's settings with what the job says itself, as far as it may say. State that is to be in memory alone goes to disk
/// too when it is more than a job can have.
fn state_settings(parameters: &JobParameters, settings: &StateSettings) -> StateSettings {
    let most = settings.ceiling.bytes();
    let said = parameters.state_memory_bytes_max;
    let wanted = match parameters.state_backend {
        StateBackendKind::Memory => said.unwrap_or(most),
        _ => said.unwrap_or(settings.memory_bytes_max),
    };
    StateSettings { memory_bytes_max: wanted.min(most), ..settings.clone() }
}

#[derive(PartialEq, Eq)]
enum Order {
    Sinks,
    Rest,
}

impl Order {
    fn of(operator: &PlannedOperator) -> Self {
        match operator.work {
            Work::Sink { .. } => Self::Sinks,
            Work::Source(_) | Work::Transform { .. } => Self::Rest,
        }
    }
}

fn assemble(bodies: Vec<OpenedBody>, wires: Vec<Wires>) -> OpenedOperator {
    let tap = Arc::new(OperatorTap::default());
    let subtasks = (bodies.into_iter().zip(wires))
        .map(|((body, metrics), wires)| OpenedSubtask {
            gate: InputGate::new(wires.receivers, wires.inputs),
            output: Output::new(wires.exchanges, metrics.clone(), tap.clone()),
            metrics,
            body,
        })
        .collect();
    OpenedOperator { subtasks, tap }
}

struct Opener<'a> {
    plan: &'a ExecutionPlan,
    options: &'a StartOptions,
    services: &'a EngineServices,
    restored: &'a Restored,
    letters: Arc<InstanceLetters>,
    /// Memory of the job's keyed state.
    budget: Arc<StateBudget>,
    /// Folder for the instance's state on local disk.
    folder: Option<PathBuf>,
}

impl Opener<'_> {
    async fn operator(&self, operator: &PlannedOperator) -> Result<Vec<OpenedBody>, EngineError> {
        try_join_all((0..operator.parallelism).map(|subtask| self.subtask(operator, subtask))).await
    }

    async fn subtask(&self, operator: &PlannedOperator, subtask: usize) -> Result<OpenedBody, EngineError> {
        let metrics = Arc::new(SubtaskMetrics::default());
        let dead_letters: Arc<dyn DeadLetters> = self.letters.clone();
        let opened = match &operator.work {
            Work::Source(SourceWork { connector, table, columns, metadata, config, declared_time, .. }) => {
                let context = SourceContext {
                    instance: self.options.instance.clone(),
                    operator: operator.node.clone(),
                    config: config.clone(),
                    table: TableBinding { schema: columns.clone(), ..table.clone() },
                    metadata: metadata.clone(),
                    time_attribute: self.plan.parameters.time_attribute,
                    declared_time: declared_time.clone(),
                    batch_rows_max: self.plan.parameters.batch_rows_max as usize,
                    subtask,
                    parallelism: operator.parallelism,
                    restored: self.restored.source(operator).await?,
                    metrics: metrics.source.clone(),
                    dead_letters,
                };
                connector.open_source(context).await.map(Body::Source).map_err(OperatorError::from)
            }
            Work::Transform { kind, input, planned } => {
                let folder = self.folder.as_ref().map(|folder| folder.join(format!("{}-{subtask}", operator.node)));
                let mut state = StateContext {
                    may_begin_empty: matches!(self.options.from, StartFrom::Savepoint { allow_partial: true, .. }),
                    budget: self.budget.clone(),
                    folder,
                    ..StateContext::default()
                };
                self.restored.chains(operator, subtask, &mut state).await?;
                let context = OperatorContext {
                    tenant: self.options.tenant.clone(),
                    instance: self.options.instance.clone(),
                    job: self.options.job.clone(),
                    operator: operator.node.clone(),
                    input: input.clone(),
                    planned: planned.clone(),
                    subtask,
                    parallelism: operator.parallelism,
                    restored: self.restored.keyed(operator, subtask).await?,
                    state,
                    restored_subtasks: self.restored.subtasks(operator).await?,
                    restored_parallelism: self.restored.parallelism(operator),
                    dimensions: self.plan.dimensions.clone(),
                    metrics: metrics.clone(),
                    dead_letters,
                    services: self.services.clone(),
                };
                kind.open(context).await.map(Body::Transform)
            }
            Work::Sink { connector, table, input, config, .. } => {
                let context = SinkContext {
                    instance: self.options.instance.clone(),
                    operator: operator.node.clone(),
                    config: config.clone(),
                    table: table.clone(),
                    input: input.clone(),
                    subtask,
                    parallelism: operator.parallelism,
                    restored: self.restored.sink(operator, subtask).await?,
                    metrics: metrics.sink.clone(),
                    dead_letters,
                };
                connector.open_sink(context).await.map(Body::Sink).map_err(OperatorError::from)
            }
        };
        let body = opened.map_err(|error| EngineError::Open { operator: operator.node.clone(), error })?;
        Ok((body, metrics))
    }
}

/// Channels of one subtask.
#[derive(Default)]
struct Wires {
    receivers: Vec<Receiver<Message>>,
    /// Per receiver the operator's input.
    inputs: Vec<usize>,
    exchanges: Vec<Exchange>,
}

/// Makes the channels of every edge: one per pair of subtasks, or per subtask where both sides run side by side.
///
/// What comes into a union from fewer subtasks than it has stays on as many of its own: spread over all of them, changes of one
/// row could overtake each other before they meet again.
fn wire(plan: &ExecutionPlan) -> Result<Vec<Vec<Wires>>, EngineError> {
    let mut wires: Vec<Vec<Wires>> = (plan.operators.iter()).map(|o| (0..o.parallelism).map(|_| Wires::default()).collect()).collect();
    for (to, receiver) in plan.operators.iter().enumerate() {
        for (input, &from) in receiver.inputs.iter().enumerate() {
            let sender = &plan.operators[from];
            let covers = |&from: &usize| plan.operators[from].parallelism == receiver.parallelism;
            let is_union = receiver.inputs.len() > 1 && receiver.inputs.iter().any(covers);
            let side_by_side = receiver.key_fields(input).is_none()
                && (sender.parallelism == receiver.parallelism || is_union && sender.parallelism < receiver.parallelism);
            for upstream in 0..sender.parallelism {
                let targets: Vec<usize> = if side_by_side { vec![upstream] } else { (0..receiver.parallelism).collect() };
                let senders: Vec<Sender<Message>> = (targets.into_iter())
                    .map(|downstream| {
                        let (send, receive) = channel(CHANNEL_BATCHES);
                        wires[to][downstream].receivers.push(receive);
                        wires[to][downstream].inputs.push(input);
                        send
                    })
                    .collect();
                wires[from][upstream].exchanges.push(exchange(sender, (receiver, input), senders, upstream)?);
            }
        }
    }
    Ok(wires)
}

fn exchange(
    sender: &PlannedOperator,
    (receiver, input): (&PlannedOperator, usize),
    mut senders: Vec<Sender<Message>>,
    upstream: usize,
) -> Result<Exchange, EngineError> {
    if let (Some(key_fields), Some(schema)) = (receiver.key_fields(input), sender.output()) {
        let hasher =
            KeyHasher::new(schema, key_fields).map_err(|e| EngineError::Open { operator: receiver.node.clone(), error: e.into() })?;
        return Ok(Exchange::Hash { senders, hasher });
    }
    Ok(match senders.pop() {
        Some(only) if senders.is_empty() => Exchange::Forward(only),
        last => {
            senders.extend(last);
            // Upstream subtasks begin at different receivers, so that few batches spread evenly.
            Exchange::Rebalance { senders, next: upstream }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Ceiling;

    /// What a job says of its memory holds up to what it can have, whichever backend it names.
    #[test]
    fn a_job_cannot_say_itself_more_memory_than_it_can_have() {
        let server = StateSettings {
            folder: Some("/state".into()),
            memory_bytes_max: 100,
            ceiling: Ceiling::Server(400),
            ..StateSettings::default()
        };
        for (state_backend, said, expected) in [
            (StateBackendKind::Tiered, None, 100),
            (StateBackendKind::Tiered, Some(50), 50),
            (StateBackendKind::Tiered, Some(300), 300),
            (StateBackendKind::Tiered, Some(1 << 40), 400),
            (StateBackendKind::Memory, None, 400),
            (StateBackendKind::Memory, Some(300), 300),
            (StateBackendKind::Memory, Some(1 << 40), 400),
        ] {
            let parameters = JobParameters { state_backend, state_memory_bytes_max: said, ..JobParameters::default() };
            let found = state_settings(&parameters, &server);
            assert_eq!(found.memory_bytes_max, expected, "{state_backend:?} {said:?}");
            assert!(found.folder.is_some(), "what is more has a place to go to");
        }
    }
}
