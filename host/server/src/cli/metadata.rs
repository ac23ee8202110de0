//! Commands on business metadata of a tenant: categories, meta-models, business data, relations.

use super::{paths, resources::ByName, session::Session};
use crate::client::Column;
use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const CATEGORIES: &[Column] = &[("NAME", "name"), ("IN", "parent_name"), ("DESCRIPTION", "description"), ("MAY", "allowed_actions")];
const ITEMS: &[Column] =
    &[("NAME", "name"), ("ID", "id"), ("STATE", "state"), ("VERSION", "published_version"), ("MAY", "allowed_actions")];
const VERSIONS: &[Column] = &[("NUMBER", "number"), ("PUBLISHED BY", "published_by"), ("AT", "created_at_ms"), ("DOCUMENT", "document")];

/// On categories.
#[derive(Subcommand)]
pub(crate) enum CategoryCommand {
    /// List the tenant's categories
    List,
    /// Show a category
    Show(ByName),
    /// Make a category
    Create {
        /// Name
        name: String,
        #[command(flatten)]
        settings: CategorySettings,
    },
    /// Change or move a category; what is not said stays
    Edit {
        #[command(flatten)]
        by: ByName,
        /// Its new name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        settings: CategorySettings,
        /// Move it to the root
        #[arg(long, conflicts_with = "parent")]
        to_root: bool,
    },
    /// Remove a category that nothing lies in
    Delete(ByName),
}

/// What a category is.
#[derive(Args, Default)]
pub(crate) struct CategorySettings {
    /// Name or id of the category that it lies in
    #[arg(long = "in", value_name = "NAME")]
    parent: Option<String>,
    /// What belongs there
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// On meta-models, business data or relations.
#[derive(Subcommand)]
pub(crate) enum MetadataCommand {
    /// List them
    List,
    /// Show one with its draft and what was published of it
    Show(ByName),
    /// Make one: a draft
    Create {
        /// Name
        name: String,
        /// Category of a meta-model, or meta-model of business data
        #[arg(long, value_name = "NAME")]
        of: Option<String>,
        /// JSON file with the document
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Replace the draft
    Edit {
        #[command(flatten)]
        by: ByName,
        /// JSON file with the document
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Ask for the publication of the draft
    Publish {
        #[command(flatten)]
        by: ByName,
        /// Why; the decider reads it
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// List the published versions
    Versions(ByName),
    /// Remove one that nothing else needs
    Delete(ByName),
}

/// What the commands are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MetaModel,
    BusinessData,
    Relation,
}

impl Kind {
    const fn folder(self) -> &'static str {
        match self {
            Self::MetaModel => "meta-models",
            Self::BusinessData => "business-data",
            Self::Relation => "relations",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::MetaModel => "meta-model",
            Self::BusinessData => "business data",
            Self::Relation => "relation",
        }
    }

    /// The request that makes one.
    fn request(self, name: &str, of: Option<&str>, document: Value) -> anyhow::Result<Value> {
        let mut body = json!({"name": name, "document": document});
        match (self, of) {
            (Self::MetaModel, Some(category)) => body["category"] = category.into(),
            (Self::BusinessData, Some(model)) => body["meta_model"] = model.into(),
            (Self::BusinessData, None) => anyhow::bail!("--of is missing: business data follows a published meta-model"),
            (Self::Relation, Some(_)) => anyhow::bail!("--of is for meta-models and business data; a relation names its ends in the file"),
            (Self::MetaModel | Self::Relation, None) => {}
        }
        Ok(body)
    }
}

pub(crate) async fn category(session: &Session, command: CategoryCommand) -> anyhow::Result<()> {
    let tenant = session.tenant()?;
    let categories = format!("{tenant}/categories");
    let one = |name: &str| paths::below(&tenant, "categories", name);
    match command {
        CategoryCommand::List => {
            let found = session.client.get(&categories).await?;
            session.output.list(&with_parents(&found), CATEGORIES);
        }
        CategoryCommand::Show(by) => session.output.item(&known(&session.client.get(&categories).await?, &by.name)?),
        CategoryCommand::Create { name, settings } => {
            let body = json!({"name": name, "parent": settings.parent, "description": settings.description.unwrap_or_default()});
            let made = session.client.post(&categories, &body).await?;
            session.output.done(&format!("made category `{name}`"), &made);
        }
        CategoryCommand::Edit { by, rename, settings, to_root } => {
            let found = known(&session.client.get(&categories).await?, &by.name)?;
            let body = edited(&found, rename.as_deref(), &settings, to_root);
            let etag = format!("\"{}\"", found["revision"]);
            let changed = session.client.put(&one(&by.name), &body, Some(&etag)).await?;
            session.output.done(&format!("changed category `{}`", by.name), &changed);
        }
        CategoryCommand::Delete(by) => {
            let gone = session.client.delete(&one(&by.name)).await?;
            session.output.done(&format!("removed category `{}`", by.name), &gone);
        }
    }
    Ok(())
}

pub(crate) async fn item(session: &Session, kind: Kind, command: MetadataCommand) -> anyhow::Result<()> {
    let tenant = session.tenant()?;
    let all = format!("{tenant}/{}", kind.folder());
    let one = |name: &str| paths::below(&tenant, kind.folder(), name);
    let noun = kind.noun();
    match command {
        MetadataCommand::List => session.output.list(&session.client.list(&all).await?, ITEMS),
        MetadataCommand::Show(by) => session.output.item(&session.client.get(&one(&by.name)).await?),
        MetadataCommand::Create { name, of, file } => {
            let made = session.client.post(&all, &kind.request(&name, of.as_deref(), document(&file)?)?).await?;
            session.output.done(&format!("made {noun} `{name}`: a draft; `publish` asks for its publication"), &made);
        }
        MetadataCommand::Edit { by, file } => {
            let found = session.client.tagged(&one(&by.name)).await?;
            let changed = session.client.put(&one(&by.name), &document(&file)?, found.etag.as_deref()).await?;
            session.output.done(&format!("changed the draft of {noun} `{}`", by.name), &changed);
        }
        MetadataCommand::Publish { by, reason } => {
            let asked = session.client.post(&format!("{}/publish", one(&by.name)), &json!({ "reason": reason })).await?;
            session.output.done(&format!("asked for the publication of `{}`: request {}", by.name, asked["number"]), &asked);
        }
        MetadataCommand::Versions(by) => {
            let found = session.client.get(&format!("{}/versions", one(&by.name))).await?;
            session.output.list(found["items"].as_array().map_or(&[], Vec::as_slice), VERSIONS);
        }
        MetadataCommand::Delete(by) => {
            let gone = session.client.delete(&one(&by.name)).await?;
            session.output.done(&format!("removed {noun} `{}`", by.name), &gone);
        }
    }
    Ok(())
}

/// A document in a JSON file.
///
/// # Errors
/// The file cannot be read, or holds no object.
pub(super) fn document(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let document: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    ensure!(document.is_object(), "{}: expected an object", file.display());
    Ok(document)
}

/// The categories, each with the name of the one that it lies in.
fn with_parents(found: &Value) -> Vec<Value> {
    let items = found["items"].as_array().map_or(&[][..], Vec::as_slice);
    let named = |id: &Value| items.iter().find(|other| other["id"] == *id).map_or(Value::Null, |other| other["name"].clone());
    let shown = |item: &Value| {
        let mut item = item.clone();
        item["parent_name"] = named(&item["parent"]);
        item
    };
    items.iter().map(shown).collect()
}

fn known(found: &Value, name: &str) -> anyhow::Result<Value> {
    let one = with_parents(found).into_iter().find(|item| item["name"] == name || item["id"] == name);
    one.with_context(|| format!("there is no category `{name}`; `millrace category list` shows those that are there"))
}

/// The settings of a category, with what is to be another.
fn edited(found: &Value, rename: Option<&str>, settings: &CategorySettings, to_root: bool) -> Value {
    let kept = |new: Option<&str>, field: &str| new.map_or_else(|| found[field].clone(), Value::from);
    json!({
        "name": kept(rename, "name"),
        "parent": if to_root { Value::Null } else { kept(settings.parent.as_deref(), "parent") },
        "description": kept(settings.description.as_deref(), "description"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_it_belongs_to_in_its_own_word() {
        let new = |kind: Kind, of: Option<&str>| kind.request("x", of, json!({})).map_err(|error| error.to_string());
        assert_eq!(new(Kind::MetaModel, Some("goods")), Ok(json!({"name": "x", "document": {}, "category": "goods"})));
        assert_eq!(new(Kind::MetaModel, None), Ok(json!({"name": "x", "document": {}})));
        assert_eq!(new(Kind::BusinessData, Some("product")), Ok(json!({"name": "x", "document": {}, "meta_model": "product"})));
        assert_eq!(new(Kind::Relation, None), Ok(json!({"name": "x", "document": {}})));
        assert!(new(Kind::BusinessData, None).unwrap_err().starts_with("--of is missing"));
        assert!(new(Kind::Relation, Some("product")).unwrap_err().contains("names its ends in the file"));
        assert_eq!(Kind::BusinessData.folder(), "business-data");
    }

    #[test]
    fn a_category_keeps_what_is_not_said() {
        let found = json!({"items": [
            {"id": "cat_1", "name": "goods", "parent": null, "description": "what is sold", "revision": 1},
            {"id": "cat_2", "name": "shoes", "parent": "cat_1", "description": "", "revision": 4},
        ]});
        let shoes = known(&found, "shoes").unwrap();
        assert_eq!((&shoes["parent_name"], &shoes["id"]), (&json!("goods"), &json!("cat_2")));
        assert!(known(&found, "hats").unwrap_err().to_string().contains("no category `hats`"));
        let same = CategorySettings::default();
        assert_eq!(edited(&shoes, None, &same, false), json!({"name": "shoes", "parent": "cat_1", "description": ""}));
        let told = CategorySettings { parent: None, description: Some("for feet".into()) };
        assert_eq!(edited(&shoes, Some("boots"), &told, true), json!({"name": "boots", "parent": null, "description": "for feet"}));
    }

    #[test]
    fn documents_are_objects() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.json");
        assert!(document(&file).unwrap_err().to_string().starts_with("cannot read "));
        std::fs::write(&file, "[1]").unwrap();
        assert!(document(&file).unwrap_err().to_string().ends_with("model.json: expected an object"));
        std::fs::write(&file, r#"{"attributes": []}"#).unwrap();
        assert_eq!(document(&file).unwrap(), json!({"attributes": []}));
    }
}
