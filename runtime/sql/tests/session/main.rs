//! Scripts against files: each text of `plans/*.sql` with what its EXPLAIN answers, each text of `wrong/*.sql` with the
//! message it is answered with, each of `findings/*.sql` with what is said of its query. Texts are separated by lines of `----`; snapshots are renewed by `INSTA_UPDATE=always`.
//!
//! In sight are a table `clicks` of a Kafka-like source, `people` of one that sends upserts, and a function `SPLIT`.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test that cannot go on has failed

mod bounds;

use millrace_functions::{
    Argument, Columnar, EvaluationContext, EvaluationError, FunctionRegistry, ResolveError, Typed,
    registry::Function,
    table::{TableFunction, TableRows},
};
use millrace_model::{DataType, Field, Schema};
use millrace_sql::{Session, SourceTraits, SqlError, plan::ChangelogMode};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// A table function that a project has published.
#[derive(Debug)]
struct Split;

impl TableFunction for Split {
    fn name(&self) -> &str {
        "SPLIT"
    }

    fn resolve(&self, arguments: &[Argument<'_>]) -> Result<(Vec<DataType>, Schema), ResolveError> {
        if arguments.len() != 1 {
            return Err(ResolveError(format!("it takes one text, found {} arguments", arguments.len())));
        }
        let fields = vec![Field::new("word", DataType::String, true), Field::new("place", DataType::Int, false)];
        Ok((vec![DataType::String], Schema::new(fields).unwrap()))
    }

    fn evaluate(&self, _: &[Columnar], _: usize, _: &EvaluationContext) -> Result<TableRows, EvaluationError> {
        Err(EvaluationError("only planned here".into()))
    }
}

fn session() -> Session {
    let mut session = Session::new(FunctionRegistry::builtin().with("SPLIT", Function::Table(Arc::new(Split))));
    let metadata = BTreeMap::from([
        ("offset".to_owned(), Typed::not_null(DataType::BigInt)),
        ("partition".to_owned(), Typed::not_null(DataType::Int)),
        ("timestamp".to_owned(), Typed::not_null(DataType::TimestampLtz { precision: 3 })),
    ]);
    let options = ["connector", "topic", "scan.startup.mode", "properties.*"].map(str::to_owned).to_vec();
    let clicks = SourceTraits { connector: Some("kafka".into()), metadata, options, ..SourceTraits::default() };
    session.connect("people", SourceTraits { changes: ChangelogMode::UPSERT, makes_watermarks: true, ..clicks.clone() });
    session.connect("clicks", clicks);
    session
}

/// Each text followed by what `answer` makes of it, as one snapshot per file.
fn check(folder: &str, answer: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/session").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let texts = std::fs::read_to_string(&path).unwrap();
        let shown: Vec<String> =
            texts.split("\n----\n").map(str::trim_end).map(|text| format!("{text}\n→ {}\n", answer(text).trim_end())).collect();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, shown.join("\n"));
        });
    }
}

#[test]
fn queries_are_explained() {
    check("plans", |text| match session().execute(text) {
        Ok(script) => format!("\n{}", script.explanations.join("\n")),
        Err(error) => panic!("{}", error.render(text)),
    });
}

#[test]
fn rows_are_told_apart_by_keys_whose_changes_stay_in_order() {
    check("keys", |text| match session().execute(text) {
        Ok(script) => {
            let plan = script.query.unwrap();
            let named =
                |key: &millrace_sql::plan::UpsertKey| key.iter().map(|&i| plan.columns[i].name.as_str()).collect::<Vec<_>>().join(", ");
            let keys: Vec<String> = millrace_sql::plan::upsert_keys(&plan).iter().map(|key| format!("({})", named(key))).collect();
            if keys.is_empty() { "no key".into() } else { keys.join(" ") }
        }
        Err(error) => panic!("{}", error.render(text)),
    });
}

#[test]
fn what_is_perhaps_not_meant_is_said() {
    check("findings", |text| match session().execute(text) {
        Ok(script) => {
            let found = script.query.iter().flat_map(millrace_sql::plan::analysis::findings);
            let shown = found.map(|f| {
                let place = f.span.map_or_else(|| "nowhere".into(), |s| format!("{:?}", SqlError::new("", "", s).position(text)));
                format!("{} at {place}: {}; {}", f.code, f.message, f.hint)
            });
            shown.collect::<Vec<_>>().join("\n  ")
        }
        Err(error) => panic!("{}", error.render(text)),
    });
}

#[test]
fn wrong_scripts_are_explained() {
    check("wrong", |text| match session().execute(text) {
        Ok(_) => panic!("{text} is accepted"),
        Err(error) => format!("{} at {}", error.code, error.render(text)),
    });
}
