//! Answers of SQL functions → Arrow, checked against the call and the signature.

use super::{Invalid, OutputLimits, batch_from_guest, buffers};
use crate::bindings::{BatchResult, Utf8DataResult, table::TableRows};
use arrow_array::{ArrayRef, BinaryArray};
use arrow_schema::SchemaRef;

/// The only column of an answer, as long as `rows`.
pub(crate) fn column_from_guest(
    answer: BatchResult,
    rows: usize,
    schema: &SchemaRef,
    columns_expected: usize,
    limits: OutputLimits,
) -> Result<ArrayRef, Invalid> {
    let found = answer.rows;
    if usize::try_from(found) != Ok(rows) {
        return Err(Invalid::new(format!("{found} results, expected {rows}")));
    }
    // The batch may be longer than answers of other kinds: its length is the host's own.
    let limits = OutputLimits { rows_max: limits.rows_max.max(rows), ..limits };
    let columns = plain_columns(answer, schema, columns_expected, limits)?;
    columns.into_iter().next().ok_or_else(|| Invalid::new("the result column is missing"))
}

/// Rows of a table function, and for each the row of the arguments that it belongs to.
pub(crate) fn rows_from_guest(
    answer: TableRows,
    rows: usize,
    schema: &SchemaRef,
    columns_expected: usize,
    limits: OutputLimits,
) -> Result<(Vec<u32>, Vec<ArrayRef>), Invalid> {
    let TableRows { input_rows, rows: made } = answer;
    if usize::try_from(made.rows) != Ok(input_rows.len()) {
        return Err(Invalid::new(format!("{} input rows for {} answered rows, expected one for each", input_rows.len(), made.rows)));
    }
    let falls = input_rows.iter().zip(input_rows.iter().skip(1)).fold(false, |falls, (a, b)| falls | (a > b));
    if falls {
        let row = input_rows.windows(2).position(|pair| matches!(pair, [a, b] if a > b)).unwrap_or_default();
        return Err(Invalid::at("input rows fall", row + 1));
    }
    if let Some(&last) = input_rows.last()
        && last as usize >= rows
    {
        let row = input_rows.partition_point(|input| (*input as usize) < rows);
        return Err(Invalid::at(format!("input row {last}, but the batch has {rows} rows"), row));
    }
    Ok((input_rows, plain_columns(made, schema, columns_expected, limits)?))
}

/// One state per group.
pub(crate) fn states_from_guest(answer: Utf8DataResult, groups: usize, limits: OutputLimits) -> Result<BinaryArray, Invalid> {
    let bytes = answer.data.len();
    if bytes > limits.output_bytes_max {
        return Err(Invalid::new(format!("states of {bytes} bytes, at most {} are allowed", limits.output_bytes_max)));
    }
    buffers::binary(answer.offsets, answer.data, groups, None)
        .map_err(|e| Invalid { message: format!("states: {}", e.message), row: e.row })
}

fn plain_columns(answer: BatchResult, schema: &SchemaRef, columns_expected: usize, limits: OutputLimits) -> Result<Vec<ArrayRef>, Invalid> {
    if answer.kinds.is_some() {
        return Err(Invalid::new("change kinds, which functions do not answer"));
    }
    let (rows, _) = batch_from_guest(answer, schema, columns_expected, limits)?;
    Ok(rows.columns().to_vec())
}
