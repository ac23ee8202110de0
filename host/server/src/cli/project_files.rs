//! A project as files that can live in Git: `millrace export DIR` writes them, `millrace apply DIR` makes a project so.
//!
//! Invariant: the same project gives the same files, byte by byte: one file per thing, keys in order, nothing in it that
//! only one server knows (ids, times, revisions) and no secrets. Applying compares first, writes only what differs, and
//! removes nothing unless it is told to.

mod compare;

use super::{apply::ApplyArguments, paths, session::Session};
use crate::{client::Client, manifest::Variables};
use anyhow::{Context, bail, ensure};
use clap::Args;
use compare::{Compared, secret_variable};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The one version of the format.
const VERSION: u64 = 1;
/// The file that makes a folder a project.
const PROJECT: &str = "project.yaml";
/// Most bytes of one file.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A kind of thing: its folder and path in the API, and the fields that are its definition.
pub(super) struct Kind {
    pub(super) folder: &'static str,
    pub(super) what: &'static str,
    pub(super) fields: &'static [&'static str],
    /// Content that is uploaded, not written down: only checked.
    pub(super) is_reference: bool,
}

/// In the order in which they can be made.
const KINDS: [Kind; 6] = [
    Kind { folder: "data-sources", what: "data source", fields: &["name", "kind", "description", "properties"], is_reference: false },
    Kind {
        folder: "topics",
        what: "topic",
        fields: &["name", "data_source", "physical_name", "description", "schema", "format"],
        is_reference: false,
    },
    Kind { folder: "plugins", what: "plugin", fields: &["name", "description"], is_reference: true },
    Kind { folder: "resources", what: "resource", fields: &["name", "kind", "description"], is_reference: true },
    Kind { folder: "functions", what: "function", fields: &["name", "description", "attributes", "state"], is_reference: true },
    Kind { folder: "jobs", what: "job", fields: &["name", "folder", "description", "draft"], is_reference: false },
];

/// Where to write a project.
#[derive(Args)]
pub(crate) struct ExportArguments {
    /// Folder for the files; made if it is not there
    folder: PathBuf,
}

/// Everything of a project, by kind and name.
type Things = BTreeMap<&'static str, BTreeMap<String, Value>>;

/// Writes the chosen project into files.
///
/// # Errors
/// The server refuses, or the folder is not empty and not an export.
pub(crate) async fn export(session: &Session, arguments: &ExportArguments) -> anyhow::Result<()> {
    let project = session.project()?;
    let folder = &arguments.folder;
    let is_ours = folder.join(PROJECT).is_file();
    let is_empty = !folder.exists() || fs::read_dir(folder)?.next().is_none();
    ensure!(is_ours || is_empty, "{} has files and no {PROJECT}; choose an empty folder or an earlier export", folder.display());
    let found = session.client.get(&project).await?;
    let things = there(&session.client, &project).await?;
    let head = json!({"format_version": VERSION, "name": found["name"], "description": found["description"]});
    let mut written = BTreeSet::new();
    write(&folder.join(PROJECT), &head)?;
    for (kind, items) in KINDS.iter().filter_map(|kind| Some((kind, things.get(kind.folder)?))) {
        for (name, item) in items {
            let below = item.get("folder").and_then(Value::as_str).unwrap_or_default();
            let file = folder.join(kind.folder).join(below).join(format!("{name}.yaml"));
            write(&file, item)?;
            written.insert(file);
        }
    }
    for stale in files(folder)?.into_iter().filter(|(_, file)| !written.contains(file)) {
        fs::remove_file(&stale.1).with_context(|| format!("cannot remove {}", stale.1.display()))?;
    }
    let sentence =
        format!("wrote {} files to {}; next: millrace apply {} --dry-run", written.len() + 1, folder.display(), folder.display());
    session.output.done(&sentence, &head);
    Ok(())
}

/// Makes the chosen project look like the files in `folder`.
///
/// # Errors
/// A file is wrong (before anything is changed), something that has to be uploaded is missing, or the server refuses.
pub(crate) async fn apply(session: &Session, folder: &Path, arguments: &ApplyArguments, variables: &Variables) -> anyhow::Result<()> {
    let head = read(&folder.join(PROJECT))?;
    let version = head.get("format_version").and_then(Value::as_u64);
    ensure!(
        version == Some(VERSION),
        "{}: `format_version` is {}, expected {VERSION}",
        folder.join(PROJECT).display(),
        head["format_version"]
    );
    let wanted = wanted(folder)?;
    let name = match session.project_name() {
        Ok(name) => name.to_owned(),
        Err(_) => head["name"].as_str().with_context(|| format!("{PROJECT}: no `name`; give --project"))?.to_owned(),
    };
    let tenant = session.tenant()?;
    let project = format!("{tenant}/projects/{}", crate::client::encode(&name));
    let application = Application { client: &session.client, project: &project, variables, dry_run: arguments.dry_run };
    let exists = application.project(&tenant, &name, &head).await?;
    let found = if exists { there(&session.client, &project).await? } else { Things::default() };
    let mut count = Count::default();
    for kind in &KINDS {
        let none = BTreeMap::new();
        let (wanted, found) = (wanted.get(kind.folder).unwrap_or(&none), found.get(kind.folder).unwrap_or(&none));
        for (name, item) in wanted {
            let done = application.thing(kind, name, item, found.get(name)).await;
            count.add(done.with_context(|| format!("{} `{name}`", kind.what))?);
        }
    }
    // What depends on others goes first.
    for kind in KINDS.iter().rev().filter(|kind| !kind.is_reference) {
        let names = found.get(kind.folder).into_iter().flat_map(BTreeMap::keys);
        for name in names.filter(|name| !wanted.get(kind.folder).is_some_and(|wanted| wanted.contains_key(*name))) {
            if !arguments.prune {
                say(kind, name, "not in the files, kept (--prune removes it)");
                continue;
            }
            say(kind, name, if arguments.dry_run { "would be removed" } else { "removed" });
            if !arguments.dry_run {
                session
                    .client
                    .delete(&paths::below(&project, kind.folder, name))
                    .await
                    .with_context(|| format!("{} `{name}`", kind.what))?;
            }
            count.removed += 1;
        }
    }
    let verb = if arguments.dry_run { "would be" } else { "were" };
    let sentence = format!(
        "project `{name}`: {} {verb} made, {} {verb} changed, {} {verb} removed, {} are as they should be",
        count.made, count.changed, count.removed, count.same
    );
    let counts = json!({"made": count.made, "changed": count.changed, "removed": count.removed, "same": count.same});
    session.output.done(&sentence, &counts);
    ensure!(count.missing == 0, "{} thing(s) have to be uploaded first; see above", count.missing);
    Ok(())
}

/// What applying does.
#[derive(Debug, Default)]
struct Count {
    made: usize,
    changed: usize,
    removed: usize,
    same: usize,
    missing: usize,
}

impl Count {
    fn add(&mut self, done: Compared) {
        match done {
            Compared::Made => self.made += 1,
            Compared::Changed => self.changed += 1,
            Compared::Same => self.same += 1,
            Compared::Missing => self.missing += 1,
        }
    }
}

struct Application<'a> {
    client: &'a Client,
    project: &'a str,
    variables: &'a Variables,
    dry_run: bool,
}

impl Application<'_> {
    /// Makes the project if it is not there; answers whether it is there now.
    async fn project(&self, tenant: &str, name: &str, head: &Value) -> anyhow::Result<bool> {
        if self.client.find(self.project).await?.is_some() {
            return Ok(true);
        }
        eprintln!("  project {name}: {}", if self.dry_run { "would be made" } else { "made" });
        if !self.dry_run {
            let description = head.get("description").cloned().unwrap_or_else(|| json!(""));
            self.client.post(&format!("{tenant}/projects"), &json!({"name": name, "description": description})).await?;
        }
        Ok(!self.dry_run)
    }

    async fn thing(&self, kind: &Kind, name: &str, wanted: &Value, found: Option<&Value>) -> anyhow::Result<Compared> {
        let (compared, note) = compare::compare(kind, wanted, found, self.variables)?;
        let would = |done: &str| if self.dry_run { format!("would be {done}") } else { done.to_owned() };
        match compared {
            Compared::Same => return Ok(compared),
            Compared::Missing => {
                say(kind, name, &note);
                return Ok(compared);
            }
            Compared::Made => say(kind, name, &would("made")),
            Compared::Changed => say(kind, name, &format!("{} ({note})", would("changed"))),
        }
        let mut body = compare::filled(kind, wanted, found.is_some(), self.variables)?;
        if self.dry_run {
            return Ok(compared);
        }
        let path = paths::below(self.project, kind.folder, name);
        if compared == Compared::Made {
            self.client.post(&format!("{}/{}", self.project, kind.folder), &body).await?;
            return Ok(compared);
        }
        let etag = self.client.tagged(&path).await?.etag;
        for fixed in ["name", "kind"] {
            if let Some(fields) = body.as_object_mut() {
                fields.remove(fixed);
            }
        }
        self.client.put(&path, &body, etag.as_deref()).await?;
        Ok(compared)
    }
}

fn say(kind: &Kind, name: &str, done: &str) {
    // Progress is for people, so that standard output stays free for the answer.
    eprintln!("  {} {name}: {done}", kind.what);
}

/// Everything that the project has on the server, as it stands in files.
async fn there(client: &Client, project: &str) -> anyhow::Result<Things> {
    let mut things = Things::new();
    let mut sources = BTreeMap::new();
    for kind in &KINDS {
        let mut items = BTreeMap::new();
        for item in client.list(&format!("{project}/{}", kind.folder)).await? {
            let name = item["name"].as_str().unwrap_or_default().to_owned();
            if kind.folder == "data-sources" {
                sources.insert(item["id"].as_str().unwrap_or_default().to_owned(), name.clone());
            }
            items.insert(name, defined(kind, &item, &sources));
        }
        things.insert(kind.folder, items);
    }
    Ok(things)
}

/// A thing's definition: what belongs into its file.
fn defined(kind: &Kind, item: &Value, sources: &BTreeMap<String, String>) -> Value {
    let mut fields: Map<String, Value> =
        kind.fields.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect();
    if let Some(name) = fields.get("data_source").and_then(Value::as_str).and_then(|id| sources.get(id)) {
        fields.insert("data_source".to_owned(), json!(name));
    }
    if kind.is_reference
        && let Some(content) = item.pointer("/latest/content_hash")
    {
        fields.insert("content_hash".to_owned(), content.clone());
    }
    let source = item["name"].as_str().unwrap_or_default();
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        for (property, value) in properties.iter_mut().filter(|(_, value)| *value == compare::SECRET) {
            *value = json!(format!("${{{}}}", secret_variable(source, property)));
        }
    }
    Value::Object(fields)
}

/// The files of things in `folder`, with their kinds.
fn files(folder: &Path) -> anyhow::Result<Vec<(&'static Kind, PathBuf)>> {
    static KINDS_BY_FOLDER: &[Kind; 6] = &KINDS;
    let mut found = Vec::new();
    for kind in KINDS_BY_FOLDER {
        let mut open = vec![folder.join(kind.folder)];
        while let Some(next) = open.pop() {
            if !next.is_dir() {
                continue;
            }
            let mut entries: Vec<_> = fs::read_dir(&next)?.collect::<Result<_, _>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "yaml") {
                    found.push((kind, path));
                }
            }
        }
    }
    Ok(found)
}

fn wanted(folder: &Path) -> anyhow::Result<Things> {
    let mut things = Things::new();
    for (kind, file) in files(folder)? {
        let item = read(&file)?;
        let fields = item.as_object().with_context(|| format!("{}: expected fields", file.display()))?;
        let known = |name: &String| kind.fields.contains(&name.as_str()) || (kind.is_reference && name == "content_hash");
        if let Some(unknown) = fields.keys().find(|name| !known(name)) {
            bail!("{}: unknown field `{unknown}`; expected {}", file.display(), kind.fields.join(", "));
        }
        let name = item["name"].as_str().with_context(|| format!("{}: no `name`", file.display()))?.to_owned();
        if let Some(graph) = item.get("draft") {
            let read: Result<millrace_model::graph::JobGraph, _> = serde_path_to_error::deserialize(graph);
            read.map_err(|error| anyhow::anyhow!("{}: `draft.{}`: {}", file.display(), error.path(), error.inner()))?;
        }
        let twice = things.entry(kind.folder).or_default().insert(name.clone(), item);
        ensure!(twice.is_none(), "{}: {} `{name}` is in two files", file.display(), kind.what);
    }
    Ok(things)
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let size = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    ensure!(size <= FILE_BYTES_MAX, "{} has {size} bytes, at most {FILE_BYTES_MAX} are read", file.display());
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    millrace_api::read_yaml(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
}

fn write(file: &Path, value: &Value) -> anyhow::Result<()> {
    let text = millrace_api::write_yaml(value).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    // A file that stays as it is keeps its time, so that build tools see no change.
    if fs::read_to_string(file).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
