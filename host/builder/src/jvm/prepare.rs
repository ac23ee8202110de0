//! Compiles SDK, runtime, compiler and the C parts: once per version of their sources and tools.

use super::{download, native::Native, sources};
use crate::{BuildError, fetched::ZIG};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What is compiled, below one folder.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    folder: PathBuf,
}

impl Prepared {
    pub(super) fn find(java: &Path, jars: &Path, native: &Native) -> Result<Self, BuildError> {
        let name = format!("java-sdk-{}-{}-{}-{}", sources::fingerprint(), download::TEAVM_VERSION, download::SCALA_VERSION, ZIG.version);
        Ok(Self { folder: download::kept(&name, |folder| compile(folder, java, jars, native))? })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Classes of the SDK.
    pub(super) fn sdk(&self) -> PathBuf {
        self.folder.join("sdk")
    }

    /// What completes TeaVM's library; its name marks it as a part of that.
    pub(super) fn library(&self) -> PathBuf {
        self.folder.join("teavm-completed")
    }

    /// Classes of the runtime.
    pub(super) fn runtime(&self) -> PathBuf {
        self.folder.join("runtime")
    }

    /// Classes of the compiler.
    pub(super) fn compiler(&self) -> PathBuf {
        self.folder.join("compiler")
    }

    /// Headers and sources of the C parts.
    pub(super) fn c(&self) -> PathBuf {
        self.folder.join("sources/runtime/src/main/c")
    }

    /// An object of the C parts, by the name of its source.
    pub(super) fn object(&self, name: &str) -> PathBuf {
        self.folder.join("objects").join(format!("{name}.o"))
    }
}

fn compile(folder: &Path, java: &Path, jars: &Path, native: &Native) -> Result<(), BuildError> {
    let all = folder.join("sources");
    sources::write(&all)?;
    let libraries = jars.join("*").into_os_string();
    let prepared = Prepared { folder: folder.to_owned() };
    let (sdk, library, runtime, compiler) = (prepared.sdk(), prepared.library(), prepared.runtime(), prepared.compiler());
    javac(java, &all, "api/src/main/java", &[], &sdk)?;
    javac(java, &all, "classlib/src/main/java", std::slice::from_ref(&libraries), &library)?;
    sources::copy(&all, "classlib/src/main/resources", &library)?;
    javac(java, &all, "runtime/src/main/java", &[sdk.clone().into_os_string(), libraries.clone()], &runtime)?;
    javac(java, &all, "compiler/src/main/java", &[libraries], &compiler)?;
    let objects = folder.join("objects");
    fs::create_dir_all(&objects).map_err(|source| BuildError::Io { path: objects.clone(), source })?;
    let c = all.join("runtime/src/main/c");
    let mut units = sources::files(&all, "runtime/src/main/c", ".c");
    // Compiled with each program: it knows the program's types.
    units.retain(|file| file.file_name().is_some_and(|name| name != "program-end.c"));
    units.extend(sources::files(&all, "runtime/src/main/c", ".s"));
    units.push(native.setjmp_source());
    for unit in units {
        let name = unit.file_stem().unwrap_or_default().to_owned();
        let mut object = name;
        object.push(".o");
        let mut clang = Command::new(native.program());
        clang.args(native.compile_args()).arg("-O3").arg("-I").arg(c.join("include")).arg("-I").arg(&c);
        clang.arg("-c").arg(&unit).arg("-o").arg(objects.join(object));
        download::run("compile the runtime", "the package ziglang is not what is expected", &mut clang)?;
    }
    Ok(())
}

fn javac(java: &Path, sources: &Path, part: &str, class_path: &[OsString], into: &Path) -> Result<(), BuildError> {
    let javac = java.with_file_name("javac");
    let mut command = Command::new(&javac);
    command.args(["-nowarn", "-proc:none", "-g", "-encoding", "UTF-8", "-source", "17", "-target", "17", "-d"]).arg(into);
    if !class_path.is_empty() {
        command.arg("-cp").arg(class_path.join(std::ffi::OsStr::new(":")));
    }
    command.args(super::sources::files(sources, part, ".java"));
    download::run("compile the Java SDK", "install a JDK 17 or newer (Debian: apt-get install default-jdk-headless)", &mut command)?;
    Ok(())
}
