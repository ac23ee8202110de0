//! The audit log: every change and every refusal (ROL-7).
//!
//! Invariant: the row of a change is written in the transaction of the change; rows are never changed or removed.

use crate::{Page, PageRequest, Store, StoreError, row, transaction::Transaction};
use millrace_domain::{Action, ProjectScope, Scope};
use millrace_model::ids::{InstanceId, ProjectId, TenantId};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Who causes a change, and within which request.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Id of the user, or `system`.
    pub actor: String,
    /// Name of the user, or of the part of the system.
    pub actor_name: String,
    /// The HTTP request, if one was the cause.
    pub request_id: Option<String>,
}

impl Cause {
    /// A change that the system makes by itself; `part` is what makes it: `reconciler`, `bootstrap`.
    pub fn system(part: &str) -> Self {
        Self { actor: "system".into(), actor_name: part.into(), request_id: None }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The caller may not do it.
    Refused,
}

impl Outcome {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Id; grows with time.
    pub id: String,
    /// The tenant, if one was meant.
    pub tenant: Option<TenantId>,
    /// The project, if one was meant.
    pub project: Option<ProjectId>,
    /// Id of the user, or `system`.
    pub actor: String,
    /// Name of the actor at that time.
    pub actor_name: String,
    /// What was asked for: `job.edit`; for reports of workers `instance.<event>`.
    pub action: String,
    /// Id or name of what it was asked for.
    pub object: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// What changed, without secrets.
    pub detail: Value,
    /// The HTTP request.
    pub request_id: Option<String>,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// Which rows to read; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Of this actor id or name.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// About this object.
    pub object: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Not before this time, in milliseconds since the epoch.
    pub from_ms: Option<i64>,
    /// Before this time.
    pub until_ms: Option<i64>,
}

/// A request that was refused.
#[derive(Debug, Clone)]
pub struct RefusedRequest<'a> {
    /// Where, if the caller may know of the place.
    pub scope: Option<&'a Scope>,
    /// What was asked for.
    pub action: &'a str,
    /// What it was asked for.
    pub object: &'a str,
    /// Why it was refused.
    pub detail: Value,
}

/// A row to write.
pub(crate) struct Record<'a> {
    pub tenant: Option<&'a TenantId>,
    pub project: Option<&'a ProjectId>,
    pub action: &'a str,
    pub object: &'a str,
    pub outcome: Outcome,
    pub detail: Value,
}

impl Store {
    /// Writes that `cause` asked for `action` on `object` and was refused.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_refusal(&self, cause: &Cause, action: Action, scope: &Scope, object: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let record = Record {
            tenant: scope.tenant(),
            project: scope.project(),
            action: action.as_str(),
            object,
            outcome: Outcome::Refused,
            detail: json!({}),
        };
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes that a request was refused.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_refused_request(&self, cause: &Cause, refused: RefusedRequest<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let RefusedRequest { scope, action, object, detail } = refused;
        let (tenant, project) = (scope.and_then(Scope::tenant), scope.and_then(Scope::project));
        self.audit(&mut tx, cause, Record { tenant, project, action, object, outcome: Outcome::Refused, detail }).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes that `cause` did something outside of this database: tested a connection, made a real topic.
    ///
    /// # Errors
    /// The database fails.
    pub async fn record_done(
        &self,
        cause: &Cause,
        action: Action,
        scope: &ProjectScope,
        object: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.audit(&mut tx, cause, done_in(scope, action, object, detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes one row within `tx`.
    pub(crate) async fn audit(&self, tx: &mut Transaction, cause: &Cause, record: Record<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit (id, tenant_id, project_id, actor, actor_name, action, object, outcome, detail_json, request_id, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(self.new_id("aud"))
        .bind(record.tenant.map(|t| t.as_str().to_owned()))
        .bind(record.project.map(|p| p.as_str().to_owned()))
        .bind(cause.actor.as_str())
        .bind(cause.actor_name.as_str())
        .bind(record.action)
        .bind(record.object)
        .bind(record.outcome.as_str())
        .bind(record.detail.to_string())
        .bind(cause.request_id.clone())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        match record.outcome {
            Outcome::Done => self.index_change(tx, &record).await,
            Outcome::Refused => Ok(()),
        }
    }

    /// The log of `tenant`, newest first. An action that ends with `.*` stands for all actions on its object.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn audit_log(&self, tenant: &TenantId, query: &AuditQuery, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        self.read_audit(Some(tenant), query, page).await
    }

    /// The log of what belongs to no tenant, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn platform_audit_log(&self, query: &AuditQuery, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        self.read_audit(None, query, page).await
    }

    async fn read_audit(&self, tenant: Option<&TenantId>, query: &AuditQuery, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let any = || String::new();
        let action = query.action.clone().unwrap_or_else(any);
        let (action, family) = match action.strip_suffix(".*") {
            Some(object) => (any(), format!("{}.%", object.replace('!', "!!").replace('%', "!%").replace('_', "!_"))),
            None => (action, any()),
        };
        let narrow = "AND id < $2 \
             AND ($3 = '' OR actor = $3 OR actor_name = $3) AND ($4 = '' OR action = $4) AND ($5 = '' OR object = $5) \
             AND ($6 = '' OR outcome = $6) AND ($7 = '' OR project_id = $7) AND ($9 = '' OR action LIKE $9 ESCAPE '!') \
             AND at_ms >= $10 AND at_ms < $11 ORDER BY id DESC LIMIT $8";
        // Two texts, so that each finds its index.
        let text = match tenant {
            Some(_) => format!("SELECT * FROM audit WHERE tenant_id = $1 {narrow}"),
            None => format!("SELECT * FROM audit WHERE tenant_id IS NULL AND $1 = '' {narrow}"),
        };
        // Both parts are ours.
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(tenant.map(|t| t.as_str().to_owned()).unwrap_or_default())
            .bind(page.before()?.to_owned())
            .bind(query.actor.clone().unwrap_or_else(any))
            .bind(action)
            .bind(query.object.clone().unwrap_or_else(any))
            .bind(query.outcome.clone().unwrap_or_else(any))
            .bind(query.project.as_ref().map_or_else(any, |p| p.as_str().to_owned()))
            .bind(page.rows())
            .bind(family)
            .bind(query.from_ms.unwrap_or(i64::MIN))
            .bind(query.until_ms.unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(page.page(entries, |e: &AuditEntry| &e.id))
    }
}

impl Store {
    /// The failures of an instance that workers reported, over all its runs, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn instance_failures(
        &self,
        scope: &ProjectScope,
        instance: &InstanceId,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM audit WHERE tenant_id = $1 AND project_id = $2 AND object = $3 AND id < $4 \
             AND action IN ('instance.failed_for_now', 'instance.failed_for_good') ORDER BY id DESC LIMIT $5",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(instance.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(page.page(entries, |e: &AuditEntry| &e.id))
    }
}

impl Store {
    /// What happened to an instance, by users and workers, newest first (RUN-5).
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn instance_history(
        &self,
        scope: &ProjectScope,
        instance: &InstanceId,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM audit WHERE tenant_id = $1 AND project_id = $2 AND object = $3 AND id < $4 AND outcome = 'done' \
             ORDER BY id DESC LIMIT $5",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(instance.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(page.page(entries, |e: &AuditEntry| &e.id))
    }
}

fn entry(found: &AnyRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        id: row::text(found, "id")?,
        tenant: row::text_or_none(found, "tenant_id")?.map(TenantId::new),
        project: row::text_or_none(found, "project_id")?.map(ProjectId::new),
        actor: row::text(found, "actor")?,
        actor_name: row::text(found, "actor_name")?,
        action: row::text(found, "action")?,
        object: row::text(found, "object")?,
        outcome: row::text(found, "outcome")?,
        detail: row::json(found, "detail_json")?,
        request_id: row::text_or_none(found, "request_id")?,
        at_ms: row::integer(found, "at_ms")?,
    })
}

/// The row of a change in a project.
pub(crate) fn done_in<'a>(scope: &'a ProjectScope, action: Action, object: &'a str, detail: Value) -> Record<'a> {
    Record { tenant: Some(&scope.tenant), project: Some(&scope.project), action: action.as_str(), object, outcome: Outcome::Done, detail }
}

/// The row of a change in a tenant, outside of projects.
pub(crate) fn done_in_tenant<'a>(tenant: &'a TenantId, action: Action, object: &'a str, detail: Value) -> Record<'a> {
    Record { tenant: Some(tenant), project: None, action: action.as_str(), object, outcome: Outcome::Done, detail }
}

/// The row of a change of the whole installation.
pub(crate) fn done_on_platform<'a>(action: Action, object: &'a str, detail: Value) -> Record<'a> {
    Record { tenant: None, project: None, action: action.as_str(), object, outcome: Outcome::Done, detail }
}
