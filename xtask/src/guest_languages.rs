//! `measure guest-languages`: the same ETL operator in every language, how fast it is built and how fast it runs.
//!
//! Sources lie in `tests/bench/guests`. Invariant: times of builds are of the tools that the server uses; rows per second
//! come from a release build of the sandbox with fuel and interrupt ticks on, and every language must answer the same rows.

mod jvm;
mod memory;

use crate::{cargo, plugins};
use anyhow::Context;
use millrace_builder::{World, script};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

const GUESTS: &str = "tests/bench/guests";

/// A component that was built, and what its build took.
struct Guest {
    name: &'static str,
    component: PathBuf,
    figures: Map<String, Value>,
}

/// Builds all, runs all, answers the figures as one line of JSON.
pub(crate) fn run(_arguments: &[String]) -> anyhow::Result<String> {
    let folder = tempfile::Builder::new().prefix("guest-languages-").tempdir_in(cargo::target())?;
    plugins::build(Path::new(plugins::FOLDER))?;
    let rust = Guest { name: "rust", component: Path::new(plugins::FOLDER).join("bench-upper.wasm"), figures: Map::new() };
    let mut guests = vec![rust];
    let heavy = jvm::build(folder.path(), &mut guests)?;
    for (name, language) in [("javascript", script::ScriptLanguage::JavaScript), ("python", script::ScriptLanguage::Python)] {
        guests.push(built_script(name, language, folder.path())?);
    }
    let ran = run_components(&guests, &heavy)?;
    let mut figures = Map::new();
    for guest in guests.iter().chain([&heavy]) {
        let ran = ran.get(guest.name).and_then(Value::as_object).context("a component is missing in the answer")?;
        for (figure, value) in guest.figures.iter().chain(ran) {
            figures.insert(format!("{}_{figure}", guest.name), value.clone());
        }
    }
    add_compile_times(&mut figures)?;
    let plain = jvm::plain(folder.path())?;
    figures.insert("jvm_rows_per_second".into(), json!(plain));
    figures.insert("java_vs_jvm_ratio".into(), json!(number(&figures, "java_rows_per_second")? / plain));
    Ok(Value::Object(figures).to_string())
}

/// From the last keystroke to a loaded component: the build with warm tools, machine code, the first instance.
fn add_compile_times(figures: &mut Map<String, Value>) -> anyhow::Result<()> {
    for (name, goal) in
        [("java", "java_warm_compile_s"), ("scala", "scala_warm_compile_s"), ("java_library_heavy", "java_library_heavy_compile_s")]
    {
        let built = number(figures, &format!("{name}_warm_build_s"))?;
        let machine_code = number(figures, &format!("{name}_cranelift_ms"))? / 1_000.0;
        figures.insert(goal.into(), json!(built + machine_code));
    }
    Ok(())
}

fn number(figures: &Map<String, Value>, name: &str) -> anyhow::Result<f64> {
    figures.get(name).and_then(Value::as_f64).with_context(|| format!("there is no figure `{name}`"))
}

fn built_script(name: &'static str, language: script::ScriptLanguage, folder: &Path) -> anyhow::Result<Guest> {
    let source = Path::new(GUESTS).join(name);
    let mut files = Vec::new();
    for entry in fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))? {
        let path = entry?.path();
        files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)?));
    }
    let entry = files.first().context("the script has no file")?.0.clone();
    let build = || script::component(language, World::EtlOperator, &entry, &files);
    // The first build may make the language's core, once per machine.
    build()?;
    let started = Instant::now();
    let component = build()?;
    let elapsed = started.elapsed().as_secs_f64();
    let path = folder.join(format!("{name}.wasm"));
    fs::write(&path, component)?;
    Ok(Guest { name, component: path, figures: Map::from_iter([("warm_build_s".to_owned(), json!(elapsed))]) })
}

fn run_components(guests: &[Guest], heavy: &Guest) -> anyhow::Result<Value> {
    let mut arguments: Vec<String> = guests.iter().map(|guest| format!("{}={}", guest.name, guest.component.display())).collect();
    arguments.push(format!("admit:{}={}", heavy.name, heavy.component.display()));
    arguments.insert(0, "guest-languages".to_owned());
    let text = cargo::run_optimized("millrace-bench", &arguments)?;
    serde_json::from_str(text.lines().last().unwrap_or_default()).context("the components' figures are no JSON")
}
