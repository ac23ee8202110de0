//! Commands on resources: JARs, components and data packages.

use super::{paths, session::Session};
use crate::client::{Column, encode};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

const RESOURCES: &[Column] = &[
    ("NAME", "name"),
    ("KIND", "kind"),
    ("VERSION", "latest.number"),
    ("FORMAT", "latest.detail.format"),
    ("ROWS", "latest.detail.row_count"),
    ("BYTES", "latest.size_bytes"),
    ("DESCRIPTION", "description"),
];
const VERSIONS: &[Column] = &[("VERSION", "number"), ("BYTES", "size_bytes"), ("CONTENT HASH", "content_hash"), ("BY", "created_by")];
const USES: &[Column] = &[("KIND", "kind"), ("NAME", "name"), ("ID", "id")];
/// Columns of a preview as a table; more do not fit on a screen.
const PREVIEW_COLUMNS_MAX: usize = 12;

/// A file to upload.
#[derive(Args)]
pub(crate) struct Push {
    /// Name of the resource in the project
    pub(crate) name: String,
    /// The file; what it is is found in its content
    pub(crate) file: PathBuf,
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Read the file as CSV; needed for one with a single column, which looks like plain text
    #[arg(long = "csv")]
    pub(crate) is_csv: bool,
    /// Whether the first line of a CSV file names its columns; found out unless given
    #[arg(long, value_name = "BOOL")]
    pub(crate) header: Option<bool>,
}

/// On resources.
#[derive(Subcommand)]
pub(crate) enum ResourceCommand {
    /// Upload a JAR, a component or a data package; another content makes a new version
    Push(Push),
    /// List the project's resources
    List {
        /// Only of this kind: jar, component, data_package
        #[arg(long)]
        kind: Option<String>,
        /// Only with this in their names
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
    },
    /// Show a resource with its newest version
    Get {
        /// Name or id
        name: String,
    },
    /// List the versions of a resource
    Versions {
        /// Name or id
        name: String,
    },
    /// Show the first rows of a data package
    Preview {
        /// Name or id
        name: String,
        /// A number; the newest unless given
        #[arg(long, default_value = "latest")]
        version: String,
    },
    /// Download a version
    Download {
        /// Name or id
        name: String,
        /// Where to; the name unless given
        file: Option<PathBuf>,
        /// A number; the newest unless given
        #[arg(long, default_value = "latest")]
        version: String,
    },
    /// List who uses a resource
    UsedBy {
        /// Name or id
        name: String,
    },
    /// Remove a resource that nobody uses
    Delete {
        /// Name or id
        name: String,
    },
}

pub(crate) async fn run(session: &Session, command: ResourceCommand) -> anyhow::Result<()> {
    let project = session.project()?;
    let one = |name: &str| paths::below(&project, "resources", name);
    match command {
        ResourceCommand::Push(push) => {
            let resource = self::push(session, &project, &push).await?;
            let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let what = if text("/latest/detail/format").is_empty() { text("/kind") } else { text("/latest/detail/format") };
            let mut done = format!("resource `{}` ({what}) is at version {}", push.name, resource["latest"]["number"]);
            for warning in resource.pointer("/latest/detail/warnings").and_then(Value::as_array).into_iter().flatten() {
                done.push_str(&format!("\nwarning: {}", warning.as_str().unwrap_or_default()));
            }
            session.output.done(&done, &resource);
        }
        ResourceCommand::List { kind, name } => {
            let filters = [("kind", kind), ("name", name)];
            let filters: Vec<String> = filters.iter().filter_map(|(key, v)| Some(format!("{key}={}", encode(v.as_deref()?)))).collect();
            let query = if filters.is_empty() { String::new() } else { format!("?{}", filters.join("&")) };
            session.output.list(&session.client.list(&format!("{project}/resources{query}")).await?, RESOURCES);
        }
        ResourceCommand::Get { name } => session.output.item(&session.client.get(&one(&name)).await?),
        ResourceCommand::Versions { name } => {
            session.output.list(&session.client.list(&format!("{}/versions", one(&name))).await?, VERSIONS);
        }
        ResourceCommand::Preview { name, version } => {
            let found = session.client.get(&format!("{}/versions/{}/preview", one(&name), encode(&version))).await?;
            preview(session, &found);
        }
        ResourceCommand::Download { name, file, version } => {
            let file = file.unwrap_or_else(|| PathBuf::from(&name));
            let path = format!("{}/versions/{}/content", one(&name), encode(&version));
            anyhow::ensure!(!file.exists(), "{} is there already; name another file", file.display());
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // Beside its place, so that what broke off is never taken for the whole.
            let begun = tempfile::NamedTempFile::new_in(folder);
            let mut begun = begun.with_context(|| format!("cannot write into {}", folder.display()))?;
            session.client.download(&path, |piece| begun.write_all(piece)).await?;
            begun.persist_noclobber(&file).map_err(|e| e.error).with_context(|| format!("cannot make {}", file.display()))?;
            session.output.done(&format!("wrote {}", file.display()), &Value::from(file.display().to_string()));
        }
        ResourceCommand::UsedBy { name } => {
            session.output.list(&session.client.list(&format!("{}/used-by", one(&name))).await?, USES);
        }
        ResourceCommand::Delete { name } => {
            let gone = session.client.delete(&one(&name)).await?;
            session.output.done(&format!("removed resource `{name}`"), &gone);
        }
    }
    Ok(())
}

/// Uploads a file; answers the resource.
///
/// # Errors
/// The file cannot be read, or the server refuses its content.
pub(crate) async fn push(session: &Session, project: &str, push: &Push) -> anyhow::Result<Value> {
    let file = tokio::fs::File::open(&push.file).await.with_context(|| format!("cannot read {}", push.file.display()))?;
    let mut query = Vec::new();
    if let Some(description) = &push.description {
        query.push(format!("description={}", encode(description)));
    }
    if push.is_csv {
        query.push("format=csv".to_owned());
    }
    if let Some(header) = push.header {
        query.push(format!("header={header}"));
    }
    let path = format!("{}/versions?{}", paths::below(project, "resources", &push.name), query.join("&"));
    let pushed = session.client.upload_file(&path, file).await;
    pushed.with_context(|| format!("resource `{}` ({})", push.name, push.file.display()))
}

fn preview(session: &Session, found: &Value) {
    if session.output.json {
        return session.output.item(found);
    }
    let names = found["schema"].as_array().into_iter().flatten().filter_map(|field| field["name"].as_str());
    let names: Vec<&str> = names.take(PREVIEW_COLUMNS_MAX).collect();
    session.output.rows(&names, found["rows"].as_array().map_or(&[], Vec::as_slice));
}
