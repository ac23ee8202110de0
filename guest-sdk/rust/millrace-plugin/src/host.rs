//! What the host gives: parameters, log, counters. In native tests a stand-in answers instead.

use crate::{
    bindings::host::Level,
    failure::{Error, Result},
};
use std::{cell::RefCell, str::FromStr};

/// The parameters of the node, as the job's author filled them in.
#[derive(Debug, Clone, Copy)]
pub struct Params(pub(crate) ());

impl Params {
    /// A parameter as text; `None` if it was not given.
    pub fn text(&self, name: &str) -> Option<String> {
        backend::parameter(name)
    }

    /// A parameter that may be missing.
    ///
    /// # Errors
    /// It is there but cannot be read as `T`.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        text.trim().parse().map(Some).map_err(|_| Error::new(format!("parameter `{name}` is `{text}`, expected {expected}")))
    }

    /// A parameter, or `default` if it was not given.
    ///
    /// # Errors
    /// It is there but cannot be read as `T`.
    pub fn get_or<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        Ok(self.get(name)?.unwrap_or(default))
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// It is missing or cannot be read as `T`.
    pub fn require<T: FromStr>(&self, name: &str) -> Result<T> {
        self.get(name)?.ok_or_else(|| Error::new(format!("parameter `{name}` is missing")))
    }
}

/// Writes a line to the job's log; the macros [`crate::info!`] and its like format it.
pub fn log(level: Level, message: &str) {
    backend::log(level, message);
}

thread_local! {
    static COUNTERS: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Adds to a counter that shows among the operator's metrics. Cheap enough for every row: the host hears of it once
/// per batch.
pub fn count(name: &'static str, delta: u64) {
    COUNTERS.with_borrow_mut(|counters| match counters.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += delta,
        None => counters.push((name, delta)),
    });
}

pub(crate) fn flush_counters() {
    COUNTERS.with_borrow_mut(|counters| {
        for (name, sum) in counters.iter_mut().filter(|(_, sum)| *sum > 0) {
            backend::counter_add(name, *sum);
            *sum = 0;
        }
    });
}

/// Makes a panic's message and place known to the job's log before the trap ends the instance.
pub(crate) fn install_panic_hook() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
}

#[cfg(target_arch = "wasm32")]
mod backend {
    pub(super) use crate::bindings::host::{counter_add, log, parameter};
}

#[cfg(not(target_arch = "wasm32"))]
mod backend {
    use super::Level;
    use crate::testing::HOST;

    pub(super) fn log(level: Level, message: &str) {
        HOST.with_borrow_mut(|host| host.log.push((level, message.to_owned())));
    }

    pub(super) fn parameter(name: &str) -> Option<String> {
        HOST.with_borrow(|host| host.parameters.get(name).cloned())
    }

    pub(super) fn counter_add(name: &str, delta: u64) {
        HOST.with_borrow_mut(|host| *host.counters.entry(name.to_owned()).or_default() += delta);
    }
}

/// Writes a line at level `trace` to the job's log, formatted as by `format!`.
#[macro_export]
macro_rules! trace {
    ($($text:tt)*) => { $crate::log($crate::Level::Trace, &::std::format!($($text)*)) };
}

/// Writes a line at level `debug` to the job's log, formatted as by `format!`.
#[macro_export]
macro_rules! debug {
    ($($text:tt)*) => { $crate::log($crate::Level::Debug, &::std::format!($($text)*)) };
}

/// Writes a line at level `info` to the job's log, formatted as by `format!`.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::log($crate::Level::Info, &::std::format!($($text)*)) };
}

/// Writes a line at level `warn` to the job's log, formatted as by `format!`.
#[macro_export]
macro_rules! warn {
    ($($text:tt)*) => { $crate::log($crate::Level::Warn, &::std::format!($($text)*)) };
}

/// Writes a line at level `error` to the job's log, formatted as by `format!`.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::log($crate::Level::Error, &::std::format!($($text)*)) };
}
