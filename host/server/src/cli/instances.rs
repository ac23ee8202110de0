//! Commands on instances and their savepoints.

use super::{chosen, logs, looking, paths, session::Session};
use crate::client::{Column, encode};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const INSTANCES: &[Column] = &[
    ("ID", "id"),
    ("STATE", "state"),
    ("RUN", "run"),
    ("RESTARTS", "restart_count"),
    ("WORKER", "worker"),
    ("JOB", "job_name"),
    ("KIND", "kind"),
    ("FAILED AT", "last_failure.at_ms"),
    ("LAST FAILURE", "last_failure.message"),
];
const SAVEPOINTS: &[Column] = &[
    ("ID", "id"),
    ("STATE", "state"),
    ("TAKEN", "created_at_ms"),
    ("INSTANCE", "instance"),
    ("BYTES", "size_bytes"),
    ("LOCATION", "location"),
    ("FAILURE", "failure"),
];
const METRICS: &[Column] = &[
    ("OPERATOR", "node"),
    ("KIND", "kind"),
    ("SUBTASKS", "subtasks"),
    ("RECORDS IN", "records_in"),
    ("RECORDS OUT", "records_out"),
    ("ERRORS", "errors"),
    ("LATE", "late"),
    ("PENDING", "pending"),
    ("BUSY MS/S", "busy"),
    ("WATERMARK", "watermark"),
];
/// How often a state is read while waiting for it.
const POLL: Duration = Duration::from_millis(200);

/// On instances.
#[derive(Subcommand)]
pub(crate) enum InstanceCommand {
    /// Make an instance of a job's version without starting it
    Create(NewInstance),
    /// Start an instance; for a job's name, its newest version in a new instance
    Start {
        #[command(flatten)]
        new: NewInstance,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop an instance
    Stop {
        /// Id of the instance, or name of the job when only one of it runs
        instance: String,
        /// Take a savepoint first
        #[arg(long)]
        savepoint: bool,
        /// With the name of a job: the instance that is in production
        #[arg(long)]
        production: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// List the project's instances
    List {
        /// Only of this job
        #[arg(long)]
        job: Option<String>,
    },
    /// Show an instance and what its worker sees
    Status(InstanceName),
    /// Records, lag and load of every operator
    Metrics(InstanceName),
    /// The newest checkpoints
    Checkpoints(InstanceName),
    /// Show rows as they pass through a node
    Tap(looking::TapArguments),
    /// The failures
    Exceptions(InstanceName),
    /// What tenant code and the engine say
    Logs(logs::LogArguments),
    /// Take a savepoint while it runs on
    Savepoint(InstanceName),
    /// Remove an instance that does not run, with its log
    Delete {
        /// Id of the instance
        instance: String,
    },
    /// Every change of its state, and by whom
    History(InstanceName),
    /// Say how it is restarted after failures from its next start on; without options: as its job says
    RestartPolicy(RestartArguments),
}

/// How an instance is restarted after failures. What is not said is the usual: 10 attempts, waits of 1 s that double up to 1
/// min, forgotten after 10 min without a failure.
#[derive(Args)]
pub(crate) struct RestartArguments {
    /// Id of the instance, or name of its job
    instance: String,
    /// Restarts before it fails for good
    #[arg(long, value_name = "NUMBER")]
    attempts: Option<u32>,
    /// First wait
    #[arg(long, value_name = "MS")]
    delay_ms: Option<u64>,
    /// Longest wait
    #[arg(long, value_name = "MS")]
    delay_max_ms: Option<u64>,
    /// Running this long forgets earlier failures
    #[arg(long, value_name = "MS")]
    reset_after_ms: Option<u64>,
}

impl RestartArguments {
    /// The policy; null for that of the job.
    fn policy(&self) -> Value {
        let said = [
            ("attempts_max", self.attempts.map(u64::from)),
            ("delay_ms", self.delay_ms),
            ("delay_max_ms", self.delay_max_ms),
            ("reset_after_ms", self.reset_after_ms),
        ];
        let said: serde_json::Map<_, _> = said.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.into()))).collect();
        if said.is_empty() { Value::Null } else { Value::Object(said) }
    }
}

/// What to start.
#[derive(Args)]
pub(crate) struct NewInstance {
    /// Name of the job, or id of an instance that is there
    what: String,
    /// Version of the job; the newest unless given
    #[arg(long, value_name = "NUMBER")]
    version: Option<String>,
    /// Start from this savepoint
    #[arg(long, value_name = "ID", conflicts_with = "fresh", group = "state")]
    from_savepoint: Option<String>,
    /// Start from the latest checkpoint or savepoint of this instance
    #[arg(long, value_name = "INSTANCE", conflicts_with = "fresh", group = "state")]
    from_latest: Option<String>,
    /// With --from-savepoint or --from-latest: leave out state that does not fit the version; its operators begin without
    #[arg(long, requires = "state")]
    allow_partial: bool,
    /// Start without any state
    #[arg(long)]
    fresh: bool,
    /// Make another instance although one of the job runs
    #[arg(long)]
    another: bool,
    /// Value for a parameter of the job; repeat for more
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

/// Whether to wait for the outcome.
#[derive(Args, Clone, Copy)]
pub(crate) struct Wait {
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
    /// Longest wait
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout_s: u64,
}

impl Wait {
    /// Whether to wait at all.
    pub(crate) fn waits(self) -> bool {
        !self.no_wait
    }

    /// Longest wait.
    pub(crate) fn longest(self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}

/// An instance.
#[derive(Args)]
pub(crate) struct InstanceName {
    /// Id of the instance, or name of its job (the instance that runs then, or else the newest)
    instance: String,
}

pub(crate) async fn instance(session: &Session, command: InstanceCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    match command {
        InstanceCommand::Create(new) => {
            let made = create(session, &project, &new).await?;
            let id = made["id"].as_str().unwrap_or_default();
            session.output.done(&format!("made instance `{id}`; next: millrace instance start {id}"), &made);
        }
        InstanceCommand::Start { new, wait } => start(session, &project, &new, wait).await?,
        InstanceCommand::Stop { instance, savepoint, production, wait } => {
            let path = chosen::to_change(session, &project, &instance, production).await?;
            stop(session, &path, savepoint, wait).await?;
        }
        InstanceCommand::List { job } => {
            let filter = job.map(|j| format!("?job={}", encode(&j))).unwrap_or_default();
            let mut found = session.client.list(&format!("{project}/instances{filter}")).await?;
            chosen::with_job_names(session, &project, &mut found).await?;
            session.output.list(&found, INSTANCES);
        }
        InstanceCommand::Status(by) => {
            let found = session.client.get(&chosen::to_look_at(session, &project, &by.instance).await?).await?;
            session.output.item(&if session.output.json { found } else { brief(found) });
        }
        InstanceCommand::Metrics(by) => {
            let path = format!("{}/metrics", chosen::to_look_at(session, &project, &by.instance).await?);
            show_metrics(session, &session.client.get(&path).await?);
        }
        InstanceCommand::Tap(arguments) => looking::tap(session, &arguments).await?,
        InstanceCommand::Checkpoints(by) => {
            let path = format!("{}/checkpoints", chosen::to_look_at(session, &project, &by.instance).await?);
            let found = session.client.get(&path).await?;
            let lines = found["value"].as_array().cloned().unwrap_or_default();
            let columns: &[Column] = &[
                ("CHECKPOINT", "checkpoint"),
                ("OUTCOME", "outcome"),
                ("MS", "duration_ms"),
                ("BYTES", "size_bytes"),
                ("REASON", "reason"),
            ];
            session.output.list(&lines, columns);
        }
        InstanceCommand::Exceptions(by) => {
            let path = format!("{}/exceptions", chosen::to_look_at(session, &project, &by.instance).await?);
            let columns: &[Column] =
                &[("AT", "at_ms"), ("CLASS", "failure.class"), ("OPERATOR", "failure.operator"), ("MESSAGE", "failure.message")];
            session.output.list(&session.client.list(&path).await?, columns);
        }
        InstanceCommand::Logs(arguments) => {
            let path = chosen::to_look_at(session, &project, &arguments.instance).await?;
            logs::show(session, &path, &arguments).await?;
        }
        InstanceCommand::Savepoint(by) => {
            // A savepoint does no harm: also one of production is taken without more ado.
            let path = match chosen::to_change(session, &project, &by.instance, false).await {
                Ok(path) => path,
                Err(error) => chosen::to_change(session, &project, &by.instance, true).await.map_err(|_| error)?,
            };
            let made = session.client.post(&format!("{path}/savepoints"), &json!({})).await?;
            let (savepoint, instance) = (made["id"].as_str().unwrap_or_default(), path.rsplit('/').next().unwrap_or_default());
            session.output.done(&format!("savepoint `{savepoint}` of instance `{instance}` is complete"), &made);
        }
        InstanceCommand::Delete { instance } => {
            let gone = session.client.delete(&paths::below(&project, "instances", &instance)).await?;
            session.output.done(&format!("removed instance `{instance}`"), &gone);
        }
        InstanceCommand::History(by) => {
            let path = format!("{}/history", chosen::to_look_at(session, &project, &by.instance).await?);
            let columns: &[Column] = &[("AT", "at_ms"), ("BY", "actor"), ("WHAT", "event"), ("STATE", "state")];
            session.output.list(&session.client.list(&path).await?, columns);
        }
        InstanceCommand::RestartPolicy(wanted) => {
            let path = format!("{}/restart-policy", chosen::to_look_at(session, &project, &wanted.instance).await?);
            let policy = wanted.policy();
            let set = session.client.put(&path, &json!({ "restart": policy }), None).await?;
            let told = if policy.is_null() { "as its job says" } else { "as you have said" };
            let id = set["id"].as_str().unwrap_or_default();
            session.output.done(&format!("from its next start on instance `{id}` is restarted {told}"), &set);
        }
    }
    Ok(())
}

/// On savepoints.
#[derive(Subcommand)]
pub(crate) enum SavepointCommand {
    /// List the savepoints of an instance, or of all instances of a job
    List {
        /// Id of the instance, or name of the job
        instance: String,
    },
    /// Whether a version of the job can start from a savepoint, operator by operator
    Check {
        #[command(flatten)]
        instance: InstanceName,
        /// Id of the savepoint
        savepoint: String,
        /// Number of the version; the newest unless given
        #[arg(long, value_name = "NUMBER")]
        version: Option<String>,
    },
    /// Remove a savepoint with its state
    Delete {
        #[command(flatten)]
        instance: InstanceName,
        /// Id of the savepoint
        savepoint: String,
    },
}

pub(crate) async fn savepoint(session: &Session, command: SavepointCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    match command {
        SavepointCommand::List { instance } => {
            session.output.list(&chosen::savepoints(session, &project, &instance).await?, SAVEPOINTS);
        }
        SavepointCommand::Check { instance, savepoint, version } => {
            let version = version.map(|version| format!("?version={}", encode(&version))).unwrap_or_default();
            let path = chosen::owner_of(session, &project, &instance.instance, &savepoint).await?;
            let found = session.client.get(&format!("{path}/savepoints/{}/compatibility{version}", encode(&savepoint))).await?;
            let columns: &[Column] = &[("OPERATOR", "node"), ("KIND", "kind"), ("VERDICT", "verdict"), ("REASON", "reason")];
            if session.output.json {
                session.output.item(&found);
            } else {
                session.output.list(found["operators"].as_array().map(Vec::as_slice).unwrap_or_default(), columns);
            }
        }
        SavepointCommand::Delete { instance, savepoint } => {
            let path = chosen::owner_of(session, &project, &instance.instance, &savepoint).await?;
            let gone = session.client.delete(&format!("{path}/savepoints/{}", encode(&savepoint))).await?;
            session.output.done(&format!("removed savepoint `{savepoint}`"), &gone);
        }
    }
    Ok(())
}

async fn create(session: &Session, project: &str, new: &NewInstance) -> anyhow::Result<Value> {
    if !new.another {
        refuse_second(session, project, &new.what).await?;
    }
    let mut body = json!({ "job": new.what, "parameters": super::resources::pairs(&new.parameters)? });
    if let Some(version) = &new.version {
        body["version"] = version.as_str().into();
    }
    if let Some(start) = from_state(new) {
        body["start"] = start;
    }
    Ok(session.client.post(&format!("{project}/instances"), &body).await?)
}

/// The state that is asked for.
fn from_state(new: &NewInstance) -> Option<Value> {
    let mut start = match (&new.from_savepoint, &new.from_latest) {
        (Some(savepoint), _) => json!({ "from": "savepoint", "savepoint": savepoint }),
        (None, Some(instance)) => json!({ "from": "latest", "instance": instance }),
        (None, None) => return None,
    };
    if new.allow_partial {
        start["allow_partial"] = true.into();
    }
    Some(start)
}

/// Two instances of one job read and write the same twice: hardly ever what is meant.
async fn refuse_second(session: &Session, project: &str, job: &str) -> anyhow::Result<()> {
    let instances = chosen::instances_of(session, project, job).await?;
    let Some(instance) = instances.iter().find(|i| chosen::is_active(i)) else { return Ok(()) };
    let text = |field: &str| instance[field].as_str().unwrap_or_default();
    let (id, kind, state) = (text("id"), text("kind"), text("state"));
    bail!(
        "{kind} instance `{id}` of job `{job}` is {state}\n  next: stop it first (millrace instance stop {id}), or give --another to run both"
    )
}

async fn start(session: &Session, project: &str, new: &NewInstance, wait: Wait) -> anyhow::Result<()> {
    let there = new.what.starts_with("ins_");
    let id = if there { new.what.clone() } else { create(session, project, new).await?["id"].as_str().unwrap_or_default().to_owned() };
    let body = match from_state(new) {
        Some(start) if there => json!({ "start": start }),
        None if there && new.fresh => json!({ "start": { "from": "fresh" } }),
        Some(_) | None => json!({}),
    };
    let path = paths::below(project, "instances", &id);
    let began = Instant::now();
    let mut instance = match session.client.post(&format!("{path}/start"), &body).await {
        Ok(instance) => instance,
        Err(error) => {
            if !there && error.status().is_some() {
                // It was made for this start. The refusal is the answer, whether or not it can be taken away.
                drop(session.client.delete(&path).await);
            }
            return Err(error.into());
        }
    };
    if !wait.no_wait {
        instance = reach(session, &path, &["running", "finished"], wait.longest()).await?;
    }
    let state = instance["state"].as_str().unwrap_or_default();
    session.output.done(
        &format!("instance `{id}` is {state} after {} ms; next: millrace instance metrics {id}", began.elapsed().as_millis()),
        &instance,
    );
    Ok(())
}

async fn stop(session: &Session, path: &str, with_savepoint: bool, wait: Wait) -> anyhow::Result<()> {
    let mut instance = session.client.post(&format!("{path}/stop"), &json!({ "with_savepoint": with_savepoint })).await?;
    if !wait.no_wait {
        instance = reach(session, path, &["stopped", "finished"], wait.longest()).await?;
    }
    let id = instance["id"].as_str().unwrap_or_default().to_owned();
    let text = |field: &str| instance[field].as_str().unwrap_or_default();
    let mut sentence = format!("{} instance `{id}` is {}", text("kind"), text("state"));
    if with_savepoint && !wait.no_wait {
        let newest = session.client.get(&format!("{path}/savepoints?limit=1")).await?;
        let text = |field: &str| newest.pointer(&format!("/items/0/{field}")).and_then(Value::as_str).unwrap_or("-").to_owned();
        let savepoint = text("id");
        if text("state") == "completed" {
            sentence.push_str(&format!("; savepoint `{savepoint}`; next: millrace instance start {id} --from-savepoint {savepoint}"));
        } else {
            sentence.push_str(&format!("; the savepoint failed: {}", text("failure")));
        }
    }
    session.output.done(&sentence, &instance);
    Ok(())
}

/// Waits until the instance at `path` is in one of `states`; answers it.
///
/// # Errors
/// It failed, or the wait is too long.
pub(crate) async fn reach(session: &Session, path: &str, states: &[&str], longest: Duration) -> anyhow::Result<Value> {
    let began = Instant::now();
    loop {
        let instance = session.client.get(path).await?;
        let state = instance["state"].as_str().unwrap_or_default();
        if states.contains(&state) {
            return Ok(instance);
        }
        let failure = instance.pointer("/last_failure/message").and_then(Value::as_str).unwrap_or("no failure is recorded");
        let id = instance["id"].as_str().unwrap_or_default();
        if state == "failed" {
            bail!("instance `{id}` failed: {failure}\n  next: millrace instance exceptions {id}");
        }
        if began.elapsed() >= longest {
            bail!("instance `{id}` is still {state} after {} s: {failure}\n  next: millrace instance status {id}", longest.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// An instance without what `metrics` and `checkpoints` show better.
fn brief(mut instance: Value) -> Value {
    let observation = instance.as_object_mut().and_then(|fields| fields.remove("observation")).unwrap_or_default();
    for field in ["phase", "start_duration_ms", "next_attempt_at_ms"] {
        if let Some(value) = observation.get(field).filter(|v| !v.is_null()) {
            instance[field] = value.clone();
        }
    }
    if let Some(message) = instance.pointer("/last_failure/message").cloned() {
        instance["last_failure"] = message;
    }
    instance
}

fn show_metrics(session: &Session, view: &Value) {
    if session.output.json {
        return session.output.item(view);
    }
    let operators = view.pointer("/value/operators").and_then(Value::as_array).cloned().unwrap_or_default();
    let rows: Vec<Value> = operators.iter().map(operator_row).collect();
    session.output.list(&rows, METRICS);
    if let Some(letters) = view.pointer("/value/dead_letters").and_then(Value::as_u64) {
        session.output.done(&format!("dead letters: {letters}"), view);
    }
}

/// An operator's metrics over all its subtasks.
fn operator_row(operator: &Value) -> Value {
    let subtasks = operator["subtasks"].as_array().cloned().unwrap_or_default();
    let values = |name: &str| subtasks.iter().filter_map(|s| s.get(name).and_then(Value::as_f64)).collect::<Vec<_>>();
    let whole = |value: f64| json!(value as i64);
    let sum = |name: &str| whole(values(name).iter().sum());
    let optional = |values: Vec<f64>, fold: fn(f64, f64) -> f64| values.into_iter().reduce(fold).map_or(Value::Null, whole);
    let watermarks = [values("currentOutputWatermark"), values("currentInputWatermark")].concat();
    json!({
        "node": operator["node"], "kind": operator["kind"], "subtasks": subtasks.len(),
        "records_in": sum("numRecordsIn"), "records_out": sum("numRecordsOut"),
        "errors": sum("numRecordsInErrors"),
        "late": whole(values("numLateRecordsDropped").iter().sum::<f64>() + operator.pointer("/counters/numLateRecordsDropped").and_then(Value::as_f64).unwrap_or(0.0)),
        "pending": optional(values("pendingRecords"), |a, b| a + b),
        "busy": optional(values("busyTimeMsPerSecond"), f64::max),
        "watermark": optional(watermarks, f64::min),
    })
}
