//! Instances as workers see them: find what is wanted, claim it by lease, report what happened.
//!
//! Invariant: at most one worker owns an instance. A claim raises `attempt`; every later write of a worker names its
//! attempt and is refused as [`StoreError::Fenced`] once another worker has claimed the instance. These functions span
//! tenants, because a worker serves all of them; nothing of one tenant reaches another through them.

use crate::{
    Cause, Store, StoreError,
    audit::{Outcome, Record},
    instance::{Instance, instance, lock_instance},
    row,
};
use millrace_domain::{Effect, InstanceEvent, InstanceState, Priority};
use millrace_model::ids::InstanceId;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What a worker reports of an instance that it owns.
#[derive(Debug, Clone)]
pub struct InstanceReport {
    /// The worker's attempt.
    pub attempt: i64,
    /// What happened.
    pub event: InstanceEvent,
    /// Why it failed, as users shall see it; none keeps what is there.
    pub failure: Option<Value>,
    /// Restarts that count from now on; none keeps what is there.
    pub restart_count: Option<i64>,
}

impl Store {
    /// Every instance that a worker has or has to take: those of high priority first (HA-1), then oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn active_instances(&self) -> Result<Vec<Instance>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM instances WHERE state IN ('starting', 'running', 'restarting', 'stopping') ORDER BY updated_at_ms, id",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut active = rows.iter().map(instance).collect::<Result<Vec<_>, _>>()?;
        let priority = |instance: &Instance| instance.allocation.as_ref().map_or(Priority::Normal, |allocation| allocation.priority);
        active.sort_by_key(|instance| std::cmp::Reverse(priority(instance)));
        Ok(active)
    }

    /// Slots that the active instances have taken, by instance.
    ///
    /// # Errors
    /// The database fails.
    pub async fn slots_of_active(&self) -> Result<HashMap<InstanceId, i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.instance_id AS instance_id, d.slots AS slots FROM instance_demands d JOIN instances i ON i.id = d.instance_id \
             WHERE i.state IN ('starting', 'running', 'restarting', 'stopping')",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|found| Ok((InstanceId::new(row::text(found, "instance_id")?), row::integer(found, "slots")?))).collect()
    }

    /// Takes an active instance that nobody owns, whose lease has run out, or that `worker` owned before (its process
    /// was started anew). None if another worker has it or it is not active any more.
    ///
    /// # Errors
    /// The database fails.
    pub async fn claim_instance(&self, id: &InstanceId, worker: &str, lease_until_ms: i64) -> Result<Option<Instance>, StoreError> {
        let now_ms = self.now_ms();
        let claimed = sqlx::query(
            "UPDATE instances SET worker = $2, lease_until_ms = $3, attempt = attempt + 1, updated_at_ms = $4 \
             WHERE id = $1 AND state IN ('starting', 'running', 'restarting', 'stopping') \
             AND (worker IS NULL OR worker = $2 OR lease_until_ms <= $4) RETURNING *",
        )
        .bind(id.as_str())
        .bind(worker)
        .bind(lease_until_ms)
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        claimed.as_ref().map(instance).transpose()
    }

    /// Extends a lease. False if the instance is no longer the worker's: it must stop at once and write nothing more.
    ///
    /// # Errors
    /// The database fails.
    pub async fn renew_lease(&self, id: &InstanceId, attempt: i64, lease_until_ms: i64) -> Result<bool, StoreError> {
        let renewed = sqlx::query("UPDATE instances SET lease_until_ms = $3 WHERE id = $1 AND attempt = $2 AND worker IS NOT NULL")
            .bind(id.as_str())
            .bind(attempt)
            .bind(lease_until_ms)
            .execute(&self.pool)
            .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// How many instances of a kind are in a state, over all tenants: kind, state, number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn count_instances(&self) -> Result<Vec<(String, String, i64)>, StoreError> {
        let rows = sqlx::query("SELECT kind, state, COUNT(*) AS number FROM instances GROUP BY kind, state ORDER BY kind, state")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|r| Ok((row::text(r, "kind")?, row::text(r, "state")?, row::integer(r, "number")?))).collect()
    }

    /// Notes that the current run has completed a checkpoint. It never goes back within a run.
    ///
    /// # Errors
    /// The attempt is over, or the database fails.
    pub async fn note_checkpoint(&self, id: &InstanceId, attempt: i64, checkpoint: i64) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "UPDATE instances SET checkpoint_run = run, checkpoint = $3 WHERE id = $1 AND attempt = $2 AND worker IS NOT NULL \
             AND (checkpoint IS NULL OR checkpoint_run < run OR checkpoint < $3)",
        )
        .bind(id.as_str())
        .bind(attempt)
        .bind(checkpoint)
        .execute(&self.pool)
        .await?;
        if noted.rows_affected() == 0 {
            let current = self.any_instance(id).await?.attempt;
            if current != attempt {
                return Err(StoreError::Fenced { instance: id.as_str().to_owned(), attempt, current });
            }
        }
        Ok(())
    }

    /// The instance with this id, of whatever tenant.
    ///
    /// # Errors
    /// There is none, or the database fails.
    pub async fn any_instance(&self, id: &InstanceId) -> Result<Instance, StoreError> {
        let found = sqlx::query("SELECT * FROM instances WHERE id = $1").bind(id.as_str()).fetch_optional(&self.pool).await?;
        instance(&found.ok_or_else(|| StoreError::not_found("instance", id.as_str()))?)
    }

    /// Applies what a worker reports; answers the instance as it is then and what has to be done.
    ///
    /// # Errors
    /// The event does not fit the state, the attempt is over, or the database fails.
    pub async fn report_instance(
        &self,
        cause: &Cause,
        id: &InstanceId,
        report: &InstanceReport,
    ) -> Result<(Instance, &'static [Effect]), StoreError> {
        let mut tx = self.begin().await?;
        let found = lock_instance(&mut tx, id).await?;
        let mut next = found.ok_or_else(|| StoreError::not_found("instance", id.as_str()))?;
        if next.attempt != report.attempt {
            let (attempt, current) = (report.attempt, next.attempt);
            return Err(StoreError::Fenced { instance: id.as_str().to_owned(), attempt, current });
        }
        let now_ms = self.now_ms();
        let effects = next.apply(report.event, now_ms)?;
        if let Some(failure) = &report.failure {
            next.last_failure = Some(failure.clone());
        }
        if let Some(restarts) = report.restart_count {
            next.restart_count = restarts;
        }
        let is_restart = next.started_at_ms.is_some();
        if next.state == InstanceState::Running && !is_restart {
            next.started_at_ms = Some(now_ms);
        }
        self.save_instance(&mut tx, &next).await?;
        let action = format!("instance.{}", report.event);
        let record = Record {
            tenant: Some(&next.scope.tenant),
            project: Some(&next.scope.project),
            action: &action,
            object: id.as_str(),
            outcome: Outcome::Done,
            detail: json!({
                "state": next.state, "attempt": next.attempt, "run": next.run, "is_restart": is_restart, "failure": report.failure,
            }),
        };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok((next, effects))
    }

    /// Notes in the history of an instance that its run begins without state, because there was none to go on from.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_fresh_start(&self, of: &Instance) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let record = Record {
            tenant: Some(&of.scope.tenant),
            project: Some(&of.scope.project),
            action: "instance.began_fresh",
            object: of.id.as_str(),
            outcome: Outcome::Done,
            detail: json!({"run": of.run, "reason": "no run of the instance before has left a checkpoint or savepoint"}),
        };
        self.audit(&mut tx, &Cause::system("worker"), record).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Shows users a failure that changes no state, such as a checkpoint that could not be written.
    ///
    /// # Errors
    /// The attempt is over, or the database fails.
    pub async fn note_failure(&self, id: &InstanceId, attempt: i64, failure: &Value) -> Result<(), StoreError> {
        let noted = sqlx::query("UPDATE instances SET last_failure_json = $3, updated_at_ms = $4 WHERE id = $1 AND attempt = $2")
            .bind(id.as_str())
            .bind(attempt)
            .bind(failure.to_string())
            .bind(self.now_ms())
            .execute(&self.pool)
            .await?;
        if noted.rows_affected() == 0 {
            let current = self.any_instance(id).await?.attempt;
            return Err(StoreError::Fenced { instance: id.as_str().to_owned(), attempt, current });
        }
        Ok(())
    }
}
