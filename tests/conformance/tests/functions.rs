//! Functions of a project in SQL (EXT-4): components of `tenants/functions`, built by `cargo xtask plugins`, called by name.
//!
//! What a function of the project computes must be what a built-in one of the same meaning computes: over added rows, over
//! changes, in windows of every kind, and through kills, restores at another parallelism and savepoints in between.

use super::kills::{compared, number_of};
use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use millrace_conformance::{
    case::{Answer, Case, CaseSettings, Compare, Expected},
    compare::differences,
    lives::{live, random_lives, runtime},
    run::{CaseJob, Functions, Outcome, RunOptions, run_job},
};
use millrace_engine::PluginBinding;
use millrace_sandbox::{CompilerCommand, Sandbox, SandboxConfig};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// The components, and a sandbox that has compiled them.
pub(super) struct Project {
    functions: Functions,
    sandbox: Sandbox,
    /// `rows.jsonl`, which all queries read.
    folder: PathBuf,
    _folder: tempfile::TempDir,
}

impl Project {
    pub(super) fn get() -> &'static Self {
        static PROJECT: OnceLock<Project> = OnceLock::new();
        PROJECT.get_or_init(|| Self::build().unwrap())
    }

    fn build() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let compiler = CompilerCommand { program: env!("CARGO_BIN_EXE_millrace-conformance-compile").into(), args: Vec::new() };
        let sandbox = Sandbox::new(SandboxConfig::new(folder.path().join("cache"), [7; 32], compiler))?;
        let mut functions = std::collections::BTreeMap::new();
        for name in ["my-sum", "added-sum", "occurrences", "split-words"] {
            let component = Bytes::from(component(name)?);
            let content_hash = runtime()?.block_on(sandbox.admit(component.clone()))?.content_hash;
            let binding =
                PluginBinding { name: name.into(), version: "1".into(), content_hash, component, grants: Default::default(), form: None };
            // A function is called by its name, or by one that the script gives it.
            functions.insert(name.replace('-', "_"), binding.clone());
            functions.insert(name.to_owned(), binding);
        }
        std::fs::write(folder.path().join("rows.jsonl"), rows())?;
        Ok(Self { functions: Arc::new(functions), sandbox, folder: folder.path().to_owned(), _folder: folder })
    }

    /// The job of a case that calls the function `name` by another name.
    pub(super) fn job<'a>(&self, case: &'a Case, name: &str, called: &str) -> Result<CaseJob<'a>> {
        let function = self.functions.get(name).with_context(|| format!("there is no function `{name}`"))?.clone();
        CaseJob::with_functions(case, self.sandbox.clone(), Arc::new([(called.to_owned(), function)].into()))
    }

    fn case(&self, name: &str, sql: &str) -> Case {
        let script = format!("{TABLE}\n{sql};\n");
        let expected = Expected::Rows(Answer::default());
        Case { name: name.into(), folder: self.folder.clone(), sql: script, settings: CaseSettings::default(), expected }
    }

    fn run(&self, sql: &str, parallelism: u16, rows_per_batch_max: usize) -> Result<Outcome> {
        let case = self.case("query", sql);
        let job = CaseJob::with_functions(&case, self.sandbox.clone(), self.functions.clone())?;
        runtime()?.block_on(run_job(&job, RunOptions { parallelism, rows_per_batch_max, source_parallelism: 1, keeps_pauses: false }))
    }
}

/// A component that `cargo xtask plugins` has built.
fn component(name: &str) -> Result<Vec<u8>> {
    let folder = std::env::var_os("MILLRACE_PLUGINS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).with_context(|| format!("{}: build it first with `cargo xtask plugins`", path.display()))
}

const TABLE: &str = "CREATE TABLE t (k STRING, g STRING, v BIGINT, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '3' SECOND)
  WITH ('connector' = 'case', 'input' = 'rows.jsonl');";

/// 240 rows of 7 keys and 3 groups over two minutes, a little out of order, some values NULL.
fn rows() -> String {
    let mut text = String::new();
    for i in 0_i64..240 {
        let v = if i % 11 == 3 { "null".to_owned() } else { ((i * 37) % 101 - 30).to_string() };
        let s = if i % 13 == 5 { "null".to_owned() } else { format!("\"ban{} an {i}\"", "an".repeat((i % 4) as usize)) };
        // Every second key pauses for longer than sessions last.
        let second = (i / 2 - i % 3).max(0);
        let _ = writeln!(
            text,
            "{{\"k\": \"k{}\", \"g\": \"g{}\", \"v\": {v}, \"s\": {s}, \"ts\": \"2024-01-01 00:{:02}:{:02}\"}}",
            i * i % 7,
            i % 3,
            second / 60,
            second % 60
        );
    }
    text
}

/// Queries over `SUM` of a BIGINT column; `AGG` stands for the function.
const SUMS: &[(&str, &str)] = &[
    ("by key", "SELECT k, AGG(v) AS s, COUNT(*) AS n FROM t GROUP BY k"),
    ("global", "SELECT AGG(v) AS s FROM t"),
    (
        "several calls",
        "SELECT g, AGG(v) AS s, AGG(v + 1) AS s1, AGG(v) FILTER (WHERE v > 0) AS sf, AGG(DISTINCT v) AS sd FROM t GROUP BY g",
    ),
    ("over changes", "SELECT n, AGG(m) AS s FROM (SELECT k, COUNT(*) AS n, MAX(v) AS m FROM t GROUP BY k) GROUP BY n"),
    ("over the sum itself", "SELECT AGG(s) AS s FROM (SELECT k, AGG(v) AS s FROM t GROUP BY k) AS x"),
    (
        "tumble",
        "SELECT window_start, g, AGG(v) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, g",
    ),
    (
        "hop",
        "SELECT window_start, g, AGG(v) AS s FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, g",
    ),
    (
        "cumulate",
        "SELECT window_start, window_end, k, AGG(v) AS s FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, k",
    ),
    (
        "session",
        "SELECT window_start, window_end, k, AGG(v) AS s FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end, k",
    ),
    (
        "group window session",
        "SELECT SESSION_START(ts, INTERVAL '3' SECOND) AS w, k, AGG(v) AS s FROM t GROUP BY SESSION(ts, INTERVAL '3' SECOND), k",
    ),
    ("having", "SELECT k FROM t GROUP BY k HAVING AGG(v) > 500"),
    (
        "measures of a pattern",
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY g ORDER BY ts MEASURES AGG(A.v) AS a, AGG(v + 1) AS everything, LAST(B.ts) AS e \
         ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A+ B) DEFINE A AS A.v > 0, B AS B.v <= 0) AS m",
    ),
    (
        "condition of a pattern",
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY g ORDER BY ts MEASURES FIRST(A.ts) AS f, COUNT(A.v) AS n, AGG(A.v) AS s \
         ONE ROW PER MATCH AFTER MATCH SKIP TO LAST B PATTERN (A{2,} B) WITHIN INTERVAL '40' SECOND \
         DEFINE A AS AGG(A.v) < 150 OR AGG(A.v) IS NULL, B AS B.v > 10) AS m",
    ),
];

fn with(sql: &str, function: &str) -> String {
    sql.replace("AGG(", &format!("{function}("))
}

#[test]
fn sums_of_the_project_are_those_of_sql() {
    let project = Project::get();
    let mut wrong = Vec::new();
    for (name, sql) in SUMS {
        for (parallelism, rows) in [(1, 1_024), (1, 7), (3, 50)] {
            let expected = project.run(&with(sql, "SUM"), 1, 1_024).unwrap();
            let compare = if parallelism == 1 && rows == 1_024 { Compare::Unordered } else { Compare::Table };
            match project.run(&with(sql, "my_sum"), parallelism, rows) {
                Ok(found) => {
                    assert!(!expected.answer.rows.is_empty() && found.records_processed > 0, "{name} has no rows");
                    let different = differences(&expected.answer, &found.answer, compare);
                    wrong.extend(different.iter().take(4).map(|d| format!("{name} at {parallelism} x {rows}: {d}")));
                }
                Err(error) => wrong.push(format!("{name} at {parallelism} x {rows}: {error:#}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sums_of_the_project_survive_kills_savepoints_and_other_parallelism() {
    let project = Project::get();
    let seed = number_of("MILLRACE_KILL_SEED").unwrap_or_else(rand::random);
    let rounds = number_of("MILLRACE_KILL_ROUNDS").unwrap_or(2);
    let mut wrong = Vec::new();
    for (number, (name, sql)) in SUMS.iter().enumerate() {
        let expected = project.run(&with(sql, "SUM"), 1, 1_024).unwrap();
        for round in 0..rounds {
            let lives = random_lives(seed ^ ((number as u64) << 32) ^ round, 3, 1);
            let case = project.case(name, &with(sql, "my_sum"));
            let job = CaseJob::with_functions(&case, project.sandbox.clone(), project.functions.clone()).unwrap();
            let found = live(&job, &lives, |_, _| Ok(())).map(|rows| compared(&expected, rows)).unwrap_or_else(|e| vec![format!("{e:#}")]);
            if !found.is_empty() {
                wrong.push(format!(
                    "{name} round {round}:\n    {lives:?}\n        {}",
                    found.into_iter().take(4).collect::<Vec<_>>().join("\n        ")
                ));
            }
        }
    }
    println!("functions: {} queries, {rounds} histories each, MILLRACE_KILL_SEED={seed}", SUMS.len());
    assert!(wrong.is_empty(), "MILLRACE_KILL_SEED={seed}:\n{}", wrong.join("\n"));
}

#[test]
fn a_sum_without_retract_and_merge_is_used_where_it_can_be_and_refused_where_not() {
    let project = Project::get();
    for (name, sql) in SUMS {
        let found = project.run(&with(sql, "added_sum"), 2, 100);
        let refusal = match *name {
            "over changes" | "over the sum itself" => Some("cannot take rows back"),
            "session" | "group window session" => Some("cannot merge"),
            _ => None,
        };
        match (found, refusal) {
            (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{name}: {error:#}"),
            (Ok(_), Some(_)) => panic!("{name} was not refused"),
            (found, None) => {
                let expected = project.run(&with(sql, "SUM"), 1, 1_024).unwrap();
                let found = found.unwrap_or_else(|e| panic!("{name}: {e:#}"));
                assert_eq!(differences(&expected.answer, &found.answer, Compare::Table), Vec::<String>::new(), "{name}");
            }
        }
    }
}

/// Queries whose result is the same without functions of the project.
const SAME: &[(&str, &str)] = &[
    (
        "SELECT occurrences(s, 'an') AS n, v FROM t",
        "SELECT CAST((CHAR_LENGTH(s) - CHAR_LENGTH(REPLACE(s, 'an', ''))) / 2 AS BIGINT) AS n, v FROM t",
    ),
    (
        "SELECT occurrences(CAST(v AS INT), NULL) AS n FROM t",
        "SELECT CAST(CHAR_LENGTH(CAST(v AS STRING)) - CHAR_LENGTH(REPLACE(CAST(v AS STRING), '7', '')) AS BIGINT) AS n FROM t",
    ),
    ("SELECT k FROM t WHERE occurrences(k, 'k3') = 1 AND OCCURRENCES('a', 'a') = 1", "SELECT k FROM t WHERE k = 'k3'"),
    (
        "SELECT CASE WHEN v > 0 THEN occurrences(k, 'k') ELSE 5 END AS n FROM t",
        "SELECT CASE WHEN v > 0 THEN CAST(1 AS BIGINT) ELSE 5 END AS n FROM t",
    ),
    (
        "CREATE TEMPORARY FUNCTION how_often AS 'occurrences'; SELECT k, SUM(how_often(k, '1')) AS n FROM t GROUP BY k",
        "SELECT k, SUM(CASE WHEN k = 'k1' THEN CAST(1 AS BIGINT) ELSE 0 END) AS n FROM t GROUP BY k",
    ),
    (
        "CREATE TEMPORARY SYSTEM FUNCTION `SUM` AS 'my-sum'; SELECT k, SUM(v) AS n FROM t GROUP BY k",
        "SELECT k, SUM(v) AS n FROM t GROUP BY k",
    ),
    (
        "SELECT k, word, p FROM t, LATERAL TABLE(split_words(s, ' ')) AS x(word, p)",
        "SELECT k, word, CAST(p AS INT) AS p FROM t CROSS JOIN UNNEST(SPLIT(s, ' ')) WITH ORDINALITY AS x(word, p)",
    ),
    (
        "SELECT k, word FROM t LEFT JOIN LATERAL TABLE(split_words(s)) AS x(word, p) ON TRUE",
        "SELECT k, word FROM t LEFT JOIN UNNEST(SPLIT(s, ' ')) AS x(word) ON TRUE",
    ),
    ("SELECT occurrences('abab', 'ab') AS n", "SELECT CAST(2 AS BIGINT) AS n"),
    (
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY g ORDER BY ts MEASURES occurrences(LAST(A.s), 'an') AS n, LAST(A.v) AS v \
         ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B+ C) \
         DEFINE A AS occurrences(A.s, 'an') > 2, B AS occurrences(B.s, 'an') <= occurrences(LAST(A.s), 'an'), C AS C.v > 0) AS m",
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY g ORDER BY ts \
         MEASURES CAST((CHAR_LENGTH(LAST(A.s)) - CHAR_LENGTH(REPLACE(LAST(A.s), 'an', ''))) / 2 AS BIGINT) AS n, LAST(A.v) AS v \
         ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B+ C) \
         DEFINE A AS (CHAR_LENGTH(A.s) - CHAR_LENGTH(REPLACE(A.s, 'an', ''))) / 2 > 2, \
         B AS (CHAR_LENGTH(B.s) - CHAR_LENGTH(REPLACE(B.s, 'an', ''))) / 2 <= \
         (CHAR_LENGTH(LAST(A.s)) - CHAR_LENGTH(REPLACE(LAST(A.s), 'an', ''))) / 2, C AS C.v > 0) AS m",
    ),
];

#[test]
fn scalar_and_table_functions_answer_as_sql_would() {
    let project = Project::get();
    let mut wrong = Vec::new();
    for (own, builtin) in SAME {
        let expected = project.run(builtin, 1, 1_024).unwrap_or_else(|e| panic!("{builtin}: {e:#}"));
        for (parallelism, rows) in [(1, 1_024), (2, 9)] {
            match project.run(own, parallelism, rows) {
                Ok(found) => {
                    wrong.extend(
                        differences(&expected.answer, &found.answer, Compare::Table).into_iter().take(4).map(|d| format!("{own}: {d}")),
                    );
                }
                Err(error) => wrong.push(format!("{own}: {error:#}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Scripts that fail, and parts of what is said.
const FAILS: &[(&str, &[&str])] = &[
    ("SELECT occurrences(k, '') AS n FROM t", &["function `OCCURRENCES`", "error of the plugin in `eval`: the word is empty; row 0"]),
    (
        "SELECT occurrences(ts, k) AS n FROM t",
        &[
            "no signature takes (TIMESTAMP(3), STRING)",
            "OCCURRENCES(text STRING, word STRING) → BIGINT, OCCURRENCES(number BIGINT, digit INT) → BIGINT",
        ],
    ),
    ("SELECT my_sum(s) AS n FROM t", &["no signature takes (STRING)", "MY_SUM(value BIGINT) → BIGINT"]),
    (
        "SELECT word FROM t, LATERAL TABLE(split_words(v)) AS x(word, p)",
        &["no signature takes (BIGINT)", "SPLIT_WORDS(text STRING) → word STRING NOT NULL, position INT NOT NULL"],
    ),
    ("SELECT my_sums(v) AS n FROM t", &["there is no function `MY_SUMS`"]),
    ("CREATE TEMPORARY FUNCTION f AS 'occurrence'; SELECT f(k, k) AS n FROM t", &["there is no function `occurrence` in the project"]),
    ("SELECT a FROM (VALUES (occurrences('a', 'a'))) AS x(a)", &["VALUES calls a function of the project"]),
];

#[test]
fn what_goes_wrong_names_function_row_and_candidates() {
    let project = Project::get();
    for (sql, parts) in FAILS {
        let error = match project.run(sql, 1, 1_024) {
            Ok(_) => panic!("{sql} does not fail"),
            Err(error) => anyhow!(error).to_string(),
        };
        for part in *parts {
            assert!(error.contains(part), "{sql}: {error}, expected {part}");
        }
    }
}
