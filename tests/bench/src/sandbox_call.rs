//! `measure sandbox-call`: rows per second of 1,024-row batches through `EtlOperator::process`, fuel and ticks on,
//! against the same kernel native.
//!
//! Invariant: component and native code must answer the same rows before anything is measured.

#[path = "../call-guest/src/kernel.rs"]
mod kernel;

use crate::job::compiler;
use anyhow::{Context, bail};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, cast::AsArray, types};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use millrace_model::ids::{NodeId, TenantId};
use millrace_model::{Batch, DataType, Field, Schema};
use millrace_sandbox::*;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROWS: usize = 1_024;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(300);

/// Measures the component of `tests/bench/call-guest`.
pub(crate) fn run(component: &Path) -> anyhow::Result<serde_json::Value> {
    let component = std::fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
    let cache = tempfile::tempdir()?;
    let sandbox = Sandbox::new(SandboxConfig::new(cache.path(), [1; 32], compiler()?))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(&sandbox, component.into()))
}

async fn measure(sandbox: &Sandbox, component: bytes::Bytes) -> anyhow::Result<serde_json::Value> {
    let info = sandbox.admit(component.clone()).await?;
    let loaded = sandbox.load(&info.content_hash, component).await?;
    let batch = batch()?;
    let open = OpenGuest {
        tenant: TenantId::new("bench"),
        job: "sandbox-call".into(),
        operator: NodeId::new("kernel"),
        function: None,
        parameters: Default::default(),
        limits: OperatorLimits::default(),
        account: Arc::new(TenantAccount::new(TenantLimits::default())),
        log: Arc::new(NoLog),
        context: GuestContext::default(),
    };
    let opening = Instant::now();
    let mut operator = sandbox.open_etl(&loaded, open, input_schema()?).await?;
    let open_us = opening.elapsed().as_micros();
    let schema = operator.output_arrow_schema().clone();
    if operator.process(&batch).await?.rows != native(&batch, &schema)?.rows {
        bail!("guest and native kernel disagree");
    }
    let (mut guest_rates, mut native_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (started, mut batches) = (Instant::now(), 0_u64);
        while started.elapsed() < ROUND {
            for _ in 0..64 {
                std::hint::black_box(operator.process(&batch).await?);
            }
            batches += 64;
        }
        guest_rates.push(batches as f64 * ROWS as f64 / started.elapsed().as_secs_f64());
        let (started, mut batches) = (Instant::now(), 0_u64);
        while started.elapsed() < ROUND {
            for _ in 0..64 {
                std::hint::black_box(native(&batch, &schema)?);
            }
            batches += 64;
        }
        native_rates.push(batches as f64 * ROWS as f64 / started.elapsed().as_secs_f64());
    }
    let usage = operator.usage();
    let figures = serde_json::json!({
        "rows_per_batch": ROWS,
        "rows_per_second": median(&mut guest_rates).round(),
        "rows_per_second_best": guest_rates.last().copied().unwrap_or_default().round(),
        "native_rows_per_second": median(&mut native_rates).round(),
        "ratio_to_native": median(&mut guest_rates) / median(&mut native_rates),
        "fuel_per_row": usage.fuel as f64 / (usage.calls as f64 * ROWS as f64),
        "open_us": open_us,
        "memory_peak_bytes": usage.memory_peak_bytes,
        "compile_ms": info.compile_ms,
        "fuel": true,
        "interrupt_ticks": true,
    });
    Ok(figures)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn input_schema() -> anyhow::Result<Schema> {
    Ok(Schema::new(vec![
        Field::new("id", DataType::BigInt, false),
        Field::new("ts", DataType::BigInt, false),
        Field::new("v", DataType::Double, true),
        Field::new("name", DataType::String, false),
    ])?)
}

/// Values uniform in 0 to 1, every 32nd null; names of 10 to 30 lower-case letters.
fn batch() -> anyhow::Result<Batch> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let values: Vec<f64> = (0..ROWS).map(|_| (random() >> 11) as f64 / (1_u64 << 53) as f64).collect();
    let nulls = NullBuffer::from_iter((0..ROWS).map(|row| row % 32 != 7));
    let names = StringArray::from_iter_values((0..ROWS).map(|_| {
        let length = 10 + random() % 21;
        (0..length).map(|_| char::from(b'a' + (random() % 26) as u8)).collect::<String>()
    }));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..ROWS as i64)),
        Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| 1_700_000_000_000 + row))),
        Arc::new(Float64Array::try_new(values.into(), Some(nulls))?),
        Arc::new(names),
    ];
    Ok(Batch::inserts(RecordBatch::try_new(input_schema()?.to_arrow(), columns)?))
}

/// The same kernel in this process, Arrow in and out; its text needs no checks, as native code would not make any.
fn native(batch: &Batch, schema: &arrow_schema::SchemaRef) -> anyhow::Result<Batch> {
    let columns = batch.rows.columns();
    let [ids, times, values, names] = columns else { bail!("four columns") };
    let (values, names) = (values.as_primitive::<types::Float64Type>(), names.as_string::<i32>());
    let output = kernel::process(&kernel::Input {
        ids: ids.as_primitive::<types::Int64Type>().values(),
        times: times.as_primitive::<types::Int64Type>().values(),
        values: values.values(),
        validity: values.nulls().map(NullBuffer::validity),
        offsets: names.value_offsets(),
        text: names.value_data(),
    });
    let offsets = OffsetBuffer::new(ScalarBuffer::from(output.offsets));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(output.ids)),
        Arc::new(Int64Array::from(output.times)),
        Arc::new(Float64Array::from(output.values)),
        Arc::new(Float64Array::from(output.lines)),
        Arc::new(StringArray::try_new(offsets, Buffer::from_vec(output.text), None)?),
    ];
    Ok(Batch::inserts(RecordBatch::try_new(schema.clone(), columns)?))
}
