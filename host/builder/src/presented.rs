//! What a palette shows of a plugin (EXT-7), where its author works: icon, form of its parameters, documentation.
//!
//! `icon.svg` or `icon.png`, `parameters.json` and `README.md` of the folder are taken; the manifest can name others: `icon`,
//! `parameters` and `documentation` in `[package.metadata.millrace]` (Rust), `millrace` (JavaScript), `[tool.millrace]`
//! (Python), `millrace.toml` (Java, Scala). Invariant: a file that the manifest names must be there.

use crate::{BuildError, NewProject, World, fetched::at};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files of a plugin's folder that are shown; none for what it does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresentationFiles {
    /// PNG or SVG.
    pub icon: Option<PathBuf>,
    /// JSON Schema.
    pub parameters: Option<PathBuf>,
    /// Markdown.
    pub documentation: Option<PathBuf>,
}

/// Finds what is shown of the plugin in `dir`.
///
/// # Errors
/// The manifest cannot be read, or names a file that is not there.
pub fn presentation_files(dir: &Path) -> Result<PresentationFiles, BuildError> {
    let (manifest, said) = manifest(dir)?;
    let find = |name: &str, usual: &[&str]| match said[name].as_str() {
        None => Ok(usual.iter().map(|file| dir.join(file)).find(|path| path.is_file())),
        Some(file) if dir.join(file).is_file() => Ok(Some(dir.join(file))),
        Some(file) => {
            let reason = format!("`{name}` is `{file}`, which is no file of the folder");
            Err(BuildError::BadManifest { path: manifest.clone(), reason })
        }
    };
    Ok(PresentationFiles {
        icon: find("icon", &["icon.svg", "icon.png"])?,
        parameters: find("parameters", &["parameters.json"])?,
        documentation: find("documentation", &["README.md"])?,
    })
}

/// The manifest of a folder, and what it says to Millrace.
fn manifest(dir: &Path) -> Result<(PathBuf, Value), BuildError> {
    let places: [(&str, &[&str]); 4] = [
        ("Cargo.toml", &["package", "metadata", "millrace"]),
        ("package.json", &["millrace"]),
        ("pyproject.toml", &["tool", "millrace"]),
        (crate::jvm::MANIFEST, &[]),
    ];
    let Some((name, place)) = places.into_iter().find(|(name, _)| dir.join(name).is_file()) else {
        return Ok((dir.to_owned(), Value::Null));
    };
    let path = dir.join(name);
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let wrong = |reason: String| BuildError::BadManifest { path: path.clone(), reason };
    let whole: Value = match name {
        "package.json" => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        _ => toml::from_str(&text).map_err(|error| wrong(error.to_string()))?,
    };
    let said = place.iter().fold(&whole, |value, key| &value[*key]).clone();
    Ok((path, said))
}

/// Writes an example of each to a new project; `parameters` are those that its template reads.
pub(crate) fn write_examples(project: &mut NewProject, name: &str, parameters: Option<Value>) -> Result<(), BuildError> {
    project.write("icon.svg", include_str!("presented/icon.svg"))?;
    let mut readme = format!(
        "# {name}\n\nSay here what the plugin does: this paragraph is shown in the palette, the whole text on the plugin's page.\n\n\
         ## In a job\n\nWhich columns it expects and what it answers, with an example.\n"
    );
    if let Some(parameters) = parameters {
        let text = serde_json::to_string_pretty(&parameters).unwrap_or_default();
        project.write("parameters.json", &(text + "\n"))?;
        readme.push_str("\nIts parameters are described in `parameters.json`; a job's node is checked by it.\n");
    }
    project.write("README.md", &readme)
}

/// A form of one parameter.
pub(crate) fn form(name: &str, schema: Value, is_required: bool) -> Value {
    let mut form = json!({"type": "object", "properties": {name: schema}, "additionalProperties": false});
    if is_required {
        form["required"] = json!([name]);
    }
    form
}

/// The parameters that templates of a world read, alike in all languages but for these two.
pub(crate) fn parameters_of(world: World, amount_min: u32, source: &str) -> Option<Value> {
    let url = || json!({"type": "string", "title": "Address", "description": "Where it is; an administrator must allow the host", "pattern": "^https?://"});
    match world {
        World::EtlOperator => {
            let description = "Orders of less are left out";
            let schema =
                json!({"type": "number", "title": "Least amount", "description": description, "minimum": 0, "default": amount_min});
            Some(form("amount_min", schema, false))
        }
        World::SourceOperator => {
            Some(form(source, json!({"type": "integer", "title": "How many rows", "minimum": 0, "default": 1_000}), false))
        }
        World::DimensionUpdater => Some(form("url", url(), true)),
        World::SinkOperator | World::TransformOperator | World::ScalarFunction | World::TableFunction | World::AggregateFunction => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_names_or_as_the_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
        assert_eq!(presentation_files(dir).unwrap(), PresentationFiles::default());
        write("icon.png", "");
        write("README.md", "");
        let found = presentation_files(dir).unwrap();
        assert_eq!((found.icon, found.parameters, found.documentation), (Some(dir.join("icon.png")), None, Some(dir.join("README.md"))));
        write("other.json", "{}");
        for (manifest, text) in [
            ("millrace.toml", "name = \"a\"\nparameters = \"other.json\""),
            ("pyproject.toml", "[tool.millrace]\nparameters = \"other.json\""),
            ("package.json", "{\"millrace\": {\"parameters\": \"other.json\"}}"),
            ("Cargo.toml", "[package.metadata.millrace]\nparameters = \"other.json\""),
        ] {
            write(manifest, text);
            assert_eq!(presentation_files(dir).unwrap().parameters, Some(dir.join("other.json")), "{manifest}");
        }
        write("Cargo.toml", "[package.metadata.millrace]\nicon = \"none.svg\"");
        let error = presentation_files(dir).unwrap_err().to_string();
        assert!(error.contains("`icon` is `none.svg`, which is no file of the folder"), "{error}");
    }
}
