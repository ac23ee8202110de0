//! A recorded answer, small: how many rows, a hash over all, and the first few to look at.

use crate::query::Compare;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Rows that are kept as they are.
const SHOWN: usize = 5;

/// What Flink answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: usize,
    /// SHA-256 over the rows, sorted, a line each.
    pub sha256: String,
    /// The first of them.
    pub first: Vec<String>,
}

impl Expected {
    /// Of changes, each its kind (`+I`) and its cells as text.
    ///
    /// # Errors
    /// A kind that is none.
    pub fn of<'a>(
        columns: Vec<String>,
        changes: impl IntoIterator<Item = (&'a str, &'a [Option<String>])>,
        compare: Compare,
    ) -> Result<(Self, Vec<String>)> {
        let rows = rows(changes, compare)?;
        let mut hash = Sha256::new();
        for row in &rows {
            hash.update(row);
            hash.update("\n");
        }
        let first = rows.iter().take(SHOWN).cloned().collect();
        Ok((Self { columns, rows: rows.len(), sha256: hex::encode(hash.finalize()), first }, rows))
    }

    /// Of a recording: a line with the columns, then a line per change.
    ///
    /// # Errors
    /// A line that is none of these.
    pub fn of_recording(text: &str, compare: Compare) -> Result<(Self, Vec<String>)> {
        let mut lines = text.lines();
        let head: Value = serde_json::from_str(lines.next().context("an empty recording")?)?;
        let columns = head["columns"].as_array().context("a recording without columns")?;
        let columns = columns.iter().map(|column| column["name"].as_str().unwrap_or_default().to_owned()).collect();
        let changes: Vec<Vec<Option<String>>> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
        let changes = changes.iter().filter_map(|change| change.split_first());
        Self::of(columns, changes.map(|(kind, cells)| (kind.as_deref().unwrap_or("?"), cells)), compare)
    }
}

/// The rows as lines in order: all changes, or the table that they lead to.
fn rows<'a>(changes: impl IntoIterator<Item = (&'a str, &'a [Option<String>])>, compare: Compare) -> Result<Vec<String>> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for (kind, cells) in changes {
        let adds = match kind {
            "+I" | "+U" => true,
            "-U" | "-D" => false,
            other => anyhow::bail!("`{other}` is no kind of change"),
        };
        let line = match compare {
            Compare::Changes => serde_json::to_string(&(kind, cells))?,
            Compare::Table | Compare::Nothing => serde_json::to_string(cells)?,
        };
        *counts.entry(line).or_default() += if adds || compare == Compare::Changes { 1 } else { -1 };
    }
    let mut rows = Vec::new();
    for (line, count) in counts {
        ensure!(count >= 0, "{line} is taken away {} times more than it is added", -count);
        rows.extend((0..count).map(|_| line.clone()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATES: &str = "{\"columns\":[{\"name\":\"a\"}]}\n[\"+I\",\"1\"]\n[\"-U\",\"1\"]\n[\"+U\",\"2\"]\n[\"+I\",null]\n";

    #[test]
    fn a_table_is_what_its_changes_lead_to() {
        let (table, _) = Expected::of_recording(UPDATES, Compare::Table).unwrap();
        assert_eq!((table.columns, table.rows, table.first), (vec!["a".into()], 2, vec![r#"["2"]"#.into(), "[null]".into()]));
        let (changes, _) = Expected::of_recording(UPDATES, Compare::Changes).unwrap();
        assert_eq!((changes.rows, changes.first[0].as_str()), (4, r#"["+I",["1"]]"#));
    }

    #[test]
    fn what_was_never_added_cannot_be_taken_away() {
        assert!(Expected::of_recording("{\"columns\":[]}\n[\"-D\",\"1\"]\n", Compare::Table).is_err());
    }
}
