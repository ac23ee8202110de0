//! Scalar functions against results recorded from Apache Flink 2.3.
//!
//! A case is a line of a file in `cases/`: a call, ` => `, the type of the result, ` | `, and its text as Flink's SQL client
//! writes it; or ` => ! ` and a part of the error. `[zone Europe/Berlin]` sets the session zone for the lines that follow.
//! Every call is evaluated once with constant and once with column arguments.

#[path = "cases/expression.rs"]
mod expression;
#[path = "cases/value_text.rs"]
mod value_text;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{Field, Schema};
use expression::Node;
use millrace_functions::{EvaluationContext, Expr, FunctionRegistry, Typed, expression::evaluate};
use millrace_model::DataType;
use std::sync::Arc;

const ROWS: usize = 3;

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<Field> = columns.iter().enumerate().map(|(i, c)| Field::new(format!("c{i}"), c.data_type().clone(), true)).collect();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(ROWS));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).expect("columns of equal length")
}

/// The expression with its constants put into columns, where it may.
fn with_columns(expr: Expr, columns: &mut Vec<ArrayRef>) -> Expr {
    match expr {
        Expr::Literal { value, typed, is_symbol: false } if typed.data_type != DataType::Null => {
            columns.push(arrow_select::take::take(&value, &UInt32Array::from(vec![0; ROWS]), None).expect("a value to repeat"));
            Expr::column(columns.len() - 1, typed)
        }
        Expr::Call { function, arguments, typed } => {
            let arguments = arguments.into_iter().map(|a| with_columns(a, columns)).collect();
            Expr::Call { function, arguments, typed }
        }
        Expr::Cast { value, target, is_try, typed } => Expr::Cast { value: Box::new(with_columns(*value, columns)), target, is_try, typed },
        other => other,
    }
}

fn text(expr: &Expr, rows: &RecordBatch, context: &EvaluationContext) -> Result<String, String> {
    let typed = expr.typed();
    let values = evaluate(expr, rows, context).map_err(|e| e.to_string())?.to_array(ROWS).map_err(|e| e.to_string())?;
    assert_eq!(values.data_type(), &typed.data_type.to_arrow(), "carrier of {typed}");
    assert!(typed.nullable || values.logical_null_count() == 0, "NULL of type {typed}");
    Ok(format!("{typed} | {}", value_text::value_text(&values, ROWS - 1, &typed.data_type, context.zone)))
}

fn answer(call: &str, context: &EvaluationContext) -> String {
    let bound = expression::parse(call).and_then(|node: Node| node.bind(&FunctionRegistry::builtin()));
    let constant = match bound {
        Ok(expr) => expr,
        Err(error) => return format!("! {error}"),
    };
    let as_constant = text(&constant, &batch(Vec::new()), context);
    let mut columns = Vec::new();
    let column = with_columns(constant, &mut columns);
    let as_column = text(&column, &batch(columns), context);
    assert_eq!(as_constant, as_column, "{call}: constant and column arguments differ");
    as_column.unwrap_or_else(|error| format!("! {error}"))
}

fn check(file: &str, cases: &str) {
    let mut context = EvaluationContext { now_ms: 1_795_483_242_123, ..EvaluationContext::default() };
    let mut wrong = Vec::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        if let Some(zone) = line.strip_prefix("[zone ").and_then(|l| l.strip_suffix(']')) {
            context.zone = zone.parse().expect("a zone");
            continue;
        }
        let (call, expected) = line.rsplit_once(" => ").unwrap_or_else(|| panic!("{file}: no ` => ` in {line}"));
        let actual = answer(call, &context);
        let is_right = match expected.strip_prefix("! ") {
            Some(part) => actual.starts_with("! ") && actual.contains(part),
            None => actual == expected,
        };
        if !is_right {
            wrong.push(format!("{call}\n    expected {expected}\n    actual   {actual}"));
        }
    }
    assert!(wrong.is_empty(), "{file}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! cases {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name), include_str!(concat!("cases/", stringify!($name), ".txt")));
        }
    )*};
}

cases!(string datetime rounding regexp hash str_to_map collection json printf url place);

#[test]
fn types_of_nothing_are_refused_not_panicked_on() {
    let nothing = Typed::nullable(DataType::Null);
    for name in FunctionRegistry::builtin().names() {
        for count in 0..5 {
            let arguments: Vec<Typed> = vec![nothing.clone(); count];
            let arguments: Vec<_> =
                arguments.iter().map(|typed| millrace_functions::Argument { typed, literal: None, symbol: None }).collect();
            if let Some(function) = FunctionRegistry::builtin().scalar(name) {
                let _ = function.resolve(&arguments);
            }
        }
    }
}

/// A call of a function with texts for arguments.
fn call(name: &str, texts: &[&str]) -> Result<String, String> {
    let registry = FunctionRegistry::builtin();
    let nodes = texts.iter().map(|text| Node::Constant(Arc::new(arrow_array::StringArray::from(vec![*text])), DataType::String)).collect();
    text(&Node::Call(name.to_owned(), nodes).bind(&registry)?, &batch(Vec::new()), &EvaluationContext::default())
}

proptest::proptest! {
    #[test]
    fn any_format_and_any_url_have_an_answer(
        format in "(%[-#+ 0,(]{0,3}[0-9]{0,2}(\\.[0-9])?[a-zA-Z%]|[a-z%$<]){0,4}",
        url in "(url:|http:|jar:|//|\\[|\\]|@|:|#|\\?|é| |[a-z0-9/.!]){0,12}",
        code in "(%|[0-9a-fA-F]|\\+|é){0,8}",
    ) {
        for texts in [[format.as_str(), "a", "-1"], [format.as_str(), "é😀", ""]] {
            // An error is an answer too.
            let _ = call("PRINTF", &texts);
        }
        for part in ["HOST", "PATH", "FILE", "AUTHORITY"] {
            call("PARSE_URL", &[&url, part]).expect("an answer");
        }
        call("URL_DECODE", &[&code]).expect("an answer");
        let encoded = call("URL_ENCODE", &[&url]).expect("an answer");
        let encoded = encoded.strip_prefix("STRING | ").expect("a text").to_owned();
        assert_eq!(call("URL_DECODE", &[&encoded]), Ok(format!("STRING | {url}")));
        call("INET_ATON", &[&url]).expect("an answer");
    }

    /// `LIKE` against a naive matcher.
    #[test]
    fn like_agrees_with_a_naive_matcher(text in "[ab\n😀]{0,8}", pattern in "[ab%_😀]{0,8}") {
        fn matches(text: &[char], pattern: &[char]) -> bool {
            match pattern {
                [] => text.is_empty(),
                ['%', rest @ ..] => (0..=text.len()).any(|skipped| matches(&text[skipped..], rest)),
                ['_', rest @ ..] => text.first().is_some_and(|c| *c != '\n') && matches(&text[1..], rest),
                [own, rest @ ..] => text.first() == Some(own) && matches(&text[1..], rest),
            }
        }
        let (characters, parts): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
        let expected = if matches(&characters, &parts) { "TRUE" } else { "FALSE" };
        assert_eq!(call("LIKE", &[&text, &pattern]), Ok(format!("BOOLEAN NOT NULL | {expected}")));
    }
}
