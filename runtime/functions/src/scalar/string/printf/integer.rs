//! `%d`, `%o` and `%x`.

use super::{
    Failure, Written, adjusted, justify, magnitude, number,
    specifier::{Conversion, Specifier},
};

/// Prints a number of a type that is `bits` wide.
pub(super) fn print(value: i64, bits: u32, specifier: &Specifier, out: &mut String) -> Written {
    if specifier.conversion == Conversion::Decimal {
        let is_negative = value < 0;
        let digits = value.unsigned_abs().to_string();
        let width = adjusted(specifier.width, is_negative, specifier);
        return number(is_negative, specifier, out, |text| magnitude(&digits, specifier, width, text));
    }
    let flags = &specifier.flags;
    if flags.parentheses || flags.space || flags.plus {
        return Err(Failure::Null);
    }
    // A negative number as its two's complement in the width of its type.
    let pattern = (value as u64) & (u64::MAX >> (64 - bits));
    let (prefix, digits) = match specifier.conversion {
        Conversion::Octal => ("0", format!("{pattern:o}")),
        _ => ("0x", format!("{pattern:x}")),
    };
    let mut text = if flags.alternate { prefix.to_owned() } else { String::new() };
    if flags.zeros {
        let missing = specifier.width.unwrap_or(0).saturating_sub(text.len() + digits.len());
        text.extend(std::iter::repeat_n('0', missing));
    }
    text.push_str(&digits);
    if specifier.is_upper {
        text.make_ascii_uppercase();
    }
    justify(&text, specifier, out);
    Ok(())
}
