//! What a query may well mean, and what often surprises: said of its operators, not refused.

use super::node::place;
use millrace_model::graph::{GraphError, Node};
use millrace_sql::{
    Session, SqlError,
    ast::{Span, Statement, StatementKind},
    parser,
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

/// Options that are of the whole job, and what says the same on the canvas.
const OF_THE_JOB: &[(&str, &str)] = &[
    ("execution.checkpointing.interval", "checkpoint_interval_ms"),
    ("state.backend.type", "state_backend"),
    ("state.memory.limit", "state_memory_bytes_max"),
];

/// Warnings of options that a node of the canvas sets and that only a whole script can set.
pub(crate) fn of_job_options(node: &Node) -> Vec<GraphError> {
    let sql = node.config.get("sql").and_then(serde_json::Value::as_str).unwrap_or_default();
    // What is wrong with the text is told when it is planned.
    let statements = parser::parse_script(sql).unwrap_or_default();
    let warning = |statement: Statement| {
        let StatementKind::Set(option) = statement.kind else { return None };
        let (key, parameter) = OF_THE_JOB.iter().find(|(key, _)| *key == option.key)?;
        let message = format!("`{key}` has no effect in a node: it is of the whole job; set the job's parameter `{parameter}`");
        let error = SqlError::new("sql.without_effect", message.clone(), option.span);
        Some(GraphError::in_field(&node.id, "config.sql", "sql.without_effect", message).at(place(sql, &error)))
    };
    statements.into_iter().filter_map(warning).collect()
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
