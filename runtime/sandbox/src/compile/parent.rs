//! The server's side of a compilation: starts the process, bounds what it reads, kills what overstays.

use super::{CPU_S, EXIT_REFUSED, MEMORY_BYTES};
use crate::admission::widened_compile;
use crate::limits::{CompileLimits, CompilerCommand};
use bytes::Bytes;
use millrace_model::ids::TenantId;
use millrace_places::FairPlaces;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Bytes of the child's standard error that are kept.
const REASON_BYTES_MAX: u64 = 8 * 1024;

/// Why there is no machine code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileError {
    /// The component is to blame; the reason is for its author.
    Component(String),
    /// The host is to blame.
    Host(String),
}

/// Starts compile processes, a few at a time: of one tenant half of them.
#[derive(Debug)]
pub struct Compiler {
    command: CompilerCommand,
    limits: CompileLimits,
    places: FairPlaces,
}

impl Compiler {
    pub fn new(command: CompilerCommand, limits: CompileLimits) -> Self {
        let places = FairPlaces::new(limits.parallel_max, limits.parallel_max / 2);
        Self { command, limits, places }
    }

    /// Machine code of `component`, in a place of the tenant's.
    pub async fn compile(&self, tenant: &TenantId, component: Bytes, known_core: bool) -> Result<Vec<u8>, CompileError> {
        let limits = &if known_core { widened_compile(&self.limits) } else { self.limits.clone() };
        let _place = self.places.take(tenant).await;
        let deadline = Duration::from_millis(limits.wall_ms);
        // Dropping the unfinished run drops the child, which kills it.
        match tokio::time::timeout(deadline, self.run(component, limits)).await {
            Ok(result) => result,
            Err(_) => Err(CompileError::Component(format!("compilation took longer than {} s", deadline.as_secs()))),
        }
    }

    async fn run(&self, component: Bytes, limits: &CompileLimits) -> Result<Vec<u8>, CompileError> {
        let host = |what: &'static str| move |error: std::io::Error| CompileError::Host(format!("{what}: {error}"));
        let mut child = Command::new(&self.command.program)
            .args(&self.command.args)
            .env_clear()
            .env(CPU_S, limits.cpu_s.to_string())
            .env(MEMORY_BYTES, limits.memory_bytes.to_string())
            // Programs with mimalloc reserve a gigabyte before the limit is set. Committed at once, it would count as
            // used, and what then does not fit into it would fail.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(host("the compile process cannot be started"))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(CompileError::Host("the compile process has no pipes".into()));
        };
        let feed = async move {
            // A child that dies early breaks the pipe; its exit status says why.
            let _ = stdin.write_all(&component).await;
            drop(stdin);
        };
        let code_max = limits.output_bytes_max as u64;
        let (_, code, reason) = tokio::join!(feed, read(stdout, code_max + 1), read(stderr, REASON_BYTES_MAX));
        let (code, reason) = (code.map_err(host("machine code cannot be read"))?, reason.map_err(host("the reason cannot be read"))?);
        if code.len() as u64 > code_max {
            return Err(CompileError::Component(format!("its machine code has more than {code_max} bytes")));
        }
        let status = child.wait().await.map_err(host("the compile process cannot be waited for"))?;
        judge(status, code, &String::from_utf8_lossy(&reason), limits)
    }
}

fn judge(status: ExitStatus, code: Vec<u8>, reason: &str, limits: &CompileLimits) -> Result<Vec<u8>, CompileError> {
    // Signals as numbered on Linux.
    const SIGABRT: i32 = 6;
    const SIGKILL: i32 = 9;
    const SIGSEGV: i32 = 11;
    const SIGXCPU: i32 = 24;
    if status.success() {
        return Ok(code);
    }
    if reason.contains("memory allocation of") {
        return Err(CompileError::Component(format!("compilation needs more than {} MiB", limits.memory_bytes >> 20)));
    }
    match (status.code(), status.signal()) {
        (Some(exit), _) if exit == i32::from(EXIT_REFUSED) => Err(CompileError::Component(reason.to_owned())),
        (_, Some(SIGXCPU | SIGKILL)) => Err(CompileError::Component(format!("compilation takes more than {} s of CPU time", limits.cpu_s))),
        (_, Some(SIGABRT | SIGSEGV)) => Err(CompileError::Component("compilation ran out of memory or stack".into())),
        _ => Err(CompileError::Host(format!("the compile process ended with {status}: {reason}"))),
    }
}

/// Reads at most `bytes_max` bytes, then lets go of the pipe.
async fn read(pipe: impl AsyncRead + Unpin, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(bytes_max).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
