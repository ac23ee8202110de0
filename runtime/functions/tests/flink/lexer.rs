//! Tokens of the cases' expressions.

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(String),
    Number(String),
    Text(String),
    Sign(String),
}

const SIGNS: &[&str] = &["<>", "<=", ">=", "||", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "=", "<", ">"];

pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            let length = number(rest);
            (Token::Number(rest[..length].to_owned()), length)
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        } else if first == '`' {
            let length = rest[1..].find('`').ok_or("case: `")? + 2;
            (Token::Word(rest[1..length - 1].to_owned()), length)
        } else if first == '\'' {
            let length = quoted(rest)?;
            (Token::Text(rest[1..length - 1].replace("''", "'")), length)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or_else(|| format!("case: {rest}"))?;
            (Token::Sign((*sign).to_owned()), sign.len())
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let exponent_sign = matches!(bytes[at], b'+' | b'-') && at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        if !(bytes[at].is_ascii_digit() || matches!(bytes[at], b'.' | b'e' | b'E') || exponent_sign) {
            break;
        }
        at += 1;
    }
    at
}

fn quoted(text: &str) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return Ok(at + 1),
            _ => at += 1,
        }
    }
    Err(format!("case: no end of {text}"))
}
