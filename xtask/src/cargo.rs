//! Runs cargo in the repository.

use anyhow::{Context, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Root of the repository: the folder above this package.
pub(crate) fn repository() -> anyhow::Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().map(Path::to_owned).context("the xtask package has no parent folder")
}

/// Runs cargo and fails if it does.
pub(crate) fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    cargo_with(arguments, &[])
}

/// Runs cargo with further environment variables.
pub(crate) fn cargo_with(arguments: &[&str], variables: &[(&str, String)]) -> anyhow::Result<()> {
    // The cargo that runs this program, else the one on the PATH.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo).args(arguments).envs(variables.iter().map(|(n, v)| (n, v))).status();
    let status = status.with_context(|| format!("cannot start {}", cargo.display()))?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}
