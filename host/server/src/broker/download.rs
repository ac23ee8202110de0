//! Kafka's jars: fetched once per machine with Maven into the cache folder.
//!
//! Invariant: a folder under its final name is complete. Maven writes beside it; a rename publishes it.

use anyhow::{Context, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VERSION: &str = "4.3.0";

/// The folder with all jars, downloaded if it is not there.
pub(super) fn jars() -> anyhow::Result<PathBuf> {
    let cache = cache_folder()?;
    let jars = cache.join(format!("kafka-{VERSION}"));
    if jars.is_dir() {
        return Ok(jars);
    }
    fs::create_dir_all(&cache).with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
    let lock = fs::File::create(cache.join("kafka.lock"))?;
    // Held until return: processes that start at the same time download once.
    lock.lock().context("cannot lock the cache folder")?;
    if !jars.is_dir() {
        eprintln!("Fetching Apache Kafka {VERSION} from Maven Central (once, about 100 MB) …");
        let work = tempfile::Builder::new().prefix("kafka-").tempdir_in(&cache)?;
        download(work.path())?;
        fs::rename(work.path().join("jars"), &jars).context("cannot publish the downloaded jars")?;
    }
    Ok(jars)
}

fn cache_folder() -> anyhow::Result<PathBuf> {
    if let Some(cache) = std::env::var_os("MILLRACE_CACHE").filter(|c| !c.is_empty()) {
        return Ok(cache.into());
    }
    let home = std::env::var_os("HOME").context("neither MILLRACE_CACHE nor HOME is set; one must name a place for downloads")?;
    Ok(Path::new(&home).join(".cache/millrace"))
}

fn download(work: &Path) -> anyhow::Result<()> {
    let pom = work.join("pom.xml");
    fs::write(&pom, project())?;
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(&pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", work.join("jars").display()))
        .output()
        .context("cannot start mvn; install Maven (Debian: apt-get install maven) or name a cluster with --kafka ADDRESS")?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    bail!("Maven could not fetch Kafka {VERSION}:\n{}", String::from_utf8_lossy(&text))
}

/// A Maven project that has no code, only the broker and its storage tool as dependencies.
fn project() -> String {
    let dependency = |artifact: &str| {
        format!(
            "<dependency><groupId>org.apache.kafka</groupId><artifactId>{artifact}</artifactId><version>{VERSION}</version></dependency>"
        )
    };
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>millrace</groupId><artifactId>embedded-broker</artifactId><version>1</version><packaging>pom</packaging>\
         <dependencies>{}{}</dependencies></project>",
        dependency("kafka_2.13"),
        dependency("kafka-tools")
    )
}
