//! `sql-pipeline`: two SQL jobs over the corpus, on the native engine and on Apache Flink in turn, over one broker.
//!
//! Both run the same text with the same parallelism, at least once, and read the whole topic. Flink's processor time is
//! that of its TaskManager, so neither planning nor the broker counts; its first round warms the JIT compiler and is
//! left out, as is ours. What both wrote is compared: equal rows, or the measure fails.

mod flink;
mod output;

use crate::{
    corpus,
    cpu::{median, process_seconds},
    job::{Bench, metric},
};
use anyhow::{Context, bail, ensure};
use flink::Flink;
use millrace_model::ids::SavepointId;
use millrace_test_servers::KafkaBroker;
use output::Digest;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Partitions of the topics, and subtasks of both engines.
pub(crate) const PARTITIONS: i32 = 2;

/// A job: its query over `events` and the columns that it writes.
pub(crate) struct Query {
    pub name: &'static str,
    pub text: &'static str,
    /// Columns of the sink.
    pub columns: &'static [(&'static str, &'static str)],
    /// Rows of windows that close only at the end of a bounded input are not compared: Flink's input ends, ours does not.
    pub window_end: Option<&'static str>,
}

const QUERIES: [Query; 2] = [
    Query {
        name: "filter",
        text: "SELECT id, usr, UPPER(item) AS item, amount * 1.1 AS amt FROM events WHERE action = 'buy' AND amount > 100",
        columns: &[("id", "BIGINT"), ("usr", "STRING"), ("item", "STRING"), ("amt", "DOUBLE")],
        window_end: None,
    },
    Query {
        name: "window",
        text: "SELECT window_start AS ws, window_end AS we, usr, COUNT(*) AS n, SUM(amount) AS total \
               FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(et), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, usr",
        columns: &[("ws", "TIMESTAMP(3)"), ("we", "TIMESTAMP(3)"), ("usr", "STRING"), ("n", "BIGINT"), ("total", "DOUBLE")],
        window_end: Some("we"),
    },
];

/// Physical columns of the corpus and its event time, as SQL.
pub(crate) const EVENTS: &str = "id BIGINT, usr STRING, item STRING, action STRING, amount DOUBLE, region STRING, ts BIGINT, \
     et AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR et AS et - INTERVAL '1' SECOND";

#[derive(Clone, Copy)]
struct Figures {
    cpu_seconds_per_million: f64,
    records_per_second: f64,
}

impl Figures {
    fn of(records: u64, cpu_seconds: f64, seconds: f64) -> Self {
        Self { cpu_seconds_per_million: cpu_seconds * 1e6 / records as f64, records_per_second: records as f64 / seconds }
    }
}

/// Runs the measurement and answers its figures; without Flink only ours.
pub fn run(records: u64, rounds: usize, with_flink: bool) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(records, rounds, with_flink))
}

async fn measure(records: u64, rounds: usize, with_flink: bool) -> anyhow::Result<Value> {
    let broker = KafkaBroker::start()?;
    let bootstrap = broker.bootstrap().to_owned();
    corpus::create_topic(&bootstrap, "in", PARTITIONS).await?;
    eprintln!("producing {records} records");
    tokio::task::block_in_place(|| corpus::produce(&bootstrap, "in", PARTITIONS, records))?;
    let flink = if with_flink { Some(tokio::task::block_in_place(|| Flink::start(&bootstrap))?) } else { None };
    let mut figures = serde_json::Map::new();
    for query in &QUERIES {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // The first round warms caches, the broker and Flink's compiler.
        for round in 0..=rounds {
            let topics = [format!("ours-{}-{round}", query.name), format!("flink-{}-{round}", query.name)];
            for topic in &topics {
                corpus::create_topic(&bootstrap, topic, PARTITIONS).await?;
            }
            let found = native(&bootstrap, query, &topics[0], records).await?;
            report("native", query, round, found);
            ours.push(found);
            let Some(flink) = &flink else { continue };
            let (cpu_seconds, seconds) = tokio::task::block_in_place(|| flink.run(query, &topics[1]))?;
            let found = Figures::of(records, cpu_seconds, seconds);
            report("flink", query, round, found);
            theirs.push(found);
            if round == 0 {
                let (native, flink) = tokio::task::block_in_place(|| {
                    anyhow::Ok((Digest::of(&bootstrap, &topics[0], query)?, Digest::of(&bootstrap, &topics[1], query)?))
                })?;
                native.must_agree(&flink).with_context(|| format!("the results of `{}` differ", query.name))?;
            }
        }
        add(&mut figures, query, &ours[1..], theirs.get(1..).unwrap_or_default());
    }
    Ok(Value::Object(figures))
}

fn add(figures: &mut serde_json::Map<String, Value>, query: &Query, ours: &[Figures], theirs: &[Figures]) {
    let of = |all: &[Figures], value: fn(&Figures) -> f64| json!(median(all.iter().map(value).collect()));
    let name = query.name;
    figures.insert(format!("{name}_cpu_seconds_per_million"), of(ours, |f| f.cpu_seconds_per_million));
    figures.insert(format!("{name}_records_per_second"), of(ours, |f| f.records_per_second));
    if theirs.is_empty() {
        return;
    }
    figures.insert(format!("{name}_flink_cpu_seconds_per_million"), of(theirs, |f| f.cpu_seconds_per_million));
    figures.insert(format!("{name}_flink_records_per_second"), of(theirs, |f| f.records_per_second));
    // Paired by round, so that a machine that slows down slows both.
    let ratios = ours.iter().zip(theirs).map(|(o, t)| t.cpu_seconds_per_million / o.cpu_seconds_per_million).collect();
    figures.insert(format!("{name}_vs_flink"), json!(median(ratios)));
}

fn report(engine: &str, query: &Query, round: usize, figures: Figures) {
    let Figures { cpu_seconds_per_million, records_per_second } = figures;
    eprintln!(
        "{} on {engine}, round {round}: {records_per_second:.0} records/s, {cpu_seconds_per_million:.3} CPU-s per million",
        query.name
    );
}

/// From start to the last output accepted and, in a savepoint, delivered.
async fn native(bootstrap: &str, query: &Query, output: &str, records: u64) -> anyhow::Result<Figures> {
    let bench = Bench::without_plugin(bootstrap, query.columns)?;
    let (cpu, clock) = (process_seconds()?, Instant::now());
    let handle = bench.start_graph(graph(query, output)).await?;
    while metric(&handle, "in", "numRecordsIn") < records as f64 {
        if handle.state().borrow().is_final() {
            bail!("the job ended: {:?}", *handle.state().borrow());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    handle.stop(Some(&SavepointId::new(output))).await?;
    let found = Figures::of(records, process_seconds()? - cpu, clock.elapsed().as_secs_f64());
    ensure!(metric(&handle, "out", "numRecordsSend") > 0.0, "the job wrote nothing");
    Ok(found)
}

fn graph(query: &Query, output: &str) -> Value {
    let sql = format!("CREATE TABLE events ({EVENTS});\n{}", query.text);
    json!({
        "nodes": [
            {"id": "in", "kind": "kafka_source", "config": {"topic": "in", "table_name": "events", "start": "earliest"}},
            {"id": "query", "kind": "sql", "config": {"sql": sql}},
            {"id": "out", "kind": "kafka_sink", "config": {"topic": output, "delivery": "at_least_once"}},
        ],
        "edges": [{"from": "in", "to": "query"}, {"from": "query", "to": "out"}],
        "parameters": {"parallelism": PARTITIONS, "checkpoint_interval_ms": 10_000},
    })
}
