//! `millrace generate`: synthetic records.

use super::resources::columns;
use crate::{
    generate::{self, Generate},
    shutdown,
};
use anyhow::Context;
use clap::{Args, Subcommand};
use std::sync::Arc;

/// What to make.
#[derive(Subcommand)]
pub(crate) enum GenerateCommand {
    /// Clicks of a web shop
    Clicks(ClickArguments),
}

/// Where clicks go and how many.
#[derive(Args)]
pub(crate) struct ClickArguments {
    /// `bootstrap.servers` of the cluster
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092", value_name = "ADDRESS")]
    kafka: String,
    /// Topic in the broker
    #[arg(long, default_value = "clicks")]
    topic: String,
    /// Partitions, when the topic has to be made
    #[arg(long, default_value_t = 2)]
    partitions: u32,
    /// Columns of the topic: `id BIGINT NOT NULL, url STRING`, or `@FILE` with a JSON list of columns; those of a click
    /// unless given. Names that clicks usually have get plausible values, others values of their type
    #[arg(long, value_name = "COLUMNS")]
    schema: Option<String>,
    /// Records per second
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Records in total; without end unless given
    #[arg(long)]
    count: Option<u64>,
}

pub(crate) async fn run(command: GenerateCommand) -> anyhow::Result<()> {
    let GenerateCommand::Clicks(arguments) = command;
    let schema = match &arguments.schema {
        None => None,
        Some(text) => Some(serde_json::from_value(columns(text)?).context("--schema")?),
    };
    eprintln!("Writing {} clicks per second into `{}` at {}; Ctrl-C ends it.", arguments.rate, arguments.topic, arguments.kafka);
    let options = Generate {
        kafka: arguments.kafka,
        topic: arguments.topic,
        partitions: arguments.partitions,
        schema,
        records_per_second: arguments.rate,
        records_max: arguments.count,
    };
    let written = Arc::default();
    let total = tokio::select! {
        total = generate::run(options, Arc::clone(&written)) => total?,
        ended = shutdown::requested() => {
            ended?;
            written.load(std::sync::atomic::Ordering::Relaxed)
        }
    };
    eprintln!("{total} clicks written");
    Ok(())
}
