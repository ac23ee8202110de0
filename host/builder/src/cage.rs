//! The cage of a build: every process that a build starts runs in one.
//!
//! Compilers are programs that strangers feed, and some run what they are fed (Scala macros). So a process of a build has
//! no network, one writable folder, the toolchain and its inputs to read, limits on everything, and an empty environment.
//!
//! Invariants: the cage is closed before the program starts, by a process of its own (`helper`) that limits itself and
//! then becomes the program; a limit that cannot be set keeps the program from starting; when the helper or the server
//! ends, however, nothing of the cage goes on (at level `namespaces` by the kernel, at the others the program itself).
//!
//! The way: the server starts the helper (`millrace build-cage`) as *supervisor*, which stays outside, watches folder,
//! memory, time and the server, and starts itself once more as *inmate*, which closes the cage and becomes the program.

mod access;
mod descriptors;
mod inmate;
mod memory;
mod mounts;
mod namespaces;
mod policy;
mod probe;
mod supervisor;
mod syscalls;

pub use supervisor::build_cage_main;

use crate::BuildError;
use policy::Policy;
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitStatus},
};

/// How strongly processes of a build are held, from strong to weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CageLevel {
    /// Own user, process, network, mount, IPC and host-name namespaces, and all of `Landlock`.
    Namespaces,
    /// Landlock rules on files, a system-call filter (no sockets), and all of `Limits`.
    Landlock,
    /// Resource limits, an empty environment, and the system-call filter; all files of the server's user can be read.
    Limits,
}

impl CageLevel {
    /// All levels, the strongest first.
    pub const ALL: [Self; 3] = [Self::Namespaces, Self::Landlock, Self::Limits];

    /// Its word: `namespaces`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::Limits => "limits",
        }
    }

    /// What it means, for people who run the server.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Namespaces => {
                "own namespaces without network, a file tree of toolchain and inputs only, Landlock, system-call filter, limits"
            }
            Self::Landlock => "Landlock rules on files, system-call filter without sockets, limits",
            Self::Limits => "system-call filter without sockets, limits; files that the server can read can be read",
        }
    }
}

/// What a process of a build may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CageLimits {
    /// Memory of all its processes together; also written-to memory of each.
    pub memory_bytes: u64,
    /// CPU seconds of each process.
    pub cpu_s: u64,
    /// Wall-clock milliseconds until it is killed.
    pub wall_ms: u64,
    /// Largest file.
    pub file_bytes: u64,
    /// Everything in the writable folder.
    pub folder_bytes: u64,
    /// Files and folders in the writable folder.
    pub folder_entries: u64,
    /// Processes and threads, where the system counts them for this user.
    pub processes: u64,
    /// Whether it may start processes; a JVM needs threads only.
    pub may_start_processes: bool,
    /// Open files.
    pub open_files: u64,
}

impl Default for CageLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            cpu_s: 300,
            wall_ms: 300_000,
            file_bytes: 256 << 20,
            folder_bytes: 512 << 20,
            folder_entries: 50_000,
            processes: 512,
            may_start_processes: false,
            open_files: 4096,
        }
    }
}

/// A program to run in the cage.
#[derive(Debug, Clone)]
pub struct CagedCommand {
    /// The program, by absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// The only folder that it can write; its current folder, and where `TMPDIR` points.
    pub folder: PathBuf,
    /// What it can read beside its folder and the system's libraries and programs: toolchain, inputs. All must be there.
    pub readable: Vec<PathBuf>,
    /// What it may use.
    pub limits: CageLimits,
}

impl CagedCommand {
    /// A program with this writable folder.
    pub fn new(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: folder.into(),
            readable: Vec::new(),
            limits: CageLimits::default(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds something to read.
    #[must_use]
    pub fn readable(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.readable.extend(paths);
        self
    }
}

/// Starts the processes of builds. Everything that a build starts goes through this.
///
/// The answer is a command ready to spawn: streams are the caller's to set. Killing the process that it starts ends
/// everything that the program has started; see [`limit_that_ended`] for what its exit status says.
pub trait ProcessStarter: Send + Sync {
    /// The command that runs `caged`.
    ///
    /// # Errors
    /// The description cannot be handed over.
    fn command(&self, caged: &CagedCommand) -> Result<Command, BuildError>;
}

/// The program that closes the cage: something whose `main` ends in [`build_cage_main`] when called with these arguments.
#[derive(Debug, Clone)]
pub struct CageHelper {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub args: Vec<OsString>,
}

/// Starts processes in the strongest cage that this machine allows.
#[derive(Debug, Clone)]
pub struct Cage {
    helper: CageHelper,
    level: CageLevel,
}

impl Cage {
    /// Finds the strongest level that really holds here: each is tried with a program that attempts to get out.
    ///
    /// # Errors
    /// None holds; the reasons are in the message, one a level.
    pub fn probe(helper: CageHelper) -> Result<Self, BuildError> {
        let mut reasons = Vec::new();
        for level in CageLevel::ALL {
            let cage = Self { helper: helper.clone(), level };
            match probe::holds(&cage) {
                Ok(()) => return Ok(cage),
                Err(reason) => reasons.push(format!("{}: {reason}", level.name())),
            }
        }
        Err(BuildError::NoCage { reason: reasons.join("; ") })
    }

    /// The cage of this level, whether it holds or not.
    pub fn at_level(helper: CageHelper, level: CageLevel) -> Self {
        Self { helper, level }
    }

    /// The level in force.
    pub fn level(&self) -> CageLevel {
        self.level
    }
}

impl ProcessStarter for Cage {
    fn command(&self, caged: &CagedCommand) -> Result<Command, BuildError> {
        let policy = Policy {
            level: self.level,
            folder: caged.folder.clone(),
            readable: caged.readable.clone(),
            env: caged.env.clone(),
            limits: caged.limits.clone(),
        };
        let mut command = Command::new(&self.helper.program);
        command.args(&self.helper.args).arg(policy::SUPERVISOR).arg(&caged.program).args(&caged.args);
        command.env_clear().env(policy::VARIABLE, policy.to_text()?).current_dir("/");
        Ok(command)
    }
}

/// Starts processes without a cage: for code that its author builds on the own machine, and for tests.
#[derive(Debug, Clone, Copy)]
pub struct Uncaged;

impl ProcessStarter for Uncaged {
    fn command(&self, caged: &CagedCommand) -> Result<Command, BuildError> {
        let mut command = Command::new(&caged.program);
        command.args(&caged.args).env_clear().envs(caged.env.iter().map(|(name, value)| (name, value)));
        command.env("TMPDIR", &caged.folder).current_dir(&caged.folder);
        Ok(command)
    }
}

/// The limit that ended a caged process, in words that follow "the build"; none if it ended by itself.
pub fn limit_that_ended(status: ExitStatus) -> Option<&'static str> {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(policy::EXIT_MEMORY) => Some("needs more memory than it may use"),
        Some(policy::EXIT_FOLDER) => Some("writes more files or bytes than it may"),
        Some(policy::EXIT_WALL) => Some("takes longer than it may"),
        Some(policy::EXIT_CPU) => Some("takes more CPU time than it may"),
        _ => None,
    }
}

/// Whether the cage itself could not be closed: the machine's fault, the reason is on standard error.
pub fn could_not_start(status: ExitStatus) -> bool {
    status.code() == Some(i32::from(policy::EXIT_HOST))
}
