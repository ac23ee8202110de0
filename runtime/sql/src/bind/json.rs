//! The JSON constructors: `JSON_OBJECT`, `JSON_ARRAY`, and `JSON` inside them.
//!
//! A constructor directly inside another, or inside `JSON_STRING`, goes in as it is, not as a quoted text. As in Flink that is decided on what is left
//! when projections are merged and casts without effect are gone, so it is asked again whenever expressions are put together.

use super::{Binder, expression::Env, literal};
use crate::{
    ast::{Expression, ExpressionKind, FunctionCall, Span},
    error::SqlError,
};
use millrace_functions::Expr;
use millrace_model::DataType;

const NULL_ON_NULL: &str = "NULL ON NULL";
const ABSENT_ON_NULL: &str = "ABSENT ON NULL";
const VALUE: &str = "VALUE";
const FORMAT_JSON: &str = "FORMAT JSON";

/// Whether a call builds JSON, so that it is no constant even over constants: what it stands in must see it.
pub(crate) fn is_constructor(name: &str) -> bool {
    matches!(name, "JSON_OBJECT" | "JSON_ARRAY" | "JSON")
}

/// Whether the value of an expression is what a constructor built.
fn is_built(expr: &Expr) -> bool {
    match expr {
        Expr::Call { function, .. } => is_constructor(function.name()),
        Expr::Cast { value, target, .. } => {
            target.length.is_none()
                && target.data_type == DataType::String
                && value.typed().data_type == DataType::String
                && is_built(value)
        }
        _ => false,
    }
}

/// Says behind each value of a constructor whether it goes in as it is. The layout of the arguments is the functions'.
pub(crate) fn mark_nested(expr: &mut Expr) {
    let Expr::Call { function, arguments, .. } = expr else { return };
    let width = match function.name() {
        "JSON_STRING" => {
            if let [value] = arguments.as_slice()
                && is_built(value)
            {
                arguments.push(literal::symbol(FORMAT_JSON));
            }
            return;
        }
        "JSON_OBJECT" => 3,
        "JSON_ARRAY" => 2,
        _ => return,
    };
    for member in arguments.get_mut(1..).unwrap_or_default().chunks_exact_mut(width) {
        if let [.., value, form] = member
            && is_built(value)
        {
            *form = literal::symbol(FORMAT_JSON);
        }
    }
}

/// Arguments of `JSON_OBJECTAGG` and `JSON_ARRAYAGG`, with the value marked when a constructor built it.
pub(crate) fn mark_aggregated(name: &str, arguments: &mut Vec<Expr>) {
    let value = match name {
        "JSON_OBJECTAGG" => 1,
        "JSON_ARRAYAGG" => 0,
        _ => return,
    };
    if arguments.get(value).is_some_and(is_built) {
        arguments.insert(value + 1, literal::symbol(FORMAT_JSON));
    }
}

fn is_json_call(expression: &Expression) -> Option<&FunctionCall> {
    match &expression.kind {
        ExpressionKind::Call(call) => call.name.parts.last().is_some_and(|p| p.value.eq_ignore_ascii_case("JSON")).then_some(call),
        _ => None,
    }
}

impl Binder<'_> {
    /// `JSON_OBJECT(…)` or `JSON_ARRAY(…)`.
    pub(crate) fn json_constructor(&mut self, name: &str, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        if call.distinct {
            return Err(self.error("sql.misplaced_clause", format!("`{name}` takes no DISTINCT"), span));
        }
        let has_keys = name == "JSON_OBJECT";
        let mut on_null = if has_keys { NULL_ON_NULL } else { ABSENT_ON_NULL };
        let mut parts = Vec::new();
        for argument in &call.arguments {
            match &argument.kind {
                ExpressionKind::Symbol(symbol) if symbol.0 == NULL_ON_NULL => on_null = NULL_ON_NULL,
                ExpressionKind::Symbol(symbol) if symbol.0 == ABSENT_ON_NULL => on_null = ABSENT_ON_NULL,
                ExpressionKind::Symbol(symbol) => {
                    let error = self.error("sql.unsupported", format!("`{}` is not supported", symbol.0), argument.span);
                    return Err(error.with_hint("put the text into JSON(…)"));
                }
                _ => parts.push(self.json_part(argument, env)?),
            }
        }
        let mut arguments = vec![literal::symbol(on_null)];
        for (position, part) in parts.into_iter().enumerate() {
            arguments.push(part);
            if !has_keys || position % 2 == 1 {
                arguments.push(literal::symbol(VALUE));
            }
        }
        self.call(name, arguments, span)
    }

    /// A part of a constructor, which alone may be `JSON(…)`.
    fn json_part(&mut self, argument: &Expression, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let Some(call) = is_json_call(argument) else { return self.expression(argument, env) };
        let mut texts = Vec::with_capacity(call.arguments.len());
        for text in &call.arguments {
            texts.push(self.expression(text, env)?);
        }
        self.call("JSON", texts, argument.span)
    }

    pub(crate) fn misplaced_json(&self, span: Span) -> SqlError {
        let message = "`JSON` may stand only in JSON_ARRAY and behind VALUE in JSON_OBJECT";
        self.error("sql.misplaced_function", message, span).with_hint("write for example JSON_OBJECT('a' VALUE JSON('{}'))")
    }
}
