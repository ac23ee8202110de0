//! `files`: granted folders. The work is done on threads that may block.

use super::{GuestState, charge_outside, read, read_cut};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, WasmStr};

/// A longer path is over-long for the folder too.
const PATH_BYTES_KEPT: usize = 4096;

#[derive(ComponentType, Lower)]
#[component(record)]
struct Entry {
    #[component(name = "name")]
    name: String,
    #[component(name = "is-folder")]
    is_folder: bool,
    #[component(name = "size-bytes")]
    size_bytes: u64,
}

type Store<'a> = StoreContextMut<'a, GuestState>;
type Answer<T> = wasmtime::Result<(Result<T, String>,)>;

pub fn link(files: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    files.func_wrap_async("list", |store: Store<'_>, (folder, path): (WasmStr, WasmStr)| Box::new(list(store, folder, path)))?;
    files.func_wrap_async("read", |store: Store<'_>, (folder, path, offset, bytes_max): (WasmStr, WasmStr, u64, u32)| {
        Box::new(read_file(store, folder, path, offset, bytes_max))
    })?;
    files.func_wrap_async("write", |store: Store<'_>, (folder, path, content): (WasmStr, WasmStr, Vec<u8>)| {
        Box::new(put(store, folder, path, content, false))
    })?;
    files.func_wrap_async("append", |store: Store<'_>, (folder, path, content): (WasmStr, WasmStr, Vec<u8>)| {
        Box::new(put(store, folder, path, content, true))
    })?;
    files.func_wrap_async("rename", |store: Store<'_>, (folder, from, to): (WasmStr, WasmStr, WasmStr)| {
        Box::new(rename(store, folder, from, to))
    })?;
    files.func_wrap_async("remove", |store: Store<'_>, (folder, path): (WasmStr, WasmStr)| Box::new(remove(store, folder, path)))
}

async fn list(mut store: Store<'_>, folder: WasmStr, path: WasmStr) -> Answer<Vec<Entry>> {
    let (folder, path) = names(&mut store, &folder, &path)?;
    let capabilities = store.data().context.capabilities.clone();
    let entries = capabilities.files(&folder, false, move |folder| folder.list(&path)).await;
    let entries = entries.map(|entries| {
        let entry = |e: crate::capabilities::FileEntry| Entry { name: e.name, is_folder: e.is_folder, size_bytes: e.size_bytes };
        entries.into_iter().map(entry).collect::<Vec<_>>()
    });
    let bytes = entries.as_ref().map_or(0, |entries| entries.iter().map(|e| e.name.len() + 64).sum());
    charge_outside(&mut store, bytes)?;
    Ok((entries,))
}

async fn read_file(mut store: Store<'_>, folder: WasmStr, path: WasmStr, offset: u64, bytes_max: u32) -> Answer<Vec<u8>> {
    let (folder, path) = names(&mut store, &folder, &path)?;
    let capabilities = store.data().context.capabilities.clone();
    let bytes = capabilities.files(&folder, false, move |folder| folder.read(&path, offset, bytes_max)).await;
    charge_outside(&mut store, bytes.as_ref().map_or(0, Vec::len))?;
    Ok((bytes,))
}

async fn put(mut store: Store<'_>, folder: WasmStr, path: WasmStr, content: Vec<u8>, append: bool) -> Answer<()> {
    let (folder, path) = names(&mut store, &folder, &path)?;
    charge_outside(&mut store, content.len())?;
    let capabilities = store.data().context.capabilities.clone();
    let work =
        move |folder: &crate::capabilities::Folder| if append { folder.append(&path, &content) } else { folder.write(&path, &content) };
    Ok((capabilities.files(&folder, true, work).await,))
}

async fn rename(mut store: Store<'_>, folder: WasmStr, from: WasmStr, to: WasmStr) -> Answer<()> {
    let (folder, from) = names(&mut store, &folder, &from)?;
    let to = read_cut(&mut store, &to, PATH_BYTES_KEPT)?;
    charge_outside(&mut store, 0)?;
    let capabilities = store.data().context.capabilities.clone();
    Ok((capabilities.files(&folder, true, move |folder| folder.rename(&from, &to)).await,))
}

async fn remove(mut store: Store<'_>, folder: WasmStr, path: WasmStr) -> Answer<()> {
    let (folder, path) = names(&mut store, &folder, &path)?;
    charge_outside(&mut store, 0)?;
    let capabilities = store.data().context.capabilities.clone();
    Ok((capabilities.files(&folder, true, move |folder| folder.remove(&path)).await,))
}

fn names(store: &mut Store<'_>, folder: &WasmStr, path: &WasmStr) -> wasmtime::Result<(String, String)> {
    Ok((read(store, folder)?, read_cut(store, path, PATH_BYTES_KEPT)?))
}
