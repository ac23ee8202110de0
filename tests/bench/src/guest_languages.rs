//! `measure guest-languages`: the same ETL operator made from several languages, fuel and interrupt ticks on, one thread.
//! Answers by name: rows per second, fuel per row, size, compile time.
//!
//! Invariant: the first component is the reference, the others must answer the same rows.

use crate::job::compiler;
use anyhow::{Context, bail};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use millrace_model::ids::{NodeId, TenantId};
use millrace_model::{Batch, DataType, Field, Schema};
use millrace_sandbox::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROWS: usize = 1_024;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(400);

/// Measures each `name=component.wasm`; `admit:name=component.wasm` is only admitted, for its compile time.
pub(crate) fn run(components: &[String]) -> anyhow::Result<Value> {
    let cache = tempfile::tempdir()?;
    let sandbox = Sandbox::new(SandboxConfig::new(cache.path(), [1; 32], compiler()?))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&sandbox, components))
}

struct Guest {
    name: String,
    operator: EtlOperator,
    facts: Value,
    rates: Vec<f64>,
}

async fn measure(sandbox: &Sandbox, components: &[String]) -> anyhow::Result<Value> {
    let batch = batch()?;
    let mut guests = Vec::new();
    let mut figures = serde_json::Map::new();
    for argument in components {
        let (name, path) = argument.split_once('=').with_context(|| format!("`{argument}`: expected name=component"))?;
        if let Some(name) = name.strip_prefix("admit:") {
            let info = sandbox.admit(std::fs::read(path)?.into()).await.with_context(|| name.to_owned())?;
            figures.insert(name.to_owned(), facts(&info));
            continue;
        }
        guests.push(open(sandbox, name, std::fs::read(path)?).await.with_context(|| name.to_owned())?);
    }
    let mut expected: Option<RecordBatch> = None;
    for guest in &mut guests {
        let answer = guest.operator.process(&batch).await.with_context(|| guest.name.clone())?.rows;
        let columns = expected.get_or_insert_with(|| answer.clone()).columns();
        if answer.columns() != columns {
            bail!("{} answers other rows than the first", guest.name);
        }
    }
    // The languages take turns, so that a noisy moment of the machine meets them all.
    for _ in 0..ROUNDS {
        for guest in &mut guests {
            let (started, mut batches) = (Instant::now(), 0_u64);
            while started.elapsed() < ROUND {
                std::hint::black_box(guest.operator.process(&batch).await?);
                batches += 1;
            }
            guest.rates.push(batches as f64 * ROWS as f64 / started.elapsed().as_secs_f64());
        }
    }
    figures.extend(guests.into_iter().map(|guest| (guest.name.clone(), guest.figures())));
    Ok(Value::Object(figures))
}

async fn open(sandbox: &Sandbox, name: &str, component: Vec<u8>) -> anyhow::Result<Guest> {
    let component: bytes::Bytes = component.into();
    let info = sandbox.admit(component.clone()).await?;
    let loaded = sandbox.load(&info.content_hash, component).await?;
    let open = OpenGuest {
        tenant: TenantId::new("bench"),
        job: "guest-languages".into(),
        operator: NodeId::new(name),
        function: None,
        parameters: [("factor".to_owned(), "1.1".to_owned())].into(),
        limits: OperatorLimits::default(),
        account: Arc::new(TenantAccount::new(TenantLimits::default())),
        log: Arc::new(NoLog),
        context: GuestContext::default(),
    };
    let opening = Instant::now();
    let operator = sandbox.open_etl(&loaded, open, schema()?).await?;
    let mut facts = facts(&info);
    facts["open_us"] = json!(opening.elapsed().as_micros() as u64);
    Ok(Guest { name: name.to_owned(), operator, facts, rates: Vec::new() })
}

fn facts(info: &ComponentInfo) -> Value {
    json!({"size_bytes": info.size_bytes, "cranelift_ms": info.compile_ms})
}

impl Guest {
    fn figures(mut self) -> Value {
        self.rates.sort_by(f64::total_cmp);
        let usage = self.operator.usage();
        let facts = &mut self.facts;
        facts["rows_per_second"] = json!(self.rates.get(self.rates.len() / 2).copied().unwrap_or_default().round());
        facts["fuel_per_row"] = json!(usage.fuel as f64 / (usage.calls as f64 * ROWS as f64));
        facts["memory_peak_bytes"] = json!(usage.memory_peak_bytes);
        self.facts
    }
}

fn schema() -> anyhow::Result<Schema> {
    Ok(Schema::new(vec![
        Field::new("id", DataType::BigInt, false),
        Field::new("name", DataType::String, false),
        Field::new("amount", DataType::Double, false),
    ])?)
}

/// Half of the rows pass; names of 11 to 13 letters, as the comparison on the JVM makes them.
fn batch() -> anyhow::Result<Batch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..ROWS as i64)),
        Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| format!("user name {}", row * 7_919 % 1_000)))),
        Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| (row % 100) as f64))),
    ];
    Ok(Batch::inserts(RecordBatch::try_new(schema()?.to_arrow(), columns)?))
}
