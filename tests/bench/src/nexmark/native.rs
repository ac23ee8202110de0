//! The queries on the native engine, in this process.

use super::{Cost, PARTITIONS, TOPIC};
use crate::{
    cpu::process_seconds,
    job::{Bench, NOWHERE, metric},
};
use anyhow::{Context, anyhow, bail};
use millrace_engine::JobHandle;
use millrace_functions::FunctionRegistry;
use millrace_nexmark::{Query, events_table};
use millrace_sql::{Session, SourceTraits, plan::explain::explain};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(20);
/// Nothing is under way any more when so much time takes less than a hundredth of a second of processor time.
const QUIET: Duration = Duration::from_millis(300);

/// The table that q13 looks rows up in, and the data package that they come from.
const SIDE_INPUT: &str = "side_input";

pub(super) struct Native(Bench);

impl Native {
    pub(super) async fn open(bootstrap: &str, function: &Path) -> anyhow::Result<Self> {
        let mut session = Session::new(FunctionRegistry::builtin());
        let table = events_table("");
        session.declare(&format!("{table};")).map_err(|e| anyhow!(e.at(&table)))?;
        let events = session.tables().next().context("no table of events")?.physical_schema();
        let columns = events.into_iter().map(|(name, typed)| json!({"name": name, "type": typed.data_type})).collect();
        Ok(Self(Bench::reading(bootstrap, columns, Some(("count_char", function))).await?))
    }

    /// The cost of the topic's second half.
    pub(super) async fn run(&self, query: &Query, events: u64) -> anyhow::Result<Cost> {
        let handle = self.0.start_graph(graph(query)).await?;
        let half = read(&handle, events / 2).await?;
        let (cpu, clock) = (process_seconds()?, Instant::now());
        let all = read(&handle, events).await?;
        // What was read last is still on its way through the query.
        let (mut before, mut seconds) = (process_seconds()?, clock.elapsed());
        loop {
            tokio::time::sleep(QUIET).await;
            let now = process_seconds()?;
            if now - before <= 0.015 {
                break;
            }
            (before, seconds) = (now, clock.elapsed());
        }
        let cost = Cost::of(all - half, before - cpu, seconds.as_secs_f64());
        handle.stop(None).await?;
        Ok(cost)
    }
}

/// Waits until so many records are read; answers how many.
async fn read(handle: &JobHandle, records: u64) -> anyhow::Result<f64> {
    loop {
        let read = metric(handle, "in", "numRecordsIn");
        if read >= records as f64 {
            return Ok(read);
        }
        if handle.state().borrow().is_final() {
            bail!("the job ended: {:?}", *handle.state().borrow());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The query's plan as text.
pub(super) fn plan(query: &Query) -> anyhow::Result<String> {
    let mut session = Session::new(FunctionRegistry::builtin());
    session.connect(SIDE_INPUT, SourceTraits { is_dimension: true, ..SourceTraits::default() });
    let script = query.script("", "");
    let planned = session.execute(&script).map_err(|e| anyhow!(e.at(&script)))?;
    Ok(explain(&planned.query.context("the script has no query")?))
}

fn graph(query: &Query) -> Value {
    let dimensions = query.has_side_input().then(|| json!({"name": SIDE_INPUT, "package": SIDE_INPUT}));
    json!({
        "dimension_tables": dimensions.as_slice(),
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": TOPIC, "table_name": "events", "start": "earliest"}},
            {"id": "query", "kind": "sql", "config": {"sql": query.script("", "")}},
            {"id": "out", "kind": "blackhole_sink", "config": {"table": NOWHERE}},
        ],
        "edges": [{"from": "in", "to": "query"}, {"from": "query", "to": "out"}],
        // Long after the run.
        "parameters": {"parallelism": PARTITIONS, "checkpoint_interval_ms": 3_600_000},
    })
}
