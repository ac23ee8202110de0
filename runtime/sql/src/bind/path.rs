//! Names of tables with their database and catalog: there is one of each, named as in a fresh Flink session.

use crate::{
    ast::{Identifier, ObjectName},
    error::{SqlError, nearest},
};

const CATALOG: &str = "default_catalog";
const DATABASE: &str = "default_database";

/// The name itself, without database and catalog.
///
/// # Errors
/// Another database or catalog, or more parts than these.
pub(crate) fn own_name(name: &ObjectName) -> Result<&str, SqlError> {
    let parts = match name.parts.as_slice() {
        [catalog, rest @ ..] if rest.len() == 2 => {
            known(catalog, CATALOG, "catalog")?;
            rest
        }
        parts => parts,
    };
    match parts {
        [own] => Ok(&own.value),
        [database, own] => {
            known(database, DATABASE, "database")?;
            Ok(&own.value)
        }
        _ => Err(SqlError::new("sql.unknown_table", "a name has at most a catalog and a database before it", name.span())),
    }
}

impl ObjectName {
    /// The name as `project.table`, if it may be one of a table of another project: two parts, the first of them not the
    /// database that every session has.
    pub fn foreign(&self) -> Option<String> {
        match self.parts.as_slice() {
            [project, table] if project.value != DATABASE => Some(format!("{}.{}", project.value, table.value)),
            _ => None,
        }
    }
}

fn known(found: &Identifier, expected: &str, what: &str) -> Result<(), SqlError> {
    if found.value == expected {
        return Ok(());
    }
    let error = SqlError::new("sql.unknown_database", format!("there is no {what} `{}`", found.value), found.span);
    Err(match nearest(&found.value, std::iter::once(expected)) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint("tables are the nodes before the SQL node and what the script declares: write the name alone"),
    })
}

/// The parts of a column's name behind the database and catalog of its table.
pub(super) fn without_database(parts: &[Identifier]) -> &[Identifier] {
    match parts {
        [catalog, database, rest @ ..] if catalog.value == CATALOG && database.value == DATABASE && rest.len() > 1 => rest,
        [database, rest @ ..] if database.value == DATABASE && rest.len() > 1 => rest,
        _ => parts,
    }
}
