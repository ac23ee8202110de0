//! Expressions against results recorded from Apache Flink 2.3.
//!
//! A line of a file in `flink/` is an expression over the table in `flink/table.rs`, the type of the result, and its values
//! in the three rows, apart by tabs; or `ERR` and why, where Flink refuses or fails. `[zone Europe/Berlin]` sets the session
//! zone for the lines that follow. Where we differ on purpose the line begins with `~`; it is evaluated and not compared.

#[path = "flink/constructor.rs"]
mod constructor;
#[path = "flink/lexer.rs"]
mod lexer;
#[path = "flink/parser.rs"]
mod parser;
#[path = "flink/table.rs"]
mod table;

use arrow_array::{Array, RecordBatch};
use millrace_functions::{EvaluationContext, FunctionRegistry, Typed, cast::to_text, expression::evaluate};

struct Table {
    rows: RecordBatch,
    columns: Vec<(String, Typed)>,
    registry: FunctionRegistry,
}

/// Type and values as a case writes them.
fn answer(expression: &str, table: &Table, context: &EvaluationContext) -> Result<String, String> {
    let expr = parser::parse(expression, &table.columns, &table.registry)?;
    let typed = expr.typed();
    let count = table.rows.num_rows();
    let values = evaluate(&expr, &table.rows, context).and_then(|v| Ok(v.to_array(count)?)).map_err(|e| e.to_string())?;
    assert_eq!(values.data_type(), &typed.data_type.to_arrow(), "carrier of {expression}");
    let text = to_text(&values, &typed.data_type, context).map_err(|e| e.to_string())?;
    let cells: Vec<&str> = (0..count).map(|row| if text.is_null(row) { "NULL" } else { text.value(row) }).collect();
    Ok(format!("{typed}\t{}", cells.join(" ; ")))
}

/// Flink tells texts by their length, we do not.
fn read(expected: &str) -> String {
    let (data_type, values) = expected.split_once('\t').unwrap_or((expected, ""));
    let mut read = String::new();
    let mut rest = data_type;
    while let Some(at) = rest.find("CHAR(").or_else(|| rest.find("BINARY(")) {
        let start = rest[..at].strip_suffix("VAR").map_or(at, str::len);
        let end = rest[at..].find(')').map_or(rest.len(), |end| at + end + 1);
        read.push_str(&rest[..start]);
        read.push_str(if rest[at..].starts_with("CHAR") { "STRING" } else { "BYTES" });
        rest = &rest[end..];
    }
    read.push_str(rest);
    let read = read.replace("INTERVAL_DAY_TIME", "INTERVAL DAY TO SECOND(3)").replace("INTERVAL_YEAR_MONTH", "INTERVAL YEAR TO MONTH");
    format!("{read}\t{values}")
}

fn check(file: &str, cases: &str) {
    let registry = FunctionRegistry::builtin();
    let (rows, columns) = table::table(&registry);
    let table = Table { rows, columns, registry };
    let mut context = EvaluationContext::default();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        if let Some(zone) = line.strip_prefix("[zone ").and_then(|l| l.strip_suffix(']')) {
            context.zone = zone.parse().expect("a zone");
            continue;
        }
        let (is_ours, line) = line.strip_prefix('~').map_or((false, line), |line| (true, line));
        let (expression, expected) = line.split_once('\t').unwrap_or_else(|| panic!("{file}: no tab in {line}"));
        let actual = answer(expression, &table, &context);
        count += 1;
        let is_right = match (&actual, expected.starts_with("ERR")) {
            (Err(error), true) => !error.starts_with("case:") && !error.starts_with("no function"),
            (Ok(actual), false) => *actual == read(expected),
            _ => false,
        };
        if !is_right && !is_ours {
            let actual = actual.unwrap_or_else(|error| format!("ERR\t{error}"));
            wrong.push(format!("{expression}\n    expected {}\n    actual   {actual}", read(expected)));
        }
    }
    assert!(wrong.is_empty(), "{file}: {} of {count} wrong\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! cases {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name), include_str!(concat!("flink/", stringify!($name), ".tsv")));
        }
    )*};
}

cases!(cast operators math);
