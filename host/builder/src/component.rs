//! From a compiled module to a component of one of the contract's worlds.
//!
//! Invariant: what leaves here imports nothing but our own interfaces and exports exactly the world's, so that an
//! author hears of a mistake at once instead of at upload.

use crate::{BuildError, World};
use wit_component::{ComponentEncoder, DecodedWasm};

/// Interfaces that a component may import.
const IMPORTS: [&str; 7] = [
    "millrace:plugin/host@0.1.0",
    "millrace:plugin/types@0.1.0",
    "millrace:plugin/signatures@0.1.0",
    "millrace:plugin/clock@0.1.0",
    "millrace:plugin/http@0.1.0",
    "millrace:plugin/secrets@0.1.0",
    "millrace:plugin/files@0.1.0",
];

/// Custom sections that are kept: function names, and what addr2line needs to name file and line of a trap.
const KEPT: [&str; 10] = [
    "name",
    ".debug_abbrev",
    ".debug_addr",
    ".debug_info",
    ".debug_line",
    ".debug_line_str",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_str",
    ".debug_str_offsets",
];

/// Makes a component of a module that the SDK's bindings describe, and checks it.
///
/// # Errors
/// Not a module, other imports than ours, or another export than the world's.
pub fn encode_component(plugin: &str, module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let refuse = |reason: String| BuildError::NotAComponent { plugin: plugin.to_owned(), reason };
    let module = strip(module).ok_or_else(|| refuse("the compiler's output is not a WebAssembly module".into()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| refuse(explain(&format!("{error:#}"))))?;
    check_world(&component).map_err(refuse)?;
    Ok(component)
}

/// Adds what an author can do to the encoder's words.
fn explain(error: &str) -> String {
    if error.contains("__wbindgen") || error.contains("wasm_bindgen") {
        return format!("a dependency expects a browser (wasm-bindgen); switch off its `js` or `wasm-bindgen` feature ({error})");
    }
    if error.contains("wasi") || error.contains("`env`") {
        return format!("it imports functions that Millrace does not offer; a dependency expects files, clocks or C code ({error})");
    }
    error.to_owned()
}

fn check_world(component: &[u8]) -> Result<(), String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err("it is a WIT package without code".into());
    };
    let world = &resolve.worlds[world];
    for key in world.imports.keys() {
        let name = resolve.name_world_key(key);
        if !IMPORTS.contains(&name.as_str()) {
            return Err(format!("it imports `{name}`, which Millrace does not offer; expected only {}", IMPORTS.join(", ")));
        }
    }
    let exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    match exports.as_slice() {
        [export] if World::ALL.iter().any(|world| world.interface() == export) => Ok(()),
        [] => Err("it exports nothing; the plugin must call one of the SDK's export macros once, as `etl_rows!`".into()),
        found => Err(format!("it exports {}, expected one of {}", found.join(", "), World::ALL.map(World::interface).join(", "))),
    }
}

/// The module without the custom sections that nobody reads; `None` if it is cut off or no module at all.
fn strip(module: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    let (header, mut rest) = module.split_at_checked(HEADER)?;
    if header != b"\0asm\x01\0\0\0" {
        return None;
    }
    let mut stripped = header.to_vec();
    while let Some((&id, after_id)) = rest.split_first() {
        let (size, after_size) = leb128(after_id)?;
        let (content, next) = after_size.split_at_checked(size)?;
        if id != 0 || is_kept(content)? {
            stripped.extend_from_slice(rest.get(..rest.len() - next.len())?);
        }
        rest = next;
    }
    Some(stripped)
}

fn is_kept(custom: &[u8]) -> Option<bool> {
    let (len, rest) = leb128(custom)?;
    let name = std::str::from_utf8(rest.get(..len)?).ok()?;
    // `component-type…` holds the bindings' description of the world, which the encoder consumes.
    Some(KEPT.contains(&name) || name.starts_with("component-type"))
}

/// An unsigned 32-bit number in LEB128 and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_custom_sections_are_dropped() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        let custom = |name: &str| [&[0, name.len() as u8 + 2, name.len() as u8], name.as_bytes(), b"x"].concat();
        module.extend(custom("producers"));
        module.extend(custom("name"));
        let stripped = strip(&module).unwrap();
        assert_eq!(stripped[8..], custom("name"));
        assert_eq!(strip(&module[..module.len() - 1]), None);
        assert_eq!(strip(b"MZ"), None);
    }

    #[test]
    fn a_module_without_our_world_is_refused_in_words() {
        let error = encode_component("p", b"\0asm\x01\0\0\0").unwrap_err().to_string();
        assert!(error.starts_with("`p` is not a Millrace component: it exports nothing"), "{error}");
        let error = encode_component("p", b"nothing").unwrap_err().to_string();
        assert_eq!(error, "`p` is not a Millrace component: the compiler's output is not a WebAssembly module");
    }
}
