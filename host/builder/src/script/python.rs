//! The Python core: CPython by componentize-py with the glue of `guest-sdk/python/core`, started and snapshotted once per
//! machine and world.
//!
//! What Python would ask of a system is stubbed within the component (`--stub-wasi`): it imports nothing but our contract.

use super::{contract, fingerprint};
use crate::{
    BuildError, World,
    fetched::{self, Package, at, run},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Makes components of Python; carries CPython 3.14. The sandbox knows its core by hash (`admission::known`).
const COMPONENTIZE: Package = Package { name: "componentize-py", version: "0.25.1", megabytes: 17, source: false };

/// Worlds that the core has.
const WORLDS: [World; 1] = [World::EtlOperator];

macro_rules! glue {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../guest-sdk/python/core/", $name)))),*]
    };
}

const GLUE: &[(&str, &str)] = glue!("millrace.py", "millrace_core.py", "millrace_system.py", "millrace_types.py");

/// The core as a component of a world.
pub fn core(world: World) -> Result<Vec<u8>, BuildError> {
    if !WORLDS.contains(&world) {
        return Err(BuildError::NoWorld { language: "Python", world: world.name(), worlds: WORLDS.map(World::name).join(", ") });
    }
    let wit = contract();
    let parts = GLUE.iter().flat_map(|(name, text)| [*name, *text]).chain([wit.as_str(), world.name(), COMPONENTIZE.version]);
    let name = format!("python-core-{}-{}.wasm", world.name(), fingerprint(parts));
    let place = fetched::publish(&name, |work| make(work, world, &wit))?;
    fs::read(&place).map_err(at(&place))
}

fn make(work: &Path, world: World, wit: &str) -> Result<PathBuf, BuildError> {
    let tool = fetched::package(COMPONENTIZE)?;
    eprintln!("Making the Python core (once, about half a minute) …");
    let (glue, contract, core) = (work.join("glue"), work.join("wit"), work.join("core.wasm"));
    for folder in [&glue, &contract] {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let files = GLUE.iter().map(|(name, text)| (glue.join(name), *text)).chain([(contract.join("contract.wit"), wit)]);
    for (path, text) in files {
        fs::write(&path, text).map_err(at(&path))?;
    }
    let mut command = Command::new("python3");
    command.arg(tool.join("bin/componentize-py")).arg("--wit-path").arg(&contract).args(["--world", world.name(), "componentize"]);
    command.arg("--stub-wasi").arg("--python-path").arg(&glue).arg("--output").arg(&core).arg("millrace_core");
    // Packages of this machine's Python are none of the core's.
    command.env("PYTHONPATH", &tool).env("VIRTUAL_ENV", work.join("none")).current_dir(work);
    run(&mut command, "Python 3 makes the core; install it (Debian: apt-get install python3 python3-venv)")?;
    Ok(core)
}
