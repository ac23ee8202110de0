//! Processor time of this process, all threads, ended ones included.

use anyhow::Context;
use millrace_test_servers::cpu;

/// User and system time so far, in seconds.
pub fn process_seconds() -> anyhow::Result<f64> {
    cpu::process_seconds(std::process::id()).context("processor time")
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
