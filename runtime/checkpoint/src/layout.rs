//! Names of objects in a store.
//!
//! ```text
//! <instance>/chk-<n>/manifest.json     a checkpoint; complete if and only if this is there
//! <instance>/chk-<n>/blobs/<sha256>    state too large to stand in the manifest
//! <instance>/shared/<n>-<sha256>       keyed state that checkpoint n has written and later ones may refer to
//! savepoints/<id>/manifest.json        a savepoint, self-contained
//! ```
//! Invariant: paths are relative to the store, use `/`, and every segment is 1 to 255 letters, digits, `.`, `_`, `-`
//! and does not start with `.`; so they are safe as file names and object keys.

use crate::CheckpointError;
use millrace_model::ids::{CheckpointId, InstanceId, SavepointId};

/// Name of the manifest in a checkpoint's folder.
pub const MANIFEST: &str = "manifest.json";
/// Folder of an instance for state that several of its checkpoints refer to.
const SHARED: &str = "shared";
/// Folder that holds all savepoints of a store; no instance may have this id.
pub const SAVEPOINTS: &str = "savepoints";

/// Folder of a checkpoint.
#[must_use]
pub fn checkpoint_folder(instance: &InstanceId, checkpoint: CheckpointId) -> String {
    format!("{instance}/chk-{checkpoint}")
}

/// Folder of a savepoint.
#[must_use]
pub fn savepoint_folder(savepoint: &SavepointId) -> String {
    format!("{SAVEPOINTS}/{savepoint}")
}

/// The checkpoint that an object below an instance's folder belongs to.
pub(crate) fn checkpoint_of(instance: &InstanceId, path: &str) -> Option<CheckpointId> {
    let rest = path.strip_prefix(instance.as_str())?.strip_prefix("/chk-")?;
    let (id, _) = rest.split_once('/')?;
    // `chk-07` and `chk-7` must not be taken for the same checkpoint.
    id.parse().ok().filter(|n: &CheckpointId| n.to_string() == id)
}

/// Folder of the state that checkpoints of an instance share.
#[must_use]
pub fn shared_folder(instance: &InstanceId) -> String {
    format!("{instance}/{SHARED}")
}

/// The shared object `name`, as a manifest in the folder `folder` refers to it.
pub(crate) fn shared_path(folder: &str, name: &str) -> String {
    match folder.rsplit_once('/') {
        Some((above, _)) => format!("{above}/{SHARED}/{name}"),
        None => format!("{SHARED}/{name}"),
    }
}

/// Name of the shared object that checkpoint `checkpoint` writes.
pub(crate) fn shared_name(checkpoint: CheckpointId, sha256: &str) -> String {
    format!("{checkpoint}-{sha256}")
}

/// The checkpoint that has written a shared object.
pub(crate) fn writer_of_shared(name: &str) -> Option<CheckpointId> {
    name.split_once('-').and_then(|(id, _)| id.parse().ok())
}

/// Name of a shared object of an instance, by its path.
pub(crate) fn shared_of<'p>(instance: &InstanceId, path: &'p str) -> Option<&'p str> {
    path.strip_prefix(instance.as_str())?.strip_prefix('/')?.strip_prefix(SHARED)?.strip_prefix('/').filter(|name| !name.contains('/'))
}

/// Refuses what is not a plain relative path.
///
/// # Errors
/// [`CheckpointError::BadPath`] with the reason.
pub fn check_path(path: &str) -> Result<(), CheckpointError> {
    let bad = |reason| Err(CheckpointError::BadPath { path: path.to_owned(), reason });
    for segment in path.split('/') {
        if segment.is_empty() {
            return bad("it has an empty segment; expected a relative path of segments joined by `/`");
        }
        if segment.starts_with('.') {
            return bad("a segment starts with `.`");
        }
        if segment.len() > 255 {
            return bad("a segment is longer than 255 characters");
        }
        if !segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return bad("expected only letters, digits, `.`, `_` and `-` between `/`");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_pass() {
        for good in ["a", "inst-1/chk-12/manifest.json", "savepoints/s_1/blobs/00ff"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        let long = "x".repeat(256);
        for bad in ["", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/.hidden", "a b", "a\\b", "ä", "a\0", long.as_str()] {
            assert!(matches!(check_path(bad), Err(CheckpointError::BadPath { .. })), "{bad:?}");
        }
    }

    #[test]
    fn checkpoints_are_found_again_in_paths() {
        let instance = InstanceId::new("inst");
        let cases = [
            ("inst/chk-12/manifest.json", Some(12)),
            ("inst/chk-12/blobs/ff", Some(12)),
            ("inst/chk-12", None),
            ("inst/chk-012/manifest.json", None),
            ("inst/chk--1/manifest.json", None),
            ("inst2/chk-1/manifest.json", None),
            ("inst/other/manifest.json", None),
        ];
        for (path, expected) in cases {
            assert_eq!(checkpoint_of(&instance, path), expected, "{path}");
        }
    }
}
