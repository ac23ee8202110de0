//! Compares two answers.

use crate::case::{Answer, Compare, Row};
use std::collections::BTreeMap;

/// What differs; empty when the answers are equal in the wanted sense.
pub fn differences(expected: &Answer, found: &Answer, compare: Compare) -> Vec<String> {
    let mut differences = Vec::new();
    let names = |a: &Answer| a.columns.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    if names(expected) != names(found) {
        differences.push(format!("columns: expected {:?}, found {:?}", names(expected), names(found)));
    }
    let types = |a: &Answer| a.columns.iter().map(|(n, t)| format!("{n} {}", plain(t))).collect::<Vec<_>>();
    if names(expected) == names(found) && types(expected) != types(found) {
        for (e, f) in types(expected).iter().zip(types(found)).filter(|(e, f)| *e != f) {
            differences.push(format!("type: expected {e}, found {f}"));
        }
    }
    match compare {
        Compare::Ordered if expected.rows != found.rows => {
            let at = expected.rows.iter().zip(&found.rows).position(|(e, f)| e != f).unwrap_or(expected.rows.len().min(found.rows.len()));
            let show = |a: &Answer| a.rows.get(at).map_or("nothing".into(), |r| format!("{r:?}"));
            differences.push(format!("row {}: expected {}, found {}", at + 1, show(expected), show(found)));
        }
        Compare::Ordered => {}
        Compare::Unordered => differences.extend(multisets(&counts(&expected.rows), &counts(&found.rows))),
        Compare::Table => differences.extend(multisets(&table(expected), &table(found))),
    }
    differences
}

/// A type as compared: lengths of texts and NOT NULL are the planner's estimate, not part of any value.
fn plain(data_type: &str) -> String {
    let data_type =
        data_type.replace("INTERVAL DAY TO SECOND(3)", "INTERVAL_DAY_TIME").replace("INTERVAL YEAR TO MONTH", "INTERVAL_YEAR_MONTH");
    let mut out = data_type.replace(" NOT NULL", "").replace(" NULL", "").replace('`', "");
    for word in ["VARCHAR(", "CHAR(", "VARBINARY(", "BINARY("] {
        while let Some(start) = out.find(word).filter(|&s| s == 0 || !out.as_bytes()[s - 1].is_ascii_alphabetic()) {
            let Some(end) = out[start..].find(')') else { break };
            let plain = if word.contains("BINARY") { "BYTES" } else { "STRING" };
            out.replace_range(start..=start + end, plain);
        }
    }
    for mark in [" *ROWTIME*", " *PROCTIME*"] {
        out = out.replace(mark, "");
    }
    out
}

fn counts(rows: &[Row]) -> BTreeMap<Row, i64> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row.clone()).or_default() += 1;
    }
    counts
}

/// Rows that are left when all changes are applied.
fn table(Answer { key, rows, .. }: &Answer) -> BTreeMap<Row, i64> {
    if let Some(key) = key {
        return newest(key, rows);
    }
    let mut counts: BTreeMap<Row, i64> = BTreeMap::new();
    for row in rows {
        let sign = if matches!(row.kind.as_str(), "+I" | "+U") { 1 } else { -1 };
        *counts.entry(Row { kind: String::new(), cells: row.cells.clone() }).or_default() += sign;
    }
    counts.retain(|_, count| *count != 0);
    counts
}

/// The newest row of each key that has not been deleted.
fn newest(key: &[usize], rows: &[Row]) -> BTreeMap<Row, i64> {
    let mut newest = BTreeMap::new();
    for row in rows {
        let key: Vec<_> = key.iter().map(|&column| row.cells.get(column)).collect();
        match row.kind.as_str() {
            "+I" | "+U" => newest.insert(key, &row.cells),
            _ => newest.remove(&key),
        };
    }
    newest.into_values().map(|cells| (Row { kind: String::new(), cells: cells.clone() }, 1)).collect()
}

fn multisets(expected: &BTreeMap<Row, i64>, found: &BTreeMap<Row, i64>) -> Vec<String> {
    let missing = expected.iter().filter_map(|(row, n)| {
        let less = n - found.get(row).copied().unwrap_or(0);
        (less > 0).then(|| format!("missing {less}x {} {:?}", row.kind, cells(row)))
    });
    let surplus = found.iter().filter_map(|(row, n)| {
        let more = n - expected.get(row).copied().unwrap_or(0);
        (more > 0).then(|| format!("surplus {more}x {} {:?}", row.kind, cells(row)))
    });
    missing.chain(surplus).collect()
}

fn cells(row: &Row) -> Vec<&str> {
    row.cells.iter().map(|c| c.as_deref().unwrap_or("NULL")).collect()
}
