//! Log lines on standard error; what is logged is chosen by `MILLRACE_LOG` (`info` unless set).

use crate::config::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging for this process.
///
/// # Errors
/// `MILLRACE_LOG` cannot be read as a filter, or logging has already been started.
pub(crate) fn start(format: LogFormat, default_filter: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("MILLRACE_LOG") {
        Ok(text) => EnvFilter::try_new(&text).map_err(|e| anyhow::anyhow!("MILLRACE_LOG is `{text}`: {e}"))?,
        Err(_) => EnvFilter::new(default_filter),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("cannot start logging: {e}"))
}
