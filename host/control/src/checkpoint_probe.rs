//! Whether the checkpoint store can be written and read, found out before a job needs it.
//!
//! Invariant: what is written for that is removed again, and lies apart from checkpoints.

use bytes::Bytes;
use millrace_checkpoint::CheckpointStore;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for the store.
const PROBE_MAX: Duration = Duration::from_secs(10);
/// What is written and expected back.
const TEXT: &[u8] = b"written to see whether checkpoints can be";

/// What was found last; none before the first probe and while all is well.
#[derive(Debug, Default)]
pub(crate) struct CheckpointProbe(Mutex<Option<String>>);

impl CheckpointProbe {
    /// Why checkpoints cannot be kept, as far as it is known.
    pub(crate) fn failure(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// Writes, reads and removes a small object; keeps and answers what was wrong.
    pub(crate) async fn probe(&self, store: &dyn CheckpointStore) -> Option<String> {
        let failure = match timeout(PROBE_MAX, write_and_read(store)).await {
            Ok(Ok(())) => None,
            Ok(Err(message)) => Some(message),
            Err(_) => Some(format!("the checkpoint store has not answered within {} s", PROBE_MAX.as_secs())),
        };
        self.0.lock().clone_from(&failure);
        failure
    }
}

async fn write_and_read(store: &dyn CheckpointStore) -> Result<(), String> {
    let path = format!("probes/{}", uuid::Uuid::now_v7());
    store.put(&path, Bytes::from_static(TEXT)).await.map_err(|e| e.to_string())?;
    let found = store.get(&path).await;
    // What is left behind by a failure here is small, and the failure is told.
    let removed = store.delete_prefix(&path).await;
    match found.map_err(|e| e.to_string())? {
        read if read == TEXT => removed.map_err(|e| e.to_string()),
        _ => Err(format!("the checkpoint store answers something else at `{path}` than was written there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_checkpoint::LocalStore;

    #[tokio::test]
    async fn a_store_that_cannot_be_written_is_noticed_and_noticed_again_when_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("checkpoints");
        let store = LocalStore::open(&place).unwrap();
        let probe = CheckpointProbe::default();
        assert_eq!(probe.probe(&store).await, None);
        assert_eq!(store.list("probes").await.unwrap(), Vec::<String>::new(), "nothing stays");
        // A file where the folder was.
        std::fs::remove_dir_all(&place).unwrap();
        std::fs::write(&place, b"").unwrap();
        let failure = probe.probe(&store).await.unwrap();
        assert_eq!(probe.failure().as_deref(), Some(failure.as_str()));
        std::fs::remove_file(&place).unwrap();
        std::fs::create_dir(&place).unwrap();
        assert_eq!((probe.probe(&store).await, probe.failure()), (None, None));
    }
}
