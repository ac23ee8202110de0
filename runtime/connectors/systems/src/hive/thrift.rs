//! As much of Thrift's binary protocol as two calls need
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md>).
//!
//! Invariant: nesting and lengths of what comes from the server are bounded.

const CALL: u32 = 0x8001_0001;
const REPLY: u32 = 0x8001_0002;
const DEPTH_MAX: u8 = 16;
const ITEMS_MAX: u32 = 10_000;

/// A value; what nobody asks for is kept as its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Text(Vec<u8>),
    Struct(Vec<(i16, Value, Vec<u8>, u8)>),
    Other,
}

impl Value {
    /// The field of a structure.
    pub(super) fn field(&self, wanted: i16) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|f| f.0 == wanted).map(|f| &f.1),
            Self::Integer(_) | Self::Text(_) | Self::Other => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }
}

/// A message that calls `method`.
pub(super) fn call(method: &str, arguments: &[u8]) -> Vec<u8> {
    [CALL.to_be_bytes().as_slice(), &sized(method.as_bytes()), &[0, 0, 0, 1], arguments].concat()
}

/// The result structure of a reply to `method`; `None` while bytes are missing or when it is none.
pub(super) fn answer(bytes: &[u8], method: &str) -> Option<Value> {
    let mut rest = bytes.strip_prefix(&REPLY.to_be_bytes())?;
    if take_sized(&mut rest)? != method.as_bytes() {
        return None;
    }
    take(&mut rest, 4)?;
    value(&mut rest, 12, 0)
}

/// Whether more bytes could make a reply of this.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    bytes.iter().zip(REPLY.to_be_bytes()).all(|(a, b)| *a == b)
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes().as_slice(), bytes].concat()
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

fn take_u32(from: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(take(from, 4)?.try_into().ok()?))
}

fn take_sized<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(from)? as usize;
    take(from, length)
}

/// A value of a type: 2 bool, 3 byte, 4 double, 6 i16, 8 i32, 10 i64, 11 string, 12 struct, 13 map, 14 set, 15 list.
fn value(from: &mut &[u8], kind: u8, depth: u8) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    let whole = |bytes: &[u8]| bytes.iter().fold(0i64, |n, b| n << 8 | i64::from(*b));
    Some(match kind {
        2 | 3 => Value::Integer(whole(take(from, 1)?)),
        6 => Value::Integer(whole(take(from, 2)?)),
        8 => Value::Integer(i64::from(take_u32(from)? as i32)),
        4 | 10 => Value::Integer(whole(take(from, 8)?)),
        11 => Value::Text(take_sized(from)?.to_vec()),
        12 => {
            let mut fields = Vec::new();
            loop {
                let kind = *take(from, 1)?.first()?;
                if kind == 0 {
                    return Some(Value::Struct(fields));
                }
                if fields.len() >= ITEMS_MAX as usize {
                    return None;
                }
                let id = i16::from_be_bytes(take(from, 2)?.try_into().ok()?);
                let before = *from;
                let found = value(from, kind, depth + 1)?;
                let raw = before.get(..before.len() - from.len())?.to_vec();
                fields.push((id, found, raw, kind));
            }
        }
        13 => {
            let kinds = take(from, 2)?;
            let (key, item) = (*kinds.first()?, *kinds.get(1)?);
            for _ in 0..bounded(take_u32(from)?)? {
                value(from, key, depth + 1)?;
                value(from, item, depth + 1)?;
            }
            Value::Other
        }
        14 | 15 => {
            let item = *take(from, 1)?.first()?;
            for _ in 0..bounded(take_u32(from)?)? {
                value(from, item, depth + 1)?;
            }
            Value::Other
        }
        _ => return None,
    })
}

fn bounded(count: u32) -> Option<u32> {
    (count <= ITEMS_MAX).then_some(count)
}

/// Writes structures.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    fn head(&mut self, kind: u8, id: i16) {
        self.0.push(kind);
        self.0.extend_from_slice(&id.to_be_bytes());
    }

    pub(super) fn integer(&mut self, id: i16, value: i32) {
        self.head(8, id);
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn text(&mut self, id: i16, value: &str) {
        self.head(11, id);
        self.0.extend_from_slice(&sized(value.as_bytes()));
    }

    pub(super) fn map(&mut self, id: i16, entries: &[(&str, &str)]) {
        self.head(13, id);
        self.0.extend_from_slice(&[11, 11]);
        self.0.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(0).to_be_bytes());
        for (key, value) in entries {
            self.0.extend_from_slice(&[sized(key.as_bytes()), sized(value.as_bytes())].concat());
        }
    }

    pub(super) fn structure(&mut self, id: i16, fill: impl FnOnce(&mut Self)) {
        self.head(12, id);
        fill(self);
        self.0.push(0);
    }

    /// A structure that was read, unchanged.
    pub(super) fn copy(&mut self, id: i16, value: &Value) {
        let Value::Struct(fields) = value else { return };
        self.head(12, id);
        for (id, _, raw, kind) in fields {
            self.head(*kind, *id);
            self.0.extend_from_slice(raw);
        }
        self.0.push(0);
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.push(0);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_copied_unchanged() {
        let mut writer = Writer::default();
        writer.structure(1, |s| {
            s.integer(1, -3);
            s.text(2, "ann");
            s.map(4, &[("use:database", "shop")]);
        });
        let body = writer.end();
        let reply = [REPLY.to_be_bytes().as_slice(), &sized(b"Open"), &[0, 0, 0, 1], &body].concat();
        let read = answer(&reply, "Open").unwrap();
        let inner = read.field(1).unwrap();
        assert_eq!(inner.field(1).and_then(Value::integer), Some(-3));
        assert_eq!(inner.field(2).and_then(Value::text), Some("ann"));
        let mut copied = Writer::default();
        copied.copy(1, inner);
        assert_eq!(copied.end(), body);
        for end in 0..reply.len() {
            assert!(answer(&reply[..end], "Open").is_none(), "{end}");
        }
        assert!(answer(&reply, "Close").is_none());
    }

    #[test]
    fn endless_nesting_is_refused() {
        let deep = [REPLY.to_be_bytes().as_slice(), &sized(b"a"), &[0; 4], &[12, 0, 1].repeat(100)].concat();
        assert!(answer(&deep, "a").is_none());
        let many = [REPLY.to_be_bytes().as_slice(), &sized(b"a"), &[0; 4], &[15, 0, 1, 2], &[0xff; 4], &[0; 64]].concat();
        assert!(answer(&many, "a").is_none());
    }
}
