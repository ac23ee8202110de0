//! Runs cargo and finds out what it made.

use crate::{
    BuildError, BuildOptions,
    toolchain::{TARGET, Toolchain},
};
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Compiler output that an error carries at most.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// What to build.
pub struct Request<'a> {
    /// Folder of the package or workspace.
    pub dir: &'a Path,
    /// Packages of the workspace; the folder's own when empty.
    pub packages: &'a [String],
}

/// A module that cargo made.
#[derive(Debug)]
pub struct Module {
    /// Name of the package.
    pub package: String,
    /// Folder of the package.
    pub package_dir: PathBuf,
    /// The module.
    pub path: PathBuf,
}

impl Module {
    /// Cargo's target folder: modules lie in `<target>/<triple>/<profile>/`.
    pub fn target_dir(&self) -> &Path {
        self.path.ancestors().nth(3).unwrap_or(&self.path)
    }
}

/// Compiles and answers the modules of the packages.
pub fn build(request: &Request<'_>, options: BuildOptions<'_>) -> Result<Vec<Module>, BuildError> {
    let toolchain = Toolchain::find(request.dir)?;
    let mut command = command(&toolchain, request, &options);
    let program = command.get_program().to_owned();
    let mut child = command.spawn().map_err(|source| BuildError::Io { path: program.clone().into(), source })?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        unreachable!("both streams were asked for as pipes")
    };
    // Both streams are read at once: cargo would wait forever on a full pipe.
    let (messages, text) = std::thread::scope(|scope| {
        let text = scope.spawn(move || read_text(stderr, options.on_line));
        let messages = read_modules(stdout);
        (messages, text.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|source| BuildError::Io { path: program.into(), source })?;
    if status.success() { Ok(messages) } else { Err(BuildError::Compile { output: text }) }
}

fn command(toolchain: &Toolchain, request: &Request<'_>, options: &BuildOptions<'_>) -> Command {
    let mut command = toolchain.cargo_build();
    command.current_dir(request.dir).arg("--lib").arg("--message-format=json-render-diagnostics");
    if options.locked {
        command.arg("--locked");
    }
    for package in request.packages {
        command.arg("--package").arg(package);
    }
    // Settings of a cargo that may have started this process are not meant for the guest.
    for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_MAKEFLAGS", "MAKEFLAGS"] {
        command.env_remove(variable);
    }
    if let Some(target_dir) = &options.target_dir {
        command.arg("--target-dir").arg(target_dir);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags(request.dir).join("\u{1f}"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Vector instructions on, and no folders of the author's machine in the component: a trap then names
/// `src/lib.rs` below the repository (or the project, if it is in none).
fn flags(dir: &Path) -> Vec<String> {
    let base = dir.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(dir);
    let mut flags = vec!["-Ctarget-feature=+simd128".to_owned(), format!("--remap-path-prefix={}/=", base.display())];
    flags.push(format!("--remap-path-prefix={}=.", base.display()));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=cargo", home.join("registry/src").display()));
    }
    flags
}

fn read_text(stream: impl Read, mut on_line: Option<&mut (dyn FnMut(&str) + Send)>) -> String {
    let mut text = String::new();
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let shown = String::from_utf8_lossy(&line);
        if let Some(on_line) = &mut on_line {
            on_line(shown.trim_end());
        }
        if text.len() < OUTPUT_BYTES_MAX {
            text.push_str(&shown);
        }
        line.clear();
    }
    text
}

/// The part of cargo's messages that is used, see "External tools" in the Cargo book.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn read_modules(stream: impl Read) -> Vec<Module> {
    let messages = BufReader::new(stream).lines().map_while(Result::ok).filter_map(|line| serde_json::from_str::<Message>(&line).ok());
    messages.filter(|m| m.reason == "compiler-artifact").filter_map(module).collect()
}

fn module(message: Message) -> Option<Module> {
    let has_triple = |path: &PathBuf| path.extension().is_some_and(|e| e == "wasm") && path.iter().any(|part| part == TARGET);
    let path = message.filenames.into_iter().find(has_triple)?;
    let package_dir = message.manifest_path.parent()?.canonicalize().ok()?;
    Some(Module { package: package_name(&message.package_id)?.to_owned(), package_dir, path })
}

/// The name in a package id: `path+file:///a/name#0.1.0` or `path+file:///a/folder#name@0.1.0`.
fn package_name(id: &str) -> Option<&str> {
    let (place, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _version)) => Some(name),
        None => place.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_ids_name_their_package() {
        assert_eq!(package_name("path+file:///a/clean-clicks#0.1.0"), Some("clean-clicks"));
        assert_eq!(package_name("path+file:///a/plugin#clean-clicks@0.1.0"), Some("clean-clicks"));
        assert_eq!(package_name("clean-clicks"), None);
    }
}
