//! Commands on temp tables.

use super::{
    looking::{self, From, Look},
    paths,
    resources::columns,
    session::Session,
};
use crate::client::Column;
use clap::Subcommand;
use serde_json::json;

const TABLES: &[Column] =
    &[("NAME", "name"), ("OWNER", "owner"), ("RETENTION MS", "retention_ms"), ("TOPIC", "physical_name"), ("ID", "id")];

/// On temp tables.
#[derive(Subcommand)]
pub(crate) enum TempTableCommand {
    /// Say where the project keeps its temp tables
    Configure {
        /// A Kafka data source of the project
        #[arg(long, short = 's')]
        source: String,
        /// Partitions of a new table
        #[arg(long, default_value_t = 1)]
        partitions: u32,
        /// Replicas of a new table
        #[arg(long, default_value_t = 1)]
        replication: u32,
        /// How long a new table keeps records
        #[arg(long, default_value_t = 24, value_name = "HOURS")]
        retention_hours: u64,
    },
    /// Make a temp table; a job's sink makes its table by itself when the job is submitted
    Create {
        /// Its name
        name: String,
        /// Columns: `id BIGINT, url STRING NOT NULL`, or `@FILE` with a JSON list of columns
        #[arg(long, value_name = "COLUMNS")]
        schema: String,
    },
    /// List the project's temp tables
    List,
    /// Show a temp table with its writers and readers
    Get {
        /// Its name
        name: String,
    },
    /// Show how large it is
    Size {
        /// Its name
        name: String,
    },
    /// Say how long it keeps records
    Retain {
        /// Its name
        name: String,
        /// How long
        #[arg(long, value_name = "HOURS")]
        hours: u64,
    },
    /// Show live rows
    Preview {
        /// Its name
        name: String,
        #[command(flatten)]
        look: Look,
        #[command(flatten)]
        from: From,
    },
    /// Remove one that no job needs, with its records
    Delete {
        /// Its name
        name: String,
    },
}

pub(crate) async fn run(session: &Session, command: TempTableCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let all = format!("{project}/temp-tables");
    let one = |name: &str| paths::below(&project, "temp-tables", name);
    match command {
        TempTableCommand::Configure { source, partitions, replication, retention_hours } => {
            let body = json!({
                "data_source": source, "partitions": partitions, "replication_factor": replication,
                "retention_ms": retention_hours.saturating_mul(3_600_000),
            });
            let set = session.client.put(&format!("{project}/temp-table-settings"), &body, None).await?;
            session.output.done(&format!("temp tables of the project are kept in `{source}`"), &set);
        }
        TempTableCommand::Create { name, schema } => {
            let made = session.client.post(&all, &json!({"name": name, "schema": columns(&schema)?})).await?;
            session.output.done(&format!("made temp table `{name}`"), &made);
        }
        TempTableCommand::List => session.output.list(&session.client.list(&all).await?, TABLES),
        TempTableCommand::Get { name } => session.output.item(&session.client.get(&one(&name)).await?),
        TempTableCommand::Size { name } => session.output.item(&session.client.get(&format!("{}/size", one(&name))).await?),
        TempTableCommand::Retain { name, hours } => {
            let found = session.client.get(&one(&name)).await?;
            let body = json!({"description": found["description"], "retention_ms": hours.saturating_mul(3_600_000)});
            let changed = session.client.put(&one(&name), &body, None).await?;
            session.output.done(&format!("temp table `{name}` keeps records for {hours} h"), &changed);
        }
        TempTableCommand::Preview { name, look, from } => looking::preview(session, &one(&name), &look, &from).await?,
        TempTableCommand::Delete { name } => {
            let gone = session.client.delete(&one(&name)).await?;
            session.output.done(&format!("removed temp table `{name}` with its records"), &gone);
        }
    }
    Ok(())
}
