//! `MATCH_RECOGNIZE`: patterns in the rows of each partition, as Flink's `StreamExecMatch` finds them.
//!
//! Invariant: what is computed over the rows of a match is an expression over *operands*, columns that are filled from the
//! match: the row that is looked at, a row of a variable, an aggregate over the rows of a variable, the match's time.

use super::{AggregateCall, NodeKind, PlanColumn, PlanNode, explain};
use millrace_functions::Expr;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Finds patterns: output is the partition keys, then the measures, one row per match.
#[derive(Debug, Clone)]
pub struct MatchRecognize {
    /// Where rows come from; only inserts.
    pub input: Box<PlanNode>,
    /// `PARTITION BY`: input columns.
    pub keys: Vec<usize>,
    /// The time attribute that rows are ordered by.
    pub time_column: usize,
    /// Rows are looked at as they come; the time is the clock's.
    pub is_processing_time: bool,
    /// Further columns of `ORDER BY`, for rows of one time.
    pub order: Vec<OrderKey>,
    /// The variables of the pattern, one after the other.
    pub variables: Vec<MatchVariable>,
    /// `WITHIN`: a match spans less than this.
    pub within_ms: Option<i64>,
    /// Where the search goes on behind a match.
    pub skip: MatchSkip,
    /// `MEASURES`.
    pub measures: Vec<MatchExpr>,
}

/// A column of `ORDER BY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderKey {
    /// The input column.
    pub column: usize,
    /// `DESC`
    pub descending: bool,
    /// NULLs come before all values.
    pub nulls_first: bool,
}

/// A variable of a pattern.
#[derive(Debug, Clone)]
pub struct MatchVariable {
    /// Its name.
    pub name: String,
    /// How many rows it takes at least.
    pub least: u32,
    /// How many it takes at most; `None` for any number.
    pub most: Option<u32>,
    /// As many as possible, where the number is open.
    pub is_greedy: bool,
    /// `DEFINE`; `None` takes any row.
    pub condition: Option<MatchExpr>,
}

/// Where the search goes on behind a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchSkip {
    /// Behind its last row.
    PastLastRow,
    /// At the row behind its first one.
    NextRow,
    /// At the first row of a variable.
    First(usize),
    /// At the last row of a variable.
    Last(usize),
}

/// An expression over the rows of a match.
#[derive(Debug, Clone)]
pub struct MatchExpr {
    /// Over the operands, by position.
    pub expr: Expr,
    /// What its columns stand for.
    pub operands: Vec<MatchOperand>,
}

/// Rows of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchRows {
    /// Those of a variable. In the variable's own condition the row that is looked at is the last of them.
    Variable(usize),
    /// All; in a condition the row that is looked at is the last of them.
    All,
}

/// What a column of a [`MatchExpr`] stands for.
#[derive(Debug, Clone)]
pub enum MatchOperand {
    /// An input column of the row that is looked at; in conditions only.
    Current(usize),
    /// An input column of one of some rows; NULL where there is no such row.
    Row {
        /// Which rows.
        rows: MatchRows,
        /// Counted from the last of them.
        from_end: bool,
        /// How far from there.
        offset: u32,
        /// The column.
        column: usize,
    },
    /// An aggregate over some rows.
    Aggregate {
        /// Which rows.
        rows: MatchRows,
        /// What its arguments are computed by, over the input.
        arguments: Vec<Expr>,
        /// The call; its arguments are positions in `arguments`.
        call: AggregateCall,
    },
    /// The time of the row that completes the match; in measures only.
    Time,
}

impl MatchExpr {
    /// Whether nothing but the row that is looked at matters.
    pub fn is_of_current_row(&self) -> bool {
        self.operands.iter().all(|operand| matches!(operand, MatchOperand::Current(_)))
    }

    /// The input columns that are read.
    pub fn columns(&self, into: &mut BTreeSet<usize>) {
        for operand in &self.operands {
            match operand {
                MatchOperand::Current(column) | MatchOperand::Row { column, .. } => drop(into.insert(*column)),
                MatchOperand::Aggregate { arguments, .. } => arguments.iter().for_each(|a| a.columns(into)),
                MatchOperand::Time => {}
            }
        }
    }

    /// The same over moved input columns.
    #[must_use]
    pub fn map_columns(mut self, map: &impl Fn(usize) -> usize) -> Self {
        for operand in &mut self.operands {
            match operand {
                MatchOperand::Current(column) | MatchOperand::Row { column, .. } => *column = map(*column),
                MatchOperand::Aggregate { arguments, .. } => {
                    for argument in arguments {
                        let taken = std::mem::replace(argument, Expr::And(Vec::new()));
                        *argument = taken.map_columns(map);
                    }
                }
                MatchOperand::Time => {}
            }
        }
        self
    }
}

impl MatchRecognize {
    /// All its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &MatchExpr> {
        self.variables.iter().filter_map(|v| v.condition.as_ref()).chain(&self.measures)
    }

    /// All its expressions, to be changed.
    pub fn expressions_mut(&mut self) -> impl Iterator<Item = &mut MatchExpr> {
        self.variables.iter_mut().filter_map(|v| v.condition.as_mut()).chain(&mut self.measures)
    }

    /// The input columns that it reads.
    pub fn columns(&self) -> BTreeSet<usize> {
        let mut used: BTreeSet<usize> = self.keys.iter().copied().chain(self.order.iter().map(|key| key.column)).collect();
        used.insert(self.time_column);
        self.expressions().for_each(|e| e.columns(&mut used));
        used
    }

    /// The same over moved input columns.
    pub(super) fn relocate(&mut self, map: &impl Fn(usize) -> usize) {
        self.keys.iter_mut().for_each(|key| *key = map(*key));
        self.order.iter_mut().for_each(|key| key.column = map(key.column));
        self.time_column = map(self.time_column);
        for expr in self.expressions_mut() {
            let taken = std::mem::replace(expr, MatchExpr { expr: Expr::And(Vec::new()), operands: Vec::new() });
            *expr = taken.map_columns(map);
        }
    }

    /// Only the keys and the measures of `required`; the columns that stay.
    pub(super) fn keep(&mut self, required: &BTreeSet<usize>) -> BTreeSet<usize> {
        let keys = self.keys.len();
        let mut kept: BTreeSet<usize> = (0..keys).collect();
        kept.extend(required.iter().filter(|&&column| column >= keys));
        let mut position = keys;
        self.measures.retain(|_| {
            position += 1;
            kept.contains(&(position - 1))
        });
        kept
    }

    /// The operator as `EXPLAIN` shows it, without its closing parenthesis.
    pub(super) fn text(&self, columns: &[PlanColumn]) -> String {
        let input = &self.input.columns;
        let name = |column: usize| input.get(column).map_or_else(|| format!("${column}"), |c| c.name.clone());
        let mut out = String::from("Match(");
        if !self.keys.is_empty() {
            let _ = write!(out, "partitionBy=[{}], ", self.keys.iter().map(|&k| name(k)).collect::<Vec<_>>().join(", "));
        }
        let mut order = vec![format!("{} ASC", name(self.time_column))];
        order.extend(self.order.iter().map(|key| format!("{} {}", name(key.column), if key.descending { "DESC" } else { "ASC" })));
        let _ = write!(out, "orderBy=[{}]", order.join(", "));
        let shown = |expr: &MatchExpr| explain::text(&expr.expr, &self.operand_columns(expr));
        let measures = self.measures.iter().zip(columns.iter().skip(self.keys.len()));
        let measures: Vec<String> = measures.map(|(m, c)| format!("{} AS {}", shown(m), c.name)).collect();
        let _ = write!(out, ", measures=[{}], rowsPerMatch=[ONE ROW PER MATCH], after=[{}]", measures.join(", "), self.skip_text());
        let pattern: Vec<String> = self.variables.iter().map(MatchVariable::text).collect();
        let _ = write!(out, ", pattern=[{}]", pattern.join(" "));
        if let Some(within_ms) = self.within_ms {
            let _ = write!(out, ", within=[{within_ms} ms]");
        }
        let define = self.variables.iter().filter_map(|v| Some(format!("{} AS {}", v.name, shown(v.condition.as_ref()?))));
        let _ = write!(out, ", define=[{}]", define.collect::<Vec<_>>().join(", "));
        out
    }

    fn skip_text(&self) -> String {
        let name = |variable: usize| self.variables.get(variable).map(|v| v.name.as_str()).unwrap_or_default();
        match self.skip {
            MatchSkip::PastLastRow => "SKIP PAST LAST ROW".into(),
            MatchSkip::NextRow => "SKIP TO NEXT ROW".into(),
            MatchSkip::First(variable) => format!("SKIP TO FIRST {}", name(variable)),
            MatchSkip::Last(variable) => format!("SKIP TO LAST {}", name(variable)),
        }
    }

    /// Names for the operands of an expression.
    fn operand_columns(&self, expr: &MatchExpr) -> Vec<PlanColumn> {
        let input = &self.input.columns;
        let name = |column: usize| input.get(column).map(|c| c.name.as_str()).unwrap_or_default();
        let rows = |rows: MatchRows| match rows {
            MatchRows::Variable(variable) => self.variables.get(variable).map(|v| v.name.as_str()).unwrap_or_default(),
            MatchRows::All => "*",
        };
        let text = |operand: &MatchOperand| match operand {
            MatchOperand::Current(column) => name(*column).to_owned(),
            MatchOperand::Row { rows: of, from_end, offset, column } => {
                format!("{}({}.{}, {offset})", if *from_end { "LAST" } else { "FIRST" }, rows(*of), name(*column))
            }
            MatchOperand::Aggregate { rows: of, arguments, call } => {
                let arguments: Vec<String> = arguments.iter().map(|a| explain::text(a, input)).collect();
                format!("{}({}: {})", call.function.name(), rows(*of), arguments.join(", "))
            }
            MatchOperand::Time => "MATCH_ROWTIME()".into(),
        };
        let typed = || millrace_functions::Typed::new(millrace_model::DataType::Null, true);
        expr.operands.iter().map(|operand| PlanColumn::new(text(operand), typed())).collect()
    }
}

impl MatchVariable {
    fn text(&self) -> String {
        let mut text = self.name.clone();
        match (self.least, self.most) {
            (1, Some(1)) => return text,
            (0, None) => text.push('*'),
            (1, None) => text.push('+'),
            (0, Some(1)) => text.push('?'),
            (least, None) => drop(write!(text, "{{{least},}}")),
            (least, Some(most)) if least == most => drop(write!(text, "{{{least}}}")),
            (least, Some(most)) => drop(write!(text, "{{{least},{most}}}")),
        }
        if !self.is_greedy && self.most != Some(self.least) && (self.least, self.most) != (0, Some(1)) {
            text.push('?');
        }
        text
    }
}

/// The node without the columns that nothing reads, and which of its columns stay.
pub(super) fn narrowed(
    mut node: MatchRecognize,
    columns: Vec<PlanColumn>,
    required: &BTreeSet<usize>,
    narrow: impl FnOnce(PlanNode, &BTreeSet<usize>) -> (PlanNode, Vec<Option<usize>>),
) -> (PlanNode, BTreeSet<usize>) {
    let kept = node.keep(required);
    let used = node.columns();
    let input = std::mem::replace(&mut *node.input, PlanNode { kind: NodeKind::Union { inputs: Vec::new() }, columns: Vec::new() });
    let (input, below) = narrow(input, &used);
    *node.input = input;
    node.relocate(&|column| below.get(column).copied().flatten().unwrap_or_default());
    let columns = columns.into_iter().enumerate().filter(|(i, _)| kept.contains(i)).map(|(_, c)| c).collect();
    (PlanNode { kind: NodeKind::MatchRecognize(Box::new(node)), columns }, kept)
}
