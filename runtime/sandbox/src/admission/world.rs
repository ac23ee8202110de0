//! Which world of which version a component was made for, from the names of its imports and exports.

use super::AdmissionError;
use crate::host_functions::{PLUGIN_PACKAGE, WIT_VERSION};
use crate::loaded::World;
use wasmparser::{Parser, Payload};

/// Interfaces of the contract that a component may import.
const IMPORTS: [&str; 7] = ["host", "types", "signatures", "clock", "http", "secrets", "files"];

/// Reads the top level's imports and exports.
pub fn check_world(component: &[u8]) -> Result<World, AdmissionError> {
    let malformed = |e: wasmparser::BinaryReaderError| AdmissionError::Malformed(e.to_string());
    let mut level = 0_u32;
    let mut exports = Vec::new();
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(malformed)? {
            Payload::Version { .. } => level += 1,
            Payload::End(_) => level -= 1,
            Payload::ComponentImportSection(section) if level == 1 => {
                for import in section {
                    imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if level == 1 => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    // The version first: of a component made for another one, nothing else can be judged.
    for name in exports.iter().chain(&imports) {
        if let Some((_, version)) = ours(name)
            && version != WIT_VERSION
        {
            return Err(AdmissionError::OtherVersion { found: version.to_owned(), supported: WIT_VERSION });
        }
    }
    for name in imports {
        if !ours(&name).is_some_and(|(interface, _)| IMPORTS.contains(&interface)) {
            return Err(AdmissionError::UnknownImport(crate::log::cut(&name, 200).into_owned()));
        }
    }
    let mut worlds: Vec<World> = exports.iter().filter_map(|name| World::of_interface(ours(name)?.0)).collect();
    if worlds.len() > 1 {
        let found: Vec<&str> = worlds.iter().map(|world| world.interface()).collect();
        return Err(AdmissionError::Contract(format!("it exports `{}`; a component implements exactly one of them", found.join("`, `"))));
    }
    if let Some(world) = worlds.pop() {
        return Ok(world);
    }
    let found = if exports.is_empty() { "nothing".into() } else { exports.join("`, `") };
    let found = crate::log::cut(&found, 300);
    let known: Vec<String> = World::ALL.iter().map(|world| format!("`{PLUGIN_PACKAGE}/{}@{WIT_VERSION}`", world.interface())).collect();
    Err(AdmissionError::Contract(format!("it exports `{found}`, expected one of {}", known.join(", "))))
}

/// Interface and version of a name like `millrace:plugin/etl@0.1.0`.
fn ours(name: &str) -> Option<(&str, &str)> {
    let interface = name.strip_prefix(PLUGIN_PACKAGE)?.strip_prefix('/')?;
    Some(interface.split_once('@').unwrap_or((interface, "none")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_names_all_that_may_be_imported() {
        let refusal = AdmissionError::UnknownImport("wasi:io/poll@0.2.0".into()).to_string();
        for interface in IMPORTS {
            assert!(refusal.contains(&format!("`{interface}`")), "{refusal}");
        }
    }
}
