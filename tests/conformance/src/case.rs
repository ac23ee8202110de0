//! A case as it lies on disk; `tests/conformance/README.md` describes the format.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// `<area>/<name>`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its script.
    pub sql: String,
    /// How results are compared.
    pub settings: CaseSettings,
    /// What Flink answered.
    pub expected: Expected,
}

/// `case.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseSettings {
    /// What the case is for.
    pub about: String,
    /// How results are compared.
    pub compare: Compare,
    /// Requirements that it shows.
    pub requirements: Vec<String>,
    /// What comes out depends on the input that comes first (or on the clock): only a run in Flink's order can be compared.
    pub depends_on_order: bool,
}

/// How results are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The same changelog rows in any order.
    #[default]
    Unordered,
    /// The same changelog rows in the same order.
    Ordered,
    /// The same table after all changes.
    Table,
}

/// What Flink answered.
#[derive(Debug, Clone)]
pub enum Expected {
    /// Columns and changelog.
    Rows(Answer),
    /// A refusal or a failure.
    Error(String),
}

/// Columns and changelog of a query, or of what was inserted into a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Names and types.
    pub columns: Vec<(String, String)>,
    /// Places of the columns by which a table that was inserted into holds one row.
    pub key: Option<Vec<usize>>,
    /// Changes in order.
    pub rows: Vec<Row>,
}

/// One change: its kind and cells as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Row {
    /// `+I`, `-U`, `+U`, `-D`.
    pub kind: String,
    /// Cells as Flink's SQL client shows them.
    pub cells: Vec<Option<String>>,
}

/// All cases below `root`, in order; expectations from `expected_root` if it is another folder.
///
/// # Errors
/// A case that cannot be read.
pub fn load_all(root: &Path, expected_root: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for area in sorted(root)? {
        for folder in sorted(&area)? {
            if folder.join("case.sql").is_file() {
                let name = folder.strip_prefix(root)?.to_string_lossy().into_owned();
                let expected = expected_root.join(&name);
                cases.push(load(name.clone(), &folder, &expected).with_context(|| format!("case {name}"))?);
            }
        }
    }
    Ok(cases)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?.into_iter().filter(|p| p.is_dir()).collect();
    entries.sort();
    Ok(entries)
}

fn load(name: String, folder: &Path, expected: &Path) -> Result<Case> {
    let settings = folder.join("case.toml");
    let settings = if settings.is_file() { toml::from_str(&fs::read_to_string(settings)?)? } else { CaseSettings::default() };
    let sql = fs::read_to_string(folder.join("case.sql"))?;
    let error = expected.join("expected.error");
    let expected = if error.is_file() {
        Expected::Error(fs::read_to_string(error)?.trim().to_owned())
    } else {
        Expected::Rows(answer(&fs::read_to_string(expected.join("expected.jsonl")).context("expected.jsonl")?)?)
    };
    Ok(Case { name, folder: folder.to_owned(), sql, settings, expected })
}

fn answer(text: &str) -> Result<Answer> {
    #[derive(Deserialize)]
    struct Header {
        columns: Vec<HeaderColumn>,
        key: Option<Vec<String>>,
    }
    #[derive(Deserialize)]
    struct HeaderColumn {
        name: String,
        #[serde(rename = "type")]
        data_type: String,
    }
    let mut lines = text.lines();
    let header: Header = serde_json::from_str(lines.next().unwrap_or_default())?;
    let columns: Vec<(String, String)> = header.columns.into_iter().map(|c| (c.name, c.data_type)).collect();
    let place = |name: &String| columns.iter().position(|(n, _)| n == name).with_context(|| format!("no key column {name}"));
    let key = header.key.map(|key| key.iter().map(place).collect()).transpose()?;
    let mut rows = Vec::new();
    for line in lines.filter(|l| !l.trim().is_empty()) {
        let mut cells: Vec<Option<String>> = serde_json::from_str(line)?;
        let kind = if cells.is_empty() { None } else { cells.remove(0) };
        rows.push(Row { kind: kind.context("a row without a kind")?, cells });
    }
    Ok(Answer { columns, key, rows })
}
