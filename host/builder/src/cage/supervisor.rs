//! The process that stays outside of the cage: it starts the inmate, watches what no single limit of the system holds
//! (folder, memory of all processes, wall-clock time, whether the server lives), and says by its exit code what happened.

use super::{
    CageLevel, CageLimits, descriptors, inmate, memory, namespaces,
    policy::{EXIT_CPU, EXIT_FOLDER, EXIT_HOST, EXIT_MEMORY, EXIT_WALL, INMATE, Policy, SUPERVISOR, VARIABLE},
};
use rustix::process::{Pid, Signal, getppid, kill_process};
use std::{
    ffi::OsString,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitCode, ExitStatus},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Entry of the helper. A program that closes cages calls this first thing in its `main` (for `millrace`: in the hidden
/// command `build-cage`) with the arguments after that command, and returns what it returns.
pub fn build_cage_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match arguments.as_slice() {
        [role, program, args @ ..] if role == SUPERVISOR => supervise(program, args),
        [role, program, args @ ..] if role == INMATE => inmate::run(program, args),
        _ => fail("this command is started by the server only"),
    }
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("cage: {reason}");
    ExitCode::from(EXIT_HOST)
}

fn supervise(program: &OsString, args: &[OsString]) -> ExitCode {
    let server = getppid();
    descriptors::close_inherited();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // Running jobs go first.
    let _ = rustix::process::nice(10);
    let policy = match Policy::from_environment() {
        Ok(policy) => policy,
        Err(reason) => return fail(&reason),
    };
    let has_own = policy.level == CageLevel::Namespaces;
    if has_own && let Err(reason) = namespaces::leave_users() {
        return fail(&reason);
    }
    // The order is the kernel's: one thread for a user namespace, and no new thread after a process namespace.
    let waiter = match Waiter::new() {
        Ok(waiter) => waiter,
        Err(error) => return fail(&format!("no thread: {error}")),
    };
    if has_own && let Err(reason) = namespaces::leave_processes() {
        return fail(&reason);
    }
    match start(&policy, program, args) {
        Ok(inmate) => watch(inmate, &waiter, &policy, server),
        Err(reason) => fail(&reason),
    }
}

/// A thread that waits for a process.
struct Waiter {
    process: Sender<Child>,
    end: Receiver<std::io::Result<ExitStatus>>,
}

impl Waiter {
    fn new() -> std::io::Result<Self> {
        let (process, given) = channel::<Child>();
        let (ended, end) = channel();
        std::thread::Builder::new().name("waiter".into()).spawn(move || {
            if let Ok(mut process) = given.recv() {
                let _ = ended.send(process.wait());
            }
        })?;
        Ok(Self { process, end })
    }
}

fn start(policy: &Policy, program: &OsString, args: &[OsString]) -> Result<Child, String> {
    let own = std::env::current_exe().map_err(|error| format!("own program: {error}"))?;
    // The link, not the path behind it: it leads to this program even after a newer build has replaced the file.
    let link = Path::new("/proc/self/exe");
    let mut command = Command::new(if link.exists() { link } else { &own });
    // The arguments up to the role are whatever leads the program here.
    let lead: Vec<OsString> = std::env::args_os().skip(1).take_while(|argument| argument != SUPERVISOR).collect();
    command.args(lead).arg(INMATE).arg(program).args(args);
    command.env_clear().env(VARIABLE, policy.to_text().map_err(|error| error.to_string())?).current_dir("/");
    command.spawn().map_err(|error| format!("the inmate cannot be started: {error}"))
}

fn watch(inmate: Child, waiter: &Waiter, policy: &Policy, server: Option<Pid>) -> ExitCode {
    let id = inmate.id();
    let started = Instant::now();
    if waiter.process.send(inmate).is_err() {
        kill(id);
        return fail("the waiting thread is gone");
    }
    let mut verdict = None;
    loop {
        match waiter.end.recv_timeout(LOOK) {
            Ok(Ok(status)) => return exit_code(verdict, status),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return fail("the inmate cannot be waited for"),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if getppid() != server {
            kill(id);
        } else if verdict.is_none() {
            verdict = excess(id, policy, started.elapsed());
            if verdict.is_some() {
                kill(id);
            }
        }
    }
}

/// What is used beyond its limit, as exit code.
fn excess(inmate: u32, policy: &Policy, elapsed: Duration) -> Option<u8> {
    if elapsed > Duration::from_millis(policy.limits.wall_ms) {
        return Some(EXIT_WALL);
    }
    if memory::resident_bytes(inmate) > policy.limits.memory_bytes {
        return Some(EXIT_MEMORY);
    }
    let mut room = Room::of(&policy.limits);
    room.take(&policy.folder);
    room.is_over().then_some(EXIT_FOLDER)
}

fn exit_code(verdict: Option<u8>, status: ExitStatus) -> ExitCode {
    /// What a shell adds to a signal's number.
    const SIGNALLED: i32 = 128;
    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;
    const SIGXFSZ: i32 = 25;
    if let Some(verdict) = verdict {
        return ExitCode::from(verdict);
    }
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        (_, Some(SIGKILL | SIGXCPU)) => ExitCode::from(EXIT_CPU),
        (_, Some(SIGXFSZ)) => ExitCode::from(EXIT_FOLDER),
        (_, signal) => ExitCode::from(u8::try_from(SIGNALLED + signal.unwrap_or_default()).unwrap_or(1)),
    }
}

fn kill(id: u32) {
    // The first process of a namespace takes all others with it.
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// What is left of the folder's limits.
struct Room {
    bytes: u64,
    entries: u64,
    over: bool,
}

impl Room {
    fn of(limits: &CageLimits) -> Self {
        Self { bytes: limits.folder_bytes, entries: limits.folder_entries, over: false }
    }

    /// Counts what is below `folder`; stops at the limit, so that looking costs no more than the limit allows.
    fn take(&mut self, folder: &Path) {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(found) = entry.metadata() else { continue };
                let (Some(bytes), Some(entries)) = (self.bytes.checked_sub(found.len()), self.entries.checked_sub(1)) else {
                    self.over = true;
                    return;
                };
                (self.bytes, self.entries) = (bytes, entries);
                if found.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }
}
