//! From the syntax tree to the plan: names resolved, types checked, aggregates and windows found.
//!
//! Invariant: every error points at the text that caused it and says what was expected.

mod aggregate;
mod as_of;
mod attached_window;
mod bounds;
mod call;
mod emit;
mod expression;
mod from;
mod grouping;
mod hints;
mod join;
mod json;
mod like;
pub(crate) mod literal;
mod match_pattern;
mod match_recognize;
pub(crate) mod nulls;
mod numbering;
mod order;
mod over;
mod path;
mod rows;
mod scope;
mod select;
mod set_operation;
mod special;
mod subquery;
mod table;
mod window;

pub(crate) use bounds::may_merge;
pub(crate) use path::own_name;
pub use table::{ColumnSource, SourceTraits, TableColumn, TableDefinition};

use crate::{
    ast::{Expression, Query, Span},
    error::SqlError,
    plan::{NodeKind, PlanColumn, PlanNode},
    settings::Settings,
};
use millrace_functions::{Expr, FunctionRegistry, Typed};
use millrace_model::DataType;
use scope::Scope;
use std::collections::BTreeMap;

/// Levels of queries inside queries (views included) that are followed.
const NESTING_MAX: usize = 64;
/// Queries that are bound for one text at most.
const QUERIES_MAX: usize = 20_000;

/// What names in a text stand for.
#[derive(Clone)]
pub struct Names {
    /// Tables by name.
    pub tables: BTreeMap<String, TableDefinition>,
    /// Views by name.
    pub views: BTreeMap<String, ViewDefinition>,
    /// Functions.
    pub functions: FunctionRegistry,
}

/// A view: its text is bound anew where it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewDefinition {
    /// Column names when given.
    pub columns: Vec<String>,
    /// What it stands for.
    pub query: Query,
}

/// Binds queries of one text.
pub struct Binder<'a> {
    names: &'a Names,
    settings: &'a Settings,
    /// `WITH` tables in sight, innermost last.
    common: Vec<(String, ViewDefinition)>,
    depth: usize,
    /// Number of window functions so far: tells their windows apart.
    windows: usize,
    /// WHERE of the query that is bound: a comma says nothing of what it joins.
    selection: Option<Expression>,
    /// A table is bound whose rows are looked up.
    looks_up: bool,
    /// Views are errors of their own text: while one is bound, errors point at its use.
    view_use: Option<Span>,
    /// Times to live of the tables of the SELECT that is being bound, as its hint says.
    ttl_hints: Vec<(String, Option<u64>)>,
    /// Rows of queries that are values of the clause being bound; `None` where such queries cannot stand.
    attaching: Option<subquery::Attaching>,
    /// The same, of the rows below the aggregate that is being bound.
    attaching_below: Option<subquery::Attaching>,
    /// Tests by queries in the clause being bound of which FALSE and unknown mean the same.
    two_valued: Vec<Span>,
    /// Queries bound so far: some are bound twice, and what stands inside of them more often.
    queries: usize,
    /// Expressions bound so far, each time that one is.
    expressions: usize,
}

impl<'a> Binder<'a> {
    /// A binder over these names.
    pub fn new(names: &'a Names, settings: &'a Settings) -> Self {
        Self {
            names,
            settings,
            common: Vec::new(),
            depth: 0,
            windows: 0,
            selection: None,
            looks_up: false,
            view_use: None,
            ttl_hints: Vec::new(),
            attaching: None,
            attaching_below: None,
            two_valued: Vec::new(),
            queries: 0,
            expressions: 0,
        }
    }

    /// Binds a query.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn query(&mut self, query: &Query) -> Result<PlanNode, SqlError> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(SqlError::new("sql.too_deep", format!("queries are nested deeper than {NESTING_MAX} levels"), query.span));
        }
        self.queries += 1;
        if self.queries > QUERIES_MAX {
            let message =
                format!("more than {QUERIES_MAX} queries are inside of each other; make views of some and write their results to topics");
            return Err(SqlError::new("sql.too_deep", message, query.span));
        }
        let outer = self.common.len();
        for table in &query.with {
            let view = ViewDefinition { columns: names_of(&table.columns), query: table.query.clone() };
            self.common.push((table.name.value.clone(), view));
        }
        let is_outermost = self.depth == 1;
        let node = self.ordered_body(query, is_outermost);
        self.common.truncate(outer);
        self.depth -= 1;
        let node = node?;
        self.check_width(node.columns.len(), query.span)?;
        self.check_lineage(&node, query.span)?;
        Ok(node)
    }

    /// Binds a query that others will be around, as that of a view.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn inner_query(&mut self, query: &Query) -> Result<PlanNode, SqlError> {
        self.depth += 1;
        let node = self.query(query);
        self.depth -= 1;
        node
    }

    /// A place in the text, moved to where the view is used when a view's own text is being bound.
    pub(crate) fn placed_span(&self, span: Span) -> Span {
        self.view_use.unwrap_or(span)
    }

    /// An error, moved to where the view is used when a view's own text is being bound.
    fn placed(&self, error: SqlError) -> SqlError {
        match self.view_use {
            Some(span) => SqlError { span, ..error },
            None => error,
        }
    }
}

/// `Calc` over `input`; merged with a `Calc` below it where that computes nothing twice that may differ.
pub(crate) fn calc(input: PlanNode, predicate: Option<Expr>, projection: Vec<Expr>, columns: Vec<PlanColumn>) -> PlanNode {
    let merges = matches!(&input.kind, NodeKind::Calc { projection, .. } if projection.iter().all(Expr::is_deterministic));
    if merges {
        return merged_calc(input, predicate, projection, columns);
    }
    PlanNode { kind: NodeKind::Calc { input: Box::new(input), predicate, projection }, columns }
}

/// `Calc` over `input`, merged with it if it is one too, whatever it computes, unless that would repeat too much.
pub(crate) fn merged_calc(input: PlanNode, predicate: Option<Expr>, projection: Vec<Expr>, columns: Vec<PlanColumn>) -> PlanNode {
    if let NodeKind::Calc { input: below, predicate: first, projection: inner } = &input.kind
        && bounds::may_merge(projection.iter().chain(&predicate), inner)
    {
        let substitute = |e: Expr| substitute(e, inner);
        let second = predicate.clone().map(substitute);
        let merged = match (first.clone(), second) {
            (Some(a), Some(b)) => Some(and(a, b)),
            (a, b) => a.or(b),
        };
        let projection = projection.into_iter().map(substitute).collect();
        return PlanNode { kind: NodeKind::Calc { input: below.clone(), predicate: merged, projection }, columns };
    }
    PlanNode { kind: NodeKind::Calc { input: Box::new(input), predicate, projection }, columns }
}

fn and(left: Expr, right: Expr) -> Expr {
    let mut parts = Vec::new();
    for part in [left, right] {
        match part {
            Expr::And(inner) => parts.extend(inner),
            other => parts.push(other),
        }
    }
    Expr::And(parts)
}

/// `expr` over the output of a projection, as an expression over the projection's input.
pub(crate) fn substitute(mut expr: Expr, projection: &[Expr]) -> Expr {
    if let Expr::Column { index, .. } = expr {
        return projection[index].clone();
    }
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::And(Vec::new()));
        *child = substitute(taken, projection);
    }
    json::mark_nested(&mut expr);
    expr
}

/// Every column of `node` as it is.
pub(crate) fn all_columns(node: &PlanNode) -> Vec<Expr> {
    node.columns.iter().enumerate().map(|(i, c)| Expr::column(i, c.typed.clone())).collect()
}

/// The same node with other column names.
fn renamed(mut node: PlanNode, names: &[String], span: Span) -> Result<PlanNode, SqlError> {
    if names.is_empty() {
        return Ok(node);
    }
    if names.len() != node.columns.len() {
        return Err(SqlError::new("sql.column_count", wrong_count(names.len(), "the query", node.columns.len()), span));
    }
    for (column, name) in node.columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    Ok(node)
}

/// Says that there are more or fewer column names than columns.
pub(crate) fn wrong_count(names: usize, what: &str, columns: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let are = if names == 1 { "is" } else { "are" };
    format!("{names} column name{} {are} given, but {what} has {columns} column{}", plural(names), plural(columns))
}

fn names_of(identifiers: &[crate::ast::Identifier]) -> Vec<String> {
    identifiers.iter().map(|i| i.value.clone()).collect()
}

/// What Flink has and the native engine has not.
fn not_yet(what: &str, span: Span) -> SqlError {
    SqlError::new("sql.unsupported", format!("{what} is not supported by the native engine yet"), span)
        .with_hint("rewrite the query without it, or run the job on a Flink cluster")
}

fn is_boolean(typed: &Typed) -> bool {
    matches!(typed.data_type, DataType::Boolean | DataType::Null)
}

/// NULL without a type.
pub(crate) fn null_literal() -> Expr {
    literal::null()
}

/// A scope over all columns of `node` under one optional name.
fn scope_of(node: &PlanNode, qualifier: Option<&str>) -> Scope {
    Scope::new(node, qualifier)
}
