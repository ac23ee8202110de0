//! The life cycle of an instance: which event leads from which state to which, and what has to be done then.
//!
//! Invariant: [`transition`] is the only place that decides it. Users cause `start` and `stop`; everything else is
//! reported by the worker that holds the lease. `snapshots/` holds the whole matrix as text.

use crate::text_enum::text_enum;

text_enum! {
    /// Where an instance is in its life.
    InstanceState, "instance state", {
        /// Made, never started.
        Created = "created",
        /// A worker is to take it, or prepares it.
        Starting = "starting",
        /// Rows flow.
        Running = "running",
        /// Failed in a way that may pass, or lost its worker; starts again from the last checkpoint.
        Restarting = "restarting",
        /// The worker was told to stop.
        Stopping = "stopping",
        /// Stopped by the user; can start again.
        Stopped = "stopped",
        /// Failed for good until somebody acts; can start again.
        Failed = "failed",
        /// All sources came to their end.
        Finished = "finished",
    }
}

text_enum! {
    /// What happens to an instance.
    InstanceEvent, "instance event", {
        /// The user wants it to run.
        Start = "start",
        /// The user wants it to stop.
        Stop = "stop",
        /// The worker reports that rows flow.
        Launched = "launched",
        /// It failed in a way that may pass, and restarts are left.
        FailedForNow = "failed_for_now",
        /// It failed in a way that does not pass, or no restarts are left.
        FailedForGood = "failed_for_good",
        /// The worker reports that it has stopped as told.
        Halted = "halted",
        /// Every source came to its end and everything is written.
        Ended = "ended",
        /// The lease ran out or the worker gave the instance back.
        WorkerLost = "worker_lost",
    }
}

text_enum! {
    /// What has to be done along with a transition.
    Effect, "effect", {
        /// A worker must take the instance and run it.
        Launch = "launch",
        /// As `launch`, but after the back-off of the job's restart policy.
        LaunchLater = "launch_later",
        /// The worker must stop the running dataflow.
        Halt = "halt",
        /// Failures of earlier runs no longer count.
        ForgetFailures = "forget_failures",
        /// The lease ends: no worker owns the instance any more.
        ReleaseLease = "release_lease",
    }
}

text_enum! {
    /// What a user can ask of an instance; the API sends the list with each instance.
    InstanceAction, "instance action", {
        /// Start it.
        Start = "start",
        /// Stop it.
        Stop = "stop",
        /// Take a savepoint.
        Savepoint = "savepoint",
    }
}

/// The event does not fit the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` is not possible while the instance is {state}")]
pub struct Rejected {
    /// The state that was found.
    pub state: InstanceState,
    /// The event that came.
    pub event: InstanceEvent,
}

/// The state after `event`, and what has to be done.
///
/// # Errors
/// The event does not fit the state; nothing changes.
pub fn transition(state: InstanceState, event: InstanceEvent) -> Result<(InstanceState, &'static [Effect]), Rejected> {
    use Effect::{ForgetFailures, Halt, Launch, LaunchLater, ReleaseLease};
    use InstanceEvent as E;
    use InstanceState as S;
    let refused = Err(Rejected { state, event });
    match (state, event) {
        (S::Created, E::Start) => Ok((S::Starting, &[Launch])),
        (S::Stopped | S::Failed, E::Start) => Ok((S::Starting, &[ForgetFailures, Launch])),
        (S::Starting | S::Running | S::Restarting | S::Stopping | S::Finished, E::Start) => refused,

        (S::Starting | S::Running | S::Restarting, E::Stop) => Ok((S::Stopping, &[Halt])),
        (S::Created | S::Stopping | S::Stopped | S::Failed | S::Finished, E::Stop) => refused,

        (S::Starting | S::Restarting, E::Launched) => Ok((S::Running, &[])),
        // The user was faster than the worker's report: the stop stands.
        (S::Stopping, E::Launched) => Ok((S::Stopping, &[])),
        (S::Created | S::Running | S::Stopped | S::Failed | S::Finished, E::Launched) => refused,

        (S::Starting | S::Running | S::Restarting, E::FailedForNow) => Ok((S::Restarting, &[LaunchLater])),
        // It was to stop and has stopped; trying again would be against the user's wish.
        (S::Stopping, E::FailedForNow) => Ok((S::Stopped, &[ReleaseLease])),
        (S::Created | S::Stopped | S::Failed | S::Finished, E::FailedForNow) => refused,

        (S::Starting | S::Running | S::Restarting | S::Stopping, E::FailedForGood) => Ok((S::Failed, &[ReleaseLease])),
        (S::Created | S::Stopped | S::Failed | S::Finished, E::FailedForGood) => refused,

        (S::Stopping, E::Halted) => Ok((S::Stopped, &[ReleaseLease])),
        (S::Created | S::Starting | S::Running | S::Restarting | S::Stopped | S::Failed | S::Finished, E::Halted) => refused,

        (S::Starting | S::Running | S::Restarting | S::Stopping, E::Ended) => Ok((S::Finished, &[ReleaseLease])),
        (S::Created | S::Stopped | S::Failed | S::Finished, E::Ended) => refused,

        // Nobody is to blame, so there is no back-off and no restart is counted.
        (S::Starting | S::Running | S::Restarting, E::WorkerLost) => Ok((S::Restarting, &[ReleaseLease, Launch])),
        (S::Stopping, E::WorkerLost) => Ok((S::Stopped, &[ReleaseLease])),
        (S::Created | S::Stopped | S::Failed | S::Finished, E::WorkerLost) => refused,
    }
}

impl InstanceState {
    /// Whether a worker has, or has to take, the instance.
    pub const fn is_active(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Restarting | Self::Stopping => true,
            Self::Created | Self::Stopped | Self::Failed | Self::Finished => false,
        }
    }

    /// Whether the instance is wanted to run.
    pub const fn is_wanted(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Restarting => true,
            Self::Created | Self::Stopping | Self::Stopped | Self::Failed | Self::Finished => false,
        }
    }

    /// What a user can ask of an instance in this state.
    pub fn allowed_actions(self) -> Vec<InstanceAction> {
        let possible = |action: &InstanceAction| match action {
            InstanceAction::Start => transition(self, InstanceEvent::Start).is_ok(),
            InstanceAction::Stop => transition(self, InstanceEvent::Stop).is_ok(),
            InstanceAction::Savepoint => self == Self::Running,
        };
        InstanceAction::ALL.iter().copied().filter(possible).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_matrix_of_states_and_events() {
        let mut table = String::new();
        for &state in InstanceState::ALL {
            let actions: Vec<_> = state.allowed_actions().iter().map(|a| a.as_str()).collect();
            writeln!(table, "{state}: a user can {}", if actions.is_empty() { "do nothing".into() } else { actions.join(", ") }).unwrap();
            for &event in InstanceEvent::ALL {
                match transition(state, event) {
                    Ok((next, effects)) => {
                        let effects: Vec<_> = effects.iter().map(|e| e.as_str()).collect();
                        writeln!(table, "  {event:<16} {next:<12} {}", effects.join(", ")).unwrap();
                    }
                    Err(_) => writeln!(table, "  {event:<16} -").unwrap(),
                }
            }
        }
        let table = table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!("instance_life_cycle", table);
    }

    #[test]
    fn only_active_states_hold_a_lease() {
        for &state in InstanceState::ALL {
            for &event in InstanceEvent::ALL {
                if let Ok((next, effects)) = transition(state, event)
                    && !next.is_active()
                {
                    assert!(effects.contains(&Effect::ReleaseLease), "{state} {event} leads to {next} without releasing the lease");
                }
            }
        }
    }
}
