//! What a job has written, small enough to be compared: how many rows, and sums over their cells.

use super::Query;
use anyhow::{Context, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Rows and, per column, the sum of its numbers and of its texts' lengths; by the window's end where there is one.
#[derive(Debug, Default)]
pub(super) struct Digest {
    parts: BTreeMap<String, (u64, Vec<f64>)>,
}

impl Digest {
    /// Reads the whole topic.
    pub(super) fn of(bootstrap: &str, topic: &str, query: &Query) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "digest")
            // Reports of commits would end a poll without a message.
            .set("enable.auto.commit", "false")
            .create()?;
        let mut partitions = TopicPartitionList::new();
        let mut left = 0;
        for partition in 0..super::PARTITIONS {
            let (first, end) = consumer.fetch_watermarks(topic, partition, ANSWER_MAX)?;
            left += end - first;
            partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&partitions)?;
        let mut digest = Self::default();
        while left > 0 {
            let message = consumer.poll(ANSWER_MAX).with_context(|| format!("`{topic}` ends {left} records before its end"))??;
            let row: Map<String, Value> = serde_json::from_slice(message.payload().context("a record without value")?)?;
            digest.add(&row, query)?;
            left -= 1;
        }
        Ok(digest)
    }

    fn add(&mut self, row: &Map<String, Value>, query: &Query) -> anyhow::Result<()> {
        let part = match query.window_end {
            None => String::new(),
            // Both engines write timestamps as text, Flink without trailing zeros.
            Some(column) => row.get(column).and_then(Value::as_str).context("a row without its window")?.replace('T', " ")[..19].to_owned(),
        };
        let (rows, sums) = self.parts.entry(part).or_insert_with(|| (0, vec![0.0; query.columns.len()]));
        *rows += 1;
        for ((name, data_type), sum) in query.columns.iter().zip(sums) {
            *sum += match row.get(*name).with_context(|| format!("a row without `{name}`"))? {
                Value::Number(number) => number.as_f64().context("a number")?,
                Value::String(_) if data_type.starts_with("TIMESTAMP") => 1.0,
                Value::String(text) => text.bytes().map(f64::from).sum(),
                other => anyhow::bail!("`{name}` is {other}"),
            };
        }
        Ok(())
    }

    /// # Errors
    /// The first part that differs by more than the order of a sum can explain.
    pub(super) fn must_agree(&self, flink: &Self) -> anyhow::Result<()> {
        ensure!(!self.parts.is_empty(), "we wrote nothing");
        for (part, (rows, sums)) in &self.parts {
            let (their_rows, their_sums) = flink.parts.get(part).with_context(|| format!("Flink has no rows of `{part}`"))?;
            ensure!(rows == their_rows, "`{part}`: {rows} rows, Flink has {their_rows}");
            for (ours, theirs) in sums.iter().zip(their_sums) {
                ensure!((ours - theirs).abs() <= theirs.abs() * 1e-9, "`{part}`: {sums:?}, Flink has {their_sums:?}");
            }
        }
        // Windows that only the end of a bounded input closes.
        let open = flink.parts.len() - self.parts.len();
        ensure!(open <= 2, "Flink has {open} windows more");
        Ok(())
    }
}
