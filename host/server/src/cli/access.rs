//! Commands on tokens and the audit log: who may do what, and who did what.

use super::{paths, session::Session};
use crate::client::{Column, encode};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

const TOKENS: &[Column] = &[
    ("NAME", "name"),
    ("OWNER", "owner"),
    ("ROLE", "role"),
    ("PROJECT", "project"),
    ("SCOPES", "scopes"),
    ("REVOKED", "revoked_at_ms"),
    ("ID", "id"),
];
const AUDIT: &[Column] =
    &[("AT (MS)", "at_ms"), ("ACTOR", "actor_name"), ("ACTION", "action"), ("OUTCOME", "outcome"), ("OBJECT", "object")];

/// On tokens.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; its secret is shown once
    Create {
        /// Name
        name: String,
        /// `tenant_admin`, `developer`, `project_data_admin`, …
        #[arg(long)]
        role: String,
        /// Only in this project
        #[arg(long = "only-project", value_name = "NAME")]
        only_project: Option<String>,
        /// Only for this; repeat for more: `read`, `write`, `operate`, `administer`
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// List the tenant's tokens
    List,
    /// End a token
    Revoke {
        /// Id of the token
        id: String,
    },
}

pub(crate) async fn token(session: &Session, command: TokenCommand) -> anyhow::Result<()> {
    let tenant = session.tenant()?;
    let tokens = format!("{tenant}/tokens");
    match command {
        TokenCommand::Create { name, role, only_project, scopes } => {
            let mut body = json!({ "name": name, "role": role });
            if let Some(project) = only_project {
                body["project"] = project.into();
            }
            if !scopes.is_empty() {
                body["scopes"] = scopes.into();
            }
            let made = session.client.post(&tokens, &body).await?;
            let secret = made.get("secret").and_then(Value::as_str).unwrap_or_default();
            session.output.done(&format!("{secret}\nThis is the only time that the token is shown."), &made);
        }
        TokenCommand::List => session.output.list(&session.client.list(&tokens).await?, TOKENS),
        TokenCommand::Revoke { id } => {
            let gone = session.client.delete(&paths::below(&tenant, "tokens", &id)).await?;
            session.output.done(&format!("revoked token `{id}`"), &gone);
        }
    }
    Ok(())
}

/// Which rows of the audit log.
#[derive(Args)]
pub(crate) struct AuditArguments {
    /// Only of this user, by name or id
    #[arg(long)]
    actor: Option<String>,
    /// Only of this action: `job.submit`
    #[arg(long)]
    action: Option<String>,
    /// Only with this outcome: `done` or `refused`
    #[arg(long)]
    outcome: Option<String>,
    /// Only about this object
    #[arg(long)]
    object: Option<String>,
    /// Not before this time, in milliseconds since the epoch
    #[arg(long, value_name = "MS")]
    from_ms: Option<i64>,
    /// Before this time
    #[arg(long, value_name = "MS")]
    until_ms: Option<i64>,
    /// Newest rows
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

pub(crate) async fn audit(session: &Session, arguments: AuditArguments) -> anyhow::Result<()> {
    let AuditArguments { actor, action, outcome, object, from_ms, until_ms, limit } = arguments;
    let (from_ms, until_ms) = (from_ms.map(|ms| ms.to_string()), until_ms.map(|ms| ms.to_string()));
    let mut path = format!("{}/audit?limit={limit}", session.tenant()?);
    let filters =
        [("actor", actor), ("action", action), ("outcome", outcome), ("object", object), ("from_ms", from_ms), ("until_ms", until_ms)];
    for (name, value) in filters {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encode(&value)));
        }
    }
    let page = session.client.get(&path).await?;
    let rows = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    session.output.list(&rows, AUDIT);
    Ok(())
}
