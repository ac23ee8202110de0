//! The plan as text, in the manner of Flink's `EXPLAIN`.

use super::{AggregateCall, Correlation, NodeKind, PlanColumn, PlanNode, WindowKind, WindowStrategy, changelog::changelog_mode};
use crate::ast::ExplainDetail;
use arrow_array::Array;
use millrace_functions::{EvaluationContext, Expr, cast};
use serde_json::json;
use std::fmt::Write;

/// One line per operator, the sink first, each with the kinds of changes that it emits.
pub fn explain(node: &PlanNode) -> String {
    let mut out = String::new();
    write_node(node, 0, true, &mut out);
    out
}

/// What `EXPLAIN` answers for these plans, each with the name of its sink if it has one. Costs are not estimated and no
/// advice is given: both have nothing to go by before rows come.
pub fn answer(plans: &[(Option<&str>, &PlanNode)], details: &[ExplainDetail]) -> String {
    let with_modes = details.contains(&ExplainDetail::ChangelogMode);
    let mut out = String::new();
    for (position, (sink, plan)) in plans.iter().enumerate() {
        if position > 0 {
            out.push('\n');
        }
        if let Some(name) = sink {
            let mode = if with_modes { format!(", changelogMode=[{}]", changelog_mode(plan)) } else { String::new() };
            let _ = writeln!(out, "Sink(table=[{name}]{mode})");
        }
        write_node(plan, usize::from(sink.is_some()), with_modes, &mut out);
    }
    if details.contains(&ExplainDetail::JsonExecutionPlan) {
        let mut nodes = Vec::new();
        for (sink, plan) in plans {
            let last = add_json(plan, &mut nodes);
            if let Some(name) = sink {
                let id = nodes.len() + 1;
                nodes.push(
                    json!({ "id": id, "type": "Sink", "contents": format!("Sink(table=[{name}])"), "predecessors": [{ "id": last }] }),
                );
            }
        }
        let _ = writeln!(out, "\n{:#}", json!({ "nodes": nodes }));
    }
    out
}

/// Adds the operators of a plan, inputs first; answers the last one's number.
fn add_json(node: &PlanNode, nodes: &mut Vec<serde_json::Value>) -> usize {
    let predecessors: Vec<serde_json::Value> = node.inputs().into_iter().map(|input| json!({ "id": add_json(input, nodes) })).collect();
    let id = nodes.len() + 1;
    let operator = operator(node);
    let kind = operator.split('(').next().unwrap_or_default();
    let mode = changelog_mode(node).to_string();
    nodes.push(json!({ "id": id, "type": kind, "contents": format!("{operator})"), "changelog_mode": mode, "predecessors": predecessors }));
    id
}

fn write_node(node: &PlanNode, depth: usize, with_modes: bool, out: &mut String) {
    let indent = if depth == 0 { String::new() } else { format!("{}+- ", "   ".repeat(depth - 1)) };
    let mode = if with_modes { format!(", changelogMode=[{}]", changelog_mode(node)) } else { String::new() };
    let _ = writeln!(out, "{indent}{}{mode})", operator(node));
    for input in node.inputs() {
        write_node(input, depth + 1, with_modes, out);
    }
}

/// The operator of a node as `EXPLAIN` shows it, without those below it.
pub fn operator_text(node: &PlanNode) -> String {
    format!("{})", operator(node))
}

/// The operator without its closing parenthesis.
fn operator(node: &PlanNode) -> String {
    match &node.kind {
        NodeKind::Scan(scan) => {
            let fields: Vec<&str> = scan.physical.iter().filter(|c| !c.is_metadata).map(|c| c.name.as_str()).collect();
            let own = scan.is_source_watermark.then(|| String::from(", watermark=[SOURCE_WATERMARK()]"));
            let declared = scan.watermark.as_ref().map(|w| format!(", watermark=[{}]", text(w, &node.columns)));
            let watermark = declared.or(own).unwrap_or_default();
            let metadata: Vec<&str> = scan.physical.iter().filter(|c| c.is_metadata).map(|c| c.name.as_str()).collect();
            let metadata = if metadata.is_empty() { String::new() } else { format!(", metadata=[{}]", metadata.join(", ")) };
            format!("TableSourceScan(table=[{}], fields=[{}]{metadata}{watermark}", scan.table, fields.join(", "))
        }
        NodeKind::ChangelogNormalize { input, keys, filter, state_ttl_ms } => {
            let filter = filter.as_ref().map(|f| format!(", condition=[{}]", text(f, &input.columns))).unwrap_or_default();
            let ttl = state_ttl_ms.map(|ms| format!(", stateTtl=[{ms} ms]")).unwrap_or_default();
            format!("ChangelogNormalize(key=[{}]{filter}{ttl}", names(keys, &input.columns))
        }
        NodeKind::Rank(rank) => rank.text(),
        NodeKind::Deduplicate(deduplicate) => deduplicate.text(),
        NodeKind::WindowRank(rank) => rank.text(),
        NodeKind::TemporalSort(sort) => sort.text(),
        NodeKind::Values { rows } => format!("Values(rows=[{}]", rows.len()),
        NodeKind::Calc { input, predicate, projection } => {
            let select: Vec<String> = (projection.iter().zip(&node.columns))
                .map(|(e, c)| {
                    let text = text(e, &input.columns);
                    if text == c.name { text } else { format!("{text} AS {}", c.name) }
                })
                .collect();
            let filter = predicate.as_ref().map(|p| format!(", where=[{}]", text(p, &input.columns))).unwrap_or_default();
            format!("Calc(select=[{}]{filter}", select.join(", "))
        }
        NodeKind::Join(join) => join.explained(),
        NodeKind::WindowJoin(join) => join.explained(),
        NodeKind::Union { inputs } => format!("Union(all=[true], inputs=[{}]", inputs.len()),
        NodeKind::Expand { input, keys, sets } => {
            let set = |set: &Vec<usize>| format!("{{{}}}", names(&set.iter().map(|&i| keys[i]).collect::<Vec<_>>(), &input.columns));
            format!("Expand(sets=[{}]", sets.iter().map(set).collect::<Vec<_>>().join(", "))
        }
        NodeKind::WindowTable { input, window } => {
            let window_shown = window_text(window.kind, &input.columns[window.time_column].name);
            let keys = names(&window.partition_keys, &input.columns);
            let keys = if keys.is_empty() { keys } else { format!(", partition keys=[{keys}]") };
            format!("WindowTableFunction(window=[{window_shown}]{keys}")
        }
        NodeKind::WindowAggregate { input, strategy, keys, calls, emit, .. } => {
            let window = match strategy {
                WindowStrategy::Time(spec) => window_text(spec.kind, &input.columns[spec.time_column].name),
                WindowStrategy::Attached { kind, end_column, .. } => {
                    format!("{}, attached", window_text(*kind, &input.columns[*end_column].name))
                }
            };
            let emit = emit.map(|emit| format!(", emit=[{emit}]")).unwrap_or_default();
            let (keys, calls) = (names(keys, &input.columns), call_texts(calls, input));
            format!("WindowAggregate(groupBy=[{keys}], window=[{window}], select=[{calls}]{emit}")
        }
        NodeKind::GroupAggregate { input, keys, calls, state_ttl_ms, mini_batch, .. } => {
            let ttl = state_ttl_ms.map(|ms| format!(", stateTtl=[{ms} ms]")).unwrap_or_default();
            let batch = mini_batch.map(|b| format!(", miniBatch=[{} ms]", b.allow_latency_ms)).unwrap_or_default();
            format!("GroupAggregate(groupBy=[{}], select=[{}]{ttl}{batch}", names(keys, &input.columns), call_texts(calls, input))
        }
        NodeKind::MatchRecognize(found) => found.text(&node.columns),
        NodeKind::Over(over) => over.text(),
        NodeKind::Correlate { input, function, is_left } => {
            let call = match function {
                Correlation::Unnest { collection, .. } => format!("UNNEST({})", text(collection, &input.columns)),
                Correlation::Function { function, arguments } => call_text(function.name(), arguments, &input.columns),
            };
            format!("Correlate(invocation=[{call}], joinType=[{}]", if *is_left { "LEFT" } else { "INNER" })
        }
        NodeKind::LookupJoin(join) => join.explained(&node.columns),
        NodeKind::IntervalJoin(join) => join.explained(&node.columns),
        NodeKind::TemporalJoin(join) => join.explained(&node.columns),
    }
}

pub(super) fn names(positions: &[usize], columns: &[PlanColumn]) -> String {
    positions.iter().map(|&i| columns[i].name.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn call_texts(calls: &[AggregateCall], input: &PlanNode) -> String {
    let one = |call: &AggregateCall| {
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        let arguments = if call.arguments.is_empty() { "*".into() } else { names(&call.arguments, &input.columns) };
        let filter = call.filter.map(|f| format!(" FILTER {}", input.columns[f].name)).unwrap_or_default();
        format!("{}({distinct}{arguments}){filter}", call.function.name())
    };
    calls.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn window_text(kind: WindowKind, time: &str) -> String {
    let offset = |ms: i64| if ms == 0 { String::new() } else { format!(", offset=[{ms} ms]") };
    match kind {
        WindowKind::Tumble { size_ms, offset_ms } => format!("TUMBLE(time_col=[{time}], size=[{size_ms} ms]{})", offset(offset_ms)),
        WindowKind::Hop { size_ms, slide_ms, offset_ms } => {
            format!("HOP(time_col=[{time}], size=[{size_ms} ms], slide=[{slide_ms} ms]{})", offset(offset_ms))
        }
        WindowKind::Cumulate { size_ms, step_ms, offset_ms } => {
            format!("CUMULATE(time_col=[{time}], max_size=[{size_ms} ms], step=[{step_ms} ms]{})", offset(offset_ms))
        }
        WindowKind::Session { gap_ms } => format!("SESSION(time_col=[{time}], gap=[{gap_ms} ms])"),
    }
}

/// An expression with the names of its columns.
pub fn text(expr: &Expr, columns: &[PlanColumn]) -> String {
    match expr {
        Expr::Column { index, .. } => columns.get(*index).map_or_else(|| format!("${index}"), |c| c.name.clone()),
        Expr::Literal { value, typed, is_symbol } => {
            if value.is_null(0) {
                return "NULL".into();
            }
            let printed = cast::to_text(value, &typed.data_type, &EvaluationContext::default()).ok();
            let printed = printed.filter(|t| t.len() == 1).map_or_else(|| "?".into(), |t| t.value(0).to_owned());
            if *is_symbol || !matches!(typed.data_type, millrace_model::DataType::String) { printed } else { format!("'{printed}'") }
        }
        Expr::Call { function, arguments, .. } => call_text(function.name(), arguments, columns),
        Expr::Cast { value, target, is_try, .. } => {
            format!("{}({} AS {})", if *is_try { "TRY_CAST" } else { "CAST" }, text(value, columns), target.data_type)
        }
        Expr::Case { branches, otherwise, .. } => {
            let mut out = String::from("CASE");
            for (when, then) in branches {
                let _ = write!(out, " WHEN {} THEN {}", text(when, columns), text(then, columns));
            }
            if let Some(otherwise) = otherwise {
                let _ = write!(out, " ELSE {}", text(otherwise, columns));
            }
            out + " END"
        }
        Expr::Coalesce { arguments, .. } => call_text("COALESCE", arguments, columns),
        Expr::And(parts) => joined(parts, " AND ", columns),
        Expr::Or(parts) => joined(parts, " OR ", columns),
    }
}

fn joined(parts: &[Expr], sign: &str, columns: &[PlanColumn]) -> String {
    format!("({})", parts.iter().map(|p| text(p, columns)).collect::<Vec<_>>().join(sign))
}

fn call_text(name: &str, arguments: &[Expr], columns: &[PlanColumn]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|a| text(a, columns)).collect();
    match arguments.as_slice() {
        [left, right] if !name.starts_with(char::is_alphabetic) => format!("({left} {name} {right})"),
        _ => format!("{name}({})", arguments.join(", ")),
    }
}
