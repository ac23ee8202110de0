//! The table over which the cases were recorded: one row of ordinary values, one of extreme ones, one of NULLs.

use super::constructor::constant;
use arrow_array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_schema::{Field, Schema};
use arrow_select::concat::concat;
use millrace_functions::{
    Columnar, EvaluationContext, FunctionRegistry, Typed,
    cast::{CastTarget, cast},
};
use millrace_model::DataType;
use std::sync::Arc;

/// Name, type, and the two values that are not NULL; nested ones as expressions.
const COLUMNS: &[(&str, &str, [&str; 2])] = &[
    ("ti", "TINYINT", ["1", "-128"]),
    ("si", "SMALLINT", ["2", "-32768"]),
    ("i", "INT", ["1", "-2147483648"]),
    ("b", "BIGINT", ["2", "-9223372036854775808"]),
    ("f", "FLOAT", ["1.1", "-2.5"]),
    ("x", "DOUBLE", ["1.5", "-2.5"]),
    ("d", "DECIMAL(10, 2)", ["1.5", "-12345678.91"]),
    ("dd", "DECIMAL(12, 5)", ["1.5", "-2.55555"]),
    ("dt", "DATE", ["2020-01-02", "1960-02-29"]),
    ("ts", "TIMESTAMP(3)", ["2020-01-02 03:04:05", "1960-02-29 23:59:59.999"]),
    ("ts6", "TIMESTAMP(6)", ["2020-01-02 03:04:05", "1960-02-29 23:59:59.999999"]),
    ("ltz", "TIMESTAMP_LTZ(3)", ["2020-01-02 03:04:05", "1960-02-29 23:59:59.999"]),
    ("t0", "TIME(0)", ["01:02:03", "23:59:59"]),
    ("s", "STRING", ["1", "abc"]),
    ("bo", "BOOLEAN", ["true", "false"]),
    ("x0", "DOUBLE", ["0", "0"]),
    ("f0", "FLOAT", ["0", "0"]),
    ("z", "INT", ["0", "0"]),
    ("d0", "DECIMAL(5, 2)", ["0", "0"]),
    ("nan", "DOUBLE", ["NaN", "NaN"]),
    ("arr", "ARRAY<INT>", ["ARRAY[1, 2]", "ARRAY[1, CAST(NULL AS INT)]"]),
    ("mp", "MAP<STRING, INT>", ["MAP['a', 1]", "MAP['a', CAST(NULL AS INT)]"]),
    ("rw", "ROW<a INT, b STRING>", ["ROW(1, 'a')", "ROW(CAST(NULL AS INT), 'a')"]),
    ("by", "BYTES", ["x'01'", "x'ff'"]),
];

fn value(text: &str, data_type: &DataType, registry: &FunctionRegistry) -> ArrayRef {
    let context = EvaluationContext::default();
    let is_expression = matches!(data_type, DataType::Array(_) | DataType::Map(..) | DataType::Row(_) | DataType::Bytes);
    let (value, from) = if is_expression {
        let expr = super::parser::parse(text, &[], registry).expect("a table cell");
        (Columnar::Scalar(constant(&expr).expect("a table cell")), expr.typed().data_type)
    } else {
        (Columnar::Scalar(Arc::new(StringArray::from(vec![text])) as ArrayRef), DataType::String)
    };
    cast(&value, &from, &CastTarget::from(data_type.clone()), false, &context).expect("a table cell").inner().clone()
}

/// The rows, and name and type of each column.
pub fn table(registry: &FunctionRegistry) -> (RecordBatch, Vec<(String, Typed)>) {
    let (mut columns, mut fields, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (name, data_type, texts) in COLUMNS {
        let data_type: DataType = data_type.parse().expect("a type");
        let arrow = data_type.to_arrow();
        let mut cells: Vec<ArrayRef> = texts.iter().map(|text| value(text, &data_type, registry)).collect();
        cells.push(new_null_array(&arrow, 1));
        let parts: Vec<&dyn arrow_array::Array> = cells.iter().map(AsRef::as_ref).collect();
        columns.push(concat(&parts).expect("cells of one type"));
        fields.push(Field::new(*name, arrow, true));
        names.push(((*name).to_owned(), Typed::nullable(data_type)));
    }
    (RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of equal length"), names)
}
