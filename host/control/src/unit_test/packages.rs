//! Data packages of a unit test: read in a process of their own, then brought to the nodes that they are for.

use crate::{ControlError, PinError, facade::Control};
use millrace_datapackage::{Hints, PackageError, PackageFormat};
use millrace_engine::trial::{JobEnd, PackageShape, ReplayRows};
use millrace_model::{graph::GraphError, ids::NodeId};
use std::{collections::BTreeMap, fs::File};

/// Rows of one package that are read.
const ROWS_MAX: u32 = 10_000;

/// A data package in a file.
pub struct PackageFile {
    /// What to call it in messages: `resource orders, version 3`.
    pub name: String,
    /// Its content.
    pub file: File,
    /// What is known besides.
    pub hints: Hints,
}

/// Reads a package's rows; answers what its reader should know, too.
pub(super) async fn read(control: &Control, package: PackageFile) -> Result<(ReplayRows, Vec<String>), ControlError> {
    let hints = Hints { lines_max: Some(ROWS_MAX), ..package.hints };
    let found = control.packages.inspect(&package.file, hints).await.map_err(|error| match error {
        PackageError::File(reason) => ControlError::invalid("unit_test.package", format!("{}: {reason}", package.name)),
        PackageError::Host(message) => ControlError::Internal(message),
    })?;
    let mut warnings = Vec::new();
    if found.has_more_lines {
        warnings.push(format!("{} has more than the {} rows that are used", package.name, found.lines.len()));
    }
    let is_json = found.format == PackageFormat::JsonLines;
    let rows = ReplayRows {
        shape: PackageShape { name: package.name, schema: found.schema, is_guessed: is_json || found.format == PackageFormat::Csv },
        lines: found.lines,
        iso_timestamps: found.options.get("timestamp_format").and_then(|form| form.as_str()) == Some("ISO-8601"),
        keeps_bad_records: is_json,
    };
    Ok((rows, warnings))
}

/// The ends that `name` means: the node of this id, else all nodes of this name or table.
pub(super) fn ends_named<'a>(name: &str, ends: &'a [JobEnd], what: &str) -> Result<Vec<&'a NodeId>, PinError> {
    if let Some(end) = ends.iter().find(|end| end.node.as_str() == name) {
        return Ok(vec![&end.node]);
    }
    let found: Vec<&NodeId> = ends.iter().filter(|end| end.name == name || end.table == name).map(|end| &end.node).collect();
    if found.is_empty() {
        let known: Vec<String> = ends.iter().map(|end| format!("{} (table {})", end.node, end.table)).collect();
        let message = format!("the job has no {what} `{name}`; its {what}s are {}", known.join(", "));
        return Err(PinError::Graph(vec![GraphError::in_document(format!("{what}s.{name}"), "unit_test.unknown_node", message)]));
    }
    Ok(found)
}

/// Brings packages to nodes. One package may be for several: a script reads a table once for each INSERT.
pub(super) fn by_node(packages: BTreeMap<String, ReplayRows>, sources: &[JobEnd]) -> Result<BTreeMap<NodeId, ReplayRows>, PinError> {
    let mut all = BTreeMap::new();
    for (name, rows) in packages {
        for node in ends_named(&name, sources, "source")? {
            let copy = ReplayRows { shape: rows.shape.clone(), lines: rows.lines.clone(), ..rows };
            if all.insert(node.clone(), copy).is_some() {
                let message = format!("`{name}` means the node `{node}`, which has a package already");
                return Err(PinError::Graph(vec![GraphError::in_document(format!("sources.{name}"), "unit_test.two_packages", message)]));
            }
        }
    }
    Ok(all)
}
