//! What a guest can call: the interfaces that the contract lets it import, one file each, and nothing else.
//!
//! Invariant: every call costs fuel in proportion to the bytes it makes the host touch, so that a flood of host calls
//! ends like any other loop; what a guest passes is cut or bounded before it is kept; what is not granted answers an error
//! that says so. Calls that wait give way to other guests, and the deadline of the call into the guest ends them.

mod clock;
mod dimensions;
mod files;
mod host;
mod http;
mod secrets;

use crate::cage::Cage;
use crate::context::{GuestContext, Rejections};
use crate::limits::OperatorLimits;
use crate::log::{Counters, GuestLog, LogRate, cut};
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
/// Fuel of a call that leaves the process or reaches a disk, beside the above.
const OUTSIDE_CALL_FUEL: u64 = 50_000;

/// The state of one store.
pub struct GuestState {
    pub cage: Cage,
    pub limits: OperatorLimits,
    pub parameters: Arc<BTreeMap<String, String>>,
    pub packed: Arc<PackedFiles>,
    pub log: Arc<dyn GuestLog>,
    pub log_rate: LogRate,
    pub counters: Counters,
    pub context: GuestContext,
    /// What `random-seed` answers.
    pub seed: u64,
    /// Rows of the batch in hand that were rejected.
    pub rejections: Rejections,
    /// When the call under way is ended.
    pub deadline: Instant,
}

/// Links the host's functions.
///
/// # Errors
/// None, unless two functions had the same name.
pub fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance("millrace:plugin/types@0.1.0")?;
    linker.instance("millrace:plugin/signatures@0.1.0")?;
    let mut host = linker.instance("millrace:plugin/host@0.1.0")?;
    host::link(&mut host)?;
    dimensions::link(&mut host)?;
    clock::link(&mut linker.instance("millrace:plugin/clock@0.1.0")?)?;
    http::link(&mut linker.instance("millrace:plugin/http@0.1.0")?)?;
    secrets::link(&mut linker.instance("millrace:plugin/secrets@0.1.0")?)?;
    files::link(&mut linker.instance("millrace:plugin/files@0.1.0")?)
}

/// A name that the guest passed, cut to a little more than the limit on names so that an over-long one stays over-long.
fn read(store: &mut StoreContextMut<'_, GuestState>, text: &WasmStr) -> wasmtime::Result<String> {
    let bytes_max = store.data().limits.name_bytes_max;
    read_cut(store, text, bytes_max)
}

/// A text that the guest passed, cut.
fn read_cut(store: &mut StoreContextMut<'_, GuestState>, text: &WasmStr, bytes_max: usize) -> wasmtime::Result<String> {
    let (bytes, kept) = {
        let text = text.to_str(&*store)?;
        (text.len(), cut(&text, bytes_max).into_owned())
    };
    charge(store, bytes)?;
    Ok(kept)
}

fn charge(store: &mut StoreContextMut<'_, GuestState>, bytes: usize) -> wasmtime::Result<()> {
    charge_fuel(store, HOST_CALL_FUEL + bytes as u64)
}

/// For calls that leave the process or reach a disk.
fn charge_outside(store: &mut StoreContextMut<'_, GuestState>, bytes: usize) -> wasmtime::Result<()> {
    charge_fuel(store, OUTSIDE_CALL_FUEL + bytes as u64)
}

fn charge_fuel(store: &mut StoreContextMut<'_, GuestState>, fuel: u64) -> wasmtime::Result<()> {
    match store.get_fuel()?.checked_sub(fuel) {
        Some(left) => store.set_fuel(left),
        None => Err(wasmtime::Trap::OutOfFuel.into()),
    }
}
