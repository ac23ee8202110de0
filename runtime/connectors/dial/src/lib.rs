//! The one way from a tenant's data source to a socket: name, address, permission, connection, TLS, and bytes under a
//! deadline, each step with an error of its own (SRC-2).
//!
//! Invariants: an address is connected to only after [`NetworkPolicy`] has permitted it, and it is the very address that
//! was permitted, so that a name cannot change what it means in between; everything ends at a deadline; what is read is
//! bounded by the reader; no error holds bytes that were sent.

mod dialer;
pub mod http;
mod network;
mod tls;
mod wire;

pub use dialer::Dialer;
pub use network::{Network, NetworkError, NetworkPolicy};
pub use tls::{TlsMode, TlsSettings};
pub use wire::{Wire, printable};
