//! Operators in both forms over every type, run natively through the same glue that the component uses.

use crate::{
    ColumnType, OutCol,
    prelude::*,
    testing::{Harness, TestBatch},
};

/// Passes on the rows whose `keep` is true, whatever the columns are.
struct KeepMarked(Col<bool>);

impl Etl for KeepMarked {
    fn open(input: &Schema, _: &Params) -> Result<(Self, Schema)> {
        Ok((Self(input.column("keep")?), input.clone()))
    }

    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        let keep = batch.get(self.0);
        out.take_all(batch, &Selection::of(batch.rows(), |row| keep.get(row) == Some(true)));
        Ok(())
    }
}

fn every_type() -> TestBatch {
    let mut lists = crate::ListBuilder::<i64>::with_capacity(3);
    lists.elements.push(1);
    lists.elements.push_null();
    lists.close();
    lists.push_null();
    lists.elements.push(3);
    lists.close();
    let mut maps = crate::MapBuilder::<str, f64>::with_capacity(3);
    maps.close();
    maps.keys.push("a");
    maps.values.push(0.5);
    maps.close();
    maps.keys.push("b");
    maps.values.push_null();
    maps.close();
    let row_type =
        DataType::Row(vec![Field::new("x", DataType::Int, true), Field::new("names", <List<str> as ColumnType>::data_type(), true)]);
    let mut names = crate::ListBuilder::<str>::with_capacity(3);
    for name in ["ann", "bob", "cy"] {
        names.elements.push(name);
        names.elements.push("é漢");
        names.close();
    }
    let x = ColumnBuf::<i32>::from_iter([Some(7), None, Some(9)]).into_any();
    let rows = AnyBuf::row(3, vec![x, names.finish()]).with_validity(Some(vec![0b101]));
    TestBatch::new()
        .optional::<bool>("keep", ColumnBuf::from_iter([Some(true), None, Some(true)]))
        .required::<i8>("i8", vec![-1, 0, 1])
        .required::<i16>("i16", vec![-2, 0, 2])
        .required::<i32>("i32", vec![-3, 0, 3])
        .optional::<i64>("i64", ColumnBuf::from_iter([None, Some(0), Some(4)]))
        .required::<f32>("f32", vec![0.5, 0.0, -0.5])
        .required::<f64>("f64", vec![0.25, 0.0, -0.25])
        .required::<Decimal<20, 3>>("decimal", [-1, 0, 12_345].into_iter().map(Decimal).collect::<ColumnBuf<_>>())
        .required::<str>("text", vec!["", "b", "long enough to need a general copy"])
        .optional::<[u8]>("bytes", ColumnBuf::<[u8]>::from_options([Some([1, 2]), Some([3, 4]), None]))
        .required::<Date>("date", vec![0, 1, 19_000])
        .required::<Time<3>>("time3", [1_000_000, 0, 86_399_999_000_000].into_iter().map(Time).collect::<ColumnBuf<_>>())
        .required::<Time<9>>("time9", [1, 0, 86_399_999_999_999].into_iter().map(Time).collect::<ColumnBuf<_>>())
        .required::<Timestamp<6>>("timestamp", vec![1, 2, 3])
        .required::<TimestampLtz<0>>("instant", vec![1_000, 2_000, 3_000])
        .optional::<List<i64>>("list", lists)
        .required::<Map<str, f64>>("map", maps)
        .any(Field::new("row", row_type, true), rows)
}

#[test]
fn every_type_passes_through_with_its_nulls() {
    let input = every_type();
    let mut operator = Harness::<KeepMarked>::open(&input, &[]).unwrap();
    assert_eq!(operator.output(), input.schema());
    let all = input.lines();
    assert_eq!(
        all[1],
        "NULL | 0 | 0 | 0 | 0 | 0 | 0 | 0.000 | b | 0304 | 1970-01-02 | 00:00:00.000000000 | 00:00:00.000000000 \
         | 1970-01-01 00:00:00.000002 | 1970-01-01 00:00:02.000Z | NULL | {a: 0.5} | NULL"
    );
    assert_eq!(
        all[2],
        "true | 1 | 2 | 3 | 4 | -0.5 | -0.25 | 12.345 | long enough to need a general copy | NULL | 2022-01-08 \
         | 23:59:59.999000000 | 23:59:59.999999999 | 1970-01-01 00:00:00.000003 | 1970-01-01 00:00:03.000Z | [3] | {b: NULL} \
         | (9, [cy, é漢])"
    );
    assert_eq!(operator.process(&input).unwrap().lines(), [all[0].clone(), all[2].clone()]);
}

/// Reads nested columns in the typed form and writes what it found.
struct Sums {
    list: Col<List<i64>>,
    map: Col<Map<str, f64>>,
    sum: OutCol<i64>,
    keys: OutCol<List<str>>,
}

impl Etl for Sums {
    fn open(input: &Schema, _: &Params) -> Result<(Self, Schema)> {
        let mut output = Schema::new();
        let operator = Self {
            list: input.column("list")?,
            map: input.column_not_null("map")?,
            sum: output.optional("sum"),
            keys: output.required("keys"),
        };
        Ok((operator, output))
    }

    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        let (lists, maps) = (batch.get(self.list), batch.get(self.map));
        let sum = |row| lists.get(row).map(|range| range.filter_map(|at| lists.elements.get(at)).sum::<i64>());
        out.set(self.sum, (0..batch.rows()).map(sum).collect::<ColumnBuf<i64>>());
        let mut keys = crate::ListBuilder::<str>::with_capacity(batch.rows());
        for row in 0..batch.rows() {
            maps.get(row).into_iter().flatten().for_each(|at| keys.elements.push(maps.keys.value(at)));
            keys.close();
        }
        out.set(self.keys, keys);
        Ok(())
    }
}

#[test]
fn nested_columns_are_read_and_written() {
    let input = every_type();
    let mut operator = Harness::<Sums>::open(&input, &[]).unwrap();
    assert_eq!(operator.process(&input).unwrap().lines(), ["1 | []", "NULL | [a]", "3 | [b]"]);
}

input_row! { struct Change<'a> { id: i64, name as "type": &'a str } }
output_row! { struct Named<'a> { id: i64, r#type: &'a str, tags: Vec<i64> } }

/// Emits changes as they are, and each delete once more as an insert.
struct Echo;

impl RowEtl for Echo {
    type Input = Change<'static>;
    type Output = Named<'static>;

    fn open(_: &Params) -> Result<Self> {
        Ok(Self)
    }

    fn process(&mut self, change: Change, out: &mut Emit<Named>) -> Result<()> {
        if change.id < 0 {
            bail!("id {} is negative", change.id);
        }
        out.emit(Named { id: change.id, r#type: change.name, tags: vec![change.id; 2] });
        if out.kind() == ChangeKind::Delete {
            let shout = change.name.to_uppercase();
            out.emit_as(ChangeKind::Insert, Named { id: change.id, r#type: &shout, tags: Vec::new() });
        }
        Ok(())
    }
}

fn changes(ids: &[i64]) -> TestBatch {
    TestBatch::new().required::<i64>("id", ids.to_vec()).required::<str>("type", vec!["t"; ids.len()])
}

#[test]
fn rows_keep_their_kinds_and_errors_name_the_row() {
    let mut operator = Harness::<crate::RowOperator<Echo>>::open(&changes(&[]), &[]).unwrap();
    let input = changes(&[1, 2]).kinds(vec![2, 3]);
    assert_eq!(operator.process(&input).unwrap().lines(), ["+U 1 | t | [1, 1]", "-D 2 | t | [2, 2]", "+I 2 | T | []"]);
    assert_eq!(operator.process(&changes(&[5])).unwrap().lines(), ["5 | t | [5, 5]"]);
    let error = operator.process(&changes(&[1, -1])).unwrap_err();
    assert_eq!((error.row(), error.message()), (Some(1), "id -1 is negative"));
}

/// Sets its output wrongly in the way that the parameter says.
struct Careless(OutCol<i64>, OutCol<str>, String);

impl Etl for Careless {
    fn open(_: &Schema, params: &Params) -> Result<(Self, Schema)> {
        let mut output = Schema::new();
        Ok((Self(output.required("a"), output.required("b"), params.require("how")?), output))
    }

    fn process(&mut self, batch: &Batch<'_>, out: &mut Output<'_>) -> Result<()> {
        out.set(self.0, vec![1, 2, 3]);
        match self.2.as_str() {
            "missing" => {}
            "short" => out.set(self.1, vec!["x"]),
            "type" => out.set_any(self.1, batch.column(0).take(&Selection::all(3))),
            _ => out.set(self.1, vec!["x", "y", "z"]),
        }
        Ok(())
    }
}

#[test]
fn careless_output_is_named() {
    let check = |how: &str, input: TestBatch, expected: &str| {
        let error = Harness::<Careless>::open(&input, &[("how", how)]).unwrap().process(&input).unwrap_err();
        assert_eq!(error.message(), expected);
    };
    let input = || changes(&[1, 2, 3]);
    check("missing", input(), "output column `b` was not set");
    check("short", input(), "output column `b` has 1 values, column `a` has 3");
    check("type", input(), "output column `b` is STRING but was set with another type");
    let told = "the input carries updates or deletes: say with `take_kinds` or `set_kinds` what the output rows are";
    check("kinds", changes(&[1, 2]).kinds(vec![0, 3]), told);
}

#[test]
fn a_schema_that_does_not_fit_is_explained() {
    let open = |input: TestBatch| Harness::<crate::RowOperator<Echo>>::open(&input, &[]).err().unwrap().to_string();
    assert_eq!(open(TestBatch::new().required::<i64>("id", vec![1])), "the input has no column `type`; it has id");
    let typed = changes(&[]).schema().fields()[1].clone();
    let input = TestBatch::new().required::<f64>("id", vec![]).any(typed.clone(), ColumnBuf::<str>::from_iter::<[&str; 0]>([]).into_any());
    assert_eq!(open(input), "column `id` is DOUBLE, the plugin expects BIGINT");
    let input = TestBatch::new().optional::<i64>("id", vec![]).any(typed, ColumnBuf::<str>::from_iter::<[&str; 0]>([]).into_any());
    assert!(open(input).starts_with("column `id` may be NULL; declare it NOT NULL"));
}
