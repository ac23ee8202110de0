//! The SDK as files, for those who have this program and not its repository: the contract, the Rust crates, the artefact for
//! Java and Scala, types for editors.
//!
//! Invariant: what is written is what this program builds plugins with.

use crate::{
    BuildError,
    fetched::{at, run},
    jar::stored,
    jvm, project,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The artefact for Java and Scala, as Maven names it.
const JAR: &str = "millrace-sdk-0.1.0.jar";

macro_rules! texts {
    ($($target:literal => $source:literal),* $(,)?) => {
        &[$(($target, include_str!(concat!("../../../", $source)))),*]
    };
}

/// What no other module has: path in the SDK, content.
const FILES: &[(&str, &str)] = texts! {
    "README.md" => "guest-sdk/README.md",
    "wit/types.wit" => "wit/millrace-plugin-0.1.0/types.wit",
    "wit/capabilities.wit" => "wit/millrace-plugin-0.1.0/capabilities.wit",
    "wit/etl-operator.wit" => "wit/millrace-plugin-0.1.0/etl-operator.wit",
    "wit/functions.wit" => "wit/millrace-plugin-0.1.0/functions.wit",
    "wit/operators.wit" => "wit/millrace-plugin-0.1.0/operators.wit",
    "java/pom.xml" => "guest-sdk/java/api/pom.xml",
    "java/sample/README.md" => "guest-sdk/java/sample/README.md",
    "java/sample/pom.xml" => "guest-sdk/java/sample/pom.xml",
    "java/sample/src/main/java/com/example/orders/CleanOrders.java" =>
        "guest-sdk/java/sample/src/main/java/com/example/orders/CleanOrders.java",
    "java/sample/src/main/java/com/example/orders/Mask.java" => "guest-sdk/java/sample/src/main/java/com/example/orders/Mask.java",
    "java/sample/src/main/java/com/example/orders/WeightedAverage.java" =>
        "guest-sdk/java/sample/src/main/java/com/example/orders/WeightedAverage.java",
    "java/sample/src/test/java/com/example/orders/OrdersTest.java" =>
        "guest-sdk/java/sample/src/test/java/com/example/orders/OrdersTest.java",
    "javascript/millrace.d.ts" => "guest-sdk/javascript/millrace.d.ts",
    "python/millrace.pyi" => "guest-sdk/python/millrace.pyi",
};

/// An SDK that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenSdk {
    /// Its folder.
    pub dir: PathBuf,
    /// How many files were written.
    pub files: usize,
    /// The JAR of the artefact for Java and Scala, or why it was not made.
    pub jar: Result<PathBuf, String>,
}

/// Writes the SDK to `dir`; files of an earlier one are replaced.
///
/// # Errors
/// A file cannot be written.
pub fn write_sdk(dir: &Path) -> Result<WrittenSdk, BuildError> {
    let own = FILES.iter().map(|(path, text)| ((*path).to_owned(), *text));
    let rust = project::SDK.iter().map(|(path, text)| (format!("rust/{path}"), *text));
    let java = jvm::api_sources().map(|(path, text)| (format!("java/{path}"), text));
    let mut files = 0;
    for (path, text) in own.chain(rust).chain(java) {
        let path = dir.join(path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(at(&path))?;
        files += 1;
    }
    Ok(WrittenSdk { dir: dir.to_owned(), files, jar: jar(&dir.join("java")).map_err(|error| error.to_string()) })
}

/// Compiles the artefact, if there is a JDK.
fn jar(java: &Path) -> Result<PathBuf, BuildError> {
    let work = tempfile::tempdir().map_err(at(java))?;
    let (classes, list) = (work.path().join("classes"), work.path().join("sources"));
    let sources: Vec<String> = jvm::api_sources()
        .filter(|(path, _)| path.ends_with(".java"))
        // Quoted, as a path may have blanks.
        .map(|(path, _)| format!("{:?}", java.join(path).display().to_string()))
        .collect();
    fs::write(&list, sources.join("\n")).map_err(at(&list))?;
    let mut command = match std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => Command::new(Path::new(&home).join("bin/javac")),
        None => Command::new("javac"),
    };
    command.args(["--release", "17", "-proc:none", "-nowarn", "-encoding", "UTF-8", "-d"]).arg(&classes);
    command.arg(format!("@{}", list.display()));
    run(&mut command, "install a JDK 17 or newer (Debian: apt-get install default-jdk-headless), or let Maven make it: mvn install")?;
    let mut files = vec![("META-INF/MANIFEST.MF".to_owned(), b"Manifest-Version: 1.0\r\n\r\n".to_vec())];
    collect(&classes, "", &mut files)?;
    let place = java.join(JAR);
    let archive = stored(files).map_err(|reason| BuildError::BadManifest { path: place.clone(), reason })?;
    fs::write(&place, archive).map_err(at(&place))?;
    Ok(place)
}

/// Files of a folder and those below it, sorted by name.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), BuildError> {
    let mut entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()).map_err(at(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            files.push((name, fs::read(&path).map_err(at(&path))?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_has_all_that_a_plugin_needs_and_can_be_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = write_sdk(folder.path()).unwrap();
        for file in [
            "README.md",
            "wit/operators.wit",
            "rust/millrace-plugin/Cargo.toml",
            "rust/millrace-plugin/wit/types.wit",
            "rust/kernels/src/lib.rs",
            "java/pom.xml",
            "java/src/main/java/millrace/api/ETLFunction.java",
            "java/sample/pom.xml",
            "javascript/millrace.d.ts",
            "python/millrace.pyi",
        ] {
            assert!(folder.path().join(file).is_file(), "{file}");
        }
        // Machines of developers have a JDK; one without says what to do.
        match &first.jar {
            Ok(jar) => assert!(fs::read(jar).unwrap().starts_with(b"PK")),
            Err(reason) => assert!(reason.contains("install a JDK"), "{reason}"),
        }
        assert_eq!(write_sdk(folder.path()).unwrap(), first);
    }
}
