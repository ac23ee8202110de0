//! Approvals: requests that somebody must agree to, their decision with its effect, their history.
//!
//! Invariants: a decision is a compare-and-set on the state, and its effect, history and audit rows are in the same
//! transaction: two servers that decide at the same time decide once. What is asked for is fixed when it is asked; who asks
//! for the same twice is told of the request that waits.

mod archive;
mod deadline;
mod effect;
mod inbox;

pub use deadline::SweptApprovals;
pub use inbox::{ApprovalQuery, ApprovalReader, ApprovalView};

use crate::{
    Cause, Store, StoreError,
    audit::{Outcome, Record},
    row,
    transaction::Transaction,
};
use millrace_domain::{
    ApprovalEvent, ApprovalKind, ApprovalState, Environment, ProjectScope, Scope,
    approval::{self, Standing, TEXT_CHARACTERS_MAX, remind_at_ms},
};
use millrace_model::ids::{ApprovalId, ProjectId, TenantId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// Largest payload, as JSON text.
const PAYLOAD_BYTES_MAX: usize = 256 << 10;

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Id, `apr_…`.
    pub id: ApprovalId,
    /// The tenant.
    pub tenant: TenantId,
    /// Where deciders hold their role: a project, or the tenant for none.
    pub project: Option<ProjectId>,
    /// The request number that people use; unique in the tenant, from 1.
    pub number: i64,
    /// What is asked for.
    pub kind: ApprovalKind,
    /// The environment that it is about, if it is about one.
    pub environment: Option<Environment>,
    /// Id of the thing that it is about.
    pub subject: String,
    /// What that thing was called.
    pub subject_name: String,
    /// The project on whose behalf it is asked, if not for the applicant alone.
    pub for_project: Option<ProjectId>,
    /// Id of the user who asks.
    pub applicant: String,
    /// Their name at that time.
    pub applicant_name: String,
    /// Id of the person behind them: themselves, or whoever has made the token of a machine.
    pub applicant_person: String,
    /// Why they ask.
    pub reason: String,
    /// What exactly is asked for; its shape is the kind's.
    pub payload: Value,
    /// Where it stands.
    pub state: ApprovalState,
    /// What the decider says.
    pub opinion: Option<String>,
    /// Id of the user who decided.
    pub decided_by: Option<String>,
    /// Their name at that time.
    pub decided_by_name: Option<String>,
    /// What the effect has made, once approved; its shape is the kind's.
    pub result: Option<Value>,
    /// Asked at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Expires at.
    pub due_at_ms: i64,
    /// Deciders were reminded at.
    pub reminded_at_ms: Option<i64>,
    /// Decided, withdrawn or expired at.
    pub ended_at_ms: Option<i64>,
}

impl Approval {
    /// Where deciders hold their role.
    pub fn scope(&self) -> Scope {
        match &self.project {
            Some(project) => Scope::Project(ProjectScope::new(self.tenant.clone(), project.clone())),
            None => Scope::Tenant(self.tenant.clone()),
        }
    }
}

/// A request to make.
#[derive(Debug, Clone)]
pub struct NewApproval {
    /// What is asked for.
    pub kind: ApprovalKind,
    /// Where deciders hold their role: a project or the tenant.
    pub scope: Scope,
    /// The environment that it is about, if it is about one.
    pub environment: Option<Environment>,
    /// Id of the thing that it is about.
    pub subject: String,
    /// What that thing is called.
    pub subject_name: String,
    /// Two requests of the kind with the same key ask for the same: the second is refused while the first waits.
    pub open_key: String,
    /// The project on whose behalf it is asked, if not for the applicant alone.
    pub for_project: Option<ProjectId>,
    /// Why.
    pub reason: String,
    /// What exactly; what the kind's effect needs.
    pub payload: Value,
}

/// One line of an approval's history.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalStep {
    /// `request`, `remind`, or an approval event.
    pub event: String,
    /// The state after it.
    pub state: ApprovalState,
    /// Id of the user, or `system`.
    pub actor: String,
    /// Their name at that time.
    pub actor_name: String,
    /// Reason, opinion.
    pub note: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// What a caller wants of an approval.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What.
    pub event: ApprovalEvent,
    /// How the caller stands to the approval.
    pub standing: Standing,
    /// What the caller says.
    pub opinion: String,
}

impl Store {
    /// Asks for something.
    ///
    /// # Errors
    /// The same is asked for already, a text is too long, or the database fails.
    pub async fn request_approval(&self, cause: &Cause, new: &NewApproval) -> Result<Approval, StoreError> {
        let mut tx = self.begin().await?;
        let made = self.request_approval_in(&mut tx, cause, new).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// As [`Store::request_approval`], within a transaction that changes more.
    pub(crate) async fn request_approval_in(&self, tx: &mut Transaction, cause: &Cause, new: &NewApproval) -> Result<Approval, StoreError> {
        let tenant = new.scope.tenant().ok_or_else(|| StoreError::Corrupt("an approval outside of any tenant".into()))?;
        let payload = new.payload.to_string();
        if payload.len() > PAYLOAD_BYTES_MAX {
            let message = format!("is {} bytes long; at most {PAYLOAD_BYTES_MAX} can be asked for at once", payload.len());
            return Err(StoreError::Invalid { field: "payload", message });
        }
        let reason = bounded("reason", &new.reason)?;
        // The row of the tenant serializes requests, so that numbers have no gaps and no two requests see each other late.
        sqlx::query("UPDATE tenants SET name = name WHERE id = $1").bind(tenant.as_str()).execute(&mut **tx).await?;
        let open = sqlx::query("SELECT * FROM approvals WHERE tenant_id = $1 AND kind = $2 AND open_key = $3 AND state = 'pending'")
            .bind(tenant.as_str())
            .bind(new.kind.as_str())
            .bind(new.open_key.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(open) = open {
            let message = format!(
                "request {} of `{}` asks for the same and waits for a decision; withdraw it before you ask anew",
                row::integer(&open, "number")?,
                row::text(&open, "applicant_name")?,
            );
            return Err(StoreError::Conflict { code: "approval.pending", message });
        }
        let now_ms = self.now_ms();
        let due_at_ms = now_ms.saturating_add(new.kind.deadline_ms());
        let person = self.person_behind(tx, &cause.actor).await?;
        let made = sqlx::query(
            "INSERT INTO approvals (id, tenant_id, project_id, number, kind, environment, subject, subject_name, open_key, \
             for_project_id, applicant, applicant_name, reason, payload_json, decided_with, state, created_at_ms, due_at_ms, remind_at_ms, \
             applicant_person) \
             SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'pending', $15, $16, $17, $18 \
             FROM approvals WHERE tenant_id = $2 RETURNING *",
        )
        .bind(self.new_id("apr"))
        .bind(tenant.as_str())
        .bind(new.scope.project().map(|p| p.as_str().to_owned()))
        .bind(new.kind.as_str())
        .bind(new.environment.map(Environment::as_str))
        .bind(new.subject.as_str())
        .bind(new.subject_name.as_str())
        .bind(new.open_key.as_str())
        .bind(new.for_project.as_ref().map(|p| p.as_str().to_owned()))
        .bind(cause.actor.as_str())
        .bind(cause.actor_name.as_str())
        .bind(reason)
        .bind(payload)
        .bind(new.kind.decided_with().as_str())
        .bind(now_ms)
        .bind(due_at_ms)
        .bind(remind_at_ms(now_ms, due_at_ms))
        .bind(person)
        .fetch_one(&mut **tx)
        .await?;
        let made = approval(&made)?;
        self.note_step(tx, &made, "request", cause, reason).await?;
        let detail = json!({"approval": made.id, "subject": made.subject_name, "environment": made.environment});
        let action = format!("{}.request", made.kind);
        self.audit(tx, cause, record(&made, &action, detail)).await?;
        Ok(made)
    }

    /// The approval of this id or request number.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn approval(&self, tenant: &TenantId, id_or_number: &str) -> Result<Approval, StoreError> {
        let found = sqlx::query("SELECT * FROM approvals WHERE tenant_id = $1 AND (id = $2 OR number = $3)")
            .bind(tenant.as_str())
            .bind(id_or_number)
            .bind(id_or_number.parse::<i64>().unwrap_or(0))
            .fetch_optional(&self.pool)
            .await?;
        approval(&found.ok_or_else(|| StoreError::not_found("approval", id_or_number))?)
    }

    /// What happened to an approval, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn approval_history(&self, tenant: &TenantId, id: &ApprovalId) -> Result<Vec<ApprovalStep>, StoreError> {
        let rows = sqlx::query("SELECT * FROM approval_history WHERE tenant_id = $1 AND approval_id = $2 ORDER BY id")
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(step).collect()
    }

    /// Approves, rejects or withdraws. An approval's effect is done when this returns.
    ///
    /// # Errors
    /// It is not the caller's to do, was decided before, its effect is not possible any more, or the database fails;
    /// nothing has changed then.
    pub async fn decide_approval(
        &self,
        cause: &Cause,
        tenant: &TenantId,
        id: &ApprovalId,
        decision: &Decision,
    ) -> Result<Approval, StoreError> {
        let opinion = bounded("opinion", &decision.opinion)?;
        if decision.event == ApprovalEvent::Reject && opinion.is_empty() {
            let message = "is empty; say why, so that the applicant can do something about it".into();
            return Err(StoreError::Invalid { field: "opinion", message });
        }
        let mut tx = self.begin().await?;
        // The update takes the row's lock: who comes second reads what the first one has decided.
        let found = sqlx::query("UPDATE approvals SET number = number WHERE tenant_id = $1 AND id = $2 RETURNING *")
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let found = approval(&found.ok_or_else(|| StoreError::not_found("approval", id.as_str()))?)?;
        let is_overdue = found.state == ApprovalState::Pending && found.due_at_ms <= self.now_ms();
        let state = if is_overdue { ApprovalState::Expired } else { found.state };
        let next = approval::request(state, decision.event, decision.standing)?;
        let result = match next {
            ApprovalState::Approved => Some(self.apply(&mut tx, cause, &found).await?),
            ApprovalState::Pending | ApprovalState::Rejected | ApprovalState::Withdrawn | ApprovalState::Expired => None,
        };
        let ended = self.end_approval(&mut tx, cause, &found, next, (opinion, result)).await?;
        self.note_step(&mut tx, &ended, decision.event.as_str(), cause, opinion).await?;
        if ended.state != ApprovalState::Approved {
            self.ended_unapproved(&mut tx, cause, &ended).await?;
        }
        let action = format!("{}.{}", ended.kind, decision.event);
        let detail = json!({"approval": ended.id, "subject": ended.subject_name, "result": ended.result});
        self.audit(&mut tx, cause, record(&ended, &action, detail)).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Adds to the result of an approval how something went that was done after it, outside of this database.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_approval_result(&self, of: &Approval, key: &str, value: Value) -> Result<Approval, StoreError> {
        let mut result = of.result.clone().unwrap_or_else(|| json!({}));
        if let Some(fields) = result.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
        let noted = sqlx::query("UPDATE approvals SET result_json = $3 WHERE tenant_id = $1 AND id = $2 RETURNING *")
            .bind(of.tenant.as_str())
            .bind(of.id.as_str())
            .bind(result.to_string())
            .fetch_optional(&self.pool)
            .await?;
        approval(&noted.ok_or_else(|| StoreError::not_found("approval", of.id.as_str()))?)
    }

    /// Writes that `found`, which is pending, has ended in `next`.
    async fn end_approval(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        found: &Approval,
        next: ApprovalState,
        (opinion, result): (&str, Option<Value>),
    ) -> Result<Approval, StoreError> {
        let decided = matches!(next, ApprovalState::Approved | ApprovalState::Rejected);
        let ended = sqlx::query(
            "UPDATE approvals SET state = $2, opinion = $3, decided_by = $4, decided_by_name = $5, result_json = $6, ended_at_ms = $7 \
             WHERE id = $1 AND state = 'pending' RETURNING *",
        )
        .bind(found.id.as_str())
        .bind(next.as_str())
        .bind(decided.then_some(opinion))
        .bind(decided.then_some(cause.actor.as_str()))
        .bind(decided.then_some(cause.actor_name.as_str()))
        .bind(result.map(|r| r.to_string()))
        .bind(self.now_ms())
        .fetch_optional(&mut **tx)
        .await?;
        approval(&ended.ok_or_else(|| StoreError::Corrupt("an approval was decided under its lock".into()))?)
    }

    async fn note_step(&self, tx: &mut Transaction, of: &Approval, event: &str, cause: &Cause, note: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO approval_history (id, tenant_id, approval_id, event, state, actor, actor_name, note, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.new_id("aph"))
        .bind(of.tenant.as_str())
        .bind(of.id.as_str())
        .bind(event)
        .bind(of.state.as_str())
        .bind(cause.actor.as_str())
        .bind(cause.actor_name.as_str())
        .bind(note)
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

fn record<'a>(of: &'a Approval, action: &'a str, detail: Value) -> Record<'a> {
    let project = of.project.as_ref();
    Record { tenant: Some(&of.tenant), project, action, object: &of.subject, outcome: Outcome::Done, detail }
}

fn bounded<'a>(field: &'static str, text: &'a str) -> Result<&'a str, StoreError> {
    let (text, characters) = (text.trim(), text.chars().count());
    if characters > TEXT_CHARACTERS_MAX {
        let message = format!("has {characters} characters; at most {TEXT_CHARACTERS_MAX} are kept");
        return Err(StoreError::Invalid { field, message });
    }
    Ok(text)
}

pub(crate) fn approval(found: &AnyRow) -> Result<Approval, StoreError> {
    let environment = row::text_or_none(found, "environment")?.map(|e| e.parse()).transpose();
    let result = row::text_or_none(found, "result_json")?.map(|text| row::from_json(&text, "result_json")).transpose()?;
    Ok(Approval {
        id: ApprovalId::new(row::text(found, "id")?),
        tenant: TenantId::new(row::text(found, "tenant_id")?),
        project: row::text_or_none(found, "project_id")?.map(ProjectId::new),
        number: row::integer(found, "number")?,
        kind: row::word(found, "kind")?,
        environment: environment.map_err(|error| StoreError::Corrupt(format!("column environment: {error}")))?,
        subject: row::text(found, "subject")?,
        subject_name: row::text(found, "subject_name")?,
        for_project: row::text_or_none(found, "for_project_id")?.map(ProjectId::new),
        applicant: row::text(found, "applicant")?,
        applicant_name: row::text(found, "applicant_name")?,
        applicant_person: row::text(found, "applicant_person")?,
        reason: row::text(found, "reason")?,
        payload: row::json(found, "payload_json")?,
        state: row::word(found, "state")?,
        opinion: row::text_or_none(found, "opinion")?,
        decided_by: row::text_or_none(found, "decided_by")?,
        decided_by_name: row::text_or_none(found, "decided_by_name")?,
        result,
        created_at_ms: row::integer(found, "created_at_ms")?,
        due_at_ms: row::integer(found, "due_at_ms")?,
        reminded_at_ms: row::integer_or_none(found, "reminded_at_ms")?,
        ended_at_ms: row::integer_or_none(found, "ended_at_ms")?,
    })
}

fn step(found: &AnyRow) -> Result<ApprovalStep, StoreError> {
    Ok(ApprovalStep {
        event: row::text(found, "event")?,
        state: row::word(found, "state")?,
        actor: row::text(found, "actor")?,
        actor_name: row::text(found, "actor_name")?,
        note: row::text(found, "note")?,
        at_ms: row::integer(found, "at_ms")?,
    })
}
