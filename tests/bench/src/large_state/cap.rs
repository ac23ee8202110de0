//! A limit on the memory of one process and what it starts.
//!
//! Invariant: no run counts as capped unless the system enforced the limit or the process was watched all the time.

use anyhow::Context;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

const POLL: Duration = Duration::from_millis(20);

pub(super) struct Cap {
    bytes: u64,
    group: Option<Group>,
}

/// A control group of this measure alone.
struct Group {
    folder: PathBuf,
    is_v1: bool,
}

/// The most memory that a process has had.
#[derive(Default)]
pub(super) struct Peak {
    pub(super) bytes: u64,
    pub(super) was_killed: bool,
}

impl Cap {
    pub(super) fn new(bytes: u64) -> anyhow::Result<Self> {
        let group = Group::make("/sys/fs/cgroup/memory", true, bytes).or_else(|| Group::make("/sys/fs/cgroup", false, bytes));
        Ok(Self { bytes, group })
    }

    /// What enforces it.
    pub(super) fn how(&self) -> &'static str {
        match &self.group {
            Some(group) if group.is_v1 => "cgroup, version 1",
            Some(_) => "cgroup, version 2",
            None => "watched",
        }
    }

    /// Runs a program within the limit from its first instruction.
    pub(super) fn command(&self, program: &Path, arguments: &[String]) -> Command {
        let Some(group) = &self.group else {
            let mut command = Command::new(program);
            command.args(arguments);
            return command;
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg("echo $$ > \"$1\" && shift && exec \"$@\"").arg("sh");
        command.arg(group.folder.join("cgroup.procs")).arg(program).args(arguments);
        command
    }

    /// Whether the system had to refuse memory.
    pub(super) fn was_reached(&self) -> bool {
        let Some(group) = &self.group else { return false };
        let file = if group.is_v1 { "memory.oom_control" } else { "memory.events" };
        let text = fs::read_to_string(group.folder.join(file)).unwrap_or_default();
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.and_then(|count| count.trim().parse::<u64>().ok()).is_some_and(|count| count > 0)
    }
}

impl Group {
    /// `None` where the system does not let us.
    fn make(root: &str, is_v1: bool, bytes: u64) -> Option<Self> {
        let folder = Path::new(root).join(format!("millrace-bench-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        let group = Self { folder, is_v1 };
        let write = |file: &str, value: String| fs::write(group.folder.join(file), value);
        let limited = if is_v1 {
            // Memory and swap together are limited too, or the limit would only move pages out.
            write("memory.limit_in_bytes", bytes.to_string()).and_then(|()| write("memory.memsw.limit_in_bytes", bytes.to_string()))
        } else {
            write("memory.max", bytes.to_string()).and_then(|()| write("memory.swap.max", "0".to_owned()))
        };
        limited.ok()?;
        Some(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group that is still in use stays until the machine restarts; it costs nothing.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Waits for the process' end; kills it beyond a limit that nothing else enforces.
pub(super) fn watch(child: &mut Child, cap: Option<&Cap>) -> anyhow::Result<Peak> {
    let mut peak = Peak::default();
    let limit = cap.filter(|cap| cap.group.is_none()).map(|cap| cap.bytes);
    while child.try_wait().context("cannot watch the run")?.is_none() {
        peak.bytes = peak.bytes.max(peak_of(child.id()));
        if limit.is_some_and(|limit| peak.bytes > limit) && !peak.was_killed {
            peak.was_killed = true;
            child.kill().context("cannot end the run")?;
        }
        std::thread::sleep(POLL);
    }
    Ok(peak)
}

/// The most memory that the process has had resident so far.
fn peak_of(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}
