//! The document that makes a checkpoint: what was running, and where the state of each subtask is.
//!
//! Invariant: `format` rises when a reader of the old format could misread the new one; every released format stays
//! readable. Places are relative to the manifest's folder, so the folder can be moved as a whole.

use crate::{CheckpointError, key_groups::KeyGroupRange};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use millrace_model::ids::{CheckpointId, InstanceId, JobId, NodeId, SavepointId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The format that this release writes.
pub const FORMAT: u32 = 1;

/// Who owns a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// The system: removed when newer ones are there.
    Checkpoint,
    /// The user: kept until removed by hand, restorable by any instance.
    Savepoint,
}

/// A checkpoint's table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of this document.
    pub format: u32,
    /// Number of the checkpoint in its instance.
    pub checkpoint: CheckpointId,
    /// Whether the system or the user owns it.
    pub kind: CheckpointKind,
    /// The savepoint's id, for savepoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savepoint: Option<SavepointId>,
    /// The instance that took it.
    pub instance: InstanceId,
    /// The job that it ran.
    pub job: JobId,
    /// Content hash of the version that it ran.
    pub version_hash: String,
    /// When it was completed, in epoch milliseconds.
    pub created_ms: i64,
    /// State of every operator, also of those that have none.
    pub operators: Vec<OperatorState>,
}

/// State of one operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// The graph node that the operator was made from; state is found again by it.
    pub node: NodeId,
    /// The node's kind: `kafka_source`.
    pub kind: String,
    /// Version of the operator's own state encoding.
    pub state_version: u32,
    /// Subtasks that it had.
    pub parallelism: u16,
    /// State by subtask; a subtask without state may be absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<SubtaskState>,
    /// State by key group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed: Option<KeyedState>,
}

/// State of one subtask: a source's positions, a sink's uncommitted output, an operator's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskState {
    /// Number of the subtask, from 0.
    pub subtask: u16,
    /// Its state.
    pub blob: Blob,
}

/// Keyed state of all subtasks of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedState {
    /// Number of key groups, fixed for the operator's life; no subtask count may exceed it.
    pub max_parallelism: u16,
    /// Disjoint ranges with their state.
    pub parts: Vec<KeyedPart>,
}

/// Keyed state of neighbouring key groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedPart {
    /// Which key groups.
    pub key_groups: KeyGroupRange,
    /// Their state; the bytes must let a reader pick single key groups.
    pub blob: Blob,
}

/// Bytes of state, named or contained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Where the bytes are.
    #[serde(flatten)]
    pub place: BlobPlace,
}

/// Where a blob's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlobPlace {
    /// In an object, relative to the manifest's folder.
    Path(String),
    /// Here, as base64: saves a file and its flush for small state.
    Inline(String),
}

impl Blob {
    /// A blob contained in the manifest.
    #[must_use]
    pub fn inline(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: sha256(bytes), place: BlobPlace::Inline(BASE64.encode(bytes)) }
    }

    /// Whether `bytes` are this blob's; `path` names it in the error.
    pub(crate) fn verify(&self, path: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
        let corrupt = |found: String, expected: String| CheckpointError::Corrupt { path: path.to_owned(), found, expected };
        if bytes.len() as u64 != self.length {
            return Err(corrupt(format!("{} bytes", bytes.len()), format!("{} bytes", self.length)));
        }
        let found = sha256(bytes);
        if found != self.sha256 {
            return Err(corrupt(format!("SHA-256 {found}"), self.sha256.clone()));
        }
        Ok(())
    }

    /// Decodes contained bytes, verified; `Ok(None)` if they are in an object of their own.
    pub(crate) fn contained(&self, manifest_path: &str) -> Result<Option<Bytes>, CheckpointError> {
        let BlobPlace::Inline(text) = &self.place else { return Ok(None) };
        let bytes = BASE64.decode(text).map_err(|error| CheckpointError::Corrupt {
            path: manifest_path.to_owned(),
            found: format!("contained state that is not base64 ({error})"),
            expected: format!("{} bytes of state as base64", self.length),
        })?;
        self.verify(manifest_path, &bytes)?;
        Ok(Some(Bytes::from(bytes)))
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Manifest {
    /// The document as bytes.
    ///
    /// # Errors
    /// Never for manifests of this crate; a defect of ours otherwise.
    pub fn encode(&self) -> Result<Bytes, CheckpointError> {
        let json = serde_json::to_vec(self).map_err(|error| CheckpointError::Internal(format!("writing a manifest: {error}")))?;
        Ok(Bytes::from(json))
    }

    /// Reads a document; `path` names it in errors.
    ///
    /// # Errors
    /// [`CheckpointError::NewerFormat`] for a later format, [`CheckpointError::Corrupt`] for anything unreadable.
    pub fn decode(path: &str, bytes: &[u8]) -> Result<Self, CheckpointError> {
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        let corrupt = |error: serde_json::Error| CheckpointError::Corrupt {
            path: path.to_owned(),
            found: error.to_string(),
            expected: "a checkpoint manifest".to_owned(),
        };
        // The format first, alone: the rest of a newer document may not be readable at all.
        let Format { format } = serde_json::from_slice(bytes).map_err(corrupt)?;
        if format > u64::from(FORMAT) {
            return Err(CheckpointError::NewerFormat { path: path.to_owned(), found: format, supported: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(corrupt)?;
        manifest.check(path)?;
        Ok(manifest)
    }

    /// What a well-formed document must still satisfy before it is trusted.
    fn check(&self, path: &str) -> Result<(), CheckpointError> {
        let corrupt =
            |found: String, expected: &str| Err(CheckpointError::Corrupt { path: path.to_owned(), found, expected: expected.to_owned() });
        if self.format == 0 {
            return corrupt("format 0".into(), "format 1 or later");
        }
        for operator in &self.operators {
            for state in &operator.subtasks {
                if state.subtask >= operator.parallelism {
                    let found = format!("operator `{}` has state of subtask {}", operator.node, state.subtask);
                    return corrupt(found, &format!("subtasks below its parallelism {}", operator.parallelism));
                }
            }
            let Some(keyed) = &operator.keyed else { continue };
            let mut next = 0u32;
            let mut ranges: Vec<_> = keyed.parts.iter().map(|p| p.key_groups).collect();
            ranges.sort_unstable();
            for range in ranges {
                if u32::from(range.start) < next || range.end < range.start || range.end >= keyed.max_parallelism {
                    let found = format!("operator `{}` has key groups {} to {}", operator.node, range.start, range.end);
                    return corrupt(found, &format!("disjoint ranges below {}", keyed.max_parallelism));
                }
                next = u32::from(range.end) + 1;
            }
        }
        Ok(())
    }

    /// The state of the operator made from `node`.
    #[must_use]
    pub fn operator(&self, node: &NodeId) -> Option<&OperatorState> {
        self.operators.iter().find(|o| o.node == *node)
    }

    /// Every blob of the document.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.operators.iter().flat_map(|o| {
            let keyed = o.keyed.iter().flat_map(|k| &k.parts).map(|p| &p.blob);
            o.subtasks.iter().map(|s| &s.blob).chain(keyed)
        })
    }

    pub(crate) fn blobs_mut(&mut self) -> impl Iterator<Item = &mut Blob> {
        self.operators.iter_mut().flat_map(|o| {
            let keyed = o.keyed.iter_mut().flat_map(|k| &mut k.parts).map(|p| &mut p.blob);
            o.subtasks.iter_mut().map(|s| &mut s.blob).chain(keyed)
        })
    }

    /// Bytes of state in total.
    #[must_use]
    pub fn state_bytes(&self) -> u64 {
        self.blobs().map(|b| b.length).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"format":1,"checkpoint":7,"kind":"savepoint","savepoint":"s1","instance":"i","job":"j","version_hash":"h","created_ms":5,
        "operators":[{"node":"clicks","kind":"kafka_source","state_version":1,"parallelism":2,
            "subtasks":[{"subtask":1,"blob":{"length":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","inline":"YWJj"}}],
            "keyed":{"max_parallelism":128,"parts":[{"key_groups":{"start":0,"end":63},"blob":{"length":1,"sha256":"00","path":"blobs/00"}}]}}]}"#;

    #[test]
    fn format_1_stays_readable() {
        let manifest = Manifest::decode("m", GOOD.as_bytes()).expect("manifest");
        assert_eq!(manifest.checkpoint, 7);
        assert_eq!(manifest.kind, CheckpointKind::Savepoint);
        assert_eq!(manifest.state_bytes(), 4);
        let operator = manifest.operator(&NodeId::new("clicks")).expect("operator");
        assert_eq!(operator.subtasks[0].blob.contained("m").expect("bytes").as_deref(), Some(&b"abc"[..]));
        assert_eq!(operator.keyed.as_ref().expect("keyed").parts[0].blob.place, BlobPlace::Path("blobs/00".into()));
        let again = Manifest::decode("m", &manifest.encode().expect("encode")).expect("again");
        assert_eq!(again, manifest);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            (
                GOOD.replace("\"format\":1", "\"format\":2"),
                "`m` has manifest format 2, this release reads formats up to 1; restore it with the release that wrote it or a newer one",
            ),
            (
                r#"{"format":99,"anything":[]}"#.to_owned(),
                "`m` has manifest format 99, this release reads formats up to 1; restore it with the release that wrote it or a newer one",
            ),
            (GOOD.replace("\"format\":1", "\"format\":0"), "`m` is damaged: format 0, expected format 1 or later"),
            (
                GOOD.replace("\"subtask\":1", "\"subtask\":2"),
                "`m` is damaged: operator `clicks` has state of subtask 2, expected subtasks below its parallelism 2",
            ),
            (
                GOOD.replace("\"end\":63", "\"end\":128"),
                "`m` is damaged: operator `clicks` has key groups 0 to 128, expected disjoint ranges below 128",
            ),
            ("{}".to_owned(), "`m` is damaged: missing field `format` at line 1 column 2, expected a checkpoint manifest"),
            (String::new(), "`m` is damaged: EOF while parsing a value at line 1 column 0, expected a checkpoint manifest"),
        ];
        for (document, expected) in cases {
            assert_eq!(Manifest::decode("m", document.as_bytes()).expect_err(expected).to_string(), expected);
        }
    }

    #[test]
    fn contained_state_is_verified() {
        let good = Blob::inline(b"abc");
        let cases = [
            (BlobPlace::Inline("YWJj".into()), None),
            (BlobPlace::Inline("YWJk".into()), Some("SHA-256")),
            (BlobPlace::Inline("YWI=".into()), Some("2 bytes, expected 3 bytes")),
            (BlobPlace::Inline("?".into()), Some("not base64")),
        ];
        for (place, expected) in cases {
            let found = Blob { place, ..good.clone() }.contained("m");
            match expected {
                None => assert_eq!(found, Ok(Some(Bytes::from_static(b"abc")))),
                Some(text) => assert!(found.as_ref().is_err_and(|e| e.to_string().contains(text)), "{found:?}"),
            }
        }
    }
}
