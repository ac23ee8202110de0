//! Commands that look at rows: of topics, of running instances, and of jobs on data packages.

use super::{chosen, logs::EventStream, paths, session::Session};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// How often a unit test is looked at.
const POLL: Duration = Duration::from_millis(300);
/// Largest file that is sent with the request; larger ones are uploaded as resources.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What to look at.
#[derive(Args)]
pub(crate) struct Look {
    /// Rows wanted
    #[arg(long, short = 'n', default_value_t = 20)]
    rows: u32,
    /// Seconds to wait for them
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    seconds: u64,
}

/// Where a preview begins.
#[derive(Args)]
pub(crate) struct From {
    /// With the first record that is there
    #[arg(long, conflicts_with_all = ["now", "since_ms"])]
    earliest: bool,
    /// With what comes from now on
    #[arg(long, conflicts_with = "since_ms")]
    now: bool,
    /// With the first record of this time, in epoch milliseconds, or later
    #[arg(long, value_name = "MS")]
    since_ms: Option<i64>,
}

impl From {
    fn body(&self) -> Value {
        match (self.earliest, self.now, self.since_ms) {
            (_, _, Some(ms)) => json!({"at": "time", "timestamp_ms": ms}),
            (true, ..) => json!({"at": "earliest"}),
            (_, true, _) => json!({"at": "now"}),
            _ => json!({"at": "newest"}),
        }
    }
}

/// Live rows of what has the path `path`.
pub(crate) async fn preview(session: &Session, path: &str, look: &Look, from: &From) -> anyhow::Result<()> {
    let body = json!({"rows": look.rows, "seconds": look.seconds, "from": from.body()});
    let found = session.client.post(&format!("{path}/preview"), &body).await?;
    print_rows(session, &found);
    for bad in found["bad_records"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let text = |name: &str| bad[name].as_str().unwrap_or_default().to_owned();
        session.output.done(&format!("bad record {}: {}", text("origin"), text("reason")), &Value::Null);
    }
    Ok(())
}

/// What of an instance to look at.
#[derive(Args)]
pub(crate) struct TapArguments {
    /// Id of the instance, or name of its job (the instance that runs)
    instance: String,
    /// The node whose rows to see; of a sink, those that it gets
    #[arg(long)]
    node: String,
    #[command(flatten)]
    look: Look,
}

pub(crate) async fn tap(session: &Session, arguments: &TapArguments) -> anyhow::Result<()> {
    let project = session.project()?;
    let path = format!("{}/tap", chosen::to_look_at(session, &project, &arguments.instance).await?);
    let body = json!({"node": arguments.node, "rows": arguments.look.rows, "seconds": arguments.look.seconds});
    let (mut events, mut closed) = (EventStream::default(), Value::Null);
    session
        .client
        .follow(&path, &body, |piece| {
            for event in events.take(piece) {
                for row in event["rows"].as_array().into_iter().flatten() {
                    write_row(session, row)?;
                }
                if !event["closed"].is_null() {
                    closed = event;
                }
            }
            Ok(())
        })
        .await?;
    if !session.output.json {
        let (seen, dropped) = (closed["seen"].as_u64().unwrap_or(0), closed["dropped"].as_u64().unwrap_or(0));
        let why = closed["closed"].as_str().unwrap_or("the server has ended the answer");
        session.output.done(&format!("{seen} rows passed, {dropped} of them not shown; closed: {why}"), &Value::Null);
    }
    Ok(())
}

/// A row as it passes, on a line of its own: what comes next is not known yet, so there are no columns.
fn write_row(session: &Session, row: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match session.output.json {
        true => writeln!(out, "{row}"),
        false => writeln!(out, "{} {}", row["change"].as_str().unwrap_or("?"), row["row"]),
    }
}

/// Rows below the names of their columns, with what became of each where that is not an insert.
fn print_rows(session: &Session, found: &Value) {
    if session.output.json {
        return session.output.item(found);
    }
    let columns: Vec<&str> = found["schema"].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str()).collect();
    let rows = found["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shows_changes = rows.iter().any(|row| row["change"] != "+I");
    let line = |row: &Value| {
        let mut cells = row["row"].clone();
        if let Some(cells) = cells.as_object_mut().filter(|_| shows_changes) {
            cells.insert("change".into(), row["change"].clone());
        }
        cells
    };
    let mut names = columns;
    if shows_changes {
        names.insert(0, "change");
    }
    session.output.rows(&names, &rows.iter().map(line).collect::<Vec<_>>());
}

/// How rows are compared.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Ordered,
    Multiset,
    Table,
}

/// A unit test.
#[derive(Args)]
pub(crate) struct TestArguments {
    /// Name or id of the job
    job: String,
    /// Rows of a source: NAME=FILE with JSON lines or CSV, or NAME=@RESOURCE[:VERSION]; NAME is a node or a table
    #[arg(long = "source", value_name = "NAME=ROWS", required = true)]
    sources: Vec<String>,
    /// Rows that a sink should get, in the same form
    #[arg(long = "expect", value_name = "NAME=ROWS")]
    expected: Vec<String>,
    /// How rows are compared; what fits unless given
    #[arg(long)]
    mode: Option<Mode>,
    /// JSON file with a graph, or SQL file with a script, to test instead of the job's draft
    #[arg(long, value_name = "FILE")]
    draft: Option<String>,
    /// Seed of the order of rows: the same seed gives the same rows
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Rows come up to so many places out of order
    #[arg(long, default_value_t = 0, value_name = "ROWS")]
    shuffle: u32,
    /// Rows come late: `fixed:MS`, `uniform:MIN:MAX` or `exponential:MEAN`, in milliseconds
    #[arg(long, value_name = "DISTRIBUTION")]
    delay: Option<String>,
    /// Share of the rows that come late
    #[arg(long, value_name = "0..1")]
    delayed_share: Option<f64>,
    /// Plugins may reach the hosts and folders that they were granted
    #[arg(long)]
    with_capabilities: bool,
    /// Longest time that the job may run
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout_s: u64,
}

pub(crate) async fn test(session: &Session, arguments: &TestArguments) -> anyhow::Result<()> {
    let project = session.project()?;
    let mut expected = packages(&arguments.expected)?;
    if let Some(mode) = arguments.mode.and_then(|mode| mode.to_possible_value().map(|v| v.get_name().to_owned())) {
        expected.values_mut().for_each(|package| package["mode"] = mode.clone().into());
    }
    let mut order = json!({"seed": arguments.seed, "shuffle_rows": arguments.shuffle});
    if let Some(delay) = &arguments.delay {
        order["delay"] = distribution(delay)?;
    }
    if let Some(share) = arguments.delayed_share {
        order["delayed_share"] = share.into();
    }
    let mut body = json!({
        "sources": packages(&arguments.sources)?, "expected": expected, "order": order,
        "with_capabilities": arguments.with_capabilities, "limits": {"seconds": arguments.timeout_s},
    });
    if let Some(file) = &arguments.draft {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        let is_json = text.trim_start().starts_with('{');
        body["graph"] = if is_json {
            serde_json::from_str(&text).with_context(|| format!("{file}: expected a graph as JSON"))?
        } else {
            json!({"sql": text})
        };
    }
    let begun = session.client.post(&format!("{}/unit-tests", paths::below(&project, "jobs", &arguments.job)), &body).await?;
    let path = paths::below(&project, "unit-tests", begun["id"].as_str().unwrap_or_default());
    let deadline = Instant::now() + Duration::from_secs(arguments.timeout_s + 30);
    let ended = loop {
        let now = session.client.get(&path).await?;
        if now["state"] != "running" {
            break now;
        }
        if Instant::now() > deadline {
            bail!("the unit test did not end within its time; see {path}");
        }
        tokio::time::sleep(POLL).await;
    };
    let text = shown(&ended);
    session.output.done(text.trim_end(), &ended);
    match ended["state"].as_str() {
        Some("passed" | "finished") => Ok(()),
        Some(state) => bail!("the unit test ended as `{state}`"),
        None => bail!("the server's answer has no state"),
    }
}

/// `NAME=FILE` and `NAME=@RESOURCE[:VERSION]` as the API takes them.
fn packages(arguments: &[String]) -> anyhow::Result<Map<String, Value>> {
    let package = |text: &String| {
        let (name, rows) = text.split_once('=').with_context(|| format!("`{text}`: expected NAME=FILE or NAME=@RESOURCE"))?;
        let body = match rows.strip_prefix('@') {
            Some(resource) => {
                let (resource, version) = resource.split_once(':').map_or((resource, None), |(r, v)| (r, Some(v)));
                let version =
                    version.map(|v| v.parse::<i64>().with_context(|| format!("`{text}`: expected a version's number"))).transpose()?;
                json!({"resource": resource, "version": version})
            }
            None => local(Path::new(rows))?,
        };
        Ok((name.to_owned(), body))
    };
    arguments.iter().map(package).collect()
}

fn local(file: &Path) -> anyhow::Result<Value> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    if size > TEXT_BYTES_MAX {
        bail!("{shown} has {size} bytes; upload it (`millrace resource push`) and write @NAME instead");
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let Ok(content) = String::from_utf8(bytes) else {
        bail!("{shown} is not text; upload Avro and Parquet (`millrace resource push`) and write @NAME instead");
    };
    let is_csv = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    Ok(if is_csv { json!({"content": content, "format": "csv"}) } else { json!({"content": content}) })
}

fn distribution(text: &str) -> anyhow::Result<Value> {
    let parts: Vec<&str> = text.split(':').collect();
    let ms = |part: &str| part.parse::<u64>().with_context(|| format!("`{text}`: `{part}` is no number of milliseconds"));
    Ok(match parts.as_slice() {
        ["fixed", at] => json!({"distribution": "fixed", "ms": ms(at)?}),
        ["uniform", min, max] => json!({"distribution": "uniform", "min_ms": ms(min)?, "max_ms": ms(max)?}),
        ["exponential", mean] => json!({"distribution": "exponential", "mean_ms": ms(mean)?}),
        _ => bail!("`{text}`: expected fixed:MS, uniform:MIN:MAX or exponential:MEAN"),
    })
}

/// The outcome, sink by sink, as a difference of rows.
fn shown(test: &Value) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let list = |name: &str| test[name].as_array().map(Vec::as_slice).unwrap_or_default();
    // Writing to a string cannot fail.
    for warning in list("warnings") {
        let _ = writeln!(text, "warning: {}", warning.as_str().unwrap_or_default());
    }
    for source in list("sources") {
        let (node, rows) = (source["node"].as_str().unwrap_or_default(), &source["rows_read"]);
        let _ = writeln!(text, "{node}: {rows} rows read, {} late, {} bad", source["late_rows"], source["bad_rows"]);
    }
    for sink in list("sinks") {
        let node = sink["node"].as_str().unwrap_or_default();
        let compared = &sink["comparison"];
        if compared.is_null() {
            let _ = writeln!(text, "{node}: {} rows", sink["rows"]);
            continue;
        }
        let verdict = if compared["matches"] == true { "as expected" } else { "NOT as expected" };
        let mode = compared["mode"].as_str().unwrap_or_default();
        let _ = writeln!(text, "{node}: {} rows, {} expected ({mode}): {verdict}", compared["found"], compared["expected"]);
        for (sign, name) in [("-", "missing"), ("+", "unexpected")] {
            let rows = compared[name].as_array().map(Vec::as_slice).unwrap_or_default();
            for row in rows {
                let change = row["change"].as_str().map(|c| format!("{c} ")).unwrap_or_default();
                let _ = writeln!(text, "  {sign} {change}{}", row["row"]);
            }
            let more = compared[format!("{name}_total")].as_u64().unwrap_or(0).saturating_sub(rows.len() as u64);
            if more > 0 {
                let _ = writeln!(text, "  {sign} … {more} more");
            }
        }
        if let Some(first) = compared["first_difference"].as_u64() {
            let _ = writeln!(text, "  the first difference is in row {first}");
        }
        if let Some(note) = compared["note"].as_str() {
            let _ = writeln!(text, "  {note}");
        }
    }
    if let Some(message) = test["failure"]["message"].as_str() {
        let _ = writeln!(text, "failure: {message}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shown_like_those_of_texts() {
        let row = |n: i64| json!({"change": null, "row": {"n": n}});
        let comparison = json!({
            "mode": "multiset", "matches": false, "expected": 2, "found": 2, "missing": [row(1)], "missing_total": 3,
            "unexpected": [row(2)], "unexpected_total": 1, "first_difference": null, "note": null,
        });
        let test = json!({
            "warnings": [], "sources": [{"node": "in", "rows_read": 2, "late_rows": 1, "bad_rows": 0}],
            "sinks": [{"node": "out", "rows": 2, "comparison": comparison}], "failure": null,
        });
        let expected = "in: 2 rows read, 1 late, 0 bad\nout: 2 rows, 2 expected (multiset): NOT as expected\n  - {\"n\":1}\n  - … 2 more\n  + {\"n\":2}\n";
        assert_eq!(shown(&test), expected);
        assert_eq!(distribution("uniform:1:2").unwrap(), json!({"distribution": "uniform", "min_ms": 1, "max_ms": 2}));
        assert!(distribution("normal:1").is_err());
        assert_eq!(packages(&["a=@r:2".to_owned()]).unwrap()["a"], json!({"resource": "r", "version": 2}));
    }
}
