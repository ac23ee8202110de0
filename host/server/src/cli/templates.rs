//! Commands on templates.

use super::{paths, session::Session};
use crate::client::{Column, encode};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const TEMPLATES: &[Column] = &[
    ("NAME", "name"),
    ("VISIBILITY", "visibility"),
    ("LANGUAGE", "language"),
    ("WORLD", "world"),
    ("VERSION", "latest.number"),
    ("DESCRIPTION", "description"),
];
const VERSIONS: &[Column] = &[("VERSION", "number"), ("BY", "created_by"), ("PARAMETERS", "parameters")];

/// Text and parameters.
#[derive(Args)]
pub(crate) struct Content {
    /// File with the text; placeholders are written `{{name}}`
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// File with the declarations of the placeholders, as JSON: `{"content": {"type": "code"}, …}`
    #[arg(long, value_name = "FILE")]
    parameters: PathBuf,
}

impl Content {
    fn body(&self) -> anyhow::Result<Value> {
        Ok(json!({ "text": read(&self.text)?, "parameters": read_json(&self.parameters)? }))
    }
}

/// On templates.
#[derive(Subcommand)]
pub(crate) enum TemplateCommand {
    /// Make a template
    Create {
        /// Lower-case letters, digits, `_` and `-`
        name: String,
        /// java, scala, javascript or python
        #[arg(long)]
        language: String,
        /// World of the components that come of it: etl-operator, scalar-function, …
        #[arg(long)]
        world: String,
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
        /// For the whole tenant at once; for its administrators
        #[arg(long)]
        publish: bool,
        #[command(flatten)]
        content: Content,
    },
    /// List the templates that you see, and the frames that everybody has
    List {
        #[arg(long)]
        language: Option<String>,
        #[arg(long)]
        world: Option<String>,
    },
    /// Show a template with its newest version
    Get {
        /// Name or id
        name: String,
    },
    /// List the versions of a template
    Versions {
        /// Name or id
        name: String,
    },
    /// Add a version
    AddVersion {
        /// Name or id
        name: String,
        #[command(flatten)]
        content: Content,
    },
    /// Show a template to the whole tenant, or to its owner only; for administrators of the tenant
    Publish {
        /// Name or id
        name: String,
        /// Only its owner sees it from now on
        #[arg(long)]
        undo: bool,
    },
    /// Fill a template: writes the text of the whole class
    Complete {
        /// Name or id
        name: String,
        /// File with what goes into the parameter `content`; its default unless given
        content: Option<PathBuf>,
        /// Value of another parameter: JSON, or a text; repeat for more
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// A number; the newest unless given
        #[arg(long)]
        version: Option<i64>,
        /// Where to write; standard output unless given
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Count the builds that the versions of a template have completed
    UsedBy {
        /// Name or id
        name: String,
    },
    /// Remove a template; what was made of it stays
    Delete {
        /// Name or id
        name: String,
    },
}

pub(crate) async fn run(session: &Session, command: TemplateCommand) -> anyhow::Result<()> {
    let templates = format!("{}/templates", session.tenant()?);
    let one = |name: &str| format!("{templates}/{}", encode(name));
    match command {
        TemplateCommand::Create { name, language, world, description, publish, content } => {
            let mut body = content.body()?;
            body["name"] = name.as_str().into();
            body["language"] = language.into();
            body["world"] = world.into();
            body["description"] = description.into();
            body["visibility"] = if publish { "tenant" } else { "private" }.into();
            let made = session.client.post(&templates, &body).await?;
            session.output.done(&format!("made template `{name}`; next: millrace template complete {name}"), &made);
        }
        TemplateCommand::List { language, world } => {
            let filters = [("language", language), ("world", world)];
            let filters: Vec<String> = filters.iter().filter_map(|(key, v)| Some(format!("{key}={}", encode(v.as_deref()?)))).collect();
            let query = if filters.is_empty() { String::new() } else { format!("?{}", filters.join("&")) };
            session.output.list(&session.client.list(&format!("{templates}{query}")).await?, TEMPLATES);
        }
        TemplateCommand::Get { name } => session.output.item(&session.client.get(&one(&name)).await?),
        TemplateCommand::Versions { name } => {
            session.output.list(&session.client.list(&format!("{}/versions", one(&name))).await?, VERSIONS);
        }
        TemplateCommand::AddVersion { name, content } => {
            let added = session.client.post(&format!("{}/versions", one(&name)), &content.body()?).await?;
            session.output.done(&format!("template `{name}` is at version {}", added["latest"]["number"]), &added);
        }
        TemplateCommand::Publish { name, undo } => {
            let found = session.client.get(&one(&name)).await?;
            let visibility = if undo { "private" } else { "tenant" };
            let change = json!({ "description": found["description"], "visibility": visibility });
            let id = found["id"].as_str().unwrap_or(&name);
            let changed = session.client.put(&one(id), &change, None).await?;
            session.output.done(&format!("template `{name}` is now seen by: {visibility}"), &changed);
        }
        TemplateCommand::Complete { name, content, set, version, output } => {
            let mut body = json!({ "parameters": values(&set)? });
            if let Some(file) = &content {
                body["content"] = read(file)?.into();
            }
            if let Some(version) = version {
                body["version"] = version.into();
            }
            let filled = session.client.post(&format!("{}/complete", one(&name)), &body).await?;
            let text = filled["text"].as_str().unwrap_or_default();
            match output {
                None => session.output.done(text.trim_end(), &filled),
                Some(file) => {
                    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
                    session.output.done(&format!("wrote {}", file.display()), &filled);
                }
            }
        }
        TemplateCommand::UsedBy { name } => {
            let columns = [("VERSION", "version"), ("BUILDS", "builds"), ("LAST AT", "last_used_at_ms")];
            session.output.list(&session.client.list(&format!("{}/used-by", one(&name))).await?, &columns);
        }
        TemplateCommand::Delete { name } => {
            let gone = session.client.delete(&one(&name)).await?;
            session.output.done(&format!("removed template `{name}`"), &gone);
        }
    }
    Ok(())
}

/// `NAME=VALUE` arguments; a value that is JSON is that, any other a text.
pub(crate) fn values(arguments: &[String]) -> anyhow::Result<Map<String, Value>> {
    let value = |text: &String| {
        let (name, value) = text.split_once('=').with_context(|| format!("`{text}`: expected NAME=VALUE"))?;
        Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
    };
    arguments.iter().map(value).collect()
}

pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn read_json(file: &Path) -> anyhow::Result<Value> {
    serde_json::from_str(&read(file)?).with_context(|| format!("{}: expected JSON", file.display()))
}

/// Makes a template of the whole tenant be as a manifest says; answers what was done.
///
/// # Errors
/// The file cannot be read, or the server refuses something.
pub(crate) async fn apply(session: &Session, tenant: &str, folder: &Path, template: &crate::manifest::Template) -> anyhow::Result<String> {
    let path = paths::below(tenant, "templates", &template.name);
    let content = json!({ "text": read(&folder.join(&template.file))?, "parameters": template.parameters });
    let found = session.client.find(&path).await?.map(|found| found.body).filter(|found| found["visibility"] == "tenant");
    let Some(found) = found else {
        let mut new = content;
        new["name"] = template.name.as_str().into();
        new["language"] = template.language.as_str().into();
        new["world"] = template.world.as_str().into();
        new["description"] = template.description.as_str().into();
        new["visibility"] = "tenant".into();
        session.client.post(&format!("{tenant}/templates"), &new).await?;
        return Ok("made".to_owned());
    };
    let id = found["id"].as_str().unwrap_or_default();
    let by_id = paths::below(tenant, "templates", id);
    if found["description"] != template.description.as_str() {
        session.client.put(&by_id, &json!({ "description": template.description, "visibility": "tenant" }), None).await?;
    }
    let added = session.client.post(&format!("{by_id}/versions"), &content).await?;
    Ok(format!("version {}", added["latest"]["number"]))
}
