//! `host`: log, parameters, packed files, counters, rejected rows, the seed of random numbers.

use super::{GuestState, charge, read, read_cut};
use crate::context::RejectPolicy;
use crate::log::{LogLevel, cut};
use std::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, WasmStr};

pub fn link(host: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    host.func_wrap("log", |store: StoreContextMut<'_, GuestState>, (level, message): (LogLevel, WasmStr)| log(store, level, &message))?;
    host.func_wrap("parameter", |mut store: StoreContextMut<'_, GuestState>, (name,): (WasmStr,)| {
        let name = read(&mut store, &name)?;
        let value = store.data().parameters.get(&name).cloned();
        charge(&mut store, value.as_ref().map_or(0, String::len))?;
        Ok((value,))
    })?;
    host.func_wrap("packed-file", |mut store: StoreContextMut<'_, GuestState>, (name,): (WasmStr,)| {
        let name = read(&mut store, &name)?;
        let content = store.data().packed.get(&name).map(|content| content.to_vec());
        charge(&mut store, content.as_ref().map_or(0, Vec::len))?;
        Ok((content,))
    })?;
    host.func_wrap("counter-add", |mut store: StoreContextMut<'_, GuestState>, (name, delta): (WasmStr, u64)| {
        let name = read(&mut store, &name)?;
        let state = store.data_mut();
        state.counters.add(&name, delta, &state.limits);
        Ok(())
    })?;
    host.func_wrap("reject-row", |store: StoreContextMut<'_, GuestState>, (row, message): (u32, WasmStr)| {
        Ok((reject_row(store, row, &message)?,))
    })?;
    host.func_wrap("random-seed", |mut store: StoreContextMut<'_, GuestState>, (): ()| {
        charge(&mut store, 0)?;
        Ok((store.data().seed,))
    })
}

fn log(mut store: StoreContextMut<'_, GuestState>, level: LogLevel, message: &WasmStr) -> wasmtime::Result<()> {
    charge(&mut store, 0)?;
    // The rate is looked at first: a dropped line is not even read.
    let Some(dropped) = store.data_mut().log_rate.pass(Instant::now()) else {
        return Ok(());
    };
    let bytes = message.to_str(&store)?.len();
    charge(&mut store, bytes)?;
    let state = store.data();
    let (log, bytes_max) = (state.log.clone(), state.limits.log_line_bytes_max);
    if dropped > 0 {
        log.dropped(dropped);
    }
    log.line(level, &cut(&message.to_str(&store)?, bytes_max));
    Ok(())
}

/// Answers whether to go on with the other rows.
fn reject_row(mut store: StoreContextMut<'_, GuestState>, row: u32, message: &WasmStr) -> wasmtime::Result<bool> {
    let bytes_max = store.data().limits.message_bytes_max;
    let message = read_cut(&mut store, message, bytes_max)?;
    let state = store.data_mut();
    if !state.rejections.has(row) {
        let rows = state.rejections.rows_of_batch();
        return Err(wasmtime::format_err!("rejected row {row} of a batch with {rows} rows"));
    }
    match state.context.on_reject {
        RejectPolicy::Fail => Ok(false),
        RejectPolicy::SetAside => {
            state.rejections.add(row, &message);
            Ok(true)
        }
    }
}
