//! Expressions: from names and operators to typed columns and calls.

use super::{Binder, aggregate::Aggregation, is_boolean, literal, match_recognize::Matching, nulls, over::OverCalls, scope::Scope};
use crate::{
    ast::{BinaryOperator, CaseBranch, CastKind, Expression, ExpressionKind, Identifier, ObjectName, Span, UnaryOperator},
    error::{SqlError, nearest},
};
use millrace_functions::{
    Expr, Typed,
    cast::{self, CastTarget, TextForm},
    coercion,
};
use millrace_model::DataType;

/// What an expression may refer to.
pub(crate) struct Env<'s> {
    /// Columns in sight.
    pub scope: &'s Scope,
    /// Set behind `GROUP BY`: columns must be keys or inside aggregates.
    pub aggregation: Option<Aggregation<'s>>,
    /// Set in MEASURES and DEFINE: names are those of rows of a match.
    pub matching: Option<Matching<'s>>,
    /// Set where `OVER` may stand.
    pub over: Option<OverCalls<'s>>,
}

impl<'s> Env<'s> {
    pub fn over(scope: &'s Scope) -> Self {
        Self { scope, aggregation: None, over: None, matching: None }
    }
}

impl Binder<'_> {
    pub(crate) fn expression(&mut self, expression: &Expression, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        self.count_expression(expression.span)?;
        if env.aggregation.is_some()
            && let Some(found) = self.aggregated(expression, env)?
        {
            return Ok(found);
        }
        if env.matching.is_some()
            && let Some(found) = self.matched(expression, env)?
        {
            return Ok(found);
        }
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Literal(value) => literal::literal(value, span).map_err(|e| self.placed(e)),
            ExpressionKind::Name(name) => self.name(name, env),
            ExpressionKind::Unary(operator, value) => self.unary(*operator, value, span, env),
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, left, right, span, env),
            ExpressionKind::IsNull { value, negated } => {
                let value = self.expression(value, env)?;
                self.call(if *negated { "IS NOT NULL" } else { "IS NULL" }, vec![value], span)
            }
            ExpressionKind::IsTruth { value, truth, negated } => {
                let value = self.condition(value, env)?;
                let word = match truth {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                };
                self.call(&format!("IS {}{word}", if *negated { "NOT " } else { "" }), vec![value], span)
            }
            ExpressionKind::IsDistinctFrom { left, right, negated } => {
                let arguments = vec![self.expression(left, env)?, self.expression(right, env)?];
                self.call(if *negated { "IS NOT DISTINCT FROM" } else { "IS DISTINCT FROM" }, arguments, span)
            }
            ExpressionKind::Between { value, low, high, symmetric, negated } => {
                let parts = [value, low, high].map(|e| self.expression(e, env));
                let [value, low, high] = parts;
                self.between(value?, low?, high?, (*symmetric, *negated), span)
            }
            ExpressionKind::InList { value, list, negated } => {
                let value = self.expression(value, env)?;
                let list = list.iter().map(|e| self.expression(e, env)).collect::<Result<Vec<_>, _>>()?;
                self.in_list(value, list, *negated, span)
            }
            ExpressionKind::Like { value, pattern, escape, similar, negated } => {
                nulls::check(pattern).map_err(|e| self.placed(e))?;
                let mut arguments = vec![self.expression(value, env)?, self.expression(pattern, env)?];
                if let Some(escape) = escape {
                    arguments.push(self.expression(escape, env)?);
                }
                let matched = self.call(if *similar { "SIMILAR TO" } else { "LIKE" }, arguments, span)?;
                if *negated { self.call("NOT", vec![matched], span) } else { Ok(matched) }
            }
            ExpressionKind::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref(), span, env)
            }
            ExpressionKind::Cast { value, data_type, length, parts, kind } => {
                let value = self.expression(value, env)?;
                let target = CastTarget { length: *length, parts: parts.clone(), ..CastTarget::from(data_type.clone()) };
                self.cast(value, target, *kind, span)
            }
            ExpressionKind::Call(call) => self.function_call(call, span, env),
            ExpressionKind::Interval { value, from, to } => literal::interval(value, *from, *to, span).map_err(|e| self.placed(e)),
            ExpressionKind::Array(parts) => self.constructor("ARRAY", parts, span, env),
            ExpressionKind::Map(parts) => self.constructor("MAP", parts, span, env),
            ExpressionKind::Row(parts) => self.constructor("ROW", parts, span, env),
            ExpressionKind::Element(value, index) => {
                let arguments = vec![self.expression(value, env)?, self.expression(index, env)?];
                self.call("ITEM", arguments, span)
            }
            ExpressionKind::Field(value, field) => {
                let value = self.expression(value, env)?;
                self.field(value, field)
            }
            ExpressionKind::Symbol(symbol) => Ok(literal::symbol(&symbol.0)),
            ExpressionKind::Star => Err(self.error("sql.misplaced_star", "`*` may stand only behind SELECT and in COUNT(*)", span)),
            ExpressionKind::InQuery { value, query, negated } => self.in_query(value, query, *negated, span, env),
            ExpressionKind::Quantified { value, operator, all, query } => self.quantified(value, (*operator, *all), query, span, env),
            ExpressionKind::Exists(query) => self.exists_value(query, span, env),
            ExpressionKind::Query(query) => self.query_value(query, span, env),
        }
    }

    pub(crate) fn error(&self, code: &'static str, message: impl Into<String>, span: Span) -> SqlError {
        self.placed(SqlError::new(code, message, span))
    }

    /// An expression that must be BOOLEAN.
    pub(crate) fn condition(&mut self, expression: &Expression, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let bound = self.expression(expression, env)?;
        let typed = bound.typed();
        if !is_boolean(&typed) {
            let message = format!("this is {}, expected a condition (BOOLEAN)", typed.data_type);
            return Err(self.error("sql.type_mismatch", message, expression.span));
        }
        Ok(self.implicit(bound, &DataType::Boolean))
    }

    fn name(&mut self, name: &ObjectName, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let found = match (env.scope.resolve(name), name.parts.as_slice()) {
            (Ok(found), _) => found,
            // A function that may be called without parentheses.
            (Err(_), [only]) if only.value.eq_ignore_ascii_case("PI") => return self.call("PI", Vec::new(), only.span),
            (Err(error), _) => return Err(self.placed(error)),
        };
        let mut expr = Expr::column(found.index, env.scope.columns[found.index].column.typed.clone());
        for field in found.fields {
            expr = self.field(expr, field)?;
        }
        Ok(expr)
    }

    pub(crate) fn field(&mut self, value: Expr, field: &Identifier) -> Result<Expr, SqlError> {
        match value.typed().data_type {
            DataType::Row(fields) => {
                if !fields.iter().any(|f| f.name == field.value) {
                    let error = self.error("sql.unknown_field", format!("the ROW has no field `{}`", field.value), field.span);
                    let known: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
                    return Err(match nearest(&field.value, known.iter().copied()) {
                        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                        None => error.with_hint(format!("its fields are {}", known.join(", "))),
                    });
                }
                self.call("FIELD", vec![value, literal::symbol(&field.value)], field.span)
            }
            other => {
                let message = format!("`.{}` asks for a field, but what stands before it is {other}, expected a ROW", field.value);
                Err(self.error("sql.type_mismatch", message, field.span))
            }
        }
    }

    fn unary(&mut self, operator: UnaryOperator, value: &Expression, span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        match operator {
            UnaryOperator::Not => {
                nulls::check(value).map_err(|e| self.placed(e))?;
                let value = self.condition(value, env)?;
                self.call("NOT", vec![value], span)
            }
            UnaryOperator::Plus => self.expression(value, env),
            UnaryOperator::Minus => {
                // `-2147483648` is one constant: its digits alone would be a BIGINT.
                if let ExpressionKind::Literal(crate::ast::Literal::Number(digits)) = &value.kind
                    && let Ok(number) = format!("-{digits}").parse::<i64>()
                {
                    return Ok(i32::try_from(number).map_or_else(|_| literal::bigint(number), literal::int));
                }
                let value = self.expression(value, env)?;
                self.call("NEGATE", vec![value], span)
            }
        }
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
        span: Span,
        env: &mut Env<'_>,
    ) -> Result<Expr, SqlError> {
        use BinaryOperator::{And, Divide, Minus, Modulo, Multiply, Or, Plus};
        if matches!(operator, And | Or | Plus | Minus | Multiply | Divide | Modulo) {
            [left, right].into_iter().try_for_each(nulls::check).map_err(|e| self.placed(e))?;
        }
        if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
            let (left, right) = (self.condition(left, env)?, self.condition(right, env)?);
            let mut parts = Vec::new();
            for part in [left, right] {
                match (operator, part) {
                    (BinaryOperator::And, Expr::And(inner)) | (BinaryOperator::Or, Expr::Or(inner)) => parts.extend(inner),
                    (_, other) => parts.push(other),
                }
            }
            return Ok(if operator == BinaryOperator::And { Expr::And(parts) } else { Expr::Or(parts) });
        }
        let arguments = vec![self.expression(left, env)?, self.expression(right, env)?];
        self.call(sign(operator), arguments, span)
    }

    fn between(&mut self, value: Expr, low: Expr, high: Expr, (symmetric, negated): (bool, bool), span: Span) -> Result<Expr, SqlError> {
        let within = |binder: &mut Self, low: &Expr, high: &Expr| -> Result<Expr, SqlError> {
            let above = binder.call(">=", vec![value.clone(), low.clone()], span)?;
            let below = binder.call("<=", vec![value.clone(), high.clone()], span)?;
            Ok(Expr::And(vec![above, below]))
        };
        let mut found = within(self, &low, &high)?;
        if symmetric {
            found = Expr::Or(vec![found, within(self, &high, &low)?]);
        }
        if negated { self.call("NOT", vec![found], span) } else { Ok(found) }
    }

    pub(crate) fn in_list(&mut self, value: Expr, list: Vec<Expr>, negated: bool, span: Span) -> Result<Expr, SqlError> {
        let found = if list.iter().any(|item| item.is_same(&value)) {
            self.call("=", vec![value.clone(), value], span)?
        } else if let Some(found) = self.in_equalities(&value, &list, span) {
            found?
        } else {
            let mut arguments = vec![value];
            arguments.extend(list);
            // Constants that have no type in common with the value become texts or numbers as the value is.
            let types: Vec<DataType> = arguments.iter().map(|a| a.typed().data_type).collect();
            if coercion::common_type_of(types.iter()).is_some() {
                arguments = self.unified(arguments, "IN", span)?;
            }
            self.call("IN", arguments, span)?
        };
        if negated { self.call("NOT", vec![found], span) } else { Ok(found) }
    }

    fn case(
        &mut self,
        operand: Option<&Expression>,
        branches: &[CaseBranch],
        otherwise: Option<&Expression>,
        span: Span,
        env: &mut Env<'_>,
    ) -> Result<Expr, SqlError> {
        let operand = operand.map(|o| self.expression(o, env)).transpose()?;
        let (mut whens, mut results) = (Vec::new(), Vec::new());
        for branch in branches {
            whens.push(match &operand {
                None => self.condition(&branch.when, env)?,
                Some(operand) => {
                    let when = self.expression(&branch.when, env)?;
                    self.call("=", vec![operand.clone(), when], branch.when.span)?
                }
            });
            results.push(self.expression(&branch.then, env)?);
        }
        let has_else = otherwise.is_some();
        if let Some(otherwise) = otherwise {
            results.push(self.expression(otherwise, env)?);
        }
        self.case_of(whens, results, has_else, span)
    }

    /// `CASE` over bound parts; `results` has one more than `whens` when there is an `ELSE`.
    pub(crate) fn case_of(&mut self, whens: Vec<Expr>, results: Vec<Expr>, has_else: bool, span: Span) -> Result<Expr, SqlError> {
        let mut results = self.unified(results, "CASE", span)?;
        let nullable = !has_else || results.iter().any(|r| r.typed().nullable);
        let data_type = results.first().map_or(DataType::Null, |r| r.typed().data_type);
        let otherwise = if has_else { results.pop().map(Box::new) } else { None };
        Ok(Expr::Case { branches: whens.into_iter().zip(results).collect(), otherwise, typed: Typed::new(data_type, nullable) })
    }

    pub(crate) fn coalesce(&mut self, arguments: Vec<Expr>, span: Span) -> Result<Expr, SqlError> {
        let mut arguments = self.unified(arguments, "COALESCE", span)?;
        if let Some(certain) = arguments.iter().position(|a| !a.typed().nullable) {
            arguments.truncate(certain + 1);
        }
        let nullable = arguments.iter().all(|a| a.typed().nullable);
        match arguments.first() {
            Some(first) if arguments.len() > 1 => {
                let typed = Typed::new(first.typed().data_type, nullable);
                Ok(Expr::Coalesce { arguments, typed })
            }
            Some(first) => Ok(first.clone()),
            None => Err(self.error("sql.argument_count", "COALESCE needs at least one argument", span)),
        }
    }

    /// The same expressions in their common type.
    pub(crate) fn unified(&mut self, parts: Vec<Expr>, what: &str, span: Span) -> Result<Vec<Expr>, SqlError> {
        let types: Vec<DataType> = parts.iter().map(|p| p.typed().data_type).collect();
        let mut common = DataType::Null;
        for data_type in &types {
            common = match coercion::common_type(&common, data_type) {
                Some(common) => common,
                None if common == DataType::Null => data_type.clone(),
                None if *data_type == DataType::Null => common,
                None => {
                    let list: Vec<String> = types.iter().map(ToString::to_string).collect();
                    let message = format!("the values of `{what}` have no common type: {}", list.join(", "));
                    return Err(self.error("sql.type_mismatch", message, span).with_hint("cast them to one type"));
                }
            };
        }
        Ok(parts.into_iter().map(|p| self.implicit(p, &common)).collect())
    }

    /// `value` as `wanted`, by an implicit cast where the types differ.
    pub(crate) fn implicit(&self, value: Expr, wanted: &DataType) -> Expr {
        let typed = value.typed();
        if typed.data_type == *wanted || value.symbol().is_some() {
            return value;
        }
        let target = CastTarget::from(wanted.clone());
        let cast = Expr::Cast { value: Box::new(value), target, is_try: false, typed: Typed::new(wanted.clone(), typed.nullable) };
        self.folded(cast)
    }

    fn cast(&mut self, value: Expr, target: CastTarget, kind: CastKind, span: Span) -> Result<Expr, SqlError> {
        let from = value.typed();
        let to = &target.data_type;
        let is_legacy = self.settings.legacy_casts;
        let is_try = kind == CastKind::TryCast || is_legacy;
        if from.data_type != DataType::Null && from.data_type != *to && !cast::is_castable(&from.data_type, to) {
            let message = format!("{} cannot be cast to {to}", from.data_type);
            return Err(self.error("sql.type_mismatch", message, span));
        }
        // Before Flink 1.15 casts did not cut or pad texts, and wrote some values otherwise.
        let typed = Typed::new(to.clone(), from.nullable || (is_try && (!is_legacy || cast::can_fail(&from.data_type, to))));
        let target = if is_legacy { CastTarget { text: TextForm::Legacy, ..CastTarget::from(target.data_type) } } else { target };
        Ok(self.folded(Expr::Cast { value: Box::new(value), target, is_try, typed }))
    }

    fn constructor(&mut self, name: &str, parts: &[Expression], span: Span, env: &mut Env<'_>) -> Result<Expr, SqlError> {
        let mut parts = parts.iter().map(|p| self.expression(p, env)).collect::<Result<Vec<_>, _>>()?;
        match name {
            "ARRAY" => parts = self.unified(parts, "ARRAY", span)?,
            "MAP" => {
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for (position, part) in parts.into_iter().enumerate() {
                    if position % 2 == 0 { keys.push(part) } else { values.push(part) }
                }
                let (keys, values) = (self.unified(keys, "MAP", span)?, self.unified(values, "MAP", span)?);
                parts = keys.into_iter().zip(values).flat_map(|(k, v)| [k, v]).collect();
            }
            _ => {}
        }
        self.call(name, parts, span)
    }
}

/// The name under which an operator's function is registered.
pub(super) fn sign(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Concat => "||",
        BinaryOperator::Equal => "=",
        BinaryOperator::NotEqual => "<>",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
    }
}
