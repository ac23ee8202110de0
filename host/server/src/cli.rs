//! The command line: what can be said, and which module does it.
//!
//! Invariant: client commands go through the HTTP API only; an error ends with what to do next.

mod access;
mod apply;
mod approvals;
mod build;
mod catalog;
mod chosen;
mod databases;
mod editing;
mod functions;
mod generate;
mod grants;
mod identity_providers;
mod instances;
mod jobs;
mod keys;
mod logs;
mod looking;
mod me;
mod metadata;
pub(crate) mod moments;
mod paths;
mod people;
mod platform;
mod plugins;
mod project_files;
mod quotas;
mod releases;
mod resource_files;
mod resources;
mod session;
mod signed_in;
mod sources;
mod sql;
mod tables;
mod temp_tables;
mod templates;

use crate::{config::ServerOptions, keys::DataDir, logging, serve::Server, shutdown, up};
pub(crate) use apply::{ApplyArguments, as_far_as_possible as apply_as_far_as_possible};
use clap::{Args, Parser, Subcommand};
pub(crate) use session::Session;
use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};
use tokio::runtime::{Builder, Handle, Runtime};

/// How long calls of other systems that do not answer are waited for at the end.
const CALLS_MAX: Duration = Duration::from_secs(3);

/// Millrace: multi-tenant real-time stream processing.
#[derive(Parser)]
#[command(name = "millrace", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// How client commands reach a server and print.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// Address of the server
    #[arg(
        long,
        global = true,
        env = "MILLRACE_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        help_heading = "Client options"
    )]
    pub(crate) server: String,
    /// Token; without one the administrator's of the data folder on this machine is used
    #[arg(long, global = true, env = "MILLRACE_TOKEN", hide_env_values = true, value_name = "TOKEN", help_heading = "Client options")]
    pub(crate) token: Option<String>,
    /// Tenant, by name or id
    #[arg(long, short = 't', global = true, env = "MILLRACE_TENANT", value_name = "NAME", help_heading = "Client options")]
    pub(crate) tenant: Option<String>,
    /// Project, by name or id
    #[arg(long, short = 'p', global = true, env = "MILLRACE_PROJECT", value_name = "NAME", help_heading = "Client options")]
    pub(crate) project: Option<String>,
    /// Print JSON instead of tables
    #[arg(long, global = true, help_heading = "Client options")]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server
    Server(ServerArguments),
    /// Run a local playground: broker, server, sample tenant, generator, live figures
    Up(Box<up::UpArguments>),
    /// Make a server look like manifests say; applying twice changes nothing
    Apply(apply::ApplyArguments),
    /// Write a project into files that can live in Git
    Export(project_files::ExportArguments),
    /// Write synthetic records into a topic
    #[command(subcommand)]
    Generate(generate::GenerateCommand),
    /// Sign in with a password; the commands that follow are done as that user
    SignIn(people::SignInArguments),
    /// Sign out
    SignOut,
    /// Yourself: who you are here, your sessions and tokens
    #[command(subcommand)]
    Me(me::MeCommand),
    /// Users of a tenant, or of the platform
    #[command(subcommand)]
    User(people::UserCommand),
    /// Identity providers that people sign in with (OpenID Connect); of a tenant, or of the platform
    #[command(subcommand)]
    IdentityProvider(identity_providers::IdentityProviderCommand),
    /// Tenants
    #[command(subcommand)]
    Tenant(resources::TenantCommand),
    /// Projects of a tenant
    #[command(subcommand)]
    Project(resources::ProjectCommand),
    /// Data sources of a project
    #[command(subcommand)]
    Source(sources::SourceCommand),
    /// Topics of a project
    #[command(subcommand)]
    Topic(resources::TopicCommand),
    /// Databases of a project: tables of one system
    #[command(subcommand)]
    Database(databases::DatabaseCommand),
    /// Temp tables of a project: what its jobs leave for each other
    #[command(subcommand)]
    TempTable(temp_tables::TempTableCommand),
    /// Tables and topics in test and production
    #[command(subcommand)]
    Table(tables::TableCommand),
    /// Rights to use tables of other projects
    #[command(subcommand)]
    Permission(tables::PermissionCommand),
    /// Requests that somebody must agree to
    #[command(subcommand)]
    Approvals(approvals::ApprovalsCommand),
    /// Plugins of a project, and building them
    #[command(subcommand)]
    Plugin(plugins::PluginCommand),
    /// Build a component on the server from Java or Scala
    Build(build::BuildArguments),
    /// Resources of a project: JARs, components, data packages
    #[command(subcommand)]
    Resource(resource_files::ResourceCommand),
    /// Functions by which SQL calls tenant code
    #[command(subcommand)]
    Function(functions::FunctionCommand),
    /// Templates: texts around the code that users write
    #[command(subcommand)]
    Template(templates::TemplateCommand),
    /// Jobs of a project
    #[command(subcommand)]
    Job(jobs::JobCommand),
    /// Flink SQL scripts: check, explain, make a job of one
    #[command(subcommand)]
    Sql(sql::SqlCommand),
    /// Submitted versions of a job
    #[command(subcommand)]
    Version(jobs::VersionCommand),
    /// Releases: a version's way to production
    #[command(subcommand)]
    Release(releases::ReleaseCommand),
    /// Instances: running versions
    #[command(subcommand)]
    Instance(instances::InstanceCommand),
    /// Savepoints of an instance
    #[command(subcommand)]
    Savepoint(instances::SavepointCommand),
    /// Keys that secrets are sealed with
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Search everything of a tenant that you may see
    Search(catalog::SearchArguments),
    /// What a table is made from, and what is made from it
    Lineage(catalog::LineageArguments),
    /// Quality rules of a project's tables
    #[command(subcommand)]
    Quality(catalog::QualityCommand),
    /// Categories of business metadata
    #[command(subcommand)]
    Category(metadata::CategoryCommand),
    /// Meta-models: which attributes business data has
    #[command(subcommand)]
    MetaModel(metadata::MetadataCommand),
    /// Business data: entries that follow a meta-model
    #[command(subcommand)]
    BusinessData(metadata::MetadataCommand),
    /// Relations of business data to each other, to tables and to columns
    #[command(subcommand)]
    Relation(metadata::MetadataCommand),
    /// What a tenant has and may have
    #[command(subcommand)]
    Quota(quotas::QuotaCommand),
    /// The installation: health, builds, metrics
    #[command(subcommand)]
    Platform(platform::PlatformCommand),
    /// Tokens of a tenant
    #[command(subcommand)]
    Token(access::TokenCommand),
    /// The audit log of a tenant, or of the platform: shown, or taken away as a file
    Audit(access::AuditArguments),
}

#[derive(Args)]
struct ServerArguments {
    /// Configuration file (TOML); flags and variables win over it
    #[arg(long, env = "MILLRACE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: ServerOptions,
    #[command(subcommand)]
    command: Option<ServerCommand>,
}

/// What is done for a server without running one.
#[derive(Subcommand)]
enum ServerCommand {
    /// Fetch and prepare the compilers for Java and Scala now, as the server's user and with its MILLRACE_CACHE, so that the first
    /// build does not wait for them
    PrepareBuilds,
}

/// Reads the arguments and does what they say.
pub(crate) fn run() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let (runtime, jobs) = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    // The main thread runs the command itself: the embedded broker is tied to it.
    let mut held = None;
    let outcome = runtime.block_on(execute(global, command, jobs.handle(), &mut held));
    // What a job still computes does not keep the process.
    jobs.shutdown_background();
    // Calls that wait for a system that is away would keep the process for minutes. What they might still write is fenced or
    // belongs to a transaction that the next start settles.
    runtime.shutdown_timeout(CALLS_MAX);
    // Only now may another server have the data folder.
    drop(held);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The runtime of the process, which answers requests, renews leases and starts and ends instances, and the one that the
/// subtasks of jobs compute on: however long they do, the first one goes on.
fn runtimes() -> std::io::Result<(Runtime, Runtime)> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Two at least: a job that computes for long must not hold up all the others.
    let jobs = Builder::new_multi_thread().worker_threads(processors.max(2)).thread_name("job").enable_all().build()?;
    Ok((Builder::new_multi_thread().enable_all().build()?, jobs))
}

/// An error with its causes, each said once: many errors repeat their cause in their own text.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

async fn execute(global: Global, command: Command, jobs: &Handle, held: &mut Option<DataDir>) -> anyhow::Result<()> {
    let session = || Session::open(&global);
    match command {
        Command::Server(ServerArguments { command: Some(ServerCommand::PrepareBuilds), .. }) => prepare_builds().await,
        Command::Server(arguments) => serve(arguments, jobs, held).await,
        Command::Up(arguments) => up::run(*arguments, jobs, held).await,
        Command::Apply(arguments) => apply::run(&session()?, &arguments).await,
        Command::Export(arguments) => project_files::export(&session()?, &arguments).await,
        Command::Generate(command) => generate::run(command).await,
        Command::SignIn(arguments) => people::sign_in(&session()?, arguments).await,
        Command::SignOut => people::sign_out(&session()?).await,
        Command::Me(command) => me::run(&session()?, command).await,
        Command::User(command) => people::user(&session()?, command).await,
        Command::IdentityProvider(command) => identity_providers::run(&session()?, command).await,
        Command::Tenant(command) => resources::tenant(&session()?, command).await,
        Command::Project(command) => resources::project(&session()?, command).await,
        Command::Source(command) => sources::run(&session()?, command).await,
        Command::Topic(command) => resources::topic(&session()?, command).await,
        Command::Database(command) => databases::run(&session()?, command).await,
        Command::TempTable(command) => temp_tables::run(&session()?, command).await,
        Command::Table(command) => tables::table(&session()?, command).await,
        Command::Permission(command) => tables::permission(&session()?, command).await,
        Command::Approvals(command) => approvals::run(&session()?, command).await,
        Command::Plugin(command) => plugins::run(&global, command).await,
        Command::Build(arguments) => build::run(&session()?, arguments).await,
        Command::Resource(command) => resource_files::run(&session()?, command).await,
        Command::Function(command) => functions::run(&session()?, command).await,
        Command::Template(command) => templates::run(&session()?, command).await,
        Command::Job(command) => jobs::job(&session()?, command).await,
        Command::Sql(command) => sql::run(&session()?, command).await,
        Command::Version(command) => jobs::version(&session()?, command).await,
        Command::Release(command) => releases::run(&session()?, command).await,
        Command::Instance(command) => instances::instance(&session()?, command).await,
        Command::Savepoint(command) => instances::savepoint(&session()?, command).await,
        Command::Keys(command) => keys::run(&session()?, command).await,
        Command::Search(arguments) => catalog::search(&session()?, arguments).await,
        Command::Lineage(arguments) => catalog::lineage(&session()?, arguments).await,
        Command::Quality(command) => catalog::quality(&session()?, command).await,
        Command::Category(command) => metadata::category(&session()?, command).await,
        Command::MetaModel(command) => metadata::item(&session()?, metadata::Kind::MetaModel, command).await,
        Command::BusinessData(command) => metadata::item(&session()?, metadata::Kind::BusinessData, command).await,
        Command::Relation(command) => metadata::item(&session()?, metadata::Kind::Relation, command).await,
        Command::Quota(command) => quotas::run(&session()?, command).await,
        Command::Platform(command) => platform::run(&session()?, command).await,
        Command::Token(command) => access::token(&session()?, command).await,
        Command::Audit(arguments) => access::audit(&session()?, arguments).await,
    }
}

async fn prepare_builds() -> anyhow::Result<()> {
    let found = tokio::task::spawn_blocking(millrace_builder::jvm::JvmToolchain::find).await??;
    writeln!(std::io::stdout(), "Java and Scala can be built: {}", found.identity())?;
    Ok(())
}

async fn serve(arguments: ServerArguments, jobs: &Handle, held: &mut Option<DataDir>) -> anyhow::Result<()> {
    let settings = arguments.options.settle(arguments.config.as_deref())?;
    let logs = logging::start(settings.log_format, "info")?;
    let server = Server::start(&settings, logs, jobs).await?;
    shutdown::requested().await?;
    *held = Some(server.stop().await);
    Ok(())
}
