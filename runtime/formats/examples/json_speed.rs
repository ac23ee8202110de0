//! Time per record of reading and writing click-stream records of about 119 bytes.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use millrace_formats::{Decoder, EncodedRows, Encoder, FormatSpec};
use millrace_model::{Field, Schema};
use std::time::Instant;

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
    let began = Instant::now();
    for _ in 0..ROUNDS {
        for record in &records {
            decoder.push(record).unwrap();
        }
        batch = Some(decoder.finish());
    }
    let reading = began.elapsed();
    let batch = batch.unwrap();
    let mut encoder = Encoder::new(&spec, &schema).unwrap();
    let mut rows = EncodedRows::default();
    let began = Instant::now();
    for _ in 0..ROUNDS {
        rows.clear();
        encoder.encode(&batch, &mut rows).unwrap();
    }
    let writing = began.elapsed();
    let per_record = |t: std::time::Duration| t.as_secs_f64() * 1e6 / (ROWS * ROUNDS) as f64;
    println!("record_bytes {:.0}", bytes as f64 / ROWS as f64);
    println!("decode_us_per_record {:.3}", per_record(reading));
    println!("encode_us_per_record {:.3}", per_record(writing));
}
