//! The sandbox from outside: real components, the real compile process.

// A test may unwrap; clippy knows that of functions marked as tests only, not of what they call.
#![allow(clippy::unwrap_used)]

mod caching;
mod generators;
mod guests;
mod hostile;
mod hostile_operators;
mod metering;
mod round_trip;
