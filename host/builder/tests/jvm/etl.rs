//! The world `etl-operator`: cases of rows, faults of records and of sources, and speed.

use crate::{
    building::{build, cases, request, run},
    sandboxed::{Lines, load, open, sandbox},
};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, cast::AsArray, types};
use millrace_builder::{Language, World};
use millrace_model::{Batch, DataType, Field, Schema};
use millrace_sandbox::EtlOperator;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// `case.json`. Rows are `[id, name, amount]`.
#[derive(Deserialize)]
struct Case {
    language: Language,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    input: Vec<(i64, Option<String>, Option<f64>)>,
    output: Vec<Value>,
    /// Row and a part of the message.
    #[serde(default)]
    rejected: Vec<(u32, String)>,
    /// Lines of the log.
    #[serde(default)]
    log: Vec<String>,
}

pub fn input_schema() -> Schema {
    let field = |name: &str, data_type, nullable| Field::new(name, data_type, nullable);
    Schema::new(vec![field("id", DataType::BigInt, false), field("name", DataType::String, true), field("amount", DataType::Double, true)])
        .unwrap()
}

fn batch(rows: &[(i64, Option<String>, Option<f64>)]) -> Batch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.1.as_deref()))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.2))),
    ];
    Batch::inserts(RecordBatch::try_new(input_schema().to_arrow(), columns).unwrap())
}

fn rows(batch: &Batch) -> Vec<Value> {
    let value = |column: &ArrayRef, row: usize| {
        if column.is_null(row) {
            return Value::Null;
        }
        match column.data_type() {
            arrow_schema::DataType::Int64 => json!(column.as_primitive::<types::Int64Type>().value(row)),
            arrow_schema::DataType::Float64 => json!(column.as_primitive::<types::Float64Type>().value(row)),
            arrow_schema::DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
            arrow_schema::DataType::Boolean => json!(column.as_boolean().value(row)),
            other => panic!("no test has {other}"),
        }
    };
    (0..batch.num_rows()).map(|row| batch.rows.columns().iter().map(|column| value(column, row)).collect()).collect()
}

async fn operator(request: millrace_builder::SourceBuild, parameters: BTreeMap<String, String>, log: Arc<Lines>) -> EtlOperator {
    let report = build(request).await;
    let component = report.component.unwrap_or_else(|| panic!("{:#?}", report.diagnostics));
    let loaded = load(component).await;
    sandbox().open_etl(&loaded, open(parameters, log), input_schema()).await.unwrap_or_else(|fault| panic!("{fault}"))
}

async fn check(folder: &Path) {
    println!("{}", folder.display());
    let case: Case = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
    let log = Arc::new(Lines::default());
    let mut operator = operator(request(folder, World::EtlOperator, case.language), case.parameters, log.clone()).await;
    // Twice: the second batch finds what the first has left.
    for _ in 0..2 {
        let answer = operator.process(&batch(&case.input)).await.unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
        let found = rows(&answer);
        assert_eq!(found, case.output, "{}: {}", folder.display(), serde_json::to_string(&found).unwrap());
        let rejected = operator.take_rejected();
        let messages: Vec<_> = rejected.iter().map(|row| (row.row, row.message.as_str())).collect();
        assert_eq!(rejected.len(), case.rejected.len(), "{}: {messages:#?}", folder.display());
        for (found, (row, message)) in rejected.iter().zip(&case.rejected) {
            assert!(found.row == *row && found.message.contains(message.as_str()), "{}: {messages:#?}", folder.display());
        }
    }
    for line in &case.log {
        assert!(log.all().contains(line), "{}: {:#?}", folder.display(), log.all());
    }
}

/// EXT-1: online Java and Scala, record by record.
#[test]
fn cases_give_their_rows() {
    run(async {
        for case in cases("etl") {
            check(&case).await;
        }
    });
}
