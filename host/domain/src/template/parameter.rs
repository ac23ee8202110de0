//! Parameters of a template, declared as JSON Schema declares properties.

use super::{CODE_BYTES_MAX, TemplateError, TemplateLanguage};
use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most characters of a parameter's name.
const NAME_MAX: usize = 63;
/// Most characters of a text.
const TEXT_MAX: usize = 10_000;

text_enum! {
    /// What a parameter is filled with.
    ParameterKind, "type of parameter", {
        /// What the user writes; goes in as it is.
        Code = "code",
        /// The inside of a text literal: quotes and line ends are escaped.
        String = "string",
        /// A whole number.
        Integer = "integer",
        /// A number.
        Number = "number",
        /// True or false.
        Boolean = "boolean",
        /// A name of the language: a class, a variable.
        Identifier = "identifier",
    }
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is filled with.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// Its value unless one is given; of code the text to begin with. Without one a value must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The only values it may have.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Value>,
    /// Least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// Greatest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
}

impl Parameter {
    /// What is wrong with the declaration.
    pub(super) fn check(&self, name: &str) -> Option<TemplateError> {
        let wrong = |message: String| Some(TemplateError::new(name, message));
        if !is_name(name) {
            return wrong(format!("is not a name: expected a letter, then up to {} letters, digits and `_`", NAME_MAX - 1));
        }
        let bad = self.default.iter().chain(&self.allowed).find_map(|value| self.render(value, TemplateLanguage::Java).err());
        bad.and_then(|message| wrong(format!("its default or one of its `enum`: {message}")))
    }

    /// The value as text of the language.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub(super) fn render(&self, value: &Value, language: TemplateLanguage) -> Result<String, String> {
        if !self.allowed.is_empty() && !self.allowed.contains(value) {
            let allowed: Vec<String> = self.allowed.iter().map(Value::to_string).collect();
            return Err(format!("is {value}, expected one of {}", allowed.join(", ")));
        }
        let expected = |what: &str| format!("is {}, expected {what}", shown(value));
        match (self.kind, value) {
            (ParameterKind::Code, Value::String(code)) if code.len() <= CODE_BYTES_MAX => Ok(code.clone()),
            (ParameterKind::Code, _) => Err(expected(&format!("code of at most {CODE_BYTES_MAX} bytes"))),
            (ParameterKind::String, Value::String(text)) if text.chars().count() <= TEXT_MAX => Ok(escaped(text)),
            (ParameterKind::String, _) => Err(expected(&format!("a text of at most {TEXT_MAX} characters"))),
            (ParameterKind::Integer, Value::Number(number)) if number.is_i64() => self.ranged(number),
            (ParameterKind::Integer, _) => Err(expected("a whole number of 64 bits")),
            (ParameterKind::Number, Value::Number(number)) => self.ranged(number),
            (ParameterKind::Number, _) => Err(expected("a number")),
            (ParameterKind::Boolean, Value::Bool(value)) => Ok(match (language, value) {
                (TemplateLanguage::Python, true) => "True".to_owned(),
                (TemplateLanguage::Python, false) => "False".to_owned(),
                (TemplateLanguage::Java | TemplateLanguage::Scala | TemplateLanguage::Javascript, value) => value.to_string(),
            }),
            (ParameterKind::Boolean, _) => Err(expected("true or false")),
            (ParameterKind::Identifier, Value::String(name)) if is_name(name) => Ok(name.clone()),
            (ParameterKind::Identifier, _) => Err(expected("a name: a letter, then letters, digits and `_`")),
        }
    }

    fn ranged(&self, number: &serde_json::Number) -> Result<String, String> {
        let value = number.as_f64().unwrap_or(f64::NAN);
        match (self.minimum, self.maximum) {
            (Some(minimum), _) if value < minimum => Err(format!("is {number}, expected at least {minimum}")),
            (_, Some(maximum)) if value > maximum => Err(format!("is {number}, expected at most {maximum}")),
            _ => Ok(number.to_string()),
        }
    }
}

/// Whether a text can name a parameter, or a class or variable in any of the languages.
pub(super) fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.len() <= NAME_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { format!("{}…", text.chars().take(60).collect::<String>()) }
}

/// The text as it stands within quotes of any of the languages.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
