//! Key files of the data folder: made at the first start, readable by the owner only.
//!
//! `mac.key` signs cached machine code, `secrets.key` encrypts credentials at rest, `admin.token` lets the command line
//! of the same machine in. Invariant: a key never appears in a log line or an error.

use anyhow::{Context, bail};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Time between two tries to lock the folder.
const POLL: Duration = Duration::from_millis(20);

/// A key of 256 bits.
pub(crate) type Key = [u8; 32];

/// An opened data folder. Holds its lock, so that two servers never share one.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: fs::File,
}

impl DataDir {
    /// Opens the folder, making it (mode 0700) if it is not there. Waits for `patience` while another server uses it: one
    /// that was just killed holds its files until the kernel has taken it apart.
    ///
    /// # Errors
    /// The folder cannot be made, or another server goes on using it.
    pub(crate) fn open(path: &Path, patience: Duration) -> anyhow::Result<Self> {
        // Whatever this process writes from now on (metadata, state, the broker's log) is the owner's only.
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let builder = || fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        builder().with_context(|| format!("cannot make the data folder {}", path.display()))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.with_context(|| format!("cannot open the lock of the data folder {}", path.display()))?;
        let deadline = Instant::now() + patience;
        while let Err(error) = lock.try_lock() {
            match error {
                fs::TryLockError::WouldBlock if Instant::now() < deadline => std::thread::sleep(POLL),
                fs::TryLockError::WouldBlock => {
                    bail!("another server uses the data folder {}; stop it or choose another --data-dir", path.display())
                }
                fs::TryLockError::Error(error) => bail!("cannot lock the data folder {}: {error}", path.display()),
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A file or folder below.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The key in `name`, made of fresh randomness when the file is not there.
    ///
    /// # Errors
    /// The file cannot be read or made, does not hold 64 hex digits, or others may read it.
    pub(crate) fn key(&self, name: &str) -> anyhow::Result<Key> {
        let text = self.secret(name, || hex::encode(rand::random::<Key>()))?;
        let mut key = Key::default();
        match hex::decode_to_slice(&text, &mut key) {
            Ok(()) => Ok(key),
            Err(_) => bail!("{} does not hold a key of 64 hex digits", self.join(name).display()),
        }
    }

    /// The text in `name`, made by `make` when the file is not there.
    ///
    /// # Errors
    /// The file cannot be read or made, or others may read it.
    pub(crate) fn secret(&self, name: &str, make: impl FnOnce() -> String) -> anyhow::Result<String> {
        if let Some(text) = self.read_secret(name)? {
            return Ok(text);
        }
        let text = make();
        self.write_secret(name, &text)?;
        Ok(text)
    }

    /// The text in `name`, absent when there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, or others may read it.
    pub(crate) fn read_secret(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!("{} has mode {mode:o}, so others can read it; expected 600 (chmod 600)", path.display());
        }
        Ok(Some(text.trim().to_owned()))
    }

    /// Writes `text` to `name` with mode 0600; the file appears whole or not at all.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn write_secret(&self, name: &str, text: &str) -> anyhow::Result<()> {
        write_private(&self.join(name), text)
    }
}

/// Writes `text` to the file `path` with mode 0600; it appears whole or not at all, and stays.
///
/// # Errors
/// The file cannot be made.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let half = path.with_added_extension("new");
    let write = || {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&half)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&half, path)?;
        // The name must not be lost either.
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let data = DataDir::open(&path, Duration::ZERO).unwrap();
        let key = data.key("mac.key").unwrap();
        assert_eq!(data.key("mac.key").unwrap(), key);
        assert_ne!(data.key("secrets.key").unwrap(), key);
        assert_eq!(fs::metadata(path.join("mac.key")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(path.join("mac.key"), fs::Permissions::from_mode(0o644)).unwrap();
        let error = data.key("mac.key").unwrap_err().to_string();
        assert!(error.contains("mode 644"), "{error}");
        assert!(!error.contains(&hex::encode(key)), "{error}");
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path(), Duration::ZERO).unwrap();
        data.write_secret("mac.key", "abc").unwrap();
        let error = data.key("mac.key").unwrap_err().to_string();
        assert!(error.contains("64 hex digits"), "{error}");
        assert_eq!(data.read_secret("mac.key").unwrap().as_deref(), Some("abc"));
    }

    #[test]
    fn two_servers_never_share_a_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path(), Duration::ZERO).unwrap();
        let error = DataDir::open(folder.path(), Duration::ZERO).err().unwrap().to_string();
        assert!(error.contains("another server uses the data folder"), "{error}");
        drop(first);
        assert!(DataDir::open(folder.path(), Duration::ZERO).is_ok());
    }
}
