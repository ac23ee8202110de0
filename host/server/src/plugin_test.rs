//! Runs a plugin on this machine as a job would: the same sandbox, the same limits, on sample rows.
//!
//! Invariant: needs no server and changes nothing but the cache of machine code.

mod dimensions;
mod subject;

use crate::keys::DataDir;
use anyhow::{Context, bail};
use millrace_builder::fetched::cache_folder;
use millrace_formats::{Decoder, EncodedRows, Encoder, FormatSpec, JsonOptions, TimestampFormat};
use millrace_model::ids::{NodeId, TenantId};
use millrace_model::{Batch, DataType, Field, Schema};
use millrace_sandbox::{
    CapabilityGrants, CompilerCommand, ComponentInfo, FaultReport, GuestContext, GuestLog, LogLevel, OpenGuest, OperatorLimits,
    RejectPolicy, Sandbox, SandboxConfig, TENANT_MEMORY_MIB, TenantAccount, TenantLimits, Usage,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subject::Subject;

/// Rows of one call, as a job's sources make them.
const ROWS_PER_BATCH: usize = 1_024;
/// Operators of one test at a time.
const INSTANCES_MAX: u32 = 4;
/// How long another test may use the cache before this one gives up.
const PATIENCE: Duration = Duration::from_secs(600);

/// What to run.
pub(crate) struct TestRun {
    /// The component's file.
    pub(crate) component: PathBuf,
    /// JSON, an object per line; a source needs none.
    pub(crate) rows: Option<PathBuf>,
    /// Columns; guessed from the rows unless given.
    pub(crate) schema: Option<Schema>,
    /// Which signature of a function is called.
    pub(crate) signature: u32,
    /// Parameters of the node.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Go on after the first pass for so long, to measure.
    pub(crate) measure: Duration,
    /// What it may do beyond computing.
    pub(crate) grants: CapabilityGrants,
    /// Dimension tables: name, file of rows.
    pub(crate) dimensions: Vec<(String, PathBuf)>,
}

/// A row that was not processed.
#[derive(Debug, Serialize)]
pub(crate) struct Rejected {
    /// Line of the file, from 1.
    pub(crate) line: usize,
    /// Why, in the plugin's words.
    pub(crate) message: String,
}

/// A line of the plugin's log.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LogLine {
    pub(crate) level: LogLevel,
    pub(crate) message: String,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) component: ComponentInfo,
    pub(crate) input: Schema,
    pub(crate) output: Option<Schema>,
    /// Change kind and row, `+I {"id":1}`.
    pub(crate) rows: Vec<String>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_lines_dropped: u64,
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) rows_in: usize,
    pub(crate) fuel_per_row: f64,
    pub(crate) rows_per_second: f64,
    pub(crate) memory_peak_bytes: u64,
    /// Why the plugin was stopped.
    pub(crate) fault: Option<FaultReport>,
}

#[derive(Default)]
struct Lines {
    lines: Mutex<(Vec<LogLine>, u64)>,
}

impl GuestLog for Lines {
    fn line(&self, level: LogLevel, message: &str) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).0.push(LogLine { level, message: message.to_owned() });
    }

    fn dropped(&self, lines: u64) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).1 += lines;
    }
}

/// Runs the plugin. What goes wrong in the plugin is part of the outcome.
///
/// # Errors
/// Files that cannot be read, rows that do not fit their columns, a component that is not admitted.
pub(crate) async fn run(test: TestRun) -> anyhow::Result<Outcome> {
    let text = match &test.rows {
        Some(rows) => std::fs::read_to_string(rows).with_context(|| format!("cannot read {}", rows.display()))?,
        None => String::new(),
    };
    let rows = test.rows.clone().unwrap_or_default();
    let dimensions = Arc::new(dimensions::Tables::read(&test.dimensions)?);
    let lines: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let sandbox = sandbox()?;
    let component: Vec<u8> = std::fs::read(&test.component).with_context(|| format!("cannot read {}", test.component.display()))?;
    let component = axum::body::Bytes::from(component);
    let info = sandbox.admit(component.clone()).await.with_context(|| test.component.display().to_string())?;
    let loaded = sandbox.load(&info.content_hash, component).await?;
    if test.rows.is_none() && Subject::needs_rows(loaded.world()) {
        bail!("which rows? give --rows FILE with a JSON object per line");
    }
    let plugin = test.component.file_stem().unwrap_or_default().to_string_lossy();
    let log = Arc::new(Lines::default());
    let open = OpenGuest {
        tenant: TenantId::new("local"),
        job: "test".into(),
        operator: NodeId::new("plugin"),
        function: None,
        parameters: test.parameters,
        limits: OperatorLimits::of(loaded.world()),
        account: Arc::new(TenantAccount::new(tenant_limits())),
        log: log.clone(),
        context: GuestContext {
            on_reject: RejectPolicy::SetAside,
            capabilities: sandbox.capabilities(&plugin, &test.grants),
            dimensions,
            ..GuestContext::default()
        },
    };
    let mut outcome = Outcome::new(info, lines.len());
    let guessed = || guess(&lines).with_context(|| format!("{}: columns cannot be guessed; give --schema", rows.display()));
    let opened = Subject::open(&sandbox, &loaded, open, test.signature, test.schema, guessed).await;
    outcome.take_log(&log);
    match opened? {
        Ok((mut subject, input)) => {
            let batches = decode(&rows, &input, &lines, ROWS_PER_BATCH)?;
            outcome.input = input;
            outcome.output = Some(subject.output().clone());
            let before = subject.usage();
            pass(&mut subject, &batches, &lines, &mut outcome).await?;
            outcome.counters = subject.usage().counters;
            outcome.take_log(&log);
            if subject.is_repeatable() {
                measure(&mut subject, &batches, test.measure, &mut outcome).await;
            } else {
                outcome.figures(outcome.rows_in.max(outcome.rows.len()), &before, &subject.usage());
            }
            outcome.memory_peak_bytes = subject.usage().memory_peak_bytes;
        }
        Err(report) => outcome.fault = Some(report),
    }
    Ok(outcome)
}

impl Outcome {
    fn new(component: ComponentInfo, rows_in: usize) -> Self {
        Self {
            component,
            input: Schema::default(),
            output: None,
            rows: Vec::new(),
            rejected: Vec::new(),
            log: Vec::new(),
            log_lines_dropped: 0,
            counters: BTreeMap::new(),
            rows_in,
            fuel_per_row: 0.0,
            rows_per_second: 0.0,
            memory_peak_bytes: 0,
            fault: None,
        }
    }

    /// Fuel and speed of so many rows.
    fn figures(&mut self, rows: usize, before: &Usage, after: &Usage) {
        if rows > 0 {
            self.fuel_per_row = (after.fuel - before.fuel) as f64 / rows as f64;
            self.rows_per_second = rows as f64 / Duration::from_micros((after.time_us - before.time_us).max(1)).as_secs_f64();
        }
    }

    fn take_log(&mut self, log: &Lines) {
        let (lines, dropped) = std::mem::take(&mut *log.lines.lock().unwrap_or_else(PoisonError::into_inner));
        self.log.extend(lines);
        self.log_lines_dropped += dropped;
    }
}

/// What a tenant may use on a server that was told nothing else.
fn tenant_limits() -> TenantLimits {
    TenantLimits { memory_bytes_max: (TENANT_MEMORY_MIB as u64) << 20, ..TenantLimits::default() }
}

fn sandbox() -> anyhow::Result<Sandbox> {
    let folder = DataDir::open(&cache_folder()?.join("plugin-test"), PATIENCE)?;
    let compiler = CompilerCommand { program: "/proc/self/exe".into(), args: vec![crate::COMPILE_COMPONENT.into()] };
    let mut config = SandboxConfig::new(folder.join("code-cache"), folder.key("mac.key")?, compiler);
    config.pool.instances_max = INSTANCES_MAX;
    Sandbox::new(config).context("cannot set up the sandbox")
}

/// The first pass: what the plugin answers, to the rows and at their end.
async fn pass(subject: &mut Subject, batches: &[Batch], lines: &[(usize, &str)], outcome: &mut Outcome) -> anyhow::Result<()> {
    let output = subject.output().clone();
    for (number, batch) in batches.iter().enumerate() {
        let answer = match subject.process(batch).await {
            Ok(answer) => answer,
            Err(report) => {
                outcome.fault = Some(report);
                return Ok(());
            }
        };
        let line = |row: u32| lines.get(number * ROWS_PER_BATCH + row as usize).map_or(0, |(line, _)| line + 1);
        outcome.rejected.extend(subject.take_rejected().into_iter().map(|r| Rejected { line: line(r.row), message: r.message }));
        outcome.rows.extend(shown(&output, &answer)?);
    }
    let rest = subject.rest(!batches.is_empty()).await;
    match rest {
        Ok(rest) => {
            for answer in rest {
                outcome.rows.extend(shown(&output, &answer)?);
            }
        }
        Err(report) => outcome.fault = Some(report),
    }
    Ok(())
}

/// Rows as they are printed: change kind and JSON.
fn shown(schema: &Schema, answer: &Batch) -> anyhow::Result<Vec<String>> {
    const KINDS: [&str; 4] = ["+I", "-U", "+U", "-D"];
    if answer.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let format = FormatSpec::Json(JsonOptions { timestamp_format: TimestampFormat::Sql, ..JsonOptions::default() });
    let mut encoded = EncodedRows::default();
    Encoder::new(&format, schema)?.encode(&answer.rows, &mut encoded)?;
    let kinds = answer.kinds.as_ref();
    let rows = encoded.iter().enumerate().map(|(row, message)| {
        let kind = kinds.and_then(|kinds| kinds.values().get(row)).and_then(|kind| KINDS.get(usize::from(*kind)));
        format!("{} {}", kind.unwrap_or(&"+I"), String::from_utf8_lossy(message))
    });
    Ok(rows.collect())
}

/// Fuel and speed, over the first pass or as long as asked for.
async fn measure(subject: &mut Subject, batches: &[Batch], time: Duration, outcome: &mut Outcome) {
    let (before, started) = (subject.usage(), Instant::now());
    let mut rows = 0;
    'measured: while outcome.fault.is_none() && !batches.is_empty() {
        for batch in batches {
            if subject.process(batch).await.is_err() {
                break 'measured;
            }
            subject.take_rejected();
            rows += batch.rows.num_rows();
        }
        if started.elapsed() >= time {
            break;
        }
    }
    outcome.figures(rows, &before, &subject.usage());
}

fn decode(path: &Path, schema: &Schema, lines: &[(usize, &str)], rows_per_batch: usize) -> anyhow::Result<Vec<Batch>> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let mut decoder = Decoder::new(&FormatSpec::Json(JsonOptions::default()), schema)?;
    let mut batches = Vec::new();
    for chunk in lines.chunks(rows_per_batch) {
        for (line, text) in chunk {
            if let Err(bad) = decoder.push(text.as_bytes()) {
                bail!("{}:{}: field `{}`: {}", path.display(), line + 1, bad.field, bad.message);
            }
        }
        batches.push(Batch::inserts(decoder.finish()));
    }
    Ok(batches)
}

/// Columns as the rows' values look: BIGINT, DOUBLE, BOOLEAN, STRING; nullable, in the order of appearance.
fn guess(lines: &[(usize, &str)]) -> anyhow::Result<Schema> {
    let mut columns: Vec<(String, Option<DataType>)> = Vec::new();
    for (line, text) in lines {
        let row: serde_json::Map<String, Value> = serde_json::from_str(text).with_context(|| format!("line {}", line + 1))?;
        for (name, value) in row {
            let found = match &value {
                Value::Null => None,
                Value::Bool(_) => Some(DataType::Boolean),
                Value::Number(number) if number.is_i64() => Some(DataType::BigInt),
                Value::Number(_) => Some(DataType::Double),
                Value::String(_) => Some(DataType::String),
                Value::Array(_) | Value::Object(_) => bail!("line {}: `{name}` is nested", line + 1),
            };
            match columns.iter_mut().find(|(known, _)| *known == name) {
                None => columns.push((name, found)),
                Some((_, known)) => match (&known, &found) {
                    (_, None) => {}
                    (None, _) | (Some(DataType::BigInt), Some(DataType::Double)) => *known = found,
                    (Some(DataType::Double), Some(DataType::BigInt)) => {}
                    (Some(before), Some(now)) if before != now => {
                        bail!("line {}: `{name}` is {now}, in the rows before {before}", line + 1)
                    }
                    _ => {}
                },
            }
        }
    }
    let field = |(name, data_type): (String, Option<DataType>)| Field::new(name, data_type.unwrap_or(DataType::String), true);
    Ok(Schema::new(columns.into_iter().map(field).collect())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &str, expected: &str) {
        let lines: Vec<(usize, &str)> = rows.lines().enumerate().collect();
        let found = match guess(&lines) {
            Ok(schema) => schema.fields().iter().map(|f| format!("{} {}", f.name, f.data_type)).collect::<Vec<_>>().join(", "),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn columns_are_guessed_from_values() {
        check("{\"a\": 1, \"b\": null}\n{\"b\": \"x\", \"a\": 1.5, \"c\": true}", "a DOUBLE, b STRING, c BOOLEAN");
        check("{\"a\": 1}\n{\"a\": \"x\"}", "line 2: `a` is STRING, in the rows before BIGINT");
        check("{\"a\": [1]}", "line 1: `a` is nested");
        check("{\"a\": null}", "a STRING");
    }
}
