//! Instances as users see them: made from a version, told to start and to stop.
//!
//! Invariant: the state changes only through `millrace_domain::lifecycle::transition` and by compare-and-set on the state
//! that the decision was made from. What workers do with instances is in `instance_worker`.

use crate::{
    Cause, Page, PageRequest, Store, StoreError,
    audit::done_in,
    data_source::row_scope,
    error::unless_used,
    row,
    savepoint::{SavepointState, savepoint},
    transaction::Transaction,
};
use millrace_domain::{Action, Allocation, Effect, InstanceEvent, InstanceKind, InstanceState, ProjectScope, lifecycle::transition};
use millrace_model::{
    graph::RestartPolicy,
    ids::{InstanceId, JobId, SavepointId, VersionId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// Where the state of a start comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum StartFrom {
    /// Nowhere: empty state, sources at their configured positions.
    Fresh,
    /// Without state, sources at the records of this time (RUN-4).
    Time {
        /// When, in milliseconds since the epoch.
        timestamp_ms: i64,
    },
    /// A completed savepoint of the project.
    Savepoint {
        /// Which.
        savepoint: SavepointId,
        /// Whether state that does not fit the version is left out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        allow_partial: bool,
    },
    /// The latest completed checkpoint or savepoint of an instance of the project.
    Latest {
        /// Which; may be the instance itself.
        instance: InstanceId,
        /// Whether state that does not fit the version is left out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        allow_partial: bool,
        /// Whether it begins without state if the instance has none: so it is where nobody has said where to start.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        or_fresh: bool,
        /// Where it starts instead if the instance has no state: the state that an earlier start was to go on from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<Box<StartFrom>>,
    },
}

impl StartFrom {
    /// The latest state of an instance, all of it.
    #[must_use]
    pub fn latest(instance: InstanceId) -> Self {
        Self::Latest { instance, allow_partial: false, or_fresh: false, instead: None }
    }

    /// The latest state of an instance that was started by `before`; where it has none, the state of that start, if any.
    #[must_use]
    pub fn again(instance: InstanceId, before: Self) -> Self {
        let instead = match before {
            Self::Latest { instance: own, instead, .. } if own == instance => instead,
            Self::Fresh | Self::Time { .. } => None,
            Self::Savepoint { .. } | Self::Latest { .. } => Some(Box::new(before)),
        };
        Self::Latest { instance, allow_partial: false, or_fresh: instead.is_none(), instead }
    }
}

/// An instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Id, `ins_…`.
    pub id: InstanceId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// The job.
    pub job: JobId,
    /// The version that runs.
    pub version: VersionId,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Whether the stop that is going on takes a savepoint first.
    pub stop_with_savepoint: bool,
    /// Where the current run starts from.
    pub start: StartFrom,
    /// Values for the job's parameters.
    pub parameters: BTreeMap<String, String>,
    /// How often a user has started it; checkpoints belong to a run.
    pub run: i64,
    /// The worker that owns it.
    pub worker: Option<String>,
    /// The worker owns it until then, in milliseconds since the epoch.
    pub lease_until_ms: Option<i64>,
    /// How often a worker has claimed it; fences workers that have lost it.
    pub attempt: i64,
    /// Restarts after failures in this run that still count.
    pub restart_count: i64,
    /// The last failure of this run.
    pub last_failure: Option<Value>,
    /// Who made it.
    pub created_by: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
    /// Rows first flowed in this run at.
    pub started_at_ms: Option<i64>,
    /// Stopped, failed or finished at.
    pub ended_at_ms: Option<i64>,
    /// Whether it is a test or in production.
    pub kind: InstanceKind,
    /// The release that it came to production with.
    pub release: Option<String>,
    /// What it may use.
    pub allocation: Option<Allocation>,
    /// Its restart policy instead of the job's.
    pub restart: Option<RestartPolicy>,
    /// It starts by itself when this instance has ended.
    pub start_after: Option<InstanceId>,
    /// The newest checkpoint that is known to be complete; none if no run of it has taken one.
    pub complete: Option<CompleteCheckpoint>,
}

/// A checkpoint that a worker has seen complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompleteCheckpoint {
    /// The run that took it.
    pub run: i64,
    /// Its number within the run.
    pub checkpoint: i64,
}

/// An instance to make.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// The job.
    pub job: JobId,
    /// The version to run.
    pub version: VersionId,
    /// Where the first run starts from.
    pub start: StartFrom,
    /// Values for the job's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its restart policy instead of the job's.
    pub restart: Option<RestartPolicy>,
    /// What makes it a production instance.
    pub production: Option<NewProduction>,
}

/// What only production instances have.
#[derive(Debug, Clone)]
pub struct NewProduction {
    /// The release.
    pub release: String,
    /// What it may use.
    pub allocation: Allocation,
    /// It starts by itself when this instance has ended.
    pub start_after: Option<InstanceId>,
}

/// Which instances to list.
#[derive(Debug, Clone, Default)]
pub struct InstanceFilter {
    /// Only of this job.
    pub job: Option<JobId>,
    /// Only test or only production instances.
    pub kind: Option<InstanceKind>,
    /// Only in this state.
    pub state: Option<InstanceState>,
}

/// What a user asks of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceRequest {
    /// Run. Without a place to start from: as it was made the first time, and from its own latest state later.
    Start {
        /// Where the state comes from.
        from: Option<StartFrom>,
        /// Values for the job's parameters from now on; none keeps those that it has.
        parameters: Option<BTreeMap<String, String>>,
    },
    /// Stop.
    Stop {
        /// Take a savepoint first.
        with_savepoint: bool,
    },
}

impl Store {
    /// Makes an instance; it does not start by itself.
    ///
    /// # Errors
    /// The version or what it starts from is not there, the project is archived, or the database fails.
    pub async fn create_instance(&self, cause: &Cause, scope: &ProjectScope, new: &NewInstance) -> Result<Instance, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let made = self.create_instance_in(&mut tx, cause, scope, new).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// As [`Store::create_instance`] within `tx`, which has entered the project.
    pub(crate) async fn create_instance_in(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        new: &NewInstance,
    ) -> Result<Instance, StoreError> {
        let id = self.new_id("ins");
        let version = sqlx::query("SELECT id FROM job_versions WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 AND id = $4")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(new.job.as_str())
            .bind(new.version.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        if version.is_none() {
            return Err(StoreError::not_found("version", new.version.as_str()));
        }
        self.check_start(tx, scope, &new.start).await?;
        let production = new.production.as_ref();
        let kind = if production.is_some() { InstanceKind::Production } else { InstanceKind::Test };
        let made = sqlx::query(
            "INSERT INTO instances (id, tenant_id, project_id, job_id, version_id, state, stop_with_savepoint, start_json, \
             parameters_json, run, attempt, restart_count, created_by, created_at_ms, updated_at_ms, kind, release_id, allocation_json, \
             restart_json, start_after) \
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, 0, 0, 0, $9, $10, $10, $11, $12, $13, $14, $15) RETURNING *",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.job.as_str())
        .bind(new.version.as_str())
        .bind(InstanceState::Created.as_str())
        .bind(row::to_json(&new.start)?)
        .bind(row::to_json(&new.parameters)?)
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .bind(kind.as_str())
        .bind(production.map(|p| p.release.clone()))
        .bind(production.map(|p| row::to_json(&p.allocation)).transpose()?)
        .bind(new.restart.as_ref().map(row::to_json).transpose()?)
        .bind(production.and_then(|p| p.start_after.as_ref()).map(|id| id.as_str().to_owned()))
        .fetch_one(&mut **tx)
        .await?;
        let names: Vec<_> = new.parameters.keys().collect();
        let detail = json!({"job": new.job, "version": new.version, "start": new.start, "parameters": names, "kind": kind});
        self.audit(tx, cause, done_in(scope, Action::InstanceCreate, &id, detail)).await?;
        instance(&made)
    }

    /// The instance with this id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn instance(&self, scope: &ProjectScope, id: &InstanceId) -> Result<Instance, StoreError> {
        let found = sqlx::query("SELECT * FROM instances WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        instance(&found.ok_or_else(|| StoreError::not_found("instance", id.as_str()))?)
    }

    /// The instances of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn instances(&self, scope: &ProjectScope, filter: &InstanceFilter, page: &PageRequest) -> Result<Page<Instance>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM instances WHERE tenant_id = $1 AND project_id = $2 AND id < $3 AND ($4 = '' OR job_id = $4) \
             AND ($5 = '' OR kind = $5) AND ($6 = '' OR state = $6) ORDER BY id DESC LIMIT $7",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(page.before()?)
        .bind(filter.job.as_ref().map(|j| j.as_str().to_owned()).unwrap_or_default())
        .bind(filter.kind.map(InstanceKind::as_str).unwrap_or_default())
        .bind(filter.state.map(InstanceState::as_str).unwrap_or_default())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let instances = rows.iter().map(instance).collect::<Result<_, _>>()?;
        Ok(page.page(instances, |i: &Instance| i.id.as_str()))
    }

    /// Changes the state as the user asks; a worker acts on it later.
    ///
    /// # Errors
    /// The state does not allow it, what it starts from is not there, the project is archived, or the database fails.
    pub async fn request_instance(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &InstanceId,
        request: &InstanceRequest,
    ) -> Result<Instance, StoreError> {
        if matches!(request, InstanceRequest::Start { .. }) {
            self.may_start(cause, scope, id).await?;
        }
        let mut tx = self.begin().await?;
        if matches!(request, InstanceRequest::Start { .. }) {
            self.enter(&mut tx, scope).await?;
            self.note_starter(&mut tx, cause, id).await?;
        }
        let next = self.request_instance_in(&mut tx, cause, scope, id, request).await?;
        tx.commit().await?;
        Ok(next)
    }

    /// As [`Store::request_instance`] within `tx`, which has entered the project if this is a start.
    pub(crate) async fn request_instance_in(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        id: &InstanceId,
        request: &InstanceRequest,
    ) -> Result<Instance, StoreError> {
        let found = lock_instance(tx, id).await?.filter(|found| found.scope == *scope);
        let mut next = found.ok_or_else(|| StoreError::not_found("instance", id.as_str()))?;
        let action = match request {
            InstanceRequest::Start { from, parameters } => {
                self.as_released(tx, &mut next, parameters.as_ref()).await?;
                next.apply(InstanceEvent::Start, self.now_ms())?;
                next.start = match from {
                    Some(from) => from.clone(),
                    None if next.run == 0 => next.start,
                    None => StartFrom::again(id.clone(), next.start),
                };
                self.check_start(tx, scope, &next.start).await?;
                if let (Some(parameters), InstanceKind::Test) = (parameters, next.kind) {
                    next.parameters.clone_from(parameters);
                }
                self.admit_start(tx, &next).await?;
                next.run += 1;
                next.start_after = None;
                (next.started_at_ms, next.ended_at_ms, next.last_failure) = (None, None, None);
                Action::InstanceStart
            }
            InstanceRequest::Stop { with_savepoint } => {
                next.apply(InstanceEvent::Stop, self.now_ms())?;
                next.stop_with_savepoint = *with_savepoint;
                Action::InstanceStop
            }
        };
        self.save_instance(tx, &next).await?;
        let detail = json!({
            "state": next.state, "run": next.run, "start": next.start, "with_savepoint": next.stop_with_savepoint,
            "parameters": next.parameters.keys().collect::<Vec<_>>(),
        });
        self.audit(tx, cause, done_in(scope, action, id.as_str(), detail)).await?;
        Ok(next)
    }

    /// Says how an instance is restarted after failures from its next start on; none: as its job says.
    ///
    /// # Errors
    /// It is not there, the project is archived, or the database fails.
    pub async fn set_restart_policy(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &InstanceId,
        policy: Option<&RestartPolicy>,
    ) -> Result<Instance, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let found = lock_instance(&mut tx, id).await?.filter(|found| found.scope == *scope);
        let mut next = found.ok_or_else(|| StoreError::not_found("instance", id.as_str()))?;
        next.restart = policy.cloned();
        next.updated_at_ms = self.now_ms();
        self.save_instance(&mut tx, &next).await?;
        self.audit(&mut tx, cause, done_in(scope, Action::InstanceStart, id.as_str(), json!({"restart": policy}))).await?;
        tx.commit().await?;
        Ok(next)
    }

    /// Removes an instance that does not run, with its log.
    ///
    /// # Errors
    /// It is not there, runs, has savepoints or belongs to a release, the project is archived, or the database fails.
    pub async fn delete_instance(&self, cause: &Cause, scope: &ProjectScope, id: &InstanceId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let found = lock_instance(&mut tx, id).await?.filter(|found| found.scope == *scope);
        let found = found.ok_or_else(|| StoreError::not_found("instance", id.as_str()))?;
        let in_use = |by: &str| StoreError::InUse { what: "instance", name: id.as_str().to_owned(), by: by.to_owned() };
        if found.state.is_active() {
            return Err(in_use("it runs; stop it first"));
        }
        let used = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM savepoints WHERE instance_id = $1) AS savepoints, \
             (SELECT COUNT(*) FROM releases WHERE test_instance_id = $1 OR instance_id = $1) AS releases",
        );
        let used = used.bind(id.as_str()).fetch_one(&mut *tx).await?;
        if row::integer(&used, "savepoints")? > 0 {
            return Err(in_use("it has savepoints; remove them first (millrace savepoint list)"));
        }
        if row::integer(&used, "releases")? > 0 {
            return Err(in_use("a release names it"));
        }
        for table in ["instance_logs", "quality_results", "instance_demands"] {
            // Names of ours.
            let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE instance_id = $1"));
            sqlx::query(delete).bind(id.as_str()).execute(&mut *tx).await?;
        }
        let removed = sqlx::query("DELETE FROM instances WHERE id = $1").bind(id.as_str()).execute(&mut *tx).await;
        removed.map_err(unless_used("instance", id.as_str()))?;
        self.audit(&mut tx, cause, done_in(scope, Action::InstanceCreate, id.as_str(), json!({"removed": true}))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Starts the instances whose predecessor has ended; answers how many.
    ///
    /// # Errors
    /// The database fails.
    pub async fn start_due_successors(&self, cause: &Cause) -> Result<usize, StoreError> {
        let due = sqlx::query(
            "SELECT * FROM instances WHERE start_after IS NOT NULL AND state = 'created' AND NOT EXISTS (SELECT 1 FROM instances p \
             WHERE p.id = instances.start_after AND p.state IN ('starting', 'running', 'restarting', 'stopping')) ORDER BY id LIMIT 100",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut started = 0;
        for found in &due {
            let found = instance(found)?;
            let mut tx = self.begin().await?;
            let start = InstanceRequest::Start { from: None, parameters: None };
            let begun = match self.enter(&mut tx, &found.scope).await {
                Ok(()) => self.request_instance_in(&mut tx, cause, &found.scope, &found.id, &start).await,
                Err(error) => Err(error),
            };
            match begun {
                Ok(_) => {
                    tx.commit().await?;
                    started += 1;
                }
                // There may be room later: it is tried again.
                Err(StoreError::QuotaExceeded { .. }) => drop(tx),
                // Somebody was faster, or it may not start any more: it waits no longer, and its page says why it is `created`.
                Err(
                    StoreError::Lifecycle(_)
                    | StoreError::Conflict { .. }
                    | StoreError::NotFound { .. }
                    | StoreError::Invalid { .. }
                    | StoreError::Archived(_),
                ) => {
                    drop(tx);
                    let forget = sqlx::query("UPDATE instances SET start_after = NULL WHERE id = $1");
                    forget.bind(found.id.as_str()).execute(&self.pool).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(started)
    }

    /// What a start is to begin from must be in the project and usable.
    async fn check_start(&self, tx: &mut Transaction, scope: &ProjectScope, start: &StartFrom) -> Result<(), StoreError> {
        let (sql, id, what) = match start {
            StartFrom::Fresh => return Ok(()),
            StartFrom::Time { timestamp_ms } if *timestamp_ms >= 0 => return Ok(()),
            StartFrom::Time { timestamp_ms } => {
                let message = format!("the time {timestamp_ms} is before 1970; expected milliseconds since then");
                return Err(StoreError::Invalid { field: "start", message });
            }
            StartFrom::Savepoint { savepoint, .. } => {
                // The update takes the row's lock: nobody removes what a start begins from.
                let locked = "UPDATE savepoints SET state = state WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING *";
                (locked, savepoint.as_str(), "savepoint")
            }
            StartFrom::Latest { instance, .. } => {
                ("SELECT * FROM instances WHERE tenant_id = $1 AND project_id = $2 AND id = $3", instance.as_str(), "instance")
            }
        };
        let found = sqlx::query(sql)
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?
            .ok_or_else(|| StoreError::not_found(what, id))?;
        if let StartFrom::Savepoint { .. } = start {
            let state = savepoint(&found)?.state;
            if state != SavepointState::Completed {
                let message = format!("savepoint `{id}` is {}; only a completed one can be started from", state.as_str());
                return Err(StoreError::Invalid { field: "start", message });
            }
        }
        Ok(())
    }

    /// Writes everything that may change; the row is locked by `tx`.
    pub(crate) async fn save_instance(&self, tx: &mut Transaction, next: &Instance) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE instances SET state = $2, stop_with_savepoint = $3, start_json = $4, run = $5, worker = $6, lease_until_ms = $7, \
             attempt = $8, restart_count = $9, last_failure_json = $10, updated_at_ms = $11, started_at_ms = $12, ended_at_ms = $13, \
             parameters_json = $14, restart_json = $15, start_after = $16 WHERE id = $1",
        )
        .bind(next.id.as_str())
        .bind(next.state.as_str())
        .bind(i64::from(next.stop_with_savepoint))
        .bind(row::to_json(&next.start)?)
        .bind(next.run)
        .bind(next.worker.clone())
        .bind(next.lease_until_ms)
        .bind(next.attempt)
        .bind(next.restart_count)
        .bind(next.last_failure.as_ref().map(Value::to_string))
        .bind(next.updated_at_ms)
        .bind(next.started_at_ms)
        .bind(next.ended_at_ms)
        .bind(row::to_json(&next.parameters)?)
        .bind(next.restart.as_ref().map(row::to_json).transpose()?)
        .bind(next.start_after.as_ref().map(|id| id.as_str().to_owned()))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

impl Instance {
    /// Applies the pure transition to this copy; answers the effects.
    pub(crate) fn apply(&mut self, event: InstanceEvent, now_ms: i64) -> Result<&'static [Effect], StoreError> {
        let (state, effects) = transition(self.state, event)?;
        self.state = state;
        self.updated_at_ms = now_ms;
        for effect in effects {
            match effect {
                Effect::ForgetFailures => self.restart_count = 0,
                Effect::ReleaseLease => (self.worker, self.lease_until_ms) = (None, None),
                Effect::Launch | Effect::LaunchLater | Effect::Halt => {}
            }
        }
        if !state.is_active() {
            self.ended_at_ms = Some(now_ms);
            self.stop_with_savepoint = false;
        }
        Ok(effects)
    }
}

/// Reads an instance and keeps others from changing it until `tx` ends: PostgreSQL by the row's lock that an update
/// takes, SQLite by the database's write lock that `tx` holds from its beginning. This is the compare of
/// compare-and-set: the state cannot differ between the decision and the write.
pub(crate) async fn lock_instance(tx: &mut Transaction, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
    let found =
        sqlx::query("UPDATE instances SET state = state WHERE id = $1 RETURNING *").bind(id.as_str()).fetch_optional(&mut **tx).await?;
    found.as_ref().map(instance).transpose()
}

pub(crate) fn instance(found: &AnyRow) -> Result<Instance, StoreError> {
    let failure = row::text_or_none(found, "last_failure_json")?;
    Ok(Instance {
        id: InstanceId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        job: JobId::new(row::text(found, "job_id")?),
        version: VersionId::new(row::text(found, "version_id")?),
        state: row::word(found, "state")?,
        stop_with_savepoint: row::integer(found, "stop_with_savepoint")? != 0,
        start: row::json(found, "start_json")?,
        parameters: row::json(found, "parameters_json")?,
        run: row::integer(found, "run")?,
        worker: row::text_or_none(found, "worker")?,
        lease_until_ms: row::integer_or_none(found, "lease_until_ms")?,
        attempt: row::integer(found, "attempt")?,
        restart_count: row::integer(found, "restart_count")?,
        last_failure: failure.map(|text| row::from_json(&text, "last_failure_json")).transpose()?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
        started_at_ms: row::integer_or_none(found, "started_at_ms")?,
        ended_at_ms: row::integer_or_none(found, "ended_at_ms")?,
        kind: row::word(found, "kind")?,
        release: row::text_or_none(found, "release_id")?,
        allocation: json_or_none(found, "allocation_json")?,
        restart: json_or_none(found, "restart_json")?,
        start_after: row::text_or_none(found, "start_after")?.map(InstanceId::new),
        complete: (row::integer_or_none(found, "checkpoint_run")?.zip(row::integer_or_none(found, "checkpoint")?))
            .map(|(run, checkpoint)| CompleteCheckpoint { run, checkpoint }),
    })
}

fn json_or_none<T: serde::de::DeserializeOwned>(found: &AnyRow, column: &str) -> Result<Option<T>, StoreError> {
    row::text_or_none(found, column)?.map(|text| row::from_json(&text, column)).transpose()
}
