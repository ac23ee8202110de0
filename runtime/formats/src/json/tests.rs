//! Cases of reading and writing JSON. The folder `cases` holds them as data: `<name>.schema` (one `name type` a line,
//! options after `#`), `<name>.in` (one record a line), `<name>.out` (what is written again, or the error).

use crate::{Decoder, EncodedRows, Encoder, FormatSpec};
use millrace_model::{Field, Schema};
use proptest::prelude::*;
use serde_json::json;
use std::{fs, path::Path};

fn schema(columns: &[(&str, &str)]) -> Schema {
    let field = |(name, text): &(&str, &str)| {
        let (text, nullable) = text.strip_suffix(" NOT NULL").map_or((*text, true), |t| (t, false));
        Field::new(*name, text.parse().unwrap(), nullable)
    };
    Schema::new(columns.iter().map(field).collect()).unwrap()
}

/// Reads each line and writes it again; a bad one becomes its error and must not disturb its neighbours.
fn round_trip(spec: &FormatSpec, schema: &Schema, lines: &[&[u8]]) -> Vec<String> {
    let mut decoder = Decoder::new(spec, schema).unwrap();
    let faults: Vec<Option<String>> = lines.iter().map(|line| decoder.push(line).err().map(|e| format!("! {e}"))).collect();
    let mut rows = EncodedRows::default();
    Encoder::new(spec, schema).unwrap().encode(&decoder.finish(), &mut rows).unwrap();
    let mut written = rows.iter().map(|row| String::from_utf8(row.to_vec()).unwrap());
    faults.into_iter().map(|fault| fault.unwrap_or_else(|| written.next().unwrap())).collect()
}

#[test]
fn cases_in_files_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/json/cases");
    let mut cases = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "schema") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (columns, options) = text.split_once('#').unwrap_or((&text, "{\"type\": \"json\"}"));
        let columns: Vec<(&str, &str)> = columns.lines().filter_map(|line| line.split_once(' ')).collect();
        let spec = FormatSpec::from_json(&serde_json::from_str(options).unwrap()).unwrap();
        let input = fs::read(path.with_extension("in")).unwrap();
        let lines: Vec<&[u8]> = input.strip_suffix(b"\n").unwrap_or(&input).split(|&b| b == b'\n').collect();
        let found = round_trip(&spec, &schema(&columns), &lines).join("\n") + "\n";
        let golden = path.with_extension("out");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&golden).unwrap(), "case {}", path.display());
        cases += 1;
    }
    assert!(cases >= 5, "only {cases} cases were found in {}", folder.display());
}

#[test]
fn a_bad_record_leaves_the_columns_unchanged() {
    let schema = schema(&[("a", "BIGINT"), ("b", "ARRAY<ROW<x INT, y STRING>>"), ("c", "MAP<STRING, INT>"), ("d", "INT NOT NULL")]);
    let spec = FormatSpec::from_json(&json!({"type": "json"})).unwrap();
    let good: &[u8] = br#"{"a":1,"b":[{"x":1,"y":"one"},null],"c":{"k":1},"d":4}"#;
    let mut records = vec![good];
    for cut in 0..good.len() {
        records.push(&good[..cut]);
    }
    records.push(good);
    let written = round_trip(&spec, &schema, &records);
    assert_eq!(written.first().map(String::as_bytes), Some(good));
    assert_eq!(written.last().map(String::as_bytes), Some(good));
    for (cut, fault) in written[1..=good.len()].iter().enumerate() {
        assert!(fault.starts_with("! "), "cut at {cut}: {fault}");
    }
}

#[test]
fn deep_nesting_is_refused_without_recursing() {
    let spec = FormatSpec::from_json(&json!({"type": "json"})).unwrap();
    let deep = format!("{{\"unknown\":{}", "[".repeat(1_000_000));
    let found = round_trip(&spec, &schema(&[("a", "INT")]), &[deep.as_bytes()]);
    assert_eq!(found, ["! is nested deeper than 128 levels at byte 140"]);
}

const ALL_TYPES: &[(&str, &str)] = &[
    ("b", "BOOLEAN"),
    ("t", "TINYINT"),
    ("s", "SMALLINT"),
    ("i", "INT"),
    ("l", "BIGINT"),
    ("f", "FLOAT"),
    ("d", "DOUBLE"),
    ("m", "DECIMAL(38, 10)"),
    ("x", "STRING"),
    ("y", "BYTES"),
    ("date", "DATE"),
    ("time", "TIME(3)"),
    ("nano", "TIME(9)"),
    ("ts", "TIMESTAMP(3)"),
    ("ltz", "TIMESTAMP_LTZ(9)"),
    ("arr", "ARRAY<INT>"),
    ("map", "MAP<STRING, DOUBLE>"),
    ("row", "ROW<a INT, b ARRAY<ROW<c STRING NOT NULL>>>"),
];

/// A valid record of all types, to be damaged.
const RECORD: &[u8] = br#"{"b":true,"t":-8,"s":300,"i":7,"l":9007199254740993,"f":1.5,"d":-2.25e10,"m":0.1,"x":"a\u00e9\n","y":"AQI=","date":"2024-02-29","time":"01:02:03.004","nano":"23:59:59.999999999","ts":"2020-01-01 00:00:00.123","ltz":"1969-12-31 23:59:59.5Z","arr":[1,null],"map":{"k":1.0},"row":{"a":1,"b":[{"c":"z"}]}}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// serde_json decides what is JSON; no bytes may do more than make a record bad.
    #[test]
    fn damaged_records_never_crash_and_never_pass_as_json(edits in prop::collection::vec((0..RECORD.len(), any::<u8>()), 1..4), cut in 0..RECORD.len()) {
        let spec = FormatSpec::from_json(&json!({"type": "json"})).unwrap();
        let mut record = RECORD.to_vec();
        for (at, byte) in edits {
            record[at] = byte;
        }
        record.truncate(RECORD.len() - cut / 40);
        let found = round_trip(&spec, &schema(ALL_TYPES), &[RECORD, &record, RECORD]);
        prop_assert_eq!(&found[0], &found[2]);
        if !found[1].starts_with("! ") {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&record).is_ok(), "{}", String::from_utf8_lossy(&record));
        }
    }

    #[test]
    fn random_bytes_never_crash(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let spec = FormatSpec::from_json(&json!({"type": "json"})).unwrap();
        let found = round_trip(&spec, &schema(ALL_TYPES), &[&bytes]);
        prop_assert_eq!(found.len(), 1);
    }

    /// What is written is JSON that serde_json reads as the same text.
    #[test]
    fn texts_survive(text in any::<String>()) {
        let spec = FormatSpec::from_json(&json!({"type": "json"})).unwrap();
        let record = serde_json::to_vec(&json!({"x": text})).unwrap();
        let found = round_trip(&spec, &schema(&[("x", "STRING")]), &[&record]);
        let read: serde_json::Value = serde_json::from_str(&found[0]).unwrap();
        prop_assert_eq!(read["x"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn numbers_survive(double in any::<f64>().prop_filter("JSON has finite numbers", |d| d.is_finite()), long in any::<i64>()) {
        let spec = FormatSpec::from_json(&json!({"type": "json"})).unwrap();
        let record = serde_json::to_vec(&json!({"d": double, "l": long})).unwrap();
        let found = round_trip(&spec, &schema(&[("d", "DOUBLE"), ("l", "BIGINT")]), &[&record]);
        // Rust's own reading of doubles is exact, serde_json's is not.
        let (read_double, read_long) = found[0].strip_prefix("{\"d\":").and_then(|s| s.strip_suffix('}')).unwrap().split_once(",\"l\":").unwrap();
        prop_assert_eq!(read_double.parse::<f64>().unwrap().to_bits(), double.to_bits());
        prop_assert_eq!(read_long.parse::<i64>(), Ok(long));
    }
}
