//! How much memory for state a job may ask for.
//!
//! Invariant: a job that asks for more than it can have is refused, never given less in silence.

use crate::state::{Ceiling, size_text};
use millrace_model::graph::{GraphError, JobParameters};

/// What is wrong with the limit that the job sets itself.
pub(super) fn check(parameters: &JobParameters, ceiling: Ceiling) -> Option<GraphError> {
    let asked = parameters.state_memory_bytes_max.filter(|&bytes| bytes > ceiling.bytes())?;
    let (asked, most) = (size_text(asked), size_text(ceiling.bytes()));
    let message = match ceiling {
        Ceiling::Server(_) => format!(
            "the job asks for {asked} of memory for state (`state.memory.limit`), this server gives a job {most} at most; ask for less, or \
             have who runs the server raise `--state-memory-mib-max`"
        ),
        Ceiling::Assigned(_) => format!(
            "the job asks for {asked} of memory for state (`state.memory.limit`), the production instance was assigned {most}; ask for \
             less, leave it out, or have more memory assigned with the release"
        ),
    };
    Some(GraphError::in_document("parameters.state_memory_bytes_max", "state.memory_limit_too_high", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_asks_for_too_much_is_told_both_figures_and_who_can_give_more() {
        let of = |bytes| JobParameters { state_memory_bytes_max: bytes, ..JobParameters::default() };
        assert!(check(&of(None), Ceiling::Server(1 << 20)).is_none());
        assert!(check(&of(Some(2 << 30)), Ceiling::Assigned(2 << 30)).is_none());
        let error = check(&of(Some(1 << 40)), Ceiling::Server(4 << 30)).unwrap();
        assert_eq!(error.code, "state.memory_limit_too_high");
        insta::assert_snapshot!(error.message, @"the job asks for 1.0 TiB of memory for state (`state.memory.limit`), this server gives a job 4.0 GiB at most; ask for less, or have who runs the server raise `--state-memory-mib-max`");
        let error = check(&of(Some(1 << 30)), Ceiling::Assigned(512 << 20)).unwrap();
        assert!(error.message.contains("1.0 GiB") && error.message.contains("assigned 512.0 MiB"), "{}", error.message);
    }
}
