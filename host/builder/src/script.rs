//! Plugins in JavaScript and Python: a language core that is made once, and the author's files packed beside its code.
//!
//! Invariant: the component's code is the core, byte by byte, whatever the script is; so a script is built in milliseconds
//! and the server compiles the core once for all scripts of all tenants.

mod javascript;
mod project;
mod python;

pub use project::{ScriptLanguage, ScriptProject, new_project};

use crate::{BuildError, Built, World};
use millrace_model::packed;
use std::{path::Path, time::Instant};
use wit_component::StringEncoding;

/// Name of the packed file that names the plugin's main file.
const ENTRY: &str = "millrace-entry";

/// Templates of a language by world.
fn templates(language: ScriptLanguage) -> &'static [(World, &'static [project::TemplateFile])] {
    macro_rules! template {
        ($folder:literal: $($file:literal),*) => {
            &[$(($file, include_str!(concat!("../../../guest-sdk/", $folder, "/", $file)))),*]
        };
    }
    match language {
        ScriptLanguage::JavaScript => &[
            (World::EtlOperator, template!("javascript/templates/etl-operator": "package.json", "plugin.js", "rows.jsonl")),
            (World::ScalarFunction, template!("javascript/templates/scalar-function": "package.json", "plugin.js", "rows.jsonl")),
            (World::TableFunction, template!("javascript/templates/table-function": "package.json", "plugin.js", "rows.jsonl")),
            (World::AggregateFunction, template!("javascript/templates/aggregate-function": "package.json", "plugin.js", "rows.jsonl")),
        ],
        ScriptLanguage::Python => {
            &[(World::EtlOperator, template!("python/templates/etl-operator": "pyproject.toml", "plugin.py", "rows.jsonl"))]
        }
    }
}

/// A file of a script: its name in the plugin, its content.
pub type ScriptFile = (String, Vec<u8>);

/// Builds the JavaScript plugin in `dir` and writes the component to `<dir>/target/components/<name>.wasm`.
///
/// # Errors
/// The folder is no plugin, or the core cannot be made.
pub fn javascript(dir: &Path) -> Result<Built, BuildError> {
    build(dir, ScriptLanguage::JavaScript)
}

/// Builds the Python plugin in `dir`, as [`javascript`].
///
/// # Errors
/// As for [`javascript`].
pub fn python(dir: &Path) -> Result<Built, BuildError> {
    build(dir, ScriptLanguage::Python)
}

/// The component of a script that is in memory.
///
/// # Errors
/// The language does not have the world yet, or the core cannot be made.
pub fn component(language: ScriptLanguage, world: World, entry: &str, files: &[ScriptFile]) -> Result<Vec<u8>, BuildError> {
    let mut component = match language {
        ScriptLanguage::JavaScript => javascript::core(world)?,
        ScriptLanguage::Python => python::core(world)?,
    };
    packed::pack(&mut component, ENTRY, entry.as_bytes());
    let sdk = match language {
        ScriptLanguage::JavaScript => javascript::SDK,
        ScriptLanguage::Python => &[],
    };
    for (name, content) in sdk {
        packed::pack(&mut component, name, content.as_bytes());
    }
    for (name, content) in files {
        packed::pack(&mut component, name, content);
    }
    Ok(component)
}

fn build(dir: &Path, language: ScriptLanguage) -> Result<Built, BuildError> {
    let started = Instant::now();
    let project = ScriptProject::read(dir, language)?;
    let component = component(language, project.world, &project.entry, &project.files)?;
    crate::publish(&dir.join("target/components"), project.name, component, started)
}

/// The contract as one text: WIT wants the package named once.
fn contract() -> String {
    const FILES: [&str; 5] = [
        include_str!("../../../wit/millrace-plugin-0.1.0/types.wit"),
        include_str!("../../../wit/millrace-plugin-0.1.0/capabilities.wit"),
        include_str!("../../../wit/millrace-plugin-0.1.0/etl-operator.wit"),
        include_str!("../../../wit/millrace-plugin-0.1.0/functions.wit"),
        include_str!("../../../wit/millrace-plugin-0.1.0/operators.wit"),
    ];
    let mut text = String::from("package millrace:plugin@0.1.0;\n");
    for file in FILES {
        text.push_str(file.split_once(";\n").map_or(file, |(_, rest)| rest));
    }
    text
}

/// Says in the module which world it is of, for the encoder.
fn describe(module: &mut Vec<u8>, world: World) -> Result<(), BuildError> {
    let mut described = || {
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_str("contract.wit", &contract())?;
        let world = resolve.select_world(&[package], Some(world.name()))?;
        wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
    };
    described().map_err(|error| BuildError::NotAComponent { plugin: world.name().into(), reason: format!("{error:#}") })
}

/// A short name for what a core is made of.
fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize()).split_at(16).0.to_owned()
}
