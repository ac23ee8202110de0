//! A file system so small that a test can fill it.

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::{
    ffi::CString,
    fs, io,
    path::{Path, PathBuf},
};

/// A tmpfs of its own, unmounted on drop. Needs the right to mount (root in a container is enough).
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts a file system of `kib` KiB.
    ///
    /// # Errors
    /// Mounting is not permitted: the test that needs it cannot run here and must fail, not pass.
    pub fn mount(kib: u32) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("millrace-disk-").tempdir()?;
        let options = CString::new(format!("size={kib}k,mode=0700"))?;
        mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), Some(options.as_c_str()))?;
        Ok(Self { folder })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes up all room that is left.
    ///
    /// # Errors
    /// Anything but "no space left", which is what is wanted.
    pub fn fill(&self) -> io::Result<()> {
        let mut file = fs::File::create(self.ballast())?;
        let block = [0u8; 4096];
        loop {
            match io::Write::write_all(&mut file, &block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// The ballast cannot be removed.
    pub fn free(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(self.folder.path(), UnmountFlags::DETACH);
    }
}
