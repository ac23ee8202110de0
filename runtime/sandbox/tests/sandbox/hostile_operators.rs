//! What a hostile custom operator or dimension updater is put through: every call of its world, once.

use crate::guests;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use millrace_sandbox::*;
use std::sync::Arc;

/// Rows that a source is asked for.
const ROWS_MAX: u32 = 1_000;
const PLACE: GuestPlace = GuestPlace { subtask: 0, parallelism: 1 };

/// Runs a component of `world` through its calls; the first fault ends it.
pub async fn run(sandbox: &Sandbox, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<(), FaultReport> {
    match component.world() {
        World::Source => source(sandbox, component, open).await,
        World::Sink => sink(sandbox, component, open).await,
        World::Transform => transform(sandbox, component, open).await,
        World::Dimension => dimension(sandbox, component, open).await,
        other => panic!("{}: not a world of custom operators", other.name()),
    }
}

async fn source(sandbox: &Sandbox, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<(), FaultReport> {
    let mut guest = sandbox.source(component, open).await?;
    guest.open(PLACE, &[vec![1, 2, 3]]).await?;
    let polled = guest.poll(ROWS_MAX).await?;
    assert!(polled.rows.is_none_or(|rows| rows.num_rows() <= ROWS_MAX as usize));
    guest.position().await?;
    guest.committed(1).await
}

async fn sink(sandbox: &Sandbox, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<(), FaultReport> {
    let mut guest = sandbox.sink(component, open).await?;
    guest.open(&guests::schema(), PLACE, &[&[1, 2, 3]]).await?;
    guest.write(&guests::batch()).await?;
    guest.prepare(1).await?;
    guest.commit(1).await
}

async fn transform(sandbox: &Sandbox, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<(), FaultReport> {
    let mut guest = sandbox.open_transform(component, open, &[guests::schema()]).await?;
    guest.restore(&[&[1, 2, 3]]).await?;
    guest.process(0, &guests::batch()).await?;
    guest.watermark(1_000).await?;
    guest.snapshot().await?;
    guest.finish().await.map(drop)
}

async fn dimension(sandbox: &Sandbox, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<(), FaultReport> {
    let mut guest = sandbox.open_dimension(component, open).await?;
    guest.load_page(None).await?;
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    guest.load(&RecordBatch::try_from_iter([("k", keys)]).unwrap()).await.map(drop)
}
