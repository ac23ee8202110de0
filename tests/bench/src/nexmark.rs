//! `nexmark`: the Nexmark queries over one topic of JSON events, into nothing, on the native engine and on Apache Flink.
//!
//! Both read the same topic with the same parallelism, without checkpoints. What counts is the second half of the topic:
//! in the first, Flink compiles the code that it generated for the query, and both fill their state. Processor time is
//! that of this process and of Flink's TaskManager; neither the broker nor planning counts. Of the rounds the cheapest
//! counts, for both: others were disturbed, or Flink's compiler was still at work.

mod flink;
mod native;

use crate::corpus::{Producer, create_topic};
use anyhow::{Context, bail};
use clap::Args;
use flink::Flink;
use millrace_nexmark::{Corpus, QUERIES, Query};
use millrace_test_servers::KafkaBroker;
use native::Native;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// The topic of the events.
const TOPIC: &str = "in";
/// Its partitions, and subtasks of both engines.
const PARTITIONS: i32 = 2;

/// Settings of the measure.
#[derive(Args)]
pub struct Options {
    /// Events in the topic; the second half of them counts.
    #[arg(long, default_value_t = 4_000_000)]
    events: u64,
    /// Runs of each query on each engine; the cheapest counts.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Runs of q0 on Flink before anything counts: they warm what all queries share.
    #[arg(long, default_value_t = 3)]
    warm_ups: usize,
    /// Only these queries, as q3,q5.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// A tenth of the events, one round, Flink hardly warm: to see that all works.
    #[arg(long)]
    quick: bool,
    /// Leave Flink out.
    #[arg(long)]
    alone: bool,
    /// Only show what the native engine makes of the queries.
    #[arg(long)]
    plans: bool,
    /// The component of the plugin `occurrences`, which q14 calls.
    #[arg(long)]
    function: PathBuf,
}

/// What one run cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu_seconds_per_million: f64,
    records_per_second: f64,
}

impl Cost {
    fn of(records: f64, cpu_seconds: f64, seconds: f64) -> Self {
        Self { cpu_seconds_per_million: cpu_seconds * 1e6 / records, records_per_second: records / seconds }
    }

    fn cheapest(all: Vec<Self>) -> Option<Self> {
        all.into_iter().min_by(|a, b| a.cpu_seconds_per_million.total_cmp(&b.cpu_seconds_per_million))
    }
}

/// Runs the measurement and answers its figures; without Flink only ours.
pub fn run(options: &Options) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &Options) -> anyhow::Result<Value> {
    let (events, rounds, warm_ups) =
        if options.quick { (options.events / 10, 1, 0) } else { (options.events, options.rounds.max(1), options.warm_ups) };
    if let Some(unknown) = options.only.iter().find(|name| Query::named(name).is_none()) {
        bail!("there is no query `{unknown}`; there are {}", QUERIES.iter().map(|q| q.name).collect::<Vec<_>>().join(", "));
    }
    let asked = || QUERIES.iter().filter(|q| options.only.is_empty() || options.only.iter().any(|name| name == q.name));
    if options.plans {
        for query in asked() {
            eprintln!("{}\n{}", query.name, native::plan(query)?);
        }
        return Ok(json!({}));
    }
    let broker = KafkaBroker::start()?;
    let bootstrap = broker.bootstrap().to_owned();
    create_topic(&bootstrap, TOPIC, PARTITIONS).await?;
    eprintln!("producing {events} events");
    tokio::task::block_in_place(|| produce(&bootstrap, events))?;
    let native = Native::open(&bootstrap, &options.function).await?;
    let flink = if options.alone { None } else { Some(tokio::task::block_in_place(|| Flink::start(&bootstrap))?) };
    if let (Some(flink), Some(query)) = (&flink, QUERIES.first()) {
        for _ in 0..warm_ups {
            report("flink, warming up", query, tokio::task::block_in_place(|| flink.run(query, events))?);
        }
    }
    let mut figures = Figures::default();
    for query in asked() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            match native.run(query, events).await.with_context(|| query.name) {
                Ok(cost) => ours.push(report("native", query, cost)),
                // What does not run is a figure too.
                Err(error) => {
                    eprintln!("{error:#}");
                    break;
                }
            }
            let Some(flink) = &flink else { continue };
            match tokio::task::block_in_place(|| flink.run(query, events)).with_context(|| query.name) {
                Ok(cost) => theirs.push(report("flink", query, cost)),
                Err(error) => {
                    eprintln!("flink: {error:#}");
                    break;
                }
            }
        }
        figures.add(query, Cost::cheapest(ours), Cost::cheapest(theirs));
    }
    Ok(figures.finish())
}

fn produce(bootstrap: &str, events: u64) -> anyhow::Result<()> {
    let mut producer = Producer::open(bootstrap, TOPIC, PARTITIONS)?;
    Corpus::of(events).each(|event| producer.send(event))?;
    producer.finish()
}

fn report(engine: &str, query: &Query, cost: Cost) -> Cost {
    let Cost { cpu_seconds_per_million, records_per_second } = cost;
    eprintln!("{} on {engine}: {cpu_seconds_per_million:.3} CPU-s per million, {records_per_second:.0} records/s", query.name);
    cost
}

#[derive(Default)]
struct Figures {
    by_name: Map<String, Value>,
    ratios: Vec<f64>,
    not_run: Vec<&'static str>,
}

impl Figures {
    fn add(&mut self, query: &Query, ours: Option<Cost>, theirs: Option<Cost>) {
        let name = query.name;
        let Some(ours) = ours else {
            self.not_run.push(name);
            return;
        };
        self.by_name.insert(format!("{name}_cpu_s_per_million"), json!(ours.cpu_seconds_per_million));
        self.by_name.insert(format!("{name}_records_per_second"), json!(ours.records_per_second));
        let Some(theirs) = theirs else { return };
        self.by_name.insert(format!("{name}_flink_cpu_s_per_million"), json!(theirs.cpu_seconds_per_million));
        let ratio = theirs.cpu_seconds_per_million / ours.cpu_seconds_per_million;
        self.by_name.insert(format!("{name}_vs_flink"), json!(ratio));
        self.ratios.push(ratio);
    }

    fn finish(mut self) -> Value {
        let count = self.ratios.len();
        if count > 0 {
            let mean = self.ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count as f64;
            let worst = self.ratios.iter().copied().fold(f64::INFINITY, f64::min);
            self.by_name.insert("geomean_vs_flink".into(), json!(mean.exp()));
            self.by_name.insert("worst_vs_flink".into(), json!(worst));
        }
        self.by_name.insert("queries".into(), json!(count));
        self.by_name.insert("not_run".into(), json!(self.not_run.join(" ")));
        Value::Object(self.by_name)
    }
}
