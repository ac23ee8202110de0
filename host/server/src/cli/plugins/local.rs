//! What needs no server: a new project, a build, a test run.

use crate::{
    cli::{Session, resources::columns},
    plugin_test::{self, Outcome, TestRun},
};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use millrace_builder::{
    BuildError, BuildOptions, Built, Language, SdkSource, World, build_rust_with, jvm, new_project_of, presentation_files, script,
    write_sdk,
};
use millrace_engine::ParameterForm;
use millrace_sandbox::{CapabilityGrants, FolderGrant, HttpTarget, SecretValue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Languages of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginLanguage {
    /// A crate
    Rust,
    /// An ECMAScript module
    #[value(name = "javascript")]
    JavaScript,
    /// A Python 3 module
    Python,
    /// Java 17
    Java,
    /// Scala 2.13
    Scala,
}

impl PluginLanguage {
    /// The language of a project, by the file that makes it one.
    /// Java and Scala are built alike.
    fn of(folder: &Path) -> anyhow::Result<Self> {
        let has = |name: &str| folder.join(name).is_file();
        match () {
            () if has("Cargo.toml") => Ok(Self::Rust),
            () if has("package.json") => Ok(Self::JavaScript),
            () if has("pyproject.toml") => Ok(Self::Python),
            () if has(jvm::MANIFEST) => Ok(Self::Java),
            () => bail!(
                "`{}` is no plugin: it has no Cargo.toml (Rust), package.json (JavaScript), pyproject.toml (Python) or \
                 millrace.toml (Java, Scala); `millrace plugin new NAME --language LANGUAGE` makes one",
                folder.display()
            ),
        }
    }
}

/// What to start with.
#[derive(Args)]
pub(crate) struct NewArguments {
    /// Name of the plugin
    name: String,
    /// Folder to make; the name unless given
    folder: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "rust")]
    language: PluginLanguage,
    /// What kind of plugin: etl-operator, scalar-function, table-function, aggregate-function …
    #[arg(long, default_value = "etl-operator", value_parser = world)]
    world: World,
    /// Folder of the Rust SDK's crate; a copy in the project unless given
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

fn world(name: &str) -> Result<World, String> {
    let known = World::ALL.into_iter().find(|world| world.name() == name);
    known.ok_or_else(|| format!("expected one of {}", World::ALL.map(World::name).join(", ")))
}

/// What to run.
#[derive(Args)]
pub(crate) struct TestArguments {
    /// Folder of the plugin, which is built first, or a component
    plugin: PathBuf,
    /// Sample rows, a JSON object per line; `rows.jsonl` of the folder unless given
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Columns of the rows: `id BIGINT NOT NULL, name STRING`, or `@FILE` with a JSON list of columns; those of `schema.sql`
    /// in the folder, or guessed from the rows, unless given
    #[arg(long, value_name = "COLUMNS")]
    schema: Option<String>,
    /// Which signature of a SQL function is called, from 0
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    signature: u32,
    /// Parameters of the node, any number
    #[arg(long, short = 'P', value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Seconds to go on for the figures; the rows are processed twice unless given
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    measure: f64,
    /// Let it read the clock
    #[arg(long)]
    clock: bool,
    /// Let it send requests to a host, `HOST` or `HOST:PORT`; repeat for more
    #[arg(long = "http", value_name = "HOST")]
    hosts: Vec<HttpTarget>,
    /// Let it read a secret; repeat for more
    #[arg(long = "secret", value_name = "NAME=VALUE", value_parser = parameter)]
    secrets: Vec<(String, String)>,
    /// Let it read and write files of a folder; repeat for more
    #[arg(long = "folder", value_name = "NAME=FOLDER", value_parser = parameter)]
    folders: Vec<(String, String)>,
    /// Give it a dimension table: rows as JSON, the first column being the key; repeat for more
    #[arg(long = "dimension", value_name = "NAME=FILE", value_parser = parameter)]
    dimensions: Vec<(String, String)>,
}

impl TestArguments {
    fn grants(&self) -> anyhow::Result<CapabilityGrants> {
        let folder = |(name, path): &(String, String)| {
            let path = std::path::absolute(path).with_context(|| format!("--folder {name}={path}"))?;
            Ok((name.clone(), FolderGrant { path, writable: true }))
        };
        Ok(CapabilityGrants {
            clock: self.clock,
            http: self.hosts.iter().cloned().collect(),
            secrets: self.secrets.iter().map(|(name, value)| (name.clone(), SecretValue::new(value.clone()))).collect(),
            folders: self.folders.iter().map(folder).collect::<anyhow::Result<_>>()?,
        })
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Makes the project of a new plugin.
///
/// # Errors
/// The name is none, or the folder has something in it.
pub(super) fn new(session: &Session, arguments: NewArguments) -> anyhow::Result<()> {
    let NewArguments { name, folder, language, world, sdk } = arguments;
    let folder = folder.unwrap_or_else(|| PathBuf::from(&name));
    match language {
        PluginLanguage::Rust => {
            let sdk = sdk.map_or(SdkSource::Vendored, SdkSource::Path);
            new_project_of(world, &folder, &name, &sdk)?;
        }
        PluginLanguage::JavaScript => drop(script::new_project(script::ScriptLanguage::JavaScript, world, &folder, &name)?),
        PluginLanguage::Python => drop(script::new_project(script::ScriptLanguage::Python, world, &folder, &name)?),
        PluginLanguage::Java => drop(jvm::new_project(Language::Java, world, &folder, &name)?),
        PluginLanguage::Scala => drop(jvm::new_project(Language::Scala, world, &folder, &name)?),
    }
    let next = format!("made {}; next: millrace plugin {} {}", folder.display(), next_step(world), folder.display());
    session.output.done(&next, &Value::from(folder.display().to_string()));
    Ok(())
}

/// What its author does with a new plugin first: what works on it as it is.
fn next_step(world: World) -> &'static str {
    match world {
        World::EtlOperator
        | World::ScalarFunction
        | World::TableFunction
        | World::AggregateFunction
        | World::TransformOperator
        | World::SourceOperator => "test",
        // They reach something outside, which must be named first.
        World::SinkOperator | World::DimensionUpdater => "build",
    }
}

/// Writes the SDK to a folder.
///
/// # Errors
/// A file cannot be written.
pub(super) async fn sdk(session: &Session, folder: &Path) -> anyhow::Result<()> {
    let into = folder.to_owned();
    let written = tokio::task::spawn_blocking(move || write_sdk(&into)).await??;
    if let Err(reason) = &written.jar {
        eprintln!("The artefact for Java and Scala was written as source only: {reason}");
    }
    let done = format!("wrote the SDK, {} files, to {}; next: {}", written.files, folder.display(), folder.join("README.md").display());
    let jar = written.jar.as_ref().ok().map(|jar| jar.display().to_string());
    session.output.done(&done, &serde_json::json!({"folder": folder, "files": written.files, "jar": jar}));
    Ok(())
}

/// Builds the plugin in `folder`, showing what the tools say when it fails; answers the component's file.
///
/// # Errors
/// There is no toolchain, or the plugin does not build.
pub(crate) async fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    eprintln!("Building the plugin in {} …", folder.display());
    let shown = folder.display().to_string();
    let language = PluginLanguage::of(folder)?;
    let built = match language {
        PluginLanguage::Java | PluginLanguage::Scala => jvm::build_project(folder).await,
        PluginLanguage::Rust => on_a_thread(folder, rust).await?,
        PluginLanguage::JavaScript => on_a_thread(folder, script::javascript).await?,
        PluginLanguage::Python => on_a_thread(folder, script::python).await?,
    };
    let built = built.with_context(|| format!("plugin {shown}"))?;
    for warning in &built.warnings {
        eprint!("{warning}");
    }
    Ok(built.path)
}

async fn on_a_thread(
    folder: &Path,
    build: impl FnOnce(&Path) -> Result<Built, BuildError> + Send + 'static,
) -> anyhow::Result<Result<Built, BuildError>> {
    let folder = folder.to_owned();
    Ok(tokio::task::spawn_blocking(move || build(&folder)).await?)
}

fn rust(folder: &Path) -> Result<Built, BuildError> {
    let mut show = |line: &str| {
        if line.trim_start().starts_with("Compiling") || line.trim_start().starts_with("Finished") {
            eprintln!("  {}", line.trim());
        }
    };
    build_rust_with(folder, BuildOptions { on_line: Some(&mut show), ..BuildOptions::default() })
}

/// Runs a plugin on sample rows and prints what came of it.
///
/// # Errors
/// It cannot be built or run, or it was stopped by a fault.
pub(super) async fn test(session: &Session, arguments: TestArguments) -> anyhow::Result<()> {
    let grants = arguments.grants()?;
    let TestArguments { plugin, rows, schema, signature, parameters, measure, dimensions, .. } = arguments;
    let beside = |name: &str| plugin.is_dir().then(|| plugin.join(name)).filter(|path| path.is_file());
    let rows = rows.or_else(|| beside("rows.jsonl"));
    let schema = match (&schema, beside("schema.sql")) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(file)) => Some(std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?),
        (None, None) => None,
    };
    let schema = schema.map(|text| serde_json::from_value(columns(text.trim())?).context("--schema")).transpose()?;
    let form = if plugin.is_dir() { presentation_files(&plugin)?.parameters } else { None };
    let component = if plugin.is_dir() { build(&plugin).await? } else { plugin };
    let measure = Duration::try_from_secs_f64(measure).context("--measure")?;
    let parameters = completed(form.as_deref(), parameters.into_iter().collect(), &grants)?;
    let dimensions = dimensions.into_iter().map(|(name, path)| (name, PathBuf::from(path))).collect();
    let outcome = plugin_test::run(TestRun { component, rows, schema, signature, parameters, measure, grants, dimensions }).await?;
    show(session, &outcome);
    match &outcome.fault {
        None => Ok(()),
        Some(report) => bail!("the plugin was stopped: {report}"),
    }
}

/// The parameters as a job's node would have them: checked by the form in `file`, with its defaults.
fn completed(file: Option<&Path>, given: BTreeMap<String, String>, grants: &CapabilityGrants) -> anyhow::Result<BTreeMap<String, String>> {
    let Some(file) = file else { return Ok(given) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let form = ParameterForm::parse(&text).with_context(|| file.display().to_string())?;
    let secrets: Vec<&str> = grants.secrets.keys().map(String::as_str).collect();
    form.complete(&given, &secrets).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|e| format!("parameter `{}`: {}", e.parameter, e.message)).collect();
        anyhow::anyhow!("{}; {} says so", lines.join("; "), file.display())
    })
}

fn show(session: &Session, outcome: &Outcome) {
    let mut text = String::new();
    for line in &outcome.log {
        text.push_str(&format!(
            "log    {:<5} {}\n",
            format!("{:?}", line.level).to_lowercase(),
            line.message.replace('\n', "\n             ")
        ));
    }
    if outcome.log_lines_dropped > 0 {
        text.push_str(&format!("log    {} lines were dropped: too many in a second\n", outcome.log_lines_dropped));
    }
    for row in &outcome.rows {
        text.push_str(&format!("row    {row}\n"));
    }
    for rejected in &outcome.rejected {
        text.push_str(&format!("reject line {}: {}\n", rejected.line, rejected.message));
    }
    for (name, value) in &outcome.counters {
        text.push_str(&format!("count  {name} = {value}\n"));
    }
    for frame in outcome.fault.iter().flat_map(|fault| &fault.frames) {
        let place = frame.file.as_ref().map_or_else(String::new, |file| format!(" ({file}:{})", frame.line.unwrap_or_default()));
        text.push_str(&format!("at     {}{place}\n", frame.function));
    }
    text.push_str(&format!(
        "{} rows in, {} out, {} rejected; {:.0} units of fuel per row, {:.0} rows/s, memory peak {:.1} MiB",
        outcome.rows_in,
        outcome.rows.len(),
        outcome.rejected.len(),
        outcome.fuel_per_row,
        outcome.rows_per_second,
        outcome.memory_peak_bytes as f64 / f64::from(1 << 20),
    ));
    session.output.done(&text, &serde_json::to_value(outcome).unwrap_or_default());
}
