//! A strict reader of ZIP archives: what any two readers could see differently is refused.
//!
//! Invariants: nothing is unpacked beyond its declared size, and declared sizes are bounded before anything is unpacked;
//! data of two entries never overlaps; the directory and the entries' own headers agree. Layout: APPNOTE.TXT 6.3.10 (PKWARE).

use super::{JarLimits, shown};
use std::collections::HashSet;

const END: &[u8] = b"PK\x05\x06";
const DIRECTORY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
const END_BYTES: usize = 22;
const DIRECTORY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
const COMMENT_BYTES_MAX: usize = 0xffff;
const NAME_BYTES_MAX: usize = 512;
/// Entries up to here may be packed as tightly as they like.
const FREE_RATIO_BYTES: usize = 1 << 20;

const FLAG_ENCRYPTED: u16 = 1;
const FLAG_SIZES_FOLLOW: u16 = 1 << 3;
const FLAG_STRONG: u16 = 1 << 6;

/// An entry of the archive that is a file.
#[derive(Debug)]
pub struct Entry {
    pub name: String,
    is_deflated: bool,
    crc: u32,
    size: usize,
    start: usize,
    end: usize,
}

/// An archive whose directory has been read.
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// What is wrong.
    pub fn open(bytes: &'a [u8], limits: &JarLimits) -> Result<Self, String> {
        if bytes.len() > limits.archive_bytes_max {
            return Err(format!("it has {} bytes, expected at most {}", bytes.len(), limits.archive_bytes_max));
        }
        if !bytes.starts_with(LOCAL) && !bytes.starts_with(END) {
            return Err("it is not a JAR: a ZIP archive begins with `PK`".into());
        }
        let (count, directory, end) = find_directory(bytes)?;
        if count > limits.entries_max {
            return Err(format!("it has {count} entries, expected at most {}", limits.entries_max));
        }
        let mut archive = Self { bytes, entries: Vec::with_capacity(count) };
        let mut rest = bytes.get(directory..end).ok_or_else(cut_off)?;
        let (mut names, mut total) = (HashSet::with_capacity(count), 0usize);
        for _ in 0..count {
            let (header, after) = split(rest, DIRECTORY_BYTES)?;
            if !header.starts_with(DIRECTORY) {
                return Err("its directory is malformed".into());
            }
            let (name, after) = split(after, usize::from(u16_at(header, 28)?))?;
            let (_, after) = split(after, usize::from(u16_at(header, 30)?))?;
            let (_, after) = split(after, usize::from(u16_at(header, 32)?))?;
            rest = after;
            let name = check_name(name)?;
            if !names.insert(name) {
                return Err(format!("it has two entries of the name `{}`", shown(name)));
            }
            check_kind(name, header)?;
            let entry = archive.entry(name, header, directory, limits)?;
            total = total.saturating_add(entry.size);
            if !name.ends_with('/') {
                archive.entries.push(entry);
            } else if entry.size > 0 {
                return Err(format!("its folder `{}` has content", shown(name)));
            }
        }
        if !rest.is_empty() {
            return Err("its directory has more entries than it says".into());
        }
        if total > limits.total_bytes_max {
            return Err(format!("it unpacks to {} MiB, expected at most {}", total >> 20, limits.total_bytes_max >> 20));
        }
        archive.check_overlap()?;
        archive.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(archive)
    }

    /// Its files, by name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The content of an entry.
    ///
    /// # Errors
    /// It is not what the directory says.
    pub fn unpack(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        let name = || shown(&entry.name);
        let packed = self.bytes.get(entry.start..entry.end).ok_or_else(cut_off)?;
        let content = if entry.is_deflated {
            let mut content = vec![0; entry.size];
            let found = miniz_oxide::inflate::decompress_slice_iter_to_slice(&mut content, std::iter::once(packed), false, false);
            let written = found.map_err(|_| format!("`{}` does not unpack to the {} bytes that it declares", name(), entry.size))?;
            if written != entry.size {
                return Err(format!("`{}` unpacks to {written} bytes, but declares {}", name(), entry.size));
            }
            content
        } else {
            packed.to_vec()
        };
        if crc32fast::hash(&content) != entry.crc {
            return Err(format!("`{}` is damaged: its checksum differs", name()));
        }
        Ok(content)
    }

    fn entry(&self, name: &str, header: &[u8], directory: usize, limits: &JarLimits) -> Result<Entry, String> {
        let flags = u16_at(header, 8)?;
        if flags & (FLAG_ENCRYPTED | FLAG_STRONG) != 0 {
            return Err(format!("`{}` is encrypted", shown(name)));
        }
        let is_deflated = match u16_at(header, 10)? {
            0 => false,
            8 => true,
            other => return Err(format!("`{}` is packed by method {other}, expected stored or deflated", shown(name))),
        };
        let (packed, size, offset) = (size_at(header, 20)?, size_at(header, 24)?, size_at(header, 42)?);
        if size > limits.entry_bytes_max {
            return Err(format!("`{}` unpacks to {size} bytes, expected at most {}", shown(name), limits.entry_bytes_max));
        }
        if size > FREE_RATIO_BYTES && size / packed.max(1) > limits.ratio_max {
            return Err(format!(
                "`{}` unpacks to {} times its size, expected at most {} times: a ZIP bomb",
                shown(name),
                size / packed.max(1),
                limits.ratio_max
            ));
        }
        if !is_deflated && packed != size {
            return Err(format!("`{}` is stored, but declares two sizes: {packed} and {size} bytes", shown(name)));
        }
        let crc = u32_at(header, 16)?;
        let local = self.bytes.get(offset..directory).ok_or_else(cut_off)?;
        let start = offset + check_local(name, local, (flags, u16_at(header, 10)?), (crc, packed, size))?;
        let end = start.checked_add(packed).filter(|end| *end <= directory).ok_or_else(cut_off)?;
        Ok(Entry { name: name.to_owned(), is_deflated, crc, size, start, end })
    }

    fn check_overlap(&mut self) -> Result<(), String> {
        self.entries.sort_by_key(|entry| entry.start);
        for (first, second) in self.entries.iter().zip(self.entries.iter().skip(1)) {
            if first.end > second.start {
                return Err(format!("`{}` and `{}` share data: a ZIP bomb", shown(&first.name), shown(&second.name)));
            }
        }
        Ok(())
    }
}

/// Number of entries, where the directory begins and ends.
fn find_directory(bytes: &[u8]) -> Result<(usize, usize, usize), String> {
    let lowest = bytes.len().saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
    let mut at = bytes.len().checked_sub(END_BYTES).ok_or_else(cut_off)?;
    loop {
        let end = bytes.get(at..).ok_or_else(cut_off)?;
        if end.starts_with(END) && end.len() == END_BYTES + usize::from(u16_at(end, 20)?) {
            if u16_at(end, 4)? != 0 || u16_at(end, 6)? != 0 || u16_at(end, 8)? != u16_at(end, 10)? {
                return Err("it is one of several volumes".into());
            }
            let count = u16_at(end, 10)?;
            if count == u16::MAX {
                return Err("it is a ZIP64 archive, expected an ordinary one".into());
            }
            let (size, start) = (size_at(end, 12)?, size_at(end, 16)?);
            if start.checked_add(size) != Some(at) {
                return Err("its directory is not where it says: something stands before or within the archive".into());
            }
            return Ok((usize::from(count), start, at));
        }
        if at == lowest {
            return Err("it has no directory: it is cut off or no ZIP archive".into());
        }
        at -= 1;
    }
}

/// The name, if it leads to a place within the archive.
fn check_name(name: &[u8]) -> Result<&str, String> {
    let text =
        std::str::from_utf8(name).map_err(|_| format!("the name of an entry is not UTF-8: `{}`", shown(&String::from_utf8_lossy(name))))?;
    let refuse = |why: &str| Err(format!("entry `{}`: {why}", shown(text)));
    let parts = text.strip_suffix('/').unwrap_or(text);
    if text.len() > NAME_BYTES_MAX {
        return refuse("its name is too long");
    }
    if text.starts_with('/') || text.contains('\\') || text.contains(':') {
        return refuse("its name is an absolute path or has `\\` or `:`; expected a path within the archive");
    }
    if parts.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return refuse("its name leads out of the archive; expected a path without `.` and `..`");
    }
    if text.chars().any(char::is_control) {
        return refuse("its name has control characters");
    }
    Ok(text)
}

/// Only files and folders: by Unix mode, if the archive was made on such a system.
fn check_kind(name: &str, header: &[u8]) -> Result<(), String> {
    const UNIX: u16 = 3;
    const KIND: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    const FOLDER: u32 = 0o040_000;
    let mode = u32_at(header, 38)? >> 16;
    let kind = if u16_at(header, 4)? >> 8 == UNIX { mode & KIND } else { 0 };
    match kind {
        0 | FILE | FOLDER => Ok(()),
        0o120_000 => Err(format!("entry `{}` is a symbolic link; expected files only", shown(name))),
        _ => Err(format!("entry `{}` is neither a file nor a folder", shown(name))),
    }
}

/// Checks the header before the data; answers where the data begins.
fn check_local(name: &str, local: &[u8], (flags, method): (u16, u16), (crc, packed, size): (u32, usize, usize)) -> Result<usize, String> {
    let differs = || format!("`{}` is described differently in the directory and before its data", shown(name));
    let (header, after) = split(local, LOCAL_BYTES)?;
    if !header.starts_with(LOCAL) {
        return Err(differs());
    }
    let (name_bytes, extra_bytes) = (usize::from(u16_at(header, 26)?), usize::from(u16_at(header, 28)?));
    let (found, _) = split(after, name_bytes)?;
    let own_flags = u16_at(header, 6)?;
    if found != name.as_bytes() || u16_at(header, 8)? != method || (own_flags ^ flags) & (FLAG_ENCRYPTED | FLAG_SIZES_FOLLOW) != 0 {
        return Err(differs());
    }
    let sizes = (u32_at(header, 14)?, u32_at(header, 18)? as usize, u32_at(header, 22)? as usize);
    let is_later = own_flags & FLAG_SIZES_FOLLOW != 0 && sizes == (0, 0, 0);
    if !is_later && sizes != (crc, packed, size) {
        return Err(differs());
    }
    Ok(LOCAL_BYTES + name_bytes + extra_bytes)
}

fn cut_off() -> String {
    "it is cut off".into()
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), String> {
    bytes.split_at_checked(at).ok_or_else(cut_off)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, String> {
    let found = bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).ok_or_else(cut_off)?;
    Ok(u16::from_le_bytes(found))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, String> {
    let found = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or_else(cut_off)?;
    Ok(u32::from_le_bytes(found))
}

/// A size or offset; ZIP64 marks are refused.
fn size_at(bytes: &[u8], at: usize) -> Result<usize, String> {
    match u32_at(bytes, at)? {
        u32::MAX => Err("it is a ZIP64 archive, expected an ordinary one".into()),
        size => Ok(size as usize),
    }
}
