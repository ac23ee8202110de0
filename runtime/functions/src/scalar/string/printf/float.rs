//! `%e`, `%f`, `%g` and `%a`.
//!
//! As in Java, the digits that are rounded are those of the shortest text of the number, and a half goes up.

use super::{
    Written, adjusted, justify, magnitude, number,
    specifier::{Conversion, Specifier},
};
use std::fmt::Write;

/// Digits of a number from 0: `0.d₁d₂d₃… × 10^point`.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

impl Digits {
    fn new(value: f64) -> Self {
        if value == 0.0 {
            return Self { digits: vec![b'0'], point: 1 };
        }
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let zeros = digits.iter().take_while(|d| **d == b'0').count();
        let end = digits.iter().rposition(|d| *d != b'0').map_or(zeros, |last| last + 1);
        let point = whole.len() as i32 + exponent.parse::<i32>().unwrap_or(0) - zeros as i32;
        Self { digits: digits[zeros.min(end)..end].to_vec(), point }
    }

    /// Keeps this many digits; below 0 nothing is rounded.
    fn round(&mut self, keep: i64) {
        let Ok(keep) = usize::try_from(keep) else { return };
        let Some(next) = self.digits.get(keep).copied() else { return };
        self.digits.truncate(keep);
        if next < b'5' {
            return;
        }
        while let Some(last) = self.digits.pop() {
            if last < b'9' {
                self.digits.push(last + 1);
                return;
            }
        }
        self.digits.push(b'1');
        self.point += 1;
    }

    fn digit(&self, at: i64) -> char {
        let digit = usize::try_from(at).ok().and_then(|at| self.digits.get(at));
        char::from(digit.copied().unwrap_or(b'0'))
    }

    /// `123.450`, with so many digits behind the point.
    fn plain(&self, precision: usize) -> String {
        let point = i64::from(self.point);
        let mut text = String::with_capacity(precision + 8);
        if point <= 0 {
            text.push('0');
        }
        text.extend((0..point).map(|at| self.digit(at)));
        if precision > 0 {
            text.push('.');
            // What was cut off below the last place is not there; what is further left of the digits is zero.
            text.extend((point..point + precision as i64).map(|at| self.digit(at)));
        }
        text
    }

    /// `1.2345`, and the exponent.
    fn scientific(&self, precision: usize) -> (String, i32) {
        let mut text = String::with_capacity(precision + 2);
        text.push(self.digit(0));
        if precision > 0 {
            text.push('.');
            text.extend((1..=precision as i64).map(|at| self.digit(at)));
        }
        (text, self.point - 1)
    }
}

/// Prints a number.
pub(super) fn print(value: f64, specifier: &Specifier, out: &mut String) -> Written {
    if value.is_nan() {
        justify(if specifier.is_upper { "NAN" } else { "NaN" }, specifier, out);
        return Ok(());
    }
    let is_negative = value.is_sign_negative();
    let size = value.abs();
    number(is_negative, specifier, out, |text| {
        if size.is_infinite() {
            text.push_str(if specifier.is_upper { "INFINITY" } else { "Infinity" });
            return Ok(());
        }
        if specifier.conversion == Conversion::HexadecimalFloat {
            return hexadecimal(size, specifier, text);
        }
        let precision = specifier.precision.unwrap_or(6);
        let mut digits = Digits::new(size);
        match specifier.conversion {
            Conversion::Fixed => {
                digits.round(i64::from(digits.point) + precision as i64);
                fixed(digits.plain(precision), is_negative, specifier, text)
            }
            Conversion::Scientific => {
                digits.round(precision as i64 + 1);
                let (mantissa, exponent) = digits.scientific(precision);
                scientific(mantissa, if size == 0.0 { 0 } else { exponent }, is_negative, specifier, text)
            }
            _ => {
                let precision = precision.max(1);
                digits.round(precision as i64);
                let is_plain = size == 0.0 || (-4..precision as i32).contains(&(digits.point - 1));
                if is_plain {
                    fixed(digits.plain((precision as i64 - i64::from(digits.point)).max(0) as usize), is_negative, specifier, text)
                } else {
                    let (mantissa, exponent) = digits.scientific(precision - 1);
                    scientific(mantissa, exponent, is_negative, specifier, text)
                }
            }
        }
    })
}

/// `#` asks for a point even where no digit follows.
fn with_point(mut mantissa: String, specifier: &Specifier) -> String {
    if specifier.flags.alternate && !mantissa.contains('.') {
        mantissa.push('.');
    }
    mantissa
}

fn fixed(mantissa: String, is_negative: bool, specifier: &Specifier, out: &mut String) -> Written {
    magnitude(&with_point(mantissa, specifier), specifier, adjusted(specifier.width, is_negative, specifier), out)
}

fn scientific(mantissa: String, exponent: i32, is_negative: bool, specifier: &Specifier, out: &mut String) -> Written {
    let letter = if specifier.is_upper { 'E' } else { 'e' };
    let sign = if exponent < 0 { '-' } else { '+' };
    let tail = format!("{letter}{sign}{:02}", exponent.unsigned_abs());
    let width = adjusted(specifier.width, is_negative, specifier).map(|width| width.saturating_sub(tail.len()));
    magnitude(&with_point(mantissa, specifier), specifier, width, out)?;
    out.push_str(&tail);
    Ok(())
}

/// `0x1.8p3`, as Java's `Double.toHexString`; with a precision the fraction is rounded to it, a tie to even.
fn hexadecimal(size: f64, specifier: &Specifier, out: &mut String) -> Written {
    let bits = size.to_bits();
    let (biased, mut fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let mut whole = u64::from(biased > 0);
    let exponent = match (biased, fraction) {
        (0, 0) => 0,
        (0, _) => -1022,
        _ => biased - 1023,
    };
    let mut places = 13;
    if let Some(precision) = specifier.precision.map(|p| p.max(1)).filter(|p| *p < 13) {
        let cut = 4 * (13 - precision as u32);
        let (kept, rest, half) = (fraction >> cut, fraction & ((1 << cut) - 1), 1_u64 << (cut - 1));
        let rounded = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
        whole += rounded >> (4 * precision as u32);
        fraction = rounded & ((1 << (4 * precision as u32)) - 1);
        places = precision;
    }
    let mut digits = format!("{fraction:0places$x}");
    if specifier.precision.is_none() {
        digits.truncate(digits.trim_end_matches('0').len().max(1));
    } else if let Some(precision) = specifier.precision {
        digits.extend(std::iter::repeat_n('0', precision.saturating_sub(digits.len())));
    }
    let mut text = String::new();
    write!(text, "{whole}.{digits}p{exponent}")?;
    let mut shown = "0x".to_owned();
    if specifier.flags.zeros {
        let missing = specifier.width.unwrap_or(0).saturating_sub(out.len() + shown.len() + text.len());
        shown.extend(std::iter::repeat_n('0', missing));
    }
    shown.push_str(&text);
    out.push_str(&if specifier.is_upper { shown.to_uppercase() } else { shown });
    Ok(())
}
