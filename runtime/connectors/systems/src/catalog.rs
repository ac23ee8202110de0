//! Tables of databases that say themselves what their columns are.

use crate::fields::failed;
use millrace_connector::{ColumnEvidence, ConnectivityFailure as Failure, SampleLimits, SampledTable, Unreachable};
use millrace_model::{DataType, Field, Schema};
use serde_json::{Map, Value};

/// Columns of one table.
pub(crate) const COLUMNS_MAX: usize = 1_000;
/// Rows that are shown.
pub(crate) const PREVIEW_ROWS: usize = 10;

/// A column as the database describes it.
pub(crate) struct CatalogColumn {
    pub(crate) name: String,
    /// In the database's words.
    pub(crate) native_type: String,
    /// `None`: no type of ours holds it.
    pub(crate) data_type: Option<DataType>,
    pub(crate) nullable: bool,
    pub(crate) comment: String,
    pub(crate) in_key: bool,
}

/// A decimal, if it fits; without a precision the widest.
pub(crate) fn decimal(precision: Option<u32>, scale: Option<u32>) -> Option<DataType> {
    let (precision, scale) = (precision.unwrap_or(38), scale.unwrap_or(if precision.is_some() { 0 } else { 18 }));
    let fits = (1..=38).contains(&precision) && scale <= precision;
    fits.then_some(DataType::Decimal { precision: precision as u8, scale: scale as u8 })
}

pub(crate) fn sampled(
    columns: Vec<CatalogColumn>,
    rows: Vec<Vec<Option<String>>>,
    limits: &SampleLimits,
) -> Result<SampledTable, Unreachable> {
    let mut notes = Vec::new();
    let mut columns = columns;
    if columns.len() > COLUMNS_MAX {
        notes.push(format!("the table has more than {COLUMNS_MAX} columns; the first are here"));
        columns.truncate(COLUMNS_MAX);
    }
    let key: Vec<&str> = columns.iter().filter(|c| c.in_key).map(|c| c.name.as_str()).collect();
    if !key.is_empty() {
        notes.push(format!("primary key: {}", key.join(", ")));
    }
    let (mut fields, mut evidence) = (Vec::new(), Vec::new());
    for column in &columns {
        if column.data_type.is_none() {
            notes.push(format!("column `{}` is {}, which is read as STRING", column.name, column.native_type));
        }
        let data_type = column.data_type.clone().unwrap_or(DataType::String);
        let comment = (!column.comment.is_empty()).then(|| column.comment.clone());
        fields.push(Field { comment, ..Field::new(column.name.clone(), data_type, column.nullable) });
        evidence.push(ColumnEvidence {
            column: column.name.clone(),
            rows_present: 0,
            rows_agreeing: 0,
            confidence: 1.0,
            note: Some(column.native_type.clone()),
        });
    }
    let schema = Schema::new(fields).map_err(|e| failed(Failure::Protocol, format!("the table's columns cannot be used: {e}")))?;
    let mut bytes = 0;
    let shown = rows.into_iter().take(limits.rows_max.min(PREVIEW_ROWS)).map(|row| {
        let cells = columns.iter().zip(row).map(|(c, v)| (c.name.clone(), v.map_or(Value::Null, Value::String)));
        Value::Object(cells.collect::<Map<_, _>>())
    });
    let rows = shown.take_while(|row| {
        bytes += row.to_string().len();
        bytes <= limits.bytes_max
    });
    Ok(SampledTable { schema, evidence, format: None, origin: "catalog", rows_seen: 0, rows_unreadable: 0, rows: rows.collect(), notes })
}
