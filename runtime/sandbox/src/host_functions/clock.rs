//! `clock`: the time, where it is granted. Without it the same rows give the same answers whenever they are processed.

use super::{GuestState, charge};
use std::time::{SystemTime, UNIX_EPOCH};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

pub fn link(clock: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    clock.func_wrap("now-ms", |mut store: StoreContextMut<'_, GuestState>, (): ()| {
        charge(&mut store, 0)?;
        let now = store.data().context.capabilities.clock().map(|()| {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
        });
        Ok((now,))
    })
}
