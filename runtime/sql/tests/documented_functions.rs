//! `docs/sql-functions.md` against the engine: every example of a function that is there is bound, what is said not to be there is
//! refused, and no function is missing from the page.

#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

use millrace_functions::FunctionRegistry;
use millrace_sql::{Session, SourceTraits};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/sql-functions.md");
/// Flink's functions, with the cases that cover them.
const FLINK: &str = include_str!("../../../tests/conformance/functions.md");

/// The cells of the rows of a page's tables; heads and rules left out.
fn rows(page: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_matches('|').replace("\\|", "\u{1}");
        line.split('|').map(|cell| cell.replace('\u{1}', "|").trim().trim_matches('`').to_owned()).collect()
    };
    page.lines().filter(|line| line.starts_with("| `")).map(cells)
}

struct Documented {
    name: String,
    state: String,
    example: String,
    remark: String,
}

fn documented() -> Vec<Documented> {
    let function = |row: Vec<String>| match <[String; 4]>::try_from(row) {
        Ok([name, state, example, remark]) => Some(Documented { name, state, example, remark }),
        Err(_) => None,
    };
    rows(PAGE).filter_map(function).collect()
}

fn session() -> Session {
    let mut session = Session::new(FunctionRegistry::builtin());
    session.connect("w", SourceTraits { makes_watermarks: true, ..SourceTraits::default() });
    let table = PAGE.split_once("```sql\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    session.declare(&format!("{table};")).unwrap();
    session
}

/// An expression alone is one of a query.
fn statement(example: &str) -> String {
    if example.starts_with("SELECT ") || example.starts_with("CREATE ") { example.to_owned() } else { format!("SELECT {example} FROM t") }
}

#[test]
fn examples_are_bound_and_what_is_not_there_is_refused() {
    let mut wrong = Vec::new();
    for Documented { name, state, example, remark } in documented() {
        let bound = session().execute(&format!("{};", statement(&example)));
        match (state.as_str(), bound) {
            ("yes", Ok(_)) if remark.is_empty() => {}
            ("differs", Ok(_)) | ("no", Err(_)) if !remark.is_empty() => {}
            ("yes" | "differs", Err(error)) => wrong.push(format!("{name}: `{example}` is refused: {error}")),
            ("no", Ok(_)) => wrong.push(format!("{name}: `{example}` is bound, but the page says that it is not there")),
            _ => wrong.push(format!("{name}: `{state}` with the remark `{remark}`: only `differs` and `no` have one, and they must")),
        }
        let word: String = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !example.contains(&word) {
            wrong.push(format!("{name}: `{example}` is no example of it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_is_on_the_page_once() {
    let mut names = BTreeSet::new();
    for row in rows(PAGE) {
        let name = row.into_iter().next().unwrap();
        assert!(names.insert(name.clone()), "`{name}` is on the page twice");
    }
    let known = FunctionRegistry::builtin();
    let missing: Vec<&str> = known.names().filter(|name| !names.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/sql-functions.md lacks the functions {missing:?}");
    let of_flink: Vec<String> = rows(FLINK).filter_map(|row| row.into_iter().next()).filter(|name| !names.contains(name)).collect();
    assert!(of_flink.is_empty(), "docs/sql-functions.md lacks Flink's functions {of_flink:?}");
}

#[test]
fn names_behind_syntax_are_known() {
    let known = FunctionRegistry::builtin();
    let unknown: Vec<String> =
        rows(PAGE).filter(|row| row.len() == 2).filter_map(|row| row.into_iter().next()).filter(|name| known.get(name).is_none()).collect();
    assert!(unknown.is_empty(), "there are no functions {unknown:?}");
}
