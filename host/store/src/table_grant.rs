//! Grants of data permissions on tables, and the effect of an approved request for one (PRM-3, PRM-4).
//!
//! Invariant: an approved request never shortens what was granted before; an administrator's own setting replaces it.

use crate::{Approval, Cause, Store, StoreError, audit::done_in, data_source::row_scope, row};
use millrace_domain::{
    Action, ProjectScope,
    permission::{Grantee, Permit, TablePermission},
};
use millrace_model::ids::{ApprovalId, TopicId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Any, Transaction, any::AnyRow};

/// One permission that was given on a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableGrant {
    /// Id, `gra_…`.
    pub id: String,
    /// Tenant and project of the table.
    pub scope: ProjectScope,
    /// The table.
    pub table: TopicId,
    /// To whom, for what, on what, until when.
    pub permit: Permit,
    /// Id of the user who gave it.
    pub granted_by: String,
    /// The request that it comes from, if it comes from one.
    pub approval: Option<ApprovalId>,
    /// Given at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// Where a grant comes from.
#[derive(Debug, Clone, Copy)]
pub enum GrantSource<'a> {
    /// An administrator sets it: what was there is replaced.
    Set,
    /// A request was approved: what was there is only extended.
    Approval(&'a ApprovalId),
}

/// What an application for a permission asks for: the payload of its approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionRequest {
    /// `project` or `person`.
    pub grantee_kind: millrace_domain::permission::GranteeKind,
    /// Id of the project or user.
    pub grantee: String,
    /// What they are called.
    pub grantee_name: String,
    /// What for.
    pub permissions: Vec<TablePermission>,
    /// On these columns only; the whole table if empty.
    pub columns: Vec<String>,
    /// Until when, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
}

impl PermissionRequest {
    /// The single permissions that it asks for.
    pub fn permits(&self) -> Vec<Permit> {
        let grantee = Grantee::new(self.grantee_kind, &self.grantee);
        let columns: Vec<Option<String>> =
            if self.columns.is_empty() { vec![None] } else { self.columns.iter().cloned().map(Some).collect() };
        let each = |permission: &TablePermission| {
            let (grantee, permission) = (grantee.clone(), *permission);
            columns
                .iter()
                .map(move |column| Permit {
                    grantee: grantee.clone(),
                    permission,
                    column: column.clone(),
                    expires_at_ms: self.expires_at_ms,
                })
                .collect::<Vec<_>>()
        };
        self.permissions.iter().flat_map(each).collect()
    }
}

impl Store {
    /// The effect of an approved application.
    pub(crate) async fn permit_table_approved(
        &self,
        tx: &mut Transaction<'static, Any>,
        cause: &Cause,
        approval: &Approval,
    ) -> Result<Value, StoreError> {
        let asked: PermissionRequest = row::from_json(&approval.payload.to_string(), "payload_json")?;
        if asked.expires_at_ms.is_some_and(|until_ms| until_ms <= self.now_ms()) {
            let message = "the time that was asked for is over already; reject the request".into();
            return Err(StoreError::Conflict { code: "permission.over", message });
        }
        let project = approval.project.clone().ok_or_else(|| StoreError::Corrupt("a table permission outside of projects".into()))?;
        let scope = ProjectScope::new(approval.tenant.clone(), project);
        let table = TopicId::new(approval.subject.as_str());
        let mut made = Vec::new();
        for permit in asked.permits() {
            let grant = self.grant_in(tx, cause, (&scope, &table), &permit, GrantSource::Approval(&approval.id)).await?;
            made.push(json!({"grant": grant.id, "permission": permit.permission, "column": permit.column}));
        }
        let detail = json!({"grantee": asked.grantee_name, "grants": made});
        self.audit(tx, cause, done_in(&scope, Action::PermissionGrant, table.as_str(), detail)).await?;
        Ok(Value::Array(made))
    }

    /// Gives one permission, or changes how long it holds.
    pub(crate) async fn grant_in(
        &self,
        tx: &mut Transaction<'static, Any>,
        cause: &Cause,
        (scope, table): (&ProjectScope, &TopicId),
        permit: &Permit,
        source: GrantSource<'_>,
    ) -> Result<TableGrant, StoreError> {
        let approval = match source {
            GrantSource::Set => None,
            GrantSource::Approval(id) => Some(id.as_str()),
        };
        let given = sqlx::query(
            "INSERT INTO table_grants (id, tenant_id, project_id, table_id, grantee_kind, grantee, permission, column_name, \
             expires_at_ms, granted_by, approval_id, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) \
             ON CONFLICT (table_id, grantee_kind, grantee, permission, column_name) DO UPDATE SET \
             expires_at_ms = CASE WHEN $13 = 1 THEN excluded.expires_at_ms \
               WHEN table_grants.expires_at_ms IS NULL OR excluded.expires_at_ms IS NULL THEN NULL \
               WHEN table_grants.expires_at_ms > excluded.expires_at_ms THEN table_grants.expires_at_ms \
               ELSE excluded.expires_at_ms END, \
             granted_by = excluded.granted_by, approval_id = COALESCE(excluded.approval_id, table_grants.approval_id), \
             updated_at_ms = excluded.updated_at_ms RETURNING *",
        )
        .bind(self.new_id("gra"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(table.as_str())
        .bind(permit.grantee.kind().as_str())
        .bind(permit.grantee.id())
        .bind(permit.permission.as_str())
        .bind(permit.column.as_deref().unwrap_or_default())
        .bind(permit.expires_at_ms)
        .bind(cause.actor.as_str())
        .bind(approval)
        .bind(self.now_ms())
        .bind(i64::from(matches!(source, GrantSource::Set)))
        .fetch_one(&mut **tx)
        .await
        .map_err(|error| match &error {
            sqlx::Error::Database(database) if database.is_foreign_key_violation() => {
                let message = "the table is not there any more".into();
                StoreError::Conflict { code: "permission.no_table", message }
            }
            _ => StoreError::Database(error),
        })?;
        table_grant(&given)
    }

    /// Everything that was given on a table of `scope`, oldest first; what has expired too.
    ///
    /// # Errors
    /// The database fails.
    pub async fn table_grants(&self, scope: &ProjectScope, table: &TopicId) -> Result<Vec<TableGrant>, StoreError> {
        let rows = sqlx::query("SELECT * FROM table_grants WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 ORDER BY id")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(table.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(table_grant).collect()
    }
}

pub(crate) fn table_grant(found: &AnyRow) -> Result<TableGrant, StoreError> {
    let column = row::text(found, "column_name")?;
    Ok(TableGrant {
        id: row::text(found, "id")?,
        scope: row_scope(found)?,
        table: TopicId::new(row::text(found, "table_id")?),
        permit: Permit {
            grantee: Grantee::new(row::word(found, "grantee_kind")?, &row::text(found, "grantee")?),
            permission: row::word(found, "permission")?,
            column: (!column.is_empty()).then_some(column),
            expires_at_ms: row::integer_or_none(found, "expires_at_ms")?,
        },
        granted_by: row::text(found, "granted_by")?,
        approval: row::text_or_none(found, "approval_id")?.map(ApprovalId::new),
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}
