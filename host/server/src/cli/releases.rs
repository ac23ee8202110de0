//! Commands on releases: a version's way to production.

use super::{chosen, paths, session::Session};
use crate::client::{Column, encode};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const RELEASES: &[Column] = &[
    ("ID", "id"),
    ("STATE", "state"),
    ("JOB", "job_name"),
    ("VERSION", "version_number"),
    ("BY", "created_by"),
    ("INSTANCE", "instance"),
    ("REASON", "reason"),
];

/// On releases.
#[derive(Subcommand)]
pub(crate) enum ReleaseCommand {
    /// List the project's releases
    List {
        /// Only of this job
        #[arg(long)]
        job: Option<String>,
        /// Only in this state; `published` are those that may go live
        #[arg(long)]
        state: Option<String>,
    },
    /// Show a release
    Get(ReleaseName),
    /// Ask that the version of a healthy test instance may go to production
    Publish {
        /// Id of the test instance, or name of the job when only one of it runs
        instance: String,
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Agree to a release (an administrator, not the applicant)
    Approve {
        #[command(flatten)]
        release: ReleaseName,
        /// What to say about it
        #[arg(long, default_value = "", value_name = "TEXT")]
        opinion: String,
    },
    /// Do not agree to a release
    Reject {
        #[command(flatten)]
        release: ReleaseName,
        /// Why not
        #[arg(long, value_name = "TEXT")]
        opinion: String,
    },
    /// Withdraw a release of yours that waits for a decision
    Withdraw(ReleaseName),
    /// Give an approved release its resources and its production instance
    GoLive(GoLive),
    /// Take a release off production
    Offline {
        #[command(flatten)]
        release: ReleaseName,
        /// Stop without a savepoint
        #[arg(long)]
        no_savepoint: bool,
    },
}

/// A release.
#[derive(Args)]
pub(crate) struct ReleaseName {
    /// Id of the release
    release: String,
}

/// How a release goes live.
#[derive(Args)]
pub(crate) struct GoLive {
    /// Id of the release
    release: String,
    /// Subtasks of its widest operator at most
    #[arg(long)]
    slots: u16,
    /// Memory of its tenant code
    #[arg(long, value_name = "MIB")]
    memory_mib: Option<u32>,
    /// Fuel of its tenant code per second
    #[arg(long, value_name = "FUEL")]
    fuel_per_second: Option<u64>,
    /// low, normal or high
    #[arg(long, default_value = "normal")]
    priority: String,
    /// Start without any state, although one ran before
    #[arg(long, conflicts_with_all = ["ago_s", "from_savepoint"])]
    fresh: bool,
    /// Start at the records of so long ago
    #[arg(long, value_name = "SECONDS", conflicts_with = "from_savepoint")]
    ago_s: Option<i64>,
    /// Start from this savepoint
    #[arg(long, value_name = "ID")]
    from_savepoint: Option<String>,
    /// Value for a parameter of the job; repeat for more
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Make the production instance without starting it
    #[arg(long)]
    no_start: bool,
}

pub(crate) async fn run(session: &Session, command: ReleaseCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let one = |name: &str| paths::below(&project, "releases", name);
    match command {
        ReleaseCommand::List { job, state } => {
            let filters = [("job", job), ("state", state)];
            let query: Vec<_> = filters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_ref()?)))).collect();
            session.output.list(&session.client.list(&format!("{project}/releases?{}", query.join("&"))).await?, RELEASES);
        }
        ReleaseCommand::Get(by) => session.output.item(&session.client.get(&one(&by.release)).await?),
        ReleaseCommand::Publish { instance, reason } => {
            let path = chosen::to_change(session, &project, &instance, false).await?;
            let instance = path.rsplit('/').next().unwrap_or_default();
            let asked = session.client.post(&format!("{project}/releases"), &json!({"test_instance": instance, "reason": reason})).await?;
            let id = asked["id"].as_str().unwrap_or_default();
            for warning in asked["warnings"].as_array().into_iter().flatten() {
                eprintln!("warning: it could not go live now: {}", warning["message"].as_str().unwrap_or_default());
            }
            session.output.done(&format!("asked for release `{id}`; next, by an administrator: millrace release approve {id}"), &asked);
        }
        ReleaseCommand::Approve { release, opinion } => {
            let done = decide(session, &one(&release.release), "approve", &opinion).await?;
            let next = format!("release `{0}` is approved; next: millrace release go-live {0} --slots 1", release.release);
            session.output.done(&next, &done);
        }
        ReleaseCommand::Reject { release, opinion } => {
            let done = decide(session, &one(&release.release), "reject", &opinion).await?;
            session.output.done(&format!("release `{}` is rejected", release.release), &done);
        }
        ReleaseCommand::Withdraw(by) => {
            let done = decide(session, &one(&by.release), "withdraw", "").await?;
            session.output.done(&format!("release `{}` is withdrawn", by.release), &done);
        }
        ReleaseCommand::GoLive(how) => {
            let live = session.client.post(&format!("{}/go-live", one(&how.release)), &body(&how)?).await?;
            let instance = live.pointer("/instance/id").and_then(Value::as_str).unwrap_or_default();
            let sentence = match live.pointer("/instance/start_after").and_then(Value::as_str) {
                Some(before) => format!("release `{}` is online; instance `{instance}` starts when `{before}` has ended", how.release),
                None => format!("release `{}` is online; next: millrace instance status {instance}", how.release),
            };
            session.output.done(&sentence, &live);
        }
        ReleaseCommand::Offline { release, no_savepoint } => {
            let path = format!("{}/take-offline", one(&release.release));
            let off = session.client.post(&path, &json!({"with_savepoint": !no_savepoint})).await?;
            session.output.done(&format!("release `{}` is offline", release.release), &off);
        }
    }
    Ok(())
}

/// Decides the approval of the release at `path`.
async fn decide(session: &Session, path: &str, event: &str, opinion: &str) -> anyhow::Result<Value> {
    let release = session.client.get(path).await?;
    let approval = release["approval"].as_str().context("the release has no approval")?;
    let approvals = format!("{}/approvals/{}", session.tenant()?, encode(approval));
    Ok(session.client.post(&format!("{approvals}/{event}"), &json!({"opinion": opinion})).await?)
}

fn body(how: &GoLive) -> anyhow::Result<Value> {
    let allocation = json!({
        "slots": how.slots, "memory_mib": how.memory_mib, "fuel_per_second": how.fuel_per_second, "priority": how.priority,
    });
    let parameters = super::resources::pairs(&how.parameters)?;
    let mut body = json!({"allocation": allocation, "parameters": parameters, "start_now": !how.no_start});
    if how.fresh {
        body["start"] = json!({"from": "fresh"});
    } else if let Some(ago_s) = how.ago_s {
        body["start"] = json!({"from": "time", "ago_ms": ago_s.saturating_mul(1_000)});
    } else if let Some(savepoint) = &how.from_savepoint {
        body["start"] = json!({"from": "savepoint", "savepoint": savepoint});
    }
    Ok(body)
}
