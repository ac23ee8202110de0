//! The folder of a plugin in JavaScript or Python: which files, which world.

use crate::{BuildError, World, fetched::at, presented, script::ScriptFile};
use std::{fs, path::Path};

/// Files of a plugin together; more does not fit into an upload anyway.
const BYTES_MAX: u64 = 8 << 20;
/// Folders within each other.
const DEPTH_MAX: u32 = 16;

/// A language whose plugins are scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptLanguage {
    /// ECMAScript modules.
    JavaScript,
    /// Python 3.
    Python,
}

impl ScriptLanguage {
    /// Its name in messages.
    pub const fn title(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
        }
    }

    /// The file that makes a folder a plugin of this language.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::JavaScript => "package.json",
            Self::Python => "pyproject.toml",
        }
    }

    const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::JavaScript => &["js", "mjs"],
            Self::Python => &["py"],
        }
    }

    const fn entry(self) -> &'static str {
        match self {
            Self::JavaScript => "plugin.js",
            Self::Python => "plugin.py",
        }
    }
}

/// What is in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptProject {
    /// Name of the plugin.
    pub name: String,
    /// What kind of component it becomes.
    pub world: World,
    /// The main file.
    pub entry: String,
    /// All files that are packed, the main file among them.
    pub files: Vec<ScriptFile>,
}

impl ScriptProject {
    /// Reads a folder.
    ///
    /// # Errors
    /// No manifest, a manifest that cannot be read, no main file, too many bytes.
    pub fn read(dir: &Path, language: ScriptLanguage) -> Result<Self, BuildError> {
        let manifest_path = dir.join(language.manifest());
        let text = fs::read_to_string(&manifest_path).map_err(at(&manifest_path))?;
        let wrong = |reason: String| BuildError::BadManifest { path: manifest_path.clone(), reason };
        let manifest = Manifest::parse(&text, language).map_err(wrong)?;
        let mut files = Vec::new();
        let mut left = BYTES_MAX;
        collect(dir, "", language, DEPTH_MAX, &mut left, &mut files)?;
        for name in &manifest.data {
            let path = dir.join(name);
            files.push((name.clone(), fs::read(&path).map_err(at(&path))?));
        }
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        if !files.iter().any(|(name, _)| *name == manifest.entry) {
            return Err(wrong(format!("there is no main file `{}`", manifest.entry)));
        }
        Ok(Self { name: manifest.name, world: manifest.world, entry: manifest.entry, files })
    }
}

/// What the manifest says, whichever its format.
struct Manifest {
    name: String,
    world: World,
    entry: String,
    data: Vec<String>,
}

impl Manifest {
    fn parse(text: &str, language: ScriptLanguage) -> Result<Self, String> {
        let whole: serde_json::Value = match language {
            ScriptLanguage::JavaScript => serde_json::from_str(text).map_err(|e| e.to_string())?,
            ScriptLanguage::Python => toml::from_str(text).map_err(|e| e.to_string())?,
        };
        let (general, own) = match language {
            ScriptLanguage::JavaScript => (&whole, &whole["millrace"]),
            ScriptLanguage::Python => (&whole["project"], &whole["tool"]["millrace"]),
        };
        let name = general["name"].as_str().ok_or("the plugin has no `name`")?.to_owned();
        crate::project::check_name(&name).map_err(|e| e.to_string())?;
        let world = own["world"].as_str().unwrap_or(World::EtlOperator.name());
        let known = World::ALL.into_iter().find(|known| known.name() == world);
        let world =
            known.ok_or_else(|| format!("the world `{world}` is not known, expected one of {}", World::ALL.map(World::name).join(", ")))?;
        let entry = own["main"].as_str().or(general["main"].as_str()).unwrap_or(language.entry());
        let data = own["data"].as_array().map(|names| names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect());
        Ok(Self { name, world, entry: entry.trim_start_matches("./").to_owned(), data: data.unwrap_or_default() })
    }
}

/// Script files of the folder and those below it, but of no folder that holds tests, output or tools.
fn collect(
    dir: &Path,
    prefix: &str,
    language: ScriptLanguage,
    depth: u32,
    left: &mut u64,
    files: &mut Vec<ScriptFile>,
) -> Result<(), BuildError> {
    const SKIPPED: [&str; 7] = ["target", "test", "tests", "node_modules", "__pycache__", "dist", "build"];
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry.map_err(at(dir))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type().map_err(at(&path))?;
        if kind.is_dir() && depth > 0 && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
            collect(&path, &format!("{prefix}{name}/"), language, depth - 1, left, files)?;
        }
        let wanted = path.extension().and_then(|e| e.to_str()).is_some_and(|e| language.extensions().contains(&e));
        if kind.is_file() && wanted {
            let content = fs::read(&path).map_err(at(&path))?;
            *left = left.checked_sub(content.len() as u64).ok_or_else(|| BuildError::BadManifest {
                path: path.clone(),
                reason: format!("the plugin's files have more than {} MiB together", BYTES_MAX >> 20),
            })?;
            files.push((format!("{prefix}{name}"), content));
        }
    }
    Ok(())
}

/// A file of a template: name, content with `my-plugin` for the name.
pub(super) type TemplateFile = (&'static str, &'static str);

/// Writes the project of a new plugin to `dir`, which must not be there or be empty.
///
/// # Errors
/// Not a plugin name, a folder with something in it, a world without template, or a file that cannot be written.
pub fn new_project(language: ScriptLanguage, world: World, dir: &Path, name: &str) -> Result<crate::NewProject, BuildError> {
    let templates = super::templates(language);
    let template = templates.iter().find(|(known, _)| *known == world).ok_or_else(|| BuildError::NoWorld {
        language: language.title(),
        world: world.name(),
        worlds: templates.iter().map(|(world, _)| world.name()).collect::<Vec<_>>().join(", "),
    })?;
    let mut project = crate::project::from_template(dir, name, template.1)?;
    presented::write_examples(&mut project, name, presented::parameters_of(world, 100, "count"))?;
    Ok(project)
}
