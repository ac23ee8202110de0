//! `JOIN table FOR SYSTEM_TIME AS OF time`: look-ups in dimension tables at processing time, versions of a table at event
//! time.
//!
//! Invariant: a dimension table is read by look-ups alone; it has no rows that flow. A condition over the versions alone is
//! never applied before the join: an older version would come back.

use super::{Binder, TableDefinition, all_columns, expression::Env, join::natural_names, scope::Scope};
use crate::{
    ast::{
        BinaryOperator, Expression, ExpressionKind, Identifier, JoinConstraint, JoinKind, ObjectName, Span, TableReference,
        TableReferenceKind,
    },
    error::SqlError,
    plan::{
        Deduplicate, LookupJoin, LookupKey, NodeKind, PlanColumn, PlanNode, Rank, Scan, TemporalJoin, TimeKind, changelog::changelog_mode,
        upsert_keys,
    },
};
use millrace_functions::{Expr, Typed, cast::CastTarget, coercion};
use millrace_model::DataType;
use std::collections::BTreeSet;

/// Why the changes of a view do not say since when each of its rows is valid. A row that is taken back has the time at which it
/// began, not that at which it ended; only a newer row of its key ends it.
fn refused_versions(node: &PlanNode) -> Option<&'static str> {
    match &node.kind {
        NodeKind::Calc { input, predicate: Some(_), .. } if is_newest(input) => Some("its newest rows are filtered"),
        NodeKind::Calc { input, predicate: Some(_), .. } if upserts(input).is_some() => Some("rows of an upsert source are filtered"),
        NodeKind::ChangelogNormalize { filter: Some(_), .. } => Some("rows of an upsert source are filtered"),
        NodeKind::Calc { input, .. } => refused_versions(input),
        NodeKind::Rank(Rank { input, .. }) | NodeKind::Deduplicate(Deduplicate { input, .. })
            if !changelog_mode(input).is_insert_only() =>
        {
            Some("it chooses the newest of rows that change themselves")
        }
        _ => None,
    }
}

/// Whether the rows are the newest ones of their keys.
fn is_newest(node: &PlanNode) -> bool {
    match &node.kind {
        NodeKind::Calc { input, .. } => is_newest(input),
        NodeKind::Rank(_) | NodeKind::Deduplicate(_) => !changelog_mode(node).is_insert_only(),
        _ => false,
    }
}

/// The upserts of a source that are only made whole and computed with on their way; `None` of anything else.
fn upserts(node: &PlanNode) -> Option<&Scan> {
    match &node.kind {
        NodeKind::Calc { input, predicate: None, .. } => upserts(input),
        NodeKind::ChangelogNormalize { input, filter: None, .. } => match &input.kind {
            NodeKind::Scan(scan) if scan.changes.is_upsert => Some(scan),
            _ => None,
        },
        _ => None,
    }
}

/// The versions as the upserts of their source, which say all that a join by their key asks for: a delete keeps the time of its
/// own that would be lost if the row were made whole. What reads metadata is made whole, as in Flink.
fn as_upserts(node: PlanNode) -> PlanNode {
    if upserts(&node).is_none_or(|scan| scan.physical.iter().any(|column| column.is_metadata)) {
        return node;
    }
    let PlanNode { kind, columns } = node;
    match kind {
        NodeKind::ChangelogNormalize { input, .. } => *input,
        NodeKind::Calc { input, predicate, projection } => {
            PlanNode { kind: NodeKind::Calc { input: Box::new(as_upserts(*input)), predicate, projection }, columns }
        }
        kind => PlanNode { kind, columns },
    }
}

/// What stands on the two sides of a join.
pub(super) struct Sides {
    pub left: PlanNode,
    pub scope: Scope,
    pub right: PlanNode,
    pub right_scope: Scope,
}

impl Binder<'_> {
    /// Joins what is left of the word to the rows of a table as they are at a time of each row.
    pub(super) fn as_of_join(
        &mut self,
        left: (PlanNode, Scope),
        right: &TableReference,
        (kind, constraint): (JoinKind, &JoinConstraint),
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let TableReferenceKind::Named { name, hints, as_of: Some(time) } = &right.kind else {
            return Err(self.error("sql.internal", "a join without `FOR SYSTEM_TIME AS OF`", span));
        };
        let (left, scope) = left;
        let time_kind = self.as_of_time(time, &scope)?;
        let outer = std::mem::replace(&mut self.looks_up, time_kind == TimeKind::Proctime);
        let node = self.named(name, hints);
        self.looks_up = outer;
        let own = name.parts.last().map(|p| p.value.as_str());
        let (node, right_scope) = self.aliased(node?, right.alias.as_ref(), own)?;
        self.check_aliases(&scope, right)?;
        let is_left = match kind {
            JoinKind::Inner | JoinKind::Cross => false,
            JoinKind::Left => true,
            JoinKind::Right | JoinKind::Full => {
                let error = self.error("sql.unsupported", "a join with `FOR SYSTEM_TIME AS OF` is INNER or LEFT", span);
                return Err(error.with_hint("put the table with the time on the left, and keep its rows with LEFT JOIN"));
            }
        };
        let sides = Sides { left, scope, right: node, right_scope };
        match time_kind {
            TimeKind::Proctime => self.lookup_join(sides, name, is_left, constraint, span),
            TimeKind::Rowtime | TimeKind::JoinedRowtime => self.temporal_join(sides, (name, time), is_left, constraint, span),
        }
    }

    /// Which time the rows of the left side are joined at.
    fn as_of_time(&mut self, time: &Expression, scope: &Scope) -> Result<TimeKind, SqlError> {
        let bound = self.expression(time, &mut Env::over(scope))?;
        let found = match &bound {
            Expr::Column { index, .. } => scope.columns.get(*index).and_then(|c| c.column.time),
            _ => None,
        };
        // Behind a regular join there are no watermarks for the time any more.
        found.filter(|kind| *kind != TimeKind::JoinedRowtime).ok_or_else(|| {
            let message = "`FOR SYSTEM_TIME AS OF` takes a time attribute of the left side, and this is none";
            self.error("sql.not_time_attribute", message, time.span).with_hint(
                "name a column that a WATERMARK is declared for, or one that is computed by `PROCTIME()` to look up the rows of now",
            )
        })
    }

    fn check_aliases(&self, scope: &Scope, right: &TableReference) -> Result<(), SqlError> {
        let Some(alias) = &right.alias else { return Ok(()) };
        if !scope.columns.iter().any(|c| c.qualifier.as_ref() == Some(&alias.name.value)) {
            return Ok(());
        }
        let message = format!("`{}` stands twice in FROM", alias.name.value);
        Err(self.error("sql.duplicate_alias", message, alias.name.span).with_hint("give one of them another name"))
    }

    fn lookup_join(
        &mut self,
        sides: Sides,
        name: &ObjectName,
        is_left: bool,
        constraint: &JoinConstraint,
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let Sides { left, scope, right, right_scope } = sides;
        let right_columns = right.columns.clone();
        let Some((scan, predicate, projection)) = dimension(right) else {
            return Err(self.no_dimension(name));
        };
        let names = self.names;
        let Some(table) = names.tables.get(&scan.table).filter(|t| is_dimension(t)) else {
            return Err(self.no_dimension(name));
        };
        let width = left.columns.len();
        let made: Vec<PlanColumn> = (right_columns.into_iter())
            .map(|c| PlanColumn { time: None, window: None, typed: Typed::new(c.typed.data_type, c.typed.nullable || is_left), ..c })
            .collect();
        let mut joined = scope;
        joined.columns.extend(right_scope.columns.into_iter().zip(&made).map(|(mut c, column)| {
            c.column = column.clone();
            c
        }));
        let parts = self.join_condition(constraint, &joined, width, span)?;
        let (mut keys, mut rest): (Vec<LookupKey>, Vec<Expr>) = (Vec::new(), Vec::new());
        let wanted = table.source.as_ref().and_then(|s| s.lookup_keys.as_ref());
        for part in parts {
            let key = lookup_key(&part, width, &projection)
                .filter(|k| wanted.is_none_or(|w| scan.physical.get(k.column).is_some_and(|c| w.contains(&c.name))))
                .filter(|k| keys.iter().all(|known| known.column != k.column));
            match key {
                Some(key) => keys.push(key),
                None => rest.push(part),
            }
        }
        let named = |k: &LookupKey| scan.physical.get(k.column).map(|c| c.name.clone()).unwrap_or_default();
        let found: BTreeSet<String> = keys.iter().map(named).collect();
        let missing: Vec<&str> = wanted.into_iter().flatten().filter(|w| !found.contains(*w)).map(String::as_str).collect();
        if keys.is_empty() || !missing.is_empty() {
            let message = match missing.as_slice() {
                [] => format!("nothing says which rows of `{}` to look up", scan.table),
                missing => {
                    format!("`{}` is looked up by its whole key, but the condition says nothing of {}", scan.table, missing.join(", "))
                }
            };
            let hint = format!("compare a column of `{}` as it is with a value of the same type: `ON l.key = d.key`", scan.table);
            return Err(self.error("sql.no_lookup_key", message, span).with_hint(hint));
        }
        let is_unique = !table.primary_key.is_empty() && table.primary_key.iter().all(|k| found.contains(k));
        let condition = if rest.len() > 1 { Some(Expr::And(rest)) } else { rest.pop() };
        let mut columns = left.columns.clone();
        columns.extend(made);
        let Scan { table, physical, .. } = scan;
        let join = LookupJoin { input: Box::new(left), table, physical, predicate, projection, keys, condition, is_left, is_unique };
        Ok((PlanNode { kind: NodeKind::LookupJoin(join), columns }, joined))
    }

    fn temporal_join(
        &mut self,
        sides: Sides,
        (name, time): (&ObjectName, &Expression),
        is_left: bool,
        constraint: &JoinConstraint,
        span: Span,
    ) -> Result<(PlanNode, Scope), SqlError> {
        let Sides { left, scope, right, right_scope } = sides;
        let shown = name.parts.last().map(|p| p.value.as_str()).unwrap_or_default();
        let left_time = match self.expression(time, &mut Env::over(&scope))? {
            Expr::Column { index, .. } => index,
            _ => return Err(self.error("sql.internal", "the time of a temporal join is no column", time.span)),
        };
        let Some(right_time) = right.columns.iter().position(|c| c.time == Some(TimeKind::Rowtime)) else {
            let message = format!("the versions of `{shown}` have no event time");
            let error = self.error("sql.no_versions", message, name.span());
            return Err(error.with_hint("declare a WATERMARK over the column that says since when a row is valid"));
        };
        if let Some(reason) = refused_versions(&right) {
            let error = self.error("sql.no_versions", format!("`{shown}` is no versioned table: {reason}"), name.span());
            return Err(
                error.with_hint("put a condition into ON, or before the newest row is chosen; a table with a primary key is one itself")
            );
        }
        let versions = self.version_keys(&right);
        if versions.is_empty() {
            let message = format!("`{shown}` has no primary key, so nothing says which rows are versions of one another");
            let hint = "declare `PRIMARY KEY (…) NOT ENFORCED`, or join a view that keeps the newest row of each key by ROW_NUMBER";
            return Err(self.error("sql.no_versions", message, name.span()).with_hint(hint));
        }
        let width = left.columns.len();
        let mut joined = scope;
        joined.columns.extend(right_scope.columns);
        let (mut keys, mut rest): (Vec<(Expr, Expr)>, Vec<Expr>) = (Vec::new(), Vec::new());
        for part in self.join_condition(constraint, &joined, width, span)? {
            match equal_sides(&part, width) {
                Some(key) => keys.push(key),
                None => rest.push(part),
            }
        }
        let plain: BTreeSet<usize> =
            keys.iter().filter_map(|(_, r)| if let Expr::Column { index, .. } = r { Some(*index) } else { None }).collect();
        if !versions.iter().any(|key| key.iter().all(|column| plain.contains(column))) {
            let wanted: Vec<Vec<&str>> = versions.iter().map(|k| k.iter().map(|&c| right.columns[c].name.as_str()).collect()).collect();
            let wanted = wanted.first().map(|k| k.join(", ")).unwrap_or_default();
            let message = format!("the condition does not compare the whole key of `{shown}`, which is ({wanted})");
            return Err(self
                .error("sql.no_version_key", message, span)
                .with_hint("compare each of its columns with a value of the left side"));
        }
        // A delete says no more than its key: where more is compared, the whole row must come.
        let is_by_key = plain.len() == keys.len() && versions.contains(&plain);
        let right = if is_by_key { as_upserts(right) } else { right };
        let (left_keys, right_keys) = keys.into_iter().unzip();
        let (left, left_keys) = with_key_columns(left, left_keys);
        let (right, right_keys) = with_key_columns(right, right_keys);
        let (left_width, right_width) = (left.columns.len(), joined.columns.len() - width);
        let moved = |i: usize| if i < width { i } else { i - width + left_width };
        let condition = if rest.len() > 1 { Some(Expr::And(rest)) } else { rest.pop() };
        let condition = condition.map(|c| c.map_columns(&moved));
        let made = |c: &PlanColumn| PlanColumn {
            time: None,
            window: None,
            typed: Typed::new(c.typed.data_type.clone(), c.typed.nullable || is_left),
            ..c.clone()
        };
        let all: Vec<PlanColumn> = left.columns.iter().cloned().chain(right.columns.iter().map(made)).collect();
        let wanted: Vec<usize> = (0..width).chain((0..right_width).map(|i| left_width + i)).collect();
        for (known, &place) in joined.columns.iter_mut().zip(&wanted) {
            known.column = all[place].clone();
        }
        let join = TemporalJoin {
            left: Box::new(left),
            right: Box::new(right),
            keys: left_keys.into_iter().zip(right_keys).collect(),
            times: [left_time, right_time],
            condition,
            is_left,
            state_ttl_ms: self.settings.state_ttl_ms,
        };
        let node = PlanNode { kind: NodeKind::TemporalJoin(join), columns: all };
        if wanted.len() == node.columns.len() {
            return Ok((node, joined));
        }
        let columns: Vec<PlanColumn> = wanted.iter().map(|&i| node.columns[i].clone()).collect();
        let projection = wanted.iter().zip(&columns).map(|(&i, c)| Expr::column(i, c.typed.clone())).collect();
        Ok((PlanNode { kind: NodeKind::Calc { input: Box::new(node), predicate: None, projection }, columns }, joined))
    }

    /// Sets of columns by which rows are versions of one another.
    fn version_keys(&self, node: &PlanNode) -> Vec<BTreeSet<usize>> {
        match &node.kind {
            NodeKind::Scan(scan) => {
                let names = self.names.tables.get(&scan.table).map(|t| t.primary_key.as_slice()).unwrap_or_default();
                let column = |name: &String| node.columns.iter().position(|c| c.name == *name);
                let key: Option<BTreeSet<usize>> = names.iter().map(column).collect();
                key.filter(|k| !k.is_empty()).into_iter().collect()
            }
            NodeKind::Calc { input, projection, .. } => {
                let place = |column: usize| projection.iter().position(|e| matches!(e, Expr::Column { index, .. } if *index == column));
                let keys = self.version_keys(input).into_iter();
                keys.filter_map(|key| key.into_iter().map(place).collect::<Option<BTreeSet<usize>>>()).collect()
            }
            _ => upsert_keys(node),
        }
    }

    /// The parts of the condition, all of which must hold.
    fn join_condition(&mut self, constraint: &JoinConstraint, joined: &Scope, width: usize, span: Span) -> Result<Vec<Expr>, SqlError> {
        let names: Vec<Identifier> = match constraint {
            JoinConstraint::None => return Ok(self.equalities_of_where(joined)),
            JoinConstraint::On(condition) => {
                let bound = self.condition(condition, &mut Env::over(joined))?;
                return Ok(conjuncts(bound));
            }
            JoinConstraint::Using(names) => names.clone(),
            JoinConstraint::Natural => natural_names(joined, width, span),
        };
        let mut parts = Vec::new();
        for name in names {
            let left = self.own_column(&name, joined, 0..width)?;
            let right = self.own_column(&name, joined, width..joined.columns.len())?;
            parts.push(self.call("=", vec![left, right], name.span)?);
        }
        Ok(parts)
    }

    /// What WHERE says of a join that has no condition of its own. It is applied behind the join too, so that what speaks of
    /// tables still to come can be left out here.
    fn equalities_of_where(&mut self, joined: &Scope) -> Vec<Expr> {
        fn parts<'e>(expression: &'e Expression, into: &mut Vec<&'e Expression>) {
            match &expression.kind {
                ExpressionKind::Binary(BinaryOperator::And, left, right) => [left, right].into_iter().for_each(|e| parts(e, into)),
                _ => into.push(expression),
            }
        }
        let Some(selection) = self.selection.clone() else { return Vec::new() };
        let mut found = Vec::new();
        parts(&selection, &mut found);
        found.retain(|part| matches!(part.kind, ExpressionKind::Binary(BinaryOperator::Equal, ..)));
        found.into_iter().filter_map(|part| self.condition(part, &mut Env::over(joined)).ok()).collect()
    }

    /// The column `name` within a part of the scope.
    fn own_column(&self, name: &Identifier, scope: &Scope, range: std::ops::Range<usize>) -> Result<Expr, SqlError> {
        let within = Scope { columns: scope.columns.get(range.clone()).unwrap_or_default().to_vec(), outer: 0 };
        let written = ObjectName { parts: vec![name.clone()] };
        let found = within.resolve(&written).map_err(|e| self.placed(e))?;
        let typed = within.columns[found.index].column.typed.clone();
        Ok(Expr::column(range.start + found.index, typed))
    }

    fn no_dimension(&self, name: &ObjectName) -> SqlError {
        let shown = name.parts.last().map(|p| p.value.as_str()).unwrap_or_default();
        let message = format!("`{shown}` is no dimension table, so it has no rows of now that could be looked up");
        self.error("sql.not_a_dimension", message, name.span()).with_hint(
            "declare it with 'connector' = 'dimension', or join its versions at an event time: `FOR SYSTEM_TIME AS OF` a column with a \
             watermark",
        )
    }

    /// Refuses a dimension table where rows would have to flow from it.
    pub(super) fn check_flows(&self, table: &TableDefinition, span: Span) -> Result<(), SqlError> {
        if self.looks_up || !is_dimension(table) {
            return Ok(());
        }
        let message = format!("`{}` is a dimension table: its rows are looked up, they do not flow", table.name);
        let hint = format!(
            "join it: `JOIN {} FOR SYSTEM_TIME AS OF l.proc AS d ON l.key = d.key`, with `proc AS PROCTIME()` on the left",
            table.name
        );
        Err(self.error("sql.dimension_not_read", message, span).with_hint(hint))
    }
}

fn is_dimension(table: &TableDefinition) -> bool {
    table.source.as_ref().is_some_and(|s| s.is_dimension)
}

/// Whether it is a table in FROM with `FOR SYSTEM_TIME AS OF`.
pub(super) fn is_as_of(reference: &TableReference) -> bool {
    matches!(&reference.kind, TableReferenceKind::Named { as_of: Some(_), .. })
}

/// What is read of the table, and what is made of it.
fn dimension(node: PlanNode) -> Option<(Scan, Option<Expr>, Vec<Expr>)> {
    let all = all_columns(&node);
    match node.kind {
        NodeKind::Scan(scan) => Some((scan, None, all)),
        NodeKind::Calc { input, predicate, projection } => match input.kind {
            NodeKind::Scan(scan) => Some((scan, predicate, projection)),
            _ => None,
        },
        _ => None,
    }
}

/// The parts of `condition`, all of which must hold.
pub(super) fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        other if super::select::is_true(&other) => Vec::new(),
        other => vec![other],
    }
}

/// The key that an equality of a column of the table and a value of the left side is.
fn lookup_key(part: &Expr, width: usize, projection: &[Expr]) -> Option<LookupKey> {
    let Expr::Call { function, arguments, .. } = part else { return None };
    let [a, b] = arguments.as_slice() else { return None };
    if function.name() != "=" {
        return None;
    }
    [(a, b), (b, a)].into_iter().find_map(|(column, value)| {
        let Expr::Column { index, typed } = column else { return None };
        let Expr::Column { index: read, .. } = projection.get(index.checked_sub(width)?)? else { return None };
        let mut used = BTreeSet::new();
        value.columns(&mut used);
        let is_of_left = used.iter().all(|&i| i < width);
        let fits = is_of_left && value.is_deterministic() && value.typed().data_type == typed.data_type;
        fits.then(|| LookupKey { column: *read, value: value.clone() })
    })
}

/// The values of both sides that an equality compares, in one type; the right one over the right side's columns.
fn equal_sides(part: &Expr, width: usize) -> Option<(Expr, Expr)> {
    let Expr::Call { function, arguments, .. } = part else { return None };
    let [a, b] = arguments.as_slice() else { return None };
    if function.name() != "=" || !part.is_deterministic() {
        return None;
    }
    let side = |expr: &Expr| {
        let mut used = BTreeSet::new();
        expr.columns(&mut used);
        match (used.iter().any(|&c| c < width), used.iter().any(|&c| c >= width)) {
            (true, false) => Some(0),
            (false, true) => Some(1),
            _ => None,
        }
    };
    let (left, right) = match (side(a)?, side(b)?) {
        (0, 1) => (a, b),
        (1, 0) => (b, a),
        _ => return None,
    };
    let common = coercion::common_type(&left.typed().data_type, &right.typed().data_type)?;
    let right = right.clone().map_columns(&|i| i - width);
    Some((cast(left.clone(), &common), cast(right, &common)))
}

fn cast(value: Expr, to: &DataType) -> Expr {
    let from = value.typed();
    if from.data_type == *to {
        return value;
    }
    let typed = Typed::new(to.clone(), from.nullable);
    Expr::Cast { value: Box::new(value), target: CastTarget::from(to.clone()), is_try: false, typed }
}

/// The side with columns for keys that are computed, and the columns of all keys.
fn with_key_columns(side: PlanNode, keys: Vec<Expr>) -> (PlanNode, Vec<usize>) {
    let width = side.columns.len();
    let (mut added, mut places) = (Vec::new(), Vec::new());
    for key in keys {
        match key {
            Expr::Column { index, .. } => places.push(index),
            key => {
                places.push(width + added.len());
                added.push(key);
            }
        }
    }
    if added.is_empty() {
        return (side, places);
    }
    let mut columns = side.columns.clone();
    columns.extend(added.iter().enumerate().map(|(i, e)| PlanColumn::new(format!("$key{i}"), e.typed())));
    let projection = all_columns(&side).into_iter().chain(added).collect();
    (super::calc(side, None, projection, columns), places)
}
