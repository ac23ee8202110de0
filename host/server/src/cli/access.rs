//! Commands on tokens and the audit log: who may do what, and who did what.

use super::{moments, paths, session::Session};
use crate::client::{Column, encode};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

pub(super) const TOKENS: &[Column] = &[
    ("NAME", "name"),
    ("OWNER", "owner"),
    ("ROLE", "role"),
    ("PROJECT", "project"),
    ("SCOPES", "scopes"),
    ("EXPIRES", "expires_at_ms"),
    ("REVOKED", "revoked_at_ms"),
    ("ID", "id"),
];
const AUDIT: &[Column] = &[("AT", "at_ms"), ("ACTOR", "actor_name"), ("ACTION", "action"), ("OUTCOME", "outcome"), ("OBJECT", "object")];

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
        /// It ends by itself after so many days; never unless given
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
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
        TokenCommand::Create { name, role, only_project, scopes, days } => {
            let mut body = json!({ "name": name, "role": role });
            if let Some(project) = only_project {
                body["project"] = project.into();
            }
            if !scopes.is_empty() {
                body["scopes"] = scopes.into();
            }
            if let Some(days) = days {
                body["expires_at_ms"] = moments::read(&format!("{days}d"))?.into();
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
    #[arg(long, default_value_t = 50, conflicts_with = "export")]
    limit: u32,
    /// Of what belongs to no tenant: tenants, users of the platform, refused strangers
    #[arg(long)]
    platform: bool,
    /// Write all rows that fit into this file instead: CSV, or JSON lines where its name ends with `.jsonl`
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

pub(crate) async fn audit(session: &Session, arguments: AuditArguments) -> anyhow::Result<()> {
    let AuditArguments { actor, action, outcome, object, from_ms, until_ms, limit, platform, export } = arguments;
    let (from_ms, until_ms) = (from_ms.map(|ms| ms.to_string()), until_ms.map(|ms| ms.to_string()));
    let place = if platform { "/api/v1/platform".to_owned() } else { session.tenant()? };
    let mut path = match &export {
        None => format!("{place}/audit?limit={limit}"),
        Some(file) => {
            let format = if file.extension().is_some_and(|end| end.eq_ignore_ascii_case("jsonl")) { "jsonl" } else { "csv" };
            format!("{place}/audit/export?format={format}")
        }
    };
    let project = session.project_name().ok().filter(|_| !platform).map(str::to_owned);
    let filters = [
        ("actor", actor),
        ("action", action),
        ("outcome", outcome),
        ("object", object),
        ("project", project),
        ("from_ms", from_ms),
        ("until_ms", until_ms),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encode(&value)));
        }
    }
    if let Some(file) = export {
        return take_away(session, &path, &file).await;
    }
    let page = session.client.get(&path).await?;
    let rows = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    session.output.list(&rows, AUDIT);
    Ok(())
}

/// Writes an export into `file` as it comes; what was begun is not left behind as if it were all.
async fn take_away(session: &Session, path: &str, file: &Path) -> anyhow::Result<()> {
    let name = file.display();
    let begun = file.with_extension("part");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&begun).with_context(|| format!("cannot write {}", begun.display()))?);
    let mut bytes = 0u64;
    let taken = session.client.download(path, |piece| {
        bytes += piece.len() as u64;
        out.write_all(piece)
    });
    let taken = taken.await.and_then(|()| out.flush().map_err(Into::into));
    drop(out);
    if let Err(error) = taken {
        // The answer is the error, whether or not the file can be taken away.
        drop(std::fs::remove_file(&begun));
        return Err(error.context(format!("the export into {name} broke off; nothing was written")));
    }
    std::fs::rename(&begun, file).with_context(|| format!("cannot write {name}"))?;
    session.output.done(&format!("wrote {bytes} bytes into {name}"), &json!({ "file": name.to_string(), "bytes": bytes }));
    Ok(())
}
