//! The operator `native_filter`: the same kernel as the plugin `bench-filter`, without the sandbox around it.

use arrow_array::{
    Array, Float64Array, Int64Array, RecordBatch, StringArray,
    cast::AsArray,
    types::{Float64Type, Int64Type},
};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use millrace_bench_kernel::{Input, Text, process};
use millrace_engine::{
    OperatorError,
    operators::{Collector, Operator, OperatorContext, OperatorKind, PlanContext, PlannedTransform},
};
use millrace_model::{
    Batch, DataType, Field, Schema,
    graph::{GraphError, Node},
};
use std::sync::Arc;

/// Registers as `native_filter`.
pub struct NativeFilterKind;

#[async_trait]
impl OperatorKind for NativeFilterKind {
    fn kind(&self) -> &'static str {
        "native_filter"
    }

    async fn plan(&self, node: &Node, _input: &Schema, _context: &PlanContext<'_>) -> Result<PlannedTransform, Vec<GraphError>> {
        let fields = [("id", DataType::BigInt), ("usr", DataType::String), ("item", DataType::String), ("amt", DataType::Double)];
        let fields = fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, false)).collect();
        let output = Schema::new(fields).map_err(|e| vec![GraphError::in_node(&node.id, "bench", e.to_string())])?;
        Ok(PlannedTransform { output, key_fields: None, settings: Arc::new(()), pins: serde_json::Value::Null })
    }

    async fn open(&self, context: OperatorContext) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(NativeFilter { output: context.planned.output.to_arrow() }))
    }
}

struct NativeFilter {
    output: SchemaRef,
}

#[async_trait]
impl Operator for NativeFilter {
    async fn process(&mut self, batch: Batch, _now_ms: i64, out: &mut Collector) -> Result<(), OperatorError> {
        let rows = filter(&batch.rows, &self.output)?;
        out.emit(Batch { rows, kinds: None, origin: batch.origin });
        Ok(())
    }
}

/// Columns of the corpus by position: id, usr, item, action, amount, region, ts.
fn filter(rows: &RecordBatch, output: &SchemaRef) -> Result<RecordBatch, OperatorError> {
    let text = |column: usize| {
        let array = rows.column(column).as_string::<i32>();
        Text { offsets: array.value_offsets(), data: array.value_data() }
    };
    let validity = [0, 1, 2, 3, 4].map(|c: usize| rows.column(c).nulls().map(|n| n.validity()));
    let found = process(&Input {
        id: rows.column(0).as_primitive::<Int64Type>().values(),
        usr: text(1),
        item: text(2),
        action: text(3),
        amount: rows.column(4).as_primitive::<Float64Type>().values(),
        validity,
    });
    let strings = |(offsets, data): (Vec<i32>, Vec<u8>)| {
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(data), None)
    };
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(Int64Array::from(found.id)),
        Arc::new(strings(found.usr)?),
        Arc::new(strings(found.item)?),
        Arc::new(Float64Array::from(found.amt)),
    ];
    Ok(RecordBatch::try_new(output.clone(), columns)?)
}
