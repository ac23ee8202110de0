//! What a caller may do with a thing, as answers say it: `allowed_actions`.
//!
//! Invariant: a word is in an answer only if the endpoint behind it lets this caller through: their roles and their token
//! permit its action where the thing is, and the thing's own state allows it. Pages draw their buttons from it and never work
//! it out again.

use crate::caller::Caller;
use millrace_domain::{Action, Scope};

/// A word for pages, the action that the endpoint behind it asks for, and whether the thing's state allows it now.
pub(crate) type Offer = (&'static str, Action, bool);

/// The words of `offers` that hold for the caller in `place`.
pub(crate) fn allowed<const N: usize>(caller: &Caller, place: &Scope, offers: [Offer; N]) -> Vec<&'static str> {
    allowed_each(caller, offers.map(|offer| (place, offer)))
}

/// The words of offers that each have a place of their own.
pub(crate) fn allowed_each<const N: usize>(caller: &Caller, offers: [(&Scope, Offer); N]) -> Vec<&'static str> {
    let holds = |(place, (_, action, now)): &(&Scope, Offer)| *now && caller.principal.allowed(*action, place);
    offers.into_iter().filter(holds).map(|(_, (word, ..))| word).collect()
}
