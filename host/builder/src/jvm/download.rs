//! What is fetched once per machine: the compilers' JARs with Maven, clang as the Python package `ziglang`.
//!
//! Invariant: a folder under its final name is complete. It is filled beside it; a rename publishes it.

use crate::BuildError;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// TeaVM: bytecode to C.
pub(super) const TEAVM_VERSION: &str = "0.15.0";
/// Scala's compiler and library.
pub(super) const SCALA_VERSION: &str = "2.13.16";
/// Version of the package; it brings clang 22 and wasi-libc.
pub(super) const ZIGLANG_VERSION: &str = "0.17.1";

fn missing(reason: String) -> BuildError {
    BuildError::NoJvmToolchain { reason }
}

/// The cache folder of this machine.
pub(super) fn cache_folder() -> Result<PathBuf, BuildError> {
    if let Some(cache) = std::env::var_os("MILLRACE_CACHE").filter(|cache| !cache.is_empty()) {
        return Ok(cache.into());
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| missing("neither MILLRACE_CACHE nor HOME is set; one must name a place for downloads".into()))?;
    Ok(Path::new(&home).join(".cache/millrace"))
}

/// The folder `name` of the cache; if it is not there, `fill` makes it in an empty folder.
pub(super) fn kept(cache: &Path, name: &str, fill: impl FnOnce(&Path) -> Result<(), BuildError>) -> Result<PathBuf, BuildError> {
    let kept = cache.join(name);
    if kept.is_dir() {
        return Ok(kept);
    }
    let io = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| missing(format!("cannot {what}: {error}"))
    };
    fs::create_dir_all(cache).map_err(io("make the cache folder"))?;
    let lock = fs::File::create(cache.join(format!("{name}.lock"))).map_err(io("create the download lock"))?;
    // Held until return: processes that start at the same time do it once.
    lock.lock().map_err(io("take the download lock"))?;
    if !kept.is_dir() {
        let work = tempfile::Builder::new().prefix("millrace-jvm-").tempdir_in(cache).map_err(io("make a folder"))?;
        let filled = work.path().join("filled");
        fs::create_dir(&filled).map_err(io("make a folder"))?;
        fill(&filled)?;
        fs::rename(&filled, &kept).map_err(io("publish what was made"))?;
    }
    Ok(kept)
}

/// Says on standard error what takes long.
pub(super) fn announce(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Runs a tool of the machine (not on anything of a tenant's); answers what it wrote.
pub(super) fn run(what: &str, install: &str, command: &mut Command) -> Result<String, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| missing(format!("{program} cannot be started to {what} ({error}); {install}")))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(missing(format!("{program} could not {what}; {install}\n{}", text.trim())))
}

/// The compilers' JARs.
pub(super) fn jars(cache: &Path) -> Result<PathBuf, BuildError> {
    kept(cache, &format!("teavm-{TEAVM_VERSION}-scala-{SCALA_VERSION}"), |folder| {
        announce("Fetching TeaVM and the Scala compiler from Maven Central (once, about 50 MB) …");
        let pom = folder.join("pom.xml");
        fs::write(&pom, project()).map_err(|source| BuildError::Io { path: pom.clone(), source })?;
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "-f"]).arg(&pom).args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
        maven.arg(format!("-DoutputDirectory={}", folder.display()));
        run("fetch the compilers", "install Maven (Debian: apt-get install maven)", &mut maven)?;
        Ok(())
    })
}

fn project() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!("<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>")
    };
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>millrace</groupId><artifactId>compilers</artifactId><version>1</version><packaging>pom</packaging>\
         <dependencies>{}{}{}</dependencies></project>",
        dependency("org.teavm", "teavm-tooling", TEAVM_VERSION),
        dependency("org.teavm", "teavm-classlib", TEAVM_VERSION),
        dependency("org.scala-lang", "scala-compiler", SCALA_VERSION),
    )
}
