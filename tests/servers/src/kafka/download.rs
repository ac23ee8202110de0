//! The broker's jars: fetched once per machine with Maven into the cache folder.
//!
//! Invariant: the folder of the final name is complete. Maven writes next to it; a rename publishes.

use super::{error, failed};
use crate::ServerError;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

const VERSION: &str = "4.3.0";

/// Folder with all jars, downloaded if it is not there.
pub(super) fn jars() -> Result<PathBuf, ServerError> {
    let cache = cache_folder()?;
    let jars = cache.join(format!("kafka-{VERSION}"));
    if jars.is_dir() {
        return Ok(jars);
    }
    fs::create_dir_all(&cache).map_err(failed("make the cache folder"))?;
    let lock = File::create(cache.join("kafka.lock")).map_err(failed("create the download lock"))?;
    // Held until return: test binaries that start at the same time download once.
    lock.lock().map_err(failed("take the download lock"))?;
    if !jars.is_dir() {
        let work = tempfile::Builder::new().prefix("kafka-").tempdir_in(&cache).map_err(failed("make a folder"))?;
        download(work.path())?;
        fs::rename(work.path().join("jars"), &jars).map_err(failed("publish the downloaded jars"))?;
    }
    Ok(jars)
}

fn cache_folder() -> Result<PathBuf, ServerError> {
    if let Some(cache) = std::env::var_os("MILLRACE_CACHE") {
        return Ok(cache.into());
    }
    match std::env::var_os("HOME") {
        Some(home) => Ok(Path::new(&home).join(".cache/millrace")),
        None => Err(error("neither MILLRACE_CACHE nor HOME is set; one must name a place for downloads".into())),
    }
}

fn download(work: &Path) -> Result<(), ServerError> {
    let pom = work.join("pom.xml");
    fs::write(&pom, pom_text()).map_err(failed("write pom.xml"))?;
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(&pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", work.join("jars").display()))
        .output()
        .map_err(failed("start mvn (is Maven installed?)"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(error(format!("mvn could not fetch Kafka {VERSION}: {}", String::from_utf8_lossy(&text))))
}

fn pom_text() -> String {
    let dependency = |artifact| {
        format!(
            "<dependency><groupId>org.apache.kafka</groupId><artifactId>{artifact}</artifactId><version>{VERSION}</version></dependency>"
        )
    };
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>millrace</groupId><artifactId>test-broker</artifactId><version>1</version><packaging>pom</packaging>\
         <dependencies>{}{}</dependencies></project>",
        dependency("kafka_2.13"),
        dependency("kafka-tools")
    )
}
