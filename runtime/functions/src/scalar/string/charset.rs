//! The character sets of `ENCODE` and `DECODE`, as Java replaces what they cannot hold.

use crate::EvaluationError;
use std::borrow::Cow;

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Ascii,
    Latin1,
    Utf8,
    /// With a byte order mark when encoding; big-endian without one when decoding.
    Utf16,
    Utf16Be,
    Utf16Le,
    Utf32Be,
    Utf32Le,
    Gbk,
    Gb18030,
}

impl Charset {
    /// The set that Java knows by this name.
    pub(super) fn named(name: &str) -> Result<Self, EvaluationError> {
        match name.to_ascii_uppercase().as_str() {
            "US-ASCII" | "ASCII" | "ISO646-US" | "ISO_646.IRV:1991" | "ASCII7" | "646" => Ok(Self::Ascii),
            "ISO-8859-1" | "ISO8859-1" | "ISO8859_1" | "ISO_8859-1" | "ISO_8859_1" | "LATIN1" | "L1" | "8859_1" => Ok(Self::Latin1),
            "UTF-8" | "UTF8" | "UNICODE-1-1-UTF-8" => Ok(Self::Utf8),
            "UTF-16" | "UTF_16" | "UTF16" | "UNICODE" | "UNICODEBIG" => Ok(Self::Utf16),
            "UTF-16BE" | "UTF_16BE" | "ISO-10646-UCS-2" | "X-UTF-16BE" | "UNICODEBIGUNMARKED" => Ok(Self::Utf16Be),
            "UTF-16LE" | "UTF_16LE" | "X-UTF-16LE" | "UNICODELITTLEUNMARKED" => Ok(Self::Utf16Le),
            "UTF-32" | "UTF_32" | "UTF32" | "ISO-10646-UCS-4" | "UTF-32BE" | "UTF_32BE" | "X-UTF-32BE" => Ok(Self::Utf32Be),
            "UTF-32LE" | "UTF_32LE" | "X-UTF-32LE" => Ok(Self::Utf32Le),
            "GBK" | "CP936" | "WINDOWS-936" => Ok(Self::Gbk),
            "GB18030" | "GB18030-2022" => Ok(Self::Gb18030),
            _ => Err(EvaluationError(format!(
                "unknown character set '{name}': it is one of US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16, UTF-32, UTF-32BE, \
                 UTF-32LE, GBK, GB18030"
            ))),
        }
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii => bytes.iter().map(|&b| if b.is_ascii() { char::from(b) } else { char::REPLACEMENT_CHARACTER }).collect(),
            Self::Latin1 => bytes.iter().map(|&b| char::from(b)).collect(),
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Utf16 => match bytes {
                [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
                [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
                _ => utf16(bytes, u16::from_be_bytes),
            },
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Self::Utf32Be => utf32(bytes, u32::from_be_bytes),
            Self::Utf32Le => utf32(bytes, u32::from_le_bytes),
            Self::Gbk | Self::Gb18030 => chinese(bytes),
        }
    }

    pub(super) fn encode(self, text: &str) -> Result<Vec<u8>, EvaluationError> {
        crate::scalar::columns::check_value(text.len().saturating_mul(2) / 3)?;
        let narrow =
            |most: u32| text.chars().map(|c| u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) <= most).unwrap_or(b'?')).collect();
        Ok(match self {
            Self::Ascii => narrow(0x7f),
            Self::Latin1 => narrow(0xff),
            Self::Utf8 => text.as_bytes().to_vec(),
            // Java writes no byte order mark before nothing.
            Self::Utf16 if text.is_empty() => Vec::new(),
            Self::Utf16 => [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf32Be => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            Self::Utf32Le => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            Self::Gb18030 => encoding_rs::GB18030.encode(text).0.into_owned(),
            Self::Gbk => gbk(text),
        })
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'_, str> {
    let pairs = bytes.chunks_exact(2);
    let is_cut = !pairs.remainder().is_empty();
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    let mut text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if is_cut {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into()
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Cow<'_, str> {
    let units = bytes.chunks_exact(4);
    let is_cut = !units.remainder().is_empty();
    let mut text: String =
        units.map(|four| char::from_u32(unit([four[0], four[1], four[2], four[3]])).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if is_cut {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into()
}

/// GBK and GB18030 are read alike, but for the byte 0x80: the web takes it for the sign of the euro, Java for nothing.
fn chinese(bytes: &[u8]) -> Cow<'_, str> {
    if !bytes.contains(&0x80) {
        return encoding_rs::GB18030.decode_without_bom_handling(bytes).0;
    }
    let (mut text, mut start, mut at) = (String::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == 0x80 {
            text.push_str(&encoding_rs::GB18030.decode_without_bom_handling(&bytes[start..at]).0);
            text.push(char::REPLACEMENT_CHARACTER);
            start = at + 1;
        }
        // The second byte of a character may be 0x80 too.
        at += if byte > 0x80 { 2 } else { 1 };
    }
    text.push_str(&encoding_rs::GB18030.decode_without_bom_handling(bytes.get(start..).unwrap_or_default()).0);
    text.into()
}

/// The characters of GB18030 that take up to two bytes.
fn gbk(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut room = [0; 4];
    for character in text.chars() {
        let (encoded, _, _) = encoding_rs::GB18030.encode(character.encode_utf8(&mut room));
        match &*encoded {
            short @ ([_] | [_, _]) => bytes.extend_from_slice(short),
            _ => bytes.push(b'?'),
        }
    }
    bytes
}
