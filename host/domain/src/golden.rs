//! Comparing what a sink got with what was expected of it (DEV-2).
//!
//! Invariant: pure; the answer depends on the rows and the mode alone, and its lists are bounded.

use crate::text_enum::text_enum;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

text_enum! {
    /// How rows are compared.
    GoldenMode, "comparison", {
        /// The same rows in the same order.
        Ordered = "ordered",
        /// The same rows, each as often, in any order.
        Multiset = "multiset",
        /// The rows that are left when all updates and deletes have been applied, in any order.
        Table = "table",
    }
}

/// A row with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenRow {
    /// `+I`, `-U`, `+U` or `-D`; none where an expected row does not say.
    pub change: Option<String>,
    /// Its columns.
    pub row: Map<String, Value>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Differences {
    /// Rows that were expected, in the mode's sense.
    pub expected: u64,
    /// Rows that were found, in the mode's sense.
    pub found: u64,
    /// Expected and not found, the first of them.
    pub missing: Vec<GoldenRow>,
    /// How many those are in all.
    pub missing_total: u64,
    /// Found and not expected, the first of them.
    pub unexpected: Vec<GoldenRow>,
    /// How many those are in all.
    pub unexpected_total: u64,
    /// In order: the number of the first row that differs, from 1.
    pub first_difference: Option<u64>,
}

impl Differences {
    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        self.missing_total == 0 && self.unexpected_total == 0 && self.first_difference.is_none()
    }
}

/// The mode unless one is named: rows that change are compared by what is left of them, unless the expectation speaks of
/// changes.
pub fn default_mode(expected: &[GoldenRow], found: &[GoldenRow]) -> GoldenMode {
    let speaks_of_changes = expected.iter().any(|row| row.change.is_some());
    let changes = found.iter().any(|row| row.change.as_deref().is_some_and(|change| change != "+I"));
    if changes && !speaks_of_changes { GoldenMode::Table } else { GoldenMode::Multiset }
}

/// Compares. `key` tells the rows of a table apart, if the sink keeps the latest row of each key. Only the columns of the
/// expected rows are compared, and their change kinds only where they are stated. At most `list_max` rows are listed on
/// each side.
pub fn compare(
    mode: GoldenMode,
    expected: &[GoldenRow],
    found: &[GoldenRow],
    columns: &[String],
    key: Option<&[String]>,
    list_max: usize,
) -> Differences {
    let with_changes = mode != GoldenMode::Table && expected.iter().any(|row| row.change.is_some());
    let project = |row: &GoldenRow| GoldenRow {
        change: row.change.clone().filter(|_| with_changes),
        row: columns.iter().map(|name| (name.clone(), row.row.get(name).cloned().unwrap_or(Value::Null))).collect(),
    };
    let expected: Vec<GoldenRow> = expected.iter().map(project).collect();
    let left = if mode == GoldenMode::Table { table(found, key) } else { found.to_vec() };
    let found: Vec<GoldenRow> = left.iter().map(project).collect();
    let mut differences = Differences { expected: expected.len() as u64, found: found.len() as u64, ..Differences::default() };
    if mode == GoldenMode::Ordered {
        let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
        differences.first_difference = (same < expected.len().max(found.len())).then_some(same as u64 + 1);
    }
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for row in &found {
        *counts.entry(text(row)).or_default() += 1;
    }
    for row in &expected {
        let count = counts.entry(text(row)).or_default();
        *count -= 1;
        if *count < 0 {
            differences.missing_total += 1;
            if differences.missing.len() < list_max {
                differences.missing.push(row.clone());
            }
        }
    }
    // The last of several equal rows are those that were not expected.
    for row in found.iter().rev() {
        let Some(count) = counts.get_mut(&text(row)).filter(|count| **count > 0) else { continue };
        *count -= 1;
        differences.unexpected_total += 1;
        differences.unexpected.push(row.clone());
    }
    differences.unexpected.reverse();
    differences.unexpected.truncate(list_max);
    differences
}

/// A form in which equal rows are equal texts: objects have their fields in order.
fn text(row: &GoldenRow) -> String {
    let sorted: BTreeMap<&String, &Value> = row.row.iter().collect();
    format!("{}{}", row.change.as_deref().unwrap_or_default(), serde_json::to_string(&sorted).unwrap_or_default())
}

/// What is left of rows after their changes.
fn table(rows: &[GoldenRow], key: Option<&[String]>) -> Vec<GoldenRow> {
    // By key, or by the whole row; in the order in which rows came.
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut left: Vec<Option<GoldenRow>> = Vec::new();
    let name = |row: &GoldenRow| match key {
        Some(key) => {
            let values: Vec<&Value> = key.iter().map(|column| row.row.get(column).unwrap_or(&Value::Null)).collect();
            serde_json::to_string(&values).unwrap_or_default()
        }
        None => text(&GoldenRow { change: None, row: row.row.clone() }),
    };
    for row in rows {
        let places = places.entry(name(row)).or_default();
        let takes_away = matches!(row.change.as_deref(), Some("-U" | "-D"));
        if takes_away || key.is_some() {
            if row.change.as_deref() == Some("-U") && key.is_some() {
                continue;
            }
            if let Some(place) = places.pop().and_then(|place| left.get_mut(place)) {
                *place = None;
            }
        }
        if !takes_away {
            places.push(left.len());
            left.push(Some(GoldenRow { change: None, row: row.row.clone() }));
        }
    }
    left.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(values: Value) -> Vec<GoldenRow> {
        let row = |value: &Value| {
            let mut row = value.as_object().unwrap().clone();
            let change = row.remove("_").map(|change| change.as_str().unwrap().to_owned());
            GoldenRow { change, row }
        };
        values.as_array().unwrap().iter().map(row).collect()
    }

    fn shown(mode: GoldenMode, expected: Value, found: Value, key: Option<&[String]>) -> String {
        let columns = ["a".to_owned(), "b".to_owned()];
        let found = compare(mode, &rows(expected), &rows(found), &columns, key, 2);
        let list = |rows: &[GoldenRow]| {
            let row = |r: &GoldenRow| format!("{}{}{}", r.change.as_deref().unwrap_or_default(), r.row["a"], r.row["b"]);
            rows.iter().map(row).collect::<Vec<_>>().join(" ")
        };
        let first = found.first_difference.map(|n| format!(" first {n}")).unwrap_or_default();
        let (missing, unexpected) = (list(&found.missing), list(&found.unexpected));
        let (m, u) = (found.missing_total, found.unexpected_total);
        format!("{} of {}: missing {m} [{missing}], unexpected {u} [{unexpected}]{first}", found.found, found.expected)
    }

    #[test]
    fn rows_are_counted_and_order_matters_only_when_asked() {
        let (one, two, three) = (json!({"a": 1, "b": 1, "more": 9}), json!({"a": 2, "b": 2}), json!({"a": 3, "b": 3}));
        let is = |mode, expected: Value, found: Value, answer: &str| assert_eq!(shown(mode, expected, found, None), answer);
        use GoldenMode as M;
        is(M::Multiset, json!([two, one]), json!([one, two]), "2 of 2: missing 0 [], unexpected 0 []");
        is(M::Multiset, json!([one, one, two]), json!([one, three, three, three]), "4 of 3: missing 2 [11 22], unexpected 3 [33 33]");
        is(M::Ordered, json!([two, one]), json!([one, two]), "2 of 2: missing 0 [], unexpected 0 [] first 1");
        is(M::Ordered, json!([one, two]), json!([one]), "1 of 2: missing 1 [22], unexpected 0 [] first 2");
        is(M::Ordered, json!([one, two]), json!([one, two]), "2 of 2: missing 0 [], unexpected 0 []");
        let change = |kind: &str| json!({"_": kind, "a": 1, "b": 1});
        is(M::Multiset, json!([change("+U")]), json!([change("+I")]), "1 of 1: missing 1 [+U11], unexpected 1 [+I11]");
        is(M::Multiset, json!([one]), json!([change("+I")]), "1 of 1: missing 0 [], unexpected 0 []");
    }

    #[test]
    fn a_table_is_what_changes_leave() {
        let row = |kind: &str, a: i64, b: i64| json!({"_": kind, "a": a, "b": b});
        let found = json!([row("+I", 1, 1), row("+I", 2, 1), row("-U", 1, 1), row("+U", 1, 2), row("-D", 2, 1)]);
        let expected = json!([{"a": 1, "b": 2}]);
        assert_eq!(shown(GoldenMode::Table, expected.clone(), found, None), "1 of 1: missing 0 [], unexpected 0 []");
        // An upsert sink gets no -U, and a delete may have only the key.
        let found = json!([row("+I", 1, 1), row("+I", 2, 1), row("+U", 1, 2), row("-D", 2, 0)]);
        assert_eq!(shown(GoldenMode::Table, expected, found.clone(), Some(&["a".to_owned()])), "1 of 1: missing 0 [], unexpected 0 []");
        assert_eq!(default_mode(&rows(json!([{"a": 1}])), &rows(found.clone())), GoldenMode::Table);
        assert_eq!(default_mode(&rows(json!([row("+I", 1, 1)])), &rows(found)), GoldenMode::Multiset);
    }
}
