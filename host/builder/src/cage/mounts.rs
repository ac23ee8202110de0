//! A file tree of its own: toolchain and inputs read-only, the writable folder, four devices, its own `/proc`.
//!
//! Invariant: paths inside are the paths outside, so that whoever starts the program need not know at which level it runs.

use super::policy::{DEVICES, Policy};
use rustix::{
    fs::StatVfsMountFlags,
    mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the new tree is put together: any folder that is there will do, as it is seen by nobody else.
const STAGE: &str = "/tmp";
/// Bytes of the tree's own file system, which holds mount points only.
const TREE: &str = "size=1m,nr_inodes=4096,mode=755";

/// Makes the tree and moves into it.
///
/// # Errors
/// What cannot be mounted, by path.
pub fn enter(policy: &Policy) -> Result<(), String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: rustix::io::Errno| format!("{what}: {error}")
    };
    // Nothing that is mounted here may show outside.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(failed("/"))?;
    // What is mounted is opened by links before the stage hides it, should it lie below the stage.
    let stage = Path::new(STAGE);
    let opened: Vec<(PathBuf, io::Result<fs::File>)> =
        policy.readable().chain([policy.folder.as_path()]).map(|path| (path.to_owned(), open(path))).collect();
    mount("tmpfs", stage, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"size=1m,nr_inodes=4096,mode=755"))
        .map_err(failed(TREE))?;
    for (path, file) in &opened {
        let file = file.as_ref().map_err(|error| format!("{}: {error}", path.display()))?;
        let writable = *path == policy.folder;
        place(stage, path, file, writable).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    for device in DEVICES {
        let target = stage.join(device.trim_start_matches('/'));
        make_file(&target).map_err(|error| format!("{device}: {error}"))?;
        mount_bind(device, &target).map_err(failed(device))?;
    }
    mount_processes(stage);
    rustix::process::chdir(stage).map_err(failed(STAGE))?;
    rustix::process::pivot_root(".", ".").map_err(failed("pivot_root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(failed("the old root"))?;
    rustix::process::chdir("/").map_err(failed("/"))?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount("/", flags, "").map_err(failed("/ read-only"))
}

/// `/proc` of the own process namespace. A container may forbid it; programs get along without.
fn mount_processes(stage: &Path) {
    let target = stage.join("proc");
    if fs::create_dir(&target).is_ok() {
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        let _ = mount("proc", &target, "proc", flags, None);
    }
}

/// A link as a link, anything else by the path that leads to it.
fn open(path: &Path) -> io::Result<fs::File> {
    use rustix::fs::{Mode, OFlags};
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?.into())
}

fn place(stage: &Path, path: &Path, file: &fs::File, writable: bool) -> io::Result<()> {
    let target = stage.join(path.strip_prefix("/").unwrap_or(path));
    let kind = file.metadata()?.file_type();
    let source = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
    if kind.is_symlink() {
        let link = rustix::fs::readlinkat(file, "", Vec::new())?;
        make_parent(&target)?;
        return already(std::os::unix::fs::symlink(link.to_str().unwrap_or_default(), &target));
    }
    if kind.is_dir() {
        fs::create_dir_all(&target)?;
    } else {
        make_file(&target)?;
    }
    mount_bind(source.as_str(), &target)?;
    if !writable {
        let flags = MountFlags::BIND | MountFlags::RDONLY | kept(&target)?;
        mount_remount(&target, flags, "")?;
    } else {
        mount_remount(&target, MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV | kept(&target)?, "")?;
    }
    Ok(())
}

/// Flags of the outer mount that an inner one must keep.
fn kept(path: &Path) -> io::Result<MountFlags> {
    let found = rustix::fs::statvfs(path)?.f_flag;
    let mut flags = MountFlags::NOSUID | MountFlags::NODEV;
    for (theirs, ours) in [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ] {
        if found.contains(theirs) {
            flags |= ours;
        }
    }
    Ok(flags)
}

fn make_parent(target: &Path) -> io::Result<()> {
    target.parent().map_or(Ok(()), fs::create_dir_all)
}

fn make_file(target: &Path) -> io::Result<()> {
    make_parent(target)?;
    already(fs::File::create_new(target).map(drop))
}

fn already(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}
