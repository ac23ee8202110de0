//! Machine code on disk, under a MAC.
//!
//! Invariant: no byte of a cache file reaches `Component::deserialize` unless its MAC under this server's key is right
//! for this component, this engine and this wasmtime: machine code is executed as it is, so a forged file would be the
//! whole server. Files are reached through a directory handle, so no name can lead outside the folder.

use crate::machine::WASMTIME_VERSION;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const DOMAIN: &[u8] = b"millrace machine code 1";
const MAC_BYTES: usize = 32;

/// The folder and the key.
pub struct CodeCache {
    dir: Dir,
    key: [u8; 32],
    fingerprint: String,
    written: AtomicU64,
}

impl CodeCache {
    /// Opens (or makes) the folder.
    ///
    /// # Errors
    /// The folder cannot be made or opened.
    pub fn open(path: &Path, key: [u8; 32], fingerprint: String) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { dir, key, fingerprint, written: AtomicU64::new(0) })
    }

    /// The machine code of a component; `None` when there is none that can be trusted.
    ///
    /// # Errors
    /// The disk failed. A missing, cut, foreign or forged file is not an error: it is removed and compiled again.
    pub fn read(&self, content_hash: &str) -> io::Result<Option<Vec<u8>>> {
        let name = self.file_name(content_hash)?;
        let mut file = match self.dir.open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let trusted = bytes
            .split_at_checked(MAC_BYTES)
            .filter(|(mac, code)| self.mac(content_hash, code).is_some_and(|expected| expected.verify_slice(mac).is_ok()));
        if trusted.is_none() {
            tracing::warn!(file = name, "machine code in the cache has a wrong MAC; it is removed and compiled again");
            self.dir.remove_file(&name)?;
            return Ok(None);
        }
        bytes.drain(..MAC_BYTES);
        Ok(Some(bytes))
    }

    /// Stores machine code: a new file beside, then renamed, so that a reader never sees half of one.
    ///
    /// # Errors
    /// The disk failed; nothing is left behind.
    pub fn write(&self, content_hash: &str, code: &[u8]) -> io::Result<()> {
        let name = self.file_name(content_hash)?;
        let mac = self.mac(content_hash, code).ok_or_else(|| io::Error::other("the MAC key is unusable"))?;
        let number = self.written.fetch_add(1, Relaxed);
        let temporary = format!("{name}.{}.{number}.part", std::process::id());
        let stored =
            self.store(&temporary, &mac.finalize().into_bytes(), code).and_then(|()| self.dir.rename(&temporary, &self.dir, &name));
        if stored.is_err() {
            let _ = self.dir.remove_file(&temporary);
        }
        stored
    }

    fn store(&self, name: &str, mac: &[u8], code: &[u8]) -> io::Result<()> {
        let mut file = self.dir.open_with(name, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(mac)?;
        file.write_all(code)?;
        file.sync_all()
    }

    fn mac(&self, content_hash: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        // Each part is preceded by its length, so that no two different sets of parts read the same.
        for part in [DOMAIN, content_hash.as_bytes(), self.fingerprint.as_bytes(), WASMTIME_VERSION.as_bytes(), code] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        Some(mac)
    }

    fn file_name(&self, content_hash: &str) -> io::Result<String> {
        if content_hash.len() != 64 || !content_hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a content hash is 64 hex digits"));
        }
        Ok(format!("{content_hash}-{}.code", self.fingerprint.get(..16).unwrap_or_default()))
    }
}
