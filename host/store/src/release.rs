//! Releases: the way of versions to production (RUN-2 to RUN-4).
//!
//! Invariant: the state changes only through `millrace_domain::release::transition`, on a row that the transaction has
//! locked; a release is online exactly as long as it has the job's one current production instance.

use crate::{
    Approval, Cause, Instance, InstanceRequest, JobVersion, NewApproval, NewInstance, NewProduction, Page, PageRequest, StartFrom, Store,
    StoreError,
    audit::done_in,
    data_source::row_scope,
    instance::{instance, lock_instance},
    row,
    transaction::Transaction,
};
use millrace_domain::{
    Action, Allocation, ApprovalKind, ApprovalState, Environment, InstanceKind, ProjectScope, ReleaseEvent, ReleaseState, Scope,
    compatibility::{Compatibility, StateOwner, StateVerdict, verdict},
    release::{transition, unhealthy},
};
use millrace_model::{
    graph::RestartPolicy,
    ids::{InstanceId, JobId, VersionId},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::{BTreeMap, BTreeSet};

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Id, `rel_…`.
    pub id: String,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// The job.
    pub job: JobId,
    /// Its name.
    pub job_name: String,
    /// The version.
    pub version: VersionId,
    /// Its number.
    pub version_number: i64,
    /// The test instance that showed it healthy.
    pub test_instance: InstanceId,
    /// Where it is on its way.
    pub state: ReleaseState,
    /// Why it is to go to production.
    pub reason: String,
    /// The request that decides it.
    pub approval: Option<String>,
    /// What the administrator said.
    pub opinion: Option<String>,
    /// Name of the administrator.
    pub decided_by: Option<String>,
    /// Its production instance.
    pub instance: Option<InstanceId>,
    /// What that may use.
    pub allocation: Option<Allocation>,
    /// Values for the job's parameters that it runs with: said when it goes live, and not changed by its starts.
    pub parameters: BTreeMap<String, String>,
    /// Grows with each change.
    pub revision: i64,
    /// Who asked for it.
    pub created_by: String,
    /// Their name at that time.
    pub created_by_name: String,
    /// Asked for at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
    /// Approved at.
    pub published_at_ms: Option<i64>,
    /// Last went live at.
    pub online_at_ms: Option<i64>,
}

/// A release to ask for.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The healthy test instance whose version is to go to production.
    pub test_instance: InstanceId,
    /// Why.
    pub reason: String,
}

/// Which releases to list; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct ReleaseFilter {
    /// Of this job.
    pub job: Option<JobId>,
    /// In this state.
    pub state: Option<ReleaseState>,
}

/// How a release goes live.
#[derive(Debug, Clone)]
pub struct GoLive {
    /// What its production instance may use.
    pub allocation: Allocation,
    /// Where it starts from. None: where the production instance before it ends, if its state is compatible.
    pub start: Option<StartFrom>,
    /// Values for the job's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its restart policy instead of the job's.
    pub restart: Option<RestartPolicy>,
    /// Whether it starts at once. Where it replaces a running instance, it starts when that has ended.
    pub start_now: bool,
}

const COLUMNS: &str = "*, (SELECT name FROM jobs WHERE jobs.id = releases.job_id) AS job_name, \
     (SELECT number FROM job_versions WHERE job_versions.id = releases.version_id) AS version_number";

/// A statement of ours with the columns of a release in place of `{release}`.
fn sql(text: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.replace("{release}", COLUMNS))
}

impl Store {
    /// Asks for a version's way to production: from a healthy test instance of it.
    ///
    /// # Errors
    /// The instance is not there, is not a test or not healthy; the version is on its way already; the project is archived,
    /// or the database fails.
    pub async fn request_release(&self, cause: &Cause, scope: &ProjectScope, new: &NewRelease) -> Result<Release, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let tested = lock_instance(&mut tx, &new.test_instance).await?.filter(|found| found.scope == *scope);
        let tested = tested.ok_or_else(|| StoreError::not_found("instance", new.test_instance.as_str()))?;
        check_tested(&tested)?;
        let job = self.job_in(&mut tx, scope, &tested.job).await?;
        let open = sqlx::query(sql("SELECT {release} FROM releases WHERE job_id = $1 AND version_id = $2 ORDER BY id DESC"))
            .bind(tested.job.as_str())
            .bind(tested.version.as_str())
            .fetch_all(&mut *tx)
            .await?;
        let open = open.iter().map(release).collect::<Result<Vec<_>, _>>()?.into_iter().find(|found| found.state.is_open());
        if let Some(open) = open {
            let message =
                format!("version {} of job `{}` is {} already, as release `{}`", open.version_number, job.name, open.state, open.id);
            return Err(StoreError::Conflict { code: "release.open", message });
        }
        let made = sqlx::query(sql(
            "INSERT INTO releases (id, tenant_id, project_id, job_id, version_id, test_instance_id, state, reason, revision, created_by, \
             created_by_name, created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $11) RETURNING {release}",
        ))
        .bind(self.new_id("rel"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(tested.job.as_str())
        .bind(tested.version.as_str())
        .bind(tested.id.as_str())
        .bind(ReleaseState::Requested.as_str())
        .bind(new.reason.as_str())
        .bind(cause.actor.as_str())
        .bind(cause.actor_name.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await?;
        let mut made = release(&made)?;
        let approval = NewApproval {
            kind: ApprovalKind::JobRelease,
            scope: Scope::Project(scope.clone()),
            environment: Some(Environment::Production),
            subject: made.id.clone(),
            subject_name: format!("{} version {}", made.job_name, made.version_number),
            open_key: format!("{}/{}", made.job, made.version),
            for_project: Some(scope.project.clone()),
            reason: new.reason.clone(),
            payload: json!({
                "release": made.id, "job": made.job, "job_name": made.job_name, "version": made.version,
                "version_number": made.version_number, "test_instance": made.test_instance,
            }),
        };
        made.approval = Some(self.request_approval_in(&mut tx, cause, &approval).await?.id.to_string());
        let made = self.save_release(&mut tx, &made).await?;
        let detail = json!({"job": made.job_name, "version": made.version_number, "test_instance": tested.id, "reason": new.reason});
        self.audit(&mut tx, cause, done_in(scope, Action::ReleaseRequest, &made.id, detail)).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The effect of an approved request: the release is published.
    pub(crate) async fn publish_release(&self, tx: &mut Transaction, cause: &Cause, approval: &Approval) -> Result<Value, StoreError> {
        let scope = release_scope(approval)?;
        let published =
            self.decide_release(tx, cause, &scope, &approval.subject, ReleaseEvent::Approve, approval.opinion.as_deref()).await?;
        Ok(json!({"release": published.id, "state": published.state}))
    }

    /// What becomes of a release whose request was rejected, withdrawn or not decided in time.
    pub(crate) async fn end_release_request(&self, tx: &mut Transaction, cause: &Cause, approval: &Approval) -> Result<(), StoreError> {
        let scope = release_scope(approval)?;
        let event = match approval.state {
            ApprovalState::Rejected => ReleaseEvent::Reject,
            ApprovalState::Withdrawn | ApprovalState::Expired => ReleaseEvent::Withdraw,
            ApprovalState::Pending | ApprovalState::Approved => return Ok(()),
        };
        self.decide_release(tx, cause, &scope, &approval.subject, event, approval.opinion.as_deref()).await.map(drop)
    }

    /// What the decision on its approval makes of a release; within the decision's transaction.
    pub(crate) async fn decide_release(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        id: &str,
        event: ReleaseEvent,
        opinion: Option<&str>,
    ) -> Result<Release, StoreError> {
        let mut next = self.lock_release(tx, scope, id).await?;
        next.state = transition(next.state, event)?;
        next.opinion = opinion.map(str::to_owned);
        match event {
            ReleaseEvent::Approve => {
                next.published_at_ms = Some(self.now_ms());
                next.decided_by = Some(cause.actor_name.clone());
            }
            ReleaseEvent::Reject => next.decided_by = Some(cause.actor_name.clone()),
            ReleaseEvent::Withdraw | ReleaseEvent::GoLive | ReleaseEvent::TakeOffline | ReleaseEvent::Replace => {}
        }
        self.save_release(tx, &next).await?;
        let detail = json!({"event": event, "state": next.state, "opinion": opinion});
        self.audit(tx, cause, done_in(scope, event.action(), id, detail)).await?;
        Ok(next)
    }

    /// The release of this id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn release(&self, scope: &ProjectScope, id: &str) -> Result<Release, StoreError> {
        let found = sqlx::query(sql("SELECT {release} FROM releases WHERE tenant_id = $1 AND project_id = $2 AND id = $3"))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        release(&found.ok_or_else(|| StoreError::not_found("release", id))?)
    }

    /// The releases of a project, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn releases(&self, scope: &ProjectScope, filter: &ReleaseFilter, page: &PageRequest) -> Result<Page<Release>, StoreError> {
        let rows = sqlx::query(sql(
            "SELECT {release} FROM releases WHERE tenant_id = $1 AND project_id = $2 AND id < $3 AND ($4 = '' OR job_id = $4) \
             AND ($5 = '' OR state = $5) ORDER BY id DESC LIMIT $6",
        ))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(page.before()?)
        .bind(filter.job.as_ref().map(|j| j.as_str().to_owned()).unwrap_or_default())
        .bind(filter.state.map(ReleaseState::as_str).unwrap_or_default())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let releases = rows.iter().map(release).collect::<Result<_, _>>()?;
        Ok(page.page(releases, |r: &Release| &r.id))
    }

    /// Gives an approved release its resources and its production instance (RUN-3). A release of the job that is online is
    /// replaced: its instance stops with a savepoint, and the new one starts from it when it has ended.
    ///
    /// # Errors
    /// The release may not go live, its job does not fit into the allocation, the state to go on from is not compatible, the
    /// project is archived, or the database fails.
    pub async fn go_live(&self, cause: &Cause, scope: &ProjectScope, id: &str, how: &GoLive) -> Result<(Release, Instance), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let mut next = self.lock_release(&mut tx, scope, id).await?;
        next.state = transition(next.state, ReleaseEvent::GoLive)?;
        self.job_in(&mut tx, scope, &next.job).await?;
        let version = self.version_in(&mut tx, scope, &next.version).await?;
        let mut graph = version.graph.clone();
        if let Some(parallelism) = how.parameters.get("parallelism").and_then(|text| text.parse().ok()) {
            graph.parameters.parallelism = parallelism;
        }
        how.allocation.check(&graph)?;
        let before = self.last_production(&mut tx, scope, &next.job).await?;
        let start = match (&how.start, &before) {
            (Some(start), _) => start.clone(),
            (None, None) => StartFrom::Fresh,
            (None, Some(before)) => {
                let from = self.version_in(&mut tx, scope, &before.version).await?;
                refuse_incompatible(&next, &from, &version)?;
                StartFrom::latest(before.id.clone())
            }
        };
        let running = before.as_ref().filter(|before| before.state.is_active()).map(|before| &before.id);
        self.admit_go_live(&mut tx, scope, (&next.version, how), running).await?;
        let replaced = self.replace_online(&mut tx, cause, scope, &next).await?;
        // Also one that was taken off a moment ago and is still ending: two must never write the same at once.
        let ending = before.as_ref().filter(|before| before.state.is_active()).map(|before| before.id.clone());
        let start_after = replaced.or(ending);
        let new = NewInstance {
            job: next.job.clone(),
            version: next.version.clone(),
            start,
            parameters: how.parameters.clone(),
            restart: how.restart.clone(),
            production: Some(NewProduction {
                release: next.id.clone(),
                allocation: how.allocation.clone(),
                start_after: start_after.clone(),
            }),
        };
        let mut made = self.create_instance_in(&mut tx, cause, scope, &new).await?;
        next.instance = Some(made.id.clone());
        next.allocation = Some(how.allocation.clone());
        next.parameters.clone_from(&how.parameters);
        next.online_at_ms = Some(self.now_ms());
        let next = self.save_release(&mut tx, &next).await?;
        if how.start_now && start_after.is_none() {
            let start = InstanceRequest::Start { from: None, parameters: None };
            made = self.request_instance_in(&mut tx, cause, scope, &made.id, &start).await?;
        }
        let detail = json!({
            "instance": made.id, "allocation": how.allocation, "start": made.start, "starts_after": start_after,
            "parameters": how.parameters.keys().collect::<Vec<_>>(),
        });
        self.audit(&mut tx, cause, done_in(scope, Action::ReleaseGoLive, id, detail)).await?;
        tx.commit().await?;
        Ok((next, made))
    }

    /// Takes a release off production; its instance stops, with a savepoint if wanted.
    ///
    /// # Errors
    /// It is not published or online, or the database fails.
    pub async fn take_offline(&self, cause: &Cause, scope: &ProjectScope, id: &str, with_savepoint: bool) -> Result<Release, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let mut next = self.lock_release(&mut tx, scope, id).await?;
        next.state = transition(next.state, ReleaseEvent::TakeOffline)?;
        let stopped = self.end_production(&mut tx, cause, scope, &next, with_savepoint).await?;
        let next = self.save_release(&mut tx, &next).await?;
        let detail = json!({"instance": next.instance, "stopped": stopped, "with_savepoint": with_savepoint});
        self.audit(&mut tx, cause, done_in(scope, Action::ReleaseTakeOffline, id, detail)).await?;
        tx.commit().await?;
        Ok(next)
    }

    /// Whether the version `to` can go on from state that the version `from` has left.
    ///
    /// # Errors
    /// A version is not there, or the database fails.
    pub async fn state_verdict(&self, scope: &ProjectScope, from: &VersionId, to: &VersionId) -> Result<StateVerdict, StoreError> {
        let (from, to) = (self.version(scope, from).await?, self.version(scope, to).await?);
        Ok(verdict_of(&from, &to))
    }

    /// A production instance may start only while its release is online, and runs as the release says: its version, its
    /// parameters, its resources. `parameters` are those that the start asks for.
    pub(crate) async fn as_released(
        &self,
        tx: &mut Transaction,
        starting: &mut Instance,
        parameters: Option<&BTreeMap<String, String>>,
    ) -> Result<(), StoreError> {
        let (InstanceKind::Production, Some(id)) = (starting.kind, starting.release.clone()) else { return Ok(()) };
        let release = self.lock_release(tx, &starting.scope, &id).await?;
        if release.state != ReleaseState::Online || release.instance.as_ref() != Some(&starting.id) {
            let message = format!(
                "instance `{}` belongs to release `{id}`, which is {} and has {} as its instance; let a release go live instead",
                starting.id,
                release.state,
                release.instance.as_ref().map_or("none", |id| id.as_str()),
            );
            return Err(StoreError::Conflict { code: "release.not_online", message });
        }
        if release.version != starting.version {
            let message = format!("instance `{}` does not have the version of its release `{id}`", starting.id);
            return Err(StoreError::Corrupt(message));
        }
        if let Some(other) = parameters.filter(|wanted| !wanted.is_empty()).and_then(|wanted| differing(wanted, &release.parameters)) {
            let message = format!(
                "instance `{}` runs with the parameters of release `{id}`, and the start asks for another `{other}`; take the release \
                 offline and let it go live with the new parameters",
                starting.id
            );
            return Err(StoreError::Conflict { code: "release.parameters", message });
        }
        starting.parameters = release.parameters;
        starting.allocation = release.allocation;
        Ok(())
    }

    /// Those of `instances` that no start can begin, since their release does not have them as its instance, or is not online.
    ///
    /// # Errors
    /// The database fails.
    pub async fn off_line(&self, scope: &ProjectScope, instances: &[Instance]) -> Result<BTreeSet<InstanceId>, StoreError> {
        let asked: Vec<&Instance> = instances.iter().filter(|i| i.kind == InstanceKind::Production && i.release.is_some()).collect();
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        let places: Vec<String> = (0..asked.len()).map(|place| format!("${}", place + 3)).collect();
        let text = format!(
            "SELECT instance_id FROM releases WHERE tenant_id = $1 AND project_id = $2 AND state = 'online' AND instance_id IN ({})",
            places.join(", ")
        );
        // Nothing but numbers of places is put into the text.
        let mut query = sqlx::query(AssertSqlSafe(text)).bind(scope.tenant.as_str()).bind(scope.project.as_str());
        for instance in &asked {
            query = query.bind(instance.id.as_str());
        }
        let mut off_line: BTreeSet<InstanceId> = asked.into_iter().map(|instance| instance.id.clone()).collect();
        for found in query.fetch_all(&self.pool).await? {
            off_line.remove(&InstanceId::new(row::text(&found, "instance_id")?));
        }
        Ok(off_line)
    }

    /// Replaces the release of the job that is online, if there is one; answers its instance if that has to end first.
    async fn replace_online(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        by: &Release,
    ) -> Result<Option<InstanceId>, StoreError> {
        let online = sqlx::query(sql("SELECT {release} FROM releases WHERE job_id = $1 AND state = 'online' ORDER BY id"))
            .bind(by.job.as_str())
            .fetch_all(&mut **tx)
            .await?;
        let mut ends = None;
        for found in &online {
            let mut old = release(found)?;
            old.state = transition(old.state, ReleaseEvent::Replace)?;
            if self.end_production(tx, cause, scope, &old, true).await? {
                ends = old.instance.clone();
            }
            self.save_release(tx, &old).await?;
            self.audit(tx, cause, done_in(scope, Action::ReleaseTakeOffline, &old.id, json!({"replaced_by": by.id}))).await?;
        }
        Ok(ends)
    }

    /// Stops the instance of a release; answers whether it is still ending.
    async fn end_production(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        scope: &ProjectScope,
        release: &Release,
        with_savepoint: bool,
    ) -> Result<bool, StoreError> {
        let Some(id) = &release.instance else { return Ok(false) };
        let Some(mut found) = lock_instance(tx, id).await? else { return Ok(false) };
        if found.start_after.take().is_some() {
            // It still waits for its own predecessor: now it never starts.
            self.save_instance(tx, &found).await?;
        }
        if found.state.is_wanted() {
            self.request_instance_in(tx, cause, scope, id, &InstanceRequest::Stop { with_savepoint }).await?;
        }
        Ok(found.state.is_active())
    }

    /// The newest production instance of a job that has run.
    async fn last_production(&self, tx: &mut Transaction, scope: &ProjectScope, job: &JobId) -> Result<Option<Instance>, StoreError> {
        let found = sqlx::query(
            "SELECT * FROM instances WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 AND kind = 'production' AND run > 0 \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(job.as_str())
        .fetch_optional(&mut **tx)
        .await?;
        found.as_ref().map(instance).transpose()
    }

    /// Reads a release and keeps others from changing it until `tx` ends.
    async fn lock_release(&self, tx: &mut Transaction, scope: &ProjectScope, id: &str) -> Result<Release, StoreError> {
        let found =
            sqlx::query(sql("UPDATE releases SET state = state WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING {release}"))
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(id)
                .fetch_optional(&mut **tx)
                .await?;
        release(&found.ok_or_else(|| StoreError::not_found("release", id))?)
    }

    /// Writes everything that may change; the row is locked by `tx`.
    async fn save_release(&self, tx: &mut Transaction, next: &Release) -> Result<Release, StoreError> {
        let saved = sqlx::query(sql(
            "UPDATE releases SET state = $2, approval_id = $3, opinion = $4, decided_by = $5, instance_id = $6, allocation_json = $7, \
             published_at_ms = $8, online_at_ms = $9, updated_at_ms = $10, parameters_json = $11, revision = revision + 1 \
             WHERE id = $1 RETURNING {release}",
        ))
        .bind(next.id.as_str())
        .bind(next.state.as_str())
        .bind(next.approval.clone())
        .bind(next.opinion.clone())
        .bind(next.decided_by.clone())
        .bind(next.instance.as_ref().map(|id| id.as_str().to_owned()))
        .bind(next.allocation.as_ref().map(row::to_json).transpose()?)
        .bind(next.published_at_ms)
        .bind(next.online_at_ms)
        .bind(self.now_ms())
        .bind(row::to_json(&next.parameters)?)
        .fetch_one(&mut **tx)
        .await?;
        release(&saved)
    }
}

/// A parameter that `wanted` has with another value.
fn differing<'a>(wanted: &'a BTreeMap<String, String>, known: &BTreeMap<String, String>) -> Option<&'a str> {
    wanted.iter().find(|(name, value)| known.get(*name) != Some(value)).map(|(name, _)| name.as_str())
}

fn release_scope(approval: &Approval) -> Result<ProjectScope, StoreError> {
    let project = approval.project.clone().ok_or_else(|| StoreError::Corrupt("a release outside of any project".into()))?;
    Ok(ProjectScope::new(approval.tenant.clone(), project))
}

fn check_tested(tested: &Instance) -> Result<(), StoreError> {
    if tested.kind != InstanceKind::Test {
        let message = format!("instance `{}` is in production; publish from a test instance", tested.id);
        return Err(StoreError::Conflict { code: "release.not_a_test", message });
    }
    match unhealthy(tested.state, tested.restart_count, tested.last_failure.is_some()) {
        None => Ok(()),
        Some(why) => {
            let message = format!("test instance `{}` is {}: {why}", tested.id, tested.state);
            Err(StoreError::Conflict { code: "release.unhealthy", message })
        }
    }
}

fn verdict_of(from: &JobVersion, to: &JobVersion) -> StateVerdict {
    verdict(StateOwner { graph: &from.graph, pins: &from.pins }, StateOwner { graph: &to.graph, pins: &to.pins })
}

fn refuse_incompatible(next: &Release, from: &JobVersion, to: &JobVersion) -> Result<(), StoreError> {
    let found = verdict_of(from, to);
    if found.verdict != Compatibility::Incompatible {
        return Ok(());
    }
    let bad = found.operators.iter().filter(|o| o.verdict == Compatibility::Incompatible);
    let lines: Vec<_> = bad.map(|o| format!("`{}` {}", o.node, o.reason)).collect();
    let message = format!(
        "version {} of job `{}` cannot go on from the state of version {}: {}; change it, or say where it is to start from",
        to.number,
        next.job_name,
        from.number,
        lines.join("; ")
    );
    Err(StoreError::Conflict { code: "release.incompatible", message })
}

fn release(found: &AnyRow) -> Result<Release, StoreError> {
    let allocation = row::text_or_none(found, "allocation_json")?;
    Ok(Release {
        id: row::text(found, "id")?,
        scope: row_scope(found)?,
        job: JobId::new(row::text(found, "job_id")?),
        job_name: row::text(found, "job_name")?,
        version: VersionId::new(row::text(found, "version_id")?),
        version_number: row::integer(found, "version_number")?,
        test_instance: InstanceId::new(row::text(found, "test_instance_id")?),
        state: row::word(found, "state")?,
        reason: row::text(found, "reason")?,
        approval: row::text_or_none(found, "approval_id")?,
        opinion: row::text_or_none(found, "opinion")?,
        decided_by: row::text_or_none(found, "decided_by")?,
        instance: row::text_or_none(found, "instance_id")?.map(InstanceId::new),
        allocation: allocation.map(|text| row::from_json(&text, "allocation_json")).transpose()?,
        parameters: row::json(found, "parameters_json")?,
        revision: row::integer(found, "revision")?,
        created_by: row::text(found, "created_by")?,
        created_by_name: row::text(found, "created_by_name")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
        published_at_ms: row::integer_or_none(found, "published_at_ms")?,
        online_at_ms: row::integer_or_none(found, "online_at_ms")?,
    })
}
