//! Data permissions: who may do what with a table of another project (PRM-1 to PRM-6).
//!
//! Invariants: without a grant there is no permission; a grant ends by itself at its expiry; a project may always use its
//! own tables. Columns can be given to persons only.

use crate::text_enum::text_enum;
use millrace_model::ids::ProjectId;
use std::collections::BTreeSet;

text_enum! {
    /// What may be done with a table.
    TablePermission, "table permission", {
        /// Read it.
        Select = "select",
        /// Add to it.
        Insert = "insert",
        /// Change rows of it.
        Update = "update",
        /// Remove rows of it.
        Delete = "delete",
    }
}

text_enum! {
    /// To whom a grant is given.
    GranteeKind, "kind of grantee", {
        /// Everybody in the tenant (PRM-5).
        Everyone = "everyone",
        /// All jobs of a project.
        Project = "project",
        /// One person, in whatever project they work.
        Person = "person",
    }
}

text_enum! {
    /// What happens to running instances when a permission that they use ends (PRM-6).
    RevocationPolicy, "revocation policy", {
        /// They are stopped.
        StopRunning = "stop_running",
        /// They run on; the next start is refused.
        NextStart = "next_start",
    }
}

impl TablePermission {
    /// Whether messages of a topic can be used so: they can be read and added only.
    pub const fn fits_topics(self) -> bool {
        match self {
            Self::Select | Self::Insert => true,
            Self::Update | Self::Delete => false,
        }
    }
}

/// To whom a grant is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grantee {
    /// Everybody in the tenant.
    Everyone,
    /// All jobs of a project.
    Project(ProjectId),
    /// One person, by user id.
    Person(String),
}

impl Grantee {
    /// A grantee as it is stored; the id is empty for everyone.
    pub fn new(kind: GranteeKind, id: &str) -> Self {
        match kind {
            GranteeKind::Everyone => Self::Everyone,
            GranteeKind::Project => Self::Project(ProjectId::new(id)),
            GranteeKind::Person => Self::Person(id.to_owned()),
        }
    }

    /// The kind.
    pub const fn kind(&self) -> GranteeKind {
        match self {
            Self::Everyone => GranteeKind::Everyone,
            Self::Project(_) => GranteeKind::Project,
            Self::Person(_) => GranteeKind::Person,
        }
    }

    /// The id; empty for everyone.
    pub fn id(&self) -> &str {
        match self {
            Self::Everyone => "",
            Self::Project(project) => project.as_str(),
            Self::Person(user) => user,
        }
    }
}

/// One permission that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// To whom.
    pub grantee: Grantee,
    /// For what.
    pub permission: TablePermission,
    /// On this column only.
    pub column: Option<String>,
    /// Until then, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
}

/// On whose behalf a table is used.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The project of the job.
    pub project: &'a ProjectId,
    /// The person who validates or has started it.
    pub person: Option<&'a str>,
}

/// What of a table may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Nothing.
    Nothing,
    /// These columns.
    Columns(BTreeSet<String>),
    /// All of it.
    Everything,
}

/// What `asker` may use for `permission` at `now_ms` of a table of another project with these permits.
pub fn allowed(permits: &[Permit], asker: Asker<'_>, permission: TablePermission, now_ms: i64) -> Allowed {
    let counts = |permit: &&Permit| {
        let reaches = match &permit.grantee {
            Grantee::Everyone => true,
            Grantee::Project(project) => project == asker.project,
            Grantee::Person(person) => asker.person == Some(person.as_str()),
        };
        reaches && permit.permission == permission && permit.expires_at_ms.is_none_or(|until_ms| until_ms > now_ms)
    };
    let mut columns = BTreeSet::new();
    for permit in permits.iter().filter(counts) {
        match (&permit.column, &permit.grantee) {
            (None, _) => return Allowed::Everything,
            (Some(column), Grantee::Person(_)) => {
                columns.insert(column.clone());
            }
            (Some(_), Grantee::Everyone | Grantee::Project(_)) => {}
        }
    }
    if columns.is_empty() { Allowed::Nothing } else { Allowed::Columns(columns) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permit(grantee: Grantee, permission: TablePermission, column: Option<&str>, expires_at_ms: Option<i64>) -> Permit {
        Permit { grantee, permission, column: column.map(str::to_owned), expires_at_ms }
    }

    #[test]
    fn who_may_use_what() {
        use TablePermission::{Insert, Select};
        let (shop, risk) = (ProjectId::new("prj_shop"), ProjectId::new("prj_risk"));
        let ann = || Grantee::Person("ann".into());
        let columns = |names: &[&str]| Allowed::Columns(names.iter().map(|n| (*n).to_owned()).collect());
        let for_shop = || Grantee::Project(shop.clone());
        let cases = [
            ("no permit", vec![], Allowed::Nothing),
            ("of the project", vec![permit(for_shop(), Select, None, None)], Allowed::Everything),
            ("of another project", vec![permit(Grantee::Project(risk.clone()), Select, None, None)], Allowed::Nothing),
            ("for something else", vec![permit(for_shop(), Insert, None, None)], Allowed::Nothing),
            ("of everyone", vec![permit(Grantee::Everyone, Select, None, None)], Allowed::Everything),
            ("of the person", vec![permit(ann(), Select, None, None)], Allowed::Everything),
            ("of another person", vec![permit(Grantee::Person("bob".into()), Select, None, None)], Allowed::Nothing),
            ("two columns", vec![permit(ann(), Select, Some("a"), None), permit(ann(), Select, Some("b"), None)], columns(&["a", "b"])),
            (
                "a column and the table",
                vec![permit(ann(), Select, Some("a"), None), permit(ann(), Select, None, None)],
                Allowed::Everything,
            ),
            ("a column of a project", vec![permit(for_shop(), Select, Some("a"), None)], Allowed::Nothing),
            ("not yet expired", vec![permit(for_shop(), Select, None, Some(101))], Allowed::Everything),
            ("just expired", vec![permit(for_shop(), Select, None, Some(100))], Allowed::Nothing),
            (
                "one column expired",
                vec![permit(ann(), Select, Some("a"), Some(9)), permit(ann(), Select, Some("b"), None)],
                columns(&["b"]),
            ),
        ];
        for (case, permits, expected) in cases {
            let asker = Asker { project: &shop, person: Some("ann") };
            assert_eq!(allowed(&permits, asker, Select, 100), expected, "{case}");
        }
        let nobody = Asker { project: &shop, person: None };
        assert_eq!(allowed(&[permit(ann(), Select, None, None)], nobody, Select, 0), Allowed::Nothing);
    }
}
