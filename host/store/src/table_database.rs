//! Databases: tables of one system, designed and then published (TOP-1, TOP-2, TOP-4).
//!
//! Invariant: what was published is never changed; the newest publication that is not retired is in force.

use crate::{
    Approval, Cause, NewApproval, Page, PageRequest, Store, StoreError, audit::done_in, data_source::row_scope, error::unless_taken,
    named::DATABASES, row, transaction::Transaction,
};
use millrace_domain::{Action, ApprovalKind, Environment, Name, ProjectScope, Scope};
use millrace_model::ids::{ApprovalId, DataSourceId, DatabaseId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A database as it is designed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Id, `dba_…`.
    pub id: DatabaseId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name, unique in the project.
    pub name: Name,
    /// Name in the outside system.
    pub physical_name: String,
    /// The system that holds it while it is only designed.
    pub data_source: Option<DataSourceId>,
    /// What it holds.
    pub description: String,
    /// Grows with each change.
    pub revision: i64,
    /// Id of the user who has designed it.
    pub created_by: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// All settings of a database besides its name.
#[derive(Debug, Clone)]
pub struct DatabaseChange {
    /// Name in the outside system.
    pub physical_name: String,
    /// The system that holds it.
    pub data_source: Option<DataSourceId>,
    /// What it holds.
    pub description: String,
    /// The revision that the caller has read; none to overwrite whatever is there.
    pub expected_revision: Option<i64>,
}

/// A database in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabasePublication {
    /// Id, `dpb_…`.
    pub id: String,
    /// Where.
    pub environment: Environment,
    /// Counts the publications of the database in the environment, from 1.
    pub number: i64,
    /// The system that holds it there.
    pub data_source: DataSourceId,
    /// Its name there.
    pub physical_name: String,
    /// Id of the user who asked.
    pub published_by: String,
    /// The request.
    pub approval: ApprovalId,
    /// In force since, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Taken out at.
    pub retired_at_ms: Option<i64>,
}

/// The payload of a request to publish a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabasePublishRequest {
    /// Id of the data source that it binds to.
    pub data_source: DataSourceId,
    /// Name of that data source.
    pub data_source_name: String,
    /// Its name there.
    pub physical_name: String,
    /// The publication that was in force when it was asked; 0 for none.
    pub replaces: i64,
}

impl Store {
    /// Makes a database.
    ///
    /// # Errors
    /// The name is taken, the data source is not in the project, the project is archived, or the database fails.
    pub async fn create_database(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        name: &Name,
        settings: &DatabaseChange,
    ) -> Result<Database, StoreError> {
        let id = self.new_id("dba");
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        self.owns_source(&mut tx, scope, settings.data_source.as_ref()).await?;
        let made = sqlx::query(
            "INSERT INTO databases (id, tenant_id, project_id, name, physical_name, data_source_id, description, revision, created_by, \
             created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $9) RETURNING *",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(name.as_str())
        .bind(settings.physical_name.as_str())
        .bind(settings.data_source.as_ref().map(|s| s.as_str().to_owned()))
        .bind(settings.description.as_str())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("database", name.as_str()))?;
        let detail = json!({"name": name, "data_source": settings.data_source});
        self.audit(&mut tx, cause, done_in(scope, Action::DatabaseCreate, &id, detail)).await?;
        tx.commit().await?;
        database(&made)
    }

    /// The database of this name or id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn database(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Database, StoreError> {
        database(&self.named(&DATABASES, scope, name_or_id).await?)
    }

    /// The databases of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn databases(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<Database>, StoreError> {
        let rows = self.newest(&DATABASES, scope, page).await?;
        let found = rows.iter().map(database).collect::<Result<_, _>>()?;
        Ok(page.page(found, |d: &Database| d.id.as_str()))
    }

    /// Replaces all settings of a database's design; what is published stays.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, the data source is not in the project, the project is archived, or the
    /// database fails.
    pub async fn change_database(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &DatabaseId,
        change: &DatabaseChange,
    ) -> Result<Database, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        self.owns_source(&mut tx, scope, change.data_source.as_ref()).await?;
        let changed = sqlx::query(
            "UPDATE databases SET physical_name = $5, data_source_id = $6, description = $7, revision = revision + 1, updated_at_ms = $8 \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND (revision = $4 OR $4 = 0) RETURNING *",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(change.expected_revision.unwrap_or(0))
        .bind(change.physical_name.as_str())
        .bind(change.data_source.as_ref().map(|s| s.as_str().to_owned()))
        .bind(change.description.as_str())
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.database(scope, id.as_str()).await?.revision;
            let expected = change.expected_revision.unwrap_or(found);
            return Err(StoreError::RevisionConflict { what: "database", name: id.as_str().to_owned(), expected, found });
        };
        let changed = database(&changed)?;
        self.audit(&mut tx, cause, done_in(scope, Action::DatabaseEdit, id.as_str(), json!({"revision": changed.revision}))).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes a database without tables that was never published.
    ///
    /// # Errors
    /// It is not there or in use, the project is archived, or the database fails.
    pub async fn delete_database(&self, cause: &Cause, scope: &ProjectScope, id: &DatabaseId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let removed = sqlx::query("DELETE FROM databases WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING name")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(|error| match &error {
                sqlx::Error::Database(database) if database.is_foreign_key_violation() => {
                    let by = "it has tables, or was published; remove its tables first, and keep what was published".to_owned();
                    StoreError::InUse { what: "database", name: id.as_str().to_owned(), by }
                }
                _ => StoreError::Database(error),
            })?
            .ok_or_else(|| StoreError::not_found("database", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?});
        self.audit(&mut tx, cause, done_in(scope, Action::DatabaseDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What was published of a database, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn database_publications(&self, scope: &ProjectScope, id: &DatabaseId) -> Result<Vec<DatabasePublication>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM database_publications WHERE tenant_id = $1 AND project_id = $2 AND database_id = $3 ORDER BY id DESC",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(database_publication).collect()
    }

    /// The database as it is in force in an environment.
    ///
    /// # Errors
    /// The database fails.
    pub async fn database_in(
        &self,
        scope: &ProjectScope,
        id: &DatabaseId,
        environment: Environment,
    ) -> Result<Option<DatabasePublication>, StoreError> {
        let all = self.database_publications(scope, id).await?;
        Ok(all.into_iter().find(|p| p.environment == environment && p.retired_at_ms.is_none()))
    }

    /// Asks for a database in an environment.
    ///
    /// # Errors
    /// The environment before does not have it, the same is asked for already, or the database fails.
    pub async fn request_database_publication(
        &self,
        cause: &Cause,
        of: &Database,
        environment: Environment,
        asked: &DatabasePublishRequest,
        reason: &str,
    ) -> Result<Approval, StoreError> {
        let asked = row::to_value(asked)?;
        let new = publish_request(ApprovalKind::DatabasePublish, &of.scope, (of.id.as_str(), &of.name), environment, asked, reason);
        let mut tx = self.begin().await?;
        self.enter(&mut tx, &of.scope).await?;
        let made = self.request_approval_in(&mut tx, cause, &new).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The effect of an approved request.
    pub(crate) async fn publish_database_approved(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        approval: &Approval,
    ) -> Result<Value, StoreError> {
        let asked: DatabasePublishRequest = row::from_json(&approval.payload.to_string(), "payload_json")?;
        let (scope, environment) = place(approval)?;
        self.enter(tx, &scope).await?;
        let newest =
            sqlx::query("SELECT COALESCE(MAX(number), 0) AS number FROM database_publications WHERE database_id = $1 AND environment = $2");
        let newest = newest.bind(approval.subject.as_str()).bind(environment.as_str()).fetch_one(&mut **tx).await?;
        let number = succeeding(&newest, asked.replaces)?;
        sqlx::query(
            "INSERT INTO database_publications (id, tenant_id, project_id, database_id, environment, number, data_source_id, physical_name, \
             published_by, approval_id, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(self.new_id("dpb"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(approval.subject.as_str())
        .bind(environment.as_str())
        .bind(number)
        .bind(asked.data_source.as_str())
        .bind(asked.physical_name.as_str())
        .bind(approval.applicant.as_str())
        .bind(approval.id.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await
        .map_err(gone)?;
        let result = json!({"environment": environment, "number": number});
        self.audit(tx, cause, done_in(&scope, Action::DatabasePublish, &approval.subject, result.clone())).await?;
        Ok(result)
    }

    /// Refuses a data source of another project.
    pub(crate) async fn owns_source(
        &self,
        tx: &mut Transaction,
        scope: &ProjectScope,
        source: Option<&DataSourceId>,
    ) -> Result<(), StoreError> {
        let Some(source) = source else { return Ok(()) };
        let found = sqlx::query("SELECT id FROM data_sources WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(source.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        found.map(|_| ()).ok_or_else(|| StoreError::not_found("data source", source.as_str()))
    }
}

/// Project and environment of a request to publish.
pub(crate) fn place(approval: &Approval) -> Result<(ProjectScope, Environment), StoreError> {
    let (Some(project), Some(environment)) = (&approval.project, approval.environment) else {
        return Err(StoreError::Corrupt("a request to publish has no project or no environment".into()));
    };
    Ok((ProjectScope::new(approval.tenant.clone(), project.clone()), environment))
}

/// The request for a table or database, its id and name in `subject`, in an environment.
pub(crate) fn publish_request(
    kind: ApprovalKind,
    scope: &ProjectScope,
    subject: (&str, &Name),
    environment: Environment,
    payload: Value,
    reason: &str,
) -> NewApproval {
    let (id, name) = subject;
    NewApproval {
        kind,
        scope: Scope::Project(scope.clone()),
        environment: Some(environment),
        subject: id.to_owned(),
        subject_name: name.to_string(),
        open_key: format!("{id}/{environment}"),
        for_project: Some(scope.project.clone()),
        reason: reason.to_owned(),
        payload,
    }
}

/// The number after the newest one, which must be the one that was to be replaced: nobody else was faster.
pub(crate) fn succeeding(newest: &AnyRow, replaces: i64) -> Result<i64, StoreError> {
    let found = row::integer(newest, "number")?;
    if found != replaces {
        let message =
            format!("version {found} was published since this was asked, which replaces version {replaces}; reject it and ask anew");
        return Err(StoreError::Conflict { code: "publish.superseded", message });
    }
    Ok(found + 1)
}

/// What was asked for, or what it binds to, is not there any more.
pub(crate) fn gone(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) if database.is_foreign_key_violation() => {
            let message = "it is not there any more, or its data source is not; reject the request".into();
            StoreError::Conflict { code: "publish.gone", message }
        }
        _ => StoreError::Database(error),
    }
}

fn database(found: &AnyRow) -> Result<Database, StoreError> {
    Ok(Database {
        id: DatabaseId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        name: row::word(found, "name")?,
        physical_name: row::text(found, "physical_name")?,
        data_source: row::text_or_none(found, "data_source_id")?.map(DataSourceId::new),
        description: row::text(found, "description")?,
        revision: row::integer(found, "revision")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}

fn database_publication(found: &AnyRow) -> Result<DatabasePublication, StoreError> {
    Ok(DatabasePublication {
        id: row::text(found, "id")?,
        environment: row::word(found, "environment")?,
        number: row::integer(found, "number")?,
        data_source: DataSourceId::new(row::text(found, "data_source_id")?),
        physical_name: row::text(found, "physical_name")?,
        published_by: row::text(found, "published_by")?,
        approval: ApprovalId::new(row::text(found, "approval_id")?),
        created_at_ms: row::integer(found, "created_at_ms")?,
        retired_at_ms: row::integer_or_none(found, "retired_at_ms")?,
    })
}
