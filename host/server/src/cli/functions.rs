//! Commands on functions.

use super::{paths, resources::pairs, session::Session};
use crate::client::{Column, encode};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

const FUNCTIONS: &[Column] = &[
    ("NAME", "name"),
    ("SCOPE", "scope"),
    ("STATE", "state"),
    ("VERSION", "latest.number"),
    ("WORLD", "latest.world"),
    ("DESCRIPTION", "description"),
];
const VERSIONS: &[Column] =
    &[("VERSION", "number"), ("WORLD", "world"), ("BYTES", "size_bytes"), ("CONTENT HASH", "content_hash"), ("BY", "created_by")];

/// Whose function it is.
#[derive(Args)]
pub(crate) struct Where {
    /// A function of the whole tenant instead of the project
    #[arg(long)]
    tenant_wide: bool,
}

/// What a version is taken from.
#[derive(Args, Default)]
pub(crate) struct Taken {
    /// A plugin of the project
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// A resource of the project that is a component
    #[arg(long, value_name = "NAME")]
    pub(crate) resource: Option<String>,
    /// A build that has succeeded, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) build: Option<String>,
    /// A component that the tenant has, by its SHA-256
    #[arg(long, value_name = "HASH")]
    pub(crate) content_hash: Option<String>,
    /// Version of the plugin or resource; the newest unless given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) version: Option<i64>,
    /// Source text that it was built from, to be kept with it; repeat for more files
    #[arg(long, value_name = "FILE")]
    pub(crate) source: Vec<PathBuf>,
    /// Language of the source
    #[arg(long, default_value = "java")]
    pub(crate) language: String,
    /// Full name of the class in the source
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
}

impl Taken {
    fn is_some(&self) -> bool {
        self.plugin.is_some() || self.resource.is_some() || self.build.is_some() || self.content_hash.is_some()
    }

    /// The body of a version; `project` is said for functions of a tenant.
    fn body(&self, project: Option<&str>) -> anyhow::Result<Value> {
        let mut body = json!({});
        let places = [&self.plugin, &self.resource, &self.build, &self.content_hash];
        for (name, value) in ["plugin", "resource", "build", "content_hash"].into_iter().zip(places) {
            if let Some(value) = value {
                body[name] = value.as_str().into();
            }
        }
        if let Some(version) = self.version {
            body["version"] = version.into();
        }
        if let Some(project) = project.filter(|_| self.content_hash.is_none()) {
            body["project"] = project.into();
        }
        if !self.source.is_empty() {
            let file = |path: &PathBuf| {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(json!({ "path": name, "text": text }))
            };
            let files = self.source.iter().map(file).collect::<anyhow::Result<Vec<_>>>()?;
            body["source"] = json!({ "language": self.language, "files": files });
            if let Some(class) = &self.class {
                body["source"]["class"] = class.as_str().into();
            }
        }
        Ok(body)
    }
}

/// On functions.
#[derive(Subcommand)]
pub(crate) enum FunctionCommand {
    /// Make a function, with its first version if it is said what that is taken from
    Create {
        /// Name in SQL: lower-case letters, digits and `_`
        name: String,
        #[command(flatten)]
        place: Where,
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
        /// What else is said of it; repeat for more
        #[arg(long = "attribute", short = 'A', value_name = "NAME=VALUE")]
        attributes: Vec<String>,
        #[command(flatten)]
        taken: Taken,
    },
    /// List the functions that are known in the project
    List {
        #[command(flatten)]
        place: Where,
    },
    /// Show a function with its newest version
    Get {
        /// Name or id
        name: String,
        #[command(flatten)]
        place: Where,
    },
    /// List the versions of a function
    Versions {
        /// Name or id
        name: String,
        #[command(flatten)]
        place: Where,
    },
    /// Add a version; jobs that run stay with theirs
    AddVersion {
        /// Name or id
        name: String,
        #[command(flatten)]
        place: Where,
        #[command(flatten)]
        taken: Taken,
    },
    /// Say that nothing new should use a function, or take that back
    Deprecate {
        /// Name or id
        name: String,
        #[command(flatten)]
        place: Where,
        /// It can be used again
        #[arg(long)]
        undo: bool,
    },
    /// Remove a function that no job's version has pinned
    Delete {
        /// Name or id
        name: String,
        #[command(flatten)]
        place: Where,
    },
}

pub(crate) async fn run(session: &Session, command: FunctionCommand) -> anyhow::Result<()> {
    let below = |place: &Where| if place.tenant_wide { session.tenant() } else { session.project() };
    let one = |place: &Where, name: &str| Ok::<_, anyhow::Error>(paths::below(&below(place)?, "functions", name));
    match command {
        FunctionCommand::Create { name, place, description, attributes, taken } => {
            let body = json!({ "name": name, "description": description, "attributes": pairs(&attributes)? });
            let mut made = session.client.post(&format!("{}/functions", below(&place)?), &body).await?;
            let mut done = format!("made function `{name}`; next: millrace function add-version {name} --plugin …");
            if taken.is_some() {
                let path = one(&place, &name)?;
                let added = match add(session, &path, &place, &taken).await {
                    Ok(added) => added,
                    Err(error) => {
                        // A function without a version is no use, and would keep its name from the next try.
                        session.client.delete(&path).await.with_context(|| {
                            format!("the function `{name}` was made without a version and could not be taken away again ({error:#})")
                        })?;
                        return Err(error.context(format!("function `{name}` was not made")));
                    }
                };
                made["latest"] = added;
                done = format!("function `{name}` is at version {}", made["latest"]["number"]);
            }
            session.output.done(&done, &made);
        }
        FunctionCommand::List { place } => {
            session.output.list(&session.client.list(&format!("{}/functions", below(&place)?)).await?, FUNCTIONS);
        }
        FunctionCommand::Get { name, place } => session.output.item(&session.client.get(&one(&place, &name)?).await?),
        FunctionCommand::Versions { name, place } => {
            session.output.list(&session.client.list(&format!("{}/versions", one(&place, &name)?)).await?, VERSIONS);
        }
        FunctionCommand::AddVersion { name, place, taken } => {
            let added = add(session, &one(&place, &name)?, &place, &taken).await?;
            session.output.done(&format!("function `{name}` is at version {}", added["number"]), &added);
        }
        FunctionCommand::Deprecate { name, place, undo } => {
            let path = one(&place, &name)?;
            let found = session.client.tagged(&path).await?;
            let state = if undo { "enabled" } else { "deprecated" };
            let change = json!({ "description": found.body["description"], "attributes": found.body["attributes"], "state": state });
            let changed = session.client.put(&path, &change, found.etag.as_deref()).await?;
            session.output.done(&format!("function `{name}` is {state}"), &changed);
        }
        FunctionCommand::Delete { name, place } => {
            let gone = session.client.delete(&one(&place, &name)?).await?;
            session.output.done(&format!("removed function `{name}`"), &gone);
        }
    }
    Ok(())
}

async fn add(session: &Session, function: &str, place: &Where, taken: &Taken) -> anyhow::Result<Value> {
    if !taken.is_some() {
        bail!("what is the version taken from? give --plugin, --resource, --build or --content-hash");
    }
    let project = if place.tenant_wide && taken.content_hash.is_none() { Some(session.project_name()?) } else { None };
    Ok(session.client.post(&format!("{function}/versions"), &taken.body(project)?).await?)
}

/// Makes a function be as a manifest says; answers what was done.
///
/// # Errors
/// The server refuses something.
pub(crate) async fn apply(session: &Session, base: &str, project: &str, function: &crate::manifest::Function) -> anyhow::Result<String> {
    let path = format!("{base}/functions/{}", encode(&function.name));
    let body = json!({ "description": function.description, "attributes": function.attributes, "state": function.state });
    let found = session.client.find(&path).await?;
    // A tenant's function that the project sees is not the project's.
    let own = found.filter(|found| (found.body["scope"] == "tenant") == function.tenant_wide);
    let done = match &own {
        None => {
            let mut new = body;
            new["name"] = function.name.as_str().into();
            session.client.post(&format!("{base}/functions"), &new).await?;
            "made"
        }
        Some(found) if ["description", "attributes", "state"].iter().all(|field| found.body[*field] == body[*field]) => "unchanged",
        Some(found) => {
            session.client.put(&path, &body, found.etag.as_deref()).await?;
            "changed"
        }
    };
    let mut version = json!({});
    for (name, value) in [("plugin", &function.plugin), ("resource", &function.resource)] {
        if let Some(value) = value {
            version[name] = value.as_str().into();
        }
    }
    if function.tenant_wide {
        version["project"] = project.into();
    }
    let added = session.client.post(&format!("{path}/versions"), &version).await?;
    Ok(format!("{done}, version {}", added["number"]))
}
