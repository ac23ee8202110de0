//! What a process holds, from `/proc` (proc(5)).

use anyhow::Context;

/// Resident memory of a process in MiB.
pub(crate) fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).with_context(|| format!("{path}: no VmRSS"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{path}: `{line}`"))?;
    Ok(kib / 1024.0)
}
