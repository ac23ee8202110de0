//! `\p{…}`: classes by name.

use super::PatternError;

/// The items of a class that stand for a property.
pub(super) fn property(name: &str) -> Result<String, PatternError> {
    // Java's POSIX classes are ASCII.
    let posix = match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7F",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r"!-/:-@\[-`{-~",
        "Graph" => "!-~",
        "Print" => " -~",
        "Blank" => r" \t",
        "Cntrl" => r"\x00-\x1F\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => r" \t\n\x0B\f\r",
        "javaLowerCase" => r"\p{Lowercase}",
        "javaUpperCase" => r"\p{Uppercase}",
        "javaAlphabetic" => r"\p{Alphabetic}",
        "javaLetter" => r"\p{L}",
        "javaDigit" => r"\p{Nd}",
        "javaLetterOrDigit" => r"\p{L}\p{Nd}",
        _ => "",
    };
    if !posix.is_empty() {
        return Ok(posix.to_owned());
    }
    let is_plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b' ' | b'-'));
    if let Some((key, value)) = name.split_once('=') {
        return match key.to_ascii_lowercase().as_str() {
            "sc" | "script" if is_plain(value) => Ok(format!(r"\p{{sc={value}}}")),
            "gc" | "general_category" if is_plain(value) => Ok(format!(r"\p{{gc={value}}}")),
            "blk" | "block" => Err(unsupported(name)),
            _ => Err(PatternError::Invalid(format!(r"unknown property \p{{{name}}}"))),
        };
    }
    if name.starts_with("java") || name.starts_with("In") {
        return Err(unsupported(name));
    }
    let short = name.strip_prefix("Is").unwrap_or(name);
    match short {
        "L1" => Ok(r"\x00-\xFF".to_owned()),
        "LD" => Ok(r"\p{L}\p{Nd}".to_owned()),
        "LC" => Ok(r"\p{Lu}\p{Ll}\p{Lt}".to_owned()),
        "all" => Ok(r"\x00-\x{10FFFF}".to_owned()),
        _ if is_plain(short) => Ok(format!(r"\p{{{short}}}")),
        _ => Err(PatternError::Invalid(format!(r"unknown property \p{{{name}}}"))),
    }
}

fn unsupported(name: &str) -> PatternError {
    PatternError::Unsupported(format!(r"\p{{{name}}}"))
}
