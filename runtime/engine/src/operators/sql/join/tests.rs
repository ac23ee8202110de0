//! State of joins: damaged bytes are errors, rows that expire are forgotten.

use super::*;
use crate::state::KeyGroupBlobs;
use bytes::Bytes as Blob;
use millrace_model::{DataType, Field};
use millrace_sql::plan::SideRows;

fn schema() -> Schema {
    Schema::new(vec![Field::new("k", DataType::BigInt, true), Field::new("v", DataType::String, true)]).unwrap()
}

fn spec(kept: SideRows) -> SideSpec {
    SideSpec { keys: vec![0], never_null: vec![0], kept, ttl_ms: None }
}

fn side(kept: &SideRows, ttl_ms: Option<u64>) -> Side {
    Side::new(&SideSpec { ttl_ms, ..spec(kept.clone()) }, &schema()).unwrap()
}

fn rows(values: &[(i64, &str)]) -> Batch {
    let keys: ArrayRef = std::sync::Arc::new(arrow_array::Int64Array::from_iter_values(values.iter().map(|v| v.0)));
    let texts: ArrayRef = std::sync::Arc::new(arrow_array::StringArray::from_iter_values(values.iter().map(|v| v.1)));
    let rows = arrow_array::RecordBatch::try_new(schema().to_arrow(), vec![keys, texts]).unwrap();
    Batch::inserts(rows)
}

fn bytes(side: &Side, batch: &Batch) -> Bytes {
    let (keys, rows) = (side.keys.convert(&batch.rows).unwrap(), side.rows.convert(&batch.rows).unwrap());
    Bytes { keys, rows, unique: side.unique_keys(&batch.rows).unwrap() }
}

fn added(side: &mut Side, values: &[(i64, &str)], now_ms: i64) {
    let batch = rows(values);
    let bytes = bytes(side, &batch);
    (0..batch.num_rows()).for_each(|row| side.add(bytes.row(row), 1, now_ms));
}

/// Counts of the rows of key `key`.
fn counts(side: &Side, key: i64, now_ms: i64) -> Vec<u32> {
    let batch = rows(&[(key, "")]);
    let bytes = bytes(side, &batch);
    let mut slots = Vec::new();
    side.matches(bytes.row(0).hash, bytes.row(0).key, now_ms, &mut slots);
    slots.into_iter().map(|slot| side.kept(slot).count).collect()
}

const ALL: [SideRows; 4] = [SideRows::One, SideRows::All, SideRows::Counted, SideRows::Unique(Vec::new())];

fn each() -> impl Iterator<Item = SideRows> {
    ALL.into_iter().map(|kept| if matches!(kept, SideRows::Unique(_)) { SideRows::Unique(vec![1]) } else { kept })
}

#[test]
fn rows_are_replaced_counted_or_kept_one_by_one() {
    let values = [(1, "a"), (1, "a"), (2, "b"), (1, "c")];
    let expected: [&[u32]; 4] = [&[1], &[1, 1, 1], &[2, 1], &[1, 1]];
    for (kept, expected) in each().zip(expected) {
        let mut side = side(&kept, None);
        added(&mut side, &values, 0);
        assert_eq!(counts(&side, 1, 0), expected, "{kept:?}");
        let batch = rows(&[(1, "c"), (2, "b"), (2, "b")]);
        let bytes = bytes(&side, &batch);
        (0..3).for_each(|row| side.retract(bytes.row(row), 0));
        assert_eq!(counts(&side, 1, 0).len(), expected.len() - 1, "{kept:?}");
        assert!(counts(&side, 2, 0).is_empty(), "{kept:?}");
        added(&mut side, &[(2, "d"), (3, "e")], 0);
        assert_eq!((counts(&side, 2, 0), counts(&side, 3, 0)), (vec![1], vec![1]), "freed slots are used again, {kept:?}");
    }
}

#[test]
fn expired_rows_match_nothing_and_are_not_in_checkpoints() {
    for kept in each() {
        let mut side = side(&kept, Some(100));
        added(&mut side, &[(1, "a"), (2, "b")], 0);
        added(&mut side, &[(2, "b")], 60);
        assert!(counts(&side, 1, 100).is_empty() && !counts(&side, 2, 100).is_empty());
        added(&mut side, &[(1, "a")], 100);
        assert_eq!(counts(&side, 1, 100).iter().sum::<u32>(), 1, "{kept:?}");
        side.sweep(200);
        assert!(side.blobs(200).is_empty(), "{kept:?}");
    }
}

#[test]
fn damaged_state_is_an_error() {
    for kept in each() {
        let mut before = side(&kept, None);
        added(&mut before, &[(1, "a"), (1, "longer than eight bytes"), (7, "b")], 5);
        let blobs: KeyGroupBlobs = before.blobs(5);
        let mut after = side(&kept, None);
        blobs.iter().for_each(|(&group, blob)| after.restore(group, blob).unwrap());
        assert_eq!(counts(&after, 1, 5), counts(&before, 1, 5));
        assert_eq!(after.blobs(5), blobs);
        for (&group, blob) in &blobs {
            for cut in 1..blob.len() {
                assert!(side(&kept, None).restore(group, &blob[..cut]).is_err(), "{kept:?} cut at {cut}");
            }
            assert!(side(&kept, None).restore(group + 1, blob).is_err(), "another key group");
            let doubled: Blob = [blob.as_ref(), blob.as_ref()].concat().into();
            assert!(side(&kept, None).restore(group, &doubled).is_err(), "a key twice");
        }
    }
}
