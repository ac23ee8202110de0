//! Columns from messages (TOP-5): by what a Schema Registry says, else by what the newest messages have in common.
//!
//! Invariant: the schema holds every message that was looked at; how sure it is stands beside each column.

use millrace_connector::{ColumnEvidence, ConnectivityFailure, RegisteredSchema, SampledMessages, SampledTable, Unreachable};
use millrace_datapackage::schemas::{self, InferredColumn};
use millrace_model::{Field, Schema};
use serde_json::{Map, Value, json};

/// Rows that are shown.
const ROWS_SHOWN: usize = 10;
/// Characters of a text that is shown.
const TEXT_SHOWN: usize = 500;

/// What these messages are.
///
/// # Errors
/// Nothing can be read as a table.
pub(crate) fn inferred(messages: SampledMessages) -> Result<SampledTable, Unreachable> {
    let SampledMessages { values, tombstones, registered, mut notes, .. } = messages;
    let found = schemas::infer_messages(&values).map_err(|e| Unreachable::new(ConnectivityFailure::Protocol, e.to_string()))?;
    let (rows, unreadable) = (found.rows, found.unreadable);
    if tombstones > 0 {
        notes.push(format!("{tombstones} messages have no value: the topic may be read as upserts"));
    }
    if let Some(registered) = &registered {
        match described(registered) {
            Ok(schema) => return Ok(from_registry(registered, schema, &rows, unreadable, notes)),
            Err(message) => notes.push(message),
        }
    }
    if values.first().is_some_and(|v| v.first() == Some(&0)) && registered.is_none() {
        notes.push("messages begin as those with a Schema Registry's schema do; give the data source its `schema.registry.url`".into());
    }
    if rows.is_empty() {
        let found = if values.is_empty() { "there are no messages to look at" } else { "none of the messages is a JSON object" };
        return Err(Unreachable::new(
            ConnectivityFailure::Missing,
            format!("{found}; describe the table by hand, or send a message first"),
        ));
    }
    let seen = rows.len() as u64;
    let (mut fields, mut evidence) = (Vec::new(), Vec::new());
    for InferredColumn { name, data_type, rows_present, rows_agreeing } in found.columns {
        if rows_agreeing < rows_present {
            notes.push(format!(
                "column `{name}`: {} of {rows_present} values are of another type than {data_type}",
                rows_present - rows_agreeing
            ));
        }
        let confidence = if rows_present == 0 { 0.0 } else { rows_agreeing as f64 / rows_present as f64 };
        evidence.push(ColumnEvidence { column: name.clone(), rows_present, rows_agreeing, confidence, note: None });
        fields.push(Field::new(name, data_type, rows_present < seen));
    }
    let schema = Schema::new(fields).map_err(|e| Unreachable::new(ConnectivityFailure::Protocol, e.to_string()))?;
    let mut format = json!({"type": "json"});
    if found.writes_iso
        && let Some(options) = format.as_object_mut()
    {
        options.insert("timestamp_format".into(), "ISO-8601".into());
    }
    Ok(SampledTable {
        schema,
        evidence,
        format: Some(format),
        origin: "messages",
        rows_seen: seen,
        rows_unreadable: unreadable,
        rows: shown(&rows),
        notes,
    })
}

fn described(registered: &RegisteredSchema) -> Result<Schema, String> {
    let RegisteredSchema { subject, version, schema_type, schema } = registered;
    let unusable = |reason: String| format!("version {version} of `{subject}` cannot be used: {reason}");
    match schema_type.as_str() {
        "AVRO" => schemas::of_avro(schema).map_err(|e| unusable(e.to_string())),
        "JSON" => schemas::of_json_schema(schema).map_err(|e| unusable(e.to_string())),
        other => Err(unusable(format!("schemas of type {other} are not read"))),
    }
}

fn from_registry(
    registered: &RegisteredSchema,
    schema: Schema,
    rows: &[Map<String, Value>],
    unreadable: u64,
    mut notes: Vec<String>,
) -> SampledTable {
    let RegisteredSchema { subject, version, schema_type, .. } = registered;
    notes.push(format!("version {version} of `{subject}` in the Schema Registry"));
    let is_json = schema_type == "JSON";
    if !is_json {
        notes.push("messages are in Avro, which tables do not read yet".into());
    }
    let evidence = schema.fields().iter().map(|field| {
        let present = rows.iter().filter(|row| row.get(&field.name).is_some_and(|v| !v.is_null())).count() as u64;
        ColumnEvidence { column: field.name.clone(), rows_present: present, rows_agreeing: present, confidence: 1.0, note: None }
    });
    SampledTable {
        evidence: evidence.collect(),
        schema,
        format: is_json.then(|| json!({"type": "json"})),
        origin: "schema_registry",
        rows_seen: rows.len() as u64,
        rows_unreadable: if is_json { unreadable } else { 0 },
        rows: shown(rows),
        notes,
    }
}

/// A few rows with long texts cut.
fn shown(rows: &[Map<String, Value>]) -> Vec<Value> {
    let cut = |value: &Value| match value {
        Value::String(text) if text.len() > TEXT_SHOWN => Value::String(text.chars().take(TEXT_SHOWN).collect::<String>() + "…"),
        other => other.clone(),
    };
    let row = |row: &Map<String, Value>| Value::Object(row.iter().map(|(name, value)| (name.clone(), cut(value))).collect());
    rows.iter().rev().take(ROWS_SHOWN).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(values: &[&str]) -> SampledMessages {
        SampledMessages { values: values.iter().map(|v| v.as_bytes().to_vec()).collect(), partitions: 1, ..SampledMessages::default() }
    }

    fn columns(table: &SampledTable) -> Vec<String> {
        let null = |nullable: bool| if nullable { "" } else { " NOT NULL" };
        table.schema.fields().iter().map(|f| format!("{} {}{}", f.name, f.data_type, null(f.nullable))).collect()
    }

    #[test]
    fn columns_hold_all_messages_and_say_how_sure_they_are() {
        let table = inferred(messages(&[
            r#"{"id": 1, "at": "2026-01-02T03:04:05.678Z", "price": 1, "code": 7, "tags": ["a"], "who": {"name": "ann"}}"#,
            r#"{"id": 2, "at": "2026-01-02T03:04:06Z", "price": 1.5, "code": "x7", "who": {"name": "bob", "age": 3}}"#,
            r#"{"id": 3, "at": null, "price": 2, "code": "x8"}"#,
            "no JSON",
            "[1]",
        ]))
        .unwrap();
        assert_eq!(
            columns(&table),
            [
                "id BIGINT NOT NULL",
                "at TIMESTAMP_LTZ(3)",
                "price DOUBLE NOT NULL",
                "code STRING NOT NULL",
                "tags ARRAY<STRING>",
                "who ROW<`name` STRING, `age` BIGINT>",
            ]
        );
        assert_eq!((table.rows_seen, table.rows_unreadable, table.origin), (3, 2, "messages"));
        let sure: Vec<_> = table.evidence.iter().map(|e| (e.column.as_str(), e.rows_present, e.rows_agreeing)).collect();
        assert_eq!(sure, [("id", 3, 3), ("at", 2, 2), ("price", 3, 3), ("code", 3, 2), ("tags", 1, 1), ("who", 2, 2)]);
        assert_eq!(table.format, Some(json!({"type": "json", "timestamp_format": "ISO-8601"})));
        assert!(table.notes[0].contains("`code`: 1 of 3 values"), "{:?}", table.notes);
        assert_eq!(table.rows[0]["id"], 3, "the newest first");
    }

    #[test]
    fn a_registered_schema_counts_more_than_messages() {
        let schema = r#"{"type": "record", "name": "Click", "fields": [{"name": "id", "type": "long"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "url", "type": ["null", "string"]}]}"#;
        let of = |schema_type: &str, schema: &str| RegisteredSchema {
            subject: "clicks-value".into(),
            version: 3,
            schema_type: schema_type.into(),
            schema: schema.into(),
        };
        let table = inferred(SampledMessages { registered: Some(of("AVRO", schema)), ..messages(&["\0\0\0\0\x01xx"]) }).unwrap();
        assert_eq!(columns(&table), ["id BIGINT NOT NULL", "at TIMESTAMP_LTZ(3) NOT NULL", "url STRING"]);
        assert_eq!((table.origin, table.format.clone()), ("schema_registry", None));
        let schema = r#"{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "ok": {"type": ["boolean", "null"]},
            "tags": {"type": "array", "items": {"type": "string"}}, "at": {"type": "string", "format": "date-time"}}}"#;
        let table = inferred(SampledMessages { registered: Some(of("JSON", schema)), ..messages(&[r#"{"id": 1}"#]) }).unwrap();
        assert_eq!(columns(&table), ["at STRING", "id BIGINT NOT NULL", "ok BOOLEAN", "tags ARRAY<STRING NOT NULL>"]);
        assert_eq!(table.evidence[1].rows_present, 1);
        // One that cannot be read leaves the messages.
        let table = inferred(SampledMessages { registered: Some(of("PROTOBUF", "message X {}")), ..messages(&[r#"{"id": 1}"#]) }).unwrap();
        assert_eq!(table.origin, "messages");
        assert!(table.notes[0].contains("schemas of type PROTOBUF are not read"), "{:?}", table.notes);
    }

    #[test]
    fn nothing_to_look_at_is_said() {
        let error = |values: &[&str]| inferred(messages(values)).unwrap_err().message;
        assert!(error(&[]).starts_with("there are no messages"));
        assert!(error(&["a", "b"]).starts_with("none of the messages is a JSON object"));
    }
}
