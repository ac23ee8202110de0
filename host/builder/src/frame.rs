//! The frame around what a user writes: the system completes the class (EXT-2), and diagnostics point into the user's text.
//!
//! A frame is source text with places, `{{name}}` or `{{name:what a user reads about it}}`. Each part of the user's fills
//! one. Invariant: a diagnostic in a part has line and column of that part; one in the frame's own text hangs on the last
//! part before it, since it is what the user wrote that made the compiler stumble there.

use crate::{Diagnostic, Language, SourceFile, World};
use std::collections::BTreeMap;

/// Source text with places for parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Path of the file that it becomes: `Etl.java`.
    pub path: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A frame that the platform brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultFrame {
    /// What it is for.
    pub world: World,
    /// Its language.
    pub language: Language,
    /// The class that it becomes.
    pub class: &'static str,
    /// The frame.
    pub frame: Frame<'static>,
    /// Parts that may be left out.
    pub optional: &'static [&'static str],
}

/// The frames that are shown first; others are templates.
pub const DEFAULT_FRAMES: [DefaultFrame; 2] = [
    DefaultFrame {
        world: World::EtlOperator,
        language: Language::Java,
        class: "Etl",
        frame: Frame { path: "Etl.java", text: include_str!("frame/etl.java") },
        optional: &["imports", "members"],
    },
    DefaultFrame {
        world: World::EtlOperator,
        language: Language::Scala,
        class: "Etl",
        frame: Frame { path: "Etl.scala", text: include_str!("frame/etl.scala") },
        optional: &["imports", "members"],
    },
];

impl DefaultFrame {
    /// The frame of this world and language.
    pub fn of(world: World, language: Language) -> Option<&'static Self> {
        DEFAULT_FRAMES.iter().find(|frame| frame.world == world && frame.language == language)
    }
}

/// Why a frame cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The frame is wrong.
    #[error("the frame is malformed: {0}")]
    Malformed(String),
    /// A part is missing.
    #[error("the part `{part}` is missing; the frame has {}", .parts.join(", "))]
    Missing {
        /// The part.
        part: String,
        /// All parts of the frame.
        parts: Vec<String>,
    },
    /// A part that the frame has no place for.
    #[error("the frame has no part `{part}`; it has {}", .parts.join(", "))]
    Unknown {
        /// The part.
        part: String,
        /// All parts of the frame.
        parts: Vec<String>,
    },
}

/// A part in the completed text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    part: String,
    /// Characters before it, and behind its last.
    start: usize,
    end: usize,
}

/// Completed text that remembers what was the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The completed file.
    pub source: SourceFile,
    spans: Vec<Span>,
}

/// A stretch of a frame.
enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

impl<'a> Frame<'a> {
    /// Names of its places, in order.
    ///
    /// # Errors
    /// A place is not closed or has no name.
    pub fn parts(&self) -> Result<Vec<&'a str>, FrameError> {
        let pieces = self.pieces()?;
        Ok(pieces.iter().filter_map(|piece| if let Piece::Place(name) = piece { Some(*name) } else { None }).collect())
    }

    fn pieces(&self) -> Result<Vec<Piece<'a>>, FrameError> {
        let (mut pieces, mut rest) = (Vec::new(), self.text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (inner, after) = after.split_once("}}").ok_or_else(|| FrameError::Malformed("a place is not closed by `}}`".into()))?;
            let name = inner.split_once(':').map_or(inner, |(name, _)| name).trim();
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(FrameError::Malformed(format!("`{{{{{inner}}}}}` is not a place; expected a name of letters, digits and `_`")));
            }
            pieces.extend([Piece::Text(before), Piece::Place(name)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest));
        Ok(pieces)
    }

    /// Completes the text. `optional` parts may be missing.
    ///
    /// # Errors
    /// A part is missing or has no place.
    pub fn fill(&self, parts: &BTreeMap<String, String>, optional: &[&str]) -> Result<Filled, FrameError> {
        let names: Vec<String> = self.parts()?.into_iter().map(str::to_owned).collect();
        if let Some(part) = parts.keys().find(|part| !names.contains(part)) {
            return Err(FrameError::Unknown { part: part.clone(), parts: names });
        }
        let (mut text, mut spans, mut count) = (String::new(), Vec::new(), 0);
        for piece in self.pieces()? {
            match piece {
                Piece::Text(piece) => {
                    text.push_str(piece);
                    count += piece.chars().count();
                }
                Piece::Place(name) => {
                    let part = match parts.get(name) {
                        Some(part) => part.as_str(),
                        None if optional.contains(&name) => "",
                        None => return Err(FrameError::Missing { part: name.to_owned(), parts: names }),
                    };
                    text.push_str(part);
                    let end = count + part.chars().count();
                    spans.push(Span { part: name.to_owned(), start: count, end });
                    count = end;
                }
            }
        }
        Ok(Filled { source: SourceFile { path: self.path.to_owned(), text }, spans })
    }
}

impl Filled {
    /// The diagnostic as the user must read it: `file` becomes the part's name.
    pub fn in_parts(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.file.as_deref() != Some(self.source.path.as_str()) {
            return diagnostic;
        }
        let Some(line) = diagnostic.line else { return diagnostic };
        let at = self.offset(line, diagnostic.column.unwrap_or(1));
        // A part that begins where the diagnostic is comes before the text of the frame there.
        let hit = self.spans.iter().find(|span| (span.start..=span.end).contains(&at) && span.end > span.start);
        let span = hit.or_else(|| self.spans.iter().rfind(|span| span.end <= at && span.end > span.start));
        let Some(span) = span.or_else(|| self.spans.iter().find(|span| span.end > span.start)) else { return diagnostic };
        let (line, column) = self.place(span, at.clamp(span.start, span.end));
        diagnostic.file = Some(span.part.clone());
        diagnostic.column = diagnostic.column.map(|_| column);
        diagnostic.line = Some(line);
        diagnostic
    }

    /// Characters before this line and column.
    fn offset(&self, line: u32, column: u32) -> usize {
        let before: usize =
            self.source.text.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(|line| line.chars().count()).sum();
        before + column.saturating_sub(1) as usize
    }

    /// Line and column within the part.
    fn place(&self, span: &Span, at: usize) -> (u32, u32) {
        let part = self.source.text.chars().skip(span.start).take(at - span.start);
        let (mut line, mut column) = (1, 1);
        for c in part {
            if c == '\n' {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        (line, column)
    }
}
