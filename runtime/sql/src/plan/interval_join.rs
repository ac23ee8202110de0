//! Interval joins: rows of two inputs meet when their times lie within bounds of each other.
//!
//! A join becomes one when its condition bounds the difference of two time attributes from both sides, as Flink's
//! `IntervalJoinUtil` recognises it: each bound compares an expression over one side's time attribute with one over the
//! other's. Rows are then only added and forgotten when time has passed them, and their times stay event times.
//!
//! Invariant: what a bound says of the difference is found by computing both expressions at time zero, so any arithmetic
//! that only shifts a time is understood.

use super::{
    Join, JoinKind, NodeKind, PlanColumn, PlanNode, TimeKind,
    changelog::changelog_mode,
    explain,
    sides::{Moved, Sides},
};
use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, TimestampMillisecondArray, cast::AsArray, types::TimestampMillisecondType,
};
use arrow_schema::Schema;
use millrace_functions::{EvaluationContext, Expr, expression::evaluate};
use millrace_model::DataType;
use std::{collections::BTreeSet, sync::Arc};

/// Joins rows of both inputs by their times: output is the left columns, then the right ones.
#[derive(Debug, Clone)]
pub struct IntervalJoin {
    /// Left side.
    pub left: Box<PlanNode>,
    /// Right side.
    pub right: Box<PlanNode>,
    /// Columns that must be equal, left and right; NULL is equal to nothing.
    pub keys: Vec<(usize, usize)>,
    /// How far times may be apart.
    pub bounds: IntervalBounds,
    /// What else must be TRUE, over the left columns, then the right ones.
    pub condition: Option<Expr>,
    /// Rows of the left and of the right side that meet nobody are kept with NULLs.
    pub keeps: [bool; 2],
}

/// Bounds of the left time minus the right time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalBounds {
    /// Columns of the time attributes, of the left and of the right side.
    pub times: [usize; 2],
    /// Event time, else the clock.
    pub is_event_time: bool,
    /// At least.
    pub lower_ms: i64,
    /// At most.
    pub upper_ms: i64,
}

/// One comparison of times.
struct TimePredicate {
    times: [usize; 2],
    is_event_time: bool,
    bound: Bound,
}

enum Bound {
    Lower(i64),
    Upper(i64),
    Equal(i64),
}

/// The bounds of a join of these sides with these parts of a condition, which then are without them; `None` if it is no
/// interval join. Rows that change cannot be joined by their times.
pub(super) fn bounds(kind: JoinKind, parts: &mut Vec<Expr>, left: &PlanNode, right: &PlanNode) -> Option<IntervalBounds> {
    let adds_only = |side: &PlanNode| changelog_mode(side).is_insert_only();
    if !kind.has_right() || !adds_only(left) || !adds_only(right) {
        return None;
    }
    take_bounds(parts, &left.columns, &right.columns)
}

/// Takes the bounds out of the parts of a join's condition (over left columns, then right ones), if they bound the times
/// from both sides.
fn take_bounds(parts: &mut Vec<Expr>, left: &[PlanColumn], right: &[PlanColumn]) -> Option<IntervalBounds> {
    let found: Vec<Option<TimePredicate>> = parts.iter().map(|part| time_predicate(part, left, right)).collect();
    let times: Vec<&TimePredicate> = found.iter().flatten().collect();
    let first = times.first()?;
    let (lower_ms, upper_ms) = match times.as_slice() {
        [one] => match one.bound {
            Bound::Equal(ms) => (ms, ms),
            Bound::Lower(_) | Bound::Upper(_) => return None,
        },
        [a, b] if (a.times, a.is_event_time) == (b.times, b.is_event_time) => match (&a.bound, &b.bound) {
            (&Bound::Lower(lower), &Bound::Upper(upper)) | (&Bound::Upper(upper), &Bound::Lower(lower)) => (lower, upper),
            _ => return None,
        },
        _ => return None,
    };
    let bounds = IntervalBounds { times: first.times, is_event_time: first.is_event_time, lower_ms, upper_ms };
    let mut is_time = found.iter().map(Option::is_some);
    parts.retain(|_| !is_time.next().unwrap_or(false));
    Some(bounds)
}

fn time_predicate(part: &Expr, left: &[PlanColumn], right: &[PlanColumn]) -> Option<TimePredicate> {
    let Expr::Call { function, arguments, .. } = part else { return None };
    let sign = function.name();
    let [first, second] = arguments.as_slice() else { return None };
    if !matches!(sign, "=" | "<" | "<=" | ">" | ">=") {
        return None;
    }
    let (a, b) = (time_column(first, left, right)?, time_column(second, left, right)?);
    let is_left_first = a.index < left.len();
    if a.kind != b.kind || is_left_first == (b.index < left.len()) {
        return None;
    }
    if sign == "=" && !(is_shifted(first) && is_shifted(second)) {
        // Equal hours and the like are a key as any other.
        return None;
    }
    // first + x <sign> second + y, so that first - second <sign> y - x.
    let shift = shift_ms(second)?.checked_sub(shift_ms(first)?)?;
    let (sign, shift) = match (is_left_first, sign) {
        (true, sign) => (sign, shift),
        (false, "<") => (">", shift.checked_neg()?),
        (false, "<=") => (">=", shift.checked_neg()?),
        (false, ">") => ("<", shift.checked_neg()?),
        (false, ">=") => ("<=", shift.checked_neg()?),
        (false, sign) => (sign, shift.checked_neg()?),
    };
    let bound = match sign {
        "<" => Bound::Upper(shift.checked_sub(1)?),
        "<=" => Bound::Upper(shift),
        ">" => Bound::Lower(shift.checked_add(1)?),
        ">=" => Bound::Lower(shift),
        _ => Bound::Equal(shift),
    };
    let (l, r) = if is_left_first { (a.index, b.index) } else { (b.index, a.index) };
    Some(TimePredicate { times: [l, r - left.len()], is_event_time: a.kind == TimeKind::Rowtime, bound })
}

struct TimeColumn {
    index: usize,
    kind: TimeKind,
}

/// The only column of an expression, which is a time attribute and is read once.
fn time_column(expr: &Expr, left: &[PlanColumn], right: &[PlanColumn]) -> Option<TimeColumn> {
    fn columns(expr: &Expr, into: &mut Vec<usize>) {
        if let Expr::Column { index, .. } = expr {
            into.push(*index);
        }
        expr.children().into_iter().for_each(|child| columns(child, into));
    }
    let mut found = Vec::new();
    columns(expr, &mut found);
    let [index] = found.as_slice() else { return None };
    let column = left.get(*index).or_else(|| right.get(index.checked_sub(left.len())?))?;
    let kind = column.time.filter(|kind| matches!(kind, TimeKind::Rowtime | TimeKind::Proctime))?;
    Some(TimeColumn { index: *index, kind })
}

/// Whether the expression is its column plus or minus constants of days and less.
fn is_shifted(expr: &Expr) -> bool {
    match expr {
        Expr::Column { .. } => true,
        Expr::Call { function, arguments, .. } if matches!(function.name(), "+" | "-") => {
            let is_constant = |e: &Expr| matches!(e, Expr::Literal { typed, .. } if typed.data_type == DataType::IntervalDayTime);
            matches!(arguments.as_slice(), [value, shift] if is_shifted(value) && is_constant(shift))
                || matches!(arguments.as_slice(), [shift, value] if is_shifted(value) && is_constant(shift))
        }
        _ => false,
    }
}

/// What the expression adds to its time, in milliseconds. As in Flink, an expression that is no shift is taken for the one that
/// it is at time zero.
fn shift_ms(expr: &Expr) -> Option<i64> {
    if !expr.is_deterministic() || !is_time(&expr.typed().data_type) {
        return None;
    }
    let at_zero = at_zero(expr.clone())?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).ok()?;
    let value: ArrayRef = evaluate(&at_zero, &row, &EvaluationContext::default()).ok()?.to_array(1).ok()?;
    let value = value.as_primitive_opt::<TimestampMillisecondType>()?;
    value.is_valid(0).then(|| value.value(0))
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp { precision: 0..=3 } | DataType::TimestampLtz { precision: 0..=3 })
}

/// The expression with time zero for its column.
fn at_zero(mut expr: Expr) -> Option<Expr> {
    if let Expr::Column { typed, .. } = &expr {
        if !is_time(&typed.data_type) {
            return None;
        }
        let zero: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![0]).with_data_type(typed.data_type.to_arrow()));
        return Some(Expr::Literal { value: zero, typed: typed.clone(), is_symbol: false });
    }
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::And(Vec::new()));
        *child = at_zero(taken)?;
    }
    Some(expr)
}

impl IntervalJoin {
    /// A join whose times have these bounds.
    pub(super) fn of(join: Join, bounds: IntervalBounds) -> Self {
        let keeps = [join.kind.keeps(0), join.kind.keeps(1)];
        let Join { left, right, keys, condition, .. } = join;
        Self { left, right, keys: keys.iter().map(|k| (k.left, k.right)).collect(), bounds, condition, keeps }
    }

    /// The join with at least the columns of `required`.
    pub(super) fn narrowed(
        self,
        columns: Vec<PlanColumn>,
        required: &BTreeSet<usize>,
        exact: impl Fn(PlanNode, &BTreeSet<usize>) -> PlanNode,
    ) -> (PlanNode, Moved) {
        let Self { left, right, keys, bounds, condition, keeps } = self;
        // The clock is asked when a row comes: its column is not read.
        let times = bounds.is_event_time.then_some(bounds.times);
        let sides = Sides { left: *left, right: *right, keys, times, condition };
        let (sides, columns, moved) = sides.narrowed(columns, required, exact);
        let bounds = IntervalBounds { times: sides.times.unwrap_or_default(), ..bounds };
        let (left, right) = (Box::new(sides.left), Box::new(sides.right));
        let join = Self { left, right, keys: sides.keys, bounds, condition: sides.condition, keeps };
        (PlanNode { kind: NodeKind::IntervalJoin(join), columns }, moved)
    }

    /// Without its closing parenthesis.
    pub(super) fn explained(&self, columns: &[PlanColumn]) -> String {
        let width = self.left.columns.len();
        let name = |column: usize| columns.get(column).map_or("?", |c| c.name.as_str());
        let mut parts: Vec<String> = self.keys.iter().map(|&(l, r)| format!("{} = {}", name(l), name(width + r))).collect();
        parts.extend(self.condition.iter().map(|c| explain::text(c, columns)));
        let kind = match self.keeps {
            [false, false] => "InnerJoin",
            [true, false] => "LeftOuterJoin",
            [false, true] => "RightOuterJoin",
            [true, true] => "FullOuterJoin",
        };
        let IntervalBounds { is_event_time, lower_ms, upper_ms, .. } = self.bounds;
        format!(
            "IntervalJoin(joinType=[{kind}], windowBounds=[isRowTime={is_event_time}, leftLowerBound={lower_ms}, leftUpperBound={upper_ms}], \
             where=[{}]",
            if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Session, TableDefinition, plan::ChangelogMode};
    use millrace_functions::FunctionRegistry;
    use millrace_model::Field;

    /// The bounds that a condition over the times `l` and `r` says, and how many of its parts are left.
    fn check(condition: &str, expected: Option<(i64, i64, usize)>) {
        let time = DataType::Timestamp { precision: 3 };
        let fields = [("l", time.clone()), ("r", time), ("n", DataType::Int)].map(|(name, t)| Field::new(name, t, true));
        let schema = millrace_model::Schema::new(fields.to_vec()).unwrap();
        let mut session = Session::new(FunctionRegistry::builtin());
        session.add_table(TableDefinition::physical("t", &schema, ChangelogMode::INSERT_ONLY, None));
        let plan = session.execute(&format!("SELECT {condition}, l, r, n FROM t")).unwrap().query.unwrap();
        let NodeKind::Calc { input, projection, .. } = plan.kind else { panic!("{condition}") };
        let mut columns = input.columns;
        for column in columns.iter_mut().take(2) {
            column.time = Some(TimeKind::Rowtime);
        }
        let mut parts = match projection.into_iter().next().unwrap() {
            Expr::And(parts) => parts,
            other => vec![other],
        };
        let found = take_bounds(&mut parts, &columns[..1], &columns[1..]);
        assert_eq!(found.map(|b| (b.lower_ms, b.upper_ms, parts.len())), expected, "{condition}");
    }

    #[test]
    fn bounds_are_found_in_all_their_shapes() {
        check("l BETWEEN r - INTERVAL '5' SECOND AND r + INTERVAL '1' MINUTE", Some((-5_000, 60_000, 0)));
        check("r BETWEEN l - INTERVAL '5' SECOND AND l + INTERVAL '1' MINUTE AND n > 1", Some((-60_000, 5_000, 1)));
        check("l > r - INTERVAL '5' SECOND AND l < r + INTERVAL '1' SECOND", Some((-4_999, 999, 0)));
        check("r > l - INTERVAL '5' SECOND AND r < l + INTERVAL '1' SECOND", Some((-999, 4_999, 0)));
        check("l + INTERVAL '2' SECOND >= r AND l - INTERVAL '0.5' SECOND <= r - INTERVAL '1' HOUR", Some((-2_000, -3_599_500, 0)));
        check("l = r", Some((0, 0, 0)));
        check("r = l + INTERVAL '1' DAY", Some((-86_400_000, -86_400_000, 0)));
        check("l >= r AND l <= r + INTERVAL '1' MINUTE - INTERVAL '10' SECOND", Some((0, 50_000, 0)));
    }

    #[test]
    fn what_bounds_no_interval_is_a_condition_as_any_other() {
        for condition in [
            "l > r",
            "l > r AND l > r - INTERVAL '1' SECOND",
            "l > r - INTERVAL '1' SECOND AND l < r + INTERVAL '1' SECOND AND l < r + INTERVAL '2' SECOND",
            "l = r AND l < r + INTERVAL '2' SECOND",
            "l BETWEEN l - INTERVAL '5' SECOND AND l + INTERVAL '5' SECOND",
            "l > r - INTERVAL '1' SECOND OR l < r + INTERVAL '1' SECOND",
            "l <> r",
            "n > 1",
        ] {
            check(condition, None);
        }
    }
}
