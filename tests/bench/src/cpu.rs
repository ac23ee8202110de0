//! Processor time of this process, all threads, ended ones included.

use anyhow::Context;

/// User and system time so far, in seconds.
pub fn process_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    // utime and stime are fields 14 and 15 (proc(5)), counted in ticks of a hundredth of a second on Linux.
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok()).context("/proc/self/stat is short");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
