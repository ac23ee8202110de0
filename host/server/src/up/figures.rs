//! The figures of the jobs that `up` shows: records in and out, rates, lag.
//!
//! Invariant: read over the API like everything else.

use crate::cli::Session;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// Figures over all jobs at one time.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    written: u64,
    records_in: u64,
    records_out: u64,
    dead: u64,
    pending: i64,
    checkpoints: u64,
}

/// The newest reading and the one that the last line showed.
pub(super) struct Figures {
    now: Reading,
    shown: Reading,
    shown_at: Instant,
    began: Instant,
    state: String,
    failed: BTreeSet<String>,
}

impl Default for Figures {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            now: Reading::default(),
            shown: Reading::default(),
            shown_at: now,
            began: now,
            state: String::new(),
            failed: BTreeSet::new(),
        }
    }
}

impl Figures {
    /// Reads the figures of these instances; answers which have failed for good since the last time.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) async fn read(
        &mut self,
        session: &Session,
        running: &[(String, String)],
        written: &AtomicU64,
    ) -> anyhow::Result<Vec<String>> {
        let mut reading = Reading { written: written.load(Relaxed), ..Reading::default() };
        let mut failures = Vec::new();
        for (path, job) in running {
            let instance = session.client.get(path).await?;
            let state = instance["state"].as_str().unwrap_or_default();
            if state != "failed" {
                self.failed.remove(job);
            } else if self.failed.insert(job.clone()) {
                let message = instance.pointer("/last_failure/message").and_then(Value::as_str).unwrap_or("no reason is recorded");
                failures.push(format!("job `{job}` failed: {message}"));
            }
            self.state = state.to_owned();
            reading.add(&instance["observation"]);
        }
        self.now = reading;
        Ok(failures)
    }

    /// Records that sinks have accepted.
    pub(super) fn records_out(&self) -> u64 {
        self.now.records_out
    }

    /// One line, with rates since the line before.
    pub(super) fn line(&mut self) -> String {
        let elapsed_s = self.shown_at.elapsed().as_secs_f64().max(0.001);
        let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / elapsed_s).round();
        let Reading { written, records_in, records_out, dead, pending, checkpoints } = self.now;
        let line = format!(
            "{:>9} generated | {:>9} in ({:>6}/s) | {:>9} out ({:>6}/s) | lag {:>6} | {} dead letters | {} checkpoints | {}",
            written,
            records_in,
            rate(records_in, self.shown.records_in),
            records_out,
            rate(records_out, self.shown.records_out),
            pending.max(0),
            dead,
            checkpoints,
            self.state,
        );
        (self.shown, self.shown_at) = (self.now, Instant::now());
        line
    }

    /// What has been shown in all.
    pub(super) fn summary(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        format!("{} generated, {} read, {} written in {seconds:.1} s", self.now.written, self.now.records_in, self.now.records_out)
    }
}

impl Reading {
    fn add(&mut self, observation: &Value) {
        let metrics = &observation["metrics"];
        self.dead += metrics["dead_letters"].as_u64().unwrap_or(0);
        for operator in metrics["operators"].as_array().into_iter().flatten() {
            let sum = |name: &str| -> f64 {
                let subtasks = operator["subtasks"].as_array().into_iter().flatten();
                subtasks.filter_map(|s| s.get(name).and_then(Value::as_f64)).sum()
            };
            match operator["role"].as_str() {
                Some("source") => {
                    self.records_in += sum("numRecordsIn") as u64;
                    self.pending += sum("pendingRecords") as i64;
                }
                Some("sink") => self.records_out += sum("numRecordsSend") as u64,
                Some(_) | None => {}
            }
        }
        let checkpoints = observation["checkpoints"].as_array().into_iter().flatten();
        self.checkpoints += checkpoints.filter(|c| c["outcome"] == "completed").filter_map(|c| c["checkpoint"].as_u64()).max().unwrap_or(0);
    }
}
