//! Cases of reading and writing CSV.

use crate::{Decoder, EncodedRows, Encoder, FormatSpec};
use millrace_model::{Field, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

const COLUMNS: &[(&str, &str)] = &[("id", "BIGINT"), ("name", "STRING"), ("price", "DECIMAL(10, 2)"), ("at", "TIMESTAMP(3)")];

fn schema(columns: &[(&str, &str)]) -> Schema {
    Schema::new(columns.iter().map(|(name, text)| Field::new(*name, text.parse().unwrap(), true)).collect()).unwrap()
}

fn round_trip(options: &Value, lines: &[&[u8]]) -> Vec<String> {
    let spec = FormatSpec::from_json(options).unwrap();
    let mut decoder = Decoder::new(&spec, &schema(COLUMNS)).unwrap();
    let faults: Vec<Option<String>> = lines.iter().map(|line| decoder.push(line).err().map(|e| format!("! {e}"))).collect();
    let mut rows = EncodedRows::default();
    Encoder::new(&spec, &schema(COLUMNS)).unwrap().encode(&decoder.finish(), &mut rows).unwrap();
    let mut written = rows.iter().map(|row| String::from_utf8(row.to_vec()).unwrap());
    faults.into_iter().map(|fault| fault.unwrap_or_else(|| written.next().unwrap())).collect()
}

fn check(options: Value, line: &str, expected: &str) {
    let good: &[u8] = b"0,x,0,2020-01-01 00:00:00";
    let sample = line.as_bytes();
    let found = round_trip(&options, &[sample]);
    assert_eq!(found, [expected], "for {line:?}");
    if options.get("delimiter").is_none() && options.get("null_literal").is_none() {
        // Neither a good nor a bad line disturbs its neighbours.
        let found = round_trip(&options, &[good, sample, good]);
        assert_eq!(found, ["0,x,0.00,2020-01-01 00:00:00", expected, "0,x,0.00,2020-01-01 00:00:00"], "for {line:?}");
    }
}

#[test]
fn lines_are_read_and_written() {
    let csv = || json!({"type": "csv"});
    check(csv(), "1,apple,1.5,2020-01-01 00:00:00.5", "1,apple,1.50,2020-01-01 00:00:00.5");
    check(csv(), "1,apple,1.5,2020-01-01 00:00:00\r\n", "1,apple,1.50,2020-01-01 00:00:00");
    check(csv(), "1,\"a,\"\"b\"\"\nc\",,", "1,\"a,\"\"b\"\"\nc\",,");
    check(csv(), ",,,", ",,,");
    check(csv(), "1,é日本,,", "1,é日本,,");
    check(json!({"type": "csv", "delimiter": ";", "quote": "'"}), "1;'a;b';2;", "1;'a;b';2.00;");
    check(json!({"type": "csv", "null_literal": "n/a"}), "n/a,n/a,1,n/a", "n/a,n/a,1.00,n/a");
    check(json!({"type": "csv", "delimiter": "-"}), "1-b-2-\"2020-01-01 00:00:00\"", "1-b-2.00-\"2020-01-01 00:00:00\"");
}

#[test]
fn bad_lines_say_what_is_wrong() {
    let csv = || json!({"type": "csv"});
    check(csv(), "", "! is empty");
    check(csv(), "\n", "! is empty");
    check(csv(), "1,a,2", "! has 3 fields, expected 4");
    check(csv(), "1,a,2,,5", "! has at least 5 fields, expected 4");
    check(csv(), "1,a,2,\n2,b,3,", "! holds more than one line");
    check(csv(), "x,a,2,", "! field `id`: `x` is not BIGINT, expected an integer in range");
    check(csv(), "1,a,123456789.1,", "! field `price`: `123456789.1` does not fit DECIMAL(10, 2)");
    let found = round_trip(&csv(), &[b"1,\xff,2,"]);
    assert_eq!(found, ["! holds invalid UTF-8 1 bytes into its fields"]);
}

#[test]
fn nested_types_are_refused() {
    let spec = FormatSpec::from_json(&json!({"type": "csv"})).unwrap();
    let nested = schema(&[("tags", "ARRAY<STRING>")]);
    assert_eq!(Decoder::new(&spec, &nested).err().map(|e| e.field), Some("tags".into()));
    assert_eq!(Encoder::new(&spec, &nested).err().map(|e| e.field), Some("tags".into()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_crash(bytes in prop::collection::vec(prop::sample::select(b"1,\"\r\n\xff\x00ab-".to_vec()), 0..60)) {
        let good: &[u8] = b"0,x,0.00,";
        let found = round_trip(&json!({"type": "csv"}), &[good, &bytes, good]);
        prop_assert_eq!((found[0].as_bytes(), found[2].as_bytes()), (good, good));
    }

    /// Every text survives writing and reading.
    #[test]
    fn texts_survive(name in "[a-z,\"\n\r';é]{0,12}") {
        let spec = FormatSpec::from_json(&json!({"type": "csv"})).unwrap();
        let names = schema(&[("name", "STRING"), ("n", "INT")]);
        let mut json = Decoder::new(&FormatSpec::from_json(&json!({"type": "json"})).unwrap(), &names).unwrap();
        json.push(&serde_json::to_vec(&json!({"name": name, "n": 1})).unwrap()).unwrap();
        let batch = json.finish();
        let mut rows = EncodedRows::default();
        Encoder::new(&spec, &names).unwrap().encode(&batch, &mut rows).unwrap();
        let mut decoder = Decoder::new(&spec, &names).unwrap();
        prop_assert!(decoder.push(rows.iter().next().unwrap()).is_ok());
        prop_assert_eq!(decoder.finish(), batch);
    }
}
