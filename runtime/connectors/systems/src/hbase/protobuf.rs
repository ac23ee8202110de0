//! As much of Protocol Buffers as a handful of messages needs
//! (<https://protobuf.dev/programming-guides/encoding/>): numbers and length-delimited fields.

/// A number as a varint.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field with a number.
pub(super) fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

/// A field with bytes, a text or a message.
pub(super) fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 2, &mut out);
    out.extend_from_slice(&delimited(value));
    out
}

/// A message with its length in front.
pub(super) fn delimited(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(message.len() as u64, &mut out);
    out.extend_from_slice(message);
    out
}

/// Takes a varint from the front.
fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Takes a message with its length in front.
pub(super) fn take_delimited<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(from)?).ok()?;
    let (message, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(message)
}

/// A message, read by field numbers; what is cut off is not there.
#[derive(Clone, Copy)]
pub(super) struct Message<'a>(pub(super) &'a [u8]);

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Message<'a> {
    fn find(self, wanted: u64) -> Option<Value<'a>> {
        let mut rest = self.0;
        loop {
            let key = take_varint(&mut rest)?;
            let value = match key & 7 {
                0 => Value::Number(take_varint(&mut rest)?),
                1 => rest.split_at_checked(8).map(|(_, after)| rest = after).map(|()| Value::Fixed)?,
                2 => Value::Bytes(take_delimited(&mut rest)?),
                5 => rest.split_at_checked(4).map(|(_, after)| rest = after).map(|()| Value::Fixed)?,
                _ => return None,
            };
            if key >> 3 == wanted {
                return Some(value);
            }
        }
    }

    pub(super) fn number(self, field: u64) -> Option<u64> {
        match self.find(field)? {
            Value::Number(value) => Some(value),
            Value::Bytes(_) | Value::Fixed => None,
        }
    }

    pub(super) fn message(self, field: u64) -> Option<Self> {
        match self.find(field)? {
            Value::Bytes(value) => Some(Self(value)),
            Value::Number(_) | Value::Fixed => None,
        }
    }

    pub(super) fn text(self, field: u64) -> Option<String> {
        self.message(field).map(|m| String::from_utf8_lossy(m.0).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_cut_messages_have_none() {
        let message = [number(1, 300), bytes(2, b"ab"), vec![0x1d, 0, 0, 0, 0], bytes(4, &bytes(1, b"inner"))].concat();
        assert_eq!(Message(&message).number(1), Some(300));
        assert_eq!(Message(&message).text(2).as_deref(), Some("ab"));
        assert_eq!(Message(&message).message(4).and_then(|m| m.text(1)).as_deref(), Some("inner"));
        assert_eq!(Message(&message).number(2), None);
        assert!(Message(&message).text(9).is_none());
        for end in 0..message.len() {
            assert!(Message(&message[..end]).message(4).is_none(), "{end}");
        }
        assert!(Message(&[0xff; 20]).text(1).is_none());
    }
}
