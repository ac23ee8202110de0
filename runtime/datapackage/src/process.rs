//! Looking into a file in a process of its own: the file is its standard input, the answer its standard output.
//!
//! Invariant: whatever a file does to a decoder costs one short-lived process its limits, nothing else.

use crate::{Hints, Package, PackageError, inspect, limits};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::{
    ffi::OsString,
    fs::File,
    io::Write,
    os::fd::AsFd,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitCode, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{io::AsyncReadExt, process::Command, sync::Semaphore};

/// The hints as JSON; everything else of the environment is removed.
const HINTS: &str = "MILLRACE_PACKAGE_HINTS";
/// Exit code of a child that has found the file wrong.
const EXIT_FILE: u8 = 1;
/// Exit code of a child that could not do its work.
const EXIT_HOST: u8 = 2;
/// Bytes of a reason.
const REASON_BYTES_MAX: u64 = 4 << 10;
/// Processes at a time.
const PROCESSES_MAX: usize = 2;

/// The program that looks into files: one whose `main` calls [`inspect_child_main`] for these arguments.
#[derive(Debug, Clone)]
pub struct InspectorCommand {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Looks into files of tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inspector {
    command: Arc<InspectorCommand>,
    places: Arc<Semaphore>,
}

impl Inspector {
    /// An inspector that starts this program.
    pub fn new(command: InspectorCommand) -> Self {
        Self { command: Arc::new(command), places: Arc::new(Semaphore::new(PROCESSES_MAX)) }
    }

    /// Looks into `file`, from its beginning.
    ///
    /// # Errors
    /// The file is no data package, is damaged, or takes more than the limits; or the process cannot be started.
    pub async fn inspect(&self, file: &File, hints: Hints) -> Result<Package, PackageError> {
        let _place = self.places.acquire().await.map_err(|_| PackageError::Host("the inspector is shut down".into()))?;
        let limit = Duration::from_secs(limits::WALL_SECONDS_MAX);
        // Dropping the unfinished run kills the child.
        tokio::time::timeout(limit, self.run(file, hints))
            .await
            .unwrap_or_else(|_| Err(PackageError::file(format!("looking into the file took longer than {} s", limit.as_secs()))))
    }

    async fn run(&self, file: &File, hints: Hints) -> Result<Package, PackageError> {
        let host = |what: &'static str| move |error: std::io::Error| PackageError::Host(format!("{what}: {error}"));
        let file = file.try_clone().map_err(host("the upload cannot be opened"))?;
        let answer_bytes_max = if hints.lines_max.is_some() { limits::LINES_ANSWER_BYTES_MAX } else { limits::ANSWER_BYTES_MAX };
        let hints = serde_json::to_string(&hints).map_err(|error| PackageError::Host(error.to_string()))?;
        let mut child = Command::new(&self.command.program)
            .args(&self.command.args)
            .env_clear()
            .env(HINTS, hints)
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .current_dir("/")
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(host("the process for data packages cannot be started"))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(PackageError::Host("the process for data packages has no pipes".into()));
        };
        let (mut answer, mut reason) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (stdout.take(answer_bytes_max), stderr.take(REASON_BYTES_MAX));
        let (read, said) = tokio::join!(stdout.read_to_end(&mut answer), stderr.read_to_end(&mut reason));
        read.map_err(host("the answer about a data package cannot be read"))?;
        said.map_err(host("the reason about a data package cannot be read"))?;
        let status = child.wait().await.map_err(host("the process for data packages cannot be waited for"))?;
        judge(status, &answer, &String::from_utf8_lossy(&reason))
    }
}

fn judge(status: ExitStatus, answer: &[u8], reason: &str) -> Result<Package, PackageError> {
    if status.success() {
        return serde_json::from_slice(answer).map_err(|error| PackageError::Host(format!("the answer about a data package: {error}")));
    }
    if reason.contains("memory allocation of") {
        return Err(PackageError::file(format!("reading it needs more than {} MiB of memory", limits::MEMORY_BYTES_MAX >> 20)));
    }
    match (status.code(), status.signal()) {
        (Some(exit), _) if exit == i32::from(EXIT_FILE) => Err(PackageError::file(reason)),
        (Some(exit), _) if exit == i32::from(EXIT_HOST) => Err(PackageError::Host(reason.to_owned())),
        // Killed by a limit, or a panic of a decoder: 101.
        _ => Err(PackageError::file("the file is damaged: reading it fails or takes more than the limits allow")),
    }
}

/// Entry of the process. A program that serves as inspector calls this first thing in its `main` and returns what it
/// returns: 0 with the package as JSON on standard output, else a reason on standard error.
///
/// Before it reads a byte it limits itself: processor seconds, memory, no processes, no files written, no core dump.
pub fn inspect_child_main() -> ExitCode {
    let hints = std::env::var(HINTS).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if let Err(error) = limit() {
        return fail(EXIT_HOST, &format!("the process for data packages cannot limit itself: {error}"));
    }
    let file = match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(owned) => File::from(owned),
        Err(error) => return fail(EXIT_HOST, &format!("the upload cannot be read: {error}")),
    };
    let answer = inspect(&file, hints).and_then(|package| serde_json::to_vec(&package).map_err(|e| PackageError::Host(e.to_string())));
    match answer {
        Ok(answer) => match std::io::stdout().lock().write_all(&answer) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(EXIT_HOST, &format!("the answer cannot be written: {error}")),
        },
        Err(PackageError::File(reason)) => fail(EXIT_FILE, &reason),
        Err(PackageError::Host(reason)) => fail(EXIT_HOST, &reason),
    }
}

fn fail(code: u8, reason: &str) -> ExitCode {
    let reason: String = reason.chars().take(1_000).collect();
    // Nobody to tell if this fails: the exit code stays.
    let _ = std::io::stderr().lock().write_all(reason.as_bytes());
    ExitCode::from(code)
}

fn limit() -> std::io::Result<()> {
    let set = |resource, value| setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    set(Resource::Cpu, limits::CPU_SECONDS_MAX)?;
    set(Resource::Data, limits::MEMORY_BYTES_MAX)?;
    // Allocators and stacks reserve more than they use.
    set(Resource::As, limits::MEMORY_BYTES_MAX.saturating_mul(4))?;
    set(Resource::Core, 0)?;
    set(Resource::Fsize, 0)?;
    // The three standard ones and copies of the input.
    set(Resource::Nofile, 64)?;
    set(Resource::Nproc, 0)?;
    let _ = rustix::process::nice(5);
    Ok(())
}
