//! Source text of strangers, as far as it can be judged before a compiler reads it.
//!
//! Invariant: paths and class names that pass are plain: they lead nowhere and can stand in generated code and in file
//! names without being anything else.

use crate::{Diagnostic, Language, Severity, SourceBuild, SourceFile};
use std::collections::HashSet;

/// What sources may be.
#[derive(Debug, Clone, Copy)]
pub struct SourceLimits {
    /// Files of source text.
    pub files_max: usize,
    /// Bytes of one.
    pub file_bytes_max: usize,
    /// Bytes of all.
    pub total_bytes_max: usize,
    /// JARs.
    pub jars_max: usize,
    /// Brackets within brackets; compilers recurse into them.
    pub nesting_max: usize,
    /// Bytes of one line.
    pub line_bytes_max: usize,
}

impl Default for SourceLimits {
    fn default() -> Self {
        Self {
            files_max: 100,
            file_bytes_max: 512 << 10,
            total_bytes_max: 2 << 20,
            jars_max: 20,
            nesting_max: 200,
            line_bytes_max: 64 << 10,
        }
    }
}

const PATH_BYTES_MAX: usize = 200;
const CLASS_BYTES_MAX: usize = 200;

/// Everything that is wrong with the request before a compiler reads it.
pub fn check_sources(build: &SourceBuild, limits: &SourceLimits) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if build.sources.is_empty() && build.jars.is_empty() {
        found.push(error(None, "there is nothing to build: neither sources nor JARs were given".into(), None));
    }
    if build.sources.is_empty() && build.class.is_none() && !build.jars.is_empty() {
        found.push(error(None, "which class? a JAR holds many; name one by its full name".into(), None));
    }
    if build.sources.len() > limits.files_max || build.jars.len() > limits.jars_max {
        let message = format!(
            "there are {} source files and {} JARs, expected at most {} and {}",
            build.sources.len(),
            build.jars.len(),
            limits.files_max,
            limits.jars_max
        );
        found.push(error(None, message, None));
    }
    let total: usize = build.sources.iter().map(|file| file.text.len()).sum();
    if total > limits.total_bytes_max {
        found.push(error(None, format!("the sources have {total} bytes together, expected at most {}", limits.total_bytes_max), None));
    }
    if let Some(class) = &build.class
        && let Err(message) = check_class(class)
    {
        found.push(error(None, message, Some("give the full name, such as `acme.Clean`")));
    }
    let mut paths = HashSet::new();
    for file in build.sources.iter().take(limits.files_max) {
        let shown = shown(&file.path);
        if let Err(message) = check_path(&file.path, build.language) {
            found.push(error(None, format!("source `{shown}`: {message}"), None));
        } else if !paths.insert(file.path.to_lowercase()) {
            found.push(error(None, format!("source `{shown}` is given twice"), None));
        } else {
            found.extend(check_text(file, limits));
        }
    }
    found
}

fn error(file: Option<(&SourceFile, u32, u32)>, message: String, help: Option<&str>) -> Diagnostic {
    let (file, place) = file.map(|(file, line, column)| (file.path.clone(), (line, column))).unzip();
    let (line, column) = place.unzip();
    Diagnostic { severity: Severity::Error, file, line, column, method: None, message, help: help.map(str::to_owned) }
}

fn shown(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A relative path of plain parts with the language's ending.
fn check_path(path: &str, language: Language) -> Result<(), String> {
    let ending = match language {
        Language::Java => ".java",
        Language::Scala => ".scala",
    };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'$'))
    };
    if path.len() > PATH_BYTES_MAX || !path.split('/').all(plain) {
        return Err(format!(
            "its path must be relative, of at most {PATH_BYTES_MAX} letters, digits, `_`, `-`, `$` and `.`, without parts that begin with `.` or `-`"
        ));
    }
    if path.ends_with(ending) { Ok(()) } else { Err(format!("its path must end in `{ending}`")) }
}

/// A full class name of identifiers.
fn check_class(class: &str) -> Result<(), String> {
    let starts = |c: char| c.is_alphabetic() || matches!(c, '_' | '$');
    let identifier = |part: &str| part.chars().next().is_some_and(starts) && part.chars().all(|c| starts(c) || c.is_numeric());
    if class.len() <= CLASS_BYTES_MAX && class.split('.').all(identifier) {
        return Ok(());
    }
    Err(format!("`{}` is not the name of a class", shown(class)))
}

fn check_text(file: &SourceFile, limits: &SourceLimits) -> Option<Diagnostic> {
    let at = |line: usize, column: usize| {
        Some((file, u32::try_from(line + 1).unwrap_or(u32::MAX), u32::try_from(column + 1).unwrap_or(u32::MAX)))
    };
    if file.text.len() > limits.file_bytes_max {
        let message = format!("the file has {} bytes, expected at most {}", file.text.len(), limits.file_bytes_max);
        return Some(error(at(0, 0), message, Some("large tables of data belong into a resource")));
    }
    let mut depth = 0usize;
    for (number, line) in file.text.lines().enumerate() {
        if line.len() > limits.line_bytes_max {
            let message = format!("the line has {} bytes, expected at most {}", line.len(), limits.line_bytes_max);
            return Some(error(at(number, 0), message, None));
        }
        if let Some(column) = line.chars().position(|c| c == '\0') {
            return Some(error(at(number, column), "the text has a zero character".into(), None));
        }
        for (column, c) in line.chars().enumerate() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > limits.nesting_max {
                let message = format!("brackets are nested more than {} deep", limits.nesting_max);
                return Some(error(at(number, column), message, None));
            }
        }
        for word in ["scala.language.experimental.macros", "scala.reflect.macros", "language.experimental.macros"] {
            if let Some(column) = line.find(word) {
                let message = "macros are not allowed: they would run within the compiler".to_owned();
                return Some(error(at(number, line.get(..column).map_or(0, |before| before.chars().count())), message, None));
            }
        }
    }
    None
}
