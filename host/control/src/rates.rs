//! Rates per second, worked out from readings of counters as Flink's `MeterView` does: a reading every five seconds, the
//! rate over the last minute (<https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/metrics/#meter>).
//!
//! Invariant: pure; the caller passes the time. A counter that has fallen (a new execution) starts a new window.

use millrace_engine::JobMetrics;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Counters and the names of their rates.
const RATES: [(&str, &str); 4] = [
    ("numRecordsIn", "numRecordsInPerSecond"),
    ("numRecordsOut", "numRecordsOutPerSecond"),
    ("numBytesIn", "numBytesInPerSecond"),
    ("numBytesSend", "numBytesSendPerSecond"),
];
/// Time between two readings.
const EVERY: Duration = Duration::from_secs(5);
/// Length of the window.
const WINDOW: Duration = Duration::from_secs(60);

/// Counters of all subtasks in the order of the metrics.
type Counts = Vec<[f64; RATES.len()]>;

/// Readings of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    readings: VecDeque<(Instant, Counts)>,
}

impl Rates {
    /// Whether it is time for a reading.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.readings.back().is_none_or(|(at, _)| now.duration_since(*at) >= EVERY)
    }

    /// Keeps a reading.
    pub(crate) fn read(&mut self, metrics: &JobMetrics, now: Instant) {
        let counts = counts(metrics);
        let fallen = self.readings.back().is_some_and(|(_, last)| {
            last.len() != counts.len() || last.iter().flatten().zip(counts.iter().flatten()).any(|(before, after)| after < before)
        });
        if fallen {
            self.readings.clear();
        }
        self.readings.push_back((now, counts));
        // The oldest reading stays while the next one would make the window shorter than a minute.
        while self.readings.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.readings.pop_front();
        }
    }

    /// Adds the rates to `metrics`.
    pub(crate) fn add_to(&self, metrics: &mut JobMetrics, now: Instant) {
        let Some((since, before)) = self.readings.front() else { return };
        let elapsed_s = now.duration_since(*since).as_secs_f64();
        if elapsed_s < 0.1 {
            return;
        }
        let after = counts(metrics);
        if after.len() != before.len() {
            return;
        }
        let subtasks = metrics.operators.iter_mut().flat_map(|o| o.subtasks.iter_mut());
        for ((subtask, before), after) in subtasks.zip(before).zip(&after) {
            for (((counter, rate), before), after) in RATES.iter().zip(before).zip(after) {
                if subtask.contains_key(*counter) {
                    subtask.insert((*rate).to_owned(), ((after - before) / elapsed_s).max(0.0));
                }
            }
        }
    }
}

fn counts(metrics: &JobMetrics) -> Counts {
    let subtasks = metrics.operators.iter().flat_map(|o| o.subtasks.iter());
    subtasks.map(|s| RATES.map(|(counter, _)| s.get(counter).copied().unwrap_or(0.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_engine::{OperatorMetrics, metrics::OperatorRole};
    use millrace_model::ids::NodeId;
    use std::collections::BTreeMap;

    fn metrics(records_in: f64) -> JobMetrics {
        let operator = OperatorMetrics {
            node: NodeId::new("in"),
            name: "in".into(),
            kind: "kafka_source".into(),
            role: OperatorRole::Source,
            subtasks: vec![BTreeMap::from([("numRecordsIn".to_owned(), records_in)])],
            counters: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        JobMetrics { uptime_ms: 0, dead_letters: 0, operators: vec![operator], dimension_tables: Vec::new() }
    }

    fn rate(rates: &Rates, records_in: f64, now: Instant) -> Option<f64> {
        let mut metrics = metrics(records_in);
        rates.add_to(&mut metrics, now);
        assert!(!metrics.operators[0].subtasks[0].contains_key("numRecordsOutPerSecond"), "only counters that are there");
        metrics.operators[0].subtasks[0].get("numRecordsInPerSecond").copied()
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rates = Rates::default();
        assert_eq!(rate(&rates, 0.0, start), None);
        for second in (0..=120).step_by(5) {
            assert!(rates.is_due(at(second)));
            // Ten a second in the first minute, twenty in the second.
            let records = if second <= 60 { second * 10 } else { 600 + (second - 60) * 20 };
            rates.read(&metrics(records as f64), at(second));
            assert!(!rates.is_due(at(second)));
        }
        assert_eq!(rate(&rates, 1_800.0, at(120)), Some(20.0));
    }

    #[test]
    fn a_new_execution_starts_anew() {
        let start = Instant::now();
        let mut rates = Rates::default();
        rates.read(&metrics(1_000.0), start);
        rates.read(&metrics(10.0), start + Duration::from_secs(5));
        assert_eq!(rate(&rates, 60.0, start + Duration::from_secs(10)), Some(10.0));
    }
}
