//! Instances whose workers are lost while they run them.
//!
//! A lost worker is mostly nobody's fault. One that is lost each time that it runs an instance, which gets no further
//! meanwhile, probably is the instance's: it is not run for a fourth time, so that it does not take every worker down.

use super::{Driver, Over};
use crate::{FailureReport, start_point};
use millrace_domain::InstanceEvent;
use millrace_model::FaultClass;
use serde::{Deserialize, Serialize};

/// Workers that may be lost in a row.
const LOSSES_MAX: u32 = 3;
/// A loss so long after the one before is another story.
const IN_A_ROW_MS: i64 = 3_600_000;
/// Where the report of a failure keeps the count.
const FIELD: &str = "workers_lost";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Losses {
    in_a_row: u32,
    /// The run and its newest checkpoint: whoever makes one gets further.
    run: i64,
    checkpoint: Option<u64>,
    at_ms: i64,
}

impl Losses {
    /// With one more, after those `before`.
    fn after(before: Option<Self>, run: i64, checkpoint: Option<u64>, at_ms: i64) -> Self {
        let same = |b: &Self| b.run == run && b.checkpoint == checkpoint && at_ms.saturating_sub(b.at_ms) < IN_A_ROW_MS;
        Self { in_a_row: before.filter(same).map_or(1, |b| b.in_a_row.saturating_add(1)), run, checkpoint, at_ms }
    }
}

impl Driver {
    /// Says that the worker which ran the instance was lost. False: that has happened too often, and it is not run again.
    ///
    /// # Errors
    /// The attempt is over.
    pub(super) async fn report_lost_worker(&mut self) -> Result<bool, Over> {
        let run = start_point::run_id(&self.instance.id, self.instance.run);
        let Ok(checkpoint) = start_point::latest_complete(&*self.worker.checkpoints, &run).await else {
            // Whether it got further cannot be told.
            return self.report(InstanceEvent::WorkerLost, None).await.map(|()| true);
        };
        let before = self.instance.last_failure.as_ref().and_then(|failure| failure.get(FIELD));
        let before = before.and_then(|losses| Losses::deserialize(losses).ok());
        let now_ms = self.worker.store.now_ms();
        let losses = Losses::after(before, self.instance.run, checkpoint, now_ms);
        let goes_on = losses.in_a_row < LOSSES_MAX;
        let times = losses.in_a_row;
        let message = if goes_on {
            format!("the worker that ran it was lost ({times} in a row, without a new checkpoint)")
        } else {
            format!(
                "{times} workers in a row were lost while they ran it, without a new checkpoint: it is not run again; look at the memory that it uses and at the worker's log, then start it again"
            )
        };
        let class = FaultClass::External;
        let report = FailureReport { class, retryable: goes_on, operator: None, message, fault: None, at_ms: now_ms };
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        if let (Some(fields), Ok(losses)) = (value.as_object_mut(), serde_json::to_value(losses)) {
            fields.insert(FIELD.into(), losses);
        }
        self.show(|view| view.last_failure = Some(report));
        let event = if goes_on { InstanceEvent::WorkerLost } else { InstanceEvent::FailedForGood };
        self.report_as(event, Some(value)).await.map(|()| goes_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_in_a_row_while_nothing_gets_further() {
        let first = Losses::after(None, 1, Some(7), 1_000);
        assert_eq!(first.in_a_row, 1);
        let second = Losses::after(Some(first), 1, Some(7), 2_000);
        assert_eq!(second.in_a_row, 2);
        assert_eq!(Losses::after(Some(second), 1, Some(8), 3_000).in_a_row, 1);
        assert_eq!(Losses::after(Some(second), 2, Some(7), 3_000).in_a_row, 1);
        assert_eq!(Losses::after(Some(second), 1, Some(7), 2_000 + IN_A_ROW_MS).in_a_row, 1);
        assert_eq!(Losses::after(Some(second), 1, Some(7), 3_000).in_a_row, 3);
    }
}
