//! Who may see rows of data, and the note of who has looked.
//!
//! Invariant: every request that answers rows of data comes through [`may_see_rows`] after its action was allowed, so that
//! data permissions are asked for in one place, and nobody looks at rows without an audit row.

use crate::{caller::Caller, problem::Problem};
use millrace_domain::{Action, ProjectScope};
use serde_json::{Value, json};

/// Whose rows somebody wants to see.
pub(crate) enum RowsOf<'a> {
    /// Of a topic or temp table of the project.
    Table(&'a str),
    /// That a job reads or makes: its tables' rights were asked for when it was validated and started.
    Job(&'a str),
    /// That a running instance sends.
    Instance(&'a str),
}

impl RowsOf<'_> {
    fn object(&self) -> &str {
        match self {
            Self::Table(name) | Self::Job(name) | Self::Instance(name) => name,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::Job(_) => "job",
            Self::Instance(_) => "instance",
        }
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
    caller.api.store.record_done(&caller.cause(), action, scope, rows.object(), detail).await?;
    Ok(())
}
