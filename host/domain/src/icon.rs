//! Icons of plugins (EXT-7): PNG and SVG as they may be kept and shown to others.
//!
//! Invariant: an [`Icon`] was read to its end and written anew from what was understood; nothing in it runs, reaches outside,
//! or grows when it is drawn.

mod png;
mod svg;

use crate::text_enum::text_enum;

/// Most bytes of an icon as it is given.
pub const ICON_BYTES_MAX: usize = 64 << 10;
/// Least and most pixels of a side.
pub const ICON_PIXELS: std::ops::RangeInclusive<u32> = 16..=512;

text_enum! {
    /// Format of an icon, as its media type.
    IconFormat, "icon format", {
        /// Portable Network Graphics.
        Png = "image/png",
        /// Scalable Vector Graphics.
        Svg = "image/svg+xml",
    }
}

/// An icon that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icon {
    /// Its format.
    pub format: IconFormat,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Icon {
    /// Reads an icon and keeps what is needed to draw it.
    ///
    /// # Errors
    /// It is neither format, damaged, too large, or has parts that could act or reach outside.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > ICON_BYTES_MAX {
            return Err(format!("has {} bytes, expected at most {ICON_BYTES_MAX}", bytes.len()));
        }
        if png::is_png(bytes) {
            return png::read(bytes).map(|bytes| Self { format: IconFormat::Png, bytes }).map_err(|error| format!("PNG: {error}"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') => {
                let drawn = svg::read(text).map_err(|error| format!("SVG: {error}"))?;
                Ok(Self { format: IconFormat::Svg, bytes: drawn.into_bytes() })
            }
            _ => Err("is neither PNG nor SVG (in UTF-8)".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
