//! `latency`: records that pass the filter are produced at a steady rate by a thread of this process; another thread
//! reads the output and compares clocks. Broker and job run beside them, so the figure holds the whole way:
//! producer → broker → source → component → sink → broker → consumer.

use crate::{corpus, job::Bench, job::Filter};
use anyhow::Context;
use millrace_test_servers::KafkaBroker;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const WARM_UP: Duration = Duration::from_secs(5);

/// Runs the measurement and answers its figures.
pub fn run(plugin: &Path, rate: u64, seconds: u64) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let broker = KafkaBroker::start()?;
    let bootstrap = broker.bootstrap().to_owned();
    let handle = runtime.block_on(async {
        corpus::create_topic(&bootstrap, "in", 1).await?;
        corpus::create_topic(&bootstrap, "out", 1).await?;
        let bench = Bench::new(&bootstrap, plugin).await?;
        let handle = bench.start(Filter::Component, "in", "earliest", "out", "at_least_once").await?;
        anyhow::Ok((bench, handle))
    })?;
    let clock = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let reader = std::thread::spawn({
        let (bootstrap, stop) = (bootstrap.clone(), stop.clone());
        move || read(&bootstrap, clock, &stop)
    });
    let writer = std::thread::spawn({
        let (bootstrap, stop, sent) = (bootstrap.clone(), stop.clone(), sent.clone());
        move || write(&bootstrap, clock, rate, &stop, &sent)
    });
    std::thread::sleep(WARM_UP + Duration::from_secs(seconds));
    stop.store(true, Relaxed);
    writer.join().map_err(|_| anyhow::anyhow!("the producer broke"))??;
    let mut latencies_us = reader.join().map_err(|_| anyhow::anyhow!("the consumer broke"))??;
    runtime.block_on(handle.1.stop(None))?;
    latencies_us.sort_unstable();
    let at = |p: f64| latencies_us.get((latencies_us.len() as f64 * p) as usize).copied().unwrap_or(0) as f64 / 1e3;
    let total_s = (WARM_UP + Duration::from_secs(seconds)).as_secs_f64();
    Ok(json!({
        "p50_ms": at(0.50), "p90_ms": at(0.90), "p99_ms": at(0.99), "max_ms": at(0.999_999),
        "input_records_per_second": sent.load(Relaxed) as f64 / total_s,
        "measured_records": latencies_us.len(),
    }))
}

/// Sends `rate` records a second in steps of a millisecond; `ts` is the clock in microseconds at the moment of sending.
fn write(bootstrap: &str, clock: Instant, rate: u64, stop: &AtomicBool, sent: &AtomicU64) -> anyhow::Result<()> {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("linger.ms", "0.5").set("acks", "1").create()?;
    let mut text = String::new();
    let mut i = 0u64;
    while !stop.load(Relaxed) {
        let due = (clock.elapsed().as_secs_f64() * rate as f64) as u64;
        while i < due {
            // The id carries the clock: it is the column that passes through unchanged.
            corpus::record(i, None, &mut text);
            let stamped = text.replacen(&format!("\"id\":{i}"), &format!("\"id\":{}", clock.elapsed().as_micros()), 1);
            match producer.send(BaseRecord::<(), str>::to("in").partition(0).payload(&stamped)) {
                Ok(()) => i += 1,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    producer.poll(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error).context("producing"),
            }
        }
        sent.store(i, Relaxed);
        producer.poll(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(1));
    }
    producer.flush(Duration::from_secs(10)).context("producing")
}

/// Microseconds from produce to read, of every output record after the warm-up.
fn read(bootstrap: &str, clock: Instant, stop: &AtomicBool) -> anyhow::Result<Vec<u64>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "latency")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "5")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset("out", 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    let mut latencies = Vec::new();
    while !stop.load(Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(50)) else { continue };
        let message = message.context("consuming")?;
        let now_us = clock.elapsed().as_micros() as u64;
        let id = message.payload().and_then(|p| p.strip_prefix(b"{\"id\":")).map(|p| p.split(|b| !b.is_ascii_digit()).next().unwrap_or(p));
        let sent_us: u64 = id.and_then(|d| std::str::from_utf8(d).ok()?.parse().ok()).context("an output record has no id")?;
        if clock.elapsed() > WARM_UP {
            latencies.push(now_us.saturating_sub(sent_us));
        }
    }
    Ok(latencies)
}
