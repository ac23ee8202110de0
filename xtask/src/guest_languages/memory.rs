//! How much memory the processes that this program has started take together.
//!
//! Invariant: peaks are read from the kernel (`VmHWM`), so that only what a process gains in its last moments is missed.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Watches until it is asked.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Peaks>,
}

/// What was seen, in MiB.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Peaks {
    /// All processes at one time.
    pub total_mib: f64,
    /// The largest one.
    pub largest_mib: f64,
}

impl Watch {
    pub(super) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut peaks = Peaks::default();
            while !seen.load(Ordering::Relaxed) {
                look(&mut peaks);
                std::thread::sleep(Duration::from_millis(20));
            }
            peaks
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> Peaks {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn look(peaks: &mut Peaks) {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
        let field = |name: &str| -> Option<u64> {
            status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
        };
        let parent = field("PPid:").and_then(|parent| u32::try_from(parent).ok()).unwrap_or_default();
        parents.insert(pid, (parent, field("VmRSS:").unwrap_or_default(), field("VmHWM:").unwrap_or_default()));
    }
    let own = std::process::id();
    let is_ours = |mut pid: u32| {
        // A chain of parents is short; a number that was given out again could make a circle.
        for _ in 0..64 {
            match parents.get(&pid) {
                Some((parent, ..)) if *parent == own => return true,
                Some((parent, ..)) => pid = *parent,
                None => return false,
            }
        }
        false
    };
    let ours: Vec<_> = parents.iter().filter(|(pid, _)| is_ours(**pid)).map(|(_, figures)| figures).collect();
    let mib = |kib: u64| kib as f64 / 1_024.0;
    peaks.total_mib = peaks.total_mib.max(mib(ours.iter().map(|(_, now, _)| now).sum()));
    peaks.largest_mib = peaks.largest_mib.max(mib(ours.iter().map(|(.., peak)| *peak).max().unwrap_or_default()));
}
