//! Who may see rows of data, and the note of who has looked.
//!
//! Invariant: every request that answers rows of data comes through [`may_see_rows`] after its action was allowed, so that
//! data permissions are asked for in one place, and nobody looks at rows without an audit row.

use crate::{caller::Caller, problem::Problem};
use axum::http::StatusCode;
use millrace_domain::{Action, Environment, ProjectScope, Scope, permission::TablePermission};
use millrace_model::ids::InstanceId;
use serde_json::{Value, json};

/// Whose rows somebody wants to see.
pub(crate) enum RowsOf<'a> {
    /// Of a topic or temp table of the project.
    Table(&'a str),
    /// Of a data source of the project, read to describe a table.
    DataSource(&'a str),
    /// Bad rows that a quality rule of the project has kept.
    QualityRule(&'a str),
    /// That a job reads or makes: its tables' rights were asked for when it was validated and started.
    Job(&'a str),
    /// That a running instance sends: what it reads of other projects must be permitted to the caller too.
    Instance(&'a str),
}

impl RowsOf<'_> {
    fn object(&self) -> &str {
        match self {
            Self::Table(name) | Self::DataSource(name) | Self::QualityRule(name) | Self::Job(name) | Self::Instance(name) => name,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::DataSource(_) => "data_source",
            Self::QualityRule(_) => "quality_rule",
            Self::Job(_) => "job",
            Self::Instance(_) => "instance",
        }
    }
}

/// Whether the caller is of those who see rows of the project's tables in an environment: previews never read production, so its
/// rows are only for who says how it is reached.
pub(crate) fn sees_rows_of(caller: &Caller, scope: &ProjectScope, environment: Environment) -> bool {
    let place = Scope::Project(scope.clone());
    caller.principal.allowed(Action::DataPreview, &place)
        && match environment {
            Environment::Design | Environment::Test => true,
            Environment::Production => caller.principal.allowed(Action::DataSourceBind, &place),
        }
}

/// May the caller, who may do `action` in the project, see these rows? Within a project whoever may look at rows may look
/// at those of its own tables. The look is noted before anything is read.
pub(crate) async fn may_see_rows(
    caller: &Caller,
    scope: &ProjectScope,
    action: Action,
    rows: RowsOf<'_>,
    mut detail: Value,
) -> Result<(), Problem> {
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("of".into(), json!(rows.kind()));
    }
    if let RowsOf::Instance(instance) = rows {
        may_read_inputs(caller, scope, instance).await?;
    }
    caller.api.store.record_done(&caller.cause(), action, scope, rows.object(), detail).await?;
    Ok(())
}

/// May the caller read what an instance reads of other projects? Whoever has started it may have permissions of their own,
/// which are not those of everybody who works in the project.
pub(crate) async fn may_read_inputs(caller: &Caller, scope: &ProjectScope, instance: &str) -> Result<(), Problem> {
    let store = &caller.api.store;
    let mut uses = store.foreign_uses(scope, &InstanceId::new(instance), Environment::Test).await?;
    uses.viewer.person = Some(caller.principal.user.clone());
    uses.uses.retain(|used| used.permission == TablePermission::Select);
    let refused = store.refused_uses(&uses).await?;
    match refused.is_empty() {
        true => Ok(()),
        false => {
            let messages: Vec<_> = refused.into_iter().map(|refused| refused.message).collect();
            let detail = format!("rows of instance `{instance}` are not yours to see: {}", messages.join("; "));
            Err(Problem::new(StatusCode::FORBIDDEN, "permission.missing", detail))
        }
    }
}
