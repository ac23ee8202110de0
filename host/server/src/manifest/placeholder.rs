//! `${NAME}` in string values of a JSON document; `$${` stands for a literal `${`.
//!
//! Invariant: a replacement is never read again, so a value cannot bring in further placeholders.

use serde_json::Value;

/// A placeholder without a value, or one that does not end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {message}")]
pub(super) struct PlaceholderError {
    path: String,
    message: String,
}

/// Replaces placeholders in all string values by what `value_of` answers.
///
/// # Errors
/// A placeholder without a value; the error names the JSON path.
pub(super) fn fill(document: &mut Value, value_of: &dyn Fn(&str) -> Option<String>) -> Result<(), PlaceholderError> {
    fill_below(document, "", value_of)
}

fn fill_below(value: &mut Value, path: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Result<(), PlaceholderError> {
    match value {
        Value::String(text) if text.contains("${") => {
            *text = replace(text, value_of).map_err(|message| PlaceholderError { path: path.to_owned(), message })?;
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fill_below(item, &format!("{path}[{index}]"), value_of)?;
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fill_below(field, &below, value_of)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn replace(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            filled.push_str(literal);
            filled.push_str("${");
            rest = after;
            continue;
        }
        let Some((name, behind)) = after.split_once('}') else {
            return Err(format!("the placeholder in `{text}` has no closing brace; write `$${{` for a literal `${{`"));
        };
        let Some(value) = value_of(name) else {
            return Err(format!("`${{{name}}}` has no value; set the environment variable {name} or give --set {name}=VALUE"));
        };
        filled.push_str(before);
        filled.push_str(&value);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let value_of = |name: &str| match name {
            "HOST" => Some("h".to_owned()),
            "TRICK" => Some("${HOST}".to_owned()),
            _ => None,
        };
        let found = replace(text, &value_of);
        match expected {
            Ok(filled) => assert_eq!(found.as_deref(), Ok(filled)),
            Err(part) => assert!(found.as_ref().is_err_and(|e| e.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn placeholders_are_replaced_once() {
        check("plain $ {text}", Ok("plain $ {text}"));
        check("${HOST}:1,${HOST}:2", Ok("h:1,h:2"));
        check("$${HOST} is ${HOST}", Ok("${HOST} is h"));
        check("${TRICK}", Ok("${HOST}"));
        check("${NOBODY}", Err("--set NOBODY=VALUE"));
        check("${HOST", Err("no closing brace"));
    }
}
