//! Each format from bytes to schema and rows, and files that lie.

use crate::{Hints, Package, PackageFormat, inspect};
use serde_json::{Value, json};
use std::io::Write;

fn look(bytes: &[u8], hints: Hints) -> Result<Package, String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    inspect(&file, hints).map_err(|error| error.to_string())
}

fn found(bytes: &[u8]) -> Package {
    look(bytes, Hints::default()).unwrap()
}

fn columns(package: &Package) -> String {
    package.schema.fields().iter().map(|f| format!("{} {}", f.name, f.data_type)).collect::<Vec<_>>().join(", ")
}

fn refused(bytes: &[u8], reason: &str) {
    let error = look(bytes, Hints::default()).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn csv_with_header_and_types() {
    let text = "id,price,code,seen,day,ok,at\n1,2.5,007,2024-01-02 03:04:05.678,2024-01-02,true,2024-01-02 03:04:05Z\n\
                2,3,008,2024-01-02 03:04:06,2024-01-03,FALSE,\n";
    let package = found(text.as_bytes());
    assert_eq!(package.format, PackageFormat::Csv);
    assert_eq!(Value::Object(package.options.clone()), json!({"delimiter": ",", "header": true}));
    let expected = "id BIGINT, price DOUBLE, code STRING, seen TIMESTAMP(3), day DATE, ok BOOLEAN, at TIMESTAMP_LTZ(3)";
    assert_eq!((columns(&package).as_str(), package.row_count), (expected, Some(2)));
    let second = json!({"id": 2, "price": 3.0, "code": "008", "seen": "2024-01-02 03:04:06", "day": "2024-01-03", "ok": false, "at": null});
    assert_eq!(Value::Object(package.rows[1].clone()), second);
}

#[test]
fn csv_without_header_with_quotes_and_odd_rows() {
    let package = found(b"1;\"a;b\n c\"\n2;\"say \"\"x\"\"\"\n");
    assert_eq!(columns(&package), "c1 BIGINT, c2 STRING");
    assert_eq!((package.rows[0]["c2"].as_str(), package.rows[1]["c2"].as_str()), (Some("a;b\n c"), Some("say \"x\"")));
    let many = format!("{}3;y;z\n", "1;x\n".repeat(60));
    let package = found(many.as_bytes());
    assert_eq!((package.warnings, package.row_count), (vec!["row 61 has 3 fields, expected 2".to_owned()], Some(61)));
    let hints = Hints { is_csv: true, has_header: Some(true), ..Hints::default() };
    assert_eq!(columns(&look(b"url\nhttp://a\n", hints).unwrap()), "url STRING");
    refused(b"just some words\nand more, of them\n", "neither JSON lines nor CSV");
}

#[test]
fn json_lines_with_nested_values() {
    let text = "{\"a\": 1, \"b\": {\"c\": [1, 2.5]}, \"t\": \"2024-01-02T03:04:05Z\"}\n\n{\"a\": \"x\", \"d\": null, \"t\": \"2024-01-02T03:04:05.123456Z\"}\nnot json\n";
    let package = found(text.as_bytes());
    assert_eq!(columns(&package), "a STRING, b ROW<`c` ARRAY<DOUBLE>>, t TIMESTAMP_LTZ(6), d STRING");
    assert_eq!(package.options["timestamp_format"], "ISO-8601");
    assert_eq!((package.row_count, package.rows.len()), (Some(2), 2));
    assert!(package.warnings[0].starts_with("line 4 is not a JSON object"), "{:?}", package.warnings);
    refused(b"{\"a\": 1", "line 1 is not a JSON object");
    refused(b"[{\"a\": 1}]", "without brackets");
    refused(format!("{{\"a\": {}1{}}}\n", "[".repeat(40), "]".repeat(40)).as_bytes(), "nested deeper than 16 levels");
}

#[test]
fn a_long_text_is_sampled_and_its_preview_is_bounded() {
    let line = format!("{{\"id\": 1, \"text\": \"{}\"}}\n", "x".repeat(3_000));
    let package = found(line.repeat(20_000).as_bytes());
    assert_eq!(package.row_count, None);
    assert_eq!(package.rows[0]["text"].as_str().unwrap().chars().count(), 1_001);
    assert!(serde_json::to_vec(&package.rows).unwrap().len() <= crate::limits::PREVIEW_BYTES_MAX);
}

#[test]
fn what_is_no_package_is_told_so() {
    refused(b"", "empty");
    refused(b" \n ", "only white space");
    refused(b"\x7fELF\x00\x00", "binary");
    refused(b"a,b\n\xff\xfe,c\n", "line 2 is not UTF-8");
    refused(b"PAR1 and nothing more", "the Parquet file cannot be read");
    refused(b"Obj\x01 and nothing more", "");
}

/// A zig-zag number.
fn long(value: i64) -> Vec<u8> {
    let mut bits = ((value << 1) ^ (value >> 63)) as u64;
    let mut bytes = Vec::new();
    while bits >= 0x80 {
        bytes.push((bits as u8) | 0x80);
        bits >>= 7;
    }
    bytes.push(bits as u8);
    bytes
}

fn text(value: &[u8]) -> Vec<u8> {
    [long(value.len() as i64), value.to_vec()].concat()
}

fn avro(codec: &str, block: &[u8], rows: i64) -> Vec<u8> {
    let schema = json!({"type": "record", "name": "r", "fields": [
        {"name": "id", "type": "long"},
        {"name": "name", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ]});
    let head = [
        b"Obj\x01".to_vec(),
        long(2),
        text(b"avro.schema"),
        text(schema.to_string().as_bytes()),
        text(b"avro.codec"),
        text(codec.as_bytes()),
        long(0),
        vec![7; 16],
    ];
    [head.concat(), long(rows), long(block.len() as i64), block.to_vec(), vec![7; 16]].concat()
}

fn avro_row(id: i64) -> Vec<u8> {
    let name = if id % 2 == 0 { long(0) } else { [long(1), text(b"odd")].concat() };
    [long(id), name, long(1_700_000_000_123), text(&[0xff, 0x85]), long(2), text(b"a"), text(b"b"), long(0)].concat()
}

#[test]
fn avro_in_every_codec() {
    let block = [avro_row(1), avro_row(2)].concat();
    let deflated = {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&block).unwrap();
        encoder.finish().unwrap()
    };
    let snappy = [snap::raw::Encoder::new().compress_vec(&block).unwrap(), vec![0; 4]].concat();
    let zstandard = zstd::stream::encode_all(block.as_slice(), 1).unwrap();
    for (codec, block) in [("null", block.clone()), ("deflate", deflated), ("snappy", snappy), ("zstandard", zstandard)] {
        let package = found(&avro(codec, &block, 2));
        let expected = "id BIGINT, name STRING, at TIMESTAMP_LTZ(3), price DECIMAL(9, 2), tags ARRAY<STRING NOT NULL>";
        assert_eq!((columns(&package).as_str(), package.row_count), (expected, Some(2)), "{codec}");
        let first = json!({"id": 1, "name": "odd", "at": "2023-11-14 22:13:20.123Z", "price": "-1.23", "tags": ["a", "b"]});
        assert_eq!(Value::Object(package.rows[0].clone()), first, "{codec}");
        assert_eq!(package.rows[1]["name"], Value::Null, "{codec}");
        assert!(!package.schema.fields()[0].nullable && package.schema.fields()[1].nullable);
    }
    refused(&avro("bzip2", &block, 2), "codec is `bzip2`");
}

#[test]
fn avro_files_that_lie_are_refused() {
    let whole = avro("null", &avro_row(1), 1);
    let header = avro("null", b"", 0).len() - 2 - 16;
    // A cut within the header, a block or its end is found, wherever it is; a header alone is a file without rows.
    for cut in (1..whole.len() - 1).filter(|cut| *cut != header) {
        assert!(look(&whole[..cut], Hints::default()).is_err(), "cut at {cut}");
    }
    refused(&avro("null", &avro_row(1), 1 << 40), "cut or damaged");
    let bomb = {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 64 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    refused(&avro("deflate", &bomb, 1), "unpacks to more than");
    let within_itself = json!({"type": "record", "name": "n", "fields": [{"name": "next", "type": ["null", "n"]}]}).to_string();
    let head = [b"Obj\x01".to_vec(), long(1), text(b"avro.schema"), text(within_itself.as_bytes()), long(0), vec![7; 16]].concat();
    refused(&head, "`n` is neither a type nor the name of one");
}

fn parquet() -> Vec<u8> {
    use parquet::{
        data_type::{ByteArray, ByteArrayType, Int64Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    let schema = "message r { REQUIRED INT64 id; OPTIONAL BYTE_ARRAY name (UTF8); REQUIRED INT64 at (TIMESTAMP_MILLIS); }";
    let schema = std::sync::Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1, 2], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("x")], Some(&[1, 0]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[0, 1_000], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_from_its_footer() {
    let package = found(&parquet());
    assert_eq!(columns(&package), "id BIGINT, name STRING, at TIMESTAMP_LTZ(3)");
    assert_eq!((package.format, package.row_count), (PackageFormat::Parquet, Some(2)));
    assert_eq!((&package.rows[0]["name"], &package.rows[1]["name"]), (&json!("x"), &Value::Null));
    refused(&parquet()[..40], "the Parquet file cannot be read");
}

/// DEV-2: the rows of a package in full, for a job that runs on them.
#[test]
fn rows_in_full() {
    let all = Hints { lines_max: Some(2), ..Hints::default() };
    let csv = look(b"id,code,at\n1,007,\n2,x,2024-01-02 03:04:06\n", all).unwrap();
    let expected = [json!({"id": "1", "code": "007", "at": null}), json!({"id": "2", "code": "x", "at": "2024-01-02 03:04:06"})];
    let lines: Vec<Value> = csv.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.as_slice(), csv.has_more_lines, csv.rows.len()), (expected.as_slice(), false, 0));
    let json = look(b"{\"a\": 1}\nbroken\n{\"a\": 2}\n", all).unwrap();
    assert_eq!((json.lines, json.has_more_lines), (vec!["{\"a\": 1}".to_owned(), "broken".to_owned()], true));
}
