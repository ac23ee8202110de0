//! What a query may ask about where it runs.

use super::{Builtin, signature::refused};
use crate::{Columnar, Resolution, Typed};
use arrow_array::StringArray;
use millrace_model::DataType;
use std::sync::Arc;

/// The name of the only database that a script has, as a session of Flink begins with it.
const DATABASE: &str = "default_database";

pub(super) const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "CURRENT_DATABASE",
    resolve: |arguments| match arguments {
        [] => Ok(Resolution { arguments: Vec::new(), result: Typed::not_null(DataType::String) }),
        _ => Err(refused("CURRENT_DATABASE", arguments, "")),
    },
    evaluate: |_| Ok(Columnar::Scalar(Arc::new(StringArray::from(vec![DATABASE])))),
    deterministic: true,
}];
