//! Function calls: found by name, checked against their arguments, folded when constant.

use super::{
    Binder,
    expression::Env,
    json::{is_constructor, mark_nested},
    literal,
    nulls::{self, is_null},
};
use crate::{
    ast::{FunctionCall, Span},
    error::{SqlError, nearest},
    plan::TimeKind,
};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use millrace_functions::{EvaluationContext, Expr, Typed, expression, meter, registry::Function};
use std::sync::Arc;

/// Most bytes of the constants of a call that is computed while planning, so that no function, whatever it does with them, takes
/// long.
const FOLDED_ARGUMENT_BYTES_MAX: usize = 4 << 10;
/// Most bytes of a constant that a call is replaced by.
const FOLDED_BYTES_MAX: usize = 64 << 10;
/// Steps that computing a constant may take.
const FOLDED_STEPS_MAX: u64 = 4 << 20;

/// Names of window functions that stand in `GROUP BY` and of their auxiliary functions.
const GROUP_WINDOW_FUNCTIONS: &[&str] = &["TUMBLE", "HOP", "SESSION"];

impl Binder<'_> {
    pub(crate) fn function_call(&mut self, call: &FunctionCall, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let name = call.name.parts.last().map(|p| p.value.to_uppercase()).unwrap_or_default();
        if let Some(over) = &call.over {
            return self.over_call(call, over, span, env);
        }
        if matches!(name.as_str(), "ROW_NUMBER" | "RANK" | "DENSE_RANK" | "LAG") && self.names.functions.get(&name).is_none() {
            let error = self.error("sql.misplaced_window_function", format!("`{name}` needs a window"), span);
            return Err(error.with_hint(format!("write `{name}(…) OVER (PARTITION BY … ORDER BY …)`")));
        }
        self.refuse_outside_group_by(&name, span)?;
        match name.as_str() {
            "JSON_OBJECT" | "JSON_ARRAY" => return self.json_constructor(&name, call, span, env),
            "JSON" => return Err(self.misplaced_json(span)),
            _ => {}
        }
        let needs_type = match name.as_str() {
            "COALESCE" if call.arguments.iter().all(is_null) => call.arguments.first(),
            "NULLIF" => call.arguments.first(),
            _ => None,
        };
        needs_type.into_iter().try_for_each(nulls::check).map_err(|e| self.placed(e))?;
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.expression(argument, env)?);
        }
        if name == "TYPEOF" {
            return self.type_of(call, &arguments, span);
        }
        self.check_watermark_call(&name, &arguments, span, env)?;
        if let Some(special) = self.special(&name, &arguments, span) {
            return special;
        }
        if let Some(Function::Aggregate(_)) = self.names.functions.get(&name) {
            let message = format!("`{name}` is an aggregate function and cannot stand here");
            return Err(self.error("sql.misplaced_aggregate", message, span).with_hint("aggregates stand behind SELECT and HAVING"));
        }
        if call.distinct || call.filter.is_some() || !call.order_by.is_empty() {
            let message = format!("DISTINCT, FILTER and WITHIN GROUP belong to aggregate functions; `{name}` is none");
            return Err(self.error("sql.misplaced_clause", message, span));
        }
        self.call(&name, arguments, span)
    }

    fn refuse_outside_group_by(&self, name: &str, span: Span) -> Result<(), SqlError> {
        let base = ["_START", "_END", "_ROWTIME", "_PROCTIME"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        if GROUP_WINDOW_FUNCTIONS.contains(&base) {
            let message = format!("`{name}` needs a `GROUP BY {base}(…)` with the same arguments");
            return Err(self.error("sql.misplaced_window", message, span));
        }
        Ok(())
    }

    /// The functions that ask for watermarks.
    fn check_watermark_call(&self, name: &str, arguments: &[Expr], span: Span, env: &Env<'_>) -> Result<(), SqlError> {
        match (name, arguments) {
            ("SOURCE_WATERMARK", _) => {
                let error = self.error(
                    "sql.misplaced_watermark",
                    "SOURCE_WATERMARK() is no value: it says that the source makes the watermarks",
                    span,
                );
                Err(error.with_hint("it may stand alone behind `WATERMARK FOR column AS` of a CREATE TABLE"))
            }
            ("CURRENT_WATERMARK", [argument]) => {
                let column = match argument {
                    Expr::Column { index, .. } => env.scope.columns.get(*index).map(|c| &c.column),
                    _ => None,
                };
                if column.is_some_and(|c| c.time == Some(TimeKind::Rowtime)) {
                    return Ok(());
                }
                let found =
                    column.map_or_else(|| argument.typed().data_type.to_string(), |c| format!("`{}` ({})", c.name, c.typed.data_type));
                let message = format!("CURRENT_WATERMARK takes an event-time column, found {found}");
                let error = self.error("sql.no_time_attribute", message, span);
                Err(error.with_hint("name a column that has a `WATERMARK FOR …`; computing with it makes it an ordinary column"))
            }
            _ => Ok(()),
        }
    }

    /// Functions that are expressions of their own, because they evaluate their arguments only where needed.
    fn special(&mut self, name: &str, arguments: &[Expr], span: Span) -> Option<Result<Expr, SqlError>> {
        match (name, arguments) {
            ("COALESCE", [_, ..]) | ("IFNULL", [_, _]) => Some(self.coalesce(arguments.to_vec(), span)),
            ("IF", [condition, yes, no]) => {
                if !super::is_boolean(&condition.typed()) {
                    let message = format!("the first argument of IF is {}, expected a condition (BOOLEAN)", condition.typed().data_type);
                    return Some(Err(self.error("sql.type_mismatch", message, span)));
                }
                Some(self.case_of(vec![condition.clone()], vec![yes.clone(), no.clone()], true, span))
            }
            ("NULLIF", [value, other]) => Some(self.call("=", vec![value.clone(), other.clone()], span).and_then(|equal| {
                let data_type = value.typed().data_type;
                let null = self.implicit(literal::null(), &data_type);
                self.case_of(vec![equal], vec![null, value.clone()], true, span)
            })),
            ("POSITION", [_, _, _]) => Some(self.call("LOCATE", arguments.to_vec(), span)),
            ("OVERLAPS", arguments) => Some(self.overlaps(arguments, span)),
            ("PROCTIME", []) => Some(self.call("CURRENT_ROW_TIMESTAMP", Vec::new(), span)),
            _ => None,
        }
    }

    /// Calls the scalar function registered as `name` with these arguments, cast to what it asks for.
    pub(crate) fn call(&mut self, name: &str, arguments: Vec<Expr>, span: Span) -> Result<Expr, SqlError> {
        let Some(function) = self.names.functions.scalar(name) else {
            return Err(self.unknown_function(name, span));
        };
        let function = function.clone();
        let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
        let resolution = function.resolve(&expression::arguments(&arguments, &types)).map_err(|e| {
            let list: Vec<String> = types.iter().map(|t| t.data_type.to_string()).collect();
            let message = if is_sign(name) {
                format!("`{name}` cannot be applied to {}: {e}", list.join(" and "))
            } else {
                format!("`{name}` cannot be called with ({}): {e}", list.join(", "))
            };
            self.error("sql.type_mismatch", message, span)
        })?;
        if name == "="
            && let Some(answer) = self.row_equality(&arguments, span)
        {
            return answer;
        }
        if let Some(answer) = self.self_comparison(name, &arguments, span) {
            return answer;
        }
        if resolution.arguments.len() != arguments.len() {
            return Err(self.error("sql.internal", format!("`{name}` answered a wrong number of argument types"), span));
        }
        let arguments = arguments.into_iter().zip(&resolution.arguments).map(|(a, wanted)| self.implicit(a, wanted)).collect();
        let mut call = Expr::Call { function, arguments, typed: resolution.result };
        mark_nested(&mut call);
        Ok(self.folded(call))
    }

    pub(crate) fn unknown_function(&self, name: &str, span: Span) -> SqlError {
        let error = self.error("sql.unknown_function", format!("there is no function `{name}`"), span);
        let wanted = name.to_uppercase();
        match nearest(&wanted, self.names.functions.names().filter(|n| n.starts_with(char::is_alphabetic))) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint("functions of the project are made known by CREATE FUNCTION; built-in ones stand in the SQL reference"),
        }
    }

    /// A constant instead of an expression over constants. What fails stays: it may never be evaluated; and so does what is not
    /// cheap: planning is not the place to compute it.
    pub(crate) fn folded(&self, expr: Expr) -> Expr {
        let arguments = expr.children();
        let bytes = |argument: &&Expr| argument.literal().map(|value| meter::size_bytes(value.as_ref()));
        let total = arguments.iter().map(bytes).try_fold(0usize, |total, bytes| Some(total.saturating_add(bytes?)));
        if arguments.is_empty() || total.is_none_or(|total| total > FOLDED_ARGUMENT_BYTES_MAX) {
            return expr;
        }
        let is_built = matches!(&expr, Expr::Call { function, .. } if is_constructor(function.name()));
        let may_fold = !matches!(&expr, Expr::Call { function, .. } if !function.supports_constant_folding());
        if is_built || !may_fold || !expr.is_deterministic() {
            return expr;
        }
        let context = EvaluationContext { zone: self.settings.zone, ..EvaluationContext::default() };
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let Ok(one_row) = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options) else {
            return expr;
        };
        let bounds = meter::Meter::of_steps(FOLDED_STEPS_MAX, FOLDED_BYTES_MAX);
        match bounds.run(|| expression::evaluate(&expr, &one_row, &context)) {
            Ok(value) if value.inner().len() == 1 && meter::size_bytes(value.inner().as_ref()) <= FOLDED_BYTES_MAX => {
                Expr::Literal { value: value.inner().clone(), typed: expr.typed(), is_symbol: false }
            }
            _ => expr,
        }
    }
}

fn is_sign(name: &str) -> bool {
    !name.starts_with(char::is_alphabetic)
}
