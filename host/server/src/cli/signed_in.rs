//! Sessions of whoever signs in on this machine, by server, in a file that only its owner can read.
//!
//! Invariant: the file holds sessions, which end by themselves, and never a password.

use crate::client::Cookies;
use anyhow::Context;
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::PathBuf,
};

/// What is known of the sessions of this user.
pub(crate) struct SignedIn;

impl SignedIn {
    /// The session at a server, if there is one.
    pub(crate) fn load(server: &str) -> Option<Cookies> {
        read(&file().ok()?).remove(server.trim_end_matches('/'))
    }

    /// Keeps a session, or forgets it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn store(server: &str, cookies: Option<Cookies>) -> anyhow::Result<()> {
        let path = file()?;
        let mut all = read(&path);
        match cookies {
            Some(cookies) => all.insert(server.trim_end_matches('/').to_owned(), cookies),
            None => all.remove(server.trim_end_matches('/')),
        };
        let folder = path.parent().context("the file of sessions has no folder")?;
        let write = || {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let half = path.with_extension("new");
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&half)?;
            file.write_all(serde_json::to_string_pretty(&all)?.as_bytes())?;
            fs::rename(&half, &path)
        };
        write().with_context(|| format!("cannot keep the session in {}", path.display()))
    }
}

/// A file that others can read, or that is none of ours, counts as empty.
fn read(path: &std::path::Path) -> BTreeMap<String, Cookies> {
    let private = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0);
    let text = if private { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    serde_json::from_str(&text).unwrap_or_default()
}

fn file() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("MILLRACE_SESSION_FILE") {
        return Ok(path.into());
    }
    let base = match std::env::var_os("XDG_CONFIG_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set; name a file with MILLRACE_SESSION_FILE")?).join(".config"),
    };
    Ok(base.join("millrace/sessions.json"))
}
