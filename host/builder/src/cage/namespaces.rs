//! Leaves the machine's namespaces. A user without rights gets them by a user namespace of its own, in which it is root
//! over nothing but what it makes there.

use rustix::thread::UnshareFlags;
use std::{fs, io};

/// Enters a new user namespace. The process must have one thread.
///
/// # Errors
/// The kernel or an outer container does not allow it.
pub fn leave_users() -> Result<(), String> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    unshared::unshare(UnshareFlags::NEWUSER).map_err(|error| format!("no user namespace: {error}"))?;
    let write = |path: &str, text: &str| fs::write(path, text).map_err(|error| format!("{path}: {error}"));
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("0 {user} 1"))?;
    write("/proc/self/gid_map", &format!("0 {group} 1"))
}

/// Makes a process namespace for the children. From now on this thread cannot start threads.
///
/// # Errors
/// The kernel or an outer container does not allow it.
pub fn leave_processes() -> Result<(), String> {
    unshared::unshare(UnshareFlags::NEWPID).map_err(|error| format!("no process namespace: {error}"))
}

/// Enters new mount, network, IPC and host-name namespaces.
///
/// # Errors
/// The kernel or an outer container does not allow it.
pub fn leave_the_rest() -> io::Result<()> {
    let flags = UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    Ok(unshared::unshare(flags)?)
}

mod unshared {
    #![allow(unsafe_code)]

    use rustix::thread::{UnshareFlags, unshare_unsafe};

    pub fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
        // SAFETY: what makes the call unsafe is unsharing descriptors or memory; namespaces only are asked for here.
        unsafe { unshare_unsafe(flags) }
    }
}
