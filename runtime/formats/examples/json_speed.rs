//! CPU time per record of reading and writing click-stream records of about 119 bytes. CPU, not wall-clock time: the
//! figures hold on a busy machine too.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use millrace_formats::{Decoder, EncodedRows, Encoder, FormatSpec};
use millrace_model::{Field, Schema};

const ROWS: usize = 8_192;
const ROUNDS: usize = 200;

fn main() {
    let columns = [
        ("id", "BIGINT"),
        ("usr", "STRING"),
        ("item", "STRING"),
        ("action", "STRING"),
        ("amount", "DOUBLE"),
        ("region", "STRING"),
        ("ts", "BIGINT"),
    ];
    let schema = Schema::new(columns.iter().map(|(n, t)| Field::new(*n, t.parse().unwrap(), true)).collect()).unwrap();
    let spec = FormatSpec::from_json(&serde_json::json!({"type": "json"})).unwrap();
    let records: Vec<Vec<u8>> = (0..ROWS as u64)
        .map(|i| {
            let h = i.wrapping_mul(2_654_435_761) & 0xffff_ffff;
            let action = ["view", "click", "buy"][(h >> 7) as usize % 3];
            let region = ["eu-1", "eu-2", "us-1", "us-2", "ap-1"][(h >> 9) as usize % 5];
            format!(
                "{{\"id\":{},\"usr\":\"user-{:04}\",\"item\":\"item-{:05}\",\"action\":\"{action}\",\"amount\":{}.{:02},\"region\":\"{region}\",\"ts\":{}}}",
                i + 1_000_000, h % 1_000, (h >> 10) % 50_000, (h >> 5) % 500, (h >> 3) % 100, 1_700_000_000_000 + i
            )
            .into_bytes()
        })
        .collect();
    let bytes: usize = records.iter().map(Vec::len).sum();
    let mut decoder = Decoder::new(&spec, &schema).unwrap();
    let mut batch = None;
    let began = cpu_ns();
    for _ in 0..ROUNDS {
        for record in &records {
            decoder.push(record).unwrap();
        }
        batch = Some(decoder.finish());
    }
    let reading = cpu_ns() - began;
    let batch = batch.unwrap();
    let mut encoder = Encoder::new(&spec, &schema).unwrap();
    let mut rows = EncodedRows::default();
    let began = cpu_ns();
    for _ in 0..ROUNDS {
        rows.clear();
        encoder.encode(&batch, &mut rows).unwrap();
    }
    let writing = cpu_ns() - began;
    let per_record = |ns: u64| ns as f64 / 1e3 / (ROWS * ROUNDS) as f64;
    println!("record_bytes {:.0}", bytes as f64 / ROWS as f64);
    println!("decode_us_per_record {:.3}", per_record(reading));
    println!("encode_us_per_record {:.3}", per_record(writing));
}

/// Nanoseconds that this thread has been on a processor (Linux).
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}
