//! Log lines that name an instance, on their way from `tracing` to the instance's page.
//!
//! Invariant: what an operator sees on standard error and what a tenant sees of its instance are chosen apart: tenants see
//! their own code's lines from `debug` on and the engine's from `info` on, of their own instances only.

use millrace_control::{LogTap, logged_instance};
use millrace_domain::instance_log::{LogLevel, LogOrigin};
use millrace_store::{Clock, NewLogLine, SystemClock};
use std::fmt::{Debug, Write};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context, registry::LookupSpan};

/// The target of tenant code's lines.
const GUEST: &str = "millrace::guest";

/// Copies lines that name an instance into the tap.
struct InstanceLines(LogTap);

/// The layer, with the filter that is its own.
pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(tap: LogTap) -> impl Layer<S> {
    let targets = Targets::new().with_target("millrace", LevelFilter::INFO).with_target(GUEST, LevelFilter::DEBUG);
    InstanceLines(tap).with_filter(targets)
}

impl<S: Subscriber> Layer<S> for InstanceLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(instance) = fields.instance.as_deref().and_then(logged_instance) else { return };
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG | Level::TRACE => LogLevel::Debug,
        };
        let origin = if metadata.target() == GUEST { LogOrigin::Guest } else { LogOrigin::Engine };
        let message = fields.message + &fields.others;
        self.0.take(NewLogLine { instance, at_ms: SystemClock.now_ms(), level, origin, node: fields.node, message });
    }
}

/// What a line says.
#[derive(Default)]
struct Fields {
    instance: Option<String>,
    node: Option<String>,
    message: String,
    /// Every other field, as ` name=value`.
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note(field.name(), format!("{value:?}"));
    }
}

impl Fields {
    fn note(&mut self, name: &str, value: String) {
        match name {
            "instance" => self.instance = Some(value),
            "operator" | "node" => self.node = node(&value),
            "message" => self.message = value,
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(self.others, " {name}={value}");
            }
        }
    }
}

/// An id of a node, however it was written: as it is, or as `Some(NodeId("clean"))`.
fn node(value: &str) -> Option<String> {
    let value = value.split('"').nth(1).unwrap_or(value);
    (value != "None" && !value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_however_they_are_written() {
        assert_eq!(node("clean").as_deref(), Some("clean"));
        assert_eq!(node("Some(NodeId(\"clean\"))").as_deref(), Some("clean"));
        assert_eq!(node("None"), None);
    }
}
