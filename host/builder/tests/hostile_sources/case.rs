//! A case: a folder of `tests/hostile-sources`.

use crate::zip::{Entry, archive};
use millrace_builder::{Jar, Language, SourceBuild, SourceFile, World};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// How it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// There is no component, and the reason is in the answer.
    Refused,
    /// There is a component, and the sandbox ends it with the reason.
    Held,
    /// There is a component, and it does what it says; what is dangerous has no effect.
    Harmless,
}

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What is tried, in a sentence.
    pub about: String,
    pub expected: Expected,
    /// Each must be in what is said: by diagnostics, failure or fault.
    pub words: Vec<String>,
    /// Whether it must be refused before a compiler is started.
    #[serde(default)]
    pub before_compilers: bool,
    #[serde(default = "java")]
    pub language: Language,
    pub class: Option<String>,
    /// Text of a source that is made: `before`, `repeated` so many times, `after`. `#` is the number.
    pub made: Option<Made>,
    /// Paths of sources, if they are not the files' names.
    #[serde(default)]
    pub path: Option<String>,
    #[serde(default)]
    pub jar: Option<Vec<Entry>>,
    /// Bytes before the archive, or the whole file if there are no entries.
    #[serde(default)]
    pub jar_prefix: String,
    /// Bytes that are cut off at the archive's end.
    #[serde(default)]
    pub jar_cut: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    pub path: String,
    pub before: String,
    pub repeated: String,
    pub times: usize,
    pub after: String,
}

fn java() -> Language {
    Language::Java
}

pub struct Case {
    pub name: String,
    pub recipe: Recipe,
    folder: PathBuf,
}

/// All cases, by name.
pub fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile-sources");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(folder.join("case.toml")).unwrap();
        let recipe = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, recipe, folder }
    }

    /// The request that it stands for.
    pub fn build(&self, canary: &Path) -> SourceBuild {
        let mut sources = Vec::new();
        for file in files(&self.folder) {
            let path = file.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).unwrap().replace("CANARY", &canary.display().to_string());
            if path.ends_with(".java") || path.ends_with(".scala") {
                sources.push(SourceFile { path: self.recipe.path.clone().unwrap_or(path), text });
            }
        }
        if let Some(made) = &self.recipe.made {
            let repeated: String = (0..made.times)
                .map(|number| made.repeated.replace('#', &number.to_string()).replace("@", &(number + 1).to_string()))
                .collect();
            sources.push(SourceFile { path: made.path.clone(), text: format!("{}{repeated}{}", made.before, made.after) });
        }
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let jars = self.jar(canary).into_iter().map(|bytes| Jar { name: "hostile.jar".into(), bytes }).collect();
        SourceBuild { world: World::EtlOperator, language: self.recipe.language, sources, jars, class: self.recipe.class.clone() }
    }

    fn jar(&self, canary: &Path) -> Option<Vec<u8>> {
        let entries = self.recipe.jar.as_ref();
        if entries.is_none() && self.recipe.jar_prefix.is_empty() {
            return None;
        }
        let classes = tempfile::tempdir().unwrap();
        if self.folder.join("jar").is_dir() {
            compile(&self.folder.join("jar"), classes.path(), canary);
        }
        let compiled =
            |class: &str| std::fs::read(classes.path().join(format!("{class}.class"))).unwrap_or_else(|error| panic!("{class}: {error}"));
        let mut bytes = self.recipe.jar_prefix.clone().into_bytes();
        if let Some(entries) = entries {
            bytes.extend(archive(entries, &compiled));
        }
        bytes.truncate(bytes.len() - self.recipe.jar_cut);
        Some(bytes)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

/// Compiles what goes into the JAR, without a cage: it is this repository's.
fn compile(folder: &Path, into: &Path, canary: &Path) {
    let sources = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for file in files(folder) {
        let text = std::fs::read_to_string(&file).unwrap().replace("CANARY", &canary.display().to_string());
        let path = sources.path().join(file.file_name().unwrap());
        std::fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/java/api/src/main/java");
    let is_scala = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "scala");
    let (scala, java): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_scala);
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    };
    if !java.is_empty() {
        let replaces = java.iter().any(|path| path.ends_with("String.java"));
        let mut command = Command::new("javac");
        if replaces {
            command.args(["--patch-module", &format!("java.base={}", sources.path().display())]);
        } else {
            command.args(["--release", "17", "-proc:none", "-sourcepath"]).arg(&sdk);
        }
        run(command.arg("-d").arg(into).args(&java));
    }
    if !scala.is_empty() {
        let jars: Vec<String> = files(&scala_folder()).into_iter().map(|path| path.display().to_string()).collect();
        let path = jars.join(":");
        run(Command::new("java").args(["-cp", &path, "scala.tools.nsc.Main", "-cp", &path, "-d"]).arg(into).args(&scala));
    }
}

/// The folder of the cache that holds the Scala compiler; the build service has put it there.
fn scala_folder() -> PathBuf {
    let cache = std::env::var_os("MILLRACE_CACHE").map_or_else(|| std::env::home_dir().unwrap().join(".cache/millrace"), PathBuf::from);
    let folders = std::fs::read_dir(&cache).unwrap().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        folders.filter(|path| path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().contains("scala"))).collect();
    found.sort();
    found
        .into_iter()
        .find(|path| files(path).iter().any(|file| file.to_string_lossy().contains("scala-compiler")))
        .expect("the Scala compiler")
}
