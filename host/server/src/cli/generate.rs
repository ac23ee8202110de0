//! `millrace generate`: synthetic records.

use crate::{
    generate::{self, Generate},
    shutdown,
};
use anyhow::Context;
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc};

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
    /// Columns as a JSON list in a file; those of the sample tenant unless given
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
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
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(serde_json::from_str(&text).with_context(|| format!("{}: expected a list of columns", path.display()))?)
        }
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
