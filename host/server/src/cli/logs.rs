//! `millrace instance logs`: what an instance says, as lines, and following it.

use super::session::Session;
use crate::client::encode;
use crate::logging::one_line;
use clap::Args;
use serde_json::Value;
use std::io::Write;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Which lines.
#[derive(Args)]
pub(crate) struct LogArguments {
    /// Id of the instance, or name of its job (the newest instance then)
    pub(crate) instance: String,
    /// This grave or graver: debug, info, warn, error
    #[arg(long)]
    level: Option<String>,
    /// Only of this node
    #[arg(long)]
    node: Option<String>,
    /// Only with this text
    #[arg(long)]
    text: Option<String>,
    /// Lines to show
    #[arg(long, default_value_t = 100)]
    lines: u32,
    /// Go on with lines as they come
    #[arg(long, short = 'f')]
    follow: bool,
}

/// Shows the lines of the instance at `path`.
///
/// # Errors
/// The server refuses, or the lines cannot be written.
pub(crate) async fn show(session: &Session, path: &str, arguments: &LogArguments) -> anyhow::Result<()> {
    let filters = [("level", &arguments.level), ("node", &arguments.node), ("text", &arguments.text)];
    let query: Vec<_> = filters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode((*value).as_ref()?)))).collect();
    let query = query.join("&");
    let page = session.client.get(&format!("{path}/logs?limit={}&{query}", arguments.lines)).await?;
    let lines = page["items"].as_array().cloned().unwrap_or_default();
    let last = lines.first().and_then(|line| line["id"].as_str()).unwrap_or_default().to_owned();
    for line in lines.iter().rev() {
        write(session, line)?;
    }
    if arguments.follow { follow(session, path, &query, last).await } else { Ok(()) }
}

/// Shows lines behind `last` as they come, until the user ends it or the server is gone.
async fn follow(session: &Session, path: &str, query: &str, mut last: String) -> anyhow::Result<()> {
    loop {
        let cursor = if last.is_empty() { String::new() } else { format!("&cursor={last}") };
        let mut stream = EventStream::default();
        // The server ends a stream from time to time: it is opened again behind the last line.
        session
            .client
            .download(&format!("{path}/logs/follow?{query}{cursor}"), |piece| {
                // What has no id is no line, but says why the stream ends; opening it again then tells more.
                for line in stream.take(piece).iter().filter(|line| line["id"].is_string()) {
                    last = line["id"].as_str().unwrap_or_default().to_owned();
                    write(session, line).map_err(std::io::Error::other)?;
                }
                Ok(())
            })
            .await?;
    }
}

fn write(session: &Session, line: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if session.output.json {
        writeln!(out, "{line}")?;
        return Ok(());
    }
    let text = |name: &str| line[name].as_str().unwrap_or("-");
    let at = line["at_ms"].as_i64().and_then(|ms| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok());
    let at = at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    writeln!(out, "{at} {:<5} {:<6} {:<12} {}", text("level"), text("origin"), text("node"), one_line(text("message"), false))?;
    Ok(())
}

/// Server-sent events as they arrive in pieces; only their data is of interest.
#[derive(Default)]
pub(crate) struct EventStream {
    begun: Vec<u8>,
}

impl EventStream {
    /// The documents of the events that `piece` completes.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Vec<Value> {
        self.begun.extend_from_slice(piece);
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let whole: Vec<u8> = self.begun.drain(..=end).collect();
        let text = String::from_utf8_lossy(&whole);
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_come_in_any_pieces() {
        let text = "event: line\nid: log_1\ndata: {\"id\":\"log_1\"}\n\n:\n\nevent: line\ndata: {\"id\":\"log_2\"}\n\n";
        for size in [1, 7, 1_000] {
            let mut stream = EventStream::default();
            let found: Vec<Value> = text.as_bytes().chunks(size).flat_map(|piece| stream.take(piece)).collect();
            assert_eq!(found, [json!({"id": "log_1"}), json!({"id": "log_2"})], "pieces of {size}");
        }
    }
}
