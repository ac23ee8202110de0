//! Whether a version can go on from the state of another one: the verdict behind "start from this savepoint".
//!
//! Invariant: pure, over both graphs and what they have pinned; it follows what the engine's restore accepts. State belongs
//! to a node by its id; a node may change its parallelism, its name and its place, but not its kind or its keys. Inside of a
//! SQL node state belongs to an operator by what it computes, wherever in the query that stands.

use crate::text_enum::text_enum;
use millrace_model::graph::{JobGraph, Node};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

text_enum! {
    /// How far state can be used.
    Compatibility, "compatibility", {
        /// Everything goes on.
        Compatible = "compatible",
        /// It starts, and some operators begin without state.
        Partly = "partly",
        /// The engine refuses it.
        Incompatible = "incompatible",
    }
}

/// The verdict on one operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorVerdict {
    /// The node.
    pub node: String,
    /// Its kind, in the version to start unless it has gone.
    pub kind: String,
    /// How far its state can be used.
    pub verdict: Compatibility,
    /// Why, and what to do if it cannot.
    pub reason: String,
}

/// The verdict on a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateVerdict {
    /// The worst of the operators' verdicts.
    pub verdict: Compatibility,
    /// Every operator of either version, by node.
    pub operators: Vec<OperatorVerdict>,
}

/// A version as far as its state is concerned.
#[derive(Debug, Clone, Copy)]
pub struct StateOwner<'a> {
    /// The graph.
    pub graph: &'a JobGraph,
    /// What it has pinned, by node.
    pub pins: &'a Value,
}

/// Operators of SQL plans that keep nothing: lines of a plan that begin otherwise have state.
const STATELESS: [&str; 7] = ["TableSourceScan", "Values", "Calc", "Union", "Expand", "Correlate", "Sink"];

/// Whether `to` can go on from state that `from` has left.
pub fn verdict(from: StateOwner<'_>, to: StateOwner<'_>) -> StateVerdict {
    fn by_id(graph: &JobGraph) -> BTreeMap<&str, &Node> {
        graph.nodes.iter().map(|node| (node.id.as_str(), node)).collect()
    }
    let (before, after) = (by_id(from.graph), by_id(to.graph));
    let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let pin = |owner: StateOwner<'_>, id: &str| owner.pins.get(id).cloned().unwrap_or_default();
    let operator = |id: &str| {
        if let (Some(b), Some(a)) = (before.get(id), after.get(id))
            && (b.kind.as_str(), a.kind.as_str()) == ("sql", "sql")
            && let (Some(b), Some(a)) = (pinned_state(&pin(from, id)), pinned_state(&pin(to, id)))
        {
            return inside_of_query(id, &b, &a);
        }
        let (verdict, reason, kind) = match (before.get(id), after.get(id)) {
            (Some(b), Some(a)) => {
                let (verdict, reason) = kept((b, &pin(from, id)), (a, &pin(to, id)));
                (verdict, reason, &a.kind)
            }
            (Some(b), None) => {
                let (verdict, reason) = removed(b, &pin(from, id));
                (verdict, reason, &b.kind)
            }
            (None, Some(a)) => (Compatibility::Partly, "is new and begins without state".to_owned(), &a.kind),
            (None, None) => return Vec::new(),
        };
        vec![OperatorVerdict { node: id.to_owned(), kind: kind.clone(), verdict, reason }]
    };
    let operators: Vec<_> = ids.into_iter().flat_map(operator).collect();
    let verdict = operators.iter().map(|o| o.verdict).max().unwrap_or(Compatibility::Compatible);
    StateVerdict { verdict, operators }
}

fn kept((before, before_pin): (&Node, &Value), (after, after_pin): (&Node, &Value)) -> (Compatibility, String) {
    use Compatibility as C;
    if before.kind != after.kind {
        let reason = format!("was a `{}` and is now a `{}`; give the new node another id to begin without state", before.kind, after.kind);
        return (C::Incompatible, reason);
    }
    if after.kind.ends_with("_source") {
        let topic = |pin: &Value, node: &Node| {
            pin.get("physical_name").or_else(|| node.config.get("topic")).cloned().unwrap_or_default().as_str().unwrap_or("-").to_owned()
        };
        let (b, a) = (topic(before_pin, before), topic(after_pin, after));
        if b != a {
            let reason = format!("read `{b}` and now reads `{a}`, where its positions mean nothing; give it another id to begin anew");
            return (C::Incompatible, reason);
        }
        return (C::Compatible, format!("goes on reading `{a}` at its positions"));
    }
    match after.kind.as_str() {
        "sql" => {
            let (b, a) = (stateful(before_pin), stateful(after_pin));
            if b == a {
                let reason = if a.is_empty() { "keeps no state" } else { "computes its state as before" };
                return (C::Compatible, reason.to_owned());
            }
            if b.is_empty() {
                return (C::Partly, "kept no state and now keeps some; it begins without".to_owned());
            }
            let gone = b.iter().find(|line| !a.contains(line)).or_else(|| b.first()).cloned().unwrap_or_default();
            (C::Incompatible, format!("its state was computed otherwise: `{}`; give it another id to begin without state", cut(&gone)))
        }
        "deduplicate" => {
            let keys = |node: &Node| node.config.get("key_fields").cloned().unwrap_or_default();
            let (b, a) = (keys(before), keys(after));
            if b == a {
                return (C::Compatible, "knows the keys that it has seen".to_owned());
            }
            (C::Incompatible, format!("had the keys {b} and now has {a}; give it another id to begin without state"))
        }
        _ => {
            let content = |pin: &Value| pin.get("content_hash").cloned();
            if content(before_pin) == content(after_pin) {
                (C::Compatible, "is the same".to_owned())
            } else {
                (C::Compatible, "runs other code and gets the state of the one before".to_owned())
            }
        }
    }
}

/// A stateful operator of a query.
#[derive(Debug, Clone, PartialEq)]
struct QueryOperator {
    /// As the plan shows it: `GroupAggregate(groupBy=[url], select=[url, COUNT(*)])`.
    text: String,
    /// What its state depends on.
    signature: String,
}

impl QueryOperator {
    fn name(&self) -> &str {
        self.text.split('(').next().unwrap_or_default()
    }
}

/// The stateful operators that a version has pinned; `None` for versions of before that was done.
fn pinned_state(pin: &Value) -> Option<Vec<QueryOperator>> {
    let text = |value: &Value, field: &str| Some(value.get(field)?.as_str()?.to_owned());
    let operator = |value: &Value| Some(QueryOperator { text: text(value, "operator")?, signature: text(value, "signature")? });
    pin.get("state")?.as_array()?.iter().map(operator).collect()
}

/// The verdict on each stateful operator of a query: state goes to the operator that computes the same.
fn inside_of_query(node: &str, before: &[QueryOperator], after: &[QueryOperator]) -> Vec<OperatorVerdict> {
    use Compatibility as C;
    let mut gone: Vec<&QueryOperator> = before.iter().collect();
    let mut found = Vec::new();
    let mut new = Vec::new();
    let say = |operator: &QueryOperator, verdict, reason| OperatorVerdict {
        node: node.to_owned(),
        kind: operator.name().to_owned(),
        verdict,
        reason,
    };
    for operator in after {
        match gone.iter().position(|b| b.signature == operator.signature) {
            Some(position) => {
                gone.remove(position);
                found.push(say(operator, C::Compatible, format!("goes on with its state: `{}`", cut(&operator.text))));
            }
            None => new.push(operator),
        }
    }
    for lost in gone {
        let reason = match new.iter().position(|operator| operator.name() == lost.name()) {
            Some(position) => differences(lost, new.remove(position)),
            None => format!("has gone from the query: `{}`", cut(&lost.text)),
        };
        found.push(say(lost, C::Incompatible, format!("{reason}; allow a partial start to go on without its state")));
    }
    found.extend(new.iter().map(|o| say(o, C::Partly, format!("is new and begins without state: `{}`", cut(&o.text)))));
    if found.is_empty() {
        let reason = "keeps no state".to_owned();
        found.push(OperatorVerdict { node: node.to_owned(), kind: "sql".into(), verdict: C::Compatible, reason });
    }
    found
}

/// What of an operator is no longer as it was.
fn differences(before: &QueryOperator, after: &QueryOperator) -> String {
    let (b, a) = (attributes(&before.text), attributes(&after.text));
    let changed = |(name, value): &(String, String)| match a.iter().find(|(other, _)| other == name) {
        Some((_, now)) if now == value => None,
        Some((_, now)) => Some(format!("{} were `{}` and are now `{}`", meaning(name), cut(value), cut(now))),
        None => Some(format!("{} `{}` have gone", meaning(name), cut(value))),
    };
    let mut all: Vec<String> = b.iter().filter_map(changed).collect();
    let added = a.iter().filter(|(name, _)| !b.iter().any(|(other, _)| other == name));
    all.extend(added.map(|(name, value)| format!("{} `{}` are new", meaning(name), cut(value))));
    if all.is_empty() {
        return format!("computes the same over other columns or types: `{}`", cut(&before.text));
    }
    all.join("; ")
}

/// What an attribute of a plan is to a user.
fn meaning(attribute: &str) -> &str {
    match attribute {
        "groupBy" | "uniqueKey" | "partitionBy" | "key" => "its keys",
        "select" => "its columns and aggregates",
        "window" => "its windows",
        "where" | "condition" => "its conditions",
        other => other,
    }
}

/// `Name(a=[x, y], b=[z])` as pairs of name and what stands in the brackets.
fn attributes(text: &str) -> Vec<(String, String)> {
    let inner = text.split_once('(').map_or("", |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    let (mut found, mut depth, mut start) = (Vec::new(), 0i32, 0);
    let mut part = |part: &str| {
        if let Some((name, value)) = part.trim().split_once('=') {
            let value = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(value);
            found.push((name.to_owned(), value.to_owned()));
        }
    };
    for (at, c) in inner.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                part(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    part(&inner[start..]);
    found
}

fn removed(node: &Node, pin: &Value) -> (Compatibility, String) {
    use Compatibility as C;
    let gone = "has gone, and its state has no place any more; keep a node of this id and kind";
    let holds = match node.kind.as_str() {
        "etl" => false,
        "sql" => !stateful(pin).is_empty(),
        kind if kind.ends_with("_sink") => node.config.get("delivery").and_then(Value::as_str) == Some("exactly_once"),
        _ => true,
    };
    if holds { (C::Incompatible, gone.to_owned()) } else { (C::Compatible, "has gone; it kept no state".to_owned()) }
}

/// The operators of a SQL node that keep state, as its plan names them.
fn stateful(pin: &Value) -> Vec<String> {
    let plan = pin.get("plan").and_then(Value::as_str).unwrap_or_default();
    let operators = plan.lines().map(|line| line.trim_start_matches([' ', '+', '-', ':', '|']).trim_end());
    operators.filter(|line| !line.is_empty() && !STATELESS.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(id: &str, kind: &str, config: Value) -> Value {
        json!({"id": id, "kind": kind, "config": config})
    }

    fn graph(nodes: &[Value]) -> JobGraph {
        serde_json::from_value(json!({"nodes": nodes, "edges": []})).unwrap()
    }

    fn check(before: (&[Value], Value), after: (&[Value], Value), expected: &str) {
        let (b, a) = (graph(before.0), graph(after.0));
        let found = verdict(StateOwner { graph: &b, pins: &before.1 }, StateOwner { graph: &a, pins: &after.1 });
        let lines: Vec<String> = found.operators.iter().map(|o| format!("{} {}: {}", o.node, o.verdict, o.reason)).collect();
        assert_eq!(format!("{}\n{}", found.verdict, lines.join("\n")), expected);
    }

    #[test]
    fn parallelism_names_and_places_may_change() {
        let source = node("in", "kafka_source", json!({"topic": "clicks"}));
        let mut wider = source.clone();
        (wider["parallelism"], wider["name"]) = (json!(4), json!("Clicks"));
        let pins = json!({"in": {"physical_name": "clicks"}});
        check((&[source], pins.clone()), (&[wider], pins), "compatible\nin compatible: goes on reading `clicks` at its positions");
    }

    #[test]
    fn what_goes_comes_or_becomes_another() {
        let before = [
            node("in", "kafka_source", json!({"topic": "a"})),
            node("clean", "etl", json!({})),
            node("out", "kafka_sink", json!({"delivery": "exactly_once"})),
            node("seen", "deduplicate", json!({"key_fields": ["id"]})),
        ];
        let after = [
            node("in", "kafka_source", json!({"topic": "b"})),
            node("out", "dedup_sink", json!({})),
            node("seen", "deduplicate", json!({"key_fields": ["id", "at"]})),
            node("more", "etl", json!({})),
        ];
        check(
            (&before, json!({})),
            (&after, json!({})),
            "incompatible\n\
             clean compatible: has gone; it kept no state\n\
             in incompatible: read `a` and now reads `b`, where its positions mean nothing; give it another id to begin anew\n\
             more partly: is new and begins without state\n\
             out incompatible: was a `kafka_sink` and is now a `dedup_sink`; give the new node another id to begin without state\n\
             seen incompatible: had the keys [\"id\"] and now has [\"id\",\"at\"]; give it another id to begin without state",
        );
    }

    #[test]
    fn operators_of_a_query_are_found_again_by_what_they_compute() {
        let sql = [node("agg", "sql", json!({}))];
        let pins = |state: &[(&str, &str)]| {
            let state: Vec<Value> = state.iter().map(|(s, text)| json!({"signature": s, "operator": text})).collect();
            json!({"agg": {"state": state}})
        };
        let (by_url, by_user) =
            ("GroupAggregate(groupBy=[url], select=[url, COUNT(*) AS n])", "GroupAggregate(groupBy=[user], select=[user, SUM(n, 2) AS n])");
        let normalize = "ChangelogNormalize(key=[id])";
        check(
            (&sql, pins(&[("1", by_url)])),
            (&sql, pins(&[("2", normalize), ("1", by_url)])),
            "partly\n\
             agg compatible: goes on with its state: `GroupAggregate(groupBy=[url], select=[url, COUNT(*) AS n])`\n\
             agg partly: is new and begins without state: `ChangelogNormalize(key=[id])`",
        );
        check(
            (&sql, pins(&[("2", normalize), ("1", by_url)])),
            (&sql, pins(&[("3", by_user)])),
            "incompatible\n\
             agg incompatible: has gone from the query: `ChangelogNormalize(key=[id])`; allow a partial start to go on without its state\n\
             agg incompatible: its keys were `url` and are now `user`; its columns and aggregates were `url, COUNT(*) AS n` and are now \
             `user, SUM(n, 2) AS n`; allow a partial start to go on without its state",
        );
        check((&sql, pins(&[])), (&sql, pins(&[])), "compatible\nagg compatible: keeps no state");
        check(
            (&sql, pins(&[])),
            (&sql, pins(&[("2", normalize)])),
            "partly\nagg partly: is new and begins without state: `ChangelogNormalize(key=[id])`",
        );
    }

    #[test]
    fn a_query_keeps_its_state_while_its_stateful_operators_stay() {
        let sql = [node("agg", "sql", json!({}))];
        let plan = |select: &str, calls: &str| {
            let aggregate = format!("GroupAggregate(groupBy=[url], select=[{calls}])");
            json!({"agg": {"plan": format!("Calc(select=[{select}])\n+- {aggregate}\n   +- TableSourceScan(table=[t], fields=[url])")}})
        };
        check(
            (&sql, plan("url", "COUNT(*)")),
            (&sql, plan("url, n", "COUNT(*)")),
            "compatible\nagg compatible: computes its state as before",
        );
        check(
            (&sql, plan("url", "COUNT(*)")),
            (&sql, plan("url", "MAX(n)")),
            "incompatible\nagg incompatible: its state was computed otherwise: `GroupAggregate(groupBy=[url], select=[COUNT(*)])`; give it \
             another id to begin without state",
        );
        let projection = json!({"agg": {"plan": "Calc(select=[url])\n+- TableSourceScan(table=[t], fields=[url])"}});
        check(
            (&sql, projection.clone()),
            (&sql, plan("url", "COUNT(*)")),
            "partly\nagg partly: kept no state and now keeps some; it begins without",
        );
        check((&sql, projection.clone()), (&sql, projection), "compatible\nagg compatible: keeps no state");
        check(
            (&sql, plan("url", "COUNT(*)")),
            (&[], json!({})),
            "incompatible\nagg incompatible: has gone, and its state has no place any more; keep a node of this id and kind",
        );
    }
}
