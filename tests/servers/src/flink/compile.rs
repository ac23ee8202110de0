//! Java sources compiled with the JDK against Flink's own jars, so that they always fit them.

use super::{FlinkCluster, error, failed};
use crate::{ServerError, cache};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const SERVICE: &str = "META-INF/services/org.apache.flink.table.factories.Factory";

impl FlinkCluster {
    /// Compiles the `.java` files in `sources` and answers the jar, which `factory` makes a table connector.
    ///
    /// # Errors
    /// No JDK, sources that cannot be compiled, or as [`Self::jars`].
    pub fn compile(sources: &Path, factory: &str, work: &Path) -> Result<PathBuf, ServerError> {
        let name = factory.rsplit('.').next().unwrap_or(factory);
        let (classes, jar) = (work.join(format!("{name}-classes")), work.join(format!("{name}.jar")));
        let service = classes.join(SERVICE);
        fs::create_dir_all(service.parent().unwrap_or(&classes)).map_err(failed("make a folder"))?;
        fs::write(&service, factory).map_err(failed("write the service file"))?;
        let mut javac = Command::new("javac");
        javac.arg("-Xlint:-deprecation").arg("-nowarn").arg("-d").arg(&classes).arg("-cp").arg(Self::jars()?.join("*"));
        let entries = fs::read_dir(sources).map_err(|e| error(format!("cannot list {}: {e}", sources.display())))?;
        for entry in entries {
            let path = entry.map_err(failed("list the sources"))?.path();
            if path.extension().is_some_and(|extension| extension == "java") {
                javac.arg(path);
            }
        }
        cache::run("flink", "compile with javac (is a JDK 17 installed?)", &mut javac)?;
        cache::run("flink", "make a jar", Command::new("jar").arg("cf").arg(&jar).arg("-C").arg(&classes).arg("."))?;
        Ok(jar)
    }
}
