//! A transaction that writes, and its turn.
//!
//! SQLite has one writer at a time, and who finds the database locked sleeps and asks again: under load some ask in vain
//! for long while others overtake them, each holding a connection that readers could use. So writers of one process stand
//! in line before they take a connection. Writers of other processes are waited for by SQLite's own way.
//!
//! Invariant: the turn ends after the transaction, however it ends.

use sqlx::{Any, AnyConnection};
use std::ops::{Deref, DerefMut};
use tokio::sync::OwnedMutexGuard;

/// A transaction; rolled back unless [`Self::commit`] is called.
pub(crate) struct Transaction {
    // Fields are dropped in this order.
    inner: sqlx::Transaction<'static, Any>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Transaction {
    pub(crate) fn new(inner: sqlx::Transaction<'static, Any>, turn: Option<OwnedMutexGuard<()>>) -> Self {
        Self { inner, _turn: turn }
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await
    }
}

impl Deref for Transaction {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}
