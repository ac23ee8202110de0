//! The `case` connector: compiled with the JDK against Flink's own jars, so that it always fits them.

use anyhow::{Context, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const FACTORY: &str = "millrace.conformance.CaseTableFactory";
const SERVICE: &str = "META-INF/services/org.apache.flink.table.factories.Factory";

/// Compiles the sources below `sources` and answers the jar.
pub(super) fn build(sources: &Path, flink: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let (classes, jar) = (work.join("classes"), work.join("case-connector.jar"));
    let service = classes.join(SERVICE);
    fs::create_dir_all(service.parent().unwrap_or(&classes)).context("cannot make a folder")?;
    fs::write(&service, FACTORY).context("cannot write the service file")?;
    let package = sources.join("millrace/conformance");
    let entries = fs::read_dir(&package).with_context(|| format!("cannot list {}", package.display()))?;
    let mut javac = Command::new("javac");
    javac.arg("-Xlint:-deprecation").arg("-nowarn").arg("-d").arg(&classes).arg("-cp").arg(flink.join("*"));
    for entry in entries {
        let path = entry.context("cannot list the connector's sources")?.path();
        if path.extension().is_some_and(|extension| extension == "java") {
            javac.arg(path);
        }
    }
    run(&mut javac)?;
    run(Command::new("jar").arg("cf").arg(&jar).arg("-C").arg(&classes).arg("."))?;
    Ok(jar)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program} (is a JDK 17 installed?)"))?;
    ensure!(output.status.success(), "{program} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(())
}
