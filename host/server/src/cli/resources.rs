//! Commands on tenants, projects, data sources and topics.

use super::{
    grants::{self, Capabilities, Whose},
    looking, paths, people,
    session::Session,
};
use crate::client::Column;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

const NAMED: &[Column] = &[("NAME", "name"), ("ID", "id"), ("DESCRIPTION", "description")];
const TOPICS: &[Column] =
    &[("NAME", "name"), ("PHYSICAL NAME", "physical_name"), ("FORMAT", "format.type"), ("ID", "id"), ("DESCRIPTION", "description")];

/// A thing with a name and a description.
#[derive(Args)]
pub(crate) struct NewNamed {
    /// Lower-case letters, digits, `_` and `-`
    pub(crate) name: String,
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
}

impl NewNamed {
    pub(crate) fn body(&self) -> Value {
        json!({ "name": self.name, "description": self.description })
    }
}

/// A name or id.
#[derive(Args)]
pub(crate) struct ByName {
    /// Name or id
    pub(crate) name: String,
}

/// On tenants.
#[derive(Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant
    Create(NewNamed),
    /// List the tenants that you see
    List,
    /// Show a tenant
    Get(ByName),
    /// Let the tenant's plugins do more: reach hosts, folders, secrets, the clock
    Grant(Capabilities),
    /// Let the tenant's plugins do less, from their next start on
    Revoke(Capabilities),
    /// Show what the tenant's plugins may do at most
    Grants(ByName),
}

pub(crate) async fn tenant(session: &Session, command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::Create(new) => {
            let made = session.client.post(paths::TENANTS, &new.body()).await?;
            session.output.done(&format!("made tenant `{}`", new.name), &made);
        }
        TenantCommand::List => session.output.list(&session.client.list(paths::TENANTS).await?, NAMED),
        TenantCommand::Grant(wanted) => grants::grant(session, Whose::Tenant, wanted).await?,
        TenantCommand::Revoke(wanted) => grants::revoke(session, Whose::Tenant, wanted).await?,
        TenantCommand::Grants(by) => grants::show(session, Whose::Tenant, &by.name).await?,
        TenantCommand::Get(by) => session.output.item(&session.client.get(&paths::tenant(&by.name)).await?),
    }
    Ok(())
}

/// On projects.
#[derive(Subcommand)]
pub(crate) enum ProjectCommand {
    /// Make a project in the tenant
    Create(NewNamed),
    /// List the tenant's projects
    List,
    /// Show a project
    Get(ByName),
    /// Stop everything in a project and close it for good; its data stays
    Archive(ByName),
    /// List the members of a project; give and take roles in it
    Members(people::MembersArguments),
    /// List the services of a project; add, configure and remove them
    Services(people::ServicesArguments),
}

pub(crate) async fn project(session: &Session, command: ProjectCommand) -> anyhow::Result<()> {
    let tenant = session.tenant()?;
    let projects = format!("{tenant}/projects");
    match command {
        ProjectCommand::Create(new) => {
            let made = session.client.post(&projects, &new.body()).await?;
            session.output.done(&format!("made project `{}`", new.name), &made);
        }
        ProjectCommand::List => session.output.list(&session.client.list(&projects).await?, NAMED),
        ProjectCommand::Get(by) => session.output.item(&session.client.get(&paths::below(&tenant, "projects", &by.name)).await?),
        ProjectCommand::Members(arguments) => people::members(session, arguments).await?,
        ProjectCommand::Services(arguments) => people::services(session, arguments).await?,
        ProjectCommand::Archive(by) => {
            let path = format!("{}/archive", paths::below(&tenant, "projects", &by.name));
            let archived = session.client.post(&path, &json!({})).await?;
            session.output.done(&format!("archived project `{}`", by.name), &archived);
        }
    }
    Ok(())
}

/// On topics.
#[derive(Subcommand)]
pub(crate) enum TopicCommand {
    /// Describe a topic; `ensure` makes the real one
    Create {
        #[command(flatten)]
        new: NewNamed,
        /// Data source that holds it
        #[arg(long, short = 's')]
        source: String,
        /// Name in the broker; the same unless given
        #[arg(long, value_name = "NAME")]
        physical_name: Option<String>,
        /// Columns: `id BIGINT, url STRING NOT NULL`, or `@FILE` with a JSON list of columns
        #[arg(long, value_name = "COLUMNS")]
        schema: String,
        /// Message format as JSON
        #[arg(long, default_value = r#"{"type":"json"}"#, value_name = "JSON")]
        format: String,
    },
    /// List the project's topics
    List,
    /// Show a topic
    Get(ByName),
    /// Make the real topic if it is not there, else check that it can be used
    Ensure {
        #[command(flatten)]
        by: ByName,
        /// Partitions of a topic that has to be made
        #[arg(long, default_value_t = 1)]
        partitions: u32,
        /// Replicas of a topic that has to be made
        #[arg(long, default_value_t = 1)]
        replication: u32,
    },
    /// Show live rows
    Preview {
        #[command(flatten)]
        by: ByName,
        #[command(flatten)]
        look: looking::Look,
        #[command(flatten)]
        from: looking::From,
    },
    /// Remove the description; the real topic stays
    Delete(ByName),
}

pub(crate) async fn topic(session: &Session, command: TopicCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let topics = format!("{project}/topics");
    let one = |name: &str| paths::below(&project, "topics", name);
    match command {
        TopicCommand::Create { new, source, physical_name, schema, format } => {
            let mut body = new.body();
            body["data_source"] = source.into();
            if let Some(name) = physical_name {
                body["physical_name"] = name.into();
            }
            body["schema"] = columns(&schema)?;
            body["format"] = serde_json::from_str(&format).with_context(|| format!("--format `{format}`: expected JSON"))?;
            let made = session.client.post(&topics, &body).await?;
            session.output.done(&format!("made topic `{}`; next: millrace topic ensure {}", new.name, new.name), &made);
        }
        TopicCommand::List => session.output.list(&session.client.list(&topics).await?, TOPICS),
        TopicCommand::Get(by) => session.output.item(&session.client.get(&one(&by.name)).await?),
        TopicCommand::Ensure { by, partitions, replication } => {
            let options = json!({ "options": { "partitions": partitions, "replication_factor": replication } });
            let ensured = session.client.post(&format!("{}/ensure", one(&by.name)), &options).await?;
            let what = if ensured.get("created") == Some(&Value::Bool(true)) { "made" } else { "found" };
            session.output.done(&format!("{what} the real topic of `{}`{}", by.name, warnings_of(&ensured)), &ensured);
        }
        TopicCommand::Preview { by, look, from } => looking::preview(session, &one(&by.name), &look, &from).await?,
        TopicCommand::Delete(by) => {
            let gone = session.client.delete(&one(&by.name)).await?;
            session.output.done(&format!("removed topic `{}`; the real one stays", by.name), &gone);
        }
    }
    Ok(())
}

/// The warnings of an answer, each on a line.
pub(crate) fn warnings_of(answer: &Value) -> String {
    let warnings = answer["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    warnings.iter().filter_map(Value::as_str).map(|warning| format!("\n  warning: {warning}")).collect()
}

/// `NAME=VALUE` arguments as an object of texts.
pub(crate) fn pairs(arguments: &[String]) -> anyhow::Result<Map<String, Value>> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').with_context(|| format!("`{text}`: expected NAME=VALUE"))?;
        Ok((name.to_owned(), Value::from(value)))
    };
    arguments.iter().map(pair).collect()
}

/// Columns as `name TYPE [NOT NULL], …`, or a file with their JSON.
pub(crate) fn columns(text: &str) -> anyhow::Result<Value> {
    if let Some(file) = text.strip_prefix('@') {
        let path = PathBuf::from(file);
        let json = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        return serde_json::from_str(&json).with_context(|| format!("{}: expected a JSON list of columns", path.display()));
    }
    let mut columns = Vec::new();
    for part in split_columns(text) {
        let (name, rest) = part.trim().split_once(char::is_whitespace).with_context(|| format!("column `{part}`: expected `name TYPE`"))?;
        let rest = rest.trim();
        let upper = rest.to_ascii_uppercase();
        let (kind, nullable) = match upper.strip_suffix("NOT NULL") {
            Some(kind) => (rest.get(..kind.len()).unwrap_or(rest).trim(), false),
            None => (rest, true),
        };
        columns.push(json!({ "name": name, "type": kind, "nullable": nullable }));
    }
    Ok(Value::Array(columns))
}

/// Splits at commas that stand outside of parentheses and angle brackets.
fn split_columns(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let parts = text.split(move |c: char| {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_in_a_table_declaration() {
        let found = columns("id BIGINT NOT NULL, price DECIMAL(10, 2), tags ARRAY<ROW<a INT, b STRING>> not null,").unwrap();
        let expected = json!([
            {"name": "id", "type": "BIGINT", "nullable": false},
            {"name": "price", "type": "DECIMAL(10, 2)", "nullable": true},
            {"name": "tags", "type": "ARRAY<ROW<a INT, b STRING>>", "nullable": false},
        ]);
        assert_eq!(found, expected);
        assert!(columns("id").unwrap_err().to_string().contains("column `id`: expected `name TYPE`"));
    }
}
