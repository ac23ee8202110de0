//! The case folders: `cases/<area>/<name>` with a `case.sql`.

use anyhow::Context;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) struct Case {
    /// `area/name`.
    pub(super) name: String,
    /// Absolute.
    pub(super) folder: PathBuf,
    pub(super) script: String,
}

/// All cases whose name contains one of the texts of `only` (between commas), in the order of their names.
pub(super) fn matching(root: &Path, only: Option<&str>) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for area in folders(root)? {
        for folder in folders(&area)? {
            let name = folder.strip_prefix(root).unwrap_or(&folder).display().to_string();
            if only.is_some_and(|only| !only.split(',').any(|text| name.contains(text))) {
                continue;
            }
            let path = folder.join("case.sql");
            let script = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let folder = fs::canonicalize(&folder).with_context(|| format!("no folder {}", folder.display()))?;
            cases.push(Case { name, folder, script });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn folders(parent: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("cannot list {}", parent.display());
    let entries = fs::read_dir(parent).with_context(context)?.collect::<Result<Vec<_>, _>>().with_context(context)?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}
