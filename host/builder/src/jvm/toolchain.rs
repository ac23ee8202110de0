//! Everything that turns Java and Scala into components, where it lies on this machine.

use super::{download, native::Native, prepare::Prepared};
use crate::BuildError;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// JDK, compilers, clang, and the compiled SDK.
#[derive(Debug, Clone)]
pub struct JvmToolchain {
    java: PathBuf,
    java_home: PathBuf,
    java_version: String,
    jars: PathBuf,
    pub(super) native: Native,
    pub(super) prepared: Prepared,
}

impl JvmToolchain {
    /// Finds the JDK, and fetches and compiles what is missing into the cache folder; takes minutes the first time.
    ///
    /// # Errors
    /// What is missing and how to install it.
    pub fn find() -> Result<Self, BuildError> {
        let (java, java_home, java_version) = jdk()?;
        let jars = download::jars()?;
        let native = Native::find()?;
        let prepared = Prepared::find(&java, &jars, &native)?;
        Ok(Self { java, java_home, java_version, jars, native, prepared })
    }

    /// A name for all versions: the same request makes the same component if it is the same.
    pub fn identity(&self) -> String {
        let sdk = self.prepared.folder().file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{sdk}-jdk-{}", self.java_version)
    }

    /// The JVM.
    pub(super) fn java(&self) -> &Path {
        &self.java
    }

    /// Folders that compilers read.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        vec![self.java_home.clone(), self.jars.clone(), self.native.folder().to_owned(), self.prepared.folder().to_owned()]
    }

    /// Class path of the compiler.
    pub(super) fn compiler_class_path(&self) -> String {
        // Before TeaVM's own library: classes that are in both are ours.
        let parts = [self.prepared.compiler(), self.prepared.sdk(), self.prepared.runtime(), self.prepared.library()];
        let mut path: Vec<String> = parts.iter().map(|part| part.display().to_string()).collect();
        let mut jars: Vec<String> = std::fs::read_dir(&self.jars)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jar"))
            .map(|path| path.display().to_string())
            .collect();
        jars.sort();
        path.extend(jars);
        path.join(":")
    }

    /// Scala's library.
    pub(super) fn scala_library(&self) -> PathBuf {
        self.jars.join(format!("scala-library-{}.jar", download::SCALA_VERSION))
    }
}

/// The oldest JDK that the compilers run on.
const JDK_VERSION_MIN: u32 = 17;

fn jdk() -> Result<(PathBuf, PathBuf, String), BuildError> {
    let install = "install a JDK 17 or newer (Debian: apt-get install default-jdk-headless)";
    let missing = |reason: String| BuildError::NoJvmToolchain { reason };
    let mut command = match std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => Command::new(Path::new(&home).join("bin/java")),
        None => Command::new("java"),
    };
    let settings = download::run("be asked for its version", install, command.args(["-XshowSettings:properties", "-version"]))?;
    let property = |name: &str| {
        settings.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_prefix('=').map(|value| value.trim().to_owned()))
    };
    let home = property("java.home").ok_or_else(|| missing(format!("java does not say where it lies; {install}")))?;
    let version = property("java.version").unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|part| part.parse().ok()).unwrap_or_default();
    if major < JDK_VERSION_MIN {
        return Err(missing(format!("java is version {version}, expected {JDK_VERSION_MIN} or newer; {install}")));
    }
    let home = PathBuf::from(home);
    let java = home.join("bin/java");
    if !home.join("bin/javac").is_file() {
        return Err(missing(format!("`{}` has no javac: it is no JDK; {install}", home.display())));
    }
    Ok((java, home, version))
}
