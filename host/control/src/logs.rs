//! Log lines of instances on their way into the metadata store (RUN-5).
//!
//! Invariant: whoever logs never waits: lines beyond what fits are counted and reported as one line, per instance they are
//! bounded by the store, and tenant code is held to its rate before it gets here.

use millrace_domain::instance_log::{LogLevel, LogOrigin};
use millrace_model::ids::InstanceId;
use millrace_store::{NewLogLine, Store};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Lines that wait to be written at most.
const WAITING_MAX: usize = 8_192;
/// Lines that are written in one transaction.
const AT_ONCE: usize = 500;
/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);

/// Takes lines; cheap to clone.
#[derive(Clone)]
pub struct LogTap {
    lines: mpsc::Sender<NewLogLine>,
    dropped: Arc<AtomicU64>,
}

/// Writes what the tap has taken.
pub struct LogWriter {
    lines: mpsc::Receiver<NewLogLine>,
    dropped: Arc<AtomicU64>,
}

/// A tap with its writer.
pub fn log_tap() -> (LogTap, LogWriter) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    (LogTap { lines: sender, dropped: dropped.clone() }, LogWriter { lines: receiver, dropped })
}

impl LogTap {
    /// Takes a line; never waits.
    pub fn take(&self, line: NewLogLine) {
        if self.lines.try_send(line).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }
}

/// The instance that a field of a log line names: the instance itself or one of its runs, `ins_…-3`.
pub fn logged_instance(field: &str) -> Option<InstanceId> {
    let id = field.split('-').next().unwrap_or_default();
    (id.starts_with("ins_") && millrace_domain::name::looks_like_id(id)).then(|| InstanceId::new(id))
}

impl LogWriter {
    /// Writes lines until every tap is gone.
    pub async fn run(mut self, store: Store) {
        let mut lines = Vec::with_capacity(AT_ONCE);
        while self.lines.recv_many(&mut lines, AT_ONCE).await > 0 {
            if lines.len() < AT_ONCE {
                tokio::time::sleep(GATHER).await;
                while lines.len() < AT_ONCE
                    && let Ok(line) = self.lines.try_recv()
                {
                    lines.push(line);
                }
            }
            let dropped = self.dropped.swap(0, Relaxed);
            if let (true, Some(last)) = (dropped > 0, lines.last()) {
                let message =
                    format!("{dropped} log lines of instances on this worker were dropped: they came faster than they can be kept");
                let (level, origin) = (LogLevel::Warn, LogOrigin::Engine);
                lines.push(NewLogLine { instance: last.instance.clone(), at_ms: last.at_ms, level, origin, node: None, message });
            }
            if let Err(error) = store.append_logs(&lines).await {
                tracing::warn!(%error, lines = lines.len(), "log lines of instances cannot be kept");
            }
            lines.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_names_its_instance() {
        let id = "ins_0123456789abcdef0123456789abcdef";
        assert_eq!(logged_instance(&format!("{id}-12")), Some(InstanceId::new(id)));
        assert_eq!(logged_instance(id), Some(InstanceId::new(id)));
        for other in ["", "dimension table users", "ins_x", "validate"] {
            assert_eq!(logged_instance(other), None, "{other}");
        }
    }
}
