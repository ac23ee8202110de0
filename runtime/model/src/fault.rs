//! Who has to act on an error, and whether trying again can help.
//!
//! Every error of the product is classified once, where it is made, and the class is kept up to the API.

use serde::{Deserialize, Serialize};

/// Who caused a fault and therefore who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// The user's graph, code, data or request is wrong; trying again changes nothing.
    User,
    /// A system outside Millrace failed (broker, database, disk); trying again may help.
    External,
    /// A defect of Millrace itself; logged with detail, never explained to the user in detail.
    Internal,
}

/// Implemented by every error enum of the workspace.
pub trait Classified {
    /// The class of this error.
    fn class(&self) -> FaultClass;

    /// Whether the same call may succeed later without anybody changing anything.
    fn is_retryable(&self) -> bool {
        self.class() == FaultClass::External
    }
}
