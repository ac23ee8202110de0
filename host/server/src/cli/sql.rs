//! Commands on Flink SQL scripts: check, explain, and make a job of one.

use super::{apply, instances, jobs, jobs::JobDraft, paths, session::Session};
use crate::client::line_of;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Longest piece of a script's line that is shown.
const SHOWN_MAX: usize = 120;

/// On scripts.
#[derive(Subcommand)]
pub(crate) enum SqlCommand {
    /// Find everything that is wrong with a script
    Check(ScriptFile),
    /// Show what a script would do: plans, columns and where they come from, keys
    Explain(ScriptFile),
    /// Make or change a job from a script
    Apply {
        #[command(flatten)]
        script: ScriptFile,
        /// Name of the job; that of the file unless given
        #[arg(long)]
        name: Option<String>,
        /// What the job does
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Submit it and run it; if it runs already, the new version goes on from a savepoint of the one before
        #[arg(long)]
        start: bool,
        #[command(flatten)]
        wait: instances::Wait,
    },
}

/// A script.
#[derive(Args)]
pub(crate) struct ScriptFile {
    /// File with the script
    file: PathBuf,
}

pub(crate) async fn run(session: &Session, command: SqlCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    match command {
        SqlCommand::Check(script) => {
            let (_, report) = explained(session, &project, &script.file).await?;
            let queries = report["queries"].as_array().map_or(0, Vec::len);
            let plural = if queries == 1 { "query" } else { "queries" };
            session.output.done(&format!("{}: {queries} {plural}, nothing is wrong{}", script.file.display(), warnings(&report)), &report);
        }
        SqlCommand::Explain(script) => {
            let (_, report) = explained(session, &project, &script.file).await?;
            session.output.done(&format!("{}{}", shown(&report), warnings(&report)), &report);
        }
        SqlCommand::Apply { script, name, description, start, wait } => {
            let name = match name {
                Some(name) => name,
                None => script.file.file_stem().and_then(|s| s.to_str()).context("the file has no name; give --name")?.to_owned(),
            };
            apply_script(session, &project, &script.file, &name, description, start.then_some(wait)).await?;
        }
    }
    Ok(())
}

async fn apply_script(
    session: &Session,
    project: &str,
    file: &Path,
    name: &str,
    description: Option<String>,
    start: Option<instances::Wait>,
) -> anyhow::Result<()> {
    let (script, _) = explained(session, project, file).await?;
    // What is not in the script stays as it is.
    let found = session.client.find(&paths::below(project, "jobs", name)).await?.map(|found| found.body);
    let kept = |pointer: &str| found.as_ref().and_then(|job| job.pointer(pointer)).cloned();
    let text = |pointer: &str| kept(pointer).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let graph = json!({ "sql": script, "parameters": kept("/draft/parameters").unwrap_or_else(|| json!({})) });
    let draft = JobDraft {
        name: name.to_owned(),
        folder: text("/folder"),
        description: description.unwrap_or_else(|| text("/description")),
        graph,
    };
    let change = jobs::apply(session, project, &draft).await?;
    let validation = session.client.post(&format!("{}/validate", paths::below(project, "jobs", name)), &json!({})).await?;
    refuse_errors(file, &script, &validation)?;
    let done = format!("{} job `{name}`{}", change.done, warnings(&validation));
    let Some(wait) = start else {
        session.output.done(&format!("{done}\nnext: millrace job submit {name}"), &change.job);
        return Ok(());
    };
    let version = jobs::submit(session, project, name, "").await?;
    let longest = wait.waits().then(|| wait.longest());
    let running = apply::make_running(session, project, name, &version, longest).await?;
    let id = running.path.rsplit('/').next().unwrap_or_default();
    let instance = session.client.get(&running.path).await?;
    let sentence = format!("{done}\nversion {} {}; next: millrace instance status {id}", version["number"], running.done);
    session.output.done(&sentence, &instance);
    Ok(())
}

/// The script and what it would do.
async fn explained(session: &Session, project: &str, file: &Path) -> anyhow::Result<(String, Value)> {
    let script = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report = session.client.post(&format!("{project}/sql/explain"), &json!({ "sql": script })).await?;
    refuse_errors(file, &script, &report)?;
    Ok((script, report))
}

fn refuse_errors(file: &Path, script: &str, report: &Value) -> anyhow::Result<()> {
    let errors = report.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if errors.is_empty() {
        return Ok(());
    }
    let mut text = format!("{} has {} error(s)", file.display(), errors.len());
    for error in errors {
        text.push('\n');
        text.push_str(&pointed(file, script, error));
    }
    bail!(text)
}

/// An error with the line that it is about and a caret below the place.
fn pointed(file: &Path, script: &str, error: &Value) -> String {
    let number = |name: &str| error.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let (Some(line), Some(column)) = (number("line"), number("column")) else {
        return format!("  - {}", line_of(error));
    };
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{}:{line}:{column}: {message}", file.display());
    if let Some(code) = error.get("code").and_then(Value::as_str) {
        // Writing to a string cannot fail.
        let _ = write!(text, " [{code}]");
    }
    if let Some(found) = script.lines().nth(line.saturating_sub(1)) {
        // One column per character: a tab would move what the caret points at.
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let first = if column <= SHOWN_MAX { 0 } else { column - SHOWN_MAX / 2 };
        let shown: String = found.trim_end().chars().skip(first).take(SHOWN_MAX).map(clean).collect();
        let margin = " ".repeat(line.to_string().len());
        let _ = write!(text, "\n  {line} | {shown}\n  {margin} | {}^", " ".repeat(column.saturating_sub(first + 1)));
    }
    text
}

fn warnings(report: &Value) -> String {
    let mut text = String::new();
    for warning in report.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        let _ = write!(text, "\nwarning: {}", line_of(warning));
    }
    text
}

/// The queries of a report for people.
fn shown(report: &Value) -> String {
    let list = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for query in report.get("queries").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        let node = if field("node").is_empty() { "query without INSERT" } else { field("node") };
        let _ = writeln!(text, "{node}\n{}changes: {}", field("plan"), field("changelog_mode"));
        let keys: Vec<String> = query["upsert_keys"].as_array().into_iter().flatten().map(|k| format!("({})", list(k))).collect();
        if !keys.is_empty() {
            let _ = writeln!(text, "keys: {}", keys.join(" or "));
        }
        text.push_str("columns:\n");
        for column in query["columns"].as_array().into_iter().flatten() {
            let text_of = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default();
            let not_null = if column["nullable"] == false { " NOT NULL" } else { "" };
            let from = |s: &Value| format!("{}.{}", s["table"].as_str().unwrap_or_default(), s["column"].as_str().unwrap_or_default());
            let lineage: Vec<String> = column["lineage"].as_array().into_iter().flatten().map(from).collect();
            let lineage = if lineage.is_empty() { String::new() } else { format!(" <- {}", lineage.join(", ")) };
            let _ = writeln!(text, "  {} {}{not_null}{lineage}", text_of("name"), text_of("type"));
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_its_place() {
        let script = "SELECT a,\n\tb FORM t";
        let error = json!({"field": "sql", "code": "sql.syntax", "message": "expected `FROM`", "line": 2, "column": 4});
        let expected = "job.sql:2:4: expected `FROM` [sql.syntax]\n  2 |  b FORM t\n    |    ^";
        assert_eq!(pointed(Path::new("job.sql"), script, &error), expected);
        let elsewhere = json!({"field": "parameters.parallelism", "code": "parameters.out_of_range", "message": "is 0"});
        assert_eq!(pointed(Path::new("job.sql"), script, &elsewhere), "  - field `parameters.parallelism`: is 0 [parameters.out_of_range]");
    }
}
