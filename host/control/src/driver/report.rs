//! Reports to the metadata store, repeated while it cannot be reached.

use super::{Driver, Over};
use crate::{FailureReport, local::Wish};
use millrace_domain::InstanceEvent;
use millrace_store::{Cause, InstanceReport, StoreError};
use std::time::Duration;

/// First wait before a report is repeated.
const RETRY_MIN: Duration = Duration::from_millis(50);
/// Longest wait before a report is repeated.
const RETRY_MAX: Duration = Duration::from_secs(2);

impl Driver {
    /// Reports `event` and keeps the instance as it is then. An event that no longer fits changes nothing: the instance
    /// is read again instead.
    ///
    /// # Errors
    /// The attempt is over.
    pub(super) async fn report(&mut self, event: InstanceEvent, failure: Option<FailureReport>) -> Result<(), Over> {
        let failure = failure.and_then(|f| serde_json::to_value(f).ok());
        self.report_as(event, failure).await
    }

    /// As [`Self::report`], with the failure as it is kept.
    pub(super) async fn report_as(&mut self, event: InstanceEvent, failure: Option<serde_json::Value>) -> Result<(), Over> {
        let report = InstanceReport {
            attempt: self.instance.attempt,
            event,
            restart_count: failure.as_ref().map(|_| i64::from(self.failures.restarts())),
            failure,
        };
        let cause = Cause::system("reconciler");
        let mut wait = RETRY_MIN;
        loop {
            match self.worker.store.report_instance(&cause, &self.instance.id, &report).await {
                Ok((instance, _)) => {
                    tracing::info!(instance = %instance.id, job = %instance.job, %event, state = %instance.state, "instance");
                    self.instance = instance;
                    return Ok(());
                }
                Err(StoreError::Fenced { .. } | StoreError::NotFound { .. }) => return Err(Over::NotOurs),
                Err(StoreError::Lifecycle(rejected)) => {
                    tracing::debug!(instance = %self.instance.id, %rejected, "the report comes too late");
                    self.instance = self.worker.store.any_instance(&self.instance.id).await.map_err(|_| Over::NotOurs)?;
                    return Ok(());
                }
                Err(error) => tracing::warn!(instance = %self.instance.id, %event, %error, "cannot report; trying again"),
            }
            if *self.wish.borrow() == Wish::Abandon {
                return Err(Over::NotOurs);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }
}
