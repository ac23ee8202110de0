//! Data sources: outside systems and how to reach them (SRC-1 to SRC-3).
//!
//! Invariant: a secret property is stored sealed and shown as `***`; only [`Store::connection`] gives it in clear, and only
//! the control plane calls that.

use crate::{
    Cause, Page, PageRequest, Store, StoreError,
    audit::done_in,
    error::{unless_taken, unless_used},
    named::DATA_SOURCES,
    row,
};
use millrace_domain::{
    Action, Environment, Name, ProjectScope,
    properties::{REDACTED, is_secret},
};
use millrace_model::ids::{DataSourceId, ProjectId, TenantId};
use serde_json::json;
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::{collections::BTreeMap, fmt};

/// A data source with its secrets redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSource {
    /// Id, `dsr_…`.
    pub id: DataSourceId,
    /// Tenant and project.
    pub scope: ProjectScope,
    /// Name, unique in the project.
    pub name: Name,
    /// Which connector: `kafka`.
    pub kind: String,
    /// What it is.
    pub description: String,
    /// Client properties; secret ones read `***`.
    pub properties: BTreeMap<String, String>,
    /// Grows with each change.
    pub revision: i64,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
}

/// How one environment reaches a data source, secrets redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSourceBinding {
    /// `test` or `production`.
    pub environment: Environment,
    /// Client properties; secret ones read `***`.
    pub properties: BTreeMap<String, String>,
    /// Grows with each change.
    pub revision: i64,
    /// Last changed at.
    pub updated_at_ms: i64,
    /// How its last connectivity test went.
    pub last_test: Option<BindingTest>,
}

/// The last connectivity test of a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingTest {
    /// Whether the system could be used.
    pub reachable: bool,
    /// The failing step.
    pub failure: Option<String>,
    /// What was reached, or what failed.
    pub message: String,
    /// How long it took.
    pub elapsed_ms: i64,
    /// Name of who tested.
    pub tested_by: String,
    /// When.
    pub tested_at_ms: i64,
}

/// A data source to make.
#[derive(Clone)]
pub struct NewDataSource {
    /// Name, unique in the project.
    pub name: Name,
    /// Which connector.
    pub kind: String,
    /// What it is.
    pub description: String,
    /// Client properties, secrets in clear.
    pub properties: BTreeMap<String, String>,
}

/// New settings of a data source; its name and kind stay.
#[derive(Clone)]
pub struct DataSourceChange {
    /// What it is.
    pub description: String,
    /// All client properties; a secret that reads `***` keeps its value.
    pub properties: BTreeMap<String, String>,
    /// The revision that the caller has read; none to overwrite whatever is there.
    pub expected_revision: Option<i64>,
}

/// How to reach the system, secrets in clear.
#[derive(Clone)]
pub struct SourceConnection {
    /// The data source.
    pub id: DataSourceId,
    /// Which connector.
    pub kind: String,
    /// Client properties in clear.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for SourceConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceConnection").field("id", &self.id).field("properties", &self.properties.keys()).finish()
    }
}

pub(crate) type Properties = BTreeMap<String, String>;

impl Store {
    /// Makes a data source.
    ///
    /// # Errors
    /// The name is taken, the project is archived, or the database fails.
    pub async fn create_data_source(&self, cause: &Cause, scope: &ProjectScope, new: &NewDataSource) -> Result<DataSource, StoreError> {
        let id = DataSourceId::new(self.new_id("dsr"));
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        if new.properties.keys().any(|name| is_secret(name)) {
            self.hold_key(&mut tx).await?;
        }
        let place = Place { scope, id: &id, environment: Environment::Test };
        let (plain, sealed) = self.split(&place, &new.properties)?;
        let made = sqlx::query(
            "INSERT INTO data_sources (id, tenant_id, project_id, name, kind, description, properties, secrets, revision, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) RETURNING *",
        )
        .bind(id.as_str())
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(new.name.as_str())
        .bind(new.kind.as_str())
        .bind(new.description.as_str())
        .bind(row::to_json(&plain)?)
        .bind(row::to_json(&sealed)?)
        .bind(self.now_ms())
        .fetch_one(&mut *tx)
        .await
        .map_err(unless_taken("data source", new.name.as_str()))?;
        let names: Vec<_> = new.properties.keys().collect();
        let detail = json!({"name": new.name, "kind": new.kind, "properties": names});
        self.audit(&mut tx, cause, done_in(scope, Action::DataSourceCreate, id.as_str(), detail)).await?;
        tx.commit().await?;
        data_source(&made)
    }

    /// The data source of this name or id.
    ///
    /// # Errors
    /// The project has none, or the database fails.
    pub async fn data_source(&self, scope: &ProjectScope, name_or_id: &str) -> Result<DataSource, StoreError> {
        data_source(&self.named(&DATA_SOURCES, scope, name_or_id).await?)
    }

    /// How design and tests reach the data source of this name or id, with secrets in clear.
    ///
    /// # Errors
    /// As [`Self::connection_in`].
    pub async fn connection(&self, scope: &ProjectScope, name_or_id: &str) -> Result<SourceConnection, StoreError> {
        self.connection_in(scope, name_or_id, Environment::Test).await
    }

    /// How `environment` reaches the data source of this name or id, with secrets in clear. Design and test are one.
    ///
    /// # Errors
    /// The project has none, it is not bound for production, a secret cannot be opened, or the database fails.
    pub async fn connection_in(
        &self,
        scope: &ProjectScope,
        name_or_id: &str,
        environment: Environment,
    ) -> Result<SourceConnection, StoreError> {
        let source = self.named(&DATA_SOURCES, scope, name_or_id).await?;
        let (id, kind) = (DataSourceId::new(row::text(&source, "id")?), row::text(&source, "kind")?);
        let bound = match environment {
            Environment::Design | Environment::Test => source,
            Environment::Production => self.binding_row(scope, &id).await?.ok_or_else(|| unbound(&source))?,
        };
        let place = Place { scope, id: &id, environment };
        let mut properties: Properties = row::json(&bound, "properties")?;
        for (name, sealed) in row::json::<Properties>(&bound, "secrets")? {
            let clear = self.open_secret(&place.of(&name), &sealed).await?;
            properties.insert(name, clear);
        }
        Ok(SourceConnection { id, kind, properties })
    }

    /// The data sources of the project.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn data_sources(&self, scope: &ProjectScope, page: &PageRequest) -> Result<Page<DataSource>, StoreError> {
        let rows = self.newest(&DATA_SOURCES, scope, page).await?;
        let sources = rows.iter().map(data_source).collect::<Result<_, _>>()?;
        Ok(page.page(sources, |d: &DataSource| d.id.as_str()))
    }

    /// Replaces description and properties.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, the project is archived, or the database fails.
    pub async fn change_data_source(
        &self,
        cause: &Cause,
        scope: &ProjectScope,
        id: &DataSourceId,
        change: &DataSourceChange,
    ) -> Result<DataSource, StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let before = sqlx::query("SELECT * FROM data_sources WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("data source", id.as_str()))?;
        let found = row::integer(&before, "revision")?;
        let expected = change.expected_revision.unwrap_or(found);
        let conflict = || StoreError::RevisionConflict { what: "data source", name: id.as_str().to_owned(), expected, found };
        if expected != found {
            return Err(conflict());
        }
        if change.properties.keys().any(|name| is_secret(name)) {
            self.hold_key(&mut tx).await?;
        }
        let place = Place { scope, id, environment: Environment::Test };
        let (plain, sealed) = self.split(&place, &change.properties)?;
        let changed = sqlx::query(
            "UPDATE data_sources SET description = $3, properties = $4, secrets = $5, revision = revision + 1, updated_at_ms = $6 \
             WHERE id = $1 AND revision = $2 RETURNING *",
        )
        .bind(id.as_str())
        .bind(found)
        .bind(change.description.as_str())
        .bind(row::to_json(&plain)?)
        .bind(row::to_json(&sealed)?)
        .bind(self.now_ms())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(conflict)?;
        let names: Vec<_> = change.properties.keys().collect();
        let detail = json!({"revision": found + 1, "properties": names});
        self.audit(&mut tx, cause, done_in(scope, Action::DataSourceEdit, id.as_str(), detail)).await?;
        tx.commit().await?;
        data_source(&changed)
    }

    /// Removes a data source that no topic uses.
    ///
    /// # Errors
    /// It is not there or in use, the project is archived, or the database fails.
    pub async fn delete_data_source(&self, cause: &Cause, scope: &ProjectScope, id: &DataSourceId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.enter(&mut tx, scope).await?;
        let used = sqlx::query(
            "SELECT 'topic' AS kind, name FROM topics WHERE data_source_id = $1 \
             UNION ALL SELECT 'database' AS kind, name FROM databases WHERE data_source_id = $1 \
             UNION ALL SELECT 'published topic' AS kind, t.name AS name FROM table_publications p JOIN topics t ON t.id = p.table_id \
               WHERE p.data_source_id = $1 \
             UNION ALL SELECT 'published database' AS kind, d.name AS name FROM database_publications p JOIN databases d ON d.id = p.database_id \
               WHERE p.data_source_id = $1 \
             UNION ALL SELECT 'temp table' AS kind, name FROM temp_tables WHERE data_source_id = $1 LIMIT 1",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(user) = used {
            let by = format!("{0} `{1}` is bound to it; remove the {0} first", row::text(&user, "kind")?, row::text(&user, "name")?);
            return Err(StoreError::InUse { what: "data source", name: id.as_str().to_owned(), by });
        }
        for table in ["DELETE FROM data_source_bindings", "DELETE FROM data_source_tests"] {
            // The text is one of two constants.
            let sql = AssertSqlSafe(format!("{table} WHERE tenant_id = $1 AND project_id = $2 AND data_source_id = $3"));
            sqlx::query(sql).bind(scope.tenant.as_str()).bind(scope.project.as_str()).bind(id.as_str()).execute(&mut *tx).await?;
        }
        let removed = sqlx::query("DELETE FROM data_sources WHERE tenant_id = $1 AND project_id = $2 AND id = $3")
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await
            .map_err(unless_used("data source", id.as_str()))?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::not_found("data source", id.as_str()));
        }
        self.audit(&mut tx, cause, done_in(scope, Action::DataSourceDelete, id.as_str(), json!({}))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Splits properties into plain and sealed ones.
    pub(crate) fn split(&self, place: &Place<'_>, given: &Properties) -> Result<(Properties, Properties), StoreError> {
        let (mut plain, mut sealed) = (Properties::new(), Properties::new());
        for (name, value) in given {
            if !is_secret(name) {
                plain.insert(name.clone(), value.clone());
            } else {
                sealed.insert(name.clone(), self.key.seal(&place.of(name), value)?);
            }
        }
        Ok((plain, sealed))
    }
}

/// What a secret is bound to.
pub(crate) struct Place<'a> {
    pub(crate) scope: &'a ProjectScope,
    pub(crate) id: &'a DataSourceId,
    pub(crate) environment: Environment,
}

impl Place<'_> {
    /// The place of one property; a secret of production opens nowhere else.
    pub(crate) fn of(&self, property: &str) -> String {
        let Self { scope, id, environment } = self;
        match environment {
            Environment::Design | Environment::Test => format!("{}/{}/{id}/{property}", scope.tenant, scope.project),
            Environment::Production => format!("{}/{}/{id}/production/{property}", scope.tenant, scope.project),
        }
    }
}

fn unbound(source: &AnyRow) -> StoreError {
    let name = row::text(source, "name").unwrap_or_default();
    let message = format!(
        "data source `{name}` has no production binding, and production never uses what tests use; ask a global data administrator to bind it"
    );
    StoreError::Conflict { code: "data_source.unbound", message }
}

/// Properties of a source or a binding, secrets redacted.
pub(crate) fn redacted(found: &AnyRow) -> Result<Properties, StoreError> {
    let mut properties: Properties = row::json(found, "properties")?;
    properties.extend(row::json::<Properties>(found, "secrets")?.into_keys().map(|name| (name, REDACTED.to_owned())));
    Ok(properties)
}

fn data_source(found: &AnyRow) -> Result<DataSource, StoreError> {
    let properties = redacted(found)?;
    Ok(DataSource {
        id: DataSourceId::new(row::text(found, "id")?),
        scope: row_scope(found)?,
        name: row::word(found, "name")?,
        kind: row::text(found, "kind")?,
        description: row::text(found, "description")?,
        properties,
        revision: row::integer(found, "revision")?,
        created_at_ms: row::integer(found, "created_at_ms")?,
        updated_at_ms: row::integer(found, "updated_at_ms")?,
    })
}

/// The scope columns that every row of project data has.
pub(crate) fn row_scope(found: &AnyRow) -> Result<ProjectScope, StoreError> {
    Ok(ProjectScope::new(TenantId::new(row::text(found, "tenant_id")?), ProjectId::new(row::text(found, "project_id")?)))
}
