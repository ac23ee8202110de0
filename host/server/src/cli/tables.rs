//! Commands on published tables and on permissions to use them.

use super::{moments, paths, session::Session};
use crate::client::encode;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(crate) enum TableCommand {
    /// List tables and topics of all projects in an environment
    List {
        /// design, test or production
        #[arg(long, default_value = "test", value_name = "ENVIRONMENT")]
        environment: String,
        /// Only what the caller has designed
        #[arg(long)]
        mine: bool,
    },
    /// Show a table with what is published of it and what the caller may do with it
    Show {
        /// `project.table`, or an id
        table: String,
    },
    /// Show the page of a table in the catalog: columns, tags, quality, lineage, what you can do
    Page {
        /// `project.table`, or an id
        table: String,
    },
    /// Ask for a table or topic of the project in test or production
    Publish(PublishArguments),
    /// List the published versions of a table or topic of the project
    Versions {
        /// Name or id
        table: String,
    },
}

#[derive(Args)]
pub(crate) struct PublishArguments {
    /// Name or id
    table: String,
    /// test or production
    #[arg(long, value_name = "ENVIRONMENT")]
    to: String,
    /// Data source that it binds to there; for test the design's unless given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Name in that data source; as designed unless given
    #[arg(long, value_name = "NAME")]
    physical_name: Option<String>,
    /// Why; the decider reads it
    #[arg(long, short = 'm', default_value = "", value_name = "TEXT")]
    reason: String,
    /// What the new version must keep working: backward, forward, full or none
    #[arg(long, value_name = "MODE")]
    compatibility: Option<String>,
    /// Ask for it even if it breaks that
    #[arg(long)]
    allow_breaking: bool,
    /// Make the real topic once this is approved, or check the one that is there
    #[arg(long)]
    ensure: bool,
}

#[derive(Subcommand)]
pub(crate) enum PermissionCommand {
    /// Apply for the right to use a table of another project
    Apply(ApplyArguments),
    /// Give rights on a table of the project
    Grant(GrantArguments),
    /// Take a right away
    Revoke {
        /// Table of the project, by name or id
        table: String,
        /// Id of the grant
        grant: String,
        /// It is a temp table
        #[arg(long)]
        temp: bool,
    },
    /// List who may use a table of the project, or, without one, what the caller may use
    List {
        /// Table of the project, by name or id
        table: Option<String>,
        /// It is a temp table
        #[arg(long, requires = "table")]
        temp: bool,
    },
    /// Say what everybody in the tenant may do with a table of the project
    Public {
        /// Table of the project, by name or id
        table: String,
        /// select or insert; repeat for more; without it nobody may anything that was not given to them
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
        /// What happens to running instances when a right ends: stop_running or next_start
        #[arg(long, default_value = "stop_running", value_name = "POLICY")]
        revocation: String,
        /// It is a temp table
        #[arg(long)]
        temp: bool,
    },
}

#[derive(Args)]
pub(crate) struct ApplyArguments {
    /// `project.table`, or an id
    table: String,
    /// select or insert; repeat for more
    #[arg(long = "permission", required = true, value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// For the caller in person: besides the project if --project says one
    #[arg(long)]
    me: bool,
    /// Only on this column, for the caller in person; repeat for more
    #[arg(long = "column", value_name = "NAME")]
    columns: Vec<String>,
    /// Until when: a date (2026-03-01), a moment (2026-03-01T12:00:00Z), or so far from now (12h, 30d)
    #[arg(long = "expires-at", alias = "expires-at-ms", value_name = "TIME", value_parser = moments::read)]
    expires_at_ms: Option<i64>,
    /// Why; the decider reads it
    #[arg(long, short = 'm', value_name = "TEXT")]
    reason: String,
}

#[derive(Args)]
pub(crate) struct GrantArguments {
    /// Table of the project, by name or id
    table: String,
    /// To this project; repeat for more
    #[arg(long = "to-project", value_name = "NAME")]
    projects: Vec<String>,
    /// To this user; repeat for more
    #[arg(long = "to-person", value_name = "NAME")]
    persons: Vec<String>,
    /// select or insert; repeat for more
    #[arg(long = "permission", required = true, value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Only on this column, for persons; repeat for more
    #[arg(long = "column", value_name = "NAME")]
    columns: Vec<String>,
    /// Until when: a date (2026-03-01), a moment (2026-03-01T12:00:00Z), or so far from now (12h, 30d)
    #[arg(long = "expires-at", alias = "expires-at-ms", value_name = "TIME", value_parser = moments::read)]
    expires_at_ms: Option<i64>,
    /// It is a temp table
    #[arg(long)]
    temp: bool,
}

pub(crate) async fn table(session: &Session, command: TableCommand) -> anyhow::Result<()> {
    let tables = format!("{}/tables", session.tenant()?);
    match command {
        TableCommand::List { environment, mine } => {
            let listed = session.client.list(&format!("{tables}?environment={}&designed_by_me={mine}", encode(&environment))).await?;
            let columns = [
                ("TABLE", "full_name"),
                ("ENVIRONMENT", "environment"),
                ("VERSION", "version"),
                ("IN SYSTEM", "physical_name"),
                ("YOU CAN", "allowed_actions"),
                ("DESCRIPTION", "description"),
            ];
            session.output.list(&listed, &columns);
        }
        TableCommand::Show { table } => session.output.item(&session.client.get(&format!("{tables}/{}", encode(&table))).await?),
        TableCommand::Page { table } => super::catalog::table_page(session, &table).await?,
        TableCommand::Versions { table } => {
            let path = format!("{}/publications", paths::below(&session.project()?, "topics", &table));
            let found = session.client.list(&path).await?;
            let columns =
                [("ENVIRONMENT", "environment"), ("VERSION", "number"), ("IN SYSTEM", "physical_name"), ("TAKEN OUT", "retired_at_ms")];
            session.output.list(&found, &columns);
        }
        TableCommand::Publish(wanted) => {
            let path = format!("{}/publish", paths::below(&session.project()?, "topics", &wanted.table));
            let body = json!({
                "environment": wanted.to, "data_source": wanted.source, "physical_name": wanted.physical_name, "reason": wanted.reason,
                "compatibility": wanted.compatibility, "allow_breaking": wanted.allow_breaking, "ensure": wanted.ensure,
            });
            let made = session.client.post(&path, &body).await?;
            session.output.done(&asked(&made), &made);
        }
    }
    Ok(())
}

pub(crate) async fn permission(session: &Session, command: PermissionCommand) -> anyhow::Result<()> {
    let place = |table: &str, is_temp: bool| {
        let kind = if is_temp { "temp-tables" } else { "topics" };
        Ok::<_, anyhow::Error>(paths::below(&session.project()?, kind, table))
    };
    let grants = |table: &str, is_temp: bool| Ok::<_, anyhow::Error>(format!("{}/grants", place(table, is_temp)?));
    match command {
        PermissionCommand::Apply(wanted) => {
            let project = session.project_name().ok();
            let body = json!({
                "table": wanted.table, "project": project.filter(|_| wanted.columns.is_empty()),
                "for_me": wanted.me || !wanted.columns.is_empty(), "permissions": wanted.permissions,
                "columns": wanted.columns, "expires_at_ms": wanted.expires_at_ms, "reason": wanted.reason,
            });
            let path = format!("{}/permission-requests", session.tenant()?);
            let made = session.client.post(&path, &body).await?;
            let requests = made["requests"].as_array().map_or(&[] as &[Value], Vec::as_slice);
            session.output.done(&requests.iter().map(asked).collect::<Vec<_>>().join("\n"), &made);
        }
        PermissionCommand::Grant(wanted) => {
            let body = json!({
                "projects": wanted.projects, "persons": wanted.persons, "permissions": wanted.permissions,
                "columns": wanted.columns, "expires_at_ms": wanted.expires_at_ms,
            });
            let given = session.client.post(&grants(&wanted.table, wanted.temp)?, &body).await?;
            session.output.done(&format!("gave rights on `{}`", wanted.table), &given);
        }
        PermissionCommand::Revoke { table, grant, temp } => {
            session.client.delete(&format!("{}/{}", grants(&table, temp)?, encode(&grant))).await?;
            session.output.done(&format!("took a right on `{table}` away"), &Value::Null);
        }
        PermissionCommand::Public { table, permissions, revocation, temp } => {
            let body = json!({ "public": permissions, "revocation": revocation });
            let set = session.client.put(&format!("{}/access", place(&table, temp)?), &body, None).await?;
            session.output.done(&format!("everybody may do this with `{table}`: {}", set["public"]), &set);
        }
        PermissionCommand::List { table: Some(table), temp } => {
            let found = session.client.get(&grants(&table, temp)?).await?;
            let both = ["projects", "persons"].iter().filter_map(|kind| found[*kind].as_array()).flatten().cloned();
            let columns = [
                ("ID", "id"),
                ("TO", "grantee_name"),
                ("PERMISSION", "permission"),
                ("COLUMN", "column"),
                ("EXPIRES", "expires_at_ms"),
                ("EXPIRED", "expired"),
            ];
            session.output.list(&both.collect::<Vec<_>>(), &columns);
        }
        PermissionCommand::List { table: None, .. } => {
            let of = session.project_name().ok().map(|project| format!("?project={}", encode(project))).unwrap_or_default();
            let listed = session.client.list(&format!("{}/permissions{of}", session.tenant()?)).await?;
            let columns = [
                ("TABLE", "table"),
                ("PERMISSION", "permission"),
                ("COLUMN", "column"),
                ("EXPIRES", "expires_at_ms"),
                ("EXPIRED", "expired"),
            ];
            session.output.list(&listed, &columns);
        }
    }
    Ok(())
}

/// What to say about a request that was made.
fn asked(made: &Value) -> String {
    format!("request {} was made; it waits for a decision: `millrace approvals show {0}`", made["number"])
}
