//! `IS JSON`.

use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError,
    json::{Document, Node, Reader},
    scalar::{
        Builtin, Call,
        columns::{boolean_result, texts},
        signature::{Accepts, Nulls, Signature, refused},
    },
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin { name: "IS_JSON", resolve, evaluate: is_json, deterministic: true }];

fn resolve(arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    let signature =
        Signature { name: "IS JSON", required: &[Accepts::Text, Accepts::Symbol], optional: &[], repeats: false, nulls: Nulls::Never };
    let resolution = signature.resolve(arguments, DataType::Boolean)?;
    match arguments.get(1).and_then(|a| a.symbol) {
        Some("VALUE" | "SCALAR" | "ARRAY" | "OBJECT") => Ok(resolution),
        _ => Err(refused("IS JSON", arguments, "STRING, VALUE or SCALAR or ARRAY or OBJECT")),
    }
}

/// NULL is no JSON.
fn is_json(call: &Call<'_>) -> Result<Columnar, EvaluationError> {
    let values = texts(call, 0)?;
    let kind = texts(call, 1)?.get(0).unwrap_or_default();
    let mut reader = Reader::default();
    boolean_result(call, |row| {
        let Some(Ok(document)) = values.get(row).map(|text| reader.read(text)) else { return Ok(Some(false)) };
        let node = document.node(Document::ROOT);
        Ok(Some(match kind {
            "SCALAR" => !node.is_container(),
            "ARRAY" => matches!(node, Node::Array { .. }),
            "OBJECT" => matches!(node, Node::Object { .. }),
            _ => true,
        }))
    })
}
