//! A disk that is full: said clearly, nothing half written, and good again once there is room.

use super::*;
use millrace_model::{Classified, FaultClass};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::{path::Path, process::Command};

/// A file system of 1 MiB, unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> rustix::io::Result<Self> {
        let folder = tempfile::tempdir().expect("folder");
        mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), Some(c"size=1m"))?;
        Ok(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

fn assert_disk_full(error: &CheckpointError, path: &str) {
    assert!(matches!(error, CheckpointError::DiskFull { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("no space left for checkpoints") && text.contains(path) && text.contains("free space"), "{text}");
    assert_eq!((error.class(), error.is_retryable()), (FaultClass::External, true));
}

#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        // Where mounting is not permitted, the limit on file size answers the same kind of error; it holds for the
        // whole process, so the check runs in one of its own.
        Err(error) => return with_limited_file_size(error),
    };
    let ballast = disk.path().join("ballast");
    let store: Arc<dyn CheckpointStore> = Arc::new(LocalStore::open(disk.path().join("c")).expect("store"));
    let instance = InstanceId::new("inst");
    take(&store, &instance, 1).await.expect("there is room for the first");
    std::fs::write(&ballast, vec![0; 1024 * 1024]).expect_err("the disk is full now");

    let error = take(&store, &instance, 2).await.expect_err("no room");
    assert_disk_full(&error, "inst/chk-2");
    assert_eq!(latest(&store, &instance).await.expect("latest").latest.expect("the first").manifest().checkpoint, 1);
    let left: Vec<String> = store.list("inst/chk-2").await.expect("list");
    assert_eq!(left, Vec::<String>::new(), "nothing half written takes up room");

    std::fs::remove_file(&ballast).expect("room again");
    take(&store, &instance, 3).await.expect("room again");
    assert_eq!(latest(&store, &instance).await.expect("latest").latest.expect("the third").manifest().checkpoint, 3);
}

const LIMITED: &str = "MILLRACE_TEST_LIMITED_FOLDER";

fn with_limited_file_size(why: rustix::io::Errno) {
    let folder = tempfile::tempdir().expect("folder");
    let test = "store::tests::full_disk::a_limited_process";
    let child = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact \"$1\" --nocapture", &this_test_binary(), test])
        .env(LIMITED, folder.path())
        .output()
        .expect("child");
    assert!(child.status.success(), "cannot mount ({why}), limited: {}", String::from_utf8_lossy(&child.stdout));
    assert!(folder.path().join("checked").exists(), "the limited check did not run");
}

fn this_test_binary() -> String {
    std::env::current_exe().expect("test binary").display().to_string()
}

/// With a limit of 64 KiB per file: run by itself this checks that the fall-back works.
#[tokio::test]
async fn a_limited_process() {
    let Ok(folder) = std::env::var(LIMITED) else {
        return with_limited_file_size(rustix::io::Errno::PERM);
    };
    let store: Arc<dyn CheckpointStore> = Arc::new(LocalStore::open(Path::new(&folder).join("c")).expect("store"));
    let error = take(&store, &InstanceId::new("inst"), 1).await.expect_err("100,000 bytes do not fit");
    assert_disk_full(&error, "inst/chk-1");
    assert_eq!(store.list("inst").await, Ok(vec![]));
    std::fs::write(Path::new(&folder).join("checked"), b"").expect("mark");
}
