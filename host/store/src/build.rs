//! Builds of online code and JARs (EXT-1, EXT-2, EXT-4).
//!
//! Invariants: a build ends once: what is reported of it afterwards changes nothing; what a tenant has built is reused
//! within the project only, so that nobody learns what others build; old builds go when new ones come. Components lie with
//! the tenant's other contents, so that they are kept once and counted; those of the newest builds only.

use crate::{
    Cause, Content, Page, PageRequest, Store, StoreError, audit::done_in, blob::NewUse, data_source::row_scope, row,
    transaction::Transaction,
};
use millrace_domain::{Action, Name, ProjectScope};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use std::str::FromStr;

/// Builds of a project that are kept.
pub const BUILDS_KEPT: i64 = 200;
/// Builds of a project whose components are kept.
pub const BUILT_COMPONENTS_KEPT: i64 = 20;
/// The kind of user that a build is of a content.
pub(crate) const BUILD_USE: &str = "build";

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildState {
    /// It waits for its turn.
    Queued,
    /// Compilers are at work.
    Running,
    /// There is a component.
    Succeeded,
    /// There is none: the diagnostics or the failure say why.
    Failed,
    /// Its author did not want it any more.
    Cancelled,
}

impl BuildState {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl FromStr for BuildState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];
        all.into_iter().find(|state| state.as_str() == word).ok_or_else(|| format!("`{word}` is not a build state"))
    }
}

/// The version of a template by which the text of a build was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildTemplate {
    /// Id, `tpl_…`; its name if it is a frame that everybody has.
    pub id: String,
    /// Its name when it was built.
    pub name: String,
    /// The version, from 1.
    pub version: i64,
}

/// A build.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// Id, `bld_…`.
    pub id: String,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// How far it is.
    pub state: BuildState,
    /// World of the component: `etl-operator`.
    pub world: String,
    /// `java` or `scala`.
    pub language: String,
    /// Full name of the class, if one was named.
    pub class: Option<String>,
    /// The template that its text was completed by.
    pub template: Option<BuildTemplate>,
    /// The plugin that the component becomes a version of.
    pub plugin: Option<String>,
    /// The version that it became.
    pub plugin_version: Option<i64>,
    /// Whether an earlier build of the same request answered.
    pub reused: bool,
    /// The step that runs.
    pub step: Option<String>,
    /// Steps that were taken.
    pub steps: Value,
    /// What the compilers have to say.
    pub diagnostics: Value,
    /// What the tools wrote.
    pub log: String,
    /// Why there is no component, if not for the code.
    pub failure: Option<String>,
    /// SHA-256 of the component, in hex.
    pub content_hash: Option<String>,
    /// Size of the component.
    pub size_bytes: Option<i64>,
    /// Who asked for it.
    pub created_by: String,
    /// Asked for at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// First step at.
    pub started_at_ms: Option<i64>,
    /// Ended at.
    pub ended_at_ms: Option<i64>,
}

/// A build to note.
#[derive(Debug, Clone)]
pub struct NewBuild {
    /// World of the component.
    pub world: String,
    /// `java` or `scala`.
    pub language: String,
    /// Full name of the class, if one is named.
    pub class: Option<String>,
    /// The template that its text was completed by.
    pub template: Option<BuildTemplate>,
    /// The plugin that the component shall become a version of.
    pub plugin: Option<Name>,
    /// The server that builds it.
    pub worker: String,
}

/// What came of a build.
#[derive(Debug, Clone, Default)]
pub struct BuildEnding {
    /// Hash of request and tools, if they are known and would answer the same again.
    pub request_hash: Option<String>,
    /// Whether an earlier build answered.
    pub reused: bool,
    /// Steps that were taken, as a list.
    pub steps: Value,
    /// What the compilers have to say, as a list.
    pub diagnostics: Value,
    /// What the tools wrote.
    pub log: String,
    /// Why there is no component, if not for the code.
    pub failure: Option<String>,
    /// Hash and bytes of the component.
    pub component: Option<(String, Vec<u8>)>,
    /// The version of the plugin that it became.
    pub plugin_version: Option<i64>,
}

/// All columns but the component.
const COLUMNS: &str = "id, tenant_id, project_id, state, world, language, class, plugin, plugin_version, reused, step, steps_json, \
    diagnostics_json, log, failure, content_hash, size_bytes, template_id, template_name, template_version, created_by, created_at_ms, \
    started_at_ms, ended_at_ms";

impl Store {
    /// Notes a build that waits for its turn; the oldest ones of the project go.
    ///
    /// # Errors
    /// The project is archived, or the database fails.
    pub async fn create_build(&self, cause: &Cause, scope: &ProjectScope, new: &NewBuild) -> Result<Build, StoreError> {
        let id = self.new_id("bld");
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        sqlx::query(
            "INSERT INTO builds (id, tenant_id, project_id, state, world, language, class, plugin, reused, steps_json, diagnostics_json, \
             log, worker, created_by, created_at_ms, template_id, template_name, template_version) \
             VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, 0, '[]', '[]', '', $8, $9, $10, $11, $12, $13)",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.world.as_str())
        .bind(new.language.as_str())
        .bind(new.class.clone())
        .bind(new.plugin.as_ref().map(|name| name.as_str().to_owned()))
        .bind(new.worker.as_str())
        .bind(cause.actor.as_str())
        .bind(self.now_ms())
        .bind(new.template.as_ref().map(|template| template.id.clone()))
        .bind(new.template.as_ref().map(|template| template.name.clone()))
        .bind(new.template.as_ref().map(|template| template.version))
        .execute(&mut *tx)
        .await?;
        let forgotten = forget_old_builds(&mut tx, scope).await?;
        let mut detail = json!({"world": new.world, "language": new.language, "class": new.class, "plugin": new.plugin});
        if let Some(template) = &new.template {
            detail["template"] = json!({"id": template.id, "version": template.version});
        }
        self.audit(&mut tx, cause, done_in(scope, Action::BuildCreate, &id, detail)).await?;
        tx.commit().await?;
        self.drop_unneeded(&scope.tenant, &forgotten).await?;
        self.build(scope, &id).await
    }

    /// Notes that a step of the build begins; a build that has ended stays as it is.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_build_step(&self, scope: &ProjectScope, id: &str, step: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE builds SET state = 'running', step = $4, started_at_ms = COALESCE(started_at_ms, $5) \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND state IN ('queued', 'running')",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id)
        .bind(step)
        .bind(self.now_ms())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes what came of a build. Answers false if it had ended before, cancelled for example.
    ///
    /// # Errors
    /// The tenant or project may not keep the component, or the database fails; the build has not ended then.
    pub async fn end_build(&self, scope: &ProjectScope, id: &str, state: BuildState, ending: BuildEnding) -> Result<bool, StoreError> {
        let (content_hash, component) = ending.component.unzip();
        let size = component.as_ref().map(|bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        if component.is_some() {
            self.forget_old_components(scope).await?;
        }
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE builds SET state = $4, step = NULL, request_hash = $5, reused = $6, steps_json = $7, diagnostics_json = $8, log = $9, \
             failure = $10, content_hash = $11, size_bytes = $12, plugin_version = $13, ended_at_ms = $14, \
             started_at_ms = COALESCE(started_at_ms, $14) \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND state IN ('queued', 'running')",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id)
        .bind(state.as_str())
        .bind(ending.request_hash)
        .bind(i64::from(ending.reused))
        .bind(list(&ending.steps))
        .bind(list(&ending.diagnostics))
        .bind(ending.log)
        .bind(ending.failure)
        .bind(content_hash.clone())
        .bind(size)
        .bind(ending.plugin_version)
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        if let (Some(hash), Some(component), Some(size_bytes)) = (&content_hash, &component, size) {
            let mut bytes = component.as_slice();
            let content = Content { hash: hash.clone(), size_bytes, bytes: &mut bytes };
            self.put_content(&mut tx, (&scope.tenant, Some(&scope.project)), content).await?;
            let user = NewUse { tenant: &scope.tenant, project: Some(&scope.project), kind: BUILD_USE, id, name: id.to_owned() };
            self.note_use(&mut tx, &user, hash).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Makes room for the component of one more build: older ones go first, as they count for the tenant's quota.
    async fn forget_old_components(&self, scope: &ProjectScope) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let unused = sqlx::query(
            "DELETE FROM blob_uses WHERE tenant_id = $1 AND project_id = $2 AND user_kind = $3 AND user_id NOT IN \
             (SELECT user_id FROM blob_uses WHERE tenant_id = $1 AND project_id = $2 AND user_kind = $3 ORDER BY user_id DESC LIMIT $4) \
             RETURNING content_hash",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(BUILD_USE)
        .bind(BUILT_COMPONENTS_KEPT - 1)
        .fetch_all(&mut *tx)
        .await?;
        let unused = unused.iter().map(|found| row::text(found, "content_hash")).collect::<Result<Vec<String>, _>>()?;
        tx.commit().await?;
        self.drop_unneeded(&scope.tenant, &unused).await
    }

    /// Ends a build that its author does not want any more. One that has ended stays as it is.
    ///
    /// # Errors
    /// The project has no such build, it has ended, or the database fails.
    pub async fn cancel_build(&self, cause: &Cause, scope: &ProjectScope, id: &str) -> Result<Build, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE builds SET state = 'cancelled', step = NULL, ended_at_ms = $4 \
             WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND state IN ('queued', 'running')",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(id)
        .bind(self.now_ms())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() > 0 {
            self.audit(&mut tx, cause, done_in(scope, Action::BuildCancel, id, json!({}))).await?;
        }
        tx.commit().await?;
        self.build(scope, id).await
    }

    /// The build with this id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn build(&self, scope: &ProjectScope, id: &str) -> Result<Build, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM builds WHERE tenant_id = $1 AND project_id = $2 AND id = $3");
        let found = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        build(&found.ok_or_else(|| StoreError::not_found("build", id))?)
    }

    /// The builds of the project, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn builds(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<Build>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM builds WHERE tenant_id = $1 AND project_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(page.before()?)
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        let builds = rows.iter().map(build).collect::<Result<_, _>>()?;
        Ok(page.page(builds, |b: &Build| b.id.as_str()))
    }

    /// The newest build of the project that answers this request: one that failed for its code, or whose component is kept.
    ///
    /// # Errors
    /// The database fails.
    pub async fn answered_build(&self, scope: &ProjectScope, request_hash: &str) -> Result<Option<Build>, StoreError> {
        let text = format!(
            "SELECT {COLUMNS} FROM builds WHERE tenant_id = $1 AND project_id = $2 AND request_hash = $3 \
             AND (state = 'failed' OR (state = 'succeeded' AND EXISTS (SELECT 1 FROM blob_uses u WHERE u.tenant_id = $1 \
             AND u.user_kind = '{BUILD_USE}' AND u.user_id = builds.id))) ORDER BY id DESC LIMIT 1"
        );
        let found = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(request_hash)
            .fetch_optional(&self.pool)
            .await?;
        found.as_ref().map(build).transpose()
    }

    /// The component that a build made.
    ///
    /// # Errors
    /// There is none, it is not kept any more, or the database fails.
    pub async fn built_component(&self, scope: &ProjectScope, id: &str) -> Result<Vec<u8>, StoreError> {
        let found =
            sqlx::query("SELECT content_hash FROM blob_uses WHERE tenant_id = $1 AND project_id = $2 AND user_kind = $3 AND user_id = $4")
                .bind(scope.tenant.as_str())
                .bind(scope.project.as_str())
                .bind(BUILD_USE)
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        let found = found.ok_or_else(|| StoreError::not_found("component of build", id))?;
        self.component(&scope.tenant, &row::text(&found, "content_hash")?).await
    }

    /// Ends the builds that a server had begun before it ended itself. Answers how many there were.
    ///
    /// # Errors
    /// The database fails.
    pub async fn fail_lost_builds(&self, worker: &str) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE builds SET state = 'failed', step = NULL, failure = $2, ended_at_ms = $3 \
             WHERE worker = $1 AND state IN ('queued', 'running')",
        )
        .bind(worker)
        .bind("the server ended during the build; build again")
        .bind(self.now_ms())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }
}

/// Removes the oldest builds of the project; answers the contents that they had made.
async fn forget_old_builds(tx: &mut Transaction, scope: &ProjectScope) -> Result<Vec<String>, StoreError> {
    macro_rules! old {
        () => {
            "SELECT id FROM builds WHERE tenant_id = $1 AND project_id = $2 AND state NOT IN ('queued', 'running') AND id NOT IN \
             (SELECT id FROM builds WHERE tenant_id = $1 AND project_id = $2 ORDER BY id DESC LIMIT $3)"
        };
    }
    let unused =
        concat!("DELETE FROM blob_uses WHERE tenant_id = $1 AND user_kind = $4 AND user_id IN (", old!(), ") RETURNING content_hash");
    let unused = sqlx::query(unused)
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(BUILDS_KEPT)
        .bind(BUILD_USE)
        .fetch_all(&mut **tx)
        .await?;
    sqlx::query(concat!("DELETE FROM builds WHERE tenant_id = $1 AND id IN (", old!(), ")"))
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(BUILDS_KEPT)
        .execute(&mut **tx)
        .await?;
    unused.iter().map(|found| row::text(found, "content_hash")).collect()
}

fn template(found: &AnyRow) -> Result<Option<BuildTemplate>, StoreError> {
    let Some(id) = row::text_or_none(found, "template_id")? else { return Ok(None) };
    Ok(Some(BuildTemplate { id, name: row::text(found, "template_name")?, version: row::integer(found, "template_version")? }))
}

/// A list as text; nothing is an empty list.
fn list(value: &Value) -> String {
    if value.is_array() { value.to_string() } else { "[]".to_owned() }
}

fn build(found: &AnyRow) -> Result<Build, StoreError> {
    Ok(Build {
        id: row::text(found, "id")?,
        scope: row_scope(found)?,
        state: row::word(found, "state")?,
        world: row::text(found, "world")?,
        language: row::text(found, "language")?,
        class: row::text_or_none(found, "class")?,
        template: template(found)?,
        plugin: row::text_or_none(found, "plugin")?,
        plugin_version: row::integer_or_none(found, "plugin_version")?,
        reused: row::integer(found, "reused")? != 0,
        step: row::text_or_none(found, "step")?,
        steps: row::json(found, "steps_json")?,
        diagnostics: row::json(found, "diagnostics_json")?,
        log: row::text(found, "log")?,
        failure: row::text_or_none(found, "failure")?,
        content_hash: row::text_or_none(found, "content_hash")?,
        size_bytes: row::integer_or_none(found, "size_bytes")?,
        created_by: row::text(found, "created_by")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        started_at_ms: row::integer_or_none(found, "started_at_ms")?,
        ended_at_ms: row::integer_or_none(found, "ended_at_ms")?,
    })
}
