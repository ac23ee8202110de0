//! Measures: release builds of what measures, its figures, and the goals that they are held against.
//!
//! Invariant: the last line of output is one JSON object; a missed goal is reported and is no failure of the program.

use crate::{cargo, guest_languages, plugins};
use anyhow::{Context, bail};
use millrace_builder::build_rust;
use serde_json::{Map, Value, json};
use std::path::Path;

struct Measure {
    name: &'static str,
    about: &'static str,
    /// Figure, operator, value.
    goals: &'static [(&'static str, &'static str, f64)],
    /// Prints figures as JSON on its last line.
    run: fn(&[String]) -> anyhow::Result<String>,
}

const MEASURES: &[Measure] = &[
    Measure {
        name: "etl-pipeline",
        about: "Kafka JSON → component → Kafka, and the same with native code in the component's place",
        goals: &[("cpu_seconds_per_million", "<=", 0.8), ("component_overhead_ratio", "<=", 1.10)],
        run: |arguments| with_plugin("etl-pipeline", "--plugin", "bench-filter", arguments),
    },
    Measure {
        name: "sql-pipeline",
        about: "Kafka JSON → filter, or 1-minute window over 1,000 keys, in SQL → Kafka, and the same on Apache Flink",
        goals: &[("filter_vs_flink", ">=", 5.0), ("window_vs_flink", ">=", 5.0)],
        run: |arguments| in_process("sql-pipeline", arguments),
    },
    Measure {
        name: "nexmark",
        about: "the Nexmark queries over a Kafka topic of JSON events, into nothing, and the same on Apache Flink",
        goals: &[("geomean_vs_flink", ">=", 3.0), ("worst_vs_flink", ">=", 1.2), ("queries", ">=", 22.0)],
        run: |arguments| with_plugin("nexmark", "--function", "occurrences", arguments),
    },
    Measure {
        name: "large-state",
        about: "an aggregation and a join over 20 million keys, in memory and with 1 GiB for the whole process",
        goals: &[],
        run: |arguments| in_process("large-state", arguments),
    },
    Measure {
        name: "sandbox-call",
        about: "calls of a component on batches of 1,024 rows, fuel and interrupt ticks on",
        goals: &[("rows_per_second", ">=", 45e6)],
        run: sandbox_call,
    },
    Measure {
        name: "guest-languages",
        about: "the same ETL operator in Rust, Java, Scala, JavaScript and Python: rows per second in the sandbox, build times",
        goals: &[
            ("java_rows_per_second", ">=", 3e6),
            ("java_warm_compile_s", "<=", 5.0),
            ("java_library_heavy_compile_s", "<=", 20.0),
            ("java_library_heavy_compile_mib", "<=", 1_024.0),
        ],
        run: guest_languages::run,
    },
    Measure {
        name: "latency",
        about: "from produce to readable output at 50,000 records/s, at least once",
        goals: &[("p99_ms", "<=", 20.0)],
        run: |arguments| with_plugin("latency", "--plugin", "bench-filter", arguments),
    },
    Measure {
        name: "idle-jobs",
        about: "200 small jobs of 200 tenants in one server",
        goals: &[("memory_mib_per_job", "<=", 3.0), ("start_ms_p99", "<=", 100.0)],
        run: |arguments| over_http("idle-jobs", arguments),
    },
    Measure {
        name: "control-plane",
        about: "the ten commonest calls of a console with 1,000 projects, 10,000 tables and 10,000 jobs, four people at once",
        goals: &[("p99_ms_worst", "<=", 20.0)],
        run: |arguments| over_http("control-plane", arguments),
    },
];

/// Runs the measure `name`, or lists all.
pub(crate) fn run(name: Option<&str>, arguments: &[String]) -> anyhow::Result<()> {
    let Some(name) = name else {
        for measure in MEASURES {
            let goals: Vec<_> = measure.goals.iter().map(|(figure, op, value)| format!("{figure} {op} {value}")).collect();
            out(&format!("{:<16}{} ({})", measure.name, measure.about, goals.join(", ")));
        }
        return Ok(());
    };
    let Some(measure) = MEASURES.iter().find(|m| m.name == name) else {
        bail!("there is no measure `{name}`; `cargo xtask measure --list` shows them");
    };
    let text = (measure.run)(arguments)?;
    let last = text.lines().last().unwrap_or_default();
    let answer: Value = serde_json::from_str(last).with_context(|| format!("the last line of the measure is no JSON: `{last}`"))?;
    let figures = answer.as_object().with_context(|| format!("no figures in `{last}`"))?;
    out(&report(measure, figures).to_string());
    Ok(())
}

fn report(measure: &Measure, figures: &Map<String, Value>) -> Value {
    let figures: Map<String, Value> = figures.iter().filter(|(n, _)| *n != "measure").map(|(n, v)| (n.clone(), rounded(v))).collect();
    let mut goals = Map::new();
    for (figure, op, value) in measure.goals {
        // What could not be measured is not met.
        let found = figures.get(*figure).and_then(Value::as_f64);
        let met = found.is_some_and(|found| if *op == "<=" { found <= *value } else { found >= *value });
        goals.insert((*figure).to_owned(), json!({"op": op, "value": value, "met": met}));
    }
    json!({"measure": measure.name, "figures": figures, "goals": goals})
}

/// Four significant digits: more would be noise.
fn rounded(value: &Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() && number != 0.0 => {
            let scale = 10f64.powi(3 - number.abs().log10().floor() as i32);
            if number.abs() >= 10_000.0 { json!(number.round() as i64) } else { json!((number * scale).round() / scale) }
        }
        _ => value.clone(),
    }
}

/// The engine in one process, with the component of a plugin under the option of that name.
fn with_plugin(name: &str, option: &str, plugin: &str, arguments: &[String]) -> anyhow::Result<String> {
    plugins::build(Path::new(plugins::FOLDER))?;
    let component = format!("{}/{plugin}.wasm", plugins::FOLDER);
    bench(&[name.to_owned(), option.to_owned(), component], arguments)
}

/// The engine in one process, without tenant code.
fn in_process(name: &str, arguments: &[String]) -> anyhow::Result<String> {
    bench(&[name.to_owned()], arguments)
}

fn bench(command: &[String], arguments: &[String]) -> anyhow::Result<String> {
    cargo::run_optimized("millrace-bench", &[command, arguments].concat())
}

fn sandbox_call(arguments: &[String]) -> anyhow::Result<String> {
    let built = build_rust(Path::new("tests/bench/call-guest"))?;
    bench(&["sandbox-call".to_owned(), "--component".to_owned(), built.path.display().to_string()], arguments)
}

/// The real server, over its API.
fn over_http(name: &str, arguments: &[String]) -> anyhow::Result<String> {
    plugins::build(Path::new(plugins::FOLDER))?;
    cargo::build_optimized("millrace")?;
    cargo::run_optimized(name, arguments)
}

/// Writes to the standard output, where programs look for figures.
#[allow(clippy::print_stdout, reason = "the figures are the program's output")]
fn out(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_held_against_goals() {
        let etl = &MEASURES[0];
        let figures = json!({"measure": "x", "cpu_seconds_per_million": 0.712_345, "records_per_second": 612_345.6, "rows": 5});
        let expected = json!({
            "measure": "etl-pipeline",
            "figures": {"cpu_seconds_per_million": 0.7123, "records_per_second": 612_346, "rows": 5},
            "goals": {
                "cpu_seconds_per_million": {"op": "<=", "value": 0.8, "met": true},
                "component_overhead_ratio": {"op": "<=", "value": 1.1, "met": false},
            },
        });
        assert_eq!(report(etl, figures.as_object().unwrap()), expected);
    }
}
