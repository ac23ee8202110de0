//! Filling a template, and the way back from places in the result.

use super::{ParameterKind, Piece, Template, TemplateError, pieces};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A filled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The whole text.
    pub text: String,
    /// Where it came from.
    pub lines: LineMap,
}

/// Where the user's code stands in a filled template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineMap {
    /// In the order of the text.
    pub regions: Vec<Region>,
}

/// The code for one parameter within the filled text. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// The parameter.
    pub parameter: String,
    /// First line.
    pub line: u32,
    /// Column of the first character in that line.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column behind the last character in that line.
    pub end_column: u32,
}

/// A place in what the user wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The parameter.
    pub parameter: String,
    /// Line of its code, from 1.
    pub line: u32,
    /// Column in that line, from 1; absent if none was asked for.
    pub column: Option<u32>,
}

impl LineMap {
    /// Where a place in the filled text came from; none if it is the template's own. Without a column a line belongs to
    /// the code that begins or goes on in it.
    pub fn origin(&self, line: u32, column: Option<u32>) -> Option<Origin> {
        self.regions.iter().find(|region| region.holds(line, column)).map(|region| region.origin(line, column))
    }

    /// Where a message about the filled text belongs: to the code at that place, else to the end of the code before it, since
    /// that is what made a compiler stumble there, else to the beginning of the first code. None if there is no code at all.
    pub fn nearest(&self, line: u32, column: Option<u32>) -> Option<Origin> {
        let written = |region: &&Region| (region.line, region.column) != (region.end_line, region.end_column);
        let mut regions = self.regions.iter().filter(written);
        if let Some(region) = regions.clone().find(|region| region.holds(line, column)) {
            return Some(region.origin(line, column));
        }
        let at = (line, column.unwrap_or(1));
        match regions.clone().rfind(|region| (region.end_line, region.end_column) <= at) {
            Some(before) => Some(before.origin(before.end_line, column.map(|_| before.end_column))),
            None => regions.next().map(|first| first.origin(first.line, column.map(|_| first.column))),
        }
    }
}

impl Region {
    /// A place of the region, which it holds.
    fn origin(&self, line: u32, column: Option<u32>) -> Origin {
        let shift = if line == self.line { self.column - 1 } else { 0 };
        Origin {
            parameter: self.parameter.clone(),
            line: line - self.line + 1,
            column: column.map(|column| column.saturating_sub(shift).max(1)),
        }
    }

    fn holds(&self, line: u32, column: Option<u32>) -> bool {
        if !(self.line..=self.end_line).contains(&line) {
            return false;
        }
        let Some(column) = column else { return true };
        // The place behind the last character is the code's too: that is where compilers miss a semicolon.
        !(line == self.line && column < self.column || line == self.end_line && column > self.end_column)
    }
}

/// Counts lines and columns while a text grows.
struct Writer {
    text: String,
    line: u32,
    column: u32,
}

impl Writer {
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.text.push_str(text);
    }
}

impl Template {
    /// Fills the template; what is not given takes its default.
    ///
    /// # Errors
    /// Everything that is wrong, by parameter.
    pub fn complete(&self, values: &BTreeMap<String, Value>) -> Result<Completion, Vec<TemplateError>> {
        let mut errors: Vec<TemplateError> = (values.keys())
            .filter(|name| !self.parameters.contains_key(*name))
            .map(|name| {
                let known: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
                TemplateError::new(name, format!("the template has no such parameter; it has {}", known.join(", ")))
            })
            .collect();
        let mut filled = BTreeMap::new();
        for (name, parameter) in &self.parameters {
            match values.get(name).or(parameter.default.as_ref()) {
                None => errors.push(TemplateError::new(name, "is missing and has no default")),
                Some(value) => match parameter.render(value, self.language) {
                    Ok(text) => {
                        filled.insert(name.as_str(), text);
                    }
                    Err(message) => errors.push(TemplateError::new(name, message)),
                },
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut writer = Writer { text: String::with_capacity(self.text.len()), line: 1, column: 1 };
        let mut lines = LineMap::default();
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(text) => writer.push(text),
                Piece::Placeholder(name) => {
                    let (line, column) = (writer.line, writer.column);
                    writer.push(filled.get(name).map(String::as_str).unwrap_or_default());
                    if self.parameters.get(name).is_some_and(|p| p.kind == ParameterKind::Code) {
                        let (end_line, end_column) = (writer.line, writer.column);
                        lines.regions.push(Region { parameter: name.to_owned(), line, column, end_line, end_column });
                    }
                }
            }
        }
        Ok(Completion { text: writer.text, lines })
    }
}
