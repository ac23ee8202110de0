//! Governed items: meta-models, business data, relations and quality rules, with their drafts and published states
//! (GOV-1, ROL-1 to ROL-5).
//!
//! Invariant: what is published changes only by an approval; while one is pending, the draft that it is about stands still.
//! `snapshots/` holds the table of states and actions.

mod business_data;
mod meta_model;
mod relation;

use crate::{action::Action, approval::ApprovalKind, text_enum::text_enum};

pub use business_data::BusinessData;
pub use meta_model::{Attribute, AttributeType, MetaModel};
pub use relation::{Relation, RelationEnd, RelationEndKind};

/// Most characters of a description.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 4_000;

text_enum! {
    /// What is governed.
    GovernedKind, "kind of governed item", {
        /// Which attributes business data of a kind has.
        MetaModel = "meta_model",
        /// An entry of business data.
        BusinessData = "business_data",
        /// A relation of business data to business data or to a table.
        Relation = "relation",
        /// What rows of a table must be like.
        QualityRule = "quality_rule",
    }
}

text_enum! {
    /// Where an item stands.
    GovernedState, "state", {
        /// Never published.
        Draft = "draft",
        /// Somebody is to decide on its publication.
        InApproval = "in_approval",
        /// Published as it is.
        Published = "published",
        /// Published, and changed since.
        Edited = "edited",
    }
}

text_enum! {
    /// What can be done with an item; the API sends the list with each.
    GovernedAction, "action on a governed item", {
        /// Change the draft.
        Edit = "edit",
        /// Remove it.
        Delete = "delete",
        /// Ask for the publication of the draft.
        RequestPublication = "request_publication",
    }
}

impl GovernedKind {
    /// What somebody must be allowed to do who changes such an item.
    pub const fn edited_with(self) -> Action {
        match self {
            Self::MetaModel => Action::MetaModelEdit,
            Self::BusinessData => Action::BusinessDataEdit,
            Self::Relation => Action::RelationEdit,
            Self::QualityRule => Action::QualityRuleEdit,
        }
    }

    /// The approval that publishes it.
    pub const fn approval(self) -> ApprovalKind {
        match self {
            Self::MetaModel => ApprovalKind::MetaModel,
            Self::BusinessData => ApprovalKind::BusinessData,
            Self::Relation => ApprovalKind::Relation,
            Self::QualityRule => ApprovalKind::QualityRule,
        }
    }

    /// What people call it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::MetaModel => "meta-model",
            Self::BusinessData => "business data",
            Self::Relation => "relation",
            Self::QualityRule => "quality rule",
        }
    }
}

impl GovernedState {
    /// The state of an item: whether it was ever published, whether its draft differs from that, whether an approval is
    /// pending.
    pub const fn of(is_published: bool, is_changed: bool, is_pending: bool) -> Self {
        match (is_pending, is_published, is_changed) {
            (true, _, _) => Self::InApproval,
            (false, false, _) => Self::Draft,
            (false, true, false) => Self::Published,
            (false, true, true) => Self::Edited,
        }
    }

    /// What can be done in this state, by who may change the item.
    pub const fn allowed(self) -> &'static [GovernedAction] {
        use GovernedAction::{Delete, Edit, RequestPublication};
        match self {
            Self::Draft | Self::Edited => &[Edit, Delete, RequestPublication],
            Self::InApproval => &[],
            Self::Published => &[Edit, Delete],
        }
    }
}

/// Something wrong in the document of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Path of the field.
    pub field: String,
    /// What was found, what was expected.
    pub message: String,
}

impl Wrong {
    /// Something wrong in `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Notes a text that is too long.
pub(crate) fn check_length(field: &str, text: &str, max: usize, wrong: &mut Vec<Wrong>) {
    let characters = text.chars().count();
    if characters > max {
        wrong.push(Wrong::new(field, format!("has {characters} characters; at most {max} are kept")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_table_of_states_and_actions() {
        let mut table = String::from("published changed pending -> state: allowed");
        for (is_published, is_changed, is_pending) in
            [(false, true, false), (false, true, true), (true, false, false), (true, true, false), (true, true, true)]
        {
            let state = GovernedState::of(is_published, is_changed, is_pending);
            let allowed: Vec<_> = state.allowed().iter().map(|a| a.as_str()).collect();
            write!(table, "\n{is_published:<9} {is_changed:<7} {is_pending:<7} -> {state}: {}", allowed.join(", ")).unwrap();
        }
        for &kind in GovernedKind::ALL {
            write!(table, "\n{kind}: {}, decided with {}", kind.edited_with(), kind.approval().decided_with()).unwrap();
        }
        insta::assert_snapshot!("governed_states", table);
    }
}
