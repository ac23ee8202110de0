//! The sandbox from outside: real components, the real compile process.

mod caching;
mod generators;
mod guests;
mod hostile;
mod metering;
mod round_trip;
