//! From text to a document.
//!
//! As Jackson reads it by default: the text is one value, and what follows the value is not looked at, except that a number
//! must be followed by blank or the end and a word (`true`) by nothing that would continue it.

use super::{
    DEPTH_MAX, JsonError,
    document::{Document, Node, Span},
    number,
};
use std::collections::HashMap;

/// Most digits of a number.
const DIGITS_MAX: usize = 1_000;
/// Longest key, in UTF-16 units.
const KEY_UNITS_MAX: usize = 50_000;
/// Up to how many members are compared one by one to find a key that comes again.
const COMPARED_MAX: usize = 16;

/// Reads documents one after the other into the same buffers.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    nodes: Vec<Node>,
    decoded: String,
    repeated: HashMap<u32, Option<u32>>,
    open: Vec<Open>,
}

/// A container that is being read.
#[derive(Debug, Clone, Copy)]
struct Open {
    at: u32,
    is_object: bool,
    count: u32,
}

impl Reader {
    /// The document that a text begins with.
    pub(crate) fn read<'d>(&'d mut self, source: &'d str) -> Result<Document<'d>, JsonError> {
        self.nodes.clear();
        self.decoded.clear();
        self.repeated.clear();
        self.open.clear();
        Reading { source, bytes: source.as_bytes(), at: 0, reader: self }.document()?;
        Ok(Document { source, decoded: &self.decoded, nodes: &self.nodes, repeated: &self.repeated })
    }
}

struct Reading<'r> {
    source: &'r str,
    bytes: &'r [u8],
    at: usize,
    reader: &'r mut Reader,
}

impl Reading<'_> {
    fn error(&self, found: &'static str) -> JsonError {
        JsonError { found, offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Result<(), JsonError> {
        if u32::try_from(self.bytes.len()).is_err() {
            return Err(self.error("more than 4 GiB"));
        }
        self.skip_blank();
        self.value()?;
        while let Some(open) = self.reader.open.last().copied() {
            self.skip_blank();
            let close = if open.is_object { b'}' } else { b']' };
            if self.peek() == Some(close) {
                self.at += 1;
                self.close(open);
                continue;
            }
            if open.count > 0 {
                self.expect(b',', "neither a comma nor an end")?;
                self.skip_blank();
            }
            if open.is_object {
                self.key()?;
            }
            if let Some(open) = self.reader.open.last_mut() {
                open.count += 1;
            }
            self.value()?;
        }
        Ok(())
    }

    fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error(otherwise));
        }
        self.at += 1;
        Ok(())
    }

    fn key(&mut self) -> Result<(), JsonError> {
        self.expect(b'"', "no quote of a key")?;
        let start = self.at;
        self.text()?;
        if self.at - start > KEY_UNITS_MAX && self.source.get(start..self.at).unwrap_or_default().encode_utf16().count() > KEY_UNITS_MAX {
            return Err(self.error("a key of more than 50000 characters"));
        }
        self.skip_blank();
        self.expect(b':', "no colon")?;
        self.skip_blank();
        Ok(())
    }

    /// Reads a scalar, or opens a container.
    fn value(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.open(true),
            Some(b'[') => self.open(false),
            Some(b'"') => {
                self.at += 1;
                self.text()
            }
            Some(b't') => self.word("true", Node::Boolean(true)),
            Some(b'f') => self.word("false", Node::Boolean(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error("no value")),
            None => Err(self.error("the end")),
        }
    }

    fn open(&mut self, is_object: bool) -> Result<(), JsonError> {
        if self.reader.open.len() >= DEPTH_MAX {
            return Err(self.error("nesting of more than 1000 levels"));
        }
        self.at += 1;
        self.reader.open.push(Open { at: self.reader.nodes.len() as u32, is_object, count: 0 });
        // The sizes are put in when it closes.
        self.reader.nodes.push(Node::Null);
        Ok(())
    }

    fn close(&mut self, Open { at, is_object, count }: Open) {
        self.reader.open.pop();
        let size = self.reader.nodes.len() as u32 - at;
        let closed = if is_object { Node::Object { count, size, repeats: false } } else { Node::Array { count, size } };
        if let Some(node) = self.reader.nodes.get_mut(at as usize) {
            *node = closed;
        }
        if is_object && count > 1 {
            let repeated = self.repeated_keys(at, count as usize);
            if !repeated.is_empty() {
                self.reader.nodes[at as usize] = Node::Object { count, size, repeats: true };
                self.reader.repeated.extend(repeated);
            }
        }
    }

    /// The keys of an object that come more than once; see [`Document::repeated`].
    fn repeated_keys(&self, at: u32, count: usize) -> Vec<(u32, Option<u32>)> {
        let nothing = HashMap::new();
        let Reader { nodes, decoded, .. } = &*self.reader;
        let document = Document { source: self.source, decoded, nodes, repeated: &nothing };
        if count <= COMPARED_MAX {
            let differ = document.members(at).enumerate().all(|(i, (key, _))| document.members(at).take(i).all(|(other, _)| other != key));
            if differ {
                return Vec::new();
            }
        }
        let mut first: HashMap<&str, u32> = HashMap::with_capacity(count);
        let mut repeated = HashMap::new();
        for (key, value) in document.members(at) {
            // A key stands right before its value.
            let place = value - 1;
            match first.get(key) {
                None => {
                    first.insert(key, place);
                }
                Some(&first) => {
                    repeated.insert(first, Some(value));
                    repeated.insert(place, None);
                }
            }
        }
        repeated.into_iter().collect()
    }

    fn word(&mut self, word: &'static str, node: Node) -> Result<(), JsonError> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let behind = rest.strip_prefix(word).ok_or_else(|| self.error("no value"))?;
        if behind.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            return Err(self.error("an unknown word"));
        }
        self.at += word.len();
        self.reader.nodes.push(node);
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.error("no digit")) } else { Ok(self.at - start) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let has_leading_zero = self.peek() == Some(b'0');
        let mut digits = self.digits()?;
        if has_leading_zero && digits > 1 {
            return Err(self.error("a number with a leading zero"));
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            digits += self.digits()?;
            is_integer = false;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            digits += self.digits()?;
            is_integer = false;
        }
        if digits > DIGITS_MAX {
            return Err(self.error("a number of more than 1000 digits"));
        }
        if self.reader.open.is_empty() && !matches!(self.peek(), None | Some(b' ' | b'\t' | b'\n' | b'\r')) {
            return Err(self.error("something behind a number"));
        }
        let span = Span { start: start as u32, length: (self.at - start) as u32 };
        if !is_integer && number::Decimal::parse(self.source.get(start..self.at).unwrap_or_default()).is_none() {
            return Err(self.error("a number out of range"));
        }
        self.reader.nodes.push(if is_integer { Node::Integer(span) } else { Node::Float(span) });
        Ok(())
    }

    /// Reads a text behind its first quote.
    fn text(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => return self.escaped(start),
                Some(0..=0x1f) => return Err(self.error("a control character in a text")),
                Some(_) => self.at += 1,
                None => return Err(self.error("no end of a text")),
            }
        }
        self.reader.nodes.push(Node::Plain(Span { start: start as u32, length: (self.at - start) as u32 }));
        self.at += 1;
        Ok(())
    }

    /// The same for a text with escapes: it is built in `decoded`.
    fn escaped(&mut self, start: usize) -> Result<(), JsonError> {
        let from = self.reader.decoded.len();
        let mut copied = start;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.reader.decoded.push_str(self.source.get(copied..self.at).unwrap_or_default());
                    let (character, length) =
                        escape(self.source.get(self.at..).unwrap_or_default()).ok_or_else(|| self.error("an unknown escape"))?;
                    self.reader.decoded.push(character);
                    self.at += length;
                    copied = self.at;
                }
                Some(0..=0x1f) => return Err(self.error("a control character in a text")),
                Some(_) => self.at += 1,
                None => return Err(self.error("no end of a text")),
            }
        }
        self.reader.decoded.push_str(self.source.get(copied..self.at).unwrap_or_default());
        self.at += 1;
        let span = Span { start: from as u32, length: (self.reader.decoded.len() - from) as u32 };
        self.reader.nodes.push(Node::Decoded(span));
        Ok(())
    }
}

/// The character of the escape that a text begins with, and the escape's length; half a surrogate pair is `?`.
pub(crate) fn escape(text: &str) -> Option<(char, usize)> {
    let character = match text.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(text)?;
            let second = text.get(6..).filter(|rest| rest.starts_with("\\u")).and_then(unit);
            if let (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) = (first, second) {
                let pair = char::decode_utf16([first as u16, second as u16]).next().and_then(Result::ok);
                return Some((pair.unwrap_or('?'), 12));
            }
            return Some((char::from_u32(first).unwrap_or('?'), 6));
        }
        _ => return None,
    };
    Some((character, 2))
}

/// The UTF-16 unit of `\uXXXX`.
fn unit(text: &str) -> Option<u32> {
    let digits = text.get(2..6).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
