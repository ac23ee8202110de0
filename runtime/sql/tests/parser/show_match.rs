//! `MATCH_RECOGNIZE` as nested lists.

use crate::{
    show::{clauses, names, quoted, table},
    show_expression::{expression, expressions, order},
};
use millrace_sql::ast::{MatchRecognize, Pattern, PatternKind, Quantifier, SkipTo};

pub fn match_recognize(m: &MatchRecognize) -> String {
    let mut parts = vec![table(&m.input)];
    parts.extend((!m.partition_by.is_empty()).then(|| format!("partition {}", expressions(&m.partition_by))));
    parts.extend((!m.order_by.is_empty()).then(|| format!("order {}", order(&m.order_by))));
    parts.extend(m.measures.iter().map(|f| format!("measure {{{} as {}}}", expression(&f.expression), quoted(&f.name.value))));
    parts.extend(m.all_rows.map(|_| String::from("all-rows")));
    parts.extend(m.skip.as_ref().map(|skip| match &skip.to {
        SkipTo::PastLastRow => String::from("skip past-last-row"),
        SkipTo::NextRow => "skip next-row".into(),
        SkipTo::First(variable) => format!("skip first {}", quoted(&variable.value)),
        SkipTo::Last(variable) => format!("skip last {}", quoted(&variable.value)),
    }));
    parts.push(format!("pattern {}", pattern(&m.pattern)));
    parts.extend(m.within.as_ref().map(|w| format!("within {}", expression(w))));
    parts.extend(m.subsets.iter().map(|s| format!("subset {} [{}]", quoted(&s.name.value), names(&s.variables))));
    parts.extend(m.definitions.iter().map(|d| format!("define {} {}", quoted(&d.variable.value), expression(&d.condition))));
    clauses("match-recognize", parts)
}

fn pattern(p: &Pattern) -> String {
    let all = |parts: &[Pattern]| parts.iter().map(pattern).collect::<Vec<_>>().join(" ");
    match &p.kind {
        PatternKind::Variable(name) => quoted(&name.value),
        PatternKind::Concatenation(parts) => format!("[{}]", all(parts)),
        PatternKind::Alternation(parts) => format!("(any {})", all(parts)),
        PatternKind::Group(inner) => format!("(group {})", pattern(inner)),
        PatternKind::Quantified { pattern: inner, quantifier } => format!("{}{}", pattern(inner), quantified(quantifier)),
        PatternKind::Permutation(parts) => format!("(permute {})", all(parts)),
        PatternKind::Exclusion(inner) => format!("(exclude {})", pattern(inner)),
        PatternKind::Start => "^".into(),
        PatternKind::End => "$".into(),
    }
}

fn quantified(q: &Quantifier) -> String {
    let bound = |bound: Option<u32>| bound.map(|n| n.to_string()).unwrap_or_default();
    format!("{{{},{}}}{}", bound(q.least), bound(q.most), if q.is_reluctant { "?" } else { "" })
}
