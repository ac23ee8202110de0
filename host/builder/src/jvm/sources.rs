//! The sources of SDK, runtime and compiler, as they were when the server was built.

use crate::BuildError;
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};

include!(concat!(env!("OUT_DIR"), "/java_sources.rs"));

/// A name for their content.
pub(super) fn fingerprint() -> String {
    let mut hash = Sha256::new();
    for (path, text) in SOURCES {
        hash.update(path.len().to_le_bytes());
        hash.update(path);
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hex::encode(&hash.finalize()[..8])
}

/// Writes them below a folder.
pub(super) fn write(folder: &Path) -> Result<(), BuildError> {
    for (path, text) in SOURCES {
        let file = folder.join(path);
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| BuildError::Io { path, source }
        };
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        fs::write(&file, text).map_err(io(&file))?;
    }
    Ok(())
}

/// Files of a part (`api/src/main/java`) that end in `ending`, below the folder they were written to.
pub(super) fn files(folder: &Path, part: &str, ending: &str) -> Vec<PathBuf> {
    SOURCES.iter().filter(|(path, _)| path.starts_with(part) && path.ends_with(ending)).map(|(path, _)| folder.join(path)).collect()
}

/// Sources of the artefact that code is compiled against: path below its folder, text.
pub(crate) fn api_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCES.iter().filter_map(|(path, text)| Some((path.strip_prefix("api/")?, *text)))
}

/// Copies the files of a part that are read as they are.
pub(super) fn copy(folder: &Path, part: &str, into: &Path) -> Result<(), BuildError> {
    let part_folder = folder.join(part);
    for file in files(folder, part, "") {
        let target = into.join(file.strip_prefix(&part_folder).unwrap_or(&file));
        let io = |source| BuildError::Io { path: target.clone(), source };
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(io)?;
        }
        fs::copy(&file, &target).map_err(io)?;
    }
    Ok(())
}
