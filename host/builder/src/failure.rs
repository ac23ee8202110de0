//! Why a plugin could not be built, in words for its author.

use millrace_model::fault::{Classified, FaultClass};
use std::{io, path::PathBuf};

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder holds no project.
    #[error("`{}` has no Cargo.toml; expected the folder of a plugin (`millrace plugin new NAME` makes one)", .dir.display())]
    NoProject {
        /// The folder.
        dir: PathBuf,
    },
    /// A new project needs a folder of its own.
    #[error("`{}` is there already and is not empty; choose another folder", .dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// Not a name for a plugin.
    #[error("`{name}` is not a plugin name; expected a lower-case letter, then up to 63 lower-case letters, digits or `-`")]
    BadName {
        /// The name.
        name: String,
    },
    /// No cargo at all.
    #[error("cargo was not found; install Rust from https://rustup.rs, then run `rustup target add wasm32-unknown-unknown`")]
    NoCargo,
    /// Cargo is there, but cannot compile for WebAssembly.
    #[error(
        "the Rust toolchain cannot compile for wasm32-unknown-unknown; install the target with `rustup target add \
         wasm32-unknown-unknown`, or on Debian without rustup `apt-get install rustc-web cargo-web rust-web-src lld-22`"
    )]
    NoTarget,
    /// The compiler refused the code.
    #[error("the plugin does not compile:\n{output}")]
    Compile {
        /// What the compiler wrote.
        output: String,
    },
    /// Compiled, but there is no module of this package.
    #[error("`{}` compiled, but made no WebAssembly module; Cargo.toml needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`", .dir.display())]
    NoModule {
        /// The folder.
        dir: PathBuf,
    },
    /// The module is no component of ours.
    #[error("`{plugin}` is not a Millrace component: {reason}")]
    NotAComponent {
        /// Name of the package.
        plugin: String,
        /// What was found, what was expected.
        reason: String,
    },
    /// A tool is not there.
    #[error("{tool} is missing: {help}")]
    NoTool {
        /// The tool, and why it cannot be used.
        tool: String,
        /// What to do about it.
        help: String,
    },
    /// A tool failed.
    #[error("{tool} failed ({help}):\n{output}")]
    ToolFailed {
        /// The tool.
        tool: String,
        /// What it needs.
        help: String,
        /// What it wrote.
        output: String,
    },
    /// The manifest of a script does not say what it must.
    #[error("`{}`: {reason}", .path.display())]
    BadManifest {
        /// The manifest, or the file that is wrong.
        path: PathBuf,
        /// What was found, what was expected.
        reason: String,
    },
    /// A world that the language does not have.
    #[error("plugins in {language} cannot be started or built for the world `{world}`, expected one of {worlds}")]
    NoWorld {
        /// The language.
        language: &'static str,
        /// The world asked for.
        world: &'static str,
        /// What it has.
        worlds: String,
    },
    /// A build cannot be held on this machine.
    #[error("no cage for builds can be made on this machine: {reason}")]
    NoCage {
        /// What was tried.
        reason: String,
    },
    /// A tool that builds from Java or Scala is missing or does not work.
    #[error("Java and Scala cannot be built here: {reason}")]
    NoJvmToolchain {
        /// What is missing and how to install it.
        reason: String,
    },
    /// A tool broke down.
    #[error("{tool} failed: {reason}")]
    Tool {
        /// Its name.
        tool: &'static str,
        /// What it wrote, or how it ended.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("`{}`: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Classified for BuildError {
    fn class(&self) -> FaultClass {
        match self {
            Self::NoProject { .. }
            | Self::NotEmpty { .. }
            | Self::BadName { .. }
            | Self::Compile { .. }
            | Self::NoModule { .. }
            | Self::BadManifest { .. }
            | Self::NoWorld { .. }
            | Self::NotAComponent { .. } => FaultClass::User,
            Self::NoCargo
            | Self::NoTarget
            | Self::NoCage { .. }
            | Self::NoJvmToolchain { .. }
            | Self::NoTool { .. }
            | Self::ToolFailed { .. }
            | Self::Io { .. } => FaultClass::External,
            Self::Tool { .. } => FaultClass::Internal,
        }
    }
}
