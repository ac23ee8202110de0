use super::*;
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, cast::AsArray, types::Int64Type};
use millrace_model::{ChangeKind, Field};
use serde_json::json;

fn input() -> Schema {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    let flags = ["q1", "q2", "q3"].map(|name| field(name, DataType::Boolean));
    let columns = [field("ms", DataType::BigInt), field("quality", DataType::String)];
    Schema::new(columns.into_iter().chain(flags).collect()).unwrap()
}

fn config(value: serde_json::Value) -> Config {
    serde_json::from_value(value).unwrap()
}

fn three_rules() -> Config {
    let rule = |n: u8, what: &str| {
        json!({"id": format!("r{n}"), "name": format!("rule-{n}"), "version": 1, "column": format!("q{n}"), "on_violation": what,
            "mark_column": if what == "mark" { json!("quality") } else { json!(null) }})
    };
    config(json!({"rules": [rule(1, "count"), rule(2, "mark"), rule(3, "divert")]}))
}

/// Four rows with the flags of three rules.
fn rows(flags: [[Option<bool>; 4]; 3]) -> Batch {
    let schema = arrow_schema::Schema::new(input().fields().iter().map(Field::to_arrow).collect::<Vec<_>>());
    let mut columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![1, 2, 3, 4])), Arc::new(StringArray::from(vec![None, Some("x"), None, None]))];
    columns.extend(flags.map(|values| Arc::new(BooleanArray::from(values.to_vec())) as ArrayRef));
    Batch::inserts(RecordBatch::try_new(Arc::new(schema), columns).unwrap())
}

fn checker(change: impl FnOnce(&mut Settings)) -> Checker {
    let (output, mut settings) = place(three_rules(), &input()).unwrap();
    change(&mut settings);
    Checker::new(settings, &output).unwrap()
}

fn ids(batch: &Batch) -> Vec<i64> {
    batch.rows.column(0).as_primitive::<Int64Type>().values().to_vec()
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn rows_are_counted_marked_and_diverted() {
    let batch = rows([[YES, NO, None, NO], [NO, NO, YES, YES], [YES, YES, None, NO]]);
    let checked = checker(|_| ()).check(&batch, None).unwrap();
    assert_eq!(checked.counts.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!((checked.rows, checked.counts[0].1.len()), (4, 2));
    assert_eq!(ids(&checked.on), [1, 2, 3]);
    let marks: Vec<_> = checked.on.rows.column(1).as_string::<i32>().iter().collect();
    assert_eq!(marks, [Some("rule-2"), Some("x,rule-2"), None]);
    let diverted: Vec<_> =
        checked.diverted.iter().map(|(row, rules)| (String::from_utf8_lossy(row).into_owned(), rules.as_str())).collect();
    assert_eq!(diverted.len(), 1);
    assert!(diverted[0].0.contains("\"ms\":4") && diverted[0].1 == "rule-1, rule-3", "{diverted:?}");
}

/// `-U 1, +U 2, -U 3, +U 4`, of which 2 and 3 break the rule that diverts: the bad 2 does not come, so 1 is taken back and
/// nothing replaces it; 3 never came, so it is not taken back.
#[test]
fn changes_are_counted_once_and_taken_back_as_they_came() {
    let kinds = [ChangeKind::UpdateBefore, ChangeKind::UpdateAfter, ChangeKind::UpdateBefore, ChangeKind::UpdateAfter];
    let kinds = Some(kinds.map(|k| k as u8).to_vec().into());
    let batch = Batch { kinds, ..rows([[YES; 4], [YES; 4], [YES, NO, NO, YES]]) };
    let checked = checker(|_| ()).check(&batch, None).unwrap();
    assert_eq!((checked.rows, checked.counts[2].0, checked.diverted.len()), (2, 1, 1));
    assert_eq!(ids(&checked.on), [1, 4]);
    assert_eq!(checked.on.kinds.unwrap().values().to_vec(), [ChangeKind::UpdateBefore as u8, ChangeKind::UpdateAfter as u8]);
}

#[test]
fn a_diverted_upsert_takes_the_row_of_its_key_away() {
    let kinds = [ChangeKind::Insert, ChangeKind::UpdateAfter, ChangeKind::Delete, ChangeKind::Insert];
    let kinds = Some(kinds.map(|k| k as u8).to_vec().into());
    let batch = Batch { kinds, ..rows([[YES; 4], [YES; 4], [YES, NO, None, YES]]) };
    let checked = checker(|settings| settings.is_upsert = true).check(&batch, None).unwrap();
    assert_eq!((checked.rows, ids(&checked.on)), (3, vec![1, 2, 3, 4]));
    let expected = [ChangeKind::Insert, ChangeKind::Delete, ChangeKind::Delete, ChangeKind::Insert].map(|k| k as u8);
    assert_eq!(checked.on.kinds.unwrap().values().to_vec(), expected);
}

#[test]
fn only_violations_go_on_where_a_job_looks_for_them() {
    let mut checker = checker(|settings| settings.only_violations = true);
    let none = checker.check(&rows([[YES; 4], [YES; 4], [None; 4]]), None).unwrap();
    assert_eq!((none.rows, none.on.num_rows()), (4, 0));
    let some = checker.check(&rows([[YES, NO, YES, YES], [YES; 4], [YES; 4]]), None).unwrap();
    assert_eq!(ids(&some.on), [2]);
}

#[test]
fn what_does_not_fit_is_named() {
    for (rule, expected) in [
        (json!({"id": "r", "name": "n", "version": 1, "column": "ms"}), "rule `n`: the input has no BOOLEAN column `ms`"),
        (json!({"id": "r", "name": "n", "version": 1}), "rule `n` needs either `condition` or `column`"),
        (
            json!({"id": "r", "name": "n", "version": 1, "column": "q1", "on_violation": "mark", "mark_column": "ms"}),
            "rule `n` marks in `ms`, which is no STRING column of the rows",
        ),
    ] {
        assert_eq!(place(config(json!({"rules": [rule]})), &input()).err().unwrap(), expected);
    }
}
