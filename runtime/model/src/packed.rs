//! Files that are packed into a component beside its code: a script, a table.
//!
//! A packed file is a custom section `millrace-file` at the component's top level: length of the name in LEB128, name,
//! content. Invariant: components that differ in packed files only have the same code, byte by byte, so machine code is
//! made and kept once for all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Name of the custom section.
pub const SECTION: &str = "millrace-file";
/// Bytes of a packed file's name.
pub const NAME_BYTES_MAX: usize = 256;
const HEADER_BYTES: usize = 8;

/// A section at the top level of a module or component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is; 0 for custom sections, in components 1 for core modules.
    pub id: u8,
    /// Id, length and content.
    pub whole: Range<usize>,
    /// The content.
    pub content: Range<usize>,
}

/// Code and packed files of a component.
#[derive(Debug, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// The component without packed files.
    pub code: Cow<'a, [u8]>,
    /// The packed files by name.
    pub files: BTreeMap<String, &'a [u8]>,
}

/// Why a component could not be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackedError {
    /// A section is longer than what is left, or its length is no number.
    #[error("a section at byte {at} is cut off")]
    CutOff {
        /// Where the section begins.
        at: usize,
    },
    /// A packed file without a proper name.
    #[error("a packed file has no name; expected 1 to {NAME_BYTES_MAX} bytes of UTF-8")]
    BadName,
    /// Two packed files of one name.
    #[error("the packed file `{0}` is there twice")]
    Twice(String),
}

/// The sections at the top level, in order, without looking into them.
///
/// # Errors
/// A section is cut off.
pub fn sections(bytes: &[u8]) -> Result<Vec<Section>, PackedError> {
    let mut sections = Vec::new();
    let mut at = HEADER_BYTES.min(bytes.len());
    while let Some(&id) = bytes.get(at) {
        let cut_off = PackedError::CutOff { at };
        let (length, start) = leb128(bytes, at + 1).ok_or(cut_off.clone())?;
        let end = start.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(cut_off)?;
        sections.push(Section { id, whole: at..end, content: start..end });
        at = end;
    }
    Ok(sections)
}

/// Takes a component apart.
///
/// # Errors
/// A section is cut off, or a packed file has no proper name or one that another has.
pub fn unpack(component: &[u8]) -> Result<Unpacked<'_>, PackedError> {
    let mut files = BTreeMap::new();
    let mut kept = Vec::new();
    for section in sections(component)? {
        let content = component.get(section.content.clone()).unwrap_or_default();
        match packed_file(&section, content)? {
            None => kept.push(section.whole),
            Some((name, _)) if files.contains_key(name) => return Err(PackedError::Twice(name.to_owned())),
            Some((name, content)) => {
                files.insert(name.to_owned(), content);
            }
        }
    }
    if files.is_empty() {
        return Ok(Unpacked { code: Cow::Borrowed(component), files });
    }
    let header = component.get(..HEADER_BYTES).into_iter();
    let parts: Vec<&[u8]> = header.chain(kept.into_iter().filter_map(|range| component.get(range))).collect();
    Ok(Unpacked { code: Cow::Owned(parts.concat()), files })
}

/// Puts a file into a component.
pub fn pack(component: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut section = Vec::with_capacity(content.len() + name.len() + SECTION.len() + 10);
    for text in [SECTION, name] {
        put_leb128(&mut section, text.len());
        section.extend_from_slice(text.as_bytes());
    }
    section.extend_from_slice(content);
    component.push(0);
    put_leb128(component, section.len());
    component.extend_from_slice(&section);
}

/// Name and content, if the section is a packed file.
fn packed_file<'a>(section: &Section, content: &'a [u8]) -> Result<Option<(&'a str, &'a [u8])>, PackedError> {
    let text = |bytes: &'a [u8]| {
        let (length, start) = leb128(bytes, 0)?;
        let (text, rest) = bytes.get(start..)?.split_at_checked(length)?;
        Some((std::str::from_utf8(text).ok()?, rest))
    };
    match text(content) {
        Some((SECTION, rest)) if section.id == 0 => match text(rest) {
            Some((name, content)) if (1..=NAME_BYTES_MAX).contains(&name.len()) => Ok(Some((name, content))),
            _ => Err(PackedError::BadName),
        },
        _ => Ok(None),
    }
}

/// An unsigned 32-bit number in LEB128, and where it ends.
fn leb128(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (nth, byte) in bytes.get(start..)?.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, start + nth + 1));
        }
    }
    None
}

fn put_leb128(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn what_was_packed_comes_out_and_the_code_stays() {
        let mut component = EMPTY.to_vec();
        component.extend(b"\0\x02\x01x");
        let code = component.clone();
        let long = vec![7; 1000];
        pack(&mut component, "script.js", b"export {}");
        pack(&mut component, "table", &long);
        let unpacked = unpack(&component).unwrap();
        assert_eq!(unpacked.code, code);
        assert_eq!(unpacked.files, BTreeMap::from([("script.js".into(), &b"export {}"[..]), ("table".into(), &long[..])]));
        assert_eq!(unpack(&code).unwrap(), Unpacked { code: Cow::Borrowed(&code), files: BTreeMap::new() });
    }

    #[test]
    fn what_is_cut_off_or_badly_named_is_refused() {
        let with = |rest: &[u8]| [EMPTY, rest].concat();
        let mut twice = EMPTY.to_vec();
        pack(&mut twice, "a", b"");
        pack(&mut twice, "a", b"1");
        let mut nameless = EMPTY.to_vec();
        pack(&mut nameless, "", b"");
        let mut packed = EMPTY.to_vec();
        pack(&mut packed, "name", b"content");
        for (bytes, error) in [
            (with(b"\0\x05abc"), PackedError::CutOff { at: 8 }),
            (with(b"\x01\xff\xff\xff\xff\xff\x01"), PackedError::CutOff { at: 8 }),
            (with(b"\x01"), PackedError::CutOff { at: 8 }),
            (packed[..packed.len() - 1].to_vec(), PackedError::CutOff { at: 8 }),
            (twice, PackedError::Twice("a".into())),
            (nameless, PackedError::BadName),
        ] {
            assert_eq!(unpack(&bytes).unwrap_err(), error);
        }
        assert_eq!(unpack(b"\0as").unwrap().code, &b"\0as"[..]);
    }
}
