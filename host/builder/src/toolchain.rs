//! Finds a Rust toolchain that compiles for `wasm32-unknown-unknown`.
//!
//! Two ways: a toolchain with the target installed (rustup), or Debian's `rustc-web`, which builds the standard library
//! along with the plugin.

use crate::BuildError;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// The target that plugins are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How to call cargo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// `cargo` from the path; its compiler has the target.
    Installed {
        /// The program.
        cargo: OsString,
    },
    /// Debian's packages at their fixed places.
    Debian {
        /// The linker, `/usr/bin/wasm-ld-22` or of another version.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// The toolchain that builds the project in `dir`; rustup may choose by that folder.
    ///
    /// # Errors
    /// None is there, or none that has the target.
    pub fn find(dir: &Path) -> Result<Self, BuildError> {
        let found = installed_libraries(dir);
        if found.as_deref().is_some_and(Path::is_dir) {
            return Ok(Self::Installed { cargo: "cargo".into() });
        }
        match debian(Path::new("/usr")) {
            Some(debian) => Ok(debian),
            None if found.is_some() => Err(BuildError::NoTarget),
            None => Err(BuildError::NoCargo),
        }
    }

    /// `cargo build` for the target, as far as the toolchain decides it.
    pub fn cargo_build(&self) -> Command {
        match self {
            Self::Installed { cargo } => {
                let mut command = Command::new(cargo);
                command.args(["build", "--release", "--target", TARGET]);
                command
            }
            Self::Debian { linker } => {
                let mut command = Command::new("/usr/bin/cargo");
                command.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
                // The packaged compiler is a stable one: the variable lets it build its own standard library.
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        }
    }
}

/// Where the compiler looks for the target's libraries, whether they are there or not; `None` without a compiler.
fn installed_libraries(dir: &Path) -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).current_dir(dir).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    (output.status.success() && !path.as_os_str().is_empty()).then_some(path)
}

fn debian(usr: &Path) -> Option<Toolchain> {
    let has_library = usr.join("lib/rustlib/src/rust/library/std").exists();
    if !usr.join("bin/rustc").exists() || !usr.join("bin/cargo").exists() || !has_library {
        return None;
    }
    let linkers = std::fs::read_dir(usr.join("bin")).ok()?.filter_map(|entry| {
        let entry = entry.ok()?;
        let version: u32 = entry.file_name().to_str()?.strip_prefix("wasm-ld-")?.parse().ok()?;
        Some((version, entry.path()))
    });
    linkers.max().map(|(_, linker)| Toolchain::Debian { linker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_packages_are_found_with_their_newest_linker() {
        let usr = std::env::temp_dir().join(format!("millrace-builder-usr-{}", std::process::id()));
        assert_eq!(debian(&usr), None);
        for file in ["bin/rustc", "bin/cargo", "bin/wasm-ld-9", "bin/wasm-ld-22", "bin/wasm-ld", "lib/rustlib/src/rust/library/std/x"] {
            let path = usr.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(debian(&usr), Some(Toolchain::Debian { linker: usr.join("bin/wasm-ld-22") }));
        std::fs::remove_dir_all(usr).unwrap();
    }
}
