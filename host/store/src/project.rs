//! Projects of a tenant (PRJ-1, PRJ-2).
//!
//! Invariant: an archived project keeps all its data and takes no more changes; its instances are stopped.

use crate::{
    Cause, Page, PageRequest, Store, StoreError, audit::done_in, error::unless_taken, instance::lock_instance, row,
    transaction::Transaction,
};
use millrace_domain::{Action, InstanceEvent, Name, ProjectScope, ProjectServices};
use millrace_model::ids::{InstanceId, ProjectId, TenantId};
use serde_json::json;
use sqlx::any::AnyRow;

/// A project.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The tenant and the project's id, `prj_…`.
    pub scope: ProjectScope,
    /// Name, unique in the tenant.
    pub name: Name,
    /// What the project is for.
    pub description: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Archived at, in milliseconds since the epoch.
    pub archived_at_ms: Option<i64>,
    /// Its services, as far as they differ from the default.
    pub services: ProjectServices,
}

impl Store {
    /// Makes a project.
    ///
    /// # Errors
    /// The name is taken, or the database fails.
    pub async fn create_project(&self, cause: &Cause, tenant: &TenantId, name: &Name, description: &str) -> Result<Project, StoreError> {
        let project = Project {
            scope: ProjectScope::new(tenant.clone(), ProjectId::new(self.new_id("prj"))),
            name: name.clone(),
            description: description.to_owned(),
            created_at_ms: self.now_ms(),
            archived_at_ms: None,
            services: ProjectServices::default(),
        };
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO projects (id, tenant_id, name, description, created_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(project.scope.project.as_str())
            .bind(tenant.as_str())
            .bind(name.as_str())
            .bind(description)
            .bind(project.created_at_ms)
            .execute(&mut *tx)
            .await
            .map_err(unless_taken("project", name.as_str()))?;
        let record = done_in(&project.scope, Action::ProjectCreate, project.scope.project.as_str(), json!({"name": name}));
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(project)
    }

    /// The project of this name or id.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn project(&self, tenant: &TenantId, name_or_id: &str) -> Result<Project, StoreError> {
        let found = sqlx::query("SELECT * FROM projects WHERE tenant_id = $1 AND (id = $2 OR name = $2)")
            .bind(tenant.as_str())
            .bind(name_or_id)
            .fetch_optional(&self.pool)
            .await?;
        project(&found.ok_or_else(|| StoreError::not_found("project", name_or_id))?)
    }

    /// The projects of `tenant` that `user` has a role in; all of them for `None`. Archived ones only if wanted.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn projects(
        &self,
        tenant: &TenantId,
        user: Option<&str>,
        with_archived: bool,
        page: &PageRequest,
    ) -> Result<Page<Project>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM projects WHERE tenant_id = $1 AND id < $2 AND (archived_at_ms IS NULL OR $3 = 1) \
             AND ($4 = '' OR id IN (SELECT project_id FROM role_grants WHERE user_id = $4 AND tenant_id = $1)) \
             ORDER BY id DESC LIMIT $5",
        )
        .bind(tenant.as_str())
        .bind(page.before()?)
        .bind(i64::from(with_archived))
        .bind(user.unwrap_or_default())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let projects = rows.iter().map(project).collect::<Result<_, _>>()?;
        Ok(page.page(projects, |p: &Project| p.scope.project.as_str()))
    }

    /// Changes a project's description.
    ///
    /// # Errors
    /// It is archived or not there, or the database fails.
    pub async fn describe_project(&self, cause: &Cause, scope: &ProjectScope, description: &str) -> Result<Project, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let changed = sqlx::query("UPDATE projects SET description = $3 WHERE tenant_id = $1 AND id = $2 RETURNING *")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(description)
            .fetch_one(&mut *tx)
            .await?;
        let record = done_in(scope, Action::ProjectEdit, scope.project.as_str(), json!({"description": description}));
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        project(&changed)
    }

    /// Archives a project and tells its instances to stop. Doing it twice changes nothing.
    ///
    /// # Errors
    /// There is no such project, or the database fails.
    pub async fn archive_project(&self, cause: &Cause, scope: &ProjectScope) -> Result<Project, StoreError> {
        let mut tx = self.begin().await?;
        let expired = self.expire_approvals_of(&mut tx, cause, scope).await?;
        let changed =
            sqlx::query("UPDATE projects SET archived_at_ms = COALESCE(archived_at_ms, $3) WHERE tenant_id = $1 AND id = $2 RETURNING *")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(self.now_ms())
                .fetch_optional(&mut *tx)
                .await?;
        let changed = project(&changed.ok_or_else(|| StoreError::not_found("project", scope.project.as_str()))?)?;
        let stopped = self.stop_all(&mut tx, scope).await?;
        let record =
            done_in(scope, Action::ProjectArchive, scope.project.as_str(), json!({"stopping": stopped, "approvals_expired": expired}));
        self.audit(&mut tx, cause, record).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Stops every instance of the project that can be stopped; answers their ids.
    async fn stop_all(&self, tx: &mut Transaction, scope: &ProjectScope) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT id FROM instances WHERE tenant_id = $1 AND project_id = $2 ORDER BY id")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_all(&mut **tx)
            .await?;
        let mut stopped = Vec::new();
        for found in &rows {
            let id = row::text(found, "id")?;
            // Its worker may report at the same moment: what counts is the state under the lock.
            let Some(mut next) = lock_instance(tx, &InstanceId::new(id.as_str())).await? else { continue };
            if next.apply(InstanceEvent::Stop, self.now_ms()).is_ok() {
                self.save_instance(tx, &next).await?;
                stopped.push(id);
            }
        }
        Ok(stopped)
    }

    /// Makes sure that the project can be changed, and keeps it so until `tx` ends: the update takes the row's lock.
    pub(crate) async fn enter(&self, tx: &mut Transaction, scope: &ProjectScope) -> Result<(), StoreError> {
        let found = sqlx::query("UPDATE projects SET name = name WHERE tenant_id = $1 AND id = $2 RETURNING *")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        let found = project(&found.ok_or_else(|| StoreError::not_found("project", scope.project.as_str()))?)?;
        match found.archived_at_ms {
            None => Ok(()),
            Some(_) => Err(StoreError::Archived(found.name.as_str().to_owned())),
        }
    }
}

fn project(found: &AnyRow) -> Result<Project, StoreError> {
    Ok(Project {
        scope: ProjectScope::new(TenantId::new(row::text(found, "tenant_id")?), ProjectId::new(row::text(found, "id")?)),
        name: row::word(found, "name")?,
        description: row::text(found, "description")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        archived_at_ms: row::integer_or_none(found, "archived_at_ms")?,
        services: row::json(found, "services_json")?,
    })
}
