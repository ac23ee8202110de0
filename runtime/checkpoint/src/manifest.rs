//! The document that makes a checkpoint: what was running, and where the state of each subtask is.
//!
//! Invariant: `format` rises when a reader of the old format could misread the new one; every released format stays
//! readable. Places are relative to the manifest's folder; a savepoint's all lie in it, so it can be moved as a whole.
//!
//! Format 2 adds chains: keyed state as segments that change what the segments before them hold, of which the first may
//! have been written by earlier checkpoints. A checkpoint without chains is still written as format 1.

use crate::{CheckpointError, key_groups::KeyGroupRange, layout::writer_of_shared};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use millrace_model::ids::{CheckpointId, InstanceId, JobId, NodeId, SavepointId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The newest format that this release reads and writes.
pub const FORMAT: u32 = 2;
/// The format without chains, for checkpoints that have none.
const FORMAT_WITHOUT_CHAINS: u32 = 1;

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
    /// What its state depends on; an operator with the same signature can take it over under another id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
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
    #[serde(default)]
    pub parts: Vec<KeyedPart>,
    /// State that is written in steps; for each state name disjoint ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<KeyedChain>,
}

/// One named state of neighbouring key groups, in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedChain {
    /// The state's name.
    pub state: String,
    /// Which key groups; segments may hold others too, which do not count here.
    pub key_groups: KeyGroupRange,
    /// Entries, oldest first: what a later segment says of a key replaces what earlier ones say.
    pub segments: Vec<Blob>,
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
    /// In an object that checkpoints of the instance share, by its name. Never in a savepoint.
    Shared(String),
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

/// The first of these ranges, ascending, that meets the one before it, is none, or goes too far.
fn first_wrong(ranges: &[KeyGroupRange], max_parallelism: u16) -> Option<KeyGroupRange> {
    let mut next = 0u32;
    for &range in ranges {
        if u32::from(range.start) < next || range.end < range.start || range.end >= max_parallelism {
            return Some(range);
        }
        next = u32::from(range.end) + 1;
    }
    None
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
            let mut ranges: BTreeMap<Option<&str>, Vec<KeyGroupRange>> = BTreeMap::new();
            ranges.entry(None).or_default().extend(keyed.parts.iter().map(|p| p.key_groups));
            for chain in &keyed.chains {
                ranges.entry(Some(&chain.state)).or_default().push(chain.key_groups);
            }
            for mut ranges in ranges.into_values() {
                ranges.sort_unstable();
                if let Some(range) = first_wrong(&ranges, keyed.max_parallelism) {
                    let found = format!("operator `{}` has key groups {} to {}", operator.node, range.start, range.end);
                    return corrupt(found, &format!("disjoint ranges below {}", keyed.max_parallelism));
                }
            }
        }
        Ok(())
    }

    /// The oldest format in which this can be said.
    pub(crate) fn format_needed(operators: &[OperatorState]) -> u32 {
        let has_chains = operators.iter().filter_map(|o| o.keyed.as_ref()).any(|k| !k.chains.is_empty());
        if has_chains { FORMAT } else { FORMAT_WITHOUT_CHAINS }
    }

    /// Names of the shared objects that it refers to.
    pub fn shared(&self) -> impl Iterator<Item = &str> {
        self.blobs().filter_map(|blob| match &blob.place {
            BlobPlace::Shared(name) => Some(name.as_str()),
            BlobPlace::Path(_) | BlobPlace::Inline(_) => None,
        })
    }

    /// Bytes of state that this checkpoint has written itself; the rest is that of earlier ones.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        let is_own = |blob: &&Blob| match &blob.place {
            BlobPlace::Shared(name) => writer_of_shared(name) == Some(self.checkpoint),
            BlobPlace::Path(_) | BlobPlace::Inline(_) => true,
        };
        self.blobs().filter(is_own).map(|b| b.length).sum()
    }

    /// The state of the operator made from `node`.
    #[must_use]
    pub fn operator(&self, node: &NodeId) -> Option<&OperatorState> {
        self.operators.iter().find(|o| o.node == *node)
    }

    /// Every blob of the document.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.operators.iter().flat_map(|o| {
            let keyed = o.keyed.iter().flat_map(|k| k.parts.iter().map(|p| &p.blob).chain(k.chains.iter().flat_map(|c| &c.segments)));
            o.subtasks.iter().map(|s| &s.blob).chain(keyed)
        })
    }

    pub(crate) fn blobs_mut(&mut self) -> impl Iterator<Item = &mut Blob> {
        self.operators.iter_mut().flat_map(|o| {
            let keyed = o.keyed.iter_mut().flat_map(|k| {
                let segments = k.chains.iter_mut().flat_map(|c| &mut c.segments);
                k.parts.iter_mut().map(|p| &mut p.blob).chain(segments)
            });
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
                GOOD.replace("\"format\":1", "\"format\":3"),
                "`m` has manifest format 3, this release reads formats up to 2; restore it with the release that wrote it or a newer one",
            ),
            (
                r#"{"format":99,"anything":[]}"#.to_owned(),
                "`m` has manifest format 99, this release reads formats up to 2; restore it with the release that wrote it or a newer one",
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
    fn chains_are_format_2() {
        let chain = r#""chains":[{"state":"groups","key_groups":{"start":0,"end":63},"segments":[
            {"length":5,"sha256":"00","shared":"3-00"},{"length":2,"sha256":"01","shared":"7-01"}]}]"#;
        let text =
            GOOD.replace("\"format\":1", "\"format\":2").replace("\"max_parallelism\":128,", &format!("\"max_parallelism\":128,{chain},"));
        let manifest = Manifest::decode("m", text.as_bytes()).expect("manifest");
        assert_eq!(manifest.shared().collect::<Vec<_>>(), ["3-00", "7-01"]);
        assert_eq!((manifest.state_bytes(), manifest.written_bytes()), (11, 6), "5 bytes were written by checkpoint 3");
        assert_eq!((Manifest::format_needed(&manifest.operators), Manifest::format_needed(&[])), (2, 1));
        let again = Manifest::decode("m", &manifest.encode().expect("encode")).expect("again");
        assert_eq!(again, manifest);
        let twice =
            text.replace("\"chains\":[", "\"chains\":[{\"state\":\"groups\",\"key_groups\":{\"start\":63,\"end\":64},\"segments\":[]},");
        let error = Manifest::decode("m", twice.as_bytes()).expect_err("two chains of one key group").to_string();
        assert_eq!(error, "`m` is damaged: operator `clicks` has key groups 63 to 64, expected disjoint ranges below 128");
        let other = twice.replacen("\"groups\"", "\"others\"", 1);
        assert!(Manifest::decode("m", other.as_bytes()).is_ok(), "states of other names have ranges of their own");
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
