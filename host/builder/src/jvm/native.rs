//! clang and the C library for WebAssembly: fetched once, reduced to what builds need.
//!
//! The package `ziglang` brings clang, wasm-ld and the sources of wasi-libc; `zig cc` builds the library once. Builds then
//! call clang and wasm-ld themselves, without zig's own caching around them.

use super::download::{announce, kept, run};
use crate::{
    BuildError,
    fetched::{ZIG, at},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Folders and files below the folder of the native tools.
#[derive(Debug, Clone)]
pub(super) struct Native {
    folder: PathBuf,
}

/// Libraries in the order in which the linker wants them.
const LIBRARIES: [&str; 3] = ["libc.a", "libzigc.a", "libcompiler_rt.a"];

/// What the package must still hold when it has been reduced.
const HEADERS: [&str; 3] = ["include", "libc/include/wasm-wasi-musl", "libc/include/generic-musl"];

/// The part of the C library behind setjmp that the package only has as source.
const SETJMP: &str = "libc/wasi/libc-top-half/musl/src/setjmp/wasm32/rt.c";

impl Native {
    pub(super) fn find() -> Result<Self, BuildError> {
        Ok(Self { folder: kept(&format!("{}-{}-wasm32", ZIG.name, ZIG.version), fetch)? })
    }

    /// The program that is clang or wasm-ld, by its first argument.
    pub(super) fn program(&self) -> PathBuf {
        self.folder.join("zig")
    }

    /// Everything that the program reads.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Source of what setjmp and longjmp call.
    pub(super) fn setjmp_source(&self) -> PathBuf {
        self.folder.join("setjmp.c")
    }

    /// Arguments that make clang compile for the sandbox.
    pub(super) fn compile_args(&self) -> Vec<String> {
        let mut args: Vec<String> = ["clang", "--target=wasm32-wasi", "-nostdinc"].map(String::from).into();
        for headers in HEADERS {
            args.push("-isystem".into());
            args.push(self.folder.join("lib").join(headers).display().to_string());
        }
        let flags = [
            // setjmp, which TeaVM's exceptions are made of, by WebAssembly's exceptions of the final form.
            "-fexceptions",
            "-mexception-handling",
            "-mllvm",
            "-wasm-enable-sjlj",
            "-mllvm",
            "-wasm-use-legacy-eh=false",
            "-msimd128",
            "-mbulk-memory",
            // Java's arithmetic wraps, and objects are read through more than one type.
            "-fwrapv",
            "-fno-strict-aliasing",
            "-fno-delete-null-pointer-checks",
            "-fvisibility=hidden",
            "-std=gnu17",
            "-w",
            // The C library's own would take memory where the Java heap grows: see heap.c.
            "-Dmalloc=millrace_malloc",
            "-Dfree=millrace_free",
            "-Dcalloc=millrace_calloc",
            "-Drealloc=millrace_realloc",
        ];
        args.extend(flags.map(String::from));
        args
    }

    /// Arguments that make wasm-ld link objects into a module without WASI.
    pub(super) fn link_args(&self, module: &Path, objects: &[PathBuf]) -> Vec<String> {
        let mut args: Vec<String> =
            ["wasm-ld", "--no-entry", "--stack-first", "--gc-sections", "--strip-debug", "--build-id=none", "-z"].map(String::from).into();
        args.push(format!("stack-size={STACK_BYTES}"));
        args.push("-o".into());
        args.push(module.display().to_string());
        args.extend(objects.iter().map(|object| object.display().to_string()));
        args.extend(LIBRARIES.map(|library| self.folder.join(library).display().to_string()));
        args
    }
}

/// Bytes of the C stack. Of every call a part lies here and a part on the sandbox's own stack of 512 KiB; this one is used up
/// first by simple recursion (about 2,500 calls), which then is a StackOverflowError instead of a trap.
const STACK_BYTES: u32 = 96 * 1024;

fn fetch(folder: &Path) -> Result<(), BuildError> {
    announce("Fetching clang for WebAssembly (the package ziglang, once, about 100 MB) and building its C library …");
    let work = folder.with_extension("work");
    let wheels = work.join("wheels");
    let install = "install Python's pip (Debian: apt-get install python3-pip)";
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]).arg(&wheels);
    run("fetch clang", install, pip.arg(format!("{}=={}", ZIG.name, ZIG.version)))?;
    let wheel = fs::read_dir(&wheels).map_err(at(&wheels))?.flatten().map(|entry| entry.path()).next();
    let wheel = wheel.ok_or_else(|| BuildError::NoJvmToolchain { reason: "pip fetched ziglang and left no file".into() })?;
    run("unpack clang", install, Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(&work))?;
    let package = work.join("ziglang");
    let program = package.join("zig");
    make_executable(&program)?;
    build_library(&program, &work, folder)?;
    for headers in HEADERS {
        let to = folder.join("lib").join(headers);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::rename(package.join("lib").join(headers), &to).map_err(at(&to))?;
    }
    let setjmp = folder.join("setjmp.c");
    fs::copy(package.join("lib").join(SETJMP), &setjmp).map_err(at(&setjmp))?;
    fs::rename(&program, folder.join("zig")).map_err(at(&program))?;
    fs::remove_dir_all(&work).map_err(at(&work))
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<(), BuildError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(at(program))
}

/// Links an empty program, which makes zig build the libraries, and keeps those that it names.
fn build_library(zig: &Path, work: &Path, folder: &Path) -> Result<(), BuildError> {
    let probe = work.join("probe.c");
    fs::write(&probe, "int probe(void) { return 0; }\n").map_err(at(&probe))?;
    let cache = work.join("cache");
    let mut command = Command::new(zig);
    command.args(["cc", "-O2", "-target", "wasm32-wasi", "-mexec-model=reactor"]).arg(&probe).arg("-o").arg(work.join("probe.wasm"));
    command.env("ZIG_GLOBAL_CACHE_DIR", &cache).env("ZIG_LOCAL_CACHE_DIR", &cache).env("ZIG_VERBOSE_LINK", "1").current_dir(work);
    let log = run("build the C library", "the package ziglang is not what is expected", &mut command)?;
    for library in LIBRARIES {
        let named = log
            .lines()
            .filter(|line| line.starts_with("wasm-ld"))
            .flat_map(|line| line.split(' '))
            .find(|word| Path::new(word).file_name().is_some_and(|name| name == library));
        let built = named.ok_or_else(|| BuildError::NoJvmToolchain { reason: format!("zig built no {library}") })?;
        let (from, to) = (work.join(built), folder.join(library));
        fs::copy(&from, &to).map_err(at(&from))?;
    }
    Ok(())
}
