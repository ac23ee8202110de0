//! Builds the plugins of the sample tenants of this repository.

use crate::{BuildError, BuildOptions, Built, cargo, finish};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Folders of all sample plugins: `tenants/<tenant>/plugins/<plugin>`, sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn sample_plugins(repository: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut plugins = Vec::new();
    for tenant in folders(&repository.join("tenants"))? {
        let parent = tenant.join("plugins");
        if parent.is_dir() {
            plugins.extend(folders(&parent)?.into_iter().filter(|plugin| plugin.join("Cargo.toml").is_file()));
        }
    }
    plugins.sort();
    Ok(plugins)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let io = |source| BuildError::Io { path: parent.to_owned(), source };
    let entries = std::fs::read_dir(parent).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

/// Builds all sample plugins in one go, each to `<folder>/<plugin>.wasm`. Fast when nothing has changed.
///
/// # Errors
/// As for [`crate::build_rust`].
pub fn build_samples(repository: &Path, folder: &Path, options: BuildOptions<'_>) -> Result<Vec<Built>, BuildError> {
    let started = Instant::now();
    let repository = repository.canonicalize().map_err(|source| BuildError::Io { path: repository.to_owned(), source })?;
    let plugins = sample_plugins(&repository)?;
    // A sample's folder is named like its package.
    let packages: Vec<String> = plugins.iter().filter_map(|dir| Some(dir.file_name()?.to_str()?.to_owned())).collect();
    let request = cargo::Request { dir: &repository.join("guest-sdk/rust"), packages: &packages };
    let modules = cargo::build(&request, BuildOptions { locked: true, ..options })?;
    let built = |dir: &PathBuf| {
        let module = modules.iter().find(|m| m.package_dir == *dir).ok_or_else(|| BuildError::NoModule { dir: dir.clone() })?;
        finish(module, folder, started)
    };
    plugins.iter().map(built).collect()
}
