//! The edit lock of a job (DEV-1): who edits it, how others take over, and whose unsaved draft has to be kept then.
//!
//! Invariant: [`decide`] and [`settle`] are the only places that decide it, and both are pure: the caller passes the time.
//! A lock never changes hands without naming its loser, so that no unsaved edit goes away unseen. `snapshots/` holds the
//! whole table as text.

use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};

text_enum! {
    /// Whether somebody edits.
    LockState, "lock state", {
        /// Nobody holds the lock; everybody who may edit can save.
        Free = "free",
        /// Somebody holds it.
        Held = "held",
        /// Somebody holds it and somebody else has asked for it.
        Asked = "asked",
    }
}

text_enum! {
    /// What somebody is to a lock.
    LockPart, "part in a lock", {
        /// Holds it.
        Holder = "holder",
        /// Has asked the holder for it.
        Asker = "asker",
        /// Neither.
        Other = "other",
    }
}

text_enum! {
    /// What somebody asks of a lock.
    LockEvent, "lock event", {
        /// Begin to edit.
        Acquire = "acquire",
        /// Still editing: a heartbeat.
        Renew = "renew",
        /// Stop editing.
        Release = "release",
        /// Soft steal: ask the holder for the lock.
        Ask = "ask",
        /// The asker no longer wants it.
        Withdraw = "withdraw",
        /// The holder gives it to the asker.
        Give = "give",
        /// The holder keeps it.
        Refuse = "refuse",
        /// Hard steal: take it from whoever holds it.
        Take = "take",
    }
}

text_enum! {
    /// Why somebody no longer holds a lock.
    LockLoss, "loss of a lock", {
        /// Somebody took it.
        Taken = "taken",
        /// Its holder gave it away.
        Given = "given",
        /// Its holder did not answer in time.
        Unanswered = "unanswered",
        /// Its holder did not renew it in time.
        Expired = "expired",
    }
}

text_enum! {
    /// Why something cannot be asked of a lock.
    LockReason, "reason of a refusal", {
        /// Somebody else holds the lock.
        Locked = "locked",
        /// Somebody else has asked for it already.
        AskedAlready = "asked_already",
        /// The asker has to wait for the answer.
        Waiting = "waiting",
        /// Only the holder can do that.
        NotHolder = "not_holder",
        /// Nobody has asked for the lock.
        NotAsked = "not_asked",
    }
}

/// Somebody who edits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editor {
    /// Id of the user.
    pub id: String,
    /// Name of the user at that time.
    pub name: String,
}

/// A soft steal that waits for the holder's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StealRequest {
    /// Who wants the lock.
    pub by: Editor,
    /// Since when, in milliseconds since the epoch.
    pub asked_at_ms: i64,
    /// Without an answer until then, the lock is the asker's.
    pub answer_by_ms: i64,
}

/// A lock that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditLock {
    /// Who edits.
    pub holder: Editor,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Until when, unless it is renewed.
    pub expires_at_ms: i64,
    /// Who has asked for it.
    pub steal: Option<StealRequest>,
}

/// The time, and how long things last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockTimes {
    /// Now, in milliseconds since the epoch.
    pub now_ms: i64,
    /// How long a lock lasts without being renewed.
    pub lease_ms: i64,
    /// How long a holder has for an answer.
    pub answer_ms: i64,
}

/// Somebody who no longer holds the lock; what they have not saved must be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loser {
    /// Who.
    pub editor: Editor,
    /// Why.
    pub loss: LockLoss,
}

/// What a decision leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockChange {
    /// The lock from now on; none: it is free.
    pub lock: Option<EditLock>,
    /// Who has lost it by this.
    pub loser: Option<Loser>,
}

/// Something that cannot be asked of a lock as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct LockRefused {
    /// What was asked.
    pub event: LockEvent,
    /// Why not.
    pub reason: LockReason,
    /// The lock as it is; boxed, because refusals are rare and errors small.
    pub lock: Option<Box<EditLock>>,
}

impl LockRefused {
    /// A save by somebody who does not hold the lock.
    pub fn save(lock: EditLock) -> Self {
        Self { event: LockEvent::Renew, reason: LockReason::Locked, lock: Some(Box::new(lock)) }
    }

    fn sentence(&self) -> String {
        let holder = self.lock.as_ref().map_or("nobody", |lock| lock.holder.name.as_str());
        match self.reason {
            LockReason::Locked => format!(
                "`{holder}` edits the job; ask for the lock (a soft steal waits for an answer), take it (a hard steal keeps their \
                 unsaved draft), or wait until it is released"
            ),
            LockReason::AskedAlready => {
                let asker = self.lock.as_ref().and_then(|lock| lock.steal.as_ref()).map_or("somebody", |steal| steal.by.name.as_str());
                format!("`{asker}` has already asked `{holder}` for the lock; wait for the answer, or take the lock")
            }
            LockReason::Waiting => format!("`{holder}` has not answered yet; wait, withdraw the request, or take the lock"),
            LockReason::NotHolder => format!("only the holder of the lock can `{}` it; it is held by `{holder}`", self.event),
            LockReason::NotAsked => format!("nobody has asked `{holder}` for the lock, so there is nothing to `{}`", self.event),
        }
    }
}

impl EditLock {
    fn new(holder: &Editor, times: LockTimes) -> Self {
        let expires_at_ms = times.now_ms.saturating_add(times.lease_ms);
        Self { holder: holder.clone(), since_ms: times.now_ms, expires_at_ms, steal: None }
    }

    /// What `who` is to this lock.
    pub fn part(&self, who: &str) -> LockPart {
        if self.holder.id == who {
            LockPart::Holder
        } else if self.steal.as_ref().is_some_and(|steal| steal.by.id == who) {
            LockPart::Asker
        } else {
            LockPart::Other
        }
    }
}

/// The state of a lock.
pub fn state(lock: Option<&EditLock>) -> LockState {
    match lock {
        None => LockState::Free,
        Some(EditLock { steal: None, .. }) => LockState::Held,
        Some(EditLock { steal: Some(_), .. }) => LockState::Asked,
    }
}

/// What `who`, who may edit the job, can ask of the lock now.
pub fn allowed_events(lock: Option<&EditLock>, who: &Editor, times: LockTimes) -> Vec<LockEvent> {
    LockEvent::ALL.iter().copied().filter(|&event| decide(lock, event, who, times).is_ok()).collect()
}

/// The lock as it is at `now_ms`: what has run out since somebody last looked takes effect. An answer that did not come
/// gives the lock to the asker, from that moment on; a lock that nobody asked for becomes free.
pub fn settle(lock: EditLock, times: LockTimes) -> LockChange {
    let expired = lock.expires_at_ms <= times.now_ms;
    match &lock.steal {
        Some(steal) if expired || steal.answer_by_ms <= times.now_ms => {
            let since_ms = steal.answer_by_ms.min(lock.expires_at_ms);
            let loss = if since_ms < steal.answer_by_ms { LockLoss::Expired } else { LockLoss::Unanswered };
            let next = EditLock::new(&steal.by, LockTimes { now_ms: since_ms, ..times });
            let next = Some(next).filter(|next| next.expires_at_ms > times.now_ms);
            LockChange { lock: next, loser: Some(Loser { editor: lock.holder, loss }) }
        }
        None if expired => LockChange { lock: None, loser: Some(Loser { editor: lock.holder, loss: LockLoss::Expired }) },
        Some(_) | None => LockChange { lock: Some(lock), loser: None },
    }
}

/// What comes of `who` asking `event` of a lock as it was last written: the lock from now on, or why not; and whoever has
/// lost it by now, the first with the draft that was written with it. Whoever held it last and comes back before
/// somebody else has it goes on as if nothing had happened.
pub fn touch(
    written: Option<EditLock>,
    event: LockEvent,
    who: &Editor,
    times: LockTimes,
) -> (Vec<Loser>, Result<Option<EditLock>, LockRefused>) {
    let resumes = |lock: &EditLock| lock.steal.is_none() && lock.holder.id == who.id;
    let settled = match written {
        Some(lock) if resumes(&lock) => LockChange { lock: Some(lock), loser: None },
        Some(lock) => settle(lock, times),
        None => LockChange { lock: None, loser: None },
    };
    let mut losers: Vec<Loser> = settled.loser.into_iter().collect();
    match decide(settled.lock.as_ref(), event, who, times) {
        Ok(change) => {
            losers.extend(change.loser);
            (losers, Ok(change.lock))
        }
        Err(refused) => (losers, Err(refused)),
    }
}

/// What comes of `who` asking `event` of a settled lock.
///
/// # Errors
/// The lock does not allow it to them.
pub fn decide(lock: Option<&EditLock>, event: LockEvent, who: &Editor, times: LockTimes) -> Result<LockChange, LockRefused> {
    use LockEvent as E;
    let refused = |reason| Err(LockRefused { event, reason, lock: lock.cloned().map(Box::new) });
    let Some(held) = lock else {
        return match event {
            // A heartbeat after the lease has run out takes it anew as long as nobody else has.
            E::Acquire | E::Renew | E::Ask | E::Take => Ok(LockChange { lock: Some(EditLock::new(who, times)), loser: None }),
            E::Release | E::Withdraw => Ok(LockChange { lock: None, loser: None }),
            E::Give | E::Refuse => refused(LockReason::NotAsked),
        };
    };
    let expires_at_ms = times.now_ms.saturating_add(times.lease_ms);
    let stays = |next: EditLock| Ok(LockChange { lock: Some(next), loser: None });
    let renewed = || stays(EditLock { expires_at_ms, ..held.clone() });
    let unasked = || EditLock { steal: None, ..held.clone() };
    let passes_to = |next: &Editor, loss| {
        let loser = Loser { editor: held.holder.clone(), loss };
        Ok(LockChange { lock: Some(EditLock::new(next, times)), loser: Some(loser) })
    };
    match (held.part(&who.id), &held.steal, event) {
        (LockPart::Holder, _, E::Acquire | E::Renew | E::Ask | E::Take) => renewed(),
        (LockPart::Holder, None, E::Release) => Ok(LockChange { lock: None, loser: None }),
        (LockPart::Holder, Some(steal), E::Release | E::Give) => passes_to(&steal.by, LockLoss::Given),
        (LockPart::Holder, Some(_), E::Refuse) => stays(EditLock { expires_at_ms, ..unasked() }),
        (LockPart::Holder, None, E::Give | E::Refuse) => refused(LockReason::NotAsked),
        (LockPart::Holder, _, E::Withdraw) => refused(LockReason::NotAsked),

        (LockPart::Asker, _, E::Ask) => stays(held.clone()),
        (LockPart::Asker, _, E::Withdraw) => stays(unasked()),
        (LockPart::Asker | LockPart::Other, _, E::Take) => passes_to(who, LockLoss::Taken),
        (LockPart::Asker, _, E::Acquire | E::Renew) => refused(LockReason::Waiting),

        (LockPart::Other, None, E::Ask) => {
            let answer_by_ms = times.now_ms.saturating_add(times.answer_ms);
            let steal = StealRequest { by: who.clone(), asked_at_ms: times.now_ms, answer_by_ms };
            stays(EditLock { steal: Some(steal), ..held.clone() })
        }
        (LockPart::Other, Some(_), E::Ask) => refused(LockReason::AskedAlready),
        (LockPart::Other, _, E::Acquire | E::Renew) => refused(LockReason::Locked),
        (LockPart::Other, _, E::Withdraw) => refused(LockReason::NotAsked),
        (LockPart::Asker | LockPart::Other, _, E::Release | E::Give | E::Refuse) => refused(LockReason::NotHolder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    const TIMES: LockTimes = LockTimes { now_ms: 1_000, lease_ms: 100, answer_ms: 30 };

    fn editor(id: &str) -> Editor {
        Editor { id: id.to_owned(), name: id.to_owned() }
    }

    fn held() -> EditLock {
        EditLock { holder: editor("holder"), since_ms: 900, expires_at_ms: 1_050, steal: None }
    }

    fn asked() -> EditLock {
        EditLock { steal: Some(StealRequest { by: editor("asker"), asked_at_ms: 990, answer_by_ms: 1_020 }), ..held() }
    }

    fn shown(change: &LockChange) -> String {
        let lock = change.lock.as_ref().map_or("free".to_owned(), |lock| {
            let asked = lock.steal.as_ref().map(|s| format!(", asked by {} until {}", s.by.name, s.answer_by_ms)).unwrap_or_default();
            format!("held by {} until {}{asked}", lock.holder.name, lock.expires_at_ms)
        });
        let loser = change.loser.as_ref().map(|l| format!("; keep the draft of {} ({})", l.editor.name, l.loss)).unwrap_or_default();
        format!("{lock}{loser}")
    }

    #[test]
    fn the_table_of_states_parts_and_events() {
        let mut table = String::new();
        for lock in [None, Some(held()), Some(asked())] {
            for part in LockPart::ALL {
                if *part == LockPart::Asker && state(lock.as_ref()) != LockState::Asked || *part == LockPart::Holder && lock.is_none() {
                    continue;
                }
                let who = editor(part.as_str());
                let actions: Vec<_> = allowed_events(lock.as_ref(), &who, TIMES).iter().map(|e| e.as_str()).collect();
                writeln!(table, "{}, {part}: can {}", state(lock.as_ref()), actions.join(", ")).unwrap();
                for &event in LockEvent::ALL {
                    match decide(lock.as_ref(), event, &who, TIMES) {
                        Ok(change) => writeln!(table, "  {event:<10} {}", shown(&change)).unwrap(),
                        Err(refused) => writeln!(table, "  {event:<10} - {}", refused.reason).unwrap(),
                    }
                }
            }
        }
        writeln!(table, "time").unwrap();
        for (what, lock) in [("held", held()), ("asked", asked())] {
            for now_ms in [1_000, 1_020, 1_050, 1_120] {
                writeln!(table, "  {what} at {now_ms}: {}", shown(&settle(lock.clone(), LockTimes { now_ms, ..TIMES }))).unwrap();
            }
        }
        insta::assert_snapshot!("edit_lock", table);
    }

    #[test]
    fn a_lock_that_changes_hands_names_its_loser() {
        for lock in [held(), asked()] {
            for who in ["holder", "asker", "other"] {
                for &event in LockEvent::ALL {
                    let Ok(change) = decide(Some(&lock), event, &editor(who), TIMES) else { continue };
                    let passed = change.lock.as_ref().is_some_and(|next| next.holder != lock.holder);
                    assert_eq!(passed, change.loser.is_some(), "{who} {event}");
                }
            }
        }
    }

    #[test]
    fn a_holder_who_comes_back_goes_on_unless_somebody_else_has_it() {
        let late = LockTimes { now_ms: 2_000, ..TIMES };
        let (losers, lock) = touch(Some(held()), LockEvent::Renew, &editor("holder"), late);
        assert_eq!((losers, lock.unwrap().unwrap().expires_at_ms), (Vec::new(), 2_100));
        let (losers, lock) = touch(Some(held()), LockEvent::Acquire, &editor("other"), late);
        assert_eq!((losers.len(), losers[0].loss, lock.unwrap().unwrap().holder.id.as_str()), (1, LockLoss::Expired, "other"));
        let soon = LockTimes { now_ms: 1_030, ..TIMES };
        let (losers, lock) = touch(Some(asked()), LockEvent::Renew, &editor("holder"), soon);
        assert_eq!((losers[0].loss, lock.unwrap_err().reason), (LockLoss::Unanswered, LockReason::Locked));
    }

    #[test]
    fn a_refusal_names_the_holder_and_what_to_do() {
        let text = LockRefused::save(held()).to_string();
        assert!(text.starts_with("`holder` edits the job; ask for the lock") && text.contains("take it"), "{text}");
    }
}
