//! Log lines on standard error; what is logged is chosen by `MILLRACE_LOG` (`info` unless set).

use crate::{config::LogFormat, instance_log};
use millrace_control::{LogWriter, log_tap};
use std::io::IsTerminal;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{DynFilterFn, FilterExt},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging for this process; answers what writes the lines that name instances into the metadata store.
///
/// # Errors
/// `MILLRACE_LOG` cannot be read as a filter, or logging has already been started.
pub(crate) fn start(format: LogFormat, default_filter: &str) -> anyhow::Result<LogWriter> {
    let filter = match std::env::var("MILLRACE_LOG") {
        Ok(text) => EnvFilter::try_new(&text).map_err(|e| anyhow::anyhow!("MILLRACE_LOG is `{text}`: {e}"))?,
        Err(_) => EnvFilter::new(default_filter),
    };
    // A filter that is sure of its answer is not asked again, and the line then passes by what was last asked for on its thread:
    // libraries ask whether debug lines are wanted, after which the next line, perhaps an error, would be lost.
    let filter = filter.and(DynFilterFn::new(|_, _| true));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let (tap, writer) = log_tap();
    let started = tracing_subscriber::registry().with(lines).with(instance_log::layer(tap)).try_init();
    started.map_err(|e| anyhow::anyhow!("cannot start logging: {e}"))?;
    Ok(writer)
}
