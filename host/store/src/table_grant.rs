//! Grants of data permissions on tables, and the effect of an approved request for one (PRM-3, PRM-4).
//!
//! Invariant: an approved request never shortens what was granted before; an administrator's own setting replaces it.

use crate::{
    Approval, Cause, NewApproval, Page, PageRequest, SharedTable, Store, StoreError, audit::done_in, data_source::row_scope, row,
    transaction::Transaction,
};
use millrace_domain::{
    Action, ApprovalKind, ProjectScope, Scope,
    permission::{Grantee, Permit, RevocationPolicy, TablePermission},
};
use millrace_model::ids::{ApprovalId, ProjectId, TenantId, TopicId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::{BTreeMap, BTreeSet};

/// Names that one query looks up.
const NAMES_AT_ONCE: usize = 500;

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

/// A permission with the table that it is on.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantedTable {
    /// The permission.
    pub grant: TableGrant,
    /// The table, as `project.table`.
    pub table_name: String,
}

impl PermissionRequest {
    /// Two applications with the same key ask for the same: for the same grantee, permissions and columns, however long.
    fn open_key(&self, table: &TopicId) -> String {
        let permissions: BTreeSet<&str> = self.permissions.iter().map(|permission| permission.as_str()).collect();
        let columns: BTreeSet<&str> = self.columns.iter().map(String::as_str).collect();
        // Of fixed length: many columns would be more than an index takes.
        let asked = hex::encode(Sha256::digest(json!([permissions, columns]).to_string()));
        format!("{table}/{}/{}/{asked}", self.grantee_kind, self.grantee)
    }

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
        tx: &mut Transaction,
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
        tx: &mut Transaction,
        cause: &Cause,
        (scope, table): (&ProjectScope, &TopicId),
        permit: &Permit,
        source: GrantSource<'_>,
    ) -> Result<TableGrant, StoreError> {
        let approval = match source {
            GrantSource::Set => None,
            GrantSource::Approval(id) => Some(id.as_str()),
        };
        self.check_shared(tx, scope, table).await?;
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
        .await?;
        table_grant(&given)
    }

    /// Gives permissions on a table, or changes how long they hold: an administrator's own setting (PRM-4).
    ///
    /// # Errors
    /// The table is not there, the project is archived, or the database fails.
    pub async fn set_table_grants(
        &self,
        cause: &Cause,
        (scope, table): (&ProjectScope, &TopicId),
        permits: &[Permit],
    ) -> Result<Vec<TableGrant>, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let mut given = Vec::with_capacity(permits.len());
        for permit in permits {
            given.push(self.grant_in(&mut tx, cause, (scope, table), permit, GrantSource::Set).await?);
        }
        let shown: Vec<_> =
            given.iter().map(|g| json!({"grant": g.id, "to": g.permit.grantee.id(), "permission": g.permit.permission})).collect();
        self.audit(&mut tx, cause, done_in(scope, Action::PermissionGrant, table.as_str(), json!({"given": shown}))).await?;
        tx.commit().await?;
        Ok(given)
    }

    /// Takes one permission away; also of an archived project, whose tables others may still use.
    ///
    /// # Errors
    /// It is not there, or the database fails.
    pub async fn revoke_table_grant(
        &self,
        cause: &Cause,
        (scope, table): (&ProjectScope, &TopicId),
        grant: &str,
    ) -> Result<TableGrant, StoreError> {
        let mut tx = self.begin().await?;
        let taken =
            sqlx::query("DELETE FROM table_grants WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 AND id = $4 RETURNING *")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(table.as_str())
                .bind(grant)
                .fetch_optional(&mut *tx)
                .await?;
        let taken = table_grant(&taken.ok_or_else(|| StoreError::not_found("grant", grant))?)?;
        let detail = json!({"taken": taken.id, "from": taken.permit.grantee.id(), "permission": taken.permit.permission});
        self.audit(&mut tx, cause, done_in(scope, Action::PermissionGrant, table.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Says what everybody may do with a table (PRM-5), and what happens to running instances when a permission ends.
    ///
    /// # Errors
    /// The table is not there, the project is archived, or the database fails.
    pub async fn set_table_access(
        &self,
        cause: &Cause,
        (scope, table): (&ProjectScope, &TopicId),
        everyone: &[TablePermission],
        policy: RevocationPolicy,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        for &permission in TablePermission::ALL.iter().filter(|p| !everyone.contains(p)) {
            sqlx::query(
                "DELETE FROM table_grants WHERE tenant_id = $1 AND table_id = $2 AND grantee_kind = 'everyone' AND permission = $3",
            )
            .bind(scope.tenant.as_str())
            .bind(table.as_str())
            .bind(permission.as_str())
            .execute(&mut *tx)
            .await?;
        }
        for &permission in everyone {
            let permit = Permit { grantee: Grantee::Everyone, permission, column: None, expires_at_ms: None };
            self.grant_in(&mut tx, cause, (scope, table), &permit, GrantSource::Set).await?;
        }
        sqlx::query(
            "INSERT INTO table_policies (table_id, tenant_id, project_id, revocation, updated_at_ms) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (table_id) DO UPDATE SET revocation = excluded.revocation, updated_at_ms = excluded.updated_at_ms",
        )
        .bind(table.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(policy.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        let detail = json!({"everyone": everyone, "revocation": policy});
        self.audit(&mut tx, cause, done_in(scope, Action::PermissionGrant, table.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What happens to running instances when a permission on the table ends.
    ///
    /// # Errors
    /// The database fails.
    pub async fn revocation_policy(&self, scope: &ProjectScope, table: &TopicId) -> Result<RevocationPolicy, StoreError> {
        let found = sqlx::query("SELECT revocation FROM table_policies WHERE tenant_id = $1 AND table_id = $2")
            .bind(scope.tenant.as_str())
            .bind(table.as_str())
            .fetch_optional(&self.pool)
            .await?;
        found.map_or(Ok(RevocationPolicy::StopRunning), |found| row::word(&found, "revocation"))
    }

    /// Asks for permissions on a table: one request for the project, one for the person (PRM-1), all or none.
    ///
    /// # Errors
    /// The same is asked for already, or the database fails.
    pub async fn apply_for_table(
        &self,
        cause: &Cause,
        of: &SharedTable,
        name: &str,
        applications: &[(Option<ProjectId>, PermissionRequest)],
        reason: &str,
    ) -> Result<Vec<Approval>, StoreError> {
        let mut tx = self.begin().await?;
        // Nobody could decide about what an archived project has.
        self.enter(&mut tx, of.scope()).await?;
        let id = of.id();
        let mut made = Vec::with_capacity(applications.len());
        for (for_project, asked) in applications {
            let new = NewApproval {
                kind: ApprovalKind::TablePermission,
                scope: Scope::Project(of.scope().clone()),
                environment: None,
                subject: id.to_string(),
                subject_name: name.to_owned(),
                open_key: asked.open_key(&id),
                for_project: for_project.clone(),
                reason: reason.to_owned(),
                payload: row::to_value(asked)?,
            };
            made.push(self.request_approval_in(&mut tx, cause, &new).await?);
        }
        tx.commit().await?;
        Ok(made)
    }

    /// What was given to a project or person, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn grants_to(&self, tenant: &TenantId, grantee: &Grantee, page: &PageRequest) -> Result<Page<GrantedTable>, StoreError> {
        let rows = sqlx::query(
            "SELECT g.*, COALESCE(t.name, m.name) AS table_name, p.name AS project_name FROM table_grants g \
             LEFT JOIN topics t ON t.id = g.table_id LEFT JOIN temp_tables m ON m.id = g.table_id \
             JOIN projects p ON p.id = g.project_id \
             WHERE g.tenant_id = $1 AND g.grantee_kind = $2 AND g.grantee = $3 AND g.id < $4 ORDER BY g.id DESC LIMIT $5",
        )
        .bind(tenant.as_str())
        .bind(grantee.kind().as_str())
        .bind(grantee.id())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let found = rows.iter().map(|found| {
            let table_name = format!("{}.{}", row::text(found, "project_name")?, row::text(found, "table_name")?);
            Ok::<_, StoreError>(GrantedTable { grant: table_grant(found)?, table_name })
        });
        let found = found.collect::<Result<_, _>>()?;
        Ok(page.page(found, |g: &GrantedTable| &g.grant.id))
    }

    /// Id and name of the user of this id or name who works in the tenant.
    ///
    /// # Errors
    /// There is none, several have the name, or the database fails.
    pub async fn grantee_user(&self, tenant: &TenantId, name_or_id: &str) -> Result<(String, String), StoreError> {
        let rows = sqlx::query(
            "SELECT id, name FROM users WHERE (id = $2 OR name = $2) AND deleted_at_ms IS NULL \
             AND (tenant_id = $1 OR id IN (SELECT user_id FROM role_grants WHERE tenant_id = $1)) ORDER BY id LIMIT 2",
        )
        .bind(tenant.as_str())
        .bind(name_or_id)
        .fetch_all(&self.pool)
        .await?;
        match rows.as_slice() {
            [] => Err(StoreError::not_found("user", name_or_id)),
            [found] => Ok((row::text(found, "id")?, row::text(found, "name")?)),
            _ => Err(StoreError::Invalid { field: "person", message: format!("`{name_or_id}` is the name of several users; give an id") }),
        }
    }

    /// What all these grantees are called, by id; those that are gone are left out.
    ///
    /// # Errors
    /// The database fails.
    pub async fn grantee_names(&self, tenant: &TenantId, ids: &BTreeSet<String>) -> Result<BTreeMap<String, String>, StoreError> {
        let (mut names, ids) = (BTreeMap::new(), ids.iter().collect::<Vec<_>>());
        for some in ids.chunks(NAMES_AT_ONCE) {
            let places = (2..some.len() + 2).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
            // The text is made of constants and numbers.
            let text = AssertSqlSafe(format!(
                "SELECT id, name FROM projects WHERE tenant_id = $1 AND id IN ({places}) \
                 UNION ALL SELECT id, name FROM users WHERE (tenant_id = $1 OR tenant_id IS NULL) AND id IN ({places})"
            ));
            let query = some.iter().fold(sqlx::query(text).bind(tenant.as_str()), |query, id| query.bind(id.as_str()));
            for found in query.fetch_all(&self.pool).await? {
                names.insert(row::text(&found, "id")?, row::text(&found, "name")?);
            }
        }
        Ok(names)
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
