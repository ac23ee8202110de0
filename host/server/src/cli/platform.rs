//! Commands for whoever runs the installation: whether it is well, and what it builds.

use super::session::Session;
use clap::Subcommand;
use serde_json::{Value, json};

/// On the installation.
#[derive(Subcommand)]
pub(crate) enum PlatformCommand {
    /// Whether the server lives, can take requests, and builds code; fails where it cannot take requests
    Status,
    /// Print the server's metrics in Prometheus text format
    Metrics,
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
            session.output.item(&json!({ "server": session.client.base(), "state": told, "builds": builds }));
            ready.map(drop).map_err(Into::into)
        }
        PlatformCommand::Metrics => {
            session.output.item(&session.client.get("/metrics").await?);
            Ok(())
        }
    }
}
