//! Commands on data sources.

use super::{
    paths,
    resources::{ByName, NewNamed},
    session::Session,
};
use crate::client::Column;
use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

const SOURCES: &[Column] = &[("NAME", "name"), ("KIND", "kind"), ("ID", "id")];
const KINDS: &[Column] = &[("KIND", "kind"), ("GROUP", "group"), ("TITLE", "title"), ("SCHEMAS", "can_sample"), ("JOBS", "usable_in_jobs")];
const FIELDS: &[Column] = &[
    ("PROPERTY", "name"),
    ("TYPE", "type"),
    ("REQUIRED", "required"),
    ("DEFAULT", "default"),
    ("SECRET", "secret"),
    ("MEANING", "description"),
];
const COLUMNS: &[Column] =
    &[("COLUMN", "name"), ("TYPE", "type"), ("NULL", "nullable"), ("PRESENT", "present"), ("CONFIDENCE", "confidence")];

/// What instances use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum For {
    /// Design and test instances.
    #[default]
    Test,
    /// Production instances.
    Production,
}

impl For {
    const fn word(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// On data sources.
#[derive(Subcommand)]
pub(crate) enum SourceCommand {
    /// Describe how to reach an outside system
    #[command(alias = "create")]
    Add {
        #[command(flatten)]
        new: NewNamed,
        /// `kafka`, `mysql`, …: see `millrace source kinds`
        #[arg(long, default_value = "kafka")]
        kind: String,
        /// Property by the system's own name; repeat for more: `-P bootstrap.servers=127.0.0.1:9092`, `-P password=@FILE`
        #[arg(long = "property", short = 'P', value_name = "NAME=VALUE", required = true)]
        properties: Vec<String>,
    },
    /// Say how production reaches it
    Bind {
        /// Name or id
        name: String,
        /// Property; a secret that is `***` is taken from the test binding, or kept, while the address stays the same
        #[arg(long = "property", short = 'P', value_name = "NAME=VALUE", required = true)]
        properties: Vec<String>,
    },
    /// Take production's way to it away
    Unbind(ByName),
    /// List the project's data sources
    List,
    /// List the kinds of data sources, or what there is to fill in for one
    Kinds {
        /// A kind
        kind: Option<String>,
    },
    /// Show a data source; secrets read `***`
    Get(ByName),
    /// Try to reach it
    Test {
        /// Name or id
        name: String,
        /// What instances use it
        #[arg(long = "for", value_enum, default_value_t)]
        environment: For,
    },
    /// List its tables or topics, or find out the columns of one
    Sample {
        /// Name or id
        name: String,
        /// Table or topic; none lists what there is
        table: Option<String>,
        /// Rows to look at, at most 1000
        #[arg(long, default_value_t = 100)]
        rows: u32,
        /// What instances use it
        #[arg(long = "for", value_enum, default_value_t)]
        environment: For,
    },
    /// Remove one that no topic uses
    Delete(ByName),
}

pub(crate) async fn run(session: &Session, command: SourceCommand) -> anyhow::Result<()> {
    if let SourceCommand::Kinds { kind } = command {
        return kinds(session, kind.as_deref()).await;
    }
    let project = session.project()?;
    let sources = format!("{project}/data-sources");
    let one = |name: &str| paths::below(&project, "data-sources", name);
    match command {
        SourceCommand::Add { new, kind, properties } => {
            let mut body = new.body();
            body["kind"] = kind.into();
            body["properties"] = Value::Object(values(&properties)?);
            let made = session.client.post(&sources, &body).await?;
            session.output.done(&format!("made data source `{}`; next: millrace source test {}", new.name, new.name), &made);
        }
        SourceCommand::Bind { name, properties } => {
            let body = json!({ "properties": values(&properties)? });
            let bound = session.client.put(&format!("{}/production", one(&name)), &body, None).await?;
            session.output.done(&format!("bound `{name}` for production; next: millrace source test {name} --for production"), &bound);
        }
        SourceCommand::Unbind(by) => {
            let gone = session.client.delete(&format!("{}/production", one(&by.name))).await?;
            session.output.done(&format!("`{}` is not bound for production any more", by.name), &gone);
        }
        SourceCommand::List => session.output.list(&session.client.list(&sources).await?, SOURCES),
        SourceCommand::Kinds { .. } => {}
        SourceCommand::Get(by) => session.output.item(&session.client.get(&one(&by.name)).await?),
        SourceCommand::Test { name, environment } => {
            let path = format!("{}/test?environment={}", one(&name), environment.word());
            let report = session.client.post(&path, &json!({})).await?;
            let text = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default();
            if report.get("reachable") != Some(&Value::Bool(true)) {
                bail!("`{name}` cannot be reached ({}): {}", text("failure"), text("message"));
            }
            session.output.done(&format!("reached in {} ms: {}", report["elapsed_ms"], text("message")), &report);
        }
        SourceCommand::Sample { name, table, rows, environment } => {
            let body = json!({ "table": table, "rows_max": rows, "environment": environment.word() });
            let found = session.client.post(&format!("{}/sample", one(&name)), &body).await?;
            show(session, &found);
        }
        SourceCommand::Delete(by) => {
            let gone = session.client.delete(&one(&by.name)).await?;
            session.output.done(&format!("removed data source `{}`", by.name), &gone);
        }
    }
    Ok(())
}

async fn kinds(session: &Session, kind: Option<&str>) -> anyhow::Result<()> {
    let found = session.client.get("/api/v1/data-source-kinds").await?;
    let items = found["items"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(kind) = kind else {
        session.output.list(items, KINDS);
        return Ok(());
    };
    let Some(item) = items.iter().find(|item| item["kind"] == kind) else {
        let known: Vec<_> = items.iter().filter_map(|item| item["kind"].as_str()).collect();
        bail!("`{kind}` is not a kind of data source; kinds are {}", known.join(", "));
    };
    session.output.list(item["fields"].as_array().map_or(&[][..], Vec::as_slice), FIELDS);
    Ok(())
}

/// Names of tables, or the columns of one with how sure they are.
fn show(session: &Session, found: &Value) {
    if let Some(tables) = found["tables"].as_array() {
        let rows: Vec<Value> = tables.iter().map(|name| json!({ "name": name })).collect();
        session.output.list(&rows, &[("TABLE", "name")]);
        return;
    }
    let table = &found["table"];
    let evidence =
        |name: &Value| table["columns"].as_array().and_then(|all| all.iter().find(|c| c["column"] == *name)).cloned().unwrap_or_default();
    let columns = table["schema"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|column| {
        let seen = evidence(&column["name"]);
        json!({
            "name": column["name"], "type": column["type"], "nullable": column.get("nullable").unwrap_or(&Value::Bool(true)),
            "present": seen["rows_present"], "confidence": seen["confidence"],
        })
    });
    session.output.list(&columns.collect::<Vec<_>>(), COLUMNS);
    for note in table["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("note: {note}");
    }
}

/// `NAME=VALUE` each; a value that begins with `@` is the file's text.
fn values(texts: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut all = Map::new();
    for text in texts {
        let (name, value) = text.split_once('=').with_context(|| format!("`{text}`: expected NAME=VALUE"))?;
        let value = match value.strip_prefix('@') {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the value of `{name}` from {file}"))?;
                text.trim_end().to_owned()
            }
            None => value.to_owned(),
        };
        all.insert(name.to_owned(), value.into());
    }
    Ok(all)
}
