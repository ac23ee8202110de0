//! What of a script has no effect: said, not refused. What its queries may well not mean is said when they are planned.

use super::{FIELD, text::place};
use millrace_model::graph::GraphError;
use millrace_sql::{
    ast::{Span, Statement, StatementKind},
    settings::is_without_meaning,
};

fn warning(script: &str, code: &str, message: String, span: Span) -> GraphError {
    GraphError::in_document(FIELD, code, message).at(place(script, span))
}

/// Options that are accepted and change nothing.
pub(super) fn of_settings(script: &str, statements: &[Statement]) -> Vec<GraphError> {
    let idle = |statement: &Statement| match &statement.kind {
        StatementKind::Set(option) if is_without_meaning(&option.key) => {
            let message = format!("option '{}' has no effect: it tunes how Flink runs, not what it answers", option.key);
            Some(warning(script, "sql.without_effect", message, option.span))
        }
        _ => None,
    };
    statements.iter().filter_map(idle).collect()
}
