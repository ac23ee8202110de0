//! `host`: look-ups in the job's dimension tables.
//!
//! Invariant: keys are checked against the table's key columns before anything looks at them, like every answer of a guest.

use super::{GuestState, charge, charge_outside, read};
use crate::bindings::{BatchResult, SchemaResult};
use crate::convert::{OutputLimits, SchemaForGuest, batch_for_lowering, batch_from_guest, schema_for_lowering};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, WasmStr};

#[derive(ComponentType, Lower)]
#[component(record)]
struct Columns {
    #[component(name = "key")]
    key: SchemaResult,
    #[component(name = "value")]
    value: SchemaResult,
}

pub fn link(host: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    host.func_wrap("dimension-schema", |mut store: StoreContextMut<'_, GuestState>, (table,): (WasmStr,)| {
        let table = read(&mut store, &table)?;
        charge(&mut store, 0)?;
        Ok((columns(&store, &table),))
    })?;
    host.func_wrap_async("dimension-lookup", |mut store: StoreContextMut<'_, GuestState>, (table, keys): (WasmStr, BatchResult)| {
        Box::new(async move {
            let table = read(&mut store, &table)?;
            Ok((lookup(&mut store, &table, keys).await?,))
        })
    })
}

fn columns(store: &StoreContextMut<'_, GuestState>, table: &str) -> Result<Columns, String> {
    let columns = store.data().context.dimensions.columns(table)?;
    let schema = |schema| schema_for_lowering(schema).map_err(|e| format!("dimension table `{table}`: {}", e.message));
    Ok(Columns { key: schema(&columns.key)?, value: schema(&columns.value)? })
}

async fn lookup(
    store: &mut StoreContextMut<'_, GuestState>,
    table: &str,
    keys: BatchResult,
) -> wasmtime::Result<Result<BatchResult, String>> {
    // What the keys weigh was counted when they were passed; a look-up costs by the row, found or not.
    charge_outside(store, keys.rows as usize)?;
    let state = store.data();
    let (dimensions, limits) = (state.context.dimensions.clone(), &state.limits);
    let bounds = OutputLimits { rows_max: limits.rows_max, output_bytes_max: limits.output_bytes_max };
    let rows = async {
        let columns = dimensions.columns(table)?;
        let wrong = |e: crate::convert::Invalid| format!("keys of dimension table `{table}`: {}", e.message);
        let flat = SchemaForGuest::new(&columns.key).map_err(wrong)?.fields().len();
        let (keys, _) = batch_from_guest(keys, &columns.key.to_arrow(), flat, bounds).map_err(wrong)?;
        dimensions.lookup(table, keys).await
    }
    .await;
    let answer = rows.and_then(|rows| Ok((rows.get_array_memory_size(), batch_for_lowering(&rows)?)));
    match answer {
        Ok((bytes, batch)) => {
            charge(store, bytes)?;
            Ok(Ok(batch))
        }
        Err(reason) => Ok(Err(reason)),
    }
}
