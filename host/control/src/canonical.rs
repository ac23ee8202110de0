//! One text per JSON value, so that equal versions have equal hashes: keys sorted, no white space.
//!
//! Invariant: the text does not depend on the order in which an object was built.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 over the canonical text, in hex.
pub(crate) fn hash(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, field)) in fields.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(field, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let mut text = String::new();
        write(&json!({"b": [{"z": 1, "a": "x\n"}], "a": null}), &mut text);
        assert_eq!(text, r#"{"a":null,"b":[{"a":"x\n","z":1}]}"#);
        assert_ne!(hash(&json!({"a": 1})), hash(&json!({"a": "1"})));
    }
}
