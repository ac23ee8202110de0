//! `etl-pipeline`: the whole topic through the job, component and native in turn, several rounds.

use crate::{
    corpus,
    cpu::{median, process_seconds},
    job::{Bench, Filter, metric},
};
use anyhow::bail;
use millrace_model::ids::SavepointId;
use millrace_test_servers::KafkaBroker;
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const PARTITIONS: i32 = 2;

struct Figures {
    records_per_second: f64,
    cpu_seconds_per_million: f64,
    output_records: f64,
}

/// Runs the measurement and answers its figures.
pub fn run(plugin: &Path, records: u64, rounds: usize) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(plugin, records, rounds))
}

async fn measure(plugin: &Path, records: u64, rounds: usize) -> anyhow::Result<Value> {
    let broker = KafkaBroker::start()?;
    let bootstrap = broker.bootstrap().to_owned();
    corpus::create_topic(&bootstrap, "in", PARTITIONS).await?;
    eprintln!("producing {records} records");
    tokio::task::block_in_place(|| corpus::produce(&bootstrap, "in", PARTITIONS, records))?;
    let bench = Bench::new(&bootstrap, plugin).await?;
    let kinds = [
        ("component", Filter::Component, "at_least_once"),
        ("native", Filter::Native, "at_least_once"),
        ("exactly_once", Filter::Component, "exactly_once"),
    ];
    let mut found: Vec<Vec<Figures>> = kinds.iter().map(|_| Vec::new()).collect();
    // One round more than is counted: the first warms caches here and in the broker.
    for round in 0..=rounds {
        for (index, (name, filter, delivery)) in kinds.iter().enumerate() {
            let output = format!("out-{name}-{round}");
            corpus::create_topic(&bootstrap, &output, PARTITIONS).await?;
            let figures = one(&bench, *filter, &output, delivery, records).await?;
            let Figures { records_per_second, cpu_seconds_per_million, output_records } = &figures;
            eprintln!(
                "{name} round {round}: {records_per_second:.0} records/s, {cpu_seconds_per_million:.3} CPU-s per million, {output_records:.0} out"
            );
            if round > 0 {
                found[index].push(figures);
            }
        }
    }
    let of = |index: usize, value: fn(&Figures) -> f64| median(found[index].iter().map(value).collect());
    let cpu = |f: &Figures| f.cpu_seconds_per_million;
    // Paired by round, so that a machine that slows down slows both.
    let ratios = found[0].iter().zip(&found[1]).map(|(c, n)| c.cpu_seconds_per_million / n.cpu_seconds_per_million).collect();
    Ok(json!({
        "records_per_second": of(0, |f| f.records_per_second),
        "cpu_seconds_per_million": of(0, cpu),
        "native_records_per_second": of(1, |f| f.records_per_second),
        "native_cpu_seconds_per_million": of(1, cpu),
        "exactly_once_records_per_second": of(2, |f| f.records_per_second),
        "exactly_once_cpu_seconds_per_million": of(2, cpu),
        "component_overhead_ratio": median(ratios),
    }))
}

/// From start to the last output record accepted and, in a savepoint, delivered.
async fn one(bench: &Bench, filter: Filter, output: &str, delivery: &str, records: u64) -> anyhow::Result<Figures> {
    let (cpu, clock) = (process_seconds()?, Instant::now());
    let handle = bench.start(filter, "in", "earliest", output, delivery).await?;
    while metric(&handle, "in", "numRecordsIn") < records as f64 {
        if handle.state().borrow().is_final() {
            bail!("the job ended: {:?}", *handle.state().borrow());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    handle.stop(Some(&SavepointId::new(output))).await?;
    let (cpu, seconds) = (process_seconds()? - cpu, clock.elapsed().as_secs_f64());
    let output_records = metric(&handle, "out", "numRecordsSend");
    if output_records < records as f64 / 4.0 {
        bail!("only {output_records} records were written of {records}");
    }
    let per_million = records as f64 / 1e6;
    Ok(Figures { records_per_second: records as f64 / seconds, cpu_seconds_per_million: cpu / per_million, output_records })
}
