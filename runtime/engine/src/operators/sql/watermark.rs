//! The watermark of a declared table, worked out from the source's own rows.

use arrow_array::{Array, Int64Array, RecordBatch, cast::AsArray, types::TimestampMillisecondType};
use millrace_connector::{ConnectorError, RowWatermarks};
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};

/// `WATERMARK FOR … AS expression` over the columns that the source reads.
pub(crate) struct DeclaredWatermark {
    pub expr: Expr,
    pub context: EvaluationContext,
}

impl RowWatermarks for DeclaredWatermark {
    fn watermarks_ms(&self, rows: &RecordBatch) -> Result<Int64Array, ConnectorError> {
        let failed = |message: String| ConnectorError::BadRecord(format!("the watermark cannot be computed: {message}"));
        let value = evaluate(&self.expr, rows, &self.context).map_err(|e| failed(e.to_string()))?;
        let array = value.to_array(rows.num_rows()).map_err(|e| failed(e.to_string()))?;
        let times = array.as_primitive_opt::<TimestampMillisecondType>();
        let times = times.ok_or_else(|| ConnectorError::Internal(format!("a watermark of {}", array.data_type())))?;
        Ok(Int64Array::new(times.values().clone(), times.nulls().cloned()))
    }
}
