//! Submitted versions of jobs: immutable, with everything pinned by content (DEV-4).

use crate::{
    Cause, Page, PageRequest, Store, StoreError,
    audit::done_in,
    blob::{pinned_contents, version_use},
    data_source::row_scope,
    row,
    transaction::Transaction,
};
use millrace_domain::{Action, ProjectScope};
use millrace_model::{
    graph::JobGraph,
    ids::{JobId, VersionId},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::BTreeSet;

/// A version.
#[derive(Debug, Clone, PartialEq)]
pub struct JobVersion {
    /// Id, `ver_…`.
    pub id: VersionId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// The job.
    pub job: JobId,
    /// Counts from 1 within the job.
    pub number: i64,
    /// The graph as submitted.
    pub graph: JobGraph,
    /// What the graph refers to, by content.
    pub pins: Value,
    /// SHA-256 over graph and pins, in hex.
    pub content_hash: String,
    /// What changed.
    pub description: String,
    /// Who submitted it.
    pub created_by: String,
    /// Submitted at, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// A version to add.
#[derive(Debug, Clone)]
pub struct NewJobVersion {
    /// The graph.
    pub graph: JobGraph,
    /// What it refers to.
    pub pins: Value,
    /// Over both.
    pub content_hash: String,
    /// What changed.
    pub description: String,
}

impl Store {
    /// Adds a version. If nothing differs from the newest one, that one is the answer: submitting again is safe.
    ///
    /// # Errors
    /// The job is not there, the project is archived, or the database fails.
    pub async fn add_job_version(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        job: &JobId,
        new: &NewJobVersion,
    ) -> Result<JobVersion, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let there = sqlx::query("SELECT name FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND deleted_at_ms IS NULL")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(job.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let name = row::text(&there.ok_or_else(|| StoreError::not_found("job", job.as_str()))?, "name")?;
        let latest = sqlx::query("SELECT * FROM job_versions WHERE job_id = $1 ORDER BY number DESC LIMIT 1")
            .bind(job.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let latest = latest.as_ref().map(version).transpose()?;
        let number = match latest {
            Some(latest) if latest.content_hash == new.content_hash => return Ok(latest),
            Some(latest) => latest.number + 1,
            None => 1,
        };
        let id = self.new_id("ver");
        let made = sqlx::query(
            "INSERT INTO job_versions (id, tenant_id, project_id, job_id, number, graph_json, pins_json, content_hash, description, \
             created_by, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(job.as_str())
        .bind(number)
        .bind(row::to_json(&new.graph)?)
        .bind(new.pins.to_string())
        .bind(new.content_hash.as_str())
        .bind(new.description.as_str())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await?;
        let mut contents = BTreeSet::new();
        pinned_contents(&new.pins, &mut contents);
        for content in &contents {
            // What was there when it was pinned may be gone by now.
            self.note_use(&mut tx, &version_use(scope, "job", &id, &name, number), content).await?;
        }
        self.note_temp_tables(&mut tx, scope, &VersionId::new(id.as_str()), &new.graph).await?;
        let detail = json!({"job": job, "number": number, "content_hash": new.content_hash});
        self.audit(&mut tx, cause, done_in(scope, Action::JobSubmit, &id, detail)).await?;
        tx.commit().await?;
        version(&made)
    }

    /// The version of `job` with this number or id.
    ///
    /// # Errors
    /// The job has none, or the database fails.
    pub async fn job_version(&self, scope: &ProjectScope, job: &JobId, number_or_id: &str) -> Result<JobVersion, StoreError> {
        let found =
            sqlx::query("SELECT * FROM job_versions WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 AND (id = $4 OR number = $5)")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(job.as_str())
                .bind(number_or_id)
                .bind(number_or_id.parse::<i64>().unwrap_or(0))
                .fetch_optional(&self.pool)
                .await?;
        version(&found.ok_or_else(|| StoreError::not_found("version of the job", number_or_id))?)
    }

    /// The version with this id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn version(&self, scope: &ProjectScope, id: &VersionId) -> Result<JobVersion, StoreError> {
        let found = sqlx::query("SELECT * FROM job_versions WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        version(&found.ok_or_else(|| StoreError::not_found("version", id.as_str()))?)
    }

    /// The version with this id within `tx`.
    pub(crate) async fn version_in(&self, tx: &mut Transaction, scope: &ProjectScope, id: &VersionId) -> Result<JobVersion, StoreError> {
        let found = sqlx::query("SELECT * FROM job_versions WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut **tx)
            .await?;
        version(&found.ok_or_else(|| StoreError::not_found("version", id.as_str()))?)
    }

    /// The versions of a job.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn job_versions(&self, scope: &ProjectScope, job: &JobId, page: &PageRequest) -> Result<Page<JobVersion>, StoreError> {
        let of_job = async |select: &'static str, from: &str| {
            // The text is made of constants.
            let text = format!(
                "{select} FROM job_versions WHERE tenant_id = $1 AND project_id = $2 AND job_id = $3 AND id < $4 \
                 AND id >= $6 ORDER BY id DESC LIMIT $5"
            );
            let found = sqlx::query(AssertSqlSafe(text))
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(job.as_str())
                .bind(page.before()?)
                .bind(page.rows())
                .bind(from)
                .fetch_all(&self.pool)
                .await?;
            Ok::<_, StoreError>(found)
        };
        let sizes = of_job("SELECT id, CAST(LENGTH(graph_json) + LENGTH(pins_json) AS BIGINT) AS bytes", "").await?;
        let cut = page.within_bytes(&sizes)?;
        let rows = of_job("SELECT *", cut.from()).await?;
        Ok(cut.page(rows.iter().map(version).collect::<Result<_, _>>()?))
    }
}

fn version(found: &AnyRow) -> Result<JobVersion, StoreError> {
    Ok(JobVersion {
        id: VersionId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        job: JobId::new(row::text(found, "job_id")?),
        number: row::integer(found, "number")?,
        graph: row::json(found, "graph_json")?,
        pins: row::json(found, "pins_json")?,
        content_hash: row::text(found, "content_hash")?,
        description: row::text(found, "description")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
    })
}
