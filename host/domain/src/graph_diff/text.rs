//! Two texts compared line by line.
//!
//! Invariant: the work is bounded whatever the texts: beyond [`DIFF_LINES_MAX`] lines only their lengths are compared.

use serde::Serialize;
use similar::{ChangeTag, TextDiff as Lines};

/// Most lines, of both texts together, that are compared one by one.
pub const DIFF_LINES_MAX: usize = 10_000;
/// Equal lines around a difference that are shown with it.
const CONTEXT_LINES: usize = 3;

/// The difference of two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextDiff {
    /// Lines only in the later text.
    pub lines_added: usize,
    /// Lines only in the earlier text.
    pub lines_removed: usize,
    /// The texts are too long to be compared line by line; there are no hunks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_too_long: bool,
    /// The places that differ, in order.
    pub hunks: Vec<TextHunk>,
}

/// A place that differs, with a few lines around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextHunk {
    /// First line of the earlier text, from 1.
    pub before_line: usize,
    /// First line of the later text, from 1.
    pub after_line: usize,
    /// The lines.
    pub lines: Vec<TextLine>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextLine {
    /// ` ` in both, `-` only in the earlier, `+` only in the later text.
    pub mark: char,
    /// The line without its end.
    pub text: String,
}

pub(super) fn diff(before: &str, after: &str) -> TextDiff {
    let (lines_removed, lines_added) = (before.lines().count(), after.lines().count());
    if lines_removed + lines_added > DIFF_LINES_MAX {
        return TextDiff { lines_added, lines_removed, is_too_long: true, hunks: Vec::new() };
    }
    let lines = Lines::from_lines(before, after);
    let mut diff = TextDiff { lines_added: 0, lines_removed: 0, is_too_long: false, hunks: Vec::new() };
    for group in lines.grouped_ops(CONTEXT_LINES) {
        let Some(first) = group.first() else { continue };
        let mut hunk = TextHunk { before_line: first.old_range().start + 1, after_line: first.new_range().start + 1, lines: Vec::new() };
        for change in group.iter().flat_map(|op| lines.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            diff.lines_added += usize::from(mark == '+');
            diff.lines_removed += usize::from(mark == '-');
            hunk.lines.push(TextLine { mark, text: change.value().trim_end_matches(['\n', '\r']).to_owned() });
        }
        diff.hunks.push(hunk);
    }
    diff
}
