//! `ARRAY[…]`, `MAP[…]` and `ROW(…)` of constants.

use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType as Arrow, Schema};
use arrow_select::concat::concat;
use millrace_functions::{EvaluationContext, Expr, Typed, expression::evaluate};
use millrace_model::{
    DataType,
    data_type::{Element, RowField},
};
use std::sync::Arc;

pub fn one_row() -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).expect("an empty batch")
}

/// The value of an expression without columns.
pub fn constant(expr: &Expr) -> Result<ArrayRef, String> {
    let mut columns = std::collections::BTreeSet::new();
    expr.columns(&mut columns);
    if !columns.is_empty() {
        return Err("case: a column in a constructor".to_owned());
    }
    let value = evaluate(expr, &one_row(), &EvaluationContext::default()).map_err(|e| e.to_string())?;
    value.to_array(1).map_err(|e| e.to_string())
}

fn joined(parts: &[ArrayRef]) -> ArrayRef {
    concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>()).expect("parts of one type")
}

fn element(parts: &[&Expr]) -> Element {
    let typed = parts.first().map(|p| p.typed()).expect("a part");
    Element { data_type: typed.data_type, nullable: parts.iter().any(|p| p.typed().nullable) }
}

/// `parts` already have a common type.
pub fn construct(name: &str, parts: &[Expr]) -> Result<Expr, String> {
    let values = parts.iter().map(constant).collect::<Result<Vec<_>, _>>()?;
    let (array, data_type): (ArrayRef, DataType) = match name {
        "ARRAY" => {
            let element = element(&parts.iter().collect::<Vec<_>>());
            let data_type = DataType::Array(Box::new(element));
            let Arrow::List(field) = data_type.to_arrow() else { return Err("case: no list".to_owned()) };
            let offsets = OffsetBuffer::from_lengths([values.len()]);
            (Arc::new(ListArray::new(field, offsets, joined(&values), None)), data_type)
        }
        "MAP" => {
            let split = |offset: usize| parts.iter().skip(offset).step_by(2).collect::<Vec<_>>();
            let arrays = |offset: usize| values.iter().skip(offset).step_by(2).cloned().collect::<Vec<_>>();
            let data_type = DataType::Map(Box::new(element(&split(0))), Box::new(element(&split(1))));
            let Arrow::Map(field, _) = data_type.to_arrow() else { return Err("case: no map".to_owned()) };
            let Arrow::Struct(fields) = field.data_type().clone() else { return Err("case: no map".to_owned()) };
            let entries = StructArray::new(fields, vec![joined(&arrays(0)), joined(&arrays(1))], None);
            (Arc::new(MapArray::new(field, OffsetBuffer::from_lengths([values.len() / 2]), entries, None, false)), data_type)
        }
        _ => {
            let field = |(at, part): (usize, &Expr)| {
                let typed = part.typed();
                RowField { name: format!("EXPR${at}"), data_type: typed.data_type, nullable: typed.nullable }
            };
            let data_type = DataType::Row(parts.iter().enumerate().map(field).collect());
            let Arrow::Struct(fields) = data_type.to_arrow() else { return Err("case: no row".to_owned()) };
            (Arc::new(StructArray::new(fields, values, None)), data_type)
        }
    };
    Ok(Expr::Literal { value: array, typed: Typed::not_null(data_type), is_symbol: false })
}
