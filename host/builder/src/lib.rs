//! From the source of a plugin to a WebAssembly component.
//!
//! Two ways: where the author works, on code that its user wrote or trusts, since `cargo build` runs build scripts and
//! macros; and on the server, from source text and JARs of strangers. Invariant: on the server no process of a build runs
//! outside of a [`cage`]. What is built is not trusted because of that: the server admits it like any upload.

pub mod cage;
mod cargo;
mod check;
mod component;
mod failure;
pub mod fetched;
pub mod jar;
pub mod jvm;
mod presented;
mod project;
mod samples;
pub mod script;
mod sdk;
pub mod service;
mod source_build;
pub mod sources;
#[cfg(test)]
mod tests;
mod tool;
mod toolchain;

pub use component::encode_component;
pub use failure::BuildError;
pub use presented::{PresentationFiles, presentation_files};
pub use project::{NewProject, SdkSource, new_project, new_project_of};
pub use samples::{build_samples, sample_plugins};
pub use sdk::{WrittenSdk, write_sdk};
pub use source_build::{
    BuildReport, BuildStep, Diagnostic, Jar, Language, Severity, SourceBuild, SourceBuilder, SourceBuilderFactory, SourceFile, World,
};

use fetched::at;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A component, ready for upload.
#[derive(Debug, Clone)]
pub struct Built {
    /// Name of the package it was built from.
    pub name: String,
    /// The component.
    pub component: Vec<u8>,
    /// The file that holds it.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How long the build took.
    pub elapsed: Duration,
    /// What its author should know of it, as compilers print it.
    pub warnings: Vec<String>,
}

/// How to build.
#[derive(Default)]
pub struct BuildOptions<'a> {
    /// Where cargo puts its output; the project's own `target` when absent.
    pub target_dir: Option<PathBuf>,
    /// Refuse to change `Cargo.lock`.
    pub locked: bool,
    /// Hears every line that the compiler writes, as it is written.
    pub on_line: Option<&'a mut (dyn FnMut(&str) + Send)>,
}

/// Builds the Rust plugin in `dir` and writes the component to `<target>/components/<package>.wasm`.
///
/// # Errors
/// No toolchain, a compile error (with the compiler's text), or a module that is no Millrace component.
pub fn build_rust(dir: &Path) -> Result<Built, BuildError> {
    build_rust_with(dir, BuildOptions::default())
}

/// [`build_rust`] with options.
///
/// # Errors
/// As for [`build_rust`].
pub fn build_rust_with(dir: &Path, options: BuildOptions<'_>) -> Result<Built, BuildError> {
    let started = Instant::now();
    let dir = dir.canonicalize().map_err(|source| BuildError::Io { path: dir.to_owned(), source })?;
    if !dir.join("Cargo.toml").is_file() {
        return Err(BuildError::NoProject { dir });
    }
    let modules = cargo::build(&cargo::Request { dir: &dir, packages: &[] }, options)?;
    let module = modules.into_iter().find(|m| m.package_dir == dir).ok_or(BuildError::NoModule { dir })?;
    finish(&module, &module.target_dir().join("components"), started)
}

/// Makes a component of a compiled module and writes it to `<folder>/<package>.wasm`.
fn finish(module: &cargo::Module, folder: &Path, started: Instant) -> Result<Built, BuildError> {
    let bytes = std::fs::read(&module.path).map_err(at(&module.path))?;
    publish(folder, module.package.clone(), encode_component(&module.package, &bytes)?, started)
}

/// Writes a component to `<folder>/<name>.wasm`.
fn publish(folder: &Path, name: String, component: Vec<u8>, started: Instant) -> Result<Built, BuildError> {
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    // Written aside and renamed, so that nobody ever reads half a component.
    let (path, partial) = (folder.join(format!("{name}.wasm")), folder.join(format!(".{name}.partial")));
    std::fs::write(&partial, &component).map_err(at(&partial))?;
    std::fs::rename(&partial, &path).map_err(at(&path))?;
    let size = component.len() as u64;
    tracing::debug!(plugin = name, size, "built component");
    Ok(Built { name, component, path, size, elapsed: started.elapsed(), warnings: Vec::new() })
}
