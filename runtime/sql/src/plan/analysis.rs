//! What is legal and often a mistake, told before anything runs: state without end, joins that multiply rows, values that
//! differ each time they are computed in a result that takes rows back.
//!
//! Invariant: codes are stable; each finding names the operator that it belongs to and says what to do.

use super::{AggregateCall, NodeKind, PlanNode, Rank, RankStrategy, SideRows, changelog::changelog_mode, explain, upsert_keys};
use crate::ast::Span;
use millrace_functions::Expr;

/// Findings per query at most: a script of hundreds of joins would drown what matters.
const FINDINGS_MAX: usize = 50;

/// Something that is accepted and perhaps not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable, for machines: `sql.endless_state`, …
    pub code: &'static str,
    /// The operator, as EXPLAIN shows it.
    pub operator: String,
    /// What was found and what it leads to.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Where the operator comes from, if that is known.
    pub span: Option<Span>,
}

/// Everything to be said of a plan, the operators nearest to the result first.
pub fn findings(plan: &PlanNode) -> Vec<Finding> {
    let mut found = Vec::new();
    endless_state(plan, &mut found);
    joins(plan, &mut found);
    changing_values(plan, false, &mut found);
    found.truncate(FINDINGS_MAX);
    found
}

fn finding(code: &'static str, node: &PlanNode, message: impl Into<String>, hint: impl Into<String>) -> Finding {
    let operator = explain::operator_text(node);
    Finding { code, message: format!("{} {}", operator, message.into()), operator, hint: hint.into(), span: span_of(node) }
}

/// Where an operator comes from.
fn span_of(node: &PlanNode) -> Option<Span> {
    match &node.kind {
        NodeKind::Rank(rank) => rank.span,
        NodeKind::Deduplicate(deduplicate) => deduplicate.span,
        NodeKind::GroupAggregate { span, .. } => *span,
        NodeKind::Over(over) => Some(over.span),
        _ => None,
    }
}

const FORGET: &str = "if keys go out of use, SET 'table.exec.state.ttl' to the time after which they may be forgotten";

/// Operators that keep something for every key that they have ever seen.
fn endless_state(node: &PlanNode, found: &mut Vec<Finding>) {
    let code = "sql.endless_state";
    match &node.kind {
        NodeKind::GroupAggregate { keys, calls, state_ttl_ms: None, .. } if !keys.is_empty() => {
            let what = if calls.is_empty() {
                "keeps every distinct row that it has ever seen"
            } else {
                "keeps a row for every key that it has ever seen"
            };
            found.push(finding(code, node, what, format!("{FORGET}, or group in windows")));
        }
        NodeKind::GroupAggregate { calls, state_ttl_ms: None, .. } if calls.iter().any(keeps_values) => {
            let message = "keeps every value that it has ever seen";
            found.push(finding(code, node, message, format!("{FORGET}, or aggregate in windows")));
        }
        NodeKind::Rank(Rank { strategy: RankStrategy::Retract, state_ttl_ms: None, .. }) => {
            let message = "keeps every row of its input, because any of them may be taken back and another one move up";
            found.push(finding(
                code,
                node,
                message,
                format!("{FORGET}; over rows that only come, or counts that only grow, the first rows are enough"),
            ));
        }
        NodeKind::Rank(Rank { partition_keys, state_ttl_ms: None, .. }) if !partition_keys.is_empty() => {
            let message = "keeps the first rows of every partition that it has ever seen";
            found.push(finding(code, node, message, format!("{FORGET}, or rank within windows")));
        }
        NodeKind::Deduplicate(deduplicate) if deduplicate.state_ttl_ms.is_none() && !deduplicate.keys.is_empty() => {
            let message = "keeps every key that it has ever seen";
            found.push(finding(code, node, message, format!("{FORGET}: a key that comes again later is new then")));
        }
        // A range forgets silent keys by itself.
        NodeKind::Over(over) if !over.keys.is_empty() && over.state_ttl_ms.is_none() && !over.forgets() => {
            let message = "keeps something for every key that it has ever seen";
            found.push(finding(
                code,
                node,
                message,
                format!("{FORGET}, or end the frame: `RANGE BETWEEN INTERVAL … PRECEDING AND CURRENT ROW`"),
            ));
        }
        NodeKind::MatchRecognize(found_in) if found_in.within_ms.is_none() && found_in.variables.iter().any(|v| v.most.is_none()) => {
            let message = "may have a match that grows without end, and its rows are kept until it is complete";
            let hint = "put `WITHIN INTERVAL '1' HOUR`, or the like, behind the pattern";
            found.push(finding("sql.endless_match", node, message, hint));
        }
        NodeKind::ChangelogNormalize { state_ttl_ms: None, .. } => {
            let message = "keeps the last row of every key, to say what a change replaces";
            found.push(finding(code, node, message, format!("{FORGET}; deletes in the topic free their keys")));
        }
        _ => {}
    }
    node.inputs().into_iter().for_each(|input| endless_state(input, found));
}

/// Aggregates whose state grows with the values of a group.
fn keeps_values(call: &AggregateCall) -> bool {
    call.distinct || matches!(call.function.name(), "ARRAY_AGG" | "COLLECT" | "LISTAGG" | "JSON_ARRAYAGG" | "JSON_OBJECTAGG")
}

/// Joins that keep all rows for ever, and joins that may multiply rows: told from the columns that are compared.
fn joins(node: &PlanNode, found: &mut Vec<Finding>) {
    if let NodeKind::Join(join) = &node.kind {
        let endless: Vec<&str> =
            ["left", "right"].into_iter().zip(join.state_ttl_ms).filter(|(_, ttl_ms)| ttl_ms.is_none()).map(|(side, _)| side).collect();
        if !endless.is_empty() {
            let message = format!("keeps every row of its {} side, because a row that it meets may always come", endless.join(" and "));
            let hint = format!("{FORGET}, bound the times of both sides (an interval join), or join within windows");
            found.push(finding("sql.endless_state", node, message, hint));
        }
        let holds_a_key = |side: usize| join.side_rows(side) == SideRows::One;
        if join.keys.is_empty() {
            let message = "compares every row of one side with every row of the other, in a single subtask";
            found.push(finding(
                "sql.join_amplification",
                node,
                message,
                "put an equality between columns of both sides into its condition",
            ));
        } else if join.kind.has_right() && !holds_a_key(0) && !holds_a_key(1) {
            let message = "may pair each row with many: what is compared is a unique key of neither side";
            let hint = "if one side has at most one row per key, say so: a PRIMARY KEY of its table, a GROUP BY, or a deduplicating query";
            found.push(finding("sql.join_amplification", node, message, hint));
        }
    }
    node.inputs().into_iter().for_each(|input| joins(input, found));
}

/// Values that are computed anew for the row that takes another one back: the two do not match then (Flink's
/// non-deterministic updates).
fn changing_values(node: &PlanNode, is_relied_on: bool, found: &mut Vec<Finding>) {
    if let NodeKind::Calc { input, predicate, projection } = &node.kind
        && !changelog_mode(input).is_insert_only()
    {
        let keys = upsert_keys(node);
        let is_key_kept = !keys.is_empty() && !is_relied_on;
        let changing = |expr: &&Expr| !expr.is_deterministic();
        if let Some(expr) = predicate.iter().find(changing) {
            let text = explain::text(expr, &input.columns);
            let message =
                format!("decides by `{text}`, which differs each time, whether a change passes: a row that came in may not be taken back");
            found.push(finding("sql.changing_value", node, message, "filter by columns of the rows, or before the rows are updated"));
        }
        if let Some(expr) = projection.iter().find(changing).filter(|_| !is_key_kept) {
            let text = explain::text(expr, &input.columns);
            let message = format!(
                "computes `{text}` anew when a row is taken back, and what it gives differs each time: the row behind it that is meant is not found"
            );
            found.push(finding(
                "sql.changing_value",
                node,
                message,
                "compute it before the rows are updated, for example in a query below the aggregate",
            ));
        }
    }
    let is_relied_on = is_relied_on || finds_rows_again(node);
    node.inputs().into_iter().for_each(|input| changing_values(input, is_relied_on, found));
}

/// Whether an operator looks for the row that is taken back by what the row holds.
fn finds_rows_again(node: &PlanNode) -> bool {
    match &node.kind {
        NodeKind::GroupAggregate { .. } | NodeKind::WindowAggregate { .. } => true,
        NodeKind::Rank(rank) => rank.strategy == RankStrategy::Retract,
        _ => false,
    }
}
