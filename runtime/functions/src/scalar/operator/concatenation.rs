//! `||`.

use crate::{
    EvaluationError, Resolution, Typed,
    scalar::{
        Builtin,
        columns::{text_result, texts},
        signature::refused,
    },
};
use millrace_model::DataType;

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "||",
    resolve: |arguments| {
        let are_texts = arguments.iter().all(|a| matches!(a.typed.data_type, DataType::String | DataType::Null));
        if arguments.len() != 2 || !are_texts {
            return Err(refused("||", arguments, "STRING, STRING"));
        }
        let nullable = arguments.iter().any(|a| a.typed.nullable || a.typed.data_type == DataType::Null);
        Ok(Resolution { arguments: vec![DataType::String; 2], result: Typed::new(DataType::String, nullable) })
    },
    evaluate: |call| {
        let (left, right) = (texts(call, 0)?, texts(call, 1)?);
        text_result(call, |row, out| {
            let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok::<_, EvaluationError>(false) };
            out.push_str(left)?;
            out.push_str(right)?;
            Ok(true)
        })
    },
    deterministic: true,
}];
