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

/// The version of the format that is written; earlier ones are read.
const VERSION: u64 = 2;
/// The file that makes a folder a project.
const PROJECT: &str = "project.yaml";
/// Most bytes of one file.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A kind of thing: its folder and path in the API, and the fields that are its definition.
pub(super) struct Kind {
    pub(super) folder: &'static str,
    pub(super) what: &'static str,
    pub(super) fields: &'static [&'static str],
    pub(super) nature: Nature,
    /// The version of the format that has it first: what a file cannot say is never removed.
    since: u64,
}

/// How a kind is made and changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// Posted to its folder, and put there as a whole.
    Defined,
    /// As defined, but put by its `document` alone.
    Document,
    /// Content that is uploaded, not written down: only checked.
    Uploaded,
    /// How production reaches the data source of the same name.
    Binding,
}

impl Kind {
    const fn new(folder: &'static str, what: &'static str, fields: &'static [&'static str], nature: Nature, since: u64) -> Self {
        Self { folder, what, fields, nature, since }
    }

    /// Where one of them is in the API.
    fn path(&self, project: &str, name: &str) -> String {
        match self.nature {
            Nature::Binding => format!("{}/production", paths::below(project, "data-sources", name)),
            Nature::Defined | Nature::Document | Nature::Uploaded => paths::below(project, self.folder, name),
        }
    }
}

/// Fields of things that stay as they were made.
const FIXED: [&str; 4] = ["name", "kind", "database", "table"];

/// In the order in which they can be made.
const KINDS: [Kind; 9] = [
    Kind::new("data-sources", "data source", &["name", "kind", "description", "properties"], Nature::Defined, 1),
    Kind::new("production-bindings", "production binding", &["name", "properties"], Nature::Binding, 2),
    Kind::new("databases", "database", &["name", "data_source", "physical_name", "description"], Nature::Defined, 2),
    Kind::new(
        "topics",
        "topic",
        &["name", "database", "data_source", "physical_name", "description", "schema", "format"],
        Nature::Defined,
        1,
    ),
    Kind::new("quality-rules", "quality rule", &["name", "table", "document"], Nature::Document, 2),
    Kind::new("plugins", "plugin", &["name", "description"], Nature::Uploaded, 1),
    Kind::new("resources", "resource", &["name", "kind", "description"], Nature::Uploaded, 1),
    Kind::new("functions", "function", &["name", "description", "attributes", "state"], Nature::Uploaded, 1),
    Kind::new("jobs", "job", &["name", "folder", "description", "draft"], Nature::Defined, 1),
];

/// What no file has, said after an export.
const LEFT_OUT: &str = "not in the files: contents of plugins, resources and functions; what plugins may do; publications of tables, databases \
    and rules; permissions; tags and relations; members, services and quotas; versions, instances, releases and savepoints";

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
    let there = there(&session.client, &project).await?;
    let things = &there.things;
    let mut head = json!({"format_version": VERSION, "name": found["name"], "description": found["description"]});
    if let Some(temp_tables) = &there.temp_tables {
        head["temp_tables"] = temp_tables.clone();
    }
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
    eprintln!("{LEFT_OUT}");
    for (what, names) in &there.left_out {
        eprintln!("  {what}: {}", names.join(", "));
    }
    Ok(())
}

/// Makes the chosen project look like the files in `folder`.
///
/// # Errors
/// A file is wrong (before anything is changed), something that has to be uploaded is missing, or the server refuses.
pub(crate) async fn apply(session: &Session, folder: &Path, arguments: &ApplyArguments, variables: &Variables) -> anyhow::Result<()> {
    let head = read(&folder.join(PROJECT))?;
    let version = head.get("format_version").and_then(Value::as_u64).filter(|version| (1..=VERSION).contains(version));
    let version = version.with_context(|| {
        format!("{}: `format_version` is {}, expected 1 to {VERSION}", folder.join(PROJECT).display(), head["format_version"])
    })?;
    let wanted = wanted(folder)?;
    let name = match session.project_name() {
        Ok(name) => name.to_owned(),
        Err(_) => head["name"].as_str().with_context(|| format!("{PROJECT}: no `name`; give --project"))?.to_owned(),
    };
    let tenant = session.tenant()?;
    let project = format!("{tenant}/projects/{}", crate::client::encode(&name));
    let application = Application { client: &session.client, project: &project, variables, dry_run: arguments.dry_run };
    let exists = application.project(&tenant, &name, &head).await?;
    let there = if exists { there(&session.client, &project).await? } else { There::default() };
    let found = &there.things;
    let mut count = Count::default();
    for kind in &KINDS {
        if kind.folder == "jobs" {
            let done = application.temp_tables(head.get("temp_tables"), there.temp_tables.as_ref()).await.context("temp tables")?;
            done.into_iter().for_each(|done| count.add(done));
        }
        let none = BTreeMap::new();
        let (wanted, found) = (wanted.get(kind.folder).unwrap_or(&none), found.get(kind.folder).unwrap_or(&none));
        for (name, item) in wanted {
            let done = application.thing(kind, name, item, found.get(name)).await;
            count.add(done.with_context(|| format!("{} `{name}`", kind.what))?);
        }
    }
    // What depends on others goes first.
    for kind in KINDS.iter().rev().filter(|kind| kind.nature != Nature::Uploaded && kind.since <= version) {
        let names = found.get(kind.folder).into_iter().flat_map(BTreeMap::keys);
        for name in names.filter(|name| !wanted.get(kind.folder).is_some_and(|wanted| wanted.contains_key(*name))) {
            if !arguments.prune {
                say(kind, name, "not in the files, kept (--prune removes it)");
                continue;
            }
            say(kind, name, if arguments.dry_run { "would be removed" } else { "removed" });
            if !arguments.dry_run {
                session.client.delete(&kind.path(&project, name)).await.with_context(|| format!("{} `{name}`", kind.what))?;
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
        let path = kind.path(self.project, name);
        if compared == Compared::Made && kind.nature != Nature::Binding {
            self.client.post(&format!("{}/{}", self.project, kind.folder), &body).await?;
            return Ok(compared);
        }
        for fixed in FIXED {
            if let Some(fields) = body.as_object_mut() {
                fields.remove(fixed);
            }
        }
        match kind.nature {
            // A binding has no page of its own to read.
            Nature::Binding => self.client.put(&path, &body, None).await?,
            Nature::Document => self.client.put(&path, &body["document"], self.client.tagged(&path).await?.etag.as_deref()).await?,
            Nature::Defined | Nature::Uploaded => self.client.put(&path, &body, self.client.tagged(&path).await?.etag.as_deref()).await?,
        };
        Ok(compared)
    }

    /// Says where the project keeps its temp tables, if the files say so and it is somewhere else.
    async fn temp_tables(&self, wanted: Option<&Value>, found: Option<&Value>) -> anyhow::Result<Option<Compared>> {
        let Some(wanted) = wanted else { return Ok(None) };
        let differs = wanted.as_object().with_context(|| format!("{PROJECT}: `temp_tables` is {wanted}, expected fields"))?.iter();
        let differs = differs.filter(|(field, value)| found.and_then(|found| found.get(*field)) != Some(*value)).count();
        if differs == 0 {
            return Ok(Some(Compared::Same));
        }
        let done = if found.is_some() { Compared::Changed } else { Compared::Made };
        eprintln!("  settings of temp tables: {}", if self.dry_run { "would be set" } else { "set" });
        if !self.dry_run {
            self.client.put(&format!("{}/temp-table-settings", self.project), wanted, None).await?;
        }
        Ok(Some(done))
    }
}

fn say(kind: &Kind, name: &str, done: &str) {
    // Progress is for people, so that standard output stays free for the answer.
    eprintln!("  {} {name}: {done}", kind.what);
}

/// What a project is on the server.
#[derive(Default)]
struct There {
    things: Things,
    /// Where it keeps its temp tables.
    temp_tables: Option<Value>,
    /// Names of things that it has and no file can say.
    left_out: Vec<(&'static str, Vec<String>)>,
}

/// Names of things that others name by id.
type Names = BTreeMap<String, String>;

/// Everything that the project has on the server, as it stands in files.
async fn there(client: &Client, project: &str) -> anyhow::Result<There> {
    let (mut there, mut names) = (There::default(), Names::new());
    let mut published_rules = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.nature != Nature::Binding) {
        let mut items = BTreeMap::new();
        // Lists of jobs are short unless they are asked for whole.
        let whole = if kind.folder == "jobs" { "?full=true" } else { "" };
        for item in client.list(&format!("{project}/{}{whole}", kind.folder)).await? {
            let name = item["name"].as_str().unwrap_or_default().to_owned();
            names.insert(item["id"].as_str().unwrap_or_default().to_owned(), name.clone());
            if kind.nature == Nature::Document && !item["published"].is_null() {
                published_rules.push(name.clone());
            }
            items.insert(name, defined(kind, &item, &names));
        }
        there.things.insert(kind.folder, items);
    }
    for kind in KINDS.iter().filter(|kind| kind.nature == Nature::Binding) {
        let mut items = BTreeMap::new();
        for name in there.things.get("data-sources").into_iter().flat_map(BTreeMap::keys) {
            let source = client.get(&paths::below(project, "data-sources", name)).await?;
            let bindings = source["bindings"].as_array().into_iter().flatten();
            for bound in bindings.filter(|binding| binding["environment"] == "production") {
                let binding = json!({"name": name, "properties": bound["properties"]});
                items.insert(name.clone(), defined(kind, &binding, &names));
            }
        }
        there.things.insert(kind.folder, items);
    }
    let settings = client.get(&format!("{project}/temp-table-settings")).await?;
    there.temp_tables = settings.get("settings").filter(|settings| settings.is_object()).map(|settings| named(settings, &names));
    let temp_tables = client.list(&format!("{project}/temp-tables")).await?;
    let temp_tables = temp_tables.iter().filter_map(|table| table["name"].as_str().map(str::to_owned)).collect();
    let left_out = [("temp tables, which jobs make again", temp_tables), ("published rules, which come as drafts", published_rules)];
    there.left_out = left_out.into_iter().filter(|(_, names): &(_, Vec<String>)| !names.is_empty()).collect();
    Ok(there)
}

/// The same, with names in place of ids.
fn named(item: &Value, names: &Names) -> Value {
    let mut item = item.clone();
    for field in ["data_source", "database", "table"] {
        if let Some(name) = item[field].as_str().and_then(|id| names.get(id)) {
            item[field] = json!(name);
        }
    }
    item
}

/// A thing's definition: what belongs into its file.
fn defined(kind: &Kind, item: &Value, names: &Names) -> Value {
    let mut item = item.clone();
    if kind.nature == Nature::Document {
        item["table"] = item["parent"].clone();
    }
    let named = named(&item, names);
    // A topic is in no database.
    let is_there = |name: &str| named.get(name).filter(|value| name != "database" || !value.is_null());
    let mut fields: Map<String, Value> =
        kind.fields.iter().filter_map(|name| Some(((*name).to_owned(), is_there(name)?.clone()))).collect();
    if kind.nature == Nature::Uploaded
        && let Some(content) = item.pointer("/latest/content_hash")
    {
        fields.insert("content_hash".to_owned(), content.clone());
    }
    let source = item["name"].as_str().unwrap_or_default();
    let place = if kind.nature == Nature::Binding { format!("{source}_production") } else { source.to_owned() };
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        for (property, value) in properties.iter_mut().filter(|(_, value)| *value == compare::SECRET) {
            *value = json!(format!("${{{}}}", secret_variable(&place, property)));
        }
    }
    Value::Object(fields)
}

/// The files of things in `folder`, with their kinds.
fn files(folder: &Path) -> anyhow::Result<Vec<(&'static Kind, PathBuf)>> {
    static KINDS_BY_FOLDER: &[Kind; 9] = &KINDS;
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
        let known = |name: &String| kind.fields.contains(&name.as_str()) || (kind.nature == Nature::Uploaded && name == "content_hash");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(folder: &str) -> &'static Kind {
        static ALL: &[Kind; 9] = &KINDS;
        ALL.iter().find(|kind| kind.folder == folder).unwrap()
    }

    #[test]
    fn files_name_what_the_server_knows_by_id() {
        let names = [("dsr_1", "kafka"), ("dba_1", "shop"), ("top_1", "clicks")];
        let names: Names = names.into_iter().map(|(id, name)| (id.to_owned(), name.to_owned())).collect();
        let topic = json!({"id": "top_1", "name": "clicks", "database": "dba_1", "data_source": null, "revision": 3});
        assert_eq!(defined(kind("topics"), &topic, &names), json!({"name": "clicks", "database": "shop", "data_source": null}));
        let topic = json!({"name": "clicks", "database": null, "data_source": "dsr_1"});
        assert_eq!(defined(kind("topics"), &topic, &names), json!({"name": "clicks", "data_source": "kafka"}));
        let rule = json!({"name": "there", "parent": "top_1", "document": {"column": "url"}, "state": "draft"});
        let expected = json!({"name": "there", "table": "clicks", "document": {"column": "url"}});
        assert_eq!(defined(kind("quality-rules"), &rule, &names), expected);
        let binding = json!({"name": "kafka", "properties": {"a": "1", "sasl.password": "***"}});
        let expected = json!({"name": "kafka", "properties": {"a": "1", "sasl.password": "${KAFKA_PRODUCTION_SASL_PASSWORD}"}});
        assert_eq!(defined(kind("production-bindings"), &binding, &names), expected);
        assert_eq!(kind("production-bindings").path("/p", "kafka"), "/p/data-sources/kafka/production");
    }
}
