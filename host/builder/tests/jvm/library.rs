//! Java's and Scala's libraries: every case of `guest-sdk/java/tests` answers in a component what it answers on the JVM.
//!
//! A theme is a folder, a case a call of `check` in one of its classes. All cases of a theme are built into one component.

use crate::{
    building::{build, run},
    sandboxed::{Lines, load, open, sandbox},
};
use arrow_array::{ArrayRef, RecordBatch, StringArray, cast::AsArray};
use millrace_builder::{BuildReport, Diagnostic, Jar, Language, SourceBuild, SourceFile, World};
use millrace_model::{Batch, DataType, Field, Schema};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// What the JVM prints.
#[derive(Deserialize)]
struct Answered {
    name: String,
    answer: String,
}

/// Cases that there must be, so that none is lost unnoticed.
const JAVA_CASES_MIN: usize = 150;
const SCALA_CASES_MIN: usize = 60;

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/java")
}

fn sources(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path, ending));
        } else if path.extension() == Some(OsStr::new(ending)) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn file(path: &Path) -> SourceFile {
    SourceFile { path: file_name(path), text: fs::read_to_string(path).unwrap() }
}

fn execute(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The class that holds all cases of a theme.
fn all(theme: &str, classes: &[String], language: Language) -> SourceFile {
    let includes: String = classes.iter().map(|class| format!("include(\"{class}\", new {class}());")).collect();
    match language {
        Language::Java => SourceFile {
            path: "All.java".into(),
            text: format!(
                "package {theme}; public final class All extends millrace.tests.Cases {{ @Override protected void cases() {{ {includes} }} }}"
            ),
        },
        Language::Scala => SourceFile {
            path: "All.scala".into(),
            text: format!(
                "package {theme}\nfinal class All extends millrace.tests.Cases {{ override protected def cases(): Unit = {{ {includes} }} }}"
            ),
        },
    }
}

/// One theme, built for both.
struct Theme {
    name: String,
    language: Language,
    sources: Vec<SourceFile>,
    /// Libraries that it uses.
    libraries: Vec<PathBuf>,
}

/// The library of Maven Central that a theme's file `jars` names: `group:artifact:version`; fetched once per machine.
fn library(coordinates: &str) -> PathBuf {
    let folder = cache().join("java-test-libraries");
    let mut parts = coordinates.split(':').skip(1);
    let jar = folder.join(format!("{}-{}.jar", parts.next().unwrap(), parts.next().unwrap()));
    if !jar.is_file() {
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "dependency:copy"]).arg(format!("-Dartifact={coordinates}"));
        execute(maven.arg(format!("-DoutputDirectory={}", folder.display())));
    }
    jar
}

fn cache() -> PathBuf {
    std::env::var("MILLRACE_CACHE").map_or_else(|_| PathBuf::from(std::env::var("HOME").unwrap()).join(".cache/millrace"), PathBuf::from)
}

fn theme(folder: &Path, language: Language) -> Theme {
    let ending = if language == Language::Java { "java" } else { "scala" };
    let name = file_name(folder);
    let files = sources(folder, ending);
    let classes: Vec<String> = files.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let mut sources: Vec<SourceFile> = files.iter().map(|path| file(path)).collect();
    sources.push(all(&name, &classes, language));
    let libraries = fs::read_to_string(folder.join("jars")).unwrap_or_default().lines().map(library).collect();
    Theme { name, language, sources, libraries }
}

fn folder(language: Language) -> PathBuf {
    sdk().join("tests").join(if language == Language::Java { "java" } else { "scala" })
}

fn themes(language: Language) -> Vec<Theme> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder(language)).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| theme(folder, language)).collect()
}

/// Classes of the SDK and of the harness, for the JVM.
fn harness(into: &Path) {
    let mut javac = Command::new("javac");
    javac.args(["-nowarn", "-proc:none", "-encoding", "UTF-8", "--release", "17", "-d"]).arg(into);
    javac.args(sources(&sdk().join("api/src/main/java"), "java")).args(sources(&sdk().join("tests/harness"), "java"));
    execute(&mut javac);
}

/// The harness as a JAR, which sources of either language are compiled against.
fn harness_jar(classes: &Path) -> Jar {
    let path = classes.join("harness.jar");
    execute(Command::new("jar").arg("--create").arg("--file").arg(&path).arg("-C").arg(classes).arg("millrace/tests"));
    Jar { name: "harness.jar".into(), bytes: fs::read(&path).unwrap() }
}

/// What the JVM answers.
fn on_the_jvm(theme: &Theme, classes: &Path) -> Vec<Answered> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = theme.sources.iter().map(|source| folder.path().join(&source.path)).collect();
    for (path, source) in paths.iter().zip(&theme.sources) {
        fs::write(path, &source.text).unwrap();
    }
    let libraries: String = theme.libraries.iter().map(|path| format!(":{}", path.display())).collect();
    let mut class_path = format!("{}:{}{libraries}", folder.path().display(), classes.display());
    if theme.language == Language::Java {
        let mut javac = Command::new("javac");
        javac.args(["-nowarn", "-proc:none", "-encoding", "UTF-8", "--release", "17", "-cp"]).arg(&class_path);
        execute(javac.arg("-d").arg(folder.path()).args(paths));
    } else {
        let jars = scala_jars();
        let mut scalac = Command::new("java");
        scalac.args(["-Xss8m", "-cp", &jars, "scala.tools.nsc.Main", "-nowarn", "-release", "17", "-cp"]);
        execute(scalac.arg(format!("{}:{jars}", classes.display())).arg("-d").arg(folder.path()).args(paths));
        class_path = format!("{class_path}:{jars}");
    }
    let mut java = Command::new("java");
    java.args(["-Duser.timezone=UTC", "-Duser.language=en", "-Dfile.encoding=UTF-8", "-cp", &class_path, "millrace.tests.Jvm"]);
    let printed = String::from_utf8(execute(java.arg(format!("{}.All", theme.name)))).unwrap();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The Scala compiler's class path, out of the folder that the builder keeps.
fn scala_jars() -> String {
    let kept = fs::read_dir(cache()).unwrap().map(|entry| entry.unwrap().path());
    let folder = kept.filter(|path| path.is_dir()).find(|path| path.to_string_lossy().contains("-scala-")).unwrap();
    let jars: Vec<String> = sources(&folder, "jar").iter().map(|path| path.display().to_string()).collect();
    jars.join(":")
}

fn names(rows: &[Answered]) -> Batch {
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.name.as_str())));
    Batch::inserts(RecordBatch::try_new(schema().to_arrow(), vec![names]).unwrap())
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("name", DataType::String, false)]).unwrap()
}

/// Cases whose answer differs, in words.
async fn differences(theme: Theme, expected: Vec<Answered>, harness: Jar) -> Vec<String> {
    let jar = |path: &PathBuf| Jar { name: file_name(path), bytes: fs::read(path).unwrap() };
    let jars = std::iter::once(harness).chain(theme.libraries.iter().map(jar)).collect();
    let report = build(SourceBuild {
        world: World::EtlOperator,
        language: theme.language,
        sources: theme.sources.clone(),
        jars,
        class: Some(format!("{}.All", theme.name)),
    })
    .await;
    let component = report.component.unwrap_or_else(|| panic!("{}: {:#?}", theme.name, report.diagnostics));
    let loaded = load(component).await;
    let mut differences = Vec::new();
    let mut left = expected.as_slice();
    while !left.is_empty() {
        // After a trap the instance is gone: the next one goes on behind the case that did it.
        let mut operator = sandbox().open_etl(&loaded, open(BTreeMap::new(), Arc::new(Lines::default())), schema()).await.unwrap();
        while let Some((first, rest)) = left.split_first() {
            let answer = operator.process(&names(std::slice::from_ref(first))).await;
            left = rest;
            let found = match answer {
                Ok(rows) if rows.num_rows() == 1 => rows.rows.columns()[1].as_string::<i32>().value(0).to_owned(),
                Ok(_) => format!("nothing: {:?}", operator.take_rejected().first().map(|row| row.message.clone())),
                Err(fault) => {
                    differences.push(format!("{}/{}: the component ended: {fault}", theme.name, first.name));
                    break;
                }
            };
            if found != first.answer {
                differences.push(format!("{}/{}\n  JVM       {}\n  component {found}", theme.name, first.name, first.answer));
            }
        }
    }
    differences
}

/// Themes of Java, each with a test below.
const JAVA: [&str; 6] = ["collections", "json", "language", "numbers", "text", "time"];
/// Themes of Scala, each with a test below.
const SCALA: [&str; 2] = ["collections", "language"];

fn conform(language: Language, name: &str) {
    let classes = tempfile::tempdir().unwrap();
    harness(classes.path());
    let theme = theme(&folder(language).join(name), language);
    let expected = on_the_jvm(&theme, classes.path());
    let cases = expected.len();
    let differing = run(differences(theme, expected, harness_jar(classes.path())));
    let found: Vec<&str> = differing.iter().filter_map(|difference| difference.lines().next()).collect();
    let known = fs::read_to_string(sdk().join("tests/known-different.txt")).unwrap();
    let prefix = format!("{name}/");
    let known: Vec<&str> = known.lines().filter(|case| language == Language::Java && case.starts_with(&prefix)).collect();
    assert_eq!(found, known, "{} of {cases} cases differ; those on the right are known to:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn java_collections_answer_as_on_the_jvm() {
    conform(Language::Java, "collections");
}

#[test]
fn java_json_answers_as_on_the_jvm() {
    conform(Language::Java, "json");
}

#[test]
fn java_language_answers_as_on_the_jvm() {
    conform(Language::Java, "language");
}

#[test]
fn java_numbers_answer_as_on_the_jvm() {
    conform(Language::Java, "numbers");
}

#[test]
fn java_text_answers_as_on_the_jvm() {
    conform(Language::Java, "text");
}

#[test]
fn java_time_answers_as_on_the_jvm() {
    conform(Language::Java, "time");
}

#[test]
fn scala_collections_answer_as_on_the_jvm() {
    conform(Language::Scala, "collections");
}

#[test]
fn scala_language_answers_as_on_the_jvm() {
    conform(Language::Scala, "language");
}

/// EXT-1, EXT-4: no theme is without a test, and no case is lost unnoticed.
#[test]
fn every_theme_is_tested() {
    for (language, tested, cases_min) in [(Language::Java, &JAVA[..], JAVA_CASES_MIN), (Language::Scala, &SCALA[..], SCALA_CASES_MIN)] {
        let themes = themes(language);
        assert_eq!(themes.iter().map(|theme| theme.name.as_str()).collect::<Vec<_>>(), tested);
        let cases: usize = themes.iter().flat_map(|theme| &theme.sources).map(|source| source.text.matches(" check(\"").count()).sum();
        assert!(cases >= cases_min, "{cases} cases, expected at least {cases_min}");
    }
}

/// The first line of a refused source: `// expect LINE METHOD: part of the message`.
fn expectation(text: &str) -> (u32, String, String) {
    let line = text.lines().next().and_then(|line| line.strip_prefix("// expect ")).expect("the first line says what to expect");
    let (place, message) = line.split_once(": ").unwrap();
    let (number, method) = place.split_once(' ').unwrap();
    (number.parse().unwrap(), method.to_owned(), message.to_owned())
}

fn holds(diagnostic: &Diagnostic, file: &str, (line, method, message): &(u32, String, String)) -> bool {
    diagnostic.file.as_deref().is_some_and(|found| found.ends_with(file))
        && diagnostic.line == Some(*line)
        && diagnostic.method.as_ref() == Some(method)
        && diagnostic.message.contains(message.as_str())
}

fn jar_of(source: &Path, sdk: &Path) -> Jar {
    let folder = tempfile::tempdir().unwrap();
    let classes = folder.path().join("classes");
    let mut javac = Command::new("javac");
    javac.args(["-nowarn", "-proc:none", "-encoding", "UTF-8", "--release", "17", "-cp"]).arg(sdk).arg("-d").arg(&classes);
    execute(javac.arg(source));
    let path = folder.path().join("upload.jar");
    execute(Command::new("jar").arg("--create").arg("--file").arg(&path).arg("-C").arg(&classes).arg("."));
    Jar { name: "upload.jar".into(), bytes: fs::read(&path).unwrap() }
}

async fn refused(source: &Path, jar: Option<Jar>) -> BuildReport {
    let class = format!("refused.{}", source.file_stem().unwrap().to_string_lossy());
    let (sources, jars) = match jar {
        Some(jar) => (Vec::new(), vec![jar]),
        None => (vec![file(source)], Vec::new()),
    };
    build(SourceBuild { world: World::EtlOperator, language: Language::Java, sources, jars, class: Some(class) }).await
}

/// EXT-6: what cannot work is refused where the user calls it, from a JAR and from source alike.
#[test]
fn what_cannot_work_is_refused_at_the_call() {
    run(async {
        let classes = tempfile::tempdir().unwrap();
        harness(classes.path());
        let mut wrong = Vec::new();
        for source in sources(&sdk().join("tests/refused"), "java") {
            let expected = expectation(&fs::read_to_string(&source).unwrap());
            let name = file_name(&source);
            for (form, jar) in [("source", None), ("JAR", Some(jar_of(&source, classes.path())))] {
                let report = refused(&source, jar).await;
                let found = report.diagnostics.iter().any(|diagnostic| holds(diagnostic, &name, &expected));
                if report.component.is_some() || !found {
                    wrong.push(format!("{name} as {form}: {:#?}", report.diagnostics));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
