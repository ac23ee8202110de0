//! Flink's jars: the distribution's core is published only inside the Python package, the SQL gateway only with Maven.

use crate::{ServerError, cache};
use std::{fs, path::PathBuf, process::Command};

const VERSION: &str = "2.3.0";
/// The newest one; it is made for Flink 2.2 and runs on 2.3.
const KAFKA_CONNECTOR: &str = "5.0.0-2.2";
const PACKAGE: &str = "apache-flink-libraries";

/// Folder with all jars, downloaded if it is not there.
pub(super) fn jars() -> Result<PathBuf, ServerError> {
    cache::folder("flink", &format!("flink-{VERSION}"), |work| {
        let wheels = work.join("wheels");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]).arg(&wheels).arg(format!("{PACKAGE}=={VERSION}"));
        cache::run("flink", &format!("fetch {PACKAGE} {VERSION}"), &mut pip)?;
        let wheel = fs::read_dir(&wheels)
            .and_then(|mut entries| entries.next().transpose())
            .map_err(super::failed("read the download"))?
            .ok_or_else(|| super::error(format!("pip fetched {PACKAGE} and left no file")))?;
        let mut unpack = Command::new("python3");
        unpack.args(["-m", "zipfile", "-e"]).arg(wheel.path()).arg(work);
        cache::run("flink", "unpack the download", &mut unpack)?;
        let jars = work.join("pyflink/lib");
        cache::maven("flink", &[format!("org.apache.flink:flink-sql-gateway:{VERSION}")], true, work, &jars)?;
        Ok(jars)
    })
}

/// The connector's jar, downloaded if it is not there.
pub(super) fn kafka_connector() -> Result<PathBuf, ServerError> {
    let folder = cache::folder("flink", &format!("flink-kafka-{KAFKA_CONNECTOR}"), |work| {
        let jars = work.join("jars");
        cache::maven("flink", &[format!("org.apache.flink:flink-sql-connector-kafka:{KAFKA_CONNECTOR}")], true, work, &jars)?;
        Ok(jars)
    })?;
    Ok(folder.join(format!("flink-sql-connector-kafka-{KAFKA_CONNECTOR}.jar")))
}
