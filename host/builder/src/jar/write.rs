//! Writes the archive that compilers open: stored, in the order of names, always the same bytes for the same content.

const VERSION: u16 = 10;
/// 1 January 1980, the first day of ZIP.
const DATE: u16 = (1 << 5) | 1;

/// An archive of these files.
///
/// # Errors
/// It would need ZIP64.
pub fn stored(files: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, String> {
    let too_large = |_| "it is too large".to_owned();
    let mut archive = Vec::with_capacity(files.iter().map(|(name, bytes)| bytes.len() + 2 * name.len() + 80).sum());
    let mut directory = Vec::new();
    let count = u16::try_from(files.len()).map_err(too_large)?;
    for (name, bytes) in files {
        let offset = u32::try_from(archive.len()).map_err(too_large)?;
        let mut header = Vec::with_capacity(26);
        for field in [VERSION, 1 << 11, 0, 0, DATE] {
            header.extend(field.to_le_bytes());
        }
        let size = u32::try_from(bytes.len()).map_err(too_large)?;
        for field in [crc32fast::hash(&bytes), size, size] {
            header.extend(field.to_le_bytes());
        }
        header.extend(u16::try_from(name.len()).map_err(too_large)?.to_le_bytes());
        header.extend(0u16.to_le_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&header);
        archive.extend(name.as_bytes());
        archive.extend(bytes);
        directory.extend(b"PK\x01\x02");
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&header);
        // Comment, volume, attributes: none.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(archive.len()).map_err(too_large)?;
    let size = u32::try_from(directory.len()).map_err(too_large)?;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(size.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    Ok(archive)
}
