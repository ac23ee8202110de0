//! What the server tells the helper, and what the helper's exit codes mean.
//!
//! Invariant: the policy travels in one variable that the program in the cage never sees.

use super::{CageLevel, CageLimits};
use crate::BuildError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The variable that carries the policy.
pub const VARIABLE: &str = "MILLRACE_BUILD_CAGE";
/// Argument of the process that stays outside.
pub const SUPERVISOR: &str = "supervisor";
/// Argument of the process that becomes the program.
pub const INMATE: &str = "inmate";

/// The cage cannot be closed.
pub const EXIT_HOST: u8 = 120;
/// Too much memory.
pub const EXIT_MEMORY: u8 = 121;
/// Too many files or bytes.
pub const EXIT_FOLDER: u8 = 122;
/// Too long.
pub const EXIT_WALL: u8 = 123;
/// Too much CPU time.
pub const EXIT_CPU: u8 = 124;

/// Longest text of one environment variable that Linux passes on.
const VARIABLE_BYTES_MAX: usize = 120 << 10;

/// Parts of the system that every program needs; those that are not there are left out.
pub const SYSTEM: [&str; 10] = [
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    // Debian's JDK keeps its settings there and links to them.
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/java-25-openjdk",
];

/// Devices that programs may use.
pub const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// One cage.
#[derive(Debug, Serialize, Deserialize)]
pub struct Policy {
    pub level: CageLevel,
    pub folder: PathBuf,
    pub readable: Vec<PathBuf>,
    pub env: Vec<(String, String)>,
    pub limits: CageLimits,
}

impl Policy {
    /// As text for the variable.
    pub fn to_text(&self) -> Result<String, BuildError> {
        let refuse = |reason: String| BuildError::NoCage { reason };
        for path in self.readable.iter().chain([&self.folder]) {
            if !path.is_absolute() || path.parent().is_none() || path.components().any(|c| c.as_os_str() == "..") {
                return Err(refuse(format!("`{}` is not an absolute path below `/`", path.display())));
            }
        }
        let text = serde_json::to_string(self).map_err(|error| refuse(format!("the policy cannot be written: {error}")))?;
        if text.len() > VARIABLE_BYTES_MAX {
            return Err(refuse(format!("the policy has {} bytes, expected at most {VARIABLE_BYTES_MAX}", text.len())));
        }
        Ok(text)
    }

    /// From the variable.
    pub fn from_environment() -> Result<Self, String> {
        let text = std::env::var(VARIABLE).map_err(|error| format!("{VARIABLE}: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("{VARIABLE}: {error}"))
    }

    /// Everything to read that is there.
    pub fn readable(&self) -> impl Iterator<Item = &Path> {
        SYSTEM.iter().map(Path::new).filter(|path| path.exists()).chain(self.readable.iter().map(PathBuf::as_path))
    }
}
