//! Random rows in random batches, taken back at random, moved through exported states: always what the model says.

use super::{
    Call, Row,
    model::{CASES, Case, Cells, Live},
    texts, update,
};
use crate::aggregate::Accumulator;
use proptest::prelude::*;

const SLOTS: usize = 3;

/// One step of a test.
#[derive(Debug, Clone)]
enum Step {
    /// Rows with their slots; the numbers choose the values of the cells.
    Rows(Vec<(usize, bool, [usize; 2])>),
    /// Export all slots and go on with fresh accumulators.
    Restore,
    /// Export all slots, go on empty, and let these be merged behind at the end.
    Part,
    /// Empty a slot.
    Clear(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0..SLOTS, prop::bool::weighted(0.4), prop::array::uniform2(0..6_usize));
    let step = prop_oneof![
        6 => prop::collection::vec(row, 1..12).prop_map(Step::Rows),
        2 => Just(Step::Restore),
        1 => Just(Step::Part),
        1 => (0..SLOTS).prop_map(Step::Clear),
    ];
    prop::collection::vec(step, 1..12)
}

fn fresh(call: &Call) -> Box<dyn Accumulator> {
    let mut accumulator = call.accumulator(true);
    accumulator.resize(SLOTS);
    accumulator
}

fn export(accumulator: &dyn Accumulator) -> Vec<Vec<u8>> {
    (0..SLOTS as u32)
        .map(|slot| {
            let mut state = Vec::new();
            accumulator.export(slot, &mut state);
            state
        })
        .collect()
}

/// Merges states, each with something behind that must be left.
fn merge(accumulator: &mut dyn Accumulator, states: &[Vec<u8>]) {
    for (slot, state) in (0_u32..).zip(states) {
        let bytes = [state.as_slice(), b"rest"].concat();
        let mut rest = bytes.as_slice();
        accumulator.merge(slot, &mut rest).expect("a state of ours");
        assert_eq!(rest, b"rest");
    }
}

/// Whether a result is what the model says; `≈` in the model allows for rounding.
fn is_same(found: &str, expected: &str) -> bool {
    let Some(expected) = expected.strip_prefix('≈') else { return found == expected };
    let expected: f64 = expected.parse().expect("a number");
    let Ok(found) = found.parse::<f64>() else {
        // Rounding may leave a sum of squares just below zero, for which Flink has NULL.
        return found == "NULL" && expected.abs() < 1e-6;
    };
    // Integer results are truncated, perhaps from just below a whole number.
    let truncated = found.fract() == 0.0 && (found - (expected - 1e-6).trunc()).abs().min((found - (expected + 1e-6).trunc()).abs()) == 0.0;
    truncated || (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}

fn compare(case: &Case, accumulator: &dyn Accumulator, live: &[Live]) {
    for (slot, live) in (0_u32..).zip(live) {
        let expected = (case.model)(live);
        let found = accumulator.values(&[slot]).map_or("error".to_owned(), |array| texts(&array).remove(0));
        // Taken back below a whole quotient, zero has a sign.
        let (found, expected) = (found.replace("-0.0", "0.0"), expected.replace("-0.0", "0.0"));
        assert!(is_same(&found, &expected), "{}: {found} instead of {expected} over {live:?}", case.call);
    }
}

fn run(case: &Case, steps: &[Step]) {
    let call = Call::new(case.call);
    let mut accumulator = fresh(&call);
    let mut live = vec![Live::default(); SLOTS];
    let mut parts: Vec<(Box<dyn Accumulator>, Vec<Live>)> = Vec::new();
    for step in steps {
        match step {
            Step::Rows(rows) => {
                let (mut groups, mut given): (Vec<u32>, Vec<Row>) = (Vec::new(), Vec::new());
                for (slot, retract, choice) in rows {
                    let cells: Cells =
                        choice.iter().map(|c| Some(case.values[c % case.values.len()].to_owned()).filter(|v| v != "NULL")).collect();
                    // Rows have as many cells as the call has columns.
                    let cells = cells[..call.columns_given()].to_vec();
                    if *retract && !case.ahead && !live[*slot].rows.contains(&cells) {
                        continue;
                    }
                    if *retract {
                        live[*slot].remove(cells.clone())
                    } else {
                        live[*slot].add(cells.clone())
                    }
                    groups.push(*slot as u32);
                    given.push((*retract, cells));
                }
                update(&call, accumulator.as_mut(), &groups, &given).expect(case.call);
            }
            Step::Restore => {
                let states = export(accumulator.as_ref());
                accumulator = fresh(&call);
                merge(accumulator.as_mut(), &states);
                assert_eq!(export(accumulator.as_ref()).iter().map(Vec::len).sum::<usize>(), states.iter().map(Vec::len).sum::<usize>());
            }
            Step::Part => {
                let part = std::mem::replace(&mut accumulator, fresh(&call));
                parts.push((part, std::mem::replace(&mut live, vec![Live::default(); SLOTS])));
            }
            Step::Clear(slot) => {
                accumulator.clear(*slot as u32);
                live[*slot] = Live::default();
            }
        }
        compare(case, accumulator.as_ref(), &live);
    }
    parts.push((accumulator, live));
    let (mut accumulator, mut direct) = (fresh(&call), fresh(&call));
    let mut live = vec![Live::default(); SLOTS];
    let same_slots: Vec<(u32, u32)> = (0..SLOTS as u32).map(|slot| (slot, slot)).collect();
    for (other, part) in parts {
        let states = export(other.as_ref());
        merge(accumulator.as_mut(), &states);
        if !direct.merge_slots(other.as_ref(), &same_slots).expect(case.call) {
            merge(direct.as_mut(), &states);
        }
        live.iter_mut().zip(part).for_each(|(live, part)| live.merge(part));
        compare(case, accumulator.as_ref(), &live);
        compare(case, direct.as_ref(), &live);
    }
    let grown = accumulator.size_bytes();
    (0..SLOTS as u32).for_each(|slot| accumulator.clear(slot));
    let empty = fresh(&call).size_bytes();
    assert!(accumulator.size_bytes() <= grown && accumulator.size_bytes() <= empty + 1024, "{}: memory is not given back", case.call);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_aggregate_agrees_with_its_model(steps in steps()) {
        for case in CASES {
            run(case, &steps);
        }
    }
}
