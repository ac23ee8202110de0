//! The folder tree of a project's jobs (JOB-1).
//!
//! Invariant: a folder is there when a job lies in or below it, or when somebody has made it; moving one moves everything
//! below it in one transaction, and never a job that somebody else edits.

use crate::{Cause, Store, StoreError, audit::done_in, row};
use millrace_domain::{Action, FolderPath, ProjectScope};
use millrace_model::ids::JobId;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Most folders that can be made in a project.
const FOLDERS_MADE_MAX: i64 = 1_000;

/// A folder with what lies in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path; empty for the top.
    pub path: String,
    /// Jobs directly in it.
    pub jobs: i64,
    /// Jobs in it and below.
    pub jobs_below: i64,
}

impl Store {
    /// The whole tree in the order of paths, the top first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn folders(&self, scope: &ProjectScope) -> Result<Vec<Folder>, StoreError> {
        let rows = sqlx::query(
            "SELECT folder, COUNT(*) AS jobs FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND deleted_at_ms IS NULL GROUP BY folder \
             UNION ALL SELECT path AS folder, 0 AS jobs FROM job_folders WHERE tenant_id = $1 AND project_id = $2",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        let mut tree = BTreeMap::from([(String::new(), (0, 0))]);
        for found in &rows {
            let (path, jobs) = (row::text(found, "folder")?, row::integer(found, "jobs")?);
            // Every folder on the way from the top to the job's own counts it; only its own has it directly.
            let ends = path.match_indices('/').map(|(end, _)| end);
            let way: BTreeSet<usize> = ends.chain([0, path.len()]).collect();
            for end in way {
                let folder: &mut (i64, i64) = tree.entry(path.get(..end).unwrap_or_default().to_owned()).or_default();
                folder.1 += jobs;
                folder.0 += if end == path.len() { jobs } else { 0 };
            }
        }
        Ok(tree.into_iter().map(|(path, (jobs, jobs_below))| Folder { path, jobs, jobs_below }).collect())
    }

    /// Makes a folder; one that is there already stays.
    ///
    /// # Errors
    /// There are too many, the project is archived, or the database fails.
    pub async fn create_folder(&self, cause: &Cause, scope: &ProjectScope, path: &FolderPath) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let made = sqlx::query("SELECT COUNT(*) AS made FROM job_folders WHERE project_id = $1")
            .bind(scope.project.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if row::integer(&made, "made")? >= FOLDERS_MADE_MAX {
            let message = format!("the project has {FOLDERS_MADE_MAX} folders already; remove some that are empty");
            return Err(StoreError::Invalid { field: "path", message });
        }
        sqlx::query(
            "INSERT INTO job_folders (tenant_id, project_id, path, created_at_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (project_id, path) DO NOTHING",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(path.as_str())
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        self.audit(&mut tx, cause, done_in(scope, Action::JobCreate, path.as_str(), json!({"folder": path}))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Moves a folder with everything below it; answers how many jobs it held. Where a folder is already, both become one.
    ///
    /// # Errors
    /// The folder is not there or would lie within itself or too deep, somebody else edits a job in it, the project is
    /// archived, or the database fails.
    pub async fn move_folder(&self, cause: &Cause, scope: &ProjectScope, from: &FolderPath, to: &FolderPath) -> Result<u64, StoreError> {
        let (from, to) = (from.as_str(), to.as_str());
        let below = format!("{from}/");
        if from.is_empty() || from == to || to.starts_with(&below) {
            let message = format!("`{to}` cannot be the new place of `{from}`: choose another folder that does not lie within it");
            return Err(StoreError::Invalid { field: "to", message });
        }
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let rows = sqlx::query(
            "SELECT id, folder FROM jobs WHERE tenant_id = $1 AND project_id = $2 AND deleted_at_ms IS NULL AND (folder = $3 OR folder LIKE $4 ESCAPE '!')",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(from)
        .bind(format!("{}/%", escaped(from)))
        .fetch_all(&mut *tx)
        .await?;
        let made =
            sqlx::query("SELECT path FROM job_folders WHERE project_id = $1").bind(scope.project.as_str()).fetch_all(&mut *tx).await?;
        let is_within = |path: &str| path == from || path.starts_with(&below);
        let mut jobs = 0;
        for found in &rows {
            let (id, folder) = (JobId::new(row::text(found, "id")?), row::text(found, "folder")?);
            if !is_within(&folder) {
                continue;
            }
            self.pass_lock(&mut tx, cause, scope, &id, false).await?;
            sqlx::query("UPDATE jobs SET folder = $2, revision = revision + 1, updated_at_ms = $3 WHERE id = $1")
                .bind(id.as_str())
                .bind(moved(&folder, from, to)?.as_str())
                .bind(self.now_ms())
                .execute(&mut *tx)
                .await?;
            jobs += 1;
        }
        let mut folders = 0;
        for found in &made {
            let path = row::text(found, "path")?;
            if !is_within(&path) {
                continue;
            }
            folders += 1;
            let next = moved(&path, from, to)?;
            sqlx::query("DELETE FROM job_folders WHERE project_id = $1 AND (path = $2 OR path = $3)")
                .bind(scope.project.as_str())
                .bind(path.as_str())
                .bind(next.as_str())
                .execute(&mut *tx)
                .await?;
            if !next.as_str().is_empty() {
                sqlx::query("INSERT INTO job_folders (tenant_id, project_id, path, created_at_ms) VALUES ($1, $2, $3, $4)")
                    .bind(scope.tenant.as_str())
                    .bind(scope.project.as_str())
                    .bind(next.as_str())
                    .bind(self.now_ms())
                    .execute(&mut *tx)
                    .await?;
            }
        }
        if jobs + folders == 0 {
            return Err(StoreError::not_found("folder", from));
        }
        self.audit(&mut tx, cause, done_in(scope, Action::JobEdit, from, json!({"moved_to": to, "jobs": jobs}))).await?;
        tx.commit().await?;
        Ok(jobs)
    }

    /// Removes a folder that was made and has no job in or below it, with the empty folders below.
    ///
    /// # Errors
    /// It is not there or not empty, the project is archived, or the database fails.
    pub async fn delete_folder(&self, cause: &Cause, scope: &ProjectScope, path: &FolderPath) -> Result<(), StoreError> {
        let folders = self.folders(scope).await?;
        let found = folders.iter().find(|folder| folder.path == path.as_str() && !folder.path.is_empty());
        let found = found.ok_or_else(|| StoreError::not_found("folder", path.as_str()))?;
        if found.jobs_below > 0 {
            let by = format!("{} job(s) lie in it or below; move or remove them first", found.jobs_below);
            return Err(StoreError::InUse { what: "folder", name: path.as_str().to_owned(), by });
        }
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        sqlx::query("DELETE FROM job_folders WHERE tenant_id = $1 AND project_id = $2 AND (path = $3 OR path LIKE $4 ESCAPE '!')")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(path.as_str())
            .bind(format!("{}/%", escaped(path.as_str())))
            .execute(&mut *tx)
            .await?;
        self.audit(&mut tx, cause, done_in(scope, Action::JobDelete, path.as_str(), json!({"folder": path}))).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A path for LIKE: `_`, which names may have, would stand for any character.
fn escaped(path: &str) -> String {
    path.replace('_', "!_")
}

/// Where `path`, which lies in `from`, lies when `from` is at `to`.
fn moved(path: &str, from: &str, to: &str) -> Result<FolderPath, StoreError> {
    let rest = path.strip_prefix(from).unwrap_or_default().trim_start_matches('/');
    let parts: Vec<&str> = [to, rest].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("/").parse().map_err(|error: millrace_domain::NameError| StoreError::Invalid { field: "to", message: error.to_string() })
}
