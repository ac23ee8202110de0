//! A position in a message and the tokens that can be read at it.
//!
//! Invariant: nothing here indexes without a check; the end reads as byte 0, which no token begins with or contains.

use crate::error::{Bad, bad};

/// Levels of nesting in a value that is skipped or kept as text.
const DEPTH_MAX: usize = 128;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next byte; 0 at the end.
    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == wanted;
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(super) fn expect(&mut self, wanted: u8, name: &str) -> Result<(), Bad> {
        if self.eat(wanted) { Ok(()) } else { Err(self.unexpected(name)) }
    }

    pub(super) fn literal(&mut self, word: &str) -> Result<(), Bad> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.unexpected(word))
    }

    #[cold]
    pub(super) fn unexpected(&self, expected: &str) -> Bad {
        let at = self.at;
        match std::str::from_utf8(self.rest()).ok().and_then(|rest| rest.chars().next()) {
            Some(found) => bad(format!("found {found:?} at byte {at}, expected {expected}")),
            None => match self.bytes.get(at) {
                Some(found) => bad(format!("found byte {found:#04x} at byte {at}, expected {expected}")),
                None => bad(format!("ends at byte {at}, expected {expected}")),
            },
        }
    }

    /// After the opening quote: the text up to the closing one, which is eaten. The answer is valid UTF-8; it lies in
    /// the message, or in `scratch` when there are escapes.
    #[inline]
    pub(super) fn string<'s>(&mut self, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Bad>
    where
        'a: 's,
    {
        let start = self.at;
        let ascii = self.find_string_end();
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        if self.peek() == b'"' {
            if !ascii {
                check_utf8(text, start)?;
            }
            self.at += 1;
            return Ok(text);
        }
        self.escaped_string(text, start, scratch)
    }

    /// Moves to the next quote, backslash or control character (or the end); tells whether all before it was ASCII.
    /// Eight bytes at a time: `(x - ONES) & !x & HIGH_BITS` marks zero bytes of `x`, exactly for the lowest one.
    #[inline]
    fn find_string_end(&mut self) -> bool {
        let mut seen = 0;
        while let Some(&chunk) = self.rest().first_chunk::<8>() {
            let x = u64::from_le_bytes(chunk);
            let quote = x ^ (ONES * u64::from(b'"'));
            let backslash = x ^ (ONES * u64::from(b'\\'));
            let stop =
                (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash) | (x.wrapping_sub(ONES * 0x20) & !x);
            let stop = stop & HIGH_BITS;
            if stop != 0 {
                let bits = stop.trailing_zeros() & !7;
                seen |= x & !(u64::MAX << bits);
                self.at += (bits / 8) as usize;
                return seen & HIGH_BITS == 0;
            }
            seen |= x;
            self.at += 8;
        }
        while !self.is_at_end() && !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
            seen |= u64::from(self.peek());
            self.at += 1;
        }
        seen & HIGH_BITS == 0
    }

    #[cold]
    fn escaped_string<'s>(&mut self, first: &[u8], start: usize, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Bad> {
        scratch.clear();
        scratch.extend_from_slice(first);
        loop {
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    check_utf8(scratch, start)?;
                    return Ok(scratch);
                }
                b'\\' => {
                    self.at += 1;
                    self.escape(scratch)?;
                }
                _ => return Err(self.unexpected("`\"` or an escaped character")),
            }
            let from = self.at;
            self.find_string_end();
            scratch.extend_from_slice(self.bytes.get(from..self.at).unwrap_or_default());
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Bad> {
        let plain = match self.peek() {
            escaped @ (b'"' | b'\\' | b'/') => escaped,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let character = self.unicode_escape()?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.unexpected("an escape: one of \" \\ / b f n r t u")),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<char, Bad> {
        let at = self.at;
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff if self.rest().starts_with(b"\\u") => {
                self.at += 2;
                let second = self.hex4()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(bad(format!("unpaired surrogate \\u{first:04x} at byte {at}")));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| bad(format!("unpaired surrogate \\u{code:04x} at byte {at}")))
    }

    fn hex4(&mut self) -> Result<u32, Bad> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = char::from(self.peek()).to_digit(16).ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Passes over a value of any kind, checking that it is one.
    pub(super) fn skip_value(&mut self, scratch: &mut Vec<u8>, depth: usize) -> Result<(), Bad> {
        if depth > DEPTH_MAX {
            return Err(bad(format!("is nested deeper than {DEPTH_MAX} levels at byte {}", self.at)));
        }
        match self.peek() {
            b'"' => {
                self.at += 1;
                self.string(scratch).map(|_| ())
            }
            b'{' => self.skip_object(scratch, depth),
            b'[' => self.skip_array(scratch, depth),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number().map(|_| ()),
        }
    }

    fn skip_object(&mut self, scratch: &mut Vec<u8>, depth: usize) -> Result<(), Bad> {
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.expect(b'"', "a field name in quotes")?;
            self.string(scratch)?;
            self.skip_space();
            self.expect(b':', "`:`")?;
            self.skip_space();
            self.skip_value(scratch, depth + 1)?;
            if self.ends_list(b'}', "`,` or `}`")? {
                return Ok(());
            }
        }
    }

    fn skip_array(&mut self, scratch: &mut Vec<u8>, depth: usize) -> Result<(), Bad> {
        self.at += 1;
        self.skip_space();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.skip_value(scratch, depth + 1)?;
            if self.ends_list(b']', "`,` or `]`")? {
                return Ok(());
            }
        }
    }

    /// After an element: whether the list ends here; otherwise moves behind the comma.
    #[inline]
    pub(super) fn ends_list(&mut self, close: u8, expected: &str) -> Result<bool, Bad> {
        self.skip_space();
        if self.eat(b',') {
            self.skip_space();
            return Ok(false);
        }
        if self.eat(close) { Ok(true) } else { Err(self.unexpected(expected)) }
    }
}

fn check_utf8(text: &[u8], start: usize) -> Result<(), Bad> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(bad(format!("invalid UTF-8 {} bytes into the text at byte {start}", error.valid_up_to()))),
    }
}
