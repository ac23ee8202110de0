//! What rows are ordered by, as bytes that compare as the rows do (Arrow's row format).

use crate::error::OperatorError;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::SortOptions;
use millrace_model::Schema;
use millrace_sql::plan::SortKey;

pub(super) struct SortBytes {
    columns: Vec<usize>,
    converter: RowConverter,
}

/// The sort keys of a batch.
pub(super) struct Sorted(Option<Rows>);

impl SortBytes {
    pub(super) fn new(order: &[SortKey], schema: &Schema) -> Result<Self, OperatorError> {
        let field = |key: &SortKey| {
            let options = SortOptions { descending: key.descending, nulls_first: !key.nulls_last };
            SortField::new_with_options(schema.fields()[key.column].data_type.to_arrow(), options)
        };
        let converter = RowConverter::new(order.iter().map(field).collect())?;
        Ok(Self { columns: order.iter().map(|key| key.column).collect(), converter })
    }

    pub(super) fn convert(&self, rows: &RecordBatch) -> Result<Sorted, OperatorError> {
        if self.columns.is_empty() {
            return Ok(Sorted(None));
        }
        let columns: Vec<ArrayRef> = self.columns.iter().map(|&c| rows.column(c).clone()).collect();
        Ok(Sorted(Some(self.converter.convert_columns(&columns)?)))
    }
}

impl Sorted {
    /// The sort key of row `row`; empty when there is no order.
    pub(super) fn get(&self, row: usize) -> &[u8] {
        self.0.as_ref().map_or(&[], |rows| rows.row(row).data())
    }
}
