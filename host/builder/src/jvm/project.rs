//! The folder of a plugin in Java or Scala, where its author works: source below `src/`, libraries as JARs in `lib/`.
//!
//! Invariant: what is built here is built as on the server, by the same tools from the same request after the same checks;
//! only the cage is missing, since the code is the author's own and compilers do not run it.

use super::{JvmBuilderFactory, JvmLimits};
use crate::{
    BuildError, Built, Diagnostic, Jar, Language, NewProject, Severity, SourceBuild, SourceBuilderFactory, SourceFile, World,
    cage::Uncaged, check, fetched::at, jar::JarLimits, presented, project, sources::SourceLimits,
};
use serde::Deserialize;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// The file that makes a folder a plugin.
pub const MANIFEST: &str = "millrace.toml";
/// Folders within each other.
const DEPTH_MAX: u32 = 16;

macro_rules! file {
    ($language:literal, $world:literal, $($path:literal),+) => {
        include_str!(concat!("../../../../guest-sdk/java/templates/", $language, "/", $world, $("/", $path),+))
    };
}

macro_rules! template {
    ($language:literal, $extension:literal, $world:literal, $class:literal $(, $rows:literal)?) => {
        &[
            (MANIFEST, file!($language, $world, "millrace.toml")),
            (
                concat!("src/example/", $class, ".", $extension),
                include_str!(concat!(
                    "../../../../guest-sdk/java/templates/", $language, "/", $world, "/src/example/", $class, ".", $extension
                )),
            ),
            $(($rows, file!($language, $world, $rows)),)?
        ]
    };
}

/// A template per world; those of which rows can be tried have some.
macro_rules! templates {
    ($language:literal, $extension:literal) => {
        [
            (World::EtlOperator, template!($language, $extension, "etl-operator", "Orders", "rows.jsonl")),
            (World::ScalarFunction, template!($language, $extension, "scalar-function", "Shorten", "rows.jsonl")),
            (World::TableFunction, template!($language, $extension, "table-function", "Words", "rows.jsonl")),
            (World::AggregateFunction, template!($language, $extension, "aggregate-function", "WeightedMean", "rows.jsonl")),
            (World::TransformOperator, template!($language, $extension, "transform-operator", "Totals", "rows.jsonl")),
            (World::SourceOperator, template!($language, $extension, "source-operator", "Numbers")),
            (World::SinkOperator, template!($language, $extension, "sink-operator", "Lines", "rows.jsonl")),
            (World::DimensionUpdater, template!($language, $extension, "dimension-updater", "Users")),
        ]
    };
}

/// Files of a template: path, content.
type Template = &'static [(&'static str, &'static str)];
const JAVA: [(World, Template); 8] = templates!("java", "java");
const SCALA: [(World, Template); 8] = templates!("scala", "scala");

/// What the manifest says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    language: Language,
    #[serde(default = "etl_operator")]
    world: World,
    /// The class that implements the world; not needed if exactly one of the source does.
    class: Option<String>,
    /// What a palette shows: read where the plugin is pushed from.
    #[serde(rename = "icon")]
    _icon: Option<String>,
    #[serde(rename = "parameters")]
    _parameters: Option<String>,
    #[serde(rename = "documentation")]
    _documentation: Option<String>,
}

const fn etl_operator() -> World {
    World::EtlOperator
}

/// Writes the project of a new plugin to `dir`, which must not be there or be empty.
///
/// # Errors
/// Not a plugin name, a folder with something in it, a world without template, or a file that cannot be written.
pub fn new_project(language: Language, world: World, dir: &Path, name: &str) -> Result<NewProject, BuildError> {
    let (title, templates) = match language {
        Language::Java => ("Java", &JAVA),
        Language::Scala => ("Scala", &SCALA),
    };
    let template = templates.iter().find(|(known, _)| *known == world).ok_or_else(|| BuildError::NoWorld {
        language: title,
        world: world.name(),
        worlds: templates.map(|(world, _)| world.name()).join(", "),
    })?;
    let mut project = project::from_template(dir, name, template.1)?;
    presented::write_examples(&mut project, name, presented::parameters_of(world, 50, "count"))?;
    Ok(project)
}

/// Builds the plugin in `dir` and writes the component to `<dir>/target/components/<name>.wasm`. The first build on a machine
/// fetches and prepares the tools, which takes minutes.
///
/// # Errors
/// The folder is no plugin, there is no JDK, or the code or a JAR is refused (with the messages of checks and compilers).
pub async fn build_project(dir: &Path) -> Result<Built, BuildError> {
    let started = Instant::now();
    let (name, request) = read(dir)?;
    let refused = |found: Vec<Diagnostic>| BuildError::Compile { output: found.iter().map(said).collect() };
    let (request, mut found) = check::checked(request, &SourceLimits::default(), &JarLimits::default()).map_err(refused)?;
    let factory = JvmBuilderFactory::new(Arc::new(Uncaged), dir.join("target/build"), JvmLimits::default());
    let report = factory.open().await?.build(request).await?;
    found.extend(report.diagnostics);
    let component = report.component.filter(|_| found.iter().all(|diagnostic| diagnostic.severity != Severity::Error));
    let Some(component) = component else {
        return Err(refused(found));
    };
    let built = crate::publish(&dir.join("target/components"), name, component, started)?;
    Ok(Built { warnings: found.iter().map(said).collect(), ..built })
}

fn read(dir: &Path) -> Result<(String, SourceBuild), BuildError> {
    let path = dir.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let wrong = |reason: String| BuildError::BadManifest { path: path.clone(), reason };
    let manifest: Manifest = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    project::check_name(&manifest.name)?;
    let extensions: &[&str] = match manifest.language {
        Language::Java => &["java"],
        Language::Scala => &["scala"],
    };
    let (mut sources, mut jars) = (Vec::new(), Vec::new());
    for file in files(&dir.join("src"), extensions, DEPTH_MAX)? {
        let shown = file.strip_prefix(dir).unwrap_or(&file).display().to_string();
        sources.push(SourceFile { path: shown, text: fs::read_to_string(&file).map_err(at(&file))? });
    }
    if dir.join("lib").is_dir() {
        for file in files(&dir.join("lib"), &["jar"], 0)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            jars.push(Jar { name, bytes: fs::read(&file).map_err(at(&file))? });
        }
    }
    if sources.is_empty() && jars.is_empty() {
        return Err(wrong(format!("there is no source in `src` (*.{}) and no JAR in `lib`", extensions.join(", *."))));
    }
    let Manifest { name, language, world, class, .. } = manifest;
    Ok((name, SourceBuild { world, language, sources, jars, class }))
}

/// Files of these extensions in the folder and those below it, sorted.
fn files(folder: &Path, extensions: &[&str], depth: u32) -> Result<Vec<PathBuf>, BuildError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.is_dir() && depth > 0 {
            found.extend(files(&path, extensions, depth - 1)?);
        } else if path.is_file() && path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A diagnostic as compilers print it.
fn said(diagnostic: &Diagnostic) -> String {
    let mut text = String::new();
    let numbers = [diagnostic.line, diagnostic.column].map(|number| number.map(|number| number.to_string()));
    for part in std::iter::once(diagnostic.file.clone()).chain(numbers).flatten() {
        text.push_str(&part);
        text.push(':');
    }
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let method = diagnostic.method.as_ref().map_or_else(String::new, |method| format!(" in {method}"));
    // Writing to a string does not fail.
    let _ = writeln!(text, " {severity}{method}: {}", diagnostic.message);
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "    {help}");
    }
    text.trim_start().to_owned()
}
