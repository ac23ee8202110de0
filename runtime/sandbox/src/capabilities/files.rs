//! Folders of the server on behalf of guests.
//!
//! Invariant: every path is resolved within the folder's handle (cap-std), so that neither `..` nor a symbolic link leads
//! out of it; only plain files are read and written, so that no call waits for a pipe or a device.

use super::FolderGrant;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Entries of one listing.
const ENTRIES_MAX: usize = 10_000;
/// Bytes of one read.
const READ_BYTES_MAX: u32 = 16 << 20;
/// Bytes of a path.
const PATH_BYTES_MAX: usize = 1024;
/// What a file is called while it is being written; such names are not listed.
const PART_SUFFIX: &str = ".millrace-part";

/// An entry of a folder.
#[derive(Debug, PartialEq, Eq)]
pub struct FileEntry {
    pub name: String,
    pub is_folder: bool,
    pub size_bytes: u64,
}

/// The granted folders of one operator, opened when first used.
pub struct Folders {
    by_name: BTreeMap<String, (FolderGrant, OnceLock<Folder>)>,
}

/// An open folder.
pub struct Folder {
    name: String,
    dir: Dir,
    parts: AtomicU64,
}

impl Folders {
    pub fn new(grants: &BTreeMap<String, FolderGrant>) -> Self {
        Self { by_name: grants.iter().map(|(name, grant)| (name.clone(), (grant.clone(), OnceLock::new()))).collect() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// # Errors
    /// It may not be written, or the server cannot open it.
    pub fn open(&self, name: &str, write: bool) -> Result<&Folder, String> {
        let Some((grant, opened)) = self.by_name.get(name) else {
            return Err(format!("the folder \"{name}\" is not granted"));
        };
        if write && !grant.writable {
            return Err(format!("the folder \"{name}\" is granted for reading only; the platform administrator grants writing"));
        }
        if let Some(folder) = opened.get() {
            return Ok(folder);
        }
        // Where it lies on the server is none of the guest's business.
        let dir = Dir::open_ambient_dir(&grant.path, ambient_authority()).map_err(|e| {
            tracing::warn!(folder = name, path = %grant.path.display(), "a granted folder cannot be opened: {e}");
            format!("the server cannot open the folder \"{name}\": {}", e.kind())
        })?;
        Ok(opened.get_or_init(|| Folder { name: name.to_owned(), dir, parts: AtomicU64::new(0) }))
    }
}

impl Folder {
    pub fn list(&self, path: &str) -> Result<Vec<FileEntry>, String> {
        let place = if path.is_empty() { PathBuf::from(".") } else { self.path(path)? };
        let mut entries = Vec::new();
        for entry in self.dir.read_dir(place).map_err(|e| self.failed(path, &e))? {
            let entry = entry.map_err(|e| self.failed(path, &e))?;
            // A name that is not text cannot be asked for; a link is what lies behind it, if that is within the folder.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.ends_with(PART_SUFFIX) {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if entries.len() == ENTRIES_MAX {
                return Err(format!("{} has more than {ENTRIES_MAX} entries", self.shown(path)));
            }
            let is_folder = metadata.is_dir();
            entries.push(FileEntry { name, is_folder, size_bytes: if is_folder { 0 } else { metadata.len() } });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    pub fn read(&self, path: &str, offset: u64, bytes_max: u32) -> Result<Vec<u8>, String> {
        let place = self.plain(path)?;
        let mut file = self.dir.open(place).map_err(|e| self.failed(path, &e))?;
        let read = |file: &mut cap_std::fs::File| {
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(bytes_max.min(READ_BYTES_MAX).into()).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read(&mut file).map_err(|e| self.failed(path, &e))
    }

    /// A new file beside, then renamed: whole or not at all, and durable on return.
    pub fn write(&self, path: &str, content: &[u8]) -> Result<(), String> {
        let place = self.path(path)?;
        let number = self.parts.fetch_add(1, Relaxed);
        let mut part = place.clone().into_os_string();
        part.push(format!(".{}.{number}{PART_SUFFIX}", std::process::id()));
        let part = PathBuf::from(part);
        let write = || {
            self.make_parent(&place)?;
            let mut file = self.dir.open_with(&part, OpenOptions::new().write(true).create(true).truncate(true))?;
            file.write_all(content)?;
            file.sync_all()?;
            self.dir.rename(&part, &self.dir, &place)?;
            self.sync_parent(&place)
        };
        write().map_err(|e| {
            let _ = self.dir.remove_file(&part);
            self.failed(path, &e)
        })
    }

    /// Durable on return.
    pub fn append(&self, path: &str, content: &[u8]) -> Result<(), String> {
        let place = self.path(path)?;
        let append = || {
            self.make_parent(&place)?;
            let is_new = match self.dir.metadata(&place) {
                Ok(metadata) if metadata.is_file() => false,
                Ok(_) => return Err(io::Error::other("not a plain file")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(error) => return Err(error),
            };
            let mut file = self.dir.open_with(&place, OpenOptions::new().append(true).create(true))?;
            file.write_all(content)?;
            file.sync_data()?;
            if is_new { self.sync_parent(&place) } else { Ok(()) }
        };
        append().map_err(|e| self.failed(path, &e))
    }

    pub fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        let (source, target) = (self.path(from)?, self.path(to)?);
        let rename = || {
            self.make_parent(&target)?;
            self.dir.rename(&source, &self.dir, &target)?;
            self.sync_parent(&source)?;
            self.sync_parent(&target)
        };
        rename().map_err(|e| self.failed(from, &e))
    }

    /// Removes a file or an empty folder.
    pub fn remove(&self, path: &str) -> Result<(), String> {
        let place = self.path(path)?;
        let remove = || {
            if self.dir.symlink_metadata(&place)?.is_dir() {
                self.dir.remove_dir(&place)?;
            } else {
                self.dir.remove_file(&place)?;
            }
            self.sync_parent(&place)
        };
        remove().map_err(|e| self.failed(path, &e))
    }

    /// A path within the folder: names only. cap-std would hold `..` too; told here, the reason is clear.
    fn path(&self, path: &str) -> Result<PathBuf, String> {
        let wrong = |why: &str| Err(format!("the path `{}` {why}", crate::log::cut(path, 200)));
        if path.is_empty() || path.len() > PATH_BYTES_MAX {
            return wrong(&format!("has {} bytes, expected 1 to {PATH_BYTES_MAX}", path.len()));
        }
        if path.contains('\0') {
            return wrong("has a NUL character");
        }
        if path.ends_with(PART_SUFFIX) {
            return wrong("ends as a file does that is being written");
        }
        let path_ = Path::new(path);
        if path_.components().all(|part| matches!(part, Component::Normal(_))) {
            Ok(path_.to_owned())
        } else {
            wrong("leaves the folder or begins at a root; expected names separated by `/`")
        }
    }

    /// A path that leads to a plain file.
    fn plain(&self, path: &str) -> Result<PathBuf, String> {
        let place = self.path(path)?;
        let metadata = self.dir.metadata(&place).map_err(|e| self.failed(path, &e))?;
        if metadata.is_file() { Ok(place) } else { Err(format!("{} is not a plain file", self.shown(path))) }
    }

    fn make_parent(&self, path: &Path) -> io::Result<()> {
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => self.dir.create_dir_all(parent),
            None => Ok(()),
        }
    }

    /// Makes a new or removed name durable.
    fn sync_parent(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.dir.open(parent)?.sync_all()
    }

    fn shown(&self, path: &str) -> String {
        format!("`{}` in the folder \"{}\"", crate::log::cut(path, 200), self.name)
    }

    /// The kind of an error says enough; its text could name places outside.
    fn failed(&self, path: &str, error: &io::Error) -> String {
        let why = match error.kind() {
            io::ErrorKind::PermissionDenied => "it leads out of the folder, or the server may not use it".to_owned(),
            io::ErrorKind::Other => error.to_string(),
            kind => kind.to_string(),
        };
        format!("{}: {why}", self.shown(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(dir: &Path, writable: bool) -> Folders {
        Folders::new(&BTreeMap::from([("out".to_owned(), FolderGrant { path: dir.to_owned(), writable })]))
    }

    #[test]
    fn files_are_written_read_listed_renamed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folders = folder(dir.path(), true);
        let out = folders.open("out", true).unwrap();
        out.write("a/b.txt", b"hello").unwrap();
        out.append("a/b.txt", b" world").unwrap();
        assert_eq!(out.read("a/b.txt", 6, 3).unwrap(), b"wor");
        assert_eq!(out.read("a/b.txt", 100, 3).unwrap(), b"");
        out.rename("a/b.txt", "c.txt").unwrap();
        let expected = [
            FileEntry { name: "a".into(), is_folder: true, size_bytes: 0 },
            FileEntry { name: "c.txt".into(), is_folder: false, size_bytes: 11 },
        ];
        assert_eq!(out.list("").unwrap(), expected);
        out.remove("a").unwrap();
        out.remove("c.txt").unwrap();
        assert_eq!(out.list("").unwrap(), []);
        assert!(out.read("c.txt", 0, 1).unwrap_err().contains("not found"));
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(outer.path().join("secret"), "s3cret").unwrap();
        std::os::unix::fs::symlink("../secret", inner.join("link")).unwrap();
        std::os::unix::fs::symlink(outer.path(), inner.join("up")).unwrap();
        std::os::unix::fs::symlink("/etc", inner.join("etc")).unwrap();
        let folders = folder(&inner, true);
        let out = folders.open("out", true).unwrap();
        let absolute = outer.path().join("secret");
        for path in ["../secret", "a/../../secret", "/etc/passwd", absolute.to_str().unwrap(), "link", "up/secret", "etc/passwd", "..", ""]
        {
            assert!(out.read(path, 0, 100).is_err(), "{path}");
            assert!(out.append(path, b"x").is_err(), "{path}");
            assert!(path == "link" || out.write(path, b"x").is_err(), "{path}");
        }
        // Writing replaces the link itself, not what it leads to.
        out.write("link", b"mine").unwrap();
        assert_eq!(out.read("link", 0, 10).unwrap(), b"mine");
        assert_eq!(std::fs::read(outer.path().join("secret")).unwrap(), b"s3cret");
        assert!(out.rename("../secret", "mine").is_err());
        assert!(out.rename("link", "../elsewhere").is_err());
        assert!(!outer.path().join("elsewhere").exists());
    }

    #[test]
    fn a_folder_for_reading_is_not_written_and_pipes_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let folders = folder(dir.path(), false);
        assert!(folders.open("out", true).err().unwrap().contains("for reading only"));
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        let out = folders.open("out", false).unwrap();
        assert!(out.read("pipe", 0, 1).unwrap_err().contains("not a plain file"));
        assert!(folders.open("other", false).is_err());
    }
}
