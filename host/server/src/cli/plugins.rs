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
use clap::Subcommand;
pub(crate) use local::build;
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
        /// The component, or the folder of a plugin, which is built first
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

pub(crate) async fn run(global: &Global, command: PluginCommand) -> anyhow::Result<()> {
    let session = Session::open(global)?;
    match command {
        PluginCommand::New(arguments) => local::new(&session, arguments)?,
        PluginCommand::Build { folder } => {
            let path = build(&folder).await?;
            session.output.done(&format!("built {}", path.display()), &Value::from(path.display().to_string()));
        }
        PluginCommand::Test(arguments) => local::test(&session, arguments).await?,
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
pub(crate) async fn push(session: &Session, project: &str, name: &str, file: &Path, description: Option<&str>) -> anyhow::Result<Value> {
    let component = std::fs::read(file).with_context(|| format!("cannot read the component {}", file.display()))?;
    let mut path = format!("{}/versions", paths::below(project, "plugins", name));
    if let Some(description) = description {
        path.push_str(&format!("?description={}", encode(description)));
    }
    let pushed = session.client.upload(&path, component).await;
    pushed.with_context(|| format!("plugin `{name}` ({})", file.display()))
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
