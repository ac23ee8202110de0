//! From the text of a filter, `[?(@.a > 1 && @.b == 'x')]`, to a condition.

use super::{
    PathError,
    condition::{Condition, Operand, Operator},
    invalid,
    parser::{self, quoted},
};
use crate::scalar::{PatternError, compiled_pattern};

/// Most parentheses and filters inside each other.
const DEPTH_MAX: usize = 50;

/// The condition of the filter whose `[` is at `bracket` and whose `?` at `mark`, and the position behind its `]`.
pub(super) fn parse(text: &[char], bracket: usize, mark: usize, depth: usize) -> Result<(Condition, usize), PathError> {
    let mut parser = FilterParser { text, at: mark + 1, depth };
    parser.skip_blanks();
    if parser.peek() != Some('(') {
        return Err(invalid(format!("`(` is expected behind the `?` at character {}", bracket + 1)));
    }
    let condition = parser.any()?;
    parser.skip_blanks();
    if parser.peek() != Some(']') {
        return Err(parser.unexpected("the end of a filter, `)]`,"));
    }
    Ok((condition, parser.at + 1))
}

struct FilterParser<'p> {
    text: &'p [char],
    at: usize,
    depth: usize,
}

impl FilterParser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &str) -> PathError {
        invalid(format!("{expected} is expected at character {}", self.at + 1))
    }

    fn eat(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let matches = word.chars().enumerate().all(|(i, c)| self.text.get(self.at + i) == Some(&c));
        if matches {
            self.at += word.len();
        }
        matches
    }

    fn deeper(&mut self) -> Result<(), PathError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(PathError::Unsupported(format!("filters or parentheses of more than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    /// `a || b`
    fn any(&mut self) -> Result<Condition, PathError> {
        let mut parts = vec![self.all()?];
        while self.eat("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    /// `a && b`
    fn all(&mut self) -> Result<Condition, PathError> {
        let mut parts = vec![self.part()?];
        while self.eat("&&") {
            parts.push(self.part()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    /// `(…)`, `!…` or a comparison
    fn part(&mut self) -> Result<Condition, PathError> {
        self.skip_blanks();
        if self.peek() == Some('!') {
            self.at += 1;
            self.deeper()?;
            let part = self.part()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(part)));
        }
        if self.eat("(") {
            self.deeper()?;
            let inner = self.any()?;
            self.depth -= 1;
            if !self.eat(")") {
                return Err(self.unexpected("`)`"));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    /// `a == b`, or a path that must lead somewhere
    fn comparison(&mut self) -> Result<Condition, PathError> {
        let left = self.operand()?;
        let before = self.at;
        self.skip_blanks();
        match self.operator()? {
            Some(operator) => Ok(Condition::Compare(left, operator, self.operand()?)),
            None => {
                self.at = before;
                match left {
                    Operand::Path { .. } => Ok(Condition::Exists(left)),
                    _ => Err(self.unexpected("an operator")),
                }
            }
        }
    }

    fn operator(&mut self) -> Result<Option<Operator>, PathError> {
        let is_sign = |c: char| matches!(c, '<' | '>' | '=' | '~' | '!');
        let is_signs = self.peek().is_some_and(is_sign);
        let rest = self.text.get(self.at..).unwrap_or_default();
        let word: String = rest.iter().copied().take_while(|c| if is_signs { is_sign(*c) } else { c.is_ascii_alphabetic() }).collect();
        let operator = match word.to_ascii_uppercase().as_str() {
            "" => return Ok(None),
            "==" => Operator::Equal,
            "===" => Operator::Same,
            "!=" => Operator::NotEqual,
            "!==" => Operator::NotSame,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "=~" => Operator::Matches,
            "CONTAINS" => Operator::Contains,
            "SIZE" => Operator::Size,
            "EMPTY" => Operator::Empty,
            "IN" | "NIN" | "ALL" | "TYPE" | "MATCHES" | "EXISTS" | "SUBSETOF" | "ANYOF" | "NONEOF" => {
                return Err(PathError::Unsupported(format!("the operator `{word}`")));
            }
            _ => return Err(invalid(format!("`{word}` is no operator of a filter"))),
        };
        self.at += word.len();
        Ok(Some(operator))
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        self.skip_blanks();
        match self.peek() {
            Some('@' | '$') => self.path(),
            Some('\'' | '"') => {
                let (value, behind) = quoted(self.text, self.at).ok_or_else(|| invalid("a text in a filter has no end"))?;
                self.at = behind;
                Ok(Operand::Text(value))
            }
            Some('/') => self.pattern(),
            Some('[' | '{') => Err(PathError::Unsupported("a JSON text inside a filter".to_owned())),
            _ if self.eat("true") => Ok(Operand::Boolean(true)),
            _ if self.eat("false") => Ok(Operand::Boolean(false)),
            _ if self.eat("null") => Ok(Operand::Null),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Operand, PathError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let digits: String = rest.iter().take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | 'e' | 'E')).collect();
        if crate::json::number::Decimal::parse(&digits).is_none() {
            return Err(self.unexpected("a value"));
        }
        self.at += digits.len();
        Ok(Operand::Number(digits))
    }

    /// `/pattern/flags`
    fn pattern(&mut self) -> Result<Operand, PathError> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let mut is_escaped = false;
        let end = rest.iter().position(|c| {
            let ends = *c == '/' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        });
        let end = end.ok_or_else(|| invalid("a pattern in a filter has no end"))?;
        let pattern: String = rest.iter().take(end).collect();
        let flags: String = rest.iter().skip(end + 1).take_while(|c| matches!(c, 'd' | 'i' | 'x' | 'm' | 's' | 'u' | 'U')).collect();
        self.at += end + 2 + flags.len();
        // A pattern must match the whole text.
        let switch = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
        let anchored = format!("{switch}\\A(?:{pattern})\\z");
        match compiled_pattern(&anchored).as_ref() {
            Ok(_) => Ok(Operand::Pattern(anchored)),
            Err(PatternError::Invalid(reason)) => Err(invalid(reason.clone())),
            Err(error @ PatternError::Unsupported(_)) => Err(PathError::Unsupported(error.to_string())),
        }
    }

    /// A path up to a blank, an operator or a parenthesis that does not belong to a function.
    fn path(&mut self) -> Result<Operand, PathError> {
        let start = self.at;
        let is_root = self.peek() == Some('$');
        self.at += 1;
        while let Some(character) = self.peek() {
            match character {
                ' ' | '<' | '>' | '=' | '~' | '!' => break,
                ')' if self.text.get(self.at - 1) != Some(&'(') => break,
                ']' => break,
                '[' => self.at = self.behind_bracket()?,
                _ => self.at += 1,
            }
        }
        let path: String = self.text.get(start..self.at).unwrap_or_default().iter().collect();
        self.deeper()?;
        let steps = parser::parse(&path, self.depth)?;
        self.depth -= 1;
        Ok(Operand::Path { is_root, steps })
    }

    /// The position behind the bracket that closes the one here.
    fn behind_bracket(&self) -> Result<usize, PathError> {
        let mut open = 0_usize;
        let mut at = self.at;
        loop {
            match self.text.get(at) {
                Some('\'' | '"') => {
                    at = quoted(self.text, at).ok_or_else(|| invalid("a text in a filter has no end"))?.1;
                    continue;
                }
                Some('[') => open += 1,
                Some(']') => open = open.saturating_sub(1),
                Some(_) => {}
                None => return Err(invalid("a bracket in a filter has no end")),
            }
            at += 1;
            if open == 0 {
                return Ok(at);
            }
        }
    }
}
