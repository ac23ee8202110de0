//! Cases are folders of `before.json`, `after.json` and `expected.json`; `UPDATE_EXPECTED=1` writes the last one anew.

use super::{DiffSide, diff};
use millrace_model::graph::JobGraph;
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

#[derive(Deserialize)]
struct Side {
    graph: JobGraph,
    pins: Option<Value>,
}

#[test]
fn every_case_says_what_a_reviewer_wants_to_know() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph_diff/cases");
    let mut folders: Vec<_> = fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 6, "only {} cases", folders.len());
    for folder in folders {
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("{}: {e}", folder.join(file).display()));
        let side = |file: &str| serde_json::from_str::<Side>(&read(file)).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let (before, after) = (side("before.json"), side("after.json"));
        let sides = |side: &'_ Side| -> (JobGraph, Option<Value>) { (side.graph.clone(), side.pins.clone()) };
        let ((bg, bp), (ag, ap)) = (sides(&before), sides(&after));
        let found = diff(DiffSide { graph: &bg, pins: bp.as_ref() }, DiffSide { graph: &ag, pins: ap.as_ref() });
        let found = serde_json::to_value(&found).unwrap();
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(folder.join("expected.json"), format!("{}\n", serde_json::to_string_pretty(&found).unwrap())).unwrap();
        }
        let expected: Value = serde_json::from_str(&read("expected.json")).unwrap();
        assert_eq!(found, expected, "{}", folder.display());
        let itself = diff(DiffSide { graph: &ag, pins: ap.as_ref() }, DiffSide { graph: &ag, pins: ap.as_ref() });
        assert!(itself.is_same, "{}: a graph differs from itself", folder.display());
    }
}

#[test]
fn long_texts_are_not_compared_line_by_line() {
    let script = |line: &str| JobGraph { sql: Some(format!("{line}\n").repeat(6_000)), ..JobGraph::default() };
    let (before, after) = (script("a"), script("b"));
    let found = diff(DiffSide { graph: &before, pins: None }, DiffSide { graph: &after, pins: None });
    let text = found.sql.unwrap();
    assert!(text.is_too_long && text.hunks.is_empty() && text.lines_added == 6_000, "{text:?}");
}
