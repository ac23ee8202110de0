//! How much memory this process can have: what the machine has, or less where a control group limits it.

use std::path::{Path, PathBuf};

/// Taken for granted where nothing can be found out.
const UNKNOWN_BYTES: u64 = 4 << 30;

/// In bytes.
pub(crate) fn bytes() -> u64 {
    of(Path::new("/"))
}

/// As [`bytes`], of the machine whose files lie in `root`.
fn of(root: &Path) -> u64 {
    let machine = machine_bytes(&root.join("proc/meminfo"));
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().flat_map(|line| limit_files(root, line)).filter_map(|file| limit(&file));
    limits.chain(machine).min().unwrap_or(UNKNOWN_BYTES)
}

fn machine_bytes(meminfo: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(meminfo).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// The files with the limits of a group and of those around it; a line is `hierarchy:controllers:path`.
fn limit_files(root: &Path, line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        other if other.split(',').any(|c| c == "memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return Vec::new(),
    };
    let (mount, group) = (root.join(mount), path.trim_start_matches('/'));
    // In a container its own group is often shown as the root.
    let around = Path::new(group).ancestors().map(|group| mount.join(group).join(file));
    around.collect()
}

/// The limit in a file; a word means none.
fn limit(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        of(root.path())
    }

    #[test]
    fn the_least_limit_counts() {
        let meminfo = ("proc/meminfo", "MemTotal:       16000 kB\nMemFree:         1000 kB\n");
        assert_eq!(machine(&[]), UNKNOWN_BYTES);
        assert_eq!(machine(&[meminfo]), 16_384_000);
        let group = ("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(machine(&[meminfo, group, ("sys/fs/cgroup/a/b/memory.max", "max\n")]), 16_384_000);
        assert_eq!(machine(&[meminfo, group, ("sys/fs/cgroup/a/memory.max", "4096\n")]), 4_096, "that of a group around it");
        let older = ("proc/self/cgroup", "3:cpu,cpuacct:/a\n5:memory:/a\n");
        let limits = ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8192\n");
        assert_eq!(machine(&[meminfo, older, limits]), 8_192);
        assert!(bytes() > 0);
    }
}
