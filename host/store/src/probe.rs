//! Whether the database can be written, found by writing.
//!
//! Invariant: what is written never stays, and no more than one probe is made in [`FRESH_FOR`] however many ask.

use crate::{Store, StoreError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long an answer holds.
const FRESH_FOR: Duration = Duration::from_secs(3);
/// More than one page, so that a full disk shows.
const FILLER_BYTES: usize = 16 * 1024;

/// Whether the database can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writable {
    /// It can.
    Yes,
    /// Its disk is full.
    DiskFull,
    /// It cannot, and why.
    No(String),
}

/// The last answer and when it was found; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe(Arc<Mutex<Option<(Instant, Writable)>>>);

impl Store {
    /// Writes and takes back what it has written; answers what was found a moment ago where somebody has just asked.
    pub async fn writable(&self) -> Writable {
        let mut last = self.probe.0.lock().await;
        if let Some((_, found)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH_FOR) {
            return found.clone();
        }
        let found = match self.probe_write().await {
            Ok(()) => Writable::Yes,
            Err(error) if error.is_disk_full() => Writable::DiskFull,
            Err(error) => Writable::No(error.to_string()),
        };
        *last = Some((Instant::now(), found.clone()));
        found
    }

    /// A commit, because until then nothing has to reach the disk.
    async fn probe_write(&self) -> Result<(), StoreError> {
        let id = self.new_id("prb");
        let mut tx = self.begin().await?;
        let insert = sqlx::query("INSERT INTO write_probes (id, filler) VALUES ($1, $2)");
        insert.bind(id.as_str()).bind("-".repeat(FILLER_BYTES)).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM write_probes WHERE id = $1").bind(id.as_str()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}
