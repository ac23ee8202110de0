//! Which files the program may reach, as Landlock rules: they hold beside the own file tree, and where there is none.

use super::policy::{DEVICES, Policy};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, Scope,
};
use std::path::Path;

/// The oldest Landlock that holds enough: without it truncating (3) a readable file would be allowed.
const OLDEST: ABI = ABI::V3;
/// The newest that is asked for where it is there: no TCP, no abstract sockets and signals out of the cage, no devices.
const NEWEST: ABI = ABI::V6;

/// What of `/proc` a JVM looks at. `self` is the process that becomes the program.
const PROCESS: [&str; 7] =
    ["/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/sys/kernel", "/proc/filesystems"];

/// Restricts this process for good.
///
/// # Errors
/// The kernel has no Landlock, or too old a one.
pub fn restrict(policy: &Policy, has_own_processes: bool) -> Result<(), String> {
    let failed = |error: landlock::RulesetError| format!("Landlock: {error}");
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(OLDEST))
        .map_err(failed)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .map_err(failed)?
        .handle_access(AccessNet::from_all(NEWEST))
        .map_err(failed)?
        .scope(Scope::from_all(NEWEST))
        .map_err(failed)?;
    let mut ruleset = ruleset.create().map_err(failed)?;
    let read = AccessFs::from_read(NEWEST);
    for path in policy.readable() {
        ruleset = allow(ruleset, path, read)?;
    }
    for path in DEVICES {
        ruleset = allow(ruleset, Path::new(path), AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    // A whole `/proc` only where it shows nothing but the cage: elsewhere it holds the server's environment.
    let process: &[&str] = if has_own_processes { &["/proc"] } else { &PROCESS };
    for path in process.iter().map(Path::new).filter(|path| path.exists()) {
        ruleset = allow(ruleset, path, AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    ruleset = allow(ruleset, &policy.folder, AccessFs::from_all(NEWEST) & !AccessFs::IoctlDev)?;
    let status = ruleset.restrict_self().map_err(failed)?;
    match status.landlock {
        LandlockStatus::Available { .. } => Ok(()),
        other => Err(format!("Landlock is not there: {other:?}")),
    }
}

fn allow(ruleset: RulesetCreated, path: &Path, access: impl Into<landlock::BitFlags<AccessFs>>) -> Result<RulesetCreated, String> {
    let failed = |error: String| format!("Landlock, {}: {error}", path.display());
    let opened = PathFd::new(path).map_err(|error| failed(error.to_string()))?;
    let access = access.into();
    // Rights on folders mean nothing for a file.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    ruleset.add_rule(PathBeneath::new(opened, access)).map_err(|error| failed(error.to_string()))
}
