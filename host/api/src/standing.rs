//! The right to a stream that lasts longer than the request that began it.
//!
//! Invariant: a stream goes on no longer than [`crate::ApiConfig::stream_check`] behind its reader's right to it: when the token is
//! revoked, the session ends, the user is removed or a role is taken away, it ends too.

use crate::{caller::Caller, data_access::may_read_inputs, instances::find, problem::Problem};
use millrace_domain::Action;
use std::time::{Duration, Instant};

/// What a stream says when it ends because nobody may read it any more.
pub(crate) const ACCESS_ENDED: &str = "access_ended";

/// Somebody who reads a stream of an instance.
pub(crate) struct Standing {
    caller: Caller,
    /// Tenant, project and instance, as they were asked for.
    path: (String, String, String),
    action: Action,
    /// Whether rows are read: then what the instance reads of other projects must stay permitted too.
    sees_rows: bool,
    every: Duration,
    looked_at: Instant,
}

impl Standing {
    /// Of somebody whose right has just been looked at.
    pub(crate) fn new(caller: Caller, path: (String, String, String), action: Action, sees_rows: bool) -> Self {
        let every = caller.api.config.stream_check;
        Self { caller, path, action, sees_rows, every, looked_at: Instant::now() }
    }

    /// When the right is to be looked at next.
    pub(crate) fn due(&self) -> Instant {
        self.looked_at + self.every
    }

    /// Looks at the right, if it is time for that.
    ///
    /// # Errors
    /// It has ended, or cannot be looked at.
    pub(crate) async fn check(&mut self) -> Result<(), Problem> {
        if Instant::now() < self.due() {
            return Ok(());
        }
        self.caller.look_again().await?;
        let (scope, found) = find(&self.caller, &self.path, self.action).await?;
        if self.sees_rows {
            may_read_inputs(&self.caller, &scope, found.id.as_str()).await?;
        }
        self.looked_at = Instant::now();
        Ok(())
    }
}

/// Why a stream ends, as its reader is told.
pub(crate) fn reason(problem: &Problem) -> &'static str {
    if problem.status.is_server_error() { "failed" } else { ACCESS_ENDED }
}
