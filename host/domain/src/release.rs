//! The way of a version to production (RUN-2 to RUN-4): requested, approved, online, offline, replaced.
//!
//! Invariant: [`transition`] is the only place that decides it, and [`ReleaseEvent::action`] who may cause it; at most one
//! release of a job is online. `snapshots/` holds the whole matrix as text.

use crate::{action::Action, lifecycle::InstanceState, text_enum::text_enum};

text_enum! {
    /// Where a release is on its way.
    ReleaseState, "release state", {
        /// Waits for the administrator's decision.
        Requested = "requested",
        /// The administrator has said no.
        Rejected = "rejected",
        /// The applicant has taken the request back, or nobody decided in time.
        Withdrawn = "withdrawn",
        /// Approved; can go live.
        Published = "published",
        /// Has the job's production instance.
        Online = "online",
        /// Was online and was taken off; can go live again.
        Offline = "offline",
        /// A newer release of the job took its place.
        Replaced = "replaced",
    }
}

text_enum! {
    /// What happens to a release.
    ReleaseEvent, "release event", {
        /// The administrator approves.
        Approve = "approve",
        /// The administrator rejects.
        Reject = "reject",
        /// The applicant withdraws, or the deadline passes.
        Withdraw = "withdraw",
        /// Resources are given and its production instance is made.
        GoLive = "go_live",
        /// Its production instance stops for good.
        TakeOffline = "take_offline",
        /// Another release of the job goes live.
        Replace = "replace",
    }
}

/// A release that is not in a state for the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` is not possible while the release is {state}")]
pub struct Rejected {
    /// The state.
    pub state: ReleaseState,
    /// What was asked.
    pub event: ReleaseEvent,
}

/// The state that `event` leads to.
///
/// # Errors
/// The event is not possible in this state.
pub fn transition(state: ReleaseState, event: ReleaseEvent) -> Result<ReleaseState, Rejected> {
    use ReleaseEvent as E;
    use ReleaseState as S;
    let refused = Err(Rejected { state, event });
    match (state, event) {
        (S::Requested, E::Approve) => Ok(S::Published),
        (S::Requested, E::Reject) => Ok(S::Rejected),
        (S::Requested, E::Withdraw) => Ok(S::Withdrawn),
        (S::Requested, E::GoLive | E::TakeOffline | E::Replace) => refused,

        // What was replaced may come back: the way to roll a release back.
        (S::Published | S::Offline | S::Replaced, E::GoLive) => Ok(S::Online),
        // Taken off the published list without having been online.
        (S::Published | S::Online, E::TakeOffline) => Ok(S::Offline),
        (S::Online, E::Replace) => Ok(S::Replaced),
        (S::Published, E::Replace) => refused,
        (S::Published | S::Online | S::Offline | S::Replaced, E::Approve | E::Reject | E::Withdraw) => refused,
        (S::Online, E::GoLive) => refused,
        (S::Offline | S::Replaced, E::TakeOffline | E::Replace) => refused,

        (S::Rejected | S::Withdrawn, _) => refused,
    }
}

impl ReleaseEvent {
    /// What somebody must be allowed to do to cause it.
    pub const fn action(self) -> Action {
        match self {
            Self::Approve | Self::Reject => Action::ReleaseDecide,
            Self::Withdraw => Action::ReleaseRequest,
            Self::GoLive => Action::ReleaseGoLive,
            Self::TakeOffline => Action::ReleaseTakeOffline,
            // A consequence of another release's go-live.
            Self::Replace => Action::ReleaseGoLive,
        }
    }
}

impl ReleaseState {
    /// Whether the release still waits for something or can come back: another one of the same version is not needed.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Requested | Self::Published | Self::Online => true,
            Self::Rejected | Self::Withdrawn | Self::Offline | Self::Replaced => false,
        }
    }

    /// What can be asked of a release in this state, by whoever may; decisions are asked of its approval.
    pub fn possible(self) -> Vec<ReleaseEvent> {
        let asked = [ReleaseEvent::GoLive, ReleaseEvent::TakeOffline];
        asked.into_iter().filter(|&event| transition(self, event).is_ok()).collect()
    }
}

/// Whether a test instance is fit to be published from: it runs, or came to its end by itself, and the current run has not
/// failed. Answers why not.
pub fn unhealthy(state: InstanceState, restarts: i64, has_failure: bool) -> Option<&'static str> {
    match state {
        InstanceState::Running if restarts > 0 => Some("it has restarted after a failure and has not been stable since"),
        InstanceState::Running if has_failure => Some("a failure of this run is recorded; look at its exceptions and start it anew"),
        InstanceState::Running | InstanceState::Finished => None,
        InstanceState::Created | InstanceState::Starting => Some("it has not run yet"),
        InstanceState::Restarting => Some("it is restarting after a failure"),
        InstanceState::Stopping | InstanceState::Stopped => Some("it does not run any more; start it again"),
        InstanceState::Failed => Some("it has failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, action::permits};
    use std::fmt::Write;

    #[test]
    fn the_matrix_of_states_and_events_and_who_may_cause_them() {
        let mut table = String::new();
        for &state in ReleaseState::ALL {
            let possible: Vec<_> = state.possible().iter().map(|e| e.as_str()).collect();
            writeln!(table, "{state}: can {}", if possible.is_empty() { "do nothing".to_owned() } else { possible.join(", ") }).unwrap();
            for &event in ReleaseEvent::ALL {
                let next = transition(state, event).map_or("-", ReleaseState::as_str);
                writeln!(table, "  {event:<14} {next}").unwrap();
            }
        }
        writeln!(table, "who").unwrap();
        for &event in ReleaseEvent::ALL {
            let roles: Vec<_> = Role::ALL.iter().filter(|role| permits(**role, event.action())).map(|r| r.as_str()).collect();
            writeln!(table, "  {event:<14} {:<22} {}", event.action(), roles.join(", ")).unwrap();
        }
        writeln!(table, "healthy test instance").unwrap();
        for &state in InstanceState::ALL {
            for (restarts, has_failure) in [(0, false), (1, true), (0, true)] {
                let why = unhealthy(state, restarts, has_failure).unwrap_or("yes");
                writeln!(table, "  {state:<12} {restarts} restarts, failure {has_failure:<6} {why}").unwrap();
            }
        }
        let table = table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!("release_life", table);
    }
}
