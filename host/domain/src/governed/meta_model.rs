//! Meta-models: which attributes business data of a kind has, and of which type.

use super::{DESCRIPTION_CHARACTERS_MAX, Wrong, check_length};
use crate::{name::Name, text_enum::text_enum};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Most attributes of a meta-model.
pub const ATTRIBUTES_MAX: usize = 100;
/// Most words of an attribute that is one of several.
const WORDS_MAX: usize = 200;
/// Most characters of a text value.
const TEXT_CHARACTERS_MAX: u32 = 10_000;

text_enum! {
    /// The type of an attribute.
    AttributeType, "type of attribute", {
        /// Characters.
        Text = "text",
        /// A whole number.
        Integer = "integer",
        /// A number.
        Number = "number",
        /// True or false.
        Boolean = "boolean",
        /// A day: `2024-02-29`.
        Date = "date",
        /// One of several words.
        Enum = "enum",
    }
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Name in documents.
    pub name: Name,
    /// What people read.
    #[serde(default)]
    pub label: String,
    /// Type of its values.
    #[serde(rename = "type")]
    pub attribute_type: AttributeType,
    /// Whether every entry has it.
    #[serde(default)]
    pub required: bool,
    /// The words of an `enum`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters_max: Option<u32>,
}

/// A meta-model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaModel {
    /// What it describes.
    #[serde(default)]
    pub description: String,
    /// Its attributes, in the order of the form.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl MetaModel {
    /// Everything wrong with it.
    pub fn check(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        check_length("description", &self.description, DESCRIPTION_CHARACTERS_MAX, &mut wrong);
        if self.attributes.len() > ATTRIBUTES_MAX {
            wrong.push(Wrong::new("attributes", format!("are {}; a meta-model has at most {ATTRIBUTES_MAX}", self.attributes.len())));
        }
        let mut names = BTreeSet::new();
        for (position, attribute) in self.attributes.iter().enumerate() {
            let at = |field: &str| format!("attributes[{position}].{field}");
            if !names.insert(&attribute.name) {
                wrong.push(Wrong::new(at("name"), format!("`{}` is there twice", attribute.name)));
            }
            check_length(&at("label"), &attribute.label, 200, &mut wrong);
            let is_enum = attribute.attribute_type == AttributeType::Enum;
            let distinct: BTreeSet<&String> = attribute.values.iter().collect();
            if is_enum && attribute.values.is_empty() {
                wrong.push(Wrong::new(at("values"), "is empty; an enum needs its words"));
            } else if !is_enum && !attribute.values.is_empty() {
                wrong.push(Wrong::new(at("values"), format!("belong to an enum, not to {}", attribute.attribute_type)));
            } else if distinct.len() != attribute.values.len() || attribute.values.len() > WORDS_MAX {
                wrong.push(Wrong::new(at("values"), format!("must be at most {WORDS_MAX} different words")));
            }
            let is_number = matches!(attribute.attribute_type, AttributeType::Integer | AttributeType::Number);
            if !is_number && (attribute.min.is_some() || attribute.max.is_some()) {
                wrong.push(Wrong::new(at("min"), format!("bounds belong to numbers, not to {}", attribute.attribute_type)));
            }
            if attribute.min.zip(attribute.max).is_some_and(|(min, max)| min > max) {
                wrong.push(Wrong::new(at("min"), "is greater than `max`"));
            }
            if attribute.characters_max.is_some() && attribute.attribute_type != AttributeType::Text {
                wrong.push(Wrong::new(at("characters_max"), format!("belongs to text, not to {}", attribute.attribute_type)));
            }
        }
        wrong
    }
}

impl Attribute {
    /// What is wrong with a value of this attribute.
    pub(super) fn check(&self, value: &Value) -> Option<String> {
        let found = || {
            let text = value.to_string();
            if text.chars().count() > 80 { format!("{}…", text.chars().take(80).collect::<String>()) } else { text }
        };
        let expected = |what: &str| Some(format!("is {}; expected {what}", found()));
        match self.attribute_type {
            AttributeType::Text => match value.as_str().map(|text| text.chars().count()) {
                None => expected("text"),
                Some(count) => {
                    let max = self.characters_max.unwrap_or(TEXT_CHARACTERS_MAX).min(TEXT_CHARACTERS_MAX);
                    (count > max as usize).then(|| format!("has {count} characters; expected at most {max}"))
                }
            },
            AttributeType::Integer if value.as_i64().is_none() => expected("a whole number"),
            AttributeType::Integer | AttributeType::Number => match value.as_f64() {
                None => expected("a number"),
                Some(number) if self.min.is_some_and(|min| number < min) => expected(&format!("at least {}", self.min.unwrap_or_default())),
                Some(number) if self.max.is_some_and(|max| number > max) => expected(&format!("at most {}", self.max.unwrap_or_default())),
                Some(_) => None,
            },
            AttributeType::Boolean => {
                if value.is_boolean() {
                    None
                } else {
                    expected("true or false")
                }
            }
            AttributeType::Date => {
                if value.as_str().is_some_and(is_date) {
                    None
                } else {
                    expected("a day such as \"2024-02-29\"")
                }
            }
            AttributeType::Enum => {
                let is_one = value.as_str().is_some_and(|word| self.values.iter().any(|v| v == word));
                if is_one { None } else { expected(&format!("one of {}", self.values.join(", "))) }
            }
        }
    }
}

/// Whether `text` is a day of the Gregorian calendar, `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let digits = |part: &str, count: usize| (part.len() == count).then(|| part.parse::<u32>().ok()).flatten();
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2)) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}
