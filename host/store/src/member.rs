//! Roles of users, and the members of projects.
//!
//! Invariant: roles of a person are replaced as a whole, by the revision that the caller has read; whether the caller may
//! give and take what differs is decided before, from that revision.

use crate::{Cause, Page, PageRequest, Store, StoreError, row, transaction::Transaction, user::done_with_user};
use millrace_domain::{Action, Grant, ProjectScope, Role, Scope};
use millrace_model::ids::{ProjectId, TenantId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// Roles that one person can hold.
pub const ROLES_MAX: usize = 500;

/// A person with roles in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Id of the user.
    pub user: String,
    /// Name of the user.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Whether they may come in.
    pub enabled: bool,
    /// Roles in this project.
    pub roles: Vec<Role>,
}

/// A tenant or project with the roles that somebody has been given there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Id of the tenant.
    pub tenant: String,
    /// Name of the tenant.
    pub tenant_name: String,
    /// Id and name of the project; none for the whole tenant.
    pub project: Option<(String, String)>,
}

impl Store {
    /// What a user has been given.
    ///
    /// # Errors
    /// The database fails.
    pub async fn grants(&self, user: &str) -> Result<Vec<Grant>, StoreError> {
        let rows = sqlx::query("SELECT role, tenant_id, project_id FROM role_grants WHERE user_id = $1 ORDER BY id")
            .bind(user)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(grant).collect()
    }

    /// Names of the places where a user has been given something, archived projects left out; the newest grants first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn places(&self, user: &str) -> Result<Vec<Place>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.id AS tenant_id, t.name AS tenant_name, p.id AS project_id, p.name AS project_name \
             FROM role_grants g JOIN tenants t ON t.id = g.tenant_id LEFT JOIN projects p ON p.id = g.project_id \
             WHERE g.user_id = $1 AND p.archived_at_ms IS NULL \
             GROUP BY t.id, t.name, p.id, p.name ORDER BY MAX(g.id) DESC LIMIT $2",
        )
        .bind(user)
        .bind(ROLES_MAX as i64)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|found| {
                let project = row::text_or_none(found, "project_id")?.zip(row::text_or_none(found, "project_name")?);
                Ok(Place { tenant: row::text(found, "tenant_id")?, tenant_name: row::text(found, "tenant_name")?, project })
            })
            .collect()
    }

    /// Replaces everything that a person has been given.
    ///
    /// # Errors
    /// They were changed meanwhile, are the last administrator, are not there, a project is not there, or the database
    /// fails.
    pub async fn set_grants(
        &self,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: &str,
        grants: &[Grant],
        expected_revision: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let before = self.lock_user(&mut tx, tenant, user, Some(expected_revision)).await?;
        let still_administers = grants.iter().any(|g| match (&g.scope, tenant) {
            (Scope::Platform, None) => g.role == Role::PlatformAdmin,
            (Scope::Tenant(at), Some(tenant)) => at == tenant && g.role == Role::TenantAdmin,
            (Scope::Platform | Scope::Tenant(_) | Scope::Project(_), _) => false,
        });
        if !still_administers {
            self.check_administrator_left(&mut tx, &before, user).await?;
        }
        self.replace_grants(&mut tx, cause, tenant, user, grants).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a person, who is locked by `tx` or was made in it, these roles and no others.
    pub(crate) async fn replace_grants(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        tenant: Option<&TenantId>,
        user: &str,
        grants: &[Grant],
    ) -> Result<(), StoreError> {
        if grants.len() > ROLES_MAX {
            let message = format!("has {} roles, expected at most {ROLES_MAX}", grants.len());
            return Err(StoreError::Invalid { field: "roles", message });
        }
        sqlx::query("DELETE FROM role_grants WHERE user_id = $1").bind(user).execute(&mut **tx).await?;
        for grant in grants {
            self.insert_grant(tx, user, grant).await?;
        }
        sqlx::query("UPDATE users SET revision = revision + 1 WHERE id = $1").bind(user).execute(&mut **tx).await?;
        let words: Vec<Value> = grants.iter().map(grant_json).collect();
        self.audit(tx, cause, done_with_user(tenant, Action::RoleGrant, user, json!({"roles": words}))).await
    }

    pub(crate) async fn insert_grant(&self, tx: &mut Transaction, user: &str, grant: &Grant) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO role_grants (id, user_id, role, tenant_id, project_id, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(self.new_id("grt"))
            .bind(user)
            .bind(grant.role.as_str())
            .bind(grant.scope.tenant().map(|t| t.as_str().to_owned()))
            .bind(grant.scope.project().map(|p| p.as_str().to_owned()))
            .bind(self.now_ms())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// The persons who have been given a role in the project itself, those that joined the tenant last first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn members(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<Member>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id AS id, u.name AS name, u.display_name AS display_name, u.disabled_at_ms AS disabled_at_ms FROM users u \
             WHERE u.kind = 'person' AND u.deleted_at_ms IS NULL AND u.id < $3 \
             AND u.id IN (SELECT user_id FROM role_grants WHERE tenant_id = $1 AND project_id = $2) ORDER BY u.id DESC LIMIT $4",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let roles = sqlx::query("SELECT user_id, role FROM role_grants WHERE tenant_id = $1 AND project_id = $2 ORDER BY id")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_all(&self.pool)
            .await?;
        let roles = roles.iter().map(|found| Ok((row::text(found, "user_id")?, row::word(found, "role")?)));
        let roles = roles.collect::<Result<Vec<(String, Role)>, StoreError>>()?;
        let members = rows.iter().map(|found| {
            let user = row::text(found, "id")?;
            Ok(Member {
                roles: roles.iter().filter(|(of, _)| *of == user).map(|(_, role)| *role).collect(),
                name: row::text(found, "name")?,
                display_name: row::text(found, "display_name")?,
                enabled: row::integer_or_none(found, "disabled_at_ms")?.is_none(),
                user,
            })
        });
        let members = members.collect::<Result<_, StoreError>>()?;
        Ok(page.page(members, |m: &Member| &m.user))
    }
}

fn grant_json(grant: &Grant) -> Value {
    json!({"role": grant.role, "tenant": grant.scope.tenant(), "project": grant.scope.project()})
}

pub(crate) fn grant(found: &AnyRow) -> Result<Grant, StoreError> {
    let tenant = row::text_or_none(found, "tenant_id")?.map(TenantId::new);
    let project = row::text_or_none(found, "project_id")?.map(ProjectId::new);
    let scope = match (tenant, project) {
        (None, None) => Scope::Platform,
        (Some(tenant), None) => Scope::Tenant(tenant),
        (Some(tenant), Some(project)) => Scope::Project(ProjectScope::new(tenant, project)),
        (None, Some(project)) => return Err(StoreError::Corrupt(format!("a grant names the project {project} but no tenant"))),
    };
    Ok(Grant { role: row::word(found, "role")?, scope })
}
