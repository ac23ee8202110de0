//! Processor time of a process.

use std::io::{Error, ErrorKind, Result};

/// User and system time of the process `id` so far, in seconds: all threads, ended ones included.
///
/// # Errors
/// There is no such process.
pub fn process_seconds(id: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // utime and stime are fields 14 and 15 (proc(5)), counted in ticks of a hundredth of a second on Linux.
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok());
    let seconds = ticks(11).zip(ticks(12)).map(|(user, system)| (user + system) / 100.0);
    seconds.ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("no processor time in `{stat}`")))
}
