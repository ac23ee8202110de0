//! Answers of a connectivity test (SRC-2): what was reached, how long it took, or exactly what failed.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

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

/// Why a system cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// The failing step.
    pub failure: ConnectivityFailure,
    /// What was found, and the next step to take. Holds no secret.
    pub message: String,
}

impl Unreachable {
    /// A failure of this step.
    pub fn new(failure: ConnectivityFailure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into() }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a test has reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// In a sentence: `MariaDB 10.11.6, database shop`.
    pub message: String,
    /// Piece by piece: `server`, `version`, `database`, …
    pub details: BTreeMap<String, String>,
}

impl Reached {
    /// A sentence without details.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: BTreeMap::new() }
    }

    /// Adds a detail, if there is one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.details.insert(name.to_owned(), value);
        }
        self
    }
}

/// The outcome of a connectivity test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectivityReport {
    /// Whether the system can be used.
    pub reachable: bool,
    /// What was reached (`Kafka cluster abc, 3 brokers`) or what failed, with the next step to take.
    pub message: String,
    /// What was reached, piece by piece: `server`, `version`, `database`, …
    pub details: BTreeMap<String, String>,
    /// The failing step; absent when reachable.
    pub failure: Option<ConnectivityFailure>,
    /// How long the test took.
    pub elapsed_ms: u64,
}

impl ConnectivityReport {
    /// The report of a test that began so long ago.
    pub fn of(outcome: Result<Reached, Unreachable>, took: Duration) -> Self {
        let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Ok(Reached { message, details }) => Self { reachable: true, message, details, failure: None, elapsed_ms },
            Err(Unreachable { failure, message }) => {
                Self { reachable: false, message, details: BTreeMap::new(), failure: Some(failure), elapsed_ms }
            }
        }
    }

    /// Runs a test that keeps its own deadline, and cuts it off if it does not.
    pub async fn measure(test: impl Future<Output = Result<Reached, Unreachable>>, deadline: Duration) -> Self {
        let began = Instant::now();
        let outcome = tokio::time::timeout(deadline + Duration::from_secs(1), test).await.unwrap_or_else(|_| {
            let message = format!("the test did not end within {} ms", deadline.as_millis());
            Err(Unreachable::new(ConnectivityFailure::Timeout, message))
        });
        Self::of(outcome, began.elapsed())
    }
}
