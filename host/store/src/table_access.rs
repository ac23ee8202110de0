//! What a table's name means to a job: whose table it is, in which state, and whether the job may use it (PRM-6).
//!
//! Invariants: a table of another project is used with permission only; a test instance sees what is in test, and of its own
//! project also what is only designed; a production instance sees what is in production, and nothing else.

use crate::{Cause, SharedTable, Store, StoreError, TempTable, Topic, row, table_grant::table_grant, transaction::Transaction};
use millrace_domain::{
    Environment, ProjectScope,
    permission::{Allowed, Asker, Permit, RevocationPolicy, TablePermission, allowed},
    table_use::{TableUse, foreign_name, table_uses},
};
use millrace_model::{
    Schema,
    ids::{DataSourceId, InstanceId, TenantId, TopicId},
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, hash_map::Entry};

/// On whose behalf tables are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableViewer {
    /// The project of the job.
    pub scope: ProjectScope,
    /// The environment that it sees.
    pub environment: Environment,
    /// Id of the person whose own permissions count.
    pub person: Option<String>,
}

/// A table that may be used.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedTable {
    /// As job graphs name it: `clicks`, or `risk.payments` for one of another project.
    pub name: String,
    /// The project that it belongs to.
    pub owner: ProjectScope,
    /// The table.
    pub table: TopicId,
    /// Its name in the outside system.
    pub physical_name: String,
    /// The columns that may be used.
    pub schema: Schema,
    /// Columns that are there and may not be used.
    pub hidden_columns: BTreeSet<String>,
    /// Message format.
    pub format: Value,
    /// The system that holds it.
    pub data_source: DataSourceId,
    /// The published version; none if it is only designed, and for temp tables.
    pub version: Option<i64>,
    /// It is a temp table.
    pub is_temp: bool,
}

/// A use of a table that is not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedUse {
    /// The table as the graph names it.
    pub table: String,
    /// What is missing and how to apply for it.
    pub message: String,
    /// What that means for running instances.
    pub policy: RevocationPolicy,
}

/// What an instance uses of other projects: looked up once per start, checked again and again while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignUses {
    /// On whose behalf.
    pub viewer: TableViewer,
    /// Tables of other projects.
    pub uses: Vec<TableUse>,
}

/// Tables of other projects that one look at many instances has found, with what was given on them.
#[derive(Default)]
pub struct LookedUp(HashMap<(TenantId, String, String), Option<WithPermits>>);

/// A table with what was given on it.
type WithPermits = (SharedTable, Vec<Permit>);

/// Says what is missing and how to apply for it.
pub fn refusal_text(table: &str, permission: TablePermission, project: &str, columns: &[String]) -> String {
    let (what, option) = if columns.is_empty() {
        (format!("`{table}`"), String::new())
    } else {
        let list = columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
        (format!("column {list} of `{table}`"), columns.iter().map(|c| format!(" --column {c}")).collect())
    };
    let whom = if columns.is_empty() { format!(" --project {project}") } else { String::new() };
    format!(
        "{permission} on {what} is not permitted to project `{project}` or to you; apply for it in the catalog, or with `millrace permission \
         apply {table} --permission {permission}{option}{whom} --reason …`"
    )
}

impl Store {
    /// The table that `name` means to the viewer, if they may use it for `permission`; for any use if none is said.
    ///
    /// # Errors
    /// There is none, it is not published, it is bound to nothing, it is not permitted, or the database fails.
    pub async fn resolve_table(
        &self,
        viewer: &TableViewer,
        name: &str,
        permission: Option<TablePermission>,
    ) -> Result<ResolvedTable, StoreError> {
        let Some((project, table)) = foreign_name(name) else {
            return self.own_table(viewer, name).await;
        };
        let owner = match self.project(&viewer.scope.tenant, project).await {
            Ok(owner) => owner,
            Err(StoreError::NotFound { .. }) => return Err(StoreError::not_found("topic", name)),
            Err(error) => return Err(error),
        };
        if owner.scope == viewer.scope {
            return self.own_table(viewer, table).await;
        }
        let shared = match self.shared_table_in(&owner.scope, table).await {
            Ok(shared) => shared,
            Err(StoreError::NotFound { .. }) => return Err(StoreError::not_found("topic", name)),
            Err(error) => return Err(error),
        };
        let name = format!("{}.{}", owner.name, shared.name());
        let design = match shared {
            SharedTable::Designed(design) => design,
            SharedTable::Temp(table) => return self.foreign_temp_table(viewer, name, table, permission).await,
        };
        let environment = if viewer.environment == Environment::Production { Environment::Production } else { Environment::Test };
        let Some(found) = self.table_in(&owner.scope, &design.id, environment).await? else {
            let message =
                format!("`{name}` is not published in {environment}, so only its own project can use it; ask the project to publish it");
            return Err(StoreError::Conflict { code: "table.not_published", message });
        };
        let permits = self.permits(&owner.scope, &design.id).await?;
        let may = |permission| self.may(&permits, viewer, permission);
        let (readable, is_write) = match permission {
            Some(TablePermission::Select) => (may(TablePermission::Select), false),
            Some(other) => (may(other), true),
            None => match may(TablePermission::Select) {
                Allowed::Nothing => (may(TablePermission::Insert), true),
                some => (some, false),
            },
        };
        let (schema, hidden_columns) = match readable {
            Allowed::Everything => (found.schema, BTreeSet::new()),
            Allowed::Columns(columns) if !is_write => visible(found.schema, &columns),
            Allowed::Columns(_) | Allowed::Nothing => {
                let project = self.project(&viewer.scope.tenant, viewer.scope.project.as_str()).await?.name;
                let message = refusal_text(&name, permission.unwrap_or(TablePermission::Select), project.as_str(), &[]);
                return Err(StoreError::Forbidden { code: "permission.missing", message });
            }
        };
        Ok(ResolvedTable {
            name,
            owner: owner.scope,
            table: design.id,
            physical_name: found.physical_name,
            schema,
            hidden_columns,
            format: found.format,
            data_source: found.data_source,
            version: Some(found.number),
            is_temp: false,
        })
    }

    /// A temp table of another project: it is the same in all environments, and permitted as a whole or not at all.
    async fn foreign_temp_table(
        &self,
        viewer: &TableViewer,
        name: String,
        table: TempTable,
        permission: Option<TablePermission>,
    ) -> Result<ResolvedTable, StoreError> {
        let id = TopicId::new(table.id.as_str());
        let permits = self.permits(&table.scope, &id).await?;
        let wanted = permission.map_or_else(|| vec![TablePermission::Select, TablePermission::Insert], |one| vec![one]);
        if !wanted.iter().any(|&one| self.may(&permits, viewer, one) == Allowed::Everything) {
            let project = self.project(&viewer.scope.tenant, viewer.scope.project.as_str()).await?.name;
            let message = refusal_text(&name, permission.unwrap_or(TablePermission::Select), project.as_str(), &[]);
            return Err(StoreError::Forbidden { code: "permission.missing", message });
        }
        Ok(ResolvedTable {
            name,
            owner: table.scope,
            table: id,
            physical_name: table.physical_name,
            schema: table.schema,
            hidden_columns: BTreeSet::new(),
            format: table.format,
            data_source: table.data_source,
            version: None,
            is_temp: true,
        })
    }

    async fn own_table(&self, viewer: &TableViewer, name: &str) -> Result<ResolvedTable, StoreError> {
        let design = self.topic(&viewer.scope, name).await?;
        let published = match viewer.environment {
            Environment::Design => None,
            environment => self.table_in(&viewer.scope, &design.id, environment).await?,
        };
        let name = design.name.to_string();
        if let Some(found) = published {
            return Ok(ResolvedTable {
                name,
                owner: design.scope,
                table: design.id,
                physical_name: found.physical_name,
                schema: found.schema,
                hidden_columns: BTreeSet::new(),
                format: found.format,
                data_source: found.data_source,
                version: Some(found.number),
                is_temp: false,
            });
        }
        if viewer.environment == Environment::Production {
            let message = format!("`{name}` is not published in production; publish it to test and from there to production");
            return Err(StoreError::Conflict { code: "table.not_published", message });
        }
        let (data_source, physical_name) = self.designed_binding(&design).await?;
        let Some(data_source) = data_source else {
            let message =
                format!("`{name}` is designed and bound to no data source; publish it to test, or name a data source in its design");
            return Err(StoreError::Conflict { code: "table.unbound", message });
        };
        Ok(ResolvedTable {
            name,
            owner: design.scope,
            table: design.id,
            physical_name,
            schema: design.schema,
            hidden_columns: BTreeSet::new(),
            format: design.format,
            data_source,
            version: None,
            is_temp: false,
        })
    }

    /// The data source of a design, by itself or by its database, and its name there.
    async fn designed_binding(&self, design: &Topic) -> Result<(Option<DataSourceId>, String), StoreError> {
        let Some(database) = &design.database else {
            return Ok((design.data_source.clone(), design.physical_name.clone()));
        };
        let database = self.database(&design.scope, database.as_str()).await?;
        let name = format!("{}.{}", database.physical_name, design.physical_name);
        Ok((design.data_source.clone().or(database.data_source), name))
    }

    fn may(&self, permits: &[Permit], viewer: &TableViewer, permission: TablePermission) -> Allowed {
        let asker = Asker { project: &viewer.scope.project, person: viewer.person.as_deref() };
        allowed(permits, asker, permission, self.now_ms())
    }

    /// What the viewer may do with a table of another project.
    ///
    /// # Errors
    /// The database fails.
    pub async fn allowed_on(
        &self,
        viewer: &TableViewer,
        owner: &ProjectScope,
        table: &TopicId,
        permission: TablePermission,
    ) -> Result<Allowed, StoreError> {
        if *owner == viewer.scope {
            return Ok(Allowed::Everything);
        }
        Ok(self.may(&self.permits(owner, table).await?, viewer, permission))
    }

    /// What counts on a table now: what was given to a person who is disabled or gone does not.
    async fn permits(&self, owner: &ProjectScope, table: &TopicId) -> Result<Vec<Permit>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM table_grants WHERE tenant_id = $1 AND project_id = $2 AND table_id = $3 \
             AND (grantee_kind <> 'person' OR NOT EXISTS (SELECT 1 FROM users u WHERE u.id = table_grants.grantee \
             AND (u.disabled_at_ms IS NOT NULL OR u.deleted_at_ms IS NOT NULL))) ORDER BY id",
        )
        .bind(owner.tenant.as_str())
        .bind(owner.project.as_str())
        .bind(table.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|found| Ok(table_grant(found)?.permit)).collect()
    }

    /// Which of these uses are not permitted now.
    ///
    /// # Errors
    /// The database fails.
    pub async fn refused_uses(&self, of: &ForeignUses) -> Result<Vec<RefusedUse>, StoreError> {
        self.refused_uses_of(of, &mut LookedUp::default()).await
    }

    /// As [`Self::refused_uses`]; what several uses need is looked up once.
    ///
    /// # Errors
    /// The database fails.
    pub async fn refused_uses_of(&self, of: &ForeignUses, looked_up: &mut LookedUp) -> Result<Vec<RefusedUse>, StoreError> {
        let mut refused = Vec::new();
        for wanted in &of.uses {
            refused.extend(self.refused_use(&of.viewer, wanted, looked_up).await?);
        }
        Ok(refused)
    }

    /// A table of another project with everything that was given on it; none if it is not there any more.
    async fn foreign_table(&self, tenant: &TenantId, project: &str, table: &str) -> Result<Option<WithPermits>, StoreError> {
        let found = match self.project(tenant, project).await {
            Ok(owner) => self.shared_table_in(&owner.scope, table).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(shared) => {
                let permits = self.permits(shared.scope(), &shared.id()).await?;
                Ok(Some((shared, permits)))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn refused_use(
        &self,
        viewer: &TableViewer,
        wanted: &TableUse,
        looked_up: &mut LookedUp,
    ) -> Result<Option<RefusedUse>, StoreError> {
        let Some((project, table)) = wanted.foreign() else { return Ok(None) };
        let tenant = &viewer.scope.tenant;
        let found = match looked_up.0.entry((tenant.clone(), project.to_owned(), table.to_owned())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.foreign_table(tenant, project, table).await?),
        };
        let (shared, permits) = match found {
            Some((shared, _)) if *shared.scope() == viewer.scope => return Ok(None),
            Some((shared, permits)) => (shared, permits),
            None => {
                let message = format!("`{}` is not there any more", wanted.table);
                return Ok(Some(RefusedUse { table: wanted.table.clone(), message, policy: RevocationPolicy::NextStart }));
            }
        };
        let missing: Vec<String> = match self.may(permits, viewer, wanted.permission) {
            Allowed::Everything => return Ok(None),
            Allowed::Columns(columns) if wanted.permission == TablePermission::Select => {
                let missing: Vec<String> = wanted.columns.difference(&columns).cloned().collect();
                if missing.is_empty() {
                    return Ok(None);
                }
                missing
            }
            Allowed::Columns(_) | Allowed::Nothing => Vec::new(),
        };
        let project = self.project(&viewer.scope.tenant, viewer.scope.project.as_str()).await?.name;
        let message = refusal_text(&wanted.table, wanted.permission, project.as_str(), &missing);
        let policy = self.revocation_policy(shared.scope(), &shared.id()).await?;
        Ok(Some(RefusedUse { table: wanted.table.clone(), message, policy }))
    }

    /// What an instance uses of other projects, for the person who has started it last.
    ///
    /// # Errors
    /// It is not there, or the database fails.
    pub async fn foreign_uses(
        &self,
        scope: &ProjectScope,
        instance: &InstanceId,
        environment: Environment,
    ) -> Result<ForeignUses, StoreError> {
        let found = sqlx::query(
            "SELECT v.graph_json AS graph_json, v.pins_json AS pins_json, COALESCE(i.started_by, i.created_by) AS person \
             FROM instances i JOIN job_versions v ON v.id = i.version_id WHERE i.tenant_id = $1 AND i.project_id = $2 AND i.id = $3",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(instance.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let found = found.ok_or_else(|| StoreError::not_found("instance", instance.as_str()))?;
        let uses = table_uses(&row::json(&found, "graph_json")?, &row::json(&found, "pins_json")?);
        let uses = uses.into_iter().filter(|u| u.foreign().is_some()).collect();
        let viewer = TableViewer { scope: scope.clone(), environment, person: Some(row::text(&found, "person")?) };
        Ok(ForeignUses { viewer, uses })
    }

    /// Refuses the start of an instance that uses what is not permitted to its project or to whoever starts it.
    pub(crate) async fn may_start(&self, cause: &Cause, scope: &ProjectScope, instance: &InstanceId) -> Result<(), StoreError> {
        let mut wanted = self.foreign_uses(scope, instance, Environment::Test).await?;
        if cause.actor != "system" {
            wanted.viewer.person = Some(cause.actor.clone());
        }
        let refused = self.refused_uses(&wanted).await?;
        if refused.is_empty() {
            return Ok(());
        }
        let messages: Vec<_> = refused.into_iter().map(|r| r.message).collect();
        Err(StoreError::Forbidden { code: "permission.missing", message: format!("the instance cannot start: {}", messages.join("; ")) })
    }

    /// From now on the personal permissions of `cause` count for the instance.
    pub(crate) async fn note_starter(&self, tx: &mut Transaction, cause: &Cause, instance: &InstanceId) -> Result<(), StoreError> {
        if cause.actor != "system" {
            sqlx::query("UPDATE instances SET started_by = $2 WHERE id = $1")
                .bind(instance.as_str())
                .bind(cause.actor.as_str())
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }
}

fn visible(schema: Schema, permitted: &BTreeSet<String>) -> (Schema, BTreeSet<String>) {
    let (shown, hidden): (Vec<_>, Vec<_>) = schema.fields().iter().cloned().partition(|f| permitted.contains(&f.name));
    // Names stay unique when some are left out.
    (Schema::new(shown).unwrap_or_default(), hidden.into_iter().map(|f| f.name).collect())
}
