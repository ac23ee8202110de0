//! Commands on jobs and their submitted versions.

use super::{editing, looking, paths, session::Session};
use crate::client::{Column, encode, line_of};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const JOBS: &[Column] = &[("NAME", "name"), ("FOLDER", "folder"), ("REVISION", "revision"), ("ID", "id"), ("DESCRIPTION", "description")];
const VERSIONS: &[Column] = &[("VERSION", "number"), ("ID", "id"), ("CONTENT HASH", "content_hash"), ("DESCRIPTION", "description")];

/// On jobs.
#[derive(Subcommand)]
pub(crate) enum JobCommand {
    /// Make or change a job from a file with its graph (or with `name`, `folder`, `description` and `graph`)
    Apply {
        /// JSON file
        file: PathBuf,
        /// Name of the job, when the file has only a graph
        #[arg(long)]
        name: Option<String>,
    },
    /// List the project's jobs
    List,
    /// Show a job with its draft
    Get(JobName),
    /// Find everything that is wrong with a job's draft, and the columns on every edge
    Validate(JobName),
    /// Make an immutable version of the draft, with everything pinned
    Submit {
        #[command(flatten)]
        job: JobName,
        /// What has changed
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
    },
    /// Run the job on local files or data packages, and compare what its sinks get with what they should
    Test(looking::TestArguments),
    /// Remove a job that does not run; its versions stay
    Delete(JobName),
    /// Take the edit lock, so that nobody else saves the job meanwhile
    Lock(editing::LockArguments),
    /// Give the edit lock back
    Unlock(JobName),
    /// What differs between two versions, or between a version and the draft
    Diff(editing::DiffArguments),
    /// Your drafts that were kept when somebody stole the lock
    #[command(subcommand)]
    Kept(editing::KeptCommand),
    /// List the versions of a job
    Versions(JobName),
    /// Give a job another name or folder
    Move {
        #[command(flatten)]
        job: JobName,
        /// Its new name
        #[arg(long)]
        name: Option<String>,
        /// Its new folder
        #[arg(long)]
        folder: Option<String>,
    },
    /// Make a new job with this job's draft
    Copy {
        #[command(flatten)]
        job: JobName,
        /// Name of the copy
        name: String,
    },
}

/// A job.
#[derive(Args)]
pub(crate) struct JobName {
    /// Name or id of the job
    job: String,
}

pub(crate) async fn job(session: &Session, command: JobCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let one = |name: &str| paths::below(&project, "jobs", name);
    match command {
        JobCommand::Apply { file, name } => {
            let job = read(&file, name)?;
            let change = apply(session, &project, &job).await?;
            let next = format!("{} job `{}`; next: millrace job validate {}", change.done, job.name, job.name);
            session.output.done(&next, &change.job);
        }
        JobCommand::Test(arguments) => looking::test(session, &arguments).await?,
        JobCommand::List => session.output.list(&session.client.list(&format!("{project}/jobs")).await?, JOBS),
        JobCommand::Get(by) => session.output.item(&session.client.get(&one(&by.job)).await?),
        JobCommand::Validate(by) => {
            let report = session.client.post(&format!("{}/validate", one(&by.job)), &json!({})).await?;
            show_report(session, &by.job, &report)?;
        }
        JobCommand::Submit { job, description } => {
            let version = submit(session, &project, &job.job, &description).await?;
            // The version is there, whatever becomes of the question.
            let report = session.client.post(&format!("{}/validate", one(&job.job)), &json!({})).await.unwrap_or_default();
            let (name, warnings) = (&job.job, shown_warnings(&report));
            let done = format!("job `{name}` is at version {}{warnings}\nnext: millrace instance start {name}", version["number"]);
            session.output.done(&done, &version);
        }
        JobCommand::Lock(arguments) => editing::lock(session, &project, arguments).await?,
        JobCommand::Unlock(by) => editing::unlock(session, &project, &by.job).await?,
        JobCommand::Diff(arguments) => editing::diff(session, &project, arguments).await?,
        JobCommand::Kept(command) => editing::kept(session, &project, command).await?,
        JobCommand::Versions(by) => {
            session.output.list(&session.client.list(&format!("{}/versions", one(&by.job))).await?, VERSIONS);
        }
        JobCommand::Move { job, name, folder } => {
            let mut body = json!({});
            for (field, value) in [("name", name), ("folder", folder)] {
                if let Some(value) = value {
                    body[field] = value.into();
                }
            }
            let moved = session.client.post(&format!("{}/move", one(&job.job)), &body).await?;
            let text = |field: &str| moved[field].as_str().unwrap_or_default().to_owned();
            session.output.done(&format!("job `{}` lies in `{}`", text("name"), text("folder")), &moved);
        }
        JobCommand::Copy { job, name } => {
            let made = session.client.post(&format!("{}/copy", one(&job.job)), &json!({ "name": name })).await?;
            session.output.done(&format!("copied job `{}` to `{name}`", job.job), &made);
        }
        JobCommand::Delete(by) => {
            let gone = session.client.delete(&one(&by.job)).await?;
            session.output.done(&format!("removed job `{}`", by.job), &gone);
        }
    }
    Ok(())
}

/// On versions.
#[derive(Subcommand)]
pub(crate) enum VersionCommand {
    /// List the versions of a job
    List(JobName),
    /// Show a version with its graph and pins
    Get {
        #[command(flatten)]
        job: JobName,
        /// Number or id
        version: String,
    },
}

pub(crate) async fn version(session: &Session, command: VersionCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let versions = |job: &str| format!("{}/versions", paths::below(&project, "jobs", job));
    match command {
        VersionCommand::List(by) => session.output.list(&session.client.list(&versions(&by.job)).await?, VERSIONS),
        VersionCommand::Get { job, version } => {
            session.output.item(&session.client.get(&format!("{}/{}", versions(&job.job), encode(&version))).await?);
        }
    }
    Ok(())
}

/// A job as a file or manifest describes it.
pub(crate) struct JobDraft {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) description: String,
    pub(crate) graph: Value,
}

/// What applying a job did.
pub(crate) struct JobChange {
    /// `made`, `changed` or `kept`.
    pub(crate) done: &'static str,
    pub(crate) job: Value,
}

fn read(file: &Path, name: Option<String>) -> anyhow::Result<JobDraft> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let document: Value = serde_json::from_str(&text).with_context(|| format!("{}: expected JSON", file.display()))?;
    let text = |field: &str| document.get(field).and_then(Value::as_str).map(str::to_owned);
    let graph = match document.get("graph") {
        Some(graph) => graph.clone(),
        None if document.get("nodes").is_some() => document.clone(),
        None => bail!("{}: expected a job graph (`nodes`, `edges`, `parameters`) or an object with `graph`", file.display()),
    };
    let name = name.or_else(|| text("name")).with_context(|| format!("{}: no `name`; give --name", file.display()))?;
    Ok(JobDraft { name, folder: text("folder").unwrap_or_default(), description: text("description").unwrap_or_default(), graph })
}

/// Makes the job, or changes its draft where it differs.
///
/// # Errors
/// The server refuses.
pub(crate) async fn apply(session: &Session, project: &str, job: &JobDraft) -> anyhow::Result<JobChange> {
    let path = paths::below(project, "jobs", &job.name);
    let body = json!({ "folder": job.folder, "description": job.description, "draft": job.graph });
    let Some(found) = session.client.find(&path).await? else {
        let mut body = body;
        body["name"] = job.name.as_str().into();
        return Ok(JobChange { done: "made", job: session.client.post(&format!("{project}/jobs"), &body).await? });
    };
    // Compared as the server understands both: defaults that the file leaves out are no difference.
    let meaning = |graph: &Value| serde_json::from_value::<millrace_model::graph::JobGraph>(graph.clone()).ok();
    let same_graph = meaning(&found.body["draft"]) == meaning(&job.graph);
    if same_graph && found.body["folder"] == body["folder"] && found.body["description"] == body["description"] {
        return Ok(JobChange { done: "kept", job: found.body });
    }
    Ok(JobChange { done: "changed", job: session.client.put(&path, &body, found.etag.as_deref()).await? })
}

/// Submits the draft; answers the version, which is the newest one when nothing has changed.
///
/// # Errors
/// The graph is wrong, or the server refuses.
pub(crate) async fn submit(session: &Session, project: &str, job: &str, description: &str) -> anyhow::Result<Value> {
    let path = format!("{}/versions", paths::below(project, "jobs", job));
    session.client.post(&path, &json!({ "description": description })).await.with_context(|| format!("job `{job}`"))
}

fn show_report(session: &Session, job: &str, report: &Value) -> anyhow::Result<()> {
    let errors = report.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
    if !errors.is_empty() {
        if session.output.json {
            session.output.item(report);
        }
        let lines: Vec<String> = errors.iter().map(|e| format!("  - {}", line_of(e))).collect();
        bail!("job `{job}` has {} error(s)\n{}", errors.len(), lines.join("\n"));
    }
    let (columns, warnings) = (shown_schemas(report), shown_warnings(report));
    session.output.done(&format!("job `{job}` can be submitted{columns}{warnings}\nnext: millrace job submit {job}"), report);
    Ok(())
}

/// What a report warns of, each on a line.
fn shown_warnings(report: &Value) -> String {
    let warnings = report["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    warnings.iter().map(|warning| format!("\n  warning: {}", line_of(warning))).collect()
}

fn shown_schemas(report: &Value) -> String {
    let mut text = String::new();
    for (node, schema) in report.get("schemas").and_then(Value::as_object).into_iter().flatten() {
        let column = |c: &Value| {
            let not_null = if c["nullable"] == Value::Bool(false) { " NOT NULL" } else { "" };
            format!("{} {}{not_null}", c["name"].as_str().unwrap_or_default(), c["type"].as_str().unwrap_or_default())
        };
        let columns: Vec<String> = schema.as_array().into_iter().flatten().map(column).collect();
        text.push_str(&format!("\n  {node}: {}", columns.join(", ")));
    }
    if text.is_empty() { text } else { format!("; its columns:{text}") }
}
