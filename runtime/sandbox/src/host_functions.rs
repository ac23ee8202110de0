//! What a guest can call: `millrace:plugin/host@0.1.0`, and nothing else.
//!
//! Invariant: every call costs fuel in proportion to the bytes it makes the host touch, so that a flood of host calls
//! ends like any other loop; strings are read in place and cut before they are copied.

use crate::bindings::{BatchParam, BatchResult};
use crate::cage::Cage;
use crate::limits::OperatorLimits;
use crate::log::{Counters, GuestLog, LogLevel, LogRate, cut};
use crate::packed::PackedFiles;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

/// Full name of the contract's package; components made for another version are refused at admission.
pub const PLUGIN_PACKAGE: &str = "millrace:plugin";
/// The version of the contract that this server runs.
pub const WIT_VERSION: &str = "0.1.0";

/// Fuel of a host call beside one unit per byte: about what entering and leaving the host costs.
const HOST_CALL_FUEL: u64 = 500;

/// The state of one store.
pub struct GuestState {
    pub cage: Cage,
    pub limits: OperatorLimits,
    pub parameters: Arc<BTreeMap<String, String>>,
    pub packed: Arc<PackedFiles>,
    pub log: Arc<dyn GuestLog>,
    pub log_rate: LogRate,
    pub counters: Counters,
}

/// Links the host's functions.
///
/// # Errors
/// None, unless two functions had the same name.
pub fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance("millrace:plugin/types@0.1.0")?;
    linker.instance("millrace:plugin/signatures@0.1.0")?;
    let mut host = linker.instance("millrace:plugin/host@0.1.0")?;
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
    host.func_wrap("dimension-lookup", |mut store: StoreContextMut<'_, GuestState>, (table, _keys): (WasmStr, BatchResult)| {
        let table = read(&mut store, &table)?;
        let answer: Result<BatchParam<'static>, String> = Err(format!("the job declares no dimension table `{table}`"));
        Ok((answer,))
    })?;
    Ok(())
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

/// A name that the guest passed, cut to a little more than the limit on names so that an over-long one stays over-long.
fn read(store: &mut StoreContextMut<'_, GuestState>, text: &WasmStr) -> wasmtime::Result<String> {
    let bytes_max = store.data().limits.name_bytes_max;
    let (bytes, kept) = {
        let text = text.to_str(&*store)?;
        (text.len(), cut(&text, bytes_max).into_owned())
    };
    charge(store, bytes)?;
    Ok(kept)
}

fn charge(store: &mut StoreContextMut<'_, GuestState>, bytes: usize) -> wasmtime::Result<()> {
    match store.get_fuel()?.checked_sub(HOST_CALL_FUEL + bytes as u64) {
        Some(left) => store.set_fuel(left),
        None => Err(wasmtime::Trap::OutOfFuel.into()),
    }
}
