//! `secrets`: values by name, where they are granted.

use super::{GuestState, charge, read};
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, WasmStr};

pub fn link(secrets: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    secrets.func_wrap("get", |mut store: StoreContextMut<'_, GuestState>, (name,): (WasmStr,)| {
        let name = read(&mut store, &name)?;
        let value = store.data().context.capabilities.secret(&name).map(|secret| secret.expose().to_owned());
        charge(&mut store, value.as_ref().map_or(0, String::len))?;
        Ok((value,))
    })
}
