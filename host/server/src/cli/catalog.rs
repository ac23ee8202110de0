//! Commands on the catalog: search, pages of tables, lineage, quality rules.

use super::{metadata, paths, session::Session};
use crate::client::{Column, encode};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

const FOUND: &[Column] =
    &[("KIND", "kind"), ("NAME", "name"), ("PROJECT", "project.name"), ("MATCHED", "matched"), ("DESCRIPTION", "description")];
const COLUMNS: &[Column] = &[("COLUMN", "name"), ("TYPE", "type"), ("NULLABLE", "nullable"), ("COMMENT", "comment")];
const EDGES: &[Column] =
    &[("TABLE", "table"), ("USAGE", "usage"), ("PROJECT", "project"), ("JOB", "job"), ("VERSION", "version"), ("ACTIVE", "active")];
const RULES: &[Column] = &[
    ("NAME", "name"),
    ("STATE", "state"),
    ("CHECK", "document.check.type"),
    ("COLUMN", "document.column"),
    ("ON VIOLATION", "document.on_violation"),
];
const RESULTS: &[Column] = &[
    ("JOB", "job.name"),
    ("ENVIRONMENT", "environment"),
    ("NODE", "node"),
    ("RULE VERSION", "rule_version"),
    ("CHECKED", "checked"),
    ("VIOLATED", "violated"),
    ("MARKED", "marked"),
    ("DIVERTED", "diverted"),
    ("SAMPLES", "samples"),
];

/// What to look for.
#[derive(Args)]
pub(crate) struct SearchArguments {
    /// Words; all of them must be in what is found
    words: Vec<String>,
    /// Only this kind: table, temp_table, job, function, resource, template, data_source, plugin, project, tag, …
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Results at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,
}

/// What a table is made from, and what is made from it.
#[derive(Args)]
pub(crate) struct LineageArguments {
    /// Id of a table, or `project.table`
    table: String,
    /// Jobs to go through
    #[arg(long, default_value_t = 1, value_name = "N")]
    depth: u32,
    /// `upstream`, `downstream` or `both`
    #[arg(long, default_value = "both")]
    direction: String,
}

/// On quality rules of a project.
#[derive(Subcommand)]
pub(crate) enum QualityCommand {
    /// List the rules of the project
    List,
    /// Make a rule from a JSON file: `{"column": "url", "check": {"type": "not_null"}, "on_violation": "count"}`
    Create {
        /// Name of the rule
        name: String,
        /// Table of the project
        #[arg(long, value_name = "NAME")]
        table: String,
        /// The rule
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Show what a rule has counted
    Results {
        /// Name or id
        rule: String,
    },
    /// Ask for the publication of a rule
    Publish {
        /// Name or id
        rule: String,
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Make a job that runs a rule on many rows
    Job {
        /// Name or id of the rule
        rule: String,
        /// Name of the job
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Table that takes what is found
        #[arg(long, value_name = "NAME")]
        results: String,
    },
    /// Remove a rule
    Delete {
        /// Name or id
        rule: String,
    },
}

pub(crate) async fn search(session: &Session, arguments: SearchArguments) -> anyhow::Result<()> {
    let SearchArguments { words, kind, limit } = arguments;
    let mut path = format!("{}/search?q={}&limit={limit}", session.tenant()?, encode(&words.join(" ")));
    for (name, value) in [("kind", kind), ("project", session.project_name().ok().map(str::to_owned))] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encode(&value)));
        }
    }
    let found = session.client.get(&path).await?;
    session.output.list(items(&found["items"]), FOUND);
    Ok(())
}

pub(crate) async fn table_page(session: &Session, table: &str) -> anyhow::Result<()> {
    let page = session.client.get(&paths::below(&session.tenant()?, "tables", table)).await?;
    if session.output.json {
        session.output.item(&page);
        return Ok(());
    }
    let said = json!({
        "id": page["id"], "name": page["name"], "project": page["project_name"], "physical_name": page["physical_name"],
        "description": page["description"], "environments": page["environments"], "readers": page["readers"],
        "tags": items(&page["tags"]).iter().map(|t| t["name"].clone()).collect::<Vec<_>>(), "allowed_actions": page["allowed_actions"],
    });
    session.output.item(&said);
    session.output.list(items(&page["schema"]), COLUMNS);
    if !items(&page["quality"]).is_empty() {
        session.output.list(
            items(&page["quality"]),
            &[
                ("RULE", "name"),
                ("STATE", "state"),
                ("CHECKED", "checked"),
                ("VIOLATED", "violated"),
                ("MARKED", "marked"),
                ("DIVERTED", "diverted"),
            ],
        );
    }
    if !items(&page["lineage"]["edges"]).is_empty() {
        session.output.list(&edges(&page["lineage"]), EDGES);
    }
    Ok(())
}

pub(crate) async fn lineage(session: &Session, arguments: LineageArguments) -> anyhow::Result<()> {
    let LineageArguments { table, depth, direction } = arguments;
    let path = format!("{}/lineage?table={}&depth={depth}&direction={}", session.tenant()?, encode(&table), encode(&direction));
    let found = session.client.get(&path).await?;
    if session.output.json {
        session.output.item(&found);
    } else {
        session.output.list(&edges(&found), EDGES);
    }
    Ok(())
}

pub(crate) async fn quality(session: &Session, command: QualityCommand) -> anyhow::Result<()> {
    let base = session.project()?;
    let one = |rule: &str| paths::below(&base, "quality-rules", rule);
    match command {
        QualityCommand::List => session.output.list(&session.client.list(&format!("{base}/quality-rules")).await?, RULES),
        QualityCommand::Create { name, table, file } => {
            let document = metadata::document(&file)?;
            let made =
                session.client.post(&format!("{base}/quality-rules"), &json!({"name": name, "table": table, "document": document})).await?;
            session.output.done(&format!("made quality rule `{name}`; next: millrace quality publish {name}"), &made);
        }
        QualityCommand::Results { rule } => {
            let found = session.client.get(&one(&rule)).await?;
            session.output.list(items(&found["results"]), RESULTS);
        }
        QualityCommand::Publish { rule, reason } => {
            let asked = session.client.post(&format!("{}/publish", one(&rule)), &json!({"reason": reason})).await?;
            session.output.done(&format!("asked for the publication of `{rule}`: request {}", asked["number"]), &asked);
        }
        QualityCommand::Job { rule, name, results } => {
            let made = session.client.post(&format!("{}/job", one(&rule)), &json!({"name": name, "results": results})).await?;
            session.output.done(&format!("made job `{name}`; next: millrace job submit {name}"), &made);
        }
        QualityCommand::Delete { rule } => {
            let gone = session.client.delete(&one(&rule)).await?;
            session.output.done(&format!("removed quality rule `{rule}`"), &gone);
        }
    }
    Ok(())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Edges of a lineage with names instead of ids.
fn edges(lineage: &Value) -> Vec<Value> {
    let by_id = |list: &'static str, id: &Value| items(&lineage[list]).iter().find(|i| i["id"] == *id).cloned().unwrap_or_default();
    let edge = |e: &Value| {
        let (table, job) = (by_id("tables", &e["table"]), by_id("jobs", &e["job"]));
        let name = if table["is_hidden"] == true { json!("(hidden)") } else { table["name"].clone() };
        json!({"table": name, "usage": e["usage"], "project": job["project"]["name"], "job": job["job"]["name"],
            "version": job["version"], "active": job["is_active"]})
    };
    items(&lineage["edges"]).iter().map(edge).collect()
}
