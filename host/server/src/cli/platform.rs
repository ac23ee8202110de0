//! Commands for whoever runs the installation: whether it is well, what it builds, and who administers it.

use super::{access::TOKENS, session::Session};
use crate::client::{Column, encode};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// On the installation.
#[derive(Subcommand)]
pub(crate) enum PlatformCommand {
    /// Whether the server lives, can take requests, and builds code; fails where it cannot take requests
    Status,
    /// Print the server's metrics in Prometheus text format
    Metrics,
    /// List the tokens of the platform: those of servers' own administrators, and of its users
    Tokens(TokensArguments),
}

/// Which tokens.
#[derive(Args)]
pub(crate) struct TokensArguments {
    /// End this token
    #[arg(long, value_name = "ID")]
    revoke: Option<String>,
}

pub(crate) async fn run(session: &Session, command: PlatformCommand) -> anyhow::Result<()> {
    match command {
        PlatformCommand::Status => {
            let ready = session.client.get("/health/ready").await;
            // Only administrators of the platform may see it; the others are told about health alone.
            let builds = session.client.get("/api/v1/platform/build-service").await.unwrap_or(Value::Null);
            let told = match &ready {
                Ok(_) => json!("ready"),
                Err(error) => json!(error.to_string()),
            };
            let checkpoints = ready.as_ref().ok().and_then(|body| body.get("checkpoints")).cloned().unwrap_or_else(|| json!("ok"));
            let checkpoints = if ready.is_ok() { checkpoints } else { Value::Null };
            session.output.item(&json!({ "server": session.client.base(), "state": told, "checkpoints": checkpoints, "builds": builds }));
            ready.map(drop).map_err(Into::into)
        }
        PlatformCommand::Tokens(TokensArguments { revoke: Some(id) }) => {
            let gone = session.client.delete(&format!("/api/v1/platform/tokens/{}", encode(&id))).await?;
            session.output.done(&format!("revoked token `{id}`"), &gone);
            Ok(())
        }
        PlatformCommand::Tokens(TokensArguments { revoke: None }) => {
            let found = session.client.list("/api/v1/platform/tokens").await?;
            let worker: &[Column] = &[("WORKER", "worker"), ("LAST USED", "last_used_at_ms")];
            session.output.list(&found, &[TOKENS, worker].concat());
            Ok(())
        }
        PlatformCommand::Metrics => {
            session.output.item(&session.client.get("/metrics").await?);
            Ok(())
        }
    }
}
