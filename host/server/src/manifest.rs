//! Manifests of tenants (`tenants/README.md`): read here, made true over the HTTP API by [`apply`].
//!
//! Invariant: a manifest is wholly read and checked before the first request.

mod placeholder;

use anyhow::Context;
use millrace_model::{Schema, graph::JobGraph};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The one version of the format.
const VERSION: u32 = 1;

/// One tenant with one project and what belongs to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) manifest_version: u32,
    pub(crate) tenant: Named,
    pub(crate) project: Named,
    /// What the tenant's plugins may do at most, as the API takes it; only a platform administrator can apply it.
    #[serde(default)]
    pub(crate) tenant_grants: Option<Value>,
    #[serde(default)]
    pub(crate) data_sources: Vec<DataSource>,
    #[serde(default)]
    pub(crate) topics: Vec<Topic>,
    #[serde(default)]
    pub(crate) plugins: Vec<Plugin>,
    #[serde(default)]
    pub(crate) resources: Vec<Resource>,
    #[serde(default)]
    pub(crate) functions: Vec<Function>,
    #[serde(default)]
    pub(crate) templates: Vec<Template>,
    #[serde(default)]
    pub(crate) jobs: Vec<Job>,
    /// Folder of the manifest; plugin sources are relative to it.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSource {
    pub(crate) name: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) properties: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) data_source: String,
    pub(crate) physical_name: Option<String>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default = "one")]
    pub(crate) partitions: u32,
    #[serde(default = "one")]
    pub(crate) replication: u32,
    #[serde(default = "json_format")]
    pub(crate) format: Value,
    pub(crate) schema: Schema,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    pub(crate) kind: PluginKind,
    pub(crate) source: PathBuf,
    #[serde(default)]
    pub(crate) description: String,
    /// What it may do beyond computing, as the API takes it.
    #[serde(default)]
    pub(crate) grants: Option<Value>,
}

/// A function by which SQL calls a plugin or resource of the project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default = "enabled")]
    pub(crate) state: String,
    /// For the whole tenant instead of the project.
    #[serde(default)]
    pub(crate) tenant_wide: bool,
    pub(crate) plugin: Option<String>,
    pub(crate) resource: Option<String>,
}

fn enabled() -> String {
    "enabled".to_owned()
}

/// A template of the whole tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) world: String,
    #[serde(default)]
    pub(crate) description: String,
    /// File with the text, relative to the manifest.
    pub(crate) file: PathBuf,
    /// Declarations of its placeholders.
    pub(crate) parameters: Value,
}

/// A file to upload as it is: a JAR, a component or a data package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    pub(crate) name: String,
    /// Relative to the manifest.
    pub(crate) file: PathBuf,
    #[serde(default)]
    pub(crate) description: String,
    /// Whether the first line of a CSV file names its columns; found out unless given.
    pub(crate) header: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PluginKind {
    Etl,
    Source,
    Sink,
    Transform,
    Dimension,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// The job graph; with `script` only its parameters count.
    #[serde(default)]
    pub(crate) graph: Option<JobGraph>,
    /// A file with a Flink SQL script, relative to the manifest.
    pub(crate) script: Option<PathBuf>,
    #[serde(default)]
    pub(crate) desired: Desired,
}

impl Job {
    /// The job document.
    pub(crate) fn draft(&self) -> JobGraph {
        self.graph.clone().unwrap_or_default()
    }

    /// Reads the script's file into the document.
    fn read_script(&mut self, folder: &Path) -> anyhow::Result<()> {
        let Some(script) = &self.script else { return Ok(()) };
        let path = folder.join(script);
        let sql = std::fs::read_to_string(&path).with_context(|| format!("cannot read the script {}", path.display()))?;
        self.graph = Some(JobGraph { sql: Some(sql), ..self.draft() });
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Desired {
    Running,
    #[default]
    Stopped,
}

fn one() -> u32 {
    1
}

fn json_format() -> Value {
    serde_json::json!({ "type": "json" })
}

/// What replaces `${NAME}`: `--set` first, then the environment.
pub(crate) struct Variables {
    set: BTreeMap<String, String>,
}

impl Variables {
    /// Reads `NAME=VALUE` arguments.
    ///
    /// # Errors
    /// An argument without `=`.
    pub(crate) fn new(arguments: &[String]) -> anyhow::Result<Self> {
        let pair = |text: &String| {
            let (name, value) = text.split_once('=').with_context(|| format!("--set `{text}`: expected NAME=VALUE"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        Ok(Self { set: arguments.iter().map(pair).collect::<anyhow::Result<_>>()? })
    }

    /// The value of `name`, if it has one.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.set.get(name).cloned().or_else(|| std::env::var(name).ok())
    }
}

impl Manifest {
    /// Reads and checks a manifest file.
    ///
    /// # Errors
    /// The file cannot be read, is not a manifest, names something twice or something that is not there.
    pub(crate) fn read(path: &Path, variables: &Variables) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let mut manifest = Self::parse(&text, variables).with_context(|| format!("manifest {}", path.display()))?;
        manifest.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        for job in &mut manifest.jobs {
            job.read_script(&manifest.folder).with_context(|| format!("manifest {}: job `{}`", path.display(), job.name))?;
        }
        Ok(manifest)
    }

    fn parse(text: &str, variables: &Variables) -> anyhow::Result<Self> {
        let mut document: Value = serde_json::from_str(text)?;
        placeholder::fill(&mut document, &|name| variables.get(name))?;
        let manifest: Self = serde_path_to_error::deserialize(document).map_err(|e| anyhow::anyhow!("`{}`: {}", e.path(), e.inner()))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.manifest_version == VERSION, "`manifest_version` is {}, expected {VERSION}", self.manifest_version);
        let sources = unique("data_sources", self.data_sources.iter().map(|s| s.name.as_str()))?;
        unique("topics", self.topics.iter().map(|t| t.name.as_str()))?;
        unique("plugins", self.plugins.iter().map(|p| p.name.as_str()))?;
        unique("resources", self.resources.iter().map(|r| r.name.as_str()))?;
        unique("functions", self.functions.iter().map(|f| f.name.as_str()))?;
        unique("templates", self.templates.iter().map(|t| t.name.as_str()))?;
        for function in &self.functions {
            let one = function.plugin.is_some() != function.resource.is_some();
            anyhow::ensure!(one, "function `{}` needs exactly one of `plugin` and `resource`", function.name);
        }
        unique("jobs", self.jobs.iter().map(|j| j.name.as_str()))?;
        for job in &self.jobs {
            let has_nodes = job.graph.as_ref().is_some_and(|g| g.sql.is_some() || !g.nodes.is_empty());
            anyhow::ensure!(job.graph.is_some() || job.script.is_some(), "job `{}` has neither `graph` nor `script`", job.name);
            anyhow::ensure!(
                !(job.script.is_some() && has_nodes),
                "job `{}` has a `script`, so its `graph` may have only `parameters`",
                job.name
            );
        }
        for topic in &self.topics {
            let known = sources.contains(topic.data_source.as_str());
            anyhow::ensure!(
                known,
                "topic `{}` names the data source `{}`, which the manifest does not have",
                topic.name,
                topic.data_source
            );
            topic.schema.check().with_context(|| format!("topic `{}`", topic.name))?;
        }
        Ok(())
    }
}

fn unique<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> anyhow::Result<BTreeSet<&'a str>> {
    let mut seen = BTreeSet::new();
    for name in names {
        anyhow::ensure!(seen.insert(name), "`{list}` has `{name}` twice; names must be unique");
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, String> {
        Manifest::parse(text, &Variables::new(&["KAFKA=127.0.0.1:9".to_owned()]).unwrap()).map_err(|e| format!("{e:#}"))
    }

    const HEAD: &str = r#""manifest_version":1,"tenant":{"name":"t"},"project":{"name":"p"}"#;

    #[test]
    fn placeholders_are_filled_and_defaults_apply() {
        let manifest = parse(&format!(
            r#"{{{HEAD},"data_sources":[{{"name":"k","kind":"kafka","properties":{{"bootstrap.servers":"${{KAFKA}}"}}}}],
                "topics":[{{"name":"a","data_source":"k","schema":[{{"name":"x","type":"BIGINT"}}]}}]}}"#
        ))
        .unwrap();
        assert_eq!(manifest.data_sources[0].properties["bootstrap.servers"], "127.0.0.1:9");
        assert_eq!((manifest.topics[0].partitions, &manifest.topics[0].format), (1, &serde_json::json!({"type": "json"})));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |body: &str, expected: &str| {
            let error = parse(&format!("{{{HEAD}{body}}}")).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(r#","topcs":[]"#, "unknown field `topcs`");
        check(r#","data_sources":[{"name":"k","kind":"kafka","properties":{"a":1}}]"#, "`data_sources[0].properties.a`: invalid type");
        check(r#","topics":[{"name":"a","data_source":"k","schema":[]}]"#, "topic `a` names the data source `k`");
        check(r#","jobs":[{"name":"a","graph":{"nodes":[]}},{"name":"a","graph":{"nodes":[]}}]"#, "`jobs` has `a` twice");
        check(r#","jobs":[{"name":"a"}]"#, "job `a` has neither `graph` nor `script`");
        check(r#","jobs":[{"name":"a","script":"a.sql","graph":{"sql":"SELECT 1"}}]"#, "its `graph` may have only `parameters`");
        check(r#","plugins":[{"name":"${NOT_SET_ANYWHERE}","kind":"etl","source":"x"}]"#, "plugins[0].name");
    }
}
