//! Approvals: everything that somebody must agree to, as one state machine.
//!
//! Invariants: an approval is decided once and never again; nobody decides their own request, also not as or through a
//! machine whose token they have made; what the decision changes
//! is applied by the store in the transaction that decides, so an approved request has had its effect. `snapshots/` holds
//! the whole table of states, events and callers.

use crate::{access::Principal, action::Action, text_enum::text_enum};

/// Most characters of a reason or an opinion.
pub const TEXT_CHARACTERS_MAX: usize = 2_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

text_enum! {
    /// What is asked for. Each kind has its decider here and its effect in the store.
    ApprovalKind, "kind of approval", {
        /// TOP-2, TOP-4: a database in the test or production environment.
        DatabasePublish = "database_publish",
        /// TOP-2, TOP-4: a table or topic in the test or production environment.
        TablePublish = "table_publish",
        /// PRM-1: a project or a person may use a table.
        TablePermission = "table_permission",
        /// RUN-2: a version of a job may go to production.
        JobRelease = "job_release",
        /// GOV-1: a meta-model is published.
        MetaModel = "meta_model",
        /// GOV-1: an entry of business data is published.
        BusinessData = "business_data",
        /// GOV-1: a relation of metadata is published.
        Relation = "relation",
        /// GOV-1: a quality rule is published.
        QualityRule = "quality_rule",
    }
}

text_enum! {
    /// Where an approval stands.
    ApprovalState, "approval state", {
        /// It waits for a decision.
        Pending = "pending",
        /// Agreed, and done.
        Approved = "approved",
        /// Not agreed.
        Rejected = "rejected",
        /// The applicant has taken it back.
        Withdrawn = "withdrawn",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

text_enum! {
    /// What happens to an approval.
    ApprovalEvent, "approval event", {
        /// A decider agrees.
        Approve = "approve",
        /// A decider does not agree.
        Reject = "reject",
        /// The applicant takes it back.
        Withdraw = "withdraw",
        /// The deadline passes.
        Expire = "expire",
    }
}

text_enum! {
    /// What a caller can do with an approval; the API sends the list with each.
    ApprovalAction, "approval action", {
        /// Agree.
        Approve = "approve",
        /// Not agree.
        Reject = "reject",
        /// Take it back.
        Withdraw = "withdraw",
    }
}

impl ApprovalKind {
    /// What a decider must be allowed to do, in the scope of the approval.
    pub const fn decided_with(self) -> Action {
        match self {
            Self::DatabasePublish => Action::DatabasePublishDecide,
            Self::TablePublish => Action::TablePublishDecide,
            Self::TablePermission => Action::PermissionDecide,
            Self::JobRelease => Action::ReleaseDecide,
            Self::MetaModel => Action::MetaModelPublishDecide,
            Self::BusinessData => Action::BusinessDataPublishDecide,
            Self::Relation => Action::RelationPublishDecide,
            Self::QualityRule => Action::QualityRulePublishDecide,
        }
    }

    /// How long deciders have.
    pub const fn deadline_ms(self) -> i64 {
        match self {
            Self::DatabasePublish | Self::TablePublish | Self::TablePermission => 14 * DAY_MS,
            Self::JobRelease => 14 * DAY_MS,
            Self::MetaModel | Self::BusinessData | Self::Relation | Self::QualityRule => 14 * DAY_MS,
        }
    }
}

/// How a caller stands to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// They asked for it, or a machine of theirs did.
    pub is_applicant: bool,
    /// Their roles let them decide it, if it is not their own.
    pub is_decider: bool,
}

impl Standing {
    /// How `principal` stands to an approval of `kind` that `applicant`, behind whom `person` is, asked for in `scope`.
    pub fn of(principal: &Principal, (applicant, person): (&str, &str), kind: ApprovalKind, scope: &crate::Scope) -> Self {
        let is_applicant = principal.user == applicant || principal.person() == person;
        Self { is_applicant, is_decider: principal.allowed(kind.decided_with(), scope) }
    }
}

/// Why an event does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The event does not fit the state.
    #[error("`{event}` is not possible: the request is {state} already")]
    State {
        /// The state that was found.
        state: ApprovalState,
        /// The event that came.
        event: ApprovalEvent,
    },
    /// Nobody decides their own request.
    #[error("nobody decides their own request; ask another person who may decide it")]
    OwnRequest,
    /// Only who has asked can take it back.
    #[error("only the applicant can withdraw a request; a decider can reject it")]
    NotApplicant,
    /// The caller's roles do not decide this.
    #[error("your roles do not decide this request")]
    NotDecider,
}

/// The state after `event`.
///
/// # Errors
/// The event does not fit the state; nothing changes.
pub fn transition(state: ApprovalState, event: ApprovalEvent) -> Result<ApprovalState, Refusal> {
    use ApprovalState as S;
    match (state, event) {
        (S::Pending, ApprovalEvent::Approve) => Ok(S::Approved),
        (S::Pending, ApprovalEvent::Reject) => Ok(S::Rejected),
        (S::Pending, ApprovalEvent::Withdraw) => Ok(S::Withdrawn),
        (S::Pending, ApprovalEvent::Expire) => Ok(S::Expired),
        (
            S::Approved | S::Rejected | S::Withdrawn | S::Expired,
            ApprovalEvent::Approve | ApprovalEvent::Reject | ApprovalEvent::Withdraw | ApprovalEvent::Expire,
        ) => Err(Refusal::State { state, event }),
    }
}

/// The state after a caller who stands so makes `event` happen.
///
/// # Errors
/// It is not the caller's to do, or does not fit the state.
pub fn request(state: ApprovalState, event: ApprovalEvent, caller: Standing) -> Result<ApprovalState, Refusal> {
    match event {
        ApprovalEvent::Approve | ApprovalEvent::Reject if !caller.is_decider => return Err(Refusal::NotDecider),
        ApprovalEvent::Approve | ApprovalEvent::Reject if caller.is_applicant => return Err(Refusal::OwnRequest),
        ApprovalEvent::Withdraw if !caller.is_applicant => return Err(Refusal::NotApplicant),
        ApprovalEvent::Approve | ApprovalEvent::Reject | ApprovalEvent::Withdraw | ApprovalEvent::Expire => {}
    }
    transition(state, event)
}

impl ApprovalState {
    /// What a caller who stands so can do now.
    pub fn allowed_actions(self, caller: Standing) -> Vec<ApprovalAction> {
        let possible = |action: &&ApprovalAction| {
            let event = match action {
                ApprovalAction::Approve => ApprovalEvent::Approve,
                ApprovalAction::Reject => ApprovalEvent::Reject,
                ApprovalAction::Withdraw => ApprovalEvent::Withdraw,
            };
            request(self, event, caller).is_ok()
        };
        ApprovalAction::ALL.iter().filter(possible).copied().collect()
    }
}

/// When deciders are reminded of an approval: after half of its time, once.
pub const fn remind_at_ms(created_at_ms: i64, due_at_ms: i64) -> i64 {
    created_at_ms.saturating_add(due_at_ms.saturating_sub(created_at_ms) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_table_of_states_events_and_callers() {
        let callers = [
            ("a decider", Standing { is_applicant: false, is_decider: true }),
            ("the applicant", Standing { is_applicant: true, is_decider: false }),
            ("the applicant as decider", Standing { is_applicant: true, is_decider: true }),
            ("somebody else", Standing { is_applicant: false, is_decider: false }),
        ];
        let mut table = String::new();
        for &kind in ApprovalKind::ALL {
            writeln!(table, "{kind}: decided with {} within {} days", kind.decided_with(), kind.deadline_ms() / DAY_MS).unwrap();
        }
        for &state in ApprovalState::ALL {
            writeln!(table, "{state}").unwrap();
            for &event in ApprovalEvent::ALL {
                let next = transition(state, event).map_or("-".to_owned(), |next| next.to_string());
                writeln!(table, "  {event:<10}{next}").unwrap();
            }
            for (who, standing) in callers {
                let actions: Vec<_> = state.allowed_actions(standing).iter().map(|a| a.as_str()).collect();
                let actions = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
                writeln!(table, "  {who} can: {actions}").unwrap();
            }
        }
        for event in [ApprovalEvent::Approve, ApprovalEvent::Withdraw] {
            for (who, standing) in callers {
                if let Err(refusal) = request(ApprovalState::Pending, event, standing) {
                    writeln!(table, "{event} by {who}: {refusal}").unwrap();
                }
            }
        }
        insta::assert_snapshot!("approvals", table.trim_end());
    }

    #[test]
    fn an_approval_ends_once() {
        for &state in ApprovalState::ALL.iter().filter(|s| **s != ApprovalState::Pending) {
            for &event in ApprovalEvent::ALL {
                assert_eq!(transition(state, event), Err(Refusal::State { state, event }));
            }
        }
    }

    #[test]
    fn a_machine_is_whoever_made_its_token() {
        let scope = crate::Scope::Tenant(millrace_model::ids::TenantId::new("a"));
        let caller = |user: &str, on_behalf_of: Option<&str>| Principal {
            user: user.into(),
            name: user.into(),
            on_behalf_of: on_behalf_of.map(str::to_owned),
            grants: vec![crate::Grant { role: crate::Role::TenantAdmin, scope: scope.clone() }],
            token_scopes: crate::TokenScope::ALL.iter().copied().collect(),
        };
        let (ann, machine, other) = (caller("ann", None), caller("usr_1", Some("ann")), caller("usr_2", Some("bob")));
        for applicant in [("ann", "ann"), ("usr_1", "ann"), ("usr_9", "ann")] {
            for (who, is_applicant) in [(&ann, true), (&machine, true), (&other, false)] {
                let standing = Standing::of(who, applicant, ApprovalKind::JobRelease, &scope);
                assert_eq!(standing, Standing { is_applicant, is_decider: true }, "{applicant:?} {who:?}");
            }
        }
    }

    #[test]
    fn reminders_come_halfway() {
        assert_eq!(remind_at_ms(1_000, 3_000), 2_000);
        assert_eq!(remind_at_ms(i64::MAX, i64::MAX), i64::MAX);
    }
}
