//! What a palette shows of a plugin or function (EXT-7), beside its icon: documentation in Markdown and its summary.

use crate::icon::Icon;

/// Most bytes of a documentation.
pub const DOCUMENTATION_BYTES_MAX: usize = 128 << 10;
/// Most characters of a summary.
const SUMMARY_CHARS_MAX: usize = 200;

/// A part of what is shown, as somebody gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Part<T> {
    /// As in the version before.
    #[default]
    Kept,
    /// Not there any more.
    Gone,
    /// This one.
    Given(T),
}

/// What is shown of a version, as somebody gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GivenPresentation {
    /// The icon.
    pub icon: Part<Icon>,
    /// JSON Schema of the parameters, as it was written.
    pub parameters: Part<String>,
    /// Markdown.
    pub documentation: Part<String>,
}

/// Checks a documentation.
///
/// # Errors
/// It is no text or too long.
pub fn documentation(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() > DOCUMENTATION_BYTES_MAX {
        return Err(format!("has {} bytes, expected at most {DOCUMENTATION_BYTES_MAX}", bytes.len()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err("is no text in UTF-8".to_owned()),
    }
}

/// The first paragraph of a documentation that is no heading, as one line.
pub fn summary(documentation: &str) -> String {
    let is_skipped = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with(['#', '!', '[', '<', '|', '`', '-', '=']);
    let paragraph = documentation.lines().skip_while(is_skipped).take_while(|line| !line.trim().is_empty());
    let line = paragraph.map(str::trim).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SUMMARY_CHARS_MAX {
        return line;
    }
    format!("{}…", line.chars().take(SUMMARY_CHARS_MAX - 1).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_first_paragraph() {
        assert_eq!(summary("# Clean\n\n![icon](x.svg)\n\nDrops bots\nand broken links.\n\nMore."), "Drops bots and broken links.");
        assert_eq!(summary("# Only a heading\n"), "");
        assert_eq!(summary(&"word ".repeat(100)).chars().count(), 200);
    }

    #[test]
    fn a_documentation_is_a_bounded_text() {
        assert_eq!(documentation("# Ä".as_bytes()), Ok("# Ä".to_owned()));
        assert!(documentation(b"\xff").is_err() && documentation(b"a\0").is_err());
        assert!(documentation(&vec![b'x'; DOCUMENTATION_BYTES_MAX + 1]).is_err_and(|error| error.contains("131073 bytes")));
    }
}
