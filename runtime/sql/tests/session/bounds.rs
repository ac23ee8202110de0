//! What one text may cost: hostile texts answer within a moment, with a plan or with what is too much, on a small stack.

use super::session;
use millrace_sql::{SqlError, plan::PlanNode};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::time::{Duration, Instant};

/// The stack of a worker of an asynchronous runtime.
const WORKER_STACK_BYTES: usize = 2 << 20;
/// How long a text may take in a test build on a machine that does other things too.
const TEXT_MAX: Duration = Duration::from_secs(10);

/// What becomes of a script on a small stack: its plan's height and width, or the code of the error.
fn answer(script: String) -> Result<(usize, usize), &'static str> {
    let thread = std::thread::Builder::new().stack_size(WORKER_STACK_BYTES);
    let planned = thread.spawn(move || {
        let began = Instant::now();
        let planned = session().execute(&script).map(|script| script.query.map(|plan| (height(&plan), plan.columns.len())));
        assert!(began.elapsed() < TEXT_MAX, "{:?} for {}", began.elapsed(), &script[..script.len().min(300)]);
        planned
    });
    planned.unwrap().join().expect("no panic").map(Option::unwrap_or_default).map_err(|error: SqlError| error.code)
}

fn height(node: &PlanNode) -> usize {
    1 + node.inputs().into_iter().map(height).max().unwrap_or(0)
}

const TABLE: &str = "CREATE TABLE t (id BIGINT, x INT, s STRING);\n";

/// `SELECT … FROM (SELECT … FROM (… t))`
fn nested(items: &str, depth: usize) -> String {
    let mut text = "SELECT * FROM t".to_owned();
    for _ in 0..depth {
        text = format!("SELECT {items} FROM ({text}) AS q");
    }
    format!("{TABLE}{text}")
}

#[test]
fn constants_are_computed_only_where_that_is_cheap() {
    for text in [
        "SELECT REGEXP(s, CAST(INSTR(REPEAT('a',15000000),REPEAT('a',7000000),1,2000000000) AS STRING)) FROM t",
        "SELECT REGEXP_COUNT(REPEAT('A',16000000), '.*[^A-Z]|[A-Z]') FROM t",
        "SELECT ELT(2, REPEAT('a',16000000), REPEAT('b',16000000), REPEAT('c',16000000)) FROM t",
        "SELECT REVERSE(REPEAT('a,',4000000)) FROM t",
    ] {
        assert_eq!(answer(format!("{TABLE}{text}")), Ok((2, 1)), "{text}");
    }
}

#[test]
fn small_constants_are_still_computed() {
    let plan = |text: &str| session().execute(&format!("{TABLE}EXPLAIN {text}")).unwrap().explanations.concat();
    let text = plan("SELECT CONCAT(REPEAT('ab', 3), UPPER('c')) AS c, 1 + 2 * 3 AS n FROM t");
    assert!(text.contains("abababC") && text.contains('7') && !text.contains("REPEAT"), "{text}");
    let text = plan("SELECT REPEAT('ab', 100000) AS c FROM t");
    assert!(text.contains("REPEAT"), "{text}");
}

#[test]
fn nothing_doubles_with_each_query_around_another() {
    for depth in [1, 5, 24, 45] {
        let (height, width) = answer(nested("x + x AS x, id", depth)).unwrap();
        assert!(height <= depth + 2 && width == 2, "{height} {width}");
    }
    assert_eq!(answer(nested("*, *", 17)), Err("sql.too_large"));
    assert_eq!(answer(nested("x, id", 30)), Ok((2, 2)));
    assert_eq!(answer(nested("x, id", 45)), Ok((2, 2)));
    assert_eq!(answer(nested("x, id", 80)), Err("sql.too_deep"));
    // A filter is not copied down through them for ever either.
    let depth = 24;
    let filtered = format!(
        "{} WHERE x > 3 AND x < 9",
        nested("x + x AS x, id", depth).replace("FROM t)", "FROM (SELECT a.id, a.x FROM t a JOIN t b ON a.id = b.id))")
    );
    assert!(answer(filtered).is_ok());
}

#[test]
fn views_over_views_stay_within_the_stack() {
    for (count, signs) in [(20, 90), (61, 90), (70, 10)] {
        let mut script = TABLE.to_owned();
        for view in 0..count {
            let below = if view == 0 { "t".to_owned() } else { format!("v{}", view - 1) };
            let value = format!("{}x{}", "ABS(- ".repeat(signs / 2), ")".repeat(signs / 2));
            script += &format!("CREATE VIEW v{view} AS SELECT {value} AS x, id FROM {below};\n");
        }
        let found = answer(format!("{script}SELECT x FROM v{}", count - 1));
        assert!(matches!(found, Ok(_) | Err("sql.too_deep" | "sql.too_large")), "{found:?}");
    }
}

#[test]
fn grouping_sets_have_as_many_keys_as_bits() {
    let keys = |from: usize, to: usize| (from..to).map(|i| format!("x + {i}")).collect::<Vec<_>>().join(", ");
    let grouped = |by: String| answer(format!("{TABLE}SELECT COUNT(*) AS c FROM t GROUP BY {by}"));
    assert!(grouped(format!("ROLLUP({})", keys(1, 64))).is_ok());
    assert_eq!(grouped(format!("ROLLUP({})", keys(1, 65))), Err("sql.too_large"));
    assert_eq!(grouped(format!("ROLLUP({}), {}", keys(1, 40), keys(50, 90))), Err("sql.too_large"));
    assert_eq!(grouped(format!("GROUPING SETS (({}), (id))", keys(1, 80))), Err("sql.too_large"));
    assert_eq!(grouped(format!("ROLLUP({}), {}", keys(0, 255), keys(300, 1900))), Err("sql.too_large"));
    assert_eq!(grouped(format!("CUBE({}), {}", keys(0, 8), keys(300, 1900))), Err("sql.too_large"));
    // One set of all keys is no grouping set.
    assert!(grouped(keys(1, 100)).is_ok());
    assert!(grouped(format!("GROUPING SETS (({}))", keys(1, 100))).is_ok());
    assert!(grouped(format!("ROLLUP(({0}), ({0}))", vec!["id"; 20_000].join(", "))).is_ok());
}

#[test]
fn wide_joins_and_long_lists_end_with_what_is_too_much() {
    let columns: Vec<String> = (0..900).map(|i| format!("c{i} INT")).collect();
    let wide = format!("CREATE TABLE w ({});\n", columns.join(", "));
    assert_eq!(answer(format!("{wide}SELECT a.c1 FROM w a, w b, w c")), Err("sql.too_large"));
    assert!(answer(format!("{wide}SELECT a.c1 FROM w a JOIN w b ON a.c1 = b.c1")).is_ok());
    let same = vec!["x"; 1_900].join(", ");
    assert_eq!(answer(format!("{TABLE}SELECT {same} FROM t")), Ok((2, 1_900)));
    let sums: Vec<String> = (0..900).map(|i| format!("c{i}")).collect();
    let lineage =
        format!("{wide}CREATE VIEW v AS SELECT {} AS a FROM w;\nSELECT {} FROM v", sums[..150].join(" + "), vec!["a"; 1_900].join(", "));
    assert_eq!(answer(lineage), Err("sql.too_large"));
    let unions = vec!["SELECT x FROM t"; 2_000].join(" UNION ALL ");
    let found = answer(format!("{TABLE}{unions}"));
    assert!(matches!(found, Ok(_) | Err("sql.too_deep" | "sql.too_large")), "{found:?}");
}

/// A query with columns `x` and `id` over others of the kind.
fn query() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("x".to_owned()),
        Just("x + x".to_owned()),
        Just("ABS(- x)".to_owned()),
        Just("CASE WHEN x > 3 THEN x * x ELSE x END".to_owned()),
        Just("CAST(CHAR_LENGTH(REPEAT('ab', x)) AS INT)".to_owned()),
        Just("COALESCE(x, x + 1, x - x)".to_owned()),
    ]
    .boxed();
    let leaf = prop_oneof![Just("SELECT x, id FROM t".to_owned()), Just("SELECT 1 AS x, CAST(2 AS BIGINT) AS id".to_owned())];
    leaf.prop_recursive(24, 40, 2, move |inner| {
        prop_oneof![
            4 => (value.clone(), inner.clone()).prop_map(|(value, q)| format!("SELECT {value} AS x, id FROM ({q}) AS q")),
            2 => (value.clone(), inner.clone()).prop_map(|(value, q)| format!("SELECT x, id FROM ({q}) AS q WHERE {value} > 1")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} UNION ALL {b}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("SELECT a.x + b.x AS x, a.id FROM ({a}) AS a JOIN ({b}) AS b ON a.id = b.id")),
            1 => inner.clone().prop_map(|q| format!("SELECT SUM(x) AS x, id FROM ({q}) AS q GROUP BY id")),
            1 => inner.clone().prop_map(|q| format!("WITH w AS ({q}) SELECT x * x AS x, id FROM w WHERE id IN (SELECT id FROM w)")),
        ]
    })
}

#[test]
fn any_nest_of_queries_is_planned_on_a_small_stack() {
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&(query(), query()), |(view, query)| {
            let over = query.replace("FROM t", "FROM v");
            let found = answer(format!("{TABLE}CREATE VIEW v AS {view};\n{over}"));
            prop_assert_ne!(found, Err("sql.internal"));
            Ok(())
        })
        .unwrap();
}
