//! Downloads, kept once per machine.
//!
//! Invariant: a folder under its final name is complete. It is filled next to it; a rename publishes.

use crate::ServerError;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// The folder `name` of the cache; if it is not there, `fill` makes it from an empty working folder and answers which
/// folder inside that one to keep.
pub(crate) fn folder(
    server: &'static str,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<PathBuf, ServerError>,
) -> Result<PathBuf, ServerError> {
    let failed = |what: &'static str| move |e: std::io::Error| ServerError { server, message: format!("cannot {what}: {e}") };
    let cache = root(server)?;
    let kept = cache.join(name);
    if kept.is_dir() {
        return Ok(kept);
    }
    fs::create_dir_all(&cache).map_err(failed("make the cache folder"))?;
    let lock = File::create(cache.join(format!("{server}.lock"))).map_err(failed("create the download lock"))?;
    // Held until return: test binaries that start at the same time download once.
    lock.lock().map_err(failed("take the download lock"))?;
    if !kept.is_dir() {
        let work = tempfile::Builder::new().prefix(&format!("{server}-")).tempdir_in(&cache).map_err(failed("make a folder"))?;
        let filled = fill(work.path())?;
        fs::rename(filled, &kept).map_err(failed("publish the download"))?;
    }
    Ok(kept)
}

pub(crate) fn root(server: &'static str) -> Result<PathBuf, ServerError> {
    if let Some(cache) = std::env::var_os("MILLRACE_CACHE") {
        return Ok(cache.into());
    }
    match std::env::var_os("HOME") {
        Some(home) => Ok(Path::new(&home).join(".cache/millrace")),
        None => {
            let message = "neither MILLRACE_CACHE nor HOME is set; one must name a place for downloads".into();
            Err(ServerError { server, message })
        }
    }
}

/// Runs a program that fetches or unpacks something and fails with what it wrote if it does.
pub(crate) fn run(server: &'static str, what: &str, command: &mut Command) -> Result<(), ServerError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let error = |message: String| ServerError { server, message };
    let output = command.output().map_err(|e| error(format!("cannot start {program} to {what} (is it installed?): {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(error(format!("{program} could not {what}: {}", String::from_utf8_lossy(&text))))
}

/// The jars of these Maven artifacts (`group:artifact:version`) into the folder `to`; `alone` leaves out what they need.
pub(crate) fn maven(server: &'static str, artifacts: &[String], alone: bool, work: &Path, to: &Path) -> Result<(), ServerError> {
    let exclusions =
        if alone { "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>" } else { "" };
    let dependencies: String = artifacts
        .iter()
        .map(|artifact| {
            let mut parts = artifact.splitn(3, ':');
            let mut part = || parts.next().unwrap_or_default();
            let (group, name, version) = (part(), part(), part());
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>{exclusions}</dependency>"
            )
        })
        .collect();
    let pom = work.join("pom.xml");
    let text = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>millrace</groupId><artifactId>{server}</artifactId><version>1</version><packaging>pom</packaging>\
         <dependencies>{dependencies}</dependencies></project>"
    );
    fs::write(&pom, text).map_err(|e| ServerError { server, message: format!("cannot write pom.xml: {e}") })?;
    let mut command = Command::new("mvn");
    command.args(["-q", "-B", "-f"]).arg(&pom).args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
    command.arg(format!("-DoutputDirectory={}", to.display()));
    run(server, &format!("fetch {}", artifacts.join(", ")), &mut command)
}
