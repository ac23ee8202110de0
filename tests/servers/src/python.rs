//! Servers from PyPI: an environment of their own in the cache folder.

use crate::{ServerError, cache};
use std::{fs, path::PathBuf, process::Command};

/// The program `name` of the first of these packages (`moto[server]==5.1.22`), installed with the others if it is not there.
/// Scripts of an environment hold its path, so it is made in place; a mark says that it is whole.
pub(crate) fn program(server: &'static str, requirements: &[&str], name: &str) -> Result<PathBuf, ServerError> {
    let failed = |what: &'static str| move |e: std::io::Error| ServerError { server, message: format!("cannot {what}: {e}") };
    let cache = cache::root(server)?;
    let folder = cache.join(requirements.first().copied().unwrap_or(server).replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-"));
    fs::create_dir_all(&cache).map_err(failed("make the cache folder"))?;
    let lock = fs::File::create(cache.join(format!("{server}.lock"))).map_err(failed("create the lock"))?;
    lock.lock().map_err(failed("take the lock"))?;
    if !folder.join("ready").exists() {
        cache::run(server, "make an environment", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/pip"));
        cache::run(server, "install it", pip.args(["install", "-q", "--disable-pip-version-check"]).args(requirements))?;
        fs::write(folder.join("ready"), b"").map_err(failed("mark the environment"))?;
    }
    Ok(folder.join("bin").join(name))
}
