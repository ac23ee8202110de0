//! Batches and schemas that a host function answers: owned, because wasmtime lowers them after the call.

use super::{BatchForGuest, Invalid, SchemaForGuest};
use crate::bindings::{
    BatchResult, ColumnDataParam, ColumnDataResult, ColumnResult, FieldResult, SchemaResult, Utf8DataParam, Utf8DataResult,
};
use arrow_array::RecordBatch;
use millrace_model::Schema;

/// Copies a batch into the contract's lists.
///
/// # Errors
/// A column of a type that the contract does not have.
pub(crate) fn batch_for_lowering(rows: &RecordBatch) -> Result<BatchResult, String> {
    let flat = BatchForGuest::new(rows, None)?;
    let columns = flat.columns();
    let columns = columns.iter().map(|column| ColumnResult { data: data(&column.data), validity: column.validity.map(<[u8]>::to_vec) });
    Ok(BatchResult { rows: flat.param(&[]).rows, kinds: None, columns: columns.collect() })
}

/// Flattens a schema into the contract's list.
///
/// # Errors
/// A type that the contract does not have.
pub(crate) fn schema_for_lowering(schema: &Schema) -> Result<SchemaResult, Invalid> {
    let flat = SchemaForGuest::new(schema)?;
    let field = |field: &crate::bindings::FieldParam<'_>| FieldResult {
        name: field.name.to_owned(),
        data_type: field.data_type,
        nullable: field.nullable,
        children: field.children,
    };
    Ok(SchemaResult { fields: flat.fields().iter().map(field).collect() })
}

fn data(data: &ColumnDataParam<'_>) -> ColumnDataResult {
    use ColumnDataParam as P;
    use ColumnDataResult as R;
    let var_len = |d: &Utf8DataParam<'_>| Utf8DataResult { offsets: d.offsets.to_vec(), data: d.data.to_vec() };
    match data {
        P::Bools(v) => R::Bools(v.to_vec()),
        P::I8s(v) => R::I8s(v.to_vec()),
        P::I16s(v) => R::I16s(v.to_vec()),
        P::I32s(v) => R::I32s(v.to_vec()),
        P::I64s(v) => R::I64s(v.to_vec()),
        P::F32s(v) => R::F32s(v.to_vec()),
        P::F64s(v) => R::F64s(v.to_vec()),
        P::I128s(v) => R::I128s(v.to_vec()),
        P::Utf8(v) => R::Utf8(var_len(v)),
        P::Bytes(v) => R::Bytes(var_len(v)),
        P::Offsets(v) => R::Offsets(v.to_vec()),
        P::None => R::None,
    }
}
