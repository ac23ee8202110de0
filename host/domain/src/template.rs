//! Templates (EXT-2): a text with `{{name}}` placeholders around the code that a user writes; filling one gives the text of
//! a whole class, and says for every place in it where that came from.
//!
//! Invariants: code goes in as it is written, everything else as one token of the language, so that a value cannot change
//! what stands around it; a place in the filled text leads back to one place in what the user wrote, or to none.

mod builtin;
mod fill;
mod parameter;

pub use builtin::{BuiltinTemplate, builtin};
pub use fill::{Completion, LineMap, Origin, Region};
pub use parameter::{Parameter, ParameterKind};

use crate::text_enum::text_enum;
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of a template's text.
pub const TEXT_BYTES_MAX: usize = 256 << 10;
/// Most parameters of a template.
pub const PARAMETERS_MAX: usize = 50;
/// Most bytes of the code for one parameter.
pub const CODE_BYTES_MAX: usize = 512 << 10;

text_enum! {
    /// The language of a template.
    TemplateLanguage, "language", {
        /// Java.
        Java = "java",
        /// Scala.
        Scala = "scala",
        /// JavaScript.
        Javascript = "javascript",
        /// Python.
        Python = "python",
    }
}

impl TemplateLanguage {
    /// The end of its files' names.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Scala => "scala",
            Self::Javascript => "js",
            Self::Python => "py",
        }
    }
}

/// Worlds that templates can be for: those of the plugin contract.
pub const WORLDS: [&str; 8] = [
    "etl-operator",
    "scalar-function",
    "table-function",
    "aggregate-function",
    "transform-operator",
    "source-operator",
    "sink-operator",
    "dimension-updater",
];

text_enum! {
    /// Who sees a template.
    Visibility, "visibility", {
        /// Its owner.
        Private = "private",
        /// The whole tenant.
        Tenant = "tenant",
    }
}

/// Something wrong with a template or with what it is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// `text`, or the parameter.
    pub field: String,
    /// What was found, what was expected.
    pub message: String,
}

impl TemplateError {
    fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// A template that has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    language: TemplateLanguage,
    text: String,
    parameters: BTreeMap<String, Parameter>,
}

impl Template {
    /// Checks a template: every placeholder is declared, every parameter used, code stands in one place.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn new(language: TemplateLanguage, text: String, parameters: BTreeMap<String, Parameter>) -> Result<Self, Vec<TemplateError>> {
        let mut errors = Vec::new();
        if text.len() > TEXT_BYTES_MAX {
            errors.push(TemplateError::new("text", format!("has {} bytes, expected at most {TEXT_BYTES_MAX}", text.len())));
        }
        if parameters.len() > PARAMETERS_MAX {
            errors.push(TemplateError::new("parameters", format!("{} parameters, expected at most {PARAMETERS_MAX}", parameters.len())));
        }
        let placeholders: Vec<&str> = pieces(&text).filter_map(Piece::placeholder).collect();
        for name in placeholders.iter().collect::<BTreeSet<_>>() {
            if !parameters.contains_key(*name) {
                errors.push(TemplateError::new("text", format!("the placeholder `{{{{{name}}}}}` is not among the parameters")));
            }
        }
        for (name, parameter) in &parameters {
            let count = placeholders.iter().filter(|p| *p == name).count();
            if count == 0 {
                errors.push(TemplateError::new(name, format!("is declared, but the text has no `{{{{{name}}}}}`")));
            }
            if parameter.kind == ParameterKind::Code && count > 1 {
                errors.push(TemplateError::new(name, format!("is code and stands in the text {count} times; expected once")));
            }
            errors.extend(parameter.check(name));
        }
        if !parameters.values().any(|p| p.kind == ParameterKind::Code) {
            errors.push(TemplateError::new("parameters", "none is of type `code`: the user would have nothing to write"));
        }
        if errors.is_empty() { Ok(Self { language, text, parameters }) } else { Err(errors) }
    }

    /// The language.
    pub fn language(&self) -> TemplateLanguage {
        self.language
    }

    /// The text with its placeholders.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters by name.
    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }
}

/// A piece of a template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// As it is.
    Text(&'a str),
    /// The name within `{{` and `}}`.
    Placeholder(&'a str),
}

impl<'a> Piece<'a> {
    fn placeholder(self) -> Option<&'a str> {
        match self {
            Self::Text(_) => None,
            Self::Placeholder(name) => Some(name),
        }
    }
}

/// The pieces of a text. Two braces with anything but a name between them are text: code has such.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut pending = None;
    std::iter::from_fn(move || {
        if let Some(name) = pending.take() {
            return Some(Piece::Placeholder(name));
        }
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(found) = rest.get(from..).and_then(|r| r.find("{{")) {
            let begin = from + found;
            let inside = rest.get(begin + 2..).unwrap_or_default();
            let name = inside.split_once("}}").map(|(name, _)| name).filter(|name| parameter::is_name(name.trim()));
            let Some(name) = name else {
                from = begin + 1;
                continue;
            };
            let before = rest.get(..begin).unwrap_or_default();
            rest = inside.get(name.len() + 2..).unwrap_or_default();
            if before.is_empty() {
                return Some(Piece::Placeholder(name.trim()));
            }
            pending = Some(name.trim());
            return Some(Piece::Text(before));
        }
        Some(Piece::Text(std::mem::take(&mut rest)))
    })
}

#[cfg(test)]
mod tests;
