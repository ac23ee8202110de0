//! A table function of the project, found by its name and called for whole batches.

use crate::operators::sql::correlate::Correlate;
use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray, UInt8Array, cast::AsArray, types::Int32Type};
use millrace_functions::{
    Argument, Columnar, EvaluationContext, EvaluationError, FunctionRegistry, ResolveError,
    registry::Function,
    table::{TableFunction, TableRows},
};
use millrace_model::{Batch, ChangeKind, DataType, Field, Schema};
use millrace_sql::{
    Session,
    plan::{NodeKind, PlanNode},
};
use std::sync::Arc;

/// The words of a text with their places.
#[derive(Debug)]
struct Words;

impl TableFunction for Words {
    fn name(&self) -> &str {
        "WORDS"
    }

    fn resolve(&self, _: &[Argument<'_>]) -> Result<(Vec<DataType>, Schema), ResolveError> {
        let fields = vec![Field::new("word", DataType::String, true), Field::new("place", DataType::Int, false)];
        Ok((vec![DataType::String], Schema::new(fields).unwrap()))
    }

    fn evaluate(&self, arguments: &[Columnar], rows: usize, _: &EvaluationContext) -> Result<TableRows, EvaluationError> {
        let texts = arguments[0].to_array(rows)?;
        let (mut input_rows, mut words, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (row, text) in texts.as_string::<i32>().iter().enumerate() {
            for (place, word) in text.into_iter().flat_map(|t| t.split_whitespace().enumerate()) {
                input_rows.push(row as u32);
                words.push(word);
                places.push(place as i32);
            }
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(words)), Arc::new(Int32Array::from(places))];
        Ok(TableRows { input_rows, columns })
    }
}

fn correlation(node: &PlanNode) -> &PlanNode {
    match &node.kind {
        NodeKind::Correlate { .. } => node,
        _ => correlation(node.inputs()[0]),
    }
}

/// What becomes of three texts, the second without words, the last of which is taken back.
fn joined(from: &str) -> Vec<String> {
    let mut session = Session::new(FunctionRegistry::builtin().with("words", Function::Table(Arc::new(Words))));
    let sql = format!("CREATE FUNCTION parts AS 'Words'; CREATE TABLE t (s STRING); SELECT s, w, p FROM t {from}");
    let plan = session.execute(&sql).unwrap_or_else(|e| panic!("{}", e.render(&sql))).query.unwrap();
    let node = correlation(&plan);
    let NodeKind::Correlate { function, is_left, .. } = &node.kind else { panic!("{node:?}") };
    let output = super::super::lower::schema_of(&node.columns, None).to_arrow();
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a b"), None, Some("c")]));
    let rows = RecordBatch::try_from_iter([("s", texts)]).unwrap();
    let kinds = Some(UInt8Array::from(vec![0, 0, ChangeKind::Delete as u8]));
    let batch = Batch { rows, kinds, origin: Arc::from([]) };
    let mut found = None;
    let mut behind = |batch: Batch| {
        assert!(found.replace(batch).is_none());
        Ok(())
    };
    Correlate::new(function.clone(), *is_left, output).apply(&batch, &EvaluationContext::default(), &mut behind).unwrap();
    let found = found.unwrap();
    let (words, places) = (found.rows.column(1).as_string::<i32>(), found.rows.column(2).as_primitive::<Int32Type>());
    let kind = |row| ChangeKind::from_byte(found.kinds.as_ref().unwrap().value(row)).unwrap().short();
    let shown = |row: usize| match words.is_valid(row) {
        true => format!("{} {} {}", kind(row), words.value(row), places.value(row)),
        false => format!("{} NULL", kind(row)),
    };
    (0..found.num_rows()).map(shown).collect()
}

#[test]
fn its_rows_are_joined_to_theirs_with_their_changes() {
    assert_eq!(joined(", LATERAL TABLE(parts(s)) AS x (w, p)"), ["+I a 0", "+I b 1", "-D c 0"]);
    assert_eq!(joined("LEFT JOIN LATERAL TABLE(WORDS(s)) AS x (w, p) ON TRUE"), ["+I a 0", "+I b 1", "+I NULL", "-D c 0"]);
}
