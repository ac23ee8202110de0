//! The parser against files: each text of `trees/*.sql` with the tree it stands for, each text of `wrong/*.sql` with the
//! message it is answered with. Texts are separated by lines of `----`; snapshots are renewed by `INSTA_UPDATE=always`.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test that cannot go on has failed

mod bounds;
mod show;
mod show_expression;
mod show_match;

use millrace_sql::parser::parse_script;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parser").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Each text followed by what `answer` makes of it, as one snapshot per file.
fn check(folder: &str, answer: impl Fn(&str) -> String) {
    for path in files(folder) {
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
fn texts_become_trees() {
    check("trees", |text| match parse_script(text) {
        Ok(statements) => statements.iter().map(show::statement).collect::<Vec<_>>().join("\n"),
        Err(error) => panic!("{}", error.render(text)),
    });
}

#[test]
fn wrong_texts_are_explained() {
    check("wrong", |text| match parse_script(text) {
        Ok(statements) => panic!("{text} is read as {}", statements.iter().map(show::statement).collect::<String>()),
        Err(error) => format!("{} at {}", error.code, error.render(text)),
    });
}
