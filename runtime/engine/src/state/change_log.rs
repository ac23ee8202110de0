//! What has changed in a keyed state since its last durable checkpoint, as segments.
//!
//! Invariant: entries are in the order of the changes, and none is dropped before a checkpoint that holds it is durable:
//! what a checkpoint was given that came to nothing is given to the next one again.

use super::{
    entries::SegmentWriter,
    local_folder::{LocalFolder, failed},
};
use crate::{error::OperatorError, key::KeyGroup};
use bytes::Bytes;
use std::{fs, path::PathBuf, sync::Arc};

/// A segment is closed at this size.
pub(crate) const SEGMENT_BYTES: usize = 8 << 20;

/// A closed segment; larger ones wait on disk.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Memory(Bytes),
    File(Arc<SegmentFile>),
}

#[derive(Debug)]
pub(crate) struct SegmentFile {
    path: PathBuf,
    length: u64,
    _folder: Arc<LocalFolder>,
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        // The folder goes later, so a file that stays costs only space.
        let _ = fs::remove_file(&self.path);
    }
}

impl Segment {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.length,
        }
    }

    pub(crate) fn read(&self) -> Result<Bytes, OperatorError> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(file) => fs::read(&file.path).map(Bytes::from).map_err(|error| failed("reading", &file.path, &error)),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ChangeLog {
    open: SegmentWriter,
    closed: Vec<Segment>,
    closed_bytes: u64,
    /// So many of the closed ones were given to the last checkpoint.
    given: usize,
    /// Files have been numbered so far.
    files: u64,
}

impl ChangeLog {
    /// Notes a change; `folder` is where full segments wait, if there is one.
    pub(crate) fn put(
        &mut self,
        group: KeyGroup,
        key: &[u8],
        value: Option<&[u8]>,
        folder: Option<&Arc<LocalFolder>>,
    ) -> Result<(), OperatorError> {
        self.open.put(group, key, value);
        if self.open.bytes() >= SEGMENT_BYTES { self.close(folder) } else { Ok(()) }
    }

    fn close(&mut self, folder: Option<&Arc<LocalFolder>>) -> Result<(), OperatorError> {
        let Some(bytes) = self.open.take() else { return Ok(()) };
        let segment = match folder.filter(|_| bytes.len() >= SEGMENT_BYTES / 2) {
            None => Segment::Memory(bytes),
            Some(folder) => {
                let path = folder.path().join(format!("changes-{}", self.files));
                self.files += 1;
                fs::write(&path, &bytes).map_err(|error| failed("writing", &path, &error))?;
                Segment::File(Arc::new(SegmentFile { path, length: bytes.len() as u64, _folder: folder.clone() }))
            }
        };
        self.closed_bytes += segment.length();
        self.closed.push(segment);
        Ok(())
    }

    /// All changes since the last durable checkpoint, for the next one.
    pub(crate) fn give(&mut self) -> Vec<Segment> {
        // What is given at once need not wait on disk.
        if let Some(bytes) = self.open.take() {
            self.closed_bytes += bytes.len() as u64;
            self.closed.push(Segment::Memory(bytes));
        }
        self.given = self.closed.len();
        self.closed.clone()
    }

    /// The checkpoint that was given changes last is durable.
    pub(crate) fn committed(&mut self) {
        let given = std::mem::take(&mut self.given).min(self.closed.len());
        self.closed_bytes -= self.closed.drain(..given).map(|s| s.length()).sum::<u64>();
    }

    /// Bytes that the last checkpoint was given.
    pub(crate) fn given_bytes(&self) -> u64 {
        self.closed.iter().take(self.given).map(Segment::length).sum()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self { files: self.files, ..Self::default() };
    }

    /// Bytes noted since the last durable checkpoint.
    pub(crate) fn bytes(&self) -> u64 {
        self.closed_bytes + self.open.bytes() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::entries::read_segment;

    fn keys(segments: &[Segment]) -> String {
        let mut all = String::new();
        for segment in segments {
            let note = |_, key: &[u8], _: Option<&[u8]>| -> Result<(), OperatorError> {
                all.push_str(std::str::from_utf8(key).unwrap());
                Ok(())
            };
            read_segment(&segment.read().unwrap(), |_| true, note).unwrap();
        }
        all
    }

    #[test]
    fn changes_are_given_again_until_they_are_durable() {
        let mut log = ChangeLog::default();
        log.put(1, b"a", Some(b"1"), None).unwrap();
        assert_eq!(keys(&log.give()), "a");
        log.put(1, b"b", None, None).unwrap();
        assert_eq!(keys(&log.give()), "ab", "the first checkpoint came to nothing");
        log.put(1, b"c", None, None).unwrap();
        log.committed();
        assert_eq!(keys(&log.give()), "c");
        log.committed();
        assert_eq!((keys(&log.give()), log.bytes()), (String::new(), 0));
    }

    #[test]
    fn full_segments_wait_on_disk_and_go_with_their_last_user() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Arc::new(LocalFolder::make(parent.path(), "log").unwrap());
        let mut log = ChangeLog::default();
        let value = vec![7; SEGMENT_BYTES / 2];
        for key in [b"a", b"b", b"c"] {
            log.put(1, key, Some(&value), Some(&folder)).unwrap();
        }
        let files = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 1);
        let given = log.give();
        log.committed();
        assert_eq!((keys(&given), files()), ("abc".into(), 1), "being written still");
        drop(given);
        assert_eq!(files(), 0);
    }
}
