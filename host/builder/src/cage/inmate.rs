//! The process that closes the cage around itself and becomes the program.
//!
//! Invariant: the order. Rights are needed to make the file tree, so they are dropped after it; files are restricted after
//! the tree is there; limits and the filter come last, since they may forbid what the steps before need.

use super::{
    CageLevel, access, mounts, namespaces,
    policy::{EXIT_HOST, Policy, VARIABLE},
    syscalls,
};
use rustix::{
    process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit},
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
        set_no_new_privs,
    },
};
use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

/// Closes the cage and runs the program; returns only if that fails.
pub fn run(program: &OsString, args: &[OsString]) -> ExitCode {
    let reason = match Policy::from_environment().and_then(|policy| close(&policy).map(|()| policy)) {
        Ok(policy) => {
            let mut command = Command::new(program);
            command.args(args).env_clear().envs(policy.env).env("TMPDIR", &policy.folder).env_remove(VARIABLE).current_dir(&policy.folder);
            format!("{}: {}", program.display(), command.exec())
        }
        Err(reason) => reason,
    };
    eprintln!("cage: {reason}");
    ExitCode::from(EXIT_HOST)
}

fn close(policy: &Policy) -> Result<(), String> {
    let failed = |what: &'static str| move |error: rustix::io::Errno| format!("{what}: {error}");
    // Whatever happens to the supervisor, this process does not outlive it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("death signal"))?;
    let has_own_processes = policy.level == CageLevel::Namespaces;
    if has_own_processes {
        namespaces::leave_the_rest().map_err(|error| format!("namespaces: {error}"))?;
        mounts::enter(policy)?;
    }
    drop_rights(has_own_processes);
    set_no_new_privs(true).map_err(failed("no new privileges"))?;
    if policy.level <= CageLevel::Landlock {
        access::restrict(policy, has_own_processes)?;
    }
    limit(policy).map_err(failed("limits"))?;
    syscalls::restrict(policy.limits.may_start_processes)?;
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("death signal"))
}

/// Gives up all capabilities, for this process and what it becomes. Fails only for a process that has none anyway.
fn drop_rights(in_namespace: bool) {
    let none = CapabilitySets { effective: CapabilitySet::empty(), permitted: CapabilitySet::empty(), inheritable: CapabilitySet::empty() };
    if in_namespace || rustix::process::geteuid().is_root() {
        for capability in CapabilitySet::all().iter() {
            let _ = remove_capability_from_bounding_set(capability);
        }
    }
    let _ = clear_ambient_capability_set();
    let _ = set_capabilities(None, none);
}

fn limit(policy: &Policy) -> rustix::io::Result<()> {
    let limits = &policy.limits;
    let set = |resource, value| setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    set(Resource::Cpu, limits.cpu_s)?;
    // Data counts what is really written to; a JVM reserves far more address space than it uses.
    set(Resource::Data, limits.memory_bytes)?;
    set(Resource::As, limits.memory_bytes.saturating_mul(4).saturating_add(4 << 30))?;
    set(Resource::Fsize, limits.file_bytes)?;
    set(Resource::Nofile, limits.open_files)?;
    set(Resource::Nproc, limits.processes)?;
    set(Resource::Core, 0)?;
    set(Resource::Msgqueue, 0)?;
    set(Resource::Memlock, 64 << 10)
}
