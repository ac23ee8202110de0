//! Answers of a connectivity test (SRC-2): what was reached, how long it took, or exactly what failed.

use serde::{Deserialize, Serialize};

/// The step at which a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectivityFailure {
    /// The properties are wrong before anything was tried.
    Configuration,
    /// The host name does not resolve.
    Dns,
    /// Nobody listens at the address.
    Refused,
    /// No answer in time.
    Timeout,
    /// The TLS handshake failed.
    Tls,
    /// User or password were refused.
    Credentials,
    /// The server answered, but what was named is not there.
    Missing,
    /// The server answered something else than expected.
    Protocol,
}

/// The outcome of a connectivity test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectivityReport {
    /// Whether the system can be used.
    pub reachable: bool,
    /// What was reached (`Kafka cluster abc, 3 brokers`) or what failed, with the next step to take.
    pub message: String,
    /// The failing step; absent when reachable.
    pub failure: Option<ConnectivityFailure>,
    /// How long the test took.
    pub elapsed_ms: u64,
}
