//! Writes archives that are wrong on purpose: each field can lie by itself.

use serde::Deserialize;

/// An entry of a recipe; what is not said is as it should be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entry {
    pub name: String,
    /// Content as text.
    pub text: Option<String>,
    /// Content as hexadecimal digits.
    pub hex: Option<String>,
    /// Content of so many zero bytes.
    pub zeros: usize,
    /// Content as the entries of an archive within.
    pub archive: Option<Vec<Entry>>,
    /// Content as the class that a file of the case's folder `jar` compiles to: `acme/Clean`.
    pub compiled: Option<String>,
    /// Bytes of the content that are set afterwards: offset and value.
    pub patch: Vec<(usize, u8)>,
    /// So many entries like this one, with numbers in their names.
    pub copies: usize,
    pub is_stored: bool,
    /// Lies in directory and header.
    pub declared_size: Option<u32>,
    pub declared_crc: Option<u32>,
    /// The name before the data, if it is another one than in the directory.
    pub local_name: Option<String>,
    /// Unix mode, such as 0o120777 for a link.
    pub unix_mode: Option<u32>,
    pub flags: u16,
    /// The directory leads to the data of the entry before.
    pub shares_data: bool,
}

impl Entry {
    fn content(&self, compiled: &dyn Fn(&str) -> Vec<u8>) -> Vec<u8> {
        let mut content = match (&self.text, &self.hex, &self.archive, &self.compiled) {
            (Some(text), ..) => text.clone().into_bytes(),
            (_, Some(digits), ..) => {
                digits.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
            }
            (_, _, Some(entries), _) => archive(entries, compiled),
            (.., Some(class)) => compiled(class),
            _ => vec![0; self.zeros],
        };
        for (at, value) in &self.patch {
            content[*at] = *value;
        }
        content
    }
}

/// The archive that the entries describe.
pub fn archive(entries: &[Entry], compiled: &dyn Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let mut numbered = Vec::new();
    for entry in entries {
        numbered.push(entry.clone());
        let copies = (1..entry.copies).map(|number| Entry { name: format!("{}{number}", entry.name), ..entry.clone() });
        numbered.extend(copies);
    }
    let (mut bytes, mut directory, mut last) = (Vec::new(), Vec::new(), 0u32);
    for entry in &numbered {
        let content = entry.content(compiled);
        let packed = if entry.is_stored { content.clone() } else { miniz_oxide::deflate::compress_to_vec(&content, 6) };
        let offset = if entry.shares_data { last } else { u32::try_from(bytes.len()).unwrap() };
        last = offset;
        let crc = entry.declared_crc.unwrap_or_else(|| crc32fast::hash(&content));
        let size = entry.declared_size.unwrap_or(u32::try_from(content.len()).unwrap());
        let header = |name: &str| {
            let mut header = Vec::new();
            for field in [20, entry.flags, if entry.is_stored { 0 } else { 8 }, 0, 33] {
                header.extend(u16::to_le_bytes(field));
            }
            for field in [crc, u32::try_from(packed.len()).unwrap(), size] {
                header.extend(field.to_le_bytes());
            }
            header.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            header.extend([0, 0]);
            header
        };
        if !entry.shares_data {
            let name = entry.local_name.as_ref().unwrap_or(&entry.name);
            bytes.extend(b"PK\x03\x04");
            bytes.extend(header(name));
            bytes.extend(name.as_bytes());
            bytes.extend(&packed);
        }
        directory.extend(b"PK\x01\x02");
        let made_by: u16 = if entry.unix_mode.is_some() { 3 << 8 } else { 0 };
        directory.extend((made_by | 20).to_le_bytes());
        directory.extend(header(&entry.name));
        directory.extend([0; 6]);
        directory.extend((entry.unix_mode.unwrap_or_default() << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let (start, size) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let count = u16::try_from(numbered.len()).unwrap();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}
