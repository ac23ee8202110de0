//! The whole transition table as a golden file, named situations, and random event orders.

use super::*;
use proptest::prelude::*;
use std::fmt::Write;

const CONFIG: CoordinatorConfig = CoordinatorConfig { interval_ms: 100, timeout_ms: 1_000, min_pause_ms: 20, retained: 2, failures_max: 1 };

/// Two subtasks, restored from checkpoint 4, in the named phase; checkpoint 5 is in flight where one is.
fn coordinator_in(phase: &str) -> Coordinator {
    let mut c = Coordinator::new(CONFIG, 2, 4, vec![4]);
    c.handle(0, Event::Tick);
    if phase == "ended" {
        c.handle(0, Event::SubtaskFinished(0));
        c.handle(0, Event::SubtaskFinished(1));
    }
    if ["collecting", "one missing", "storing"].contains(&phase) {
        c.handle(100, Event::Tick);
        assert_eq!(c.in_flight(), Some(5));
    }
    if ["one missing", "storing"].contains(&phase) {
        c.handle(100, Event::Acked { checkpoint: 5, subtask: 0 });
    }
    if phase == "storing" {
        c.handle(100, Event::Acked { checkpoint: 5, subtask: 1 });
    }
    if phase == "failed" {
        for at in [100, 200] {
            c.handle(at, Event::Tick);
            let checkpoint = c.in_flight().expect("in flight");
            c.handle(at, Event::Declined { checkpoint, subtask: 0, reason: "x".into() });
        }
        assert_eq!(c.phase, Phase::Failed);
    }
    c
}

#[test]
fn the_transition_table_is_as_recorded() {
    let events = [
        (110, Event::Tick),
        (5_000, Event::Tick),
        (110, Event::SavepointRequested(SavepointId::new("s"))),
        (110, Event::CheckpointRequested),
        (110, Event::Acked { checkpoint: 5, subtask: 1 }),
        (110, Event::Acked { checkpoint: 5, subtask: 9 }),
        (110, Event::Acked { checkpoint: 4, subtask: 1 }),
        (110, Event::Declined { checkpoint: 5, subtask: 1, reason: "no".into() }),
        (110, Event::Declined { checkpoint: 4, subtask: 1, reason: "no".into() }),
        (110, Event::Stored(5)),
        (110, Event::Stored(4)),
        (110, Event::StoreFailed { checkpoint: 5, reason: "disk full".into() }),
        (110, Event::StoreFailed { checkpoint: 4, reason: "disk full".into() }),
        (110, Event::SubtaskFinished(1)),
    ];
    let mut table = String::new();
    for phase in ["idle", "collecting", "one missing", "storing", "ended", "failed"] {
        let _ = writeln!(table, "{phase}");
        for (now_ms, event) in &events {
            // Idle is shown before the interval is over; what starts then, starts for the event.
            let now_ms = if phase == "idle" && *now_ms == 110 { 90 } else { *now_ms };
            let mut coordinator = coordinator_in(phase);
            let effects = coordinator.handle(now_ms, event.clone());
            let _ = writeln!(table, "  {now_ms:>5} {event:?}");
            for effect in effects {
                let _ = writeln!(table, "        -> {effect:?}");
            }
            let _ = writeln!(table, "        => {:?}", coordinator.phase);
        }
    }
    insta::assert_snapshot!("transition_table", table);
}

/// Carries a coordinator through one checkpoint.
fn complete_one(c: &mut Coordinator, now_ms: i64) -> Vec<Effect> {
    let checkpoint = c.in_flight().expect("a checkpoint in flight");
    for subtask in 0..2 {
        c.handle(now_ms, Event::Acked { checkpoint, subtask });
    }
    c.handle(now_ms, Event::Stored(checkpoint))
}

#[test]
fn retained_checkpoints_are_the_newest_and_given_up_ones_go_with_the_obsolete() {
    let mut c = Coordinator::new(CONFIG, 2, 0, vec![]);
    c.handle(0, Event::Tick);
    let mut deleted = Vec::new();
    for round in 1..=5 {
        c.handle(round * 100, Event::Tick);
        if round == 2 {
            c.handle(round * 100, Event::Declined { checkpoint: 2, subtask: 0, reason: "x".into() });
            continue;
        }
        for effect in complete_one(&mut c, round * 100) {
            if let Effect::DeleteObsolete { checkpoints } = effect {
                deleted.push(checkpoints);
            }
        }
    }
    assert_eq!(deleted, [vec![2], vec![1], vec![3]]);
    assert_eq!(c.stored, [4, 5]);
}

#[test]
fn a_savepoint_waits_for_the_checkpoint_in_flight_but_not_for_the_pause() {
    let mut c = Coordinator::new(CONFIG, 2, 0, vec![]);
    c.handle(0, Event::Tick);
    c.handle(100, Event::Tick);
    let s = SavepointId::new("s");
    assert_eq!(c.handle(101, Event::SavepointRequested(s.clone())), []);
    let effects = complete_one(&mut c, 102);
    let expected = [Effect::NotifyCommitted { checkpoint: 1 }, Effect::InjectBarriers { checkpoint: 2, savepoint: Some(s) }];
    assert_eq!(effects, expected);
}

#[test]
fn a_request_respects_the_pause_and_after_a_failure_the_interval() {
    let mut c = Coordinator::new(CONFIG, 2, 0, vec![]);
    assert_eq!(c.handle(0, Event::CheckpointRequested), [Effect::InjectBarriers { checkpoint: 1, savepoint: None }]);
    complete_one(&mut c, 5);
    assert_eq!(c.handle(6, Event::CheckpointRequested), []);
    assert_eq!(c.handle(24, Event::Tick), []);
    assert_eq!(c.handle(25, Event::Tick), [Effect::InjectBarriers { checkpoint: 2, savepoint: None }]);
    c.handle(30, Event::Declined { checkpoint: 2, subtask: 0, reason: "x".into() });
    assert_eq!(c.handle(31, Event::CheckpointRequested), []);
    assert_eq!(c.handle(129, Event::Tick), []);
    assert_eq!(c.handle(130, Event::Tick), [Effect::InjectBarriers { checkpoint: 3, savepoint: None }]);
}

#[test]
fn a_good_checkpoint_forgives_failures() {
    let mut c = Coordinator::new(CONFIG, 2, 0, vec![]);
    c.handle(0, Event::Tick);
    for round in 1..=6 {
        c.handle(round * 100, Event::Tick);
        let checkpoint = c.in_flight().expect("in flight");
        if round % 2 == 0 {
            complete_one(&mut c, round * 100);
            assert_eq!(c.failures_in_row(), 0);
        } else {
            c.handle(round * 100, Event::Declined { checkpoint, subtask: 1, reason: "x".into() });
            assert_eq!(c.failures_in_row(), 1);
        }
    }
}

/// Events relative to the checkpoint in flight, so that random orders reach deep states; `offset` makes some stale.
#[derive(Debug, Clone)]
enum Step {
    Wait(u16),
    Tick,
    Savepoint,
    Request,
    Ack { offset: u64, subtask: usize },
    Decline { offset: u64, subtask: usize },
    Stored { offset: u64 },
    StoreFailed { offset: u64 },
    Finished(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let offset = || prop_oneof![8 => Just(0u64), 1 => Just(1u64), 1 => Just(2u64)];
    prop_oneof![
        4 => (1u16..300).prop_map(Step::Wait),
        6 => Just(Step::Tick),
        1 => Just(Step::Savepoint),
        1 => Just(Step::Request),
        10 => (offset(), 0usize..4).prop_map(|(offset, subtask)| Step::Ack { offset, subtask }),
        1 => (offset(), 0usize..4).prop_map(|(offset, subtask)| Step::Decline { offset, subtask }),
        6 => offset().prop_map(|offset| Step::Stored { offset }),
        1 => offset().prop_map(|offset| Step::StoreFailed { offset }),
        1 => (0usize..30).prop_map(Step::Finished),
    ]
}

/// What an outside observer knows from events and effects alone.
#[derive(Default)]
struct Observer {
    last_id: CheckpointId,
    in_flight: Option<CheckpointId>,
    asked_to_store: BTreeSet<CheckpointId>,
    acks: BTreeSet<(CheckpointId, usize)>,
    finished: BTreeSet<usize>,
    reported_stored: BTreeSet<CheckpointId>,
    kept: BTreeSet<CheckpointId>,
    wanted: Vec<SavepointId>,
    failed: bool,
}

impl Observer {
    fn see(&mut self, effect: &Effect, subtasks: usize) {
        assert!(!self.failed || matches!(effect, Effect::RejectSavepoint { .. }), "nothing happens after the job failed");
        match effect {
            Effect::InjectBarriers { checkpoint, .. } => {
                assert!(*checkpoint > self.last_id, "ids grow strictly");
                assert_eq!(self.in_flight.replace(*checkpoint), None, "at most one in flight");
                self.last_id = *checkpoint;
            }
            Effect::Store { checkpoint, .. } => {
                assert_eq!(self.in_flight, Some(*checkpoint));
                let all = (0..subtasks).all(|s| self.finished.contains(&s) || self.acks.contains(&(*checkpoint, s)));
                assert!(all, "stored without the state of every subtask");
                assert!(self.asked_to_store.insert(*checkpoint), "stored once");
            }
            Effect::NotifyCommitted { checkpoint } => {
                assert!(self.asked_to_store.contains(checkpoint) && self.reported_stored.contains(checkpoint));
                assert_eq!(self.in_flight.take(), Some(*checkpoint));
                assert!(self.kept.last().is_none_or(|k| k < checkpoint));
                self.kept.insert(*checkpoint);
            }
            Effect::Abort { checkpoint, savepoint, .. } => {
                assert_eq!(self.in_flight.take(), Some(*checkpoint));
                self.wanted.retain(|w| Some(w) != savepoint.as_ref());
            }
            Effect::RejectSavepoint { savepoint, .. } => {
                assert!(self.wanted.contains(savepoint));
                self.wanted.retain(|w| w != savepoint);
            }
            Effect::DeleteObsolete { checkpoints } => {
                let newest = self.kept.last().copied().expect("something is kept");
                for checkpoint in checkpoints {
                    assert!(*checkpoint < newest, "the newest stays");
                    self.kept.remove(checkpoint);
                }
                assert!(self.kept.len() <= CONFIG.retained);
            }
            Effect::FailJob { .. } => self.failed = true,
        }
        assert!(self.kept.len() <= CONFIG.retained + 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn random_orders_keep_the_promises(restored in 0u64..50, subtasks in 1usize..4, steps in prop::collection::vec(step(), 1..200)) {
        let mut coordinator = Coordinator::new(CONFIG, subtasks, restored, vec![]);
        let mut seen = Observer { last_id: restored, ..Observer::default() };
        let mut now_ms = 0i64;
        for (n, step) in steps.into_iter().enumerate() {
            let id = |offset: u64| coordinator.in_flight().unwrap_or(seen.last_id).saturating_sub(offset);
            let event = match step {
                Step::Wait(ms) => {
                    now_ms += i64::from(ms);
                    continue;
                }
                Step::Tick => Event::Tick,
                Step::Savepoint => {
                    let savepoint = SavepointId::new(format!("s{n}"));
                    seen.wanted.push(savepoint.clone());
                    Event::SavepointRequested(savepoint)
                }
                Step::Request => Event::CheckpointRequested,
                Step::Ack { offset, subtask } => {
                    seen.acks.insert((id(offset), subtask));
                    Event::Acked { checkpoint: id(offset), subtask }
                }
                Step::Decline { offset, subtask } => Event::Declined { checkpoint: id(offset), subtask, reason: "r".into() },
                Step::Stored { offset } => {
                    // A store reports only what it was asked for.
                    let checkpoint = id(offset);
                    if !seen.asked_to_store.contains(&checkpoint) {
                        continue;
                    }
                    seen.reported_stored.insert(checkpoint);
                    Event::Stored(checkpoint)
                }
                Step::StoreFailed { offset } => Event::StoreFailed { checkpoint: id(offset), reason: "r".into() },
                Step::Finished(subtask) => {
                    seen.finished.insert(subtask);
                    Event::SubtaskFinished(subtask)
                }
            };
            for effect in coordinator.handle(now_ms, event) {
                seen.see(&effect, subtasks);
            }
            prop_assert_eq!(coordinator.in_flight(), seen.in_flight);
        }
    }
}
