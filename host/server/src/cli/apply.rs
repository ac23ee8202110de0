//! `millrace apply`: makes a server look like manifests say.
//!
//! Invariant: what is there is compared first and only differences are written; nothing is ever deleted. Everything that
//! belongs to the outside (connections, real topics) is made true before a job starts.

use super::{
    chosen::{instances_of, is_active},
    functions, instances, jobs,
    jobs::JobDraft,
    paths, plugins, project_files, resource_files,
    resources::warnings_of,
    session::Session,
    templates,
};
use crate::manifest::{DataSource, Desired, Job, Manifest, Named, Plugin, PluginKind, Resource, Topic, Variables};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Longest wait for an instance that is started or stopped.
const REACH_MAX: Duration = Duration::from_secs(120);

/// What to apply.
#[derive(Args)]
pub(crate) struct ApplyArguments {
    /// Manifests of tenants, or a folder that `millrace export` wrote
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(crate) files: Vec<PathBuf>,
    /// Value for a placeholder; repeat for more
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Folder of built components, `NAME.wasm` each; a plugin without one is built from its source
    #[arg(long, default_value = "target/plugins", value_name = "FOLDER")]
    pub(crate) plugins: Option<PathBuf>,
    /// Only say what would be done (folders)
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove what the files do not have (folders)
    #[arg(long)]
    pub(crate) prune: bool,
}

/// What is there after an apply.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// API paths of the instances that are to run, with the names of their jobs.
    pub(crate) running: Vec<(String, String)>,
    /// Jobs that could not be made to run, each with why and what to do. The others are not held up by them.
    pub(crate) failed: Vec<String>,
}

/// Applies all manifests in order.
///
/// # Errors
/// A manifest is wrong (before anything is changed), the server refuses something, or a job does not run.
pub(crate) async fn run(session: &Session, arguments: &ApplyArguments) -> anyhow::Result<()> {
    let applied = as_far_as_possible(session, arguments).await?;
    if !applied.failed.is_empty() {
        bail!("{} job(s) could not be applied\n{}", applied.failed.len(), applied.failed.join("\n"));
    }
    Ok(())
}

/// As [`run`], but jobs that do not run are part of the answer.
///
/// # Errors
/// As [`run`], without those of jobs.
pub(crate) async fn as_far_as_possible(session: &Session, arguments: &ApplyArguments) -> anyhow::Result<Applied> {
    let variables = Variables::new(&arguments.set)?;
    let (folders, files): (Vec<_>, Vec<_>) = arguments.files.iter().partition(|path| path.is_dir());
    if !folders.is_empty() {
        anyhow::ensure!(files.is_empty(), "apply folders and manifests one after the other");
        for folder in folders {
            project_files::apply(session, folder, arguments, &variables).await?;
        }
        return Ok(Applied::default());
    }
    anyhow::ensure!(!arguments.dry_run && !arguments.prune, "--dry-run and --prune are for folders that `millrace export` wrote");
    let manifests = arguments.files.iter().map(|file| Manifest::read(file, &variables)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut applied = Applied::default();
    for manifest in &manifests {
        let application = Application { session, manifest, arguments };
        application.run(&mut applied).await.with_context(|| format!("tenant `{}`", manifest.tenant.name))?;
    }
    Ok(applied)
}

struct Application<'a> {
    session: &'a Session,
    manifest: &'a Manifest,
    arguments: &'a ApplyArguments,
}

impl Application<'_> {
    async fn run(&self, applied: &mut Applied) -> anyhow::Result<()> {
        let tenant = paths::tenant(&self.manifest.tenant.name);
        let project = paths::project(&self.manifest.tenant.name, &self.manifest.project.name);
        self.named("tenant", paths::TENANTS, &tenant, &self.manifest.tenant).await?;
        if let Some(grants) = &self.manifest.tenant_grants {
            self.session.client.put(&format!("{tenant}/grants"), grants, None).await.context("`tenant_grants`")?;
            self.say("grants of", &self.manifest.tenant.name, "applied");
        }
        self.named("project", &format!("{tenant}/projects"), &project, &self.manifest.project).await?;
        for source in &self.manifest.data_sources {
            self.data_source(&project, source).await.with_context(|| format!("data source `{}`", source.name))?;
        }
        for topic in &self.manifest.topics {
            self.topic(&project, topic).await.with_context(|| format!("topic `{}`", topic.name))?;
        }
        for plugin in &self.manifest.plugins {
            self.plugin(&project, plugin).await?;
        }
        for resource in &self.manifest.resources {
            self.resource(&project, resource).await?;
        }
        for function in &self.manifest.functions {
            let base = if function.tenant_wide { &tenant } else { &project };
            let done = functions::apply(self.session, base, &self.manifest.project.name, function).await;
            self.say("function", &function.name, &done.with_context(|| format!("function `{}`", function.name))?);
        }
        for template in &self.manifest.templates {
            let done = templates::apply(self.session, &tenant, &self.manifest.folder, template).await;
            self.say("template", &template.name, &done.with_context(|| format!("template `{}`", template.name))?);
        }
        for job in &self.manifest.jobs {
            match self.job(&project, job).await {
                Ok(running) => applied.running.extend(running.map(|path| (path, job.name.clone()))),
                // One job's trouble is not that of the others.
                Err(error) => {
                    self.say("job", &job.name, "failed; the others go on");
                    applied.failed.push(self.told(job, &error));
                }
            }
        }
        Ok(())
    }

    /// Why a job does not run, and what can be done about it.
    fn told(&self, job: &Job, error: &anyhow::Error) -> String {
        let (tenant, project, name) = (&self.manifest.tenant.name, &self.manifest.project.name, &job.name);
        let mut text = format!("job `{name}`: {error:#}");
        if job.desired == Desired::Running {
            text.push_str(&format!(
                "\n  to begin without its state, reading from where its sources say (what it has written may come twice): \
                 millrace -t {tenant} -p {project} instance start {name} --fresh"
            ));
        }
        text
    }

    fn say(&self, what: &str, name: &str, done: &str) {
        // Progress is for people, so that standard output stays free for the answer.
        eprintln!("  {what} {name}: {done}");
    }

    async fn named(&self, what: &str, list: &str, path: &str, named: &Named) -> anyhow::Result<()> {
        let done = match self.session.client.find(path).await? {
            None => {
                self.session.client.post(list, &json!({ "name": named.name, "description": named.description })).await?;
                "made"
            }
            Some(found) if found.body["description"] == named.description.as_str() => "unchanged",
            Some(_) => {
                self.session.client.patch(path, &json!({ "description": named.description }), None).await?;
                "changed"
            }
        };
        self.say(what, &named.name, done);
        Ok(())
    }

    async fn data_source(&self, project: &str, source: &DataSource) -> anyhow::Result<()> {
        let path = paths::below(project, "data-sources", &source.name);
        let change = json!({ "description": source.description, "properties": source.properties });
        let done = match self.session.client.find(&path).await? {
            None => {
                let mut new = change;
                new["name"] = source.name.as_str().into();
                new["kind"] = source.kind.as_str().into();
                self.session.client.post(&format!("{project}/data-sources"), &new).await?;
                "made"
            }
            Some(found) if found.body["kind"] != source.kind.as_str() => {
                bail!("is of kind {} there and `{}` in the manifest; a kind cannot be changed", found.body["kind"], source.kind)
            }
            // Secrets are answered as `***`, so a source that has some is written each time.
            Some(found) if found.body["description"] == change["description"] && found.body["properties"] == change["properties"] => {
                "unchanged"
            }
            Some(found) => {
                self.session.client.put(&path, &change, found.etag.as_deref()).await?;
                "changed"
            }
        };
        let report = self.session.client.post(&format!("{path}/test"), &json!({})).await?;
        let text = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default();
        if report.get("reachable") != Some(&Value::Bool(true)) {
            bail!("cannot be reached ({}): {}", text("failure"), text("message"));
        }
        self.say("data source", &source.name, &format!("{done}, {}", text("message")));
        Ok(())
    }

    async fn topic(&self, project: &str, topic: &Topic) -> anyhow::Result<()> {
        let path = paths::below(project, "topics", &topic.name);
        let mut body = json!({
            "physical_name": topic.physical_name.as_deref().unwrap_or(&topic.name),
            "data_source": topic.data_source,
            "description": topic.description,
            "schema": topic.schema,
            "format": topic.format,
        });
        let done = match self.session.client.find(&path).await? {
            None => {
                body["name"] = topic.name.as_str().into();
                self.session.client.post(&format!("{project}/topics"), &body).await?;
                "made"
            }
            Some(found) => {
                let source = self.session.client.get(&paths::below(project, "data-sources", &topic.data_source)).await?;
                let same = ["physical_name", "description", "schema", "format"].iter().all(|field| found.body[field] == body[field]);
                if same && found.body["data_source"] == source["id"] {
                    "unchanged"
                } else {
                    self.session.client.put(&path, &body, found.etag.as_deref()).await?;
                    "changed"
                }
            }
        };
        let options = json!({ "options": { "partitions": topic.partitions, "replication_factor": topic.replication } });
        let ensured = self.session.client.post(&format!("{path}/ensure"), &options).await?;
        let real = if ensured["created"] == Value::Bool(true) { "real topic made" } else { "real topic found" };
        self.say("topic", &topic.name, &format!("{done}, {real}{}", warnings_of(&ensured)));
        Ok(())
    }

    async fn plugin(&self, project: &str, plugin: &Plugin) -> anyhow::Result<()> {
        let world = world_of(plugin.kind);
        let built = self.arguments.plugins.as_ref().map(|folder| folder.join(format!("{}.wasm", plugin.name)));
        let file = match built.filter(|file| file.is_file()) {
            Some(file) => file,
            None => plugins::build(&self.manifest.folder.join(&plugin.source)).await?,
        };
        let before = self.session.client.find(&paths::below(project, "plugins", &plugin.name)).await?;
        let parts = plugins::shown_by(&self.manifest.folder.join(&plugin.source))?;
        let pushed = plugins::push(self.session, project, &plugin.name, (Some(&file), parts), Some(&plugin.description)).await?;
        if pushed["latest"]["world"] != world {
            bail!("plugin `{}` is of the world {} and its `kind` in the manifest means `{world}`", plugin.name, pushed["latest"]["world"]);
        }
        let number = &pushed["latest"]["number"];
        let same = before.is_some_and(|b| b.body["latest"]["number"] == *number);
        self.say("plugin", &plugin.name, &format!("{}, version {number}", if same { "unchanged" } else { "uploaded" }));
        if let Some(grants) = &plugin.grants {
            let path = format!("{}/grants", paths::below(project, "plugins", &plugin.name));
            self.session.client.put(&path, grants, None).await.with_context(|| format!("grants of plugin `{}`", plugin.name))?;
            self.say("grants of", &plugin.name, "applied");
        }
        Ok(())
    }

    async fn resource(&self, project: &str, resource: &Resource) -> anyhow::Result<()> {
        let before = self.session.client.find(&paths::below(project, "resources", &resource.name)).await?;
        let push = resource_files::Push {
            name: resource.name.clone(),
            file: self.manifest.folder.join(&resource.file),
            description: Some(resource.description.clone()),
            is_csv: false,
            header: resource.header,
        };
        let pushed = resource_files::push(self.session, project, &push).await?;
        let number = &pushed["latest"]["number"];
        let same = before.is_some_and(|b| b.body["latest"]["number"] == *number);
        self.say("resource", &resource.name, &format!("{}, version {number}", if same { "unchanged" } else { "uploaded" }));
        Ok(())
    }

    /// Answers the path of the instance when the job is to run.
    async fn job(&self, project: &str, job: &Job) -> anyhow::Result<Option<String>> {
        let draft = JobDraft {
            name: job.name.clone(),
            folder: String::new(),
            description: job.description.clone(),
            graph: serde_json::to_value(job.draft())?,
        };
        let change = jobs::apply(self.session, project, &draft).await?;
        let version = jobs::submit(self.session, project, &job.name, "").await?;
        self.say("job", &job.name, &format!("{}, version {}", change.done, version["number"]));
        match job.desired {
            Desired::Stopped => {
                let there = instances_of(self.session, project, &job.name).await?;
                if let Some(instance) = there.iter().find(|i| is_active(i)) {
                    stop(self.session, project, instance).await?;
                    self.say("instance of", &job.name, "stopped with a savepoint");
                }
                Ok(None)
            }
            Desired::Running => {
                let running = make_running(self.session, project, &job.name, &version, Some(REACH_MAX)).await?;
                self.say("instance of", &job.name, running.done);
                Ok(Some(running.path))
            }
        }
    }
}

/// The world that components of a kind are of.
fn world_of(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Etl => "etl-operator",
        PluginKind::Source => "source-operator",
        PluginKind::Sink => "sink-operator",
        PluginKind::Transform => "transform-operator",
        PluginKind::Dimension => "dimension-updater",
    }
}

/// An instance that runs.
pub(crate) struct Running {
    /// Its path in the API.
    pub(crate) path: String,
    /// What had to be done.
    pub(crate) done: &'static str,
}

/// Makes an instance of the job run this version: the one that runs already, or a new one that goes on where the last
/// one ended. Waits for it at most `longest`; not at all without.
///
/// # Errors
/// The server refuses, or the instance fails.
pub(crate) async fn make_running(
    session: &Session,
    project: &str,
    job: &str,
    version: &Value,
    longest: Option<Duration>,
) -> anyhow::Result<Running> {
    let there = instances_of(session, project, job).await?;
    match there.iter().find(|i| is_active(i)) {
        Some(instance) if instance["version"] == version["id"] => {
            let path = running(session, project, instance, longest).await?;
            Ok(Running { path, done: "runs already" })
        }
        Some(instance) => {
            let from = stop(session, project, instance).await?;
            let path = start(session, project, job, version, from, longest).await?;
            Ok(Running { path, done: "runs the new version from a savepoint of the one before" })
        }
        None => {
            let from = where_to_go_on(&there);
            let path = start(session, project, job, version, from, longest).await?;
            Ok(Running { path, done: "started" })
        }
    }
}

/// Where a new instance goes on, from the instances that there were, newest first: the latest state of the newest that has any.
/// One that never came to a checkpoint has none, and what failed before it is not forgotten because of it.
fn where_to_go_on(there: &[Value]) -> Value {
    let has_run = |i: &&Value| i["run"].as_i64().unwrap_or(0) > 0;
    match there.iter().find(|i| i["checkpoint"].is_object()) {
        Some(last) => json!({ "from": "latest", "instance": last["id"] }),
        None => match there.iter().find(has_run) {
            // None is known to have completed a checkpoint: there is nothing that would be done again.
            Some(last) => json!({ "from": "latest", "instance": last["id"], "or_fresh": true }),
            None => json!({ "from": "fresh" }),
        },
    }
}

async fn running(session: &Session, project: &str, instance: &Value, longest: Option<Duration>) -> anyhow::Result<String> {
    let path = paths::below(project, "instances", instance["id"].as_str().unwrap_or_default());
    if instance["state"] == "stopping" {
        instances::reach(session, &path, &["stopped", "finished"], REACH_MAX).await?;
        session.client.post(&format!("{path}/start"), &json!({})).await?;
    }
    if let Some(longest) = longest {
        instances::reach(session, &path, &["running"], longest).await?;
    }
    Ok(path)
}

/// Stops an instance with a savepoint; answers where its successor starts from.
async fn stop(session: &Session, project: &str, instance: &Value) -> anyhow::Result<Value> {
    let path = paths::below(project, "instances", instance["id"].as_str().unwrap_or_default());
    if instance["state"] != "stopping" {
        session.client.post(&format!("{path}/stop"), &json!({ "with_savepoint": true })).await?;
    }
    instances::reach(session, &path, &["stopped", "finished"], REACH_MAX).await?;
    Ok(json!({ "from": "latest", "instance": instance["id"] }))
}

async fn start(
    session: &Session,
    project: &str,
    job: &str,
    version: &Value,
    start: Value,
    longest: Option<Duration>,
) -> anyhow::Result<String> {
    let new = json!({ "job": job, "version": version["id"], "start": start });
    let made = session.client.post(&format!("{project}/instances"), &new).await?;
    let path = paths::below(project, "instances", made["id"].as_str().unwrap_or_default());
    session.client.post(&format!("{path}/start"), &json!({})).await?;
    if let Some(longest) = longest {
        instances::reach(session, &path, &["running", "finished"], longest).await?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_goes_on_from_the_newest_instance_that_has_state() {
        let made = |id: &str, run: i64, checkpoint: Value| json!({ "id": id, "run": run, "checkpoint": checkpoint });
        let complete = || json!({ "run": 1, "checkpoint": 7 });
        let (never, failed, good) = (made("ins_4", 0, Value::Null), made("ins_3", 1, Value::Null), made("ins_2", 2, complete()));
        let older = made("ins_1", 1, complete());
        let latest = |id: &str| json!({ "from": "latest", "instance": id });
        for (there, expected) in [
            (vec![never.clone(), failed.clone(), good, older], latest("ins_2")),
            (vec![never.clone(), failed], json!({ "from": "latest", "instance": "ins_3", "or_fresh": true })),
            (vec![never], json!({ "from": "fresh" })),
            (vec![], json!({ "from": "fresh" })),
        ] {
            assert_eq!(where_to_go_on(&there), expected, "{there:?}");
        }
    }
}
