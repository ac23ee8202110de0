//! Commands on plugins: upload and list over the API; build and start a project on this machine.

use super::{
    Global,
    grants::{self, Capabilities, Whose},
    paths,
    session::Session,
};
use crate::client::{Column, encode};
use anyhow::Context;
use clap::Subcommand;
use millrace_builder::{BuildOptions, SdkSource, build_rust_with, new_project};
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

/// On plugins.
#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// Start the project of a new Rust plugin
    New {
        /// Name of the plugin
        name: String,
        /// Folder to make; the name unless given
        folder: Option<PathBuf>,
        /// Folder of the SDK's crate; a copy in the project unless given
        #[arg(long, value_name = "FOLDER")]
        sdk: Option<PathBuf>,
    },
    /// Build a Rust plugin to a component
    Build {
        /// Folder of the plugin
        folder: PathBuf,
    },
    /// Upload a component; another content makes a new version
    Push {
        /// Name of the plugin in the project
        name: String,
        /// The component, or the folder of a Rust plugin, which is built first
        component: PathBuf,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
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
}

pub(crate) async fn run(global: &Global, command: PluginCommand) -> anyhow::Result<()> {
    let session = Session::open(global)?;
    match command {
        PluginCommand::New { name, folder, sdk } => {
            let folder = folder.unwrap_or_else(|| PathBuf::from(&name));
            let sdk = sdk.map_or(SdkSource::Vendored, SdkSource::Path);
            new_project(&folder, &name, &sdk)?;
            let next = format!("made {}; next: millrace plugin build {}", folder.display(), folder.display());
            session.output.done(&next, &Value::from(folder.display().to_string()));
        }
        PluginCommand::Build { folder } => {
            let path = build(&folder).await?;
            session.output.done(&format!("built {}", path.display()), &Value::from(path.display().to_string()));
        }
        PluginCommand::Push { name, component, description } => {
            let file = if component.is_dir() { build(&component).await? } else { component };
            let plugin = push(&session, &session.project()?, &name, &file, description.as_deref()).await?;
            session.output.done(&format!("plugin `{name}` is at version {}", plugin["latest"]["number"]), &plugin);
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
    }
    Ok(())
}

/// Uploads a component; answers the plugin.
///
/// # Errors
/// The file cannot be read, or the server refuses the component.
pub(crate) async fn push(session: &Session, project: &str, name: &str, file: &Path, description: Option<&str>) -> anyhow::Result<Value> {
    let component = std::fs::read(file).with_context(|| format!("cannot read the component {}", file.display()))?;
    let mut path = format!("{}/versions", paths::below(project, "plugins", name));
    if let Some(description) = description {
        path.push_str(&format!("?description={}", encode(description)));
    }
    let pushed = session.client.upload(&path, component).await;
    pushed.with_context(|| format!("plugin `{name}` ({})", file.display()))
}

/// Builds the Rust plugin in `folder`, showing what the compiler says when it fails; answers the component's file.
///
/// # Errors
/// There is no toolchain, or the plugin does not build.
pub(crate) async fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    eprintln!("Building the plugin in {} …", folder.display());
    let shown = folder.display().to_string();
    let folder = folder.to_owned();
    let built = tokio::task::spawn_blocking(move || {
        let mut show = |line: &str| {
            if line.trim_start().starts_with("Compiling") || line.trim_start().starts_with("Finished") {
                eprintln!("  {}", line.trim());
            }
        };
        build_rust_with(&folder, BuildOptions { on_line: Some(&mut show), ..BuildOptions::default() })
    });
    let built = built.await?.with_context(|| format!("plugin {shown}"))?;
    Ok(built.path)
}
