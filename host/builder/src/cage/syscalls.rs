//! The system calls that no compiler needs: sockets, mounts, tracing, keys, memory files, namespaces, and new processes
//! where the program may start none.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};
use std::collections::BTreeMap;

/// Refused whatever their arguments.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmmsg,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_personality,
    libc::SYS_mknodat,
];

/// Namespaces that a new process would enter.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Calls of the x32 ABI have the numbers of x86-64 with this bit.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

/// Filters the calls of this process and all that it becomes, for good.
///
/// # Errors
/// The kernel has no filters, or the architecture is not known.
pub fn restrict(may_start_processes: bool) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("system-call filter: {error}");
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| failed(&error))?;
    for (rules, errno) in [(refused(may_start_processes)?, libc::EPERM), (BTreeMap::from([(libc::SYS_clone3, vec![])]), libc::ENOSYS)] {
        let action = SeccompAction::Errno(u32::try_from(errno).unwrap_or_default());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture).map_err(|error| failed(&error))?;
        let program: BpfProgram = filter.try_into().map_err(|error| failed(&error))?;
        apply_filter(&program).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn refused(may_start_processes: bool) -> Result<BTreeMap<i64, Vec<SeccompRule>>, String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    // The flags of `clone3` lie in memory where a filter cannot look: it is "not there", and the C library takes `clone`.
    let mut clone: Vec<SeccompRule> = NAMESPACES.iter().map(|flag| flags(*flag, *flag)).collect::<Result<_, _>>()?;
    if !may_start_processes {
        clone.push(flags(libc::CLONE_THREAD, 0)?);
        #[cfg(target_arch = "x86_64")]
        rules.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
    }
    rules.insert(libc::SYS_clone, clone);
    #[cfg(target_arch = "x86_64")]
    {
        let x32: Vec<_> = rules.keys().map(|call| (call | X32, Vec::new())).collect();
        rules.extend(x32);
    }
    Ok(rules)
}

/// Meets a `clone` whose flag `flag` is `value`.
fn flags(flag: libc::c_int, value: libc::c_int) -> Result<SeccompRule, String> {
    let wide = |flag: libc::c_int| u64::from(flag.cast_unsigned());
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(wide(flag)), wide(value));
    condition.and_then(|condition| SeccompRule::new(vec![condition])).map_err(|error| format!("system-call filter: {error}"))
}
