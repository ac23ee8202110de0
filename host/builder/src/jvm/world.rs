//! The contract, for the description that a module carries to become a component.

use crate::{BuildError, World};
use std::sync::OnceLock;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

const CONTRACT: [&str; 5] = [
    include_str!("../../../../wit/millrace-plugin-0.1.0/types.wit"),
    include_str!("../../../../wit/millrace-plugin-0.1.0/capabilities.wit"),
    include_str!("../../../../wit/millrace-plugin-0.1.0/etl-operator.wit"),
    include_str!("../../../../wit/millrace-plugin-0.1.0/functions.wit"),
    include_str!("../../../../wit/millrace-plugin-0.1.0/operators.wit"),
];

fn contract() -> Result<&'static (Resolve, PackageId), String> {
    static PARSED: OnceLock<Result<(Resolve, PackageId), String>> = OnceLock::new();
    let parse = || {
        // The package is declared once in a document.
        let further = CONTRACT.iter().skip(1).filter_map(|text| text.split_once(";\n").map(|(_, rest)| rest));
        let text: String = CONTRACT.first().copied().into_iter().chain(further).collect();
        let mut resolve = Resolve::default();
        let package = resolve.push_str("contract.wit", &text).map_err(|error| format!("{error:#}"))?;
        Ok((resolve, package))
    };
    PARSED.get_or_init(parse).as_ref().map_err(Clone::clone)
}

/// Writes into a module which world it is for.
pub(super) fn describe(module: &mut Vec<u8>, world: World) -> Result<(), BuildError> {
    let failed = |reason: String| BuildError::Tool { tool: "wit-component", reason };
    let (resolve, package) = contract().map_err(failed)?;
    let world = resolve.select_world(&[*package], Some(world.name())).map_err(|error| failed(format!("{error:#}")))?;
    embed_component_metadata(module, resolve, world, StringEncoding::UTF8).map_err(|error| failed(format!("{error:#}")))
}
