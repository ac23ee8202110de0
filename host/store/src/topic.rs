//! Topics and tables as they are designed (TOP-1); what was approved of them is in `table_publication`.
//!
//! Invariant: a design is bound at most to a data source or database of its own project; removing it here never touches the
//! outside system.

use crate::{Cause, Page, PageRequest, Store, StoreError, audit::done_in, data_source::row_scope, error::unless_taken, named::TOPICS, row};
use millrace_domain::{Action, Name, ProjectScope};
use millrace_model::{
    Schema,
    ids::{DataSourceId, DatabaseId, TopicId},
};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    /// Id, `top_…`.
    pub id: TopicId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name in the project, used in job graphs.
    pub name: Name,
    /// Name in the broker.
    pub physical_name: String,
    /// The system that holds it while it is only designed; none until somebody says so.
    pub data_source: Option<DataSourceId>,
    /// The database that it is a table of; topics have none.
    pub database: Option<DatabaseId>,
    /// What it holds.
    pub description: String,
    /// Columns.
    pub schema: Schema,
    /// Message format: `{"type": "json", …}`.
    pub format: Value,
    /// Grows with each change.
    pub revision: i64,
    /// Id of the user who has designed it; empty if that was not noted.
    pub created_by: String,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// A topic to make.
#[derive(Debug, Clone)]
pub struct NewTopic {
    /// Name, unique in the project.
    pub name: Name,
    /// The database that it is a table of.
    pub database: Option<DatabaseId>,
    /// Everything else.
    pub settings: TopicChange,
}

/// All settings of a topic besides its name.
#[derive(Debug, Clone)]
pub struct TopicChange {
    /// Name in the broker.
    pub physical_name: String,
    /// The system that holds it; may be left open until it is published.
    pub data_source: Option<DataSourceId>,
    /// What it holds.
    pub description: String,
    /// Columns.
    pub schema: Schema,
    /// Message format.
    pub format: Value,
    /// The revision that the caller has read; none to overwrite whatever is there.
    pub expected_revision: Option<i64>,
}

impl Store {
    /// Makes a topic.
    ///
    /// # Errors
    /// The name is taken, the data source is not in the project, the project is archived, or the database fails.
    pub async fn create_topic(&self, cause: &Cause, scope: &ProjectScope, new: &NewTopic) -> Result<Topic, StoreError> {
        let (id, settings) = (self.new_id("top"), &new.settings);
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let made = sqlx::query(
            "INSERT INTO topics (id, tenant_id, project_id, created_by, name, physical_name, data_source_id, description, \
             columns_json, format_json, revision, created_at_ms, updated_at_ms, database_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $12) RETURNING *",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(cause.actor.as_str())
        .bind(new.name.as_str())
        .bind(settings.physical_name.as_str())
        .bind(settings.data_source.as_ref().map(|s| s.as_str().to_owned()))
        .bind(settings.description.as_str())
        .bind(row::to_json(&settings.schema)?)
        .bind(settings.format.to_string())
        .bind(self.now_ms())
        .bind(new.database.as_ref().map(|d| d.as_str().to_owned()))
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_unbound(settings.data_source.as_ref()))
        .map_err(|error| match error {
            StoreError::Database(error) => unless_taken("topic", new.name.as_str())(error),
            other => other,
        })?;
        let detail = json!({"name": new.name, "physical_name": settings.physical_name, "data_source": settings.data_source});
        self.audit(&mut tx, cause, done_in(scope, Action::TopicCreate, &id, detail)).await?;
        tx.commit().await?;
        topic(&made)
    }

    /// The topic of this name or id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn topic(&self, scope: &ProjectScope, name_or_id: &str) -> Result<Topic, StoreError> {
        topic(&self.named(&TOPICS, scope, name_or_id).await?)
    }

    /// The topics of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn topics(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<Topic>, StoreError> {
        let rows = self.newest(&TOPICS, scope, page).await?;
        let topics = rows.iter().map(topic).collect::<Result<_, _>>()?;
        Ok(page.page(topics, |t: &Topic| t.id.as_str()))
    }

    /// Replaces all settings of a topic; versions of jobs keep what they pinned.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, the data source is not in the project, the project is archived, or the
    /// database fails.
    pub async fn change_topic(&self, cause: &Cause, scope: &ProjectScope, id: &TopicId, change: &TopicChange) -> Result<Topic, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let changed = sqlx::query(
            "UPDATE topics SET physical_name = $5, data_source_id = $6, description = $7, columns_json = $8, format_json = $9, \
             revision = revision + 1, updated_at_ms = $10 \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND (revision = $4 OR $4 = 0) RETURNING *",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id.as_str())
        .bind(change.expected_revision.unwrap_or(0))
        .bind(change.physical_name.as_str())
        .bind(change.data_source.as_ref().map(|s| s.as_str().to_owned()))
        .bind(change.description.as_str())
        .bind(row::to_json(&change.schema)?)
        .bind(change.format.to_string())
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await
        .map_err(unless_unbound(change.data_source.as_ref()))?;
        let Some(changed) = changed else {
            drop(tx);
            let found = self.topic(scope, id.as_str()).await?.revision;
            let expected = change.expected_revision.unwrap_or(found);
            return Err(StoreError::RevisionConflict { what: "topic", name: id.as_str().to_owned(), expected, found });
        };
        let changed = topic(&changed)?;
        self.audit(&mut tx, cause, done_in(scope, Action::TopicEdit, id.as_str(), json!({"revision": changed.revision}))).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Removes the description of a topic; the real topic and its records stay.
    ///
    /// # Errors
    /// It is not there, the project is archived, or the database fails.
    pub async fn delete_topic(&self, cause: &Cause, scope: &ProjectScope, id: &TopicId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let published = sqlx::query(
            "SELECT environment FROM table_publications WHERE tenant_id = $1 AND table_id = $2 AND retired_at_ms IS NULL ORDER BY id LIMIT 1",
        )
        .bind(scope.tenant.as_str())
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(published) = published {
            let environment = row::text(&published, "environment")?;
            let by = format!("it is published in {environment}, where jobs may use it; take it out of {environment} first");
            return Err(StoreError::InUse { what: "topic", name: id.as_str().to_owned(), by });
        }
        sqlx::query("DELETE FROM table_publications WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        self.forget_permissions(&mut tx, scope, id.as_str()).await?;
        let removed = sqlx::query("DELETE FROM topics WHERE tenant_id = $1 AND project_id = $2 AND id = $3 RETURNING name")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("topic", id.as_str()))?;
        let detail = json!({"name": row::text(&removed, "name")?});
        self.audit(&mut tx, cause, done_in(scope, Action::TopicDelete, id.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A foreign key that does not hold here means that the data source is not in the project.
fn unless_unbound(source: Option<&DataSourceId>) -> impl FnOnce(sqlx::Error) -> StoreError + '_ {
    move |error| match &error {
        sqlx::Error::Database(database) if database.is_foreign_key_violation() => match source {
            Some(source) => StoreError::not_found("data source", source.as_str()),
            None => StoreError::not_found("database", "of the table"),
        },
        _ => StoreError::Database(error),
    }
}

pub(crate) fn topic(found: &AnyRow) -> Result<Topic, StoreError> {
    Ok(Topic {
        id: TopicId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        name: row::word(found, "name")?,
        physical_name: row::text(found, "physical_name")?,
        data_source: row::text_or_none(found, "data_source_id")?.map(DataSourceId::new),
        database: row::text_or_none(found, "database_id")?.map(DatabaseId::new),
        description: row::text(found, "description")?,
        schema: row::json(found, "columns_json")?,
        format: row::json(found, "format_json")?,
        revision: row::integer(found, "revision")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}
