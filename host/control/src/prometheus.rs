//! Metrics of this worker in Prometheus text format 0.0.4, under Flink's names
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! Invariant: label values are escaped; no label holds data of records.

use crate::{ExecutionPhase, local::View};
use millrace_engine::{CheckpointOutcome, CheckpointSummary, JobMetrics, TenantAccounts, metrics::PARTITION_WATERMARK};
use millrace_model::ids::InstanceId;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Metrics whose value only grows while an execution runs; the others go up and down.
const COUNTER_PREFIXES: [&str; 3] = ["num", "accumulate", "recovered"];

#[derive(Default)]
struct Families {
    /// Type and lines by metric name: Prometheus wants the lines of a name together.
    by_name: BTreeMap<String, (&'static str, String)>,
}

impl Families {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let is_counter =
            COUNTER_PREFIXES.iter().any(|p| name.trim_start_matches("millrace_operator_").starts_with(p)) && !name.ends_with("PerSecond");
        let kind = if is_counter || name.ends_with("_total") { "counter" } else { "gauge" };
        let (_, lines) = self.by_name.entry(name.to_owned()).or_insert_with(|| (kind, String::new()));
        lines.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(lines, "{}{label}=\"{}\"", if index == 0 { '{' } else { ',' }, escape(text));
        }
        let _ = writeln!(lines, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn text(self) -> String {
        let mut text = String::new();
        for (name, (kind, lines)) in self.by_name {
            let _ = write!(text, "# TYPE {name} {kind}\n{lines}");
        }
        text
    }
}

/// All metrics of a worker.
pub(crate) fn render(worker: &str, views: &[(InstanceId, Arc<Mutex<View>>)], accounts: &TenantAccounts) -> String {
    let mut families = Families::default();
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let mut phases: BTreeMap<&str, u32> = BTreeMap::new();
    for (id, view) in views {
        let view = view.lock();
        *phases.entry(phase_name(view.phase)).or_default() += 1;
        let (tenant, project) = view.scope.as_ref().map_or(("", ""), |s| (s.tenant.as_str(), s.project.as_str()));
        let base = [("tenant", tenant), ("project", project), ("job", view.job.as_str()), ("instance", id.as_str())];
        families.add("millrace_instance_restarts", &base, f64::from(view.restarts));
        if let Some(ms) = view.start_duration_ms {
            families.add("millrace_instance_start_duration_ms", &base, ms as f64);
        }
        if let Some(metrics) = view.metrics() {
            job_metrics(&mut families, &base, &metrics);
        }
        if let Some(execution) = &view.execution {
            checkpoint_metrics(&mut families, &base, &execution.checkpoints(), now_ms);
        }
    }
    for (phase, count) in phases {
        families.add("millrace_instances", &[("worker", worker), ("phase", phase)], f64::from(count));
    }
    // Also of a worker that has nothing to do something is said.
    families.add("millrace_worker_up", &[("worker", worker)], 1.0);
    tenant_usage(&mut families, accounts);
    families.text()
}

/// The last complete checkpoint, and how many of the newest ones have failed.
fn checkpoint_metrics(families: &mut Families, base: &[(&str, &str)], newest_last: &[CheckpointSummary], now_ms: i64) {
    let failed = newest_last.iter().filter(|c| matches!(c.outcome, CheckpointOutcome::Failed { .. })).count();
    families.add("millrace_instance_recent_failed_checkpoints", base, failed as f64);
    let is_complete = |c: &&CheckpointSummary| matches!(c.outcome, CheckpointOutcome::Completed { .. });
    if let Some(last) = newest_last.iter().rev().find(is_complete) {
        let ended_ms = last.started_ms.saturating_add(i64::try_from(last.duration_ms).unwrap_or(i64::MAX));
        families.add("millrace_instance_last_checkpoint_duration_ms", base, last.duration_ms as f64);
        families.add("millrace_instance_last_checkpoint_age_ms", base, now_ms.saturating_sub(ended_ms).max(0) as f64);
    }
}

fn job_metrics(families: &mut Families, base: &[(&str, &str)], metrics: &JobMetrics) {
    families.add("millrace_instance_uptime_ms", base, metrics.uptime_ms as f64);
    families.add("millrace_instance_dead_letters_total", base, metrics.dead_letters as f64);
    let of_sources = metrics.operators.iter().flat_map(|operator| &operator.subtasks);
    if let Some(watermark) = of_sources.filter_map(|subtask| subtask.get("currentOutputWatermark")).copied().reduce(f64::min) {
        families.add("millrace_instance_watermark_ms", base, watermark);
    }
    for operator in &metrics.operators {
        let mut labels = base.to_vec();
        labels.push(("operator", operator.node.as_str()));
        for (number, subtask) in operator.subtasks.iter().enumerate() {
            let number = number.to_string();
            let mut labels = labels.clone();
            labels.push(("subtask", &number));
            for (name, value) in subtask {
                if let Some(partition) = name.strip_prefix(PARTITION_WATERMARK) {
                    let labels = [labels.as_slice(), &[("partition", partition)]].concat();
                    families.add("millrace_operator_partitionOutputWatermark", &labels, *value);
                    continue;
                }
                families.add(&format!("millrace_operator_{name}"), &labels, *value);
            }
        }
        for (counter, value) in &operator.counters {
            let mut labels = labels.clone();
            labels.push(("counter", counter));
            families.add("millrace_operator_counter_total", &labels, *value as f64);
        }
    }
}

fn tenant_usage(families: &mut Families, accounts: &TenantAccounts) {
    for (tenant, account) in accounts.all() {
        if let Ok(serde_json::Value::Object(usage)) = serde_json::to_value(account.usage()) {
            for (name, value) in usage {
                if let Some(value) = value.as_f64() {
                    families.add(&format!("millrace_tenant_{name}"), &[("tenant", tenant.as_str())], value);
                }
            }
        }
    }
}

fn phase_name(phase: ExecutionPhase) -> &'static str {
    match phase {
        ExecutionPhase::Starting => "starting",
        ExecutionPhase::Running => "running",
        ExecutionPhase::BackingOff => "backing_off",
        ExecutionPhase::Stopping => "stopping",
        ExecutionPhase::Ended => "ended",
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_complete_checkpoint_and_failed_ones_are_shown() {
        let made = |checkpoint, started_ms, duration_ms, outcome| CheckpointSummary {
            checkpoint,
            savepoint: None,
            started_ms,
            duration_ms,
            outcome,
        };
        let all = [
            made(1, 0, 5, CheckpointOutcome::Completed { size_bytes: 1, written_bytes: 1 }),
            made(2, 1_000, 20, CheckpointOutcome::Completed { size_bytes: 1, written_bytes: 1 }),
            made(3, 2_000, 7, CheckpointOutcome::Failed { reason: "disk".into() }),
            made(4, 3_000, 0, CheckpointOutcome::InProgress),
        ];
        let mut families = Families::default();
        checkpoint_metrics(&mut families, &[("instance", "i")], &all, 3_020);
        let text = families.text();
        for line in [
            "millrace_instance_recent_failed_checkpoints{instance=\"i\"} 1\n",
            "millrace_instance_last_checkpoint_duration_ms{instance=\"i\"} 20\n",
            "millrace_instance_last_checkpoint_age_ms{instance=\"i\"} 2000\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn lines_of_one_name_stand_together_and_labels_are_escaped() {
        let mut families = Families::default();
        families.add("millrace_operator_numRecordsIn", &[("job", "a\"b\\\n"), ("subtask", "0")], 5.0);
        families.add("millrace_instances", &[], 2.0);
        families.add("millrace_operator_numRecordsIn", &[("job", "c")], 1.5);
        families.add("millrace_operator_numRecordsInPerSecond", &[], 0.5);
        let expected = "# TYPE millrace_instances gauge\nmillrace_instances 2\n\
            # TYPE millrace_operator_numRecordsIn counter\n\
            millrace_operator_numRecordsIn{job=\"a\\\"b\\\\\\n\",subtask=\"0\"} 5\nmillrace_operator_numRecordsIn{job=\"c\"} 1.5\n\
            # TYPE millrace_operator_numRecordsInPerSecond gauge\nmillrace_operator_numRecordsInPerSecond 0.5\n";
        assert_eq!(families.text(), expected);
    }
}
