//! Damaged states are refused or taken for other states, but nothing panics.

use super::{Call, model::CASES, rows, texts, update};
use proptest::prelude::*;

/// States of all kinds: the calls of the model, and nested elements.
fn calls() -> impl Iterator<Item = (&'static str, Vec<super::Row>)> {
    let all = CASES.iter().map(|case| {
        let cells = |v: &&str| vec![Some((*v).to_owned()).filter(|v| v != "NULL"); 2];
        (case.call, case.values.iter().map(|v| (false, cells(v))).collect())
    });
    let nested = ["FIRST_VALUE", "LAST_VALUE", "ARRAY_AGG", "COLLECT", "SINGLE_VALUE"];
    let nested = nested.into_iter().map(|name| match name {
        "FIRST_VALUE" => ("FIRST_VALUE(ARRAY<STRING>)", rows("[1 2]")),
        "LAST_VALUE" => ("LAST_VALUE(ARRAY<INT NOT NULL>)", rows("[1 2]; [3]")),
        "ARRAY_AGG" => ("ARRAY_AGG(ARRAY<STRING NOT NULL>)", rows("[1 2]; NULL; []; ~[7]")),
        "COLLECT" => ("COLLECT(ARRAY<BOOLEAN>)", rows("[true false]; []; ~[true]")),
        _ => ("SINGLE_VALUE(ARRAY<DOUBLE>)", rows("[1 2]")),
    });
    all.chain(nested)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        for (text, rows) in calls() {
            let call = Call::new(text);
            let mut whole = call.accumulator(true);
            whole.resize(1);
            let given = call.columns_given();
            let rows: Vec<_> = rows.into_iter().map(|(retract, row)| (retract, row[..given].to_vec())).collect();
            update(&call, whole.as_mut(), &vec![0; rows.len()], &rows).expect(text);
            let mut state = Vec::new();
            whole.export(0, &mut state);
            for (at, byte) in &changes {
                let at = at.index(state.len());
                state[at] = *byte;
            }
            if let Some(cut) = cut {
                state.truncate(cut.index(state.len()));
            }
            for bytes in [&state, &noise] {
                let mut accumulator = call.accumulator(true);
                accumulator.resize(2);
                // Into an empty slot, and into one that holds something.
                let _ = accumulator.merge(0, &mut bytes.as_slice());
                let _ = update(&call, accumulator.as_mut(), &vec![1; rows.len()], &rows);
                let _ = accumulator.merge(1, &mut bytes.as_slice());
                let _ = accumulator.values(&[0, 1]).map(|array| texts(&array));
                let again: Vec<_> = rows.iter().cycle().take(3 * rows.len()).enumerate().map(|(i, (_, r))| (i % 2 == 0, r.clone())).collect();
                let _ = update(&call, accumulator.as_mut(), &vec![0; again.len()], &again);
                let _ = accumulator.values(&[0, 1]);
                let mut out = Vec::new();
                accumulator.export(0, &mut out);
                accumulator.clear(0);
            }
        }
    }
}
