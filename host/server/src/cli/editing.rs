//! Commands on editing a job together: the lock, kept drafts, and what differs between two versions.

use super::{paths, session::Session};
use crate::client::{Column, encode};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

const DRAFTS: &[Column] = &[("ID", "id"), ("REASON", "reason"), ("LOST TO", "lost_to"), ("AT", "created_at_ms")];

/// How to get a lock that somebody holds.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Steal {
    /// Ask the holder, who can refuse; without an answer in time it is yours
    Soft,
    /// Take it; what the holder has not saved is kept for them
    Hard,
}

/// How to lock.
#[derive(Args)]
pub(crate) struct LockArguments {
    /// Name or id of the job
    job: String,
    /// Steal the lock if somebody holds it
    #[arg(long, value_enum)]
    steal: Option<Steal>,
    /// How long the lock lasts without being renewed
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS")]
    lease_s: i64,
}

/// What to compare.
#[derive(Args)]
pub(crate) struct DiffArguments {
    /// Name or id of the job
    job: String,
    /// Number or id of the earlier version, or `draft`; the newest version unless given
    from: Option<String>,
    /// Number or id of the later version, or `draft`, which it is unless given
    to: Option<String>,
}

/// On drafts that were kept when their author lost the lock.
#[derive(Subcommand)]
pub(crate) enum KeptCommand {
    /// List your kept drafts of a job
    List {
        /// Name or id of the job
        job: String,
    },
    /// Save a kept draft as the job's draft
    Restore {
        /// Name or id of the job
        job: String,
        /// Id of the kept draft
        draft: String,
    },
    /// Discard a kept draft
    Discard {
        /// Name or id of the job
        job: String,
        /// Id of the kept draft
        draft: String,
    },
}

pub(crate) async fn lock(session: &Session, project: &str, arguments: LockArguments) -> anyhow::Result<()> {
    let action = match arguments.steal {
        None => "acquire",
        Some(Steal::Soft) => "ask",
        Some(Steal::Hard) => "take",
    };
    let path = format!("{}/lock", paths::below(project, "jobs", &arguments.job));
    let lock = session.client.post(&path, &json!({"action": action, "lease_ms": arguments.lease_s.saturating_mul(1_000)})).await?;
    let holder = lock.pointer("/holder/name").and_then(Value::as_str).unwrap_or("nobody");
    let sentence = if lock["is_mine"] == Value::Bool(true) {
        format!("job `{}` is yours to edit; next: millrace job unlock {}", arguments.job, arguments.job)
    } else {
        format!("`{holder}` was asked for the lock of job `{}`; without an answer it is yours in a moment", arguments.job)
    };
    session.output.done(&sentence, &lock);
    Ok(())
}

pub(crate) async fn unlock(session: &Session, project: &str, job: &str) -> anyhow::Result<()> {
    let lock = session.client.post(&format!("{}/lock", paths::below(project, "jobs", job)), &json!({"action": "release"})).await?;
    session.output.done(&format!("job `{job}` can be edited by others"), &lock);
    Ok(())
}

pub(crate) async fn kept(session: &Session, project: &str, command: KeptCommand) -> anyhow::Result<()> {
    let drafts = |job: &str| format!("{}/kept-drafts", paths::below(project, "jobs", job));
    match command {
        KeptCommand::List { job } => {
            let found = session.client.get(&drafts(&job)).await?;
            session.output.list(found["items"].as_array().map(Vec::as_slice).unwrap_or_default(), DRAFTS);
        }
        KeptCommand::Restore { job, draft } => {
            let found = session.client.tagged(&paths::below(project, "jobs", &job)).await?;
            let path = format!("{}/{}/restore", drafts(&job), encode(&draft));
            let restored = session.client.post_if(&path, &json!({}), found.etag.as_deref()).await?;
            session.output.done(&format!("job `{job}` has the kept draft again"), &restored);
        }
        KeptCommand::Discard { job, draft } => {
            let gone = session.client.delete(&format!("{}/{}", drafts(&job), encode(&draft))).await?;
            session.output.done(&format!("discarded the kept draft `{draft}`"), &gone);
        }
    }
    Ok(())
}

pub(crate) async fn diff(session: &Session, project: &str, arguments: DiffArguments) -> anyhow::Result<()> {
    let mut path =
        format!("{}/diff?to={}", paths::below(project, "jobs", &arguments.job), encode(arguments.to.as_deref().unwrap_or("draft")));
    if let Some(from) = &arguments.from {
        path.push_str(&format!("&from={}", encode(from)));
    }
    let found = session.client.get(&path).await?;
    session.output.done(&shown(&found), &found);
    Ok(())
}

/// The difference as lines: `+` added, `-` removed, `~` changed.
fn shown(found: &Value) -> String {
    let side = |name: &str| {
        found.pointer(&format!("/{name}/version")).and_then(Value::as_i64).map_or("draft".to_owned(), |n| format!("version {n}"))
    };
    let mut text = format!("{} -> {}", side("from"), side("to"));
    let diff = &found["diff"];
    if diff["is_same"] == Value::Bool(true) {
        text.push_str(": nothing differs");
        return text;
    }
    for (list, what, name) in [("nodes", "node", "node"), ("dimension_tables", "dimension table", "name"), ("pins", "pin of", "name")] {
        for item in items(&diff[list]) {
            let kind = item.get("kind").and_then(Value::as_str).map(|kind| format!(" ({kind})")).unwrap_or_default();
            text.push_str(&format!("\n{} {what} {}{kind}", mark(item), item[name].as_str().unwrap_or_default()));
            fields(&mut text, "  ", &item["fields"]);
        }
    }
    for edge in items(&diff["edges"]) {
        let end = |name: &str| edge[name].as_str().unwrap_or_default();
        text.push_str(&format!("\n{} edge {} -> {}", mark(edge), end("from"), end("to")));
    }
    for list in ["parameters", "jar"] {
        if !items(&diff[list]).is_empty() {
            text.push_str(&format!("\n~ {list}"));
            fields(&mut text, "  ", &diff[list]);
        }
    }
    if let Some(sql) = diff.get("sql") {
        text.push_str("\n~ sql");
        lines(&mut text, "  ", sql);
    }
    text
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn mark(item: &Value) -> char {
    match item["change"].as_str() {
        Some("added") => '+',
        Some("removed") => '-',
        Some(_) | None => '~',
    }
}

fn fields(text: &mut String, indent: &str, list: &Value) {
    for field in items(list) {
        let pointer = field["pointer"].as_str().unwrap_or_default();
        if let Some(diff) = field.get("text") {
            text.push_str(&format!("\n{indent}{pointer}:"));
            lines(text, &format!("{indent}  "), diff);
            continue;
        }
        let value = |name: &str| field.get(name).map_or("(none)".to_owned(), Value::to_string);
        text.push_str(&format!("\n{indent}{pointer}: {} -> {}", value("before"), value("after")));
    }
}

fn lines(text: &mut String, indent: &str, diff: &Value) {
    if diff["is_too_long"] == Value::Bool(true) {
        text.push_str(&format!("\n{indent}{} lines became {}", diff["lines_removed"], diff["lines_added"]));
    }
    for hunk in items(&diff["hunks"]) {
        text.push_str(&format!("\n{indent}@@ line {} @@", hunk["after_line"]));
        for line in items(&hunk["lines"]) {
            text.push_str(&format!("\n{indent}{}{}", line["mark"].as_str().unwrap_or(" "), line["text"].as_str().unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_reads_like_a_patch() {
        let found = json!({
            "from": {"version": 1}, "to": {"version": null},
            "diff": {
                "is_same": false,
                "nodes": [
                    {"node": "a", "kind": "etl", "change": "added"},
                    {"node": "b", "kind": "sql", "change": "changed", "fields": [
                        {"pointer": "/parallelism", "after": 2},
                        {"pointer": "/config/sql", "text": {"hunks": [{"after_line": 1, "lines": [
                            {"mark": "-", "text": "SELECT 1"}, {"mark": "+", "text": "SELECT 2"}]}]}},
                    ]},
                ],
                "edges": [{"from": "a", "to": "b", "change": "removed"}],
                "parameters": [{"pointer": "/parallelism", "before": 1, "after": 4}],
            },
        });
        let expected = "version 1 -> draft\n+ node a (etl)\n~ node b (sql)\n  /parallelism: (none) -> 2\n  /config/sql:\n    @@ line 1 @@\n    \
                        -SELECT 1\n    +SELECT 2\n- edge a -> b\n~ parameters\n  /parallelism: 1 -> 4";
        assert_eq!(shown(&found), expected);
        assert_eq!(
            shown(&json!({"from": {"version": 1}, "to": {"version": 2}, "diff": {"is_same": true}})),
            "version 1 -> version 2: nothing differs"
        );
    }
}
