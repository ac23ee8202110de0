//! Reads a pattern of Java's and writes it for the engine.

use super::{
    PatternError,
    class::{Escaped, any_but_line_ends, literal},
    property::property,
};

/// Flags that `(?…)` sets.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    caseless: bool,
    unicode_case: bool,
    multiline: bool,
    dot_all: bool,
    unix_lines: bool,
    comments: bool,
}

/// Where reading stands.
pub(super) struct Parser<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    flags: Flags,
    has_end: bool,
}

/// Rewrites a pattern; also says whether it has an end that holds before a last line end.
pub(super) fn rewrite(pattern: &str) -> Result<(String, bool), PatternError> {
    let mut parser = Parser { chars: pattern.chars().peekable(), flags: Flags::default(), has_end: false };
    let text = parser.alternatives(0)?;
    if parser.peek().is_some() {
        return Err(PatternError::Invalid("')' without '('".to_owned()));
    }
    Ok((text, parser.has_end))
}

fn invalid<T>(what: &str) -> Result<T, PatternError> {
    Err(PatternError::Invalid(what.to_owned()))
}

fn unsupported<T>(what: &str) -> Result<T, PatternError> {
    Err(PatternError::Unsupported(what.to_owned()))
}

impl Parser<'_> {
    pub(super) fn next(&mut self) -> Option<char> {
        self.chars.next()
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    pub(super) fn peek_second(&self) -> Option<char> {
        self.chars.clone().nth(1)
    }

    pub(super) fn accept(&mut self, c: char) -> bool {
        self.chars.next_if_eq(&c).is_some()
    }

    /// Whether letters match both cases, ASCII only.
    pub(super) fn is_ascii_caseless(&self) -> bool {
        self.flags.caseless && !self.flags.unicode_case
    }

    /// Skips white space and comments under `(?x)`, `c` being read already.
    pub(super) fn skips(&mut self, c: char) -> bool {
        if !self.flags.comments {
            return false;
        }
        if c == '#' {
            while self.peek().is_some_and(|c| c != '\n' && c != '\r') {
                self.next();
            }
        }
        c == '#' || c.is_ascii_whitespace() || c == '\x0b'
    }

    /// What `\Q` quotes.
    pub(super) fn quoted(&mut self) -> Vec<char> {
        let mut text = Vec::new();
        while let Some(c) = self.next() {
            if c == '\\' && self.accept('E') {
                break;
            }
            text.push(c);
        }
        text
    }

    /// `a|b` up to a `)` or the end. Flags set inside end with it.
    fn alternatives(&mut self, depth: usize) -> Result<String, PatternError> {
        if depth > 100 {
            return unsupported("deeply nested groups");
        }
        let flags = self.flags;
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if c == ')' {
                break;
            }
            self.next();
            if c == '|' {
                out.push('|');
            } else if !self.skips(c) {
                let (atom, repeats) = self.atom(c, depth)?;
                out.push_str(&atom);
                if repeats {
                    self.quantifier(&mut out)?;
                }
            }
        }
        self.flags = flags;
        Ok(out)
    }

    /// What starts with `c`, and whether it can be repeated.
    fn atom(&mut self, c: char, depth: usize) -> Result<(String, bool), PatternError> {
        Ok(match c {
            '(' => return self.group(depth),
            '[' => {
                let class = self.class(0)?;
                (self.caseless(class), true)
            }
            '.' if self.flags.dot_all => ("(?s:.)".to_owned(), true),
            '.' => (any_but_line_ends(self.flags.unix_lines).to_owned(), true),
            '^' => ((if self.flags.multiline { "(?mR:^)" } else { r"(?:\A)" }).to_owned(), true),
            '$' if self.flags.multiline => ("(?mR:$)".to_owned(), true),
            '$' => {
                self.has_end = true;
                (r"(?:\z)".to_owned(), true)
            }
            '*' | '+' | '?' => return invalid(&format!("'{c}' repeats nothing")),
            '{' => return invalid("'{' repeats nothing"),
            '\\' => return self.escape(),
            c => (self.literal(c), true),
        })
    }

    fn literal(&self, c: char) -> String {
        self.caseless(literal(c, self.is_ascii_caseless()))
    }

    fn caseless(&self, text: String) -> String {
        if self.flags.caseless && self.flags.unicode_case { format!("(?i:{text})") } else { text }
    }

    fn quantifier(&mut self, out: &mut String) -> Result<(), PatternError> {
        while self.flags.comments && self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
        match self.peek() {
            Some(c @ ('*' | '+' | '?')) => {
                self.next();
                out.push(c);
            }
            Some('{') => {
                self.next();
                let mut bounds = String::new();
                loop {
                    match self.next() {
                        Some('}') => break,
                        Some(c) if c.is_ascii_digit() || (c == ',' && !bounds.is_empty() && !bounds.contains(',')) => bounds.push(c),
                        _ => return invalid("'{' does not start a repetition"),
                    }
                }
                let (least, most) = bounds.split_once(',').unwrap_or((&bounds, &bounds));
                let count =
                    |digits: &str| digits.parse::<u32>().map_err(|_| PatternError::Invalid("a repetition without a number".to_owned()));
                let least = count(least)?;
                if !most.is_empty() && count(most)? < least {
                    return invalid("a repetition with its bounds the wrong way round");
                }
                out.push_str(&format!("{{{bounds}}}"));
            }
            _ => return Ok(()),
        }
        if self.accept('?') {
            out.push('?');
        } else if self.accept('+') {
            return unsupported("possessive quantifiers");
        }
        Ok(())
    }

    /// A group behind its `(`.
    fn group(&mut self, depth: usize) -> Result<(String, bool), PatternError> {
        let mut open = String::from("(");
        let outer = self.flags;
        if self.accept('?') {
            match self.next() {
                Some(':') => open = "(?:".to_owned(),
                Some('=' | '!') => return unsupported("look-ahead"),
                Some('>') => return unsupported("atomic groups"),
                Some('<') if matches!(self.peek(), Some('=' | '!')) => return unsupported("look-behind"),
                Some('<') => open = format!("(?P<{}>", self.group_name()?),
                Some(c) => {
                    self.read_flags(c)?;
                    match self.next() {
                        // Flags for the rest of the enclosing group.
                        Some(')') => return Ok((String::new(), false)),
                        Some(':') => open = "(?:".to_owned(),
                        _ => return invalid("a flag is unknown"),
                    }
                }
                None => return invalid("a group is not closed"),
            }
        }
        let inside = self.alternatives(depth + 1)?;
        self.flags = outer;
        if !self.accept(')') {
            return invalid("a group is not closed");
        }
        Ok((format!("{open}{inside})"), true))
    }

    fn group_name(&mut self) -> Result<String, PatternError> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') if !name.is_empty() => return Ok(name),
                Some(c) if c.is_ascii_alphabetic() || (c.is_ascii_digit() && !name.is_empty()) => name.push(c),
                _ => return invalid("a group's name is not letters and digits"),
            }
        }
    }

    /// Flags up to `)` or `:`, the first being read already.
    fn read_flags(&mut self, first: char) -> Result<(), PatternError> {
        let mut value = true;
        let mut c = first;
        loop {
            match c {
                '-' => value = false,
                'i' => self.flags.caseless = value,
                'u' => self.flags.unicode_case = value,
                'm' => self.flags.multiline = value,
                's' => self.flags.dot_all = value,
                'd' => self.flags.unix_lines = value,
                'x' => self.flags.comments = value,
                'U' => return unsupported("(?U)"),
                _ => return invalid("a flag is unknown"),
            }
            match self.peek() {
                Some(')' | ':') => return Ok(()),
                Some(next) => {
                    self.next();
                    c = next;
                }
                None => return invalid("a group is not closed"),
            }
        }
    }

    /// An escape outside classes, behind its `\`.
    fn escape(&mut self) -> Result<(String, bool), PatternError> {
        let fixed = match self.peek() {
            // Not ASCII: letters of all scripts make words.
            Some('b') => r"(?:\b)",
            Some('B') => r"(?:\B)",
            Some('A') => r"(?:\A)",
            Some('z') => r"(?:\z)",
            Some('Z') => {
                self.has_end = true;
                r"(?:\z)"
            }
            Some('R') => r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])",
            Some('G') => return unsupported(r"\G"),
            Some('X') => return unsupported(r"\X"),
            Some('k' | '1'..='9') => return unsupported("back references"),
            Some('Q') => {
                self.next();
                let text: String = self.quoted().into_iter().map(|c| self.literal(c)).collect();
                let repeats = !text.is_empty();
                return Ok((text, repeats));
            }
            _ => {
                return Ok(match self.class_escape()? {
                    Escaped::Character(c) => (self.literal(c), true),
                    Escaped::Items(items) => {
                        let class = format!("[{items}]");
                        (self.caseless(class), true)
                    }
                });
            }
        };
        self.next();
        Ok((fixed.to_owned(), true))
    }

    /// An escape that stands for a character or for a class of them, behind its `\`.
    pub(super) fn class_escape(&mut self) -> Result<Escaped, PatternError> {
        let Some(c) = self.next() else { return invalid(r"'\' at the end") };
        let items = |text: &str| Ok(Escaped::Items(text.to_owned()));
        let character = |c| Ok(Escaped::Character(c));
        match c {
            'd' => items("0-9"),
            'D' => items("[^0-9]"),
            'w' => items("a-zA-Z0-9_"),
            'W' => items("[^a-zA-Z0-9_]"),
            's' => items(r" \t\n\x0B\f\r"),
            'S' => items(r"[^ \t\n\x0B\f\r]"),
            'h' => items(r" \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}"),
            'H' => items(r"[^ \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"),
            'v' => items(r"\n\x0B\f\r\x{85}\x{2028}\x{2029}"),
            'V' => items(r"[^\n\x0B\f\r\x{85}\x{2028}\x{2029}]"),
            'p' | 'P' => {
                let name = self.property_name()?;
                let positive = property(&name)?;
                Ok(Escaped::Items(if c == 'p' { positive } else { format!("[^{positive}]") }))
            }
            't' => character('\t'),
            'n' => character('\n'),
            'r' => character('\r'),
            'f' => character('\x0c'),
            'a' => character('\x07'),
            'e' => character('\x1b'),
            'c' => match self.next() {
                Some(c) if c.is_ascii() => character(char::from(c as u8 ^ 64)),
                _ => invalid(r"\c without a letter"),
            },
            '0' => self.octal(),
            'x' if self.accept('{') => {
                let mut digits = String::new();
                while let Some(c) = self.next().filter(|c| *c != '}') {
                    digits.push(c);
                }
                self.code_point(&digits)
            }
            'x' => self.hexadecimal(2),
            'u' => self.hexadecimal(4),
            'N' => unsupported(r"\N"),
            c if c.is_ascii_alphanumeric() => invalid(&format!(r"unknown escape \{c}")),
            // Java knows no escape that is an underscore: it is a character like the others that are no letters.
            c => character(c),
        }
    }

    fn property_name(&mut self) -> Result<String, PatternError> {
        match self.next() {
            Some('{') => {
                let mut name = String::new();
                loop {
                    match self.next() {
                        Some('}') => return Ok(name),
                        Some(c) => name.push(c),
                        None => return invalid(r"\p{ is not closed"),
                    }
                }
            }
            Some(c) => Ok(c.to_string()),
            None => invalid(r"\p without a name"),
        }
    }

    fn octal(&mut self) -> Result<Escaped, PatternError> {
        let mut value = 0u32;
        let mut count = 0;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(8)).filter(|digit| count < 3 && value * 8 + digit <= 0o377) {
            value = value * 8 + digit;
            count += 1;
            self.next();
        }
        match char::from_u32(value).filter(|_| count > 0) {
            Some(c) => Ok(Escaped::Character(c)),
            None => invalid(r"\0 without octal digits"),
        }
    }

    fn hexadecimal(&mut self, count: usize) -> Result<Escaped, PatternError> {
        let digits: String = (0..count).filter_map(|_| self.next()).collect();
        if digits.len() != count {
            return invalid("too few hexadecimal digits");
        }
        self.code_point(&digits)
    }

    fn code_point(&mut self, digits: &str) -> Result<Escaped, PatternError> {
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        match code {
            None => invalid("no hexadecimal digits"),
            Some(code) => char::from_u32(code).map(Escaped::Character).map_or_else(|| unsupported("half a surrogate pair"), Ok),
        }
    }
}
