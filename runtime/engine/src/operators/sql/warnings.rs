//! What a query may well mean, and what often surprises: said of its operators, not refused.

use super::node::place;
use millrace_model::graph::{GraphError, Node};
use millrace_sql::{
    Session, SqlError,
    ast::Span,
    plan::{NodeKind, PlanNode, TimeKind, WindowStrategy, analysis},
};

/// Warnings of a node's query; those that have no place of their own stand at `whole`.
pub(super) fn of_query(node: &Node, sql: &str, plan: &PlanNode, session: &Session, whole: Span) -> Vec<GraphError> {
    let warning = |code: &'static str, message: String, span: Span| {
        GraphError::in_field(&node.id, "config.sql", code, message.clone()).at(place(sql, &SqlError::new(code, message, span)))
    };
    let mut warnings: Vec<GraphError> = (analysis::findings(plan).into_iter())
        .map(|f| warning(f.code, format!("{}; {}", f.message, f.hint), f.span.unwrap_or(whole)))
        .collect();
    if is_windowed(plan) && session.settings().idle_timeout_ms.is_none() && !has_idle_timeout(plan, session) {
        let message = "a partition without new rows holds the windows of this query back; if partitions fall silent, SET \
                       'table.exec.source.idle-timeout', for example to '10 s'";
        warnings.push(warning("sql.no_idle_timeout", message.into(), whole));
    }
    warnings
}

fn is_windowed(node: &PlanNode) -> bool {
    let own = match &node.kind {
        NodeKind::WindowAggregate { strategy, .. } => is_event_time(strategy),
        NodeKind::WindowRank(_) => true,
        NodeKind::Over(over) => over.time == Some(TimeKind::Rowtime),
        NodeKind::TemporalSort(sort) => sort.time_column.is_some(),
        NodeKind::Deduplicate(deduplicate) => deduplicate.waits,
        _ => false,
    };
    own || node.inputs().into_iter().any(is_windowed)
}

fn is_event_time(strategy: &WindowStrategy) -> bool {
    match strategy {
        WindowStrategy::Time(spec) => !spec.is_processing_time,
        WindowStrategy::Attached { is_processing_time, .. } => !is_processing_time,
    }
}

fn has_idle_timeout(plan: &PlanNode, session: &Session) -> bool {
    const OPTION: &str = "scan.watermark.idle-timeout";
    let declared = |name: &str| session.table(name).is_some_and(|t| t.options.contains_key(OPTION));
    plan.scans().iter().any(|scan| scan.options.contains_key(OPTION) || declared(&scan.table))
}
