//! Savepoints: checkpoints that the user owns (TRM-1).
//!
//! Invariants: a savepoint is pending until its state is durable; a location is only ever set together with `completed`. One
//! that another server's worker is to take names that worker until the worker has begun, which it does once.

use crate::{Cause, Page, PageRequest, StartFrom, Store, StoreError, audit::done_in, data_source::row_scope, row};
use millrace_domain::{Action, ProjectScope};
use millrace_model::ids::{CheckpointId, InstanceId, JobId, SavepointId, TenantId};
use serde_json::json;
use sqlx::any::AnyRow;
use std::str::FromStr;

/// Whether it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavepointState {
    /// Being taken.
    Pending,
    /// Durable.
    Completed,
    /// Could not be taken.
    Failed,
}

impl SavepointState {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for SavepointState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "pending" => Ok(Self::Pending),
            "completed" => Ok(Self::Completed),
            "failed" => Ok(Self::Failed),
            other => Err(format!("`{other}` is not a savepoint state")),
        }
    }
}

/// A savepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Savepoint {
    /// Id, `sav_…`.
    pub id: SavepointId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// The job.
    pub job: JobId,
    /// The instance it was taken of.
    pub instance: InstanceId,
    /// Whether it can be used.
    pub state: SavepointState,
    /// Where it lies in the checkpoint store.
    pub location: Option<String>,
    /// The checkpoint that it is.
    pub checkpoint: Option<CheckpointId>,
    /// Size of the state.
    pub size_bytes: Option<i64>,
    /// Why it could not be taken.
    pub failure: Option<String>,
    /// Who asked for it.
    pub created_by: String,
    /// Asked for at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Completed or failed at.
    pub ended_at_ms: Option<i64>,
}

impl Store {
    /// Notes that a savepoint is being taken.
    ///
    /// # Errors
    /// The tenant has no such instance, or the database fails.
    pub async fn begin_savepoint(&self, cause: &Cause, tenant: &TenantId, instance: &InstanceId) -> Result<Savepoint, StoreError> {
        self.note_savepoint(cause, tenant, instance, None).await
    }

    /// Notes that `worker`, which runs the instance, is to take a savepoint.
    ///
    /// # Errors
    /// The tenant has no such instance, or the database fails.
    pub async fn ask_for_savepoint(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        instance: &InstanceId,
        worker: &str,
    ) -> Result<Savepoint, StoreError> {
        self.note_savepoint(cause, tenant, instance, Some(worker)).await
    }

    async fn note_savepoint(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        instance: &InstanceId,
        worker: Option<&str>,
    ) -> Result<Savepoint, StoreError> {
        let by = if cause.actor == "system" { &cause.actor_name } else { &cause.actor };
        let mut tx = self.begin().await?;
        let made = sqlx::query(
            "INSERT INTO savepoints (id, tenant_id, project_id, job_id, instance_id, state, created_by, created_at_ms, \
             for_worker) SELECT $1, i.tenant_id, i.project_id, i.job_id, i.id, 'pending', $2, $3, $6 FROM instances i \
             WHERE i.tenant_id = $4 AND i.id = $5 RETURNING *",
        )
        .bind(self.new_id("sav"))
        .bind(by.as_str())
        .bind(self.now_ms())
        .bind(tenant.as_str())
        .bind(instance.as_str())
        .bind(worker.map(str::to_owned))
        .fetch_optional(&mut *tx)
        .await?;
        let made = savepoint(&made.ok_or_else(|| StoreError::not_found("instance", instance.as_str()))?)?;
        self.audit(&mut tx, cause, done_in(&made.scope, Action::SavepointCreate, instance.as_str(), json!({"savepoint": made.id}))).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Savepoints that `worker` is to take; each is answered once.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take_asked_savepoints(&self, worker: &str) -> Result<Vec<Savepoint>, StoreError> {
        // Asked every second, and nearly always there is none: reading locks nobody out.
        let asked = sqlx::query("SELECT id FROM savepoints WHERE for_worker = $1 AND state = 'pending' ORDER BY id LIMIT 100")
            .bind(worker)
            .fetch_all(&self.pool)
            .await?;
        let mut taken = Vec::with_capacity(asked.len());
        for found in &asked {
            let begun =
                sqlx::query("UPDATE savepoints SET for_worker = NULL WHERE id = $1 AND for_worker = $2 AND state = 'pending' RETURNING *")
                    .bind(row::text(found, "id")?)
                    .bind(worker)
                    .fetch_optional(&self.pool)
                    .await?;
            taken.extend(begun.as_ref().map(savepoint).transpose()?);
        }
        Ok(taken)
    }

    /// Gives a savepoint up that no worker has begun; false if one has.
    ///
    /// # Errors
    /// The database fails.
    pub async fn give_up_savepoint(&self, tenant: &TenantId, id: &SavepointId, failure: &str) -> Result<bool, StoreError> {
        let given_up = sqlx::query(
            "UPDATE savepoints SET state = 'failed', failure = $3, ended_at_ms = $4, for_worker = NULL \
             WHERE tenant_id = $1 AND id = $2 AND state = 'pending' AND for_worker IS NOT NULL",
        )
        .bind(tenant.as_str())
        .bind(id.as_str())
        .bind(failure)
        .bind(self.now_ms())
        .execute(&self.pool)
        .await?;
        Ok(given_up.rows_affected() == 1)
    }

    /// Notes that a savepoint is durable.
    ///
    /// # Errors
    /// It is not pending, or the database fails.
    pub async fn complete_savepoint(
        &self,
        tenant: &TenantId,
        id: &SavepointId,
        location: &str,
        checkpoint: CheckpointId,
        size_bytes: u64,
    ) -> Result<Savepoint, StoreError> {
        let done = sqlx::query(
            "UPDATE savepoints SET state = 'completed', location = $3, checkpoint = $4, size_bytes = $5, ended_at_ms = $6 \
             WHERE tenant_id = $1 AND id = $2 AND state = 'pending' RETURNING *",
        )
        .bind(tenant.as_str())
        .bind(id.as_str())
        .bind(location)
        .bind(i64::try_from(checkpoint).unwrap_or(i64::MAX))
        .bind(i64::try_from(size_bytes).unwrap_or(i64::MAX))
        .bind(self.now_ms())
        .fetch_optional(&self.pool)
        .await?;
        savepoint(&done.ok_or_else(|| StoreError::not_found("pending savepoint", id.as_str()))?)
    }

    /// Notes that a savepoint could not be taken.
    ///
    /// # Errors
    /// It is not pending, or the database fails.
    pub async fn fail_savepoint(&self, tenant: &TenantId, id: &SavepointId, failure: &str) -> Result<Savepoint, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE savepoints SET state = 'failed', failure = $3, ended_at_ms = $4 \
             WHERE tenant_id = $1 AND id = $2 AND state = 'pending' RETURNING *",
        )
        .bind(tenant.as_str())
        .bind(id.as_str())
        .bind(failure)
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await?;
        let failed = savepoint(&done.ok_or_else(|| StoreError::not_found("pending savepoint", id.as_str()))?)?;
        let detail = json!({"savepoint": id, "failed": failure});
        let cause = Cause::system("worker");
        self.audit(&mut tx, &cause, done_in(&failed.scope, Action::SavepointCreate, failed.instance.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(failed)
    }

    /// Marks savepoints that a dead worker left pending, taken before `before_ms`; answers how many.
    ///
    /// # Errors
    /// The database fails.
    pub async fn fail_pending_savepoints(&self, before_ms: i64, failure: &str) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE savepoints SET state = 'failed', failure = $2, ended_at_ms = $3 WHERE state = 'pending' AND created_at_ms < $1",
        )
        .bind(before_ms)
        .bind(failure)
        .bind(self.now_ms())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }

    /// Removes a savepoint from the list; answers it, so that its state can be removed too. What runs from it has its own
    /// checkpoints since.
    ///
    /// # Errors
    /// It is not there, is still being taken or is where an instance that has no checkpoint yet starts from, the project is
    /// archived, or the database fails.
    pub async fn delete_savepoint(&self, cause: &Cause, scope: &ProjectScope, id: &SavepointId) -> Result<Savepoint, StoreError> {
        let mut tx = self.begin().await?;
        // Starts enter the project too: one that names this savepoint is either seen here, or finds it gone.
        self.enter(&mut tx, scope).await?;
        let start = |allow_partial| row::to_json(&StartFrom::Savepoint { savepoint: id.clone(), allow_partial });
        let user = sqlx::query(
            "SELECT id FROM instances WHERE tenant_id = $1 AND project_id = $2 AND start_json IN ($3, $4) \
             AND state IN ('created', 'starting', 'restarting') ORDER BY id LIMIT 1",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(start(false)?)
        .bind(start(true)?)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(user) = user {
            let by = format!("instance `{}` starts from it; let it run, or start it from elsewhere first", row::text(&user, "id")?);
            return Err(StoreError::InUse { what: "savepoint", name: id.as_str().to_owned(), by });
        }
        let removed =
            sqlx::query("DELETE FROM savepoints WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND state <> 'pending' RETURNING *")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(id.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        let Some(removed) = removed else {
            drop(tx);
            self.savepoint(scope, id).await?;
            let by = "it is still being taken; wait until it is complete".to_owned();
            return Err(StoreError::InUse { what: "savepoint", name: id.as_str().to_owned(), by });
        };
        let removed = savepoint(&removed)?;
        let detail = json!({"savepoint": id, "location": removed.location});
        self.audit(&mut tx, cause, done_in(scope, Action::SavepointDelete, removed.instance.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// The savepoint with this id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn savepoint(&self, scope: &ProjectScope, id: &SavepointId) -> Result<Savepoint, StoreError> {
        let found = sqlx::query("SELECT * FROM savepoints WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        savepoint(&found.ok_or_else(|| StoreError::not_found("savepoint", id.as_str()))?)
    }

    /// The savepoints of an instance.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn savepoints(&self, scope: &ProjectScope, instance: &InstanceId, page: &PageRequest) -> Result<Page<Savepoint>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM savepoints WHERE tenant_id = $1 AND project_id = $2 AND instance_id = $3 AND id < $4 ORDER BY id DESC LIMIT $5",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(instance.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let savepoints = rows.iter().map(savepoint).collect::<Result<_, _>>()?;
        Ok(page.page(savepoints, |s: &Savepoint| s.id.as_str()))
    }
}

pub(crate) fn savepoint(found: &AnyRow) -> Result<Savepoint, StoreError> {
    Ok(Savepoint {
        id: SavepointId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        job: JobId::new(row::text(found, "job_id")?),
        instance: InstanceId::new(row::text(found, "instance_id")?),
        state: row::word(found, "state")?,
        location: row::text_or_none(found, "location")?,
        checkpoint: row::integer_or_none(found, "checkpoint")?.and_then(|c| CheckpointId::try_from(c).ok()),
        size_bytes: row::integer_or_none(found, "size_bytes")?,
        failure: row::text_or_none(found, "failure")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        ended_at_ms: row::integer_or_none(found, "ended_at_ms")?,
    })
}
