//! Which names are in sight, and what they stand for.

use crate::{
    ast::{Identifier, ObjectName},
    error::{SqlError, nearest},
    plan::{PlanColumn, PlanNode},
};

/// Columns in sight, by position in the input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub columns: Vec<ScopeColumn>,
    /// So many of the first columns belong to the query around this one: they are found where no own column is.
    pub outer: usize,
}

/// A column in sight.
#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    /// Name of the table that it belongs to.
    pub qualifier: Option<String>,
    pub column: PlanColumn,
    /// Only its table's name leads to it: a common column of a join stands for it.
    pub is_hidden: bool,
}

/// What a dotted name was resolved to.
pub(crate) struct Found<'a> {
    pub index: usize,
    /// What is left of the name: fields of a ROW.
    pub fields: &'a [Identifier],
}

impl Scope {
    pub fn new(node: &PlanNode, qualifier: Option<&str>) -> Self {
        let column = |c: &PlanColumn| ScopeColumn { qualifier: qualifier.map(str::to_owned), column: c.clone(), is_hidden: false };
        Self { columns: node.columns.iter().map(column).collect(), outer: 0 }
    }

    /// This scope inside of another: the columns of that one come first.
    pub fn inside(self, outer: &Self) -> Self {
        Self { columns: outer.columns.iter().cloned().chain(self.columns).collect(), outer: outer.columns.len() }
    }

    /// Resolves `column`, `table.column`, and fields behind them.
    pub fn resolve<'n>(&self, name: &'n ObjectName) -> Result<Found<'n>, SqlError> {
        let parts = super::path::without_database(&name.parts);
        let Some(first) = parts.first() else {
            return Err(SqlError::new("sql.internal", "an empty name", name.span()));
        };
        let ranges = [self.outer..self.columns.len(), 0..self.outer];
        // The name of a table, also of the query around this one, comes before that of a column with fields.
        if let Some(second) = parts.get(1) {
            for range in ranges.clone() {
                let within = self.matching(range, |c| c.qualifier.as_deref() == Some(&first.value) && c.column.name == second.value);
                if let Some(index) = one(&within, &name_text(&parts[..2]), name)? {
                    return Ok(Found { index, fields: &parts[2..] });
                }
            }
        }
        for range in ranges {
            let plain = self.matching(range, |c| !c.is_hidden && c.column.name == first.value);
            if let Some(index) = one(&plain, &first.value, name)? {
                return Ok(Found { index, fields: &parts[1..] });
            }
        }
        Err(self.unknown(name))
    }

    fn matching(&self, range: std::ops::Range<usize>, is: impl Fn(&ScopeColumn) -> bool) -> Vec<usize> {
        range.filter(|&i| self.columns.get(i).is_some_and(&is)).collect()
    }

    fn unknown(&self, name: &ObjectName) -> SqlError {
        let parts = &name.parts;
        let is_qualified = parts.len() > 1 && self.columns.iter().any(|c| c.qualifier.as_deref() == Some(&parts[0].value));
        let (wanted, where_in) = if is_qualified {
            (&parts[1], format!("table `{}` has no column `{}`", parts[0].value, parts[1].value))
        } else if parts.len() > 1 {
            let error = SqlError::new("sql.unknown_column", format!("there is no table or column `{}`", parts[0].value), parts[0].span);
            let mut tables: Vec<&str> = self.columns.iter().filter_map(|c| c.qualifier.as_deref()).collect();
            tables.dedup();
            return match nearest(&parts[0].value, tables.iter().copied()) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None if tables.is_empty() => error,
                None => error.with_hint(format!("tables in sight are {}", tables.join(", "))),
            };
        } else {
            (&parts[0], format!("there is no column `{}`", parts[0].value))
        };
        let error = SqlError::new("sql.unknown_column", where_in, wanted.span);
        let known = || self.columns.iter().map(|c| c.column.name.as_str());
        if let Some(near) = nearest(&wanted.value, known()) {
            return error.with_hint(format!("did you mean `{near}`?"));
        }
        if self.columns.is_empty() {
            return error.with_hint("no columns are in sight here");
        }
        let mut names: Vec<&str> = known().collect();
        names.dedup();
        names.truncate(40);
        error.with_hint(format!("columns in sight are {}", names.join(", ")))
    }
}

fn one(found: &[usize], text: &str, name: &ObjectName) -> Result<Option<usize>, SqlError> {
    match found {
        [] => Ok(None),
        [index] => Ok(Some(*index)),
        _ => Err(SqlError::new(
            "sql.ambiguous_column",
            format!("`{text}` is ambiguous: {} columns have this name", found.len()),
            name.span(),
        )
        .with_hint("write the table's name before it")),
    }
}

fn name_text(parts: &[Identifier]) -> String {
    parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".")
}
