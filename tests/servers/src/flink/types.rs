//! Flink's logical types as its summaries write them.

use serde_json::Value;

/// `DECIMAL(10, 2) NOT NULL` from the gateway's form of a logical type.
pub(super) fn text(of: &Value) -> String {
    let name = of["type"].as_str().unwrap_or("?");
    let number = |key: &str| of[key].as_u64().unwrap_or_default();
    let element = || text(&of["elementType"]);
    let base = match name {
        "INTEGER" => "INT".to_owned(),
        "VARCHAR" if number("length") == u64::from(i32::MAX.unsigned_abs()) => "STRING".to_owned(),
        "VARBINARY" if number("length") == u64::from(i32::MAX.unsigned_abs()) => "BYTES".to_owned(),
        "CHAR" | "VARCHAR" | "BINARY" | "VARBINARY" => format!("{name}({})", number("length")),
        "DECIMAL" => format!("DECIMAL({}, {})", number("precision"), number("scale")),
        "TIME_WITHOUT_TIME_ZONE" => format!("TIME({})", number("precision")),
        "TIMESTAMP_WITHOUT_TIME_ZONE" => format!("TIMESTAMP({})", number("precision")),
        "TIMESTAMP_WITH_LOCAL_TIME_ZONE" => format!("TIMESTAMP_LTZ({})", number("precision")),
        "ARRAY" | "MULTISET" => format!("{name}<{}>", element()),
        "MAP" => format!("MAP<{}, {}>", text(&of["keyType"]), text(&of["valueType"])),
        "ROW" => {
            let field = |field: &Value| format!("`{}` {}", field["name"].as_str().unwrap_or_default(), text(&field["fieldType"]));
            let fields: Vec<_> = of["fields"].as_array().map_or_else(Vec::new, |fields| fields.iter().map(field).collect());
            format!("ROW<{}>", fields.join(", "))
        }
        other => other.to_owned(),
    };
    if of["nullable"].as_bool().unwrap_or(true) { base } else { base + " NOT NULL" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_types_are_written_as_flink_does() {
        let int = json!({"type": "INTEGER", "nullable": false});
        let text_type = json!({"type": "VARCHAR", "length": 2_147_483_647});
        assert_eq!(text(&json!({"type": "MAP", "keyType": int, "valueType": text_type})), "MAP<INT NOT NULL, STRING>");
        let row = json!({"type": "ROW", "nullable": false, "fields": [{"name": "a b", "fieldType": {"type": "DECIMAL", "precision": 5, "scale": 2}}]});
        assert_eq!(text(&row), "ROW<`a b` DECIMAL(5, 2)> NOT NULL");
    }
}
