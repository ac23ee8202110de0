//! Cuts a text into tokens.
//!
//! Invariant: every byte is looked at a bounded number of times, and the number of tokens is bounded.

use super::{
    TEXT_BYTES_MAX, TOKENS_MAX,
    token::{Kind, Token},
};
use crate::{ast::Span, error::SqlError};

/// The tokens of `text`, the last one being `Kind::End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the text has {} bytes, at most {TEXT_BYTES_MAX} are possible", text.len());
        return Err(SqlError::new("sql.too_long", message, Span::default()));
    }
    let mut lexer = Lexer { text, at: 0, in_hint: false };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let start = lexer.at;
        let kind = lexer.token()?;
        if tokens.len() >= TOKENS_MAX {
            let message = format!("the text has more than {TOKENS_MAX} words and signs");
            return Err(SqlError::new("sql.too_long", message, Span { start, end: lexer.at }));
        }
        tokens.push(Token { kind, start: start as u32, end: lexer.at as u32, partner: 0, opens_query: false });
        if kind == Kind::End {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    in_hint: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn unterminated(&self, what: &str, close: &str, opening: usize) -> SqlError {
        let message = format!("{what} is not closed; expected `{close}` before the end of the text");
        SqlError::new("sql.unterminated", message, Span { start: self.at, end: self.at + opening })
    }

    /// Skips white space and comments; `//` begins a comment for Flink, too.
    fn skip_blanks(&mut self) -> Result<(), SqlError> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            if blanks > 0 {
                self.at += blanks;
            } else if rest.starts_with("--") || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") && !rest.starts_with("/*+") {
                match rest[2..].find("*/") {
                    Some(length) => self.at += length + 4,
                    None => return Err(self.unterminated("the comment", "*/", 2)),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Kind, SqlError> {
        let Some(first) = self.rest().chars().next() else { return Ok(Kind::End) };
        match first {
            '\'' => self.quoted('\'', "the text", Kind::Text),
            '`' => self.quoted('`', "the name", Kind::QuotedName),
            '"' => self.quoted('"', "the text", Kind::DoubleQuoted),
            '0'..='9' => Ok(self.number()),
            '.' if self.byte(1).is_ascii_digit() => Ok(self.number()),
            c if is_name_start(c) => self.word(),
            _ => Ok(self.sign(first)),
        }
    }

    /// From one quote to the next single one; two quotes stand for one inside.
    fn quoted(&mut self, quote: char, what: &str, kind: Kind) -> Result<Kind, SqlError> {
        let mut end = self.at + 1;
        loop {
            match self.text[end..].find(quote) {
                None => return Err(self.unterminated(what, &quote.to_string(), 1)),
                Some(length) if self.text[end + length + 1..].starts_with(quote) => end += length + 2,
                Some(length) => {
                    self.at = end + length + 1;
                    return Ok(kind);
                }
            }
        }
    }

    fn skip_digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Kind {
        self.skip_digits();
        if self.byte(0) == b'.' {
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_digits();
            }
        }
        Kind::Number
    }

    fn word(&mut self) -> Result<Kind, SqlError> {
        let rest = self.rest();
        let length = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(length);
        let (prefix, kind) = if behind.starts_with('\'') && word.eq_ignore_ascii_case("x") {
            (length, Kind::Bytes)
        } else if behind.starts_with('\'') && (word.eq_ignore_ascii_case("n") || word.starts_with('_')) {
            (length, Kind::Text)
        } else if behind.starts_with("&'") && word.eq_ignore_ascii_case("u") {
            (length + 1, Kind::UnicodeText)
        } else {
            self.at += length;
            return Ok(Kind::Word);
        };
        self.at += prefix;
        self.quoted('\'', "the text", kind)
    }

    fn sign(&mut self, first: char) -> Kind {
        let (length, kind) = match (first, self.byte(1), self.byte(2)) {
            ('/', b'*', b'+') => (3, Kind::HintStart),
            ('*', b'/', _) if self.in_hint => (2, Kind::HintEnd),
            ('|', b'|', _) => (2, Kind::Concat),
            ('<', b'>', _) | ('!', b'=', _) => (2, Kind::NotEqual),
            ('<', b'=', _) => (2, Kind::LessOrEqual),
            ('>', b'=', _) => (2, Kind::GreaterOrEqual),
            ('=', b'>', _) => (2, Kind::Arrow),
            ('(', ..) => (1, Kind::LeftParen),
            (')', ..) => (1, Kind::RightParen),
            ('[', ..) => (1, Kind::LeftBracket),
            (']', ..) => (1, Kind::RightBracket),
            (',', ..) => (1, Kind::Comma),
            (';', ..) => (1, Kind::Semicolon),
            ('.', ..) => (1, Kind::Dot),
            (':', ..) => (1, Kind::Colon),
            ('+', ..) => (1, Kind::Plus),
            ('-', ..) => (1, Kind::Minus),
            ('*', ..) => (1, Kind::Star),
            ('/', ..) => (1, Kind::Slash),
            ('%', ..) => (1, Kind::Percent),
            ('=', ..) => (1, Kind::Equal),
            ('<', ..) => (1, Kind::Less),
            ('>', ..) => (1, Kind::Greater),
            _ => (first.len_utf8(), Kind::Other),
        };
        match kind {
            Kind::HintStart => self.in_hint = true,
            Kind::HintEnd => self.in_hint = false,
            _ => {}
        }
        self.at += length;
        kind
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}
