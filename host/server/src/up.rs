//! `millrace up`: everything at once on this machine: broker, server, sample tenant, generator and live figures.
//!
//! Invariant: whatever ends it, what it started ends with it, in the opposite order of starting; topics, metadata and
//! checkpoints stay in the data folder, so that the next start goes on where this one ended.
#![allow(clippy::print_stdout)]

mod figures;

use crate::{
    broker::EmbeddedBroker,
    cli::{ApplyArguments, Session, apply_as_far_as_possible},
    client::{Client, Output},
    config::ServerOptions,
    generate::{self, Generate},
    keys::DataDir,
    logging,
    manifest::{Manifest, Variables},
    serve::Server,
    shutdown,
};
use anyhow::Context;
use clap::Args;
use figures::Figures;
use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

/// Time between two lines of figures.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two looks at the figures.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What `up` can be told.
#[derive(Args)]
pub(crate) struct UpArguments {
    /// Use this Kafka cluster instead of an embedded broker
    #[arg(long, value_name = "ADDRESS")]
    kafka: Option<String>,
    /// Manifest of the tenant to load
    #[arg(long, default_value = "tenants/click-stream/tenant.json", value_name = "FILE")]
    manifest: PathBuf,
    /// Folder of built components, `NAME.wasm` each; without it (or without a plugin in it) plugins are built from source
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,
    /// Topic of the manifest that synthetic clicks are written into
    #[arg(long, default_value = "clicks", value_name = "NAME")]
    topic: String,
    /// Synthetic clicks per second; 0 writes none
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// End with success once this many records have come out
    #[arg(long, value_name = "N")]
    exit_after_records: Option<u64>,
    #[command(flatten)]
    options: ServerOptions,
}

/// Starts everything, shows figures until it is told to end, and ends everything.
pub(crate) async fn run(arguments: UpArguments, jobs: &tokio::runtime::Handle, held: &mut Option<DataDir>) -> anyhow::Result<()> {
    let mut options = arguments.options.clone();
    if options.source_networks_allowed.is_empty() {
        // The broker and everything else of the playground is on this machine.
        options.source_networks_allowed = ["127.0.0.0/8", "::1/128"].map(str::to_owned).into();
    }
    let settings = options.settle(None)?;
    // The client library speaks of every broken connection, which at the end of the broker is no news.
    let logs = logging::start(settings.log_format, "warn,librdkafka=error")?;
    let began = Instant::now();
    let broker = match &arguments.kafka {
        Some(_) => None,
        None => {
            println!("Starting Apache Kafka (about ten seconds) …");
            Some(EmbeddedBroker::start(&settings.data_dir.join("kafka")).await?)
        }
    };
    let kafka = match (&arguments.kafka, &broker) {
        (Some(address), _) => address.clone(),
        (None, Some(broker)) => broker.bootstrap().to_owned(),
        (None, None) => String::new(),
    };
    let server = Server::start(&settings, logs, jobs).await;
    let outcome = match server {
        Ok(server) => {
            let outcome = tokio::select! {
                outcome = play(&arguments, &server, &kafka, began) => outcome,
                ended = shutdown::requested() => ended,
            };
            println!("Stopping …");
            *held = Some(server.stop().await);
            outcome
        }
        Err(error) => Err(error),
    };
    if let Some(broker) = broker {
        broker.stop().await;
    }
    if outcome.is_ok() {
        println!("Stopped. Data stays in {}; the next start goes on from there.", settings.data_dir.display());
    }
    outcome
}

/// Loads the tenant and shows how records flow.
async fn play(arguments: &UpArguments, server: &Server, kafka: &str, began: Instant) -> anyhow::Result<()> {
    let client = Client::new(&server.url(), Some(server.token().to_owned()))?;
    let session = Session::with(client, Output { json: false });
    let set = vec![format!("KAFKA_BOOTSTRAP={kafka}")];
    let manifest = Manifest::read(&arguments.manifest, &Variables::new(&set)?)?;
    println!("Loading tenant `{}` from {} …", manifest.tenant.name, arguments.manifest.display());
    let (files, plugins) = (vec![arguments.manifest.clone()], arguments.plugins.clone());
    let apply_arguments = ApplyArguments { files, set, plugins, dry_run: false, prune: false };
    let applied = apply_as_far_as_possible(&session, &apply_arguments).await?;
    show_addresses(server, kafka, &manifest, began);
    for failed in &applied.failed {
        println!("{failed}");
    }
    anyhow::ensure!(
        applied.failed.is_empty() || arguments.exit_after_records.is_none(),
        "{} job(s) do not run, so their records would not come out",
        applied.failed.len()
    );
    let written = Arc::new(AtomicU64::new(0));
    let generator = generator(clicks(arguments, kafka, &manifest)?, Arc::clone(&written));
    let figures = watch(&session, &applied.running, arguments.exit_after_records, &written);
    tokio::select! {
        outcome = generator => outcome.context("the generator failed"),
        outcome = figures => outcome,
    }
}

/// What to generate: clicks for the topic of the manifest.
fn clicks(arguments: &UpArguments, kafka: &str, manifest: &Manifest) -> anyhow::Result<Option<Generate>> {
    if arguments.rate == 0 {
        return Ok(None);
    }
    let topic = manifest.topics.iter().find(|t| t.name == arguments.topic);
    let topic =
        topic.with_context(|| format!("the manifest has no topic `{}`; name one with --topic or give --rate 0", arguments.topic))?;
    Ok(Some(Generate {
        kafka: kafka.to_owned(),
        topic: topic.physical_name.clone().unwrap_or_else(|| topic.name.clone()),
        partitions: topic.partitions,
        schema: Some(topic.schema.clone()),
        records_per_second: arguments.rate,
        records_max: None,
    }))
}

async fn generator(options: Option<Generate>, written: Arc<AtomicU64>) -> anyhow::Result<()> {
    match options {
        Some(options) => generate::run(options, written).await.map(drop),
        None => std::future::pending().await,
    }
}

async fn watch(session: &Session, running: &[(String, String)], enough: Option<u64>, written: &AtomicU64) -> anyhow::Result<()> {
    let mut figures = Figures::default();
    let mut shown = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        for failure in figures.read(session, running, written).await? {
            // The others go on; who waits for a number of records would wait for ever.
            anyhow::ensure!(enough.is_none(), "{failure}");
            println!("{failure}");
        }
        let is_enough = enough.is_some_and(|enough| figures.records_out() >= enough);
        if is_enough || shown.elapsed() >= LINE_EVERY {
            shown = Instant::now();
            println!("{}", figures.line());
        }
        if is_enough {
            println!("{} records came out: {}", figures.records_out(), figures.summary());
            return Ok(());
        }
    }
}

fn show_addresses(server: &Server, kafka: &str, manifest: &Manifest, began: Instant) {
    let url = server.url();
    println!("\nMillrace is up after {:.1} s.", began.elapsed().as_secs_f64());
    println!("  API       {url}/api/v1/tenants");
    println!("  OpenAPI   {url}/api/v1/openapi.json");
    println!("  Metrics   {url}/metrics");
    println!("  Kafka     {kafka}");
    println!("  Tenant    {} / {} ({} jobs)", manifest.tenant.name, manifest.project.name, manifest.jobs.len());
    println!("  Try       millrace -t {} -p {} instance list --server {url}", manifest.tenant.name, manifest.project.name);
    println!("Ctrl-C stops everything.\n");
}
