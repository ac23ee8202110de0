//! `FROM`: tables, views, sub-queries, table functions, lateral joins.

use super::{
    Binder, ViewDefinition, calc,
    expression::Env,
    join::{Bound, reference_name},
    names_of, not_yet, renamed,
    scope::Scope,
    scope_of,
    select::is_true,
};
use crate::{
    ast::{
        Expression, Hint, JoinConstraint, JoinKind, ObjectName, Span, TableAlias, TableArgument, TableFunctionCall, TableReference,
        TableReferenceKind,
    },
    error::{SqlError, nearest},
    plan::{Correlation, NodeKind, PlanColumn, PlanNode},
};
use millrace_functions::{Expr, Typed, expression, registry::Function};
use millrace_model::{DataType, data_type::Element};

impl Binder<'_> {
    pub(crate) fn from(&mut self, references: &[TableReference], span: Span) -> Result<(PlanNode, Scope), SqlError> {
        let Some((first, rest)) = references.split_first() else {
            return Ok((self.one_row(), Scope::default()));
        };
        let (mut node, mut scope) = self.reference(first, None)?;
        let mut name = reference_name(first);
        for reference in rest {
            if super::as_of::is_as_of(reference) {
                (node, scope) = self.as_of_join((node, scope), reference, (JoinKind::Inner, &JoinConstraint::None), span)?;
            } else if let TableReferenceKind::Derived { query, lateral: true } = &reference.kind {
                let how = (JoinKind::Cross, &JoinConstraint::None);
                (node, scope) = self.lateral_join((node, scope), (query, reference.alias.as_ref()), how, reference.span)?;
            } else if is_lateral(reference) {
                (node, scope) = self.correlate(node, scope, reference, false, span)?;
            } else {
                let left = Bound { node, scope, name };
                let (node_of, scope_of) = self.reference(reference, None)?;
                let right = Bound { node: node_of, scope: scope_of, name: reference_name(reference) };
                (node, scope) = self.join_tables(left, right, JoinKind::Cross, &JoinConstraint::None, reference.span)?;
            }
            name = None;
            self.check_width(node.columns.len(), span)?;
        }
        Ok((node, scope))
    }

    fn reference(&mut self, reference: &TableReference, outer: Option<(PlanNode, Scope)>) -> Result<(PlanNode, Scope), SqlError> {
        let alias = reference.alias.as_ref();
        match &reference.kind {
            TableReferenceKind::Named { name, hints, as_of } => {
                if as_of.is_some() {
                    let message = "`FOR SYSTEM_TIME AS OF` needs a table on its left whose rows have the time";
                    let error = self.error("sql.misplaced_as_of", message, reference.span);
                    return Err(error.with_hint("write `FROM facts AS f JOIN table FOR SYSTEM_TIME AS OF f.time AS t ON f.key = t.key`"));
                }
                let node = self.named(name, hints)?;
                let own = name.parts.last().map(|p| p.value.as_str());
                self.aliased(node, alias, own)
            }
            TableReferenceKind::Derived { query, .. } => {
                let node = self.query(query)?;
                self.aliased(node, alias, None)
            }
            TableReferenceKind::Function { call, .. } if self.is_window_function(call) => {
                let node = self.window_function(call)?;
                self.aliased(node, alias, None)
            }
            TableReferenceKind::Function { .. } | TableReferenceKind::Unnest { .. } => {
                let (node, scope) = outer.unwrap_or_else(|| (self.one_row(), Scope::default()));
                self.correlate(node, scope, reference, false, reference.span)
            }
            TableReferenceKind::Join { left, right, kind, constraint } => {
                let (node, scope) = self.join(left, right, *kind, constraint, reference.span)?;
                self.check_width(node.columns.len(), reference.span)?;
                Ok((node, scope))
            }
            TableReferenceKind::MatchRecognize(clause) => {
                let (input, scope) = self.reference(&clause.input, None)?;
                let node = self.match_recognize(input, scope, clause)?;
                self.aliased(node, alias, None)
            }
        }
    }

    pub(super) fn aliased(&self, node: PlanNode, alias: Option<&TableAlias>, own: Option<&str>) -> Result<(PlanNode, Scope), SqlError> {
        let Some(alias) = alias else {
            let scope = scope_of(&node, own);
            return Ok((node, scope));
        };
        let node = renamed(node, &names_of(&alias.columns), alias.name.span).map_err(|e| self.placed(e))?;
        let scope = scope_of(&node, Some(&alias.name.value));
        Ok((node, scope))
    }

    pub(crate) fn named(&mut self, name: &ObjectName, hints: &[Hint]) -> Result<PlanNode, SqlError> {
        let foreign = name.foreign().filter(|n| self.names.tables.contains_key(n));
        let wanted = match &foreign {
            Some(foreign) => foreign.as_str(),
            None => super::own_name(name).map_err(|e| self.placed(e))?,
        };
        super::hints::check(hints).map_err(|e| self.placed(e))?;
        if let Some(position) = self.common.iter().rposition(|(n, _)| n == wanted) {
            self.refuse_table_hints(hints, wanted)?;
            // A WITH table sees only those before it.
            let later = self.common.split_off(position);
            let view = later[0].1.clone();
            let node = self.view(&view, name.span());
            self.common.extend(later);
            return node;
        }
        let names = self.names;
        if let Some(view) = names.views.get(wanted) {
            self.refuse_table_hints(hints, wanted)?;
            let hidden = std::mem::take(&mut self.common);
            let outer = self.view_use.replace(self.view_use.unwrap_or(name.span()));
            let node = self.view(view, name.span());
            self.view_use = outer;
            self.common = hidden;
            return node;
        }
        if let Some(table) = names.tables.get(wanted) {
            let options = self.hinted_options(table, hints)?;
            self.check_flows(table, name.span())?;
            let outer = self.view_use.replace(self.view_use.unwrap_or(name.span()));
            let node = self.scan(table, options, name.span());
            self.view_use = outer;
            return node;
        }
        let error = self.error("sql.unknown_table", format!("there is no table or view `{wanted}`"), name.span());
        let known = || {
            let common = self.common.iter().map(|(n, _)| n.as_str());
            names.tables.keys().map(String::as_str).chain(names.views.keys().map(String::as_str)).chain(common)
        };
        Err(match nearest(wanted, known()) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None if known().next().is_none() => error.with_hint("no tables are in sight here"),
            None => error.with_hint(format!("tables in sight are {}", known().collect::<Vec<_>>().join(", "))),
        })
    }

    fn view(&mut self, view: &ViewDefinition, span: Span) -> Result<PlanNode, SqlError> {
        let node = self.query(&view.query)?;
        renamed(node, &view.columns, span)
    }

    fn join(
        &mut self,
        left: &TableReference,
        right: &TableReference,
        kind: JoinKind,
        constraint: &JoinConstraint,
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let left_name = reference_name(left);
        let (node, scope) = self.reference(left, None)?;
        if super::as_of::is_as_of(right) {
            return self.as_of_join((node, scope), right, (kind, constraint), span);
        }
        if let TableReferenceKind::Derived { query, lateral: true } = &right.kind {
            return self.lateral_join((node, scope), (query, right.alias.as_ref()), (kind, constraint), span);
        }
        if !is_lateral(right) {
            let name = reference_name(right);
            let (right, right_scope) = self.reference(right, None)?;
            let (left, right) = (Bound { node, scope, name: left_name }, Bound { node: right, scope: right_scope, name });
            return self.join_tables(left, right, kind, constraint, span);
        }
        let is_left = match kind {
            JoinKind::Inner | JoinKind::Cross => false,
            JoinKind::Left => true,
            JoinKind::Right | JoinKind::Full => {
                let error = self.error("sql.unsupported", "rows of a table function belong to rows of the left side", span);
                return Err(error.with_hint("write CROSS JOIN or LEFT JOIN … ON TRUE"));
            }
        };
        let (mut node, scope) = self.correlate(node, scope, right, is_left, span)?;
        match constraint {
            JoinConstraint::None => {}
            JoinConstraint::On(condition) => {
                let predicate = self.condition(condition, &mut Env::over(&scope))?;
                if is_left && !is_true(&predicate) {
                    let error = self.error("sql.unsupported", "LEFT JOIN with a table function takes only `ON TRUE`", condition.span);
                    return Err(error.with_hint("filter in WHERE instead"));
                }
                if !is_true(&predicate) {
                    let (columns, projection) = (node.columns.clone(), super::all_columns(&node));
                    node = calc(node, Some(predicate), projection, columns);
                }
            }
            JoinConstraint::Using(_) | JoinConstraint::Natural => {
                return Err(self.error("sql.unsupported", "a table function is joined with `ON TRUE` or CROSS JOIN", span));
            }
        }
        Ok((node, scope))
    }

    /// Joins the rows of a table function or UNNEST to the rows that it is called for.
    fn correlate(
        &mut self,
        input: PlanNode,
        scope: Scope,
        reference: &TableReference,
        is_left: bool,
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let (function, mut made) = match &reference.kind {
            TableReferenceKind::Unnest { expressions, with_ordinality } => self.unnest(expressions, *with_ordinality, &scope, span)?,
            TableReferenceKind::Function { call, .. } => self.table_function(call, &scope)?,
            _ => return Err(self.placed(not_yet("a lateral query", reference.span))),
        };
        let mut used = std::collections::BTreeSet::new();
        match &function {
            Correlation::Unnest { collection, .. } => collection.columns(&mut used),
            Correlation::Function { arguments, .. } => arguments.iter().for_each(|a| a.columns(&mut used)),
        }
        for column in &mut made {
            column.lineage = used.iter().flat_map(|&i| input.columns[i].lineage.iter().cloned()).collect();
            column.typed.nullable |= is_left;
        }
        let names = reference.alias.as_ref().map(|a| names_of(&a.columns)).unwrap_or_default();
        match (&reference.alias, names.len()) {
            // `UNNEST(tags) AS tag`: one column takes the alias as its own name.
            (Some(alias), 0) if made.len() == 1 => made[0].name.clone_from(&alias.name.value),
            (_, 0) => {}
            (_, n) if n == made.len() => made.iter_mut().zip(&names).for_each(|(column, name)| column.name.clone_from(name)),
            (_, n) => {
                let message = super::wrong_count(n, "the function", made.len());
                return Err(self.error("sql.column_count", message, reference.span));
            }
        }
        let qualifier = reference.alias.as_ref().map(|a| a.name.value.clone());
        if let Some(alias) = reference.alias.as_ref().filter(|a| scope.columns.iter().any(|c| c.qualifier.as_ref() == Some(&a.name.value)))
        {
            let message = format!("`{}` stands twice in FROM", alias.name.value);
            return Err(self.error("sql.duplicate_alias", message, alias.name.span).with_hint("give one of them another name"));
        }
        let mut scope = scope;
        scope.columns.extend(made.iter().map(|c| super::scope::ScopeColumn {
            qualifier: qualifier.clone(),
            column: c.clone(),
            is_hidden: false,
        }));
        let mut columns = input.columns.clone();
        columns.extend(made);
        Ok((PlanNode { kind: NodeKind::Correlate { input: Box::new(input), function, is_left }, columns }, scope))
    }

    fn unnest(
        &mut self,
        expressions: &[Expression],
        with_ordinality: bool,
        scope: &Scope,
        span: Span,
    ) -> Result<(Correlation, Vec<PlanColumn>), SqlError> {
        let [expression] = expressions else {
            return Err(self.error("sql.argument_count", "UNNEST takes one collection", span));
        };
        let collection = self.expression(expression, &mut Env::over(scope))?;
        let mut flatten = false;
        let plain = |name: &str, e: &Element| PlanColumn::new(name, Typed::new(e.data_type.clone(), e.nullable));
        let mut columns = match collection.typed().data_type {
            DataType::Array(element) | DataType::Multiset(element) => match &element.data_type {
                DataType::Row(fields) => {
                    flatten = true;
                    let column = |f: &millrace_model::data_type::RowField| {
                        PlanColumn::new(&f.name, Typed::new(f.data_type.clone(), f.nullable || element.nullable))
                    };
                    fields.iter().map(column).collect()
                }
                _ => vec![plain("EXPR$0", &element)],
            },
            DataType::Map(key, value) => vec![plain("KEY", &key), plain("VALUE", &value)],
            other => {
                let message = format!("UNNEST of {other}, expected an ARRAY, MAP or MULTISET");
                return Err(self.error("sql.type_mismatch", message, expression.span));
            }
        };
        if with_ordinality {
            columns.push(PlanColumn::new("ORDINALITY", Typed::not_null(DataType::Int)));
        }
        Ok((Correlation::Unnest { collection, with_ordinality, flatten }, columns))
    }

    fn table_function(&mut self, call: &TableFunctionCall, scope: &Scope) -> Result<(Correlation, Vec<PlanColumn>), SqlError> {
        let name = call.name.parts.last().map(|p| p.value.clone()).unwrap_or_default();
        let Some(Function::Table(function)) = self.names.functions.get(&name) else {
            return Err(match self.names.functions.get(&name) {
                Some(_) => self.error("sql.type_mismatch", format!("`{name}` is not a table function"), call.span),
                None => self.unknown_function(&name, call.span),
            });
        };
        let function = function.clone();
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            let TableArgument::Expression(expression) = &argument.value else {
                let message = format!("`{name}` takes values, not tables");
                return Err(self.error("sql.type_mismatch", message, argument.span));
            };
            arguments.push(self.expression(expression, &mut Env::over(scope))?);
        }
        let types: Vec<Typed> = arguments.iter().map(Expr::typed).collect();
        let (wanted, schema) = (function.resolve(&expression::arguments(&arguments, &types)))
            .map_err(|e| self.error("sql.type_mismatch", format!("`{name}`: {e}"), call.span))?;
        let arguments = arguments.into_iter().zip(&wanted).map(|(a, w)| self.implicit(a, w)).collect();
        let columns = schema.fields().iter().map(|f| PlanColumn::new(&f.name, Typed::new(f.data_type.clone(), f.nullable))).collect();
        Ok((Correlation::Function { function, arguments }, columns))
    }
}

fn is_lateral(reference: &TableReference) -> bool {
    match &reference.kind {
        TableReferenceKind::Unnest { .. } => true,
        TableReferenceKind::Function { call, .. } => !super::window::is_window_name(&call.name),
        TableReferenceKind::Named { .. }
        | TableReferenceKind::Derived { .. }
        | TableReferenceKind::Join { .. }
        | TableReferenceKind::MatchRecognize(_) => false,
    }
}
