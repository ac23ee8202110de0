//! Texts as Java sees them: sequences of UTF-16 units that may be cut anywhere.

use crate::{EvaluationError, scalar::columns::TextWriter};
use std::borrow::Cow;

/// A text that can be cut at UTF-16 units.
pub(super) enum Units<'a> {
    /// Units and bytes are the same.
    Ascii(&'a str),
    /// Units one by one.
    Wide(Vec<u16>),
}

impl<'a> Units<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        if text.is_ascii() { Self::Ascii(text) } else { Self::Wide(text.encode_utf16().collect()) }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ascii(text) => text.len(),
            Self::Wide(units) => units.len(),
        }
    }

    /// The first `count` units as a text; half of a character at the end becomes `?`.
    pub(super) fn cut(&self, count: usize) -> Cow<'_, str> {
        match self {
            Self::Ascii(text) => Cow::Borrowed(text.get(..count).unwrap_or(text)),
            Self::Wide(units) => {
                let units = units.get(..count).unwrap_or(units);
                Cow::Owned(char::decode_utf16(units.iter().copied()).map(|c| c.unwrap_or('?')).collect())
            }
        }
    }

    fn append(&self, from: usize, to: usize, out: &mut Vec<u16>) {
        match self {
            Self::Ascii(text) => out.extend(text.as_bytes().get(from..to).unwrap_or_default().iter().map(|&b| u16::from(b))),
            Self::Wide(units) => out.extend(units.get(from..to).unwrap_or_default()),
        }
    }
}

/// Writes parts of texts, each from a unit to a unit, one after the other. Halves that meet become a character again.
pub(super) fn write(parts: &[(&Units<'_>, usize, usize)], out: &mut TextWriter) -> Result<(), EvaluationError> {
    if parts.iter().all(|(units, ..)| matches!(units, Units::Ascii(_))) {
        for (units, from, to) in parts {
            if let Units::Ascii(text) = units {
                out.push_str(text.get(*from..*to).unwrap_or_default())?;
            }
        }
        return Ok(());
    }
    // Bounded before it is built: every part is of a value, but there may be many.
    crate::scalar::columns::check_value(parts.iter().map(|(_, from, to)| to.saturating_sub(*from)).sum())?;
    let mut whole = Vec::new();
    for (units, from, to) in parts {
        units.append(*from, *to, &mut whole);
    }
    for character in char::decode_utf16(whole) {
        out.push(character.unwrap_or('?'))?;
    }
    Ok(())
}
