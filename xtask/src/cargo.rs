//! Runs cargo in the repository.

use anyhow::{Context, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Root of the repository: the folder above this package.
pub(crate) fn repository() -> anyhow::Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().map(Path::to_owned).context("the xtask package has no parent folder")
}

/// Where builds go.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

fn command(arguments: &[&str]) -> Command {
    // The cargo that runs this program, else the one on the PATH.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs cargo and fails if it does.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    run_with(arguments, &[])
}

/// Runs cargo with further environment variables.
pub(crate) fn run_with(arguments: &[&str], variables: &[(&str, String)]) -> anyhow::Result<()> {
    let status = command(arguments).envs(variables.iter().map(|(n, v)| (n, v))).status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// Builds a program as users run it. Always from the whole workspace, whose crates then agree on one set of features:
/// with `--package` each program would have the large dependencies built for itself.
pub(crate) fn build_optimized(program: &str) -> anyhow::Result<()> {
    run(&["build", "--release", "--workspace", "--bin", program])
}

/// Builds a program of the workspace, runs it, answers what it writes to the standard output.
pub(crate) fn run_optimized(program: &str, arguments: &[String]) -> anyhow::Result<String> {
    build_optimized(program)?;
    let path = target().join("release").join(program);
    let output = Command::new(&path).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {}", path.display()))?;
    if !output.status.success() {
        bail!("{program} {} ended with {}", arguments.join(" "), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
