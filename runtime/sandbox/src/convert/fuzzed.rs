//! Answers made at random: none may panic the host, and whatever is accepted is valid Arrow throughout.

use super::{OutputLimits, SchemaForGuest, batch_from_guest};
use crate::bindings::{BatchResult, ColumnDataResult as D, ColumnResult};
use arrow_array::Array;
use millrace_model::{Field, Schema};
use proptest::collection::vec;
use proptest::prelude::*;

/// One column type of every shape of buffers.
const TYPES: [&str; 9] = [
    "BOOLEAN",
    "INT",
    "TIME(9) NOT NULL",
    "DECIMAL(5, 2)",
    "STRING",
    "BYTES NOT NULL",
    "ARRAY<STRING NOT NULL>",
    "MAP<INT NOT NULL, BOOLEAN>",
    "ROW<a INT NOT NULL, b STRING>",
];

/// Offsets that are right surprisingly often, so that what lies behind them is reached.
fn offsets() -> impl Strategy<Value = Vec<i32>> {
    prop_oneof![
        4 => vec(0..3_i32, 0..6).prop_map(|lengths| {
            let mut at = 0;
            std::iter::once(0).chain(lengths.into_iter().map(|length| { at += length; at })).collect()
        }),
        1 => vec(-2..9_i32, 0..7),
        1 => vec(any::<i32>(), 0..7),
    ]
}

fn text() -> impl Strategy<Value = crate::bindings::Utf8DataResult> {
    let bytes = prop_oneof!["[aé漢]{0,6}".prop_map(String::into_bytes), vec(any::<u8>(), 0..8)];
    (offsets(), bytes, any::<bool>()).prop_map(|(mut offsets, data, fit)| {
        if let (true, Some(last)) = (fit, offsets.last_mut()) {
            *last = data.len() as i32;
        }
        crate::bindings::Utf8DataResult { offsets, data }
    })
}

fn data(at: usize) -> BoxedStrategy<D> {
    let rows = 0..7_usize;
    let right = match at {
        0 | 10 => vec(any::<u8>(), 0..3).prop_map(D::Bools).boxed(),
        1 | 9 | 12 => vec(any::<i32>(), rows).prop_map(D::I32s).boxed(),
        2 => vec(0..86_400_000_000_001_i64, rows).prop_map(D::I64s).boxed(),
        3 => vec(prop_oneof![Just(0), 0..1_000_u64, any::<u64>()], 0..13).prop_map(D::I128s).boxed(),
        4 | 7 | 13 => text().prop_map(D::Utf8).boxed(),
        5 => text().prop_map(D::Bytes).boxed(),
        6 | 8 => offsets().prop_map(D::Offsets).boxed(),
        _ => Just(D::None).boxed(),
    };
    let any_other = prop_oneof![Just(D::None), vec(any::<i64>(), 0..7).prop_map(D::I64s), offsets().prop_map(D::Offsets)];
    prop_oneof![30 => right, 1 => any_other].boxed()
}

fn answer() -> impl Strategy<Value = BatchResult> {
    let validity = prop_oneof![3 => Just(None), 1 => vec(any::<u8>(), 0..3).prop_map(Some)];
    let column = move |at| (data(at), validity.clone()).prop_map(|(data, validity)| ColumnResult { data, validity });
    let columns: Vec<_> = (0..COLUMNS).map(column).collect();
    let kinds = prop_oneof![3 => Just(None), 1 => vec(0..5_u8, 0..7).prop_map(Some)];
    (0..6_u32, kinds, columns).prop_map(|(rows, kinds, columns)| BatchResult { rows, kinds, columns })
}

/// Columns of `TYPES`, nested ones counted: 6 plain ones, array 2, map 3, row 3.
const COLUMNS: usize = 14;

fn schema(types: &[&str]) -> Schema {
    let field = |(at, text): (usize, &&str)| {
        let (text, nullable) = text.strip_suffix(" NOT NULL").map_or((*text, true), |text| (text, false));
        Field::new(format!("c{at}"), text.parse().unwrap(), nullable)
    };
    Schema::new(types.iter().enumerate().map(field).collect()).unwrap()
}

const LIMITS: OutputLimits = OutputLimits { rows_max: 100, output_bytes_max: 10_000 };

#[test]
fn whole_answers_never_panic() {
    let schema = schema(&TYPES);
    assert_eq!(SchemaForGuest::new(&schema).unwrap().fields().len(), COLUMNS);
    let arrow = schema.to_arrow();
    proptest!(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }, |(answer in answer())| {
        if let Ok((batch, _)) = batch_from_guest(answer, &arrow, COLUMNS, LIMITS) {
            batch.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
        }
    });
}

/// Makes the numbers of values right, so that what lies behind that check is reached.
fn resize(answer: &mut BatchResult) {
    let mut rows = answer.rows as usize;
    for column in &mut answer.columns {
        match &mut column.data {
            D::Bools(bytes) => bytes.resize(rows.div_ceil(8), 0),
            D::I32s(values) => values.resize(rows, 0),
            D::I64s(values) => values.resize(rows, 0),
            D::I128s(words) => words.resize(rows * 2, 0),
            D::Utf8(text) | D::Bytes(text) => text.offsets.resize(rows + 1, text.data.len() as i32),
            D::Offsets(offsets) => offsets.resize(rows + 1, offsets.last().copied().unwrap_or_default()),
            _ => {}
        }
        if let Some(validity) = &mut column.validity {
            validity.resize(rows.div_ceil(8), 0);
        }
        if let D::Offsets(offsets) = &column.data {
            rows = offsets.last().map_or(0, |last| (*last).clamp(0, 50) as usize);
        }
    }
}

/// One column at a time: a whole answer is hardly ever accepted, a column often is.
#[test]
fn accepted_columns_are_valid_arrow() {
    let mut first = 0;
    for (at, text) in TYPES.iter().enumerate() {
        let schema = schema(&[text]);
        let (arrow, count) = (schema.to_arrow(), SchemaForGuest::new(&schema).unwrap().fields().len());
        let range = first..first + count;
        first += count;
        let mut runner = proptest::test_runner::TestRunner::new_with_rng(
            ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() },
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let accepted = std::cell::Cell::new(0);
        runner
            .run(&(answer(), 0..4), |(mut answer, lies)| {
                answer.columns = answer.columns.drain(range.clone()).collect();
                answer.kinds = None;
                if lies > 0 {
                    resize(&mut answer);
                }
                if let Ok((batch, _)) = batch_from_guest(answer, &arrow, count, LIMITS) {
                    accepted.set(accepted.get() + 1);
                    batch.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
                }
                Ok(())
            })
            .unwrap();
        assert!(accepted.get() > 0, "column {at}, {text}: nothing was ever accepted, so nothing was tested");
    }
}
