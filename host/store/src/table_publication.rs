//! Tables and topics in the test and production environments: numbered, immutable snapshots (TOP-2, TOP-4).
//!
//! Invariants: a snapshot appears only as the effect of an approval; it is never changed; the newest one that is not retired
//! is in force. Nothing is in production that is not in test.

use crate::{
    Approval, Cause, Page, PageRequest, Store, StoreError, Topic,
    audit::done_in,
    data_source::row_scope,
    row,
    table_database::{gone, place, publish_request, succeeding},
    topic::topic,
    transaction::Transaction,
};
use millrace_domain::{Action, ApprovalKind, Environment, ProjectScope, schema_change::SchemaChanges, table_use::foreign_name};
use millrace_model::{
    Schema,
    ids::{ApprovalId, DataSourceId, DatabaseId, ProjectId, TenantId, TopicId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A table as it was approved for an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct TablePublication {
    /// Id, `pub_…`.
    pub id: String,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// The table.
    pub table: TopicId,
    /// Where.
    pub environment: Environment,
    /// Counts the versions of the table in the environment, from 1.
    pub number: i64,
    /// The system that holds it there.
    pub data_source: DataSourceId,
    /// Its database.
    pub database: Option<DatabaseId>,
    /// Its name there.
    pub physical_name: String,
    /// What it holds.
    pub description: String,
    /// Columns.
    pub schema: Schema,
    /// Message format.
    pub format: Value,
    /// The revision of the design that it was made from.
    pub design_revision: i64,
    /// Id of the user who asked.
    pub published_by: String,
    /// The request.
    pub approval: ApprovalId,
    /// In force since, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Taken out at.
    pub retired_at_ms: Option<i64>,
}

/// The payload of a request to publish: the whole snapshot, with what it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePublishRequest {
    /// Id of the data source that it binds to.
    pub data_source: DataSourceId,
    /// Name of that data source.
    pub data_source_name: String,
    /// Its database.
    pub database: Option<DatabaseId>,
    /// Its name there.
    pub physical_name: String,
    /// What it holds.
    pub description: String,
    /// Columns.
    pub schema: Schema,
    /// Message format.
    pub format: Value,
    /// The revision of the design that it is made from.
    pub design_revision: i64,
    /// The version in force when it was asked; 0 for none.
    pub replaces: i64,
    /// What changes against that version.
    pub changes: SchemaChanges,
    /// The real table is made or checked once this is approved.
    pub ensure: bool,
}

/// A table of the catalog: its design, and what is in force in an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogTable {
    /// The design.
    pub design: Topic,
    /// Name of the project.
    pub project_name: String,
    /// The version in force; none for the design environment.
    pub publication: Option<TablePublication>,
}

/// Which tables of a tenant; what is none does not limit.
#[derive(Debug, Clone)]
pub struct CatalogQuery {
    /// In force there; for `design` those that are designed.
    pub environment: Environment,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this database.
    pub database: Option<DatabaseId>,
    /// Designed by this user.
    pub designed_by: Option<String>,
    /// With this in the name.
    pub name_contains: Option<String>,
    /// Only of projects in this list; of all for none. Designs are shown to their own projects.
    pub within: Option<Vec<ProjectId>>,
}

impl Store {
    /// What was published of a table, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn table_publications(
        &self,
        scope: &ProjectScope,
        table: &TopicId,
        page: &PageRequest,
    ) -> Result<Page<TablePublication>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM table_publications WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 AND id < $4 \
             ORDER BY id DESC LIMIT $5",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(table.as_str())
        .bind(page.before()?)
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let publications = rows.iter().map(table_publication).collect::<Result<_, _>>()?;
        Ok(page.page(publications, |p: &TablePublication| p.id.as_str()))
    }

    /// The table as it is in force in an environment.
    ///
    /// # Errors
    /// The database fails.
    pub async fn table_in(
        &self,
        scope: &ProjectScope,
        table: &TopicId,
        environment: Environment,
    ) -> Result<Option<TablePublication>, StoreError> {
        let found = sqlx::query(
            "SELECT * FROM table_publications WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 AND environment = $4 \
             AND retired_at_ms IS NULL ORDER BY number DESC LIMIT 1",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(table.as_str())
        .bind(environment.as_str())
        .fetch_optional(&self.pool)
        .await?;
        found.as_ref().map(table_publication).transpose()
    }

    /// The number of the last version of a table in an environment, in force or not; 0 if there was none.
    ///
    /// # Errors
    /// The database fails.
    pub async fn last_publication_number(
        &self,
        scope: &ProjectScope,
        table: &TopicId,
        environment: Environment,
    ) -> Result<i64, StoreError> {
        let found = sqlx::query(
            "SELECT COALESCE(MAX(number), 0) AS number FROM table_publications \
             WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 AND environment = $4",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(table.as_str())
        .bind(environment.as_str())
        .fetch_one(&self.pool)
        .await?;
        row::integer(&found, "number")
    }

    /// Asks for a table in an environment.
    ///
    /// # Errors
    /// The same is asked for already, the project is archived, or the database fails.
    pub async fn request_table_publication(
        &self,
        cause: &Cause,
        of: &Topic,
        environment: Environment,
        asked: &TablePublishRequest,
        reason: &str,
    ) -> Result<Approval, StoreError> {
        let asked = row::to_value(asked)?;
        let new = publish_request(ApprovalKind::TablePublish, &of.scope, (of.id.as_str(), &of.name), environment, asked, reason);
        let mut tx = self.begin().await?;
        self.enter(&mut tx, &of.scope).await?;
        let made = self.request_approval_in(&mut tx, cause, &new).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The effect of an approved request.
    pub(crate) async fn publish_table_approved(
        &self,
        tx: &mut Transaction,
        cause: &Cause,
        approval: &Approval,
    ) -> Result<Value, StoreError> {
        let asked: TablePublishRequest = row::from_json(&approval.payload.to_string(), "payload_json")?;
        let (scope, environment) = place(approval)?;
        self.enter(tx, &scope).await?;
        if environment == Environment::Production && !self.is_in_test(tx, &approval.subject).await? {
            let message = "it is not in test any more, and what is not in test cannot come to production; reject the request".into();
            return Err(StoreError::Conflict { code: "publish.not_in_test", message });
        }
        let newest =
            sqlx::query("SELECT COALESCE(MAX(number), 0) AS number FROM table_publications WHERE table_id = $1 AND environment = $2");
        let newest = newest.bind(approval.subject.as_str()).bind(environment.as_str()).fetch_one(&mut **tx).await?;
        let number = succeeding(&newest, asked.replaces)?;
        let id = self.new_id("pub");
        sqlx::query(
            "INSERT INTO table_publications (id, tenant_id, project_id, table_id, environment, number, data_source_id, database_id, \
             physical_name, description, columns_json, format_json, design_revision, published_by, approval_id, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(approval.subject.as_str())
        .bind(environment.as_str())
        .bind(number)
        .bind(asked.data_source.as_str())
        .bind(asked.database.as_ref().map(|d| d.as_str().to_owned()))
        .bind(asked.physical_name.as_str())
        .bind(asked.description.as_str())
        .bind(row::to_json(&asked.schema)?)
        .bind(asked.format.to_string())
        .bind(asked.design_revision)
        .bind(approval.applicant.as_str())
        .bind(approval.id.as_str())
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await
        .map_err(gone)?;
        let result = json!({"publication": id, "environment": environment, "number": number});
        self.audit(tx, cause, done_in(&scope, Action::TablePublish, &approval.subject, result.clone())).await?;
        Ok(result)
    }

    async fn is_in_test(&self, tx: &mut Transaction, table: &str) -> Result<bool, StoreError> {
        let found =
            sqlx::query("SELECT id FROM table_publications WHERE table_id = $1 AND environment = 'test' AND retired_at_ms IS NULL LIMIT 1")
                .bind(table)
                .fetch_optional(&mut **tx)
                .await?;
        Ok(found.is_some())
    }

    /// Takes a table out of an environment: nobody finds it there any more. Its numbers are not used again. What is in
    /// production stays in test.
    ///
    /// # Errors
    /// It is not in the environment, the project is archived, or the database fails.
    pub async fn retire_table(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        table: &TopicId,
        environment: Environment,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        if environment == Environment::Test {
            let later = sqlx::query(
                "SELECT id FROM table_publications WHERE table_id = $1 AND environment = 'production' AND retired_at_ms IS NULL LIMIT 1",
            )
            .bind(table.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            if later.is_some() {
                let by = "it is in production; take it out of production first".to_owned();
                return Err(StoreError::InUse { what: "topic", name: table.as_str().to_owned(), by });
            }
        }
        let retired = sqlx::query(
            "UPDATE table_publications SET retired_at_ms = $5 WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 \
             AND environment = $4 AND retired_at_ms IS NULL",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(table.as_str())
        .bind(environment.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        if retired.rows_affected() == 0 {
            return Err(StoreError::not_found("publication", environment.as_str()));
        }
        let detail = json!({"retired": environment});
        self.audit(&mut tx, cause, done_in(scope, Action::TablePublish, table.as_str(), detail)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The design of a table by id or as `project.table`, with the name of its project.
    ///
    /// # Errors
    /// The tenant has none, or the database fails.
    pub async fn table_of_tenant(&self, tenant: &TenantId, table: &str) -> Result<(Topic, String), StoreError> {
        let (project, name) = foreign_name(table).unwrap_or(("", table));
        let found = sqlx::query(
            "SELECT t.*, p.name AS project_name FROM topics t JOIN projects p ON p.id = t.project_id \
             WHERE t.tenant_id = $1 AND ((t.id = $3 AND $2 = '') OR ((p.name = $2 OR p.id = $2) AND (t.name = $3 OR t.id = $3)))",
        )
        .bind(tenant.as_str())
        .bind(project)
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        let found = found.ok_or_else(|| StoreError::not_found("table", table))?;
        Ok((topic(&found)?, row::text(&found, "project_name")?))
    }

    /// The tables of a tenant as the catalog shows them, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn catalog_tables(
        &self,
        tenant: &TenantId,
        query: &CatalogQuery,
        page: &PageRequest,
    ) -> Result<Page<CatalogTable>, StoreError> {
        let within = query.within.as_ref().map(|all| all.iter().map(|p| format!("|{p}|")).collect::<String>());
        let rows = sqlx::query(
            "SELECT t.*, p.name AS project_name FROM topics t JOIN projects p ON p.id = t.project_id \
             WHERE t.tenant_id = $1 AND t.id < $2 AND p.archived_at_ms IS NULL \
             AND ($3 = '' OR t.project_id = $3) AND ($4 = '' OR t.database_id = $4) AND ($5 = '' OR t.created_by = $5) \
             AND ($6 = '' OR REPLACE(t.name, $6, '') <> t.name) \
             AND ($7 = '' OR REPLACE($8, '|' || t.project_id || '|', '') <> $8) \
             AND ($9 = 'design' OR EXISTS (SELECT 1 FROM table_publications x WHERE x.table_id = t.id AND x.environment = $9 \
               AND x.retired_at_ms IS NULL)) \
             ORDER BY t.id DESC LIMIT $10",
        )
        .bind(tenant.as_str())
        .bind(page.before()?)
        .bind(query.project.as_ref().map(|p| p.as_str().to_owned()).unwrap_or_default())
        .bind(query.database.as_ref().map(|d| d.as_str().to_owned()).unwrap_or_default())
        .bind(query.designed_by.clone().unwrap_or_default())
        .bind(query.name_contains.clone().unwrap_or_default())
        .bind(if within.is_some() { "limited" } else { "" })
        .bind(within.unwrap_or_default())
        .bind(query.environment.as_str())
        .bind(page.rows())
        .fetch_all(&self.pool)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let design = topic(row)?;
            let publication = match query.environment {
                Environment::Design => None,
                environment => self.table_in(&design.scope, &design.id, environment).await?,
            };
            found.push(CatalogTable { design, project_name: row::text(row, "project_name")?, publication });
        }
        Ok(page.page(found, |t: &CatalogTable| t.design.id.as_str()))
    }
}

pub(crate) fn table_publication(found: &AnyRow) -> Result<TablePublication, StoreError> {
    Ok(TablePublication {
        id: row::text(found, "id")?,
        scope: row_scope(found)?,
        table: TopicId::new(row::text(found, "table_id")?),
        environment: row::word(found, "environment")?,
        number: row::integer(found, "number")?,
        data_source: DataSourceId::new(row::text(found, "data_source_id")?),
        database: row::text_or_none(found, "database_id")?.map(DatabaseId::new),
        physical_name: row::text(found, "physical_name")?,
        description: row::text(found, "description")?,
        schema: row::json(found, "columns_json")?,
        format: row::json(found, "format_json")?,
        design_revision: row::integer(found, "design_revision")?,
        published_by: row::text(found, "published_by")?,
        approval: ApprovalId::new(row::text(found, "approval_id")?),
        created_at_ms: row::integer(found, "created_at_ms")?,
        retired_at_ms: row::integer_or_none(found, "retired_at_ms")?,
    })
}
