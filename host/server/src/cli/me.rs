//! Commands on oneself: who one is here, sessions, tokens of one's own.

use super::session::Session;
use crate::client::{Column, encode};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const TOKENS: &[Column] = &[
    ("NAME", "name"),
    ("ROLE", "role"),
    ("TENANT", "tenant"),
    ("PROJECT", "project"),
    ("SCOPES", "scopes"),
    ("EXPIRES", "expires_at_ms"),
    ("REVOKED", "revoked_at_ms"),
    ("ID", "id"),
];
const SESSIONS: &[Column] = &[
    ("CURRENT", "current"),
    ("FROM", "address"),
    ("WITH", "agent"),
    ("BEGUN", "created_at_ms"),
    ("LAST USED", "last_used_at_ms"),
    ("ID", "id"),
];

/// On oneself.
#[derive(Subcommand)]
pub(crate) enum MeCommand {
    /// Show who the server takes you for, and your roles
    Show,
    /// List your sessions
    Sessions,
    /// End one of your sessions, which somebody else may have
    EndSession {
        /// Id of the session
        id: String,
    },
    /// List your own tokens, ended ones too
    Tokens,
    /// Make a token of your own; its secret is shown once. For who has signed in (`millrace sign-in`)
    CreateToken(OwnToken),
    /// End one of your own tokens
    RevokeToken {
        /// Id of the token
        id: String,
    },
}

/// A token that is never more than its owner.
#[derive(Args)]
pub(crate) struct OwnToken {
    /// Name
    name: String,
    /// Only this one of your roles, or a lesser one; all unless given
    #[arg(long)]
    role: Option<String>,
    /// Only in this tenant
    #[arg(long = "only-tenant", value_name = "NAME")]
    only_tenant: Option<String>,
    /// Only in this project
    #[arg(long = "only-project", value_name = "NAME")]
    only_project: Option<String>,
    /// Only for this; repeat for more: `read`, `write`, `operate`, `administer`
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// It ends by itself after so many days; never unless given
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

pub(crate) async fn run(session: &Session, command: MeCommand) -> anyhow::Result<()> {
    let client = &session.client;
    match command {
        MeCommand::Show => session.output.item(&client.get("/api/v1/me").await?),
        MeCommand::Sessions => session.output.list(&client.list("/api/v1/me/sessions").await?, SESSIONS),
        MeCommand::EndSession { id } => {
            let gone = client.delete(&format!("/api/v1/me/sessions/{}", encode(&id))).await?;
            session.output.done(&format!("ended session `{id}`"), &gone);
        }
        MeCommand::Tokens => session.output.list(&client.list("/api/v1/me/tokens").await?, TOKENS),
        MeCommand::CreateToken(wanted) => {
            let made = client.post("/api/v1/me/tokens", &wanted.body(SystemTime::now())?).await?;
            let secret = made.get("secret").and_then(Value::as_str).unwrap_or_default();
            session.output.done(&format!("{secret}\nThis is the only time that the token is shown."), &made);
        }
        MeCommand::RevokeToken { id } => {
            let gone = client.delete(&format!("/api/v1/me/tokens/{}", encode(&id))).await?;
            session.output.done(&format!("revoked token `{id}`"), &gone);
        }
    }
    Ok(())
}

impl OwnToken {
    fn body(&self, now: SystemTime) -> anyhow::Result<Value> {
        let mut body = json!({ "name": self.name });
        for (field, value) in [("role", &self.role), ("tenant", &self.only_tenant), ("project", &self.only_project)] {
            if let Some(value) = value {
                body[field] = value.as_str().into();
            }
        }
        if !self.scopes.is_empty() {
            body["scopes"] = self.scopes.clone().into();
        }
        if let Some(days) = self.days {
            let until = now + Duration::from_secs(u64::from(days) * 24 * 3_600);
            let ms = until.duration_since(SystemTime::UNIX_EPOCH).context("the clock of this machine is before 1970")?.as_millis();
            body["expires_at_ms"] = i64::try_from(ms).context("that many days do not fit")?.into();
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_is_sent() {
        let bare = OwnToken { name: "ci".into(), role: None, only_tenant: None, only_project: None, scopes: Vec::new(), days: None };
        assert_eq!(bare.body(SystemTime::UNIX_EPOCH).unwrap(), json!({"name": "ci"}));
        let narrow = OwnToken { role: Some("developer".into()), scopes: vec!["read".into()], days: Some(1), ..bare };
        let expected = json!({"name": "ci", "role": "developer", "scopes": ["read"], "expires_at_ms": 86_400_000});
        assert_eq!(narrow.body(SystemTime::UNIX_EPOCH).unwrap(), expected);
    }
}
