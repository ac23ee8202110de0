//! PNG (ISO/IEC 15948): every chunk checked, the pixels inflated and counted; what is not needed to draw one still picture is
//! left out.

use super::ICON_PIXELS;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Offset and step of the columns and rows of Adam7's passes.
const ADAM7: [(u32, u32, u32, u32); 7] = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)];

pub(super) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// A chunk: its name, its content, and all of its bytes.
struct Chunk<'a> {
    name: [u8; 4],
    content: &'a [u8],
    whole: &'a [u8],
}

struct Header {
    width: u32,
    height: u32,
    bits_per_pixel: u32,
    depth: u32,
    is_indexed: bool,
    is_interlaced: bool,
}

/// Checks a picture; answers it without what is not needed to draw it.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let mut kept = SIGNATURE.to_vec();
    let mut header: Option<Header> = None;
    let (mut packed, mut colors, mut is_behind_pixels) = (Vec::new(), None, false);
    loop {
        let chunk = next(&mut rest)?;
        let Some(known) = &header else {
            if &chunk.name != b"IHDR" {
                return Err("does not begin with its header".to_owned());
            }
            header = Some(Header::read(chunk.content)?);
            kept.extend_from_slice(chunk.whole);
            continue;
        };
        match &chunk.name {
            b"IDAT" if is_behind_pixels => return Err("its pixels do not stand together".to_owned()),
            b"IDAT" => packed.extend_from_slice(chunk.content),
            b"PLTE" if packed.is_empty() && colors.is_none() => {
                let count = chunk.content.len() / 3;
                if chunk.content.len() % 3 != 0 || !(1..=1usize << known.depth.min(8)).contains(&count) {
                    return Err(format!("has a palette of {} bytes", chunk.content.len()));
                }
                colors = Some(count);
            }
            b"tRNS" if packed.is_empty() && chunk.content.len() <= 256 => {}
            b"IEND" if chunk.content.is_empty() => {
                if !rest.is_empty() {
                    return Err(format!("has {} bytes behind its end", rest.len()));
                }
                kept.extend_from_slice(chunk.whole);
                break;
            }
            // A letter in lower case: nothing that is needed to draw the picture.
            [first, ..] if first.is_ascii_lowercase() => {
                is_behind_pixels |= !packed.is_empty();
                continue;
            }
            name => return Err(format!("has the part `{}` where none is expected", String::from_utf8_lossy(name))),
        }
        is_behind_pixels |= !packed.is_empty() && &chunk.name != b"IDAT";
        kept.extend_from_slice(chunk.whole);
    }
    let header = header.ok_or("has no header")?;
    if header.is_indexed && colors.is_none() {
        return Err("has no palette".to_owned());
    }
    header.check_pixels(&packed)?;
    Ok(kept)
}

/// The next chunk, its checksum checked.
fn next<'a>(rest: &mut &'a [u8]) -> Result<Chunk<'a>, String> {
    let cut = || "ends before its time".to_owned();
    let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
    let (name, behind) = behind.split_first_chunk::<4>().ok_or_else(cut)?;
    let (content, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
    let (checksum, behind) = behind.split_first_chunk::<4>().ok_or_else(cut)?;
    let mut found = crc32fast::Hasher::new();
    found.update(name);
    found.update(content);
    if !name.iter().all(u8::is_ascii_alphabetic) || found.finalize() != u32::from_be_bytes(*checksum) {
        return Err(format!("is damaged in the part `{}`", String::from_utf8_lossy(name)));
    }
    let whole = rest.get(..length + 12).ok_or_else(cut)?;
    *rest = behind;
    Ok(Chunk { name: *name, content, whole })
}

impl Header {
    fn read(content: &[u8]) -> Result<Self, String> {
        let Ok([w0, w1, w2, w3, h0, h1, h2, h3, depth, color, 0, 0, interlace @ (0 | 1)]) = <[u8; 13]>::try_from(content) else {
            return Err("has a header that is not known".to_owned());
        };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        if !ICON_PIXELS.contains(&width) || !ICON_PIXELS.contains(&height) {
            let (least, most) = (ICON_PIXELS.start(), ICON_PIXELS.end());
            return Err(format!("has {width} × {height} pixels, expected {least} to {most} a side"));
        }
        let channels = match (color, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (2, 8 | 16) => 3,
            (4, 8 | 16) => 2,
            (6, 8 | 16) => 4,
            _ => return Err(format!("has colours of type {color} with {depth} bits, which there are not")),
        };
        let depth = u32::from(depth);
        Ok(Self { width, height, bits_per_pixel: channels * depth, depth, is_indexed: color == 3, is_interlaced: interlace == 1 })
    }

    /// Bytes of a row and rows, of each pass.
    fn passes(&self) -> Vec<(usize, usize)> {
        let row = |width: u32| (width * self.bits_per_pixel).div_ceil(8) as usize + 1;
        if !self.is_interlaced {
            return vec![(row(self.width), self.height as usize)];
        }
        let of = |size: u32, from: u32, step: u32| size.saturating_sub(from).div_ceil(step);
        let pass = |(x, dx, y, dy): (u32, u32, u32, u32)| (of(self.width, x, dx), of(self.height, y, dy) as usize);
        ADAM7.map(pass).into_iter().filter(|(width, rows)| *width > 0 && *rows > 0).map(|(width, rows)| (row(width), rows)).collect()
    }

    /// The pixels are as many as the header says; bounded by that before they are inflated.
    fn check_pixels(&self, packed: &[u8]) -> Result<(), String> {
        let passes = self.passes();
        let expected = passes.iter().map(|(bytes, rows)| bytes * rows).sum::<usize>();
        let pixels = decompress_to_vec_zlib_with_limit(packed, expected).map_err(|error| format!("its pixels cannot be read: {error}"))?;
        if pixels.len() != expected {
            return Err(format!("has {} bytes of pixels, expected {expected}", pixels.len()));
        }
        let mut rest = pixels.as_slice();
        for (bytes, rows) in passes {
            let (pass, behind) = rest.split_at_checked(bytes * rows).ok_or("has too few pixels")?;
            // Each row begins with how it is filtered.
            if pass.chunks(bytes).any(|row| row.first().is_none_or(|filter| *filter > 4)) {
                return Err("has a row that is filtered in no known way".to_owned());
            }
            rest = behind;
        }
        Ok(())
    }
}
