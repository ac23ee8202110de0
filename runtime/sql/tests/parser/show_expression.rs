//! Expressions as nested lists.

use crate::show::{name, query};
use millrace_sql::ast::{
    BinaryOperator, CastKind, Expression, ExpressionKind, FunctionCall, IntervalUnit, Literal, OrderItem, Over, UnaryOperator,
};

pub fn expressions(list: &[Expression]) -> String {
    list.iter().map(expression).collect::<Vec<_>>().join(" ")
}

pub fn expression(e: &Expression) -> String {
    use ExpressionKind as K;
    let not = |negated: &bool| if *negated { "not-" } else { "" };
    match &e.kind {
        K::Literal(value) => literal(value),
        K::Name(n) => name(n),
        K::Unary(operator, value) => {
            let sign = match operator {
                UnaryOperator::Minus => "neg",
                UnaryOperator::Plus => "pos",
                UnaryOperator::Not => "not",
            };
            format!("({sign} {})", expression(value))
        }
        K::Binary(operator, left, right) => format!("({} {} {})", sign(*operator), expression(left), expression(right)),
        K::IsNull { value, negated } => format!("({}null? {})", not(negated), expression(value)),
        K::IsTruth { value, truth, negated } => {
            let truth = truth.map_or("unknown", |t| if t { "true" } else { "false" });
            format!("({}{truth}? {})", not(negated), expression(value))
        }
        K::IsDistinctFrom { left, right, negated } => format!("({}distinct? {} {})", not(negated), expression(left), expression(right)),
        K::Between { value, low, high, symmetric, negated } => {
            let symmetric = if *symmetric { "-symmetric" } else { "" };
            format!("({}between{symmetric} {} {} {})", not(negated), expression(value), expression(low), expression(high))
        }
        K::InList { value, list, negated } => format!("({}in {} [{}])", not(negated), expression(value), expressions(list)),
        K::InQuery { value, query: q, negated } => format!("({}in {} {})", not(negated), expression(value), query(q)),
        K::Quantified { value, operator, all, query: q } => {
            format!("({operator:?} {} {} {})", if *all { "all" } else { "some" }, expression(value), query(q))
        }
        K::Exists(q) => format!("(exists {})", query(q)),
        K::Query(q) => format!("(scalar {})", query(q)),
        K::Like { value, pattern, escape, similar, negated } => {
            let word = if *similar { "similar" } else { "like" };
            let escape = escape.as_ref().map(|e| format!(" escape {}", expression(e))).unwrap_or_default();
            format!("({}{word} {} {}{escape})", not(negated), expression(value), expression(pattern))
        }
        K::Case { operand, branches, otherwise } => {
            let mut parts = vec!["case".to_owned()];
            parts.extend(operand.as_ref().map(|o| expression(o)));
            parts.extend(branches.iter().map(|b| format!("[{} {}]", expression(&b.when), expression(&b.then))));
            parts.extend(otherwise.as_ref().map(|o| format!("else {}", expression(o))));
            format!("({})", parts.join(" "))
        }
        K::Cast { value, data_type, length, kind, .. } => {
            let word = if *kind == CastKind::Cast { "cast" } else { "try-cast" };
            let length = length.map(|(n, padded)| format!(" {n}{}", if padded { " padded" } else { "" })).unwrap_or_default();
            format!("({word} {} {data_type}{length})", expression(value))
        }
        K::Call(c) => call(c),
        K::Interval { value, from, to } => interval(value, *from, *to),
        K::Array(values) => format!("(array {})", expressions(values)),
        K::Map(values) => format!("(map {})", expressions(values)),
        K::Row(values) => format!("(row {})", expressions(values)),
        K::Element(value, index) => format!("(at {} {})", expression(value), expression(index)),
        K::Field(value, field) => format!("(field {} {})", expression(value), field.value),
        K::Symbol(symbol) => format!("<{}>", symbol.0),
        K::Star => "*".into(),
    }
}

fn interval(value: &str, from: IntervalUnit, to: Option<IntervalUnit>) -> String {
    let to = to.map(|t| format!(" to {t:?}")).unwrap_or_default();
    format!("(interval {value:?} {from:?}{to})")
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".into(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Number(digits) => digits.clone(),
        Literal::String(text) => format!("{text:?}"),
        Literal::Bytes(bytes) => format!("x{bytes:02x?}"),
        Literal::Date(text) => format!("(date {text:?})"),
        Literal::Time(text) => format!("(time {text:?})"),
        Literal::Timestamp(text) => format!("(timestamp {text:?})"),
    }
}

fn sign(operator: BinaryOperator) -> &'static str {
    use BinaryOperator as B;
    match operator {
        B::Plus => "+",
        B::Minus => "-",
        B::Multiply => "*",
        B::Divide => "/",
        B::Modulo => "%",
        B::Concat => "||",
        B::Equal => "=",
        B::NotEqual => "<>",
        B::Less => "<",
        B::LessOrEqual => "<=",
        B::Greater => ">",
        B::GreaterOrEqual => ">=",
        B::And => "and",
        B::Or => "or",
    }
}

fn call(call: &FunctionCall) -> String {
    let mut parts = vec![name(&call.name)];
    parts.extend(call.distinct.then(|| ":distinct".to_owned()));
    for (i, argument) in call.arguments.iter().enumerate() {
        let named = call.argument_names.get(i).and_then(Option::as_ref).map(|n| format!("{}=>", n.value)).unwrap_or_default();
        parts.push(format!("{named}{}", expression(argument)));
    }
    parts.extend(call.ignore_nulls.map(|ignore| if ignore { ":ignore-nulls".to_owned() } else { ":respect-nulls".to_owned() }));
    parts.extend((!call.order_by.is_empty()).then(|| format!(":order [{}]", order(&call.order_by))));
    parts.extend(call.filter.as_ref().map(|f| format!(":filter {}", expression(f))));
    parts.extend(call.over.as_ref().map(|o| format!(":over {}", over(o))));
    format!("({})", parts.join(" "))
}

pub fn over(over: &Over) -> String {
    let mut parts: Vec<String> = over.name.iter().map(|n| n.value.clone()).collect();
    parts.extend((!over.partition_by.is_empty()).then(|| format!("partition [{}]", expressions(&over.partition_by))));
    parts.extend((!over.order_by.is_empty()).then(|| format!("order [{}]", order(&over.order_by))));
    parts.extend(over.frame.as_ref().map(|f| {
        let preceding = f.preceding.as_ref().map_or("unbounded".into(), |p| expression(p));
        format!("{} {preceding}", if f.is_rows { "rows" } else { "range" })
    }));
    format!("({})", parts.join(" "))
}

pub fn order(items: &[OrderItem]) -> String {
    let item = |item: &OrderItem| {
        let direction = if item.descending { " desc" } else { "" };
        let nulls = item.nulls_first.map_or("", |first| if first { " nulls-first" } else { " nulls-last" });
        format!("{}{direction}{nulls}", expression(&item.expression))
    };
    items.iter().map(item).collect::<Vec<_>>().join(", ")
}
