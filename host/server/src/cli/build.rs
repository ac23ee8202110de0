//! Builds a component on the server from source files and JARs, and prints what the compilers say like a compiler.

use super::Session;
use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Component, Path, PathBuf},
};

/// Milliseconds that one request waits for the build.
const WAIT_MS: u64 = 60_000;

/// A language of online code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuildLanguage {
    Java,
    Scala,
}

/// Build a component on the server
#[derive(Args)]
pub(crate) struct BuildArguments {
    /// Language of the files
    language: BuildLanguage,
    /// Source files
    files: Vec<PathBuf>,
    /// What kind of component: etl-operator (unless a template says another), scalar-function, table-function,
    /// aggregate-function, …
    #[arg(long, value_name = "WORLD")]
    world: Option<String>,
    /// Full name of the class; not needed if exactly one class of the files is of the world
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// A JAR that is compiled against, or that holds the class
    #[arg(long = "jar", value_name = "FILE")]
    jars: Vec<PathBuf>,
    /// The same of a JAR among the project's resources, its newest version unless one is named
    #[arg(long = "jar-resource", value_name = "NAME[:VERSION]")]
    jar_resources: Vec<String>,
    /// Complete a template instead of sending whole files; its newest version unless one is named
    #[arg(long, value_name = "NAME[:VERSION]")]
    template: Option<String>,
    /// What is written into the template: its parameter `content`. Without --template into the frame that everybody has
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    /// Another parameter of the template that is code: `ETL=body.java`
    #[arg(long = "part", value_name = "NAME=FILE")]
    parts: Vec<String>,
    /// Another parameter of the template, as JSON or as text: `class_name=Clean`
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Make the component the next version of this plugin
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// What was sent: its name on the server, and what the user calls it.
#[derive(Default)]
struct Sent {
    texts: BTreeMap<String, (String, String)>,
}

pub(crate) async fn run(session: &Session, arguments: BuildArguments) -> anyhow::Result<()> {
    let (request, sent) = request(&arguments)?;
    let builds = format!("{}/builds", session.project()?);
    let taken = session.client.post(&builds, &request).await?;
    let id = taken.get("id").and_then(Value::as_str).context("the server's answer names no build")?.to_owned();
    let path = format!("{builds}/{id}");
    let build = tokio::select! {
        ended = wait(session, &path, taken) => ended?,
        _ = tokio::signal::ctrl_c() => {
            session.client.delete(&path).await?;
            bail!("build `{id}` was cancelled");
        }
    };
    eprint!("{}", render(&build, &sent));
    let succeeded = build.get("state").and_then(Value::as_str) == Some("succeeded");
    if session.output.json || succeeded {
        session.output.done(&summary(&build), &build);
    }
    if succeeded { Ok(()) } else { bail!("{}", summary(&build)) }
}

/// Waits until the build has ended, telling its steps.
async fn wait(session: &Session, path: &str, mut build: Value) -> anyhow::Result<Value> {
    let text = |build: &Value, name: &str| build.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut told = None;
    loop {
        match text(&build, "state").as_deref() {
            Some("queued" | "running") => {}
            _ => return Ok(build),
        }
        let step = text(&build, "step");
        if step != told && !session.output.json {
            eprintln!("  {}", step.as_deref().unwrap_or("waiting for its turn"));
            told = step;
        }
        // Short at first, so that steps show.
        let wait_ms = if told.is_none() { 500 } else { WAIT_MS };
        build = session.client.get(&format!("{path}?wait_ms={wait_ms}")).await?;
    }
}

fn request(arguments: &BuildArguments) -> anyhow::Result<(Value, Sent)> {
    let mut sent = Sent::default();
    let language = match arguments.language {
        BuildLanguage::Java => "java",
        BuildLanguage::Scala => "scala",
    };
    let usual = arguments.template.is_none().then(|| "etl-operator".to_owned());
    let world = arguments.world.clone().or(usual);
    let mut request = json!({"world": world, "language": language, "class": arguments.class, "plugin": arguments.plugin,
        "description": arguments.description});
    let mut sources = Vec::new();
    for file in &arguments.files {
        let text = read_text(file)?;
        let path = sent_path(file).with_context(|| format!("`{}` has no name", file.display()))?;
        sources.push(json!({"path": path, "text": text}));
        sent.texts.insert(path, (file.display().to_string(), text));
    }
    let template = template(arguments, &mut sent)?;
    let mut jars = Vec::new();
    for file in &arguments.jars {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read the JAR {}", file.display()))?;
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        jars.push(json!({"name": name, "content_base64": STANDARD.encode(bytes)}));
    }
    for resource in &arguments.jar_resources {
        jars.push(match resource.split_once(':') {
            None => json!({"resource": resource}),
            Some((name, version)) => {
                let version: i64 = version.parse().with_context(|| format!("`--jar-resource {resource}`: the version is no number"))?;
                json!({"resource": name, "version": version})
            }
        });
    }
    if let Some(fields) = request.as_object_mut() {
        fields.insert("sources".into(), Value::from(sources));
        fields.insert("jars".into(), Value::from(jars));
        fields.extend(template.map(|template| ("template".to_owned(), template)));
    }
    Ok((request, sent))
}

/// What is written into a template, if anything is.
fn template(arguments: &BuildArguments, sent: &mut Sent) -> anyhow::Result<Option<Value>> {
    let mut parameters = super::templates::values(&arguments.set)?;
    for part in &arguments.parts {
        let (name, file) = part.split_once('=').with_context(|| format!("`--part {part}`: expected NAME=FILE"))?;
        let text = read_text(Path::new(file))?;
        parameters.insert(name.to_owned(), Value::from(text.clone()));
        sent.texts.insert(name.to_owned(), (file.to_owned(), text));
    }
    let mut template = Map::new();
    if let Some(named) = &arguments.template {
        let (name, version) = named.split_once(':').map_or((named.as_str(), None), |(name, version)| (name, Some(version)));
        template.insert("name".into(), name.into());
        if let Some(version) = version {
            let version: i64 = version.parse().with_context(|| format!("`--template {named}`: the version is no number"))?;
            template.insert("version".into(), version.into());
        }
    }
    if let Some(file) = &arguments.content {
        let text = read_text(file)?;
        template.insert("content".into(), Value::from(text.clone()));
        sent.texts.insert("content".into(), (file.display().to_string(), text));
    }
    if !parameters.is_empty() {
        template.insert("parameters".into(), Value::Object(parameters));
    }
    Ok((!template.is_empty()).then_some(Value::Object(template)))
}

fn read_text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read the source {}", file.display()))
}

/// The path as it is if it leads down from here, else the file's name.
fn sent_path(file: &Path) -> Option<String> {
    let is_plain = file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let parts = file.components().filter(|part| *part != Component::CurDir);
    if is_plain {
        return Some(parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"));
    }
    Some(file.file_name()?.to_string_lossy().into_owned())
}

fn summary(build: &Value) -> String {
    let text = |name: &str| build.get(name).and_then(Value::as_str);
    let number = |name: &str| build.get(name).and_then(Value::as_i64);
    let count = |severity: &str| {
        let all = build.get("diagnostics").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|d| d.get("severity").and_then(Value::as_str) == Some(severity)).count()
    };
    match (text("state"), text("failure")) {
        (Some("succeeded"), _) => {
            let size = number("size_bytes").unwrap_or_default();
            match (text("plugin"), number("plugin_version")) {
                (Some(plugin), Some(version)) => format!("built {size} bytes; plugin `{plugin}` is at version {version}"),
                _ => format!("built {size} bytes, content hash {}", text("content_hash").unwrap_or_default()),
            }
        }
        (_, Some(failure)) => format!("the build failed: {failure}"),
        (Some("cancelled"), _) => "the build was cancelled".to_owned(),
        _ => format!("the build failed with {} error(s) and {} warning(s)", count("error"), count("warning")),
    }
}

/// Diagnostics as compilers print them: `file:line:column: error: message`, the line, a caret.
fn render(build: &Value, sent: &Sent) -> String {
    let mut shown = String::new();
    for diagnostic in build.get("diagnostics").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| diagnostic.get(name).and_then(Value::as_str);
        let number = |name: &str| diagnostic.get(name).and_then(Value::as_u64);
        let (line, column) = (number("line"), number("column"));
        let found = text("file").and_then(|file| sent.texts.get(file));
        let mut place = found.map_or_else(|| text("file").unwrap_or("").to_owned(), |(name, _)| name.clone());
        for number in [line, column].into_iter().flatten() {
            // Writing to a string cannot fail.
            let _ = write!(place, ":{number}");
        }
        if let Some(method) = text("method").filter(|_| line.is_none()) {
            place = if place.is_empty() { method.to_owned() } else { format!("{place} ({method})") };
        }
        let lead = if place.is_empty() { String::new() } else { format!("{place}: ") };
        let _ = writeln!(shown, "{lead}{}: {}", text("severity").unwrap_or("error"), text("message").unwrap_or("(no message)"));
        let source = found.zip(line).and_then(|((_, text), line)| text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
        if let Some(source) = source {
            let _ = writeln!(shown, "    {source}");
            if let Some(before) = column.and_then(|column| usize::try_from(column).ok()?.checked_sub(1)) {
                let blank: String = source.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                let _ = writeln!(shown, "    {blank}^");
            }
        }
        if let Some(help) = text("help") {
            let _ = writeln!(shown, "    help: {help}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_look_like_a_compilers() {
        let mut sent = Sent::default();
        sent.texts.insert("Clean.java".into(), ("src/Clean.java".into(), "class Clean {\n\tint a = b;\n}\n".into()));
        let build = json!({"state": "failed", "diagnostics": [
            {"severity": "error", "file": "Clean.java", "line": 2, "column": 10, "message": "cannot find symbol b", "help": "declare it"},
            {"severity": "warning", "file": "acme.Lib", "method": "acme.Lib.run", "message": "uses reflection"},
            {"severity": "error", "message": "no class"},
        ]});
        let expected = "src/Clean.java:2:10: error: cannot find symbol b\n    \tint a = b;\n    \t        ^\n    help: declare it\n\
                        acme.Lib (acme.Lib.run): warning: uses reflection\nerror: no class\n";
        assert_eq!(render(&build, &sent), expected);
        assert_eq!(summary(&build), "the build failed with 2 error(s) and 1 warning(s)");
    }

    #[test]
    fn paths_are_sent_as_they_lead_down() {
        for (file, expected) in
            [("acme/Clean.java", "acme/Clean.java"), ("./A.java", "A.java"), ("../x/A.java", "A.java"), ("/x/A.java", "A.java")]
        {
            assert_eq!(sent_path(Path::new(file)).as_deref(), Some(expected));
        }
    }
}
