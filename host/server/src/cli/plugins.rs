//! Commands on plugins: upload and list over the API; start, build and test a project on this machine.

mod local;

use super::{
    Global,
    grants::{self, Capabilities, Whose},
    paths,
    session::Session,
};
use crate::client::{Column, encode};
use anyhow::Context;
use clap::{Args, Subcommand};
pub(crate) use local::build;
use millrace_builder::presentation_files;
use serde_json::Value;
use std::path::{Path, PathBuf};

const PLUGINS: &[Column] = &[
    ("NAME", "name"),
    ("VERSION", "latest.number"),
    ("WORLD", "latest.world"),
    ("BYTES", "latest.size_bytes"),
    ("CONTENT HASH", "latest.content_hash"),
];
const VERSIONS: &[Column] =
    &[("VERSION", "number"), ("WORLD", "world"), ("WIT", "wit_version"), ("BYTES", "size_bytes"), ("CONTENT HASH", "content_hash")];

const USES: &[Column] = &[("KIND", "kind"), ("NAME", "name"), ("ID", "id")];

/// On plugins.
#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// Start the project of a new plugin
    New(local::NewArguments),
    /// Write the SDK to a folder: contract, Rust crates, artefact for Java and Scala, types for editors
    Sdk {
        /// Folder to write to; files of an earlier SDK are replaced
        #[arg(default_value = "millrace-sdk")]
        folder: PathBuf,
    },
    /// Build a plugin to a component
    Build {
        /// Folder of the plugin
        folder: PathBuf,
    },
    /// Run a plugin on this machine, under the limits of a job, on sample rows
    Test(local::TestArguments),
    /// Upload a component; another content makes a new version
    Push {
        /// Name of the plugin in the project
        name: String,
        /// The component, or the folder of a plugin, which is built first; that of the newest version unless given
        component: Option<PathBuf>,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        shown: Shown,
    },
    /// Print the documentation of a plugin
    Docs {
        /// Name or id
        name: String,
        /// Of this version; of the newest unless given
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
    },
    /// List the project's plugins
    List,
    /// Show a plugin with its newest version
    Get {
        /// Name or id
        name: String,
    },
    /// Let a plugin do more, within what the tenant may have: reach hosts, folders, secrets, the clock
    Grant(Capabilities),
    /// Let a plugin do less, from its jobs' next start on
    Revoke(Capabilities),
    /// Show what a plugin may do; secrets read `***`
    Grants {
        /// Name or id
        name: String,
    },
    /// List the versions of a plugin
    Versions {
        /// Name or id
        name: String,
    },
    /// List who uses a plugin: versions of jobs, and functions
    UsedBy {
        /// Name or id
        name: String,
    },
    /// Remove a plugin that nobody uses, or one of its versions
    Delete {
        /// Name or id
        name: String,
        /// Only this version; the newest goes with the plugin only
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
    },
}

/// What a palette shows of the plugin. A folder says it itself: `icon.svg` or `icon.png`, `parameters.json`, `README.md`.
#[derive(Args, Default)]
pub(crate) struct Shown {
    /// Icon: PNG or SVG of at most 64 KiB
    #[arg(long, value_name = "FILE")]
    icon: Option<PathBuf>,
    /// JSON Schema of the node's parameters
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// Markdown of at most 128 KiB
    #[arg(long, value_name = "FILE")]
    documentation: Option<PathBuf>,
}

impl Shown {
    /// The parts to upload: what is named here, else what the folder has; an empty part removes what the version before had.
    fn parts(&self, folder: Option<&Path>) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
        let found = folder.map(presentation_files).transpose()?;
        let mut parts = Vec::new();
        for (name, named, own) in [
            ("icon", &self.icon, found.as_ref().map(|found| &found.icon)),
            ("parameters", &self.parameters, found.as_ref().map(|found| &found.parameters)),
            ("documentation", &self.documentation, found.as_ref().map(|found| &found.documentation)),
        ] {
            let bytes = match (named, own) {
                (Some(file), _) | (None, Some(Some(file))) => {
                    std::fs::read(file).with_context(|| format!("cannot read {name} of the plugin, {}", file.display()))?
                }
                (None, Some(None)) => Vec::new(),
                (None, None) => continue,
            };
            parts.push((name, bytes));
        }
        Ok(parts)
    }
}

pub(crate) async fn run(global: &Global, command: PluginCommand) -> anyhow::Result<()> {
    let session = Session::open(global)?;
    match command {
        PluginCommand::New(arguments) => local::new(&session, arguments)?,
        PluginCommand::Sdk { folder } => local::sdk(&session, &folder).await?,
        PluginCommand::Build { folder } => {
            let path = build(&folder).await?;
            session.output.done(&format!("built {}", path.display()), &Value::from(path.display().to_string()));
        }
        PluginCommand::Test(arguments) => local::test(&session, arguments).await?,
        PluginCommand::Push { name, component, description, shown } => {
            let folder = component.as_deref().filter(|path| path.is_dir());
            let file = match folder {
                Some(folder) => Some(build(folder).await?),
                None => component.clone(),
            };
            let parts = shown.parts(folder)?;
            let plugin = push(&session, &session.project()?, &name, (file.as_deref(), parts), description.as_deref()).await?;
            session.output.done(&format!("plugin `{name}` is at version {}", plugin["latest"]["number"]), &plugin);
        }
        PluginCommand::Docs { name, version } => {
            let plugin = paths::below(&session.project()?, "plugins", &name);
            let version = match version {
                Some(version) => version.to_string(),
                None => session.client.get(&plugin).await?["latest"]["number"].to_string(),
            };
            let found = session.client.get(&format!("{plugin}/versions/{version}/documentation")).await?;
            session.output.done(found["text"].as_str().unwrap_or_default(), &found);
        }
        PluginCommand::List => session.output.list(&session.client.list(&format!("{}/plugins", session.project()?)).await?, PLUGINS),
        PluginCommand::Get { name } => {
            session.output.item(&session.client.get(&paths::below(&session.project()?, "plugins", &name)).await?)
        }
        PluginCommand::Grant(wanted) => grants::grant(&session, Whose::Plugin, wanted).await?,
        PluginCommand::Revoke(wanted) => grants::revoke(&session, Whose::Plugin, wanted).await?,
        PluginCommand::Grants { name } => grants::show(&session, Whose::Plugin, &name).await?,
        PluginCommand::Versions { name } => {
            let path = format!("{}/versions", paths::below(&session.project()?, "plugins", &name));
            session.output.list(&session.client.list(&path).await?, VERSIONS);
        }
        PluginCommand::UsedBy { name } => {
            let path = format!("{}/used-by", paths::below(&session.project()?, "plugins", &name));
            session.output.list(&session.client.list(&path).await?, USES);
        }
        PluginCommand::Delete { name, version } => {
            let (path, what) = removed(&session.project()?, &name, version);
            let gone = session.client.delete(&path).await?;
            session.output.done(&format!("removed {what}"), &gone);
        }
    }
    Ok(())
}

/// Where a plugin or version that is to be removed lies, and what it is called.
fn removed(project: &str, name: &str, version: Option<u64>) -> (String, String) {
    let plugin = paths::below(project, "plugins", name);
    match version {
        None => (plugin, format!("plugin `{name}`")),
        Some(version) => (format!("{plugin}/versions/{version}"), format!("version {version} of plugin `{name}`")),
    }
}

/// Uploads a component; answers the plugin.
///
/// # Errors
/// The file cannot be read, or the server refuses the component.
pub(crate) async fn push(
    session: &Session,
    project: &str,
    name: &str,
    (file, mut parts): (Option<&Path>, Vec<(&'static str, Vec<u8>)>),
    description: Option<&str>,
) -> anyhow::Result<Value> {
    if let Some(file) = file {
        let component = std::fs::read(file).with_context(|| format!("cannot read the component {}", file.display()))?;
        parts.insert(0, ("component", component));
    }
    anyhow::ensure!(!parts.is_empty(), "what is to be pushed? give a component, a folder, or --icon, --parameters or --documentation");
    let mut path = format!("{}/versions", paths::below(project, "plugins", name));
    if let Some(description) = description {
        path.push_str(&format!("?description={}", encode(description)));
    }
    let pushed = session.client.upload_parts(&path, &parts).await;
    pushed.with_context(|| format!("plugin `{name}`{}", file.map_or_else(String::new, |file| format!(" ({})", file.display()))))
}

/// What a folder shows of its plugin, as parts to upload.
///
/// # Errors
/// Its manifest names what is not there, or a file cannot be read.
pub(crate) fn shown_by(folder: &Path) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    Shown::default().parts(folder.is_dir().then_some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_or_one_version_is_removed() {
        assert_eq!(removed("/p", "clean", None), ("/p/plugins/clean".into(), "plugin `clean`".into()));
        assert_eq!(removed("/p", "clean", Some(3)), ("/p/plugins/clean/versions/3".into(), "version 3 of plugin `clean`".into()));
    }
}
