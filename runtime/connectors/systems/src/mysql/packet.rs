//! Packets of the MySQL protocol
//! (<https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html>): three bytes of length, one of
//! sequence, then the payload.

use millrace_connector::Unreachable;
use millrace_dial::Wire;

/// Bytes of one packet that are believed.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Reads one packet; answers its sequence number and payload.
pub(super) async fn read(wire: &mut Wire) -> Result<(u8, Vec<u8>), Unreachable> {
    let head = wire.read(4).await?;
    let (length, sequence) = match head.as_slice() {
        [a, b, c, sequence] => (usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16, *sequence),
        _ => (usize::MAX, 0),
    };
    if length == 0 || length > PAYLOAD_BYTES_MAX {
        return Err(foreign(wire));
    }
    Ok((sequence, wire.read(length).await?))
}

/// Sends one packet.
pub(super) async fn write(wire: &mut Wire, sequence: u8, payload: &[u8]) -> Result<(), Unreachable> {
    let [a, b, c, ..] = (payload.len() as u32).to_le_bytes();
    let mut bytes = vec![a, b, c, sequence];
    bytes.extend_from_slice(payload);
    wire.send(&bytes).await
}

pub(super) fn foreign(wire: &Wire) -> Unreachable {
    wire.unexpected("the answer is not MySQL")
}

/// Reads a payload from its beginning.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    /// Up to a zero byte, or to the end.
    pub(super) fn text(&mut self) -> String {
        let end = self.0.iter().position(|b| *b == 0);
        let (text, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    /// A length-encoded integer; `None` at the end or for NULL.
    pub(super) fn integer(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let wide = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        match first {
            0..=0xfa => Some(u64::from(first)),
            0xfc => self.take(2).map(wide),
            0xfd => self.take(3).map(wide),
            0xfe => self.take(8).map(wide),
            0xfb | 0xff => None,
        }
    }

    /// A length-encoded text; NULL is `Some(None)`.
    pub(super) fn value(&mut self) -> Option<Option<String>> {
        if self.0.first() == Some(&0xfb) {
            self.take(1);
            return Some(None);
        }
        let length = usize::try_from(self.integer()?).ok()?;
        Some(Some(String::from_utf8_lossy(self.take(length)?).into_owned()))
    }
}
