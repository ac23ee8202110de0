//! What a script may well mean, and what often surprises: said, not refused.

use super::{FIELD, text::place};
use millrace_model::graph::GraphError;
use millrace_sql::{
    BoundInsert, Session,
    ast::{Insert, Span, Statement, StatementKind},
    plan::{NodeKind, PlanNode, TimeKind, WindowStrategy},
    settings::is_without_meaning,
};

fn warning(script: &str, code: &str, message: String, span: Span) -> GraphError {
    GraphError::in_document(FIELD, code, message).at(place(script, span))
}

/// Options that are accepted and change nothing.
pub(super) fn of_settings(script: &str, statements: &[Statement]) -> Vec<GraphError> {
    let idle = |statement: &Statement| match &statement.kind {
        StatementKind::Set(option) if is_without_meaning(&option.key) => {
            let message = format!("option '{}' has no effect: it tunes how Flink runs, not what it answers", option.key);
            Some(warning(script, "sql.without_effect", message, option.span))
        }
        _ => None,
    };
    statements.iter().filter_map(idle).collect()
}

/// State without end, and windows that a silent partition may hold back.
pub(super) fn of_query(script: &str, insert: &Insert, bound: &BoundInsert, session: &Session) -> Vec<GraphError> {
    let mut warnings = Vec::new();
    let mut open = vec![&bound.plan];
    let (mut is_endless, mut is_windowed, mut is_unbounded) = (false, false, false);
    while let Some(node) = open.pop() {
        match &node.kind {
            NodeKind::GroupAggregate { keys, state_ttl_ms: None, .. } => is_endless |= !keys.is_empty(),
            NodeKind::Over(over) => {
                // Without keys there is one state; a range forgets silent keys by itself.
                let is_range = over.time.is_some() && !over.frame.is_rows && over.frame.preceding.is_some();
                is_endless |= !over.keys.is_empty() && over.state_ttl_ms.is_none() && !is_range;
                is_windowed |= over.time == Some(TimeKind::Rowtime);
            }
            NodeKind::WindowAggregate { strategy, .. } => is_windowed |= is_event_time(strategy),
            NodeKind::MatchRecognize(found) => {
                is_unbounded |= found.within_ms.is_none() && found.variables.iter().any(|v| v.most.is_none())
            }
            _ => {}
        }
        open.extend(node.inputs());
    }
    if is_endless {
        let message = "this query keeps a row for every key that it has ever seen; if keys go out of use, SET 'table.exec.state.ttl' \
                       or group in windows";
        warnings.push(warning(script, "sql.endless_state", message.into(), insert.span));
    }
    if is_unbounded {
        let message = "a match of this query may grow without end, and its rows are kept until it is complete; put `WITHIN INTERVAL \
                       '1' HOUR`, or the like, behind the pattern";
        warnings.push(warning(script, "sql.endless_match", message.into(), insert.span));
    }
    if is_windowed && session.settings().idle_timeout_ms.is_none() && !has_idle_timeout(&bound.plan, session) {
        let message = "a partition without new rows holds the windows of this query back; if partitions fall silent, SET \
                       'table.exec.source.idle-timeout', for example to '10 s'";
        warnings.push(warning(script, "sql.no_idle_timeout", message.into(), insert.span));
    }
    warnings
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
