//! One run: all rows in, a savepoint, and a second start from it.

use super::{ChildOptions, Query};
use crate::{
    cpu::process_seconds,
    job::{Bench, NOWHERE, metric},
};
use anyhow::{Context, bail};
use millrace_engine::{JobHandle, StartFrom};
use millrace_model::ids::SavepointId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PARALLELISM: usize = 2;
const POLL: Duration = Duration::from_millis(20);
/// Rows that the restored run reads: it is restored when they are through.
const ROWS_AFTER: u64 = 10_000;

/// Runs it and answers its figures.
pub fn run(options: &ChildOptions) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(PARALLELISM).enable_all().build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &ChildOptions) -> anyhow::Result<Value> {
    let bench = Bench::of_numbers(options.memory_mib.map(|mib| mib << 20))?;
    let rows = rows(options);
    let total: u64 = rows.iter().map(|(_, rows)| rows).sum();
    let (cpu, clock) = (process_seconds()?, Instant::now());
    let handle = bench.start_graph(graph(options, &rows, 0)).await?;
    until_read(&handle, &rows, 0).await?;
    // The savepoint's barrier comes behind all rows.
    let read_seconds = clock.elapsed().as_secs_f64();
    let savepoint_clock = Instant::now();
    let info = handle.stop(Some(&SavepointId::new("full"))).await?.context("no savepoint was taken")?;
    let checkpoint_seconds = savepoint_clock.elapsed().as_secs_f64();
    let cpu_seconds = process_seconds()? - cpu;
    drop(handle);

    let restore_clock = Instant::now();
    let from = StartFrom::Savepoint { location: info.location, allow_partial: false };
    let handle = bench.start_graph_from(graph(options, &rows, ROWS_AFTER), from).await?;
    until_read(&handle, &rows, ROWS_AFTER).await?;
    while metric(&handle, "out", "numRecordsSend") < 1.0 {
        running(&handle)?;
        tokio::time::sleep(POLL).await;
    }
    let restore_seconds = restore_clock.elapsed().as_secs_f64();
    handle.stop(None).await?;
    Ok(json!({
        "records_per_second": total as f64 / read_seconds,
        "cpu_s_per_million": cpu_seconds * 1e6 / total as f64,
        "checkpoint_s": checkpoint_seconds,
        "checkpoint_mib": info.size_bytes >> 20,
        "restore_s": restore_seconds,
    }))
}

/// Sources and how many rows they give before the savepoint.
fn rows(options: &ChildOptions) -> Vec<(&'static str, u64)> {
    match options.query {
        Query::Aggregation => vec![("facts", options.keys + options.keys / 2)],
        Query::Join => vec![("facts", options.keys), ("dims", options.keys)],
    }
}

fn graph(options: &ChildOptions, rows: &[(&str, u64)], more: u64) -> Value {
    let sql = match options.query {
        Query::Aggregation => "SELECT k, COUNT(*) AS n, SUM(v) AS total FROM facts GROUP BY k",
        Query::Join => "SELECT facts.k, facts.v, dims.name FROM facts JOIN dims ON facts.k = dims.k",
    };
    let source = |(name, rows): &(&str, u64)| json!({"id": name, "kind": "numbers_source", "config": {"table": "numbers", "table_name": name, "rows": rows + more, "keys": options.keys}});
    let mut nodes: Vec<Value> = rows.iter().map(source).collect();
    nodes.push(json!({"id": "query", "kind": "sql", "config": {"sql": sql}}));
    nodes.push(json!({"id": "out", "kind": "blackhole_sink", "config": {"table": NOWHERE}}));
    let mut edges: Vec<Value> = rows.iter().map(|(name, _)| json!({"from": name, "to": "query"})).collect();
    edges.push(json!({"from": "query", "to": "out"}));
    // Long after the run: the savepoint is the only one.
    json!({"nodes": nodes, "edges": edges, "parameters": {"parallelism": PARALLELISM, "checkpoint_interval_ms": 3_600_000}})
}

/// Waits until the sources have given all rows; those before a savepoint do not count after it.
async fn until_read(handle: &JobHandle, rows: &[(&str, u64)], after: u64) -> anyhow::Result<()> {
    for (source, rows) in rows {
        let wanted = if after > 0 { after } else { *rows };
        while metric(handle, source, "numRecordsIn") < wanted as f64 {
            running(handle)?;
            tokio::time::sleep(POLL).await;
        }
    }
    Ok(())
}

fn running(handle: &JobHandle) -> anyhow::Result<()> {
    if handle.state().borrow().is_final() {
        bail!("the job ended: {:?}", *handle.state().borrow());
    }
    Ok(())
}
