//! Commands on the keys that secrets are sealed with; for administrators of the platform.

use super::session::Session;
use crate::client::Column;
use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const KEYS: &[Column] = &[("ID", "id"), ("STATE", "state"), ("CREATED", "created_at_ms"), ("RETIRED", "retired_at_ms")];
/// How long other servers may take to learn of the new key.
const PATIENCE: Duration = Duration::from_secs(90);
const ASK_EVERY: Duration = Duration::from_secs(2);

/// On keys.
#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys that secrets are or were sealed with
    List,
    /// Seal all secrets with a new key and take the old one out of use, while servers run
    Rotate,
}

pub(crate) async fn run(session: &Session, command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::List => {
            let found = session.client.get("/api/v1/keys").await?;
            session.output.list(found["items"].as_array().map_or(&[], Vec::as_slice), KEYS);
        }
        KeysCommand::Rotate => rotate(session).await?,
    }
    Ok(())
}

/// Asks again until the old key is out of use: each call goes on where the last one ended.
async fn rotate(session: &Session) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut resealed = 0;
    loop {
        let step = session.client.post("/api/v1/keys/rotate", &json!({})).await?;
        resealed += step["resealed"].as_u64().unwrap_or(0);
        let key = step["key"].as_str().unwrap_or_default();
        if step["done"] == true {
            session.output.done(&format!("{resealed} secrets are sealed with key {key}; the old key opens nothing any more"), &step);
            return Ok(());
        }
        let waiting: Vec<_> = step["waiting_for"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if Instant::now() >= until {
            bail!(
                "servers {} have not learned of key {key} yet; nothing is lost, run `millrace keys rotate` again to go on",
                waiting.join(", ")
            );
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}
