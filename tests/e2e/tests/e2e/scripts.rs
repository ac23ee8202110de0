//! Plugins in JavaScript and Python through the real binary and the real sandbox (EXT-6): `plugin new`, `plugin test`.
//!
//! A folder of `tests/scripts/<language>` is a case: a plugin's main file, rows, columns, and what must come of it. With
//! `MILLRACE_BLESS=1` what comes is written as what must come.

use millrace_e2e::binary;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fewest cases that there must be: a wrong path must not make the test pass on nothing.
const CASES_MIN: usize = 8;

fn millrace(arguments: &[&str], folder: &Path) -> (bool, String, String) {
    let output = Command::new(binary().unwrap()).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// What `plugin test` printed without the figures, which are never the same twice.
fn without_figures(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("at     "));
    let lines = lines.map(|line| line.split_once("; ").filter(|_| line.contains(" rows in, ")).map_or(line, |(counts, _)| counts));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Runs a case; what is wrong with it.
fn run(language: &str, main: &str, case: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().unwrap();
    let world = std::fs::read_to_string(case.join("world.txt")).unwrap_or_else(|_| "etl-operator".into());
    let (made, _, errors) = millrace(&["plugin", "new", "case", "--language", language, "--world", world.trim()], scratch.path());
    if !made {
        return Err(errors);
    }
    let project = scratch.path().join("case");
    for file in [main, "rows.jsonl"] {
        std::fs::copy(case.join(file), project.join(file)).unwrap();
    }
    // A function's columns are those of its signature.
    if case.join("schema.sql").exists() {
        std::fs::copy(case.join("schema.sql"), project.join("schema.sql")).unwrap();
    }
    let mut arguments = vec!["plugin".to_owned(), "test".into(), "case".into()];
    let parameters = std::fs::read_to_string(case.join("parameters.txt")).unwrap_or_default();
    arguments.extend(parameters.lines().map(|line| format!("-P{line}")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (_, output, errors) = millrace(&arguments, scratch.path());
    let failure = errors.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    // Frames are the language core's own, numbered.
    let failure = failure.split_once("; at ").map_or(failure, |(reason, _)| reason);
    let failure = if failure.is_empty() { String::new() } else { format!("{failure}\n") };
    let found = without_figures(&output) + &failure;
    let golden = case.join("expected.txt");
    if std::env::var_os("MILLRACE_BLESS").is_some() {
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    if found == expected { Ok(()) } else { Err(format!("got\n{found}{errors}\nexpected\n{expected}")) }
}

fn run_all(language: &str, main: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(language);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    assert!(cases.len() >= CASES_MIN, "only {} cases in {}", cases.len(), folder.display());
    let name = |case: &Path| case.file_name().unwrap().to_string_lossy().into_owned();
    let failures: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", name(case), run(language, main, case).err()?))).collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn javascript_plugins_do_what_their_cases_say() {
    run_all("javascript", "plugin.js");
}

#[test]
fn python_plugins_do_what_their_cases_say() {
    run_all("python", "plugin.py");
}
