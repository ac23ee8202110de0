//! The JavaScript core: QuickJS with the glue of `guest-sdk/javascript/core`, compiled once per machine.

use super::{describe, fingerprint};
use crate::{
    BuildError, World,
    component::encode_component,
    fetched::{self, Package, ZIG, at, run},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// QuickJS-ng's sources, as its Python binding carries them.
const QUICKJS: Package = Package { name: "quickjs-ng", version: "0.17.0.2", megabytes: 1, source: true };

/// Worlds that the core has.
const WORLDS: [World; 4] = [World::EtlOperator, World::ScalarFunction, World::TableFunction, World::AggregateFunction];

/// Modules that every plugin gets.
pub const SDK: &[(&str, &str)] = &[("millrace.js", include_str!("../../../../guest-sdk/javascript/millrace.js"))];

macro_rules! glue {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../guest-sdk/javascript/core/", $name)))),*]
    };
}

const GLUE: &[(&str, &str)] = glue!(
    "abi.c",
    "abi.h",
    "capabilities.c",
    "column.h",
    "core.c",
    "core.h",
    "etl.c",
    "functions.c",
    "read.c",
    "row.c",
    "schema.c",
    "text.c",
    "text.h",
    "write.c",
);

/// Options of the compiler. `-O2` is as fast as `-O3` here and half as large.
const OPTIONS: [&str; 6] = ["-target", "wasm32-wasi", "-O2", "-g0", "-DNDEBUG", "-D_GNU_SOURCE"];

/// QuickJS measures recursion by the address of a frame, but most of its frames are not in memory here at all. So each
/// function that measures gets a frame of 512 bytes to measure, which its caller's recursion then pays for.
const FRAME: &str = "-D__builtin_frame_address(level)=({ volatile char frame[512]; frame[0] = 0; (void *)frame; })";

/// Options of the linker.
const LINKING: [&str; 3] = ["-mexec-model=reactor", "-Wl,--strip-debug", "-Wl,-z,stack-size=1048576"];

/// The core as a component of a world.
pub fn core(world: World) -> Result<Vec<u8>, BuildError> {
    if !WORLDS.contains(&world) {
        return Err(BuildError::NoWorld { language: "JavaScript", world: world.name(), worlds: WORLDS.map(World::name).join(", ") });
    }
    let parts = GLUE.iter().flat_map(|(name, text)| [*name, *text]).chain(LINKING).chain(engine_parts());
    let place = fetched::publish(&format!("javascript-core-{}.wasm", fingerprint(parts)), link)?;
    let mut module = fs::read(&place).map_err(at(&place))?;
    describe(&mut module, world)?;
    encode_component("javascript-core", &module)
}

/// What the engine's object files are made of.
fn engine_parts() -> impl Iterator<Item = &'static str> {
    OPTIONS.into_iter().chain([FRAME, QUICKJS.version, ZIG.version])
}

/// Compiles the engine to object files: the part that takes a minute and does not change with the glue.
fn engine(sources: &Path) -> Result<PathBuf, BuildError> {
    const SOURCES: [&str; 4] = ["quickjs", "libregexp", "libunicode", "dtoa"];
    fetched::publish(&format!("javascript-engine-{}", fingerprint(engine_parts())), |work| {
        eprintln!("Compiling the JavaScript engine (once, about a minute) …");
        let objects = work.join("objects");
        fs::create_dir_all(&objects).map_err(at(&objects))?;
        for name in SOURCES {
            let mut compiler = compiler(work)?;
            compiler.arg("-c").arg(FRAME).arg(sources.join(format!("{name}.c"))).arg("-o").arg(objects.join(format!("{name}.o")));
            run(&mut compiler, HELP)?;
        }
        Ok(objects)
    })
}

/// Compiles the glue and links it with the engine.
fn link(work: &Path) -> Result<PathBuf, BuildError> {
    let sources = fetched::package(QUICKJS)?.join(format!("quickjs_ng-{}/upstream-quickjs", QUICKJS.version));
    let objects = engine(&sources)?;
    for (name, text) in GLUE {
        let path = work.join(name);
        fs::write(&path, text).map_err(at(&path))?;
    }
    let core = work.join("core.wasm");
    let mut linker = compiler(work)?;
    linker.args(LINKING).arg("-I").arg(&sources).arg("-o").arg(&core);
    linker.args(GLUE.iter().filter(|(name, _)| name.ends_with(".c")).map(|(name, _)| work.join(name)));
    let mut engine: Vec<PathBuf> = fs::read_dir(&objects).map_err(at(&objects))?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    engine.sort();
    linker.args(engine);
    run(&mut linker, HELP)?;
    Ok(core)
}

const HELP: &str = "the C compiler is fetched from PyPI";

fn compiler(work: &Path) -> Result<Command, BuildError> {
    let mut compiler = Command::new(fetched::package(ZIG)?.join("ziglang/zig"));
    compiler.arg("cc").args(OPTIONS);
    compiler.env("ZIG_LOCAL_CACHE_DIR", work.join("zig")).env("ZIG_GLOBAL_CACHE_DIR", work.join("zig"));
    Ok(compiler)
}
