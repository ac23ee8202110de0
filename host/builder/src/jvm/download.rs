//! What is fetched once per machine: the compilers' JARs with Maven, clang as the Python package `ziglang`.
//!
//! Invariant: folders of the cache are made by [`fetched::publish`] only, which publishes them whole.

use crate::{
    BuildError,
    fetched::{self, at},
    tool::{self, TOOL_TIME_MAX},
};
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
fn missing(reason: String) -> BuildError {
    BuildError::NoJvmToolchain { reason }
}

/// The folder `name` of the cache; if it is not there, `fill` makes it in an empty folder.
pub(super) fn kept(name: &str, fill: impl FnOnce(&Path) -> Result<(), BuildError>) -> Result<PathBuf, BuildError> {
    fetched::publish(name, |work| {
        let filled = work.join("filled");
        fs::create_dir(&filled).map_err(at(&filled))?;
        fill(&filled)?;
        Ok(filled)
    })
}

/// Says on standard error what takes long.
pub(super) fn announce(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Runs a tool of the machine (not on anything of a tenant's); answers what it wrote.
pub(super) fn run(what: &str, install: &str, command: &mut Command) -> Result<String, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tool::output(command, TOOL_TIME_MAX);
    let output = output.map_err(|error| missing(format!("{program} cannot be started to {what} ({error}); {install}")))?;
    let Some(output) = output else {
        let time = tool::shown(TOOL_TIME_MAX);
        return Err(missing(format!(
            "{program} had not ended after {time} (to {what}) and was ended; is the network reachable from here?"
        )));
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(missing(format!("{program} could not {what}; {install}\n{}", text.trim())))
}

/// The compilers' JARs.
pub(super) fn jars() -> Result<PathBuf, BuildError> {
    kept(&format!("teavm-{TEAVM_VERSION}-scala-{SCALA_VERSION}"), |folder| {
        announce("Fetching TeaVM and the Scala compiler from Maven Central (once, about 50 MB) …");
        let pom = folder.join("pom.xml");
        fs::write(&pom, project()).map_err(at(&pom))?;
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
