//! Plugins in every language but Rust through the real binary and the real sandbox (EXT-6): `plugin new`, `plugin test`.
//!
//! A folder of `tests/scripts/<language>` is a case: the files that take the place of the template's, and what must come of
//! it. With `MILLRACE_BLESS=1` what comes is written as what must come.

use millrace_e2e::binary;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of a case that are not the plugin's.
const OF_THE_TEST: [&str; 3] = ["expected.txt", "parameters.txt", "world.txt"];

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

/// Copies the files of `from` and of the folders below it over those of `to`.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let (path, name) = (entry.as_ref().unwrap().path(), entry?.file_name());
        if path.is_dir() {
            std::fs::create_dir_all(to.join(&name))?;
            copy(&path, &to.join(&name))?;
        } else if !OF_THE_TEST.iter().any(|own| *name == **own) {
            std::fs::copy(&path, to.join(&name))?;
        }
    }
    Ok(())
}

/// Runs a case; what is wrong with it.
fn run(language: &str, case: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().unwrap();
    let world = std::fs::read_to_string(case.join("world.txt")).unwrap_or_else(|_| "etl-operator".into());
    let (made, _, errors) = millrace(&["plugin", "new", "case", "--language", language, "--world", world.trim()], scratch.path());
    if !made {
        return Err(errors);
    }
    let project = scratch.path().join("case");
    copy(case, &project).unwrap();
    let mut arguments = vec!["plugin".to_owned(), "test".into(), "case".into()];
    let parameters = std::fs::read_to_string(case.join("parameters.txt")).unwrap_or_default();
    if !parameters.is_empty() {
        // The form of the template is of its own parameters.
        std::fs::remove_file(project.join("parameters.json")).unwrap();
    }
    arguments.extend(parameters.lines().map(|line| format!("-P{line}")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (_, output, errors) = millrace(&arguments, scratch.path());
    let mut failure = String::new();
    for line in errors.lines().skip_while(|line| !line.starts_with("error: ")) {
        // Frames are the language core's own, numbered.
        failure.push_str(line.split_once("; at ").map_or(line, |(reason, _)| reason).trim_end());
        failure.push('\n');
    }
    let found = without_figures(&output) + &failure;
    let golden = case.join("expected.txt");
    if std::env::var_os("MILLRACE_BLESS").is_some() {
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    if found == expected { Ok(()) } else { Err(format!("got\n{found}{errors}\nexpected\n{expected}")) }
}

/// Runs the cases of a language; `cases_min`: a wrong path must not make the test pass on nothing.
fn run_all(language: &str, cases_min: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(language);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    assert!(cases.len() >= cases_min, "only {} cases in {}", cases.len(), folder.display());
    let name = |case: &Path| case.file_name().unwrap().to_string_lossy().into_owned();
    let failures: Vec<String> = cases.iter().filter_map(|case| Some(format!("{}: {}", name(case), run(language, case).err()?))).collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn javascript_plugins_do_what_their_cases_say() {
    run_all("javascript", 8);
}

#[test]
fn python_plugins_do_what_their_cases_say() {
    run_all("python", 8);
}

#[test]
fn java_plugins_do_what_their_cases_say() {
    run_all("java", 6);
}

#[test]
fn scala_plugins_do_what_their_cases_say() {
    run_all("scala", 5);
}
